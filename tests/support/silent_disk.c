#include "support/silent_disk.h"

#include "support/process_facts.h"
#include "support/real_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES 4096
#define WAITING_MAX 4096
#define PATIENCE_SECONDS 100

/* Sequentially consistent: a test reads what came of what it wrote. */
typedef struct silent_facts {
    atomic_uint about;
    atomic_size_t waiting, open;
    atomic_bool gave_up; /* something has waited for too long, and was answered */
} silent_facts;

/* -- the server ------------------------------------------------------------------------------ */

typedef struct server {
    int fuse;
    silent_facts *facts;
    struct fuse_in_header waiting[WAITING_MAX];
    double since[WAITING_MAX];
} server;

static void reply(const server *s, uint64_t unique, int failed, const void *data, size_t size)
{
    char buffer[sizeof(struct fuse_out_header) + FILE_BYTES];
    struct fuse_out_header head = {.len = (uint32_t)(sizeof head + size), .unique = unique};
    head.error = -failed;
    memcpy(buffer, &head, sizeof head);
    if (size > 0)
        memcpy(buffer + sizeof head, data, size);
    /* Nobody may be there any more. */
    (void)!write(s->fuse, buffer, head.len);
}

static struct fuse_attr attributes(uint64_t node)
{
    bool is_root = node == FUSE_ROOT_ID;
    return (struct fuse_attr){
        .ino = node,
        .size = is_root ? 0 : FILE_BYTES,
        .blocks = is_root ? 0 : FILE_BYTES / 512,
        .mode = is_root ? S_IFDIR | 0777 : S_IFREG | 0666,
        .nlink = 1,
        .blksize = FILE_BYTES,
    };
}

static void look_up(const server *s, const struct fuse_in_header *in, const char *name)
{
    char *end;
    unsigned long number = name[0] == 'f' ? strtoul(name + 1, &end, 10) : 0;
    if (name[0] != 'f' || *end != '\0') {
        reply(s, in->unique, ENOENT, NULL, 0);
        return;
    }
    struct fuse_entry_out out = {.nodeid = FUSE_ROOT_ID + 1 + number};
    out.entry_valid = out.attr_valid = 1000;
    out.attr = attributes(out.nodeid);
    reply(s, in->unique, 0, &out, sizeof out);
}

/* What needs no more than its head, and so can be answered later. */
static void answer(const server *s, const struct fuse_in_header *in)
{
    static const char zeros[FILE_BYTES];
    struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};
    struct fuse_attr_out attr = {.attr_valid = 1000, .attr = attributes(in->nodeid)};
    struct fuse_write_out written = {.size = 1};
    struct fuse_statfs_out room = {{.bsize = FILE_BYTES, .namelen = 255, .frsize = FILE_BYTES}};
    switch (in->opcode) {
    case FUSE_OPEN:
        atomic_fetch_add(&s->facts->open, 1);
        reply(s, in->unique, 0, &opened, sizeof opened);
        return;
    case FUSE_RELEASE:
        atomic_fetch_sub(&s->facts->open, 1);
        reply(s, in->unique, 0, NULL, 0);
        return;
    case FUSE_FLUSH:
    case FUSE_RELEASEDIR:
    case FUSE_READDIR: /* there are no more */
        reply(s, in->unique, 0, NULL, 0);
        return;
    case FUSE_OPENDIR:
        opened.open_flags = 0;
        reply(s, in->unique, 0, &opened, sizeof opened);
        return;
    case FUSE_GETATTR:
    case FUSE_SETATTR:
        reply(s, in->unique, 0, &attr, sizeof attr);
        return;
    case FUSE_READ:
        reply(s, in->unique, 0, zeros, 1);
        return;
    case FUSE_WRITE:
        reply(s, in->unique, 0, &written, sizeof written);
        return;
    case FUSE_STATFS:
        reply(s, in->unique, 0, &room, sizeof room);
        return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        return;
    default:
        reply(s, in->unique, ENOSYS, NULL, 0);
    }
}

static unsigned kind_of(uint32_t opcode)
{
    switch (opcode) {
    case FUSE_OPEN:
        return SILENT_OPEN;
    case FUSE_FLUSH:
        return SILENT_FLUSH;
    case FUSE_READ:
        return SILENT_READ;
    case FUSE_WRITE:
        return SILENT_WRITE;
    default:
        return 0;
    }
}

/* Once it has given up, nothing any more. */
static unsigned about(const server *s)
{
    return atomic_load(&s->facts->gave_up) ? 0 : atomic_load(&s->facts->about);
}

