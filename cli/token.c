/* SPDX-License-Identifier: Apache-2.0 */
/* Where a command has its token from: --token, --token-file, or the environment. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t kept[RV_CLI_TOKEN_MAX + 2];

rv_status rv_cli_token_file(const char *name, rv_bytes *token, rv_error *err) {
    RV_ASSERT(name != NULL);
    FILE *const file = fopen(name, "rb");
    if (file == NULL) {
        return rv_error_set(err, RV_DATA_NOT_FOUND, "cannot open %s: %s", name, strerror(errno));
    }
    size_t len = fread(kept, 1, sizeof kept, file);
    const bool failed = ferror(file) != 0;
    fclose(file);
    while (len > 0 && (kept[len - 1] == '\n' || kept[len - 1] == '\r' || kept[len - 1] == ' ')) {
        len -= 1;
    }
    *token = rv_bytes_of(kept, len);
    return failed || !rv_cli_token_plausible(*token)
               ? rv_error_set(err, RV_PARAMETER_INVALID, "%s does not hold a token", name)
               : RV_OK;
}

bool rv_cli_token_plausible(rv_bytes token) {
    bool good = token.len > 0 && token.len <= RV_CLI_TOKEN_MAX;
    for (size_t i = 0; good && i < token.len; i++) {
        good = token.ptr[i] > ' ' && token.ptr[i] < 0x7f;
    }
    return good;
}

rv_status rv_cli_token_read(const rv_cli *cli, rv_bytes *token, rv_error *err) {
    const char *const set = getenv("RIVULET_TOKEN");
    *token = (rv_bytes){NULL, 0};
    RV_ASSERT(cli->url != NULL);
    if (cli->token == NULL && cli->token_file != NULL) {
        return rv_cli_token_file(cli->token_file, token, err);
    }
    const char *const text = cli->token != NULL ? cli->token : set;
    if (text == NULL || *text == '\0') {
        return RV_OK;
    }
    *token = rv_bytes_of_string(text);
    return rv_cli_token_plausible(*token)
               ? RV_OK
               : rv_error_set(err, RV_PARAMETER_INVALID,
                              "what was given as a token has characters that no token has");
}
