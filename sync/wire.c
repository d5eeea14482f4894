/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/wire.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/event.h"
#include "core/model/json.h"

#define EVENTS_CONTINUES 0x01u

rv_status rv_wire_malformed(rv_error *err, const char *what) {
    RV_ASSERT(what != NULL);
    return rv_error_set(err, RV_PROTOCOL_ERROR, "the peer sent a malformed %s message", what);
}

/* Hello and welcome end with extensions: a count, then each a tag and a blob. Tag 1 is what goes
 * with RV_WIRE_FEATURE_PUSH: three varints. Tag 2 of a hello and 3 of a welcome are points of a
 * history. Tag 4 is about gateways: a varint in a hello, three in a welcome. Tags 6 and 7 of a
 * welcome, empty: select messages are taken, the past can be asked for. Others are passed over. */
#define EXTENSION_PUSH    1u
#define EXTENSION_LINEAGE 2u
#define EXTENSION_COMMON  3u
#define EXTENSION_GATE    4u
#define EXTENSION_SELECT  6u
#define EXTENSION_PAST    7u
#define EXTENSION_TOKEN   8u
#define EXTENSION_REFUSED 9u

/* The extensions of a hello or a welcome, as far as this version knows them. */
typedef struct extensions {
    bool has_push; /* tag 1 must be there, and only then */
    bool has_points;
    bool selects;
    bool has_gate;
    bool fills;
    bool refusals;
    uint64_t push[3];
    uint64_t gate[3];
    size_t gate_count;
    bool has_token; /* tag 8: a token, or what is said of it */
    rv_bytes token;
    uint64_t point_tag; /* 2: of a hello, 3: of a welcome */
    uint64_t point_max;
    uint64_t point_count;
    rv_wire_point *points;
} extensions;

static void write_points(rv_writer *w, const extensions *e) {
    uint8_t text[RV_WIRE_LINEAGE_MAX * (10 + 8)];
    rv_writer body = rv_writer_over(text, sizeof text);
    RV_ASSERT(e->point_count <= RV_WIRE_LINEAGE_MAX);
    for (uint64_t i = 0; i < e->point_count; i++) {
        rv_write_varint(&body, e->points[i].watermark);
        rv_write_u64(&body, e->points[i].chain_hash);
    }
    RV_ASSERT(!body.full);
    rv_write_varint(w, e->point_tag);
    rv_write_blob(w, rv_writer_bytes(&body));
}

static void write_numbers(rv_writer *w, uint64_t tag, const uint64_t *numbers, size_t count) {
    uint8_t text[32];
    rv_writer body = rv_writer_over(text, sizeof text);
    for (size_t i = 0; i < count; i++) {
        rv_write_varint(&body, numbers[i]);
    }
    RV_ASSERT(!body.full);
    rv_write_varint(w, tag);
    rv_write_blob(w, rv_writer_bytes(&body));
}

static void write_extensions(rv_writer *w, const extensions *e) {
    rv_write_varint(w, (uint64_t)e->has_push + (uint64_t)e->has_points + (uint64_t)e->has_gate +
                           (uint64_t)e->selects + (uint64_t)e->fills + (uint64_t)e->has_token +
                           (uint64_t)e->refusals);
    if (e->has_push) {
        write_numbers(w, EXTENSION_PUSH, e->push, 3);
    }
    if (e->has_points) {
        write_points(w, e);
    }
    if (e->selects) {
        rv_write_varint(w, EXTENSION_SELECT);
        rv_write_blob(w, (rv_bytes){NULL, 0});
    }
    if (e->has_gate) {
        write_numbers(w, EXTENSION_GATE, e->gate, e->gate_count);
    }
    if (e->fills) {
        rv_write_varint(w, EXTENSION_PAST);
        rv_write_blob(w, (rv_bytes){NULL, 0});
    }
    if (e->has_token) {
        rv_write_varint(w, EXTENSION_TOKEN);
        rv_write_blob(w, e->token);
    }
    if (e->refusals) {
        rv_write_varint(w, EXTENSION_REFUSED);
        rv_write_blob(w, (rv_bytes){NULL, 0});
    }
}

static bool read_numbers(rv_bytes bytes, uint64_t *numbers, size_t count) {
    rv_cursor c = rv_cursor_over(bytes);
    RV_ASSERT(numbers != NULL);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = rv_read_varint(&c);
    }
    return rv_cursor_done(&c);
}

