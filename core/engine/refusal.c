/* SPDX-License-Identifier: Apache-2.0 */
/* What of a refusal may be told to whom: see engine/refusal.h. */
#include "core/engine/refusal.h"

#include "core/base/assert.h"
#include "core/model/json.h"
#include "core/model/value_number.h"

#define NUMBERS_LEN                                                                                \
    64u /* of facts that come later: which event of a batch, where it was judged                   \
         */
#define SCRATCH (3 * RV_ERROR_FACTS_MAX)

void rv_refusal_name_stream(rv_node *node, uint32_t stream, rv_status status, rv_error *refusal) {
    rv_stream_head head;
    RV_ASSERT(status != RV_OK);
    if (refusal == NULL || refusal->status != status || refusal->facts_len == 0) {
        return;
    }
    const size_t len = refusal->facts_len;
    rv_state_stream(rv_node_state(node), stream, &head);
    rv_error_fact_text(refusal, "path", head.path);
    if (refusal->facts_len > sizeof refusal->facts - NUMBERS_LEN) {
        refusal->facts_len = len;
    }
}

/* The member of this name, its value met. False: there is none. */
static bool find_fact(const rv_error *refusal, const char *name, rv_arena *scratch,
                      rv_json_token *token) {
    uint8_t *const text = rv_arena_take_raw(scratch, sizeof refusal->facts + 2);
    RV_ASSERT(text != NULL && refusal->facts_len <= sizeof refusal->facts);
    rv_writer w = rv_writer_over(text, sizeof refusal->facts + 2);
    rv_write_u8(&w, '{');
    rv_write(&w, rv_bytes_of(refusal->facts, refusal->facts_len));
    rv_write_u8(&w, '}');
    rv_json json = rv_json_over(rv_writer_bytes(&w), scratch);
    rv_status status = rv_json_next(&json, token, NULL);
    for (size_t i = 0; i < w.len && status == RV_OK; i++) {
        status = rv_json_next(&json, token, NULL);
        if (status != RV_OK || token->kind != RV_JSON_KEY) {
            break;
        }
        const bool met = rv_bytes_are(token->text, name);
        status = rv_json_next(&json, token, NULL);
        if (met && status == RV_OK) {
            return true;
        }
    }
    return false;
}

rv_bytes rv_refusal_fact(const rv_error *refusal, const char *name, rv_arena *scratch) {
    rv_json_token token;
    return find_fact(refusal, name, scratch, &token) && token.kind == RV_JSON_STRING
               ? token.text
               : (rv_bytes){NULL, 0};
}

static bool may_know(const rv_node *node, const rv_access_token *reader, const rv_error *refusal) {
    uint8_t memory[2][SCRATCH];
    rv_arena scratch = rv_arena_over(memory[0], SCRATCH);
    rv_arena more = rv_arena_over(memory[1], SCRATCH);
    const rv_bytes path = rv_refusal_fact(refusal, "path", &scratch);
    const bool reads = path.len > 0 && rv_token_may_read(reader, path);
    const rv_status status = refusal->status;
    switch (status) {
    case RV_VERSION_CONFLICT:
        return reads;
    case RV_UNKNOWN_REFERENCE:
    case RV_ROW_EXISTS:
    case RV_ROW_OF_OTHER_STREAM:
    case RV_KEY_LEASED:
    case RV_NO_KEYS:
        return true;
    default:
        break;
    }
    const rv_bytes name = rv_refusal_fact(refusal, "aggregate", &more);
    if (name.len == 0) {
        return true; /* it is about the event */
    }
    const rv_aggregate *const aggregate = rv_schema_aggregate_named(rv_node_schema(node), name);
    const bool rows = rv_token_may_read_rows(reader, name);
    if (status == RV_ROW_REFERENCED) {
        rv_arena_reset(&scratch, 0);
        const rv_bytes by = rv_refusal_fact(refusal, "referring_aggregate", &scratch);
        return rows && rv_token_may_read_rows(reader, by.len > 0 ? by : RV_LITERAL("*"));
    }
    return rows ||
           (reads && status != RV_UNIQUE_VIOLATION && aggregate != NULL && !aggregate->shared);
}

/* What is told of the batch, not of what it was judged by. */
static void keep_number(const rv_error *refusal, const char *name, rv_error *told) {
    uint8_t memory[SCRATCH];
    rv_arena scratch = rv_arena_over(memory, SCRATCH);
    rv_json_token token;
    int64_t number = 0;
    if (find_fact(refusal, name, &scratch, &token) &&
        rv_number_parse_int(token.text, &number) == RV_NUMBER_OK && number >= 0) {
        rv_error_fact_uint(told, name, (uint64_t)number);
    }
}

void rv_refusal_narrow(const rv_node *node, const rv_access_token *reader, rv_error *refusal) {
    uint8_t memory[SCRATCH];
    rv_arena scratch = rv_arena_over(memory, SCRATCH);
    rv_error told;
    RV_ASSERT(refusal->status != RV_OK);
    if (reader != NULL && may_know(node, reader, refusal)) {
        return;
    }
    (void)rv_error_set(&told, refusal->status, "%s", rv_status_text(refusal->status));
    const rv_bytes path = rv_refusal_fact(refusal, "path", &scratch);
    if (path.len > 0) { /* the event's own */
        rv_error_fact_text(&told, "path", path);
    }
    keep_number(refusal, "index", &told);
    keep_number(refusal, "judged_at", &told);
    *refusal = told;
}
