/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of commands, options that mean the same everywhere, exit codes that
 * scripts can use. A command builds a request and shows the answer; everything else is here. It
 * knows C's own library and the request handler; the rest comes from cli/platform.h, so that the
 * native program and the WASI command are one command line.
 */
#ifndef RV_CLI_CLI_H
#define RV_CLI_CLI_H

#include "cli/buffer.h"
#include "cli/platform.h"
#include "cli/token.h"

#define RV_CLI_ARGS_MAX 128 /* an SQL statement and its parameters */

/* Exit codes. */
typedef enum rv_exit {
    RV_EXIT_OK = 0,
    RV_EXIT_ERROR = 1,        /* refused, or failed: the message says why */
    RV_EXIT_USAGE = 2,        /* the command line is wrong, or a value on it (parameter_invalid) */
    RV_EXIT_DAMAGED = 3,      /* the data directory is damaged: the message says where */
    RV_EXIT_UNREACHABLE = 4,  /* the node cannot be reached */
    RV_EXIT_INTERRUPTED = 130 /* ended by Ctrl-C, as shells say it of what a signal ends */
} rv_exit;

/* Options, as bits of what a command takes. */
#define RV_OPTION_DATA         (UINT64_C(1) << 0)
#define RV_OPTION_URL          (UINT64_C(1) << 1)
#define RV_OPTION_JSON         (UINT64_C(1) << 2)
#define RV_OPTION_MEMORY       (UINT64_C(1) << 3)
#define RV_OPTION_LISTEN       (UINT64_C(1) << 4)
#define RV_OPTION_UPSTREAM     (UINT64_C(1) << 5)
#define RV_OPTION_SELECT       (UINT64_C(1) << 6)
#define RV_OPTION_VERBOSE      (UINT64_C(1) << 7)
#define RV_OPTION_EXPECTED     (UINT64_C(1) << 8)
#define RV_OPTION_EVENT_ID     (UINT64_C(1) << 9)
#define RV_OPTION_METADATA     (UINT64_C(1) << 10)
#define RV_OPTION_BATCH        (UINT64_C(1) << 11)
#define RV_OPTION_FROM         (UINT64_C(1) << 12)
#define RV_OPTION_LIMIT        (UINT64_C(1) << 13)
#define RV_OPTION_FOLLOW       (UINT64_C(1) << 14)
#define RV_OPTION_PUBLIC       (UINT64_C(1) << 15)
#define RV_OPTION_ALLOW_ORIGIN (UINT64_C(1) << 16)
#define RV_OPTION_ALLOW_HOST   (UINT64_C(1) << 17)
#define RV_OPTION_HASH         (UINT64_C(1) << 18)
#define RV_OPTION_DURABILITY   (UINT64_C(1) << 19)
#define RV_OPTION_FORGET       (UINT64_C(1) << 20)
#define RV_OPTION_EDGES        (UINT64_C(1) << 21)
#define RV_OPTION_TOKEN        (UINT64_C(1) << 22)
#define RV_OPTION_TOKEN_FILE   (UINT64_C(1) << 23)
#define RV_OPTION_OPEN         (UINT64_C(1) << 24)
#define RV_OPTION_ENTRIES      (UINT64_C(1) << 25) /* --read and --write */
#define RV_OPTION_GRACE        (UINT64_C(1) << 26)
#define RV_OPTION_RELAY        (UINT64_C(1) << 27)
#define RV_OPTION_ADMIN        (UINT64_C(1) << 28)
#define RV_OPTION_EXPIRES      (UINT64_C(1) << 29)
#define RV_OPTION_NARROW       (UINT64_C(1) << 30) /* --type and --where */
#define RV_OPTION_AS_OF        (UINT64_C(1) << 31)
#define RV_OPTION_AFTER        (UINT64_C(1) << 32)
#define RV_OPTION_FROM_NOW     (UINT64_C(1) << 33) /* --from, which takes nothing but now */
#define RV_OPTION_WHOLE        (UINT64_C(1) << 34)
#define RV_OPTION_UNTIL        (UINT64_C(1) << 35)
#define RV_OPTION_ROWS         (UINT64_C(1) << 36)
#define RV_OPTION_SQL_STEPS    (UINT64_C(1) << 37)
#define RV_OPTION_DIFFERENCES  (UINT64_C(1) << 38)
#define RV_OPTION_TLS          (UINT64_C(1) << 39) /* --tls-cert, --tls-key and --upstream-ca */
#define RV_OPTION_CA           (UINT64_C(1) << 40)

/* Of what only a running node can be asked; and of anything. */
#define RV_OPTIONS_RUNNING                                                                         \
    (RV_OPTION_URL | RV_OPTION_JSON | RV_OPTION_TOKEN | RV_OPTION_TOKEN_FILE | RV_OPTION_CA)
#define RV_OPTIONS_NODE (RV_OPTIONS_RUNNING | RV_OPTION_DATA | RV_OPTION_MEMORY)
#define RV_OPTIONS_RIGHTS                                                                          \
    (RV_OPTION_ENTRIES | RV_OPTION_RELAY | RV_OPTION_ADMIN | RV_OPTION_EXPIRES)

/* What a platform can do besides opening a data directory, as bits. */
typedef enum rv_ability {
    RV_ABILITY_CONNECT = 1 << 0,
    RV_ABILITY_SERVE = 1 << 1,
    RV_ABILITY_UNPACK = 1 << 2,
    RV_ABILITY_LOOK = 1 << 3
} rv_ability;

