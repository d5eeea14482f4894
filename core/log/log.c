/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log as a whole: how its memory is shared out, what it knows about itself, and how completions
 * and failures find their place. log.h is the manual.
 *
 * Memory: the append buffer (which recovery uses as its window), the read slots, and two tables
 * that grow with the append buffer, because a node with more memory has a larger log: one segment
 * for each KiB of it, one index entry for each half KiB.
 */
#include "core/log/internal.h"

#define SEGMENTS_MIN 64u
#define SEGMENTS_MAX 65536u
#define INDEX_MIN    256u
#define INDEX_MAX    65536u

static uint32_t share(size_t size, size_t per, uint32_t min, uint32_t max) {
    RV_ASSERT(per > 0);
    RV_ASSERT(min < max);
    const size_t count = size / per;
    return count < min ? min : count > max ? max : (uint32_t)count;
}

static bool take_slots(rv_log *log, rv_arena *arena) {
    const uint32_t count = log->options.read_slot_count;
    log->slots = rv_arena_take(arena, count * sizeof *log->slots);
    if (log->slots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i += 1) {
        log->slots[i].op.id = (uint16_t)(RV_OP_SLOT + i);
        log->slots[i].buf = rv_arena_take_raw(arena, log->slot_size);
        if (log->slots[i].buf == NULL) {
            return false;
        }
    }
    return true;
}

/* What was collected for a run, and what a merge reads. */
static bool take_collected(rv_log *log, rv_arena *arena) {
    rv_indexer *const ix = &log->indexer;
    rv_collected *const c = &ix->collected;
    const size_t cap = log->options.index_events;
    RV_ASSERT(cap > 0);
    c->cap = (uint32_t)cap;
    c->streams = rv_arena_take_raw(arena, cap * sizeof *c->streams);
    c->versions = rv_arena_take_raw(arena, cap * sizeof *c->versions);
    c->ids = rv_arena_take_raw(arena, cap * 16);
    c->id_at = rv_arena_take_raw(arena, cap * sizeof *c->id_at);
    c->order = rv_arena_take_raw(arena, cap * sizeof *c->order);
    c->other = rv_arena_take_raw(arena, cap * sizeof *c->other);
    bool taken = c->streams != NULL && c->versions != NULL && c->ids != NULL && c->id_at != NULL &&
                 c->order != NULL && c->other != NULL;
    for (unsigned i = 0; i < RV_RUNS_FAN; i += 1) {
        ix->merged[i].buf = rv_arena_take_raw(arena, RV_RUN_BLOCK_SIZE);
        taken = taken && ix->merged[i].buf != NULL;
    }
    return taken;
}

static bool take_indexer(rv_log *log, rv_arena *arena) {
    rv_runs *const runs = &log->runs;
    log->indexer.op.id = RV_OP_INDEX;
    log->tail_index.base = 1;
    log->tail_index.next = 1;
    if (log->options.index_events == 0) {
        return true;
    }
    const uint32_t count = log->options.index_blocks;
    RV_ASSERT(count >= RV_BLOCKS_MIN && count <= RV_BLOCKS_MAX);
    runs->blocks = rv_arena_take(arena, count * sizeof *runs->blocks);
    if (runs->blocks == NULL) {
        return false;
    }
    runs->block_count = count;
    for (uint32_t i = 0; i < count; i += 1) {
        runs->blocks[i].op.id = (uint16_t)(RV_OP_BLOCK + i);
        runs->blocks[i].buf = rv_arena_take_raw(arena, RV_RUN_BLOCK_SIZE);
        if (runs->blocks[i].buf == NULL) {
            return false;
        }
    }
    return rv_tail_create(&log->tail_index, 2 * log->options.index_events, arena) &&
           take_collected(log, arena) &&
           rv_run_writer_create(&log->indexer.writer, RV_RUN_OUT_MIN, arena);
}

static bool take_memory(rv_log *log, rv_arena *arena) {
    const size_t size = log->options.write_buffer_size;
    log->segment_cap = share(size, 1024, SEGMENTS_MIN, SEGMENTS_MAX);
    log->segments = rv_arena_take_raw(arena, log->segment_cap * sizeof *log->segments);
    log->appender.buf = rv_arena_take_raw(arena, size);
    log->appender.cap = size;
    return log->segments != NULL && log->appender.buf != NULL && take_slots(log, arena) &&
           rv_index_create(&log->index, share(size, 512, INDEX_MIN, INDEX_MAX), arena) &&
           take_indexer(log, arena);
}

