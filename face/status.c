/* SPDX-License-Identifier: Apache-2.0 */
/* What a node says about itself: GET /status, `rivulet status`. */
#include "core/engine/epoch.h"
#include "core/engine/keys.h"
#include "core/engine/rewind.h"
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/engine/relay.h"

static void member(rv_writer *w, const char *name) {
    rv_write_text(w, w->ptr[w->len - 1] == '{' ? "\"" : ",\"");
    rv_write_text(w, name);
    rv_write_text(w, "\":");
}

static void member_uint(rv_writer *w, const char *name, uint64_t value) {
    member(w, name);
    rv_write_uint(w, value);
}

static void member_text(rv_writer *w, const char *name, const char *value) {
    member(w, name);
    rv_write_json_string(w, rv_bytes_of_string(value));
}

static void member_uuid(rv_writer *w, const char *name, const uint8_t *id) {
    member(w, name);
    rv_write_u8(w, '"');
    rv_write_uuid(w, id);
    rv_write_u8(w, '"');
}

static void member_hash(rv_writer *w, const char *name, rv_hash128 hash) {
    member(w, name);
    rv_write_u8(w, '"');
    rv_hash128_write(hash, w);
    rv_write_u8(w, '"');
}

/* When the epoch began, and edges that follow another history than this root's. */
static void write_epoch(const rv_node *node, rv_writer *w) {
    const rv_stranger stranger = rv_node_stranger(node);
    rv_epoch epoch;
    if (rv_node_epoch(node, &epoch)) {
        member_uint(w, "epoch_position", epoch.position);
        member(w, "epoch_began_at");
        rv_event_time_to_json(epoch.began_at, w);
    }
    if (stranger.count > 0) {
        member(w, "diverged_edges");
        rv_write_u8(w, '{');
        member_uint(w, "met", stranger.count);
        member_uint(w, "epoch", stranger.epoch);
        member_uint(w, "position", stranger.position);
        rv_write_u8(w, '}');
    }
}

/* What going back in its history did to an edge, the last time. */
static void write_rewound(const rv_node *node, rv_writer *w) {
    rv_rewound facts;
    if (!rv_node_rewound(node, &facts)) {
        return;
    }
    member(w, "diverged");
    rv_write_u8(w, '{');
    member_uint(w, "epoch", facts.epoch);
    member_uint(w, "from", facts.from);
    member_uint(w, "to", facts.to);
    member_uint(w, "dropped", facts.dropped);
    member_uint(w, "requeued", facts.requeued);
    member(w, "at");
    rv_event_time_to_json(facts.at, w);
    rv_write_u8(w, '}');
}

/* How often this edge was found to be a copy of one that has gone on, and when the last time. */
static void write_forked(const rv_node *node, rv_writer *w) {
    rv_forked forked;
    if (!rv_node_forked(node, &forked)) {
        return;
    }
    member(w, "forked");
    rv_write_u8(w, '{');
    member_uint(w, "count", forked.count);
    member(w, "at");
    rv_event_time_to_json(forked.at, w);
    rv_write_u8(w, '}');
}

static void write_identity(const rv_node *node, rv_writer *w) {
    const rv_log_identity *identity = rv_node_identity(node);
    member_text(w, "role", rv_node_role(node) == RV_ROLE_ROOT ? "root" : "edge");
    if (identity == NULL) {
        member(w, "log_id");
        rv_write_text(w, "null");
        return;
    }
    member_uuid(w, "log_id", identity->log_id);
    member_uint(w, "epoch", identity->epoch);
    write_epoch(node, w);
    write_rewound(node, w);
    write_forked(node, w);
    member_uuid(w, "node_id", identity->node_id);
}

static void write_progress(const rv_face *face, rv_writer *w) {
    rv_node *const node = face->options.node;
    member_uint(w, "position", rv_node_watermark(node));
    member_uint(w, "sequence", rv_node_sequence(node));
    member_uint(w, "durable_sequence", rv_node_sequence_durable(node));
    if (rv_node_role(node) != RV_ROLE_ROOT) {
        member_uint(w, "synced_to", rv_node_watermark_durable(node));
        member(w, "selection");
        face_write_selection(rv_node_selection(node), w);
        if (!rv_selection_equal(rv_node_selection(node), rv_node_selection_wanted(node))) {
            member(w, "selection_wanted");
            face_write_selection(rv_node_selection_wanted(node), w);
        }
        member(w, "past");
        face_write_past(face, w);
        member(w, "purge");
        face_write_purge(face, w);
        member(w, "whole");
        rv_write_text(w, face_is_whole(node) ? "true" : "false");
    }
}

