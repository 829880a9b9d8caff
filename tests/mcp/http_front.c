/* An HTTP front for MCP servers, for the official conformance runner, which speaks HTTP only. For
 * tests: `./run mcp-conformance` builds and starts it.
 *
 *   chitty-mcp-front PORT-FILE                  the dispatcher of the product with the fixtures
 *   chitty-mcp-front PORT-FILE -- COMMAND…      COMMAND for each session (modern: for each POST),
 *                                               by stdio; each body goes to it as it came
 *
 * It takes a free port of 127.0.0.1 and writes its number to PORT-FILE when it listens. */
#include "tests/mcp/http.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_port(const char *path, unsigned short port)
{
    char part[4096];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        exit(1);
    FILE *file = fopen(part, "we");
    if (file == NULL || fprintf(file, "%u\n", (unsigned)port) < 0 || fclose(file) != 0 ||
        rename(part, path) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc == 3 || (argc > 3 && strcmp(argv[2], "--") != 0)) {
        (void)fputs("chitty-mcp-front PORT-FILE [-- COMMAND...]\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    struct behind behind;
    if (argc > 3)
        behind_child(&behind, argv + 3);
    else
        behind_fixture(&behind);
    struct front *front = front_new(&behind);
    if (front == NULL) {
        (void)fputs("chitty-mcp-front: cannot listen on 127.0.0.1\n", stderr);
        return 1;
    }
    write_port(argv[1], front_port(front));
    front_run(front);
    return 0;
}
