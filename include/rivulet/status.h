/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every result a Rivulet call can have, in one table: the C name, the stable code that programs
 * compare, the HTTP status it is answered with, and what it means to a person.
 *
 * The code never changes once released; the text may. `RV_OK`, `RV_PENDING` and `RV_END` are not
 * errors: done, not yet (call again after the next completion), and nothing more for now.
 */
#ifndef RIVULET_STATUS_H
#define RIVULET_STATUS_H

#include "rivulet/export.h"

/* X(NAME, code, HTTP status, meaning) */
#define RV_STATUS_TABLE(X)                                                                         \
    X(OK, "ok", 200, "Done")                                                                       \
    X(PENDING, "pending", 202, "Not yet: waits for an operation that is under way")                \
    X(END, "end", 200, "Nothing more for now")                                                     \
    /* the request */                                                                              \
    X(REQUEST_INVALID, "request_invalid", 400, "The request is malformed")                         \
    X(JSON_INVALID, "json_invalid", 400, "The text is not valid JSON")                             \
    X(PARAMETER_INVALID, "parameter_invalid", 400, "A parameter has a value that is not allowed")  \
    X(PATH_INVALID, "path_invalid", 400, "The path or pattern is malformed")                       \
    X(NOT_FOUND, "not_found", 404, "There is nothing under this address")                          \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, "The address does not take this method")      \
    X(REQUEST_TOO_LARGE, "request_too_large", 413, "The request is larger than the limit")         \
    X(MEDIA_UNSUPPORTED, "media_unsupported", 415, "The body is in a form that is not taken")      \
    X(ORIGIN_NOT_ALLOWED, "origin_not_allowed", 403, "Pages of this origin may not use the node")  \
    X(HOST_NOT_ALLOWED, "host_not_allowed", 403, "The node does not answer under this name")       \
    X(UNAUTHENTICATED, "unauthenticated", 401, "The node asks for a token that it knows")          \
    X(FORBIDDEN, "forbidden", 403, "The token does not have this right")                           \
    X(TOKEN_EXISTS, "token_exists", 409, "There is a token of this name already")                  \
    X(UNSUPPORTED, "unsupported", 501, "This version does not have that yet")                      \
    /* schema and expressions */                                                                   \
    X(SCHEMA_SYNTAX, "schema_syntax", 400, "The schema text has a syntax error")                   \
    X(SCHEMA_INVALID, "schema_invalid", 400, "The schema contradicts itself")                      \
    X(SCHEMA_AMBIGUOUS, "schema_ambiguous", 400, "The schema can be read in two ways")             \
    X(SCHEMA_DUPLICATE, "schema_duplicate", 409, "The name is already taken")                      \
    X(SCHEMA_UNKNOWN_NAME, "schema_unknown_name", 400, "The schema uses a name it does not have")  \
    X(SCHEMA_TOO_LARGE, "schema_too_large", 413, "The schema exceeds a limit")                     \
    X(SCHEMA_UNKNOWN, "schema_unknown", 409, "The upstream does not know this schema")             \
    X(SCHEMA_CONFLICT, "schema_conflict", 409, "The node has another schema")                      \
    X(SCHEMA_UNSUPPORTED, "schema_unsupported", 501,                                               \
      "The schema has what this version does not understand")                                      \
    X(EXPRESSION_TYPE, "expression_type", 400, "The expression's types do not fit")                \
    X(EXPRESSION_LIMIT, "expression_limit", 422, "The expression takes too many steps")            \
    X(DIVISION_BY_ZERO, "division_by_zero", 422, "Division by zero")                               \
    /* appending */                                                                                \
    X(UNKNOWN_STREAM, "unknown_stream", 404, "No stream is declared under this name or path")      \
    X(UNKNOWN_EVENT_TYPE, "unknown_event_type", 404, "No event type has this name")                \
    X(UNKNOWN_AGGREGATE, "unknown_aggregate", 404, "No aggregate has this name")                   \
    X(UNKNOWN_FIELD, "unknown_field", 400, "The event type has no such field")                     \
    X(EVENT_TYPE_NOT_ADMITTED, "event_type_not_admitted", 400,                                     \
      "The stream does not admit this event type")                                                 \
    X(STREAM_NOT_FOUND, "stream_not_found", 404, "The stream has no events")                       \
    X(ROW_NOT_FOUND, "row_not_found", 404, "The aggregate has no row with this key")               \
    X(VALUE_INVALID, "value_invalid", 400, "The value is not one of its type")                     \
    X(VALUE_OUT_OF_RANGE, "value_out_of_range", 400, "The value is outside its type's range")      \
    X(VALUE_TOO_LONG, "value_too_long", 400, "The value is longer than its type allows")           \
    X(NOT_NULL_VIOLATION, "not_null_violation", 422, "A value that must be given is missing")      \
    X(CHECK_VIOLATION, "check_violation", 422, "A CHECK constraint does not hold")                 \
    X(UNIQUE_VIOLATION, "unique_violation", 409, "Another row has what must be unique")            \
    X(KEY_MISMATCH, "key_mismatch", 400, "Path and data name different keys")                      \
    X(VERSION_CONFLICT, "version_conflict", 409, "The stream is at another version")               \
    X(UNKNOWN_REFERENCE, "unknown_reference", 409, "The row that is referred to does not exist")   \
    X(ROW_EXISTS, "row_exists", 409, "A row with this key exists already")                         \
    X(KEY_LEASED, "key_leased", 409, "The key belongs to a block that an edge has leased")         \
    X(ROW_REFERENCED, "row_referenced", 409, "Other rows refer to the row to be deleted")          \
    X(ROW_OF_OTHER_STREAM, "row_of_other_stream", 409, "The row belongs to another stream")        \
    X(DEPENDENCY_REJECTED, "dependency_rejected", 409, "What the batch builds on was rejected")    \
    X(EVENT_ID_REUSED, "event_id_reused", 409, "The event id was used for another event")          \
    X(EVENT_TOO_LARGE, "event_too_large", 413, "The event is larger than the limit")               \
    X(BATCH_TOO_LARGE, "batch_too_large", 413, "The batch is larger than the limit")               \
    X(COMMAND_UNKNOWN, "command_unknown", 404, "No function is registered under this name")        \
    X(COMMAND_REFUSED, "command_refused", 422, "The command's function refused")                   \
    X(COMMAND_FAILED, "command_failed", 422, "The command's function failed")                      \
    X(COMMAND_WAITING, "command_waiting", 409, "The command waits for its function to be run")     \
    /* the node */                                                                                 \
    X(NOT_ROOT, "not_root", 409, "Only the root node can do this")                                 \
    X(READ_ONLY, "read_only", 503, "The node is read-only")                                        \
    X(CLOSING, "closing", 503, "The node is closing")                                              \
    X(BUSY, "busy", 503, "A bounded resource is in use; try again")                                \
    X(MEMORY_EXHAUSTED, "memory_exhausted", 507, "The memory budget is too small for this")        \
    X(STATE_FULL, "state_full", 507, "The memory budget for rows is used up")                      \
    X(OUTBOX_FULL, "outbox_full", 507, "Too much waits for the root's decision, or was refused")   \
    X(NO_KEYS, "no_keys", 503, "There is no serial key to assign without the upstream")            \
    X(SNAPSHOT_EXPIRED, "snapshot_expired", 503,                                                   \
      "What is read was changed by too many writes meanwhile; read again")                         \
    /* storage */                                                                                  \
    X(DATA_IN_USE, "data_in_use", 503, "Another process has the data directory open")              \
    X(DATA_NOT_WRITABLE, "data_not_writable", 500, "The data directory cannot be written")         \
    X(DATA_NOT_FOUND, "data_not_found", 404, "The data directory or file does not exist")          \
    X(DATA_EXISTS, "data_exists", 409, "The file exists already")                                  \
    X(DATA_DAMAGED, "data_damaged", 500, "The data is damaged")                                    \
    X(DATA_NEWER, "data_newer", 500, "The data was written by a newer version")                    \
    X(STORAGE_FULL, "storage_full", 507, "The storage is full")                                    \
    X(STORAGE_FAILED, "storage_failed", 500, "The storage reported a failure")                     \
    X(HISTORY_GONE, "history_gone", 410, "The history before this point is not kept")              \
    X(STORAGE_UNAVAILABLE, "storage_unavailable", 503, "The platform gives no such storage")       \
    /* the module, in JavaScript */                                                                \
    X(WORKER_FAILED, "worker_failed", 500, "The worker could not be started, or has ended")        \
    X(MODULE_FAILED, "module_failed", 500, "The WASM module could not be loaded")                  \
    X(MODULE_VERSION, "module_version", 500, "The WASM module is of another version")              \
    X(PANICKED, "panicked", 500, "The database stopped for a bug of its own; open it again")       \
    /* sync */                                                                                     \
    X(NOT_CONNECTED, "not_connected", 503, "There is no connection to the upstream")               \
    X(NODE_UNREACHABLE, "node_unreachable", 502, "The node cannot be reached")                     \
    X(UPSTREAM_UNREACHABLE, "upstream_unreachable", 502, "The upstream cannot be reached")         \
    X(UPSTREAM_NOT_RIVULET, "upstream_not_rivulet", 502, "The upstream is not a Rivulet node")     \
    X(UPSTREAM_UNAUTHORIZED, "upstream_unauthorized", 502,                                         \
      "The upstream asks for other credentials")                                                   \
    X(UPSTREAM_VERSION, "upstream_version", 502, "The upstream speaks another protocol version")   \
    X(UPSTREAM_OTHER_LOG, "upstream_other_log", 409, "The upstream has another log")               \
    X(UPSTREAM_DIVERGED, "upstream_diverged", 409, "The upstream's history differs from ours")     \
    X(PROTOCOL_ERROR, "protocol_error", 400, "The peer broke the protocol")                        \
    X(MESSAGE_TOO_LARGE, "message_too_large", 413, "The peer's message is larger than the limit")  \
    X(SELECTION_INVALID, "selection_invalid", 400, "The selection cannot be served")               \
    X(SELECTION_CHANGED, "selection_changed", 409, "The node holds another selection")             \
    X(OUTCOME_UNKNOWN, "outcome_unknown", 503,                                                     \
      "The connection ended before the answer; retry with the same event id")                      \
    /* SQL */                                                                                      \
    X(SQL_INVALID, "sql_invalid", 400, "The SQL statement is not valid")                           \
    X(SQL_READ_ONLY, "sql_read_only", 403, "SQL can only read")                                    \
    X(SQL_LIMIT, "sql_limit", 422, "The query exceeded a limit")                                   \
    /* an edge's past */                                                                           \
    X(HISTORY_AWAITED, "history_awaited", 503, "The stream's past is still on its way here")       \
    /* a query */                                                                                  \
    X(INTERRUPTED, "interrupted", 503, "The program stopped the query")                            \
    /* tokens */                                                                                   \
    X(OTHER_PRINCIPAL, "other_principal", 409, "It waits for the token of who wrote it")           \
    /* TLS */                                                                                      \
    X(CERTIFICATE_UNTRUSTED, "certificate_untrusted", 502,                                         \
      "The certificate is not one to be trusted")

#ifdef __cplusplus
extern "C" {
#endif

#define RV_STATUS_MEMBER(name, code, http, text) RV_##name,
typedef enum rv_status { RV_STATUS_TABLE(RV_STATUS_MEMBER) RV_STATUS_COUNT } rv_status;
#undef RV_STATUS_MEMBER

/* The stable code, such as "version_conflict". Never NULL. */
RV_API const char *rv_status_code(rv_status status);

/* What the status means, one line for people. Never NULL. */
RV_API const char *rv_status_text(rv_status status);

/* The HTTP status it is answered with. */
RV_API int rv_status_http(rv_status status);

/* The status of a code, RV_STATUS_COUNT when there is none. `code` ends with NUL. */
RV_API rv_status rv_status_of_code(const char *code);

#ifdef __cplusplus
}
#endif

#endif
