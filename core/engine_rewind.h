/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CORE_ENGINE_REWIND_H
#define RV_CORE_ENGINE_REWIND_H

#include "core/engine.h"

/* Where an edge goes back to: a position that its log and the root's have in common, with the
 * chain hash there, and the epoch in which it goes on. */
typedef struct rv_rewind {
    uint32_t epoch;
    uint64_t watermark;
    uint64_t chain_hash;
} rv_rewind;

RV_MUST_USE rv_status rv_node_rewind(rv_node *node, const rv_rewind *to, rv_error *err);

/* True while it is under way. */
bool rv_node_rewinding(const rv_node *node);

#endif
