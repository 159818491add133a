/*
 * The vectors of a component's canonical functions. Those of the component model's own concurrency
 * are off, and have to be refused however many there are. See grammar.h for the notation.
 */
#include "support/grammar.h"

#define ROW(name_, covers_, one_, most_, text_)                                                    \
    {                                                                                              \
        .name = (name_), .covers = (covers_), .kind = GRAMMAR_COMPONENT, .one = BHD_##one_,        \
        .most = (most_), .text = (text_)                                                           \
    }
#define OWN_ROW(name_, covers_, one_, most_, text_)                                                \
    {                                                                                              \
        .name = (name_), .covers = (covers_), .kind = GRAMMAR_INSTANCES, .one = BHD_##one_,        \
        .most = (most_), .text = (text_)                                                           \
    }
#define OFF(name_, variant, text_)                                                                 \
    ROW(name_, "CanonicalFunction::" variant, COMPONENT_UNSUPPORTED, 1000001,                      \
        GIVER "08[N{" text_ "}]")
#define INVALID(name_, variant, text_)                                                             \
    ROW(name_, "CanonicalFunction::" variant, COMPONENT_INVALID, 1000001, GIVER "08[N{" text_ "}]")
#define OPTION(name_, variant, one_, text_)                                                        \
    ROW(name_, "CanonicalOption::" variant, one_, 11, GIVER "08[01 00 00 00 N{" text_ "} 00]")

/* Core functions 0 "func()" and 1, an allocator; memory 0; type 0 "func()". */
#define GIVER                                                                                      \
    "01[M 01[02 60 00 00 60 04 7f 7f 7f 7f 01 7f] 03[02 00 01] 05[01 00 01]"                       \
    " 07[03 'f' 00 00 'r' 00 01 'm' 02 00] 0a[02 [00 0b] [00 41 00 0b]]]"                          \
    " 02[01 00 00 00] 06[03 00 00 01 00 'f' 00 00 01 00 'r' 00 02 01 00 'm']"                      \
    " 07[01 40 00 01 00] "
/* Function 0, of another component. */
#define OTHER                                                                                      \
    "04[C " GIVER                                                                                  \
    "08[01 00 00 00 00 00] 0b[01 00 'f' 01 00 00]] 05[01 00 00 00] 06[01 01 00 00 'f'] "

