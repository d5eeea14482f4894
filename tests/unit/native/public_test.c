/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of a shown folder exactly its own regular files are read, whatever the address says, and a
 * file that changes while it is read never gives more than was announced.
 * Method: a folder with files, symbolic links, a FIFO and dotfiles beside a secret one; a table of
 * addresses; a file that grows and one that shrinks between two reads.
 */
#include "native/public.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[] = "/tmp/rivulet-public-XXXXXX";
static const char *const folders[] = {"shown", "shown/deep", "shown/deep/er", "shown/.git",
                                      "shown/status"};
static const char *const files[] = {"secret",
                                    "shown/index.html",
                                    "shown/a b.txt",
                                    "shown/page.js",
                                    "shown/module.WASM",
                                    "shown/none",
                                    "shown/x.y.css",
                                    "shown/events",
                                    "shown/.env",
                                    "shown/.git/config",
                                    "shown/status/x.txt",
                                    "shown/deep/index.html",
                                    "shown/deep/er/font.woff2"};
static const char *const links[][2] = {{"../secret", "shown/link"},
                                       {"page.js", "shown/inside"},
                                       {"..", "shown/up"},
                                       {"/etc", "shown/etc"}};

static void write_file(const char *name, const char *text, int flags) {
    const int fd = open(name, O_WRONLY | O_CREAT | flags, 0600);
    RV_CHECK(fd >= 0);
    RV_CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    RV_CHECK_EQ(close(fd), 0);
}

static void folder_make(void) {
    RV_CHECK(mkdtemp(base) != NULL);
    RV_CHECK_EQ(chdir(base), 0);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        RV_CHECK_EQ(mkdir(folders[i], 0700), 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_file(files[i], files[i], 0);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        RV_CHECK_EQ(symlink(links[i][0], links[i][1]), 0);
    }
    RV_CHECK_EQ(mkfifo("shown/fifo", 0600), 0);
}

static void folder_remove(void) {
    RV_CHECK_EQ(unlink("shown/fifo"), 0);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        RV_CHECK_EQ(unlink(links[i][1]), 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        RV_CHECK_EQ(unlink(files[i]), 0);
    }
    for (size_t i = sizeof folders / sizeof *folders; i > 0; i--) {
        RV_CHECK_EQ(rmdir(folders[i - 1]), 0);
    }
    RV_CHECK_EQ(chdir("/"), 0);
    RV_CHECK_EQ(rmdir(base), 0);
}

static const struct {
    const char *target;
    const char *content; /* NULL: not found */
    const char *media_type;
} cases[] = {
    {"/", "shown/index.html", "text/html; charset=utf-8"},
    {"/?x=/y", "shown/index.html", "text/html; charset=utf-8"},
    {"/index.html", "shown/index.html", "text/html; charset=utf-8"},
    {"/a%20b.txt", "shown/a b.txt", "text/plain; charset=utf-8"},
    {"/page.js?v=1", "shown/page.js", "text/javascript; charset=utf-8"},
    {"/p%61ge%2ejs", "shown/page.js", "text/javascript; charset=utf-8"},
    {"/module.WASM", "shown/module.WASM", "application/wasm"},
    {"/none", "shown/none", "application/octet-stream"},
    {"/x.y.css", "shown/x.y.css", "text/css; charset=utf-8"},
    {"/deep/", "shown/deep/index.html", "text/html; charset=utf-8"},
    {"/deep/?a", "shown/deep/index.html", "text/html; charset=utf-8"},
    {"/deep/er/font.woff2", "shown/deep/er/font.woff2", "font/woff2"},
    {"/deep", NULL, NULL},
    {"/deep/er/", NULL, NULL},
    {"/absent", NULL, NULL},
    {"/none/x", NULL, NULL},
    {"/page.js/", NULL, NULL},
    {"/events", NULL, NULL}, /* the API's */
    {"/%65vents", NULL, NULL},
    {"/status/x.txt", NULL, NULL},
    {"/../secret", NULL, NULL},
    {"/..", NULL, NULL},
    {"/.", NULL, NULL},
    {"/%2e%2e/secret", NULL, NULL},
    {"/%2e%2e%2fsecret", NULL, NULL},
    {"/deep/../page.js", NULL, NULL},
    {"/deep/../../secret", NULL, NULL},
    {"/deep%2f..%2f..%2fsecret", NULL, NULL},
    {"/deep/%5c..%5c..%5csecret", NULL, NULL},
    {"//page.js", NULL, NULL},
    {"/deep//index.html", NULL, NULL},
    {"//etc/passwd", NULL, NULL},
    {"/%00", NULL, NULL},
    {"/page.js%00.html", NULL, NULL},
    {"/%ff", NULL, NULL},
    {"/%2", NULL, NULL},
    {"/.env", NULL, NULL},
    {"/%2eenv", NULL, NULL},
    {"/.git/config", NULL, NULL},
    {"/link", NULL, NULL},
    {"/inside", NULL, NULL},
    {"/up/secret", NULL, NULL},
    {"/etc/passwd", NULL, NULL},
    {"/fifo", NULL, NULL},
    {"page.js", NULL, NULL},
    {"", NULL, NULL},
    {"*", NULL, NULL},
    {"/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", NULL, NULL},
};

