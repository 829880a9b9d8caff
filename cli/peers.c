/* chitty-node peers */
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/result.h"
#include "cli/commands.h"

#include <stdio.h>

static void put_count(struct cli_out *out, const char **before, uint64_t count)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu ", (unsigned long long)count);
    cli_put_text(out, *before);
    cli_put_text(out, text);
    *before = ", ";
}

/* What it was refused, and what it wrote that stands aside: a line of its own, when there is any.
 */
static void put_refused(struct cli_out *out, struct cht_bytes peer)
{
    static const char *const written[] = { "waiting", "void", "branches" };
    const char *before = "    refused: ";
    struct node_mp_iter it = node_mp_iter(node_mp_get(peer, "refused"));
    struct cht_bytes word, count;
    while (node_mp_next(&it, &word, &count)) {
        put_count(out, &before, node_mp_uint(count, 0));
        cli_put_line(out, node_mp_str(word));
    }
    const uint64_t closed_ms = node_mp_get_uint(peer, "closedMs", 0);
    if (closed_ms != 0) {
        put_count(out, &before, closed_ms);
        cli_put_text(out, "ms still kept out");
    }
    bool any = node_mp_count(node_mp_get(peer, "refused")) != 0 || closed_ms != 0;
    before = any ? "; of it here: " : "    of it here: ";
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        const uint64_t n = node_mp_get_uint(peer, written[i], 0);
        if (n == 0)
            continue;
        put_count(out, &before, n);
        cli_put_text(out, written[i]);
        any = true;
    }
    if (any)
        cli_put_char(out, '\n');
}

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
    put_refused(out, peer);
}

/* Nothing, as long as nobody has tried. */
static void put_strangers(struct cli_out *out, struct cht_bytes strangers)
{
    static const struct {
        const char *key, *text;
    } parts[] = { { "keys", "handshakes of keys not admitted" },
                  { "invitations", "invitations not known" },
                  { "proofs", "wrong codes or tickets" } };
    const char *before = "strangers were refused: ";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const uint64_t n = node_mp_get_uint(strangers, parts[i].key, 0);
        if (n == 0)
            continue;
        put_count(out, &before, n);
        cli_put_text(out, parts[i].text);
    }
    if (before[0] == ',')
        cli_put_char(out, '\n');
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (cli_put_list(c, "peers", answer, "peers", put_peer))
        put_strangers(&c->out, node_mp_get(node_mp_get(answer->payload, "result"), "strangers"));
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
    .details = "The other devices, and whether they are connected. Below each stands "
               "what it was refused, by reason, for how long it is still kept out after "
               "it broke the protocol, and what of it waits, is void or branches here. "
               "The last line counts what strangers were refused, if there were any.",
    .group = CLI_INSPECT,
    .kind = "peers",
    .pages = true,
    .examples = "chitty-node peers              # and what each was refused, by reason\n"
                "chitty-node peers --json",
    .args_max = 0,
    .run = run,
};
