/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: tokens are kept through a restart and a checkpoint, found by what they are and by nothing
 * else, say what they are for, and go when they are revoked; the entry of the ledger is as
 * docs/format/log.md says. Method: a root on a memory host; the vector's bytes are written by hand
 * here; rights are compared with a naive matcher.
 */
#include "core/engine/decide.h"
#include "core/engine/internal.h"
#include "core/engine/token.h"
#include "tests/unit/digest.h"
#include "tests/unit/node_fixture.h"

/* Entries one after the other, as blobs. */
static rv_token_list list_of(uint8_t *memory, size_t cap, const char *const *entries) {
    rv_writer w = rv_writer_over(memory, cap);
    rv_token_list list = {.count = 0};
    for (; entries[list.count] != NULL; list.count += 1) {
        rv_write_blob(&w, rv_bytes_of_string(entries[list.count]));
    }
    if (w.full) {
        abort();
    }
    list.bytes = rv_writer_bytes(&w);
    return list;
}

static rv_access_token token_of(const char *name, const char *secret, const rv_token_list *reads,
                                const rv_token_list *writes) {
    rv_access_token token = {.name = rv_bytes_of_string(name), .created_at = 7};
    test_sha256(rv_bytes_of_string(secret), token.digest);
    token.reads = reads == NULL ? (rv_token_list){0} : *reads;
    token.writes = writes == NULL ? (rv_token_list){0} : *writes;
    return token;
}

static rv_status admit(fixture *f, const char *secret, rv_access_token *token) {
    uint8_t digest[RV_DIGEST_SIZE];
    return rv_node_token_admit(f->node, &test_digest, rv_bytes_of_string(secret), digest, token,
                               &f->err);
}

RV_TEST(an_entry_is_as_the_format_says) {
    static const uint8_t value[] = {
        16,   17,   18,  19,  20,  21,  22,  23,  24,
        25,   26,   27,  28,  29,  30,  31,     /* the digest's second half */
        0x03,                                   /* administrator, relay */
        0x10, 0x27, 0,   0,   0,   0,   0,   0, /* 10000 */
        0x20, 0x4e, 0,   0,   0,   0,   0,   0, /* 20000 */
        3,    'a',  'd', 'a',                   /* its name */
        2,    3,    '/', 'a', 'b', 11,  'a', 'g', 'g',
        'r',  'e',  'g', 'a', 't', 'e', ' ', '*', /* read */
        1,    4,    '/', 'a', '/', '*'};          /* written */
    uint8_t key[RV_TOKEN_KEY];
    for (uint8_t i = 0; i < sizeof key; i++) {
        key[i] = i;
    }
    const rv_ledger_entry entry = {RV_LEDGER_TOKEN, rv_bytes_of(key, sizeof key),
                                   rv_bytes_of(value, sizeof value)};
    rv_access_token token;
    RV_CHECK(rv_token_read(&entry, &token));
    for (uint8_t i = 0; i < RV_DIGEST_SIZE; i++) {
        RV_CHECK_EQ(token.digest[i], i);
    }
    RV_CHECK(token.admin && token.relay);
    RV_CHECK_EQ(token.created_at, 10000);
    RV_CHECK_EQ(token.expires_at, 20000);
    RV_CHECK_TEXT(token.name, "ada");
    RV_CHECK_EQ(token.reads.count, 2);
    RV_CHECK_EQ(token.writes.count, 1);
    uint8_t again[RV_TOKEN_VALUE_MAX];
    rv_writer w = rv_writer_over(again, sizeof again);
    rv_token_write(&token, &w);
    RV_CHECK(rv_bytes_equal(rv_writer_bytes(&w), entry.value));
    for (size_t len = 0; len < sizeof value; len++) { /* cut anywhere */
        const rv_ledger_entry cut = {RV_LEDGER_TOKEN, entry.key, rv_bytes_of(value, len)};
        RV_CHECK(!rv_token_read(&cut, &token));
    }
    const rv_ledger_entry short_key = {RV_LEDGER_TOKEN, rv_bytes_of(key, 15), entry.value};
    RV_CHECK(!rv_token_read(&short_key, &token));
    memcpy(again, value, sizeof value);
    again[16] = 0x08; /* a right of a later version */
    const rv_ledger_entry later = {RV_LEDGER_TOKEN, entry.key, rv_bytes_of(again, sizeof value)};
    RV_CHECK(!rv_token_read(&later, &token));
}

