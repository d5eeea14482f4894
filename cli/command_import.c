/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet import`: batches of lines, as they lie in the file, posted to /events. */
#include "cli/cli.h"
#include "cli/json_text.h"
#include "cli/lines.h"
#include "cli/problem_text.h"

#include <stdio.h>
#include <stdlib.h>

#define PROGRESS_INTERVAL_MS 100

typedef struct import_run {
    rv_cli *cli;
    uint64_t imported;
    uint64_t last_position;
    int64_t started_ms;
    int64_t shown_ms;
    bool terminal; /* progress is shown */
    bool edge;     /* from the second batch on each waits for the root's decision, if it can */
} import_run;

static void show_progress(import_run *run, const rv_lines *lines) {
    const int64_t now = run->cli->platform->now_ms();
    if (!run->terminal || now - run->shown_ms < PROGRESS_INTERVAL_MS) {
        return;
    }
    run->shown_ms = now;
    const int64_t elapsed = now - run->started_ms;
    const int thousandths = rv_lines_progress(lines);
    fprintf(stderr, "\r%llu events, %llu events/s", (unsigned long long)run->imported,
            (unsigned long long)(elapsed > 0 ? run->imported * 1000 / (uint64_t)elapsed : 0));
    if (thousandths >= 0) {
        fprintf(stderr, ", %d.%d %%", thousandths / 10, thousandths % 10);
    }
    fputs("\x1b[K", stderr);
}

static void clear_progress(const import_run *run) {
    if (run->terminal && run->shown_ms != 0) {
        fputs("\r\x1b[K", stderr);
    }
}

static uint64_t number_of(rv_bytes text) {
    uint64_t value = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return value;
}

/* The line of a batch that a problem is about: the node counts the events, or the lines. */
static uint64_t line_of(rv_bytes problem, rv_bytes batch, uint64_t first_line, size_t count) {
    rv_bytes value;
    if (rv_json_text_member(problem, "batch_line", &value)) {
        return first_line + number_of(value) - 1;
    }
    if (!rv_json_text_member(problem, "index", &value) && count > 1) {
        return 0;
    }
    uint64_t left = number_of(value) + 1; /* lines that are not blank */
    uint64_t line = first_line;
    bool blank = true;
    for (size_t i = 0; i < batch.len; i++) {
        const uint8_t c = batch.ptr[i];
        if (blank && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            blank = false;
            left -= 1;
            if (left == 0) {
                return line;
            }
        }
        if (c == '\n') {
            line += 1;
            blank = true;
        }
    }
    return 0;
}

/* The problem of a batch as that of a line of the file. */
static void print_problem(const import_run *run, rv_bytes problem, uint64_t line, bool durable) {
    rv_json json = rv_json_over(problem, NULL);
    rv_json_token token;
    rv_bytes value;
    rv_error err;
    fprintf(stderr, "{\"line\":%llu,\"%s\":%llu", (unsigned long long)line,
            durable ? "imported" : "accepted", (unsigned long long)run->imported);
    rv_status status = rv_json_next(&json, &token, &err); /* the brace */
    RV_ASSERT(status == RV_OK);
    while (status == RV_OK && rv_json_next(&json, &token, &err) == RV_OK &&
           token.kind == RV_JSON_KEY) {
        const rv_bytes name = token.text;
        status = rv_json_next(&json, &token, &err);
        status = status == RV_OK ? rv_json_skip(&json, &token, &value, &err) : status;
        const bool placed = rv_bytes_are(name, "line") || rv_bytes_are(name, "batch_line");
        if (status == RV_OK && !placed) {
            fprintf(stderr, ",\"%.*s\":%.*s", (int)name.len, (const char *)name.ptr, (int)value.len,
                    (const char *)value.ptr);
        }
    }
    fputs("}\n", stderr);
}

/* A refused batch: the problem, the line, and what was imported before, or where that could not be
 * made `durable`, accepted. */
static int refused(const import_run *run, rv_bytes problem, rv_bytes batch, uint64_t first_line,
                   size_t count, bool durable) {
    const uint64_t line = line_of(problem, batch, first_line, count);
    clear_progress(run);
    if (run->cli->json && problem.len > 0 && problem.ptr[0] == '{') {
        print_problem(run, problem, line != 0 ? line : first_line, durable);
        return RV_EXIT_ERROR;
    }
    const rv_status status = rv_problem_text_body(false, problem);
    if (line != 0) {
        fprintf(stderr, "  at line %llu", (unsigned long long)line);
    } else {
        fprintf(stderr, "  in the batch of %zu events that begins at line %llu", count,
                (unsigned long long)first_line);
    }
    fprintf(stderr,
            durable ? "; %llu events were imported before\n"
                    : "; %llu events were accepted before, the last perhaps not flushed: `rivulet "
                      "status` tells the position that the node has\n",
            (unsigned long long)run->imported);
    return status == RV_DATA_DAMAGED ? RV_EXIT_DAMAGED : RV_EXIT_ERROR;
}

/* Waits until everything that was accepted is flushed, so that `imported` means durable; many
 * batches share a flush so. */
