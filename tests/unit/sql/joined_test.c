/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a result is kept up when a row changes that is joined by its key: of rows and of groups,
 * where it is only shown, and where rows come out, are grouped or count by it; when it comes and
 * goes, and together with the rows that refer to it. Where no way leads to these, or there are too
 * many, the query runs again.
 * Method: changes of either side, and after each the live answer beside the one asked for once, and
 * whether it was kept up. Any statement and any change: reads_test.c. With so few owners SQLite
 * would begin with these, and look for the items of each: CROSS JOIN has it keep to FROM's order.
 */
#include "core/state/touches.h"
#include "tests/unit/sql/fixture.h"

/* An item refers to its owner by an index, to its place by none. */
static const char schema[] =
    "CREATE AGGREGATE owner (id bigint PRIMARY KEY, name text, state text, weight integer);"
    "CREATE EVENT_TYPE owner_came (id creates owner(id), name updates owner(name),"
    " state updates owner(state), weight updates owner(weight));"
    "CREATE EVENT_TYPE owner_changed (id references owner(id), name updates owner(name),"
    " state updates owner(state), weight updates owner(weight));"
    "CREATE EVENT_TYPE owner_went (id deletes owner(id));"
    "CREATE STREAM owners (path \"/owner/{id}\" event_types (owner_came, owner_changed,"
    " owner_went));"
    "CREATE AGGREGATE place (id text PRIMARY KEY, name text);"
    "CREATE EVENT_TYPE place_came (id creates place(id), name updates place(name));"
    "CREATE EVENT_TYPE place_changed (id references place(id), name updates place(name));"
    "CREATE EVENT_TYPE place_went (id deletes place(id));"
    "CREATE STREAM places (path \"/place/{id}\" event_types (place_came, place_changed,"
    " place_went));"
    "CREATE AGGREGATE item (id bigint PRIMARY KEY, owner_id bigint, place_id text, k integer,"
    " INDEX (owner_id, k));"
    "CREATE EVENT_TYPE item_came (id creates item(id), owner_id updates item(owner_id),"
    " place_id updates item(place_id), k updates item(k));"
    "CREATE EVENT_TYPE item_changed (id references item(id), owner_id updates item(owner_id),"
    " place_id updates item(place_id), k updates item(k));"
    "CREATE EVENT_TYPE item_went (id deletes item(id));"
    "CREATE STREAM items (path \"/item/{id}\" event_types (item_came, item_changed, item_went));";

static rv_sql_upkeep upkeep;
static rv_reads reads;
static rv_touches touches;
static rv_touched touched;
static rv_deltas since;
static char truth[FIXTURE_TEXT_MAX];

static void append(fixture *f, const char *path, const char *type, const char *data) {
    RV_CHECK_STATUS(fixture_append(f, path, type, data), RV_OK);
}

/* Owners 1 … 6, of which 1 and 4, 2 and 5, 3 and 6 are in one state; three places; 60 items. */
static fixture *open_all(void) {
    static const char *const places[] = {"/place/p0", "/place/p1", "/place/p2"};
    fixture *const f = fixture_open_sized(schema, 4u << 20, 0, 16u << 20);
    char path[32];
    char data[96];
    RV_ASSERT(f != NULL);
    upkeep = (rv_sql_upkeep){.other = NULL};
    memset(&touches, 0, sizeof touches);
    memset(&touched, 0, sizeof touched);
    rv_reads_clear(&reads);
    since = (rv_deltas){.snapshot = {0}};
    for (uint32_t i = 1; i <= 6; i++) {
        snprintf(path, sizeof path, "/owner/%u", i);
        snprintf(data, sizeof data, "{\"name\":\"n%u\",\"state\":\"s%u\",\"weight\":%u}", i, i % 3,
                 i);
        append(f, path, "owner_came", data);
    }
    for (uint32_t i = 0; i < 3; i++) {
        append(f, places[i], "place_came", "{\"name\":\"here\"}");
    }
    for (uint32_t i = 1; i <= 60; i++) {
        snprintf(path, sizeof path, "/item/%u", i);
        snprintf(data, sizeof data, "{\"owner_id\":%u,\"place_id\":\"p%u\",\"k\":%u}", 1 + i % 7,
                 i % 4, i % 10);
        append(f, path, "item_came", data);
    }
    return f;
}