/* The slow way: segment by segment. */
static bool naive(const char *pattern, const char *path) {
    while (*pattern == '/' && *path == '/') {
        pattern += 1;
        path += 1;
        if (strcmp(pattern, "**") == 0) {
            return *path != '\0';
        }
        const size_t a = strcspn(pattern, "/");
        const size_t b = strcspn(path, "/");
        if (!(a == 1 && *pattern == '*') && (a != b || memcmp(pattern, path, a) != 0)) {
            return false;
        }
        pattern += a;
        path += b;
    }
    return *pattern == '\0' && *path == '\0';
}

RV_TEST(rights_are_what_the_patterns_say) {
    static const char *const patterns[] = {"/a/*", "/b/**", "/c/1/x", "/d", NULL};
    static const char *const paths[] = {"/a/1", "/a/1/2", "/a",   "/b/1",  "/b/1/2",
                                        "/b",   "/c/1/x", "/c/1", "/d",    "/d/1",
                                        "/e",   "/aa/1",  "/ab",  "/c/2/x"};
    uint8_t memory[2][256];
    const rv_token_list list = list_of(memory[0], sizeof memory[0], patterns);
    const rv_access_token token = token_of("ada", "x", &list, &list);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        bool expected = false;
        for (size_t p = 0; patterns[p] != NULL; p++) {
            expected = expected || naive(patterns[p], paths[i]);
        }
        RV_CHECK_EQ(rv_token_may_read(&token, rv_bytes_of_string(paths[i])), expected);
        RV_CHECK_EQ(rv_token_may_write(&token, rv_bytes_of_string(paths[i])), expected);
    }
    rv_path_pattern pattern;
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/b/1/*"), &pattern, NULL), RV_OK);
    RV_CHECK(rv_token_may_read_all(&token, &pattern));
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/a/**"), &pattern, NULL), RV_OK);
    RV_CHECK(!rv_token_may_read_all(&token, &pattern));
    rv_path_template stream;
    RV_CHECK_STATUS(rv_path_template_parse(RV_LITERAL("/a/{id}"), &stream, NULL), RV_OK);
    RV_CHECK(rv_token_may_write_all(&token, &stream));
    RV_CHECK_STATUS(rv_path_template_parse(RV_LITERAL("/c/{id}/x"), &stream, NULL), RV_OK);
    RV_CHECK(!rv_token_may_write_all(&token, &stream));
    /* the schema is for everybody to read, and aggregates go by their names */
    RV_CHECK(rv_token_may_read(&token, RV_LITERAL("/rivulet/schema")));
    RV_CHECK(!rv_token_may_write(&token, RV_LITERAL("/rivulet/schema")));
    RV_CHECK(!rv_token_may_read_rows(&token, RV_LITERAL("account")));
    static const char *const rows[] = {"aggregate account", "/x", NULL};
    static const char *const whole[] = {"/**", NULL};
    static const char *const all[] = {"aggregate *", NULL};
    const rv_token_list some = list_of(memory[0], sizeof memory[0], rows);
    const rv_access_token one = token_of("bob", "y", &some, NULL);
    RV_CHECK(rv_token_may_read_rows(&one, RV_LITERAL("account")));
    RV_CHECK(!rv_token_may_read_rows(&one, RV_LITERAL("note")));
    RV_CHECK(!rv_token_may_read(&one, RV_LITERAL("/aggregate account")));
    const rv_token_list every = list_of(memory[1], sizeof memory[1], all);
    const rv_access_token rowser = token_of("eve", "z", &every, NULL);
    RV_CHECK(rv_token_may_read_rows(&rowser, RV_LITERAL("note")));
    RV_CHECK(!rv_token_may_read(&rowser, RV_LITERAL("/x")));
    const rv_token_list everything = list_of(memory[1], sizeof memory[1], whole);
    const rv_access_token reader = token_of("dan", "w", &everything, NULL);
    RV_CHECK(rv_token_may_read_rows(&reader, RV_LITERAL("note")));
    RV_CHECK(!rv_token_may_write(&reader, RV_LITERAL("/x")));
}

