/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every limit of an append, of a schema change and of opening has its error, on its far side
 * only, and nothing has changed after it; and an append that finds too little memory of any kind,
 * wherever it needs it, is refused with nothing changed. Method: values at the limit and behind it;
 * the node's scratch, results and pages made smaller, by every amount, while one event is appended
 * again and again; state hash and sequence before and after.
 */
#include "core/engine/internal.h"
#include "core/state/inside.h"
#include "tests/unit/node_fixture.h"

static void check_same(fixture *f, rv_hash128 before, uint64_t sequence) {
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f->node), before));
    RV_CHECK_EQ(rv_node_sequence(f->node), sequence);
}

/* --- limits --- */

RV_TEST(metadata) {
    static char text[RV_METADATA_LEN_MAX + 2];
    static const char *const refused[] = {"[1]", "7", "{\"a\":1", "{\"a\":1} {}", "{\"a\":1}x", ""};
    fixture f = fixture_root(1);
    rv_append append = fixture_event("accounts", "account_opened", "{\"name\":\"ada\"}");
    rv_event result;
    const rv_hash128 before = rv_node_state_hash(f.node);
    for (size_t i = 0; refused[i][0] != '\0'; i += 1) {
        append.metadata = rv_bytes_of_string(refused[i]);
        RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err), RV_JSON_INVALID);
        check_same(&f, before, 1);
        RV_CHECK_PASSED();
    }
    memset(text, 'x', sizeof text);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + RV_METADATA_LEN_MAX - 1, "\"}", 2);
    append.metadata = rv_bytes_of((const uint8_t *)text, RV_METADATA_LEN_MAX + 1);
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err), RV_EVENT_TOO_LARGE);
    check_same(&f, before, 1);
    memcpy(text + RV_METADATA_LEN_MAX - 2, "\"}", 2);
    append.metadata = rv_bytes_of((const uint8_t *)text, RV_METADATA_LEN_MAX);
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &result, &f.err), RV_OK);
    RV_CHECK_EQ(result.metadata.len, RV_METADATA_LEN_MAX);
    fixture_free(&f);
}

RV_TEST(batches) {
    static rv_append events[RV_BATCH_EVENTS_MAX + 1];
    static rv_event results[RV_BATCH_EVENTS_MAX + 1];
    fixture f = fixture_root(2);
    const rv_hash128 before = rv_node_state_hash(f.node);
    for (size_t i = 0; i <= RV_BATCH_EVENTS_MAX; i += 1) {
        events[i] = fixture_event("accounts", "account_opened", "{\"name\":\"a\"}");
    }
    RV_CHECK_STATUS(rv_node_append(f.node, events, 0, results, &f.err), RV_REQUEST_INVALID);
    RV_CHECK_STATUS(rv_node_append(f.node, events, RV_BATCH_EVENTS_MAX + 1, results, &f.err),
                    RV_BATCH_TOO_LARGE);
    /* with an id no more than the log knows by heart of its tail, wherever the id is */
    const size_t max = rv_log_notes_max(rv_node_log(f.node));
    RV_CHECK(max < RV_BATCH_EVENTS_MAX);
    events[max].has_event_id = true;
    memset(events[max].event_id, 9, 16);
    RV_CHECK_STATUS(rv_node_append(f.node, events, max + 1, results, &f.err), RV_BATCH_TOO_LARGE);
    RV_CHECK(strstr(f.err.detail, "bring ids") != NULL);
    check_same(&f, before, 1);
    fixture_free(&f);
}

