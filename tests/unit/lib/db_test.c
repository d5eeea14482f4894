/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the C interface (rivulet/rivulet.h) does what its header says, over a host of the caller's:
 * what is appended is read back by feed, row, query and JSON; errors name what the header names;
 * handles are bounded; a database opened again is the same.
 * Method: a bank on a memory host; each answer against what the events say by hand.
 */
#include "core/base/bytes.h"
#include "core/base/limits.h"
#include "lib/db.h"
#include "platform/memory/memory.h"
#include "rivulet/rivulet.h"
#include "tests/unit/test.h"

#include <stdatomic.h>
#include <stdlib.h>

#if !defined(__wasm__) /* which has one thread */
#include <pthread.h>
#include <sched.h>
#endif

#define HOST_MEMORY ((size_t)32 << 20)

static const char schema[] =
    "CREATE TYPE plan AS ENUM ('free', 'team');"
    "CREATE AGGREGATE account (id SERIAL PRIMARY KEY, name varchar(10) NOT NULL,"
    " plan plan NOT NULL DEFAULT 'free', balance numeric(12,2) NOT NULL DEFAULT 0"
    " CHECK (balance >= 0), logo bytea, open boolean NOT NULL DEFAULT true);"
    "CREATE EVENT_TYPE opened (id creates account(id), name updates account(name),"
    " logo updates account(logo));"
    "CREATE EVENT_TYPE deposited (id references account(id),"
    " amount numeric(12,2) NOT NULL increments account(balance));"
    "CREATE STREAM accounts (path \"/accounts/{id}\", event_types (opened, deposited));";

typedef struct bank {
    void *host_memory;
    void *memory;
    size_t memory_size;
    rv_memory_host *storage;
    rv_db *db;
    rv_error err;
    atomic_bool done; /* what another thread waits for */
} bank;

static rv_status bank_open(bank *b, bool without_sql) {
    const rv_db_options options = {.host = rv_memory_host_interface(b->storage),
                                   .memory = b->memory,
                                   .memory_size = b->memory_size,
                                   .without_sql = without_sql};
    rv_status status = rv_db_create(&b->db, &options, &b->err);
    for (int i = 0; status == RV_OK && i < 100000; i++) {
        status = rv_db_open(b->db, &b->err);
        if (status != RV_PENDING) {
            return status;
        }
        status = rv_db_poll(b->db, &b->err);
    }
    return status;
}

static bank bank_create(size_t memory_size) {
    bank b = {.host_memory = malloc(HOST_MEMORY),
              .memory = malloc(memory_size),
              .memory_size = memory_size};
    const rv_memory_host_options options = {.seed = 1, .now = INT64_C(1700000000000000)};
    b.storage = rv_memory_host_create(b.host_memory, HOST_MEMORY, &options);
    memset(b.memory, 0xa5, memory_size);
    return b;
}

static void bank_free(bank *b) {
    free(b->host_memory);
    free(b->memory);
}

static rv_status append(bank *b, const char *path, const char *type, const char *data,
                        rv_db_event *event) {
    const rv_append one = {.path = rv_text(path), .type = rv_text(type), .data = rv_text(data)};
    rv_status status = RV_PENDING;
    for (int i = 0; i < 100000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_db_append(b->db, &one, 1, event, &b->err);
        const rv_status polled = rv_db_poll(b->db, NULL);
        (void)polled;
    }
    return status;
}

static void polled(bank *b) {
    const rv_status status = rv_db_poll(b->db, NULL);
    (void)status; /* what fails shows in the call that is made again */
}

/* Two accounts with money. */
static bank bank_filled(void) {
    bank b = bank_create(RV_DB_MEMORY_MIN);
    rv_db_event event;
    if (bank_open(&b, false) != RV_OK ||
        rv_db_schema_apply(b.db, rv_text(schema), NULL, &b.err) != RV_OK ||
        append(&b, "accounts", "opened", "{\"name\":\"ada\",\"logo\":\"\\\\x00ff\"}", &event) !=
            RV_OK ||
        append(&b, "accounts", "opened", "{\"name\":\"bob\"}", &event) != RV_OK ||
        append(&b, "/accounts/1", "deposited", "{\"amount\":\"12.50\"}", &event) != RV_OK) {
        fprintf(stderr, "bank: %s\n", b.err.detail);
        abort();
    }
    return b;
}

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
#define LIVE_TEXT 8192

