/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codec of batch headers: see batch.h. The salt goes into the checksum, so that bytes of
 * another segment, or of another life of this one, never pass; and into the link to the batch
 * before.
 */
#include "core/log/batch.h"

#include "core/base/hash.h"
#include "core/log/segment.h"

void rv_batch_open(uint8_t *to, const rv_batch_header *header) {
    RV_ASSERT(header->len <= RV_BATCH_LEN_MAX);
    RV_ASSERT(header->event_count <= header->len);
    rv_store_u32(to, 0);
    rv_store_u32(to + 4, header->len);
    rv_store_u32(to + 8, 0);
    rv_store_u32(to + 12, (uint32_t)header->kind | (header->event_count << 8));
    rv_store_u64(to + 16, header->first_sequence);
    rv_store_u64(to + 24, header->first_position);
    rv_store_u64(to + 32, header->watermark);
    rv_store_u64(to + 40, header->chain_hash);
    rv_store_u64(to + 48, (uint64_t)header->time);
    rv_store_u64(to + 56, 0);
    const size_t end = RV_BATCH_HEADER_SIZE + header->len;
    memset(to + end, 0, rv_batch_size(header->len) - end);
}

static uint32_t batch_crc(const uint8_t *from, uint32_t body_len, uint32_t salt) {
    RV_ASSERT(body_len <= RV_BATCH_LEN_MAX);
    return rv_crc32c(salt, rv_bytes_of(from + 4, rv_batch_size(body_len) - 4));
}

uint32_t rv_batch_close(uint8_t *to, uint32_t salt, uint32_t previous_crc, uint64_t durable) {
    RV_ASSERT(durable >= RV_SEGMENT_HEADER_SIZE);
    RV_ASSERT(durable % RV_BATCH_ALIGN == 0);
    rv_store_u32(to + 8, previous_crc ^ salt);
    rv_store_u64(to + 56, durable);
    const uint32_t crc = batch_crc(to, rv_load_u32(to + 4), salt);
    rv_store_u32(to, crc);
    return crc;
}

bool rv_batch_decode(const uint8_t *from, rv_batch_header *header) {
    RV_ASSERT(from != NULL);
    const uint32_t word = rv_load_u32(from + 12);
    *header = (rv_batch_header){
        .crc = rv_load_u32(from),
        .len = rv_load_u32(from + 4),
        .previous = rv_load_u32(from + 8),
        .kind = (rv_batch_kind)(word & 0xff),
        .event_count = word >> 8,
        .first_sequence = rv_load_u64(from + 16),
        .first_position = rv_load_u64(from + 24),
        .watermark = rv_load_u64(from + 32),
        .chain_hash = rv_load_u64(from + 40),
        .time = (int64_t)rv_load_u64(from + 48),
        .durable = rv_load_u64(from + 56),
    };
    if (header->kind != RV_BATCH_RECORDS && header->kind != RV_BATCH_SEAL) {
        return false;
    }
    if (header->kind == RV_BATCH_SEAL && header->len != 0) {
        return false;
    }
    return header->len <= RV_BATCH_LEN_MAX && header->event_count <= header->len &&
           header->first_sequence > 0 && header->durable >= RV_SEGMENT_HEADER_SIZE &&
           header->durable % RV_BATCH_ALIGN == 0;
}

bool rv_batch_intact(const uint8_t *from, const rv_batch_header *header, uint32_t salt) {
    RV_ASSERT(header->len == rv_load_u32(from + 4));
    return batch_crc(from, header->len, salt) == header->crc;
}

bool rv_batch_follows(const rv_batch_header *header, uint32_t salt, uint32_t previous_crc,
                      uint64_t next_sequence) {
    RV_ASSERT(next_sequence > 0);
    return header->previous == (previous_crc ^ salt) && header->first_sequence == next_sequence;
}
