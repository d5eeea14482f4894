/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a module can be driven by what wasi/reactor.h says alone, and whatever the program that
 * drives it does wrong is told, harms nothing and never traps. Method: the exports called natively,
 * with storage that answers at once and later, and with storage that fails.
 */
#include "tests/unit/test.h"
#include "tests/unit/wasi/module.h"
#include "wasi/reactor_internal.h"

#define ROOT "{\"memory\":16777216,\"role\":\"root\"}"

static const char schema[] =
    "{\"text\":\"CREATE AGGREGATE item (id SERIAL PRIMARY KEY, name text, n bigint);"
    "CREATE EVENT_TYPE made (id creates item(id), name updates item(name), n updates item(n));"
    "CREATE STREAM items (path \\\"/items/{id}\\\", event_types (made));\"}";

#define CHECK_HAS(text) RV_CHECK(strstr(module_text, text) != NULL)

static int32_t made(const char *data) {
    return module_ask("POST", "/streams/items", "made", data);
}

/* Every call but open, close and the error, when no database is open. */
static bool all_refused(void) {
    return rv_module_poll(0) == RV_REQUEST_INVALID &&
           rv_module_begin(NULL, 0) == -(int32_t)RV_REQUEST_INVALID &&
           rv_module_head(0) == -(int32_t)RV_REQUEST_INVALID &&
           rv_module_body(0, 0) == RV_REQUEST_INVALID && rv_module_end(0) == RV_REQUEST_INVALID &&
           rv_module_state_hash() == RV_REQUEST_INVALID && rv_module_edge_failure() == RV_OK &&
           rv_module_deadline() == __builtin_inf() && rv_module_edge_wants_connection(0) == 0 &&
           rv_module_edge_set_token(NULL, 0, 0) == RV_REQUEST_INVALID &&
           rv_module_edge_wants_token(0) == 0 && rv_module_edge_opened(0) == RV_REQUEST_INVALID &&
           rv_module_edge_closed(-1, NULL, 0, 0) == RV_REQUEST_INVALID &&
           rv_module_edge_ready() == 0 &&
           rv_module_edge_receive(NULL, 0, 0) == RV_REQUEST_INVALID &&
           rv_module_edge_send(0) == 0 && rv_module_facts()[RV_MODULE_ROLE] == -1;
}

RV_TEST(nothing_works_before_open_and_after_close) {
    javascript_start(false);
    RV_CHECK_EQ(rv_module_abi(), RV_MODULE_ABI);
    RV_CHECK(all_refused());
    RV_CHECK_EQ(rv_module_close(), RV_END);
    RV_CHECK_EQ(module_open(ROOT), RV_OK);
    RV_CHECK_EQ(module_open(ROOT), RV_REQUEST_INVALID);
    RV_CHECK(strstr(module_error(), "\"code\":\"request_invalid\"") != NULL);
    RV_CHECK_EQ(module_close(), RV_END);
    RV_CHECK(all_refused());
}

RV_TEST(memory_does_not_move_and_is_aligned) {
    uint8_t *last = NULL;
    for (uint32_t i = 0; i < 50; i++) {
        uint8_t *const memory = rv_module_alloc(i * 3001);
        RV_CHECK(memory != NULL && (uintptr_t)memory % 16 == 0);
        memset(memory, 0xff, i * 3001);
        RV_CHECK(last == NULL || memory != last);
        last = memory;
    }
}

typedef struct bad_options {
    const char *text;
    rv_status status;
    const char *told;
} bad_options;

