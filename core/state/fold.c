/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding an event: judging and applying are one walk (SEMANTICS 12 to 15).
 *
 *     1. the head of its stream, and its id if foreign
 *     2. the rows it touches: found; created (all NULL but the key) where it creates
 *     3. created rows get their defaults
 *     4. actions, in order; secondary indexes follow
 *     5. judging only: what must hold for the rows acted on
 *     6. deletions
 *     7. judging only: what must be unique, as the event may have moved a value between rows
 *
 * Defaults come before actions, so that an event that creates a row can also increment in it, and
 * after all creations, so that rows created together can refer to each other in any order.
 *
 * With RV_FOLD_APPLY nothing is asked: a touch whose row is not held (or, if it creates, is there
 * already) does nothing, a pure reference is not even looked up, and a value that cannot be
 * computed makes its cell unknown.
 */
#include "core/state/fold.h"

/* Brings a key of one column to the column's type and hashes it. If no row is created by it, it has
 * to fit as it is. */
static rv_status key_prepare(rv_fold *f, const rv_aggregate *aggregate, const rv_type *from,
                             const rv_value *value, bool creates, rv_fold_key *key) {
    *key = (rv_fold_key){.key = *value, .place = RV_SLOT_NONE};
    if (rv_value_is_null(value)) {
        key->null = true;
        return RV_OK;
    }
    const rv_column *const column = &aggregate->columns[aggregate->key];
    if (!rv_type_same(from, &column->type)) {
        const rv_status status = rv_value_coerce(from, &column->type, column->name, f->scratch,
                                                 &key->key, f->judge ? f->err : NULL);
        if (status == RV_MEMORY_EXHAUSTED || (status != RV_OK && f->judge)) {
            return status;
        }
        if (status != RV_OK || (!creates && !rv_fold_key_is(value, &column->type, &key->key))) {
            return RV_OK;
        }
    }
    RV_VERIFY(key->key.class_ == rv_type_class(&column->type));
    key->hash = rv_rows_key_hash(f->hash_key, &key->key);
    rv_fold_key_ask(f, aggregate, key);
    return RV_OK;
}

/* Prepares the key of a touch. */
static inline rv_status key_prepare_touch(rv_fold *f, const rv_touch *touch, rv_fold_key *key) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->schema, touch->aggregate);
    return aggregate->key_count == 1
               ? key_prepare(f, aggregate, &f->type->fields[touch->field].type,
                             &f->values[touch->field], touch->kind == RV_TOUCH_CREATES, key)
               : rv_fold_key_of_touch(f, touch, key);
}

static void key_look_up(const rv_fold *f, rv_fold_key *key) {
    RV_ASSERT(key->place == RV_SLOT_NONE);
    if (key->fits && key->table != NULL) {
        key->place =
            rv_rows_find_in(f->pages, key->table, key->bucket, rv_fold_key_values(key), key->hash);
    }
}

rv_status rv_fold_find(rv_fold *f, const rv_aggregate *aggregate, const rv_type *from,
                       const rv_value *value, rv_fold_key *found) {
    RV_ASSERT(aggregate->key_count == 1);
    const rv_status status = key_prepare(f, aggregate, from, value, false, found);
    if (status == RV_OK) {
        key_look_up(f, found);
    }
    return status;
}

rv_status rv_fold_open(rv_fold *f, const rv_aggregate *aggregate, uint32_t place,
                       rv_fold_row *row) {
    RV_ASSERT(place != RV_SLOT_NONE);
    const rv_table *const table = rv_table_of(f->pages, aggregate->number);
    RV_ASSERT(table != NULL);
    const rv_status status = rv_pages_reserve(f->pages, table->row_size);
    if (status == RV_OK) {
        *row = (rv_fold_row){aggregate, table, rv_rows_write(f->pages, table, place)};
    }
    return status;
}

/* The rows of an aggregate that are not shared answer only to the stream that created them. */
static bool owned_by_other(const rv_fold *f, const rv_aggregate *aggregate, uint32_t place) {
    const rv_table *const table = rv_table_of(f->pages, aggregate->number);
    const rv_row_head head = rv_row_head_of(rv_rows_read(f->pages, table, place));
    RV_ASSERT(head.owner != RV_SLOT_FREE);
    return !aggregate->shared && head.owner != f->event->stream;
}

