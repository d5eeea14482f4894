/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that does the flushes of a directory that no event loop serves: the command line goes on
 * with the next batch while the one before is being flushed. (The daemon gives its flushes to its
 * loop's pool.)
 *
 *     core thread                       the flusher's thread
 *     flush: submit  -> a place  ->     rv_posix_job_run
 *     rv_flusher_poll <- the place <-   done
 */
#ifndef RV_NATIVE_FLUSHER_H
#define RV_NATIVE_FLUSHER_H

#include "platform/posix/posix.h"

typedef struct rv_flusher rv_flusher;

/* Starts the thread and gives it the flushes of `posix`. RV_MEMORY_EXHAUSTED: the system gives no
 * thread, or no memory for one. */
RV_MUST_USE rv_status rv_flusher_start(rv_posix *posix, rv_flusher **flusher, rv_error *err);

/* Hands finished flushes back to the host, whose next_completion then gives them; with `wait` it
 * first waits for one, if any is under way. */
void rv_flusher_poll(rv_flusher *flusher, bool wait);

/* Waits for what is under way, hands it back, and ends the thread: flushes are done in the call
 * again. NULL is allowed. */
void rv_flusher_stop(rv_flusher *flusher);

#endif
