/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request. It is started when its head is first asked for; what has to wait (for the
 * disk, a buffer, the upstream) answers RV_PENDING and is started again, which is harmless because
 * a handler changes nothing before the step that succeeds. An append's answer is written at once
 * and given out when its events are durable.
 */
#include "core/engine/decide.h"
#include "core/engine/rewind.h"
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "face/problem.h"

#define RESULTS_UNUSED_MAX 4 /* are named as unused: more than a daemon has */

RV_STATIC_ASSERT(sizeof(rv_exchange) <= (size_t)5 << 10, "as face.h has it, and face/budget.c");
RV_STATIC_ASSERT(sizeof(rv_face) + RV_LIVE_TEXTS +
                         (size_t)RV_LIVE_BLOCKS * RV_LIVE_BLOCK_ROWS * sizeof(uint64_t) <=
                     (size_t)240 << 10,
                 "likewise, with what is found by the index of feeds that wait");

static rv_status take_memory(rv_face *face, rv_arena *arena) {
    const rv_face_options *o = &face->options;
    face->exchanges = rv_arena_take_raw(arena, o->exchanges_max * sizeof *face->exchanges);
    face->results = rv_arena_take(arena, o->result_count * sizeof *face->results);
    if (face->exchanges == NULL || face->results == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    for (uint32_t i = 0; i < o->result_count; i++) {
        face->results[i].ptr = rv_arena_take_raw(arena, o->result_len_max);
        if (face->results[i].ptr == NULL) {
            return RV_MEMORY_EXHAUSTED;
        }
    }
    if (o->sql != NULL) {
        face->kept = rv_arena_take_raw(arena, (size_t)RV_LIVE_BLOCKS * RV_LIVE_BLOCK_ROWS *
                                                  sizeof *face->kept);
        face->texts = rv_arena_take_raw(arena, RV_LIVE_TEXTS);
        if (face->kept == NULL || face->texts == NULL) {
            return RV_MEMORY_EXHAUSTED;
        }
    }
    if (face_waiting_create(face, arena) != RV_OK) {
        return RV_MEMORY_EXHAUSTED;
    }
    const size_t left = arena->cap - arena->len;
    const size_t one = sizeof *face->appends + sizeof *face->events;
    face->events_max = left / 2 / one < RV_BATCH_EVENTS_MAX ? left / 2 / one : RV_BATCH_EVENTS_MAX;
    face->appends = rv_arena_take_raw(arena, face->events_max * sizeof *face->appends);
    face->events = rv_arena_take_raw(arena, face->events_max * sizeof *face->events);
    const size_t rest = arena->cap - arena->len;
    const size_t scratch = rest < 2 * RV_BATCH_LEN_MAX ? rest - rest / 64 : 2 * RV_BATCH_LEN_MAX;
    face->scratch = rv_arena_split(arena, scratch);
    return face->events == NULL || face->appends == NULL || face->scratch.cap < 65536 ||
                   face->events_max == 0
               ? RV_MEMORY_EXHAUSTED
               : RV_OK;
}

rv_status rv_face_create(rv_face **out, const rv_face_options *options, rv_arena *arena,
                         rv_error *err) {
    RV_ASSERT(options->node != NULL && options->version != NULL);
    rv_face *face = rv_arena_take(arena, sizeof *face);
    *out = NULL;
    if (face != NULL) {
        face->options = *options;
        face->moments.node = options->node;
    }
    if (face == NULL || take_memory(face, arena) != RV_OK) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "the memory budget does not suffice for requests; raise --memory");
    }
    *out = face;
    return RV_OK;
}

void rv_face_unused(const rv_face *face, rv_unused *unused) {
    RV_ASSERT(face->scratch.ptr != NULL);
    rv_unused_add(unused, face->scratch.ptr, face->scratch.cap);
    rv_unused_add(unused, face->appends, face->events_max * sizeof *face->appends);
    rv_unused_add(unused, face->events, face->events_max * sizeof *face->events);
    for (uint32_t i = 0; i < face->options.result_count && i < RESULTS_UNUSED_MAX; i++) {
        if (!face->results[i].used) {
            rv_unused_add(unused, face->results[i].ptr, face->options.result_len_max);
        }
    }
}

/* --- answers --- */

