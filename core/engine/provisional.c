/* SPDX-License-Identifier: Apache-2.0 */
/* A schema before the first contact: see engine/provisional.h. */
#include "core/engine/provisional.h"

#include "core/base/assert.h"
#include "core/engine/append.h"
#include "core/engine/internal.h"
#include "core/log/run.h"
#include "core/log/segment.h"
#include "core/model/schema_shape.h"

#define ENTRY_MAX   32u /* bytes of an entry of a selection beside its texts, at most */
#define MET_FOREIGN 0x01u
#define MET_ENDS    0x02u

static const rv_bytes no_key = {NULL, 0};

/* --- providing --- */

/* True when the node has a log, and it is its own. */
static bool has_own_log(const rv_node *node) {
    return rv_log_has_identity(node->log) && rv_log_identity_of(node->log)->epoch == 0;
}

bool rv_node_provisional(const rv_node *node) {
    return node->role == RV_ROLE_EDGE && rv_schema_version(node->schema) > 0 &&
           (!rv_log_has_identity(node->log) || has_own_log(node));
}

uint64_t rv_provisional_version(const rv_node *node) {
    return rv_node_provisional(node) ? RV_SCHEMA_PROVISIONAL : rv_schema_version(node->schema);
}

size_t rv_provisional_reserve(const rv_node *node) {
    const rv_outbox *const o = &node->outbox;
    const rv_selection *const wanted = rv_held_wanted(&node->held);
    size_t selection = sizeof(uint64_t);
    if (!rv_node_provisional(node)) {
        return 0;
    }
    for (size_t i = 0; i < wanted->count; i += 1) {
        selection += wanted->entries[i].name.len + wanted->entries[i].filter.len + ENTRY_MAX;
    }
    size_t room = rv_ledger_cost(0, RV_EPOCH_SIZE) + rv_ledger_cost(1, selection) + o->pending +
                  o->rejections + 1;
    for (uint16_t i = 0; i < rv_schema_event_type_count(node->schema); i += 1) {
        room += rv_ledger_cost(
            sizeof(uint16_t), sizeof(rv_hash128) + rv_schema_event_type(node->schema, i)->name.len);
    }
    RV_ASSERT(room > selection);
    return room;
}

/* Appends a text to the edge's own log; `version` is that it makes, or has made in memory. */
static rv_status append(rv_node *node, rv_bytes text, uint32_t version, rv_error *err) {
    rv_event result;
    RV_ASSERT(has_own_log(node) && !node->receiving.active);
    rv_outbox_lift(node);
    const rv_status status = rv_node_schema_append(node, text, version, &result, err);
    rv_outbox_received(node, NULL, status == RV_OK);
    return status;
}

rv_status rv_node_schema_provide(rv_node *node, rv_bytes text, rv_error *err) {
    rv_status status = rv_node_check_writable(node, err);
    if (status == RV_OK && (node->role != RV_ROLE_EDGE || rv_node_identity(node) != NULL)) {
        status = rv_error_set(err, RV_NOT_ROOT,
                              "this edge has met its upstream: the schema is its root's, and is "
                              "changed there");
    }
    status = status == RV_OK ? rv_schema_text_check(text, err) : status;
    if (status == RV_OK && has_own_log(node)) {
        status = rv_provisional_keep(node, err); /* what was provided before comes first */
        return status == RV_OK ? append(node, text, rv_schema_version(node->schema) + 1, err)
                               : status;
    }
    if (status != RV_OK) {
        return status;
    }
    status = rv_schema_apply(node->schema, text, err);
    node->outbox.revision += status == RV_OK;
    return status;
}

/* A log of the edge's own. Its ids and its tag are nobody else's. */
static void begin_log(rv_node *node) {
    rv_log_identity identity = {.epoch = 0, .root = false};
    node->host.ops->entropy(node->host.ctx, identity.log_id, sizeof identity.log_id);
    memcpy(identity.node_id, rv_node_id(node), sizeof identity.node_id);
    identity.root_tag = rv_load_u64(identity.log_id) & ((UINT64_C(1) << RV_NODE_TAG_BITS) - 1);
    rv_log_set_identity(node->log, &identity);
    rv_epoch_refresh(node);
    RV_ASSERT(rv_node_provisional(node));
}

rv_status rv_provisional_keep(rv_node *node, rv_error *err) {
    if (!rv_node_provisional(node)) {
        return RV_OK;
    }
    if (!rv_log_has_identity(node->log)) {
        begin_log(node);
    }
    rv_status status = node->held.logged ? RV_OK : rv_node_log_selection(node, err);
    const rv_schema_text *at = NULL;
    for (uint32_t v = 1; v <= rv_schema_version(node->schema) && status == RV_OK; v += 1) {
        rv_bytes text;
        at = rv_schema_text_next(node->schema, at, &text);
        RV_ASSERT(at != NULL);
        status = v > rv_log_appended(node->log) ? append(node, text, v, err) : RV_OK;
    }
    return status;
}

