/* SPDX-License-Identifier: Apache-2.0 */
/* A feed of what becomes of rows: see row_feed.h. */
#include "core/live/row_feed.h"

#include "core/engine/rewind.h"
#include "core/model/schema_filter.h"
#include "core/state/revisions.h"

#define LOOKED_MAX 4096u /* differences that one look passes over or tells */

const char *rv_row_change_text(rv_row_change_kind kind) {
    static const char *const texts[] = {"reset",  "row",   "insert", "update",
                                        "delete", "enter", "leave",  "step"};
    RV_ASSERT((size_t)kind < sizeof texts / sizeof texts[0]);
    return texts[kind];
}

void rv_row_feed_open(rv_row_feed *feed, rv_moments *moments, uint16_t aggregate, bool rows) {
    RV_ASSERT(moments->node != NULL);
    const rv_bytes name = rv_schema_aggregate(rv_node_schema(moments->node), aggregate)->name;
    *feed = (rv_row_feed){.moments = moments, .aggregate = aggregate};
    RV_ASSERT(name.len <= sizeof feed->name);
    memcpy(feed->name, name.ptr, name.len);
    feed->name_len = (uint8_t)name.len;
    feed->phase = rows ? RV_ROWS_RESET : RV_ROWS_UNTOLD;
    feed->schema_version = rv_schema_version(rv_node_schema(moments->node));
    feed->rewinds = rv_node_rewinds(moments->node);
}

rv_bytes rv_row_feed_name(const rv_row_feed *feed) {
    RV_ASSERT(feed->name_len > 0);
    return rv_bytes_of(feed->name, feed->name_len);
}

void rv_row_feed_close(rv_row_feed *feed) {
    rv_moment_release(feed->moments, feed->from);
    rv_moment_release(feed->moments, feed->to);
    feed->from = 0;
    feed->to = 0;
}

void rv_row_feed_again(rv_row_feed *feed) {
    rv_row_feed_close(feed);
    feed->phase = RV_ROWS_RESET;
    feed->place = (rv_delta_place){0};
    feed->some = false;
    feed->schema_version = rv_schema_version(rv_node_schema(feed->moments->node));
}

/* --- looking --- */

/* Where the node went back its schema may have been made again: the aggregate is the one of that
 * name, and all begins anew. False: there is none, or none yet. */
static bool is_known(rv_row_feed *feed) {
    const rv_node *const node = feed->moments->node;
    if (feed->rewinds == rv_node_rewinds(node)) {
        return true;
    }
    const rv_aggregate *const named =
        rv_schema_aggregate_named(rv_node_schema(node), rv_row_feed_name(feed));
    if (named == NULL) {
        return false;
    }
    feed->aggregate = named->number;
    feed->rewinds = rv_node_rewinds(node);
    rv_row_feed_again(feed);
    return true;
}

/* Takes the moment of now as the one to tell. False: there is nothing to tell. */
static bool advance(rv_row_feed *feed) {
    const rv_state *const state = rv_node_state(feed->moments->node);
    const rv_moment *const from = rv_moment_find(feed->moments, feed->from);
    const rv_moment *const to = rv_moment_now(feed->moments, feed->from);
    const uint64_t revision = from == NULL ? 0 : from->revision;
    if (to == NULL) {
        return false;
    }
    feed->to = to->serial;
    feed->place = (rv_delta_place){0};
    if (feed->phase != RV_ROWS_CHANGES ||
        rv_moment_find(feed->moments, feed->from) == NULL || /* to begin again with */
        rv_state_revision_of(state, feed->aggregate) > revision || to->pending != feed->pending) {
        return true;
    }
    rv_moment_release(feed->moments, feed->from);
    feed->from = feed->to;
    feed->to = 0;
    return false;
}

