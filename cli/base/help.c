/* Help. */
#include "cli/base/help.h"

#include "cli/base/aliases.h"
#include "cli/base/kinds.h"
#include "cli/base/markup.h"
#include "cli/base/options.h"
#include "cli/base/plugins.h"
#include "cli/base/table.h"
#include "cli/base/topics.h"

#include <stdio.h>

#define NAME_WIDTH  12u
#define FLAG_WIDTH  34u
#define ALIAS_WIDTH 24u
#define HELP_WIDTH  18u
#define PLUGINS_MAX 64u

static void put_row(struct cli_out *out, const char *left, size_t width, const char *right)
{
    cli_put_text(out, "  ");
    cli_put_text(out, left);
    size_t used = cli_text_width(cht_bytes_str(left));
    if (used + 1 > width) { /* too long: the text goes on a line of its own */
        cli_put_char(out, '\n');
        cli_put_text(out, "  ");
        used = 0;
    }
    for (; used < width; used++)
        cli_put_char(out, ' ');
    cli_put_text(out, right);
    cli_put_char(out, '\n');
}

static void put_heading(struct cli_out *out, const char *text)
{
    cli_put_char(out, '\n');
    cli_put_style(out, CLI_BOLD);
    cli_put_text(out, text);
    cli_put_style(out, CLI_PLAIN);
    cli_put_char(out, '\n');
}

static void put_groups(struct cli_context *c)
{
    const struct cli_command *command;
    for (unsigned group = 0; group < CLI_HIDDEN; group++) {
        bool any = false;
        for (size_t i = 0; (command = cli_command_at(c->program, i)) != NULL; i++) {
            if (command->group != group)
                continue;
            if (!any)
                put_heading(&c->out, cli_group_titles[group]);
            any = true;
            put_row(&c->out, command->name, NAME_WIDTH, command->summary);
        }
    }
}

static void put_nouns(struct cli_context *c)
{
    const struct cli_noun *noun;
    const struct cli_command *verb;
    if (c->program->nouns == NULL)
        return;
    put_heading(&c->out, "things");
    for (size_t k = 0; (noun = cli_noun_at(c->program, k)) != NULL; k++) {
        char verbs[256] = "";
        for (size_t i = 0; (verb = cli_verb_at(c->program, noun, i)) != NULL; i++) {
            if (verb->group == CLI_HIDDEN)
                continue;
            (void)strncat(verbs, i == 0 ? "" : ", ", sizeof verbs - strlen(verbs) - 1);
            (void)strncat(verbs, verb->name, sizeof verbs - strlen(verbs) - 1);
        }
        put_row(&c->out, noun->name, NAME_WIDTH, verbs);
    }
}

static void put_plugins(struct cli_context *c)
{
    char names[PLUGINS_MAX][CLI_PLUGIN_MAX], text[2 * CLI_PLUGIN_MAX];
    const size_t count = cli_plugins(c->program, names, PLUGINS_MAX);
    if (count > 0)
        put_heading(&c->out, "programs on PATH");
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof text, "%s-%s", c->program->name, names[i]);
        put_row(&c->out, names[i], NAME_WIDTH, text);
    }
}

void cli_help_program(struct cli_context *c)
{
    struct cli_out *out = &c->out;
    cli_printf(out, "usage: %s COMMAND [ARGUMENT…] [--FLAG…]\n\n%s\n", c->program->name,
               c->program->summary);
    put_groups(c);
    put_nouns(c);
    put_plugins(c);
    put_heading(out, "help");
    put_row(out, "help COMMAND", HELP_WIDTH, "a command with examples; COMMAND -h in short");
    put_row(out, "help TOPIC", HELP_WIDTH, "about one of:");
    for (const struct cli_topic *t = cli_topics; t->name != NULL; t++) {
        char left[64];
        (void)snprintf(left, sizeof left, "  %s", t->name);
        put_row(out, left, HELP_WIDTH, t->summary);
    }
    put_heading(out, "exit status");
    cli_put_text(out, "  0 ok, 1 failed, 2 usage, 3 node unreachable, 4 not allowed,\n"
                      "  5 conflict or held by another, 6 peer offline, 7 not found\n");
}

