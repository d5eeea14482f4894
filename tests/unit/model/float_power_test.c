/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: powers with whole exponents are the nearest double, to the ends of the range, in every
 * build. Method: vectors from exact fractions (Python's, rounded by its division of integers);
 * squares and inverses against the arithmetic of doubles; bases next to 1 with exponents that bring
 * them to the ends of the range.
 */
#include "core/model/float.h"
#include "core/model/float_power.h"
#include "tests/unit/test.h"

/* Bits of the base, the exponent, bits of the power. */
static const struct {
    uint64_t base;
    int64_t exponent;
    uint64_t power;
} vectors[] = {
    {UINT64_C(0x4024000000000000), 23, UINT64_C(0x44b52d02c7e14af6)},
    {UINT64_C(0x4024000000000000), 22, UINT64_C(0x4480f0cf064dd592)},
    {UINT64_C(0x4024000000000000), 308, UINT64_C(0x7fe1ccf385ebc8a0)},
    {UINT64_C(0x4024000000000000), 309, UINT64_C(0x7ff0000000000000)},
    {UINT64_C(0x4024000000000000), -308, UINT64_C(0x000730d67819e8d2)},
    {UINT64_C(0x4024000000000000), -323, UINT64_C(0x0000000000000002)},
    {UINT64_C(0x4024000000000000), -324, UINT64_C(0x0000000000000000)},
    {UINT64_C(0x4000000000000000), 1023, UINT64_C(0x7fe0000000000000)},
    {UINT64_C(0x4000000000000000), 1024, UINT64_C(0x7ff0000000000000)},
    {UINT64_C(0x4000000000000000), -1022, UINT64_C(0x0010000000000000)},
    {UINT64_C(0x4000000000000000), -1074, UINT64_C(0x0000000000000001)},
    {UINT64_C(0x4000000000000000), -1075, UINT64_C(0x0000000000000000)},
    {UINT64_C(0x4008000000000000), -678, UINT64_C(0x0000000000000001)},
    {UINT64_C(0x4008000000000000), -679, UINT64_C(0x0000000000000000)},
    {UINT64_C(0xc000000000000000), 3, UINT64_C(0xc020000000000000)},
    {UINT64_C(0xc000000000000000), 4, UINT64_C(0x4030000000000000)},
    {UINT64_C(0xc000000000000000), -1074, UINT64_C(0x0000000000000001)},
    {UINT64_C(0x4008000000000000), 33, UINT64_C(0x4333bfefa65abb83)},
    {UINT64_C(0x4008000000000000), 34, UINT64_C(0x434d9fe779881944)},
    {UINT64_C(0x41e8000000000000), 34, UINT64_C(0x7ff0000000000000)},
    {UINT64_C(0x3e28000000000000), 34, UINT64_C(0x038d9fe779881944)},
    {UINT64_C(0x4014000000000000), 27, UINT64_C(0x43d9d971e4fe8402)},
    {UINT64_C(0x401c000000000000), 19, UINT64_C(0x43443f9e0d2d93ec)},
    {UINT64_C(0x401c000000000000), -19, UINT64_C(0x3c99492b4b5383ab)},
    {UINT64_C(0x0000000000000001), 1, UINT64_C(0x0000000000000001)},
    {UINT64_C(0x0000000000000001), -1, UINT64_C(0x7ff0000000000000)},
    {UINT64_C(0x7fefffffffffffff), 1, UINT64_C(0x7fefffffffffffff)},
    {UINT64_C(0x7fefffffffffffff), -1, UINT64_C(0x0004000000000000)},
    {UINT64_C(0x3ff0000000000001), 1000, UINT64_C(0x3ff00000000003e8)},
    {UINT64_C(0x3fefffffffffffff), -1000, UINT64_C(0x3ff00000000001f4)},
    {UINT64_C(0x3fb999999999999a), 300, UINT64_C(0x01a56e1fc2f8f3bd)},
    {UINT64_C(0x3fb999999999999a), -300, UINT64_C(0x7e37e43c8800752c)},
    {UINT64_C(0x3ff8000000000000), 1750, UINT64_C(0x7fe9b64d0768f358)},
    {UINT64_C(0x3ff8000000000000), -1750, UINT64_C(0x0004fa6b366848b3)},
    {UINT64_C(0x433fffffffffffff), 19, UINT64_C(0x7edfffffffffffed)},
    {UINT64_C(0x41a0000002000000), 2, UINT64_C(0x4350000004000000)},
    {UINT64_C(0x4190000004000000), 2, UINT64_C(0x4330000008000001)},
    {UINT64_C(0x433fffffffffffff), 2, UINT64_C(0x468ffffffffffffe)},
    {UINT64_C(0x4053400000000000), -24, UINT64_C(0x36883401c0cc2d9c)},
    {UINT64_C(0xc07da0db492370ca), -78, UINT64_C(0x14995feab157ab2d)},
    {UINT64_C(0x3ff006b322fd7820), -99, UINT64_C(0x3feb3834d6e15d32)},
    {UINT64_C(0x41ce7c922c000000), -3, UINT64_C(0x3a5280c62bd6b5bf)},
    {UINT64_C(0xc307b8531e972490), -5, UINT64_C(0xb071dfe19c38b6b0)},
    {UINT64_C(0x3f4f60114e327805), 4, UINT64_C(0x3d6d92c30cf1dd63)},
    {UINT64_C(0x3ff0000044f9794f), 219, UINT64_C(0x3ff0003b01d71524)},
    {UINT64_C(0xc0b12bcc48000000), -2, UINT64_C(0x3e6bc8b2c709a7bf)},
    {UINT64_C(0x4041800000000000), 20, UINT64_C(0x465802f8fc4ba533)},
    {UINT64_C(0x408a0bd12449ddc3), 69, UINT64_C(0x69c6bc7479222e22)},
    {UINT64_C(0x3ff0012b230d0edf), -144, UINT64_C(0x3feeb655ef2686cd)},
    {UINT64_C(0x45c4e39000000000), -3, UINT64_C(0x2e6cc29dce94594b)},
    {UINT64_C(0x42f23cb445fad2c0), -5, UINT64_C(0x30e0a2059cb3cf65)},
    {UINT64_C(0x3fe470b58bf58fb5), -45, UINT64_C(0x41c124bf83806495)},
    {UINT64_C(0x3ff0348a035e5a82), -151, UINT64_C(0x3fc2ae35694c18d6)},
    {UINT64_C(0x365e715c10000000), -5, UINT64_C(0x6fc4885f32246318)},
    {UINT64_C(0x40f1a0b000000000), 33, UINT64_C(0x6138762d0830330e)},
    {UINT64_C(0x3f02e18fb1fd93c7), -14, UINT64_C(0x4cd9353dfb3ef787)},
    {UINT64_C(0x3ff001010befcbab), 150, UINT64_C(0x3ff09965bf51ec4e)},
    {UINT64_C(0x3f15ba8000000000), 4, UINT64_C(0x3c8b35c9be228798)},
    {UINT64_C(0x41b81cb125000000), 34, UINT64_C(0x7cb15ad10d3e2719)},
    {UINT64_C(0x408b16a908dba675), -80, UINT64_C(0x0f22c8105be660e7)},
    {UINT64_C(0x3ff0067dfa0581cd), 122, UINT64_C(0x3ff3690947f7e37a)},
    {UINT64_C(0x45b086e32c000000), 6, UINT64_C(0x62736ef43073e9c8)},
    {UINT64_C(0x41c28f1335800000), 2, UINT64_C(0x439586ea9fd35fc3)},
    {UINT64_C(0x3f434e981f42ebdc), -82, UINT64_C(0x76eb5a9887b9b88d)},
    {UINT64_C(0xbff000775c302b4b), 251, UINT64_C(0xbff076b5bb1b3477)},
    {UINT64_C(0x3f85000000000000), 5, UINT64_C(0x3ddf28c280000000)},
    {UINT64_C(0x42e6b5aa3da5e2e0), 12, UINT64_C(0x6390b632121e199f)},
    {UINT64_C(0x40771276aec7ae90), 39, UINT64_C(0x54b82b394562b0e3)},
    {UINT64_C(0x3ff0d6c6fcc5b3b6), -159, UINT64_C(0x3f336181002ce199)},
    {UINT64_C(0x3f6e8d9050000000), -5, UINT64_C(0x42742a4832e70139)},
    {UINT64_C(0x4008000000000000), 22, UINT64_C(0x421d39d3e0640000)},
    {UINT64_C(0x3f2d6ba3de3926d9), -44, UINT64_C(0x61442edcafc698f8)},
    {UINT64_C(0x3ff000006fa04839), 139, UINT64_C(0x3ff0003c9c793028)},
    {UINT64_C(0x44b1800000000000), -4, UINT64_C(0x2ce65c3ceb16ef32)},
    {UINT64_C(0x430ba3a977fc1988), 22, UINT64_C(0x7ff0000000000000)},
    {UINT64_C(0xc0840f7f805588b6), 76, UINT64_C(0x6c3bd14c9c369596)},
    {UINT64_C(0x3ff00255e62784b6), 178, UINT64_C(0x3ff1b56ccf4e6bac)},
    {UINT64_C(0x472add87f8000000), 2, UINT64_C(0x4e668dfa93533c02)},
    {UINT64_C(0x403b000000000000), -31, UINT64_C(0x36b839de91b4d021)},
    {UINT64_C(0x408b7fd37596a915), 72, UINT64_C(0x6bf319076053e66d)},
    {UINT64_C(0x3ff00ed6897d6f3d), -234, UINT64_C(0x3fdb75c91c6af2cf)},
    {UINT64_C(0x3c45d411d8000000), -6, UINT64_C(0x55e3da0c34a87367)},
    {UINT64_C(0x4014000000000000), -3, UINT64_C(0x3f80624dd2f1a9fc)},
    {UINT64_C(0xbf46bb3972bd05ed), 74, UINT64_C(0x0f667585a706d27d)},
    {UINT64_C(0x3ff07b25f357d97c), -258, UINT64_C(0x3f3f6e386e2cd55f)},
    {UINT64_C(0xb5aa700000000000), -4, UINT64_C(0x69012be7c0eb9ac1)},
    {UINT64_C(0x4309f83bd14cebb0), -23, UINT64_C(0x0000000000000000)},
    {UINT64_C(0x3f20050ea04fbe04), -31, UINT64_C(0x591ecc917d3dd776)},
    {UINT64_C(0x3ff075fc71ee3bf0), -250, UINT64_C(0x3f4b0cb6de17da59)},
    {UINT64_C(0x4d1990aae0000000), 3, UINT64_C(0x6770512d4b246488)},
    {UINT64_C(0x42fb122850939de0), -31, UINT64_C(0x0000000000000000)},
    {UINT64_C(0xbf4adaaec084f7f0), -6, UINT64_C(0x43c6e774d0c01201)},
    {UINT64_C(0x3ff0460f063dccd0), -264, UINT64_C(0x3f8745ec3e8f5414)},
    {UINT64_C(0x3f0419f0f0000000), -4, UINT64_C(0x4399b095deef2178)},
    {UINT64_C(0x41c2c588e1800000), 24, UINT64_C(0x6bc720b0fb222796)},
    {UINT64_C(0x3fef9de1e550aabc), -17, UINT64_C(0x3ff3a3266e6aed0b)},
    {UINT64_C(0xbff0005ba74a8b92), -291, UINT64_C(0xbfef3244a0d2307b)},
    {UINT64_C(0x485d7e0a28000000), 2, UINT64_C(0x50cb2e62d87e3932)},
};

RV_TEST(powers_are_the_nearest_double) {
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const double base = rv_float_of_bits(vectors[i].base);
        const double power = rv_float_power(base, (double)vectors[i].exponent);
        if (rv_float_bits(power) != vectors[i].power) {
            fprintf(stderr, "%.17g ^ %d: %.17g\n", base, (int)vectors[i].exponent, power);
        }
        RV_CHECK_EQ(rv_float_bits(power), vectors[i].power);
    }
}

