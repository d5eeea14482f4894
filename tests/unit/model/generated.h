/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas made from a seed: aggregates with keys of one and of several columns, references of all
 * kinds, defaults, checks, indexes; event types that create, refer to, delete and change several of
 * their rows in every way that the language has; streams of them. Statements come one by one as
 * text. Most are good; what the schema refuses is forgotten by generated_refused, so that later
 * statements do not build on it.
 *
 *     generated g = generated_of(seed, GENERATED_TYPES);
 *     generated_aggregate(&g, &w);         apply the text; if it is refused: generated_refused(&g)
 *     generated_event_type(&g, &w);
 *     generated_stream(&g, &w);
 */
#ifndef RV_TESTS_MODEL_GENERATED_H
#define RV_TESTS_MODEL_GENERATED_H

#include "core/base/limits.h"
#include "core/base/writer.h"
#include "tests/unit/test.h"

#include <string.h>

#define GENERATED_AGGREGATES 8u
#define GENERATED_COLUMNS    14u
#define GENERATED_FIELDS     40u
#define GENERATED_TOUCHES    8u

static const char generated_enum[] = "CREATE TYPE plan AS ENUM ('free', 'team', 'enterprise');";

typedef struct generated_type {
    const char *name;
    const char *literal; /* a value, as a DEFAULT */
    bool number;
    bool key; /* can be one */
} generated_type;

static const generated_type generated_types[] = {
    {"integer", "3", true, true},
    {"smallint", "2", true, true},
    {"bigint", "4", true, true},
    {"numeric(6,2)", "1.25", true, true},
    {"numeric(12,0)", "9", true, true},
    {"boolean", "true", false, true},
    {"char(3)", "'abc'", false, true},
    {"varchar(40)", "'some text'", false, true},
    {"varchar(5)", "'five'", false, true},
    {"text", "'a text that is longer than a cell'", false, true},
    {"date", "'2020-02-29'", false, true},
    {"time", "'10:11:12'", false, true},
    {"timestamp", "'2020-01-01 00:00'", false, true},
    {"timestamptz", "now()", false, true},
    {"uuid", "gen_random_uuid()", false, true},
    {"bytea", "'\\x00ff'", false, true},
    {"plan", "'team'", false, true},
    {"real", "1.5", true, false},
    {"double precision", "2.5", true, false},
    {"numeric", "12345678901234567890.5", true, false},
    {"numeric(30,5)", "12.5", true, false},
    {"integer[]", "'{1,2}'", false, false},
    {"text[]", "'{a,null}'", false, false},
};

#define GENERATED_TYPES     ((uint32_t)(sizeof generated_types / sizeof generated_types[0]))
#define GENERATED_KEY_TYPES 17u /* the first ones: those that can be keys */

typedef struct generated_aggregate_of {
    uint32_t number; /* in its name */
    uint32_t column_count;
    uint32_t types[GENERATED_COLUMNS];
    bool key[GENERATED_COLUMNS];
    bool serial;
    uint32_t key_count;
    uint32_t keys[4];
} generated_aggregate_of;

typedef struct generated {
    uint64_t seed;
    uint32_t type_count; /* of generated_types, that columns are of */
    uint32_t statement_count;
    bool last_is_aggregate;
    bool last_is_stream;
    uint32_t aggregate_count;
    generated_aggregate_of aggregates[GENERATED_AGGREGATES];
    uint32_t event_type_count;
    uint32_t event_types[64]; /* numbers in the names of those that were taken */
} generated;

static inline uint32_t generated_below(generated *g, uint32_t limit) {
    return (uint32_t)(rv_test_random(&g->seed) >> 33) % limit;
}

static inline bool generated_chance(generated *g, uint32_t percent) {
    return generated_below(g, 100) < percent;
}

static inline generated generated_of(uint64_t seed, uint32_t type_count) {
    return (generated){.seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .type_count = type_count};
}

static inline void generated_name(rv_writer *w, const char *prefix, uint32_t number) {
    rv_write_text(w, prefix);
    rv_write_uint(w, number);
}

/* `a3(c1` without what follows. */
static inline void generated_column(rv_writer *w, const generated_aggregate_of *a, uint32_t c) {
    generated_name(w, "a", a->number);
    generated_name(w, "(c", c);
    rv_write_u8(w, ')');
}

