/* SPDX-License-Identifier: Apache-2.0 */
/* Who the upstream takes this edge for: see engine/principal.h. */
#include "core/engine/principal.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

static const rv_bytes no_key = {NULL, 0};

static bool is_name(rv_bytes name) {
    bool good = name.len > 0 && name.len <= RV_TOKEN_NAME_MAX;
    for (size_t i = 0; good && i < name.len; i++) {
        good = name.ptr[i] > ' ' && name.ptr[i] < 0x7f; /* it is shown */
    }
    return good;
}

bool rv_principals_read(rv_bytes value, rv_principals *principals) {
    rv_cursor c = rv_cursor_over(value);
    principals->first = rv_read_blob(&c);
    principals->last = rv_read_blob(&c);
    return rv_cursor_done(&c) && is_name(principals->first) && is_name(principals->last);
}

rv_principals rv_node_principals(const rv_node *node) {
    rv_principals principals = {{NULL, 0}, {NULL, 0}};
    rv_bytes value;
    if (rv_ledger_get(&node->ledger, RV_LEDGER_PRINCIPAL, no_key, &value)) {
        const bool good = rv_principals_read(value, &principals);
        RV_ASSERT(good); /* it was checked when it was read */
    }
    return principals;
}

rv_status rv_node_principal_note(rv_node *node, rv_bytes name, rv_error *err) {
    const rv_principals before = rv_node_principals(node);
    uint8_t bytes[RV_PRINCIPALS_LEN_MAX];
    rv_writer value = rv_writer_over(bytes, sizeof bytes);
    rv_writer body;
    RV_ASSERT(is_name(name));
    if (rv_bytes_equal(before.last, name)) {
        return RV_OK;
    }
    if (!rv_log_has_identity(node->log)) {
        return rv_error_set(err, RV_NOT_CONNECTED, "this edge has no log yet");
    }
    const rv_status status = rv_node_ledger_begin_edge(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_write_blob(&value, before.first.len > 0 ? before.first : name);
    rv_write_blob(&value, name);
    RV_ASSERT(!value.full);
    const rv_ledger_entry entry = {RV_LEDGER_PRINCIPAL, no_key, rv_writer_bytes(&value)};
    rv_ledger_changes changes = rv_ledger_begin(&body);
    if (rv_ledger_put(&node->ledger, &changes, &entry) != RV_OK) {
        rv_log_append_cancel(node->log);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "the outbox has no room for a name");
    }
    rv_node_ledger_commit(node, &body, &changes);
    return RV_OK;
}
