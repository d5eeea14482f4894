/* SPDX-License-Identifier: Apache-2.0 */
// POST /streams/… and POST /events: what the body holds becomes one atomic batch.
//
//     POST /streams/{stream}[/{key}…]   with X-Event-Type: the body is an event's data, or an array
//     or
//                                       NDJSON of several; without: envelopes as below
//     POST /events {"path","type","data","metadata","event_id","expected_version"},
//                                       an array of them, or NDJSON; "stream" is another name of
//                                       "path"
//
// Expected-Version and Idempotency-Key belong to the first event; the ids of the others of a batch
// follow from the first one's by adding their index to its last four bytes. `?return=minimal`
// answers counts and positions only, as does a batch whose full answer would be larger than the
// limit.
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/engine/keys.h"
#include "core/model/value_json.h"

/* --- what the request says of every event --- */

static rv_status parse_expected(rv_bytes text, rv_append *append, rv_error *err) {
    append->expected = RV_EXPECTED_ANY;
    if (text.len == 0 || rv_bytes_are(text, "any")) {
        return RV_OK;
    }
    if (rv_bytes_are(text, "none")) {
        append->expected = RV_EXPECTED_NONE;
    } else if (rv_bytes_are(text, "exists")) {
        append->expected = RV_EXPECTED_EXISTS;
    } else if (rv_number_parse(text, &append->expected_version)) {
        append->expected = RV_EXPECTED_NUMBER;
    } else {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "an expected version is any, none, exists or a number, not `%b`",
                            &text);
    }
    return RV_OK;
}

rv_status face_parse_id(rv_bytes text, uint8_t *id, rv_error *err) {
    const rv_type uuid = {.kind = RV_TYPE_UUID};
    uint8_t memory[64];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_value value;
    rv_error cause;
    if (rv_value_from_text(&uuid, text, RV_LITERAL("event_id"), &arena, &value, &cause) != RV_OK) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "an event id is a UUID, not `%b`", &text);
    }
    RV_ASSERT(value.as.bytes.len == 16);
    memcpy(id, value.as.bytes.ptr, 16);
    return RV_OK;
}

static rv_status parse_id(rv_bytes text, rv_append *append, rv_error *err) {
    append->has_event_id = true;
    return face_parse_id(text, append->event_id, err);
}

/* The id of the i-th event of a batch whose first has `base`. */
static void derive_id(const rv_append *base, size_t index, rv_append *append) {
    append->has_event_id = base->has_event_id;
    memcpy(append->event_id, base->event_id, sizeof append->event_id);
    uint32_t low = ((uint32_t)base->event_id[12] << 24) | ((uint32_t)base->event_id[13] << 16) |
                   ((uint32_t)base->event_id[14] << 8) | base->event_id[15];
    low += (uint32_t)index;
    for (unsigned i = 0; i < 4; i++) {
        append->event_id[12 + i] = (uint8_t)(low >> (24 - 8 * i));
    }
}

/* --- the body --- */

typedef struct body_parse {
    rv_face *face;
    rv_append first; /* what headers and address say; the first event's */
    bool enveloped;
    bool strict; /* the data of events is looked into here already, for its place in the body */
    size_t count;
} body_parse;

static rv_status next_append(body_parse *p, rv_append **append, rv_error *err) {
    if (p->count == p->face->events_max) {
        return rv_error_set(err, RV_BATCH_TOO_LARGE, "a request has at most %u events",
                            (uint64_t)p->face->events_max);
    }
    *append = &p->face->appends[p->count];
    **append = p->first;
    if (p->count > 0) {
        (*append)->expected = RV_EXPECTED_ANY;
        derive_id(&p->first, p->count, *append);
    }
    p->count += 1;
    return RV_OK;
}

static rv_status set_member(rv_append *append, rv_bytes key, const rv_json_token *value,
                            rv_bytes whole, rv_error *err) {
    const bool string = value->kind == RV_JSON_STRING;
    const bool null = value->kind == RV_JSON_NULL;
    const bool object = value->kind == RV_JSON_OBJECT_BEGIN;
    if (rv_bytes_are(key, "path") || rv_bytes_are(key, "stream")) {
        append->path = string ? value->text : append->path;
    } else if (rv_bytes_are(key, "type")) {
        append->type = string ? value->text : append->type;
    } else if (rv_bytes_are(key, "data")) {
        if (append->data.len > 0) {
            return rv_error_set(err, RV_JSON_INVALID, "an event has `data` once");
        }
        append->data = object ? whole : append->data;
        return object ? RV_OK
                      : rv_error_set(err, RV_REQUEST_INVALID, "`data` is a JSON object of fields");
    } else if (rv_bytes_are(key, "metadata")) {
        append->metadata = null ? (rv_bytes){NULL, 0} : whole;
        return RV_OK;
    } else if (rv_bytes_are(key, "event_id")) {
        return null ? RV_OK : parse_id(value->text, append, err);
    } else if (rv_bytes_are(key, "expected_version")) {
        return null ? RV_OK : parse_expected(value->text, append, err);
    } else {
        return rv_error_set(
            err, RV_REQUEST_INVALID,
            "an event has path, type, data, metadata, event_id and expected_version, "
            "not `%b`",
            &key);
    }
    return string ? RV_OK : rv_error_set(err, RV_REQUEST_INVALID, "`%b` is a string", &key);
}

