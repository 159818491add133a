/*
 * The cache among many: processes and threads that find and keep at once, some killed at any
 * moment; disks that are full; systems where files have to have a name. Nobody ever finds wrong
 * contents, the bound is never exceeded, and nothing is left.
 */
#include "support/cache_kit.h"
#include "support/child.h"
#include "support/crew.h"

#include "compile/cache_entry.h"
#include "compile/cache_room.h"
#include "compile/cache_total.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define BOUND KIB(2048)
/* Ten times what fits. */
#define BINARIES 160
#define CLIENTS 8
#define KILLED 40
#define TURNS 150

static size_t size_of(unsigned number)
{
    return 500 + (size_t)number * 1571;
}

/* A source of numbers that two processes do not share. */
static unsigned next_number(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 16;
}

static void run_client(const cache_kit *kit, unsigned seed, unsigned turns)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    /* A test that fails does not come to end it. */
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
    CHECK(bhd__cache_new(kit->directory, BOUND, &cache, &error) == BHD_OK);
    for (unsigned i = 0; i < turns; i++) {
        unsigned number = next_number(&seed) % BINARIES;
        bhd__cache_key key = cache_kit_key(number);
        bhd__cache_entry entry;
        if (bhd__cache_find(cache, &key, &entry))
            CHECK(cache_kit_is(&entry, number, size_of(number), number));
        else
            cache_kit_keep(cache, number, size_of(number), number);
    }
    CHECK(cache_kit_stats(cache).damaged == 0);
    CHECK(cache_kit_stats(cache).hits > 0 || turns < TURNS);
    bhd__cache_free(cache);
    _exit(0);
}

