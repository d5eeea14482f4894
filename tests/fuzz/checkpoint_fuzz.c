/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever is in a checkpoint, a node opens with it or passes it over; and what it took, it
 * can use: nothing traps when everything is read, changed and saved again. And the state as it was,
 * which begins from the same file, in pieces, is the node's. Method: the input is a list of edits
 * of a small good checkpoint beside its log; the sums are mended after them, so that what lies
 * behind is reached: words, pages as a structure, values, the mark.
 *
 *     edits: u8 what, u8 page, u16 where, u8 length, bytes
 */
#include "core/engine/as_of.h"
#include "core/state/checkpoint.h"
#include "tests/fuzz/fuzz_node.h"

#define HOST_MEMORY ((size_t)4 << 20)
#define IMAGE_MAX   ((size_t)1536 << 10)
#define EDITS_MAX   64

typedef enum edit_kind {
    EDIT_PAGE, /* bytes of a page */
    EDIT_COPY, /* length / 16 words of a page, from the place that the bytes name, `page` and
                  `where` */
    EDIT_ADD,  /* the first byte to a word of 16 bits */
    EDIT_WORDS,
    EDIT_HEAD,
    EDIT_CUT, /* the file ends so many bytes earlier */
    EDIT_KIND_COUNT
} edit_kind;

typedef struct image {
    uint8_t bytes[IMAGE_MAX];
    size_t size;
    rv_file_name name;
} image;

/* Beside the schema of the others: secondary indexes. */
static const char more_schema[] =
    "CREATE AGGREGATE tag (id bigint PRIMARY KEY, a text, b integer, INDEX (a, b), UNIQUE (b));"
    "CREATE EVENT_TYPE tagged (tag_id creates tag(id), box text NOT NULL, a updates tag(a),"
    " b updates tag(b));"
    "CREATE STREAM tags (path \"/tags/{box}\", event_types (tagged));";

static uint8_t host_memory[HOST_MEMORY];
static uint8_t node_memory[FUZZ_NODE_MEMORY];
static rv_memory_host *storage;
static rv_node *node;
static image log_image, good, edited;

static rv_status open_node(uint64_t growth) {
    rv_error err;
    const rv_node_options options = {
        .host = rv_memory_host_interface(storage),
        .memory = node_memory,
        .memory_size = sizeof node_memory,
        .role = RV_ROLE_STORED,
        .checkpoint_growth = growth,
    };
    FUZZ_CHECK(rv_node_create(&node, &options, &err) == RV_OK);
    const rv_status status = rv_node_open(node, &err);
    FUZZ_CHECK(status != RV_PENDING);
    return status;
}

static void close_node(void) {
    rv_error err;
    FUZZ_CHECK(rv_node_close(node, &err) == RV_END);
    rv_memory_host_reopen(storage);
}

static void new_host(uint64_t seed) {
    const rv_memory_host_options options = {.files_max = 16, .seed = seed, .now = FUZZ_NOW};
    storage = rv_memory_host_create(host_memory, sizeof host_memory, &options);
    FUZZ_CHECK(storage != NULL);
}

static void image_take(image *to, const char *prefix) {
    const rv_host host = rv_memory_host_interface(storage);
    rv_file_name names[16];
    rv_io_result result;
    FUZZ_CHECK(host.ops->list(host.ctx, 1, names, 16, &result) == RV_IO_DONE);
    for (uint64_t i = 0; i < result.count; i += 1) {
        if (strncmp(names[i].text, prefix, 4) == 0) {
            to->name = names[i];
        }
    }
    FUZZ_CHECK(host.ops->open(host.ctx, 1, to->name.text, &result) == RV_IO_DONE);
    FUZZ_CHECK(result.status == RV_OK && result.count <= IMAGE_MAX);
    const rv_file file = result.file;
    FUZZ_CHECK(host.ops->read(host.ctx, 1, file, 0, to->bytes, IMAGE_MAX, &result) == RV_IO_DONE);
    to->size = (size_t)result.count;
    host.ops->close(host.ctx, file);
}

static void image_put(const image *from) {
    const rv_host host = rv_memory_host_interface(storage);
    rv_io_result result;
    (void)host.ops->create(host.ctx, 1, from->name.text, &result);
    FUZZ_CHECK(result.status == RV_OK);
    const rv_file file = result.file;
    (void)host.ops->write(host.ctx, 1, file, 0, rv_bytes_of(from->bytes, from->size), &result);
    FUZZ_CHECK(result.status == RV_OK && result.count == from->size);
    host.ops->close(host.ctx, file);
}

