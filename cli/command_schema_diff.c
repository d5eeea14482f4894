/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rivulet schema diff`: the statements that a file would add, as they could be applied, and behind
 * them, as comments, what is declared otherwise at the node and what the file does not have:
 *
 *     CREATE EVENT_TYPE renamed ( … );
 *     -- otherwise at the node: aggregate account: `name varchar(40)`, here `name text`
 *     -- only at the node: stream account_events
 */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>
#include <stdlib.h>

/* What one member of an answer's array says. */
typedef struct difference {
    rv_bytes kind;
    rv_bytes name;
    rv_bytes here;
    rv_bytes there;
} difference;

static void print_bytes(rv_bytes bytes) {
    fwrite(bytes.ptr, 1, bytes.len, stdout);
}

/* A line of a statement; empty: the other side has one more. */
static void print_line(const char *before, rv_bytes line) {
    printf(line.len > 0 ? "%s`" : "%snothing", before);
    print_bytes(line);
    fputs(line.len > 0 ? "`" : "", stdout);
}

/* Reads the members of an object, which are strings; its opening brace has been read. */
static bool read_difference(rv_json *json, difference *d) {
    static const char *const names[] = {"kind", "name", "here", "there"};
    rv_bytes *const values[] = {&d->kind, &d->name, &d->here, &d->there};
    rv_json_token key;
    rv_json_token value;
    rv_error err;
    *d = (difference){.kind = {NULL, 0}};
    rv_status status = rv_json_next(json, &key, &err);
    while (status == RV_OK && key.kind == RV_JSON_KEY) {
        status = rv_json_next(json, &value, &err);
        for (size_t i = 0; i < 4 && status == RV_OK; i++) {
            *values[i] = rv_bytes_are(key.text, names[i]) ? value.text : *values[i];
        }
        status = status == RV_OK ? rv_json_next(json, &key, &err) : status;
    }
    RV_ASSERT(status == RV_OK || err.status == status);
    return status == RV_OK && key.kind == RV_JSON_OBJECT_END;
}

/* Prints the differences of an array, and counts them. */
static size_t print_differences(rv_json *json, bool changed) {
    size_t count = 0;
    rv_json_token token;
    rv_error err;
    difference d;
    while (rv_json_next(json, &token, &err) == RV_OK && token.kind == RV_JSON_OBJECT_BEGIN &&
           read_difference(json, &d)) {
        printf(changed ? "-- otherwise at the node: " : "-- only at the node: ");
        print_bytes(d.kind);
        printf(" ");
        print_bytes(d.name);
        if (changed) {
            print_line(": ", d.here);
            print_line(", here ", d.there);
        }
        printf("\n");
        count += 1;
    }
    RV_ASSERT(count < SIZE_MAX);
    return count;
}

/* Prints the answer; the number of statements that are declared otherwise. */
static size_t print_answer(rv_bytes body) {
    uint8_t *const memory = malloc(body.len + 1);
    if (memory == NULL) {
        return 0;
    }
    rv_arena scratch = rv_arena_over(memory, body.len + 1);
    rv_json json = rv_json_over(body, &scratch);
    rv_json_token token;
    rv_error err;
    size_t otherwise = 0;
    rv_status status = rv_json_next(&json, &token, &err);
    while (status == RV_OK && rv_json_next(&json, &token, &err) == RV_OK &&
           token.kind == RV_JSON_KEY) {
        const bool add = rv_bytes_are(token.text, "add");
        const bool changed = rv_bytes_are(token.text, "changed");
        status = rv_json_next(&json, &token, &err);
        if (status == RV_OK && add) {
            print_bytes(token.text);
        } else if (status == RV_OK && token.kind == RV_JSON_ARRAY_BEGIN) {
            const size_t count = print_differences(&json, changed);
            otherwise += changed ? count : 0;
        }
    }
    RV_ASSERT(otherwise <= body.len);
    free(memory);
    return otherwise;
}

int rv_command_schema_diff(rv_cli *cli) {
    RV_ASSERT(cli->arg_count == 1);
    rv_cli_buffer text = {0};
    rv_cli_buffer body = {0};
    int code = rv_cli_read_file(cli, cli->args[0], &text);
    if (code == RV_EXIT_OK) {
        const rv_request request = {
            .method = RV_LITERAL("POST"),
            .target = RV_LITERAL("/schema?diff=true"),
            .content_type = RV_LITERAL("text/plain"),
            .body = rv_cli_buffer_bytes(&text),
        };
        code = rv_cli_ask(cli, &request, &body);
    }
    if (code == RV_EXIT_OK && cli->json) {
        rv_bytes changed;
        print_bytes(rv_cli_buffer_bytes(&body));
        const bool told = rv_json_text_member(rv_cli_buffer_bytes(&body), "changed", &changed);
        code = told && changed.len > 2 ? RV_EXIT_ERROR : RV_EXIT_OK;
    } else if (code == RV_EXIT_OK) {
        code = print_answer(rv_cli_buffer_bytes(&body)) > 0 ? RV_EXIT_ERROR : RV_EXIT_OK;
    }
    rv_cli_buffer_free(&text);
    rv_cli_buffer_free(&body);
    return code;
}
