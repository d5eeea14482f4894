/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going back: the log ends before batches that it has (SEMANTICS 5). Recovery stops at the place,
 * and from the last segment to the one that holds it, each is kept in a `cut-` file as far as it is
 * behind the place, and removed; the last of them loses only its end:
 *
 *     BACK_LIST -> BACK_RUN -> BACK_LIST … ->
 *     BACK_OPEN -> CUT_CREATE … CUT_FLUSH -> BACK_KEPT -> BACK_REMOVE -> BACK_OPEN …
 *                                   DONE <- FLUSH <- AGAIN <- CUT_ZERO <- BACK_EXTEND <-/
 *
 * Runs of the index that have events behind the place go first: by the segment that they name, a
 * log that has grown again is the one that they were made of.
 *
 * A segment that was followed by another is trimmed to its batches, so it gets reserved space again
 * before its end becomes zeros: a recovery could not tell it from one that was cut short.
 *
 * What is kept of the segment with the place may be nothing: its `cut-` file is made all the same,
 * as the flush of a new file is what makes the removals before it durable.
 *
 * A crash on the way leaves segments missing at the end, or the end of the last one in part zeros.
 * Whoever goes back has noted the place durably, and gives it again until all is done; so nothing
 * behind it is looked at. What was kept may then be kept twice, in part.
 *
 *   invariant: the place is where a batch began whose watermark is above `watermark`. A batch there
 *              whose watermark is not was written when the log had been cut.
 */
#include "core/log/internal.h"

void rv_log_recover_anew(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING && log->recovery.state == RV_RECOVER_LIST);
    log->recovery.anew = true;
}

void rv_log_recover_until(rv_log *log, uint64_t watermark) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING && log->recovery.state == RV_RECOVER_LIST);
    log->recovery.back = (rv_back){.noting = true, .watermark = watermark};
}

void rv_log_recover_back(rv_log *log, const rv_log_end_place *place, uint64_t watermark) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING && log->recovery.state == RV_RECOVER_LIST);
    log->recovery.back = (rv_back){
        .wanted = place->segment_first > 0,
        .watermark = watermark,
        .place = *place,
    };
}

bool rv_log_recover_passed(const rv_log *log, rv_log_end_place *place) {
    const rv_back *const back = &log->recovery.back;
    RV_ASSERT(!back->passed || back->place.segment_first > 0);
    *place = back->passed ? back->place : (rv_log_end_place){0, 0};
    return back->passed;
}

/* The log as it is before the batch at the recovery's place. */
static void note(rv_log *log) {
    const rv_recovery *const r = &log->recovery;
    rv_back *const back = &log->recovery.back;
    RV_ASSERT(!back->passed && r->offset == log->appended.offset);
    back->passed = true;
    back->place.segment_first = log->segments[r->segment].first_sequence;
    back->place.offset = r->offset;
    back->segment = r->segment;
    back->end = log->appended;
    back->last = log->durable_last;
    back->last_crc = log->last_crc;
}

void rv_back_note(rv_log *log, uint64_t watermark) {
    const rv_back *const back = &log->recovery.back;
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    if (back->noting && !back->passed && watermark > back->watermark) {
        note(log);
    }
}

/* True when a good batch begins at the recovery's place that was written after it was cut there. */
static bool is_cut(rv_log *log) {
    const rv_recovery *const r = &log->recovery;
    const uint32_t salt = log->segments[r->segment].salt;
    const uint8_t *bytes = NULL;
    size_t have = 0;
    rv_batch_header header;
    if (rv_window_get(log, r->offset, RV_BATCH_HEADER_SIZE, &bytes, &have) != RV_OK ||
        have < RV_BATCH_HEADER_SIZE || !rv_batch_decode(bytes, &header) ||
        !rv_batch_follows(&header, salt, log->last_crc, log->appended.next_sequence)) {
        return false;
    }
    RV_ASSERT(r->back.wanted);
    return header.watermark <= r->back.watermark;
}

bool rv_back_ends(rv_log *log) {
    const rv_recovery *const r = &log->recovery;
    const rv_back *const back = &r->back;
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    if (!back->wanted || back->passed || back->place.offset != r->offset ||
        back->place.segment_first != log->segments[r->segment].first_sequence || is_cut(log)) {
        return false;
    }
    note(log);
    return true;
}

/* --- cutting --- */

static rv_step back_failed(rv_log *log, rv_status status, const char *what) {
    RV_ASSERT(status != RV_OK);
    if (status == RV_PENDING || status == RV_BUSY) {
        return RV_STEP_WAIT;
    }
    rv_file_name name;
    rv_files_name(log, log->recovery.segment, &name);
    return rv_recover_failed(log, status, what, name.text);
}

static void back_close(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    if (r->handle != NULL) {
        rv_files_release(log, r->handle);
        rv_files_close(log, r->handle);
        r->handle = NULL;
    }
    rv_window_reset(r);
    RV_ASSERT(r->window_len == 0);
}

static void back_begin(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    rv_back *const back = &r->back;
    RV_ASSERT(back->wanted && back->passed && !back->cut);
    back->cut = true;
    r->cut_number += r->cut_bytes > 0;
    r->window_want = 0;
    back_close(log);
    r->segment = log->segment_count - 1;
    r->state = RV_RECOVER_BACK_LIST;
}

