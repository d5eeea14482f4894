/* SPDX-License-Identifier: Apache-2.0 */
/* A bank as a database of the C interface, on a memory host, for tests of it. */
#ifndef RV_TESTS_LIB_BANK_H
#define RV_TESTS_LIB_BANK_H

#include "lib/db.h"
#include "platform/memory/memory.h"
#include "rivulet/rivulet.h"
#include "tests/unit/test.h"

#include <stdatomic.h>
#include <stdlib.h>

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

#endif
