/* SPDX-License-Identifier: Apache-2.0 */
/* Options: one table says how each is written, where its value goes, and what help says of it.
 * `--name value` and `--name=value` are the same; `--` ends them. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct option_row {
    uint64_t bit;
    const char *name;
    const char *value; /* how help calls it; NULL: a switch */
    size_t offset;     /* of a const char *, or a list, in rv_cli; unused where `value` is NULL */
    bool repeated;     /* it is a list */
    const char *help;
} option_row;

#define AT(member) offsetof(struct rv_cli, member)

static const option_row rows[] = {
    {RV_OPTION_DATA, "--data", "DIR", AT(data), false, "the data directory (or RIVULET_DIR)"},
    {RV_OPTION_URL, "--url", "URL", AT(url), false,
     "a running node: http://host:port, or https:// (or RIVULET_URL)"},
    {RV_OPTION_CA, "--ca", "FILE", AT(ca), false,
     "certificates (PEM) that vouch for an https:// node, instead of the system's"},
    {RV_OPTION_LISTEN, "--listen", "ADDRESS", AT(listen), false,
     "where to listen (127.0.0.1:5678); port 0 takes a free one"},
    {RV_OPTION_UPSTREAM, "--upstream", "URL", AT(upstream), false,
     "be an edge of this node: ws://host:port, or wss://"},
    {RV_OPTION_SELECT, "--select", "ENTRY", AT(selections), true,
     "what the edge holds: '/**', '/orders/* history none', 'aggregate till'; may be repeated"},
    {RV_OPTION_TLS, "--upstream-ca", "FILE", AT(upstream_ca), false,
     "certificates (PEM) that vouch for a wss:// upstream, instead of the system's"},
    {RV_OPTION_TLS, "--tls-cert", "FILE", AT(tls_cert), false,
     "serve https:// and wss://: the node's certificate, then those that vouch for it (PEM)"},
    {RV_OPTION_TLS, "--tls-key", "FILE", AT(tls_key), false, "the certificate's private key (PEM)"},
    {RV_OPTION_PUBLIC, "--public", "DIR", AT(public_directory), false,
     "show the files of this folder beside the API"},
    {RV_OPTION_ALLOW_ORIGIN, "--allow-origin", "ORIGIN", AT(origins), true,
     "pages that may use the node: https://example.com, or * for all; may be repeated"},
    {RV_OPTION_ALLOW_HOST, "--allow-host", "NAME", AT(hosts), true,
     "answer under this host name too, or * for any; may be repeated"},
    {RV_OPTION_EXPECTED, "--expected-version", "V", AT(expected_version), false,
     "any, none, exists, or the version that the stream must be at"},
    {RV_OPTION_EVENT_ID, "--event-id", "UUID", AT(event_id), false,
     "the event's id: the same again is accepted once"},
    {RV_OPTION_METADATA, "--metadata", "JSON", AT(metadata), false,
     "an object kept with the event"},
    {RV_OPTION_DURABILITY, "--durability", "LEVEL", AT(durability), false,
     "memory, local (what it is without), relayed, or upstream: what to wait for"},
    {RV_OPTION_FORGET, "--forget", "UUID", AT(forget), false,
     "take note of the rejection of this event, which forgets it"},
    {RV_OPTION_BATCH, "--batch", "N", AT(batch), false, "events in one atomic batch (1000)"},
    {RV_OPTION_FROM, "--from", "POSITION", AT(from), false,
     "begin at this position, at a time, or now"},
    {RV_OPTION_FROM_NOW, "--from", "now", AT(from), false, "only what comes, not what there is"},
    {RV_OPTION_AFTER, "--after", "CURSOR", AT(after), false,
     "go on behind the event whose `cursor` --follow --json has told"},
    {RV_OPTION_UNTIL, "--until", "WHEN", AT(until), false,
     "end behind this position (of one stream: its version), at a time, or with what is there now"},
    {RV_OPTION_AS_OF, "--as-of", "WHEN", AT(as_of), false,
     "as it was at this position, or at a time"},
    {RV_OPTION_NARROW, "--type", "TYPE", AT(types), true,
     "events of this type only; may be repeated"},
    {RV_OPTION_NARROW, "--where", "CONDITION", AT(where), false,
     "over the fields of these types: 'amount > 100'"},
    {RV_OPTION_LIMIT, "--limit", "N", AT(limit), false, "at most so many events"},
    {RV_OPTION_ROWS, "--rows", "N", AT(rows), false, "refuse a result of more rows (sql_limit)"},
    {RV_OPTION_SQL_STEPS, "--sql-steps", "N", AT(sql_steps), false,
     "refuse what takes SQLite's machine more steps (sql_limit)"},
    {RV_OPTION_DIFFERENCES, "--differences", NULL, 0, false,
     "after the first result, only what differs from the one before"},
    {RV_OPTION_FOLLOW, "--follow", NULL, 0, false, "go on with what comes (with --url)"},
    {RV_OPTION_WHOLE, "--whole", NULL, 0, false,
     "FILE is all that the application knows: add what the node does not have"},
    {RV_OPTION_HASH, "--hash", NULL, 0, false, "show the hash of the state, too"},
    {RV_OPTION_MEMORY, "--memory", "SIZE", AT(memory), false, "the memory budget (64MiB)"},
    {RV_OPTION_EDGES, "--edges", "N", AT(edges), false,
     "serve at most so many edges at once (128)"},
    {RV_OPTION_VERBOSE, "--verbose", NULL, 0, false, "print how the memory is split"},
    {RV_OPTION_ENTRIES, "--read", "PATTERN", AT(reads), true,
     "what may be read: '/orders/**', 'aggregate account'; may be repeated"},
    {RV_OPTION_ENTRIES, "--write", "PATTERN", AT(writes), true,
     "streams that may be written; may be repeated"},
    {RV_OPTION_RELAY, "--relay", NULL, 0, false, "a gateway: may push what others have written"},
    {RV_OPTION_ADMIN, "--admin", NULL, 0, false, "may do everything"},
    {RV_OPTION_EXPIRES, "--expires", "DURATION", AT(expires), false,
     "how long it is good: 90d, 12h, 30m, 45s (without end)"},
    {RV_OPTION_GRACE, "--grace", "DURATION", AT(grace), false,
     "how long the secret before is good still: 0s to 7d (60s)"},
    {RV_OPTION_OPEN, "--open", NULL, 0, false,
     "listen beyond this machine although there is no token"},
    {RV_OPTION_TOKEN, "--token", "TOKEN", AT(token), false,
     "for a running node (or RIVULET_TOKEN; others may see a command line)"},
    {RV_OPTION_TOKEN_FILE, "--token-file", "FILE", AT(token_file), false,
     "a file that holds the token"},
    {RV_OPTION_JSON, "--json", NULL, 0, false, "print JSON, for programs"},
};

