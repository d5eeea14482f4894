/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a schema prints as text that makes the same schema: the print is a fixed point, its hash is
 * stable, and every part comes out as it went in. The hashes of some schemas are what they were
 * when they were written down, in tests/vectors/schema.txt: records in logs refer to them.
 * Method: schemas of tests/unit/model/generated.h, from many seeds, over all types; each refused
 * statement has its place, and leaves the schema as it was.
 *
 *     test_unit_model_schema_generated [SEEDS [FIRST]]
 */
#include "core/model/schema.h"

#include "tests/unit/model/generated.h"

#include <stdlib.h>

static uint8_t memory[2][4 << 20];
static uint8_t texts[3][1 << 18];
static rv_arena arenas[2];
static rv_error err;
static uint32_t refused, taken;

static rv_schema *empty_schema(uint32_t nth) {
    rv_schema *schema = NULL;
    arenas[nth] = rv_arena_over(memory[nth], sizeof memory[nth]);
    return rv_schema_create(&schema, &arenas[nth], &err) == RV_OK ? schema : NULL;
}

static bool same_hash(const rv_schema *a, const rv_schema *b) {
    const rv_hash128 x = rv_schema_hash(a);
    const rv_hash128 y = rv_schema_hash(b);
    return x.low == y.low && x.high == y.high;
}

/* Applies a statement; a refused one has a place and leaves nothing behind. */
static void apply(rv_schema *schema, generated *g, rv_bytes text) {
    const rv_hash128 hash = rv_schema_hash(schema);
    const size_t used = arenas[0].len;
    const rv_status status = rv_schema_apply(schema, text, &err);
    taken += status == RV_OK;
    if (status == RV_OK) {
        return;
    }
    refused += 1;
    generated_refused(g);
    RV_CHECK_EQ(err.status, status);
    RV_CHECK(strstr(err.facts, "\"line\":") != NULL && strstr(err.facts, "\"column\":") != NULL);
    const bool of_expression = status == RV_EXPRESSION_TYPE || status == RV_UNSUPPORTED;
    RV_CHECK(of_expression || strstr(err.facts, "\"met\":") != NULL);
    RV_CHECK(strncmp(err.detail, "line ", 5) == 0);
    RV_CHECK(rv_schema_hash(schema).low == hash.low && arenas[0].len == used);
}

static rv_schema *make(uint64_t seed) {
    rv_schema *const schema = empty_schema(0);
    generated g = generated_of(seed, seed % 2 == 0 ? GENERATED_TYPES : GENERATED_KEY_TYPES);
    const uint32_t aggregates = 1 + generated_below(&g, 6);
    apply(schema, &g, rv_bytes_of_string(generated_enum));
    for (uint32_t i = 0; i < aggregates + 12; i += 1) {
        rv_writer w = rv_writer_over(texts[0], sizeof texts[0]);
        if (i < aggregates || g.aggregate_count == 0) {
            generated_aggregate(&g, &w);
        } else if (i < aggregates + 8 || g.event_type_count == 0) {
            generated_event_type(&g, &w);
        } else {
            generated_stream(&g, &w);
        }
        apply(schema, &g, rv_writer_bytes(&w));
        if (rv_test_failed) {
            fprintf(stderr, "%s\n%s\n%.*s", err.detail, err.facts, (int)w.len, (const char *)w.ptr);
            return NULL;
        }
        if (g.aggregate_count == GENERATED_AGGREGATES) {
            break;
        }
    }
    return schema;
}

static bool same_expr(const rv_expr *a, const rv_expr *b) {
    return rv_bytes_equal(a->source, b->source) && a->step_count == b->step_count &&
           rv_type_same(&a->type, &b->type);
}

