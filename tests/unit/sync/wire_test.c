/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: messages are the bytes that docs/format/wire.md says, and no bytes that a peer sends do
 * harm. Method: every message is compared with its vector in tests/vectors/wire.txt (name, then
 * hex), cut at every length, and changed at random; what still decodes must encode to the same
 * bytes.
 */
#include "sync/wire_append.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static const rv_compression no_compression;

static rv_wire_hello hello_example(void) {
    rv_wire_hello h = {.version_min = 1,
                       .version_max = 1,
                       .has_log = true,
                       .epoch = 2,
                       .watermark = 300,
                       .chain_hash = UINT64_C(0x1122334455667788),
                       .schema_version = 3,
                       .schema_hash = {UINT64_C(0x0102030405060708), UINT64_C(0x1112131415161718)},
                       .compression = RV_WIRE_COMPRESSION_DEFLATE,
                       .credit = 393216,
                       .batch_bytes = 393216,
                       .pattern_count = 2};
    memset(h.log_id, 0xaa, sizeof h.log_id);
    memset(h.node_id, 0xbb, sizeof h.node_id);
    h.patterns[0] = RV_LITERAL("/accounts/*");
    h.patterns[1] = RV_LITERAL("/orders/**");
    return h;
}

static rv_error error_example(void) {
    rv_error e;
    const rv_status set = rv_error_set(&e, RV_VERSION_CONFLICT, "at version 5, not 3");
    (void)set;
    rv_error_fact_uint(&e, "expected", 3);
    rv_error_fact_uint(&e, "actual", 5);
    return e;
}

/* The message of each vector. False: there is no such name. */
static bool build(const char *name, rv_writer *w) {
    const rv_error error = error_example();
    if (strcmp(name, "hello") == 0) {
        const rv_wire_hello h = hello_example();
        rv_wire_write_hello(w, &h);
    } else if (strcmp(name, "welcome") == 0) {
        rv_wire_welcome m = {.version = 1,
                             .epoch = 2,
                             .root_tag = UINT64_C(0x123456789),
                             .position = 1000,
                             .schema_version = 4,
                             .schema_hash = {7, 8},
                             .compression = RV_WIRE_COMPRESSION_DEFLATE};
        memset(m.log_id, 0xaa, sizeof m.log_id);
        rv_wire_write_welcome(w, &m);
    } else if (strcmp(name, "progress") == 0) {
        const rv_wire_progress m = {300, UINT64_C(0x1122334455667788), 1000};
        rv_wire_write_progress(w, &m);
    } else if (strcmp(name, "credit") == 0) {
        rv_wire_write_credit(w, 49152);
    } else if (strcmp(name, "ping") == 0) {
        rv_wire_write_ping(w, RV_WIRE_PING, 1);
    } else if (strcmp(name, "pong") == 0) {
        rv_wire_write_ping(w, RV_WIRE_PONG, 300);
    } else if (strcmp(name, "error") == 0) {
        rv_wire_write_error(w, &error);
    } else if (strcmp(name, "goodbye") == 0) {
        rv_wire_write_goodbye(w);
    } else if (strcmp(name, "append") == 0) {
        rv_append events[2] = {{.path = RV_LITERAL("/accounts/1"),
                                .type = RV_LITERAL("deposited"),
                                .data = RV_LITERAL("{\"amount\":5}"),
                                .metadata = RV_LITERAL("{\"actor\":\"ada\"}"),
                                .expected = RV_EXPECTED_NUMBER,
                                .expected_version = 7,
                                .has_event_id = true},
                               {.path = RV_LITERAL("accounts"),
                                .type = RV_LITERAL("account_opened"),
                                .data = RV_LITERAL("{}")}};
        memset(events[0].event_id, 0x77, 16);
        rv_wire_write_append(w, 12, events, 2);
    } else if (strcmp(name, "appended") == 0) {
        const rv_wire_appended a = {
            .request = 12, .outcome = RV_WIRE_ACCEPTED, .position = 400, .count = 1};
        const rv_wire_accepted e = {.position = 400,
                                    .version = 8,
                                    .path = RV_LITERAL("/accounts/1"),
                                    .type = RV_LITERAL("deposited"),
                                    .recorded_at = INT64_C(1700000000000000),
                                    .data = RV_LITERAL("{\"id\":1,\"amount\":5}")};
        rv_wire_write_appended(w, &a);
        rv_wire_write_accepted(w, &e);
    } else if (strcmp(name, "appended-refused") == 0) {
        const rv_wire_appended a = {.request = 13, .outcome = RV_WIRE_REFUSED, .refusal = error};
        rv_wire_write_appended(w, &a);
    } else {
        return false;
    }
    return true;
}

