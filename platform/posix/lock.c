/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process at a time, by flock of the file `lock`: it belongs to the open file, so it holds
 * against this process too, is not lost when another descriptor of the file is closed, and goes
 * with the process. The file is never removed, for a process that has it open could then lock a
 * file that no other one finds.
 *
 * The holder writes its process id into the file, for people and for hosts that cannot lock, and
 * `free` over it when it closes:
 *
 *     "4711      \n"  process 4711 has the directory open, or had it when it was killed
 *     "free      \n"  nobody has
 *
 * Hosts that cannot lock make the file `.held` instead. Each side leaves its own mark before it
 * looks for the other's, so of two that open at once at least one sees the other.
 */
#include "core/base/assert.h"
#include "platform/file_name.h"
#include "platform/posix/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_MODE    0640
#define LOCK_PID_LEN 10u /* INT32_MAX has ten digits */

/* The process id in the lock file, 0 when there is none to be read. */
static uint64_t lock_holder(int fd) {
    char text[LOCK_PID_LEN];
    const ssize_t len = pread(fd, text, sizeof text, 0);
    uint64_t pid = 0;
    for (ssize_t i = 0; i < len && text[i] >= '0' && text[i] <= '9' && pid < INT32_MAX; i++) {
        pid = pid * 10 + (uint64_t)(text[i] - '0');
    }
    return pid;
}

static rv_status lock_in_use(rv_error *err, const char *dir, uint64_t pid) {
    RV_ASSERT(dir != NULL);
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

/* Writes the process id, or with 0 that nobody has it: always as many bytes, so that a full disk
 * has room for them. A message is worse without it, and a host without locks does not see this
 * process; the lock itself does not depend on it, so failure is let be. */
static void lock_sign(int fd, uint64_t pid) {
    uint8_t text[LOCK_PID_LEN + 1];
    rv_writer w = rv_writer_over(text, sizeof text);
    if (pid == 0) {
        rv_write_text(&w, "free");
    } else {
        rv_write_uint(&w, pid);
    }
    while (w.len < LOCK_PID_LEN) {
        rv_write_u8(&w, ' ');
    }
    rv_write_u8(&w, '\n');
    RV_ASSERT(!w.full);
    (void)!pwrite(fd, text, w.len, 0);
}

/* Whether a host without locks has the directory, which only the file that it leaves can tell. */
static rv_status check_held(const rv_posix *posix, const char *dir, rv_error *err) {
    struct stat st;
    RV_ASSERT(posix->lock_fd >= 0);
    if (fstatat(posix->directory_fd, RV_FILE_NAME_HELD, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? RV_OK : rv_posix_open_failed(err, dir, "lock", errno);
    }
    (void)rv_error_set(err, RV_DATA_IN_USE,
                       "Data directory %s is open in a program that cannot lock files (WASI), or "
                       "was when that program was killed; close it there, or if it runs no more, "
                       "remove %s/" RV_FILE_NAME_HELD,
                       dir, dir);
    rv_error_fact_text(err, "held", rv_bytes_of_string(RV_FILE_NAME_HELD));
    return RV_DATA_IN_USE;
}

static rv_status lock_file(int fd, const char *dir, rv_error *err) {
    RV_ASSERT(fd >= 0);
    int done;
    do {
        done = flock(fd, LOCK_EX | LOCK_NB);
    } while (done != 0 && errno == EINTR);
    if (done != 0) {
        return errno == EWOULDBLOCK ? lock_in_use(err, dir, lock_holder(fd))
                                    : rv_posix_open_failed(err, dir, "lock", errno);
    }
    return RV_OK;
}

rv_status rv_posix_lock_take(rv_posix *posix, const char *dir, rv_error *err) {
    RV_ASSERT(posix->directory_fd >= 0 && posix->lock_fd < 0);
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    const int fd = openat(posix->directory_fd, RV_FILE_NAME_LOCK, flags, LOCK_MODE);
    if (fd < 0) {
        return rv_posix_open_failed(err, dir, "write to", errno);
    }
    rv_status status = lock_file(fd, dir, err);
    if (status != RV_OK) {
        (void)close(fd);
        return status;
    }
    posix->lock_fd = fd;
    /* A writable lock file does not mean that files can be made beside it. */
    if (faccessat(posix->directory_fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        return rv_posix_open_failed(err, dir, "write to", errno);
    }
    lock_sign(fd, (uint64_t)getpid());
    return check_held(posix, dir, err);
}

bool rv_posix_lock_held(const rv_posix *posix) {
    RV_ASSERT(posix->lock_fd >= 0);
    return true; /* while it is open */
}

void rv_posix_lock_release(rv_posix *posix) {
    RV_ASSERT(posix != NULL);
    if (posix->lock_fd >= 0) {
        lock_sign(posix->lock_fd, 0);
        (void)close(posix->lock_fd);
        posix->lock_fd = -1;
    }
}
