/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/wire_relay.h"

#include "core/base/assert.h"

/* --- relay --- */

void rv_wire_write_relay(rv_writer *w, const rv_wire_relay *relay) {
    RV_ASSERT(relay->incarnation > 0);
    rv_wire_begin(w, RV_WIRE_RELAY);
    rv_write(w, rv_bytes_of(relay->edge_id, sizeof relay->edge_id));
    rv_write_u8(w, (uint8_t)relay->kind);
    if (relay->kind == RV_WIRE_SETTLED) {
        RV_ASSERT(relay->edge_sequence > 0);
        rv_write_varint(w, relay->incarnation);
        rv_write_varint(w, relay->edge_sequence);
        return;
    }
    if (relay->kind == RV_WIRE_PUSH) {
        rv_write_varint(w, relay->previous);
        if (relay->previous > 0) {
            rv_write(w, rv_bytes_of(relay->previous_id, sizeof relay->previous_id));
        }
    } else if (relay->kind == RV_WIRE_REFUSED) {
        rv_wire_write_failure(w, &relay->refusal);
    }
    rv_write(w, relay->body);
}

static bool read_id(rv_cursor *c, uint8_t *id) {
    const rv_bytes bytes = rv_read(c, 16);
    RV_ASSERT(bytes.len == 0 || bytes.len == 16);
    if (bytes.len == 16) {
        memcpy(id, bytes.ptr, 16);
    }
    return bytes.len == 16;
}

/* A push, behind what a relay says of it. */
static bool read_push(rv_cursor *c, rv_wire_relay *relay) {
    rv_wire_push push;
    if (relay->kind == RV_WIRE_REFUSED) {
        if (!rv_wire_read_failure(c, &relay->refusal) || relay->refusal.status != RV_FORBIDDEN) {
            return false;
        }
    } else {
        relay->previous = rv_read_varint(c);
        if (c->bad || (relay->previous > 0 && !read_id(c, relay->previous_id))) {
            return false;
        }
    }
    relay->body = rv_bytes_of(c->ptr, rv_cursor_left(c));
    if (rv_wire_read_push(relay->body, &push, NULL) != RV_OK) {
        return false;
    }
    relay->incarnation = push.incarnation;
    relay->edge_sequence = push.edge_sequence;
    RV_ASSERT(relay->incarnation > 0);
    return relay->previous < relay->edge_sequence;
}

static bool read_settled(rv_cursor *c, rv_wire_relay *relay) {
    const uint64_t incarnation = rv_read_varint(c);
    relay->edge_sequence = rv_read_varint(c);
    relay->incarnation = (uint32_t)incarnation;
    RV_ASSERT(c->ptr <= c->end);
    return rv_cursor_done(c) && incarnation > 0 && incarnation <= UINT32_MAX &&
           relay->edge_sequence > 0 && relay->edge_sequence <= RV_POSITION_MAX;
}

static bool read_lease(const rv_cursor *c, rv_wire_relay *relay) {
    rv_wire_lease lease;
    relay->body = rv_bytes_of(c->ptr, rv_cursor_left(c));
    if (rv_wire_read_lease(relay->body, &lease, NULL) != RV_OK) {
        return false;
    }
    relay->incarnation = lease.incarnation;
    RV_ASSERT(relay->incarnation > 0);
    return true;
}

rv_status rv_wire_read_relay(rv_bytes body, rv_wire_relay *relay, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(relay != NULL);
    memset(relay, 0, sizeof *relay);
    bool good = read_id(&c, relay->edge_id);
    relay->kind = (rv_wire_kind)rv_read_u8(&c);
    switch ((uint32_t)relay->kind) {
    case RV_WIRE_PUSH:
    case RV_WIRE_REFUSED:
        good = good && !c.bad && read_push(&c, relay);
        break;
    case RV_WIRE_SETTLED:
        good = good && read_settled(&c, relay);
        break;
    case RV_WIRE_LEASE:
        good = good && !c.bad && read_lease(&c, relay);
        break;
    default:
        good = false;
        break;
    }
    return good ? RV_OK : rv_wire_malformed(err, "relay");
}

/* --- its answer --- */

