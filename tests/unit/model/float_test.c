/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: floats are printed as PostgreSQL prints them and read correctly rounded. Method: a table of
 * what PostgreSQL 15 prints; hard cases of both directions; then, natively, random bit patterns and
 * random decimals against the C library's strtod, strtof and printf: what is printed must read back
 * as the same float, no shorter text may, and no other text of that length may be nearer. Texts of
 * midpoints, one above and one below, of hundreds of digits. Other builds check the tables and that
 * a hash over random floats' texts is the same as natively.
 */
#include "core/base/hash.h"
#include "core/model/float.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* Where long double holds a midpoint of doubles, and printf prints it. */
#ifdef __x86_64__
#define WIDE 1
#else
#define WIDE 0
#endif

#if WIDE && !defined(__SANITIZE_ADDRESS__)
#define RANDOM_COUNT 60000
#else
#define RANDOM_COUNT 10000
#endif

static uint8_t memory[4096];
static const double infinity = 1e308 * 10;

static rv_bytes written(double value, rv_float_width width) {
    rv_writer w = rv_writer_over(memory, sizeof memory);
    rv_float_write(value, width, &w);
    return rv_writer_bytes(&w);
}

static const struct {
    const char *text;
    const char *printed; /* NULL: out of range */
} doubles[] = {
    {"0", "0"},
    {"-0", "-0"},
    {"0e999999999999999999999", "0"},
    {"1", "1"},
    {" 1.50 ", "1.5"},
    {"+.5", "0.5"},
    {"5.", "5"},
    {"0.1", "0.1"},
    {"0.0001", "0.0001"},
    {"0.00001", "1e-05"},
    {"0.00012345", "0.00012345"},
    {"123456789012345", "123456789012345"},
    {"100000000000000", "100000000000000"},
    {"1000000000000000", "1e+15"},
    {"1234567890123456", "1.234567890123456e+15"},
    {"1e20", "1e+20"},
    {"1E-7", "1e-07"},
    {"1e100", "1e+100"},
    {"1e23", "9.999999999999999e+22"},
    {"9007199254740993", "9.007199254740992e+15"},
    {"9007199254740993.0000000000000000000000000000000000001", "9.007199254740994e+15"},
    {"2.2250738585072011e-308", "2.225073858507201e-308"},
    {"2.2250738585072012e-308", "2.2250738585072014e-308"},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    {"1.7976931348623158e308", "1.7976931348623157e+308"},
    {"1.7976931348623159e308", NULL},
    {"1e309", NULL},
    {"1e999999999999999999999", NULL},
    {"4.9e-324", "5e-324"},
    {"2.4703282292062328e-324", "5e-324"},
    {"2.4703282292062327e-324", NULL},
    {"1e-400", NULL},
    {"1e-99999999999999999999999", NULL},
    {"0.3", "0.3"},
    {"0.30000000000000004", "0.30000000000000004"},
    {"123456.789", "123456.789"},
    {"5e-324", "5e-324"},
    {"9.5367431640625e-07", "9.5367431640625e-07"},
    {"2147483648", "2147483648"},
    {"nan", "NaN"},
    {"-NaN", "NaN"},
    {"inf", "Infinity"},
    {"-INF", "-Infinity"},
    {"+Infinity", "Infinity"},
};

static const struct {
    const char *text;
    const char *printed;
} singles[] = {
    {"0.1", "0.1"},
    {"123456", "123456"},
    {"1234567", "1.234567e+06"},
    {"1000000", "1e+06"},
    {"100000", "100000"},
    {"0.0001", "0.0001"},
    {"0.00001", "1e-05"},
    {"16777217", "1.6777216e+07"},
    {"3.4028235e38", "3.4028235e+38"},
    {"3.40282356e38", "3.4028235e+38"},
    {"3.4028236e38", NULL},
    {"1e-45", "1e-45"},
    {"7.1e-46", "1e-45"},
    {"7e-46", NULL},
    {"1.17549435e-38", "1.1754944e-38"},
    {"1.17549429e-38", "1.1754944e-38"},
    {"1.17549421e-38", "1.1754942e-38"},
    {"8388608", "8.388608e+06"},
    {"0.3", "0.3"},
    {"33554432", "3.3554432e+07"},
    {"9.8607613e-32", "9.8607613e-32"},
    {"-0", "-0"},
    {"infinity", "Infinity"},
};

