/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A panic, as it is recorded (SEMANTICS 34): an assertion or the processor has stopped the program
 * while a node was at an event. Whoever catches that on a platform appends a record to the file
 * `panics` of the data directory; a node that opens reads them, and does not go to a position that
 * has stopped it RV_PANICS_MAX times.
 *
 *     0   u32   crc32c(0, the 28 bytes behind it)
 *     4   4     `RVPC`
 *     8   u64   position of the event; 0: the node was at none
 *     16  u64   place: the instruction's offset in the program, which is for people
 *     24  i64   time, microseconds since 1970
 */
#ifndef RV_BASE_PANIC_H
#define RV_BASE_PANIC_H

#include "core/base/bytes.h"

#include <stdbool.h>

#define RV_PANICS_FILE "panics"
#define RV_PANIC_SIZE  32u

/* Panics at one position, after which a node does not go there again: one can be the machine's
 * fault, two can be the same bug met by a restart. */
#define RV_PANICS_MAX 3u

typedef struct rv_panic {
    uint64_t position;
    uint64_t place;
    int64_t time;
} rv_panic;

/* Writes RV_PANIC_SIZE bytes. Safe in a signal's handler. */
void rv_panic_encode(const rv_panic *panic, uint8_t *bytes);

/* Reads RV_PANIC_SIZE bytes. False: they are no record. */
RV_MUST_USE bool rv_panic_decode(const uint8_t *bytes, rv_panic *panic);

#endif