static rv_status touch_create(rv_fold *f, uint16_t nth, const rv_aggregate *aggregate,
                              const rv_fold_key *found) {
    const rv_touch *const touch = &f->type->touches[nth];
    if (!found->fits || found->place != RV_SLOT_NONE) {
        if (found->fits && !rv_fold_whole(f, aggregate)) {
            return RV_OK;
        }
        const rv_status why = found->fits ? RV_ROW_EXISTS : RV_NOT_NULL_VIOLATION;
        return f->judge
                   ? rv_fold_refuse_row(f, why, aggregate, touch->field, rv_fold_key_values(found))
                   : RV_OK;
    }
    (void)rv_fold_complete(f, aggregate); /* one with this key may be elsewhere */
    rv_status status = rv_rows_add(f->pages, aggregate, f->event->stream, rv_fold_key_values(found),
                                   found->hash, &f->rows[nth]);
    if (status == RV_OK && aggregate->columns[aggregate->key].type.serial) {
        status = rv_rows_serial_note(f->pages, aggregate->number, found->key.as.integer);
    }
    f->made[nth] = status == RV_OK;
    f->made_any = true;
    RV_ASSERT(status != RV_OK || f->rows[nth] != RV_SLOT_NONE);
    return status;
}

/* A row is not held: true when one may be that the event can refer to, or act on. Only rows of the
 * event's own stream can be acted on, if they are not shared, and it is held. */
static bool row_may_be(const rv_fold *f, const rv_aggregate *aggregate, bool acts) {
    RV_ASSERT(f->judge);
    return !(acts && !aggregate->shared) && !rv_fold_complete(f, aggregate);
}

/* True when nobody asks for the row of a touch before the deletions. */
static bool touch_is_idle(const rv_fold *f, const rv_touch *touch) {
    RV_ASSERT(touch->field < f->type->field_count);
    return !f->judge && ((touch->kind == RV_TOUCH_DELETES && f->changes == NULL) ||
                         (touch->kind == RV_TOUCH_REFERENCES && !touch->acted_on));
}

/* Finds or creates the row of one touch, whose key is prepared. */
static rv_status touch_resolve(rv_fold *f, uint16_t nth, rv_fold_key *found) {
    const rv_touch *const touch = &f->type->touches[nth];
    RV_ASSERT(f->rows[nth] == RV_SLOT_NONE && !f->made[nth]);
    if (found->idle || rv_fold_leaves_given(f, touch->aggregate)) {
        return RV_OK;
    }
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->schema, touch->aggregate);
    if (f->made_any && found->fits) {
        found->table = rv_table_of(f->pages, aggregate->number);
        found->place = rv_rows_find(f->pages, found->table, rv_fold_key_values(found), found->hash);
    } else {
        key_look_up(f, found);
    }
    if (touch->kind == RV_TOUCH_CREATES) {
        return touch_create(f, nth, aggregate, found);
    }
    f->rows[nth] = found->place;
    if (!f->judge || found->null) {
        return RV_OK;
    }
    const bool acts = touch->acted_on || touch->kind == RV_TOUCH_DELETES;
    if (found->place == RV_SLOT_NONE) {
        return row_may_be(f, aggregate, acts)
                   ? RV_OK
                   : rv_fold_refuse_row(f, RV_UNKNOWN_REFERENCE, aggregate, touch->field,
                                        rv_fold_key_values(found));
    }
    (void)rv_fold_whole(f, aggregate); /* it may be gone elsewhere */
    if (acts && owned_by_other(f, aggregate, found->place)) {
        return rv_fold_refuse_row(f, RV_ROW_OF_OTHER_STREAM, aggregate, touch->field,
                                  rv_fold_key_values(found));
    }
    return RV_OK;
}

/* Defaults of the rows created. */
static rv_status rows_default(rv_fold *f) {
    rv_status status = RV_OK;
    RV_ASSERT(f->made_any);
    for (uint16_t i = 0; i < f->type->touch_count && status == RV_OK; i += 1) {
        if (f->made[i]) {
            const uint16_t number = f->type->touches[i].aggregate;
            rv_fold_row row;
            status = rv_fold_open(f, rv_schema_aggregate(f->schema, number), f->rows[i], &row);
            if (status == RV_OK) {
                rv_fold_judge_as_held(f, row.aggregate);
                status = rv_fold_defaults(f, &row, i);
            }
            if (status == RV_OK && row.aggregate->foreign_key_count > 0) {
                status = rv_fold_refer_foreign(f, &row, true);
            }
        }
    }
    return status;
}

