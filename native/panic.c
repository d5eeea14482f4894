/* SPDX-License-Identifier: Apache-2.0 */
#include "native/panic.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/panic.h"
#include "core/base/writer.h"

#define PATH_MAX_BYTES 4096u
#define STACK_BYTES    (64u * 1024u)

/* Sanitizers have handlers of their own for what the processor finds. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(SANITIZED) || defined(__SANITIZE_ADDRESS__)
static const int signals[] = {SIGILL, SIGTRAP};
#else
static const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
#endif

/* Where the program lies in memory: places are told from there. */
extern const char __executable_start;

/* What the handler finds; it may run at any instruction, so `at_work` is set last. */
static struct {
    const volatile uint64_t *volatile at_work;
    char file[PATH_MAX_BYTES];
    char stack[STACK_BYTES]; /* the program's own may be what is used up */
} panic;

static uint64_t place_of(const void *context) {
    const ucontext_t *const c = context;
    uintptr_t at = 0;
#if defined(__x86_64__)
    at = (uintptr_t)c->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    at = (uintptr_t)c->uc_mcontext.pc;
#elif defined(__arm__)
    at = (uintptr_t)c->uc_mcontext.arm_pc;
#else
    (void)c;
#endif
    return at == 0 ? 0 : (uint64_t)(at - (uintptr_t)&__executable_start);
}

static void tell(const rv_panic *record, bool written) {
    char text[PATH_MAX_BYTES + 256];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_write_text(&w, "rivulet: panicked: stopped at position ");
    rv_write_uint(&w, record->position);
    rv_write_text(&w, ", at +0x");
    const uint8_t *const bytes = (const uint8_t *)&record->place;
    for (unsigned i = sizeof record->place; i > 0; i -= 1) {
        rv_write_hex(&w, rv_bytes_of(&bytes[i - 1], 1));
    }
    rv_write_text(&w, written ? "; recorded in " : "; could not be recorded in ");
    rv_write_text(&w, panic.file);
    rv_write_u8(&w, '\n');
    const ssize_t told = write(STDERR_FILENO, text, w.len);
    (void)told;
}

/* Only what a handler may call. The signal is as it was without us (SA_RESETHAND), so going back to
 * the instruction ends the process. */
static void record_panic(int number, siginfo_t *info, void *context) {
    const volatile uint64_t *const at_work = panic.at_work;
    if (at_work == NULL) {
        return;
    }
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const rv_panic record = {.position = *at_work,
                             .place = place_of(context),
                             .time = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000};
    uint8_t bytes[RV_PANIC_SIZE];
    rv_panic_encode(&record, bytes);
    const int fd = open(panic.file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    const bool written = fd >= 0 && write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes;
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    tell(&record, written);
    if (info->si_code <= 0) {
        (void)raise(number); /* sent, not met: going back would go on */
    }
}

void rv_panic_watch(const char *path, const volatile uint64_t *at_work) {
    RV_ASSERT(path != NULL && at_work != NULL && panic.at_work == NULL);
    static const char name[] = "/" RV_PANICS_FILE;
    const size_t len = strlen(path);
    if (len + sizeof name > sizeof panic.file) {
        return; /* such a path was never opened */
    }
    memcpy(panic.file, path, len);
    memcpy(panic.file + len, name, sizeof name);
    const stack_t stack = {.ss_sp = panic.stack, .ss_size = sizeof panic.stack};
    const int failed = sigaltstack(&stack, NULL);
    RV_ASSERT(failed == 0);
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
    action.sa_sigaction = record_panic;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i += 1) {
        const int refused = sigaction(signals[i], &action, NULL);
        RV_ASSERT(refused == 0);
    }
    panic.at_work = at_work;
}

void rv_panic_forget(void) {
    panic.at_work = NULL;
}
