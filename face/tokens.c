/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /tokens, for administrators (and, while there is no token yet, for whoever reaches the node):
 *
 *     GET    /tokens               what there is, but for the secrets, which the node does not know
 *     POST   /tokens               makes one: {"name","read","write","relay","admin","expires_in"}
 *     POST   /tokens/{name}        the same rights, or others, under a new secret
 *     PUT    /tokens/{name}        other rights, the same secret
 *     DELETE /tokens/{name}        revokes it
 *
 * `expires_in` is seconds from now; `grace`, of a refresh, how long the secret before is good
 * still. An answer with a secret is given once, when the token is durable: the text lies in the
 * result buffer while the request waits for that, and nowhere else.
 */
#include "core/base/assert.h"
#include "core/engine/decide.h"
#include "core/engine/token.h"
#include "core/model/json.h"
#include "face/face_internal.h"

#define MICROSECONDS   INT64_C(1000000)
#define GRACE          UINT64_C(60) /* seconds */
#define GRACE_MAX      UINT64_C(604800)
#define EXPIRES_IN_MAX UINT64_C(3153600000) /* a hundred years */

/* A request's body. */
typedef struct token_wish {
    rv_access_token token;
    bool rights; /* something of them was said */
    bool expires;
    uint64_t expires_in; /* seconds; 0: never */
    uint64_t grace;      /* seconds that the secret before is good for */
    uint8_t *lists[2];   /* RV_TOKEN_LIST_MAX bytes: what may be read, and written */
} token_wish;

/* --- the body --- */

static rv_status read_list(rv_json *json, uint8_t *to, const rv_json_token *first,
                           rv_token_list *list, rv_error *err) {
    rv_writer w = rv_writer_over(to, RV_TOKEN_LIST_MAX);
    rv_json_token token = *first;
    rv_status status = RV_OK;
    *list = (rv_token_list){.count = 0};
    bool good = first->kind == RV_JSON_ARRAY_BEGIN;
    while (good && status == RV_OK) { /* goes on by an entry */
        status = rv_json_next(json, &token, err);
        if (status != RV_OK || token.kind == RV_JSON_ARRAY_END) {
            break;
        }
        good =
            token.kind == RV_JSON_STRING && token.text.len > 0 && list->count < RV_TOKEN_RIGHTS_MAX;
        rv_write_blob(&w, token.text);
        list->count += 1;
    }
    list->bytes = rv_writer_bytes(&w);
    RV_ASSERT(list->count <= RV_TOKEN_RIGHTS_MAX || !good);
    if (status == RV_OK && (!good || w.full)) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "\"read\" and \"write\" are arrays of at most %u texts, of %u bytes "
                            "together",
                            (uint64_t)RV_TOKEN_RIGHTS_MAX, (uint64_t)RV_TOKEN_LIST_MAX);
    }
    return status;
}

static rv_status read_member(rv_json *json, token_wish *wish, rv_bytes key, rv_error *err) {
    rv_json_token value;
    rv_status status = rv_json_next(json, &value, err);
    const bool flag = value.kind == RV_JSON_TRUE || value.kind == RV_JSON_FALSE;
    bool good = true;
    if (status != RV_OK) {
        return status;
    }
    if (rv_bytes_are(key, "read")) {
        wish->rights = true;
        return read_list(json, wish->lists[0], &value, &wish->token.reads, err);
    }
    if (rv_bytes_are(key, "write")) {
        wish->rights = true;
        return read_list(json, wish->lists[1], &value, &wish->token.writes, err);
    }
    if (rv_bytes_are(key, "name")) {
        good = value.kind == RV_JSON_STRING;
        wish->token.name = value.text;
    } else if (rv_bytes_are(key, "admin")) {
        good = flag;
        wish->rights = true;
        wish->token.admin = value.kind == RV_JSON_TRUE;
    } else if (rv_bytes_are(key, "relay")) {
        good = flag;
        wish->rights = true;
        wish->token.relay = value.kind == RV_JSON_TRUE;
    } else if (rv_bytes_are(key, "expires_in")) {
        wish->expires = true;
        good = value.kind == RV_JSON_NULL ||
               (value.kind == RV_JSON_NUMBER && rv_number_parse(value.text, &wish->expires_in) &&
                wish->expires_in > 0 && wish->expires_in <= EXPIRES_IN_MAX);
    } else if (rv_bytes_are(key, "grace")) {
        good = value.kind == RV_JSON_NUMBER && rv_number_parse(value.text, &wish->grace) &&
               wish->grace <= GRACE_MAX;
    } else {
        good = false;
    }
    return good
               ? RV_OK
               : rv_error_set(err, RV_REQUEST_INVALID,
                              "a token has \"name\" (a text), \"read\" and \"write\" (arrays of "
                              "texts), \"relay\" and \"admin\" (true or false), \"expires_in\" and "
                              "\"grace\" (seconds); `%b` is wrong",
                              &key);
}

