/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every event of a stream, and every id that a caller brought, is found by the index, and
 * nothing else, however runs, tail and gaps share the log; whatever happens to run files, and
 * whatever operation goes wrong. Method: random appends, look-ups, lives and damage against the
 * naive twin, on a disk that answers at once or late, over many seeds; run files flipped, cut and
 * removed; the nth operation fails in each way with runs and merges under way.
 */
#include "core/log/internal.h"
#include "tests/unit/log/index_twin.h"
#include "tests/unit/log/log_files.h"

static void grow(node *n, ix_twin *t, unsigned batches) {
    for (unsigned i = 0; i < batches && t->count < IX_EVENTS_MAX - 100; i += 1) {
        RV_CHECK_STATUS(ix_append(n, t, 1 + (unsigned)ix_random(t, 12)), RV_OK);
        if (ix_random(t, 3) == 0) {
            (void)ix_pass(n);
        }
        if (ix_random(t, 40) == 0) {
            ix_check_some(n, t);
            RV_CHECK_PASSED();
        }
    }
}

static void damage_some_run(node *n, ix_twin *t) {
    rv_file_name names[64];
    const unsigned count = files_named(n, "idx-", names, 64);
    if (count == 0) {
        return;
    }
    const char *const name = names[ix_random(t, count)].text;
    const uint64_t size = file_size(n, name);
    rv_io_result result;
    if (ix_random(t, 4) == 0) {
        (void)n->host.ops->remove(n->host.ctx, 1, name, &result);
    } else if (size > 0) {
        (void)rv_sim_disk_flip(n->disk, name, ix_random(t, size), (unsigned)ix_random(t, 8));
    }
}

/* `faults` is what the disk does; NULL: nothing. */
static void reopen(node *n, ix_twin *t, bool clean, const rv_sim_faults *faults) {
    if (ix_random(t, 3) == 0) {
        rv_log_mark_begin(n->log);
        RV_CHECK_STATUS(node_drain(n), RV_OK);
        t->marked = rv_log_mark_get(n->log, &t->mark) == RV_OK;
        if (t->marked) {
            grow(n, t, (unsigned)ix_random(t, 10));
            RV_CHECK_PASSED();
        }
    }
    if (clean) {
        RV_CHECK_STATUS(node_seal(n), RV_END);
    } else {
        RV_CHECK_STATUS(node_drain(n), RV_OK);
    }
    rv_sim_disk_crash(n->disk);
    if (faults != NULL) {
        const rv_sim_faults none = {.pending_percent = 0};
        rv_sim_disk_set_faults(n->disk, &none);
        damage_some_run(n, t);
        rv_sim_disk_set_faults(n->disk, faults);
    }
    RV_CHECK_STATUS(ix_open(n, t), RV_END);
    RV_CHECK_EQ(rv_log_durable(n->log), t->count);
}

RV_TEST(random_lives) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(16); seed += 1) {
        const rv_sim_faults faults = {
            .pending_percent = seed % 3 == 0 ? 0 : 50, .short_percent = 20, .latency_us_max = 100};
        node n = {.options = ix_options};
        n.options.index_events = 32u << (seed % 4);
        ix_clear(&the_ix, seed);
        the_ix.untold = seed % 8 == 0;
        node_over_disk(&n, seed, &faults);
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        for (unsigned life = 0; life < 6 && !rv_test_failed; life += 1) {
            grow(&n, &the_ix, 80);
            RV_CHECK_PASSED();
            ix_check_some(&n, &the_ix);
            RV_CHECK_PASSED();
            const bool damage = ix_random(&the_ix, 2) == 0;
            reopen(&n, &the_ix, ix_random(&the_ix, 2) == 0, damage ? &faults : NULL);
            RV_CHECK_PASSED();
            ix_check_some(&n, &the_ix);
            if (rv_test_failed) {
                fprintf(stderr, "seed %u, life %u\n", (unsigned)seed, life);
            }
        }
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(node_seal(&n), RV_END);
    }
}