void exchange_answer(rv_exchange *x, int status, const char *content_type, rv_bytes body) {
    x->kind = EXCHANGE_TEXT;
    x->text = body;
    x->text_sent = 0;
    x->head = (rv_response_head){
        .status = status,
        .content_type = content_type,
        .length_known = true,
        .length = body.len,
        .allow = x->head.allow,
        .stale = x->head.stale,
        .past = x->head.past,
        .as_of = x->head.as_of,
    };
}

void exchange_problem(rv_exchange *x, const rv_error *err) {
    rv_writer w = rv_writer_over(x->buffer, sizeof x->buffer);
    rv_problem_write(&w, rv_status_http(err->status), err);
    RV_ASSERT(
        !w.full); /* detail and facts have limits, and escapes at most double printable text */
    exchange_answer(x, rv_status_http(err->status), "application/problem+json",
                    rv_writer_bytes(&w));
}

rv_status exchange_wait_durable(const rv_exchange *x, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    if (rv_node_decisions_durable(node) >= x->made) {
        return RV_OK;
    }
    RV_ASSERT(x->made > 0);
    const rv_status failed = rv_node_failed(node, err);
    return failed == RV_OK ? RV_PENDING : failed;
}

rv_status exchange_writer(rv_exchange *x, bool large, rv_writer *w) {
    if (!large) {
        *w = rv_writer_over(x->buffer, sizeof x->buffer);
        w->numbers_as_text = x->numbers_as_text;
        return RV_OK;
    }
    rv_face *face = x->face;
    for (uint32_t i = 0; x->result < 0 && i < face->options.result_count; i++) {
        if (!face->results[i].used) {
            face->results[i].used = true;
            x->result = (int32_t)i;
            x->given_at = 0;
        }
    }
    face->result_wanted = x->result < 0;
    if (x->result < 0) {
        return RV_PENDING;
    }
    *w = rv_writer_over(face->results[x->result].ptr, face->options.result_len_max);
    w->numbers_as_text = x->numbers_as_text;
    return RV_OK;
}

void exchange_release(rv_exchange *x) {
    if (x->query != NULL) {
        rv_sql_finish(x->query);
        x->query = NULL;
    }
    exchange_leave_past(x);
    if (x->result >= 0) {
        x->face->results[x->result].used = false;
        x->result = -1;
    }
}

bool header_names(rv_bytes value, const char *media_type) {
    const size_t len = strlen(media_type);
    for (size_t at = 0; at + len <= value.len; at++) {
        if (memcmp(value.ptr + at, media_type, len) == 0) {
            return true;
        }
    }
    return false;
}

/* --- routes --- */

/* `ready`: it can answer with rows, too. */
static rv_status healthz(rv_exchange *x, bool ready, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    if (rv_node_failed(node, err) != RV_OK) {
        rv_error_set(err, RV_READ_ONLY, "the node is read-only: %s", rv_status_code(err->status));
        return RV_READ_ONLY;
    }
    if (ready && !face_is_whole(node)) {
        return face_answer_not_whole(x, err);
    }
    exchange_answer(x, 200, "application/json", RV_LITERAL("{\"status\":\"ok\"}\n"));
    return RV_OK;
}

/* RV_PENDING until everything that this node had appended when it was first asked is durable. */
static rv_status wait_durable(rv_exchange *x, rv_error *err) {
    rv_node *node = x->face->options.node;
    const bool edge = rv_node_role(node) == RV_ROLE_EDGE;
    if (x->wait_sequence == 0) {
        x->wait_sequence = rv_node_sequence(node);
        x->edge_sequence = edge ? rv_node_outbox(node).next_sequence - 1 : 0;
    }
    if (rv_node_sequence_durable(node) >= x->wait_sequence &&
        (!edge || rv_node_outbox(node).durable >= x->edge_sequence)) {
        return RV_OK;
    }
    return rv_node_failed(node, err) == RV_OK ? RV_PENDING : err->status;
}

/* `select`, as often as it is there. */
static rv_status parse_selection(rv_exchange *x, const rv_url *url, rv_path_pattern *patterns,
                                 size_t *count, rv_error *err) {
    rv_bytes left = url->query;
    *count = 0;
    while (true) {
        rv_bytes text;
        bool found = false;
        rv_status status =
            rv_url_parameter_next(&left, "select", &x->face->scratch, &text, &found, err);
        if (status != RV_OK || !found) {
            return status;
        }
        if (*count == RV_PATTERNS_MAX) {
            return rv_error_set(err, RV_SELECTION_INVALID, "a selection has at most %u patterns",
                                (uint64_t)RV_PATTERNS_MAX);
        }
        status = rv_path_pattern_parse(text, &patterns[*count], err);
        if (status != RV_OK) {
            return status;
        }
        *count += 1;
    }
}