static rv_status read_wish(rv_exchange *x, token_wish *wish, rv_error *err) {
    rv_arena *const scratch = &x->face->scratch;
    memset(wish, 0, sizeof *wish);
    wish->grace = GRACE;
    wish->lists[0] = rv_arena_take_raw(scratch, RV_TOKEN_LIST_MAX);
    wish->lists[1] = rv_arena_take_raw(scratch, RV_TOKEN_LIST_MAX);
    if (wish->lists[0] == NULL || wish->lists[1] == NULL) {
        return rv_error_set(err, RV_REQUEST_TOO_LARGE, "the request is too large");
    }
    if (x->request.body.len == 0) {
        return RV_OK;
    }
    rv_json json = rv_json_over(x->request.body, scratch);
    rv_json_token key;
    rv_status status = rv_json_next(&json, &key, err);
    if (status == RV_OK && key.kind != RV_JSON_OBJECT_BEGIN) {
        return rv_error_set(err, RV_REQUEST_INVALID, "a token is a JSON object");
    }
    status = status == RV_OK ? rv_json_next(&json, &key, err) : status;
    while (status == RV_OK && key.kind == RV_JSON_KEY) { /* goes on by a member */
        status = read_member(&json, wish, key.text, err);
        status = status == RV_OK ? rv_json_next(&json, &key, err) : status;
    }
    RV_ASSERT(status != RV_PENDING);
    return status == RV_OK ? rv_json_next(&json, &key, err) : status; /* nothing may follow */
}

/* --- the answer --- */

static void write_list(const char *name, const rv_token_list *list, rv_writer *w) {
    size_t at = 0;
    rv_bytes entry;
    rv_write_text(w, name);
    rv_write_u8(w, '[');
    for (bool first = true; rv_token_list_next(list, &at, &entry); first = false) {
        rv_write_text(w, first ? "" : ",");
        rv_write_json_string(w, entry);
    }
    rv_write_u8(w, ']');
    RV_ASSERT(at == list->bytes.len);
}

/* `secret`: its text, which is shown; NULL: it is not known. */
static void write_token(const rv_access_token *token, const uint8_t *secret, rv_writer *w) {
    rv_write_text(w, "{\"name\":");
    rv_write_json_string(w, token->name);
    if (secret != NULL) {
        rv_write_text(w, ",\"token\":");
        rv_write_json_string(w, rv_bytes_of(secret, RV_TOKEN_TEXT_LEN));
    }
    write_list(",\"read\":", &token->reads, w);
    write_list(",\"write\":", &token->writes, w);
    rv_write_text(w, token->replaced ? ",\"replaced\":true" : "");
    rv_write_text(w, token->relay ? ",\"relay\":true" : ",\"relay\":false");
    rv_write_text(w, token->admin ? ",\"admin\":true" : ",\"admin\":false");
    rv_write_text(w, ",\"created_at\":");
    rv_event_time_to_json(token->created_at, w);
    rv_write_text(w, ",\"expires_at\":");
    if (token->expires_at == 0) {
        rv_write_text(w, "null");
    } else {
        rv_event_time_to_json(token->expires_at, w);
    }
    RV_ASSERT(token->name.len > 0);
    rv_write_u8(w, '}');
}

