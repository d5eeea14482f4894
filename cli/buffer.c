/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/buffer.h"

#include "core/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rv_cli_buffer_reserve(rv_cli_buffer *buffer, size_t more) {
    RV_ASSERT(buffer->len <= buffer->cap);
    if (more <= buffer->cap - buffer->len) {
        return;
    }
    size_t cap = buffer->cap < 4096 ? 4096 : buffer->cap;
    while (cap - buffer->len < more && cap <= SIZE_MAX / 2) {
        cap *= 2;
    }
    uint8_t *const grown = cap - buffer->len < more ? NULL : realloc(buffer->ptr, cap);
    if (grown == NULL) {
        fprintf(stderr, "rivulet: memory_exhausted: %zu bytes cannot be had\n", cap);
        exit(1);
    }
    buffer->ptr = grown;
    buffer->cap = cap;
}

void rv_cli_buffer_add(rv_cli_buffer *buffer, rv_bytes bytes) {
    rv_cli_buffer_reserve(buffer, bytes.len);
    if (bytes.len > 0) {
        memcpy(buffer->ptr + buffer->len, bytes.ptr, bytes.len);
        buffer->len += bytes.len;
    }
}

void rv_cli_buffer_add_text(rv_cli_buffer *buffer, const char *text) {
    RV_ASSERT(text != NULL);
    rv_cli_buffer_add(buffer, rv_bytes_of_string(text));
}

void rv_cli_buffer_add_json_string(rv_cli_buffer *buffer, rv_bytes text) {
    rv_cli_buffer_reserve(buffer, text.len * 6 + 2); /* \u00XX for each byte at worst */
    rv_writer w = rv_writer_over(buffer->ptr + buffer->len, buffer->cap - buffer->len);
    rv_write_json_string(&w, text);
    RV_ASSERT(!w.full);
    buffer->len += w.len;
}

void rv_cli_buffer_add_url(rv_cli_buffer *buffer, const char *text, const char *keep) {
    RV_ASSERT(text != NULL && keep != NULL);
    for (const char *p = text; *p != '\0'; p++) {
        const uint8_t c = (uint8_t)*p;
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || strchr("-._~", c) != NULL ||
                           strchr(keep, c) != NULL;
        if (plain) {
            rv_cli_buffer_add(buffer, rv_bytes_of(p, 1));
        } else {
            const char escape[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
            rv_cli_buffer_add(buffer, rv_bytes_of(escape, 3));
        }
    }
}

void rv_cli_buffer_free(rv_cli_buffer *buffer) {
    RV_ASSERT(buffer != NULL);
    free(buffer->ptr);
    *buffer = (rv_cli_buffer){0};
}
