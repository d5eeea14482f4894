/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree walks of platform/memory/blocks.h. Index nodes are arrays of little-endian 32-bit block
 * numbers; `level` counts from the data (0) up to the root (the file's height), and a node of a
 * level spans 1024^level blocks.
 */
#include "platform/memory/blocks.h"

#include "core/base/assert.h"

#define FAN_BITS   10u
#define FAN_MASK   1023u
#define HEIGHT_MAX 3u

RV_STATIC_ASSERT((1u << FAN_BITS) * 4 == RV_BLOCK_SIZE, "an index fills its block");
RV_STATIC_ASSERT(RV_BLOCKS_FILE_MAX >> (FAN_BITS * HEIGHT_MAX) == RV_BLOCK_SIZE,
                 "the highest tree holds the largest file");

static uint8_t *block_at(const rv_blocks *pool, uint32_t number) {
    RV_ASSERT(number > 0 && number <= pool->fresh);
    return pool->memory + (size_t)(number - 1) * RV_BLOCK_SIZE;
}

static uint64_t span_of(uint32_t level) {
    return UINT64_C(1) << (FAN_BITS * level);
}

static uint8_t *entry_at(const rv_blocks *pool, uint32_t node, uint64_t index, uint32_t level) {
    RV_ASSERT(level > 0 && level <= HEIGHT_MAX);
    const uint64_t slot = (index >> (FAN_BITS * (level - 1))) & FAN_MASK;
    return block_at(pool, node) + slot * 4;
}

/* A zeroed block, 0 when there is none. */
static uint32_t block_take(rv_blocks *pool) {
    RV_ASSERT(pool->used <= pool->fresh && pool->fresh <= pool->count);
    uint32_t number = pool->free_first;
    if (pool->count - pool->used <= pool->reserved) {
        return 0;
    }
    if (number != 0) {
        pool->free_first = rv_load_u32(block_at(pool, number));
    } else {
        RV_ASSERT(pool->fresh < pool->count);
        number = ++pool->fresh;
    }
    memset(block_at(pool, number), 0, RV_BLOCK_SIZE);
    pool->used += 1;
    return number;
}

static void block_give(rv_blocks *pool, uint32_t number) {
    RV_ASSERT(pool->used > 0);
    rv_store_u32(block_at(pool, number), pool->free_first);
    pool->free_first = number;
    pool->used -= 1;
}

static uint64_t blocks_of(uint64_t size) {
    return size / RV_BLOCK_SIZE + (size % RV_BLOCK_SIZE > 0);
}

static uint32_t height_of(uint64_t size) {
    RV_ASSERT(size <= RV_BLOCKS_FILE_MAX);
    uint32_t height = 0;
    while (span_of(height) < blocks_of(size)) {
        height += 1;
    }
    RV_ASSERT(height <= HEIGHT_MAX);
    return height;
}

/* The node of `level` over block `index`; 0 when there is none, and then `*hole` is the span of the
 * missing part around it. */
static uint32_t node_find(const rv_blocks *pool, const rv_block_file *file, uint64_t index,
                          uint32_t level, uint64_t *hole) {
    uint32_t at = file->height;
    uint32_t node = file->root;
    RV_ASSERT(level <= at && index < span_of(at));
    while (at > level && node != 0) {
        node = rv_load_u32(entry_at(pool, node, index, at));
        at -= 1;
    }
    *hole = span_of(at);
    return node;
}

static uint32_t data_find(const rv_blocks *pool, const rv_block_file *file, uint64_t index) {
    uint64_t hole;
    return index < span_of(file->height) ? node_find(pool, file, index, 0, &hole) : 0;
}

/* Raises the tree so that it reaches `height`. */
static bool tree_raise(rv_blocks *pool, rv_block_file *file, uint32_t height) {
    RV_ASSERT(height <= HEIGHT_MAX);
    while (file->height < height) {
        if (file->root != 0) {
            const uint32_t node = block_take(pool);
            if (node == 0) {
                return false;
            }
            rv_store_u32(block_at(pool, node), file->root);
            file->root = node;
        }
        file->height += 1;
    }
    return true;
}

/* The data block `index`, made when it is missing; 0 when there are too few. */
static uint32_t data_make(rv_blocks *pool, rv_block_file *file, uint64_t index) {
    RV_ASSERT(index < RV_BLOCKS_FILE_MAX / RV_BLOCK_SIZE);
    if (!tree_raise(pool, file, height_of((index + 1) * RV_BLOCK_SIZE))) {
        return 0;
    }
    if (file->root == 0) {
        file->root = block_take(pool);
    }
    uint32_t node = file->root;
    for (uint32_t level = file->height; level > 0 && node != 0; level--) {
        uint8_t *entry = entry_at(pool, node, index, level);
        node = rv_load_u32(entry);
        if (node == 0) {
            node = block_take(pool);
            rv_store_u32(entry, node);
        }
    }
    return node;
}

/* Gives back every node that lies wholly in blocks [first, end), leaves before their parents. */
static void tree_release(rv_blocks *pool, rv_block_file *file, uint64_t first, uint64_t end) {
    RV_ASSERT(end <= span_of(file->height));
    for (uint32_t level = 0; level < file->height; level++) {
        const uint64_t span = span_of(level);
        uint64_t index = (first + span - 1) & ~(span - 1);
        while (index + span <= end) {
            uint64_t hole;
            const uint32_t parent = node_find(pool, file, index, level + 1, &hole);
            if (parent == 0) {
                index = (index | (hole - 1)) + 1;
                continue;
            }
            uint8_t *entry = entry_at(pool, parent, index, level + 1);
            const uint32_t node = rv_load_u32(entry);
            if (node != 0) {
                block_give(pool, node);
                rv_store_u32(entry, 0);
            }
            index += span;
        }
    }
    if (first == 0 && end == span_of(file->height) && file->root != 0) {
        block_give(pool, file->root);
        file->root = 0;
    }
}

rv_blocks rv_blocks_over(uint8_t *memory, size_t len) {
    RV_ASSERT(memory != NULL || len == 0);
    const size_t count = len / RV_BLOCK_SIZE;
    return (rv_blocks){memory, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX - 1, 0, 0, 0, 0};
}

uint64_t rv_blocks_needed(uint64_t size) {
    uint64_t nodes = blocks_of(size);
    uint64_t total = nodes;
    for (uint32_t level = height_of(size); level > 0; level--) {
        nodes = (nodes + FAN_MASK) >> FAN_BITS;
        total += nodes;
    }
    return total;
}

/* The bytes from `offset` to the end of its block, at most `len`. */
static size_t chunk_at(uint64_t offset, uint64_t len) {
    const uint64_t room = RV_BLOCK_SIZE - offset % RV_BLOCK_SIZE;
    return (size_t)(len < room ? len : room);
}

size_t rv_blocks_read(const rv_blocks *pool, const rv_block_file *file, uint64_t offset,
                      uint8_t *buf, size_t len) {
    RV_ASSERT(buf != NULL || len == 0);
    if (offset >= file->size) {
        return 0;
    }
    const uint64_t left = file->size - offset;
    const size_t count = len < left ? len : (size_t)left;
    for (size_t done = 0; done < count;) {
        const size_t chunk = chunk_at(offset + done, count - done);
        const uint32_t data = data_find(pool, file, (offset + done) / RV_BLOCK_SIZE);
        if (data == 0) {
            memset(buf + done, 0, chunk);
        } else {
            memcpy(buf + done, block_at(pool, data) + (offset + done) % RV_BLOCK_SIZE, chunk);
        }
        done += chunk;
    }
    return count;
}

/* The memory of block `index` for writing; NULL when there are too few. A failed make can leave
 * index nodes that nothing needs; truncating to the size gives them back. */
static uint8_t *data_open(rv_blocks *pool, rv_block_file *file, uint64_t index) {
    const uint32_t data = data_make(pool, file, index);
    if (data == 0) {
        rv_blocks_truncate(pool, file, file->size);
        return NULL;
    }
    return block_at(pool, data);
}

size_t rv_blocks_write(rv_blocks *pool, rv_block_file *file, uint64_t offset, rv_bytes bytes) {
    RV_ASSERT(bytes.ptr != NULL || bytes.len == 0);
    size_t done = 0;
    while (done < bytes.len && offset + done < RV_BLOCKS_FILE_MAX) {
        const size_t chunk = chunk_at(offset + done, bytes.len - done);
        uint8_t *data = data_open(pool, file, (offset + done) / RV_BLOCK_SIZE);
        if (data == NULL) {
            break;
        }
        memcpy(data + (offset + done) % RV_BLOCK_SIZE, bytes.ptr + done, chunk);
        done += chunk;
        file->size = offset + done > file->size ? offset + done : file->size;
    }
    return done;
}

void rv_blocks_truncate(rv_blocks *pool, rv_block_file *file, uint64_t size) {
    RV_ASSERT(size <= RV_BLOCKS_FILE_MAX);
    if (size <= file->size) {
        const uint64_t end = span_of(file->height);
        if (blocks_of(size) < end) {
            tree_release(pool, file, blocks_of(size), end);
        }
        const uint32_t last = data_find(pool, file, size / RV_BLOCK_SIZE);
        if (size % RV_BLOCK_SIZE > 0 && last != 0) {
            const size_t kept = (size_t)(size % RV_BLOCK_SIZE);
            memset(block_at(pool, last) + kept, 0, RV_BLOCK_SIZE - kept);
        }
        for (const uint32_t height = height_of(size); file->height > height; file->height--) {
            const uint32_t root = file->root;
            if (root != 0) {
                file->root = rv_load_u32(block_at(pool, root));
                block_give(pool, root);
            }
        }
    }
    file->size = size;
}

bool rv_blocks_fill(rv_blocks *pool, rv_block_file *file, uint64_t offset, uint64_t len) {
    RV_ASSERT(len <= RV_BLOCKS_FILE_MAX && offset <= RV_BLOCKS_FILE_MAX - len);
    if (len == 0) {
        return true;
    }
    const uint64_t last = (offset + len - 1) / RV_BLOCK_SIZE;
    for (uint64_t index = offset / RV_BLOCK_SIZE; index <= last; index++) {
        if (data_open(pool, file, index) == NULL) {
            return false;
        }
    }
    file->size = offset + len > file->size ? offset + len : file->size;
    return true;
}

bool rv_blocks_copy(rv_blocks *pool, rv_block_file *to, uint64_t to_offset,
                    const rv_block_file *from, uint64_t from_offset, uint64_t len) {
    RV_ASSERT(to != from);
    RV_ASSERT(len <= RV_BLOCKS_FILE_MAX && to_offset <= RV_BLOCKS_FILE_MAX - len);
    for (uint64_t done = 0; done < len;) {
        const uint64_t at = to_offset + done;
        const uint32_t source = data_find(pool, from, (from_offset + done) / RV_BLOCK_SIZE);
        const size_t chunk = chunk_at(at, chunk_at(from_offset + done, len - done));
        if (source != 0 || data_find(pool, to, at / RV_BLOCK_SIZE) != 0) {
            uint8_t *data = data_open(pool, to, at / RV_BLOCK_SIZE);
            if (data == NULL) {
                return false;
            }
            data += at % RV_BLOCK_SIZE;
            if (source == 0) {
                memset(data, 0, chunk);
            } else {
                memcpy(data, block_at(pool, source) + (from_offset + done) % RV_BLOCK_SIZE, chunk);
            }
        }
        done += chunk;
        to->size = at + chunk > to->size ? at + chunk : to->size;
    }
    return true;
}

void rv_blocks_punch(rv_blocks *pool, rv_block_file *file, uint64_t end) {
    RV_ASSERT(end <= file->size);
    const uint64_t blocks = end / RV_BLOCK_SIZE;
    if (blocks > 0) {
        const uint64_t span = span_of(file->height);
        tree_release(pool, file, 0, blocks < span ? blocks : span);
    }
}
