/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without a fuzzer: over every file of the directories and over the files that
 * are named, in any build. An input that breaks the target ends the program by a trap; its name is
 * then the last line on standard error. Exit code 2: nothing to run, or something unreadable.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#define INPUT_LEN_MAX ((size_t)16 << 20)
#define NAME_LEN_MAX  4096

/* Runs one file; false when it cannot be read. */
static bool replay_file(const char *name) {
    FILE *file = fopen(name, "rb");
    uint8_t *buf = malloc(INPUT_LEN_MAX);
    bool done = false;
    if (file != NULL && buf != NULL) {
        const size_t len = fread(buf, 1, INPUT_LEN_MAX, file);
        /* A copy of just this size: a read past its end is found by the sanitizer. */
        uint8_t *input = malloc(len == 0 ? 1 : len);
        if (input != NULL && ferror(file) == 0) {
            memcpy(input, buf, len);
            fprintf(stderr, "%s\n", name);
            done = LLVMFuzzerTestOneInput(input, len) == 0;
        }
        free(input);
    }
    free(buf);
    if (file != NULL) {
        (void)fclose(file);
    }
    return done;
}

/* Number of inputs run; -1 when one could not be. A directory that is not there has none. */
static long replay(const char *name) {
    struct stat facts;
    if (stat(name, &facts) != 0) {
        return 0;
    }
    if (!S_ISDIR(facts.st_mode)) {
        return replay_file(name) ? 1 : -1;
    }
    DIR *directory = opendir(name);
    long count = directory == NULL ? -1 : 0;
    for (struct dirent *entry = NULL; count >= 0 && (entry = readdir(directory)) != NULL;) {
        char path[NAME_LEN_MAX];
        if (entry->d_name[0] == '.') {
            continue;
        }
        const int len = snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        const bool done = len > 0 && (size_t)len < sizeof path && replay_file(path);
        count = done ? count + 1 : -1;
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return count;
}

int main(int argc, char **argv) {
    long total = 0;
    for (int i = 1; i < argc; i++) {
        const long count = replay(argv[i]);
        if (count < 0) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 2;
        }
        total += count;
    }
    printf("%ld inputs\n", total);
    return total > 0 ? 0 : 2;
}
