/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on the simulated disk: files, and for each the changes that no flush has covered yet.
 *
 * `content` is what reads see: all changes done. Each change since the last flush is an entry of
 * the file's list, and what it replaced is kept in the file's `undo`:
 *
 *     content   |.....new.....|            what reads see
 *     changes   [write 0+9] -> [write 4+5] -> [truncate 20]      oldest first
 *     undo      |old 0+9|old 4+5|
 *
 * A flush drops the list. A crash goes back through the list and swaps: afterwards `content` is the
 * durable state and `undo` has the bytes of each write, so that those the crash lets through can be
 * done again, in part where they are torn. Where only the process dies, the list stays as it is,
 * for a later flush or crash: what the next process reads need not be on the disk.
 *
 * After a flush that failed, its changes stay in the list as `unknown`: every crash treats them as
 * by chance, and later flushes no longer cover them; changes flushed later stay behind them in the
 * list, as `kept`, and are always let through.
 *
 * A file that was removed stays, as `removed`, until a flush that makes a new name durable, because
 * until then a crash can bring it back.
 */
#ifndef RV_PLATFORM_SIM_STORE_H
#define RV_PLATFORM_SIM_STORE_H

#include "core/base/arena.h"
#include "platform/memory/blocks.h"
#include "platform/sim/disk.h"

typedef enum sim_fate {
    SIM_FATE_OPEN,    /* the kind of crash decides */
    SIM_FATE_UNKNOWN, /* a flush of it failed: chance decides */
    SIM_FATE_KEPT     /* flushed, but behind an unknown one */
} sim_fate;

typedef struct sim_change {
    uint32_t next, previous; /* in the file's list, or the free list; from 1, 0 for none */
    bool truncate;           /* to `offset` bytes; else a write of `len` bytes at `offset` */
    bool torn;               /* only a part of it gets through a crash */
    sim_fate fate;
    uint64_t offset;
    uint64_t len; /* of what is in `undo`: a write's bytes, or what a truncate cut off */
    uint64_t size_before;
    uint64_t undo_at;
} sim_change;

typedef enum sim_file_state { SIM_FILE_FREE, SIM_FILE_LIVE, SIM_FILE_REMOVED } sim_file_state;

typedef struct sim_file {
    sim_file_state state;
    bool named;  /* its name is durable */
    bool failed; /* a flush failed: there are changes of unknown fate */
    uint32_t handles;
    uint32_t first, last; /* of the list of changes */
    uint32_t reserved;    /* blocks that a crash needs to bring back what was cut off */
    rv_block_file content;
    rv_block_file undo;
    char name[RV_FILE_NAME_MAX + 1];
} sim_file;

typedef struct sim_store {
    rv_blocks blocks;
    sim_file *files;
    uint32_t files_max;
    sim_change *changes; /* change n, from 1, is at n - 1 */
    uint32_t changes_max;
    uint32_t change_free;
    uint64_t size;   /* of all live files */
    uint64_t random; /* chance */
} sim_store;

/* Takes its tables from the arena and makes the rest of it blocks; false when that is too little.
 */
bool sim_store_init(sim_store *store, rv_arena *arena, const rv_sim_disk_options *options);

/* The live file of that name, NULL when there is none. */
sim_file *sim_store_find(sim_store *store, const char *name);

/* A new live file; NULL when the table is full. */
sim_file *sim_store_create(sim_store *store, const char *name);

/* Removes a live file without handles. */
void sim_store_remove(sim_store *store, sim_file *file);

/* Writes at an offset and of a length that rv_blocks can hold; false, and nothing changed, when
 * there is no room. `torn` is remembered for the crash. */
bool sim_store_write(sim_store *store, sim_file *file, uint64_t offset, rv_bytes bytes, bool torn);

/* Makes the file `size` (at most RV_BLOCKS_FILE_MAX) bytes. */
void sim_store_truncate(sim_store *store, sim_file *file, uint64_t size);

/* Covers all changes of the file, and its name. */
void sim_store_flush(sim_store *store, sim_file *file);

/* A flush that failed: leaves the file's changes to chance. */
void sim_store_flush_fail(sim_store *store, sim_file *file);

/* The crash: see rv_sim_disk_crash. */
void sim_store_crash(sim_store *store, rv_sim_crash crash);

#endif
