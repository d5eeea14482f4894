/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the log share: a node that has a log over the simulated disk or in memory, and
 * a naive twin, an array of the batches that were appended. The twin knows everything; the log may
 * have less (what a crash took), never anything else.
 */
#ifndef RV_TESTS_LOG_TWIN_H
#define RV_TESTS_LOG_TWIN_H

#include "core/log/log.h"
#include "platform/memory/memory.h"
#include "platform/sim/disk.h"
#include "tests/unit/test.h"

#define TWIN_BATCHES_MAX 4096
#define TWIN_BODIES_MAX  (8u << 20)
#define NODE_DISK_SIZE   (16u << 20)
#define NODE_ARENA_SIZE  (8u << 20)
#define PUMP_MAX         100000

typedef struct twin_batch {
    rv_batch batch;
    uint64_t count;
} twin_batch;

typedef struct twin {
    twin_batch batches[TWIN_BATCHES_MAX];
    uint32_t count;
    uint8_t bodies[TWIN_BODIES_MAX];
    size_t bodies_len;
    bool root;
} twin;

typedef struct node {
    rv_host host;
    rv_sim_disk *disk; /* or */
    rv_memory_host *memory;
    rv_log *log;
    rv_log_options options;
    rv_error err;
    uint32_t recovered; /* batches that the last recovery gave */
} node;

static uint8_t node_disk_memory[NODE_DISK_SIZE];
static uint8_t node_arena_memory[NODE_ARENA_SIZE];
__attribute__((unused)) static twin the_twin; /* not every test has use for it */

static const rv_log_identity twin_identity = {
    .log_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .node_id = {101, 102, 103},
    .epoch = 7,
    .root_tag = UINT64_C(0x2badcafe5),
    .root = true,
};

/* --- the node --- */

/* Lets whatever is under way come to an end; false when nothing is. */
static inline bool node_pump(node *n) {
    if (n->disk != NULL) {
        const uint64_t wait = rv_sim_disk_deadline(n->disk);
        if (wait == UINT64_MAX) {
            return false;
        }
        rv_sim_disk_advance(n->disk, wait);
    }
    rv_io_completion completion;
    bool any = false;
    while (n->host.ops->next_completion(n->host.ctx, &completion)) {
        if (!rv_log_completed(n->log, &completion)) {
            return false;
        }
        any = true;
    }
    return any;
}

static inline void node_create(node *n) {
    rv_arena arena = rv_arena_over(node_arena_memory, sizeof node_arena_memory);
    n->options.host = n->host;
    RV_CHECK_STATUS(rv_log_create(&n->log, &n->options, &arena, &n->err), RV_OK);
}

static inline void node_over_disk(node *n, uint64_t seed, const rv_sim_faults *faults) {
    const rv_sim_disk_options options = {
        .seed = seed, .now = 1, .files_max = 400, .changes_max = 512};
    n->disk = rv_sim_disk_create(node_disk_memory, sizeof node_disk_memory, &options);
    RV_CHECK(n->disk != NULL);
    if (faults != NULL) {
        rv_sim_disk_set_faults(n->disk, faults);
    }
    n->host = rv_sim_disk_interface(n->disk);
}

static inline void node_over_memory(node *n, uint64_t seed) {
    const rv_memory_host_options options = {.seed = seed, .files_max = 64};
    n->memory = rv_memory_host_create(node_disk_memory, sizeof node_disk_memory, &options);
    RV_CHECK(n->memory != NULL);
    n->host = rv_memory_host_interface(n->memory);
}

/* Batches whose segments are written again lose the data of every third event. */
static inline bool twin_filter(void *ctx, const rv_batch *batch, rv_writer *body) {
    rv_record_context context = {batch->first_sequence, batch->first_position - 1, batch->time,
                                 twin_identity.root_tag};
    rv_cursor c = rv_cursor_over(batch->body);
    bool changed = false;
    (void)ctx;
    while (rv_cursor_left(&c) > 0) {
        rv_record_context before = context;
        rv_record record;
        const bool read = rv_record_read(&c, &context, &record);
        RV_ASSERT(read && record.kind == RV_RECORD_EVENT);
        if (record.event.sequence % 3 == 0 && record.event.data.len > 0) {
            record.event.data.len = 0;
            changed = true;
        }
        rv_record_write_event(body, &before, &record.event);
    }
    return changed;
}

