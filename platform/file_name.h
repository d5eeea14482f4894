/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file names a host takes, the same on all of them, so that a name that works in a test works
 * on a disk: 1 to RV_FILE_NAME_MAX bytes of [a-z0-9.-], not starting with a dot (which closes out
 * `.`, `..` and hidden files), and not `lock`, which belongs to the host itself.
 *
 * The node chooses its names, so a bad one is not expected; a host answers it as a file that cannot
 * exist: RV_DATA_NOT_FOUND for open and remove, RV_STORAGE_FAILED for create.
 */
#ifndef RV_PLATFORM_FILE_NAME_H
#define RV_PLATFORM_FILE_NAME_H

#include "rivulet/host.h"

#include <string.h>

#define RV_FILE_NAME_LOCK "lock"
#define RV_FILE_NAME_HELD ".held" /* hosts without locks: docs/decisions/0007-one-holder.md */

/* True when `name` (NUL-terminated) is one that hosts take. */
static inline bool rv_file_name_valid(const char *name) {
    size_t len = 0;
    for (; len <= RV_FILE_NAME_MAX && name[len] != '\0'; len++) {
        const char c = name[len];
        const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter_or_digit && c != '.' && c != '-') {
            return false;
        }
    }
    return len > 0 && len <= RV_FILE_NAME_MAX && name[0] != '.' &&
           strcmp(name, RV_FILE_NAME_LOCK) != 0;
}

#endif
