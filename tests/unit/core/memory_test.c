/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a class of memory that is used up gives its error, and nothing has changed; what fits goes
 * on being taken and answered. Method: the smallest node there is, filled up in one class after the
 * other; state and schema hashes, sequence and usage before and after each refusal.
 */
#include "platform/sim/disk.h"
#include "tests/unit/node_fixture.h"

typedef struct before {
    rv_hash128 state;
    rv_hash128 schema;
    uint64_t sequence;
    size_t schema_used;
    size_t pages_used;
} before;

static size_t used_of(const rv_node *node, const char *name) {
    rv_memory_class class;
    for (uint32_t i = 0; rv_node_memory(node, i, &class); i++) {
        if (strcmp(class.name, name) == 0) {
            return class.used;
        }
    }
    return SIZE_MAX;
}

static before before_of(rv_node *node) {
    return (before){rv_node_state_hash(node), rv_schema_hash(rv_node_schema(node)),
                    rv_node_sequence(node), used_of(node, "schema"), used_of(node, "pages")};
}

static void check_unchanged(rv_node *node, const before *was) {
    const before now = before_of(node);
    RV_CHECK(fixture_hashes_equal(now.state, was->state));
    RV_CHECK(fixture_hashes_equal(now.schema, was->schema));
    RV_CHECK_EQ(now.sequence, was->sequence);
    RV_CHECK_EQ(now.schema_used, was->schema_used);
    RV_CHECK_EQ(now.pages_used, was->pages_used);
    RV_CHECK_STATUS(rv_node_failed(node, NULL), RV_OK);
}

RV_TEST(pages_that_are_used_up_refuse_rows_and_nothing_else) {
    fixture f = fixture_root(1);
    static char data[40000];
    rv_event results[4];
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"one\"}"), RV_OK);
    rv_status status = RV_OK;
    before was = before_of(f.node);
    unsigned i = 0;
    for (; i < 1000 && status == RV_OK; i++) {
        snprintf(data, sizeof data, "{\"note_id\":%u,\"body\":\"%030000u\"}", i, i);
        const rv_append notes[2] = {
            fixture_event("/accounts/1", "deposited", "{\"amount\":1}"),
            fixture_event("/accounts/1", "noted", data),
        };
        was = before_of(f.node);
        status = fixture_append_all(f.node, notes, 2, results, &f.err);
    }
    RV_CHECK_STATUS(status, RV_STATE_FULL);
    RV_CHECK(i > 20);
    check_unchanged(f.node, &was);
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    RV_CHECK(fixture_settle(f.node));
    const rv_hash128 hash = rv_node_state_hash(f.node);
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    rv_memory_host_reopen(f.storage);
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    RV_CHECK(fixture_hashes_equal(rv_node_state_hash(f.node), hash));
    fixture_free(&f);
}

RV_TEST(a_journal_or_a_batch_that_is_too_small_refuses_the_batch) {
    enum { COUNT = 3000 };
    static rv_append batch[COUNT];
    static rv_event results[COUNT];
    fixture f = fixture_root(2);
    for (unsigned i = 0; i < COUNT; i++) {
        batch[i] = fixture_event("accounts", "account_opened", "{\"name\":\"one\"}");
    }
    const before was = before_of(f.node);
    RV_CHECK_STATUS(fixture_append_all(f.node, batch, COUNT, results, &f.err), RV_BATCH_TOO_LARGE);
    check_unchanged(f.node, &was);
    RV_CHECK_STATUS(fixture_append_all(f.node, batch, 100, results, &f.err), RV_OK);
    fixture_free(&f);
}

RV_TEST(an_event_beyond_scratch_is_too_large) {
    fixture f = fixture_root(3);
    static char data[200000];
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"one\"}"), RV_OK);
    const before was = before_of(f.node);
    snprintf(data, sizeof data, "{\"note_id\":1,\"body\":\"%0150000u\"}", 1u);
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "noted", data), RV_EVENT_TOO_LARGE);
    check_unchanged(f.node, &was);
    fixture_free(&f);
}

RV_TEST(a_schema_beyond_its_memory_is_too_large) {
    fixture f = fixture_root(4);
    static char text[100000];
    rv_event event;
    rv_status status = RV_OK;
    before was = before_of(f.node);
    for (unsigned i = 0; i < 100 && status == RV_OK; i++) {
        text[0] = '\0';
        for (unsigned n = 0; n < 60; n++) {
            const size_t len = strlen(text);
            snprintf(text + len, sizeof text - len,
                     "CREATE AGGREGATE b%u_%u (id bigint PRIMARY KEY, t text, u text DEFAULT 'a');",
                     i, n);
        }
        was = before_of(f.node);
        status = RV_PENDING;
        for (int polls = 0; polls < 100 && status == RV_PENDING; polls++) {
            status = rv_node_schema_apply(f.node, rv_bytes_of_string(text), &event, &f.err);
            fixture_poll(f.node);
        }
    }
    RV_CHECK_STATUS(status, RV_SCHEMA_TOO_LARGE);
    check_unchanged(f.node, &was);
    RV_CHECK_STATUS(fixture_append(&f, "accounts", "account_opened", "{\"name\":\"one\"}"), RV_OK);
    fixture_free(&f);
}

