/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The POSIX host: the conformance suite over a fresh directory, with flushes in the call, by jobs
 * that are run at once, and by jobs on another thread; then jobs in detail, and files that others
 * put into the directory. Locks and refusals of the system: tests/storage/posix_process_test.c.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp, mount and what else is not C11 */
#endif

#include "platform/posix/posix.h"
#include "tests/storage/conformance.h"
#include "tests/storage/directory.h"

#include <pthread.h>
#include <stdatomic.h>

static char data_dir[DIRECTORY_PATH_MAX];
static rv_posix *posix;

/* --- jobs on another thread: one slot of hand-over each way --- */

static _Atomic(rv_posix_job *) worker_in;
static _Atomic(rv_posix_job *) worker_out;
static atomic_bool worker_ends;
static bool worker_busy; /* has a job that was not finished */

static void *worker_main(void *unused) {
    (void)unused;
    while (!atomic_load(&worker_ends)) {
        rv_posix_job *job = atomic_exchange(&worker_in, NULL);
        if (job != NULL) {
            rv_posix_job_run(job);
            atomic_store(&worker_out, job);
        } else {
            sched_yield();
        }
    }
    return NULL;
}

static void worker_submit(void *ctx, rv_posix_job *job) {
    (void)ctx;
    worker_busy = true;
    atomic_store(&worker_in, job);
}

static const rv_posix_deferral_ops worker_ops = {worker_submit};

/* The host's next_completion, with the way back from the worker before it, which is waited for: a
 * flush of a busy disk takes longer than any number of polls. */
static const rv_host_ops *posix_ops;

static bool worker_next_completion(void *ctx, rv_io_completion *completion) {
    rv_posix_job *job = NULL;
    while (worker_busy && job == NULL) {
        sched_yield();
        job = atomic_exchange(&worker_out, NULL);
    }
    if (job != NULL) {
        worker_busy = false;
        rv_posix_job_finish(posix, job);
    }
    return posix_ops->next_completion(ctx, completion);
}

/* --- jobs in this thread, kept until they are asked for --- */

static rv_posix_job *kept_jobs[RV_POSIX_JOBS_MAX];
static unsigned kept_count;

static void keep_submit(void *ctx, rv_posix_job *job) {
    (void)ctx;
    kept_jobs[kept_count++] = job;
}

static const rv_posix_deferral_ops keep_ops = {keep_submit};

/* --- factory --- */

static rv_host posix_start(const rv_posix_deferral_ops *deferral) {
    rv_error err;
    if (rv_posix_open(data_dir, NULL, &posix, &err) != RV_OK) {
        fprintf(stderr, "%s\n", err.detail);
        abort();
    }
    rv_posix_set_deferral(posix, deferral, NULL);
    return rv_posix_interface(posix);
}

static rv_host factory_restart(void *ctx) {
    static rv_host_ops with_worker;
    rv_posix_close(posix);
    rv_host host = posix_start(ctx);
    if (ctx == &worker_ops) {
        posix_ops = host.ops;
        with_worker = *host.ops;
        with_worker.next_completion = worker_next_completion;
        host.ops = &with_worker;
    }
    return host;
}

static rv_host factory_start(void *ctx) {
    directory_clear(data_dir);
    posix = NULL;
    return factory_restart(ctx);
}

static void factory_stop(void *ctx) {
    (void)ctx;
    rv_posix_close(posix);
    posix = NULL;
}

static const storage_factory_ops factory = {factory_start, factory_restart, factory_stop};

/* --- cases --- */

RV_TEST(jobs_complete_in_the_order_they_finish) {
    const rv_host host = factory_start(NULL);
    rv_io_result files[3];
    for (unsigned i = 0; i < 3; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        files[i] = storage_create(host, name);
        RV_CHECK_STATUS(storage_write(host, files[i].file, 0, "x", 1), RV_OK);
    }
    rv_posix_set_deferral(posix, &keep_ops, NULL);
    kept_count = 0;
    rv_io_result result;
    for (unsigned i = 0; i < 3; i++) {
        RV_CHECK_EQ(host.ops->flush(host.ctx, 100 + i, files[i].file, &result), RV_IO_PENDING);
    }
    RV_CHECK_EQ(kept_count, 3);
    rv_io_completion completion;
    RV_CHECK(!host.ops->next_completion(host.ctx, &completion));
    static const unsigned order[] = {2, 0, 1};
    for (unsigned i = 0; i < 3; i++) {
        RV_CHECK_EQ(rv_posix_job_index(posix, kept_jobs[i]), i);
        rv_posix_job_run(kept_jobs[order[i]]);
        rv_posix_job_finish(posix, kept_jobs[order[i]]);
    }
    for (unsigned i = 0; i < 3; i++) {
        RV_CHECK(host.ops->next_completion(host.ctx, &completion));
        RV_CHECK_EQ(completion.ticket, 100 + order[i]);
        RV_CHECK_STATUS(completion.result.status, RV_OK);
    }
    RV_CHECK(!host.ops->next_completion(host.ctx, &completion));
    factory_stop(NULL);
}

