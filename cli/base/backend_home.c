/* chitty-node's requests: to the running node, or without one to the home in this process. */
#include "cli/base/backend.h"

#include "node/client/client.h"
#include "node/node.h"

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

/* The node that runs, or without one the home. A node that is starting has the home and does not
 * answer yet: opening the home waits until it does (node/home.c), and then it is asked. */
static enum cht_err open_either(struct node_fault *fault, struct cli_backend *out)
{
    struct node_home *home = NULL;
    enum cht_err err = CHT_E_BUSY;
    for (unsigned tries = 0; err == CHT_E_BUSY && tries < 2; tries++) {
        err = cli_backend_dial(CLI_REACH_HOME, fault, out);
        if (err != CHT_E_UNREACHABLE)
            return err;
        err = node_home_open(false, fault, &home);
    }
    if (err == CHT_OK)
        *out = (struct cli_backend){ .home = home, .call = call, .close = close_home };
    return err;
}

struct hearing {
    node_answer_fn each;
    void *ctx;
    bool heard;
};

static enum cht_err hear(void *ctx, const struct node_msg *answer)
{
    struct hearing *h = ctx;
    h->heard = true;
    return h->each(h->ctx, answer);
}

/* A node may end in the very moment it is asked: then the home is there to be opened. */
static enum cht_err call_either(struct cli_backend *b, struct cht_bytes message, bool repeatable,
                                node_answer_fn each, void *ctx, struct node_fault *fault)
{
    struct hearing h = { .each = each, .ctx = ctx };
    enum cht_err err = node_client_call(b->client, message, repeatable, hear, &h, fault);
    if (err != CHT_E_UNREACHABLE || !repeatable || h.heard)
        return err;
    struct cli_backend other;
    err = open_either(fault, &other);
    if (err != CHT_OK)
        return err;
    b->close(b);
    *b = other;
    return b->call(b, message, repeatable, each, ctx, fault);
}

enum cht_err cli_backend_home(enum cli_reach reach, struct node_fault *fault,
                              struct cli_backend *out)
{
    if (reach != CLI_REACH_HOME)
        return cli_backend_dial(reach, fault, out);
    enum cht_err err = open_either(fault, out);
    if (err == CHT_OK && out->client != NULL)
        out->call = call_either;
    return err;
}
