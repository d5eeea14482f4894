/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at a data directory. The lock is the one of platform/posix/lock.c, taken on a descriptor
 * that can only read, and nothing is written into the file; a directory without that file was never
 * opened by a node, and then there is nothing to lock.
 */
#include "native/look.h"

#include "core/base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME  "lock"
#define HELD_NAME  ".held"
#define READ_PIECE ((size_t)1 << 20)

static DIR *directory; /* NULL: none is open */
static int lock_fd = -1;

static rv_status failed(rv_error *err, const char *what, const char *name) {
    const int error = errno;
    RV_ASSERT(error != 0);
    return rv_error_set(err, RV_STORAGE_FAILED, "cannot %s %s: %s", what, name, strerror(error));
}

static rv_status in_use(rv_error *err, const char *path) {
    RV_ASSERT(path != NULL);
    return rv_error_set(err, RV_DATA_IN_USE,
                        "data directory %s is in use by another process; stop that one first",
                        path);
}

static rv_status lock(const char *path, rv_error *err) {
    RV_ASSERT(directory != NULL && lock_fd < 0);
    struct stat st;
    if (fstatat(dirfd(directory), HELD_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        return in_use(err, path);
    }
    lock_fd = openat(dirfd(directory), LOCK_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (lock_fd < 0) {
        return errno == ENOENT ? RV_OK : failed(err, "open", LOCK_NAME);
    }
    int done;
    do {
        done = flock(lock_fd, LOCK_EX | LOCK_NB);
    } while (done != 0 && errno == EINTR);
    if (done != 0) {
        return errno == EWOULDBLOCK ? in_use(err, path) : failed(err, "lock", LOCK_NAME);
    }
    return RV_OK;
}

static void look_close(void) {
    if (lock_fd >= 0) {
        (void)close(lock_fd);
        lock_fd = -1;
    }
    if (directory != NULL) {
        (void)closedir(directory);
        directory = NULL;
    }
    RV_ASSERT(lock_fd < 0);
}

static rv_status look_open(const char *path, rv_error *err) {
    RV_ASSERT(directory == NULL);
    directory = opendir(path);
    if (directory == NULL) {
        switch (errno) {
        case ENOENT:
            return rv_error_set(err, RV_DATA_NOT_FOUND, "there is no data directory %s", path);
        case ENOTDIR:
            return rv_error_set(err, RV_DATA_NOT_WRITABLE, "%s is not a directory", path);
        default:
            return failed(err, "open", path);
        }
    }
    const rv_status status = lock(path, err);
    if (status != RV_OK) {
        look_close();
    }
    return status;
}

static rv_status look_list(rv_cli_buffer *names, rv_error *err) {
    RV_ASSERT(directory != NULL);
    rewinddir(directory);
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        const char *const name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, LOCK_NAME) != 0) {
            rv_cli_buffer_add(names, rv_bytes_of(name, strlen(name) + 1));
        }
        errno = 0;
    }
    return errno == 0 ? RV_OK : failed(err, "list", "the data directory");
}

static rv_status look_read(const char *name, rv_cli_buffer *content, rv_error *err) {
    RV_ASSERT(directory != NULL);
    const int fd = openat(dirfd(directory), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) {
        return failed(err, "open", name);
    }
    ssize_t got = 0;
    do {
        rv_cli_buffer_reserve(content, READ_PIECE);
        got = read(fd, content->ptr + content->len, READ_PIECE);
        content->len += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    const rv_status status = got < 0 ? failed(err, "read", name) : RV_OK;
    (void)close(fd);
    return status;
}

const rv_look_ops rv_native_look = {
    .open = look_open,
    .list = look_list,
    .read = look_read,
    .close = look_close,
};
