/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is an edge's history this root's? (SEMANTICS 5.) A position and the root's chain hash there stand
 * for all that is before. Within one epoch the edge's must be ours. When an administrator has begun
 * a new epoch here, because the directory was restored from a backup, the edge says what points of
 * its history it knows, and is told the last one that is ours as well: it goes back there.
 *
 *     epoch   ours 1                our 2, begun behind 40       edge in 1, at W = 55: back to 40
 *     1 . . . . . . . 40 . . . . 55          1 . . . 40 . . 47
 *
 * An edge ahead of us, or beside us, in our own epoch or a later one, means that nobody has said
 * that this root was restored. Then nothing is decided silently: the edge waits, with advice, and
 * the root tells of it.
 */
#include "core/base/assert.h"
#include "sync/upstream_internal.h"

/* Nobody has said why. */
static rv_status unexplained(rv_upstream *s, uint64_t epoch, uint64_t watermark, rv_error *err) {
    rv_node *const node = s->shared->node;
    const uint64_t position = rv_node_watermark_durable(node);
    const uint64_t own = rv_node_identity(node)->epoch;
    if (rv_node_role(node) == RV_ROLE_ROOT) {
        rv_node_meet_stranger(node, epoch, watermark);
    }
    const rv_status status =
        rv_error_set(err, RV_UPSTREAM_DIVERGED,
                     "the edge is at epoch %u, position %u, the upstream at epoch %u, position %u, "
                     "with another history; if the upstream was restored from a backup, say so "
                     "there (`rivulet restored`), and this edge goes back to what both have",
                     epoch, watermark, own, position);
    rv_error_fact_uint(err, "edge_epoch", epoch);
    rv_error_fact_uint(err, "edge_position", watermark);
    rv_error_fact_uint(err, "upstream_epoch", own);
    rv_error_fact_uint(err, "upstream_position", position);
    RV_ASSERT(status == RV_UPSTREAM_DIVERGED);
    return status;
}

rv_status rv_upstream_check_log(rv_upstream *s, const rv_wire_hello *hello, rv_error *err) {
    const rv_node *const node = s->shared->node;
    const rv_log_identity *const identity = rv_node_identity(node);
    const bool gateway = rv_upstream_is_gateway(s->shared);
    if (identity == NULL) {
        return rv_error_set(err, RV_BUSY,
                            "this node has not met its own upstream yet; come again later");
    }
    if (!hello->has_log) {
        return hello->watermark == 0
                   ? RV_OK
                   : rv_error_set(err, RV_PROTOCOL_ERROR, "an edge without a log names a position");
    }
    RV_ASSERT(identity->root != gateway);
    if (memcmp(hello->log_id, identity->log_id, sizeof hello->log_id) != 0) {
        return rv_error_set(err, RV_UPSTREAM_OTHER_LOG,
                            "the upstream has another log than this edge; connect to the right "
                            "upstream, or give the edge a new data directory");
    }
    if (hello->epoch > identity->epoch && gateway) {
        return rv_error_set(err, RV_BUSY,
                            "this node has yet to follow the root into epoch %u; come again later",
                            hello->epoch);
    }
    if (hello->epoch >= identity->epoch) {
        const bool ahead =
            hello->epoch > identity->epoch || hello->watermark > rv_node_watermark_durable(node);
        return ahead && !gateway ? unexplained(s, hello->epoch, hello->watermark, err) : RV_OK;
    }
    if (!hello->has_lineage) {
        return rv_error_set(err, RV_UPSTREAM_DIVERGED,
                            "the upstream was restored from a backup and is in epoch %u, the edge "
                            "in %u; it is to say what it has of the history",
                            (uint64_t)identity->epoch, hello->epoch);
    }
    s->diverged = true;
    s->lineage_count = (uint32_t)hello->lineage_count;
    memcpy(s->lineage, hello->lineage, sizeof s->lineage);
    return RV_OK;
}

/* The chain hash that we have there. RV_END: there is no end of a batch. */
static rv_status own_chain(const rv_upstream *s, uint64_t position, uint64_t *chain_hash,
                           rv_error *err) {
    rv_node *const node = s->shared->node;
    RV_ASSERT(chain_hash != NULL);
    if (position > rv_node_watermark_durable(node)) {
        return RV_END;
    }
    const rv_status status = rv_log_chain_at(rv_node_log(node), position, chain_hash, err);
    return status == RV_BUSY ? RV_PENDING : status;
}

rv_status rv_upstream_check_lineage(rv_upstream *s, rv_wire_point *common, rv_error *err) {
    uint64_t own = 0;
    if (!s->diverged) {
        const rv_status status = s->watermark == 0 ? RV_OK : own_chain(s, s->watermark, &own, err);
        const bool same = s->watermark == 0 || own == s->chain_hash;
        return status == RV_END || (status == RV_OK && !same)
                   ? unexplained(s, rv_node_identity(s->shared->node)->epoch, s->watermark, err)
                   : status;
    }
    for (; s->lineage_at < s->lineage_count; s->lineage_at++) {
        const rv_wire_point *const point = &s->lineage[s->lineage_at];
        const rv_status status = own_chain(s, point->watermark, &own, err);
        if (status != RV_OK && status != RV_END) {
            return status;
        }
        if (status == RV_OK && own == point->chain_hash) {
            *common = *point;
            return RV_END;
        }
    }
    *common = (rv_wire_point){0, 0};
    RV_ASSERT(s->lineage_at == s->lineage_count);
    return RV_END;
}
