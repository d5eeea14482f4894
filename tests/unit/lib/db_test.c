/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the C interface (rivulet/rivulet.h) does what its header says, over a host of the caller's:
 * what is appended is read back by feed, row, query and JSON; errors name what the header names;
 * handles are bounded; a database opened again is the same.
 * Method: a bank on a memory host; each answer against what the events say by hand.
 */
#include "core/base/bytes.h"
#include "core/base/limits.h"
#include "tests/unit/lib/bank.h"

#if !defined(__wasm__) /* which has one thread */
#include <pthread.h>
#include <sched.h>
#endif

RV_TEST(an_event_is_given_back_as_it_was_accepted) {
    bank b = bank_filled();
    rv_db_event event;
    RV_CHECK_STATUS(append(&b, "/accounts/2", "deposited", "{\"amount\":7}", &event), RV_OK);
    RV_CHECK_EQ(event.sequence, 5);
    RV_CHECK_EQ(event.position, 5);
    RV_CHECK_EQ(event.version, 2);
    RV_CHECK_TEXT(event.path, "/accounts/2");
    RV_CHECK_TEXT(event.type, "deposited");
    RV_CHECK(event.batch_end);
    rv_datum amount;
    RV_CHECK_STATUS(rv_db_event_field(b.db, &event, rv_text("amount"), &amount, &b.err), RV_OK);
    RV_CHECK_EQ(amount.kind, RV_DATUM_TEXT);
    RV_CHECK_TEXT(amount.bytes, "7.00");
    RV_CHECK_STATUS(rv_db_event_field(b.db, &event, rv_text("id"), &amount, &b.err), RV_OK);
    RV_CHECK_EQ(amount.kind, RV_DATUM_INTEGER);
    RV_CHECK_EQ(amount.integer, 2);
    RV_CHECK_STATUS(rv_db_event_field(b.db, &event, rv_text("colour"), &amount, &b.err),
                    RV_UNKNOWN_FIELD);
    uint8_t bytes[512];
    rv_buffer out = {bytes, sizeof bytes, 0};
    RV_CHECK_STATUS(rv_db_event_data_json(b.db, &event, &out), RV_OK);
    RV_CHECK_TEXT(((rv_bytes){out.ptr, out.len}), "{\"id\":2,\"amount\":7.00}");
    RV_CHECK_STATUS(rv_db_event_json(b.db, &event, &out), RV_OK);
    RV_CHECK(out.len > 100 && memcmp(bytes, "{\"position\":5,\"path\":\"/accounts/2\"", 33) == 0);
    out.cap = 20;
    RV_CHECK_STATUS(rv_db_event_json(b.db, &event, &out), RV_MEMORY_EXHAUSTED);
    RV_CHECK_EQ(rv_db_stream_version(b.db, rv_text("/accounts/2")), 2);
    RV_CHECK_EQ(rv_db_stream_version(b.db, rv_text("/accounts/9")), 0);
    bank_free(&b);
}

RV_TEST(refusals_are_those_of_the_header) {
    bank b = bank_filled();
    rv_db_event event;
    RV_CHECK_STATUS(append(&b, "/accounts/1", "deposited", "{\"amount\":-13}", &event),
                    RV_CHECK_VIOLATION);
    RV_CHECK(strstr(b.err.facts, "\"aggregate\":\"account\"") != NULL);
    RV_CHECK_STATUS(append(&b, "/accounts/7", "deposited", "{\"amount\":1}", &event),
                    RV_UNKNOWN_REFERENCE);
    RV_CHECK_STATUS(append(&b, "/nothing", "deposited", "{\"amount\":1}", &event),
                    RV_UNKNOWN_STREAM);
    RV_CHECK_STATUS(rv_db_schema_check(b.db, rv_text("CREATE AGGREGATE x (a)"), &b.err),
                    RV_SCHEMA_SYNTAX);
    RV_CHECK(strstr(b.err.facts, "\"column\":23") != NULL ||
             strstr(b.err.facts, "\"column\":22") != NULL);
    rv_append two[2] = {{.path = rv_text("/accounts/1"),
                         .type = rv_text("deposited"),
                         .data = rv_text("{\"amount\":1}")},
                        {.path = rv_text("/accounts/1"),
                         .type = rv_text("deposited"),
                         .data = rv_text("{\"amount\":1}"),
                         .expected = RV_EXPECTED_NUMBER,
                         .expected_version = 9}};
    RV_CHECK_STATUS(rv_db_append(b.db, two, 2, NULL, &b.err), RV_VERSION_CONFLICT);
    RV_CHECK(strstr(b.err.facts, "\"index\":1") != NULL);
    RV_CHECK_EQ(rv_db_stream_version(b.db, rv_text("/accounts/1")), 2);
    RV_CHECK_STATUS(rv_db_append(b.db, two, RV_BATCH_EVENTS_MAX + 1, NULL, &b.err),
                    RV_BATCH_TOO_LARGE);
    bank_free(&b);
}

