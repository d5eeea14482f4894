/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/history.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

#include <stdarg.h>
#include <string.h>

void sim_history_clear(sim_history *history) {
    history->digest = 0;
    history->count = 0;
    RV_ASSERT(SIM_HISTORY_LINES > 0);
}

void sim_history_note(sim_history *history, int64_t now, int who, const char *format, ...) {
    char *const line = history->lines[history->count % SIM_HISTORY_LINES];
    const char *const name = who < 0 ? "world" : who == 0 ? "root" : "edge";
    int len = snprintf(line, SIM_HISTORY_LINE_LEN, "%4lld.%06lld %s", (long long)(now / 1000000),
                       (long long)(now % 1000000), name);
    RV_ASSERT(len > 0 && len < SIM_HISTORY_LINE_LEN);
    len +=
        snprintf(line + len, (size_t)(SIM_HISTORY_LINE_LEN - len), who > 0 ? " %d: " : ": ", who);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + len, (size_t)(SIM_HISTORY_LINE_LEN - len), format, args);
    va_end(args);
    history->digest = rv_hash64(history->digest, rv_bytes_of(line, strlen(line)));
    history->count += 1;
    if (history->verbose) {
        printf("%s\n", line);
    }
}

void sim_history_print(const sim_history *history, uint64_t count, FILE *to) {
    const uint64_t kept =
        history->count < SIM_HISTORY_LINES ? history->count : (uint64_t)SIM_HISTORY_LINES;
    const uint64_t shown = count < kept ? count : kept;
    RV_ASSERT(shown <= history->count);
    for (uint64_t i = history->count - shown; i < history->count; i++) {
        fprintf(to, "%s\n", history->lines[i % SIM_HISTORY_LINES]);
    }
}
