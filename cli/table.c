/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include "cli/width.h"
#include "core/base/assert.h"
#include "core/base/utf8.h"

#include <stdio.h>

#define SCREENFUL 100 /* rows that are aligned together */

/* Of a well-formed character of `len` bytes. */
static uint32_t code_point(const uint8_t *at, size_t len) {
    uint32_t value = at[0] & (len == 1 ? 0x7fu : 0x7fu >> len);
    RV_ASSERT(len > 0 && len <= 4);
    for (size_t i = 1; i < len; i++) {
        value = value << 6 | (at[i] & 0x3fu);
    }
    return value;
}

static rv_table_column *columns_of(const rv_table *table, size_t *count) {
    *count = table->columns.len / sizeof(rv_table_column);
    return (rv_table_column *)(void *)table->columns.ptr;
}

/* Columns of a terminal; the text is what add_safe let through. */
static size_t width_of(rv_bytes text) {
    size_t width = 0;
    size_t at = 0;
    while (at < text.len) {
        const size_t len = rv_utf8_char_len(rv_bytes_from(text, at));
        RV_ASSERT(len > 0);
        width += rv_width_of(code_point(text.ptr + at, len));
        at += len;
    }
    return width;
}

/* Adds text without what could move a terminal's cursor, turn what it shows around, or not be seen;
 * returns the bytes added. */
static size_t add_safe(rv_cli_buffer *buffer, rv_bytes text) {
    const size_t start = buffer->len;
    size_t at = 0;
    while (at < text.len) {
        const uint8_t c = text.ptr[at];
        const size_t len = rv_utf8_char_len(rv_bytes_from(text, at));
        if (len == 0 || rv_width_is_hidden(code_point(text.ptr + at, len))) {
            const char escape[4] = {'\\', 'x', "0123456789abcdef"[c >> 4],
                                    "0123456789abcdef"[c & 15]};
            rv_cli_buffer_add(buffer, rv_bytes_of(escape, 4));
            at += 1;
        } else {
            rv_cli_buffer_add(buffer, rv_bytes_of(text.ptr + at, len));
            at += len;
        }
    }
    return buffer->len - start;
}

void rv_table_add_column(rv_table *table, rv_bytes name, bool right) {
    RV_ASSERT(table->cell_count == 0);
    rv_table_column column = {.name_start = table->names.len, .right = right};
    rv_cli_buffer_reserve(&table->names, 1);
    column.name_len = add_safe(&table->names, name);
    column.width = width_of(rv_bytes_of(table->names.ptr + column.name_start, column.name_len));
    rv_cli_buffer_add(&table->columns, rv_bytes_of(&column, sizeof column));
}

void rv_table_add_cell(rv_table *table, rv_bytes text) {
    size_t count;
    rv_table_column *const columns = columns_of(table, &count);
    RV_ASSERT(count > 0);
    rv_table_column *const column = &columns[table->cell_count % count];
    rv_cli_buffer_reserve(&table->text, 1);
    const size_t start = table->text.len;
    const size_t len = add_safe(&table->text, text);
    const size_t width = width_of(rv_bytes_of(table->text.ptr + start, len));
    column->width = width > column->width ? width : column->width;
    rv_cli_buffer_add(&table->lens, rv_bytes_of(&len, sizeof len));
    table->cell_count += 1;
}

static void print_cell(const rv_table_column *column, rv_bytes text, bool last) {
    const size_t width = width_of(text);
    const int pad = width < column->width ? (int)(column->width - width) : 0;
    const int after = last || column->right ? 0 : pad;
    printf("%*s%.*s%*s%s", column->right ? pad : 0, "", (int)text.len, (const char *)text.ptr,
           after, "", last ? "\n" : "  ");
}

static void print_names(const rv_table *table) {
    size_t count;
    const rv_table_column *const columns = columns_of(table, &count);
    for (size_t i = 0; i < count; i++) {
        print_cell(&columns[i],
                   rv_bytes_of(table->names.ptr + columns[i].name_start, columns[i].name_len),
                   i + 1 == count);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < columns[i].width; j++) {
            putchar('-');
        }
        fputs(i + 1 == count ? "\n" : "  ", stdout);
    }
}

void rv_table_flush(rv_table *table, bool all) {
    size_t count;
    const rv_table_column *const columns = columns_of(table, &count);
    RV_ASSERT(count == 0 || table->cell_count % count == 0);
    if (count == 0 || (!all && table->cell_count < SCREENFUL * count)) {
        return;
    }
    if (!table->named) {
        print_names(table);
        table->named = true;
    }
    const size_t *const lens = (const size_t *)(const void *)table->lens.ptr;
    size_t at = 0;
    for (size_t i = 0; i < table->cell_count; i++) {
        const size_t column = i % count;
        print_cell(&columns[column], rv_bytes_of(table->text.ptr + at, lens[i]),
                   column + 1 == count);
        at += lens[i];
    }
    table->cell_count = table->text.len = table->lens.len = 0;
}

void rv_table_free(rv_table *table) {
    RV_ASSERT(table != NULL);
    rv_cli_buffer_free(&table->columns);
    rv_cli_buffer_free(&table->names);
    rv_cli_buffer_free(&table->text);
    rv_cli_buffer_free(&table->lens);
}
