/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: tables that are full of what lies in the storage stop nothing that they need not stop: more
 * files of runs than there are places change no look-up and are removed; with all segments that the
 * table holds the last one grows; more than that, or more generations of a segment than are looked
 * at, is told or left for the next time. And streams whose versions do not ascend, as an upstream
 * may have sent them, are indexed all the same. Method: files put there by hand, logs of many small
 * segments, against the twin.
 */
#include "core/log/internal.h"
#include "tests/unit/log/index_twin.h"
#include "tests/unit/log/log_files.h"

static void grow(node *n, ix_twin *t, unsigned batches) {
    for (unsigned i = 0; i < batches; i += 1) {
        RV_CHECK_STATUS(ix_append(n, t, 8), RV_OK);
        (void)ix_pass(n);
    }
}

static void new_log(node *n, ix_twin *t, uint64_t seed) {
    *n = (node){.options = ix_options};
    ix_clear(t, seed);
    t->ids_percent = 50;
    node_over_disk(n, seed, NULL);
    RV_CHECK_STATUS(ix_open(n, t), RV_END);
}

/* Files named as runs that hold nothing: side by side, over each other, beyond the log. */
RV_TEST(more_files_of_runs_than_places) {
    static rv_file_name names[FILES_MAX];
    for (unsigned kind = 0; kind < 3; kind += 1) {
        node n;
        new_log(&n, &the_ix, 3 + kind);
        grow(&n, &the_ix, 120);
        RV_CHECK_PASSED();
        ix_settle(&n);
        RV_CHECK_STATUS(node_seal(&n), RV_END);
        for (unsigned i = 0; i < 170; i += 1) {
            rv_file_name name;
            rv_run_span span = {1 + 5 * (uint64_t)i, 4 + 5 * (uint64_t)i, 7};
            if (kind == 1) {
                span = (rv_run_span){1, 2 + i, 9};
            } else if (kind == 2) {
                span = (rv_run_span){5000 + i, 5001 + i, i % 2};
            }
            rv_run_name(&span, &name);
            file_make(&n, name.text, NULL, 0, 0);
        }
        for (unsigned life = 0; life < 4; life += 1) {
            RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
            ix_check_some(&n, &the_ix);
            RV_CHECK_PASSED();
            ix_settle(&n);
            ix_check_some(&n, &the_ix);
            RV_CHECK_PASSED();
            grow(&n, &the_ix, 5);
            RV_CHECK_PASSED();
            ix_settle(&n);
            RV_CHECK_STATUS(node_seal(&n), RV_END);
        }
        RV_CHECK_EQ(files_named(&n, "idx-", names, FILES_MAX), rv_log_index_facts_of(n.log).runs);
    }
}

RV_TEST(more_segments_than_places) {
    static rv_file_name names[FILES_MAX];
    node n = {.options = ix_options};
    n.options.segment_size = 8 << 10;
    ix_clear(&the_ix, 6);
    node_over_disk(&n, 6, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    const uint32_t cap = n.log->segment_cap;
    for (unsigned i = 0; i < 4000 && the_ix.count < IX_EVENTS_MAX - 20; i += 1) {
        RV_CHECK_STATUS(ix_append(&n, &the_ix, 10), RV_OK);
    }
    RV_CHECK_EQ(rv_log_segment_count(n.log), cap);
    RV_CHECK(n.log->segments[cap - 1].end > 3 * n.options.segment_size);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    RV_CHECK_EQ(rv_log_durable(n.log), the_ix.count);
    ix_check_some(&n, &the_ix);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    /* one more does not fit any more: the memory is told to be too small */
    rv_file_name name;
    rv_segment_name(0, the_ix.count + 1, &name);
    file_make(&n, name.text, NULL, 0, 0);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_MEMORY_EXHAUSTED);
    rv_batch batch;
    RV_CHECK_STATUS(rv_log_recover(n.log, &batch, &n.err), RV_MEMORY_EXHAUSTED); /* each time */
    RV_CHECK_STATUS(rv_log_recover_from(n.log, &the_ix.mark, &n.err), RV_MEMORY_EXHAUSTED);
    file_remove(&n, name.text);
    /* nor do more files than the buffer has room for their names */
    n.options.write_buffer_size = 8 << 10;
    for (unsigned i = 0; i < 80; i += 1) {
        rv_cut_name(1 + i, &name);
        file_make(&n, name.text, NULL, 0, 0);
    }
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_MEMORY_EXHAUSTED);
    RV_CHECK_EQ(files_named(&n, "cut-", names, FILES_MAX), 80);
}

