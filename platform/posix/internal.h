/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the POSIX host share: the host itself, its handles and its jobs.
 *
 * Names in the directory are durable by generation: `names_made` counts the names made and removed,
 * `names_durable` is how far a flush of the directory is known to have got. A flush that finds them
 * different flushes the directory too. Two flushes at once may then both do so; neither answers
 * before the names that it covers are durable.
 */
#ifndef RV_PLATFORM_POSIX_INTERNAL_H
#define RV_PLATFORM_POSIX_INTERNAL_H

#include "platform/posix/posix.h"

#include <dirent.h>

typedef struct posix_file {
    int fd; /* -1: the slot is free, and `next_free` is the one after it */
    int32_t next_free;
    bool flushing; /* a job is under way on it */
    char name[RV_FILE_NAME_MAX + 1];
} posix_file;

typedef enum posix_job_state {
    POSIX_JOB_FREE,
    POSIX_JOB_SUBMITTED, /* with the owner; a thread may be running it */
    POSIX_JOB_FINISHED,  /* waits for next_completion */
} posix_job_state;

struct rv_posix_job {
    /* set when submitted, read by rv_posix_job_run */
    int fd;
    int directory_fd; /* -1: the directory need not be flushed */
    int error;        /* written by rv_posix_job_run: an errno, 0 for success */
    bool ran;
    /* the core thread's */
    posix_job_state state;
    rv_ticket ticket;
    rv_file file;
    uint64_t names;       /* generation of names that it makes durable */
    uint64_t finished_at; /* order of completions */
};

struct rv_posix {
    DIR *directory;
    int directory_fd; /* of `directory` */
    int lock_fd;
    int last_errno;
    uint64_t names_made;
    uint64_t names_durable;
    uint64_t jobs_finished;
    const rv_posix_deferral_ops *deferral; /* NULL: flush in the call */
    void *deferral_ctx;
    rv_posix_job jobs[RV_POSIX_JOBS_MAX];
    int32_t free_first; /* of `files`, -1 for none */
    uint32_t files_max;
    posix_file files[];
};

/* The host's operations (files.c). */
extern const rv_host_ops rv_posix_host_ops;

/* The open file of a handle (files.c). */
posix_file *rv_posix_file_of(rv_posix *posix, rv_file file);

/* Notes an errno and returns the status that it means (files.c). */
rv_status rv_posix_failed(rv_posix *posix, int error);

/* Notes what kept a data directory from being opened, and what to do (posix.c). */
rv_status rv_posix_open_failed(rv_error *err, const char *dir, const char *what, int error);

/* The exclusive right to the directory: lock.c, or platform/wasi/lock.c where no file can be
 * locked. docs/decisions/0007-one-holder.md has both together. */
RV_MUST_USE rv_status rv_posix_lock_take(rv_posix *posix, const char *dir, rv_error *err);
void rv_posix_lock_release(rv_posix *posix); /* if it was taken */

/* True while nobody else can have taken it. What changes the directory asks this first. */
bool rv_posix_lock_held(const rv_posix *posix);

/* Flush and next_completion (flush.c). */
rv_io rv_posix_flush(void *ctx, rv_ticket ticket, rv_file file, rv_io_result *result);
bool rv_posix_next_completion(void *ctx, rv_io_completion *completion);

#endif
