/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: one immutable file that says, for the events of an interval of sequences, where they are.
 * It has three sections, each a sorted list of entries (two-part key, up to two values) in a tree
 * of 4096-byte blocks:
 *
 *     section    key                                 values
 *     places     sequence, watermark before          segment number, offset     one each 64 KiB
 *     streams    stream number, version              sequence
 *     ids        event id, its two halves            sequence                   foreign ids only
 *
 * Streams and ids lead to sequences, which never change; places lead from a sequence to a batch.
 * docs/format/index.md is the specification of the bytes.
 *
 *     block    u32 crc   u32 number   u8 section  u8 level  u16 length   entries, then zeros
 *
 * The crc begins with the run's fingerprint, so a block of another file never passes. Entries are
 * differences to the entry before; the first of a block is one to nothing, so each block stands for
 * itself. At level 0 are the entries; above, for each block below, its first key and its number.
 * Blocks are written in the order in which they become full, the footer comes last.
 *
 *     file     idx-LL-FFFFFFFFFFFFFFFF-NNNNNNNNNNNNNNNN.run   level, first sequence, the one after
 *                                                             the last: hexadecimal
 */
#ifndef RV_LOG_RUN_H
#define RV_LOG_RUN_H

#include "core/base/cursor.h"
#include "core/base/writer.h"
#include "rivulet/host.h"

#define RV_RUN_BLOCK_SIZE ((size_t)4096)
#define RV_RUN_BLOCK_HEAD ((size_t)12)
#define RV_RUN_ENTRY_MAX  ((size_t)40) /* bytes of an entry, at most */
#define RV_RUN_DEPTH_MAX  4u           /* levels above the entries: 160^4 blocks of ids */
#define RV_RUN_LEVEL_MAX  255u
#define RV_RUN_BLOCKS_MAX UINT32_MAX

typedef enum rv_run_section {
    RV_RUN_PLACES,
    RV_RUN_STREAMS,
    RV_RUN_IDS,
    RV_RUN_SECTIONS
} rv_run_section;

typedef struct rv_run_key {
    uint64_t a;
    uint64_t b;
} rv_run_key;

typedef struct rv_run_entry {
    rv_run_key key;
    uint64_t c; /* sequence; segment number; number of the block below */
    uint64_t d; /* offset */
} rv_run_entry;

typedef struct rv_run_part {
    uint64_t count; /* of entries; 0: no blocks */
    uint32_t root;
    uint32_t depth; /* the root's level */
    rv_run_key first;
    rv_run_key last;
} rv_run_part;

typedef struct rv_run_footer {
    uint8_t log_id[16];
    uint64_t fingerprint; /* of the segments that hold the events */
    uint32_t level;       /* how often it was merged */
    uint32_t block_count; /* without the footer */
    uint64_t first_sequence;
    uint64_t next_sequence;
    rv_run_part parts[RV_RUN_SECTIONS];
} rv_run_footer;

static inline int rv_run_key_compare(rv_run_key x, rv_run_key y) {
    return x.a != y.a ? (x.a < y.a ? -1 : 1) : (x.b > y.b) - (x.b < y.b);
}

/* An id as a key: so keys ascend as ids do, bytewise. */
rv_run_key rv_run_key_of_id(const uint8_t *id);

/* --- blocks --- */

/* A block that is being filled. */
typedef struct rv_run_filling {
    uint8_t *block; /* RV_RUN_BLOCK_SIZE bytes */
    size_t len;     /* with the head */
    rv_run_section section;
    uint32_t level;
    uint64_t base; /* the run's first sequence */
    rv_run_entry previous;
    uint32_t count;
    rv_run_key first;
} rv_run_filling;

void rv_run_fill_begin(rv_run_filling *f, rv_run_section section, uint32_t level, uint64_t base);

/* True when the entry may come next: keys ascend (equal ones are taken), values are in range. */
RV_MUST_USE bool rv_run_fits(const rv_run_filling *f, const rv_run_entry *entry);

/* False: the block is full. The entry fits, as above; what the section does not keep is ignored. */
RV_MUST_USE bool rv_run_fill(rv_run_filling *f, const rv_run_entry *entry);

/* Makes it whole: zeros, head, crc. */
void rv_run_fill_end(const rv_run_filling *f, uint32_t number, uint64_t fingerprint);

/* What a block must be. */
typedef struct rv_run_expected {
    uint64_t fingerprint;
    uint32_t number;
    rv_run_section section;
    uint32_t level;
} rv_run_expected;

/* True when the block is intact and the expected one. */
RV_MUST_USE bool rv_run_block_good(const uint8_t *block, const rv_run_expected *expected);

/* Goes through the entries of a good block. */
typedef struct rv_run_reading {
    rv_cursor c;
    rv_run_section section;
    uint32_t level;
    uint64_t base;
    rv_run_entry entry; /* the last that was read */
    bool bad;           /* malformed, in spite of its checksum */
    bool any;
} rv_run_reading;

rv_run_reading rv_run_read_begin(const uint8_t *block, uint64_t base);

/* The next entry, in `r->entry`. False at the end, and when `r->bad`. Keys never descend. */
RV_MUST_USE bool rv_run_read(rv_run_reading *r);

/* --- the footer, names --- */

/* Writes RV_RUN_BLOCK_SIZE bytes. */
void rv_run_footer_encode(uint8_t *block, const rv_run_footer *footer);

/* Reads them. RV_OK, RV_DATA_NEWER (intact, of a later version), RV_DATA_DAMAGED. */
RV_MUST_USE rv_status rv_run_footer_decode(const uint8_t *block, rv_run_footer *footer);

typedef struct rv_run_span {
    uint64_t first; /* sequence */
    uint64_t next;
    uint32_t level;
} rv_run_span;

void rv_run_name(const rv_run_span *span, rv_file_name *name);
RV_MUST_USE bool rv_run_name_parse(const char *name, rv_run_span *span);

#endif
