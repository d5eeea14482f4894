/* SPDX-License-Identifier: Apache-2.0 */
// GET /events and GET /streams/…: events in order of sequence, in one of three forms.
//
//     Accept: text/event-stream     a live feed: history, then what comes; `id:` is a cursor that
//                                   Last-Event-ID takes back
//     Accept: application/x-ndjson  a line an event, to the end of what is durable now
//     else                          the same as one JSON array
//
// A feed's cursor is the event's sequence at this node and a tag of the node's log, so that it is
// not taken for a cursor of another one (SEMANTICS 30).
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/engine/token.h"

#define SCAN_MAX         4096 /* events passed over between two looks at other work */
#define FEED_INTERVAL_US INT64_C(15000000)

/* --- cursors --- */

static uint32_t cursor_tag(const rv_node *node) {
    const rv_log_identity *identity = rv_node_identity(node);
    if (identity == NULL) {
        return 0;
    }
    const uint64_t log = rv_hash64(identity->epoch, rv_bytes_of(identity->log_id, 16));
    return (uint32_t)rv_hash64(log, rv_bytes_of(identity->node_id, 16));
}

static void write_cursor(rv_writer *w, const event_read *r, uint64_t sequence) {
    uint8_t tag[4];
    rv_store_u32(tag, r->cursor_tag);
    rv_write_uint(w, sequence);
    rv_write_u8(w, '-');
    rv_write_hex(w, rv_bytes_of(tag, sizeof tag));
}

/* The sequence after the one that a cursor names. */
static rv_status parse_cursor(rv_exchange *x, uint64_t *from, rv_error *err) {
    const event_read *r = &x->read;
    const rv_bytes text = x->request.last_event_id;
    uint8_t memory[32];
    rv_writer expected = rv_writer_over(memory, sizeof memory);
    rv_bytes number = text;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '-') {
            number.len = i;
            break;
        }
    }
    uint64_t sequence = 0;
    if (!rv_number_parse(number, &sequence) || sequence == UINT64_MAX) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "`%b` is not a cursor of this feed", &text);
    }
    write_cursor(&expected, r, sequence);
    if (!rv_bytes_equal(rv_writer_bytes(&expected), text)) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "the cursor `%b` belongs to another node or log; start again without "
                            "it, or from a position",
                            &text);
    }
    if (sequence > rv_node_sequence_durable(x->face->options.node)) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "the cursor `%b` is ahead of this node's log, which may have been "
                            "restored; start again without it, or from a position",
                            &text);
    }
    *from = sequence + 1;
    return RV_OK;
}

/* --- starting --- */

static event_format wanted_format(const rv_exchange *x) {
    if (exchange_is_live(x)) {
        return FORMAT_FEED;
    }
    return header_names(x->request.accept, "ndjson") ? FORMAT_LINES : FORMAT_ARRAY;
}

static rv_status set_pattern(event_read *r, rv_bytes text, rv_error *err) {
    if (text.len > sizeof r->pattern_text) {
        return rv_error_set(err, RV_PATH_INVALID, "a pattern has at most %u bytes",
                            (uint64_t)sizeof r->pattern_text);
    }
    memcpy(r->pattern_text, text.ptr, text.len);
    return rv_path_pattern_parse(rv_bytes_of(r->pattern_text, text.len), &r->pattern, err);
}

rv_status face_parse_time(rv_exchange *x, rv_bytes text, int64_t *unix_us, rv_error *err) {
    const rv_type timestamptz = {.kind = RV_TYPE_TIMESTAMPTZ};
    rv_value value;
    const rv_status status = rv_value_from_text(&timestamptz, text, RV_LITERAL("a time"),
                                                &x->face->scratch, &value, err);
    if (status == RV_OK) {
        const bool far = value.as.integer > INT64_MAX - RV_EPOCH_DIFFERENCE_US;
        *unix_us = far ? INT64_MAX : value.as.integer + RV_EPOCH_DIFFERENCE_US;
    }
    return status;
}

/* `from`: a position, a time, or `now`, which is what comes. */
static rv_status parse_from(rv_exchange *x, const rv_url *url, rv_error *err) {
    event_read *const r = &x->read;
    rv_bytes text;
    rv_error cause;
    bool found = false;
    const rv_status status = rv_url_parameter(url, "from", &x->face->scratch, &text, &found, err);
    if (status != RV_OK || !found || rv_number_parse(text, &r->from_position)) {
        return status;
    }
    r->from_now = rv_bytes_are(text, "now");
    if (!r->from_now && face_parse_time(x, text, &r->from_time, &cause) != RV_OK) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "`from` is a position, a time or `now`, not `%b`", &text);
    }
    return RV_OK;
}

