/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: see engine/token.h. */
#include "core/engine/token.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

#define PREFIX                                                                                     \
    "rvt_" /* for people, and for programs that look for secrets in what is published              \
            */
#define FLAG_ADMIN 0x01u
#define FLAG_RELAY 0x02u
#define FLAG_OLD   0x04u
#define FLAGS      (FLAG_ADMIN | FLAG_RELAY | FLAG_OLD)
#define AGGREGATE  "aggregate "

static const rv_bytes no_key = {NULL, 0};

/* --- entries --- */

static bool list_read(rv_cursor *c, rv_token_list *list) {
    const uint64_t count = rv_read_varint(c);
    const uint8_t *const start = c->ptr;
    if (c->bad || count > RV_TOKEN_RIGHTS_MAX) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        c->bad = rv_read_blob(c).len == 0 || c->bad;
    }
    list->count = (uint32_t)count;
    list->bytes = rv_bytes_of(start, (size_t)(c->ptr - start));
    return !c->bad && list->bytes.len <= RV_TOKEN_LIST_MAX;
}

bool rv_token_list_next(const rv_token_list *list, size_t *at, rv_bytes *entry) {
    RV_ASSERT(*at <= list->bytes.len);
    if (*at == list->bytes.len) {
        return false;
    }
    rv_cursor c = rv_cursor_over(rv_bytes_from(list->bytes, *at));
    *entry = rv_read_blob(&c);
    *at = (size_t)(c.ptr - list->bytes.ptr);
    RV_ASSERT(!c.bad && entry->len > 0); /* it was checked when the token was read */
    return true;
}

bool rv_token_read(const rv_ledger_entry *entry, rv_access_token *token) {
    RV_ASSERT(entry->kind == RV_LEDGER_TOKEN);
    rv_cursor c = rv_cursor_over(entry->value);
    memset(token, 0, sizeof *token);
    const rv_bytes rest = rv_read(&c, RV_DIGEST_SIZE - RV_TOKEN_KEY);
    const uint8_t flags = rv_read_u8(&c);
    token->created_at = (int64_t)rv_read_u64(&c);
    token->expires_at = (int64_t)rv_read_u64(&c);
    token->name = rv_read_blob(&c);
    if (c.bad || entry->key.len != RV_TOKEN_KEY || (flags & ~FLAGS) != 0 || token->name.len == 0 ||
        token->name.len > RV_TOKEN_NAME_MAX || !list_read(&c, &token->reads) ||
        !list_read(&c, &token->writes)) {
        return false;
    }
    memcpy(token->digest, entry->key.ptr, RV_TOKEN_KEY);
    memcpy(token->digest + RV_TOKEN_KEY, rest.ptr, rest.len);
    token->admin = (flags & FLAG_ADMIN) != 0;
    token->relay = (flags & FLAG_RELAY) != 0;
    token->replaced = (flags & FLAG_OLD) != 0;
    return rv_cursor_done(&c);
}

void rv_token_write(const rv_access_token *token, rv_writer *w) {
    RV_ASSERT(token->name.len > 0 && token->name.len <= RV_TOKEN_NAME_MAX);
    rv_write(w, rv_bytes_of(token->digest + RV_TOKEN_KEY, RV_DIGEST_SIZE - RV_TOKEN_KEY));
    rv_write_u8(w, (uint8_t)((token->admin ? FLAG_ADMIN : 0) | (token->relay ? FLAG_RELAY : 0) |
                             (token->replaced ? FLAG_OLD : 0)));
    rv_write_u64(w, (uint64_t)token->created_at);
    rv_write_u64(w, (uint64_t)token->expires_at);
    rv_write_blob(w, token->name);
    rv_write_varint(w, token->reads.count);
    rv_write(w, token->reads.bytes);
    rv_write_varint(w, token->writes.count);
    rv_write(w, token->writes.bytes);
    RV_ASSERT(!w->full);
}

/* --- what there is --- */

static uint32_t first_index(const rv_node *node) {
    return rv_ledger_seek(&node->ledger, RV_LEDGER_TOKEN, no_key);
}

uint32_t rv_node_token_count(const rv_node *node) {
    const uint32_t end = rv_ledger_seek(&node->ledger, RV_LEDGER_TOKEN + 1, no_key);
    RV_ASSERT(end >= first_index(node));
    return end - first_index(node);
}