/* Whoever publishes holds the lock, so what is seen with it is what there is at one moment. */
static void expect_bound(const cache_kit *kit)
{
    int directory = open(kit->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(directory >= 0);
    bool is_held;
    int lock = bhd__cache_lock(directory, &is_held);
    if (lock >= 0) {
        assert_true(is_held);
        uint64_t weight = cache_kit_look(kit).weight;
        (void)close(lock);
        assert_true(weight <= BOUND);
    }
    (void)close(directory);
}

static void processes_that_are_killed_leave_nothing(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    pid_t clients[CLIENTS];
    unsigned seed = 1;
    fflush(NULL);
    for (unsigned i = 0; i < CLIENTS; i++)
        if ((clients[i] = fork()) == 0)
            run_client(&kit, 1000 + i * 77, TURNS);
    for (unsigned i = 0; i < KILLED; i++) {
        pid_t doomed = fork();
        if (doomed == 0)
            run_client(&kit, 5000 + i * 31, UINT32_MAX);
        assert_true(doomed > 0);
        (void)usleep(next_number(&seed) % 15000);
        expect_bound(&kit);
        assert_int_equal(kill(doomed, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(doomed, &status, 0), doomed);
        /* Not by a check of its own. */
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        int status;
        assert_int_equal(waitpid(clients[i], &status, 0), clients[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    expect_bound(&kit);
    /* Everything that is there is an entry, and whole. */
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    size_t found = 0;
    for (unsigned i = 0; i < BINARIES; i++)
        found += cache_kit_finds(cache, i, size_of(i), i);
    assert_int_equal(cache_kit_stats(cache).damaged, 0);
    assert_int_equal(cache_kit_look(&kit).files, found);
    assert_true(found > 0);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* -- threads ---------------------------------------------------------------------------------- */

typedef struct shared_cache {
    bhd__cache *cache;
    const cache_kit *kit;
} shared_cache;

static void use_together(crew_member *member)
{
    shared_cache *shared = member->shared;
    unsigned seed = member->number * 7 + 3;
    for (unsigned i = 0; i < 60; i++) {
        unsigned number = next_number(&seed) % 40;
        bhd__cache_key key = cache_kit_key(number);
        bhd__cache_entry entry;
        if (!bhd__cache_find(shared->cache, &key, &entry))
            cache_kit_keep(shared->cache, number, size_of(number), number);
        else if (!crew_check(member, cache_kit_is(&entry, number, size_of(number), number)))
            return;
    }
}

static void threads_share_a_cache(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    shared_cache shared = {cache_kit_cache(&kit, KIB(512)), &kit};
    crew_run(4, use_together, &shared);
    bhd__cache_stats stats = cache_kit_stats(shared.cache);
    assert_int_equal(stats.hits + stats.misses, 4 * 60);
    assert_int_equal(stats.damaged, 0);
    assert_true(stats.kept <= stats.misses);
    assert_int_equal(cache_kit_look(&kit).files, stats.kept - stats.evicted);
    assert_true(cache_kit_look(&kit).weight <= KIB(512));
    bhd__cache_free(shared.cache);
    cache_kit_end(&kit);
}

/* Somebody who was stopped while publishing: others find, do not keep, and do not wait for ever. */
static void a_lock_that_is_not_given_back_is_not_waited_for(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, BOUND);
    cache_kit_keep(cache, 1, 100, 0);
    int lock = open(kit.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_true(cache_kit_finds(cache, 1, 100, 0));
    cache_kit_keep(cache, 2, 100, 0);
    assert_false(cache_kit_finds(cache, 2, 100, 0));
    assert_int_equal(cache_kit_look(&kit).files, 1);
    (void)close(lock);
    cache_kit_keep(cache, 2, 100, 0);
    assert_true(cache_kit_finds(cache, 2, 100, 0));
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

/* -- other systems --------------------------------------------------------------------------- */

/* From now on the system has no files without a name, or gives them none. */
static void forbid(bool unnamed, bool proc, bool any_link)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const scmp_datum_t nameless = O_TMPFILE & ~O_DIRECTORY;
    CHECK(filter != NULL);
    CHECK(!unnamed || seccomp_rule_add(filter, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(openat), 1,
                                       SCMP_A2(SCMP_CMP_MASKED_EQ, nameless, nameless)) == 0);
    CHECK(!proc || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(linkat), 1,
                                    SCMP_A4(SCMP_CMP_EQ, AT_SYMLINK_FOLLOW)) == 0);
    CHECK(!any_link || seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(linkat), 0) == 0);
    CHECK(seccomp_load(filter) == 0);
    seccomp_release(filter);
}

/* -- no room on the disk ---------------------------------------------------------------------- */

/* SIGXFSZ has its default action, which would end the process, and is not pending afterwards. */
static void body_of_largest_file(void *env)
{
    const cache_kit *kit = env;
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    CHECK(bhd__cache_new(kit->directory, BOUND, &cache, &error) == BHD_OK);
    int output = cache_kit_output(2, KIB(200), 0);
    const struct rlimit small = {KIB(100), KIB(100)};
    sigset_t pending;
    CHECK(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    for (size_t size = KIB(99); size < KIB(102); size += 64) {
        bhd__cache_key key = cache_kit_key((unsigned)size);
        bhd__cache_entry entry;
        bool fits = size + sizeof(bhd__cache_trailer) <= KIB(100);
        cache_kit_put(cache, &key, output, size, 0);
        CHECK(bhd__cache_find(cache, &key, &entry) == fits);
        if (fits)
            (void)close(entry.file);
    }
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGXFSZ));
    CHECK(cache_kit_stats(cache).damaged == 0);
    CHECK(cache_kit_look(kit).files == cache_kit_stats(cache).kept);
    bhd__cache_free(cache);
}

static void body_of_largest_named_file(void *env)
{
    forbid(true, false, false);
    body_of_largest_file(env);
}

static void a_file_at_its_largest_is_not_kept(void **state)
{
    (void)state;
    void (*const ways[])(void *env) = {body_of_largest_file, body_of_largest_named_file};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        cache_kit kit = cache_kit_begin();
        child_succeeds(ways[i], &kit);
        cache_kit_end(&kit);
    }
}

/* A file system of 256 KiB under a cache that may have more. */
static void body_of_a_full_disk(void *env)
{
    const cache_kit *kit = env;
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    unsigned kept = 0;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", kit->directory, "tmpfs", 0, "size=256k,mode=0700") != 0)
        _exit(77);
    CHECK(bhd__cache_new(kit->directory, BOUND, &cache, &error) == BHD_OK);
    for (unsigned i = 0; i < 20; i++) {
        cache_kit_keep(cache, i, KIB(30), 0);
        kept += cache_kit_finds(cache, i, KIB(30), 0);
    }
    CHECK(kept >= 4 && kept <= 8);
    CHECK(cache_kit_stats(cache).kept == kept);
    CHECK(cache_kit_stats(cache).damaged == 0);
    CHECK(cache_kit_look(kit).files == kept);
    for (unsigned i = 0; i < 20; i++)
        kept -= cache_kit_finds(cache, i, KIB(30), 0);
    CHECK(kept == 0);
    /* When there is room again, there is a cache again. */
    char path[PATH_MAX];
    cache_kit_path(kit, 0, path);
    CHECK(unlink(path) == 0);
    cache_kit_keep(cache, 0, KIB(30), 0);
    CHECK(cache_kit_finds(cache, 0, KIB(30), 0));
    bhd__cache_free(cache);
}

static void a_full_disk_keeps_what_it_has(void **state)
{
    (void)state;
    cache_kit kit = cache_kit_begin();
    int status = child_status(body_of_a_full_disk, &kit);
    cache_kit_end(&kit);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* only root may mount, and not everywhere */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* -- files that have a name ------------------------------------------------------------------- */

static void expect_a_cache(const cache_kit *kit)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    CHECK(bhd__cache_new(kit->directory, BOUND, &cache, &error) == BHD_OK);
    for (unsigned i = 0; i < BINARIES; i++) {
        cache_kit_keep(cache, i, size_of(i), i);
        CHECK(cache_kit_finds(cache, i, size_of(i), i));
        CHECK(cache_kit_look(kit).weight <= BOUND);
    }
    CHECK(cache_kit_stats(cache).kept == BINARIES);
    CHECK(cache_kit_look(kit).files == BINARIES - cache_kit_stats(cache).evicted);
    CHECK(cache_kit_stats(cache).evicted > 0);
    CHECK(cache_kit_stats(cache).damaged == 0);
    bhd__cache_free(cache);
}

static void body_without_unnamed(void *env)
{
    forbid(true, false, false);
    expect_a_cache(env);
}

static void body_without_proc(void *env)
{
    forbid(false, true, false);
    expect_a_cache(env);
}

static void body_without_links(void *env)
{
    forbid(false, false, true);
    expect_a_cache(env);
}

/* Nor is a total believed there, which says that there is nothing. */
static void body_without_locks(void *env)
{
    const cache_kit *kit = env;
    const bhd__cache_total nothing = {0, (int64_t)time(NULL)};
    int directory = open(kit->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(bhd__cache_total_write(directory, &nothing));
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    CHECK(filter != NULL);
    CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EBADF), SCMP_SYS(flock), 0) == 0);
    CHECK(seccomp_load(filter) == 0);
    seccomp_release(filter);
    expect_a_cache(kit);
}

