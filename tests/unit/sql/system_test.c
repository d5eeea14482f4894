/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: rv_events has each durable event once, with what its JSON form says, whatever is looked for
 * and however the disk delays; queries stop and go on where it does; the other system tables say
 * what the node's functions say.
 * Method: a root on the simulated disk, where operations finish late. Each look-up is compared with
 * the same condition where it cannot be pushed down (`+position = 5`), the rows with
 * rv_event_to_json, and facts with what is known of the node. Rows that change under a query.
 */
#include "core/engine/internal.h"
#include "platform/sim/disk.h"
#include "sql/sql.h"
#include "tests/unit/node_fixture.h"

#define DISK_MEMORY ((size_t)24 << 20)
#define SQL_MEMORY  ((size_t)2 << 20)
#define TEXT_MAX    ((size_t)1 << 20)
#define ACCOUNTS    5
#define EVENTS      200

typedef struct world {
    uint8_t *disk_memory;
    uint8_t *node_memory;
    uint8_t *sql_memory;
    rv_sim_disk *disk;
    rv_node *node;
    rv_sql *sql;
    rv_error err;
    uint64_t waits; /* how often a query had to wait */
} world;

static rv_status append(world *w, const char *path, const char *type, const char *data,
                        const char *metadata) {
    rv_append event = fixture_event(path, type, data);
    rv_event result;
    event.metadata = rv_bytes_of_string(metadata);
    return fixture_append_all(w->node, &event, 1, &result, &w->err);
}

static bool sql_open(world *w, uint64_t slice) {
    rv_arena arena = rv_arena_over(w->sql_memory, SQL_MEMORY + (256u << 10));
    const rv_sql_options options = {.schema = rv_node_schema(w->node),
                                    .state = rv_node_state(w->node),
                                    .node = w->node,
                                    .memory = SQL_MEMORY,
                                    .steps_max = 2000000,
                                    .steps_slice = slice};
    return rv_sql_create(&w->sql, &options, &arena, &w->err) == RV_OK;
}

static bool node_open(world *w) {
    return fixture_open_on(rv_sim_disk_interface(w->disk), w->node_memory, FIXTURE_NODE_MEMORY,
                           RV_ROLE_ROOT, NULL, &w->node, &w->err) == RV_OK;
}

/* A root with a log larger than what is read at once. It is opened again, so that it is read. */
static bool fill(world *w) {
    static char metadata[8192];
    rv_event event;
    const int len = snprintf(metadata, sizeof metadata, "{\"actor\":\"%07000d\"}", 7);
    bool ok = len > 7000 && fixture_apply_schema(w->node, &event, &w->err) == RV_OK;
    for (int i = 0; i < EVENTS && ok; i++) {
        char path[32];
        char data[64];
        snprintf(path, sizeof path, "/accounts/%d", 1 + i % ACCOUNTS);
        snprintf(data, sizeof data, "{\"amount\":%d}", i + 1);
        rv_sim_disk_advance(w->disk, (uint64_t)(i % 4) * 20000000);
        ok = i < ACCOUNTS
                 ? append(w, "accounts", "account_opened", "{\"name\":\"x\\\"y\"}", "") == RV_OK
                 : append(w, path, "deposited", data,
                          i % 3 != 0   ? ""
                          : i % 2 == 0 ? metadata
                                       : "{\"actor\":\"ann\"}") == RV_OK;
    }
    return ok && fixture_settle(w->node) && fixture_close(w->node, &w->err) == RV_END &&
           node_open(w);
}

static void world_free(world *w) {
    if (w->sql != NULL) {
        rv_sql_destroy(w->sql);
    }
    free(w->disk_memory);
    free(w->node_memory);
    free(w->sql_memory);
}

static world world_create(uint64_t seed, uint64_t slice) {
    world w = {.disk_memory = malloc(DISK_MEMORY),
               .node_memory = malloc(FIXTURE_NODE_MEMORY),
               .sql_memory = malloc(SQL_MEMORY + (256u << 10))};
    const rv_sim_disk_options options = {.seed = seed,
                                         .now = INT64_C(1700000000000000),
                                         .faults = {.pending_percent = 50, .short_percent = 20}};
    w.disk = rv_sim_disk_create(w.disk_memory, DISK_MEMORY, &options);
    if (!node_open(&w) || !fill(&w) || !sql_open(&w, slice)) {
        fprintf(stderr, "world: %s\n", w.err.detail);
        abort();
    }
    return w;
}

