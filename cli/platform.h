/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a platform brings to the command line: everything that C's own library does not have. The
 * native program and the WASI command give one such struct each to rv_cli_main; a command, an
 * option or a line of help that needs what a platform leaves out is not shown there, and is refused
 * with `unsupported`.
 */
#ifndef RV_CLI_PLATFORM_H
#define RV_CLI_PLATFORM_H

#include "cli/client.h"
#include "cli/input.h"
#include "cli/look.h"

typedef struct rv_cli rv_cli;

/* Standard streams. */
#define RV_CLI_OUTPUT 1
#define RV_CLI_ERRORS 2

typedef struct rv_cli_directory_options {
    const char *path;
    bool create; /* make the directory when it is missing */
    size_t memory;
    uint64_t sql_steps; /* the most that a query may take; 0: without a limit */
    bool interruptible; /* a request ends when the platform is `interrupted` */
} rv_cli_directory_options;

typedef struct rv_cli_platform {
    /* Opens the data directory in this process, polling until its node is open; a damaged one opens
     * for reading, with the instance's `damage` set. At most one is open at a time. */
    rv_status (*directory_open)(const rv_cli_directory_options *options, rv_instance **instance,
                                rv_error *err);
    /* Hands what has finished on its host back, for the next poll to take; with `wait` it first
     * waits for something, if anything is under way. NULL: every operation is done in the call that
     * polls. */
    void (*directory_turn)(rv_instance *instance, bool wait);
    /* Flushes, seals and closes it. */
    rv_status (*directory_close)(rv_instance *instance, rv_error *err);

    /* True when Ctrl-C was pressed since the first call, from which on that does not end the
     * program; the second time it does. NULL: there is nothing of the kind. */
    bool (*interrupted)(void);

    /* Connects to a running node. NULL: there are no connections, and no --url.
     * RV_NODE_UNREACHABLE; RV_CERTIFICATE_UNTRUSTED: what it shows, over TLS; RV_PARAMETER_INVALID
     * (the address, or the file of certificates); RV_DATA_NOT_FOUND (the same file). */
    rv_status (*connect)(rv_client **client, const rv_client_options *options, rv_error *err);

    /* The command `serve`; the exit code. NULL: there are no servers. */
    int (*serve)(rv_cli *cli);

    /* Reads files that may be packed. NULL: as they are (cli/input.h). */
    const rv_input_ops *unpack;

    /* Looks at a data directory without changing it (cli/look.h). NULL: there is no `doctor`. */
    const rv_look_ops *look;

    /* Whether a standard stream, RV_CLI_OUTPUT or RV_CLI_ERRORS, is a terminal. */
    bool (*terminal)(int stream);

    /* Milliseconds of a clock that only goes forward. */
    int64_t (*now_ms)(void);
} rv_cli_platform;

#endif
