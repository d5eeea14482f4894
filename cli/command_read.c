/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet read`: a line an event, as it comes. The answer is NDJSON, or with --follow a feed of
 * server-sent events, whose `data:` lines are the same JSON and whose `id:` lines are cursors. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>

static const char *const event_columns[] = {"position", "path",        "version",
                                            "type",     "recorded_at", "data"};

#define EVENT_COLUMNS (sizeof event_columns / sizeof *event_columns)

/* What is shown, and how far it is. */
typedef struct reading {
    const rv_cli *cli;
    bool feed;
    uint64_t limit; /* UINT64_MAX: there is none */
    uint64_t shown;
    char cursor[64]; /* of the last event that came; empty: there is none */
    rv_cli_buffer lines;
    rv_table table;
} reading;

static void table_begin(rv_table *table) {
    for (size_t i = 0; i < EVENT_COLUMNS; i++) {
        rv_table_add_column(table, rv_bytes_of_string(event_columns[i]), i == 0 || i == 2);
    }
}

/* As it came, and of a feed with its cursor. */
static void print_event(const reading *r, rv_bytes event) {
    const bool told = r->cursor[0] != '\0' && event.len > 0 && event.ptr[event.len - 1] == '}';
    fwrite(event.ptr, 1, told ? event.len - 1 : event.len, stdout);
    if (told) {
        printf(",\"cursor\":\"%s\"}", r->cursor);
    }
    putchar('\n');
}

static void show_event(reading *r, rv_bytes event) {
    r->shown += 1;
    if (r->cli->json) {
        print_event(r, event);
        return;
    }
    for (size_t i = 0; i < EVENT_COLUMNS; i++) {
        rv_bytes value;
        rv_json_text_member(event, event_columns[i], &value);
        rv_table_add_cell(&r->table, value);
    }
    rv_table_flush(&r->table, false);
}

/* What follows `name` in the line; false: it is another line. */
static bool take_field(rv_bytes *line, const char *name) {
    const size_t len = strlen(name);
    const bool is = line->len >= len && memcmp(line->ptr, name, len) == 0;
    *line = is ? rv_bytes_from(*line, len) : *line;
    return is;
}

static void show_line(reading *r, rv_bytes line) {
    if (r->feed && take_field(&line, "id: ")) {
        const size_t len = line.len < sizeof r->cursor ? line.len : 0;
        memcpy(r->cursor, line.ptr, len);
        r->cursor[len] = '\0';
    } else if (!r->feed || take_field(&line, "data: ")) {
        show_event(r, line);
    }
}

/* Shows the whole lines that have come and leaves the rest. */
static void show_lines(reading *r) {
    rv_cli_buffer *const buffer = &r->lines;
    size_t start = 0;
    while (start < buffer->len) {
        const uint8_t *const at = buffer->ptr + start;
        const uint8_t *const end = memchr(at, '\n', buffer->len - start);
        if (end == NULL) {
            break;
        }
        const rv_bytes line = rv_bytes_of(at, (size_t)(end - at));
        start += line.len + 1;
        if (line.len > 0) {
            show_line(r, line);
        }
    }
    memmove(buffer->ptr, buffer->ptr + start, buffer->len - start);
    buffer->len -= start;
    if (r->feed) {
        rv_table_flush(&r->table, true);
        rv_cli_flush();
    }
}

/* Of `--limit`. */
static bool read_limit(const char *text, uint64_t *limit) {
    *limit = UINT64_MAX;
    return text == NULL || rv_number_parse(rv_bytes_of_string(text), limit);
}

static void add_parameter(rv_cli_buffer *target, const char *name, const char *value) {
    RV_ASSERT(target->len > 0);
    if (value == NULL) {
        return;
    }
    const bool first = memchr(target->ptr, '?', target->len) == NULL;
    rv_cli_buffer_add_text(target, first ? "?" : "&");
    rv_cli_buffer_add_text(target, name);
    rv_cli_buffer_add_text(target, "=");
    rv_cli_buffer_add_url(target, value, "/");
}

/* A pattern selects streams; without the first slash it is one's name and keys, or path. */
static void write_target(const rv_cli *cli, rv_cli_buffer *target) {
    const char *const pattern = cli->args[0];
    if (pattern[0] == '/' || pattern[0] == '\0' || strpbrk(pattern, "*{") != NULL) {
        rv_cli_buffer_add_text(target, "/events");
        add_parameter(target, "path", pattern);
    } else {
        rv_cli_buffer_add_text(target, "/streams/");
        rv_cli_buffer_add_url(target, pattern, "/%");
    }
    add_parameter(target, "from", cli->from);
    add_parameter(target, "until", cli->until);
    add_parameter(target, "as_of", cli->as_of);
    for (size_t i = 0; i < cli->types.count; i++) {
        add_parameter(target, "type", (const char *)cli->types.items[i].ptr);
    }
    add_parameter(target, "where", cli->where);
    add_parameter(target, "limit", cli->limit);
}

/* Shows what comes until it ends. */
static int show(reading *r, rv_cli *cli) {
    bool over = false;
    int code = RV_EXIT_OK;
    if (!cli->json) {
        table_begin(&r->table);
    }
    while (code == RV_EXIT_OK && !over && ferror(stdout) == 0) {
        rv_bytes piece;
        code = rv_cli_piece(cli, &piece, &over);
        if (code == RV_EXIT_OK && !over) {
            rv_cli_buffer_add(&r->lines, piece);
            show_lines(r);
        }
    }
    rv_table_flush(&r->table, true);
    if (code == RV_EXIT_OK && !cli->json && !r->feed) {
        printf("(%llu event%s)\n", (unsigned long long)r->shown, r->shown == 1 ? "" : "s");
    }
    const bool ends = !r->feed || r->shown == r->limit || cli->as_of != NULL || cli->until != NULL;
    code = over && !ends ? rv_cli_feed_ended(cli) : code;
    if (code == RV_EXIT_UNREACHABLE && !cli->json && r->cursor[0] != '\0') {
        fprintf(stderr, "  go on with --after %s\n", r->cursor);
    }
    return code;
}

int rv_command_read(rv_cli *cli) {
    RV_ASSERT(cli->arg_count == 1);
    reading r = {.cli = cli, .feed = (cli->given & RV_OPTION_FOLLOW) != 0};
    if (!read_limit(cli->limit, &r.limit)) {
        return rv_cli_usage(cli, "%s", "--limit is a number");
    }
    if (r.feed && cli->url == NULL) {
        return rv_cli_usage(cli, "%s",
                            "--follow needs a running node: nothing can be added to a data "
                            "directory while it is read here");
    }
    if (cli->from != NULL && cli->after != NULL) {
        return rv_cli_usage(cli, "%s", "--from and --after are two places to begin: give one");
    }
    if (!rv_cli_header_safe(cli->after)) {
        return rv_cli_usage(cli, "%s", "a cursor is one line of text");
    }
    rv_cli_buffer target = {0};
    write_target(cli, &target);
    const rv_request request = {
        .method = RV_LITERAL("GET"),
        .target = rv_cli_buffer_bytes(&target),
        .accept = r.feed ? RV_LITERAL("text/event-stream") : RV_LITERAL("application/x-ndjson"),
        .last_event_id = cli->after == NULL ? (rv_bytes){0} : rv_bytes_of_string(cli->after),
    };
    int code = rv_cli_send(cli, &request);
    code = code == RV_EXIT_OK ? show(&r, cli) : code;
    rv_table_free(&r.table);
    rv_cli_buffer_free(&r.lines);
    rv_cli_buffer_free(&target);
    return code;
}