static rv_status step(world *w, rv_sql_query *query) {
    rv_status status = rv_sql_step(query, &w->err);
    for (int i = 0; i < 10 * FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        w->waits += 1;
        fixture_poll(w->node);
        status = rv_sql_step(query, &w->err);
    }
    return status;
}

/* All rows of a query, or its error's code. */
static rv_bytes ask_into(world *w, char *text, const char *sql) {
    rv_sql_query *query = NULL;
    rv_writer out = rv_writer_over(text, TEXT_MAX);
    rv_status status =
        rv_sql_prepare(w->sql, rv_bytes_of_string(sql), RV_LITERAL(""), &query, &w->err);
    while (status == RV_OK) {
        status = step(w, query);
        if (status == RV_OK) {
            rv_sql_row_to_json(query, &out);
        }
    }
    if (query != NULL) {
        rv_sql_finish(query);
    }
    return out.full           ? RV_LITERAL("too long")
           : status == RV_END ? rv_writer_bytes(&out)
                              : rv_bytes_of_string(rv_status_code(status));
}

static rv_bytes ask(world *w, const char *sql) {
    static char text[TEXT_MAX];
    return ask_into(w, text, sql);
}

static void check_same(world *w, const char *one, const char *other) {
    static char text[TEXT_MAX];
    const rv_bytes expected = ask_into(w, text, other);
    const rv_bytes got = ask(w, one);
    if (!rv_bytes_equal(got, expected)) {
        RV_FAIL_AT_("differs: %s\ngot:%.*s\nexpected:%.*s", one, (int)(got.len % 2000),
                    (const char *)got.ptr, (int)(expected.len % 2000), text);
    }
}

/* --- rv_events --- */

/* Each condition as it is, and with its columns hidden from the plan. */
static const char *const conditions[][2] = {
    {"position = 7", "+position = 7"},
    {"position = 0", "+position = 0"},
    {"position > 195", "+position > 195"},
    {"position >= 195.5", "+position >= 195.5"},
    {"position < 3", "+position < 3"},
    {"position < -0.5", "+position < -0.5"},
    {"position > -7", "+position > -7"},
    {"position < 1e300 AND position > 190", "+position < 1e300 AND +position > 190"},
    {"position > 1e300", "+position > 1e300"},
    {"position > 9223372036854775807", "+position > 9223372036854775807"},
    {"position > '190'", "+position > 190"},
    {"position < 'a' AND position > 198", "+position < 'a' AND +position > 198"},
    {"position > x'00'", "+position > x'00'"},
    {"position = NULL", "+position = NULL"},
    {"position BETWEEN 20 AND 23", "+position BETWEEN 20 AND 23"},
    {"position > 5 AND position > 10 AND position < 13", "+position IN (11, 12)"},
    {"position IN (9, 3, 3, 500)", "+position IN (3, 9)"},
    {"sequence = 11", "+sequence = 11"},
    {"sequence > 199", "+sequence > 199"},
    {"path = '/accounts/2'", "+path = '/accounts/2'"},
    {"path = '/accounts/2' AND version = 3", "+path = '/accounts/2' AND +version = 3"},
    {"path = '/accounts/2' AND version > 38", "+path = '/accounts/2' AND +version > 38"},
    {"path = '/accounts/2' AND version <= 2", "+path = '/accounts/2' AND +version <= 2"},
    {"path = '/accounts/2' AND version BETWEEN 5 AND 7",
     "+path = '/accounts/2' AND +version IN (5, 6, 7)"},
    {"path = '/accounts/2' AND version > 1000", "0"},
    {"path = '/accounts/2' AND position > 180", "+path = '/accounts/2' AND +position > 180"},
    {"path = '/accounts/2' AND sequence > 180", "+path = '/accounts/2' AND +position > 180"},
    {"path = '/accounts/*'", "0"},
    {"path = '/accounts/77'", "0"},
    {"path = '' OR path = 5 OR path = x'00'", "0"},
    {"path = 5", "0"},
    {"path = '/rivulet/schema'", "+type = 'schema_changed'"},
    {"path = '/accounts/2' COLLATE NOCASE AND version < 3",
     "+path = '/accounts/2' AND +version < 3"},
    {"path IN ('/accounts/1', '/accounts/3') AND version = 2",
     "+version = 2 AND +path IN ('/accounts/1', '/accounts/3')"},
    {"version = 2", "+version = 2"},
    {"time >= '2023-11-14T23:00:00'", "+time >= '2023-11-14T23:00:00'"},
    {"time < '2023-11-14T22:30'", "+time < '2023-11-14T22:30'"},
    {"recorded_at BETWEEN '2023-11-14T22:30' AND '2023-11-14T22:40'",
     "+time BETWEEN '2023-11-14T22:30' AND '2023-11-14T22:40'"},
    {"time = (SELECT a.time FROM rv_events a WHERE a.sequence = 100)",
     "+time = (SELECT a.time FROM rv_events a WHERE a.sequence = 100)"},
    {"time > (SELECT a.time FROM rv_events a WHERE a.sequence = 100)",
     "+time > (SELECT a.time FROM rv_events a WHERE a.sequence = 100)"},
    {"time > '2023'", "1"},
    {"time < '2023'", "0"},
    {"time >= '0001'", "1"},
    {"time < 'x'", "1"},
    {"time > '-infinity' AND time < 'infinity'", "1"},
    {"time > '2023-11-14T23:0'", "+time > '2023-11-14T23:0'"},
    {"time > 5", "+time > '5'"},
    {"time > x'00'", "+time > x'00'"},
    {"time = NULL", "0"},
    {"time COLLATE NOCASE > '2023-11-14t23:00:00'", "+time > '2023-11-14T23:00:00'"},
    {"path = '/accounts/2' AND time > '2023-11-14T23:00:00' AND version < 38",
     "+path = '/accounts/2' AND +time > '2023-11-14T23:00:00' AND +version < 38"},
    {"position > 20 AND time < '2023-11-14T22:30' AND sequence < 50",
     "+position > 20 AND +time < '2023-11-14T22:30' AND +sequence < 50"},
};

