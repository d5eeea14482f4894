/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an event comes back from its record as it went in, and no other bytes are taken for one.
 * Method: random events with every combination of flags and extreme numbers go through the codec,
 * one and many to a batch; each is cut at every length, each byte of some is changed to every
 * value; then the forms that must be refused, one by one.
 */
#include "core/log/record.h"
#include "tests/unit/test.h"

static const rv_record_context begin = {
    .next_sequence = 41, .previous_position = 99, .time = 1700000000000000, .node_tag = 0x12345};

static uint8_t buffer[1 << 16];
static uint8_t copy[1 << 16];

/* Small, or anything. */
static uint64_t number(uint64_t *random, uint64_t max) {
    const uint64_t v = rv_test_random(random);
    const unsigned shift = (unsigned)(rv_test_random(random) % 64);
    return (v >> shift) % (max == UINT64_MAX ? max : max + 1);
}

static rv_event random_event(uint64_t *random, const rv_record_context *context) {
    static uint8_t bytes[3000];
    for (size_t i = 0; i < sizeof bytes; i += 1) {
        bytes[i] = (uint8_t)(i * 31);
    }
    const uint64_t flags = rv_test_random(random);
    rv_event event = {
        .sequence = context->next_sequence,
        .position = context->previous_position + 1 + number(random, 1 << 30),
        .stream = (uint32_t)number(random, UINT32_MAX),
        .version = 1 + number(random, UINT64_MAX - 2),
        .type = (uint16_t)number(random, UINT16_MAX),
        .schema_version = (uint32_t)number(random, UINT32_MAX),
        .recorded_at = context->time + (int64_t)number(random, 1 << 30),
        .foreign_id = flags & 1,
        .new_stream = (flags >> 1) & 1,
        .declaration = RV_NONE,
        .batch_end = (flags >> 2) & 1,
        .data = rv_bytes_of(bytes, (size_t)number(random, sizeof bytes)),
    };
    event.written_at = event.recorded_at;
    if (event.new_stream) {
        event.declaration = (uint16_t)number(random, UINT16_MAX);
    }
    if ((flags >> 3) & 1) {
        event.written_at -= (int64_t)number(random, 1 << 30);
    }
    if ((flags >> 4) & 1) {
        event.metadata = rv_bytes_of(bytes + 7, 1 + (size_t)number(random, 1000));
    }
    if (event.foreign_id) {
        for (unsigned i = 0; i < 16; i += 1) {
            event.event_id[i] = (uint8_t)rv_test_random(random);
        }
    } else {
        rv_event_id_make(context->node_tag, event.position, event.written_at, event.event_id);
    }
    return event;
}

static bool same_event(const rv_event *a, const rv_event *b) {
    return a->sequence == b->sequence && a->position == b->position && a->stream == b->stream &&
           a->version == b->version && a->type == b->type &&
           a->schema_version == b->schema_version && a->written_at == b->written_at &&
           a->recorded_at == b->recorded_at && memcmp(a->event_id, b->event_id, 16) == 0 &&
           a->foreign_id == b->foreign_id && a->new_stream == b->new_stream &&
           a->declaration == b->declaration && a->batch_end == b->batch_end &&
           rv_bytes_equal(a->data, b->data) && rv_bytes_equal(a->metadata, b->metadata);
}

RV_TEST(events_come_back) {
    uint64_t random = 1;
    for (unsigned round = 0; round < 20000; round += 1) {
        rv_record_context context = begin;
        const rv_event event = random_event(&random, &context);
        rv_writer w = rv_writer_over(buffer, sizeof buffer);
        rv_record_write_event(&w, &context, &event);
        RV_CHECK(!w.full);
        RV_CHECK_EQ(context.next_sequence, begin.next_sequence + 1);
        RV_CHECK_EQ(context.previous_position, event.position);
        rv_record_context reading = begin;
        rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
        rv_record record;
        RV_CHECK(rv_record_read(&c, &reading, &record));
        RV_CHECK(rv_cursor_done(&c));
        RV_CHECK_EQ(record.kind, RV_RECORD_EVENT);
        RV_CHECK(same_event(&record.event, &event));
        RV_CHECK(memcmp(&reading, &context, sizeof reading) == 0);
    }
}