static int wait_durable(const import_run *run) {
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = RV_LITERAL("/status?wait=durable"),
                                .accept = RV_LITERAL("application/json")};
    rv_cli_buffer answer = {0};
    const int code = rv_cli_ask(run->cli, &request, &answer);
    rv_cli_buffer_free(&answer);
    return code;
}

/* Collects the answer; the answer of a refused batch is shown. */
static int post_batch(import_run *run, rv_bytes batch, uint64_t first_line, size_t count) {
    rv_cli *const cli = run->cli;
    const rv_request request = {
        .method = RV_LITERAL("POST"),
        .target = RV_LITERAL("/events?return=minimal"),
        .content_type = RV_LITERAL("application/x-ndjson"),
        .accept = RV_LITERAL("application/json"),
        /* wait_durable before anything is claimed */
        .durability = run->edge ? RV_LITERAL("upstream") : RV_LITERAL("memory"),
        .body = batch,
    };
    rv_cli_buffer answer = {0};
    int http = 0;
    int code = rv_cli_begin(cli, &request, &http);
    bool over = false;
    rv_bytes piece;
    while (code == RV_EXIT_OK && (code = rv_cli_piece(cli, &piece, &over)) == RV_EXIT_OK && !over) {
        rv_cli_buffer_add(&answer, piece);
    }
    if (code == RV_EXIT_OK && http >= 400) {
        const int flushed =
            wait_durable(run); /* a failure of its own is shown beside the refusal */
        code = refused(run, rv_cli_buffer_bytes(&answer), batch, first_line, count,
                       flushed == RV_EXIT_OK);
        code = flushed == RV_EXIT_OK ? code : flushed;
    } else if (code == RV_EXIT_OK) {
        rv_bytes last;
        rv_json_text_member(rv_cli_buffer_bytes(&answer), "last_position", &last);
        run->last_position = number_of(last);
        run->imported += count;
        run->edge = run->edge || http == 202;
    } else if (!cli->json) {
        clear_progress(run);
        fprintf(
            stderr,
            "  %llu events were accepted before line %llu, the last perhaps not flushed: `rivulet "
            "status` tells the position that the node has\n",
            (unsigned long long)run->imported, (unsigned long long)first_line);
    }
    rv_cli_buffer_free(&answer);
    return code;
}

static void show_done(const import_run *run) {
    const int64_t elapsed = run->cli->platform->now_ms() - run->started_ms;
    const unsigned long long rate =
        elapsed > 0 ? run->imported * 1000 / (uint64_t)elapsed : run->imported;
    clear_progress(run);
    if (run->cli->json) {
        printf("{\"imported\":%llu,\"last_position\":%llu,\"milliseconds\":%lld}\n",
               (unsigned long long)run->imported, (unsigned long long)run->last_position,
               (long long)elapsed);
    } else {
        printf("imported %llu events in %lld.%03lld s (%llu events/s); position %llu\n",
               (unsigned long long)run->imported, (long long)(elapsed / 1000),
               (long long)(elapsed % 1000), rate, (unsigned long long)run->last_position);
    }
}

/* The file cannot be read on: why, and what was imported before. */
static int unreadable(const import_run *run, rv_error *err) {
    rv_cli *const cli = run->cli;
    clear_progress(run);
    RV_ASSERT(err->status != RV_OK);
    const bool durable = wait_durable(run) == RV_EXIT_OK;
    if (durable) {
        cli->accepted = NULL;
        rv_error_fact_uint(err, "imported", run->imported);
    }
    const int code = rv_cli_fail(cli, err);
    if (durable && !cli->json) {
        fprintf(stderr, "  %llu events were imported before\n", (unsigned long long)run->imported);
    }
    return code;
}

int rv_command_import(rv_cli *cli) {
    RV_ASSERT(cli->arg_count == 1);
    char *end = NULL;
    const unsigned long batch_max = cli->batch == NULL ? 1000 : strtoul(cli->batch, &end, 10);
    if (batch_max == 0 || batch_max > RV_BATCH_EVENTS_MAX || (end != NULL && *end != '\0')) {
        return rv_cli_usage(cli, "--batch is a number from 1 to 10000, not `%s`", cli->batch);
    }
    import_run run = {.cli = cli,
                      .started_ms = cli->platform->now_ms(),
                      .terminal = cli->platform->terminal(RV_CLI_ERRORS)};
    rv_lines *lines = NULL;
    rv_error err;
    if (rv_lines_open(&lines, cli->args[0], cli->platform->unpack, &err) != RV_OK) {
        return rv_cli_fail(cli, &err);
    }
    int code = RV_EXIT_OK;
    rv_status status = RV_OK;
    cli->accepted = &run.imported;
    while (code == RV_EXIT_OK) {
        rv_bytes batch;
        uint64_t first_line;
        size_t count;
        status = rv_lines_next(lines, batch_max, &batch, &first_line, &count, &err);
        if (status != RV_OK) {
            break;
        }
        code = post_batch(&run, batch, first_line, count);
        show_progress(&run, lines);
    }
    rv_lines_close(lines);
    if (code == RV_EXIT_OK && status != RV_END) {
        code = unreadable(&run, &err);
    } else if (code == RV_EXIT_OK && (code = wait_durable(&run)) == RV_EXIT_OK) {
        show_done(&run);
    }
    cli->accepted = NULL;
    return code;
}