/* Decodes any message; RV_OK when it is well-formed. */
static rv_status read_any(rv_bytes message, rv_error *err) {
    static uint8_t space[4096];
    const rv_writer inflated = rv_writer_over(space, sizeof space);
    static rv_wire_hello hello;
    rv_wire_welcome welcome;
    rv_wire_progress progress;
    rv_wire_append append;
    rv_wire_appended appended;
    rv_error told;
    uint64_t number = 0;
    rv_wire_kind kind;
    rv_bytes body;
    const rv_status status = rv_wire_open(message, &no_compression, &inflated, &kind, &body, err);
    if (status != RV_OK) {
        return status;
    }
    switch ((unsigned)kind) {
    case RV_WIRE_HELLO:
        return rv_wire_read_hello(body, &hello, err);
    case RV_WIRE_WELCOME:
        return rv_wire_read_welcome(body, &welcome, err);
    case RV_WIRE_PROGRESS:
        return rv_wire_read_progress(body, &progress, err);
    case RV_WIRE_CREDIT:
        return rv_wire_read_credit(body, &number, err);
    case RV_WIRE_PING:
    case RV_WIRE_PONG:
        return rv_wire_read_ping(body, &number, err);
    case RV_WIRE_ERROR:
        return rv_wire_read_error(body, &told, err);
    case RV_WIRE_GOODBYE:
        return rv_wire_read_goodbye(body, err);
    case RV_WIRE_APPEND:
        return rv_wire_read_append(body, &append, err);
    case RV_WIRE_APPENDED:
        return rv_wire_read_appended(body, &appended, err);
    default:
        return RV_OK;
    }
}

static FILE *open_vectors(void) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    if (tests == NULL) {
        return NULL;
    }
    memcpy(tests, "tests/vectors/wire.txt", sizeof "tests/vectors/wire.txt");
    return fopen(path, "r");
}

RV_TEST(every_message_is_its_vector) {
    FILE *const file = open_vectors();
    RV_CHECK(file != NULL);
    static char line[8192];
    int count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *const space = strchr(line, ' ');
        if (line[0] == '#' || space == NULL) {
            continue;
        }
        *space = 0;
        char *const hex = space + 1;
        hex[strcspn(hex, "\r\n")] = 0;
        static uint8_t made[2048];
        static uint8_t text[4096];
        rv_writer w = rv_writer_over(made, sizeof made);
        rv_writer t = rv_writer_over(text, sizeof text);
        if (!build(line, &w)) {
            continue; /* columns_test.c has the events messages */
        }
        rv_write_hex(&t, rv_writer_bytes(&w));
        RV_CHECK_TEXT(rv_writer_bytes(&t), hex);
        rv_error err;
        RV_CHECK_STATUS(read_any(rv_writer_bytes(&w), &err), RV_OK);
        count += 1;
        /* cut at every length */
        for (size_t len = 0; len < w.len; len++) {
            uint8_t *const cut = malloc(len + 1);
            memcpy(cut, made, len);
            const rv_status status = read_any(rv_bytes_of(cut, len), &err);
            free(cut);
            RV_CHECK_STATUS(status, RV_PROTOCOL_ERROR);
        }
        made[w.len] = 0; /* and with a byte too many */
        RV_CHECK_STATUS(read_any(rv_bytes_of(made, w.len + 1), &err), RV_PROTOCOL_ERROR);
        /* changed at random */
        uint64_t random = (uint64_t)count;
        for (int i = 0; i < 3000; i++) {
            uint8_t *const copy = malloc(w.len);
            memcpy(copy, made, w.len);
            for (int k = 0; k < 1 + i % 3; k++) {
                copy[rv_test_random(&random) % w.len] = (uint8_t)rv_test_random(&random);
            }
            const rv_status status = read_any(rv_bytes_of(copy, w.len), &err);
            free(copy);
            RV_CHECK(status == RV_OK || err.status == status);
        }
    }
    fclose(file);
    RV_CHECK_EQ(count, 11);
}

