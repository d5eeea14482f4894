/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the simulated disk and their lists of changes: see platform/sim/store.h.
 *
 * Room. A write first makes sure of the blocks of both `content` and `undo`, so a crash, which only
 * swaps them, needs none; for what a truncate cuts off, as many blocks as it gives back are set
 * aside until its flush. Where memory or entries run out, removals become durable, then the oldest
 * changes do, one by one; only when that does not help is there no room.
 */
#include "platform/sim/store.h"

#include "core/base/assert.h"
#include "platform/memory/random.h"

#define FILES_DEFAULT   64u
#define CHANGES_DEFAULT 256u
#define SECTOR_SIZE     512u

static sim_change *change_at(sim_store *store, uint32_t number) {
    RV_ASSERT(number > 0 && number <= store->changes_max);
    return &store->changes[number - 1];
}

bool sim_store_init(sim_store *store, rv_arena *arena, const rv_sim_disk_options *options) {
    memset(store, 0, sizeof *store);
    store->files_max = options->files_max > 0 ? options->files_max : FILES_DEFAULT;
    store->changes_max = options->changes_max > 0 ? options->changes_max : CHANGES_DEFAULT;
    RV_ASSERT(store->files_max <= INT32_MAX && store->changes_max < UINT32_MAX);
    store->files = rv_arena_take(arena, store->files_max * sizeof *store->files);
    store->changes = rv_arena_take(arena, store->changes_max * sizeof *store->changes);
    const size_t left = arena->cap - arena->len;
    if (store->files == NULL || store->changes == NULL || left < 2 * RV_BLOCK_SIZE) {
        return false;
    }
    for (uint32_t i = 1; i < store->changes_max; i++) {
        store->changes[i - 1].next = i + 1;
    }
    store->change_free = 1;
    store->random = options->seed;
    store->blocks = rv_blocks_over(rv_arena_take_raw(arena, left), left);
    return true;
}

/* Takes the oldest change out of the file's list: it is durable now. */
static void change_settle(sim_store *store, sim_file *file) {
    const uint32_t number = file->first;
    sim_change *change = change_at(store, number);
    RV_ASSERT(change->previous == 0);
    const uint64_t undo_end = change->undo_at + change->len;
    file->first = change->next;
    if (file->first != 0) {
        change_at(store, file->first)->previous = 0;
        rv_blocks_punch(&store->blocks, &file->undo, undo_end);
    } else {
        /* The list is empty, and so is what it needed. */
        file->last = 0;
        file->failed = false;
        rv_blocks_truncate(&store->blocks, &file->undo, 0);
        RV_ASSERT(store->blocks.reserved >= file->reserved);
        store->blocks.reserved -= file->reserved;
        file->reserved = 0;
    }
    change->next = store->change_free;
    store->change_free = number;
}

static void changes_clear(sim_store *store, sim_file *file) {
    for (uint32_t i = 0; file->first != 0; i++) {
        RV_ASSERT(i < store->changes_max);
        change_settle(store, file);
    }
    RV_ASSERT(file->undo.size == 0 && file->last == 0);
}

/* Gives back all that a file is and has. */
static void file_drop(sim_store *store, sim_file *file) {
    RV_ASSERT(file->handles == 0 && file->state != SIM_FILE_FREE);
    changes_clear(store, file);
    rv_blocks_truncate(&store->blocks, &file->content, 0);
    memset(file, 0, sizeof *file);
}

/* Makes all removals durable; false when there were none. */
static bool removals_settle(sim_store *store) {
    bool any = false;
    for (uint32_t i = 0; i < store->files_max; i++) {
        if (store->files[i].state == SIM_FILE_REMOVED) {
            file_drop(store, &store->files[i]);
            any = true;
        }
    }
    return any;
}

/* Makes something durable that gives room; false when there is nothing left. */
static bool room_make(sim_store *store, sim_file *file) {
    if (removals_settle(store)) {
        return true;
    }
    if (file->first != 0) {
        change_settle(store, file);
        return true;
    }
    for (uint32_t i = 0; i < store->files_max; i++) {
        if (store->files[i].first != 0) {
            change_settle(store, &store->files[i]);
            return true;
        }
    }
    return false;
}