/* Goes past a member's value. The data of an event is read when it is appended, and found out then
 * if it is no JSON. */
static rv_status skip_member(const body_parse *p, rv_json *json, rv_bytes key,
                             const rv_json_token *value, rv_bytes *whole, rv_error *err) {
    const bool data = value->kind == RV_JSON_OBJECT_BEGIN && rv_bytes_are(key, "data");
    return data && !p->strict ? rv_json_pass(json, value, whole, err)
                              : rv_json_skip(json, value, whole, err);
}

/* Reads an envelope; its opening brace has been read. */
static rv_status read_envelope(const body_parse *p, rv_json *json, rv_append *append,
                               rv_error *err) {
    rv_json_token key;
    rv_status status = rv_json_next(json, &key, err);
    while (status == RV_OK && key.kind == RV_JSON_KEY) {
        rv_json_token value;
        rv_bytes whole = {NULL, 0};
        status = rv_json_next(json, &value, err);
        if (status == RV_OK) {
            status = skip_member(p, json, key.text, &value, &whole, err);
        }
        if (status == RV_OK) {
            status = set_member(append, key.text, &value, whole, err);
        }
        if (status == RV_OK) {
            status = rv_json_next(json, &key, err);
        }
    }
    if (status == RV_OK && (append->path.len == 0 || append->type.len == 0)) {
        return rv_error_set(err, RV_REQUEST_INVALID, "an event needs a path and a type%s",
                            append->path.len > 0 ? ": give X-Event-Type, or \"type\" and \"data\""
                                                 : "");
    }
    if (status == RV_OK && append->data.len == 0) {
        append->data = RV_LITERAL("{}");
    }
    return status == RV_OK ? face_path_of(p->face, append->path, &append->path, err) : status;
}

/* Reads one event; the first token of it has been read. */
static rv_status read_event(body_parse *p, rv_json *json, const rv_json_token *first,
                            rv_error *err) {
    rv_append *append = NULL;
    rv_status status = next_append(p, &append, err);
    if (status != RV_OK) {
        return status;
    }
    if (first->kind != RV_JSON_OBJECT_BEGIN) {
        return rv_error_set(err, RV_REQUEST_INVALID, "event %u is not a JSON object",
                            (uint64_t)p->count);
    }
    return p->enveloped ? read_envelope(p, json, append, err)
                        : rv_json_skip(json, first, &append->data, err);
}

static rv_status read_json(body_parse *p, rv_bytes body, rv_error *err) {
    rv_json json = rv_json_over(body, &p->face->scratch);
    rv_json_token token;
    rv_status status = rv_json_next(&json, &token, err);
    if (status == RV_OK && token.kind == RV_JSON_ARRAY_BEGIN) {
        status = rv_json_next(&json, &token, err);
        while (status == RV_OK && token.kind != RV_JSON_ARRAY_END) {
            status = read_event(p, &json, &token, err);
            status = status == RV_OK ? rv_json_next(&json, &token, err) : status;
        }
    } else if (status == RV_OK) {
        status = read_event(p, &json, &token, err);
    }
    return status == RV_OK ? rv_json_next(&json, &token, err) : status; /* nothing may follow */
}

/* A line is one event, so that what is counted by lines is counted by events. */
static rv_status read_line(body_parse *p, rv_bytes line, rv_error *err) {
    rv_json json = rv_json_over(line, &p->face->scratch);
    rv_json_token token;
    rv_status status = rv_json_next(&json, &token, err);
    RV_ASSERT(line.len > 0);
    status = status == RV_OK ? read_event(p, &json, &token, err) : status;
    return status == RV_OK ? rv_json_next(&json, &token, err) : status; /* nothing may follow */
}

static bool is_blank(rv_bytes line) {
    bool blank = true;
    for (size_t i = 0; blank && i < line.len; i++) {
        blank = line.ptr[i] == ' ' || line.ptr[i] == '\t' || line.ptr[i] == '\r';
    }
    return blank;
}