static void check_aggregate(const rv_aggregate *a, const rv_aggregate *b) {
    RV_CHECK(rv_bytes_equal(a->name, b->name) && a->shared == b->shared);
    RV_CHECK_EQ(a->column_count, b->column_count);
    RV_CHECK_EQ(a->key_count, b->key_count);
    RV_CHECK_EQ(a->check_count, b->check_count);
    RV_CHECK_EQ(a->index_count, b->index_count);
    RV_CHECK_EQ(a->foreign_key_count, b->foreign_key_count);
    RV_CHECK(memcmp(a->keys, b->keys, a->key_count * sizeof *a->keys) == 0);
    for (uint16_t i = 0; i < a->column_count; i += 1) {
        const rv_column *const x = &a->columns[i];
        const rv_column *const y = &b->columns[i];
        RV_CHECK(rv_bytes_equal(x->name, y->name) && rv_type_same(&x->type, &y->type));
        RV_CHECK(x->key == y->key && x->not_null == y->not_null && x->references == y->references);
        RV_CHECK(x->type.serial == y->type.serial);
        RV_CHECK(x->has_default == y->has_default && x->has_check == y->has_check);
        RV_CHECK(!x->has_default || same_expr(&x->default_value, &y->default_value));
        RV_CHECK(!x->has_check || same_expr(&x->check, &y->check));
    }
    for (uint16_t i = 0; i < a->check_count; i += 1) {
        RV_CHECK(same_expr(&a->checks[i], &b->checks[i]));
    }
    for (uint16_t i = 0; i < a->index_count; i += 1) {
        const rv_aggregate_index *const x = &a->indexes[i];
        const rv_aggregate_index *const y = &b->indexes[i];
        RV_CHECK(x->unique == y->unique && x->column_count == y->column_count);
        RV_CHECK(memcmp(x->columns, y->columns, x->column_count * sizeof *x->columns) == 0);
    }
    for (uint16_t i = 0; i < a->foreign_key_count; i += 1) {
        const rv_foreign_key *const x = &a->foreign_keys[i];
        const rv_foreign_key *const y = &b->foreign_keys[i];
        RV_CHECK(x->aggregate == y->aggregate && x->column_count == y->column_count);
        RV_CHECK(memcmp(x->columns, y->columns, x->column_count * sizeof *x->columns) == 0);
    }
}

static void check_event_type(const rv_schema *schema, const rv_event_type *a,
                             const rv_event_type *b) {
    RV_CHECK(rv_bytes_equal(a->name, b->name) && a->straight == b->straight);
    RV_CHECK_EQ(a->field_count, b->field_count);
    RV_CHECK_EQ(a->touch_count, b->touch_count);
    RV_CHECK_EQ(a->action_count, b->action_count);
    RV_CHECK_EQ(a->check_count, b->check_count);
    for (uint16_t i = 0; i < a->field_count; i += 1) {
        const rv_field *const x = &a->fields[i];
        const rv_field *const y = &b->fields[i];
        RV_CHECK(rv_bytes_equal(x->name, y->name) && rv_type_same(&x->type, &y->type));
        RV_CHECK(x->not_null == y->not_null && x->personal == y->personal);
        RV_CHECK(x->has_default == y->has_default);
        RV_CHECK(!x->has_default || same_expr(&x->default_value, &y->default_value));
    }
    for (uint16_t i = 0; i < a->touch_count; i += 1) {
        const rv_touch *const x = &a->touches[i];
        const rv_touch *const y = &b->touches[i];
        const uint16_t key_count = rv_schema_aggregate(schema, x->aggregate)->key_count;
        RV_CHECK(x->kind == y->kind && x->aggregate == y->aggregate && x->acted_on == y->acted_on);
        RV_CHECK(x->field == x->fields[0] && x->indexes == y->indexes);
        RV_CHECK(memcmp(x->fields, y->fields, key_count * sizeof *x->fields) == 0);
        RV_CHECK(memcmp(x->defaults, y->defaults, sizeof x->defaults) == 0);
    }
    for (uint16_t i = 0; i < a->action_count; i += 1) {
        const rv_action *const x = &a->actions[i];
        const rv_action *const y = &b->actions[i];
        RV_CHECK(x->kind == y->kind && x->touch == y->touch && x->field == y->field);
        RV_CHECK(x->column == y->column && x->plain == y->plain && x->adds == y->adds);
        RV_CHECK(x->kind != RV_ACTION_COMPUTE || same_expr(&x->expr, &y->expr));
    }
}

