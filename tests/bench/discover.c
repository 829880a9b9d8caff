/* Nodes on hosts of their own that find each other, and that were cut off for a while: measured by
 * discover.py, which makes the hosts. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of figures outlive the text that they are read from. */
static const char *const figures[] = {
    "discover_first_sync_ms", "discover_first_sync_worst_ms",
    "wake_resync_stop_ms",    "wake_resync_cable_ms",
    "wake_resync_ms",         "wake_resync_worst_ms",
};

/* The value in the line that begins with the name. */
static double value_of(const char *said, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = said; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            return strtod(line + len, NULL);
    }
    bench_fail("discover.py does not tell %s", name);
}

void bench_discover(struct bench *b)
{
    char program[BENCH_PATH_MAX], said[8192];
    bench_program(program, "../../cli/chitty");
    (void)setenv("CHITTY", program, 1);
    bench_program(program, "../../cli/chitty-node");
    (void)setenv("CHITTY_NODE", program, 1);
    if (b->quick)
        (void)setenv("CHITTY_BENCH_ROUNDS", "1", 1);
    (void)bench_run(b->folder,
                    (const char *const[]){ "/usr/bin/env", "python3", CHT_DISCOVER_PY, NULL }, said,
                    sizeof said);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        bench_figure(b, figures[i], value_of(said, figures[i]));
}
