/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: once a database over a directory is open, nothing is taken from the system's heap: not by
 * schema changes, appends, refusals, feeds, rows, queries and errors, until it is closed.
 * Method: malloc and its kin are this program's; between open and close they count. (Not in builds
 * with sanitizers, which have functions of their own there: cmake/tests.cmake.)
 */
#include "core/base/bytes.h"
#include "rivulet/directory.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Volatile: compilers know that malloc touches no variable of the program. */
static volatile bool counting;
static volatile int taken;

/* glibc's own, under the names by which an interposed malloc reaches them. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size) {
    taken += counting;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    taken += counting;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    taken += counting;
    return __libc_realloc(memory, size);
}

static const char schema[] =
    "CREATE AGGREGATE account (id SERIAL PRIMARY KEY, name text NOT NULL,"
    " balance numeric(12,2) NOT NULL DEFAULT 0 CHECK (balance >= 0));"
    "CREATE EVENT_TYPE opened (id creates account(id), name updates account(name));"
    "CREATE EVENT_TYPE paid (id references account(id),"
    " amount numeric(12,2) NOT NULL increments account(balance));"
    "CREATE STREAM accounts (path \"/accounts/{id}\", event_types (opened, paid));";

static rv_status append(rv_db *db, const char *path, const char *type, const char *data) {
    const rv_append one = {.path = rv_text(path), .type = rv_text(type), .data = rv_text(data)};
    rv_error err;
    rv_db_event event;
    return rv_db_append(db, &one, 1, &event, &err);
}

static rv_status work(rv_db *db, int rounds) {
    static uint8_t bytes[4096];
    rv_error err;
    for (int i = 0; i < rounds; i++) {
        rv_status status =
            append(db, "accounts", "opened", "{\"name\":\"somebody of a long name\"}");
        status = status == RV_OK ? append(db, "/accounts/1", "paid", "{\"amount\":2}") : status;
        if (status != RV_OK) {
            return status;
        }
        if (append(db, "/accounts/1", "paid", "{\"amount\":-1000000}") != RV_CHECK_VIOLATION) {
            return RV_DATA_DAMAGED;
        }
        rv_buffer out = {bytes, sizeof bytes, 0};
        rv_db_query *query;
        status = rv_db_query_open(db,
                                  rv_text("select count(*), max(name), sum(balance) from account"
                                          " group by name order by 2"),
                                  rv_text(""), &query, &err);
        while (status == RV_OK) {
            status = rv_db_query_next(query, &err);
            if (status == RV_OK) {
                status = rv_db_query_row_json(query, &out);
            }
        }
        rv_db_query_close(query);
        rv_db_feed *feed;
        rv_db_event event;
        status = rv_db_feed_open(db, NULL, 0, 1, &feed, &err);
        while (status == RV_OK) {
            status = rv_db_feed_next(feed, &event, &err);
            if (status == RV_OK) {
                status = rv_db_event_json(db, &event, &out);
            }
        }
        rv_db_feed_close(feed);
        if (status != RV_END) {
            return status;
        }
    }
    return RV_OK;
}

RV_TEST(an_open_database_takes_no_memory_from_the_system) {
    char folder[] = "/tmp/rivulet-allocation-XXXXXX";
    RV_CHECK(mkdtemp(folder) != NULL);
    char path[sizeof folder + 8];
    snprintf(path, sizeof path, "%s/db", folder);
    rv_db *db;
    rv_error err;
    RV_CHECK_STATUS(rv_db_open_directory(path, NULL, &db, &err), RV_OK);
    counting = true;
    rv_status status = rv_db_schema_apply(db, rv_text(schema), NULL, &err);
    if (status == RV_OK) {
        status = work(db, 100);
    }
    uint8_t hash[16];
    rv_db_state_hash(db, hash);
    counting = false;
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_EQ(taken, 0);
    RV_CHECK_STATUS(rv_db_close_directory(db, &err), RV_OK);
    char command[sizeof folder + 16];
    snprintf(command, sizeof command, "rm -r %s", folder);
    RV_CHECK_EQ(system(command), 0);
}

RV_TEST(the_count_works) {
    counting = true;
    void *volatile memory = malloc(10);
    counting = false;
    free(memory);
    RV_CHECK_EQ(taken, 1);
}

int main(void) {
    RV_RUN(an_open_database_takes_no_memory_from_the_system);
    RV_RUN(the_count_works);
    return rv_test_done();
}
