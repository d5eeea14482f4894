/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Insertion into trees (tree.h): an entry goes into its leaf; a leaf that is full is divided, and
 * what divides the halves goes into the node above, which may have to be divided in turn.
 *
 * A leaf at the end of the chain that is full when an entry comes behind its last one stays full,
 * so that keys that only grow (times, serials) fill their leaves.
 */
#include "core/state/root.h"
#include "core/state/tree_change.h"

void rv_tree_path_find(const rv_pages *pages, const rv_tree *tree, const rv_tree_key *key,
                       rv_tree_path *path) {
    path->levels = 0;
    if (tree->root == 0) {
        return;
    }
    uint32_t place = tree->root;
    const rv_tree_node *node = rv_tree_node_read(pages, place);
    const uint32_t levels = node->level + 1u;
    RV_ASSERT(levels <= RV_TREE_DEPTH_MAX);
    for (uint32_t level = levels - 1; level > 0; level -= 1) {
        path->nodes[level] = place;
        path->at[level] = rv_tree_node_search(node, key);
        place = rv_tree_child_of(node, path->at[level]);
        node = rv_tree_node_read(pages, place);
        RV_ASSERT(node->level == level - 1);
    }
    path->nodes[0] = place;
    path->at[0] = rv_tree_node_search(node, key);
    path->levels = levels;
}

rv_tree *rv_tree_change(rv_pages *pages, rv_at at) {
    RV_ASSERT(at.page != 0);
    return (rv_tree *)(void *)rv_pages_write(pages, at.page, at.offset, sizeof(rv_tree));
}

rv_tree_entry rv_tree_separator(const rv_tree_entry *left, const rv_tree_entry *right,
                                uint8_t *memory) {
    const rv_bytes a = left->bytes;
    const rv_bytes b = right->bytes;
    size_t same = 0;
    while (same < a.len && same < b.len && a.ptr[same] == b.ptr[same]) {
        same += 1;
    }
    RV_ASSERT(b.len <= RV_TREE_KEY_MAX && same <= b.len);
    const bool equal = same == b.len;
    const size_t len = equal ? b.len : same + 1;
    if (len > 0) {
        memmove(memory, b.ptr, len);
    }
    return (rv_tree_entry){
        .bytes = {memory, len}, .place = equal ? right->place : 0, .cut = equal && right->cut};
}

/* True when nodes can be made. */
static bool nodes_left(const rv_pages *pages, uint32_t count) {
    const uint32_t in_page = RV_PAGE_ROOM / RV_TREE_NODE_SIZE;
    uint64_t found = (uint64_t)rv_pages_left(pages) * in_page;
    uint32_t page = rv_root_of(pages)->tree_nodes.room;
    for (uint32_t left = RV_TREE_DEPTH_MAX + 1; left > 0 && page != 0 && found < count; left -= 1) {
        const rv_page_head *const head = rv_pages_head(pages, page);
        RV_ASSERT(head->kind == RV_PAGE_TREE);
        found += (uint32_t)(head->slot_count - head->slot_used);
        page = head->room_next;
    }
    return found >= count;
}

/* Asks for all that the insertion can need. */
static rv_status insert_reserve(const rv_pages *pages, const rv_tree_path *path,
                                const rv_tree_entry *entry) {
    uint32_t full = 0;
    uint32_t size = rv_tree_entry_size(0, entry);
    while (full < path->levels &&
           rv_tree_node_used(rv_tree_node_read(pages, path->nodes[full])) + size >
               RV_TREE_NODE_ROOM) {
        full += 1;
        size = RV_TREE_ENTRY_MAX;
    }
    const bool grows = full == path->levels;
    if (grows && path->levels == RV_TREE_DEPTH_MAX) {
        return RV_STATE_FULL;
    }
    RV_ASSERT(full <= RV_TREE_DEPTH_MAX);
    const rv_status status = rv_pages_reserve(pages, (full + 1u) * 2u * RV_TREE_NODE_COST);
    if (status != RV_OK) {
        return status;
    }
    return nodes_left(pages, full + (grows ? 1u : 0u)) ? RV_OK : RV_STATE_FULL;
}

/* Where a node is divided: in the middle of its bytes, or at its end if the entry to come goes
 * there and nothing is behind. */
static uint32_t middle_of(const rv_tree_node *node, uint32_t nth, bool last) {
    if (last && nth == node->count) {
        return node->level == 0 ? node->count : node->count - 1u;
    }
    const uint32_t half = rv_tree_node_used(node) / 2;
    uint32_t size = 0;
    uint32_t middle = 0;
    while (size < half && middle < node->count - 1u) {
        const rv_tree_entry entry = rv_tree_entry_of(node, middle);
        size += rv_tree_entry_size(node->level, &entry);
        middle += 1;
    }
    RV_ASSERT(middle > 0);
    return middle;
}