rv_status rv_log_create(rv_log **log, const rv_log_options *options, rv_arena *arena,
                        rv_error *err) {
    const size_t slot_size = rv_batch_size(options->batch_len_max);
    RV_ASSERT(options->batch_len_max > 0 && options->batch_len_max <= RV_BATCH_LEN_MAX);
    RV_ASSERT(options->write_buffer_size >= 2 * slot_size);
    RV_ASSERT(options->write_buffer_size >= 2 * RV_SEGMENT_HEADER_SIZE);
    RV_ASSERT(options->read_slot_count >= 4 && options->read_slot_count <= RV_LOG_SLOTS_MAX);
    RV_ASSERT(options->segment_size > RV_SEGMENT_HEADER_SIZE && options->extent_size > 0);
    const size_t mark = rv_arena_mark(arena);
    rv_log *const made = rv_arena_take(arena, sizeof *made);
    if (made != NULL) {
        made->options = *options;
        made->slot_size = slot_size;
        made->ops.host = options->host;
        made->ops.tickets = RV_LOG_TICKETS;
        made->main.id = RV_OP_MAIN;
        made->rewriting.op.id = RV_OP_REWRITE;
        made->appended = (rv_log_end){.next_sequence = 1};
        made->durable = made->appended;
        for (unsigned i = 0; i < RV_LOG_HANDLES; i += 1) {
            made->handles[i].op.id = (uint16_t)(RV_OP_HANDLE + i);
        }
    }
    if (made == NULL || !take_memory(made, arena)) {
        rv_arena_reset(arena, mark);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "the memory budget is too small for the log's buffers");
    }
    *log = made;
    return RV_OK;
}

bool rv_log_has_identity(const rv_log *log) {
    RV_ASSERT(log != NULL);
    return log->has_identity;
}

const rv_log_identity *rv_log_identity_of(const rv_log *log) {
    RV_ASSERT(log->has_identity);
    return &log->identity;
}

void rv_log_set_identity(rv_log *log, const rv_log_identity *identity) {
    RV_ASSERT(log->life == RV_LOG_OPEN && log->segment_count == 0);
    RV_ASSERT(identity->root_tag >> RV_NODE_TAG_BITS == 0);
    log->identity = *identity;
    log->has_identity = true;
}

uint64_t rv_log_cut(const rv_log *log, rv_bytes *kept_in) {
    RV_ASSERT(log->recovery.cut_bytes == 0 || log->recovery.cut_name.text[0] != 0);
    if (kept_in != NULL) {
        *kept_in = rv_bytes_of_string(log->recovery.cut_name.text);
    }
    return log->recovery.cut_bytes;
}

rv_record_context rv_batch_context(const rv_batch *batch, const rv_log *log) {
    RV_ASSERT(batch->first_sequence > 0);
    RV_ASSERT(log->has_identity);
    return (rv_record_context){
        .next_sequence = batch->first_sequence,
        .previous_position = batch->first_position - 1,
        .time = batch->time,
        .node_tag = log->identity.root_tag,
    };
}

void rv_batch_of(const rv_batch_header *header, const uint8_t *at, rv_batch *batch) {
    RV_ASSERT(header->kind == RV_BATCH_RECORDS);
    RV_ASSERT(header->len == rv_load_u32(at + 4));
    *batch = (rv_batch){
        .first_sequence = header->first_sequence,
        .first_position = header->first_position,
        .watermark = header->watermark,
        .chain_hash = header->chain_hash,
        .time = header->time,
        .body = rv_bytes_of(at + RV_BATCH_HEADER_SIZE, header->len),
    };
}

/* --- completions and failures --- */

bool rv_log_completed(rv_log *log, const rv_io_completion *completion) {
    if (completion->ticket >> 56 != RV_LOG_TICKETS) {
        return false;
    }
    const unsigned id = (unsigned)(completion->ticket & 0xffff);
    rv_op *op = NULL;
    if (id == RV_OP_MAIN) {
        op = &log->main;
    } else if (id < RV_OP_INDEX) {
        op = &log->handles[id - RV_OP_HANDLE].op;
    } else if (id == RV_OP_INDEX) {
        op = &log->indexer.op;
    } else if (id == RV_OP_REWRITE) {
        op = &log->rewriting.op;
    } else if (id < RV_OP_SLOT) {
        RV_ASSERT(id - RV_OP_BLOCK < log->runs.block_count);
        op = &log->runs.blocks[id - RV_OP_BLOCK].op;
    } else {
        RV_ASSERT(id - RV_OP_SLOT < log->options.read_slot_count);
        op = &log->slots[id - RV_OP_SLOT].op;
    }
    const bool awaited = rv_op_complete(op, completion);
    RV_ASSERT(awaited); /* the host finishes what was started, once */
    return true;
}