/* With `?hash=true` also the hash of the state, with `?select=PATTERN&…` that of what a node would
 * hold that selects these; with `?wait=durable` when what is in memory now is durable. */
static rv_status status_of_node(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes wait;
    rv_face_hashes hashes = {.state = false};
    bool waits = false;
    rv_arena *scratch = &x->face->scratch;
    rv_path_pattern *patterns =
        rv_arena_take_raw(scratch, RV_PATTERNS_MAX * sizeof(rv_path_pattern));
    if (patterns == NULL) {
        return rv_error_set(err, RV_REQUEST_TOO_LARGE, "the request is too large");
    }
    hashes.patterns = patterns;
    rv_status status = parse_selection(x, url, patterns, &hashes.pattern_count, err);
    status = status == RV_OK ? face_read_flag(x, url, "hash", &hashes.state, err) : status;
    if (status == RV_OK && (hashes.state || hashes.pattern_count > 0)) { /* a hash tells contents */
        status = face_require(x, FACE_LOG, (rv_bytes){NULL, 0}, err);
    }
    status = status == RV_OK ? rv_url_parameter(url, "wait", scratch, &wait, &waits, err) : status;
    if (status == RV_OK && waits && !rv_bytes_are(wait, "durable")) {
        status = rv_error_set(err, RV_PARAMETER_INVALID, "`wait` is durable, not `%b`", &wait);
    }
    status = status == RV_OK && waits ? wait_durable(x, err) : status;
    rv_writer w;
    status = status == RV_OK ? exchange_writer(x, true, &w) : status;
    if (status == RV_OK) {
        face_write_status(x, &hashes, &w);
        exchange_answer(x, 200, "application/json", rv_writer_bytes(&w));
    }
    return status;
}

static rv_status wrong_method(rv_exchange *x, const char *allow, rv_error *err) {
    x->head.allow = allow;
    return rv_error_set(err, RV_METHOD_NOT_ALLOWED,
                        "`%b` is not a method of this address; it has %s", &x->request.method,
                        allow);
}

static rv_status no_such_address(const rv_exchange *x, rv_error *err) {
    return rv_error_set(
        err, RV_NOT_FOUND,
        "there is nothing at `%b`; there are /streams, /events, /aggregates, /changes, /query, "
        "/schema, /selection, /status, /epoch, /pending, /rejections, /tokens and /healthz",
        &x->request.target);
}

/* The places that take two methods. */
static rv_status route_pair(rv_exchange *x, const rv_url *url, bool get, rv_error *err) {
    const rv_bytes place = url->segments[0];
    if (rv_bytes_are(place, "streams")) {
        return get ? face_read_stream(x, url, err) : face_append(x, url, err);
    }
    if (url->segment_count != 1) {
        return no_such_address(x, err);
    }
    if (rv_bytes_are(place, "events")) {
        return get ? face_read_events(x, url, err) : face_append(x, url, err);
    }
    if (rv_bytes_are(place, "schema")) {
        return get ? face_schema_get(x, err) : face_schema_post(x, url, err);
    }
    if (rv_bytes_are(place, "query")) {
        return face_query(x, url, err);
    }
    return no_such_address(x, err);
}

/* What became of what was written at an edge. */
static rv_status route_outbox(rv_exchange *x, const rv_url *url, rv_error *err) {
    const bool get = rv_bytes_are(x->request.method, "GET");
    const bool rejections = rv_bytes_are(url->segments[0], "rejections");
    if (url->segment_count > 2) {
        return no_such_address(x, err);
    }
    if (rejections && url->segment_count == 2) {
        return rv_bytes_are(x->request.method, "DELETE") ? face_rejection_forget(x, url, err)
                                                         : wrong_method(x, "DELETE", err);
    }
    if (!get) {
        return wrong_method(x, "GET", err);
    }
    if (url->segment_count == 2) {
        return face_outcome(x, url, err);
    }
    return rejections ? face_rejections(x, url, err) : face_pending(x, url, err);
}

