/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet watch`: POST /query as a feed of server-sent events, each of which is a whole answer in
 * one line; and `rivulet changes`: GET /changes/{aggregate}, of which each is a change. */
#include "cli/command_query.h"
#include "cli/problem_text.h"

#include <stdio.h>

#define CLEAR "\x1b[H\x1b[2J"

/* The value of a line of the frame; empty when there is none. */
static rv_bytes line_of(rv_bytes frame, const char *name) {
    const size_t len = strlen(name);
    size_t at = 0;
    while (at < frame.len) {
        const uint8_t *const end = memchr(frame.ptr + at, '\n', frame.len - at);
        const size_t stop = end == NULL ? frame.len : (size_t)(end - frame.ptr);
        if (stop - at >= len && memcmp(frame.ptr + at, name, len) == 0) {
            return rv_bytes_of(frame.ptr + at + len, stop - at - len);
        }
        at = stop + 1;
    }
    return (rv_bytes){NULL, 0};
}

/* Shows one frame. */
static int show(rv_cli *cli, rv_bytes frame, bool redraw) {
    const rv_bytes data = line_of(frame, "data: ");
    if (rv_bytes_are(line_of(frame, "event: "), "problem")) {
        (void)rv_problem_text_body(cli->json, data);
        return RV_EXIT_ERROR;
    }
    if (data.len == 0) {
        return RV_EXIT_OK; /* a comment: the node is there */
    }
    int code = RV_EXIT_OK;
    if (cli->json || !redraw) {
        fwrite(data.ptr, 1, data.len, stdout);
        putchar('\n');
    } else {
        fputs(CLEAR, stdout);
        code = rv_query_show(cli, data);
    }
    rv_cli_flush();
    return code;
}

/* Shows the frames that are whole, and leaves the rest. */
static int show_frames(rv_cli *cli, rv_cli_buffer *buffer, bool redraw) {
    int code = RV_EXIT_OK;
    size_t start = 0;
    for (size_t at = 0; at + 1 < buffer->len && code == RV_EXIT_OK; at++) {
        if (buffer->ptr[at] == '\n' && buffer->ptr[at + 1] == '\n') {
            code = show(cli, rv_bytes_of(buffer->ptr + start, at - start), redraw);
            start = at + 2;
        }
    }
    memmove(buffer->ptr, buffer->ptr + start, buffer->len - start);
    buffer->len -= start;
    return code;
}

/* Shows what comes. It goes on until nobody reads what it prints: where it ends before, the node
 * has ended it, or there is a problem. */
static int follow(rv_cli *cli, const rv_request *request, bool redraw) {
    rv_cli_buffer frames = {0};
    int code = rv_cli_send(cli, request);
    bool over = false;
    while (code == RV_EXIT_OK && !over && ferror(stdout) == 0) {
        rv_bytes piece;
        code = rv_cli_piece(cli, &piece, &over);
        if (code == RV_EXIT_OK && !over) {
            rv_cli_buffer_add(&frames, piece);
            code = show_frames(cli, &frames, redraw);
        }
    }
    rv_cli_buffer_free(&frames);
    return code == RV_EXIT_OK && over ? rv_cli_feed_ended(cli) : code;
}

int rv_command_watch(rv_cli *cli) {
    rv_cli_buffer body = {0};
    RV_ASSERT(cli->arg_count > 0);
    if (!rv_query_rows_good(cli)) {
        return rv_cli_usage(cli, "%s", "--rows is a number");
    }
    cli->statement = cli->args[0];
    rv_query_write_body(cli, &body);
    const rv_request request = {
        .method = RV_LITERAL("POST"),
        .target = RV_LITERAL("/query"),
        .content_type = RV_LITERAL("application/json"),
        .accept = RV_LITERAL("text/event-stream"),
        .body = rv_cli_buffer_bytes(&body),
    };
    const bool redraw = cli->platform->terminal != NULL && cli->platform->terminal(RV_CLI_OUTPUT) &&
                        (cli->given & RV_OPTION_DIFFERENCES) == 0;
    const int code = follow(cli, &request, redraw);
    rv_cli_buffer_free(&body);
    return code;
}

int rv_command_changes(rv_cli *cli) {
    rv_cli_buffer target = {0};
    const bool now = cli->from != NULL && strcmp(cli->from, "now") == 0;
    RV_ASSERT(cli->arg_count > 0);
    if (cli->from != NULL && !now) {
        fprintf(stderr, "rivulet: changes begin with the rows, or with what comes: --from now\n");
        return RV_EXIT_USAGE;
    }
    rv_cli_buffer_add_text(&target, "/changes/");
    rv_cli_buffer_add_url(&target, cli->args[0], "");
    rv_cli_buffer_add_text(&target, now ? "" : "?rows=first");
    if (cli->arg_count > 1) {
        rv_cli_buffer_add_text(&target, now ? "?where=" : "&where=");
        rv_cli_buffer_add_url(&target, cli->args[1], "");
    }
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = rv_cli_buffer_bytes(&target),
                                .accept = RV_LITERAL("text/event-stream")};
    const int code = follow(cli, &request, false);
    rv_cli_buffer_free(&target);
    return code;
}
