/* SPDX-License-Identifier: Apache-2.0 */
/* Files as they are, by stdio. */
#include "cli/input.h"

#include "core/base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rv_input {
    FILE *file;
    bool standard;
    long size; /* -1: not known */
};

static rv_status plain_open(rv_input **input, const char *name, rv_error *err) {
    RV_ASSERT(name != NULL);
    *input = NULL;
    const bool standard = strcmp(name, "-") == 0;
    FILE *const file = standard ? stdin : fopen(name, "rb");
    if (file == NULL) {
        return rv_error_set(err, RV_DATA_NOT_FOUND, "cannot open %s: %s", name, strerror(errno));
    }
    rv_input *const in = malloc(sizeof *in);
    if (in == NULL) {
        if (!standard) {
            fclose(file);
        }
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory to read %s", name);
    }
    *in = (rv_input){file, standard, -1};
    if (!standard && fseek(file, 0, SEEK_END) == 0) {
        in->size = ftell(file);
        rewind(file);
    }
    *input = in;
    return RV_OK;
}

static rv_status plain_read(rv_input *input, uint8_t *buf, size_t len, size_t *count,
                            rv_error *err) {
    RV_ASSERT(buf != NULL);
    *count = fread(buf, 1, len, input->file);
    if (*count < len && ferror(input->file) != 0) {
        return rv_error_set(err, RV_STORAGE_FAILED, "%s", strerror(errno));
    }
    return RV_OK;
}

static int plain_progress(const rv_input *input) {
    RV_ASSERT(input != NULL);
    const long at = input->size <= 0 ? -1 : ftell(input->file);
    return at < 0 ? -1 : (int)((int64_t)at * 1000 / input->size);
}

static void plain_close(rv_input *input) {
    RV_ASSERT(input != NULL);
    if (!input->standard) {
        fclose(input->file);
    }
    free(input);
}

const rv_input_ops rv_input_plain = {plain_open, plain_read, plain_progress, plain_close};

size_t rv_input_mark(rv_bytes text) {
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    RV_ASSERT(text.ptr != NULL || text.len == 0);
    return text.len >= sizeof mark && memcmp(text.ptr, mark, sizeof mark) == 0 ? sizeof mark : 0;
}