static void close_all(fixture *f) {
    rv_sql_upkeep_end(&upkeep);
    rv_touches_leave(&touches, f->state, &touched);
    rv_deltas_drop(f->state, &since);
    fixture_close(f);
}

/* The rows of an answer; `*kept`: it was kept up. */
static rv_bytes ask(fixture *f, rv_sql_upkeep *with, const char *text, bool *kept) {
    rv_sql_query *query = NULL;
    rv_writer out = rv_writer_over(f->text, sizeof f->text - 1);
    rv_status status = rv_sql_prepare_live(f->sql, with, rv_bytes_of_string(text), RV_LITERAL(""),
                                           &query, &f->err);
    RV_ASSERT(status == RV_OK);
    if (with != NULL) {
        rv_sql_note_reads(query, &reads);
    }
    while ((status = rv_sql_step(query, &f->err)) == RV_OK || status == RV_SNAPSHOT_EXPIRED) {
        if (status == RV_OK) {
            rv_sql_row_to_json(query, &out);
        } else {
            RV_ASSERT(rv_sql_again(query));
            out.len = 0;
        }
    }
    RV_ASSERT(status == RV_END && !out.full);
    *kept = rv_sql_kept_up(query);
    rv_sql_finish(query);
    return rv_writer_bytes(&out);
}

/* The live answer is the one that is asked for once; true: it was kept up, or concerns nobody. */
static bool look(fixture *f, const char *text) {
    bool kept = false;
    const rv_bytes once = ask(f, NULL, text, &kept);
    memcpy(truth, once.ptr, once.len);
    truth[once.len] = 0;
    const rv_reads_of others = rv_sql_upkeep_others(&upkeep);
    upkeep.since = since.snapshot;
    upkeep.others = upkeep.whole && rv_touches_concern_of(&touches, f->state, &reads, others,
                                                          &f->scratch, &touched);
    upkeep.joined =
        upkeep.whole && rv_touches_concern_of(&touches, f->state, &reads,
                                              rv_sql_upkeep_joined(&upkeep), &f->scratch, &touched);
    const rv_bytes live = ask(f, &upkeep, text, &kept);
    if (strncmp(truth, (const char *)live.ptr, live.len) != 0 || live.len != once.len) {
        rv_test_failed = true;
        fprintf(stderr, "%s:\n%.*s\nand not\n%s\n", text, (int)live.len, (const char *)live.ptr,
                truth);
    }
    rv_touches_follow(&touches, f->state, &reads, &f->scratch, &touched);
    rv_deltas_keep(f->state, &since);
    return kept;
}

typedef struct change {
    const char *path;
    const char *type;
    const char *data;
    bool again; /* the query runs again for it */
} change;

/* After each change, and all of them at once, from the beginning. */
static void go(const char *text, const change *changes, size_t count) {
    fixture *f = open_all();
    (void)look(f, text);
    for (size_t i = 0; i < count; i++) {
        append(f, changes[i].path, changes[i].type, changes[i].data);
        if (look(f, text) == changes[i].again) {
            rv_test_failed = true;
            fprintf(stderr, "%s: %s of %s: again %d\n", text, changes[i].type, changes[i].path,
                    !changes[i].again);
        }
        RV_CHECK_PASSED();
        (void)look(f, text); /* what ran again is kept up from now on */
    }
    close_all(f);
    f = open_all();
    (void)look(f, text);
    for (size_t i = 0; i < count; i++) {
        append(f, changes[i].path, changes[i].type, changes[i].data);
    }
    (void)look(f, text);
    RV_CHECK_PASSED();
    close_all(f);
}

#define GO(text, changes) go(text, changes, sizeof(changes) / sizeof *(changes))

