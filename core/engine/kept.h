/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints that a node keeps beside the two that it opens from, so that the state as it was
 * (engine/as_of.h) is not always folded from the beginning of the log.
 *
 *     log     ----------------------------------------------------------->
 *     kept        |           |        |     |    |   |  | |  previous, current
 *
 * A file's number is about the length that the log had, in units of 64 KiB. When there are too many
 * or they take too much, that one goes whose neighbours are the nearest to each other beside how
 * long ago it was: so what is left lies the denser the nearer it is to now, at distances that grow
 * exponentially with age; and nothing but the names is needed to know which go.
 *
 *   invariant 1: current and previous are never among those that go.
 *   invariant 2: what is kept is a cache: a file is used only if all of it is found to be good, and
 *                the log has the batch that it was written behind. One that is not is told, used no
 *                more, and removed with the next checkpoint.
 *   invariant 3: reading one has no effect but on its reader. What nobody goes on with is let go.
 *
 * At an edge they go, all of them, before anything is purged (engine/purge.h), and when it goes
 * back; none is begun from while the log has what is to be purged, nor one that was taken where the
 * edge did not have all that it held. So each is what folding the log up to its place comes to, as
 * at a root. The time in its header is the latest of all that the log had, batches included, which
 * may be later than what it shows: then an older one serves.
 */
#ifndef RV_CORE_ENGINE_KEPT_H
#define RV_CORE_ENGINE_KEPT_H

#include "core/engine.h"
#include "core/log/op.h"

#define RV_CHECKPOINT_FILES (RV_CHECKPOINTS_KEPT_MAX + 8u) /* that are known by name */

RV_STATIC_ASSERT(RV_CHECKPOINT_FILES <= 32, "each has a bit");

/* A file, as far as it is known. */
typedef struct rv_checkpoint_file {
    uint64_t number; /* 0: none */
    bool useless;    /* something is wrong with it */
    bool known;      /* its header was read, or written here: */
    uint64_t sequence;
    uint64_t position; /* UINT64_MAX: the log cannot tell its place, so it is for opening only */
    int64_t recorded_at;
    uint32_t page_count;
} rv_checkpoint_file;

/* One file that is being read, into a buffer that the log lends. */
typedef struct rv_kept_reader {
    rv_op op;
    uint64_t number; /* 0: none */
    bool opening;    /* the operation opens it */
    bool open;
    rv_file file;
    uint64_t size;
    uint8_t *buf; /* NULL: nothing is lent */
    size_t cap;
    uint64_t offset; /* of the read under way, */
    size_t len;      /* and its length */
    uint32_t idle;   /* polls since it was asked for something */
} rv_kept_reader;

/* A file whose checkpoint was written just now. */
void rv_kept_note(rv_node *node);

/* Index of the file that is to be removed next, but for those whose bits are in `tried`;
 * RV_CHECKPOINT_FILES: none. It is not open any more. */
uint32_t rv_kept_next_to_go(rv_node *node, uint32_t tried);

/* Makes facts.kept what it is. */
void rv_kept_count(rv_node *node);

/* The storage had no room for the log since this was asked last, and there is something to be
 * removed for it. */
bool rv_kept_gives_way(rv_node *node);

/* Where the state of the past is to begin from. */
typedef struct rv_kept_wish {
    uint64_t position;   /* not behind this one, */
    int64_t recorded_at; /* nor later, */
    uint64_t folded;     /* and so far ahead of what is folded, a sequence, that it is worth it */
} rv_kept_wish;

/* The newest that is good for it, as far as that shows in headers. RV_OK, RV_END: there is none;
 * RV_PENDING, RV_BUSY: poll the node, then again. */
RV_MUST_USE rv_status rv_kept_find(rv_node *node, const rv_kept_wish *wish, uint64_t *number);

/* What was loaded, and where the log goes on behind it. */
typedef struct rv_kept_place {
    rv_log_walk walk;
    uint64_t sequence;
    uint64_t position;
    int64_t recorded_at;
} rv_kept_place;

/*
 * Loads the next piece of the file into `past`, a node that only folds, whose load was not begun or
 * was of this file. RV_OK: call again; RV_END: its state is the one at `place`; RV_PENDING,
 * RV_BUSY: poll the node, then again. Anything else: nothing was loaded, and the past is to be made
 * anew. RV_DATA_DAMAGED: the file is of no use for this, which is noted. RV_MEMORY_EXHAUSTED: the
 * past has less memory than it takes; RV_CLOSING; what rv_log_mark_find failed with.
 */
RV_MUST_USE rv_status rv_kept_load(rv_node *node, rv_node *past, uint64_t number,
                                   rv_kept_place *place);

/* Closes what is open, and gives back what was lent. False: an operation is under way. */
bool rv_kept_let_go(rv_node *node);

/* Lets go of what nobody has asked for in a while. */
void rv_kept_poll(rv_node *node);

#endif
