/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every request ends in an answer; one that fails, or that only reads, leaves the state as it
 * was; and what was acknowledged is there after a crash. Method: the input is up to four requests
 * with NUL between them, on a small root:
 *
 *     GET /aggregates/account?limit=2      method and target
 *     a:text/event-stream                  headers, by their letter (see `headers`)
 *                                          an empty line
 *     {"name":"x"}                         the body
 */
#include "core/model/json.h"
#include "face/face.h"
#include "tests/fuzz/fuzz_node.h"

#define SQL_MEMORY   ((size_t)1 << 20)
#define FACE_MEMORY  ((size_t)1 << 20)
#define REQUESTS_MAX 4
#define PIECES_MAX   10000

static fuzz_node the_node;
static fuzz_node image;
static fuzz_node reopened;
static uint8_t sql_memory[SQL_MEMORY + ((size_t)256 << 10)];
static uint8_t face_memory[FACE_MEMORY];
static uint8_t body_memory[(size_t)256 << 10];

/* Begins at the root's image again. */
static void restore(void) {
    if (image.node == NULL) {
        fuzz_node_root(&the_node);
        (void)rv_node_state_hash(the_node.node);
        image = the_node;
    }
    the_node = image;
}

static rv_request parse(rv_bytes text) {
    rv_request request = {.body = {NULL, 0}};
    const struct {
        char letter;
        rv_bytes *value;
    } headers[] = {
        {'t', &request.content_type},    {'a', &request.accept},
        {'e', &request.event_type},      {'v', &request.expected_version},
        {'i', &request.idempotency_key}, {'d', &request.durability},
        {'l', &request.last_event_id},   {'m', &request.metadata},
    };
    rv_bytes line = fuzz_take_until(&text, '\n');
    request.method = fuzz_take_until(&line, ' ');
    request.target = line;
    while (text.len > 0) {
        line = fuzz_take_until(&text, '\n');
        if (line.len < 2) {
            break;
        }
        for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
            if (line.ptr[0] == headers[i].letter) {
                *headers[i].value = rv_bytes_from(line, 2);
            }
        }
    }
    request.body = text;
    return request;
}

static void check_json(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    rv_json_token token = {.kind = RV_JSON_NULL};
    for (size_t i = 0; i <= 2 * text.len + 2 && token.kind != RV_JSON_END; i++) {
        FUZZ_CHECK(rv_json_next(&json, &token, NULL) == RV_OK);
    }
    FUZZ_CHECK(token.kind == RV_JSON_END);
}

/* Reads the answer to its end, or, of a feed, until it waits. */
static void read_body(rv_exchange *exchange, const rv_response_head *head) {
    uint64_t total = 0;
    unsigned waits = 0;
    rv_status status = RV_OK;
    rv_writer w = rv_writer_over(body_memory, sizeof body_memory);
    for (int i = 0; i < PIECES_MAX && (status == RV_OK || status == RV_PENDING); i++) {
        w = head->length_known ? w : rv_writer_over(body_memory, sizeof body_memory);
        const size_t before = w.len;
        status = rv_exchange_body(exchange, i, &w);
        FUZZ_CHECK(!w.full);
        total += w.len - before;
        if (status == RV_PENDING) {
            waits += 1;
            FUZZ_CHECK(rv_node_poll(the_node.node, NULL) == RV_OK);
            if (head->feed && waits > 3) {
                return;
            }
        }
    }
    FUZZ_CHECK(status == RV_END && (!head->length_known || head->length == total));
    if (head->length_known && strstr(head->content_type, "json") != NULL &&
        strstr(head->content_type, "ndjson") == NULL) {
        check_json(rv_writer_bytes(&w));
    }
}

static void run(rv_face *face, rv_bytes text) {
    const rv_request request = parse(text);
    const rv_hash128 hash = rv_node_state_hash(the_node.node);
    const uint64_t sequence = rv_node_sequence(the_node.node);
    rv_exchange *exchange = NULL;
    FUZZ_CHECK(rv_face_begin(face, &request, &exchange, NULL) == RV_OK);
    rv_response_head head;
    rv_status status = RV_PENDING;
    for (int i = 0; i < FUZZ_POLLS_MAX && status == RV_PENDING; i++) {
        status = rv_exchange_head(exchange, &head);
        FUZZ_CHECK(rv_node_poll(the_node.node, NULL) == RV_OK);
    }
    FUZZ_CHECK(status == RV_OK && head.status >= 200 && head.status < 600);
    FUZZ_CHECK(head.content_type != NULL && (head.allow != NULL) == (head.status == 405));
    read_body(exchange, &head);
    rv_face_end(exchange);
    if (head.status >= 400 || !rv_bytes_are(request.method, "POST")) {
        FUZZ_CHECK(fuzz_hashes_equal(rv_node_state_hash(the_node.node), hash));
        FUZZ_CHECK(rv_node_sequence(the_node.node) == sequence);
    }
}

/* Another node over the same files, as after the end of the process, has the same state. */
static void check_after_crash(void) {
    FUZZ_CHECK(fuzz_node_settle(the_node.node));
    const rv_hash128 hash = rv_node_state_hash(the_node.node);
    rv_memory_host_reopen(the_node.storage);
    reopened.storage = the_node.storage;
    rv_error err;
    FUZZ_CHECK(fuzz_node_open(&reopened, RV_ROLE_ROOT, &err) == RV_OK);
    FUZZ_CHECK(fuzz_hashes_equal(rv_node_state_hash(reopened.node), hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    restore();
    rv_bytes input = rv_bytes_of(data, size);
    rv_arena arena = rv_arena_over(sql_memory, sizeof sql_memory);
    const rv_sql_options sql_options = {.schema = rv_node_schema(the_node.node),
                                        .state = rv_node_state(the_node.node),
                                        .node = the_node.node,
                                        .memory = SQL_MEMORY,
                                        .steps_max = 100000};
    rv_sql *sql = NULL;
    FUZZ_CHECK(rv_sql_create(&sql, &sql_options, &arena, NULL) == RV_OK);
    const rv_face_options options = {.node = the_node.node,
                                     .sql = sql,
                                     .exchanges_max = 2,
                                     .result_count = 1,
                                     .result_len_max = (size_t)64 << 10,
                                     .version = "fuzz"};
    arena = rv_arena_over(face_memory, sizeof face_memory);
    rv_face *face = NULL;
    FUZZ_CHECK(rv_face_create(&face, &options, &arena, NULL) == RV_OK);
    const uint64_t sequence = rv_node_sequence(the_node.node);
    for (int i = 0; i < REQUESTS_MAX && input.len > 0; i++) {
        run(face, fuzz_take_until(&input, 0));
    }
    rv_sql_destroy(sql);
    if (rv_node_sequence(the_node.node) != sequence) {
        check_after_crash();
    }
    return 0;
}
