/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live queries, as the C interface has them: what a result was made of is compared with the rows
 * that were touched since (core/live/follower.h), and only if one of them lies in it the query is
 * asked again, or brought up to date (sql/upkeep.h). A result that is the last one again is not
 * given.
 */
#include "lib/db.h"

#include "core/base/assert.h"
#include "core/engine/decide.h"
#include "core/engine/rewind.h"
#include "core/state/revisions.h"

static rv_db_live *free_live(rv_db *db) {
    for (size_t i = 0; i < RV_DB_LIVE_MAX; i += 1) {
        if (db->lives[i].db == NULL) {
            return &db->lives[i];
        }
    }
    return NULL;
}

/* --- texts --- */

RV_STATIC_ASSERT(RV_DB_LIVE_TEXT_MAX == RV_LIVE_TEXT_MAX, "as of other interfaces");
RV_STATIC_ASSERT(RV_DB_LIVE_MAX - 1 + RV_DB_LIVE_TEXT_MAX / RV_DB_LIVE_TEXT_BLOCK <=
                     RV_DB_LIVE_BLOCKS,
                 "a long one has room beside short ones");

static uint8_t *text_of(const rv_db_live *live) {
    return live->db->live_texts + (size_t)live->block * RV_DB_LIVE_TEXT_BLOCK;
}

static rv_bytes sql_of(const rv_db_live *live) {
    return rv_bytes_of(text_of(live), live->sql_len);
}

static rv_bytes parameters_of(const rv_db_live *live) {
    return rv_bytes_of(text_of(live) + live->sql_len, live->parameters_len);
}

/* Takes blocks side by side for `len` bytes: one from the front, several from the back, so that
 * short texts do not lie between long ones. False: there are none. */
static bool take_blocks(rv_db *db, size_t len, uint32_t *first, uint32_t *count) {
    const bool is_short = len <= RV_DB_LIVE_TEXT_BLOCK;
    uint32_t found = 0;
    *count = is_short ? 1 : (uint32_t)((len - 1) / RV_DB_LIVE_TEXT_BLOCK + 1);
    for (uint32_t i = 0; i < RV_DB_LIVE_BLOCKS && found < *count; i += 1) {
        const uint32_t at = is_short ? i : RV_DB_LIVE_BLOCKS - 1 - i;
        found = db->live_blocks[at] ? 0 : found + 1;
        *first = at;
    }
    for (uint32_t i = 0; i < *count && found == *count; i += 1) {
        db->live_blocks[*first + i] = true;
    }
    return found == *count;
}

static void give_blocks(rv_db *db, uint32_t first, uint32_t count) {
    for (uint32_t i = 0; i < count; i += 1) {
        RV_ASSERT(db->live_blocks[first + i]);
        db->live_blocks[first + i] = false;
    }
}

/* --- opening --- */

/* RV_OK: the query can be compiled, and has these parameters. */
static rv_status check(rv_db *db, rv_bytes sql, rv_bytes parameters, rv_error *err) {
    rv_sql_query *query = NULL;
    const rv_status status = rv_sql_prepare(db->sql, sql, parameters, &query, err);
    if (status == RV_OK) {
        rv_sql_finish(query);
    }
    return status;
}

rv_status rv_db_live_open(rv_db *db, rv_bytes sql, rv_bytes parameters, rv_db_live **out,
                          rv_error *err) {
    RV_ASSERT(db != NULL && out != NULL);
    *out = NULL;
    if (db->sql == NULL) {
        return rv_error_set(err, RV_UNSUPPORTED, "this database was opened without SQL");
    }
    if (sql.len > RV_DB_LIVE_TEXT_MAX || parameters.len > RV_DB_LIVE_TEXT_MAX - sql.len) {
        return rv_error_set(err, RV_SQL_LIMIT,
                            "a live query has at most %u bytes, with its parameters, not %u",
                            (uint64_t)RV_DB_LIVE_TEXT_MAX, (uint64_t)(sql.len + parameters.len));
    }
    rv_db_live *const live = free_live(db);
    if (live == NULL) {
        return rv_error_set(err, RV_BUSY, "at most %u live queries are open at once; close one",
                            (uint64_t)RV_DB_LIVE_MAX);
    }
    const rv_status status = check(db, sql, parameters, err);
    if (status != RV_OK) {
        return status;
    }
    const size_t len = sql.len + parameters.len;
    uint32_t block = 0;
    uint32_t count = 0;
    if (!take_blocks(db, len, &block, &count)) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "live queries have %u KiB together, and those that are open have them",
                            (uint64_t)(RV_DB_LIVE_TEXTS >> 10));
    }
    *live = (rv_db_live){.db = db,
                         .sql_len = sql.len,
                         .parameters_len = parameters.len,
                         .block = block,
                         .block_count = count};
    rv_writer w = rv_writer_over(text_of(live), len);
    rv_write(&w, sql);
    rv_write(&w, parameters);
    RV_ASSERT(!w.full);
    db->moments.node = db->node;
    *out = live;
    return RV_OK;
}

/* Moves with the schema, and, for who reads system tables, with all that these tell: rows, which
 * suspend batches, what the log has, what waits at an edge and what was decided. */
static uint64_t moves_of(const rv_db_live *live, bool system) {
    rv_node *const node = live->db->node;
    const uint64_t schema = rv_node_schema_moves(node);
    if (!system) {
        return schema;
    }
    const uint64_t outbox =
        rv_node_role(node) == RV_ROLE_EDGE
            ? rv_node_revision(node) + rv_node_decisions_made(node) + rv_node_outbox(node).durable
            : 0;
    return schema + outbox + rv_state_revision(rv_node_state(node)) + rv_node_sequence(node) +
           rv_node_sequence_durable(node) + rv_node_watermark(node) +
           rv_node_watermark_durable(node);
}

