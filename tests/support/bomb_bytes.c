#include "support/bomb_bytes.h"

#include <stdio.h>
#include <string.h>

/* -- chance -------------------------------------------------------------------------------- */

/* SplitMix64. */
uint64_t bomb_draw(bomb_chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t bomb_below(bomb_chance *chance, uint64_t n)
{
    return bomb_draw(chance) % n;
}

uint64_t bomb_about(bomb_chance *chance, uint64_t most)
{
    unsigned bits = 1;
    while (bits < 63 && most >> bits)
        bits++;
    uint64_t below = UINT64_C(1) << (1 + bomb_below(chance, bits));
    uint64_t value = below / 2 + bomb_below(chance, below / 2 + 1);
    return value > most ? most : value;
}

bool bomb_one_in(bomb_chance *chance, uint64_t n)
{
    return bomb_below(chance, n) == 0;
}

/* -- bytes --------------------------------------------------------------------------------- */

void bomb_byte(bomb_text *text, unsigned byte)
{
    char one = (char)byte;
    bomb_bytes(text, &one, 1);
}

void bomb_number(bomb_text *text, uint64_t value)
{
    char bytes[10];
    size_t size = 0;
    do {
        unsigned byte = value & 0x7f;
        value >>= 7;
        bytes[size++] = (char)(byte | (value ? 0x80 : 0));
    } while (value);
    bomb_bytes(text, bytes, size);
}

void bomb_signed(bomb_text *text, int64_t value)
{
    for (;;) {
        unsigned byte = (unsigned)(value & 0x7f);
        value = value < 0 ? ~(~value >> 7) : value >> 7;
        bool is_last = (value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40));
        bomb_byte(text, byte | (is_last ? 0 : 0x80));
        if (is_last)
            return;
    }
}

void bomb_name(bomb_text *text, const char *name)
{
    bomb_number(text, strlen(name));
    bomb_put(text, name);
}

void bomb_numbered(bomb_text *text, char letter, uint64_t number)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%c%llu", letter, (unsigned long long)number);
    bomb_name(text, name);
}

void bomb_sized(bomb_text *text, bomb_text *inside)
{
    bomb_number(text, inside->size);
    bomb_bytes(text, inside->data ? inside->data : "", inside->size);
    bomb_free(inside);
}

void bomb_section(bomb_text *text, unsigned id, bomb_text *inside)
{
    bomb_byte(text, id);
    bomb_sized(text, inside);
}

void bomb_vector(bomb_text *text, unsigned id, uint64_t count, bomb_text *items)
{
    bomb_text whole = {0};
    if (count == 0) {
        bomb_free(items);
        return;
    }
    bomb_number(&whole, count);
    bomb_bytes(&whole, items->data, items->size);
    bomb_free(items);
    bomb_section(text, id, &whole);
}

void bomb_module_header(bomb_text *text)
{
    bomb_bytes(text, "\0asm\1\0\0\0", 8);
}

void bomb_component_header(bomb_text *text)
{
    bomb_bytes(text, "\0asm\x0d\0\1\0", 8);
}
