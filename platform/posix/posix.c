/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a data directory; who has it is decided in lock.c. */
#include "platform/posix/internal.h"

#include "core/base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_DEFAULT  1024u
#define DIRECTORY_MODE 0750

rv_status rv_posix_open_failed(rv_error *err, const char *dir, const char *what, int error) {
    const char *reason = strerror(error);
    switch (error) {
#if defined(ENOTCAPABLE)
    case ENOTCAPABLE:
        return rv_error_set(err, RV_DATA_NOT_FOUND,
                            "Cannot %s data directory %s: it is not in a directory that the host "
                            "of this module has preopened with the right to write",
                            what, dir);
#endif
    case ENOENT:
        return rv_error_set(err, RV_DATA_NOT_FOUND,
                            "Cannot %s data directory %s: the directory above it does not exist; "
                            "make that first",
                            what, dir);
    case ENOTDIR:
        return rv_error_set(err, RV_DATA_NOT_WRITABLE,
                            "Cannot %s data directory %s: it, or something above it, is not a "
                            "directory; choose another path",
                            what, dir);
    case EACCES:
    case EPERM:
        return rv_error_set(err, RV_DATA_NOT_WRITABLE,
                            "Cannot %s data directory %s: %s; give this user the right to write "
                            "there, or choose another path",
                            what, dir, reason);
    case EROFS:
        return rv_error_set(err, RV_DATA_NOT_WRITABLE,
                            "Cannot %s data directory %s: its file system is read-only", what, dir);
    case ENOSPC:
    case EDQUOT:
        return rv_error_set(err, RV_STORAGE_FULL,
                            "Cannot %s data directory %s: %s; free some space and try again", what,
                            dir, reason);
    default:
        return rv_error_set(err, RV_STORAGE_FAILED, "Cannot %s data directory %s: %s", what, dir,
                            reason);
    }
}

/* Makes the directory when it is missing and opens it, for reading its names. */
static rv_status directory_open(rv_posix *posix, const char *dir, rv_error *err) {
    const bool made = mkdir(dir, DIRECTORY_MODE) == 0;
    if (!made && errno != EEXIST) {
        return rv_posix_open_failed(err, dir, "make", errno);
    }
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return rv_posix_open_failed(err, dir, "open", errno);
    }
    posix->directory = fdopendir(fd);
    if (posix->directory == NULL) {
        const int error = errno;
        (void)close(fd);
        return rv_posix_open_failed(err, dir, "open", error);
    }
    posix->directory_fd = fd;
    if (made) {
        /* A new directory's name is its parent's to keep; without the right to open that, or on a
         * file system that cannot flush it, there is nothing more to be done. */
        const int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent >= 0) {
            (void)fsync(parent);
            (void)close(parent);
        }
    }
    return RV_OK;
}

rv_status rv_posix_open(const char *dir, const rv_posix_options *options, rv_posix **out,
                        rv_error *err) {
    RV_ASSERT(dir != NULL && out != NULL);
    uint32_t files_max = options == NULL ? 0 : options->files_max;
    files_max = files_max == 0 ? FILES_DEFAULT : files_max;
    RV_ASSERT(files_max <= INT32_MAX);
    *out = NULL;
    rv_posix *posix = calloc(1, sizeof *posix + files_max * sizeof posix->files[0]);
    if (posix == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "No memory to open data directory %s", dir);
    }
    posix->directory_fd = -1;
    posix->lock_fd = -1;
    posix->names_made = 1; /* an earlier process may have left names that are not durable */
    posix->files_max = files_max;
    for (uint32_t i = 0; i < files_max; i++) {
        posix->files[i].fd = -1;
        posix->files[i].next_free = i + 1 < files_max ? (int32_t)(i + 1) : -1;
    }
    rv_status status = directory_open(posix, dir, err);
    if (status == RV_OK) {
        status = rv_posix_lock_take(posix, dir, err);
    }
    if (status != RV_OK) {
        rv_posix_close(posix);
        return status;
    }
    *out = posix;
    return RV_OK;
}

void rv_posix_close(rv_posix *posix) {
    if (posix == NULL) {
        return;
    }
    for (unsigned i = 0; i < RV_POSIX_JOBS_MAX; i++) {
        RV_ASSERT(posix->jobs[i].state != POSIX_JOB_SUBMITTED);
    }
    for (uint32_t i = 0; i < posix->files_max; i++) {
        if (posix->files[i].fd >= 0) {
            (void)close(posix->files[i].fd);
        }
    }
    rv_posix_lock_release(posix); /* whoever gets it finds no file of ours open */
    if (posix->directory != NULL) {
        (void)closedir(posix->directory);
    }
    free(posix);
}

rv_host rv_posix_interface(rv_posix *posix) {
    RV_ASSERT(posix != NULL && posix->lock_fd >= 0);
    return (rv_host){&rv_posix_host_ops, posix};
}

int rv_posix_last_errno(const rv_posix *posix) {
    RV_ASSERT(posix != NULL);
    return posix->last_errno;
}
