/* SPDX-License-Identifier: Apache-2.0 */
#include "core/live/guide.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

void rv_guide_begin(rv_guide *guide, const rv_guide_options *options) {
    const uint32_t near = options->near > 0 ? options->near : RV_GUIDE_NEAR;
    const uint32_t look = options->look > 0 ? options->look : RV_GUIDE_LOOK;
    guide->options = (rv_guide_options){.near = near, .look = look};
    guide->compares = false;
    guide->compared = 0;
    guide->count = 0;
    guide->many = false;
    guide->ask_at = 0;
}

void rv_guide_again(rv_guide *guide) {
    RV_ASSERT(guide->count <= RV_GUIDE_STREAMS);
    guide->compares = false;
    guide->ask_at = 0;
    for (uint32_t i = 0; i < guide->count; i++) {
        guide->versions[i] = 1;
        guide->next[i] = 0;
        guide->passed[i] = 0;
    }
}

/* --- which streams --- */

static void add(rv_guide *g, uint32_t stream) {
    for (uint32_t i = 0; i < g->count; i++) {
        if (g->streams[i] == stream) {
            return;
        }
    }
    g->many = g->count == RV_GUIDE_STREAMS;
    if (!g->many) {
        g->streams[g->count] = stream;
        g->versions[g->count] = 1;
        g->next[g->count] = 0;
        g->passed[g->count] = 0;
        g->count += 1;
    }
    RV_ASSERT(g->count <= RV_GUIDE_STREAMS);
}

static bool all_concrete(const rv_subscription *s) {
    RV_ASSERT(s->pattern_count > 0);
    bool concrete = s->pattern_count < RV_GUIDE_STREAMS;
    for (size_t i = 0; i < s->pattern_count && concrete; i++) {
        concrete = rv_path_pattern_is_concrete(&s->patterns[i]);
    }
    return concrete;
}

/* By their paths, all of them: each names one. */
static void look_up(rv_guide *g, const rv_subscription *s, uint32_t confirmed) {
    const rv_state *const state = s->node->state;
    uint32_t stream = 0;
    RV_ASSERT(g->compared < confirmed);
    for (size_t i = 0; i < s->pattern_count; i++) {
        if (rv_state_stream_find(state, s->patterns[i].text, &stream) && stream < confirmed) {
            add(g, stream);
        }
    }
    if (s->system && rv_state_stream_find(state, RV_LITERAL(RV_SYSTEM_SCHEMA_PATH), &stream) &&
        stream < confirmed) {
        add(g, stream);
    }
    g->compared = confirmed;
}

/* True when all streams of the node were compared with the patterns. False: it takes another look
 * (`compares`), or does not pay. `span`: events to pass. */
static bool find_streams(rv_guide *g, const rv_subscription *s, uint64_t span) {
    const uint32_t confirmed = rv_node_streams_confirmed(s->node);
    if (g->compared > confirmed) {
        const rv_guide_options options = g->options;
        rv_guide_begin(g, &options); /* the node has gone back */
    }
    if (g->compared < confirmed && all_concrete(s)) {
        look_up(g, s, confirmed);
    }
    if (confirmed - g->compared > span) {
        return false;
    }
    for (uint32_t i = 0; i < g->options.look && g->compared < confirmed && !g->many; i++) {
        rv_bytes path;
        if (rv_subscription_selects(s, g->compared, &path)) {
            add(g, g->compared);
        }
        g->compared += 1;
    }
    g->compares = g->compared < confirmed && !g->many;
    return g->compared == confirmed && !g->many;
}

/* --- where --- */

/* The sequence of the next event of one of them; UINT64_MAX: there is none that is durable.
 * RV_END: the index lacks what there is. */
static rv_status find_next(rv_guide *g, const rv_subscription *s, uint32_t i, uint64_t *next,
                           rv_error *err) {
    const uint64_t from = s->next_sequence;
    rv_stream_head head;
    rv_state_stream(s->node->state, g->streams[i], &head);
    *next = UINT64_MAX;
    if (g->next[i] >= from) {
        *next = g->next[i];
        return RV_OK;
    }
    if (head.last_sequence < from) {
        return RV_OK;
    }
    rv_log_stream_cursor cursor = rv_log_stream_from(g->streams[i], g->versions[i]);
    cursor.sequence = from > head.first_sequence ? from : head.first_sequence;
    cursor.sequence = cursor.sequence > g->passed[i] ? cursor.sequence : g->passed[i];
    rv_log_sequences found = {.list = &g->next[i], .cap = 1};
    const rv_status status = rv_log_find_versions(s->node->log, &cursor, &found, err);
    g->versions[i] = cursor.version; /* what was looked at is not again, if it takes some calls */
    g->passed[i] = cursor.sequence;
    if (status == RV_OK) {
        *next = g->next[i];
    }
    RV_ASSERT(*next >= from);
    return status == RV_END && head.last_sequence > rv_node_sequence_durable(s->node) ? RV_OK
                                                                                      : status;
}

rv_status rv_guide_next(rv_guide *g, const rv_subscription *s, uint64_t end, uint64_t *next,
                        rv_error *err) {
    const uint64_t from = s->next_sequence;
    uint64_t least = end;
    RV_ASSERT(s->pattern_count > 0 && end <= rv_node_sequence_durable(s->node));
    *next = from;
    g->compares = false;
    if (g->many || from < g->ask_at || end < from || end - from < g->options.near) {
        return RV_OK;
    }
    if (!find_streams(g, s, end - from)) {
        return g->compares ? RV_PENDING : RV_OK;
    }
    rv_status status = RV_OK;
    for (uint32_t i = 0; i < g->count && status == RV_OK; i++) {
        uint64_t one = 0;
        status = rv_log_indexed_from(s->node->log, from) ? find_next(g, s, i, &one, err) : RV_END;
        least = status == RV_OK && one < least ? one : least;
    }
    if ((status == RV_PENDING || status == RV_BUSY) && rv_log_indexed_from(s->node->log, from)) {
        return status;
    }
    if (status == RV_OK && least - from >= g->options.near) {
        *next = least;
    } else if (least > from) {
        g->ask_at = from + g->options.near;
    }
    return RV_OK;
}
