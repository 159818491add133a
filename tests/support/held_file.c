#include "support/held_file.h"

#include "support/real_guest.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void *write_what_never_comes(void *data)
{
    held_file *h = data;
    ssize_t n = write(h->fd, h->page, h->page_size);
    return n == (ssize_t)h->page_size ? NULL : h;
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

bool held_file_begin(held_file *h, const char *path)
{
    h->page_size = (size_t)sysconf(_SC_PAGESIZE);
    h->fault_fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (h->fault_fd < 0)
        return false;
    struct uffdio_api api = {.api = UFFD_API};
    h->page = mmap(NULL, h->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(h->page != MAP_FAILED);
    struct uffdio_register area = {.range = {(uintptr_t)h->page, h->page_size},
                                   .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (ioctl(h->fault_fd, UFFDIO_API, &api) != 0 ||
        ioctl(h->fault_fd, UFFDIO_REGISTER, &area) != 0) {
        assert_int_equal(0, munmap(h->page, h->page_size));
        assert_int_equal(0, close(h->fault_fd));
        return false;
    }
    h->fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(h->fd >= 0);
    assert_int_equal(0, pthread_create(&h->thread, NULL, write_what_never_comes, h));
    /* It is held when the fault is reported. */
    struct uffd_msg message;
    while (read(h->fault_fd, &message, sizeof message) != (ssize_t)sizeof message)
        pause_ms(1);
    return true;
}

void held_file_end(held_file *h)
{
    struct uffdio_zeropage zero = {.range = {(uintptr_t)h->page, h->page_size}};
    void *failed;
    assert_int_equal(0, ioctl(h->fault_fd, UFFDIO_ZEROPAGE, &zero));
    assert_int_equal(0, pthread_join(h->thread, &failed));
    assert_null(failed);
    assert_int_equal(0, close(h->fd));
    assert_int_equal(0, munmap(h->page, h->page_size));
    assert_int_equal(0, close(h->fault_fd));
}
