/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: JSON is taken and refused as RFC 8259 says, and where it leaves that open, as
 * tests/vectors/json-syntax.txt says. Method: every text of that file, by the pull parser with and
 * without unescaping, by skipping over it, and as a json value; what is refused stays refused, and
 * says where.
 */
#include "core/model/json.h"
#include "core/model/jsonb.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define TEXT_MAX (1u << 20)

static char line[8192];
static uint8_t text_memory[TEXT_MAX];
static uint8_t scratch_memory[TEXT_MAX];

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes that ~XX, ~{N text} and all else stand for. */
static rv_bytes text_of(const char *from) {
    rv_writer w = rv_writer_over(text_memory, sizeof text_memory);
    while (*from != '\0' && *from != '\n') {
        if (from[0] != '~') {
            rv_write_u8(&w, (uint8_t)*from++);
        } else if (from[1] != '{') {
            rv_write_u8(&w, (uint8_t)(digit_of(from[1]) * 16 + digit_of(from[2])));
            from += 3;
        } else {
            char *text = NULL;
            const unsigned long count = strtoul(from + 2, &text, 10);
            text += 1;
            /* the closing brace is the one before the next ~ or the end, as texts may have braces
             */
            const char *end = text + 1;
            while (*end != '}' || (end[1] == '}' && end == text)) {
                end++;
            }
            for (unsigned long i = 0; i < count; i++) {
                rv_write(&w, rv_bytes_of(text, (size_t)(end - text)));
            }
            from = end + 1;
        }
    }
    RV_ASSERT(!w.full);
    return rv_writer_bytes(&w);
}

/* True when the text is one JSON value. After an error every call fails. */
static bool taken(rv_bytes text, rv_arena *scratch) {
    rv_json json = rv_json_over(text, scratch);
    rv_json_token token = {.kind = RV_JSON_NULL};
    rv_error err = {.status = RV_OK};
    rv_status status = RV_OK;
    for (size_t i = 0; i <= 2 * text.len + 2 && status == RV_OK && token.kind != RV_JSON_END; i++) {
        status = rv_json_next(&json, &token, &err);
    }
    if (status == RV_OK) {
        RV_ASSERT(token.kind == RV_JSON_END);
        return true;
    }
    RV_ASSERT(status == RV_JSON_INVALID && strstr(err.facts, "\"offset\":") != NULL);
    RV_ASSERT(rv_json_next(&json, &token, &err) == RV_JSON_INVALID);
    return false;
}

/* The same by skipping the first value. */
static bool skipped(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    rv_json_token token;
    rv_bytes whole;
    return rv_json_next(&json, &token, NULL) == RV_OK &&
           rv_json_skip(&json, &token, &whole, NULL) == RV_OK &&
           rv_json_next(&json, &token, NULL) == RV_OK && token.kind == RV_JSON_END;
}

RV_TEST(texts_are_taken_and_refused_as_the_file_says) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    RV_CHECK(tests != NULL);
    memcpy(tests, "tests/vectors/json-syntax.txt", sizeof "tests/vectors/json-syntax.txt");
    FILE *const file = fopen(path, "r");
    RV_CHECK(file != NULL);
    int counts[2] = {0, 0};
    int wrong = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *const name = strchr(line, '\t');
        char *const text = name == NULL ? NULL : strchr(name + 1, '\t');
        if (line[0] == '#' || text == NULL) {
            continue;
        }
        const bool expected = line[0] == 'y' || line[0] == 'a';
        const rv_bytes bytes = text_of(text + 1);
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        const bool met = taken(bytes, &scratch);
        if (met != expected || taken(bytes, NULL) != met || skipped(bytes) != met) {
            fprintf(stderr, "%.*s: %s\n", (int)(text - line), line, met ? "taken" : "refused");
            wrong += 1;
        }
        wrong += rv_json_check(bytes) && !met; /* which also knows a lower limit of nesting */
        counts[expected] += 1;
    }
    fclose(file);
    RV_CHECK_EQ(wrong, 0);
    RV_CHECK(counts[0] > 200 && counts[1] > 100);
}

int main(void) {
    RV_RUN(texts_are_taken_and_refused_as_the_file_says);
    return rv_test_done();
}
