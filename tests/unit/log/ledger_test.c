/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the ledger is an ordered map whose changes are told to the log and can be read back from
 * it, in any room, from the start or behind a carry.
 * Method: random changes in batches, some of them cancelled, against a naive twin (a table that is
 * searched from end to end); after each batch both say the same, in the same order, a replay of all
 * records gives the same, and so does one that begins at a carry written over several batches with
 * changes in between. Records are read at every length, and as written bytes.
 */
#include "core/log/ledger.h"

#include "core/log/batch.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define TWIN_MAX  64
#define VALUE_MAX 300
#define LEDGER    ((size_t)4096)
#define BODY      ((size_t)2048)
#define LOG_SIZE  ((size_t)8 << 20)
#define BATCHES   2000
#define KINDS     3
#define KEYS      20
#define KEY_LONG  RV_LEDGER_KEY_MAX

typedef struct twin_entry {
    uint8_t kind;
    uint8_t key[RV_LEDGER_KEY_MAX];
    size_t key_len;
    uint8_t value[VALUE_MAX];
    size_t value_len;
} twin_entry;

typedef struct twin {
    twin_entry entries[TWIN_MAX];
    size_t count;
} twin;

static uint64_t random_state;

static uint32_t below(uint32_t limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % limit;
}

static rv_ledger_entry entry_of(const twin_entry *entry) {
    return (rv_ledger_entry){.kind = entry->kind,
                             .key = rv_bytes_of(entry->key, entry->key_len),
                             .value = rv_bytes_of(entry->value, entry->value_len)};
}

