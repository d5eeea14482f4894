/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's client of a running node. */
#ifndef RV_NATIVE_CLIENT_HTTP_H
#define RV_NATIVE_CLIENT_HTTP_H

#include "cli/client.h"

/* Connects. RV_NODE_UNREACHABLE, RV_PARAMETER_INVALID (the address). */
RV_MUST_USE rv_status rv_client_http_open(rv_client **client, const char *url, rv_bytes token,
                                          rv_error *err);

#endif
