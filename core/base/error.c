/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/error.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"

#include <stdarg.h>
#include <string.h>

/* Writes text that may be anything: printable UTF-8 as it is, the rest as \xNN. */
static void write_safe(rv_writer *w, rv_bytes text) {
    size_t at = 0;
    while (at < text.len && !w->full) {
        const size_t len = rv_utf8_char_len(rv_bytes_from(text, at));
        const uint8_t c = text.ptr[at];
        if (len == 0 || c < 0x20 || c == 0x7f) {
            rv_write_text(w, "\\x");
            rv_write_hex(w, rv_bytes_of(&c, 1));
            at += 1;
        } else {
            rv_write(w, rv_bytes_of(text.ptr + at, len));
            at += len;
        }
    }
}

static void write_hex_number(rv_writer *w, uint64_t v) {
    unsigned shift = 60;
    while (shift > 0 && (v >> shift) == 0) {
        shift -= 4;
    }
    for (unsigned i = 0; i <= shift; i += 4) {
        rv_write_u8(w, (uint8_t) "0123456789abcdef"[(v >> (shift - i)) & 15]);
    }
}

static void write_argument(rv_writer *w, char kind, va_list *args) {
    switch (kind) {
    case 's':
        write_safe(w, rv_bytes_of_string(va_arg(*args, const char *)));
        break;
    case 'b':
        write_safe(w, *va_arg(*args, const rv_bytes *));
        break;
    case 'u':
        rv_write_uint(w, va_arg(*args, uint64_t));
        break;
    case 'd':
        rv_write_int(w, va_arg(*args, int64_t));
        break;
    case 'x':
        write_hex_number(w, va_arg(*args, uint64_t));
        break;
    default:
        RV_ASSERT(kind == '%');
        rv_write_u8(w, '%');
        break;
    }
}

rv_status rv_error_set(rv_error *err, rv_status status, const char *format, ...) {
    RV_ASSERT(format != NULL);
    if (err == NULL) {
        return status;
    }
    err->status = status;
    err->facts_len = 0;
    err->facts[0] = '\0';
    rv_writer w = rv_writer_over(err->detail, sizeof err->detail - 1);
    va_list args;
    va_start(args, format);
    for (const char *p = format; *p != '\0'; p++) {
        if (*p == '%') {
            p++;
            write_argument(&w, *p, &args);
        } else {
            rv_write_u8(&w, (uint8_t)*p);
        }
    }
    va_end(args);
    err->detail_len = w.len;
    err->detail[w.len] = '\0';
    return status;
}

/* A problem document has these beside the facts; a name must not stand in an object twice. */
static bool is_member_of_problem(const char *name) {
    static const char *const taken[] = {"type", "title", "status", "code", "detail"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (strcmp(name, taken[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Appends `"name":` and lets the caller's value follow; takes all of it back when it does not fit.
 */
static rv_writer fact_begin(rv_error *err, const char *name) {
    RV_ASSERT(!is_member_of_problem(name));
    rv_writer w = rv_writer_over(err->facts, sizeof err->facts - 1);
    w.len = err->facts_len;
    if (w.len > 0) {
        rv_write_u8(&w, ',');
    }
    rv_write_json_string(&w, rv_bytes_of_string(name));
    rv_write_u8(&w, ':');
    return w;
}

static void fact_end(rv_error *err, const rv_writer *w) {
    if (!w->full) {
        err->facts_len = w->len;
    }
    err->facts[err->facts_len] = '\0';
}

void rv_error_fact_uint(rv_error *err, const char *name, uint64_t value) {
    if (err != NULL) {
        rv_writer w = fact_begin(err, name);
        rv_write_uint(&w, value);
        fact_end(err, &w);
    }
}

void rv_error_fact_int(rv_error *err, const char *name, int64_t value) {
    if (err != NULL) {
        rv_writer w = fact_begin(err, name);
        rv_write_int(&w, value);
        fact_end(err, &w);
    }
}

void rv_error_fact_text(rv_error *err, const char *name, rv_bytes value) {
    if (err != NULL) {
        uint8_t safe[RV_ERROR_FACTS_MAX];
        rv_writer text = rv_writer_over(safe, sizeof safe);
        write_safe(&text, value);
        rv_writer w = fact_begin(err, name);
        rv_write_json_string(&w, rv_writer_bytes(&text));
        fact_end(err, &w);
    }
}

void rv_error_write_members(const rv_error *err, rv_writer *w) {
    rv_write_text(w, "\"code\":");
    rv_write_json_string(w, rv_bytes_of_string(rv_status_code(err->status)));
    rv_write_text(w, ",\"detail\":");
    rv_write_json_string(w, rv_error_detail(err));
    if (err->facts_len > 0) {
        rv_write_u8(w, ',');
        rv_write(w, rv_bytes_of(err->facts, err->facts_len));
    }
}
