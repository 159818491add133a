/*
 * A WASI command that wants more memory than its Component.toml declares. It loads "tables" made of
 * rows of 64 KiB, touches every byte of them, and never stops. It proves that the growth which
 * would pass the limit is refused, and that the report names the guest's functions: collect_rows,
 * load_table, reserve. With on_exceed = "trap" it ends inside memory.grow. With "deny" malloc gives
 * NULL, and it does what much software does then: it aborts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_BYTES ((size_t)64 * 1024)
#define ROWS_PER_TABLE 4u
#define NAMED __attribute__((noinline))

struct row {
    struct row *next;
    unsigned char cells[ROW_BYTES - sizeof(struct row *)];
};

static size_t rows_held;

static NAMED struct row *reserve(void)
{
    struct row *row = malloc(sizeof *row);

    if (row == NULL) {
        fprintf(stderr, "hog: malloc of %zu bytes failed after %zu rows\n", sizeof *row, rows_held);
        abort();
    }
    return row;
}

static NAMED struct row *load_table(struct row *rows)
{
    for (unsigned i = 0; i < ROWS_PER_TABLE; i++) {
        struct row *row = reserve();

        memset(row->cells, 0x5a, sizeof row->cells);
        row->next = rows;
        rows = row;
        rows_held++;
    }
    return rows;
}

static NAMED struct row *collect_rows(void)
{
    struct row *rows = NULL;

    for (;;) {
        rows = load_table(rows);
        printf("hog: holding %zu KiB in %zu rows\n", rows_held * ROW_BYTES / 1024, rows_held);
        fflush(stdout);
    }
    return rows;
}

int main(void)
{
    printf("hog: collecting rows of %zu KiB\n", ROW_BYTES / 1024);
    fflush(stdout);
    return collect_rows() == NULL;
}
