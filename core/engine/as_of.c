/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding the log once more: see engine/as_of.h. What is folded into is a node that has no files
 * (rv_node_options.folds_only): events, bases and rows that are given go the way they go when a log
 * is replayed, so that the state is the one that the node had.
 */
#include "core/engine/as_of.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"
#include "core/engine/rewind.h"

#define SLICE_RECORDS 8192u /* that a call looks at, about: 2 ms */
#define LOAD_WORK     1024u /* records that a piece of a checkpoint, or of its check, stands for */
#define OWN_SIZE      (RV_AS_OF_MEMORY_MIN - RV_MEMORY_MIN)

/* What makes all that was folded worth nothing. */
typedef struct as_of_stamp {
    uint32_t rewinds;
    uint32_t swaps;
    uint32_t rewritten;
} as_of_stamp;

struct rv_as_of {
    rv_as_of_options options;
    rv_node *past; /* NULL: there was no question yet */
    as_of_stamp stamp;
    bool broken;       /* what is in `past` is good for nothing: it is begun again */
    bool seeks;        /* a checkpoint to begin from is looked for, */
    uint64_t from;     /* or this one is loaded; 0: none */
    uint64_t begun_at; /* its position; 0: it began at the beginning */
    rv_log_walk walk;
    uint64_t next_sequence; /* of the next event: those before it are folded */
    uint64_t position;      /* that all is folded up to, */
    int64_t recorded_at;    /* the latest time of what was, */
    bool whole;             /* and all was there that was selected */
    bool stopped;           /* what comes next in the log is beyond the place */
    rv_as_of_place place;   /* that is on the way, */
    uint64_t folded;        /* the events that were folded for it, */
    uint64_t shown;         /* and where it is, once it is reached */
    uint64_t work;          /* records that were looked at */
    bool runnable;
};

RV_STATIC_ASSERT(sizeof(rv_as_of) <= OWN_SIZE, "the node's memory begins behind it");

static as_of_stamp stamp_of(const rv_node *node) {
    return (as_of_stamp){rv_node_rewinds(node), rv_node_selection_swaps(node),
                         rv_node_purge_of(node).rewritten};
}

static bool stamps_equal(as_of_stamp a, as_of_stamp b) {
    return a.rewinds == b.rewinds && a.swaps == b.swaps && a.rewritten == b.rewritten;
}

/* An empty state, at the beginning of the log. */
static rv_status begin_again(rv_as_of *a, rv_error *err) {
    const rv_node *const node = a->options.node;
    const rv_node_options options = {.host = node->host,
                                     .memory = (uint8_t *)a->options.memory + OWN_SIZE,
                                     .memory_size = a->options.memory_size - OWN_SIZE,
                                     .role = node->role,
                                     .folds_only = true};
    a->broken = true;
    const rv_status status = rv_node_create(&a->past, &options, err);
    if (status == RV_OK) {
        a->broken = false;
        a->seeks = true;
        a->from = 0;
        a->begun_at = 0;
        a->stamp = stamp_of(node);
        a->walk = (rv_log_walk){0};
        a->next_sequence = 1;
        a->position = 0;
        a->recorded_at = INT64_MIN;
        a->whole = rv_held_is_whole(&a->past->held);
        a->stopped = false;
    }
    return status;
}

rv_status rv_as_of_create(rv_as_of **as_of, const rv_as_of_options *options, rv_error *err) {
    RV_ASSERT(options->node != NULL && options->memory != NULL);
    if (options->memory_size < RV_AS_OF_MEMORY_MIN) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "%u bytes are too few for a state of the past: at least %u are needed",
                            (uint64_t)options->memory_size, (uint64_t)RV_AS_OF_MEMORY_MIN);
    }
    rv_as_of *const a = options->memory;
    *a = (rv_as_of){.options = *options, .broken = true};
    *as_of = a;
    return RV_OK;
}

