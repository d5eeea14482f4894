/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what keeping a result up cannot do is done by running again, with the same result: too many
 * rows, groups, changes; a LIMIT whose rows have gone; a minimum that has; values that a function
 * cannot take back; several rows of another aggregate for one; no memory, at whatever point; a run
 * that is left. And what it can do it does.
 * Method: one aggregate, changes that lead there, and after each the kept up answer beside the one
 * asked for once. The nth taking from the heap fails, for every n until a run goes through, and a
 * run in slices is left after every number of them.
 * That any statement and any change go well is shown by reads_test.c.
 */
#include "tests/unit/sql/fixture.h"

static const char schema[] =
    "CREATE AGGREGATE t (id bigint PRIMARY KEY, k integer, s text, n numeric(12,2), m numeric);"
    "CREATE EVENT_TYPE made (id creates t(id), k updates t(k), s updates t(s), n updates t(n),"
    " m updates t(m));"
    "CREATE EVENT_TYPE changed (id references t(id), k updates t(k), s updates t(s),"
    " n updates t(n), m updates t(m));"
    "CREATE EVENT_TYPE gone (id deletes t(id));"
    "CREATE STREAM ts (path \"/t/{id}\" event_types (made, changed, gone));"
    "CREATE AGGREGATE one (id bigint PRIMARY KEY, name text);"
    "CREATE EVENT_TYPE one_made (id creates one(id), name updates one(name));"
    "CREATE STREAM ones (path \"/one/{id}\" event_types (one_made));"
    "CREATE AGGREGATE two (a bigint, z text, PRIMARY KEY (a, z));"
    "CREATE EVENT_TYPE two_made (a creates two(a), z creates two(z));"
    "CREATE STREAM twos (path \"/two/{a}/{z}\" event_types (two_made));"
    "CREATE AGGREGATE word (z text PRIMARY KEY);"
    "CREATE EVENT_TYPE word_made (z creates word(z));"
    "CREATE STREAM words (path \"/word/{z}\" event_types (word_made));";

/* The same with an index. */
static const char indexed[] =
    "CREATE AGGREGATE t (id bigint PRIMARY KEY, k integer, s text, INDEX (s));"
    "CREATE EVENT_TYPE made (id creates t(id), k updates t(k), s updates t(s));"
    "CREATE EVENT_TYPE changed (id references t(id), k updates t(k), s updates t(s));"
    "CREATE STREAM ts (path \"/t/{id}\" event_types (made, changed));";

static rv_sql_upkeep upkeep;
static rv_deltas since;
static char truth[FIXTURE_TEXT_MAX];
static bool kept_up; /* the last answer */

static void append(fixture *f, uint32_t id, const char *type, const char *data) {
    char path[32];
    snprintf(path, sizeof path, "/t/%u", id);
    RV_CHECK_STATUS(fixture_append(f, path, type, data), RV_OK);
}

/* A change gives all columns: what it does not say is NULL. Rows 1 to `count`, with k as the id and
 * s as the id's last digit. */
static fixture *open_under(const char *text, uint32_t count, size_t sql_memory,
                           uint64_t steps_max) {
    fixture *const f = fixture_open_sized(text, sql_memory, steps_max, 16u << 20);
    RV_ASSERT(f != NULL);
    upkeep = (rv_sql_upkeep){.other = NULL};
    since = (rv_deltas){.snapshot = {0}};
    for (uint32_t id = 1; id <= count; id++) {
        char data[64];
        snprintf(data, sizeof data, "{\"k\":%u,\"s\":\"s%u\",\"n\":%u.50}", id, id % 10, id);
        append(f, id, "made", data);
    }
    return f;
}

static fixture *open_with(uint32_t count, size_t sql_memory, uint64_t steps_max) {
    return open_under(schema, count, sql_memory, steps_max);
}

static void close_all(fixture *f) {
    rv_sql_upkeep_end(&upkeep);
    rv_deltas_drop(f->state, &since);
    fixture_close(f);
}