typedef struct rv_command {
    const char *name;      /* one word, or two */
    const char *arguments; /* as usage shows them */
    const char *summary;
    const char *text; /* the page's body: what it does, and an example */
    const char *more; /* more of it, where the platform has `more_needs`; NULL: nothing */
    unsigned more_needs;
    unsigned needs; /* abilities without which there is no such command */
    uint64_t options;
    unsigned args_min;
    unsigned args_max;
    bool creates;       /* with --data: makes the directory when it is missing */
    bool interruptible; /* with --data: Ctrl-C ends what is asked, not the program */
    int (*run)(rv_cli *cli);
} rv_command;

/* The values of an option that may be repeated. */
typedef struct rv_cli_list {
    rv_bytes items[RV_PATTERNS_MAX];
    size_t count;
} rv_cli_list;

struct rv_cli {
    const rv_cli_platform *platform;
    const rv_command *command;
    uint64_t given; /* options that were there */
    const char *data;
    const char *url;
    const char *memory;
    const char *edges;
    const char *listen;
    const char *upstream;
    const char *public_directory;
    const char *expected_version;
    const char *event_id;
    const char *metadata;
    const char *batch;
    const char *from;
    const char *after;
    const char *until;
    const char *as_of;
    const char *statement; /* of SQL that is asked; problems say where in it they are */
    const char *limit;
    const char *rows;
    const char *sql_steps;
    const char *durability;
    const char *forget;
    const char *token;
    const char *token_file;
    const char *ca;
    const char *tls_cert;
    const char *tls_key;
    const char *upstream_ca;
    const char *expires;
    const char *grace;
    rv_cli_list reads;
    rv_cli_list writes;
    bool json;
    bool help;
    rv_cli_list selections;
    rv_cli_list origins;
    rv_cli_list hosts;
    rv_cli_list types;
    const char *where;
    const char *args[RV_CLI_ARGS_MAX];
    size_t arg_count;
    rv_client *client;        /* once a request was sent */
    const uint64_t *accepted; /* events so far, a fact of what fails meanwhile; NULL: of an import
                                 only */
};

/* Runs the command; the exit code. The platform has made writing to a closed pipe an error rather
 * than an end, where that is to be done. */
int rv_cli_main(const rv_cli_platform *platform, int argc, char **argv);

/* Reads options and arguments of the command (cli/options.c). */
RV_MUST_USE rv_status rv_cli_options_read(rv_cli *cli, int argc, char **argv, rv_error *err);

/* Writes the options' part of a help page. */
void rv_cli_options_print(uint64_t options);

/* --- for commands --- */

/* Sends the request, opening the client first; `*http` is the answer's status. An error is shown.
 */
RV_MUST_USE int rv_cli_begin(rv_cli *cli, const rv_request *request, int *http);

/* Sends the request, opening the client first. RV_EXIT_OK, or the exit code of an error that has
 * been shown, a refusal by the node included. */
RV_MUST_USE int rv_cli_send(rv_cli *cli, const rv_request *request);

/* The answer's next piece, until `*over`. Exit code as above. */
RV_MUST_USE int rv_cli_piece(rv_cli *cli, rv_bytes *piece, bool *over);

/* Sends, and collects the whole answer. */
RV_MUST_USE int rv_cli_ask(rv_cli *cli, const rv_request *request, rv_cli_buffer *body);

/* Shows an error on stderr; the exit code for it. */
int rv_cli_fail(const rv_cli *cli, const rv_error *err);

/* A feed has ended that was to go on, which is shown; the exit code for it. */
int rv_cli_feed_ended(const rv_cli *cli);

/* As rv_cli_fail, for a mistake on the command line. */
int rv_cli_usage(const rv_cli *cli, const char *format, const char *what);

/* Hands on what was printed; where that fails, the command line says so in the end, but for a pipe
 * that nobody reads. */
void rv_cli_flush(void);

/* True when the text, or none, ends no header that it goes into. */
bool rv_cli_header_safe(const char *text);

/* Reads a whole file, or standard input for "-". */
RV_MUST_USE int rv_cli_read_file(const rv_cli *cli, const char *name, rv_cli_buffer *content);

/* The token for a running node; empty: none was given. Stays until the next call.
 * RV_PARAMETER_INVALID, RV_DATA_NOT_FOUND (its file). */
RV_MUST_USE rv_status rv_cli_token_read(const rv_cli *cli, rv_bytes *token, rv_error *err);

/* The number of `--sql-steps`; 0: it is not there. RV_PARAMETER_INVALID. */
RV_MUST_USE rv_status rv_cli_sql_steps_read(const rv_cli *cli, uint64_t *steps, rv_error *err);

/* --- the commands --- */

int rv_command_schema_apply(rv_cli *cli);
int rv_command_schema_check(rv_cli *cli);
int rv_command_schema_diff(rv_cli *cli);
int rv_command_schema_show(rv_cli *cli);
int rv_command_append(rv_cli *cli);
int rv_command_import(rv_cli *cli);
int rv_command_read(rv_cli *cli);
int rv_command_query(rv_cli *cli);
int rv_command_watch(rv_cli *cli);
int rv_command_changes(rv_cli *cli);
int rv_command_status(rv_cli *cli);
int rv_command_pending(rv_cli *cli);
int rv_command_select(rv_cli *cli);
int rv_command_rejections(rv_cli *cli);
int rv_command_restored(rv_cli *cli);
int rv_command_doctor(rv_cli *cli);
int rv_command_token_generate(rv_cli *cli);
int rv_command_token_list(rv_cli *cli);
int rv_command_token_revoke(rv_cli *cli);
int rv_command_token_refresh(rv_cli *cli);
int rv_command_token_change(rv_cli *cli);

#endif