#define ROW_COUNT (sizeof rows / sizeof *rows)

void rv_cli_options_print(uint64_t options) {
    RV_ASSERT(ROW_COUNT == 45); /* one for each bit, two for two of them, and three for one */
    printf("\nOptions\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].bit & options) != 0) {
            char left[40];
            snprintf(left, sizeof left, "%s %s", rows[i].name,
                     rows[i].value == NULL ? "" : rows[i].value);
            printf("  %-24s %s\n", left, rows[i].help);
        }
    }
    printf("  %-24s %s\n", "--help", "this page");
}

/* The row of `text`, up to `=`, among the options that are taken; NULL when there is none. */
static const option_row *row_of(uint64_t options, const char *text, size_t len) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].bit & options) != 0 && strlen(rows[i].name) == len &&
            strncmp(rows[i].name, text, len) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static rv_status take_value(rv_cli *cli, const option_row *row, const char *value, rv_error *err) {
    RV_ASSERT(row->value != NULL);
    void *const at = (char *)cli + row->offset;
    if (row->repeated) {
        rv_cli_list *const list = at;
        if (list->count == RV_PATTERNS_MAX) {
            return rv_error_set(err, RV_PARAMETER_INVALID, "%s can be there at most %u times",
                                row->name, (uint64_t)RV_PATTERNS_MAX);
        }
        list->items[list->count++] = rv_bytes_of_string(value);
        return RV_OK;
    }
    const char **const member = at;
    if (*member != NULL) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "%s is there twice", row->name);
    }
    *member = value;
    return RV_OK;
}