static rv_status read_lines(body_parse *p, rv_bytes body, rv_error *err) {
    size_t start = 0;
    uint64_t line = 0;
    while (start < body.len) {
        const uint8_t *end = memchr(body.ptr + start, '\n', body.len - start);
        const size_t len = end == NULL ? body.len - start : (size_t)(end - body.ptr) - start;
        const rv_bytes text = rv_bytes_of(body.ptr + start, len);
        start += len + 1;
        line += 1;
        if (is_blank(text)) {
            continue;
        }
        const rv_status status = read_line(p, text, err);
        if (status != RV_OK) {
            rv_error_fact_uint(err, "batch_line", line);
            return status;
        }
    }
    return RV_OK;
}

static rv_status read_body(rv_exchange *x, const rv_url *url, bool strict, size_t *count,
                           rv_error *err) {
    const rv_request *request = &x->request;
    body_parse p = {.face = x->face, .enveloped = request->event_type.len == 0, .strict = strict};
    p.first.type = request->event_type;
    p.first.metadata = request->metadata;
    rv_status status = parse_expected(request->expected_version, &p.first, err);
    if (status == RV_OK && request->idempotency_key.len > 0) {
        status = parse_id(request->idempotency_key, &p.first, err);
    }
    if (status == RV_OK && rv_bytes_are(url->segments[0], "streams")) {
        status = face_stream_path(x, url, &p.first.path, err);
    } else {
        p.enveloped = true;
    }
    if (status != RV_OK) {
        return status;
    }
    const bool lines = header_names(request->content_type, "ndjson") ||
                       header_names(request->content_type, "jsonl");
    status = lines ? read_lines(&p, request->body, err) : read_json(&p, request->body, err);
    *count = p.count;
    if (status == RV_OK && p.count == 0 && request->run.len == 0) {
        return rv_error_set(err, RV_REQUEST_INVALID, "the request holds no event");
    }
    return status;
}

/* --- the answer --- */

static void write_event(rv_exchange *x, rv_writer *w, const rv_event *event) {
    rv_node *node = x->face->options.node;
    const rv_event_type *type = rv_schema_event_type(rv_node_schema(node), event->type);
    rv_stream_head head;
    rv_state_stream(rv_node_state(node), event->stream, &head);
    rv_write_text(w, "{\"position\":");
    rv_write_uint(w, event->position);
    rv_write_text(w, ",\"version\":");
    rv_write_uint(w, event->version);
    rv_write_text(w, ",\"path\":");
    rv_write_json_string(w, head.path);
    rv_write_text(w, ",\"type\":");
    rv_write_json_string(w, type->name);
    rv_write_text(w, ",\"event_id\":\"");
    rv_write_uuid(w, event->event_id);
    rv_write_text(w, "\",\"recorded_at\":");
    rv_event_time_to_json(event->recorded_at, w);
    rv_write_text(w, ",\"data\":");
    rv_event_data_members_to_json(type, event->data, w);
    rv_write_u8(w, '}');
}

static void write_minimal(rv_writer *w, size_t count, uint64_t first, uint64_t last) {
    rv_write_text(w, "{\"count\":");
    rv_write_uint(w, count);
    rv_write_text(w, ",\"first_position\":");
    rv_write_uint(w, first);
    rv_write_text(w, ",\"last_position\":");
    rv_write_uint(w, last);
    rv_write_text(w, "}\n");
}

/* One event is an object, a batch `{"events":[…]}`. */
static void write_events(rv_exchange *x, rv_writer *w, size_t count) {
    for (size_t i = 0; i < count && !w->full; i++) {
        if (count > 1) {
            rv_write_text(w, i == 0 ? "{\"events\":[" : ",");
        }
        write_event(x, w, &x->face->events[i]);
    }
    rv_write_text(w, count > 1 ? "]}\n" : "\n");
}

void face_answer_events(rv_exchange *x, rv_writer *w, size_t count, bool minimal) {
    const rv_face *face = x->face;
    if (!minimal) {
        write_events(x, w, count);
    }
    if (w->full && exchange_writer(x, true, w) == RV_OK) {
        write_events(x, w, count);
    }
    if (minimal || w->full) {
        w->len = 0;
        w->full = false;
        write_minimal(w, count, face->events[0].position, face->events[count - 1].position);
    }
    exchange_answer(x, 201, "application/json", rv_writer_bytes(w));
}

/* --- appending --- */

