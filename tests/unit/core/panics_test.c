/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a node does not go again to a position that has stopped its program three times: an event
 * in the log ends what is read, one that would come next ends appending, and both are told; fewer
 * panics, panics elsewhere and a file of anything else change nothing.
 * Method: a root on a memory host; the file `panics` is written as a platform's hook writes it.
 */
#include "core/base/panic.h"
#include "tests/unit/node_fixture.h"

#define ACCOUNTS 6u /* at positions 2 to 7, behind the schema */

/* A closed root with some accounts. */
static fixture with_accounts(uint64_t seed) {
    fixture f = fixture_root(seed);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        const rv_append one = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
        rv_event result;
        if (fixture_append_all(f.node, &one, 1, &result, &f.err) != RV_OK) {
            abort();
        }
    }
    if (!fixture_settle(f.node) || fixture_close(f.node, &f.err) != RV_END) {
        abort();
    }
    rv_memory_host_reopen(f.storage);
    return f;
}

/* Appends bytes to the file. */
static void write_panics(fixture *f, const uint8_t *bytes, size_t len) {
    const rv_host host = rv_memory_host_interface(f->storage);
    rv_io_result result;
    (void)host.ops->open(host.ctx, 1, RV_PANICS_FILE, &result);
    if (result.status != RV_OK) {
        (void)host.ops->create(host.ctx, 1, RV_PANICS_FILE, &result);
        result.count = 0;
    }
    const rv_file file = result.file;
    (void)host.ops->write(host.ctx, 1, file, result.count, rv_bytes_of(bytes, len), &result);
    host.ops->close(host.ctx, file);
}

static void panic_at(fixture *f, uint64_t position, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        const rv_panic panic = {.position = position, .place = 0x1234, .time = 77};
        uint8_t bytes[RV_PANIC_SIZE];
        rv_panic_encode(&panic, bytes);
        write_panics(f, bytes, sizeof bytes);
    }
}

/* Without checkpoints, so that every event is gone to. */
static void remove_checkpoints(fixture *f) {
    const rv_host host = rv_memory_host_interface(f->storage);
    rv_file_name names[32];
    rv_io_result result;
    (void)host.ops->list(host.ctx, 1, names, 32, &result);
    for (uint64_t i = 0; i < result.count && i < 32; i++) {
        if (memcmp(names[i].text, "ckp-", 4) == 0) {
            rv_io_result removed;
            (void)host.ops->remove(host.ctx, 1, names[i].text, &removed);
        }
    }
}

RV_TEST(records_are_read_as_they_were_written_and_no_other_bytes_are) {
    uint8_t bytes[RV_PANIC_SIZE];
    const rv_panic panic = {.position = 5, .place = 0x1234, .time = -9};
    rv_panic read;
    rv_panic_encode(&panic, bytes);
    RV_CHECK(rv_panic_decode(bytes, &read));
    RV_CHECK(read.position == 5 && read.place == 0x1234 && read.time == -9);
    for (unsigned bit = 0; bit < 8 * RV_PANIC_SIZE; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        RV_CHECK(!rv_panic_decode(bytes, &read));
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

RV_TEST(an_event_that_panicked_three_times_ends_the_log) {
    fixture f = with_accounts(1);
    remove_checkpoints(&f);
    panic_at(&f, 5, RV_PANICS_MAX);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_PANICKED);
    RV_CHECK(strstr(f.err.facts, "\"position\":5") != NULL);
    RV_CHECK(strstr(f.err.detail, "+0x1234") != NULL);
    RV_CHECK_EQ(rv_node_watermark(f.node), 4);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(f.node), 0), 3);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"bob\"}"),
                    RV_READ_ONLY);
    fixture_free(&f);
}

RV_TEST(a_position_that_would_come_next_ends_appending) {
    fixture f = with_accounts(2);
    panic_at(&f, ACCOUNTS + 2, RV_PANICS_MAX);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_PANICKED);
    RV_CHECK_EQ(rv_node_watermark(f.node), ACCOUNTS + 1);
    RV_CHECK_EQ(rv_state_row_count(rv_node_state(f.node), 0), ACCOUNTS);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"bob\"}"),
                    RV_READ_ONLY);
    fixture_free(&f);
}

RV_TEST(fewer_or_others_change_nothing) {
    fixture f = with_accounts(3);
    remove_checkpoints(&f);
    panic_at(&f, 5, RV_PANICS_MAX - 1);
    panic_at(&f, 4, RV_PANICS_MAX - 1);
    panic_at(&f, 0, 2 * RV_PANICS_MAX); /* at no event */
    uint8_t noise[100];
    memset(noise, 0xee, sizeof noise);
    write_panics(&f, noise, 96);
    write_panics(&f, noise, 13); /* torn */
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_OK);
    RV_CHECK_EQ(*rv_node_at_work(f.node), 0);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"bob\"}"), RV_OK);
    RV_CHECK_EQ(*rv_node_at_work(f.node), 0);
    fixture_free(&f);
}

RV_TEST(a_file_that_holds_no_record_changes_nothing) {
    fixture f = with_accounts(5);
    const uint8_t torn[13] = {0};
    write_panics(&f, torn, sizeof torn);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"bob\"}"), RV_OK);
    fixture_free(&f);
}

/* What a full storage let through of one record is passed over, and those behind it are not. */
RV_TEST(a_torn_record_hides_none_behind_it) {
    for (size_t torn = 1; torn < RV_PANIC_SIZE; torn++) {
        fixture f = with_accounts(6);
        const rv_panic panic = {.position = 5, .place = 0x1234, .time = 77};
        uint8_t bytes[RV_PANIC_SIZE];
        rv_panic_encode(&panic, bytes);
        remove_checkpoints(&f);
        panic_at(&f, 5, 1);
        write_panics(&f, bytes, torn);
        panic_at(&f, 5, RV_PANICS_MAX - 1);
        RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_PANICKED);
        fixture_free(&f);
    }
}

RV_TEST(only_the_last_records_count) {
    fixture f = with_accounts(4);
    remove_checkpoints(&f);
    panic_at(&f, 5, RV_PANICS_MAX);
    panic_at(&f, 0, 64);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_STORED, NULL), RV_OK);
    fixture_free(&f);
}

int main(void) {
    RV_RUN(records_are_read_as_they_were_written_and_no_other_bytes_are);
    RV_RUN(an_event_that_panicked_three_times_ends_the_log);
    RV_RUN(a_position_that_would_come_next_ends_appending);
    RV_RUN(fewer_or_others_change_nothing);
    RV_RUN(a_file_that_holds_no_record_changes_nothing);
    RV_RUN(a_torn_record_hides_none_behind_it);
    RV_RUN(only_the_last_records_count);
    return rv_test_done();
}
