/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever a schema says and whatever events come, the state holds what a straightforward
 * interpreter of the schema holds: keys of one and of several columns, several rows of one
 * aggregate by one event, rows created and deleted by the same event, the same row touched twice,
 * references and foreign keys, shared and owned rows, defaults, computed updates, UNIQUE.
 * Method: for each seed a schema from tests/unit/model/generated.h and random events of all its
 * types over few values, so that most rules are broken often, judged in transactions that are
 * committed or taken back; what was accepted is folded again, unjudged, into a fresh state; then
 * unjudged events in any order. After each phase rows, counters and hash are compared. Some events
 * are folded with every amount of scratch, journal and pages that is too little.
 *
 *     test_unit_state_generated_twin [SEEDS [FIRST]]
 */
#define NAIVE_ROWS 200u

#include "core/state/inside.h"
#include "tests/unit/model/generated.h"
#include "tests/unit/state/bank.h"
#include "tests/unit/state/naive.h"

#ifdef RV_TEST_EMULATED
#define SHORTAGES_EVERY 32u
#else
#define SHORTAGES_EVERY 4u
#endif
#define STREAMS      3u
#define LOG_MAX      400u
#define TRANSACTIONS 60u

typedef struct logged {
    rv_event event;
    rv_value values[GENERATED_FIELDS];
} logged;

static rv_schema *schema;
static bank_memory schema_memory, state_memory, again_memory;
static rv_state *state;
static naive now, saved;
static logged journal[LOG_MAX];
static uint32_t logged_count;
static uint64_t versions[STREAMS];
static uint8_t scratch_memory[1 << 16];
static uint32_t met[RV_STATUS_COUNT];
static uint32_t refused, taken, short_met[3];

/* Makes the schema of a seed; false when it has nothing to fold. */
static bool make_schema(uint64_t seed) {
    static uint8_t text[1 << 14];
    generated g = generated_of(seed, GENERATED_KEY_TYPES);
    rv_error err;
    schema_memory.arena.len = 0;
    if (rv_schema_create(&schema, &schema_memory.arena, &err) != RV_OK ||
        rv_schema_apply(schema, rv_bytes_of_string(generated_enum), &err) != RV_OK) {
        abort();
    }
    const uint32_t aggregates = 1 + generated_below(&g, 5);
    for (uint32_t i = 0; i < aggregates + 8; i += 1) {
        rv_writer w = rv_writer_over(text, sizeof text);
        if (i < aggregates) {
            generated_aggregate(&g, &w);
        } else if (g.aggregate_count > 0) {
            generated_event_type(&g, &w);
        } else {
            return false;
        }
        const rv_status status = rv_schema_apply(schema, rv_writer_bytes(&w), &err);
        if (status != RV_OK) {
            generated_refused(&g);
        }
        refused += status != RV_OK;
        taken += status == RV_OK;
    }
    return rv_schema_event_type_count(schema) > 0;
}

/* --- events --- */

static int64_t random_int(uint64_t *seed, const rv_type *type) {
    const uint64_t r = rv_test_random(seed) >> 16;
    switch (type->kind) {
    case RV_TYPE_BOOLEAN:
        return (int64_t)(r % 2);
    case RV_TYPE_ENUM:
        return (int64_t)(r % type->labels->label_count);
    case RV_TYPE_NUMERIC:
        return r % 16 == 0 ? naive_max(type) : (int64_t)(r / 16 % 5) * 50 - 50;
    case RV_TYPE_SMALLINT:
    case RV_TYPE_INTEGER:
    case RV_TYPE_BIGINT:
        return r % 16 == 0 ? naive_max(type) : (int64_t)(r / 16 % 5);
    default:
        return (int64_t)(r % 4) * 3600;
    }
}

static rv_value random_bytes(uint64_t *seed, const rv_type *type) {
    static const char *const texts[] = {
        "",
        "x",
        "five5",
        "twelve bytes",
        "6f1c5b0e-3a44-4a0f-9a53-0d6a3f1c2b7e",
        "a text that is longer than sixty-four bytes, so that the hash takes its digest"};
    static uint8_t filled[16];
    const uint64_t r = rv_test_random(seed) >> 16;
    size_t len = type->kind == RV_TYPE_UUID ? 16 : type->kind == RV_TYPE_CHAR ? type->size : 0;
    if (len > 0) {
        memset(filled, (int)('a' + r % 3), len);
        return naive_intern(rv_value_bytes(rv_bytes_of(filled, len)));
    }
    const rv_bytes text = rv_bytes_of_string(texts[r % 6]);
    len = type->size > 0 && text.len > type->size ? type->size : text.len;
    return rv_value_bytes(rv_bytes_of(text.ptr, len));
}