/* What the live queries of a database share; scratch is emptied. */
static rv_followers followers(rv_db *db) {
    rv_arena_reset(&db->scratch, 0);
    return (rv_followers){&db->touches, &db->moments, &db->scratch};
}

/* The aggregate by whose rows the result is kept up. */
static uint16_t kept_by(const rv_db_live *live) {
    return live->upkeep.whole ? live->upkeep.aggregate : RV_NONE;
}

/* True when the last result may be another one now. */
static bool moved(rv_db_live *live) {
    const rv_followers of = followers(live->db);
    RV_ASSERT(live->given);
    return moves_of(live, live->system) != live->moves ||
           rv_follower_moved(&live->follower, &of, kept_by(live));
}

static rv_sql_upkeep *upkeep_of(rv_db_live *live) {
    const rv_followers of = followers(live->db);
    rv_sql_upkeep *const u = &live->upkeep;
    u->since = rv_follower_since(&live->follower, &of);
    u->others = u->whole && rv_follower_moved_of(&live->follower, &of, rv_sql_upkeep_others(u));
    u->joined = u->whole && rv_follower_moved_of(&live->follower, &of, rv_sql_upkeep_joined(u));
    return u;
}

static rv_status too_long(const rv_buffer *out, rv_error *err) {
    RV_ASSERT(out->len <= out->cap);
    return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                        "the result is longer than the buffer of %u bytes", (uint64_t)out->cap);
}

static rv_status begin(rv_db_live *live, rv_buffer *out, rv_error *err) {
    RV_ASSERT(live->query == NULL);
    const rv_status status = rv_sql_prepare_live(live->db->sql, upkeep_of(live), sql_of(live),
                                                 parameters_of(live), &live->query, err);
    if (status != RV_OK) {
        live->query = NULL;
        return status;
    }
    rv_sql_note_reads(live->query, &live->follower.reads);
    live->system = rv_sql_uses_system(live->query);
    live->moves = moves_of(live, live->system);
    rv_writer w = rv_db_writer(out);
    rv_write_text(&w, "{\"columns\":");
    rv_sql_columns_to_json(live->query, &w);
    rv_write_text(&w, ",\"rows\":[");
    live->rows = 0;
    return rv_db_written(&w, out) == RV_OK ? RV_OK : too_long(out, err);
}

/* Writes the rows, behind what there is: RV_OK at the end. */
static rv_status write_rows(rv_db_live *live, rv_buffer *out, rv_error *err) {
    rv_writer w = rv_db_writer(out);
    w.len = out->len;
    rv_status status = RV_OK;
    while (status == RV_OK && !w.full) {
        do {
            status = rv_sql_step(live->query, err);
        } while (rv_db_again(live->db, status));
        if (status == RV_OK) {
            rv_write_text(&w, live->rows > 0 ? "," : "");
            rv_sql_row_to_json(live->query, &w);
            live->rows += 1;
        }
    }
    if (status == RV_END) {
        rv_write_text(&w, "]}");
        status = RV_OK;
    }
    const rv_status written = rv_db_written(&w, out);
    if (written != RV_OK && (status == RV_OK || status == RV_PENDING)) {
        return too_long(out, err);
    }
    return status;
}

static void end_query(rv_db_live *live) {
    if (live->query != NULL) {
        rv_sql_finish(live->query);
    }
    live->query = NULL;
}

/* A result is whole in `out`: is it another one? From now on it is compared with what is touched.
 */
static rv_status give(rv_db_live *live, const rv_buffer *out) {
    const rv_followers of = followers(live->db);
    rv_follower_take(&live->follower, &of, kept_by(live));
    const rv_hash128 hash = rv_hash128_of(0, rv_bytes_of(out->ptr, out->len));
    const bool same = live->told && hash.low == live->hash.low && hash.high == live->hash.high;
    live->given = true;
    live->told = true;
    live->hash = hash;
    return same ? RV_END : RV_OK;
}

rv_status rv_db_live_next(rv_db_live *live, rv_buffer *out, rv_error *err) {
    RV_ASSERT(live != NULL && live->db != NULL && out != NULL);
    const rv_node *const node = live->db->node;
    if (rv_node_rewinding(node) || rv_node_in_batch(node)) {
        return RV_PENDING;
    }
    if (live->query == NULL && live->given && !moved(live)) {
        return RV_END;
    }
    rv_status status;
    do { /* again where rows changed while it waited for the disk */
        status = live->query == NULL ? begin(live, out, err) : RV_OK;
        status = status == RV_OK ? write_rows(live, out, err) : status;
        if (status == RV_PENDING || status == RV_BUSY) {
            return RV_PENDING;
        }
        end_query(live);
    } while (status == RV_SNAPSHOT_EXPIRED);
    live->given = false;
    return status == RV_OK ? give(live, out) : status;
}

void rv_db_live_close(rv_db_live *live) {
    if (live == NULL || live->db == NULL) {
        return;
    }
    rv_db *const db = live->db;
    const rv_followers of = followers(db);
    end_query(live);
    rv_sql_upkeep_end(&live->upkeep);
    rv_follower_leave(&live->follower, &of);
    give_blocks(db, live->block, live->block_count);
    live->db = NULL;
    rv_touches_unwatch(&db->touches); /* what it alone has read is not noted of rows for ever */
    for (size_t i = 0; i < RV_DB_LIVE_MAX; i += 1) {
        if (db->lives[i].db != NULL && db->lives[i].follower.touched.follows) {
            rv_touches_watch(&db->touches, &db->lives[i].follower.reads);
        }
    }
}