static void other_ways_to_publish_are_as_good(void **state)
{
    (void)state;
    void (*const ways[])(void *env) = {body_without_unnamed, body_without_proc, body_without_links,
                                       body_without_locks};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        cache_kit kit = cache_kit_begin();
        child_succeeds(ways[i], &kit);
        cache_kit_end(&kit);
    }
}

/* -- the moment before an entry has its name -------------------------------------------------- */

static const cache_kit *publishing;
static bool expects_a_name;
static unsigned new_names;

static int look_for_new(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    if (strncmp(path + where->base, BHD__CACHE_NEW_PREFIX, strlen(BHD__CACHE_NEW_PREFIX)) != 0)
        return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    /* Its writer lives, which is what others ask. */
    CHECK(flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK);
    CHECK(close(file) == 0);
    new_names++;
    return 0;
}

static void at_publishing(int number)
{
    (void)number;
    (void)nftw(publishing->directory, look_for_new, 16, FTW_PHYS);
    CHECK(new_names == (expects_a_name ? 1 : 0));
    CHECK(cache_kit_look(publishing).files == new_names);
    _exit(0);
}

static void publish(const cache_kit *kit, int call)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__cache *cache = NULL;
    const struct sigaction look = {.sa_handler = at_publishing};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    publishing = kit;
    CHECK(sigaction(SIGSYS, &look, NULL) == 0);
    CHECK(filter != NULL && seccomp_rule_add(filter, SCMP_ACT_TRAP, call, 0) == 0);
    CHECK(seccomp_load(filter) == 0);
    CHECK(bhd__cache_new(kit->directory, BOUND, &cache, &error) == BHD_OK);
    cache_kit_keep(cache, 1, 1000, 0);
    CHECK(!"published another way");
}

static void body_of_publishing(void *env)
{
    publish(env, SCMP_SYS(linkat));
}

static void body_of_publishing_a_name(void *env)
{
    forbid(true, false, false);
    expects_a_name = true;
    publish(env, SCMP_SYS(renameat));
}

