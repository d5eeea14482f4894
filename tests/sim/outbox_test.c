/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: SEMANTICS 6, 8 and 21 to 23 at an edge, whatever is lost on the way. What was durable in
 * the outbox is decided, once; the overlay is what the pending events make of the confirmed state;
 * the confirmed state never knows of them; what is refused is told until it is acknowledged.
 * Method: the world of outbox_world.h under random schedules, which write at both, push, decide,
 * lose and repeat decisions, feed, break batches off, crash, close and fork. After every step all
 * is compared. In the end everything is decided, and the edge is what the reference is. Twice: with
 * everything selected, and with one account of several.
 */
#include "tests/sim/outbox_world.h"

#ifdef RV_TEST_EMULATED
#define SEEDS 2
#define STEPS 400
#else
#define SEEDS 5
#define STEPS 1500
#endif

static void step_crash(void) {
    const rv_sim_faults faults = {.crash = (rv_sim_crash)below(4),
                                  .pending_percent = below(2) * 30};
    rv_sim_disk_set_faults(w.disk, &faults);
    rv_sim_disk_crash(w.disk);
    w.counts[N_CRASHED] += 1;
    reopen();
}

static void step_close(void) {
    RV_CHECK_STATUS(fixture_close(w.edge, &w.err), RV_END);
    rv_sim_disk_crash(w.disk);
    reopen();
}

static void step_fork(void) {
    const uint32_t before = rv_node_outbox(w.edge).incarnation;
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_fork(w.edge, &w.err);
        fixture_poll(w.edge);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(rv_node_outbox(w.edge).incarnation != before);
}

static void step_once(void) {
    const uint32_t r = below(100);
    if (r < 38) {
        step_write();
    } else if (r < 50) {
        step_root();
    } else if (r < 64) {
        step_push(1 + below(4));
    } else if (r < 80) {
        step_decided();
    } else if (r < 90) {
        step_feed(r >= 88);
    } else if (r < 94) {
        RV_CHECK(fixture_settle(w.edge) || in_vain(RV_OK));
    } else if (r < 96) {
        step_acknowledge();
    } else if (r < 98) {
        step_crash();
    } else if (r < 99) {
        step_close();
    } else {
        step_fork();
    }
}

static void live(uint64_t seed, const char *pattern, unsigned *totals) {
    begin(seed, pattern);
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < STEPS; i++) {
        step_once();
        if (!rv_test_failed) {
            check_all();
        }
        if (rv_test_failed) {
            fprintf(stderr, "seed %llu, step %u, %s\n", (unsigned long long)seed, i, pattern);
            return;
        }
    }
    converge();
    for (unsigned i = 0; i < sizeof w.counts / sizeof w.counts[0]; i++) {
        totals[i] += w.counts[i];
    }
    end();
}

static void lives(const char *pattern) {
    unsigned totals[16] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        live(seed, pattern, totals);
        RV_CHECK_PASSED();
    }
    printf("%s: %u written, %u refused at once, %u times suspended, %u rejected, %u that count, "
           "%u arrived, %u blind, %u crashes\n",
           pattern, totals[N_WRITTEN], totals[N_REFUSED_HERE], totals[N_SUSPENDED],
           totals[N_REJECTED], totals[N_COUNTED], totals[N_ARRIVED], totals[N_BLIND],
           totals[N_CRASHED]);
    RV_CHECK(totals[N_WRITTEN] > STEPS * SEEDS / 15 && totals[N_REFUSED_HERE] > 10 * SEEDS);
    RV_CHECK(totals[N_SUSPENDED] > SEEDS && totals[N_REJECTED] > SEEDS);
    RV_CHECK(totals[N_COUNTED] > SEEDS && totals[N_CRASHED] > SEEDS);
}

RV_TEST(an_edge_that_selects_everything) {
    lives("/accounts/*");
}

RV_TEST(an_edge_that_selects_one_account) {
    lives("/accounts/1");
}

RV_TEST(with_one_checkpoint_after_the_other) {
    fixture_checkpoint_growth = 1;
    lives("/accounts/*");
    fixture_checkpoint_growth = 0;
}

int main(void) {
    RV_RUN(an_edge_that_selects_everything);
    RV_RUN(an_edge_that_selects_one_account);
    RV_RUN(with_one_checkpoint_after_the_other);
    return rv_test_done();
}
