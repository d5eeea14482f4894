/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet schema apply | check | show`; diff has a file of its own. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>

static int post(rv_cli *cli, const char *target, const char *done) {
    RV_ASSERT(cli->arg_count == 1);
    rv_cli_buffer text = {0};
    rv_cli_buffer body = {0};
    int code = rv_cli_read_file(cli, cli->args[0], &text);
    if (code == RV_EXIT_OK) {
        const rv_request request = {
            .method = RV_LITERAL("POST"),
            .target = rv_bytes_of_string(target),
            .content_type = RV_LITERAL("text/plain"),
            .body = rv_cli_buffer_bytes(&text),
        };
        code = rv_cli_ask(cli, &request, &body);
    }
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(body.ptr, 1, body.len, stdout);
    } else if (code == RV_EXIT_OK) {
        rv_bytes version;
        rv_json_text_member(rv_cli_buffer_bytes(&body), "version", &version);
        printf("%s; the schema is at version %.*s\n", done, (int)version.len,
               (const char *)version.ptr);
    }
    rv_cli_buffer_free(&text);
    rv_cli_buffer_free(&body);
    return code;
}

int rv_command_schema_apply(rv_cli *cli) {
    const bool whole = (cli->given & RV_OPTION_WHOLE) != 0;
    return post(cli, whole ? "/schema?whole=true" : "/schema", "applied");
}

int rv_command_schema_check(rv_cli *cli) {
    return post(cli, "/schema?check=1", "can be applied");
}

int rv_command_schema_show(rv_cli *cli) {
    rv_cli_buffer body = {0};
    const rv_request request = {
        .method = RV_LITERAL("GET"),
        .target = RV_LITERAL("/schema"),
        .accept = cli->json ? RV_LITERAL("application/json") : RV_LITERAL("text/plain"),
    };
    const int code = rv_cli_ask(cli, &request, &body);
    if (code == RV_EXIT_OK) {
        fwrite(body.ptr, 1, body.len, stdout);
    }
    rv_cli_buffer_free(&body);
    return code;
}