/* An end: a time, a number of what `name` counts, or `now`, which is the last durable position. */
static rv_status parse_end(rv_exchange *x, const rv_url *url, const char *name, const char *counts,
                           uint64_t *number, rv_error *err) {
    event_read *r = &x->read;
    rv_bytes text;
    bool found = false;
    const rv_status status = rv_url_parameter(url, name, &x->face->scratch, &text, &found, err);
    if (status != RV_OK || !found || rv_number_parse(text, number)) {
        return status;
    }
    if (rv_bytes_are(text, "now")) {
        const uint64_t last = rv_node_watermark_durable(x->face->options.node);
        r->until_position = last < r->until_position ? last : r->until_position;
        return RV_OK;
    }
    rv_error cause;
    int64_t time = 0;
    if (face_parse_time(x, text, &time, &cause) != RV_OK) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "`%s` is a %s, a time or `now`, not `%b`",
                            name, counts, &text);
    }
    r->until_time = time < r->until_time ? time : r->until_time;
    return RV_OK;
}

/* What was there then is answered whole, or not at all; a feed goes on until it is there. */
static rv_status judge_as_of(const rv_exchange *x, uint64_t position, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    if (x->read.format == FORMAT_FEED || position == UINT64_MAX) {
        return RV_OK;
    }
    const rv_status status = rv_as_of_judge(node, position, err);
    const bool comes =
        position > rv_node_watermark_durable(node) && rv_node_failed(node, NULL) == RV_OK;
    return status == RV_OK && comes ? RV_PENDING : status;
}

/* `until`: a time or a number, which is a version of one stream or, of all events, a position;
 * `as_of`: a time or a position. */
static rv_status parse_until(rv_exchange *x, const rv_url *url, bool of_stream, rv_error *err) {
    event_read *const r = &x->read;
    uint64_t as_of = UINT64_MAX;
    rv_status status = of_stream ? parse_end(x, url, "until", "version", &r->until_version, err)
                                 : parse_end(x, url, "until", "position", &r->until_position, err);
    status = status == RV_OK ? parse_end(x, url, "as_of", "position", &as_of, err) : status;
    status = status == RV_OK ? judge_as_of(x, as_of, err) : status;
    r->until_position = as_of < r->until_position ? as_of : r->until_position;
    return status;
}

static rv_status begin_read(rv_exchange *x, const rv_url *url, bool of_stream, rv_error *err) {
    rv_node *node = x->face->options.node;
    event_read *r = &x->read;
    r->format = wanted_format(x);
    r->positioned = false;
    r->by_version = of_stream && r->format != FORMAT_FEED;
    r->from_position = 0;
    r->from_time = INT64_MIN;
    r->from_now = false;
    r->from_version = 0;
    r->until_version = UINT64_MAX;
    r->until_position = UINT64_MAX;
    r->until_time = INT64_MAX;
    r->left = UINT64_MAX;
    r->yielded = 0;
    r->over = false;
    r->narrowed = false;
    r->last_piece = INT64_MIN;
    r->cursor_tag = cursor_tag(node);
    r->end_sequence = r->format == FORMAT_FEED ? UINT64_MAX : rv_node_sequence_durable(node) + 1;
    rv_arena *scratch = &x->face->scratch;
    rv_status status = rv_url_number(url, "limit", scratch, &r->left, err);
    status = status == RV_OK ? parse_from(x, url, err) : status;
    status = status == RV_OK ? rv_url_number(url, "from_version", scratch, &r->from_version, err)
                             : status;
    status = status == RV_OK ? face_narrow_read(x, url, err) : status;
    return status == RV_OK ? parse_until(x, url, of_stream, err) : status;
}

