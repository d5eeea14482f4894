/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subscription walks batches of the log. A batch that was read stays valid until the node reads
 * another or is polled (`rv_node_reads`); then it is read again, which finds it in the log's
 * cache, and the walk goes on at the record where it was.
 *
 * Of one stream, the index says which sequences its events have; the batches that hold them are
 * read, and the records before them passed over. Of several streams, or of what patterns match,
 * a guide says to which batch to go on (guide.h).
 */
#include "core/live/subscription.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"
#include "core/live/guide.h"
#include "core/log/batch.h"

void rv_subscription_open(rv_subscription *subscription, rv_node *node,
                          const rv_path_pattern *patterns, size_t pattern_count, uint64_t from) {
    RV_ASSERT(node != NULL && from > 0);
    *subscription = (rv_subscription){
        .node = node,
        .rewinds = rv_node_rewinds(node),
        .provisional = node->role == RV_ROLE_EDGE && rv_node_identity(node) == NULL,
        .from_time = INT64_MIN,
        .from_version = 1,
        .patterns = patterns,
        .pattern_count = pattern_count,
        .next_cursor = rv_log_cursor_at(from),
        .next_sequence = from,
        .time = INT64_MIN,
        .until = UINT64_MAX,
        .of_stream = pattern_count == 1 && rv_path_pattern_is_concrete(&patterns[0]),
        .stream = rv_log_stream_from(0, 1),
        .version_next = 1,
    };
}

void rv_subscription_guide(rv_subscription *subscription, rv_guide *guide) {
    RV_ASSERT(subscription->pattern_count > 0 || guide == NULL);
    subscription->guide = guide;
}

void rv_subscription_until(rv_subscription *subscription, uint64_t sequence) {
    RV_ASSERT(sequence > 0 || subscription->next_sequence > 0);
    subscription->until = sequence;
}

void rv_subscription_from_time(rv_subscription *subscription, int64_t time) {
    RV_ASSERT(!subscription->in_batch && subscription->ahead_count == 0);
    subscription->time = time;
    subscription->from_time = time;
    subscription->time_high = 0;
}

void rv_subscription_from_version(rv_subscription *subscription, uint64_t version) {
    RV_ASSERT(subscription->ahead_count == 0);
    subscription->stream.version = version > 0 ? version : 1;
    subscription->version_next = subscription->stream.version;
    subscription->from_version = subscription->stream.version;
}

void rv_subscription_by_version(rv_subscription *subscription) {
    RV_ASSERT(subscription->ahead_count == 0);
    subscription->by_version = true;
}

static rv_status enter_batch(rv_subscription *s, rv_error *err) {
    rv_log_cursor after = s->in_batch ? s->cursor : s->next_cursor;
    const rv_log_cursor before = after;
    rv_batch batch;
    const rv_status status = rv_node_read(s->node, &after, &batch, err);
    if (status != RV_OK) {
        *(s->in_batch ? &s->cursor : &s->next_cursor) = after; /* what was walked is walked */
        return status;
    }
    if (!s->in_batch || after.segment != s->next_cursor.segment) {
        s->cursor = before; /* or its segment was written again, and it may be another batch */
        s->next_cursor = after;
        s->body_offset = 0;
        s->context = rv_batch_context(&batch, s->node->log);
        s->in_batch = true;
    }
    s->batch = batch;
    s->generation = rv_node_reads(s->node);
    return RV_OK;
}

bool rv_subscription_selects(const rv_subscription *s, uint32_t stream, rv_bytes *path) {
    rv_stream_head head;
    rv_state_stream(s->node->state, stream, &head);
    *path = head.path;
    if (s->pattern_count == 0) {
        return true;
    }
    if (s->system && head.declaration == RV_NONE) {
        return true;
    }
    for (size_t i = 0; i < s->pattern_count; i++) {
        if (rv_path_pattern_match(&s->patterns[i], head.path)) {
            return true;
        }
    }
    return false;
}

/* Batches that a checkpoint has passed over were not folded at open: whether this node can make
 * something of an event shows only here. */
static bool is_known(const rv_subscription *s, const rv_event *event) {
    const rv_schema *const schema = s->node->schema;
    return event->stream < rv_node_streams_confirmed(s->node) &&
           (event->type == RV_SYSTEM_SCHEMA_TYPE ||
            event->type < rv_schema_event_type_count(schema));
}

static rv_status unreadable(const rv_subscription *s, rv_error *err) {
    rv_error_set(err, RV_DATA_DAMAGED, "the batch from sequence %u on holds what is no event here",
                 s->batch.first_sequence);
    rv_error_fact_uint(err, "sequence", s->batch.first_sequence);
    return RV_DATA_DAMAGED;
}