__attribute__((unused)) static const rv_rewrite_ops twin_rewrite = {.filter = twin_filter};

static inline bool same_when_rewritten(const rv_batch *a, const rv_batch *b) {
    static uint8_t bytes[64 << 10];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    return b->body.len > 0 && twin_filter(NULL, b, &w) &&
           rv_bytes_equal(a->body, rv_writer_bytes(&w));
}

/* True when the batch is the twin's. */
static inline bool same_batch(const rv_batch *a, const rv_batch *b) {
    return a->first_sequence == b->first_sequence && a->first_position == b->first_position &&
           a->watermark == b->watermark && a->chain_hash == b->chain_hash && a->time == b->time &&
           (rv_bytes_equal(a->body, b->body) || same_when_rewritten(a, b));
}

/* Recovers; every batch must be the twin's next, from `first` on. The status that ended it. */
static inline rv_status node_recover_on(node *n, const twin *t, uint32_t first) {
    n->recovered = first;
    for (unsigned i = 0; i < PUMP_MAX; i += 1) {
        rv_batch batch;
        const rv_status status = rv_log_recover(n->log, &batch, &n->err);
        if (status == RV_PENDING) {
            if (!node_pump(n)) {
                return RV_STATUS_COUNT;
            }
        } else if (status != RV_OK) {
            return status;
        } else if (n->recovered >= t->count ||
                   !same_batch(&batch, &t->batches[n->recovered].batch)) {
            fprintf(stderr, "batch %u is not the one that was appended\n", n->recovered);
            return RV_STATUS_COUNT;
        } else {
            n->recovered += 1;
        }
    }
    return RV_STATUS_COUNT;
}

static inline rv_status node_recover(node *n, const twin *t) {
    return node_recover_on(n, t, 0);
}

/* Opens what is there, after rv_log_create. */
static inline rv_status node_open(node *n, const twin *t) {
    node_create(n);
    const rv_status status = node_recover(n, t);
    if (status == RV_END && !rv_log_has_identity(n->log)) {
        rv_log_identity identity = twin_identity;
        identity.root = t->root;
        rv_log_set_identity(n->log, &identity);
    }
    return status;
}

static inline rv_status node_seal(node *n) {
    rv_status status = rv_log_seal(n->log, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING; i += 1) {
        if (!node_pump(n)) {
            return RV_STATUS_COUNT;
        }
        status = rv_log_seal(n->log, &n->err);
    }
    return status;
}

/* Until nothing waits: RV_OK, or why the log failed. */
static inline rv_status node_drain(node *n) {
    rv_status status = rv_log_poll(n->log, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && status == RV_OK && rv_log_busy(n->log); i += 1) {
        if (!node_pump(n)) {
            return RV_STATUS_COUNT;
        }
        status = rv_log_poll(n->log, &n->err);
    }
    return status;
}

/* --- the twin --- */

static inline void twin_clear(twin *t, bool root) {
    t->count = 0;
    t->bodies_len = 0;
    t->root = root;
}

static inline uint64_t twin_watermark(const twin *t) {
    return t->count == 0 ? 0 : t->batches[t->count - 1].batch.watermark;
}

static inline uint64_t twin_chain(const twin *t) {
    return t->count == 0 ? 0 : t->batches[t->count - 1].batch.chain_hash;
}

static inline uint64_t twin_sequence(const twin *t) {
    if (t->count == 0) {
        return 0;
    }
    const twin_batch *const last = &t->batches[t->count - 1];
    return last->batch.first_sequence + last->count - 1;
}

