/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: schema texts mean what the manual says, contradictions are refused at their place, and a
 * refused text leaves nothing behind.
 * Method: the schemas of schema_texts.h, looked at piece by piece; printing and applying again
 * gives the same hash; each text cut at every length and mutated at random gives a result, not a
 * crash, and a refused one gives the schema's memory and names back.
 */
#include "core/model/schema.h"

#include "tests/unit/model/schema_texts.h"
#include "tests/unit/test.h"

static uint8_t memory[2 << 20];
static uint8_t memory_again[2 << 20];
static rv_arena arena;
static rv_error err;

static rv_schema *empty_schema(void) {
    rv_schema *schema = NULL;
    arena = rv_arena_over(memory, sizeof memory);
    return rv_schema_create(&schema, &arena, &err) == RV_OK ? schema : NULL;
}

static rv_schema *schema_of(const char *text) {
    rv_schema *schema = empty_schema();
    if (schema != NULL && rv_schema_apply(schema, rv_bytes_of_string(text), &err) != RV_OK) {
        fprintf(stderr, "%s\n", err.detail);
        return NULL;
    }
    return schema;
}

static const rv_aggregate *aggregate_of(const rv_schema *schema, const char *name) {
    return rv_schema_aggregate_named(schema, rv_bytes_of_string(name));
}

static const rv_event_type *event_type_of(const rv_schema *schema, const char *name) {
    return rv_schema_event_type_named(schema, rv_bytes_of_string(name));
}

RV_TEST(an_empty_schema_has_nothing) {
    const rv_schema *schema = empty_schema();
    RV_CHECK(schema != NULL);
    RV_CHECK_EQ(rv_schema_version(schema), 0);
    RV_CHECK_EQ(rv_schema_aggregate_count(schema) + rv_schema_event_type_count(schema) +
                    rv_schema_stream_count(schema),
                0);
    RV_CHECK(aggregate_of(schema, "account") == NULL);
    rv_bytes values[RV_PATH_SEGMENTS_MAX];
    RV_CHECK(rv_schema_stream_of_path(schema, RV_LITERAL("/a/b"), values) == NULL);
    const rv_hash128 nothing = rv_hash128_of(0, rv_bytes_of("", 0));
    RV_CHECK_EQ(rv_schema_hash(schema).low, nothing.low);
}

RV_TEST(the_loans_schema_means_what_it_says) {
    const rv_schema *schema = schema_of(schema_loans);
    RV_CHECK(schema != NULL);
    RV_CHECK_EQ(rv_schema_version(schema), 1);
    RV_CHECK_EQ(rv_schema_aggregate_count(schema), 2);
    RV_CHECK_EQ(rv_schema_event_type_count(schema), 5);
    const rv_aggregate *application = aggregate_of(schema, "application");
    RV_CHECK(application != NULL && application->column_count == 8);
    RV_CHECK_EQ(application->number, 0);
    RV_CHECK_EQ(application->key, 0);
    RV_CHECK(application->columns[0].not_null && application->columns[1].not_null);
    RV_CHECK_EQ(application->columns[0].type.kind, RV_TYPE_BIGINT);
    RV_CHECK_EQ(application->columns[3].type.size, 20);
    RV_CHECK(application->columns[3].has_default && !application->columns[5].not_null);
    RV_CHECK_EQ(application->columns[3].references, RV_NONE);
    const rv_aggregate *item = aggregate_of(schema, "work_item");
    RV_CHECK_EQ(item->columns[1].references, 0);
    RV_CHECK_EQ(item->columns[1].type.kind, RV_TYPE_BIGINT);

    const rv_event_type *opened = event_type_of(schema, "work_item_opened");
    RV_CHECK_EQ(opened->field_count, 6);
    RV_CHECK_EQ(opened->schema_version, 1);
    RV_CHECK_EQ(opened->touch_count, 2);
    RV_CHECK_EQ(opened->touches[0].kind, RV_TOUCH_CREATES);
    RV_CHECK_EQ(opened->touches[0].aggregate, item->number);
    RV_CHECK(opened->touches[0].acted_on);
    RV_CHECK_EQ(opened->touches[1].kind, RV_TOUCH_REFERENCES);
    RV_CHECK_EQ(opened->touches[1].field, 1);
    RV_CHECK(!opened->touches[1].acted_on);
    RV_CHECK_EQ(opened->action_count, 5);
    RV_CHECK_EQ(opened->actions[0].kind, RV_ACTION_SET);
    RV_CHECK_EQ(opened->actions[0].touch, 0);
    RV_CHECK_EQ(opened->actions[0].field, 1);
    RV_CHECK_EQ(opened->actions[0].column, 1);
    RV_CHECK(opened->fields[1].not_null && opened->fields[2].not_null);
    RV_CHECK(!opened->fields[4].not_null);

    const rv_event_type *changed = event_type_of(schema, "application_state_changed");
    RV_CHECK_EQ(changed->actions[2].kind, RV_ACTION_INCREMENT);
    RV_CHECK_EQ(changed->actions[2].column, 4);
    RV_CHECK(changed->fields[3].has_default);
    RV_CHECK(changed->fields[2].has_default); /* the column's */
    RV_CHECK_TEXT(changed->fields[2].default_value.source, "'submitted'");
}

