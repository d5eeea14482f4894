/* SPDX-License-Identifier: Apache-2.0 */
/* `rivulet doctor`: reads every file of a data directory once, changes nothing, and says what is
 * damaged, what is intact, and what can be done. See doctor.h. */
#include "cli/doctor.h"

#include <stdlib.h>

void rv_doctor_note(rv_doctor *d, rv_finding_kind kind, const char *file, uint64_t offset,
                    const char *advice, const rv_error *what) {
    RV_ASSERT(kind < RV_FINDING_KINDS && strlen(file) <= RV_FILE_NAME_MAX);
    rv_finding f = {.offset = offset, .kind = kind, .advice = advice};
    const size_t len = what->detail_len < sizeof f.detail ? what->detail_len : sizeof f.detail - 1;
    memcpy(f.file.text, file, strlen(file) + 1);
    memcpy(f.detail, what->detail, len);
    rv_cli_buffer_add(&d->findings, rv_bytes_of(&f, sizeof f));
    d->kinds[kind] += 1;
    RV_ASSERT(d->kinds[kind] > 0);
}

bool rv_doctor_read(rv_doctor *d, const char *name) {
    rv_error err;
    RV_ASSERT(name != NULL);
    d->content.len = 0;
    const rv_status status = d->look->read(name, &d->content, &err);
    if (status != RV_OK) {
        rv_doctor_note(d, RV_FINDING_UNCHECKED, name, RV_DOCTOR_NO_OFFSET,
                       "find out why the system does not read it: rights, or the disk", &err);
    }
    return status == RV_OK;
}

bool rv_doctor_zero(const uint8_t *bytes, uint64_t len) {
    RV_ASSERT(bytes != NULL || len == 0);
    uint64_t at = 0;
    while (at < len && bytes[at] == 0) {
        at += 1;
    }
    return at == len;
}

int rv_command_doctor(rv_cli *cli) {
    static rv_doctor d;
    RV_ASSERT(cli->platform->look != NULL && cli->data != NULL);
    d = (rv_doctor){.cli = cli, .look = cli->platform->look, .next_sequence = 1};
    rv_error err;
    rv_status status = d.look->open(cli->data, &err);
    if (status != RV_OK) {
        return rv_cli_fail(cli, &err);
    }
    status = d.look->list(&d.names, &err);
    int code = RV_EXIT_ERROR;
    if (status == RV_OK) {
        rv_doctor_files(&d);
        rv_doctor_log(&d);
        rv_doctor_caches(&d);
        code = rv_doctor_print(&d);
    } else {
        code = rv_cli_fail(cli, &err);
    }
    d.look->close();
    rv_cli_buffer_free(&d.names);
    rv_cli_buffer_free(&d.segments);
    rv_cli_buffer_free(&d.findings);
    rv_cli_buffer_free(&d.content);
    rv_cli_buffer_free(&d.caches);
    free(d.schema_memory);
    return code;
}
