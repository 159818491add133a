#include "support/file_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void make_sandbox(file_guest *f, double timeout_seconds)
{
    bhd_error error = BHD_ERROR_INIT;
    char path[512];
    f->asked.directories = &f->directory;
    f->asked.directory_count = 1;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "files",
                                     .limits = guest_limits(MIB(1)),
                                     .capabilities = &f->asked};
    options.limits.timeout_seconds = timeout_seconds;
    snprintf(path, sizeof path, "%s/guests/wasi/files.wat", BHD_SOURCE_DIR);
    expect_ok(bhd_component_load_file(f->host, path, &options, &f->component, &error), &error);
    f->sandbox = guest_sandbox(f->component);
}

void files_begin(file_guest *f, uint64_t quota, double timeout_seconds)
{
    *f = (file_guest){.asked = BHD_CAPABILITIES_INIT};
    snprintf(f->root, sizeof f->root, "/tmp/bulkhead-files-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->data, sizeof f->data, "%s/data", f->root);
    assert_int_equal(0, mkdir(f->data, 0700));
    f->directory = (bhd_directory){f->data, "/data", BHD_ACCESS_READ_WRITE};
    if (quota > 0)
        f->asked.max_written_bytes = quota;
    f->host = guest_host();
    make_sandbox(f, timeout_seconds);
}

void files_beside(file_guest *f, const file_guest *other, double timeout_seconds)
{
    *f = *other;
    f->root[0] = '\0'; /* it is the other's */
    f->directory.host = f->data;
    make_sandbox(f, timeout_seconds);
}

void files_again(file_guest *f)
{
    bhd_sandbox_free(f->sandbox);
    f->sandbox = guest_sandbox(f->component);
}

void files_end(file_guest *f)
{
    char command[128];
    bhd_sandbox_free(f->sandbox);
    bhd_component_free(f->component);
    if (f->root[0] == '\0')
        return;
    bhd_host_free(f->host);
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    assert_int_equal(0, system(command));
}

const char *files_path(const file_guest *f, const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", f->data, name);
    return path;
}

void files_put(const file_guest *f, const char *name, const char *text)
{
    FILE *file = fopen(files_path(f, name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(0, fclose(file));
}

uint64_t files_disk_bytes(const file_guest *f, const char *name)
{
    struct stat st;
    assert_int_equal(0, lstat(files_path(f, name), &st));
    return (uint64_t)st.st_blocks * 512;
}

static void put_bytes(file_guest *f, uint64_t at, const void *data, size_t size)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_sandbox_write(f->sandbox, NULL, at, data, size, &error), &error);
}

static void get_bytes(file_guest *f, uint64_t at, void *data, size_t size)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_sandbox_read(f->sandbox, NULL, at, data, size, &error), &error);
}

uint32_t files_u32(file_guest *f, uint64_t at)
{
    uint32_t value;
    get_bytes(f, at, &value, sizeof value);
    return value;
}

uint64_t files_u64(file_guest *f, uint64_t at)
{
    uint64_t value;
    get_bytes(f, at, &value, sizeof value);
    return value;
}

int32_t files_text(file_guest *f, int place, const char *path)
{
    size_t size = strlen(path);
    put_bytes(f, place == 0 ? TEXT_0 : TEXT_1, path, size);
    return (int32_t)size;
}

int32_t files_open(file_guest *f, const char *path, int32_t flags, int64_t rights, int32_t *fd)
{
    int32_t size = files_text(f, 0, path);
    int32_t errno_ = guest_i32(f->sandbox, "path_open", (int32_t)3, (int32_t)1, (int32_t)TEXT_0,
                               size, flags, rights, rights, (int32_t)0, (int32_t)RESULT_AT);
    if (errno_ == 0 && fd)
        *fd = (int32_t)files_u32(f, RESULT_AT);
    return errno_;
}

int32_t files_close(file_guest *f, int32_t fd)
{
    return guest_i32(f->sandbox, "fd_close", fd);
}

static void put_vector(file_guest *f, size_t size)
{
    const uint32_t vector[] = {BUFFER_AT, (uint32_t)size};
    put_bytes(f, VECTOR_AT, vector, sizeof vector);
}

int32_t files_write(file_guest *f, int32_t fd, const void *data, size_t size, int64_t at,
                    uint32_t *done)
{
    put_bytes(f, BUFFER_AT, data, size);
    put_vector(f, size);
    int32_t errno_ = at < 0 ? guest_i32(f->sandbox, "fd_write", fd, (int32_t)VECTOR_AT, (int32_t)1,
                                        (int32_t)RESULT_AT)
                            : guest_i32(f->sandbox, "fd_pwrite", fd, (int32_t)VECTOR_AT, (int32_t)1,
                                        at, (int32_t)RESULT_AT);
    if (errno_ == 0 && done)
        *done = files_u32(f, RESULT_AT);
    return errno_;
}

int32_t files_read(file_guest *f, int32_t fd, void *data, size_t size, uint32_t *done)
{
    put_vector(f, size);
    int32_t errno_ =
        guest_i32(f->sandbox, "fd_read", fd, (int32_t)VECTOR_AT, (int32_t)1, (int32_t)RESULT_AT);
    if (errno_ == 0) {
        *done = files_u32(f, RESULT_AT);
        get_bytes(f, BUFFER_AT, data, *done);
    }
    return errno_;
}

int32_t files_do(file_guest *f, const char *name, const char *path)
{
    int32_t size = files_text(f, 0, path);
    return guest_i32(f->sandbox, name, (int32_t)3, (int32_t)TEXT_0, size);
}

int32_t files_list(file_guest *f, int32_t fd, uint64_t cookie, uint32_t size, uint32_t *used)
{
    int32_t errno_ = guest_i32(f->sandbox, "fd_readdir", fd, (int32_t)BUFFER_AT, (int32_t)size,
                               (int64_t)cookie, (int32_t)RESULT_AT);
    if (errno_ == 0)
        *used = files_u32(f, RESULT_AT);
    return errno_;
}