RV_TEST(a_path_finds_its_stream) {
    const rv_schema *schema = schema_of(schema_loans);
    RV_CHECK(schema != NULL);
    rv_bytes values[RV_PATH_SEGMENTS_MAX];
    const rv_stream *stream =
        rv_schema_stream_of_path(schema, RV_LITERAL("/applications/173688"), values);
    RV_CHECK(stream != NULL && stream == rv_schema_stream(schema, 0));
    RV_CHECK(stream == rv_schema_stream_named(schema, RV_LITERAL("application_events")));
    RV_CHECK_TEXT(values[0], "173688");
    RV_CHECK_EQ(stream->event_type_count, 5);
    RV_CHECK_EQ(stream->variables[0], 0);
    RV_CHECK_EQ(stream->variables[3], 1);
    static const char *const others[] = {"",
                                         "/",
                                         "/applications",
                                         "/applications/",
                                         "applications/1",
                                         "/applications/1/2",
                                         "/application/1",
                                         "/rivulet/schema"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        RV_CHECK(rv_schema_stream_of_path(schema, rv_bytes_of_string(others[i]), values) == NULL);
    }
}

RV_TEST(many_templates_are_told_apart) {
    rv_schema *schema = schema_of("CREATE EVENT_TYPE e (a integer, b integer)\n"
                                  "CREATE STREAM s0 (path \"/{a}\" event_types (e))\n"
                                  "CREATE STREAM s1 (path \"/x/{a}\" event_types (e))\n"
                                  "CREATE STREAM s2 (path \"/x/{a}/y/{b}\" event_types (e))\n"
                                  "CREATE STREAM s3 (path \"/{a}/p/q\" event_types (e))\n"
                                  "CREATE STREAM s4 (path \"/y/{b}\" event_types (e))\n"
                                  "CREATE STREAM s5 (path \"/x/{a}/z/{b}\" event_types (e))\n"
                                  "CREATE STREAM s6 (path \"/one/fixed/path/only/here\", "
                                  "event_types (e),)");
    RV_CHECK(schema != NULL);
    static const struct {
        const char *path;
        int stream;
    } cases[] = {{"/1", 0},        {"/x/1", 1},  {"/x/1/y/2", 2}, {"/1/p/q", 3},
                 {"/x/p/q", 3},    {"/y/1", 4},  {"/x/1/z/2", 5}, {"/one/fixed/path/only/here", 6},
                 {"/x/1/w/2", -1}, {"/z/1", -1}, {"/1/q/p", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_bytes values[RV_PATH_SEGMENTS_MAX];
        const rv_stream *stream =
            rv_schema_stream_of_path(schema, rv_bytes_of_string(cases[i].path), values);
        RV_CHECK_EQ(stream == NULL ? -1 : stream->number, cases[i].stream);
    }
}

RV_TEST(the_manuals_schema_means_what_it_says) {
    const rv_schema *schema = schema_of(schema_accounts);
    RV_CHECK(schema != NULL);
    const rv_aggregate *account = aggregate_of(schema, "account");
    RV_CHECK(account->columns[0].type.serial && !account->columns[0].has_default);
    RV_CHECK_EQ(account->columns[2].type.kind, RV_TYPE_ENUM);
    RV_CHECK_EQ(account->columns[2].type.labels->label_count, 3);
    RV_CHECK(account->columns[3].has_check);
    const rv_aggregate *contact = aggregate_of(schema, "billing_contact");
    RV_CHECK_EQ(contact->columns[3].type.kind, RV_TYPE_INTEGER);
    RV_CHECK(!contact->columns[3].type.serial);
    const rv_event_type *created = event_type_of(schema, "account_created");
    RV_CHECK_EQ(created->touch_count, 2);
    RV_CHECK_EQ(created->action_count, 5);
    RV_CHECK(!created->fields[0].type.serial && created->fields[0].not_null);
    RV_CHECK_EQ(created->actions[2].touch, 1); /* after those of the account: name, created_at */
    RV_CHECK_EQ(created->actions[2].field, 0);
    RV_CHECK(created->fields[2].has_default && created->fields[2].default_value.uses_now);
    RV_CHECK(!created->fields[1].has_default && created->fields[1].not_null);
    const rv_event_type *withdrawn = event_type_of(schema, "money_withdrawn");
    RV_CHECK(withdrawn->touches[0].acted_on && withdrawn->fields[1].has_check);
    RV_CHECK_EQ(withdrawn->actions[0].kind, RV_ACTION_DECREMENT);
}

RV_TEST(one_event_can_touch_two_rows) {
    const rv_schema *schema = schema_of(schema_transfer);
    RV_CHECK(schema != NULL);
    RV_CHECK(aggregate_of(schema, "account")->shared);
    RV_CHECK_EQ(aggregate_of(schema, "account")->check_count, 1);
    RV_CHECK(aggregate_of(schema, "account")->columns[2].not_null);
    const rv_event_type *moved = event_type_of(schema, "transferred");
    RV_CHECK_EQ(moved->touch_count, 2);
    RV_CHECK_EQ(moved->check_count, 1);
    RV_CHECK_EQ(moved->action_count, 3);
    RV_CHECK_EQ(moved->actions[0].kind, RV_ACTION_INCREMENT);
    RV_CHECK_EQ(moved->touches[moved->actions[0].touch].field, 1);
    RV_CHECK_EQ(moved->actions[1].kind, RV_ACTION_COMPUTE);
    RV_CHECK_EQ(moved->actions[1].field, 2);
    RV_CHECK_EQ(moved->actions[2].kind, RV_ACTION_DECREMENT);
    RV_CHECK_EQ(moved->touches[moved->actions[2].touch].field, 2);
    RV_CHECK_EQ(rv_schema_stream_count(schema), 2);
}

RV_TEST(a_computed_update_sees_fields_before_columns) {
    const rv_schema *schema =
        schema_of("CREATE AGGREGATE a (id integer PRIMARY KEY, n integer, m integer)\n"
                  "CREATE EVENT_TYPE e (id references a(id), n integer,\n"
                  "    f updates a(m) = (n * 100 + a.n * 10 + coalesce(m, 0)))");
    RV_CHECK(schema != NULL);
    const rv_event_type *type = event_type_of(schema, "e");
    RV_CHECK_EQ(type->action_count, 1);
    RV_CHECK_EQ(type->fields[2].type.kind, RV_TYPE_INTEGER);
    RV_CHECK(!type->fields[2].not_null);
    const rv_value slots[6] = {rv_value_int(1), rv_value_int(2), rv_value_null(),
                               rv_value_int(1), rv_value_int(3), rv_value_int(4)};
    rv_value result;
    const rv_expr_env env = {.slots = slots, .scratch = &arena};
    RV_CHECK_STATUS(rv_expr_eval(&type->actions[0].expr, &env, &result, &err), RV_OK);
    RV_CHECK_EQ(result.as.integer, 234);
}

RV_TEST(rows_can_refer_to_rows_of_their_own_aggregate) {
    const rv_schema *schema = schema_of("CREATE AGGREGATE node (parent REFERENCES node(id),\n"
                                        "    id serial PRIMARY KEY, old bigint references node(id),"
                                        " UNIQUE (id))");
    RV_CHECK(schema != NULL);
    const rv_aggregate *node = aggregate_of(schema, "node");
    RV_CHECK_EQ(node->key, 1);
    RV_CHECK_EQ(node->columns[0].references, 0);
    RV_CHECK_EQ(node->columns[0].type.kind, RV_TYPE_INTEGER);
    RV_CHECK_EQ(node->columns[2].type.kind, RV_TYPE_BIGINT);
}

RV_TEST(default_and_not_null_come_in_any_order) {
    const rv_schema *schema =
        schema_of("CREATE AGGREGATE a (id integer,\n"
                  "  b integer DEFAULT 1 + 2 NOT NULL CHECK (b > 0),\n"
                  "  c boolean DEFAULT 1 IS NOT NULL NOT NULL,\n"
                  "  d varchar(9) CHECK (d <> 'x') DEFAULT ('a' || 'b') NOT NULL,\n"
                  "  e integer DEFAULT NULL, PRIMARY KEY (id))");
    RV_CHECK(schema != NULL);
    const rv_aggregate *a = aggregate_of(schema, "a");
    RV_CHECK(a->columns[1].not_null && a->columns[1].has_check);
    RV_CHECK_TEXT(a->columns[1].default_value.source, "1 + 2");
    RV_CHECK_TEXT(a->columns[2].default_value.source, "1 is not null");
    RV_CHECK(a->columns[2].not_null && a->columns[3].not_null && !a->columns[4].not_null);
}

/* Prints, applies the print to an empty schema, and compares. */
static void check_print(const char *text) {
    const rv_schema *schema = schema_of(text);
    RV_CHECK(schema != NULL);
    static uint8_t first[1 << 16];
    static uint8_t second[1 << 16];
    rv_writer w = rv_writer_over(first, sizeof first);
    rv_schema_print(schema, &w);
    RV_CHECK(!w.full);
    rv_arena other = rv_arena_over(memory_again, sizeof memory_again);
    rv_schema *again = NULL;
    RV_CHECK_STATUS(rv_schema_create(&again, &other, &err), RV_OK);
    const rv_status status = rv_schema_apply(again, rv_writer_bytes(&w), &err);
    if (status != RV_OK) {
        fprintf(stderr, "%s\n%.*s\n", err.detail, (int)w.len, (const char *)w.ptr);
    }
    RV_CHECK_STATUS(status, RV_OK);
    rv_writer v = rv_writer_over(second, sizeof second);
    rv_schema_print(again, &v);
    second[v.len] = 0;
    RV_CHECK_TEXT(rv_writer_bytes(&w), (const char *)second);
    RV_CHECK_EQ(rv_schema_hash(again).low, rv_schema_hash(schema).low);
    RV_CHECK_EQ(rv_schema_hash(again).high, rv_schema_hash(schema).high);
    for (uint16_t i = 0; i < rv_schema_event_type_count(schema); i++) {
        const rv_event_type *a = rv_schema_event_type(schema, i);
        const rv_event_type *b = rv_schema_event_type(again, i);
        RV_CHECK_EQ(a->touch_count, b->touch_count);
        RV_CHECK_EQ(a->action_count, b->action_count);
        for (uint16_t k = 0; k < a->action_count; k++) {
            RV_CHECK_EQ(a->actions[k].kind, b->actions[k].kind);
            RV_CHECK_EQ(a->actions[k].touch, b->actions[k].touch);
            RV_CHECK_EQ(a->actions[k].field, b->actions[k].field);
            RV_CHECK_EQ(a->actions[k].column, b->actions[k].column);
        }
    }
}

RV_TEST(the_print_applies_and_hashes_the_same) {
    check_print(schema_loans);
    check_print(schema_accounts);
    check_print(schema_transfer);
    check_print("CREATE TYPE \"Odd Type\" AS ENUM ('it''s', 'b');\n"
                "CREATE AGGREGATE \"A \"\"b\"\"\" (\"check\" \"Odd Type\" PRIMARY KEY,\n"
                "   \"select\" integer DEFAULT 3, c text DEFAULT 'it''s' CHECK (c <> '''' AND\n"
                "   \"select\" > 1), CHECK (length(c) > 0), INDEX (c, \"select\"), index (c));\n"
                "CREATE EVENT_TYPE \"via\" (\"index\" creates \"A \"\"b\"\"\"(\"check\"),\n"
                "   \"Upper\" updates \"A \"\"b\"\"\"(\"select\") = (\"select\" + 1),\n"
                "   d DEFAULT 'x' updates \"A \"\"b\"\"\"(c));\n"
                "CREATE STREAM \"path\" (path \"/a/{index}\" event_types (\"via\"))");
}

RV_TEST(keys_of_several_columns_are_put_together) {
    rv_schema *schema = schema_of(
        "CREATE AGGREGATE o (id integer PRIMARY KEY)\n"
        "CREATE SHARED AGGREGATE l (x text, o references o(id), no smallint, n bigint,\n"
        "   PRIMARY KEY (no, o), UNIQUE (o, no), INDEX (no, x))\n"
        "CREATE AGGREGATE p (id serial, b smallint, a integer, c integer,\n"
        "   PRIMARY KEY (id), FOREIGN KEY (a, b) REFERENCES l(o, no),\n"
        "   FOREIGN KEY (c) REFERENCES o(id))\n"
        "CREATE EVENT_TYPE shared (o references l(o), f references l(no), t references l(no),\n"
        "   n decrements l(n) VIA f increments l(n) VIA t)\n"
        "CREATE EVENT_TYPE apart (a references l(no), b references l(o) VIA a,\n"
        "   c references l(no), d references l(o) VIA c, x updates l(x) VIA d)\n"
        "CREATE EVENT_TYPE one (a references l(o), b references l(no) VIA a, x updates l(x) VIA "
        "b)\n"
        "CREATE EVENT_TYPE plain (a references l(o), b references l(no), x updates l(x))\n");
    RV_CHECK(schema != NULL);
    const rv_aggregate *l = aggregate_of(schema, "l");
    RV_CHECK_EQ(l->key_count, 2);
    RV_CHECK_EQ(l->key, 2);
    RV_CHECK_EQ(l->keys[1], 1);
    RV_CHECK(l->columns[1].key && l->columns[2].key && !l->columns[0].key);
    RV_CHECK(l->columns[1].not_null && l->columns[2].not_null && !l->columns[0].not_null);
    RV_CHECK_EQ(l->index_count, 1); /* UNIQUE repeats the key */
    const rv_aggregate *p = aggregate_of(schema, "p");
    RV_CHECK_EQ(p->foreign_key_count, 1);
    RV_CHECK_EQ(p->foreign_keys[0].aggregate, l->number);
    RV_CHECK_EQ(p->foreign_keys[0].columns[0], 1);
    RV_CHECK_EQ(p->foreign_keys[0].columns[1], 2);
    RV_CHECK_EQ(p->columns[3].references, 0);
    const rv_event_type *shared = event_type_of(schema, "shared");
    RV_CHECK_EQ(shared->touch_count, 2);
    RV_CHECK_EQ(shared->touches[0].fields[0], 1);
    RV_CHECK_EQ(shared->touches[0].fields[1], 0);
    RV_CHECK_EQ(shared->touches[1].fields[0], 2);
    RV_CHECK_EQ(shared->touches[1].fields[1], 0);
    RV_CHECK_EQ(shared->actions[1].touch, 1);
    RV_CHECK(!shared->straight);
    const rv_event_type *apart = event_type_of(schema, "apart");
    RV_CHECK_EQ(apart->touch_count, 2);
    RV_CHECK_EQ(apart->touches[0].fields[1], 1);
    RV_CHECK_EQ(apart->touches[1].fields[0], 2);
    RV_CHECK_EQ(apart->touches[1].fields[1], 3);
    RV_CHECK_EQ(apart->actions[0].touch, 1);
    static uint8_t text[4096];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_schema_print(schema, &w);
    rv_write_u8(&w, 0);
    RV_CHECK(strstr((char *)text, "    PRIMARY KEY (no, o),\n    INDEX (no, x)\n") != NULL);
    RV_CHECK(strstr((char *)text, "    FOREIGN KEY (b, a) REFERENCES l(no, o)\n") != NULL);
    RV_CHECK(strstr((char *)text, "    b integer NOT NULL references l(o) VIA a,\n"
                                  "    c smallint NOT NULL references l(no),\n"
                                  "    d integer NOT NULL references l(o) VIA c,\n"
                                  "    x text updates l(x) VIA c\n") != NULL);
    RV_CHECK(strstr((char *)text, "one (\n    a integer NOT NULL references l(o),\n"
                                  "    b smallint NOT NULL references l(no),\n"
                                  "    x text updates l(x)\n") != NULL);
    check_print((char *)text);
}

RV_TEST(odd_names_survive_in_expressions) {
    check_print(
        "CREATE AGGREGATE \"Not\" (\"not\" integer PRIMARY KEY, \"Mixed Case\" integer\n"
        "    DEFAULT 1 CHECK (\"Mixed Case\" > \"not\" and \"Not\".\"Mixed Case\" < 9),\n"
        "    \"a\"\"b\" text CHECK (\"a\"\"b\" <> 'x''y' and case when true then true end))\n"
        "CREATE EVENT_TYPE e (\"case\" references \"Not\"(\"not\"), \"Null\" integer\n"
        "    CHECK (\"Null\" + \"case\" > 0) updates \"Not\"(\"Mixed Case\") =\n"
        "    (\"Null\" + \"Not\".\"Mixed Case\" + \"case\"), \"true\" boolean CHECK (\"true\"))");
}

RV_TEST(equal_meaning_has_an_equal_hash) {
    const char *const spelled[] = {
        "CREATE AGGREGATE a (id serial primary key, n int NOT NULL DEFAULT 0);\n"
        "CREATE EVENT_TYPE e (id creates a(id), n updates a(n));",
        "create event_type nothing (x text);",
        "create aggregate A (\n ID SERIAL4, N integer default 0 not null, primary key (id),) -- "
        "so\n"
        "create event_type E (ID integer not null creates a(id), /* and so */\n"
        "                     n integer not null default 0 updates a(n),)"};
    const rv_hash128 first = rv_schema_hash(schema_of(spelled[0]));
    RV_CHECK_EQ(rv_schema_hash(schema_of(spelled[2])).low, first.low);
    RV_CHECK(rv_schema_hash(schema_of(spelled[1])).low != first.low);
}

RV_TEST(a_schema_grows_by_texts) {
    rv_schema *schema = schema_of(schema_accounts);
    RV_CHECK(schema != NULL);
    const rv_hash128 before = rv_schema_hash(schema);
    const size_t used = arena.len;
    const rv_bytes more = RV_LITERAL("CREATE EVENT_TYPE renamed (id references account(id), "
                                     "name updates account(name));\n"
                                     "CREATE STREAM renames (path \"/renames/{id}\" event_types "
                                     "(renamed, account_created));");
    RV_CHECK_STATUS(rv_schema_check(schema, more, &err), RV_OK);
    RV_CHECK_EQ(rv_schema_version(schema), 1);
    RV_CHECK_EQ(arena.len, used);
    RV_CHECK(event_type_of(schema, "renamed") == NULL);
    RV_CHECK_STATUS(rv_schema_apply(schema, more, &err), RV_OK);
    RV_CHECK_EQ(rv_schema_version(schema), 2);
    RV_CHECK(rv_schema_hash(schema).low != before.low);
    RV_CHECK_EQ(event_type_of(schema, "renamed")->number, 2);
    RV_CHECK_EQ(event_type_of(schema, "renamed")->schema_version, 2);
    RV_CHECK_EQ(event_type_of(schema, "account_created")->schema_version, 1);
    RV_CHECK_STATUS(rv_schema_apply(schema, more, &err), RV_SCHEMA_DUPLICATE);
    RV_CHECK_EQ(rv_schema_version(schema), 2);
}

/* A text that is refused over the accounts' schema, where, and with which words. */
static const struct {
    const char *text;
    rv_status status;
    unsigned line;
    unsigned column;
    const char *words;
} refused[] = {
#include "tests/unit/model/schema_refused.h"
};

static bool contains(const char *text, const char *words) {
    return strstr(text, words) != NULL;
}

RV_TEST(each_error_has_its_place) {
    rv_schema *schema = schema_of(schema_accounts);
    RV_CHECK(schema != NULL);
    const rv_hash128 hash = rv_schema_hash(schema);
    const size_t used = arena.len;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const rv_status status = rv_schema_apply(schema, rv_bytes_of_string(refused[i].text), &err);
        char place[40];
        char facts[40];
        snprintf(place, sizeof place, "line %u, column %u:", refused[i].line, refused[i].column);
        snprintf(facts, sizeof facts, "\"line\":%u,\"column\":%u", refused[i].line,
                 refused[i].column);
        if (status != refused[i].status || !contains(err.detail, place) ||
            !contains(err.facts, facts) || !contains(err.detail, refused[i].words)) {
            fprintf(stderr, "%s\n  gave %s: %s\n  facts %s\n  expected %s %s %s\n", refused[i].text,
                    rv_status_code(status), err.detail, err.facts,
                    rv_status_code(refused[i].status), place, refused[i].words);
            rv_test_failed = true;
        }
        RV_CHECK_EQ(rv_schema_version(schema), 1);
        RV_CHECK_EQ(rv_schema_hash(schema).low, hash.low);
        RV_CHECK_EQ(rv_schema_aggregate_count(schema), 2);
        RV_CHECK_EQ(rv_schema_event_type_count(schema), 2);
        RV_CHECK_EQ(rv_schema_stream_count(schema), 1);
        RV_CHECK_EQ(arena.len, used);
        RV_CHECK_EQ(arena.cap, sizeof memory);
    }
}

