/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: who follows a query by differences has, after each, the result that would be given now, in
 * its order; they are told only where they are shorter, and where the last result is not kept,
 * whole results are. Method: the frames are applied here by a reader of its own (it reads JSON, and
 * moves lines), over random steps, and compared with the same query asked afresh; small frames byte
 * by byte; more rows, and more feeds, than are kept.
 */
#include "face/face_internal.h"
#include "tests/unit/face/follower.h"

#include "core/model/json.h"

#define READER_ROWS 3000u
#define READER_LEN  ((size_t)1 << 20)

/* A result as its reader keeps it: rows are lines, beside what is before and behind them. */
typedef struct reader {
    char head[4096];
    char tail[4096];
    char *rows[READER_ROWS];
    size_t count;
    char text[READER_LEN]; /* of the result, put together */
} reader;

static char *copy_of(rv_bytes text) {
    char *const copy = malloc(text.len + 1);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return copy;
}

static uint8_t json_memory[1 << 16];

/* The elements of the array that begins at `json`, whose bracket was read; each is given out. */
static bool next_element(rv_json *json, rv_bytes *element) {
    rv_json_token token;
    rv_error err;
    return rv_json_next(json, &token, &err) == RV_OK && token.kind != RV_JSON_ARRAY_END &&
           rv_json_skip(json, &token, element, &err) == RV_OK;
}

/* Goes to the array of a member of the object. */
static bool find_array(rv_json *json, const char *name) {
    rv_json_token token;
    rv_bytes whole;
    rv_error err;
    bool good = rv_json_next(json, &token, &err) == RV_OK;
    while (good && rv_json_next(json, &token, &err) == RV_OK && token.kind == RV_JSON_KEY) {
        const bool found = rv_bytes_are(token.text, name);
        good = rv_json_next(json, &token, &err) == RV_OK;
        if (found) {
            return good && token.kind == RV_JSON_ARRAY_BEGIN;
        }
        good = good && rv_json_skip(json, &token, &whole, &err) == RV_OK;
    }
    return false;
}

static void forget(reader *r) {
    for (size_t i = 0; i < r->count; i++) {
        free(r->rows[i]);
    }
    r->count = 0;
}

static bool take_whole(reader *r, const char *text) {
    rv_arena scratch = rv_arena_over(json_memory, sizeof json_memory);
    rv_json json = rv_json_over(rv_bytes_of_string(text), &scratch);
    rv_bytes row;
    forget(r);
    if (!find_array(&json, "rows")) {
        return false;
    }
    snprintf(r->head, sizeof r->head, "%.*s", (int)json.pos, text);
    while (next_element(&json, &row)) {
        r->rows[r->count++] = copy_of(row);
    }
    snprintf(r->tail, sizeof r->tail, "%s", text + json.pos - 1);
    return true;
}

static bool take_differences(reader *r, const char *text) {
    rv_arena scratch = rv_arena_over(json_memory, sizeof json_memory);
    rv_json json = rv_json_over(rv_bytes_of_string(text), &scratch);
    size_t removed[READER_ROWS];
    size_t count = 0;
    rv_bytes element;
    bool good = find_array(&json, "removed");
    while (good && next_element(&json, &element)) {
        removed[count++] = strtoul((const char *)element.ptr, NULL, 10);
    }
    while (good && count > 0) {
        const size_t at = removed[--count];
        good = at < r->count;
        free(good ? r->rows[at] : NULL);
        memmove(r->rows + at, r->rows + at + 1, (r->count - at - 1) * sizeof *r->rows);
        r->count -= 1;
    }
    json = rv_json_over(rv_bytes_of_string(text), &scratch);
    good = good && find_array(&json, "added");
    while (good && next_element(&json, &element)) {
        const char *const place = (const char *)element.ptr + 1;
        const size_t at = strtoul(place, NULL, 10);
        const char *const row = strchr(place, ',') + 1;
        good = at <= r->count;
        memmove(r->rows + at + 1, r->rows + at, (r->count - at) * sizeof *r->rows);
        const size_t len = element.len - 1 - (size_t)(row - (const char *)element.ptr);
        r->rows[at] = copy_of(rv_bytes_of((const uint8_t *)row, len));
        r->count += 1;
    }
    return good;
}

/* The result that the reader has. */
static const char *result_of(reader *r) {
    rv_writer w = rv_writer_over((uint8_t *)r->text, sizeof r->text);
    rv_write_text(&w, r->head);
    for (size_t i = 0; i < r->count; i++) {
        rv_write_text(&w, i == 0 ? "" : ",");
        rv_write_text(&w, r->rows[i]);
    }
    rv_write_text(&w, r->tail);
    rv_write_u8(&w, 0);
    RV_ASSERT(!w.full);
    return r->text;
}

static uint64_t whole_results, differences;

/* Takes the frame that came, if one did. */
static bool take_frame(reader *r, follower *f) {
    const unsigned before = f->frames;
    if (take(f, 4096) != RV_PENDING || f->frames > before + 1) {
        return false;
    }
    if (f->frames == before) {
        return true;
    }
    const bool differs = strcmp(f->event, "differences") == 0;
    whole_results += !differs;
    differences += differs;
    return differs ? take_differences(r, f->text) : take_whole(r, f->text);
}