/* A new entry at the end of the file's list. */
static sim_change *change_add(sim_store *store, sim_file *file) {
    while (store->change_free == 0) {
        const bool made = room_make(store, file);
        RV_ASSERT(made);
    }
    const uint32_t number = store->change_free;
    sim_change *change = change_at(store, number);
    store->change_free = change->next;
    *change = (sim_change){
        .previous = file->last,
        .size_before = file->content.size,
        .undo_at = file->undo.size,
    };
    if (file->last != 0) {
        change_at(store, file->last)->next = number;
    } else {
        file->first = number;
    }
    file->last = number;
    return change;
}

/* Takes the newest entry back, of a change that was not done. */
static void change_cancel(sim_store *store, sim_file *file) {
    const uint32_t number = file->last;
    sim_change *change = change_at(store, number);
    RV_ASSERT(file->content.size == change->size_before);
    rv_blocks_truncate(&store->blocks, &file->undo, change->undo_at);
    file->last = change->previous;
    if (file->last != 0) {
        change_at(store, file->last)->next = 0;
    } else {
        file->first = 0;
    }
    change->next = store->change_free;
    store->change_free = number;
}

sim_file *sim_store_find(sim_store *store, const char *name) {
    RV_ASSERT(name != NULL);
    for (uint32_t i = 0; i < store->files_max; i++) {
        if (store->files[i].state == SIM_FILE_LIVE && strcmp(store->files[i].name, name) == 0) {
            return &store->files[i];
        }
    }
    return NULL;
}

sim_file *sim_store_create(sim_store *store, const char *name) {
    RV_ASSERT(sim_store_find(store, name) == NULL && strlen(name) <= RV_FILE_NAME_MAX);
    sim_file *slot = NULL;
    for (uint32_t i = 0; i < store->files_max; i++) {
        sim_file *file = &store->files[i];
        if (file->state == SIM_FILE_REMOVED && strcmp(file->name, name) == 0) {
            file_drop(store, file);
        }
        slot = file->state == SIM_FILE_FREE && slot == NULL ? file : slot;
    }
    for (uint32_t i = 0; i < store->files_max && slot == NULL; i++) {
        if (store->files[i].state == SIM_FILE_REMOVED) {
            slot = &store->files[i];
            file_drop(store, slot);
        }
    }
    if (slot != NULL) {
        slot->state = SIM_FILE_LIVE;
        memcpy(slot->name, name, strlen(name) + 1);
    }
    return slot;
}

void sim_store_remove(sim_store *store, sim_file *file) {
    RV_ASSERT(file->state == SIM_FILE_LIVE && file->handles == 0);
    RV_ASSERT(store->size >= file->content.size);
    store->size -= file->content.size;
    if (file->named) {
        file->state = SIM_FILE_REMOVED;
    } else {
        file_drop(store, file);
    }
}

/* Blocks for the bytes and for what they replace, and the copy of that. */
static bool write_prepare(sim_store *store, sim_file *file, const sim_change *change) {
    rv_blocks *blocks = &store->blocks;
    if (!rv_blocks_fill(blocks, &file->undo, change->undo_at, change->len) ||
        !rv_blocks_fill(blocks, &file->content, change->offset, change->len)) {
        return false;
    }
    const bool copied = rv_blocks_copy(blocks, &file->undo, change->undo_at, &file->content,
                                       change->offset, change->len);
    RV_ASSERT(copied);
    return true;
}

bool sim_store_write(sim_store *store, sim_file *file, uint64_t offset, rv_bytes bytes, bool torn) {
    RV_ASSERT(file->state == SIM_FILE_LIVE);
    if (bytes.len == 0) {
        return true;
    }
    sim_change *change;
    for (bool prepared = false; !prepared;) {
        change = change_add(store, file);
        change->offset = offset;
        change->len = bytes.len;
        change->torn = torn;
        prepared = write_prepare(store, file, change);
        if (!prepared) {
            change_cancel(store, file);
            if (!room_make(store, file)) {
                return false;
            }
        }
    }
    const size_t done = rv_blocks_write(&store->blocks, &file->content, offset, bytes);
    RV_ASSERT(done == bytes.len);
    store->size += file->content.size - change->size_before;
    return true;
}

/* Adds an entry with a copy of what the truncate will cut off. */
static bool truncate_prepare(sim_store *store, sim_file *file, uint64_t size) {
    sim_change *change = change_add(store, file);
    RV_ASSERT(change->size_before == file->content.size);
    change->truncate = true;
    change->offset = size;
    change->len = size < change->size_before ? change->size_before - size : 0;
    const bool copied = rv_blocks_copy(&store->blocks, &file->undo, change->undo_at, &file->content,
                                       size, change->len);
    if (!copied) {
        change_cancel(store, file);
    }
    return copied;
}

