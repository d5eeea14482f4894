/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a feed of changes tells, applied to what it told before, gives at each step the rows
 * that there are, those that pass its filter; each change is true of what the reader has (what is
 * inserted was not there, what is updated or goes was as it is said to have been); who comes again
 * with an id goes on where the rows are the same, and otherwise gets all of them; who is slow gets
 * the net, or all of them.
 * Method: readers of random pace, pieces and endurance, over a root with random appends, some of
 * them refused. The truth is SQL, asked when a reader has all that there is. Then the story of a
 * batch that waits at an edge and is refused.
 */
#include "core/engine/outbox.h"
#include "core/live/moments.h"
#include "tests/unit/face/edge_face.h"
#include "tests/unit/face/server.h"

#define IDS      64u
#define TEXT_MAX 6000u
#define READERS  3u
#define STEPS    400u

static const char schema[] =
    "{\"text\":\"CREATE SHARED AGGREGATE tag (id bigint PRIMARY KEY, n bigint, word text);"
    "CREATE EVENT_TYPE tagged (id creates tag(id), n updates tag(n), word updates tag(word));"
    "CREATE EVENT_TYPE retagged (id references tag(id), n updates tag(n));"
    "CREATE EVENT_TYPE untagged (id deletes tag(id));"
    "CREATE STREAM tags (path \\\"/tags/{id}\\\", event_types (tagged, retagged, untagged));\"}";

/* With an aggregate that nobody follows. */
static const char other_schema[] =
    "{\"text\":\"CREATE SHARED AGGREGATE tag (id bigint PRIMARY KEY, n bigint, word text);"
    "CREATE AGGREGATE other (id bigint PRIMARY KEY);"
    "CREATE EVENT_TYPE tagged (id creates tag(id), n updates tag(n), word updates tag(word));"
    "CREATE EVENT_TYPE othered (id creates other(id));"
    "CREATE STREAM tags (path \\\"/tags/{id}\\\", event_types (tagged));"
    "CREATE STREAM others (path \\\"/others/{id}\\\", event_types (othered));\"}";

typedef struct rows {
    char *row[IDS]; /* by id, as an array; NULL: there is none */
} rows;

typedef struct reader {
    rv_exchange *x;
    rv_response_head head;
    const char *target;
    rows has;  /* what was told */
    rows kept; /* at the last step */
    char id[40];
    bool resetting;
    uint32_t told[16]; /* by kind */
    uint64_t position;
    unsigned pending;
    char problem[1024];
    char frames[1u << 17];
    size_t len;
} reader;

static const char *const kinds[] = {"columns", "reset", "row",   "insert", "update",
                                    "delete",  "enter", "leave", "step"};
enum { COLUMNS, RESET, IS, INSERT, UPDATE, DELETE, ENTER, LEAVE, STEP };

