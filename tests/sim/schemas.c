/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/schemas.h"

#include "core/base/assert.h"
#include "platform/memory/random.h"

#include <stdio.h>
#include <string.h>

/* 1 to `count`. */
static int key(uint64_t *random, uint32_t count) {
    RV_ASSERT(count > 0);
    return 1 + (int)rv_random_below(random, count);
}

/* Each number is drawn from a seed of its own, so that the order in which a compiler evaluates
 * arguments does not matter. */
#define DRAWS 40

static void draws(uint64_t *random, uint64_t *r) {
    RV_ASSERT(random != r);
    for (uint32_t i = 0; i < DRAWS; i++) {
        r[i] = rv_random_next(random);
    }
}

static void set(sim_draft *draft, const char *type, const char *path_format, int id) {
    const int len = snprintf(draft->path, sizeof draft->path, path_format, id);
    RV_ASSERT(len > 0 && (size_t)len < sizeof draft->path);
    (void)snprintf(draft->type, sizeof draft->type, "%s", type);
}

/* The path's format is one of this file's. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

#define ALL_OF(aggregate)                                                                          \
    { NULL, aggregate, NULL, 0, 0 }

/* --- accounts with CHECKs and transfers; a shared aggregate beside them --- */

static const char bank_text[] =
    "CREATE TYPE plan AS ENUM ('free', 'team', 'enterprise');"
    "CREATE AGGREGATE account (id bigint PRIMARY KEY, name varchar(12) NOT NULL,"
    "  plan plan NOT NULL DEFAULT 'free', balance numeric(12,2) NOT NULL DEFAULT 0"
    "  CHECK (balance >= 0), level smallint DEFAULT 5, opened timestamptz NOT NULL DEFAULT now(),"
    "  note text, CHECK (level is null or level < 100), INDEX (plan, balance), INDEX (note));"
    "CREATE AGGREGATE contact (id bigint PRIMARY KEY, account_id REFERENCES account(id),"
    "  age integer CHECK (age < 200), tag uuid, code char(3) DEFAULT 'abc',"
    "  UNIQUE (account_id, age), INDEX (tag));"
    "CREATE SHARED AGGREGATE tally (id bigint PRIMARY KEY, n smallint NOT NULL DEFAULT 0,"
    "  last text);"
    "CREATE EVENT_TYPE opened (bank bigint NOT NULL, id creates account(id),"
    "  name updates account(name), plan updates account(plan),"
    "  amount numeric(12,2) increments account(balance));"
    "CREATE EVENT_TYPE paid (bank bigint NOT NULL, from_id references account(id),"
    "  to_id references account(id), amount numeric(12,2) NOT NULL CHECK (amount > 0)"
    "  decrements account(balance) VIA from_id increments account(balance) VIA to_id);"
    "CREATE EVENT_TYPE noted (bank bigint NOT NULL, id references account(id),"
    "  note text updates account(note) = (coalesce(account.note, '') || note),"
    "  level updates account(level));"
    "CREATE EVENT_TYPE contact_added (bank bigint NOT NULL, contact creates contact(id),"
    "  account updates contact(account_id), age updates contact(age),"
    "  tag uuid DEFAULT gen_random_uuid() updates contact(tag));"
    "CREATE EVENT_TYPE contact_dropped (bank bigint NOT NULL, contact deletes contact(id));"
    "CREATE EVENT_TYPE closed (bank bigint NOT NULL, id deletes account(id));"
    "CREATE EVENT_TYPE counted (shelf bigint NOT NULL, id creates tally(id),"
    "  n increments tally(n));"
    "CREATE EVENT_TYPE counted_on (shelf bigint NOT NULL, id references tally(id),"
    "  n integer increments tally(n), last updates tally(last));"
    "CREATE STREAM banks (path \"/banks/{bank}\","
    "  event_types (opened, paid, noted, contact_added, contact_dropped, closed));"
    "CREATE STREAM shelves (path \"/shelves/{shelf}\", event_types (counted, counted_on));";

static const char *const bank_patterns[] = {"/**",        "/banks/*", "/banks/1",    "/banks/2",
                                            "/shelves/1", "/*/1",     "/shelves/**", NULL};

