/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of trees: see tree_node.h. */
#include "core/state/tree_node.h"

#include "core/state/root.h"

int rv_tree_compare(const rv_tree_key *key, const rv_tree_entry *entry) {
    const size_t len = key->bytes.len < entry->bytes.len ? key->bytes.len : entry->bytes.len;
    const int order = len == 0 ? 0 : memcmp(key->bytes.ptr, entry->bytes.ptr, len);
    if (order != 0) {
        return order;
    }
    if (entry->bytes.len < key->bytes.len) {
        return 1; /* a separator that is shorter than keys */
    }
    const bool itself = entry->place == key->place && entry->place != 0;
    if (key->cut && !itself) {
        if (!entry->cut) {
            return 1; /* a separator again: what is cut goes on */
        }
        RV_ASSERT(entry->place != 0 && key->rest != NULL);
        const int rest = key->rest->compare(key->ctx, entry->place);
        if (rest != 0) {
            return rest;
        }
    }
    if (key->place == 0) {
        return -1; /* also than a separator that begins so: what is before it may begin so too */
    }
    return (key->place > entry->place) - (key->place < entry->place);
}

uint32_t rv_tree_node_search(const rv_tree_node *node, const rv_tree_key *key) {
    uint32_t low = 0;
    uint32_t high = node->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const rv_tree_entry entry = rv_tree_entry_of(node, middle);
        const int order = rv_tree_compare(key, &entry);
        if (order > 0 || (order == 0 && node->level != 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    RV_ASSERT(low <= node->count);
    return low;
}

/* The node as it is, to be changed where nothing has to be noted, or is already. */
static rv_tree_node *node_noted(rv_pages *pages, uint32_t node) {
    return (rv_tree_node *)(void *)rv_slots_write_new(pages, node, RV_TREE_NODE_SIZE);
}

/* Notes some bytes of a node. */
static void node_note(rv_pages *pages, uint32_t node, uint32_t offset, uint32_t len) {
    RV_ASSERT(offset + len <= RV_TREE_NODE_SIZE);
    if (len == 0) {
        return;
    }
    const uint32_t at = rv_slot_offset(node, RV_TREE_NODE_SIZE) + offset;
    (void)rv_pages_write(pages, rv_slot_page(node), at, len);
}

rv_tree_node *rv_tree_node_change(rv_pages *pages, uint32_t node) {
    node_note(pages, node, 0, RV_TREE_NODE_HEAD);
    return node_noted(pages, node);
}

rv_status rv_tree_node_make(rv_pages *pages, uint8_t level, uint32_t *node) {
    RV_ASSERT(level < RV_TREE_DEPTH_MAX);
    const rv_status status = rv_slots_alloc(pages, RV_ROOT_AT(tree_nodes), node);
    if (status == RV_OK) {
        *node_noted(pages, *node) = (rv_tree_node){.heap = RV_TREE_NODE_SIZE, .level = level};
    }
    return status;
}

void rv_tree_node_free(rv_pages *pages, uint32_t node) {
    const rv_status status = rv_slots_free(pages, RV_ROOT_AT(tree_nodes), node);
    RV_ASSERT(status == RV_OK); /* the journal has room */
}

/* Moves all entries to the end, without what is loose between them. */
static void node_compact(rv_pages *pages, uint32_t node) {
    uint8_t old[RV_TREE_NODE_SIZE];
    node_note(pages, node, 0, RV_TREE_NODE_SIZE);
    rv_tree_node *const changed = node_noted(pages, node);
    memcpy(old, changed, sizeof old);
    const uint32_t head = changed->level == 0 ? RV_TREE_LEAF_HEAD : RV_TREE_INNER_HEAD;
    uint32_t heap = RV_TREE_NODE_SIZE;
    for (uint32_t i = 0; i < changed->count; i += 1) {
        const uint8_t *const entry = old + changed->offsets[i];
        const uint32_t len = head + (entry[4] & 0x7fu);
        heap -= len;
        memcpy((uint8_t *)changed + heap, entry, len);
        changed->offsets[i] = (uint16_t)heap;
    }
    RV_ASSERT(heap - changed->heap == changed->loose);
    changed->heap = (uint16_t)heap;
    changed->loose = 0;
}

/* Compacts the node if `size` bytes more do not fit as it is; they fit in all. */
static void node_make_room(rv_pages *pages, uint32_t node, uint32_t size) {
    const rv_tree_node *const read = rv_tree_node_read(pages, node);
    RV_ASSERT(rv_tree_node_used(read) + size <= RV_TREE_NODE_ROOM);
    if (RV_TREE_NODE_HEAD + 2u * read->count + size > read->heap) {
        node_compact(pages, node);
    }
}

/* Puts an entry where there is room; what is changed is noted. */
static void node_put(rv_tree_node *node, uint32_t nth, const rv_tree_entry *entry) {
    RV_ASSERT(entry->bytes.len <= RV_TREE_KEY_MAX && nth <= node->count);
    memmove(&node->offsets[nth + 1], &node->offsets[nth], 2u * (node->count - nth));
    node->count += 1;
    node->heap = (uint16_t)(node->heap - (rv_tree_entry_size(node->level, entry) - 2u));
    node->offsets[nth] = node->heap;
    uint8_t *const at = (uint8_t *)node + node->heap;
    memcpy(at, &entry->place, sizeof entry->place);
    at[4] = (uint8_t)(entry->bytes.len | (entry->cut ? 0x80u : 0u));
    uint8_t *bytes = at + RV_TREE_LEAF_HEAD;
    if (node->level != 0) {
        memcpy(bytes, &entry->child, sizeof entry->child);
        bytes += sizeof entry->child;
    }
    RV_ASSERT(RV_TREE_NODE_HEAD + 2u * node->count <= node->heap);
    if (entry->bytes.len > 0) {
        memcpy(bytes, entry->bytes.ptr, entry->bytes.len);
    }
}

void rv_tree_node_insert(rv_pages *pages, uint32_t node, uint32_t nth, const rv_tree_entry *entry) {
    const rv_tree_node *const read = rv_tree_node_read(pages, node);
    RV_ASSERT(nth <= read->count);
    node_make_room(pages, node, rv_tree_entry_size(read->level, entry));
    node_note(pages, node, RV_TREE_NODE_HEAD + 2u * nth, 2u * (read->count - nth));
    node_put(rv_tree_node_change(pages, node), nth, entry);
}

void rv_tree_node_remove(rv_pages *pages, uint32_t node, uint32_t nth) {
    const rv_tree_node *const before = rv_tree_node_read(pages, node);
    RV_ASSERT(nth < before->count);
    const rv_tree_entry entry = rv_tree_entry_of(before, nth);
    const uint32_t size = rv_tree_entry_size(before->level, &entry);
    node_note(pages, node, RV_TREE_NODE_HEAD + 2u * nth, 2u * (before->count - nth));
    rv_tree_node *const changed = rv_tree_node_change(pages, node);
    changed->count -= 1;
    changed->loose = (uint16_t)(changed->loose + size - 2u);
    memmove(&changed->offsets[nth], &changed->offsets[nth + 1], 2u * (changed->count - nth));
}

void rv_tree_node_keep(rv_pages *pages, uint32_t node, uint32_t count) {
    rv_tree_node *const changed = rv_tree_node_change(pages, node);
    RV_ASSERT(count <= changed->count);
    for (uint32_t i = count; i < changed->count; i += 1) {
        const rv_tree_entry entry = rv_tree_entry_of(changed, i);
        const uint32_t size = rv_tree_entry_size(changed->level, &entry);
        changed->loose = (uint16_t)(changed->loose + size - 2u);
    }
    /* the offsets behind are nobody's from now on, but a rollback asks for them */
    node_note(pages, node, RV_TREE_NODE_HEAD + 2u * count, 2u * (changed->count - count));
    changed->count = (uint16_t)count;
}

void rv_tree_node_append(rv_pages *pages, uint32_t node, uint32_t from, uint32_t nth) {
    const rv_tree_node *const source = rv_tree_node_read(pages, from);
    RV_ASSERT(source->level == rv_tree_node_read(pages, node)->level && node != from);
    uint32_t size = 0;
    for (uint32_t i = nth; i < source->count; i += 1) {
        const rv_tree_entry entry = rv_tree_entry_of(source, i);
        size += rv_tree_entry_size(source->level, &entry);
    }
    node_make_room(pages, node, size);
    rv_tree_node *const changed = rv_tree_node_change(pages, node);
    for (uint32_t i = nth; i < source->count; i += 1) {
        const rv_tree_entry entry = rv_tree_entry_of(source, i);
        node_put(changed, changed->count, &entry);
    }
}
