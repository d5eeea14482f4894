/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds: subscriptions of the core, with their patterns. */
#include "lib/db.h"

#include "core/base/assert.h"

/* Events that do not match and that one look passes over. */
#define SCAN_MAX 4096u

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
    rv_subscription_open(&feed->subscription, db->node, feed->patterns, feed->pattern_count,
                         from == 0 ? 1 : from);
    *out = feed;
    return RV_OK;
}

rv_status rv_db_feed_next(rv_db_feed *feed, rv_db_event *event, rv_error *err) {
    RV_ASSERT(feed != NULL && feed->db != NULL && event != NULL);
    rv_event found;
    rv_bytes path;
    rv_status status;
    do {
        status = rv_subscription_next(&feed->subscription, SCAN_MAX, &found, &path, err);
    } while (rv_db_again(feed->db, status));
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
