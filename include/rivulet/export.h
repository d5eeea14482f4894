/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is visible from outside: a WASM module exports the functions declared through RV_EXPORT, a
 * shared library those declared RV_API, and no others.
 */
#ifndef RIVULET_EXPORT_H
#define RIVULET_EXPORT_H

#if defined(__wasm__)
#define RV_EXPORT(name) __attribute__((export_name(#name), used)) name
#else
#define RV_EXPORT(name) name
#endif

#if defined(__GNUC__)
#define RV_API __attribute__((visibility("default")))
#else
#define RV_API
#endif

#endif
