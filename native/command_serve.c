/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet serve`. */
#include "native/command.h"
#include "native/daemon.h"
#include "native/limits.h"

#include <strings.h>

/* Reads how many edges are to be served; NULL: 0, as many as without saying so. */
static bool edges_read(const char *text, uint32_t *edges) {
    RV_ASSERT(edges != NULL);
    *edges = 0;
    if (text == NULL) {
        return true;
    }
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9' || *edges > RV_EDGES_MAX) {
            return false;
        }
        *edges = *edges * 10 + (uint32_t)(text[i] - '0');
    }
    return *edges > 0 && *edges <= RV_EDGES_MAX;
}

int rv_native_serve(rv_cli *cli) {
    RV_ASSERT(cli->data != NULL);
    rv_error err;
    size_t memory = RV_MEMORY_DEFAULT;
    if (cli->memory != NULL && rv_budget_parse(cli->memory, &memory, &err) != RV_OK) {
        return rv_cli_usage(cli, "%s", err.detail);
    }
    uint32_t edges = 0;
    RV_STATIC_ASSERT(RV_EDGES_MAX == 16384, "the message below says so");
    if (!edges_read(cli->edges, &edges)) {
        return rv_cli_usage(cli, "--edges is a number from 1 to %s", "16384");
    }
    uint64_t sql_steps = 0;
    if (rv_cli_sql_steps_read(cli, &sql_steps, &err) != RV_OK) {
        return rv_cli_usage(cli, "%s", err.detail);
    }
    if (cli->upstream == NULL && cli->selections.count > 0) {
        return rv_cli_usage(cli, "%s", "--select is what an edge holds: it needs --upstream");
    }
    if (cli->upstream == NULL && cli->token_file != NULL) {
        return rv_cli_usage(cli, "%s", "--token-file is for the upstream: it needs --upstream");
    }
    if ((cli->tls_cert == NULL) != (cli->tls_key == NULL)) {
        return rv_cli_usage(cli, "%s", "--tls-cert and --tls-key belong together: give both");
    }
    if (cli->upstream_ca != NULL &&
        (cli->upstream == NULL || strncasecmp(cli->upstream, "wss://", 6) != 0)) {
        return rv_cli_usage(cli, "%s", "--upstream-ca is for an --upstream of wss://");
    }
    const rv_daemon_options options = {
        .directory = cli->data,
        .listen = cli->listen == NULL ? "127.0.0.1:5678" : cli->listen,
        .upstream = cli->upstream,
        .token_file = cli->token_file,
        .ca_file = cli->upstream_ca,
        .cert_file = cli->tls_cert,
        .key_file = cli->tls_key,
        .patterns = cli->selections.items,
        .pattern_count = cli->selections.count,
        .public_directory = cli->public_directory,
        .access = {.origins = cli->origins.items,
                   .origin_count = cli->origins.count,
                   .hosts = cli->hosts.items,
                   .host_count = cli->hosts.count},
        .memory = memory,
        .edges_max = edges,
        .sql_steps_max = sql_steps,
        .open = (cli->given & RV_OPTION_OPEN) != 0,
        .verbose = (cli->given & RV_OPTION_VERBOSE) != 0,
    };
    const rv_status status = rv_daemon_run(&options, &err);
    return status == RV_OK ? RV_EXIT_OK : rv_cli_fail(cli, &err);
}
