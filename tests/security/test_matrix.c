/*
 * Plays every cell of the matrix (support/matrix.h): what becomes of every public function in every
 * state of its sandbox, from every thread. Nothing may wait for ever, end the process, leave
 * anything, or give something else than the table says; and docs/EMBEDDING.md shows the table.
 *
 * A child plays the cells of one place. When it hangs or ends, that is what became of the cell, and
 * another one goes on with the next.
 */
#include "base/alloc.h"
#include "support/matrix.h"
#include "support/real_guest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* For one cell, on a machine that is busy with other things. */
#define PATIENCE_SECONDS 60

enum { FUNCTIONS_MAX = 128, PAGE_COLUMNS = 118 };

#define TEXT(name, text) text,
static const char *const state_texts[] = {MATRIX_STATES(TEXT)};
static const char *const place_texts[] = {MATRIX_PLACES(TEXT)};

/* -- playing --------------------------------------------------------------------------------- */

/* Of one place. 0: not played yet; ! while it is played. */
typedef struct board {
    char came_to[STATES][FUNCTIONS_MAX];
    bool has_leaked;
} board;

static void play(board *b, matrix_place place)
{
    static matrix_scene scene;
    uint64_t before = bhd__alloc_live();
    scene.place = place;
    for (int in = 0; in < STATES; in++)
        for (size_t i = 0; i < matrix_function_count; i++) {
            char *came_to = &b->came_to[in][i];
            scene.state = (matrix_state)in;
            scene.function = &matrix_functions[i];
            scene.expected = matrix_functions[i].expected[place][in];
            if (*came_to || scene.expected == '.')
                continue;
            *came_to = '!';
            (void)alarm(PATIENCE_SECONDS);
            *came_to = matrix_play(&scene);
        }
    (void)alarm(PATIENCE_SECONDS);
    if (scene.imports)
        matrix_end(&scene);
    /* A worker may be about to delete a call. */
    for (int i = 0; i < 10000 && bhd__alloc_live() != before; i++)
        (void)usleep(1000);
    b->has_leaked = bhd__alloc_live() != before;
}

/* True: all of them were played. */
static bool play_in_child(board *b, matrix_place place)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGALRM, SIG_DFL);
        play(b, place);
        _exit(0);
    }
    assert_true(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM, was_cell = false;
    for (int in = 0; in < STATES; in++)
        for (size_t i = 0; i < matrix_function_count; i++)
            if (b->came_to[in][i] == '!') {
                b->came_to[in][i] = hung ? 'H' : 'E';
                was_cell = true;
            }
    b->has_leaked = b->has_leaked || !was_cell; /* it ended at its end */
    return !was_cell;
}

static bool agrees(char expected, char came_to)
{
    return came_to == expected || (expected == 'S' && (came_to == '+' || came_to == 'L'));
}

static size_t count_wrong(const board *b, matrix_place place, size_t *cells)
{
    size_t wrong = 0;
    for (int in = 0; in < STATES; in++)
        for (size_t i = 0; i < matrix_function_count; i++) {
            char expected = matrix_functions[i].expected[place][in];
            if (expected == '.')
                continue;
            ++*cells;
            if (agrees(expected, b->came_to[in][i]))
                continue;
            wrong++;
            print_error("%s; %s; %s: %c is expected, and %c came of it\n", matrix_functions[i].name,
                        state_texts[in], place_texts[place], expected, b->came_to[in][i]);
        }
    if (b->has_leaked) {
        print_error("%s: memory remains\n", place_texts[place]);
        wrong++;
    }
    return wrong;
}

static void every_cell_is_as_the_table_says(void **state)
{
    (void)state;
    board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    size_t cells = 0, wrong = 0;
    assert_true(b != MAP_FAILED);
    assert_true(matrix_function_count <= FUNCTIONS_MAX);
    for (int place = 0; place < PLACES; place++) {
        memset(b, 0, sizeof *b);
        while (!play_in_child(b, (matrix_place)place))
            continue;
        wrong += count_wrong(b, (matrix_place)place, &cells);
    }
    print_message("%zu cells, %zu wrong\n", cells, wrong);
    (void)munmap(b, sizeof *b);
    assert_int_equal(0, wrong);
}

