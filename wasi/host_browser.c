/* SPDX-License-Identifier: Apache-2.0 */
/* A reactor over the imports of platform/browser: JavaScript has mounted the storage before. */
#include "platform/browser/browser.h"
#include "wasi/reactor_host.h"

rv_status rv_reactor_host_open(rv_bytes directory, rv_host *host, rv_error *err) {
    if (directory.len > 0) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "this module's storage has no directories: it is chosen by its host");
    }
    *host = rv_browser_interface();
    return RV_OK;
}

rv_status rv_reactor_host_inflate(rv_compression *compression, rv_error *err) {
    (void)err;
    *compression = rv_browser_compression();
    return RV_OK;
}

bool rv_reactor_host_idle(void) {
    return rv_browser_idle();
}

void rv_reactor_host_close(void) {
    /* the storage is the host's to unmount */
}
