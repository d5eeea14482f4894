/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rivulet doctor`: the log. Segments are walked in order, batch by batch, and judged as recovery
 * judges them (core/log/recover.c, cut.c; docs/format/log.md has the argument). Where recovery ends
 * at damage this goes on: behind a bad place the next intact batch is looked for at every multiple
 * of 8 by its salted checksum, and a later segment is read from its own header.
 */
#include "cli/doctor.h"

#include <stdlib.h>

/* Bytes that are checksummed in the search behind a bad place, for each of the file, and some. */
#define SEARCH_PER_BYTE 8u
#define SEARCH_MIN      (UINT64_C(16) << 20)

static const char restore[] =
    "what is before it can be read (read, query, status); to go on, restore the directory from a "
    "backup, or on an edge fill a new directory from the upstream";
static const char upgrade[] = "open it with the version of Rivulet that wrote it, or a later one";
static const char nothing[] = "nothing to do: the next start removes it";

/* The bytes of one segment, as they are walked. */
typedef struct walk {
    rv_doctor_segment *segment;
    rv_segment_header header;
    const uint8_t *bytes;
    uint64_t size;
    uint64_t at;
    bool last;
    bool overruns; /* the batch at `at` goes beyond the file */
    uint32_t crc;
    uint64_t next;
    uint64_t watermark;
} walk;

/* The first damage ends what is intact. */
static void damage(rv_doctor *d, const walk *w, uint64_t offset, const char *what) {
    RV_ASSERT(d->next_sequence > 0);
    rv_doctor_find(d, RV_FINDING_DAMAGE, w->segment->name.text, offset, restore,
                   d->broken ? "%s" : "%s; intact up to sequence %u, position %u", what,
                   d->next_sequence - 1, d->watermark);
    w->segment->intact = false;
    d->broken = true;
}

/* --- batches --- */

/* A batch whose bytes are all there and whose checksum holds. */
static bool batch_at(const walk *w, uint64_t at, rv_batch_header *header) {
    RV_ASSERT(at % RV_BATCH_ALIGN == 0);
    if (w->size < at || w->size - at < RV_BATCH_HEADER_SIZE ||
        !rv_batch_decode(w->bytes + at, header)) {
        return false;
    }
    return rv_batch_size(header->len) <= w->size - at &&
           rv_batch_intact(w->bytes + at, header, w->header.salt);
}

static void count_batch(rv_doctor *d, walk *w, const rv_batch_header *header) {
    rv_doctor_segment *const s = w->segment;
    s->batches += 1;
    s->events += header->event_count;
    if (header->event_count > 0) {
        s->first_position = s->first_position == 0 ? header->first_position : s->first_position;
        s->last_position = header->watermark;
    }
    if (d->broken) {
        d->behind_batches += 1;
        d->behind_events += header->event_count;
        if (header->event_count > 0) {
            d->behind_first = d->behind_first == 0 ? header->first_sequence : d->behind_first;
            d->behind_last = header->first_sequence + header->event_count - 1;
        }
    }
    RV_ASSERT(s->batches > 0);
}

/* What an intact batch holds. */
static void look_inside(rv_doctor *d, walk *w, const rv_batch_header *header) {
    bool newer = false;
    const rv_bytes body = rv_bytes_of(w->bytes + w->at + RV_BATCH_HEADER_SIZE, header->len);
    const char *const wrong = rv_doctor_events(d, header, body, &w->header.identity, &newer);
    RV_ASSERT(wrong != NULL || !newer);
    if (newer) {
        rv_doctor_find(d, RV_FINDING_NEWER, w->segment->name.text, w->at, upgrade, "%s", wrong);
        d->broken = true;
    } else if (wrong != NULL) {
        damage(d, w, w->at, wrong);
    }
}

static void take_batch(rv_doctor *d, walk *w, const rv_batch_header *header) {
    const bool contradicts = header->watermark < w->watermark ||
                             header->watermark > RV_POSITION_MAX || header->durable > w->at ||
                             header->first_sequence + header->event_count < header->first_sequence;
    if (contradicts) {
        damage(d, w, w->at, "a batch that contradicts the log");
    } else if (header->kind == RV_BATCH_RECORDS) {
        look_inside(d, w, header);
    }
    count_batch(d, w, header);
    w->at += rv_batch_size(header->len);
    w->crc = header->crc;
    w->next = contradicts ? header->first_sequence : header->first_sequence + header->event_count;
    w->watermark = header->watermark;
    w->segment->next_sequence = w->next;
    if (!d->broken) {
        d->next_sequence = w->next;
        d->watermark = header->watermark;
        d->chain_hash = header->chain_hash;
        d->last_crc = header->crc;
        d->sealed = header->kind == RV_BATCH_SEAL;
    }
    RV_ASSERT(w->at % RV_BATCH_ALIGN == 0);
}

/* Takes batches as long as each follows the one before. */
static void take_batches(rv_doctor *d, walk *w) {
    rv_batch_header header;
    w->overruns = false;
    while (w->size >= w->at && w->size - w->at >= RV_BATCH_HEADER_SIZE &&
           rv_batch_decode(w->bytes + w->at, &header) &&
           rv_batch_follows(&header, w->header.salt, w->crc, w->next)) {
        w->overruns = rv_batch_size(header.len) > w->size - w->at;
        if (!batch_at(w, w->at, &header)) {
            break;
        }
        take_batch(d, w, &header);
    }
    RV_ASSERT(w->at >= RV_SEGMENT_HEADER_SIZE);
}

/* The next intact batch behind `from`; the file's size when there is none, or after too much work.
 * With `claim` only one that says that more than the bad place is durable. */
static uint64_t search(const walk *w, uint64_t from, bool claim) {
    uint64_t work = 0;
    rv_batch_header header;
    for (uint64_t at = from; at < w->size && w->size - at >= RV_BATCH_HEADER_SIZE;
         at += RV_BATCH_ALIGN) {
        const uint8_t kind = w->bytes[at + 12];
        if ((kind != RV_BATCH_RECORDS && kind != RV_BATCH_SEAL) ||
            !rv_batch_decode(w->bytes + at, &header) || header.durable > at ||
            header.first_sequence < w->next || (claim && header.durable <= w->at) ||
            rv_batch_size(header.len) > w->size - at) {
            continue;
        }
        work += rv_batch_size(header.len);
        if (batch_at(w, at, &header)) {
            return at;
        }
        if (work > SEARCH_PER_BYTE * w->size + SEARCH_MIN) {
            return claim ? at : w->size; /* when too much is to be checked it counts as damage */
        }
    }
    return w->size;
}

/* Goes on behind a bad place, as far as there is anything that can be read. */
static void take_rest(rv_doctor *d, walk *w) {
    RV_ASSERT(d->broken);
    for (uint64_t at = w->at; at < w->size;) {
        at = search(w, at + RV_BATCH_ALIGN, false);
        rv_batch_header header;
        if (at >= w->size || !batch_at(w, at, &header)) {
            return;
        }
        w->at = at;
        take_batch(d, w, &header);
        take_batches(d, w);
        at = w->at - RV_BATCH_ALIGN;
        if (rv_doctor_zero(w->bytes + w->at, w->size - w->at)) {
            return;
        }
    }
}

/* --- where a segment ends --- */

/* Behind the last word that is not zero. */
static uint64_t tail_end(const walk *w) {
    uint64_t end = w->size;
    while (end > w->at && w->bytes[end - 1] == 0) {
        end -= 1;
    }
    RV_ASSERT(w->at % RV_BATCH_ALIGN == 0 && end >= w->at);
    const uint64_t rest = end % RV_BATCH_ALIGN;
    const uint64_t word = rest == 0 ? end : end + (RV_BATCH_ALIGN - rest);
    return word < w->size ? word : w->size;
}

static bool mark_missing(const rv_doctor *d, const walk *w) {
    const rv_log_mark *const m = &d->mark;
    if (!d->marked || memcmp(m->log_id, d->identity.log_id, sizeof m->log_id) != 0 ||
        m->epoch != d->identity.epoch) {
        return false;
    }
    const uint64_t first = w->segment->first_sequence;
    RV_ASSERT(first > 0);
    return d->next_sequence < m->next_sequence ||
           (first == m->segment_first && w->at < m->offset) || first < m->segment_first;
}

/* The log's end, as core/log/cut.c judges it. */
static const char *judge_end(const rv_doctor *d, const walk *w) {
    const uint64_t left = w->size - w->at;
    const uint64_t end = tail_end(w);
    if (d->promised > d->next_sequence || mark_missing(d, w)) {
        return "batches are missing";
    }
    if (left == 0 && d->sealed) {
        return NULL;
    }
    if (left < 2 * RV_BATCH_HEADER_SIZE || w->overruns) {
        return left == RV_BATCH_HEADER_SIZE ? "a damaged seal" : "the file was cut short";
    }
    const bool promised = d->promised == d->next_sequence && !d->identity.root;
    const bool claimed = end > w->at && search(w, w->at, true) < w->size;
    RV_ASSERT(end <= w->size);
    return end > w->at && (claimed || promised) ? "a damaged batch" : NULL;
}

static void end_of_log(rv_doctor *d, walk *w) {
    const char *const wrong = judge_end(d, w);
    if (wrong != NULL) {
        damage(d, w, w->at, wrong);
        take_rest(d, w);
        return;
    }
    const uint64_t end = tail_end(w);
    if (end > w->at) {
        d->torn_bytes = end - w->at;
        d->sealed = false;
        rv_doctor_find(d, RV_FINDING_TORN, w->segment->name.text, w->at,
                       "nothing to do: the next start keeps these bytes in a file cut-….bin, cuts "
                       "them off, and goes on",
                       "a torn tail of %u bytes, of a write that was not acknowledged (or of a "
                       "damaged last write, which looks the same)",
                       d->torn_bytes);
    }
    RV_ASSERT(w->at >= RV_SEGMENT_HEADER_SIZE);
}

/* The end of a segment behind damage, or in which it lies: it is not known what should be there. */
static void end_behind_damage(rv_doctor *d, walk *w) {
    RV_ASSERT(d->broken);
    if (rv_doctor_zero(w->bytes + w->at, w->size - w->at)) {
        return;
    }
    if (w->last && !w->overruns && search(w, w->at, true) == w->size) {
        rv_doctor_find(d, RV_FINDING_TORN, w->segment->name.text, w->at,
                       "it is kept as it is, because the log before it is damaged",
                       "a torn tail of %u bytes", tail_end(w) - w->at);
        return;
    }
    damage(d, w, w->at, "a damaged batch");
    take_rest(d, w);
}

/* The end of a segment that another follows. */
static void end_of_segment(rv_doctor *d, walk *w) {
    const uint64_t left = w->size - w->at;
    const uint64_t look = left < RV_BATCH_HEADER_SIZE ? left : RV_BATCH_HEADER_SIZE;
    if (!rv_doctor_zero(w->bytes + w->at, look)) {
        damage(d, w, w->at, "a damaged batch");
        take_rest(d, w);
        return;
    }
    d->offset = w->at;
    if (!rv_doctor_zero(w->bytes + w->at, left)) {
        rv_doctor_find(d, RV_FINDING_CACHE, w->segment->name.text, w->at + look,
                       "nothing to do: nothing of the log lies there",
                       "bytes that are not zero in the space behind the last batch");
    }
    RV_ASSERT(w->at >= RV_SEGMENT_HEADER_SIZE); /* d->offset is what the file says */
}

/* --- a segment --- */

static bool header_is_own(const rv_doctor *d, const walk *w) {
    const rv_log_identity *const a = &d->identity;
    const rv_log_identity *const b = &w->header.identity;
    RV_ASSERT(w->segment != NULL);
    if (w->header.generation != w->segment->generation ||
        w->header.first_sequence != w->segment->first_sequence) {
        return false;
    }
    return !d->has_identity ||
           (memcmp(a->log_id, b->log_id, sizeof a->log_id) == 0 &&
            memcmp(a->node_id, b->node_id, sizeof a->node_id) == 0 && b->epoch >= a->epoch &&
            b->root == a->root && b->root_tag == a->root_tag);
}

static bool ends_at(const rv_segment_header *h, uint64_t offset, uint32_t crc) {
    return h->previous_crc == crc && (h->previous_end == 0 || h->previous_end == offset);
}

/* The header against the segment before, or against generation 0 of that. */
static bool header_follows(const rv_doctor *d, const rv_segment_header *h, const walk *before) {
    RV_ASSERT(d->next_sequence > 0 && h->first_sequence > 0);
    const bool rewritten = before->segment != NULL && before->header.generation > 0 &&
                           before->at == before->header.end;
    const bool behind =
        ends_at(h, d->number > 0 ? d->offset : h->previous_end, d->last_crc) ||
        (rewritten && ends_at(h, before->header.origin_end, before->header.origin_crc));
    return behind && h->first_sequence == d->next_sequence && h->watermark == d->watermark &&
           h->chain_hash == d->chain_hash;
}

/* Its header; false: nothing of the segment can be checked. */
static bool begin_segment(rv_doctor *d, walk *w, const walk *before) {
    const rv_status status = w->size < RV_SEGMENT_HEADER_SIZE
                                 ? RV_DATA_DAMAGED
                                 : rv_segment_decode(w->bytes, &w->header);
    if (status == RV_DATA_NEWER) {
        rv_doctor_find(d, RV_FINDING_NEWER, w->segment->name.text, 8, upgrade,
                       "a segment of a later version");
        w->segment->intact = false;
        d->broken = true;
        return false;
    }
    if (status != RV_OK || !header_is_own(d, w)) {
        damage(d, w, 0, "a damaged segment header: without it no batch behind can be checked");
        return false;
    }
    if (w->header.number != d->number + 1) {
        damage(d, w, 0, "the segments before are missing");
    } else if (!d->broken && !header_follows(d, &w->header, before)) {
        damage(d, before->segment == NULL ? w : before, before->segment == NULL ? 0 : before->at,
               "batches are missing");
    }
    d->identity = w->header.identity;
    d->has_identity = true;
    w->segment->salt = w->header.salt;
    w->next = w->header.first_sequence;
    w->watermark = w->header.watermark;
    w->at = RV_SEGMENT_HEADER_SIZE;
    w->crc = w->header.generation > 0 ? w->header.origin_header_crc
                                      : rv_load_u32(w->bytes + RV_SEGMENT_HEADER_SIZE - 4);
    d->last_crc = d->broken ? d->last_crc : w->crc;
    d->sealed = d->sealed && d->broken;
    RV_ASSERT(w->next > 0);
    return true;
}

static void walk_segment(rv_doctor *d, walk *w, const walk *before) {
    const bool read = rv_doctor_read(d, w->segment->name.text);
    RV_ASSERT(w->segment->batches == 0);
    w->bytes = d->content.ptr;
    w->size = d->content.len;
    w->segment->bytes = w->size;
    w->segment->intact = true;
    if (!read) {
        damage(d, w, RV_DOCTOR_NO_OFFSET, "the segment cannot be read");
    } else if (begin_segment(d, w, before)) {
        take_batches(d, w);
        if (d->broken) {
            end_behind_damage(d, w);
        } else if (w->last) {
            end_of_log(d, w);
        } else {
            end_of_segment(d, w);
        }
        d->number = w->header.number;
        return;
    }
    d->number += 1;
}

/* --- which there are --- */

static rv_doctor_segment *segments_of(const rv_doctor *d, size_t *count) {
    RV_ASSERT(d->segments.len % sizeof(rv_doctor_segment) == 0);
    *count = d->segments.len / sizeof(rv_doctor_segment);
    return (rv_doctor_segment *)(void *)d->segments.ptr;
}

/* In order of first sequences, the highest generation first. */
static int compare(const void *a, const void *b) {
    const rv_doctor_segment *const x = a;
    const rv_doctor_segment *const y = b;
    RV_ASSERT(x != NULL && y != NULL);
    if (x->first_sequence != y->first_sequence) {
        return x->first_sequence < y->first_sequence ? -1 : 1;
    }
    return (x->generation < y->generation) - (x->generation > y->generation);
}

static void segments_find(rv_doctor *d) {
    for (size_t at = 0; at < d->names.len;) {
        const char *const name = (const char *)d->names.ptr + at;
        rv_doctor_segment s = {.intact = true};
        if (rv_segment_name_parse(name, &s.generation, &s.first_sequence)) {
            memcpy(s.name.text, name, strlen(name) + 1);
            rv_cli_buffer_add(&d->segments, rv_bytes_of((const uint8_t *)&s, sizeof s));
        }
        at += strlen(name) + 1;
    }
    size_t count = 0;
    rv_doctor_segment *const all = segments_of(d, &count);
    if (count > 1) {
        qsort(all, count, sizeof *all, compare);
    }
    RV_ASSERT(count <= d->names.len);
}

static bool header_good(rv_doctor *d, const rv_doctor_segment *s) {
    rv_segment_header header;
    RV_ASSERT(s->first_sequence > 0);
    return rv_doctor_read(d, s->name.text) && d->content.len >= RV_SEGMENT_HEADER_SIZE &&
           rv_segment_decode(d->content.ptr, &header) == RV_OK &&
           header.generation == s->generation;
}

/* Of the generations of a segment the highest whole one is the segment; the others are left over.
 */
static void generations_choose(rv_doctor *d) {
    size_t count = 0;
    rv_doctor_segment *const all = segments_of(d, &count);
    size_t kept = 0;
    for (size_t first = 0; first < count;) {
        size_t end = first + 1;
        while (end < count && all[end].first_sequence == all[first].first_sequence) {
            end += 1;
        }
        size_t chosen = first;
        while (chosen + 1 < end && !header_good(d, &all[chosen])) {
            chosen += 1;
        }
        for (size_t i = first; i < end; i++) {
            if (i != chosen) {
                rv_doctor_find(d, RV_FINDING_LEFTOVER, all[i].name.text, RV_DOCTOR_NO_OFFSET,
                               nothing, "another generation of the segment %s",
                               all[chosen].name.text);
            }
        }
        all[kept++] = all[chosen];
        first = end;
    }
    RV_ASSERT(kept <= count);
    d->segments.len = kept * sizeof *all;
}

/* Drops the last segment when a crash came while it was made. */
static void begun_drop(rv_doctor *d) {
    size_t count = 0;
    const rv_doctor_segment *const all = segments_of(d, &count);
    if (count == 0 || !rv_doctor_read(d, all[count - 1].name.text)) {
        return;
    }
    const uint64_t size = d->content.len;
    const bool whole = size >= RV_SEGMENT_HEADER_SIZE;
    rv_segment_header header;
    if ((whole && rv_segment_decode(d->content.ptr, &header) != RV_DATA_DAMAGED) ||
        (!whole && size > 0) ||
        (whole &&
         !rv_doctor_zero(d->content.ptr + RV_SEGMENT_HEADER_SIZE, size - RV_SEGMENT_HEADER_SIZE))) {
        return;
    }
    d->promised = all[count - 1].first_sequence;
    if (count == 1 && d->promised != 1) {
        return; /* the walk says that segments are missing */
    }
    rv_doctor_find(d, RV_FINDING_LEFTOVER, all[count - 1].name.text, 0, nothing,
                   "a segment that was only begun");
    d->segments.len -= sizeof *all;
    RV_ASSERT(d->promised > 0);
}

void rv_doctor_log(rv_doctor *d) {
    segments_find(d);
    generations_choose(d);
    begun_drop(d);
    size_t count = 0;
    rv_doctor_segment *const all = segments_of(d, &count);
    walk before = {.at = 0};
    for (size_t i = 0; i < count; i++) {
        walk w = {.segment = &all[i], .last = i + 1 == count};
        walk_segment(d, &w, &before);
        before = w;
    }
    if (count == 0 && d->evidence) {
        rv_file_name name;
        rv_segment_name(0, 1, &name);
        rv_doctor_find(d, RV_FINDING_DAMAGE, name.text, 0, restore,
                       "the segments of the log are missing: other files say that there were some");
        d->broken = true;
    }
    RV_ASSERT(d->next_sequence > 0);
}
