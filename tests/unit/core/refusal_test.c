/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of a refusal nobody is told what is not in it for everybody, or of what their token covers.
 * Method: refusals as the root makes them, told to tokens with one right or another; those that are
 * real are made by a root here, others by hand.
 */
#include "core/engine/refusal.h"
#include "tests/unit/node_fixture.h"
#include "tests/unit/tokens.h"

static const char shop_schema[] =
    "CREATE AGGREGATE customer (id bigint PRIMARY KEY, email varchar(20) NOT NULL,"
    " UNIQUE (email));"
    "CREATE AGGREGATE sale (id bigint PRIMARY KEY, customer_id references customer(id));"
    "CREATE SHARED AGGREGATE shelf (id bigint PRIMARY KEY,"
    " pieces integer NOT NULL DEFAULT 0 CHECK (pieces >= 0));"
    "CREATE EVENT_TYPE joined (id creates customer(id), email updates customer(email));"
    "CREATE EVENT_TYPE left (id deletes customer(id));"
    "CREATE EVENT_TYPE sold (id creates sale(id), customer references customer(id)"
    " updates sale(customer_id));"
    "CREATE EVENT_TYPE built (shelf creates shelf(id), id bigint);"
    "CREATE EVENT_TYPE taken (shelf references shelf(id), id bigint,"
    " pieces integer NOT NULL decrements shelf(pieces));"
    "CREATE STREAM customers (path \"/customers/{id}\", event_types (joined, left));"
    "CREATE STREAM sales (path \"/sales/{id}\", event_types (sold, built, taken));";

typedef struct told {
    const char *reads; /* of the token; NULL: it is gone */
    bool all;          /* the refusal is told in full */
} told;

/* Judges an event that is refused with `status`, and tells it to each. */
static void check(fixture *f, const char *path, const char *type, const char *data,
                  rv_status status, const told *readers, size_t count) {
    RV_CHECK_STATUS(fixture_append(f, path, type, data), status);
    const rv_error refusal = f->err;
    for (size_t i = 0; i < count; i++) {
        uint8_t memory[256];
        rv_error narrowed = refusal;
        const char *const reads = readers[i].reads;
        const rv_access_token token = {
            .name = RV_LITERAL("ada"),
            .reads = tokens_list(reads != NULL ? reads : "", memory, sizeof memory)};
        rv_refusal_narrow(f->node, reads != NULL ? &token : NULL, &narrowed);
        RV_CHECK_EQ(narrowed.status, status);
        rv_error own = {.status = RV_OK};
        rv_error_fact_text(&own, "path", rv_bytes_of_string(path));
        const rv_error *const expected = readers[i].all ? &refusal : &own;
        RV_CHECK(rv_bytes_equal(rv_bytes_of(narrowed.facts, narrowed.facts_len),
                                rv_bytes_of(expected->facts, expected->facts_len)));
        RV_CHECK_EQ(rv_bytes_are(rv_error_detail(&narrowed), rv_status_text(status)),
                    !readers[i].all);
    }
    const rv_access_token admin = {.name = RV_LITERAL("root"), .admin = true};
    rv_error whole = refusal;
    rv_refusal_narrow(f->node, &admin, &whole);
    RV_CHECK_EQ(memcmp(&whole, &refusal, sizeof whole), 0);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

RV_TEST(facts_are_for_who_may_read_what_they_are_of) {
    fixture f = fixture_create(1);
    rv_event result;
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_schema_apply(f.node, rv_bytes_of_string(shop_schema), &result, &f.err);
        fixture_poll(f.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "/customers/1", "joined", "{\"email\":\"a@b\"}"), RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "/sales/5", "sold", "{\"customer\":1}"), RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "/sales/5", "built", "{\"shelf\":3}"), RV_OK);
    /* the address of another customer: of all customers, not of one's own stream */
    static const told twin[] = {{NULL, false},
                                {"", false},
                                {"/customers/2", false},
                                {"/customers/*", false},
                                {"aggregate_sale", false},
                                {"aggregate_customer", true},
                                {"/**", true}};
    check(&f, "/customers/2", "joined", "{\"email\":\"a@b\"}", RV_UNIQUE_VIOLATION, twin,
          COUNT(twin));
    /* who refers to a row */
    static const told referred[] = {{"/customers/1", false},
                                    {"aggregate_customer", false},
                                    {"aggregate_sale", false},
                                    {"aggregate_customer aggregate_sale", true},
                                    {"/**", true}};
    check(&f, "/customers/1", "left", "{}", RV_ROW_REFERENCED, referred, COUNT(referred));
    /* a shared row is not the stream's */
    static const told shared[] = {
        {"/sales/6", false}, {"aggregate_customer", false}, {"aggregate_shelf", true}};
    check(&f, "/sales/6", "taken", "{\"shelf\":3,\"pieces\":4}", RV_CHECK_VIOLATION, shared,
          COUNT(shared));
    /* what the event names itself */
    static const told known[] = {{"", true}, {"/sales/6", true}, {NULL, false}};
    check(&f, "/sales/6", "sold", "{\"customer\":8}", RV_UNKNOWN_REFERENCE, known, COUNT(known));
    check(&f, "/sales/5", "sold", "{\"customer\":1}", RV_ROW_EXISTS, known, COUNT(known));
    fixture_free(&f);
}

RV_TEST(which_event_of_a_batch_is_told_to_everybody) {
    fixture f = fixture_root(1);
    rv_error refusal;
    (void)rv_error_set(&refusal, RV_VERSION_CONFLICT, "/accounts/1 is at version 5");
    rv_error_fact_uint(&refusal, "actual", 5);
    rv_error_fact_text(&refusal, "path", RV_LITERAL("/accounts/1"));
    rv_error_fact_uint(&refusal, "index", 2);
    rv_refusal_narrow(f.node, NULL, &refusal);
    RV_CHECK_TEXT(rv_bytes_of(refusal.facts, refusal.facts_len),
                  "\"path\":\"/accounts/1\",\"index\":2");
    /* facts that are none, as a peer could send them */
    static const char *const bad[] = {"\"path\":",
                                      "\"path\":5",
                                      "path",
                                      "\"index\":\"x\"",
                                      "\"index\":-1",
                                      "\"index\":99999999999999999999",
                                      "\"aggregate\":{\"a\":[1]},\"path\":\"/a\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)rv_error_set(&refusal, RV_VERSION_CONFLICT, "secret");
        refusal.facts_len = strlen(bad[i]);
        memcpy(refusal.facts, bad[i], refusal.facts_len);
        rv_refusal_narrow(f.node, NULL, &refusal);
        RV_CHECK(!rv_bytes_are(rv_error_detail(&refusal), "secret"));
        RV_CHECK_EQ(refusal.facts_len, 0);
    }
    fixture_free(&f);
}

int main(void) {
    RV_RUN(facts_are_for_who_may_read_what_they_are_of);
    RV_RUN(which_event_of_a_batch_is_told_to_everybody);
    return rv_test_done();
}