/* --- meeting the upstream --- */

void rv_met_write(rv_writer *w, const rv_met *met) {
    const rv_event *const e = &met->event;
    RV_ASSERT(e->type == RV_SYSTEM_SCHEMA_TYPE && e->position <= met->watermark);
    rv_write_u64(w, met->watermark);
    rv_write_u64(w, met->chain_hash);
    rv_write_u64(w, e->position);
    rv_write_u64(w, e->version);
    rv_write_u32(w, e->schema_version);
    rv_write_u64(w, (uint64_t)e->recorded_at);
    rv_write_u64(w, (uint64_t)e->written_at);
    rv_write_u8(w, (uint8_t)((e->foreign_id ? MET_FOREIGN : 0) | (e->batch_end ? MET_ENDS : 0)));
    rv_write(w, rv_bytes_of(e->event_id, sizeof e->event_id));
    rv_write_varint(w, e->metadata.len);
    rv_write(w, e->metadata);
    rv_write_varint(w, e->data.len);
    rv_write(w, e->data);
}

bool rv_met_read(rv_cursor *c, rv_met *met) {
    rv_event *const e = &met->event;
    RV_ASSERT(c != NULL);
    *met = (rv_met){.event = {.type = RV_SYSTEM_SCHEMA_TYPE, .declaration = RV_NONE}};
    met->watermark = rv_read_u64(c);
    met->chain_hash = rv_read_u64(c);
    e->position = rv_read_u64(c);
    e->version = rv_read_u64(c);
    e->schema_version = rv_read_u32(c);
    e->recorded_at = (int64_t)rv_read_u64(c);
    e->written_at = (int64_t)rv_read_u64(c);
    const uint8_t flags = rv_read_u8(c);
    e->foreign_id = (flags & MET_FOREIGN) != 0;
    e->batch_end = (flags & MET_ENDS) != 0;
    const rv_bytes id = rv_read(c, sizeof e->event_id);
    if (id.len == sizeof e->event_id) {
        memcpy(e->event_id, id.ptr, sizeof e->event_id);
    }
    e->metadata = rv_read(c, rv_read_varint(c));
    e->data = rv_read(c, rv_read_varint(c));
    return !c->bad && (flags & ~(MET_FOREIGN | MET_ENDS)) == 0 && e->data.len > 0;
}

rv_status rv_node_meet(rv_node *node, const rv_rewind *to, rv_error *err) {
    RV_ASSERT(rv_node_provisional(node) && to->adopts && to->watermark == 0);
    if (to->epoch == 0 || to->root_tag >> RV_NODE_TAG_BITS != 0) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream is in epoch 0, or its tag has more than %u bits",
                            (uint64_t)RV_NODE_TAG_BITS);
    }
    rv_status status = rv_node_check_writable(node, err);
    status = status == RV_OK ? rv_provisional_keep(node, err) : status;
    status = status == RV_OK ? rv_node_rewind(node, to, err) : status;
    return status == RV_OK
               ? rv_error_set(err, RV_UPSTREAM_DIVERGED,
                              "this edge has met its upstream, and puts what was written before "
                              "behind the upstream's log")
               : status;
}

/* --- going back to nothing --- */

/* What an event's data is encoded by, as a hash. False: it does not fit the memory for it. */
static bool shape_of(rv_node *node, const rv_event_type *type, rv_hash128 *hash) {
    rv_arena_reset(&node->scratch, 0);
    rv_writer w = rv_writer_over(node->scratch.ptr, node->scratch.cap);
    rv_schema_shape(type, &w);
    RV_ASSERT(type->name.len > 0);
    *hash = rv_hash128_of(0, rv_writer_bytes(&w));
    return !w.full;
}

bool rv_provisional_name(rv_node *node) {
    bool fits = true;
    for (uint16_t i = 0; i < rv_schema_event_type_count(node->schema) && fits; i += 1) {
        const rv_event_type *const type = rv_schema_event_type(node->schema, i);
        uint8_t key[sizeof(uint16_t)] = {(uint8_t)(i >> 8), (uint8_t)i};
        rv_hash128 hash;
        fits = shape_of(node, type, &hash);
        rv_arena_reset(&node->results, 0);
        rv_writer value = rv_writer_over(node->results.ptr, node->results.cap);
        rv_write_u64(&value, hash.low);
        rv_write_u64(&value, hash.high);
        rv_write(&value, type->name);
        RV_ASSERT(!value.full);
        const rv_ledger_entry entry = {RV_LEDGER_NAME, rv_bytes_of(key, sizeof key),
                                       rv_writer_bytes(&value)};
        fits = fits && rv_ledger_set(&node->ledger, &entry);
    }
    return fits;
}

/* Which file goes next: segments last, and of these the last first, so that whatever a crash leaves
 * is a log, and no checkpoint is without one. False: there is none. */
