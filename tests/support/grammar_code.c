/*
 * The vectors inside the functions of a module. See grammar.h for the notation.
 */
#include "support/grammar.h"

#define ROW(name_, covers_, one_, most_, text_)                                                    \
    {                                                                                              \
        .name = (name_), .covers = (covers_), .kind = GRAMMAR_MODULE, .one = BHD_##one_,           \
        .most = (most_), .text = (text_)                                                           \
    }

/* One function with this body. */
#define FUNCTION "01[01 60 00 00] 03[01 00] 07[01 'f' 00 00] "
#define BODY(text) FUNCTION "0a[01 [" text " 0b]]"
#define FUNCTION_WITH_GLOBALS "01[01 60 00 00] 03[01 00] 06[N{7f 01 41 00 0b}] 07[01 'f' 00 00] "
#define WITH_TAG(text)                                                                             \
    "01[01 60 00 00] 03[01 00] 0d[01 00 00] 07[01 'f' 00 00] 0a[01 [" text " 0b]]"

const grammar_vector grammar_code[] = {
    ROW("bodies", "Payload::CodeSectionStart Payload::CodeSectionEntry", OK, 1000001,
        "01[01 60 00 00] 03[N{00}] 0a[N{[00 01 0b]}]"),
    ROW("operators of the start function", "Payload::StartSection MAX_WASM_FUNCTION_SIZE", OK,
        7654322, "01[01 60 00 00] 03[01 00] 08[00] 0a[01 [00 R{01} 0b]]"),
    ROW("groups of locals", "", OK, 50001, BODY("N{01 7f}")),
    ROW("groups of no locals", "", OK, 1000001, BODY("N{00 7f}")),
    ROW("locals of a group", "MAX_WASM_FUNCTION_LOCALS", OK, 50001, BODY("01 I 7e")),
    ROW("locals that are vectors", "", OK, 50001, BODY("01 I 7b")),
    ROW("locals that are references", "", OK, 50001, BODY("01 I 6f")),
    ROW("operands on the stack", "", OK, 1000001, BODY("00 R{41 00} R{1a}")),
    ROW("operands of a call", "", OK, 1001,
        "01[02 60 00 00 60 N{7f} 00] 03[02 00 01] 07[01 'f' 00 00]"
        " 0a[02 [00 R{41 00} 10 01 0b] [00 0b]]"),
    ROW("targets of a branch table", "MAX_WASM_BR_TABLE_SIZE", OK, 7654321,
        BODY("00 41 00 0e N{00} 00")),
    ROW("branch tables", "", OK, 1000001, BODY("00 R{02 40 41 00 0e 00 00 0b}")),
    ROW("blocks in blocks", "", OK, 1000001, BODY("00 R{02 40} R{0b}")),
    ROW("loops in loops", "", OK, 1000001, BODY("00 R{03 40} R{0b}")),
    ROW("conditions in conditions", "", OK, 1000001, BODY("00 R{41 00 04 40} R{0b}")),
    ROW("blocks after blocks", "", OK, 1000001, BODY("00 R{02 40 0b}")),
    ROW("loops after loops", "", OK, 1000001, BODY("00 R{03 40 0b}")),
    ROW("handlers in handlers", "", OK, 1000001, BODY("00 R{1f 40 00} R{0b}")),
    ROW("types of a choice", "MAX_WASM_SELECT_RESULT_SIZE", OK, 11,
        BODY("00 41 00 41 00 41 00 1c N{7f} 1a")),
    ROW("choices", "", OK, 1000001, BODY("00 R{41 00 41 00 41 00 1c 01 7f 1a}")),
    ROW("handlers of everything", "Catch::All MAX_WASM_CATCHES", OK, 10001,
        BODY("00 02 40 1f 40 N{02 00} 0b 0b")),
    ROW("handlers of everything, with the exception", "Catch::AllRef", OK, 10001,
        BODY("00 02 69 1f 40 N{03 00} 0b d0 69 0b 1a")),
    ROW("handlers of a tag", "Catch::One", OK, 10001, WITH_TAG("00 02 40 1f 40 N{00 00 00} 0b 0b")),
    ROW("handlers of a tag, with the exception", "Catch::OneRef", OK, 10001,
        WITH_TAG("00 02 69 1f 40 N{01 00 00} 0b d0 69 0b 1a")),
    ROW("calls with a handler", "", OK, 1000001, BODY("00 R{02 40 1f 40 01 02 00 10 00 0b 0b}")),
    ROW("ways to go on", "Handle::OnLabel Handle::OnSwitch MAX_WASM_HANDLERS", COMPONENT_INVALID,
        10001,
        "01[02 60 00 00 5d 00] 03[01 00] 0d[01 00 00] 0a[01 [00 d0 01 e3 01 N{00 00 00} 0b]]"),
    ROW("calls", "", OK, 1000001, BODY("00 R{10 00}")),
    ROW("calls through a table", "", OK, 1000001,
        "01[01 60 00 00] 03[01 00] 04[01 70 00 01] 07[01 'f' 00 00]"
        " 0a[01 [00 R{41 00 11 00 00} 0b]]"),
    ROW("globals in a function", "", OK, 1000001,
        FUNCTION_WITH_GLOBALS "0a[01 [00 R{23 i 1a} 0b]]"),
    ROW("globals that a function writes", "", OK, 1000001,
        FUNCTION_WITH_GLOBALS "0a[01 [00 R{41 00 24 i} 0b]]"),
    ROW("functions that a function names", "", OK, 1000001,
        "01[01 60 00 00] 03[N{00}] 09[01 03 00 N{i}] 0a[N{[00 d2 i 1a 0b]}]"),
    ROW("functions in a function", "", OK, 50001,
        "01[01 60 00 00] 03[J 00 R{00}] 09[01 03 00 N{i}] 0a[J [00 R{d2 i 1a} 0b] R{[00 0b]}]"),
    ROW("calls of different functions", "", OK, 50001,
        "01[01 60 00 00] 03[J 00 R{00}] 0a[J [00 R{10 i} 0b] R{[00 0b]}]"),
    ROW("memories in a function", "", OK, 101,
        "01[01 60 00 00] 03[01 00] 05[N{00 00}] 0a[01 [00 R{3f i 1a} 0b]]"),
    ROW("tables in a function", "", OK, 101,
        "01[01 60 00 00] 03[01 00] 04[N{70 00 00}] 0a[01 [00 R{fc 10 i 1a} 0b]]"),
    ROW("segments that a function ends", "", OK, 100001,
        "01[01 60 00 00] 03[01 00] 0c[I] 0a[01 [00 R{fc 09 i} 0b]] 0b[N{01 01 61}]"),
    ROW("element segments that a function ends", "", OK, 100001,
        "01[01 60 00 00] 03[01 00] 09[N{01 00 00}] 0a[01 [00 R{fc 0d i} 0b]]"),
    ROW("throws", "", OK, 1000001, WITH_TAG("00 R{02 40 08 00 0b}")),
    ROW("loads", "", OK, 1000001,
        "01[01 60 00 00] 03[01 00] 05[01 00 01] 0a[01 [00 R{41 00 28 02 00 1a} 0b]]"),
    ROW("growths", "", OK, 1000001,
        "01[01 60 00 00] 03[01 00] 05[01 00 01] 0a[01 [00 R{41 00 40 00 1a} 0b]]"),
};

const size_t grammar_code_count = COUNT_OF(grammar_code);