static const sim_question bank_queries[] = {
    {"select count(*) from account", {ALL_OF("account")}, NULL},
    {"select count(*) from contact where age < 100",
     {{NULL, "contact", "age", INT64_MIN, 99}, ALL_OF("contact")},
     NULL},
    {"select count(*) from account a join contact c on c.account_id = a.id",
     {ALL_OF("contact"), ALL_OF("contact")},
     "account_id"},
    {"select count(*) from account a join contact c on c.account_id = a.id where c.age > 20",
     {{NULL, "contact", "age", 21, INT64_MAX}, ALL_OF("contact")},
     "account_id"},
    {"select count(*) from account where plan = 'team' and balance >= 10",
     {{NULL, "account", "plan", 1, 1}, {NULL, "account", "balance", 1000, INT64_MAX}},
     NULL},
    {NULL, {ALL_OF(NULL)}, NULL}};

static const sim_given bank_givens[] = {
    {"aggregate account where balance >= 30", "account", "balance", 3000, INT64_MAX},
    {"aggregate account where plan = 'team'", "account", "plan", 1, 1},
    {"aggregate account", "account", NULL, 0, 0},
    {"aggregate contact where age < 100", "contact", "age", INT64_MIN, 99},
    {"aggregate contact", "contact", NULL, 0, 0},
    {"aggregate tally where n > 20", "tally", "n", 21, INT64_MAX},
    {"aggregate tally", "tally", NULL, 0, 0},
    {NULL, NULL, NULL, 0, 0}};

static const sim_given bank_narrower[] = {
    {"aggregate account where balance >= 30 and balance < 60", "account", "balance", 3000, 5999},
    {"aggregate contact where age < 100 and age > 20", "contact", "age", 21, 99},
    {"aggregate tally where n > 20 and (n < 60)", "tally", "n", 21, 59},
    {NULL, NULL, NULL, 0, 0}};

static void bank_draw(uint64_t *random, uint32_t keys, sim_draft *draft) {
    uint64_t r[DRAWS];
    draws(random, r);
    static const char *const plans[] = {"free", "team", "enterprise"};
    const int bank = key(&r[0], keys);
    const int id = bank * 100 + key(&r[1], 5);
    const int other = (rv_random_chance(&r[2], 90) ? bank : key(&r[3], keys)) * 100;
    char *const data = draft->data;
    const size_t cap = sizeof draft->data;
    switch (rv_random_below(&r[4], 14)) {
    case 0:
    case 1:
    case 10:
    case 11:
    case 12:
        set(draft, "opened", "/banks/%d", bank);
        (void)snprintf(data, cap, "{\"id\":%d,\"name\":\"n%d\",\"plan\":\"%s\",\"amount\":%d.25}",
                       id, id, plans[rv_random_below(&r[5], 3)], key(&r[6], 90));
        return;
    case 2:
    case 3:
        set(draft, "paid", "/banks/%d", bank);
        (void)snprintf(data, cap, "{\"from_id\":%d,\"to_id\":%d,\"amount\":%d}", id,
                       other + key(&r[7], 6), key(&r[8], 60) - 2);
        return;
    case 4:
        set(draft, "noted", "/banks/%d", bank);
        (void)snprintf(data, cap, "{\"id\":%d,\"note\":\"%c%.*s\",\"level\":%d}", id,
                       (char)('a' + key(&r[9], 20)), key(&r[10], 40),
                       "a note that is as long as it needs to be", key(&r[11], 120));
        return;
    case 5:
        set(draft, "contact_added", "/banks/%d", bank);
        (void)snprintf(data, cap, "{\"contact\":%d,\"account\":%d,\"age\":%d}", id,
                       other + key(&r[12], 6), key(&r[13], 220));
        return;
    case 6:
        set(draft, rv_random_chance(&r[14], 50) ? "contact_dropped" : "closed", "/banks/%d", bank);
        (void)snprintf(data, cap, "{\"%s\":%d}", draft->type[1] == 'o' ? "contact" : "id", id);
        return;
    case 7:
    case 13:
        set(draft, "counted", "/shelves/%d", bank);
        (void)snprintf(data, cap, "{\"id\":%d,\"n\":%d}", key(&r[15], 5), key(&r[16], 100));
        return;
    default:
        set(draft, "counted_on", "/shelves/%d", bank);
        (void)snprintf(data, cap, "{\"id\":%d,\"n\":%d,\"last\":\"l%d\"}", key(&r[17], 5),
                       key(&r[18], 9) == 1 ? 30000 : key(&r[19], 200) - 100, bank);
        return;
    }
}