static const char *const no_numbers[] = {
    "",    " ",    "-",     "+",  ".",   "e5",   "1e",    "1e+",   "1 2",  "1.2.3", "0x1",
    "--1", "1e5x", "infin", "na", "1,5", "nane", "1_000", "1e5.0", "\xff", "+-1",   "1f"};

static void check_table(const char *text, const char *printed, rv_float_width width) {
    double value = 0;
    const rv_float_result result = rv_float_parse(rv_bytes_of_string(text), width, &value);
    if (printed == NULL) {
        RV_CHECK_EQ(result, RV_FLOAT_OUT_OF_RANGE);
        return;
    }
    RV_CHECK_EQ(result, RV_FLOAT_OK);
    RV_CHECK_TEXT(written(value, width), printed);
}

RV_TEST(floats_are_read_and_printed_as_postgresql_does) {
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        check_table(doubles[i].text, doubles[i].printed, RV_FLOAT_DOUBLE);
        RV_CHECK_PASSED();
    }
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        check_table(singles[i].text, singles[i].printed, RV_FLOAT_SINGLE);
        RV_CHECK_PASSED();
    }
    for (size_t i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++) {
        double value = 0;
        RV_CHECK_EQ(rv_float_parse(rv_bytes_of_string(no_numbers[i]), RV_FLOAT_DOUBLE, &value),
                    RV_FLOAT_INVALID);
    }
}

/* The C library's reading of a text, the same reading ours. */
static void check_read(const char *text) {
    double met = 0;
    rv_float_result result = rv_float_parse(rv_bytes_of_string(text), RV_FLOAT_DOUBLE, &met);
    const double expected = strtod(text, NULL);
    if (result == RV_FLOAT_OUT_OF_RANGE) {
        RV_CHECK(expected == 0 || expected - expected != 0);
    } else {
        RV_CHECK_EQ(result, RV_FLOAT_OK);
        if (rv_float_bits(met) != rv_float_bits(expected)) {
            RV_FAIL_AT_("`%s` is read as %.17g, expected %.17g", text, met, expected);
        }
    }
    result = rv_float_parse(rv_bytes_of_string(text), RV_FLOAT_SINGLE, &met);
    const float single = strtof(text, NULL);
    if (result == RV_FLOAT_OUT_OF_RANGE) {
        RV_CHECK(single == 0 || single - single != 0);
    } else {
        RV_CHECK_EQ(result, RV_FLOAT_OK);
        if (rv_float_bits(met) != rv_float_bits((double)single)) {
            RV_FAIL_AT_("`%s` is read as single %.17g, expected %.17g", text, met, (double)single);
        }
    }
}

/* How the C library prints with so many digits, and whether that reads back. */
static bool reads_back(double value, rv_float_width width, int digits, char *text, size_t size) {
    snprintf(text, size, "%.*e", digits - 1, value);
    return width == RV_FLOAT_DOUBLE ? strtod(text, NULL) == value
                                    : (double)strtof(text, NULL) == value;
}

static float single_of_bits(uint32_t bits) {
    float single;
    memcpy(&single, &bits, sizeof single);
    return single;
}

#if WIDE
static uint32_t bits_of_single(float single) {
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return bits;
}
#endif

/* True when a text is half way from a float to one of its neighbours. */
static bool is_midpoint(const char *text, double value, rv_float_width width) {
#if WIDE
    const long double exact = strtold(text, NULL);
    const bool out = exact < 0 ? exact < (long double)value : exact > (long double)value;
    const uint64_t step = out ? 1 : UINT64_MAX;
    const double next = width == RV_FLOAT_DOUBLE
                            ? rv_float_of_bits(rv_float_bits(value) + step)
                            : (double)single_of_bits(bits_of_single((float)value) + (uint32_t)step);
    return exact == ((long double)value + (long double)next) / 2;
#else
    (void)text;
    (void)value;
    (void)width;
    return true;
#endif
}