/* --- beginning from a checkpoint --- */

/* What is loaded is the state at that place. */
static void begin_at(rv_as_of *a, const rv_kept_place *place) {
    RV_ASSERT(rv_held_is_whole(&a->past->held));
    a->whole = true;
    a->broken = false;
    a->seeks = false;
    a->from = 0;
    a->begun_at = place->position;
    a->walk = place->walk;
    a->next_sequence = place->sequence + 1;
    a->position = place->position;
    a->recorded_at = place->recorded_at;
}

/* Finds one, or loads a piece of it. RV_OK, also when there is none: what is there is gone on from.
 */
static rv_status seek(rv_as_of *a, rv_error *err) {
    rv_node *const node = a->options.node;
    rv_kept_place place;
    rv_status status;
    if (a->from == 0) {
        const rv_kept_wish wish = {a->place.position, a->place.recorded_at, a->next_sequence - 1};
        uint64_t number = 0;
        status = rv_kept_find(node, &wish, &number);
        a->seeks = status != RV_END;
        if (status == RV_OK) {
            status = begin_again(a, err);
            a->from = number;
            a->broken = true; /* until it is loaded */
        }
        return status == RV_END ? RV_OK : status;
    }
    a->work += LOAD_WORK;
    status = rv_kept_load(node, a->past, a->from, &place);
    if (status == RV_END) {
        begin_at(a, &place);
        return RV_OK;
    }
    if (status == RV_DATA_DAMAGED || status == RV_MEMORY_EXHAUSTED) { /* another, or none */
        const bool none = status == RV_MEMORY_EXHAUSTED;
        status = begin_again(a, err);
        a->seeks = a->seeks && !none;
        return status;
    }
    const bool waits = status == RV_OK || status == RV_PENDING || status == RV_BUSY;
    return waits ? status
                 : rv_error_set(err, status, "what was there then cannot be read: %s",
                                rv_status_text(status));
}

/* --- folding --- */

static bool is_beyond(const rv_as_of *a, uint64_t position, int64_t time) {
    return position > a->place.position || time > a->place.recorded_at;
}

/* Rows that are given have no positions but their batch's. */
static bool is_by_batch(const rv_as_of *a) {
    return rv_selection_has_aggregates(&a->past->held.selection);
}

/* All is folded up to there. A base that begins makes rows old only when W moves. */
static void note_position(rv_as_of *a, uint64_t position) {
    RV_ASSERT(position >= a->position);
    a->whole = rv_held_is_whole(&a->past->held) || (a->whole && position == a->position);
    a->position = position;
}

static void note_time(rv_as_of *a, int64_t time) {
    a->recorded_at = time > a->recorded_at ? time : a->recorded_at;
}

static rv_status fold_event(rv_as_of *a, const rv_record *record, rv_error *err) {
    rv_node *const past = a->past;
    const rv_event *const event = &record->event;
    const rv_status status = record->kind == RV_RECORD_GONE ? rv_node_fold_gone(past, record, err)
                             : event->filled                ? RV_OK
                                                            : rv_node_fold(past, event, err);
    past->named = (rv_bytes){NULL, 0};
    if (status == RV_OK) {
        a->folded += 1;
        a->next_sequence = event->sequence + 1;
    }
    if (status == RV_OK && !event->filled) {
        note_position(a, event->position);
        note_time(a, event->recorded_at);
    }
    return status;
}

static bool is_event(const rv_record *record) {
    return record->kind == RV_RECORD_EVENT || record->kind == RV_RECORD_GONE;
}

/* Rows: of a base, or given with the batch, or given up with it. */
static bool is_rows(const rv_record *record) {
    return (record->kind >= RV_RECORD_BASE_BEGIN && record->kind <= RV_RECORD_CHANGES) ||
           (record->kind == RV_RECORD_SELECTION &&
            (record->flags & RV_RECORD_SELECTION_NARROWS) != 0);
}

