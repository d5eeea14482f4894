/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch as it lies in a segment: a 64-byte header, a body of records, and zeros to a multiple
 * of 8.
 *
 *     0  u32 crc32c from byte 4 to the padded end, continued from the segment's salt
 *     4  u32 body length             8  u32 previous crc, xor the salt
 *    12  u8  kind                   13  u24 number of events
 *    16  u64 first sequence         24  u64 first position        32  u64 watermark after it
 *    40  u64 chain hash after it    48  i64 time                  56  u64 offset known durable
 *
 * It is written in two steps: rv_batch_open when it is appended, rv_batch_close when it goes to
 * disk, because only then it is known what is durable and which checksum goes before.
 */
#ifndef RV_LOG_BATCH_H
#define RV_LOG_BATCH_H

#include "core/base/bytes.h"
#include "core/base/limits.h"

#define RV_BATCH_HEADER_SIZE     ((size_t)64)
#define RV_BATCH_ALIGN           ((size_t)8)
#define RV_BATCH_EVENT_COUNT_MAX 0xffffffu /* 24 bits; a record takes more than one byte */

RV_STATIC_ASSERT(RV_BATCH_LEN_MAX < RV_BATCH_EVENT_COUNT_MAX, "the count of a full batch fits");

typedef enum rv_batch_kind { RV_BATCH_RECORDS = 1, RV_BATCH_SEAL = 2 } rv_batch_kind;

typedef struct rv_batch_header {
    uint32_t crc;
    uint32_t len;      /* of the body, without padding */
    uint32_t previous; /* as stored: with the salt in it */
    rv_batch_kind kind;
    uint32_t event_count;
    uint64_t first_sequence;
    uint64_t first_position;
    uint64_t watermark;
    uint64_t chain_hash;
    int64_t time;
    uint64_t durable; /* offset in the segment below which all was flushed when this was written */
} rv_batch_header;

/* Bytes that a batch takes in the file. */
static inline size_t rv_batch_size(size_t body_len) {
    return RV_BATCH_HEADER_SIZE + ((body_len + RV_BATCH_ALIGN - 1) & ~(RV_BATCH_ALIGN - 1));
}

/* Stores the header's fields, but crc, previous and durable, and zeroes the padding. The body of
 * `header->len` bytes is in its place. */
void rv_batch_open(uint8_t *to, const rv_batch_header *header);

/* Stores what was left out; returns the crc. */
uint32_t rv_batch_close(uint8_t *to, uint32_t salt, uint32_t previous_crc, uint64_t durable);

/* Reads 64 bytes. False when no batch can begin so: kind, lengths and counts that cannot be. */
RV_MUST_USE bool rv_batch_decode(const uint8_t *from, rv_batch_header *header);

/* True when the checksum of the whole batch at `from` holds. */
RV_MUST_USE bool rv_batch_intact(const uint8_t *from, const rv_batch_header *header, uint32_t salt);

/* True when the batch follows the one with this crc, at this sequence. */
RV_MUST_USE bool rv_batch_follows(const rv_batch_header *header, uint32_t salt,
                                  uint32_t previous_crc, uint64_t next_sequence);

#endif