RV_TEST(rows_are_found_walked_and_shown) {
    bank b = bank_filled();
    rv_db_aggregate account;
    RV_CHECK_EQ(rv_db_aggregate_count(b.db), 1);
    RV_CHECK_STATUS(rv_db_aggregate_named(b.db, rv_text("acount"), &account, &b.err),
                    RV_UNKNOWN_AGGREGATE);
    RV_CHECK_STATUS(rv_db_aggregate_named(b.db, rv_text("account"), &account, &b.err), RV_OK);
    RV_CHECK_EQ(account.row_count, 2);
    RV_CHECK_EQ(account.column_count, 6);
    rv_db_column column;
    rv_db_column_at(b.db, account.number, 3, &column);
    RV_CHECK_TEXT(column.name, "balance");
    RV_CHECK_TEXT(column.type, "numeric(12,2)");
    RV_CHECK(column.not_null && !column.key);
    rv_bytes key = rv_text("1");
    rv_db_row row;
    RV_CHECK_STATUS(rv_db_row_find(b.db, account.number, &key, 1, &row, &b.err), RV_OK);
    rv_datum datum;
    RV_CHECK_STATUS(rv_db_row_datum(b.db, row, 3, &datum, &b.err), RV_OK);
    RV_CHECK_TEXT(datum.bytes, "12.50");
    RV_CHECK_STATUS(rv_db_row_datum(b.db, row, 2, &datum, &b.err), RV_OK);
    RV_CHECK_TEXT(datum.bytes, "free");
    RV_CHECK_STATUS(rv_db_row_datum(b.db, row, 4, &datum, &b.err), RV_OK);
    RV_CHECK_EQ(datum.kind, RV_DATUM_BYTES);
    RV_CHECK(datum.bytes.len == 2 && datum.bytes.ptr[1] == 0xff);
    RV_CHECK_STATUS(rv_db_row_datum(b.db, row, 5, &datum, &b.err), RV_OK);
    RV_CHECK(datum.kind == RV_DATUM_BOOLEAN && datum.integer == 1);
    uint8_t bytes[256];
    rv_buffer out = {bytes, sizeof bytes, 0};
    RV_CHECK_STATUS(rv_db_row_json(b.db, row, &out), RV_OK);
    RV_CHECK_TEXT(((rv_bytes){out.ptr, out.len}),
                  "{\"id\":1,\"name\":\"ada\",\"plan\":\"free\",\"balance\":12.50,"
                  "\"logo\":\"\\\\x00ff\",\"open\":true}");
    key = rv_text("3");
    RV_CHECK_STATUS(rv_db_row_find(b.db, account.number, &key, 1, &row, &b.err), RV_ROW_NOT_FOUND);
    RV_CHECK_STATUS(rv_db_row_find(b.db, account.number, &key, 0, &row, &b.err),
                    RV_PARAMETER_INVALID);
    key = rv_text("one");
    RV_CHECK_STATUS(rv_db_row_find(b.db, account.number, &key, 1, &row, &b.err), RV_VALUE_INVALID);
    row = rv_db_row_start(account.number);
    int64_t sum = 0;
    int count = 0;
    while (rv_db_row_next(b.db, &row) == RV_OK) {
        RV_CHECK_STATUS(rv_db_row_datum(b.db, row, 0, &datum, &b.err), RV_OK);
        sum += datum.integer;
        count += 1;
    }
    RV_CHECK(count == 2 && sum == 3);
    bank_free(&b);
}

