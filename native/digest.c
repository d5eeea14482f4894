/* SPDX-License-Identifier: Apache-2.0 */
#include "native/digest.h"

#include "core/base/assert.h"

#include <mbedtls/sha256.h>

static void sha256(rv_bytes text, uint8_t *digest) {
    RV_ASSERT(digest != NULL);
    const int failed = mbedtls_sha256_ret(text.ptr, text.len, digest, 0);
    RV_ASSERT(failed == 0);
}

const rv_digest_ops rv_native_digest = {sha256};
