/* SPDX-License-Identifier: Apache-2.0 */
/* Why the root refused a batch of an edge, as far as the edge knows more about it: SEMANTICS 23. */
#ifndef RV_CORE_ENGINE_CAUSE_H
#define RV_CORE_ENGINE_CAUSE_H

#include "core/engine/outbox.h"

/*
 * A batch was refused for a row that is not there. If an earlier batch would have created it, whose
 * rejection is kept here, that is the cause: `*refusal` becomes RV_DEPENDENCY_REJECTED with the
 * facts "edge_sequence" (of the earlier one) and "cause" (its code), before those there were. Other
 * refusals stay as they are. Uses the node's scratch.
 */
void rv_outbox_cause(rv_node *node, uint64_t edge_sequence, rv_error *refusal);

#endif
