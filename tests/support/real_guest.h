/*
 * What tests on real guests share: a host, a guest out of guests/ or written in the test, a sandbox
 * for it, and calls in one line.
 *
 * A source is a path below guests/ ("basic/grow.wat", "wasi/churn.wasm") or, when it begins with a
 * parenthesis, the text of a module itself. Everything that is returned belongs to the caller and
 * is freed with the library's own functions. Functions that assert are for the thread that runs the
 * test; guest_call, guest_try_* and the crew (crew.h) are for any thread.
 */
#ifndef BHD_TESTS_REAL_GUEST_H
#define BHD_TESTS_REAL_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bulkhead/bulkhead.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define KIB(n) ((uint64_t)(n)*1024)
#define MIB(n) ((uint64_t)(n)*1024 * 1024)
/* Pages of WebAssembly, in bytes. */
#define PAGE UINT64_C(65536)
#define PAGES(n) ((uint64_t)(n)*PAGE)

/* Sanitizers make everything slow; what takes many rounds takes fewer there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BHD_TESTS_SANITIZED 1
#else
#define BHD_TESTS_SANITIZED 0
#endif
#define ROUNDS(n) (BHD_TESTS_SANITIZED ? ((n) + 19) / 20 : (n))

/* -- status ------------------------------------------------------------------------------- */

/* Fails the test with both names and the message when `status` is not `wanted`. */
void guest_expect(bhd_status wanted, bhd_status status, const bhd_error *error, const char *file,
                  int line);
#define expect_status(wanted, status, error)                                                       \
    guest_expect((wanted), (status), (error), __FILE__, __LINE__)
#define expect_ok(status, error) expect_status(BHD_OK, (status), (error))

/* Fails the test unless `part` is in `text`. */
void guest_expect_in(const char *text, const char *part, const char *file, int line);
#define expect_in(text, part) guest_expect_in((text), (part), __FILE__, __LINE__)

/* -- hosts and components ------------------------------------------------------------------ */

/* With default options, except for a policy range as wide as it can be, and for granting everything
 * (as the next does unless its options say otherwise). */
bhd_host *guest_host(void);
bhd_host *guest_host_with(const bhd_host_options *options);
/* After every bhd_host_new that a test calls itself before it runs a guest; see there. */
void guest_keep_signals(void);

/* max_bytes and the defaults for everything else; change fields as needed. */
bhd_limits guest_limits(uint64_t max_bytes);

/* These ask for clocks and nothing else. */
bhd_status guest_try_component(bhd_host *host, const char *source, const bhd_limits *limits,
                               bhd_component **component, bhd_error *error);
bhd_component *guest_component(bhd_host *host, const char *source, const bhd_limits *limits);
/* Fails the test unless the component is refused with `wanted`, and unless `part` (may be NULL) is
 * in the message. */
void guest_refused(bhd_host *host, const char *source, const bhd_limits *limits, bhd_status wanted,
                   const char *part);

/* -- sandboxes ----------------------------------------------------------------------------- */

bhd_sandbox *guest_sandbox(bhd_component *component);
bhd_sandbox *guest_sandbox_with(bhd_component *component, const bhd_sandbox_options *options);

/* Looks the function up and calls it. The arguments are int32_t, int64_t or double, as the
 * function's parameters say; `result` takes the first result and may be NULL. */
bhd_status guest_vcall(bhd_sandbox *sandbox, bhd_error *error, bhd_value *result, const char *name,
                       va_list arguments);
bhd_status guest_call(bhd_sandbox *sandbox, bhd_error *error, bhd_value *result, const char *name,
                      ...);
/* The same for calls that have to succeed. */
int32_t guest_i32(bhd_sandbox *sandbox, const char *name, ...);
int64_t guest_i64(bhd_sandbox *sandbox, const char *name, ...);
void guest_void(bhd_sandbox *sandbox, const char *name, ...);
/* The same for calls that have to end in `wanted`; `error` may be NULL. */
void guest_ends(bhd_sandbox *sandbox, bhd_status wanted, bhd_error *error, const char *name, ...);
/* Runs a command, which has to succeed, and gives its exit code. */
int guest_run(bhd_sandbox *sandbox);
void guest_run_ends(bhd_sandbox *sandbox, bhd_status wanted, bhd_error *error);

bhd_memory_metrics guest_metrics(const bhd_sandbox *sandbox);
/* Fails the test unless the metrics are exactly these, and consistent in themselves. */
void guest_expect_metrics(const bhd_memory_metrics *metrics, uint64_t current, uint64_t peak,
                          uint64_t growths, uint64_t denials, const char *file, int line);
#define expect_metrics(sandbox, current, peak, growths, denials)                                   \
    do {                                                                                           \
        bhd_memory_metrics expect_metrics_ = guest_metrics(sandbox);                               \
        guest_expect_metrics(&expect_metrics_, (current), (peak), (growths), (denials), __FILE__,  \
                             __LINE__);                                                            \
    } while (0)

/* Live sandboxes, slots in use and retired slots; any of them other than as given fails. */
void guest_expect_stats(const bhd_host *host, uint64_t sandboxes, uint64_t slots_in_use,
                        const char *file, int line);
#define expect_stats(host, sandboxes, slots_in_use)                                                \
    guest_expect_stats((host), (sandboxes), (slots_in_use), __FILE__, __LINE__)

/* -- all of it ----------------------------------------------------------------------------- */

/* One host with one component and one sandbox of it, which is all that most tests need. */
typedef struct guest {
    bhd_host *host;
    bhd_component *component;
    bhd_sandbox *sandbox;
} guest;

guest guest_begin(const char *source, const bhd_limits *limits);
guest guest_begin_with(const bhd_host_options *host_options, const char *source,
                       const bhd_limits *limits, const bhd_sandbox_options *options);
/* Frees the sandbox and makes a new one of the same component. */
void guest_again(guest *g);
/* Frees everything, and fails the test when something of the sandboxes remains in the host. */
void guest_end(guest *g);

/* -- what a guest writes ------------------------------------------------------------------- */

/* Keeps the beginning of a stream and counts all of it; always terminated. */
typedef struct guest_output {
    char text[4096];
    size_t kept;
    uint64_t total;
} guest_output;

bhd_stream guest_stream_to(guest_output *output);

#endif
