/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet query`. */
#include "cli/command_query.h"

#include "cli/json_text.h"

#include <stdio.h>

/* True when the parameter is one JSON scalar: a number, a literal or a quoted string. */
static bool is_scalar(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    rv_json_token token;
    rv_error err;
    if (text.len == 0 || rv_json_next(&json, &token, &err) != RV_OK) {
        return false;
    }
    const bool nested = token.kind == RV_JSON_OBJECT_BEGIN || token.kind == RV_JSON_ARRAY_BEGIN;
    return !nested && rv_json_next(&json, &token, &err) == RV_OK && token.kind == RV_JSON_END;
}

void rv_query_write_body(const rv_cli *cli, rv_cli_buffer *body) {
    RV_ASSERT(cli->arg_count > 0);
    rv_cli_buffer_add_text(body, "{\"sql\":");
    rv_cli_buffer_add_json_string(body, rv_bytes_of_string(cli->args[0]));
    rv_cli_buffer_add_text(body, ",\"params\":[");
    for (size_t i = 1; i < cli->arg_count; i++) {
        const rv_bytes text = rv_bytes_of_string(cli->args[i]);
        rv_cli_buffer_add_text(body, i == 1 ? "" : ",");
        if (is_scalar(text)) {
            rv_cli_buffer_add(body, text);
        } else {
            rv_cli_buffer_add_json_string(body, text);
        }
    }
    rv_cli_buffer_add_text(body, "]");
    if (cli->as_of != NULL) {
        rv_cli_buffer_add_text(body, ",\"as_of\":");
        rv_cli_buffer_add_json_string(body, rv_bytes_of_string(cli->as_of));
    }
    if (cli->rows != NULL) {
        rv_cli_buffer_add_text(body, ",\"rows\":");
        rv_cli_buffer_add_text(body, cli->rows);
    }
    if ((cli->given & RV_OPTION_DIFFERENCES) != 0) {
        rv_cli_buffer_add_text(body, ",\"differences\":true");
    }
    rv_cli_buffer_add_text(body, "}");
}

bool rv_query_rows_good(const rv_cli *cli) {
    uint64_t rows = 0;
    return cli->rows == NULL || rv_number_parse(rv_bytes_of_string(cli->rows), &rows);
}

static bool is_number(rv_bytes type) {
    static const char *const prefixes[] = {"smallint",    "integer", "bigint",
                                           "smallserial", "serial",  "real",
                                           "double",      "numeric", "bigserial"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        const size_t len = strlen(prefixes[i]);
        if (type.len >= len && memcmp(type.ptr, prefixes[i], len) == 0) {
            return true;
        }
    }
    return false;
}

/* `[{"name":…,"type":…},…]`; its bracket has been read. */
static bool add_columns(rv_json *json, rv_table *table) {
    rv_json_token token;
    rv_error err;
    while (rv_json_next(json, &token, &err) == RV_OK && token.kind == RV_JSON_OBJECT_BEGIN) {
        rv_bytes name = {NULL, 0};
        rv_bytes type = {NULL, 0};
        while (rv_json_next(json, &token, &err) == RV_OK && token.kind == RV_JSON_KEY) {
            rv_bytes *const value = rv_bytes_are(token.text, "name") ? &name : &type;
            if (rv_json_next(json, &token, &err) != RV_OK || token.kind != RV_JSON_STRING) {
                return false;
            }
            *value = token.text;
        }
        rv_table_add_column(table, name, is_number(type));
    }
    return token.kind == RV_JSON_ARRAY_END;
}

/* `[[…],…]`; its bracket has been read. */
static bool add_rows(rv_json *json, rv_arena *scratch, rv_table *table, uint64_t *count) {
    rv_json_token token;
    rv_error err;
    while (rv_json_next(json, &token, &err) == RV_OK && token.kind == RV_JSON_ARRAY_BEGIN) {
        rv_arena_reset(scratch, 0);
        while (rv_json_next(json, &token, &err) == RV_OK && token.kind != RV_JSON_ARRAY_END) {
            if (!rv_json_text_cell(json, &token, table)) {
                return false;
            }
        }
        rv_table_flush(table, false);
        *count += 1;
    }
    return token.kind == RV_JSON_ARRAY_END;
}

int rv_query_show(const rv_cli *cli, rv_bytes answer) {
    rv_cli_buffer memory = {0};
    rv_cli_buffer_reserve(&memory, answer.len + 4096); /* no string is longer than the answer */
    rv_arena scratch = rv_arena_over(memory.ptr, memory.cap);
    rv_json json = rv_json_over(answer, &scratch);
    rv_table table = {0};
    rv_json_token token;
    rv_error err;
    uint64_t count = 0;
    bool good = rv_json_next(&json, &token, &err) == RV_OK;
    while (good && rv_json_next(&json, &token, &err) == RV_OK && token.kind == RV_JSON_KEY) {
        const bool columns = rv_bytes_are(token.text, "columns");
        const bool rows = rv_bytes_are(token.text, "rows");
        rv_bytes whole;
        good = rv_json_next(&json, &token, &err) == RV_OK;
        if (good && columns) {
            good = add_columns(&json, &table);
        } else if (good && rows) {
            good = add_rows(&json, &scratch, &table, &count);
        } else if (good) {
            good = rv_json_skip(&json, &token, &whole, &err) == RV_OK;
        }
    }
    if (good) {
        rv_table_flush(&table, true);
        printf("(%llu row%s)\n", (unsigned long long)count, count == 1 ? "" : "s");
    }
    rv_table_free(&table);
    rv_cli_buffer_free(&memory);
    if (!good) {
        rv_error_set(&err, RV_JSON_INVALID, "the node's answer could not be read");
        return rv_cli_fail(cli, &err);
    }
    return RV_EXIT_OK;
}

int rv_command_query(rv_cli *cli) {
    rv_cli_buffer body = {0};
    rv_cli_buffer answer = {0};
    if (!rv_query_rows_good(cli)) {
        return rv_cli_usage(cli, "%s", "--rows is a number");
    }
    if (cli->url != NULL && cli->sql_steps != NULL) {
        return rv_cli_usage(cli, "%s", "--sql-steps of a running node is an option of its serve");
    }
    cli->statement = cli->args[0];
    rv_query_write_body(cli, &body);
    const rv_request request = {
        .method = RV_LITERAL("POST"),
        .target = RV_LITERAL("/query"),
        .content_type = RV_LITERAL("application/json"),
        .accept = RV_LITERAL("application/json"),
        .body = rv_cli_buffer_bytes(&body),
    };
    int code = rv_cli_ask(cli, &request, &answer);
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(answer.ptr, 1, answer.len, stdout);
    } else if (code == RV_EXIT_OK) {
        code = rv_query_show(cli, rv_cli_buffer_bytes(&answer));
    }
    rv_cli_buffer_free(&body);
    rv_cli_buffer_free(&answer);
    return code;
}