RV_TEST(batches_of_events_come_back) {
    uint64_t random = 2;
    for (unsigned round = 0; round < 500; round += 1) {
        rv_record_context context = begin;
        rv_record_context reading = begin;
        rv_event events[20];
        rv_writer w = rv_writer_over(buffer, sizeof buffer);
        for (unsigned i = 0; i < 20; i += 1) {
            events[i] = random_event(&random, &context);
            events[i].data.len %= 100;
            rv_record_write_event(&w, &context, &events[i]);
        }
        RV_CHECK(!w.full);
        rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
        for (unsigned i = 0; i < 20; i += 1) {
            rv_record record;
            RV_CHECK(rv_record_read(&c, &reading, &record));
            RV_CHECK(same_event(&record.event, &events[i]));
        }
        RV_CHECK(rv_cursor_done(&c));
    }
}

RV_TEST(what_does_not_fit_is_not_written) {
    uint64_t random = 3;
    for (unsigned round = 0; round < 300; round += 1) {
        rv_record_context context = begin;
        rv_event event = random_event(&random, &context);
        event.data.len %= 100;
        rv_writer w = rv_writer_over(buffer, sizeof buffer);
        rv_record_write_event(&w, &context, &event);
        const size_t len = w.len;
        for (size_t cap = 0; cap < len; cap += 1) {
            context = begin;
            rv_writer small = rv_writer_over(copy, cap);
            rv_record_write_event(&small, &context, &event);
            RV_CHECK(small.full && small.len == 0);
            RV_CHECK(memcmp(&context, &begin, sizeof context) == 0);
        }
    }
}

RV_TEST(a_record_cut_at_every_length_is_refused) {
    uint64_t random = 4;
    for (unsigned round = 0; round < 300; round += 1) {
        rv_record_context context = begin;
        rv_event event = random_event(&random, &context);
        event.data.len %= 100;
        rv_writer w = rv_writer_over(buffer, sizeof buffer);
        rv_record_write_event(&w, &context, &event);
        for (size_t len = 0; len < w.len; len += 1) {
            context = begin;
            rv_cursor c = rv_cursor_over(rv_bytes_of(buffer, len));
            rv_record record;
            RV_CHECK(!rv_record_read(&c, &context, &record));
            RV_CHECK(memcmp(&context, &begin, sizeof context) == 0);
        }
    }
}

/* Any byte may change to any other: it is refused or gives an event of its own, and never traps. */
RV_TEST(changed_bytes_do_no_harm) {
    uint64_t random = 5;
    for (unsigned round = 0; round < 40; round += 1) {
        rv_record_context context = begin;
        rv_event event = random_event(&random, &context);
        event.data.len %= 30;
        event.metadata.len %= 30;
        rv_writer w = rv_writer_over(buffer, sizeof buffer);
        rv_record_write_event(&w, &context, &event);
        for (size_t at = 0; at < w.len; at += 1) {
            for (unsigned v = 0; v < 256; v += 1) {
                memcpy(copy, buffer, w.len);
                copy[at] = (uint8_t)v;
                context = begin;
                rv_cursor c = rv_cursor_over(rv_bytes_of(copy, w.len));
                rv_record record;
                if (rv_record_read(&c, &context, &record) && record.kind == RV_RECORD_EVENT) {
                    RV_CHECK(record.event.position > begin.previous_position);
                    RV_CHECK(record.event.data.len <= w.len);
                }
            }
        }
    }
}

static bool reads(const uint8_t *bytes, size_t len) {
    rv_record_context context = begin;
    rv_cursor c = rv_cursor_over(rv_bytes_of(bytes, len));
    rv_record record;
    return rv_record_read(&c, &context, &record);
}