/* Nothing leads to the items of a place, but those that came out are shown again anyway. */
RV_TEST(what_is_only_shown_is_found_in_the_result) {
    static const change changes[] = {
        {"/place/p1", "place_changed", "{\"name\":\"there\"}", false},
        {"/place/p2", "place_changed", "{\"name\":\"nowhere\"}", false},
        {"/item/4", "item_changed", "{\"place_id\":\"p1\",\"k\":8,\"owner_id\":1}", false},
        {"/place/p3", "place_came", "{\"name\":\"new\"}", true}, /* items of it may come out */
        {"/place/p0", "place_went", "{}", true},
    };
    GO("SELECT i.id, p.name FROM item i JOIN place p ON p.id = i.place_id WHERE i.k > 3", changes);
    GO("SELECT i.id, p.name FROM item i JOIN place p ON i.place_id = p.id ORDER BY i.k, i.id LIMIT "
       "7",
       changes);
    GO("SELECT p.id, p.name, count(*), sum(i.k) FROM item i JOIN place p ON p.id = i.place_id "
       "GROUP BY p.id, p.name ORDER BY 1",
       changes);
    GO("SELECT i.place_id, p.name || '!', count(*) FROM item i JOIN place p ON p.id = i.place_id "
       "GROUP BY i.place_id, p.name || '!' HAVING count(*) > 1 ORDER BY 1",
       changes);
    GO("SELECT count(*), max(i.k) FROM item i JOIN place p ON p.id = i.place_id WHERE i.k + 0 < 9",
       changes);
}

/* A condition, an order with a LIMIT, a group, what is added up: without a way it runs again. */
RV_TEST(what_decides_needs_an_index) {
    static const change changes[] = {
        {"/place/p1", "place_changed", "{\"name\":\"there\"}", true},
        {"/place/p2", "place_changed", "{\"name\":\"there\"}", true},
        {"/item/4", "item_changed", "{\"place_id\":\"p1\",\"k\":8,\"owner_id\":1}", false},
    };
    GO("SELECT i.id FROM item i JOIN place p ON p.id = i.place_id WHERE p.name <> 'here'", changes);
    GO("SELECT i.id FROM item i JOIN place p ON p.id = i.place_id ORDER BY p.name, i.id LIMIT 5",
       changes);
    GO("SELECT p.name, count(*) FROM item i JOIN place p ON p.id = i.place_id GROUP BY p.name "
       "ORDER BY 1",
       changes);
    GO("SELECT count(p.name) FROM item i JOIN place p ON p.id = i.place_id", changes);
    GO("SELECT i.id, p.name FROM item i LEFT JOIN place p ON p.id = i.place_id AND p.name = 'here'",
       changes);
}

static const change of_owners[] = {
    {"/owner/1", "owner_changed", "{\"name\":\"a\",\"state\":\"s1\",\"weight\":7}", false},
    {"/owner/2", "owner_changed", "{\"name\":\"b\",\"state\":\"s2\",\"weight\":null}", false},
    {"/owner/7", "owner_came", "{\"name\":\"c\",\"state\":\"s0\",\"weight\":70}", false},
    {"/item/9", "item_changed", "{\"owner_id\":7,\"k\":5}", false},
    {"/owner/7", "owner_changed", "{\"name\":\"d\",\"state\":\"s0\",\"weight\":3}", false},
    {"/owner/3", "owner_went", "{}", false},
    {"/item/6", "item_went", "{}", false},
    {"/owner/3", "owner_came", "{\"name\":\"e\",\"state\":\"s0\",\"weight\":9}", false},
};

RV_TEST(an_index_leads_to_rows) {
    GO("SELECT i.id, o.name FROM item i CROSS JOIN owner o ON o.id = i.owner_id WHERE o.state <> "
       "'s1'",
       of_owners);
    GO("SELECT i.id, o.weight FROM item i LEFT JOIN owner o ON o.id = i.owner_id", of_owners);
    GO("SELECT i.id, o.weight FROM item i LEFT JOIN owner o ON o.id = i.owner_id "
       "WHERE o.weight IS NULL",
       of_owners);
    GO("SELECT i.id, o.weight FROM item i LEFT JOIN owner o ON o.id = i.owner_id AND o.weight < "
       "i.k",
       of_owners);
    GO("SELECT i.id, o.name FROM item i CROSS JOIN owner o ON o.id = i.owner_id "
       "ORDER BY o.weight DESC, i.id LIMIT 6",
       of_owners);
    GO("SELECT i.id, o.name, p.name FROM item i CROSS JOIN owner o ON o.id = i.owner_id "
       "JOIN place p ON p.id = i.place_id WHERE o.weight > 2",
       of_owners);
}

