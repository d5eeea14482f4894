/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of an application that shows what it writes: 64 MB of rows, 100 live queries (60 by key,
 * 30 by a part of an index, 10 joins by key), one append of five events that changes rows of five
 * of them; from before the append until all five new results were read, and the other 95 were asked
 * in vain. The request handler is called as a daemon calls it, in process; the append is answered
 * from memory, since flushing is the disk's time. Beside it, the same append with 100 queries asked
 * afresh, and one that changes nobody's row. Results are compared with the query asked again, once.
 *
 * And queries that go through a table of 1,000,000 rows: one append that changes one of them, until
 * the new result was read, kept up and run again.
 *
 *     bench_live DIRECTORY      prints `name value` lines, microseconds and bytes
 */
#include "face/face_internal.h"
#include "platform/posix/posix.h"
#include "tests/bench/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define CUSTOMERS   20000u
#define BATCH       1000u
#define ROW_BYTES   (UINT64_C(64) << 20)
#define LIVE        100u
#define ROUNDS      2001u
#define WARM        50u
#define NODE_MEMORY ((size_t)768 << 20)
#define FACE_MEMORY ((size_t)256 << 20)
#define SQL_MEMORY  ((size_t)160 << 20)

static const char schema[] =
    "CREATE AGGREGATE customer (id bigint PRIMARY KEY, name varchar(40) NOT NULL);"
    "CREATE AGGREGATE purchase (id bigint PRIMARY KEY, customer_id references customer(id),"
    " amount integer NOT NULL, state varchar(20) NOT NULL, note text,"
    " INDEX (customer_id), INDEX (amount));"
    "CREATE EVENT_TYPE customer_joined (id creates customer(id), name updates customer(name));"
    "CREATE EVENT_TYPE customer_renamed (id references customer(id), name updates customer(name));"
    "CREATE EVENT_TYPE purchase_made (id creates purchase(id),"
    " customer_id references customer(id) updates purchase(customer_id),"
    " amount updates purchase(amount), state updates purchase(state), note updates purchase(note));"
    "CREATE EVENT_TYPE purchase_moved (id references purchase(id), state updates purchase(state));"
    "CREATE STREAM customers (path \"/customers/{id}\" event_types (customer_joined, "
    "customer_renamed));"
    "CREATE STREAM purchases (path \"/purchases/{id}\" event_types (purchase_made, "
    "purchase_moved));";

static rv_node *node;
static rv_sql *sql;
static rv_face *face;
static uint32_t purchases;
static rv_exchange *live[LIVE];
static char bodies[LIVE][512];
static uint8_t piece[1 << 16];
static char result[1 << 16]; /* the last that was read */

static void poll_node(void) {
    rv_error err;
    check(rv_node_poll(node, &err), &err);
}

/* --- rows --- */

