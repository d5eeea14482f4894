/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a checksum says that bytes are as they were written, not who wrote them: whatever lies
 * under good checksums, in headers, batches and runs, is refused or taken for what it says;
 * recovery, marks, reading, look-ups and merging come to their end without a trap, and what is
 * before it is the twin's. Method: logs of some segments and runs; every byte of every header
 * changed in several ways, bytes of bodies and blocks at random, each time with the checksums made
 * right again.
 */
#include "core/log/internal.h"
#include "tests/unit/log/index_twin.h"
#include "tests/unit/log/log_files.h"

#ifdef RV_TEST_EMULATED /* a processor that is played by another takes fifteen times as long */
#define STEP 7u
#else
#define STEP 1u
#endif
#define BATCHES_MAX 200
#define LOOKUPS_MAX 2000

static uint8_t image[256 << 10];
static uint8_t changed[256 << 10];
static size_t offsets[BATCHES_MAX];

/* The kth way to change a byte. */
static uint8_t otherwise(uint8_t byte, unsigned k) {
    return k == 0 ? (uint8_t)(byte ^ 1) : k == 1 ? (uint8_t)(byte ^ 0x80) : k == 2 ? 0xff : 0;
}

/* A closed log of some segments and runs, and the mark at its end. */
static void make(node *n, uint64_t seed, unsigned batches) {
    *n = (node){.options = ix_options};
    n->options.index_events = 32;
    n->options.segment_size = 12 << 10;
    ix_clear(&the_ix, seed);
    the_ix.ids_percent = 50;
    node_over_disk(n, seed, NULL);
    RV_CHECK_STATUS(ix_open(n, &the_ix), RV_END);
    for (unsigned i = 0; i < batches; i += 1) {
        RV_CHECK_STATUS(ix_append(n, &the_ix, 6), RV_OK);
        (void)ix_pass(n);
    }
    ix_settle(n);
    rv_log_mark_begin(n->log);
    RV_CHECK_STATUS(rv_log_mark_get(n->log, &the_ix.mark), RV_OK);
    RV_CHECK_STATUS(node_seal(n), RV_END);
    rv_sim_disk_crash(n->disk);
}

/* Writes the first segment as its next generation. */
static void rewrite_first(node *n) {
    RV_CHECK_STATUS(ix_open(n, &the_ix), RV_END);
    RV_CHECK(rv_log_rewrite_begin(n->log, 0, NULL, NULL));
    for (unsigned i = 0; i < PUMP_MAX && rv_log_rewrite_status(n->log) == RV_PENDING; i += 1) {
        RV_CHECK_STATUS(rv_log_poll(n->log, &n->err), RV_OK);
    }
    RV_CHECK_STATUS(rv_log_rewrite_status(n->log), RV_OK);
    RV_CHECK_STATUS(node_seal(n), RV_END);
    rv_sim_disk_crash(n->disk);
}

/* Recovers what is there: sequences go on, watermarks do not fall. What ended it. */
static rv_status recover_any(node *n) {
    uint64_t sequence = rv_log_appended(n->log) + 1;
    uint64_t watermark = rv_log_watermark(n->log);
    for (unsigned i = 0; i < PUMP_MAX; i += 1) {
        rv_batch batch;
        const rv_status status = rv_log_recover(n->log, &batch, &n->err);
        if (status != RV_OK) {
            return status;
        }
        if (batch.first_sequence != sequence || batch.watermark < watermark) {
            return RV_STATUS_COUNT;
        }
        sequence = rv_log_appended(n->log) + 1;
        watermark = batch.watermark;
    }
    return RV_STATUS_COUNT;
}

static bool is_answer(rv_status status) {
    return status == RV_OK || status == RV_END || status == RV_DATA_DAMAGED;
}

