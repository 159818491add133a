/*
 * Every way in which a guest can wait in the host, as docs/ISOLATION.md lists them: while many
 * sandboxes of one tenant wait so, another tenant's guest runs to its end, on the one thread that a
 * host has for submitted calls, and on a thread of its own. tests/structure/waits.sh compares the
 * rows here with the rows there.
 *
 * getaddrinfo is replaced by one that answers from a table, or not until the test says so.
 */
#include "support/connect_guest.h"
#include "support/hostile.h"
#include "support/process_facts.h"
#include "support/submitted.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pty.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than the host has threads for anything. */
#define WAITING 40
#define PATIENCE_SECONDS 120
/* Of whoever waits: much longer than the test. */
#define WAIT_SECONDS 120.0

/* -- a resolver ------------------------------------------------------------------------------- */

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_free = PTHREAD_COND_INITIALIZER;
static bool names_are_free;                           /* names_lock */
static unsigned looking_now, looking_most, looked_up; /* names_lock */

static void names_let(bool free)
{
    pthread_mutex_lock(&names_lock);
    names_are_free = free;
    if (!free)
        looking_most = looked_up = 0;
    pthread_cond_broadcast(&names_free);
    while (free && looking_now > 0)
        pthread_cond_wait(&names_free, &names_lock);
    pthread_mutex_unlock(&names_lock);
}

static unsigned names_seen(unsigned *now)
{
    pthread_mutex_lock(&names_lock);
    unsigned most = looking_most;
    *now = looking_now;
    pthread_mutex_unlock(&names_lock);
    return most;
}

static void wait_for_the_server(void)
{
    pthread_mutex_lock(&names_lock);
    looked_up++;
    looking_now++;
    looking_most = looking_now > looking_most ? looking_now : looking_most;
    while (!names_are_free)
        pthread_cond_wait(&names_free, &names_lock);
    looking_now--;
    pthread_cond_broadcast(&names_free);
    pthread_mutex_unlock(&names_lock);
}

/* What begins with s is slow and then has no address. */
static const struct {
    const char *name, *address;
} known[] = {
    {"one.example", "192.0.2.1"},
    {"own.example", "127.0.0.1"},
    {"met.example", "169.254.169.254"},
};

/* Visible to the engine too, which is a shared library here. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **found)
{
    (void)service;
    (void)hints;
    if (name[0] == 's')
        wait_for_the_server();
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        struct {
            struct addrinfo info;
            struct sockaddr_in address;
        } *one = calloc(1, sizeof *one);
        if (!one)
            return EAI_MEMORY;
        one->address.sin_family = AF_INET;
        (void)inet_pton(AF_INET, known[i].address, &one->address.sin_addr);
        one->info.ai_family = AF_INET;
        one->info.ai_socktype = SOCK_STREAM;
        one->info.ai_addrlen = sizeof one->address;
        one->info.ai_addr = (struct sockaddr *)&one->address;
        *found = &one->info;
        return 0;
    }
    return EAI_NONAME;
}

__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *info)
{
    free(info);
}

/* -- ways to wait ----------------------------------------------------------------------------- */

#define P1_FLOOD                                                                                   \
    "(module (import \"wasi_snapshot_preview1\" \"fd_write\""                                      \
    " (func $w (param i32 i32 i32 i32) (result i32)))"                                             \
    " (memory (export \"memory\") 1) (func (export \"_start\")"                                    \
    " (memory.fill (i32.const 64) (i32.const 10) (i32.const 4000))"                                \
    " (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 3001))"         \
    " (loop $l (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))"          \
    " (br $l))))"
#define P1_READ                                                                                    \
    "(module (import \"wasi_snapshot_preview1\" \"fd_read\""                                       \
    " (func $r (param i32 i32 i32 i32) (result i32)))"                                             \
    " (memory (export \"memory\") 1) (func (export \"_start\")"                                    \
    " (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8))"            \
    " (drop (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))))"