RV_TEST(addresses) {
    rv_public shown = {0};
    rv_error err;
    RV_CHECK_STATUS(rv_public_open(&shown, "shown", &err), RV_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_public_file file = {0};
        uint8_t bytes[100];
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        const rv_bytes target = rv_bytes_of_string(cases[i].target);
        const rv_status status = rv_public_find(&shown, target, &file, &err);
        if (status != (cases[i].content == NULL ? RV_NOT_FOUND : RV_OK)) {
            fprintf(stderr, "address %s\n", cases[i].target);
        }
        RV_CHECK_STATUS(status, cases[i].content == NULL ? RV_NOT_FOUND : RV_OK);
        RV_CHECK_EQ(file.open, status == RV_OK);
        if (status == RV_OK) {
            RV_CHECK_TEXT(rv_bytes_of_string(file.media_type), cases[i].media_type);
            RV_CHECK_EQ(file.len, strlen(cases[i].content));
            RV_CHECK_STATUS(rv_public_read(&file, &w), RV_OK);
            RV_CHECK_STATUS(rv_public_read(&file, &w), RV_END);
            RV_CHECK_TEXT(rv_writer_bytes(&w), cases[i].content);
        }
        rv_public_end(&file);
    }
    rv_public_close(&shown);
}

RV_TEST(every_cut_of_a_long_address_is_harmless) {
    static char target[3000];
    rv_public shown = {0};
    rv_error err;
    RV_CHECK_STATUS(rv_public_open(&shown, "shown", &err), RV_OK);
    memset(target, 'a', sizeof target);
    target[0] = '/';
    for (size_t len = 1; len < sizeof target; len++) {
        rv_public_file file = {0};
        const rv_bytes bytes = rv_bytes_of(target, len);
        const rv_status status = rv_public_find(&shown, bytes, &file, &err);
        RV_CHECK_STATUS(status, len == 1 ? RV_OK : RV_NOT_FOUND);
        rv_public_end(&file);
    }
    rv_public_close(&shown);
}

RV_TEST(a_file_that_changes) {
    rv_public shown = {0};
    rv_public_file file = {0};
    rv_error err;
    uint8_t bytes[4];
    RV_CHECK_STATUS(rv_public_open(&shown, "shown", &err), RV_OK);
    RV_CHECK_STATUS(rv_public_find(&shown, RV_LITERAL("/none"), &file, &err), RV_OK);
    RV_CHECK_EQ(file.len, 10);
    write_file("shown/none", "more", O_APPEND);
    uint64_t total = 0;
    rv_status status = RV_OK;
    for (int i = 0; i < 10 && status == RV_OK; i++) {
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        status = rv_public_read(&file, &w);
        total += w.len;
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK_EQ(total, 10);
    char etag[sizeof file.etag];
    memcpy(etag, file.etag, sizeof etag);
    rv_public_end(&file);
    RV_CHECK_STATUS(rv_public_find(&shown, RV_LITERAL("/none"), &file, &err), RV_OK);
    RV_CHECK(strcmp(etag, file.etag) != 0);
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    RV_CHECK_STATUS(rv_public_read(&file, &w), RV_OK);
    RV_CHECK_EQ(truncate("shown/none", 4), 0);
    w = rv_writer_over(bytes, sizeof bytes);
    RV_CHECK_STATUS(rv_public_read(&file, &w), RV_STORAGE_FAILED);
    rv_public_end(&file);
    rv_public_end(&file);
    rv_public_close(&shown);
}

RV_TEST(folders_that_are_none) {
    rv_public shown = {0};
    rv_public_file file = {0};
    rv_error err;
    RV_CHECK_STATUS(rv_public_open(&shown, "absent", &err), RV_PARAMETER_INVALID);
    RV_CHECK_STATUS(rv_public_open(&shown, "secret", &err), RV_PARAMETER_INVALID);
    RV_CHECK_STATUS(rv_public_open(&shown, NULL, &err), RV_OK);
    RV_CHECK_STATUS(rv_public_find(&shown, RV_LITERAL("/"), &file, &err), RV_NOT_FOUND);
    rv_public_close(&shown);
}

int main(void) {
    RV_RUN(folder_make);
    RV_RUN(addresses);
    RV_RUN(every_cut_of_a_long_address_is_harmless);
    RV_RUN(a_file_that_changes);
    RV_RUN(folders_that_are_none);
    RV_RUN(folder_remove);
    return rv_test_done();
}