/* So whoever is killed then leaves nothing; or what has a name is locked as long as he lives. */
static void what_is_written_has_no_name(void **state)
{
    (void)state;
    void (*const ways[])(void *env) = {body_of_publishing, body_of_publishing_a_name};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        cache_kit kit = cache_kit_begin();
        child_succeeds(ways[i], &kit);
        cache_kit_end(&kit);
    }
}

static void body_of_a_named_client(void *env)
{
    forbid(true, false, false);
    run_client(env, 1, UINT32_MAX);
}

/* What a writer under a name leaves when it is killed goes with the next that is kept; what
 * somebody writes at the moment stays and counts. */
static void names_of_the_dead_are_taken_away(void **state)
{
    (void)state;
    char directory[PATH_MAX], living[PATH_MAX + 40], dead[PATH_MAX + 40];
    cache_kit kit = cache_kit_begin();
    bhd__cache *cache = cache_kit_cache(&kit, KIB(64));
    cache_kit_keep(cache, 1, 100, 0);
    cache_kit_identity_path(&kit, 1, directory);
    (void)snprintf(living, sizeof living, "%s/new-00112233445566778899aabbccddeeff", directory);
    (void)snprintf(dead, sizeof dead, "%s/new-ffeeddccbbaa99887766554433221100", directory);
    int writer = open(living, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int gone = open(dead, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(writer >= 0 && gone >= 0);
    assert_int_equal(flock(writer, LOCK_EX), 0);
    assert_int_equal(ftruncate(writer, (off_t)KIB(52)), 0);
    assert_int_equal(ftruncate(gone, (off_t)KIB(52)), 0);
    (void)close(gone);
    cache_kit_count_anew(&kit);
    for (unsigned i = 2; i <= 4; i++)
        cache_kit_keep(cache, i, 100, 0);
    assert_int_equal(access(living, F_OK), 0);
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(cache_kit_stats(cache).evicted, 3);
    assert_true(cache_kit_look(&kit).weight <= KIB(64));
    /* Where it has all the room there is, nothing is kept. */
    assert_int_equal(ftruncate(writer, (off_t)KIB(64)), 0);
    cache_kit_count_anew(&kit);
    cache_kit_keep(cache, 5, 100, 0);
    assert_false(cache_kit_finds(cache, 5, 100, 0));
    assert_true(cache_kit_look(&kit).weight <= KIB(64));
    (void)close(writer);
    cache_kit_keep(cache, 5, 100, 0);
    assert_true(cache_kit_finds(cache, 5, 100, 0));
    assert_int_equal(access(living, F_OK), -1);
    bhd__cache_free(cache);
    cache_kit_end(&kit);

    kit = cache_kit_begin();
    unsigned seed = 9;
    for (unsigned i = 0; i < 10; i++) {
        pid_t doomed = fork();
        if (doomed == 0)
            body_of_a_named_client(&kit);
        (void)usleep(next_number(&seed) % 15000);
        assert_int_equal(kill(doomed, SIGKILL), 0);
        assert_int_equal(waitpid(doomed, NULL, 0), doomed);
        expect_bound(&kit);
    }
    cache = cache_kit_cache(&kit, BOUND);
    cache_kit_count_anew(&kit);
    cache_kit_keep(cache, BINARIES, 100, 0);
    size_t found = cache_kit_finds(cache, BINARIES, 100, 0);
    for (unsigned i = 0; i < BINARIES; i++)
        found += cache_kit_finds(cache, i, size_of(i), i);
    assert_int_equal(cache_kit_look(&kit).files, found);
    assert_int_equal(cache_kit_stats(cache).damaged, 0);
    bhd__cache_free(cache);
    cache_kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_that_are_killed_leave_nothing),
        cmocka_unit_test(threads_share_a_cache),
        cmocka_unit_test(a_lock_that_is_not_given_back_is_not_waited_for),
        cmocka_unit_test(a_file_at_its_largest_is_not_kept),
        cmocka_unit_test(a_full_disk_keeps_what_it_has),
        cmocka_unit_test(other_ways_to_publish_are_as_good),
        cmocka_unit_test(what_is_written_has_no_name),
        cmocka_unit_test(names_of_the_dead_are_taken_away),
    };
    return cmocka_run_group_tests_name("cache_crowd", tests, NULL, NULL);
}