/* Applies bytes that may be anything; a refused text leaves no trace. */
static void check_bytes(rv_schema *schema, rv_bytes text) {
    const size_t used = arena.len;
    const rv_status status = rv_schema_check(schema, text, &err);
    RV_CHECK(status == RV_OK || err.status == status);
    RV_CHECK(status == RV_OK || err.detail_len > 0);
    RV_CHECK_EQ(arena.len, used);
    RV_CHECK_EQ(arena.cap, sizeof memory);
    RV_CHECK_EQ(rv_schema_aggregate_count(schema), 0);
    RV_CHECK_EQ(rv_schema_stream_count(schema), 0);
}

RV_TEST(every_cut_of_a_text_has_a_result) {
    static const char *const texts[] = {schema_loans, schema_accounts, schema_transfer};
    rv_schema *schema = empty_schema();
    for (size_t i = 0; i < 3; i++) {
        for (size_t len = 0; len <= strlen(texts[i]); len++) {
            check_bytes(schema, rv_bytes_of(texts[i], len));
            RV_CHECK_PASSED();
        }
    }
}

RV_TEST(every_mutation_of_a_text_has_a_result) {
    static const char *const texts[] = {schema_loans, schema_accounts, schema_transfer};
    static const char alphabet[] = "(),;'\"=<>-*/ \n01azAZ_.{}\\\x80\xff\xc3";
    static const char *const words[] = {"CHECK",
                                        "DEFAULT",
                                        "NOT NULL",
                                        "VIA id",
                                        "creates",
                                        "PRIMARY KEY",
                                        "serial",
                                        "(",
                                        ")",
                                        ",",
                                        "updates account(name)",
                                        "REFERENCES account(id)",
                                        "now()",
                                        "NULL",
                                        "integer"};
    rv_schema *schema = empty_schema();
    uint64_t random = 12;
    static char text[8192];
    for (int round = 0; round < RV_TEST_ROUNDS(6000); round++) {
        const char *source = texts[rv_test_random(&random) % 3];
        size_t len = strlen(source);
        memcpy(text, source, len);
        const uint64_t changes = 1 + rv_test_random(&random) % 4;
        for (uint64_t k = 0; k < changes; k++) {
            const size_t at = (size_t)(rv_test_random(&random) % len);
            const size_t run = 1 + (size_t)(rv_test_random(&random) % 12);
            switch (rv_test_random(&random) % 4) {
            case 0:
                text[at] = alphabet[rv_test_random(&random) % (sizeof alphabet - 1)];
                break;
            case 1: /* removes a run */
                memmove(text + at, text + (at + run < len ? at + run : len),
                        len - (at + run < len ? at + run : len));
                len -= at + run < len ? run : len - at;
                break;
            case 2: { /* inserts a word */
                const char *word = words[rv_test_random(&random) % (sizeof words / sizeof *words)];
                memmove(text + at + strlen(word), text + at, len - at);
                memcpy(text + at, word, strlen(word));
                len += strlen(word);
                break;
            }
            default: { /* moves a run elsewhere */
                const size_t from = (size_t)(rv_test_random(&random) % len);
                const size_t size =
                    run < len - (at > from ? at : from) ? run : len - (at > from ? at : from);
                memmove(text + at, text + from, size);
                break;
            }
            }
            len = len == 0 ? 1 : len;
        }
        check_bytes(schema, rv_bytes_of(text, len));
        RV_CHECK_PASSED();
        if (rv_schema_check(schema, rv_bytes_of(text, len), &err) == RV_OK) {
            text[len] = '\0';
            check_print(text); /* what is taken, is printed and taken again */
            RV_CHECK_PASSED();
            schema = empty_schema();
        }
    }
}