void sim_store_truncate(sim_store *store, sim_file *file, uint64_t size) {
    RV_ASSERT(file->state == SIM_FILE_LIVE && size <= RV_BLOCKS_FILE_MAX);
    bool prepared = truncate_prepare(store, file, size);
    while (!prepared && room_make(store, file)) {
        prepared = truncate_prepare(store, file, size);
    }
    const uint64_t before = file->content.size;
    const uint32_t used = store->blocks.used;
    rv_blocks_truncate(&store->blocks, &file->content, size);
    RV_ASSERT(store->blocks.used <= used && store->size >= before);
    store->size = store->size - before + size;
    /* Without room for what is cut off it is durable at once, as all that was before it is now. */
    if (prepared) {
        file->reserved += used - store->blocks.used;
        store->blocks.reserved += used - store->blocks.used;
    }
}

void sim_store_flush(sim_store *store, sim_file *file) {
    RV_ASSERT(file->state == SIM_FILE_LIVE);
    if (!file->named) {
        /* The directory goes to the disk, with everything else that it says. */
        file->named = true;
        (void)removals_settle(store);
    }
    if (!file->failed) {
        changes_clear(store, file);
        return;
    }
    for (uint32_t number = file->first; number != 0; number = change_at(store, number)->next) {
        sim_change *change = change_at(store, number);
        change->fate = change->fate == SIM_FATE_OPEN ? SIM_FATE_KEPT : change->fate;
    }
}

void sim_store_flush_fail(sim_store *store, sim_file *file) {
    RV_ASSERT(file->state == SIM_FILE_LIVE);
    for (uint32_t number = file->first; number != 0; number = change_at(store, number)->next) {
        sim_change *change = change_at(store, number);
        change->fate = change->fate == SIM_FATE_OPEN ? SIM_FATE_UNKNOWN : change->fate;
    }
    file->failed = file->first != 0;
}

/* Exchanges `len` bytes of the file's content with its undo. */
static void bytes_swap(sim_store *store, sim_file *file, uint64_t offset, uint64_t undo_at,
                       uint64_t len) {
    uint8_t content[RV_BLOCK_SIZE];
    uint8_t undo[RV_BLOCK_SIZE];
    for (uint64_t done = 0; done < len;) {
        const size_t chunk = len - done < RV_BLOCK_SIZE ? (size_t)(len - done) : RV_BLOCK_SIZE;
        size_t moved =
            rv_blocks_read(&store->blocks, &file->content, offset + done, content, chunk);
        RV_ASSERT(moved == chunk);
        moved = rv_blocks_read(&store->blocks, &file->undo, undo_at + done, undo, chunk);
        RV_ASSERT(moved == chunk);
        moved = rv_blocks_write(&store->blocks, &file->content, offset + done,
                                rv_bytes_of(undo, chunk));
        RV_ASSERT(moved == chunk);
        moved = rv_blocks_write(&store->blocks, &file->undo, undo_at + done,
                                rv_bytes_of(content, chunk));
        RV_ASSERT(moved == chunk);
        done += chunk;
    }
}

/* Takes back all changes, newest first. */
static void file_roll_back(sim_store *store, sim_file *file) {
    for (uint32_t number = file->last; number != 0;) {
        const sim_change *change = change_at(store, number);
        if (!change->truncate) {
            bytes_swap(store, file, change->offset, change->undo_at, change->len);
        } else if (change->len > 0) {
            const bool copied = rv_blocks_copy(&store->blocks, &file->content, change->offset,
                                               &file->undo, change->undo_at, change->len);
            RV_ASSERT(copied);
        }
        rv_blocks_truncate(&store->blocks, &file->content, change->size_before);
        number = change->previous;
    }
}

/* Does bytes [from, to) of a write again. */
static void write_redo(sim_store *store, sim_file *file, const sim_change *change, uint64_t from,
                       uint64_t to) {
    RV_ASSERT(from <= to && to <= change->len);
    if (from < to) {
        const bool copied = rv_blocks_copy(&store->blocks, &file->content, change->offset + from,
                                           &file->undo, change->undo_at + from, to - from);
        RV_ASSERT(copied);
    }
}

