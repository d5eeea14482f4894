/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a log can be closed at any moment, whatever is under way: recovery, cutting, opening files,
 * reads, runs being made, merged and removed, a segment being written again; what was durable is
 * there afterwards, and nothing else is left that was not there before. And a host that breaks its
 * contract about counts is a storage that fails. Method: a life of all of that on a disk that
 * answers late, ended after every number of steps; a host that lies about the nth operation.
 */
#include "core/log/internal.h"
#include "tests/unit/log/index_twin.h"
#include "tests/unit/log/log_files.h"

#ifdef RV_TEST_EMULATED
#define STEP 7u
#else
#define STEP 1u
#endif

/* One step of a life with everything in it. False: it is over. */
static bool live_step(node *n, ix_twin *t, unsigned i) {
    uint64_t sequence = 0;
    if (rv_log_failed(n->log) != RV_OK || t->count > 900) {
        return false;
    }
    if (i % 3 != 0) {
        const rv_status status = ix_append_once(n, t, 6);
        if (status != RV_OK && status != RV_PENDING && status != RV_BUSY) {
            return false;
        }
    }
    if (i % 5 == 0 && rv_log_durable(n->log) > 0) {
        rv_batch batch;
        rv_log_cursor cursor = rv_log_cursor_at(1 + ix_random(t, rv_log_durable(n->log)));
        (void)(rv_log_read(n->log, &cursor, &batch, &n->err) == RV_OK);
        (void)(rv_log_find_id(n->log, t->events[ix_random(t, t->count)].id, 1, &sequence,
                              &n->err) == RV_OK);
        (void)(rv_log_find_position(n->log, 1 + ix_random(t, t->count), &sequence, &n->err) ==
               RV_OK);
    }
    if (i % 40 == 20 && rv_log_segment_count(n->log) > 1) {
        const uint64_t before_last = rv_log_segment_count(n->log) - 1;
        const bool begun =
            rv_log_rewrite_begin(n->log, (uint32_t)ix_random(t, before_last), NULL, NULL);
        (void)begun; /* or another one is under way */
    }
    (void)ix_pass(n);
    return true;
}

/* Recovers with at most so many steps of the disk. */
static rv_status recover_some(node *n, const ix_twin *t, unsigned steps) {
    node_create(n);
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < steps && (status == RV_PENDING || status == RV_OK);) {
        rv_batch batch;
        status = rv_log_recover(n->log, &batch, &n->err);
        if (status == RV_PENDING) {
            (void)node_pump(n);
            i += 1;
        } else if (status == RV_OK && batch.first_sequence > t->count) {
            return RV_STATUS_COUNT;
        }
    }
    return status;
}

static void new_disk(node *n, ix_twin *t, uint64_t seed, unsigned pending) {
    const rv_sim_faults faults = {
        .pending_percent = pending, .latency_us_max = 100, .crash = RV_SIM_CRASH_TEAR};
    *n = (node){.options = ix_options};
    n->options.index_events = 16;
    n->options.segment_size = 10 << 10;
    ix_clear(t, seed);
    t->ids_percent = 50;
    node_over_disk(n, seed, &faults);
    RV_CHECK_STATUS(ix_open(n, t), RV_END);
}

RV_TEST(a_life_that_ends_at_every_step) {
    for (unsigned steps = 1; steps < 400; steps += STEP) {
        node n;
        new_disk(&n, &the_ix, steps, 40 + 60 * (steps % 2));
        RV_CHECK_PASSED();
        unsigned i = 0;
        while (i < steps && live_step(&n, &the_ix, i)) {
            i += 1;
        }
        const uint64_t appended = rv_log_appended(n.log);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
        ix_keep(&the_ix, appended);
        RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
        RV_CHECK_EQ(rv_log_durable(n.log), appended);
        if (appended > 0) {
            ix_check_some(&n, &the_ix);
            RV_CHECK_PASSED();
        }
        ix_settle(&n);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
        const rv_sim_faults none = {.pending_percent = 0};
        static rv_file_name names[FILES_MAX];
        rv_sim_disk_set_faults(n.disk, &none);
        RV_CHECK_EQ(files_named(&n, "log-", names, FILES_MAX), rv_log_segment_count(n.log));
        RV_CHECK_EQ(files_named(&n, "idx-", names, FILES_MAX), rv_log_index_facts_of(n.log).runs);
    }
}

