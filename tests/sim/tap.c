/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/tap.h"

#include "core/base/assert.h"

static rv_io told(sim_tap *tap, rv_io io, const rv_io_result *result) {
    tap->operations += 1;
    tap->failures += io == RV_IO_DONE &&
                     (result->status == RV_STORAGE_FAILED || result->status == RV_STORAGE_FULL);
    RV_ASSERT(io == RV_IO_DONE || io == RV_IO_PENDING);
    return io;
}

static rv_io tap_open(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    sim_tap *const tap = ctx;
    return told(tap, tap->inner.ops->open(tap->inner.ctx, ticket, name, result), result);
}

static rv_io tap_create(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    sim_tap *const tap = ctx;
    return told(tap, tap->inner.ops->create(tap->inner.ctx, ticket, name, result), result);
}

static void tap_close(void *ctx, rv_file file) {
    sim_tap *const tap = ctx;
    tap->inner.ops->close(tap->inner.ctx, file);
}

static rv_io tap_read(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, uint8_t *buf,
                      size_t len, rv_io_result *result) {
    sim_tap *const tap = ctx;
    return told(tap, tap->inner.ops->read(tap->inner.ctx, ticket, file, offset, buf, len, result),
                result);
}

static rv_io tap_write(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, rv_bytes bytes,
                       rv_io_result *result) {
    sim_tap *const tap = ctx;
    return told(tap, tap->inner.ops->write(tap->inner.ctx, ticket, file, offset, bytes, result),
                result);
}

static rv_io tap_truncate(void *ctx, rv_ticket ticket, rv_file file, uint64_t size,
                          rv_io_result *result) {
    sim_tap *const tap = ctx;
    return told(tap, tap->inner.ops->truncate(tap->inner.ctx, ticket, file, size, result), result);
}

static rv_io tap_remove(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    sim_tap *const tap = ctx;
    if (tap->keeps_files) {
        *result = (rv_io_result){.status = RV_OK};
        return told(tap, RV_IO_DONE, result);
    }
    return told(tap, tap->inner.ops->remove(tap->inner.ctx, ticket, name, result), result);
}

static rv_io tap_list(void *ctx, rv_ticket ticket, rv_file_name *names, size_t cap,
                      rv_io_result *result) {
    sim_tap *const tap = ctx;
    return told(tap, tap->inner.ops->list(tap->inner.ctx, ticket, names, cap, result), result);
}

static rv_io tap_flush(void *ctx, rv_ticket ticket, rv_file file, rv_io_result *result) {
    sim_tap *const tap = ctx;
    tap->flushes += 1;
    if (tap->flush_lies) {
        *result = (rv_io_result){.status = RV_OK, .file = file};
        return told(tap, RV_IO_DONE, result);
    }
    return told(tap, tap->inner.ops->flush(tap->inner.ctx, ticket, file, result), result);
}

static bool tap_next_completion(void *ctx, rv_io_completion *completion) {
    sim_tap *const tap = ctx;
    const bool some = tap->inner.ops->next_completion(tap->inner.ctx, completion);
    tap->failures += some && (completion->result.status == RV_STORAGE_FAILED ||
                              completion->result.status == RV_STORAGE_FULL);
    return some;
}

static int64_t tap_now(void *ctx) {
    sim_tap *const tap = ctx;
    return tap->inner.ops->now(tap->inner.ctx);
}

static void tap_entropy(void *ctx, uint8_t *buf, size_t len) {
    sim_tap *const tap = ctx;
    tap->inner.ops->entropy(tap->inner.ctx, buf, len);
}

rv_host sim_tap_interface(sim_tap *tap) {
    static const rv_host_ops ops = {
        .open = tap_open,
        .create = tap_create,
        .close = tap_close,
        .read = tap_read,
        .write = tap_write,
        .truncate = tap_truncate,
        .remove = tap_remove,
        .list = tap_list,
        .flush = tap_flush,
        .next_completion = tap_next_completion,
        .now = tap_now,
        .entropy = tap_entropy,
    };
    RV_ASSERT(tap->inner.ops != NULL);
    return (rv_host){&ops, tap};
}