static char *copy_of(const char *text) {
    char *const copy = malloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

static void rows_copy(rows *to, const rows *from) {
    for (unsigned i = 0; i < IDS; i++) {
        free(to->row[i]);
        to->row[i] = from->row[i] == NULL ? NULL : copy_of(from->row[i]);
    }
}

static void rows_set(rows *to, unsigned id, const char *row) {
    free(to->row[id]);
    to->row[id] = row == NULL ? NULL : copy_of(row);
}

static void rows_free(rows *r) {
    for (unsigned i = 0; i < IDS; i++) {
        rows_set(r, i, NULL);
    }
}

static void open_reader(rv_face *face, reader *r, const char *target, const char *id) {
    rv_error err;
    r->target = target;
    r->len = 0;
    const rv_request request = {.method = RV_LITERAL("GET"),
                                .target = rv_bytes_of_string(target),
                                .accept = RV_LITERAL("text/event-stream"),
                                .last_event_id = rv_bytes_of_string(id)};
    RV_CHECK_STATUS(rv_face_begin(face, &request, &r->x, &err), RV_OK);
    RV_CHECK_STATUS(rv_exchange_head(r->x, &r->head), RV_OK);
}

/* Cuts a row out of a frame: an array that ends with ']', of which none is in words. */
static const char *row_in(char *frame, const char *name, char *to) {
    char *const at = strstr(frame, name);
    if (at == NULL) {
        return NULL;
    }
    const size_t len = strcspn(at + strlen(name), "]") + 1;
    if (len >= TEXT_MAX) {
        abort();
    }
    memcpy(to, at + strlen(name), len);
    to[len] = '\0';
    return to;
}

/* One frame is true of what the reader has, which then has what it says. */
static void apply(reader *r, char *frame) {
    static char old_text[TEXT_MAX], row_text[TEXT_MAX];
    if (strncmp(frame, "event: problem", 14) == 0) {
        snprintf(r->problem, sizeof r->problem, "%.*s", (int)sizeof r->problem - 1, frame);
        return;
    }
    const char *const change = strstr(frame, "{\"change\":\"");
    RV_CHECK(change != NULL && strstr(frame, "event: change\n") != NULL);
    unsigned kind = 0;
    while (strncmp(change + 11, kinds[kind], strlen(kinds[kind])) != 0) {
        kind += 1;
        RV_CHECK(kind < sizeof kinds / sizeof kinds[0]);
    }
    r->told[kind] += 1;
    const char *const old = row_in(frame, "\"old\":", old_text);
    const char *const row = row_in(frame, "\"row\":", row_text);
    const char *const position = strstr(frame, "\"position\":");
    const char *const pending = strstr(frame, "\"pending\":");
    r->position = position == NULL ? r->position : strtoull(position + 11, NULL, 10);
    r->pending = pending == NULL ? 0 : (unsigned)strtoul(pending + 10, NULL, 10);
    const bool holds = kind == UPDATE || kind == DELETE || kind == LEAVE;
    const bool known = holds || kind == ENTER;
    RV_CHECK_EQ(old != NULL, known);
    RV_CHECK_EQ(row != NULL, kind >= IS && kind <= LEAVE && kind != DELETE);
    RV_CHECK(kind <= IS || kind == STEP || !r->resetting);
    if (kind == RESET) {
        rows_free(&r->has);
        r->resetting = true;
    } else if (kind == STEP) {
        RV_CHECK(strncmp(frame, "id: ", 4) == 0);
        memcpy(r->id, frame + 4, 32);
        rows_copy(&r->kept, &r->has);
        r->resetting = false;
    } else if (kind != COLUMNS) {
        const unsigned id = (unsigned)strtoul((row == NULL ? old : row) + 1, NULL, 10);
        RV_CHECK(id < IDS && (kind != IS || r->resetting));
        RV_CHECK_EQ(r->has.row[id] != NULL, holds);
        RV_CHECK(!holds || strcmp(r->has.row[id], old) == 0);
        RV_CHECK(!known || row == NULL || strcmp(row, old) != 0);
        rows_set(&r->has, id, kind == DELETE || kind == LEAVE ? NULL : row);
    }
}

/* Takes some pieces and applies the frames that are whole. RV_PENDING: that was all. */
static rv_status take(reader *r, size_t piece, unsigned pieces) {
    rv_status status = RV_OK;
    for (unsigned i = 0; i < pieces && status == RV_OK; i++) {
        if (r->len + piece >= sizeof r->frames) {
            abort();
        }
        rv_writer w = rv_writer_over((uint8_t *)r->frames + r->len, piece);
        status = rv_exchange_body(r->x, 0, &w);
        r->len += w.len;
        r->frames[r->len] = '\0';
        char *frame = r->frames;
        for (char *end = strstr(frame, "\n\n"); end != NULL; end = strstr(frame, "\n\n")) {
            *end = '\0';
            if (frame[0] != ':') {
                apply(r, frame);
            }
            frame = end + 2;
        }
        r->len -= (size_t)(frame - r->frames);
        memmove(r->frames, frame, r->len + 1);
        if (rv_test_failed) {
            return RV_DATA_DAMAGED;
        }
    }
    return status;
}

static void close_reader(reader *r) {
    rv_face_end(r->x);
    rows_free(&r->has);
    rows_free(&r->kept);
}

/* What the reader has is what SQL says. */
static void check_rows(server *s, const reader *r, const char *sql) {
    static char want[1u << 17];
    size_t len = (size_t)snprintf(want, sizeof want, "\"rows\":[");
    for (unsigned i = 0; i < IDS; i++) {
        if (r->has.row[i] != NULL) {
            len += (size_t)snprintf(want + len, sizeof want - len, "%s%s",
                                    want[len - 1] == '[' ? "" : ",", r->has.row[i]);
        }
    }
    snprintf(want + len, sizeof want - len, "]");
    RV_CHECK_EQ(post(s, "/query", "", sql), 200);
    RV_CHECK(has(s, want));
}

/* One random request; some are refused. Words are long at times. */
static void step(server *s, uint64_t *seed) {
    static char data[TEXT_MAX];
    static char word[4000];
    char path[64];
    const uint64_t r = rv_test_random(seed);
    const unsigned id = (unsigned)(r >> 8) % 24;
    const size_t len = (r & 0x700000) == 0 ? (size_t)(r >> 32) % sizeof word : r >> 32 & 7;
    memset(word, 'a' + (int)(r >> 40 & 15), len);
    word[len < sizeof word ? len : len - 1] = '\0';
    snprintf(path, sizeof path, "/streams/tags/%u", id);
    snprintf(data, sizeof data, "{\"n\":%u}", (unsigned)(r >> 16 & 15));
    switch (r & 3) {
    case 0:
        (void)post(s, path, "untagged", "{}");
        break;
    case 1:
        (void)post(s, path, "retagged", data);
        break;
    default:
        snprintf(data, sizeof data, "{\"n\":%u,\"word\":\"%s\"}", (unsigned)(r >> 16 & 15), word);
        (void)post(s, path, "tagged", data);
        break;
    }
}

static const char *const targets[READERS] = {
    "/changes/tag?rows=first&columns=true",
    "/changes/tag?rows=first&columns=true&where=n%20%3E%207",
    "/changes/tag?rows=first&columns=true&where=n%20%3C%204%20or%20word%20is%20null",
};
static const char *const queries[READERS] = {
    "{\"sql\":\"select * from tag order by id\"}",
    "{\"sql\":\"select * from tag where n > 7 order by id\"}",
    "{\"sql\":\"select * from tag where n < 4 or word is null order by id\"}",
};

RV_TEST(what_is_told_gives_the_rows) {
    static reader readers[READERS];
    uint32_t told[16] = {0}, resumed = 0, reset = 0;
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(4); seed++) {
        uint64_t random = seed;
        server s = server_create(seed);
        RV_CHECK_EQ(post(&s, "/schema", "", schema), 201);
        for (unsigned i = 0; i < READERS; i++) {
            memset(&readers[i], 0, sizeof readers[i]);
            open_reader(s.face, &readers[i], targets[i], "");
            RV_CHECK_PASSED();
        }
        for (unsigned n = 0; n < STEPS; n++) {
            step(&s, &random);
            for (unsigned i = 0; i < READERS; i++) {
                reader *const r = &readers[i];
                const uint64_t how = rv_test_random(&random);
                const size_t piece = 1024 + (how >> 16) % 4096;
                if (how % 16 == 0) {
                    const uint32_t resets = r->told[RESET];
                    rv_face_end(r->x);
                    rows_copy(&r->has, &r->kept);
                    r->resetting = false;
                    open_reader(s.face, r, targets[i], r->id);
                    RV_CHECK_STATUS(take(r, piece, 1000), RV_PENDING);
                    resumed += r->told[RESET] == resets && r->id[0] != '\0';
                    reset += r->told[RESET] > resets;
                    check_rows(&s, r, queries[i]);
                    RV_CHECK_PASSED();
                } else if (how % 16 < (UINT64_C(10) >> i)) { /* the later ones are slower */
                    const bool all = how >> 8 & 1;
                    const rv_status status = take(r, piece, all ? 1000 : 1);
                    RV_CHECK_PASSED();
                    RV_CHECK(!all || status == RV_PENDING);
                    if (status == RV_PENDING) {
                        check_rows(&s, r, queries[i]);
                        RV_CHECK_PASSED();
                    }
                }
            }
        }
        for (unsigned i = 0; i < READERS; i++) {
            RV_CHECK_STATUS(take(&readers[i], 70000, 1000), RV_PENDING);
            check_rows(&s, &readers[i], queries[i]);
            RV_CHECK_PASSED();
            for (unsigned k = 0; k < 16; k++) {
                told[k] += readers[i].told[k];
            }
            /* whatever way it came about, the id is that of the rows */
            static reader fresh;
            memset(&fresh, 0, sizeof fresh);
            open_reader(s.face, &fresh, targets[i], "");
            RV_CHECK_STATUS(take(&fresh, 70000, 1000), RV_PENDING);
            RV_CHECK_TEXT(rv_bytes_of_string(fresh.id), readers[i].id);
            close_reader(&fresh);
            close_reader(&readers[i]);
        }
        RV_CHECK_EQ(rv_state_usage_of(rv_node_state(s.f.node)).copies, 0);
        server_free(&s);
    }
    for (unsigned k = COLUMNS; k <= STEP; k++) {
        RV_CHECK(told[k] > 2 * RV_TEST_ROUNDS(4));
    }
    RV_CHECK(resumed > 5 && reset > 5);
}