RV_TEST(too_little_memory_is_told_at_any_amount) {
    for (size_t cap = 0; cap < 120000; cap += cap < 60000 ? 997 : 61) {
        rv_arena small = rv_arena_over(memory, cap);
        rv_schema *schema = NULL;
        rv_status status = rv_schema_create(&schema, &small, &err);
        if (status != RV_OK) {
            RV_CHECK_STATUS(status, RV_MEMORY_EXHAUSTED);
            continue;
        }
        const size_t used = small.len;
        status = rv_schema_apply(schema, rv_bytes_of_string(schema_accounts), &err);
        if (status == RV_OK) {
            continue;
        }
        RV_CHECK_STATUS(status, RV_SCHEMA_TOO_LARGE);
        RV_CHECK_EQ(small.len, used);
        RV_CHECK_EQ(small.cap, cap);
    }
}

RV_TEST(limits_are_told) {
    rv_schema *schema = empty_schema();
    static char text[RV_SCHEMA_TEXT_MAX + 2];
    memset(text, ' ', sizeof text);
    RV_CHECK_STATUS(rv_schema_apply(schema, rv_bytes_of(text, sizeof text), &err),
                    RV_SCHEMA_TOO_LARGE);
    size_t len = (size_t)snprintf(text, sizeof text, "CREATE AGGREGATE a (");
    for (int i = 0; i <= RV_COLUMNS_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "c%d integer,", i);
    }
    RV_CHECK_STATUS(rv_schema_apply(schema, rv_bytes_of(text, len), &err), RV_SCHEMA_TOO_LARGE);
    len = 0;
    for (int i = 0; i <= RV_AGGREGATES_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "CREATE AGGREGATE a%d (i integer PRIMARY KEY);", i);
    }
    RV_CHECK_STATUS(rv_schema_apply(schema, rv_bytes_of(text, len), &err), RV_SCHEMA_TOO_LARGE);
    RV_CHECK(contains(err.detail, "more than 256 aggregates"));
    len = (size_t)snprintf(text, sizeof text,
                           "CREATE AGGREGATE a (i integer PRIMARY KEY);"
                           "CREATE EVENT_TYPE e (");
    for (int i = 0; i <= RV_TOUCHES_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "f%d references a(i),", i);
    }
    len += (size_t)snprintf(text + len, sizeof text - len, ")");
    RV_CHECK_STATUS(rv_schema_apply(schema, rv_bytes_of(text, len), &err), RV_SCHEMA_TOO_LARGE);
    len =
        (size_t)snprintf(text, sizeof text, "CREATE AGGREGATE a%0100d (i integer PRIMARY KEY)", 1);
    RV_CHECK_STATUS(rv_schema_apply(schema, rv_bytes_of(text, len), &err), RV_SCHEMA_TOO_LARGE);
    RV_CHECK(contains(err.detail, "63 bytes in a name"));
}

int main(void) {
    RV_RUN(an_empty_schema_has_nothing);
    RV_RUN(the_loans_schema_means_what_it_says);
    RV_RUN(a_path_finds_its_stream);
    RV_RUN(many_templates_are_told_apart);
    RV_RUN(the_manuals_schema_means_what_it_says);
    RV_RUN(one_event_can_touch_two_rows);
    RV_RUN(a_computed_update_sees_fields_before_columns);
    RV_RUN(rows_can_refer_to_rows_of_their_own_aggregate);
    RV_RUN(default_and_not_null_come_in_any_order);
    RV_RUN(the_print_applies_and_hashes_the_same);
    RV_RUN(keys_of_several_columns_are_put_together);
    RV_RUN(odd_names_survive_in_expressions);
    RV_RUN(equal_meaning_has_an_equal_hash);
    RV_RUN(a_schema_grows_by_texts);
    RV_RUN(each_error_has_its_place);
    RV_RUN(every_cut_of_a_text_has_a_result);
    RV_RUN(every_mutation_of_a_text_has_a_result);
    RV_RUN(too_little_memory_is_told_at_any_amount);
    RV_RUN(limits_are_told);
    return rv_test_done();
}
