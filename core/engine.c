/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a node: its memory, opening, polling, closing, and the facts about it. Replay is in
 * engine/replay.c, appending in engine/append.c, receiving from an upstream in engine/receive.c.
 *
 *     created -> recovering -> open -> closing -> closed
 *
 * A log that is damaged, or whose events this version cannot fold, leaves the node open and
 * read-only with `failure` saying why; so does a write or flush that fails.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"
#include "core/state/revisions.h"

/* Shares of the memory budget. What they leave is the state's pages. */
#define SHARE_BATCH         32 /* largest batch: budget / 32, at most RV_BATCH_LEN_MAX */
#define BATCH_UNIT          ((size_t)1 << 20) /* so budgets that differ little read alike */
#define SHARE_SCHEMA        32
#define SCHEMA_MIN          ((size_t)256 << 10) /* some thirty declarations, and parsing one */
#define SHARE_JOURNAL       8 /* a creation takes some 670 bytes of it, an update some 150 */
#define SHARE_SNAPSHOTS     16
#define SHARE_LEDGER        32 /* some 4,000 small events that wait, of 64 MiB */
#define LEDGER_MIN          ((size_t)64 << 10)
#define LEDGER_MAX          ((size_t)1 << 30)
#define READ_SLOTS          4
#define PAGE_SHARE_OVERHEAD 64 /* of the page memory: what the state needs beside pages */
#define SEGMENT_SIZE        (UINT64_C(64) << 20)
#define EXTENT_SIZE         (UINT64_C(4) << 20)
#define INDEX_SHARE         4096 /* of the budget for each event of a new index run: a 16th */
#define BLOCK_SHARE         (256 << 10) /* of the budget for each block of index runs in memory */

static rv_status out_of_memory(rv_error *err) {
    return rv_error_set(
        err, RV_MEMORY_EXHAUSTED,
        "the memory budget does not suffice to open a node; give it at least %u bytes",
        (uint64_t)RV_MEMORY_MIN);
}

/* What was taken from the arena since the last share is this one. */
static void share_take(rv_node *node, rv_memory_share share, const rv_arena *arena) {
    size_t before = 0;
    for (unsigned i = 0; i < RV_MEMORY_SHARES; i++) {
        before += node->shares[i];
    }
    RV_ASSERT(arena->len >= before && node->shares[share] == 0);
    node->shares[share] = arena->len - before;
}

/* A power of two. */
static uint32_t index_events(size_t budget) {
    uint32_t events = RV_INDEX_EVENTS_MIN;
    while (events < RV_INDEX_EVENTS_MAX && (size_t)events * 2 * INDEX_SHARE <= budget) {
        events *= 2;
    }
    RV_ASSERT(events <= RV_INDEX_EVENTS_MAX);
    return events;
}

static rv_status create_log(rv_node *node, size_t budget, rv_arena *arena, rv_error *err) {
    const size_t blocks = budget / BLOCK_SHARE;
    const rv_log_options options = {
        .host = node->host,
        .write_buffer_size = 2 * node->batch_len_max + 4096,
        .batch_len_max = node->batch_len_max,
        .read_slot_count = READ_SLOTS,
        .segment_size = SEGMENT_SIZE,
        .extent_size =
            node->batch_len_max < EXTENT_SIZE / 2 ? 2 * node->batch_len_max : EXTENT_SIZE,
        .index_events = index_events(budget),
        .index_blocks = blocks < RV_INDEX_BLOCKS_MAX ? (uint32_t)blocks : RV_INDEX_BLOCKS_MAX,
    };
    return rv_log_create(&node->log, &options, arena, err);
}