RV_TEST(forms_that_are_refused) {
    /* length, kind, flags, ahead, stream, version, type, schema version, time */
    const uint8_t good[] = {8, 1, 0, 0, 5, 1, 2, 1, 0};
    RV_CHECK(reads(good, sizeof good));
    uint8_t bad[sizeof good];
    const struct {
        size_t at;
        uint8_t to;
    } changes[] = {
        {0, 0},
        {0, 1},
        {0, 9}, /* lengths */
        {1, 0},
        {1, 10},
        {1, 0xff}, /* kinds */
        {2, 0x40},
        {2, 0x80}, /* flags nobody knows */
        {5, 0},    /* versions begin with 1 */
        {2, RV_RECORD_FOREIGN_ID},
        {2, RV_RECORD_METADATA},
        {2, RV_RECORD_WRITTEN_AT},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i += 1) {
        memcpy(bad, good, sizeof good);
        bad[changes[i].at] = changes[i].to;
        RV_CHECK(!reads(bad, sizeof bad));
    }
    const uint8_t big_type[] = {10, 1, 0, 0, 5, 1, 0x80, 0x80, 4, 1, 0};
    RV_CHECK(!reads(big_type, sizeof big_type));
    /* An id that derives needs a time that has one. */
    const uint8_t before_1970[] = {15,   1,    0,    0,    5,    1,    2,    1,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f};
    RV_CHECK(!reads(before_1970, sizeof before_1970));
    const uint8_t selection[] = {4, 2, 0, 1, '*'};
    RV_CHECK(reads(selection, sizeof selection));
    for (uint8_t kind = RV_RECORD_SELECTION; kind <= RV_RECORD_LEDGER_REMOVE; kind += 1) {
        const uint8_t flagged[] = {4, kind, 16, 1, '*'};
        RV_CHECK(!reads(flagged, sizeof flagged));
    }
    const uint8_t put[] = {6, RV_RECORD_LEDGER_PUT, 0, 2, 1, 'k', 'v'};
    RV_CHECK(reads(put, sizeof put));
}

/* Records that are no events come back with their flags, and with no other ones. */
RV_TEST(other_records_come_back) {
    static const rv_record_kind kinds[] = {
        RV_RECORD_SELECTION, RV_RECORD_LEDGER_PUT, RV_RECORD_LEDGER_REMOVE, RV_RECORD_BASE_BEGIN,
        RV_RECORD_BASE_PART, RV_RECORD_BASE_END,   RV_RECORD_CHANGES,       RV_RECORD_FILLED};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i += 1) {
        for (unsigned flags = 0; flags < 256; flags += 1) {
            rv_writer w = rv_writer_over(buffer, 100);
            rv_record_write(&w, kinds[i], (uint8_t)flags, RV_LITERAL("he"), RV_LITERAL("ad"));
            rv_record_context context = begin;
            rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
            rv_record record;
            const bool rows = kinds[i] == RV_RECORD_BASE_PART || kinds[i] == RV_RECORD_CHANGES;
            const bool known =
                flags == 0 || (rows && flags == RV_RECORD_ITEMS_PURGED) ||
                (rows && flags == (RV_RECORD_ITEMS_PURGED | RV_RECORD_ITEMS_GIVEN)) ||
                (i == 0 && (flags & ~(RV_RECORD_SELECTION_KNOWN)) == 0) ||
                (kinds[i] == RV_RECORD_BASE_BEGIN && flags == RV_RECORD_BASE_KEEPS) ||
                (kinds[i] == RV_RECORD_BASE_END && flags == RV_RECORD_BASE_REPLACES) ||
                (kinds[i] == RV_RECORD_LEDGER_REMOVE && flags == RV_RECORD_LEDGER_DROPPED);
            RV_CHECK_EQ(rv_record_read(&c, &context, &record), known);
            if (known) {
                RV_CHECK(record.kind == kinds[i] && record.flags == flags);
                RV_CHECK_TEXT(record.body, "head");
                RV_CHECK(memcmp(&context, &begin, sizeof begin) == 0);
            }
        }
    }
    rv_writer small = rv_writer_over(buffer, 6);
    rv_record_write(&small, RV_RECORD_BASE_END, 0, RV_LITERAL("head"), RV_LITERAL(""));
    RV_CHECK(small.full);
}

