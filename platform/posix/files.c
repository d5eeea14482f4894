/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations on files, below the directory's descriptor. A handle is an index in the host's
 * table of descriptors. Reads and writes go on until all is done, the end of the file or an error;
 * an error after some bytes is a short result, and comes back at the next call.
 */
#include "platform/posix/internal.h"

#include "core/base/assert.h"
#include "platform/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MODE  0640
#define OFFSET_MAX INT64_MAX
#define TRANSFER_LEN_MAX                                                                           \
    ((size_t)1 << 30)        /* of one system call; Linux stops a little below 2 GiB */
#define ENTROPY_LEN_MAX 256u /* of one getentropy */

RV_STATIC_ASSERT(sizeof(off_t) == 8, "files beyond 2 GiB: -D_FILE_OFFSET_BITS=64");

rv_status rv_posix_failed(rv_posix *posix, int error) {
    RV_ASSERT(error != 0);
    posix->last_errno = error;
    switch (error) {
    case ENOENT:
        return RV_DATA_NOT_FOUND;
    case EEXIST:
        return RV_DATA_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return RV_DATA_NOT_WRITABLE;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return RV_STORAGE_FULL;
    default:
        return RV_STORAGE_FAILED;
    }
}

/* As rv_posix_failed, for operations that name only RV_STORAGE_FULL and RV_STORAGE_FAILED. */
static rv_status data_failed(rv_posix *posix, int error) {
    const rv_status status = rv_posix_failed(posix, error);
    return status == RV_STORAGE_FULL ? status : RV_STORAGE_FAILED;
}

static rv_io answer(rv_io_result *result, rv_status status, uint64_t count, rv_file file) {
    RV_ASSERT(result != NULL);
    *result = (rv_io_result){status, count, file};
    return RV_IO_DONE;
}

posix_file *rv_posix_file_of(rv_posix *posix, rv_file file) {
    RV_ASSERT(file >= 0 && (uint32_t)file < posix->files_max);
    RV_ASSERT(posix->files[file].fd >= 0);
    return &posix->files[file];
}

/* Opens or creates, and puts the descriptor in the table. */
static rv_status file_open(rv_posix *posix, const char *name, int flags, rv_io_result *result) {
    const rv_file file = posix->free_first;
    if (file < 0) {
        return rv_posix_failed(posix, EMFILE);
    }
    posix_file *slot = &posix->files[file];
    RV_ASSERT(slot->fd < 0);
    int fd;
    do {
        fd = openat(posix->directory_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, FILE_MODE);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return rv_posix_failed(posix, errno);
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return rv_posix_failed(posix, EIO);
    }
    posix->free_first = slot->next_free;
    slot->fd = fd;
    memcpy(slot->name, name, strlen(name) + 1);
    result->file = file;
    result->count = (uint64_t)st.st_size;
    return RV_OK;
}

static rv_io posix_open(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    rv_posix *posix = ctx;
    (void)ticket;
    (void)answer(result, RV_DATA_NOT_FOUND, 0, -1);
    if (rv_file_name_valid(name)) {
        const rv_status status = file_open(posix, name, 0, result);
        result->status = status == RV_STORAGE_FULL ? RV_STORAGE_FAILED : status;
    }
    return RV_IO_DONE;
}

static rv_io posix_create(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    rv_posix *posix = ctx;
    (void)ticket;
    (void)answer(result, RV_STORAGE_FAILED, 0, -1);
    if (rv_file_name_valid(name) && rv_posix_lock_held(posix)) {
        const rv_status status = file_open(posix, name, O_CREAT | O_EXCL, result);
        result->status = status == RV_DATA_NOT_FOUND ? RV_STORAGE_FAILED : status;
        posix->names_made += status == RV_OK;
    }
    return RV_IO_DONE;
}

static void posix_close_file(void *ctx, rv_file file) {
    rv_posix *posix = ctx;
    posix_file *slot = rv_posix_file_of(posix, file);
    RV_ASSERT(!slot->flushing);
    /* What close can report was reported by the flush, or is of no interest without one. */
    (void)close(slot->fd);
    slot->fd = -1;
    slot->name[0] = '\0';
    slot->next_free = posix->free_first;
    posix->free_first = file;
}

static rv_io posix_read(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, uint8_t *buf,
                        size_t len, rv_io_result *result) {
    rv_posix *posix = ctx;
    (void)ticket;
    RV_ASSERT(buf != NULL || len == 0);
    const int fd = rv_posix_file_of(posix, file)->fd;
    size_t done = 0;
    while (done < len && offset <= OFFSET_MAX - done) {
        const size_t left = len - done;
        const size_t want = left < TRANSFER_LEN_MAX ? left : TRANSFER_LEN_MAX;
        const ssize_t got = pread(fd, buf + done, want, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && done == 0) {
            (void)rv_posix_failed(posix, errno);
            return answer(result, RV_STORAGE_FAILED, 0, file);
        }
        if (got <= 0) {
            break;
        }
        done += (size_t)got;
    }
    return answer(result, RV_OK, done, file);
}

