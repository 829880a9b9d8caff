/* Which project a folder is; see place.h. */
#include "cli/base/place.h"

#include "cli/base/json.h"
#include "cli/base/record.h"

enum cht_err cli_place_open(struct cli_context *c, const char *folder, struct agent **out)
{
    const struct agent_options options = { .program = "cli",
                                           .session_id = "",
                                           .folder = folder == NULL ? "." : folder };
    return agent_open(&options, &c->fault, out);
}

enum cht_err cli_place_fail(struct cli_context *c, const struct agent *a, enum cht_err err)
{
    if (err != CHT_OK)
        c->fault = *agent_fault(a);
    return err;
}

static void put_member(struct cli_out *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    cli_printf(out, ",\"%s\":", name);
    cli_json_text(out, cht_bytes_str(value));
}

static void put_json(struct cli_out *out, const struct agent_place *p)
{
    cli_json_begin(out, "place");
    cli_put_text(out, "{\"project\":");
    cli_json_text(out, cht_bytes_str(p->project));
    put_member(out, "name", p->name);
    put_member(out, "folder", p->folder);
    put_member(out, "address", p->address);
    put_member(out, "root", p->root);
    put_member(out, "how", agent_how_word(p->how));
    cli_printf(out, ",\"changed\":%s}", p->changed ? "true" : "false");
    cli_json_end(out);
}

static const char *what(const struct agent_place *p)
{
    switch (p->how) {
    case AGENT_BY_PLACE:
        return p->changed ? "has another name now" : "is a place of it";
    case AGENT_BY_ADDRESS:
        return "has the address of its clones";
    case AGENT_BY_ROOT:
        return "has its first commit";
    case AGENT_MADE:
        return "is a new project";
    case AGENT_TOLD:
        return "is a place of it from now on";
    }
    return "";
}

void cli_put_place(struct cli_context *c, const struct agent_place *p)
{
    struct cli_out *out = &c->out;
    if (c->json) {
        put_json(out, p);
        return;
    }
    cli_put_style(out, CLI_BOLD);
    cli_put_line(out, cht_bytes_str(p->name));
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    cli_put_line(out, cli_short_id(cht_bytes_str(p->project)));
    cli_put_char(out, '\n');
    cli_put_line(out, cht_bytes_str(p->folder));
    cli_printf(out, " %s", what(p));
    if (p->address[0] != '\0') {
        cli_put_text(out, ", ");
        cli_put_line(out, cht_bytes_str(p->address));
    }
    cli_put_char(out, '\n');
}
