/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The split, by what each part says it needs in its header, with a little for alignment:
 *
 *     sql       a 16th, 2 to 32 MiB
 *     results   a 16th each, 256 KiB to 64 MiB
 *     requests  an 8th, 1 MiB to two batches, 5 KiB for each exchange, 256 KiB for live queries
 *     upstream  7.25 MiB and 12 KiB for each edge, where edges are served; 0.8 MiB to relay
 *     edge      4 MiB, when there is an upstream
 *     node      the rest
 */
#include "face/budget.h"

#include "core/base/assert.h"

#define KIB   ((size_t)1024)
#define MIB   ((size_t)1 << 20)
#define SLACK (256 * KIB)

static size_t clamp(size_t value, size_t least, size_t most) {
    RV_ASSERT(least <= most);
    return value < least ? least : value > most ? most : value;
}

/* What each part gets of `total`, but the node; returns their sum. */
static size_t split_others(rv_budget *b, const rv_budget_options *options, size_t total) {
    RV_ASSERT(options->exchanges_max > 0 && options->result_count > 0);
    b->total = total;
    b->exchanges_max = options->exchanges_max;
    b->result_count = options->result_count;
    b->result_len_max = clamp(total / 16, 256 * KIB, 64 * MIB);
    b->sql = rv_sql_present() ? rv_sql_memory_of(total) + SLACK : 0;
    b->face = b->result_count * b->result_len_max +
              clamp(total / 8, 1 * MIB, 2 * (size_t)RV_BATCH_LEN_MAX) + b->exchanges_max * 5 * KIB +
              256 * KIB;
    b->upstream = options->edges_max > 0 ? 7 * MIB + options->edges_max * 12 * KIB + 2 * SLACK +
                                               (options->edge ? 832 * KIB : 0)
                                         : 0;
    b->edge = options->edge ? 4 * MIB + SLACK : 0;
    return b->sql + b->face + b->upstream + b->edge;
}

/* The least budget that suffices: parts grow with the budget, so it is approached from below. */
static size_t least_budget(const rv_budget_options *options) {
    rv_budget b;
    size_t least = 0;
    for (unsigned i = 0; i < 64; i++) {
        const size_t wanted = split_others(&b, options, least) + RV_MEMORY_MIN;
        if (wanted <= least) {
            break;
        }
        least = (wanted + KIB - 1) / KIB * KIB;
    }
    return least;
}

rv_status rv_budget_split(rv_budget *budget, const rv_budget_options *options, rv_error *err) {
    RV_ASSERT(budget != NULL);
    RV_ASSERT(options != NULL);
    rv_budget b;
    const size_t others = split_others(&b, options, options->total);
    if (options->total < others + RV_MEMORY_MIN) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "a budget of %u KiB is too small: at least %u KiB are needed here",
                            (uint64_t)(options->total / KIB),
                            (uint64_t)(least_budget(options) / KIB));
    }
    b.node = (options->total - others) & ~(size_t)4095;
    *budget = b;
    return RV_OK;
}

rv_status rv_budget_parse(const char *text, size_t *bytes, rv_error *err) {
    RV_ASSERT(text != NULL);
    RV_ASSERT(bytes != NULL);
    uint64_t value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && value < UINT64_MAX / 20; p++) {
        value = value * 10 + (uint64_t)(*p - '0');
    }
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    for (size_t i = 0; p > text && i < sizeof units / sizeof *units; i++) {
        if (strcmp(p, units[i].name) == 0 && value <= (SIZE_MAX >> units[i].shift)) {
            *bytes = (size_t)value << units[i].shift;
            return RV_OK;
        }
    }
    return rv_error_set(err, RV_PARAMETER_INVALID,
                        "`%s` is not an amount of memory: write it as 64MiB or 1GiB", text);
}