static bool choose(const rv_file_name *names, uint64_t count, rv_file_name *chosen) {
    uint64_t last = 0;
    bool any = false;
    for (uint64_t i = 0; i < count; i += 1) {
        rv_run_span span;
        uint32_t generation = 0;
        uint64_t first = 0;
        if (rv_run_name_parse(names[i].text, &span) || rv_checkpoint_named(names[i].text) > 0) {
            *chosen = names[i];
            return true;
        }
        if (rv_segment_name_parse(names[i].text, &generation, &first) && first > last) {
            last = first;
            *chosen = names[i];
            any = true;
        }
    }
    RV_ASSERT(any == (last > 0));
    return any;
}

static rv_status discard_next(rv_node *node, bool *over) {
    rv_rewinding *const r = &node->rewinding;
    rv_file_name *const names = (rv_file_name *)(void *)node->results.ptr;
    const size_t cap = node->results.cap / sizeof *names;
    uint64_t count = 0;
    if (r->discards.text[0] == 0) {
        const rv_status status = rv_op_list(&r->ops, &r->op, names, cap, &count);
        if (status != RV_OK || count > cap) {
            return status != RV_OK ? status : RV_MEMORY_EXHAUSTED;
        }
        *over = !choose(names, count, &r->discards);
    }
    if (*over) {
        return RV_OK;
    }
    const rv_status status = rv_op_remove(&r->ops, &r->op, r->discards.text);
    if (status == RV_OK || status == RV_DATA_NOT_FOUND) {
        r->discards.text[0] = 0;
        return RV_OK;
    }
    return status;
}

rv_status rv_provisional_discard(rv_node *node, rv_error *err) {
    rv_status status = rv_log_seal(node->log, err);
    bool over = false;
    RV_ASSERT(status != RV_OK && has_own_log(node));
    status = status == RV_END ? RV_OK : status;
    while (status == RV_OK && !over) { /* there is one file less each time */
        status = discard_next(node, &over);
    }
    return status;
}

/* --- coming back --- */

bool rv_provisional_waits(const rv_node *node) {
    const uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_NAME, no_key);
    RV_ASSERT(index <= rv_ledger_count(&node->ledger));
    return index < rv_ledger_count(&node->ledger) &&
           rv_ledger_at(&node->ledger, index).kind == RV_LEDGER_NAME;
}

/* The number that the schema has for an event type of the provisional one; RV_NONE: it has none
 * whose data is encoded so. */
static uint16_t number_of(rv_node *node, uint16_t provisional) {
    const uint8_t key[sizeof(uint16_t)] = {(uint8_t)(provisional >> 8), (uint8_t)provisional};
    rv_bytes value;
    rv_hash128 hash;
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_NAME, rv_bytes_of(key, sizeof key), &value)) {
        return RV_NONE;
    }
    RV_ASSERT(value.len > sizeof hash); /* it was checked when it was read */
    const rv_bytes name = rv_bytes_from(value, sizeof hash);
    const rv_event_type *const type = rv_schema_event_type_named(node->schema, name);
    const bool same = type != NULL && shape_of(node, type, &hash) &&
                      hash.low == rv_load_u64(value.ptr) &&
                      hash.high == rv_load_u64(value.ptr + sizeof(uint64_t));
    return same ? type->number : RV_NONE;
}

bool rv_provisional_translate(rv_node *node, rv_bytes value, rv_writer *w) {
    rv_pending batch;
    rv_pending_event event;
    rv_pending_cursor cursor = {0, 0};
    if (!rv_pending_read(value, &batch)) {
        return false;
    }
    const rv_pending_head head = {batch.written_at, rv_schema_version(node->schema),
                                  batch.principal, batch.count};
    const size_t rest = (size_t)(batch.events.ptr + batch.events.len - value.ptr);
    rv_pending_write_head(w, &head);
    while (rv_pending_event_next(&batch, &cursor, &event)) {
        event.type = number_of(node, event.type);
        if (event.type == RV_NONE) {
            return false;
        }
        rv_pending_write_event(w, &event);
    }
    RV_ASSERT(rest <= value.len && head.schema_version > 0);
    rv_write(w, rv_bytes_from(value, rest)); /* what it counts, and its command */
    if (w->full) {
        return false;
    }
    uint8_t *const to = w->ptr;
    to[RV_PENDING_AT_FLAGS] = value.ptr[RV_PENDING_AT_FLAGS] & (uint8_t)~RV_PENDING_DUE;
    rv_store_u16(to + RV_PENDING_AT_COVERED, (uint16_t)batch.covered);
    return true;
}

rv_status rv_provisional_unname(const rv_node *node, rv_ledger_changes *changes) {
    uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_NAME, no_key);
    rv_status status = RV_OK;
    for (; index < rv_ledger_count(&node->ledger) && status == RV_OK; index += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        if (entry.kind != RV_LEDGER_NAME) {
            break;
        }
        status = rv_ledger_remove(&node->ledger, changes, entry.kind, entry.key);
    }
    RV_ASSERT(!changes->body->full);
    return status;
}
