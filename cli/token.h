/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as a person or a program hands them over: a line of visible characters. */
#ifndef RV_CLI_TOKEN_H
#define RV_CLI_TOKEN_H

#include "core/base/error.h"

#define RV_CLI_TOKEN_MAX 1024u /* bytes */

/* The token that a file holds; stays until the next call. RV_DATA_NOT_FOUND; RV_PARAMETER_INVALID:
 * it holds none. */
RV_MUST_USE rv_status rv_cli_token_file(const char *name, rv_bytes *token, rv_error *err);

/* Could this be a token? */
bool rv_cli_token_plausible(rv_bytes token);

#endif
