/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of PostgreSQL, as much as a measurement needs: one connection by a socket in a folder to
 * a server that trusts it, statements without parameters, and notifications. It speaks version 3.0
 * of the protocol itself (PostgreSQL 15, chapter 55), so that nothing has to be installed but the
 * server. What goes wrong ends the program.
 */
#ifndef RV_TESTS_BENCH_POSTGRES_H
#define RV_TESTS_BENCH_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct postgres {
    int fd;
    size_t len; /* of what has come and was not taken */
    size_t rows;
    size_t notifications; /* that have come and were not waited for */
    unsigned char bytes[65536];
} postgres;

/* Connects as the user `oracle` to the database `postgres` (tests/oracle/postgres.mjs). */
postgres *postgres_open(const char *folder);

/* Sends one statement, or several. */
void postgres_send(postgres *p, const char *sql);

/* Waits until what was sent is done; the number of rows that it gave. */
size_t postgres_done(postgres *p);

/* Both. */
size_t postgres_run(postgres *p, const char *sql);

/* Waits for one notification, of what this connection LISTENs to. */
void postgres_told(postgres *p);

void postgres_close(postgres *p);

#endif
