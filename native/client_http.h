/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's client of a running node. */
#ifndef RV_NATIVE_CLIENT_HTTP_H
#define RV_NATIVE_CLIENT_HTTP_H

#include "cli/client.h"

/* Connects, as rv_cli_platform says. */
RV_MUST_USE rv_status rv_client_http_open(rv_client **client, const rv_client_options *options,
                                          rv_error *err);

#endif
