/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever is called in whatever order, with whatever bytes, a module answers with a status
 * that there is, its errors are JSON, and in the end its database can be closed, or opened and
 * closed, and opened again. Method: the input is the options, a NUL, and calls: a byte for which,
 * then what it takes (see `call`).
 */
#include "core/model/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/platform/javascript.h"
#include "wasi/reactor_internal.h"
#include "wasi/reactor_options.h"

#define ROOT        "{\"memory\":16777216,\"role\":\"root\"}"
#define MEMORY_MAX  ((size_t)16 << 20)
#define CALLS_MAX   200
#define PUMPS_MAX   10000
#define NUMBERS_MAX 8
#define BYTES_MAX   4096

static double now;
static int32_t numbers[NUMBERS_MAX];             /* of the last exchanges */
static uint8_t requests[NUMBERS_MAX][BYTES_MAX]; /* what they were begun with */
static uint32_t begun;

static void check_out(bool json) {
    const rv_bytes out = rv_bytes_of(rv_module_out_ptr(), rv_module_out_len());
    FUZZ_CHECK(out.len == 0 || out.ptr != NULL);
    rv_json text = rv_json_over(out, NULL);
    rv_json_token token = {.kind = RV_JSON_NULL};
    for (size_t i = 0; json && i <= 2 * out.len + 2 && token.kind != RV_JSON_END; i++) {
        FUZZ_CHECK(rv_json_next(&text, &token, NULL) == RV_OK);
    }
    FUZZ_CHECK(!json || token.kind == RV_JSON_END);
}

/* A status that there is; an error can be asked for. */
static int32_t check_status(int32_t status) {
    FUZZ_CHECK(status >= 0 && status < RV_STATUS_COUNT);
    if (status > RV_END) {
        rv_module_error();
        check_out(true);
    } else {
        check_out(false);
    }
    return status;
}

static void pump(void) {
    javascript_turn();
    (void)check_status(rv_module_poll(now));
}

static int32_t open_until(rv_bytes options) {
    int32_t status = RV_PENDING;
    for (int i = 0; i < PUMPS_MAX && status == RV_PENDING; i++) {
        status = check_status(rv_module_open(options.ptr, (uint32_t)options.len));
        pump();
    }
    FUZZ_CHECK(status != RV_PENDING);
    return status;
}

static int32_t close_until(void) {
    int32_t status = RV_PENDING;
    for (int i = 0; i < PUMPS_MAX && status == RV_PENDING; i++) {
        status = check_status(rv_module_close());
        pump();
    }
    FUZZ_CHECK(status != RV_PENDING);
    return status;
}

/* --- calls --- */

static void begin(rv_bytes bytes) {
    const uint32_t i = begun % NUMBERS_MAX;
    if (begun >= NUMBERS_MAX) {
        (void)rv_module_end(numbers[i]); /* its bytes are about to go */
    }
    memcpy(requests[i], bytes.ptr, bytes.len);
    numbers[i] = rv_module_begin(requests[i], (uint32_t)bytes.len);
    FUZZ_CHECK(numbers[i] > -(int32_t)RV_STATUS_COUNT);
    begun += 1;
}

static void exchange_call(uint8_t which, int32_t number) {
    if (which == 0) {
        const int32_t head = rv_module_head(number);
        FUZZ_CHECK(head == RV_PENDING || (head >= 200 && head < 600) ||
                   (head < 0 && head > -(int32_t)RV_STATUS_COUNT));
    } else if (which == 1) {
        (void)check_status(rv_module_body(number, now));
    } else {
        (void)check_status(rv_module_end(number));
    }
}

static void edge_call(uint8_t which, rv_bytes *input) {
    rv_bytes bytes;
    switch (which) {
    case 0:
        now = rv_module_deadline() < __builtin_inf() ? rv_module_deadline() : now;
        (void)rv_module_edge_network_up(now);
        (void)rv_module_edge_wants_connection(now);
        break;
    case 1:
        (void)check_status(rv_module_edge_opened(now));
        break;
    case 2:
        bytes = fuzz_take(input, fuzz_take_u8(input));
        (void)check_status(rv_module_edge_closed((int32_t)fuzz_take_u8(input) - 2, bytes.ptr,
                                                 (uint32_t)bytes.len, now));
        break;
    case 3:
        bytes = fuzz_take(input, fuzz_take_u16(input) % BYTES_MAX);
        (void)check_status(rv_module_edge_receive(bytes.ptr, (uint32_t)bytes.len, now));
        break;
    case 4:
        (void)rv_module_edge_send(now);
        check_out(false);
        break;
    case 5:
        (void)check_status(rv_module_edge_failure());
        break;
    default:
        rv_module_edge_reason();
        check_out(true);
        break;
    }
}

