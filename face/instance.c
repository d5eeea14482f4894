/* SPDX-License-Identifier: Apache-2.0 */
#include "face/instance.h"

#include "core/base/assert.h"

#define SQL_SLACK ((size_t)128 * 1024)

/* SQL, in a build that has it. */
static rv_status sql_open(rv_instance *in, rv_arena *arena, rv_error *err) {
    RV_ASSERT(in->sql == NULL);
    if (in->budget.sql == 0) {
        return RV_OK;
    }
    RV_ASSERT(in->budget.sql > SQL_SLACK);
    const rv_sql_options options = {.schema = rv_node_schema(in->node),
                                    .state = rv_node_state(in->node),
                                    .node = in->node,
                                    .memory = in->budget.sql - SQL_SLACK,
                                    .steps_max = in->options.sql_steps_max,
                                    .steps_slice =
                                        in->options.sql_steps_max > 0 ? RV_SQL_STEPS_SLICE : 0};
    return rv_sql_create(&in->sql, &options, arena, err);
}

static rv_status sync_open(rv_instance *in, rv_arena *arena, rv_error *err) {
    const rv_budget *const b = &in->budget;
    rv_status status = RV_OK;
    if (b->edge > 0) {
        rv_arena part = rv_arena_split(arena, b->edge);
        uint64_t seed = 0;
        const rv_host host = in->options.host;
        host.ops->entropy(host.ctx, (uint8_t *)&seed, sizeof seed);
        const rv_edge_options edge = {in->node, in->options.compression, seed};
        status = rv_edge_create(&in->edge, &edge, &part, err);
    }
    if (status == RV_OK && b->upstream > 0) {
        rv_arena part = rv_arena_split(arena, b->upstream);
        const rv_upstream_options upstream = {.node = in->node,
                                              .compression = in->options.compression,
                                              .connections_max = in->options.budget.edges_max,
                                              .edge = in->edge,
                                              .digest = in->options.digest};
        status = rv_upstream_shared_create(&in->upstream, &upstream, &part, err);
    }
    return status;
}

/* SQL, sync and face, over an open node, in the rest of the memory. */
static rv_status parts_open(rv_instance *in, rv_error *err) {
    RV_ASSERT(in->node != NULL);
    RV_ASSERT(in->face == NULL);
    const rv_budget *const b = &in->budget;
    rv_arena arena = rv_arena_over((uint8_t *)in->options.memory + b->node, b->total - b->node);
    rv_arena part = rv_arena_split(&arena, b->sql);
    rv_status status = sql_open(in, &part, err);
    if (status == RV_OK) {
        status = sync_open(in, &arena, err);
    }
    if (status == RV_OK) {
        part = rv_arena_split(&arena, b->face);
        const rv_face_options face = {
            .node = in->node,
            .sql = in->sql,
            .edge = in->edge,
            .upstream = in->upstream,
            .exchanges_max = b->exchanges_max,
            .result_count = b->result_count,
            .result_len_max = b->result_len_max,
            .version = RV_VERSION_TEXT,
            .guard = in->options.guard,
            .digest = in->options.digest,
            .past = {.memory = in->options.past_memory,
                     .ctx = in->options.past_ctx,
                     .memory_size = b->total,
                     .events_max = in->options.past_events_max,
                     .sql_steps_max = in->options.sql_steps_max},
        };
        status = rv_face_create(&in->face, &face, &part, err);
    }
    return status;
}

rv_status rv_instance_create(rv_instance *instance, const rv_instance_options *options,
                             rv_error *err) {
    RV_ASSERT(options->memory != NULL);
    *instance = (rv_instance){.options = *options};
    rv_status status = rv_budget_split(&instance->budget, &options->budget, err);
    if (status == RV_OK) {
        const rv_node_options node = {
            .host = options->host,
            .memory = options->memory,
            .memory_size = instance->budget.node,
            .role = options->role,
            .patterns = options->patterns,
            .pattern_count = options->pattern_count,
        };
        status = rv_node_create(&instance->node, &node, err);
    }
    instance->options.patterns = NULL;
    instance->options.pattern_count = 0;
    return status;
}

rv_status rv_instance_open(rv_instance *instance, rv_error *err) {
    RV_ASSERT(instance->node != NULL);
    RV_ASSERT(instance->face == NULL);
    rv_error cause;
    const rv_status status = rv_node_open(instance->node, &cause);
    if (status == RV_DATA_DAMAGED || status == RV_PANICKED) {
        instance->damage = cause;
    } else if (status != RV_OK) {
        if (status != RV_PENDING && err != NULL) {
            *err = cause;
        }
        return status;
    }
    return parts_open(instance, err);
}

rv_status rv_instance_close(rv_instance *instance, rv_error *err) {
    RV_ASSERT(instance->node != NULL);
    RV_ASSERT(instance->face != NULL);
    return rv_node_close(instance->node, err);
}

void rv_instance_unused(const rv_instance *instance, rv_unused *unused) {
    RV_ASSERT(instance->node != NULL);
    RV_ASSERT(instance->face != NULL);
    rv_node_unused(instance->node, unused);
    rv_face_unused(instance->face, unused);
    if (instance->edge != NULL) {
        rv_edge_unused(instance->edge, unused);
    }
    if (instance->upstream != NULL) {
        rv_upstream_unused(instance->upstream, unused);
    }
}

void rv_instance_forget(rv_instance *instance) {
    RV_ASSERT(instance != NULL);
    if (instance->face != NULL) {
        rv_face_close(instance->face);
    }
    if (instance->sql != NULL) {
        rv_sql_destroy(instance->sql);
    }
    *instance = (rv_instance){0};
}
