/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet pending` and `rivulet rejections`: what became of what was written at an edge. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>

/* What a list shows of a batch beside its events. */
typedef struct outbox_columns {
    bool state; /* and position */
} outbox_columns;

static void begin_table(const outbox_columns *columns, rv_table *table) {
    RV_ASSERT(table->columns.len == 0);
    rv_table_add_column(table, RV_LITERAL("batch"), true);
    if (columns->state) {
        rv_table_add_column(table, RV_LITERAL("state"), false);
        rv_table_add_column(table, RV_LITERAL("position"), true);
    }
    rv_table_add_column(table, RV_LITERAL("path"), false);
    rv_table_add_column(table, RV_LITERAL("type"), false);
    rv_table_add_column(table, RV_LITERAL("event"), false);
    rv_table_add_column(table, RV_LITERAL("reason"), false);
}

static void add_member(rv_table *table, rv_bytes object, const char *name) {
    rv_bytes value;
    const bool found = rv_json_text_member(object, name, &value);
    rv_table_add_cell(table, found && !rv_bytes_are(value, "null") ? value : (rv_bytes){0});
}

/* `code: detail`, or nothing. */
static void add_reason(rv_table *table, rv_bytes batch) {
    rv_cli_buffer text = {0};
    rv_bytes reason;
    rv_bytes code;
    rv_bytes detail;
    if (rv_json_text_member(batch, "reason", &reason) &&
        rv_json_text_member(reason, "code", &code)) {
        rv_cli_buffer_add(&text, code);
        if (rv_json_text_member(reason, "detail", &detail)) {
            rv_cli_buffer_add_text(&text, ": ");
            rv_cli_buffer_add(&text, detail);
        }
    }
    rv_table_add_cell(table, rv_cli_buffer_bytes(&text));
    rv_cli_buffer_free(&text);
}

/* The batch's events, a row each. */
static bool add_batch(const outbox_columns *columns, rv_table *table, rv_bytes batch) {
    rv_bytes events;
    rv_json_token token;
    rv_error err;
    if (!rv_json_text_member(batch, "events", &events)) {
        return false;
    }
    rv_json json = rv_json_over(events, NULL);
    rv_status status = rv_json_next(&json, &token, &err); /* the bracket */
    status = status == RV_OK ? rv_json_next(&json, &token, &err) : status;
    while (status == RV_OK && token.kind == RV_JSON_OBJECT_BEGIN) {
        rv_bytes event;
        status = rv_json_skip(&json, &token, &event, &err);
        if (status != RV_OK) {
            break;
        }
        add_member(table, batch, "edge_sequence");
        if (columns->state) {
            add_member(table, batch, "state");
            add_member(table, batch, "position");
        }
        add_member(table, event, "path");
        add_member(table, event, "type");
        add_member(table, event, "event_id");
        add_reason(table, batch);
        status = rv_json_next(&json, &token, &err);
    }
    RV_ASSERT(table->columns.len > 0);
    return status == RV_OK && token.kind == RV_JSON_ARRAY_END;
}

static int show(const rv_cli *cli, const outbox_columns *columns, rv_bytes answer) {
    rv_table table = {0};
    rv_json json = rv_json_over(answer, NULL);
    rv_json_token token;
    rv_error err;
    uint64_t count = 0;
    begin_table(columns, &table);
    bool good = rv_json_next(&json, &token, &err) == RV_OK;
    while (good && rv_json_next(&json, &token, &err) == RV_OK &&
           token.kind == RV_JSON_OBJECT_BEGIN) {
        rv_bytes batch;
        good =
            rv_json_skip(&json, &token, &batch, &err) == RV_OK && add_batch(columns, &table, batch);
        rv_table_flush(&table, false);
        count += 1;
    }
    if (!good || token.kind != RV_JSON_ARRAY_END) {
        rv_table_free(&table);
        rv_error_set(&err, RV_JSON_INVALID, "the node's answer could not be read");
        return rv_cli_fail(cli, &err);
    }
    rv_table_flush(&table, true);
    printf("(%llu batch%s)\n", (unsigned long long)count, count == 1 ? "" : "es");
    rv_table_free(&table);
    return RV_EXIT_OK;
}

static int list(rv_cli *cli, const char *target, const outbox_columns *columns) {
    rv_cli_buffer body = {0};
    RV_ASSERT(cli->arg_count == 0);
    const rv_request request = {.method = RV_LITERAL("GET"), .target = rv_bytes_of_string(target)};
    int code = rv_cli_ask(cli, &request, &body);
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(body.ptr, 1, body.len, stdout);
    } else if (code == RV_EXIT_OK) {
        code = show(cli, columns, rv_cli_buffer_bytes(&body));
    }
    rv_cli_buffer_free(&body);
    return code;
}

int rv_command_pending(rv_cli *cli) {
    const outbox_columns columns = {.state = true};
    return list(cli, "/pending", &columns);
}

static int forget(rv_cli *cli) {
    rv_cli_buffer target = {0};
    rv_cli_buffer body = {0};
    RV_ASSERT(cli->forget != NULL);
    rv_cli_buffer_add_text(&target, "/rejections/");
    rv_cli_buffer_add_url(&target, cli->forget, "");
    const rv_request request = {.method = RV_LITERAL("DELETE"),
                                .target = rv_cli_buffer_bytes(&target)};
    const int code = rv_cli_ask(cli, &request, &body);
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(body.ptr, 1, body.len, stdout);
    } else if (code == RV_EXIT_OK) {
        printf("the rejection is acknowledged\n");
    }
    rv_cli_buffer_free(&target);
    rv_cli_buffer_free(&body);
    return code;
}

int rv_command_rejections(rv_cli *cli) {
    const outbox_columns columns = {.state = false};
    if (cli->forget != NULL && cli->forget[0] == '\0') {
        return rv_cli_usage(cli, "%s", "--forget takes the id of an event that was refused");
    }
    return cli->forget != NULL ? forget(cli) : list(cli, "/rejections", &columns);
}