/* The statement that was written last was refused. */
static inline void generated_refused(generated *g) {
    if (g->last_is_aggregate) {
        g->aggregate_count -= 1;
    } else if (!g->last_is_stream) {
        g->event_type_count -= 1;
    }
}

/* The columns of an aggregate, before it is written: how many, which are the key, their types. */
static inline void generated_shape(generated *g, generated_aggregate_of *a) {
    a->key_count = generated_chance(g, 50) ? 1 : 2 + generated_below(g, 2);
    a->column_count = a->key_count + 1 + generated_below(g, 6);
    for (uint32_t c = 0; c < a->column_count; c += 1) {
        a->types[c] = generated_below(g, g->type_count);
    }
    for (uint32_t k = 0; k < a->key_count; k += 1) {
        uint32_t c = generated_below(g, a->column_count);
        while (a->key[c]) {
            c = (c + 1) % a->column_count;
        }
        a->key[c] = true;
        a->keys[k] = c;
        a->types[c] = generated_below(g, GENERATED_KEY_TYPES);
    }
    a->serial = a->key_count == 1 && generated_chance(g, 40);
    if (a->serial) {
        a->types[a->keys[0]] = generated_below(g, 3);
    }
}

/* An aggregate, or the one that is being made, with a key of one column (or of several). */
static inline const generated_aggregate_of *generated_target(generated *g, bool several) {
    const uint32_t first = generated_below(g, g->aggregate_count + 1);
    for (uint32_t i = 0; i <= g->aggregate_count; i += 1) {
        const generated_aggregate_of *const a =
            &g->aggregates[(first + i) % (g->aggregate_count + 1)];
        if ((a->key_count > 1) == several) {
            return a;
        }
    }
    return NULL;
}

static inline void generated_clauses(generated *g, const generated_aggregate_of *a, uint32_t c,
                                     rv_writer *w) {
    const generated_type *const type = &generated_types[a->types[c]];
    const bool not_null = generated_chance(g, 20);
    if (not_null) {
        rv_write_text(w, " NOT NULL");
    }
    if (generated_chance(g, not_null ? 85 : 25)) {
        rv_write_text(w, " DEFAULT ");
        rv_write_text(w, type->literal);
    }
    if (type->number && generated_chance(g, 20)) {
        generated_name(w, " CHECK (c", c);
        rv_write_text(w, generated_chance(g, 50) ? " < 90)" : " >= 0)");
    }
    if (generated_chance(g, 6)) {
        rv_write_text(w, " UNIQUE");
    }
}

static inline void generated_write_column(generated *g, generated_aggregate_of *a, uint32_t c,
                                          rv_writer *w) {
    static const char *const serials[] = {"serial", "smallserial", "bigserial"};
    const bool alone = a->key[c] && a->key_count == 1;
    const generated_aggregate_of *const to = generated_target(g, false);
    generated_name(w, c == 0 ? "\n  c" : ",\n  c", c);
    rv_write_u8(w, ' ');
    if (to != NULL && generated_chance(g, 20) && !(alone && (to == a || a->serial))) {
        a->types[c] = to->types[to->keys[0]];
        rv_write_text(w, "references ");
        generated_column(w, to, to->keys[0]);
    } else {
        rv_write_text(w, alone && a->serial ? serials[a->types[c]]
                                            : generated_types[a->types[c]].name);
    }
    if (alone) {
        rv_write_text(w, " PRIMARY KEY");
    } else if (!a->key[c]) {
        generated_clauses(g, a, c, w);
    }
}

