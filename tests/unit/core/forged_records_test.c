/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: records of bases, of changed rows, of the past and of selections that a stranger or another
 * version wrote never lead an edge astray: it opens with them, or stands before them, with what it
 * had. Method: each kind of record with bodies that are wrong in one way, and good bodies cut at
 * every length and changed at random, put into the log of an edge past the node.
 */
#include "core/state/base.h"
#include "tests/unit/core/forging.h"
#include "tests/unit/core/outbox_pair.h"

#define BODY_MAX 600u

/* The selections that bodies name. */
static size_t selection_bytes(const char *const *entries, size_t count, uint8_t *bytes,
                              size_t cap) {
    static uint8_t memory[4096];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_selection selection = {.count = 0};
    rv_writer w = rv_writer_over(bytes, cap);
    for (size_t i = 0; i < count; i += 1) {
        const rv_status status =
            rv_selection_add(&selection, rv_bytes_of_string(entries[i]), &arena, NULL);
        RV_ASSERT(status == RV_OK);
    }
    rv_selection_encode(&selection, &w);
    RV_ASSERT(!w.full);
    return w.len;
}

/* The same root for all, and memory that is touched once. */
static pair create(void) {
    static uint8_t host_memory[FIXTURE_HOST_MEMORY / 4], node_memory[FIXTURE_NODE_MEMORY];
    static fixture root;
    const rv_memory_host_options options = {.seed = 2, .now = INT64_C(1700000000000000)};
    if (root.node == NULL) {
        root = fixture_root(1);
    }
    pair p = {.root = root,
              .edge = {.host_memory = host_memory, .node_memory = node_memory},
              .pattern = EVERYTHING};
    p.edge.storage = rv_memory_host_create(host_memory, sizeof host_memory, &options);
    if (fixture_open(&p.edge, RV_ROLE_EDGE, EVERYTHING) != RV_OK || !feed(&p)) {
        fprintf(stderr, "edge: %s\n", p.edge.err.detail);
        abort();
    }
    return p;
}

/* Opens the edge again with records behind what it has: what that came to. */
static rv_status open_with(const rv_bytes *records, size_t count, bool *same) {
    pair p = create();
    const rv_hash128 before = rv_node_state_hash(p.edge.node);
    const uint64_t watermark = rv_node_watermark(p.edge.node);
    rv_status status = RV_OK;
    for (size_t i = 0; i < count; i += 1) {
        status = forge_record(&p.edge, records[i]) ? RV_OK : RV_STATUS_COUNT;
    }
    status = status == RV_OK ? reopen(&p.edge) : status;
    *same = rv_node_watermark(p.edge.node) == watermark &&
            (status == RV_OK || fixture_hashes_equal(rv_node_state_hash(p.edge.node), before));
    return status;
}

static rv_bytes record_of(uint8_t *memory, uint8_t kind, uint8_t flags, rv_bytes body) {
    memory[0] = kind;
    memory[1] = flags;
    memcpy(memory + 2, body.ptr == NULL ? memory : body.ptr, body.len);
    return rv_bytes_of(memory, 2 + body.len);
}

/* A base begins at a position, for a selection. */
static rv_bytes base_begin(uint8_t *memory, uint64_t position) {
    static const char *const entries[] = {"/accounts/* history none"};
    uint8_t body[BODY_MAX];
    rv_writer w = rv_writer_over(body, sizeof body);
    rv_write_varint(&w, position);
    w.len += selection_bytes(entries, 1, w.ptr + w.len, w.cap - w.len);
    return record_of(memory, RV_RECORD_BASE_BEGIN, 0, rv_writer_bytes(&w));
}

