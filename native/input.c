/* SPDX-License-Identifier: Apache-2.0 */
#include "native/input.h"

#include "core/base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct rv_input {
    gzFile file;  /* reads plain files too */
    int64_t size; /* of the file as it is stored; -1: not known */
};

static rv_status gzip_open(rv_input **input, const char *name, rv_error *err) {
    RV_ASSERT(name != NULL);
    *input = NULL;
    const int fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return rv_error_set(err, RV_DATA_NOT_FOUND, "cannot open %s: %s", name, strerror(errno));
    }
    rv_input *const in = malloc(sizeof *in);
    gzFile const file = in == NULL ? NULL : gzdopen(fd, "rb");
    if (file == NULL) {
        free(in);
        close(fd);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory to read %s", name);
    }
    struct stat st;
    const bool sized = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    *in = (rv_input){file, sized ? st.st_size : -1};
    const int buffered = gzbuffer(file, 256 * 1024);
    RV_ASSERT(buffered == 0);
    *input = in;
    return RV_OK;
}

static rv_status gzip_read(rv_input *input, uint8_t *buf, size_t len, size_t *count,
                           rv_error *err) {
    RV_ASSERT(len <= INT_MAX);
    const int got = gzread(input->file, buf, (unsigned)len);
    int error = Z_OK;
    const char *const text = gzerror(input->file, &error);
    *count = got < 0 ? 0 : (size_t)got;
    if (got < 0 || (got == 0 && error == Z_BUF_ERROR)) {
        return rv_error_set(err, RV_STORAGE_FAILED, "%s",
                            error == Z_BUF_ERROR ? "the packed file ends too early" : text);
    }
    return RV_OK;
}

static int gzip_progress(const rv_input *input) {
    RV_ASSERT(input != NULL);
    const int64_t at = gzoffset(input->file);
    return input->size <= 0 || at < 0 ? -1 : (int)(at * 1000 / input->size);
}

static void gzip_close(rv_input *input) {
    RV_ASSERT(input != NULL);
    gzclose_r(input->file);
    free(input);
}

const rv_input_ops rv_input_gzip = {gzip_open, gzip_read, gzip_progress, gzip_close};
