/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module has one host, so its slots are static. A slot's life:
 *
 *     free -> started -> free                  rv_host_done came inside the import: RV_IO_DONE
 *     free -> started -> pending -> ended -> free      and after it: RV_IO_PENDING, a completion
 *
 * Ended slots wait in a ring, in the order in which they ended, for next_completion.
 *
 * A node that could not be opened or closed leaves files open, which some storages do not open
 * twice. So the files that are open are known, and closed before the next node gets the host.
 */
#include "platform/browser/browser.h"

#include "core/base/assert.h"
#include "platform/file_name.h"

#define WHOLE_MAX 9007199254740992.0 /* 2^53: doubles are exact up to here */

typedef enum slot_state { SLOT_FREE, SLOT_STARTED, SLOT_PENDING, SLOT_ENDED } slot_state;

typedef struct slot {
    slot_state state;
    rv_ticket ticket;
    rv_io_result result;
    uint64_t count_max;  /* a larger count is JavaScript's mistake */
    bool opens;          /* a result is a file */
    rv_file_name *names; /* of a listing */
    size_t names_cap;
} slot;

static struct {
    slot slots[RV_BROWSER_SLOTS];
    uint32_t ended[RV_BROWSER_SLOTS]; /* a ring of slots */
    uint32_t ended_first;
    uint32_t ended_count;
    rv_file files[RV_BROWSER_SLOTS]; /* that are open, as many as fit: a node has a few */
    uint32_t file_count;
} host;

static void file_opened(rv_file file) {
    RV_ASSERT(file >= 0);
    RV_ASSERT(host.file_count <= RV_BROWSER_SLOTS);
    if (host.file_count < RV_BROWSER_SLOTS) {
        host.files[host.file_count++] = file;
    }
}

static void file_close(rv_file file) {
    uint32_t i = 0;
    while (i < host.file_count && host.files[i] != file) {
        i += 1;
    }
    if (i < host.file_count) {
        host.files[i] = host.files[--host.file_count];
    }
    rv_js_file_close(file);
}

/* The node has far fewer operations under way than there are slots. */
static uint32_t slot_take(rv_ticket ticket, uint64_t count_max) {
    uint32_t i = 0;
    while (i < RV_BROWSER_SLOTS && host.slots[i].state != SLOT_FREE) {
        i += 1;
    }
    RV_ASSERT(i < RV_BROWSER_SLOTS);
    host.slots[i] = (slot){.state = SLOT_STARTED,
                           .ticket = ticket,
                           .result = {RV_STORAGE_FAILED, 0, -1},
                           .count_max = count_max};
    return i;
}

/* What the import answered, and whether the operation has ended inside of it. */
static rv_io slot_started(uint32_t i, int32_t pending, rv_io_result *result) {
    slot *const s = &host.slots[i];
    RV_ASSERT(s->state == SLOT_STARTED || s->state == SLOT_ENDED);
    if (s->state == SLOT_STARTED && pending != 0) {
        s->state = SLOT_PENDING;
        return RV_IO_PENDING;
    }
    *result = s->result; /* RV_STORAGE_FAILED when nothing ended it */
    s->state = SLOT_FREE;
    return RV_IO_DONE;
}

static void slot_result(slot *s, int32_t status, double count, int32_t file) {
    const bool known = status == RV_OK || (status > RV_END && status < RV_STATUS_COUNT);
    const bool sound = count >= 0 && count <= (double)s->count_max && (!s->opens || file >= 0);
    if (!known || (status == RV_OK && !sound)) {
        s->result = (rv_io_result){RV_STORAGE_FAILED, 0, -1};
    } else if (status != RV_OK) {
        s->result = (rv_io_result){(rv_status)status, 0, -1};
    } else {
        s->result = (rv_io_result){RV_OK, (uint64_t)count, file};
        if (s->opens) {
            file_opened(file);
        }
    }
    for (size_t i = 0; i < s->names_cap && i < s->result.count; i++) {
        s->names[i].text[RV_FILE_NAME_MAX] = '\0';
    }
}

int32_t rv_host_done(uint32_t i, int32_t status, double count, int32_t file) {
    if (i >= RV_BROWSER_SLOTS ||
        (host.slots[i].state != SLOT_STARTED && host.slots[i].state != SLOT_PENDING)) {
        return RV_REQUEST_INVALID;
    }
    slot *const s = &host.slots[i];
    slot_result(s, status, count, file);
    if (s->state == SLOT_PENDING) {
        RV_ASSERT(host.ended_count < RV_BROWSER_SLOTS);
        host.ended[(host.ended_first + host.ended_count) % RV_BROWSER_SLOTS] = i;
        host.ended_count += 1;
    }
    s->state = SLOT_ENDED;
    return RV_OK;
}

static bool browser_next_completion(void *ctx, rv_io_completion *completion) {
    RV_ASSERT(ctx == &host);
    if (host.ended_count == 0) {
        return false;
    }
    slot *const s = &host.slots[host.ended[host.ended_first]];
    RV_ASSERT(s->state == SLOT_ENDED);
    *completion = (rv_io_completion){s->ticket, s->result};
    s->state = SLOT_FREE;
    host.ended_first = (host.ended_first + 1) % RV_BROWSER_SLOTS;
    host.ended_count -= 1;
    return true;
}

/* --- operations --- */

/* Answers without JavaScript. */
static rv_io refuse(rv_io_result *result, rv_status status) {
    *result = (rv_io_result){status, 0, -1};
    return RV_IO_DONE;
}

