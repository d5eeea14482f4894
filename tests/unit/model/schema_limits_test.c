/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: each limit of a schema is a number that can be reached and not passed, and a schema whose
 * memory or text ends anywhere is refused whole. Method: of everything that has a limit, as many as
 * there may be and one more; texts that have every clause, in memories of every size up to that
 * which is enough, and cut at every byte by what no token begins with.
 */
#include "core/base/limits.h"
#include "core/model/schema.h"
#include "core/model/schema_draft.h"
#include "tests/unit/test.h"

#define MEMORY_STEP 16u
#define MEMORY_MAX  (1u << 17) /* more than the texts below need */

static uint8_t memory[4 << 20];
static rv_arena arena;
static rv_error err;

static rv_schema *schema_in(size_t cap) {
    rv_schema *schema = NULL;
    arena = rv_arena_over(memory, cap);
    return rv_schema_create(&schema, &arena, &err) == RV_OK ? schema : NULL;
}

/* Every clause that the language has, in statements that are short. */
static const char *const statements[] = {
    "CREATE TYPE kind AS ENUM ('a', 'b');",
    "CREATE SHARED AGGREGATE owner (id uuid PRIMARY KEY, name text "
    "NOT NULL DEFAULT 'x', CHECK (length(name) > 0 AND id IS NOT NULL),);",
    "CREATE AGGREGATE item (a integer, b varchar(4), kind kind NOT NULL DEFAULT 'a', owner_id "
    "references owner(id), n numeric(30,4) CHECK (n > 0) UNIQUE, t integer[], PRIMARY KEY (a, b), "
    "UNIQUE (kind, n), INDEX (owner_id, kind), CHECK (a > 0), CHECK (b <> 'x'));",
    "CREATE AGGREGATE part (id serial PRIMARY KEY, a integer, b varchar(4), up references "
    "part(id), FOREIGN KEY (a, b) REFERENCES item(a, b));",
    "CREATE EVENT_TYPE made (a creates item(a), b creates item(b), kind updates item(kind), n "
    "numeric(30,4) NOT NULL DEFAULT 1 CHECK (n > 0) updates item(n), o references owner(id), "
    "CHECK (n < 100 AND a > 0));",
    "CREATE EVENT_TYPE more (a references item(a), b references item(b), k numeric(30,4) "
    "increments "
    "item(n), t updates item(t) = (item.t || 1), p text PERSONAL);",
    "CREATE EVENT_TYPE gone (id deletes part(id));",
    "CREATE STREAM items (path \"/items/{a}/{b}\" event_types (made, more));",
    "CREATE STREAM parts (path \"/parts/{id}\", event_types (gone));",
};

#define STATEMENT_COUNT (sizeof statements / sizeof statements[0])

RV_TEST(a_schema_in_little_memory_is_refused_whole) {
    rv_schema *const schema = schema_in(sizeof memory);
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        const size_t used = arena.len;
        rv_status status = RV_SCHEMA_TOO_LARGE;
        for (size_t room = 0; status != RV_OK; room += MEMORY_STEP) {
            RV_CHECK(room < MEMORY_MAX);
            arena.cap = used + room;
            status = rv_schema_apply(schema, rv_bytes_of_string(statements[i]), &err);
            RV_CHECK_EQ(arena.cap, used + room);
            if (status != RV_OK) {
                RV_CHECK_STATUS(status, RV_SCHEMA_TOO_LARGE);
                RV_CHECK_EQ(arena.len, used);
                RV_CHECK_EQ(rv_schema_version(schema), i);
            }
        }
    }
}

RV_TEST(a_statement_that_is_cut_is_refused_whole) {
    static uint8_t copy[1 << 10];
    rv_schema *schema = schema_in(sizeof memory);
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        const rv_bytes text = rv_bytes_of_string(statements[i]);
        const size_t used = arena.len;
        RV_CHECK(text.len < sizeof copy);
        for (size_t len = 0; len <= text.len; len++) {
            memcpy(copy, text.ptr, len);
            copy[len] = 0x01;
            RV_CHECK(rv_schema_apply(schema, rv_bytes_of(copy, len + 1), &err) != RV_OK);
            RV_CHECK_EQ(arena.len, used);
        }
        RV_CHECK_STATUS(rv_schema_apply(schema, text, &err), RV_OK);
    }
}

