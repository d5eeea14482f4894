/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parameters an address takes. One that it does not know is refused, with the nearest that it
 * does, or all of them: `/events?frm=7` would otherwise answer with everything. /healthz and
 * /readyz take what comes, as whoever watches a node may add to addresses.
 */
#include "core/base/assert.h"
#include "core/model/schema_nearest.h"
#include "face/face_internal.h"

#define NAMES_MAX 9

typedef struct address {
    const char *place;
    const char *method;
    const char *names[NAMES_MAX + 1]; /* NULL ends */
} address;

static const address addresses[] = {
    {"events",
     "GET",
     {"path", "from", "from_sequence", "from_version", "limit", "until", "as_of", "type", "where"}},
    {"events", "POST", {"return"}},
    {"streams",
     "GET",
     {"from", "from_sequence", "from_version", "limit", "until", "as_of", "type", "where"}},
    {"streams", "POST", {"return"}},
    {"aggregates", "GET", {"limit", "as_of", "columns"}},
    {"changes", "GET", {"where", "rows", "columns"}},
    {"query", "GET", {"sql", "params", "rows", "as_of", "differences"}},
    {"query", "POST", {NULL}},
    {"schema", "GET", {NULL}},
    {"schema", "POST", {"check", "whole", "diff"}},
    {"status", "GET", {"hash", "select", "wait"}},
    {"epoch", "POST", {NULL}},
    {"tokens", "GET", {NULL}},
    {"tokens", "POST", {NULL}},
    {"tokens", "PUT", {NULL}},
    {"tokens", "DELETE", {NULL}},
    {"selection", "GET", {NULL}},
    {"selection", "PUT", {NULL}},
    {"pending", "GET", {"after", "limit"}},
    {"rejections", "GET", {"after", "limit"}},
    {"rejections", "DELETE", {"edge_sequence"}},
};

static bool takes(const address *at, rv_bytes name, rv_nearest *nearest) {
    bool known = rv_bytes_are(name, "numbers"); /* which all do */
    rv_nearest_offer(nearest, RV_LITERAL("numbers"));
    for (size_t i = 0; at->names[i] != NULL; i++) {
        RV_ASSERT(i < NAMES_MAX);
        known = known || rv_bytes_are(name, at->names[i]);
        rv_nearest_offer(nearest, rv_bytes_of_string(at->names[i]));
    }
    return known;
}

/* ` has no parameter …`, with the nearest that there is, or with all of them. */
static rv_status refuse(const address *at, const rv_url *url, rv_bytes name, rv_bytes nearest,
                        rv_error *err) {
    uint8_t text[256];
    rv_writer w = rv_writer_over(text, sizeof text);
    const char *const below = url->segment_count > 1 ? "/…" : "";
    RV_ASSERT(at->place[0] != '\0');
    for (size_t i = 0; at->names[i] != NULL; i++) {
        rv_write_text(&w, i == 0 ? "" : ", ");
        rv_write_text(&w, at->names[i]);
    }
    RV_ASSERT(!w.full);
    rv_write_text(&w, w.len > 0 ? " and numbers" : "numbers alone");
    const rv_bytes all = rv_writer_bytes(&w);
    const bool near = nearest.len > 0;
    rv_error_set(err, RV_PARAMETER_INVALID,
                 near ? "%s /%s%s has no parameter `%b`; did you mean `%b`?"
                      : "%s /%s%s has no parameter `%b`; it has %b",
                 at->method, at->place, below, &name, near ? &nearest : &all);
    rv_error_fact_text(err, "parameter", name);
    if (near) {
        rv_error_fact_text(err, "expected", nearest);
    }
    return RV_PARAMETER_INVALID;
}

rv_status face_judge_parameters(const rv_exchange *x, const rv_url *url, rv_error *err) {
    const rv_bytes place = url->segment_count > 0 ? url->segments[0] : (rv_bytes){NULL, 0};
    const address *at = NULL;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        if (rv_bytes_are(place, addresses[i].place) &&
            rv_bytes_are(x->request.method, addresses[i].method)) {
            at = &addresses[i];
        }
    }
    rv_bytes left = url->query;
    while (at != NULL && left.len > 0) { /* ends: each round takes a byte or more */
        size_t len = 0;
        while (len < left.len && left.ptr[len] != '&') {
            len += 1;
        }
        size_t name_len = 0;
        while (name_len < len && left.ptr[name_len] != '=') {
            name_len += 1;
        }
        const rv_bytes name = {left.ptr, name_len};
        rv_nearest nearest = rv_nearest_to(name);
        if (len > 0 && !takes(at, name, &nearest)) {
            return refuse(at, url, name, nearest.best, err);
        }
        left = rv_bytes_from(left, len < left.len ? len + 1 : len);
    }
    RV_ASSERT(at == NULL || left.len == 0);
    return RV_OK;
}

rv_status face_read_flag(rv_exchange *x, const rv_url *url, const char *name, bool *set,
                         rv_error *err) {
    rv_bytes value;
    const rv_status status = rv_url_parameter(url, name, &x->face->scratch, &value, set, err);
    RV_ASSERT(name[0] != '\0');
    return status == RV_OK && *set && !rv_bytes_are(value, "true")
               ? rv_error_set(err, RV_PARAMETER_INVALID, "`%s` is true, not `%b`", name, &value)
               : status;
}
