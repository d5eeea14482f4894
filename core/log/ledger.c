/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: see ledger.h. */
#include "core/log/ledger.h"

#include "core/base/assert.h"
#include "core/base/limits.h"

#define ENTRY_HEAD  6u /* kind, key length, value length */
#define OFFSET_SIZE ((size_t)4)
#define HOLE        0u /* the kind of an entry that is not there any more */

/* --- the buffer --- */

static uint8_t *offset_at(const rv_ledger *ledger, uint32_t index) {
    RV_ASSERT(index < ledger->cap / OFFSET_SIZE);
    return ledger->buf + ledger->cap - ((size_t)index + 1) * OFFSET_SIZE;
}

static rv_ledger_entry entry_at(const rv_ledger *ledger, size_t offset) {
    RV_ASSERT(offset + ENTRY_HEAD <= ledger->len);
    const uint8_t *const at = ledger->buf + offset;
    const size_t key_len = at[1];
    const size_t value_len = rv_load_u32(at + 2);
    RV_ASSERT(offset + ENTRY_HEAD + key_len + value_len <= ledger->len);
    return (rv_ledger_entry){
        .kind = at[0],
        .key = {at + ENTRY_HEAD, key_len},
        .value = {at + ENTRY_HEAD + key_len, value_len},
    };
}

static size_t entry_size(const rv_ledger_entry *entry) {
    RV_ASSERT(entry->key.len <= RV_LEDGER_KEY_MAX);
    return ENTRY_HEAD + entry->key.len + entry->value.len;
}

size_t rv_ledger_cost(size_t key_len, size_t value_len) {
    RV_ASSERT(key_len <= RV_LEDGER_KEY_MAX);
    return ENTRY_HEAD + key_len + value_len + OFFSET_SIZE;
}

size_t rv_ledger_used(const rv_ledger *ledger) {
    RV_ASSERT(ledger->live <= ledger->len);
    return ledger->live + ledger->count * OFFSET_SIZE;
}

rv_status rv_ledger_create(rv_ledger *ledger, size_t memory, rv_arena *arena) {
    RV_ASSERT(memory >= 1024 && memory <= UINT32_MAX);
    *ledger = (rv_ledger){.buf = rv_arena_take_raw(arena, memory), .cap = memory};
    return ledger->buf == NULL ? RV_MEMORY_EXHAUSTED : RV_OK;
}

/* --- reading --- */