static void take(server *s, const char *request)
{
    struct fuse_in_header in;
    memcpy(&in, request, sizeof in);
    if (in.opcode == FUSE_INIT) {
        struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31};
        out.max_write = FILE_BYTES;
        reply(s, in.unique, 0, &out, sizeof out);
    } else if (in.opcode == FUSE_LOOKUP) {
        look_up(s, &in, request + sizeof in);
    } else if ((kind_of(in.opcode) & about(s)) && atomic_load(&s->facts->waiting) < WAITING_MAX) {
        size_t at = atomic_load(&s->facts->waiting);
        s->waiting[at] = in;
        s->since[at] = process_seconds();
        atomic_store(&s->facts->waiting, at + 1);
    } else {
        answer(s, &in);
    }
}

/* Those about which it is silent no more. */
static void answer_waiting(server *s)
{
    size_t count = atomic_load(&s->facts->waiting), kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (process_seconds() - s->since[i] > PATIENCE_SECONDS)
            atomic_store(&s->facts->gave_up, true);
        if (kind_of(s->waiting[i].opcode) & about(s)) {
            s->waiting[kept] = s->waiting[i];
            s->since[kept++] = s->since[i];
        } else {
            answer(s, &s->waiting[i]);
        }
    }
    atomic_store(&s->facts->waiting, kept);
}

static void serve(int fuse, silent_facts *facts)
{
    static server s;
    static char request[64 * 1024 + FILE_BYTES];
    s.fuse = fuse;
    s.facts = facts;
    for (;;) {
        struct pollfd p = {.fd = fuse, .events = POLLIN, .revents = 0};
        if (poll(&p, 1, 2) > 0) {
            ssize_t size = read(fuse, request, sizeof request - 1);
            if (size < 0 && errno == ENODEV)
                return; /* unmounted */
            if (size >= (ssize_t)sizeof(struct fuse_in_header)) {
                request[size] = '\0';
                take(&s, request);
            }
        }
        answer_waiting(&s);
    }
}

/* -- the test -------------------------------------------------------------------------------- */

/* Of a test that failed, which is silent to this day. */
static silent_facts *left;

/* In a namespace of its own, which ends with the process. */
static bool mount_it(const char *root, int fuse)
{
    char options[96];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u", fuse,
             (unsigned)geteuid(), (unsigned)getegid());
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("silent", root, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

bool silent_disk_begin(silent_disk *d)
{
    *d = (silent_disk){.server = -1};
    if (left)
        atomic_store(&left->about, 0);
    snprintf(d->root, sizeof d->root, "/tmp/bulkhead-silent-XXXXXX");
    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fuse < 0)
        return false;
    assert_non_null(mkdtemp(d->root));
    if (!mount_it(d->root, fuse)) {
        assert_int_equal(0, rmdir(d->root));
        assert_int_equal(0, close(fuse));
        return false;
    }
    d->facts =
        mmap(NULL, sizeof *d->facts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(d->facts != MAP_FAILED);
    left = d->facts;
    pid_t test = getpid();
    d->server = fork();
    assert_true(d->server >= 0);
    if (d->server == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == test)
            serve(fuse, d->facts);
        _exit(0);
    }
    assert_int_equal(0, close(fuse));
    return true;
}

void silent_disk_about(silent_disk *d, unsigned what)
{
    atomic_store(&d->facts->about, what);
}

size_t silent_disk_waiting(const silent_disk *d)
{
    assert_false(atomic_load(&d->facts->gave_up));
    return atomic_load(&d->facts->waiting);
}

size_t silent_disk_open(const silent_disk *d)
{
    assert_false(atomic_load(&d->facts->gave_up));
    return atomic_load(&d->facts->open);
}

static void await(const silent_disk *d, size_t (*fact)(const silent_disk *), size_t count)
{
    const struct timespec pause = {0, 1000000};
    double began = process_seconds();
    while (fact(d) != count) {
        assert_true(process_seconds() - began < PATIENCE_SECONDS);
        (void)nanosleep(&pause, NULL);
    }
}

void silent_disk_await_waiting(const silent_disk *d, size_t count)
{
    await(d, silent_disk_waiting, count);
}

void silent_disk_await_open(const silent_disk *d, size_t count)
{
    await(d, silent_disk_open, count);
}

void silent_disk_end(silent_disk *d)
{
    silent_disk_about(d, 0);
    silent_disk_await_open(d, 0);
    assert_int_equal(0, umount2(d->root, MNT_DETACH));
    assert_int_equal(0, kill(d->server, SIGKILL));
    assert_int_equal(d->server, waitpid(d->server, NULL, 0));
    assert_int_equal(0, rmdir(d->root));
    left = NULL;
    assert_int_equal(0, munmap(d->facts, sizeof *d->facts));
}
