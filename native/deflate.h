/* SPDX-License-Identifier: Apache-2.0 */
/* Raw deflate by zlib, as the compression service of sync: two streams made once at start-up, reset
 * for each message. For one thread. */
#ifndef RV_NATIVE_DEFLATE_H
#define RV_NATIVE_DEFLATE_H

#include "core/base/error.h"
#include "rivulet/compression.h"

typedef struct rv_deflate rv_deflate;

/* RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_deflate_create(rv_deflate **deflate, rv_error *err);
void rv_deflate_destroy(rv_deflate *deflate); /* NULL is allowed */

rv_compression rv_deflate_interface(rv_deflate *deflate);

#endif
