/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codec of runs: run.h says what they look like, docs/format/index.md to the byte.
 *
 * The streams section is nearly all of a run, and nearly all of its entries follow the one before
 * in the same stream. So the low bit of an entry's first number says "the next version of the same
 * stream", and then the entry is that number, two or three bytes.
 *
 * Reading believes nothing but the checksum, and that only so far: an entry that runs out of the
 * block, overflows or descends makes the block bad.
 */
#include "core/log/run.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/log/segment.h"

#define RUN_VERSION      1u
#define FOOTER_PARTS     64
#define FOOTER_PART_SIZE 48
#define FOOTER_CRC_AT    (RV_RUN_BLOCK_SIZE - 4)
#define SEQUENCE_MAX     (UINT64_MAX / 4) /* so that differences have a bit to spare */

static const uint8_t run_magic[8] = {'R', 'V', 'I', 'D', 'X', '\r', '\n', 0x1a};

static uint64_t load_big(const uint8_t *p) {
    RV_ASSERT(p != NULL);
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i += 1) {
        v = v << 8 | p[i];
    }
    return v;
}

static void store_big(uint8_t *p, uint64_t v) {
    RV_ASSERT(p != NULL);
    for (unsigned i = 0; i < 8; i += 1) {
        p[i] = (uint8_t)(v >> (56 - 8 * i));
    }
}

rv_run_key rv_run_key_of_id(const uint8_t *id) {
    return (rv_run_key){load_big(id), load_big(id + 8)};
}

/* --- filling --- */

void rv_run_fill_begin(rv_run_filling *f, rv_run_section section, uint32_t level, uint64_t base) {
    RV_ASSERT(f->block != NULL && level <= RV_RUN_DEPTH_MAX);
    RV_ASSERT(base > 0 && section < RV_RUN_SECTIONS);
    f->len = RV_RUN_BLOCK_HEAD;
    f->section = section;
    f->level = level;
    f->base = base;
    f->previous = (rv_run_entry){{0, 0}, 0, 0};
    f->count = 0;
    f->first = (rv_run_key){0, 0};
}

bool rv_run_fits(const rv_run_filling *f, const rv_run_entry *entry) {
    const bool any = f->count > 0;
    RV_ASSERT(f->section < RV_RUN_SECTIONS);
    if (any && rv_run_key_compare(f->previous.key, entry->key) > 0) {
        return false;
    }
    if (f->level > 0) {
        return entry->c <= RV_RUN_BLOCKS_MAX;
    }
    switch (f->section) {
    case RV_RUN_PLACES:
        return !any || (entry->key.b >= f->previous.key.b && entry->c >= f->previous.c);
    case RV_RUN_STREAMS:
        return entry->key.a <= UINT32_MAX && entry->c >= f->base && entry->c < SEQUENCE_MAX;
    default:
        return entry->c >= f->base && entry->c < SEQUENCE_MAX;
    }
}

static void put_place(rv_writer *w, const rv_run_entry *before, const rv_run_entry *entry) {
    rv_write_varint(w, entry->key.a - before->key.a);
    rv_write_varint(w, entry->key.b - before->key.b);
    rv_write_varint(w, entry->c - before->c);
    rv_write_varint(w, entry->d);
}

static void put_stream(rv_writer *w, const rv_run_filling *f, const rv_run_entry *entry) {
    const rv_run_entry *const before = &f->previous;
    if (f->count > 0 && entry->key.a == before->key.a && entry->key.b == before->key.b + 1 &&
        entry->c > before->c) {
        rv_write_varint(w, (entry->c - before->c - 1) << 1 | 1);
        return;
    }
    rv_write_varint(w, (entry->key.a - before->key.a) << 1);
    rv_write_varint(w, entry->key.b);
    rv_write_varint(w, entry->c - f->base);
}

