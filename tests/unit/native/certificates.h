/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests, P-256, each good from 2020 to 2119 but for two, with a key that everybody
 * knows. Made by `openssl ca`, with -startdate and -enddate.
 */
#ifndef RV_TESTS_UNIT_NATIVE_CERTIFICATES_H
#define RV_TESTS_UNIT_NATIVE_CERTIFICATES_H

/* A root. */
static const char pem_ca[] = "-----BEGIN CERTIFICATE-----\n"
                             "MIIBWTCCAQCgAwIBAgIUFLMCvz9YMJ9Rm/m/o6J5VlX2rWIwCgYIKoZIzj0EAwIw\n"
                             "EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMTE5MDEwMTAw\n"
                             "MDAwMFowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
                             "A0IABDDUR0F7WjaxHtEGH6P7D581BF7BMF4rBdYy0FHSCq4oZHO4MdENWpucgBiK\n"
                             "UUK3kro09fwuyN03/i/U4+wLyQujMjAwMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0O\n"
                             "BBYEFG1QcUW9DDnIU/vIVUtZZY8IF/kjMAoGCCqGSM49BAMCA0cAMEQCIGvqzmq3\n"
                             "VnBV5LTRLVuY1jmWF4soSj4PgdS7UJonceEpAiAkJM0LtImTxU6aSX9TEr2BPJ/c\n"
                             "587v2IiQopbXvt1cPQ==\n"
                             "-----END CERTIFICATE-----\n";

