/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: at an edge every live answer is the one that would be given now, whatever happens between:
 * batches that come, what is written here and waits, is suspended, accepted or refused, the
 * overlay laid anew, connections that break, other selections with their bases and what is purged.
 * And what concerns nobody runs nothing.
 * Method: a root and an edge, random steps from a seed, messages one at a time; queries by key,
 * over everything, joins, system tables, rows and lists, followed; after each step the truth is the
 * same request without the feed. That a missed read would be seen is shown by planting one. As a
 * program, test_unit_face_live_edge SEED COUNT (`make live`).
 */
#include "tests/unit/face/edge_world.h"

#define STEPS 150u

typedef struct request {
    const char *method;
    const char *target;
    const char *body;
} request;

static const request requests[] = {
    {"POST", "/query", "{\"sql\":\"select id, name, balance from account where id = 1\"}"},
    {"POST", "/query", "{\"sql\":\"select count(*), sum(balance) from account\"}"},
    {"POST", "/query",
     "{\"sql\":\"select id, balance from account where id in (2, 3, 9) order by id\"}"},
    {"POST", "/query",
     "{\"sql\":\"select a.id, count(n.id) from account a left join note n on n.account_id = a.id "
     "group by a.id order by a.id\"}"},
    {"POST", "/query", "{\"sql\":\"select id, body from note where id in (1, 4, 7) order by id\"}"},
    {"POST", "/query",
     "{\"sql\":\"select a.balance, n.body from note n join account a on a.id = n.account_id where "
     "n.id = 3\"}"},
    {"POST", "/query",
     "{\"sql\":\"select edge_sequence, type, state from rv_pending order by 1\"}"},
    /* kept up */
    {"POST", "/query", "{\"sql\":\"select id, name from account where balance > 2\"}"},
    {"POST", "/query",
     "{\"sql\":\"select id, body from note where body > 'b5' order by body, id\"}"},
    {"POST", "/query",
     "{\"sql\":\"select count(*), numeric_sum(balance), min(balance), max(name) from account\"}"},
    {"POST", "/query",
     "{\"sql\":\"select body, count(*) n, max(id) from note group by body order by n desc, 1\"}"},
    {"POST", "/query",
     "{\"sql\":\"select a.name, a.balance, count(*) from note n join account a on a.id = "
     "n.account_id group by a.name, a.balance having count(*) > 1\"}"},
    {"POST", "/query",
     "{\"sql\":\"select n.id, a.id, a.balance from note n left join account a on a.id = "
     "n.account_id where n.body <> 'b7' order by n.body desc, n.id limit 3\"}"},
    {"POST", "/query",
     "{\"sql\":\"select id, balance from account order by balance desc, id limit 2\"}"},
    /* by a value, without an index */
    {"POST", "/query",
     "{\"sql\":\"select count(*), sum(balance), min(id) from account where name = 'ada'\"}"},
    {"POST", "/query", "{\"sql\":\"select id, body from note where body = 'b7' order by id\"}"},
    {"POST", "/query",
     "{\"sql\":\"select n.id, a.balance from note n join account a on a.id = n.account_id where "
     "n.account_id = 2 order by n.id\"}"},
    {"GET", "/aggregates/account/2", ""},
    {"GET", "/aggregates", ""},
    {"GET", "/pending", ""},
    {"GET", "/rejections", ""},
};

#define FOLLOWED (sizeof requests / sizeof *requests)

static follower f[FOLLOWED];
static uint64_t compared, made, missed, kept_up;
static uint64_t joined; /* kept up when what is joined had changed, too */

/* Follows again what has ended. */
static void follow_one(size_t i) {
    follow(s.face, &f[i], requests[i].method, requests[i].target, requests[i].body);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(take(&f[i], 4096), RV_PENDING);
}

/* A row that is not there is null where it is followed. */
static bool is_the_answer(const follower *one) {
    const size_t len = strlen(one->text);
    return s.head.status == 404 ? strcmp(one->text, "null") == 0
                                : s.body.len == len + 1 && memcmp(s.body.ptr, one->text, len) == 0;
}