static rv_status create_state(rv_node *node, size_t budget, rv_arena *arena, rv_error *err) {
    uint64_t key = 0;
    node->host.ops->entropy(node->host.ctx, (uint8_t *)&key, sizeof key);
    const size_t journal = budget / SHARE_JOURNAL;
    const size_t snapshots = budget / SHARE_SNAPSHOTS;
    const size_t fixed = journal + snapshots + rv_checkpoints_memory(budget);
    const size_t left = arena->cap - arena->len;
    RV_ASSERT(left >= 2 * fixed); /* of RV_MEMORY_MIN and more */
    const size_t pages = left - fixed - (left - fixed) / PAGE_SHARE_OVERHEAD;
    const rv_state_options options = {
        .schema = node->schema,
        .hash_key = key,
        .page_memory = pages,
        .journal_memory = journal,
        .snapshot_memory = snapshots,
    };
    const rv_status status = rv_state_create(&node->state, &options, arena, err);
    share_take(node, RV_MEMORY_PAGES, arena);
    if (status == RV_OK) {
        node->shares[RV_MEMORY_JOURNAL] = journal;
        node->shares[RV_MEMORY_SNAPSHOTS] = snapshots;
        node->shares[RV_MEMORY_PAGES] -= journal + snapshots;
    }
    return status;
}

/* What a node has that writes a log. */
static rv_status create_writing(rv_node *node, size_t budget, rv_arena *arena, rv_error *err) {
    node->results = rv_arena_split(arena, 2 * node->batch_len_max);
    share_take(node, RV_MEMORY_RESULTS, arena);
    const size_t ledger = budget / SHARE_LEDGER;
    rv_status status = rv_ledger_create(&node->ledger,
                                        ledger < LEDGER_MIN   ? LEDGER_MIN
                                        : ledger > LEDGER_MAX ? LEDGER_MAX
                                                              : ledger,
                                        arena);
    status = status == RV_OK ? rv_outbox_create(node, arena) : status;
    share_take(node, RV_MEMORY_LEDGER, arena);
    status = status == RV_OK ? create_log(node, budget, arena, err) : status;
    share_take(node, RV_MEMORY_LOG, arena);
    return status;
}

/* Everything that is made anew when the node begins again, behind what stays. */
static rv_status build(rv_node *node, rv_error *err) {
    const size_t budget = node->memory_size;
    rv_arena arena = rv_arena_over(node->memory, budget);
    arena.len = node->shares[RV_MEMORY_NODE];
    node->batch_len_max =
        budget / SHARE_BATCH < RV_BATCH_LEN_MAX ? budget / SHARE_BATCH : RV_BATCH_LEN_MAX;
    if (node->batch_len_max > BATCH_UNIT) {
        node->batch_len_max -= node->batch_len_max % BATCH_UNIT;
    }
    node->event_len_max =
        node->batch_len_max / 2 < RV_EVENT_LEN_MAX ? node->batch_len_max / 2 : RV_EVENT_LEN_MAX;
    const size_t schema = budget / SHARE_SCHEMA;
    node->schema_arena = rv_arena_split(&arena, schema < SCHEMA_MIN ? SCHEMA_MIN : schema);
    share_take(node, RV_MEMORY_SCHEMA, &arena);
    node->scratch = rv_arena_split(&arena, node->batch_len_max);
    share_take(node, RV_MEMORY_SCRATCH, &arena);
    rv_status status = rv_schema_create(&node->schema, &node->schema_arena, err);
    if (status == RV_OK && !node->folds_only) {
        status = create_writing(node, budget, &arena, err);
    }
    if (status == RV_OK) {
        status = create_state(node, budget, &arena, err);
    }
    if (status == RV_OK) {
        node->checkpoints.log_growth = node->checkpoint_growth;
        node->checkpoints.kept_percent = node->kept_percent;
        rv_checkpoints_create(node, budget, &arena);
        share_take(node, RV_MEMORY_CHECKPOINT, &arena);
    }
    node->shares[RV_MEMORY_SPARE] = arena.cap - arena.len;
    return status;
}

