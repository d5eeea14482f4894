/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WASI command: the command line on a data directory below a preopened one. It makes no
 * connections and unpacks nothing; memory is taken once, by memory.grow, when the node is opened.
 *
 *     wasmtime --dir=. rivulet.wasm query 'select count(*) from account' --data crm
 */
#include "cli/cli.h"
#include "platform/posix/posix.h"
#include "wasi/reactor_memory.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define COMMAND_EXCHANGES_MAX 4

/* The one directory that a command opens. */
static rv_posix *files;
static rv_instance database;

static void files_close(void) {
    rv_posix_close(files);
    files = NULL;
}

/* A program that ends in the middle gives the directory free: only a trap or a kill does not. */
static void files_close_at_exit(void) {
    static bool registered;
    if (!registered) {
        registered = atexit(files_close) == 0;
    }
}

static rv_status files_open(const rv_cli_directory_options *options, rv_error *err) {
    RV_ASSERT(options->path != NULL);
    RV_ASSERT(files == NULL);
    if (!options->create && access(options->path, F_OK) != 0) {
        return rv_error_set(err, RV_DATA_NOT_FOUND,
                            "there is no data directory %s in what this module's host has "
                            "preopened",
                            options->path);
    }
    const rv_status status = rv_posix_open(options->path, NULL, &files, err);
    if (status == RV_OK) {
        files_close_at_exit();
    }
    return status;
}

static rv_status database_open(size_t memory, uint64_t sql_steps, rv_error *err) {
    RV_ASSERT(files != NULL);
    const rv_instance_options options = {
        .host = rv_posix_interface(files),
        .memory = rv_reactor_memory_take(memory),
        .budget = {.total = memory, .exchanges_max = COMMAND_EXCHANGES_MAX, .result_count = 1},
        .role = RV_ROLE_STORED,
        .sql_steps_max = sql_steps,
    };
    if (options.memory == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the module's memory cannot grow by %u bytes",
                            (uint64_t)memory);
    }
    rv_status status = rv_instance_create(&database, &options, err);
    while (status == RV_OK && (status = rv_instance_open(&database, err)) == RV_PENDING) {
        status = rv_node_poll(database.node, err);
    }
    return status;
}

static rv_status directory_open(const rv_cli_directory_options *options, rv_instance **instance,
                                rv_error *err) {
    RV_ASSERT(instance != NULL);
    *instance = &database;
    rv_status status = files_open(options, err);
    if (status == RV_OK) {
        status = database_open(options->memory, options->sql_steps, err);
    }
    if (status != RV_OK) {
        rv_instance_forget(&database);
        files_close();
    }
    return status;
}

static rv_status directory_close(rv_instance *instance, rv_error *err) {
    RV_ASSERT(instance == &database);
    RV_ASSERT(files != NULL);
    rv_status status = RV_OK;
    while (status == RV_OK && (status = rv_instance_close(&database, err)) == RV_PENDING) {
        status = rv_node_poll(database.node, err);
    }
    rv_instance_forget(&database);
    files_close();
    return status == RV_END ? RV_OK : status;
}

static bool terminal(int stream) {
    return isatty(stream) != 0;
}

static int64_t now_ms(void) {
    struct timespec ts;
    const int failed = clock_gettime(CLOCK_MONOTONIC, &ts);
    RV_ASSERT(failed == 0);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static const rv_cli_platform wasi_platform = {
    .directory_open = directory_open,
    .directory_close = directory_close,
    .terminal = terminal,
    .now_ms = now_ms,
};

int main(int argc, char **argv) {
    return rv_cli_main(&wasi_platform, argc, argv);
}
