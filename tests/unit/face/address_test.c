/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an address finds its stream however its keys are written, and refuses parameters that it
 * does not know.
 * Method: requests in process; streams with keys of each type that a path can have.
 */
#include "tests/unit/face/server.h"

static server keys_server(void) {
    server s = server_create(5);
    const rv_request request = {
        .method = RV_LITERAL("POST"),
        .target = RV_LITERAL("/schema"),
        .content_type = RV_LITERAL("text/plain"),
        .body = RV_LITERAL("CREATE TYPE size AS ENUM ('small', 'large');"
                           "CREATE EVENT_TYPE seen (u uuid, n smallint, d date, c char(3), s size, "
                           "t text, b text);"
                           "CREATE STREAM us (path \"/us/{u}/{n}\", event_types (seen));"
                           "CREATE STREAM ds (path \"/ds/{d}/x/{c}\", event_types (seen));"
                           "CREATE STREAM ts (path \"/ts/{s}/{t}\", event_types (seen));"),
    };
    (void)ask(&s, &request);
    return s;
}

RV_TEST(keys_are_found_however_they_are_written) {
    static const char *const ways[][3] = {
        /* appended to; read from; its path */
        {"/streams/us/6f1c5b0e-3a44-4a0f-9a53-0d6a3f1c2b7e/7",
         "/streams/us/6F1C5B0E-3A44-4A0F-9A53-0D6A3F1C2B7E/007",
         "/us/6f1c5b0e-3a44-4a0f-9a53-0d6a3f1c2b7e/7"},
        {"/streams/us/{6F1C5B0E3A444A0F9A530D6A3F1C2B7E}/+8",
         "/streams/us/6f1c5b0e3a444a0f9a530d6a3f1c2b7e/%208",
         "/us/6f1c5b0e-3a44-4a0f-9a53-0d6a3f1c2b7e/8"},
        {"/streams/ds/2020-02-01/ab", "/streams/ds/20200201/ab%20", "/ds/2020-02-01/x/ab "},
        {"/streams/ts/small/a%2Fb", "/streams/ts/small/%61%2fb", "/ts/small/a%2Fb"},
    };
    server s = keys_server();
    RV_CHECK_EQ(s.head.status, 201);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char path[200];
        snprintf(path, sizeof path, "\"path\":\"%s\"", ways[i][2]);
        RV_CHECK_EQ(post(&s, ways[i][0], "seen", "{\"b\":\"x\"}"), 201);
        RV_CHECK(has(&s, path) && has(&s, "\"version\":1"));
        RV_CHECK_EQ(get(&s, ways[i][1]), 200);
        RV_CHECK(has(&s, path));
        RV_CHECK_EQ(get(&s, ways[i][0]), 200);
        RV_CHECK_EQ(post(&s, ways[i][1], "seen", "{\"b\":\"y\"}"), 201);
        RV_CHECK(has(&s, path) && has(&s, "\"version\":2"));
    }
    RV_CHECK_EQ(get(&s, "/events?path=/us/6F1C5B0E-3A44-4A0F-9A53-0D6A3F1C2B7E/007"), 200);
    RV_CHECK_EQ(times(&s, "\"path\""), 2);
    RV_CHECK_EQ(get(&s, "/events?path=/us/*/007"), 200);
    RV_CHECK_EQ(times(&s, "\"path\""), 2);
    RV_CHECK_EQ(get(&s, "/streams/us/6f1c5b0e-3a44-4a0f-9a53-0d6a3f1c2b7e/9"), 404);
    RV_CHECK(has(&s, "\"code\":\"stream_not_found\""));
    RV_CHECK_EQ(get(&s, "/streams/us/6f1c5b0e-3a44-4a0f-9a53-0d6a3f1c2b7e/99999"), 404);
    RV_CHECK_EQ(get(&s, "/streams/us/x/y"), 404);
    server_free(&s);
}