rv_status rv_node_create(rv_node **out, const rv_node_options *options, rv_error *err) {
    RV_ASSERT(out != NULL && options != NULL && options->memory != NULL);
    const size_t budget = options->memory_size;
    if (budget < RV_MEMORY_MIN) {
        return out_of_memory(err);
    }
    rv_arena arena = rv_arena_over(options->memory, budget);
    rv_node *node = rv_arena_take(&arena, sizeof *node);
    RV_ASSERT(node != NULL);
    node->host = options->host;
    node->role = options->role;
    node->folds_only = options->folds_only;
    node->memory = options->memory;
    node->memory_size = budget;
    node->checkpoint_growth = options->checkpoint_growth;
    node->kept_percent = options->kept_percent > 0 ? options->kept_percent : RV_KEPT_PERCENT;
    node->panics.ops = (rv_ops){.host = node->host, .tickets = RV_PANICS_TICKETS};
    rv_status status = rv_held_create(&node->held, options, &arena, err);
    share_take(node, RV_MEMORY_NODE, &arena);
    status = status == RV_OK ? build(node, err) : status;
    *out = status == RV_OK ? node : NULL;
    return status;
}

void rv_node_rebuild(rv_node *node) {
    const rv_log *const log = node->log;
    const rv_state *const state = node->state;
    const rv_state_former former = rv_state_former_of(state);
    const uint64_t revision = node->outbox.revision + rv_log_appended(log) + 1;
    node->read_generation += rv_log_slots_taken(log); /* which the next log counts anew */
    const size_t from = offsetof(rv_node, phase);
    memset((uint8_t *)node + from, 0, sizeof *node - from);
    for (unsigned i = 0; i < RV_MEMORY_SHARES; i += 1) {
        node->shares[i] = i == RV_MEMORY_NODE ? node->shares[i] : 0;
    }
    node->read_generation += 1;
    rv_held_take_back(&node->held);
    const rv_status status = build(node, NULL);
    RV_ASSERT(status == RV_OK); /* as it was when the node was created */
    RV_ASSERT(node->log == log && node->state == state);
    rv_state_follow(node->state, former);
    node->outbox.revision = revision; /* it moves, for who looks at it */
    node->phase = RV_NODE_CREATED;
}

/* --- opening --- */

static rv_log_identity new_identity(const rv_node *node) {
    rv_log_identity identity = {.epoch = 1, .root = true};
    const rv_host *host = &node->host;
    host->ops->entropy(host->ctx, identity.log_id, sizeof identity.log_id);
    host->ops->entropy(host->ctx, identity.node_id, sizeof identity.node_id);
    identity.root_tag = rv_load_u64(identity.node_id) & ((UINT64_C(1) << RV_NODE_TAG_BITS) - 1);
    return identity;
}

static rv_role stored_role(const rv_node *node) {
    RV_ASSERT(rv_log_has_identity(node->log));
    return rv_log_identity_of(node->log)->root ? RV_ROLE_ROOT : RV_ROLE_EDGE;
}

/* What was recovered against what the node was opened as. */
static rv_status check_identity(rv_node *node, rv_error *err) {
    if (!rv_log_has_identity(node->log)) {
        if (node->role != RV_ROLE_EDGE) {
            const rv_log_identity identity = new_identity(node);
            rv_log_set_identity(node->log, &identity);
            node->role = RV_ROLE_ROOT;
        }
        return RV_OK;
    }
    const rv_role stored = stored_role(node);
    if (node->role != stored && node->role != RV_ROLE_STORED) {
        return rv_error_set(err, RV_NOT_ROOT,
                            stored == RV_ROLE_ROOT
                                ? "this data directory is a root's: it cannot have an upstream"
                                : "this data directory is an edge's: open it with its --upstream");
    }
    node->role = stored;
    return RV_OK;
}

rv_status rv_node_fail(rv_node *node, const rv_error *err) {
    RV_ASSERT(err->status != RV_OK);
    if (node->failure.status == RV_OK) {
        node->failure = *err;
    }
    return err->status;
}

/* The log, what it folds to, and what was begun and is to be finished first; which may be to begin
 * with another log. */
static rv_status recover(rv_node *node, rv_error *err) {
    rv_status status = rv_panics_read(&node->panics);
    do {
        status = status == RV_OK ? rv_rewind_read(node, err) : status;
        if (!node->recovered) {
            status = status == RV_OK ? rv_checkpoints_restore(node, err) : status;
            status = status == RV_OK ? rv_node_replay(node, err) : status;
            node->recovered = status == RV_END;
            status = status == RV_END ? RV_OK : status;
        }
        status = status == RV_OK ? rv_rewind_finish(node, err) : status;
    } while (status == RV_OK && !node->recovered);
    return status;
}

