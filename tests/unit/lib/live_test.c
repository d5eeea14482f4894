/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a live query of the C interface gives its result and then each other one, and nothing while
 * it is as it was; handles and texts are bounded, and what is closed leaves its room.
 * Method: a bank on a memory host; each result against the query asked now.
 */
#include "tests/unit/lib/bank.h"

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

/* A query and spaces, so long with its parameters. */
static rv_status open_long(bank *b, size_t len, rv_db_live **live) {
    static char text[RV_DB_LIVE_TEXT_MAX + 1];
    static const char sql[] = "SELECT name FROM account WHERE id = ?";
    memset(text, ' ', sizeof text);
    memcpy(text, sql, sizeof sql - 1);
    return rv_db_live_open(b->db, rv_bytes_of(text, len - 3), rv_text("[1]"), live, &b->err);
}

/* One as long as can be beside as many short ones as there can be, in whatever order; of long ones
 * as many as have room; and what was closed leaves its room. */
RV_TEST(live_queries_may_be_long) {
    bank b = bank_filled();
    rv_db_live *lives[RV_DB_LIVE_MAX];
    rv_db_live *more = NULL;
    uint8_t text[256];
    RV_CHECK_STATUS(open_long(&b, RV_DB_LIVE_TEXT_MAX + 1, &more), RV_SQL_LIMIT);
    for (size_t longest = 0; longest < RV_DB_LIVE_MAX; longest++) {
        for (size_t i = 0; i < RV_DB_LIVE_MAX; i++) {
            const size_t len = i == longest ? RV_DB_LIVE_TEXT_MAX : RV_DB_LIVE_TEXT_BLOCK;
            RV_CHECK_STATUS(open_long(&b, len, &lives[i]), RV_OK);
        }
        rv_buffer out = {.ptr = text, .cap = sizeof text};
        RV_CHECK_STATUS(live_next(&b, lives[longest], &out), RV_OK);
        RV_CHECK_TEXT(
            rv_bytes_of(text, out.len),
            "{\"columns\":[{\"name\":\"name\",\"type\":\"varchar(10)\"}],\"rows\":[[\"ada\"]]}");
        for (size_t i = 0; i < RV_DB_LIVE_MAX; i++) {
            rv_db_live_close(lives[(i * 7 + longest) % RV_DB_LIVE_MAX]);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        RV_CHECK_STATUS(open_long(&b, RV_DB_LIVE_TEXT_MAX, &lives[i]), RV_OK);
    }
    RV_CHECK_STATUS(open_long(&b, 60, &more), RV_MEMORY_EXHAUSTED);
    rv_db_live_close(lives[1]);
    RV_CHECK_STATUS(open_long(&b, RV_DB_LIVE_TEXT_BLOCK + 1, &lives[1]), RV_OK);
    RV_CHECK_STATUS(open_long(&b, RV_DB_LIVE_TEXT_MAX, &more), RV_MEMORY_EXHAUSTED);
    RV_CHECK_STATUS(open_long(&b, 60, &more), RV_OK);
    RV_CHECK_STATUS(rv_db_close(b.db, &b.err), RV_END);
    bank_free(&b);
}

int main(void) {
    RV_RUN(live_queries_give_what_is_another_result);
    RV_RUN(what_a_closed_live_query_has_read_is_not_noted);
    RV_RUN(live_queries_are_bounded_and_refused);
    RV_RUN(live_queries_may_be_long);
    return rv_test_done();
}
