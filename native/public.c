/* SPDX-License-Identifier: Apache-2.0 */
#include "native/public.h"

#include "core/base/assert.h"
#include "face/url.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define TARGET_LEN_MAX 1024u

rv_status rv_public_open(rv_public *shown, const char *directory, rv_error *err) {
    RV_ASSERT(shown != NULL);
    RV_ASSERT(!shown->shown);
    if (directory == NULL) {
        return RV_OK;
    }
    shown->folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shown->folder < 0) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "cannot show the files of %s: %s", directory,
                            strerror(errno));
    }
    shown->shown = true;
    return RV_OK;
}

void rv_public_close(rv_public *shown) {
    RV_ASSERT(shown != NULL);
    if (shown->shown) {
        close(shown->folder);
        shown->shown = false;
    }
}

/* --- addresses --- */

/* The first segments of the API's addresses, those that are still to come included. */
static bool is_api(rv_bytes segment) {
    static const char *const places[] = {"streams", "events",  "aggregates", "query",
                                         "schema",  "status",  "healthz",    "readyz",
                                         "sync",    "metrics", "pending",    "rejections"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (rv_bytes_are(segment, places[i])) {
            return true;
        }
    }
    return false;
}

/* A segment as a file's name; false when it can be none that is shown. */
static bool name_of(rv_bytes segment, char *name, size_t cap) {
    RV_ASSERT(cap > 0);
    if (segment.len == 0 || segment.len >= cap || segment.ptr[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < segment.len; i++) {
        if (segment.ptr[i] < ' ' || segment.ptr[i] == '/' || segment.ptr[i] == '\\') {
            return false;
        }
    }
    memcpy(name, segment.ptr, segment.len);
    name[segment.len] = '\0';
    return true;
}

static const char *media_type_of(const char *name) {
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".wasm", "application/wasm"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".txt", "text/plain; charset=utf-8"},
        {".webmanifest", "application/manifest+json"},
        {".woff2", "font/woff2"},
    };
    const char *const dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++) {
        if (strcasecmp(dot, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "application/octet-stream";
}

/* --- files --- */

/* Opens one name below `folder`; `folder` is closed unless it is that of all. */
static int step(const rv_public *shown, int folder, const char *name, bool last) {
    /* without waiting for a FIFO's other end; only regular files are shown anyway */
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (last ? O_NONBLOCK : O_DIRECTORY);
    const int fd = openat(folder, name, flags);
    const int error = errno;
    if (folder != shown->folder) {
        close(folder);
    }
    errno = error;
    return fd;
}

/* Opens the file that the segments name, below the folder; -1 and errno. */
static int open_below(const rv_public *shown, const rv_url *url, bool index) {
    char name[256];
    int fd = shown->folder;
    const size_t count = url->segment_count + (index ? 1 : 0);
    RV_ASSERT(count > 0);
    for (size_t i = 0; i < count && fd >= 0; i++) {
        const rv_bytes segment =
            i < url->segment_count ? url->segments[i] : RV_LITERAL("index.html");
        if (!name_of(segment, name, sizeof name)) {
            if (fd != shown->folder) {
                close(fd);
            }
            errno = ENOENT;
            return -1;
        }
        fd = step(shown, fd, name, i + 1 == count);
    }
    return fd;
}

static void describe(rv_public_file *file, const struct stat *st, const char *name) {
    rv_writer w = rv_writer_over(file->etag, sizeof file->etag - 1);
    rv_write_text(&w, "W/\"");
    rv_write_uint(&w, (uint64_t)st->st_size);
    rv_write_text(&w, "-");
    rv_write_uint(&w, (uint64_t)st->st_mtim.tv_sec);
    rv_write_text(&w, ".");
    rv_write_uint(&w, (uint64_t)st->st_mtim.tv_nsec);
    rv_write_text(&w, "\"");
    RV_ASSERT(!w.full);
    file->etag[w.len] = '\0';
    file->len = (uint64_t)st->st_size;
    file->at = 0;
    file->media_type = media_type_of(name);
}

rv_status rv_public_find(const rv_public *shown, rv_bytes target, rv_public_file *file,
                         rv_error *err) {
    RV_ASSERT(!file->open);
    rv_url url;
    char scratch_bytes[2 * TARGET_LEN_MAX];
    rv_arena scratch = rv_arena_over(scratch_bytes, sizeof scratch_bytes);
    const bool parsed = shown->shown && target.len <= TARGET_LEN_MAX &&
                        rv_url_parse(target, &scratch, &url, NULL) == RV_OK;
    if (!parsed || (url.segment_count > 0 && is_api(url.segments[0]))) {
        return rv_error_set(err, RV_NOT_FOUND, "no file is shown there");
    }
    const size_t path_len = target.len - url.query.len - (url.query.ptr != NULL ? 1 : 0);
    const bool index = url.segment_count == 0 || target.ptr[path_len - 1] == '/';
    const int fd = open_below(shown, &url, index);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        return rv_error_set(err, RV_BUSY, "no more files can be opened now; try again");
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0) {
            close(fd);
        }
        return rv_error_set(err, RV_NOT_FOUND, "no file is shown there");
    }
    char name[256] = "index.html";
    if (!index) {
        const bool named = name_of(url.segments[url.segment_count - 1], name, sizeof name);
        RV_ASSERT(named); /* it was opened */
    }
    describe(file, &st, name);
    file->fd = fd;
    file->open = true;
    return RV_OK;
}

rv_status rv_public_read(rv_public_file *file, rv_writer *w) {
    RV_ASSERT(file->open);
    RV_ASSERT(file->at <= file->len);
    const uint64_t left = file->len - file->at;
    const size_t room = rv_writer_room(w);
    const size_t len = left < room ? (size_t)left : room;
    if (left == 0) {
        return RV_END;
    }
    ssize_t count = -1;
    do { /* a signal may come between; they are few */
        count = pread(file->fd, w->ptr + w->len, len, (off_t)file->at);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        return RV_STORAGE_FAILED;
    }
    w->len += (size_t)count;
    file->at += (uint64_t)count;
    return RV_OK;
}

void rv_public_end(rv_public_file *file) {
    RV_ASSERT(file != NULL);
    if (file->open) {
        close(file->fd);
        file->open = false;
    }
}
