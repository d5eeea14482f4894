/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node of a tree (tree.h), for its files: entries of any length, found through an array of their
 * offsets in order.
 *
 *     | links, counts (16) | offsets, 2 each, in order … -> | room | <- … entries |
 *
 *     entry of a leaf:   | place u32 | len 7 bits, cut 1 bit | key … |
 *     of an inner node:  | place u32 | len 7 bits, cut 1 bit | child u32 | key … |
 *
 * An inner node has a first child and, by each entry, the child right of that separator. A
 * separator's place is 0 unless the keys left and right of it are equal.
 *
 * What is removed stays where it is (`loose` counts it) until room is needed and the node is
 * compacted: so its bytes need not be noted, as after a rollback they are there again. Bytes
 * between the offsets and `heap` are nobody's and never noted.
 */
#ifndef RV_STATE_TREE_NODE_H
#define RV_STATE_TREE_NODE_H

#include "core/state/slots.h"
#include "core/state/tree.h"

typedef struct rv_tree_node {
    uint32_t prev; /* leaf: the one before; inner: the first child */
    uint32_t next; /* leaf: the one after */
    uint16_t count;
    uint16_t heap;  /* where the lowest entry begins */
    uint16_t loose; /* bytes of removed entries behind it */
    uint8_t level;  /* 0: a leaf */
    uint8_t spare;
    uint16_t offsets[];
} rv_tree_node;

#define RV_TREE_NODE_HEAD  16u
#define RV_TREE_NODE_ROOM  (RV_TREE_NODE_SIZE - RV_TREE_NODE_HEAD)
#define RV_TREE_LEAF_HEAD  5u
#define RV_TREE_INNER_HEAD 9u
/* The most that an entry takes, with its offset. */
#define RV_TREE_ENTRY_MAX (2u + RV_TREE_INNER_HEAD + RV_TREE_KEY_MAX)

RV_STATIC_ASSERT(sizeof(rv_tree_node) == RV_TREE_NODE_HEAD, "offsets follow the head");
RV_STATIC_ASSERT(RV_TREE_NODE_SIZE % 8 == 0, "a node is a slot");
RV_STATIC_ASSERT(RV_PAGE_ROOM / RV_TREE_NODE_SIZE == 8, "eight in a page");
RV_STATIC_ASSERT(RV_TREE_NODE_ROOM / 4 > RV_TREE_ENTRY_MAX, "both halves of a node take one more");

/* An entry as it lies in its node, or on its way there. */
typedef struct rv_tree_entry {
    rv_bytes bytes;
    uint32_t place;
    uint32_t child; /* of inner nodes */
    bool cut;
} rv_tree_entry;

/* The walk of rv_tree_is_sound, over all nodes in order. */
typedef struct rv_tree_walk {
    const rv_pages *pages;
    uint32_t level; /* where it is, */
    uint32_t root_level;
    uint32_t nodes[RV_TREE_DEPTH_MAX]; /* by level, from the root down to there */
    uint32_t next[RV_TREE_DEPTH_MAX];  /* the child to go to */
    uint32_t leaf;                     /* the last one met */
    uint32_t count;                    /* entries met */
    rv_tree_entry before;              /* the last entry or separator met */
    bool any;                          /* there is one before */
    bool divides;                      /* that is a separator */
    bool over;
} rv_tree_walk;

/* Begins; visits one more node, or leaves one: false, when that is not sound; and, when it is over,
 * is all there that the tree says? All nodes must be, as rv_tree_node_is_sound says. */
void rv_tree_walk_begin(rv_tree_walk *w, const rv_pages *pages, const rv_tree *tree);
bool rv_tree_walk_step(rv_tree_walk *w);
bool rv_tree_walk_fits(const rv_tree_walk *w, const rv_tree *tree);

/* True when entries lie where they may, what is used and loose adds up, and a leaf is not empty.
 * Whatever the bytes of the node. */
bool rv_tree_node_is_sound(const rv_tree_node *node, uint32_t level);

static inline const rv_tree_node *rv_tree_node_read(const rv_pages *pages, uint32_t node) {
    return (const rv_tree_node *)(const void *)rv_slots_read(pages, node, RV_TREE_NODE_SIZE);
}

static inline rv_tree_entry rv_tree_entry_of(const rv_tree_node *node, uint32_t nth) {
    RV_ASSERT(nth < node->count);
    const uint8_t *const at = (const uint8_t *)node + node->offsets[nth];
    const uint32_t head = node->level == 0 ? RV_TREE_LEAF_HEAD : RV_TREE_INNER_HEAD;
    rv_tree_entry entry = {.bytes = {at + head, at[4] & 0x7fu}, .cut = (at[4] & 0x80u) != 0};
    memcpy(&entry.place, at, sizeof entry.place);
    if (node->level != 0) {
        memcpy(&entry.child, at + RV_TREE_LEAF_HEAD, sizeof entry.child);
    }
    return entry;
}

/* The child at 0 to count. */
static inline uint32_t rv_tree_child_of(const rv_tree_node *node, uint32_t nth) {
    RV_ASSERT(node->level > 0 && nth <= node->count);
    return nth == 0 ? node->prev : rv_tree_entry_of(node, nth - 1).child;
}

/* What an entry takes of a node of the level, with its offset. */
static inline uint32_t rv_tree_entry_size(uint32_t level, const rv_tree_entry *entry) {
    const uint32_t head = level == 0 ? RV_TREE_LEAF_HEAD : RV_TREE_INNER_HEAD;
    return 2u + head + (uint32_t)entry->bytes.len;
}

/* Bytes in use, with offsets. */
static inline uint32_t rv_tree_node_used(const rv_tree_node *node) {
    return 2u * node->count + (RV_TREE_NODE_SIZE - node->heap) - node->loose;
}

/* How a key compares with an entry: negative when it is less. */
int rv_tree_compare(const rv_tree_key *key, const rv_tree_entry *entry);

/* How many entries are less than the key; of an inner node, how many are not greater: the number of
 * the child that leads to it. */
uint32_t rv_tree_node_search(const rv_tree_node *node, const rv_tree_key *key);

/* Changes. The caller reserved the journal: RV_TREE_NODE_COST for each. */
#define RV_TREE_NODE_COST (2 * RV_TREE_NODE_SIZE + RV_JOURNAL_STEP)

/* The head of a node, to be changed at once. */
rv_tree_node *rv_tree_node_change(rv_pages *pages, uint32_t node);

/* An empty node. RV_STATE_FULL, RV_BATCH_TOO_LARGE: nothing has changed. */
RV_MUST_USE rv_status rv_tree_node_make(rv_pages *pages, uint8_t level, uint32_t *node);

void rv_tree_node_free(rv_pages *pages, uint32_t node);

/* Puts an entry, whose bytes lie elsewhere, before the nth; it fits. */
void rv_tree_node_insert(rv_pages *pages, uint32_t node, uint32_t nth, const rv_tree_entry *entry);

void rv_tree_node_remove(rv_pages *pages, uint32_t node, uint32_t nth);

/* Removes all entries but the first ones. */
void rv_tree_node_keep(rv_pages *pages, uint32_t node, uint32_t count);

/* Puts copies of another node's entries from the nth on behind the last one; they fit. */
void rv_tree_node_append(rv_pages *pages, uint32_t node, uint32_t from, uint32_t nth);

#endif