/* Each step is told when it is asked for, with its position; what others do is not. */
RV_TEST(a_step_is_told_with_its_position) {
    static reader r;
    server s = server_create(1);
    memset(&r, 0, sizeof r);
    RV_CHECK_EQ(post(&s, "/schema", "", schema), 201);
    RV_CHECK_EQ(post(&s, "/streams/tags/1", "tagged", "{\"n\":1,\"word\":\"old\"}"), 201);
    open_reader(s.face, &r, "/changes/tag?columns=true", "");
    RV_CHECK_PASSED();
    RV_CHECK(r.head.status == 200 && r.head.feed);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.told[STEP], 1); /* rows that were there are not told */
    RV_CHECK_EQ(r.told[IS] + r.told[RESET], 0);
    rows_set(&r.has, 1, "[1,1,\"old\"]");
    RV_CHECK_EQ(post(&s, "/streams/tags/1", "retagged", "{\"n\":2}"), 201);
    const uint64_t position = rv_node_watermark(s.f.node);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.told[UPDATE], 1);
    RV_CHECK_EQ(r.position, position);
    RV_CHECK_EQ(post(&s, "/streams/accounts", "account_opened", "{\"name\":\"ada\"}"), 201);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.told[STEP], 2);
    /* back and forth is nothing */
    RV_CHECK_EQ(post(&s, "/streams/tags/1", "retagged", "{\"n\":3}"), 201);
    RV_CHECK_EQ(post(&s, "/streams/tags/1", "retagged", "{\"n\":2}"), 201);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.told[STEP], 2);
    /* a key that goes and comes again says something else */
    RV_CHECK_EQ(post(&s, "/streams/tags/1", "untagged", "{}"), 201);
    RV_CHECK_EQ(post(&s, "/streams/tags/1", "tagged", "{\"n\":2,\"word\":\"new\"}"), 201);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.told[UPDATE], 2);
    /* an id that is no sum of rows: all of them */
    rv_face_end(r.x);
    open_reader(s.face, &r, "/changes/tag?columns=true", "nonsense");
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.told[RESET], 1);
    RV_CHECK_EQ(r.told[IS], 1);
    /* the schema moved: all of them */
    RV_CHECK_EQ(
        post(&s, "/schema", "", "{\"text\":\"CREATE AGGREGATE z (id bigint PRIMARY KEY);\"}"), 201);
    RV_CHECK_EQ(post(&s, "/streams/tags/2", "tagged", "{\"n\":2,\"word\":null}"), 201);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.told[RESET], 2);
    check_rows(&s, &r, queries[0]);
    close_reader(&r);
    server_free(&s);
}