RV_TEST(options_that_are_wrong_are_told) {
    static const bad_options cases[] = {
        {"", RV_JSON_INVALID, "\"offset\":0"},
        {"{\"memory\":16777216", RV_JSON_INVALID, ""},
        {"{\"memory\":16777216} 7", RV_JSON_INVALID, ""},
        {"[]", RV_PARAMETER_INVALID, "a JSON object"},
        {"{}", RV_PARAMETER_INVALID, "\"parameter\":\"memory\""},
        {"{\"memory\":0}", RV_PARAMETER_INVALID, "\"parameter\":\"memory\""},
        {"{\"memory\":-1}", RV_PARAMETER_INVALID, "\"parameter\":\"memory\""},
        {"{\"memory\":1e7}", RV_PARAMETER_INVALID, "\"parameter\":\"memory\""},
        {"{\"memory\":\"64MiB\"}", RV_PARAMETER_INVALID, "a number of bytes"},
        {"{\"memory\":99999999999999999999999}", RV_PARAMETER_INVALID, "\"parameter\":\"memory\""},
        {"{\"memory\":18446744073709551615}", RV_PARAMETER_INVALID, "\"parameter\":\"memory\""},
        {"{\"memory\":65536}", RV_MEMORY_EXHAUSTED, "at least"},
        {"{\"memory\":16777216,\"memory\":16777216}", RV_PARAMETER_INVALID, "once"},
        {"{\"memory\":16777216,\"role\":\"leaf\"}", RV_PARAMETER_INVALID, "\"parameter\":\"role\""},
        {"{\"memory\":16777216,\"role\":1}", RV_PARAMETER_INVALID, "\"parameter\":\"role\""},
        {"{\"memory\":16777216,\"inflate\":1}", RV_PARAMETER_INVALID, "true or false"},
        {"{\"memory\":16777216,\"patterns\":\"/a\"}", RV_PARAMETER_INVALID, "array"},
        {"{\"memory\":16777216,\"role\":\"edge\",\"patterns\":[1]}", RV_PARAMETER_INVALID, "array"},
        {"{\"memory\":16777216,\"patterns\":[\"/a\"]}", RV_PARAMETER_INVALID, "an edge's"},
        {"{\"memory\":16777216,\"role\":\"edge\",\"patterns\":[\"a b\"]}", RV_PATH_INVALID, ""},
        {"{\"memory\":16777216,\"directory\":\"/x\"}", RV_PARAMETER_INVALID, "no directories"},
        {"{\"memory\":16777216,\"directory\":\"\"}", RV_PARAMETER_INVALID, "a directory"},
        {"{\"memory\":16777216,\"rolle\":\"root\"}", RV_PARAMETER_INVALID,
         "\"parameter\":\"rolle\""},
    };
    static char many[RV_PATTERNS_MAX * 8 + 200];
    javascript_start(false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RV_CHECK_STATUS((rv_status)module_open(cases[i].text), cases[i].status);
        module_error();
        CHECK_HAS(rv_status_code(cases[i].status));
        CHECK_HAS(cases[i].told);
    }
    int len =
        snprintf(many, sizeof many, "{\"memory\":16777216,\"role\":\"edge\",\"patterns\":[\"/x\"");
    for (unsigned i = 0; i < RV_PATTERNS_MAX; i++) {
        len += snprintf(many + len, 8, ",\"/%u\"", i);
    }
    snprintf(many + len, 8, "]}");
    RV_CHECK_STATUS((rv_status)module_open(many), RV_SELECTION_INVALID);
    RV_CHECK_EQ(module_open(ROOT), RV_OK); /* nothing of it is left */
    RV_CHECK_EQ(module_close(), RV_END);
}

static void a_life(bool later) {
    static uint8_t hash[32];
    javascript_start(later);
    RV_CHECK_EQ(module_open(ROOT), RV_OK);
    RV_CHECK_EQ(module_ask("POST", "/schema", "", schema), 201);
    RV_CHECK_EQ(made("{\"name\":\"ada\",\"n\":9007199254740993}"), 201);
    RV_CHECK_EQ(made("[{\"name\":\"bob\"},{\"name\":\"eve\"}]"), 201);
    RV_CHECK_EQ(made("{\"nam\":\"x\"}"), 400);
    CHECK_HAS("\"code\":\"unknown_field\"");
    RV_CHECK_EQ(module_ask("POST", "/query?numbers=text", "",
                           "{\"sql\":\"select count(*), max(n) from item\"}"),
                200);
    CHECK_HAS("\"rows\":[[3,{\"bigint\":\"9007199254740993\"}]]");
    const double *facts = rv_module_facts();
    RV_CHECK_EQ(facts[RV_MODULE_ROLE], 0);
    RV_CHECK_EQ(facts[RV_MODULE_WATERMARK], 4);
    RV_CHECK_EQ(facts[RV_MODULE_SEQUENCE_DURABLE], 4);
    RV_CHECK_EQ(facts[RV_MODULE_EDGE_STATE], -1);
    RV_CHECK_EQ(facts[RV_MODULE_SCHEMA_VERSION], 1);
    RV_CHECK_EQ(facts[RV_MODULE_READ_ONLY], 0);
    RV_CHECK_EQ(rv_module_state_hash(), RV_OK);
    RV_CHECK_EQ(rv_module_out_len(), 32);
    memcpy(hash, rv_module_out_ptr(), 32);
    RV_CHECK_EQ(module_close(), RV_END);
    RV_CHECK_EQ(module_open("{\"memory\":16777216}"), RV_OK);
    RV_CHECK_EQ(rv_module_state_hash(), RV_OK);
    RV_CHECK(memcmp(hash, rv_module_out_ptr(), 32) == 0);
    RV_CHECK_EQ(module_ask("GET", "/aggregates/item/1", "", ""), 200);
    CHECK_HAS("{\"id\":1,\"name\":\"ada\",\"n\":9007199254740993}");
    RV_CHECK_EQ(module_close(), RV_END);
    /* the data is a root's */
    RV_CHECK_EQ(module_open("{\"memory\":16777216,\"role\":\"edge\"}"), RV_NOT_ROOT);
    RV_CHECK(all_refused());
}

