/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: "did you mean" offers what a person would, and nothing far-fetched.
 * Method: pairs with known distances; names too long for the table.
 */
#include "core/model/schema_nearest.h"

#include "tests/unit/test.h"

static rv_bytes nearest_of(const char *wanted, const char *a, const char *b) {
    rv_nearest nearest = rv_nearest_to(rv_bytes_of_string(wanted));
    rv_nearest_offer(&nearest, rv_bytes_of_string(a));
    rv_nearest_offer(&nearest, rv_bytes_of_string(b));
    return nearest.best;
}

RV_TEST(the_nearest_is_offered) {
    RV_CHECK_TEXT(nearest_of("acount", "amount", "account"),
                  "amount"); /* equally near: the first */
    RV_CHECK_TEXT(nearest_of("acount", "stream", "account"), "account");
    RV_CHECK_TEXT(nearest_of("Name", "game", "name"), "name");
    RV_CHECK_TEXT(nearest_of("account_id", "id", "acount_id"), "acount_id");
    RV_CHECK_TEXT(nearest_of("ids", "id", "name"), "id");
    RV_CHECK_TEXT(nearest_of("kitten", "sitting", "smitten"), "smitten");
}

RV_TEST(what_is_far_is_not) {
    RV_CHECK_TEXT(nearest_of("id", "xy", "name"), "");
    RV_CHECK_TEXT(nearest_of("balance", "created_at", "plan"), "");
    RV_CHECK_TEXT(nearest_of("", "a", "b"), "");
    static const char lengthy[] =
        "a123456789b123456789c123456789d123456789e123456789f123456789g1234";
    RV_CHECK_TEXT(nearest_of(lengthy, lengthy, "a"), "");
}

int main(void) {
    RV_RUN(the_nearest_is_offered);
    RV_RUN(what_is_far_is_not);
    return rv_test_done();
}