RV_TEST(what_is_no_feed_of_changes_is_refused) {
    static reader r;
    static const struct {
        const char *target;
        int status;
    } wrong[] = {
        {"/changes/tga", 404},
        {"/changes/tag?where=n%20%3E", 400},
        {"/changes/tag?rows=last", 400},
        {"/changes/tag?wher=n", 400},
        {"/changes/tag?where=", 400},
        {"/changes/tag?columns=no", 400},
        {"/changes", 404},
        {"/changes/tag/1", 404},
    };
    server s = server_create(2);
    RV_CHECK_EQ(post(&s, "/schema", "", schema), 201);
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memset(&r, 0, sizeof r);
        open_reader(s.face, &r, wrong[i].target, "");
        RV_CHECK_PASSED();
        if (r.head.status != wrong[i].status) {
            fprintf(stderr, "%s: %d\n", wrong[i].target, r.head.status);
        }
        RV_CHECK_EQ(r.head.status, wrong[i].status);
        rv_face_end(r.x);
    }
    RV_CHECK_EQ(get(&s, "/changes/tag"), 400);
    server_free(&s);
}

/* A condition for whose steps an exchange has no room is accepted all the same. */
RV_TEST(a_condition_of_many_steps_is_one) {
    static reader r;
    static char target[2000];
    unsigned id = 1;
    uint32_t told = 0;
    static char body[64];
    server s = server_create(4);
    RV_CHECK_EQ(post(&s, "/schema", "", schema), 201);
    for (unsigned terms = 1; terms <= 90; terms = terms * 2 + 1) {
        int len = snprintf(target, sizeof target, "/changes/tag?columns=true&where=n=-1");
        for (unsigned i = 0; i < terms; i++) {
            len += snprintf(target + len, sizeof target - (size_t)len, "+or+n=%u", i);
        }
        open_reader(s.face, &r, target, "");
        RV_CHECK_PASSED();
        if (r.head.status != 200) {
            RV_FAIL_AT_("%u terms: %d", terms, r.head.status);
        }
        RV_CHECK_STATUS(take(&r, 4096, 99), RV_PENDING);
        told += 1;
        for (unsigned i = 0; i < 2; i++) { /* the last one, and none of them */
            snprintf(body, sizeof body, "{\"n\":%u}", terms - 1 + i);
            char path[32];
            snprintf(path, sizeof path, "/streams/tags/%u", id++);
            RV_CHECK_EQ(post(&s, path, "tagged", body), 201);
            RV_CHECK_STATUS(take(&r, 4096, 99), RV_PENDING);
            RV_CHECK_EQ(r.told[INSERT], told);
        }
        close_reader(&r);
    }
    server_free(&s);
}