RV_TEST(tokens_are_made_found_changed_and_revoked) {
    static const char *const patterns[] = {"/accounts/*", NULL};
    fixture f = fixture_root(1);
    uint8_t memory[64];
    const rv_token_list list = list_of(memory, sizeof memory, patterns);
    rv_access_token met;
    uint64_t generation = rv_node_tokens_generation(f.node);
    RV_CHECK_STATUS(admit(&f, "", &met), RV_END); /* open */
    rv_access_token root = token_of("root", "one", NULL, NULL);
    root.admin = true;
    RV_CHECK_STATUS(rv_node_token_put(f.node, &root, 0, &f.err), RV_OK);
    RV_CHECK(rv_node_tokens_generation(f.node) != generation);
    rv_access_token ada = token_of("ada", "two", &list, NULL);
    ada.expires_at = rv_node_now(f.node) + 10000000;
    RV_CHECK_STATUS(rv_node_token_put(f.node, &ada, 0, &f.err), RV_OK);
    RV_CHECK_STATUS(admit(&f, "", &met), RV_UNAUTHENTICATED);
    RV_CHECK_STATUS(admit(&f, "three", &met), RV_UNAUTHENTICATED);
    RV_CHECK_STATUS(admit(&f, "two", &met), RV_OK);
    RV_CHECK_TEXT(met.name, "ada");
    RV_CHECK(!rv_token_expired(&met, ada.expires_at - 1) && rv_token_expired(&met, ada.expires_at));
    /* half of a digest is not enough */
    uint8_t near[RV_DIGEST_SIZE];
    memcpy(near, ada.digest, sizeof near);
    near[RV_DIGEST_SIZE - 1] ^= 1;
    RV_CHECK_STATUS(rv_node_token_find(f.node, near, rv_node_now(f.node), &met, &f.err),
                    RV_UNAUTHENTICATED);
    /* of a name there is one */
    const rv_access_token again = token_of("ada", "four", &list, &list);
    RV_CHECK_STATUS(rv_node_token_put(f.node, &again, 0, &f.err), RV_OK);
    RV_CHECK_EQ(rv_node_token_count(f.node), 2);
    RV_CHECK_STATUS(admit(&f, "two", &met), RV_UNAUTHENTICATED);
    RV_CHECK_STATUS(admit(&f, "four", &met), RV_OK);
    RV_CHECK_EQ(met.writes.count, 1);
    /* but the secret before may be good for a while, if it was to be */
    const rv_access_token next = token_of("ada", "five", &list, &list);
    const rv_access_token last = token_of("ada", "six", &list, &list);
    const int64_t until = rv_node_now(f.node) + 1000000;
    RV_CHECK_STATUS(rv_node_token_put(f.node, &next, until, &f.err), RV_OK);
    RV_CHECK_EQ(rv_node_token_count(f.node), 3);
    RV_CHECK_STATUS(admit(&f, "four", &met), RV_OK);
    RV_CHECK(met.replaced && met.expires_at == until);
    RV_CHECK(rv_node_token_named(f.node, RV_LITERAL("ada"), &met) && !met.replaced);
    RV_CHECK_STATUS(rv_node_token_put(f.node, &last, until, &f.err), RV_OK); /* one of them */
    RV_CHECK_EQ(rv_node_token_count(f.node), 3);
    RV_CHECK_STATUS(admit(&f, "five", &met), RV_OK);
    RV_CHECK_STATUS(rv_node_token_put(f.node, &last, 0, &f.err), RV_OK); /* other rights */
    RV_CHECK_STATUS(admit(&f, "five", &met), RV_UNAUTHENTICATED);
    RV_CHECK_EQ(rv_node_token_count(f.node), 2);
    /* and it outlives the process, by the log and by a checkpoint */
    RV_CHECK(fixture_settle(f.node));
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    RV_CHECK_STATUS(admit(&f, "six", &met), RV_OK);
    fixture_checkpoint_growth = 1;
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    for (int i = 0; i < 2000; i++) {
        fixture_poll(f.node);
    }
    RV_CHECK_STATUS(fixture_open(&f, RV_ROLE_ROOT, NULL), RV_OK);
    fixture_checkpoint_growth = 0;
    RV_CHECK_STATUS(admit(&f, "six", &met), RV_OK);
    RV_CHECK_STATUS(rv_node_token_revoke(f.node, RV_LITERAL("nobody"), &f.err), RV_NOT_FOUND);
    RV_CHECK_STATUS(rv_node_token_revoke(f.node, RV_LITERAL("ada"), &f.err), RV_OK);
    RV_CHECK_STATUS(admit(&f, "six", &met), RV_UNAUTHENTICATED);
    RV_CHECK_STATUS(rv_node_token_revoke(f.node, RV_LITERAL("root"), &f.err), RV_OK);
    RV_CHECK_STATUS(admit(&f, "six", &met), RV_END);
    fixture_free(&f);
}