/* The rows of an answer as lines, or how it failed. */
static rv_bytes ask(fixture *f, rv_sql_upkeep *with, const char *text) {
    rv_sql_query *query = NULL;
    rv_writer out = rv_writer_over(f->text, sizeof f->text - 1);
    rv_status status = rv_sql_prepare_live(f->sql, with, rv_bytes_of_string(text), RV_LITERAL(""),
                                           &query, &f->err);
    kept_up = false;
    while (status == RV_OK && query != NULL) {
        status = rv_sql_step(query, &f->err);
        if (status == RV_OK) {
            rv_sql_row_to_json(query, &out);
        } else if (status == RV_SNAPSHOT_EXPIRED && rv_sql_again(query)) {
            out.len = 0;
            status = RV_OK;
        }
    }
    if (query != NULL) {
        kept_up = with != NULL && rv_sql_kept_up(query);
        rv_sql_finish(query);
    }
    RV_ASSERT(!out.full);
    return status == RV_END ? rv_writer_bytes(&out) : rv_bytes_of_string(rv_status_code(status));
}

/* The live answer is the one that is asked for once. */
static void compare(fixture *f, const char *text) {
    const rv_bytes once = ask(f, NULL, text);
    memcpy(truth, once.ptr, once.len);
    truth[once.len] = 0;
    upkeep.since = since.snapshot;
    RV_CHECK_TEXT(ask(f, &upkeep, text), truth);
    rv_deltas_keep(f->state, &since);
}

/* The same, with what is expected of it. */
static void expect(fixture *f, const char *text, bool up, const char *other) {
    compare(f, text);
    if (kept_up != up || (other == NULL) != upkeep.whole ||
        (other != NULL && strcmp(upkeep.other, other) != 0)) {
        RV_FAIL_AT_("%s: kept up %d, %s", text, kept_up, upkeep.whole ? "whole" : upkeep.other);
    }
}

RV_TEST(more_than_is_kept_runs_again) {
    static const char rows[] = "SELECT s FROM t WHERE k > 0";
    static const char groups[] = "SELECT k, count(*) FROM t GROUP BY k";
    fixture *const f = open_with(RV_UPKEEP_LEN_MAX / 4 + 1, 8u << 20, 0);
    expect(f, rows, false, "more rows than are kept");
    append(f, 7, "gone", "{}");
    expect(f, rows, false, NULL); /* one row less is not too many */
    append(f, 8, "gone", "{}");
    expect(f, rows, true, NULL);
    rv_sql_upkeep_end(&upkeep);
    expect(f, groups, false, "more groups than are kept");
    append(f, 9, "gone", "{}");
    expect(f, groups, false, "more groups than are kept");
    RV_CHECK_EQ(upkeep.memory, 0);
    close_all(f);
}

RV_TEST(more_changes_than_are_gone_through_run_again) {
    static const char text[] = "SELECT s, count(*), sum(k) FROM t GROUP BY s";
    fixture *const f = open_with(1000, 4u << 20, 0);
    expect(f, text, false, NULL);
    for (uint32_t id = 1; id <= RV_UPKEEP_CHANGES; id++) {
        append(f, id, "changed", "{\"k\":5}");
    }
    expect(f, text, true, NULL);
    for (uint32_t id = 1; id <= RV_UPKEEP_CHANGES + 1; id++) {
        append(f, id, "changed", "{\"k\":6}");
    }
    expect(f, text, false, NULL);
    upkeep.others = true; /* what the owner says */
    append(f, 1, "changed", "{\"k\":7}");
    expect(f, text, false, NULL);
    close_all(f);
}

RV_TEST(a_limit_lasts_as_long_as_its_slack) {
    static const char text[] = "SELECT id, s FROM t ORDER BY k DESC LIMIT 5";
    fixture *const f = open_with(200, 4u << 20, 0);
    uint32_t again = 0;
    expect(f, text, false, NULL);
    for (uint32_t i = 0; i < 2 * RV_UPKEEP_SLACK + 2; i++) {
        append(f, 200 - i, "gone", "{}");
        compare(f, text);
        again += !kept_up;
    }
    RV_CHECK_EQ(again, 2);
    append(f, 3, "changed", "{\"k\":1000}"); /* comes up, */
    expect(f, text, true, NULL);
    append(f, 3, "changed", "{\"k\":3}"); /* and goes */
    expect(f, text, true, NULL);
    close_all(f);
}