static void open_all(const char *directory) {
    void *const memory = mmap(NULL, NODE_MEMORY + FACE_MEMORY, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    rv_posix *posix;
    rv_event event;
    rv_error err;
    if (memory == MAP_FAILED) {
        fail("memory", "there is not enough");
    }
    rv_arena arena = rv_arena_over((uint8_t *)memory + NODE_MEMORY, FACE_MEMORY);
    check(rv_posix_open(directory, NULL, &posix, &err), &err);
    const rv_node_options options = {
        .host = rv_posix_interface(posix), .memory = memory, .memory_size = NODE_MEMORY};
    check(rv_node_create(&node, &options, &err), &err);
    rv_status status = RV_PENDING;
    while (status == RV_PENDING) {
        status = rv_node_open(node, &err);
        poll_node();
    }
    check(status, &err);
    check(rv_node_schema_apply(node, rv_bytes_of_string(schema), &event, &err), &err);
    const rv_sql_options of_sql = {.schema = rv_node_schema(node),
                                   .state = rv_node_state(node),
                                   .node = node,
                                   .memory = SQL_MEMORY};
    check(rv_sql_create(&sql, &of_sql, &arena, &err), &err);
    const rv_face_options of_face = {.node = node,
                                     .sql = sql,
                                     .exchanges_max = LIVE + 8,
                                     .result_count = 4,
                                     .result_len_max = 1 << 20,
                                     .version = "bench"};
    check(rv_face_create(&face, &of_face, &arena, &err), &err);
}

static void append(const rv_append *events, size_t count) {
    static rv_event results[BATCH];
    rv_error err;
    rv_status status = RV_PENDING;
    while (status == RV_PENDING || status == RV_BUSY) {
        status = rv_node_append(node, events, count, results, &err);
        poll_node();
    }
    check(status, &err);
}

static void fill(bool customers, uint32_t first) {
    static rv_append batch[BATCH];
    static char paths[BATCH][64];
    static char data[BATCH][256];
    for (uint32_t i = 0; i < BATCH; i++) {
        const uint32_t id = first + i;
        snprintf(paths[i], sizeof paths[i], customers ? "/customers/%u" : "/purchases/%u", id);
        if (customers) {
            snprintf(data[i], sizeof data[i], "{\"name\":\"Customer number %u\"}", id);
        } else {
            snprintf(data[i], sizeof data[i],
                     "{\"customer_id\":%u,\"amount\":%u,\"state\":\"ordered\","
                     "\"note\":\"a note that is longer than a cell: %u\"}",
                     1 + id % CUSTOMERS, id * 7 % 10000, id);
        }
        batch[i] =
            (rv_append){.path = rv_bytes_of_string(paths[i]),
                        .type = rv_bytes_of_string(customers ? "customer_joined" : "purchase_made"),
                        .data = rv_bytes_of_string(data[i])};
    }
    append(batch, BATCH);
}

/* --- requests --- */

static rv_exchange *begin(const char *target, const char *body, const char *accept) {
    const rv_request request = {.method = RV_LITERAL("POST"),
                                .target = rv_bytes_of_string(target),
                                .content_type = RV_LITERAL("application/json"),
                                .accept = rv_bytes_of_string(accept),
                                .durability = RV_LITERAL("memory"),
                                .body = rv_bytes_of_string(body)};
    rv_exchange *x = NULL;
    rv_response_head head;
    rv_error err;
    check(rv_face_begin(face, &request, &x, &err), &err);
    while (rv_exchange_head(x, &head) == RV_PENDING) {
        poll_node();
    }
    if (head.status != 200 && head.status != 201) {
        fail(target, "was refused");
    }
    return x;
}

/* Reads what there is; its bytes. */
static size_t read_all(rv_exchange *x) {
    size_t len = 0;
    rv_status status = RV_OK;
    while (status == RV_OK) {
        rv_writer w = rv_writer_over(piece, sizeof piece);
        status = rv_exchange_body(x, 0, &w);
        memcpy(result + len, piece, w.len < sizeof result - len ? w.len : 0);
        len += w.len;
    }
    result[len < sizeof result ? len : 0] = '\0';
    return len;
}

static uint64_t ask_number(const char *text) {
    char body[256];
    snprintf(body, sizeof body, "{\"sql\":\"%s\"}", text);
    rv_exchange *const x = begin("/query", body, "application/json");
    (void)read_all(x);
    rv_face_end(x);
    const char *const at = strstr(result, "[[");
    return at == NULL ? 0 : strtoull(at + 2, NULL, 10);
}

/* The row that the nth query reads, and nobody else. */
static uint32_t row_of(uint32_t nth) {
    return 1 + nth * (CUSTOMERS / LIVE);
}

static void write_query(uint32_t nth) {
    const uint32_t row = row_of(nth);
    if (nth % 10 < 6) {
        snprintf(bodies[nth], sizeof bodies[nth],
                 "{\"sql\":\"select * from purchase where id = ?\",\"params\":[%u]}", row);
    } else if (nth % 10 < 9) {
        snprintf(bodies[nth], sizeof bodies[nth],
                 "{\"sql\":\"select id, amount, state from purchase where customer_id = ? order by "
                 "id\",\"params\":[%u]}",
                 1 + row % CUSTOMERS);
    } else {
        snprintf(bodies[nth], sizeof bodies[nth],
                 "{\"sql\":\"select c.name, p.amount, p.state from purchase p join customer c on "
                 "c.id = p.customer_id where p.id in (?, ?, ?)\",\"params\":[%u,%u,%u]}",
                 row, row + 1, row + 2);
    }
}

/* --- rounds --- */

/* Appends five events: of the rows of five queries, or of rows that nobody reads. */
static void append_five(uint32_t round, bool read) {
    char body[1024];
    size_t len = 0;
    for (uint32_t i = 0; i < 5; i++) {
        const uint32_t nth = (round * 5 + i * 21) % LIVE;
        const uint32_t row = row_of(nth) + (read ? 0 : 50);
        len += (size_t)snprintf(body + len, sizeof body - len,
                                "%s{\"path\":\"/purchases/%u\",\"type\":\"purchase_moved\","
                                "\"data\":{\"state\":\"%s %u\"}}",
                                i == 0 ? "[" : ",", row, read ? "read" : "other", round);
    }
    snprintf(body + len, sizeof body - len, "]");
    rv_exchange *const x = begin("/events?return=minimal", body, "application/json");
    (void)read_all(x);
    rv_face_end(x);
}

static uint32_t read_live(void) {
    uint32_t told = 0;
    for (uint32_t i = 0; i < LIVE; i++) {
        told += read_all(live[i]) > 0;
    }
    return told;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void show(const char *name, double *times) {
    qsort(times, ROUNDS, sizeof *times, compare);
    printf("%s_p50 %.1f\n%s_p99 %.1f\n", name, times[ROUNDS / 2], name, times[ROUNDS * 99 / 100]);
}

/* The loop; `afresh`: every query is asked instead of followed. */
static void loop(const char *name, bool read, bool afresh) {
    static double times[ROUNDS];
    for (uint32_t round = 0; round < ROUNDS + WARM; round++) {
        const double start = now_ns() / 1e3;
        append_five(round, read);
        uint32_t told = 0;
        for (uint32_t i = 0; i < LIVE && afresh; i++) {
            rv_exchange *const x = begin("/query", bodies[i], "application/json");
            (void)read_all(x);
            rv_face_end(x);
        }
        if (!afresh) {
            told = read_live();
        }
        times[round < WARM ? 0 : round - WARM] = now_ns() / 1e3 - start;
        if (!afresh && told != (read ? 5 : 0)) {
            fail(name, "other queries were told than should be");
        }
        poll_node(); /* flushing is nobody's time here */
        if (afresh && round % 16 == 0) {
            (void)read_live();
        }
    }
    show(name, times);
}

/* What a query tells when its row has changed is what it says when it is asked. */
static void check_results(void) {
    append_five(UINT32_MAX / 8, true);
    for (uint32_t i = 0; i < LIVE; i++) {
        if (read_all(live[i]) == 0) {
            continue;
        }
        char told[8192];
        snprintf(told, sizeof told, "%s", strstr(result, "data: ") + 6);
        rv_exchange *const x = begin("/query", bodies[i], "application/json");
        (void)read_all(x);
        rv_face_end(x);
        if (strncmp(told, result, strlen(result) - 1) != 0) {
            fail("a result", bodies[i]);
        }
    }
}

/* --- going through a large table --- */

#define LARGE       1000000u
#define KEPT_ROUNDS 501u
#define RUN_ROUNDS  9u

typedef struct large_query {
    const char *name;
    const char *sql;
    bool joined; /* what changes is a customer */
} large_query;

/* Every round changes a row of each result: a purchase, or the customer that is joined to it. */
static const large_query large_queries[] = {
    {"filter", "select id, amount, state from purchase where state <> 'ordered'", false},
    {"count_sum",
     "select count(*), sum(cast(substr(state, 2) as integer)) from purchase where id > 0", false},
    {"group_by", "select state, count(*), sum(amount), max(id) from purchase group by state",
     false},
    {"order_limit", "select id, state from purchase order by state = 'ordered', id limit 60",
     false},
    {"range", "select id, amount, state from purchase where amount < 5000 and state <> 'ordered'",
     false},
    {"join",
     "select p.id, p.state, c.name from purchase p join customer c on c.id = p.customer_id "
     "where p.state <> 'ordered'",
     false},
    {"joined",
     "select p.id, p.state, c.name from purchase p join customer c on c.id = p.customer_id "
     "where p.state <> 'ordered'",
     true},
    {"joined_filter",
     "select p.id, c.name from purchase p join customer c on c.id = p.customer_id where c.name < "
     "'A'",
     true},
    {"joined_group_by",
     "select c.name, count(*), sum(p.amount) from purchase p join customer c on "
     "c.id = p.customer_id where p.id + 0 < 100 group by c.name",
     true},
};

/* What changes: purchase 1 … 50, or the customer of one of these, who comes first by name. */
static void write_event(const large_query *q, uint32_t round, uint32_t state, char *event,
                        size_t size) {
    if (q->joined) {
        snprintf(event, size,
                 "[{\"path\":\"/customers/%u\",\"type\":\"customer_renamed\","
                 "\"data\":{\"name\":\"@ %u\"}}]",
                 2 + round % 50, state);
    } else {
        snprintf(event, size,
                 "[{\"path\":\"/purchases/%u\",\"type\":\"purchase_moved\","
                 "\"data\":{\"state\":\"%c%u\"}}]",
                 1 + round % 50, 'a' + round % 26, state);
    }
}

/* The middle of the rounds' times; the result is that of the query asked afresh. */
static double large_round(const large_query *q, const char *body, rv_exchange *x, bool afresh) {
    static double times[KEPT_ROUNDS];
    static uint32_t state; /* never the same again */
    const uint32_t rounds = afresh ? RUN_ROUNDS : KEPT_ROUNDS;
    for (uint32_t round = 0; round < rounds + 3; round++) {
        char event[256];
        write_event(q, round, state++, event, sizeof event);
        const double start = now_ns() / 1e3;
        rv_exchange *const e = begin("/events?return=minimal", event, "application/json");
        (void)read_all(e);
        rv_face_end(e);
        rv_exchange *const asked = afresh ? begin("/query", body, "application/json") : x;
        if (read_all(asked) == 0) {
            fail(q->name, "has no new result");
        }
        if (afresh) {
            rv_face_end(asked);
        }
        if (round >= 3) { /* the second answer notes what the third one is kept up with */
            times[round - 3] = now_ns() / 1e3 - start;
        }
        poll_node();
    }
    qsort(times, rounds, sizeof *times, compare);
    return times[rounds / 2];
}

static void check_large(const large_query *q, const char *body) {
    char told[sizeof result];
    snprintf(told, sizeof told, "%s", strstr(result, "data: ") + 6);
    rv_exchange *const again = begin("/query", body, "application/json");
    (void)read_all(again);
    rv_face_end(again);
    if (strncmp(told, result, strlen(result) - 1) != 0) {
        fail(q->name, "is kept up as another one");
    }
}

static void large_table(void) {
    while (purchases < LARGE) {
        fill(false, purchases + 1);
        purchases += BATCH;
    }
    for (size_t i = 0; i < sizeof large_queries / sizeof *large_queries; i++) {
        const large_query *const q = &large_queries[i];
        char body[512];
        snprintf(body, sizeof body, "{\"sql\":\"%s\"}", q->sql);
        rv_exchange *const x = begin("/query", body, "text/event-stream");
        (void)read_all(x);
        const double kept = large_round(q, body, x, false);
        check_large(q, body);
        rv_face_end(x);
        printf("large_%s %.1f\nlarge_%s_again %.1f\n", q->name, kept, q->name,
               large_round(q, body, NULL, true));
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fail("usage", "bench_live DIRECTORY");
    }
    open_all(argv[1]);
    for (uint32_t i = 0; i < CUSTOMERS; i += BATCH) {
        fill(true, i + 1);
    }
    while (ask_number("select row_bytes from rv_status") < ROW_BYTES) {
        fill(false, purchases + 1);
        purchases += BATCH;
    }
    for (uint32_t i = 0; i < LIVE; i++) {
        write_query(i);
        live[i] = begin("/query", bodies[i], "text/event-stream");
        (void)read_all(live[i]);
    }
    check_results();
    loop("changed", true, false);
    loop("unchanged", false, false);
    loop("afresh", true, true);
    printf("rows %u\nsubscription_bytes %zu\nshared_bytes %zu\n", purchases + CUSTOMERS,
           sizeof(rv_exchange), sizeof(rv_touches));
    for (uint32_t i = 0; i < LIVE; i++) {
        rv_face_end(live[i]);
    }
    large_table();
    return 0;
}
