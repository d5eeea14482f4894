/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of what was written at an edge: GET /pending, what the root has not decided or has
 * accepted and not sent yet, and GET /rejections, what it refused, until DELETE
 * /rejections/{event_id} says that the application has taken note. Both list batches in the order
 * of writing, by edge sequence; `after` and `limit` go through many. A root has none. An edge that
 * has gone back may have refused an event twice, which was given again; `edge_sequence` names the
 * batch then, else it is the first.
 *
 * GET /pending/{edge_sequence} tells what became of one batch: waiting, accepted, rejected, or
 * unknown (it was never written, or was decided and not refused, or acknowledged, long ago).
 */
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/engine/command.h"

#define REASONS_MAX 16 /* told with all there is to say: each folds again what waits */

/* Where a list is. */
typedef struct outbox_list {
    uint64_t after;
    uint64_t left;
    uint64_t written;
    rv_writer w;
} outbox_list;

static rv_status list_begin(rv_exchange *x, const rv_url *url, outbox_list *list, rv_error *err) {
    *list = (outbox_list){.left = UINT64_MAX};
    rv_arena *const scratch = &x->face->scratch;
    rv_status status = rv_url_number(url, "after", scratch, &list->after, err);
    status = status == RV_OK ? rv_url_number(url, "limit", scratch, &list->left, err) : status;
    status = status == RV_OK ? exchange_writer(x, true, &list->w) : status;
    if (status == RV_OK) {
        rv_write_u8(&list->w, '[');
    }
    if (rv_node_role(x->face->options.node) != RV_ROLE_EDGE) {
        list->left = 0;
    }
    return status;
}

static void list_next(outbox_list *list, uint64_t edge_sequence) {
    RV_ASSERT(edge_sequence > list->after);
    list->after = edge_sequence;
    list->left -= 1;
    list->written += 1;
}

static rv_status list_end(rv_exchange *x, outbox_list *list, rv_error *err) {
    RV_ASSERT(list->w.cap > 0);
    rv_write_text(&list->w, "]\n");
    if (list->w.full) {
        return rv_error_set(err, RV_SQL_LIMIT,
                            "the answer is larger than %u bytes; ask for less at once, with "
                            "`limit` and `after`",
                            (uint64_t)x->face->options.result_len_max);
    }
    x->source.outbox = true;
    x->source.followed = true;
    exchange_answer(x, 200, "application/json", rv_writer_bytes(&list->w));
    return RV_OK;
}

/* Why a batch is suspended, in full while `full`: that changes what was borrowed of it. */
static void write_reason(const rv_exchange *x, rv_pending *batch, bool full, rv_writer *w) {
    rv_node *const node = x->face->options.node;
    rv_error reason;
    (void)rv_error_set(&reason, batch->reason, "%s", rv_status_text(batch->reason));
    if (full) {
        const uint64_t edge_sequence = batch->edge_sequence;
        rv_error told = {.status = RV_OK};
        if (rv_node_pending_reason(node, edge_sequence, &told) != RV_OK && told.status != RV_OK) {
            reason = told;
        }
        const bool found = rv_node_pending(node, edge_sequence - 1, batch);
        RV_ASSERT(found && batch->edge_sequence == edge_sequence);
    }
    face_narrow(x, &reason);
    rv_write_u8(w, '{');
    rv_error_write_members(&reason, w);
    rv_write_u8(w, '}');
}

/* Why a batch that is to be pushed is not. */
static void write_held(const rv_face *face, const rv_pending *batch, rv_writer *w) {
    rv_error reason;
    if (face->options.edge == NULL || batch->state == RV_PENDING_ACCEPTED ||
        !rv_edge_held(face->options.edge, batch, &reason)) {
        rv_write_text(w, "null");
        return;
    }
    RV_ASSERT(reason.status != RV_OK);
    rv_write_u8(w, '{');
    rv_error_write_members(&reason, w);
    rv_write_u8(w, '}');
}

/* Of a command that is to run before it is sent. */
static void write_waiting(const rv_face *face, const rv_pending *batch, rv_writer *w) {
    rv_error reason;
    (void)rv_node_command_reason(face->options.node, batch, &reason);
    rv_write_u8(w, '{');
    rv_error_write_members(&reason, w);
    rv_write_u8(w, '}');
}

