/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "cli/client_local.h"
#include "cli/problem_text.h"
#include "core/model/schema_nearest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int command_serve(rv_cli *cli) {
    RV_ASSERT(cli->platform->serve != NULL);
    return cli->platform->serve(cli);
}

static const rv_command commands[] = {
    {.name = "serve",
     .arguments = "",
     .summary = "run a node: a root, or with --upstream an edge",
     .text = "Serves the data directory over HTTP until SIGTERM or SIGINT, then flushes and seals "
             "it.\n"
             "One line on standard output tells when it is ready.\n\n"
             "  rivulet serve --data crm --listen 127.0.0.1:5678\n"
             "  rivulet serve --data shop --listen 127.0.0.1:0 \\\n"
             "      --upstream ws://127.0.0.1:5678 --select '/orders/*'\n"
             "  rivulet serve --data crm --listen 0.0.0.0:443 \\\n"
             "      --tls-cert fullchain.pem --tls-key privkey.pem\n",
     .needs = RV_ABILITY_SERVE,
     .options = RV_OPTION_DATA | RV_OPTION_LISTEN | RV_OPTION_UPSTREAM | RV_OPTION_SELECT |
                RV_OPTION_MEMORY | RV_OPTION_EDGES | RV_OPTION_PUBLIC | RV_OPTION_ALLOW_ORIGIN |
                RV_OPTION_ALLOW_HOST | RV_OPTION_VERBOSE | RV_OPTION_OPEN | RV_OPTION_TOKEN_FILE |
                RV_OPTION_SQL_STEPS | RV_OPTION_TLS,
     .creates = true,
     .run = command_serve},
    {.name = "schema apply",
     .arguments = "FILE",
     .summary = "add statements to the schema",
     .text = "Adds the statements of FILE (- for standard input) to the node's schema, all or "
             "none.\n\n"
             "  rivulet schema apply crm.sql --data crm\n\n"
             "With --whole FILE has the whole schema, and can be applied again and again: what the "
             "node has\n"
             "already is passed over, and refused if it is declared otherwise, or if the node has "
             "more.\n",
     .options = RV_OPTIONS_NODE | RV_OPTION_WHOLE,
     .args_min = 1,
     .args_max = 1,
     .creates = true,
     .run = rv_command_schema_apply},
    {.name = "schema check",
     .arguments = "FILE",
     .summary = "say whether statements could be added",
     .text = "Reads the statements of FILE (- for standard input) against the node's schema and "
             "changes\n"
             "nothing.\n\n"
             "  rivulet schema check crm.sql --data crm\n",
     .more = "  rivulet schema check crm.sql --url http://127.0.0.1:5678\n",
     .more_needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE,
     .args_min = 1,
     .args_max = 1,
     .run = rv_command_schema_check},
    {.name = "schema diff",
     .arguments = "FILE",
     .summary = "say what statements would add",
     .text = "Compares the statements of FILE (- for standard input) with the node's schema, and "
             "prints those\n"
             "that the node does not have, what is declared otherwise there, and what the node has "
             "beyond\n"
             "them. Changes nothing; exits with 1 when something is declared otherwise.\n\n"
             "  rivulet schema diff crm.sql --data crm\n",
     .more = "  rivulet schema diff crm.sql --url http://127.0.0.1:5678\n",
     .more_needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE,
     .args_min = 1,
     .args_max = 1,
     .run = rv_command_schema_diff},
    {.name = "schema show",
     .arguments = "",
     .summary = "print the schema",
     .text = "Prints the schema as statements; with --json with its version and hash.\n\n"
             "  rivulet schema show --data crm\n",
     .options = RV_OPTIONS_NODE,
     .run = rv_command_schema_show},
    {.name = "append",
     .arguments = "PATH TYPE JSON",
     .summary = "append one event",
     .text = "Appends an event of TYPE with the fields in JSON to the stream PATH (or, where the "
             "key is in\n"
             "the data or still to be assigned, to the stream's name) and prints it as accepted. "
             "JSON may\n"
             "be - for standard input.\n\n"
             "  rivulet append /accounts/1 money_withdrawn '{\"amount\": \"12.50\"}' \\\n"
             "      --expected-version 3 --data crm\n\n"
             "At an edge the event waits in the outbox for the root's decision (rivulet pending), "
             "and the\n"
             "command returns at once. With --durability upstream it returns when the root has "
             "decided; or at\n"
             "once, with exit code 0, where there is no connection: what it prints says which it "
             "was.\n",
     .options = RV_OPTIONS_NODE | RV_OPTION_EXPECTED | RV_OPTION_EVENT_ID | RV_OPTION_METADATA |
                RV_OPTION_DURABILITY,
     .args_min = 3,
     .args_max = 3,
     .run = rv_command_append},
    {.name = "import",
     .arguments = "FILE",
     .summary = "append the events of a file",
     .text = "Appends the events of an NDJSON file (- for standard input): a JSON object a line "
             "with\n"
             "\"path\" (or \"stream\"), \"type\" and \"data\". Events go in atomic batches; at the "
             "first that\n"
             "is refused it stops, says which line, and how many were appended before.\n\n"
             "  rivulet import loans.ndjson --data loans\n",
     .more = "  rivulet import loans.ndjson.gz --data loans\n\n"
             "What gzip has packed is unpacked on the way.\n",
     .more_needs = RV_ABILITY_UNPACK,
     .options = RV_OPTIONS_NODE | RV_OPTION_BATCH,
     .args_min = 1,
     .args_max = 1,
     .run = rv_command_import},
    {.name = "read",
     .arguments = "PATTERN",
     .summary = "print events",
     .text = "Prints the events of the streams that PATTERN selects (a path; * is one segment, ** "
             "the\n"
             "rest), in the order they came; or, without the first slash, of one stream, as append "
             "names it.\n"
             "With --json one JSON object a line.\n\n"
             "  rivulet read '/accounts/**' --from 100 --limit 20 --data crm\n"
             "  rivulet read '/accounts/**' --from 2026-06-01 --until 2026-07-01 --data crm\n",
     .more = "  rivulet read /accounts/1 --follow --url http://127.0.0.1:5678\n\n"
             "With --follow --json each has a `cursor`: --after CURSOR goes on behind that event, "
             "and misses\n"
             "nothing. --from its position and 1 does so at a root only: an edge can be sent "
             "events with lower\n"
             "positions than it has been sent.\n",
     .more_needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE | RV_OPTION_FROM | RV_OPTION_AFTER | RV_OPTION_UNTIL |
                RV_OPTION_AS_OF | RV_OPTION_LIMIT | RV_OPTION_FOLLOW | RV_OPTION_NARROW,
     .args_min = 1,
     .args_max = 1,
     .run = rv_command_read},
    {.name = "query",
     .arguments = "SQL [PARAMETER…]",
     .summary = "ask the aggregates in SQL",
     .text = "Runs one SELECT over the aggregates. Parameters take the places of ? in turn: "
             "numbers, true,\n"
             "false, null and \"quoted\" strings are taken as JSON, everything else as text.\n\n"
             "  rivulet query 'select * from account where balance > ?' 100 --data crm\n"
             "  rivulet query 'select * from account' --as-of 2026-06-01 --data crm\n\n"
             "With --data it may take as long as it takes, unless --sql-steps says how much is too "
             "much; ^C\n"
             "ends it and closes the directory.\n",
     .options = RV_OPTIONS_NODE | RV_OPTION_AS_OF | RV_OPTION_ROWS | RV_OPTION_SQL_STEPS,
     .interruptible = true,
     .args_min = 1,
     .args_max = RV_CLI_ARGS_MAX,
     .run = rv_command_query},
    {.name = "watch",
     .arguments = "SQL [PARAMETER…]",
     .summary = "show a query's result, and each other one that it comes to have",
     .text =
         "Follows one SELECT over the aggregates of a running node: on a terminal its result is "
         "drawn\n"
         "again when it is another one; elsewhere, or with --json, each is a line of JSON. Ends "
         "with ^C.\n\n"
         "  rivulet watch 'select plan, count(*) n from account group by plan' \\\n"
         "      --url http://127.0.0.1:5678\n\n"
         "With --differences the first line has the result, and each other one the rows that go "
         "(`removed`,\n"
         "by their places in the result before) and those that come (`added`), or again all of "
         "it.\n",
     .needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_RUNNING | RV_OPTION_ROWS | RV_OPTION_DIFFERENCES,
     .args_min = 1,
     .args_max = RV_CLI_ARGS_MAX,
     .run = rv_command_watch},
    {.name = "changes",
     .arguments = "AGGREGATE [CONDITION]",
     .summary = "show an aggregate's rows, and what becomes of them",
     .text = "Follows the rows of an aggregate of a running node, those for which CONDITION holds: "
             "first the\n"
             "rows, then each insert, update and delete, and what enters or leaves the condition, "
             "as lines of\n"
             "JSON; a line with \"step\" ends what belongs together. With --from now only what "
             "comes.\n\n"
             "  rivulet changes account 'balance > 100' --url http://127.0.0.1:5678\n",
     .needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_RUNNING | RV_OPTION_FROM_NOW,
     .args_min = 1,
     .args_max = 2,
     .run = rv_command_changes},
    {.name = "status",
     .arguments = "",
     .summary = "show what the node is and holds",
     .text =
         "Shows role, position, rows, memory, leased keys and, on an edge, outbox and upstream; "
         "with\n--hash the hash of the state, which is equal on all nodes that hold the same.\n\n"
         "  rivulet status --json --data crm\n",
     .more = "  rivulet status --json --url http://127.0.0.1:5678\n",
     .more_needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE | RV_OPTION_HASH,
     .run = rv_command_status},
    {.name = "select",
     .arguments = "[ENTRY…]",
     .summary = "show what an edge holds, or have it hold something else",
     .text = "Without entries: lists what the edge holds, and what it is to hold if that is "
             "something else.\n"
             "With entries, as --select of serve takes them: the edge is to hold that instead. It "
             "shows what\n"
             "it holds now until all of the new selection has come from its upstream.\n\n"
             "  rivulet select --data shop '/orders/* history none' '/customers/42/**'\n",
     .more = "  rivulet select --url http://127.0.0.1:5678\n",
     .more_needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE,
     .args_max = RV_PATTERNS_MAX,
     .run = rv_command_select},
    {.name = "pending",
     .arguments = "",
     .summary = "list what an edge has written and the root has not decided",
     .text = "Lists the batches of the outbox, an event a line: waiting (to be decided), suspended "
             "(it would\n"
             "break a constraint after what the root accepted since; the root decides all the "
             "same), or\n"
             "accepted (and not here yet).\n\n"
             "  rivulet pending --data shop\n",
     .more = "  rivulet pending --json --url http://127.0.0.1:5678\n",
     .more_needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE,
     .run = rv_command_pending},
    {.name = "rejections",
     .arguments = "",
     .summary = "list what the root refused of an edge, or take note of it",
     .text = "Lists the batches that the root has refused, with the reason. They are kept until "
             "--forget, with\n"
             "the id of an event, says that somebody has taken note.\n\n"
             "  rivulet rejections --data shop\n",
     .more = "  rivulet rejections --forget 0193a5d0-… --url http://127.0.0.1:5678\n",
     .more_needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE | RV_OPTION_FORGET,
     .run = rv_command_rejections},
    {.name = "restored",
     .arguments = "",
     .summary = "say that a root was restored from a backup",
     .text = "Begins a new epoch of the root's log. Say so once, when the data directory of a root "
             "was put back\n"
             "to an older copy: its edges then go back to the last position that both have, and "
             "push again what\n"
             "they wrote since. Blocks of serial keys that edges had are void.\n\n"
             "  rivulet restored --data crm\n",
     .more = "  rivulet restored --url http://127.0.0.1:5678\n",
     .more_needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE,
     .run = rv_command_restored},
    {.name = "token generate",
     .arguments = "NAME",
     .summary = "make a token, which says who may do what",
     .text =
         "Makes a token of NAME and prints it, once: the node keeps a hash of it. From the first "
         "token on,\n"
         "a node answers nobody without one; so begin with an administrator's.\n\n"
         "  rivulet token generate root --admin --data crm\n"
         "  rivulet token generate till-7 --read '/shops/7/**' --write '/shops/7/orders/*' "
         "--expires 90d \\\n"
         "      --data crm\n",
     .more = "  rivulet token generate ada --read '/**' --read 'aggregate *' \\\n"
             "      --url http://127.0.0.1:5678 --token-file root.token\n",
     .more_needs = RV_ABILITY_CONNECT,
     .needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE | RV_OPTIONS_RIGHTS,
     .args_min = 1,
     .args_max = 1,
     .creates = true,
     .run = rv_command_token_generate},
    {.name = "token list",
     .arguments = "",
     .summary = "list tokens, without their secrets",
     .text = "Lists who may do what, and until when.\n\n"
             "  rivulet token list --data crm\n",
     .needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE,
     .run = rv_command_token_list},
    {.name = "token refresh",
     .arguments = "NAME",
     .summary = "give a token a new secret",
     .text =
         "Prints a new secret for the token of NAME; the old one is good for a minute more "
         "(--grace), "
         "so that\n"
         "whoever has it gets the new one without an interruption. Its rights stay, unless others "
         "are\n"
         "given, and it is good for as long as it was to be at first.\n\n"
         "  rivulet token refresh till-7 --data crm\n",
     .needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE | RV_OPTIONS_RIGHTS | RV_OPTION_GRACE,
     .args_min = 1,
     .args_max = 1,
     .run = rv_command_token_refresh},
    {.name = "token change",
     .arguments = "NAME",
     .summary = "give a token other rights",
     .text =
         "The token of NAME, whose secret stays, has the rights that are given from now on, and "
         "no others.\n\n"
         "  rivulet token change till-7 --read '/shops/7/**' --data crm\n",
     .needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE | RV_OPTIONS_RIGHTS,
     .args_min = 1,
     .args_max = 1,
     .run = rv_command_token_change},
    {.name = "token revoke",
     .arguments = "NAME",
     .summary = "take a token back",
     .text = "The token of NAME is not good any more, at once.\n\n"
             "  rivulet token revoke till-7 --data crm\n",
     .needs = RV_ABILITY_CONNECT,
     .options = RV_OPTIONS_NODE,
     .args_min = 1,
     .args_max = 1,
     .run = rv_command_token_revoke},
    {.name = "doctor",
     .arguments = "",
     .summary = "look for damage in a data directory",
     .text = "Reads every file of the data directory, which no node may have open, and changes "
             "nothing.\n"
             "Says what is damaged and where, what is intact, and what can be done. Exits with 0 "
             "when it\n"
             "is intact (a torn tail is, and is told), with 3 when anything is damaged.\n\n"
             "  rivulet doctor --data crm\n",
     .needs = RV_ABILITY_LOOK,
     .options = RV_OPTION_DATA | RV_OPTION_JSON,
     .run = rv_command_doctor},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

/* --- what there is --- */

static unsigned abilities(const rv_cli_platform *platform) {
    RV_ASSERT(platform->directory_open != NULL && platform->directory_close != NULL);
    RV_ASSERT(platform->terminal != NULL && platform->now_ms != NULL);
    return (platform->connect == NULL ? 0u : RV_ABILITY_CONNECT) |
           (platform->serve == NULL ? 0u : RV_ABILITY_SERVE) |
           (platform->unpack == NULL ? 0u : RV_ABILITY_UNPACK) |
           (platform->look == NULL ? 0u : RV_ABILITY_LOOK);
}

static bool has(const rv_cli *cli, unsigned needs) {
    return (needs & ~abilities(cli->platform)) == 0;
}

/* --- help --- */

static void print_overview(const rv_cli *cli, FILE *out) {
    fprintf(out, "Rivulet " RV_VERSION_TEXT ", an event-sourcing database for the edge\n\n"
                 "usage: rivulet COMMAND [OPTION…] [ARGUMENT…]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (has(cli, commands[i].needs)) {
            fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].summary);
        }
    }
    fprintf(out, "\n`rivulet COMMAND --help` tells more. Exit codes: 0 done, 1 refused or failed, "
                 "2 wrong\nusage, 3 damaged data directory, 4 node cannot be reached.\n");
}