/* Looks for a run that has events behind the place. The window's buffer is free. */
static rv_step back_list(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    rv_file_name *const names = (rv_file_name *)(void *)log->appender.buf;
    const size_t cap = log->appender.cap / sizeof *names;
    uint64_t count = 0;
    RV_ASSERT(r->window_len == 0 && r->handle == NULL);
    rv_status status = rv_op_list(&log->ops, &log->main, names, cap, &count);
    status = status == RV_OK && count > cap ? RV_MEMORY_EXHAUSTED : status;
    if (status != RV_OK) {
        return back_failed(log, status, "listing the runs");
    }
    r->state = RV_RECOVER_BACK_OPEN;
    for (size_t i = 0; i < count && r->state == RV_RECOVER_BACK_OPEN; i += 1) {
        rv_run_span span;
        if (rv_run_name_parse(names[i].text, &span) && span.next > r->back.end.next_sequence) {
            r->cut_name = names[i];
            r->state = RV_RECOVER_BACK_RUN;
        }
    }
    return RV_STEP_ON;
}

static rv_step back_run(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->cut_name.text[0] != 0);
    const rv_status status = rv_op_remove(&log->ops, &log->main, r->cut_name.text);
    if (status != RV_OK && status != RV_DATA_NOT_FOUND) {
        return status == RV_PENDING ? RV_STEP_WAIT
                                    : rv_recover_failed(log, status, "removing", r->cut_name.text);
    }
    r->state = RV_RECOVER_BACK_LIST;
    return RV_STEP_ON;
}

/* Opens the last segment that there is, and sees what of it lies behind the place. */
static rv_step back_open(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->segment >= r->back.segment && r->segment < log->segment_count);
    if (r->handle == NULL) {
        const rv_status status = rv_files_acquire(log, r->segment, 0, &r->handle);
        if (status != RV_OK) {
            return back_failed(log, status, "opening");
        }
    }
    rv_window_reset(r);
    r->offset = r->segment == r->back.segment ? r->back.place.offset : 0;
    r->cut_at = r->offset;
    r->tail_end = r->handle->size > r->offset ? r->handle->size : r->offset;
    r->state = RV_RECOVER_CUT_CREATE;
    return RV_STEP_ON;
}

static rv_step back_kept(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(!r->cut_open);
    r->cut_number += 1;
    if (r->segment > r->back.segment) {
        r->cut_bytes += r->tail_end - r->offset;
        back_close(log);
        r->state = RV_RECOVER_BACK_REMOVE;
    } else {
        r->state = RV_RECOVER_BACK_EXTEND;
    }
    return RV_STEP_ON;
}

static rv_step back_remove(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    rv_file_name name;
    RV_ASSERT(r->handle == NULL && r->segment + 1 == log->segment_count);
    rv_files_name(log, r->segment, &name);
    const rv_status status = rv_op_remove(&log->ops, &log->main, name.text);
    if (status != RV_OK && status != RV_DATA_NOT_FOUND) {
        return back_failed(log, status, "removing");
    }
    log->segment_count -= 1;
    r->segment -= 1;
    r->state = RV_RECOVER_BACK_OPEN;
    return RV_STEP_ON;
}

/* The log is what it was at the place. */
static void back_adopt(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    const rv_back *const back = &r->back;
    RV_ASSERT(r->segment == back->segment && log->segment_count == back->segment + 1);
    log->appended = back->end;
    log->durable = back->end;
    log->durable_last = back->last;
    log->last_crc = back->last_crc;
    log->sealed = false;
    log->segments[r->segment].end = back->place.offset;
    rv_index_cut(&log->index, (rv_place){r->segment, back->place.offset});
}

/* Reserved space, as behind the last batch of any log. */
static rv_step back_extend(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    back_adopt(log);
    const uint64_t needed = r->offset + rv_space_needed(log);
    const uint64_t size = r->handle->size > needed ? r->handle->size : needed;
    RV_ASSERT(r->handle != NULL && size >= r->tail_end);
    const rv_status status = rv_op_truncate(&log->ops, &log->main, r->handle->file, size);
    if (status != RV_OK) {
        return back_failed(log, status, "reserving space");
    }
    r->handle->size = size;
    r->cut_at = r->offset;
    r->state = r->tail_end > r->offset ? RV_RECOVER_CUT_ZERO : RV_RECOVER_AGAIN;
    return RV_STEP_ON;
}

rv_step rv_back_step(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING && log->recovery.back.cut);
    switch (log->recovery.state) {
    case RV_RECOVER_BACK_LIST:
        return back_list(log);
    case RV_RECOVER_BACK_RUN:
        return back_run(log);
    case RV_RECOVER_BACK_OPEN:
        return back_open(log);
    case RV_RECOVER_BACK_KEPT:
        return back_kept(log);
    case RV_RECOVER_BACK_REMOVE:
        return back_remove(log);
    default:
        return back_extend(log);
    }
}

rv_status rv_log_cut_back(rv_log *log, rv_error *err) {
    if (log->failed != RV_OK) {
        return rv_log_tell_failure(log, err);
    }
    if (!log->recovery.back.cut) {
        back_begin(log);
    }
    rv_batch ignored;
    rv_step step = RV_STEP_ON;
    while (step == RV_STEP_ON) { /* each step leads on, or to a segment before */
        step = rv_recover_step(log, &ignored);
    }
    RV_ASSERT(step != RV_STEP_GIVE);
    return step == RV_STEP_FAIL  ? rv_log_tell_failure(log, err)
           : step == RV_STEP_END ? RV_END
                                 : RV_PENDING;
}
