/*
 * Edit distance over short words.
 */
#include "base/nearest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Longer words are not compared: nothing that they could mean is as long. */
#define LONGEST 40
/* Shorter beginnings of a word stand for nothing. */
#define SHORTEST_BEGINNING 3

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment, row by row; both at most LONGEST. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
            row[j] = smaller(smaller(last[j] + 1, row[j - 1] + 1), last[j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[b_size];
}

/* A word that somebody cut short. */
static bool begins_with(const char *candidate, size_t candidate_size, const char *word, size_t size)
{
    if (size < SHORTEST_BEGINNING || size > candidate_size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (lower(candidate[i]) != lower(word[i]))
            return false;
    return true;
}

const char *bhd__nearest(const char *word, size_t size, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < count && size <= LONGEST; i++) {
        if (candidates[i] == NULL)
            continue;
        size_t candidate_size = strlen(candidates[i]);
        if (candidate_size > LONGEST)
            continue;
        size_t changes = distance(word, size, candidates[i], candidate_size);
        /* A third of the word, so that short words do not become quite different ones. */
        size_t longer = candidate_size > size ? candidate_size : size;
        size_t most = longer < 3 ? 0 : longer / 3;
        if (begins_with(candidates[i], candidate_size, word, size) && changes > most)
            changes = most;
        if (changes <= most && changes < least) {
            nearest = candidates[i];
            least = changes;
        }
    }
    return nearest;
}
