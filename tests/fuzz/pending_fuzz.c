/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what the ledger says of a batch that waits or was refused is read or refused, whatever the
 * bytes, and what was read says the same when it is written again. Method: the input is the kind of
 * an entry and its value; what is valid is gone through, written anew and compared, byte for byte
 * but for the notes of the running node. Tokens and principals likewise.
 */
#include "core/engine/pending.h"
#include "core/engine/principal.h"
#include "core/engine/token.h"
#include "tests/fuzz/fuzz.h"

static uint8_t memory[(size_t)1 << 20];
static uint64_t counted[RV_PUSH_COUNTED_MAX];

static void write_again(const rv_pending *pending, rv_bytes value) {
    const rv_pending_head head = {pending->written_at, pending->schema_version, pending->principal,
                                  pending->count};
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_pending_write_head(&w, &head);
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    uint32_t covered = 0, count = 0;
    for (; rv_pending_event_next(pending, &cursor, &event); count += 1) {
        rv_pending_write_event(&w, &event);
        covered += !event.blind;
    }
    FUZZ_CHECK(count == pending->count && covered == pending->covered);
    rv_cursor c = rv_cursor_over(pending->counted);
    uint64_t previous = 0;
    for (uint32_t i = 0; i < pending->counted_count; i += 1) {
        previous = rv_pending_counted_next(&c, previous);
        FUZZ_CHECK(previous > 0);
        counted[i] = previous;
    }
    FUZZ_CHECK(rv_cursor_done(&c));
    rv_pending_write_counted(&w, counted, pending->counted_count);
    if (pending->command.name.len > 0) {
        const size_t at = w.len + 17; /* behind id and attempt */
        rv_pending_write_command(&w, &pending->command, pending->command_id, pending->attempt);
        FUZZ_CHECK(!w.full);
        rv_store_u64(w.ptr + at, pending->after);
    }
    FUZZ_CHECK(!w.full && w.len == value.len);
    FUZZ_CHECK(memcmp(w.ptr + 16, value.ptr + 16, w.len - 16) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t key[RV_TOKEN_KEY] = {0, 0, 0, 0, 0, 0, 0, 1};
    if (size < 1 || size > sizeof memory / 4) {
        return 0;
    }
    rv_ledger_entry entry = {.kind = data[0], .value = rv_bytes_of(data + 1, size - 1)};
    entry.key = rv_bytes_of(key, entry.kind == RV_LEDGER_SELF        ? 0
                                 : entry.kind == RV_LEDGER_PRINCIPAL ? 0
                                 : entry.kind == RV_LEDGER_TOKEN     ? RV_TOKEN_KEY
                                                                     : RV_PENDING_KEY);
    if (!rv_pending_entry_valid(&entry)) {
        return 0;
    }
    if (entry.kind == RV_LEDGER_TOKEN) {
        rv_access_token token;
        rv_writer w = rv_writer_over(memory, sizeof memory);
        FUZZ_CHECK(rv_token_read(&entry, &token));
        rv_token_write(&token, &w);
        FUZZ_CHECK(rv_bytes_equal(rv_writer_bytes(&w), entry.value));
    }
    if (entry.kind == RV_LEDGER_PRINCIPAL) {
        rv_principals principals;
        rv_writer w = rv_writer_over(memory, sizeof memory);
        FUZZ_CHECK(rv_principals_read(entry.value, &principals));
        rv_write_blob(&w, principals.first);
        rv_write_blob(&w, principals.last);
        FUZZ_CHECK(rv_bytes_equal(rv_writer_bytes(&w), entry.value));
    }
    rv_bytes batch = entry.value;
    if (entry.kind == RV_LEDGER_REJECTION) {
        rv_error reason;
        FUZZ_CHECK(rv_rejection_read(entry.value, &reason, &batch));
        FUZZ_CHECK(reason.status != RV_OK && reason.detail_len < sizeof reason.detail);
    }
    if (entry.kind == RV_LEDGER_PENDING || entry.kind == RV_LEDGER_REJECTION) {
        rv_pending pending;
        FUZZ_CHECK(rv_pending_read(batch, &pending));
        write_again(&pending, batch);
    }
    return 0;
}
