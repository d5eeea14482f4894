/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a log that is to end before batches that it has ends exactly there, with all before intact
 * and what was behind in files, whatever goes wrong at whatever moment; it goes on as any log, and
 * is not cut there again. Method: a log of several segments on the simulated disk is cut back to
 * each of its batches in turn, against the twin; and for some places the power fails at every
 * operation, the machine crashes in each of four ways, and it is done again.
 */
#include "core/log/internal.h"
#include "tests/unit/log/log_files.h"

static const rv_log_options back_options = {
    .write_buffer_size = 10 << 10,
    .batch_len_max = 1500,
    .read_slot_count = 4,
    .segment_size = 9 << 10,
    .extent_size = 2048,
    .index_events = 1024,
    .index_blocks = 8,
};

#define BATCHES   60
#define REWRITTEN 3 /* the seed of a log whose segments were written again */

/* Writes all segments but the last again, shorter. */
static bool rewrite_all(node *n) {
    bool good = true;
    for (uint32_t i = 0; i + 1 < rv_log_segment_count(n->log) && good; i += 1) {
        good = rv_log_rewrite_begin(n->log, i, &twin_rewrite, NULL);
        for (unsigned k = 0; k < PUMP_MAX && rv_log_rewrite_status(n->log) == RV_PENDING; k += 1) {
            good = good && rv_log_poll(n->log, &n->err) == RV_OK;
            (void)node_pump(n);
        }
        good = good && rv_log_rewrite_status(n->log) == RV_OK;
    }
    return good && node_drain(n) == RV_OK;
}

/* An edge's log of some segments, with batches without events; sealed or not. */
static bool fill(node *n, twin *t, uint64_t seed) {
    uint64_t random = seed;
    twin_clear(t, false);
    node_over_disk(n, seed, NULL);
    bool good = node_open(n, t) == RV_END;
    for (unsigned i = 0; i < BATCHES && good; i += 1) {
        good = node_append(n, t, i % 5, 150, &random) == RV_OK;
    }
    good = good && node_drain(n) == RV_OK && rv_log_segment_count(n->log) > 2;
    good = good && (seed != REWRITTEN || rewrite_all(n));
    if (seed % 2 == 0) {
        return good && node_seal(n) == RV_END;
    }
    rv_sim_disk_crash(n->disk);
    return good;
}

/* Batches up to this watermark. */
static uint32_t kept_of(const twin *t, uint64_t watermark) {
    uint32_t count = 0;
    while (count < t->count && t->batches[count].batch.watermark <= watermark) {
        count += 1;
    }
    return count;
}

static rv_status cut_back(node *n) {
    rv_status status = rv_log_cut_back(n->log, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING; i += 1) {
        if (!node_pump(n)) {
            return RV_STATUS_COUNT;
        }
        status = rv_log_cut_back(n->log, &n->err);
    }
    return status;
}

/* Looks for the place. */
static bool survey(node *n, const twin *t, uint64_t watermark, rv_log_end_place *place) {
    node_create(n);
    rv_log_recover_until(n->log, watermark);
    const bool good = node_recover(n, t) == RV_END && n->recovered == t->count;
    const bool passed = rv_log_recover_passed(n->log, place);
    return good && passed == (kept_of(t, watermark) < t->count) && node_seal(n) == RV_END;
}

/* Goes back there; also if that was begun before. */
static rv_status go_back(node *n, twin *t, const rv_log_end_place *place, uint64_t watermark) {
    rv_log_end_place met;
    node_create(n);
    rv_log_recover_back(n->log, place, watermark);
    rv_status status = node_recover(n, t);
    if (status == RV_END && rv_log_recover_passed(n->log, &met)) {
        status = cut_back(n);
    }
    return status;
}

static void check_back(node *n, twin *t, uint64_t watermark) {
    const uint32_t kept = kept_of(t, watermark);
    RV_CHECK_EQ(n->recovered, kept);
    twin_keep(t, kept);
    RV_CHECK_EQ(rv_log_watermark(n->log), twin_watermark(t));
    RV_CHECK_EQ(rv_log_chain(n->log), twin_chain(t));
    RV_CHECK_EQ(rv_log_durable(n->log), twin_sequence(t));
}

