/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host over one data directory of a POSIX system.
 *
 *     rv_posix *posix;
 *     rv_status status = rv_posix_open("/var/lib/crm", NULL, &posix, &err);
 *     rv_host host = rv_posix_interface(posix);
 *     ...
 *     rv_posix_close(posix);
 *
 * The directory belongs to one process at a time: an exclusive lock on its file `lock` is held from
 * open to close, and ends with the process however it ends. The file says who holds it. (A child
 * made by fork shares the lock until it calls exec: a daemon forks first, then opens.) Where no
 * file can be locked (WASI, with platform/wasi/lock.c in the place of lock.c) the file `.held` is
 * made from open to close, and a crash leaves it there: docs/decisions/0007-one-holder.md.
 *
 * Every operation is done in the call. Flushes, which are what takes long, can be given to other
 * threads (rv_posix_set_deferral); everything else here is for one thread, the core thread.
 *
 *     core thread                         any thread
 *     flush -> ops->submit(ctx, job)
 *              answers RV_IO_PENDING      rv_posix_job_run(job)
 *     rv_posix_job_finish(posix, job)  <- (the owner's way back)
 *     next_completion gives the result
 *
 * Durability: a flush is fdatasync of the file, and of the directory when a name was made or
 * removed since the directory was last flushed. Growing by truncate reserves the space where the
 * file system can, so that a full disk shows there and not in a later write.
 *
 * The process should ignore SIGXFSZ (a write beyond RLIMIT_FSIZE is then RV_STORAGE_FULL).
 */
#ifndef RV_PLATFORM_POSIX_POSIX_H
#define RV_PLATFORM_POSIX_POSIX_H

#include "core/base/error.h"
#include "rivulet/host.h"

/* Flushes that can be with other threads at once; further ones are done in the call. */
#define RV_POSIX_JOBS_MAX 16

typedef struct rv_posix rv_posix;
typedef struct rv_posix_job rv_posix_job;

typedef struct rv_posix_options {
    uint32_t files_max; /* handles open at once; 0 for 1024 */
} rv_posix_options;

typedef struct rv_posix_deferral_ops {
    /* Takes a job, to have rv_posix_job_run called on it once, by any thread, and then
     * rv_posix_job_finish by the core thread. Called by the core thread; must not do either itself.
     */
    void (*submit)(void *ctx, rv_posix_job *job);
} rv_posix_deferral_ops;

/* Opens the data directory `dir`, making it (not its parents) when it is missing, and locks it.
 * `options` may be NULL. All memory is taken here. The error's text names the directory.
 *   RV_DATA_IN_USE        another process, or this one, has it open; fact "pid" where it is known;
 *                         or a program without locks may have, fact "held": the file to remove
 *                         when it has not
 *   RV_DATA_NOT_FOUND     the parent does not exist
 *   RV_DATA_NOT_WRITABLE  it is not a directory, or may not be written
 *   RV_STORAGE_FULL, RV_STORAGE_FAILED, RV_MEMORY_EXHAUSTED */
rv_status rv_posix_open(const char *dir, const rv_posix_options *options, rv_posix **out,
                        rv_error *err) RV_MUST_USE;

/* Closes all files and gives the directory free. No job may be under way. NULL is allowed. */
void rv_posix_close(rv_posix *posix);

/* What a node is opened with. */
rv_host rv_posix_interface(rv_posix *posix);

/* From now on flushes are given to `ops`, which stays valid; NULL ends that. */
void rv_posix_set_deferral(rv_posix *posix, const rv_posix_deferral_ops *ops, void *ctx);

/* The number of a job, 0 to RV_POSIX_JOBS_MAX - 1, so that the owner can keep an array beside them.
 */
unsigned rv_posix_job_index(const rv_posix *posix, const rv_posix_job *job);

/* Does the job: flushes, and touches nothing but the job. Any thread. */
void rv_posix_job_run(rv_posix_job *job);

/* Takes a job back that was run; its result is what next_completion gives. Core thread. */
void rv_posix_job_finish(rv_posix *posix, rv_posix_job *job);

/* The errno of the last operation that failed, for a log; 0 when none did. */
int rv_posix_last_errno(const rv_posix *posix);

#endif
