/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the browser's host gives JavaScript's results as rivulet/host.h defines them, at once or
 * later, and whatever JavaScript does wrong is a failed operation. Method: the conformance suite
 * over JavaScript played by a memory host, then wrong calls one by one.
 */
#include "tests/storage/conformance.h"
#include "tests/unit/platform/javascript.h"

static bool later;
static rv_host_ops polled; /* as the host, but a look for completions is JavaScript's turn first */
static bool (*next_completion)(void *ctx, rv_io_completion *completion);

static bool turn_and_take(void *ctx, rv_io_completion *completion) {
    javascript_turn();
    return next_completion(ctx, completion);
}

static rv_host polled_host(void) {
    const rv_host host = rv_browser_interface();
    polled = *host.ops;
    next_completion = polled.next_completion;
    polled.next_completion = turn_and_take;
    return (rv_host){&polled, host.ctx};
}

static rv_host factory_start(void *ctx) {
    (void)ctx;
    javascript_start(later);
    return polled_host();
}

static rv_host factory_restart(void *ctx) {
    (void)ctx;
    rv_memory_host_reopen(javascript.files);
    return polled_host();
}

static void factory_stop(void *ctx) {
    (void)ctx;
}

static const storage_factory_ops factory = {factory_start, factory_restart, factory_stop};

RV_TEST(a_slot_is_ended_once) {
    javascript_start(true);
    const rv_host host = rv_browser_interface();
    rv_io_result result;
    rv_io_completion completion;
    RV_CHECK_EQ(rv_host_done(0, RV_OK, 0, 0), RV_REQUEST_INVALID);
    RV_CHECK_EQ(rv_host_done(RV_BROWSER_SLOTS, RV_OK, 0, 0), RV_REQUEST_INVALID);
    RV_CHECK_EQ(rv_host_done(UINT32_MAX, RV_OK, 0, 0), RV_REQUEST_INVALID);
    RV_CHECK_EQ(host.ops->create(host.ctx, 77, "a", &result), RV_IO_PENDING);
    RV_CHECK(!rv_browser_idle());
    const uint32_t slot = javascript.queue[0].slot;
    const rv_file file = javascript.queue[0].result.file;
    RV_CHECK(!host.ops->next_completion(host.ctx, &completion));
    RV_CHECK_EQ(rv_host_done(slot, RV_OK, 0, file), RV_OK);
    RV_CHECK_EQ(rv_host_done(slot, RV_OK, 0, file), RV_REQUEST_INVALID);
    RV_CHECK(rv_browser_idle());
    RV_CHECK(host.ops->next_completion(host.ctx, &completion));
    RV_CHECK_EQ(completion.ticket, 77);
    RV_CHECK_EQ(completion.result.file, file);
    RV_CHECK(!host.ops->next_completion(host.ctx, &completion));
    RV_CHECK_EQ(rv_host_done(slot, RV_OK, 0, file), RV_REQUEST_INVALID);
}

RV_TEST(files_that_were_left_open_are_closed) {
    javascript_start(true);
    const rv_host host = rv_browser_interface();
    rv_io_result result;
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        RV_CHECK_EQ(host.ops->create(host.ctx, i, names[i], &result), RV_IO_PENDING);
    }
    javascript_turn();
    rv_io_completion completion;
    RV_CHECK(host.ops->next_completion(host.ctx, &completion));
    host.ops->close(host.ctx, completion.result.file); /* two are left, and not even known */
    const rv_host next = rv_browser_interface();
    for (size_t i = 0; i < 3; i++) { /* the memory host refuses to remove what is open */
        RV_CHECK_EQ(next.ops->remove(next.ctx, i, names[i], &result), RV_IO_PENDING);
    }
    javascript_turn();
    /* a file is no negative number */
    RV_CHECK(next.ops->next_completion(next.ctx, &completion));
    RV_CHECK_EQ(next.ops->open(next.ctx, 9, "d", &result), RV_IO_PENDING);
    RV_CHECK_EQ(rv_host_done(javascript.queue[0].slot, RV_OK, 0, -3), RV_OK);
    javascript.queued = 0;
    for (size_t i = 0; i < 3; i++) {
        RV_CHECK(next.ops->next_completion(next.ctx, &completion));
    }
    RV_CHECK_STATUS(completion.result.status, RV_STORAGE_FAILED);
}

RV_TEST(completions_come_in_the_order_of_their_ends) {
    javascript_start(true);
    const rv_host host = rv_browser_interface();
    rv_io_result result;
    uint32_t slots[RV_BROWSER_SLOTS];
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < RV_BROWSER_SLOTS; i++) {
            RV_CHECK_EQ(host.ops->list(host.ctx, i, NULL, 0, &result), RV_IO_PENDING);
            slots[i] = javascript.queue[i].slot;
        }
        javascript.queued = 0;
        for (uint32_t i = 0; i < RV_BROWSER_SLOTS; i++) {
            RV_CHECK_EQ(rv_host_done(slots[(i * 7 + 3) % RV_BROWSER_SLOTS], RV_OK, 0, 0), RV_OK);
        }
        for (uint32_t i = 0; i < RV_BROWSER_SLOTS; i++) {
            rv_io_completion completion;
            RV_CHECK(host.ops->next_completion(host.ctx, &completion));
            RV_CHECK_EQ(completion.ticket, (i * 7 + 3) % RV_BROWSER_SLOTS);
        }
    }
    /* what nobody took is gone with the host it belonged to */
    RV_CHECK_EQ(host.ops->list(host.ctx, 9, NULL, 0, &result), RV_IO_PENDING);
    javascript_turn();
    const rv_host next = rv_browser_interface();
    rv_io_completion completion;
    RV_CHECK(!next.ops->next_completion(next.ctx, &completion));
}

