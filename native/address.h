/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a node: "ws://host[:port][/path]" of an upstream, "http://…" of a node that the
 * CLI talks to; with TLS "wss://…" and "https://…". */
#ifndef RV_NATIVE_ADDRESS_H
#define RV_NATIVE_ADDRESS_H

#include "core/base/error.h"

typedef struct rv_address {
    char host[256]; /* a name or an IP address, without brackets */
    char port[6];
    char path[512]; /* begins with / */
    bool secure;    /* with TLS */
} rv_address;

typedef enum rv_address_kind { RV_ADDRESS_HTTP, RV_ADDRESS_WEBSOCKET } rv_address_kind;

/* Reads one. The path is /sync (WebSocket) or / when there is none; the port 80, or 443 with TLS.
 * RV_PARAMETER_INVALID. */
RV_MUST_USE rv_status rv_address_read(const char *text, rv_address_kind kind, rv_address *address,
                                      rv_error *err);

#endif
