/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root judges each batch over its rows, and does not know what those it has refused would have
 * made of them. The edge does: it keeps what was refused until the application has taken note. So
 * it is here that a reference to a row that is missing is traced to the batch that was to create
 * it. The root's facts name the row by aggregate and key; each row that a refused batch creates is
 * told the same way, and compared.
 */
#include "core/engine/cause.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

#define LOOKED_AT_MAX 256u /* rejections, the newest before the batch */
#define KEY_TEXT_MAX  200u /* as facts have it */

/* The key that a touch of the node's values has, as facts tell it. False: it is too long. */
static bool key_text(const rv_node *node, const rv_event_type *type, const rv_touch *touch,
                     rv_writer *w) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(node->schema, touch->aggregate);
    const bool several = aggregate->key_count > 1;
    RV_ASSERT(aggregate->key_count > 0 && w->len == 0);
    for (uint16_t i = 0; i < aggregate->key_count; i += 1) {
        const uint16_t field = touch->fields[i];
        rv_write_text(w, i > 0 ? ", " : several ? "(" : "");
        if (rv_value_is_null(&node->values[field])) {
            rv_write_text(w, "null");
        } else {
            rv_value_to_text(&type->fields[field].type, &node->values[field], w);
        }
    }
    rv_write_text(w, several ? ")" : "");
    return !w->full;
}

/* True when the event, decoded into the node's values, creates the row that the facts name. */
static bool creates_row(const rv_node *node, const rv_event_type *type, const rv_error *refusal) {
    bool creates = false;
    RV_ASSERT(type->touch_count <= RV_TOUCHES_MAX);
    for (uint16_t t = 0; t < type->touch_count && !creates; t += 1) {
        const rv_touch *const touch = &type->touches[t];
        uint8_t text[KEY_TEXT_MAX];
        rv_writer key = rv_writer_over(text, sizeof text);
        rv_error row = {.status = RV_OK};
        if (touch->kind != RV_TOUCH_CREATES || !key_text(node, type, touch, &key)) {
            continue;
        }
        rv_error_fact_text(&row, "aggregate",
                           rv_schema_aggregate(node->schema, touch->aggregate)->name);
        rv_error_fact_text(&row, "key", rv_writer_bytes(&key));
        const size_t len = row.facts_len;
        creates = len <= refusal->facts_len && memcmp(row.facts, refusal->facts, len) == 0 &&
                  (len == refusal->facts_len || refusal->facts[len] == ',');
    }
    return creates;
}

/* True when an event of the batch creates the row. */
static bool batch_creates(rv_node *node, const rv_pending *batch, const rv_error *refusal) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    bool creates = false;
    RV_ASSERT(batch->count > 0);
    while (!creates && rv_pending_event_next(batch, &cursor, &event)) {
        if (event.type >= rv_schema_event_type_count(node->schema)) {
            continue;
        }
        const rv_event_type *const type = rv_schema_event_type(node->schema, event.type);
        creates = rv_event_data_decode(type, event.data, node->values) &&
                  creates_row(node, type, refusal);
    }
    return creates;
}

static void tell(const rv_rejection *cause, rv_error *refusal) {
    const rv_error before = *refusal;
    const rv_bytes detail = rv_error_detail(&before);
    RV_ASSERT(cause->batch.edge_sequence > 0);
    (void)rv_error_set(refusal, RV_DEPENDENCY_REJECTED,
                       "%b: batch %u of this edge was to create it, and was refused", &detail,
                       cause->batch.edge_sequence);
    rv_error_fact_uint(refusal, "edge_sequence", cause->batch.edge_sequence);
    rv_error_fact_text(refusal, "cause", rv_bytes_of_string(rv_status_code(cause->reason.status)));
    rv_writer w = rv_writer_over(refusal->facts, sizeof refusal->facts - 1);
    w.len = refusal->facts_len;
    rv_write_u8(&w, ',');
    rv_write(&w, rv_bytes_of(before.facts, before.facts_len));
    refusal->facts_len = w.full ? refusal->facts_len : w.len;
    refusal->facts[refusal->facts_len] = '\0';
}

void rv_outbox_cause(rv_node *node, uint64_t edge_sequence, rv_error *refusal) {
    uint8_t key[RV_PENDING_KEY];
    rv_pending_key(edge_sequence, key);
    const rv_bytes none = {NULL, 0};
    const uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_REJECTION, none);
    uint32_t at = rv_ledger_seek(&node->ledger, RV_LEDGER_REJECTION, rv_bytes_of(key, sizeof key));
    RV_ASSERT(first <= at);
    if (refusal->status != RV_UNKNOWN_REFERENCE || refusal->facts_len == 0) {
        return;
    }
    for (uint32_t i = 0; i < LOOKED_AT_MAX && at > first; i += 1) {
        rv_rejection cause;
        at -= 1;
        const uint64_t sequence = rv_pending_key_read(rv_ledger_at(&node->ledger, at).key);
        if (rv_waiting_rejection(node, sequence, &cause) &&
            batch_creates(node, &cause.batch, refusal)) {
            tell(&cause, refusal);
            return;
        }
    }
}