/* Columns of a FOREIGN KEY to a key of several columns are added to the aggregate. */
static inline void generated_foreign_key(generated *g, generated_aggregate_of *a, rv_writer *w) {
    const generated_aggregate_of *const to = generated_target(g, true);
    if (to == NULL || a->column_count + to->key_count > GENERATED_COLUMNS) {
        return;
    }
    const uint32_t first = a->column_count;
    for (uint32_t k = 0; k < to->key_count; k += 1) {
        const uint32_t c = a->column_count;
        a->column_count += 1;
        a->types[c] = to->types[to->keys[k]];
        generated_name(w, ",\n  c", c);
        rv_write_u8(w, ' ');
        rv_write_text(w, generated_types[a->types[c]].name);
    }
    const uint32_t turn = generated_below(g, to->key_count);
    for (uint32_t k = 0; k < to->key_count; k += 1) {
        generated_name(w, k == 0 ? ",\n  FOREIGN KEY (c" : ", c",
                       first + (k + turn) % to->key_count);
    }
    generated_name(w, ") REFERENCES a", to->number);
    for (uint32_t k = 0; k < to->key_count; k += 1) {
        generated_name(w, k == 0 ? "(c" : ", c", to->keys[(k + turn) % to->key_count]);
    }
    rv_write_u8(w, ')');
}

static inline void generated_list(generated *g, const generated_aggregate_of *a, const char *before,
                                  rv_writer *w) {
    const uint32_t first = generated_below(g, a->column_count);
    const uint32_t count = 1 + generated_below(g, a->column_count < 3 ? a->column_count : 3);
    rv_write_text(w, before);
    for (uint32_t i = 0; i < count; i += 1) {
        generated_name(w, i == 0 ? "(c" : ", c", (first + i) % a->column_count);
    }
    rv_write_u8(w, ')');
}

/* Writes a CREATE AGGREGATE. */
static inline void generated_aggregate(generated *g, rv_writer *w) {
    generated_aggregate_of *const a = &g->aggregates[g->aggregate_count];
    *a = (generated_aggregate_of){.number = g->statement_count};
    g->statement_count += 1;
    generated_shape(g, a);
    rv_write_text(w, generated_chance(g, 40) ? "CREATE SHARED AGGREGATE a" : "CREATE AGGREGATE a");
    rv_write_uint(w, a->number);
    rv_write_text(w, " (");
    const uint32_t count = a->column_count;
    for (uint32_t c = 0; c < count; c += 1) {
        generated_write_column(g, a, c, w);
    }
    if (generated_chance(g, 40)) {
        generated_foreign_key(g, a, w);
    }
    for (uint32_t k = 0; k < a->key_count && a->key_count > 1; k += 1) {
        generated_name(w, k == 0 ? ",\n  PRIMARY KEY (c" : ", c", a->keys[k]);
    }
    rv_write_text(w, a->key_count > 1 ? ")" : "");
    for (uint32_t c = 1; c < a->column_count; c += 1) {
        if (a->types[c] == a->types[c - 1] && a->types[c] < GENERATED_KEY_TYPES) {
            generated_name(w, ",\n  CHECK (c", c - 1);
            generated_name(w, " is null or c", c - 1);
            generated_name(w, " <> c", c);
            rv_write_u8(w, ')');
        }
    }
    if (generated_chance(g, 35)) {
        generated_list(g, a, ",\n  INDEX ", w);
    }
    if (generated_chance(g, 8)) {
        generated_list(g, a, ",\n  UNIQUE ", w);
    }
    rv_write_text(w, "\n);\n");
    g->aggregate_count += 1;
    g->last_is_aggregate = true;
    g->last_is_stream = false;
}

/* --- event types --- */

typedef struct generated_field {
    bool typed;
    bool only_updates; /* columns as it is */
    uint32_t type;
    bool used; /* the bindings are not empty */
    char bindings[400];
    size_t bindings_len;
} generated_field;

typedef struct generated_touch {
    const generated_aggregate_of *aggregate;
    bool deletes;
    uint32_t field; /* that tells it apart */
} generated_touch;

typedef struct generated_event {
    uint32_t field_count;
    generated_field fields[GENERATED_FIELDS];
    uint32_t touch_count;
    generated_touch touches[GENERATED_TOUCHES];
} generated_event;

/* A new field; the last one when there is no room. */
static inline uint32_t generated_new_field(generated_event *e, uint32_t type) {
    const uint32_t f = e->field_count < GENERATED_FIELDS ? e->field_count : GENERATED_FIELDS - 1;
    if (f == e->field_count) {
        e->fields[f] = (generated_field){.type = type};
        e->field_count += 1;
    }
    return f;
}

