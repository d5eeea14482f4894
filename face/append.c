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
    return status;
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

static rv_status read_lines(body_parse *p, rv_bytes body, rv_error *err) {
    size_t start = 0;
    uint64_t line = 0;
    while (start < body.len) {
        const uint8_t *end = memchr(body.ptr + start, '\n', body.len - start);
        const size_t len = end == NULL ? body.len - start : (size_t)(end - body.ptr) - start;
        const rv_bytes text = rv_bytes_of(body.ptr + start, len);
        start += len + 1;
        line += 1;
        if (len == 0 || (len == 1 && text.ptr[0] == '\r')) {
            continue;
        }
        const rv_status status = read_json(p, text, err);
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

typedef struct answered_event {
    uint64_t position;
    uint64_t version;
    rv_bytes path;
    rv_bytes type;
    const uint8_t *event_id;
    int64_t recorded_at;
} answered_event;

static void write_answer(rv_writer *w, const answered_event *e) {
    rv_write_text(w, "{\"position\":");
    rv_write_uint(w, e->position);
    rv_write_text(w, ",\"version\":");
    rv_write_uint(w, e->version);
    rv_write_text(w, ",\"path\":");
    rv_write_json_string(w, e->path);
    rv_write_text(w, ",\"type\":");
    rv_write_json_string(w, e->type);
    rv_write_text(w, ",\"event_id\":\"");
    rv_write_uuid(w, e->event_id);
    rv_write_text(w, "\",\"recorded_at\":");
    rv_event_time_to_json(e->recorded_at, w);
    rv_write_text(w, ",\"data\":");
}

static void write_event(rv_exchange *x, rv_writer *w, const rv_event *event) {
    rv_node *node = x->face->options.node;
    const rv_event_type *type = rv_schema_event_type(rv_node_schema(node), event->type);
    rv_stream_head head;
    rv_state_stream(rv_node_state(node), event->stream, &head);
    const answered_event answer = {event->position, event->version,  head.path,
                                   type->name,      event->event_id, event->recorded_at};
    write_answer(w, &answer);
    rv_event_data_members_to_json(type, event->data, w);
    rv_write_u8(w, '}');
}

/* The data of a forwarded event is JSON as the root wrote it, a member a field. With numbers as
 * text those of numeric and bigint fields get their quotes; what is not of that form stays as it
 * is. */
static void write_forwarded_data(const rv_event_type *type, rv_bytes data, rv_writer *w) {
    rv_json json = rv_json_over(data, NULL);
    rv_json_token token;
    size_t written = 0;
    rv_status status = rv_json_next(&json, &token, NULL);
    bool object = status == RV_OK && token.kind == RV_JSON_OBJECT_BEGIN;
    for (size_t i = 0; object && i < type->field_count; i++) {
        const rv_type *const field = &type->fields[i].type;
        const bool array = field->kind == RV_TYPE_ARRAY;
        const rv_type_kind kind = array ? (rv_type_kind)field->element : field->kind;
        const bool quoted = kind == RV_TYPE_BIGINT || kind == RV_TYPE_NUMERIC;
        rv_bytes whole;
        status = rv_json_next(&json, &token, NULL);
        object = status == RV_OK && token.kind == RV_JSON_KEY &&
                 rv_json_next(&json, &token, NULL) == RV_OK &&
                 rv_json_skip(&json, &token, &whole, NULL) == RV_OK;
        if (object && quoted && token.kind == (array ? RV_JSON_ARRAY_BEGIN : RV_JSON_NUMBER)) {
            rv_write(w, rv_bytes_of(data.ptr + written, token.offset - written));
            rv_json_quote_numbers(whole, w);
            written = token.offset + whole.len;
        }
    }
    RV_ASSERT(written <= data.len);
    rv_write(w, rv_bytes_from(data, written));
    rv_event_bigints_to_json(type, w);
}

static void write_forwarded(rv_exchange *x, rv_writer *w, const rv_forwarded *event) {
    const answered_event answer = {event->position, event->version,  event->path,
                                   event->type,     event->event_id, event->recorded_at};
    const rv_event_type *type =
        rv_schema_event_type_named(rv_node_schema(x->face->options.node), event->type);
    write_answer(w, &answer);
    if (type != NULL && w->numbers_as_text) {
        write_forwarded_data(type, event->data, w);
    } else {
        rv_write(w, event->data);
    }
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
static void write_events(rv_exchange *x, rv_writer *w, size_t count, bool forwarded) {
    for (size_t i = 0; i < count && !w->full; i++) {
        if (count > 1) {
            rv_write_text(w, i == 0 ? "{\"events\":[" : ",");
        }
        if (forwarded) {
            write_forwarded(x, w, &x->face->forwarded[i]);
        } else {
            write_event(x, w, &x->face->events[i]);
        }
    }
    rv_write_text(w, count > 1 ? "]}\n" : "\n");
}

void face_answer_events(rv_exchange *x, rv_writer *w, size_t count, bool minimal, bool forwarded) {
    const rv_face *face = x->face;
    if (!minimal) {
        write_events(x, w, count, forwarded);
    }
    if (w->full && exchange_writer(x, true, w) == RV_OK) {
        write_events(x, w, count, forwarded);
    }
    if (minimal || w->full) {
        w->len = 0;
        w->full = false;
        write_minimal(w, count, forwarded ? face->forwarded[0].position : face->events[0].position,
                      forwarded ? face->forwarded[count - 1].position
                                : face->events[count - 1].position);
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
        face_answer_events(x, w, count, minimal, false);
        x->wait_sequence = face->events[count - 1].sequence;
        x->phase = memory ? EXCHANGE_ANSWERED : EXCHANGE_DURABLE;
    }
    return status;
}

/* An answer that had no room on its way says the last position only, and a batch's are in a row. */
static void complete_bare(rv_face *face, size_t count, size_t answered) {
    RV_ASSERT(count > 0 && answered != count && count <= face->events_max);
    const size_t last = answered == 0                 ? 0
                        : answered > face->events_max ? face->events_max - 1
                                                      : answered - 1;
    const uint64_t position = face->forwarded[last].position;
    face->forwarded[0].position = position - (count - 1);
    face->forwarded[count - 1].position = position;
}

/* What an edge cannot write itself, for want of a serial key, is sent on to the root while there is
 * a connection; the answer comes when this node holds what the root accepted. Memory for a large
 * one is taken only then: waiting may take long. */
static rv_status append_upstream(rv_exchange *x, size_t count, bool large, bool minimal,
                                 rv_error *err) {
    rv_face *face = x->face;
    rv_edge *edge = face->options.edge;
    if (!x->forwarded) {
        const rv_status status = rv_edge_forward(edge, face->appends, count, &x->forward, err);
        if (status != RV_OK) {
            return status;
        }
        x->forwarded = true;
    }
    size_t answered = 0;
    rv_writer w;
    rv_status status =
        rv_edge_forward_result(edge, x->forward, face->forwarded, face->events_max, &answered, err);
    status = status == RV_OK ? exchange_writer(x, large, &w) : status;
    if (status == RV_OK) {
        if (answered != count) {
            complete_bare(face, count, answered);
        }
        face_answer_events(x, &w, count, minimal || answered != count, true);
    }
    return status;
}

static rv_status append_at_edge(rv_exchange *x, const rv_url *url, size_t count, bool minimal,
                                face_durability durability, rv_error *err) {
    const bool large = !minimal && (count > 1 || x->request.body.len > EXCHANGE_BUFFER_SIZE / 4);
    rv_status status = x->forwarded ? RV_NO_KEYS : face_write(x, count, durability, minimal, err);
    if (status != RV_NO_KEYS || x->face->options.edge == NULL) {
        return status;
    }
    rv_error keys = {.status = RV_OK};
    if (!x->forwarded) {
        keys = *err;
        exchange_release(x);
        status = read_body(x, url, true, &count, err); /* what is sent on has been read */
        if (status != RV_OK) {
            return status;
        }
    }
    status = append_upstream(x, count, large, minimal, err);
    if (status == RV_NOT_CONNECTED && keys.status != RV_OK) {
        *err = keys;
        return keys.status;
    }
    return status;
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
    rv_status status = rv_url_parameter(url, "return", &x->face->scratch, &preference, &found, err);
    status = status == RV_OK ? parse_durability(x, &durability, err) : status;
    status = status == RV_OK ? read_body(x, url, false, &count, err) : status;
    if (status != RV_OK) {
        return status;
    }
    const bool minimal = rv_bytes_are(preference, "minimal");
    const bool large = !minimal && (count > 1 || x->request.body.len > EXCHANGE_BUFFER_SIZE / 4);
    if (x->request.run.len > 0) {
        status = face_write_again(x, count, err);
    } else if (rv_node_role(x->face->options.node) == RV_ROLE_EDGE) {
        status = append_at_edge(x, url, count, minimal, durability, err);
    } else {
        status = exchange_writer(x, large, &w);
        status = status == RV_OK
                     ? append_here(x, count, &w, minimal, durability == FACE_MEMORY, err)
                     : status;
    }
    return status == RV_JSON_INVALID ? tell_place(x, url, err) : status;
}