/* A feed that nobody reads keeps nothing from anybody: when something was to be told, it loses its
 * moment and begins again. */
RV_TEST(who_sleeps_begins_again) {
    static reader slow[2];
    static reader quick;
    server s = server_create(3);
    uint64_t random = 7;
    RV_CHECK_EQ(post(&s, "/schema", "", schema), 201);
    memset(slow, 0, sizeof slow);
    memset(&quick, 0, sizeof quick);
    open_reader(s.face, &quick, targets[0], "");
    RV_CHECK_STATUS(take(&quick, 70000, 99), RV_PENDING);
    for (unsigned i = 0; i < 2; i++) {
        open_reader(s.face, &slow[i], targets[0], "");
        RV_CHECK_STATUS(take(&slow[i], 70000, 99), RV_PENDING);
        RV_CHECK_EQ(post(&s, i == 0 ? "/streams/tags/30" : "/streams/tags/31", "tagged",
                         "{\"n\":1,\"word\":\"a\"}"),
                    201);
        RV_CHECK_STATUS(take(&quick, 70000, 99), RV_PENDING);
    }
    for (unsigned n = 0; n < 40; n++) {
        step(&s, &random);
        RV_CHECK_STATUS(take(&quick, 70000, 99), RV_PENDING);
        check_rows(&s, &quick, queries[0]);
        RV_CHECK_PASSED();
    }
    RV_CHECK_EQ(quick.told[RESET], 1); /* who keeps up never does */
    uint32_t resets = 0;
    for (unsigned i = 0; i < 2; i++) {
        RV_CHECK_STATUS(take(&slow[i], 70000, 99), RV_PENDING);
        check_rows(&s, &slow[i], queries[0]);
        RV_CHECK_PASSED();
        resets += slow[i].told[RESET];
        close_reader(&slow[i]);
    }
    RV_CHECK_EQ(resets, 3); /* one of them has slept too long */
    close_reader(&quick);
    server_free(&s);
}

