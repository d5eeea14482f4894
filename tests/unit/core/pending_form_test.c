/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an entry of the ledger that this version would not have written is refused, for each thing
 * that can be wrong with it by itself, and is read where the log has it all the same (a decision, a
 * lease, a block of keys) as what does no harm. Method: a good entry of each kind, and that with
 * one number, length or byte changed; each is looked at, then put into the log of a root or an edge
 * that is opened with it and goes on.
 */
#include "core/engine/command.h"
#include "core/engine/keys.h"
#include "core/engine/relay.h"
#include "tests/unit/core/outbox_pair.h"

#define VALUE_MAX ((size_t)1 << 18)

static uint8_t value_memory[VALUE_MAX];
static uint8_t filler[VALUE_MAX];

/* --- batches --- */

/* A batch. */
typedef struct form {
    uint64_t state, flags, event_flags, covered, written_at, schema_version, principal_len, count;
    uint64_t type, path_len, counted_count, step, after, name_len, args_len;
    uint64_t cut;  /* bytes that are missing at the end, */
    uint64_t more; /* or too many */
} form;

static const form good_form = {.covered = 1,
                               .schema_version = 1,
                               .principal_len = 3,
                               .count = 1,
                               .path_len = 2,
                               .counted_count = 1,
                               .step = 1,
                               .name_len = 4,
                               .args_len = 2,
                               .flags = RV_PENDING_COMMAND};

static rv_bytes filled(uint64_t len) {
    return rv_bytes_of(filler, (size_t)len);
}

static rv_bytes bytes_of(const form *f) {
    static const uint8_t id[16] = {7}, zeros[2];
    rv_writer w = rv_writer_over(value_memory, sizeof value_memory);
    rv_write_u8(&w, (uint8_t)f->state);
    rv_write_u8(&w, (uint8_t)f->flags);
    rv_write(&w, rv_bytes_of(zeros, 2));
    rv_write_u8(&w, (uint8_t)f->covered);
    rv_write_u8(&w, (uint8_t)(f->covered >> 8));
    rv_write(&w, rv_bytes_of(zeros, 2));
    rv_write_u64(&w, 0);
    rv_write_u64(&w, f->written_at);
    rv_write_varint(&w, f->schema_version);
    rv_write_blob(&w, filled(f->principal_len));
    rv_write_varint(&w, f->count);
    for (uint64_t i = 0; i < f->count && i < 2000; i += 1) {
        rv_write_u8(&w, (uint8_t)f->event_flags);
        rv_write(&w, rv_bytes_of(id, sizeof id));
        rv_write_varint(&w, f->type);
        rv_write_blob(&w, filled(f->path_len));
        rv_write_blob(&w, filled(0));
        rv_write_blob(&w, filled(1));
    }
    rv_write_varint(&w, f->counted_count);
    for (uint64_t i = 0; i < f->counted_count && i < 2000; i += 1) {
        rv_write_varint(&w, f->step);
    }
    if ((f->flags & RV_PENDING_COMMAND) != 0) {
        rv_write(&w, rv_bytes_of(id, sizeof id));
        rv_write_u8(&w, 0);
        rv_write_u64(&w, f->after);
        rv_write_blob(&w, filled(f->name_len));
        rv_write_blob(&w, filled(f->args_len));
    }
    rv_write(&w, filled(f->more));
    RV_ASSERT(!w.full);
    return rv_bytes_of(w.ptr, w.len - (size_t)f->cut);
}

static bool is_read(const form *f) {
    rv_pending batch;
    return rv_pending_read(bytes_of(f), &batch);
}

/* The good batch with one member, which lies there, changed. */
static bool changed(size_t member, uint64_t to) {
    form f = good_form;
    memcpy((uint8_t *)&f + member, &to, sizeof to);
    return is_read(&f);
}

/* A member that goes so far, and no further. */
static const struct {
    size_t member;
    uint64_t most;
} limits[] = {
    {offsetof(form, state), RV_PENDING_ACCEPTED},
    {offsetof(form, principal_len), RV_PRINCIPAL_LEN_MAX},
    {offsetof(form, schema_version), UINT32_MAX},
    {offsetof(form, covered), 1},
    {offsetof(form, count), 1},
    {offsetof(form, event_flags), 3},
    {offsetof(form, type), UINT16_MAX},
    {offsetof(form, path_len), RV_PATH_LEN_MAX},
    {offsetof(form, counted_count), RV_PUSH_COUNTED_MAX},
    {offsetof(form, name_len), RV_COMMAND_NAME_MAX},
    {offsetof(form, args_len), RV_COMMAND_ARGS_MAX},
    {offsetof(form, after), RV_POSITION_MAX},
    {offsetof(form, more), 0},
};