/* A new secret comes with other rights: the one before has no others while it is good. */
RV_TEST(the_secret_before_has_the_rights_of_the_new_one) {
    fixture f = fixture_root(1);
    uint8_t memory[2][64];
    rv_access_token met;
    const rv_token_list wide = list_of(memory[0], 64, (const char *const[]){"/**", NULL});
    const rv_token_list narrow = list_of(memory[1], 64, (const char *const[]){"/a/*", NULL});
    rv_access_token token = token_of("ada", "one", &wide, &wide);
    token.relay = true;
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_OK);
    token = token_of("ada", "two", &narrow, NULL);
    const int64_t until = rv_node_now(f.node) + 60000000;
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, until, &f.err), RV_OK);
    RV_CHECK_STATUS(admit(&f, "one", &met), RV_OK);
    RV_CHECK(met.replaced && met.expires_at == until && !met.relay);
    RV_CHECK_TEXT(met.reads.bytes, "\x04/a/*");
    RV_CHECK_EQ(met.writes.count, 0);
    fixture_free(&f);
}

RV_TEST(what_is_no_token_is_refused) {
    static const char *const wrong[] = {"accounts", NULL};
    static const char *const aggregates[] = {"aggregate Account", NULL};
    static const char *const rows[] = {"aggregate account", NULL};
    fixture f = fixture_root(2);
    uint8_t memory[64];
    rv_access_token token = token_of("ada", "one", NULL, NULL);
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_PARAMETER_INVALID);
    static const char *const names[] = {"", " ada", "a b", "-ada", "a/b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        token = token_of(names[i], "one", NULL, NULL);
        token.admin = true;
        RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_PARAMETER_INVALID);
    }
    rv_token_list list = list_of(memory, sizeof memory, wrong);
    token = token_of("ada", "one", &list, NULL);
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_PATH_INVALID);
    list = list_of(memory, sizeof memory, aggregates);
    token = token_of("ada", "one", &list, NULL);
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_PARAMETER_INVALID);
    list = list_of(memory, sizeof memory, rows);
    token = token_of("ada", "one", NULL, &list); /* rows are never written */
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_PATH_INVALID);
    RV_CHECK_EQ(rv_node_token_count(f.node), 0);
    uint8_t text[2][RV_TOKEN_TEXT_LEN];
    rv_node_token_draw(f.node, text[0]);
    rv_node_token_draw(f.node, text[1]);
    RV_CHECK(memcmp(text[0], "rvt_", 4) == 0 && memcmp(text[0], text[1], sizeof text[0]) != 0);
    fixture_free(&f);
}