/* Runs cover all but a tail, are few, and every look-up is right. */
static void check_indexed(node *n, ix_twin *t) {
    ix_settle(n);
    const rv_log_index_facts facts = rv_log_index_facts_of(n->log);
    RV_CHECK(t->count - facts.indexed < n->options.index_events);
    RV_CHECK(facts.runs <= 16);
    rv_file_name names[64];
    RV_CHECK_EQ(files_named(n, "idx-", names, 64), facts.runs);
    for (uint32_t stream = 0; stream < t->streams; stream += 1) {
        ix_check_stream(n, t, stream, 1);
        RV_CHECK_PASSED();
    }
}

RV_TEST(runs_cover_the_log_and_are_merged) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(4); seed += 1) {
        node n = {.options = ix_options};
        ix_clear(&the_ix, 50 + seed);
        node_over_disk(&n, seed, NULL);
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        grow(&n, &the_ix, 900);
        RV_CHECK_PASSED();
        check_indexed(&n, &the_ix);
        RV_CHECK_PASSED();
        reopen(&n, &the_ix, true, NULL);
        RV_CHECK_PASSED();
        check_indexed(&n, &the_ix);
        RV_CHECK_PASSED();
        RV_CHECK_EQ(rv_log_index_facts_of(n.log).damaged, 0);
    }
}

/* Every byte of every run file, one after the other: look-ups stay right, the damage is told, and
 * the run is made again. */
RV_TEST(a_bit_flipped_anywhere_is_found_or_harmless) {
    node n = {.options = ix_options};
    ix_clear(&the_ix, 5);
    the_ix.ids_percent = 50;
    node_over_disk(&n, 5, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    grow(&n, &the_ix, 120);
    RV_CHECK_PASSED();
    ix_settle(&n);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    rv_sim_disk_crash(n.disk);
    rv_file_name names[64];
    const unsigned count = files_named(&n, "idx-", names, 64);
    RV_CHECK(count > 1);
    unsigned told = 0;
    unsigned tried = 0;
    for (unsigned f = 0; f < count; f += 1) {
        const uint64_t size = file_size(&n, names[f].text);
        for (uint64_t at = f; at < size; at += RV_TEST_STRIDE * (at % 4096 < 100 ? 7u : 97u)) {
            RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, names[f].text, at, at % 8), RV_OK);
            RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
            ix_check_some(&n, &the_ix);
            RV_CHECK_PASSED();
            tried += 1;
            told += rv_log_index_facts_of(n.log).damaged > 0;
            if (rv_log_index_facts_of(n.log).damaged > 0) {
                ix_settle(&n);
                RV_CHECK_EQ(files_named(&n, "idx-", names + 32, 32),
                            rv_log_index_facts_of(n.log).runs);
            }
            RV_CHECK_STATUS(node_seal(&n), RV_END);
            if (rv_log_index_facts_of(n.log).damaged == 0) {
                RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, names[f].text, at, at % 8), RV_OK);
            }
        }
    }
    RV_CHECK(told > tried / 8);
}

