/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, locking and closing a data directory.
 *
 * The lock is flock's: it belongs to the open file, so it holds against this process too, is not
 * lost when another descriptor of the file is closed, and goes with the process. The holder writes
 * its process id into the file, for people; only the lock itself counts. The file is never removed,
 * for a process that has it open could then lock a file that no other one finds.
 */
#include "platform/posix/internal.h"

#include "core/base/assert.h"
#include "platform/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_DEFAULT  1024u
#define DIRECTORY_MODE 0750
#define LOCK_MODE      0640
#define PID_LEN_MAX    20u

/* Says what failed with which errno, and what to do. */
static rv_status open_failed(rv_error *err, const char *dir, const char *what, int error) {
    const char *reason = strerror(error);
    switch (error) {
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
        return open_failed(err, dir, "make", errno);
    }
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return open_failed(err, dir, "open", errno);
    }
    posix->directory = fdopendir(fd);
    if (posix->directory == NULL) {
        const int error = errno;
        (void)close(fd);
        return open_failed(err, dir, "open", error);
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

/* The process id in the lock file, 0 when there is none to be read. */
static uint64_t lock_holder(int fd) {
    char text[PID_LEN_MAX];
    const ssize_t len = pread(fd, text, sizeof text, 0);
    uint64_t pid = 0;
    for (ssize_t i = 0; i < len && text[i] >= '0' && text[i] <= '9' && pid < INT32_MAX; i++) {
        pid = pid * 10 + (uint64_t)(text[i] - '0');
    }
    return pid;
}

static rv_status lock_held(rv_error *err, const char *dir, uint64_t pid) {
    if (pid == 0) {
        return rv_error_set(err, RV_DATA_IN_USE,
                            "Data directory %s is in use by another process; stop that one first, "
                            "or talk to it by its URL",
                            dir);
    }
    (void)rv_error_set(err, RV_DATA_IN_USE,
                       "Data directory %s is in use by process %u; stop that one first, or talk "
                       "to it by its URL",
                       dir, pid);
    rv_error_fact_uint(err, "pid", pid);
    return RV_DATA_IN_USE;
}

/* Writes the process id; a message is worse without it, nothing else is, so failure is let be. */
static void lock_sign(int fd) {
    uint8_t text[PID_LEN_MAX];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_write_uint(&w, (uint64_t)getpid());
    rv_write_u8(&w, '\n');
    RV_ASSERT(!w.full);
    const bool signed_whole = ftruncate(fd, 0) == 0 && pwrite(fd, text, w.len, 0) == (ssize_t)w.len;
    if (!signed_whole) {
        (void)!ftruncate(fd, 0);
    }
}

static rv_status lock_take(rv_posix *posix, const char *dir, rv_error *err) {
    RV_ASSERT(posix->directory_fd >= 0 && posix->lock_fd < 0);
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    posix->lock_fd = openat(posix->directory_fd, RV_FILE_NAME_LOCK, flags, LOCK_MODE);
    if (posix->lock_fd < 0) {
        return open_failed(err, dir, "write to", errno);
    }
    int done;
    do {
        done = flock(posix->lock_fd, LOCK_EX | LOCK_NB);
    } while (done != 0 && errno == EINTR);
    if (done != 0) {
        return errno == EWOULDBLOCK ? lock_held(err, dir, lock_holder(posix->lock_fd))
                                    : open_failed(err, dir, "lock", errno);
    }
    /* A writable lock file does not mean that files can be made beside it. */
    if (faccessat(posix->directory_fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        return open_failed(err, dir, "write to", errno);
    }
    lock_sign(posix->lock_fd);
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
        status = lock_take(posix, dir, err);
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
    if (posix->directory != NULL) {
        (void)closedir(posix->directory);
    }
    /* Last, so that who gets the lock finds nothing of ours open. */
    if (posix->lock_fd >= 0) {
        (void)close(posix->lock_fd);
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