RV_TEST(a_life_with_storage_that_answers_at_once) {
    a_life(false);
}

RV_TEST(a_life_with_storage_that_answers_later) {
    a_life(true);
}

/* Every truncation, every length that is too large, and bytes behind the last member. */
RV_TEST(a_request_that_is_malformed_is_told) {
    static uint8_t memory[512];
    static uint8_t copy[512];
    javascript_start(false);
    RV_CHECK_EQ(module_open(ROOT), RV_OK);
    const rv_bytes good = module_request(memory, sizeof memory, "GET", "/status", "", "x");
    for (size_t len = 0; len < good.len; len++) {
        memcpy(copy, good.ptr, len);
        RV_CHECK_EQ(rv_module_begin(copy, (uint32_t)len), -(int32_t)RV_REQUEST_INVALID);
    }
    memcpy(copy, good.ptr, good.len);
    RV_CHECK_EQ(rv_module_begin(copy, (uint32_t)good.len + 1), -(int32_t)RV_REQUEST_INVALID);
    static const uint32_t lengths[] = {4, 100, 0x7fffffff, UINT32_MAX - 3, UINT32_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        rv_store_u32(copy, lengths[i]);
        RV_CHECK_EQ(rv_module_begin(copy, (uint32_t)good.len), -(int32_t)RV_REQUEST_INVALID);
    }
    RV_CHECK_EQ(rv_module_begin(NULL, 100), -(int32_t)RV_REQUEST_INVALID);
    const int32_t exchange = rv_module_begin(good.ptr, (uint32_t)good.len);
    RV_CHECK(exchange >= 0);
    RV_CHECK_EQ(module_answer(exchange), 200);
    RV_CHECK_EQ(module_close(), RV_END);
}

RV_TEST(a_body_beyond_the_limit_is_told) {
    static uint8_t memory[RV_REQUEST_BODY_MAX + 200];
    static char body[RV_REQUEST_BODY_MAX + 2];
    javascript_start(false);
    RV_CHECK_EQ(module_open(ROOT), RV_OK);
    memset(body, ' ', RV_REQUEST_BODY_MAX + 1);
    rv_bytes request = module_request(memory, sizeof memory, "POST", "/events", "", body);
    RV_CHECK_EQ(rv_module_begin(request.ptr, (uint32_t)request.len),
                -(int32_t)RV_REQUEST_TOO_LARGE);
    body[RV_REQUEST_BODY_MAX] = '\0';
    request = module_request(memory, sizeof memory, "POST", "/events", "", body);
    const int32_t exchange = rv_module_begin(request.ptr, (uint32_t)request.len);
    RV_CHECK(exchange >= 0);
    RV_CHECK_EQ(module_answer(exchange), 400);
    RV_CHECK_EQ(module_close(), RV_END);
}

RV_TEST(exchanges_are_known_by_their_numbers) {
    static uint8_t memory[512];
    int32_t exchanges[RV_REACTOR_EXCHANGES];
    javascript_start(false);
    RV_CHECK_EQ(module_open(ROOT), RV_OK);
    const rv_bytes request = module_request(memory, sizeof memory, "GET", "/status", "", "");
    const uint32_t len = (uint32_t)request.len;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < RV_REACTOR_EXCHANGES; i++) {
            const int32_t before = exchanges[i];
            exchanges[i] = rv_module_begin(request.ptr, len);
            RV_CHECK(exchanges[i] >= 0);
            RV_CHECK(round == 0 || rv_module_head(before) == -(int32_t)RV_REQUEST_INVALID);
            RV_CHECK(round == 0 || rv_module_end(before) == RV_REQUEST_INVALID);
            RV_CHECK_EQ(rv_module_body(exchanges[i], 0), RV_REQUEST_INVALID); /* no head yet */
        }
        RV_CHECK_EQ(rv_module_begin(request.ptr, len), -(int32_t)RV_BUSY);
        for (uint32_t i = 0; i < RV_REACTOR_EXCHANGES; i++) {
            RV_CHECK(round == 2 || rv_module_end(exchanges[i]) == RV_OK);
            RV_CHECK(round == 2 || rv_module_end(exchanges[i]) == RV_REQUEST_INVALID);
        }
    }
    static const int32_t numbers[] = {-1, INT32_MIN, INT32_MAX, 1 << 20};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        RV_CHECK_EQ(rv_module_head(numbers[i]), -(int32_t)RV_REQUEST_INVALID);
        RV_CHECK_EQ(rv_module_end(numbers[i]), RV_REQUEST_INVALID);
    }
    RV_CHECK_EQ(module_close(), RV_END); /* with all of them under way */
    RV_CHECK_EQ(module_open(ROOT), RV_OK);
    RV_CHECK_EQ(rv_module_head(exchanges[0]), -(int32_t)RV_REQUEST_INVALID);
    RV_CHECK_EQ(module_ask("GET", "/status", "", ""), 200);
    RV_CHECK_EQ(module_close(), RV_END);
}