static void put_id(rv_writer *w, const rv_run_filling *f, const rv_run_entry *entry) {
    uint8_t before[16];
    uint8_t id[16];
    store_big(before, f->previous.key.a);
    store_big(before + 8, f->previous.key.b);
    store_big(id, entry->key.a);
    store_big(id + 8, entry->key.b);
    unsigned shared = 0;
    while (f->count > 0 && shared < 15 && id[shared] == before[shared]) {
        shared += 1;
    }
    RV_ASSERT(shared < 16);
    rv_write_u8(w, (uint8_t)shared);
    rv_write(w, rv_bytes_of(id + shared, 16 - shared));
    rv_write_varint(w, entry->c - f->base);
}

/* An entry of a level above: key and block. */
static void put_below(rv_writer *w, const rv_run_filling *f, const rv_run_entry *entry) {
    rv_write_varint(w, entry->key.a - f->previous.key.a);
    rv_write_varint(w, entry->key.b);
    rv_write_varint(w, entry->c);
}

bool rv_run_fill(rv_run_filling *f, const rv_run_entry *entry) {
    RV_ASSERT(rv_run_fits(f, entry));
    RV_ASSERT(f->len <= RV_RUN_BLOCK_SIZE);
    uint8_t bytes[RV_RUN_ENTRY_MAX];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    if (f->level > 0) {
        put_below(&w, f, entry);
    } else if (f->section == RV_RUN_PLACES) {
        put_place(&w, &f->previous, entry);
    } else if (f->section == RV_RUN_STREAMS) {
        put_stream(&w, f, entry);
    } else {
        put_id(&w, f, entry);
    }
    RV_ASSERT(!w.full);
    if (w.len > RV_RUN_BLOCK_SIZE - f->len) {
        return false;
    }
    memcpy(f->block + f->len, bytes, w.len);
    f->len += w.len;
    f->first = f->count == 0 ? entry->key : f->first;
    f->previous = *entry;
    f->count += 1;
    return true;
}

static uint32_t block_crc(const uint8_t *block, uint64_t fingerprint) {
    uint8_t seed[8];
    RV_ASSERT(block != NULL);
    rv_store_u64(seed, fingerprint);
    return rv_crc32c(rv_crc32c(0, rv_bytes_of(seed, sizeof seed)),
                     rv_bytes_of(block + 4, RV_RUN_BLOCK_SIZE - 4));
}

void rv_run_fill_end(const rv_run_filling *f, uint32_t number, uint64_t fingerprint) {
    RV_ASSERT(f->count > 0);
    RV_ASSERT(f->len >= RV_RUN_BLOCK_HEAD && f->len <= RV_RUN_BLOCK_SIZE);
    uint8_t *const block = f->block;
    memset(block + f->len, 0, RV_RUN_BLOCK_SIZE - f->len);
    rv_store_u32(block + 4, number);
    block[8] = (uint8_t)f->section;
    block[9] = (uint8_t)f->level;
    rv_store_u16(block + 10, (uint16_t)(f->len - RV_RUN_BLOCK_HEAD));
    rv_store_u32(block, block_crc(block, fingerprint));
}

/* --- reading --- */

bool rv_run_block_good(const uint8_t *block, const rv_run_expected *expected) {
    RV_ASSERT(block != NULL && expected != NULL);
    const size_t len = rv_load_u16(block + 10);
    return rv_load_u32(block) == block_crc(block, expected->fingerprint) &&
           rv_load_u32(block + 4) == expected->number && block[8] == expected->section &&
           block[9] == expected->level && len > 0 && len <= RV_RUN_BLOCK_SIZE - RV_RUN_BLOCK_HEAD;
}

rv_run_reading rv_run_read_begin(const uint8_t *block, uint64_t base) {
    const size_t len = rv_load_u16(block + 10);
    RV_ASSERT(len <= RV_RUN_BLOCK_SIZE - RV_RUN_BLOCK_HEAD);
    RV_ASSERT(block[8] < RV_RUN_SECTIONS);
    return (rv_run_reading){
        .c = rv_cursor_over(rv_bytes_of(block + RV_RUN_BLOCK_HEAD, len)),
        .section = (rv_run_section)block[8],
        .level = block[9],
        .base = base,
    };
}

/* a + b; malformed when that overflows. */
static uint64_t sum(rv_cursor *c, uint64_t a, uint64_t b) {
    c->bad = c->bad || b > UINT64_MAX - a;
    return a + b;
}

