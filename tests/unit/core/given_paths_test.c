/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: however a path is written, an event comes into the stream of its keys' values: a path that
 * is there already is found by its bytes, and must then be the one that the values would have.
 * Method: paths of integer, date and char keys in several spellings, in turns between streams, with
 * the key in the data as well; which of them are one stream is said here, and versions count it.
 */
#include "tests/unit/node_fixture.h"

static const char schema[] =
    "CREATE AGGREGATE tag (id char(4) PRIMARY KEY, n integer);"
    "CREATE AGGREGATE day (id date PRIMARY KEY, n integer);"
    "CREATE EVENT_TYPE tagged (tag creates tag(id), n updates tag(n));"
    "CREATE EVENT_TYPE tag_seen (tag references tag(id), n updates tag(n));"
    "CREATE EVENT_TYPE dawned (day creates day(id), n updates day(n));"
    "CREATE EVENT_TYPE day_seen (day references day(id), n updates day(n));"
    "CREATE STREAM tags (path \"/tags/{tag}\" event_types (tagged, tag_seen));"
    "CREATE STREAM days (path \"/days/{day}/log\" event_types (dawned, day_seen));";

typedef struct given {
    const char *path;
    const char *type;
    const char *data;
    uint64_t version;  /* that it gets in its stream */
    const char *canon; /* the path of that */
} given;

static const given all[] = {
    {"accounts", "account_opened", "{\"name\":\"a\"}", 1, "/accounts/1"},
    {"/accounts/001", "deposited", "{\"amount\":1}", 2, "/accounts/1"},
    {"/days/2024-01-05/log", "dawned", "{\"n\":1}", 1, "/days/2024-01-05/log"},
    {"/accounts/1", "deposited", "{\"amount\":1,\"id\":1}", 3, "/accounts/1"},
    {"/accounts/%31", "deposited", "{\"amount\":1}", 4, "/accounts/1"},
    {"/tags/ab", "tagged", "{\"n\":1}", 1, "/tags/ab  "},
    {"/days/2024-01-05/log", "day_seen", "{\"n\":2,\"day\":\"2024-01-05\"}", 2,
     "/days/2024-01-05/log"},
    {"/days/Jan%205%202024/log", "day_seen", "{\"n\":3}", 3, "/days/2024-01-05/log"},
    {"/tags/ab", "tag_seen", "{\"n\":2}", 2, "/tags/ab  "},
    {"/tags/%61b", "tag_seen", "{\"n\":3}", 3, "/tags/ab  "},
    {"/accounts/1", "deposited", "{\"amount\":1}", 5, "/accounts/1"},
};

RV_TEST(an_event_comes_into_the_stream_of_its_keys) {
    fixture f = fixture_root(7);
    rv_event event;
    rv_status status = RV_PENDING;
    for (int i = 0; i < FIXTURE_POLLS_MAX && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_schema_apply(f.node, rv_bytes_of_string(schema), &event, &f.err);
        fixture_poll(f.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const rv_append append = fixture_event(all[i].path, all[i].type, all[i].data);
        rv_stream_head head;
        RV_CHECK_STATUS(fixture_append_all(f.node, &append, 1, &event, &f.err), RV_OK);
        rv_state_stream(rv_node_state(f.node), event.stream, &head);
        RV_CHECK(event.version == all[i].version);
        RV_CHECK(rv_bytes_are(head.path, all[i].canon));
    }
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1", "deposited", "{\"amount\":1,\"id\":2}"),
                    RV_KEY_MISMATCH);
    RV_CHECK_STATUS(fixture_append(&f, "/rivulet/1", "deposited", "{\"amount\":1}"),
                    RV_UNKNOWN_STREAM);
    RV_CHECK_STATUS(fixture_append(&f, "/accounts/1/2", "deposited", "{\"amount\":1}"),
                    RV_UNKNOWN_STREAM);
    RV_CHECK_STATUS(fixture_append(&f, "/tags/ab", "deposited", "{\"amount\":1}"),
                    RV_EVENT_TYPE_NOT_ADMITTED);
    fixture_free(&f);
}

int main(void) {
    RV_RUN(an_event_comes_into_the_stream_of_its_keys);
    return rv_test_done();
}
