/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host of a module whose storage, clock and entropy are JavaScript's: the imports of the module
 * `rivulet`, and the one export by which operations end.
 *
 *     module -> JavaScript   file_read(slot, file, offset, ptr, len)   1: pending, 0: done
 *     JavaScript -> module   rv_host_done(slot, status, count, file)
 *
 * Every operation has a slot, a small number that is the operation's while it lasts. JavaScript
 * ends it by rv_host_done exactly once: before the import answers 0, or at any time after it has
 * answered 1. Meaning and results of the operations are those of rivulet/host.h. Offsets and sizes
 * are doubles (whole numbers up to 2^53). Memory that an operation names stays where it is. Names
 * are valid ones (platform/file_name.h): others are answered before JavaScript is asked.
 *
 * What breaks these rules is a failure of the storage, not of the module: an import that answers 0
 * and ended nothing, a count beyond what was asked for, a status that is no result.
 */
#ifndef RV_PLATFORM_BROWSER_BROWSER_H
#define RV_PLATFORM_BROWSER_BROWSER_H

#include "rivulet/compression.h"
#include "rivulet/export.h"
#include "rivulet/host.h"

/* Operations under way at once. */
#define RV_BROWSER_SLOTS 64

#if defined(__wasm__)
#define RV_IMPORT(name) __attribute__((import_module("rivulet"), import_name(#name)))
#else
#define RV_IMPORT(name) /* the unit tests define them */
#endif

RV_IMPORT(file_open) int32_t rv_js_file_open(uint32_t slot, const char *name, uint32_t len);
RV_IMPORT(file_create) int32_t rv_js_file_create(uint32_t slot, const char *name, uint32_t len);
RV_IMPORT(file_close) void rv_js_file_close(int32_t file);
RV_IMPORT(file_read)
int32_t rv_js_file_read(uint32_t slot, int32_t file, double offset, uint8_t *buf, uint32_t len);
RV_IMPORT(file_write)
int32_t rv_js_file_write(uint32_t slot, int32_t file, double offset, const uint8_t *bytes,
                         uint32_t len);
RV_IMPORT(file_truncate) int32_t rv_js_file_truncate(uint32_t slot, int32_t file, double size);
RV_IMPORT(file_remove) int32_t rv_js_file_remove(uint32_t slot, const char *name, uint32_t len);
/* Names go to `names` as rv_file_name: 65 bytes each, filled up with zeros. */
RV_IMPORT(file_list) int32_t rv_js_file_list(uint32_t slot, rv_file_name *names, uint32_t cap);
RV_IMPORT(file_flush) int32_t rv_js_file_flush(uint32_t slot, int32_t file);
/* Microseconds from 1970. */
RV_IMPORT(now) double rv_js_now(void);
RV_IMPORT(entropy) void rv_js_entropy(uint8_t *buf, uint32_t len);
/* Raw deflate to bytes; 0 when malformed or longer than `cap`. */
RV_IMPORT(inflate)
uint32_t rv_js_inflate(const uint8_t *in, uint32_t in_len, uint8_t *out, uint32_t cap);

/* Ends the operation of `slot`. `status`: RV_OK or an error by number; `count`: as in rv_io_result;
 * `file`: of open and create, else 0. RV_OK, or RV_REQUEST_INVALID: nothing is under way there. */
int32_t RV_EXPORT(rv_host_done)(uint32_t slot, int32_t status, double count, int32_t file);

/* The host and the compression service that a database is opened with. Nothing may be under way;
 * files that the database before left open are closed. */
rv_host rv_browser_interface(void);
rv_compression rv_browser_compression(void);

/* False while operations are under way, whose buffers JavaScript may still write. */
bool rv_browser_idle(void);

#endif
