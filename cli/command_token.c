/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet token …`: who may use a node. The text of a token goes to standard output alone, so that
 * a script can keep it; it is shown once. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>
#include <string.h>

/* --- the request --- */

/* Seconds of "90d", "12h", "30m", "45s", "2w". False: it is none. */
static bool duration_read(const char *text, uint64_t *seconds) {
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    size_t len = 0;
    *seconds = 0;
    while (text[len] >= '0' && text[len] <= '9' && *seconds < UINT64_C(1000000000000)) {
        *seconds = *seconds * 10 + (uint64_t)(text[len] - '0');
        len += 1;
    }
    for (size_t i = 0; len > 0 && i < sizeof units / sizeof *units; i++) {
        if (text[len] == units[i].unit && text[len + 1] == '\0') {
            *seconds *= units[i].seconds;
            return *seconds > 0;
        }
    }
    return false;
}

static void write_list(rv_cli_buffer *body, const char *name, const rv_cli_list *list) {
    uint8_t text[RV_PATH_LEN_MAX * 2];
    rv_cli_buffer_add_text(body, name);
    rv_cli_buffer_add_text(body, "[");
    for (size_t i = 0; i < list->count; i++) {
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_write_text(&w, i == 0 ? "" : ",");
        rv_write_json_string(&w, list->items[i]);
        if (w.full) { /* longer than any pattern: the node says so */
            w.full = false;
            w.len = 0;
            rv_write_text(&w, i == 0 ? "\"\"" : ",\"\"");
        }
        rv_cli_buffer_add(body, rv_writer_bytes(&w));
    }
    RV_ASSERT(list->count <= RV_PATTERNS_MAX);
    rv_cli_buffer_add_text(body, "]");
}

/* What the options say; rights only where one of them was given. False: the duration is none. */
static bool write_body(const rv_cli *cli, const char *name, rv_cli_buffer *body) {
    const uint64_t rights = RV_OPTION_ENTRIES | RV_OPTION_RELAY | RV_OPTION_ADMIN;
    uint64_t seconds = 0;
    rv_cli_buffer_add_text(body, "{");
    if (name != NULL) {
        uint8_t text[1024];
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_write_text(&w, "\"name\":");
        rv_write_json_string(&w, rv_bytes_of_string(name));
        rv_cli_buffer_add(body, w.full ? RV_LITERAL("\"name\":\"\"") : rv_writer_bytes(&w));
    }
    if ((cli->given & rights) != 0) {
        write_list(body, name != NULL ? ",\"read\":" : "\"read\":", &cli->reads);
        write_list(body, ",\"write\":", &cli->writes);
        rv_cli_buffer_add_text(body, (cli->given & RV_OPTION_RELAY) != 0 ? ",\"relay\":true"
                                                                         : ",\"relay\":false");
        rv_cli_buffer_add_text(body, (cli->given & RV_OPTION_ADMIN) != 0 ? ",\"admin\":true"
                                                                         : ",\"admin\":false");
    }
    if (cli->expires != NULL) {
        char text[32];
        if (!duration_read(cli->expires, &seconds)) {
            return false;
        }
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_write_uint(&w, seconds);
        rv_cli_buffer_add_text(body, body->len > 1 ? ",\"expires_in\":" : "\"expires_in\":");
        rv_cli_buffer_add(body, rv_writer_bytes(&w));
    }
    if (cli->grace != NULL) {
        char text[32];
        if (!duration_read(cli->grace, &seconds) && strcmp(cli->grace, "0s") != 0) {
            return false;
        }
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_write_uint(&w, seconds);
        rv_cli_buffer_add_text(body, body->len > 1 ? ",\"grace\":" : "\"grace\":");
        rv_cli_buffer_add(body, rv_writer_bytes(&w));
    }
    RV_ASSERT(body->len > 0);
    rv_cli_buffer_add_text(body, "}");
    return true;
}

/* "/tokens/NAME", with what is no letter or digit as %XX. */
static rv_bytes address(const char *name, uint8_t *text, size_t cap) {
    rv_writer w = rv_writer_over(text, cap);
    rv_write_text(&w, "/tokens/");
    for (size_t i = 0; name[i] != '\0'; i++) {
        const uint8_t c = (uint8_t)name[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (plain) {
            rv_write_u8(&w, c);
        } else {
            rv_write_u8(&w, '%');
            rv_write_hex(&w, rv_bytes_of(&c, 1));
        }
    }
    RV_ASSERT(w.len >= 8);
    return w.full ? RV_LITERAL("/tokens/-") : rv_writer_bytes(&w);
}

/* --- the answers --- */

static void print_secret(const rv_cli *cli, rv_bytes answer) {
    rv_bytes secret = {0};
    rv_bytes name = {0};
    rv_json_text_member(answer, "token", &secret);
    rv_json_text_member(answer, "name", &name);
    RV_ASSERT(answer.len > 0);
    if (cli->json) {
        fwrite(answer.ptr, 1, answer.len, stdout);
        return;
    }
    printf("%.*s\n", (int)secret.len, (const char *)secret.ptr);
    fflush(stdout);
    if (cli->platform->terminal(RV_CLI_ERRORS)) {
        fprintf(stderr, "This is the token of %.*s. It is shown once: the node keeps its hash.\n",
                (int)name.len, (const char *)name.ptr);
    }
}

/* Sends a request that makes or changes a token. */
static int send_wish(rv_cli *cli, const char *method, const char *name, rv_bytes target,
                     rv_cli_buffer *answer) {
    rv_cli_buffer body = {0};
    int code = RV_EXIT_OK;
    if (!write_body(cli, name, &body)) {
        code = rv_cli_usage(cli, "%s", "a duration is written as 90d, 12h, 30m or 45s");
    } else {
        const rv_request request = {.method = rv_bytes_of_string(method),
                                    .target = target,
                                    .content_type = RV_LITERAL("application/json"),
                                    .body = rv_cli_buffer_bytes(&body)};
        code = rv_cli_ask(cli, &request, answer);
    }
    RV_ASSERT(target.len > 0);
    rv_cli_buffer_free(&body);
    return code;
}

int rv_command_token_generate(rv_cli *cli) {
    rv_cli_buffer answer = {0};
    RV_ASSERT(cli->arg_count == 1);
    const int code = send_wish(cli, "POST", cli->args[0], RV_LITERAL("/tokens"), &answer);
    if (code == RV_EXIT_OK) {
        print_secret(cli, rv_cli_buffer_bytes(&answer));
    }
    rv_cli_buffer_free(&answer);
    return code;
}

int rv_command_token_refresh(rv_cli *cli) {
    uint8_t text[512];
    rv_cli_buffer answer = {0};
    RV_ASSERT(cli->arg_count == 1);
    const rv_bytes target = address(cli->args[0], text, sizeof text);
    const int code = send_wish(cli, "POST", NULL, target, &answer);
    if (code == RV_EXIT_OK) {
        print_secret(cli, rv_cli_buffer_bytes(&answer));
    }
    rv_cli_buffer_free(&answer);
    return code;
}

int rv_command_token_change(rv_cli *cli) {
    uint8_t text[512];
    rv_cli_buffer answer = {0};
    RV_ASSERT(cli->arg_count == 1);
    const rv_bytes target = address(cli->args[0], text, sizeof text);
    const int code = send_wish(cli, "PUT", NULL, target, &answer);
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(answer.ptr, 1, answer.len, stdout);
    } else if (code == RV_EXIT_OK) {
        rv_json_text_print(rv_cli_buffer_bytes(&answer), NULL, 0);
    }
    rv_cli_buffer_free(&answer);
    return code;
}

int rv_command_token_revoke(rv_cli *cli) {
    uint8_t text[512];
    rv_cli_buffer answer = {0};
    RV_ASSERT(cli->arg_count == 1);
    const rv_request request = {.method = RV_LITERAL("DELETE"),
                                .target = address(cli->args[0], text, sizeof text)};
    const int code = rv_cli_ask(cli, &request, &answer);
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(answer.ptr, 1, answer.len, stdout);
    } else if (code == RV_EXIT_OK) {
        printf("revoked: %s\n", cli->args[0]);
    }
    rv_cli_buffer_free(&answer);
    return code;
}

static void add_member(rv_table *table, rv_bytes token, const char *name) {
    rv_bytes value;
    rv_cli_buffer text = {0};
    const bool found = rv_json_text_member(token, name, &value);
    RV_ASSERT(name[0] != '\0');
    if (found && rv_bytes_are(value, "true")) {
        rv_cli_buffer_add_text(&text, "yes");
    } else if (found && !rv_bytes_are(value, "false")) {
        rv_json_text_plain(value, &text);
    }
    rv_table_add_cell(table, rv_cli_buffer_bytes(&text));
    rv_cli_buffer_free(&text);
}

int rv_command_token_list(rv_cli *cli) {
    static const char *const columns[] = {"name",  "read",       "write",     "relay",
                                          "admin", "created_at", "expires_at"};
    rv_cli_buffer answer = {0};
    const rv_request request = {.method = RV_LITERAL("GET"), .target = RV_LITERAL("/tokens")};
    const int code = rv_cli_ask(cli, &request, &answer);
    rv_table table = {0};
    RV_ASSERT(cli->arg_count == 0);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        rv_table_add_column(&table, rv_bytes_of_string(columns[i]), false);
    }
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(answer.ptr, 1, answer.len, stdout);
    } else if (code == RV_EXIT_OK) {
        rv_json json = rv_json_over(rv_cli_buffer_bytes(&answer), NULL);
        rv_json_token token;
        rv_error err;
        rv_status status = rv_json_next(&json, &token, &err); /* the bracket */
        status = status == RV_OK ? rv_json_next(&json, &token, &err) : status;
        while (status == RV_OK && token.kind == RV_JSON_OBJECT_BEGIN) { /* goes on by a token */
            rv_bytes one;
            if (rv_json_skip(&json, &token, &one, &err) != RV_OK) {
                break;
            }
            for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
                add_member(&table, one, columns[i]);
            }
            status = rv_json_next(&json, &token, &err);
        }
        rv_table_flush(&table, true);
    }
    rv_table_free(&table);
    rv_cli_buffer_free(&answer);
    return code;
}