/* A feed stays open, takes what comes, and answers nothing in between. */
RV_TEST(a_feed_waits_for_what_comes) {
    static uint8_t memory[1024];
    rv_writer w = rv_writer_over(memory, sizeof memory);
    static const char *const members[11] = {"GET", "/events", "", "text/event-stream"};
    javascript_start(false);
    RV_CHECK_EQ(module_open(ROOT), RV_OK);
    RV_CHECK_EQ(module_ask("POST", "/schema", "", schema), 201);
    for (size_t i = 0; i < 11; i++) {
        const rv_bytes text = rv_bytes_of_string(members[i] == NULL ? "" : members[i]);
        rv_write_u32(&w, (uint32_t)text.len);
        rv_write(&w, text);
    }
    const int32_t feed = rv_module_begin(memory, (uint32_t)w.len);
    RV_CHECK(feed >= 0);
    RV_CHECK_EQ(rv_module_head(feed), 200);
    RV_CHECK_EQ(rv_module_body(feed, 0), RV_OK); /* a first sign of life */
    RV_CHECK_EQ(rv_module_body(feed, 0), RV_PENDING);
    RV_CHECK_EQ(rv_module_out_len(), 0);
    RV_CHECK_EQ(made("{\"name\":\"ada\"}"), 201);
    RV_CHECK_EQ(rv_module_body(feed, 1), RV_OK);
    module_out();
    CHECK_HAS("\"name\":\"ada\"");
    RV_CHECK_EQ(rv_module_body(feed, 2), RV_PENDING);
    RV_CHECK_EQ(rv_module_body(feed, 20e6), RV_OK);
    module_out();
    CHECK_HAS(": idle");
    RV_CHECK_EQ(rv_module_body(feed, __builtin_nan("")), RV_PENDING);
    RV_CHECK_EQ(rv_module_end(feed), RV_OK);
    RV_CHECK_EQ(module_close(), RV_END);
}

RV_TEST(storage_that_fails_is_told_and_opened_again) {
    for (int later = 0; later < 2; later++) {
        javascript_start(later == 1);
        javascript.opening = RV_STORAGE_UNAVAILABLE;
        RV_CHECK_EQ(module_open(ROOT), RV_STORAGE_UNAVAILABLE);
        RV_CHECK(strstr(module_error(), "\"code\":\"storage_unavailable\"") != NULL);
        javascript.opening = RV_OK;
        javascript.silent = true;
        RV_CHECK_EQ(module_open(ROOT), RV_STORAGE_FAILED);
        javascript.silent = false;
        RV_CHECK_EQ(module_open(ROOT), RV_OK);
        RV_CHECK_EQ(module_ask("POST", "/schema", "", schema), 201);
        /* and while it is open: reads go on, appends are refused */
        javascript.silent = true;
        RV_CHECK_EQ(made("{\"name\":\"ada\"}"), 500);
        CHECK_HAS("\"code\":\"storage_failed\"");
        RV_CHECK(rv_module_facts()[RV_MODULE_READ_ONLY] != 0);
        RV_CHECK_EQ(made("{\"name\":\"bob\"}"), 503);
        CHECK_HAS("\"code\":\"read_only\"");
        RV_CHECK_EQ(module_ask("GET", "/aggregates", "", ""), 200);
        RV_CHECK(module_close() > RV_END);
        RV_CHECK(all_refused());
        /* as after a crash */
        javascript.silent = false;
        RV_CHECK_EQ(module_open(ROOT), RV_OK);
        RV_CHECK_EQ(made("{\"name\":\"ada\"}"), 201);
        RV_CHECK_EQ(module_close(), RV_END);
    }
}

int main(void) {
    RV_RUN(nothing_works_before_open_and_after_close);
    RV_RUN(memory_does_not_move_and_is_aligned);
    RV_RUN(options_that_are_wrong_are_told);
    RV_RUN(a_life_with_storage_that_answers_at_once);
    RV_RUN(a_life_with_storage_that_answers_later);
    RV_RUN(a_request_that_is_malformed_is_told);
    RV_RUN(a_body_beyond_the_limit_is_told);
    RV_RUN(exchanges_are_known_by_their_numbers);
    RV_RUN(a_feed_waits_for_what_comes);
    RV_RUN(storage_that_fails_is_told_and_opened_again);
    return rv_test_done();
}