#define P1_SLEEP                                                                                   \
    "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""                                   \
    " (func $p (param i32 i32 i32 i32) (result i32)))"                                             \
    " (memory (export \"memory\") 1) (func (export \"_start\")"                                    \
    " (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const -1))"          \
    " (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"

/* What stands around the guests that wait. */
typedef struct place {
    int kept[2]; /* the program's own input and output */
    int ends[2]; /* of what is in their place */
    int listener, clients[8];
    uint16_t port;
    bhd_endpoint network[COUNT_OF(known) + 16];
    char names[16][16];
    bhd_capabilities asked;
} place;

static void place_stream(place *p, int fd, int other, int own)
{
    p->ends[0] = other;
    p->ends[1] = own;
    assert_int_equal(fd, dup2(own, fd));
}

static void pipe_for_output(place *p)
{
    int ends[2];
    assert_int_equal(0, pipe(ends));
    place_stream(p, STDOUT_FILENO, ends[0], ends[1]);
}

static void terminal_for_output(place *p)
{
    int ends[2];
    assert_int_equal(0, openpty(&ends[0], &ends[1], NULL, NULL, NULL));
    place_stream(p, STDOUT_FILENO, ends[0], ends[1]);
}

static void pipe_for_input(place *p)
{
    int ends[2];
    assert_int_equal(0, pipe(ends));
    place_stream(p, STDIN_FILENO, ends[1], ends[0]);
    p->asked.standard_input = true;
}

static void nothing(place *p)
{
    (void)p;
}

static void peer(place *p)
{
    p->listener = connect_listen(&p->port);
    /* Everybody may be in line. */
    assert_int_equal(0, listen(p->listener, WAITING * 4));
    p->network[0] = (bhd_endpoint){"127.0.0.1", p->port};
    p->asked.network = p->network;
    p->asked.endpoint_count = 1;
}

/* Its line is full: the system answers nobody. */
static void busy_peer(place *p)
{
    peer(p);
    assert_int_equal(0, listen(p->listener, 0));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(p->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < COUNT_OF(p->clients); i++) {
        p->clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(p->clients[i], (struct sockaddr *)&address, sizeof address);
    }
}

static void slow_names(place *p)
{
    for (size_t i = 0; i < COUNT_OF(p->names); i++) {
        (void)snprintf(p->names[i], sizeof p->names[i], "s0%c.example", (char)('a' + i));
        p->network[i] = (bhd_endpoint){p->names[i], 4242};
    }
    p->asked.network = p->network;
    p->asked.endpoint_count = COUNT_OF(p->names);
    names_let(false);
}

static const struct way {
    const char *waits; /* the row in docs/ISOLATION.md */
    void (*place)(place *p);
    const char *source; /* of a core module, or a function of connect.wat, or NULL: a look-up */
} ways[] = {
    {"a write to standard output or error", pipe_for_output, P1_FLOOD},
    {"a write to a terminal", terminal_for_output, P1_FLOOD},
    {"a read of standard input", pipe_for_input, P1_READ},
    {"a clock", nothing, P1_SLEEP},
    {"the addresses of a name", slow_names, NULL},
    {"a connection to a name", slow_names, "run"},
    {"a connection to be made", busy_peer, "run"},
    {"a read of a connection", peer, "answer"},
    {"a write to a connection", peer, "fill"},
};

static void place_begin(place *p, const struct way *way)
{
    *p = (place){.kept = {dup(STDIN_FILENO), dup(STDOUT_FILENO)}, .ends = {-1, -1}, .listener = -1};
    for (size_t i = 0; i < COUNT_OF(p->clients); i++)
        p->clients[i] = -1;
    p->asked = (bhd_capabilities)BHD_CAPABILITIES_INIT;
    p->port = 4242;
    fflush(stdout);
    way->place(p);
}

static void place_restore(place *p)
{
    assert_int_equal(STDIN_FILENO, dup2(p->kept[0], STDIN_FILENO));
    assert_int_equal(STDOUT_FILENO, dup2(p->kept[1], STDOUT_FILENO));
}

static void place_end(place *p)
{
    const int all[] = {p->kept[0], p->kept[1], p->ends[0], p->ends[1], p->listener};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i] >= 0)
            (void)close(all[i]);
    for (size_t i = 0; i < COUNT_OF(p->clients); i++)
        if (p->clients[i] >= 0)
            (void)close(p->clients[i]);
}

/* Puts `by` in the place of as many characters of `what`, from `at` on. */
static void replace(char *text, const char *what, size_t at, const char *by)
{
    char *found = strstr(text, what);
    assert_non_null(found);
    memcpy(found + at, by, strlen(by));
}

