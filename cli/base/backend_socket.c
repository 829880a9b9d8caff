/* Requests over the local socket. */
#include "cli/base/backend.h"

#include "node/client/client.h"

#define AT_ONCE_MS 100 /* a prompt that hangs is worse than one without candidates */

static enum cht_err call(struct cli_backend *b, struct cht_bytes message, bool repeatable,
                         node_answer_fn each, void *ctx, struct node_fault *fault)
{
    return node_client_call(b->client, message, repeatable, each, ctx, fault);
}

static void hang_up(struct cli_backend *b)
{
    node_client_close(b->client);
    b->client = NULL;
}

enum cht_err cli_backend_dial(enum cli_reach reach, struct node_fault *fault,
                              struct cli_backend *out)
{
    const struct node_client_options options = {
        .no_start = reach != CLI_REACH_NODE,
        .timeout_ms = reach == CLI_REACH_RUNNING ? AT_ONCE_MS : 0,
    };
    struct node_client *client = NULL;
    enum cht_err err = node_client_open(&options, fault, &client);
    if (err == CHT_OK)
        *out = (struct cli_backend){ .client = client, .call = call, .close = hang_up };
    return err;
}

enum cht_err cli_backend_socket(enum cli_reach reach, struct node_fault *fault,
                                struct cli_backend *out)
{
    /* a node that runs reaches the home too */
    return cli_backend_dial(reach == CLI_REACH_HOME ? CLI_REACH_NODE : reach, fault, out);
}