static void print_page(const rv_cli *cli) {
    const rv_command *const command = cli->command;
    RV_ASSERT(command->text != NULL);
    printf("usage: rivulet %s [OPTION…] %s\n\n%s", command->name, command->arguments,
           command->text);
    if (command->more != NULL && has(cli, command->more_needs)) {
        fputs(command->more, stdout);
    }
    const uint64_t connected = RV_OPTION_URL | RV_OPTION_FOLLOW | RV_OPTION_AFTER |
                               RV_OPTION_TOKEN | RV_OPTION_TOKEN_FILE | RV_OPTION_CA;
    rv_cli_options_print(has(cli, RV_ABILITY_CONNECT) ? command->options
                                                      : command->options & ~connected);
}

/* Whether `word` is the first of the command's two. */
static bool is_of_group(const rv_command *command, const char *word) {
    const size_t len = strlen(word);
    return strncmp(command->name, word, len) == 0 && command->name[len] == ' ';
}

static bool is_group(const char *word) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (is_of_group(&commands[i], word)) {
            return true;
        }
    }
    return false;
}

static void print_group(const rv_cli *cli, const char *word, FILE *out) {
    RV_ASSERT(is_group(word));
    fprintf(out, "usage: rivulet %s COMMAND [OPTION…] [ARGUMENT…]\n\n", word);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (is_of_group(&commands[i], word) && has(cli, commands[i].needs)) {
            fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].summary);
        }
    }
    fprintf(out, "\n`rivulet %s COMMAND --help` tells more.\n", word);
}