/* Prints, applies the print to an empty schema, prints that, and compares everything. */
static void check_print(const rv_schema *schema) {
    rv_writer first = rv_writer_over(texts[1], sizeof texts[1]);
    rv_writer second = rv_writer_over(texts[2], sizeof texts[2]);
    rv_schema_print(schema, &first);
    rv_schema *const again = empty_schema(1);
    const rv_status status = rv_schema_apply(again, rv_writer_bytes(&first), &err);
    if (status != RV_OK) {
        fprintf(stderr, "%s\n%.*s", err.detail, (int)first.len, (const char *)first.ptr);
    }
    RV_CHECK_STATUS(status, RV_OK);
    rv_schema_print(again, &second);
    RV_CHECK(!first.full && !second.full && same_hash(schema, again));
    RV_CHECK(rv_bytes_equal(rv_writer_bytes(&first), rv_writer_bytes(&second)));
    RV_CHECK_EQ(rv_schema_stream_count(schema), rv_schema_stream_count(again));
    for (uint16_t i = 0; i < rv_schema_aggregate_count(schema); i += 1) {
        check_aggregate(rv_schema_aggregate(schema, i), rv_schema_aggregate(again, i));
        RV_CHECK_PASSED();
    }
    for (uint16_t i = 0; i < rv_schema_event_type_count(schema); i += 1) {
        check_event_type(schema, rv_schema_event_type(schema, i), rv_schema_event_type(again, i));
        RV_CHECK_PASSED();
    }
}

static uint64_t seed_first = 1, seed_count = RV_TEST_ROUNDS(500);

RV_TEST(the_print_of_a_schema_is_the_schema) {
    for (uint64_t seed = seed_first; seed < seed_first + seed_count; seed += 1) {
        const rv_schema *const schema = make(seed);
        if (schema != NULL && rv_schema_version(schema) > 0) {
            check_print(schema);
        }
        if (rv_test_failed) {
            RV_FAIL_AT_("seed %" PRIu64, seed);
        }
    }
    RV_CHECK(refused * 2 < taken);
}

/* Blocks of a text, and a line with its hash. */
RV_TEST(hashes_are_what_they_were) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    RV_CHECK(tests != NULL);
    memcpy(tests, "tests/vectors/schema.txt", sizeof "tests/vectors/schema.txt");
    FILE *const file = fopen(path, "r");
    RV_CHECK(file != NULL);
    static char line[1024];
    rv_writer text = rv_writer_over(texts[0], sizeof texts[0]);
    uint32_t count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "hash ", 5) == 0) {
            rv_schema *const schema = empty_schema(0);
            RV_CHECK_STATUS(rv_schema_apply(schema, rv_writer_bytes(&text), &err), RV_OK);
            char met[40];
            snprintf(met, sizeof met, "%016" PRIx64 "%016" PRIx64 "\n", rv_schema_hash(schema).high,
                     rv_schema_hash(schema).low);
            if (strcmp(met, line + 5) != 0) {
                RV_FAIL_AT_("%.*s has hash %s", (int)text.len, (const char *)text.ptr, met);
            }
            check_print(schema);
            RV_CHECK_PASSED();
            text.len = 0;
            count += 1;
        } else if (line[0] != '#') {
            rv_write_text(&text, line);
        }
    }
    fclose(file);
    RV_CHECK_EQ(count, 12);
}

int main(int argc, char **argv) {
    seed_count = argc > 1 ? strtoull(argv[1], NULL, 10) : seed_count;
    seed_first = argc > 2 ? strtoull(argv[2], NULL, 10) : seed_first;
    RV_RUN(the_print_of_a_schema_is_the_schema);
    RV_RUN(hashes_are_what_they_were);
    return rv_test_done();
}
