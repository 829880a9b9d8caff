/* chitty space list */
#include "cli/base/json.h"
#include "cli/base/spaces.h"
#include "cli/commands.h"

struct listing {
    struct cli_context *c;
    bool any;
};

static void put_json(struct cli_out *out, const struct cli_space *s)
{
    const struct {
        const char *name, *value;
    } texts[] = { { "{\"name\":", s->name }, { ",\"space\":", s->id }, { ",\"path\":", s->path } };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cli_put_text(out, texts[i].name);
        if (texts[i].value[0] == '\0')
            cli_put_text(out, "null");
        else
            cli_json_text(out, cht_bytes_str(texts[i].value));
    }
    cli_printf(out, ",\"inUse\":%s,\"running\":%s,\"kept\":%s}", s->in_use ? "true" : "false",
               s->running ? "true" : "false", s->name[0] == '\0' ? "true" : "false");
}

static enum cht_err put(void *ctx, const struct cli_space *s)
{
    struct listing *l = ctx;
    struct cli_out *out = &l->c->out;
    if (l->c->json) {
        cli_put_text(out, l->any ? "," : "");
        put_json(out, s);
    } else {
        cli_put_text(out, s->in_use ? "* " : "  ");
        cli_put_cell(out, cht_bytes_str(s->name[0] == '\0' ? "(kept)" : s->name), 16);
        cli_printf(out, "  %-32s  %-8s  ", s->id[0] == '\0' ? "not made yet" : s->id,
                   s->running ? "running" : "");
        cli_put_line(out, cht_bytes_str(s->path));
        cli_put_char(out, '\n');
    }
    l->any = true;
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    struct listing l = { .c = c };
    if (c->json) {
        cli_json_begin(&c->out, "space-list");
        cli_put_char(&c->out, '[');
    }
    enum cht_err err = cli_spaces_each(&c->fault, put, &l);
    if (err == CHT_OK && c->json) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    return err;
}

const struct cli_command cli_space_list = {
    .name = "list",
    .summary = "List your spaces on this machine; * marks the one in use.",
    .arguments = "",
    .kind = "space-list",
    .examples = "chitty space list\n"
                "chitty space list --json",
    .args_max = 0,
    .run = run,
};
