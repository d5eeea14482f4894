/* SPDX-License-Identifier: Apache-2.0 */
#include "native/cli/lines.h"

#include "native/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define LINES_BUFFER_LEN (2u * RV_REQUEST_BODY_MAX)
#define LINES_BATCH_LEN  (1u << 20)

struct rv_lines {
    gzFile file;  /* reads plain files too */
    int64_t size; /* of the file as it is stored; -1: not known */
    uint8_t *buffer;
    size_t start; /* of what has not been given out */
    size_t len;
    bool eof;
    uint64_t line; /* number of the line at `start` */
};

rv_status rv_lines_open(rv_lines **lines, const char *name, rv_error *err) {
    RV_ASSERT(name != NULL);
    *lines = NULL;
    const int fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return rv_error_set(err, RV_DATA_NOT_FOUND, "cannot open %s: %s", name, strerror(errno));
    }
    rv_lines *const l = calloc(1, sizeof *l);
    uint8_t *const buffer = malloc(LINES_BUFFER_LEN);
    gzFile const file = gzdopen(fd, "rb");
    if (l == NULL || buffer == NULL || file == NULL) {
        free(l);
        free(buffer);
        close(fd);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory to read %s", name);
    }
    struct stat st;
    *l = (rv_lines){.file = file, .size = -1, .buffer = buffer, .line = 1};
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        l->size = st.st_size;
    }
    const int sized = gzbuffer(file, 256 * 1024);
    RV_ASSERT(sized == 0);
    *lines = l;
    return RV_OK;
}

void rv_lines_close(rv_lines *lines) {
    if (lines != NULL) {
        gzclose_r(lines->file);
        free(lines->buffer);
        free(lines);
    }
}

/* Reads more behind what is there, which is moved to the front first. */
static rv_status fill(rv_lines *l, rv_error *err) {
    RV_ASSERT(!l->eof);
    memmove(l->buffer, l->buffer + l->start, l->len - l->start);
    l->len -= l->start;
    l->start = 0;
    if (l->len == LINES_BUFFER_LEN) {
        rv_error_set(err, RV_REQUEST_TOO_LARGE, "line %u is longer than %u bytes", l->line,
                     (uint64_t)LINES_BUFFER_LEN);
        rv_error_fact_uint(err, "line", l->line);
        return RV_REQUEST_TOO_LARGE;
    }
    const int count = gzread(l->file, l->buffer + l->len, (unsigned)(LINES_BUFFER_LEN - l->len));
    int error = Z_OK;
    const char *const text = gzerror(l->file, &error);
    if (count < 0 || (count == 0 && error == Z_BUF_ERROR)) {
        return rv_error_set(err, RV_STORAGE_FAILED, "cannot read on after line %u: %s", l->line - 1,
                            error == Z_BUF_ERROR ? "the packed file ends too early" : text);
    }
    l->len += (size_t)count;
    l->eof = count == 0;
    return RV_OK;
}

static bool is_blank(const uint8_t *at, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (at[i] != ' ' && at[i] != '\t' && at[i] != '\r') {
            return false;
        }
    }
    return true;
}

rv_status rv_lines_next(rv_lines *lines, size_t count_max, rv_bytes *batch, uint64_t *first_line,
                        size_t *count, rv_error *err) {
    RV_ASSERT(count_max > 0);
    size_t at = lines->start; /* end of the lines that are in the batch */
    uint64_t taken = 0;       /* with blank ones */
    *count = 0;
    while (*count < count_max) {
        const uint8_t *const end = memchr(lines->buffer + at, '\n', lines->len - at);
        const bool last = end == NULL && lines->eof && at < lines->len;
        if (end == NULL && !last) {
            if (lines->eof || *count > 0) {
                break; /* what is whole goes first; the rest is read then */
            }
            const size_t skipped = at - lines->start; /* blank lines */
            const rv_status status = fill(lines, err);
            if (status != RV_OK) {
                return status;
            }
            at = lines->start + skipped;
            continue;
        }
        const size_t len = last ? lines->len - at : (size_t)(end - (lines->buffer + at));
        if (*count > 0 && at + len - lines->start > LINES_BATCH_LEN) {
            break;
        }
        *count += is_blank(lines->buffer + at, len) ? 0 : 1;
        at += len + (last ? 0 : 1);
        taken += 1;
    }
    if (*count == 0) {
        return RV_END;
    }
    *batch = rv_bytes_of(lines->buffer + lines->start, at - lines->start);
    *first_line = lines->line;
    lines->line += taken;
    lines->start = at;
    return RV_OK;
}

int rv_lines_progress(const rv_lines *lines) {
    RV_ASSERT(lines != NULL);
    const int64_t at = gzoffset(lines->file);
    return lines->size <= 0 || at < 0 ? -1 : (int)(at * 1000 / lines->size);
}