/* A record that is no event. What waited and was decided is no part of the state. */
static rv_status fold_other(rv_as_of *a, const rv_batch *batch, const rv_record *record,
                            rv_error *err) {
    if (record->kind == RV_RECORD_SELECTION) {
        return rv_node_replay_selection(a->past, record, err);
    }
    if (record->kind == RV_RECORD_PATH) {
        a->past->named = record->body;
    }
    if (!is_rows(record)) {
        return RV_OK;
    }
    note_time(a, batch->time);
    return rv_node_replay_base(a->past, record, err);
}

/* True when the record is beyond the place: nothing of it is folded. */
static bool is_end(const rv_as_of *a, const rv_batch *batch, const rv_record *record) {
    if (is_event(record)) {
        return !record->event.filled && !is_by_batch(a) &&
               is_beyond(a, record->event.position, record->event.recorded_at);
    }
    return is_rows(record) && is_beyond(a, batch->watermark, batch->time);
}

/* Folds what the batch holds, up to what is beyond the place; what was folded of it is not folded
 * again. */
static rv_status fold_batch(rv_as_of *a, const rv_batch *batch, rv_error *err) {
    rv_record_context context = rv_batch_context(batch, a->options.node->log);
    rv_cursor c = rv_cursor_over(batch->body);
    rv_status status = RV_OK;
    a->stopped = is_by_batch(a) && is_beyond(a, batch->watermark, batch->time);
    while (status == RV_OK && !a->stopped && rv_cursor_left(&c) > 0) {
        rv_record record;
        if (!rv_record_read(&c, &context, &record)) {
            return rv_error_set(err, RV_DATA_NEWER,
                                "the batch after sequence %u holds a record that this version does "
                                "not know",
                                context.next_sequence - 1);
        }
        a->work += 1;
        a->stopped = is_end(a, batch, &record);
        if (is_event(&record) && !a->stopped) {
            const bool folded = record.event.sequence < a->next_sequence;
            status = folded ? RV_OK : fold_event(a, &record, err);
        } else if (!a->stopped) {
            status = fold_other(a, batch, &record, err);
        }
    }
    if (status == RV_OK && !a->stopped) { /* W may pass the place with nothing in between */
        const uint64_t w = batch->watermark;
        note_position(a, w < a->place.position ? w : a->place.position);
        rv_node_base_settle(a->past, batch->watermark);
    }
    return status;
}

/* Folds the next batch. RV_END: it is beyond the place, or there is none. */
static rv_status step(rv_as_of *a, rv_error *err) {
    rv_batch batch;
    rv_log_walk walk = a->walk;
    a->work += 1;
    rv_status status = rv_log_walk_next(a->options.node->log, &walk, &batch, err);
    if (status == RV_SNAPSHOT_EXPIRED) {
        return begin_again(a, err);
    }
    if (status != RV_OK) {
        return status;
    }
    status = fold_batch(a, &batch, err);
    a->broken = status != RV_OK;
    if (status == RV_OK && !a->stopped) {
        a->walk = walk;
    }
    return status == RV_OK && a->stopped ? RV_END : status;
}

/* --- reaching a place --- */

rv_status rv_as_of_judge(const rv_node *node, uint64_t position, rv_error *err) {
    const uint64_t watermark = rv_node_watermark(node);
    if (position <= watermark) {
        return RV_OK;
    }
    (void)rv_error_set(err, RV_PARAMETER_INVALID,
                       "there is no position %u here yet: the last one is %u", position, watermark);
    rv_error_fact_uint(err, "position", position);
    rv_error_fact_uint(err, "watermark", watermark);
    return RV_PARAMETER_INVALID;
}

