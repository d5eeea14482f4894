/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of a world: a machine with a disk and a clock, on which a process runs a node and the
 * sync machines that belong to its role, is killed, and is started again by its supervisor.
 *
 *     DOWN -> OPENING -> UP -> CLOSING -> DOWN
 *                 \-------\---- crash, failure ----> DOWN, until `restart_at`
 *
 * A process leaves nothing but its disk. A disk can be replaced (lost, or restored from a copy):
 * then `disk_life` counts, and what an application remembers about the old one is void.
 */
#ifndef RV_TESTS_SIM_MEMBER_H
#define RV_TESTS_SIM_MEMBER_H

#include "platform/sim/disk.h"
#include "sync/upstream.h"
#include "tests/sim/directory.h"
#include "tests/sim/plan.h"
#include "tests/sim/restored.h"
#include "tests/sim/tap.h"

#define SIM_DISK_MEMORY     ((size_t)64 << 20)
#define SIM_SYNC_MEMORY     ((size_t)16 << 20) /* a gateway has the machines of both sides */
#define SIM_NODE_MEMORY_MAX ((size_t)64 << 20) /* that an administrator gives one, to go back */
#define SIM_EPOCH_US        INT64_C(1700000000000000) /* where all clocks begin, about */

typedef enum sim_life { SIM_DOWN, SIM_OPENING, SIM_UP, SIM_CLOSING } sim_life;

#define SIM_HELD_MAX  32
#define SIM_BASES_MAX 32 /* that come in a connection, faster than the edge takes them */

/* From which position on an edge has been fed by which of its selections; before its base has come
 * by those entries that have their history. */
typedef struct sim_held {
    uint64_t from;
    uint8_t selection;
    bool whole;
} sim_held;

typedef struct sim_helds {
    uint32_t count;
    uint32_t times; /* that one came, of which some are not in the list any more */
    sim_held list[SIM_HELD_MAX];
    uint64_t base; /* position of the last base that a part came of, */
    uint32_t coming_count;
    uint64_t coming[SIM_BASES_MAX]; /* and of those whose parts may wait in the edge's queue */
    uint64_t unsure_from;           /* what is behind this position, */
    uint64_t unsure_to;             /* and not behind this one, came while several bases did */
    uint64_t seen;                  /* W, when it was looked at */
    uint32_t gone; /* bits of selections that were held, before it went back or at one position
                      with the next: purged for them, */
    uint64_t back; /* so that up to this place what there is may be purged, and filled in again */
} sim_helds;

/* Is its directory a copy of its twin's? */
typedef enum sim_copied {
    SIM_COPIED_NOT,
    SIM_COPIED_NEW, /* and was not opened yet */
    SIM_COPIED
} sim_copied;

typedef struct sim_member {
    const sim_member_plan *plan;
    uint8_t index;
    uint64_t seed;
    /* the machine */
    uint8_t *disk_memory;
    rv_sim_disk *disk;
    rv_sim_faults faults;
    sim_tap tap;
    int64_t skew_us;
    int64_t disk_now;   /* up to when the disk's time has passed */
    int64_t full_until; /* the disk takes no more bytes than it has */
    int64_t slow_until;
    bool power_due; /* the power fails in an operation to come, and then: */
    rv_sim_crash power_crash;
    int64_t power_restart_us;
    size_t memory;      /* of its node, as it was started last, */
    size_t memory_next; /* and will be the next time */
    uint32_t disk_life;
    bool restored; /* a directory was put back once, or is used twice */
    sim_copied copied_of;
    uint8_t selection;  /* that it is to hold */
    bool selects;       /* its node is to be told, while it runs */
    bool provisional;   /* it had a schema of its own when it was looked at */
    sim_helds helds;    /* what the directory was fed by */
    sim_directory copy; /* an administrator's */
    sim_helds copy_helds;
    bool copied;
    uint32_t copy_knows;
    uint32_t copy_rewound_epoch;
    int64_t copy_rewound_at;
    bool copy_wanted;
    uint8_t upstream; /* that it connects to now: its plan's, or the root */
    /* the process */
    sim_life life;
    bool provides;    /* while opening: its node is open, and gets its application's schema */
    uint32_t process; /* counts starts */
    int64_t restart_at;
    uint8_t *node_memory;
    uint8_t *sync_memory;
    rv_node *node; /* not NULL while opening, up and closing */
    rv_edge *edge;
    rv_upstream_shared *shared;
    int64_t wake_at;
    bool older;           /* its program is an older version */
    int64_t stopped_at;   /* it stands still since, 0: it does not; */
    int64_t give_at;      /* it gets more memory then */
    int64_t functions_at; /* when its application has registered the functions of its commands */
    /* tests/sim/restored.h: what is behind the floor may be of a history that is no more */
    uint64_t floor;         /* SIM_FLOOR_NONE: all of it is true */
    uint32_t knows;         /* of so many of the root's restores, */
    uint32_t hears;         /* and the upstream that it connected to last */
    uint64_t watermark;     /* when it was seen last */
    uint32_t rewound_epoch; /* when it went back last */
    int64_t rewound_at;
    /* what it has shown */
    uint64_t durable; /* the greatest durable W on this disk */
} sim_member;

/* Makes the member with an empty disk, down. */
void sim_member_create(sim_member *member, const sim_plan *plan, uint8_t index);
void sim_member_free(sim_member *member);

/* Lets the machine's time pass. */
void sim_member_advance(sim_member *member, int64_t now);

/* Puts `faults` in force. */
void sim_member_faults_apply(sim_member *member);

/* An empty disk, or, if `copy`, what the copy holds. */
void sim_member_disk_replace(sim_member *member, const sim_directory *copy);

/* Tells the running node what it is to hold. True when that is over. */
bool sim_member_select(sim_member *member, rv_status *status);

/* Starts the process: OPENING. */
void sim_member_start(sim_member *member);

/* Notes what an edge holds now; after it was opened and whenever it took something. */
void sim_member_holds(sim_member *member);

/* A part of a base at the position has reached the edge, which takes it when it has come there;
 * what it has not taken when its connection ends it never does. */
void sim_member_base(sim_member *member, uint64_t position);
void sim_member_disconnected(sim_member *member);

/* An edge has gone back to the position: notes what its log holds now. */
void sim_member_goes_back(sim_member *member, uint64_t position);

/* Up to where its node holds what the root has: nowhere, before an edge has met its upstream. */
uint64_t sim_member_w(const sim_member *member);

/* Of its selections the one that its node holds. */
uint8_t sim_member_selection(const sim_member *member);

/* Has an edge the event of the path at a position, as far as it came? What was selected then and is
 * not any more, or was not for a while, may be gone or not. */
typedef enum sim_has { SIM_HAS_NOT, SIM_HAS_MAYBE, SIM_HAS } sim_has;
sim_has sim_member_has(const sim_member *member, uint64_t position, rv_bytes path);

/* Has it had the event of the path at a position since it came, so that it was never purged and
 * filled in again? */
bool sim_member_kept(const sim_member *member, uint64_t position, rv_bytes path);

/* The node is open: the machines of its role. UP. */
void sim_member_opened(sim_member *member);

/* The process ends as it is; the disk's unflushed contents go as `crash` says. */
void sim_member_crash(sim_member *member, rv_sim_crash crash);

#endif