/* What may be meant by words that are no command: a whole name, its first word, or the name that
 * has them as its second. */
static rv_bytes nearest_command(const rv_cli *cli, const char *words) {
    rv_nearest nearest = rv_nearest_to(rv_bytes_of_string(words));
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const rv_bytes name = rv_bytes_of_string(commands[i].name);
        const char *const space = strchr(commands[i].name, ' ');
        const size_t first = space == NULL ? name.len : (size_t)(space - commands[i].name);
        if (has(cli, commands[i].needs)) {
            rv_nearest_offer(&nearest, name);
            rv_nearest_offer(&nearest, rv_bytes_of(name.ptr, first));
            rv_nearest_offer(&nearest, rv_bytes_from(name, space == NULL ? 0 : first + 1));
        }
    }
    for (size_t i = 0; i < COMMAND_COUNT && nearest.best.len > 0; i++) {
        const rv_bytes name = rv_bytes_of_string(commands[i].name);
        if (nearest.best.ptr > name.ptr && nearest.best.ptr < name.ptr + name.len) {
            return name;
        }
    }
    return nearest.best;
}

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The words behind the program's name are no command. */
static int no_command(const rv_cli *cli, int argc, char **argv) {
    char words[64];
    const bool group = is_group(argv[1]);
    const bool two = group && argc > 2 && argv[2][0] != '-';
    if (group && !two) {
        const bool help = argc > 2 && is_help(argv[2]);
        print_group(cli, argv[1], help ? stdout : stderr);
        return help ? RV_EXIT_OK : RV_EXIT_USAGE;
    }
    (void)snprintf(words, sizeof words, "%s%s%s", argv[1], two ? " " : "", two ? argv[2] : "");
    const rv_bytes nearest = nearest_command(cli, words);
    fprintf(stderr, "rivulet: `%s` is not a command", words);
    if (nearest.len > 0) {
        fprintf(stderr, "; did you mean `%.*s`?\n", (int)nearest.len, (const char *)nearest.ptr);
        return RV_EXIT_USAGE;
    }
    fputs("\n", stderr);
    if (group) {
        print_group(cli, argv[1], stderr);
    } else {
        print_overview(cli, stderr);
    }
    return RV_EXIT_USAGE;
}