/* More generations than are looked at: those that are left go at the next openings. */
RV_TEST(more_generations_than_are_looked_at) {
    static rv_file_name names[FILES_MAX];
    node n;
    new_log(&n, &the_ix, 7);
    grow(&n, &the_ix, 100);
    RV_CHECK_PASSED();
    RV_CHECK(rv_log_segment_count(n.log) > 2);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    for (uint32_t generation = 1; generation <= 20; generation += 1) {
        rv_file_name name;
        rv_segment_name(generation, 1, &name);
        file_make(&n, name.text, NULL, 0, 0);
    }
    bool whole = false;
    for (unsigned life = 0; life < 4; life += 1) {
        whole = ix_open(&n, &the_ix) == RV_END;
        RV_CHECK_STATUS(node_seal(&n), RV_END);
    }
    RV_CHECK(whole);
    RV_CHECK_EQ(rv_log_durable(n.log), the_ix.count);
    RV_CHECK_EQ(files_named(&n, "log-", names, FILES_MAX), rv_log_segment_count(n.log));
}

/* A batch that another life could take, and this one has no buffer for. */
RV_TEST(a_batch_that_is_larger_than_the_buffer) {
    node n = {.options = ix_options};
    n.options.write_buffer_size = 200 << 10;
    n.options.batch_len_max = 90 << 10;
    n.options.segment_size = 400 << 10;
    ix_clear(&the_ix, 8);
    node_over_disk(&n, 8, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    RV_CHECK_STATUS(ix_append(&n, &the_ix, 900), RV_OK);
    RV_CHECK_STATUS(node_drain(&n), RV_OK);
    rv_log_mark_begin(n.log);
    RV_CHECK_STATUS(rv_log_mark_get(n.log, &the_ix.mark), RV_OK);
    RV_CHECK_STATUS(node_seal(&n), RV_END);
    n.options = ix_options;
    the_ix.marked = false;
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_MEMORY_EXHAUSTED);
    node_create(&n);
    RV_CHECK_STATUS(rv_log_recover_from(n.log, &the_ix.mark, &n.err), RV_END);
}

/* --- versions that do not ascend --- */

/* Events with these streams and versions, each with an id. */
static void append_any(node *n, uint64_t count, uint64_t *random) {
    rv_writer body;
    rv_status status = RV_PENDING;
    for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING; i += 1) {
        status = rv_log_append_begin(n->log, &body, &n->err);
        (void)(status == RV_PENDING && ix_pass(n));
    }
    RV_CHECK_STATUS(status, RV_OK);
    rv_batch batch = {.first_sequence = rv_log_appended(n->log) + 1,
                      .first_position = rv_log_watermark(n->log) + 1};
    rv_record_context context = rv_batch_context(&batch, n->log);
    for (uint64_t i = 0; i < count; i += 1) {
        rv_event event = {.sequence = context.next_sequence,
                          .position = context.previous_position + 1,
                          .stream = (uint32_t)(rv_test_random(random) % 5) * 0x33333333u,
                          .version = 1 + rv_test_random(random) % 50,
                          .foreign_id = true};
        rv_store_u64(event.event_id, event.sequence);
        rv_store_u64(event.event_id + 8, 7);
        rv_record_write_event(&body, &context, &event);
        rv_log_note(n->log, &event);
    }
    batch.watermark = context.previous_position;
    (void)rv_log_append_commit(n->log, &batch, &body, count);
}

