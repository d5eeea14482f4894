/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/flusher.h"

#include <pthread.h>

/* The log has one flush under way at most, so one place for it is enough. */
static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    rv_posix *posix;
    rv_posix_job *todo;
    rv_posix_job *done;
    bool under_way; /* from submit to hand-back; the core thread's */
    bool stop;
} flusher = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *run(void *unused) {
    (void)unused;
    pthread_mutex_lock(&flusher.lock);
    while (!flusher.stop) {
        rv_posix_job *job = flusher.todo;
        if (job == NULL) {
            pthread_cond_wait(&flusher.changed, &flusher.lock);
            continue;
        }
        flusher.todo = NULL;
        pthread_mutex_unlock(&flusher.lock);
        rv_posix_job_run(job);
        pthread_mutex_lock(&flusher.lock);
        flusher.done = job;
        pthread_cond_broadcast(&flusher.changed);
    }
    pthread_mutex_unlock(&flusher.lock);
    return NULL;
}

static void submit(void *ctx, rv_posix_job *job) {
    (void)ctx;
    pthread_mutex_lock(&flusher.lock);
    flusher.todo = job;
    flusher.under_way = true;
    pthread_cond_broadcast(&flusher.changed);
    pthread_mutex_unlock(&flusher.lock);
}

void flusher_start(rv_posix *posix) {
    static const rv_posix_deferral_ops ops = {submit};
    flusher.posix = posix;
    flusher.stop = false;
    pthread_create(&flusher.thread, NULL, run, NULL);
    rv_posix_set_deferral(posix, &ops, NULL);
}

void flusher_poll(bool wait) {
    if (!flusher.under_way) {
        return;
    }
    pthread_mutex_lock(&flusher.lock);
    while (wait && flusher.done == NULL) {
        pthread_cond_wait(&flusher.changed, &flusher.lock);
    }
    rv_posix_job *const job = flusher.done;
    flusher.done = NULL;
    pthread_mutex_unlock(&flusher.lock);
    if (job != NULL) {
        flusher.under_way = false;
        rv_posix_job_finish(flusher.posix, job);
    }
}

void flusher_stop(void) {
    pthread_mutex_lock(&flusher.lock);
    flusher.stop = true;
    pthread_cond_broadcast(&flusher.changed);
    pthread_mutex_unlock(&flusher.lock);
    pthread_join(flusher.thread, NULL);
    rv_posix_set_deferral(flusher.posix, NULL, NULL);
}
