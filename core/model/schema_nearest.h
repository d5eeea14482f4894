/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest of several names to one that does not exist, for "did you mean": the least edit
 * distance (Levenshtein), if that is at most a third of the length. Offered one by one:
 *
 *     rv_nearest nearest = rv_nearest_to(name);
 *     for (…) rv_nearest_offer(&nearest, candidate);
 *     rv_bytes hint = nearest.best;          empty when nothing is near
 */
#ifndef RV_MODEL_SCHEMA_NEAREST_H
#define RV_MODEL_SCHEMA_NEAREST_H

#include "core/base/bytes.h"

typedef struct rv_nearest {
    rv_bytes wanted;
    rv_bytes best; /* borrowed from what was offered */
    size_t distance;
} rv_nearest;

rv_nearest rv_nearest_to(rv_bytes wanted);

/* Takes the candidate if it is nearer than the best so far; the first of equals stays. */
void rv_nearest_offer(rv_nearest *nearest, rv_bytes candidate);

#endif
