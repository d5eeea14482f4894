/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: trees hold exactly what was put in, in order, whatever the keys are: short, long beyond
 * where they are cut, equal; through divisions, merges, rollbacks; and a full pool or journal is
 * told before anything has changed.
 * Method: random operations against a sorted array that compares whole keys; every invariant after
 * each round; walks both ways and searches by whole keys and by their beginnings. Separators forged
 * as a checkpoint with right sums could bring them: a tree that would mislead is not sound.
 */
#include "core/state/root.h"
#include "core/state/tree_node.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define PLACES   20000u
#define KEY_SIZE 300u

/* The whole key of each place: what a row is to an index. */
typedef struct whole {
    uint8_t bytes[KEY_SIZE];
    uint32_t len;
} whole;

typedef enum shape {
    SHAPE_SHORT, /* few bytes, many different */
    SHAPE_FEW,   /* few keys, many equal */
    SHAPE_LONG,  /* a common beginning, beyond where keys are cut */
    SHAPE_MIXED, /* of all */
    SHAPE_HIDDEN /* no byte of the key is shown */
} shape;

static whole keys[PLACES];
static uint32_t sorted[PLACES]; /* places that are in the tree */
static uint32_t sorted_count;
static uint32_t saved[PLACES];
static bool present[PLACES];
static rv_pages pages;
static void *memory;

#define TREE_AT ((rv_at){RV_PAGE_FIRST, (uint32_t)offsetof(rv_root, tables)})

static bool start(size_t page_memory, size_t journal_memory) {
    const size_t size = page_memory + journal_memory + 4096;
    free(memory);
    memory = malloc(size);
    rv_arena arena = rv_arena_over(memory, size);
    if (rv_pages_create(&pages, page_memory, journal_memory, &arena) != RV_OK) {
        return false;
    }
    rv_root *const root = (rv_root *)(void *)rv_pages_write_new(&pages, RV_PAGE_FIRST, 0);
    root->tree_nodes.size = RV_TREE_NODE_SIZE;
    root->tree_nodes.kind = RV_PAGE_TREE;
    memset(present, 0, sizeof present);
    sorted_count = 0;
    return true;
}

static const rv_tree *tree(void) {
    return rv_tree_of(&pages, TREE_AT);
}

/* A key of bytes that are not 0, and a 0 behind them, so that none begins with another. */
static void key_make(whole *key, shape form, uint64_t *seed) {
    const uint64_t random = rv_test_random(seed);
    const shape as = form == SHAPE_MIXED ? (shape)(random % SHAPE_MIXED) : form;
    uint32_t len = 0;
    if (as == SHAPE_LONG) {
        const uint32_t same = random % 5 == 0 ? 20 : 120 + (uint32_t)(random >> 8) % 20;
        memset(key->bytes, 'm', same);
        len = same;
    }
    const uint32_t own = as == SHAPE_FEW ? 1 : 1 + (uint32_t)(random >> 16) % 6;
    const uint32_t letters = as == SHAPE_FEW ? 3 : 12;
    for (uint32_t i = 0; i < own; i += 1) {
        key->bytes[len + i] = (uint8_t)('h' + rv_test_random(seed) % letters);
    }
    len += own;
    key->bytes[len] = 0;
    key->len = len + 1;
}

static rv_bytes whole_of(uint32_t place) {
    return (rv_bytes){keys[place].bytes, keys[place].len};
}

typedef struct sought {
    rv_bytes whole;
    bool beginning; /* compare only so much of the other */
} sought;

static int sought_compare(const sought *s, rv_bytes with) {
    if (s->beginning && with.len > s->whole.len) {
        with.len = s->whole.len;
    }
    return rv_bytes_compare(s->whole, with);
}

static int rest_compare(const void *ctx, uint32_t place) {
    return sought_compare(ctx, whole_of(place));
}

static const rv_tree_rest rest = {rest_compare};

/* What an index would show the tree of the key. */
static rv_tree_key shown(const sought *s, shape form, uint32_t place) {
    const uint32_t max = form == SHAPE_HIDDEN ? 0 : RV_TREE_KEY_MAX;
    const bool cut = s->whole.len > max;
    return (rv_tree_key){.bytes = {s->whole.ptr, cut ? max : s->whole.len},
                         .cut = cut,
                         .place = place,
                         .rest = &rest,
                         .ctx = s};
}

