/* SPDX-License-Identifier: Apache-2.0 */
/* The names that a WASM module exports are the functions declared through RV_EXPORT, no others. */
#ifndef RIVULET_EXPORT_H
#define RIVULET_EXPORT_H

#if defined(__wasm__)
#define RV_EXPORT(name) __attribute__((export_name(#name), used)) name
#else
#define RV_EXPORT(name) name
#endif

#endif
