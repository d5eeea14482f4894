/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the twin knows must be read from the log, by whatever way one asks: reading at a
 * sequence, searching for a position, asking for the chain hash at one.
 */
#ifndef RV_TESTS_LOG_CHECKS_H
#define RV_TESTS_LOG_CHECKS_H

#include "tests/unit/log/log_twin.h"

/* The twin's batch with this sequence. */
static inline const twin_batch *twin_find(const twin *t, uint64_t sequence) {
    for (uint32_t i = 0; i < t->count; i += 1) {
        const twin_batch *const b = &t->batches[i];
        if (sequence >= b->batch.first_sequence && sequence - b->batch.first_sequence < b->count) {
            return b;
        }
    }
    return NULL;
}

/* Reads at a cursor until there is an answer. */
static inline rv_status read_at(node *n, rv_log_cursor *cursor, rv_batch *batch) {
    rv_status status = rv_log_read(n->log, cursor, batch, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        if (!node_pump(n)) {
            return RV_STATUS_COUNT;
        }
        status = rv_log_read(n->log, cursor, batch, &n->err);
    }
    return status;
}

static inline void check_read(node *n, const twin *t, rv_log_cursor *cursor) {
    const uint64_t sequence = cursor->sequence;
    rv_batch batch;
    const rv_status status = read_at(n, cursor, &batch);
    if (sequence > rv_log_durable(n->log)) {
        RV_CHECK_STATUS(status, RV_END);
        return;
    }
    RV_CHECK_STATUS(status, RV_OK);
    const twin_batch *const expected = twin_find(t, sequence);
    RV_CHECK(expected != NULL);
    RV_CHECK(same_batch(&batch, &expected->batch));
    RV_CHECK_EQ(cursor->sequence, expected->batch.first_sequence + expected->count);
}

/* The answers to searches by a walk over the twin. */
static inline uint64_t twin_find_position(const node *n, const twin *t, uint64_t position) {
    for (uint32_t i = 0; i < t->count; i += 1) {
        const rv_batch *const batch = &t->batches[i].batch;
        rv_record_context context = rv_batch_context(batch, n->log);
        rv_cursor c = rv_cursor_over(batch->body);
        rv_record record;
        while (rv_cursor_left(&c) > 0 && rv_record_read(&c, &context, &record)) {
            if (record.event.position >= position) {
                return record.event.sequence;
            }
        }
    }
    return twin_sequence(t) + 1;
}

static inline void check_find(node *n, const twin *t, uint64_t position) {
    uint64_t sequence = 0;
    rv_status status = rv_log_find_position(n->log, position, &sequence, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        RV_CHECK(node_pump(n));
        status = rv_log_find_position(n->log, position, &sequence, &n->err);
    }
    const uint64_t expected = twin_find_position(n, t, position);
    if (expected > rv_log_durable(n->log)) {
        RV_CHECK_STATUS(status, RV_END);
        RV_CHECK_EQ(sequence, rv_log_durable(n->log) + 1);
    } else {
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_EQ(sequence, expected);
    }
}

static inline void check_chain(node *n, const twin *t, uint64_t position) {
    uint64_t chain = 0;
    rv_status status = rv_log_chain_at(n->log, position, &chain, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        RV_CHECK(node_pump(n));
        status = rv_log_chain_at(n->log, position, &chain, &n->err);
    }
    if (position > rv_log_watermark_durable(n->log)) {
        RV_CHECK_STATUS(status, RV_END);
        return;
    }
    bool ends = position == 0;
    bool equal = position == 0 && chain == 0;
    for (uint32_t i = 0; i < t->count; i += 1) {
        if (t->batches[i].batch.watermark == position) {
            ends = true;
            equal = equal || t->batches[i].batch.chain_hash == chain;
        }
    }
    RV_CHECK_STATUS(status, ends ? RV_OK : RV_END);
    RV_CHECK(!ends || equal);
}

static inline void check_facts(const node *n, const twin *t) {
    RV_CHECK_EQ(rv_log_appended(n->log), twin_sequence(t));
    RV_CHECK_EQ(rv_log_watermark(n->log), twin_watermark(t));
    RV_CHECK_EQ(rv_log_chain(n->log), twin_chain(t));
    RV_CHECK(rv_log_durable(n->log) <= rv_log_appended(n->log));
}

static inline void check_everything(node *n, const twin *t) {
    check_facts(n, t);
    RV_CHECK_PASSED();
    rv_log_cursor cursor = rv_log_cursor_at(1);
    while (cursor.sequence <= rv_log_durable(n->log)) {
        check_read(n, t, &cursor);
        RV_CHECK_PASSED();
    }
    for (uint64_t p = 0; p <= twin_watermark(t) + 2; p += 1 + twin_watermark(t) / 50) {
        check_find(n, t, p);
        RV_CHECK_PASSED();
        check_chain(n, t, p);
        RV_CHECK_PASSED();
    }
}

#endif