/* -- the documentation ------------------------------------------------------------------------ */

typedef struct page {
    char text[32768];
    size_t length;
} page;

static void add(page *p, const char *text)
{
    size_t size = strlen(text);
    assert_true(p->length + size < sizeof p->text);
    memcpy(p->text + p->length, text, size + 1);
    p->length += size;
}

static const char *word_for(char code)
{
    switch (code) {
    case '+':
        return "yes";
    case 'B':
        return "`BUSY`";
    case 'D':
        return "`DEAD`";
    case 'I':
        return "`INVALID`";
    case 'U':
        return "`UNSUPPORTED`";
    case '0':
        return "nothing";
    case 'W':
        return "waits";
    case 'L':
        return "last out";
    case 'S':
        return "soon";
    default:
        return "";
    }
}

/* `.` is like anything, and becomes what the other one is. */
static bool merge(char *into, const char *from)
{
    for (int in = 0; in < STATES; in++)
        if (into[in] != '.' && from[in] != '.' && into[in] != from[in])
            return false;
    for (int in = 0; in < STATES; in++)
        if (into[in] == '.')
            into[in] = from[in];
    return true;
}

static void add_rows(page *p, const char *const *expected)
{
    bool is_shown[PLACES] = {false};
    for (int place = 0; place < PLACES; place++) {
        char cells[STATES + 1];
        unsigned merged = 0;
        page who = {.length = 0};
        if (is_shown[place])
            continue;
        memcpy(cells, expected[place], sizeof cells);
        for (int other = place; other < PLACES; other++)
            if (!is_shown[other] && merge(cells, expected[other])) {
                is_shown[other] = true;
                add(&who, merged++ > 0 ? "; " : "");
                add(&who, place_texts[other]);
            }
        add(p, "| ");
        add(p, merged == PLACES ? "any" : merged > PLACES / 2 ? "elsewhere" : who.text);
        for (int in = 0; in < STATES; in++) {
            add(p, " | ");
            add(p, word_for(cells[in]));
        }
        add(p, " |\n");
    }
}

static void add_group(page *p, const char *const *expected)
{
    size_t column = 0;
    for (size_t i = 0; i < matrix_function_count; i++) {
        const char *name = matrix_functions[i].name;
        if (matrix_functions[i].expected != expected)
            continue;
        bool is_first = column == 0, fits = column + strlen(name) + 5 <= PAGE_COLUMNS;
        add(p, is_first ? "`" : fits ? ", `" : ",\n`");
        add(p, name);
        add(p, "`");
        column = (is_first || !fits ? 0 : column + 2) + strlen(name) + 2;
    }
    add(p, "\n\n| from");
    for (int in = 0; in < STATES; in++) {
        add(p, " | ");
        add(p, state_texts[in]);
    }
    add(p, " |\n|---");
    for (int in = 0; in < STATES; in++)
        add(p, "|---");
    add(p, "|\n");
    add_rows(p, expected);
}

static void the_documentation_shows_the_table(void **state)
{
    (void)state;
    static page shown, wanted;
    FILE *file = fopen(BHD_SOURCE_DIR "/docs/EMBEDDING.md", "r");
    assert_non_null(file);
    shown.length = fread(shown.text, 1, sizeof shown.text - 1, file);
    assert_true(shown.length < sizeof shown.text - 1);
    (void)fclose(file);
    const char *const *last = NULL;
    size_t missing = 0;
    for (size_t i = 0; i < matrix_function_count; i++) {
        const char *const *expected = matrix_functions[i].expected;
        if (expected == last)
            continue;
        last = expected;
        wanted.length = 0;
        add_group(&wanted, expected);
        if (strstr(shown.text, wanted.text))
            continue;
        print_error("docs/EMBEDDING.md lacks this:\n%s\n", wanted.text);
        missing++;
    }
    assert_int_equal(0, missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_as_the_table_says),
        cmocka_unit_test(the_documentation_shows_the_table),
    };
    return cmocka_run_group_tests_name("matrix", tests, NULL, NULL);
}