/* What is printed reads back, has the fewest digits, and among those is the nearest. */
static void check_written(double value, rv_float_width width) {
    char text[64];
    char rounded[64];
    const rv_bytes met = written(value, width);
    RV_CHECK(met.len <= RV_FLOAT_TEXT_MAX);
    memcpy(text, met.ptr, met.len);
    text[met.len] = '\0';
    double again = 0;
    RV_CHECK_EQ(rv_float_parse(met, width, &again), RV_FLOAT_OK);
    RV_CHECK(rv_float_bits(again) == rv_float_bits(value));
    int count = 0;
    bool leading = true;
    int zeros = 0;
    for (size_t i = 0; i < met.len && text[i] != 'e'; i++) {
        leading = leading && (text[i] < '1' || text[i] > '9');
        zeros = text[i] == '0' ? zeros + 1 : text[i] == '.' ? zeros : 0;
        count += !leading && text[i] != '.';
    }
    count -= leading ? 0 : zeros;
    if (count > 1) {
        /* A shorter one that reads back does so by the tie rule alone: it is a midpoint. */
        if (reads_back(value, width, count - 1, rounded, sizeof rounded) &&
            !is_midpoint(rounded, value, width)) {
            RV_FAIL_AT_("%s is printed as %s", rounded, text);
        }
    }
    if (reads_back(value, width, count, rounded, sizeof rounded)) {
        /* The nearest of this length reads back, so it is the one, but for ties. */
        const double a = strtod(rounded, NULL);
        const double b = strtod(text, NULL);
        if (a != b) {
            RV_FAIL_AT_("%s is printed as %s", rounded, text);
        }
    }
}

static const char *const hard[] = {
    /* of a real: so far below its least that the middle between 0 and that needs no asking */
    "0.46914338109381245180788011114156072038032327151628172480358159450360583057973194304952"
    "8405290207764154170250192503078861707771860104451390190120488179596669008439288270901700"
    "1797243918758608036565519221405232513021870477257227554584023337895000363575833503414166"
    "3196763275111986698237666785060920860644110009431657716596663293044219403140249441726675"
    "3747373928772679351380632356914192936476184279312011906923598225218728194274571208804042"
    "4480881943423256367729378468911625136788690945525241706742198654756870911740680272304092"
    "1025325191558624691570734149852952493404990568154629026844411866864993698749922693814256"
    "28605092703026804592391460883036722940451547344387077583826438443945778199041910226052e-"
    "388",
    "1e23",
    "8.5e22",
    "9e-265",
    "5e-125",
    "69e267",
    "999e-26",
    "7861e-34",
    "75569e-254",
    "928609e-261",
    "9210917e80",
    "84863171e114",
    "653777767e273",
    "5232604057e-298",
    "27235667517e-109",
    "653532977297e-123",
    "3142213164987e-294",
    "46202199371337e-72",
    "231010996856685e-73",
    "9324754620109615e212",
    "78459735791271921e49",
    "272104041512242479e200",
    "6802601037806061975e198",
    "20505426358836677347e-221",
    "836168422905420598437e-234",
    "4891559871276714924261e222",
    "8e-324",
    "2.4703282292062327208299439634110764623096661e-324",
    "2.4703282292062327208299439634110764623096662e-324",
    "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775"
    "87"
    "2070963302864166928879109465555478519404026306574886715058206819089020007083836762738548458177"
    "115"
    "3176447573027006985557136695962284291481986083493647529271907416844436551070434271155969950809"
    "304"
    "2880185779999999999",
    "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775"
    "87"
    "2070963302864166928879109465555478519404026306574886715058206819089020007083836762738548458177"
    "115"
    "3176447573027006985557136695962284291481986083493647529271907416844436551070434271155969950809"
    "304"
    "28801904",
    "9007199254740993",
    "9007199254740992.99999999999999999999999999999999",
    "1.00000005960464477539062499999999999999999999999",
    "1.000000059604644775390625",
    "1.00000005960464477539062500000000000000000000001",
    "0.500000029802322387695312499999999",
    "1.17549428e-38",
    "1.1754942807573642918e-38",
    "1.1754942807573642917e-38",
    "7.006492321624085354618e-46",
    "3.4028235677973366163753939545814e38",
    "3.4028235677973366163753939545815e38",
    "2."
    "2250738585072011360574097967091319759348195463516456480234261097248222220210769455165295239081"
    "350"
    "8791414915891303962110687008643869459464552765720740782062174337998814106326732925355228688137"
    "214"
    "9012981122451451889849057222307285255133155755015914397476397983411801999323962548289017107081"
    "850"
    "6906306666559949382757725720157630626906633326475653000092458883164330377797918696120494973903"
    "778"
    "2970490505108060994073026293712895895000358379996720725430436028407889577179615094551674824347"
    "103"
    "0702609144621572289880258182545180325707018860872113128079512233426288368622321503775666622503"
    "982"
    "5343359745688844239002654981983854879482922068947216898310996983658468140228542433306603398508"
    "864"
    "4580400103493397042756718644338377048603786162277173854562306587467901408672332763671875e-308",
};