/* What one reader has found others need not look for; of many differences not all are noted. */
RV_TEST(readers_share_what_is_found) {
    static const unsigned counts[] = {1, RV_DIFFERENCES_MAX, RV_DIFFERENCES_MAX + 1, IDS - 1};
    static reader readers[READERS];
    char path[64];
    for (unsigned c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        server s = server_create(c + 1);
        RV_CHECK_EQ(post(&s, "/schema", "", schema), 201);
        memset(readers, 0, sizeof readers);
        for (unsigned i = 0; i < READERS; i++) {
            open_reader(s.face, &readers[i], targets[i], "");
            RV_CHECK_STATUS(take(&readers[i], 70000, 99), RV_PENDING);
        }
        for (unsigned round = 0; round < 3; round++) {
            static const char *const types[] = {"tagged", "retagged", "untagged"};
            for (unsigned id = 0; id < counts[c]; id++) {
                snprintf(path, sizeof path, "/streams/tags/%u", id);
                char data[32];
                snprintf(data, sizeof data, "{\"n\":%u}", (id + 5 * round) % 16);
                RV_CHECK_EQ(post(&s, path, types[round], round == 2 ? "{}" : data), 201);
            }
            for (unsigned i = 0; i < READERS; i++) {
                /* one that stops in the middle goes on there */
                RV_CHECK_STATUS(take(&readers[i], i == 1 ? 1024 : 70000, 999), RV_PENDING);
                check_rows(&s, &readers[i], queries[i]);
                RV_CHECK_PASSED();
                RV_CHECK_EQ(readers[i].told[RESET], 1);
            }
        }
        RV_CHECK_EQ(readers[0].told[INSERT] + readers[0].told[UPDATE] + readers[0].told[DELETE],
                    3 * counts[c]);
        for (unsigned i = 0; i < READERS; i++) {
            close_reader(&readers[i]);
        }
        server_free(&s);
    }
}