/* Opens the subscription; `sequence` is where it starts when the request does not say. */
static rv_status open_read(rv_exchange *x, const rv_url *url, uint64_t sequence, rv_error *err) {
    event_read *r = &x->read;
    const uint64_t durable = rv_node_sequence_durable(x->face->options.node);
    uint64_t from = r->from_now ? durable + 1 : sequence;
    rv_status status = rv_url_number(url, "from_sequence", &x->face->scratch, &from, err);
    if (status == RV_OK && x->request.last_event_id.len > 0) {
        status = parse_cursor(x, &from, err);
        r->from_position = 0;
        r->from_time = INT64_MIN;
    }
    if (status != RV_OK) {
        return status;
    }
    rv_subscription_open(&r->subscription, x->face->options.node, &r->pattern, 1,
                         from == 0 ? 1 : from);
    rv_subscription_from_version(&r->subscription, r->from_version);
    rv_subscription_from_time(&r->subscription, r->from_time);
    if (r->by_version) {
        rv_subscription_by_version(&r->subscription);
    }
    static const char *const types[] = {"application/json", "application/x-ndjson",
                                        "text/event-stream"};
    x->kind = EXCHANGE_EVENTS;
    x->text = r->format == FORMAT_ARRAY ? RV_LITERAL("[") : (rv_bytes){NULL, 0};
    x->text_sent = 0;
    x->head = (rv_response_head){
        .status = 200,
        .content_type = types[r->format],
        .feed = r->format == FORMAT_FEED,
    };
    return RV_OK;
}

static bool is_wild(rv_bytes pattern) {
    bool wild = false;
    for (size_t i = 0; i < pattern.len; i++) {
        wild = wild || pattern.ptr[i] == '*' || pattern.ptr[i] == '{';
    }
    return wild;
}

/* Brings a pattern, or a path, to the canonical form of what it means. */
static rv_status canonical_pattern(rv_exchange *x, rv_bytes *pattern, rv_error *err) {
    const bool wild = is_wild(*pattern);
    rv_arena *const scratch = &x->face->scratch;
    uint8_t *text = rv_arena_take_raw(scratch, RV_PATH_LEN_MAX);
    rv_writer w = rv_writer_over(text, text == NULL ? 0 : RV_PATH_LEN_MAX);
    const rv_schema *schema = rv_node_schema(x->face->options.node);
    const rv_status status = text == NULL ? RV_MEMORY_EXHAUSTED
                             : wild ? rv_event_pattern_canonical(schema, *pattern, scratch, &w)
                                    : rv_event_path_canonical(schema, *pattern, scratch, &w);
    if (status != RV_OK) {
        return rv_error_set(err, RV_REQUEST_TOO_LARGE, "the request is too large");
    }
    *pattern = w.full ? *pattern : rv_writer_bytes(&w);
    return RV_OK;
}

rv_status face_read_events(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes pattern;
    bool found = false;
    rv_status status = begin_read(x, url, false, err);
    status = status == RV_OK
                 ? rv_url_parameter(url, "path", &x->face->scratch, &pattern, &found, err)
                 : status;
    if (status == RV_OK && found && !is_wild(pattern)) {
        status = face_path_of(x->face, pattern, &pattern, err);
    }
    if (status == RV_OK && found) {
        status = canonical_pattern(x, &pattern, err);
    }
    if (status == RV_OK) {
        status = set_pattern(&x->read, found ? pattern : RV_LITERAL("/**"), err);
    }
    if (status == RV_OK && x->guarded) {
        x->read.narrowed = !x->face->options.guard->reads_all(x, &x->read.pattern);
        status = x->read.narrowed && !is_wild(pattern) && found
                     ? face_require(x, FACE_READ, pattern, err)
                     : RV_OK;
    }
    return status == RV_OK ? open_read(x, url, 1, err) : status;
}

/* Why there is nothing to read at `path`, a stream's path or its bare name. */
static rv_status refuse_absent(const rv_exchange *x, rv_bytes path, rv_error *err) {
    const rv_schema *schema = rv_node_schema(x->face->options.node);
    rv_bytes keys[RV_PATH_SEGMENTS_MAX];
    rv_status status = RV_STREAM_NOT_FOUND;
    if (path.len == 0 || path.ptr[0] != '/') { /* face_stream_path gives a name without its keys */
        const rv_stream *const many = rv_schema_stream_named(schema, path);
        RV_ASSERT(many != NULL);
        status = rv_error_set(err, RV_PATH_INVALID,
                              "%b are many streams: say which one, as in %b; a pattern of paths "
                              "reads several",
                              &path, &many->path.text);
    } else if (rv_schema_stream_of_path(schema, path, keys) == NULL) {
        status =
            rv_error_set(err, RV_UNKNOWN_STREAM,
                         "no stream's path matches `%b`: see the streams of the schema", &path);
    } else {
        status = rv_error_set(err, RV_STREAM_NOT_FOUND, "the stream %b has no events here", &path);
    }
    rv_error_fact_text(err, "path", path);
    return status;
}

