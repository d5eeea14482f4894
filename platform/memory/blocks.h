/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File contents in a given run of memory: a pool of blocks of 4 KiB, and files that are trees of
 * them. It serves the memory host and the simulated disk, which need what a file system gives:
 * files that grow, shrink and have holes, at a cost that follows the bytes that are touched and not
 * the size of the file.
 *
 *     height 0:  root -> data
 *     height 1:  root -> index of 1024 -> data            to 4 MiB
 *     height 2:  root -> index -> index -> data           to 4 GiB
 *     height 3:  root -> index -> index -> index -> data  to 4 TiB
 *
 * A missing node (block number 0) reads as zeros. Invariants: no block lies wholly beyond a file's
 * size, bytes of the last block beyond the size are zero, and the height is the least that the
 * size needs, so a file of `size` bytes never holds more than rv_blocks_needed(size) blocks.
 */
#ifndef RV_PLATFORM_MEMORY_BLOCKS_H
#define RV_PLATFORM_MEMORY_BLOCKS_H

#include "core/base/bytes.h"

#define RV_BLOCK_SIZE      4096u
#define RV_BLOCKS_FILE_MAX (UINT64_C(4) << 40) /* bytes of one file */

typedef struct rv_blocks {
    uint8_t *memory;     /* block n, from 1, is at (n - 1) * RV_BLOCK_SIZE */
    uint32_t count;      /* blocks there are */
    uint32_t fresh;      /* blocks 1 to fresh were handed out at some time; the rest is untouched */
    uint32_t free_first; /* list of those given back, linked through their first four bytes */
    uint32_t used;
    uint32_t reserved; /* blocks that are free but not to be handed out; the owner's to set */
} rv_blocks;

/* A file; all zero is an empty one. `size` may be read by anyone. */
typedef struct rv_block_file {
    uint64_t size;
    uint32_t root;
    uint32_t height;
} rv_block_file;

/* A pool over `len` bytes. The memory is not touched before it is used. */
rv_blocks rv_blocks_over(uint8_t *memory, size_t len);

/* The most blocks that a file of `size` bytes can hold, its index included. */
uint64_t rv_blocks_needed(uint64_t size);

/* Reads up to `len` bytes; returns how many there were before the end of the file. */
size_t rv_blocks_read(const rv_blocks *pool, const rv_block_file *file, uint64_t offset,
                      uint8_t *buf, size_t len);

/* Writes, growing the file; returns how many bytes there was room for, from the front. */
size_t rv_blocks_write(rv_blocks *pool, rv_block_file *file, uint64_t offset, rv_bytes bytes);

/* Makes the file exactly `size` (at most RV_BLOCKS_FILE_MAX) bytes; growth is a hole. */
void rv_blocks_truncate(rv_blocks *pool, rv_block_file *file, uint64_t size);

/* Gives every hole in [offset, offset + len) a block, growing the file to its end. False, and as
 * before but for holes that are filled with zeros, when there are too few. */
bool rv_blocks_fill(rv_blocks *pool, rv_block_file *file, uint64_t offset, uint64_t len);

/* Copies [from_offset, from_offset + len) of `from` to `to` at `to_offset`, growing it; bytes
 * beyond the end of `from` are zeros. Holes stay holes where they can. False, with a part copied,
 * when there are too few blocks. */
bool rv_blocks_copy(rv_blocks *pool, rv_block_file *to, uint64_t to_offset,
                    const rv_block_file *from, uint64_t from_offset, uint64_t len);

/* Makes [0, end) a hole as far as whole blocks lie in it; the size stays. */
void rv_blocks_punch(rv_blocks *pool, rv_block_file *file, uint64_t end);

#endif
