/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary directory for a test: one flat directory below $TMPDIR (or /tmp), emptied between
 * cases and removed at the end.
 */
#ifndef RV_TESTS_STORAGE_DIRECTORY_H
#define RV_TESTS_STORAGE_DIRECTORY_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_PATH_MAX 512

/* `dir`/`name` in `path`. */
static inline const char *directory_path(const char *dir, const char *name, char *path) {
    if (snprintf(path, DIRECTORY_PATH_MAX, "%s/%s", dir, name) >= DIRECTORY_PATH_MAX) {
        abort();
    }
    return path;
}

static inline bool directory_make(char *dir) {
    const char *base = getenv("TMPDIR");
    directory_path(base != NULL && base[0] != '\0' ? base : "/tmp", "rivulet-test-XXXXXX", dir);
    if (mkdtemp(dir) == NULL) {
        perror(dir);
        return false;
    }
    return true;
}

/* An empty file of that name. */
static inline void directory_file(const char *dir, const char *name, char *path) {
    const int fd = open(directory_path(dir, name, path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        perror(path);
        abort();
    }
    close(fd);
}

/* Removes what is in it; directories in it must be empty. */
static inline void directory_clear(const char *dir) {
    DIR *listing = opendir(dir);
    if (listing == NULL) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        char path[DIRECTORY_PATH_MAX];
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)remove(directory_path(dir, entry->d_name, path));
        }
    }
    closedir(listing);
}

static inline void directory_end(const char *dir) {
    directory_clear(dir);
    (void)rmdir(dir);
}

#endif