RV_TEST(a_batch_is_read_within_its_limits) {
    RV_CHECK(is_read(&good_form));
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i += 1) {
        const bool flags = limits[i].member == offsetof(form, event_flags);
        RV_CHECK(flags || changed(limits[i].member, limits[i].most));
        RV_CHECK(!changed(limits[i].member, limits[i].most + 1 + 4 * flags));
    }
    RV_CHECK(!changed(offsetof(form, flags), 0x20 | RV_PENDING_COMMAND));
    RV_CHECK(!changed(offsetof(form, written_at), (uint64_t)INT64_MIN));
    RV_CHECK(!changed(offsetof(form, count), RV_PUSH_EVENTS_MAX + 1));
    RV_CHECK(!changed(offsetof(form, count), 0) && !changed(offsetof(form, covered), 0));
    RV_CHECK(!changed(offsetof(form, path_len), 0) && !changed(offsetof(form, name_len), 0));
    RV_CHECK(!changed(offsetof(form, step), 0) && changed(offsetof(form, step), UINT64_MAX));
    for (size_t cut = 1; cut < bytes_of(&good_form).len; cut += 1) {
        RV_CHECK(!changed(offsetof(form, cut), cut));
    }
    form two = good_form; /* whose counted numbers go on past the last one that there is */
    two.counted_count = 2;
    two.step = UINT64_MAX - 1;
    RV_CHECK(!is_read(&two));
    form plain = good_form;
    plain.flags = RV_PENDING_DUE; /* and no command */
    RV_CHECK(!is_read(&plain));
}

/* --- entries --- */

static bool is_valid(uint8_t kind, size_t key_len, rv_bytes value) {
    uint8_t key[RV_LEDGER_KEY_MAX];
    memset(key, 0, sizeof key);
    key[19] = 1;                            /* a life, */
    key[key_len > 0 ? key_len - 1 : 0] = 2; /* and a number */
    const rv_ledger_entry entry = {kind, rv_bytes_of(key, key_len), value};
    return rv_pending_entry_valid(&entry);
}

/* A rejection of the good batch, with so much said. */
static rv_bytes rejection_of(uint64_t code_len, uint64_t detail_len, uint64_t facts_len) {
    static uint8_t memory[2048];
    const rv_bytes batch = bytes_of(&good_form);
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_write_blob(&w, filled(code_len));
    rv_write_blob(&w, filled(detail_len));
    rv_write_blob(&w, filled(facts_len));
    rv_write(&w, batch);
    RV_ASSERT(!w.full);
    return rv_writer_bytes(&w);
}

RV_TEST(a_rejection_says_no_more_than_there_is_room_for) {
    const size_t key = RV_PENDING_KEY;
    RV_CHECK(is_valid(RV_LEDGER_REJECTION, key, rejection_of(4, 9, 0)));
    RV_CHECK(is_valid(RV_LEDGER_REJECTION, key, rejection_of(63, 399, 399)));
    RV_CHECK(!is_valid(RV_LEDGER_REJECTION, key, rejection_of(64, 9, 9)));
    RV_CHECK(!is_valid(RV_LEDGER_REJECTION, key, rejection_of(4, RV_ERROR_DETAIL_MAX, 9)));
    RV_CHECK(!is_valid(RV_LEDGER_REJECTION, key, rejection_of(4, 9, RV_ERROR_FACTS_MAX)));
    RV_CHECK(!is_valid(RV_LEDGER_REJECTION, key - 1, rejection_of(4, 9, 9)));
    const rv_bytes whole = rejection_of(4, 9, 9);
    for (size_t len = 0; len < whole.len; len += 1) {
        RV_CHECK(!is_valid(RV_LEDGER_REJECTION, key, rv_bytes_of(whole.ptr, len)));
    }
}

/* Kinds whose keys and values have one length each. */
static const struct {
    uint8_t kind;
    size_t key_len, value_len;
} fixed[] = {
    {RV_LEDGER_SELF, 0, RV_SELF_SIZE},      {RV_LEDGER_SENT, 0, 8},
    {RV_LEDGER_REFUSED, RV_PENDING_KEY, 8}, {RV_LEDGER_REWOUND, 0, RV_REWOUND_SIZE},
    {RV_LEDGER_EPOCH, 0, RV_EPOCH_SIZE},    {RV_LEDGER_FORKED, 0, RV_FORKED_SIZE},
};

