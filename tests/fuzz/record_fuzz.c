/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the records of a batch are read or refused, whatever the bytes, and what was read says the
 * same when it is written again; records of the ledger go into one. Method: the input is a context
 * (a batch header's numbers) and the batch's body; each event that is read is written in the same
 * context and read again.
 */
#include "core/log/ledger.h"
#include "tests/fuzz/fuzz.h"

static uint8_t memory[(size_t)2 << 20];

static bool same_event(const rv_event *a, const rv_event *b) {
    return a->sequence == b->sequence && a->position == b->position && a->stream == b->stream &&
           a->version == b->version && a->type == b->type &&
           a->schema_version == b->schema_version && a->written_at == b->written_at &&
           a->recorded_at == b->recorded_at && memcmp(a->event_id, b->event_id, 16) == 0 &&
           a->foreign_id == b->foreign_id && a->new_stream == b->new_stream &&
           a->declaration == b->declaration && a->batch_end == b->batch_end &&
           rv_bytes_equal(a->data, b->data) && rv_bytes_equal(a->metadata, b->metadata);
}

/* What can be read is put, and removed. */
static void check_ledger(const rv_record *record) {
    rv_ledger ledger = {.buf = memory + sizeof memory / 2, .cap = sizeof memory / 2};
    rv_ledger_entry entry;
    rv_bytes value;
    const bool put = record->kind == RV_RECORD_LEDGER_PUT;
    if (!put && record->kind != RV_RECORD_LEDGER_REMOVE) {
        return; /* selections, bases, changes, paths: who replays them reads them */
    }
    const rv_status status = rv_ledger_replay(&ledger, record);
    FUZZ_CHECK(rv_ledger_record_read(record, &entry) == (status != RV_DATA_DAMAGED));
    FUZZ_CHECK(rv_ledger_count(&ledger) == (put && status == RV_OK));
    if (put && status == RV_OK) {
        FUZZ_CHECK(rv_ledger_get(&ledger, entry.kind, entry.key, &value));
        FUZZ_CHECK(rv_bytes_equal(value, entry.value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size);
    rv_record_context context = {.next_sequence = 1 + fuzz_take_u16(&input)};
    context.previous_position = context.next_sequence - 1;
    context.time = (int64_t)fuzz_take_u64(&input);
    context.node_tag = fuzz_take_u16(&input);
    rv_cursor c = rv_cursor_over(input);
    while (rv_cursor_left(&c) > 0) {
        const rv_record_context before = context;
        const uint8_t *start = c.ptr;
        rv_record record, again;
        if (!rv_record_read(&c, &context, &record)) {
            break;
        }
        FUZZ_CHECK(c.ptr > start && c.ptr <= c.end);
        rv_writer w = rv_writer_over(memory, sizeof memory);
        rv_record_context writing = before;
        rv_record_context reading = before;
        if (record.kind == RV_RECORD_GONE) {
            rv_record_write_gone(&w, &writing, &record.event, record.body);
            FUZZ_CHECK(!w.full && w.len == (size_t)(c.ptr - start));
            FUZZ_CHECK(memcmp(w.ptr, start, w.len) == 0);
            FUZZ_CHECK(memcmp(&writing, &context, sizeof writing) == 0);
            continue;
        }
        if (record.kind != RV_RECORD_EVENT) {
            check_ledger(&record);
            continue;
        }
        rv_record_write_event(&w, &writing, &record.event);
        FUZZ_CHECK(!w.full);
        rv_cursor written = rv_cursor_over(rv_writer_bytes(&w));
        FUZZ_CHECK(rv_record_read(&written, &reading, &again) && rv_cursor_done(&written));
        FUZZ_CHECK(same_event(&record.event, &again.event));
        FUZZ_CHECK(writing.next_sequence == context.next_sequence);
        FUZZ_CHECK(reading.previous_position == context.previous_position);
    }
    return 0;
}