/* --- errors --- */

int rv_cli_fail(const rv_cli *cli, const rv_error *err) {
    RV_ASSERT(err->status != RV_OK);
    rv_error told = *err;
    if (cli->accepted != NULL) {
        rv_error_fact_uint(&told, "accepted", *cli->accepted);
    }
    rv_problem_text_error(cli->json, &told);
    switch (err->status) {
    case RV_DATA_DAMAGED:
    case RV_PANICKED:
        return RV_EXIT_DAMAGED;
    case RV_NODE_UNREACHABLE:
    case RV_CERTIFICATE_UNTRUSTED:
        return RV_EXIT_UNREACHABLE;
    case RV_CLOSING:
        return RV_EXIT_INTERRUPTED;
    case RV_PARAMETER_INVALID:
        return RV_EXIT_USAGE;
    default:
        return RV_EXIT_ERROR;
    }
}

int rv_cli_feed_ended(const rv_cli *cli) {
    rv_error err;
    (void)rv_error_set(&err, RV_NODE_UNREACHABLE, "the node has ended the feed");
    return rv_cli_fail(cli, &err);
}

int rv_cli_usage(const rv_cli *cli, const char *format, const char *what) {
    rv_error err;
    rv_error_set(&err, RV_PARAMETER_INVALID, format, what);
    rv_problem_text_error(cli->json, &err);
    if (!cli->json && cli->command != NULL) {
        fprintf(stderr, "usage: rivulet %s [OPTION…] %s\n", cli->command->name,
                cli->command->arguments);
    }
    return RV_EXIT_USAGE;
}

