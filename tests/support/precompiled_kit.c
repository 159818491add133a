#include "support/precompiled_kit.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char directory[] = "/tmp/bulkhead-precompiled-XXXXXX";

int precompiled_begin(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

int precompiled_end(void **state)
{
    (void)state;
    return rmdir(directory);
}

const char *precompiled_directory(void)
{
    return directory;
}

precompiled_path precompiled_place(const char *name)
{
    precompiled_path p;
    (void)snprintf(p.path, sizeof p.path, "%s/%s", directory, name);
    return p;
}

bhd_host_options precompiled_compiling(void)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy.min_memory_bytes = PAGE;
    options.policy.max_memory_bytes = MIB(64);
    return options;
}

bhd_host_options precompiled_loading(void)
{
    bhd_host_options options = precompiled_compiling();
    options.compiler_path = PRECOMPILED_NOWHERE;
    options.allow_precompiled = true;
    return options;
}

bhd_host *precompiled_host(void)
{
    bhd_host_options options = precompiled_loading();
    return guest_host_with(&options);
}

bhd__file precompiled_read(const char *path)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__file file;
    expect_ok(bhd__file_read(path, "file", MIB(64), &file, &error), &error);
    return file;
}

bhd__file precompiled_source(const char *source)
{
    char path[512];
    bhd__file file = {.data = NULL};
    if (source[0] != '(') {
        (void)snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, source);
        return precompiled_read(path);
    }
    file.size = strlen(source);
    file.data = bhd__strndup(source, file.size);
    assert_non_null(file.data);
    return file;
}

void precompiled_make_under(const bhd_host_options *options, const char *source, bool with_fuel,
                            const char *path)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = guest_host_with(options);
    bhd__file file = precompiled_source(source);
    const bhd_precompile_options how = {.size = sizeof how, .with_fuel = with_fuel};
    expect_ok(bhd_precompile(host, &how, file.data, file.size, path, &error), &error);
    bhd__free(file.data);
    bhd_host_free(host);
    bhd_error_fini(&error);
}

void precompiled_make(const char *source, bool with_fuel, const char *path)
{
    bhd_host_options options = precompiled_compiling();
    precompiled_make_under(&options, source, with_fuel, path);
}

void precompiled_write(const char *path, const void *data, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, data, size), (ssize_t)size);
    assert_int_equal(close(file), 0);
}
