/* Writes the manual pages from the command tables and the help topics: `man-pages docs/man`.
 * `man-pages --check docs/man` compares instead, and fails when a page is stale. The folder's
 * meson.build, which installs them, is one of the files. */
#include "cli/base/kinds.h"
#include "cli/base/markup.h"
#include "cli/base/options.h"
#include "cli/base/table.h"
#include "cli/base/topics.h"
#include "cli/commands.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGES_MAX 64u

static const char *folder;
static bool checking;
static unsigned stale;
static char pages[PAGES_MAX][64];
static size_t page_count;
static FILE *page;

/* --- text ---------------------------------------------------------------------------------- */

static unsigned code_point(const char *at, size_t *out_len)
{
    const uint8_t lead = (uint8_t)at[0];
    *out_len = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    unsigned code = *out_len == 1 ? lead : lead & (0xFFu >> (*out_len + 1));
    for (size_t i = 1; i < *out_len; i++)
        code = code << 6 | ((uint8_t)at[i] & 0x3Fu);
    return code;
}

/* Characters that roff would take for its own; `word` in bold. */
static void put_escaped(const char *text, size_t len)
{
    bool bold = false;
    for (size_t i = 0; i < len;) {
        size_t n = 0;
        const unsigned code = code_point(text + i, &n);
        if (code == 0x2026)
            fputs("...", page);
        else if (code >= 0x80)
            fprintf(page, "\\[u%04X]", code);
        else if (code == '`')
            fputs((bold = !bold) ? "\\fB" : "\\fR", page);
        else if (code == '\\')
            fputs("\\e", page);
        else if (code == '-')
            fputs("\\-", page);
        else if (code == '"')
            fputs("\\(dq", page);
        else
            fputc((int)code, page);
        i += n;
    }
}

/* Running text: a line a sentence, as roff likes it; no line looks like a request. */
static void put_text(struct cht_bytes text)
{
    const char *at = (const char *)text.data, *end = at + text.len;
    size_t column = 0;
    while (at < end) {
        size_t len = 0;
        while (at + len < end && at[len] != ' ' && at[len] != '\n')
            len++;
        const char *next = at + len;
        while (next < end && (*next == ' ' || *next == '\n'))
            next++;
        if (column == 0 && (at[0] == '.' || at[0] == '\''))
            fputs("\\&", page);
        put_escaped(at, len);
        column += len;
        const bool sentence = len > 0 && strchr(".!?", at[len - 1]) != NULL && next < end &&
                              (isupper((unsigned char)*next) || *next == '`');
        const bool over = next >= end || sentence || column + len > 80;
        fputc(over ? '\n' : ' ', page);
        column = over ? 0 : column + 1;
        at = next;
    }
}

static void put_literal(struct cht_bytes text)
{
    const char *at = (const char *)text.data, *end = at + text.len;
    fputs(".Bd -literal -offset indent\n", page);
    for (bool first = true; at < end; first = false) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        at += !first && stop - at >= 2 ? 2 : 0;
        if (*at == '.' || *at == '\'')
            fputs("\\&", page);
        put_escaped(at, (size_t)(stop - at));
        fputc('\n', page);
        at = stop + 1;
    }
    fputs(".Ed\n", page);
}

/* `begun`: something stands before it in its section, so that a paragraph is set off. */
static void put_markup(const char *text, bool begun, const char *heading)
{
    struct cli_markup m;
    bool in_list = false;
    while (cli_markup_next(&text, &m)) {
        if (m.block == CLI_BLOCK_ITEM && !in_list)
            fputs(".Bl -tag -width Ds\n", page);
        else if (m.block != CLI_BLOCK_ITEM && in_list)
            fputs(".El\n", page);
        if (m.block == CLI_BLOCK_TEXT && begun)
            fputs(".Pp\n", page);
        in_list = m.block == CLI_BLOCK_ITEM;
        begun = m.block != CLI_BLOCK_HEADING;
        if (m.block == CLI_BLOCK_HEADING) {
            fputs(heading, page);
            put_text(m.text);
        } else if (m.block == CLI_BLOCK_LITERAL) {
            put_literal(m.text);
        } else if (m.block == CLI_BLOCK_ITEM) {
            fputs(".It \"", page);
            put_escaped((const char *)m.term.data, m.term.len);
            fputs("\"\n", page);
            put_text(m.text);
        } else {
            put_text(m.text);
        }
    }
    if (in_list)
        fputs(".El\n", page);
}

/* A summary as a sentence or, with `bare`, as a line of an index. */
static void put_summary(const char *text, bool bare)
{
    const size_t len = strlen(text);
    put_text(cht_bytes(text, len > 0 && bare && text[len - 1] == '.' ? len - 1 : len));
}