/* Puts a new leaf behind one of the chain. */
static void leaf_link(rv_pages *pages, uint32_t leaf, uint32_t right) {
    rv_tree_node *const left = rv_tree_node_change(pages, leaf);
    rv_tree_node *const made = rv_tree_node_change(pages, right);
    RV_ASSERT(left->level == 0 && made->level == 0);
    made->prev = leaf;
    made->next = left->next;
    left->next = right;
    if (made->next != 0) {
        rv_tree_node_change(pages, made->next)->prev = right;
    }
}

/* Divides a leaf, inserts, and makes of `*up` what goes into the node above. */
static rv_status leaf_divide(rv_pages *pages, uint32_t leaf, uint32_t nth, rv_tree_entry *up,
                             uint8_t *memory) {
    const rv_tree_node *const node = rv_tree_node_read(pages, leaf);
    const uint32_t middle = middle_of(node, nth, node->next == 0);
    uint32_t right;
    const rv_status status = rv_tree_node_make(pages, 0, &right);
    if (status != RV_OK) {
        return status;
    }
    leaf_link(pages, leaf, right);
    const bool goes_right = nth > middle || middle == node->count;
    rv_tree_node_append(pages, right, leaf, middle);
    rv_tree_node_keep(pages, leaf, middle);
    rv_tree_node_insert(pages, goes_right ? right : leaf, goes_right ? nth - middle : nth, up);
    const rv_tree_entry below = rv_tree_entry_of(node, node->count - 1u);
    const rv_tree_entry above = rv_tree_entry_of(rv_tree_node_read(pages, right), 0);
    *up = rv_tree_separator(&below, &above, memory);
    up->child = right;
    return RV_OK;
}

/* The same for an inner node, whose middle separator goes up. */
static rv_status inner_divide(rv_pages *pages, uint32_t place, uint32_t nth, bool last,
                              rv_tree_entry *up, uint8_t *memory) {
    const rv_tree_node *const node = rv_tree_node_read(pages, place);
    const uint32_t middle = middle_of(node, nth, last);
    uint32_t right;
    const rv_status status = rv_tree_node_make(pages, node->level, &right);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(middle < node->count);
    uint8_t copy[RV_TREE_KEY_MAX];
    rv_tree_entry rises = rv_tree_entry_of(node, middle);
    memcpy(copy, rises.bytes.ptr, rises.bytes.len);
    rv_tree_node_change(pages, right)->prev = rises.child;
    rv_tree_node_append(pages, right, place, middle + 1);
    rv_tree_node_keep(pages, place, middle);
    const bool goes_right = nth > middle;
    rv_tree_node_insert(pages, goes_right ? right : place, goes_right ? nth - middle - 1 : nth, up);
    memcpy(memory, copy, rises.bytes.len);
    *up = (rv_tree_entry){
        .bytes = {memory, rises.bytes.len}, .place = rises.place, .child = right, .cut = rises.cut};
    return RV_OK;
}

/* Puts a new root above the old one. */
static rv_status root_grow(rv_pages *pages, rv_at at, const rv_tree_entry *up, uint32_t level) {
    uint32_t root;
    const rv_status status = rv_tree_node_make(pages, (uint8_t)level, &root);
    if (status != RV_OK) {
        return status;
    }
    if (level > 0) {
        rv_tree_node_change(pages, root)->prev = rv_tree_of(pages, at)->root;
    }
    rv_tree_node_insert(pages, root, 0, up);
    RV_ASSERT(root != 0);
    rv_tree_change(pages, at)->root = root;
    return RV_OK;
}

rv_status rv_tree_insert(rv_pages *pages, rv_at at, const rv_tree_key *key) {
    RV_ASSERT(key->place != 0 && key->place != RV_TREE_AFTER);
    uint8_t memory[RV_TREE_KEY_MAX];
    rv_tree_path path;
    rv_tree_path_find(pages, rv_tree_of(pages, at), key, &path);
    rv_tree_entry up = {.bytes = key->bytes, .place = key->place, .cut = key->cut};
    rv_status status = insert_reserve(pages, &path, &up);
    if (status != RV_OK) {
        return status;
    }
    bool last = true; /* all nodes below the level are the last of theirs */
    uint32_t level = 0;
    for (; level < path.levels && status == RV_OK; level += 1) {
        const uint32_t place = path.nodes[level];
        const rv_tree_node *const node = rv_tree_node_read(pages, place);
        const uint32_t size = rv_tree_entry_size(level, &up);
        if (rv_tree_node_used(node) + size <= RV_TREE_NODE_ROOM) {
            rv_tree_node_insert(pages, place, path.at[level], &up);
            break;
        }
        last = last && path.at[level] == node->count;
        status = level == 0 ? leaf_divide(pages, place, path.at[0], &up, memory)
                            : inner_divide(pages, place, path.at[level], last, &up, memory);
    }
    if (status == RV_OK && level == path.levels) {
        status = root_grow(pages, at, &up, level);
    }
    RV_ASSERT(status == RV_OK); /* all was asked for */
    rv_tree_change(pages, at)->count += 1;
    return RV_OK;
}
