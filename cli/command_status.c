/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet status`. */
#include "cli/cli.h"
#include "cli/json_text.h"

#include <stdio.h>

int rv_command_status(rv_cli *cli) {
    static const char *const first[] = {"role",     "position", "whole", "read_only",
                                        "upstream", "outbox",   "leases"};
    RV_ASSERT(cli->arg_count == 0);
    rv_cli_buffer body = {0};
    const bool hash = (cli->given & RV_OPTION_HASH) != 0;
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target =
                                    hash ? RV_LITERAL("/status?hash=true") : RV_LITERAL("/status")};
    const int code = rv_cli_ask(cli, &request, &body);
    if (code == RV_EXIT_OK && cli->json) {
        fwrite(body.ptr, 1, body.len, stdout);
    } else if (code == RV_EXIT_OK) {
        rv_json_text_print(rv_cli_buffer_bytes(&body), first, sizeof first / sizeof *first);
    }
    rv_cli_buffer_free(&body);
    return code;
}
