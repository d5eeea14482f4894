/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow: what a command builds or receives whole. A program that runs for one command may
 * use the heap; the daemon does not use this. Without memory the program ends. */
#ifndef RV_CLI_BUFFER_H
#define RV_CLI_BUFFER_H

#include "core/base/writer.h"

typedef struct rv_cli_buffer {
    uint8_t *ptr;
    size_t len;
    size_t cap;
} rv_cli_buffer;

static inline rv_bytes rv_cli_buffer_bytes(const rv_cli_buffer *buffer) {
    return (rv_bytes){buffer->ptr, buffer->len};
}

/* Makes room for `more` bytes behind the end. */
void rv_cli_buffer_reserve(rv_cli_buffer *buffer, size_t more);
void rv_cli_buffer_add(rv_cli_buffer *buffer, rv_bytes bytes);
void rv_cli_buffer_add_text(rv_cli_buffer *buffer, const char *text);
void rv_cli_buffer_add_json_string(rv_cli_buffer *buffer, rv_bytes text);

/* Percent-encodes for a URL: letters, digits and -._~ stay, and the characters of `keep`. */
void rv_cli_buffer_add_url(rv_cli_buffer *buffer, const char *text, const char *keep);

void rv_cli_buffer_free(rv_cli_buffer *buffer);

#endif
