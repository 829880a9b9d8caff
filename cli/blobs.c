/* chitty-node blobs: the files of attachments, what they may take, and what goes. */
#include "cli/base/attach.h"
#include "cli/base/record.h"
#include "cli/base/result.h"
#include "cli/commands.h"

static void put_blob(struct cli_out *out, struct cht_bytes one)
{
    const struct cht_bytes state = node_mp_get_str(one, "state");
    const struct cht_bytes id = node_mp_get_str(one, "chittyId");
    const bool missing = cht_bytes_eq(state, cht_bytes_str("missing"));
    cli_put_style(out, missing ? CLI_RED : CLI_PLAIN);
    cli_put_cell(out, state, 10);
    cli_put_style(out, CLI_PLAIN);
    cli_put_cell(out, node_mp_get_str(one, "blob"), 14);
    cli_put_text(out, "  ");
    cli_put_size(out, node_mp_get_uint(one, "size", 0));
    cli_put_text(out, "  ");
    cli_put_line(out, out->terminal ? cli_short_id(id) : id);
    cli_put_text(out, "  from ");
    cli_put_line(out, node_mp_get_str(one, "from"));
    cli_put_char(out, '\n');
}

static void put_figures(struct cli_out *out, struct cht_bytes r)
{
    cli_put_size(out, node_mp_get_uint(r, "bytes", 0));
    cli_put_text(out, " of ");
    cli_put_size(out, node_mp_get_uint(r, "quota", 0));
    cli_printf(out, " used; %llu of %llu attachments are here",
               (unsigned long long)node_mp_get_uint(r, "here", 0),
               (unsigned long long)node_mp_get_uint(r, "attached", 0));
    if (node_mp_get_uint(r, "missing", 0) != 0)
        cli_printf(out, ", %llu missing", (unsigned long long)node_mp_get_uint(r, "missing", 0));
    if (node_mp_get_uint(r, "unnamed", 0) != 0)
        cli_printf(out, ", %llu belong to no record any more",
                   (unsigned long long)node_mp_get_uint(r, "unnamed", 0));
    if (node_mp_get_uint(r, "damaged", 0) != 0)
        cli_printf(out, ", %llu damaged ones were set aside",
                   (unsigned long long)node_mp_get_uint(r, "damaged", 0));
    cli_put_char(out, '\n');
    if (node_mp_get(r, "removed").len != 0) {
        cli_printf(out, "%llu were removed, ",
                   (unsigned long long)node_mp_get_uint(r, "removed", 0));
        cli_put_size(out, node_mp_get_uint(r, "removedBytes", 0));
        cli_put_char(out, '\n');
    }
    if (node_mp_get_bool(r, "keep"))
        cli_put_text(out, "this device keeps all of them\n");
    else if (node_mp_get_uint(r, "fetchBelow", 0) != 0) {
        cli_put_text(out, "fetched unasked: those below ");
        cli_put_size(out, node_mp_get_uint(r, "fetchBelow", 0));
        cli_put_char(out, '\n');
    }
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    if (cli_put_list(c, "blobs", answer, "blobs", put_blob))
        put_figures(&c->out, result);
    return CHT_OK;
}

struct settings {
    uint64_t quota, below;
    bool keep;
};

static enum cht_err read_settings(struct cli_context *c, struct settings *s)
{
    const char *keep = cli_flag(c, "keep");
    enum cht_err err = cli_read_size(c, "quota", &s->quota);
    if (err == CHT_OK)
        err = cli_read_size(c, "fetch-below", &s->below);
    if (err != CHT_OK || keep == NULL)
        return err;
    s->keep = strcmp(keep, "on") == 0;
    if (!s->keep && strcmp(keep, "off") != 0)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("keep"),
                              "--keep is on or off");
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    struct settings s = { 0 };
    struct cli_request r = { .id = "" };
    const bool prune = cli_flag(c, "prune") != NULL, quota = cli_flag(c, "quota") != NULL;
    const bool below = cli_flag(c, "fetch-below") != NULL, keep = cli_flag(c, "keep") != NULL;
    enum cht_err err = read_settings(c, &s);
    if (err != CHT_OK)
        return err;
    err = cli_command_begin(c, "blobs", (uint32_t)prune + quota + below + keep, &r);
    if (err == CHT_OK && prune)
        err = node_mp_put_key_bool(&r.message, "prune", true);
    if (err == CHT_OK && quota)
        err = node_mp_put_key_uint(&r.message, "quota", s.quota);
    if (err == CHT_OK && below)
        err = node_mp_put_key_uint(&r.message, "fetchBelow", s.below);
    if (err == CHT_OK && keep)
        err = node_mp_put_key_bool(&r.message, "keep", s.keep);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, false, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "quota", "SIZE", "let them take so much from now on; usually 2G" },
    { "fetch-below", "SIZE", "fetch smaller ones without being asked; 0: none, as usual" },
    { "keep", "on|off", "fetch all and never drop one: for a device that is always there" },
    { "prune", NULL, "remove those that no record names, and damaged ones, now" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_blobs = {
    .name = "blobs",
    .summary = "The files of attachments: which are here, what they take, what may go.",
    .arguments = "",
    .group = CLI_INSPECT,
    .kind = "blobs",
    .examples = "chitty-node blobs\n"
                "chitty-node blobs --quota 20G --keep on\n"
                "chitty-node blobs --prune",
    .flags = flags,
    .run = run,
};
