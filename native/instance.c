/* SPDX-License-Identifier: Apache-2.0 */
#include "native/instance.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static rv_status memory_map(rv_instance *in, rv_error *err) {
    RV_ASSERT(in->memory == NULL);
    RV_ASSERT(in->budget.total > 0);
    void *const memory =
        mmap(NULL, in->budget.total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the system does not give %u bytes: %s",
                            (uint64_t)in->budget.total, strerror(errno));
    }
    in->memory = memory;
    return RV_OK;
}

/* Creates the node in its part of the memory, and opens it. */
static rv_status node_open(rv_instance *in, const rv_instance_options *options, rv_error *err) {
    RV_ASSERT(in->posix != NULL);
    RV_ASSERT(in->memory != NULL);
    const rv_node_options node = {
        .host = rv_posix_interface(in->posix),
        .memory = in->memory,
        .memory_size = in->budget.node,
        .role = options->role,
        .patterns = options->patterns,
        .pattern_count = options->pattern_count,
    };
    rv_status status = rv_node_create(&in->node, &node, err);
    if (status != RV_OK) {
        in->node = NULL;
        return status;
    }
    while ((status = rv_node_open(in->node, err)) == RV_PENDING) {
        if (rv_node_poll(in->node, err) != RV_OK) {
            break;
        }
    }
    if (status == RV_DATA_DAMAGED) {
        in->damage = *err;
        status = RV_OK;
    }
    return status;
}

/* SQL, sync and face, over an open node, in the rest of the memory. */
static rv_status parts_open(rv_instance *in, bool serving, rv_error *err) {
    RV_ASSERT(in->node != NULL);
    const rv_budget *const b = &in->budget;
    rv_arena arena = rv_arena_over((uint8_t *)in->memory + b->node, b->total - b->node);
    rv_arena part = rv_arena_split(&arena, b->sql);
    const rv_sql_options sql = {.schema = rv_node_schema(in->node),
                                .state = rv_node_state(in->node),
                                .memory = b->sql - 128 * 1024,
                                .steps_max = serving ? RV_SQL_STEPS_MAX : 0};
    rv_status status = rv_sql_create(&in->sql, &sql, &part, err);
    if (status == RV_OK && b->edge > 0) {
        part = rv_arena_split(&arena, b->edge);
        uint64_t seed = 0;
        const rv_host host = rv_posix_interface(in->posix);
        host.ops->entropy(host.ctx, (uint8_t *)&seed, sizeof seed);
        const rv_edge_options edge = {in->node, rv_deflate_interface(in->deflate), seed};
        status = rv_edge_create(&in->edge, &edge, &part, err);
    }
    if (status == RV_OK && serving) {
        part = rv_arena_split(&arena, b->upstream);
        const rv_upstream_options upstream = {in->node, rv_deflate_interface(in->deflate),
                                              RV_SYNC_CONNECTIONS_MAX};
        status = rv_upstream_shared_create(&in->upstream, &upstream, &part, err);
    }
    if (status == RV_OK) {
        part = rv_arena_split(&arena, b->face);
        const rv_face_options face = {
            .node = in->node,
            .sql = in->sql,
            .edge = in->edge,
            .exchanges_max = b->exchanges_max,
            .result_count = b->result_count,
            .result_len_max = b->result_len_max,
            .version = RV_VERSION_TEXT,
        };
        status = rv_face_create(&in->face, &face, &part, err);
    }
    return status;
}

static void instance_free(rv_instance *in) {
    if (in->sql != NULL) {
        rv_sql_destroy(in->sql);
    }
    rv_posix_close(in->posix);
    rv_deflate_destroy(in->deflate);
    if (in->memory != NULL) {
        const int failed = munmap(in->memory, in->budget.total);
        RV_ASSERT(failed == 0);
    }
    *in = (rv_instance){0};
}

static rv_status directory_check(const rv_instance_options *options, rv_error *err) {
    RV_ASSERT(options->directory != NULL);
    struct stat st;
    if (!options->create && stat(options->directory, &st) != 0 && errno == ENOENT) {
        return rv_error_set(err, RV_DATA_NOT_FOUND, "there is no data directory %s",
                            options->directory);
    }
    return RV_OK;
}

rv_status rv_instance_open(rv_instance *instance, const rv_instance_options *options,
                           rv_error *err) {
    RV_ASSERT(instance != NULL);
    RV_ASSERT(options != NULL);
    *instance = (rv_instance){0};
    const rv_budget_options budget = {
        .total = options->memory,
        .edge = options->role == RV_ROLE_EDGE && options->serving,
        .serving = options->serving,
    };
    rv_status status = rv_budget_split(&instance->budget, &budget, err);
    if (status == RV_OK) {
        status = directory_check(options, err);
    }
    if (status == RV_OK) {
        status = memory_map(instance, err);
    }
    if (status == RV_OK) {
        status = rv_deflate_create(&instance->deflate, err);
    }
    if (status == RV_OK) {
        status = rv_posix_open(options->directory, NULL, &instance->posix, err);
    }
    if (status == RV_OK) {
        status = node_open(instance, options, err);
    }
    if (status == RV_OK) {
        status = parts_open(instance, options->serving, err);
    }
    if (status != RV_OK) {
        instance_free(instance);
    }
    return status;
}

rv_status rv_instance_close(rv_instance *instance, bool abandon, rv_error *err) {
    RV_ASSERT(instance != NULL);
    RV_ASSERT(instance->node != NULL);
    rv_status status = RV_END;
    if (!abandon && instance->damage.status == RV_OK) {
        while ((status = rv_node_close(instance->node, err)) == RV_PENDING) {
            status = rv_node_poll(instance->node, err);
            if (status != RV_OK) {
                break;
            }
        }
    }
    instance_free(instance);
    return status == RV_END || status == RV_OK ? RV_OK : status;
}
