/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of a node in tests: their text is `secret`, their digest that of tests/unit/digest.h. */
#ifndef RV_TESTS_TOKENS_H
#define RV_TESTS_TOKENS_H

#include "core/engine/token.h"
#include "tests/unit/digest.h"
#include "tests/unit/node_fixture.h"

/* Entries that are separated by blanks, as a list; "aggregate_account" stands for `aggregate
 * account`. */
static inline rv_token_list tokens_list(const char *text, uint8_t *memory, size_t cap) {
    rv_writer w = rv_writer_over(memory, cap);
    rv_token_list list = {.count = 0};
    while (*text != '\0') {
        char entry[64] = {0};
        size_t len = 0;
        for (; text[len] != '\0' && text[len] != ' '; len++) {
            entry[len] = len == 9 && text[0] == 'a' ? ' ' : text[len];
        }
        rv_write_blob(&w, rv_bytes_of(entry, len));
        list.count += 1;
        text += text[len] == '\0' ? len : len + 1;
    }
    list.bytes = rv_writer_bytes(&w);
    return list;
}

/* `flags`: 'a' an administrator, 'r' relays. `seconds` to live, 0: no end. */
static inline rv_status tokens_put(rv_node *node, const char *name, const char *secret,
                                   const char *reads, const char *writes, const char *flags,
                                   int64_t seconds) {
    uint8_t memory[2][512];
    rv_error err;
    rv_access_token token = {.name = rv_bytes_of_string(name),
                             .created_at = rv_node_now(node),
                             .admin = strchr(flags, 'a') != NULL,
                             .relay = strchr(flags, 'r') != NULL};
    token.expires_at = seconds == 0 ? 0 : token.created_at + seconds * 1000000;
    token.reads = tokens_list(reads, memory[0], sizeof memory[0]);
    token.writes = tokens_list(writes, memory[1], sizeof memory[1]);
    test_sha256(rv_bytes_of_string(secret), token.digest);
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_token_put(node, &token, token.created_at + 30000000, &err);
        fixture_poll(node);
    }
    return status;
}

#endif