static size_t twin_find(const twin *t, const twin_entry *entry) {
    for (size_t i = 0; i < t->count; i++) {
        if (t->entries[i].kind == entry->kind && t->entries[i].key_len == entry->key_len &&
            memcmp(t->entries[i].key, entry->key, entry->key_len) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void twin_remove(twin *t, const twin_entry *entry) {
    const size_t at = twin_find(t, entry);
    if (at != SIZE_MAX) {
        t->count -= 1;
        t->entries[at] = t->entries[t->count];
    }
}

static void twin_put(twin *t, const twin_entry *entry) {
    twin_remove(t, entry);
    t->entries[t->count] = *entry;
    t->count += 1;
}

static twin_entry random_entry(void) {
    twin_entry entry = {.kind = (uint8_t)(1 + below(KINDS))};
    const uint32_t key = below(KEYS);
    entry.key_len = key == 0 ? 0 : key % 3 == 0 ? KEY_LONG : key;
    memset(entry.key, (int)(key % 7), entry.key_len);
    entry.value_len = below(4) == 0 ? 0 : below(VALUE_MAX);
    memset(entry.value, (int)below(256), entry.value_len);
    return entry;
}

static bool same(const rv_ledger *ledger, const twin *t) {
    size_t cost = 0;
    bool equal = rv_ledger_count(ledger) == t->count;
    for (size_t i = 0; i < t->count; i++) {
        const rv_ledger_entry expected = entry_of(&t->entries[i]);
        rv_bytes value;
        equal = equal && rv_ledger_get(ledger, expected.kind, expected.key, &value) &&
                rv_bytes_equal(value, expected.value);
        cost += rv_ledger_cost(expected.key.len, expected.value.len);
    }
    for (uint32_t i = 1; i < rv_ledger_count(ledger); i++) {
        const rv_ledger_entry a = rv_ledger_at(ledger, i - 1), b = rv_ledger_at(ledger, i);
        equal =
            equal && (a.kind < b.kind || (a.kind == b.kind && rv_bytes_compare(a.key, b.key) < 0));
    }
    return equal && cost == rv_ledger_used(ledger);
}

/* The log: bodies, each behind its length. */
static uint8_t log_bytes[LOG_SIZE];
static size_t log_len;

static void log_append(const rv_writer *body) {
    RV_ASSERT(log_len + 4 + body->len <= sizeof log_bytes);
    rv_store_u32(log_bytes + log_len, (uint32_t)body->len);
    memcpy(log_bytes + log_len + 4, body->ptr, body->len);
    log_len += 4 + body->len;
}

static rv_status replay_from(rv_ledger *ledger, size_t from) {
    rv_status status = RV_OK;
    while (from < log_len && status == RV_OK) {
        const size_t len = rv_load_u32(log_bytes + from);
        rv_record_context context = {.next_sequence = 1};
        rv_cursor c = rv_cursor_over(rv_bytes_of(log_bytes + from + 4, len));
        while (rv_cursor_left(&c) > 0 && status == RV_OK) {
            rv_record record;
            const bool read = rv_record_read(&c, &context, &record);
            if (!read || record.kind != RV_RECORD_SELECTION) {
                status = read ? rv_ledger_replay(ledger, &record) : RV_DATA_DAMAGED;
            }
        }
        from += 4 + len;
    }
    return status;
}

typedef struct world {
    uint8_t memory[2 * LEDGER + 256];
    uint8_t body[BODY];
    rv_ledger ledger;
    rv_ledger again;
    twin twin;
    uint32_t refused;
} world;

static world w;

static void world_begin(uint64_t seed) {
    random_state = seed;
    log_len = 0;
    memset(&w, 0, sizeof w);
    rv_arena arena = rv_arena_over(w.memory, sizeof w.memory);
    RV_CHECK_STATUS(rv_ledger_create(&w.ledger, LEDGER, &arena), RV_OK);
    RV_CHECK_STATUS(rv_ledger_create(&w.again, LEDGER, &arena), RV_OK);
}

/* One batch of changes, committed or cancelled. */
static void step(void) {
    rv_writer body = rv_writer_over(w.body, BODY);
    rv_write_u8(&body, 2);
    rv_write_u8(&body, RV_RECORD_SELECTION); /* something before the changes */
    rv_write_u8(&body, 0);
    twin after = w.twin;
    rv_ledger_changes changes = rv_ledger_begin(&body);
    twin touched = {.count = 0};
    const uint32_t count = 1 + below(4);
    for (uint32_t i = 0; i < count; i++) {
        const twin_entry random = random_entry();
        if (twin_find(&touched, &random) != SIZE_MAX) {
            continue; /* a key is changed once in a batch */
        }
        twin_put(&touched, &random);
        const rv_ledger_entry entry = entry_of(&random);
        if (below(5) < 2) {
            RV_CHECK_STATUS(rv_ledger_remove(&w.ledger, &changes, entry.kind, entry.key), RV_OK);
            twin_remove(&after, &random);
            continue;
        }
        const size_t before = body.len;
        const rv_status status = rv_ledger_put(&w.ledger, &changes, &entry);
        if (status == RV_OK) {
            twin_put(&after, &random);
        } else {
            RV_CHECK_STATUS(status, RV_BUSY);
            RV_CHECK_EQ(body.len, before);
            w.refused += 1;
        }
    }
    if (below(5) > 0) {
        rv_ledger_apply(&w.ledger, &changes);
        log_append(&body);
        w.twin = after;
    }
    RV_CHECK(same(&w.ledger, &w.twin));
}

RV_TEST(it_is_what_a_naive_table_is) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(3); seed++) {
        world_begin(seed);
        for (int i = 0; i < BATCHES; i++) {
            step();
            RV_CHECK_PASSED();
            if (i % 100 == 0) {
                w.again = (rv_ledger){.buf = w.again.buf, .cap = w.again.cap};
                RV_CHECK_STATUS(replay_from(&w.again, 0), RV_OK);
                RV_CHECK(same(&w.again, &w.twin));
            }
        }
        RV_CHECK(w.refused > 100); /* its room was used up again and again */
    }
}

RV_TEST(a_carry_is_a_place_to_begin) {
    world_begin(7);
    uint32_t bodies = 0;
    for (int i = 0; i < BATCHES / 10; i++) {
        step();
        RV_CHECK_PASSED();
        const size_t mark = log_len;
        rv_ledger_place place = {.kind = 0};
        bool over = false;
        while (!over) {
            uint8_t small[VALUE_MAX + 64];
            rv_writer body = rv_writer_over(small, sizeof small);
            over = rv_ledger_carry(&w.ledger, &body, &place);
            log_append(&body);
            bodies += 1;
            step(); /* whatever is changed meanwhile */
            RV_CHECK_PASSED();
        }
        w.again = (rv_ledger){.buf = w.again.buf, .cap = w.again.cap};
        RV_CHECK_STATUS(replay_from(&w.again, mark), RV_OK);
        RV_CHECK(same(&w.again, &w.twin));
    }
    RV_CHECK(bodies > BATCHES / 2);
}

RV_TEST(records_have_these_bytes) {
    world_begin(1);
    rv_writer body = rv_writer_over(w.body, BODY);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    const rv_ledger_entry entry = {2, RV_LITERAL("key"), RV_LITERAL("value")};
    RV_CHECK_STATUS(rv_ledger_put(&w.ledger, &changes, &entry), RV_OK);
    RV_CHECK_STATUS(rv_ledger_remove(&w.ledger, &changes, 3, RV_LITERAL("")), RV_OK);
    static const uint8_t expected[] = {12,  3,   0,   2,   3, 'k', 'e', 'y', 'v',
                                       'a', 'l', 'u', 'e', 4, 4,   0,   3,   0};
    RV_CHECK(rv_bytes_equal(rv_writer_bytes(&body), rv_bytes_of(expected, sizeof expected)));
}

RV_TEST(what_is_malformed_is_told) {
    world_begin(1);
    static const uint8_t long_key[44] = {9, RV_LEDGER_KEY_MAX + 1};
    const rv_record bad[] = {
        {.kind = RV_RECORD_LEDGER_PUT, .body = {NULL, 0}},
        {.kind = RV_RECORD_LEDGER_PUT, .body = RV_LITERAL("\x01")},
        {.kind = RV_RECORD_LEDGER_PUT, .body = RV_LITERAL("\x01\x02k")},
        {.kind = RV_RECORD_LEDGER_PUT, .body = {(const uint8_t *)"\0", 2}},
        {.kind = RV_RECORD_LEDGER_PUT, .body = RV_LITERAL("\x40\x01k")},
        {.kind = RV_RECORD_LEDGER_PUT, .body = {long_key, sizeof long_key}},
        {.kind = RV_RECORD_LEDGER_REMOVE, .body = RV_LITERAL("\x01\x01kv")},
        {.kind = RV_RECORD_LEDGER_REMOVE, .body = RV_LITERAL("\x01\x01")},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        RV_CHECK_STATUS(rv_ledger_replay(&w.ledger, &bad[i]), RV_DATA_DAMAGED);
        RV_CHECK_EQ(rv_ledger_count(&w.ledger), 0);
    }
}

RV_TEST(what_does_not_fit_is_told) {
    world_begin(1);
    static uint8_t large[2 * LEDGER];
    rv_writer body = rv_writer_over(w.body, BODY);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    const size_t room = LEDGER - rv_ledger_cost(1, 0);
    rv_ledger_entry entry = {1, RV_LITERAL("k"), {large, room + 1}};
    RV_CHECK_STATUS(rv_ledger_put(&w.ledger, &changes, &entry), RV_BUSY);
    entry.value.len = sizeof large;
    RV_CHECK_STATUS(rv_ledger_put(&w.ledger, &changes, &entry), RV_BUSY);
    entry.value.len = room; /* more than the body has */
    RV_CHECK_STATUS(rv_ledger_put(&w.ledger, &changes, &entry), RV_BATCH_TOO_LARGE);
    RV_CHECK_EQ(body.len, 0);
    /* a ledger that is smaller than the one it was written by */
    rv_writer whole = rv_writer_over(large, sizeof large);
    rv_write_u8(&whole, 1);
    rv_write_blob(&whole, RV_LITERAL("k"));
    rv_record record = {.kind = RV_RECORD_LEDGER_PUT, .body = {large, whole.len + room + 1}};
    RV_CHECK_STATUS(rv_ledger_replay(&w.ledger, &record), RV_MEMORY_EXHAUSTED);
    record.body.len -= 1;
    RV_CHECK_STATUS(rv_ledger_replay(&w.ledger, &record), RV_OK);
    RV_CHECK_EQ(rv_ledger_used(&w.ledger), LEDGER);
}

int main(void) {
    RV_RUN(it_is_what_a_naive_table_is);
    RV_RUN(a_carry_is_a_place_to_begin);
    RV_RUN(records_have_these_bytes);
    RV_RUN(what_is_malformed_is_told);
    RV_RUN(what_does_not_fit_is_told);
    return rv_test_done();
}
