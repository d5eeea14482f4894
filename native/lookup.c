/* SPDX-License-Identifier: Apache-2.0 */
#include "native/lookup.h"

#include "core/base/assert.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* It belongs to the thread and to the handle in the loop: the last of both that goes frees it. */
struct rv_lookup {
    pthread_mutex_t lock;
    uv_async_t async;
    rv_address address;
    rv_lookup_done done;
    void *ctx;
    unsigned holders;
    bool forgotten;
    int failed; /* as getaddrinfo has it, */
    int number; /* and errno with it */
    struct addrinfo *found;
};

static void lock(rv_lookup *l) {
    const int failed = pthread_mutex_lock(&l->lock);
    RV_ASSERT(failed == 0);
}

static void unlock(rv_lookup *l) {
    const int failed = pthread_mutex_unlock(&l->lock);
    RV_ASSERT(failed == 0);
}

static void release(rv_lookup *l) {
    lock(l);
    RV_ASSERT(l->holders > 0);
    l->holders -= 1;
    const bool last = l->holders == 0;
    unlock(l);
    if (!last) {
        return;
    }
    if (l->found != NULL) {
        freeaddrinfo(l->found);
    }
    const int failed = pthread_mutex_destroy(&l->lock);
    RV_ASSERT(failed == 0);
    free(l);
}

static void *run(void *ctx) {
    rv_lookup *const l = ctx;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const int failed = getaddrinfo(l->address.host, l->address.port, &hints, &found);
    const int number = errno;
    lock(l);
    l->failed = failed;
    l->number = number;
    l->found = failed == 0 ? found : NULL;
    if (!l->forgotten) { /* else the handle is closed */
        const int refused = uv_async_send(&l->async);
        RV_ASSERT(refused == 0);
    }
    unlock(l);
    release(l);
    return NULL;
}

static void on_closed(uv_handle_t *handle) {
    release(handle->data);
}

static void on_over(uv_async_t *async) {
    rv_lookup *const l = async->data;
    lock(l);
    RV_ASSERT(!l->forgotten);
    struct addrinfo *const found = l->found;
    const int failed = l->failed;
    const int number = l->number;
    l->found = NULL;
    unlock(l);
    uv_close((uv_handle_t *)async, on_closed);
    const char *const why = failed == EAI_SYSTEM ? strerror(number) : gai_strerror(failed);
    l->done(l->ctx, failed == 0 ? NULL : why, found);
}

/* Starts the thread: signals are the others' to take. 0, or errno's. */
static int thread_start(rv_lookup *l) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    int failed = pthread_attr_init(&attributes);
    RV_ASSERT(failed == 0);
    failed = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) +
             pthread_sigmask(SIG_SETMASK, &all, &before);
    RV_ASSERT(failed == 0);
    const int refused = pthread_create(&thread, &attributes, run, l);
    failed = pthread_sigmask(SIG_SETMASK, &before, NULL) + pthread_attr_destroy(&attributes);
    RV_ASSERT(failed == 0);
    return refused;
}

rv_status rv_lookup_begin(rv_lookup **lookup, uv_loop_t *loop, const rv_address *address,
                          rv_lookup_done done, void *ctx, rv_error *err) {
    RV_ASSERT(done != NULL && address->host[0] != '\0');
    rv_lookup *const l = calloc(1, sizeof *l);
    *lookup = NULL;
    if (l == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory to look a name up");
    }
    *l = (rv_lookup){.address = *address, .done = done, .ctx = ctx, .holders = 2};
    int failed = pthread_mutex_init(&l->lock, NULL);
    RV_ASSERT(failed == 0);
    failed = uv_async_init(loop, &l->async, on_over);
    if (failed != 0) {
        free(l);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no handle to look a name up: %s",
                            uv_strerror(failed));
    }
    l->async.data = l;
    failed = thread_start(l);
    if (failed != 0) {
        l->holders = 1;
        uv_close((uv_handle_t *)&l->async, on_closed);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "the system gives no thread to look a name "
                            "up: %s",
                            strerror(failed));
    }
    *lookup = l;
    return RV_OK;
}

void rv_lookup_forget(rv_lookup *l) {
    RV_ASSERT(l != NULL);
    lock(l);
    RV_ASSERT(!l->forgotten);
    l->forgotten = true;
    unlock(l);
    uv_close((uv_handle_t *)&l->async, on_closed);
}