static const char *const live_queries[] = {
    "SELECT count(*), sum(id) FROM account WHERE balance > 20",
    "SELECT id, balance FROM account WHERE id = 2",
    "SELECT id, name FROM account ORDER BY balance DESC, id LIMIT 3",
    "SELECT plan, count(*) FROM account GROUP BY plan",
    "SELECT a.id, max(b.id) FROM account a JOIN account b USING (balance) GROUP BY 1 ORDER BY 1",
    "SELECT count(*), max(version) FROM rv_events WHERE path = '/accounts/1'",
    "SELECT 1",
};

#define LIVE_QUERIES (sizeof live_queries / sizeof live_queries[0])

/* The same query asked now, as a live one gives it. */
static rv_bytes asked_now(bank *b, const char *sql, uint8_t *text) {
    rv_db_query *query = NULL;
    size_t len = 0;
    rv_status status = rv_db_query_open(b->db, rv_text(sql), rv_text(""), &query, &b->err);
    rv_buffer out = {.ptr = text + 11, .cap = 4096};
    memcpy(text, "{\"columns\":", 11);
    status = status == RV_OK ? rv_db_query_columns_json(query, &out) : status;
    len = 11 + out.len;
    memcpy(text + len, ",\"rows\":[", 9);
    len += 9;
    for (uint64_t rows = 0; status == RV_OK || status == RV_PENDING;) {
        status = rv_db_query_next(query, &b->err);
        if (status == RV_PENDING) {
            polled(b);
        } else if (status == RV_OK) {
            text[len] = ',';
            len += rows++ > 0;
            out = (rv_buffer){.ptr = text + len, .cap = LIVE_TEXT / 2};
            status = rv_db_query_row_json(query, &out);
            len += out.len;
        }
    }
    rv_db_query_close(query);
    memcpy(text + len, "]}", 2);
    return rv_bytes_of(text, status == RV_END ? len + 2 : 0); /* else it is no result */
}

static rv_status live_next(bank *b, rv_db_live *live, rv_buffer *out) {
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && status == RV_PENDING; i++) {
        status = rv_db_live_next(live, out, &b->err);
        polled(b);
    }
    return status;
}

/* After each event each live query gives its result when it is another one, which is the query's
 * asked now, and only then. */
RV_TEST(live_queries_give_what_is_another_result) {
    static uint8_t last[LIVE_QUERIES][LIVE_TEXT];
    static uint8_t text[LIVE_TEXT], now[LIVE_TEXT];
    size_t len[LIVE_QUERIES] = {0};
    uint32_t given = 0;
    bank b = bank_filled();
    rv_db_live *lives[LIVE_QUERIES];
    rv_db_event event;
    for (size_t q = 0; q < LIVE_QUERIES; q++) {
        RV_CHECK_STATUS(
            rv_db_live_open(b.db, rv_text(live_queries[q]), rv_text(""), &lives[q], &b.err), RV_OK);
    }
    for (int step = 0; step < 120; step++) {
        char path[32], data[64];
        snprintf(path, sizeof path, "/accounts/%d", 1 + step * 7 % (2 + step / 4));
        snprintf(data, sizeof data, "{\"amount\":%d}", step * 5 % 13);
        RV_CHECK_STATUS(step % 4 == 0 ? append(&b, "accounts", "opened", "{\"name\":\"x\"}", &event)
                                      : append(&b, path, "deposited", data, &event),
                        RV_OK);
        for (size_t q = 0; q < LIVE_QUERIES; q++) {
            rv_buffer out = {.ptr = text, .cap = sizeof text};
            const rv_status status = live_next(&b, lives[q], &out);
            const rv_bytes fresh = asked_now(&b, live_queries[q], now);
            const rv_bytes before = rv_bytes_of(last[q], len[q]);
            RV_CHECK_STATUS(status, rv_bytes_equal(fresh, before) ? RV_END : RV_OK);
            RV_CHECK(status != RV_OK || rv_bytes_equal(rv_bytes_of(text, out.len), fresh));
            memcpy(last[q], now, fresh.len);
            len[q] = fresh.len;
            given += status == RV_OK;
        }
    }
    RV_CHECK(given > 100 && given < 300);
    for (size_t q = 0; q < LIVE_QUERIES; q++) {
        rv_db_live_close(lives[q]);
    }
    rv_db_live_close(NULL);
    RV_CHECK_STATUS(rv_db_close(b.db, &b.err), RV_END);
    bank_free(&b);
}