/* What stands in a table without a capital and a full stop. */
static void put_sentence(const char *text)
{
    char sentence[512];
    const size_t len = strlen(text);
    (void)snprintf(sentence, sizeof sentence, "%s%s", text,
                   len > 0 && strchr(".!?", text[len - 1]) != NULL ? "" : ".");
    sentence[0] = (char)toupper((unsigned char)sentence[0]);
    put_text(cht_bytes_str(sentence));
}

static void put_argument(const char *text)
{
    fputc('"', page);
    put_escaped(text, strlen(text));
    fputc('"', page);
}

/* --- pages --------------------------------------------------------------------------------- */

static void begin_page(const char *name, unsigned section, const char *about)
{
    char path[4096], title[64] = "";
    (void)snprintf(pages[page_count++], sizeof pages[0], "%s.%u", name, section);
    (void)snprintf(path, sizeof path, "%s/%s.%u", folder, name, section);
    for (size_t i = 0; name[i] != '\0' && i < sizeof title - 1; i++)
        title[i] = (char)toupper((unsigned char)name[i]);
    page = checking ? tmpfile() : fopen(path, "we");
    if (page == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fputs(".\\\" Generated from the command tables by man-pages; do not edit.\n", page);
    fprintf(page, ".Dd November 21, 2026\n.Dt %s %u\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", title, section,
            name);
    put_summary(about, true);
}

static void end_page(const char *name)
{
    if (!checking) {
        (void)fclose(page);
        return;
    }
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *kept = fopen(path, "re");
    rewind(page);
    int want = fgetc(page), have = kept == NULL ? EOF : fgetc(kept);
    while (want == have && want != EOF) {
        want = fgetc(page);
        have = fgetc(kept);
    }
    if (kept == NULL || want != have) {
        fprintf(stderr, "%s is %s: write it anew with man-pages docs/man\n", path,
                kept == NULL ? "not there" : "stale");
        stale++;
    }
    if (kept != NULL)
        (void)fclose(kept);
    (void)fclose(page);
}

static void put_flag(const char *name, const char *value, const char *doc)
{
    fprintf(page, ".It Fl \\-%s", name); /* in Fl a dash is a dash */
    if (value != NULL) {
        fputs(" Ar ", page);
        put_argument(value);
    }
    fputc('\n', page);
    put_sentence(doc);
}

static void put_flags(const struct cli_flag *flags)
{
    if (flags == NULL || flags->name == NULL)
        return;
    fputs(".Bl -tag -width Ds\n", page);
    for (; flags->name != NULL; flags++)
        put_flag(flags->name, flags->value, flags->doc);
    fputs(".El\n", page);
}

static void put_synopsis(const char *program, const char *noun, const struct cli_command *command)
{
    fprintf(page, ".Nm %s\n.Cm %s%s%s\n", program, noun == NULL ? "" : noun,
            noun == NULL ? "" : " ", command->name);
    for (const struct cli_flag *f = command->flags; f != NULL && f->name != NULL; f++) {
        fprintf(page, ".Op Fl \\-%s", f->name);
        if (f->value != NULL) {
            fputs(" Ar ", page);
            put_argument(f->value);
        }
        fputc('\n', page);
    }
    if (command->fields != CLI_FIELDS_NONE)
        fputs(".Op Fl \\-FIELD Ar VALUE ...\n", page);
    if (command->arguments[0] != '\0') {
        fputs(".Ar ", page);
        put_argument(command->arguments);
        fputc('\n', page);
    }
}

/* `type` is that of the noun, or 0. */
static void put_command(const struct cli_command *command, unsigned type)
{
    char kind[CLI_KIND_MAX];
    fprintf(page, ".It Cm %s", command->name);
    if (command->arguments[0] != '\0') {
        fputs(" Ar ", page);
        put_argument(command->arguments);
    }
    fputc('\n', page);
    put_summary(command->summary, false);
    if (command->details != NULL)
        put_markup(command->details, true, ".Pp\n");
    if (command->fields != CLI_FIELDS_NONE && command->type != 0 && command->type != type) {
        fprintf(page, ".Pp\nTakes the flags of fields too: see\n.Xr chitty-%s 1 .\n",
                crdt_type_table(command->type));
    } else if (command->fields != CLI_FIELDS_NONE) {
        fputs(".Pp\nTakes the flags of\n.Sx FIELDS\ntoo.\n", page);
    }
    put_flags(command->flags);
    cli_kind_of(command, command->type != 0 ? command->type : type, kind);
    if (kind[0] != '\0')
        fprintf(page, ".Pp\nKind of its JSON document: %s.\n", kind);
}

static void put_examples(const char *examples)
{
    for (const char *line = examples; *line != '\0';) {
        const size_t len = strcspn(line, "\n");
        fputs(".Dl $ ", page);
        put_escaped(line, len);
        fputc('\n', page);
        line += len + (line[len] == '\n' ? 1 : 0);
    }
}

static void put_topic_section(const char *title, const char *topic)
{
    fprintf(page, ".Sh %s\n", title);
    put_markup(cli_topic_named(topic)->text, false, ".Ss ");
}

static void put_common_flags(void)
{
    fputs(".Sh FLAGS OF EVERY COMMAND\n", page);
    put_flags(cli_common_flags);
}

/* --- the programs -------------------------------------------------------------------------- */

static void put_commands(const struct cli_program *program)
{
    const struct cli_command *command;
    for (unsigned group = 0; group < CLI_GROUP_COUNT; group++) {
        bool any = false;
        for (size_t i = 0; (command = cli_command_at(program, i)) != NULL; i++) {
            if (command->group != group || group == CLI_HIDDEN)
                continue;
            if (!any)
                fprintf(page, ".Ss %c%s\n.Bl -tag -width Ds\n",
                        toupper((unsigned char)cli_group_titles[group][0]),
                        cli_group_titles[group] + 1);
            any = true;
            put_command(command, 0);
        }
        if (any)
            fputs(".El\n", page);
    }
}

static void put_nouns(const struct cli_program *program)
{
    const struct cli_noun *noun;
    const struct cli_command *verb;
    fputs(".Ss Things\n.Bl -tag -width Ds\n", page);
    for (size_t i = 0; (noun = cli_noun_at(program, i)) != NULL; i++) {
        fprintf(page, ".It Cm %s", noun->name);
        const char *between = " ";
        for (size_t k = 0; (verb = cli_verb_at(program, noun, k)) != NULL; k++) {
            fprintf(page, "%s%s", between, verb->name);
            between = " | ";
        }
        fputc('\n', page);
        put_sentence(noun->summary);
        fprintf(page, "See\n.Xr %s-%s 1 .\n", program->name, noun->name);
    }
    fputs(".El\n", page);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Other pages, by section, in order of their names. */
static void put_see_also(const struct cli_program *program)
{
    char names[2][PAGES_MAX][64]; /* of section 1, of section 7 */
    size_t counts[2] = { 0 };
    const struct cli_noun *noun;
    (void)snprintf(names[0][counts[0]++], 64, "%s",
                   program == &cli_chitty ? "chitty-node" : "chitty");
    for (size_t i = 0; (noun = cli_noun_at(program, i)) != NULL; i++)
        (void)snprintf(names[0][counts[0]++], 64, "%s-%s", program->name, noun->name);
    for (const struct cli_topic *t = cli_topics; t->name != NULL; t++)
        (void)snprintf(names[1][counts[1]++], 64, "chitty-%s", t->name);
    fputs(".Sh SEE ALSO\n", page);
    for (size_t s = 0; s < 2; s++) {
        qsort(names[s], counts[s], sizeof names[s][0], by_name);
        for (size_t i = 0; i < counts[s]; i++)
            fprintf(page, ".Xr %s %u%s\n", names[s][i], s == 0 ? 1 : 7,
                    s == 1 && i + 1 == counts[s] ? "" : " ,");
    }
}

static void write_program(const struct cli_program *program)
{
    const struct cli_command *command;
    begin_page(program->name, 1, program->summary);
    fputs(".Sh SYNOPSIS\n", page);
    for (size_t i = 0; (command = cli_command_at(program, i)) != NULL; i++) {
        if (command->group != CLI_HIDDEN)
            put_synopsis(program->name, NULL, command);
    }
    if (program->nouns != NULL)
        fprintf(page, ".Nm %s\n.Ar THING VERB\n.Op Ar ARGUMENT ...\n", program->name);
    fprintf(page, ".Nm %s\n.Cm help\n.Op Ar \"COMMAND|TOPIC\"\n", program->name);
    fprintf(page, ".Nm %s\n.Fl \\-version\n.Sh DESCRIPTION\n", program->name);
    put_markup(program->details, false, ".Ss ");
    put_commands(program);
    if (program->nouns != NULL)
        put_nouns(program);
    fputs(".Ss Help\n.Bl -tag -width Ds\n.It Cm help Op Ar \"COMMAND|TOPIC\"\n"
          "Tell about a command, with examples, or about one of the topics:\n",
          page);
    for (const struct cli_topic *t = cli_topics; t->name != NULL; t++)
        fprintf(page, "%s%s", t->name, t[1].name == NULL ? ".\n" : ",\n");
    fputs(".It Fl \\-version , V\nPrint the version.\n.El\n", page);
    put_common_flags();
    put_topic_section("ENVIRONMENT", "environment");
    put_topic_section("FILES", "files");
    put_topic_section("EXIT STATUS", "exit-codes");
    fputs(".Sh EXAMPLES\n", page);
    for (size_t i = 0; (command = cli_command_at(program, i)) != NULL; i++) {
        if (command->group != CLI_HIDDEN)
            put_examples(command->examples);
    }
    put_see_also(program);
    end_page(pages[page_count - 1]);
}

/* --- nouns and topics ---------------------------------------------------------------------- */

static void put_fields(unsigned type)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    char name[CLI_FLAG_NAME_MAX], room[256];
    fputs(".Sh FIELDS\nHow they are written:\n.Xr chitty-fields 7 .\n"
          ".Bl -tag -width Ds\n",
          page);
    for (size_t i = 0; i < schema->count; i++) {
        const struct crdt_field *f = &schema->fields[i];
        bool any = false;
        for (unsigned element = 0; element < 2; element++) {
            if (!cli_field_flag(f, CLI_FIELDS_WRITE, element != 0, name))
                continue;
            fprintf(page, "%s\\-%s Ar ", any ? " , Fl " : ".It Fl ", name);
            put_argument(cli_field_value(f, CLI_FIELDS_WRITE, element != 0, room, sizeof room));
            any = true;
        }
        if (!any)
            continue;
        const bool listed = cli_field_flag(f, CLI_FIELDS_FILTER, false, name) ||
                            cli_field_flag(f, CLI_FIELDS_FILTER, true, name);
        fputc('\n', page);
        put_sentence(f->doc);
        if (f->required)
            fputs("Needed.\n", page);
        if (listed)
            fprintf(page, "A list takes\n.Fl \\-%s .\n", name);
    }
    fputs(".El\n", page);
}

static void write_noun(const struct cli_program *program, const struct cli_noun *noun)
{
    const struct cli_command *verb;
    char name[64];
    (void)snprintf(name, sizeof name, "%s-%s", program->name, noun->name);
    begin_page(name, 1, noun->summary);
    fputs(".Sh SYNOPSIS\n", page);
    for (size_t i = 0; (verb = cli_verb_at(program, noun, i)) != NULL; i++)
        put_synopsis(program->name, noun->name, verb);
    fputs(".Sh DESCRIPTION\n.Bl -tag -width Ds\n", page);
    for (size_t i = 0; (verb = cli_verb_at(program, noun, i)) != NULL; i++)
        put_command(verb, noun->type);
    fputs(".El\n", page);
    if (noun->type != 0)
        put_fields(noun->type);
    put_common_flags();
    put_topic_section("EXIT STATUS", "exit-codes");
    fputs(".Sh EXAMPLES\n", page);
    for (size_t i = 0; (verb = cli_verb_at(program, noun, i)) != NULL; i++)
        put_examples(verb->examples);
    fprintf(page, ".Sh SEE ALSO\n.Xr %s 1 ,\n.Xr chitty-filters 7 ,\n.Xr chitty-ids 7\n",
            program->name);
    end_page(pages[page_count - 1]);
}

static void write_topic(const struct cli_topic *topic)
{
    char name[64];
    (void)snprintf(name, sizeof name, "chitty-%s", topic->name);
    begin_page(name, 7, topic->summary);
    fputs(".Sh DESCRIPTION\n", page);
    put_markup(topic->text, false, ".Ss ");
    fputs(".Sh SEE ALSO\n.Xr chitty 1 ,\n.Xr chitty-node 1\n", page);
    end_page(pages[page_count - 1]);
}

static void write_list(void)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/meson.build", folder);
    page = checking ? tmpfile() : fopen(path, "we");
    if (page == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fputs("# Generated by man-pages with the pages themselves.\ninstall_man(\n", page);
    for (size_t i = 0; i < page_count; i++)
        fprintf(page, "  '%s',\n", pages[i]);
    fputs(")\n", page);
    end_page("meson.build");
}

int main(int argc, char **argv)
{
    const struct cli_program *const programs[] = { &cli_chitty, &cli_chitty_node };
    const struct cli_noun *noun;
    checking = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (argc < 2) {
        fputs("usage: man-pages [--check] FOLDER\n", stderr);
        return EXIT_FAILURE;
    }
    folder = argv[argc - 1];
    for (size_t p = 0; p < 2; p++) {
        write_program(programs[p]);
        for (size_t i = 0; (noun = cli_noun_at(programs[p], i)) != NULL; i++)
            write_noun(programs[p], noun);
    }
    for (const struct cli_topic *t = cli_topics; t->name != NULL; t++)
        write_topic(t);
    write_list();
    return stale == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
