/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what the binary reads before it runs: addresses, amounts of memory and their split, and the
 * compression it gives to sync.
 * Method: tables of valid and invalid texts; every budget from too small to large; data of many
 * kinds there and back, into buffers one byte too small as well.
 */
#include "face/budget.h"
#include "native/address.h"
#include "native/deflate.h"
#include "tests/unit/test.h"

RV_TEST(addresses) {
    rv_address a;
    rv_error err;
    RV_CHECK_STATUS(rv_address_read("ws://example.com:8080/x/sync", RV_ADDRESS_WEBSOCKET, &a, &err),
                    RV_OK);
    RV_CHECK_TEXT(rv_bytes_of_string(a.host), "example.com");
    RV_CHECK_TEXT(rv_bytes_of_string(a.port), "8080");
    RV_CHECK_TEXT(rv_bytes_of_string(a.path), "/x/sync");
    RV_CHECK_STATUS(rv_address_read("WS://[::1]:1", RV_ADDRESS_WEBSOCKET, &a, &err), RV_OK);
    RV_CHECK_TEXT(rv_bytes_of_string(a.host), "::1");
    RV_CHECK_TEXT(rv_bytes_of_string(a.port), "1");
    RV_CHECK_TEXT(rv_bytes_of_string(a.path), "/sync");
    RV_CHECK_STATUS(rv_address_read("http://a/", RV_ADDRESS_HTTP, &a, &err), RV_OK);
    RV_CHECK_TEXT(rv_bytes_of_string(a.port), "80");
    static const char *const bad[] = {"",        "a:1",       "ws://",      "ws://:1",
                                      "ws://a:", "ws://a:x",  "ws://a b",   "ws://[::1",
                                      "http://", "http://a:", "ws://a:1\n", "ws://a:1234567"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const rv_address_kind kind = bad[i][0] == 'h' ? RV_ADDRESS_HTTP : RV_ADDRESS_WEBSOCKET;
        RV_CHECK_STATUS(rv_address_read(bad[i], kind, &a, &err), RV_PARAMETER_INVALID);
    }
    RV_CHECK(!a.secure);
    RV_CHECK_STATUS(rv_address_read("WSS://a/x", RV_ADDRESS_WEBSOCKET, &a, &err), RV_OK);
    RV_CHECK(a.secure);
    RV_CHECK_TEXT(rv_bytes_of_string(a.port), "443");
    RV_CHECK_TEXT(rv_bytes_of_string(a.path), "/x");
    RV_CHECK_STATUS(rv_address_read("https://a:8443", RV_ADDRESS_HTTP, &a, &err), RV_OK);
    RV_CHECK(a.secure);
    RV_CHECK_TEXT(rv_bytes_of_string(a.port), "8443");
    RV_CHECK_STATUS(rv_address_read("https://a", RV_ADDRESS_WEBSOCKET, &a, &err),
                    RV_PARAMETER_INVALID);
    RV_CHECK_STATUS(rv_address_read("wss://", RV_ADDRESS_WEBSOCKET, &a, &err),
                    RV_PARAMETER_INVALID);
}

RV_TEST(amounts_of_memory) {
    size_t bytes = 0;
    rv_error err;
    RV_CHECK_STATUS(rv_budget_parse("64MiB", &bytes, &err), RV_OK);
    RV_CHECK_EQ(bytes, 64 << 20);
    RV_CHECK_STATUS(rv_budget_parse("1GiB", &bytes, &err), RV_OK);
    RV_CHECK_EQ(bytes, 1 << 30);
    RV_CHECK_STATUS(rv_budget_parse("70000KiB", &bytes, &err), RV_OK);
    RV_CHECK_EQ(bytes, 70000 * 1024);
    RV_CHECK_STATUS(rv_budget_parse("123", &bytes, &err), RV_OK);
    RV_CHECK_EQ(bytes, 123);
    static const char *const bad[] = {"",   "MiB",    "64MB",   "64 MiB",
                                      "-1", "1.5GiB", "64MiBx", "99999999999999999999GiB"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        RV_CHECK_STATUS(rv_budget_parse(bad[i], &bytes, &err), RV_PARAMETER_INVALID);
    }
}

RV_TEST(a_budget_is_split_without_rest_or_refused) {
    size_t split = 0;
    for (size_t mib = 1; mib < 2048; mib += 1 + mib / 16) {
        for (unsigned kind = 0; kind < 4; kind++) {
            const rv_budget_options options = {
                .total = mib << 20,
                .edge = (kind & 1) != 0,
                .exchanges_max = (kind & 2) != 0 ? 512 : 4,
                .result_count = (kind & 2) != 0 ? 2 : 1,
                .edges_max = (kind & 2) != 0 ? 128 : 0,
            };
            rv_budget b;
            rv_error err;
            const rv_status status = rv_budget_split(&b, &options, &err);
            if (status != RV_OK) {
                RV_CHECK_STATUS(status, RV_MEMORY_EXHAUSTED);
                RV_CHECK(mib < 64);
                continue;
            }
            split += 1;
            RV_CHECK(b.node >= RV_MEMORY_MIN);
            RV_CHECK(b.node + b.sql + b.face + b.upstream + b.edge <= b.total);
            RV_CHECK(b.total - b.node - b.sql - b.face - b.upstream - b.edge < 4096);
            RV_CHECK((b.edge > 0) == options.edge && (b.upstream > 0) == (options.edges_max > 0));
        }
    }
    RV_CHECK(split > 100);
}

RV_TEST(compression_there_and_back) {
    static uint8_t data[100000];
    static uint8_t packed[110000];
    static uint8_t back[100000];
    rv_deflate *deflate = NULL;
    rv_error err;
    RV_CHECK_STATUS(rv_deflate_create(&deflate, &err), RV_OK);
    const rv_compression c = rv_deflate_interface(deflate);
    uint64_t seed = 5;
    for (size_t len = 0; len < sizeof data; len = len * 3 + 1) {
        for (unsigned entropy = 0; entropy < 3; entropy++) {
            for (size_t i = 0; i < len; i++) {
                data[i] = (uint8_t)(rv_test_random(&seed) >> (entropy * 28));
            }
            const rv_bytes in = rv_bytes_of(data, len);
            const size_t packed_len = c.ops->deflate(c.ctx, in, packed, sizeof packed);
            RV_CHECK(packed_len > 0);
            RV_CHECK_EQ(c.ops->deflate(c.ctx, in, packed, packed_len - 1), 0);
            RV_CHECK_EQ(c.ops->deflate(c.ctx, in, packed, sizeof packed), packed_len);
            const rv_bytes out = rv_bytes_of(packed, packed_len);
            RV_CHECK_EQ(c.ops->inflate(c.ctx, out, back, len), len);
            RV_CHECK(memcmp(data, back, len) == 0);
            RV_CHECK_EQ(c.ops->inflate(c.ctx, out, back, len == 0 ? 0 : len - 1), 0);
            RV_CHECK_EQ(c.ops->inflate(c.ctx, rv_bytes_of(packed, packed_len - 1), back, len), 0);
        }
    }
    rv_deflate_destroy(deflate);
}

int main(void) {
    RV_RUN(addresses);
    RV_RUN(amounts_of_memory);
    RV_RUN(a_budget_is_split_without_rest_or_refused);
    RV_RUN(compression_there_and_back);
    return rv_test_done();
}