/* A small log with some of everything, and the checkpoint that its node writes when it closes. */
static void images_make(void) {
    static const char *const events[][3] = {
        {"accounts", "opened", "{\"name\":\"one\",\"plan\":\"team\"}"},
        {"accounts", "opened", "{\"name\":\"a name\"}"},
        {"/accounts/1", "paid", "{\"amount\":12.5}"},
        {"/accounts/1", "drawn", "{\"amount\":\"0.25\"}"},
        {"/accounts/2", "made",
         "{\"thing_id\":\"x\",\"a\":1,\"g\":\"\\\\xdead\",\"e\":true,"
         "\"m\":[\"a\",null,\"longer\"],\"n\":[\"free\"],\"l\":1.5}"},
        {"/boxes/red/pots", "pot_made", "{\"pot_id\":1}"},
        {"/boxes/red/pots", "pot_made", "{\"pot_id\":2}"},
        {"/boxes/blue/pots", "moved", "{\"from_id\":1,\"to_id\":2,\"amount\":5}"},
        {"/tags/one", "tagged", "{\"tag_id\":1,\"a\":\"red\",\"b\":3}"},
        {"/tags/one", "tagged", "{\"tag_id\":2,\"a\":\"red\",\"b\":4}"},
        {"/tags/a-path-that-is-longer", "tagged", "{\"tag_id\":3,\"a\":null,\"b\":5}"},
    };
    rv_event result;
    new_host(1);
    FUZZ_CHECK(open_node(1) == RV_OK);
    FUZZ_CHECK(rv_node_schema_apply(node, rv_bytes_of_string(fuzz_schema), &result, NULL) == RV_OK);
    FUZZ_CHECK(fuzz_node_settle(node));
    FUZZ_CHECK(rv_node_schema_apply(node, rv_bytes_of_string(more_schema), &result, NULL) == RV_OK);
    FUZZ_CHECK(fuzz_node_settle(node));
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i += 1) {
        FUZZ_CHECK(fuzz_node_append(node, events[i][0], events[i][1], events[i][2]) == RV_OK);
        FUZZ_CHECK(fuzz_node_settle(node));
    }
    close_node();
    image_take(&log_image, "log-");
    image_take(&good, "ckp-");
}

static void edit(rv_bytes *input, const rv_checkpoint_head *head) {
    const edit_kind kind = (edit_kind)(fuzz_take_u8(input) % EDIT_KIND_COUNT);
    const uint32_t page = fuzz_take_u8(input) % head->page_count;
    const uint16_t where = fuzz_take_u16(input);
    rv_bytes bytes = fuzz_take(input, fuzz_take_u8(input));
    size_t at = (size_t)rv_checkpoint_page_at(head, 1 + page) + where % RV_PAGE_SIZE;
    if (kind == EDIT_WORDS) {
        at = (size_t)rv_checkpoint_words_at(head) + where % head->words_len;
    } else if (kind == EDIT_HEAD) {
        at = where % 160;
    } else if (kind == EDIT_CUT) {
        edited.size -= where < edited.size ? where : edited.size;
        return;
    }
    if (kind == EDIT_COPY) {
        const size_t len = bytes.len / 16 * 4 + 4;
        const uint32_t from_page = fuzz_take_u8(&bytes) % head->page_count;
        const size_t from = (size_t)rv_checkpoint_page_at(head, 1 + from_page) +
                            fuzz_take_u16(&bytes) % RV_PAGE_SIZE;
        if (from + len <= edited.size && at + len <= edited.size) {
            memmove(edited.bytes + at, edited.bytes + from, len);
        }
    } else if (kind == EDIT_ADD && at + 2 <= edited.size) {
        const uint32_t word = edited.bytes[at] | (uint32_t)edited.bytes[at + 1] << 8;
        const uint32_t sum = word + fuzz_take_u8(&bytes);
        edited.bytes[at] = (uint8_t)sum;
        edited.bytes[at + 1] = (uint8_t)(sum >> 8);
    } else if (at + bytes.len <= edited.size && bytes.len > 0) {
        memcpy(edited.bytes + at, bytes.ptr, bytes.len);
    }
}

/* Makes the sums right for what is there. */
static void mend(const rv_checkpoint_head *head) {
    const size_t first = (size_t)rv_checkpoint_page_at(head, 1);
    if (edited.size < first) {
        return;
    }
    for (uint32_t i = 0; i < head->page_count; i += 1) {
        const size_t at = first + (size_t)i * RV_PAGE_SIZE;
        if (at + RV_PAGE_SIZE <= edited.size) {
            const uint64_t sum = rv_hash64(1 + i, rv_bytes_of(edited.bytes + at, RV_PAGE_SIZE));
            rv_store_u64(edited.bytes + RV_CHECKPOINT_HEAD_SIZE + 8 * (size_t)i, sum);
        }
    }
    const rv_bytes front =
        rv_bytes_of(edited.bytes + RV_CHECKPOINT_HEAD_SIZE, first - RV_CHECKPOINT_HEAD_SIZE);
    rv_store_u32(edited.bytes + 136, rv_crc32c(0, front));
    const size_t crc_at = RV_CHECKPOINT_HEAD_SIZE - 4;
    rv_store_u32(edited.bytes + crc_at, rv_crc32c(0, rv_bytes_of(edited.bytes, crc_at)));
}