void rv_node_token_at(const rv_node *node, uint32_t index, rv_access_token *token) {
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, first_index(node) + index);
    RV_ASSERT(entry.kind == RV_LEDGER_TOKEN);
    const bool good = rv_token_read(&entry, token);
    RV_ASSERT(good); /* it was checked when it was replayed */
}

bool rv_token_expired(const rv_access_token *token, int64_t now) {
    RV_ASSERT(token->name.len > 0);
    return token->expires_at != 0 && now >= token->expires_at;
}

/* Takes as long whatever differs. */
static bool equal_in_constant_time(const uint8_t *a, const uint8_t *b, size_t len) {
    volatile uint8_t differ = 0;
    RV_ASSERT(a != NULL && b != NULL);
    for (size_t i = 0; i < len; i++) {
        differ = (uint8_t)(differ | (a[i] ^ b[i]));
    }
    return differ == 0;
}

rv_status rv_node_token_find(const rv_node *node, const uint8_t *digest, int64_t at,
                             rv_access_token *token, rv_error *err) {
    const rv_bytes key = rv_bytes_of(digest, RV_TOKEN_KEY);
    rv_ledger_entry entry = {RV_LEDGER_TOKEN, key, {NULL, 0}};
    const bool found = rv_ledger_get(&node->ledger, entry.kind, key, &entry.value) &&
                       rv_token_read(&entry, token) &&
                       equal_in_constant_time(token->digest, digest, RV_DIGEST_SIZE);
    RV_ASSERT(!found || token->name.len > 0);
    if (!found) {
        return rv_error_set(err, RV_UNAUTHENTICATED,
                            "the node does not know this token: it may have been revoked");
    }
    return rv_token_expired(token, at) ? rv_error_set(err, RV_UNAUTHENTICATED,
                                                      "the token of `%b` has expired", &token->name)
                                       : RV_OK;
}

rv_status rv_node_token_admit(const rv_node *node, const rv_digest_ops *ops, rv_bytes text,
                              uint8_t *digest, rv_access_token *token, rv_error *err) {
    RV_ASSERT(digest != NULL && token != NULL);
    if (rv_node_token_count(node) == 0) {
        return RV_END;
    }
    if (text.len == 0) {
        return rv_error_set(err, RV_UNAUTHENTICATED, "this node asks for a token, and none came");
    }
    if (ops == NULL) {
        return rv_error_set(err, RV_UNAUTHENTICATED, "this build cannot look at tokens");
    }
    ops->sha256(text, digest);
    return rv_node_token_find(node, digest, rv_node_now(node), token, err);
}

/* The entry of the name, of the newest secret or the one before. False: there is none. */
static bool find_named(const rv_node *node, rv_bytes name, bool replaced, rv_access_token *token) {
    const uint32_t count = rv_node_token_count(node);
    RV_ASSERT(token != NULL);
    for (uint32_t i = 0; i < count; i++) {
        rv_node_token_at(node, i, token);
        if (token->replaced == replaced && rv_bytes_equal(token->name, name)) {
            return true;
        }
    }
    return false;
}

bool rv_node_token_named(const rv_node *node, rv_bytes name, rv_access_token *token) {
    RV_ASSERT(token != NULL);
    return find_named(node, name, false, token);
}

uint64_t rv_node_tokens_generation(const rv_node *node) {
    return node->tokens_generation;
}

/* --- rights --- */

static bool is_aggregate(rv_bytes entry) {
    return entry.len > sizeof AGGREGATE - 1 &&
           memcmp(entry.ptr, AGGREGATE, sizeof AGGREGATE - 1) == 0;
}

/* Is the path one of an entry's streams? */
static bool list_matches(const rv_token_list *list, rv_bytes path) {
    rv_bytes entry;
    size_t at = 0;
    bool met = false;
    while (!met && rv_token_list_next(list, &at, &entry)) { /* goes on by an entry */
        rv_path_pattern pattern;
        met = !is_aggregate(entry) && rv_path_pattern_parse(entry, &pattern, NULL) == RV_OK &&
              rv_path_pattern_match(&pattern, path);
    }
    RV_ASSERT(at <= list->bytes.len);
    return met;
}