rv_status rv_node_open(rv_node *node, rv_error *err) {
    RV_ASSERT(node->phase == RV_NODE_CREATED || node->phase == RV_NODE_RECOVERING);
    node->phase = RV_NODE_RECOVERING;
    rv_error local;
    rv_error *e = err == NULL ? &local : err;
    rv_status status = recover(node, e);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    if (status == RV_OK) {
        status = check_identity(node, e);
    }
    if (status == RV_OK) {
        status = rv_panics_check(&node->panics, rv_log_watermark(node->log) + 1, UINT64_MAX, e);
    }
    node->at_work = 0;
    node->phase = RV_NODE_OPEN;
    node->left = status == RV_DATA_DAMAGED || status == RV_PANICKED;
    rv_held_opened(&node->held); /* also when it is read-only from now on */
    const bool restored = node->checkpoints.restore.used && !node->folding_again.active;
    if (!restored && rv_log_appended(node->log) > 0) {
        node->checkpoints.facts.opened_by = RV_OPENED_BY_REPLAY;
    }
    if (status != RV_OK) {
        (void)rv_node_fail(node, e);
        const bool told = node->role == RV_ROLE_STORED && rv_log_has_identity(node->log);
        node->role = told ? stored_role(node) : node->role;
    }
    rv_epoch_refresh(node);
    if (rv_node_provisional(node)) {
        (void)rv_held_begin(&node->held); /* it was opened with another one */
    }
    rv_outbox_open(node);
    return status == RV_OK ? rv_node_failed(node, e) : status;
}

/* --- polling and closing --- */

rv_status rv_node_poll(rv_node *node, rv_error *err) {
    rv_io_completion completion;
    while (node->host.ops->next_completion(node->host.ctx, &completion)) {
        if (!rv_log_completed(node->log, &completion) &&
            !rv_checkpoints_completed(node, &completion) &&
            !rv_rewind_completed(node, &completion)) {
            rv_panics_completed(&node->panics, &completion);
        }
    }
    if (rv_node_rewinding(node)) {
        rv_rewind_poll(node);
        return rv_node_rewinding(node) ? RV_OK : rv_node_failed(node, err);
    }
    if (node->phase != RV_NODE_OPEN) {
        return RV_OK;
    }
    node->read_generation += 1;
    node->ids_met.waits -= node->ids_met.waits > 0;
    rv_error local;
    rv_error *e = err == NULL ? &local : err;
    const rv_status status = rv_log_poll(node->log, e);
    const rv_status result = status == RV_OK ? RV_OK : rv_node_fail(node, e);
    rv_outbox_poll(node);
    rv_outbox_back_poll(node);
    if (!node->receiving.active) {
        rv_outbox_lay_due(node);
    }
    rv_checkpoints_poll(node);
    rv_purge_poll(node);
    return result;
}

bool rv_node_busy(const rv_node *node) {
    if (rv_node_rewinding(node)) {
        return true; /* what it waits for may be announced or not */
    }
    const bool waits = node->ids_met.waits > 0 && !rv_log_busy(node->log);
    return node->phase == RV_NODE_OPEN &&
           (waits || rv_checkpoints_busy(node) || rv_purge_busy(node) || rv_log_working(node->log));
}

/* A last checkpoint, before the seal. RV_PENDING, or RV_OK when there is nothing more to do. */
static rv_status close_checkpoints(rv_node *node) {
    rv_error err;
    const rv_status status = rv_log_poll(node->log, &err);
    if (status != RV_OK) {
        (void)rv_node_fail(node, &err);
    }
    return rv_checkpoints_close(node);
}

rv_status rv_node_close(rv_node *node, rv_error *err) {
    if (node->phase == RV_NODE_CLOSED) {
        return RV_END;
    }
    if (rv_node_rewinding(node)) {
        return RV_PENDING; /* that comes first */
    }
    RV_ASSERT(!node->receiving.active);
    node->phase = RV_NODE_CLOSING;
    node->read_generation += 1;
    if (!node->sealing && (!rv_kept_let_go(node) || close_checkpoints(node) == RV_PENDING)) {
        return RV_PENDING;
    }
    node->sealing = true;
    const rv_status status =
        node->left ? rv_log_leave(node->log, err) : rv_log_seal(node->log, err);
    if (status != RV_PENDING) {
        node->phase = RV_NODE_CLOSED;
    }
    return status;
}