/* A text of so many parts, each with its number where the part has `%d`. */
typedef struct limit {
    const char *before;
    const char *part;
    const char *after;
    int max;
    const char *told;
    rv_status at_max; /* what so many are, when the text is wrong for another reason */
} limit;

static const limit limits[] = {
    {"CREATE TYPE t AS ENUM (", "'l%d',", ")", RV_LABELS_MAX, "labels", RV_OK},
    {"", "CREATE TYPE t%d AS ENUM ('a');", "", RV_ENUMS_MAX, "enum", RV_OK},
    {"CREATE AGGREGATE a (i integer PRIMARY KEY,", "c%d text,", ")", RV_COLUMNS_MAX - 1, "columns",
     RV_OK},
    {"CREATE AGGREGATE a (i integer PRIMARY KEY,", "CHECK (i > %d),", ")", RV_CONSTRAINTS_MAX,
     "constraints", RV_OK},
    {"CREATE AGGREGATE a (i integer PRIMARY KEY,", "c%d text UNIQUE,", ")", RV_INDEXES_MAX,
     "UNIQUEs", RV_OK},
    {"CREATE EVENT_TYPE e (", "f%d text,", ")", RV_FIELDS_MAX, "fields", RV_OK},
    {"CREATE EVENT_TYPE e (f integer,", "CHECK (f > %d),", ")", RV_EVENT_CHECKS_MAX, "CHECK",
     RV_OK},
    {"", "CREATE EVENT_TYPE e%d (f text);", "", RV_EVENT_TYPES_MAX, "event types", RV_OK},
    {"CREATE EVENT_TYPE e (f integer);", "CREATE STREAM s%d (path \"/s%d/{f}\" event_types (e));",
     "", RV_STREAMS_MAX, "streams", RV_OK},
    {"CREATE EVENT_TYPE e (f text", " updates a(c%d)", ")", RV_BINDINGS_MAX, "bindings",
     RV_SCHEMA_UNKNOWN_NAME},
    {"CREATE STREAM s (path \"/s/{f}\" event_types (", "e%d,", "))", RV_EVENT_TYPES_MAX,
     "event types", RV_SCHEMA_UNKNOWN_NAME},
};

RV_TEST(each_limit_is_reached_and_not_passed) {
    static char text[1 << 17];
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const limit *const l = &limits[i];
        for (int more = 0; more < 2; more++) {
            rv_writer w = rv_writer_over((uint8_t *)text, sizeof text);
            rv_write_text(&w, l->before);
            for (int k = 0; k < l->max + more; k++) {
                for (const char *at = l->part; *at != 0; at++) {
                    const bool number = at[0] == '%' && at[1] == 'd';
                    if (number) {
                        rv_write_uint(&w, (uint64_t)k);
                        at++;
                    } else {
                        rv_write_u8(&w, (uint8_t)*at);
                    }
                }
            }
            rv_write_text(&w, l->after);
            RV_CHECK(!w.full);
            const rv_status status =
                rv_schema_apply(schema_in(sizeof memory), rv_writer_bytes(&w), &err);
            if (status != (more == 0 ? l->at_max : RV_SCHEMA_TOO_LARGE)) {
                fprintf(stderr, "`%s`: %s\n", l->part, status == RV_OK ? "" : err.detail);
            }
            RV_CHECK_STATUS(status, more == 0 ? l->at_max : RV_SCHEMA_TOO_LARGE);
            RV_CHECK(more == 0 || strstr(err.detail, l->told) != NULL);
        }
    }
}

int main(void) {
    RV_RUN(a_schema_in_little_memory_is_refused_whole);
    RV_RUN(a_statement_that_is_cut_is_refused_whole);
    RV_RUN(each_limit_is_reached_and_not_passed);
    return rv_test_done();
}