/* Each fits, and all of them together do not. */
RV_TEST(batches_that_are_too_long) {
    static char data[3][60000];
    rv_append events[3];
    rv_event results[3], event;
    fixture f = fixture_root(10);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    const rv_hash128 before = rv_node_state_hash(f.node);
    for (unsigned i = 0; i < 3; i += 1) {
        snprintf(data[i], sizeof data[i], "{\"note_id\":%u,\"body\":\"%050000u\"}", i, i);
        events[i] = fixture_event("/accounts/1", "noted", data[i]);
    }
    RV_CHECK_STATUS(fixture_append_all(f.node, events, 3, results, &f.err), RV_BATCH_TOO_LARGE);
    RV_CHECK(strstr(f.err.facts, "\"index\":2") != NULL);
    check_same(&f, before, 2);
    static char text[150000];
    memset(text, ' ', sizeof text); /* no longer than a schema may be, but than a batch */
    RV_CHECK_STATUS(rv_node_schema_apply(f.node, rv_bytes_of((const uint8_t *)text, sizeof text),
                                         &event, &f.err),
                    RV_SCHEMA_TOO_LARGE);
    check_same(&f, before, 2);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(fixture_append_all(f.node, events, 2, results, &f.err), RV_OK);
    fixture_free(&f);
}

RV_TEST(paths) {
    static char path[RV_PATH_LEN_MAX + 64], data[RV_PATH_LEN_MAX + 64];
    fixture f = fixture_root(3);
    rv_event event;
    RV_CHECK_STATUS(
        rv_node_schema_apply(
            f.node,
            RV_LITERAL("CREATE AGGREGATE tag (id text PRIMARY KEY, n bigint);"
                       "CREATE EVENT_TYPE tagged (id creates tag(id));"
                       "CREATE STREAM tags (path \"/tags/{id}\", event_types (tagged));"),
            &event, &f.err),
        RV_OK);
    const rv_hash128 before = rv_node_state_hash(f.node);
    const size_t head = strlen("/tags/");
    for (unsigned over = 0; over < 2; over += 1) {
        const int len = (int)(RV_PATH_LEN_MAX - head + 1 - over);
        snprintf(data, sizeof data, "{\"id\":\"%0*d\"}", len, 7);
        RV_CHECK_STATUS(fixture_append(&f, "tags", "tagged", data),
                        over == 0 ? RV_PATH_INVALID : RV_OK);
        RV_CHECK_EQ(rv_node_sequence(f.node), 2 + over);
        RV_CHECK(over == 1 || fixture_hashes_equal(rv_node_state_hash(f.node), before));
    }
    snprintf(path, sizeof path, "/tags/%0*d", (int)(RV_PATH_LEN_MAX - head), 7);
    RV_CHECK_STATUS(fixture_append(&f, path, "tagged", "{}"), RV_ROW_EXISTS);
    fixture_free(&f);
}

RV_TEST(schema_texts) {
    static char text[RV_SCHEMA_TEXT_MAX + 2];
    fixture f = fixture_root(4);
    const rv_hash128 before = rv_node_state_hash(f.node);
    rv_event event;
    memset(text, ' ', sizeof text);
    RV_CHECK_STATUS(rv_node_schema_apply(f.node,
                                         rv_bytes_of((const uint8_t *)text, RV_SCHEMA_TEXT_MAX + 1),
                                         &event, &f.err),
                    RV_SCHEMA_TOO_LARGE);
    check_same(&f, before, 1);
    fixture_free(&f);
}

RV_TEST(selections) {
    static uint8_t memory[8 << 20];
    static char long_pattern[RV_PATH_LEN_MAX + 2];
    rv_bytes patterns[RV_PATTERNS_MAX + 1];
    fixture f = fixture_create(5);
    static char texts[RV_PATTERNS_MAX + 1][16];
    for (unsigned i = 0; i <= RV_PATTERNS_MAX; i += 1) {
        (void)snprintf(texts[i], sizeof texts[i], "/accounts/%u", i);
        patterns[i] = rv_bytes_of_string(texts[i]);
    }
    rv_node_options options = {.host = rv_memory_host_interface(f.storage),
                               .memory = memory,
                               .memory_size = sizeof memory,
                               .role = RV_ROLE_EDGE,
                               .patterns = patterns,
                               .pattern_count = RV_PATTERNS_MAX + 1};
    RV_CHECK_STATUS(rv_node_create(&f.node, &options, &f.err), RV_SELECTION_INVALID);
    RV_CHECK(f.node == NULL);
    options.pattern_count = RV_PATTERNS_MAX;
    RV_CHECK_STATUS(rv_node_create(&f.node, &options, &f.err), RV_OK);
    memset(long_pattern, 'a', RV_PATH_LEN_MAX + 1);
    long_pattern[0] = '/';
    patterns[1] = rv_bytes_of_string(long_pattern);
    RV_CHECK_STATUS(rv_node_create(&f.node, &options, &f.err), RV_SELECTION_INVALID);
    patterns[1] = RV_LITERAL("no/slash");
    RV_CHECK_STATUS(rv_node_create(&f.node, &options, &f.err), RV_PATH_INVALID);
    fixture_free(&f);
}