/* Below this the schema's changes are. */
static bool is_system(rv_bytes path) {
    static const char system[] = "/rivulet/";
    return path.len >= sizeof system - 1 && memcmp(path.ptr, system, sizeof system - 1) == 0;
}

bool rv_token_may_read(const rv_access_token *token, rv_bytes path) {
    RV_ASSERT(path.len > 0);
    return token->admin || is_system(path) || list_matches(&token->reads, path);
}

bool rv_token_may_write(const rv_access_token *token, rv_bytes path) {
    RV_ASSERT(path.len > 0);
    return token->admin || list_matches(&token->writes, path);
}

bool rv_token_may_read_all(const rv_access_token *token, const rv_path_pattern *pattern) {
    rv_bytes entry;
    size_t at = 0;
    bool met = token->admin || is_system(pattern->text);
    while (!met && rv_token_list_next(&token->reads, &at, &entry)) { /* goes on by an entry */
        rv_path_pattern outer;
        met = !is_aggregate(entry) && rv_path_pattern_parse(entry, &outer, NULL) == RV_OK &&
              rv_path_pattern_within(pattern, &outer);
    }
    RV_ASSERT(at <= token->reads.bytes.len);
    return met;
}

bool rv_token_may_write_all(const rv_access_token *token, const rv_path_template *stream) {
    rv_bytes entry;
    size_t at = 0;
    bool met = token->admin;
    while (!met && rv_token_list_next(&token->writes, &at, &entry)) { /* goes on by an entry */
        rv_path_pattern outer;
        met = rv_path_pattern_parse(entry, &outer, NULL) == RV_OK &&
              rv_path_pattern_covers(&outer, stream);
    }
    RV_ASSERT(at <= token->writes.bytes.len);
    return met;
}

bool rv_token_may_read_rows(const rv_access_token *token, rv_bytes aggregate) {
    rv_bytes entry;
    size_t at = 0;
    bool met = token->admin;
    RV_ASSERT(aggregate.len > 0);
    while (!met && rv_token_list_next(&token->reads, &at, &entry)) { /* goes on by an entry */
        const rv_bytes name = rv_bytes_from(entry, is_aggregate(entry) ? sizeof AGGREGATE - 1 : 0);
        met = rv_bytes_are(entry, "/**") ||
              (is_aggregate(entry) && (rv_bytes_are(name, "*") || rv_bytes_equal(name, aggregate)));
    }
    return met;
}

/* --- judging what is given --- */

static bool is_word(rv_bytes text) {
    bool good = text.len > 0 && text.len <= RV_NAME_LEN_MAX;
    for (size_t i = 0; good && i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        good = (c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9');
    }
    return good;
}

rv_status rv_token_judge_entry(rv_bytes entry, bool read, rv_error *err) {
    rv_path_pattern pattern;
    if (!read || !is_aggregate(entry)) {
        return rv_path_pattern_parse(entry, &pattern, err);
    }
    const rv_bytes name = rv_bytes_from(entry, sizeof AGGREGATE - 1);
    RV_ASSERT(name.len > 0);
    return rv_bytes_are(name, "*") || is_word(name)
               ? RV_OK
               : rv_error_set(err, RV_PARAMETER_INVALID,
                              "`%b` is no aggregate's name: write `aggregate account`, or "
                              "`aggregate *` for all",
                              &name);
}

static bool is_name(rv_bytes name) {
    bool good = name.len > 0 && name.len <= RV_TOKEN_NAME_MAX;
    for (size_t i = 0; good && i < name.len; i++) {
        const uint8_t c = name.ptr[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (i > 0 && (c == '-' || c == '_' || c == '.' || c == '@' || c == '+' || c == ':'));
    }
    return good;
}

static rv_status judge_list(const rv_token_list *list, bool read, rv_error *err) {
    rv_bytes entry;
    size_t at = 0;
    rv_status status = RV_OK;
    if (list->count > RV_TOKEN_RIGHTS_MAX || list->bytes.len > RV_TOKEN_LIST_MAX) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "a token has at most %u entries of what may be read, and as many of "
                            "what may be written, of %u bytes together",
                            (uint64_t)RV_TOKEN_RIGHTS_MAX, (uint64_t)RV_TOKEN_LIST_MAX);
    }
    while (status == RV_OK && rv_token_list_next(list, &at, &entry)) { /* goes on by an entry */
        status = rv_token_judge_entry(entry, read, err);
    }
    RV_ASSERT(at <= list->bytes.len);
    return status;
}

