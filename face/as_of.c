/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers from the past: `as_of`, a position or a time (core/engine/as_of.h). One request at a time
 * has the state of the past, from when it asks for it until its answer is made; others wait, as for
 * a result buffer. The memory for it is taken with the first question.
 *
 *     waits --nobody has it--> has it, and is on the way --reached--> answers --> gives it back
 *                                                   \---- an error, or it ends ----/
 */
#include "face/face_internal.h"

#include "core/base/assert.h"

#define SQL_SLACK ((size_t)128 << 10)

bool exchange_is_past(const rv_exchange *x) {
    return x->face->past_of == x;
}

rv_state *exchange_state(const rv_exchange *x) {
    return exchange_is_past(x) ? rv_as_of_state(x->face->as_of)
                               : rv_node_state(x->face->options.node);
}

const rv_schema *exchange_schema(const rv_exchange *x) {
    return exchange_is_past(x) ? rv_as_of_schema(x->face->as_of)
                               : rv_node_schema(x->face->options.node);
}

bool exchange_stale(const rv_exchange *x, uint16_t aggregate, uint64_t *since) {
    return exchange_is_past(x) ? rv_as_of_stale(x->face->as_of, aggregate, since)
                               : rv_node_stale(x->face->options.node, aggregate, since);
}

void exchange_leave_past(rv_exchange *x) {
    rv_face *const face = x->face;
    if (!exchange_is_past(x)) {
        return;
    }
    RV_ASSERT(x->query == NULL);
    if (face->past_sql != NULL) {
        rv_sql_destroy(face->past_sql);
        face->past_sql = NULL;
    }
    face->past_of = NULL;
}

/* What SQL over the past takes, of the memory for it. */
static size_t sql_part(const rv_face *face) {
    return rv_sql_present() ? rv_sql_memory_of(face->options.past.memory_size) + SQL_SLACK : 0;
}

static rv_status take_memory(rv_face *face, rv_error *err) {
    const rv_face_past *const o = &face->options.past;
    const size_t sql = sql_part(face);
    if (o->memory == NULL || o->memory_size < sql + RV_AS_OF_MEMORY_MIN) {
        return rv_error_set(err, RV_UNSUPPORTED,
                            "this node has no memory set apart for the past: it takes at least %u "
                            "bytes",
                            (uint64_t)(sql + RV_AS_OF_MEMORY_MIN));
    }
    uint8_t *const memory =
        face->past_memory != NULL ? face->past_memory : o->memory->take(o->ctx, o->memory_size);
    if (memory == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "the system does not give the %u bytes that are set apart for the past",
                            (uint64_t)o->memory_size);
    }
    face->past_memory = memory;
    const rv_as_of_options options = {.node = face->options.node,
                                      .memory = memory + sql,
                                      .memory_size = o->memory_size - sql,
                                      .events_max = o->events_max};
    return rv_as_of_create(&face->as_of, &options, err);
}

static rv_status read_place(rv_exchange *x, rv_bytes text, rv_as_of_place *place, rv_error *err) {
    rv_error cause;
    *place = (rv_as_of_place){UINT64_MAX, INT64_MAX};
    if (rv_number_parse(text, &place->position)) {
        return place->position <= RV_POSITION_MAX
                   ? RV_OK
                   : rv_error_set(err, RV_PARAMETER_INVALID, "`as_of` is a position, at most %u",
                                  (uint64_t)RV_POSITION_MAX);
    }
    return face_parse_time(x, text, &place->recorded_at, &cause) == RV_OK
               ? RV_OK
               : rv_error_set(err, RV_PARAMETER_INVALID,
                              "`as_of` is a position or a time, not `%b`", &text);
}

rv_status face_as_of(rv_exchange *x, rv_bytes text, rv_error *err) {
    rv_face *const face = x->face;
    rv_as_of_place place;
    if (exchange_is_live(x)) {
        rv_error_set(err, RV_PARAMETER_INVALID,
                     "what was does not change: `as_of` has no live feed");
        rv_error_fact_text(err, "parameter", RV_LITERAL("as_of"));
        return RV_PARAMETER_INVALID;
    }
    if (face->past_of != NULL && face->past_of != x) {
        x->past_awaited = true;
        return RV_PENDING;
    }
    rv_status status = read_place(x, text, &place, err);
    status = status == RV_OK && face->as_of == NULL ? take_memory(face, err) : status;
    if (status != RV_OK) {
        return status;
    }
    face->past_of = x;
    status = rv_as_of_reach(face->as_of, &place, err);
    x->head.past = status == RV_OK;
    x->head.as_of = status == RV_OK ? rv_as_of_position(face->as_of) : 0;
    return status;
}

rv_status face_as_of_parameter(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes text;
    bool found = false;
    const rv_status status = rv_url_parameter(url, "as_of", &x->face->scratch, &text, &found, err);
    return status == RV_OK && found ? face_as_of(x, text, err) : status;
}

rv_status face_past_sql(rv_exchange *x, rv_sql **sql, rv_error *err) {
    rv_face *const face = x->face;
    RV_ASSERT(exchange_is_past(x));
    rv_status status = RV_OK;
    if (face->past_sql == NULL) {
        const size_t size = sql_part(face);
        rv_arena arena = rv_arena_over(face->past_memory, size);
        const rv_sql_options options = {
            .schema = rv_as_of_schema(face->as_of),
            .state = rv_as_of_state(face->as_of),
            .memory = size - SQL_SLACK,
            .steps_max = face->options.past.sql_steps_max,
            .steps_slice = face->options.past.sql_steps_max > 0 ? RV_SQL_STEPS_SLICE : 0};
        status = rv_sql_create(&face->past_sql, &options, &arena, err);
    }
    *sql = face->past_sql;
    return status;
}
