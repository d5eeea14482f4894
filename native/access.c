/* SPDX-License-Identifier: Apache-2.0 */
#include "native/access.h"

#include <string.h>
#include <strings.h>
#include <uv.h>

static bool equal_folded(rv_bytes a, rv_bytes b) {
    return a.len == b.len &&
           (a.len == 0 || strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0);
}

static bool is_text(rv_bytes bytes, const char *text) {
    return equal_folded(bytes, rv_bytes_of_string(text));
}

/* Splits "host[:port]"; `*port` is 0 when there is none. */
static bool authority_read(rv_bytes text, rv_bytes *host, uint32_t *port) {
    RV_ASSERT(host != NULL);
    RV_ASSERT(port != NULL);
    size_t end = 0;
    const bool brackets = text.len > 0 && text.ptr[0] == '[';
    while (end < text.len && text.ptr[end] != (brackets ? ']' : ':')) {
        const uint8_t c = text.ptr[end];
        if (c <= ' ' || c >= 0x7f || c == ',' || c == '/' || c == '@' || c == '?' || c == '#') {
            return false;
        }
        end += 1;
    }
    end += brackets ? 1 : 0;
    if (end == 0 || end > text.len) {
        return false;
    }
    *host = rv_bytes_of(text.ptr, end);
    *port = 0;
    if (end == text.len) {
        return true;
    }
    const rv_bytes digits = rv_bytes_from(text, end + 1);
    if (text.ptr[end] != ':' || digits.len == 0 || digits.len > 5) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return false;
        }
        *port = *port * 10 + (uint32_t)(digits.ptr[i] - '0');
    }
    return *port > 0 && *port <= 65535;
}

static uint32_t default_port(rv_bytes scheme) {
    return is_text(scheme, "http") ? 80 : is_text(scheme, "https") ? 443 : 0;
}

bool rv_origin_read(rv_bytes text, rv_origin *origin) {
    RV_ASSERT(origin != NULL);
    size_t len = 0;
    while (len < text.len && text.ptr[len] != ':') {
        len += 1;
    }
    if (len == 0 || text.len - len < 4 || memcmp(text.ptr + len, "://", 3) != 0) {
        return false;
    }
    origin->scheme = rv_bytes_of(text.ptr, len);
    if (!authority_read(rv_bytes_from(text, len + 3), &origin->host, &origin->port)) {
        return false;
    }
    origin->port = origin->port == 0 ? default_port(origin->scheme) : origin->port;
    return true;
}

/* --- what is allowed --- */

static rv_status texts_check(const char *option, const rv_bytes *texts, size_t count,
                             rv_error *err) {
    if (count > RV_ACCESS_MAX) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "%s can be given at most %u times", option,
                            (uint64_t)RV_ACCESS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        RV_ASSERT(texts[i].ptr != NULL);
        if (texts[i].len > RV_ACCESS_TEXT_LEN_MAX) {
            return rv_error_set(err, RV_PARAMETER_INVALID, "%s takes at most %u bytes", option,
                                (uint64_t)RV_ACCESS_TEXT_LEN_MAX);
        }
    }
    return RV_OK;
}

rv_status rv_access_init(rv_access *access, const rv_access_options *options, rv_error *err) {
    RV_ASSERT(access != NULL);
    *access = (rv_access){.options = *options};
    rv_status status = texts_check("--allow-origin", options->origins, options->origin_count, err);
    if (status == RV_OK) {
        status = texts_check("--allow-host", options->hosts, options->host_count, err);
    }
    for (size_t i = 0; status == RV_OK && i < options->origin_count; i++) {
        const rv_bytes text = options->origins[i];
        rv_origin origin;
        access->any_origin = access->any_origin || is_text(text, "*");
        if (!is_text(text, "*") && !is_text(text, "null") && !rv_origin_read(text, &origin)) {
            status = rv_error_set(err, RV_PARAMETER_INVALID,
                                  "`%b` is no origin: write it as https://example.com, or * for "
                                  "all",
                                  &text);
        }
    }
    for (size_t i = 0; status == RV_OK && i < options->host_count; i++) {
        const rv_bytes text = options->hosts[i];
        rv_bytes host;
        uint32_t port = 0;
        access->any_host = access->any_host || is_text(text, "*");
        if (!authority_read(text, &host, &port) || port != 0) {
            status = rv_error_set(err, RV_PARAMETER_INVALID,
                                  "`%b` is no host name: write it as example.com, without a port",
                                  &text);
        }
    }
    return status;
}

