/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the node that is opened in this process. */
#ifndef RV_CLI_CLIENT_LOCAL_H
#define RV_CLI_CLIENT_LOCAL_H

#include "cli/platform.h"

/* Errors: the platform's directory_open. `platform` stays valid until the client is closed. */
RV_MUST_USE rv_status rv_client_local_open(rv_client **client, const rv_cli_platform *platform,
                                           const rv_cli_directory_options *options, rv_error *err);

#endif