RV_TEST(a_log_buffer_that_nothing_leaves_is_busy) {
    enum { DISK = 8 << 20 };
    uint8_t *const disk_memory = malloc(DISK);
    uint8_t *const memory = malloc(FIXTURE_NODE_MEMORY);
    const rv_sim_disk_options options = {.seed = 1, .now = INT64_C(1700000000000000)};
    rv_sim_disk *const disk = rv_sim_disk_create(disk_memory, DISK, &options);
    rv_node *node = NULL;
    rv_error err;
    rv_event event;
    RV_CHECK_STATUS(fixture_open_on(rv_sim_disk_interface(disk), memory, FIXTURE_NODE_MEMORY,
                                    RV_ROLE_ROOT, NULL, &node, &err),
                    RV_OK);
    RV_CHECK_STATUS(fixture_apply_schema(node, &event, &err), RV_OK);
    RV_CHECK(fixture_settle(node));
    const rv_sim_faults never = {.pending_percent = 100, .latency_us_max = 1000000};
    rv_sim_disk_set_faults(disk, &never);
    rv_status status = RV_OK;
    before was = before_of(node);
    static char data[60000];
    snprintf(data, sizeof data, "{\"name\":\"n\"}");
    for (unsigned i = 0; i < 200000 && status == RV_OK; i++) {
        const rv_append one = fixture_event("accounts", "account_opened", data);
        was = before_of(node);
        status = rv_node_append(node, &one, 1, &event, &err);
        fixture_poll(node);
        i += 1;
    }
    RV_CHECK(status == RV_BUSY || status == RV_PENDING);
    check_unchanged(node, &was);
    free(disk_memory);
    free(memory);
}

/* Makes `count` accounts, then notes until no page is left. */
static bool fill_pages(fixture *f, unsigned count) {
    static rv_append batch[100];
    static rv_event results[100];
    static char data[8000];
    rv_status status = RV_OK;
    for (unsigned i = 0; i < 100; i++) {
        batch[i] = fixture_event("accounts", "account_opened", "{\"name\":\"one\"}");
    }
    for (unsigned i = 0; i < count && status == RV_OK; i += 100) {
        status = fixture_append_all(f->node, batch, 100, results, &f->err);
    }
    if (status != RV_OK) {
        return false;
    }
    for (unsigned i = 0; i < 10000 && status == RV_OK; i++) {
        snprintf(data, sizeof data, "{\"note_id\":%u,\"body\":\"%03000u\"}", i, i);
        status = fixture_append(f, "/accounts/1", "noted", data);
        if (status == RV_OK && !fixture_settle(f->node)) {
            return false;
        }
    }
    return status == RV_STATE_FULL;
}

RV_TEST(snapshots_that_are_used_up_end_a_checkpoint_and_no_write) {
    enum { ACCOUNTS = 5000, STRIDE = 100 };
    static rv_append batch[ACCOUNTS / STRIDE];
    static rv_event results[ACCOUNTS / STRIDE];
    static char paths[ACCOUNTS / STRIDE][32];
    fixture f = fixture_root(5);
    RV_CHECK(fill_pages(&f, ACCOUNTS));
    RV_CHECK(fixture_settle(f.node));
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    rv_memory_host_reopen(f.storage);
    fixture_checkpoint_growth = 1000;
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    const rv_node_checkpoint *const facts = rv_node_checkpoint_of(f.node);
    for (unsigned i = 0; i < 100 && !facts->writing; i++) {
        fixture_poll(f.node);
        RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":1}"), RV_OK);
    }
    RV_CHECK(facts->writing);
    for (unsigned i = 0; i < ACCOUNTS / STRIDE; i++) {
        snprintf(paths[i], sizeof paths[i], "/accounts/%u", 1 + i * STRIDE);
        batch[i] = fixture_event(paths[i], "deposited", "{\"amount\":1}");
    }
    RV_CHECK_STATUS(fixture_append_all(f.node, batch, ACCOUNTS / STRIDE, results, &f.err), RV_OK);
    RV_CHECK_EQ(used_of(f.node, "snapshots"), 0);
    for (unsigned i = 0; i < 1000 && facts->writing; i++) {
        fixture_poll(f.node);
    }
    RV_CHECK_STATUS(facts->failure.status, RV_SNAPSHOT_EXPIRED);
    RV_CHECK_STATUS(rv_node_failed(f.node, NULL), RV_OK);
    const uint32_t written = facts->written;
    for (unsigned i = 0; i < 3000 && facts->written == written; i++) {
        if (i % 100 == 0) {
            RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":1}"),
                            RV_OK);
        }
        fixture_poll(f.node);
    }
    RV_CHECK(facts->written > written);
    fixture_checkpoint_growth = 0;
    fixture_free(&f);
}

int main(void) {
    RV_RUN(pages_that_are_used_up_refuse_rows_and_nothing_else);
    RV_RUN(a_journal_or_a_batch_that_is_too_small_refuses_the_batch);
    RV_RUN(an_event_beyond_scratch_is_too_large);
    RV_RUN(a_schema_beyond_its_memory_is_too_large);
    RV_RUN(a_log_buffer_that_nothing_leaves_is_busy);
    RV_RUN(snapshots_that_are_used_up_end_a_checkpoint_and_no_write);
    return rv_test_done();
}