/* As many as there is room for, and none of them is lost for it. */
RV_TEST(a_full_ledger_refuses) {
    fixture f = fixture_root(3);
    uint32_t made = 0;
    char name[32];
    rv_status status = RV_OK;
    rv_access_token met;
    uint8_t memory[1200];
    char long_entry[1001] = "/";
    memset(long_entry + 1, 'x', 999);
    const char *const entries[] = {long_entry, NULL};
    const rv_token_list list = list_of(memory, sizeof memory, entries);
    for (; made < 100000 && status == RV_OK; made += status == RV_OK) {
        snprintf(name, sizeof name, "n%u", made);
        const rv_access_token token = token_of(name, name, &list, NULL);
        status = rv_node_token_put(f.node, &token, 0, &f.err);
        while (status == RV_PENDING || status == RV_BUSY) {
            fixture_poll(f.node);
            status = rv_node_token_put(f.node, &token, 0, &f.err);
        }
    }
    RV_CHECK_STATUS(status, RV_MEMORY_EXHAUSTED);
    RV_CHECK(made > 25);
    const size_t used = rv_ledger_used(&f.node->ledger); /* the rest is for what edges bring */
    RV_CHECK(used <= f.node->ledger.cap / 2 && used + 1500 > f.node->ledger.cap / 2);
    RV_CHECK_EQ(rv_node_token_count(f.node), made);
    RV_CHECK_STATUS(admit(&f, "n0", &met), RV_OK);
    RV_CHECK_STATUS(rv_node_token_revoke(f.node, RV_LITERAL("n7"), &f.err), RV_OK);
    rv_access_token token = token_of("new", "new", NULL, NULL);
    token.relay = true;
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_OK);
    fixture_free(&f);
}

/* Every character, where a name begins and behind that; of aggregates too. */
RV_TEST(names_letter_by_letter) {
    fixture f = fixture_root(4);
    uint8_t memory[64];
    for (unsigned at = 0; at < 2; at++) {
        for (unsigned c = 1; c < 256; c++) {
            char name[4] = "xyz", entry[20] = "aggregate xyz";
            name[at] = (char)c;
            entry[10 + at] = (char)c;
            const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            const bool digit = c >= '0' && c <= '9';
            const bool mark = strchr("-_.@+:", (int)c) != NULL;
            rv_access_token token = token_of(name, name, NULL, NULL);
            token.admin = true;
            RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err),
                            letter || digit || (mark && at > 0) ? RV_OK : RV_PARAMETER_INVALID);
            RV_CHECK(rv_node_token_revoke(f.node, token.name, &f.err) == RV_OK ||
                     !(letter || digit || (mark && at > 0)));
            const char *const entries[] = {entry, NULL};
            const rv_token_list list = list_of(memory, sizeof memory, entries);
            size_t next = 0;
            rv_bytes met;
            RV_CHECK(rv_token_list_next(&list, &next, &met));
            const bool word = (c >= 'a' && c <= 'z') || c == '_' || (digit && at > 0);
            RV_CHECK_STATUS(rv_token_judge_entry(met, true, &f.err),
                            word ? RV_OK : RV_PARAMETER_INVALID);
        }
    }
    char longest[RV_TOKEN_NAME_MAX + 2];
    for (size_t len = RV_TOKEN_NAME_MAX; len <= RV_TOKEN_NAME_MAX + 1; len++) {
        memset(longest, 'n', len);
        longest[len] = '\0';
        rv_access_token token = token_of(longest, "long", NULL, NULL);
        token.admin = true;
        RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err),
                        len == RV_TOKEN_NAME_MAX ? RV_OK : RV_PARAMETER_INVALID);
    }
    fixture_free(&f);
}