/* Falling positions, none twice. */
static bool read_points(rv_bytes bytes, extensions *e) {
    rv_cursor c = rv_cursor_over(bytes);
    uint64_t before = RV_POSITION_MAX + 1;
    e->point_count = 0;
    while (rv_cursor_left(&c) > 0 && !c.bad) {
        rv_wire_point point;
        point.watermark = rv_read_varint(&c);
        point.chain_hash = rv_read_u64(&c);
        if (c.bad || e->point_count == e->point_max || point.watermark >= before) {
            return false;
        }
        before = point.watermark;
        e->points[e->point_count] = point;
        e->point_count += 1;
    }
    RV_ASSERT(e->point_count <= e->point_max);
    return !c.bad;
}

/* False: malformed, one twice, or tag 1 not there where it must be. */
static bool read_extensions(rv_cursor *c, extensions *e) {
    const uint64_t count = rv_read_varint(c);
    uint64_t met = 0;
    if (count > RV_WIRE_EXTENSIONS_MAX) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t tag = rv_read_varint(c);
        const rv_bytes body = rv_read_blob(c);
        if (tag == EXTENSION_PUSH && e->has_push) {
            met += 1;
            c->bad = c->bad || !read_numbers(body, e->push, 3);
        } else if (tag == e->point_tag) {
            c->bad = c->bad || e->has_points || !read_points(body, e);
            e->has_points = true;
        } else if (tag == EXTENSION_GATE) {
            c->bad = c->bad || e->has_gate || !read_numbers(body, e->gate, e->gate_count);
            e->has_gate = true;
        } else if (tag == EXTENSION_TOKEN) {
            c->bad = c->bad || e->has_token || body.len == 0 || body.len > RV_WIRE_TOKEN_MAX;
            e->has_token = true;
            e->token = body;
        }
        e->selects = e->selects || tag == EXTENSION_SELECT;
        e->fills = e->fills || tag == EXTENSION_PAST;
        e->refusals = e->refusals || tag == EXTENSION_REFUSED;
    }
    return rv_cursor_done(c) && met == (e->has_push ? 1u : 0u);
}

static void write_hash(rv_writer *w, rv_hash128 hash) {
    rv_write_u64(w, hash.low);
    rv_write_u64(w, hash.high);
}

static rv_hash128 read_hash(rv_cursor *c) {
    const uint64_t low = rv_read_u64(c);
    return (rv_hash128){low, rv_read_u64(c)};
}

static void read_id(rv_cursor *c, uint8_t *id) {
    const rv_bytes raw = rv_read(c, 16);
    RV_ASSERT(raw.len == 0 || raw.len == 16);
    if (raw.len == 16) {
        memcpy(id, raw.ptr, 16);
    }
}

/* --- messages --- */

void rv_wire_begin(rv_writer *w, rv_wire_kind kind) {
    RV_ASSERT(kind >= RV_WIRE_HELLO && kind <= RV_WIRE_KIND_LAST);
    rv_write_u8(w, (uint8_t)kind);
    rv_write_u8(w, 0);
}

/* What is large, and comes from an upstream: nobody makes others, so nobody inflates them. */
static bool may_be_deflated(rv_wire_kind kind) {
    RV_ASSERT(kind > 0);
    return kind == RV_WIRE_EVENTS || kind == RV_WIRE_BASE || kind == RV_WIRE_CHANGES ||
           kind == RV_WIRE_PAST;
}

/* True for kinds that this version has, as messages of their own, and those that it may ignore. */
static bool is_known(uint8_t kind) {
    const bool retired = kind == 6 || kind == 7 || kind == RV_WIRE_REFUSED;
    const bool between = kind > RV_WIRE_PAST && kind < RV_WIRE_TOKEN;
    return kind >= RV_WIRE_IGNORED_FIRST ||
           (kind > 0 && kind <= RV_WIRE_KIND_LAST && !retired && !between);
}