static rv_io posix_write(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, rv_bytes bytes,
                         rv_io_result *result) {
    rv_posix *posix = ctx;
    (void)ticket;
    const posix_file *slot = rv_posix_file_of(posix, file);
    RV_ASSERT(!slot->flushing);
    if (!rv_posix_lock_held(posix)) {
        return answer(result, rv_posix_failed(posix, EBUSY), 0, file);
    }
    if (offset > OFFSET_MAX || bytes.len > OFFSET_MAX - offset) {
        return answer(result, rv_posix_failed(posix, EFBIG), 0, file);
    }
    size_t done = 0;
    while (done < bytes.len) {
        const size_t left = bytes.len - done;
        const size_t want = left < TRANSFER_LEN_MAX ? left : TRANSFER_LEN_MAX;
        const ssize_t put = pwrite(slot->fd, bytes.ptr + done, want, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0 && done == 0) {
            const int error = put < 0 ? errno : ENOSPC;
            return answer(result, data_failed(posix, error), 0, file);
        }
        if (put <= 0) {
            break;
        }
        done += (size_t)put;
    }
    return answer(result, RV_OK, done, file);
}

static int set_size(int fd, uint64_t size) {
    int done;
    do {
        done = ftruncate(fd, (off_t)size);
    } while (done != 0 && errno == EINTR);
    return done == 0 ? 0 : errno;
}

/* Reserves [from, to) and makes the file end at `to`. Linux's own call, because posix_fallocate of
 * glibc writes every block where the file system cannot reserve. */
static int reserve(int fd, uint64_t from, uint64_t to) {
    RV_ASSERT(from < to);
    int error;
    do {
#if defined(__linux__)
        error = fallocate(fd, 0, (off_t)from, (off_t)(to - from)) == 0 ? 0 : errno;
#elif defined(__APPLE__)
        error = EOPNOTSUPP;
#else
        error = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
#endif
    } while (error == EINTR);
    if (error == EOPNOTSUPP || error == ENOSYS || error == EINVAL) {
        return set_size(fd, to);
    }
    if (error != 0) {
        /* It may have grown in part; it is to be as it was. */
        (void)set_size(fd, from);
    }
    return error;
}

static rv_io posix_truncate(void *ctx, rv_ticket ticket, rv_file file, uint64_t size,
                            rv_io_result *result) {
    rv_posix *posix = ctx;
    (void)ticket;
    const posix_file *slot = rv_posix_file_of(posix, file);
    RV_ASSERT(!slot->flushing);
    struct stat st;
    int error = size > OFFSET_MAX ? EFBIG : 0;
    if (!rv_posix_lock_held(posix)) {
        error = EBUSY;
    }
    if (error == 0 && fstat(slot->fd, &st) != 0) {
        error = errno;
    }
    if (error == 0) {
        const uint64_t old = (uint64_t)st.st_size;
        error = size > old ? reserve(slot->fd, old, size) : set_size(slot->fd, size);
    }
    return answer(result, error == 0 ? RV_OK : data_failed(posix, error), 0, file);
}

static rv_io posix_remove(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    rv_posix *posix = ctx;
    (void)ticket;
    if (!rv_file_name_valid(name)) {
        return answer(result, RV_DATA_NOT_FOUND, 0, -1);
    }
    for (uint32_t i = 0; i < posix->files_max; i++) {
        RV_ASSERT(strcmp(posix->files[i].name, name) != 0);
    }
    if (!rv_posix_lock_held(posix)) {
        return answer(result, rv_posix_failed(posix, EBUSY), 0, -1);
    }
    if (unlinkat(posix->directory_fd, name, 0) != 0) {
        const rv_status status = rv_posix_failed(posix, errno);
        return answer(result, status == RV_DATA_NOT_FOUND ? status : RV_STORAGE_FAILED, 0, -1);
    }
    posix->names_made += 1;
    return answer(result, RV_OK, 0, -1);
}

/* True for a regular file with a name that the host could have made. */
static bool is_data(const rv_posix *posix, const char *name) {
    struct stat st;
    return rv_file_name_valid(name) &&
           fstatat(posix->directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static rv_io posix_list(void *ctx, rv_ticket ticket, rv_file_name *names, size_t cap,
                        rv_io_result *result) {
    rv_posix *posix = ctx;
    (void)ticket;
    RV_ASSERT(names != NULL || cap == 0);
    uint64_t count = 0;
    rewinddir(posix->directory);
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(posix->directory)) != NULL; errno = 0) {
        if (is_data(posix, entry->d_name)) {
            if (count < cap) {
                memcpy(names[count].text, entry->d_name, strlen(entry->d_name) + 1);
            }
            count += 1;
        }
    }
    if (errno != 0) {
        (void)rv_posix_failed(posix, errno);
        return answer(result, RV_STORAGE_FAILED, 0, -1);
    }
    return answer(result, RV_OK, count, -1);
}

static int64_t posix_now(void *ctx) {
    (void)ctx;
    struct timespec t;
    const int done = clock_gettime(CLOCK_REALTIME, &t);
    RV_ASSERT(done == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void posix_entropy(void *ctx, uint8_t *buf, size_t len) {
    (void)ctx;
    RV_ASSERT(buf != NULL || len == 0);
    for (size_t done = 0; done < len;) {
        const size_t left = len - done;
        const size_t want = left < ENTROPY_LEN_MAX ? left : ENTROPY_LEN_MAX;
        const int got = getentropy(buf + done, want);
        RV_ASSERT(got == 0); /* a system without entropy stops: see host.h */
        done += want;
    }
}

const rv_host_ops rv_posix_host_ops = {
    .open = posix_open,
    .create = posix_create,
    .close = posix_close_file,
    .read = posix_read,
    .write = posix_write,
    .truncate = posix_truncate,
    .remove = posix_remove,
    .list = posix_list,
    .flush = rv_posix_flush,
    .next_completion = rv_posix_next_completion,
    .now = posix_now,
    .entropy = posix_entropy,
};