RV_TEST(an_index_leads_to_what_is_taken_from_groups) {
    GO("SELECT count(*), sum(o.weight), sum(i.k) FROM item i CROSS JOIN owner o ON o.id = "
       "i.owner_id",
       of_owners);
    GO("SELECT i.k, count(*), count(o.weight), sum(o.weight) FROM item i "
       "LEFT JOIN owner o ON o.id = i.owner_id GROUP BY i.k ORDER BY 1",
       of_owners);
    GO("SELECT o.id, o.name, count(*) FROM item i CROSS JOIN owner o ON o.id = i.owner_id "
       "GROUP BY o.id, o.name ORDER BY 1",
       of_owners);
    GO("SELECT o.name, count(*), sum(i.k) FROM item i CROSS JOIN owner o ON o.id = i.owner_id "
       "WHERE i.k > 3 GROUP BY o.name ORDER BY 1",
       of_owners);
    GO("SELECT count(*) FROM item i CROSS JOIN owner o ON o.id = i.owner_id WHERE o.state = 's1'",
       of_owners);
}

/* A copy that leads to an owner who has another state by now stands for no group any more: where a
 * row has come to it, that is the copy, and where none has, the next change runs again. */
RV_TEST(a_group_whose_copy_leads_elsewhere_is_found_again) {
    static const char text[] =
        "SELECT o.state, count(*), sum(i.k) FROM item i "
        "CROSS JOIN owner o ON o.id = i.owner_id GROUP BY o.state ORDER BY 1";
    static const char *const states[] = {"s0", "s1", "s2", "s3"};
    fixture *const f = open_all();
    uint32_t again = 0;
    (void)look(f, text);
    for (uint32_t i = 0; i < 100; i++) {
        char path[32];
        char data[64];
        snprintf(path, sizeof path, "/owner/%u", 1 + i * 5 % 6);
        snprintf(data, sizeof data, "{\"state\":\"%s\",\"weight\":%u}", states[i * 7 % 11 % 4], i);
        append(f, path, "owner_changed", data);
        again += !look(f, text);
        RV_CHECK_PASSED();
    }
    RV_CHECK(again > 0 && again < 50);
    close_all(f);
}

/* Up to as many rows as may change in a step. */
RV_TEST(many_rows_of_one_run_again) {
    static const char text[] = "SELECT count(*), sum(o.weight) FROM item i "
                               "CROSS JOIN owner o ON o.id = i.owner_id";
    fixture *const f = open_all();
    char path[32];
    append(f, "/owner/100", "owner_came", "{\"weight\":1}");
    (void)look(f, text);
    for (uint32_t i = 0; i < RV_UPKEEP_CHANGES + 1; i++) {
        snprintf(path, sizeof path, "/item/%u", 1000 + i);
        append(f, path, "item_came", "{\"owner_id\":100,\"k\":1}");
        RV_CHECK(look(f, text));
        if (i >= RV_UPKEEP_CHANGES - 2) {
            append(f, "/owner/100", "owner_changed", i % 2 == 0 ? "{\"weight\":2}" : "{}");
            RV_CHECK_EQ(look(f, text), i < RV_UPKEEP_CHANGES);
            RV_CHECK(i < RV_UPKEEP_CHANGES || !look(f, text) || upkeep.whole);
        }
        RV_CHECK_PASSED();
    }
    close_all(f);
}

int main(void) {
    RV_RUN(what_is_only_shown_is_found_in_the_result);
    RV_RUN(what_decides_needs_an_index);
    RV_RUN(an_index_leads_to_rows);
    RV_RUN(an_index_leads_to_what_is_taken_from_groups);
    RV_RUN(a_group_whose_copy_leads_elsewhere_is_found_again);
    RV_RUN(many_rows_of_one_run_again);
    return rv_test_done();
}
