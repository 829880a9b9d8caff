#ifndef NODE_CLIENT_PROCESS_H
#define NODE_CLIENT_PROCESS_H
/* A process of this machine, told apart from a later one with the same number: by its start, in
 * clock ticks since the boot, and by the boot. As a session's `process` keeps it (SCHEMA session
 * 27): {pid, started, ticks, boot}, `started` being the wall clock's for people. */
#include "crdt/base/buf.h"

#include <sys/types.h>

struct node_process {
    pid_t pid;
    uint64_t started_ms; /* since the Unix epoch, within a second or so */
    uint64_t ticks;      /* 0: not told */
    char boot[40];       /* empty: not told */
};

/* The one that has this number now. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_process_find(pid_t pid, struct node_process *out);
/* Append the map. Errors as cht_buf_add. */
CHT_MUST_USE enum cht_err node_process_put(const struct node_process *p, struct cht_buf *out);
/* Read such a map (exact bytes); ticks and boot may be absent. CHT_E_INVALID: no pid. */
CHT_MUST_USE enum cht_err node_process_read(struct cht_bytes map, struct node_process *out);
/* Is the process found the one that was told? Without ticks and boot, when it started within ten
 * seconds of `started`; without that too, when its number is right. */
bool node_process_same(const struct node_process *told, const struct node_process *found);

#endif
