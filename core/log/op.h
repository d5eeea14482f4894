/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation on the host, as a value: started, under way, or done.
 *
 * A state machine of the log calls, say, rv_op_truncate in the state where it needs that; the first
 * call starts the operation, and every further call, with the same arguments, answers RV_PENDING
 * until it is over and then gives its result once. So each state is written once, whether the host
 * answers at once or later:
 *
 *     IDLE --call--> UNDER_WAY --completion--> OVER --call--> IDLE, and the result is given
 *       \------------ done inside the call -----/
 *
 * Short reads and writes are continued here, and nowhere else.
 *
 *   invariant: an operation that is not IDLE is always called with the arguments it was started
 * with.
 */
#ifndef RV_LOG_OP_H
#define RV_LOG_OP_H

#include "core/base/bytes.h"
#include "rivulet/host.h"

typedef enum rv_op_phase { RV_OP_IDLE, RV_OP_UNDER_WAY, RV_OP_OVER } rv_op_phase;

typedef struct rv_op {
    uint16_t id; /* low bits of its tickets */
    rv_op_phase phase;
    rv_ticket ticket;
    rv_io_result result;
    uint64_t progress; /* of a read or write that takes several */
    char name[RV_FILE_NAME_MAX + 1];
} rv_op;

/* What all operations of one owner share. */
typedef struct rv_ops {
    rv_host host;
    uint64_t tickets; /* the owner: the highest eight bits of its tickets, 1 to 255 */
    uint64_t serial;  /* makes tickets unique */
} rv_ops;

static inline bool rv_op_active(const rv_op *op) {
    return op->phase != RV_OP_IDLE;
}

/* Takes a completion. False when the operation does not wait for it. */
bool rv_op_complete(rv_op *op, const rv_io_completion *completion);

/* Each: RV_PENDING, RV_OK, or the error that host.h names at the operation. */
RV_MUST_USE rv_status rv_op_open(rv_ops *ops, rv_op *op, const char *name, rv_file *file,
                                 uint64_t *size);
RV_MUST_USE rv_status rv_op_create(rv_ops *ops, rv_op *op, const char *name, rv_file *file);
RV_MUST_USE rv_status rv_op_truncate(rv_ops *ops, rv_op *op, rv_file file, uint64_t size);
RV_MUST_USE rv_status rv_op_flush(rv_ops *ops, rv_op *op, rv_file file);
RV_MUST_USE rv_status rv_op_remove(rv_ops *ops, rv_op *op, const char *name);
RV_MUST_USE rv_status rv_op_list(rv_ops *ops, rv_op *op, rv_file_name *names, size_t cap,
                                 uint64_t *count);

/* Writes all of it. A write of nothing is RV_STORAGE_FULL. */
RV_MUST_USE rv_status rv_op_write(rv_ops *ops, rv_op *op, rv_file file, uint64_t offset,
                                  rv_bytes bytes);

/* Reads `len` bytes, or as far as the file goes: `*got`. */
RV_MUST_USE rv_status rv_op_read(rv_ops *ops, rv_op *op, rv_file file, uint64_t offset,
                                 uint8_t *buf, size_t len, size_t *got);

#endif
