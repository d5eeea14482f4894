/* SPDX-License-Identifier: Apache-2.0 */
#include "native/flusher.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"

/* Jobs wait in `todo` and come back in `done`, both in order; `under_way` is the core thread's
 * count of those that it gave away and has not got back. */
struct rv_flusher {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    rv_posix *posix;
    rv_posix_job *todo[RV_POSIX_JOBS_MAX];
    rv_posix_job *done[RV_POSIX_JOBS_MAX];
    unsigned todo_count;
    unsigned done_count;
    unsigned under_way;
    bool stop;
};

static void lock(rv_flusher *f) {
    const int failed = pthread_mutex_lock(&f->lock);
    RV_ASSERT(failed == 0);
}

static void unlock(rv_flusher *f) {
    const int failed = pthread_mutex_unlock(&f->lock);
    RV_ASSERT(failed == 0);
}

static rv_posix_job *take_first(rv_posix_job **jobs, unsigned *count) {
    RV_ASSERT(*count > 0 && *count <= RV_POSIX_JOBS_MAX);
    rv_posix_job *const job = jobs[0];
    *count -= 1;
    memmove(jobs, jobs + 1, *count * sizeof *jobs);
    return job;
}

static void *run(void *ctx) {
    rv_flusher *const f = ctx;
    lock(f);
    while (!f->stop || f->todo_count > 0) {
        if (f->todo_count == 0) {
            pthread_cond_wait(&f->changed, &f->lock);
            continue;
        }
        rv_posix_job *const job = take_first(f->todo, &f->todo_count);
        unlock(f);
        rv_posix_job_run(job);
        lock(f);
        f->done[f->done_count] = job;
        f->done_count += 1;
        pthread_cond_broadcast(&f->changed);
    }
    unlock(f);
    return NULL;
}

static void submit(void *ctx, rv_posix_job *job) {
    rv_flusher *const f = ctx;
    lock(f);
    RV_ASSERT(f->under_way < RV_POSIX_JOBS_MAX);
    f->todo[f->todo_count] = job;
    f->todo_count += 1;
    f->under_way += 1;
    pthread_cond_broadcast(&f->changed);
    unlock(f);
}

rv_status rv_flusher_start(rv_posix *posix, rv_flusher **out, rv_error *err) {
    static const rv_posix_deferral_ops ops = {submit};
    RV_ASSERT(posix != NULL && out != NULL);
    *out = NULL;
    rv_flusher *const f = calloc(1, sizeof *f);
    if (f == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for a thread that flushes");
    }
    f->posix = posix;
    int failed = pthread_mutex_init(&f->lock, NULL);
    RV_ASSERT(failed == 0);
    failed = pthread_cond_init(&f->changed, NULL);
    RV_ASSERT(failed == 0);
    failed = pthread_create(&f->thread, NULL, run, f);
    if (failed != 0) {
        free(f);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the system gives no thread that flushes: %s",
                            strerror(failed));
    }
    rv_posix_set_deferral(posix, &ops, f);
    *out = f;
    return RV_OK;
}

void rv_flusher_poll(rv_flusher *f, bool wait) {
    RV_ASSERT(f != NULL);
    if (f->under_way == 0) {
        return;
    }
    rv_posix_job *done[RV_POSIX_JOBS_MAX];
    lock(f);
    while (wait && f->done_count == 0) {
        pthread_cond_wait(&f->changed, &f->lock);
    }
    const unsigned count = f->done_count;
    memcpy(done, f->done, count * sizeof *done);
    f->done_count = 0;
    unlock(f);
    RV_ASSERT(count <= f->under_way);
    f->under_way -= count;
    for (unsigned i = 0; i < count; i++) {
        rv_posix_job_finish(f->posix, done[i]);
    }
}

void rv_flusher_stop(rv_flusher *f) {
    if (f == NULL) {
        return;
    }
    while (f->under_way > 0) {
        rv_flusher_poll(f, true);
    }
    lock(f);
    f->stop = true;
    pthread_cond_broadcast(&f->changed);
    unlock(f);
    const int failed = pthread_join(f->thread, NULL);
    RV_ASSERT(failed == 0);
    rv_posix_set_deferral(f->posix, NULL, NULL);
    free(f);
}
