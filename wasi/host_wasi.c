/* SPDX-License-Identifier: Apache-2.0 */
/* A reactor over a data directory below a preopened one. */
#include "core/base/assert.h"
#include "platform/posix/posix.h"
#include "wasi/reactor_host.h"

#include <string.h>

#define PATH_LEN_MAX 4096u /* as most systems have it */

static rv_posix *files;

rv_status rv_reactor_host_open(rv_bytes directory, rv_host *host, rv_error *err) {
    char path[PATH_LEN_MAX];
    RV_ASSERT(host != NULL);
    RV_ASSERT(files == NULL);
    if (directory.len == 0 || directory.len >= sizeof path) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "the option `directory` is a path below what the host of this module "
                            "has preopened, of 1 to %u bytes",
                            (uint64_t)sizeof path - 1);
    }
    RV_ASSERT(memchr(directory.ptr, '\0', directory.len) == NULL); /* it comes from JSON */
    memcpy(path, directory.ptr, directory.len);
    path[directory.len] = '\0';
    const rv_status status = rv_posix_open(path, NULL, &files, err);
    if (status == RV_OK) {
        *host = rv_posix_interface(files);
    }
    return status;
}

rv_status rv_reactor_host_inflate(rv_compression *compression, rv_error *err) {
    (void)compression;
    return rv_error_set(err, RV_UNSUPPORTED,
                        "this module inflates nothing: leave out the option `inflate`");
}

bool rv_reactor_host_idle(void) {
    return true; /* every operation is done in its call */
}

void rv_reactor_host_close(void) {
    rv_posix_close(files);
    files = NULL;
}