/* --- orders: enums, UNIQUE, references across streams, serial keys --- */

static const char shop_text[] =
    "CREATE TYPE progress AS ENUM ('new', 'paid', 'sent', 'done');"
    "CREATE AGGREGATE product (id bigint PRIMARY KEY, code varchar(8) NOT NULL UNIQUE,"
    "  price numeric(10,2) NOT NULL CHECK (price > 0), stock integer NOT NULL DEFAULT 0"
    "  CHECK (stock >= 0));"
    "CREATE AGGREGATE purchase (id SERIAL PRIMARY KEY, product_id REFERENCES product(id),"
    "  quantity smallint NOT NULL CHECK (quantity > 0), progress progress NOT NULL DEFAULT 'new',"
    "  total numeric(12,2), token uuid NOT NULL DEFAULT gen_random_uuid(),"
    "  placed timestamptz NOT NULL DEFAULT now(), INDEX (progress, placed), INDEX (product_id));"
    "CREATE EVENT_TYPE listed (id creates product(id), code updates product(code),"
    "  price updates product(price));"
    "CREATE EVENT_TYPE stocked (id references product(id),"
    "  quantity integer NOT NULL increments product(stock));"
    "CREATE EVENT_TYPE priced (id references product(id), price updates product(price),"
    "  code updates product(code) = (coalesce(code, product.code)));"
    "CREATE EVENT_TYPE unlisted (id deletes product(id));"
    "CREATE EVENT_TYPE placed (id creates purchase(id), product updates purchase(product_id),"
    "  quantity updates purchase(quantity), total updates purchase(total));"
    "CREATE EVENT_TYPE moved (id references purchase(id),"
    "  progress updates purchase(progress));"
    "CREATE EVENT_TYPE scaled (id references purchase(id),"
    "  by smallint NOT NULL updates purchase(quantity) = (purchase.quantity * by));"
    "CREATE STREAM products (path \"/products/{id}\","
    "  event_types (listed, stocked, priced, unlisted));"
    "CREATE STREAM purchases (path \"/purchases/{id}\", event_types (placed, moved, scaled));";

static const char *const shop_patterns[] = {
    "/**", "/products/*", "/purchases/**", "/products/1", "/*/2", "/purchases/1", NULL};

static const sim_question shop_queries[] = {
    {"select count(*) from product where price < 20",
     {{NULL, "product", "price", INT64_MIN, 1999}, ALL_OF("product")},
     NULL},
    {"select count(*) from purchase where progress = 'paid'",
     {{NULL, "purchase", "progress", 1, 1}, ALL_OF("purchase")},
     NULL},
    {"select count(*) from purchase where quantity between 2 and 5",
     {{NULL, "purchase", "quantity", 2, 5}, ALL_OF("purchase")},
     NULL},
    {"select count(*) from purchase p, product q where p.product_id = q.id and p.quantity > 2",
     {{NULL, "purchase", "quantity", 3, INT64_MAX}, ALL_OF("purchase")},
     "product_id"},
    {NULL, {ALL_OF(NULL)}, NULL}};

static const sim_given shop_givens[] = {
    {"aggregate product where stock > 5", "product", "stock", 6, INT64_MAX},
    {"aggregate product", "product", NULL, 0, 0},
    {"aggregate purchase where progress = 'paid'", "purchase", "progress", 1, 1},
    {"aggregate purchase where quantity between 2 and 5", "purchase", "quantity", 2, 5},
    {NULL, NULL, NULL, 0, 0}};

static const sim_given shop_narrower[] = {
    {"aggregate product where stock > 5 and stock <= 12", "product", "stock", 6, 12},
    {"aggregate purchase where quantity between 2 and 5 and quantity > 3", "purchase", "quantity",
     4, 5},
    {NULL, NULL, NULL, 0, 0}};

