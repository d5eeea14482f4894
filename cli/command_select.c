/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet select`: what an edge holds, and is to hold. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>

/* The arguments as an array of texts. False: they are too long for a request. */
static bool write_entries(const rv_cli *cli, rv_cli_buffer *body) {
    static uint8_t text[RV_SELECTION_LEN_MAX * 2];
    rv_writer w = rv_writer_over(text, sizeof text);
    RV_ASSERT(cli->arg_count > 0);
    for (size_t i = 0; i < cli->arg_count; i++) {
        rv_write_u8(&w, i == 0 ? '[' : ',');
        rv_write_json_string(&w, rv_bytes_of_string(cli->args[i]));
    }
    rv_write_u8(&w, ']');
    rv_cli_buffer_add(body, rv_writer_bytes(&w));
    return !w.full;
}

/* The texts of an array, a line each. */
static void print_entries(const char *before, rv_bytes array) {
    static uint8_t memory[RV_PATH_LEN_MAX * 2];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_json json = rv_json_over(array, &scratch);
    rv_json_token token;
    rv_error err;
    rv_status status = rv_json_next(&json, &token, &err); /* the bracket */
    RV_ASSERT(before != NULL);
    while (status == RV_OK) { /* each turn reads a text */
        rv_arena_reset(&scratch, 0);
        status = rv_json_next(&json, &token, &err);
        if (status != RV_OK || token.kind != RV_JSON_STRING) {
            break;
        }
        printf("%s%.*s\n", before, (int)token.text.len, (const char *)token.text.ptr);
    }
}

static void print(rv_bytes answer) {
    rv_bytes held = {NULL, 0};
    rv_bytes wanted = {NULL, 0};
    rv_bytes whole = {NULL, 0};
    rv_bytes refused = {NULL, 0};
    rv_bytes detail = {NULL, 0};
    rv_json_text_member(answer, "selection", &held);
    rv_json_text_member(answer, "wanted", &wanted);
    rv_json_text_member(answer, "whole", &whole);
    rv_json_text_member(answer, "refused", &refused);
    RV_ASSERT(answer.len > 0);
    puts(rv_bytes_are(whole, "true") ? "held:" : "held (not whole yet):");
    print_entries("  ", held);
    if (!rv_bytes_equal(held, wanted)) {
        puts("wanted:");
        print_entries("  ", wanted);
    }
    if (refused.len > 0 && !rv_bytes_are(refused, "null") &&
        rv_json_text_member(refused, "detail", &detail)) {
        printf("the upstream refused the last selection: %.*s\n", (int)detail.len,
               (const char *)detail.ptr);
    }
}

int rv_command_select(rv_cli *cli) {
    rv_cli_buffer entries = {0};
    rv_cli_buffer answer = {0};
    const bool put = cli->arg_count > 0;
    if (put && !write_entries(cli, &entries)) {
        rv_cli_buffer_free(&entries);
        return rv_cli_usage(cli, "%s", "the entries are too long for a selection");
    }
    const rv_request request = {
        .method = put ? RV_LITERAL("PUT") : RV_LITERAL("GET"),
        .target = RV_LITERAL("/selection"),
        .content_type = put ? RV_LITERAL("application/json") : (rv_bytes){NULL, 0},
        .body = rv_cli_buffer_bytes(&entries),
    };
    const int code = rv_cli_ask(cli, &request, &answer);
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(answer.ptr, 1, answer.len, stdout);
    } else if (code == RV_EXIT_OK) {
        print(rv_cli_buffer_bytes(&answer));
    }
    rv_cli_buffer_free(&entries);
    rv_cli_buffer_free(&answer);
    return code;
}
