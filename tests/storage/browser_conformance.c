/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite over JavaScript's storages, as a module for the worker of a page
 * (tests/browser/pages/storage/conformance.js), which runs it over OPFS, IndexedDB and memory.
 *
 * The suite waits for an operation by asking for its completion again and again. In a browser
 * nothing completes while WebAssembly runs, so each time that there is none the module asks the
 * page to wait: an import that suspends it (JavaScript Promise Integration). The same way the
 * factory mounts and unmounts.
 */
#include "platform/browser/browser.h"
#include "tests/storage/conformance.h"

#define TEST_IMPORT(name) __attribute__((import_module("test"), import_name(#name)))

/* Until one more operation has ended; at once when none is under way. */
TEST_IMPORT(wait) void test_wait(void);
/* An empty storage; the same storage again; nothing is left of it. */
TEST_IMPORT(start) void test_start(void);
TEST_IMPORT(restart) void test_restart(void);
TEST_IMPORT(stop) void test_stop(void);

static rv_host browser_host;
static rv_host_ops waiting_ops;

static bool waiting_next_completion(void *ctx, rv_io_completion *completion) {
    if (browser_host.ops->next_completion(ctx, completion)) {
        return true;
    }
    test_wait();
    return browser_host.ops->next_completion(ctx, completion);
}

/* The browser's host, but that its next_completion waits. */
static rv_host waiting_host(void) {
    browser_host = rv_browser_interface();
    waiting_ops = *browser_host.ops;
    waiting_ops.next_completion = waiting_next_completion;
    return (rv_host){&waiting_ops, browser_host.ctx};
}

static rv_host factory_start(void *ctx) {
    (void)ctx;
    test_start();
    return waiting_host();
}

static rv_host factory_restart(void *ctx) {
    (void)ctx;
    test_restart();
    return waiting_host();
}

static void factory_stop(void *ctx) {
    (void)ctx;
    test_stop();
}

static const storage_factory_ops factory = {factory_start, factory_restart, factory_stop};

/* 0: every case passed. */
__attribute__((export_name("rv_conformance_run"))) int rv_conformance_run(void) {
    storage_run(&factory, NULL);
    const int failed = rv_test_done();
    fflush(NULL);
    return failed;
}
