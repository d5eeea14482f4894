/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory that is only looked at, of a POSIX system: see cli/look.h. */
#ifndef RV_NATIVE_LOOK_H
#define RV_NATIVE_LOOK_H

#include "cli/look.h"

extern const rv_look_ops rv_native_look;

#endif
