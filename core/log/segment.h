/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segment files: their names, and the 4096-byte header that each begins with.
 *
 *     0  8 bytes magic "RVLOG\r\n\x1a"   8  u32 format version   12  u32 flags (1: the root's)
 *    16  16 bytes log id                32  16 bytes node id     48  u64 root's tag
 *    56  u32 epoch                      60  u32 generation       64  u64 segment number (1 …)
 *    72  u64 first sequence             80  u64 watermark, and   88  u64 chain hash before it
 *    96  u32 salt                      100  u32 crc of the last batch of the segment before, or 0
 *   104  u64 end of the batches of the segment before, or 0
 *   112  u64 end of its batches       120  u64 what that was     128  u32 crc of the last batch
 *   132  u32 crc of the header         as generation 0; these four are 0 in generation 0
 *   136  zeros                        4092  u32 crc32c of the 4092 bytes before
 *
 * Magic, version and checksum keep their places in all versions to come, so an old reader can tell
 * a newer file from a damaged one.
 */
#ifndef RV_LOG_SEGMENT_H
#define RV_LOG_SEGMENT_H

#include "core/log/log.h"

#define RV_SEGMENT_HEADER_SIZE ((size_t)4096)
#define RV_SEGMENT_VERSION     1u

typedef struct rv_segment_header {
    rv_log_identity identity;
    uint32_t generation;
    uint64_t number;
    uint64_t first_sequence;
    uint64_t watermark;
    uint64_t chain_hash;
    uint32_t salt;
    uint32_t previous_crc;
    uint64_t previous_end;
    /* generations above 0: */
    uint64_t end;        /* of its batches */
    uint64_t origin_end; /* the same of generation 0, which the next segment's header names, */
    uint32_t origin_crc; /* and the crc of its last batch; */
    uint32_t origin_header_crc; /* that of its header, which the first batch names */
} rv_segment_header;

/* Writes 4096 bytes. */
void rv_segment_encode(uint8_t *to, const rv_segment_header *header);

/* Reads 4096 bytes: RV_OK, RV_DATA_NEWER (intact, of a later version), RV_DATA_DAMAGED. */
RV_MUST_USE rv_status rv_segment_decode(const uint8_t *from, rv_segment_header *header);

/* `log-GGGG-NNNNNNNNNNNNNNNN.seg`, NUL-terminated. */
void rv_segment_name(uint32_t generation, uint64_t first_sequence, rv_file_name *name);

/* False when it is not the name of a segment. */
RV_MUST_USE bool rv_segment_name_parse(const char *name, uint32_t *generation,
                                       uint64_t *first_sequence);

/* Writes `digits` hexadecimal digits of `v`; returns where they end. */
char *rv_name_put_hex(char *to, uint64_t v, unsigned digits);

/* Reads exactly `digits` of them, lower case: where they end; NULL when that is not what stands
 * there. */
const char *rv_name_get_hex(const char *from, unsigned digits, uint64_t *v);

/* `cut-NNNNNNNNNNNNNNNN.bin`: keeps what a recovery cut off; numbered from 1. What is a name of one
 * leaves numbers for others. */
#define RV_CUT_NUMBER_MAX (UINT64_MAX / 2)
void rv_cut_name(uint64_t number, rv_file_name *name);
RV_MUST_USE bool rv_cut_name_parse(const char *name, uint64_t *number);

#endif