/* How many rows there are is told of aggregates that may be read. */
static void write_contents(const rv_exchange *x, rv_writer *w) {
    rv_node *const node = x->face->options.node;
    const rv_schema *schema = rv_node_schema(node);
    bool first = true;
    RV_ASSERT(x->used);
    const rv_state *state = rv_node_state(node);
    member_uint(w, "schema_version", rv_schema_version(schema));
    member_hash(w, "schema_hash", rv_schema_hash(schema));
    if (rv_node_provisional(node)) {
        member(w, "provisional");
        rv_write_text(w, "true");
    }
    member(w, "aggregates");
    rv_write_u8(w, '{');
    for (uint16_t i = 0; i < rv_schema_aggregate_count(schema); i++) {
        const rv_bytes name = rv_schema_aggregate(schema, i)->name;
        if (face_require(x, FACE_ROWS, name, NULL) != RV_OK) {
            continue;
        }
        rv_write_text(w, first ? "" : ",");
        rv_write_json_string(w, name);
        rv_write_u8(w, ':');
        rv_write_uint(w, rv_state_row_count(state, i));
        first = false;
    }
    rv_write_u8(w, '}');
    member_uint(w, "streams", rv_state_stream_count(state));
}

/* The index is a cache of what the log says: what is wrong with it is told, and mended. */
static void write_index(const rv_log *log, rv_writer *w) {
    const rv_log_index_facts facts = rv_log_index_facts_of(log);
    member(w, "index");
    rv_write_u8(w, '{');
    member_uint(w, "runs", facts.runs);
    member_uint(w, "bytes", facts.bytes);
    member_uint(w, "indexed", facts.indexed);
    member_uint(w, "damaged", facts.damaged);
    if (facts.damaged > 0) {
        member(w, "damaged_file");
        rv_write_json_string(w, facts.damaged_file);
    }
    member_uint(w, "failures", facts.failures);
    rv_write_u8(w, '}');
}

static void write_resources(rv_node *node, rv_writer *w) {
    const rv_log *log = rv_node_log(node);
    const rv_state_usage usage = rv_state_usage_of(rv_node_state(node));
    member(w, "log");
    rv_write_u8(w, '{');
    member_uint(w, "bytes", rv_log_bytes(log));
    member_uint(w, "segments", rv_log_segment_count(log));
    rv_bytes kept_in;
    member_uint(w, "bytes_cut", rv_log_cut(log, &kept_in));
    rv_write_u8(w, '}');
    write_index(log, w);
    member(w, "memory");
    rv_write_u8(w, '{');
    rv_memory_class class;
    size_t sum = 0;
    for (uint32_t i = 0; rv_node_memory(node, i, &class); i++) {
        sum += class.bytes;
    }
    member_uint(w, "bytes", sum);
    member_uint(w, "page_size", RV_PAGE_SIZE);
    member_uint(w, "pages_used", usage.pages_used);
    member_uint(w, "pages_total", usage.pages_total);
    member(w, "classes");
    rv_write_u8(w, '{');
    for (uint32_t i = 0; rv_node_memory(node, i, &class); i++) {
        member(w, class.name);
        rv_write_u8(w, '{');
        member_uint(w, "bytes", class.bytes);
        member_uint(w, "used", class.used);
        member_uint(w, "used_max", class.used_max);
        rv_write_u8(w, '}');
    }
    rv_write_text(w, "}}");
}

static void member_error(rv_writer *w, const char *name, const rv_error *error) {
    member(w, name);
    if (error->status == RV_OK) {
        rv_write_text(w, "null");
        return;
    }
    rv_write_u8(w, '{');
    rv_error_write_members(error, w);
    rv_write_u8(w, '}');
}

static void write_checkpoint(const rv_node *node, rv_writer *w) {
    static const char *const opened[] = {"nothing", "replay", "checkpoint"};
    const rv_node_checkpoint *const facts = rv_node_checkpoint_of(node);
    member(w, "checkpoint");
    rv_write_u8(w, '{');
    member_text(w, "opened_by", opened[facts->opened_by]);
    member_error(w, "passed_over", &facts->passed_over);
    member(w, "position");
    if (facts->number == 0) {
        rv_write_text(w, "null");
    } else {
        rv_write_uint(w, facts->position);
        member_uint(w, "events_behind", rv_node_sequence(node) - facts->sequence);
        member_uint(w, "bytes", facts->bytes);
    }
    member(w, "writing");
    rv_write_text(w, facts->writing ? "true" : "false");
    member_error(w, "failure", &facts->failure);
    member_uint(w, "kept", facts->kept);
    member_error(w, "kept_passed_over", &facts->kept_passed_over);
    rv_write_u8(w, '}');
}

/* Queries that take more than one turn, and live ones: how many, and how often one was answered
 * again. */
