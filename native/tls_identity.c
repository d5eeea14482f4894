/* SPDX-License-Identifier: Apache-2.0 */
#include "native/tls_identity.h"

#include <sys/stat.h>

/* Of a file that is not there, zeros. */
static rv_tls_mark mark_of(const char *file) {
    struct stat s;
    if (stat(file, &s) != 0) {
        return (rv_tls_mark){0};
    }
    return (rv_tls_mark){
        .device = (uint64_t)s.st_dev,
        .inode = (uint64_t)s.st_ino,
        .size = (uint64_t)s.st_size,
        .changed_ns = (int64_t)s.st_ctim.tv_sec * 1000000000 + (int64_t)s.st_ctim.tv_nsec,
    };
}

static bool same(const rv_tls_mark *a, const rv_tls_mark *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed_ns == b->changed_ns;
}

rv_status rv_tls_identity_open(rv_tls_identity *identity, const char *cert_file,
                               const char *key_file, rv_error *err) {
    RV_ASSERT((cert_file == NULL) == (key_file == NULL));
    *identity = (rv_tls_identity){.cert_file = cert_file, .key_file = key_file};
    if (cert_file == NULL) {
        return RV_OK;
    }
    identity->cert_mark = mark_of(cert_file); /* before they are read: a change is not missed */
    identity->key_mark = mark_of(key_file);
    return rv_tls_config_server(&identity->config, cert_file, key_file, err);
}

rv_status rv_tls_identity_look(rv_tls_identity *identity, uint64_t now_ms, rv_error *err) {
    if (identity->cert_file == NULL || now_ms - identity->looked_ms < RV_TLS_LOOK_MS) {
        return RV_PENDING;
    }
    RV_ASSERT(identity->config != NULL);
    identity->looked_ms = now_ms;
    const rv_tls_mark cert = mark_of(identity->cert_file);
    const rv_tls_mark key = mark_of(identity->key_file);
    if (same(&cert, &identity->cert_mark) && same(&key, &identity->key_mark)) {
        return RV_PENDING;
    }
    identity->cert_mark = cert;
    identity->key_mark = key;
    rv_tls_config *config;
    const rv_status status =
        rv_tls_config_server(&config, identity->cert_file, identity->key_file, err);
    if (status == RV_OK) {
        rv_tls_config_drop(identity->config);
        identity->config = config;
    }
    return status;
}

void rv_tls_identity_close(rv_tls_identity *identity) {
    rv_tls_config_drop(identity->config);
    *identity = (rv_tls_identity){0};
}
