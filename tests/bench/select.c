/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELECT over aggregates, beside the same statement over ordinary SQLite tables with the same rows:
 * one connection to one SQLite, in memory, statements prepared once. Each kind of statement is run
 * in turns, the one side and the other, and the quickest turn of each counts; before that the two
 * results are compared: how many rows, and the types and values of each, in any order, for at most
 * a hundred arguments.
 *
 * A virtual table costs something by itself: a call for the next row, one to ask for the end, one a
 * column. The last line has what is left when the table is nothing but a counter.
 *
 *     bench_select DIRECTORY      prints `name nanoseconds nanoseconds` (ours, SQLite's) lines
 */
#include "core/engine.h"
#include "sql/connection.h"
#include "tests/bench/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CUSTOMERS   10000u
#define PURCHASES   100000u
#define BATCH       1000u
#define TURNS       7u
#define NODE_MEMORY ((size_t)128 << 20)
#define SQL_MEMORY  ((size_t)96 << 20)
#define TEXT_SIZE   1024u

static const char schema[] =
    "CREATE AGGREGATE customer (id bigint PRIMARY KEY, name varchar(40) NOT NULL,"
    " city text NOT NULL, joined_on date NOT NULL);"
    "CREATE AGGREGATE purchase (id bigint PRIMARY KEY, customer_id references customer(id),"
    " amount integer NOT NULL, price numeric(12,2) NOT NULL, state varchar(20) NOT NULL,"
    " note text, made_at timestamptz NOT NULL, INDEX (customer_id), INDEX (amount));"
    "CREATE EVENT_TYPE customer_joined (id creates customer(id), name updates customer(name),"
    " city updates customer(city), joined_on updates customer(joined_on));"
    "CREATE EVENT_TYPE purchase_made (id creates purchase(id),"
    " customer_id references customer(id) updates purchase(customer_id),"
    " amount updates purchase(amount), price updates purchase(price),"
    " state updates purchase(state), note updates purchase(note),"
    " made_at updates purchase(made_at));"
    "CREATE STREAM customers (path \"/customers/{id}\" event_types (customer_joined));"
    "CREATE STREAM purchases (path \"/purchases/{id}\" event_types (purchase_made));";

static const char *const tables[] = {
    "create table plain_customer (id integer primary key, name text, city text, joined_on text)",
    "create table plain_purchase (id integer primary key, customer_id integer, amount integer,"
    " price real, state text, note text, made_at text)",
    "insert into plain_customer select * from customer",
    "insert into plain_purchase select * from purchase",
    "create index plain_customer_of on plain_purchase (customer_id)",
    "create index plain_amount_of on plain_purchase (amount)",
};

/* A kind of statement: `@` stands for what tells one side's tables from the other's, and ?1 for
 * another number in each of `times` runs. */
typedef struct kind {
    const char *name;
    const char *text;
    uint32_t times;
} kind;

static const kind kinds[] = {
    {"full_scan", "select * from @purchase", 1},
    {"sum", "select sum(amount) from @purchase", 1},
    {"sum_numeric", "select sum(price) from @purchase", 1},
    {"filter_number", "select id, amount from @purchase where amount % 100 = 7", 1},
    {"filter_text", "select id, price from @purchase where state = 'returned'", 1},
    {"group_by", "select state, count(*), sum(price) from @purchase group by state", 1},
    {"key_lookup", "select name, city from @customer where id = ?1", 20000},
    {"key_lookup_all", "select * from @purchase where id = ?1", 20000},
    {"index_equal", "select id, amount from @purchase where customer_id = ?1", 5000},
    {"index_range", "select id, amount from @purchase where amount between ?1 and ?1 + 20", 500},
    {"index_order", "select id, amount from @purchase order by amount desc limit 20", 2000},
    {"join",
     "select c.city, sum(p.amount) from @purchase p join @customer c on c.id = p.customer_id"
     " group by c.city",
     1},
    {"join_few",
     "select p.id, p.state from @customer c join @purchase p on p.customer_id = c.id"
     " where c.id = ?1",
     5000},
    {"order_limit", "select id, price from @purchase order by price desc, id limit 20", 1},
    {"count", "select count(*) from @purchase", 1},
};

static sqlite3 *db;

/* --- rows --- */

static uint32_t mixed(uint32_t n) {
    n = (n ^ (n >> 16)) * UINT32_C(0x45d9f3b);
    n = (n ^ (n >> 16)) * UINT32_C(0x45d9f3b);
    return n ^ (n >> 16);
}

static int write_customer(char *data, size_t size, uint32_t id) {
    static const char *const cities[] = {"Aachen", "Lisbon", "Kyoto", "Valparaiso", "Tromso"};
    return snprintf(data, size,
                    "{\"id\":%u,\"name\":\"Customer number %u\",\"city\":\"%s\","
                    "\"joined_on\":\"20%02u-%02u-%02u\"}",
                    id, mixed(id) % 100000, cities[mixed(id) % 5], id % 24, 1 + id % 12,
                    1 + id % 28);
}

static int write_purchase(char *data, size_t size, uint32_t id) {
    static const char *const states[] = {"ordered", "paid", "sent", "returned"};
    const uint32_t r = mixed(id);
    char note[64] = "null";
    if (r % 3 != 0) {
        snprintf(note, sizeof note, "\"a note that is longer than a cell: %u\"", r);
    }
    return snprintf(data, size,
                    "{\"id\":%u,\"customer_id\":%u,\"amount\":%u,\"price\":\"%u.%02u\","
                    "\"state\":\"%s\",\"note\":%s,\"made_at\":\"2024-%02u-%02uT%02u:%02u:00Z\"}",
                    id, 1 + r % CUSTOMERS, r / 7 % 10000, r % 5000, r % 100, states[r / 11 % 4],
                    note, 1 + r % 12, 1 + r % 28, r % 24, r % 60);
}

/* Appends `count` events, a stream each. */
static void append(rv_node *node, const char *stream, const char *type, uint32_t count,
                   int (*write)(char *, size_t, uint32_t)) {
    static rv_append batch[BATCH];
    static rv_event results[BATCH];
    static char paths[BATCH][64];
    static char data[BATCH][512];
    rv_error err;
    for (uint32_t at = 0; at < count; at += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            snprintf(paths[i], sizeof paths[i], "/%s/%u", stream, at + i + 1);
            (void)write(data[i], sizeof data[i], at + i + 1);
            batch[i] = (rv_append){.path = rv_bytes_of_string(paths[i]),
                                   .type = rv_bytes_of_string(type),
                                   .data = rv_bytes_of_string(data[i])};
        }
        rv_status status = RV_PENDING;
        while (status == RV_PENDING || status == RV_BUSY) {
            status = rv_node_append(node, batch, BATCH, results, &err);
            check(rv_node_poll(node, &err), &err);
        }
        check(status, &err);
    }
}