static rv_value random_value(uint64_t *seed, const rv_type *type) {
    if (rv_test_random(seed) >> 16 & 1 && (rv_test_random(seed) >> 16) % 8 == 0) {
        return rv_value_null();
    }
    return rv_type_class(type) == RV_VALUE_INT ? rv_value_int(random_int(seed, type))
                                               : random_bytes(seed, type);
}

/* A row of the aggregate, if there is one. */
static const naive_row *some_row(uint64_t *seed, uint16_t aggregate) {
    const uint32_t first = (uint32_t)(rv_test_random(seed) >> 16) % NAIVE_ROWS;
    for (uint32_t i = 0; i < NAIVE_ROWS; i += 1) {
        const naive_row *const row = &now.rows[(first + i) % NAIVE_ROWS];
        if (row->used && row->aggregate == aggregate) {
            return row;
        }
    }
    return NULL;
}

static bool mostly(uint64_t *seed) {
    return (rv_test_random(seed) >> 16) % 8 != 0;
}

/* Has a field that is set into a column name a row that is there, or nothing. */
static void steer_column(uint64_t *seed, logged *e, uint16_t field, const rv_column *column) {
    if (column->references == RV_NONE || !mostly(seed)) {
        return;
    }
    const naive_row *const to = some_row(seed, column->references);
    e->values[field] = to == NULL
                           ? rv_value_null()
                           : to->values[rv_schema_aggregate(schema, column->references)->key];
}

/* The same for the fields that are set into the columns of a foreign key. */
static void steer_foreign(uint64_t *seed, logged *e, const rv_event_type *type, uint16_t touch,
                          const rv_foreign_key *key) {
    const naive_row *const to = some_row(seed, key->aggregate);
    const rv_aggregate *const target = rv_schema_aggregate(schema, key->aggregate);
    const bool steers = mostly(seed);
    for (uint16_t i = 0; i < type->action_count * key->column_count && steers; i += 1) {
        const rv_action *const action = &type->actions[i / key->column_count];
        const uint16_t nth = i % key->column_count;
        if (action->touch == touch && action->kind == RV_ACTION_SET &&
            action->column == key->columns[nth]) {
            e->values[action->field] = to == NULL ? rv_value_null() : to->values[target->keys[nth]];
        }
    }
}

/* A key may be of a wider type than the field that is to name it: what no decoder would let through
 * is the greatest that one does. */
static void keep_in_range(const rv_type *type, rv_value *value) {
    const int64_t most = type->kind == RV_TYPE_SMALLINT  ? INT16_MAX
                         : type->kind == RV_TYPE_INTEGER ? INT32_MAX
                                                         : INT64_MAX;
    if (value->class_ == RV_VALUE_INT && (value->as.integer > most || value->as.integer < -most)) {
        value->as.integer = most;
    }
}

/* Brings a random event near to one that is accepted. */
static void steer(uint64_t *seed, logged *e, const rv_event_type *type) {
    for (uint16_t a = 0; a < type->action_count; a += 1) {
        const rv_action *const action = &type->actions[a];
        const rv_aggregate *const aggregate =
            rv_schema_aggregate(schema, type->touches[action->touch].aggregate);
        if (action->kind == RV_ACTION_SET) {
            steer_column(seed, e, action->field, &aggregate->columns[action->column]);
        }
    }
    for (uint16_t t = 0; t < type->touch_count; t += 1) {
        const rv_touch *const touch = &type->touches[t];
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, touch->aggregate);
        const naive_row *const row = some_row(seed, touch->aggregate);
        for (uint16_t k = 0; k < aggregate->foreign_key_count; k += 1) {
            steer_foreign(seed, e, type, t, &aggregate->foreign_keys[k]);
        }
        const bool meets = touch->kind != RV_TOUCH_CREATES && row != NULL && mostly(seed);
        for (uint16_t k = 0; k < aggregate->key_count; k += 1) {
            const uint16_t column = aggregate->keys[k];
            if (meets) {
                e->values[touch->fields[k]] = row->values[column];
            } else if (touch->kind == RV_TOUCH_CREATES) {
                steer_column(seed, e, touch->fields[k], &aggregate->columns[column]);
            }
        }
        e->event.stream = meets && mostly(seed) ? row->owner : e->event.stream;
    }
    for (uint16_t f = 0; f < type->field_count; f += 1) {
        keep_in_range(&type->fields[f].type, &e->values[f]);
    }
}