/* The next event of the batch that is to be looked at: RV_OK; RV_END at the batch's end;
 * RV_DATA_DAMAGED. */
static rv_status next_in_batch(rv_subscription *s, rv_event *event, rv_error *err) {
    rv_record record;
    rv_cursor c = rv_cursor_over(rv_bytes_from(s->batch.body, s->body_offset));
    while (rv_cursor_left(&c) > 0) {
        if (!rv_record_read(&c, &s->context, &record) ||
            (record.kind == RV_RECORD_EVENT && !is_known(s, &record.event))) {
            return unreadable(s, err);
        }
        s->body_offset = s->batch.body.len - rv_cursor_left(&c);
        if (record.kind == RV_RECORD_EVENT && record.event.sequence >= s->next_sequence) {
            s->next_sequence = record.event.sequence + 1;
            *event = record.event;
            return RV_OK;
        }
    }
    s->in_batch = false;
    if (s->next_sequence < s->context.next_sequence) {
        s->next_sequence = s->context.next_sequence; /* the last ones are gone */
    }
    s->watermark = s->batch.watermark;
    s->chain_hash = s->batch.chain_hash;
    return RV_END;
}

/* --- from a time --- */

/* Looks at the batch in the middle of what is left, `next_cursor` being on its way there. The time
 * of a batch is that of its first event, or an earlier one. */
static rv_status halve(rv_subscription *s, rv_error *err) {
    const uint64_t middle = s->time_low + (s->time_high - s->time_low) / 2;
    if (s->next_cursor.sequence != middle) {
        s->next_cursor = rv_log_cursor_at(middle);
    }
    rv_batch batch;
    const rv_status status = rv_node_read(s->node, &s->next_cursor, &batch, err);
    if (status == RV_END) { /* the log ends earlier than it did */
        s->time_high = middle;
    }
    if (status != RV_OK) {
        return status == RV_END ? RV_OK : status;
    }
    RV_ASSERT(batch.first_sequence <= middle && s->next_cursor.sequence > middle);
    if (batch.time < s->time) {
        if (batch.first_sequence > s->next_sequence) {
            s->next_sequence = batch.first_sequence; /* some of it may be as late */
        }
        s->time_low = s->next_cursor.sequence;
    } else {
        s->time_high = batch.first_sequence;
    }
    return RV_OK;
}

/* Goes to the last batch that began before the time: RV_OK; RV_PENDING, RV_BUSY and failures. */
static rv_status seek_time(rv_subscription *s, rv_error *err) {
    const uint64_t first = s->next_sequence;
    const uint64_t end = rv_node_sequence_durable(s->node) + 1;
    rv_status status = RV_OK;
    if (s->time_high == 0) {
        s->time_low = first;
        s->time_high = first < end && s->node->held.past.filled == 0 ? end : first;
    }
    while (status == RV_OK && s->time_low < s->time_high) { /* less each time */
        status = halve(s, err);
    }
    if (status != RV_OK) {
        return status;
    }
    s->time = INT64_MIN;
    s->next_cursor = rv_log_cursor_at(s->next_sequence);
    return RV_OK;
}

/* --- of one stream --- */

/* All that is durable was looked at. */
static rv_status stream_over(rv_subscription *s) {
    const uint64_t next = rv_node_sequence_durable(s->node) + 1;
    s->next_sequence = next > s->next_sequence ? next : s->next_sequence;
    RV_ASSERT(s->ahead_at == s->ahead_count);
    return RV_END;
}

/* The sequence of the next version, wherever that is. */
static rv_status look_for_version(rv_subscription *s, rv_error *err) {
    const rv_status status =
        rv_log_find_version(s->node->log, s->stream.stream, s->version_next, &s->search, err);
    RV_ASSERT(s->version_next > 0);
    if (status != RV_OK) {
        return status == RV_END ? stream_over(s) : status;
    }
    s->ahead[0] = s->search.sequence;
    s->ahead_at = 0;
    s->ahead_count = 1;
    s->search = (rv_log_version_search){0};
    return RV_OK;
}