/* --- what a virtual table costs by itself --- */

typedef struct counter {
    sqlite3_vtab_cursor base; /* SQLite's part, first */
    sqlite3_int64 at;
} counter;

static int counter_connect(sqlite3 *to, void *unused, int argc, const char *const *argv,
                           sqlite3_vtab **out, char **error) {
    (void)unused;
    (void)argc;
    (void)argv;
    (void)error;
    *out = sqlite3_malloc64(sizeof **out);
    if (*out == NULL) {
        return SQLITE_NOMEM;
    }
    **out = (sqlite3_vtab){.nRef = 0};
    return sqlite3_declare_vtab(to, "create table x (n integer primary key) without rowid");
}

static int counter_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    (void)base;
    info->estimatedCost = PURCHASES;
    return SQLITE_OK;
}

static int counter_disconnect(sqlite3_vtab *base) {
    sqlite3_free(base);
    return SQLITE_OK;
}

static int counter_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    (void)base;
    counter *const c = sqlite3_malloc64(sizeof *c);
    if (c == NULL) {
        return SQLITE_NOMEM;
    }
    *c = (counter){.at = 0};
    *out = &c->base;
    return SQLITE_OK;
}

static int counter_close(sqlite3_vtab_cursor *base) {
    sqlite3_free(base);
    return SQLITE_OK;
}

static int counter_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                          sqlite3_value **argv) {
    (void)plan;
    (void)text;
    (void)argc;
    (void)argv;
    ((counter *)(void *)base)->at = 0;
    return SQLITE_OK;
}

static int counter_next(sqlite3_vtab_cursor *base) {
    ((counter *)(void *)base)->at++;
    return SQLITE_OK;
}

static int counter_eof(sqlite3_vtab_cursor *base) {
    return ((const counter *)(const void *)base)->at == PURCHASES;
}