/* lookup.wat for another name. */
static char *looking_up(const char *name, size_t *size)
{
    uint8_t *text;
    *size = hostile_read("component/lookup.wat", &text);
    char *whole = realloc(text, *size + 1);
    assert_non_null(whole);
    whole[*size] = '\0';
    replace(whole, "\"one.example\")", 1, name);
    return whole;
}

static bhd_component *made(bhd_host *host, const char *text, size_t size,
                           const bhd_capabilities *asked)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "waits",
                                     .limits = guest_limits(MIB(1)),
                                     .capabilities = asked};
    options.limits.timeout_seconds = WAIT_SECONDS;
    expect_ok(bhd_component_new(host, &options, text, size, &component, &error), &error);
    return component;
}

static bhd_component *waiting_component(bhd_host *host, const struct way *way, place *p)
{
    size_t size;
    if (way->source && way->source[0] == '(')
        return made(host, way->source, strlen(way->source), &p->asked);
    char *text =
        way->source ? connect_text(way->source, p->port, &size) : looking_up("s0h.example", &size);
    /* A name does not reach 127.0.0.1; 192.0.0.1 it might. */
    if (way->place == slow_names && way->source)
        replace(text, "(i32.const 127)", strlen("(i32.const "), "192");
    bhd_component *component = made(host, text, size, &p->asked);
    free(text);
    return component;
}

static bhd_sandbox *waiting_sandbox(bhd_component *component)
{
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output.output = BHD_OUTPUT_INHERIT;
    options.standard_input.source = BHD_INPUT_INHERIT;
    return guest_sandbox_with(component, &options);
}

/* -- the other tenant ------------------------------------------------------------------------- */

/* Looks a name up, which takes a thread, and prints. */
typedef struct neighbour {
    bhd_component *names, *prints;
} neighbour;

static neighbour neighbour_new(bhd_host *host)
{
    size_t size;
    bhd_endpoint network[] = {{"one.example", 80}};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.network = network;
    asked.endpoint_count = 1;
    char *text = looking_up("one.example", &size);
    bhd_limits limits = guest_limits(MIB(1));
    neighbour n = {made(host, text, size, &asked),
                   guest_component(host, "wasi/print.wasm", &limits)};
    free(text);
    return n;
}

static void neighbour_free(neighbour *n)
{
    bhd_component_free(n->names);
    bhd_component_free(n->prints);
}

static bhd_sandbox *printing(const neighbour *n, guest_output *output)
{
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    *output = (guest_output){.kept = 0};
    options.standard_output = guest_stream_to(output);
    return guest_sandbox_with(n->prints, &options);
}

static void neighbour_runs(const neighbour *n, bool submits)
{
    guest_output output;
    bhd_sandbox *sandboxes[] = {guest_sandbox(n->names), printing(n, &output)};
    for (size_t i = 0; i < COUNT_OF(sandboxes); i++) {
        if (submits) {
            bhd_call *call = submitted_run(sandboxes[i], NULL);
            expect_outcome(call, BHD_OK);
            assert_int_equal(0, bhd_call_exit_code(call));
            bhd_call_free(call);
        } else {
            assert_int_equal(0, guest_run(sandboxes[i]));
        }
        bhd_sandbox_free(sandboxes[i]);
    }
    assert_string_equal("a line on stdout\n", output.text);
}

/* -- two tenants ------------------------------------------------------------------------------ */

static bhd_host *one_worker(void)
{
    static const bhd_grants everything = {.size = sizeof everything, .everything = true};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.worker_threads = 1;
    options.grants = &everything;
    return guest_host_with(&options);
}

static void submitted_calls_that_wait_hold_no_thread(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        place p;
        bhd_sandbox *sandboxes[WAITING];
        bhd_call *calls[WAITING];
        bhd_host *host = one_worker();
        neighbour n = neighbour_new(host);
        place_begin(&p, &ways[i]);
        bhd_component *component = waiting_component(host, &ways[i], &p);
        for (size_t j = 0; j < WAITING; j++) {
            sandboxes[j] = waiting_sandbox(component);
            calls[j] = submitted_run(sandboxes[j], NULL);
        }
        /* Each has begun to wait when its worker comes to this one for the second time. */
        for (int times = 0; times < 4; times++)
            neighbour_runs(&n, true);
        size_t over = 0;
        for (size_t j = 0; j < WAITING; j++)
            over += bhd_call_poll(calls[j]);
        for (size_t j = 0; j < WAITING; j++)
            bhd_call_cancel(calls[j]);
        place_restore(&p);
        if (over > 0)
            print_error("%s: %zu did not wait\n", ways[i].waits, over);
        assert_int_equal(0, over);
        for (size_t j = 0; j < WAITING; j++) {
            expect_end(calls[j], BHD_CANCELLED);
            bhd_sandbox_free(sandboxes[j]);
        }
        names_let(true);
        place_end(&p);
        bhd_component_free(component);
        neighbour_free(&n);
        expect_stats(host, 0, 0);
        bhd_host_free(host);
    }
}