static void write_redo_torn(sim_store *store, sim_file *file, const sim_change *change) {
    if (rv_random_chance(&store->random, 50)) {
        write_redo(store, file, change, 0, rv_random_below(&store->random, change->len));
        return;
    }
    for (uint64_t from = 0; from < change->len;) {
        const uint64_t room = SECTOR_SIZE - (change->offset + from) % SECTOR_SIZE;
        const uint64_t to = change->len - from < room ? change->len : from + room;
        if (rv_random_chance(&store->random, 50)) {
            write_redo(store, file, change, from, to);
        }
        from = to;
    }
}

/* Does again, in order, the changes that the crash lets through. */
static void file_roll_forward(sim_store *store, sim_file *file, rv_sim_crash crash) {
    uint32_t count = 0;
    for (uint32_t number = file->first; number != 0; number = change_at(store, number)->next) {
        count += 1;
    }
    const uint64_t cut = rv_random_below(&store->random, (uint64_t)count + 1);
    const uint32_t percent = (uint32_t)rv_random_below(&store->random, 101);
    uint64_t index = 0;
    for (uint32_t number = file->first; number != 0; index++) {
        const sim_change *change = change_at(store, number);
        const bool chance = rv_random_chance(&store->random, percent);
        bool through = crash == RV_SIM_CRASH_KEEP || (crash == RV_SIM_CRASH_TEAR && index <= cut);
        bool torn = change->torn || (crash == RV_SIM_CRASH_TEAR && index == cut);
        if (change->fate == SIM_FATE_KEPT) {
            through = true;
            torn = false;
        } else if (change->fate == SIM_FATE_UNKNOWN || crash == RV_SIM_CRASH_REORDER) {
            through = chance;
            torn = change->torn || rv_random_chance(&store->random, 25);
        }
        if (through && change->truncate) {
            rv_blocks_truncate(&store->blocks, &file->content, change->offset);
        } else if (through && torn) {
            write_redo_torn(store, file, change);
        } else if (through) {
            write_redo(store, file, change, 0, change->len);
        }
        number = change->next;
    }
}

/* True when a file that is there in name, or was removed, is there after the power failed. */
static bool name_survives(sim_store *store, const sim_file *file, rv_sim_crash crash) {
    const bool removed = file->state == SIM_FILE_REMOVED;
    RV_ASSERT(!removed || file->named);
    RV_ASSERT(crash != RV_SIM_CRASH_KEEP);
    if (file->named && !removed) {
        return true;
    }
    return crash == RV_SIM_CRASH_LOSE ? removed : rv_random_chance(&store->random, 50);
}

/* The power failed, and memory with it: what is there afterwards is on the disk. */
static void file_lose_power(sim_store *store, sim_file *file, rv_sim_crash crash) {
    file_roll_back(store, file);
    file_roll_forward(store, file, crash);
    changes_clear(store, file);
    if (name_survives(store, file, crash)) {
        file->state = SIM_FILE_LIVE;
        file->named = true;
    } else {
        file_drop(store, file);
    }
}

/* Whether the system goes on with what it has of the file. Not where a write was torn; after a
 * flush that failed it may have dropped it and read again what is on the disk. */
static bool cache_survives(sim_store *store, const sim_file *file) {
    bool survives = !file->failed || rv_random_chance(&store->random, 50);
    for (uint32_t number = file->first; number != 0; number = change_at(store, number)->next) {
        survives = survives && !change_at(store, number)->torn;
    }
    return survives;
}

/* The process died, the system did not: what it has is neither lost nor durable. */
static void file_lose_process(sim_store *store, sim_file *file) {
    if (!cache_survives(store, file)) {
        RV_ASSERT(store->blocks.reserved >= file->reserved);
        store->blocks.reserved -= file->reserved;
        file->reserved = 0;
        file_roll_back(store, file);
        file_roll_forward(store, file, RV_SIM_CRASH_KEEP);
        changes_clear(store, file);
    }
    RV_ASSERT(file->state != SIM_FILE_FREE);
}

void sim_store_crash(sim_store *store, rv_sim_crash crash) {
    store->size = 0;
    if (crash != RV_SIM_CRASH_KEEP) {
        store->blocks.reserved = 0; /* each file needs what is its own */
    }
    for (uint32_t i = 0; i < store->files_max; i++) {
        sim_file *file = &store->files[i];
        if (file->state == SIM_FILE_FREE) {
            continue;
        }
        file->handles = 0;
        if (crash == RV_SIM_CRASH_KEEP) {
            file_lose_process(store, file);
        } else {
            file->reserved = 0;
            file_lose_power(store, file, crash);
        }
        store->size += file->state == SIM_FILE_LIVE ? file->content.size : 0;
    }
}
