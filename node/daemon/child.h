#ifndef NODE_DAEMON_CHILD_H
#define NODE_DAEMON_CHILD_H
/* Programs that stand beside this one and run as its children, with a pair of sockets between the
 * two: chitty-discover and chitty-observe. */
#include "crdt/base/err.h"

#include <sys/types.h>

struct daemon_child {
    const char *program; /* in the folder of this one */
    const char *flag;    /* its only argument; NULL: none */
    int type;            /* of the pair: SOCK_STREAM, SOCK_SEQPACKET */
    int fd;              /* where it finds its end */
};

/* Start it with its end of the pair, our stderr as its output, and nothing else of ours.
 * `*out_fd`: our end. CHT_E_NOTFOUND: there is no such program; CHT_E_IO: it cannot be started,
 * errno says why. */
CHT_MUST_USE enum cht_err daemon_child_start(const struct daemon_child *c, pid_t *out_pid,
                                             int *out_fd);

#endif