static const char *const queries[] = {
    "select id, name, balance from account order by id",
    "select name, id, balance from account order by balance desc, id limit 7",
    "select balance from account order by balance",
    "select count(*), sum(balance) from account",
    "select a.id, a.name, n.body from account a left join note n on n.account_id = a.id",
    "select id, body from note where id in (1, 3, 5, 7, 9, 11)",
    "select body, count(*) from note group by body",
};

#define FOLLOWED (sizeof queries / sizeof *queries)

static void step(server *s, uint64_t *seed) {
    static const char *const bodies[] = {"]",       "\\\"",      "[{",
                                         "\\\\",    "\\\\\\\"]", "a,b",
                                         "\\u00e9", "\\n\\\\",   "{\\\"rows\\\":[[1]]}"};
    char path[64], data[128];
    const uint64_t r = rv_test_random(seed);
    snprintf(path, sizeof path, "/streams/accounts/%u", 1 + (unsigned)(r >> 8 & 15));
    snprintf(data, sizeof data, "{\"amount\":%u}", 1 + (unsigned)(r >> 16 & 7));
    switch (r & 3) {
    case 0:
        snprintf(data, sizeof data, "{\"name\":\"%s\"}", bodies[(r >> 20) % 9]);
        (void)post(s, "/streams/accounts", "account_opened", data);
        break;
    case 1:
        (void)post(s, path, "deposited", data);
        break;
    case 2:
        (void)post(s, path, "withdrawn", data);
        break;
    default:
        snprintf(data, sizeof data, "{\"note_id\":%u,\"body\":\"%s\"}", (unsigned)(r >> 24 & 31),
                 bodies[(r >> 20) % 9]);
        (void)post(s, path, "noted", data);
        break;
    }
}

RV_TEST(applied_they_give_the_result_of_now) {
    static follower f[FOLLOWED];
    static reader r[FOLLOWED];
    whole_results = differences = 0;
    for (uint64_t seed = 1; seed <= RV_TEST_ROUNDS(6); seed++) {
        uint64_t random = seed;
        char bodies[FOLLOWED][256];
        server_exchanges = FOLLOWED + 1;
        server s = server_create(seed);
        for (size_t q = 0; q < FOLLOWED; q++) {
            snprintf(bodies[q], sizeof bodies[q], "{\"sql\":\"%s\",\"differences\":true}",
                     queries[q]);
            follow(s.face, &f[q], "POST", "/query", bodies[q]);
            RV_CHECK_PASSED();
            snprintf(bodies[q], sizeof bodies[q], "{\"sql\":\"%s\"}", queries[q]);
            RV_CHECK(take_frame(&r[q], &f[q]));
        }
        for (unsigned i = 0; i < 200; i++) {
            for (uint64_t n = rv_test_random(&random) % 4; n > 0; n--) {
                step(&s, &random);
            }
            for (size_t q = 0; q < FOLLOWED; q++) {
                RV_CHECK(take_frame(&r[q], &f[q]));
                RV_CHECK_EQ(post(&s, "/query", "", bodies[q]), 200);
                const char *const has = result_of(&r[q]);
                RV_CHECK(s.body.len == strlen(has) + 1);
                RV_CHECK(memcmp(s.body.ptr, has, s.body.len - 1) == 0);
            }
        }
        for (size_t q = 0; q < FOLLOWED; q++) {
            rv_face_end(f[q].x);
        }
        for (size_t i = 0; i < RV_LIVE_BLOCKS; i++) {
            RV_CHECK(!s.face->kept_used[i]);
        }
        server_free(&s);
    }
    RV_CHECK(differences > 4 * whole_results);
}

RV_TEST(a_frame_says_which_rows_go_and_come) {
    static follower f;
    server s = server_create(1);
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened",
                     "[{\"name\":\"ann\"},{\"name\":\"bob\"},{\"name\":\"eve\"}]"),
                201);
    follow(s.face, &f, "GET",
           "/query?differences=true&sql=select%20name,balance%20from%20account%20order%20by"
           "%20balance,id",
           "");
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK(strcmp(f.event, "result") == 0);
    RV_CHECK_EQ(post(&s, "/streams/accounts/2", "deposited", "{\"amount\":5}"), 201);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK(strcmp(f.event, "differences") == 0);
    RV_CHECK_TEXT(rv_bytes_of_string(f.text), "{\"removed\":[1],\"added\":[[2,[\"bob\",5]]]}");
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"joe\"}"), 201);
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK_TEXT(rv_bytes_of_string(f.text), "{\"removed\":[],\"added\":[[2,[\"joe\",0]]]}");
    /* it is named as the whole result is: who comes again with that is told only another one */
    static follower again;
    follow_from(s.face, &again, "GET",
                "/query?differences=true&sql=select%20name,balance%20from%20account%20order%20by"
                "%20balance,id",
                "", f.id);
    RV_CHECK_PASSED();
    RV_CHECK_STATUS(take(&again, 4096), RV_PENDING);
    RV_CHECK_EQ(again.frames, 0);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":9}"), 201);
    RV_CHECK_STATUS(take(&again, 4096), RV_PENDING);
    RV_CHECK_TEXT(rv_bytes_of_string(again.text), "{\"removed\":[0],\"added\":[[3,[\"ann\",9]]]}");
    rv_face_end(again.x);
    /* what is beside the rows was another one */
    f.x->live.kept.rest.low ^= 1;
    RV_CHECK_STATUS(take(&f, 4096), RV_PENDING);
    RV_CHECK(strcmp(f.event, "result") == 0);
    RV_CHECK(strstr(f.text, "[\"ann\",9]]}") != NULL);
    rv_face_end(f.x);
    /* what is not followed has none */
    RV_CHECK_EQ(get(&s, "/query?differences=true&sql=select%201"), 400);
    RV_CHECK(has(&s, "\"parameter\":\"differences\""));
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select 1\",\"differences\":true}"), 400);
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select 1\",\"differences\":false}"), 200);
    RV_CHECK_EQ(post(&s, "/query", "", "{\"sql\":\"select 1\",\"differences\":1}"), 400);
    server_free(&s);
}