/* It goes on. */
static void check_going_on(node *n, twin *t, uint64_t seed) {
    uint64_t random = seed;
    const uint32_t before = t->count;
    while (t->count == before) { /* some are cancelled */
        RV_CHECK_STATUS(node_append(n, t, 2, 100, &random), RV_OK);
    }
    RV_CHECK_STATUS(node_drain(n), RV_OK);
    for (unsigned i = 0; i < 40; i += 1) {
        RV_CHECK_STATUS(node_append(n, t, 1 + i % 4, 150, &random), RV_OK);
    }
    RV_CHECK_STATUS(node_drain(n), RV_OK);
    rv_sim_disk_crash(n->disk);
    RV_CHECK_STATUS(node_open(n, t), RV_END);
    RV_CHECK_EQ(n->recovered, t->count);
    RV_CHECK_EQ(rv_log_cut(n->log, NULL), 0);
    RV_CHECK(seed != REWRITTEN || rewrite_all(n));
    RV_CHECK_STATUS(node_seal(n), RV_END);
    RV_CHECK_STATUS(node_open(n, t), RV_END);
    RV_CHECK_EQ(n->recovered, t->count);
}

RV_TEST(a_log_ends_at_each_of_its_batches) {
    for (uint64_t seed = 1; seed <= REWRITTEN; seed += 1) {
        for (uint32_t k = 0; k < BATCHES; k += seed == REWRITTEN ? 2 : 1) {
            node n = {.options = back_options};
            rv_log_end_place place;
            RV_CHECK(fill(&n, &the_twin, seed));
            const uint64_t watermark = k == 0 ? 0 : the_twin.batches[k - 1].batch.watermark;
            RV_CHECK(survey(&n, &the_twin, watermark, &place));
            RV_CHECK_PASSED();
            const rv_status status = go_back(&n, &the_twin, &place, watermark);
            if (status != RV_END) {
                fprintf(stderr, "batch %u: %s\n", k, n.err.detail);
            }
            RV_CHECK_STATUS(status, RV_END);
            check_back(&n, &the_twin, watermark);
            RV_CHECK_PASSED();
            check_going_on(&n, &the_twin, seed);
            RV_CHECK_PASSED();
        }
    }
}

/* A batch behind the place with no higher watermark says that the log was cut there before. */
RV_TEST(a_log_is_cut_once) {
    node n = {.options = back_options};
    rv_log_end_place place;
    rv_log_end_place met;
    rv_writer body;
    RV_CHECK(fill(&n, &the_twin, 2));
    const uint64_t watermark = the_twin.batches[20].batch.watermark;
    RV_CHECK(survey(&n, &the_twin, watermark, &place));
    RV_CHECK_STATUS(go_back(&n, &the_twin, &place, watermark), RV_END);
    check_back(&n, &the_twin, watermark);
    RV_CHECK_PASSED();
    uint64_t random = 3;
    rv_status status = rv_log_append_begin(n.log, &body, &n.err);
    for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING; i += 1) {
        (void)node_pump(&n);
        status = rv_log_append_begin(n.log, &body, &n.err);
    }
    RV_CHECK_STATUS(status, RV_OK);
    rv_record_write(&body, RV_RECORD_SELECTION, 0, RV_LITERAL("\3/**"), (rv_bytes){NULL, 0});
    twin_batch *const kept = &the_twin.batches[the_twin.count];
    memcpy(the_twin.bodies + the_twin.bodies_len, body.ptr, body.len);
    kept->batch = (rv_batch){.first_sequence = twin_sequence(&the_twin) + 1,
                             .first_position = watermark + 1,
                             .watermark = watermark,
                             .chain_hash = twin_chain(&the_twin),
                             .time = 5,
                             .body = {the_twin.bodies + the_twin.bodies_len, body.len}};
    kept->count = 0;
    the_twin.bodies_len += body.len;
    (void)rv_log_append_commit(n.log, &kept->batch, &body, 0);
    the_twin.count += 1;
    for (unsigned i = 0; i < 5; i += 1) {
        RV_CHECK_STATUS(node_append(&n, &the_twin, 2, 100, &random), RV_OK);
    }
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    rv_sim_disk_crash(n.disk);
    RV_CHECK_STATUS(go_back(&n, &the_twin, &place, watermark), RV_END);
    RV_CHECK(!rv_log_recover_passed(n.log, &met));
    RV_CHECK_EQ(n.recovered, the_twin.count);
}

