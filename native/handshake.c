/* SPDX-License-Identifier: Apache-2.0 */
#include "native/handshake.h"

#include "core/base/assert.h"

#include <mbedtls/base64.h>
#include <mbedtls/sha1.h>
#include <strings.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, section 1.3 */

bool rv_handshake_key_valid(rv_bytes key) {
    uint8_t decoded[RV_HANDSHAKE_KEY_LEN];
    size_t len = 0;
    return key.len == RV_HANDSHAKE_KEY_LEN &&
           mbedtls_base64_decode(decoded, sizeof decoded, &len, key.ptr, key.len) == 0 && len == 16;
}

void rv_handshake_key(const uint8_t *random, char key[RV_HANDSHAKE_KEY_LEN + 1]) {
    RV_ASSERT(random != NULL);
    size_t len = 0;
    const int failed =
        mbedtls_base64_encode((uint8_t *)key, RV_HANDSHAKE_KEY_LEN + 1, &len, random, 16);
    RV_ASSERT(failed == 0 && len == RV_HANDSHAKE_KEY_LEN);
}

void rv_handshake_accept(rv_bytes key, char accept[RV_HANDSHAKE_ACCEPT_LEN + 1]) {
    RV_ASSERT(key.len == RV_HANDSHAKE_KEY_LEN);
    uint8_t text[RV_HANDSHAKE_KEY_LEN + sizeof GUID - 1];
    uint8_t digest[20];
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, GUID, sizeof GUID - 1);
    int failed = mbedtls_sha1_ret(text, sizeof text, digest);
    RV_ASSERT(failed == 0);
    size_t len = 0;
    failed = mbedtls_base64_encode((uint8_t *)accept, RV_HANDSHAKE_ACCEPT_LEN + 1, &len, digest,
                                   sizeof digest);
    RV_ASSERT(failed == 0 && len == RV_HANDSHAKE_ACCEPT_LEN);
}

bool rv_handshake_list_has(rv_bytes list, const char *token, bool fold) {
    RV_ASSERT(token != NULL);
    const size_t token_len = strlen(token);
    size_t start = 0;
    for (size_t i = 0; list.len > 0 && i <= list.len; i++) {
        if (i < list.len && list.ptr[i] != ',') {
            continue;
        }
        size_t end = i;
        while (start < end && (list.ptr[start] == ' ' || list.ptr[start] == '\t')) {
            start += 1;
        }
        while (end > start && (list.ptr[end - 1] == ' ' || list.ptr[end - 1] == '\t')) {
            end -= 1;
        }
        const char *const met = (const char *)list.ptr + start;
        if (end - start == token_len &&
            (fold ? strncasecmp(met, token, token_len) : strncmp(met, token, token_len)) == 0) {
            return true;
        }
        start = i + 1;
    }
    return false;
}