static int counter_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column) {
    (void)column;
    sqlite3_result_int64(out, ((const counter *)(const void *)base)->at % 10000);
    return SQLITE_OK;
}

static int counter_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    *rowid = ((const counter *)(const void *)base)->at;
    return SQLITE_OK;
}

static const sqlite3_module counter_module = {
    .xConnect = counter_connect,
    .xBestIndex = counter_best_index,
    .xDisconnect = counter_disconnect,
    .xOpen = counter_open,
    .xClose = counter_close,
    .xFilter = counter_filter,
    .xNext = counter_next,
    .xEof = counter_eof,
    .xColumn = counter_column,
    .xRowid = counter_rowid,
};

/* --- statements --- */

static sqlite3_stmt *prepare(const char *text, const char *prefix) {
    char whole[TEXT_SIZE];
    rv_writer w = rv_writer_over(whole, sizeof whole);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '@') {
            rv_write_text(&w, prefix);
        } else {
            rv_write_u8(&w, (uint8_t)*c);
        }
    }
    sqlite3_stmt *statement = NULL;
    if (w.full || sqlite3_prepare_v3(db, whole, (int)w.len, 0, &statement, NULL) != SQLITE_OK) {
        fail(text, sqlite3_errmsg(db));
    }
    return statement;
}

static void run_alone(const char *text) {
    sqlite3_stmt *const statement = prepare(text, "");
    if (sqlite3_step(statement) != SQLITE_DONE) {
        fail(text, sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(statement);
}

static uint32_t argument_of(uint32_t time) {
    return 1 + mixed(time) % (CUSTOMERS - 1);
}

static void start(sqlite3_stmt *statement, uint32_t time) {
    (void)sqlite3_reset(statement);
    if (sqlite3_bind_parameter_count(statement) > 0) {
        (void)sqlite3_bind_int64(statement, 1, argument_of(time));
    }
}

static uint64_t mix(uint64_t sum, const void *bytes, size_t len) {
    const uint8_t *const at = bytes;
    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return sum;
}

static uint64_t sum_of_row(sqlite3_stmt *statement) {
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (int column = 0; column < sqlite3_column_count(statement); column++) {
        const int type = sqlite3_column_type(statement, column);
        sum = mix(sum, &type, sizeof type);
        if (type == SQLITE_FLOAT) {
            const double real = sqlite3_column_double(statement, column);
            sum = mix(sum, &real, sizeof real);
        } else if (type == SQLITE_INTEGER) {
            const sqlite3_int64 integer = sqlite3_column_int64(statement, column);
            sum = mix(sum, &integer, sizeof integer);
        } else {
            const int len = sqlite3_column_bytes(statement, column);
            sum = mix(sum, &len, sizeof len);
            sum = mix(sum, sqlite3_column_blob(statement, column), (size_t)len);
        }
    }
    return sum;
}

/* A result: how many rows, and what they are, in any order. */
typedef struct result {
    uint64_t rows;
    uint64_t sum;
} result;

static result result_of(const kind *k, sqlite3_stmt *statement, uint32_t time) {
    result r = {.rows = 0};
    start(statement, time);
    int rc = sqlite3_step(statement);
    for (; rc == SQLITE_ROW; rc = sqlite3_step(statement)) {
        r.rows++;
        r.sum += sum_of_row(statement);
    }
    if (rc != SQLITE_DONE) {
        fail(k->name, sqlite3_errmsg(db));
    }
    return r;
}

/* Ends the program when the two give different rows. */
static void compare(const kind *k, sqlite3_stmt *const *sides) {
    uint64_t rows = 0;
    for (uint32_t time = 0; time < k->times && time < 100; time++) {
        const result a = result_of(k, sides[0], time);
        const result b = result_of(k, sides[1], time);
        if (a.rows != b.rows || a.sum != b.sum) {
            fail(k->name, "the results differ");
        }
        rows += a.rows;
    }
    if (rows == 0) {
        fail(k->name, "there are no rows");
    }
}

/* Nanoseconds of one run. */
__attribute__((noinline)) static double measure(const kind *k, sqlite3_stmt *statement) {
    const double began = now_ns();
    for (uint32_t time = 0; time < k->times; time++) {
        start(statement, time);
        while (sqlite3_step(statement) == SQLITE_ROW) {
        }
    }
    const double took = now_ns() - began;
    (void)sqlite3_reset(statement);
    return took / k->times;
}

static void bench(const kind *k, const char *ours, const char *plain) {
    sqlite3_stmt *const sides[2] = {prepare(k->text, ours), prepare(k->text, plain)};
    double best[2] = {1e18, 1e18};
    compare(k, sides);
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        for (uint32_t side = 0; side < 2; side++) {
            const double took = measure(k, sides[side]);
            best[side] = took < best[side] ? took : best[side];
        }
    }
    printf("%s %.0f %.0f\n", k->name, best[0], best[1]);
    (void)sqlite3_finalize(sides[0]);
    (void)sqlite3_finalize(sides[1]);
}

/* --- from a text to a row, as programs ask: ours keeps the statement, beside SQLite compiling it
 * --- */

static const char text_ours[] = "select name, city from customer where id = ?";
static const char text_plain[] = "select name, city from plain_customer where id = ?";

static double measure_ours(rv_sql *sql, uint32_t times) {
    const double began = now_ns();
    for (uint32_t time = 0; time < times; time++) {
        char parameters[16];
        const int len = snprintf(parameters, sizeof parameters, "[%u]", argument_of(time));
        rv_sql_query *query = NULL;
        rv_error err;
        check(rv_sql_prepare(sql, rv_bytes_of_string(text_ours),
                             rv_bytes_of(parameters, (size_t)len), &query, &err),
              &err);
        rv_status status = RV_OK;
        while (status == RV_OK) {
            status = rv_sql_step(query, &err);
        }
        check(status, &err);
        rv_sql_finish(query);
    }
    return (now_ns() - began) / times;
}

static double measure_plain(uint32_t times) {
    const double began = now_ns();
    for (uint32_t time = 0; time < times; time++) {
        sqlite3_stmt *const statement = prepare(text_plain, "");
        (void)sqlite3_bind_int64(statement, 1, argument_of(time));
        while (sqlite3_step(statement) == SQLITE_ROW) {
        }
        (void)sqlite3_finalize(statement);
    }
    return (now_ns() - began) / times;
}

static void bench_text(rv_sql *sql) {
    double best[2] = {1e18, 1e18};
    rv_sql_guard_install(sql);
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        const double took[2] = {measure_ours(sql, 20000), measure_plain(20000)};
        best[0] = took[0] < best[0] ? took[0] : best[0];
        best[1] = took[1] < best[1] ? took[1] : best[1];
    }
    printf("key_lookup_text %.0f %.0f\n", best[0], best[1]);
}