/* An account of a stream, as a part of a base has it. */
static rv_bytes base_items(uint8_t *memory, uint8_t kind, uint64_t aggregate) {
    rv_writer w = rv_writer_over(memory, BODY_MAX);
    rv_write_u8(&w, kind);
    if (kind == RV_BASE_STREAM || kind == RV_BASE_OWNER) {
        rv_write_varint(&w, 0);
        rv_write_blob(&w, RV_LITERAL("/accounts/1"));
        rv_write_varint(&w, kind == RV_BASE_STREAM ? 3 : 0);
        w.len -= kind == RV_BASE_OWNER;
    } else {
        rv_write_varint(&w, aggregate);
    }
    return rv_writer_bytes(&w);
}

RV_TEST(bases_in_a_log_that_are_none) {
    uint8_t begin[BODY_MAX], part[BODY_MAX], end[BODY_MAX], items[BODY_MAX];
    static const struct {
        uint64_t position;
        uint8_t items, end_body;
        bool begins, parts, ends, cut;
        rv_status status;
    } cases[] = {
        {1, RV_BASE_STREAM, 0, true, false, false, false, RV_OK},
        {1, RV_BASE_STREAM, 0, true, true, false, false, RV_OK},
        {1, RV_BASE_STREAM, 0, true, true, true, false, RV_OK},
        {1, RV_BASE_OWNER, 0, true, true, true, false, RV_OK},
        {1, RV_BASE_STREAM, 0, true, false, true, false, RV_OK},
        {1, RV_BASE_STREAM, 0, false, true, false, false, RV_DATA_DAMAGED},
        {1, RV_BASE_STREAM, 0, false, false, true, false, RV_DATA_DAMAGED},
        {1, RV_BASE_STREAM, 1, true, true, true, false, RV_DATA_DAMAGED},
        {1, RV_BASE_STREAM, 0, true, true, false, true, RV_DATA_DAMAGED},
        {1, RV_BASE_GIVEN, 0, true, true, false, false, RV_DATA_DAMAGED},
        {1, RV_BASE_GONE, 0, true, true, false, false, RV_DATA_DAMAGED},
        {1, 77, 0, true, true, false, false, RV_DATA_DAMAGED},
        {RV_POSITION_MAX + 1, RV_BASE_STREAM, 0, true, false, false, false, RV_DATA_DAMAGED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += 1) {
        rv_bytes records[3];
        size_t count = 0;
        bool same = false;
        uint8_t body[BODY_MAX] = {9}; /* the cursor */
        const rv_bytes wanted = base_items(items, cases[i].items, 0);
        memcpy(body + 1, wanted.ptr, wanted.len);
        if (cases[i].begins) {
            records[count++] = base_begin(begin, cases[i].position);
        }
        if (cases[i].parts) {
            const size_t len = cases[i].cut ? 0 : 1 + wanted.len;
            records[count++] = record_of(part, RV_RECORD_BASE_PART, 0, rv_bytes_of(body, len));
        }
        if (cases[i].ends) {
            records[count++] =
                record_of(end, RV_RECORD_BASE_END, 0, rv_bytes_of(body, cases[i].end_body));
        }
        RV_CHECK_STATUS(open_with(records, count, &same), cases[i].status);
        RV_CHECK(same || cases[i].status == RV_OK);
    }
}

/* Changes of rows that are not selected, or of none. */
RV_TEST(changes_in_a_log_that_are_none) {
    static const uint8_t kinds[] = {RV_BASE_STREAM, RV_BASE_GIVEN, RV_BASE_GONE, 0, 99};
    for (size_t i = 0; i < sizeof kinds; i += 1) {
        uint8_t items[BODY_MAX], memory[BODY_MAX];
        bool same = false;
        const rv_bytes record =
            record_of(memory, RV_RECORD_CHANGES, 0, base_items(items, kinds[i], i));
        RV_CHECK_STATUS(open_with(&record, 1, &same), RV_DATA_DAMAGED);
        RV_CHECK(same);
    }
}

/* Bodies of every kind, and what stands before them in flags. */
static size_t some_body(uint8_t kind, uint8_t flags, uint8_t *body) {
    static const char *const two[] = {"/accounts/*", "aggregate note"};
    rv_writer w = rv_writer_over(body, BODY_MAX);
    switch (kind) {
    case RV_RECORD_SELECTION:
        if ((flags & RV_RECORD_SELECTION_PAST) != 0) { /* what the past covers, and has */
            uint8_t past[BODY_MAX];
            rv_writer p = rv_writer_over(past, sizeof past);
            uint8_t bytes[BODY_MAX];
            const size_t len = selection_bytes(two, 1, bytes, sizeof bytes);
            rv_write_u8(&p, 1); /* it is being filled in, from 3 to 9 */
            rv_write_u64(&p, 3);
            rv_write_u64(&p, 9);
            rv_write_u64(&p, 0);
            for (int i = 0; i < 2; i += 1) {
                rv_write_u32(&p, (uint32_t)len);
                rv_write(&p, rv_bytes_of(bytes, len));
            }
            rv_write_u32(&w, (uint32_t)p.len);
            rv_write(&w, rv_writer_bytes(&p));
        }
        if ((flags & RV_RECORD_SELECTION_FULL) != 0) {
            rv_write_u8(&w, 0);
            w.len += selection_bytes(two, 2, w.ptr + w.len, w.cap - w.len);
        } else {
            rv_write_blob(&w, RV_LITERAL("/accounts/*"));
        }
        break;
    case RV_RECORD_BASE_BEGIN:
        rv_write_varint(&w, 1);
        w.len += selection_bytes(two, 2, w.ptr + w.len, w.cap - w.len);
        break;
    case RV_RECORD_FILLED:
        rv_write_varint(&w, 1);
        rv_write_u8(&w, 1);
        break;
    default:
        rv_write(&w, base_items(body + BODY_MAX / 2, RV_BASE_STREAM, 0));
        break;
    }
    return w.len;
}

/* Whatever is said, the edge opens, or stands before it. */
RV_TEST(bodies_that_are_cut_or_changed) {
    static const uint8_t kinds[][2] = {{RV_RECORD_SELECTION, 0},
                                       {RV_RECORD_SELECTION, RV_RECORD_SELECTION_FULL},
                                       {RV_RECORD_SELECTION, RV_RECORD_SELECTION_WISH},
                                       {RV_RECORD_SELECTION, RV_RECORD_SELECTION_KNOWN},
                                       {RV_RECORD_BASE_BEGIN, RV_RECORD_BASE_KEEPS},
                                       {RV_RECORD_FILLED, 0},
                                       {RV_RECORD_BASE_PART, 0}};
    uint64_t random = 17;
    unsigned taken = 0, refused = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k += 1) {
        for (unsigned i = 0; i < RV_TEST_ROUNDS(24); i += 1) {
            uint8_t body[BODY_MAX] = {0}, memory[BODY_MAX + 2];
            bool same = false;
            size_t len = some_body(kinds[k][0], kinds[k][1], body);
            if (i % 2 == 1) {
                body[rv_test_random(&random) % len] = (uint8_t)rv_test_random(&random);
            }
            len -= i % 2 == 0 && i > 0 ? i % len : 0;
            const rv_bytes record =
                record_of(memory, kinds[k][0], kinds[k][1], rv_bytes_of(body, len));
            const rv_status status = open_with(&record, 1, &same);
            RV_CHECK(status != RV_STATUS_COUNT);
            RV_CHECK(same || status == RV_OK);
            taken += status == RV_OK;
            refused += status != RV_OK;
        }
    }
    RV_CHECK(taken > 10 / RV_TEST_STRIDE && refused > 50 / RV_TEST_STRIDE);
}

int main(void) {
    RV_RUN(bases_in_a_log_that_are_none);
    RV_RUN(changes_in_a_log_that_are_none);
    RV_RUN(bodies_that_are_cut_or_changed);
    return rv_test_done();
}