static rv_status judge(const rv_access_token *token, rv_error *err) {
    if (!is_name(token->name)) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "`%b` is no name for a token: it has 1 to %u letters, digits and any "
                            "of - _ . @ + :, and begins with a letter or digit",
                            &token->name, (uint64_t)RV_TOKEN_NAME_MAX);
    }
    if (!token->admin && !token->relay && token->reads.count + token->writes.count == 0) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "a token that may read and write nothing is good for nothing: say "
                            "what it may read or write, or that it is an administrator's");
    }
    const rv_status status = judge_list(&token->reads, true, err);
    RV_ASSERT(status != RV_PENDING);
    return status == RV_OK ? judge_list(&token->writes, false, err) : status;
}

/* --- changing --- */

void rv_node_token_draw(const rv_node *node, uint8_t *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t secret[RV_TOKEN_SECRET_LEN + 1] = {0};
    size_t len = sizeof PREFIX - 1;
    node->host.ops->entropy(node->host.ctx, secret, RV_TOKEN_SECRET_LEN);
    memcpy(text, PREFIX, len);
    for (size_t i = 0; i < RV_TOKEN_SECRET_LEN; i += 3) { /* the 33rd byte is 0, and left out */
        const uint32_t three = (uint32_t)secret[i] << 16 | (uint32_t)secret[i + 1] << 8 |
                               (i + 2 <= RV_TOKEN_SECRET_LEN ? secret[i + 2] : 0);
        for (unsigned shift = 24; shift > 0 && len < RV_TOKEN_TEXT_LEN; shift -= 6) {
            text[len] = (uint8_t)digits[(three >> (shift - 6)) & 63];
            len += 1;
        }
    }
    RV_ASSERT(len == RV_TOKEN_TEXT_LEN);
}

/* Begins the batch of the log that a change is written into. */
static rv_status begin(rv_node *node, rv_writer *body, rv_error *err) {
    rv_status status = rv_node_check_writable(node, err);
    if (status == RV_OK && !rv_log_has_identity(node->log)) {
        status = rv_error_set(err, RV_NOT_CONNECTED,
                              "this edge has not met its upstream yet, and has no log to keep a "
                              "token in");
    }
    if (status == RV_OK && node->receiving.active) {
        status = rv_error_set(err, RV_BUSY, "a batch of the upstream is being received");
    }
    return status == RV_OK ? rv_node_ledger_begin(node, body, err) : status;
}

/* Bytes that all tokens take in the ledger. */
static size_t tokens_len(const rv_node *node) {
    const rv_ledger *const ledger = &node->ledger;
    const rv_bytes first = {NULL, 0};
    size_t len = 0;
    for (uint32_t i = rv_ledger_seek(ledger, RV_LEDGER_TOKEN, first); i < rv_ledger_count(ledger);
         i++) {
        const rv_ledger_entry entry = rv_ledger_at(ledger, i);
        len += entry.kind == RV_LEDGER_TOKEN ? rv_ledger_cost(entry.key.len, entry.value.len) : 0;
    }
    RV_ASSERT(len <= rv_ledger_used(ledger));
    return len;
}

/* True when changes of tokens leave others their part of the ledger, and what waits in the outbox
 * the room that it has kept. What makes tokens less always does. */
static bool leaves_room(const rv_node *node, const rv_ledger_changes *changes) {
    const rv_ledger *const ledger = &node->ledger;
    const int64_t reserve = (int64_t)RV_OUTBOX_RESERVE * node->outbox.pending;
    const int64_t tokens = (int64_t)tokens_len(node) + changes->cost;
    RV_ASSERT(tokens >= 0);
    return changes->cost <= 0 ||
           (tokens <= (int64_t)(ledger->cap / RV_TOKENS_SHARE) &&
            (int64_t)rv_ledger_used(ledger) + changes->cost + reserve <= (int64_t)ledger->cap);
}