RV_TEST(more_than_is_kept_is_told_whole) {
    static follower f[12];
    static reader r[12];
    char body[512];
    server_exchanges = 13;
    server s = server_create(1);
    /* a thousand rows of which one changes; and one row more than are kept */
    static const char list[] =
        "{\"sql\":\"with recursive n(i) as (select 1 union all select i + 1 from n where i < %u) "
        "select i, a.balance from n left join account a on a.id = n.i\",\"differences\":true}";
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ann\"}"), 201);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(body, sizeof body, list, RV_LIVE_ROWS_MAX + i);
        follow(s.face, &f[i], "POST", "/query", body);
        RV_CHECK_PASSED();
        RV_CHECK(take_frame(&r[i], &f[i]));
        RV_CHECK_EQ(r[i].count, RV_LIVE_ROWS_MAX + i);
    }
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":7}"), 201);
    for (unsigned i = 0; i < 2; i++) {
        RV_CHECK(take_frame(&r[i], &f[i]));
        RV_CHECK(strcmp(f[i].event, i == 0 ? "differences" : "result") == 0);
        RV_CHECK(strcmp(r[i].rows[0], "[1,7]") == 0);
    }
    /* there are blocks for eight such: another feed is told whole results, until one ends */
    for (unsigned i = 2; i < 12; i++) {
        snprintf(body, sizeof body, list, RV_LIVE_ROWS_MAX);
        follow(s.face, &f[i], "POST", "/query", body);
        RV_CHECK_PASSED();
        RV_CHECK(take_frame(&r[i], &f[i]));
    }
    for (unsigned round = 0; round < 2; round++) {
        RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
        unsigned kept = 0;
        for (unsigned i = 2; i < 12; i++) {
            RV_CHECK(take_frame(&r[i], &f[i]));
            RV_CHECK(strcmp(r[i].rows[0], round == 0 ? "[1,8]" : "[1,9]") == 0);
            kept += strcmp(f[i].event, "differences") == 0;
        }
        RV_CHECK_EQ(kept, 7);
    }
    rv_face_end(f[0].x);
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    for (unsigned i = 2; i < 12; i++) {
        RV_CHECK(take_frame(&r[i], &f[i]));
    }
    RV_CHECK_EQ(post(&s, "/streams/accounts/1", "deposited", "{\"amount\":1}"), 201);
    unsigned kept = 0;
    for (unsigned i = 2; i < 12; i++) {
        RV_CHECK(take_frame(&r[i], &f[i]));
        RV_CHECK(strcmp(r[i].rows[0], "[1,11]") == 0);
        kept += strcmp(f[i].event, "differences") == 0;
    }
    RV_CHECK_EQ(kept, 8);
    for (unsigned i = 1; i < 12; i++) {
        rv_face_end(f[i].x);
    }
    server_free(&s);
}

RV_TEST(what_has_little_in_common_is_told_whole) {
    static follower f;
    static reader r;
    server s = server_create(1);
    follow(
        s.face, &f, "POST", "/query",
        "{\"sql\":\"with recursive n(i) as (select 1 union all select i + 1 from n where i < 20) "
        "select i, (select count(*) from account) from n\",\"differences\":true}");
    RV_CHECK_PASSED();
    RV_CHECK(take_frame(&r, &f));
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"bob\"}"), 201);
    RV_CHECK(take_frame(&r, &f));
    RV_CHECK(strcmp(f.event, "result") == 0);
    RV_CHECK(strcmp(r.rows[19], "[20,1]") == 0);
    rv_face_end(f.x);
    server_free(&s);
}

int main(void) {
    RV_RUN(applied_they_give_the_result_of_now);
    RV_RUN(a_frame_says_which_rows_go_and_come);
    RV_RUN(more_than_is_kept_is_told_whole);
    RV_RUN(what_has_little_in_common_is_told_whole);
    return rv_test_done();
}