RV_TEST(what_went_is_looked_for) {
    static const char text[] = "SELECT count(*), min(k), max(s), numeric_sum(n), avg(k) FROM t";
    fixture *const f = open_with(50, 4u << 20, 0);
    expect(f, text, false, NULL);
    append(f, 1, "changed", "{\"k\":2}"); /* the minimum has gone: it may be any other */
    expect(f, text, false, NULL);
    append(f, 2, "changed", "{\"k\":1}"); /* a better one comes */
    expect(f, text, true, NULL);
    append(f, 2, "changed", "{\"k\":1,\"s\":\"t\"}");
    expect(f, text, true, NULL);
    append(f, 30, "gone", "{}");
    expect(f, text, true, NULL);
    for (uint32_t id = 1; id <= 50; id++) {
        if (id != 30) {
            append(f, id, "gone", "{}");
        }
    }
    expect(f, text, true, NULL); /* of no rows */
    append(f, 60, "made", "{\"k\":-3,\"s\":\"u\",\"n\":0.25}");
    expect(f, text, true, NULL);
    close_all(f);
}

/* As they are shown, too: with as many digits as the one of them with the most has. */
RV_TEST(sums_of_numerics_are_kept_up) {
    static const char text[] = "SELECT s, sum(n), avg(n), sum(m), avg(m), numeric_avg(k),"
                               " avg(coalesce(m, k)) FROM t GROUP BY s ORDER BY sum(n), s";
    static const char *const values[] = {"7",
                                         "\"999999999999999.5\"",
                                         "\"0.125000000\"",
                                         "-3.50",
                                         "\"1e2\"",
                                         "0.1",
                                         "\"-999999999999999\"",
                                         "\"123456789.123456789\"",
                                         "0",
                                         "null",
                                         "0.00010",
                                         "\"9007199254740991\"",
                                         "5.0",
                                         "12"};
    fixture *const f = open_with(20, 4u << 20, 0);
    expect(f, text, false, NULL);
    for (uint32_t i = 0; i < 60; i++) {
        char data[128];
        snprintf(data, sizeof data, "{\"k\":%u,\"s\":\"s%u\",\"n\":%s%u.%02u,\"m\":%s}", i, i % 3,
                 i % 2 == 0 ? "-" : "", i * 17, i * 7 % 100, values[i * 5 % 14]);
        append(f, 1 + i * 3 % 20, "changed", data);
        expect(f, text, true, NULL);
        RV_CHECK_PASSED();
    }
    append(f, 3, "gone", "{}");
    expect(f, text, true, NULL);
    close_all(f);
}

RV_TEST(groups_come_and_go) {
    static const char text[] =
        "SELECT s, sum(k) * 2, count(n) FROM t GROUP BY s HAVING sum(k) > 0 ORDER BY 2 DESC, 1";
    fixture *const f = open_with(20, 4u << 20, 0);
    expect(f, text, false, NULL);
    append(f, 1, "changed", "{\"s\":\"new\"}");
    expect(f, text, true, NULL);
    append(f, 11, "changed", "{\"s\":\"new\"}"); /* and s1 is gone */
    expect(f, text, true, NULL);
    append(f, 12, "changed", "{\"s\":\"s1\",\"k\":null,\"n\":null}");
    expect(f, text, true, NULL);
    append(f, 12, "changed", "{\"s\":\"s1\",\"k\":-100}");
    expect(f, text, true, NULL);
    close_all(f);
}