/* Forgets what the log does not have. */
static inline void twin_keep(twin *t, uint32_t count) {
    t->count = count;
    t->bodies_len = 0;
    if (count > 0) {
        const rv_bytes body = t->batches[count - 1].batch.body;
        t->bodies_len = (size_t)(body.ptr - t->bodies) + body.len;
    }
}

/* Writes one event with random contents, data of up to `len_max` bytes. */
static inline void write_random_event(rv_writer *body, rv_record_context *context, uint64_t ahead,
                                      size_t len_max, uint64_t *random) {
    uint8_t data[512];
    const size_t len = (size_t)(rv_test_random(random) % (len_max + 1));
    for (size_t i = 0; i < len; i += 1) {
        data[i] = (uint8_t)rv_test_random(random);
    }
    const rv_event event = {
        .position = context->previous_position + 1 + ahead,
        .stream = (uint32_t)(rv_test_random(random) % 100),
        .version = 1 + rv_test_random(random) % 1000,
        .schema_version = 1,
        .recorded_at = context->time,
        .written_at = context->time,
        .batch_end = true,
        .data = rv_bytes_of(data, len),
    };
    rv_record_write_event(body, context, &event);
}

/* Tries once to append a batch with `count` events: what rv_log_append_begin says. */
static inline rv_status node_append_once(node *n, twin *t, unsigned count, size_t len_max,
                                         uint64_t *random) {
    rv_writer body;
    const rv_status status = rv_log_append_begin(n->log, &body, &n->err);
    if (status != RV_OK) {
        return status;
    }
    const uint64_t skip = t->root ? 0 : rv_test_random(random) % 5;
    rv_batch batch = {
        .first_sequence = twin_sequence(t) + 1,
        .first_position = twin_watermark(t) + 1 + skip,
        .time = (int64_t)(1000000 + rv_test_random(random) % 1000),
    };
    rv_record_context context = rv_batch_context(&batch, n->log);
    for (unsigned i = 0; i < count; i += 1) {
        const uint64_t ahead = t->root ? 0 : rv_test_random(random) % 3;
        write_random_event(&body, &context, ahead, len_max, random);
    }
    if (body.full || rv_test_random(random) % 16 == 0) {
        rv_log_append_cancel(n->log);
        return RV_OK;
    }
    const uint64_t beyond = t->root ? 0 : rv_test_random(random) % 4;
    batch.watermark = (count == 0 ? twin_watermark(t) : context.previous_position) + beyond;
    batch.chain_hash = rv_test_random(random);
    twin_batch *const kept = &t->batches[t->count];
    if (t->count == TWIN_BATCHES_MAX || body.len > TWIN_BODIES_MAX - t->bodies_len) {
        rv_log_append_cancel(n->log);
        return RV_OK;
    }
    t->count += 1;
    memcpy(t->bodies + t->bodies_len, body.ptr, body.len);
    kept->batch = batch;
    kept->batch.body = rv_bytes_of(t->bodies + t->bodies_len, body.len);
    kept->count = count;
    t->bodies_len += body.len;
    kept->batch.chain_hash = rv_log_append_commit(n->log, &batch, &body, count);
    return RV_OK;
}

/* The same, until it is RV_OK or an error. */
static inline rv_status node_append(node *n, twin *t, unsigned count, size_t len_max,
                                    uint64_t *random) {
    rv_status status = node_append_once(n, t, count, len_max, random);
    for (unsigned i = 0; i < PUMP_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        if (rv_log_poll(n->log, &n->err) == RV_OK && rv_log_busy(n->log) && !node_pump(n)) {
            return RV_STATUS_COUNT;
        }
        status = node_append_once(n, t, count, len_max, random);
    }
    return status;
}

/* Batches of the twin that the log says are durable. */
static inline uint32_t twin_durable(const twin *t, const rv_log *log) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->count; i += 1) {
        const twin_batch *const b = &t->batches[i];
        if (b->count > 0 && b->batch.first_sequence + b->count - 1 <= rv_log_durable(log)) {
            count = i + 1;
        }
    }
    return count;
}

#endif