/* A feed whose rows have not changed does nothing for it: its condition is not compiled either. */
RV_TEST(who_is_told_nothing_costs_nothing) {
    static reader r;
    server s = server_create(8);
    rv_unused unused = {.count = 0};
    RV_CHECK_EQ(post(&s, "/schema", "", other_schema), 201);
    memset(&r, 0, sizeof r);
    open_reader(s.face, &r, targets[1], "");
    RV_CHECK_STATUS(take(&r, 70000, 99), RV_PENDING);
    RV_CHECK_EQ(post(&s, "/streams/others/1", "othered", "{}"), 201);
    rv_face_unused(s.face, &unused);
    fixture_spoil(&unused, true);
    RV_CHECK_STATUS(take(&r, 70000, 1), RV_PENDING);
    RV_CHECK(unused.at[0].len > 1024);
    for (size_t i = 0; i < unused.at[0].len; i++) { /* the memory that it would be compiled in */
        RV_CHECK_EQ(((const uint8_t *)unused.at[0].ptr)[i], 0xa5);
        RV_CHECK_PASSED();
    }
    RV_CHECK_EQ(post(&s, "/streams/tags/1", "tagged", "{\"n\":9}"), 201);
    RV_CHECK_STATUS(take(&r, 70000, 99), RV_PENDING);
    check_rows(&s, &r, queries[1]);
    RV_CHECK_EQ(r.told[INSERT], 1);
    close_reader(&r);
    server_free(&s);
}

RV_TEST(what_is_pending_is_told_as_such) {
    static reader r;
    static pair p;
    p = pair_create("/**");
    uint8_t *const memory = malloc(FACE_MEMORY);
    rv_arena arena = rv_arena_over(memory, FACE_MEMORY);
    rv_face *const face = edge_face_offline(&p, &arena);
    RV_CHECK(face != NULL);
    memset(&r, 0, sizeof r);
    open_reader(face, &r, "/changes/account?rows=first&columns=true", "");
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK(r.has.row[1] != NULL && strcmp(r.has.row[1], "[1,\"ada\",5]") == 0);
    RV_CHECK_EQ(r.pending, 0);
    const uint64_t position = r.position;
    RV_CHECK_STATUS(fixture_append(&p.root, "/accounts/1", "withdrawn", "{\"amount\":3}"), RV_OK);
    const rv_append take_four = fixture_event("/accounts/1", "withdrawn", "{\"amount\":4}");
    const rv_writes writes = {.events = &take_four, .count = 1};
    rv_event result;
    rv_written written;
    RV_CHECK_STATUS(rv_node_write(p.leaf.node, &writes, &result, &written, &p.err), RV_OK);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK(strcmp(r.has.row[1], "[1,\"ada\",1]") == 0);
    RV_CHECK_EQ(r.pending, 1);
    RV_CHECK_EQ(r.position, position);
    RV_CHECK(pair_connect(&p));
    pair_run(&p);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK(strcmp(r.has.row[1], "[1,\"ada\",2]") == 0);
    RV_CHECK_EQ(r.pending, 0);
    RV_CHECK(r.position > position);
    RV_CHECK_EQ(r.told[RESET], 1);
    /* one that is accepted as it was shown changes no row, and is pending no more */
    const rv_append take_one = fixture_event("/accounts/1", "withdrawn", "{\"amount\":1}");
    const rv_writes again = {.events = &take_one, .count = 1};
    RV_CHECK_STATUS(rv_node_write(p.leaf.node, &again, &result, &written, &p.err), RV_OK);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.pending, 1);
    const uint32_t updates = r.told[UPDATE];
    pair_run(&p);
    RV_CHECK_STATUS(take(&r, 4096, 9), RV_PENDING);
    RV_CHECK_EQ(r.pending, 0);
    RV_CHECK_EQ(r.told[UPDATE], updates);
    close_reader(&r);
    pair_free(&p);
    free(memory);
}

int main(void) {
    RV_RUN(what_is_told_gives_the_rows);
    RV_RUN(a_step_is_told_with_its_position);
    RV_RUN(what_is_no_feed_of_changes_is_refused);
    RV_RUN(a_condition_of_many_steps_is_one);
    RV_RUN(who_sleeps_begins_again);
    RV_RUN(readers_share_what_is_found);
    RV_RUN(who_is_told_nothing_costs_nothing);
    RV_RUN(what_is_pending_is_told_as_such);
    return rv_test_done();
}
