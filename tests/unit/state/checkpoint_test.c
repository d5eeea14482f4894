/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: pages saved while the state goes on changing, loaded into another state, are the state as
 * it was: same hash, and the same answers to what comes after. Pages that are no state are refused;
 * whatever passes can be used without an assertion failing.
 * Method: random events over the bank's schema, folded into a state and into what was loaded from a
 * checkpoint of it; then bytes, words and pages of a good state are changed, and what is loaded all
 * the same is used by everything there is.
 */
#include "core/state/base.h"
#include "core/state/checkpoint.h"
#include "core/state/inside.h"
#include "core/state/root.h"
#include "core/state/tree_node.h"
#include "tests/unit/state/bank_random.h"

#define PAGE_MEMORY ((size_t)3 << 20)
#define PAGES_MAX   (PAGE_MEMORY / RV_PAGE_SIZE)
#define JOURNAL     ((size_t)1 << 20)
#ifdef RV_TEST_EMULATED /* a processor that is played by another takes fifteen times as long */
#define CHANGES 300u
#define WAYS    1u
#else
#define CHANGES 2000u
#define WAYS    2u
#endif

static bank_memory schema_memory, memories[2];
static _Alignas(64) uint8_t saved[PAGES_MAX * RV_PAGE_SIZE];
static uint64_t sums[PAGES_MAX];

static bool start(rv_state **state, uint32_t nth, uint64_t key) {
    free(memories[nth].memory);
    const rv_state_options options = {schema, key, PAGE_MEMORY, JOURNAL, (size_t)8 << 20};
    return bank_take(&memories[nth], PAGE_MEMORY + JOURNAL + ((size_t)9 << 20)) &&
           rv_state_create(state, &options, &memories[nth].arena, NULL) == RV_OK;
}

/* Parts of a base wait: short ones and long ones. */
static bool base_waits(rv_state *state, uint32_t parts) {
    static uint8_t part[9000];
    rv_error err;
    bool good =
        rv_state_base_begin(state, 7, RV_LITERAL("what is selected, in bytes"), &err) == RV_OK;
    for (uint32_t i = 0; i < parts && good; i += 1) {
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        rv_writer w = rv_writer_over(part, i % 2 == 0 ? 100 : sizeof part);
        while (rv_writer_room(&w) >= 16) {
            rv_write_u8(&w, RV_BASE_STREAM);
            rv_write_varint(&w, 0);
            rv_write_blob(&w, RV_LITERAL("/s/123"));
            rv_write_varint(&w, 3 + i);
        }
        good = rv_state_base_part(state, rv_writer_bytes(&w), i, &scratch, &err) == RV_OK;
    }
    return good;
}

/* A state after `count` events in five streams. */
static bool fill(rv_state **state, uint64_t *seed, uint32_t count) {
    static const char *const paths[STREAMS] = {"/accounts/1", "/a/2", "/a/long/path/of/a/stream",
                                               "/a/4", "/rivulet/schema"};
    bool good = start(state, 0, 77);
    sequence = 0;
    memset(versions, 0, sizeof versions);
    for (uint32_t i = 0; i < STREAMS && good; i += 1) {
        uint32_t number;
        rv_error err;
        good = rv_state_stream_add(*state, RV_NONE, rv_bytes_of_string(paths[i]), &number, &err) ==
               RV_OK;
    }
    for (uint32_t i = 0; i < count && good; i += 1) {
        good = fold_random(*state, seed) == RV_OK;
    }
    return good && (count % 2 == 0 || base_waits(*state, count % 4));
}

static size_t scratch_size = sizeof scratch_memory;

static uint32_t check_work = 1;
static uint64_t check_steps, check_loads;

static rv_status load(rv_state *state, const rv_checkpoint_head *head, rv_error *err) {
    rv_arena scratch = rv_arena_over(scratch_memory, scratch_size);
    memcpy(rv_state_load_pages(state, RV_PAGE_FIRST, head->page_count), saved,
           (size_t)head->page_count * RV_PAGE_SIZE);
    rv_state_load_check_begin(state, head, UINT64_C(0x1234567890abcdef), &scratch);
    rv_status status = RV_PENDING;
    check_loads += 1;
    while (status == RV_PENDING) { /* in steps of any length */
        check_work = check_work * 7 % 127;
        check_steps += 1;
        status = rv_state_load_check(state, check_work, err);
    }
    return status;
}

