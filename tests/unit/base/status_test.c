/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the table of statuses can be relied on by programs: codes are unique, well-formed and found
 * again. Method: every row.
 */
#include "tests/unit/test.h"

RV_TEST(every_status_has_a_code_a_text_and_an_http_status) {
    for (unsigned i = 0; i < RV_STATUS_COUNT; i++) {
        const char *code = rv_status_code((rv_status)i);
        RV_CHECK(code[0] >= 'a' && code[0] <= 'z');
        RV_CHECK(code[strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0');
        const char *text = rv_status_text((rv_status)i);
        RV_CHECK(strlen(text) > 3 && text[0] >= 'A' && text[0] <= 'Z');
        RV_CHECK(text[strlen(text) - 1] != '.');
        const int http = rv_status_http((rv_status)i);
        RV_CHECK(http >= 200 && http < 600);
        const bool success = i == RV_OK || i == RV_PENDING || i == RV_END;
        RV_CHECK_EQ(success, http < 300);
    }
}

RV_TEST(codes_are_unique_and_found_again) {
    for (unsigned i = 0; i < RV_STATUS_COUNT; i++) {
        RV_CHECK_EQ(rv_status_of_code(rv_status_code((rv_status)i)), i);
        for (unsigned j = 0; j < i; j++) {
            RV_CHECK(strcmp(rv_status_code((rv_status)i), rv_status_code((rv_status)j)) != 0);
        }
    }
    RV_CHECK_EQ(RV_OK, 0);
    RV_CHECK_EQ(rv_status_of_code("version_conflict"), RV_VERSION_CONFLICT);
}

RV_TEST(other_codes_are_not_found) {
    static const char *const others[] = {"", "OK", "ok ", "version_conflic", "version_conflict_"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        RV_CHECK_EQ(rv_status_of_code(others[i]), RV_STATUS_COUNT);
    }
}

int main(void) {
    RV_RUN(every_status_has_a_code_a_text_and_an_http_status);
    RV_RUN(codes_are_unique_and_found_again);
    RV_RUN(other_codes_are_not_found);
    return rv_test_done();
}