/* From the last one back, of all that is looked for; some events have no room beside others. */
static void check_back(world *w) {
    static const char *const ends[] = {"", " LIMIT 7", " LIMIT 9 OFFSET 40"};
    for (size_t i = 0; i < 6 * (sizeof conditions / sizeof *conditions); i++) {
        const char *const by = i % 2 == 0 ? "position" : "sequence";
        const char *const end = ends[i / 2 % 3];
        char one[512];
        char other[512];
        snprintf(one, sizeof one, "SELECT * FROM rv_events WHERE %s ORDER BY %s DESC%s",
                 conditions[i / 6][0], by, end);
        snprintf(other, sizeof other, "SELECT * FROM rv_events WHERE %s ORDER BY +%s DESC%s",
                 conditions[i / 6][1], by, end);
        check_same(w, one, other);
    }
    for (int version = 1; version < 45; version += 3) {
        char one[512];
        char other[512];
        const char *const form = "SELECT * FROM rv_events WHERE path = '/accounts/3'"
                                 " AND version %s %d ORDER BY %sversion DESC LIMIT 20";
        snprintf(one, sizeof one, form, version % 2 == 0 ? "<=" : ">", version, "");
        snprintf(other, sizeof other, form, version % 2 == 0 ? "<=" : ">", version, "+");
        check_same(w, one, other);
    }
}

static void look_ups_find_what_a_scan_finds(world *w) {
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        char one[512];
        char other[512];
        snprintf(one, sizeof one, "SELECT * FROM rv_events WHERE %s ORDER BY +sequence",
                 conditions[i][0]);
        snprintf(other, sizeof other, "SELECT * FROM rv_events WHERE %s ORDER BY +sequence",
                 conditions[i][1]);
        check_same(w, one, other);
    }
    check_back(w);
    check_same(w, "SELECT position FROM rv_events ORDER BY position LIMIT 9",
               "SELECT position FROM rv_events ORDER BY +position LIMIT 9");
    check_same(w, "SELECT position FROM rv_events ORDER BY position DESC LIMIT 9",
               "SELECT position FROM rv_events ORDER BY +position DESC LIMIT 9");
    check_same(w, "SELECT version FROM rv_events WHERE path = '/accounts/4' ORDER BY version",
               "SELECT version FROM rv_events WHERE path = '/accounts/4' ORDER BY +version");
    check_same(w,
               "SELECT a.position, b.position FROM rv_events a JOIN rv_events b"
               " ON b.path = a.path AND b.version = a.version - 1 ORDER BY 1",
               "SELECT a.position, b.position FROM rv_events a JOIN rv_events b"
               " ON +b.path = +a.path AND +b.version = +a.version - 1 ORDER BY 1");
    check_same(w,
               "SELECT t.id, e.version FROM account t JOIN rv_events e"
               " ON e.path = '/accounts/' || t.id ORDER BY 1, 2",
               "SELECT t.id, e.version FROM account t JOIN rv_events e"
               " ON +e.path = '/accounts/' || t.id ORDER BY 1, 2");
}