/* True when the aggregates whose rows the event refers to have any. */
static bool can_be(uint64_t *seed, uint16_t number) {
    const rv_event_type *const type = rv_schema_event_type(schema, number);
    bool can = true;
    for (uint16_t t = 0; t < type->touch_count; t += 1) {
        can = can && (type->touches[t].kind == RV_TOUCH_CREATES ||
                      some_row(seed, type->touches[t].aggregate) != NULL);
    }
    return can;
}

static void random_event(uint64_t *seed, logged *e) {
    const uint16_t count = rv_schema_event_type_count(schema);
    uint16_t number = (uint16_t)((rv_test_random(seed) >> 16) % count);
    for (uint16_t i = 0; i < count && !can_be(seed, number) && mostly(seed); i += 1) {
        number = (uint16_t)((number + 1) % count);
    }
    const rv_event_type *const type = rv_schema_event_type(schema, number);
    for (uint16_t f = 0; f < type->field_count; f += 1) {
        e->values[f] = random_value(seed, &type->fields[f].type);
    }
    e->event = (rv_event){.stream = (uint32_t)((rv_test_random(seed) >> 16) % STREAMS),
                          .type = number,
                          .sequence = logged_count + 1,
                          .position = logged_count + 1,
                          .written_at = (int64_t)(rv_test_random(seed) >> 12)};
    const uint64_t id = rv_test_random(seed);
    memcpy(e->event.event_id, &id, sizeof id);
    steer(seed, e, type);
    e->event.version = versions[e->event.stream] + 1;
}

/* --- comparing --- */

static void check_row(rv_state *s, const naive_row *row) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_aggregate *const aggregate = rv_schema_aggregate(schema, row->aggregate);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    RV_CHECK(naive_gather(row, aggregate->keys, aggregate->key_count, key));
    const rv_row at = rv_state_row_find(s, row->aggregate, key);
    RV_CHECK(at != RV_ROW_NONE);
    RV_CHECK_EQ(rv_state_row_owner(s, row->aggregate, at), row->owner);
    for (uint16_t c = 0; c < aggregate->column_count; c += 1) {
        rv_value value;
        bool unknown;
        RV_CHECK_STATUS(rv_state_row_cell(s, row->aggregate, at, c, &scratch, &value, &unknown),
                        RV_OK);
        RV_CHECK_EQ(unknown, row->unknown[c]);
        RV_CHECK(naive_same(&value, &row->values[c]));
        rv_arena_reset(&scratch, 0);
    }
}

static void check_rows(rv_state *s) {
    uint64_t count = 0;
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a += 1) {
        count += rv_state_row_count(s, a);
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, a);
        int64_t next;
        if (aggregate->columns[aggregate->key].type.serial &&
            rv_state_serial_next(s, a, &next, NULL) == RV_OK) {
            RV_CHECK_EQ(next, now.serial[a] + 1);
        }
    }
    RV_CHECK_EQ(count, now.count);
    for (uint32_t i = 0; i < NAIVE_ROWS; i += 1) {
        if (now.rows[i].used) {
            check_row(s, &now.rows[i]);
            RV_CHECK_PASSED();
        }
    }
}

/* --- folding --- */

static bool streams_add(rv_state *s) {
    bool added = s != NULL;
    for (uint8_t i = 0; i < STREAMS && added; i += 1) {
        uint8_t path[] = "/s/0";
        path[3] = (uint8_t)('0' + i);
        uint32_t number;
        added = rv_state_stream_add(s, 0, rv_bytes_of(path, 4), &number, NULL) == RV_OK;
    }
    return added;
}

static rv_state *fresh_state(bank_memory *memory, uint64_t key) {
    const rv_state_options options = {.schema = schema,
                                      .hash_key = key,
                                      .page_memory = 100u * RV_PAGE_SIZE,
                                      .journal_memory = 1u << 20};
    rv_state *made = NULL;
    memory->arena.len = 0;
    return rv_state_create(&made, &options, &memory->arena, NULL) == RV_OK && streams_add(made)
               ? made
               : NULL;
}

