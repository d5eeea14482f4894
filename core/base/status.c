/* SPDX-License-Identifier: Apache-2.0 */
/* The status table of include/rivulet/status.h, made into look-ups. */
#include "rivulet/status.h"

#include "core/base/assert.h"

#include <string.h>

struct status_row {
    const char *code;
    const char *text;
    int http;
};

#define STATUS_ROW(name, code, http, text) {code, text, http},
static const struct status_row status_rows[RV_STATUS_COUNT] = {RV_STATUS_TABLE(STATUS_ROW)};
#undef STATUS_ROW

const char *rv_status_code(rv_status status) {
    RV_ASSERT((unsigned)status < RV_STATUS_COUNT);
    return status_rows[status].code;
}

const char *rv_status_text(rv_status status) {
    RV_ASSERT((unsigned)status < RV_STATUS_COUNT);
    return status_rows[status].text;
}

int rv_status_http(rv_status status) {
    RV_ASSERT((unsigned)status < RV_STATUS_COUNT);
    return status_rows[status].http;
}

rv_status rv_status_of_code(const char *code) {
    RV_ASSERT(code != NULL);
    for (unsigned i = 0; i < RV_STATUS_COUNT; i++) {
        if (strcmp(status_rows[i].code, code) == 0) {
            return (rv_status)i;
        }
    }
    return RV_STATUS_COUNT;
}
