/* SPDX-License-Identifier: Apache-2.0 */
/* The loan log for benchmarks: read and split before anything is timed. */
#ifndef RV_TESTS_BENCH_LOANS_H
#define RV_TESTS_BENCH_LOANS_H

#include "core/base/bytes.h"

enum loan_type { LOAN_SUBMITTED, LOAN_STATE, LOAN_OFFER, LOAN_ITEM_OPENED, LOAN_ITEM_PROGRESSED };

typedef struct loan_event {
    rv_bytes path;
    rv_bytes type;
    rv_bytes data; /* JSON */
    enum loan_type kind;
    int64_t application_id;
    int64_t amount_or_resource[2]; /* amount_requested, resource */
    bool has_resource;
    rv_bytes time;
    rv_bytes item_id;
    rv_bytes name;
    rv_bytes state; /* state, offer_state or status */
} loan_event;

typedef struct loans {
    loan_event *events;
    size_t count;
    rv_bytes schema;
} loans;

/* Reads `loans.ndjson.gz` and `loans.schema.sql` from a folder; ends the program when it cannot. */
loans loans_read(const char *folder);

/* Seconds of a monotonic clock. */
double seconds(void);

#endif
