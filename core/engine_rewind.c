/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine_rewind.h"

#include "core/base/assert.h"
#include "core/engine_internal.h"

rv_status rv_node_rewind(rv_node *node, const rv_rewind *to, rv_error *err) {
    RV_ASSERT(node->role == RV_ROLE_EDGE && to->epoch > 0);
    return rv_error_set(err, RV_UPSTREAM_DIVERGED,
                        "the upstream was restored from a backup; give this edge a new data "
                        "directory");
}

bool rv_node_rewinding(const rv_node *node) {
    (void)node;
    return false;
}