/* Asks for everything there is; each question comes to its end. */
static void ask_everything(node *n) {
    const uint64_t durable = rv_log_durable(n->log);
    for (uint32_t stream = 0; stream < 8; stream += 1) {
        rv_log_stream_cursor cursor = rv_log_stream_from(stream, 1 + stream % 3);
        uint64_t list[8];
        uint64_t last = 0;
        rv_status status = RV_OK;
        for (unsigned i = 0; i < LOOKUPS_MAX && (status == RV_OK || status == RV_PENDING); i++) {
            rv_log_sequences found = {.list = list, .cap = 8};
            status = rv_log_find_versions(n->log, &cursor, &found, &n->err);
            for (uint32_t k = 0; k < found.count; k += 1) {
                RV_CHECK(list[k] > last && list[k] <= durable);
                last = list[k];
            }
            (void)(status == RV_PENDING && ix_pass(n));
        }
        RV_CHECK(status == RV_END || status == RV_DATA_DAMAGED);
    }
    for (uint64_t i = 0; i < 8; i += 1) {
        const uint64_t some = 1 + i * durable / 8;
        uint64_t sequence = 0;
        uint64_t chain = 0;
        RV_CHECK(is_answer(ix_find_id(n, the_ix.events[some - 1].id, &sequence)));
        rv_status status = RV_PENDING;
        for (unsigned k = 0; k < LOOKUPS_MAX && status == RV_PENDING; k += 1) {
            status = rv_log_find_position(n->log, some, &sequence, &n->err);
            (void)(status == RV_PENDING && node_pump(n));
        }
        RV_CHECK(is_answer(status));
        status = RV_PENDING;
        for (unsigned k = 0; k < LOOKUPS_MAX && status == RV_PENDING; k += 1) {
            status = rv_log_chain_at(n->log, some, &chain, &n->err);
            (void)(status == RV_PENDING && node_pump(n));
        }
        RV_CHECK(is_answer(status));
    }
}

/* Opens from the start and from the mark, and asks. */
static void use(node *n, rv_status *from_start, rv_status *from_mark) {
    node_create(n);
    *from_start = recover_any(n);
    RV_CHECK(*from_start == RV_END || *from_start == RV_DATA_DAMAGED ||
             *from_start == RV_DATA_NEWER);
    if (rv_log_segment_count(n->log) > 0) {
        ask_everything(n);
        RV_CHECK_PASSED();
        ix_settle(n);
        ask_everything(n);
        RV_CHECK_PASSED();
    }
    rv_sim_disk_crash(n->disk);
    node_create(n);
    *from_mark = rv_log_recover_from(n->log, &the_ix.mark, &n->err);
    RV_CHECK(*from_mark == RV_OK || *from_mark == RV_END || *from_mark == RV_DATA_NEWER);
    if (*from_mark == RV_OK) {
        const rv_status status = recover_any(n);
        RV_CHECK(status == RV_END || status == RV_DATA_DAMAGED);
        ask_everything(n);
    }
    rv_sim_disk_crash(n->disk);
}

/* Every byte of every header; `rewritten`: the first segment is one of a later generation. */
static void change_headers(bool rewritten) {
    node n;
    unsigned refused = 0, tried = 0, passed_over = 0;
    make(&n, 3, 90);
    RV_CHECK_PASSED();
    if (rewritten) {
        rewrite_first(&n);
        RV_CHECK_PASSED();
    }
    rv_file_name names[8];
    const unsigned count = files_named(&n, "log-", names, 8);
    RV_CHECK(count >= 3 && count < 8);
    for (unsigned f = 0; f < count; f += 1) {
        const size_t size = file_read(&n, names[f].text, 0, image, sizeof image);
        const unsigned batches = segment_batches(image, size, offsets, BATCHES_MAX);
        for (size_t at = 8; at < 136; at += STEP) {
            rv_status from_start, from_mark;
            memcpy(changed, image, size);
            changed[at] = otherwise(image[at], (unsigned)at % 4);
            if (changed[at] == image[at]) {
                changed[at] ^= 0x10;
            }
            segment_header_seal(changed);
            segment_chain(changed, size, offsets, batches);
            file_write(&n, names[f].text, 0, changed, size);
            use(&n, &from_start, &from_mark);
            if (rv_test_failed) {
                fprintf(stderr, "byte %u of %s\n", (unsigned)at, names[f].text);
            }
            RV_CHECK_PASSED();
            tried += 1;
            refused += from_start != RV_END;
            passed_over += from_mark != RV_OK;
            file_write(&n, names[f].text, 0, image, size);
        }
    }
    RV_CHECK(refused > tried / 2 && passed_over > tried / 3);
}

RV_TEST(headers_of_segments) {
    change_headers(false);
}

RV_TEST(headers_of_rewritten_segments) {
    change_headers(true);
}

