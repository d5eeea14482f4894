/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a run says exactly what was put into it, in every build and for ever; no block that was
 * changed or cut passes; and whatever lies in a block that passes is read without a trap. Method:
 * random sorted lists of every section through the writer and back, against the list; the vector
 * tests/vectors/index-run.txt, both ways; every bit of a block flipped; every length cut with the
 * checksum made right again.
 */
#include "core/log/run_writer.h"

#include "core/base/hash.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define ENTRIES_MAX 60000
#define FILE_MAX    (4u << 20)

static rv_run_entry entries[ENTRIES_MAX];
static uint8_t file[FILE_MAX];
static size_t file_len;
static uint8_t arena_memory[256 << 10];

static const uint64_t fingerprint = UINT64_C(0x0123456789abcdef);

static void take_out(rv_run_writer *w) {
    RV_CHECK(file_len + w->out_len <= FILE_MAX);
    memcpy(file + file_len, w->out, w->out_len);
    file_len += w->out_len;
    rv_run_writer_taken(w);
}

static void make_room(rv_run_writer *w) {
    if (!rv_run_writer_room(w)) {
        take_out(w);
    }
}

static void begin(rv_run_writer *w, const rv_run_span *span) {
    rv_arena arena = rv_arena_over(arena_memory, sizeof arena_memory);
    RV_CHECK(rv_run_writer_create(w, RV_RUN_OUT_MIN, &arena));
    rv_run_footer footer = {.fingerprint = fingerprint,
                            .level = span->level,
                            .first_sequence = span->first,
                            .next_sequence = span->next};
    for (unsigned i = 0; i < 16; i += 1) {
        footer.log_id[i] = (uint8_t)(i + 1);
    }
    file_len = 0;
    rv_run_writer_begin(w, &footer);
}

static void put_section(rv_run_writer *w, rv_run_section section, const rv_run_entry *list,
                        uint32_t count) {
    rv_run_section_begin(w, section);
    for (uint32_t i = 0; i < count; i += 1) {
        make_room(w);
        RV_CHECK(rv_run_writer_fits(w, &list[i]));
        rv_run_writer_add(w, &list[i]);
    }
    make_room(w);
    rv_run_section_end(w);
}

static void finish(rv_run_writer *w) {
    take_out(w);
    rv_run_writer_end(w);
    take_out(w);
}

/* Goes through all blocks of a section in the order of the file. */
static void check_section(const rv_run_footer *footer, rv_run_section section,
                          const rv_run_entry *list, uint32_t count) {
    uint32_t met = 0;
    for (uint32_t b = 0; b < footer->block_count; b += 1) {
        const uint8_t *const block = file + (size_t)b * RV_RUN_BLOCK_SIZE;
        if (block[8] != section || block[9] != 0) {
            continue;
        }
        const rv_run_expected expected = {fingerprint, b, section, 0};
        RV_CHECK(rv_run_block_good(block, &expected));
        rv_run_reading r = rv_run_read_begin(block, footer->first_sequence);
        while (rv_run_read(&r)) {
            RV_CHECK(met < count);
            RV_CHECK(r.entry.key.a == list[met].key.a && r.entry.key.b == list[met].key.b);
            RV_CHECK_EQ(r.entry.c, list[met].c);
            RV_CHECK(section != RV_RUN_PLACES || r.entry.d == list[met].d);
            met += 1;
        }
        RV_CHECK(!r.bad);
    }
    RV_CHECK_EQ(met, count);
    const rv_run_part *const part = &footer->parts[section];
    RV_CHECK_EQ(part->count, count);
    if (count > 0) {
        RV_CHECK(rv_run_key_compare(part->first, list[0].key) == 0);
        RV_CHECK(rv_run_key_compare(part->last, list[count - 1].key) == 0);
    }
}