static rv_status parse_durability(const rv_exchange *x, face_durability *durability,
                                  rv_error *err) {
    const rv_bytes d = x->request.durability;
    *durability = rv_bytes_are(d, "memory")     ? FACE_MEMORY
                  : rv_bytes_are(d, "relayed")  ? FACE_RELAYED
                  : rv_bytes_are(d, "upstream") ? FACE_UPSTREAM
                                                : FACE_LOCAL;
    if (d.len == 0 || *durability != FACE_LOCAL || rv_bytes_are(d, "local")) {
        return RV_OK;
    }
    return rv_error_set(err, RV_PARAMETER_INVALID,
                        "Durability is memory, local, relayed or upstream, not `%b`", &d);
}

/* May all of these be written? */
static rv_status judge_writes(const rv_exchange *x, size_t count, rv_error *err) {
    rv_status status = RV_OK;
    RV_ASSERT(count <= x->face->events_max);
    for (size_t i = 0; x->guarded && i < count && status == RV_OK; i++) {
        status = face_require(x, FACE_WRITE, x->face->appends[i].path, err);
    }
    return status;
}

/* The data of an event was no JSON: the same error with its place in the body, if it is one that
 * can be seen without the event's type. */
static rv_status tell_place(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_error placed;
    size_t count = 0;
    const rv_status status = read_body(x, url, true, &count, &placed);
    if (status == RV_JSON_INVALID && err != NULL) {
        *err = placed;
    }
    return RV_JSON_INVALID;
}

static rv_status append_here(rv_exchange *x, size_t count, rv_writer *w, bool minimal, bool memory,
                             rv_error *err) {
    rv_face *face = x->face;
    const rv_status status =
        rv_node_append(face->options.node, face->appends, count, face->events, err);
    if (status == RV_OK) {
        face_answer_events(x, w, count, minimal);
        x->wait_sequence = face->events[count - 1].sequence;
        x->phase = memory ? EXCHANGE_ANSWERED : EXCHANGE_DURABLE;
    }
    return status;
}

/* True while the request waits for serial keys: there is no other block yet, and there may be. */
static bool waits_for_keys(rv_exchange *x) {
    const rv_face_options *const options = &x->face->options;
    RV_ASSERT(x->used);
    return x->keys_awaited && x->keys_blocks == rv_node_keys_blocks(options->node) &&
           rv_edge_awaits_keys(options->edge, x->keys_aggregate);
}

/* What needs a serial key that this edge does not have waits a while for the root to lease some.
 * Memory for a large answer is taken again then. */
static rv_status append_at_edge(rv_exchange *x, size_t count, bool minimal,
                                face_durability durability, rv_error *err) {
    const rv_face_options *const options = &x->face->options;
    const rv_status status = face_write(x, count, durability, minimal, err);
    if (status != RV_NO_KEYS || options->edge == NULL) {
        return status;
    }
    x->keys_aggregate = rv_node_keys_missed(options->node);
    x->keys_blocks = rv_node_keys_blocks(options->node);
    x->keys_awaited = true;
    if (!waits_for_keys(x)) {
        return status;
    }
    exchange_release(x);
    return RV_PENDING;
}

rv_status face_append(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes preference;
    bool found = false;
    face_durability durability = FACE_LOCAL;
    size_t count = 0;
    rv_writer w;
    if (x->request.run.len > 0 && x->request.body.len == 0) {
        return face_refuse(x, err);
    }
    if (waits_for_keys(x)) {
        return RV_PENDING;
    }
    rv_status status = rv_url_parameter(url, "return", &x->face->scratch, &preference, &found, err);
    status = status == RV_OK ? parse_durability(x, &durability, err) : status;
    status = status == RV_OK ? read_body(x, url, false, &count, err) : status;
    if (status != RV_OK && x->request.run.len > 0) {
        const rv_error reason = *err; /* it would be the same the next time, and keep all behind */
        return face_reject(x, &reason, err);
    }
    status = status == RV_OK ? judge_writes(x, count, err) : status;
    if (status != RV_OK) {
        return status;
    }
    const bool minimal = rv_bytes_are(preference, "minimal");
    const bool large = !minimal && (count > 1 || x->request.body.len > EXCHANGE_BUFFER_SIZE / 4);
    if (x->request.run.len > 0) {
        status = face_write_again(x, count, err);
    } else if (rv_node_role(x->face->options.node) == RV_ROLE_EDGE) {
        status = append_at_edge(x, count, minimal, durability, err);
    } else {
        status = exchange_writer(x, large, &w);
        status = status == RV_OK
                     ? append_here(x, count, &w, minimal, durability == FACE_MEMORY, err)
                     : status;
    }
    if (status != RV_OK && status != RV_PENDING && status != RV_BUSY) {
        face_narrow(x, err);
    }
    return status == RV_JSON_INVALID ? tell_place(x, url, err) : status;
}