static bool twin_less(uint32_t place, const sought *s, uint32_t with) {
    const int order = -sought_compare(s, whole_of(place));
    return order != 0 ? order < 0 : place < with;
}

/* How many entries of the twin are less. */
static uint32_t twin_search(const sought *s, uint32_t place) {
    uint32_t low = 0;
    uint32_t high = sorted_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (twin_less(sorted[middle], s, place)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Inserts or removes the place. */
static rv_status flip(uint32_t place, shape form, uint64_t *seed) {
    if (!present[place]) {
        key_make(&keys[place], form, seed);
    }
    const sought s = {whole_of(place), false};
    const rv_tree_key key = shown(&s, form, place);
    const uint32_t at = twin_search(&s, place);
    if (present[place]) {
        const rv_status status = rv_tree_remove(&pages, TREE_AT, &key);
        if (status == RV_OK) {
            sorted_count -= 1;
            memmove(&sorted[at], &sorted[at + 1], (sorted_count - at) * sizeof sorted[0]);
            present[place] = false;
        }
        return status;
    }
    const rv_status status = rv_tree_insert(&pages, TREE_AT, &key);
    if (status == RV_OK) {
        memmove(&sorted[at + 1], &sorted[at], (sorted_count - at) * sizeof sorted[0]);
        sorted[at] = place;
        sorted_count += 1;
        present[place] = true;
    }
    return status;
}

static void check_search(shape form, uint64_t *seed) {
    whole key;
    key_make(&key, form, seed);
    sought s = {{key.bytes, key.len}, false};
    if (rv_test_random(seed) % 2 == 0) {
        s.beginning = true;
        s.whole.len = (size_t)(rv_test_random(seed) % (key.len + 1u));
    }
    const uint32_t place = rv_test_random(seed) % 2 == 0 ? 0 : RV_TREE_AFTER;
    const rv_tree_key k = shown(&s, form, place);
    const uint32_t at = twin_search(&s, place);
    const uint32_t expected = at < sorted_count ? sorted[at] : 0;
    const uint32_t below = at > 0 ? sorted[at - 1] : 0;
    const rv_tree_cursor found = rv_tree_seek(&pages, tree(), &k);
    RV_CHECK_EQ(rv_tree_place(&pages, found), expected);
    RV_CHECK_EQ(rv_tree_place(&pages, rv_tree_seek_below(&pages, tree(), &k)), below);
    RV_CHECK(expected == 0 || rv_tree_compare_at(&pages, found, &k) < 0);
}

static void check_all(shape form, uint64_t seed) {
    RV_CHECK(rv_tree_is_sound(&pages, tree()));
    RV_CHECK_EQ(tree()->count, sorted_count);
    rv_tree_cursor forward = rv_tree_first(&pages, tree());
    rv_tree_cursor back = rv_tree_last(&pages, tree());
    for (uint32_t i = 0; i < sorted_count; i += 1) {
        RV_CHECK_EQ(rv_tree_place(&pages, forward), sorted[i]);
        RV_CHECK_EQ(rv_tree_place(&pages, back), sorted[sorted_count - 1 - i]);
        forward = rv_tree_next(&pages, forward);
        back = rv_tree_prev(&pages, back);
    }
    RV_CHECK_EQ(forward.node, 0);
    RV_CHECK_EQ(back.node, 0);
    for (uint32_t i = 0; i < 20; i += 1) {
        check_search(form, &seed);
        RV_CHECK_PASSED();
    }
}

/* Grows to `places`, stays about half full, shrinks to nothing. */
static void run(shape form, uint32_t places, uint32_t steps, uint64_t seed) {
    RV_CHECK(start(16u << 20, 1u << 20));
    const uint32_t empty = rv_pages_pool(&pages)->used;
    for (uint32_t step = 0; step < steps; step += 1) {
        const uint32_t place = 1 + (uint32_t)(rv_test_random(&seed) % (places - 1));
        RV_CHECK_STATUS(flip(place, form, &seed), RV_OK);
        if (step % (steps / 8 + 1) == 0) {
            check_all(form, seed);
            RV_CHECK_PASSED();
        }
    }
    check_all(form, seed);
    RV_CHECK_PASSED();
    for (uint32_t left = sorted_count; left > 0; left -= 1) {
        const uint32_t place = sorted[rv_test_random(&seed) % left];
        RV_CHECK_STATUS(flip(place, form, &seed), RV_OK);
        if (left % (places / 4 + 1) == 0) {
            check_all(form, seed);
            RV_CHECK_PASSED();
        }
    }
    RV_CHECK_EQ(tree()->root, 0);
    RV_CHECK_EQ(rv_pages_pool(&pages)->used, empty);
}

RV_TEST(random_operations_agree_with_a_sorted_array) {
    for (shape form = SHAPE_SHORT; form <= SHAPE_HIDDEN; form += 1) {
        run(form, PLACES, 60000, 1 + (uint64_t)form);
        RV_CHECK_PASSED();
    }
}

RV_TEST(many_small_trees_agree) {
    for (uint64_t seed = 100; seed < 100 + RV_TEST_ROUNDS(800); seed += 1) {
        run((shape)(seed % (SHAPE_HIDDEN + 1)), 20 + (uint32_t)(seed % 700), 900, seed);
        RV_CHECK_PASSED();
    }
}

RV_TEST(what_is_rolled_back_is_as_it_was) {
    for (shape form = SHAPE_SHORT; form <= SHAPE_HIDDEN; form += 1) {
        RV_CHECK(start(8u << 20, 8u << 20));
        uint64_t seed = 50 + (uint64_t)form;
        for (uint32_t round = 0; round < RV_TEST_ROUNDS(200); round += 1) {
            const bool keep = rv_test_random(&seed) % 2 == 0;
            const uint32_t steps = (uint32_t)(rv_test_random(&seed) % 500);
            const uint32_t used = rv_pages_pool(&pages)->used;
            const uint32_t count = sorted_count;
            memcpy(saved, sorted, sizeof saved);
            static whole keys_saved[PLACES];
            memcpy(keys_saved, keys, sizeof keys);
            rv_pages_begin(&pages);
            for (uint32_t step = 0; step < steps; step += 1) {
                const uint32_t place = 1 + (uint32_t)(rv_test_random(&seed) % 2000);
                RV_CHECK_STATUS(flip(place, form, &seed), RV_OK);
            }
            if (keep) {
                rv_pages_commit(&pages);
            } else {
                rv_pages_rollback(&pages);
                RV_CHECK_EQ(rv_pages_pool(&pages)->used, used);
                memcpy(sorted, saved, sizeof saved);
                memcpy(keys, keys_saved, sizeof keys);
                sorted_count = count;
                memset(present, 0, sizeof present);
                for (uint32_t i = 0; i < count; i += 1) {
                    present[sorted[i]] = true;
                }
            }
            check_all(form, seed);
            RV_CHECK_PASSED();
        }
    }
}

RV_TEST(a_full_pool_is_told_and_nothing_has_changed) {
    for (uint32_t count = 2; count < 9; count += 1) {
        RV_CHECK(start(count * (RV_PAGE_SIZE + 17u) + 256u, 1u << 20));
        uint64_t seed = count;
        uint32_t refused = 0;
        for (uint32_t step = 0; step < 6000; step += 1) {
            const uint32_t place = 1 + (uint32_t)(rv_test_random(&seed) % (PLACES - 1));
            const bool inserts = !present[place];
            const rv_status status = flip(place, SHAPE_LONG, &seed);
            RV_CHECK(status == RV_OK || (status == RV_STATE_FULL && inserts));
            if (status != RV_OK && refused++ % 64 == 0) {
                check_all(SHAPE_LONG, seed);
                RV_CHECK_PASSED();
            }
        }
        RV_CHECK(refused > 0 || count > 6);
        check_all(SHAPE_LONG, seed);
        RV_CHECK_PASSED();
        while (sorted_count > 0) {
            const uint32_t place = sorted[rv_test_random(&seed) % sorted_count];
            RV_CHECK_STATUS(flip(place, SHAPE_LONG, &seed), RV_OK);
        }
        RV_CHECK_EQ(rv_pages_pool(&pages)->used, 1);
    }
}

RV_TEST(a_full_journal_is_told_and_nothing_has_changed) {
    uint32_t refused = 0;
    for (size_t journal = 4096; journal < (96u << 10); journal += 1777) {
        RV_CHECK(start(1u << 20, journal));
        uint64_t seed = journal;
        for (uint32_t step = 0; step < 300; step += 1) {
            const uint32_t place = 1 + (uint32_t)(rv_test_random(&seed) % 400);
            RV_CHECK_STATUS(flip(place, SHAPE_MIXED, &seed), RV_OK);
        }
        rv_pages_begin(&pages);
        for (uint32_t step = 0; step < 600; step += 1) {
            const uint32_t place = 1 + (uint32_t)(rv_test_random(&seed) % 400);
            const rv_status status = flip(place, SHAPE_MIXED, &seed);
            RV_CHECK(status == RV_OK || status == RV_BATCH_TOO_LARGE);
            if (status != RV_OK) {
                refused += 1;
                break;
            }
        }
        check_all(SHAPE_MIXED, seed);
        RV_CHECK_PASSED();
        rv_pages_commit(&pages);
    }
    RV_CHECK(refused > 20);
}

/* Keys that only grow fill their leaves; what is there in any order takes twice that at most. */
RV_TEST(entries_take_few_bytes) {
    for (uint32_t mode = 0; mode < 2; mode += 1) {
        RV_CHECK(start(8u << 20, 1u << 20));
        uint64_t seed = 9;
        for (uint32_t i = 0; i < 100000; i += 1) {
            const uint32_t n = mode == 0 ? i : (uint32_t)rv_test_random(&seed);
            const uint8_t bytes[5] = {0x84, (uint8_t)(n >> 24), (uint8_t)(n >> 16),
                                      (uint8_t)(n >> 8), (uint8_t)n};
            const rv_tree_key key = {.bytes = {bytes, sizeof bytes}, .place = i + 1};
            RV_CHECK_STATUS(rv_tree_insert(&pages, TREE_AT, &key), RV_OK);
        }
        RV_CHECK(rv_tree_is_sound(&pages, tree()));
        const uint64_t used = rv_pages_pool(&pages)->used * (uint64_t)RV_PAGE_SIZE;
        RV_CHECK(used < 100000u * (mode == 0 ? 13u : 19u)); /* 12 each, and inner nodes */
    }
}

/* Puts `count` keys of these bytes and two that tell them apart, in order; equal ones when `equal`.
 */
static bool fill(uint32_t count, uint32_t len, bool equal) {
    if (!start(1u << 20, 1u << 20)) {
        return false;
    }
    for (uint32_t place = 1; place <= count; place += 1) {
        whole *const key = &keys[place];
        memset(key->bytes, 'm', len);
        const uint32_t n = equal ? 0 : place;
        memcpy(key->bytes + len, (uint8_t[]){(uint8_t)('a' + n / 16), (uint8_t)('a' + n % 16), 0},
               3);
        key->len = len + 3;
        const sought s = {whole_of(place), false};
        const rv_tree_key shows = shown(&s, SHAPE_LONG, place);
        if (rv_tree_insert(&pages, TREE_AT, &shows) != RV_OK) {
            return false;
        }
    }
    return rv_tree_is_sound(&pages, tree()) && rv_tree_node_read(&pages, tree()->root)->level == 1;
}

/* The root's first separator, and the entries left and right of it. */
typedef struct border {
    rv_tree_entry left;
    rv_tree_entry separator;
    rv_tree_entry right;
} border;

static border border_of(void) {
    const rv_tree_node *const root = rv_tree_node_read(&pages, tree()->root);
    const rv_tree_node *const left = rv_tree_node_read(&pages, rv_tree_child_of(root, 0));
    const rv_tree_node *const right = rv_tree_node_read(&pages, rv_tree_child_of(root, 1));
    return (border){rv_tree_entry_of(left, left->count - 1u), rv_tree_entry_of(root, 0),
                    rv_tree_entry_of(right, 0)};
}

/* Whether the tree is sound with another first separator; then it is as it was. */
static bool sound_with(rv_tree_entry forged) {
    uint8_t bytes[RV_TREE_KEY_MAX];
    const rv_tree_entry good = border_of().separator;
    const uint32_t root = tree()->root;
    memcpy(bytes, good.bytes.ptr, good.bytes.len);
    forged.child = good.child;
    rv_tree_node_remove(&pages, root, 0);
    rv_tree_node_insert(&pages, root, 0, &forged);
    const bool sound = rv_tree_is_sound(&pages, tree());
    rv_tree_entry again = good;
    again.bytes.ptr = bytes;
    rv_tree_node_remove(&pages, root, 0);
    rv_tree_node_insert(&pages, root, 0, &again);
    return sound && rv_tree_is_sound(&pages, tree());
}

RV_TEST(a_cut_separator_names_the_entry_behind_it) {
    RV_CHECK(fill(40, 130, false));
    const border good = border_of();
    rv_tree_entry forged = good.separator;
    RV_CHECK(forged.cut && forged.place == good.right.place && sound_with(forged));
    forged.bytes.len -= 1; /* less than the entry's: removing that would need more room */
    RV_CHECK(!sound_with(forged));
    forged = good.separator;
    forged.cut = false; /* between equal bytes that are cut, places tell nothing */
    RV_CHECK(!sound_with(forged));
    forged.place = 0;
    RV_CHECK(!sound_with(forged));
    forged = good.separator;
    forged.place = good.left.place;
    RV_CHECK(!sound_with(forged));
    forged.place = good.right.place + 1;
    RV_CHECK(!sound_with(forged));
    RV_CHECK(fill(400, 20, true)); /* whole keys, the last one of a cut separator's bytes */
    forged = border_of().separator;
    forged.cut = true;
    RV_CHECK(!sound_with(forged));
}

RV_TEST(a_separator_of_equal_keys_is_between_their_places) {
    RV_CHECK(fill(400, 20, true));
    const border good = border_of();
    rv_tree_entry forged = good.separator;
    RV_CHECK(!forged.cut && forged.place == good.right.place && sound_with(forged));
    forged.place = good.right.place + 1; /* the entry would be sought left of it */
    RV_CHECK(!sound_with(forged));
    forged.place = good.left.place; /* and the other one right of it */
    RV_CHECK(!sound_with(forged));
    forged.place = 0;
    RV_CHECK(!sound_with(forged));
}

RV_TEST(a_separator_does_not_begin_with_the_key_before_it) {
    uint8_t bytes[RV_TREE_KEY_MAX];
    RV_CHECK(fill(200, 20, false));
    const border good = border_of();
    rv_tree_entry forged = good.separator;
    RV_CHECK(!forged.cut && forged.place == 0 && sound_with(forged));
    memcpy(bytes, good.left.bytes.ptr, good.left.bytes.len);
    bytes[good.left.bytes.len] = 'x';
    forged.bytes = rv_bytes_of(bytes, good.left.bytes.len + 1); /* between the two, as bytes */
    RV_CHECK(!sound_with(forged));
    forged.place = good.right.place;
    RV_CHECK(!sound_with(forged));
    forged = good.separator;
    forged.place = good.right.place; /* between other bytes a place is no matter */
    RV_CHECK(sound_with(forged));
    forged.bytes = good.left.bytes; /* the left one itself */
    RV_CHECK(sound_with(forged));
    forged.place = 0;
    RV_CHECK(!sound_with(forged));
}

int main(void) {
    RV_RUN(random_operations_agree_with_a_sorted_array);
    RV_RUN(many_small_trees_agree);
    RV_RUN(what_is_rolled_back_is_as_it_was);
    RV_RUN(a_full_pool_is_told_and_nothing_has_changed);
    RV_RUN(a_full_journal_is_told_and_nothing_has_changed);
    RV_RUN(entries_take_few_bytes);
    RV_RUN(a_cut_separator_names_the_entry_behind_it);
    RV_RUN(a_separator_of_equal_keys_is_between_their_places);
    RV_RUN(a_separator_does_not_begin_with_the_key_before_it);
    free(memory);
    return rv_test_done();
}