/* A field for a column of this type: mostly a new one. */
static inline uint32_t generated_some_field(generated *g, generated_event *e, uint32_t type,
                                            uint32_t old_percent) {
    for (uint32_t f = 0; f < e->field_count; f += 1) {
        if (e->fields[f].type == type && generated_chance(g, old_percent)) {
            return f;
        }
    }
    return generated_new_field(e, type);
}

/* Adds ` word a(c) [rest]` to a field. */
static inline void generated_bind(generated_event *e, uint32_t f, const char *word,
                                  const generated_aggregate_of *a, uint32_t c, const char *rest,
                                  uint32_t via) {
    generated_field *const field = &e->fields[f];
    rv_writer w = rv_writer_over(field->bindings, sizeof field->bindings);
    w.len = field->bindings_len;
    rv_write_text(&w, word);
    generated_column(&w, a, c);
    rv_write_text(&w, rest);
    if (via != UINT32_MAX) {
        generated_name(&w, " VIA f", via);
    }
    if (!w.full) {
        field->bindings_len = w.len;
        field->used = true;
    }
}

/* The rows of one aggregate that one verb identifies. The first event types create. */
static inline void generated_rows(generated *g, generated_event *e) {
    static const char *const verbs[] = {" creates ", " references ", " references ", " deletes "};
    const bool first = g->event_type_count < g->aggregate_count && e->touch_count == 0;
    const uint32_t verb = first ? 0 : generated_below(g, 4);
    const generated_aggregate_of *const a =
        &g->aggregates[first ? g->event_type_count : generated_below(g, g->aggregate_count)];
    const uint32_t rows = generated_chance(g, 70) ? 1 : 2 + generated_below(g, 2);
    const uint32_t leader = generated_below(g, a->key_count);
    const bool apart = generated_chance(g, 40);
    uint32_t leaders[3] = {0, 0, 0};
    for (uint32_t r = 0; r < rows && e->touch_count < GENERATED_TOUCHES; r += 1) {
        const uint32_t c = a->keys[leader];
        leaders[r] = generated_some_field(g, e, a->types[c], 4);
        generated_bind(e, leaders[r], verbs[verb], a, c, "", UINT32_MAX);
        e->touches[e->touch_count] = (generated_touch){a, verb == 3, leaders[r]};
        e->touch_count += 1;
    }
    for (uint32_t k = 0; k < a->key_count; k += 1) {
        const uint32_t c = a->keys[k];
        for (uint32_t r = 0; r < (apart ? rows : 1) && k != leader; r += 1) {
            const uint32_t f = generated_some_field(g, e, a->types[c], 4);
            const bool via = apart && (rows > 1 || generated_chance(g, 20));
            generated_bind(e, f, verbs[verb], a, c, "", via ? leaders[r] : UINT32_MAX);
        }
    }
}

/* The expression of a computed update of column `c`, in parentheses. */
static inline void generated_expression(generated *g, const generated_event *e,
                                        const generated_aggregate_of *a, uint32_t c, rv_writer *w) {
    const bool number = generated_types[a->types[c]].number;
    uint32_t other = generated_below(g, a->column_count);
    for (uint32_t i = 0; i < a->column_count && a->types[other] != a->types[c]; i += 1) {
        other = (other + 1) % a->column_count;
    }
    rv_write_text(w, " = (");
    generated_name(w, "a", a->number);
    generated_name(w, ".c", other);
    if (number && generated_chance(g, 60)) {
        rv_write_text(w, generated_chance(g, 50) ? " + " : generated_chance(g, 50) ? " * " : " / ");
        uint32_t f = generated_below(g, e->field_count);
        for (uint32_t i = 0; i < e->field_count && e->fields[f].type != a->types[c]; i += 1) {
            f = (f + 1) % e->field_count;
        }
        generated_name(w, "f", f);
    }
    rv_write_u8(w, ')');
}