/* What a stranger's entry has as a right, and is none, is no right. */
RV_TEST(rights_that_are_no_patterns) {
    static const char *const strange[] = {"no path", "aggregate account", "/a/**/b", NULL};
    uint8_t memory[64];
    const rv_token_list list = list_of(memory, sizeof memory, strange);
    const rv_access_token token = token_of("ada", "one", &list, &list);
    rv_path_pattern pattern;
    rv_path_template stream;
    rv_error err;
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/a/*"), &pattern, &err), RV_OK);
    RV_CHECK_STATUS(rv_path_template_parse(RV_LITERAL("/a/{id}"), &stream, &err), RV_OK);
    RV_CHECK(!rv_token_may_read(&token, RV_LITERAL("/a/1")));
    RV_CHECK(!rv_token_may_write(&token, RV_LITERAL("/a/1")));
    RV_CHECK(!rv_token_may_read_all(&token, &pattern));
    RV_CHECK(!rv_token_may_write_all(&token, &stream));
    RV_CHECK(rv_token_may_read_rows(&token, RV_LITERAL("account")));
    RV_CHECK(!rv_token_may_read_rows(&token, RV_LITERAL("note")));
}

/* More than a token may have; a node that cannot be written. */
RV_TEST(tokens_that_cannot_be_kept) {
    static uint8_t memory[RV_TOKEN_LIST_MAX + 64];
    fixture f = fixture_root(5);
    rv_access_token token = token_of("ada", "one", NULL, NULL);
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_write_blob(&w, RV_LITERAL("/a"));
    token.reads = (rv_token_list){RV_TOKEN_RIGHTS_MAX + 1, rv_writer_bytes(&w)};
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_PARAMETER_INVALID);
    token.reads = (rv_token_list){1, rv_bytes_of(memory, RV_TOKEN_LIST_MAX + 1)};
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_PARAMETER_INVALID);
    RV_CHECK_STATUS(fixture_close(f.node, &f.err), RV_END);
    token = token_of("ada", "one", NULL, NULL);
    token.admin = true;
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, &f.err), RV_CLOSING);
    RV_CHECK_STATUS(rv_node_token_put(f.node, &token, 0, NULL), RV_CLOSING);
    fixture_free(&f);
    fixture edge = fixture_create(6);
    RV_CHECK_STATUS(fixture_open(&edge, RV_ROLE_EDGE, "/**"), RV_OK);
    RV_CHECK_STATUS(rv_node_token_put(edge.node, &token, 0, &edge.err), RV_NOT_CONNECTED);
    const uint8_t log_id[16] = {9};
    RV_CHECK_STATUS(rv_node_adopt(edge.node, log_id, 1, 5, &edge.err), RV_OK);
    rv_status status = RV_PENDING;
    for (int i = 0; i < 1000 && (status == RV_PENDING || status == RV_BUSY); i++) {
        status = rv_node_receive_begin(edge.node, &edge.err);
        fixture_poll(edge.node);
    }
    RV_CHECK_STATUS(status, RV_OK);
    RV_CHECK_STATUS(rv_node_token_put(edge.node, &token, 0, &edge.err), RV_BUSY);
    rv_node_receive_cancel(edge.node);
    RV_CHECK_STATUS(rv_node_token_put(edge.node, &token, 0, &edge.err), RV_OK);
    fixture_free(&edge);
}

int main(void) {
    RV_RUN(an_entry_is_as_the_format_says);
    RV_RUN(rights_are_what_the_patterns_say);
    RV_RUN(tokens_are_made_found_changed_and_revoked);
    RV_RUN(the_secret_before_has_the_rights_of_the_new_one);
    RV_RUN(what_is_no_token_is_refused);
    RV_RUN(a_full_ledger_refuses);
    RV_RUN(names_letter_by_letter);
    RV_RUN(rights_that_are_no_patterns);
    RV_RUN(tokens_that_cannot_be_kept);
    return rv_test_done();
}
