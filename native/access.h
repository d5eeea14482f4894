/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the server answers, by what browsers say of themselves. A node may have no tokens, so a
 * page of any site could use one on the visitor's own machine. Two rules keep them out:
 *
 * - Origin: browsers name the page's origin in every WebSocket handshake and in every request that
 *   may change something or whose answer a page of another origin would read. It must have the host
 *   and port that the request went to (the Host header), and be https where the node itself speaks
 *   TLS; or be one of those that were allowed.
 * - Host: a site can let its own name point to 127.0.0.1, and then has the right origin (DNS
 *   rebinding). So a node on a loopback address answers only under an IP address, `localhost`, or a
 *   name that was allowed. Where names were allowed they are checked on other addresses as well.
 *
 * What is no browser sends no Origin and is not held up. docs/http.md tells users.
 */
#ifndef RV_NATIVE_ACCESS_H
#define RV_NATIVE_ACCESS_H

#include "native/http_request.h"

#define RV_ACCESS_MAX          16u  /* origins, and as many names */
#define RV_ACCESS_TEXT_LEN_MAX 255u /* of one */

/* "https://example.com:8443" in its parts. */
typedef struct rv_origin {
    rv_bytes scheme;
    rv_bytes host; /* IPv6 in its brackets */
    uint32_t port; /* that of the scheme where none was written; 0: unknown */
} rv_origin;

/* What the user allowed; "*" is all. The bytes must stay. */
typedef struct rv_access_options {
    const rv_bytes *origins;
    size_t origin_count;
    const rv_bytes *hosts;
    size_t host_count;
} rv_access_options;

typedef struct rv_access {
    rv_access_options options;
    bool any_origin;
    bool any_host;
    bool loopback; /* set by who listens: names are checked; */
    bool secure;   /* and with TLS: its own pages are https, and nothing else */
} rv_access;

/* Checks the options. RV_PARAMETER_INVALID. */
RV_MUST_USE rv_status rv_access_init(rv_access *access, const rv_access_options *options,
                                     rv_error *err);

/* May a request with these headers be answered? `*allowed` is what Access-Control-Allow-Origin
 * has to say, empty when the request needs no such header. RV_HOST_NOT_ALLOWED,
 * RV_ORIGIN_NOT_ALLOWED. */
RV_MUST_USE rv_status rv_access_check(const rv_access *access, const rv_http_headers *headers,
                                      rv_bytes *allowed, rv_error *err);

/* True when answers differ by the request's origin (Vary: Origin). */
bool rv_access_varies(const rv_access *access);

/* Reads "scheme://host[:port]", nothing after it. */
bool rv_origin_read(rv_bytes text, rv_origin *origin);

#endif