/* It is not noted of rows for ever, though others go on; what these have read is. */
RV_TEST(what_a_closed_live_query_has_read_is_not_noted) {
    static uint8_t text[LIVE_TEXT];
    bank b = bank_filled();
    rv_buffer out = {.ptr = text, .cap = sizeof text};
    rv_db_live *stays = NULL;
    rv_db_live *goes = NULL;
    rv_db_event event;
    RV_CHECK_STATUS(rv_db_live_open(b.db, rv_text("SELECT id FROM account WHERE open = true"),
                                    rv_text(""), &stays, &b.err),
                    RV_OK);
    RV_CHECK_STATUS(rv_db_live_open(b.db, rv_text("SELECT id FROM account WHERE name = 'x'"),
                                    rv_text(""), &goes, &b.err),
                    RV_OK);
    RV_CHECK_STATUS(live_next(&b, stays, &out), RV_OK);
    out.len = 0;
    RV_CHECK_STATUS(live_next(&b, goes, &out), RV_OK);
    RV_CHECK_EQ(b.db->touches.valued[0][0], 1u << 5 | 1u << 1);
    rv_db_live_close(goes);
    RV_CHECK_EQ(b.db->touches.valued[0][0], 1u << 5);
    RV_CHECK_STATUS(append(&b, "accounts", "opened", "{\"name\":\"x\"}", &event), RV_OK);
    out.len = 0;
    RV_CHECK_STATUS(live_next(&b, stays, &out), RV_OK);
    rv_db_live_close(stays);
    RV_CHECK_STATUS(rv_db_close(b.db, &b.err), RV_END);
    bank_free(&b);
}

/* What is wrong is told at once; a buffer that was too small is told the same result once more; a
 * database is closed with what is still open. */
RV_TEST(live_queries_are_bounded_and_refused) {
    static char longer[RV_DB_LIVE_TEXT_MAX + 1];
    bank b = bank_filled();
    rv_db_live *lives[RV_DB_LIVE_MAX];
    rv_db_live *more = NULL;
    uint8_t text[256];
    memset(longer, ' ', sizeof longer);
    RV_CHECK_STATUS(rv_db_live_open(b.db, rv_text("SELEC 1"), rv_text(""), &more, &b.err),
                    RV_SQL_INVALID);
    RV_CHECK_STATUS(
        rv_db_live_open(b.db, rv_bytes_of(longer, sizeof longer), rv_text(""), &more, &b.err),
        RV_SQL_LIMIT);
    const rv_bytes sql = rv_text("SELECT name FROM account WHERE id = ?");
    RV_CHECK_STATUS(rv_db_live_open(b.db, sql, rv_text("[1, 2]"), &more, &b.err),
                    RV_PARAMETER_INVALID);
    for (size_t i = 0; i < RV_DB_LIVE_MAX; i++) {
        RV_CHECK_STATUS(rv_db_live_open(b.db, sql, rv_text("[1]"), &lives[i], &b.err), RV_OK);
    }
    RV_CHECK_STATUS(rv_db_live_open(b.db, sql, rv_text("[1]"), &more, &b.err), RV_BUSY);
    rv_buffer small = {.ptr = text, .cap = 20};
    rv_buffer out = {.ptr = text, .cap = sizeof text};
    b.err.status = RV_OK;
    RV_CHECK_STATUS(live_next(&b, lives[3], &small), RV_MEMORY_EXHAUSTED);
    RV_CHECK_STATUS(b.err.status, RV_MEMORY_EXHAUSTED);
    RV_CHECK_STATUS(live_next(&b, lives[3], &out), RV_OK);
    RV_CHECK_TEXT(
        rv_bytes_of(text, out.len),
        "{\"columns\":[{\"name\":\"name\",\"type\":\"varchar(10)\"}],\"rows\":[[\"ada\"]]}");
    RV_CHECK_STATUS(live_next(&b, lives[3], &out), RV_END);
    rv_db_live_close(lives[3]);
    RV_CHECK_STATUS(rv_db_live_open(b.db, sql, rv_text("[2]"), &lives[3], &b.err), RV_OK);
    RV_CHECK_STATUS(rv_db_close(b.db, &b.err), RV_END);
    bank_free(&b);
}

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
    RV_RUN(live_queries_give_what_is_another_result);
    RV_RUN(what_a_closed_live_query_has_read_is_not_noted);
    RV_RUN(live_queries_are_bounded_and_refused);
    RV_RUN(the_past_is_asked_in_sql);
    RV_RUN(a_database_opened_again_is_the_same);
    RV_RUN(too_little_memory_is_told_with_how_much_it_takes);
    return rv_test_done();
}