RV_TEST(what_was_written_is_read) {
    static uint8_t made[2048];
    rv_writer w = rv_writer_over(made, sizeof made);
    const rv_wire_hello h = hello_example();
    static rv_wire_hello met;
    rv_wire_write_hello(&w, &h);
    const rv_bytes body = rv_bytes_from(rv_writer_bytes(&w), RV_WIRE_HEADER_LEN);
    RV_CHECK_STATUS(rv_wire_read_hello(body, &met, NULL), RV_OK);
    RV_CHECK_EQ(met.watermark, 300);
    RV_CHECK_EQ(met.pattern_count, 2);
    RV_CHECK_TEXT(met.patterns[1], "/orders/**");
    RV_CHECK(memcmp(met.log_id, h.log_id, 16) == 0 && memcmp(met.node_id, h.node_id, 16) == 0);
    RV_CHECK_EQ(met.schema_hash.high, h.schema_hash.high);
    const rv_error error = error_example();
    rv_error told;
    w = rv_writer_over(made, sizeof made);
    rv_wire_write_error(&w, &error);
    RV_CHECK_STATUS(rv_wire_read_error(rv_bytes_from(rv_writer_bytes(&w), 2), &told, NULL), RV_OK);
    RV_CHECK_STATUS(told.status, RV_VERSION_CONFLICT);
    RV_CHECK_TEXT(rv_error_detail(&told), error.detail);
    RV_CHECK_TEXT(rv_bytes_of(told.facts, told.facts_len), "\"expected\":3,\"actual\":5");
}

RV_TEST(facts_that_are_no_members_are_refused) {
    static const char *const bad[] = {"}", "\"a\":1}", "\"a\":1,",
                                      "{", "\"a\"",    "\"a\":1}{\"b\":2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rv_error error = error_example();
        rv_error told;
        uint8_t made[1024];
        error.facts_len = strlen(bad[i]);
        memcpy(error.facts, bad[i], error.facts_len);
        rv_writer w = rv_writer_over(made, sizeof made);
        rv_wire_write_error(&w, &error);
        RV_CHECK_STATUS(rv_wire_read_error(rv_bytes_from(rv_writer_bytes(&w), 2), &told, NULL),
                        RV_PROTOCOL_ERROR);
    }
}

RV_TEST(kinds_from_192_on_are_ignored_and_others_are_not) {
    rv_error err;
    for (unsigned kind = 0; kind < 256; kind++) {
        const uint8_t message[3] = {(uint8_t)kind, 0xff, 0xff};
        const rv_status status = read_any(rv_bytes_of(message, sizeof message), &err);
        RV_CHECK_STATUS(status, kind >= RV_WIRE_IGNORED_FIRST ? RV_OK : RV_PROTOCOL_ERROR);
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        static uint8_t made[2048];
        static uint8_t text[4097];
        rv_writer w = rv_writer_over(made, sizeof made);
        rv_writer t = rv_writer_over(text, sizeof text - 1);
        if (build(argv[2], &w)) {
            rv_write_hex(&t, rv_writer_bytes(&w));
            printf("%s %s\n", argv[2], (const char *)text);
        }
        return 0;
    }
    RV_RUN(every_message_is_its_vector);
    RV_RUN(what_was_written_is_read);
    RV_RUN(facts_that_are_no_members_are_refused);
    RV_RUN(kinds_from_192_on_are_ignored_and_others_are_not);
    return rv_test_done();
}