RV_TEST(without_a_free_job_the_flush_is_done_in_the_call) {
    const rv_host host = factory_start(NULL);
    rv_posix_set_deferral(posix, &keep_ops, NULL);
    kept_count = 0;
    rv_io_result result;
    for (unsigned i = 0; i <= RV_POSIX_JOBS_MAX; i++) {
        char name[8];
        snprintf(name, sizeof name, "f%u", i);
        const rv_file file = storage_create(host, name).file;
        const rv_io io = host.ops->flush(host.ctx, i, file, &result);
        RV_CHECK_EQ(io, i < RV_POSIX_JOBS_MAX ? RV_IO_PENDING : RV_IO_DONE);
    }
    RV_CHECK_STATUS(result.status, RV_OK);
    for (unsigned i = 0; i < RV_POSIX_JOBS_MAX; i++) {
        rv_posix_job_run(kept_jobs[i]);
        rv_posix_job_finish(posix, kept_jobs[i]);
    }
    rv_io_completion completion;
    for (unsigned i = 0; i < RV_POSIX_JOBS_MAX; i++) {
        RV_CHECK(host.ops->next_completion(host.ctx, &completion));
        RV_CHECK_EQ(completion.ticket, i);
    }
    factory_stop(NULL);
}

RV_TEST(no_more_handles_than_were_asked_for) {
    directory_clear(data_dir);
    rv_error err;
    RV_CHECK_STATUS(rv_posix_open(data_dir, &(rv_posix_options){.files_max = 2}, &posix, &err),
                    RV_OK);
    const rv_host host = rv_posix_interface(posix);
    const rv_io_result a = storage_create(host, "a");
    RV_CHECK_STATUS(storage_create(host, "b").status, RV_OK);
    RV_CHECK_STATUS(storage_create(host, "c").status, RV_STORAGE_FAILED);
    RV_CHECK_STATUS(storage_open(host, "b").status, RV_STORAGE_FAILED);
    host.ops->close(host.ctx, a.file);
    RV_CHECK_STATUS(storage_open(host, "b").status, RV_OK);
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 2);
    factory_stop(NULL);
}

RV_TEST(what_others_put_there_is_not_listed_and_not_opened) {
    const rv_host host = factory_start(NULL);
    char path[DIRECTORY_PATH_MAX];
    directory_file(data_dir, "README", path);
    directory_file(data_dir, ".nfs0001", path);
    directory_file(data_dir, "notes.txt~", path);
    RV_CHECK(mkdir(directory_path(data_dir, "subdir", path), 0700) == 0);
    RV_CHECK(symlink("/etc/hostname", directory_path(data_dir, "link", path)) == 0);
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 0);
    RV_CHECK_STATUS(storage_open(host, "subdir").status, RV_STORAGE_FAILED);
    RV_CHECK_STATUS(storage_open(host, "link").status, RV_STORAGE_FAILED);
    RV_CHECK(rv_posix_last_errno(posix) != 0);
    RV_CHECK_STATUS(storage_create(host, "link").status, RV_DATA_EXISTS);
    RV_CHECK_STATUS(storage_remove(host, "subdir").status, RV_STORAGE_FAILED);
    directory_file(data_dir, "data", path);
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 1);
    RV_CHECK_STATUS(storage_open(host, "data").status, RV_OK);
    factory_stop(NULL);
}

RV_TEST(growing_by_truncate_reserves_the_space) {
    const rv_host host = factory_start(NULL);
    const rv_io_result made = storage_create(host, "a");
    RV_CHECK_STATUS(storage_truncate(host, made.file, 1 << 20).status, RV_OK);
    char path[DIRECTORY_PATH_MAX];
    struct stat st;
    RV_CHECK(stat(directory_path(data_dir, "a", path), &st) == 0);
    RV_CHECK_EQ(st.st_size, 1 << 20);
    if (st.st_blocks * 512 < 1 << 20) {
        printf("skipped: the file system of %s does not reserve space\n", data_dir);
    }
    factory_stop(NULL);
}

int main(void) {
    if (!directory_make(data_dir)) {
        return 1;
    }
    storage_run(&factory, NULL);
    pthread_t worker;
    if (pthread_create(&worker, NULL, worker_main, NULL) != 0) {
        return 1;
    }
    storage_run(&factory, (void *)(uintptr_t)&worker_ops);
    atomic_store(&worker_ends, true);
    pthread_join(worker, NULL);
    RV_RUN(jobs_complete_in_the_order_they_finish);
    RV_RUN(without_a_free_job_the_flush_is_done_in_the_call);
    RV_RUN(no_more_handles_than_were_asked_for);
    RV_RUN(what_others_put_there_is_not_listed_and_not_opened);
    RV_RUN(growing_by_truncate_reserves_the_space);
    directory_end(data_dir);
    return rv_test_done();
}