static void compare(size_t i) {
    const rv_request again = {.method = rv_bytes_of_string(requests[i].method),
                              .target = rv_bytes_of_string(requests[i].target),
                              .content_type = RV_LITERAL("application/json"),
                              .body = rv_bytes_of_string(requests[i].body)};
    RV_CHECK_STATUS(take(&f[i], 4096), RV_PENDING);
    const int status = ask(&s, &again);
    RV_CHECK(status == 200 || status == 404);
    compared += 1;
    if (!is_the_answer(&f[i])) {
        missed += 1;
        if (getenv("SHOW"))
            fprintf(stderr, "%s\n live %s\n now %.*s", requests[i].target, f[i].text,
                    (int)s.body.len, s.body.ptr);
    }
}

static void follow_all(uint64_t seed, bool planted) {
    random_state = seed;
    p = pair_create("/**");
    server_exchanges = FOLLOWED + 2;
    server_edge = p.edge;
    s = server_over(p.leaf);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    for (unsigned i = 0; i < 4; i++) {
        RV_CHECK_STATUS(fixture_append(&p.root, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                        RV_OK);
    }
    pair_run(&p);
    for (size_t i = 0; i < FOLLOWED; i++) {
        follow_one(i);
        RV_CHECK_PASSED();
    }
    for (unsigned n = 0; n < STEPS; n++) {
        step();
        RV_CHECK_PASSED();
        if (rv_node_in_batch(p.leaf.node) || !rv_node_whole(p.leaf.node)) {
            continue;
        }
        for (size_t i = 0; i < FOLLOWED; i++) {
            if (planted) {
                rv_reads_clear(&f[i].x->live.follower.reads);
            }
            if (below(4) > 0) {
                compare(i);
                RV_CHECK_PASSED();
                joined += f[i].x->live.upkeep.whole && f[i].x->live.upkeep.joined;
                kept_up += f[i].x->live.upkeep.whole &&
                           (f[i].x->live.follower.moment != 0 || f[i].x->wait.moment);
            }
        }
        if (missed > 0 && !planted) {
            RV_FAIL_AT_("seed %llu step %u", (unsigned long long)seed, n);
        }
    }
    for (size_t i = 0; i < FOLLOWED; i++) {
        rv_face_end(f[i].x);
    }
    RV_CHECK_EQ(s.face->touches.followers, 0);
    made += s.face->answers;
    server_free(&s); /* and the edge with it */
    fixture_free(&p.root);
    free(p.up_memory);
    free(p.edge_memory);
}

static uint64_t first_seed = 1;
static uint64_t seeds = 8;

RV_TEST(every_answer_is_the_one_of_now) {
    compared = missed = 0;
    made = 0;
    for (uint64_t seed = first_seed; seed < first_seed + RV_TEST_ROUNDS(seeds); seed++) {
        follow_all(seed, false);
        RV_CHECK_PASSED();
    }
    RV_CHECK(made < compared);
    RV_CHECK(kept_up > compared / 8);
    RV_CHECK(joined > compared / 100);
    printf("%llu answers made, %llu compared, %llu of results that are kept up, %llu by what is "
           "joined\n",
           (unsigned long long)made, (unsigned long long)compared, (unsigned long long)kept_up,
           (unsigned long long)joined);
}

RV_TEST(a_read_that_is_missed_is_seen) {
    missed = 0;
    follow_all(first_seed, true);
    RV_CHECK_PASSED();
    RV_CHECK(missed > 5);
}

int main(int argc, char **argv) {
    if (argc == 3) {
        first_seed = strtoull(argv[1], NULL, 10);
        seeds = strtoull(argv[2], NULL, 10);
    }
    RV_RUN(every_answer_is_the_one_of_now);
    RV_RUN(a_read_that_is_missed_is_seen);
    return rv_test_done();
}
