/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on the host: see op.h. A result that breaks the host's contract (more bytes than asked
 * for) counts as a failure of the storage: the host is a boundary, not a part of the log.
 */
#include "core/log/op.h"

#include "core/base/assert.h"

static void op_begin(rv_ops *ops, rv_op *op) {
    RV_ASSERT(op->phase == RV_OP_IDLE);
    ops->serial += 1;
    op->ticket = (ops->tickets << 56) | ((ops->serial & UINT64_C(0xffffffffff)) << 16) | op->id;
    op->phase = RV_OP_UNDER_WAY;
    op->result = (rv_io_result){RV_OK, 0, 0};
    RV_ASSERT(ops->tickets > 0 && op->ticket >> 56 == ops->tickets);
}

static void op_answered(rv_op *op, rv_io io) {
    RV_ASSERT(op->phase == RV_OP_UNDER_WAY);
    if (io == RV_IO_DONE) {
        op->phase = RV_OP_OVER;
    }
}

/* RV_PENDING, or the result, which is given once. */
static rv_status op_take(rv_op *op) {
    RV_ASSERT(op->phase != RV_OP_IDLE);
    if (op->phase == RV_OP_UNDER_WAY) {
        return RV_PENDING;
    }
    op->phase = RV_OP_IDLE;
    RV_ASSERT(op->result.status != RV_PENDING);
    return op->result.status;
}

static void op_name(rv_op *op, const char *name) {
    const size_t len = strlen(name);
    RV_ASSERT(len <= RV_FILE_NAME_MAX);
    RV_ASSERT(op->phase == RV_OP_IDLE);
    memcpy(op->name, name, len + 1);
}

bool rv_op_complete(rv_op *op, const rv_io_completion *completion) {
    if (op->phase != RV_OP_UNDER_WAY || op->ticket != completion->ticket) {
        return false;
    }
    op->result = completion->result;
    op->phase = RV_OP_OVER;
    RV_ASSERT((completion->ticket & 0xffff) == op->id);
    return true;
}

rv_status rv_op_open(rv_ops *ops, rv_op *op, const char *name, rv_file *file, uint64_t *size) {
    if (!rv_op_active(op)) {
        op_name(op, name);
        op_begin(ops, op);
        op_answered(op, ops->host.ops->open(ops->host.ctx, op->ticket, op->name, &op->result));
    }
    const rv_status status = op_take(op);
    if (status == RV_OK) {
        *file = op->result.file;
        *size = op->result.count;
    }
    return status;
}

rv_status rv_op_create(rv_ops *ops, rv_op *op, const char *name, rv_file *file) {
    if (!rv_op_active(op)) {
        op_name(op, name);
        op_begin(ops, op);
        op_answered(op, ops->host.ops->create(ops->host.ctx, op->ticket, op->name, &op->result));
    }
    const rv_status status = op_take(op);
    if (status == RV_OK) {
        *file = op->result.file;
    }
    return status;
}

rv_status rv_op_truncate(rv_ops *ops, rv_op *op, rv_file file, uint64_t size) {
    if (!rv_op_active(op)) {
        op_begin(ops, op);
        op_answered(op,
                    ops->host.ops->truncate(ops->host.ctx, op->ticket, file, size, &op->result));
    }
    return op_take(op);
}

rv_status rv_op_flush(rv_ops *ops, rv_op *op, rv_file file) {
    if (!rv_op_active(op)) {
        op_begin(ops, op);
        op_answered(op, ops->host.ops->flush(ops->host.ctx, op->ticket, file, &op->result));
    }
    return op_take(op);
}

rv_status rv_op_remove(rv_ops *ops, rv_op *op, const char *name) {
    if (!rv_op_active(op)) {
        op_name(op, name);
        op_begin(ops, op);
        op_answered(op, ops->host.ops->remove(ops->host.ctx, op->ticket, op->name, &op->result));
    }
    return op_take(op);
}

rv_status rv_op_list(rv_ops *ops, rv_op *op, rv_file_name *names, size_t cap, uint64_t *count) {
    if (!rv_op_active(op)) {
        op_begin(ops, op);
        op_answered(op, ops->host.ops->list(ops->host.ctx, op->ticket, names, cap, &op->result));
    }
    const rv_status status = op_take(op);
    if (status == RV_OK) {
        *count = op->result.count;
    }
    return status;
}

rv_status rv_op_write(rv_ops *ops, rv_op *op, rv_file file, uint64_t offset, rv_bytes bytes) {
    RV_ASSERT(bytes.len > 0);
    for (size_t piece = 0;; piece += 1) { /* each does a byte, or is the last */
        RV_ASSERT(piece < bytes.len && op->progress < bytes.len);
        if (!rv_op_active(op)) {
            op_begin(ops, op);
            const rv_bytes rest = rv_bytes_from(bytes, (size_t)op->progress);
            op_answered(op, ops->host.ops->write(ops->host.ctx, op->ticket, file,
                                                 offset + op->progress, rest, &op->result));
        }
        rv_status status = op_take(op);
        if (status == RV_PENDING) {
            return RV_PENDING;
        }
        if (status == RV_OK && op->result.count == 0) {
            status = RV_STORAGE_FULL;
        } else if (status == RV_OK && op->result.count > bytes.len - op->progress) {
            status = RV_STORAGE_FAILED;
        }
        if (status != RV_OK) {
            op->progress = 0;
            return status;
        }
        op->progress += op->result.count;
        if (op->progress == bytes.len) {
            break;
        }
    }
    RV_ASSERT(op->progress == bytes.len);
    op->progress = 0;
    return RV_OK;
}

rv_status rv_op_read(rv_ops *ops, rv_op *op, rv_file file, uint64_t offset, uint8_t *buf,
                     size_t len, size_t *got) {
    RV_ASSERT(len > 0);
    for (size_t piece = 0;; piece += 1) { /* each does a byte, or is the last */
        RV_ASSERT(piece < len && op->progress < len);
        if (!rv_op_active(op)) {
            op_begin(ops, op);
            op_answered(op, ops->host.ops->read(ops->host.ctx, op->ticket, file,
                                                offset + op->progress, buf + op->progress,
                                                len - (size_t)op->progress, &op->result));
        }
        rv_status status = op_take(op);
        if (status == RV_PENDING) {
            return RV_PENDING;
        }
        if (status == RV_OK && op->result.count > len - op->progress) {
            status = RV_STORAGE_FAILED;
        }
        if (status != RV_OK) {
            op->progress = 0;
            return status;
        }
        op->progress += op->result.count;
        if (op->result.count == 0 || op->progress == len) {
            break;
        }
    }
    *got = (size_t)op->progress;
    RV_ASSERT(*got <= len);
    op->progress = 0;
    return RV_OK;
}