RV_TEST(all_runs_gone) {
    node n = {.options = ix_options};
    ix_clear(&the_ix, 6);
    node_over_disk(&n, 6, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    grow(&n, &the_ix, 500);
    RV_CHECK_PASSED();
    ix_settle(&n);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    rv_file_name names[64];
    const unsigned count = files_named(&n, "idx-", names, 64);
    for (unsigned i = 0; i < count; i += 1) {
        rv_io_result result;
        (void)n.host.ops->remove(n.host.ctx, 1, names[i].text, &result);
    }
    RV_CHECK(count > 0);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    ix_check_some(&n, &the_ix);
    RV_CHECK_PASSED();
    check_indexed(&n, &the_ix);
}

/* A damaged log makes no runs: what is not indexed is read, by each who asks. */
RV_TEST(a_log_that_failed_is_searched_by_reading) {
    node n = {.options = ix_options};
    ix_clear(&the_ix, 12);
    the_ix.ids_percent = 100;
    node_over_disk(&n, 12, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    grow(&n, &the_ix, 200);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    rv_file_name names[64];
    unsigned count = files_named(&n, "idx-", names, 64);
    for (unsigned i = 0; i < count; i += 1) {
        file_remove(&n, names[i].text);
    }
    count = files_named(&n, "log-", names, 64);
    const char *const last = names[count - 1].text;
    const uint64_t size = file_size(&n, last);
    RV_CHECK_STATUS(rv_sim_disk_flip(n.disk, last, size - 70, 2), RV_OK);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_DATA_DAMAGED);
    const uint64_t durable = rv_log_durable(n.log);
    RV_CHECK(durable > 500 && durable < the_ix.count);
    ix_keep(&the_ix, durable);
    rv_tail_reset(&n.log->tail_index, durable + 1); /* as if nobody had told of any */
    for (uint64_t s = 1; s <= durable; s += 61) {
        uint64_t sequence = 0;
        RV_CHECK_STATUS(ix_find_id(&n, the_ix.events[s - 1].id, &sequence), RV_OK);
        RV_CHECK_EQ(sequence, s);
    }
    ix_check_some(&n, &the_ix);
    RV_CHECK_PASSED();
    RV_CHECK_EQ(rv_log_index_facts_of(n.log).runs, 0);
    RV_CHECK(!rv_log_working(n.log));
    RV_CHECK_STATUS(node_seal(&n), RV_END);
}

/* A node whose storage takes no run: slower, not wrong; and it goes on when there is room. */
RV_TEST(runs_that_cannot_be_made) {
    uint32_t failures = 0;
    for (uint64_t capacity = 150 << 10; capacity < 220 << 10; capacity += 6000) {
        node n = {.options = ix_options};
        rv_sim_faults faults = {.capacity = capacity};
        ix_clear(&the_ix, 7);
        the_ix.ids_percent = 50;
        node_over_disk(&n, 7, &faults);
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        rv_status status = RV_OK;
        for (unsigned i = 0; i < 3000 && status == RV_OK; i += 1) {
            status = ix_append(&n, &the_ix, 6);
            (void)ix_pass(&n);
        }
        RV_CHECK_STATUS(status, RV_STORAGE_FULL);
        failures += rv_log_index_facts_of(n.log).failures;
        RV_CHECK_STATUS(rv_log_failed(n.log), RV_OK);
        ix_check_some(&n, &the_ix);
        RV_CHECK_PASSED();
        faults.capacity = 4 << 20;
        rv_sim_disk_set_faults(n.disk, &faults);
        grow(&n, &the_ix, 100);
        RV_CHECK_PASSED();
        check_indexed(&n, &the_ix);
        RV_CHECK_PASSED();
    }
    RV_CHECK(failures > 0);
}

/* --- the nth operation goes wrong --- */

static void live(node *n, ix_twin *t, uint64_t *durable) {
    *durable = 0;
    if (ix_open(n, t) != RV_END) {
        return;
    }
    for (unsigned i = 0; i < 70; i += 1) {
        if (ix_append(n, t, 8) != RV_OK) {
            break;
        }
        (void)ix_pass(n);
        *durable = rv_log_durable(n->log);
    }
    *durable = rv_log_durable(n->log);
}

static void fault_at(uint64_t at, rv_sim_fault fault, rv_sim_crash crash, bool *beyond) {
    const rv_sim_faults faults = {.fault = fault,
                                  .fault_at = at,
                                  .crash = crash,
                                  .pending_percent = at % 2 == 0 ? 50 : 0,
                                  .latency_us_max = 50};
    node n = {.options = ix_options};
    uint64_t durable = 0;
    n.options.index_events = 16;
    ix_clear(&the_ix, 9);
    the_ix.ids_percent = 50;
    node_over_disk(&n, at, &faults);
    live(&n, &the_ix, &durable);
    *beyond = rv_sim_disk_operations(n.disk) < at;
    rv_sim_disk_crash(n.disk);
    const rv_sim_faults none = {.crash = crash};
    rv_sim_disk_set_faults(n.disk, &none);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    RV_CHECK(rv_log_durable(n.log) >= durable);
    ix_keep(&the_ix, rv_log_durable(n.log));
    ix_check_some(&n, &the_ix);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(ix_append(&n, &the_ix, 5), RV_OK);
    ix_settle(&n);
    ix_check_some(&n, &the_ix);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    ix_check_some(&n, &the_ix);
}

RV_TEST(every_operation_goes_wrong_in_every_way) {
    for (int fault = RV_SIM_FAIL; fault <= (int)RV_SIM_STOP; fault += 1) {
        for (int crash = RV_SIM_CRASH_KEEP; crash <= (int)RV_SIM_CRASH_REORDER; crash += 1) {
            bool beyond = false;
            const uint64_t step = (2 + (uint64_t)(crash + fault) % 2) * RV_TEST_STRIDE;
            for (uint64_t at = 1; !beyond && at < 3000; at += step) {
                fault_at(at, (rv_sim_fault)fault, (rv_sim_crash)crash, &beyond);
                if (rv_test_failed) {
                    fprintf(stderr, "fault %d at %u, crash %d\n", fault, (unsigned)at, crash);
                }
                RV_CHECK_PASSED();
            }
            RV_CHECK(beyond);
        }
    }
}

/* A look-up reads a run while another finds it bad: the file that is made in its place has its
 * name, and stays when the reading is over. */
RV_TEST(a_bad_run_that_is_still_read_does_not_take_the_good_one_with_it) {
    node n = {.options = ix_options};
    ix_clear(&the_ix, 8);
    node_over_disk(&n, 8, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    grow(&n, &the_ix, 40);
    RV_CHECK_PASSED();
    ix_settle(&n);
    rv_runs *const runs = &n.log->runs;
    RV_CHECK(runs->count > 0);
    for (uint32_t round = 0; round < runs->count; round += 1) {
        const rv_index_run run = runs->runs[round];
        rv_handle *handle = NULL;
        RV_CHECK_STATUS(rv_files_acquire(n.log, RV_HANDLE_OF_RUN | run.serial, 0, &handle), RV_OK);
        rv_runs_drop(runs, round, true);
        ix_settle(&n);
        ix_check_stream(&n, &the_ix, 0, 1);
        RV_CHECK_PASSED();
        rv_files_release(n.log, handle);
        ix_settle(&n);
        RV_CHECK_EQ(runs->spare_count, 0);
        check_indexed(&n, &the_ix);
        RV_CHECK_PASSED();
    }
    const uint32_t damaged = runs->damaged_count;
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    check_indexed(&n, &the_ix);
    RV_CHECK(damaged > 0 && rv_log_index_facts_of(n.log).damaged == 0);
}

/* While a run is made, a file of an overlapping name comes into the table, as what a bad run had
 * covered does: the new run gives way. */
RV_TEST(a_run_gives_way_to_one_that_came_while_it_was_made) {
    unsigned overlapped = 0;
    for (unsigned steps = 1; steps < 60; steps += 1) {
        node n = {.options = ix_options};
        ix_clear(&the_ix, 8);
        node_over_disk(&n, 8, NULL);
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        grow(&n, &the_ix, 40);
        RV_CHECK_PASSED();
        ix_settle(&n);
        rv_runs *const runs = &n.log->runs;
        RV_CHECK(runs->count > 1);
        const rv_run_span span = runs->runs[0].span;
        rv_runs_drop(runs, 0, true);
        for (unsigned i = 0; i < steps; i += 1) {
            rv_indexer_poll(n.log);
        }
        if (rv_runs_at(runs, span.first) < runs->count && runs->runs[0].span.first > span.first) {
            const rv_run_span other = {span.first + 1, span.next, 0};
            rv_runs_meet(runs, &other);
            overlapped += 1;
        }
        ix_settle(&n);
        check_indexed(&n, &the_ix);
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(node_seal(&n), RV_END);
    }
    RV_CHECK(overlapped > 0);
}

/* Going back to this watermark; first it is looked for. */
static rv_status go_back(node *n, ix_twin *t, uint64_t watermark) {
    rv_log_end_place place;
    node_create(n);
    rv_log_recover_until(n->log, watermark);
    if (ix_recover(n, t) != RV_END || !rv_log_recover_passed(n->log, &place) ||
        node_seal(n) != RV_END) {
        return RV_STATUS_COUNT;
    }
    node_create(n);
    rv_log_recover_back(n->log, &place, watermark);
    rv_status status = ix_recover(n, t);
    status = status == RV_END ? rv_log_cut_back(n->log, &n->err) : status;
    for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING; i += 1) {
        (void)node_pump(n);
        status = rv_log_cut_back(n->log, &n->err);
    }
    return status;
}

/* The log goes back into the midst of a segment, and grows again, by a node that has no index and
 * removes nothing of it. What the runs said of its events is not believed. */
RV_TEST(runs_of_what_was_cut_off_do_not_come_back) {
    for (uint64_t seed = 1; seed <= 4; seed += 1) {
        node n = {.options = ix_options};
        static rv_file_name names[64];
        const rv_sim_faults faults = {.crash = RV_SIM_CRASH_LOSE};
        ix_clear(&the_ix, seed);
        node_over_disk(&n, seed, &faults);
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        while (the_ix.count < 80) {
            RV_CHECK_STATUS(ix_append(&n, &the_ix, 5), RV_OK);
        }
        const uint64_t kept = the_ix.count;
        while (the_ix.count < 210) {
            RV_CHECK_STATUS(ix_append(&n, &the_ix, 5), RV_OK);
        }
        ix_settle(&n);
        RV_CHECK_EQ(rv_log_segment_count(n.log), 1);
        const unsigned runs = files_named(&n, "idx-", names, 64);
        RV_CHECK(runs > 1);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
        n.options.index_events = 0;
        the_ix.untold = true;
        RV_CHECK_STATUS(go_back(&n, &the_ix, kept), RV_END);
        ix_keep(&the_ix, kept);
        RV_CHECK(files_named(&n, "idx-", names, 64) < runs);
        while (the_ix.count < 400) {
            RV_CHECK_STATUS(ix_append(&n, &the_ix, 5), RV_OK);
        }
        RV_CHECK_STATUS(node_drain(&n), RV_OK);
        rv_sim_disk_crash(n.disk);
        n.options.index_events = ix_options.index_events;
        the_ix.untold = false;
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        ix_settle(&n);
        for (unsigned i = 0; i < 20; i += 1) {
            ix_check_some(&n, &the_ix);
            RV_CHECK_PASSED();
        }
    }
}

int main(void) {
    RV_RUN(random_lives);
    RV_RUN(runs_cover_the_log_and_are_merged);
    RV_RUN(a_bit_flipped_anywhere_is_found_or_harmless);
    RV_RUN(all_runs_gone);
    RV_RUN(a_log_that_failed_is_searched_by_reading);
    RV_RUN(runs_that_cannot_be_made);
    RV_RUN(every_operation_goes_wrong_in_every_way);
    RV_RUN(a_bad_run_that_is_still_read_does_not_take_the_good_one_with_it);
    RV_RUN(a_run_gives_way_to_one_that_came_while_it_was_made);
    RV_RUN(runs_of_what_was_cut_off_do_not_come_back);
    return rv_test_done();
}
