/*
 * Every vector of a component; support/grammar_sweep.h says what must happen.
 */
#include "support/grammar_sweep.h"

int main(int argc, char **argv)
{
    const grammar_part parts[] = {
        {grammar_components, grammar_component_count},
        {grammar_types, grammar_type_count},
        {grammar_canonicals, grammar_canonical_count},
    };
    return grammar_sweep("the grammar of components", parts, COUNT_OF(parts), argc, argv);
}