static void get_place(rv_run_reading *r) {
    rv_run_entry *const e = &r->entry;
    e->key.a = sum(&r->c, e->key.a, rv_read_varint(&r->c));
    e->key.b = sum(&r->c, e->key.b, rv_read_varint(&r->c));
    e->c = sum(&r->c, e->c, rv_read_varint(&r->c));
    e->d = rv_read_varint(&r->c);
}

static void get_stream(rv_run_reading *r) {
    rv_run_entry *const e = &r->entry;
    const uint64_t first = rv_read_varint(&r->c);
    if ((first & 1) != 0) {
        r->c.bad = r->c.bad || !r->any || e->key.b == UINT64_MAX;
        e->key.b += 1;
        e->c = sum(&r->c, e->c, (first >> 1) + 1);
        return;
    }
    e->key.a = sum(&r->c, e->key.a, first >> 1);
    e->key.b = rv_read_varint(&r->c);
    e->c = sum(&r->c, r->base, rv_read_varint(&r->c));
    r->c.bad = r->c.bad || e->key.a > UINT32_MAX;
}

static void get_id(rv_run_reading *r) {
    uint8_t id[16];
    rv_run_entry *const e = &r->entry;
    const rv_bytes head = rv_read(&r->c, 1);
    const unsigned shared = r->c.bad ? 0 : head.ptr[0];
    if (r->c.bad || shared > 15 || (shared > 0 && !r->any)) {
        r->c.bad = true;
        return;
    }
    store_big(id, e->key.a);
    store_big(id + 8, e->key.b);
    const rv_bytes rest = rv_read(&r->c, 16 - shared);
    if (!r->c.bad) {
        memcpy(id + shared, rest.ptr, rest.len);
        e->key = rv_run_key_of_id(id);
        e->c = sum(&r->c, r->base, rv_read_varint(&r->c));
    }
}

static void get_below(rv_run_reading *r) {
    rv_run_entry *const e = &r->entry;
    e->key.a = sum(&r->c, e->key.a, rv_read_varint(&r->c));
    e->key.b = rv_read_varint(&r->c);
    e->c = rv_read_varint(&r->c);
    r->c.bad = r->c.bad || e->c > RV_RUN_BLOCKS_MAX;
}

bool rv_run_read(rv_run_reading *r) {
    RV_ASSERT(r->section < RV_RUN_SECTIONS);
    if (r->bad || rv_cursor_left(&r->c) == 0) {
        return false;
    }
    const rv_run_key before = r->entry.key;
    if (r->level > 0) {
        get_below(r);
    } else if (r->section == RV_RUN_PLACES) {
        get_place(r);
    } else if (r->section == RV_RUN_STREAMS) {
        get_stream(r);
    } else {
        get_id(r);
    }
    r->bad = r->c.bad || (r->any && rv_run_key_compare(before, r->entry.key) > 0);
    r->any = true;
    return !r->bad;
}

/* --- the footer --- */

void rv_run_footer_encode(uint8_t *block, const rv_run_footer *footer) {
    RV_ASSERT(footer->first_sequence > 0);
    RV_ASSERT(footer->first_sequence < footer->next_sequence);
    memset(block, 0, RV_RUN_BLOCK_SIZE);
    memcpy(block, run_magic, sizeof run_magic);
    rv_store_u32(block + 8, RUN_VERSION);
    rv_store_u32(block + 12, footer->level);
    memcpy(block + 16, footer->log_id, sizeof footer->log_id);
    rv_store_u64(block + 32, footer->fingerprint);
    rv_store_u64(block + 40, footer->first_sequence);
    rv_store_u64(block + 48, footer->next_sequence);
    rv_store_u32(block + 56, footer->block_count);
    for (unsigned i = 0; i < RV_RUN_SECTIONS; i += 1) {
        const rv_run_part *const part = &footer->parts[i];
        uint8_t *const to = block + FOOTER_PARTS + (size_t)i * FOOTER_PART_SIZE;
        rv_store_u64(to, part->count);
        rv_store_u32(to + 8, part->root);
        rv_store_u32(to + 12, part->depth);
        rv_store_u64(to + 16, part->first.a);
        rv_store_u64(to + 24, part->first.b);
        rv_store_u64(to + 32, part->last.a);
        rv_store_u64(to + 40, part->last.b);
    }
    rv_store_u32(block + FOOTER_CRC_AT, rv_crc32c(0, rv_bytes_of(block, FOOTER_CRC_AT)));
}

