/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/edge_lineage.h"

#include "core/base/assert.h"

#define FINE   16u /* distances from W: 1, 2, 4 … 2^15, */
#define COARSE 3u  /* then each eight times the one before; from the beginning likewise */

/* The highest of the wanted positions that is below `below`; 0: there is none. */
static uint64_t next_wanted(uint64_t watermark, uint64_t below) {
    uint64_t found = 0;
    for (uint32_t bit = 0; bit < 63; bit += bit < FINE ? 1 : COARSE) {
        const uint64_t distance = UINT64_C(1) << bit;
        const uint64_t position = watermark > distance ? watermark - distance : 0;
        found = position < below && position > found ? position : found;
    }
    for (uint32_t bit = 0; bit < 63; bit += COARSE) {
        const uint64_t position = UINT64_C(1) << bit;
        found = position < below && position > found ? position : found;
    }
    RV_ASSERT(found < below);
    return found;
}

static void begin(rv_lineage *l, const rv_log *log) {
    l->begun = true;
    l->watermark = rv_log_watermark_durable(log);
    l->below = l->watermark;
    l->count = 0;
    if (l->watermark > 0) {
        l->points[0] = (rv_wire_point){l->watermark, rv_log_chain_durable(log)};
        l->count = 1;
    }
}

bool rv_lineage_ready(rv_lineage *l, rv_node *node) {
    rv_log *const log = rv_node_log(node);
    if (!l->wanted || rv_node_identity(node) == NULL) {
        return true;
    }
    if (!l->begun || l->watermark != rv_log_watermark_durable(log)) {
        begin(l, log);
    }
    while (l->below > 0 && l->count < RV_WIRE_LINEAGE_MAX) { /* it falls with each turn */
        rv_wire_point point;
        const uint64_t position = next_wanted(l->watermark, l->below);
        const rv_status status = position == 0 ? RV_END
                                               : rv_log_chain_from(log, position, &point.watermark,
                                                                   &point.chain_hash, NULL);
        if (status == RV_PENDING || status == RV_BUSY) {
            return false;
        }
        if (status == RV_OK && point.watermark < l->points[l->count - 1].watermark) {
            l->points[l->count] = point;
            l->count += 1;
        }
        RV_ASSERT(position < l->below);
        l->below = position;
    }
    return true;
}

void rv_lineage_hello(rv_lineage *l, rv_wire_hello *hello) {
    RV_ASSERT(!l->said && l->count <= RV_WIRE_LINEAGE_MAX);
    hello->has_lineage = l->wanted && hello->has_log;
    l->said = hello->has_lineage;
    if (l->said) {
        hello->lineage_count = l->count;
        memcpy(hello->lineage, l->points, sizeof l->points);
    }
}

bool rv_lineage_has(const rv_lineage *l, const rv_wire_point *point) {
    bool found = point->watermark == 0 && point->chain_hash == 0;
    for (uint32_t i = 0; i < l->count && !found; i += 1) {
        found = l->points[i].watermark == point->watermark &&
                l->points[i].chain_hash == point->chain_hash;
    }
    RV_ASSERT(l->said);
    return found;
}

void rv_lineage_disconnect(rv_lineage *l) {
    RV_ASSERT(l->count <= RV_WIRE_LINEAGE_MAX);
    l->begun = false;
    l->said = false;
    l->told = false;
    l->below = 0;
}
