/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a refusal may be told to whom (SEMANTICS 11). A batch is judged over rows and versions
 * that its writer may not be allowed to read, and why it was refused would tell of them. Wherever a
 * refusal goes to somebody with a token, it is narrowed to the code, and what the writer has said
 * itself, unless the token covers what the facts are about:
 *
 *     version_conflict               the stream, which has another version
 *     unknown_reference, row_exists, nothing: they name the row that the event names
 *     row_of_other_stream,
 *     key_leased, no_keys
 *     unique_violation,              rows of other streams: all rows of the aggregates named
 *     row_referenced
 *     any other with "aggregate"     the row: the aggregate's rows, or, as a row is its stream's
 *                                    (SEMANTICS 13), the event's stream, the fact "path"; of a
 *                                    shared aggregate the former only
 *
 * It is narrowed when it is told, not when it is judged: a gateway, which has judged nothing, tells
 * it on, and rights change meanwhile.
 */
#ifndef RV_CORE_ENGINE_REFUSAL_H
#define RV_CORE_ENGINE_REFUSAL_H

#include "core/engine/token.h"

/* An event of the stream was refused with this status when it was folded: adds the fact "path" to
 * those that there are, if there is room for it and for what is still to be said. */
void rv_refusal_name_stream(rv_node *node, uint32_t stream, rv_status status, rv_error *refusal);

/* The text of a fact. Empty: there is none of this name, or it is no text. `scratch` has room for
 * 3 * RV_ERROR_FACTS_MAX bytes. */
rv_bytes rv_refusal_fact(const rv_error *refusal, const char *name, rv_arena *scratch);

/* Leaves of a refusal what who has the token may know; NULL: somebody whose token is gone. */
void rv_refusal_narrow(const rv_node *node, const rv_access_token *reader, rv_error *refusal);

#endif