rv_status rv_wire_open(rv_bytes message, const rv_compression *compression,
                       const rv_writer *inflated, rv_wire_kind *kind, rv_bytes *body,
                       rv_error *err) {
    RV_ASSERT(compression != NULL && inflated != NULL);
    rv_cursor c = rv_cursor_over(message);
    const uint8_t met = rv_read_u8(&c);
    const uint8_t flags = rv_read_u8(&c);
    if (message.len > RV_WIRE_MESSAGE_MAX) {
        return rv_error_set(err, RV_MESSAGE_TOO_LARGE, "a message of %u bytes; the limit is %u",
                            (uint64_t)message.len, (uint64_t)RV_WIRE_MESSAGE_MAX);
    }
    if (c.bad || !is_known(met)) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the peer sent a message of unknown kind %u",
                            (uint64_t)met);
    }
    *kind = (rv_wire_kind)met;
    *body = rv_bytes_from(message, RV_WIRE_HEADER_LEN);
    if (met >= RV_WIRE_IGNORED_FIRST || flags == 0) {
        return RV_OK;
    }
    const uint64_t len = rv_read_varint(&c);
    if (!may_be_deflated(*kind) || flags != RV_WIRE_FLAG_DEFLATED || compression->ops == NULL ||
        c.bad || len == 0) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the peer sent a message with unknown flags");
    }
    if (len > inflated->cap || len > RV_WIRE_MESSAGE_MAX) {
        return rv_error_set(err, RV_MESSAGE_TOO_LARGE,
                            "a message of %u bytes when inflated; the limit is %u", len,
                            (uint64_t)RV_WIRE_MESSAGE_MAX);
    }
    const rv_bytes packed = rv_bytes_of(c.ptr, (size_t)(c.end - c.ptr));
    const size_t met_len =
        compression->ops->inflate(compression->ctx, packed, inflated->ptr, (size_t)len);
    if (met_len != len) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the peer sent a message that does not inflate");
    }
    *body = rv_bytes_of(inflated->ptr, met_len);
    return RV_OK;
}

bool rv_wire_deflate(rv_bytes message, const rv_compression *compression, rv_writer *out) {
    RV_ASSERT(message.len >= RV_WIRE_HEADER_LEN && message.ptr[1] == 0);
    RV_ASSERT(may_be_deflated((rv_wire_kind)message.ptr[0]));
    const rv_bytes body = rv_bytes_from(message, RV_WIRE_HEADER_LEN);
    if (compression->ops == NULL || body.len == 0) {
        return false;
    }
    rv_write_u8(out, message.ptr[0]);
    rv_write_u8(out, RV_WIRE_FLAG_DEFLATED);
    rv_write_varint(out, body.len);
    const size_t cap = rv_writer_room(out) < body.len ? rv_writer_room(out) : body.len;
    const size_t len = compression->ops->deflate(compression->ctx, body, out->ptr + out->len, cap);
    RV_ASSERT(len <= cap);
    out->len += len;
    return len > 0 && out->len < message.len;
}

/* --- hello --- */

void rv_wire_write_hello(rv_writer *w, const rv_wire_hello *h) {
    RV_ASSERT(h->pattern_count <= RV_PATTERNS_MAX);
    rv_wire_begin(w, RV_WIRE_HELLO);
    rv_write_u32(w, RV_WIRE_MAGIC);
    rv_write_varint(w, h->version_min);
    rv_write_varint(w, h->version_max);
    rv_write_varint(w, h->features);
    rv_write_u8(w, h->has_log);
    rv_write(w, rv_bytes_of(h->log_id, sizeof h->log_id));
    rv_write(w, rv_bytes_of(h->node_id, sizeof h->node_id));
    rv_write_varint(w, h->epoch);
    rv_write_varint(w, h->watermark);
    rv_write_u64(w, h->chain_hash);
    rv_write_varint(w, h->schema_version);
    write_hash(w, h->schema_hash);
    rv_write_varint(w, h->compression);
    rv_write_varint(w, h->credit);
    rv_write_varint(w, h->batch_bytes);
    rv_write_varint(w, h->pattern_count);
    for (uint64_t i = 0; i < h->pattern_count; i++) {
        rv_write_blob(w, h->patterns[i]);
    }
    rv_wire_point points[RV_WIRE_LINEAGE_MAX];
    memcpy(points, h->lineage, sizeof points);
    const extensions e = {.has_push = (h->features & RV_WIRE_FEATURE_PUSH) != 0,
                          .has_points = h->has_lineage,
                          .has_gate = h->gate != 0,
                          .gate = {h->gate},
                          .gate_count = 1,
                          .has_token = h->token.len > 0,
                          .token = h->token,
                          .push = {h->outbox.incarnation, h->outbox.next, h->outbox.settled},
                          .point_tag = EXTENSION_LINEAGE,
                          .point_count = h->lineage_count,
                          .points = points};
    write_extensions(w, &e);
}

