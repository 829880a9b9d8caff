#ifndef CLI_BASE_SPACES_H
#define CLI_BASE_SPACES_H
/* The spaces of this user on this machine (node/client/space.h). */
#include "cli/base/command.h"
#include "node/client/space.h"

struct cli_space {
    char name[NODE_SPACE_NAME_MAX]; /* empty: kept by `join --keep-both`, without a home */
    char id[33];                    /* hex; empty: not made yet */
    char path[NODE_PATH_MAX];       /* its home, or the kept database */
    bool in_use;                    /* the one that is meant */
    bool running;                   /* its node answers */
};

/* Each space, the default one first, then by name, then those kept; errors of `each` end it.
 * CHT_E_INVALID: the environment names no folders, or CHITTY_SPACE is no name. */
CHT_MUST_USE enum cht_err
cli_spaces_each(struct node_fault *fault,
                enum cht_err (*each)(void *ctx, const struct cli_space *space), void *ctx);
/* One by its name. CHT_E_NOTFOUND with the nearest name as a hint. */
CHT_MUST_USE enum cht_err cli_space_find(const char *name, struct node_fault *fault,
                                         struct cli_space *out);

#endif
