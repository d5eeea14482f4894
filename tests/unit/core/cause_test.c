/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a reference to a missing row is traced to the batch that was to create it by aggregate and
 * key, keys of several columns and long ones too, whatever the root says about it. Method: batches
 * of an edge that create rows, refused; then others, refused with facts of every form, of which it
 * is known whether they name such a row.
 */
#include "core/engine/cause.h"

#include "tests/unit/core/outbox_pair.h"

#define REJECTIONS_MANY 300u /* more than are looked at */

static const char schema_of_lines[] =
    "CREATE SHARED AGGREGATE line (id bigint, n text, PRIMARY KEY (id, n));"
    "CREATE SHARED AGGREGATE tag (t text PRIMARY KEY);"
    "CREATE EVENT_TYPE lined (id creates line(id), n creates line(n));"
    "CREATE EVENT_TYPE tagged (id bigint, t creates tag(t));"
    "CREATE STREAM lines (path \"/lines/{id}\" event_types (lined, tagged));";

static pair pair_of_lines(void) {
    pair p = {.root = fixture_root(1), .edge = fixture_create(2), .pattern = "/lines/*"};
    rv_event event;
    if (rv_node_schema_apply(p.root.node, rv_bytes_of_string(schema_of_lines), &event,
                             &p.root.err) != RV_OK ||
        fixture_open(&p.edge, RV_ROLE_EDGE, p.pattern) != RV_OK || !feed(&p)) {
        fprintf(stderr, "pair: %s %s\n", p.root.err.detail, p.edge.err.detail);
        abort();
    }
    return p;
}

/* What the root refuses a batch with that refers to a row. */
static rv_error missing(const char *aggregate, rv_bytes key) {
    rv_error err = {.status = RV_OK};
    (void)rv_error_set(&err, RV_UNKNOWN_REFERENCE, "no row");
    rv_error_fact_text(&err, "aggregate", rv_bytes_of_string(aggregate));
    rv_error_fact_text(&err, "key", key);
    return err;
}

/* True when a batch that was written last is traced to batch `cause`, 0: to none. */
static bool traced(fixture *edge, const rv_error *refusal, uint64_t cause) {
    rv_decision no = {.outcome = RV_DECIDED_REFUSED, .refusal = *refusal};
    rv_rejection rejection;
    char fact[64];
    const uint64_t sequence = rv_node_outbox(edge->node).next_sequence;
    snprintf(fact, sizeof fact, "\"edge_sequence\":%u,", (unsigned)cause);
    if (write_one(edge, "/lines/99", "lined", "{\"n\":\"any\"}") != RV_OK ||
        decided(edge, sequence, &no) != RV_OK ||
        !rv_node_rejection(edge->node, sequence - 1, &rejection)) {
        return false;
    }
    return cause == 0 ? rejection.reason.status == refusal->status
                      : rejection.reason.status == RV_DEPENDENCY_REJECTED &&
                            memcmp(rejection.reason.facts, fact, strlen(fact)) == 0;
}

static bool write_refused(fixture *edge, const char *path, const char *type, const char *data) {
    const uint64_t sequence = rv_node_outbox(edge->node).next_sequence;
    const rv_decision no = {.outcome = RV_DECIDED_REFUSED,
                            .refusal = {.status = RV_CHECK_VIOLATION}};
    return write_one(edge, path, type, data) == RV_OK && decided(edge, sequence, &no) == RV_OK;
}

RV_TEST(a_row_is_known_by_aggregate_and_key) {
    pair p = pair_of_lines();
    static char long_text[1000], long_data[1100];
    memset(long_text, 'k', sizeof long_text);
    snprintf(long_data, sizeof long_data, "{\"t\":\"%.300s\"}", long_text);
    RV_CHECK(write_refused(&p.edge, "/lines/5", "lined", "{\"n\":\"two\"}"));
    RV_CHECK(write_refused(&p.edge, "/lines/5", "tagged", "{\"t\":\"red\"}"));
    RV_CHECK(write_refused(&p.edge, "/lines/5", "tagged", long_data));
    const struct {
        const char *aggregate;
        rv_bytes key;
        uint64_t cause;
    } cases[] = {
        {"line", RV_LITERAL("(5, two)"), 1},
        {"line", RV_LITERAL("(5, three)"), 0},
        {"line", RV_LITERAL("(5, two"), 0},
        {"line", RV_LITERAL("5, two"), 0},
        {"line", RV_LITERAL("red"), 0},
        {"tag", RV_LITERAL("red"), 2},
        {"tag", RV_LITERAL("(5, two)"), 0},
        {"tag", RV_LITERAL(""), 0},
        {"tag", rv_bytes_of((const uint8_t *)long_text, 300), 0}, /* too long to be compared */
        {"nothing", RV_LITERAL("red"), 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += 1) {
        rv_error err = missing(cases[i].aggregate, cases[i].key);
        RV_CHECK(traced(&p.edge, &err, cases[i].cause));
        rv_error_fact_uint(&err, "index", 0); /* and what else is said behind it */
        RV_CHECK(traced(&p.edge, &err, cases[i].cause));
    }
    pair_free(&p);
}

/* Facts that are cut, or are other ones, or none. */
RV_TEST(facts_of_every_length) {
    pair p = pair_of_lines();
    RV_CHECK(write_refused(&p.edge, "/lines/5", "tagged", "{\"t\":\"red\"}"));
    const rv_error whole = missing("tag", RV_LITERAL("red"));
    for (size_t len = 0; len <= whole.facts_len; len += 1) {
        rv_error err = whole;
        err.facts_len = len;
        err.facts[len] = '\0';
        RV_CHECK(traced(&p.edge, &err, len == whole.facts_len ? 1 : 0));
    }
    rv_error longer = whole;
    memcpy(longer.facts + longer.facts_len, "x", 2);
    longer.facts_len += 1;
    RV_CHECK(traced(&p.edge, &longer, 0));
    rv_error full = whole; /* so full that nothing can be said before it */
    while (full.facts_len + 12 < RV_ERROR_FACTS_MAX) {
        rv_error_fact_uint(&full, "x", 1);
    }
    RV_CHECK(traced(&p.edge, &full, 1));
    pair_free(&p);
}

/* The newest that were refused are looked at. */
RV_TEST(what_was_refused_long_ago_is_not_traced) {
    pair p = pair_of_lines();
    RV_CHECK(write_refused(&p.edge, "/lines/5", "tagged", "{\"t\":\"red\"}"));
    const rv_error red = missing("tag", RV_LITERAL("red"));
    RV_CHECK(traced(&p.edge, &red, 1));
    for (unsigned i = 0; i < REJECTIONS_MANY; i += 1) {
        RV_CHECK(write_refused(&p.edge, "/lines/6", "lined", "{\"n\":\"one\"}"));
    }
    RV_CHECK(traced(&p.edge, &red, 0));
    pair_free(&p);
}

int main(void) {
    RV_RUN(a_row_is_known_by_aggregate_and_key);
    RV_RUN(facts_of_every_length);
    RV_RUN(what_was_refused_long_ago_is_not_traced);
    return rv_test_done();
}