/* The actions on one row that has foreign keys of several columns. */
static rv_status row_change_foreign(rv_fold *f, rv_fold_row *row, const rv_action **at) {
    RV_ASSERT(row->aggregate->foreign_key_count > 0);
    const uint16_t touch = (*at)->touch;
    rv_status status = rv_fold_refer_foreign(f, row, false);
    if (status == RV_OK) {
        status = f->type->touches[touch].indexes == 0 ? rv_fold_actions(f, row, at)
                                                      : rv_fold_actions_sorted(f, row, at);
    }
    return status == RV_OK ? rv_fold_refer_foreign(f, row, true) : status;
}

/* All actions, touch by touch. */
static rv_status rows_change(rv_fold *f) {
    const rv_event_type *const type = f->type;
    rv_status status = RV_OK;
    const rv_action *at = type->actions;
    const rv_action *const end = at + type->action_count;
    while (at < end && status == RV_OK) {
        const uint16_t touch = at->touch;
        RV_ASSERT(touch < type->touch_count);
        if (f->rows[touch] == RV_SLOT_NONE) {
            at += 1;
            continue;
        }
        const uint16_t number = type->touches[touch].aggregate;
        rv_fold_row row;
        status = rv_fold_open(f, rv_schema_aggregate(f->schema, number), f->rows[touch], &row);
        if (status != RV_OK) {
            return status;
        }
        rv_fold_judge_as_held(f, row.aggregate);
        if (row.aggregate->foreign_key_count > 0) {
            status = row_change_foreign(f, &row, &at);
        } else if (type->touches[touch].indexes == 0) {
            status = rv_fold_actions(f, &row, &at);
        } else {
            status = rv_fold_actions_sorted(f, &row, &at);
        }
    }
    RV_ASSERT(at <= end);
    return status;
}

/* Deletes the row of one touch, if it is (still) there. */
static rv_status touch_delete(rv_fold *f, const rv_touch *touch) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(f->schema, touch->aggregate);
    rv_fold_key found;
    rv_status status = key_prepare_touch(f, touch, &found);
    if (status != RV_OK || found.null) {
        return status;
    }
    key_look_up(f, &found);
    const rv_value *const key = rv_fold_key_values(&found);
    if (found.place == RV_SLOT_NONE) {
        return f->judge && !row_may_be(f, aggregate, true)
                   ? rv_fold_refuse_row(f, RV_UNKNOWN_REFERENCE, aggregate, touch->field, key)
                   : RV_OK;
    }
    rv_fold_row row;
    status = rv_fold_open(f, aggregate, found.place, &row);
    if (status == RV_OK) {
        status = rv_fold_refer_row(f, &row, false);
    }
    if (status == RV_OK && f->judge && rv_fold_knows_referring(f, aggregate) &&
        rv_row_head_of(row.bytes).refs > 0) {
        return rv_fold_refuse_referenced(f, &row, touch->field, key, found.place);
    }
    RV_ASSERT(status != RV_OK || found.fits);
    if (status == RV_OK) {
        status = rv_sorted_remove(f->pages, aggregate, found.place);
    }
    for (uint16_t i = 0; i < f->type->touch_count; i += 1) {
        f->rows[i] = f->rows[i] == found.place ? RV_SLOT_NONE : f->rows[i];
    }
    return status == RV_OK ? rv_rows_remove(f->pages, aggregate->number, found.place, found.hash)
                           : status;
}

static rv_status rows_delete(rv_fold *f) {
    const rv_event_type *const type = f->type;
    rv_status status = RV_OK;
    RV_ASSERT(type->touch_count <= RV_TOUCHES_MAX);
    for (uint16_t i = 0; i < type->touch_count && status == RV_OK; i += 1) {
        if (type->touches[i].kind == RV_TOUCH_DELETES &&
            !rv_fold_leaves_given(f, type->touches[i].aggregate)) {
            status = touch_delete(f, &type->touches[i]);
        }
    }
    return status;
}