/* Every event as SQL puts it together is what rv_event_to_json writes. */
static void rows_are_the_events(world *w) {
    static const char sql[] =
        "SELECT json_object('position', position, 'path', path, 'version', version, 'type', type,"
        " 'schema_version', schema_version, 'event_id', event_id, 'recorded_at', recorded_at,"
        " 'data', json(data), 'metadata', json(metadata)) FROM rv_events";
    static char expected[TEXT_MAX];
    rv_writer out = rv_writer_over(expected, sizeof expected);
    rv_subscription s;
    rv_subscription_open(&s, w->node, NULL, 0, 1);
    rv_status status = RV_OK;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status != RV_END; i++) {
        rv_event event;
        rv_bytes path;
        static char one[65536];
        rv_writer json = rv_writer_over(one, sizeof one);
        status = rv_subscription_next(&s, 1000, &event, &path, &w->err);
        if (status == RV_OK) {
            rv_event_to_json(rv_node_schema(w->node), &event, path, &json);
            rv_write_u8(&out, '[');
            rv_write_json_string(&out, rv_writer_bytes(&json));
            rv_write_u8(&out, ']');
        } else {
            fixture_poll(w->node);
        }
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK(rv_bytes_equal(ask(w, sql), rv_writer_bytes(&out)));
    RV_CHECK_TEXT(ask(w, "SELECT count(*), min(position), max(sequence) FROM rv_events"),
                  "[201,1,201]");
    RV_CHECK_TEXT(ask(w, "SELECT stream, time = recorded_at, data ->> 'amount', metadata"
                         " FROM rv_events WHERE position = 11"),
                  "[\"accounts\",1,10,{\"actor\":\"ann\"}]");
}

static void check_plan(world *w, const char *sql, const char *expected) {
    char text[512];
    snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    const rv_bytes plan = ask(w, text);
    bool found = false;
    for (size_t at = 0; at + strlen(expected) <= plan.len; at++) {
        found = found || memcmp(plan.ptr + at, expected, strlen(expected)) == 0;
    }
    if (!found) {
        RV_FAIL_AT_("%s: no `%s` in %.*s", sql, expected, (int)plan.len, (const char *)plan.ptr);
    }
}

/* Where the past was filled in positions do not rise: what was compiled before is compiled anew. */
static void plans_know_whether_positions_rise(world *w) {
    static const char by_position[] = "SELECT position FROM rv_events ORDER BY position";
    static const char plan[] =
        "EXPLAIN QUERY PLAN SELECT position FROM rv_events ORDER BY position";
    const size_t scans = ask(w, plan).len;
    w->node->held.past.filled = true;
    check_plan(w, by_position, "USE TEMP B-TREE FOR ORDER BY");
    w->node->held.past.filled = false;
    RV_CHECK_EQ(ask(w, plan).len, scans);
}

static void look_ups_are_pushed_down(world *w) {
    check_plan(w, "SELECT * FROM rv_events WHERE path = 'x' AND version > 5", "INDEX 0:pv>");
    check_plan(w, "SELECT * FROM rv_events WHERE position = 5", "INDEX 0:n=");
    check_plan(w, "SELECT * FROM rv_events WHERE position > 5 AND position <= 9", "INDEX 0:n>n<");
    check_plan(w, "SELECT * FROM rv_events WHERE sequence > 5 ORDER BY position", "INDEX 0:s>");
    check_plan(w, "SELECT * FROM rv_events ORDER BY position DESC LIMIT 20", "INDEX 1:");
    check_plan(w, "SELECT * FROM rv_events WHERE path = 'x' ORDER BY version DESC", "INDEX 1:p");
    check_plan(w, "SELECT * FROM rv_events WHERE path = 'x' AND version < 9 ORDER BY position DESC",
               "INDEX 1:pv<");
    check_plan(w, "SELECT * FROM rv_events WHERE time >= '2026' AND recorded_at < '2027'",
               "INDEX 0:t>t<");
    check_plan(w, "SELECT * FROM rv_streams WHERE path = '/a'", "INDEX 1:");
}

