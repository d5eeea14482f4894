/* SPDX-License-Identifier: Apache-2.0 */
#include "native/address.h"

#include "core/base/assert.h"

#include <string.h>
#include <strings.h>

static bool copy_part(char *out, size_t cap, const char *start, const char *end) {
    RV_ASSERT(end >= start);
    const size_t len = (size_t)(end - start);
    if (len == 0 || len >= cap) {
        return false;
    }
    memcpy(out, start, len);
    out[len] = '\0';
    return true;
}

/* Host and port: "host", "host:port", "[::1]:port". */
static bool authority_read(const char *start, const char *end, rv_address *address) {
    const bool brackets = start[0] == '[';
    const char *const close = brackets ? memchr(start, ']', (size_t)(end - start)) : NULL;
    const char *const colon = memchr(start, ':', (size_t)(end - start));
    const char *const host = brackets ? start + 1 : start;
    const char *const host_end = brackets ? close : colon == NULL ? end : colon;
    if (host_end == NULL || !copy_part(address->host, sizeof address->host, host, host_end)) {
        return false;
    }
    const char *const after = brackets ? host_end + 1 : host_end;
    if (after == end) {
        memcpy(address->port, address->secure ? "443" : "80", address->secure ? 4 : 3);
        return true;
    }
    bool good = *after == ':' && copy_part(address->port, sizeof address->port, after + 1, end);
    for (const char *p = address->port; good && *p != '\0'; p++) {
        good = *p >= '0' && *p <= '9';
    }
    return good;
}

rv_status rv_address_read(const char *text, rv_address_kind kind, rv_address *address,
                          rv_error *err) {
    RV_ASSERT(text != NULL);
    RV_ASSERT(address != NULL);
    const bool socket = kind == RV_ADDRESS_WEBSOCKET;
    const char *const plain = socket ? "ws://" : "http://";
    const char *const secure = socket ? "wss://" : "https://";
    address->secure = strncasecmp(text, secure, strlen(secure)) == 0;
    const char *const scheme = address->secure ? secure : plain;
    bool good = strncasecmp(text, scheme, strlen(scheme)) == 0;
    for (const char *p = text; good && *p != '\0'; p++) {
        good = *p > ' ' && *p < 0x7f;
    }
    if (good) {
        const char *const host = text + strlen(scheme);
        const char *const path = host + strcspn(host, "/");
        const bool bare = path[0] == '\0' || path[1] == '\0';
        const char *const full = !bare ? path : socket ? "/sync" : "/";
        good = authority_read(host, path, address) &&
               copy_part(address->path, sizeof address->path, full, full + strlen(full));
    }
    return good ? RV_OK
                : rv_error_set(err, RV_PARAMETER_INVALID,
                               "`%s` is not the address of a node: write it as %shost:port, or "
                               "%shost with TLS",
                               text, plain, secure);
}
