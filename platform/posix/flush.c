/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flushes, in the call or by jobs. A job is a slot of a fixed pool:
 *
 *     FREE -- flush --> SUBMITTED -- rv_posix_job_run, rv_posix_job_finish --> FINISHED
 *      ^                                                                          |
 *      +------------------------------ next_completion --------------------------+
 *
 * Between submit and finish the job's first part belongs to the thread that runs it; the owner's
 * hand-over (a queue with a lock) orders the memory.
 */
#include "platform/posix/internal.h"

#include "core/base/assert.h"

#include <errno.h>
#include <unistd.h>

static int flush_data(int fd) {
    int done;
    do {
#if defined(__APPLE__)
        done = fsync(fd);
#else
        done = fdatasync(fd);
#endif
    } while (done != 0 && errno == EINTR);
    return done == 0 ? 0 : errno;
}

static int flush_directory(int fd) {
    int done;
    do {
        done = fsync(fd);
    } while (done != 0 && errno == EINTR);
    /* File systems that cannot flush a directory say so by EINVAL; they have nothing to flush. */
    return done == 0 || errno == EINVAL ? 0 : errno;
}

/* A job of what is to be flushed now. */
static rv_posix_job job_of(const rv_posix *posix, rv_ticket ticket, rv_file file) {
    RV_ASSERT(posix->names_durable <= posix->names_made);
    const bool names = posix->names_durable < posix->names_made;
    return (rv_posix_job){
        .fd = posix->files[file].fd,
        .directory_fd = names ? posix->directory_fd : -1,
        .state = POSIX_JOB_SUBMITTED,
        .ticket = ticket,
        .file = file,
        .names = posix->names_made,
    };
}

/* What a job that was run means for the host. */
static rv_status job_settle(rv_posix *posix, const rv_posix_job *job) {
    RV_ASSERT(job->ran && job->names <= posix->names_made);
    if (job->error != 0) {
        (void)rv_posix_failed(posix, job->error);
        return RV_STORAGE_FAILED;
    }
    if (job->names > posix->names_durable) {
        RV_ASSERT(job->directory_fd >= 0);
        posix->names_durable = job->names;
    }
    return RV_OK;
}

rv_io rv_posix_flush(void *ctx, rv_ticket ticket, rv_file file, rv_io_result *result) {
    rv_posix *posix = ctx;
    posix_file *open_file = rv_posix_file_of(posix, file);
    RV_ASSERT(!open_file->flushing);
    if (!rv_posix_lock_held(posix)) {
        *result = (rv_io_result){rv_posix_failed(posix, EBUSY), 0, file};
        return RV_IO_DONE;
    }
    for (unsigned i = 0; posix->deferral != NULL && i < RV_POSIX_JOBS_MAX; i++) {
        rv_posix_job *job = &posix->jobs[i];
        if (job->state == POSIX_JOB_FREE) {
            *job = job_of(posix, ticket, file);
            open_file->flushing = true;
            posix->deferral->submit(posix->deferral_ctx, job);
            return RV_IO_PENDING;
        }
    }
    rv_posix_job now = job_of(posix, ticket, file);
    rv_posix_job_run(&now);
    *result = (rv_io_result){job_settle(posix, &now), 0, file};
    return RV_IO_DONE;
}

void rv_posix_set_deferral(rv_posix *posix, const rv_posix_deferral_ops *ops, void *ctx) {
    RV_ASSERT(posix != NULL);
    RV_ASSERT(ops == NULL || ops->submit != NULL);
    posix->deferral = ops;
    posix->deferral_ctx = ctx;
}

unsigned rv_posix_job_index(const rv_posix *posix, const rv_posix_job *job) {
    RV_ASSERT(job >= posix->jobs && job < posix->jobs + RV_POSIX_JOBS_MAX);
    return (unsigned)(job - posix->jobs);
}

void rv_posix_job_run(rv_posix_job *job) {
    RV_ASSERT(job->state == POSIX_JOB_SUBMITTED && !job->ran);
    RV_ASSERT(job->fd >= 0);
    job->error = flush_data(job->fd);
    if (job->error == 0 && job->directory_fd >= 0) {
        job->error = flush_directory(job->directory_fd);
    }
    job->ran = true;
}

void rv_posix_job_finish(rv_posix *posix, rv_posix_job *job) {
    RV_ASSERT(rv_posix_job_index(posix, job) < RV_POSIX_JOBS_MAX);
    RV_ASSERT(job->state == POSIX_JOB_SUBMITTED && job->ran);
    posix->jobs_finished += 1;
    job->finished_at = posix->jobs_finished;
    job->state = POSIX_JOB_FINISHED;
}

bool rv_posix_next_completion(void *ctx, rv_io_completion *completion) {
    rv_posix *posix = ctx;
    RV_ASSERT(completion != NULL);
    rv_posix_job *first = NULL;
    for (unsigned i = 0; i < RV_POSIX_JOBS_MAX; i++) {
        rv_posix_job *job = &posix->jobs[i];
        if (job->state == POSIX_JOB_FINISHED &&
            (first == NULL || job->finished_at < first->finished_at)) {
            first = job;
        }
    }
    if (first == NULL) {
        return false;
    }
    rv_posix_file_of(posix, first->file)->flushing = false;
    const rv_status status = job_settle(posix, first);
    *completion = (rv_io_completion){first->ticket, {status, 0, first->file}};
    first->state = POSIX_JOB_FREE;
    return true;
}