rv_status rv_node_check_writable(const rv_node *node, rv_error *err) {
    if (rv_node_rewinding(node)) {
        const bool first = node->rewinding.to.adopts;
        return rv_error_set(err, RV_BUSY,
                            first ? "the node has met its upstream, and takes its log"
                                  : "the node goes back to position %u, because its root was "
                                    "restored",
                            node->rewinding.to.watermark);
    }
    if (node->phase != RV_NODE_OPEN) {
        return rv_error_set(err, RV_CLOSING, "the node is closing or not open yet");
    }
    if (node->failure.status != RV_OK) {
        return rv_error_set(err, RV_READ_ONLY, "the node is read-only since %s: %s",
                            rv_status_code(node->failure.status), node->failure.detail);
    }
    return rv_opaque_check(node, err);
}

rv_status rv_node_read(rv_node *node, rv_log_cursor *cursor, rv_batch *batch, rv_error *err) {
    if (rv_node_rewinding(node)) {
        return RV_PENDING;
    }
    return rv_log_read(node->log, cursor, batch, err);
}

/* --- facts --- */

rv_role rv_node_role(const rv_node *node) {
    return node->role;
}

const rv_log_identity *rv_node_identity(const rv_node *node) {
    const bool known = rv_node_rewinding(node) || rv_log_has_identity(node->log);
    return known && node->identity.epoch > 0 ? &node->identity : NULL;
}

uint64_t rv_node_schema_moves(const rv_node *node) {
    const uint32_t stale = rv_node_stale_count(node);
    RV_ASSERT(stale <= RV_AGGREGATES_MAX);
    return (uint64_t)rv_node_rewinds(node) << 48 ^ (uint64_t)rv_schema_version(node->schema) << 16 ^
           stale;
}

const rv_schema *rv_node_schema(const rv_node *node) {
    return node->schema;
}

rv_state *rv_node_state(rv_node *node) {
    return node->state;
}

rv_log *rv_node_log(rv_node *node) {
    return node->log;
}

const rv_path_pattern *rv_node_patterns(const rv_node *node, size_t *count) {
    *count = node->held.pattern_count;
    return node->held.patterns;
}

const rv_selection *rv_node_selection(const rv_node *node) {
    return &node->held.selection;
}

uint32_t rv_node_selection_swaps(const rv_node *node) {
    RV_ASSERT(node->phase >= RV_NODE_OPEN);
    return node->held.swaps;
}

const rv_selection *rv_node_selection_wanted(const rv_node *node) {
    return rv_held_wanted(&node->held);
}

bool rv_node_whole(const rv_node *node) {
    return node->role == RV_ROLE_ROOT || rv_held_is_whole(&node->held);
}

bool rv_node_lost(const rv_node *node) {
    RV_ASSERT(node->role == RV_ROLE_EDGE || !node->held.past.lost);
    return node->held.past.lost;
}

int64_t rv_node_now(const rv_node *node) {
    return node->host.ops->now(node->host.ctx);
}

uint64_t rv_node_watermark(const rv_node *node) {
    return rv_log_watermark(node->log);
}

uint64_t rv_node_watermark_durable(const rv_node *node) {
    return rv_log_watermark_durable(node->log);
}

uint64_t rv_node_sequence(const rv_node *node) {
    return rv_log_appended(node->log);
}

uint64_t rv_node_sequence_durable(const rv_node *node) {
    return rv_log_durable(node->log);
}

/* Pending events are never in a hash, nor in what is served. */
static bool lift_for_a_while(rv_node *node) {
    const bool laid = rv_state_overlay_laid(node->state);
    if (laid) {
        rv_outbox_lift(node);
    }
    RV_ASSERT(!rv_state_overlay_laid(node->state));
    return laid;
}