static void shop_draw(uint64_t *random, uint32_t keys, sim_draft *draft) {
    uint64_t r[DRAWS];
    draws(random, r);
    static const char *const steps[] = {"new", "paid", "sent", "done"};
    const int product = key(&r[0], keys);
    const int purchase = key(&r[1], keys * 3);
    char *const data = draft->data;
    const size_t cap = sizeof draft->data;
    switch (rv_random_below(&r[2], 13)) {
    case 0:
    case 1:
    case 10:
    case 11:
        set(draft, "listed", "/products/%d", product);
        (void)snprintf(data, cap, "{\"code\":\"c%d\",\"price\":\"%d.50\"}", key(&r[3], keys),
                       1 + key(&r[4], 40) - (rv_random_chance(&r[5], 5) ? 41 : 0));
        return;
    case 2:
        set(draft, "stocked", "/products/%d", product);
        (void)snprintf(data, cap, "{\"quantity\":%d}", key(&r[6], 50) - 15);
        return;
    case 3:
        set(draft, "priced", "/products/%d", product);
        (void)snprintf(data, cap, "{\"price\":%d%s}", key(&r[7], 30),
                       rv_random_chance(&r[8], 50) ? ",\"code\":\"c1\"" : "");
        return;
    case 4:
        set(draft, "unlisted", "/products/%d", product);
        (void)snprintf(data, cap, "{}");
        return;
    case 5:
    case 6:
    case 7: /* the key is the root's to assign */
        (void)snprintf(draft->path, sizeof draft->path, "purchases");
        (void)snprintf(draft->type, sizeof draft->type, "placed");
        (void)snprintf(data, cap, "{\"product\":%d,\"quantity\":%d,\"total\":%d}", product,
                       key(&r[9], 6), key(&r[10], 1000));
        return;
    case 8:
        set(draft, "moved", "/purchases/%d", purchase);
        (void)snprintf(data, cap, "{\"progress\":\"%s\"}", steps[rv_random_below(&r[11], 4)]);
        return;
    default:
        set(draft, "scaled", "/purchases/%d", purchase);
        (void)snprintf(data, cap, "{\"by\":%d}", key(&r[12], 30));
        return;
    }
}

/* --- a row of many types --- */

static const char wide_text[] =
    "CREATE AGGREGATE wide (id uuid PRIMARY KEY, a smallint, b integer, c bigint, d real,"
    "  e double precision, f numeric(30,10), g boolean, h char(5), i varchar(20), j text, k bytea,"
    "  l date, m timestamp, n interval, o integer[], INDEX (f), INDEX (d, e), INDEX (m, l));"
    "CREATE EVENT_TYPE made (id creates wide(id), a updates wide(a), b updates wide(b),"
    "  c updates wide(c), d updates wide(d), e updates wide(e), f updates wide(f));"
    "CREATE EVENT_TYPE changed (id references wide(id), g updates wide(g), h updates wide(h),"
    "  i updates wide(i), j updates wide(j), k updates wide(k), l updates wide(l),"
    "  m updates wide(m), n updates wide(n), o updates wide(o), c bigint increments wide(c));"
    "CREATE EVENT_TYPE dropped (id deletes wide(id));"
    "CREATE STREAM wides (path \"/wides/{id}\", event_types (made, changed, dropped));";

static const char *const wide_patterns[] = {"/**", "/wides/*",
                                            "/wides/00000000-0000-4000-8000-000000000001",
                                            "/wides/00000000-0000-4000-8000-000000000002", NULL};

static const sim_question wide_queries[] = {
    {"select count(*) from wide", {ALL_OF("wide")}, NULL},
    {"select count(*) from wide where b > 0 and a < 50",
     {{NULL, "wide", "b", 1, INT64_MAX}, {NULL, "wide", "a", INT64_MIN, 49}},
     NULL},
    {"select count(*) from wide where g", {{NULL, "wide", "g", 1, 1}, ALL_OF("wide")}, NULL},
    {NULL, {ALL_OF(NULL)}, NULL}};

static const sim_given wide_givens[] = {{"aggregate wide where b > 0", "wide", "b", 1, INT64_MAX},
                                        {"aggregate wide where g", "wide", "g", 1, 1},
                                        {"aggregate wide", "wide", NULL, 0, 0},
                                        {NULL, NULL, NULL, 0, 0}};

static const sim_given wide_narrower[] = {
    {"aggregate wide where b > 0 and b < 1000", "wide", "b", 1, 999}, {NULL, NULL, NULL, 0, 0}};