typedef struct direct {
    bhd_sandbox *sandbox;
    atomic_bool is_over;
    bhd_status status;
} direct;

static void *run_direct(void *env)
{
    direct *d = env;
    int exit_code;
    d->status = bhd_sandbox_run(d->sandbox, &exit_code, NULL);
    atomic_store(&d->is_over, true);
    return NULL;
}

static void direct_calls_that_wait_are_in_nobodys_way(void **state)
{
    (void)state;
    enum { THREADS = 6 };
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        place p;
        direct calls[THREADS];
        pthread_t threads[THREADS];
        bhd_host *host = one_worker();
        neighbour n = neighbour_new(host);
        place_begin(&p, &ways[i]);
        bhd_component *component = waiting_component(host, &ways[i], &p);
        for (size_t j = 0; j < THREADS; j++) {
            calls[j].sandbox = waiting_sandbox(component);
            atomic_init(&calls[j].is_over, false);
            assert_int_equal(0, pthread_create(&threads[j], NULL, run_direct, &calls[j]));
        }
        for (int times = 0; times < 4; times++)
            neighbour_runs(&n, false);
        size_t over = 0;
        for (size_t j = 0; j < THREADS; j++)
            over += atomic_load(&calls[j].is_over);
        /* A cancellation before the call has begun would be for nobody. */
        for (size_t j = 0; j < THREADS; j++)
            while (!atomic_load(&calls[j].is_over)) {
                bhd_sandbox_cancel(calls[j].sandbox);
                (void)usleep(1000);
            }
        place_restore(&p);
        for (size_t j = 0; j < THREADS; j++) {
            assert_int_equal(0, pthread_join(threads[j], NULL));
            expect_status(BHD_CANCELLED, calls[j].status, NULL);
            bhd_sandbox_free(calls[j].sandbox);
        }
        assert_int_equal(0, over);
        names_let(true);
        place_end(&p);
        bhd_component_free(component);
        neighbour_free(&n);
        bhd_host_free(host);
    }
}

/* -- names ------------------------------------------------------------------------------------ */

static void wait_for_look_ups(unsigned wanted)
{
    unsigned now = 0;
    for (int tries = 0; tries < PATIENCE_SECONDS * 1000 && now < wanted; tries++) {
        (void)names_seen(&now);
        (void)usleep(1000);
    }
    assert_int_equal(wanted, now);
}

/* As many names at once as it likes, in as many sandboxes. */
static bhd_component *asking_for_many(bhd_host *host, char letter)
{
    char names[16][16], first[16];
    bhd_endpoint network[COUNT_OF(names)];
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    size_t size;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(names[i], sizeof names[i], "s%c%c.example", letter, (char)('a' + i));
        network[i] = (bhd_endpoint){names[i], 80};
    }
    asked.network = network;
    asked.endpoint_count = COUNT_OF(network);
    (void)snprintf(first, sizeof first, "s%ca.example", letter);
    char *text = looking_up(first, &size);
    replace(text, "$main \"run\")", strlen("$main \""), "all");
    bhd_component *component = made(host, text, size, &asked);
    free(text);
    return component;
}