/* The power fails in the middle of a life; then recovery is ended after every number of steps. */
RV_TEST(a_recovery_that_ends_at_every_step) {
    for (unsigned life = 1; life < 12; life += 1) {
        bool over = false;
        for (unsigned steps = 0; !over && steps < 200; steps += STEP) {
            node n;
            new_disk(&n, &the_ix, life, 100);
            RV_CHECK_PASSED();
            for (unsigned i = 0; i < 40 * life && live_step(&n, &the_ix, i); i += 1) {
            }
            const uint64_t durable = rv_log_durable(n.log);
            rv_sim_disk_crash(n.disk);
            const rv_status status = recover_some(&n, &the_ix, steps);
            RV_CHECK(status == RV_PENDING || status == RV_END || status == RV_OK);
            over = status == RV_END;
            RV_CHECK_STATUS(node_seal(&n), RV_END);
            the_ix.marked = false;
            RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
            RV_CHECK(rv_log_durable(n.log) >= durable);
            RV_CHECK_STATUS(node_seal(&n), RV_END);
        }
        RV_CHECK(over);
    }
}

/* --- a host that lies --- */

typedef struct liar {
    rv_host host;
    uint64_t operations;
    uint64_t lie_at;
    uint64_t count; /* what it says of that operation; */
    bool beyond;    /* or one more than was asked for */
    bool lied;
} liar;

static rv_io tell(liar *l, rv_io io, size_t len, rv_io_result *result) {
    l->operations += 1;
    if (l->operations == l->lie_at && result->status == RV_OK) {
        result->count = l->beyond ? len + 1 : l->count;
        l->lied = true;
    }
    return io;
}

static rv_io lying_read(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, uint8_t *buf,
                        size_t len, rv_io_result *result) {
    liar *const l = ctx;
    const rv_io io = l->host.ops->read(l->host.ctx, ticket, file, offset, buf, len, result);
    return tell(l, io, len, result);
}

static rv_io lying_write(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, rv_bytes bytes,
                         rv_io_result *result) {
    liar *const l = ctx;
    const rv_io io = l->host.ops->write(l->host.ctx, ticket, file, offset, bytes, result);
    return tell(l, io, bytes.len, result);
}

static rv_io lying_open(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    const liar *const l = ctx;
    return l->host.ops->open(l->host.ctx, ticket, name, result);
}

static rv_io lying_create(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    const liar *const l = ctx;
    return l->host.ops->create(l->host.ctx, ticket, name, result);
}

static void lying_close(void *ctx, rv_file file) {
    const liar *const l = ctx;
    l->host.ops->close(l->host.ctx, file);
}

static rv_io lying_truncate(void *ctx, rv_ticket ticket, rv_file file, uint64_t size,
                            rv_io_result *result) {
    const liar *const l = ctx;
    return l->host.ops->truncate(l->host.ctx, ticket, file, size, result);
}

static rv_io lying_remove(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    const liar *const l = ctx;
    return l->host.ops->remove(l->host.ctx, ticket, name, result);
}

static rv_io lying_list(void *ctx, rv_ticket ticket, rv_file_name *names, size_t cap,
                        rv_io_result *result) {
    const liar *const l = ctx;
    return l->host.ops->list(l->host.ctx, ticket, names, cap, result);
}

static rv_io lying_flush(void *ctx, rv_ticket ticket, rv_file file, rv_io_result *result) {
    const liar *const l = ctx;
    return l->host.ops->flush(l->host.ctx, ticket, file, result);
}

static bool lying_completion(void *ctx, rv_io_completion *completion) {
    const liar *const l = ctx;
    return l->host.ops->next_completion(l->host.ctx, completion);
}

