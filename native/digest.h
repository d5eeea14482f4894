/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of mbed TLS, for tokens. */
#ifndef RV_NATIVE_DIGEST_H
#define RV_NATIVE_DIGEST_H

#include "core/base/digest.h"

extern const rv_digest_ops rv_native_digest;

#endif
