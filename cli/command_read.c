/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet read`: a line an event, as it comes. The answer is NDJSON, or with --follow a feed of
 * server-sent events, whose `data:` lines are the same JSON. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>

static const char *const event_columns[] = {"position", "path",        "version",
                                            "type",     "recorded_at", "data"};

#define EVENT_COLUMNS (sizeof event_columns / sizeof *event_columns)

static void table_begin(rv_table *table) {
    for (size_t i = 0; i < EVENT_COLUMNS; i++) {
        rv_table_add_column(table, rv_bytes_of_string(event_columns[i]), i == 0 || i == 2);
    }
}

static void show_event(const rv_cli *cli, rv_bytes event, rv_table *table) {
    if (cli->json) {
        fwrite(event.ptr, 1, event.len, stdout);
        putchar('\n');
        return;
    }
    for (size_t i = 0; i < EVENT_COLUMNS; i++) {
        rv_bytes value;
        rv_json_text_member(event, event_columns[i], &value);
        rv_table_add_cell(table, value);
    }
}

/* Shows the whole lines at the buffer's front and leaves the rest. */
static void show_lines(const rv_cli *cli, rv_cli_buffer *buffer, bool feed, rv_table *table) {
    static const char mark[] = "data: ";
    const size_t mark_len = sizeof mark - 1;
    size_t start = 0;
    while (start < buffer->len) {
        const uint8_t *const at = buffer->ptr + start;
        const uint8_t *const end = memchr(at, '\n', buffer->len - start);
        if (end == NULL) {
            break;
        }
        rv_bytes line = rv_bytes_of(at, (size_t)(end - at));
        start += line.len + 1;
        if (feed) {
            const bool data = line.len > mark_len && memcmp(line.ptr, mark, mark_len) == 0;
            line = data ? rv_bytes_from(line, mark_len) : (rv_bytes){0};
        }
        if (line.len > 0) {
            show_event(cli, line, table);
            rv_table_flush(table, false);
        }
    }
    memmove(buffer->ptr, buffer->ptr + start, buffer->len - start);
    buffer->len -= start;
    if (feed) {
        rv_table_flush(table, true);
        fflush(stdout);
    }
}

static bool is_count(const char *text) {
    bool digits = text == NULL || *text != '\0';
    for (const char *p = text; p != NULL && *p != '\0'; p++) {
        digits = digits && *p >= '0' && *p <= '9';
    }
    return digits;
}

static void write_target(const rv_cli *cli, rv_cli_buffer *target) {
    rv_cli_buffer_add_text(target, "/events?path=");
    rv_cli_buffer_add_url(target, cli->args[0], "/");
    if (cli->from != NULL) {
        rv_cli_buffer_add_text(target, "&from=");
        rv_cli_buffer_add_url(target, cli->from, "");
    }
    if (cli->as_of != NULL) {
        rv_cli_buffer_add_text(target, "&as_of=");
        rv_cli_buffer_add_url(target, cli->as_of, "");
    }
    for (size_t i = 0; i < cli->types.count; i++) {
        rv_cli_buffer_add_text(target, "&type=");
        rv_cli_buffer_add_url(target, (const char *)cli->types.items[i].ptr, "");
    }
    if (cli->where != NULL) {
        rv_cli_buffer_add_text(target, "&where=");
        rv_cli_buffer_add_url(target, cli->where, "");
    }
    if (cli->limit != NULL) {
        rv_cli_buffer_add_text(target, "&limit=");
        rv_cli_buffer_add_text(target, cli->limit);
    }
}

int rv_command_read(rv_cli *cli) {
    RV_ASSERT(cli->arg_count == 1);
    const bool feed = (cli->given & RV_OPTION_FOLLOW) != 0;
    if (!is_count(cli->limit)) {
        return rv_cli_usage(cli, "%s", "--limit is a number");
    }
    if (feed && cli->url == NULL) {
        return rv_cli_usage(cli, "%s",
                            "--follow needs a running node: nothing can be added to a data "
                            "directory while it is read here");
    }
    rv_cli_buffer target = {0};
    rv_cli_buffer lines = {0};
    rv_table table = {0};
    write_target(cli, &target);
    if (!cli->json) {
        table_begin(&table);
    }
    const rv_request request = {
        .method = RV_LITERAL("GET"),
        .target = rv_cli_buffer_bytes(&target),
        .accept = feed ? RV_LITERAL("text/event-stream") : RV_LITERAL("application/x-ndjson"),
    };
    int code = rv_cli_send(cli, &request);
    bool over = code != RV_EXIT_OK;
    while (!over) {
        rv_bytes piece;
        code = rv_cli_piece(cli, &piece, &over);
        over = over || code != RV_EXIT_OK || ferror(stdout) != 0;
        if (!over) {
            rv_cli_buffer_add(&lines, piece);
            show_lines(cli, &lines, feed, &table);
        }
    }
    rv_table_flush(&table, true);
    rv_table_free(&table);
    rv_cli_buffer_free(&lines);
    rv_cli_buffer_free(&target);
    return code;
}
