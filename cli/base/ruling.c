/* Asking for a record that says who may what; see ruling.h. */
#include "cli/base/ruling.h"

#include "cli/base/request.h"
#include "cli/base/result.h"

struct ruling {
    struct cli_context *c;
    const char *name, *done;
};

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    const struct ruling *x = ctx;
    struct cli_out *out = &x->c->out;
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    if (x->c->json) {
        cli_put_result(x->c, x->name, answer);
        return CHT_OK;
    }
    cli_put_line(out, node_mp_get_str(node_mp_get(answer->payload, "result"), "name"));
    cli_put_text(out, x->done);
    cli_put_char(out, '\n');
    return CHT_OK;
}

static enum cht_err put_args(struct cli_context *c, const struct cli_ruling_arg *args,
                             uint32_t count, struct cht_buf *b)
{
    enum cht_err err = crdt_mp_put_map(b, 1 + count);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "device", c->args[0]);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++)
        err = args[i].value != NULL ? node_mp_put_key_text(b, args[i].key, args[i].value)
              : args[i].number != 0 ? node_mp_put_key_uint(b, args[i].key, args[i].number)
                                    : node_mp_put_key_bool(b, args[i].key, true);
    return err;
}

enum cht_err cli_rule(struct cli_context *c, const char *name, const struct cli_ruling_arg *args,
                      uint32_t count, const char *done)
{
    struct cli_request r;
    struct ruling x = { .c = c, .name = name, .done = done };
    enum cht_err err = cli_command_args(c, name, &r);
    if (err == CHT_OK)
        err = put_args(c, args, count, &r.message);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, false, each, &x);
    cli_request_clear(&r);
    return cli_fail(c, err);
}
