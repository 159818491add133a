#include "support/child.h"

#include <signal.h>
#include <sys/wait.h>

static void default_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGABRT};
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        (void)signal(signals[i], SIG_DFL);
}

int child_status(void (*body)(void *env), void *env)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        default_signals();
        (void)alarm(120);
        body(env);
        _exit(0);
    }
    int status;
    assert_int_equal(child, waitpid(child, &status, 0));
    return status;
}

void child_succeeds(void (*body)(void *env), void *env)
{
    int status = child_status(body, env);
    if (WIFSIGNALED(status))
        print_error("the child died of signal %d\n", WTERMSIG(status));
    assert_true(WIFEXITED(status));
    assert_int_equal(0, WEXITSTATUS(status));
}

bool child_find_command(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 16);
    assert_true(length > 0);
    path[length] = '\0';
    for (int above = 1; above <= 3; above++) {
        *strrchr(path, '/') = '\0';
        size_t end = strlen(path);
        memcpy(path + end, "/bulkhead", sizeof "/bulkhead");
        if (access(path, X_OK) == 0)
            return true;
        path[end] = '\0';
    }
    return false;
}

void child_pause(void)
{
    (void)usleep(30000);
}

bhd_host *child_host(bool chained_signals)
{
    const bhd_grants everything = {.size = sizeof everything, .everything = true};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    options.grants = &everything;
    options.chained_signals = chained_signals;
    CHECK_STATUS(BHD_OK, bhd_host_new(&options, &host, &error), &error);
    return host;
}

bhd_component *child_component(bhd_host *host, const char *source)
{
    bhd_limits limits = guest_limits(MIB(1));
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    CHECK_STATUS(BHD_OK, guest_try_component(host, source, &limits, &component, &error), &error);
    return component;
}

bhd_sandbox *child_sandbox(bhd_component *component)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    CHECK_STATUS(BHD_OK, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    return sandbox;
}

void child_call_ends(bhd_component *component, bhd_status wanted, const char *name)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = child_sandbox(component);
    CHECK_STATUS(wanted, guest_call(sandbox, &error, NULL, name), &error);
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
}
