/* chitty-node init */
#include "cli/base/json.h"
#include "cli/commands.h"
#include "node/node.h"

static void put_json(struct cli_out *out, const struct node_init_result *r)
{
    const struct {
        const char *name, *value;
    } members[] = {
        { "{\"device\":", r->device },
        { ",\"space\":", r->space },
        { ",\"name\":", r->name },
        { ",\"home\":", r->home },
    };
    cli_json_begin(out, "init");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        cli_put_text(out, members[i].name);
        cli_json_text(out, cht_bytes_str(members[i].value));
    }
    cli_put_char(out, '}');
    cli_json_end(out);
}

static enum cht_err run(struct cli_context *c)
{
    const struct node_init_options options = { .name = cli_flag(c, "name") };
    struct node_init_result r;
    const char *kept = cli_flag(c, "kept");
    if (kept != NULL && options.name != NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("name"),
                              "the device of a kept space has its name already");
    enum cht_err err =
        kept == NULL ? node_init(&options, &c->fault, &r) : node_adopt(kept, &c->fault, &r);
    if (err != CHT_OK)
        return err;
    if (c->json) {
        put_json(&c->out, &r);
        return CHT_OK;
    }
    cli_put_text(&c->out, "device  ");
    cli_put_text(&c->out, r.device);
    cli_put_text(&c->out, "  ");
    cli_put_line(&c->out, cht_bytes_str(r.name));
    cli_printf(&c->out, "\nspace   %s\nhome    ", r.space);
    cli_put_line(&c->out, cht_bytes_str(r.home));
    cli_put_char(&c->out, '\n');
    return CHT_OK;
}

static const struct cli_flag flags[] = {
    { "name", "NAME", "what others see of this device; usually the host's name" },
    { "kept", "SPACE", "with a space that join --keep-both left in the default home, by its id" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_init = {
    .name = "init",
    .summary = "Make this machine a device with a space of its own.",
    .arguments = "",
    .group = CLI_SETUP,
    .kind = "init",
    .examples = "chitty-node init\n"
                "chitty-node init --name laptop",
    .args_max = 0,
    .flags = flags,
    .run = run,
};
