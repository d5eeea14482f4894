/* SPDX-License-Identifier: Apache-2.0 */
#include "native/problem.h"

#include "core/base/assert.h"

const char *rv_http_reason(int http) {
    static const struct {
        int http;
        const char *text;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {406, "Not Acceptable"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {413, "Content Too Large"},
                   {415, "Unsupported Media Type"},
                   {417, "Expectation Failed"},
                   {422, "Unprocessable Content"},
                   {426, "Upgrade Required"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {505, "HTTP Version Not Supported"},
                   {507, "Insufficient Storage"}};
    RV_ASSERT(http >= 100 && http < 600);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].http == http) {
            return reasons[i].text;
        }
    }
    return "";
}

void rv_problem_response(rv_writer *w, int http, const rv_error *error, rv_bytes extra) {
    uint8_t body_bytes[4096]; /* detail and facts have 400 bytes each, at most 6 times as JSON */
    rv_writer body = rv_writer_over(body_bytes, sizeof body_bytes);
    rv_problem_write(&body, http, error);
    RV_ASSERT(!body.full);
    RV_ASSERT(extra.len == 0 || extra.ptr[extra.len - 1] == '\n');
    rv_write_text(w, "HTTP/1.1 ");
    rv_write_uint(w, (uint64_t)http);
    rv_write_text(w, " ");
    rv_write_text(w, rv_http_reason(http));
    rv_write_text(w, "\r\nContent-Type: application/problem+json\r\nContent-Length: ");
    rv_write_uint(w, body.len);
    rv_write_text(w, "\r\nX-Content-Type-Options: nosniff\r\n");
    rv_write(w, extra);
    rv_write_text(w, "Connection: close\r\n\r\n");
    rv_write(w, rv_writer_bytes(&body));
}