/* What is left of an event has its numbers, and counts. */
RV_TEST(events_that_are_gone_come_back) {
    uint64_t random = 9;
    for (unsigned round = 0; round < 3000; round += 1) {
        rv_record_context context = begin;
        rv_event event = random_event(&random, &context);
        event.filled = round % 5 == 0;
        const rv_bytes path = event.new_stream ? RV_LITERAL("/a/b") : RV_LITERAL("");
        rv_writer w = rv_writer_over(buffer, sizeof buffer);
        rv_record_write_gone(&w, &context, &event, path);
        RV_CHECK(!w.full);
        for (size_t len = 0; len <= w.len; len += 1) { /* cut at every length */
            rv_record_context reading = begin;
            rv_cursor c = rv_cursor_over(rv_bytes_of(buffer, len));
            rv_record record;
            const bool read = rv_record_read(&c, &reading, &record);
            RV_CHECK(!read || len == w.len);
            if (len < w.len) {
                continue;
            }
            const rv_event *const e = &record.event;
            RV_CHECK(read && record.kind == RV_RECORD_GONE && rv_bytes_equal(record.body, path));
            RV_CHECK(e->sequence == event.sequence && e->position == event.position &&
                     e->stream == event.stream && e->version == event.version &&
                     e->new_stream == event.new_stream && e->declaration == event.declaration &&
                     e->batch_end == event.batch_end && e->filled == event.filled &&
                     e->data.len == 0);
            RV_CHECK(memcmp(&reading, &context, sizeof reading) == 0);
        }
    }
    static const uint8_t wrong[][10] = {
        {5, RV_RECORD_GONE, 0, 0, 5, 0},                        /* version 0 */
        {5, RV_RECORD_GONE, 1, 0, 5, 1},                        /* another event's flag */
        {6, RV_RECORD_GONE, 0, 0, 5, 1, '/'},                   /* a path that nobody named */
        {6, RV_RECORD_GONE, 8, 0, 5, 0, 1},                     /* none where it should be */
        {8, RV_RECORD_GONE, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f} /* no such stream */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i += 1) {
        RV_CHECK(!reads(wrong[i], wrong[i][0] + 1u));
    }
    const uint8_t right[] = {5, RV_RECORD_GONE, 0, 0, 5, 1};
    RV_CHECK(reads(right, sizeof right));
}

/* A time without an id that derives from it makes the writer store the id. */
RV_TEST(an_id_that_does_not_derive_is_stored) {
    rv_record_context context = begin;
    rv_event event = {.sequence = 41, .position = 100, .version = 1, .declaration = RV_NONE};
    event.recorded_at = -5;
    event.written_at = -5;
    event.event_id[3] = 77;
    rv_writer w = rv_writer_over(buffer, sizeof buffer);
    rv_record_write_event(&w, &context, &event);
    context = begin;
    rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
    rv_record record;
    RV_CHECK(rv_record_read(&c, &context, &record));
    RV_CHECK(memcmp(record.event.event_id, event.event_id, 16) == 0);
    RV_CHECK_EQ(record.event.written_at, -5);
}

int main(void) {
    RV_RUN(events_come_back);
    RV_RUN(batches_of_events_come_back);
    RV_RUN(what_does_not_fit_is_not_written);
    RV_RUN(a_record_cut_at_every_length_is_refused);
    RV_RUN(changed_bytes_do_no_harm);
    RV_RUN(forms_that_are_refused);
    RV_RUN(other_records_come_back);
    RV_RUN(events_that_are_gone_come_back);
    RV_RUN(an_id_that_does_not_derive_is_stored);
    return rv_test_done();
}