/* The first entry at or above a key, by the tree: its index in the list is what is expected. */
static void check_way(const rv_run_footer *footer, rv_run_section section, rv_run_key key,
                      const rv_run_entry *expected) {
    uint32_t number = footer->parts[section].root;
    for (uint32_t level = footer->parts[section].depth; level > 0; level -= 1) {
        const uint8_t *const block = file + (size_t)number * RV_RUN_BLOCK_SIZE;
        const rv_run_expected wanted = {fingerprint, number, section, level};
        RV_CHECK(rv_run_block_good(block, &wanted));
        rv_run_reading r = rv_run_read_begin(block, footer->first_sequence);
        bool any = false;
        while (rv_run_read(&r) && (!any || rv_run_key_compare(r.entry.key, key) <= 0)) {
            number = (uint32_t)r.entry.c;
            any = true;
        }
        RV_CHECK(any && !r.bad);
    }
    const uint8_t *const block = file + (size_t)number * RV_RUN_BLOCK_SIZE;
    rv_run_reading r = rv_run_read_begin(block, footer->first_sequence);
    bool found = false;
    while (!found && rv_run_read(&r)) {
        found = rv_run_key_compare(r.entry.key, key) == 0;
    }
    RV_CHECK(found);
    RV_CHECK_EQ(r.entry.c, expected->c);
}

static void random_places(uint32_t count, uint64_t *random) {
    rv_run_entry e = {{1000, 900}, 1, 4096};
    for (uint32_t i = 0; i < count; i += 1) {
        entries[i] = e;
        e.key.a += 1 + rv_test_random(random) % 1000;
        e.key.b += rv_test_random(random) % 1000;
        e.c += rv_test_random(random) % 100 == 0;
        e.d = rv_test_random(random) % (64 << 20);
    }
}

static void random_streams(uint32_t count, uint64_t *random) {
    rv_run_entry e = {{0, 1}, 1000, 0};
    for (uint32_t i = 0; i < count; i += 1) {
        entries[i] = e;
        if (rv_test_random(random) % 3 == 0) {
            e.key.a += rv_test_random(random) % (i % 50 == 0 ? 3000 : 3);
            e.key.b = e.key.a == entries[i].key.a ? e.key.b + rv_test_random(random) % 3
                                                  : 1 + rv_test_random(random) % 100000;
            e.c = 1000 + rv_test_random(random) % 2000000;
        } else {
            e.key.b += 1;
            e.c += rv_test_random(random) % (i % 50 == 0 ? 1u << 30 : 5000);
        }
    }
}

static void random_ids(uint32_t count, uint64_t *random) {
    rv_run_key key = {0, 0};
    for (uint32_t i = 0; i < count; i += 1) {
        key.a += rv_test_random(random) % (UINT64_MAX / 4 / count);
        key.b = rv_test_random(random);
        if (i > 0 && rv_run_key_compare(key, entries[i - 1].key) < 0) {
            key.b = entries[i - 1].key.b;
        }
        entries[i] = (rv_run_entry){key, 1000 + rv_test_random(random) % 2000000, 0};
    }
}

static void make_random(rv_run_section section, uint32_t count, uint64_t *random) {
    if (section == RV_RUN_PLACES) {
        random_places(count, random);
    } else if (section == RV_RUN_STREAMS) {
        random_streams(count, random);
    } else {
        random_ids(count, random);
    }
}

RV_TEST(random_lists_come_back) {
    static const uint32_t counts[] = {0, 1, 2, 100, 700, 1500, 5000, 40000, 60000};
    uint64_t random = 1;
    for (unsigned i = 0; i < 3 * sizeof counts / sizeof counts[0]; i += 1) {
        const uint32_t count = counts[i / 3];
        const rv_run_section section = (rv_run_section)(i % 3);
        const rv_run_span span = {1000, UINT64_C(1) << 40, 3};
        rv_run_writer w;
        begin(&w, &span);
        make_random(section, count, &random);
        for (unsigned s = 0; s < RV_RUN_SECTIONS; s += 1) {
            put_section(&w, (rv_run_section)s, entries, s == section ? count : 0);
            RV_CHECK_PASSED();
        }
        finish(&w);
        RV_CHECK_PASSED();
        rv_run_footer footer;
        RV_CHECK_STATUS(rv_run_footer_decode(file + file_len - RV_RUN_BLOCK_SIZE, &footer), RV_OK);
        RV_CHECK_EQ((footer.block_count + 1) * RV_RUN_BLOCK_SIZE, file_len);
        check_section(&footer, section, entries, count);
        RV_CHECK_PASSED();
        RV_CHECK(count < 60000 || section != RV_RUN_IDS || footer.parts[section].depth == 2);
        for (unsigned k = 0; k < 300 && count > 0 && section == RV_RUN_IDS; k += 1) {
            const rv_run_entry *const e = &entries[rv_test_random(&random) % count];
            check_way(&footer, section, e->key, e);
            RV_CHECK_PASSED();
        }
    }
}