static void start(void) {
    state = fresh_state(&state_memory, 77);
    RV_CHECK(state != NULL);
    memset(&now, 0, sizeof now);
    now.schema = schema;
    memset(versions, 0, sizeof versions);
    logged_count = 0;
    naive_bytes.len = 0;
}

static void judged_transaction(uint64_t *seed) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const uint32_t first = logged_count;
    uint64_t saved_versions[STREAMS];
    const rv_hash128 hash = rv_state_hash(state, 1);
    const rv_state_usage usage = rv_state_usage_of(state);
    saved = now;
    memcpy(saved_versions, versions, sizeof versions);
    rv_state_begin(state);
    rv_status status = RV_OK;
    const uint32_t count = 1 + (uint32_t)(rv_test_random(seed) >> 16) % 5;
    for (uint32_t i = 0; i < count && status == RV_OK; i += 1) {
        logged *const e = &journal[logged_count];
        random_event(seed, e);
        rv_error err = {0};
        status = rv_state_fold(state, &e->event, e->values, RV_FOLD_JUDGE, &scratch, &err);
        RV_CHECK_EQ(scratch.len, 0);
        RV_CHECK_STATUS(naive_state_fold(&now, &e->event, e->values, true, &scratch), status);
        rv_arena_reset(&scratch, 0);
        RV_CHECK(status == RV_OK || (err.status == status && err.detail_len > 0));
        met[status] += 1;
        logged_count += status == RV_OK;
        versions[e->event.stream] += status == RV_OK;
    }
    if (status == RV_OK && (rv_test_random(seed) >> 16) % 4 != 0) {
        rv_state_commit(state);
        return;
    }
    rv_state_rollback(state);
    now = saved;
    memcpy(versions, saved_versions, sizeof versions);
    logged_count = first;
    RV_CHECK_EQ(rv_state_usage_of(state).pages_used, usage.pages_used);
    RV_CHECK(bank_same(rv_state_hash(state, 1), hash));
}

/* --- shortages --- */

typedef enum shortage { SHORT_SCRATCH, SHORT_JOURNAL, SHORT_PAGES, SHORTAGES } shortage;

/* Folds the event with the nth amount of something, and takes it back. */
static rv_status fold_short(const logged *e, rv_fold_mode mode, shortage what, uint32_t nth) {
    const size_t journal_cap = state->pages.journal.cap;
    const uint32_t total = state->pages.total;
    const uint32_t fresh = rv_pages_pool(&state->pages)->fresh;
    rv_error err = {0};
    rv_arena scratch =
        rv_arena_over(scratch_memory, what == SHORT_SCRATCH ? 8u * nth : sizeof scratch_memory);
    state->pages.journal.cap = what == SHORT_JOURNAL ? 24u * nth : journal_cap;
    state->pages.total = what == SHORT_PAGES && fresh - 1 + nth < total ? fresh - 1 + nth : total;
    rv_state_begin(state);
    const rv_status status = rv_state_fold(state, &e->event, e->values, mode, &scratch, &err);
    rv_state_rollback(state);
    state->pages.journal.cap = journal_cap;
    state->pages.total = total;
    return status;
}

/* An event that finds too little of something, wherever it needs it, says so, and nothing has
 * changed; with enough of it, it comes out as it does. */
static void fold_with_every_shortage(uint64_t *seed) {
    static const rv_status told[SHORTAGES] = {RV_MEMORY_EXHAUSTED, RV_BATCH_TOO_LARGE,
                                              RV_STATE_FULL};
    static const uint32_t enough[SHORTAGES] = {2000, 2000, 100};
    logged *const e = &journal[logged_count];
    random_event(seed, e);
    const rv_hash128 hash = rv_state_hash(state, 1);
    for (unsigned m = 0; m < 2; m += 1) {
        const rv_fold_mode mode = m == 0 ? RV_FOLD_JUDGE : RV_FOLD_APPLY;
        for (unsigned what = 0; what < SHORTAGES; what += 1) {
            const rv_status whole = fold_short(e, mode, (shortage)what, enough[what]);
            rv_status status = told[what];
            RV_CHECK(whole != told[what]);
            for (uint32_t nth = 0; nth < enough[what] && status == told[what]; nth += 1) {
                status = fold_short(e, mode, (shortage)what, nth);
                short_met[what] += status == told[what];
                RV_CHECK(status == told[what] || status == whole);
            }
            RV_CHECK(bank_same(rv_state_hash(state, 1), hash));
        }
    }
}