/* A mark right behind a header, of a segment that has no batch yet: the header is what it names. */
RV_TEST(a_mark_behind_a_header) {
    node n = {.options = ix_options};
    rv_status from_start, from_mark;
    ix_clear(&the_ix, 9);
    the_ix.mark.offset = 0;
    node_over_disk(&n, 9, NULL);
    RV_CHECK_STATUS(ix_open(&n, &the_ix), RV_END);
    for (unsigned i = 0; i < 400 && the_ix.mark.offset != RV_SEGMENT_HEADER_SIZE; i += 1) {
        rv_writer body;
        RV_CHECK_STATUS(ix_append(&n, &the_ix, 6), RV_OK);
        RV_CHECK_STATUS(node_drain(&n), RV_OK);
        rv_status status = rv_log_append_begin(n.log, &body, &n.err); /* it may roll */
        for (unsigned k = 0; k < 100 && status == RV_PENDING; k += 1) {
            (void)node_drain(&n);
            status = rv_log_append_begin(n.log, &body, &n.err);
        }
        RV_CHECK_STATUS(status, RV_OK);
        rv_log_append_cancel(n.log);
        rv_log_mark_begin(n.log);
        RV_CHECK_STATUS(rv_log_mark_get(n.log, &the_ix.mark), RV_OK);
    }
    RV_CHECK_EQ(the_ix.mark.offset, RV_SEGMENT_HEADER_SIZE);
    rv_sim_disk_crash(n.disk);
    use(&n, &from_start, &from_mark);
    RV_CHECK_STATUS(from_mark, RV_OK);
    rv_file_name names[8];
    const unsigned count = files_named(&n, "log-", names, 8);
    const char *const name = names[count - 1].text;
    const size_t size = file_read(&n, name, 0, image, sizeof image);
    for (size_t at = 64; at < 128; at += 1) {
        memcpy(changed, image, size);
        changed[at] ^= 1;
        segment_header_seal(changed);
        file_write(&n, name, 0, changed, size);
        use(&n, &from_start, &from_mark);
        RV_CHECK_PASSED();
        RV_CHECK_STATUS(from_mark, RV_END);
        file_write(&n, name, 0, image, size);
    }
    rv_log_mark mark = the_ix.mark;
    for (unsigned i = 0; i < 4; i += 1) { /* the same header, another mark */
        the_ix.mark = mark;
        the_ix.mark.crc += i == 0;
        the_ix.mark.next_sequence += i == 1;
        the_ix.mark.watermark += i == 2;
        the_ix.mark.chain_hash += i == 3;
        node_create(&n);
        RV_CHECK_STATUS(rv_log_recover_from(n.log, &the_ix.mark, &n.err), RV_END);
        rv_sim_disk_crash(n.disk);
    }
}

RV_TEST(batches) {
    node n;
    unsigned refused = 0, tried = 0;
    make(&n, 4, 60);
    RV_CHECK_PASSED();
    rv_file_name names[8];
    const unsigned count = files_named(&n, "log-", names, 8);
    const char *const name = names[count - 1].text;
    const size_t size = file_read(&n, name, 0, image, sizeof image);
    const unsigned batches = segment_batches(image, size, offsets, BATCHES_MAX);
    RV_CHECK(batches > 3);
    for (unsigned b = batches - 3; b < batches; b += 1) { /* two, and the seal */
        for (size_t at = 4; at < RV_BATCH_HEADER_SIZE; at += STEP) {
            for (unsigned k = 0; k < 4; k += 1) {
                rv_status from_start, from_mark;
                memcpy(changed, image, size);
                changed[offsets[b] + at] = otherwise(image[offsets[b] + at], k);
                segment_chain(changed, size, offsets, batches);
                file_write(&n, name, 0, changed, size);
                use(&n, &from_start, &from_mark);
                if (rv_test_failed) {
                    fprintf(stderr, "byte %u of batch %u, way %u\n", (unsigned)at, b, k);
                }
                RV_CHECK_PASSED();
                tried += 1;
                refused += from_start != RV_END;
                file_truncate(&n, name, size);
                file_write(&n, name, 0, image, size);
            }
        }
    }
    RV_CHECK(refused > tried / 10);
}

RV_TEST(records) {
    node n;
    uint64_t random = 5;
    make(&n, 5, 60);
    RV_CHECK_PASSED();
    rv_file_name names[8];
    const unsigned count = files_named(&n, "log-", names, 8);
    const char *const name = names[count - 1].text;
    const size_t size = file_read(&n, name, 0, image, sizeof image);
    const unsigned batches = segment_batches(image, size, offsets, BATCHES_MAX);
    for (unsigned i = 0; i < 300; i += STEP) {
        rv_status from_start, from_mark;
        memcpy(changed, image, size);
        const size_t from = offsets[i % (batches - 1)] + RV_BATCH_HEADER_SIZE;
        const size_t len = offsets[i % (batches - 1) + 1] - from;
        const size_t at = from + (size_t)(rv_test_random(&random) % (i % 2 == 0 ? 16 : len));
        changed[at] = (uint8_t)rv_test_random(&random);
        segment_chain(changed, size, offsets, batches);
        file_write(&n, name, 0, changed, size);
        use(&n, &from_start, &from_mark);
        RV_CHECK_PASSED();
    }
}