static rv_status list_tokens(rv_exchange *x, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    rv_writer w;
    const rv_status status = exchange_writer(x, true, &w);
    if (status != RV_OK) {
        return status;
    }
    rv_write_u8(&w, '[');
    for (uint32_t i = 0; i < rv_node_token_count(node) && !w.full; i++) {
        rv_access_token token;
        rv_node_token_at(node, i, &token);
        rv_write_text(&w, i > 0 ? "," : "");
        write_token(&token, NULL, &w);
    }
    rv_write_text(&w, "]\n");
    if (w.full) {
        return rv_error_set(err, RV_SQL_LIMIT, "there are more tokens than an answer can list");
    }
    RV_ASSERT(w.len >= 3);
    exchange_answer(x, 200, "application/json", rv_writer_bytes(&w));
    return RV_OK;
}

/* --- changing --- */

/* What becomes of a token. */
typedef struct token_change {
    bool draws; /* it gets a new secret */
    int http;
    uint64_t grace; /* seconds that the one before is good for */
} token_change;

/* Writes the answer, makes it so, and has the request wait until it is durable. */
static rv_status put(rv_exchange *x, rv_access_token *token, const token_change *how,
                     rv_error *err) {
    rv_node *const node = x->face->options.node;
    uint8_t secret[RV_TOKEN_TEXT_LEN];
    rv_writer w;
    rv_status status = exchange_writer(x, true, &w);
    if (status == RV_OK && x->face->options.digest == NULL) {
        status = rv_error_set(err, RV_UNSUPPORTED, "this build cannot make tokens");
    }
    if (status != RV_OK) {
        return status;
    }
    if (how->draws) {
        rv_node_token_draw(node, secret);
        x->face->options.digest->sha256(rv_bytes_of(secret, sizeof secret), token->digest);
    }
    write_token(token, how->draws ? secret : NULL, &w);
    rv_write_u8(&w, '\n');
    RV_ASSERT(!w.full); /* lists have RV_TOKEN_LIST_MAX bytes, at most 6 times as JSON */
    const int64_t until = rv_node_now(node) + (int64_t)how->grace * MICROSECONDS;
    status = rv_node_token_put(node, token, how->grace == 0 ? 0 : until, err);
    if (status == RV_OK) {
        exchange_answer(x, how->http, "application/json", rv_writer_bytes(&w));
        x->made = rv_node_decisions_made(node);
    }
    return status;
}

static rv_status make(rv_exchange *x, rv_error *err) {
    rv_node *const node = x->face->options.node;
    token_wish wish;
    rv_access_token before;
    rv_status status = read_wish(x, &wish, err);
    if (status == RV_OK && rv_node_token_named(node, wish.token.name, &before)) {
        status = rv_error_set(err, RV_TOKEN_EXISTS,
                              "there is a token of `%b` already: give it a new secret with "
                              "refresh, or revoke it",
                              &wish.token.name);
    }
    if (status != RV_OK) {
        return status;
    }
    wish.token.created_at = rv_node_now(node);
    wish.token.expires_at =
        wish.expires_in == 0 ? 0 : wish.token.created_at + (int64_t)wish.expires_in * MICROSECONDS;
    RV_ASSERT(wish.expires_in <= EXPIRES_IN_MAX);
    return put(x, &wish.token, &(token_change){.draws = true, .http = 201}, err);
}

