/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet serve`. */
#include "native/command.h"
#include "native/daemon.h"

int rv_native_serve(rv_cli *cli) {
    RV_ASSERT(cli->data != NULL);
    rv_error err;
    size_t memory = RV_MEMORY_DEFAULT;
    if (cli->memory != NULL && rv_budget_parse(cli->memory, &memory, &err) != RV_OK) {
        return rv_cli_usage(cli, "%s", err.detail);
    }
    if (cli->upstream == NULL && cli->selections.count > 0) {
        return rv_cli_usage(cli, "%s", "--select is what an edge holds: it needs --upstream");
    }
    const rv_daemon_options options = {
        .directory = cli->data,
        .listen = cli->listen == NULL ? "127.0.0.1:5678" : cli->listen,
        .upstream = cli->upstream,
        .patterns = cli->selections.items,
        .pattern_count = cli->selections.count,
        .public_directory = cli->public_directory,
        .access = {.origins = cli->origins.items,
                   .origin_count = cli->origins.count,
                   .hosts = cli->hosts.items,
                   .host_count = cli->hosts.count},
        .memory = memory,
        .verbose = (cli->given & RV_OPTION_VERBOSE) != 0,
    };
    const rv_status status = rv_daemon_run(&options, &err);
    return status == RV_OK ? RV_EXIT_OK : rv_cli_fail(cli, &err);
}