/* --- runs --- */

/* Opens the log, asks if wanted, merges, and asks: the log itself is good. */
static void use_runs(node *n, bool ask) {
    RV_CHECK_STATUS(ix_open(n, &the_ix), RV_END);
    if (ask) {
        ask_everything(n);
        RV_CHECK_PASSED();
    }
    const rv_sim_faults late = {.pending_percent = 50, .latency_us_max = 50};
    rv_sim_disk_set_faults(n->disk, &late);
    for (unsigned i = 0; i < 30; i += 1) {
        uint64_t sequence = 0;
        RV_CHECK_STATUS(ix_append(n, &the_ix, 8), RV_OK);
        (void)ix_pass(n);
        (void)(rv_log_find_id(n->log, the_ix.events[7 * i].id, 1, &sequence, &n->err) == RV_OK);
    }
    ix_settle(n);
    ask_everything(n);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(rv_log_failed(n->log), RV_OK);
}

RV_TEST(footers_of_runs) {
    node n;
    unsigned damaged = 0;
    static const uint8_t places[] = {8,   12,  16,  32,  40,  47,  48,  55,  56,  59,
                                     64,  72,  75,  76,  79,  80,  88,  96,  99,  112,
                                     120, 124, 127, 128, 144, 160, 168, 172, 176, 200};
    for (unsigned i = 0; i < 3 * sizeof places; i += STEP) {
        make(&n, 6, 40);
        RV_CHECK_PASSED();
        rv_file_name names[8];
        const unsigned count = files_named(&n, "idx-", names, 8);
        RV_CHECK(count > 0);
        const char *const name = names[i % count].text;
        const size_t size = file_read(&n, name, 0, image, sizeof image);
        uint8_t *const footer = image + size - RV_RUN_BLOCK_SIZE;
        const size_t at = places[i / 3];
        footer[at] = i % 3 == 2 ? (uint8_t)(footer[at] + 1) : otherwise(footer[at], i % 3);
        run_footer_seal(footer);
        file_write(&n, name, 0, image, size);
        use_runs(&n, i % 2 == 0);
        if (rv_test_failed) {
            fprintf(stderr, "byte %u of the footer, way %u\n", (unsigned)at, i % 3);
        }
        RV_CHECK_PASSED();
        damaged += rv_log_index_facts_of(n.log).damaged > 0;
    }
    RV_CHECK(damaged > sizeof places / STEP);
}

/* Sections that lie over each other: a merge finds nothing where one is to begin. */
RV_TEST(sections_that_overlap) {
    node n;
    for (unsigned section = 0; section < RV_RUN_SECTIONS; section += 1) {
        for (unsigned to = 0; to < 8; to += 1) {
            make(&n, 6, 75);
            RV_CHECK_PASSED();
            rv_file_name names[16];
            const unsigned count = files_named(&n, "idx-", names, 16);
            for (unsigned i = 0; i < count; i += 1) {
                const size_t size = file_read(&n, names[i].text, 0, image, sizeof image);
                uint8_t *const footer = image + size - RV_RUN_BLOCK_SIZE;
                const uint32_t blocks = rv_load_u32(footer + 56);
                rv_store_u32(footer + 64 + 48 * section + 8, to % 4 < blocks ? to % 4 : blocks - 1);
                run_footer_seal(footer);
                file_write(&n, names[i].text, 0, image, size);
            }
            use_runs(&n, to > 4);
            RV_CHECK_PASSED();
        }
    }
}

