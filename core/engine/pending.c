/* SPDX-License-Identifier: Apache-2.0 */
/* The form of batches that wait: see engine/pending.h. */
#include "core/engine/pending.h"

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/engine/decide.h"
#include "core/engine/principal.h"
#include "core/engine/rewind.h"
#include "core/engine/token.h"

#define EVENT_EXPECTED 0x03u
#define EVENT_BLIND    0x04u
#define EVENT_FLAGS    0x07u
#define ID_SIZE        16u

void rv_pending_key(uint64_t edge_sequence, uint8_t *key) {
    RV_ASSERT(edge_sequence > 0);
    for (unsigned i = 0; i < RV_PENDING_KEY; i += 1) {
        key[i] = (uint8_t)(edge_sequence >> (56 - 8 * i));
    }
}

uint64_t rv_pending_key_read(rv_bytes key) {
    uint64_t sequence = 0;
    for (size_t i = 0; i < key.len && i < RV_PENDING_KEY; i += 1) {
        sequence = sequence << 8 | key.ptr[i];
    }
    return key.len == RV_PENDING_KEY ? sequence : 0;
}

/* --- writing --- */

void rv_pending_write_head(rv_writer *w, const rv_pending_head *head) {
    static const uint8_t zeros[16] = {RV_PENDING_WAITING};
    RV_ASSERT(head->count > 0 && head->count <= RV_PUSH_EVENTS_MAX);
    RV_ASSERT(head->principal.len <= RV_PRINCIPAL_LEN_MAX && w->len == 0);
    rv_write(w, rv_bytes_of(zeros, sizeof zeros));
    rv_write_u64(w, (uint64_t)head->written_at);
    rv_write_varint(w, head->schema_version);
    rv_write_blob(w, head->principal);
    rv_write_varint(w, head->count);
}

void rv_pending_write_counted(rv_writer *w, const uint64_t *counted, uint32_t count) {
    RV_ASSERT(count <= RV_PUSH_COUNTED_MAX);
    rv_write_varint(w, count);
    uint64_t previous = 0;
    for (uint32_t i = 0; i < count; i += 1) {
        RV_ASSERT(counted[i] > previous);
        rv_write_varint(w, counted[i] - previous);
        previous = counted[i];
    }
}

void rv_pending_write_flags(rv_writer *w, uint8_t flags, uint16_t covered) {
    RV_ASSERT(!w->full && w->len > RV_PENDING_HEAD);
    RV_ASSERT((flags & ~(RV_PENDING_BLIND | RV_PENDING_UNCHECKED)) == 0);
    w->ptr[RV_PENDING_AT_FLAGS] |= flags;
    rv_store_u16(w->ptr + RV_PENDING_AT_COVERED, covered);
}

void rv_pending_suspend(uint8_t *head, rv_status reason) {
    RV_ASSERT(head[RV_PENDING_AT_STATE] != RV_PENDING_ACCEPTED && reason > RV_END);
    head[RV_PENDING_AT_STATE] = RV_PENDING_SUSPENDED;
    rv_store_u16(head + RV_PENDING_AT_REASON, (uint16_t)reason);
}

void rv_pending_write_command(rv_writer *w, const rv_command *command, const uint8_t *id,
                              uint32_t attempt) {
    RV_ASSERT(command->name.len > 0 && command->name.len <= RV_COMMAND_NAME_MAX);
    RV_ASSERT(command->args.len <= RV_COMMAND_ARGS_MAX && attempt <= UINT8_MAX);
    rv_write(w, rv_bytes_of(id, ID_SIZE));
    rv_write_u8(w, (uint8_t)attempt);
    rv_write_u64(w, 0);
    rv_write_blob(w, command->name);
    rv_write_blob(w, command->args);
    if (!w->full) {
        w->ptr[RV_PENDING_AT_FLAGS] |= RV_PENDING_COMMAND;
    }
}

void rv_command_event_id(const uint8_t *command_id, uint32_t attempt, uint32_t index, uint8_t *id) {
    const rv_hash128 hash =
        rv_hash128_of((uint64_t)attempt << 32 | index, rv_bytes_of(command_id, ID_SIZE));
    RV_ASSERT(attempt <= UINT8_MAX && index < RV_PUSH_EVENTS_MAX);
    rv_store_u64(id, hash.low);
    rv_store_u64(id + 8, hash.high);
    memcpy(id, command_id, 6);
    id[6] = (uint8_t)(0x80u | (id[6] & 0x0fu)); /* RFC 9562, 5.8 */
    id[8] = (uint8_t)(0x80u | (id[8] & 0x3fu));
}

