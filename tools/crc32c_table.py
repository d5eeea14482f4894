#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints core/base/crc32c_table.h: the tables of CRC32C for slicing by eight (polynomial 0x1EDC6F41)."""

POLYNOMIAL_REFLECTED = 0x82F63B78


def first_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL_REFLECTED if crc & 1 else 0)
        table.append(crc)
    return table


def main():
    tables = [first_table()]
    for _ in range(7):
        tables.append([tables[0][crc & 255] ^ (crc >> 8) for crc in tables[-1]])
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by tools/crc32c_table.py; do not edit. */")
    print("/* clang-format off */")
    print("#include <stdint.h>\n")
    print("static const uint32_t crc32c_table[8][256] = {")
    for table in tables:
        print("    {")
        for row in range(0, 256, 4):
            print("        " + ", ".join(f"0x{crc:08x}" for crc in table[row : row + 4]) + ",")
        print("    },")
    print("};")


main()
