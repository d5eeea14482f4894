/* SPDX-License-Identifier: Apache-2.0 */
/* What whoever selects something must have: the hash of it at the root. */
#ifndef RV_TESTS_SYNC_SELECTED_H
#define RV_TESTS_SYNC_SELECTED_H

#include "core/model/schema_filter.h"
#include "core/state/base.h"
#include "tests/unit/node_fixture.h"

#define SELECTED_ENTRIES_MAX 4

/* Of the root's rows, at its W, those that the selection has. False: it has none of them. */
static inline bool selected_hash(rv_node *root, const rv_selection *selection, rv_hash128 *hash) {
    static uint8_t memory[64 << 10];
    static rv_path_pattern patterns[SELECTED_ENTRIES_MAX];
    static rv_expr filters[SELECTED_ENTRIES_MAX];
    static rv_given given[SELECTED_ENTRIES_MAX];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_arena scratch = rv_arena_split(&arena, 32 << 10);
    const rv_schema *const schema = rv_node_schema(root);
    rv_base_source source = {.patterns = patterns, .given = given};
    bool right = selection->count <= SELECTED_ENTRIES_MAX;
    for (size_t i = 0; i < selection->count && right; i++) {
        const rv_select *const entry = &selection->entries[i];
        if (entry->kind == RV_SELECT_STREAMS) {
            right =
                rv_path_pattern_parse(entry->name, &patterns[source.pattern_count], NULL) == RV_OK;
            source.pattern_count += 1;
            continue;
        }
        const rv_aggregate *const aggregate = rv_schema_aggregate_named(schema, entry->name);
        given[source.given_count] = (rv_given){.aggregate = aggregate->number};
        if (entry->filter.len > 0) {
            right = rv_schema_filter(schema, aggregate, entry->filter, &arena, &scratch,
                                     &filters[source.given_count], NULL) == RV_OK;
            given[source.given_count].filter = &filters[source.given_count];
        }
        source.given_count += 1;
    }
    return right && rv_state_hash_source(rv_node_state(root), rv_node_watermark(root), &source,
                                         &scratch, hash) == RV_OK;
}

#endif