static void give_token(rv_bytes *input) {
    const rv_bytes token = fuzz_take(input, fuzz_take_u16(input) % BYTES_MAX);
    (void)rv_module_edge_wants_token(now);
    (void)check_status(rv_module_edge_set_token(token.ptr, (uint32_t)token.len, now));
}

static void call(rv_bytes *input, rv_bytes options) {
    const uint8_t what = fuzz_take_u8(input);
    const uint8_t which = what % 20;
    if (what >= 250) {
        give_token(input);
    } else if (which < 7) {
        edge_call(which, input);
    } else if (which < 10) {
        const uint8_t number = fuzz_take_u8(input);
        exchange_call(which - 7, number < 128 ? numbers[number % NUMBERS_MAX] : number * 7919);
    } else if (which == 10) {
        begin(fuzz_take(input, fuzz_take_u16(input) % BYTES_MAX));
    } else if (which == 11) {
        pump();
    } else if (which == 12) {
        now += fuzz_take_u16(input) * 1e4;
    } else if (which == 13) {
        javascript.later = !javascript.later;
    } else if (which == 14) {
        javascript.silent = !javascript.silent;
    } else if (which == 15) {
        (void)check_status(rv_module_open(options.ptr, (uint32_t)options.len));
    } else if (which == 16) {
        (void)check_status(rv_module_close());
    } else if (which == 17) {
        (void)check_status(rv_module_state_hash());
    } else if (which == 18) {
        FUZZ_CHECK(rv_module_facts()[RV_MODULE_SEQUENCE] >= 0);
    } else {
        /* what is under way is not told otherwise: that is the storage's own test */
        const uint32_t busy = javascript.queued > 0 ? RV_BROWSER_SLOTS : 0;
        const uint32_t slot = busy + (uint32_t)fuzz_take_u8(input);
        FUZZ_CHECK(rv_host_done(slot, fuzz_take_u8(input), 0, 0) == RV_REQUEST_INVALID);
    }
}

/* The module as it is before its first call, but with the memory that it has. */
static void restart(void) {
    rv_reactor *const r = &rv_reactor_one;
    uint8_t *const memory = r->memory;
    const size_t size = r->memory_size;
    FUZZ_CHECK(r->phase == RV_REACTOR_CLOSED);
    memset(r, 0, sizeof *r);
    r->memory = memory;
    r->memory_size = size;
    javascript_start(false);
    now = 0;
    begun = 0;
    memset(numbers, 0, sizeof numbers);
}

static bool large(rv_bytes text) {
    static rv_reactor_options options;
    uint8_t memory[4096];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    return rv_reactor_options_read(text, &scratch, &options, NULL) == RV_OK &&
           options.memory > MEMORY_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size);
    restart();
    const rv_bytes options = fuzz_take_until(&input, 0);
    if (large(options)) {
        return 0; /* memory that is given is never given back */
    }
    rv_reactor_one.error.status = RV_REQUEST_INVALID; /* some error can always be asked for */
    (void)check_status(rv_module_open(options.ptr, (uint32_t)options.len));
    for (int i = 0; i < CALLS_MAX && input.len > 0; i++) {
        call(&input, options);
    }
    /* whatever was done to it, it comes to an end, and its storage serves again */
    javascript.silent = false;
    javascript_turn();
    if (rv_reactor_one.phase == RV_REACTOR_OPENING) {
        (void)open_until(options);
    }
    (void)close_until();
    FUZZ_CHECK(rv_reactor_one.phase == RV_REACTOR_CLOSED);
    javascript_start(false);
    FUZZ_CHECK(open_until(RV_LITERAL(ROOT)) == RV_OK);
    FUZZ_CHECK(close_until() == RV_END);
    return 0;
}
