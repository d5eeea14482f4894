/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer read: see reads.h. */
#include "core/state/reads.h"

#include "core/state/inside.h"
#include "core/state/sorted_key.h"

#define HEAD         6u
#define CUT          0x80u
#define OPEN_AT_LOW  1u
#define OPEN_AT_HIGH 2u
#define PART_MAX     (HEAD + 2 * (1 + RV_READS_END_MAX))

RV_STATIC_ASSERT(RV_READS_END_MAX < CUT, "a length is seven bits");
RV_STATIC_ASSERT(RV_READS_END_MAX < RV_TREE_KEY_MAX, "what is cut in the tree is cut here");
RV_STATIC_ASSERT(PART_MAX <= RV_READS_LEN_MAX, "any part fits");
RV_STATIC_ASSERT(RV_READS_COLUMN_MAX <= RV_READS_END_MAX, "its ends are ends of parts");
RV_STATIC_ASSERT(RV_INDEXES_MAX <= RV_READS_COLUMN, "an index's number is none of the others");
RV_STATIC_ASSERT(RV_COLUMNS_MAX <= 256, "a column's number is one byte");

void rv_reads_clear(rv_reads *reads) {
    memset(reads->whole, 0, sizeof reads->whole);
    reads->len = 0;
}

bool rv_reads_none(const rv_reads *reads) {
    uint64_t whole = 0;
    for (size_t i = 0; i < sizeof reads->whole / sizeof *reads->whole; i += 1) {
        whole |= reads->whole[i];
    }
    return whole == 0 && reads->len == 0;
}

/* The parts of an aggregate of which all counts go. */
static void forget(rv_reads *reads, uint16_t aggregate) {
    uint32_t at = 0;
    while (at < reads->len) { /* each turn takes a part, or removes one */
        const uint16_t size = rv_load_u16(reads->bytes + at);
        RV_ASSERT(size >= HEAD && size <= reads->len - at);
        if (rv_load_u16(reads->bytes + at + 2) == aggregate) {
            memmove(reads->bytes + at, reads->bytes + at + size, reads->len - at - size);
            reads->len -= size;
        } else {
            at += size;
        }
    }
}

void rv_reads_all(rv_reads *reads, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    if (!rv_reads_has_all(reads, aggregate)) {
        reads->whole[aggregate / 64u] |= UINT64_C(1) << (aggregate % 64u);
        forget(reads, aggregate);
    }
}

/* Adds the part, unless it is there. */
static void add(rv_reads *reads, uint8_t *bytes, size_t len) {
    uint32_t at = 0;
    RV_ASSERT(len >= HEAD && len <= PART_MAX);
    rv_store_u16(bytes, (uint16_t)len);
    while (at < reads->len) {
        const uint16_t size = rv_load_u16(reads->bytes + at);
        if (size == len && memcmp(reads->bytes + at, bytes, len) == 0) {
            return;
        }
        at += size;
    }
    if (len > sizeof reads->bytes - reads->len) {
        rv_reads_all(reads, rv_load_u16(bytes + 2));
        return;
    }
    memcpy(reads->bytes + reads->len, bytes, len);
    reads->len += (uint32_t)len;
}

/* What a part begins with; its size comes with the rest. */
static rv_writer begin(uint8_t *bytes, uint16_t aggregate, uint8_t index, uint8_t open) {
    memset(bytes, 0, HEAD);
    rv_store_u16(bytes + 2, aggregate);
    bytes[4] = index;
    bytes[5] = open;
    rv_writer w = rv_writer_over(bytes, PART_MAX);
    w.len = HEAD;
    return w;
}

void rv_reads_key(rv_reads *reads, const rv_state *state, uint16_t aggregate, const rv_value *key) {
    const uint16_t count = rv_schema_aggregate(state->schema, aggregate)->key_count;
    uint8_t bytes[PART_MAX];
    if (rv_reads_has_all(reads, aggregate)) {
        return;
    }
    const uint32_t hash = rv_rows_keys_hash(state->hash_key, key, count);
    rv_writer w = begin(bytes, aggregate, RV_READS_KEY, 0);
    rv_write_u8(&w, sizeof hash);
    rv_write(&w, rv_bytes_of(&hash, sizeof hash));
    rv_write_u8(&w, 0);
    RV_ASSERT(!w.full);
    add(reads, bytes, w.len);
}