static rv_status route_selection(rv_exchange *x, const rv_url *url, rv_error *err) {
    if (url->segment_count > 1) {
        return no_such_address(x, err);
    }
    if (rv_bytes_are(x->request.method, "GET")) {
        return face_selection_get(x, err);
    }
    return rv_bytes_are(x->request.method, "PUT") ? face_selection_put(x, err)
                                                  : wrong_method(x, "GET, PUT", err);
}

static rv_status route(rv_exchange *x, const rv_url *url, rv_error *err) {
    const bool get = rv_bytes_are(x->request.method, "GET");
    const bool post = rv_bytes_are(x->request.method, "POST");
    if (url->segment_count == 0) {
        return no_such_address(x, err);
    }
    const rv_bytes place = url->segments[0];
    const bool health = rv_bytes_are(place, "healthz") || rv_bytes_are(place, "readyz");
    const bool node = rv_bytes_are(place, "status");
    const bool aggregates = rv_bytes_are(place, "aggregates");
    const bool changes = rv_bytes_are(place, "changes") && url->segment_count == 2;
    if (rv_bytes_are(place, "epoch") && url->segment_count == 1) {
        return post ? face_epoch_post(x, err) : wrong_method(x, "POST", err);
    }
    if (!health && rv_node_in_batch(x->face->options.node)) {
        return RV_PENDING; /* half of a batch is nothing to show */
    }
    if (rv_bytes_are(place, "tokens") && x->face->options.guard != NULL) {
        return x->face->options.guard->tokens(x, url, err);
    }
    if (rv_bytes_are(place, "pending") || rv_bytes_are(place, "rejections")) {
        return route_outbox(x, url, err);
    }
    if (rv_bytes_are(place, "selection")) {
        return route_selection(x, url, err);
    }
    if ((aggregates || changes || rv_bytes_are(place, "query")) &&
        (!face_is_whole(x->face->options.node) || face_is_about_to_meet(x))) {
        return face_await_whole(x, err);
    }
    if (!health && !node && !aggregates && !changes) {
        return get || post ? route_pair(x, url, get, err) : wrong_method(x, "GET, POST", err);
    }
    if (!get) {
        return wrong_method(x, "GET", err);
    }
    if (aggregates) {
        return url->segment_count == 1 ? face_list_aggregates(x, url, err) : face_rows(x, url, err);
    }
    if (changes) {
        return face_changes(x, url, err);
    }
    if (url->segment_count > 1) {
        return no_such_address(x, err);
    }
    return node ? status_of_node(x, url, err) : healthz(x, rv_bytes_are(place, "readyz"), err);
}

/* --- exchanges --- */

rv_status face_require(const rv_exchange *x, face_right right, rv_bytes what, rv_error *err) {
    RV_ASSERT(x->used);
    return x->request.guarded ? x->face->options.guard->require(x, right, what, err) : RV_OK;
}

rv_status face_require_still(rv_exchange *x, rv_error *err) {
    RV_ASSERT(x->used);
    x->judged_at = rv_node_now(x->face->options.node);
    return face_require(x, FACE_KNOWN, (rv_bytes){NULL, 0}, err);
}

void face_narrow(const rv_exchange *x, rv_error *refusal) {
    RV_ASSERT(x->used);
    if (x->request.guarded) {
        x->face->options.guard->narrow(x, refusal);
    }
}

/* A request is admitted once; when it is started again its token has to be good still. One whose
 * answer only waits to be durable has done what it wanted. */
static rv_status admit(rv_exchange *x, const rv_url *url, rv_error *err) {
    RV_ASSERT(x->used);
    if (!x->request.guarded || x->made > 0) {
        return RV_OK;
    }
    if (x->admitted) {
        return face_require(x, FACE_KNOWN, (rv_bytes){NULL, 0}, err);
    }
    const rv_status status = x->face->options.guard->admit(x, url, err);
    x->admitted = status == RV_OK;
    return status;
}

/* `numbers`, which any address takes. */
static rv_status parse_numbers(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes value;
    bool found = false;
    const rv_status status =
        rv_url_parameter(url, "numbers", &x->face->scratch, &value, &found, err);
    if (status == RV_OK && found && !rv_bytes_are(value, "text")) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "`numbers` is text, not `%b`", &value);
    }
    x->numbers_as_text = found;
    return status;
}

