/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds: subscriptions of the core, with their patterns, and what they are narrowed to. Of a
 * condition only the text is kept: it is compiled for each call. */
#include "lib/db.h"

#include "core/base/assert.h"
#include "core/model/schema_filter.h"

/* Events that do not match and that one look passes over. */
#define SCAN_MAX 4096u

#define COMPILED_SHARE 4u /* of scratch, for a condition */

static rv_db_feed *free_feed(rv_db *db) {
    for (size_t i = 0; i < RV_DB_FEEDS_MAX; i += 1) {
        if (db->feeds[i].db == NULL) {
            return &db->feeds[i];
        }
    }
    return NULL;
}

/* Copies and parses the patterns. */
static rv_status take_patterns(rv_db_feed *feed, const rv_bytes *patterns, size_t count,
                               rv_error *err) {
    RV_ASSERT(count <= RV_DB_FEED_PATTERNS_MAX);
    rv_arena text = rv_arena_over(feed->text, sizeof feed->text);
    for (size_t i = 0; i < count; i += 1) {
        const rv_bytes copy = rv_arena_copy(&text, patterns[i]);
        if (copy.ptr == NULL) {
            return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                                "the patterns of a feed have at most %u bytes together",
                                (uint64_t)RV_DB_FEED_TEXT_MAX);
        }
        const rv_status status = rv_path_pattern_parse(copy, &feed->patterns[i], err);
        if (status != RV_OK) {
            return status;
        }
    }
    feed->pattern_count = count;
    return RV_OK;
}

rv_status rv_db_feed_open(rv_db *db, const rv_bytes *patterns, size_t pattern_count, uint64_t from,
                          rv_db_feed **out, rv_error *err) {
    RV_ASSERT(db != NULL && out != NULL && (patterns != NULL || pattern_count == 0));
    *out = NULL;
    if (pattern_count > RV_DB_FEED_PATTERNS_MAX) {
        return rv_error_set(err, RV_SELECTION_INVALID, "a feed has at most %u patterns, not %u",
                            (uint64_t)RV_DB_FEED_PATTERNS_MAX, (uint64_t)pattern_count);
    }
    rv_db_feed *const feed = free_feed(db);
    if (feed == NULL) {
        return rv_error_set(err, RV_BUSY, "at most %u feeds are open at once; close one",
                            (uint64_t)RV_DB_FEEDS_MAX);
    }
    const rv_bytes everything = rv_text("/**");
    const rv_status status = pattern_count == 0 ? take_patterns(feed, &everything, 1, err)
                                                : take_patterns(feed, patterns, pattern_count, err);
    if (status != RV_OK) {
        return status;
    }
    feed->db = db;
    feed->time = INT64_MIN;
    feed->by_type = false;
    feed->where_len = 0;
    rv_subscription_open(&feed->subscription, db->node, feed->patterns, feed->pattern_count,
                         from == 0 ? 1 : from);
    *out = feed;
    return RV_OK;
}

static const rv_schema *schema_of(const rv_db_feed *feed) {
    return rv_node_schema(feed->db->node);
}

/* The condition, compiled for one event type; scratch is emptied. */
static rv_status compile(const rv_db_feed *feed, uint16_t type, rv_bytes where, rv_expr *filter,
                         rv_error *err) {
    rv_db *const db = feed->db;
    rv_arena_reset(&db->scratch, 0);
    rv_arena arena = rv_arena_split(&db->scratch, db->scratch.cap / COMPILED_SHARE);
    return rv_schema_filter_events(schema_of(feed), rv_schema_event_type(schema_of(feed), type),
                                   where, &arena, &db->scratch, filter, err);
}

rv_status rv_db_feed_narrow(rv_db_feed *feed, const rv_bytes *types, size_t type_count,
                            rv_bytes where, rv_error *err) {
    RV_ASSERT(feed != NULL && feed->db != NULL && (types != NULL || type_count == 0));
    uint64_t admitted[RV_EVENT_TYPES_MAX / 64u] = {0};
    if (rv_node_provisional(feed->db->node)) {
        return rv_error_set(err, RV_NOT_CONNECTED,
                            "this edge has not met its upstream yet: whose event types its events "
                            "will be of is not known");
    }
    if (where.len > RV_DB_FEED_WHERE_MAX || (where.len > 0 && type_count == 0)) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "a condition has at most %u bytes, and is over the fields of the "
                            "types that are named with it",
                            (uint64_t)RV_DB_FEED_WHERE_MAX);
    }
    for (size_t i = 0; i < type_count; i += 1) {
        rv_expr filter;
        const rv_event_type *const type = rv_schema_event_type_named(schema_of(feed), types[i]);
        if (type == NULL) {
            (void)rv_error_set(err, RV_UNKNOWN_EVENT_TYPE, "there is no event type `%b`",
                               &types[i]);
            rv_error_fact_text(err, "event_type", types[i]);
            return RV_UNKNOWN_EVENT_TYPE;
        }
        const rv_status status =
            where.len > 0 ? compile(feed, type->number, where, &filter, err) : RV_OK;
        if (status != RV_OK) {
            return status;
        }
        admitted[type->number / 64u] |= UINT64_C(1) << (type->number % 64u);
    }
    memcpy(feed->types, admitted, sizeof admitted);
    feed->by_type = type_count > 0;
    feed->where_len = where.len;
    if (where.len > 0) {
        memcpy(feed->where, where.ptr, where.len);
    }
    return RV_OK;
}

void rv_db_feed_from_time(rv_db_feed *feed, int64_t time) {
    RV_ASSERT(feed != NULL && feed->db != NULL);
    feed->time = time;
    rv_subscription_from_time(&feed->subscription, time);
}

/* `*passes`: it is one that the feed gives. */
static rv_status judge(const rv_db_feed *feed, const rv_event *event, bool *passes, rv_error *err) {
    rv_db *const db = feed->db;
    const bool typed = event->type != RV_SYSTEM_SCHEMA_TYPE &&
                       (feed->types[event->type / 64u] >> (event->type % 64u) & 1u) != 0;
    *passes = event->recorded_at >= feed->time && (!feed->by_type || typed);
    if (!*passes || feed->where_len == 0) {
        return RV_OK;
    }
    rv_expr filter;
    const rv_status status =
        compile(feed, event->type, rv_bytes_of(feed->where, feed->where_len), &filter, err);
    if (status == RV_OK) {
        const rv_event_type *const type = rv_schema_event_type(schema_of(feed), event->type);
        *passes = rv_event_data_decode(type, event->data, db->values) &&
                  rv_schema_filter_passes(&filter, db->values, &db->scratch);
    }
    return status;
}

rv_status rv_db_feed_next(rv_db_feed *feed, rv_db_event *event, rv_error *err) {
    RV_ASSERT(feed != NULL && feed->db != NULL && event != NULL);
    rv_event found;
    rv_bytes path;
    rv_status status;
    bool passes = false;
    do {
        do {
            status = rv_subscription_next(&feed->subscription, SCAN_MAX, &found, &path, err);
        } while (rv_db_again(feed->db, status));
        status = status == RV_OK ? judge(feed, &found, &passes, err) : status;
    } while (status == RV_OK && !passes);
    if (status == RV_OK) {
        rv_db_event_of(feed->db, &found, path, event);
    }
    return status;
}

uint64_t rv_db_feed_cursor(const rv_db_feed *feed) {
    RV_ASSERT(feed != NULL && feed->db != NULL);
    return rv_subscription_sequence(&feed->subscription);
}

void rv_db_feed_close(rv_db_feed *feed) {
    if (feed != NULL) {
        feed->db = NULL;
    }
}