RV_TEST(events_are_rows) {
    world w = world_create(7, 0);
    rows_are_the_events(&w);
    look_ups_find_what_a_scan_finds(&w);
    plans_know_whether_positions_rise(&w);
    look_ups_are_pushed_down(&w);
    world_free(&w);
}

/* The first reads after opening, in all ways that they may be late. */
RV_TEST(queries_wait_for_the_disk) {
    static const char *const queries[][2] = {
        {"SELECT count(*), sum(position) FROM rv_events", "[201,20301]"},
        {"SELECT position FROM rv_events WHERE path = '/accounts/3' AND version = 31", "[154]"},
        {"SELECT version FROM rv_events WHERE position = 100", "[20]"},
        {"SELECT a.position FROM rv_events a, rv_events b WHERE a.path = '/accounts/3'"
         " AND a.version = 20 AND b.position = a.position + 50",
         "[99]"},
        {"SELECT position FROM rv_events WHERE position < 150 ORDER BY position DESC LIMIT 2",
         "[149][148]"},
        {"SELECT version FROM rv_events WHERE path = '/accounts/3' ORDER BY version DESC LIMIT 2",
         "[40][39]"},
    };
    uint64_t waits = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        world w = world_create(seed, 0);
        RV_CHECK_TEXT(ask(&w, queries[seed % 6][0]), queries[seed % 6][1]);
        waits += w.waits;
        world_free(&w);
    }
    RV_CHECK(waits > 8);
}

/* --- stopping and going on --- */

RV_TEST(queries_go_on_in_slices) {
    world w = world_create(8, 50);
    rows_are_the_events(&w);
    check_same(&w,
               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
               " SELECT count(*), sum(i) FROM n",
               "SELECT 5000, 12502500");
    const uint64_t waits = w.waits;
    check_same(
        &w,
        "SELECT a.id, count(*), sum(b.balance) FROM account a, account b, account c, account d"
        " GROUP BY a.id ORDER BY a.id",
        "SELECT a.id, 125, 25 * (SELECT sum(balance) FROM account) FROM account a ORDER BY id");
    RV_CHECK(w.waits > waits + 20);
    RV_CHECK_TEXT(ask(&w, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                          " SELECT max(i) FROM n"),
                  "sql_limit");
    RV_CHECK_TEXT(ask(&w, "SELECT count(*) FROM account"), "[5]");
    world_free(&w);
}