/* Each of the loads of the tests before it took steps, which make no difference. */
RV_TEST(pages_are_checked_in_steps) {
    RV_CHECK(check_loads > 100 && check_steps > 3 * check_loads);
}

RV_TEST(what_is_saved_while_events_go_on_is_the_state_as_it_was) {
    for (uint64_t run = 1; run <= 60; run += 1) {
        uint64_t seed = run;
        rv_state *state, *again;
        RV_CHECK(fill(&state, &seed, (uint32_t)(run * run) % 1500));
        const rv_hash128 hash = rv_state_hash(state, 9);
        rv_checkpoint_head head = {.last_sequence = sequence};
        rv_snapshot snapshot;
        RV_CHECK_STATUS(rv_state_save_begin(state, &snapshot, &head), RV_OK);
        RV_CHECK_EQ(head.hash_key, 77);
        uint64_t replayed = seed;
        const uint64_t at = sequence;
        uint64_t versions_at[STREAMS];
        memcpy(versions_at, versions, sizeof versions);
        for (uint32_t page = 1; page <= head.page_count;) {
            const uint32_t left = head.page_count - page + 1;
            const uint32_t count = left < 3 ? left : 1 + (uint32_t)(run % 3);
            RV_CHECK_STATUS(rv_state_save_pages(state, snapshot, page, count,
                                                saved + (size_t)(page - 1) * RV_PAGE_SIZE, sums),
                            RV_OK);
            page += count;
            for (uint32_t i = 0; i < 20; i += 1) {
                RV_CHECK_STATUS(fold_random(state, &seed), RV_OK);
            }
        }
        const uint64_t further = sequence - at;
        rv_state_save_end(state, snapshot);
        RV_CHECK(start(&again, 1, 78));
        rv_error err;
        RV_CHECK_STATUS(load(again, &head, &err), RV_OK);
        RV_CHECK_EQ(rv_state_load_sums(again, 1, head.page_count, sums), 0);
        RV_CHECK(bank_same(rv_state_hash(again, 9), hash));
        sequence = at;
        memcpy(versions, versions_at, sizeof versions);
        for (uint64_t i = 0; i < further; i += 1) {
            RV_CHECK_STATUS(fold_random(again, &replayed), RV_OK);
        }
        RV_CHECK(bank_same(rv_state_hash(again, 10), rv_state_hash(state, 10)));
        rv_state_reset(again);
        RV_CHECK_EQ(rv_state_usage_of(again).pages_used, 1);
        RV_CHECK_PASSED();
    }
}

