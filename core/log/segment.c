/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codec of segment headers and names: see segment.h. The salt is part of the header only; it is
 * new for each segment, from the host's entropy.
 */
#include "core/log/segment.h"

#include "core/base/hash.h"

#define SEGMENT_CRC_AT    (RV_SEGMENT_HEADER_SIZE - 4)
#define SEGMENT_FLAG_ROOT 1u

static const uint8_t segment_magic[8] = {'R', 'V', 'L', 'O', 'G', '\r', '\n', 0x1a};

void rv_segment_encode(uint8_t *to, const rv_segment_header *header) {
    RV_ASSERT(header->number > 0);
    RV_ASSERT(header->first_sequence > 0);
    memset(to, 0, RV_SEGMENT_HEADER_SIZE);
    memcpy(to, segment_magic, sizeof segment_magic);
    rv_store_u32(to + 8, RV_SEGMENT_VERSION);
    rv_store_u32(to + 12, header->identity.root ? SEGMENT_FLAG_ROOT : 0);
    memcpy(to + 16, header->identity.log_id, 16);
    memcpy(to + 32, header->identity.node_id, 16);
    rv_store_u64(to + 48, header->identity.root_tag);
    rv_store_u32(to + 56, header->identity.epoch);
    rv_store_u32(to + 60, header->generation);
    rv_store_u64(to + 64, header->number);
    rv_store_u64(to + 72, header->first_sequence);
    rv_store_u64(to + 80, header->watermark);
    rv_store_u64(to + 88, header->chain_hash);
    rv_store_u32(to + 96, header->salt);
    rv_store_u32(to + 100, header->previous_crc);
    rv_store_u64(to + 104, header->previous_end);
    rv_store_u64(to + 112, header->end);
    rv_store_u64(to + 120, header->origin_end);
    rv_store_u32(to + 128, header->origin_crc);
    rv_store_u32(to + 132, header->origin_header_crc);
    rv_store_u32(to + SEGMENT_CRC_AT, rv_crc32c(0, rv_bytes_of(to, SEGMENT_CRC_AT)));
}

rv_status rv_segment_decode(const uint8_t *from, rv_segment_header *header) {
    RV_ASSERT(from != NULL && header != NULL);
    if (memcmp(from, segment_magic, sizeof segment_magic) != 0 ||
        rv_load_u32(from + SEGMENT_CRC_AT) != rv_crc32c(0, rv_bytes_of(from, SEGMENT_CRC_AT))) {
        return RV_DATA_DAMAGED;
    }
    if (rv_load_u32(from + 8) != RV_SEGMENT_VERSION) {
        return rv_load_u32(from + 8) > RV_SEGMENT_VERSION ? RV_DATA_NEWER : RV_DATA_DAMAGED;
    }
    const uint32_t flags = rv_load_u32(from + 12);
    if ((flags & ~SEGMENT_FLAG_ROOT) != 0) {
        return RV_DATA_NEWER;
    }
    *header = (rv_segment_header){
        .identity = {.epoch = rv_load_u32(from + 56),
                     .root_tag = rv_load_u64(from + 48),
                     .root = (flags & SEGMENT_FLAG_ROOT) != 0},
        .generation = rv_load_u32(from + 60),
        .number = rv_load_u64(from + 64),
        .first_sequence = rv_load_u64(from + 72),
        .watermark = rv_load_u64(from + 80),
        .chain_hash = rv_load_u64(from + 88),
        .salt = rv_load_u32(from + 96),
        .previous_crc = rv_load_u32(from + 100),
        .previous_end = rv_load_u64(from + 104),
        .end = rv_load_u64(from + 112),
        .origin_end = rv_load_u64(from + 120),
        .origin_crc = rv_load_u32(from + 128),
        .origin_header_crc = rv_load_u32(from + 132),
    };
    memcpy(header->identity.log_id, from + 16, 16);
    memcpy(header->identity.node_id, from + 32, 16);
    if (header->number == 0 || header->first_sequence == 0 ||
        header->identity.root_tag >> RV_NODE_TAG_BITS != 0) {
        return RV_DATA_DAMAGED;
    }
    return RV_OK;
}

char *rv_name_put_hex(char *to, uint64_t v, unsigned digits) {
    RV_ASSERT(digits <= 16);
    RV_ASSERT(digits == 16 || v >> (4 * digits) == 0);
    for (unsigned i = 0; i < digits; i += 1) {
        to[i] = "0123456789abcdef"[(v >> (4 * (digits - 1 - i))) & 15];
    }
    return to + digits;
}

const char *rv_name_get_hex(const char *from, unsigned digits, uint64_t *v) {
    RV_ASSERT(from != NULL && digits <= 16);
    *v = 0;
    for (unsigned i = 0; i < digits; i += 1) {
        const char c = from[i];
        if (c >= '0' && c <= '9') {
            *v = *v << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            *v = *v << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            return NULL;
        }
    }
    return from + digits;
}

void rv_segment_name(uint32_t generation, uint64_t first_sequence, rv_file_name *name) {
    RV_ASSERT(first_sequence > 0);
    char *p = name->text;
    memcpy(p, "log-", 4);
    p = rv_name_put_hex(p + 4, generation, 4);
    *p = '-';
    p = rv_name_put_hex(p + 1, first_sequence, 16);
    memcpy(p, ".seg", 5);
    RV_ASSERT(strlen(name->text) == 29);
}

bool rv_segment_name_parse(const char *name, uint32_t *generation, uint64_t *first_sequence) {
    RV_ASSERT(name != NULL);
    uint64_t v = 0;
    if (strlen(name) != 29 || memcmp(name, "log-", 4) != 0 || name[8] != '-') {
        return false;
    }
    if (rv_name_get_hex(name + 4, 4, &v) == NULL) {
        return false;
    }
    *generation = (uint32_t)v;
    const char *const rest = rv_name_get_hex(name + 9, 16, first_sequence);
    return rest != NULL && strcmp(rest, ".seg") == 0 && *first_sequence > 0;
}

void rv_cut_name(uint64_t number, rv_file_name *name) {
    RV_ASSERT(number > 0);
    memcpy(name->text, "cut-", 4);
    char *const p = rv_name_put_hex(name->text + 4, number, 16);
    memcpy(p, ".bin", 5);
    RV_ASSERT(strlen(name->text) == 24);
}

bool rv_cut_name_parse(const char *name, uint64_t *number) {
    RV_ASSERT(name != NULL);
    if (strlen(name) != 24 || memcmp(name, "cut-", 4) != 0) {
        return false;
    }
    const char *const rest = rv_name_get_hex(name + 4, 16, number);
    return rest != NULL && strcmp(rest, ".bin") == 0 && *number <= RV_CUT_NUMBER_MAX;
}
