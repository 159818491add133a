/*
 * Every vector of a core module; support/grammar_sweep.h says what must happen.
 */
#include "support/grammar_sweep.h"

int main(int argc, char **argv)
{
    const grammar_part parts[] = {
        {grammar_modules, grammar_module_count},
        {grammar_code, grammar_code_count},
    };
    return grammar_sweep("the grammar of modules", parts, COUNT_OF(parts), argc, argv);
}