/* One that is over, or the next that never was in use; NULL: all are. */
static rv_exchange *free_exchange(rv_face *face) {
    RV_ASSERT(face->exchange_count <= face->options.exchanges_max);
    for (uint32_t i = 0; i < face->exchange_count; i++) {
        if (!face->exchanges[i].used) {
            return &face->exchanges[i];
        }
    }
    if (face->exchange_count == face->options.exchanges_max) {
        return NULL;
    }
    rv_exchange *const x = &face->exchanges[face->exchange_count];
    memset(x, 0, sizeof *x);
    face->exchange_count += 1;
    return x;
}

rv_status rv_face_begin(rv_face *face, const rv_request *request, rv_exchange **exchange,
                        rv_error *err) {
    rv_exchange *const x = free_exchange(face);
    if (x == NULL) {
        return rv_error_set(err, RV_BUSY,
                            "%u requests are under way, which is the limit; try again",
                            (uint64_t)face->options.exchanges_max);
    }
    x->face = face;
    x->used = true;
    x->phase = EXCHANGE_STARTING;
    x->kind = EXCHANGE_TEXT;
    x->request = *request;
    x->request.guarded = request->guarded && face->options.guard != NULL;
    x->admitted = false;
    x->guarded = false;
    x->principal_len = 0;
    x->head = (rv_response_head){.status = 0};
    x->numbers_as_text = false;
    x->keys_awaited = false;
    x->wait_sequence = 0;
    x->edge_sequence = 0;
    x->made = 0;
    x->result = -1;
    x->query = NULL;
    x->past_awaited = false;
    x->differences = false;
    x->wait.waits = false;
    x->wait.owner = NULL;
    rv_ring_make(&x->wait.ring);
    *exchange = x;
    return RV_OK;
}

bool exchange_is_live(const rv_exchange *x) {
    return header_names(x->request.accept, "text/event-stream");
}

rv_status exchange_run(rv_exchange *x, rv_error *err) {
    rv_url url;
    *err = (rv_error){.status = RV_OK};
    x->source = (answer_source){0};
    rv_arena_reset(&x->face->scratch, 0);
    rv_status status = rv_url_parse(x->request.target, &x->face->scratch, &url, err);
    status = status == RV_OK ? admit(x, &url, err) : status;
    status = status == RV_OK ? face_judge_parameters(x, &url, err) : status;
    status = status == RV_OK ? parse_numbers(x, &url, err) : status;
    return status == RV_OK ? route(x, &url, err) : status;
}

static void start(rv_exchange *x) {
    rv_error err;
    rv_status status = exchange_run(x, &err);
    const bool asks = x->source.followed || rv_bytes_are(x->request.method, "GET");
    if (status == RV_OK && x->kind == EXCHANGE_TEXT && exchange_is_live(x) && asks) {
        status = face_live_begin(x, &err); /* what has changed something is answered, as ever */
    }
    if (status == RV_PENDING || status == RV_BUSY) {
        return;
    }
    if (status != RV_OK) {
        exchange_release(x);
        if (err.status != status) {
            (void)rv_error_set(&err, status, "%s", rv_status_text(status));
        }
        exchange_problem(x, &err);
        x->phase = EXCHANGE_ANSWERED;
        return;
    }
    if (x->phase == EXCHANGE_STARTING) {
        x->phase = EXCHANGE_ANSWERED;
    }
}

/* What was waited for is durable, or never will be. */
static void check_durable(rv_exchange *x) {
    rv_node *node = x->face->options.node;
    if (rv_node_sequence_durable(node) >= x->wait_sequence) {
        x->phase = EXCHANGE_ANSWERED;
        return;
    }
    rv_error failure;
    if (rv_node_failed(node, &failure) != RV_OK) {
        exchange_release(x);
        rv_error err;
        (void)rv_error_set(
            &err, RV_STORAGE_FAILED,
            "the event could not be made durable (%s); whether it is kept shows when "
            "the node is opened again",
            failure.detail);
        exchange_problem(x, &err);
        x->phase = EXCHANGE_ANSWERED;
    }
}