void rv_pending_refuse(uint8_t *value, size_t len, uint64_t after) {
    rv_pending batch;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    const bool good = rv_pending_read(rv_bytes_of(value, len), &batch);
    RV_ASSERT(good && batch.command.name.len > 0);
    const uint32_t attempt = batch.attempt + 1;
    const size_t events = (size_t)(batch.events.ptr - value);
    const size_t command = (size_t)(batch.command_id - value);
    while (rv_pending_event_next(&batch, &cursor, &event)) {
        RV_ASSERT(event.id_at < batch.events.len);
        rv_command_event_id(batch.command_id, attempt, cursor.index - 1,
                            value + events + event.id_at);
    }
    value[RV_PENDING_AT_STATE] = RV_PENDING_WAITING;
    rv_pending_suspend(value, RV_COMMAND_WAITING);
    value[RV_PENDING_AT_FLAGS] |= RV_PENDING_REFUSED | RV_PENDING_DUE;
    rv_store_u64(value + RV_PENDING_AT_POSITION, 0);
    value[command + ID_SIZE] = (uint8_t)attempt;
    rv_store_u64(value + command + ID_SIZE + 1, after);
}

void rv_pending_run_after(uint8_t *value, size_t len, uint64_t after) {
    rv_pending batch;
    const bool good = rv_pending_read(rv_bytes_of(value, len), &batch);
    RV_ASSERT(good && batch.command.name.len > 0);
    rv_store_u64(value + (size_t)(batch.command_id - value) + ID_SIZE + 1, after);
}

void rv_pending_write_event(rv_writer *w, const rv_pending_event *event) {
    RV_ASSERT((unsigned)event->expected <= EVENT_EXPECTED && event->path.len > 0);
    rv_write_u8(w, (uint8_t)((unsigned)event->expected | (event->blind ? EVENT_BLIND : 0)));
    rv_write(w, rv_bytes_of(event->event_id, ID_SIZE));
    rv_write_varint(w, event->type);
    if (event->expected == RV_EXPECTED_NUMBER) {
        rv_write_varint(w, event->expected_version);
    }
    rv_write_blob(w, event->path);
    rv_write_blob(w, event->metadata);
    rv_write_blob(w, event->data);
}

/* --- reading --- */

static bool read_event(rv_cursor *c, rv_pending_event *event) {
    const uint8_t flags = rv_read_u8(c);
    const rv_bytes id = rv_read(c, ID_SIZE);
    const uint64_t type = rv_read_varint(c);
    event->expected = (rv_expected_kind)(flags & EVENT_EXPECTED);
    event->blind = (flags & EVENT_BLIND) != 0;
    event->expected_version = event->expected == RV_EXPECTED_NUMBER ? rv_read_varint(c) : 0;
    event->path = rv_read_blob(c);
    event->metadata = rv_read_blob(c);
    event->data = rv_read_blob(c);
    if (c->bad || (flags & ~EVENT_FLAGS) != 0 || type > UINT16_MAX || event->path.len == 0 ||
        event->path.len > RV_PATH_LEN_MAX) {
        c->bad = true;
        return false;
    }
    event->type = (uint16_t)type;
    memcpy(event->event_id, id.ptr, ID_SIZE);
    return true;
}

uint64_t rv_pending_counted_next(rv_cursor *c, uint64_t previous) {
    const uint64_t step = rv_read_varint(c);
    const bool good = !c->bad && step > 0 && step <= UINT64_MAX - previous;
    RV_ASSERT(!good || previous + step > previous);
    return good ? previous + step : 0;
}

/* Goes over the events. */
static bool read_events(rv_cursor *c, rv_pending *pending) {
    const uint64_t count = rv_read_varint(c);
    if (c->bad || count == 0 || count > RV_PUSH_EVENTS_MAX || pending->covered > count) {
        return false;
    }
    const uint8_t *const start = c->ptr;
    uint32_t covered = 0;
    pending->count = (uint32_t)count;
    for (uint32_t i = 0; i < pending->count; i += 1) {
        rv_pending_event event;
        if (!read_event(c, &event)) {
            return false;
        }
        covered += !event.blind;
    }
    RV_ASSERT(c->ptr > start);
    pending->events = rv_bytes_of(start, (size_t)(c->ptr - start));
    return covered == pending->covered;
}

bool rv_pending_counts(const rv_pending *batch, uint64_t edge_sequence) {
    rv_cursor c = rv_cursor_over(batch->counted);
    uint64_t sequence = 0;
    for (uint32_t i = 0; i < batch->counted_count && sequence < edge_sequence; i += 1) {
        sequence = rv_pending_counted_next(&c, sequence);
        RV_ASSERT(sequence > 0);
    }
    return sequence == edge_sequence && sequence > 0;
}