/* Looks up the sequences of the next events: RV_OK, RV_END, RV_PENDING, RV_BUSY, errors. */
static rv_status look_ahead(rv_subscription *s, rv_error *err) {
    RV_ASSERT(s->ahead_at == s->ahead_count);
    rv_stream_head head = {.version = 0};
    /* what is pending has no number yet; nor are its events found when a head counts them */
    s->found =
        s->found || (rv_state_stream_find(s->node->state, s->patterns[0].text, &s->stream.stream) &&
                     s->stream.stream < rv_node_streams_confirmed(s->node));
    if (s->found) {
        rv_state_stream(s->node->state, s->stream.stream, &head);
    }
    if (head.version < s->stream.version) {
        return stream_over(s);
    }
    if (s->by_version && s->node->held.past.filled) {
        return head.version < s->version_next ? stream_over(s) : look_for_version(s, err);
    }
    uint64_t least =
        s->next_sequence > head.first_sequence ? s->next_sequence : head.first_sequence;
    s->stream.sequence = s->stream.sequence > least ? s->stream.sequence : least;
    rv_log_sequences found = {.list = s->ahead, .cap = RV_SUBSCRIPTION_AHEAD};
    const rv_status status = rv_log_find_versions(s->node->log, &s->stream, &found, err);
    s->ahead_at = 0;
    s->ahead_count = found.count;
    return status == RV_END ? stream_over(s) : status;
}

/* Sees to it that `batch` holds the sequence, and the context stands at or before it. */
static rv_status enter_batch_of(rv_subscription *s, uint64_t sequence, rv_error *err) {
    const bool valid = s->in_batch && s->generation == rv_node_reads(s->node) &&
                       s->context.next_sequence <= sequence && sequence < s->next_cursor.sequence;
    if (valid) {
        return RV_OK;
    }
    const bool same =
        s->in_batch && s->context.next_sequence <= sequence && sequence < s->next_cursor.sequence;
    rv_log_cursor cursor = s->walk.sequence == sequence ? s->walk : rv_log_cursor_at(sequence);
    if (same) {
        cursor = s->cursor;
        cursor.sequence = sequence;
    }
    rv_batch batch;
    const rv_status status = rv_node_read(s->node, &cursor, &batch, err);
    if (status != RV_OK) {
        s->walk = cursor; /* it goes on from there: what was walked is gone when others read */
        return status == RV_END ? RV_PENDING : status;
    }
    if (!same || cursor.segment != s->next_cursor.segment) {
        s->body_offset = 0;
        s->context = rv_batch_context(&batch, s->node->log);
    }
    s->next_cursor = cursor;
    s->cursor = cursor;
    s->cursor.offset -= rv_batch_size(batch.body.len); /* where it begins */
    s->in_batch = true;
    s->batch = batch;
    s->generation = rv_node_reads(s->node);
    return RV_OK;
}

/* The event with this sequence, which the batch has. */
static bool event_of(rv_subscription *s, uint64_t sequence, rv_event *event) {
    rv_record record;
    rv_cursor c = rv_cursor_over(rv_bytes_from(s->batch.body, s->body_offset));
    while (rv_cursor_left(&c) > 0 && rv_record_read(&c, &s->context, &record)) {
        s->body_offset = s->batch.body.len - rv_cursor_left(&c);
        if (record.kind == RV_RECORD_EVENT && record.event.sequence == sequence) {
            *event = record.event;
            return true;
        }
    }
    RV_ASSERT(s->body_offset <= s->batch.body.len);
    return false;
}

static rv_status stream_next(rv_subscription *s, rv_event *event, rv_bytes *path, rv_error *err) {
    rv_status status = s->ahead_at < s->ahead_count ? RV_OK : look_ahead(s, err);
    if (status != RV_OK) {
        return status;
    }
    const uint64_t sequence = s->ahead[s->ahead_at];
    if (sequence > s->until) {
        return RV_END;
    }
    status = enter_batch_of(s, sequence, err);
    if (status != RV_OK) {
        return status;
    }
    if (!event_of(s, sequence, event) || event->stream != s->stream.stream) {
        s->in_batch = false;
        s->ahead_at = s->ahead_count;
        s->stream.sequence = s->next_sequence;
        s->stream.version = s->version_next;
        rv_log_index_doubt(s->node->log, sequence);
        return RV_PENDING;
    }
    if (!is_known(s, event)) {
        return unreadable(s, err);
    }
    s->ahead_at += 1;
    s->next_sequence = sequence + 1;
    s->version_next = event->version + 1;
    rv_stream_head head;
    rv_state_stream(s->node->state, event->stream, &head);
    *path = head.path;
    return RV_OK;
}

/* --- of all that match --- */

/* Passes over what does not match, if there is a guide that knows and no batch is left in the
 * middle: RV_OK, RV_PENDING, RV_BUSY. */
