/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is not a message as docs/format/wire.md has it is refused with the code that is
 * written down, and no other. Method: the vectors of tests/vectors/wire-malformed.txt (name, code,
 * hex); those of events are columns_test.c's. And two well-formed ones that nobody builds in
 * wire_test.c: a deflated message, and a past that comes with events.
 */
#include "tests/unit/sync/wire_reading.h"
#include "tests/unit/test.h"

#define MALFORMED 166 /* vectors */

RV_TEST(malformed_messages_are_refused_with_their_code) {
    static char line[8192];
    static uint8_t bytes[4096];
    FILE *const file = open_vectors("wire-malformed.txt");
    RV_CHECK(file != NULL);
    int count = 0;
    bool seen[256] = {0};
    while (fgets(line, sizeof line, file) != NULL) {
        char name[64], code[64];
        int hex = 0;
        rv_error err;
        if (line[0] == '#' || sscanf(line, "%63s %63s %n", name, code, &hex) != 2 || hex == 0) {
            continue;
        }
        const rv_bytes message = from_hex(line + hex, bytes, sizeof bytes);
        if (message.len > 0) {
            seen[message.ptr[0]] = true;
        }
        if (strncmp(name, "events-", 7) == 0) { /* columns_test.c has these */
            continue;
        }
        const rv_status status = read_any(message, &err);
        if (strcmp(rv_status_code(status), code) != 0) {
            RV_FAIL_AT_("%s: %s, must be %s", name, rv_status_code(status), code);
        }
        RV_CHECK(err.status == status);
        count += 1;
    }
    fclose(file);
    RV_CHECK_EQ(count, MALFORMED);
    seen[RV_WIRE_CHANGES] = true; /* any bytes are one: base_test.c has what is wrong with items */
    RV_CHECK_EQ(kind_without_vector(seen), RV_WIRE_IGNORED_FIRST);
}

/* A message that the vectors have and nobody here builds. */
static rv_bytes vector_of(const char *name, uint8_t *bytes, size_t cap) {
    static char line[8192];
    FILE *const file = open_vectors("wire.txt");
    rv_bytes found = {NULL, 0};
    while (file != NULL && found.len == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ') {
            found = from_hex(line + strlen(name) + 1, bytes, cap);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

RV_TEST(a_deflated_message_is_what_it_was) {
    static uint8_t bytes[2048], made[2048], space[2048];
    const rv_writer inflated = rv_writer_over(space, sizeof space);
    const rv_bytes message = vector_of("base-deflated", bytes, sizeof bytes);
    const rv_bytes as_is = vector_of("base", made, sizeof made);
    rv_wire_kind kind;
    rv_bytes body;
    RV_CHECK(message.len > 2 && message.ptr[1] == RV_WIRE_FLAG_DEFLATED);
    RV_CHECK_STATUS(rv_wire_open(message, &stored, &inflated, &kind, &body, NULL), RV_OK);
    RV_CHECK_EQ(kind, RV_WIRE_BASE);
    RV_CHECK(rv_bytes_equal(body, rv_bytes_from(as_is, RV_WIRE_HEADER_LEN)));
    /* who did not agree to it */
    RV_CHECK_STATUS(rv_wire_open(message, &no_compression, &inflated, &kind, &body, NULL),
                    RV_PROTOCOL_ERROR);
}

RV_TEST(the_past_comes_with_events) {
    static uint8_t bytes[2048], events[2048];
    const rv_bytes message = vector_of("past-events", bytes, sizeof bytes);
    const rv_bytes as_live = vector_of("events-interleaved", events, sizeof events);
    rv_wire_filled m;
    RV_CHECK(message.len > 4 && as_live.len > 2);
    const rv_bytes body = rv_bytes_from(message, RV_WIRE_HEADER_LEN);
    RV_CHECK_STATUS(rv_wire_read_filled(body, &m, NULL), RV_OK);
    RV_CHECK(!m.over && !m.refused);
    RV_CHECK_EQ(m.to, 17);
    RV_CHECK(rv_bytes_equal(m.events, rv_bytes_from(as_live, RV_WIRE_HEADER_LEN)));
}

int main(void) {
    RV_RUN(malformed_messages_are_refused_with_their_code);
    RV_RUN(a_deflated_message_is_what_it_was);
    RV_RUN(the_past_comes_with_events);
    return rv_test_done();
}