/* The power fails at operation `at` of going back; `*over`: it was over before. */
static void fail_at(uint64_t at, rv_sim_crash crash, uint32_t k, uint64_t seed, bool *over) {
    node n = {.options = back_options};
    rv_log_end_place place;
    RV_CHECK(fill(&n, &the_twin, seed));
    const uint64_t watermark = the_twin.batches[k].batch.watermark;
    RV_CHECK(survey(&n, &the_twin, watermark, &place));
    const uint64_t stop = rv_sim_disk_operations(n.disk) + at;
    const rv_sim_faults faults = {.fault = RV_SIM_STOP,
                                  .fault_at = stop,
                                  .crash = crash,
                                  .pending_percent = 30,
                                  .short_percent = 10,
                                  .latency_us_max = 50};
    rv_sim_disk_set_faults(n.disk, &faults);
    (void)go_back(&n, &the_twin, &place, watermark);
    *over = rv_sim_disk_operations(n.disk) < stop;
    rv_sim_disk_crash(n.disk);
    const rv_sim_faults none = {.crash = crash};
    rv_sim_disk_set_faults(n.disk, &none);
    const rv_status status = go_back(&n, &the_twin, &place, watermark);
    if (status != RV_END) {
        fprintf(stderr, "%s\n", n.err.detail);
    }
    RV_CHECK_STATUS(status, RV_END);
    check_back(&n, &the_twin, watermark);
    RV_CHECK_PASSED();
    check_going_on(&n, &the_twin, seed);
}

RV_TEST(the_power_fails_at_every_operation) {
    static const uint32_t places[] = {0, 7, 20, 41};
    for (uint32_t p = 0; p < 4; p += 1) {
        for (int crash = RV_SIM_CRASH_KEEP; crash <= (int)RV_SIM_CRASH_REORDER; crash += 1) {
            bool over = false;
            uint64_t at = 1;
            for (; at < 400 && !over; at += 1) {
                fail_at(at, (rv_sim_crash)crash, places[p], 1 + p % 2, &over);
                if (rv_test_failed) {
                    fprintf(stderr, "operation %u, crash %d, place %u\n", (unsigned)at, crash, p);
                    return;
                }
            }
            RV_CHECK(at > 8 && at < 400);
        }
    }
}

/* Any operation fails, once. What is kept is whole: a file that was begun goes again. */
RV_TEST(any_operation_fails) {
    static rv_file_name names[FILES_MAX];
    bool over = false;
    unsigned failed = 0;
    for (uint64_t at = 1; at < 400 && !over; at += 1) {
        node n = {.options = back_options};
        rv_log_end_place place;
        RV_CHECK(fill(&n, &the_twin, 1));
        const uint64_t watermark = the_twin.batches[7].batch.watermark;
        RV_CHECK(survey(&n, &the_twin, watermark, &place));
        const uint64_t stop = rv_sim_disk_operations(n.disk) + at;
        const rv_sim_faults faults = {.fault = RV_SIM_FAIL, .fault_at = stop};
        rv_sim_disk_set_faults(n.disk, &faults);
        const rv_status status = go_back(&n, &the_twin, &place, watermark);
        over = rv_sim_disk_operations(n.disk) < stop;
        failed += status != RV_END;
        rv_sim_disk_set_faults(n.disk, &(rv_sim_faults){.fault = RV_SIM_NO_FAULT});
        RV_CHECK_EQ(files_named(&n, "cut-", names, FILES_MAX), n.log->recovery.cut_number);
        const rv_status closed = node_seal(&n);
        RV_CHECK_STATUS(closed, status == RV_END ? RV_END : RV_STORAGE_FAILED);
        for (unsigned i = 0; i < n.log->recovery.cut_number; i += 1) {
            file_remove(&n, names[i].text); /* none is open */
        }
        RV_CHECK_STATUS(go_back(&n, &the_twin, &place, watermark), RV_END);
        check_back(&n, &the_twin, watermark);
        RV_CHECK_PASSED();
    }
    RV_CHECK(over && failed > 8);
}

int main(void) {
    RV_RUN(a_log_ends_at_each_of_its_batches);
    RV_RUN(a_log_is_cut_once);
    RV_RUN(the_power_fails_at_every_operation);
    RV_RUN(any_operation_fails);
    return rv_test_done();
}
