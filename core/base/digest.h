/* SPDX-License-Identifier: Apache-2.0 */
/* A cryptographic hash, which the core does not have: whoever composes a node brings SHA-256 of a
 * library for what needs one (core/engine/token.h). Checksums and state hashes are core/base/hash.h
 * and crc32c.h. */
#ifndef RV_BASE_DIGEST_H
#define RV_BASE_DIGEST_H

#include "rivulet/bytes.h"

#define RV_DIGEST_SIZE 32u

typedef struct rv_digest_ops {
    /* Writes RV_DIGEST_SIZE bytes. Cannot fail. */
    void (*sha256)(rv_bytes text, uint8_t *digest);
} rv_digest_ops;

#endif
