/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open handles of segment files: a small table, so a log of a thousand segments needs no thousand
 * files open. Opening takes an operation; a file that is not used is closed when its place is
 * needed.
 */
#include "core/log/internal.h"

void rv_files_name(const rv_log *log, uint32_t segment, rv_file_name *name) {
    RV_ASSERT(segment < log->segment_count);
    rv_segment_name(0, log->segments[segment].first_sequence, name);
    RV_ASSERT(name->text[0] == 'l');
}

void rv_files_close(rv_log *log, rv_handle *handle) {
    RV_ASSERT(handle->phase == RV_HANDLE_OPEN);
    RV_ASSERT(!rv_op_active(&handle->op));
    log->ops.host.ops->close(log->ops.host.ctx, handle->file);
    handle->phase = RV_HANDLE_FREE;
    handle->users = 0;
}

/* Free, or open without users. */
static bool handle_available(const rv_handle *handle) {
    RV_ASSERT(handle->phase != RV_HANDLE_FREE || handle->users == 0);
    return handle->phase == RV_HANDLE_FREE ||
           (handle->phase == RV_HANDLE_OPEN && handle->users == 0);
}

rv_handle *rv_files_take(rv_log *log) {
    rv_handle *best = NULL;
    for (unsigned i = 0; i < RV_LOG_HANDLES; i += 1) {
        rv_handle *const handle = &log->handles[i];
        if (!handle_available(handle)) {
            continue;
        }
        if (handle->phase == RV_HANDLE_FREE) {
            best = handle;
            break;
        }
        if (best == NULL || handle->used < best->used) {
            best = handle;
        }
    }
    if (best == NULL) {
        return NULL;
    }
    if (best->phase == RV_HANDLE_OPEN) {
        rv_files_close(log, best);
    }
    best->users = 1;
    best->segment = UINT32_MAX;
    best->used = ++log->clock;
    best->phase = RV_HANDLE_OPENING;
    RV_ASSERT(!rv_op_active(&best->op));
    return best;
}

static unsigned available_count(const rv_log *log) {
    unsigned count = 0;
    for (unsigned i = 0; i < RV_LOG_HANDLES; i += 1) {
        count += handle_available(&log->handles[i]);
    }
    RV_ASSERT(count <= RV_LOG_HANDLES);
    return count;
}

static rv_handle *find_handle(rv_log *log, uint32_t segment) {
    RV_ASSERT(segment < log->segment_count);
    for (unsigned i = 0; i < RV_LOG_HANDLES; i += 1) {
        rv_handle *const handle = &log->handles[i];
        if (handle->phase != RV_HANDLE_FREE && handle->segment == segment) {
            return handle;
        }
    }
    return NULL;
}

/* Goes on with opening. After an error the handle is free, and whoever wants it tries again. */
static rv_status handle_opened(rv_log *log, rv_handle *handle) {
    RV_ASSERT(handle->phase == RV_HANDLE_OPENING);
    RV_ASSERT(handle->users == 0);
    rv_file_name name;
    rv_files_name(log, handle->segment, &name);
    const rv_status status =
        rv_op_open(&log->ops, &handle->op, name.text, &handle->file, &handle->size);
    if (status != RV_PENDING) {
        handle->phase = status == RV_OK ? RV_HANDLE_OPEN : RV_HANDLE_FREE;
    }
    return status;
}

rv_status rv_files_acquire(rv_log *log, uint32_t segment, unsigned spare, rv_handle **handle) {
    RV_ASSERT(segment < log->segment_count);
    rv_handle *found = find_handle(log, segment);
    if (found == NULL) {
        if (available_count(log) <= spare) {
            return RV_BUSY;
        }
        found = rv_files_take(log);
        RV_ASSERT(found != NULL);
        found->segment = segment;
        found->users = 0; /* nobody keeps it yet: who asks again finds it */
    }
    if (found->phase == RV_HANDLE_OPENING) {
        const rv_status status = handle_opened(log, found);
        if (status != RV_OK) {
            return status;
        }
    }
    found->users += 1;
    found->used = ++log->clock;
    *handle = found;
    return RV_OK;
}

void rv_files_release(rv_log *log, rv_handle *handle) {
    RV_ASSERT(handle->phase == RV_HANDLE_OPEN);
    RV_ASSERT(handle->users > 0);
    handle->users -= 1;
    handle->used = ++log->clock;
}

void rv_files_poll(rv_log *log) {
    for (unsigned i = 0; i < RV_LOG_HANDLES; i += 1) {
        rv_handle *const handle = &log->handles[i];
        if (handle->phase == RV_HANDLE_OPENING && handle->op.phase == RV_OP_OVER) {
            (void)handle_opened(log, handle);
        }
    }
}

bool rv_files_opening(const rv_log *log) {
    for (unsigned i = 0; i < RV_LOG_HANDLES; i += 1) {
        const rv_handle *const handle = &log->handles[i];
        RV_ASSERT(!rv_op_active(&handle->op) || handle->phase == RV_HANDLE_OPENING);
        if (rv_op_active(&handle->op)) {
            return true;
        }
    }
    return false;
}
