/* The state of nudges; see nudge.h. One line a value, "name value"; what is not known is left. */
#include "cli/base/nudge.h"

#include "cli/base/state_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void cli_nudge_read(struct cli_nudge *out)
{
    char path[CLI_STATE_PATH_MAX], line[128], word[16], value[64];
    *out = (struct cli_nudge){ .off = false };
    FILE *f = cli_state_path("nudge", NULL, path) == CHT_OK ? fopen(path, "re") : NULL;
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%15s %63s", word, value) != 2)
            continue;
        if (strcmp(word, "off") == 0)
            out->off = strcmp(value, "1") == 0;
        else if (strcmp(word, "until") == 0)
            (void)sscanf(value, "%" SCNu64, &out->until_ms);
        else if (strcmp(word, "said") == 0)
            (void)sscanf(value, "%" SCNu64, &out->said_ms);
        else if (strcmp(word, "told") == 0)
            (void)sscanf(value, "%" SCNu64, &out->told_ms);
        else if (strcmp(word, "project") == 0)
            (void)snprintf(out->project, sizeof out->project, "%s", value);
    }
    (void)fclose(f);
}

enum cht_err cli_nudge_write(const struct cli_nudge *n, struct node_fault *fault)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "off %d\nuntil %" PRIu64 "\nsaid %" PRIu64 "\ntold %" PRIu64 "\n%s%s%s", n->off,
                   n->until_ms, n->said_ms, n->told_ms, n->project[0] == '\0' ? "" : "project ",
                   n->project, n->project[0] == '\0' ? "" : "\n");
    return cli_state_write("nudge", text, fault);
}

void cli_nudge_keep(const struct cli_nudge *n)
{
    struct node_fault fault = { 0 };
    const enum cht_err err = cli_nudge_write(n, &fault);
    (void)err;
}

void cli_nudge_said(uint64_t now_ms)
{
    struct cli_nudge n;
    cli_nudge_read(&n);
    n.said_ms = now_ms;
    cli_nudge_keep(&n);
}

/* A moment that lies ahead is of a clock that was put back: it says nothing. */
static bool is_past(uint64_t at_ms, uint64_t now_ms, uint64_t span_ms)
{
    return now_ms < at_ms || now_ms - at_ms > span_ms;
}

bool cli_nudge_wanted(const struct cli_nudge *n, uint64_t now_ms)
{
    return !n->off && now_ms >= n->until_ms && is_past(n->said_ms, now_ms, CLI_NUDGE_QUIET_MS) &&
           is_past(n->told_ms, now_ms, CLI_NUDGE_ONCE_MS);
}