static void write_queries(const rv_face *face, rv_writer *w) {
    uint64_t open = 0;
    uint64_t live = 0;
    for (uint32_t i = 0; i < face->exchange_count; i++) {
        const rv_exchange *const x = &face->exchanges[i];
        open += x->used && x->query != NULL;
        live += x->used && x->kind == EXCHANGE_LIVE;
    }
    RV_ASSERT(open <= face->options.result_count);
    member_uint(w, "queries", open);
    member(w, "live");
    rv_write_text(w, "{\"open\":");
    rv_write_uint(w, live);
    rv_write_text(w, ",\"answers\":");
    rv_write_uint(w, face->answers);
    rv_write_u8(w, '}');
}

static void write_failure(const rv_node *node, rv_writer *w) {
    rv_error failure = {.status = RV_OK};
    failure.status = rv_node_failed(node, &failure);
    member_error(w, "read_only", &failure);
}

/* What this version does not understand, and what is stale for it. */
static void write_opaque(const rv_node *node, rv_writer *w) {
    const rv_schema *const schema = rv_node_schema(node);
    bool some = false;
    member_uint(w, "opaque_events", rv_node_opaque_events(node));
    member(w, "stale");
    rv_write_u8(w, '[');
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        uint64_t since = 0;
        if (rv_node_stale(node, a, &since)) {
            rv_write_text(w, some ? ",{" : "{");
            member(w, "aggregate");
            rv_write_json_string(w, rv_schema_aggregate(schema, a)->name);
            member_uint(w, "position", since);
            rv_write_u8(w, '}');
            some = true;
        }
    }
    rv_write_u8(w, ']');
}

/* What was written here and is not decided, or was refused and not acknowledged: batches. */
static void write_outbox(const rv_node *node, rv_writer *w) {
    const rv_outbox_facts facts = rv_node_outbox(node);
    RV_ASSERT(facts.suspended <= facts.pending);
    member(w, "outbox");
    rv_write_u8(w, '{');
    member_uint(w, "pending", facts.pending);
    member_uint(w, "suspended", facts.suspended);
    member_uint(w, "rejected", facts.rejections);
    if (facts.held_back > 0) {
        member_uint(w, "held_back", facts.held_back);
        member_uint(w, "unknown", facts.unknown);
    }
    member_uint(w, "edge_sequence", facts.next_sequence - 1);
    member_uint(w, "durable", facts.durable);
    member_uint(w, "settled", facts.settled);
    member_uint(w, "bytes", facts.bytes);
    member_uint(w, "bytes_max", facts.bytes_max);
    rv_write_u8(w, '}');
}

/* Of all aggregates that are told of. */
typedef struct lease_totals {
    uint64_t blocks;
    uint64_t keys;
} lease_totals;

static void begin_aggregate(rv_bytes name, rv_writer *w) {
    rv_write_text(w, w->ptr[w->len - 1] == '{' ? "" : ",");
    rv_write_json_string(w, name);
    rv_write_text(w, ":{");
}

/* An edge's keys: the blocks that have some left, of each aggregate at most RV_LEASES_HELD_MAX. */
static void write_keys(const rv_node *node, uint16_t aggregate, lease_totals *totals,
                       rv_writer *w) {
    rv_key_block held[RV_LEASES_HELD_MAX];
    const uint32_t count = rv_node_keys_held(node, aggregate, held);
    if (count == 0) {
        return;
    }
    const uint64_t left = rv_node_keys_left(node, aggregate);
    begin_aggregate(rv_schema_aggregate(rv_node_schema(node), aggregate)->name, w);
    member_uint(w, "keys_left", left);
    member(w, "held");
    rv_write_u8(w, '[');
    for (uint32_t i = 0; i < count; i++) {
        rv_write_text(w, i == 0 ? "{" : ",{");
        member_uint(w, "first", held[i].first);
        member_uint(w, "last", held[i].last);
        member_uint(w, "next", held[i].next);
        rv_write_u8(w, '}');
    }
    rv_write_text(w, "]}");
    totals->blocks += count;
    totals->keys += left;
}

/* What a root has leased of an aggregate. */
static void write_leased(const rv_node *node, uint16_t aggregate, lease_totals *totals,
                         rv_writer *w) {
    const rv_lease_sum sum = rv_node_lease_sum(node, aggregate);
    if (sum.last == 0) {
        return;
    }
    begin_aggregate(rv_schema_aggregate(rv_node_schema(node), aggregate)->name, w);
    member_uint(w, "blocks", sum.blocks);
    member_uint(w, "keys", sum.keys);
    member_uint(w, "last", sum.last);
    rv_write_u8(w, '}');
    totals->blocks += sum.blocks;
    totals->keys += sum.keys;
}

/* Serial keys that are leased, here or from here (SEMANTICS 25), of aggregates that may be read:
 * keys tell how many rows there are. */