rv_status face_read_stream(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_node *node = x->face->options.node;
    rv_bytes path;
    rv_status status = face_stream_path(x, url, &path, err);
    if (status == RV_OK && path.len > 0 && path.ptr[0] == '/') {
        status = face_require(x, FACE_READ, path, err);
    }
    if (status != RV_OK) {
        return status;
    }
    uint32_t stream = 0;
    rv_stream_head head = {.version = 0};
    const bool found = rv_state_stream_find(rv_node_state(node), path, &stream);
    if (found) {
        rv_state_stream(rv_node_state(node), stream, &head);
    }
    /* one whose events are all pending has none to be read yet */
    const bool straight = rv_node_fill_of(node).straight;
    const bool some = found && (head.first_sequence > 0 || (!straight && head.version > 0));
    if (found && head.version > 0) {
        status = rv_node_past_known(node, path, err);
    }
    status = status == RV_OK ? begin_read(x, url, true, err) : status;
    if (status == RV_OK && !some && x->read.format != FORMAT_FEED) {
        status = refuse_absent(x, path, err);
    }
    status = status == RV_OK ? set_pattern(&x->read, path, err) : status;
    const uint64_t first = some && straight ? head.first_sequence
                           : some           ? 1
                                            : rv_node_sequence(node) + 1;
    return status == RV_OK ? open_read(x, url, first, err) : status;
}

/* --- the body --- */

static void write_event(const rv_exchange *x, const rv_event *event, rv_bytes path, rv_writer *w) {
    const event_read *r = &x->read;
    const rv_schema *schema = rv_node_schema(x->face->options.node);
    if (r->format == FORMAT_FEED) {
        rv_write_text(w, "id: ");
        write_cursor(w, r, event->sequence);
        rv_write_text(w, "\nevent: event\ndata: ");
    } else if (r->format == FORMAT_ARRAY && r->yielded > 0) {
        rv_write_u8(w, ',');
    }
    rv_event_to_json(schema, event, path, w);
    rv_write_text(w, r->format == FORMAT_FEED ? "\n\n" : r->format == FORMAT_LINES ? "\n" : "");
}

/* An event that does not fit into an empty piece is written to a result buffer and sent from there.
 */
static rv_status write_large(rv_exchange *x, const rv_event *event, rv_bytes path) {
    rv_writer w;
    const rv_status status = exchange_writer(x, true, &w);
    if (status == RV_OK) {
        write_event(x, event, path, &w);
        x->text = rv_writer_bytes(&w);
        x->text_sent = 0;
    }
    return status == RV_OK && w.full ? RV_EVENT_TOO_LARGE : status;
}

static rv_status find_start(rv_exchange *x, rv_error *err) {
    event_read *r = &x->read;
    if (r->positioned || r->from_position == 0) {
        r->positioned = true;
        return RV_OK;
    }
    rv_node *node = x->face->options.node;
    uint64_t sequence = 0;
    const rv_status status =
        rv_log_find_position(rv_node_log(node), r->from_position, &sequence, err);
    if (status == RV_OK || status == RV_END) {
        const uint64_t least = rv_subscription_sequence(&r->subscription);
        rv_subscription_open(&r->subscription, node, &r->pattern, 1,
                             sequence > least ? sequence : least);
        rv_subscription_from_version(&r->subscription, r->from_version);
        if (r->by_version) {
            rv_subscription_by_version(&r->subscription);
        }
        r->positioned = true;
        return RV_OK;
    }
    return status;
}

/* True where positions do not rise with sequences, since the past was filled in. */
static bool may_go_back(const rv_exchange *x) {
    const rv_node_fill fill = rv_node_fill_of(x->face->options.node);
    RV_ASSERT(!fill.active || !fill.straight);
    return !fill.straight && !x->read.by_version && x->read.format != FORMAT_FEED;
}