void cli_help_noun(struct cli_context *c, const struct cli_noun *noun)
{
    const struct cli_command *verb;
    cli_printf(&c->out, "usage: %s %s VERB [ARGUMENT…] [--FLAG…]\n\n%s: %s\n", c->program->name,
               c->noun, noun->name, noun->summary);
    put_heading(&c->out, "verbs");
    for (size_t i = 0; (verb = cli_verb_at(c->program, noun, i)) != NULL; i++)
        if (verb->group != CLI_HIDDEN)
            put_row(&c->out, verb->name, NAME_WIDTH, verb->summary);
    const struct cli_alias *alias;
    for (size_t i = 0; (alias = cli_alias_at(c->program, noun->name, i)) != NULL; i++) {
        if (i == 0)
            put_heading(&c->out, "other words");
        put_row(&c->out, alias->said, ALIAS_WIDTH, alias->means);
    }
    if (noun->type != 0)
        cli_put_text(&c->out,
                     "\nadd and new mean create, ls list, edit and set update, rm and remove "
                     "delete.\n");
}

static void put_field_flags(struct cli_context *c)
{
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    char name[CLI_FLAG_NAME_MAX], value[128], left[256];
    for (size_t i = 0; schema != NULL && i < schema->count; i++) {
        const struct crdt_field *f = &schema->fields[i];
        for (unsigned element = 0; element < 2; element++) {
            if (!cli_field_flag(f, c->command->fields, element != 0, name))
                continue;
            (void)snprintf(
                left, sizeof left, "--%s %s", name,
                cli_field_value(f, c->command->fields, element != 0, value, sizeof value));
            put_row(&c->out, left, FLAG_WIDTH, f->doc);
        }
    }
}

static void put_flags(struct cli_out *out, const struct cli_flag *flags)
{
    char left[256];
    for (; flags != NULL && flags->name != NULL; flags++) {
        (void)snprintf(left, sizeof left, "--%s%s%s", flags->name, flags->value == NULL ? "" : " ",
                       flags->value == NULL ? "" : flags->value);
        put_row(out, left, FLAG_WIDTH, flags->doc);
    }
}

void cli_help_command(struct cli_context *c, bool in_short)
{
    const struct cli_command *command = c->command;
    struct cli_out *out = &c->out;
    cli_printf(out, "usage: %s %s%s%s %s%s[--FLAG…]\n\n%s\n", c->program->name,
               c->noun == NULL ? "" : c->noun, c->noun == NULL ? "" : " ", command->name,
               command->arguments, command->arguments[0] == '\0' ? "" : " ", command->summary);
    if (!in_short && command->details != NULL) {
        cli_put_char(out, '\n');
        cli_put_markup(out, command->details, 0);
    }
    put_heading(out, "flags");
    put_flags(out, command->flags);
    if (command->fields != CLI_FIELDS_NONE)
        put_field_flags(c);
    put_flags(out, cli_common_flags);
    if (in_short)
        return;
    char kind[CLI_KIND_MAX];
    cli_kind_of(command, c->type, kind);
    if (kind[0] != '\0') {
        put_heading(out, "with --json");
        cli_printf(out, "  a document of kind %s; see %s help json\n", kind, c->program->name);
    }
    put_heading(out, "examples");
    for (const char *line = command->examples; *line != '\0';) {
        const char *end = strchr(line, '\n');
        const size_t len = end == NULL ? strlen(line) : (size_t)(end - line);
        cli_put_text(out, "  ");
        cli_put(out, cht_bytes(line, len));
        cli_put_char(out, '\n');
        line += len + (end == NULL ? 0 : 1);
    }
}
