/* SPDX-License-Identifier: Apache-2.0 */
/* Events from the last one back: see sql/back.h. */
#include "sql/back.h"

#include "core/base/assert.h"
#include "sql/sqlite.h"

#define WINDOW     128u               /* numbers at most, */
#define WINDOW_NEW 32u                /* and at first: many want no more */
#define KEPT_MAX   ((size_t)64 << 10) /* bytes of their events, or one event that is larger */
#define SCAN_MAX   4096u

void rv_back_begin(rv_back *back, rv_node *node, const rv_path_pattern *path, uint64_t low,
                   uint64_t high, uint64_t until) {
    RV_ASSERT(node != NULL);
    back->node = node;
    back->path = path;
    back->low = low > 0 ? low : 1;
    back->high = high;
    back->until = until;
    back->window = WINDOW_NEW;
    back->reading = false;
    back->count = 0;
}

void rv_back_end(rv_back *back) {
    RV_ASSERT(back != NULL);
    sqlite3_free(back->kept);
    sqlite3_free(back->memory);
    *back = (rv_back){.node = NULL};
}

static void open_window(rv_back *back) {
    RV_ASSERT(back->low <= back->high && back->count == 0);
    const bool last = back->high - back->low < back->window;
    back->first = last ? back->low : back->high - back->window + 1;
    back->next = back->first;
    back->window = back->window < WINDOW ? 2 * back->window : WINDOW;
    back->reading = true;
    rv_subscription_open(&back->subscription, back->node, back->path, back->path != NULL,
                         back->path != NULL ? 1 : back->first);
    if (back->path != NULL) {
        rv_subscription_from_version(&back->subscription, back->first);
    }
}

/* Room for one more event, of `size` bytes: those that are kept go where they leave none. */
static bool make_room(rv_back *back, size_t size) {
    if (back->kept == NULL) {
        back->kept = sqlite3_malloc64(WINDOW * sizeof *back->kept);
    }
    if (back->count > 0 && size > back->size - back->used) {
        back->window = back->count < WINDOW / 2 ? back->count : WINDOW / 2;
        back->count = 0;
    }
    back->used = back->count == 0 ? 0 : back->used;
    if (size > back->size - back->used) {
        sqlite3_free(back->memory);
        back->size = size > KEPT_MAX ? size : KEPT_MAX;
        back->memory = sqlite3_malloc64(back->size);
    }
    if (back->memory == NULL) {
        back->size = 0;
    }
    return back->kept != NULL && back->memory != NULL;
}

static rv_bytes copy(rv_back *back, rv_bytes bytes) {
    uint8_t *const to = back->memory + back->used;
    RV_ASSERT(bytes.len <= back->size - back->used);
    if (bytes.len > 0) {
        memcpy(to, bytes.ptr, bytes.len);
    }
    back->used += bytes.len;
    return rv_bytes_of(to, bytes.len);
}

static bool keep(rv_back *back, const rv_event *event, rv_bytes path, uint64_t number) {
    RV_ASSERT(number >= back->first && number <= back->high);
    if (!make_room(back, path.len + event->data.len + event->metadata.len)) {
        return false;
    }
    back->next = back->count == 0 ? number : back->next;
    rv_back_event *const kept = &back->kept[back->count];
    back->count += 1; /* a number is one event's: no more than WINDOW */
    RV_ASSERT(back->count <= WINDOW);
    kept->event = *event;
    kept->path = copy(back, path);
    kept->event.data = copy(back, event->data);
    kept->event.metadata = copy(back, event->metadata);
    return true;
}

/* The window to its end: RV_OK. */
static rv_status read_window(rv_back *back, rv_error *err) {
    rv_status status = RV_OK;
    while (status == RV_OK) {
        rv_event event;
        rv_bytes path;
        status = rv_subscription_next(&back->subscription, SCAN_MAX, &event, &path, err);
        if (status != RV_OK) {
            break;
        }
        const uint64_t number = back->path != NULL ? event.version : event.sequence;
        if (number > back->high || event.sequence > back->until) {
            status = RV_END;
        } else if (!keep(back, &event, path, number)) {
            return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for events");
        }
    }
    if (status == RV_END) {
        back->reading = false;
        back->high = (back->count > 0 ? back->next : back->first) - 1;
        return RV_OK;
    }
    return status;
}

rv_status rv_back_next(rv_back *back, rv_event *event, rv_bytes *path, rv_error *err) {
    while (back->count == 0 || back->reading) {
        if (!back->reading && back->low > back->high) {
            return RV_END;
        }
        if (!back->reading) {
            open_window(back);
        }
        const rv_status status = read_window(back, err);
        if (status != RV_OK) {
            return status;
        }
    }
    back->count -= 1;
    *event = back->kept[back->count].event;
    *path = back->kept[back->count].path;
    return RV_OK;
}
