/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened, line by line: when, who, what. The last lines are kept to be printed when a check
 * fails; all of them go into a digest, so that two runs of a seed can be compared.
 */
#ifndef RV_TESTS_SIM_HISTORY_H
#define RV_TESTS_SIM_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SIM_HISTORY_LINES    2048
#define SIM_HISTORY_LINE_LEN 160

typedef struct sim_history {
    bool verbose; /* every line is printed when it is noted */
    uint64_t digest;
    uint64_t count;
    char lines[SIM_HISTORY_LINES][SIM_HISTORY_LINE_LEN];
} sim_history;

void sim_history_clear(sim_history *history);

/* Notes a line of member `who` (below 0: of the world) at `now` microseconds. */
void sim_history_note(sim_history *history, int64_t now, int who, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Prints the last `count` lines. */
void sim_history_print(const sim_history *history, uint64_t count, FILE *to);

#endif
