/* chitty-node quarantined */
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/base/result.h"
#include "cli/commands.h"

#define QUARANTINED_USUAL 100u
#define QUARANTINED_MAX   1000u
#define SHORT_HASH        10u /* hex digits of an entry's hash */

static void put_entry(struct cli_out *out, struct cht_bytes entry)
{
    struct cht_bytes hash = node_mp_get_str(entry, "entry");
    const struct cht_bytes id = node_mp_get_str(entry, "chittyId");
    hash.len = hash.len > SHORT_HASH ? SHORT_HASH : hash.len;
    cli_put_line(out, hash);
    cli_put_text(out, "  ");
    cli_put_when(out, node_mp_get(entry, "stamp"));
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(entry, "deviceName"));
    cli_put_text(out, "  ");
    cli_put_line(out, out->terminal ? cli_short_id(id) : id);
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(entry, "why"));
    cli_put_text(out, ", by ");
    cli_put_line(out, node_mp_get_str(entry, "byName"));
    cli_put_char(out, '\n');
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (!cli_put_list(c, "quarantined", answer, "entries", put_entry))
        return CHT_OK;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    cli_printf(&c->out, "%llu entries are void by rulings, %llu ops by themselves\n",
               (unsigned long long)node_mp_get_uint(result, "entryCount", 0),
               (unsigned long long)node_mp_get_uint(result, "opCount", 0));
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r;
    uint64_t limit = 0;
    enum cht_err err = cli_flag_uint(c, "limit", 1, QUARANTINED_MAX, QUARANTINED_USUAL, &limit);
    if (err != CHT_OK)
        return err;
    err = cli_command_begin(c, "quarantined", 1, &r);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&r.message, "limit", limit);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, true, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "limit", "N", "at most so many entries, usually 100" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_quarantined = {
    .name = "quarantined",
    .summary = "Entries that are kept and do not count, and whose ruling it is.",
    .arguments = "",
    .group = CLI_INSPECT,
    .kind = "quarantined",
    .pages = true,
    .examples = "chitty-node quarantined\n"
                "chitty-node quarantined --limit 1000 --json",
    .args_max = 0,
    .flags = flags,
    .run = run,
};
