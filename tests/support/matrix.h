/*
 * The public interface under threads, as a matrix: what becomes of every function in every state
 * of its sandbox, from every thread. test_matrix.c runs each cell and holds docs/EMBEDDING.md
 * against this table; tests/structure/matrix.sh sees to it that no function is missing.
 *
 *     +  it does what it is for
 *     B  BHD_BUSY
 *     D  BHD_SANDBOX_DEAD
 *     I  BHD_INVALID_ARGUMENT
 *     U  BHD_NOT_SUPPORTED
 *     0  false, NULL or 0, at once
 *     W  it waits until the program's code that is in the way has returned, and is done then
 *     L  it returns at once, and the last one out frees
 *     S  the same, and it may be done already
 *     .  there is no such cell
 */
#ifndef BHD_TESTS_MATRIX_H
#define BHD_TESTS_MATRIX_H

#include "bulkhead/bulkhead.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* What the sandbox is doing. */
#define MATRIX_STATES(X)                                                                           \
    X(NEW, "new")                                                                                  \
    X(IDLE, "idle")                                                                                \
    X(CALLED, "called directly")                                                                   \
    X(QUEUED, "queued")                                                                            \
    X(RUNNING, "on a worker")                                                                      \
    X(WAITING, "waiting")                                                                          \
    X(CALLBACK, "in its callback")                                                                 \
    X(ENDED, "ended")                                                                              \
    X(FREED, "being freed")

/* From where the function is called. */
#define MATRIX_PLACES(X)                                                                           \
    X(SAME, "the same")                                                                            \
    X(OTHER, "another thread")                                                                     \
    X(OF_THIS, "a callback of this sandbox")                                                       \
    X(OF_ANOTHER, "a callback of another sandbox")                                                 \
    X(OF_HOST, "a callback of another host")                                                       \
    X(BENEATH, "beneath another's guest on a worker")                                              \
    X(UNDER, "beneath another's guest, called directly")

typedef enum matrix_state {
#define MATRIX_ENUM(name, text) IN_##name,
    MATRIX_STATES(MATRIX_ENUM) STATES
} matrix_state;

typedef enum matrix_place {
#define MATRIX_PLACE(name, text) AT_##name,
    MATRIX_PLACES(MATRIX_PLACE) PLACES
} matrix_place;

/* X(group, one text for each place, one character for each state). */
#define MATRIX_GROUPS(X)                                                                           \
    X(USES, "++BBBB+DD", "++BBBB+DD", ".+BBBB+DD", "++BBBB+DD", "++BBBB+DD", "++BBBB+DD",          \
      "++BBBB+DD")                                                                                 \
    X(LOOKS, "++0000++0", "++0000++0", ".+0000++0", "++0000++0", "++0000++0", "++0000++0",         \
      "++0000++0")                                                                                 \
    X(ANY, "+++++++++", "+++++++++", ".++++++++", "+++++++++", "+++++++++", "+++++++++",           \
      "+++++++++")                                                                                 \
    X(FREES, "++LWL+++.", "++WWW+W+.", ".+L+L+L+.", "++L+L+L+.", "++LLLSL+.", "++LLLSL+.",         \
      "++LLLSL+.")                                                                                 \
    X(CALL, ".+.+++++.", ".+.++++++", ".+.++++++", ".+.++++++", ".+.++++++", ".+.++++++",          \
      ".+.++++++")                                                                                 \
    X(POLLS, ".+.000++.", ".+.0000+0", ".+.0000++", ".+.0000+0", ".+.0000+0", ".+.0000+0",         \
      ".+.0000+0")                                                                                 \
    X(RESULT, ".+.III++.", ".+.IIII+I", ".+.IIII++", ".+.IIII+I", ".+.IIII+I", ".+.IIII+I",        \
      ".+.IIII+I")                                                                                 \
    X(WAITS, ".+.W0W++.", ".+.WWWW+W", ".+.0000++", ".+.0000+0", ".+.0000+0", ".+.0000+0",         \
      ".+.WWWW+W")                                                                                 \
    X(FREES_CALL, ".+.WL+L+.", ".+.WW+W+W", ".+.+L+L+L", ".+.+L+L+L", ".+.LLSL+L", ".+.LLSL+L",    \
      ".+.LLSL+L")                                                                                 \
    X(ANSWERS, "..+.++...", "..+.++...", "..+.++...", "..+.++...", "..+.++...", "..+.++...",       \
      "..+.++...")                                                                                 \
    X(DEFERS, "..U.UI...", "..U.UI...", "..U.UI...", "..U.UI...", "..U.UI...", "..U.UI...",        \
      "..U.UI...")                                                                                 \
    X(REACHES, "..+.+I...", "..I.II...", "..I.II...", "..I.II...", "..I.II...", "..I.II...",       \
      "..I.II...")