/* --- asking the node --- */

static int open_client(rv_cli *cli) {
    RV_ASSERT(cli->client == NULL);
    rv_error err;
    const rv_cli_platform *const platform = cli->platform;
    if (cli->url != NULL && platform->connect == NULL) {
        rv_error_set(&err, RV_UNSUPPORTED,
                     "this build makes no connections, so there is no --url: it opens a data "
                     "directory itself (--data DIR)");
        return rv_cli_fail(cli, &err);
    }
    if (cli->url != NULL) {
        rv_client_options options = {.url = cli->url, .ca_file = cli->ca};
        return rv_cli_token_read(cli, &options.token, &err) == RV_OK &&
                       platform->connect(&cli->client, &options, &err) == RV_OK
                   ? RV_EXIT_OK
                   : rv_cli_fail(cli, &err);
    }
    rv_cli_directory_options options = {.path = cli->data,
                                        .create = cli->command->creates,
                                        .memory = RV_MEMORY_DEFAULT,
                                        .interruptible = cli->command->interruptible};
    if (cli->memory != NULL && rv_budget_parse(cli->memory, &options.memory, &err) != RV_OK) {
        return rv_cli_usage(cli, "%s", err.detail);
    }
    if (rv_cli_sql_steps_read(cli, &options.sql_steps, &err) != RV_OK) {
        return rv_cli_usage(cli, "%s", err.detail);
    }
    return rv_client_local_open(&cli->client, platform, &options, &err) == RV_OK
               ? RV_EXIT_OK
               : rv_cli_fail(cli, &err);
}