/* Prepares the keys of all touches, so that their buckets come from memory together. */
static rv_status keys_prepare(rv_fold *f, rv_fold_key *keys) {
    const rv_event_type *const type = f->type;
    RV_ASSERT(type->touch_count <= RV_TOUCHES_MAX);
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < type->touch_count && status == RV_OK; i += 1) {
        const rv_touch *const touch = &type->touches[i];
        f->rows[i] = RV_SLOT_NONE;
        f->made[i] = false;
        keys[i].idle = touch_is_idle(f, touch);
        if (!keys[i].idle) {
            status = key_prepare_touch(f, touch, &keys[i]);
        }
    }
    return status;
}

static rv_status rows_fold(rv_fold *f, rv_fold_key *keys) {
    const rv_event_type *const type = f->type;
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < type->touch_count && status == RV_OK; i += 1) {
        status = touch_resolve(f, i, &keys[i]);
    }
    const bool judge = f->judge;
    if (status == RV_OK && f->made_any) {
        status = rows_default(f);
    }
    if (status == RV_OK) {
        status = rows_change(f);
    }
    f->judge = judge;
    if (status == RV_OK && f->made_any && type->indexed) {
        status = rv_fold_sort_made(f);
    }
    if (status == RV_OK && f->judge) {
        status = rv_fold_judge_rows(f);
    }
    /* deletions are the last touches */
    const uint16_t count = type->touch_count;
    if (count > 0 && type->touches[count - 1].kind == RV_TOUCH_DELETES) {
        status = status == RV_OK ? rows_delete(f) : status;
    }
    return status == RV_OK && f->judge && type->indexed ? rv_fold_judge_unique(f) : status;
}

/* The same, noting what becomes of the rows. Not inlined: its room on the stack would be
 * everybody's.
 */
__attribute__((noinline)) static rv_status rows_fold_noted(rv_fold *f, rv_fold_key *keys) {
    rv_bytes before[RV_TOUCHES_MAX];
    rv_status status = rv_fold_changes_before(f, keys, before);
    status = status == RV_OK ? rows_fold(f, keys) : status;
    return status == RV_OK ? rv_fold_changes_after(f, keys, before) : status;
}

/* What rows_fold comes to when applying a straight event type, which is most of a replay: rows are
 * found by keys as they are, nothing is made or deleted, and where a row is not held its actions do
 * nothing. Actions change no key, so rows can be looked for one by one. */
static inline rv_status rows_fold_straight(rv_fold *f) {
    const rv_event_type *const type = f->type;
    RV_ASSERT(type->straight && !f->judge);
    rv_status status = RV_OK;
    const rv_action *at = type->actions;
    const rv_action *const end = at + type->action_count;
    while (at < end && status == RV_OK) {
        const rv_touch *const touch = &type->touches[at->touch];
        const rv_value *const key = &f->values[touch->field];
        const rv_table *const table = rv_table_of(f->pages, touch->aggregate);
        uint32_t place = RV_SLOT_NONE;
        if (table != NULL && !rv_value_is_null(key)) {
            place = rv_rows_find(f->pages, table, key, rv_rows_key_hash(f->hash_key, key));
        }
        if (place == RV_SLOT_NONE) {
            at += 1;
            continue;
        }
        status = rv_pages_reserve(f->pages, table->row_size);
        if (status == RV_OK) {
            rv_fold_row row = {rv_schema_aggregate(f->schema, touch->aggregate), table,
                               rv_rows_write(f->pages, table, place)};
            status = rv_fold_actions(f, &row, &at);
        }
    }
    RV_ASSERT(at <= end);
    return status;
}

/* Moves the head of the event's stream. */
static inline rv_status head_move(const rv_fold *f) {
    const rv_event *const event = f->event;
    const rv_status status = rv_pages_reserve(f->pages, 0);
    if (status == RV_OK) {
        rv_stream_line *const line = rv_streams_write(f->pages, event->stream);
        line->version = event->version;
        if (__builtin_expect(f->held != NULL, 0)) { /* pending: it is in no log yet */
            return RV_OK;
        }
        line->first_sequence = line->first_sequence == 0 ? event->sequence : line->first_sequence;
        line->last_sequence = event->sequence;
        line->last_position = event->position;
    }
    return status;
}

/* Head, rows. `type` is NULL for events of the system. Not inlined: its room on the stack would be
 * everybody's. */
