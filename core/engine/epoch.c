/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs of a log: see engine/epoch.h. */
#include "core/engine/epoch.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"
#include "core/engine/lease.h"

#define MICROSECONDS INT64_C(1000000)
#define MARGIN_PART  16 /* of the keys that remain, at most */

static const rv_bytes no_key = {NULL, 0};

bool rv_node_epoch(const rv_node *node, rv_epoch *epoch) {
    rv_bytes value;
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_EPOCH, no_key, &value) ||
        value.len != RV_EPOCH_SIZE) {
        return false;
    }
    rv_cursor c = rv_cursor_over(value);
    epoch->epoch = rv_read_u32(&c);
    epoch->position = rv_read_u64(&c);
    epoch->chain_hash = rv_read_u64(&c);
    epoch->began_at = (int64_t)rv_read_u64(&c);
    RV_ASSERT(rv_cursor_done(&c));
    return true;
}

void rv_epoch_encode(const rv_epoch *epoch, uint8_t *to) {
    rv_writer value = rv_writer_over(to, RV_EPOCH_SIZE);
    rv_write_u32(&value, epoch->epoch);
    rv_write_u64(&value, epoch->position);
    rv_write_u64(&value, epoch->chain_hash);
    rv_write_u64(&value, (uint64_t)epoch->began_at);
    RV_ASSERT(!value.full && value.len == RV_EPOCH_SIZE);
}

rv_status rv_epoch_write(const rv_node *node, rv_ledger_changes *changes, const rv_epoch *epoch) {
    uint8_t bytes[RV_EPOCH_SIZE];
    RV_ASSERT(epoch->epoch > 0);
    rv_epoch_encode(epoch, bytes);
    const rv_ledger_entry entry = {RV_LEDGER_EPOCH, no_key, rv_bytes_of(bytes, sizeof bytes)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

void rv_epoch_refresh(rv_node *node) {
    rv_epoch epoch;
    if (!rv_log_has_identity(node->log)) {
        return;
    }
    node->identity = *rv_log_identity_of(node->log);
    if (rv_node_epoch(node, &epoch) && epoch.epoch > node->identity.epoch) {
        node->identity.epoch = epoch.epoch;
    }
    RV_ASSERT(node->identity.epoch >= rv_log_identity_of(node->log)->epoch);
}

/* --- edges of another history --- */

/* An edge is believed so far beyond what the clock will say for a long time, and no further: epochs
 * would be used up. */
#define STRANGER_MAX  (UINT32_MAX - (UINT32_C(1) << 24))
#define STRANGER_STEP 1024u

void rv_node_meet_stranger(rv_node *node, uint64_t epoch, uint64_t position) {
    rv_stranger *const s = &node->stranger;
    RV_ASSERT(node->role == RV_ROLE_ROOT);
    s->count += s->count < UINT32_MAX;
    const uint32_t own = node->identity.epoch;
    const uint64_t most = (own > STRANGER_MAX ? (uint64_t)own : STRANGER_MAX) + STRANGER_STEP;
    const uint64_t believed = epoch < most ? epoch : most;
    s->epoch = believed < UINT32_MAX ? (uint32_t)believed : UINT32_MAX - 1;
    s->position = position;
}

rv_stranger rv_node_stranger(const rv_node *node) {
    return node->stranger;
}

/* --- beginning one --- */

/* The number of the next one; 0: there is none. */
static uint32_t next_epoch(const rv_node *node) {
    const uint32_t before =
        node->stranger.epoch > node->identity.epoch ? node->stranger.epoch : node->identity.epoch;
    const int64_t seconds = rv_node_now(node) / MICROSECONDS;
    const bool clock = seconds > (int64_t)before && seconds < (int64_t)UINT32_MAX;
    RV_ASSERT(before > 0);
    return clock ? (uint32_t)seconds : before == UINT32_MAX ? 0 : before + 1;
}

/* Writes that blocks are not leased any more, as many as the body takes. True: that was all. */
static bool void_leases(const rv_node *node, rv_ledger_changes *changes) {
    uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_LEASE, no_key);
    for (; index < rv_ledger_count(&node->ledger); index += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        if (entry.kind != RV_LEDGER_LEASE) {
            break;
        }
        if (!rv_lease_is_end(entry.key) &&
            rv_ledger_remove(&node->ledger, changes, entry.kind, entry.key) != RV_OK) {
            RV_ASSERT(changes->body->len > 0);
            return false;
        }
    }
    return true;
}

/* The root's own keys go on behind a margin: there may be rows with those before. */
static rv_status skip_keys(const rv_node *node, rv_ledger_changes *changes) {
    rv_status status = RV_OK;
    for (uint16_t a = 0; a < rv_schema_aggregate_count(node->schema) && status == RV_OK; a += 1) {
        const rv_aggregate *const made = rv_schema_aggregate(node->schema, a);
        const rv_type *const type = &made->columns[made->key].type;
        int64_t next = 0;
        if (!type->serial || rv_node_serial_next(node, a, &next, NULL) != RV_OK) {
            continue;
        }
        const int64_t left = rv_state_serial_max(type) - next + 1;
        const int64_t part = left / MARGIN_PART;
        const int64_t margin = part < (int64_t)RV_EPOCH_KEYS ? part : (int64_t)RV_EPOCH_KEYS;
        RV_ASSERT(left > 0 && margin < left);
        if (margin > 0) {
            status = rv_lease_write_end(node, changes, a, (uint64_t)(next + margin - 1));
        }
    }
    return status;
}

/* Leases are void, in batches of their own: it does no harm if that is all that comes to pass. */
static rv_status void_all(rv_node *node, rv_error *err) {
    bool all = false;
    while (!all) { /* each turn removes some */
        rv_writer body;
        const rv_status status = rv_node_ledger_begin(node, &body, err);
        if (status != RV_OK) {
            return status;
        }
        rv_ledger_changes changes = rv_ledger_begin(&body);
        all = void_leases(node, &changes);
        if (body.len == 0) {
            rv_log_append_cancel(node->log);
        } else {
            rv_node_ledger_commit(node, &body, &changes);
        }
    }
    return RV_OK;
}

rv_status rv_node_epoch_begin(rv_node *node, rv_error *err) {
    rv_writer body;
    rv_status status = rv_node_check_writable(node, err);
    if (status == RV_OK && node->role != RV_ROLE_ROOT) {
        status = rv_error_set(err, RV_NOT_ROOT,
                              "an edge follows its root's epochs: it is the root that begins one, "
                              "when its directory was restored from a backup");
    }
    const rv_epoch epoch = {.epoch = status == RV_OK ? next_epoch(node) : 0,
                            .position = rv_log_watermark(node->log),
                            .chain_hash = rv_log_chain(node->log),
                            .began_at = rv_node_now(node)};
    if (status == RV_OK && epoch.epoch == 0) {
        status = rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "there is no epoch after %u",
                              (uint64_t)UINT32_MAX);
    }
    status = status == RV_OK ? void_all(node, err) : status;
    status = status == RV_OK ? rv_node_ledger_begin(node, &body, err) : status;
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = rv_epoch_write(node, &changes, &epoch);
    status = status == RV_OK ? skip_keys(node, &changes) : status;
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "what was decided for edges takes all of its memory; open the node "
                            "with a larger budget");
    }
    rv_node_ledger_commit(node, &body, &changes);
    rv_epoch_refresh(node);
    RV_ASSERT(node->identity.epoch == epoch.epoch);
    return RV_OK;
}