/* Runs that lead to places where no batch is, or to events that are not theirs. */
RV_TEST(entries_that_lead_elsewhere) {
    static const rv_run_entry wrongs[] = {
        {{1, 0}, 0, 4096},
        {{1, 0}, 99, 4096},
        {{1, 0}, 1, 100},
        {{1, 0}, 1, 4097},
        {{1, 0}, 1, UINT64_C(1) << 40},
        {{1, 0}, 2, 4096},
        {{1, 0}, 1, 4104},
    };
    for (unsigned i = 0; i < 2 * (sizeof wrongs / sizeof wrongs[0]); i += 1) {
        node n;
        make(&n, 6, 75);
        RV_CHECK_PASSED();
        rv_file_name names[16];
        const unsigned count = files_named(&n, "idx-", names, 16);
        for (unsigned k = 0; k < count; k += 1) {
            const size_t size = file_read(&n, names[k].text, 0, image, sizeof image);
            rv_run_footer footer;
            RV_CHECK_STATUS(rv_run_footer_decode(image + size - RV_RUN_BLOCK_SIZE, &footer), RV_OK);
            if (i % 2 == 0 && footer.parts[RV_RUN_PLACES].count > 0) {
                rv_run_filling f = {.block = image};
                rv_run_entry entry = wrongs[i / 2];
                entry.key.a = footer.first_sequence;
                rv_run_fill_begin(&f, RV_RUN_PLACES, 0, footer.first_sequence);
                RV_CHECK(rv_run_fill(&f, &entry));
                rv_run_fill_end(&f, 0, footer.fingerprint);
            } else if (i % 2 ==
                       1) { /* ids of events far away, streams of version 0 and of the last */
                rv_run_filling f = {.block =
                                        image + footer.parts[RV_RUN_IDS].root * RV_RUN_BLOCK_SIZE};
                rv_run_entry entry = {footer.parts[RV_RUN_IDS].first, footer.next_sequence + i, 0};
                rv_run_fill_begin(&f, RV_RUN_IDS, 0, footer.first_sequence);
                RV_CHECK(rv_run_fill(&f, &entry));
                rv_run_fill_end(&f, footer.parts[RV_RUN_IDS].root, footer.fingerprint);
                f.block = image + footer.parts[RV_RUN_STREAMS].root * RV_RUN_BLOCK_SIZE;
                rv_run_fill_begin(&f, RV_RUN_STREAMS, 0, footer.first_sequence);
                const rv_run_entry streams[] = {{{0, 0}, footer.first_sequence, 0},
                                                {{0, 1}, footer.next_sequence + i, 0},
                                                {{0, UINT64_MAX}, footer.first_sequence, 0}};
                for (unsigned m = 0; m < 3; m += 1) {
                    RV_CHECK(rv_run_fill(&f, &streams[m]));
                }
                rv_run_fill_end(&f, footer.parts[RV_RUN_STREAMS].root, footer.fingerprint);
            }
            file_write(&n, names[k].text, 0, image, size);
        }
        use_runs(&n, true);
        if (rv_test_failed) {
            fprintf(stderr, "round %u\n", i);
        }
        RV_CHECK_PASSED();
        rv_log_index_doubt(n.log, rv_log_durable(n.log) + 5); /* of what no run has */
        RV_CHECK_STATUS(node_seal(&n), RV_END);
    }
}

RV_TEST(blocks_of_runs) {
    node n;
    uint64_t random = 7;
    unsigned damaged = 0;
    for (unsigned i = 0; i < 250; i += STEP) {
        make(&n, 7, i % 2 == 0 ? 40 : 150);
        RV_CHECK_PASSED();
        rv_file_name names[16];
        const unsigned count = files_named(&n, "idx-", names, 16);
        const char *const name = names[i % count].text;
        const size_t size = file_read(&n, name, 0, image, sizeof image);
        rv_run_footer footer;
        RV_CHECK_STATUS(rv_run_footer_decode(image + size - RV_RUN_BLOCK_SIZE, &footer), RV_OK);
        const unsigned changes = 1 + i % 3;
        for (unsigned k = 0; k < changes; k += 1) {
            const size_t number = (size_t)(rv_test_random(&random) % footer.block_count);
            uint8_t *const block = image + number * RV_RUN_BLOCK_SIZE;
            const size_t used = RV_RUN_BLOCK_HEAD + rv_load_u16(block + 10);
            const size_t at = 4 + (size_t)(rv_test_random(&random) % (i % 4 == 0 ? 24 : used - 4));
            block[at] = (uint8_t)(rv_test_random(&random) % (i % 2 == 0 ? 256 : 8));
            run_block_seal(block, footer.fingerprint);
        }
        file_write(&n, name, 0, image, size);
        use_runs(&n, i % 2 == 0);
        if (rv_test_failed) {
            fprintf(stderr, "round %u\n", i);
        }
        RV_CHECK_PASSED();
        damaged += rv_log_index_facts_of(n.log).damaged > 0;
    }
    RV_CHECK(damaged * STEP > 20);
}

int main(void) {
    RV_RUN(headers_of_segments);
    RV_RUN(headers_of_rewritten_segments);
    RV_RUN(a_mark_behind_a_header);
    RV_RUN(batches);
    RV_RUN(records);
    RV_RUN(footers_of_runs);
    RV_RUN(sections_that_overlap);
    RV_RUN(entries_that_lead_elsewhere);
    RV_RUN(blocks_of_runs);
    return rv_test_done();
}
