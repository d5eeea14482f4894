/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: in a log whose past was filled in, where versions of a stream are not in the order of
 * sequences, the event with the least version that is not below the one wanted is found, wherever
 * it lies: in runs, in the tail, in what no run covers, in damaged runs. Method: streams that begin
 * late and whose past comes after, over several lives on a disk that answers late, against a walk
 * over an array; run files flipped and removed, and logs that nobody has told of their events.
 */
#include "core/log/internal.h"
#include "tests/unit/log/index_twin.h"
#include "tests/unit/log/log_files.h"

#define LATE 100000u /* versions that come first */

/* The least version not below; 0: there is none. Not durable ones are not looked at. */
static uint64_t naive(const node *n, const ix_twin *t, uint32_t stream, uint64_t version,
                      uint64_t *sequence) {
    uint64_t least = 0;
    const uint64_t durable = rv_log_durable(n->log);
    for (uint64_t s = 1; s <= durable; s += 1) {
        const ix_event *const e = &t->events[s - 1];
        if (e->stream == stream && e->version >= version && (least == 0 || e->version < least)) {
            least = e->version;
            *sequence = s;
        }
    }
    return least;
}

static void check_version(node *n, const ix_twin *t, uint32_t stream, uint64_t version) {
    rv_log_version_search search = {.at = 0};
    uint64_t sequence = 0;
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < PUMP_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        status = rv_log_find_version(n->log, stream, version, &search, &n->err);
        if (status == RV_PENDING || status == RV_BUSY) {
            (void)ix_pass(n);
        }
    }
    const uint64_t least = naive(n, t, stream, version, &sequence);
    RV_CHECK_STATUS(status, least > 0 ? RV_OK : RV_END);
    RV_CHECK(least == 0 || (search.version == least && search.sequence == sequence));
}

static void check_some(node *n, ix_twin *t) {
    for (unsigned i = 0; i < 12; i += 1) {
        const uint32_t stream = (uint32_t)ix_random(t, t->streams + 1); /* also one that is not */
        const uint64_t version = 1 + ix_random(t, 20) + (ix_random(t, 2) == 0 ? LATE : 0);
        check_version(n, t, stream, version);
        RV_CHECK_PASSED();
    }
    check_version(n, t, 0, UINT64_MAX);
}

/* Versions of all streams go on from here. */
static void go_on_from(ix_twin *t, uint64_t version) {
    for (uint32_t i = 0; i < IX_STREAMS_MAX; i += 1) {
        t->versions[i] = version;
    }
}

static void grow(node *n, ix_twin *t, unsigned batches) {
    for (unsigned i = 0; i < batches; i += 1) {
        RV_CHECK_STATUS(ix_append(n, t, 1 + (unsigned)ix_random(t, 12)), RV_OK);
        if (ix_random(t, 3) == 0) {
            (void)ix_pass(n);
        }
        if (ix_random(t, 30) == 0) {
            check_some(n, t);
            RV_CHECK_PASSED();
        }
    }
}

/* Flips a bit of one run, or all run files go. */
static void damage(node *n, ix_twin *t, bool all) {
    rv_file_name names[64];
    const unsigned count = files_named(n, "idx-", names, 64);
    for (unsigned i = 0; i < count && all; i += 1) {
        file_remove(n, names[i].text);
    }
    if (count > 0 && !all) {
        const char *const name = names[ix_random(t, count)].text;
        const uint64_t size = file_size(n, name);
        if (size > 0) {
            (void)rv_sim_disk_flip(n->disk, name, ix_random(t, size), (unsigned)ix_random(t, 8));
        }
    }
}

static void live(uint64_t seed) {
    const rv_sim_faults faults = {.pending_percent = seed % 3 == 0 ? 0 : 50, .latency_us_max = 100};
    const rv_sim_faults none = {.pending_percent = 0};
    node n = {.options = ix_options};
    n.options.index_events = 32u << (seed % 3);
    ix_clear(&the_ix, seed);
    the_ix.untold = seed % 4 == 0;
    the_ix.streams = 1 + the_ix.streams % 9;
    node_over_disk(&n, seed, &faults);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    go_on_from(&the_ix, LATE);
    grow(&n, &the_ix, 60);
    RV_CHECK_PASSED();
    go_on_from(&the_ix, 0); /* their past, */
    grow(&n, &the_ix, 30);
    RV_CHECK_PASSED();
    go_on_from(&the_ix, 2 * LATE); /* and what comes after */
    for (unsigned life = 0; life < 3; life += 1) {
        grow(&n, &the_ix, 10);
        RV_CHECK_PASSED();
        if (life == 1) {
            ix_settle(&n);
        }
        check_some(&n, &the_ix);
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(seed % 2 == 0 ? node_seal(&n) : node_drain(&n),
                        seed % 2 == 0 ? RV_END : RV_OK);
        rv_sim_disk_crash(n.disk);
        rv_sim_disk_set_faults(n.disk, &none);
        damage(&n, &the_ix, life == 2);
        rv_sim_disk_set_faults(n.disk, &faults);
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        check_some(&n, &the_ix);
        RV_CHECK_PASSED();
    }
    RV_CHECK_STATUS(node_seal(&n), RV_END);
}

RV_TEST(a_version_is_found_wherever_it_lies) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(12); seed += 1) {
        live(seed);
        if (rv_test_failed) {
            fprintf(stderr, "seed %u\n", (unsigned)seed);
        }
        RV_CHECK_PASSED();
    }
}

/* Records that cannot be read, under a good checksum, where no run covers them: told. */
RV_TEST(a_batch_that_is_no_event_is_told) {
    node n = {.options = ix_options};
    ix_clear(&the_ix, 3);
    the_ix.untold = true;
    node_over_disk(&n, 3, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    grow(&n, &the_ix, 3);
    RV_CHECK_PASSED();
    rv_writer body;
    RV_CHECK_STATUS(rv_log_append_begin(n.log, &body, &n.err), RV_OK);
    const rv_batch batch = {.first_sequence = the_ix.count + 1,
                            .first_position = rv_log_watermark(n.log) + 1,
                            .watermark = rv_log_watermark(n.log) + 1,
                            .time = 1000000};
    rv_write(&body, RV_LITERAL("\x7f\xff\xff no record"));
    (void)rv_log_append_commit(n.log, &batch, &body, 1);
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    rv_log_version_search search = {.at = 0};
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < PUMP_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        status = rv_log_find_version(n.log, 299, 1, &search, &n.err);
        (void)ix_pass(&n);
    }
    RV_CHECK_STATUS(status, RV_DATA_DAMAGED);
    RV_CHECK(strstr(n.err.facts, "\"sequence\"") != NULL);
}

int main(void) {
    RV_RUN(a_version_is_found_wherever_it_lies);
    RV_RUN(a_batch_that_is_no_event_is_told);
    return rv_test_done();
}
