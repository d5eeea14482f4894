/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of tests/vectors, and a reader of all kinds of them but events. */
#ifndef RV_TESTS_SYNC_WIRE_READING_H
#define RV_TESTS_SYNC_WIRE_READING_H

#include "sync/wire_base.h"
#include "sync/wire_lease.h"
#include "sync/wire_push.h"
#include "sync/wire_relay.h"

#include <stdio.h>
#include <string.h>

static const rv_compression no_compression;

/* Raw deflate of one stored block is all that the vectors have; native/deflate.c has its own test.
 */
static inline size_t stored_inflate(void *ctx, rv_bytes in, uint8_t *out, size_t cap) {
    (void)ctx;
    rv_cursor c = rv_cursor_over(in);
    const uint8_t head = rv_read_u8(&c);
    const rv_bytes lengths = rv_read(&c, 4);
    if (c.bad) {
        return 0;
    }
    const size_t len = lengths.ptr[0] | (size_t)lengths.ptr[1] << 8;
    const size_t not_len = lengths.ptr[2] | (size_t)lengths.ptr[3] << 8;
    const rv_bytes data = rv_read(&c, len);
    if (!rv_cursor_done(&c) || head != 1 || (len ^ not_len) != UINT16_MAX || len > cap) {
        return 0;
    }
    memcpy(out, data.ptr, len);
    return len;
}

static const rv_compression_ops stored_ops = {NULL, stored_inflate};
static const rv_compression stored = {&stored_ops, NULL};

/* The first kind that is a message of its own and was not seen; RV_WIRE_IGNORED_FIRST: none. */
static inline uint32_t kind_without_vector(const bool seen[256]) {
    const rv_writer inflated = rv_writer_over(NULL, 0);
    uint32_t kind = 0;
    bool missing = false;
    while (!missing && kind < RV_WIRE_IGNORED_FIRST) {
        const uint8_t message[2] = {(uint8_t)kind, 0};
        rv_wire_kind met;
        rv_bytes body;
        const rv_status status = rv_wire_open(rv_bytes_of(message, sizeof message), &no_compression,
                                              &inflated, &met, &body, NULL);
        missing = status == RV_OK && !seen[kind];
        kind += missing ? 0 : 1;
    }
    return kind;
}

/* Those of gateways. */
static inline rv_status read_gate(rv_wire_kind kind, rv_bytes body, rv_error *err) {
    rv_wire_relay relay;
    rv_wire_relay_answer answer;
    rv_wire_point point;
    rv_wire_vouch outcome;
    rv_error why;
    uint64_t number = 0;
    if (kind == RV_WIRE_HELD) {
        return rv_wire_read_held(body, &why, err);
    }
    if (kind == RV_WIRE_VOUCH) {
        return rv_wire_read_vouch(body, &point, err);
    }
    if (kind == RV_WIRE_VOUCHED) {
        return rv_wire_read_vouched(body, &point, &outcome, err);
    }
    return kind == RV_WIRE_RELAY          ? rv_wire_read_relay(body, &relay, err)
           : kind == RV_WIRE_RELAY_ANSWER ? rv_wire_read_relay_answer(body, &answer, err)
           : kind == RV_WIRE_RELAYED      ? rv_wire_read_relayed(body, &number, err)
                                          : RV_OK;
}

/* Another selection, and the past, of both sides. */
static inline rv_status read_other(rv_wire_kind kind, rv_bytes body, rv_error *err) {
    rv_wire_past past;
    rv_wire_filled filled;
    rv_wire_selected selected;
    uint64_t number = 0;
    rv_bytes binary;
    if (kind != RV_WIRE_PAST) {
        return kind == RV_WIRE_SELECT ? rv_wire_read_select(body, &number, &binary, err)
                                      : rv_wire_read_selected(body, &selected, err);
    }
    return rv_wire_read_past(body, &past, err) == RV_OK ? RV_OK
                                                        : rv_wire_read_filled(body, &filled, err);
}

/* Decodes any message; RV_OK when it is well-formed. */
static inline rv_status read_any(rv_bytes message, rv_error *err) {
    static uint8_t space[4096];
    const rv_writer inflated = rv_writer_over(space, sizeof space);
    static rv_wire_hello hello;
    rv_wire_welcome welcome;
    rv_wire_progress progress;
    rv_wire_push push;
    rv_wire_decision decision;
    static rv_wire_selection selection;
    rv_wire_base base;
    rv_wire_lease lease;
    rv_wire_leased leased;
    rv_error told;
    uint64_t number = 0;
    rv_wire_kind kind;
    rv_bytes body;
    const rv_status status = rv_wire_open(message, &stored, &inflated, &kind, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_wire_admitted admitted;
    rv_bytes token;
    switch ((unsigned)kind) {
    case RV_WIRE_TOKEN:
        return rv_wire_read_token(body, &token, err);
    case RV_WIRE_ADMITTED:
        return rv_wire_read_admitted(body, &admitted, err);
    case RV_WIRE_HELLO:
        return rv_wire_read_hello(body, &hello, err);
    case RV_WIRE_WELCOME:
        return rv_wire_read_welcome(body, &welcome, err);
    case RV_WIRE_PROGRESS:
        return rv_wire_read_progress(body, &progress, err);
    case RV_WIRE_CREDIT:
        return rv_wire_read_credit(body, &number, err);
    case RV_WIRE_PING:
    case RV_WIRE_PONG:
        return rv_wire_read_ping(body, &number, err);
    case RV_WIRE_ERROR:
        return rv_wire_read_error(body, &told, err);
    case RV_WIRE_GOODBYE:
        return rv_wire_read_goodbye(body, err);
    case RV_WIRE_PUSH:
        return rv_wire_read_push(body, &push, err);
    case RV_WIRE_DECISION:
        return rv_wire_read_decision(body, &decision, err);
    case RV_WIRE_SETTLED:
        return rv_wire_read_settled(body, &number, err);
    case RV_WIRE_LEASE:
        return rv_wire_read_lease(body, &lease, err);
    case RV_WIRE_LEASED:
        return rv_wire_read_leased(body, &leased, err);
    case RV_WIRE_SELECTION:
        return rv_wire_read_selection(body, &selection, err);
    case RV_WIRE_BASE:
        return rv_wire_read_base(body, &base, err);
    case RV_WIRE_SELECT:
    case RV_WIRE_SELECTED:
    case RV_WIRE_PAST:
        return read_other(kind, body, err);
    default:
        return read_gate(kind, body, err);
    }
}

static inline FILE *open_vectors(const char *name) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    if (tests == NULL) {
        return NULL;
    }
    (void)snprintf(tests, sizeof path - (size_t)(tests - path), "tests/vectors/%s", name);
    return fopen(path, "r");
}

static inline rv_bytes from_hex(const char *hex, uint8_t *out, size_t cap) {
    size_t len = 0;
    unsigned byte = 0;
    while (len < cap && sscanf(hex + 2 * len, "%2x", &byte) == 1) {
        out[len++] = (uint8_t)byte;
    }
    return rv_bytes_of(out, len);
}

#endif
