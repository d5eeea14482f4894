/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of WebSocket's opening handshake (RFC 6455, section 4) that both sides compute. */
#ifndef RV_NATIVE_HANDSHAKE_H
#define RV_NATIVE_HANDSHAKE_H

#include "core/base/error.h"

#define RV_HANDSHAKE_KEY_LEN    24 /* base64 of 16 bytes */
#define RV_HANDSHAKE_ACCEPT_LEN 28 /* base64 of 20 bytes */

/* True when `key` is base64 of 16 bytes. */
bool rv_handshake_key_valid(rv_bytes key);

/* A key from 16 unpredictable bytes; NUL-terminated. */
void rv_handshake_key(const uint8_t *random, char key[RV_HANDSHAKE_KEY_LEN + 1]);

/* Sec-WebSocket-Accept for a key; NUL-terminated. */
void rv_handshake_accept(rv_bytes key, char accept[RV_HANDSHAKE_ACCEPT_LEN + 1]);

/* True when the comma-separated `list` of tokens has `token`; ASCII case counts unless `fold`. */
bool rv_handshake_list_has(rv_bytes list, const char *token, bool fold);

#endif