static void read_events(void) {
    rv_subscription subscription;
    rv_subscription_open(&subscription, node, NULL, 0, 1);
    for (int i = 0; i < 100; i += 1) {
        rv_event event;
        rv_bytes path;
        if (rv_subscription_next(&subscription, 1000, &event, &path, NULL) != RV_OK) {
            return;
        }
        static uint8_t text[(size_t)256 << 10];
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_event_to_json(rv_node_schema(node), &event, path, &w);
    }
}

static void read_rows(void) {
    const rv_schema *const schema = rv_node_schema(node);
    const rv_state *const state = rv_node_state(node);
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, a);
        rv_row row = rv_state_row_next(state, a, RV_ROW_NONE);
        while (row != RV_ROW_NONE) {
            for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
                static uint8_t scratch_memory[1 << 16], text[1 << 16];
                rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
                rv_writer w = rv_writer_over(text, sizeof text);
                rv_value value;
                if (rv_state_row_cell(state, a, row, i, &scratch, &value, NULL) == RV_OK) {
                    rv_value_to_json(&aggregate->columns[i].type, &value, &w);
                }
            }
            row = rv_state_row_next(state, a, row);
        }
    }
}

static void use_node(void) {
    static const char *const events[][3] = {
        {"accounts", "opened", "{\"name\":\"new\"}"},
        {"/accounts/1", "paid", "{\"amount\":1}"},
        {"/accounts/2", "made", "{\"thing_id\":\"y\",\"a\":1}"},
        {"/boxes/red/pots", "pot_made", "{\"pot_id\":3}"},
        {"/boxes/blue/pots", "moved", "{\"from_id\":1,\"to_id\":2,\"amount\":5}"},
        {"/boxes/new/pots", "moved", "{\"from_id\":2,\"to_id\":3,\"amount\":1}"},
        {"/accounts/2", "unmade", "{\"thing_id\":\"x\"}"},
        {"/tags/one", "tagged", "{\"tag_id\":4,\"a\":\"red\",\"b\":6}"},
    };
    (void)rv_node_state_hash(node);
    read_events();
    read_rows();
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i += 1) {
        (void)fuzz_node_append(node, events[i][0], events[i][1], events[i][2]);
    }
    (void)fuzz_node_settle(node);
    (void)rv_node_state_hash(node);
    read_rows();
}

/* The state at W, from the file that the node was opened by. */
static void read_past(void) {
    static uint8_t memory[RV_AS_OF_MEMORY_MIN];
    const rv_as_of_options options = {.node = node, .memory = memory, .memory_size = sizeof memory};
    const rv_as_of_place place = {rv_node_watermark(node), INT64_MAX};
    const rv_hash128 hash = rv_node_state_hash(node);
    rv_as_of *as_of = NULL;
    rv_error err;
    FUZZ_CHECK(rv_as_of_create(&as_of, &options, &err) == RV_OK);
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        status = rv_as_of_reach(as_of, &place, &err);
    }
    FUZZ_CHECK(status == RV_OK);
    FUZZ_CHECK(rv_node_checkpoint_of(node)->kept_passed_over.status == RV_OK);
    const rv_hash128 past = rv_state_hash(rv_as_of_state(as_of), place.position);
    FUZZ_CHECK(rv_as_of_begun_at(as_of) == 0 || rv_node_opaque_events(node) > 0 ||
               (past.low == hash.low && past.high == hash.high));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size);
    if (good.size == 0) {
        images_make();
    }
    edited = good;
    rv_checkpoint_head head;
    FUZZ_CHECK(rv_checkpoint_head_decode(good.bytes, &head) == RV_CHECKPOINT_USABLE);
    for (int i = 0; i < EDITS_MAX && input.len > 0; i += 1) {
        edit(&input, &head);
    }
    mend(&head);
    new_host(2);
    image_put(&log_image);
    image_put(&edited);
    const rv_status status = open_node(1);
    FUZZ_CHECK(rv_node_checkpoint_of(node)->opened_by == RV_OPENED_BY_CHECKPOINT ||
               rv_node_checkpoint_of(node)->passed_over.status != RV_OK || status != RV_OK ||
               edited.size < RV_CHECKPOINT_HEAD_SIZE);
    if (status == RV_OK) {
        read_past();
        use_node();
        close_node();
        FUZZ_CHECK(open_node(1) == RV_OK);
    }
    return 0;
}
