/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/wire_token.h"

#include "core/base/assert.h"
#include "sync/wire.h"

#define ADMITTED_RELAY 0x01u

void rv_wire_write_admitted_body(rv_writer *w, const rv_wire_admitted *m) {
    RV_ASSERT(m->principal.len > 0 && m->principal.len <= RV_TOKEN_NAME_MAX);
    rv_write_u8(w, m->relay ? ADMITTED_RELAY : 0);
    rv_write_varint(w, m->expires_in_ms);
    rv_write_blob(w, m->principal);
}

bool rv_wire_read_admitted_body(rv_bytes body, rv_wire_admitted *m) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(m != NULL);
    const uint8_t flags = rv_read_u8(&c);
    m->relay = (flags & ADMITTED_RELAY) != 0;
    m->expires_in_ms = rv_read_varint(&c);
    m->principal = rv_read_blob(&c);
    bool good = rv_cursor_done(&c) && (flags & ~ADMITTED_RELAY) == 0 && m->principal.len > 0 &&
                m->principal.len <= RV_TOKEN_NAME_MAX;
    for (size_t i = 0; good && i < m->principal.len; i++) {
        good = m->principal.ptr[i] > ' ' && m->principal.ptr[i] < 0x7f; /* it is shown */
    }
    return good;
}

void rv_wire_write_token(rv_writer *w, rv_bytes token) {
    RV_ASSERT(token.len > 0 && token.len <= RV_WIRE_TOKEN_MAX);
    rv_wire_begin(w, RV_WIRE_TOKEN);
    rv_write_blob(w, token);
}

rv_status rv_wire_read_token(rv_bytes body, rv_bytes *token, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(token != NULL);
    *token = rv_read_blob(&c);
    return rv_cursor_done(&c) && token->len > 0 && token->len <= RV_WIRE_TOKEN_MAX
               ? RV_OK
               : rv_wire_malformed(err, "token");
}

void rv_wire_write_admitted(rv_writer *w, const rv_wire_admitted *m) {
    RV_ASSERT(m != NULL);
    rv_wire_begin(w, RV_WIRE_ADMITTED);
    rv_wire_write_admitted_body(w, m);
}

rv_status rv_wire_read_admitted(rv_bytes body, rv_wire_admitted *m, rv_error *err) {
    RV_ASSERT(m != NULL);
    return rv_wire_read_admitted_body(body, m) ? RV_OK : rv_wire_malformed(err, "admitted");
}
