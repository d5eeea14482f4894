/* SPDX-License-Identifier: Apache-2.0 */
/* Schema changes and appends. Over a directory they return when what they wrote is durable. */
#include "lib/db.h"

#include "core/base/assert.h"
#include "rivulet/outbox.h"

/* Waits, where calls wait, until a sequence is durable. RV_OK, or why it will not be. */
static rv_status wait_durable(rv_db *db, uint64_t sequence, rv_error *err) {
    rv_status status = RV_OK;
    while (db->waits && status == RV_OK && rv_node_sequence_durable(db->node) < sequence) {
        status = rv_node_poll(db->node, err);
    }
    return status;
}

rv_status rv_db_schema_apply(rv_db *db, rv_bytes text, rv_db_event *event, rv_error *err) {
    RV_ASSERT(db != NULL && (text.ptr != NULL || text.len == 0));
    rv_event result = {.sequence = 0};
    rv_status status;
    do {
        status = rv_node_role(db->node) == RV_ROLE_ROOT
                     ? rv_node_schema_apply(db->node, text, &result, err)
                     : rv_node_schema_provide(db->node, text, err);
    } while (rv_db_again(db, status));
    if (result.sequence == 0 && event != NULL) {
        *event = (rv_db_event){.position = 0};
        return status;
    }
    if (status == RV_OK && event != NULL) {
        rv_db_event_of(db, &result, rv_text(RV_SYSTEM_SCHEMA_PATH), event);
    }
    return status == RV_OK ? wait_durable(db, result.sequence, err) : status;
}

rv_status rv_db_schema_check(rv_db *db, rv_bytes text, rv_error *err) {
    RV_ASSERT(db != NULL && (text.ptr != NULL || text.len == 0));
    rv_status status;
    do {
        status = rv_node_schema_check(db->node, text, err);
    } while (rv_db_again(db, status));
    return status;
}

rv_status rv_db_schema_print(const rv_db *db, rv_buffer *out) {
    RV_ASSERT(db != NULL && out != NULL);
    rv_writer w = rv_db_writer(out);
    rv_schema_print(rv_node_schema(db->node), &w);
    return rv_db_written(&w, out);
}

/* The results of a batch stand in scratch, as they are of another shape than what is given out. */
static rv_status append(rv_db *db, const rv_command *command, const rv_append *appends,
                        size_t count, rv_db_event *events, rv_error *err) {
    RV_ASSERT(db != NULL && (appends != NULL || count == 0));
    rv_arena_reset(&db->scratch, 0);
    rv_event *const results =
        count > RV_BATCH_EVENTS_MAX ? NULL : rv_arena_take(&db->scratch, count * sizeof *results);
    if (results == NULL) {
        return rv_error_set(err, RV_BATCH_TOO_LARGE, "a batch of %u events is too large here",
                            (uint64_t)count);
    }
    if (rv_node_role(db->node) == RV_ROLE_EDGE) {
        return rv_db_write(db, command, appends, count, results, events, err);
    }
    rv_status status;
    do {
        status = rv_node_append(db->node, appends, count, results, err);
    } while (rv_db_again(db, status));
    if (status != RV_OK || count == 0) {
        return status;
    }
    for (size_t i = 0; i < count && events != NULL; i += 1) {
        rv_stream_head head;
        rv_state_stream(rv_node_state(db->node), results[i].stream, &head);
        rv_db_event_of(db, &results[i], head.path, &events[i]);
    }
    return wait_durable(db, results[count - 1].sequence, err);
}

rv_status rv_db_append(rv_db *db, const rv_append *appends, size_t count, rv_db_event *events,
                       rv_error *err) {
    RV_ASSERT(db != NULL && db->node != NULL);
    return append(db, NULL, appends, count, events, err);
}

rv_status rv_db_command_append(rv_db *db, const rv_db_command *command, const rv_append *appends,
                               size_t count, rv_db_event *events, rv_error *err) {
    RV_ASSERT(db != NULL && command != NULL);
    const rv_command what = {command->name, command->args};
    return append(db, &what, appends, count, events, err);
}

uint64_t rv_db_stream_version(const rv_db *db, rv_bytes path) {
    RV_ASSERT(db != NULL && path.ptr != NULL);
    uint32_t number = 0;
    if (!rv_state_stream_find(rv_node_state(db->node), path, &number)) {
        return 0;
    }
    rv_stream_head head;
    rv_state_stream(rv_node_state(db->node), number, &head);
    return head.version;
}