rv_status rv_wire_read_hello(rv_bytes body, rv_wire_hello *h, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(h != NULL);
    memset(h, 0, sizeof *h);
    const uint32_t magic = rv_read_u32(&c);
    h->version_min = rv_read_varint(&c);
    h->version_max = rv_read_varint(&c);
    if (c.bad || magic != RV_WIRE_MAGIC || h->version_min > h->version_max) {
        return rv_wire_malformed(err, "hello");
    }
    if (h->version_min > RV_WIRE_VERSION_MAX || h->version_max < RV_WIRE_VERSION_MIN) {
        return rv_error_set(err, RV_UPSTREAM_VERSION,
                            "the upstream speaks protocol versions %u to %u, the edge %u to %u; "
                            "bring both to releases that share one",
                            (uint64_t)RV_WIRE_VERSION_MIN, (uint64_t)RV_WIRE_VERSION_MAX,
                            h->version_min, h->version_max);
    }
    h->features = rv_read_varint(&c);
    const uint8_t has_log = rv_read_u8(&c);
    h->has_log = has_log != 0;
    read_id(&c, h->log_id);
    read_id(&c, h->node_id);
    h->epoch = rv_read_varint(&c);
    h->watermark = rv_read_varint(&c);
    h->chain_hash = rv_read_u64(&c);
    h->schema_version = rv_read_varint(&c);
    h->schema_hash = read_hash(&c);
    h->compression = rv_read_varint(&c);
    h->credit = rv_read_varint(&c);
    h->batch_bytes = rv_read_varint(&c);
    h->pattern_count = rv_read_varint(&c);
    const bool named = h->pattern_count > 0 || (h->features & RV_WIRE_FEATURE_SELECTION) != 0;
    if (c.bad || has_log > 1 || !named || h->pattern_count > RV_PATTERNS_MAX) {
        return rv_wire_malformed(err, "hello");
    }
    for (uint64_t i = 0; i < h->pattern_count; i++) {
        h->patterns[i] = rv_read_blob(&c);
        if (h->patterns[i].len == 0 || h->patterns[i].len > RV_PATH_LEN_MAX) {
            return rv_wire_malformed(err, "hello");
        }
    }
    extensions e = {.has_push = (h->features & RV_WIRE_FEATURE_PUSH) != 0,
                    .gate_count = 1,
                    .point_tag = EXTENSION_LINEAGE,
                    .point_max = RV_WIRE_LINEAGE_MAX,
                    .points = h->lineage};
    if (!read_extensions(&c, &e) || e.push[0] > UINT32_MAX || e.push[1] > RV_POSITION_MAX ||
        (e.has_push && e.push[2] >= e.push[1])) {
        return rv_wire_malformed(err, "hello");
    }
    h->outbox = (rv_wire_outbox){e.push[0], e.push[1], e.push[2]};
    h->gate = e.gate[0];
    h->token = e.has_token ? e.token : (rv_bytes){NULL, 0};
    h->has_lineage = e.has_points;
    h->lineage_count = e.point_count;
    return RV_OK;
}

/* --- welcome --- */

void rv_wire_write_welcome(rv_writer *w, const rv_wire_welcome *m) {
    RV_ASSERT(m->version >= RV_WIRE_VERSION_MIN && m->version <= RV_WIRE_VERSION_MAX);
    rv_wire_begin(w, RV_WIRE_WELCOME);
    rv_write_u32(w, RV_WIRE_MAGIC);
    rv_write_varint(w, m->version);
    rv_write_varint(w, m->features);
    rv_write(w, rv_bytes_of(m->log_id, sizeof m->log_id));
    rv_write_varint(w, m->epoch);
    rv_write_u64(w, m->root_tag);
    rv_write_varint(w, m->position);
    rv_write_varint(w, m->schema_version);
    write_hash(w, m->schema_hash);
    rv_write_varint(w, m->compression);
    rv_wire_point common = m->common;
    uint8_t admitted[RV_WIRE_ADMITTED_MAX];
    rv_writer body = rv_writer_over(admitted, sizeof admitted);
    if (m->has_admitted) {
        rv_wire_write_admitted_body(&body, &m->admitted);
    }
    const extensions e = {.has_token = m->has_admitted,
                          .token = rv_writer_bytes(&body),
                          .has_push = (m->features & RV_WIRE_FEATURE_PUSH) != 0,
                          .has_points = m->diverged,
                          .selects = m->selects,
                          .has_gate = m->has_gate,
                          .gate = {m->gate.gateway ? 1 : 0, m->gate.pushes, m->gate.bytes},
                          .gate_count = 3,
                          .fills = m->fills,
                          .refusals = m->refusals,
                          .push = {m->grant.decided, m->grant.pushes, m->grant.bytes},
                          .point_tag = EXTENSION_COMMON,
                          .point_count = 1,
                          .points = &common};
    write_extensions(w, &e);
}

