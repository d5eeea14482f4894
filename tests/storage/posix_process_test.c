/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The POSIX host among other processes and against a system that refuses: the lock of a data
 * directory, which ends with its holder however that ends; directories that cannot be made or
 * written; and a disk that is full. Children are real processes. Tests may run as root, for whom
 * permissions do not count, so "not writable" is shown by paths that no one can write; what a
 * machine does not allow (mounting a small file system) is skipped and says so.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp, mount and what else is not C11 */
#endif

#include "platform/posix/posix.h"
#include "tests/storage/directory.h"
#include "tests/storage/storage.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char data_dir[DIRECTORY_PATH_MAX];

/* True when `text` has `part` in it. */
static bool says(const rv_error *err, const char *part) {
    return strstr(err->detail, part) != NULL;
}

/* The status of opening `dir`, which is closed again when that works. */
static rv_status try_open(const char *dir, rv_error *err) {
    rv_posix *posix = NULL;
    const rv_status status = rv_posix_open(dir, NULL, &posix, err);
    rv_posix_close(posix);
    return status;
}

/* Runs `body` in a child; its exit code, -1 when it was killed. */
static int in_child(int (*body)(void)) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(body());
    }
    int ended;
    if (child < 0 || waitpid(child, &ended, 0) != child) {
        perror("fork");
        abort();
    }
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

static int child_finds_it_in_use(void) {
    char holder[32];
    rv_error err;
    snprintf(holder, sizeof holder, "process %ld;", (long)getppid());
    const rv_status status = try_open(data_dir, &err);
    if (status != RV_DATA_IN_USE || !says(&err, holder) || !says(&err, data_dir)) {
        fprintf(stderr, "%s: %s\n", rv_status_code(status), err.detail);
        return 1;
    }
    snprintf(holder, sizeof holder, "\"pid\":%ld", (long)getppid());
    return strcmp(err.facts, holder) == 0 ? 0 : 2;
}

RV_TEST(a_second_process_is_told_who_has_the_directory) {
    rv_posix *posix;
    rv_error err;
    RV_CHECK_STATUS(rv_posix_open(data_dir, NULL, &posix, &err), RV_OK);
    RV_CHECK_EQ(in_child(child_finds_it_in_use), 0);
    RV_CHECK_STATUS(try_open(data_dir, &err), RV_DATA_IN_USE);
    RV_CHECK_EQ(storage_list(rv_posix_interface(posix), NULL, 0).count, 0);
    rv_posix_close(posix);
    RV_CHECK_STATUS(try_open(data_dir, &err), RV_OK);
}

RV_TEST(the_lock_ends_with_a_killed_process) {
    int ready[2];
    RV_CHECK(pipe(ready) == 0);
    const pid_t child = fork();
    RV_CHECK(child >= 0);
    if (child == 0) {
        rv_posix *posix;
        const rv_status status = rv_posix_open(data_dir, NULL, &posix, NULL);
        const char opened = status == RV_OK;
        if (write(ready[1], &opened, 1) == 1) {
            pause();
        }
        _exit(1);
    }
    char opened = 0;
    RV_CHECK(read(ready[0], &opened, 1) == 1 && opened == 1);
    rv_error err;
    RV_CHECK_STATUS(try_open(data_dir, &err), RV_DATA_IN_USE);
    RV_CHECK(kill(child, SIGKILL) == 0);
    RV_CHECK(waitpid(child, NULL, 0) == child);
    RV_CHECK_STATUS(try_open(data_dir, &err), RV_OK);
    close(ready[0]);
    close(ready[1]);
}

