/* SPDX-License-Identifier: Apache-2.0 */
/* An event as a caller gives it, to be completed, judged and written. */
#ifndef RIVULET_APPEND_H
#define RIVULET_APPEND_H

#include "rivulet/bytes.h"

#include <stdbool.h>

/* What must be true of the event's stream when the event is judged; else RV_VERSION_CONFLICT. */
typedef enum rv_expected_kind {
    RV_EXPECTED_ANY,
    RV_EXPECTED_NONE,   /* the stream has no event */
    RV_EXPECTED_EXISTS, /* it has one */
    RV_EXPECTED_NUMBER  /* its last event has `expected_version` */
} rv_expected_kind;

/* All zero but for path, type and data is a plain append. */
typedef struct rv_append {
    rv_bytes path; /* concrete, or a stream's bare name where its key is still to be assigned */
    rv_bytes type;
    rv_bytes data;     /* a JSON object */
    rv_bytes metadata; /* a JSON object, or empty */
    rv_expected_kind expected;
    uint64_t expected_version; /* RV_EXPECTED_NUMBER */
    bool has_event_id;    /* `event_id` makes the append idempotent: the same id with the same */
    uint8_t event_id[16]; /* content again answers the first result */
} rv_append;

#endif