rv_status rv_wire_read_welcome(rv_bytes body, rv_wire_welcome *m, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(m != NULL);
    memset(m, 0, sizeof *m);
    const uint32_t magic = rv_read_u32(&c);
    m->version = rv_read_varint(&c);
    if (c.bad || magic != RV_WIRE_MAGIC) {
        return rv_wire_malformed(err, "welcome");
    }
    if (m->version < RV_WIRE_VERSION_MIN || m->version > RV_WIRE_VERSION_MAX) {
        return rv_error_set(err, RV_UPSTREAM_VERSION, "the upstream chose protocol version %u",
                            m->version);
    }
    m->features = rv_read_varint(&c);
    read_id(&c, m->log_id);
    m->epoch = rv_read_varint(&c);
    m->root_tag = rv_read_u64(&c);
    m->position = rv_read_varint(&c);
    m->schema_version = rv_read_varint(&c);
    m->schema_hash = read_hash(&c);
    m->compression = rv_read_varint(&c);
    extensions e = {.has_push = (m->features & RV_WIRE_FEATURE_PUSH) != 0,
                    .gate_count = 3,
                    .point_tag = EXTENSION_COMMON,
                    .point_max = 1,
                    .points = &m->common};
    if (!read_extensions(&c, &e) || m->epoch == 0 || m->epoch > UINT32_MAX ||
        (e.has_points && e.point_count == 0) || e.gate[0] > 1 ||
        (e.has_token && !rv_wire_read_admitted_body(e.token, &m->admitted))) {
        return rv_wire_malformed(err, "welcome");
    }
    m->grant = (rv_wire_grant){e.push[0], e.push[1], e.push[2]};
    m->diverged = e.has_points;
    m->selects = e.selects;
    m->has_gate = e.has_gate;
    m->gate = (rv_wire_gate){e.gate[0] == 1, e.gate[1], e.gate[2]};
    m->fills = e.fills;
    m->refusals = e.refusals;
    m->has_admitted = e.has_token;
    return RV_OK;
}

/* --- the small ones --- */

void rv_wire_write_progress(rv_writer *w, const rv_wire_progress *m) {
    RV_ASSERT(m->watermark > 0 || m->chain_hash == 0);
    rv_wire_begin(w, RV_WIRE_PROGRESS);
    rv_write_varint(w, m->watermark);
    rv_write_u64(w, m->chain_hash);
    rv_write_varint(w, m->position);
}

rv_status rv_wire_read_progress(rv_bytes body, rv_wire_progress *m, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(m != NULL);
    m->watermark = rv_read_varint(&c);
    m->chain_hash = rv_read_u64(&c);
    m->position = rv_read_varint(&c);
    return rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "progress");
}

void rv_wire_write_credit(rv_writer *w, uint64_t bytes) {
    RV_ASSERT(bytes > 0);
    rv_wire_begin(w, RV_WIRE_CREDIT);
    rv_write_varint(w, bytes);
}

rv_status rv_wire_read_credit(rv_bytes body, uint64_t *bytes, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(bytes != NULL);
    *bytes = rv_read_varint(&c);
    return rv_cursor_done(&c) && *bytes > 0 ? RV_OK : rv_wire_malformed(err, "credit");
}

void rv_wire_write_ping(rv_writer *w, rv_wire_kind ping_or_pong, uint64_t nonce) {
    RV_ASSERT(ping_or_pong == RV_WIRE_PING || ping_or_pong == RV_WIRE_PONG);
    rv_wire_begin(w, ping_or_pong);
    rv_write_varint(w, nonce);
}

rv_status rv_wire_read_ping(rv_bytes body, uint64_t *nonce, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(nonce != NULL);
    *nonce = rv_read_varint(&c);
    return rv_cursor_done(&c) ? RV_OK : rv_wire_malformed(err, "ping or pong");
}