static rv_io browser_open(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    RV_ASSERT(ctx == &host);
    if (!rv_file_name_valid(name)) {
        return refuse(result, RV_DATA_NOT_FOUND);
    }
    const uint32_t i = slot_take(ticket, (uint64_t)WHOLE_MAX);
    host.slots[i].opens = true;
    return slot_started(i, rv_js_file_open(i, name, (uint32_t)strlen(name)), result);
}

static rv_io browser_create(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    RV_ASSERT(ctx == &host);
    if (!rv_file_name_valid(name)) {
        return refuse(result, RV_STORAGE_FAILED);
    }
    const uint32_t i = slot_take(ticket, 0);
    host.slots[i].opens = true;
    return slot_started(i, rv_js_file_create(i, name, (uint32_t)strlen(name)), result);
}

static void browser_close(void *ctx, rv_file file) {
    RV_ASSERT(ctx == &host);
    file_close(file);
}

static rv_io browser_read(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, uint8_t *buf,
                          size_t len, rv_io_result *result) {
    RV_ASSERT(ctx == &host && len <= UINT32_MAX);
    if (offset > (uint64_t)WHOLE_MAX) {
        return refuse(result, RV_OK); /* no file reaches there */
    }
    const uint32_t i = slot_take(ticket, len);
    const int32_t pending = rv_js_file_read(i, file, (double)offset, buf, (uint32_t)len);
    return slot_started(i, pending, result);
}

static rv_io browser_write(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset,
                           rv_bytes bytes, rv_io_result *result) {
    RV_ASSERT(ctx == &host && bytes.len <= UINT32_MAX);
    if (offset > (uint64_t)WHOLE_MAX - bytes.len) {
        return refuse(result, RV_STORAGE_FULL);
    }
    const uint32_t i = slot_take(ticket, bytes.len);
    const int32_t pending =
        rv_js_file_write(i, file, (double)offset, bytes.ptr, (uint32_t)bytes.len);
    return slot_started(i, pending, result);
}

static rv_io browser_truncate(void *ctx, rv_ticket ticket, rv_file file, uint64_t size,
                              rv_io_result *result) {
    RV_ASSERT(ctx == &host);
    if (size > (uint64_t)WHOLE_MAX) {
        return refuse(result, RV_STORAGE_FULL);
    }
    const uint32_t i = slot_take(ticket, 0);
    return slot_started(i, rv_js_file_truncate(i, file, (double)size), result);
}

static rv_io browser_remove(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result) {
    RV_ASSERT(ctx == &host);
    if (!rv_file_name_valid(name)) {
        return refuse(result, RV_DATA_NOT_FOUND);
    }
    const uint32_t i = slot_take(ticket, 0);
    return slot_started(i, rv_js_file_remove(i, name, (uint32_t)strlen(name)), result);
}

static rv_io browser_list(void *ctx, rv_ticket ticket, rv_file_name *names, size_t cap,
                          rv_io_result *result) {
    RV_ASSERT(ctx == &host && cap <= UINT32_MAX);
    const uint32_t i = slot_take(ticket, (uint64_t)WHOLE_MAX);
    host.slots[i].names = names;
    host.slots[i].names_cap = cap;
    return slot_started(i, rv_js_file_list(i, names, (uint32_t)cap), result);
}

static rv_io browser_flush(void *ctx, rv_ticket ticket, rv_file file, rv_io_result *result) {
    RV_ASSERT(ctx == &host);
    const uint32_t i = slot_take(ticket, 0);
    return slot_started(i, rv_js_file_flush(i, file), result);
}

static int64_t browser_now(void *ctx) {
    RV_ASSERT(ctx == &host);
    const double now = rv_js_now();
    return now > -WHOLE_MAX && now < WHOLE_MAX ? (int64_t)now : 0;
}

static void browser_entropy(void *ctx, uint8_t *buf, size_t len) {
    RV_ASSERT(ctx == &host && len <= UINT32_MAX);
    rv_js_entropy(buf, (uint32_t)len);
}

rv_host rv_browser_interface(void) {
    static const rv_host_ops ops = {
        .open = browser_open,
        .create = browser_create,
        .close = browser_close,
        .read = browser_read,
        .write = browser_write,
        .truncate = browser_truncate,
        .remove = browser_remove,
        .list = browser_list,
        .flush = browser_flush,
        .next_completion = browser_next_completion,
        .now = browser_now,
        .entropy = browser_entropy,
    };
    RV_ASSERT(rv_browser_idle());
    while (host.file_count > 0) {
        file_close(host.files[0]);
    }
    memset(&host, 0, sizeof host); /* what ended and was never taken is nobody's now */
    return (rv_host){&ops, &host};
}

bool rv_browser_idle(void) {
    for (uint32_t i = 0; i < RV_BROWSER_SLOTS; i++) {
        if (host.slots[i].state == SLOT_PENDING) {
            return false;
        }
    }
    return true;
}

/* --- compression --- */

/* An edge sends nothing that is worth it. */
static size_t browser_deflate(void *ctx, rv_bytes in, uint8_t *out, size_t cap) {
    RV_ASSERT(ctx == &host && in.ptr != NULL);
    (void)out;
    (void)cap;
    return 0;
}

static size_t browser_inflate(void *ctx, rv_bytes in, uint8_t *out, size_t cap) {
    RV_ASSERT(ctx == &host && in.len <= UINT32_MAX && cap <= UINT32_MAX);
    const uint32_t len = rv_js_inflate(in.ptr, (uint32_t)in.len, out, (uint32_t)cap);
    return len <= cap ? len : 0;
}

rv_compression rv_browser_compression(void) {
    static const rv_compression_ops ops = {browser_deflate, browser_inflate};
    return (rv_compression){&ops, &host};
}