/* Collects a problem and shows it. */
static int show_problem(rv_cli *cli) {
    rv_cli_buffer body = {0};
    rv_bytes piece;
    bool over = false;
    int code = RV_EXIT_OK;
    while (code == RV_EXIT_OK && (code = rv_cli_piece(cli, &piece, &over)) == RV_EXIT_OK && !over) {
        rv_cli_buffer_add(&body, piece);
    }
    if (code == RV_EXIT_OK) {
        const rv_status status = rv_problem_text_body(cli->json, rv_cli_buffer_bytes(&body));
        if (!cli->json && cli->statement != NULL) {
            rv_problem_text_place(rv_cli_buffer_bytes(&body), rv_bytes_of_string(cli->statement));
        }
        code = status == RV_DATA_DAMAGED        ? RV_EXIT_DAMAGED
               : status == RV_PARAMETER_INVALID ? RV_EXIT_USAGE
                                                : RV_EXIT_ERROR;
    }
    rv_cli_buffer_free(&body);
    return code;
}

int rv_cli_begin(rv_cli *cli, const rv_request *request, int *http) {
    RV_ASSERT(http != NULL);
    const int code = cli->client == NULL ? open_client(cli) : RV_EXIT_OK;
    if (code != RV_EXIT_OK) {
        return code;
    }
    rv_error err;
    return cli->client->ops->begin(cli->client, request, http, &err) == RV_OK
               ? RV_EXIT_OK
               : rv_cli_fail(cli, &err);
}