rv_status rv_exchange_head(rv_exchange *x, rv_response_head *head) {
    RV_ASSERT(x->used);
    if (rv_node_rewinding(x->face->options.node)) {
        return RV_PENDING;
    }
    if (x->phase == EXCHANGE_STARTING) {
        start(x);
    }
    if (x->phase == EXCHANGE_LOCAL || x->phase == EXCHANGE_RELAYED ||
        x->phase == EXCHANGE_DECISION) {
        face_write_check(x);
        if (x->phase == EXCHANGE_STARTING) {
            start(x); /* its events are here: the same request again says so */
        }
    }
    if (x->phase == EXCHANGE_DURABLE) {
        check_durable(x);
    }
    if (x->phase != EXCHANGE_ANSWERED) {
        return RV_PENDING;
    }
    *head = x->head;
    return RV_OK;
}

rv_status rv_exchange_body(rv_exchange *x, int64_t now, rv_writer *w) {
    RV_ASSERT(x->used && x->phase == EXCHANGE_ANSWERED);
    if (x->text_sent < x->text.len) {
        x->given_at = x->given_at == 0 ? now : x->given_at;
        const size_t left = x->text.len - x->text_sent;
        const size_t room = rv_writer_room(w);
        const size_t len = left < room ? left : room;
        rv_write(w, rv_bytes_of(x->text.ptr + x->text_sent, len));
        x->text_sent += len;
        return RV_OK;
    }
    if (x->kind == EXCHANGE_TEXT) {
        return RV_END;
    }
    if (x->wait.waits) {
        rv_face_look(x->face);
        if (x->wait.waits && now < x->wait.until) {
            return RV_PENDING;
        }
        face_wake(x);
    }
    if (x->kind == EXCHANGE_EVENTS || x->kind == EXCHANGE_CHANGES) {
        exchange_release(x);
    }
    x->face->waiting.asked += 1;
    w->numbers_as_text = x->numbers_as_text;
    const rv_status status = x->kind == EXCHANGE_LIVE      ? face_live_body(x, now, w)
                             : x->kind == EXCHANGE_CHANGES ? face_changes_body(x, now, w)
                                                           : face_read_body(x, now, w);
    w->numbers_as_text = false; /* it is the caller's */
    if (status == RV_PENDING) {
        face_wait(x, now);
    }
    return status;
}

bool rv_exchange_keeps_others(const rv_exchange *x, int64_t now) {
    RV_ASSERT(x->used);
    return x->result >= 0 && x->face->result_wanted && x->given_at > 0 &&
           now - x->given_at > RV_RESULT_PATIENCE_US;
}

/* It has not been answered, perhaps as it waits for a buffer, or for its turn in the past, and is
 * then to take several turns. */
static bool is_to_query(const rv_exchange *x) {
    const rv_bytes query = RV_LITERAL("/query");
    const rv_bytes target = x->request.target;
    const bool sql = target.len >= query.len && memcmp(target.ptr, query.ptr, query.len) == 0 &&
                     (target.len == query.len || target.ptr[query.len] == '?');
    return x->phase == EXCHANGE_STARTING && (sql || x->past_awaited);
}

bool rv_exchange_is_query(const rv_exchange *x) {
    RV_ASSERT(x->used);
    return x->query != NULL || exchange_is_past(x) || is_to_query(x);
}

bool rv_face_busy(const rv_face *face) {
    RV_ASSERT(face != NULL);
    return (face->options.sql != NULL && rv_sql_runnable(face->options.sql)) ||
           (face->past_sql != NULL && rv_sql_runnable(face->past_sql)) ||
           (face->past_of != NULL && rv_as_of_runnable(face->as_of));
}

void rv_face_end(rv_exchange *x) {
    RV_ASSERT(x->used);
    exchange_release(x);
    face_wake(x);
    rv_ring_leave(&x->wait.ring);
    const bool of_rows = x->kind == EXCHANGE_CHANGES || x->kind == EXCHANGE_LIVE;
    if (x->kind == EXCHANGE_CHANGES) {
        rv_row_feed_close(&x->changes.feed);
    }
    if (x->kind == EXCHANGE_LIVE) {
        face_live_end(x);
    }
    x->kind = EXCHANGE_TEXT;
    x->used = false;
    if (of_rows) {
        face_unwatch(x->face);
    }
}

void rv_face_close(rv_face *face) {
    RV_ASSERT(face != NULL);
    if (face->past_sql != NULL) {
        rv_sql_destroy(face->past_sql);
        face->past_sql = NULL;
    }
}
