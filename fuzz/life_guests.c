/*
 * See life_guests.h.
 */
#include "life_guests.h"

#include "life_model.h"

#define ABLE                                                                                       \
    "(module"                                                                                      \
    " (memory (export \"memory\") 1)"                                                              \
    " (table $t 10 funcref)"                                                                       \
    " (global $count (mut i32) (i32.const 0))"                                                     \
    " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"               \
    " (func (export \"greedy\") (param i32) (result i32)"                                          \
    "  (if (i32.eq (memory.grow (local.get 0)) (i32.const -1)) (then unreachable))"                \
    "  memory.size)"                                                                               \
    " (func (export \"pursue\") (param i32) (drop (memory.grow (local.get 0))) (loop $l (br $l)))" \
    " (func (export \"table\") (param i32) (result i32)"                                           \
    "  (table.grow $t (ref.null func) (local.get 0)))"                                             \
    " (func (export \"store\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"          \
    " (func (export \"count\") (result i32)"                                                       \
    "  (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))"       \
    " (func (export \"trap\") unreachable)"                                                        \
    " (func (export \"spin\") (loop $l (br $l))))"

#define IN_START(body)                                                                             \
    "(module (memory (export \"memory\") 1) (func $start " body ") (start $start))"

#define P1(name, type) "(import \"wasi_snapshot_preview1\" \"" name "\" (func $" name " " type "))"

/* An hour: no machine is so busy that a guest which ends by itself is ended before. */
#define LONG 3600

const life_guest life_guests[LIFE_GUESTS] = {
    {.text = ABLE, .has_functions = true, .timeout_seconds = LONG, .table_elements = 10},
    {.text = ABLE,
     .has_functions = true,
     .timeout_seconds = LONG,
     .table_elements = 10,
     .on_exceed = BHD_ON_EXCEED_TRAP},
    {.text = ABLE,
     .has_functions = true,
     .timeout_seconds = LONG,
     .table_elements = 10,
     .fuel = 5000},
    /* Nothing but its loop is called: on a busy machine everything else may miss the deadline. */
    {.text = "(module (memory (export \"memory\") 1) (func (export \"spin\") (loop $l (br $l))))",
     .new_status = BHD_TIMEOUT,
     .timeout_seconds = 0.002},
    {.text = IN_START("unreachable"), .new_status = BHD_TRAP, .timeout_seconds = LONG},
    {.text = IN_START("(drop (memory.grow (i32.const 20)))"),
     .new_status = BHD_OUT_OF_MEMORY,
     .on_exceed = BHD_ON_EXCEED_TRAP,
     .timeout_seconds = LONG},
    {.text = "(module " P1(
         "proc_exit", "(param i32)") " (memory (export \"memory\") 1)"
                                     " (func (export \"_start\") (call $proc_exit (i32.const 3))))",
     .is_command = true,
     .exit_code = 3,
     .dies = true,
     .timeout_seconds = LONG},
    {.text = "(module " P1(
         "fd_write",
         "(param i32 i32 i32 i32) (result i32)") " (memory (export"
                                                 " \"memory\") 1) (data (i32.const 32768) "
                                                 "\"\\10\\80\\00\\00\\05\\00\\00\\00\\00\\00\\00"
                                                 "\\00\\00\\00\\00\\00hello\") (func (export "
                                                 "\"_start\")"
                                                 " (if (call $fd_write (i32.const 1) (i32.const "
                                                 "32768) (i32.const 1) (i32.const 32776))"
                                                 " (then unreachable))))",
     .is_command = true,
     .prints = 5,
     .timeout_seconds = LONG},
    {.text =
         "(component (core module $m (memory (export \"memory\") 1)"
         " (func (export \"run\") (result i32) (i32.const 0))) (core instance $i (instantiate $m))"
         " (func $run (result (result)) (canon lift (core func $i \"run\")))"
         " (instance $cli (export \"run\" (func $run))) (export \"wasi:cli/run@0.2.0\""
         " (instance $cli)))",
     .is_command = true,
     .is_component = true,
     .timeout_seconds = LONG},
};