int rv_cli_send(rv_cli *cli, const rv_request *request) {
    int http = 0;
    const int code = rv_cli_begin(cli, request, &http);
    return code == RV_EXIT_OK && http >= 400 ? show_problem(cli) : code;
}

int rv_cli_piece(rv_cli *cli, rv_bytes *piece, bool *over) {
    RV_ASSERT(cli->client != NULL);
    rv_error err;
    const rv_status status = cli->client->ops->next(cli->client, piece, &err);
    *over = status == RV_END;
    return status == RV_OK || status == RV_END ? RV_EXIT_OK : rv_cli_fail(cli, &err);
}

int rv_cli_ask(rv_cli *cli, const rv_request *request, rv_cli_buffer *body) {
    RV_ASSERT(body != NULL);
    bool over = false;
    rv_bytes piece;
    int code = rv_cli_send(cli, request);
    while (code == RV_EXIT_OK && (code = rv_cli_piece(cli, &piece, &over)) == RV_EXIT_OK && !over) {
        rv_cli_buffer_add(body, piece);
    }
    return code;
}

rv_status rv_cli_sql_steps_read(const rv_cli *cli, uint64_t *steps, rv_error *err) {
    RV_ASSERT(steps != NULL);
    *steps = 0;
    if (cli->sql_steps == NULL ||
        (rv_number_parse(rv_bytes_of_string(cli->sql_steps), steps) && *steps > 0)) {
        return RV_OK;
    }
    return rv_error_set(err, RV_PARAMETER_INVALID, "--sql-steps is a number from 1 on");
}

