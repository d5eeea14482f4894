/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/reactor_options.h"

#include "core/base/assert.h"
#include "core/model/json.h"
#include "face/url.h"

typedef struct reading {
    rv_json json;
    rv_json_token token;
    rv_reactor_options *options;
} reading;

static rv_status refuse(rv_bytes name, const char *wanted, rv_error *err) {
    RV_ASSERT(wanted != NULL);
    const rv_status status =
        rv_error_set(err, RV_PARAMETER_INVALID, "the option `%b` must be %s", &name, wanted);
    rv_error_fact_text(err, "parameter", name);
    return status;
}

static rv_status next(reading *r, rv_error *err) {
    return rv_json_next(&r->json, &r->token, err);
}

static rv_status read_memory(reading *r, rv_bytes name, rv_error *err) {
    uint64_t bytes = 0;
    if (r->token.kind != RV_JSON_NUMBER || !rv_number_parse(r->token.text, &bytes) || bytes == 0 ||
        bytes > SIZE_MAX / 2) {
        return refuse(name, "a number of bytes", err);
    }
    r->options->memory = (size_t)bytes;
    return RV_OK;
}

static rv_status read_role(reading *r, rv_bytes name, rv_error *err) {
    static const struct {
        const char *name;
        rv_role role;
    } roles[] = {{"root", RV_ROLE_ROOT}, {"edge", RV_ROLE_EDGE}, {"stored", RV_ROLE_STORED}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (r->token.kind == RV_JSON_STRING && rv_bytes_are(r->token.text, roles[i].name)) {
            r->options->role = roles[i].role;
            return RV_OK;
        }
    }
    return refuse(name, "\"root\", \"edge\" or \"stored\"", err);
}

static rv_status read_patterns(reading *r, rv_bytes name, rv_error *err) {
    RV_ASSERT(r->options->pattern_count == 0);
    if (r->token.kind != RV_JSON_ARRAY_BEGIN) {
        return refuse(name, "an array of path patterns", err);
    }
    rv_status status = next(r, err);
    while (status == RV_OK && r->token.kind == RV_JSON_STRING) {
        if (r->options->pattern_count == RV_PATTERNS_MAX) {
            return rv_error_set(err, RV_SELECTION_INVALID, "a selection has at most %u patterns",
                                (uint64_t)RV_PATTERNS_MAX);
        }
        r->options->patterns[r->options->pattern_count++] = r->token.text;
        status = next(r, err);
    }
    return status == RV_OK && r->token.kind != RV_JSON_ARRAY_END
               ? refuse(name, "an array of path patterns", err)
               : status;
}

static rv_status read_inflate(reading *r, rv_bytes name, rv_error *err) {
    if (r->token.kind != RV_JSON_TRUE && r->token.kind != RV_JSON_FALSE) {
        return refuse(name, "true or false", err);
    }
    r->options->inflate = r->token.kind == RV_JSON_TRUE;
    return RV_OK;
}

static rv_status read_directory(reading *r, rv_bytes name, rv_error *err) {
    if (r->token.kind != RV_JSON_STRING || r->token.text.len == 0) {
        return refuse(name, "the path of a directory", err);
    }
    r->options->directory = r->token.text;
    return RV_OK;
}

/* One member; `*seen` has a bit for each option that was there. */
static rv_status read_member(reading *r, uint32_t *seen, rv_error *err) {
    static const struct {
        const char *name;
        rv_status (*read)(reading *r, rv_bytes name, rv_error *err);
    } members[] = {{"memory", read_memory},
                   {"role", read_role},
                   {"patterns", read_patterns},
                   {"inflate", read_inflate},
                   {"directory", read_directory}};
    const rv_bytes name = r->token.text;
    RV_ASSERT(r->token.kind == RV_JSON_KEY);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (rv_bytes_are(name, members[i].name)) {
            if ((*seen & (UINT32_C(1) << i)) != 0) {
                return refuse(name, "there once", err);
            }
            *seen |= UINT32_C(1) << i;
            const rv_status status = next(r, err);
            return status == RV_OK ? members[i].read(r, name, err) : status;
        }
    }
    const rv_status status =
        rv_error_set(err, RV_PARAMETER_INVALID, "there is no option `%b`", &name);
    rv_error_fact_text(err, "parameter", name);
    return status;
}

rv_status rv_reactor_options_read(rv_bytes text, rv_arena *scratch, rv_reactor_options *options,
                                  rv_error *err) {
    RV_ASSERT(scratch != NULL);
    RV_ASSERT(options != NULL);
    *options = (rv_reactor_options){.role = RV_ROLE_STORED};
    reading r = {.json = rv_json_over(text, scratch), .options = options};
    uint32_t seen = 0;
    rv_status status = next(&r, err);
    if (status == RV_OK && r.token.kind != RV_JSON_OBJECT_BEGIN) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "the options are a JSON object");
    }
    status = status == RV_OK ? next(&r, err) : status;
    while (status == RV_OK && r.token.kind == RV_JSON_KEY) {
        status = read_member(&r, &seen, err);
        status = status == RV_OK ? next(&r, err) : status;
    }
    status = status == RV_OK ? next(&r, err) : status; /* nothing may follow */
    if (status == RV_OK && options->memory == 0) {
        return refuse(RV_LITERAL("memory"), "there", err);
    }
    if (status == RV_OK && options->pattern_count > 0 && options->role != RV_ROLE_EDGE) {
        return refuse(RV_LITERAL("patterns"), "left out: they are an edge's", err);
    }
    return status;
}
