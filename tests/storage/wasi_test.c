/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI's files, in a preopened directory: the conformance suite, then who may have a directory
 * where no file can be locked. A second program is a second host in this one: between hosts nothing
 * is shared but the directory, for nothing else decides. Runs under a WASI host that preopens one
 * writable directory as `/`.
 */
#include "platform/posix/posix.h"
#include "tests/storage/conformance.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_NAME "storage-test"

static rv_posix *posix;

static void directory_clear(void) {
    DIR *const listing = opendir(DIR_NAME);
    if (listing == NULL) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlinkat(dirfd(listing), entry->d_name, 0);
        }
    }
    closedir(listing);
}

static void put(const char *name, const char *text) {
    const int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    RV_CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* The status of opening it as another program would, and closing again. */
static rv_status try_open(rv_error *err) {
    rv_posix *other = NULL;
    const rv_status status = rv_posix_open(DIR_NAME, NULL, &other, err);
    rv_posix_close(other);
    return status;
}

/* --- factory --- */

static rv_host factory_restart(void *ctx) {
    rv_error err;
    (void)ctx;
    rv_posix_close(posix);
    if (rv_posix_open(DIR_NAME, NULL, &posix, &err) != RV_OK) {
        fprintf(stderr, "%s\n", err.detail);
        abort();
    }
    return rv_posix_interface(posix);
}

static rv_host factory_start(void *ctx) {
    directory_clear();
    posix = NULL;
    return factory_restart(ctx);
}

static void factory_stop(void *ctx) {
    (void)ctx;
    rv_posix_close(posix);
    posix = NULL;
}

static const storage_factory_ops factory = {factory_start, factory_restart, factory_stop};

/* --- cases --- */

RV_TEST(a_second_program_is_refused_until_the_first_has_closed) {
    const rv_host host = factory_start(NULL);
    rv_error err;
    RV_CHECK_STATUS(try_open(&err), RV_DATA_IN_USE);
    RV_CHECK(strstr(err.detail, DIR_NAME "/.held") != NULL);
    RV_CHECK(strcmp(err.facts, "\"held\":\".held\"") == 0);
    RV_CHECK_STATUS(storage_create(host, "a").status, RV_OK); /* the first goes on */
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 1);        /* its mark is not among the files */
    factory_stop(NULL);
    RV_CHECK_STATUS(try_open(&err), RV_OK);
    RV_CHECK(access(DIR_NAME "/.held", F_OK) != 0);
}

RV_TEST(a_native_process_is_seen_and_its_file_left_alone) {
    rv_error err;
    directory_clear();
    put(DIR_NAME "/lock", "4711      \n");
    RV_CHECK_STATUS(try_open(&err), RV_DATA_IN_USE);
    RV_CHECK(strstr(err.detail, "process 4711") != NULL);
    RV_CHECK(strcmp(err.facts, "\"pid\":4711") == 0);
    RV_CHECK(access(DIR_NAME "/.held", F_OK) != 0);
    RV_CHECK(access(DIR_NAME "/lock", F_OK) == 0);
    put(DIR_NAME "/lock", "free      \n");
    RV_CHECK_STATUS(try_open(&err), RV_OK);
    put(DIR_NAME "/lock", "");
    RV_CHECK_STATUS(try_open(&err), RV_OK);
}

/* The mark of a program that is still there was removed, and another one has taken the directory:
 * the first changes nothing more, and the second is not disturbed. */
RV_TEST(a_mark_removed_too_early_ends_the_first_holder) {
    const rv_host host = factory_start(NULL);
    const rv_io_result made = storage_create(host, "a");
    RV_CHECK_STATUS(storage_write(host, made.file, 0, "abc", 3), RV_OK);
    RV_CHECK_STATUS(storage_flush(host, made.file).status, RV_OK);
    RV_CHECK(unlink(DIR_NAME "/.held") == 0);
    for (int taken = 0; taken < 2; taken++) {
        rv_posix *other = NULL;
        rv_error err;
        if (taken == 1) {
            RV_CHECK_STATUS(rv_posix_open(DIR_NAME, NULL, &other, &err), RV_OK);
        }
        RV_CHECK_STATUS(storage_write(host, made.file, 0, "xyz", 3), RV_STORAGE_FAILED);
        RV_CHECK_STATUS(storage_truncate(host, made.file, 0).status, RV_STORAGE_FAILED);
        RV_CHECK_STATUS(storage_flush(host, made.file).status, RV_STORAGE_FAILED);
        RV_CHECK_STATUS(storage_create(host, "b").status, RV_STORAGE_FAILED);
        RV_CHECK_STATUS(storage_remove(host, "c").status, RV_STORAGE_FAILED);
        RV_CHECK(storage_reads(host, made.file, 0, "abc", 3));
        if (taken == 1) {
            factory_stop(NULL);
            RV_CHECK(access(DIR_NAME "/.held", F_OK) == 0);
            const rv_host second = rv_posix_interface(other);
            const rv_io_result found = storage_open(second, "a");
            RV_CHECK_STATUS(storage_write(second, found.file, 3, "d", 1), RV_OK);
            RV_CHECK(storage_reads(second, found.file, 0, "abcd", 4));
            rv_posix_close(other);
        }
    }
}

RV_TEST(what_cannot_be_a_data_directory_is_refused_by_name) {
    static const struct {
        const char *path;
        rv_status status;
    } cases[] = {
        {"missing/below", RV_DATA_NOT_FOUND},
        {DIR_NAME "/file", RV_DATA_NOT_WRITABLE},
        {DIR_NAME "/file/below", RV_DATA_NOT_WRITABLE},
    };
    directory_clear();
    put(DIR_NAME "/file", "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_posix *opened = NULL;
        rv_error err;
        const rv_status status = rv_posix_open(cases[i].path, NULL, &opened, &err);
        RV_CHECK_STATUS(status, cases[i].status);
        RV_CHECK(opened == NULL);
        RV_CHECK(strstr(err.detail, cases[i].path) != NULL);
    }
}

RV_TEST(what_others_put_there_is_not_listed_and_not_opened) {
    const rv_host host = factory_start(NULL);
    put(DIR_NAME "/README", "");
    put(DIR_NAME "/.nfs0001", "");
    RV_CHECK(mkdir(DIR_NAME "/subdir", 0700) == 0);
    RV_CHECK(symlink("README", DIR_NAME "/link") == 0);
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 0);
    RV_CHECK_STATUS(storage_open(host, "subdir").status, RV_STORAGE_FAILED);
    RV_CHECK_STATUS(storage_create(host, "link").status, RV_DATA_EXISTS);
    RV_CHECK_STATUS(storage_remove(host, "subdir").status, RV_STORAGE_FAILED);
    put(DIR_NAME "/data", "");
    RV_CHECK_EQ(storage_list(host, NULL, 0).count, 1);
    factory_stop(NULL);
    RV_CHECK(rmdir(DIR_NAME "/subdir") == 0);
}

int main(void) {
    if (mkdir(DIR_NAME, 0700) != 0) {
        perror("mkdir " DIR_NAME);
        return 1;
    }
    storage_run(&factory, NULL);
    RV_RUN(a_second_program_is_refused_until_the_first_has_closed);
    RV_RUN(a_native_process_is_seen_and_its_file_left_alone);
    RV_RUN(a_mark_removed_too_early_ends_the_first_holder);
    RV_RUN(what_cannot_be_a_data_directory_is_refused_by_name);
    RV_RUN(what_others_put_there_is_not_listed_and_not_opened);
    directory_clear();
    (void)rmdir(DIR_NAME);
    return rv_test_done();
}