/* --- ids --- */

/* The same id for an event of another stream that takes the same type. */
RV_TEST(an_id_names_its_stream) {
    fixture f = fixture_root(6);
    rv_event event;
    RV_CHECK_STATUS(
        rv_node_schema_apply(
            f.node,
            RV_LITERAL("CREATE STREAM others (path \"/others/{id}\", event_types (deposited));"),
            &event, &f.err),
        RV_OK);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"), RV_OK);
    rv_append append = fixture_event("/accounts/1", "deposited", "{\"amount\":5}");
    append.has_event_id = true;
    memset(append.event_id, 0x42, 16);
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &event, &f.err), RV_OK);
    append.path = RV_LITERAL("/others/1");
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &event, &f.err), RV_EVENT_ID_REUSED);
    append.path = RV_LITERAL("/accounts/1");
    RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &event, &f.err), RV_OK);
    RV_CHECK_EQ(event.position, 4);
    /* more than was accepted */
    rv_append more[2] = {append, append};
    rv_event results[2];
    more[1].has_event_id = false;
    RV_CHECK_STATUS(fixture_append_all(f.node, more, 2, results, &f.err), RV_EVENT_ID_REUSED);
    /* an accepted id behind one that is not */
    memset(more[0].event_id, 0x43, 16);
    more[1] = append;
    RV_CHECK_STATUS(fixture_append_all(f.node, more, 2, results, &f.err), RV_EVENT_ID_REUSED);
    more[0].has_event_id = false;
    RV_CHECK_STATUS(fixture_append_all(f.node, more, 2, results, &f.err), RV_EVENT_ID_REUSED);
    RV_CHECK_EQ(rv_node_sequence(f.node), 4);
    fixture_free(&f);
}

/* --- shortages --- */

typedef enum shortage { SHORT_SCRATCH, SHORT_RESULTS, SHORT_PAGES, SHORTAGES } shortage;

/* Appends, or without an append applies more of the schema, with the nth amount of something. */
static rv_status append_short(fixture *f, const rv_append *append, shortage what, size_t nth) {
    rv_node *const node = f->node;
    const size_t scratch = node->scratch.cap;
    const size_t results = node->results.cap;
    const uint32_t total = node->state->pages.total;
    const uint32_t fresh = rv_pages_pool(&node->state->pages)->fresh;
    rv_event event;
    node->scratch.cap = what == SHORT_SCRATCH && 8 * nth < scratch ? 8 * nth : scratch;
    node->results.cap = what == SHORT_RESULTS && 4 * nth < results ? 4 * nth : results;
    if (what == SHORT_PAGES && fresh - 1 + nth < total) {
        node->state->pages.total = fresh - 1 + (uint32_t)nth;
    }
    const rv_status status =
        append != NULL
            ? fixture_append_all(node, append, 1, &event, &f->err)
            : rv_node_schema_apply(node, RV_LITERAL("CREATE AGGREGATE more (id text PRIMARY KEY);"),
                                   &event, &f->err);
    node->scratch.cap = scratch;
    node->results.cap = results;
    node->state->pages.total = total;
    return status;
}

static bool is_shortage(rv_status status) {
    return status == RV_EVENT_TOO_LARGE || status == RV_BATCH_TOO_LARGE ||
           status == RV_STATE_FULL || status == RV_MEMORY_EXHAUSTED || status == RV_VALUE_TOO_LONG;
}