static void a_component_has_few_look_ups_at_once(void **state)
{
    enum { COMPONENTS = 7, SANDBOXES = 5, SHARE = 4 };
    (void)state;
    bhd_component *components[COMPONENTS];
    bhd_sandbox *sandboxes[COMPONENTS][SANDBOXES];
    bhd_call *calls[COMPONENTS][SANDBOXES];
    bhd_host *host = one_worker();
    neighbour n = neighbour_new(host);
    names_let(false);
    for (int i = 0; i < COMPONENTS; i++)
        components[i] = asking_for_many(host, (char)('a' + i));
    /* Twice, because those of the first time still look up when their guests have gone. */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COMPONENTS; i++)
            for (int j = 0; j < SANDBOXES; j++) {
                sandboxes[i][j] = guest_sandbox(components[i]);
                calls[i][j] = submitted_run(sandboxes[i][j], NULL);
            }
        wait_for_look_ups(COMPONENTS * SHARE);
        for (int times = 0; times < 4; times++)
            neighbour_runs(&n, true);
        for (int i = 0; i < COMPONENTS; i++)
            for (int j = 0; j < SANDBOXES; j++) {
                bhd_call_cancel(calls[i][j]);
                expect_end(calls[i][j], BHD_CANCELLED);
                bhd_sandbox_free(sandboxes[i][j]);
            }
    }
    unsigned now;
    assert_int_equal(COMPONENTS * SHARE, names_seen(&now));
    /* Nobody waits any more, so the rest is never asked. */
    names_let(true);
    assert_int_equal(COMPONENTS * SHARE, looked_up);
    for (int i = 0; i < COMPONENTS; i++)
        bhd_component_free(components[i]);
    neighbour_free(&n);
    bhd_host_free(host);
}

/* The host has places of its own; whoever is in line for one gets its answer when one is free. */
static void all_components_together_have_few_look_ups(void **state)
{
    enum { COMPONENTS = 10, MOST = 32 };
    (void)state;
    bhd_component *components[COMPONENTS];
    bhd_sandbox *sandboxes[COMPONENTS];
    bhd_call *calls[COMPONENTS];
    bhd_host *host = one_worker();
    neighbour n = neighbour_new(host);
    names_let(false);
    for (int i = 0; i < COMPONENTS; i++) {
        components[i] = asking_for_many(host, (char)('a' + i));
        sandboxes[i] = guest_sandbox(components[i]);
        calls[i] = submitted_run(sandboxes[i], NULL);
    }
    wait_for_look_ups(MOST);
    /* Each has asked when their worker comes to this one for the second time. */
    for (int times = 0; times < 4; times++) {
        guest_output output;
        bhd_sandbox *prints = printing(&n, &output);
        expect_end(submitted_run(prints, NULL), BHD_OK);
        bhd_sandbox_free(prints);
    }
    unsigned now;
    assert_int_equal(MOST, names_seen(&now));
    assert_int_equal(MOST, now);
    names_let(true);
    for (int i = 0; i < COMPONENTS; i++) {
        expect_end(calls[i], BHD_OK);
        bhd_sandbox_free(sandboxes[i]);
        bhd_component_free(components[i]);
    }
    assert_int_equal(MOST, names_seen(&now));
    neighbour_free(&n);
    bhd_host_free(host);
}

static int exit_code_of(bhd_host *host, char *text, size_t size, const bhd_capabilities *asked)
{
    bhd_component *component = made(host, text, size, asked);
    bhd_sandbox *sandbox = guest_sandbox(component);
    int exit_code = guest_run(sandbox);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    free(text);
    return exit_code;
}

/* Whoever answers for a name says that it is the machine itself. */
static void a_name_does_not_reach_the_machine_itself(void **state)
{
    (void)state;
    uint16_t port;
    size_t size;
    int fd = connect_listen(&port);
    bhd_endpoint network[] = {
        {"own.example", port}, {"met.example", 80}, {"one.example", 80}, {"non.example", 80}};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.network = network;
    asked.endpoint_count = COUNT_OF(network);
    bhd_host *host = one_worker();
    char *text = connect_text("run", port, &size);
    assert_int_equal(1, exit_code_of(host, text, size, &asked));
    /* Nor is it told. */
    for (size_t i = 0; i < COUNT_OF(network); i++) {
        text = looking_up(network[i].host, &size);
        assert_int_equal(i != 2, exit_code_of(host, text, size, &asked));
    }
    /* The address as such, and the name that means it. */
    network[0].host = "127.0.0.1";
    text = connect_text("run", port, &size);
    assert_int_equal(0, exit_code_of(host, text, size, &asked));
    close(fd);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(submitted_calls_that_wait_hold_no_thread),
        cmocka_unit_test(direct_calls_that_wait_are_in_nobodys_way),
        cmocka_unit_test(a_component_has_few_look_ups_at_once),
        cmocka_unit_test(all_components_together_have_few_look_ups),
        cmocka_unit_test(a_name_does_not_reach_the_machine_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