static rv_status end(rv_node *node, rv_status status, rv_writer *body, rv_ledger_changes *changes,
                     rv_error *err) {
    RV_ASSERT(status == RV_OK || status == RV_BUSY || status == RV_BATCH_TOO_LARGE);
    if (status != RV_OK || !leaves_room(node, changes)) {
        rv_log_append_cancel(node->log);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "the memory for what the node remembers beside events has no more room "
                            "for tokens; revoke some, or open the node with a larger budget");
    }
    rv_node_ledger_commit(node, body, changes);
    node->tokens_generation += 1;
    return RV_OK;
}

/* Removes the entry of the secret before, unless it has the digest of what is about to be put. */
static rv_status remove_replaced(const rv_node *node, rv_bytes name, const uint8_t *digest,
                                 rv_ledger_changes *changes) {
    rv_access_token old;
    uint8_t key[RV_TOKEN_KEY];
    if (!find_named(node, name, true, &old) || memcmp(old.digest, digest, sizeof key) == 0) {
        return RV_OK;
    }
    memcpy(key, old.digest, sizeof key);
    RV_ASSERT(old.replaced);
    return rv_ledger_remove(&node->ledger, changes, RV_LEDGER_TOKEN, rv_bytes_of(key, sizeof key));
}

/* The entry that was the newest, until when it is good, with the rights of `token`, which takes its
 * place; in `memory`. */
static rv_status replace(rv_node *node, const rv_access_token *before, const rv_access_token *token,
                         int64_t until, uint8_t *memory, rv_ledger_changes *changes) {
    uint8_t key[RV_TOKEN_KEY];
    rv_access_token old = *token;
    rv_writer value = rv_writer_over(memory, RV_TOKEN_VALUE_MAX);
    memcpy(key, before->digest, sizeof key);
    memcpy(old.digest, before->digest, sizeof old.digest);
    old.created_at = before->created_at;
    old.expires_at = before->expires_at;
    RV_ASSERT(!before->replaced);
    if (until <= rv_node_now(node)) {
        return rv_ledger_remove(&node->ledger, changes, RV_LEDGER_TOKEN,
                                rv_bytes_of(key, sizeof key));
    }
    old.replaced = true;
    old.expires_at = old.expires_at == 0 || until < old.expires_at ? until : old.expires_at;
    rv_token_write(&old, &value);
    const rv_ledger_entry entry = {RV_LEDGER_TOKEN, rv_bytes_of(key, sizeof key),
                                   rv_writer_bytes(&value)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

rv_status rv_node_token_put(rv_node *node, const rv_access_token *token, int64_t grace_until,
                            rv_error *err) {
    rv_writer body;
    rv_access_token before;
    rv_status status = judge(token, err);
    status = status == RV_OK ? begin(node, &body, err) : status;
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(node->results.cap >= 2 * RV_TOKEN_VALUE_MAX && !token->replaced);
    rv_arena_reset(&node->results, 0);
    rv_writer value = rv_writer_over(node->results.ptr, RV_TOKEN_VALUE_MAX);
    rv_token_write(token, &value);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = remove_replaced(node, token->name, token->digest, &changes);
    if (status == RV_OK && find_named(node, token->name, false, &before) &&
        memcmp(before.digest, token->digest, RV_TOKEN_KEY) != 0) {
        status = replace(node, &before, token, grace_until, node->results.ptr + RV_TOKEN_VALUE_MAX,
                         &changes);
    }
    const rv_ledger_entry entry = {RV_LEDGER_TOKEN, rv_bytes_of(token->digest, RV_TOKEN_KEY),
                                   rv_writer_bytes(&value)};
    status = status == RV_OK ? rv_ledger_put(&node->ledger, &changes, &entry) : status;
    return end(node, status, &body, &changes, err);
}

rv_status rv_node_token_revoke(rv_node *node, rv_bytes name, rv_error *err) {
    rv_writer body;
    rv_access_token token;
    uint8_t key[RV_TOKEN_KEY];
    if (!rv_node_token_named(node, name, &token)) {
        return rv_error_set(err, RV_NOT_FOUND, "there is no token of `%b`", &name);
    }
    memcpy(key, token.digest, sizeof key);
    rv_status status = begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = remove_replaced(node, name, key, &changes);
    status = status == RV_OK ? rv_ledger_remove(&node->ledger, &changes, RV_LEDGER_TOKEN,
                                                rv_bytes_of(key, sizeof key))
                             : status;
    return end(node, status, &body, &changes, err);
}
