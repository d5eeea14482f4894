/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void bench_fail(const char *what) {
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double process_cpu_seconds(int pid) {
    char path[512];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *const tasks = opendir(path);
    double total = 0;
    const struct dirent *entry;
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        unsigned long long ran = 0;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, entry->d_name);
        FILE *const file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file != NULL && fscanf(file, "%llu", &ran) == 1) {
            total += (double)ran / 1e9;
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    if (tasks == NULL) {
        bench_fail("the process is not there");
    }
    closedir(tasks);
    return total;
}

uint64_t process_private_bytes(int pid) {
    char line[256];
    snprintf(line, sizeof line, "/proc/%d/smaps_rollup", pid);
    FILE *const file = fopen(line, "r");
    unsigned long long kib = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Private_Dirty:", 14) == 0) {
            kib = strtoull(line + 14, NULL, 10);
        }
    }
    if (file == NULL) {
        bench_fail("the process is not there");
    }
    fclose(file);
    return kib * 1024;
}

void files_at_least(unsigned count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        bench_fail("the number of files is not known");
    }
    if (limit.rlim_cur >= count) {
        return;
    }
    limit.rlim_cur = count;
    limit.rlim_max = limit.rlim_max < count ? count : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        bench_fail("so many connections are not allowed here: raise `ulimit -n`");
    }
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void print_times(const char *name, double *times, size_t count) {
    if (count == 0) {
        bench_fail("nothing was measured");
    }
    qsort(times, count, sizeof *times, compare);
    printf("%s_p50 %.1f\n", name, times[count / 2] * 1e6);
    printf("%s_p99 %.1f\n", name, times[count - 1 - count / 100] * 1e6);
}
