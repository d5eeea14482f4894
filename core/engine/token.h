/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: who may use this node, and for what (SEMANTICS 11, 20). A token is a secret text that was
 * shown once; the node keeps its SHA-256, in the ledger, so tokens are durable like events, are not
 * synced to any other node, and go when they are revoked.
 *
 *     TOKEN   first 16 bytes of the digest -> the others, rights, times, name, what may be read and
 *                                             written (docs/format/log.md)
 *
 * The name is the principal: it stands by what was written with the token. Of a name there is one
 * token, so revoking it by its name is enough; the secret before may be good for a while longer, so
 * that sessions go on while the new one is handed out.
 *
 * What may be read is a list of path patterns, and of aggregates as `aggregate NAME` or `aggregate
 * *`; what may be written is a list of path patterns. Whoever may read every stream may read every
 * aggregate. The schema, below /rivulet, is for everybody with a token. An administrator may do
 * everything.
 *
 * While a node has no token it is open. What asks, asks again whenever it uses a right: the ledger
 * says what is true now, and rv_node_tokens_generation moves when that changes.
 */
#ifndef RV_CORE_ENGINE_TOKEN_H
#define RV_CORE_ENGINE_TOKEN_H

#include "core/base/digest.h"
#include "core/engine.h"
#include "core/log/ledger.h"

#define RV_TOKEN_KEY        16u /* bytes of the digest that find it */
#define RV_TOKEN_SECRET_LEN 32u /* bytes of entropy */
#define RV_TOKEN_TEXT_LEN   47u /* "rvt_", and the secret in base64url */

/* A list of rights in its stored form: blobs. */
typedef struct rv_token_list {
    uint32_t count; /* at most RV_TOKEN_RIGHTS_MAX */
    rv_bytes bytes; /* varint length, text, … */
} rv_token_list;

/* Borrowed: until the next change of the ledger. */
typedef struct rv_access_token {
    uint8_t digest[RV_DIGEST_SIZE];
    rv_bytes name; /* 1 to RV_TOKEN_NAME_MAX bytes */
    bool admin;
    bool replaced;      /* there is a newer one of the name: this one is good for a while */
    bool relay;         /* a gateway: may push what others have written */
    int64_t created_at; /* microseconds from 1970 */
    int64_t expires_at; /* 0: never */
    rv_token_list reads;
    rv_token_list writes;
} rv_access_token;

/* --- what there is --- */

/* How many there are; the one with this index, in no order that means anything. */
uint32_t rv_node_token_count(const rv_node *node);
void rv_node_token_at(const rv_node *node, uint32_t index, rv_access_token *token);

/* RV_OK; RV_UNAUTHENTICATED: the node has none with this digest, or it has expired by `at`
 * (microseconds from 1970). What is compared beyond finding it is compared in constant time. */
RV_MUST_USE rv_status rv_node_token_find(const rv_node *node, const uint8_t *digest, int64_t at,
                                         rv_access_token *token, rv_error *err);

/* The same now, of a text as it was sent, whose digest goes to `digest`. A node without tokens
 * answers RV_END: it is open. RV_UNAUTHENTICATED also: `text` is empty. */
RV_MUST_USE rv_status rv_node_token_admit(const rv_node *node, const rv_digest_ops *ops,
                                          rv_bytes text, uint8_t *digest, rv_access_token *token,
                                          rv_error *err);

/* False: none has this name. */
RV_MUST_USE bool rv_node_token_named(const rv_node *node, rv_bytes name, rv_access_token *token);

/* Moves whenever a token was made, changed or revoked. */
uint64_t rv_node_tokens_generation(const rv_node *node);

/* --- rights --- */

/* May the stream be read, or written? `path` is concrete. */
bool rv_token_may_read(const rv_access_token *token, rv_bytes path);
bool rv_token_may_write(const rv_access_token *token, rv_bytes path);

/* May every stream of the pattern be read; may every instance of the stream be written? One entry
 * has to cover them all. */
bool rv_token_may_read_all(const rv_access_token *token, const rv_path_pattern *pattern);
bool rv_token_may_write_all(const rv_access_token *token, const rv_path_template *stream);

/* May the rows of the aggregate be read? */
bool rv_token_may_read_rows(const rv_access_token *token, rv_bytes aggregate);

/* Has the token expired? */
bool rv_token_expired(const rv_access_token *token, int64_t now);

/* Goes through a list: an entry, from `*at` (0 at first) on. False: there are no more. */
RV_MUST_USE bool rv_token_list_next(const rv_token_list *list, size_t *at, rv_bytes *entry);

/* --- changing --- */

/* A secret from the host's entropy, and its text, RV_TOKEN_TEXT_LEN bytes. */
void rv_node_token_draw(const rv_node *node, uint8_t *text);

/* Is this an entry of what may be read, or written? RV_PATH_INVALID, RV_PARAMETER_INVALID. */
RV_MUST_USE rv_status rv_token_judge_entry(rv_bytes entry, bool read, rv_error *err);

/* Makes the token, or changes the one that has its name. If its digest is another, the one before
 * is good until `grace_until` (0: not any more), but not longer than it was to be, and for what the
 * token is. Durable when
 * rv_node_decisions_durable has reached what rv_node_decisions_made then says. RV_PENDING, RV_BUSY:
 * poll, then again. RV_PARAMETER_INVALID: a name that is none, an entry that is none, rights to
 * nothing. RV_NOT_CONNECTED: an edge that has not met its upstream has no log yet.
 * RV_MEMORY_EXHAUSTED: the ledger has no room for tokens. RV_READ_ONLY, RV_CLOSING,
 * RV_STORAGE_FULL. */
RV_MUST_USE rv_status rv_node_token_put(rv_node *node, const rv_access_token *token,
                                        int64_t grace_until, rv_error *err);

/* Revokes it. RV_NOT_FOUND; the others as above. */
RV_MUST_USE rv_status rv_node_token_revoke(rv_node *node, rv_bytes name, rv_error *err);

/* --- for the engine's files --- */

/* The entry of the ledger. False: it is malformed. */
RV_MUST_USE bool rv_token_read(const rv_ledger_entry *entry, rv_access_token *token);

/* Its value; `w` has room for RV_TOKEN_VALUE_MAX bytes. */
#define RV_TOKEN_VALUE_MAX (16u + 1 + 16 + 1 + RV_TOKEN_NAME_MAX + 2 * (1 + RV_TOKEN_LIST_MAX))
void rv_token_write(const rv_access_token *token, rv_writer *w);

#endif