/* Begins to go through what there is between the moments. False: they are not known any more. */
static bool begin(rv_row_look *look) {
    const rv_row_feed *const feed = look->feed;
    const rv_moment *const from = rv_moment_find(feed->moments, feed->from);
    const rv_moment *const to = rv_moment_find(feed->moments, feed->to);
    const bool changes = feed->phase == RV_ROWS_CHANGES;
    if (to == NULL || (changes && from == NULL) ||
        feed->schema_version != rv_schema_version(rv_node_schema(feed->moments->node))) {
        return false;
    }
    look->change = (rv_row_change){.position = to->position, .pending = to->pending};
    return rv_deltas_between(rv_node_state(feed->moments->node), changes ? &from->deltas : NULL,
                             &to->deltas, feed->aggregate, feed->place, look->scratch, &look->walk);
}

bool rv_row_feed_due(rv_row_feed *feed) {
    const rv_node *const node = feed->moments->node;
    if (rv_node_in_batch(node) || rv_node_rewinding(node) || !rv_node_whole(node)) {
        return false; /* half of something is nothing to show */
    }
    return is_known(feed) && (feed->to != 0 || advance(feed));
}

bool rv_row_feed_rest(rv_row_feed *feed) {
    rv_node *const node = feed->moments->node;
    const rv_moment *const from = rv_moment_find(feed->moments, feed->from);
    if (from == NULL || feed->to != 0 || feed->phase != RV_ROWS_CHANGES || feed->some ||
        !rv_node_whole(node) || feed->rewinds != rv_node_rewinds(node) ||
        feed->schema_version != rv_schema_version(rv_node_schema(node)) ||
        from->revision != rv_state_revision(rv_node_state(node)) ||
        from->pending != feed->pending || from->pending != rv_moments_pending(feed->moments)) {
        return false;
    }
    rv_moment_release(feed->moments, feed->from);
    feed->from = 0;
    return true;
}

void rv_row_feed_resume(rv_row_feed *feed, uint64_t moment) {
    RV_ASSERT(feed->from == 0 && feed->to == 0 && feed->phase == RV_ROWS_CHANGES);
    feed->from = rv_moment_hold(feed->moments, moment) ? moment : 0;
}

/* Whether others have found what it is to find, or it finds it for them. */
static void share(rv_row_look *look) {
    const rv_row_feed *const feed = look->feed;
    rv_differences *const d = &feed->moments->differences[feed->aggregate % RV_DIFFERENCES_GROUPS];
    look->differences = d;
    look->found = feed->phase == RV_ROWS_CHANGES && d->whole && d->from == feed->from &&
                  d->to == feed->to && d->aggregate == feed->aggregate;
    look->finding = feed->phase == RV_ROWS_CHANGES && !look->found && feed->place.page == 0;
    if (look->finding) {
        *d = (rv_differences){.from = feed->from, .to = feed->to, .aggregate = feed->aggregate};
    }
}

rv_status rv_row_feed_look(rv_row_feed *feed, const rv_expr *filter, rv_arena *scratch,
                           rv_row_look *look) {
    const rv_node *const node = feed->moments->node;
    if (!rv_row_feed_due(feed)) {
        return RV_END;
    }
    const rv_aggregate *const aggregate =
        rv_schema_aggregate(rv_node_schema(node), feed->aggregate);
    *look = (rv_row_look){.feed = feed, .filter = filter, .scratch = scratch};
    look->column_count = aggregate->column_count;
    for (int i = 0; i < 2; i += 1) {
        look->values[i] = rv_arena_take(scratch, look->column_count * sizeof(rv_value));
        if (look->values[i] == NULL) {
            return RV_MEMORY_EXHAUSTED;
        }
    }
    look->mark = rv_arena_mark(scratch);
    if (!begin(look)) {
        rv_row_feed_again(feed);
        if (!advance(feed) || !begin(look)) {
            return RV_END;
        }
    }
    share(look);
    return RV_OK;
}

static bool is_before(rv_delta_place a, rv_delta_place b) {
    return a.page != b.page ? a.page < b.page : a.second != b.second ? b.second : a.slot < b.slot;
}

