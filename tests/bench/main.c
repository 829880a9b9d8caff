/* chitty-bench WORKLOAD [--json]: measures one workload beside its floors, on this machine, now.
 * Prints one object {"workload", "figures", "floor"}; without --json a line a figure. */
#include "tests/bench/bench.h"

#include <sodium.h>
#include <stdio.h>

static const struct {
    const char *name;
    void (*run)(struct bench *b);
} workloads[] = {
    { "records", bench_records },
    { "local", bench_local },
    { "e2e", bench_e2e },
    { "cli", bench_cli },
};

static void put(struct bench_figure *list, size_t *count, const char *name, double value)
{
    if (*count == BENCH_FIGURES_MAX)
        bench_fail("too many figures");
    list[(*count)++] = (struct bench_figure){ .name = name, .value = value };
}

void bench_figure(struct bench *b, const char *name, double value)
{
    put(b->figures, &b->figure_count, name, value);
}

void bench_floor(struct bench *b, const char *name, double value)
{
    put(b->floors, &b->floor_count, name, value);
}

static void print_json(const char *name, const struct bench_figure *list, size_t count)
{
    printf(",\"%s\":{", name);
    for (size_t i = 0; i < count; i++)
        printf("%s\"%s\":%.*f", i == 0 ? "" : ",", list[i].name, list[i].value < 1000 ? 3 : 0,
               list[i].value);
    printf("}");
}

static void print_lines(const char *mark, const struct bench_figure *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%-6s %-32s %14.*f\n", mark, list[i].name, list[i].value < 1000 ? 3 : 0,
               list[i].value);
}

int main(int argc, char **argv)
{
    size_t count = sizeof workloads / sizeof workloads[0], at = 0;
    while (argc >= 2 && at < count && strcmp(argv[1], workloads[at].name) != 0)
        at++;
    bool json = argc == 3 && strcmp(argv[2], "--json") == 0;
    if (argc < 2 || at == count || (argc == 3 && !json) || argc > 3) {
        (void)fprintf(stderr, "usage: chitty-bench records|local|e2e|cli [--json]\n");
        return 2;
    }
    if (sodium_init() < 0)
        return 1;
    struct bench b = { .workload = workloads[at].name, .folder = bench_folder() };
    workloads[at].run(&b);
    bench_folder_remove();
    if (json) {
        printf("{\"workload\":\"%s\"", b.workload);
        print_json("figures", b.figures, b.figure_count);
        print_json("floor", b.floors, b.floor_count);
        printf("}\n");
    } else {
        print_lines("", b.figures, b.figure_count);
        print_lines("floor", b.floors, b.floor_count);
    }
    return 0;
}
