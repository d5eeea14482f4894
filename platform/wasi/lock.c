/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One holder at a time where no file can be locked: WASI preview 1. It has exclusive creation, so
 * the holder makes the file `.held` from open to close. What that cannot do is end with a program
 * that is killed: then the file stays, and a person has to say that nobody has the directory open,
 * by removing it. Nothing here guesses that from the time, for a program may be stopped for any
 * time and go on.
 *
 * Should it be removed too early, nothing is mixed up: before each operation that changes the
 * directory the holder looks whether the file is still its own, by its inode, which no other file
 * has while this one is open. If it is not, every such operation fails with RV_STORAGE_FAILED from
 * then on, and so the node becomes read-only.
 *
 * A native process is seen by the process id in the file `lock`, and it sees `.held`. Both leave
 * their own mark before they look for the other's: platform/posix/lock.c.
 */
#include "core/base/assert.h"
#include "platform/file_name.h"
#include "platform/posix/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static rv_status held(rv_error *err, const char *dir) {
    (void)rv_error_set(err, RV_DATA_IN_USE,
                       "Data directory %s is open in another program, or was when that was killed, "
                       "which WASI cannot tell apart; close it there, or if none has it open, "
                       "remove %s/" RV_FILE_NAME_HELD,
                       dir, dir);
    rv_error_fact_text(err, "held", rv_bytes_of_string(RV_FILE_NAME_HELD));
    return RV_DATA_IN_USE;
}

/* Whether a native process has it: its id is in the file `lock`. */
static rv_status check_lock(const rv_posix *posix, const char *dir, rv_error *err) {
    RV_ASSERT(posix->directory_fd >= 0);
    const int fd = openat(posix->directory_fd, RV_FILE_NAME_LOCK, O_RDONLY | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? RV_OK : rv_posix_open_failed(err, dir, "lock", errno);
    }
    char text[16];
    const ssize_t len = pread(fd, text, sizeof text, 0);
    const int error = errno;
    (void)close(fd);
    if (len < 0) {
        return rv_posix_open_failed(err, dir, "lock", error);
    }
    uint64_t pid = 0;
    for (ssize_t i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        pid = pid * 10 + (uint64_t)(text[i] - '0');
    }
    if (pid == 0) {
        return RV_OK;
    }
    (void)rv_error_set(err, RV_DATA_IN_USE,
                       "Data directory %s is open in process %u, or was when that was killed; stop "
                       "it first, or if it runs no more, open the directory once with the native "
                       "rivulet, or remove %s/" RV_FILE_NAME_LOCK,
                       dir, pid, dir);
    rv_error_fact_uint(err, "pid", pid);
    return RV_DATA_IN_USE;
}

rv_status rv_posix_lock_take(rv_posix *posix, const char *dir, rv_error *err) {
    RV_ASSERT(posix->directory_fd >= 0 && posix->lock_fd < 0);
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const int fd = openat(posix->directory_fd, RV_FILE_NAME_HELD, flags, 0640);
    if (fd < 0) {
        return errno == EEXIST ? held(err, dir) : rv_posix_open_failed(err, dir, "write to", errno);
    }
    posix->lock_fd = fd;
    return check_lock(posix, dir, err);
}

bool rv_posix_lock_held(const rv_posix *posix) {
    RV_ASSERT(posix->lock_fd >= 0);
    struct stat own;
    struct stat found;
    return fstat(posix->lock_fd, &own) == 0 &&
           fstatat(posix->directory_fd, RV_FILE_NAME_HELD, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_ino == found.st_ino && own.st_dev == found.st_dev;
}

void rv_posix_lock_release(rv_posix *posix) {
    RV_ASSERT(posix != NULL);
    if (posix->lock_fd >= 0) {
        if (rv_posix_lock_held(posix)) {
            (void)unlinkat(posix->directory_fd, RV_FILE_NAME_HELD, 0);
        }
        (void)close(posix->lock_fd);
        posix->lock_fd = -1;
    }
}