RV_TEST(the_lock_file_tells_hosts_without_locks) {
    char path[DIRECTORY_PATH_MAX];
    char text[16] = "";
    char expected[16];
    rv_posix *posix;
    rv_error err;
    RV_CHECK_STATUS(rv_posix_open(data_dir, NULL, &posix, &err), RV_OK);
    const int fd = open(directory_path(data_dir, "lock", path), O_RDONLY | O_CLOEXEC);
    snprintf(expected, sizeof expected, "%-10ld\n", (long)getpid());
    RV_CHECK(pread(fd, text, sizeof text - 1, 0) == 11 && strcmp(text, expected) == 0);
    rv_posix_close(posix);
    RV_CHECK(pread(fd, text, sizeof text - 1, 0) == 11 && strcmp(text, "free      \n") == 0);
    close(fd);
    /* And the other way round: their mark is respected, and left alone. */
    directory_file(data_dir, ".held", path);
    RV_CHECK_STATUS(try_open(data_dir, &err), RV_DATA_IN_USE);
    RV_CHECK(says(&err, path) && strcmp(err.facts, "\"held\":\".held\"") == 0);
    RV_CHECK(unlink(path) == 0);
    RV_CHECK_STATUS(try_open(data_dir, &err), RV_OK);
}

RV_TEST(a_missing_directory_is_made_but_not_its_parents) {
    char sub[DIRECTORY_PATH_MAX];
    char path[DIRECTORY_PATH_MAX];
    rv_error err;
    directory_path(data_dir, "new", sub);
    RV_CHECK_STATUS(try_open(sub, &err), RV_OK);
    RV_CHECK_STATUS(try_open(sub, &err), RV_OK);
    RV_CHECK(unlink(directory_path(sub, "lock", path)) == 0);
    RV_CHECK(rmdir(sub) == 0);
    directory_path(sub, "deeper", path);
    RV_CHECK_STATUS(try_open(path, &err), RV_DATA_NOT_FOUND);
    RV_CHECK(says(&err, path) && says(&err, "directory above"));
    RV_CHECK_STATUS(try_open("", &err), RV_DATA_NOT_FOUND);
}

RV_TEST(a_path_that_cannot_be_written_is_named) {
    char file[DIRECTORY_PATH_MAX];
    char path[DIRECTORY_PATH_MAX];
    rv_error err;
    directory_file(data_dir, "file", file);
    RV_CHECK_STATUS(try_open(file, &err), RV_DATA_NOT_WRITABLE);
    RV_CHECK(says(&err, file) && says(&err, "not a directory"));
    directory_path(file, "below", path);
    RV_CHECK_STATUS(try_open(path, &err), RV_DATA_NOT_WRITABLE);
    RV_CHECK(says(&err, path));
    /* No one can make anything there, root included. */
    const rv_status status = try_open("/proc/rivulet", &err);
    RV_CHECK(status == RV_DATA_NOT_FOUND || status == RV_DATA_NOT_WRITABLE);
    /* A `lock` that is not a file. */
    directory_clear(data_dir);
    RV_CHECK(mkdir(directory_path(data_dir, "lock", path), 0700) == 0);
    RV_CHECK(try_open(data_dir, &err) != RV_OK);
    RV_CHECK(says(&err, data_dir));
    directory_clear(data_dir);
}

static int child_without_rights(void) {
    rv_error err;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
        return 77;
    }
    const rv_status status = try_open(data_dir, &err);
    return status == RV_DATA_NOT_WRITABLE && says(&err, data_dir) ? 0 : 1;
}

RV_TEST(a_directory_without_the_right_to_write) {
    directory_clear(data_dir);
    RV_CHECK(chmod(data_dir, 0555) == 0);
    const int code = in_child(child_without_rights);
    RV_CHECK(chmod(data_dir, 0700) == 0);
    if (code == 77) {
        printf("skipped: a_directory_without_the_right_to_write (cannot change the user)\n");
        return;
    }
    RV_CHECK_EQ(code, 0);
}

/* --- a full disk --- */

#define LIMIT_SIZE 65536

