/* chitty-node members */
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/result.h"
#include "cli/commands.h"

static void put_member(struct cli_out *out, struct cht_bytes member)
{
    struct cht_bytes id = node_mp_get_str(member, "device");
    const struct cht_bytes how = node_mp_get_str(member, "how");
    id.len = id.len > 8 ? 8 : id.len;
    cli_put_cell(out, id, 8);
    cli_put_text(out, "  ");
    cli_put_cell(out, node_mp_get_str(member, "name"), 20);
    cli_put_text(out, "  ");
    cli_put_cell(out, node_mp_get_str(member, "role"), 6);
    cli_put_text(out, "  ");
    if (how.len != 0) {
        const bool out_of_it = cht_bytes_eq(node_mp_get_str(member, "role"), cht_bytes_str("none"));
        cli_put_style(out, out_of_it ? CLI_RED : CLI_PLAIN);
        cli_put_line(out, node_mp_get_str(member, "state"));
        cli_put_style(out, CLI_PLAIN);
        cli_put_text(out, "  limited by ");
        cli_put_line(out, node_mp_get_str(member, "limitedByName"));
        cli_put_text(out, ", ");
        cli_put_when(out, node_mp_get(member, "limitedSince"));
        cli_put_text(out, ": ");
        cli_put_line(out, how);
    } else {
        cli_put_line(out, node_mp_get_str(member, "state"));
        cli_put_text(out, "  admitted by ");
        cli_put_line(out, node_mp_get_str(member, "admittedByName"));
        cli_put_text(out, ", ");
        cli_put_when(out, node_mp_get(member, "since"));
    }
    cli_put_char(out, '\n');
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    (void)cli_put_list(c, "members", answer, "members", put_member);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    return cli_ask_plain(c, "members", CLI_REACH_HOME, each);
}

const struct cli_command cli_members = {
    .name = "members",
    .summary = "The devices of the space: role, who admitted them, who revoked them.",
    .arguments = "",
    .details = "Role, whether they are connected, who admitted them, who revoked them "
               "and how. A device is named by its name or the first digits of its id.",
    .group = CLI_DEVICES,
    .kind = "members",
    .pages = true,
    .examples = "chitty-node members\n"
                "chitty-node members --json",
    .args_max = 0,
    .run = run,
};
