/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that does the POSIX host's flushes, as the daemon's pool does: the core appends the next
 * batch while the one before is being flushed. */
#ifndef RV_BENCH_FLUSHER_H
#define RV_BENCH_FLUSHER_H

#include "platform/posix/posix.h"

/* Starts the thread and gives it the flushes of `posix`. */
void flusher_start(rv_posix *posix);

/* Hands finished flushes back; waits for the one under way if `wait`. */
void flusher_poll(bool wait);

/* Ends the thread; nothing may be under way. Flushes are done in the call again. */
void flusher_stop(void);

#endif
