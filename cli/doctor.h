/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rivulet doctor`: what its parts share. The log is walked by doctor_log.c, a segment at a time
 * over the whole bytes of its file, by the rules of recovery (docs/format/log.md) but without
 * changing anything, and on behind damage; doctor_events.c decodes what batches hold;
 * doctor_files.c looks at the other files; doctor_print.c tells it all.
 */
#ifndef RV_CLI_DOCTOR_H
#define RV_CLI_DOCTOR_H

#include "cli/cli.h"
#include "core/log/batch.h"
#include "core/log/segment.h"
#include "core/model/schema.h"

#define RV_DOCTOR_NO_OFFSET UINT64_MAX

/* What a finding is, from harmless to bad. */
typedef enum rv_finding_kind {
    RV_FINDING_KEPT,      /* a file that is there on purpose, and may be removed */
    RV_FINDING_LEFTOVER,  /* of work that a crash ended: the next start removes it */
    RV_FINDING_UNKNOWN,   /* a file that is not Rivulet's */
    RV_FINDING_OTHER,     /* a cache of another version or life: passed over */
    RV_FINDING_UNCHECKED, /* could not be looked at */
    RV_FINDING_TORN,      /* a torn tail: the next start cuts it */
    RV_FINDING_NEWER,     /* of a later version of Rivulet */
    RV_FINDING_CACHE,     /* damage in a file that is only a cache */
    RV_FINDING_PANICS, /* a position at which the program stops: the next start goes no further */
    RV_FINDING_DAMAGE, /* damage in the log */
    RV_FINDING_KINDS
} rv_finding_kind;

typedef struct rv_finding {
    rv_file_name file;
    uint64_t offset; /* or RV_DOCTOR_NO_OFFSET */
    rv_finding_kind kind;
    char detail[240];
    const char *advice;
} rv_finding;

/* A segment of the log, as it was met. */
typedef struct rv_doctor_segment {
    rv_file_name name;
    uint32_t generation;
    uint64_t first_sequence; /* as named */
    uint64_t next_sequence;  /* behind its last intact batch; 0: no batch was met */
    uint32_t salt;
    uint64_t first_position; /* of its events; 0: none */
    uint64_t last_position;
    uint64_t bytes;
    uint64_t batches; /* that are intact, behind damage too */
    uint64_t events;
    bool intact;
} rv_doctor_segment;

/* A cache that is whole, and what it says of the log that it belongs to. */
typedef struct rv_doctor_cache {
    rv_file_name name;
    uint8_t log_id[16];
    uint64_t first_sequence; /* of a run; 0: a checkpoint */
    uint64_t next_sequence;
    uint64_t fingerprint; /* of a run */
} rv_doctor_cache;

typedef struct rv_doctor {
    rv_cli *cli;
    const rv_look_ops *look;
    rv_cli_buffer names;    /* of all files, each with a NUL behind it */
    rv_cli_buffer segments; /* of rv_doctor_segment, in order */
    rv_cli_buffer findings; /* of rv_finding */
    rv_cli_buffer content;  /* of the file that is looked at */
    uint32_t kinds[RV_FINDING_KINDS];
    uint64_t files;
    uint64_t runs;
    uint64_t checkpoints;
    bool evidence; /* files that only a log with a durable batch has */
    /* the log, up to the first damage */
    bool has_identity;
    bool broken; /* damage was met: what follows is read, but is not part of what is intact */
    bool sealed;
    rv_log_identity identity;
    uint64_t next_sequence;
    uint64_t watermark;
    uint64_t chain_hash;
    uint32_t last_crc;
    uint64_t offset;      /* behind the last batch, as the next segment's header says it */
    uint64_t number;      /* of the last segment */
    uint64_t promised;    /* first sequence of a segment that was only begun; 0: none */
    rv_cli_buffer caches; /* of rv_doctor_cache */
    rv_log_mark mark;     /* the furthest of the checkpoints */
    bool marked;
    uint64_t torn_bytes;
    uint64_t behind_batches; /* intact ones behind the first damage */
    uint64_t behind_events;
    uint64_t behind_first; /* sequences */
    uint64_t behind_last;
    /* events */
    rv_schema *schema;
    void *schema_memory;
    uint64_t opaque_events; /* that do not decode: a later version's */
    bool schema_lost;       /* it could not be made: events are not decoded */
} rv_doctor;

/* Notes a finding; the format is rv_error_set's, the advice static text. */
#define rv_doctor_find(d, kind, file, offset, advice, ...)                                         \
    do {                                                                                           \
        rv_error found_;                                                                           \
        (void)rv_error_set(&found_, RV_DATA_DAMAGED, __VA_ARGS__);                                 \
        rv_doctor_note((d), (kind), (file), (offset), (advice), &found_);                          \
    } while (0)

void rv_doctor_note(rv_doctor *d, rv_finding_kind kind, const char *file, uint64_t offset,
                    const char *advice, const rv_error *what);

/* Reads a file into `d->content`. False: it could not be, which is noted. */
bool rv_doctor_read(rv_doctor *d, const char *name);

/* True when these bytes are all zero. */
bool rv_doctor_zero(const uint8_t *bytes, uint64_t len);

/* Walks the log; after the other files, whose marks it is judged by. */
void rv_doctor_log(rv_doctor *d);

/* Looks at all files but segments. */
void rv_doctor_files(rv_doctor *d);

/* After the log: which caches belong to another life of it. */
void rv_doctor_caches(rv_doctor *d);

/* Decodes the records of a batch and its events: NULL, or what is wrong. `*newer` when it may be
 * that a later version wrote it. */
const char *rv_doctor_events(rv_doctor *d, const rv_batch_header *header, rv_bytes body,
                             const rv_log_identity *identity, bool *newer);

/* Prints everything, as text or as JSON; the exit code. */
int rv_doctor_print(const rv_doctor *d);

#endif