/* Whoever may read all of its streams, or wrote it, is shown a batch, and what became of it
 * (SEMANTICS 11). */
static bool may_see(const rv_exchange *x, const rv_pending *batch) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    bool may = !x->guarded || face_require(x, FACE_ADMIN, (rv_bytes){NULL, 0}, NULL) == RV_OK ||
               rv_bytes_equal(batch->principal, rv_bytes_of(x->principal, x->principal_len));
    if (may) {
        return true;
    }
    may = true;
    while (may && rv_node_pending_event(x->face->options.node, batch, &cursor, &event)) {
        may = face_require(x, FACE_READ, event.path, NULL) == RV_OK;
    }
    RV_ASSERT(!may || cursor.index == batch->count);
    return may;
}

static bool holds(const rv_node *node, const rv_pending *batch, const uint8_t *id) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    bool met = false;
    RV_ASSERT(id != NULL);
    while (!met && rv_node_pending_event(node, batch, &cursor, &event)) {
        met = memcmp(event.event_id, id, sizeof event.event_id) == 0;
    }
    return met;
}

/* The rejection of the batch that holds the event: the first one, or that with the edge sequence
 * which is named beside. */
static rv_status find_rejection(const rv_exchange *x, const rv_url *url, rv_rejection *rejection,
                                rv_error *err) {
    const rv_node *const node = x->face->options.node;
    uint8_t id[16];
    uint64_t sequence = 0;
    RV_ASSERT(url->segment_count == 2);
    rv_status status = face_parse_id(url->segments[1], id, err);
    status = status == RV_OK
                 ? rv_url_number(url, "edge_sequence", &x->face->scratch, &sequence, err)
                 : status;
    if (status != RV_OK) {
        return status;
    }
    if (rv_node_role(node) != RV_ROLE_EDGE) {
        return rv_error_set(err, RV_NOT_FOUND, "a root refuses at once, and keeps nothing");
    }
    const bool found = sequence == 0 ? rv_node_rejection_of(node, id, rejection)
                                     : rv_node_rejection(node, sequence - 1, rejection) &&
                                           rejection->batch.edge_sequence == sequence &&
                                           holds(node, &rejection->batch, id);
    return found ? RV_OK : rv_error_set(err, RV_NOT_FOUND, "no event with this id was refused");
}

rv_status face_pending(rv_exchange *x, const rv_url *url, rv_error *err) {
    static const char *const states[] = {"waiting", "suspended", "accepted"};
    rv_node *const node = x->face->options.node;
    outbox_list list;
    rv_pending batch;
    unsigned reasons = 0;
    const rv_status status = list_begin(x, url, &list, err);
    if (status != RV_OK) {
        return status;
    }
    rv_writer *const w = &list.w;
    while (list.left > 0 && !w->full && rv_node_pending(node, list.after, &batch)) {
        if (!may_see(x, &batch)) {
            list.after = batch.edge_sequence;
            continue;
        }
        rv_write_text(w, list.written > 0 ? ",{" : "{");
        face_write_pending_facts(&batch, w);
        rv_write_text(w, batch.durable ? ",\"durable\":true" : ",\"durable\":false");
        rv_write_text(w, ",\"state\":\"");
        RV_ASSERT(batch.state <= RV_PENDING_ACCEPTED);
        rv_write_text(w, states[batch.state]);
        rv_write_text(w, "\",\"position\":");
        if (batch.state == RV_PENDING_ACCEPTED) {
            rv_write_uint(w, batch.position);
        } else {
            rv_write_text(w, "null");
        }
        rv_write_text(w, ",\"reason\":");
        if (batch.due) {
            write_waiting(x->face, &batch, w);
        } else if (batch.state == RV_PENDING_SUSPENDED) {
            write_reason(x, &batch, reasons < REASONS_MAX, w);
            reasons += 1;
        } else {
            write_held(x->face, &batch, w);
        }
        rv_write_text(w, face_is_relayed(x->face, batch.edge_sequence) ? ",\"relayed\":true"
                                                                       : ",\"relayed\":false");
        rv_write_text(w, ",\"events\":");
        face_write_pending_events(x->face, &batch, w);
        rv_write_u8(w, '}');
        list_next(&list, batch.edge_sequence);
    }
    return list_end(x, &list, err);
}