typedef struct wrong_end {
    int32_t status;
    double count;
    rv_status expected;
} wrong_end;

RV_TEST(a_result_that_is_none_is_a_failure) {
    static const wrong_end ends[] = {
        {RV_OK, 11, RV_STORAGE_FAILED},
        {RV_OK, -1, RV_STORAGE_FAILED},
        {RV_OK, __builtin_nan(""), RV_STORAGE_FAILED},
        {RV_OK, __builtin_inf(), RV_STORAGE_FAILED},
        {RV_PENDING, 0, RV_STORAGE_FAILED},
        {RV_END, 0, RV_STORAGE_FAILED},
        {-1, 0, RV_STORAGE_FAILED},
        {RV_STATUS_COUNT, 0, RV_STORAGE_FAILED},
        {INT32_MIN, 0, RV_STORAGE_FAILED},
        {RV_STORAGE_FULL, 99, RV_STORAGE_FULL},
        {RV_OK, 10, RV_OK},
    };
    javascript_start(false);
    const rv_host host = rv_browser_interface();
    uint8_t buf[10];
    rv_io_result made;
    RV_CHECK_EQ(host.ops->create(host.ctx, 1, "a", &made), RV_IO_DONE);
    RV_CHECK_STATUS(made.status, RV_OK);
    javascript.later = true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        rv_io_result result;
        rv_io_completion completion;
        RV_CHECK_EQ(host.ops->read(host.ctx, i, made.file, 0, buf, sizeof buf, &result),
                    RV_IO_PENDING);
        const uint32_t slot = javascript.queue[0].slot;
        javascript.queued = 0;
        RV_CHECK_EQ(rv_host_done(slot, ends[i].status, ends[i].count, 0), RV_OK);
        RV_CHECK(host.ops->next_completion(host.ctx, &completion));
        RV_CHECK_STATUS(completion.result.status, ends[i].expected);
        RV_CHECK_EQ(completion.result.count, ends[i].expected == RV_OK ? 10 : 0);
    }
}

RV_TEST(an_import_that_ends_nothing_is_a_failure) {
    javascript_start(false);
    const rv_host host = rv_browser_interface();
    rv_io_result result;
    javascript.silent = true;
    RV_CHECK_EQ(host.ops->create(host.ctx, 1, "a", &result), RV_IO_DONE);
    RV_CHECK_STATUS(result.status, RV_STORAGE_FAILED);
    RV_CHECK(rv_browser_idle());
}

RV_TEST(beyond_what_a_double_counts) {
    const uint64_t far = (UINT64_C(1) << 53) + 1;
    javascript_start(false);
    const rv_host host = rv_browser_interface();
    rv_io_result result;
    uint8_t byte = 0;
    RV_CHECK_EQ(host.ops->create(host.ctx, 1, "a", &result), RV_IO_DONE);
    const rv_file file = result.file;
    RV_CHECK_EQ(host.ops->read(host.ctx, 1, file, far, &byte, 1, &result), RV_IO_DONE);
    RV_CHECK_STATUS(result.status, RV_OK);
    RV_CHECK_EQ(result.count, 0);
    RV_CHECK_EQ(host.ops->truncate(host.ctx, 1, file, far, &result), RV_IO_DONE);
    RV_CHECK_STATUS(result.status, RV_STORAGE_FULL);
    const rv_bytes bytes = rv_bytes_of(&byte, 1);
    RV_CHECK_EQ(host.ops->write(host.ctx, 1, file, far - 1, bytes, &result), RV_IO_DONE);
    RV_CHECK_STATUS(result.status, RV_STORAGE_FULL);
}

RV_TEST(what_inflates_to_more_than_its_room_is_malformed) {
    const rv_compression compression = rv_browser_compression();
    uint8_t out[4];
    static const uint32_t answers[][2] = {{0, 0}, {4, 4}, {5, 0}, {UINT32_MAX, 0}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        javascript.inflated = answers[i][0];
        RV_CHECK_EQ(compression.ops->inflate(compression.ctx, RV_LITERAL("x"), out, sizeof out),
                    answers[i][1]);
    }
    RV_CHECK_EQ(compression.ops->deflate(compression.ctx, RV_LITERAL("x"), out, sizeof out), 0);
}

int main(void) {
    storage_run(&factory, NULL);
    later = true;
    storage_run(&factory, NULL);
    RV_RUN(a_slot_is_ended_once);
    RV_RUN(files_that_were_left_open_are_closed);
    RV_RUN(completions_come_in_the_order_of_their_ends);
    RV_RUN(a_result_that_is_none_is_a_failure);
    RV_RUN(an_import_that_ends_nothing_is_a_failure);
    RV_RUN(beyond_what_a_double_counts);
    RV_RUN(what_inflates_to_more_than_its_room_is_malformed);
    return rv_test_done();
}
