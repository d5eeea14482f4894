/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edit distance by the usual one-row dynamic programme over bytes, case ignored. Names are at most
 * RV_NAME_LEN_MAX bytes; anything longer is near to nothing.
 */
#include "core/model/schema_nearest.h"

#include "core/base/limits.h"

rv_nearest rv_nearest_to(rv_bytes wanted) {
    RV_ASSERT(wanted.len == 0 || wanted.ptr != NULL);
    return (rv_nearest){.wanted = wanted, .distance = wanted.len / 3 + 1};
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static size_t least_of(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t edit_distance(rv_bytes a, rv_bytes b) {
    RV_ASSERT(a.len <= RV_NAME_LEN_MAX && b.len <= RV_NAME_LEN_MAX);
    size_t row[RV_NAME_LEN_MAX + 1]; /* row[j]: from the first i bytes of a to the first j of b */
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const size_t replaced = diagonal + (lower(a.ptr[i - 1]) != lower(b.ptr[j - 1]));
            diagonal = row[j];
            row[j] = least_of(replaced, least_of(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

void rv_nearest_offer(rv_nearest *nearest, rv_bytes candidate) {
    RV_ASSERT(nearest->distance <= nearest->wanted.len / 3 + 1);
    if (nearest->wanted.len > RV_NAME_LEN_MAX || candidate.len > RV_NAME_LEN_MAX) {
        return;
    }
    const size_t distance = edit_distance(nearest->wanted, candidate);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}