/* Reads everything, changes much of it, deletes what is there. */
static void use(rv_state *state, uint64_t seed) {
    rv_error err;
    (void)rv_state_hash(state, 1);
    rv_path_pattern pattern;
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/a/*"), &pattern, &err), RV_OK);
    (void)rv_state_hash_selected(state, 1, &pattern, 1);
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, a);
        for (rv_row row = rv_state_row_next(state, a, RV_ROW_NONE); row != RV_ROW_NONE;
             row = rv_state_row_next(state, a, row)) {
            for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
                rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
                static uint8_t text[1 << 16];
                rv_writer w = rv_writer_over(text, sizeof text);
                rv_value value;
                if (rv_state_row_cell(state, a, row, i, &scratch, &value, NULL) == RV_OK) {
                    rv_value_to_json(&aggregate->columns[i].type, &value, &w);
                }
            }
        }
    }
    for (uint32_t i = 0; i < 150; i += 1) {
        if (fold_random(state, &seed) != RV_OK) {
            return;
        }
    }
    uint32_t number;
    (void)rv_state_stream_find(state, RV_LITERAL("/a/2"), &number);
    rv_state_begin(state);
    if (rv_state_stream_add(state, RV_NONE, RV_LITERAL("/new/stream"), &number, &err) != RV_OK) {
        rv_state_rollback(state);
        return;
    }
    rv_state_rollback(state);
    (void)rv_state_hash(state, 2);
    if (rv_state_base_progress(state).under_way && seed % 2 == 0) {
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        const rv_status status = rv_state_base_apply(state, &scratch, &err);
        (void)status;
    }
    rv_state_base_discard(state);
}

/* A change somewhere in a page: of a bit, a small number, or a word that looks like another. */
static void damage(uint64_t *seed, uint32_t page_count) {
    const uint64_t r = rv_test_random(seed);
    const uint32_t page = r % 4 == 0 ? 0 : (uint32_t)(r >> 8) % page_count;
    uint8_t *const bytes = saved + (size_t)page * RV_PAGE_SIZE;
    const uint32_t range = r % 3 == 0 ? RV_PAGE_HEAD : r % 3 == 1 ? 1024 : RV_PAGE_SIZE;
    const uint32_t offset = (uint32_t)(r >> 32) % (range / 4) * 4;
    const uint64_t how = rv_test_random(seed);
    const uint32_t other = (uint32_t)(how >> 8) % page_count;
    switch (how % 5) {
    case 0:
        bytes[offset + how / 5 % 4] ^= (uint8_t)(1u << (how >> 16) % 8);
        break;
    case 1:
        rv_store_u32(bytes + offset, (uint32_t)(how >> 8) % 64);
        break;
    case 2:
        rv_store_u32(bytes + offset, (uint32_t)(how >> 16));
        break;
    case 3:
        memcpy(bytes + offset, saved + (size_t)other * RV_PAGE_SIZE + offset, 4);
        break;
    default:
        memcpy(bytes + offset, bytes + (uint32_t)(how >> 16) % (RV_PAGE_SIZE / 4) * 4, 4);
        break;
    }
}

/* A slot of a tree's node, some page's; NULL: there is none. */
static uint8_t *some_node(uint64_t *seed, uint32_t page_count) {
    const uint32_t from = (uint32_t)(rv_test_random(seed) >> 8) % page_count;
    for (uint32_t i = 0; i < page_count; i += 1) {
        uint8_t *const page = saved + (size_t)((from + i) % page_count) * RV_PAGE_SIZE;
        const rv_page_head *const head = (const rv_page_head *)(const void *)page;
        if (head->kind == RV_PAGE_TREE && head->slot_used > 0) {
            const uint32_t nth = (uint32_t)(rv_test_random(seed) >> 8) % head->slot_fresh;
            return page + RV_PAGE_HEAD + (size_t)nth * RV_TREE_NODE_SIZE;
        }
    }
    return NULL;
}

static void swap_u16(uint8_t *a, uint8_t *b) {
    const uint16_t was = rv_load_u16(a);
    rv_store_u16(a, rv_load_u16(b));
    rv_store_u16(b, was);
}

/* A change in the node of a secondary index: its head, its offsets, an entry, their order. */
static void damage_node(uint64_t *seed, uint32_t page_count) {
    uint8_t *const bytes = some_node(seed, page_count);
    if (bytes == NULL) {
        return;
    }
    rv_tree_node *const node = (rv_tree_node *)(void *)bytes;
    const uint64_t r = rv_test_random(seed) >> 8;
    const uint32_t nth = node->count == 0 ? 0 : (uint32_t)(r >> 8) % node->count;
    uint8_t *const offset = bytes + RV_TREE_NODE_HEAD + (size_t)2 * nth;
    uint8_t *const entry = bytes + node->offsets[nth] % (RV_TREE_NODE_SIZE - 16);
    const uint16_t small = (uint16_t)(1 + (r >> 40) % 3);
    switch (r % 12) {
    case 0:
        node->count = (uint16_t)(node->count + small - 2);
        break;
    case 1:
        node->heap = (uint16_t)(node->heap + small - 2);
        break;
    case 2:
        node->loose = (uint16_t)(node->loose + small);
        break;
    case 3:
        node->level = (uint8_t)(node->level + small);
        break;
    case 4:
        node->prev = (r >> 20) % 2 == 0 ? node->next : node->prev + small;
        break;
    case 5:
        node->next = (r >> 20) % 2 == 0 ? 0 : node->next + small;
        break;
    case 6:
        rv_store_u16(offset, (uint16_t)(r >> 16));
        break;
    case 7: /* the same entries in another order */
    case 8:
        swap_u16(offset,
                 bytes + RV_TREE_NODE_HEAD + (size_t)2 * (nth + 1 < node->count ? nth + 1 : 0));
        break;
    case 9: /* the length and whether it is cut */
        entry[4] ^= (uint8_t)(1u << (r >> 20) % 8);
        break;
    case 10: /* a byte of the key or of the child */
        entry[5 + (r >> 20) % 10] ^= (uint8_t)(1u << (r >> 30) % 8);
        break;
    default: /* the place, or of a separator that there is none */
        rv_store_u32(entry, (r >> 20) % 2 == 0 ? 0 : rv_load_u32(entry) + small);
        break;
    }
}

/* A change of a number in a page of some kind, each kind as often as another. */
static void damage_kind(uint64_t *seed, uint32_t page_count) {
    static const struct {
        rv_page_kind kind;
        uint32_t range;
    } kinds[] = {{RV_PAGE_TABLE, sizeof(rv_table)},
                 {RV_PAGE_STREAMS, RV_PAGE_HEAD + 320},
                 {RV_PAGE_BUCKETS, RV_PAGE_HEAD + 512},
                 {RV_PAGE_ROWS, RV_PAGE_HEAD + 512},
                 {RV_PAGE_HEAP, RV_PAGE_HEAD + 256},
                 {RV_PAGE_DIRECTORY, RV_PAGE_HEAD + 16},
                 {RV_PAGE_ROOT, RV_PAGE_HEAD + sizeof(rv_root)},
                 {RV_PAGE_TREE, RV_PAGE_HEAD}};
    const uint64_t r = rv_test_random(seed) >> 8;
    const uint32_t nth = (uint32_t)(r % (sizeof kinds / sizeof kinds[0]));
    const uint32_t from = (uint32_t)(r >> 16) % page_count;
    uint8_t *at = saved;
    for (uint32_t i = 0; i < page_count; i += 1) {
        uint8_t *const page = saved + (size_t)((from + i) % page_count) * RV_PAGE_SIZE;
        if (((const rv_page_head *)(const void *)page)->kind == kinds[nth].kind) {
            const uint32_t range =
                kinds[nth].range < RV_PAGE_SIZE ? kinds[nth].range : RV_PAGE_SIZE;
            at = page + (uint32_t)(rv_test_random(seed) >> 8) % (range / 4) * 4;
            break;
        }
    }
    const uint32_t was = rv_load_u32(at);
    const uint64_t how = rv_test_random(seed) >> 8;
    const uint32_t values[] = {0,       1,         UINT32_MAX,       was + 1,
                               was - 1, was << 16, was + (1u << 16), was ^ 1u << (how >> 8) % 32};
    rv_store_u32(at, values[how % (sizeof values / sizeof values[0])]);
}

/* Loads what is in `saved`, and uses it if it passes. */
static bool refused_or_usable(const rv_checkpoint_head *head, uint64_t seed) {
    rv_state *state;
    rv_error err;
    if (!start(&state, 1, 5)) {
        rv_test_failed = true;
        return false;
    }
    const rv_status status = load(state, head, &err);
    if (status == RV_OK) {
        use(state, seed);
        return false;
    }
    rv_state_reset(state);
    rv_test_failed = rv_test_failed || status != RV_DATA_DAMAGED;
    return true;
}

/* Changes a good state again and again: how often it was refused. */
static uint32_t change(void (*damage_some)(uint64_t *seed, uint32_t page_count)) {
    static uint8_t good[sizeof saved];
    static rv_checkpoint_head head;
    uint32_t refused = 0;
    for (uint64_t run = 1; run <= CHANGES / 4 && !rv_test_failed; run += 1) {
        uint64_t seed = run * 77;
        if (run % 500 == 1) {
            rv_state *state;
            rv_snapshot snapshot;
            rv_test_failed = !fill(&state, &seed, 1400);
            head = (rv_checkpoint_head){.last_sequence = sequence};
            rv_test_failed =
                rv_test_failed || rv_state_save_begin(state, &snapshot, &head) != RV_OK ||
                rv_state_save_pages(state, snapshot, 1, head.page_count, good, sums) != RV_OK;
        }
        memcpy(saved, good, (size_t)head.page_count * RV_PAGE_SIZE);
        damage_some(&seed, head.page_count);
        refused += refused_or_usable(&head, seed);
    }
    return refused;
}

RV_TEST(nodes_of_indexes_that_are_wrong) {
    const uint32_t refused = change(damage_node);
    RV_CHECK(!rv_test_failed && refused > CHANGES / 8);
}

RV_TEST(numbers_in_every_kind_of_page_that_are_wrong) {
    const uint32_t refused = change(damage_kind);
    RV_CHECK(!rv_test_failed && refused > CHANGES / 16);
}

/* Changes each word of a part of a page in turn: how often that was refused. */
static uint32_t change_words(const rv_checkpoint_head *head, uint8_t *bytes, size_t len) {
    uint32_t refused = 0;
    for (size_t at = 0; at < len && !rv_test_failed; at += 4) {
        const uint32_t was = rv_load_u32(bytes + at);
        const uint32_t values[] = {was + 1, was - 1, 0, UINT32_MAX};
        for (unsigned i = 0; i < WAYS; i += 1) {
            rv_store_u32(bytes + at, values[i]);
            refused += refused_or_usable(head, at);
            rv_store_u32(bytes + at, was);
        }
    }
    return refused;
}

/* Every counter, list and index of the root and of each table; and too little memory for values. */
RV_TEST(each_counter_that_is_wrong) {
    static rv_checkpoint_head head;
    uint64_t seed = 5;
    uint32_t refused = 0, short_of = 0;
    rv_state *state;
    rv_snapshot snapshot;
    rv_error err;
    RV_CHECK(fill(&state, &seed, 700));
    head = (rv_checkpoint_head){.last_sequence = sequence};
    RV_CHECK_STATUS(rv_state_save_begin(state, &snapshot, &head), RV_OK);
    RV_CHECK_STATUS(rv_state_save_pages(state, snapshot, 1, head.page_count, saved, sums), RV_OK);
    refused += change_words(&head, saved + offsetof(rv_root, pool), sizeof(rv_pool));
    refused += change_words(&head, saved + offsetof(rv_root, heap) + sizeof(rv_slots),
                            offsetof(rv_root, streams) + 12 - offsetof(rv_root, heap[1]));
    for (uint32_t page = 0; page < head.page_count; page += 1) {
        uint8_t *const bytes = saved + (size_t)page * RV_PAGE_SIZE;
        if (((const rv_page_head *)(const void *)bytes)->kind == RV_PAGE_TABLE) {
            refused += change_words(&head, bytes, offsetof(rv_table, row_size));
            refused += change_words(&head, bytes + offsetof(rv_table, trees), 2 * sizeof(rv_tree));
        }
    }
    RV_CHECK_PASSED();
    RV_CHECK(refused > 50 * WAYS);
    for (scratch_size = 0; scratch_size < sizeof scratch_memory;
         scratch_size += 1 + scratch_size / 3) {
        RV_CHECK(start(&state, 1, 5));
        const rv_status status = load(state, &head, &err);
        if (status != RV_OK) {
            RV_CHECK_STATUS(status, RV_DATA_DAMAGED);
            RV_CHECK(strstr(err.detail, "too long for this node's memory") != NULL);
            short_of += 1;
            rv_state_reset(state);
        }
    }
    scratch_size = sizeof scratch_memory;
    RV_CHECK(short_of > 2);
}

/* What the root says of a base, with parts that wait and without. */
RV_TEST(each_word_of_a_base_that_is_wrong) {
    for (uint32_t count = 40; count < 44; count += 1) {
        static rv_checkpoint_head head;
        uint64_t seed = count;
        rv_state *state;
        rv_snapshot snapshot;
        RV_CHECK(fill(&state, &seed, count));
        head = (rv_checkpoint_head){.last_sequence = sequence};
        RV_CHECK_STATUS(rv_state_save_begin(state, &snapshot, &head), RV_OK);
        RV_CHECK_STATUS(rv_state_save_pages(state, snapshot, 1, head.page_count, saved, sums),
                        RV_OK);
        const uint32_t refused =
            change_words(&head, saved + offsetof(rv_root, base), sizeof(rv_base_root));
        RV_CHECK_PASSED();
        RV_CHECK(refused > 2 * WAYS);
    }
}

RV_TEST(what_is_no_state_is_refused_and_what_passes_can_be_used) {
    static uint8_t good[sizeof saved];
    uint32_t refused = 0, passed = 0;
    for (uint64_t run = 1; run <= CHANGES; run += 1) {
        static rv_checkpoint_head head;
        uint64_t seed = run * 1000;
        if (run % 500 == 1) {
            rv_state *state;
            RV_CHECK(fill(&state, &seed, 200 + (uint32_t)run % 1300));
            head = (rv_checkpoint_head){.last_sequence = sequence};
            rv_snapshot snapshot;
            RV_CHECK_STATUS(rv_state_save_begin(state, &snapshot, &head), RV_OK);
            RV_CHECK_STATUS(rv_state_save_pages(state, snapshot, 1, head.page_count, good, sums),
                            RV_OK);
        }
        memcpy(saved, good, (size_t)head.page_count * RV_PAGE_SIZE);
        damage(&seed, head.page_count);
        if (run % 8 == 0) {
            damage(&seed, head.page_count);
        }
        rv_state *state;
        rv_error err;
        RV_CHECK(start(&state, 1, 5));
        const rv_status status = load(state, &head, &err);
        if (status == RV_OK) {
            passed += 1;
            use(state, seed);
        } else {
            RV_CHECK_STATUS(status, RV_DATA_DAMAGED);
            refused += 1;
            rv_state_reset(state);
            RV_CHECK_EQ(rv_state_stream_count(state), 0);
        }
        RV_CHECK_PASSED();
    }
    RV_CHECK(refused > CHANGES / 20 && passed > CHANGES / 50); /* both happen */
}

RV_TEST(headers_say_what_they_are) {
    rv_checkpoint_head head = {.mark = {1, 2, 3},
                               .last_sequence = 99,
                               .log_bytes = 12345,
                               .hash_key = 7,
                               .recorded_at = -3,
                               .page_count = 9,
                               .words_len = 4096 - 72,
                               .front_crc = 0xabcdef01};
    uint8_t bytes[RV_CHECKPOINT_HEAD_SIZE], wrong[RV_CHECKPOINT_HEAD_SIZE];
    rv_checkpoint_head_encode(bytes, &head);
    rv_checkpoint_head again;
    RV_CHECK_EQ(rv_checkpoint_head_decode(bytes, &again), RV_CHECKPOINT_USABLE);
    RV_CHECK(memcmp(again.mark, head.mark, sizeof head.mark) == 0);
    RV_CHECK(again.last_sequence == 99 && again.log_bytes == 12345 && again.hash_key == 7 &&
             again.recorded_at == -3 && again.page_count == 9 && again.words_len == 4096 - 72 &&
             again.front_crc == 0xabcdef01);
    RV_CHECK_EQ(rv_checkpoint_words_at(&head), 4096 + 72);
    RV_CHECK_EQ(rv_checkpoint_page_at(&head, 1), 8192);
    RV_CHECK_EQ(rv_checkpoint_page_at(&head, 10), 8192 + 9 * RV_PAGE_SIZE);
    for (uint32_t i = 0; i < sizeof bytes; i += 1) {
        memcpy(wrong, bytes, sizeof bytes);
        wrong[i] ^= (uint8_t)(1u << (i % 8));
        RV_CHECK_EQ(rv_checkpoint_head_decode(wrong, &again), RV_CHECKPOINT_DAMAGED);
    }
    memset(wrong, 0, sizeof wrong);
    RV_CHECK_EQ(rv_checkpoint_head_decode(wrong, &again), RV_CHECKPOINT_UNFINISHED);
    memcpy(wrong, bytes, sizeof bytes);
    wrong[16] ^= 1;
    rv_store_u32(wrong + 4092, rv_crc32c(0, rv_bytes_of(wrong, 4092)));
    RV_CHECK_EQ(rv_checkpoint_head_decode(wrong, &again), RV_CHECKPOINT_FOREIGN);
}

int main(void) {
    schema = bank_schema_make(&schema_memory);
    RV_RUN(what_is_saved_while_events_go_on_is_the_state_as_it_was);
    RV_RUN(nodes_of_indexes_that_are_wrong);
    RV_RUN(numbers_in_every_kind_of_page_that_are_wrong);
    RV_RUN(each_counter_that_is_wrong);
    RV_RUN(each_word_of_a_base_that_is_wrong);
    RV_RUN(what_is_no_state_is_refused_and_what_passes_can_be_used);
    RV_RUN(headers_say_what_they_are);
    free(schema_memory.memory);
    free(memories[0].memory);
    free(memories[1].memory);
    RV_RUN(pages_are_checked_in_steps);
    return rv_test_done();
}