static rv_status write_events(rv_exchange *x, rv_writer *w, rv_error *err) {
    event_read *r = &x->read;
    const size_t start = w->len;
    const uint64_t looked_from = rv_subscription_sequence(&r->subscription);
    event_filters filters;
    const rv_status begun = face_narrow_begin(x, &filters, err);
    uint32_t passed_over = 0;
    if (begun != RV_OK) {
        return begun;
    }
    while (r->left > 0) {
        const rv_subscription before = r->subscription;
        rv_event event;
        rv_bytes path;
        const rv_status status =
            rv_subscription_next(&r->subscription, SCAN_MAX, &event, &path, err);
        if (status == RV_PENDING && rv_subscription_sequence(&r->subscription) > looked_from) {
            return RV_OK; /* not waiting for the disk: there is more to look through */
        }
        if (status != RV_OK) {
            return status;
        }
        const bool behind = event.version > r->until_version ||
                            event.position > r->until_position || event.recorded_at > r->until_time;
        if (event.sequence >= r->end_sequence || (behind && !may_go_back(x))) {
            return RV_END;
        }
        if (behind) {
            continue;
        }
        if (event.version < r->from_version || event.position < r->from_position ||
            event.recorded_at < r->from_time) {
            continue; /* `from` may be a position that is still to come */
        }
        bool passes = !r->narrowed || face_require(x, FACE_READ, path, NULL) == RV_OK;
        const rv_status judged =
            passes ? face_narrow_admits(x, &filters, &event, &passes, err) : RV_OK;
        if (judged != RV_OK) {
            return judged;
        }
        if (!passes) {
            passed_over += 1;
            if (passed_over == SCAN_MAX) {
                return RV_OK; /* others have their turn */
            }
            continue;
        }
        const size_t mark = w->len;
        write_event(x, &event, path, w);
        if (w->full) {
            w->len = mark;
            w->full = false;
            const rv_status large = mark == start ? write_large(x, &event, path) : RV_PENDING;
            if (large != RV_OK) {
                r->subscription = before;
                return mark == start ? large : RV_OK;
            }
        }
        r->yielded += 1;
        r->left -= 1;
        if (x->text_sent < x->text.len) {
            return RV_OK; /* the large event goes out first */
        }
    }
    return RV_END;
}

/* The end of what there is: of an array and of lines the end of the answer, of a feed a pause. */
static rv_status end_of_events(rv_exchange *x, int64_t now, rv_writer *w, size_t start) {
    event_read *r = &x->read;
    if (r->format == FORMAT_FEED && r->left > 0 && r->until_time == INT64_MAX &&
        r->until_version == UINT64_MAX && r->until_position == UINT64_MAX) {
        if (w->len == start && now - FEED_INTERVAL_US >= r->last_piece) {
            rv_write_text(w, ": idle\n\n");
        }
        return w->len > start ? RV_OK : RV_PENDING;
    }
    r->over = true;
    if (r->format == FORMAT_ARRAY) {
        x->text = RV_LITERAL("]\n");
        x->text_sent = 0;
        return RV_OK;
    }
    return w->len > start ? RV_OK : RV_END;
}

rv_status face_read_body(rv_exchange *x, int64_t now, rv_writer *w) {
    event_read *r = &x->read;
    const size_t start = w->len;
    rv_error err;
    if (r->over) {
        return RV_END;
    }
    const bool feed = r->format == FORMAT_FEED;
    if ((feed ? face_require_still(x, &err)
              : face_require(x, FACE_KNOWN, (rv_bytes){NULL, 0}, &err)) != RV_OK) {
        r->over = true; /* the token was revoked meanwhile; or, of a feed, has expired */
        return feed ? RV_END : RV_UNAUTHENTICATED;
    }
    const uint64_t generation = rv_node_tokens_generation(x->face->options.node);
    if (x->guarded && x->tokens_generation != generation) { /* its rights may be others by now */
        x->tokens_generation = generation;
        r->narrowed = !x->face->options.guard->reads_all(x, &r->pattern);
    }
    rv_status status = find_start(x, &err);
    if (status == RV_OK) {
        r->cursor_tag = cursor_tag(x->face->options.node); /* the log may have begun since */
        status = write_events(x, w, &err);
    }
    if (status == RV_END) {
        status = end_of_events(x, now, w, start);
    }
    if (status == RV_BUSY) {
        status = RV_PENDING;
    }
    if (w->len > start || status == RV_OK) {
        r->last_piece = now;
        return RV_OK;
    }
    return status;
}
