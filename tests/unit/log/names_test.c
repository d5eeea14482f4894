/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a name is read exactly when it is one that is written: no other spelling passes, and what
 * passes names the same thing again. Method: names of each kind with every character in turn
 * replaced, left out and put in twice; what still parses is written again and compared.
 */
#include "core/log/run.h"
#include "core/log/segment.h"
#include "tests/unit/test.h"

#define KINDS 3u

static const char *const good[KINDS] = {
    "log-00ab-00000000000000ff.seg",
    "cut-0123456789abcdef.bin",
    "idx-0f-0000000000000001-0000000000010001.run",
};

/* Parses as the kind; the name that it stands for. */
static bool parse(unsigned kind, const char *text, rv_file_name *again) {
    uint32_t generation = 0;
    uint64_t number = 0;
    rv_run_span span;
    bool parsed = false;
    if (kind == 0) {
        parsed = rv_segment_name_parse(text, &generation, &number);
    } else if (kind == 1) {
        parsed = rv_cut_name_parse(text, &number) && number > 0;
    } else {
        parsed = rv_run_name_parse(text, &span);
    }
    if (parsed && kind == 0) {
        rv_segment_name(generation, number, again);
    } else if (parsed && kind == 1) {
        rv_cut_name(number, again);
    } else if (parsed) {
        rv_run_name(&span, again);
    }
    return parsed;
}

/* No kind takes it, but for its own, if it is as that kind is written. */
static void check(const char *text, unsigned *taken) {
    for (unsigned kind = 0; kind < KINDS; kind += 1) {
        rv_file_name again;
        if (parse(kind, text, &again)) {
            RV_CHECK_TEXT(rv_bytes_of_string(again.text), text);
            *taken += 1;
        }
    }
}

RV_TEST(every_character_in_turn) {
    static const char others[] = "0198afgz-./GA :`@";
    unsigned taken = 0, tried = 0;
    for (unsigned kind = 0; kind < KINDS; kind += 1) {
        rv_file_name text, again;
        const size_t len = strlen(good[kind]);
        RV_CHECK(parse(kind, good[kind], &again));
        RV_CHECK_TEXT(rv_bytes_of_string(again.text), good[kind]);
        for (size_t at = 0; at < len; at += 1) {
            for (size_t i = 0; i < sizeof others - 1; i += 1) {
                memcpy(text.text, good[kind], len + 1);
                text.text[at] = others[i];
                check(text.text, &taken);
                RV_CHECK_PASSED();
                tried += 1;
            }
            memcpy(text.text, good[kind], at);
            memcpy(text.text + at, good[kind] + at + 1, len - at); /* one is missing */
            check(text.text, &taken);
            memcpy(text.text, good[kind], at + 1);
            memcpy(text.text + at + 1, good[kind] + at, len - at + 1); /* one is there twice */
            check(text.text, &taken);
            RV_CHECK_PASSED();
        }
    }
    RV_CHECK(taken > 100 && taken < tried / 2);
}

RV_TEST(what_is_no_number_of_its_kind) {
    static const char *const bad[] = {
        "log-0000-0000000000000000.seg",                /* sequences begin at 1 */
        "idx-00-0000000000000000-0000000000000005.run", /* here, too */
        "idx-00-0000000000000005-0000000000000005.run", /* empty */
        "idx-00-0000000000000006-0000000000000005.run", /* backwards */
        "idx-00-0000000000000001-ffffffffffffffff.run", /* beyond all sequences */
        "",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i += 1) {
        rv_file_name again;
        for (unsigned kind = 0; kind < KINDS; kind += 1) {
            RV_CHECK(!parse(kind, bad[i], &again));
        }
    }
}

int main(void) {
    RV_RUN(every_character_in_turn);
    RV_RUN(what_is_no_number_of_its_kind);
    return rv_test_done();
}
