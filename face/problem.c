/* SPDX-License-Identifier: Apache-2.0 */
#include "face/problem.h"

#include "core/base/assert.h"

void rv_problem_write(rv_writer *w, int http, const rv_error *error) {
    RV_ASSERT(w != NULL);
    RV_ASSERT(http >= 400 && http < 600);
    rv_write_text(w, "{\"type\":\"urn:rivulet:problem:");
    rv_write_text(w, rv_status_code(error->status));
    rv_write_text(w, "\",\"title\":");
    rv_write_json_string(w, rv_bytes_of_string(rv_status_text(error->status)));
    rv_write_text(w, ",\"status\":");
    rv_write_uint(w, (uint64_t)http);
    rv_write_text(w, ",");
    rv_error_write_members(error, w);
    rv_write_text(w, "}\n");
}
