/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upstream that is an edge itself: a gateway (SEMANTICS 26). It serves what it holds, confirmed
 * and durable, by the root's positions, so that who follows it can go on at the root or at another
 * gateway, and come back. What it cannot vouch for it does not serve:
 *
 *     streams that its selection does not cover       refused
 *     its own base has not come, or its log is empty  not yet: the edge comes again
 *     the edge is ahead of the gateway                nothing is fed until the gateway is there
 *     its selection becomes another one               the sessions end, and are checked again
 *
 * The edge's W is looked for in the gateway's log: its batches end where the upstream's messages
 * did, and have the root's chain hash there.
 */
#include "core/base/assert.h"
#include "sync/upstream_internal.h"

/* True when this pattern, with all of its history, is within one that the node holds so. */
static bool holds(const rv_node *node, const rv_path_pattern *pattern) {
    const rv_selection *const selection = rv_node_selection(node);
    size_t pattern_count = 0;
    const rv_path_pattern *const patterns = rv_node_patterns(node, &pattern_count);
    size_t at = 0; /* of the entries, those of streams have a pattern each */
    for (size_t i = 0; i < selection->count && at < pattern_count; i++) {
        const rv_select *const entry = &selection->entries[i];
        if (entry->kind != RV_SELECT_STREAMS) {
            continue;
        }
        RV_ASSERT(rv_bytes_equal(entry->name, patterns[at].text));
        if (entry->history == RV_HISTORY_ALL && rv_path_pattern_within(pattern, &patterns[at])) {
            return true;
        }
        at += 1;
    }
    return rv_bytes_are(pattern->text, RV_SYSTEM_SCHEMA_PATH); /* which every edge has */
}

static rv_status refuse(rv_bytes what, rv_error *err) {
    (void)rv_error_set(err, RV_SELECTION_INVALID,
                       "this node is a gateway that does not hold all of `%b`; select what it "
                       "holds, or connect to its upstream",
                       &what);
    rv_error_fact_text(err, "pattern", what);
    return RV_SELECTION_INVALID;
}

rv_status rv_upstream_gateway_hello(rv_upstream *s, rv_error *err) {
    const rv_node *const node = s->shared->node;
    RV_ASSERT(rv_upstream_is_gateway(s->shared));
    if (!rv_node_whole(node)) {
        return rv_error_set(err, RV_BUSY,
                            "this gateway does not have all of its own selection yet; come again "
                            "later");
    }
    s->swaps = rv_node_selection_swaps(node);
    for (size_t i = 0; i < s->pattern_count; i++) {
        if (!holds(node, &s->patterns[i])) {
            return refuse(s->patterns[i].text, err);
        }
    }
    return RV_OK;
}

rv_status rv_upstream_gateway_selection(const rv_upstream *s, const rv_selection *selection,
                                        rv_error *err) {
    RV_ASSERT(rv_upstream_is_gateway(s->shared));
    for (size_t i = 0; i < selection->count; i++) {
        const rv_select *const entry = &selection->entries[i];
        rv_path_pattern pattern;
        if (entry->kind != RV_SELECT_STREAMS || entry->history != RV_HISTORY_ALL ||
            rv_path_pattern_parse(entry->name, &pattern, NULL) != RV_OK ||
            !holds(s->shared->node, &pattern)) {
            return refuse(entry->name, err);
        }
    }
    return RV_OK;
}

/* True while this has to be asked again. */
static bool must_wait(rv_status status) {
    return status == RV_PENDING || status == RV_BUSY;
}

/* Is the root's hash at the edge's W what the edge says? */
static rv_status check_chain(rv_upstream *s, rv_error *err) {
    rv_node *const node = s->shared->node;
    uint64_t own = s->chain_hash;
    if (s->watermark == 0) {
        return RV_OK;
    }
    if (s->watermark > rv_node_watermark_durable(node)) {
        return RV_PENDING;
    }
    const rv_status status = rv_log_chain_at(rv_node_log(node), s->watermark, &own, err);
    if (status != RV_OK && status != RV_END) {
        return status;
    }
    if (status == RV_OK && own != s->chain_hash) {
        (void)rv_error_set(err, RV_UPSTREAM_DIVERGED,
                           "the histories of edge and gateway differ at position %u; give the "
                           "edge a new data directory",
                           s->watermark);
        rv_error_fact_uint(err, "edge_position", s->watermark);
        return RV_UPSTREAM_DIVERGED;
    }
    return RV_OK;
}

bool rv_upstream_gateway_lineage(rv_upstream *s) {
    rv_error error = {.status = RV_OK};
    uint64_t next = 0;
    RV_ASSERT(s->lineage_owed && s->state == RV_UPSTREAM_LIVE);
    rv_status status = check_chain(s, &error);
    if (status == RV_OK) {
        status =
            rv_log_find_position(rv_node_log(s->shared->node), s->watermark + 1, &next, &error);
        status = status == RV_END ? RV_OK : status; /* nothing above: `next` is what comes */
    }
    if (must_wait(status)) {
        return false;
    }
    if (status != RV_OK) {
        (void)rv_upstream_fail(s, &error);
        return false;
    }
    s->lineage_owed = false;
    s->after = next;
    rv_upstream_subscribe(s, next);
    return true;
}

void rv_upstream_gateway_watch(rv_upstream *s) {
    RV_ASSERT(s->used);
    if (s->state == RV_UPSTREAM_LIVE && rv_node_selection_swaps(s->shared->node) != s->swaps) {
        rv_error error = {.status = RV_OK};
        (void)rv_error_set(&error, RV_BUSY, "what this gateway holds has changed: connect again");
        (void)rv_upstream_fail(s, &error);
    }
}
