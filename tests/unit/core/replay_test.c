/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a batch that cannot be folded when a node is opened is not in its state in part: the state
 * is that of the batches before, of which the log says that they are intact. Method: a root whose
 * state hash is known after every batch, on the simulated disk; a position in the middle of a batch
 * that the node does not go to, for every position; a budget whose pages do not hold what was
 * written with a larger one; both from the log's start and behind a checkpoint, at once and with
 * operations that are answered late, and with a log that cannot be read again.
 */
#include "core/base/panic.h"
#include "platform/sim/disk.h"
#include "tests/unit/node_fixture.h"

#define DISK_MEMORY ((size_t)24 << 20)
#define NODE_MEMORY ((size_t)16 << 20)
#define BATCHES     12u
#define GROWTH      5800u /* a checkpoint in the middle */

typedef struct station {
    uint8_t *disk_memory;
    uint8_t *node_memory;
    rv_sim_disk *disk;
    rv_node *node;
    rv_error err;
    rv_hash128 hashes[BATCHES + 2]; /* after i batches */
    uint64_t watermarks[BATCHES + 2];
} station;

static rv_status station_open(station *s, size_t memory) {
    return fixture_open_on(rv_sim_disk_interface(s->disk), s->node_memory, memory, RV_ROLE_ROOT,
                           NULL, &s->node, &s->err);
}

/* The schema, then batches of three; the note of each is `note_len` bytes long. */
static bool station_batch(station *s, unsigned i, int note_len) {
    static char note[260000];
    rv_event results[3];
    if (i == 0) {
        return fixture_apply_schema(s->node, results, &s->err) == RV_OK;
    }
    char path[32];
    snprintf(path, sizeof path, "/accounts/%u", i);
    snprintf(note, sizeof note, "{\"note_id\":%u,\"body\":\"%0*u\"}", i, note_len, i);
    const rv_append batch[3] = {
        fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}"),
        fixture_event(path, "deposited", "{\"amount\":5}"),
        fixture_event(path, "noted", note),
    };
    return fixture_append_all(s->node, batch, 3, results, &s->err) == RV_OK;
}

static void station_fill(station *s, int note_len, uint64_t growth) {
    const rv_sim_disk_options options = {.seed = 7, .now = INT64_C(1700000000000000)};
    *s = (station){.disk_memory = malloc(DISK_MEMORY), .node_memory = malloc(NODE_MEMORY)};
    s->disk = rv_sim_disk_create(s->disk_memory, DISK_MEMORY, &options);
    fixture_checkpoint_growth = growth;
    RV_CHECK_STATUS(station_open(s, NODE_MEMORY), RV_OK);
    s->hashes[0] = rv_node_state_hash(s->node);
    for (unsigned i = 0; i <= BATCHES; i++) {
        RV_CHECK(station_batch(s, i, note_len) && fixture_settle(s->node));
        for (unsigned polls = 0; polls < 1000 && rv_node_busy(s->node); polls++) {
            fixture_poll(s->node); /* until the checkpoint is written, if one is */
        }
        s->hashes[i + 1] = rv_node_state_hash(s->node);
        s->watermarks[i + 1] = rv_node_watermark(s->node);
    }
    fixture_checkpoint_growth = UINT64_MAX; /* no more of them */
    rv_sim_disk_crash(s->disk);
}

static void station_free(station *s) {
    fixture_checkpoint_growth = 0;
    free(s->disk_memory);
    free(s->node_memory);
}

/* Makes a file that says that this position was fatal. */
static void ban(station *s, uint64_t position) {
    const rv_host host = rv_sim_disk_interface(s->disk);
    uint8_t bytes[RV_PANICS_MAX * RV_PANIC_SIZE];
    for (unsigned i = 0; i < RV_PANICS_MAX; i++) {
        const rv_panic panic = {.position = position, .place = 1, .time = 1};
        rv_panic_encode(&panic, bytes + (size_t)i * RV_PANIC_SIZE);
    }
    rv_io_result result;
    (void)host.ops->remove(host.ctx, 1, RV_PANICS_FILE, &result);
    (void)host.ops->create(host.ctx, 2, RV_PANICS_FILE, &result);
    const rv_file file = result.file;
    (void)host.ops->write(host.ctx, 3, file, 0, rv_bytes_of(bytes, sizeof bytes), &result);
    (void)host.ops->flush(host.ctx, 4, file, &result);
    host.ops->close(host.ctx, file);
}

