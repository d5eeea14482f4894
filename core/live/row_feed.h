/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A feed of what becomes of an aggregate's rows, of those that pass a filter, if there is one. It
 * may begin with the rows as they are, and then goes on with no seam: both are told of moments
 * (moments.h), each of the state between two atomic steps.
 *
 *     RESET  ROW ROW ROW …  STEP   INSERT UPDATE …  STEP   …
 *
 * What is told up to a STEP, applied to what was told before, is the aggregate at that step's
 * position, with what is pending shown as it would be. A feed has no buffer. One that is asked
 * after several steps gets what they did together; one that was too slow for what memory there is
 * begins again, with RESET and all rows.
 */
#ifndef RV_LIVE_ROW_FEED_H
#define RV_LIVE_ROW_FEED_H

#include "core/live/moments.h"

typedef enum rv_row_change_kind {
    RV_ROW_RESET,  /* what was told before counts no more; the rows follow */
    RV_ROW_IS,     /* a row that there is */
    RV_ROW_INSERT, /* a row is there now */
    RV_ROW_UPDATE, /* it says something else */
    RV_ROW_DELETE, /* it is gone */
    RV_ROW_ENTER,  /* it passes the filter by now */
    RV_ROW_LEAVE,  /* it does not any more */
    RV_ROW_STEP    /* all that belongs together was told */
} rv_row_change_kind;

/* The kind as feeds show it: "insert". */
const char *rv_row_change_text(rv_row_change_kind kind);

typedef enum rv_row_phase {
    RV_ROWS_UNTOLD, /* the rows are gone through as if they were told: for who knows them */
    RV_ROWS_RESET,
    RV_ROWS_TOLD,
    RV_ROWS_CHANGES
} rv_row_phase;

typedef struct rv_row_feed {
    rv_moments *moments;
    uint16_t aggregate;
    rv_row_phase phase;
    uint64_t from; /* moments; 0: none */
    uint64_t to;
    rv_delta_place place; /* in what became of rows between the two */
    bool some;            /* of it something was told */
    uint32_t pending;     /* of the last step that was told */
    uint64_t schema_version;
    uint32_t rewinds; /* of the node: later ones may bring another schema, */
    uint8_t name_len; /* in which the aggregate has this name */
    uint8_t name[RV_NAME_LEN_MAX];
} rv_row_feed;

/* One thing that is told. */
typedef struct rv_row_change {
    rv_row_change_kind kind;
    uint64_t position; /* that the state had reached: of one step, the position that caused it */
    uint32_t pending;  /* batches that were not decided then, and whose effects rows show */
    const rv_value *before; /* the columns of the row; NULL: RESET, IS, INSERT, STEP */
    const rv_value *after;  /* NULL: RESET, DELETE, STEP */
} rv_row_change;

/* Starts a feed. `rows`: it begins with RESET and the rows; else with those as if they were told,
 * which its reader passes over. */
void rv_row_feed_open(rv_row_feed *feed, rv_moments *moments, uint16_t aggregate, bool rows);

/* Begins again, with RESET and the rows. */
void rv_row_feed_again(rv_row_feed *feed);

/* Of its aggregate. */
rv_bytes rv_row_feed_name(const rv_row_feed *feed);

/* Gives back what it holds. */
void rv_row_feed_close(rv_row_feed *feed);

/* True when there may be something to tell: a look is worth what it costs. */
bool rv_row_feed_due(rv_row_feed *feed);

/*
 * A feed that has told all there is may rest, without a moment of its own: somebody looks for all
 * that do, from one moment to the next, and has them go on from the moment up to which nothing was
 * to be told. _rest: false: there is something to tell, or may be; else it holds nothing.
 * _resume: from the moment with this serial, which is held for it from now on; if it is gone, the
 * feed begins again. `of` a schema or a history that is none any more, it finds that out itself.
 */
bool rv_row_feed_rest(rv_row_feed *feed);
void rv_row_feed_resume(rv_row_feed *feed, uint64_t moment);

/* Looking for what there is to tell. Valid until the next call on the node. */
typedef struct rv_row_look {
    rv_row_feed *feed;
    const rv_expr *filter;
    rv_arena *scratch;
    size_t mark;
    uint16_t column_count;
    rv_value *values[2];
    rv_delta_walk walk;
    rv_row_change change;
    rv_differences *differences;
    bool found;   /* `differences` has what it is to find */
    bool finding; /* it notes in `differences` what it finds, from the first one on */
    uint32_t looked;
    bool over;
} rv_row_look;

/* Begins to look. `filter` (rv_schema_filter over the aggregate; NULL: none) and what is in
 * `scratch` stay until the look is over. RV_END: nothing to tell now; ask again when the node has
 * moved. RV_MEMORY_EXHAUSTED: scratch is too small. */
RV_MUST_USE rv_status rv_row_feed_look(rv_row_feed *feed, const rv_expr *filter, rv_arena *scratch,
                                       rv_row_look *look);

/* What is to be told next, the same until it was taken; in `scratch`, from the look on. RV_END:
 * that is all for now. RV_PENDING: it has passed over many rows; look again, after others had a
 * turn. RV_MEMORY_EXHAUSTED: a row does not fit scratch. */
RV_MUST_USE rv_status rv_row_look_next(rv_row_look *look, const rv_row_change **change);

/* What was next was told. */
void rv_row_look_take(rv_row_look *look);

#endif
