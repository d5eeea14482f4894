/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever lies in the files of a log, a node opens and goes on, or says why not; it never
 * traps, and what it then holds it holds again when it is opened again. Method: the input is a list
 * of edits of a small valid log; it says whether the log was closed cleanly, and whether checksums
 * are mended after the edits, so that what lies behind them is reached: batches, records, events,
 * schema changes.
 *
 *     u8 flags (1 sealed, 2 mend checksums, 4 mend the chain of them, 8 open as whatever it is)
 *     edits: u8 what, u16 where, u8 length, bytes
 */
#include "core/log/batch.h"
#include "core/log/segment.h"
#include "tests/fuzz/fuzz_node.h"

#define FILE_MAX  ((size_t)128 << 10)
#define EDITS_MAX 64

typedef enum edit_kind {
    EDIT_BYTES,       /* at an offset of the batches */
    EDIT_HEADER,      /* at an offset of the segment's header */
    EDIT_BATCH,       /* where / 256: the batch; where % 256: the offset in it */
    EDIT_CUT,         /* the file ends at this offset of the batches */
    EDIT_REPEAT_LAST, /* at an offset of the batches: a copy of what the file begins them with */
    EDIT_KIND_COUNT
} edit_kind;

typedef struct log_image {
    uint8_t bytes[FILE_MAX];
    size_t size;
    rv_file_name name;
} log_image;

static fuzz_node the_node;
static log_image images[2]; /* not sealed, sealed */
static log_image edited;

static rv_host host_of(const fuzz_node *n) {
    return rv_memory_host_interface(n->storage);
}

/* Takes the log's one segment out of the host. */
static void image_take(log_image *image) {
    const rv_host host = host_of(&the_node);
    rv_io_result result;
    rv_segment_name(0, 1, &image->name);
    FUZZ_CHECK(host.ops->open(host.ctx, 1, image->name.text, &result) == RV_IO_DONE);
    FUZZ_CHECK(result.status == RV_OK);
    const rv_file file = result.file;
    FUZZ_CHECK(host.ops->read(host.ctx, 1, file, 0, image->bytes, FILE_MAX, &result) == RV_IO_DONE);
    image->size = (size_t)result.count;
    host.ops->close(host.ctx, file);
}

static void images_make(void) {
    fuzz_node_root(&the_node);
    rv_memory_host_reopen(the_node.storage);
    image_take(&images[0]);
    rv_memory_host_reopen(the_node.storage);
    rv_error err;
    FUZZ_CHECK(fuzz_node_open(&the_node, RV_ROLE_ROOT, &err) == RV_OK);
    rv_status status = RV_PENDING;
    for (int i = 0; i < FUZZ_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_node_close(the_node.node, &err);
        FUZZ_CHECK(rv_node_poll(the_node.node, NULL) == RV_OK || status == RV_END);
    }
    FUZZ_CHECK(status == RV_END);
    rv_memory_host_reopen(the_node.storage);
    image_take(&images[1]);
}

/* The offset of a batch, by the lengths that the file has at the moment. */
static size_t batch_at(const log_image *image, unsigned number) {
    size_t at = RV_SEGMENT_HEADER_SIZE;
    rv_batch_header header;
    for (unsigned i = 0; i < number && at + RV_BATCH_HEADER_SIZE <= image->size; i++) {
        if (!rv_batch_decode(image->bytes + at, &header) ||
            rv_batch_size(header.len) > image->size - at) {
            break;
        }
        at += rv_batch_size(header.len);
    }
    return at;
}

static void edit(log_image *image, rv_bytes *input) {
    const edit_kind kind = (edit_kind)(fuzz_take_u8(input) % EDIT_KIND_COUNT);
    const uint16_t where = fuzz_take_u16(input);
    const rv_bytes bytes = fuzz_take(input, fuzz_take_u8(input));
    size_t at = RV_SEGMENT_HEADER_SIZE + where;
    if (kind == EDIT_HEADER) {
        at = where % RV_SEGMENT_HEADER_SIZE;
    } else if (kind == EDIT_BATCH) {
        at = batch_at(image, where / 256) + where % 256;
    } else if (kind == EDIT_CUT) {
        image->size = at < image->size ? at : image->size;
        return;
    }
    if (kind == EDIT_REPEAT_LAST && at < image->size) {
        const size_t room = image->size - at;
        const size_t len = room < 4 * (bytes.len + 1) ? room : 4 * (bytes.len + 1);
        memmove(image->bytes + at, image->bytes + RV_SEGMENT_HEADER_SIZE, len);
    } else if (bytes.len > 0 && at + bytes.len <= FILE_MAX) {
        memcpy(image->bytes + at, bytes.ptr, bytes.len);
        image->size = at + bytes.len > image->size ? at + bytes.len : image->size;
    }
}

