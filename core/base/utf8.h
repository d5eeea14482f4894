/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef RV_BASE_UTF8_H
#define RV_BASE_UTF8_H

#include "core/base/bytes.h"

/* Length in bytes (1 to 4) of the well-formed character at the start of `text`, else 0. */
size_t rv_utf8_char_len(rv_bytes text);

/* True when all of `text` is well-formed and has no NUL; `*code_points` (may be NULL) gets the
 * number of characters. */
bool rv_utf8_valid(rv_bytes text, size_t *code_points);

/* Writes the UTF-8 form of `code_point` (a scalar value) to `out` (4 bytes); returns its length. */
size_t rv_utf8_encode(uint32_t code_point, uint8_t *out);

#endif