uint32_t rv_ledger_seek(const rv_ledger *ledger, uint8_t kind, rv_bytes key) {
    uint32_t low = 0;
    uint32_t high = ledger->count;
    while (low < high) { /* at most 32 turns */
        const uint32_t middle = low + (high - low) / 2;
        const rv_ledger_entry entry = rv_ledger_at(ledger, middle);
        const bool before =
            entry.kind != kind ? entry.kind < kind : rv_bytes_compare(entry.key, key) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    RV_ASSERT(low <= ledger->count);
    return low;
}

rv_ledger_entry rv_ledger_at(const rv_ledger *ledger, uint32_t index) {
    RV_ASSERT(index < ledger->count);
    return entry_at(ledger, rv_load_u32(offset_at(ledger, index)));
}

static bool is_at(const rv_ledger *ledger, uint32_t index, uint8_t kind, rv_bytes key,
                  rv_ledger_entry *entry) {
    if (index >= ledger->count) {
        return false;
    }
    *entry = rv_ledger_at(ledger, index);
    RV_ASSERT(entry->kind != HOLE);
    return entry->kind == kind && rv_bytes_equal(entry->key, key);
}

bool rv_ledger_get(const rv_ledger *ledger, uint8_t kind, rv_bytes key, rv_bytes *value) {
    rv_ledger_entry entry;
    const bool found = is_at(ledger, rv_ledger_seek(ledger, kind, key), kind, key, &entry);
    *value = found ? entry.value : (rv_bytes){NULL, 0};
    RV_ASSERT(found || value->len == 0);
    return found;
}

uint8_t *rv_ledger_notes(rv_ledger *ledger, uint8_t kind, rv_bytes key) {
    rv_bytes value;
    const bool found = rv_ledger_get(ledger, kind, key, &value);
    RV_ASSERT(!found || (value.ptr >= ledger->buf && value.ptr < ledger->buf + ledger->cap));
    return found ? ledger->buf + (value.ptr - ledger->buf) : NULL;
}

/* --- the map --- */

/* Closes the holes: every entry moves down, and its offset is told. */
static void compact(rv_ledger *ledger) {
    size_t to = 0;
    for (size_t from = 0; from < ledger->len;) { /* goes on by an entry */
        const rv_ledger_entry entry = entry_at(ledger, from);
        const size_t size = entry_size(&entry);
        if (entry.kind != HOLE) {
            /* offsets of other entries are right: those before are moved, those behind not yet */
            const uint32_t index = rv_ledger_seek(ledger, entry.kind, entry.key);
            RV_ASSERT(rv_load_u32(offset_at(ledger, index)) == from);
            memmove(ledger->buf + to, ledger->buf + from, size);
            rv_store_u32(offset_at(ledger, index), (uint32_t)to);
            to += size;
        }
        from += size;
    }
    RV_ASSERT(to == ledger->live);
    ledger->len = to;
}

static void hole_make(rv_ledger *ledger, uint32_t index) {
    const size_t offset = rv_load_u32(offset_at(ledger, index));
    const rv_ledger_entry entry = entry_at(ledger, offset);
    RV_ASSERT(ledger->live >= entry_size(&entry));
    ledger->live -= entry_size(&entry);
    ledger->buf[offset] = HOLE;
}

/* Takes the offset with this index out. They rise towards the front of the buffer. */
static void offset_remove(rv_ledger *ledger, uint32_t index) {
    RV_ASSERT(index < ledger->count);
    uint8_t *const last = offset_at(ledger, ledger->count - 1);
    memmove(last + OFFSET_SIZE, last, (size_t)(ledger->count - 1 - index) * OFFSET_SIZE);
    ledger->count -= 1;
}

static void map_remove(rv_ledger *ledger, uint8_t kind, rv_bytes key) {
    rv_ledger_entry entry;
    const uint32_t index = rv_ledger_seek(ledger, kind, key);
    RV_ASSERT(kind != HOLE);
    if (is_at(ledger, index, kind, key, &entry)) {
        hole_make(ledger, index);
        offset_remove(ledger, index);
    }
}

/* False: there is no room, and what had this key is gone. */
static bool map_put(rv_ledger *ledger, const rv_ledger_entry *entry) {
    RV_ASSERT(entry->kind != HOLE && entry->kind < RV_LEDGER_KINDS_MAX);
    map_remove(ledger, entry->kind, entry->key);
    const size_t size = entry_size(entry);
    const size_t offsets = ((size_t)ledger->count + 1) * OFFSET_SIZE;
    if (size > ledger->cap || offsets > ledger->cap - size ||
        ledger->live > ledger->cap - size - offsets) {
        return false;
    }
    if (ledger->len > ledger->cap - size - offsets) {
        compact(ledger);
    }
    const uint32_t index = rv_ledger_seek(ledger, entry->kind, entry->key);
    const size_t offset = ledger->len;
    uint8_t *const at = ledger->buf + offset;
    at[0] = entry->kind;
    at[1] = (uint8_t)entry->key.len;
    rv_store_u32(at + 2, (uint32_t)entry->value.len);
    rv_writer w = rv_writer_over(at + ENTRY_HEAD, size - ENTRY_HEAD);
    rv_write(&w, entry->key);
    rv_write(&w, entry->value);
    RV_ASSERT(!w.full);
    ledger->count += 1;
    uint8_t *const last = offset_at(ledger, ledger->count - 1);
    memmove(last, last + OFFSET_SIZE, (size_t)(ledger->count - 1 - index) * OFFSET_SIZE);
    rv_store_u32(offset_at(ledger, index), (uint32_t)offset);
    ledger->len += size;
    ledger->live += size;
    const size_t used = rv_ledger_used(ledger);
    ledger->live_max = used > ledger->live_max ? used : ledger->live_max;
    return true;
}

/* --- records --- */

static size_t varint_len(uint64_t v) {
    size_t len = 1;
    for (; v >= 0x80; v >>= 7) { /* at most ten turns */
        len += 1;
    }
    RV_ASSERT(len <= 10);
    return len;
}

/* Whole, or not at all: false. */
static bool record_write(rv_writer *body, rv_record_kind record, uint8_t flags,
                         const rv_ledger_entry *entry) {
    RV_ASSERT(entry->key.len <= RV_LEDGER_KEY_MAX && entry->value.len <= RV_BATCH_LEN_MAX);
    const size_t len = 3 + 1 + entry->key.len + entry->value.len;
    RV_ASSERT(varint_len(entry->key.len) == 1);
    if (rv_writer_room(body) < varint_len(len) + len) {
        return false;
    }
    rv_write_varint(body, len);
    rv_write_u8(body, (uint8_t)record);
    rv_write_u8(body, flags);
    rv_write_u8(body, entry->kind);
    rv_write_blob(body, entry->key);
    rv_write(body, entry->value);
    RV_ASSERT(!body->full);
    return true;
}

bool rv_ledger_record_read(const rv_record *record, rv_ledger_entry *entry) {
    RV_ASSERT(record->kind == RV_RECORD_LEDGER_PUT || record->kind == RV_RECORD_LEDGER_REMOVE);
    rv_cursor c = rv_cursor_over(record->body);
    entry->kind = rv_read_u8(&c);
    entry->key = rv_read_blob(&c);
    entry->value = rv_read(&c, rv_cursor_left(&c));
    const bool remove = record->kind == RV_RECORD_LEDGER_REMOVE;
    return !c.bad && entry->kind != HOLE && entry->kind < RV_LEDGER_KINDS_MAX &&
           entry->key.len <= RV_LEDGER_KEY_MAX && (!remove || entry->value.len == 0);
}

rv_status rv_ledger_replay(rv_ledger *ledger, const rv_record *record) {
    rv_ledger_entry entry;
    if (!rv_ledger_record_read(record, &entry)) {
        return RV_DATA_DAMAGED;
    }
    RV_ASSERT(entry.kind != HOLE);
    if (record->kind == RV_RECORD_LEDGER_PUT) {
        return map_put(ledger, &entry) ? RV_OK : RV_MEMORY_EXHAUSTED;
    }
    map_remove(ledger, entry.kind, entry.key);
    return RV_OK;
}

bool rv_ledger_set(rv_ledger *ledger, const rv_ledger_entry *entry) {
    RV_ASSERT(entry->key.len <= RV_LEDGER_KEY_MAX);
    return map_put(ledger, entry);
}

void rv_ledger_unset(rv_ledger *ledger, uint8_t kind, rv_bytes key) {
    RV_ASSERT(kind != HOLE);
    map_remove(ledger, kind, key);
}

/* --- changes --- */

rv_ledger_changes rv_ledger_begin(rv_writer *body) {
    RV_ASSERT(body->ptr != NULL && !body->full);
    return (rv_ledger_changes){.body = body, .from = body->len};
}

/* What is freed when the entry with this key goes. */
static int64_t cost_of_old(const rv_ledger *ledger, uint8_t kind, rv_bytes key) {
    rv_bytes value;
    const bool there = rv_ledger_get(ledger, kind, key, &value);
    RV_ASSERT(there || value.len == 0);
    return there ? (int64_t)rv_ledger_cost(key.len, value.len) : 0;
}

rv_status rv_ledger_put(const rv_ledger *ledger, rv_ledger_changes *changes,
                        const rv_ledger_entry *entry) {
    RV_ASSERT(changes->from <= changes->body->len && !changes->body->full);
    if (entry->value.len > ledger->cap) {
        return RV_BUSY;
    }
    const int64_t cost = changes->cost + (int64_t)rv_ledger_cost(entry->key.len, entry->value.len) -
                         cost_of_old(ledger, entry->kind, entry->key);
    if ((int64_t)rv_ledger_used(ledger) + cost > (int64_t)ledger->cap) {
        return RV_BUSY;
    }
    if (!record_write(changes->body, RV_RECORD_LEDGER_PUT, 0, entry)) {
        return RV_BATCH_TOO_LARGE;
    }
    changes->cost = cost;
    return RV_OK;
}

static rv_status remove_as(const rv_ledger *ledger, rv_ledger_changes *changes, uint8_t flags,
                           const rv_ledger_entry *entry) {
    RV_ASSERT(changes->from <= changes->body->len && !changes->body->full);
    if (!record_write(changes->body, RV_RECORD_LEDGER_REMOVE, flags, entry)) {
        return RV_BATCH_TOO_LARGE;
    }
    changes->cost -= cost_of_old(ledger, entry->kind, entry->key);
    return RV_OK;
}

rv_status rv_ledger_remove(const rv_ledger *ledger, rv_ledger_changes *changes, uint8_t kind,
                           rv_bytes key) {
    const rv_ledger_entry entry = {.kind = kind, .key = key};
    return remove_as(ledger, changes, 0, &entry);
}

rv_status rv_ledger_drop(const rv_ledger *ledger, rv_ledger_changes *changes, uint8_t kind,
                         rv_bytes key) {
    const rv_ledger_entry entry = {.kind = kind, .key = key};
    return remove_as(ledger, changes, RV_RECORD_LEDGER_DROPPED, &entry);
}

void rv_ledger_apply(rv_ledger *ledger, const rv_ledger_changes *changes) {
    RV_ASSERT(changes->body->ptr != NULL && changes->from <= changes->body->len);
    rv_record_context context = {.next_sequence = 1};
    rv_cursor c = rv_cursor_over(rv_bytes_from(rv_writer_bytes(changes->body), changes->from));
    while (rv_cursor_left(&c) > 0) { /* goes on by a record */
        rv_record record;
        const bool read = rv_record_read(&c, &context, &record);
        const rv_status status = read ? rv_ledger_replay(ledger, &record) : RV_DATA_DAMAGED;
        RV_ASSERT(status == RV_OK); /* it was written here, and there is room */
    }
}

bool rv_ledger_carry(const rv_ledger *ledger, rv_writer *body, rv_ledger_place *place) {
    const rv_bytes key = rv_bytes_of(place->key, place->key_len);
    rv_ledger_entry entry;
    uint32_t index = rv_ledger_seek(ledger, place->kind, key);
    index += is_at(ledger, index, place->kind, key, &entry);
    for (; index < ledger->count; index += 1) {
        entry = rv_ledger_at(ledger, index);
        if (!record_write(body, RV_RECORD_LEDGER_PUT, 0, &entry)) {
            RV_ASSERT(body->len > 0);
            return false;
        }
        place->kind = entry.kind;
        place->key_len = (uint8_t)entry.key.len;
        memcpy(place->key, entry.key.ptr, entry.key.len);
    }
    return true;
}
