/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that gzip has packed (RFC 1952) is any number of members, one behind the other, and
 * nothing else; one that does not begin with gzip's two bytes is plain. (zlib's own reader of files
 * passes over what follows the last member, so that events could be left out without a word.)
 *
 *     plain
 *     between members -> in a member -> between members … -> the end
 *
 * What was unpacked before a mistake is handed out first: the next call meets the mistake again.
 */
#include "native/input.h"

#include "core/base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define PACKED_LEN (256u * 1024)
#define GZIP_ONLY  (16 + MAX_WBITS) /* inflateInit2: a gzip header, a window of any size */

struct rv_input {
    int fd;
    int64_t size; /* of the file as it is stored; -1: not known */
    int64_t at;   /* bytes that were read of it */
    bool plain;
    bool member; /* in one */
    z_stream stream;
    uint8_t packed[PACKED_LEN];
};

/* Reads what there is room for behind what is there: all of it, unless the file ends. The first
 * bytes tell whether it is packed. */
static rv_status fill(rv_input *in, rv_error *err) {
    static const uint8_t magic[] = {0x1f, 0x8b};
    z_stream *const z = &in->stream;
    const bool first = in->at == 0;
    ssize_t got = 1;
    memmove(in->packed, z->next_in, z->avail_in);
    z->next_in = in->packed;
    while (z->avail_in < PACKED_LEN && got != 0) {
        got = read(in->fd, in->packed + z->avail_in, PACKED_LEN - z->avail_in);
        if (got < 0 && errno != EINTR) {
            return rv_error_set(err, RV_STORAGE_FAILED, "%s", strerror(errno));
        }
        z->avail_in += got < 0 ? 0 : (uInt)got;
        in->at += got < 0 ? 0 : got;
    }
    RV_ASSERT(z->avail_in <= PACKED_LEN);
    if (first) {
        in->plain = z->avail_in < sizeof magic || memcmp(in->packed, magic, sizeof magic) != 0;
    }
    return RV_OK;
}

static rv_status gzip_open(rv_input **input, const char *name, rv_error *err) {
    RV_ASSERT(name != NULL);
    *input = NULL;
    const int fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return rv_error_set(err, RV_DATA_NOT_FOUND, "cannot open %s: %s", name, strerror(errno));
    }
    rv_input *const in = calloc(1, sizeof *in);
    if (in == NULL || inflateInit2(&in->stream, GZIP_ONLY) != Z_OK) {
        free(in);
        close(fd);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory to read %s", name);
    }
    struct stat st;
    in->fd = fd;
    in->size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : -1;
    in->stream.next_in = in->packed;
    *input = in;
    return RV_OK;
}

static rv_status refuse(const rv_input *in, const char *why, rv_error *err) {
    RV_ASSERT(in->at >= (int64_t)in->stream.avail_in);
    return rv_error_set(err, RV_STORAGE_FAILED, "%s, at byte %d of the packed file", why,
                        in->at - (int64_t)in->stream.avail_in + 1);
}

/* Unpacks some of a member into what `stream` says. */
static rv_status unpack(rv_input *in, rv_error *err) {
    z_stream *const z = &in->stream;
    RV_ASSERT(z->avail_in > 0 && z->avail_out > 0);
    if (!in->member && z->next_in[0] != 0x1f) {
        return refuse(in, "there is something that gzip has not packed", err);
    }
    in->member = true;
    const int result = inflate(z, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
        in->member = false;
        return inflateReset(z) == Z_OK ? RV_OK : refuse(in, "the member has no end", err);
    }
    return result == Z_OK ? RV_OK : refuse(in, z->msg != NULL ? z->msg : "it is damaged", err);
}

static rv_status gzip_read(rv_input *input, uint8_t *buf, size_t len, size_t *count,
                           rv_error *err) {
    RV_ASSERT(len <= UINT32_MAX && len > 0);
    z_stream *const z = &input->stream;
    rv_status status = RV_OK;
    z->next_out = buf;
    z->avail_out = (uInt)len;
    while (z->avail_out > 0 && status == RV_OK) { /* each turn takes of the file, or fills `buf` */
        status = z->avail_in == 0 ? fill(input, err) : RV_OK;
        if (status != RV_OK) {
            break;
        }
        if (z->avail_in == 0) {
            status = input->member ? refuse(input, "it ends too early", err) : RV_END;
        } else if (input->plain) {
            const uInt part = z->avail_in < z->avail_out ? z->avail_in : z->avail_out;
            memcpy(z->next_out, z->next_in, part);
            z->next_in += part;
            z->avail_in -= part;
            z->next_out += part;
            z->avail_out -= part;
        } else {
            status = unpack(input, err);
        }
    }
    *count = len - z->avail_out;
    return status == RV_END || *count > 0 ? RV_OK : status;
}

static int gzip_progress(const rv_input *input) {
    RV_ASSERT(input != NULL);
    const int64_t at = input->at - (int64_t)input->stream.avail_in;
    return input->size <= 0 || at < 0 ? -1 : (int)(at * 1000 / input->size);
}

static void gzip_close(rv_input *input) {
    RV_ASSERT(input != NULL);
    (void)inflateEnd(&input->stream);
    close(input->fd);
    free(input);
}

const rv_input_ops rv_input_gzip = {gzip_open, gzip_read, gzip_progress, gzip_close};
