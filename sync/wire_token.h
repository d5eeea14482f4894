/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes over a sync connection about tokens (docs/format/wire.md): the token itself, which the
 * hello carries and a token message renews, and what the upstream says of it, which the welcome
 * carries and an admitted message repeats.
 */
#ifndef RV_SYNC_WIRE_TOKEN_H
#define RV_SYNC_WIRE_TOKEN_H

#include "core/base/cursor.h"
#include "core/base/error.h"
#include "core/base/limits.h"

#define RV_WIRE_TOKEN_MAX    1024u /* bytes: tokens of whatever stands before a node, too */
#define RV_WIRE_ADMITTED_MAX (1u + 10 + 10 + RV_TOKEN_NAME_MAX)

/* What an upstream says of a token. */
typedef struct rv_wire_admitted {
    bool relay;             /* who has it may bring what others have written */
    uint64_t expires_in_ms; /* 0: never */
    rv_bytes principal;     /* its name: 1 to RV_TOKEN_NAME_MAX bytes */
} rv_wire_admitted;

/* The extension's body, and that of an admitted message. False: malformed. */
void rv_wire_write_admitted_body(rv_writer *w, const rv_wire_admitted *admitted);
RV_MUST_USE bool rv_wire_read_admitted_body(rv_bytes body, rv_wire_admitted *admitted);

/* The messages. RV_PROTOCOL_ERROR: malformed. */
void rv_wire_write_token(rv_writer *w, rv_bytes token);
RV_MUST_USE rv_status rv_wire_read_token(rv_bytes body, rv_bytes *token, rv_error *err);
void rv_wire_write_admitted(rv_writer *w, const rv_wire_admitted *admitted);
RV_MUST_USE rv_status rv_wire_read_admitted(rv_bytes body, rv_wire_admitted *admitted,
                                            rv_error *err);

#endif
