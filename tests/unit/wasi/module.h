/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module as the program that moves its bytes uses it, with JavaScript's storage played by
 * tests/unit/platform/javascript.h: bytes handed over, pumped until there is an answer, taken out.
 */
#ifndef RV_TESTS_WASI_MODULE_H
#define RV_TESTS_WASI_MODULE_H

#include "core/base/writer.h"
#include "tests/unit/platform/javascript.h"
#include "wasi/reactor.h"

#include <stdlib.h>

#define MODULE_PUMPS_MAX  100000
#define MODULE_ANSWER_MAX ((size_t)1 << 20)

static double module_now;
static char module_text[MODULE_ANSWER_MAX + 1]; /* what the last call gave, as a string */

/* What lies in out, as a string. */
static inline const char *module_out(void) {
    const uint32_t len = rv_module_out_len();
    if (len > MODULE_ANSWER_MAX) {
        abort();
    }
    if (len > 0) {
        memcpy(module_text, rv_module_out_ptr(), len);
    }
    module_text[len] = '\0';
    return module_text;
}

static inline const char *module_error(void) {
    rv_module_error();
    return module_out();
}

static inline int32_t module_pump(void) {
    javascript_turn();
    return rv_module_poll(module_now);
}

static inline int32_t module_open(const char *options) {
    const uint8_t *const bytes = (const uint8_t *)options;
    int32_t status = RV_PENDING;
    for (int i = 0; i < MODULE_PUMPS_MAX && status == RV_PENDING; i++) {
        status = rv_module_open(bytes, (uint32_t)strlen(options));
        if (status == RV_PENDING) {
            (void)module_pump();
        }
    }
    return status;
}

static inline int32_t module_close(void) {
    int32_t status = RV_PENDING;
    for (int i = 0; i < MODULE_PUMPS_MAX && status == RV_PENDING; i++) {
        status = rv_module_close();
        if (status == RV_PENDING) {
            (void)module_pump();
        }
    }
    return status;
}

/* A request's bytes in `memory`; the members that are not named are empty. */
static inline rv_bytes module_request(void *memory, size_t cap, const char *method,
                                      const char *target, const char *type, const char *body) {
    rv_writer w = rv_writer_over(memory, cap);
    const rv_bytes none = {NULL, 0};
    const rv_bytes members[11] = {rv_bytes_of_string(method),
                                  rv_bytes_of_string(target),
                                  RV_LITERAL("application/json"),
                                  none,
                                  rv_bytes_of_string(type),
                                  none,
                                  none,
                                  none,
                                  none,
                                  none,
                                  rv_bytes_of_string(body)};
    for (size_t i = 0; i < 11; i++) {
        rv_write_u32(&w, (uint32_t)members[i].len);
        rv_write(&w, members[i]);
    }
    if (w.full) {
        abort();
    }
    return rv_writer_bytes(&w);
}

/* Pumps until the answer is there whole, in module_text; its HTTP status. */
static inline int32_t module_answer(int32_t exchange) {
    static char whole[MODULE_ANSWER_MAX + 1];
    size_t len = 0;
    int32_t head = RV_PENDING;
    for (int i = 0; i < MODULE_PUMPS_MAX && head == RV_PENDING; i++) {
        head = rv_module_head(exchange);
        (void)module_pump();
    }
    int32_t status = RV_OK;
    for (int i = 0; i < MODULE_PUMPS_MAX && (status == RV_OK || status == RV_PENDING); i++) {
        status = rv_module_body(exchange, module_now);
        const size_t piece = rv_module_out_len();
        if (status == RV_OK && len + piece <= MODULE_ANSWER_MAX) {
            memcpy(whole + len, rv_module_out_ptr(), piece);
            len += piece;
        } else {
            (void)module_pump();
        }
    }
    memcpy(module_text, whole, len);
    module_text[len] = '\0';
    const int32_t ended = rv_module_end(exchange);
    return status == RV_END && ended == RV_OK ? head : -1;
}

static inline int32_t module_ask(const char *method, const char *target, const char *type,
                                 const char *body) {
    static uint8_t memory[(size_t)1 << 20];
    const rv_bytes request = module_request(memory, sizeof memory, method, target, type, body);
    const int32_t exchange = rv_module_begin(request.ptr, (uint32_t)request.len);
    return exchange < 0 ? exchange : module_answer(exchange);
}

#endif