const grammar_vector grammar_canonicals[] = {
    ROW("lifted functions", "Payload::ComponentCanonicalSection CanonicalFunction::Lift", OK,
        1000001, GIVER "08[N{00 00 00 00 00}]"),
    ROW("lifted functions that are exported", "", OK, 1000001,
        GIVER "08[N{00 00 00 00 00}] 0b[N{00 $ 01 i 00}]"),
    ROW("lowered functions", "CanonicalFunction::Lower", OK, 1000001, OTHER "08[N{01 00 00 00}]"),
    OWN_ROW("lowered functions that are given", "", OK, 100001,
            OTHER "08[N{01 00 00 00}] 02[01 01 N{$ 00 i}]"
                  " 01[M 01[01 60 00 00] 02[N{'a' $ 00 00}]] 02[T{00 00 01 'a' 12 00}]"),
    ROW("makers of resources", "CanonicalFunction::ResourceNew", OK, 1000001,
        "07[01 3f 7f 00] 08[N{02 00}]"),
    ROW("ends of resources", "CanonicalFunction::ResourceDrop", OK, 1000001,
        "07[01 3f 7f 00] 08[N{03 00}]"),
    ROW("representations of resources", "CanonicalFunction::ResourceRep", OK, 1000001,
        "07[01 3f 7f 00] 08[N{04 00}]"),
    OWN_ROW("makers of resources that are given", "", OK, 100001,
            "07[01 3f 7f 00] 08[N{02 00}] 02[01 01 N{$ 00 i}]"
            " 01[M 01[01 60 01 7f 01 7f] 02[N{'a' $ 00 00}]] 02[T{00 00 01 'a' 12 00}]"),
    OWN_ROW("ends of resources that are given", "", OK, 100001,
            "07[01 3f 7f 00] 08[N{03 00}] 02[01 01 N{$ 00 i}]"
            " 01[M 01[01 60 01 7f 00] 02[N{'a' $ 00 00}]] 02[T{00 00 01 'a' 12 00}]"),
    OWN_ROW("ends of different resources that are given", "", OK, 100001,
            "07[N{3f 7f 00}] 08[N{03 i}] 02[01 01 N{$ 00 i}]"
            " 01[M 01[01 60 01 7f 00] 02[N{'a' $ 00 00}]] 02[T{00 00 01 'a' 12 00}]"),
    OPTION("options: UTF-8", "UTF8", OK, "00"),
    OPTION("options: UTF-16", "UTF16", OK, "01"),
    OPTION("options: UTF-16 or Latin-1", "CompactUTF16", OK, "02"),
    OPTION("options: memory", "Memory", OK, "03 00"),
    ROW("options: allocator", "CanonicalOption::Realloc MAX_WASM_CANONICAL_OPTIONS", OK, 11,
        GIVER "08[01 00 00 00 J 03 00 R{04 01} 00]"),
    OPTION("options: what comes after", "PostReturn", OK, "05 00"),
    OPTION("options: async", "Async", COMPONENT_INVALID, "06"),
    OPTION("options: callback", "Callback", COMPONENT_INVALID, "07 00"),
    OPTION("options: core type", "CoreType", COMPONENT_INVALID, "08 00"),
    OPTION("options: GC", "Gc", COMPONENT_UNSUPPORTED, "09"),

    INVALID("thread spawn ref", "ThreadSpawnRef", "40 00"),
    INVALID("thread spawn indirect", "ThreadSpawnIndirect", "41 00 00"),
    OFF("thread available parallelism", "ThreadAvailableParallelism", "42"),
    OFF("backpressure inc", "BackpressureInc", "24"),
    OFF("backpressure dec", "BackpressureDec", "25"),
    OFF("task return", "TaskReturn", "09 01 00 00"),
    OFF("task cancel", "TaskCancel", "05"),
    OFF("context get", "ContextGet", "0a 7f 00"),
    OFF("context set", "ContextSet", "0b 7f 00"),
    OFF("thread yield", "ThreadYield", "0c 00"),
    OFF("subtask drop", "SubtaskDrop", "0d"),
    OFF("subtask cancel", "SubtaskCancel", "06 00"),
    INVALID("stream new", "StreamNew", "0e 00"),
    INVALID("stream read", "StreamRead", "0f 00 00"),
    INVALID("stream write", "StreamWrite", "10 00 00"),
    INVALID("stream cancel read", "StreamCancelRead", "11 00 00"),
    INVALID("stream cancel write", "StreamCancelWrite", "12 00 00"),
    INVALID("stream drop readable", "StreamDropReadable", "13 00"),
    INVALID("stream drop writable", "StreamDropWritable", "14 00"),
    INVALID("future new", "FutureNew", "15 00"),
    INVALID("future read", "FutureRead", "16 00 00"),
    INVALID("future write", "FutureWrite", "17 00 00"),
    INVALID("future cancel read", "FutureCancelRead", "18 00 00"),
    INVALID("future cancel write", "FutureCancelWrite", "19 00 00"),
    INVALID("future drop readable", "FutureDropReadable", "1a 00"),
    INVALID("future drop writable", "FutureDropWritable", "1b 00"),
    INVALID("error context new", "ErrorContextNew", "1c 00"),
    INVALID("error context debug message", "ErrorContextDebugMessage", "1d 00"),
    OFF("error context drop", "ErrorContextDrop", "1e"),
    OFF("waitable set new", "WaitableSetNew", "1f"),
    OFF("waitable set wait", "WaitableSetWait", "20 00 00"),
    OFF("waitable set poll", "WaitableSetPoll", "21 00 00"),
    OFF("waitable set drop", "WaitableSetDrop", "22"),
    OFF("waitable join", "WaitableJoin", "23"),
    OFF("thread index", "ThreadIndex", "26"),
    INVALID("thread new indirect", "ThreadNewIndirect", "27 00 00"),
    OFF("thread resume later", "ThreadResumeLater", "28"),
    OFF("thread suspend", "ThreadSuspend", "29 00"),
    OFF("thread suspend then resume", "ThreadSuspendThenResume", "2a 00"),
    OFF("thread yield then resume", "ThreadYieldThenResume", "2b 00"),
    OFF("thread suspend then promote", "ThreadSuspendThenPromote", "2c 00"),
    OFF("thread yield then promote", "ThreadYieldThenPromote", "2d 00"),
};

const size_t grammar_canonical_count = COUNT_OF(grammar_canonicals);