static void write_leases(const rv_exchange *x, rv_writer *w) {
    const rv_node *const node = x->face->options.node;
    const rv_schema *const schema = rv_node_schema(node);
    const bool edge = rv_node_role(node) == RV_ROLE_EDGE;
    lease_totals totals = {.blocks = 0};
    if (rv_node_role(node) == RV_ROLE_STORED) {
        return; /* a log that is damaged from its beginning does not say whose it is */
    }
    member(w, "leases");
    rv_write_u8(w, '{');
    member(w, "aggregates");
    rv_write_u8(w, '{');
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a++) {
        if (face_require(x, FACE_ROWS, rv_schema_aggregate(schema, a)->name, NULL) == RV_OK) {
            if (edge) {
                write_keys(node, a, &totals, w);
            } else {
                write_leased(node, a, &totals, w);
            }
        }
    }
    rv_write_u8(w, '}');
    RV_ASSERT(totals.blocks <= totals.keys);
    member_uint(w, "blocks", totals.blocks);
    member_uint(w, edge ? "keys_left" : "keys", totals.keys);
    rv_write_u8(w, '}');
}

static void write_upstream(const rv_face *face, rv_writer *w) {
    static const char *const states[] = {"offline", "connecting", "connected", "error",
                                         "needs-auth"};
    rv_edge_status status;
    rv_edge_status_of(face->options.edge, &status);
    const uint64_t held = rv_node_watermark_durable(face->options.node);
    member(w, "upstream");
    rv_write_u8(w, '{');
    member_text(w, "state", states[status.state]);
    member_error(w, "reason", &status.reason);
    member(w, "principal");
    if (status.principal.len == 0) {
        rv_write_text(w, "null");
    } else {
        rv_write_json_string(w, status.principal);
    }
    member(w, "other_principal");
    rv_write_text(w, status.held_by_principal ? "true" : "false");
    member(w, "stopped");
    rv_write_text(w, status.stopped ? "true" : "false");
    member_uint(w, "position", status.upstream_position);
    member_uint(w, "lag", status.upstream_position > held ? status.upstream_position - held : 0);
    member_uint(w, "bytes_received", status.bytes_received);
    member_uint(w, "bytes_sent", status.bytes_sent);
    member_uint(w, "events_received", status.events_received);
    member(w, "takes_pushes");
    rv_write_text(w, status.pushes ? "true" : "false");
    member(w, "gateway");
    rv_write_text(w, status.gateway ? "true" : "false");
    member_uint(w, "relayed", status.relayed);
    rv_write_u8(w, '}');
}

/* Edges that are connected here, and at a gateway what it keeps of what they push. */
static void write_serves(const rv_face *face, rv_writer *w) {
    member(w, "serves");
    rv_write_u8(w, '{');
    member_uint(w, "edges", rv_upstream_count(face->options.upstream));
    if (rv_node_role(face->options.node) == RV_ROLE_EDGE) {
        const rv_relay_facts facts = rv_node_relay_facts(face->options.node);
        rv_error why;
        member(w, "relayed");
        rv_write_u8(w, '{');
        member_uint(w, "waiting", facts.pushes);
        member_uint(w, "edges", facts.edges);
        member_uint(w, "bytes", facts.bytes);
        rv_upstream_held(face->options.upstream, &why);
        member_error(w, "reason", &why);
        rv_write_u8(w, '}');
    }
    rv_write_u8(w, '}');
}

/* Of all pages that have changed since it was asked for last, so it takes its time. */
static void write_hashes(rv_node *node, const rv_face_hashes *hashes, rv_writer *w) {
    if (hashes->state) {
        member_hash(w, "state_hash", rv_node_state_hash(node));
    }
    if (hashes->pattern_count > 0) {
        member_hash(w, "selection_hash",
                    rv_node_state_hash_selected(node, hashes->patterns, hashes->pattern_count));
    }
}

void face_write_status(const rv_exchange *x, const rv_face_hashes *hashes, rv_writer *w) {
    RV_ASSERT(w->len < w->cap);
    rv_face *const face = x->face;
    rv_node *node = face->options.node;
    rv_write_u8(w, '{');
    member_text(w, "version", face->options.version);
    write_identity(node, w);
    write_progress(face, w);
    write_hashes(node, hashes, w);
    write_contents(x, w);
    write_resources(node, w);
    write_checkpoint(node, w);
    write_opaque(node, w);
    write_failure(node, w);
    write_queries(face, w);
    if (rv_node_role(node) == RV_ROLE_EDGE) {
        write_outbox(node, w);
    }
    write_leases(x, w);
    if (face->options.edge != NULL) {
        write_upstream(face, w);
    }
    if (face->options.upstream != NULL) {
        write_serves(face, w);
    }
    rv_write_text(w, "}\n");
}
