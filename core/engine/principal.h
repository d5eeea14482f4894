/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the upstream takes this edge for: the principal of its token (SEMANTICS 11). What is written
 * under no name of its own is the edge's, so a batch gets that name when it is written, and keeps
 * it whichever token comes later. Before the upstream has named anybody it gets none; then it is
 * the first one's to be named, which stays in the ledger too and is never another again.
 *
 *     met an upstream without tokens    batches have no name
 *     named `ada`                       those are ada's, as is what is written from now on
 *     named `bob`                       they stay ada's; what is written from now on is bob's
 *
 *     PRINCIPAL   none -> blob first, blob last
 */
#ifndef RV_CORE_ENGINE_PRINCIPAL_H
#define RV_CORE_ENGINE_PRINCIPAL_H

#include "core/engine.h"
#include "core/log/ledger.h"

#define RV_PRINCIPALS_LEN_MAX (2u * (1 + RV_TOKEN_NAME_MAX))

/* Borrowed: until the next change of the ledger. Empty: the upstream never named anybody. */
typedef struct rv_principals {
    rv_bytes first;
    rv_bytes last;
} rv_principals;

rv_principals rv_node_principals(const rv_node *node);

/* The upstream takes the edge for `name`, 1 to RV_TOKEN_NAME_MAX bytes. RV_OK, also when that was
 * known: durable when rv_node_decisions_durable has reached what rv_node_decisions_made then says.
 * RV_PENDING, RV_BUSY: poll, then again. RV_MEMORY_EXHAUSTED: the ledger has no room.
 * RV_NOT_CONNECTED: there is no log yet. RV_READ_ONLY, RV_CLOSING, RV_STORAGE_FULL. */
RV_MUST_USE rv_status rv_node_principal_note(rv_node *node, rv_bytes name, rv_error *err);

/* An entry's value. False: malformed. */
RV_MUST_USE bool rv_principals_read(rv_bytes value, rv_principals *principals);

#endif
