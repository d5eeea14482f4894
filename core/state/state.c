/* SPDX-License-Identifier: Apache-2.0 */
/* The face of the state: see state.h. What it does is done by the files that inside.h names. */
#include "core/state/state.h"

#include "core/state/changes.h"
#include "core/state/check.h"
#include "core/state/checkpoint.h"
#include "core/state/inside.h"
#include "core/state/reader.h"
#include "core/state/revisions.h"
#include "core/state/tree.h"

/* What the root page, all zero but for the pool, begins with. */
static void root_init(rv_state *state) {
    rv_heap_init(&state->pages);
    rv_root *const root = (rv_root *)(void *)rv_pages_write_new(&state->pages, RV_PAGE_FIRST, 0);
    root->overflow.size = RV_LINE_SIZE;
    root->overflow.kind = RV_PAGE_HEAP;
    root->stream_index.buckets.kind = RV_PAGE_BUCKETS;
    root->streams.kind = RV_PAGE_STREAMS;
    root->tree_nodes.size = RV_TREE_NODE_SIZE;
    root->tree_nodes.kind = RV_PAGE_TREE;
}

rv_status rv_state_create(rv_state **state, const rv_state_options *options, rv_arena *arena,
                          rv_error *err) {
    RV_ASSERT(options->schema != NULL);
    const size_t mark = rv_arena_mark(arena);
    rv_state *const made = rv_arena_take(arena, sizeof *made);
    rv_status status = RV_MEMORY_EXHAUSTED;
    if (made != NULL) {
        made->check = rv_arena_take(arena, sizeof *made->check);
    }
    if (made != NULL && made->check != NULL) {
        status =
            rv_pages_create(&made->pages, options->page_memory, options->journal_memory, arena);
    }
    if (status == RV_OK) {
        status = rv_snapshots_create(&made->pages, options->snapshot_memory, arena);
    }
    if (status != RV_OK) {
        rv_arena_reset(arena, mark);
        return rv_error_set(err, status,
                            "%u bytes for rows, %u to take changes back and %u for snapshots do "
                            "not fit the memory budget",
                            (uint64_t)options->page_memory, (uint64_t)options->journal_memory,
                            (uint64_t)options->snapshot_memory);
    }
    made->schema = options->schema;
    made->hash_key = options->hash_key;
    root_init(made);
    *state = made;
    return RV_OK;
}

uint64_t rv_state_hash_key(const rv_state *state) {
    return state->hash_key;
}

void rv_state_reset(rv_state *state) {
    rv_snapshots_end(&state->pages);
    rv_pages_reset(&state->pages);
    state->sum = (rv_hash128){0, 0};
    root_init(state);
    rv_revisions_all(state);
    RV_ASSERT(rv_state_stream_count(state) == 0);
}

void rv_state_begin(rv_state *state) {
    RV_ASSERT(!state->pages.overlay);
    rv_pages_begin(&state->pages);
}

void rv_state_commit(rv_state *state) {
    rv_pages_commit(&state->pages);
    if (state->changes != NULL) {
        rv_changes_commit(state->changes);
    }
}

void rv_state_rollback(rv_state *state) {
    rv_pages_rollback(&state->pages);
    if (state->changes != NULL) {
        rv_changes_rollback(state->changes);
    }
}

bool rv_state_is_given(const rv_state *state, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    return state->given_any && (state->given[aggregate / 64u] >> (aggregate % 64u) & 1u) != 0;
}

void rv_state_give(rv_state *state, const uint16_t *aggregates, size_t count) {
    memset(state->given, 0, sizeof state->given);
    state->given_any = count > 0;
    for (size_t i = 0; i < count; i += 1) {
        RV_ASSERT(aggregates[i] < RV_AGGREGATES_MAX);
        state->given[aggregates[i] / 64u] |= UINT64_C(1) << (aggregates[i] % 64u);
    }
}

void rv_state_overlay_lay(rv_state *state) {
    RV_ASSERT(!state->pages.overlay);
    rv_pages_begin(&state->pages);
    state->pages.overlay = true;
}

bool rv_state_overlay_laid(const rv_state *state) {
    RV_ASSERT(!state->pages.overlay || state->pages.journal.active);
    return state->pages.overlay;
}

rv_savepoint rv_state_savepoint(const rv_state *state) {
    RV_ASSERT(state->pages.overlay);
    return (rv_savepoint){state->pages.journal.len};
}

void rv_state_rollback_to(rv_state *state, rv_savepoint savepoint) {
    RV_ASSERT(state->pages.overlay);
    rv_pages_rollback_to(&state->pages, savepoint.journal_len);
}

void rv_state_overlay_lift(rv_state *state) {
    RV_ASSERT(state->pages.overlay);
    state->pages.overlay = false;
    rv_pages_rollback(&state->pages);
}

uint32_t rv_state_stream_count(const rv_state *state) {
    return rv_streams_count(&state->pages);
}

void rv_state_stream(const rv_state *state, uint32_t number, rv_stream_head *head) {
    RV_ASSERT(number < rv_streams_count(&state->pages));
    const rv_stream_line *const line = rv_streams_read(&state->pages, number);
    *head = (rv_stream_head){.path = rv_heap_run(&state->pages, &line->path),
                             .declaration = line->declaration,
                             .version = line->version,
                             .first_sequence = line->first_sequence,
                             .last_sequence = line->last_sequence,
                             .last_position = line->last_position};
}

bool rv_state_stream_find(const rv_state *state, rv_bytes path, uint32_t *number) {
    return rv_streams_find(&state->pages, state->hash_key, path, number);
}

