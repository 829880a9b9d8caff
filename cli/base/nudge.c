/* The state of nudges; see nudge.h. One line a value, "name value"; what is not known is left. */
#include "cli/base/nudge.h"

#include "node/client/paths.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool find_file(char out[static NODE_PATH_MAX], struct node_fault *fault)
{
    struct node_paths paths;
    struct cht_error detail = { 0 };
    enum cht_err err = node_paths_find(&detail, &paths);
    if (err == CHT_OK && fault != NULL)
        err = node_path_make(paths.state, &detail);
    if (err != CHT_OK) {
        (void)node_fault_from(fault, err, &detail);
        return false;
    }
    return snprintf(out, NODE_PATH_MAX, "%s/nudge", paths.state) < (int)NODE_PATH_MAX;
}

void cli_nudge_read(struct cli_nudge *out)
{
    char path[NODE_PATH_MAX], line[128], word[16], value[64];
    *out = (struct cli_nudge){ .off = false };
    FILE *f = find_file(path, NULL) ? fopen(path, "re") : NULL;
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
    char path[NODE_PATH_MAX], fresh[NODE_PATH_MAX + 24];
    if (!find_file(path, fault))
        return fault->error.code == CHT_OK ? node_fault_from(fault, CHT_E_LIMIT, NULL)
                                           : fault->error.code;
    (void)snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    FILE *f = fopen(fresh, "we");
    bool well =
        f != NULL && fprintf(f, "off %d\nuntil %" PRIu64 "\nsaid %" PRIu64 "\ntold %" PRIu64 "\n",
                             n->off, n->until_ms, n->said_ms, n->told_ms) > 0;
    if (well && n->project[0] != '\0')
        well = fprintf(f, "project %s\n", n->project) > 0;
    if (f != NULL && fclose(f) != 0)
        well = false;
    if (well && rename(fresh, path) == 0)
        return CHT_OK;
    const int sys = errno;
    (void)unlink(fresh);
    return node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot write %s: %s", path,
                          strerror(sys));
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
