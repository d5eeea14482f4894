/* SPDX-License-Identifier: Apache-2.0 */
/* What the system says of a process that is measured, and times that were measured. */
#ifndef RV_TESTS_BENCH_PROCESS_H
#define RV_TESTS_BENCH_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* Seconds of a monotonic clock. */
double now_seconds(void);

/* Seconds that all threads of a process have run. */
double process_cpu_seconds(int pid);

/* Bytes of memory that nobody shares with it and that it has written. */
uint64_t process_private_bytes(int pid);

/* Raises this process' number of files to `count`, if it is allowed to; else ends the program. */
void files_at_least(unsigned count);

/* Prints `NAME_p50 …` and `NAME_p99 …`, in microseconds; sorts the times. */
void print_times(const char *name, double *times, size_t count);

/* Ends the program with a message. */
void bench_fail(const char *what) __attribute__((noreturn));

#endif