rv_status rv_log_fail(rv_log *log, rv_status status, const char *what, const char *file) {
    RV_ASSERT(status != RV_OK && status != RV_PENDING && status != RV_END);
    if (log->failed == RV_OK) {
        log->failed = status;
        (void)rv_error_set(&log->failure, status, "%s failed: %s; file %s", what,
                           rv_status_text(status), file);
        rv_error_fact_text(&log->failure, "file", rv_bytes_of_string(file));
    }
    RV_ASSERT(log->failed != RV_OK);
    return status;
}

rv_status rv_log_tell_failure(const rv_log *log, rv_error *err) {
    RV_ASSERT(log->failed != RV_OK);
    RV_ASSERT(log->failure.status == log->failed);
    if (err != NULL) {
        *err = log->failure;
    }
    return log->failed;
}

rv_status rv_log_damage(const rv_log *log, rv_error *err, const char *file, uint64_t offset,
                        uint64_t sequence, const char *what) {
    RV_ASSERT(file != NULL && what != NULL);
    RV_ASSERT(log->segment_count <= log->segment_cap);
    (void)rv_error_set(err, RV_DATA_DAMAGED,
                       "%s at byte %u of %s; intact up to the event with sequence %u", what, offset,
                       file, sequence);
    rv_error_fact_text(err, "file", rv_bytes_of_string(file));
    rv_error_fact_uint(err, "offset", offset);
    rv_error_fact_uint(err, "sequence", sequence);
    return RV_DATA_DAMAGED;
}

/* --- facts --- */

uint64_t rv_log_appended(const rv_log *log) {
    RV_ASSERT(log->appended.next_sequence > 0);
    return log->appended.next_sequence - 1;
}

uint64_t rv_log_batches(const rv_log *log) {
    RV_ASSERT(log->durable.batches <= log->appended.batches);
    return log->appended.batches;
}

uint64_t rv_log_batches_durable(const rv_log *log) {
    RV_ASSERT(log->durable.batches <= log->appended.batches);
    return log->durable.batches;
}

uint64_t rv_log_durable(const rv_log *log) {
    RV_ASSERT(log->durable.next_sequence > 0);
    RV_ASSERT(log->durable.next_sequence <= log->appended.next_sequence);
    return log->durable.next_sequence - 1;
}

uint64_t rv_log_watermark_durable(const rv_log *log) {
    RV_ASSERT(log->durable.watermark <= log->appended.watermark);
    return log->durable.watermark;
}

uint64_t rv_log_chain_durable(const rv_log *log) {
    return log->durable.chain_hash;
}

uint64_t rv_log_watermark(const rv_log *log) {
    return log->appended.watermark;
}

uint64_t rv_log_chain(const rv_log *log) {
    return log->appended.chain_hash;
}

bool rv_log_busy(const rv_log *log) {
    const rv_appender *const a = &log->appender;
    const bool waiting = a->first.len > 0 || (a->chain != RV_CHAIN_IDLE && !a->stalled);
    RV_ASSERT(a->first.len > 0 || a->second.len == 0);
    return rv_op_active(&log->main) || rv_op_active(&log->rewriting.op) || rv_blocks_loading(log) ||
           (log->failed == RV_OK && waiting) || rv_slots_loading(log) || rv_files_opening(log);
}

void rv_log_unused(const rv_log *log, rv_unused *unused) {
    const rv_appender *const a = &log->appender;
    RV_ASSERT(a->first.len > 0 || a->second.len == 0);
    if (log->life == RV_LOG_OPEN && !a->begun && a->first.len == 0 && !rv_log_busy(log)) {
        rv_unused_add(unused, a->buf, a->cap);
    }
}

uint64_t rv_log_refused(const rv_log *log) {
    return log->appender.refused;
}

rv_status rv_log_failed(const rv_log *log) {
    RV_ASSERT(log->failed != RV_PENDING && log->failed != RV_END);
    return log->failed;
}

uint32_t rv_log_segment_max(const rv_log *log) {
    RV_ASSERT(log->segment_count <= log->segment_cap);
    return log->segment_cap;
}

uint64_t rv_log_segment_first(const rv_log *log, uint32_t segment) {
    RV_ASSERT(segment < log->segment_count);
    return log->segments[segment].first_sequence;
}

uint64_t rv_log_bytes(const rv_log *log) {
    RV_ASSERT(log->segment_count <= log->segment_cap);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < log->segment_count; i += 1) {
        bytes += log->segments[i].end;
    }
    return bytes;
}

uint32_t rv_log_segment_count(const rv_log *log) {
    RV_ASSERT(log->segment_count <= log->segment_cap);
    return log->segment_count;
}