/* Goes over the counted sequences. */
static bool read_counted(rv_cursor *c, rv_pending *pending) {
    const uint64_t count = rv_read_varint(c);
    if (c->bad || count > RV_PUSH_COUNTED_MAX) {
        return false;
    }
    const uint8_t *const start = c->ptr;
    uint64_t sequence = 0;
    pending->counted_count = (uint32_t)count;
    for (uint32_t i = 0; i < pending->counted_count; i += 1) {
        sequence = rv_pending_counted_next(c, sequence);
        if (sequence == 0) {
            return false;
        }
    }
    RV_ASSERT(c->ptr >= start);
    pending->counted = rv_bytes_of(start, (size_t)(c->ptr - start));
    return true;
}

/* What is behind them, of a command. */
static bool read_command(rv_cursor *c, uint8_t flags, rv_pending *pending) {
    const uint8_t refused = RV_PENDING_COMMAND | RV_PENDING_REFUSED;
    pending->command = (rv_command){{NULL, 0}, {NULL, 0}};
    pending->command_id = NULL;
    pending->attempt = 0;
    pending->after = 0;
    pending->refused = (flags & refused) == refused;
    pending->due = pending->refused || (flags & RV_PENDING_DUE) != 0;
    if ((flags & RV_PENDING_COMMAND) == 0) {
        return (flags & (RV_PENDING_REFUSED | RV_PENDING_DUE)) == 0;
    }
    pending->command_id = rv_read(c, ID_SIZE).ptr;
    pending->attempt = rv_read_u8(c);
    pending->after = rv_read_u64(c);
    pending->command.name = rv_read_blob(c);
    pending->command.args = rv_read_blob(c);
    RV_ASSERT(c->bad || pending->command_id != NULL);
    return !c->bad && pending->command.name.len > 0 &&
           pending->command.name.len <= RV_COMMAND_NAME_MAX &&
           pending->command.args.len <= RV_COMMAND_ARGS_MAX && pending->after <= RV_POSITION_MAX;
}

bool rv_pending_read(rv_bytes value, rv_pending *pending) {
    if (value.len < RV_PENDING_HEAD) {
        return false;
    }
    const uint8_t *const head = value.ptr;
    const uint8_t flags = head[RV_PENDING_AT_FLAGS];
    rv_cursor c = rv_cursor_over(rv_bytes_from(value, RV_PENDING_HEAD));
    pending->state = (rv_pending_state)head[RV_PENDING_AT_STATE];
    pending->blind = (flags & RV_PENDING_BLIND) != 0;
    pending->unchecked = (flags & RV_PENDING_UNCHECKED) != 0;
    const uint16_t reason = rv_load_u16(head + RV_PENDING_AT_REASON); /* of any version */
    pending->reason = reason < RV_STATUS_COUNT ? (rv_status)reason : RV_OK;
    pending->covered = rv_load_u16(head + RV_PENDING_AT_COVERED);
    pending->arrived = rv_load_u16(head + RV_PENDING_AT_ARRIVED);
    pending->position = rv_load_u64(head + RV_PENDING_AT_POSITION);
    pending->written_at = (int64_t)rv_load_u64(head + 16);
    pending->schema_version = rv_read_varint(&c);
    pending->principal = rv_read_blob(&c);
    if (c.bad || head[RV_PENDING_AT_STATE] > RV_PENDING_ACCEPTED ||
        (flags & ~RV_PENDING_FLAGS) != 0 || pending->principal.len > RV_PRINCIPAL_LEN_MAX ||
        pending->schema_version > UINT32_MAX || !rv_event_time_valid(pending->written_at)) {
        return false;
    }
    return read_events(&c, pending) && read_counted(&c, pending) &&
           read_command(&c, flags, pending) && rv_cursor_done(&c);
}

bool rv_pending_event_next(const rv_pending *pending, rv_pending_cursor *cursor,
                           rv_pending_event *event) {
    RV_ASSERT(cursor->offset <= pending->events.len);
    if (cursor->index == pending->count) {
        return false;
    }
    rv_cursor c = rv_cursor_over(rv_bytes_from(pending->events, cursor->offset));
    if (!read_event(&c, event)) {
        return false;
    }
    event->id_at = cursor->offset + 1; /* behind its flags */
    cursor->index += 1;
    cursor->offset = (size_t)(c.ptr - pending->events.ptr);
    return true;
}

/* --- rejections --- */

void rv_rejection_write(rv_writer *w, const rv_error *reason, rv_bytes batch) {
    RV_ASSERT(reason->status != RV_OK && batch.len >= RV_PENDING_HEAD);
    rv_write_blob(w, rv_bytes_of_string(rv_status_code(reason->status)));
    rv_write_blob(w, rv_bytes_of(reason->detail, reason->detail_len));
    rv_write_blob(w, rv_bytes_of(reason->facts, reason->facts_len));
    rv_write(w, batch);
}