RV_TEST(what_cannot_be_taken_back_runs_as_it_was_written) {
    static const struct {
        const char *text;
        const char *change; /* that makes it so */
        const char *other;
    } cases[] = {
        {"SELECT sum(CASE WHEN k > 100 THEN k + 0.5 ELSE k END) FROM t", "{\"k\":101}",
         "a sum of REAL, which hangs on the order of rows: numeric_sum does not"},
        {"SELECT sum(k * 1000000000000) FROM t", "{\"k\":1000000}",
         "a sum of numbers as large as that"},
        {"SELECT avg(m) FROM t", "{\"m\":\"9007199254740992\"}",
         "a sum of numbers as large as that"},
        {"SELECT sum(m) FROM t", "{\"m\":\"1234567890123.123456\"}",
         "a sum of numbers as long as that"},
        {"SELECT sum(n) FROM t", "{\"n\":\"NaN\"}", "a sum of numbers as long as that"},
        {"SELECT max(CASE WHEN k > 100 THEN s ELSE k END) FROM t", "{\"k\":101,\"s\":\"a\"}",
         "a minimum or maximum of several types"},
        {"SELECT max(s) FROM t", "{\"s\":\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\"}",
         "a minimum or maximum of long texts"},
        {"SELECT min(-0.0 * k) FROM t WHERE k > 100", "{\"k\":101}",
         "a minimum or maximum of -0.0"},
        {"SELECT CASE WHEN k > 100 THEN k / 2.0 ELSE k END, count(*) FROM t GROUP BY 1",
         "{\"k\":102}", "groups of REAL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *const f = open_with(10, 4u << 20, 0);
        expect(f, cases[i].text, false, NULL);
        append(f, 4, "changed", "{\"k\":5}");
        expect(f, cases[i].text, true, NULL);
        append(f, 7, "changed", cases[i].change);
        expect(f, cases[i].text, false, cases[i].other);
        append(f, 7, "changed", "{\"k\":1,\"s\":\"s1\"}");
        expect(f, cases[i].text, false, cases[i].other); /* and for good */
        RV_CHECK_PASSED();
        close_all(f);
    }
}

/* Of an index: rows with one key, or between two, and many of them; in its order, where no other
 * one is said. */
RV_TEST(a_large_part_of_an_index_is_kept_up) {
    static const struct {
        const char *text;
        const char *other; /* NULL: it is kept up */
    } cases[] = {
        {"SELECT id, k FROM t WHERE s = 'large' AND k % 7 = 3", NULL},
        {"SELECT id, k FROM t WHERE s = 'large' AND k % 7 = 3 ORDER BY k DESC LIMIT 9", NULL},
        {"SELECT id, k FROM t WHERE s = 'small' AND k % 7 = 3", "a small part of an index is read"},
        {"SELECT id, k FROM t WHERE s >= 'large' AND k % 7 = 3", NULL},
        {"SELECT id, k FROM t WHERE s >= 'large' AND k % 7 = 3 ORDER BY s DESC LIMIT 250", NULL},
        {"SELECT id, k FROM t WHERE s BETWEEN 'large' AND 'small' ORDER BY k % 50", NULL},
        {"SELECT id, k FROM t ORDER BY s LIMIT 20", "a small part of an index is read"},
    };
    static const char *const changes[] = {
        "{\"k\":10,\"s\":\"large\"}", "{\"k\":10,\"s\":\"small\"}", "{\"k\":11,\"s\":\"small\"}",
        "{\"k\":11,\"s\":\"large\"}", "{\"k\":17,\"s\":\"large\"}", "{}"};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        fixture *const f = open_under(indexed, 0, 4u << 20, 0);
        for (uint32_t id = 1; id <= 1500; id++) {
            char data[64];
            snprintf(data, sizeof data, "{\"k\":%u,\"s\":\"%s\"}", id,
                     id % 50 == 0 ? "small" : "large");
            append(f, id, "made", data);
        }
        expect(f, cases[c].text, false, cases[c].other);
        for (uint32_t i = 0; i < 24; i++) {
            append(f, 1 + i * 211 % 1500, "changed", changes[i % 6]);
            expect(f, cases[c].text, cases[c].other == NULL, cases[c].other);
            RV_CHECK_PASSED();
        }
        close_all(f);
    }
}

/* one 1 … 30; two 1 … 30, each with p and q; and numbers as texts, 5 in three ways. */
static void add_others(fixture *f) {
    static const char *const words[] = {"/word/4", "/word/5", "/word/5.0", "/word/05", "/word/6"};
    char path[32];
    char data[32];
    for (uint32_t i = 1; i <= 30; i++) {
        snprintf(path, sizeof path, "/one/%u", i);
        snprintf(data, sizeof data, "{\"name\":\"n%u\"}", i % 4);
        RV_CHECK_STATUS(fixture_append(f, path, "one_made", data), RV_OK);
        snprintf(path, sizeof path, "/two/%u/p", i);
        RV_CHECK_STATUS(fixture_append(f, path, "two_made", "{}"), RV_OK);
        path[strlen(path) - 1] = 'q';
        RV_CHECK_STATUS(fixture_append(f, path, "two_made", "{}"), RV_OK);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        RV_CHECK_STATUS(fixture_append(f, words[i], "word_made", "{}"), RV_OK);
    }
}