/* All that is durable was folded, and the place is not behind it. */
static rv_status end_of_log(const rv_as_of *a, rv_error *err) {
    const rv_node *const node = a->options.node;
    const bool all = rv_log_watermark_durable(node->log) == rv_log_watermark(node->log);
    if (all || (a->place.position != UINT64_MAX && a->position >= a->place.position)) {
        return RV_OK;
    }
    return node->failure.status == RV_OK ? RV_PENDING : rv_node_check_writable(node, err);
}

/* The place is reached: was all there that belongs to it? */
static rv_status judge(rv_as_of *a, rv_error *err) {
    const rv_node *const past = a->past;
    const bool between = a->place.position != UINT64_MAX && !is_by_batch(a);
    a->shown = between ? a->place.position : a->position; /* it holds nothing in between */
    if (!a->whole || past->held.past.lost || past->hidden) {
        rv_error_set(err, RV_HISTORY_GONE,
                     "at position %u the node did not hold what it had selected, or does not any "
                     "more",
                     a->shown);
        rv_error_fact_uint(err, "position", a->shown);
        return RV_HISTORY_GONE;
    }
    return RV_OK;
}

static rv_status too_many(const rv_as_of *a, rv_error *err) {
    rv_error_set(err, RV_SQL_LIMIT,
                 "what was there then is more than %u events away; ask again, which goes on from "
                 "position %u",
                 a->options.events_max, a->position);
    rv_error_fact_text(err, "limit", RV_LITERAL("events"));
    rv_error_fact_uint(err, "events_max", a->options.events_max);
    return RV_SQL_LIMIT;
}

/* Another question: what was folded serves it, or not. */
static rv_status set_out(rv_as_of *a, const rv_as_of_place *place, rv_error *err) {
    const bool same =
        a->place.position == place->position && a->place.recorded_at == place->recorded_at;
    a->folded = same ? a->folded : 0;
    a->place = *place;
    const bool behind = !is_beyond(a, a->position, a->recorded_at);
    const bool fits = stamps_equal(a->stamp, stamp_of(a->options.node));
    if (a->from != 0 && same && fits) {
        return RV_OK; /* it is being loaded */
    }
    a->seeks = a->seeks || !same;
    return behind && fits && !a->broken ? RV_OK : begin_again(a, err);
}

rv_status rv_as_of_reach(rv_as_of *a, const rv_as_of_place *place, rv_error *err) {
    rv_node *const node = a->options.node;
    a->runnable = false;
    if (rv_node_rewinding(node) || rv_node_in_batch(node)) {
        return RV_PENDING;
    }
    rv_status status =
        place->position == UINT64_MAX ? RV_OK : rv_as_of_judge(node, place->position, err);
    status = status == RV_OK ? set_out(a, place, err) : status;
    const uint64_t before = a->work;
    while (status == RV_OK && a->work - before < SLICE_RECORDS) { /* a batch each */
        if (a->options.events_max > 0 && a->folded >= a->options.events_max) {
            a->folded = 0;
            return too_many(a, err);
        }
        status = a->seeks ? seek(a, err) : step(a, err);
    }
    if (status == RV_OK) {
        a->runnable = true;
        return RV_PENDING;
    }
    status = status == RV_END ? (a->stopped ? RV_OK : end_of_log(a, err)) : status;
    return status == RV_OK ? judge(a, err) : status;
}

bool rv_as_of_runnable(const rv_as_of *as_of) {
    return as_of->runnable;
}

/* --- what was reached --- */

rv_state *rv_as_of_state(const rv_as_of *as_of) {
    return as_of->past->state;
}

const rv_schema *rv_as_of_schema(const rv_as_of *as_of) {
    return as_of->past->schema;
}

uint64_t rv_as_of_position(const rv_as_of *as_of) {
    return as_of->shown;
}

uint64_t rv_as_of_begun_at(const rv_as_of *as_of) {
    return as_of->begun_at;
}

bool rv_as_of_stale(const rv_as_of *as_of, uint16_t aggregate, uint64_t *since) {
    return rv_node_stale(as_of->past, aggregate, since);
}