static rv_status pass_over(rv_subscription *s, rv_error *err) {
    const uint64_t durable = rv_node_sequence_durable(s->node);
    uint64_t next = s->next_sequence;
    RV_ASSERT(!s->in_batch);
    if (s->guide == NULL || s->node->held.past.filled) {
        return RV_OK; /* (versions do not rise with sequences where the past was filled in) */
    }
    const rv_status status =
        rv_guide_next(s->guide, s, s->until < durable ? s->until : durable, &next, err);
    if (status == RV_OK && next != s->next_sequence) {
        s->next_sequence = next;
        s->next_cursor = rv_log_cursor_at(next);
    }
    return status;
}

static rv_status matching_next(rv_subscription *s, uint32_t scan_max, rv_event *event,
                               rv_bytes *path, rv_error *err) {
    uint32_t scanned = 0;
    while (scanned < scan_max) {
        if (!s->in_batch && s->next_sequence > s->until) {
            return RV_END;
        }
        if (!s->in_batch || s->generation != rv_node_reads(s->node)) {
            rv_status status = s->in_batch ? RV_OK : pass_over(s, err);
            status = status == RV_OK ? enter_batch(s, err) : status;
            if (status != RV_OK) {
                return status;
            }
        }
        const rv_status status = next_in_batch(s, event, err);
        if (status == RV_OK && !(s->straight && event->filled) &&
            rv_subscription_selects(s, event->stream, path)) {
            return RV_OK;
        }
        if (status == RV_DATA_DAMAGED) {
            return status;
        }
        scanned += status == RV_OK;
    }
    RV_ASSERT(scanned == scan_max);
    return RV_PENDING;
}

/* Of an edge's own log nothing was yielded: all of the root's is to come. */
static void begin_again(rv_subscription *s) {
    const rv_subscription before = *s;
    rv_subscription_open(s, before.node, before.patterns, before.pattern_count, 1);
    RV_ASSERT(before.provisional);
    s->system = before.system;
    s->by_version = before.by_version;
    s->until = before.until;
    rv_subscription_from_version(s, before.from_version);
    if (before.from_time != INT64_MIN) {
        rv_subscription_from_time(s, before.from_time);
    }
}

rv_status rv_subscription_next(rv_subscription *s, uint32_t scan_max, rv_event *event,
                               rv_bytes *path, rv_error *err) {
    RV_ASSERT(scan_max > 0);
    if (rv_node_rewinding(s->node)) {
        return RV_PENDING;
    }
    if (s->provisional && rv_node_provisional(s->node)) {
        return RV_END; /* nothing of it is confirmed (SEMANTICS 28) */
    }
    if (s->provisional && s->rewinds != rv_node_rewinds(s->node)) {
        begin_again(s);
    }
    if (s->rewinds != rv_node_rewinds(s->node)) {
        return rv_error_set(err, RV_HISTORY_GONE,
                            "the root was restored from a backup, and this node went back in its "
                            "history; read from the beginning, or from a position");
    }
    if (s->time != INT64_MIN) {
        const rv_status status = seek_time(s, err);
        if (status != RV_OK) {
            return status;
        }
    }
    /* Batch ends and schema changes are told to those only that go through all. */
    const bool led = s->of_stream && !s->system &&
                     (s->by_version || !s->node->held.past.filled); /* else by sequence */
    if (s->led && !led) { /* the past is filled in since: it stands in a batch as the other would */
        s->in_batch = false;
        s->next_cursor = rv_log_cursor_at(s->next_sequence);
    }
    s->led = led;
    return led ? stream_next(s, event, path, err) : matching_next(s, scan_max, event, path, err);
}

void rv_subscription_pass(rv_subscription *s, uint64_t sequence) {
    RV_ASSERT(sequence >= s->next_sequence && (s->led || !s->in_batch));
    if (sequence == s->next_sequence) {
        return;
    }
    s->next_sequence = sequence;
    if (!s->led) {
        s->next_cursor = rv_log_cursor_at(sequence);
    }
}

bool rv_subscription_level(const rv_subscription *s) {
    return s->next_sequence == rv_node_sequence_durable(s->node) + 1 && s->time == INT64_MIN &&
           s->rewinds == rv_node_rewinds(s->node) && (s->led || !s->in_batch) &&
           s->ahead_at == s->ahead_count;
}

uint64_t rv_subscription_sequence(const rv_subscription *subscription) {
    return subscription->next_sequence;
}

uint64_t rv_subscription_watermark(const rv_subscription *s) {
    return s->watermark;
}

uint64_t rv_subscription_chain(const rv_subscription *s) {
    return s->chain_hash;
}

void rv_subscription_stands(rv_subscription *s, uint64_t watermark, uint64_t chain_hash) {
    RV_ASSERT(!s->in_batch && s->watermark == 0);
    s->watermark = watermark;
    s->chain_hash = chain_hash;
}