bool rv_access_varies(const rv_access *access) {
    RV_ASSERT(access != NULL);
    return access->options.origin_count > 0 && !access->any_origin;
}

/* --- requests --- */

/* "127.0.0.1" or "[::1]": no name, so nobody's name server has a say. */
static bool is_address(rv_bytes host) {
    char text[64];
    uint8_t address[16];
    const bool brackets = host.len > 2 && host.ptr[0] == '[';
    const size_t len = brackets ? host.len - 2 : host.len;
    if (len >= sizeof text) {
        return false;
    }
    memcpy(text, host.ptr + (brackets ? 1 : 0), len);
    text[len] = '\0';
    return uv_inet_pton(brackets ? AF_INET6 : AF_INET, text, address) == 0;
}

static bool host_allowed(const rv_access *access, rv_bytes host) {
    if (access->any_host || is_address(host) || is_text(host, "localhost")) {
        return true;
    }
    for (size_t i = 0; i < access->options.host_count; i++) {
        if (equal_folded(access->options.hosts[i], host)) {
            return true;
        }
    }
    return false;
}

/* What of those allowed the origin is; NULL: none. */
static const rv_bytes *origin_find(const rv_access *access, rv_bytes text) {
    rv_origin met;
    const bool parts = rv_origin_read(text, &met);
    for (size_t i = 0; i < access->options.origin_count; i++) {
        const rv_bytes *const one = &access->options.origins[i];
        rv_origin o;
        const bool same = parts && rv_origin_read(*one, &o) && o.port == met.port &&
                          equal_folded(o.scheme, met.scheme) && equal_folded(o.host, met.host);
        if (same || equal_folded(*one, text)) {
            return one;
        }
    }
    return NULL;
}

/* Is it the origin of a page that this server itself gave out? Without TLS that may have been
 * through something that has it. */
static bool is_own(const rv_access *access, rv_bytes text, rv_bytes host, uint32_t port) {
    rv_origin o;
    return rv_origin_read(text, &o) && default_port(o.scheme) != 0 &&
           (!access->secure || is_text(o.scheme, "https")) && equal_folded(o.host, host) &&
           o.port == (port == 0 ? default_port(o.scheme) : port);
}

rv_status rv_access_check(const rv_access *access, const rv_http_headers *headers,
                          rv_bytes *allowed, rv_error *err) {
    RV_ASSERT(access != NULL);
    RV_ASSERT(allowed != NULL);
    rv_bytes host = {0};
    uint32_t port = 0;
    *allowed = (rv_bytes){0};
    const bool named = authority_read(headers->host, &host, &port);
    const bool checked = access->loopback || access->options.host_count > 0;
    const bool absent = headers->host.ptr == NULL; /* HTTP/1.0, which no browser speaks */
    if (checked && !absent && !(named && host_allowed(access, host))) {
        return rv_error_set(err, RV_HOST_NOT_ALLOWED,
                            "the node does not answer under the name `%b`: allow it with "
                            "`--allow-host`",
                            &headers->host);
    }
    if (headers->origin.len == 0 || (named && is_own(access, headers->origin, host, port))) {
        return RV_OK;
    }
    if (access->any_origin) {
        *allowed = RV_LITERAL("*");
        return RV_OK;
    }
    const rv_bytes *const found = origin_find(access, headers->origin);
    if (found == NULL) {
        return rv_error_set(err, RV_ORIGIN_NOT_ALLOWED,
                            "pages of `%b` may not use this node: allow it with `--allow-origin`",
                            &headers->origin);
    }
    *allowed = headers->origin; /* as the browser wrote it: it compares bytes */
    return RV_OK;
}
