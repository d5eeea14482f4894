/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a message of a sync connection is read or refused, whatever the bytes, and what was read
 * says the same when it is written again. Method: the input is a message. Those of one form are
 * written again from what was read, and must be the same bytes; what may say more than a reader
 * keeps (extensions, facts, codes) is only read.
 */
#include "sync/wire_base.h"
#include "sync/wire_lease.h"
#include "sync/wire_push.h"
#include "tests/fuzz/fuzz.h"

static uint8_t memory[RV_WIRE_MESSAGE_MAX];

static void check_same(rv_bytes body, const rv_writer *w) {
    FUZZ_CHECK(!w->full);
    FUZZ_CHECK(rv_bytes_equal(body, rv_bytes_from(rv_writer_bytes(w), RV_WIRE_HEADER_LEN)));
}

static void check_push(rv_bytes body, rv_writer *w) {
    static uint64_t counted[RV_PUSH_COUNTED_MAX];
    rv_wire_push push;
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_wire_read_push(body, &push, &err);
    FUZZ_CHECK(status == err.status);
    if (status != RV_OK) {
        return;
    }
    uint64_t previous = 0;
    for (uint64_t i = 0; i < push.counted_count; i++) {
        counted[i] = rv_wire_read_counted(&push.counted, previous);
        FUZZ_CHECK(counted[i] > previous && counted[i] < push.edge_sequence);
        previous = counted[i];
    }
    rv_wire_write_push(w, &push, counted);
    for (uint64_t i = 0; i < push.count; i++) {
        rv_append event;
        FUZZ_CHECK(rv_wire_read_pushed(&push.events, &event) && event.has_event_id);
        rv_wire_write_pushed(w, &event);
    }
    check_same(body, w);
}

static void check_decision(rv_bytes body, rv_writer *w) {
    rv_wire_decision decision;
    if (rv_wire_read_decision(body, &decision, NULL) == RV_OK) {
        rv_wire_write_decision(w, &decision);
        FUZZ_CHECK(w->len <= RV_WIRE_DECISION_LEN_MAX);
        if (decision.outcome != RV_WIRE_DECIDED_REFUSED) {
            check_same(body, w);
        }
    }
}

static void check_lease(rv_wire_kind kind, rv_bytes body, rv_writer *w) {
    rv_wire_lease lease;
    rv_wire_leased leased;
    if (kind == RV_WIRE_LEASE && rv_wire_read_lease(body, &lease, NULL) == RV_OK) {
        FUZZ_CHECK(lease.count <= RV_LEASE_KEYS_MAX && lease.done <= lease.known);
        rv_wire_write_lease(w, &lease);
        check_same(body, w);
    } else if (kind == RV_WIRE_LEASED && rv_wire_read_leased(body, &leased, NULL) == RV_OK) {
        rv_wire_write_leased(w, &leased);
        if (leased.granted) {
            FUZZ_CHECK(leased.first + leased.count - 1 <= INT64_MAX);
            check_same(body, w);
        }
    }
}

static void check_select(rv_wire_kind kind, rv_bytes body, rv_writer *w) {
    uint64_t number = 0;
    rv_bytes selection;
    rv_wire_selected selected;
    if (kind == RV_WIRE_SELECT && rv_wire_read_select(body, &number, &selection, NULL) == RV_OK) {
        static rv_selection met;
        FUZZ_CHECK(number > 0);
        if (rv_selection_decode(selection, &met, NULL) == RV_OK) {
            rv_wire_begin_select(w, number);
            rv_write(w, selection);
            check_same(body, w);
        }
    } else if (kind == RV_WIRE_SELECTED && rv_wire_read_selected(body, &selected, NULL) == RV_OK) {
        rv_wire_write_selected(w, &selected);
        if (!selected.refused) {
            check_same(body, w);
        }
    }
}

/* The kind is both sides'; what one of them reads is what it writes. */
static void check_past(rv_bytes body, rv_writer *w) {
    rv_wire_past past;
    rv_wire_filled filled;
    if (rv_wire_read_past(body, &past, NULL) == RV_OK) {
        FUZZ_CHECK(past.after <= past.until);
        rv_wire_write_past(w, &past);
        check_same(body, w);
    }
    w->len = 0;
    if (rv_wire_read_filled(body, &filled, NULL) == RV_OK && !filled.refused) {
        rv_wire_write_filled(w, &filled, filled.events.len > 0);
        rv_write(w, filled.events);
        check_same(body, w);
    }
}