void rv_wire_write_goodbye(rv_writer *w) {
    rv_wire_begin(w, RV_WIRE_GOODBYE);
}

rv_status rv_wire_read_goodbye(rv_bytes body, rv_error *err) {
    return body.len == 0 ? RV_OK : rv_wire_malformed(err, "goodbye");
}

/* --- errors --- */

void rv_wire_write_failure(rv_writer *w, const rv_error *error) {
    RV_ASSERT(error->status > RV_END && error->status < RV_STATUS_COUNT);
    rv_write_blob(w, rv_bytes_of_string(rv_status_code(error->status)));
    rv_write_blob(w, rv_error_detail(error));
    rv_write_blob(w, rv_bytes_of(error->facts, error->facts_len));
}

/* True when the text is members of a JSON object, without its braces: it goes to programs as it is.
 */
static bool are_members(rv_bytes facts) {
    uint8_t text[RV_ERROR_FACTS_MAX + 2];
    RV_ASSERT(facts.len <= RV_ERROR_FACTS_MAX);
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_write_text(&w, "{");
    rv_write(&w, facts);
    rv_write_text(&w, "}");
    rv_json json = rv_json_over(rv_writer_bytes(&w), NULL);
    rv_json_token token;
    for (size_t i = 0; i <= w.len; i++) {
        if (rv_json_next(&json, &token, NULL) != RV_OK) {
            return false;
        }
        if (token.kind == RV_JSON_END) {
            return true;
        }
    }
    return false;
}

bool rv_wire_read_failure(rv_cursor *c, rv_error *told) {
    const rv_bytes code = rv_read_blob(c);
    const rv_bytes detail = rv_read_blob(c);
    const rv_bytes facts = rv_read_blob(c);
    RV_ASSERT(told != NULL);
    memset(told, 0, sizeof *told);
    if (c->bad || code.len == 0 || code.len > RV_WIRE_CODE_MAX ||
        detail.len >= RV_WIRE_DETAIL_MAX || facts.len >= RV_ERROR_FACTS_MAX ||
        !rv_utf8_valid(detail, NULL) || !rv_utf8_valid(facts, NULL) || !are_members(facts)) {
        return false;
    }
    char name[RV_WIRE_CODE_MAX + 1] = {0};
    memcpy(name, code.ptr, code.len);
    const rv_status status = rv_status_of_code(name);
    const bool known = status > RV_END && status < RV_STATUS_COUNT;
    (void)rv_error_set(told, known ? status : RV_PROTOCOL_ERROR, "%b", &detail);
    if (facts.len > 0) {
        memcpy(told->facts, facts.ptr, facts.len);
    }
    told->facts_len = facts.len;
    return true;
}

void rv_wire_write_error(rv_writer *w, const rv_error *error) {
    RV_ASSERT(error != NULL);
    rv_wire_begin(w, RV_WIRE_ERROR);
    rv_wire_write_failure(w, error);
}

rv_status rv_wire_read_error(rv_bytes body, rv_error *told, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    RV_ASSERT(told != NULL);
    return rv_wire_read_failure(&c, told) && rv_cursor_done(&c) ? RV_OK
                                                                : rv_wire_malformed(err, "error");
}

/* --- events --- */

void rv_wire_write_events(rv_writer *w, const rv_wire_events *events) {
    RV_ASSERT(!events->continues || events->watermark == 0);
    rv_write_u8(w, events->continues ? EVENTS_CONTINUES : 0);
    if (!events->continues) {
        rv_write_varint(w, events->watermark);
        rv_write_u64(w, events->chain_hash);
    }
    RV_ASSERT(events->position >= events->watermark);
    rv_write_varint(w, events->position - events->watermark);
}

bool rv_wire_read_events(rv_cursor *c, rv_wire_events *events) {
    const uint8_t flags = rv_read_u8(c);
    RV_ASSERT(events != NULL);
    memset(events, 0, sizeof *events);
    events->continues = (flags & EVENTS_CONTINUES) != 0;
    if (!events->continues) {
        events->watermark = rv_read_varint(c);
        events->chain_hash = rv_read_u64(c);
    }
    const uint64_t ahead = rv_read_varint(c);
    events->position = events->watermark + ahead;
    return !c->bad && (flags & ~EVENTS_CONTINUES) == 0 && events->position >= ahead;
}