RV_TEST(an_entry_has_its_length) {
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i += 1) {
        for (size_t key = 0; key <= RV_LEDGER_KEY_MAX; key += 1) {
            for (size_t len = 0; len < 64; len += 1) {
                const bool good = key == fixed[i].key_len && len == fixed[i].value_len;
                RV_CHECK_EQ(is_valid(fixed[i].kind, key, filled(len)), good);
            }
        }
    }
    for (size_t key = 0; key <= RV_LEDGER_KEY_MAX; key += 1) {
        RV_CHECK_EQ(is_valid(RV_LEDGER_EDGE, key, filled(3)), key == RV_EDGE_KEY);
        RV_CHECK_EQ(is_valid(RV_LEDGER_DECISION, key, filled(3)), key == RV_DECISION_KEY);
        RV_CHECK_EQ(is_valid(RV_LEDGER_RELAY, key, filled(25)), key == RV_DECISION_KEY);
        RV_CHECK(!is_valid(RV_LEDGER_RELAY, key, filled(24)));
        RV_CHECK(is_valid(63, key, filled(3))); /* of a later version */
    }
    static const uint8_t zeros[64];
    RV_CHECK(!is_valid(RV_LEDGER_SELF, 0, rv_bytes_of(zeros, RV_SELF_SIZE)));
    uint8_t self[RV_SELF_SIZE] = {1}; /* a life, and no next edge sequence */
    RV_CHECK(!is_valid(RV_LEDGER_SELF, 0, rv_bytes_of(self, sizeof self)));
    RV_CHECK(!is_valid(RV_LEDGER_EPOCH, 0, rv_bytes_of(zeros, RV_EPOCH_SIZE)));
    uint8_t key[RV_DECISION_KEY] = {7};
    rv_ledger_entry relay = {RV_LEDGER_RELAY, rv_bytes_of(key, sizeof key), filled(40)};
    RV_CHECK(!rv_pending_entry_valid(&relay)); /* no number */
    key[RV_DECISION_KEY - 1] = 1;
    RV_CHECK(!rv_pending_entry_valid(&relay)); /* and no life */
    key[19] = 1;
    RV_CHECK(rv_pending_entry_valid(&relay));
}

/* Whom the upstream took the edge for: two names. */
RV_TEST(a_principal_is_two_names) {
    static const struct {
        const char *value;
        size_t key_len;
        bool good;
    } cases[] = {
        {"\3ada\3bob", 0, true}, {"\1a\1b", 0, true},       {"\3ada\3bob", 1, false},
        {"\3ada", 0, false},     {"\3ada\3bobx", 0, false}, {"\3ada\4bob", 0, false},
        {"\3ada\2 b", 0, false}, {"\2a\t\3bob", 0, false},  {"\1\177\1b", 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += 1) {
        const rv_bytes value = rv_bytes_of_string(cases[i].value);
        RV_CHECK_EQ(is_valid(RV_LEDGER_PRINCIPAL, cases[i].key_len, value), cases[i].good);
    }
    static const uint8_t none[] = {0, 1, 'b', 1, 'a', 0};
    RV_CHECK(!is_valid(RV_LEDGER_PRINCIPAL, 0, rv_bytes_of(none, 3)));
    RV_CHECK(!is_valid(RV_LEDGER_PRINCIPAL, 0, rv_bytes_of(none + 3, 3)));
    for (size_t len = 62; len < 66; len += 1) {
        uint8_t value[160];
        rv_writer w = rv_writer_over(value, sizeof value);
        rv_write_blob(&w, filled(len));
        rv_write_blob(&w, filled(len));
        RV_CHECK_EQ(is_valid(RV_LEDGER_PRINCIPAL, 0, rv_writer_bytes(&w)), len < 64);
    }
    for (size_t len = 0; len < 8; len += 1) {
        RV_CHECK(!is_valid(RV_LEDGER_PRINCIPAL, 0, rv_bytes_of("\3ada\3bob", len)));
    }
}

/* Paths begin with a slash, and nothing counts what is not before it. */
RV_TEST(a_batch_that_could_not_be_pushed) {
    uint8_t key[RV_PENDING_KEY] = {0};
    rv_ledger_entry entry = {RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key), {NULL, 0}};
    memset(filler, '/', sizeof filler);
    form f = good_form;
    key[7] = 2;
    entry.value = bytes_of(&f);
    RV_CHECK(rv_pending_entry_valid(&entry));
    key[7] = 1; /* which it counts itself */
    RV_CHECK(!rv_pending_entry_valid(&entry));
    key[7] = 0;
    RV_CHECK(!rv_pending_entry_valid(&entry));
    key[0] = 0x80;
    RV_CHECK(!rv_pending_entry_valid(&entry));
    key[0] = 0;
    key[7] = 2;
    f.schema_version = 0; /* a provisional schema's: whether it may wait is the node's to say */
    entry.value = bytes_of(&f);
    RV_CHECK(rv_pending_entry_valid(&entry));
    memset(filler, 'x', sizeof filler);
    entry.value = bytes_of(&good_form);
    RV_CHECK(!rv_pending_entry_valid(&entry));
}

int main(void) {
    memset(filler, '/', sizeof filler);
    RV_RUN(a_batch_is_read_within_its_limits);
    RV_RUN(a_rejection_says_no_more_than_there_is_room_for);
    RV_RUN(an_entry_has_its_length);
    RV_RUN(a_principal_is_two_names);
    RV_RUN(a_batch_that_could_not_be_pushed);
    return rv_test_done();
}