/* Its blocks lie from `begin` on, its root last. */
static bool part_good(const rv_run_part *part, uint32_t begin, uint32_t block_count) {
    RV_ASSERT(part != NULL);
    if (part->count == 0) {
        return true;
    }
    return part->root >= begin && part->root < block_count && part->depth <= RV_RUN_DEPTH_MAX &&
           rv_run_key_compare(part->first, part->last) <= 0;
}

rv_status rv_run_footer_decode(const uint8_t *block, rv_run_footer *footer) {
    RV_ASSERT(block != NULL && footer != NULL);
    if (memcmp(block, run_magic, sizeof run_magic) != 0 ||
        rv_load_u32(block + FOOTER_CRC_AT) != rv_crc32c(0, rv_bytes_of(block, FOOTER_CRC_AT))) {
        return RV_DATA_DAMAGED;
    }
    if (rv_load_u32(block + 8) != RUN_VERSION) {
        return rv_load_u32(block + 8) > RUN_VERSION ? RV_DATA_NEWER : RV_DATA_DAMAGED;
    }
    *footer = (rv_run_footer){
        .fingerprint = rv_load_u64(block + 32),
        .level = rv_load_u32(block + 12),
        .block_count = rv_load_u32(block + 56),
        .first_sequence = rv_load_u64(block + 40),
        .next_sequence = rv_load_u64(block + 48),
    };
    memcpy(footer->log_id, block + 16, sizeof footer->log_id);
    bool good = footer->first_sequence > 0 && footer->first_sequence < footer->next_sequence &&
                footer->next_sequence < SEQUENCE_MAX && footer->level <= RV_RUN_LEVEL_MAX;
    uint32_t begin = 0;
    for (unsigned i = 0; i < RV_RUN_SECTIONS; i += 1) {
        const uint8_t *const from = block + FOOTER_PARTS + (size_t)i * FOOTER_PART_SIZE;
        rv_run_part *const part = &footer->parts[i];
        *part = (rv_run_part){
            .count = rv_load_u64(from),
            .root = rv_load_u32(from + 8),
            .depth = rv_load_u32(from + 12),
            .first = {rv_load_u64(from + 16), rv_load_u64(from + 24)},
            .last = {rv_load_u64(from + 32), rv_load_u64(from + 40)},
        };
        good = good && part_good(part, begin, footer->block_count);
        begin = part->count > 0 ? part->root + 1 : begin;
    }
    return good ? RV_OK : RV_DATA_DAMAGED;
}

/* --- names --- */

void rv_run_name(const rv_run_span *span, rv_file_name *name) {
    RV_ASSERT(span->first > 0 && span->first < span->next);
    RV_ASSERT(span->level <= RV_RUN_LEVEL_MAX);
    char *p = name->text;
    memcpy(p, "idx-", 4);
    p = rv_name_put_hex(p + 4, span->level, 2);
    *p = '-';
    p = rv_name_put_hex(p + 1, span->first, 16);
    *p = '-';
    p = rv_name_put_hex(p + 1, span->next, 16);
    memcpy(p, ".run", 5);
}

bool rv_run_name_parse(const char *name, rv_run_span *span) {
    RV_ASSERT(name != NULL && span != NULL);
    uint64_t level = 0;
    if (strlen(name) != 44 || memcmp(name, "idx-", 4) != 0 || name[6] != '-' || name[23] != '-') {
        return false;
    }
    const bool good = rv_name_get_hex(name + 4, 2, &level) != NULL &&
                      rv_name_get_hex(name + 7, 16, &span->first) != NULL &&
                      rv_name_get_hex(name + 24, 16, &span->next) != NULL &&
                      strcmp(name + 40, ".run") == 0;
    span->level = (uint32_t)level;
    return good && span->first > 0 && span->first < span->next && span->next < SEQUENCE_MAX;
}