RV_TEST(versions_in_any_order) {
    node n;
    uint64_t random = 11;
    new_log(&n, &the_ix, 11);
    for (unsigned i = 0; i < 200; i += 1) {
        append_any(&n, 9, &random);
        RV_CHECK_PASSED();
        (void)ix_pass(&n);
    }
    ix_settle(&n);
    RV_CHECK(rv_log_index_facts_of(n.log).runs > 1);
    RV_CHECK_EQ(rv_log_index_facts_of(n.log).failures, 0);
    RV_CHECK_EQ(rv_log_index_facts_of(n.log).damaged, 0);
    for (uint64_t s = 1; s <= rv_log_durable(n.log); s += 13) {
        uint8_t id[16];
        uint64_t sequence = 0;
        rv_store_u64(id, s);
        rv_store_u64(id + 8, 7);
        RV_CHECK_STATUS(ix_find_id(&n, id, &sequence), RV_OK);
        RV_CHECK_EQ(sequence, s);
    }
    for (uint32_t k = 0; k < 5; k += 1) { /* what is found is of the stream, and ascends */
        rv_log_stream_cursor cursor = rv_log_stream_from(k * 0x33333333u, 1);
        uint64_t list[16];
        uint64_t last = 0;
        rv_status status = RV_OK;
        for (unsigned i = 0; i < 1000 && status != RV_END; i += 1) {
            rv_log_sequences found = {.list = list, .cap = 16};
            status = rv_log_find_versions(n.log, &cursor, &found, &n.err);
            RV_CHECK(status == RV_OK || status == RV_PENDING || status == RV_END);
            for (uint32_t m = 0; m < found.count; m += 1) {
                RV_CHECK(list[m] > last);
                last = list[m];
            }
            (void)(status == RV_PENDING && ix_pass(&n));
        }
        RV_CHECK_STATUS(status, RV_END);
        RV_CHECK(last > 0);
    }
}

/* --- marks --- */

RV_TEST(marks_that_no_log_gives) {
    const rv_log_mark good = {.segment = 2,
                              .segment_first = 5,
                              .last = 4096,
                              .offset = 4200,
                              .next_sequence = 9,
                              .watermark = 9};
    uint8_t bytes[RV_LOG_MARK_SIZE];
    rv_log_mark again;
    rv_log_mark_encode(bytes, &good);
    RV_CHECK(rv_log_mark_decode(bytes, &again));
    static const struct {
        uint8_t at; /* of a u64 */
        uint64_t value;
    } wrongs[] = {{24, 0},          {32, 0},
                  {32, 10},         {56, UINT64_MAX},
                  {64, UINT64_MAX}, {40, 4088},
                  {40, 4097},       {48, 4201},
                  {48, 4088},       {48, UINT64_MAX - 7},
                  {48, 4096 + 32},  {48, UINT64_C(1) << 40},
                  {56, 4}};
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i += 1) {
        rv_log_mark_encode(bytes, &good);
        rv_store_u64(bytes + wrongs[i].at, wrongs[i].value);
        RV_CHECK(!rv_log_mark_decode(bytes, &again));
    }
    rv_log_mark_encode(bytes, &good); /* behind no batch, but not behind the header */
    rv_store_u64(bytes + 40, 4200);
    RV_CHECK(!rv_log_mark_decode(bytes, &again));
    rv_store_u64(bytes + 40, 4096);
    rv_store_u64(bytes + 48, 4096);
    RV_CHECK(rv_log_mark_decode(bytes, &again));
    node n = {.options = ix_options};
    node_over_disk(&n, 12, NULL);
    node_create(&n);
    const rv_log_mark none = {.segment = 0};
    RV_CHECK_STATUS(rv_log_recover_from(n.log, &none, &n.err), RV_END);
}

int main(void) {
    RV_RUN(more_files_of_runs_than_places);
    RV_RUN(more_segments_than_places);
    RV_RUN(more_generations_than_are_looked_at);
    RV_RUN(a_batch_that_is_larger_than_the_buffer);
    RV_RUN(versions_in_any_order);
    RV_RUN(marks_that_no_log_gives);
    return rv_test_done();
}
