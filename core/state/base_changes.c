/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of rows for one selection (SEMANTICS 17): a row that passes its filter now is given, one
 * that passed before and does not now, or is not there any more, is gone; of others nothing is
 * told. So an edge learns nothing of rows that it does not select.
 */
#include "core/model/schema_filter.h"
#include "core/state/base_items.h"
#include "core/state/inside.h"

/* The item's row, if there is one that passes. False: there is none. `reader` has its values. */
static bool selected(const rv_base_source *source, const rv_schema *schema, rv_bytes item,
                     rv_base_reader *reader, rv_arena *scratch) {
    if (item.len == 0) {
        return false;
    }
    rv_base_reader_begin(reader, schema, item);
    const rv_status status = rv_base_reader_next(reader);
    RV_ASSERT(status == RV_OK); /* it was written here */
    for (size_t i = 0; i < source->given_count; i += 1) {
        const rv_given *const given = &source->given[i];
        if (given->aggregate == reader->aggregate->number) {
            return given->filter == NULL ||
                   rv_schema_filter_passes(given->filter, reader->values, scratch);
        }
    }
    return false;
}

static void write_gone(const rv_base_reader *reader, rv_writer *w) {
    const rv_aggregate *const a = reader->aggregate;
    RV_ASSERT(a->key_count > 0);
    rv_write_u8(w, RV_BASE_GONE);
    rv_write_varint(w, a->number);
    for (uint16_t i = 0; i < a->key_count; i += 1) {
        rv_value_encode(&a->columns[a->keys[i]].type, &reader->values[a->keys[i]], w);
    }
}

rv_status rv_state_base_changes(const rv_state *state, const rv_base_source *source,
                                const rv_changes *changes, uint64_t until, size_t target,
                                rv_arena *scratch, uint64_t *serial, rv_writer *w) {
    rv_change_cursor cursor = rv_changes_from(changes, *serial);
    rv_change change;
    rv_base_reader reader;
    RV_ASSERT(*serial >= changes->first && w->len == 0);
    while (rv_changes_next(changes, &cursor, &change)) {
        if (change.position > until) {
            break;
        }
        if (w->len >= target) {
            return RV_OK;
        }
        const size_t begin = w->len;
        if (selected(source, state->schema, change.after, &reader, scratch)) {
            rv_write(w, change.after);
        } else if (selected(source, state->schema, change.before, &reader, scratch)) {
            write_gone(&reader, w);
        }
        if (w->full) {
            w->full = false;
            w->len = begin;
            return begin == 0 ? RV_MESSAGE_TOO_LARGE : RV_OK;
        }
        *serial = change.serial + 1;
    }
    return RV_END;
}
