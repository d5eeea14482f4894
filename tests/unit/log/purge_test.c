/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: when events leave a segment, nothing else is lost: every other event is found by stream and
 * by id, by the index in memory, by runs, and by reading; those that went are not found; no run
 * counts as damaged because of it, in this life and in the next. Method: random appends against the
 * naive twin (index_twin.h), segments written again without the events of every fourth stream,
 * look-ups meanwhile and after, many lives, on a disk that answers at once or late; and the power
 * fails at every operation.
 */
#include "core/log/internal.h"
#include "tests/unit/log/index_twin.h"

static bool goes(uint32_t stream) {
    return stream % 4 == 1;
}

static bool filter(void *ctx, const rv_batch *batch, rv_writer *body) {
    node *const n = ctx;
    rv_record_context context = rv_batch_context(batch, n->log);
    rv_cursor c = rv_cursor_over(batch->body);
    bool changed = false;
    while (rv_cursor_left(&c) > 0) {
        const uint8_t *const at = c.ptr;
        rv_record_context before = context;
        rv_record record;
        const bool read = rv_record_read(&c, &context, &record);
        RV_ASSERT(read);
        if (record.kind == RV_RECORD_EVENT && goes(record.event.stream)) {
            rv_record_write_gone(body, &before, &record.event, (rv_bytes){NULL, 0});
            rv_log_lose(n->log, &record.event);
            changed = true;
        } else {
            rv_write(body, rv_bytes_of(at, (size_t)(c.ptr - at)));
        }
    }
    return changed;
}

static const rv_rewrite_ops purge = {.filter = filter};

/* The twin without the events of a segment that go. */
static void lose(ix_twin *t, const rv_log *log, uint32_t segment) {
    const uint64_t end = rv_log_segment_first(log, segment + 1);
    for (uint64_t s = rv_log_segment_first(log, segment); s < end; s += 1) {
        ix_event *const e = &t->events[s - 1];
        if (e->stream != IX_GONE && goes(e->stream)) {
            e->stream = IX_GONE;
            e->has_id = false;
        }
    }
}

/* Goes over one segment. What may be gone is looked up meanwhile, but not compared. */
static rv_status purge_segment(node *n, ix_twin *t, uint32_t segment) {
    const bool begun = rv_log_rewrite_begin(n->log, segment, &purge, n);
    for (unsigned i = 0; i < PUMP_MAX && rv_log_rewrite_status(n->log) == RV_PENDING; i += 1) {
        (void)ix_pass(n);
        if (rv_log_failed(n->log) != RV_OK) {
            return rv_log_failed(n->log);
        }
        if (i % 4 == 1) {
            (void)ix_append_once(n, t, 2);
        } else if (i % 4 == 3) {
            uint64_t sequence = 0;
            (void)(rv_log_find_id(n->log, t->events[ix_random(t, t->count)].id, 1, &sequence,
                                  &n->err) == RV_OK);
        }
    }
    const rv_status status = begun ? rv_log_rewrite_status(n->log) : RV_BUSY;
    if (status == RV_OK) {
        lose(t, n->log, segment);
    }
    return status;
}

static void grow(node *n, ix_twin *t, unsigned batches) {
    for (unsigned i = 0; i < batches && t->count < IX_EVENTS_MAX - 100; i += 1) {
        RV_CHECK_STATUS(ix_append(n, t, 1 + (unsigned)ix_random(t, 12)), RV_OK);
    }
    ix_settle(n);
}

static void new_log(node *n, ix_twin *t, uint64_t seed, const rv_sim_faults *faults) {
    *n = (node){.options = ix_options};
    n->options.index_events = 32u << (seed % 4);
    n->options.segment_size = 10 << 10;
    ix_clear(t, seed);
    t->ids_percent = 50;
    node_over_disk(n, seed, faults);
}