/* X(function, group). */
#define MATRIX_FUNCTIONS(X)                                                                        \
    X(bhd_sandbox_call, USES)                                                                      \
    X(bhd_sandbox_run, USES)                                                                       \
    X(bhd_sandbox_submit, USES)                                                                    \
    X(bhd_sandbox_submit_run, USES)                                                                \
    X(bhd_sandbox_submit_drop, USES)                                                               \
    X(bhd_sandbox_drop, USES)                                                                      \
    X(bhd_sandbox_function, USES)                                                                  \
    X(bhd_sandbox_read, USES)                                                                      \
    X(bhd_sandbox_write, USES)                                                                     \
    X(bhd_sandbox_resource, USES)                                                                  \
    X(bhd_sandbox_data, LOOKS)                                                                     \
    X(bhd_sandbox_output, LOOKS)                                                                   \
    X(bhd_sandbox_metrics, ANY)                                                                    \
    X(bhd_sandbox_fuel_consumed, ANY)                                                              \
    X(bhd_sandbox_denied, ANY)                                                                     \
    X(bhd_sandbox_id, ANY)                                                                         \
    X(bhd_sandbox_is_dead, ANY)                                                                    \
    X(bhd_sandbox_cancel, ANY)                                                                     \
    X(bhd_function_parameters, ANY)                                                                \
    X(bhd_function_results, ANY)                                                                   \
    X(bhd_function_arguments, ANY)                                                                 \
    X(bhd_value_copy, ANY)                                                                         \
    X(bhd_value_fini, ANY)                                                                         \
    X(bhd_sandbox_new, ANY)                                                                        \
    X(bhd_component_name, ANY)                                                                     \
    X(bhd_component_version, ANY)                                                                  \
    X(bhd_component_get_kind, ANY)                                                                 \
    X(bhd_component_limits, ANY)                                                                   \
    X(bhd_component_capabilities, ANY)                                                             \
    X(bhd_component_new, ANY)                                                                      \
    X(bhd_component_load, ANY)                                                                     \
    X(bhd_component_load_file, ANY)                                                                \
    X(bhd_component_free, ANY)                                                                     \
    X(bhd_inspect, ANY)                                                                            \
    X(bhd_precompile, ANY)                                                                         \
    X(bhd_host_policy, ANY)                                                                        \
    X(bhd_host_get_stats, ANY)                                                                     \
    X(bhd_host_free, ANY)                                                                          \
    X(bhd_sandbox_free, FREES)                                                                     \
    X(bhd_call_cancel, CALL)                                                                       \
    X(bhd_call_exit_code, CALL)                                                                    \
    X(bhd_call_poll, POLLS)                                                                        \
    X(bhd_call_result, RESULT)                                                                     \
    X(bhd_call_wait, WAITS)                                                                        \
    X(bhd_call_free, FREES_CALL)                                                                   \
    X(bhd_invocation_sandbox_id, ANSWERS)                                                          \
    X(bhd_invocation_user_data, ANSWERS)                                                           \
    X(bhd_invocation_resource, ANSWERS)                                                            \
    X(bhd_invocation_data, ANSWERS)                                                                \
    X(bhd_invocation_return, ANSWERS)                                                              \
    X(bhd_invocation_fail, ANSWERS)                                                                \
    X(bhd_invocation_defer, DEFERS)                                                                \
    X(bhd_invocation_read, REACHES)                                                                \
    X(bhd_invocation_write, REACHES)

/* One call, and how often its callback has returned. */
typedef struct matrix_role {
    struct matrix_scene *scene;
    bhd_call *call;
    atomic_int callbacks;
} matrix_role;

/* A cell as it is played. Everything is here before `go`, and is looked at after `done`. */
typedef struct matrix_scene {
    matrix_state state;
    matrix_place place;
    const struct matrix_function *function;
    char expected;

    /* For all cells of a process. */
    bhd_imports *imports;
    uint32_t workers;
    bhd_host *host, *other_host;
    bhd_component *direct, *on_fiber, *elsewhere; /* the last one of the other host */
    bhd_manifest *manifest;

    bhd_sandbox *sandbox, *executors, *blockers;
    bhd_function *nop;
    bhd_value handle; /* of a resource of the host in `sandbox` */
    bhd_invocation *invocation;
    matrix_role own, executor, blocker;
    matrix_role *subject; /* whose call the functions of calls are about */
    pthread_t threads[3];
    size_t thread_count;

    sem_t in_place, go, done, leave; /* of whoever calls the function */
    sem_t parked, release;           /* of what is in the way */
    sem_t blocked, unblock;
    atomic_bool is_released;

    /* What calling the function gave, and when it returned. */
    char gave;
    bool was_released, was_freed, was_called_back;
    uint64_t live_before;

    /* What the function has made or ended. */
    bool has_answered, has_freed_sandbox, has_freed_call, has_freed_handle;
    bhd_call *made_call;
    bhd_sandbox *made_sandbox;
    bhd_component *made_component;
} matrix_scene;

typedef struct matrix_function {
    const char *name;
    char (*call)(matrix_scene *scene); /* +, 0 or what the status is */
    const char *const *expected;       /* [place][state] */
} matrix_function;

/* In the order of the table. */
extern const matrix_function matrix_functions[];
extern const size_t matrix_function_count;

/* Plays one cell, and gives what became of it: one of the above; ? for another failure, R when
 * something of a sandbox remains, C when a callback came not once. */
char matrix_play(matrix_scene *scene);
void matrix_end(matrix_scene *scene);

#endif
