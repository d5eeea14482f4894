/* SPDX-License-Identifier: Apache-2.0 */
/* What `query` and `watch` share: the request's body and the answer as a table. */
#ifndef RV_CLI_COMMAND_QUERY_H
#define RV_CLI_COMMAND_QUERY_H

#include "cli/cli.h"

/* Writes the body of POST /query for the command's arguments: the statement, then its parameters.
 */
void rv_query_write_body(const rv_cli *cli, rv_cli_buffer *body);

/* True when `--rows` is a number, or not there. */
bool rv_query_rows_good(const rv_cli *cli);

/* Prints an answer of /query as a table, with the number of its rows. The exit code. */
int rv_query_show(const rv_cli *cli, rv_bytes answer);

#endif