rv_status face_rejections(rv_exchange *x, const rv_url *url, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    outbox_list list;
    rv_rejection rejection;
    const rv_status status = list_begin(x, url, &list, err);
    if (status != RV_OK) {
        return status;
    }
    rv_writer *const w = &list.w;
    while (list.left > 0 && !w->full && rv_node_rejection(node, list.after, &rejection)) {
        if (!may_see(x, &rejection.batch)) {
            list.after = rejection.batch.edge_sequence;
            continue;
        }
        rv_write_text(w, list.written > 0 ? ",{" : "{");
        face_write_pending_facts(&rejection.batch, w);
        face_narrow(x, &rejection.reason);
        rv_write_text(w, ",\"reason\":{");
        rv_error_write_members(&rejection.reason, w);
        rv_write_text(w, "},\"events\":");
        face_write_pending_events(x->face, &rejection.batch, w);
        rv_write_u8(w, '}');
        list_next(&list, rejection.batch.edge_sequence);
    }
    RV_ASSERT(list.written == 0 || list.after > 0);
    return list_end(x, &list, err);
}

rv_status face_rejection_forget(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_rejection rejection;
    rv_status status = find_rejection(x, url, &rejection, err);
    if (status == RV_OK && !may_see(x, &rejection.batch)) {
        status = rv_error_set(err, RV_FORBIDDEN,
                              "the rejection is of what somebody else wrote, to streams that may "
                              "not be read");
    }
    if (status == RV_OK) {
        const uint64_t sequence = rejection.batch.edge_sequence;
        status = rv_node_rejection_forget(x->face->options.node, sequence, err);
    }
    if (status == RV_OK) {
        exchange_answer(x, 200, "application/json", RV_LITERAL("{\"acknowledged\":true}\n"));
    }
    return status;
}

rv_status face_outcome(rv_exchange *x, const rv_url *url, rv_error *err) {
    static const char *const kinds[] = {"waiting", "accepted", "rejected"};
    const rv_node *const node = x->face->options.node;
    uint64_t edge_sequence = 0;
    rv_outcome outcome = {.kind = RV_OUTCOME_WAITING};
    rv_writer w;
    RV_ASSERT(url->segment_count == 2);
    if (!rv_number_parse(url->segments[1], &edge_sequence)) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "an edge sequence is a number, not `%b`",
                            &url->segments[1]);
    }
    const rv_status status = exchange_writer(x, false, &w);
    const bool known =
        rv_node_role(node) == RV_ROLE_EDGE && rv_node_outcome(node, edge_sequence, &outcome);
    RV_ASSERT(status == RV_OK && outcome.kind <= RV_OUTCOME_REJECTED);
    rv_rejection rejection;
    if (known && outcome.kind == RV_OUTCOME_REJECTED && x->guarded &&
        rv_node_rejection(node, outcome.edge_sequence - 1, &rejection) &&
        !may_see(x, &rejection.batch)) {
        (void)rv_error_set(&outcome.reason, outcome.reason.status, "%s",
                           rv_status_text(outcome.reason.status));
    }
    rv_write_text(&w, "{\"edge_sequence\":");
    rv_write_uint(&w, known ? outcome.edge_sequence : edge_sequence);
    rv_write_text(&w, ",\"outcome\":\"");
    rv_write_text(&w, known ? kinds[outcome.kind] : "unknown");
    rv_write_text(&w, "\",\"position\":");
    if (outcome.position > 0) {
        rv_write_uint(&w, outcome.position);
    } else {
        rv_write_text(&w, "null");
    }
    rv_write_text(&w, ",\"reason\":");
    if (outcome.kind == RV_OUTCOME_REJECTED) {
        face_narrow(x, &outcome.reason);
        rv_write_u8(&w, '{');
        rv_error_write_members(&outcome.reason, &w);
        rv_write_u8(&w, '}');
    } else {
        rv_write_text(&w, "null");
    }
    rv_write_text(&w, "}\n");
    RV_ASSERT(!w.full); /* a problem with the same members fits */
    exchange_answer(x, 200, "application/json", rv_writer_bytes(&w));
    return RV_OK;
}