__attribute__((noinline)) static rv_status event_fold(rv_fold *f) {
    rv_fold_key keys[RV_TOUCHES_MAX];
    rv_status status = RV_OK;
    if (f->type != NULL) {
        rv_streams_prefetch(f->pages, f->event->stream);
        status = keys_prepare(f, keys);
    }
    if (status == RV_OK) {
        status = head_move(f);
    }
    RV_ASSERT(f->type == NULL || f->values != NULL || f->type->field_count == 0);
    if (status == RV_OK && f->type != NULL && f->changes != NULL) {
        return rows_fold_noted(f, keys);
    }
    return status == RV_OK && f->type != NULL ? rows_fold(f, keys) : status;
}

/* The same for a straight event type when applying. */
static inline rv_status event_fold_straight(rv_fold *f) {
    const rv_status status = head_move(f);
    RV_ASSERT(f->values != NULL);
    return status == RV_OK ? rows_fold_straight(f) : status;
}

/* Tells why the pages could not be changed. */
__attribute__((noinline)) static rv_status refuse_pages(const rv_fold *f, rv_status status) {
    if (status == RV_STATE_FULL) {
        return rv_error_set(f->err, status, "no page of memory is left for rows, of %u",
                            (uint64_t)f->pages->total);
    }
    RV_ASSERT(status == RV_BATCH_TOO_LARGE);
    return rv_error_set(f->err, status,
                        "the batch changes more than the journal of %u bytes could take back",
                        (uint64_t)f->pages->journal.cap);
}

static inline rv_status fold(rv_fold *f, rv_state *state) {
    const rv_event *const event = f->event;
    const bool system = event->type == RV_SYSTEM_SCHEMA_TYPE;
    if (event->stream >= rv_streams_count(&state->pages) ||
        (!system && event->type >= rv_schema_event_type_count(state->schema))) {
        return rv_error_set(f->err, RV_DATA_DAMAGED,
                            "the event with sequence %u names a stream or an event type that is "
                            "not there",
                            event->sequence);
    }
    f->pages = &state->pages;
    f->schema = state->schema;
    f->hash_key = state->hash_key;
    f->type = system ? NULL : rv_schema_event_type(state->schema, event->type);
    f->given = state->given_any ? state->given : NULL;
    f->changes = f->held == NULL ? state->changes : NULL;
    f->made_any = false;
    f->due = false;
    const bool straight =
        !system && f->type->straight && !f->judge && f->given == NULL && f->changes == NULL;
    const size_t mark = rv_arena_mark(f->scratch);
    const rv_status status = straight ? event_fold_straight(f) : event_fold(f);
    rv_arena_reset(f->scratch, mark);
    return status == RV_STATE_FULL || status == RV_BATCH_TOO_LARGE ? refuse_pages(f, status)
                                                                   : status;
}

rv_status rv_state_fold(rv_state *state, const rv_event *event, const rv_value *values,
                        rv_fold_mode mode, rv_arena *scratch, rv_error *err) {
    RV_ASSERT(mode == RV_FOLD_APPLY || state->pages.journal.active);
    RV_ASSERT(!state->pages.overlay);
    rv_fold f;
    f.event = event;
    f.values = values;
    f.judge = mode == RV_FOLD_JUDGE;
    f.held = NULL;
    f.scratch = scratch;
    f.err = err;
    return fold(&f, state);
}

rv_status rv_state_pass(rv_state *state, const rv_event *event, rv_error *err) {
    RV_ASSERT(!state->pages.overlay);
    if (event->stream >= rv_streams_count(&state->pages)) {
        return rv_error_set(err, RV_DATA_DAMAGED,
                            "the event with sequence %u names a stream that is not there",
                            event->sequence);
    }
    const rv_fold f = {.pages = &state->pages, .event = event};
    const rv_status status = head_move(&f);
    RV_ASSERT(status == RV_OK || status == RV_BATCH_TOO_LARGE);
    return status;
}

rv_status rv_state_fold_pending(rv_state *state, const rv_event *event, const rv_value *values,
                                rv_held *held, rv_arena *scratch, rv_error *err) {
    RV_ASSERT(state->pages.overlay && event->position == 0);
    RV_ASSERT(event->type != RV_SYSTEM_SCHEMA_TYPE);
    rv_fold f;
    f.event = event;
    f.values = values;
    f.judge = true;
    f.held = held;
    f.scratch = scratch;
    f.err = err;
    return fold(&f, state);
}