rv_hash128 rv_node_state_hash(rv_node *node) {
    const bool laid = lift_for_a_while(node);
    const rv_hash128 hash = rv_hash128_add(rv_state_hash(node->state, rv_log_watermark(node->log)),
                                           rv_opaque_hash(node));
    if (laid) {
        rv_outbox_lay(node);
    }
    return hash;
}

rv_hash128 rv_node_state_hash_selected(rv_node *node, const rv_path_pattern *patterns,
                                       size_t pattern_count) {
    const bool laid = lift_for_a_while(node);
    const rv_hash128 hash = rv_hash128_add(
        rv_state_hash_selected(node->state, rv_log_watermark(node->log), patterns, pattern_count),
        rv_opaque_hash(node));
    if (laid) {
        rv_outbox_lay(node);
    }
    return hash;
}

rv_status rv_node_base_open(rv_node *node, rv_base_source *source) {
    const bool laid = lift_for_a_while(node);
    const rv_status status = rv_state_base_open(node->state, source);
    if (laid) {
        rv_outbox_lay(node);
    }
    return status;
}

bool rv_node_memory(const rv_node *node, uint32_t index, rv_memory_class *out) {
    static const char *const names[RV_MEMORY_SHARES] = {
        [RV_MEMORY_NODE] = "node",           [RV_MEMORY_SCHEMA] = "schema",
        [RV_MEMORY_SCRATCH] = "scratch",     [RV_MEMORY_RESULTS] = "results",
        [RV_MEMORY_LEDGER] = "ledger",       [RV_MEMORY_LOG] = "log",
        [RV_MEMORY_PAGES] = "pages",         [RV_MEMORY_JOURNAL] = "journal",
        [RV_MEMORY_SNAPSHOTS] = "snapshots", [RV_MEMORY_CHECKPOINT] = "checkpoint",
        [RV_MEMORY_SPARE] = "spare",
    };
    if (index >= RV_MEMORY_SHARES) {
        return false;
    }
    const rv_state_usage usage = rv_state_usage_of(node->state);
    const size_t bytes = node->shares[index];
    size_t used = bytes, used_max = 0;
    if (index == RV_MEMORY_SCHEMA) {
        used = node->schema_arena.len;
    } else if (index == RV_MEMORY_LEDGER) {
        used = rv_ledger_used(&node->ledger);
        used_max = node->ledger.live_max;
    } else if (index == RV_MEMORY_PAGES) {
        used = (size_t)usage.pages_used * RV_PAGE_SIZE;
    } else if (index == RV_MEMORY_JOURNAL) {
        used = 0;
        used_max = usage.journal_max;
    } else if (index == RV_MEMORY_SNAPSHOTS) {
        used = (size_t)usage.copies * RV_PAGE_SIZE;
        used_max = (size_t)usage.copies_max * RV_PAGE_SIZE;
    } else if (index == RV_MEMORY_SPARE) {
        used = 0;
    }
    used = used < bytes ? used : bytes; /* copies lie in pages that are not used, too */
    used_max = used_max < bytes ? used_max : bytes;
    *out = (rv_memory_class){names[index], bytes, used, used_max < used ? used : used_max};
    return true;
}

void rv_node_unused(const rv_node *node, rv_unused *unused) {
    RV_ASSERT(node->scratch.cap > 0 && node->results.cap > 0);
    if (node->phase != RV_NODE_OPEN || rv_node_rewinding(node) || node->receiving.active) {
        return;
    }
    rv_state_unused(node->state, unused);
    rv_log_unused(node->log, unused);
    rv_unused_add(unused, node->scratch.ptr, node->scratch.cap);
    rv_unused_add(unused, node->results.ptr, node->results.cap);
}

const rv_node_checkpoint *rv_node_checkpoint_of(const rv_node *node) {
    return &node->checkpoints.facts;
}

const volatile uint64_t *rv_node_at_work(const rv_node *node) {
    return &node->at_work;
}

rv_status rv_node_failed(const rv_node *node, rv_error *err) {
    if (err != NULL) {
        *err = node->failure;
    }
    return node->failure.status;
}