RV_TEST(hard_cases_are_read_as_the_c_library_reads_them) {
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
        check_read(hard[i]);
        RV_CHECK_PASSED();
    }
}

RV_TEST(random_floats_survive_their_texts) {
    uint64_t state = 1;
    for (uint32_t i = 0; i < RANDOM_COUNT; i++) {
        const double value = rv_float_of_bits(rv_test_random(&state));
        if (rv_float_is_finite(value)) {
            check_written(value, RV_FLOAT_DOUBLE);
        }
        double single = value;
        single = (double)single_of_bits((uint32_t)rv_test_random(&state));
        if (rv_float_is_finite(single)) {
            check_written(single, RV_FLOAT_SINGLE);
        }
        if (rv_test_failed) {
            return;
        }
    }
}

RV_TEST(powers_of_two_and_their_neighbours_survive) {
    for (uint64_t exponent = 0; exponent < 2047; exponent++) {
        for (int64_t step = -2; step <= 2; step++) {
            const uint64_t bits = (exponent << 52) + (uint64_t)step;
            const double value = rv_float_of_bits(bits);
            if (bits < UINT64_C(0x7ff0000000000000)) {
                check_written(value, RV_FLOAT_DOUBLE);
                RV_CHECK_PASSED();
            }
        }
    }
    for (uint32_t exponent = 0; exponent < 255; exponent++) {
        for (int32_t step = -2; step <= 2; step++) {
            const uint32_t bits = (exponent << 23) + (uint32_t)step;
            if (bits < 0x7f800000u) {
                check_written((double)single_of_bits(bits), RV_FLOAT_SINGLE);
                RV_CHECK_PASSED();
            }
        }
    }
}

RV_TEST(random_decimals_are_read_as_the_c_library_reads_them) {
    uint64_t state = 2;
    char text[1200];
    for (uint32_t i = 0; i < RANDOM_COUNT; i++) {
        const uint64_t dice = rv_test_random(&state);
        size_t len = 0;
        size_t digits = 1 + (size_t)(dice % 24);
        digits = dice >> 40 & 63 ? digits : 1 + (size_t)((dice >> 8) % 900);
        const size_t point = (size_t)((dice >> 20) % (digits + 1));
        for (size_t k = 0; k < digits; k++) {
            if (k == point) {
                text[len++] = '.';
            }
            text[len++] = (char)('0' + rv_test_random(&state) % 10);
        }
        const int range = (dice >> 32 & 3) == 0 ? 400 : (dice >> 32 & 3) == 1 ? 60 : 25;
        snprintf(text + len, 16, "e%d",
                 (int)(rv_test_random(&state) % (2 * (unsigned)range)) - range);
        check_read(text);
        RV_CHECK_PASSED();
    }
}