RV_TEST(several_rows_by_key_for_one_run_again) {
    static const char other[] = "several rows are looked up by key for one";
    static const struct {
        const char *text;
        const char *other;
    } cases[] = {
        {"SELECT t.id, t.s, o.name FROM t JOIN one o ON o.id IN (t.k, t.id)", other},
        {"SELECT o.name, count(*), sum(k) FROM t JOIN one o ON o.id IN (t.k, 7) GROUP BY o.name",
         other},
        {"SELECT t.id, o.name FROM t JOIN one o ON (o.id = t.k OR o.id = t.id)", other},
        {"SELECT t.id, o.name FROM t JOIN one o ON ((o.id = t.k AND o.name || '' <> 'n1') OR "
         "(o.id = t.id AND t.s || '' <> 's2'))",
         other},
        {"SELECT t.s, w.z FROM t LEFT JOIN two w ON w.a = t.k AND w.z IN ('p', 'q')", other},
        {"SELECT w.z, count(*) FROM t JOIN two w ON w.a = t.k AND w.z IN ('p', 'q') GROUP BY w.z",
         other},
        {"SELECT t.id, w.z FROM t JOIN word w ON w.z = t.k",
         "more is gone through than one aggregate, once"},
        {"SELECT t.id, o.name FROM t JOIN one o ON o.id IN (t.k, t.k)", NULL}, /* the same one */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *const f = open_with(12, 4u << 20, 0);
        add_others(f);
        expect(f, cases[i].text, false, i == 0 || i == 2 ? NULL : cases[i].other);
        append(f, 5, "changed", "{\"s\":\"x\",\"k\":6}"); /* k is the id until here */
        compare(f, cases[i].text);
        expect(f, cases[i].text, cases[i].other == NULL, cases[i].other);
        append(f, 5, "changed", "{\"s\":\"y\",\"k\":8}");
        expect(f, cases[i].text, cases[i].other == NULL, cases[i].other);
        append(f, 5, "gone", "{}");
        compare(f, cases[i].text);
        RV_CHECK_PASSED();
        close_all(f);
    }
}

/* Runs in slices until `most` of them are through or it ends. */
static rv_status run_slices(fixture *f, rv_sql_query *query, uint32_t most) {
    rv_status status = RV_PENDING;
    for (uint32_t i = 0; i < most && status == RV_PENDING; i++) {
        do {
            status = rv_sql_step(query, &f->err);
        } while (status == RV_OK);
    }
    return status;
}

/* Left after every number of slices: begun again, finished, or with all that SQL has. */
RV_TEST(a_run_that_is_left_notes_nothing) {
    static const char *const texts[] = {
        "SELECT count(*), sum(k), max(s), numeric_sum(n) FROM t",
        "SELECT s, count(*), min(k), numeric_sum(n) FROM t GROUP BY s ORDER BY 2, 1",
    };
    for (size_t i = 0; i < 2; i++) {
        rv_status status = RV_PENDING;
        for (uint32_t most = 1; status == RV_PENDING; most++) {
            RV_CHECK(most < 200);
            fixture *const f = open_with(60, 4u << 20, 0);
            rv_sql_context *const previous = rv_sql_enter(&f->sql->context);
            f->sql->steps_slice = 100;
            rv_sql_guard_install(f->sql);
            rv_sql_leave(previous);
            for (uint32_t way = 0; way < 3; way++) {
                rv_sql_query *query = NULL;
                RV_CHECK_STATUS(rv_sql_prepare_live(f->sql, &upkeep, rv_bytes_of_string(texts[i]),
                                                    RV_LITERAL(""), &query, &f->err),
                                RV_OK);
                status = run_slices(f, query, most);
                for (uint32_t id = 1; id <= 60 && way == 0; id++) {
                    append(f, id, "gone", "{}"); /* no row is where it was */
                }
                if (way == 0 && status == RV_PENDING) {
                    RV_CHECK(rv_sql_again(query));
                    RV_CHECK_STATUS(run_slices(f, query, 1000), RV_END);
                    RV_CHECK_EQ(upkeep.count, 0);
                }
                if (way < 2) {
                    rv_sql_finish(query);
                    rv_sql_upkeep_end(&upkeep);
                }
                for (uint32_t id = 1; id <= 60 && way == 0; id++) {
                    append(f, id, "made", "{\"k\":3,\"s\":\"s\",\"n\":1.5}");
                }
            }
            rv_sql_destroy(f->sql); /* with the last one open */
            f->sql = NULL;
            upkeep = (rv_sql_upkeep){.other = NULL};
            fixture_close(f);
        }
        RV_CHECK_STATUS(status, RV_END);
    }
}

