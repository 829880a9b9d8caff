#ifndef BRIDGES_CLAUDE_CHILD_H
#define BRIDGES_CLAUDE_CHILD_H
/* Running a program as Claude Code runs a hook: a text on its standard input, two pipes, a time. */
#include "crdt/base/buf.h"
#include "node/client/fault.h"

#include <sys/types.h>

#define CLAUDE_CHILD_WORDS 16u

struct claude_child {
    const char *words[CLAUDE_CHILD_WORDS + 1]; /* program (looked for on PATH) and arguments */
    char *const *env;
    struct cht_bytes input;
    int timeout_ms;
};

struct claude_child_end {
    int status;           /* of its exit; -1: a signal, or it was ended when its time was over */
    bool late;            /* its time was over */
    unsigned ms;          /* how long it took */
    struct cht_buf out;   /* at most 64 KiB */
    struct cht_buf error; /* at most 64 KiB */
};

/* Run it and wait for its end. `out` is to be cleared in any case. CHT_E_NOTFOUND: no such program;
 * CHT_E_IO. */
CHT_MUST_USE enum cht_err claude_child_run(const struct claude_child *child,
                                           struct claude_child_end *out);
void claude_child_end_clear(struct claude_child_end *e);
/* Start it only. `*out_fd` hangs up at its end (close it); the caller waits for it. */
CHT_MUST_USE enum cht_err claude_child_start(const struct claude_child *child, pid_t *out,
                                             int *out_fd);

#endif