/* Rows that change while a query waits: it begins again, or says so. */
RV_TEST(rows_change_under_a_query) {
    static const char text[] =
        "SELECT count(*), sum(a.balance) FROM account a, account b, account c";
    world w = world_create(9, 50);
    rv_sql_query *query = NULL;
    RV_CHECK_STATUS(rv_sql_prepare(w.sql, rv_bytes_of_string(text), RV_LITERAL(""), &query, &w.err),
                    RV_OK);
    RV_CHECK_STATUS(rv_sql_step(query, &w.err), RV_PENDING);
    RV_CHECK_STATUS(append(&w, "/accounts/1", "deposited", "{\"amount\":1000000}", ""), RV_OK);
    RV_CHECK_STATUS(step(&w, query), RV_OK);
    char row[64];
    rv_writer out = rv_writer_over(row, sizeof row);
    rv_sql_row_to_json(query, &out);
    RV_CHECK_TEXT(rv_writer_bytes(&out), "[125,25502125]"); /* 25 (1000000 + 6 + … + 200) */
    rv_sql_finish(query);

    static const char rows[] = "SELECT a.id FROM account a, account b";
    RV_CHECK_STATUS(rv_sql_prepare(w.sql, rv_bytes_of_string(rows), RV_LITERAL(""), &query, &w.err),
                    RV_OK);
    RV_CHECK_STATUS(step(&w, query), RV_OK);
    RV_CHECK_STATUS(append(&w, "/accounts/1", "deposited", "{\"amount\":1}", ""), RV_OK);
    RV_CHECK_STATUS(step(&w, query), RV_SNAPSHOT_EXPIRED);
    RV_CHECK_STATUS(step(&w, query), RV_SNAPSHOT_EXPIRED);
    for (int n = 0; n < 16; n++) {
        RV_CHECK(rv_sql_again(query));
        for (int i = 0; i < ACCOUNTS * ACCOUNTS; i++) {
            RV_CHECK_STATUS(n < 2 ? step(&w, query) : rv_sql_step(query, &w.err), RV_OK);
        }
        RV_CHECK_STATUS(step(&w, query), RV_END);
    }
    RV_CHECK(!rv_sql_again(query));
    RV_CHECK_STATUS(step(&w, query), RV_END);
    rv_sql_finish(query);

    /* the log is read up to where it was */
    static const char events[] = "SELECT position FROM rv_events";
    RV_CHECK(fixture_settle(w.node));
    RV_CHECK_STATUS(
        rv_sql_prepare(w.sql, rv_bytes_of_string(events), RV_LITERAL(""), &query, &w.err), RV_OK);
    RV_CHECK_STATUS(step(&w, query), RV_OK);
    RV_CHECK_STATUS(append(&w, "/accounts/1", "deposited", "{\"amount\":1}", ""), RV_OK);
    RV_CHECK(fixture_settle(w.node));
    for (int i = 1; i < EVENTS + 3; i++) {
        RV_CHECK_STATUS(step(&w, query), RV_OK);
    }
    RV_CHECK_STATUS(step(&w, query), RV_END);
    rv_sql_finish(query);
    world_free(&w);
}

/* --- facts --- */

RV_TEST(facts_are_those_of_the_node) {
    world w = world_create(10, 0);
    RV_CHECK_TEXT(ask(&w, "SELECT path, stream, version, first_sequence, last_sequence,"
                          " last_position FROM rv_streams ORDER BY first_sequence LIMIT 2"),
                  "[\"/rivulet/schema\",null,1,1,1,1][\"/accounts/1\",\"accounts\",40,2,197,197]");
    RV_CHECK_TEXT(ask(&w, "SELECT version FROM rv_streams WHERE path = '/accounts/5'"), "[40]");
    RV_CHECK_TEXT(ask(&w, "SELECT version FROM rv_streams WHERE path IN ('', 5, '/accounts/6')"),
                  "");
    RV_CHECK_TEXT(ask(&w, "SELECT name, rows, shared, key, columns ->> 1 ->> 'type', stale_since"
                          " FROM rv_aggregates"),
                  "[\"account\",5,false,[\"id\"],\"varchar(10)\",null]"
                  "[\"note\",0,false,[\"id\"],\"integer\",null]");
    RV_CHECK_TEXT(ask(&w,
                      "SELECT json_array(name, key) = '[\"account\",[\"id\"]]' FROM rv_aggregates"
                      " WHERE name = 'account'"),
                  "[1]");
    RV_CHECK_TEXT(ask(&w, "SELECT name, schema_version, fields, streams FROM rv_event_types"
                          " WHERE name = 'deposited'"),
                  "[\"deposited\",1,[{\"name\":\"id\",\"type\":\"integer\",\"not_null\":true},"
                  "{\"name\":\"amount\",\"type\":\"bigint\",\"not_null\":true}],[\"accounts\"]]");
    RV_CHECK_TEXT(ask(&w, "SELECT role, whole, read_only, schema_version, position,"
                          " sequence_durable, streams, pending FROM rv_status"),
                  "[\"root\",true,null,1,201,201,6,0]");
    RV_CHECK_TEXT(ask(&w, "SELECT (SELECT count(*) FROM rv_pending),"
                          " (SELECT count(*) FROM rv_rejections)"),
                  "[0,0]");
    RV_CHECK_TEXT(ask(&w, "DELETE FROM rv_events"), "sql_read_only");
    RV_CHECK_TEXT(ask(&w, "SELECT 1 FROM rv_status, pragma_table_list"), "sql_read_only");
    world_free(&w);
}

int main(void) {
    RV_RUN(events_are_rows);
    RV_RUN(queries_wait_for_the_disk);
    RV_RUN(queries_go_on_in_slices);
    RV_RUN(rows_change_under_a_query);
    RV_RUN(facts_are_those_of_the_node);
    return rv_test_done();
}