/* Folds what is in the journal into a fresh state, which comes out the same. */
static void check_replay(void) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_state *const again = fresh_state(&again_memory, 78);
    RV_CHECK(again != NULL);
    for (uint32_t i = 0; i < logged_count; i += 1) {
        const logged *const e = &journal[i];
        RV_CHECK_STATUS(rv_state_fold(again, &e->event, e->values, RV_FOLD_APPLY, &scratch, NULL),
                        RV_OK);
    }
    check_rows(again);
    RV_CHECK_PASSED();
    RV_CHECK(bank_same(rv_state_hash(again, 9), rv_state_hash(state, 9)));
}

static void judged_run(uint64_t seed, bool with_shortages) {
    start();
    RV_CHECK_PASSED();
    for (uint32_t i = 0; i < TRANSACTIONS && logged_count + 5 < LOG_MAX && now.count < 120;
         i += 1) {
        judged_transaction(&seed);
        RV_CHECK_PASSED();
        if (with_shortages && i % 8 == 3) {
            uint64_t other = seed;
            fold_with_every_shortage(&other);
            RV_CHECK_PASSED();
        }
    }
    check_rows(state);
    RV_CHECK_PASSED();
    check_replay();
}

/* Unjudged events in any order, as where a part is held. */
static void applied_run(uint64_t seed) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    start();
    RV_CHECK_PASSED();
    for (uint32_t i = 0; i < 100 && now.count < 150; i += 1) {
        logged *const e = &journal[logged_count];
        random_event(&seed, e);
        RV_CHECK_STATUS(rv_state_fold(state, &e->event, e->values, RV_FOLD_APPLY, &scratch, NULL),
                        RV_OK);
        RV_CHECK_STATUS(naive_state_fold(&now, &e->event, e->values, false, &scratch), RV_OK);
        rv_arena_reset(&scratch, 0);
        logged_count += 1;
        versions[e->event.stream] += 1;
    }
    check_rows(state);
    RV_CHECK_PASSED();
    check_replay();
}

static uint64_t seed_first = 1, seed_count = 400;

RV_TEST(generated_schemas_agree_with_the_twin) {
    for (uint64_t seed = seed_first; seed < seed_first + seed_count * rv_test_times(); seed += 1) {
        if (make_schema(seed)) {
            judged_run(seed * 1000003, seed % SHORTAGES_EVERY == 0);
            if (!rv_test_failed) {
                applied_run(seed * 7919);
            }
        }
        if (rv_test_failed) {
            RV_FAIL_AT_("seed %" PRIu64, seed);
        }
    }
    RV_CHECK(refused * 2 < taken);
    RV_CHECK(short_met[SHORT_SCRATCH] > 100 && short_met[SHORT_JOURNAL] > 100);
    RV_CHECK(short_met[SHORT_PAGES] > 10);
}

RV_TEST(all_that_can_be_refused_was) {
    static const rv_status all[] = {RV_OK,
                                    RV_ROW_EXISTS,
                                    RV_UNKNOWN_REFERENCE,
                                    RV_ROW_OF_OTHER_STREAM,
                                    RV_ROW_REFERENCED,
                                    RV_CHECK_VIOLATION,
                                    RV_NOT_NULL_VIOLATION,
                                    RV_VALUE_OUT_OF_RANGE,
                                    RV_DIVISION_BY_ZERO,
                                    RV_UNIQUE_VIOLATION};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i += 1) {
        if (met[all[i]] < 5) {
            RV_FAIL_AT_("%s was met %u times", rv_status_code(all[i]), met[all[i]]);
        }
    }
}

int main(int argc, char **argv) {
    bank_memory bytes;
    const size_t room = 100u * (RV_PAGE_SIZE + 64u) + (2u << 20);
    if (!bank_take(&schema_memory, 4u << 20) || !bank_take(&bytes, 8u << 20) ||
        !bank_take(&state_memory, room) || !bank_take(&again_memory, room)) {
        return 1;
    }
    naive_bytes = bytes.arena;
    seed_count = argc > 1 ? strtoull(argv[1], NULL, 10) : seed_count;
    seed_first = argc > 2 ? strtoull(argv[2], NULL, 10) : seed_first;
    RV_RUN(generated_schemas_agree_with_the_twin);
    RV_RUN(all_that_can_be_refused_was);
    free(state_memory.memory);
    free(again_memory.memory);
    free(schema_memory.memory);
    free(bytes.memory);
    return rv_test_done();
}
