/* SPDX-License-Identifier: Apache-2.0 */
/* Events and entries of the ledger in a log that its node did not judge, for tests of what other
 * versions may have written. */
#ifndef RV_TESTS_CORE_FORGING_H
#define RV_TESTS_CORE_FORGING_H

#include "core/log/ledger.h"
#include "core/log/log.h"
#include "tests/unit/node_fixture.h"

/* Appends an event to the log, at its end, past the node. */
static inline bool forge_event(fixture *f, const rv_event *event) {
    rv_log *const log = rv_node_log(f->node);
    rv_writer body;
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < FIXTURE_POLLS_MAX && status == RV_PENDING; i += 1) {
        status = rv_log_append_begin(log, &body, &f->err);
        fixture_poll(f->node);
    }
    rv_batch batch = {.first_sequence = rv_log_appended(log) + 1,
                      .first_position = rv_log_watermark(log) + 1,
                      .watermark = rv_log_watermark(log) + 1};
    rv_record_context context = rv_batch_context(&batch, log);
    rv_event numbered = *event;
    numbered.position = batch.first_position;
    rv_record_write_event(&body, &context, &numbered);
    (void)rv_log_append_commit(log, &batch, &body, 1);
    return status == RV_OK && fixture_settle(f->node);
}

/* A record without an event. */
static inline bool forge_record(fixture *f, rv_bytes record) {
    rv_log *const log = rv_node_log(f->node);
    rv_writer body;
    const rv_status status = rv_log_append_begin(log, &body, &f->err);
    const rv_batch batch = {.first_sequence = rv_log_appended(log) + 1,
                            .first_position = rv_log_watermark(log) + 1,
                            .watermark = rv_log_watermark(log),
                            .chain_hash = rv_log_chain(log)};
    if (status != RV_OK) {
        return false;
    }
    rv_write_blob(&body, record);
    (void)rv_log_append_commit(log, &batch, &body, 0);
    return fixture_settle(f->node);
}

/* An entry of the ledger. */
static inline bool forge_entry(fixture *f, uint8_t kind, rv_bytes key, rv_bytes value) {
    uint8_t record[2048];
    rv_writer w = rv_writer_over(record, sizeof record);
    rv_write_u8(&w, RV_RECORD_LEDGER_PUT);
    rv_write_u8(&w, 0);
    rv_write_u8(&w, kind);
    rv_write_blob(&w, key);
    rv_write(&w, value);
    return !w.full && forge_record(f, rv_writer_bytes(&w));
}

/* A root with two accounts, five on the first, and then at position 5 an event of that one which
 * has more data than its type. Aborts when that does not go. */
static inline fixture forge_opaque(void) {
    static uint8_t data[64];
    fixture f = fixture_root(40);
    const rv_append append = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    rv_event made;
    if (fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}") != RV_OK ||
        fixture_append(&f, "accounts", "account_opened", "{\"name\":\"bob\"}") != RV_OK ||
        fixture_append_all(f.node, &append, 1, &made, &f.err) != RV_OK || !fixture_settle(f.node)) {
        abort();
    }
    memcpy(data, made.data.ptr, made.data.len);
    data[made.data.len] = 0x7f;
    made.data = rv_bytes_of(data, made.data.len + 1);
    made.version += 1;
    if (!forge_event(&f, &made)) {
        abort();
    }
    return f;
}

/* Closes and opens it. */
static inline rv_status forge_open_again(fixture *f) {
    if (fixture_close(f->node, &f->err) != RV_END) {
        return RV_STATUS_COUNT;
    }
    rv_memory_host_reopen(f->storage);
    return fixture_open(f, RV_ROLE_ROOT, NULL);
}

#endif