/* A product and a quotient of doubles are rounded rightly by the processor. */
RV_TEST(squares_and_inverses_are_those_of_doubles) {
    uint64_t seed = 7;
    for (int i = 0; i < RV_TEST_ROUNDS(200000); i++) {
        const double base = rv_float_of_bits(rv_test_random(&seed));
        if (!rv_float_is_finite(base) || base == 0) {
            continue;
        }
        const double absolute = base < 0 ? -base : base;
        RV_CHECK_EQ(rv_float_bits(rv_float_power(base, 1)), rv_float_bits(base));
        RV_CHECK_EQ(rv_float_bits(rv_float_power(base, 2)), rv_float_bits(base * base));
        RV_CHECK_EQ(rv_float_bits(rv_float_power(base, -1)), rv_float_bits(1 / base));
        RV_CHECK(rv_float_power(absolute, 0) == 1);
    }
}

RV_TEST(the_ends_of_the_range) {
    const double above = 1 + 2.220446049250313e-16; /* the double after 1 */
    const double below = 1 - 1.1102230246251565e-16;
    RV_CHECK(rv_float_power(above, 3e18) > 1e289 &&
             rv_float_is_finite(rv_float_power(above, 3e18)));
    RV_CHECK(!rv_float_is_finite(rv_float_power(above, 4e18)));
    RV_CHECK(!rv_float_is_finite(rv_float_power(below, -1e300)));
    RV_CHECK(rv_float_power(below, 6e18) > 1e-290 && rv_float_power(below, 6e18) < 1e-289);
    RV_CHECK(rv_float_power(below, 9.2e18) == 0);
    RV_CHECK(rv_float_power(above, -1e300) == 0);
    RV_CHECK(rv_float_power(-1, 1e300) == 1 && rv_float_power(-1, 4503599627370497.0) == -1);
    RV_CHECK(rv_float_power(-1, -3) == -1 && rv_float_power(-7, 0) == 1);
    RV_CHECK(rv_float_power(-10, 309) < 0 && !rv_float_is_finite(rv_float_power(-10, 309)));
    RV_CHECK(rv_float_is_whole(-3) && rv_float_is_whole(1e300) && rv_float_is_whole(0));
    RV_CHECK(!rv_float_is_whole(0.5) && !rv_float_is_whole(rv_float_of_bits(0x7ff0000000000000)));
    RV_CHECK(!rv_float_is_whole(rv_float_of_bits(RV_FLOAT_NAN_BITS)));
}

int main(void) {
    RV_RUN(powers_are_the_nearest_double);
    RV_RUN(squares_and_inverses_are_those_of_doubles);
    RV_RUN(the_ends_of_the_range);
    return rv_test_done();
}
