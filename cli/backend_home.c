/* chitty-node's requests: to the running node, or without one to the home in this process. */
#include "cli/backend.h"

#include "node/node.h"

#include <time.h>

#define HOME_TRIES    100u
#define HOME_PAUSE_NS 20000000 /* 20 ms */

static enum cht_err call(struct cli_backend *b, struct cht_bytes message, bool repeatable,
                         node_answer_fn each, void *ctx, struct node_fault *fault)
{
    (void)repeatable;
    return node_home_call(b->home, message, each, ctx, fault);
}

static void close_home(struct cli_backend *b)
{
    node_home_close(b->home);
    b->home = NULL;
}

enum cht_err cli_backend_home(enum cli_reach reach, struct node_fault *fault,
                              struct cli_backend *out)
{
    if (reach == CLI_REACH_NODE)
        return cli_backend_dial(true, fault, out);
    struct node_home *home = NULL;
    enum cht_err err = CHT_E_BUSY;
    /* A node that is starting or ending has the home and does not answer yet, or no more. */
    for (unsigned tries = 0; err == CHT_E_BUSY && tries < HOME_TRIES; tries++) {
        const struct timespec pause = { .tv_nsec = HOME_PAUSE_NS };
        if (tries != 0)
            (void)nanosleep(&pause, NULL);
        err = cli_backend_dial(false, fault, out);
        if (err != CHT_E_UNREACHABLE)
            return err;
        err = node_home_open(false, fault, &home);
    }
    if (err == CHT_OK)
        *out = (struct cli_backend){ .home = home, .call = call, .close = close_home };
    return err;
}