RV_TEST(a_body_takes_what_an_address_takes) {
    static const char *const ways[][2] = {
        {"/ds/2020-02-01/x/ab", "/ds/2020-02-01/x/ab "}, /* a path; without its slash; by name */
        {"ts/small/a%2Fb", "/ts/small/a%2Fb"},
        {"ds/20200201/ab", "/ds/2020-02-01/x/ab "},
        {"us/6F1C5B0E-3A44-4A0F-9A53-0D6A3F1C2B7E/+8",
         "/us/6f1c5b0e-3a44-4a0f-9a53-0d6a3f1c2b7e/8"},
        {"by_text/a", "/x/a/y"},
        {"x/b/y", "/x/b/y"},
        {"/by_text/x", "/by_text/x"}, /* never a name behind a slash */
    };
    server s = keys_server();
    rv_request request = {
        .method = RV_LITERAL("POST"),
        .target = RV_LITERAL("/schema"),
        .body = RV_LITERAL("CREATE EVENT_TYPE said (t text);"
                           "CREATE STREAM by_text (path \"/x/{t}/y\", event_types (said));"
                           "CREATE STREAM other (path \"/by_text/{t}\", event_types (said));"),
    };
    RV_CHECK_EQ(ask(&s, &request), 201);
    request.target = RV_LITERAL("/events");
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char body[200], path[200], target[200] = "/events?path=";
        size_t len = strlen(target);
        const char *const type = strchr(ways[i][1], 'y') == NULL ? "seen" : "said";
        snprintf(body, sizeof body, "[{\"path\":\"%s\",\"type\":\"%s\"}]", ways[i][0], type);
        snprintf(path, sizeof path, "\"path\":\"%s\"", ways[i][1]);
        for (const char *c = ways[i][0]; *c != '\0'; c++) {
            len += (size_t)snprintf(target + len, sizeof target - len,
                                    *c == '%' || *c == '+' ? "%%%02X" : "%c", *c);
        }
        request.body = rv_bytes_of_string(body);
        RV_CHECK_EQ(ask(&s, &request), 201);
        RV_CHECK(has(&s, path));
        RV_CHECK_EQ(get(&s, target), 200);
        RV_CHECK(has(&s, path));
    }
    static const char *const wrong[][2] = {
        {"us/7", "the stream us has 2 keys, as in /us/{u}/{n}"},
        {"by_text/a/b", "the stream by_text has 1 keys, as in /x/{t}/y"},
        {"by_text/", "\"path_invalid\""},
        {"nothing/7", "no stream's path matches `/nothing/7`"},
        {"nothing", "there is no stream `nothing`"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"path\":\"%s\",\"type\":\"said\"}", wrong[i][0]);
        request.body = rv_bytes_of_string(body);
        RV_CHECK(ask(&s, &request) >= 400);
        RV_CHECK(has(&s, wrong[i][1]));
    }
    server_free(&s);
}

RV_TEST(unknown_parameters_are_refused) {
    static const struct {
        const char *method, *target, *expected;
    } wrong[] = {
        {"GET", "/events?frm=7", "GET /events has no parameter `frm`; did you mean `from`?"},
        {"GET", "/events?from=1&limt=2", "`limt`; did you mean `limit`?"},
        {"GET", "/events?zzz",
         "GET /events has no parameter `zzz`; it has path, from, from_sequence, from_version, "
         "limit, "
         "until, as_of, type, where and numbers\""},
        {"GET", "/streams/accounts/1?path=/x", "GET /streams/… has no parameter `path`"},
        {"GET", "/aggregates/account?limits=1", "did you mean `limit`?"},
        {"GET", "/query?parms=1", "did you mean `params`?"},
        {"POST", "/query?sql=select", "POST /query has no parameter `sql`; it has numbers alone\""},
        {"POST", "/schema?dif=true", "did you mean `diff`?"},
        {"POST", "/events?returns=minimal", "did you mean `return`?"},
        {"GET", "/status?selekt=/a", "did you mean `select`?"},
        {"GET", "/schema?number=text", "did you mean `numbers`?"},
    };
    server s = server_create(5);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const rv_request request = {.method = rv_bytes_of_string(wrong[i].method),
                                    .target = rv_bytes_of_string(wrong[i].target),
                                    .body = RV_LITERAL("x")};
        RV_CHECK_EQ(ask(&s, &request), 400);
        RV_CHECK(has(&s, "\"code\":\"parameter_invalid\"") && has(&s, wrong[i].expected));
    }
    RV_CHECK_EQ(get(&s, "/healthz?x=1"), 200);
    RV_CHECK_EQ(get(&s, "/events?&from=1&&numbers=text&"), 200);
    server_free(&s);
}

int main(void) {
    RV_RUN(keys_are_found_however_they_are_written);
    RV_RUN(a_body_takes_what_an_address_takes);
    RV_RUN(unknown_parameters_are_refused);
    return rv_test_done();
}
