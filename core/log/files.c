/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open handles of segment and run files: a small table, so a log of a thousand segments needs no
 * thousand files open. Opening takes an operation; a file that is not used is closed when its place
 * is needed.
 */
#include "core/log/internal.h"

void rv_files_name(const rv_log *log, uint32_t segment, rv_file_name *name) {
    RV_ASSERT(segment < log->segment_count);
    rv_segment_name(log->segments[segment].generation, log->segments[segment].first_sequence, name);
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
    best->key = UINT32_MAX;
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

static rv_handle *find_handle(rv_log *log, uint32_t key) {
    RV_ASSERT(key != UINT32_MAX);
    for (unsigned i = 0; i < RV_LOG_HANDLES; i += 1) {
        rv_handle *const handle = &log->handles[i];
        if (handle->phase != RV_HANDLE_FREE && handle->key == key) {
            return handle;
        }
    }
    return NULL;
}

/* The name of what is being opened. Once that is under way the operation has its own copy. */
static void name_of(const rv_log *log, uint32_t key, rv_file_name *name) {
    RV_ASSERT(key != UINT32_MAX);
    name->text[0] = 0;
    if ((key & RV_HANDLE_OF_RUN) == 0) {
        rv_files_name(log, key, name);
        return;
    }
    const uint32_t index = rv_runs_of_serial(&log->runs, key & ~RV_HANDLE_OF_RUN);
    if (index < log->runs.count) {
        rv_run_name(&log->runs.runs[index].span, name);
    }
}

/* Goes on with opening. After an error the handle is free, and whoever wants it tries again. */
static rv_status handle_opened(rv_log *log, rv_handle *handle) {
    RV_ASSERT(handle->phase == RV_HANDLE_OPENING);
    RV_ASSERT(handle->users == 0);
    rv_file_name name;
    name_of(log, handle->key, &name);
    const rv_status status =
        rv_op_open(&log->ops, &handle->op, name.text, &handle->file, &handle->size);
    if (status != RV_PENDING) {
        handle->phase = status == RV_OK ? RV_HANDLE_OPEN : RV_HANDLE_FREE;
    }
    return status;
}

rv_status rv_files_acquire(rv_log *log, uint32_t key, unsigned spare, rv_handle **handle) {
    RV_ASSERT((key & RV_HANDLE_OF_RUN) != 0 || key < log->segment_count);
    rv_handle *found = find_handle(log, key);
    if (found == NULL) {
        if (available_count(log) <= spare) {
            return RV_BUSY;
        }
        found = rv_files_take(log);
        RV_ASSERT(found != NULL);
        found->key = key;
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

bool rv_files_forget(rv_log *log, uint32_t key) {
    rv_handle *const handle = find_handle(log, key);
    if (handle == NULL) {
        return true;
    }
    RV_ASSERT(handle->phase != RV_HANDLE_FREE);
    if (handle->phase == RV_HANDLE_OPENING || handle->users > 0) {
        return false;
    }
    rv_files_close(log, handle);
    return true;
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