/* One option; `next` is the argument after it, and `*used_next` tells that it was its value. */
static rv_status take_option(rv_cli *cli, const char *text, const char *next, bool *used_next,
                             rv_error *err) {
    const char *const equals = strchr(text, '=');
    const size_t len = equals == NULL ? strlen(text) : (size_t)(equals - text);
    const option_row *const row = row_of(cli->command->options, text, len);
    *used_next = false;
    if (row == NULL) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "`%s` is not an option of `%s`", text,
                            cli->command->name);
    }
    rv_status status = RV_OK;
    if (row->value == NULL) {
        if (equals != NULL) {
            return rv_error_set(err, RV_PARAMETER_INVALID, "%s takes no value", row->name);
        }
    } else if (equals == NULL && next == NULL) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "%s needs a value: %s", row->name,
                            row->value);
    } else {
        *used_next = equals == NULL;
        status = take_value(cli, row, equals == NULL ? next : equals + 1, err);
    }
    cli->given |= row->bit;
    return status;
}

static rv_status take_argument(rv_cli *cli, const char *text, rv_error *err) {
    RV_ASSERT(cli->command->args_max <= RV_CLI_ARGS_MAX);
    if (cli->arg_count == cli->command->args_max) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "`%s` is one argument too many", text);
    }
    cli->args[cli->arg_count++] = text;
    return RV_OK;
}

static rv_status check_together(rv_cli *cli, rv_error *err) {
    const uint64_t node = RV_OPTION_DATA | RV_OPTION_URL;
    if ((cli->given & node) == node) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "--data and --url are two ways to one thing: give one of them");
    }
    if ((cli->given & node) == 0) {
        const char *const url = getenv("RIVULET_URL");
        const char *const data = getenv("RIVULET_DIR");
        const bool takes_data = (cli->command->options & RV_OPTION_DATA) != 0;
        const bool takes_url =
            (cli->command->options & RV_OPTION_URL) != 0 && cli->platform->connect != NULL;
        if (takes_url && url != NULL && *url != '\0') {
            cli->url = url;
        } else if (takes_data && data != NULL && *data != '\0') {
            cli->data = data;
        } else {
            return rv_error_set(err, RV_PARAMETER_INVALID,
                                !takes_url    ? "say where the data is: --data DIR"
                                : !takes_data ? "it asks a running node: say which, --url URL"
                                              : "say which node: --data DIR, or --url URL");
        }
    }
    if (cli->arg_count < cli->command->args_min) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "it takes %s", cli->command->arguments);
    }
    return RV_OK;
}

rv_status rv_cli_options_read(rv_cli *cli, int argc, char **argv, rv_error *err) {
    RV_ASSERT(cli->command != NULL);
    bool ended = false;
    rv_status status = RV_OK;
    for (int i = 0; i < argc && status == RV_OK; i++) {
        const char *const text = argv[i];
        bool used_next = false;
        const bool number = text[0] == '-' && text[1] >= '0' && text[1] <= '9';
        if (ended || number || text[0] != '-' || text[1] == '\0') {
            status = take_argument(cli, text, err);
        } else if (strcmp(text, "--") == 0) {
            ended = true;
        } else if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
            cli->help = true;
            return RV_OK;
        } else {
            status = take_option(cli, text, i + 1 < argc ? argv[i + 1] : NULL, &used_next, err);
        }
        i += used_next ? 1 : 0;
    }
    cli->json = (cli->given & RV_OPTION_JSON) != 0;
    return status == RV_OK ? check_together(cli, err) : status;
}
