/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/loans.h"

#include "core/model/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

#define TEXT_SIZE_MAX   (256u << 20)
#define EVENT_COUNT_MAX 1000000u

static void fail(const char *what) {
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static rv_bytes read_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile file = gzopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "bench: cannot open %s; set RIVULET_DATA\n", path);
        exit(1);
    }
    uint8_t *text = malloc(TEXT_SIZE_MAX);
    size_t len = 0;
    int got = 1;
    while (got > 0 && len < TEXT_SIZE_MAX) {
        got = gzread(file, text + len, 1u << 20);
        len += got > 0 ? (size_t)got : 0;
    }
    gzclose(file);
    return rv_bytes_of(text, len);
}

static int64_t number(rv_bytes text) {
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

static void set_field(loan_event *event, rv_bytes key, const rv_json_token *value) {
    if (rv_bytes_are(key, "application_id")) {
        event->application_id = number(value->text);
    } else if (rv_bytes_are(key, "amount_requested")) {
        event->amount_or_resource[0] = number(value->text);
    } else if (rv_bytes_are(key, "resource")) {
        event->has_resource = value->kind == RV_JSON_NUMBER;
        event->amount_or_resource[1] = event->has_resource ? number(value->text) : 0;
    } else if (rv_bytes_are(key, "occurred_at") || rv_bytes_are(key, "submitted_at")) {
        event->time = value->text;
    } else if (rv_bytes_are(key, "work_item_id")) {
        event->item_id = value->text;
    } else if (rv_bytes_are(key, "name")) {
        event->name = value->text;
    } else {
        event->state = value->text;
    }
}

static void read_data(loan_event *event) {
    rv_json json = rv_json_over(event->data, NULL);
    rv_json_token token, value;
    if (rv_json_next(&json, &token, NULL) != RV_OK) {
        fail("malformed data");
    }
    while (rv_json_next(&json, &token, NULL) == RV_OK && token.kind == RV_JSON_KEY) {
        if (rv_json_next(&json, &value, NULL) != RV_OK) {
            fail("malformed data");
        }
        set_field(event, token.text, &value);
    }
}

static enum loan_type kind_of(rv_bytes type) {
    static const char *const names[] = {"application_submitted", "application_state_changed",
                                        "offer_state_changed", "work_item_opened",
                                        "work_item_progressed"};
    for (unsigned i = 0; i < 5; i++) {
        if (rv_bytes_are(type, names[i])) {
            return (enum loan_type)i;
        }
    }
    fail("an unknown event type");
    return LOAN_SUBMITTED;
}

static void read_line(loan_event *event, rv_bytes line) {
    rv_json json = rv_json_over(line, NULL);
    rv_json_token token, value;
    if (rv_json_next(&json, &token, NULL) != RV_OK) {
        fail("malformed line");
    }
    while (rv_json_next(&json, &token, NULL) == RV_OK && token.kind == RV_JSON_KEY) {
        rv_bytes whole = {NULL, 0};
        if (rv_json_next(&json, &value, NULL) != RV_OK ||
            rv_json_skip(&json, &value, &whole, NULL) != RV_OK) {
            fail("malformed line");
        }
        if (rv_bytes_are(token.text, "stream")) {
            event->path = value.text;
        } else if (rv_bytes_are(token.text, "type")) {
            event->type = value.text;
        } else {
            event->data = whole;
        }
    }
    event->kind = kind_of(event->type);
    read_data(event);
}

loans loans_read(const char *folder) {
    const rv_bytes text = read_file(folder, "loans.ndjson.gz");
    loans result = {.events = calloc(EVENT_COUNT_MAX, sizeof *result.events)};
    size_t start = 0;
    while (start < text.len && result.count < EVENT_COUNT_MAX) {
        const uint8_t *end = memchr(text.ptr + start, '\n', text.len - start);
        const size_t len = end == NULL ? text.len - start : (size_t)(end - text.ptr) - start;
        read_line(&result.events[result.count++], rv_bytes_of(text.ptr + start, len));
        start += len + 1;
    }
    result.schema = read_file(folder, "loans.schema.sql");
    return result;
}