int main(int argc, char **argv) {
    static const kind floor_of = {"floor", "select sum(n) from counter", 1};
    if (argc < 2) {
        fprintf(stderr, "usage: bench_select DIRECTORY [NAME…]\n");
        return 2;
    }
    void *const memory = memory_map(NODE_MEMORY + SQL_MEMORY + (1u << 20), 0);
    rv_posix *posix = NULL;
    rv_error err;
    rv_event event;
    rv_node *const node = open_node(argv[1], memory, NODE_MEMORY, &posix);
    check(rv_node_schema_apply(node, rv_bytes_of_string(schema), &event, &err), &err);
    append(node, "customers", "customer_joined", CUSTOMERS, write_customer);
    append(node, "purchases", "purchase_made", PURCHASES, write_purchase);
    rv_arena arena = rv_arena_over((uint8_t *)memory + NODE_MEMORY, SQL_MEMORY + (1u << 20));
    const rv_sql_options options = {
        .schema = rv_node_schema(node), .state = rv_node_state(node), .memory = SQL_MEMORY};
    rv_sql *sql = NULL;
    check(rv_sql_create(&sql, &options, &arena, &err), &err);
    (void)rv_sql_enter(&sql->context);
    db = sql->db;
    (void)sqlite3_set_authorizer(db, NULL, NULL);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        run_alone(tables[i]);
    }
    if (sqlite3_create_module_v2(db, "counter", &counter_module, NULL, NULL) != SQLITE_OK) {
        fail("counter", sqlite3_errmsg(db));
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bool wanted = argc == 2;
        for (int a = 2; a < argc; a++) {
            wanted = wanted || strcmp(argv[a], kinds[i].name) == 0;
        }
        if (wanted) {
            bench(&kinds[i], "", "plain_");
        }
    }
    bench(&floor_of, "", "");
    bench_text(sql);
    rv_sql_leave(NULL);
    return 0;
}