/* The last change's row, or with `old` what it was, as JSON. */
static const char *changed_row(rv_db_changes *changes, bool old) {
    static uint8_t text[256];
    rv_buffer out = {.ptr = text, .cap = sizeof text - 1};
    if (rv_db_changes_json(changes, old, &out) != RV_OK) {
        return "none";
    }
    text[out.len] = 0;
    return (const char *)text;
}

RV_TEST(what_becomes_of_rows_is_told_with_the_rows_first) {
    bank b = bank_filled();
    rv_db_changes *changes;
    rv_db_change change;
    rv_db_aggregate account;
    rv_datum datum;
    rv_db_event event;
    RV_CHECK_STATUS(rv_db_aggregate_named(b.db, rv_text("account"), &account, &b.err), RV_OK);
    const rv_bytes where = rv_text("balance < 100");
    RV_CHECK_STATUS(rv_db_changes_open(b.db, account.number, where, true, &changes, &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_changes_next(changes, &change, &b.err), RV_OK);
    RV_CHECK(change.kind == RV_DB_CHANGE_RESET && !change.has_old && !change.has_row);
    uint64_t rows = 0;
    while (rv_db_changes_next(changes, &change, &b.err) == RV_OK &&
           change.kind == RV_DB_CHANGE_ROW) {
        RV_CHECK(change.has_row && !change.has_old);
        rows += 1;
    }
    RV_CHECK_EQ(rows, account.row_count);
    RV_CHECK(change.kind == RV_DB_CHANGE_STEP);
    RV_CHECK_STATUS(rv_db_changes_next(changes, &change, &b.err), RV_END);
    RV_CHECK_STATUS(append(&b, "/accounts/2", "deposited", "{\"amount\":1}", &event), RV_OK);
    RV_CHECK_STATUS(rv_db_changes_next(changes, &change, &b.err), RV_OK);
    RV_CHECK(change.kind == RV_DB_CHANGE_UPDATE && change.has_old && change.has_row);
    RV_CHECK_EQ(change.position, event.position);
    RV_CHECK_STATUS(rv_db_changes_datum(changes, false, 0, &datum, &b.err), RV_OK);
    RV_CHECK_EQ(datum.integer, 2);
    RV_CHECK(strstr(changed_row(changes, true), "\"balance\":0.00") != NULL);
    RV_CHECK(strstr(changed_row(changes, false), "\"balance\":1.00") != NULL);
    RV_CHECK_STATUS(rv_db_changes_next(changes, &change, &b.err), RV_OK);
    RV_CHECK(change.kind == RV_DB_CHANGE_STEP && change.position == event.position);
    RV_CHECK_STATUS(append(&b, "/accounts/2", "deposited", "{\"amount\":99}", &event), RV_OK);
    RV_CHECK_STATUS(rv_db_changes_next(changes, &change, &b.err), RV_OK);
    RV_CHECK(change.kind == RV_DB_CHANGE_LEAVE && change.has_old && change.has_row);
    rv_db_changes_close(changes);
    rv_db_changes_close(NULL);
    /* only what comes; handles and texts are bounded */
    RV_CHECK_STATUS(
        rv_db_changes_open(b.db, account.number, rv_text("blance < 1"), false, &changes, &b.err),
        RV_SELECTION_INVALID);
    static uint8_t spaces[RV_DB_CHANGES_TEXT_MAX + 1];
    RV_CHECK_STATUS(rv_db_changes_open(b.db, account.number, (rv_bytes){spaces, sizeof spaces},
                                       false, &changes, &b.err),
                    RV_PARAMETER_INVALID);
    rv_db_changes *all[RV_DB_CHANGES_MAX];
    for (int i = 0; i < RV_DB_CHANGES_MAX; i++) {
        RV_CHECK_STATUS(
            rv_db_changes_open(b.db, account.number, (rv_bytes){NULL, 0}, false, &all[i], &b.err),
            RV_OK);
        RV_CHECK_STATUS(rv_db_changes_next(all[i], &change, &b.err), RV_END);
    }
    RV_CHECK_STATUS(
        rv_db_changes_open(b.db, account.number, (rv_bytes){NULL, 0}, false, &changes, &b.err),
        RV_BUSY);
    RV_CHECK_STATUS(append(&b, "/accounts/1", "deposited", "{\"amount\":2}", &event), RV_OK);
    for (int i = 0; i < RV_DB_CHANGES_MAX; i++) {
        RV_CHECK_STATUS(rv_db_changes_next(all[i], &change, &b.err), RV_OK);
        RV_CHECK(change.kind == RV_DB_CHANGE_UPDATE);
        rv_db_changes_close(all[i]);
    }
    bank_free(&b);
}

RV_TEST(a_feed_goes_from_history_to_what_comes) {
    bank b = bank_filled();
    rv_db_feed *feed;
    const rv_bytes pattern = rv_text("/accounts/1");
    RV_CHECK_STATUS(rv_db_feed_open(b.db, &pattern, 1, 1, &feed, &b.err), RV_OK);
    rv_db_event event;
    RV_CHECK_STATUS(rv_db_feed_next(feed, &event, &b.err), RV_OK);
    RV_CHECK_TEXT(event.type, "opened");
    RV_CHECK_STATUS(rv_db_feed_next(feed, &event, &b.err), RV_OK);
    RV_CHECK_TEXT(event.type, "deposited");
    RV_CHECK_STATUS(rv_db_feed_next(feed, &event, &b.err), RV_END);
    RV_CHECK_STATUS(append(&b, "/accounts/2", "deposited", "{\"amount\":1}", &event), RV_OK);
    RV_CHECK_STATUS(append(&b, "/accounts/1", "deposited", "{\"amount\":2}", &event), RV_OK);
    RV_CHECK_STATUS(rv_db_feed_next(feed, &event, &b.err), RV_OK);
    RV_CHECK_EQ(event.sequence, 6);
    RV_CHECK_EQ(rv_db_feed_cursor(feed), 7);
    rv_db_feed_close(feed);
    RV_CHECK_STATUS(rv_db_feed_open(b.db, NULL, 0, 6, &feed, &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_feed_next(feed, &event, &b.err), RV_OK);
    RV_CHECK_EQ(event.sequence, 6);
    rv_db_feed_close(feed);
    bank_free(&b);
}

/* Sequences that the feed gives, added up in decimal: 4, then 6 is 46. */
static uint64_t given_by(bank *b, rv_db_feed *feed) {
    uint64_t all = 0;
    rv_db_event event;
    rv_status status = RV_OK;
    while (status == RV_OK || status == RV_PENDING) {
        status = rv_db_feed_next(feed, &event, &b->err);
        all = status == RV_OK ? all * 10 + event.sequence : all;
        polled(b);
    }
    return status == RV_END ? all : 0;
}

RV_TEST(a_feed_is_narrowed_to_types_a_condition_and_a_time) {
    bank b = bank_filled();
    rv_db_feed *feed;
    rv_db_event event;
    const rv_bytes types[] = {rv_text("deposited"), rv_text("opened")};
    const rv_bytes odd = rv_text("withdrawn");
    const rv_bytes where = rv_text("amount > 5");
    RV_CHECK_STATUS(append(&b, "/accounts/2", "deposited", "{\"amount\":3}", &event), RV_OK);
    rv_memory_host_set_clock(b.storage, INT64_C(1700000010000000));
    RV_CHECK_STATUS(append(&b, "/accounts/2", "deposited", "{\"amount\":6}", &event), RV_OK);
    const int64_t late = event.recorded_at;
    RV_CHECK_STATUS(append(&b, "/accounts/2", "opened", "{\"name\":\"eve\"}", &event),
                    RV_ROW_EXISTS);
    RV_CHECK_STATUS(append(&b, "accounts", "opened", "{\"name\":\"eve\"}", &event), RV_OK);
    RV_CHECK_STATUS(rv_db_feed_open(b.db, NULL, 0, 1, &feed, &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_feed_narrow(feed, &odd, 1, rv_text(""), &b.err), RV_UNKNOWN_EVENT_TYPE);
    RV_CHECK_STATUS(rv_db_feed_narrow(feed, NULL, 0, where, &b.err), RV_PARAMETER_INVALID);
    RV_CHECK_STATUS(rv_db_feed_narrow(feed, types, 2, where, &b.err), RV_SELECTION_INVALID);
    RV_CHECK_EQ(given_by(&b, feed), 234567); /* narrowed to nothing */
    rv_db_feed_close(feed);
    RV_CHECK_STATUS(rv_db_feed_open(b.db, NULL, 0, 1, &feed, &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_feed_narrow(feed, types, 1, where, &b.err), RV_OK);
    RV_CHECK_EQ(given_by(&b, feed), 46);
    RV_CHECK_STATUS(append(&b, "/accounts/1", "deposited", "{\"amount\":5}", &event), RV_OK);
    RV_CHECK_STATUS(append(&b, "/accounts/1", "deposited", "{\"amount\":50}", &event), RV_OK);
    RV_CHECK_EQ(given_by(&b, feed), 9);
    rv_db_feed_close(feed);
    RV_CHECK_STATUS(rv_db_feed_open(b.db, NULL, 0, 1, &feed, &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_feed_narrow(feed, types + 1, 1, rv_text(""), &b.err), RV_OK);
    rv_db_feed_from_time(feed, late);
    RV_CHECK_EQ(given_by(&b, feed), 7);
    rv_db_feed_close(feed);
    RV_CHECK_STATUS(rv_db_feed_open(b.db, NULL, 0, 1, &feed, &b.err), RV_OK);
    rv_db_feed_from_time(feed, late);
    RV_CHECK_EQ(given_by(&b, feed), 6789);
    rv_db_feed_close(feed);
    bank_free(&b);
}

RV_TEST(handles_are_bounded_and_bad_patterns_refused) {
    bank b = bank_filled();
    rv_db_feed *feeds[RV_DB_FEEDS_MAX];
    rv_db_feed *feed;
    for (int i = 0; i < RV_DB_FEEDS_MAX; i++) {
        RV_CHECK_STATUS(rv_db_feed_open(b.db, NULL, 0, 1, &feeds[i], &b.err), RV_OK);
    }
    RV_CHECK_STATUS(rv_db_feed_open(b.db, NULL, 0, 1, &feed, &b.err), RV_BUSY);
    RV_CHECK(feed == NULL);
    rv_db_feed_close(feeds[3]);
    RV_CHECK_STATUS(rv_db_feed_open(b.db, NULL, 0, 1, &feed, &b.err), RV_OK);
    rv_db_feed_close(feed);
    rv_bytes patterns[RV_DB_FEED_PATTERNS_MAX + 1];
    for (int i = 0; i <= RV_DB_FEED_PATTERNS_MAX; i++) {
        patterns[i] = rv_text("no slash");
    }
    RV_CHECK_STATUS(rv_db_feed_open(b.db, patterns, 1, 1, &feed, &b.err), RV_PATH_INVALID);
    RV_CHECK_STATUS(rv_db_feed_open(b.db, patterns, RV_DB_FEED_PATTERNS_MAX + 1, 1, &feed, &b.err),
                    RV_SELECTION_INVALID);
    bank_free(&b);
}

RV_TEST(queries_see_the_rows) {
    bank b = bank_filled();
    rv_db_query *query;
    RV_CHECK_STATUS(rv_db_query_open(b.db,
                                     rv_text("select name, balance from account where id > ?"
                                             " order by id"),
                                     rv_text("[0]"), &query, &b.err),
                    RV_OK);
    uint8_t bytes[256];
    rv_buffer out = {bytes, sizeof bytes, 0};
    RV_CHECK_STATUS(rv_db_query_columns_json(query, &out), RV_OK);
    RV_CHECK_TEXT(((rv_bytes){out.ptr, out.len}),
                  "[{\"name\":\"name\",\"type\":\"varchar(10)\"},"
                  "{\"name\":\"balance\",\"type\":\"numeric(12,2)\"}]");
    RV_CHECK_STATUS(rv_db_query_next(query, &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_query_row_json(query, &out), RV_OK);
    RV_CHECK_TEXT(((rv_bytes){out.ptr, out.len}), "[\"ada\",12.50]");
    RV_CHECK_STATUS(rv_db_query_next(query, &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_query_next(query, &b.err), RV_END);
    rv_db_query_close(query);
    RV_CHECK_STATUS(
        rv_db_query_open(b.db, rv_text("delete from account"), rv_text(""), &query, &b.err),
        RV_SQL_READ_ONLY);
    RV_CHECK_STATUS(rv_db_query_open(b.db, rv_text("selec"), rv_text(""), &query, &b.err),
                    RV_SQL_INVALID);
    bank_free(&b);
}

#if !defined(__wasm__)

static const char endless[] =
    "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";

static void *interrupt_until_done(void *context) {
    bank *const b = context;
    while (!atomic_load(&b->done)) {
        rv_db_interrupt(b->db);
        sched_yield();
    }
    return NULL;
}

/* A query without an end is ended by another thread, whenever that comes; the database serves on.
 */
RV_TEST(another_thread_ends_a_query) {
    bank b = bank_filled();
    for (int i = 0; i < 20; i++) {
        rv_db_query *query;
        pthread_t thread;
        atomic_store(&b.done, false);
        RV_CHECK_STATUS(rv_db_query_open(b.db, rv_text(endless), rv_text(""), &query, &b.err),
                        RV_OK);
        RV_CHECK_EQ(pthread_create(&thread, NULL, interrupt_until_done, &b), 0);
        RV_CHECK_STATUS(rv_db_query_next(query, &b.err), RV_INTERRUPTED);
        atomic_store(&b.done, true);
        RV_CHECK_EQ(pthread_join(thread, NULL), 0);
        rv_db_query_close(query);
        RV_CHECK_STATUS(rv_db_query_open(b.db, rv_text("select 1"), rv_text(""), &query, &b.err),
                        RV_OK);
        RV_CHECK_STATUS(rv_db_query_next(query, &b.err), RV_OK);
        RV_CHECK_STATUS(rv_db_query_next(query, &b.err), RV_END);
        rv_db_query_close(query);
    }
    bank_free(&b);
}

#endif

RV_TEST(an_interrupt_ends_what_is_open_and_nothing_else) {
    bank b = bank_filled();
    rv_db_query *queries[3];
    for (int i = 0; i < 2; i++) {
        RV_CHECK_STATUS(rv_db_query_open(b.db, rv_text("select id from account order by id"),
                                         rv_text(""), &queries[i], &b.err),
                        RV_OK);
    }
    RV_CHECK_STATUS(rv_db_query_next(queries[0], &b.err), RV_OK);
    rv_db_interrupt(b.db);
    RV_CHECK_STATUS(rv_db_query_open(b.db, rv_text("select 1"), rv_text(""), &queries[2], &b.err),
                    RV_OK);
    RV_CHECK_STATUS(rv_db_query_next(queries[0], &b.err), RV_INTERRUPTED);
    RV_CHECK_STATUS(rv_db_query_next(queries[0], &b.err), RV_INTERRUPTED);
    RV_CHECK_STATUS(rv_db_query_next(queries[1], &b.err), RV_INTERRUPTED);
    RV_CHECK_STATUS(rv_db_query_next(queries[2], &b.err), RV_OK);
    for (int i = 0; i < 3; i++) {
        rv_db_query_close(queries[i]);
    }
    bank_free(&b);
}

static rv_status past_reach(bank *b, rv_db_past *past, rv_db_place place) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < 100000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_db_past_reach(past, &place, &b->err);
        const rv_status polled = rv_db_poll(b->db, NULL);
        (void)polled;
    }
    return status;
}

static void check_past(bank *b, rv_db_past *past, const char *expected) {
    rv_db_query *query = NULL;
    uint8_t bytes[256];
    rv_buffer out = {bytes, sizeof bytes, 0};
    RV_CHECK_STATUS(rv_db_past_query_open(past, rv_text("select name, balance from account"),
                                          rv_text(""), &query, &b->err),
                    RV_OK);
    RV_CHECK_STATUS(rv_db_query_next(query, &b->err), RV_OK);
    RV_CHECK_STATUS(rv_db_query_row_json(query, &out), RV_OK);
    RV_CHECK_TEXT(((rv_bytes){out.ptr, out.len}), expected);
}

/* At position 2 there is one row, and no other aggregate than the first. */
static void check_past_rows(bank *b, rv_db_past *past) {
    rv_db_row row, next = rv_db_row_start(0);
    rv_datum datum;
    uint8_t bytes[256];
    rv_buffer out = {bytes, sizeof bytes, 0};
    rv_bytes key = rv_text("1");
    RV_CHECK_STATUS(rv_db_schema_apply(b->db,
                                       rv_text("CREATE AGGREGATE later (id bigint PRIMARY KEY);"),
                                       NULL, &b->err),
                    RV_OK);
    RV_CHECK_STATUS(rv_db_past_row_find(past, 0, &key, 1, &row, &b->err), RV_OK);
    RV_CHECK_STATUS(rv_db_past_row_datum(past, row, 3, &datum, &b->err), RV_OK);
    RV_CHECK_TEXT(datum.bytes, "0.00");
    RV_CHECK_STATUS(rv_db_past_row_json(past, row, &out), RV_OK);
    bytes[out.len] = 0;
    RV_CHECK(strstr((const char *)bytes, "\"balance\":0.00") != NULL);
    RV_CHECK_STATUS(rv_db_past_row_next(past, &next), RV_OK);
    RV_CHECK_EQ(next.place, row.place);
    RV_CHECK_STATUS(rv_db_past_row_next(past, &next), RV_END);
    next = rv_db_row_start(1);
    RV_CHECK_STATUS(rv_db_past_row_next(past, &next), RV_END);
    RV_CHECK_STATUS(rv_db_past_row_find(past, 1, &key, 1, &row, &b->err), RV_UNKNOWN_AGGREGATE);
    key = rv_text("2");
    RV_CHECK_STATUS(rv_db_past_row_find(past, 0, &key, 1, &row, &b->err), RV_ROW_NOT_FOUND);
    RV_CHECK_STATUS(rv_db_row_find(b->db, 0, &key, 1, &row, &b->err), RV_OK);
}

/* Queries that nobody has closed go with the place, and with the past. */
RV_TEST(the_past_is_asked_in_sql) {
    bank b = bank_filled();
    rv_db_facts facts;
    rv_db_facts_of(b.db, &facts);
    const uint64_t now = facts.position;
    void *const memory = malloc(RV_DB_PAST_MEMORY_MIN);
    rv_db_past *past = NULL;
    rv_db_query *query = NULL;
    RV_CHECK_STATUS(rv_db_past_open(b.db, memory, RV_DB_PAST_MEMORY_MIN - 1, &past, &b.err),
                    RV_MEMORY_EXHAUSTED);
    RV_CHECK_STATUS(rv_db_past_open(b.db, memory, RV_DB_PAST_MEMORY_MIN, &past, &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_past_query_open(past, rv_text("select 1"), rv_text(""), &query, &b.err),
                    RV_PARAMETER_INVALID);
    for (int i = 0; i < 20; i++) {
        RV_CHECK_STATUS(past_reach(&b, past, (rv_db_place){.position = 2}), RV_OK);
        RV_CHECK_EQ(rv_db_past_position(past), 2);
        check_past(&b, past, "[\"ada\",0.00]");
        RV_CHECK_STATUS(past_reach(&b, past, (rv_db_place){.by_time = true, .time = INT64_MAX - 1}),
                        RV_OK);
        RV_CHECK_EQ(rv_db_past_position(past), now);
        check_past(&b, past, "[\"ada\",12.50]");
    }
    RV_CHECK_STATUS(past_reach(&b, past, (rv_db_place){.position = now + 1}), RV_PARAMETER_INVALID);
    RV_CHECK_STATUS(rv_db_past_query_open(past, rv_text("select 1"), rv_text(""), &query, &b.err),
                    RV_PARAMETER_INVALID);
    RV_CHECK_STATUS(past_reach(&b, past, (rv_db_place){.position = 2}), RV_OK);
    check_past(&b, past, "[\"ada\",0.00]");
    check_past_rows(&b, past);
    rv_db_past_close(past);
    rv_db_past_close(NULL);
    RV_CHECK_STATUS(rv_db_query_open(b.db, rv_text("select 1"), rv_text(""), &query, &b.err),
                    RV_OK);
    free(memory);
    bank_free(&b);
}

RV_TEST(a_database_opened_again_is_the_same) {
    bank b = bank_filled();
    uint8_t before[16], after[16];
    rv_db_state_hash(b.db, before);
    rv_status status = RV_PENDING;
    for (int i = 0; i < 100000 && status == RV_PENDING; i++) {
        status = rv_db_close(b.db, &b.err);
    }
    RV_CHECK_STATUS(status, RV_END);
    rv_memory_host_reopen(b.storage);
    memset(b.memory, 0x5a, b.memory_size);
    RV_CHECK_STATUS(bank_open(&b, true), RV_OK);
    rv_db_state_hash(b.db, after);
    RV_CHECK(memcmp(before, after, sizeof before) == 0);
    rv_db_facts facts;
    rv_db_facts_of(b.db, &facts);
    RV_CHECK(facts.root && !facts.read_only);
    RV_CHECK_EQ(facts.sequence_durable, 4);
    RV_CHECK_EQ(facts.schema_version, 1);
    RV_CHECK_STATUS(rv_db_failed(b.db, NULL), RV_OK);
    rv_db_query *query;
    RV_CHECK_STATUS(rv_db_query_open(b.db, rv_text("select 1"), rv_text(""), &query, &b.err),
                    RV_UNSUPPORTED);
    uint8_t bytes[2048];
    rv_buffer out = {bytes, sizeof bytes, 0};
    RV_CHECK_STATUS(rv_db_schema_print(b.db, &out), RV_OK);
    RV_CHECK(out.len > 300);
    out.cap = 100;
    RV_CHECK_STATUS(rv_db_schema_print(b.db, &out), RV_MEMORY_EXHAUSTED);
    bank_free(&b);
}

RV_TEST(too_little_memory_is_told_with_how_much_it_takes) {
    bank b = bank_create(RV_DB_MEMORY_MIN);
    b.memory_size = RV_DB_MEMORY_MIN - ((size_t)1 << 20);
    RV_CHECK_STATUS(bank_open(&b, false), RV_MEMORY_EXHAUSTED);
    RV_CHECK(strstr(b.err.detail, "KiB") != NULL);
    b.memory_size = RV_DB_MEMORY_WITHOUT_SQL_MIN;
    RV_CHECK_STATUS(bank_open(&b, true), RV_OK);
    bank_free(&b);
}

int main(void) {
    RV_RUN(an_event_is_given_back_as_it_was_accepted);
    RV_RUN(refusals_are_those_of_the_header);
    RV_RUN(rows_are_found_walked_and_shown);
    RV_RUN(what_becomes_of_rows_is_told_with_the_rows_first);
    RV_RUN(a_feed_goes_from_history_to_what_comes);
    RV_RUN(a_feed_is_narrowed_to_types_a_condition_and_a_time);
    RV_RUN(handles_are_bounded_and_bad_patterns_refused);
    RV_RUN(queries_see_the_rows);
#if !defined(__wasm__)
    RV_RUN(another_thread_ends_a_query);
#endif
    RV_RUN(an_interrupt_ends_what_is_open_and_nothing_else);
    RV_RUN(the_past_is_asked_in_sql);
    RV_RUN(a_database_opened_again_is_the_same);
    RV_RUN(too_little_memory_is_told_with_how_much_it_takes);
    return rv_test_done();
}
