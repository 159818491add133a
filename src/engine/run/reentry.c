#include "engine/run/reentry.h"

#include "schedule/scheduler.h"

_Thread_local unsigned bhd__calls_here;

bool bhd__engine_is_beneath_guest(void)
{
    return bhd__calls_here > 0 || bhd__scheduler_runs_task();
}

bool bhd__engine_is_inside(void)
{
    return bhd__calls_here > 0 || bhd__scheduler_is_worker();
}

bool bhd__engine_is_worker(void)
{
    return bhd__scheduler_is_worker();
}