/* Makes the checksums right for what is there; with `chain` also what a batch says of the last. */
static void mend(log_image *image, bool chain) {
    if (image->size < RV_SEGMENT_HEADER_SIZE) {
        return;
    }
    uint8_t *const header_crc = image->bytes + RV_SEGMENT_HEADER_SIZE - 4;
    rv_store_u32(header_crc, rv_crc32c(0, rv_bytes_of(image->bytes, RV_SEGMENT_HEADER_SIZE - 4)));
    const uint32_t salt = rv_load_u32(image->bytes + 96);
    uint32_t previous = rv_load_u32(image->bytes + 100);
    rv_batch_header header;
    for (size_t at = RV_SEGMENT_HEADER_SIZE; at + RV_BATCH_HEADER_SIZE <= image->size;) {
        uint8_t *const batch = image->bytes + at;
        if (!rv_batch_decode(batch, &header) || rv_batch_size(header.len) > image->size - at) {
            return;
        }
        if (chain) {
            rv_store_u32(batch + 8, previous ^ salt);
        }
        previous = rv_crc32c(salt, rv_bytes_of(batch + 4, rv_batch_size(header.len) - 4));
        rv_store_u32(batch, previous);
        at += rv_batch_size(header.len);
    }
}

/* A host that holds this one file. */
static void image_put(const log_image *image) {
    fuzz_node_host(&the_node, 2);
    const rv_host host = host_of(&the_node);
    rv_io_result result;
    (void)host.ops->create(host.ctx, 1, image->name.text, &result);
    FUZZ_CHECK(result.status == RV_OK);
    const rv_file file = result.file;
    (void)host.ops->write(host.ctx, 1, file, 0, rv_bytes_of(image->bytes, image->size), &result);
    FUZZ_CHECK(result.status == RV_OK && result.count == image->size);
    host.ops->close(host.ctx, file);
}

/* Reads all that the log yields: nothing may trap, whatever was folded. */
static void read_all(rv_node *node) {
    rv_subscription subscription;
    rv_subscription_open(&subscription, node, NULL, 0, 1);
    for (int i = 0; i < FUZZ_POLLS_MAX; i++) {
        rv_event event;
        rv_bytes path;
        const rv_status status = rv_subscription_next(&subscription, 1000, &event, &path, NULL);
        if (status == RV_PENDING && rv_node_poll(node, NULL) == RV_OK) {
            continue;
        }
        if (status != RV_OK) {
            return;
        }
        static uint8_t text[(size_t)256 << 10];
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_event_to_json(rv_node_schema(node), &event, path, &w);
    }
}

static void open_and_go_on(rv_role role) {
    rv_error err = {.status = RV_OK};
    rv_status status = fuzz_node_open(&the_node, role, &err);
    FUZZ_CHECK(status != RV_PENDING);
    if (status != RV_OK) {
        FUZZ_CHECK(err.status == status && err.detail_len > 0);
        if (status == RV_DATA_DAMAGED) {
            (void)rv_node_state_hash(the_node.node);
            read_all(the_node.node);
        }
        return;
    }
    read_all(the_node.node);
    if (role != RV_ROLE_EDGE) {
        (void)fuzz_node_append(the_node.node, "accounts", "opened", "{\"name\":\"new\"}");
        (void)fuzz_node_append(the_node.node, "/accounts/1", "paid", "{\"amount\":1}");
    }
    if (!fuzz_node_settle(the_node.node)) {
        return;
    }
    const rv_hash128 hash = rv_node_state_hash(the_node.node);
    const uint64_t sequence = rv_node_sequence(the_node.node);
    rv_memory_host_reopen(the_node.storage);
    status = fuzz_node_open(&the_node, role, &err);
    FUZZ_CHECK(status == RV_OK && rv_node_sequence(the_node.node) == sequence);
    FUZZ_CHECK(fuzz_hashes_equal(rv_node_state_hash(the_node.node), hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size);
    if (images[0].size == 0) {
        images_make();
    }
    const uint8_t flags = fuzz_take_u8(&input);
    edited = images[flags & 1];
    for (int i = 0; i < EDITS_MAX && input.len > 0; i++) {
        edit(&edited, &input);
    }
    if ((flags & 2) != 0) {
        mend(&edited, (flags & 4) != 0);
    }
    image_put(&edited);
    open_and_go_on((flags & 8) != 0 ? RV_ROLE_STORED : RV_ROLE_ROOT);
    return 0;
}
