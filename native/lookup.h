/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of a name, found in a thread of its own. The system's resolver cannot be called
 * off, and where no name server answers it takes half a minute, or some: neither a connection that
 * is given up nor the end of the process waits for it. (What runs in libuv's pool is waited for, by
 * the loop and again when the program ends, and keeps flushes of the log from their turn.)
 *
 *     under way --it has ended--> `done` is called, and the look-up is gone
 *               --forgotten-----> `done` is not called; what it has goes when the resolver returns
 */
#ifndef RV_NATIVE_LOOKUP_H
#define RV_NATIVE_LOOKUP_H

#include "native/address.h"

#include <netdb.h>
#include <uv.h>

typedef struct rv_lookup rv_lookup;

/* On the loop's thread. `failed` says why nothing was found, for people, good for the call; NULL:
 * `found` is the callee's, for freeaddrinfo. */
typedef void (*rv_lookup_done)(void *ctx, const char *failed, struct addrinfo *found);

/* Begins; `address` is copied. RV_MEMORY_EXHAUSTED: no memory, or no thread. */
RV_MUST_USE rv_status rv_lookup_begin(rv_lookup **lookup, uv_loop_t *loop,
                                      const rv_address *address, rv_lookup_done done, void *ctx,
                                      rv_error *err);

/* Nobody waits for it any more. The loop has to be run once more before it is closed. */
void rv_lookup_forget(rv_lookup *lookup);

#endif