bool rv_rejection_read(rv_bytes value, rv_error *reason, rv_bytes *batch) {
    rv_cursor c = rv_cursor_over(value);
    const rv_bytes code = rv_read_blob(&c);
    const rv_bytes detail = rv_read_blob(&c);
    const rv_bytes facts = rv_read_blob(&c);
    *batch = rv_read(&c, rv_cursor_left(&c));
    *reason = (rv_error){.status = RV_PROTOCOL_ERROR};
    char text[64] = {0};
    if (c.bad || code.len >= sizeof text || detail.len >= sizeof reason->detail ||
        facts.len >= sizeof reason->facts) {
        return false;
    }
    memcpy(text, code.ptr, code.len);
    const rv_status status = rv_status_of_code(text);
    const bool known = status > RV_END && status < RV_STATUS_COUNT;
    reason->status = known ? status : RV_PROTOCOL_ERROR; /* a newer version's */
    memcpy(reason->detail, detail.ptr, detail.len);
    memcpy(reason->facts, facts.ptr, facts.len);
    reason->detail_len = detail.len;
    reason->facts_len = facts.len;
    return true;
}

/* A batch that may be pushed: a node has written it, or something that passes for it. */
static bool batch_valid(rv_bytes batch, uint64_t edge_sequence) {
    rv_pending pending;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    if (edge_sequence == 0 || edge_sequence > RV_POSITION_MAX ||
        !rv_pending_read(batch, &pending)) {
        return false;
    }
    rv_cursor c = rv_cursor_over(pending.counted);
    uint64_t counted = 0;
    for (uint32_t i = 0; i < pending.counted_count; i += 1) {
        counted = rv_pending_counted_next(&c, counted);
    }
    bool good = counted < edge_sequence;
    while (good && rv_pending_event_next(&pending, &cursor, &event)) {
        good = event.path.ptr[0] == '/';
    }
    RV_ASSERT(!good || cursor.index == pending.count);
    return good;
}

bool rv_pending_entry_valid(const rv_ledger_entry *entry) {
    rv_bytes batch = entry->value;
    rv_error reason;
    rv_access_token token;
    rv_selection selection;
    rv_principals principals;
    switch (entry->kind) {
    case RV_LEDGER_SELF:
        return entry->key.len == 0 && entry->value.len == RV_SELF_SIZE &&
               rv_load_u32(entry->value.ptr) > 0 && rv_load_u64(entry->value.ptr + 4) > 0;
    case RV_LEDGER_REJECTION:
        if (!rv_rejection_read(entry->value, &reason, &batch)) {
            return false;
        }
        break;
    case RV_LEDGER_PENDING:
        break;
    case RV_LEDGER_SELECT:
        return (entry->key.len == 0 || rv_bytes_equal(entry->key, RV_REWIND_SWAPPED)) &&
               rv_selection_decode(entry->value, &selection, NULL) == RV_OK && selection.count > 0;
    case RV_LEDGER_SENT:
        return entry->key.len == 0 && entry->value.len == sizeof(uint64_t);
    case RV_LEDGER_REFUSED:
        return rv_pending_key_read(entry->key) > 0 && entry->value.len == sizeof(uint64_t);
    case RV_LEDGER_EDGE:
        return entry->key.len == RV_EDGE_KEY;
    case RV_LEDGER_DECISION:
        return entry->key.len == RV_DECISION_KEY;
    case RV_LEDGER_REWOUND:
        return entry->key.len == 0 && entry->value.len == RV_REWOUND_SIZE;
    case RV_LEDGER_NAME:
        return entry->key.len == sizeof(uint16_t) && entry->value.len > sizeof(rv_hash128);
    case RV_LEDGER_FORKED:
        return entry->key.len == 0 && entry->value.len == RV_FORKED_SIZE;
    case RV_LEDGER_EPOCH:
        return entry->key.len == 0 && entry->value.len == RV_EPOCH_SIZE &&
               rv_load_u32(entry->value.ptr) > 0;
    case RV_LEDGER_PRINCIPAL:
        return entry->key.len == 0 && rv_principals_read(entry->value, &principals);
    case RV_LEDGER_TOKEN:
        return rv_token_read(entry, &token);
    case RV_LEDGER_RELAY: /* of its body the root judges */
        return entry->key.len == RV_DECISION_KEY && entry->value.len > 24 &&
               rv_pending_key_read(rv_bytes_from(entry->key, RV_EDGE_KEY)) > 0 &&
               rv_load_u32(entry->key.ptr + 16) > 0;
    default:
        return true;
    }
    RV_ASSERT(entry->kind == RV_LEDGER_PENDING || entry->kind == RV_LEDGER_REJECTION);
    return batch_valid(batch, rv_pending_key_read(entry->key));
}