/* The exact midpoint above a double, and texts one in a last place beside it. */
RV_TEST(midpoints_round_to_even_and_what_is_beside_them_does_not) {
    uint64_t state = 3;
    char text[1200];
    for (uint32_t i = 0; i < RANDOM_COUNT / 30; i++) {
        const uint64_t dice = rv_test_random(&state);
        const bool single = (dice & 1) != 0;
        /* A midpoint of singles is a double; one of doubles is printed as a long double is. */
        if (single) {
            const uint32_t low = (uint32_t)(dice >> 32) & 0x7fffffff;
            const float f = single_of_bits(low);
            const float next = single_of_bits(low + 1);
            if (!(f - f == 0) || !(next - next == 0)) {
                continue;
            }
            snprintf(text, sizeof text, "%.200e", ((double)f + (double)next) / 2);
        } else {
#if WIDE
            const double d = rv_float_of_bits(dice >> 1);
            const double next = rv_float_of_bits((dice >> 1) + 1);
            if (!rv_float_is_finite(d) || !rv_float_is_finite(next)) {
                continue;
            }
            snprintf(text, sizeof text, "%.1100Le", ((long double)d + (long double)next) / 2);
#else
            continue;
#endif
        }
        check_read(text);
        RV_CHECK_PASSED();
        char *const exponent = strchr(text, 'e');
        const char last = exponent[-1];
        exponent[-1] = '1';
        check_read(text);
        RV_CHECK_PASSED();
        exponent[-1] = last;
        for (char *at = exponent - 1; at > text; at--) { /* one less in the last place */
            if (*at >= '1' && *at <= '9') {
                *at = (char)(*at - 1);
                break;
            }
            *at = *at == '0' ? '9' : *at;
        }
        check_read(text);
        RV_CHECK_PASSED();
    }
}

RV_TEST(rounded_digits_are_those_of_printf) {
    uint64_t state = 4;
    for (uint32_t i = 0; i < RANDOM_COUNT / 10; i++) {
        const uint64_t dice = rv_test_random(&state);
        double value = rv_float_of_bits(rv_test_random(&state));
        if ((dice & 1) != 0) { /* numbers with few digits, and ties */
            value = (double)(int64_t)(dice >> 44) / (double)(1u << (dice >> 4 & 15));
        }
        if (!rv_float_is_finite(value) || value == 0) {
            continue;
        }
        const uint32_t count = 1 + (uint32_t)(dice >> 8) % RV_FLOAT_DIGITS_MAX;
        char expected[64];
        snprintf(expected, sizeof expected, "%.*e", (int)count - 1, value);
        rv_writer w = rv_writer_over(memory, sizeof memory);
        rv_float_write_rounded(value, count, &w);
        char *const exponent = strchr(expected, 'e');
        char *end = exponent;
        while (count > 1 && end[-1] == '0') {
            end--;
        }
        end -= count > 1 && end[-1] == '.';
        memmove(end, exponent, strlen(exponent) + 1);
        RV_CHECK_TEXT(rv_writer_bytes(&w), expected);
    }
}

RV_TEST(rounding_to_whole_numbers_is_printfs) {
    uint64_t state = 5;
    for (uint32_t i = 0; i < RANDOM_COUNT; i++) {
        const uint64_t dice = rv_test_random(&state);
        double v = rv_float_of_bits(rv_test_random(&state));
        if ((dice & 1) != 0) {
            v = (double)(int32_t)(dice >> 32) / 2.0 / (double)(1u << (dice >> 4 & 7));
        }
        if (!rv_float_is_finite(v)) {
            continue;
        }
        char text[400];
        snprintf(text, sizeof text, "%.0f", v);
        const double round = rv_float_round(v);
        const double floor = rv_float_floor(v);
        const double ceiling = rv_float_ceiling(v);
        RV_CHECK(rv_float_bits(round) == rv_float_bits(strtod(text, NULL)));
        RV_CHECK(floor == rv_float_round(floor) && floor <= v && (floor == v || floor + 1 > v));
        RV_CHECK(ceiling == rv_float_round(ceiling) && ceiling >= v &&
                 (ceiling == v || ceiling - 1 < v));
    }
}