void rv_reads_value_write(const rv_state *state, uint16_t column, const rv_value *value,
                          uint8_t *bytes) {
    const uint32_t hash = rv_rows_keys_hash(state->hash_key, value, 1);
    RV_ASSERT(column < RV_COLUMNS_MAX && !rv_value_is_null(value));
    bytes[0] = (uint8_t)column;
    rv_store_u32(bytes + 1, hash);
}

void rv_reads_value(rv_reads *reads, const rv_state *state, uint16_t aggregate, uint16_t column,
                    const rv_value *value) {
    uint8_t low[RV_READS_VALUE_LEN];
    uint8_t bytes[PART_MAX];
    if (rv_reads_has_all(reads, aggregate)) {
        return;
    }
    rv_reads_value_write(state, column, value, low);
    rv_writer w = begin(bytes, aggregate, RV_READS_VALUE, 0);
    rv_write_u8(&w, sizeof low);
    rv_write(&w, rv_bytes_of(low, sizeof low));
    rv_write_u8(&w, 0);
    RV_ASSERT(!w.full);
    add(reads, bytes, w.len);
}

/* The key of an end, or, without one, of the row. */
static void write_end(const rv_state *state, const rv_index_range *range, const rv_index_end *end,
                      rv_row row, rv_writer *w) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(state->schema, range->aggregate);
    const rv_aggregate_index *const index = &aggregate->indexes[range->index];
    const rv_sorted_source source = {.pages = &state->pages,
                                     .table = rv_table_of(&state->pages, range->aggregate),
                                     .aggregate = aggregate,
                                     .index = index,
                                     .values = end == NULL ? NULL : end->values,
                                     .count = end == NULL ? index->column_count : end->count,
                                     .place = end == NULL ? (uint32_t)row : 0};
    rv_sorted_key key;
    rv_sorted_key_make(&source, &key);
    const bool cut = key.cut || key.len > RV_READS_END_MAX;
    const uint8_t len = key.len < RV_READS_END_MAX ? key.len : RV_READS_END_MAX;
    rv_write_u8(w, (uint8_t)(len | (cut ? CUT : 0)));
    rv_write(w, rv_bytes_of(key.bytes, len));
}

void rv_reads_range(rv_reads *reads, const rv_state *state, const rv_index_range *range,
                    rv_row last) {
    const bool to_row = last != RV_ROW_NONE;
    const bool low_given = !to_row || !range->descending;
    const bool high_given = !to_row || range->descending;
    uint8_t bytes[PART_MAX];
    if (rv_reads_has_all(reads, range->aggregate)) {
        return;
    }
    RV_ASSERT(range->index < RV_INDEXES_MAX);
    const unsigned open = (low_given && !range->low.inclusive ? OPEN_AT_LOW : 0) |
                          (high_given && !range->high.inclusive ? OPEN_AT_HIGH : 0);
    rv_writer w = begin(bytes, range->aggregate, (uint8_t)range->index, (uint8_t)open);
    write_end(state, range, low_given ? &range->low : NULL, last, &w);
    write_end(state, range, high_given ? &range->high : NULL, last, &w);
    RV_ASSERT(!w.full);
    add(reads, bytes, w.len);
}

/* --- values between two --- */

/* A column with the key of its value, or without one; true: it is cut. */
static bool write_column(const rv_aggregate *aggregate, uint16_t column, const rv_value *value,
                         rv_writer *w) {
    const rv_aggregate_index alone = {.columns = &column, .column_count = 1};
    const rv_sorted_source source = {
        .aggregate = aggregate, .index = &alone, .values = value, .count = value == NULL ? 0 : 1};
    rv_sorted_key key = {.len = 0};
    if (value != NULL) {
        rv_sorted_key_make(&source, &key);
    }
    const size_t room = RV_READS_COLUMN_MAX - 1;
    rv_write_u8(w, (uint8_t)column);
    rv_write(w, rv_bytes_of(key.bytes, key.len < room ? key.len : room));
    return key.cut || key.len > room;
}

uint8_t rv_reads_column_write(const rv_aggregate *aggregate, uint16_t column, const rv_value *value,
                              uint8_t *bytes) {
    rv_writer w = rv_writer_over(bytes, RV_READS_COLUMN_MAX);
    RV_ASSERT(column < aggregate->column_count);
    (void)write_column(aggregate, column, value, &w);
    RV_ASSERT(!w.full);
    return (uint8_t)w.len;
}