/* Another, which has signed nothing. */
static const char pem_other_ca[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBWzCCAQKgAwIBAgIUMVNzEYmF8FJUatwGBA7o1BsDRJkwCgYIKoZIzj0EAwIw\n"
    "EzERMA8GA1UEAwwIT3RoZXIgQ0EwIBcNMjAwMTAxMDAwMDAwWhgPMjExOTAxMDEw\n"
    "MDAwMDBaMBMxETAPBgNVBAMMCE90aGVyIENBMFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
    "AQcDQgAEWE5h0QuDIjqCUYHKjYaLmtorrCRmLcVXWuj9TkpQhRLX/FIfqJTagpJa\n"
    "85FonoCADvnl38cER6XCF9M87qMqE6MyMDAwDwYDVR0TAQH/BAUwAwEB/zAdBgNV\n"
    "HQ4EFgQUb6Mx7ke0TsNECXQoQ1JxHG57JH8wCgYIKoZIzj0EAwIDRwAwRAIgQw8u\n"
    "+r8gPwMdT9I9p5xp0/To/TAG4vRWqy5ASjOLoW0CIFi+jLkVwJn/r/syxLrX2efQ\n"
    "SnKVaieak+8JqOo3uPNL\n"
    "-----END CERTIFICATE-----\n";

/* node.test, *.wild.test, 127.0.0.1 and ::1, by the first root. */
static const char pem_leaf[] = "-----BEGIN CERTIFICATE-----\n"
                               "MIIBpjCCAU2gAwIBAgIUUPl437f2SV9Eu7Tv3V36YrPVFiUwCgYIKoZIzj0EAwIw\n"
                               "EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMTE5MDEwMTAw\n"
                               "MDAwMFowFDESMBAGA1UEAwwJbm9kZS50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
                               "AQcDQgAERND09NXj7WlKt1g2BRZSVQcdS0qp6Ce0H8Hs5GZE+cUfy3UsR7ueaQFn\n"
                               "j5RkPcOGpq00wATGC6WAaqHqyqrk2aN9MHswOQYDVR0RBDIwMIIJbm9kZS50ZXN0\n"
                               "ggsqLndpbGQudGVzdIcEfwAAAYcQAAAAAAAAAAAAAAAAAAAAATAdBgNVHQ4EFgQU\n"
                               "22TjCulvrIPGMyxAxpAfiz2zwUUwHwYDVR0jBBgwFoAUbVBxRb0MOchT+8hVS1ll\n"
                               "jwgX+SMwCgYIKoZIzj0EAwIDRwAwRAIgeNFiVrbbn6qAQ3kzapxUmaaWqx7oAPkE\n"
                               "llMtYpd2ccICIEGR/l8MPTNv2bTalI0u87uLj1WZKoJoWSWnNZ4NwqPO\n"
                               "-----END CERTIFICATE-----\n";

/* The same, until 2021. */
static const char pem_expired[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBpjCCAUugAwIBAgIUE9p2hud0XTfs17dE5ovgK6HNZ10wCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHVGVzdCBDQTAeFw0yMDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAw\n"
    "MDBaMBQxEjAQBgNVBAMMCW5vZGUudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
    "A0IABETQ9PTV4+1pSrdYNgUWUlUHHUtKqegntB/B7ORmRPnFH8t1LEe7nmkBZ4+U\n"
    "ZD3DhqatNMAExgulgGqh6sqq5NmjfTB7MDkGA1UdEQQyMDCCCW5vZGUudGVzdIIL\n"
    "Ki53aWxkLnRlc3SHBH8AAAGHEAAAAAAAAAAAAAAAAAAAAAEwHQYDVR0OBBYEFNtk\n"
    "4wrpb6yDxjMsQMaQH4s9s8FFMB8GA1UdIwQYMBaAFG1QcUW9DDnIU/vIVUtZZY8I\n"
    "F/kjMAoGCCqGSM49BAMCA0kAMEYCIQCg54Eu86DS62JOEZbCISDUqySrUBL0ySLn\n"
    "ZPVpzYwUGgIhAPJ6S8I2xBJTkiwzK8pkvArCkWDAIUdQYH1xi2l6GBiL\n"
    "-----END CERTIFICATE-----\n";

/* The same, from 2118 on. */
static const char pem_future[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBqDCCAU+gAwIBAgIUf8IODI5ZOXo2KI6O6Ag0xwiovI4wCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHVGVzdCBDQTAiGA8yMTE4MDEwMTAwMDAwMFoYDzIxMTkwMTAx\n"
    "MDAwMDAwWjAUMRIwEAYDVQQDDAlub2RlLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAARE0PT01ePtaUq3WDYFFlJVBx1LSqnoJ7QfwezkZkT5xR/LdSxHu55p\n"
    "AWePlGQ9w4amrTTABMYLpYBqoerKquTZo30wezA5BgNVHREEMjAwgglub2RlLnRl\n"
    "c3SCCyoud2lsZC50ZXN0hwR/AAABhxAAAAAAAAAAAAAAAAAAAAABMB0GA1UdDgQW\n"
    "BBTbZOMK6W+sg8YzLEDGkB+LPbPBRTAfBgNVHSMEGDAWgBRtUHFFvQw5yFP7yFVL\n"
    "WWWPCBf5IzAKBggqhkjOPQQDAgNHADBEAiAvZacl7CIgt9hrZ2rvIag3cwtLA6Sq\n"
    "aB3PPhcEWndCRwIgfd3VACgGn/pVpFBdoI9lq30o55vhrGGXSWZ0rTf/wUQ=\n"
    "-----END CERTIFICATE-----\n";

/* Of these three. */
static const char pem_key[] = "-----BEGIN EC PRIVATE KEY-----\n"
                              "MHcCAQEEIO2/sEtEi7RstgS8N8oKuQ3/Q7TS6E/2BgnvsrT2E5cdoAoGCCqGSM49\n"
                              "AwEHoUQDQgAERND09NXj7WlKt1g2BRZSVQcdS0qp6Ce0H8Hs5GZE+cUfy3UsR7ue\n"
                              "aQFnj5RkPcOGpq00wATGC6WAaqHqyqrk2Q==\n"
                              "-----END EC PRIVATE KEY-----\n";

/* Of none of them. */
static const char pem_other_key[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIEiCraWOux5a+FTThX7r0t8DfPChptFVoxGSFeE15RojoAoGCCqGSM49\n"
    "AwEHoUQDQgAEWE5h0QuDIjqCUYHKjYaLmtorrCRmLcVXWuj9TkpQhRLX/FIfqJTa\n"
    "gpJa85FonoCADvnl38cER6XCF9M87qMqEw==\n"
    "-----END EC PRIVATE KEY-----\n";

#endif