/* The node stands at the end of a batch, read-only; which one. */
static unsigned check_whole(station *s, rv_status why) {
    rv_event result;
    const rv_append one = fixture_event("accounts", "account_opened", "{\"name\":\"bob\"}");
    unsigned at = 0;
    while (at <= BATCHES && s->watermarks[at] < rv_node_watermark(s->node)) {
        at += 1;
    }
    if (rv_node_failed(s->node, NULL) != why || s->watermarks[at] != rv_node_watermark(s->node) ||
        !fixture_hashes_equal(rv_node_state_hash(s->node), s->hashes[at]) ||
        fixture_append_all(s->node, &one, 1, &result, &s->err) != RV_READ_ONLY) {
        fprintf(stderr, "W %u, %s, read-only for %s: %s\n", (unsigned)rv_node_watermark(s->node),
                fixture_hashes_equal(rv_node_state_hash(s->node), s->hashes[at]) ? "the same state"
                                                                                 : "another state",
                rv_status_code(rv_node_failed(s->node, NULL)), s->err.detail);
        rv_test_failed = true;
    }
    return at;
}

static void ban_everywhere(uint64_t growth, unsigned pending) {
    station s;
    station_fill(&s, 20, growth);
    RV_CHECK_PASSED();
    const rv_sim_faults late = {.pending_percent = pending, .short_percent = pending / 3};
    unsigned refused = 0, passed = 0;
    for (uint64_t position = 1; position <= s.watermarks[BATCHES + 1]; position++) {
        const rv_sim_faults none = {.pending_percent = 0};
        rv_sim_disk_set_faults(s.disk, &none);
        ban(&s, position);
        rv_sim_disk_set_faults(s.disk, &late);
        const rv_status status = station_open(&s, NODE_MEMORY);
        if (growth == UINT64_MAX || status != RV_OK) {
            RV_CHECK_STATUS(status, RV_PANICKED);
            const unsigned at = check_whole(&s, RV_PANICKED);
            RV_CHECK(s.watermarks[at] < position && s.watermarks[at + 1] >= position);
            RV_CHECK_EQ(rv_node_checkpoint_of(s.node)->opened_by,
                        at > 0 ? RV_OPENED_BY_REPLAY : RV_OPENED_EMPTY);
            refused += 1;
        } else {
            RV_CHECK_EQ(rv_node_checkpoint_of(s.node)->opened_by, RV_OPENED_BY_CHECKPOINT);
            passed += 1; /* the position is before the checkpoint */
        }
        rv_sim_disk_crash(s.disk);
        RV_CHECK_PASSED();
    }
    RV_CHECK(refused > 2 && (passed > 0) == (growth != UINT64_MAX));
    station_free(&s);
}

RV_TEST(a_batch_that_is_refused_in_the_middle_is_taken_back) {
    ban_everywhere(UINT64_MAX, 0);
    RV_CHECK_PASSED();
    ban_everywhere(UINT64_MAX, 60);
}

RV_TEST(behind_a_checkpoint_too) {
    ban_everywhere(GROWTH, 0);
    RV_CHECK_PASSED();
    ban_everywhere(GROWTH, 60);
}

/* With a budget that is too small the node shows the batches whose rows fit. */
RV_TEST(rows_that_do_not_fit_end_it_at_a_whole_batch) {
    for (unsigned late = 0; late < 2; late++) {
        station s;
        station_fill(&s, 120000, UINT64_MAX);
        RV_CHECK_PASSED();
        const rv_sim_faults faults = {.pending_percent = late * 60};
        rv_sim_disk_set_faults(s.disk, &faults);
        RV_CHECK_STATUS(station_open(&s, RV_MEMORY_MIN), RV_STATE_FULL);
        const unsigned at = check_whole(&s, RV_STATE_FULL);
        RV_CHECK_PASSED();
        RV_CHECK(at > 2 && at <= BATCHES);
        station_free(&s);
    }
}

/* Damage before the checkpoint is met only when all is read again: then the state is that of the
 * batches before the damage. */
RV_TEST(what_cannot_be_read_again_ends_it_sooner) {
    station s;
    station_fill(&s, 20, GROWTH);
    RV_CHECK_PASSED();
    const uint64_t last = s.watermarks[BATCHES + 1];
    ban(&s, last - 1);
    RV_CHECK_STATUS(rv_sim_disk_flip(s.disk, "log-0000-0000000000000001.seg", 4096 + 64 + 500, 3),
                    RV_OK);
    RV_CHECK_STATUS(station_open(&s, NODE_MEMORY), RV_PANICKED);
    RV_CHECK_EQ(rv_node_watermark(s.node), s.watermarks[BATCHES]);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(s.node), 0), 0);
    RV_CHECK_EQ(rv_schema_version(rv_node_schema(s.node)), 0);
    station_free(&s);
}

int main(void) {
    RV_RUN(a_batch_that_is_refused_in_the_middle_is_taken_back);
    RV_RUN(behind_a_checkpoint_too);
    RV_RUN(what_cannot_be_read_again_ends_it_sooner);
    RV_RUN(rows_that_do_not_fit_end_it_at_a_whole_batch);
    return rv_test_done();
}