/* --- damage --- */

static void one_block(rv_run_section section, uint64_t *random) {
    const rv_run_span span = {1000, UINT64_C(1) << 40, 0};
    rv_run_writer w;
    begin(&w, &span);
    make_random(section, 200, random);
    put_section(&w, section, entries, 150);
    finish(&w);
}

RV_TEST(a_flipped_bit_never_passes) {
    uint64_t random = 2;
    for (unsigned section = 0; section < RV_RUN_SECTIONS; section += 1) {
        one_block((rv_run_section)section, &random);
        RV_CHECK_PASSED();
        const rv_run_expected expected = {fingerprint, 0, (rv_run_section)section, 0};
        RV_CHECK(rv_run_block_good(file, &expected));
        uint8_t *const footer = file + RV_RUN_BLOCK_SIZE;
        rv_run_footer met;
        for (size_t at = 0; at < RV_RUN_BLOCK_SIZE; at += 1) {
            file[at] ^= (uint8_t)(1u << (at % 8));
            RV_CHECK(!rv_run_block_good(file, &expected));
            file[at] ^= (uint8_t)(1u << (at % 8));
            footer[at] ^= (uint8_t)(1u << (at % 8));
            RV_CHECK_STATUS(rv_run_footer_decode(footer, &met), RV_DATA_DAMAGED);
            footer[at] ^= (uint8_t)(1u << (at % 8));
        }
        const rv_run_expected others[] = {
            {fingerprint + 1, 0, (rv_run_section)section, 0},
            {fingerprint, 1, (rv_run_section)section, 0},
            {fingerprint, 0, (rv_run_section)((section + 1) % RV_RUN_SECTIONS), 0},
            {fingerprint, 0, (rv_run_section)section, 1}};
        for (unsigned i = 0; i < 4; i += 1) {
            RV_CHECK(!rv_run_block_good(file, &others[i]));
        }
    }
}

/* Blocks whose checksum is not looked at: cut at every length, and of random bytes. */
RV_TEST(whatever_lies_in_a_block_is_read) {
    uint64_t random = 3;
    for (unsigned round = 0; round < RV_TEST_ROUNDS(3000); round += 1) {
        const unsigned section = round % RV_RUN_SECTIONS;
        if (round < RV_RUN_SECTIONS) {
            one_block((rv_run_section)section, &random);
            RV_CHECK_PASSED();
            const uint16_t len = rv_load_u16(file + 10);
            for (uint16_t cut = 1; cut < len; cut += 1) {
                rv_store_u16(file + 10, cut);
                rv_run_reading r = rv_run_read_begin(file, 1000);
                unsigned count = 0;
                while (rv_run_read(&r)) {
                    RV_CHECK(rv_run_key_compare(r.entry.key, entries[count].key) == 0);
                    count += 1;
                }
                RV_CHECK(count < 150);
            }
            continue;
        }
        for (size_t i = 0; i < RV_RUN_BLOCK_SIZE; i += 1) {
            file[i] = (uint8_t)(rv_test_random(&random) % (round % 2 == 0 ? 256 : 6));
        }
        file[8] = (uint8_t)section;
        file[9] = round % 7 == 0;
        rv_store_u16(file + 10, (uint16_t)(rv_test_random(&random) % 4085));
        rv_run_reading r = rv_run_read_begin(file, 1000);
        rv_run_key before = {0, 0};
        while (rv_run_read(&r)) {
            RV_CHECK(rv_run_key_compare(before, r.entry.key) <= 0);
            before = r.entry.key;
        }
    }
}

