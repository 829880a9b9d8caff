/* chitty-node peers */
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/record.h"
#include "cli/tree.h"

static void put_peer(struct cli_out *out, struct cht_bytes peer)
{
    const struct cht_bytes state = node_mp_get_str(peer, "state");
    const bool connected = cht_bytes_eq(state, cht_bytes_str("connected"));
    struct cht_bytes name = node_mp_get_str(peer, "name");
    if (name.len == 0)
        name = node_mp_get_str(peer, "device");
    cli_put_cell(out, name, 20);
    cli_put_text(out, "  ");
    if (connected)
        cli_put_style(out, CLI_GREEN);
    cli_put_cell(out, state, 12);
    if (connected)
        cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    cli_put_cell(out, node_mp_get_str(peer, "role"), 8);
    cli_put_text(out, "  ");
    cli_put_when(out, node_mp_get(peer, "lastSeen"));
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(peer, "address"));
    const struct cht_bytes how = node_mp_get_str(peer, "how");
    if (how.len != 0) {
        cli_put_text(out, " (");
        cli_put_line(out, how);
        cli_put_char(out, ')');
    }
    cli_put_char(out, '\n');
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    if (c->json) {
        cli_put_result(c, "peers", answer);
        return CHT_OK;
    }
    struct node_mp_iter it =
        node_mp_iter(node_mp_get(node_mp_get(answer->payload, "result"), "peers"));
    struct cht_bytes peer;
    while (node_mp_next(&it, NULL, &peer))
        put_peer(&c->out, peer);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    return cli_ask_plain(c, "peers", CLI_REACH_HOME, each);
}

const struct cli_command cli_peers = {
    .name = "peers",
    .summary = "The other devices of the space, and whether they are here.",
    .arguments = "",
    .examples = "chitty-node peers\n"
                "chitty-node peers --json",
    .args_max = 0,
    .run = run,
};
