/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet doctor`: the report. First the verdict in a sentence, then what is intact, each finding
 * with what can be done, and the segments. */
#include "cli/doctor.h"
#include "cli/table.h"

#include <stdio.h>

static const char *const kind_names[RV_FINDING_KINDS] = {
    [RV_FINDING_KEPT] = "kept",           [RV_FINDING_LEFTOVER] = "leftover",
    [RV_FINDING_UNKNOWN] = "unknown",     [RV_FINDING_OTHER] = "other_version",
    [RV_FINDING_UNCHECKED] = "unchecked", [RV_FINDING_TORN] = "torn_tail",
    [RV_FINDING_NEWER] = "newer",         [RV_FINDING_CACHE] = "damaged_cache",
    [RV_FINDING_PANICS] = "panics",       [RV_FINDING_DAMAGE] = "damage",
};

typedef struct judgement {
    const char *state;
    const char *sentence;
    int code;
} judgement;

/* By the worst that was found. */
static judgement judge(const rv_doctor *d) {
    static const struct {
        rv_finding_kind kind;
        judgement judgement;
    } worst_first[] = {
        {RV_FINDING_DAMAGE,
         {"damaged", "The log is damaged: it can be read up to the damage, and takes no appends.",
          RV_EXIT_DAMAGED}},
        {RV_FINDING_NEWER,
         {"newer", "A later version of Rivulet wrote this: it can be read up to there only.",
          RV_EXIT_ERROR}},
        {RV_FINDING_PANICS,
         {"panicked", "The log is intact, but this version stops at an event of it.",
          RV_EXIT_DAMAGED}},
        {RV_FINDING_CACHE,
         {"damaged_cache",
          "The log is not damaged; damage is only in what a node makes again by itself.",
          RV_EXIT_DAMAGED}},
        {RV_FINDING_UNCHECKED,
         {"unchecked", "Not everything could be looked at; what could be is not damaged.",
          RV_EXIT_ERROR}},
        {RV_FINDING_TORN,
         {"torn_tail", "Intact, with a torn tail that the next start cuts off.", RV_EXIT_OK}},
    };
    RV_ASSERT(d->next_sequence > 0);
    for (size_t i = 0; i < sizeof worst_first / sizeof *worst_first; i++) {
        if (d->kinds[worst_first[i].kind] > 0) {
            return worst_first[i].judgement;
        }
    }
    return (judgement){"intact", d->has_identity ? "Intact." : "Intact: there is no log yet.",
                       RV_EXIT_OK};
}

static const rv_finding *findings_of(const rv_doctor *d, size_t *count) {
    RV_ASSERT(d->findings.len % sizeof(rv_finding) == 0);
    *count = d->findings.len / sizeof(rv_finding);
    return (const rv_finding *)(const void *)d->findings.ptr;
}

static const rv_doctor_segment *segments_of(const rv_doctor *d, size_t *count) {
    RV_ASSERT(d->segments.len % sizeof(rv_doctor_segment) == 0);
    *count = d->segments.len / sizeof(rv_doctor_segment);
    return (const rv_doctor_segment *)(const void *)d->segments.ptr;
}

/* --- for people --- */

static void print_findings(const rv_doctor *d) {
    size_t count = 0;
    const rv_finding *const all = findings_of(d, &count);
    for (unsigned kind = RV_FINDING_KINDS; kind-- > 0;) { /* the worst first */
        for (size_t i = 0; i < count; i++) {
            const rv_finding *const f = &all[i];
            if ((unsigned)f->kind != kind) {
                continue;
            }
            printf("\n%s: %s", kind_names[f->kind], f->file.text);
            if (f->offset != RV_DOCTOR_NO_OFFSET) {
                printf(" at offset %llu", (unsigned long long)f->offset);
            }
            printf("\n  %s\n  what can be done: %s\n", f->detail, f->advice);
        }
    }
    RV_ASSERT(count == 0 || all != NULL);
}

static void add_number(rv_table *table, uint64_t v) {
    uint8_t text[24];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_write_uint(&w, v);
    RV_ASSERT(!w.full);
    rv_table_add_cell(table, rv_writer_bytes(&w));
}

static void print_segments(const rv_doctor *d) {
    static const char *const columns[] = {"segment",       "first_sequence", "first_position",
                                          "last_position", "bytes",          "batches",
                                          "events",        "intact"};
    size_t count = 0;
    rv_table table = {.named = false};
    const rv_doctor_segment *const all = segments_of(d, &count);
    const size_t column_count = sizeof columns / sizeof *columns;
    for (size_t i = 0; i < column_count && count > 0; i++) {
        rv_table_add_column(&table, rv_bytes_of_string(columns[i]), i > 0 && i + 1 < column_count);
    }
    for (size_t i = 0; i < count; i++) {
        const rv_doctor_segment *const s = &all[i];
        rv_table_add_cell(&table, rv_bytes_of_string(s->name.text));
        add_number(&table, s->first_sequence);
        add_number(&table, s->first_position);
        add_number(&table, s->last_position);
        add_number(&table, s->bytes);
        add_number(&table, s->batches);
        add_number(&table, s->events);
        rv_table_add_cell(&table, rv_bytes_of_string(s->intact ? "yes" : "no"));
        rv_table_flush(&table, false);
    }
    if (count > 0) {
        printf("\n");
        rv_table_flush(&table, true);
    }
    rv_table_free(&table);
}

static void print_text(const rv_doctor *d) {
    RV_ASSERT(d->next_sequence > 0);
    printf("%s\n\nintact: up to sequence %llu, position %llu%s\n", judge(d).sentence,
           (unsigned long long)(d->next_sequence - 1), (unsigned long long)d->watermark,
           d->sealed && !d->broken ? "; the log was closed cleanly" : "");
    if (d->behind_batches > 0) {
        printf("behind the damage: %llu batches with %llu events (sequences %llu to %llu) are "
               "readable, but nothing says that they follow\n",
               (unsigned long long)d->behind_batches, (unsigned long long)d->behind_events,
               (unsigned long long)d->behind_first, (unsigned long long)d->behind_last);
    }
    if (d->opaque_events > 0) {
        printf("not understood: %llu events, kept as bytes; a later version wrote them\n",
               (unsigned long long)d->opaque_events);
    }
    printf("files: %llu, of which %llu checkpoints and %llu index runs\n",
           (unsigned long long)d->files, (unsigned long long)d->checkpoints,
           (unsigned long long)d->runs);
    print_findings(d);
    print_segments(d);
}

/* --- for programs --- */

static void json_text(rv_cli_buffer *out, const char *name, const char *text) {
    RV_ASSERT(name != NULL && text != NULL);
    rv_cli_buffer_add_text(out, name);
    rv_cli_buffer_add_json_string(out, rv_bytes_of_string(text));
}

static void json_number(rv_cli_buffer *out, const char *name, uint64_t v) {
    uint8_t text[24];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_write_uint(&w, v);
    RV_ASSERT(!w.full);
    rv_cli_buffer_add_text(out, name);
    rv_cli_buffer_add(out, rv_writer_bytes(&w));
}

static void json_findings(const rv_doctor *d, rv_cli_buffer *out) {
    size_t count = 0;
    const rv_finding *const all = findings_of(d, &count);
    rv_cli_buffer_add_text(out, ",\"findings\":[");
    for (size_t i = 0; i < count; i++) {
        const rv_finding *const f = &all[i];
        json_text(out, i == 0 ? "{\"file\":" : ",{\"file\":", f->file.text);
        if (f->offset == RV_DOCTOR_NO_OFFSET) {
            rv_cli_buffer_add_text(out, ",\"offset\":null");
        } else {
            json_number(out, ",\"offset\":", f->offset);
        }
        json_text(out, ",\"kind\":", kind_names[f->kind]);
        json_text(out, ",\"detail\":", f->detail);
        json_text(out, ",\"advice\":", f->advice);
        rv_cli_buffer_add_text(out, "}");
    }
    rv_cli_buffer_add_text(out, "]");
    RV_ASSERT(out->len > 0);
}

static void json_segments(const rv_doctor *d, rv_cli_buffer *out) {
    size_t count = 0;
    const rv_doctor_segment *const all = segments_of(d, &count);
    rv_cli_buffer_add_text(out, ",\"segments\":[");
    for (size_t i = 0; i < count; i++) {
        const rv_doctor_segment *const s = &all[i];
        json_text(out, i == 0 ? "{\"file\":" : ",{\"file\":", s->name.text);
        json_number(out, ",\"generation\":", s->generation);
        json_number(out, ",\"first_sequence\":", s->first_sequence);
        json_number(out, ",\"first_position\":", s->first_position);
        json_number(out, ",\"last_position\":", s->last_position);
        json_number(out, ",\"bytes\":", s->bytes);
        json_number(out, ",\"batches\":", s->batches);
        json_number(out, ",\"events\":", s->events);
        rv_cli_buffer_add_text(out, s->intact ? ",\"intact\":true}" : ",\"intact\":false}");
    }
    rv_cli_buffer_add_text(out, "]");
    RV_ASSERT(out->len > 0);
}

static void print_json(const rv_doctor *d) {
    rv_cli_buffer out = {0};
    json_text(&out, "{\"verdict\":", judge(d).sentence);
    json_text(&out, ",\"state\":", judge(d).state);
    json_number(&out, ",\"intact\":{\"sequence\":", d->next_sequence - 1);
    json_number(&out, ",\"position\":", d->watermark);
    rv_cli_buffer_add_text(&out,
                           d->sealed && !d->broken ? "},\"sealed\":true" : "},\"sealed\":false");
    json_number(&out, ",\"torn_bytes\":", d->torn_bytes);
    json_number(&out, ",\"behind\":{\"batches\":", d->behind_batches);
    json_number(&out, ",\"events\":", d->behind_events);
    json_number(&out, ",\"first_sequence\":", d->behind_first);
    json_number(&out, ",\"last_sequence\":", d->behind_last);
    json_number(&out, "},\"opaque_events\":", d->opaque_events);
    json_findings(d, &out);
    json_segments(d, &out);
    rv_cli_buffer_add_text(&out, "}\n");
    RV_ASSERT(out.len > 0);
    fwrite(out.ptr, 1, out.len, stdout);
    rv_cli_buffer_free(&out);
}

int rv_doctor_print(const rv_doctor *d) {
    RV_ASSERT(d->cli != NULL);
    if (d->cli->json) {
        print_json(d);
    } else {
        print_text(d);
    }
    return judge(d).code;
}