bool rv_cli_header_safe(const char *text) {
    for (const char *p = text; p != NULL && *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

int rv_cli_read_file(const rv_cli *cli, const char *name, rv_cli_buffer *content) {
    const bool standard = strcmp(name, "-") == 0;
    FILE *const file = standard ? stdin : fopen(name, "rb");
    if (file == NULL) {
        rv_error err;
        rv_error_set(&err, RV_DATA_NOT_FOUND, "cannot open %s: %s", name, strerror(errno));
        return rv_cli_fail(cli, &err);
    }
    size_t count;
    do {
        rv_cli_buffer_reserve(content, 65536);
        count = fread(content->ptr + content->len, 1, 65536, file);
        content->len += count;
    } while (count > 0);
    const bool failed = ferror(file) != 0;
    const int error = errno;
    if (!standard) {
        fclose(file);
    }
    if (failed) {
        rv_error err;
        rv_error_set(&err, RV_STORAGE_FAILED, "cannot read %s: %s", name, strerror(error));
        return rv_cli_fail(cli, &err);
    }
    const size_t mark = rv_input_mark(rv_cli_buffer_bytes(content));
    content->len -= mark;
    memmove(content->ptr, content->ptr + mark, content->len);
    return RV_EXIT_OK;
}

static int unwritten; /* errno of the first flush that failed; 0: none did */

void rv_cli_flush(void) {
    if (fflush(stdout) != 0 && unwritten == 0) {
        unwritten = errno;
    }
}

/* --- running --- */

/* Closes the client; a damaged directory, or what fails here, decides the exit code. */
static int finish(rv_cli *cli, int code) {
    if (cli->client == NULL) {
        return code;
    }
    const rv_error damage = cli->client->damage;
    rv_error err;
    const rv_status status = cli->client->ops->close(cli->client, &err);
    cli->client = NULL;
    if (damage.status != RV_OK) {
        fflush(stdout);
        rv_problem_text_error(cli->json, &damage);
        return RV_EXIT_DAMAGED;
    }
    return status == RV_OK ? code : rv_cli_fail(cli, &err);
}

/* The command that the words name, and how many words that took. */
static const rv_command *find_command(int argc, char **argv, int *words) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *const name = commands[i].name;
        const char *const space = strchr(name, ' ');
        const size_t len = space == NULL ? strlen(name) : (size_t)(space - name);
        if (strlen(argv[1]) != len || strncmp(argv[1], name, len) != 0) {
            continue;
        }
        if (space == NULL || (argc > 2 && strcmp(argv[2], space + 1) == 0)) {
            *words = space == NULL ? 1 : 2;
            return &commands[i];
        }
    }
    return NULL;
}

static int run(rv_cli *cli, int argc, char **argv) {
    int words = 0;
    cli->command = find_command(argc, argv, &words);
    if (cli->command == NULL) {
        return no_command(cli, argc, argv);
    }
    rv_error err;
    if (!has(cli, cli->command->needs)) {
        const bool look = cli->command->needs == RV_ABILITY_LOOK;
        rv_error_set(&err, RV_UNSUPPORTED,
                     look ? "this build has no `%s`: the native program does"
                          : "this build has no `%s`: it makes and takes no connections",
                     argv[1]);
        return rv_cli_fail(cli, &err);
    }
    const rv_status status = rv_cli_options_read(cli, argc - 1 - words, argv + 1 + words, &err);
    if (cli->help) {
        print_page(cli);
        return RV_EXIT_OK;
    }
    return status == RV_OK ? finish(cli, cli->command->run(cli))
                           : rv_cli_usage(cli, "%s", err.detail);
}

/* `help`, and the words of a command, or the first word of several. */
static int help_on(rv_cli *cli, int argc, char **argv) {
    int words = 0;
    RV_ASSERT(argc > 1);
    cli->command = find_command(argc, argv, &words);
    if (cli->command != NULL) {
        print_page(cli);
        return RV_EXIT_OK;
    }
    if (argc == 2 && is_group(argv[1])) {
        print_group(cli, argv[1], stdout);
        return RV_EXIT_OK;
    }
    return no_command(cli, argc, argv);
}

static int answer(rv_cli *cli, int argc, char **argv) {
    const bool help = argc > 1 && (is_help(argv[1]) || strcmp(argv[1], "help") == 0);
    RV_ASSERT(cli->platform != NULL);
    if (help && argc > 2) {
        return help_on(cli, argc - 1, argv + 1);
    }
    if (argc < 2 || help) {
        print_overview(cli, help ? stdout : stderr);
        return help ? RV_EXIT_OK : RV_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("rivulet " RV_VERSION_TEXT "\n");
        return RV_EXIT_OK;
    }
    return run(cli, argc, argv);
}

int rv_cli_main(const rv_cli_platform *platform, int argc, char **argv) {
    static rv_cli cli;
    RV_ASSERT(argv != NULL);
    cli.platform = platform;
    int code = answer(&cli, argc, argv);
    rv_cli_flush();
    if (unwritten != 0 && unwritten != EPIPE && code == RV_EXIT_OK) {
        fprintf(stderr, "rivulet: storage_failed: cannot write the output: %s\n",
                strerror(unwritten));
        code = RV_EXIT_ERROR;
    }
    return code;
}