static int64_t lying_now(void *ctx) {
    const liar *const l = ctx;
    return l->host.ops->now(l->host.ctx);
}

static void lying_entropy(void *ctx, uint8_t *buf, size_t len) {
    const liar *const l = ctx;
    l->host.ops->entropy(l->host.ctx, buf, len);
}

static const rv_host_ops lying_ops = {
    .open = lying_open,
    .create = lying_create,
    .close = lying_close,
    .read = lying_read,
    .write = lying_write,
    .truncate = lying_truncate,
    .remove = lying_remove,
    .list = lying_list,
    .flush = lying_flush,
    .next_completion = lying_completion,
    .now = lying_now,
    .entropy = lying_entropy,
};

/* A life, and the next one; whatever was told durable is there when the host is honest again. */
static void live_with(liar *l, bool *over) {
    node n = {.options = ix_options};
    uint64_t durable = 0;
    n.options.index_events = 16;
    ix_clear(&the_ix, 3);
    the_ix.ids_percent = 50;
    node_over_disk(&n, 3, NULL);
    RV_CHECK_PASSED();
    l->host = n.host;
    n.host = (rv_host){&lying_ops, l};
    for (unsigned life = 0; life < 2 && !l->lied; life += 1) {
        if (ix_open(&n, &the_ix) != RV_END) {
            break;
        }
        for (unsigned i = 0; i < 60 && live_step(&n, &the_ix, i); i += 1) {
        }
        durable = rv_log_durable(n.log);
        ix_keep(&the_ix, rv_log_appended(n.log));
        if (node_seal(&n) == RV_END) {
            durable = rv_log_durable(n.log);
        }
    }
    *over = !l->lied;
    rv_sim_disk_crash(n.disk);
    n.host = l->host;
    const rv_status status = ix_open(&n, &the_ix);
    RV_CHECK(status == RV_END || (l->beyond && status == RV_DATA_DAMAGED));
    RV_CHECK(rv_log_durable(n.log) >= durable);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
}

RV_TEST(a_host_that_lies_about_counts) {
    for (unsigned beyond = 0; beyond < 2; beyond += 1) {
        bool over = false;
        for (uint64_t at = 1; !over && at < 1000; at += STEP) {
            liar l = {.lie_at = at, .beyond = beyond == 1};
            live_with(&l, &over);
            if (rv_test_failed) {
                fprintf(stderr, "operation %u, beyond %u\n", (unsigned)at, beyond);
            }
            RV_CHECK_PASSED();
        }
        RV_CHECK(over);
    }
}

/* Nothing is written, a read under way is waited for, and no file stays open. */
RV_TEST(a_log_that_is_left_as_it_is) {
    node n;
    new_disk(&n, &the_ix, 5, 100);
    for (unsigned i = 0; i < 20; i += 1) {
        RV_CHECK_STATUS(ix_append(&n, &the_ix, 6), RV_OK);
    }
    ix_settle(&n);
    rv_sim_disk_crash(n.disk);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    rv_batch batch;
    rv_log_cursor cursor = rv_log_cursor_at(1);
    RV_CHECK_STATUS(rv_log_read(n.log, &cursor, &batch, &n.err), RV_PENDING);
    rv_status status = rv_log_leave(n.log, &n.err);
    RV_CHECK_STATUS(status, RV_PENDING);
    while (status == RV_PENDING && node_pump(&n)) {
        status = rv_log_leave(n.log, &n.err);
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    RV_CHECK(!n.log->sealed);
    rv_file_name name;
    rv_files_name(n.log, 0, &name);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    rv_sim_disk_set_faults(n.disk, &(rv_sim_faults){.pending_percent = 0});
    file_remove(&n, name.text); /* it is not open any more */
}

int main(void) {
    RV_RUN(a_log_that_is_left_as_it_is);
    RV_RUN(a_life_that_ends_at_every_step);
    RV_RUN(a_recovery_that_ends_at_every_step);
    RV_RUN(a_host_that_lies_about_counts);
    return rv_test_done();
}