static void write_column_end(const rv_aggregate *aggregate, uint16_t column,
                             const rv_index_end *end, rv_writer *w) {
    uint8_t bytes[RV_READS_COLUMN_MAX];
    rv_writer key = rv_writer_over(bytes, sizeof bytes);
    RV_ASSERT(end->count <= 1);
    const bool cut = write_column(aggregate, column, end->count == 0 ? NULL : end->values, &key);
    rv_write_u8(w, (uint8_t)(key.len | (cut ? CUT : 0)));
    rv_write(w, rv_writer_bytes(&key));
}

void rv_reads_column(rv_reads *reads, const rv_state *state, const rv_index_range *range,
                     uint16_t column) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(state->schema, range->aggregate);
    uint8_t bytes[PART_MAX];
    if (rv_reads_has_all(reads, range->aggregate)) {
        return;
    }
    if (range->low.count == 0 && range->high.count == 0) {
        rv_reads_all(reads, range->aggregate);
        return;
    }
    RV_ASSERT(column < aggregate->column_count);
    const unsigned open =
        (range->low.inclusive ? 0 : OPEN_AT_LOW) | (range->high.inclusive ? 0 : OPEN_AT_HIGH);
    rv_writer w = begin(bytes, range->aggregate, RV_READS_COLUMN, (uint8_t)open);
    write_column_end(aggregate, column, &range->low, &w);
    write_column_end(aggregate, column, &range->high, &w);
    RV_ASSERT(!w.full);
    add(reads, bytes, w.len);
}

/* --- parts --- */

/* An end at `*at`, which goes on behind it. */
static rv_bytes read_end(const uint8_t *bytes, uint32_t *at, bool *cut) {
    const uint32_t len = bytes[*at] & ~CUT;
    const rv_bytes end = rv_bytes_of(bytes + *at + 1, len);
    *cut = (bytes[*at] & CUT) != 0;
    *at += 1 + len;
    return end;
}

bool rv_reads_next(const rv_reads *reads, uint32_t *at, rv_reads_part *part) {
    const uint8_t *const bytes = reads->bytes;
    RV_ASSERT(*at <= reads->len);
    if (*at == reads->len) {
        return false;
    }
    const uint32_t end = *at + rv_load_u16(bytes + *at);
    RV_ASSERT(end >= *at + HEAD && end <= reads->len);
    part->aggregate = rv_load_u16(bytes + *at + 2);
    part->index = bytes[*at + 4];
    part->low_open = (bytes[*at + 5] & OPEN_AT_LOW) != 0;
    part->high_open = (bytes[*at + 5] & OPEN_AT_HIGH) != 0;
    *at += HEAD;
    part->low = read_end(bytes, at, &part->low_cut);
    part->high = read_end(bytes, at, &part->high_cut);
    RV_ASSERT(*at == end);
    return true;
}

/* -1, 1: the key lies before or behind all that begins as the end does; 0: it begins so, or, as far
 * as is known, may. `*same`: it does. */
static int compare(rv_bytes key, rv_bytes end, bool cut, bool *same) {
    const size_t both = key.len < end.len ? key.len : end.len;
    const int order = both == 0 ? 0 : memcmp(key.ptr, end.ptr, both);
    *same = order == 0 && !cut && end.len <= key.len;
    return order;
}

bool rv_reads_holds(const rv_reads_part *part, rv_bytes key) {
    bool same_low = false;
    bool same_high = false;
    if (part->index == RV_READS_KEY || part->index == RV_READS_VALUE) {
        return rv_bytes_equal(part->low, key);
    }
    const int low = compare(key, part->low, part->low_cut, &same_low);
    const int high = compare(key, part->high, part->high_cut, &same_high);
    return low >= 0 && high <= 0 && !(same_low && part->low_open) &&
           !(same_high && part->high_open);
}

uint32_t rv_reads_count(const rv_reads *reads, uint16_t aggregate, uint8_t index) {
    uint32_t at = 0;
    uint32_t count = 0;
    rv_reads_part part;
    while (rv_reads_next(reads, &at, &part)) {
        count += part.aggregate == aggregate && part.index == index;
    }
    return count;
}
