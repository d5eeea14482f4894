/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated disk that does what disks do at their worst, in memory that the caller gives and
 * repeatable from a seed. It is a host like any other, and besides
 *
 *   - counts operations, so that a test can go through "for every n: fault the nth operation";
 *   - fails, fills up, tears, gives short results, answers late and in another order;
 *   - crashes: what was flushed stays, what was not is at the mercy of the kind of crash;
 *   - traps (RV_ASSERT) when the node breaks the contract of host.h: two changes at once under way
 *     on a file, a read over bytes being written, a ticket used twice, removing an open file.
 *
 *     rv_sim_disk *disk = rv_sim_disk_create(memory, len, &options);
 *     for (uint64_t n = 1; ...; n++) {
 *         faults.fault = RV_SIM_STOP, faults.fault_at = rv_sim_disk_operations(disk) + n;
 *         rv_sim_disk_set_faults(disk, &faults);
 *         ... run the node over rv_sim_disk_interface(disk) until it stops ...
 *         rv_sim_disk_crash(disk);
 *         ... open again, and check ...
 *     }
 *
 * What a flush has not covered yet is kept as an ordered list per file, each entry with what it
 * replaced (platform/sim/store.h), so a flush costs nothing and a crash costs what was not flushed.
 * When the list is full its oldest entry becomes durable by itself, as a kernel's write-back does.
 */
#ifndef RV_PLATFORM_SIM_DISK_H
#define RV_PLATFORM_SIM_DISK_H

#include "rivulet/host.h"

typedef struct rv_sim_disk rv_sim_disk;

/* What happens to the operation number `fault_at`. Faults that do not fit it do nothing. */
typedef enum rv_sim_fault {
    RV_SIM_NO_FAULT,
    /* It answers RV_STORAGE_FAILED. Of a write any part may be there; after a flush, what it was to
     * cover is arbitrary at the next crash, whatever is flushed later; others have no effect. */
    RV_SIM_FAIL,
    /* A create, write or truncate answers RV_STORAGE_FULL, without effect. */
    RV_SIM_FULL,
    /* A write succeeds, and if the crash comes before its flush only a part of it, a prefix or some
     * sectors of 512 bytes, gets to the disk, in every kind of crash but RV_SIM_CRASH_LOSE. */
    RV_SIM_TEAR,
    /* The power fails: it and all that follow answer RV_STORAGE_FAILED until the crash. If it is a
     * write, a part of it is under way to the disk. */
    RV_SIM_STOP
} rv_sim_fault;

/* What a crash does to what was not flushed. Files are treated one by one. */
typedef enum rv_sim_crash {
    RV_SIM_CRASH_KEEP,   /* the process died, the system did not: all of it is there, but not on the
                            disk, and a later crash can lose it */
    RV_SIM_CRASH_LOSE,   /* all of it is gone; removals that are not durable are undone */
    RV_SIM_CRASH_TEAR,   /* the first few of it are there, in order, the last one in part */
    RV_SIM_CRASH_REORDER /* an arbitrary subset is there, some in part */
} rv_sim_crash;

typedef struct rv_sim_faults {
    rv_sim_fault fault;
    uint64_t fault_at; /* as counted by rv_sim_disk_operations; from 1 */
    rv_sim_crash crash;
    uint64_t capacity;        /* sum of all files' sizes; 0 for no limit */
    uint32_t pending_percent; /* of operations that answer RV_IO_PENDING */
    uint32_t short_percent;   /* of reads and writes of two bytes and more that do only a part */
    uint64_t latency_us_max;  /* of pending operations, in the time of rv_sim_disk_advance */
} rv_sim_faults;

typedef struct rv_sim_disk_options {
    uint64_t seed;
    int64_t now;          /* of the clock, microseconds since 1970 */
    uint32_t files_max;   /* 0 for 64; removed ones count until their removal is durable */
    uint32_t changes_max; /* entries not flushed, over all files; 0 for 256 */
    rv_sim_faults faults; /* to begin with */
} rv_sim_disk_options;

/* An empty disk in `memory`, which is not touched before it is used; NULL when `len` bytes are not
 * enough. Twice the bytes that are to be on the disk are always enough for contents. */
rv_sim_disk *rv_sim_disk_create(void *memory, size_t len, const rv_sim_disk_options *options);

/* What a node is opened with. */
rv_host rv_sim_disk_interface(rv_sim_disk *disk);

/* Replaces all settings of faults; what is pending or not flushed stays. */
void rv_sim_disk_set_faults(rv_sim_disk *disk, const rv_sim_faults *faults);

/* Operations started so far (closing and taking completions are none). */
uint64_t rv_sim_disk_operations(const rv_sim_disk *disk);

/* Crashes: treats what is not flushed as the faults say, makes what is left durable (but for
 * RV_SIM_CRASH_KEEP), forgets handles and pending operations (which happened or did not), and ends
 * an RV_SIM_STOP. Files that were never flushed may be gone. Buffers of pending operations are not
 * touched. */
void rv_sim_disk_crash(rv_sim_disk *disk);

/* Flips one bit (0 to 7) of the byte at `offset`, as decay does. RV_DATA_NOT_FOUND when there is no
 * such file or byte. */
rv_status rv_sim_disk_flip(rv_sim_disk *disk, const char *name, uint64_t offset, unsigned bit);

/* Sets the clock that the node sees. */
void rv_sim_disk_set_clock(rv_sim_disk *disk, int64_t now);

/* Lets time pass: for the clock, and for pending operations. */
void rv_sim_disk_advance(rv_sim_disk *disk, uint64_t elapsed_us);

/* Microseconds until next_completion has something; 0 now, UINT64_MAX when nothing is pending. */
uint64_t rv_sim_disk_deadline(const rv_sim_disk *disk);

#endif
