/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate that a server shows, and its key, in files that whoever renews certificates
 * writes anew, or links anew, at any time and one after the other. They are looked at now and then:
 * when one is another file, or was changed, both are read. Until they fit each other the ones
 * before stay in use; connections keep those that they began with.
 */
#ifndef RV_NATIVE_TLS_IDENTITY_H
#define RV_NATIVE_TLS_IDENTITY_H

#include "native/tls.h"

/* By which a file is known again. */
typedef struct rv_tls_mark {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t changed_ns;
} rv_tls_mark;

typedef struct rv_tls_identity {
    const char *cert_file; /* NULL: there is none, and no TLS */
    const char *key_file;
    rv_tls_config *config;
    rv_tls_mark cert_mark; /* of the files when they were last read, also in vain */
    rv_tls_mark key_mark;
    uint64_t looked_ms;
} rv_tls_identity;

/* Reads both; the names stay the caller's, both or none of them NULL. Statuses as
 * rv_tls_config_server. */
RV_MUST_USE rv_status rv_tls_identity_open(rv_tls_identity *identity, const char *cert_file,
                                           const char *key_file, rv_error *err);

/* Looks whether there is another certificate, if it is time to. RV_OK: there is, and it is used
 * from now on; RV_PENDING: nothing is new; as rv_tls_config_server, once for each change: what is
 * there now cannot be used. */
RV_MUST_USE rv_status rv_tls_identity_look(rv_tls_identity *identity, uint64_t now_ms,
                                           rv_error *err);

void rv_tls_identity_close(rv_tls_identity *identity); /* also when it is not open */

#endif