static void every_shortage(rv_append append, unsigned *met) {
    for (unsigned what = 0; what < SHORTAGES; what += 1) {
        fixture f = fixture_root(7);
        RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"ada\"}"),
                        RV_OK);
        const rv_hash128 before = rv_node_state_hash(f.node);
        rv_status status = RV_STATE_FULL;
        for (size_t nth = 0; status != RV_OK && nth < 4000; nth += 1) {
            status = append_short(&f, &append, (shortage)what, nth);
            if (status != RV_OK) {
                RV_CHECK(is_shortage(status) && f.err.status == status);
                check_same(&f, before, 2);
                RV_CHECK_PASSED();
                met[what] += 1;
            }
        }
        RV_CHECK_STATUS(status, RV_OK);
        fixture_free(&f);
    }
}

RV_TEST(an_append_with_every_shortage) {
    unsigned met[SHORTAGES] = {0, 0, 0};
    rv_append append = fixture_event("/accounts/1", "noted", "{\"note_id\":7,\"body\":\"a note\"}");
    append.metadata = RV_LITERAL("{\"by\":\"ada\"}");
    every_shortage(append, met);
    RV_CHECK_PASSED();
    every_shortage(fixture_event("accounts", "account_opened", "{\"name\":\"bob\"}"), met);
    RV_CHECK_PASSED();
    RV_CHECK(met[SHORT_SCRATCH] > 10 && met[SHORT_RESULTS] > 4 && met[SHORT_PAGES] > 0);
}

/* The first schema change of a log makes its stream. */
RV_TEST(a_schema_change_without_pages) {
    fixture f = fixture_create(8);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    const rv_hash128 before = rv_node_state_hash(f.node);
    unsigned met = 0;
    rv_status status = RV_STATE_FULL;
    for (size_t nth = 0; status != RV_OK && nth < 100; nth += 1) {
        status = append_short(&f, NULL, SHORT_PAGES, nth);
        if (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(f.node);
            continue;
        }
        if (status != RV_OK) {
            RV_CHECK_STATUS(status, RV_STATE_FULL);
            check_same(&f, before, 0);
            RV_CHECK_PASSED();
            met += 1;
        }
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK(met > 0);
    fixture_free(&f);
}

/* --- budgets --- */

/* From the least budget on everything fits; a large one uses the greatest sizes there are. */
RV_TEST(budgets) {
    static const size_t sizes[] = {
        RV_MEMORY_MIN,
        RV_MEMORY_MIN + 1,
        5u << 20,
        9999999,
        32u << 20,
#if SIZE_MAX > UINT32_MAX
        (size_t)600 << 20,
#endif
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i += 1) {
        fixture f = fixture_create(9);
        void *const memory = malloc(sizes[i]);
        const rv_node_options options = {
            .host = rv_memory_host_interface(f.storage), .memory = memory, .memory_size = sizes[i]};
        RV_CHECK(memory != NULL);
        RV_CHECK_STATUS(rv_node_create(&f.node, &options, &f.err), RV_OK);
        rv_memory_class class;
        size_t sum = 0;
        for (uint32_t k = 0; rv_node_memory(f.node, k, &class); k += 1) {
            sum += class.bytes;
        }
        RV_CHECK_EQ(sum, sizes[i]);
        RV_CHECK_STATUS(rv_node_open(f.node, NULL), RV_OK);
        RV_CHECK(f.node->batch_len_max <= RV_BATCH_LEN_MAX);
        RV_CHECK(sizes[i] < ((size_t)500 << 20) || f.node->batch_len_max == RV_BATCH_LEN_MAX);
        free(memory);
        fixture_free(&f);
    }
}

int main(void) {
    RV_RUN(metadata);
    RV_RUN(batches);
    RV_RUN(batches_that_are_too_long);
    RV_RUN(paths);
    RV_RUN(schema_texts);
    RV_RUN(selections);
    RV_RUN(an_id_names_its_stream);
    RV_RUN(an_append_with_every_shortage);
    RV_RUN(a_schema_change_without_pages);
    RV_RUN(budgets);
    return rv_test_done();
}