/* As many steps as the statement takes when it is asked for once are enough. */
RV_TEST(steps_that_are_short_do_not_end_it) {
    static const char text[] = "SELECT count(*), sum(k), max(s) FROM t";
    bool enough = false;
    for (uint64_t steps = 1000; !enough; steps += 1000) {
        fixture *const f = open_with(1000, 4u << 20, steps);
        RV_CHECK(steps < 100000);
        enough = !rv_bytes_are(ask(f, NULL, text), "sql_limit");
        if (enough) {
            expect(f, text, false, "more steps than there may be");
        }
        close_all(f);
    }
}

RV_TEST(memory_is_shared) {
    fixture *const f = open_with(200, 2u << 20, 0);
    rv_sql_upkeep many[64] = {{.other = NULL}};
    uint32_t whole = 0;
    for (uint32_t i = 0; i < 64; i++) { /* a quarter of the memory is theirs, together */
        char one[64];
        snprintf(one, sizeof one, "SELECT k, count(*) FROM t WHERE k <> %u GROUP BY k", i);
        (void)ask(f, &many[i], one);
        whole += many[i].whole;
    }
    RV_CHECK(whole > 4 && whole < 40);
    rv_sql_upkeep_end(&many[0]);
    RV_CHECK(many[0].memory == 0 && f->sql->upkeeps != NULL);
    for (uint32_t i = 1; i < 64; i++) {
        rv_sql_upkeep_end(&many[i]);
    }
    RV_CHECK(f->sql->upkeeps == NULL);
    close_all(f);
}

/* The nth taking fails in an answer that runs over everything, and in one over what was kept. */
RV_TEST(the_nth_taking_fails) {
    static const char *const texts[] = {
        "SELECT id, s FROM t WHERE k > 3 ORDER BY s DESC, id LIMIT 4",
        "SELECT s, count(*), max(k) FROM t GROUP BY s ORDER BY 2, 1",
    };
    fixture *const f = open_with(30, 2u << 20, 0);
    for (size_t i = 0; i < 2; i++) {
        bool through = false;
        (void)ask(f, NULL, "SELECT * FROM nothing"); /* room for a message is kept from now on */
        fixture_forget(f);
        for (uint64_t n = 1; !through; n++) {
            RV_CHECK(n < 10000);
            for (uint32_t kept = 0; kept < 2; kept++) {
                append(f, 5, "changed", n % 2 == 0 ? "{\"s\":\"a\"}" : "{\"s\":\"z\"}");
                const rv_bytes once = ask(f, NULL, texts[i]);
                memcpy(truth, once.ptr, once.len);
                truth[once.len] = 0;
                upkeep.since = since.snapshot;
                f->sql->context.heap.fail_in = n;
                const rv_bytes met = ask(f, &upkeep, texts[i]);
                through = f->sql->context.heap.fail_in > 0;
                f->sql->context.heap.fail_in = 0;
                if (!rv_bytes_are(met, "memory_exhausted")) {
                    RV_CHECK_TEXT(met, truth);
                }
                RV_CHECK(rv_sql_heap_intact(&f->sql->context.heap));
                rv_deltas_keep(f->state, &since);
                upkeep.never = false;
                RV_CHECK_TEXT(ask(f, &upkeep, texts[i]), truth);
            }
        }
        rv_sql_upkeep_end(&upkeep);
    }
    close_all(f);
}

int main(void) {
    RV_RUN(more_than_is_kept_runs_again);
    RV_RUN(more_changes_than_are_gone_through_run_again);
    RV_RUN(a_limit_lasts_as_long_as_its_slack);
    RV_RUN(what_went_is_looked_for);
    RV_RUN(sums_of_numerics_are_kept_up);
    RV_RUN(groups_come_and_go);
    RV_RUN(what_cannot_be_taken_back_runs_as_it_was_written);
    RV_RUN(a_large_part_of_an_index_is_kept_up);
    RV_RUN(several_rows_by_key_for_one_run_again);
    RV_RUN(a_run_that_is_left_notes_nothing);
    RV_RUN(steps_that_are_short_do_not_end_it);
    RV_RUN(memory_is_shared);
    RV_RUN(the_nth_taking_fails);
    return rv_test_done();
}
