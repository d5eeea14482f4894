/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The panic hook of a POSIX process (SEMANTICS 34): when an assertion or the processor stops the
 * program, a record is appended to the file `panics` of the data directory that is open, a line
 * says so on standard error, and the process ends as it would have.
 */
#ifndef RV_NATIVE_PANIC_H
#define RV_NATIVE_PANIC_H

#include <stdint.h>

/* From now on panics are recorded in the directory `path`, with the position at `at_work`; both
 * stay valid until rv_panic_forget. One directory at a time. */
void rv_panic_watch(const char *path, const volatile uint64_t *at_work);

/* Nothing is recorded any more. */
void rv_panic_forget(void);

#endif
