/* chitty-bench WORKLOAD [--json] [--quick]: measures one workload beside its floors, on this
 * machine, now; --quick waits less where a workload waits.
 * Prints one object {"workload", "figures", "floor"}; without --json a line a figure. */
#include "tests/bench/bench.h"

#include <sodium.h>
#include <stdio.h>

static const struct {
    const char *name;
    void (*run)(struct bench *b);
} workloads[] = {
    { "records", bench_records }, { "local", bench_local },       { "e2e", bench_e2e },
    { "cli", bench_cli },         { "hostile", bench_hostile },   { "idle", bench_idle },
    { "query", bench_query },     { "discover", bench_discover }, { "trace", bench_trace },
    { "import", bench_import },   { "hook", bench_hook },         { "wake", bench_wake },
    { "mcp", bench_mcp },         { "claim", bench_claim },       { "ready", bench_ready },
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
    bool json = false, quick = false, known = argc >= 2 && at < count;
    for (int i = 2; i < argc; i++) {
        json |= strcmp(argv[i], "--json") == 0;
        quick |= strcmp(argv[i], "--quick") == 0;
        known &= strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "--quick") == 0;
    }
    if (!known) {
        (void)fprintf(stderr, "usage: chitty-bench WORKLOAD [--json] [--quick]; WORKLOAD is\n");
        for (size_t i = 0; i < count; i++)
            (void)fprintf(stderr, "  %s\n", workloads[i].name);
        return 2;
    }
    if (sodium_init() < 0)
        return 1;
    struct bench b = { .workload = workloads[at].name, .folder = bench_folder(), .quick = quick };
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