RV_TEST(roots_are_the_nearest) {
    uint64_t state = 7;
    RV_CHECK(rv_float_root(2) == 1.4142135623730951 && rv_float_root(0.25) == 0.5);
    RV_CHECK(rv_float_root(5e-324) == 2.2227587494850775e-162);
    RV_CHECK(rv_float_root(1.7976931348623157e308) == 1.3407807929942596e154);
    RV_CHECK(rv_float_is_nan(rv_float_root(-1)) && rv_float_root(infinity) == infinity);
    RV_CHECK(rv_float_bits(rv_float_root(-0.0)) >> 63 == 1);
    for (uint32_t i = 0; i < RANDOM_COUNT; i++) {
        const double whole = (double)(rv_test_random(&state) >> 38);
        RV_CHECK(rv_float_root(whole * whole) == whole);
#if WIDE
        const double v = rv_float_of_bits(rv_test_random(&state) >> 1);
        if (!rv_float_is_finite(v) || v < 1e-300) {
            continue;
        }
        const double root = rv_float_root(v); /* between the midpoints on both sides of it */
        const double below = rv_float_of_bits(rv_float_bits(root) - 1);
        const double above = rv_float_of_bits(rv_float_bits(root) + 1);
        const long double low = ((long double)root + (long double)below) / 2;
        const long double high = ((long double)root + (long double)above) / 2;
        RV_CHECK(low <= (long double)v / low && high >= (long double)v / high);
#endif
    }
}

RV_TEST(singles_overflow_and_vanish_where_postgresql_says) {
    double v = 3.4028235677973366e+38; /* the midpoint above the largest */
    RV_CHECK(!rv_float_to_single(&v));
    v = 3.4028235677973362e+38;
    RV_CHECK(rv_float_to_single(&v) && v == 3.4028234663852886e+38);
    v = 7e-46;
    RV_CHECK(!rv_float_to_single(&v));
    v = -0.0;
    RV_CHECK(rv_float_to_single(&v) && rv_float_bits(v) >> 63 == 1);
    v = infinity;
    RV_CHECK(rv_float_to_single(&v) && v > 1e308);
}

RV_TEST(order_has_one_nan_above_all_and_one_zero) {
    const double nan = rv_float_of_bits(UINT64_C(0xfff8000000000001));
    RV_CHECK_EQ(rv_float_compare(nan, infinity), 1);
    RV_CHECK_EQ(rv_float_compare(1, nan), -1);
    RV_CHECK_EQ(rv_float_compare(nan, -nan), 0);
    RV_CHECK_EQ(rv_float_compare(-0.0, 0), 0);
    RV_CHECK_EQ(rv_float_compare(-1, 1), -1);
    RV_CHECK(rv_float_bits(rv_float_normal(-0.0)) == 0);
    RV_CHECK(rv_float_bits(rv_float_normal(nan)) == RV_FLOAT_NAN_BITS);
}

/* Every build prints and reads the same: one number over many texts. */
RV_TEST(all_builds_print_the_same) {
    uint64_t state = 6;
    rv_hash128 hash = {0, 0};
    for (uint32_t i = 0; i < 5000; i++) {
        const double value = rv_float_of_bits(rv_test_random(&state));
        const rv_bytes text = written(value, RV_FLOAT_DOUBLE);
        hash = rv_hash128_of(hash.low, text);
        double again = 0;
        RV_CHECK_EQ(rv_float_parse(text, RV_FLOAT_SINGLE, &again) == RV_FLOAT_INVALID, 0);
        hash = rv_hash128_of(hash.low, written(again, RV_FLOAT_SINGLE));
    }
    RV_CHECK_EQ(hash.low, INT64_C(3462081299489618146));
}

int main(void) {
    RV_RUN(floats_are_read_and_printed_as_postgresql_does);
    RV_RUN(hard_cases_are_read_as_the_c_library_reads_them);
    RV_RUN(random_floats_survive_their_texts);
    RV_RUN(powers_of_two_and_their_neighbours_survive);
    RV_RUN(random_decimals_are_read_as_the_c_library_reads_them);
    RV_RUN(midpoints_round_to_even_and_what_is_beside_them_does_not);
    RV_RUN(rounded_digits_are_those_of_printf);
    RV_RUN(rounding_to_whole_numbers_is_printfs);
    RV_RUN(roots_are_the_nearest);
    RV_RUN(singles_overflow_and_vanish_where_postgresql_says);
    RV_RUN(order_has_one_nan_above_all_and_one_zero);
    RV_RUN(all_builds_print_the_same);
    return rv_test_done();
}