static int child_with_a_size_limit(void) {
    static uint8_t bytes[LIMIT_SIZE];
    const struct rlimit limit = {LIMIT_SIZE, LIMIT_SIZE};
    rv_posix *posix;
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
        rv_posix_open(data_dir, NULL, &posix, NULL) != RV_OK) {
        return 77;
    }
    const rv_host host = rv_posix_interface(posix);
    const rv_file file = storage_create(host, "a").file;
    /* Up to the limit a short result, then full, and growing is full at once and changes nothing.
     */
    const rv_io_result some =
        storage_write_some(host, file, 1000, rv_bytes_of(bytes, sizeof bytes));
    if (some.status != RV_OK || some.count != LIMIT_SIZE - 1000) {
        return 1;
    }
    if (storage_write_some(host, file, LIMIT_SIZE, RV_LITERAL("x")).status != RV_STORAGE_FULL) {
        return 2;
    }
    if (storage_truncate(host, file, LIMIT_SIZE + 1).status != RV_STORAGE_FULL) {
        return 3;
    }
    if (rv_posix_last_errno(posix) != EFBIG || storage_flush(host, file).status != RV_OK) {
        return 4;
    }
    host.ops->close(host.ctx, file);
    return storage_open(host, "a").count == LIMIT_SIZE ? 0 : 5;
}

RV_TEST(a_limit_of_file_sizes_is_a_full_disk) {
    directory_clear(data_dir);
    const int code = in_child(child_with_a_size_limit);
    if (code == 77) {
        printf("skipped: a_limit_of_file_sizes_is_a_full_disk (no limits here)\n");
        return;
    }
    RV_CHECK_EQ(code, 0);
}

/* Fills a file system of 256 KiB. */
static void fill_small(rv_host host) {
    const rv_io_result made = storage_create(host, "a");
    RV_CHECK_STATUS(made.status, RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, made.file, 100 << 10).status, RV_OK);
    RV_CHECK_STATUS(storage_truncate(host, made.file, 10 << 20).status, RV_STORAGE_FULL);
    const rv_io_result b = storage_create(host, "b");
    RV_CHECK_STATUS(b.status, RV_OK);
    static uint8_t bytes[300 << 10];
    memset(bytes, 'b', sizeof bytes);
    RV_CHECK_STATUS(storage_write(host, b.file, 0, bytes, sizeof bytes), RV_STORAGE_FULL);
    /* The failed truncate left the size, and what was reserved can still be written. */
    RV_CHECK_STATUS(storage_write(host, made.file, 0, bytes, 100 << 10), RV_OK);
    uint8_t byte;
    RV_CHECK_EQ(storage_read(host, made.file, 100 << 10, &byte, 1).count, 0);
    RV_CHECK_STATUS(storage_flush(host, made.file).status, RV_OK);
}

RV_TEST(a_small_file_system_that_is_full) {
    char mounted[DIRECTORY_PATH_MAX];
    directory_clear(data_dir);
    RV_CHECK(mkdir(directory_path(data_dir, "small", mounted), 0700) == 0);
#if defined(__linux__)
    if (mount("none", mounted, "tmpfs", 0, "size=256k") != 0) {
        printf("skipped: a_small_file_system_that_is_full (cannot mount: %s)\n", strerror(errno));
        return;
    }
    rv_posix *posix;
    rv_error err;
    RV_CHECK_STATUS(rv_posix_open(mounted, NULL, &posix, &err), RV_OK);
    fill_small(rv_posix_interface(posix));
    rv_posix_close(posix);
    RV_CHECK(umount(mounted) == 0);
#else
    (void)fill_small;
    printf("skipped: a_small_file_system_that_is_full (needs Linux)\n");
#endif
}

int main(void) {
    if (!directory_make(data_dir)) {
        return 1;
    }
    RV_RUN(a_second_process_is_told_who_has_the_directory);
    RV_RUN(the_lock_ends_with_a_killed_process);
    RV_RUN(the_lock_file_tells_hosts_without_locks);
    RV_RUN(a_missing_directory_is_made_but_not_its_parents);
    RV_RUN(a_path_that_cannot_be_written_is_named);
    RV_RUN(a_directory_without_the_right_to_write);
    RV_RUN(a_limit_of_file_sizes_is_a_full_disk);
    RV_RUN(a_small_file_system_that_is_full);
    directory_end(data_dir);
    return rv_test_done();
}
