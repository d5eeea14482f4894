/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reactor stands on, chosen when it is linked: wasi/host_browser.c (imports of JavaScript)
 * or wasi/host_wasi.c (WASI's files). A module has one host.
 */
#ifndef RV_WASI_REACTOR_HOST_H
#define RV_WASI_REACTOR_HOST_H

#include "core/base/error.h"
#include "rivulet/compression.h"
#include "rivulet/host.h"

/* Opens the host. `directory`: of the options, or empty. RV_PARAMETER_INVALID: it has no
 * directories; RV_DATA_IN_USE, RV_DATA_NOT_FOUND, RV_DATA_NOT_WRITABLE. */
RV_MUST_USE rv_status rv_reactor_host_open(rv_bytes directory, rv_host *host, rv_error *err);

/* The service that inflates; RV_UNSUPPORTED where there is none. */
RV_MUST_USE rv_status rv_reactor_host_inflate(rv_compression *compression, rv_error *err);

/* False while the host may still write into memory that it was given. */
bool rv_reactor_host_idle(void);

/* Nothing is open any more. */
void rv_reactor_host_close(void);

#endif
