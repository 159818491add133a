#include "support/played.h"

#include "support/process_facts.h"

#include "base/alloc.h"

#include <errno.h>
#include <sys/wait.h>

const char played_path[] = BHD_PLAYED_COMPILER;

bhd__compiler_options played_options(void)
{
    return (bhd__compiler_options){
        .path = played_path,
        .build = "played 1",
        .max_seconds = 60,
        .max_bytes = MIB(64),
        .max_output_bytes = MIB(1),
        .max_at_once = 8,
    };
}

bhd__compiler *played_compiler_new(const bhd__compiler_options *options)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiler *compiler = NULL;
    expect_ok(bhd__compiler_new(options, &compiler, &error), &error);
    return compiler;
}

bhd_status played_compile(bhd__compiler *compiler, const char *script, bhd__compiled *compiled,
                          bhd_error *error)
{
    const bhd__compile_request request = {.binary = script, .size = strlen(script)};
    return bhd__compile_apart(compiler, &request, compiled, error);
}

played_traces played_look(void)
{
    return (played_traces){process_descriptors(), process_mappings(), bhd__alloc_live()};
}

void played_expect_no_traces(const played_traces *before)
{
    played_traces now = played_look();
    assert_int_equal(before->descriptors, now.descriptors);
    assert_int_equal(before->allocations, now.allocations);
    /* The C library's own heap may have grown by one. */
    if (!BHD_TESTS_SANITIZED)
        assert_true(now.mappings <= before->mappings + 1);
    assert_int_equal(-1, waitpid(-1, NULL, WNOHANG | __WALL));
    assert_int_equal(ECHILD, errno);
}
