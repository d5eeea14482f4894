/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lines.h"

#include "face/face.h"

#include <stdlib.h>
#include <string.h>

#define LINES_BUFFER_LEN (2u * RV_REQUEST_BODY_MAX)
#define LINES_BATCH_LEN  (1u << 20)

struct rv_lines {
    const rv_input_ops *ops;
    rv_input *input;
    const char *name;
    uint8_t *buffer;
    size_t start; /* of what has not been given out */
    size_t len;
    bool begun;
    bool eof;
    uint64_t line; /* number of the line at `start` */
};

rv_status rv_lines_open(rv_lines **lines, const char *name, const rv_input_ops *unpack,
                        rv_error *err) {
    RV_ASSERT(name != NULL);
    *lines = NULL;
    const rv_input_ops *const ops = unpack == NULL ? &rv_input_plain : unpack;
    rv_input *input;
    const rv_status status = ops->open(&input, name, err);
    if (status != RV_OK) {
        return status;
    }
    rv_lines *const l = calloc(1, sizeof *l);
    uint8_t *const buffer = malloc(LINES_BUFFER_LEN);
    if (l == NULL || buffer == NULL) {
        free(l);
        free(buffer);
        ops->close(input);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory to read %s", name);
    }
    *l = (rv_lines){.ops = ops, .input = input, .name = name, .buffer = buffer, .line = 1};
    *lines = l;
    return RV_OK;
}

void rv_lines_close(rv_lines *lines) {
    if (lines != NULL) {
        lines->ops->close(lines->input);
        free(lines->buffer);
        free(lines);
    }
}

/* A file packed by gzip (RFC 1952, 2.3.1), where nothing unpacks it. */
static rv_status check_plain(const rv_lines *l, rv_error *err) {
    static const uint8_t gzip[] = {0x1f, 0x8b};
    if (l->ops != &rv_input_plain || l->line > 1 || l->len < sizeof gzip ||
        memcmp(l->buffer, gzip, sizeof gzip) != 0) {
        return RV_OK;
    }
    const bool standard = strcmp(l->name, "-") == 0;
    return rv_error_set(err, RV_UNSUPPORTED,
                        "%s is packed by gzip, which is not unpacked here: unpack it first, as in "
                        "`gunzip -c %s | rivulet import - …`",
                        standard ? "standard input" : l->name, standard ? "FILE" : l->name);
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
    size_t count = 0;
    rv_error cause;
    const rv_status status =
        l->ops->read(l->input, l->buffer + l->len, LINES_BUFFER_LEN - l->len, &count, &cause);
    if (status != RV_OK) {
        rv_error_set(err, status, "cannot read on after line %u: %s", l->line - 1, cause.detail);
        rv_error_fact_uint(err, "line", l->line);
        return status;
    }
    l->len += count;
    l->eof = count == 0;
    if (!l->begun) {
        l->begun = true;
        l->start = rv_input_mark(rv_bytes_of(l->buffer, l->len));
    }
    return check_plain(l, err);
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
    return lines->ops->progress(lines->input);
}