void rv_wire_write_relay_answer(rv_writer *w, const rv_wire_relay_answer *answer) {
    uint8_t bytes[RV_RELAY_ANSWER_LEN_MAX];
    rv_writer nested = rv_writer_over(bytes, sizeof bytes);
    RV_ASSERT(answer->incarnation > 0);
    if (answer->kind == RV_WIRE_DECISION) {
        rv_wire_write_decision(&nested, &answer->decision);
    } else {
        rv_wire_write_leased(&nested, &answer->leased);
    }
    RV_ASSERT(!nested.full);
    rv_wire_begin(w, RV_WIRE_RELAY_ANSWER);
    rv_write(w, rv_bytes_of(answer->edge_id, sizeof answer->edge_id));
    rv_write_varint(w, answer->incarnation);
    rv_write_u8(w, (uint8_t)answer->kind);
    rv_write(w, rv_bytes_from(rv_writer_bytes(&nested), RV_WIRE_HEADER_LEN));
}

rv_status rv_wire_read_relay_answer(rv_bytes body, rv_wire_relay_answer *answer, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(answer != NULL);
    memset(answer, 0, sizeof *answer);
    bool good = read_id(&c, answer->edge_id);
    const uint64_t incarnation = rv_read_varint(&c);
    answer->incarnation = (uint32_t)incarnation;
    answer->kind = (rv_wire_kind)rv_read_u8(&c);
    good = good && !c.bad && incarnation > 0 && incarnation <= UINT32_MAX;
    const rv_bytes nested = rv_bytes_of(c.ptr, rv_cursor_left(&c));
    if (good && answer->kind == RV_WIRE_DECISION) {
        good = rv_wire_read_decision(nested, &answer->decision, NULL) == RV_OK;
    } else {
        good = good && answer->kind == RV_WIRE_LEASED &&
               rv_wire_read_leased(nested, &answer->leased, NULL) == RV_OK;
    }
    return good ? RV_OK : rv_wire_malformed(err, "answer to a relay");
}

/* --- relayed --- */

void rv_wire_write_relayed(rv_writer *w, uint64_t edge_sequence) {
    RV_ASSERT(edge_sequence > 0);
    rv_wire_begin(w, RV_WIRE_RELAYED);
    rv_write_varint(w, edge_sequence);
}

rv_status rv_wire_read_relayed(rv_bytes body, uint64_t *edge_sequence, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(edge_sequence != NULL);
    *edge_sequence = rv_read_varint(&c);
    return rv_cursor_done(&c) && *edge_sequence > 0 ? RV_OK : rv_wire_malformed(err, "relayed");
}

/* --- held --- */

void rv_wire_write_held(rv_writer *w, const rv_error *why) {
    RV_ASSERT(why != NULL);
    rv_wire_begin(w, RV_WIRE_HELD);
    rv_write_u8(w, why->status != RV_OK);
    if (why->status != RV_OK) {
        rv_wire_write_failure(w, why);
    }
}

rv_status rv_wire_read_held(rv_bytes body, rv_error *why, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    const uint8_t held = rv_read_u8(&c);
    RV_ASSERT(why != NULL);
    memset(why, 0, sizeof *why);
    const bool good = held == 0 || (held == 1 && rv_wire_read_failure(&c, why));
    return good && rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "held");
}

/* --- vouching --- */

static void write_point(rv_writer *w, rv_wire_kind kind, const rv_wire_point *point) {
    RV_ASSERT(point->watermark > 0);
    rv_wire_begin(w, kind);
    rv_write_varint(w, point->watermark);
    rv_write_u64(w, point->chain_hash);
}

static bool read_point(rv_cursor *c, rv_wire_point *point) {
    point->watermark = rv_read_varint(c);
    point->chain_hash = rv_read_u64(c);
    RV_ASSERT(c->ptr <= c->end);
    return !c->bad && point->watermark > 0 && point->watermark <= RV_POSITION_MAX;
}

void rv_wire_write_vouch(rv_writer *w, const rv_wire_point *point) {
    write_point(w, RV_WIRE_VOUCH, point);
}

rv_status rv_wire_read_vouch(rv_bytes body, rv_wire_point *point, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    const bool good = read_point(&c, point);
    return good && rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "vouch");
}

void rv_wire_write_vouched(rv_writer *w, const rv_wire_point *point, rv_wire_vouch outcome) {
    RV_ASSERT(outcome <= RV_WIRE_VOUCH_UNKNOWN);
    write_point(w, RV_WIRE_VOUCHED, point);
    rv_write_u8(w, (uint8_t)outcome);
}

rv_status rv_wire_read_vouched(rv_bytes body, rv_wire_point *point, rv_wire_vouch *outcome,
                               rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    const bool good = read_point(&c, point);
    const uint8_t met = rv_read_u8(&c);
    *outcome = (rv_wire_vouch)met;
    return good && met <= RV_WIRE_VOUCH_UNKNOWN && rv_cursor_done(&c)
               ? RV_OK
               : rv_wire_malformed(err, "vouched");
}