/* The next difference, from those that were found, or by going on to find. */
static rv_status find(rv_row_look *look, rv_delta *delta) {
    rv_differences *const d = look->differences;
    if (look->found) {
        uint32_t i = 0;
        while (i < d->count && is_before(d->places[i], look->walk.place)) {
            i += 1;
        }
        if (i == d->count) {
            return RV_END;
        }
        rv_deltas_go(&look->walk, d->places[i]);
    }
    const rv_status status = rv_deltas_next(&look->walk, delta);
    if (look->finding && status == RV_OK && d->count < RV_DIFFERENCES_MAX) {
        d->places[d->count] = look->walk.place;
        d->places[d->count].slot -= 1;
        d->count += 1;
    } else if (look->finding) {
        d->whole = status == RV_END;
        look->finding = false;
    }
    RV_ASSERT(!look->found || status != RV_END);
    return status;
}

/* Gets the columns of one side, and if they pass. */
static rv_status get(rv_row_look *look, const rv_delta *delta, bool before, bool *passes) {
    rv_value *const values = look->values[before ? 0 : 1];
    rv_status status = RV_OK;
    *passes = (before ? delta->before : delta->after) != NULL;
    for (uint16_t i = 0; i < look->column_count && *passes && status == RV_OK; i += 1) {
        status = before ? rv_delta_before(&look->walk, delta, i, look->scratch, &values[i], NULL)
                        : rv_delta_after(&look->walk, delta, i, look->scratch, &values[i], NULL);
    }
    if (status == RV_OK && *passes && look->filter != NULL) {
        *passes = rv_schema_filter_passes(look->filter, values, look->scratch);
    }
    return status;
}

/* What a difference is to who sees what passes. False: nothing. */
static rv_status judge(rv_row_look *look, const rv_delta *delta, bool *tells) {
    bool had = false;
    bool has = false;
    rv_row_change *const change = &look->change;
    rv_arena_reset(look->scratch, look->mark);
    rv_status status = get(look, delta, true, &had);
    status = status == RV_OK ? get(look, delta, false, &has) : status;
    *tells = status == RV_OK && (had || has);
    change->before = delta->before == NULL ? NULL : look->values[0];
    change->after = delta->after == NULL ? NULL : look->values[1];
    change->kind = look->feed->phase != RV_ROWS_CHANGES ? RV_ROW_IS
                   : had && has                         ? RV_ROW_UPDATE
                   : had                   ? (delta->after == NULL ? RV_ROW_DELETE : RV_ROW_LEAVE)
                   : delta->before == NULL ? RV_ROW_INSERT
                                           : RV_ROW_ENTER;
    return status;
}

/* The moment was told. */
static void finish(rv_row_look *look) {
    rv_row_feed *const feed = look->feed;
    rv_moment_release(feed->moments, feed->from);
    feed->from = feed->to;
    feed->to = 0;
    feed->phase = RV_ROWS_CHANGES;
    feed->some = false;
    feed->pending = look->change.pending;
    look->over = true;
}

rv_status rv_row_look_next(rv_row_look *look, const rv_row_change **change) {
    rv_row_feed *const feed = look->feed;
    rv_status status = RV_OK;
    bool tells = feed->phase == RV_ROWS_RESET;
    *change = &look->change;
    if (look->over) {
        return RV_END;
    }
    look->change.kind = RV_ROW_RESET;
    look->change.before = NULL;
    look->change.after = NULL;
    while (status == RV_OK && !tells) {
        rv_delta delta;
        feed->place = look->walk.place;
        if (look->looked == LOOKED_MAX) {
            return RV_PENDING;
        }
        look->looked += 1;
        status = find(look, &delta);
        status = status == RV_OK ? judge(look, &delta, &tells) : status;
    }
    if (status != RV_END) {
        return status;
    }
    const bool news =
        feed->some || feed->phase != RV_ROWS_CHANGES || look->change.pending != feed->pending;
    look->change.kind = RV_ROW_STEP;
    look->change.before = NULL;
    look->change.after = NULL;
    if (!news) {
        finish(look);
        return RV_END;
    }
    return RV_OK;
}

void rv_row_look_take(rv_row_look *look) {
    rv_row_feed *const feed = look->feed;
    RV_ASSERT(!look->over);
    if (look->change.kind == RV_ROW_STEP) {
        finish(look);
    } else if (look->change.kind == RV_ROW_RESET) {
        feed->phase = RV_ROWS_TOLD;
    } else {
        feed->some = true;
        feed->place = look->walk.place;
    }
}
