/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rivulet doctor`: all files but segments. Checkpoints and index runs are caches, which a node
 * makes again by itself; each is read whole and every checksum in it is made again.
 */
#include "cli/doctor.h"
#include "core/base/hash.h"
#include "core/base/panic.h"
#include "core/engine/rewind.h"
#include "core/log/run.h"
#include "core/state/checkpoint.h"

static const char cache[] =
    "it is only a cache: a node passes it over and makes another; it can be removed";
static const char unfinished[] = "nothing to do: it is a cache, and can be removed";

/* --- checkpoints --- */

static void checkpoint_pages(rv_doctor *d, const char *name, const rv_checkpoint_head *head) {
    const uint8_t *const bytes = d->content.ptr;
    const uint64_t front = rv_checkpoint_page_at(head, 1) - RV_CHECKPOINT_HEAD_SIZE;
    RV_ASSERT(front <= d->content.len);
    if (rv_crc32c(0, rv_bytes_of(bytes + RV_CHECKPOINT_HEAD_SIZE, (size_t)front)) !=
        head->front_crc) {
        rv_doctor_find(d, RV_FINDING_CACHE, name, RV_CHECKPOINT_HEAD_SIZE, cache,
                       "a damaged checkpoint: sums and words, %u bytes from there on", front);
        return; /* the sums of pages say nothing */
    }
    for (uint32_t page = 1; page <= head->page_count; page++) {
        const uint64_t at = rv_checkpoint_page_at(head, page);
        const uint64_t sum =
            rv_load_u64(bytes + RV_CHECKPOINT_HEAD_SIZE + (size_t)(page - 1) * sizeof(uint64_t));
        RV_ASSERT(at + RV_PAGE_SIZE <= d->content.len);
        if (rv_hash64(page, rv_bytes_of(bytes + at, RV_PAGE_SIZE)) != sum) {
            rv_doctor_find(d, RV_FINDING_CACHE, name, at, cache, "a damaged checkpoint: page %u",
                           (uint64_t)page);
        }
    }
}

static void cache_note(rv_doctor *d, const char *name, const uint8_t *log_id, uint64_t first,
                       uint64_t next, uint64_t fingerprint) {
    rv_doctor_cache c = {
        .first_sequence = first, .next_sequence = next, .fingerprint = fingerprint};
    RV_ASSERT(strlen(name) <= RV_FILE_NAME_MAX);
    memcpy(c.name.text, name, strlen(name) + 1);
    memcpy(c.log_id, log_id, sizeof c.log_id);
    rv_cli_buffer_add(&d->caches, rv_bytes_of(&c, sizeof c));
}

static void checkpoint_mark(rv_doctor *d, const char *name, const rv_checkpoint_head *head) {
    rv_log_mark mark;
    RV_ASSERT(head->page_count > 0);
    if (!rv_log_mark_decode(head->mark, &mark) || mark.next_sequence != head->last_sequence + 1) {
        rv_doctor_find(d, RV_FINDING_CACHE, name, 24, cache,
                       "a damaged checkpoint: the place in the log that it names");
        return;
    }
    cache_note(d, name, mark.log_id, 0, mark.next_sequence, 0);
    if (!d->marked || mark.next_sequence > d->mark.next_sequence) {
        d->mark = mark;
        d->marked = true;
    }
}

static void checkpoint(rv_doctor *d, const char *name) {
    uint8_t head_bytes[RV_CHECKPOINT_HEAD_SIZE] = {0};
    const size_t have = d->content.len < sizeof head_bytes ? d->content.len : sizeof head_bytes;
    rv_checkpoint_head head;
    if (have > 0) {
        memcpy(head_bytes, d->content.ptr, have);
    }
    d->checkpoints += 1;
    switch (rv_checkpoint_head_decode(head_bytes, &head)) {
    case RV_CHECKPOINT_UNFINISHED:
        rv_doctor_find(d, RV_FINDING_LEFTOVER, name, 0, unfinished,
                       "a checkpoint that was not finished");
        return;
    case RV_CHECKPOINT_FOREIGN:
        rv_doctor_find(d, RV_FINDING_OTHER, name, 8, cache,
                       "a checkpoint of another version of Rivulet; its pages were not looked at");
        return;
    case RV_CHECKPOINT_DAMAGED:
        rv_doctor_find(d, RV_FINDING_CACHE, name, 0, cache, "a damaged checkpoint: its header");
        return;
    default:
        break;
    }
    const uint64_t end = rv_checkpoint_page_at(&head, head.page_count + 1);
    RV_ASSERT(end > RV_CHECKPOINT_HEAD_SIZE);
    if (d->content.len != end) {
        const uint64_t at = d->content.len < end ? d->content.len : end;
        rv_doctor_find(d, RV_FINDING_CACHE, name, at, cache,
                       "a damaged checkpoint: it has %u bytes, and should have %u",
                       (uint64_t)d->content.len, end);
    }
    if (d->content.len >= end) {
        checkpoint_pages(d, name, &head);
    }
    checkpoint_mark(d, name, &head);
}

/* --- index runs --- */

static bool block_good(const uint8_t *block, const rv_run_footer *footer, uint32_t number) {
    RV_ASSERT(block != NULL);
    if (block[8] >= RV_RUN_SECTIONS || block[9] > RV_RUN_DEPTH_MAX) {
        return false;
    }
    const rv_run_expected expected = {footer->fingerprint, number, (rv_run_section)block[8],
                                      block[9]};
    if (!rv_run_block_good(block, &expected)) {
        return false;
    }
    const size_t end = RV_RUN_BLOCK_HEAD + rv_load_u16(block + 10);
    rv_run_reading r = rv_run_read_begin(block, footer->first_sequence);
    while (rv_run_read(&r)) {
        RV_ASSERT(!r.bad);
    }
    return !r.bad && rv_doctor_zero(block + end, RV_RUN_BLOCK_SIZE - end);
}

/* True when the file ends in a block, or in nothing: its footer was never written. */
static bool run_unfinished(const rv_doctor *d) {
    const size_t len = d->content.len;
    if (len < RV_RUN_BLOCK_SIZE || len % RV_RUN_BLOCK_SIZE != 0) {
        return len < RV_RUN_BLOCK_SIZE;
    }
    const uint8_t *const last = d->content.ptr + len - RV_RUN_BLOCK_SIZE;
    RV_ASSERT(last >= d->content.ptr);
    return rv_doctor_zero(last, RV_RUN_BLOCK_SIZE) ||
           (rv_load_u32(last + 4) == len / RV_RUN_BLOCK_SIZE - 1 && last[8] < RV_RUN_SECTIONS);
}

static void run(rv_doctor *d, const char *name, const rv_run_span *span) {
    rv_run_footer footer;
    const size_t len = d->content.len;
    const size_t at = len < RV_RUN_BLOCK_SIZE ? 0 : len - RV_RUN_BLOCK_SIZE;
    const bool whole = len >= RV_RUN_BLOCK_SIZE && len % RV_RUN_BLOCK_SIZE == 0;
    const rv_status status =
        whole ? rv_run_footer_decode(d->content.ptr + at, &footer) : RV_DATA_DAMAGED;
    d->runs += 1;
    if (status == RV_DATA_NEWER) {
        rv_doctor_find(d, RV_FINDING_OTHER, name, at, cache, "an index run of a later version");
        return;
    }
    if (status != RV_OK) {
        const bool begun = run_unfinished(d);
        rv_doctor_find(d, begun ? RV_FINDING_LEFTOVER : RV_FINDING_CACHE, name, at,
                       begun ? unfinished : cache,
                       begun ? "an index run that was not finished"
                             : "a damaged index run: its footer, or where that should be");
        return;
    }
    if (footer.first_sequence != span->first || footer.next_sequence != span->next ||
        footer.level != span->level || (uint64_t)footer.block_count * RV_RUN_BLOCK_SIZE != at) {
        rv_doctor_find(d, RV_FINDING_CACHE, name, at, cache,
                       "a damaged index run: its footer says something else than its name or size");
        return;
    }
    cache_note(d, name, footer.log_id, footer.first_sequence, footer.next_sequence,
               footer.fingerprint);
    for (uint32_t i = 0; i < footer.block_count; i++) {
        const size_t block = (size_t)i * RV_RUN_BLOCK_SIZE;
        RV_ASSERT(block + RV_RUN_BLOCK_SIZE <= at);
        if (!block_good(d->content.ptr + block, &footer, i)) {
            rv_doctor_find(d, RV_FINDING_CACHE, name, block, cache, "a damaged index run: block %u",
                           (uint64_t)i);
        }
    }
}

/* --- panics --- */

static void panics(rv_doctor *d, const char *name) {
    static const char advice[] = "open the directory with another version of Rivulet, or remove "
                                 "the file to try once more";
    rv_panic records[64];
    size_t count = 0;
    const size_t whole = d->content.len - d->content.len % RV_PANIC_SIZE;
    const size_t from = whole > sizeof records / sizeof *records * RV_PANIC_SIZE
                            ? whole - sizeof records / sizeof *records * RV_PANIC_SIZE
                            : 0;
    for (size_t at = from; at < whole; at += RV_PANIC_SIZE) {
        if (rv_panic_decode(d->content.ptr + at, &records[count])) {
            count += 1;
        } else {
            rv_doctor_find(d, RV_FINDING_CACHE, name, at,
                           "nothing to do: it is passed over; the file can be removed",
                           "a damaged record of a panic");
        }
    }
    RV_ASSERT(count <= sizeof records / sizeof *records);
    rv_doctor_find(d, RV_FINDING_KEPT, name, RV_DOCTOR_NO_OFFSET, "it can be removed",
                   "the program stopped here before: %u records", (uint64_t)count);
    for (size_t i = 0; i < count; i++) {
        uint32_t met = 0;
        for (size_t k = 0; k <= i; k++) {
            met += records[k].position == records[i].position;
        }
        if (records[i].position > 0 && met == RV_PANICS_MAX) {
            rv_doctor_find(d, RV_FINDING_PANICS, name, i * RV_PANIC_SIZE, advice,
                           "the program stopped %u times at position %u, and does not go there "
                           "again",
                           (uint64_t)RV_PANICS_MAX, records[i].position);
        }
    }
}

/* --- all --- */

static void look_at(rv_doctor *d, const char *name) {
    uint32_t generation = 0;
    uint64_t number = 0;
    rv_run_span span;
    RV_ASSERT(name[0] != '\0');
    if (rv_segment_name_parse(name, &generation, &number)) {
        return;
    }
    if (strlen(name) > RV_FILE_NAME_MAX) {
        rv_doctor_find(d, RV_FINDING_UNKNOWN, "", RV_DOCTOR_NO_OFFSET,
                       "Rivulet does not touch it; move it elsewhere",
                       "a file that is not Rivulet's: %s", name);
    } else if (rv_cut_name_parse(name, &number)) {
        d->evidence = true;
        if (rv_doctor_read(d, name)) {
            rv_doctor_find(d, RV_FINDING_KEPT, name, RV_DOCTOR_NO_OFFSET,
                           "it can be removed when nobody wants to look into it",
                           "what an earlier start cut off a torn tail, %u bytes",
                           (uint64_t)d->content.len);
        }
    } else if (rv_run_name_parse(name, &span)) {
        d->evidence = true;
        if (rv_doctor_read(d, name)) {
            run(d, name, &span);
        }
    } else if (strlen(name) == 24 && memcmp(name, "ckp-", 4) == 0 &&
               rv_name_get_hex(name + 4, 16, &number) != NULL && strcmp(name + 20, ".bin") == 0) {
        d->evidence = true;
        if (rv_doctor_read(d, name)) {
            checkpoint(d, name);
        }
    } else if (strcmp(name, RV_PANICS_FILE) == 0) {
        if (rv_doctor_read(d, name)) {
            panics(d, name);
        }
    } else if (strcmp(name, RV_REWIND_FILE) == 0) {
        rv_doctor_find(d, RV_FINDING_LEFTOVER, name, RV_DOCTOR_NO_OFFSET,
                       "do not remove it: the next start goes on with it; what is said of the log "
                       "may be due to it",
                       "this edge is going back to what it has in common with its root");
    } else {
        rv_doctor_find(d, RV_FINDING_UNKNOWN, name, RV_DOCTOR_NO_OFFSET,
                       "Rivulet does not touch it; move it elsewhere",
                       "a file that is not Rivulet's");
    }
}

/* What a run of this interval says which segments it was made from. */
static uint64_t fingerprint_of(const rv_doctor *d, const rv_doctor_cache *c) {
    const rv_doctor_segment *const all = (const rv_doctor_segment *)(const void *)d->segments.ptr;
    uint64_t fingerprint = rv_hash64(0, rv_bytes_of(d->identity.log_id, 16));
    for (size_t i = 0; i < d->segments.len / sizeof *all; i++) {
        const rv_doctor_segment *const s = &all[i];
        if (s->first_sequence < c->next_sequence && s->next_sequence > c->first_sequence) {
            uint8_t bytes[16];
            rv_store_u64(bytes, s->first_sequence);
            rv_store_u32(bytes + 8, s->salt);
            rv_store_u32(bytes + 12, s->generation);
            fingerprint = rv_hash64(fingerprint, rv_bytes_of(bytes, s->generation > 0 ? 16 : 12));
        }
    }
    RV_ASSERT(c->first_sequence > 0);
    return fingerprint;
}

void rv_doctor_caches(rv_doctor *d) {
    const rv_doctor_cache *const all = (const rv_doctor_cache *)(const void *)d->caches.ptr;
    RV_ASSERT(d->caches.len % sizeof *all == 0);
    if (d->broken || !d->has_identity) {
        return; /* then it is not known what they belong to */
    }
    for (size_t i = 0; i < d->caches.len / sizeof *all; i++) {
        const rv_doctor_cache *const c = &all[i];
        const bool is_run = c->first_sequence > 0;
        if (memcmp(c->log_id, d->identity.log_id, sizeof c->log_id) != 0 ||
            c->next_sequence > d->next_sequence ||
            (is_run && c->fingerprint != fingerprint_of(d, c))) {
            rv_doctor_find(d, RV_FINDING_OTHER, c->name.text, RV_DOCTOR_NO_OFFSET, cache,
                           "%s of another log, or another life of this one",
                           is_run ? "an index run" : "a checkpoint");
        }
    }
    RV_ASSERT(all != NULL || d->caches.len == 0);
}

void rv_doctor_files(rv_doctor *d) {
    for (size_t at = 0; at < d->names.len;) {
        const char *const name = (const char *)d->names.ptr + at;
        look_at(d, name);
        at += strlen(name) + 1;
        d->files += 1;
    }
    RV_ASSERT(d->files <= d->names.len);
}