/* What is not said stays; a new secret lives as long as the old one was to. */
static rv_status change(rv_exchange *x, rv_bytes name, bool draws, rv_error *err) {
    rv_node *const node = x->face->options.node;
    const int64_t now = rv_node_now(node);
    token_wish wish;
    rv_access_token token;
    rv_status status = read_wish(x, &wish, err);
    if (status == RV_OK && !rv_node_token_named(node, name, &token)) {
        status = rv_error_set(err, RV_NOT_FOUND, "there is no token of `%b`", &name);
    }
    if (status == RV_OK && wish.token.name.len > 0 && !rv_bytes_equal(wish.token.name, name)) {
        status =
            rv_error_set(err, RV_PARAMETER_INVALID, "a token keeps its name, which is `%b`", &name);
    }
    if (status != RV_OK) {
        return status;
    }
    if (wish.rights) {
        token.admin = wish.token.admin;
        token.relay = wish.token.relay;
        token.reads = wish.token.reads;
        token.writes = wish.token.writes;
    }
    const int64_t span = token.expires_at == 0 ? 0 : token.expires_at - token.created_at;
    token.created_at = draws ? now : token.created_at;
    if (wish.expires) {
        token.expires_at = wish.expires_in == 0 ? 0 : now + (int64_t)wish.expires_in * MICROSECONDS;
    } else if (draws) {
        token.expires_at = span > 0 ? now + span : 0;
    }
    RV_ASSERT(token.name.len > 0);
    const token_change how = {.draws = draws, .http = 200, .grace = draws ? wish.grace : 0};
    return put(x, &token, &how, err);
}

/* Over the network the last token that may make others stays: without it nobody could, and without
 * any the node would be open. */
static rv_status judge_last(const rv_exchange *x, rv_bytes name, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    rv_access_token token;
    bool other = !x->guarded || !rv_node_token_named(node, name, &token) || !token.admin;
    for (uint32_t i = 0; i < rv_node_token_count(node) && !other; i++) {
        rv_node_token_at(node, i, &token);
        other = token.admin && !token.replaced && !rv_bytes_equal(token.name, name) &&
                !rv_token_expired(&token, rv_node_now(node));
    }
    RV_ASSERT(name.len > 0);
    return other ? RV_OK
                 : rv_error_set(err, RV_FORBIDDEN,
                                "`%b` is the last administrator of this node: make another one "
                                "first, or revoke it with --data where the data is",
                                &name);
}

static rv_status revoke(rv_exchange *x, rv_bytes name, rv_error *err) {
    rv_node *const node = x->face->options.node;
    rv_status status = judge_last(x, name, err);
    status = status == RV_OK ? rv_node_token_revoke(node, name, err) : status;
    if (status == RV_OK) {
        exchange_answer(x, 200, "application/json", RV_LITERAL("{\"revoked\":true}\n"));
        x->made = rv_node_decisions_made(node);
        RV_ASSERT(x->made > 0);
    }
    return status;
}

static rv_status wrong_method(rv_exchange *x, const char *allow, rv_error *err) {
    x->head.allow = allow;
    return rv_error_set(err, RV_METHOD_NOT_ALLOWED,
                        "`%b` is not a method of this address; it has %s", &x->request.method,
                        allow);
}

static rv_status route(rv_exchange *x, const rv_url *url, rv_error *err) {
    const rv_bytes method = x->request.method;
    RV_ASSERT(url->segment_count == 1 || url->segment_count == 2);
    if (url->segment_count == 1) {
        return rv_bytes_are(method, "GET")    ? list_tokens(x, err)
               : rv_bytes_are(method, "POST") ? make(x, err)
                                              : wrong_method(x, "GET, POST", err);
    }
    const rv_bytes name = url->segments[1];
    return rv_bytes_are(method, "POST")     ? change(x, name, true, err)
           : rv_bytes_are(method, "PUT")    ? change(x, name, false, err)
           : rv_bytes_are(method, "DELETE") ? revoke(x, name, err)
                                            : wrong_method(x, "POST, PUT, DELETE", err);
}

rv_status face_tokens(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_status status = RV_OK;
    if (url->segment_count > 2) {
        return rv_error_set(err, RV_NOT_FOUND, "a token's address is /tokens/{name}");
    }
    if (x->made == 0) { /* else it is done: who did it need not be admitted again */
        status = face_require(x, FACE_ADMIN, (rv_bytes){NULL, 0}, err);
        status = status == RV_OK ? route(x, url, err) : status;
    }
    RV_ASSERT(status != RV_OK || x->head.status > 0);
    return status == RV_OK && x->made > 0 ? exchange_wait_durable(x, err) : status;
}
