/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet restored`. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>

int rv_command_restored(rv_cli *cli) {
    RV_ASSERT(cli->arg_count == 0);
    rv_cli_buffer body = {0};
    const rv_request request = {.method = RV_LITERAL("POST"), .target = RV_LITERAL("/epoch")};
    const int code = rv_cli_ask(cli, &request, &body);
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(body.ptr, 1, body.len, stdout);
    } else if (code == RV_EXIT_OK) {
        const rv_bytes answer = rv_cli_buffer_bytes(&body);
        rv_bytes epoch = {0};
        rv_bytes position = {0};
        rv_json_text_member(answer, "epoch", &epoch);
        rv_json_text_member(answer, "position", &position);
        printf("epoch %.*s begins behind position %.*s; edges go back to what both have and push "
               "again what they wrote since\n",
               (int)epoch.len, (const char *)epoch.ptr, (int)position.len,
               (const char *)position.ptr);
    }
    rv_cli_buffer_free(&body);
    return code;
}