static void check_index(node *n, ix_twin *t) {
    for (unsigned i = 0; i < 4; i += 1) {
        ix_check_some(n, t);
        RV_CHECK_PASSED();
    }
    for (uint32_t stream = 1; stream < t->streams; stream += 4) {
        ix_check_stream(n, t, stream, 1);
        RV_CHECK_PASSED();
    }
    RV_CHECK_EQ(rv_log_index_facts_of(n->log).damaged, 0);
}

RV_TEST(what_goes_is_not_found_and_the_rest_is) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(8); seed += 1) {
        const rv_sim_faults faults = {
            .pending_percent = seed % 3 == 0 ? 0 : 50, .short_percent = 20, .latency_us_max = 100};
        node n;
        new_log(&n, &the_ix, seed, &faults);
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        for (unsigned life = 0; life < 3; life += 1) {
            grow(&n, &the_ix, 120);
            RV_CHECK_PASSED();
            const uint32_t last = rv_log_segment_count(n.log) - 1;
            RV_CHECK(last > 2);
            for (uint32_t i = 0; i < last; i += 1 + (uint32_t)ix_random(&the_ix, 2)) {
                RV_CHECK_STATUS(purge_segment(&n, &the_ix, i), RV_OK);
            }
            check_index(&n, &the_ix);
            RV_CHECK_PASSED();
            ix_settle(&n);
            check_index(&n, &the_ix);
            RV_CHECK_PASSED();
            if (life % 2 == 0) {
                RV_CHECK_STATUS(node_seal(&n), RV_END);
            } else {
                RV_CHECK_STATUS(node_drain(&n), RV_OK);
            }
            rv_sim_disk_crash(n.disk);
            RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
            RV_CHECK_EQ(rv_log_durable(n.log), the_ix.count);
            check_index(&n, &the_ix);
            RV_CHECK_PASSED();
        }
    }
}

/* A segment in which nothing goes is not written. */
RV_TEST(nothing_to_do_is_nothing_done) {
    node n;
    uint64_t freed = 1;
    new_log(&n, &the_ix, 3, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    grow(&n, &the_ix, 200);
    RV_CHECK_STATUS(purge_segment(&n, &the_ix, 1), RV_OK);
    RV_CHECK(rv_log_rewritten(n.log, &freed) && freed > 0);
    const uint64_t operations = rv_sim_disk_operations(n.disk);
    const uint64_t bytes = rv_log_bytes(n.log);
    RV_CHECK(rv_log_rewrite_begin(n.log, 1, &purge, &n));
    ix_settle(&n);
    RV_CHECK_STATUS(rv_log_rewrite_status(n.log), RV_OK);
    RV_CHECK(!rv_log_rewritten(n.log, &freed) && freed == 0);
    RV_CHECK_EQ(rv_log_bytes(n.log), bytes);
    RV_CHECK_EQ(n.log->segments[1].generation, 1);
    RV_CHECK(rv_sim_disk_operations(n.disk) >= operations);
}

/* The log ends a segment when it is told to, once it has events. */
RV_TEST(a_segment_ends_when_it_is_told_to) {
    node n;
    new_log(&n, &the_ix, 4, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    for (unsigned i = 0; i < 5; i += 1) {
        const uint64_t count = the_ix.count;
        while (the_ix.count == count) { /* some are cancelled */
            RV_CHECK_STATUS(ix_append(&n, &the_ix, 2), RV_OK);
        }
        ix_settle(&n);
        RV_CHECK_EQ(rv_log_segment_count(n.log), i + 1);
        rv_log_roll(n.log);
    }
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    RV_CHECK_EQ(rv_log_durable(n.log), the_ix.count);
    check_index(&n, &the_ix);
}

int main(void) {
    RV_RUN(what_goes_is_not_found_and_the_rest_is);
    RV_RUN(nothing_to_do_is_nothing_done);
    RV_RUN(a_segment_ends_when_it_is_told_to);
    return rv_test_done();
}