rv_status rv_state_stream_add(rv_state *state, uint16_t declaration, rv_bytes path,
                              uint32_t *number, rv_error *err) {
    if (path.len == 0 || path.len > RV_PATH_LEN_MAX) {
        return rv_error_set(err, RV_PATH_INVALID, "a path has 1 to %u bytes, not %u",
                            (uint64_t)RV_PATH_LEN_MAX, (uint64_t)path.len);
    }
    const rv_status status =
        rv_streams_add(&state->pages, state->hash_key, declaration, path, number);
    if (status == RV_STATE_FULL) {
        return rv_error_set(err, status, "no page of memory is left for the stream %b", &path);
    }
    if (status != RV_OK) {
        return rv_error_set(err, status,
                            "the batch adds more streams than the journal of %u bytes "
                            "could take back",
                            (uint64_t)state->pages.journal.cap);
    }
    return RV_OK;
}

int64_t rv_state_serial_max(const rv_type *type) {
    switch (type->kind) {
    case RV_TYPE_SMALLINT:
        return INT16_MAX;
    case RV_TYPE_INTEGER:
        return INT32_MAX;
    default:
        RV_ASSERT(type->kind == RV_TYPE_BIGINT);
        return INT64_MAX;
    }
}

rv_status rv_state_serial_next(const rv_state *state, uint16_t aggregate, int64_t *value,
                               rv_error *err) {
    const rv_aggregate *const declared = rv_schema_aggregate(state->schema, aggregate);
    const rv_column *const key = &declared->columns[declared->key];
    RV_ASSERT(key->type.serial);
    const rv_table *const table = rv_table_of(&state->pages, aggregate);
    const int64_t last = table == NULL ? 0 : table->serial_last;
    RV_ASSERT(last >= 0);
    if (last >= rv_state_serial_max(&key->type)) {
        rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "the serial keys of `%b` are used up",
                     &declared->name);
        rv_error_fact_text(err, "aggregate", declared->name);
        rv_error_fact_text(err, "column", key->name);
        return RV_VALUE_OUT_OF_RANGE;
    }
    *value = last + 1;
    return RV_OK;
}

uint64_t rv_state_row_count(const rv_state *state, uint16_t aggregate) {
    const rv_table *const table = rv_table_of(&state->pages, aggregate);
    return table == NULL ? 0 : table->row_count;
}

rv_row rv_state_row_find(const rv_state *state, uint16_t aggregate, const rv_value *key) {
    const rv_table *const table = rv_table_of(&state->pages, aggregate);
    if (table == NULL) {
        return RV_ROW_NONE;
    }
    const rv_aggregate *const declared = rv_schema_aggregate(state->schema, aggregate);
    for (uint16_t i = 0; i < declared->key_count; i += 1) {
        if (rv_value_is_null(&key[i])) {
            return RV_ROW_NONE;
        }
        RV_ASSERT(key[i].class_ == rv_type_class(&declared->columns[declared->keys[i]].type));
    }
    const uint32_t hash = rv_rows_keys_hash(state->hash_key, key, declared->key_count);
    return rv_rows_find(&state->pages, table, key, hash);
}

rv_row rv_state_row_next(const rv_state *state, uint16_t aggregate, rv_row previous) {
    RV_ASSERT(previous <= UINT32_MAX && aggregate < RV_AGGREGATES_MAX);
    const uint32_t page = rv_root_of(&state->pages)->tables[aggregate];
    if (page == 0) {
        return RV_ROW_NONE;
    }
    const rv_at rows = {page, (uint32_t)offsetof(rv_table, rows)};
    return rv_slots_next(&state->pages, rows, (uint32_t)previous);
}

rv_reader rv_reader_of(const rv_state *state, uint16_t aggregate) {
    return (rv_reader){&state->pages, rv_table_of(&state->pages, aggregate)};
}

rv_status rv_state_row_cell(const rv_state *state, uint16_t aggregate, rv_row row, uint16_t column,
                            rv_arena *scratch, rv_value *value, bool *unknown) {
    RV_ASSERT(row != RV_ROW_NONE && row <= UINT32_MAX);
    const rv_table *const table = rv_table_of(&state->pages, aggregate);
    RV_ASSERT(table != NULL && column < table->column_count);
    const uint8_t *const bytes = rv_rows_read(&state->pages, table, (uint32_t)row);
    if (unknown != NULL) {
        *unknown = rv_row_is_unknown(table, bytes, column);
    }
    return rv_row_get(&state->pages, table, bytes, column, scratch, value);
}

uint32_t rv_state_row_owner(const rv_state *state, uint16_t aggregate, rv_row row) {
    RV_ASSERT(row != RV_ROW_NONE && row <= UINT32_MAX);
    const rv_table *const table = rv_table_of(&state->pages, aggregate);
    RV_ASSERT(table != NULL);
    return rv_row_head_of(rv_rows_read(&state->pages, table, (uint32_t)row)).owner;
}

rv_state_usage rv_state_usage_of(const rv_state *state) {
    const uint32_t used = rv_pages_pool(&state->pages)->used;
    RV_ASSERT(used <= state->pages.total);
    return (rv_state_usage){.pages_total = state->pages.total,
                            .pages_used = used,
                            .copies = state->pages.snapshots.used,
                            .copies_max = state->pages.snapshots.used_max,
                            .journal_max = state->pages.journal.len_max};
}

void rv_state_unused(const rv_state *state, rv_unused *unused) {
    const rv_journal *const journal = &state->pages.journal;
    RV_ASSERT(journal->len <= journal->cap);
    RV_ASSERT(journal->active || journal->len == 0);
    rv_unused_add(unused, journal->memory + journal->len, journal->cap - journal->len);
}