/* A list that does not ascend, or says what its section cannot, is not taken. */
RV_TEST(entries_that_do_not_fit) {
    uint8_t block[RV_RUN_BLOCK_SIZE];
    rv_run_filling f = {.block = block};
    const struct {
        rv_run_section section;
        uint32_t level;
        rv_run_entry first, second;
        bool fits;
    } cases[] = {
        {RV_RUN_PLACES, 0, {{5, 4}, 2, 4096}, {{5, 4}, 2, 4096}, true},
        {RV_RUN_PLACES, 0, {{5, 4}, 2, 4096}, {{4, 9}, 2, 4096}, false},
        {RV_RUN_PLACES, 0, {{5, 4}, 2, 4096}, {{6, 3}, 2, 4096}, false},
        {RV_RUN_PLACES, 0, {{5, 4}, 2, 4096}, {{6, 5}, 1, 4096}, false},
        {RV_RUN_STREAMS, 0, {{1, 7}, 1000, 0}, {{1, 7}, 1000, 0}, true},
        {RV_RUN_STREAMS, 0, {{1, 7}, 1000, 0}, {{1, 6}, 1001, 0}, false},
        {RV_RUN_STREAMS, 0, {{1, 7}, 1000, 0}, {{UINT64_C(1) << 32, 7}, 1001, 0}, false},
        {RV_RUN_STREAMS, 0, {{1, 7}, 1000, 0}, {{1, 8}, 999, 0}, false},
        {RV_RUN_STREAMS, 0, {{1, 7}, 1000, 0}, {{1, 8}, UINT64_MAX / 4, 0}, false},
        {RV_RUN_IDS, 0, {{1, 7}, 1000, 0}, {{1, 8}, 1001, 0}, true},
        {RV_RUN_IDS, 0, {{1, 7}, 1000, 0}, {{0, 8}, 1001, 0}, false},
        {RV_RUN_IDS, 0, {{1, 7}, 1000, 0}, {{1, 8}, 999, 0}, false},
        {RV_RUN_IDS, 0, {{1, 7}, 1000, 0}, {{1, 8}, UINT64_MAX / 4, 0}, false},
        {RV_RUN_IDS, 1, {{1, 7}, 1, 0}, {{1, 8}, RV_RUN_BLOCKS_MAX, 0}, true},
        {RV_RUN_IDS, 1, {{1, 7}, 1, 0}, {{1, 8}, UINT64_C(1) << 32, 0}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += 1) {
        rv_run_fill_begin(&f, cases[i].section, cases[i].level, 1000);
        RV_CHECK(rv_run_fits(&f, &cases[i].first));
        RV_CHECK(rv_run_fill(&f, &cases[i].first));
        RV_CHECK_EQ(rv_run_fits(&f, &cases[i].second), cases[i].fits);
    }
    /* neither does the writer, behind a block that has just gone out */
    const rv_run_span span = {1000, UINT64_C(1) << 40, 0};
    uint64_t random = 8;
    rv_run_writer w;
    begin(&w, &span);
    rv_run_section_begin(&w, RV_RUN_IDS);
    make_random(RV_RUN_IDS, 1000, &random);
    for (uint32_t i = 0; i < 1000; i += 1) {
        make_room(&w);
        rv_run_writer_add(&w, &entries[i]);
        const rv_run_entry low = {{entries[0].key.a, 0}, 1000, 0};
        RV_CHECK(!rv_run_writer_fits(&w, &low));
    }
}

/* Blocks as a stranger writes them: each number behind its bound. */
RV_TEST(numbers_that_overflow_make_a_block_bad) {
    static const uint8_t most[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    uint8_t block[RV_RUN_BLOCK_SIZE];
    for (unsigned section = 0; section < RV_RUN_SECTIONS; section += 1) {
        for (unsigned level = 0; level < 2; level += 1) {
            for (unsigned at = 0; at < 8; at += 1) {
                rv_writer w = rv_writer_over(block + RV_RUN_BLOCK_HEAD, 400);
                for (unsigned n = 0; n < 8; n += 1) {
                    rv_write(&w, n == at ? rv_bytes_of(most, sizeof most)
                                         : rv_bytes_of((const uint8_t *)"\2", 1));
                }
                rv_write(&w, rv_bytes_of(most, sizeof most)); /* and once more, to overflow */
                memset(block, 0, RV_RUN_BLOCK_HEAD);
                block[8] = (uint8_t)section;
                block[9] = (uint8_t)level;
                rv_store_u16(block + 10, (uint16_t)w.len);
                rv_run_reading r = rv_run_read_begin(block, 1000);
                unsigned count = 0;
                while (rv_run_read(&r)) {
                    count += 1;
                }
                RV_CHECK(count < 8);
                RV_CHECK(!rv_run_read(&r)); /* it stays over */
            }
        }
    }
}

/* Under a good checksum, but with a length that no block has. */
RV_TEST(lengths_of_no_block) {
    static const uint16_t lens[] = {0, RV_RUN_BLOCK_SIZE - RV_RUN_BLOCK_HEAD + 1, 0xffff};
    uint64_t random = 9;
    one_block(RV_RUN_IDS, &random);
    RV_CHECK_PASSED();
    for (unsigned i = 0; i < 3; i += 1) {
        uint8_t seed[8];
        rv_store_u64(seed, fingerprint);
        rv_store_u16(file + 10, lens[i]);
        rv_store_u32(file, rv_crc32c(rv_crc32c(0, rv_bytes_of(seed, sizeof seed)),
                                     rv_bytes_of(file + 4, RV_RUN_BLOCK_SIZE - 4)));
        const rv_run_expected expected = {fingerprint, 0, RV_RUN_IDS, 0};
        RV_CHECK(!rv_run_block_good(file, &expected));
    }
}

RV_TEST(footers_of_other_versions) {
    uint64_t random = 4;
    one_block(RV_RUN_STREAMS, &random);
    RV_CHECK_PASSED();
    uint8_t *const footer = file + RV_RUN_BLOCK_SIZE;
    rv_run_footer met;
    rv_store_u32(footer + 8, 2);
    rv_store_u32(footer + 4092, rv_crc32c(0, rv_bytes_of(footer, 4092)));
    RV_CHECK_STATUS(rv_run_footer_decode(footer, &met), RV_DATA_NEWER);
    rv_store_u32(footer + 8, 0);
    rv_store_u32(footer + 4092, rv_crc32c(0, rv_bytes_of(footer, 4092)));
    RV_CHECK_STATUS(rv_run_footer_decode(footer, &met), RV_DATA_DAMAGED);
}

RV_TEST(names) {
    rv_file_name name;
    rv_run_span span = {1, 0x10001, 2};
    rv_run_name(&span, &name);
    RV_CHECK_TEXT(rv_bytes_of_string(name.text), "idx-02-0000000000000001-0000000000010001.run");
    RV_CHECK(rv_run_name_parse(name.text, &span));
    RV_CHECK(span.first == 1 && span.next == 0x10001 && span.level == 2);
    static const char *const wrong[] = {
        "idx-02-0000000000000001-0000000000000001.run",
        "idx-02-0000000000000000-0000000000000001.run",
        "idx-02-0000000000000001-00000000000000A1.run",
        "idx-02-0000000000000001-0000000000010001.rum",
        "idx-2-00000000000000001-0000000000010001.run",
        "idx-02-0000000000000001-ffffffffffffffff.run",
        "log-0000-0000000000000001.seg",
        "",
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i += 1) {
        RV_CHECK(!rv_run_name_parse(wrong[i], &span));
    }
}

/* --- the vector --- */

static uint8_t vector_bytes[FILE_MAX / 64];
static size_t vector_size;
static rv_run_span vector_span;
static uint32_t vector_counts[RV_RUN_SECTIONS];

static bool parse_line(const char *line) {
    unsigned long long n[5];
    char hex[80];
    if (sscanf(line, "span %llu %llu %llu", &n[0], &n[1], &n[2]) == 3) {
        vector_span = (rv_run_span){n[0], n[1], (uint32_t)n[2]};
    } else if (sscanf(line, "entry %llu %llx %llx %llu %llu", &n[0], &n[1], &n[2], &n[3], &n[4]) ==
               5) {
        const uint32_t section = (uint32_t)n[0];
        if (section >= RV_RUN_SECTIONS || vector_counts[section] >= 100) {
            return false;
        }
        entries[100 * section + vector_counts[section]] = (rv_run_entry){{n[1], n[2]}, n[3], n[4]};
        vector_counts[section] += 1;
    } else if (sscanf(line, "bytes %llu %79s", &n[0], hex) == 2) {
        const size_t len = strlen(hex) / 2;
        if (n[0] > sizeof vector_bytes - len) {
            return false;
        }
        for (size_t i = 0; i < len; i += 1) {
            const char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
            vector_bytes[n[0] + i] = (uint8_t)strtoul(digits, NULL, 16);
        }
    } else if (sscanf(line, "size %llu", &n[0]) == 1) {
        vector_size = (size_t)n[0];
    } else {
        return line[0] == '#' || line[0] == '\n' || line[0] == '\r';
    }
    return true;
}

static void load_vector(void) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/log/");
    RV_CHECK(tests != NULL);
    memcpy(tests, "tests/vectors/index-run.txt", sizeof "tests/vectors/index-run.txt");
    FILE *const words = fopen(path, "r");
    RV_CHECK(words != NULL);
    char line[256];
    bool good = true;
    memset(vector_counts, 0, sizeof vector_counts);
    while (good && fgets(line, sizeof line, words) != NULL) {
        good = parse_line(line);
    }
    fclose(words);
    RV_CHECK(good);
    RV_CHECK(vector_counts[0] > 1 && vector_counts[1] > 3 && vector_counts[2] > 1);
}

static void print_vector(void) {
    for (size_t at = 0; at < file_len; at += 32) {
        bool any = false;
        for (size_t i = at; i < at + 32; i += 1) {
            any = any || file[i] != 0;
        }
        if (any) {
            printf("bytes %zu ", at);
            for (size_t i = at; i < at + 32; i += 1) {
                printf("%02x", file[i]);
            }
            printf("\n");
        }
    }
    printf("size %zu\n", file_len);
}

RV_TEST(the_words_are_the_bytes) {
    load_vector();
    RV_CHECK_PASSED();
    rv_run_writer w;
    begin(&w, &vector_span);
    for (unsigned s = 0; s < RV_RUN_SECTIONS; s += 1) {
        put_section(&w, (rv_run_section)s, &entries[(size_t)100 * s], vector_counts[s]);
        RV_CHECK_PASSED();
    }
    finish(&w);
    RV_CHECK_PASSED();
    if (file_len != vector_size || memcmp(file, vector_bytes, file_len) != 0) {
        print_vector(); /* what was made, to be compared by eye */
    }
    RV_CHECK_EQ(file_len, vector_size);
    RV_CHECK(memcmp(file, vector_bytes, vector_size) == 0);
    memcpy(file, vector_bytes, vector_size);
    rv_run_footer footer;
    RV_CHECK_STATUS(rv_run_footer_decode(file + vector_size - RV_RUN_BLOCK_SIZE, &footer), RV_OK);
    for (unsigned s = 0; s < RV_RUN_SECTIONS; s += 1) {
        check_section(&footer, (rv_run_section)s, &entries[(size_t)100 * s], vector_counts[s]);
        RV_CHECK_PASSED();
    }
}

int main(void) {
    RV_RUN(random_lists_come_back);
    RV_RUN(a_flipped_bit_never_passes);
    RV_RUN(whatever_lies_in_a_block_is_read);
    RV_RUN(entries_that_do_not_fit);
    RV_RUN(numbers_that_overflow_make_a_block_bad);
    RV_RUN(lengths_of_no_block);
    RV_RUN(footers_of_other_versions);
    RV_RUN(names);
    RV_RUN(the_words_are_the_bytes);
    return rv_test_done();
}