static void wide_draw(uint64_t *random, uint32_t keys, sim_draft *draft) {
    uint64_t r[DRAWS];
    draws(random, r);
    static const char filling[] = "text that goes on for a while and does not fit into a slot; ";
    const int id = key(&r[0], keys * 2);
    char *const data = draft->data;
    const size_t cap = sizeof draft->data;
    switch (rv_random_below(&r[1], 8)) {
    case 0:
    case 1:
    case 6:
    case 7:
        set(draft, "made", "/wides/00000000-0000-4000-8000-%012d", id);
        (void)snprintf(data, cap,
                       "{\"a\":%d,\"b\":%d,\"c\":\"%d000000000\",\"d\":%d.5,\"e\":%d.125e3,"
                       "\"f\":\"%d1234567890.0123456789\"}",
                       key(&r[2], 60000) - 30000, key(&r[3], 1000) - 500, key(&r[4], 1000),
                       key(&r[5], 100), key(&r[6], 100) - 50, key(&r[7], 99999));
        return;
    case 2:
        set(draft, "dropped", "/wides/00000000-0000-4000-8000-%012d", id);
        (void)snprintf(data, cap, "{}");
        return;
    default:
        set(draft, "changed", "/wides/00000000-0000-4000-8000-%012d", id);
        (void)snprintf(
            data, cap,
            "{\"g\":%s,\"h\":\"h%d\",\"i\":\"i%d\",\"j\":\"@%.*s\",\"k\":\"\\\\x%04x\","
            "\"l\":\"2026-%02d-%02d\",\"m\":\"2026-01-01T00:00:%02d.%d\",\"n\":\"%d days %d:00\","
            "\"o\":[%d,null,%d],\"c\":%d}",
            rv_random_chance(&r[8], 50) ? "true" : "false", key(&r[9], 99), key(&r[10], 999),
            key(&r[11], (uint32_t)sizeof filling), filling, (unsigned)key(&r[12], 65535),
            key(&r[13], 12), key(&r[14], 28), key(&r[15], 59), key(&r[16], 999), key(&r[17], 30),
            key(&r[18], 23), key(&r[19], 9), key(&r[20], 9), key(&r[21], 50));
        return;
    }
}

/* --- what is declared later --- */

void sim_extra_text(uint32_t nth, char *text) {
    RV_ASSERT(nth < SIM_EXTRAS_MAX);
    const int len =
        snprintf(text, SIM_EXTRA_TEXT_LEN,
                 "CREATE AGGREGATE extra%u (id bigint PRIMARY KEY, n bigint NOT NULL DEFAULT 0);"
                 "CREATE EVENT_TYPE extra%u_made (id creates extra%u(id), n increments extra%u(n));"
                 "CREATE STREAM extras%u (path \"/extras%u/{id}\", event_types (extra%u_made));",
                 nth, nth, nth, nth, nth, nth, nth);
    RV_ASSERT(len > 0 && len < SIM_EXTRA_TEXT_LEN);
}

void sim_extra_draw(uint64_t *random, uint32_t nth, uint32_t keys, sim_draft *draft) {
    RV_ASSERT(nth < SIM_EXTRAS_MAX);
    const int id = key(random, keys * 4);
    (void)snprintf(draft->path, sizeof draft->path, "/extras%u/%d", nth, id);
    (void)snprintf(draft->type, sizeof draft->type, "extra%u_made", nth);
    (void)snprintf(draft->data, sizeof draft->data, "{\"n\":%d}", key(random, 9));
}

const sim_schema *sim_schema_of(uint8_t index) {
    static const sim_schema schemas[SIM_SCHEMAS] = {
        {"bank", bank_text, bank_patterns, bank_queries, bank_givens, bank_narrower, "tally",
         bank_draw},
        {"shop", shop_text, shop_patterns, shop_queries, shop_givens, shop_narrower, NULL,
         shop_draw},
        {"wide", wide_text, wide_patterns, wide_queries, wide_givens, wide_narrower, NULL,
         wide_draw},
    };
    RV_ASSERT(index < SIM_SCHEMAS);
    return &schemas[index];
}

uint32_t sim_schema_patterns(const sim_schema *schema) {
    uint32_t count = 0;
    while (schema->patterns[count] != NULL) {
        count += 1;
    }
    RV_ASSERT(count > 0);
    return count;
}