/* What the event does to one column of a row. */
static inline void generated_action(generated *g, generated_event *e, const generated_touch *touch,
                                    uint32_t c, uint32_t via) {
    const generated_aggregate_of *const a = touch->aggregate;
    const bool number = generated_types[a->types[c]].number;
    const bool other_type = number && generated_chance(g, 10);
    const uint32_t f = generated_some_field(g, e, other_type ? generated_below(g, 5) : a->types[c],
                                            generated_chance(g, 30) ? 30 : 0);
    e->fields[f].typed = e->fields[f].typed || other_type;
    e->fields[f].only_updates = !e->fields[f].used;
    char rest[120] = "";
    const char *word = " updates ";
    if (number && generated_chance(g, 40)) {
        word = generated_chance(g, 50) ? " increments " : " decrements ";
        e->fields[f].only_updates = false;
    } else if (generated_chance(g, 20)) {
        rv_writer w = rv_writer_over(rest, sizeof rest - 1);
        generated_expression(g, e, a, c, &w);
        rest[w.len] = 0;
        e->fields[f].typed = true; /* its type is its own */
        e->fields[f].only_updates = false;
    }
    generated_bind(e, f, word, a, c, rest, via);
}

static inline void generated_actions(generated *g, generated_event *e) {
    for (uint32_t t = 0; t < e->touch_count; t += 1) {
        const generated_touch *const touch = &e->touches[t];
        uint32_t rows = 0;
        for (uint32_t i = 0; i < e->touch_count; i += 1) {
            rows += e->touches[i].aggregate == touch->aggregate;
        }
        for (uint32_t c = 0; c < touch->aggregate->column_count && !touch->deletes; c += 1) {
            if (!touch->aggregate->key[c] && generated_chance(g, 55)) {
                generated_action(g, e, touch, c, rows > 1 ? touch->field : UINT32_MAX);
            }
        }
    }
}

/* Writes a CREATE EVENT_TYPE. */
static inline void generated_event_type(generated *g, rv_writer *w) {
    generated_event e = {.field_count = 0};
    const uint32_t groups = generated_chance(g, 60) ? 1 : 2 + generated_below(g, 2);
    for (uint32_t i = 0; i < groups; i += 1) {
        generated_rows(g, &e);
    }
    generated_actions(g, &e);
    if (generated_chance(g, 20)) {
        e.fields[generated_new_field(&e, generated_below(g, g->type_count))].typed = true;
    }
    const uint32_t number = g->statement_count;
    g->statement_count += 1;
    generated_name(w, "CREATE EVENT_TYPE e", number);
    rv_write_text(w, " (");
    for (uint32_t f = 0; f < e.field_count; f += 1) {
        const generated_field *const field = &e.fields[f];
        generated_name(w, f == 0 ? "\n  f" : ",\n  f", f);
        if (field->typed || !field->used || generated_chance(g, 10)) {
            rv_write_u8(w, ' ');
            rv_write_text(w, generated_types[field->type].name);
        }
        if (generated_chance(g, 8)) {
            rv_write_text(w, " DEFAULT ");
            rv_write_text(w, generated_types[field->type].literal);
        }
        rv_write_text(w, field->only_updates && generated_chance(g, 10) ? " PERSONAL" : "");
        rv_write(w, rv_bytes_of(field->bindings, field->bindings_len));
    }
    if (generated_chance(g, 10)) {
        rv_write_text(w, ",\n  CHECK (f0 is not null)");
    }
    rv_write_text(w, "\n);\n");
    g->event_types[g->event_type_count % 64] = number;
    g->event_type_count += 1;
    g->last_is_aggregate = false;
    g->last_is_stream = false;
}

/* Writes a CREATE STREAM of one of the event types, or more. */
static inline void generated_stream(generated *g, rv_writer *w) {
    const uint32_t number = g->statement_count;
    g->statement_count += 1;
    generated_name(w, "CREATE STREAM s", number);
    generated_name(w, " (path \"/s", number);
    rv_write_text(w, generated_chance(g, 20) ? "" : "/{f0}");
    rv_write_text(w, "\", event_types (");
    const uint32_t first = generated_below(g, g->event_type_count);
    const uint32_t count = generated_chance(g, 80) ? 1 : 2;
    for (uint32_t i = 0; i < count && i < g->event_type_count; i += 1) {
        generated_name(w, i == 0 ? "e" : ", e",
                       g->event_types[(first + i) % g->event_type_count % 64]);
    }
    rv_write_text(w, "));\n");
    g->last_is_aggregate = false;
    g->last_is_stream = true;
}

#endif