static void check_greeting(rv_wire_kind kind, rv_bytes body, rv_writer *w) {
    static rv_wire_hello hello;
    rv_wire_welcome welcome;
    if (kind == RV_WIRE_HELLO && rv_wire_read_hello(body, &hello, NULL) == RV_OK) {
        FUZZ_CHECK(hello.pattern_count <= RV_PATTERNS_MAX);
        rv_wire_write_hello(w, &hello);
        const rv_bytes again = rv_bytes_from(rv_writer_bytes(w), RV_WIRE_HEADER_LEN);
        FUZZ_CHECK(rv_wire_read_hello(again, &hello, NULL) == RV_OK);
    } else if (kind == RV_WIRE_WELCOME && rv_wire_read_welcome(body, &welcome, NULL) == RV_OK) {
        rv_wire_write_welcome(w, &welcome);
        const rv_bytes again = rv_bytes_from(rv_writer_bytes(w), RV_WIRE_HEADER_LEN);
        FUZZ_CHECK(rv_wire_read_welcome(again, &welcome, NULL) == RV_OK);
    }
}

static void check_token(rv_wire_kind kind, rv_bytes body, rv_writer *w) {
    rv_bytes token;
    rv_wire_admitted admitted;
    if (kind == RV_WIRE_TOKEN && rv_wire_read_token(body, &token, NULL) == RV_OK) {
        FUZZ_CHECK(token.len > 0 && token.len <= RV_WIRE_TOKEN_MAX);
        rv_wire_write_token(w, token);
        check_same(body, w);
    } else if (kind == RV_WIRE_ADMITTED && rv_wire_read_admitted(body, &admitted, NULL) == RV_OK) {
        FUZZ_CHECK(admitted.principal.len <= RV_TOKEN_NAME_MAX);
        rv_wire_write_admitted(w, &admitted);
        check_same(body, w);
    }
}

static void check_number(rv_wire_kind kind, rv_bytes body, rv_writer *w) {
    uint64_t number = 0;
    rv_wire_progress progress;
    if (kind == RV_WIRE_CREDIT && rv_wire_read_credit(body, &number, NULL) == RV_OK) {
        rv_wire_write_credit(w, number);
        check_same(body, w);
    } else if (kind == RV_WIRE_SETTLED && rv_wire_read_settled(body, &number, NULL) == RV_OK) {
        rv_wire_write_settled(w, number);
        check_same(body, w);
    } else if ((kind == RV_WIRE_PING || kind == RV_WIRE_PONG) &&
               rv_wire_read_ping(body, &number, NULL) == RV_OK) {
        rv_wire_write_ping(w, kind, number);
        check_same(body, w);
    } else if (kind == RV_WIRE_PROGRESS && rv_wire_read_progress(body, &progress, NULL) == RV_OK) {
        FUZZ_CHECK(body.len >= 10);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const rv_compression none = {0};
    const rv_writer inflated = rv_writer_over(memory, 0);
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_wire_kind kind = RV_WIRE_HELLO;
    rv_bytes body;
    rv_error err = {.status = RV_OK};
    const rv_status status =
        rv_wire_open(rv_bytes_of(data, size), &none, &inflated, &kind, &body, &err);
    FUZZ_CHECK(status == err.status);
    if (status != RV_OK) {
        return 0;
    }
    switch ((uint32_t)kind) {
    case RV_WIRE_HELLO:
    case RV_WIRE_WELCOME:
        check_greeting(kind, body, &w);
        break;
    case RV_WIRE_TOKEN:
    case RV_WIRE_ADMITTED:
        check_token(kind, body, &w);
        break;
    case RV_WIRE_LEASE:
    case RV_WIRE_LEASED:
        check_lease(kind, body, &w);
        break;
    case RV_WIRE_PAST:
        check_past(body, &w);
        break;
    case RV_WIRE_SELECT:
    case RV_WIRE_SELECTED:
        check_select(kind, body, &w);
        break;
    case RV_WIRE_PUSH:
        check_push(body, &w);
        break;
    case RV_WIRE_DECISION:
        check_decision(body, &w);
        break;
    default:
        check_number(kind, body, &w);
        break;
    }
    return 0;
}
