/* chitty attachment rm */
#include "cli/base/attach.h"
#include "cli/base/change.h"
#include "cli/commands.h"

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    if (!node_mp_get_bool(result, "changed"))
        return node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes_str("NAME"),
                              "it has no attachment \"%.200s\"", c->args[1]);
    cli_tell_change(c, result);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r;
    struct cht_buf *b = &r.message;
    const bool dry = cli_flag(c, "dry-run") != NULL;
    enum cht_err err = cli_request_begin(c, NODE_MSG_STATE_UPDATE, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 3u + dry);
    if (err == CHT_OK && dry)
        err = node_mp_put_key_bool(b, "dry", true);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "key", r.id);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", "update");
    if (err == CHT_OK)
        err = node_mp_put_text(b, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "chittyId", c->args[0]);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "data");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "attachments");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, c->args[1]);
    if (err == CHT_OK)
        err = crdt_mp_put_nil(b);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_attachment_rm = {
    .name = "rm",
    .summary = "Take an attachment off a record; its file stays for 30 days.",
    .arguments = "ID NAME",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty attachment rm 01HXW3K9 screenshot.png",
    .args_min = 2,
    .args_max = 2,
    .flags = flags,
    .run = run,
};
