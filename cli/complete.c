/* chitty __complete: the command line is read as cli/base/options.c would, up to the cursor, and
 * the tables say what may follow. */
#include "cli/base/complete.h"

#include "cli/base/kinds.h"
#include "cli/base/options.h"
#include "cli/base/plugins.h"
#include "cli/base/table.h"
#include "cli/base/topics.h"
#include "cli/commands.h"
#include "crdt/limits.h"
#include "crdt/mp.h"

#include <ctype.h>
#include <stdio.h>

#define PLUGINS_MAX 64u

/* --- candidates ---------------------------------------------------------------------------- */

static bool begins_with(struct cht_bytes text, struct cht_bytes start)
{
    if (start.len > text.len)
        return false;
    for (size_t i = 0; i < start.len; i++) {
        if (toupper(text.data[i]) != toupper(start.data[i]))
            return false;
    }
    return true;
}

static bool is_there(const struct cht_buf *lines, struct cht_bytes line)
{
    for (size_t at = 0; at + line.len <= lines->len;) {
        if (memcmp(lines->data + at, line.data, line.len) == 0)
            return true;
        const uint8_t *end = memchr(lines->data + at, '\n', lines->len - at);
        at = end == NULL ? lines->len : (size_t)(end - lines->data) + 1;
    }
    return false;
}

/* May it stand in a command line as it is? It may come from another machine, and what a shell does
 * with characters of its own is not left to the shell's script. */
static bool is_plain(struct cht_bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        const uint8_t c = value.data[i];
        if (c < 0x80 && !isalnum(c) && (c == '\0' || strchr("_./@:+=,%-", c) == NULL))
            return false;
        if (c == 0xC2 && i + 1 < value.len && value.data[i + 1] < 0xA0)
            return false; /* C1: for some terminals an escape */
    }
    return crdt_utf8_valid(value);
}

void cli_candidate(struct cli_completion *w, struct cht_bytes value, struct cht_bytes about)
{
    char line[512];
    if (value.len == 0 || value.len > 128 || w->front.len > 128 || !begins_with(value, w->word) ||
        !is_plain(value))
        return;
    size_t len =
        (size_t)snprintf(line, sizeof line, "%.*s%.*s\t", (int)w->front.len,
                         (const char *)w->front.data, (int)value.len, (const char *)value.data);
    if (is_there(&w->lines, cht_bytes(line, len)))
        return;
    for (size_t i = 0; i < about.len && len < sizeof line - 2; i++)
        line[len++] = about.data[i] == '\n' ? ' ' : (char)about.data[i];
    line[len++] = '\n';
    (void)!cht_buf_add(&w->lines, cht_bytes(line, len)); /* without room: without it */
}

void cli_candidate_text(struct cli_completion *w, const char *value, const char *about)
{
    cli_candidate(w, cht_bytes_str(value), cht_bytes_str(about));
}

void cli_complete_piece(struct cli_completion *w)
{
    size_t at = w->word.len;
    while (at > 0 && w->word.data[at - 1] != (uint8_t)',')
        at--;
    /* both are in one word of the line */
    w->front.len += at;
    w->word = cht_bytes(w->word.data + at, w->word.len - at);
}

static void put_words(struct cli_completion *w, const char *words)
{
    char word[64];
    for (const char *at = words; *at != '\0';) {
        const size_t len = strcspn(at, "|");
        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        cli_candidate_text(w, word, "");
        at += len + (at[len] == '|' ? 1 : 0);
    }
}

static void put_times(struct cli_completion *w)
{
    static const char *const times[][2] = { { "today", "a day" },      { "tomorrow", "a day" },
                                            { "yesterday", "a day" },  { "now", "a moment" },
                                            { "+2h", "in two hours" }, { "+3d", "in three days" },
                                            { "+1w", "in a week" } };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        cli_candidate_text(w, times[i][0], times[i][1]);
}

/* --- fields -------------------------------------------------------------------------------- */

void cli_complete_field(struct cli_completion *w, unsigned type, const struct crdt_field *f,
                        bool names)
{
    switch (f->value) {
    case CRDT_V_ENUM:
    case CRDT_V_WORD:
        for (size_t i = 0; f->words[i] != NULL; i++)
            cli_candidate_text(w, f->words[i], "");
        break;
    case CRDT_V_BOOL:
        put_words(w, "yes|no");
        break;
    case CRDT_V_TIME:
        put_times(w);
        break;
    case CRDT_V_ID:
        if (names && f->id_type != 0)
            cli_complete_titles(w, f->id_type);
        cli_complete_ids(w, f->id_type, true);
        break;
    case CRDT_V_STR:
        if (f->kind == CRDT_SET || (!f->required && !f->search))
            cli_complete_values(w, type, f);
        break;
    case CRDT_V_INT:
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
    case CRDT_V_TEXT:
    case CRDT_V_ANY:
        break;
    }
}

static void put_field_names(struct cli_completion *w, unsigned type, bool dashes)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    char name[CLI_FLAG_NAME_MAX];
    cli_complete_piece(w);
    if (dashes && w->word.len > 0 && w->word.data[0] == '-') { /* --sort -deadline */
        w->front.len++;
        w->word = cht_bytes(w->word.data + 1, w->word.len - 1);
    }
    for (size_t i = 1; schema != NULL && i < schema->count; i++) {
        (void)snprintf(name, sizeof name, "%s", schema->fields[i].name);
        cli_candidate_text(w, name, schema->fields[i].doc);
    }
}

static void put_kind_names(struct cli_completion *w, const struct cli_command *command,
                           unsigned type)
{
    char kind[CLI_KIND_MAX];
    struct cht_bytes name;
    cli_kind_of(command, type, kind);
    cli_complete_piece(w);
    for (size_t i = 0; cli_kind_name_at(kind, i, &name); i++)
        cli_candidate(w, name, cht_bytes(NULL, 0));
}

/* --- flags --------------------------------------------------------------------------------- */

static void put_flag(struct cli_completion *w, const char *name, const char *doc)
{
    char flag[CLI_FLAG_NAME_MAX + 2];
    (void)snprintf(flag, sizeof flag, "--%s", name);
    cli_candidate_text(w, flag, doc);
}

static void put_flags(struct cli_completion *w, const struct cli_command *command, unsigned type)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    const struct cli_flag *lists[] = { command->flags, cli_common_flags };
    char name[CLI_FLAG_NAME_MAX];
    for (const struct cli_flag *f = lists[0]; f != NULL && f->name != NULL; f++)
        put_flag(w, f->name, f->doc);
    for (size_t i = 0; schema != NULL && i < schema->count; i++) {
        for (unsigned element = 0; element < 2; element++) {
            if (cli_field_flag(&schema->fields[i], command->fields, element != 0, name))
                put_flag(w, name, schema->fields[i].doc);
        }
    }
    for (const struct cli_flag *f = lists[1]; f->name != NULL; f++)
        put_flag(w, f->name, f->doc);
}

/* Words in capitals that stand for values of a todo's fields. */
static bool put_of_field(struct cli_completion *w, unsigned type, const char *word)
{
    static const struct {
        const char *word, *field;
    } meant[] = { { "PRIORITY", "priority" },
                  { "LABEL", "labels" },
                  { "WHO", "assignees" },
                  { "PARENT", "parent" },
                  { "PROJECT", "project" } };
    for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++) {
        if (strcmp(word, meant[i].word) != 0)
            continue;
        type = type == 0 || crdt_field_named(type, cht_bytes_str(meant[i].field)) == NULL
                   ? CRDT_TODO
                   : type;
        cli_complete_field(w, type, crdt_field_named(type, cht_bytes_str(meant[i].field)), true);
        return true;
    }
    return false;
}

/* What a word in capitals stands for, in flags and arguments. */
static void put_meant(struct cli_completion *w, const struct cli_command *command, unsigned type,
                      const char *what)
{
    char word[64];
    static const char sign[] = "[+|-]";
    const bool signs = strncmp(what, sign, sizeof sign - 1) == 0;
    what += signs ? sizeof sign - 1 : strspn(what, "[");
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(what, "],.\xE2"), what);
    if (signs && w->word.len > 0 && strchr("+-", w->word.data[0]) != NULL) {
        w->front.len++;
        w->word = cht_bytes(w->word.data + 1, w->word.len - 1);
    }
    if (put_of_field(w, type, word))
        return;
    if (strcmp(word, "ID") == 0)
        cli_complete_ids(w, type, command->type != 0 || command->fields != CLI_FIELDS_NONE);
    else if (strcmp(word, "DEVICE") == 0)
        cli_complete_devices(w);
    else if (strcmp(word, "SPACE") == 0)
        cli_complete_spaces(w);
    else if (strcmp(word, "FILE") == 0)
        w->how = CLI_COMPLETE_FILES;
    else if (strcmp(word, "ROLE") == 0)
        put_words(w, "admin|writer|reader|relay");
    else if (strcmp(word, "TIME") == 0)
        put_times(w);
    else if (strcmp(word, "FORMAT") == 0)
        put_words(w, "table|json|ndjson|name");
    else if (strcmp(word, "FIELD") == 0)
        put_field_names(w, type == 0 ? CRDT_TODO : type, true);
    else if (strcmp(word, "TYPE") == 0 || strcmp(word, "NOUN") == 0) {
        cli_complete_piece(w);
        for (size_t i = 0; crdt_schema_at(i, NULL) != NULL; i++)
            cli_candidate_text(w, crdt_type_table(crdt_schema_at(i, NULL)->type), "");
    } else if (strcmp(word, "FILTER") == 0)
        cli_complete_filter(w, type);
    else if (strchr(word, '|') != NULL && islower((unsigned char)word[0]))
        put_words(w, word);
}

/* The value of a flag named so; false when there is no such flag, or it takes none. */
static bool put_flag_value(struct cli_completion *w, const struct cli_command *command,
                           unsigned type, struct cht_bytes name, bool sure)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    const struct cli_flag *lists[] = { command->flags, cli_common_flags };
    char own[CLI_FLAG_NAME_MAX];
    for (size_t l = 0; l < 2; l++) {
        for (const struct cli_flag *f = lists[l]; f != NULL && f->name != NULL; f++) {
            if (!cht_bytes_eq(name, cht_bytes_str(f->name)))
                continue;
            if (f->value == NULL || (f->value[0] == '[' && !sure))
                return false;
            if (strcmp(f->name, "json") == 0)
                put_kind_names(w, command, type);
            else if (strcmp(f->name, "space") == 0)
                cli_complete_spaces(w);
            else if (strncmp(f->value, "NAME,", 5) == 0)
                put_field_names(w, type, false);
            else
                put_meant(w, command, type, f->value);
            return true;
        }
    }
    for (size_t i = 0; schema != NULL && i < schema->count; i++) {
        for (unsigned element = 0; element < 2; element++) {
            const struct crdt_field *f = &schema->fields[i];
            if (!cli_field_flag(f, command->fields, element != 0, own) ||
                !cht_bytes_eq(name, cht_bytes_str(own)))
                continue;
            if (element == 0 || command->fields == CLI_FIELDS_FILTER)
                cli_complete_piece(w);
            if (element != 0 && w->word.len > 0 && strchr("+-", w->word.data[0]) != NULL) {
                w->front.len++;
                w->word = cht_bytes(w->word.data + 1, w->word.len - 1);
            }
            cli_complete_field(w, type, f, false);
            if (f->kind == CRDT_TEXT)
                w->how = CLI_COMPLETE_FILES;
            return true;
        }
    }
    return false;
}

/* Does the flag take the word after it? */
static bool takes_next(const struct cli_command *command, unsigned type, const char *word)
{
    struct cht_bytes name = cht_bytes_str(word);
    const struct cli_flag *lists[] = { command->flags, cli_common_flags };
    if (strcmp(word, "-o") == 0)
        return true;
    if (strncmp(word, "--", 2) != 0 || strchr(word, '=') != NULL)
        return false;
    name = cht_bytes(name.data + 2, name.len - 2);
    for (size_t l = 0; l < 2; l++) {
        for (const struct cli_flag *f = lists[l]; f != NULL && f->name != NULL; f++) {
            if (cht_bytes_eq(name, cht_bytes_str(f->name)))
                return f->value != NULL && f->value[0] != '[';
        }
    }
    return command->fields != CLI_FIELDS_NONE && type != 0;
}

/* --- the line ------------------------------------------------------------------------------ */

/* What the word of `arguments` at `index` stands for; behind one that goes on with "…" it may still
 * be that, or what follows. */
static void put_argument(struct cli_completion *w, const struct cli_command *command, unsigned type,
                         size_t index)
{
    char word[64];
    size_t i = 0;
    bool more = false;
    for (const char *at = command->arguments; *at != '\0'; i++) {
        const size_t len = strcspn(at, " ");
        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        const bool repeats = strstr(word, "…") != NULL || strstr(word, "...") != NULL;
        if (i == index || (more && i < index) || (repeats && i < index))
            put_meant(w, command, type, word);
        more = more || repeats;
        at += len + (at[len] == ' ' ? 1 : 0);
    }
}

static void complete_command(struct cli_completion *w, const struct cli_command *command,
                             unsigned type, const char *const *words, size_t count)
{
    size_t arguments = 0;
    bool flags_over = false;
    for (size_t i = 0; i < count; i++) {
        if (!flags_over && takes_next(command, type, words[i])) {
            if (i + 1 == count) {
                const char *name = strcmp(words[i], "-o") == 0 ? "output" : words[i] + 2;
                (void)put_flag_value(w, command, type, cht_bytes_str(name), false);
                return;
            }
            i++;
        } else if (!flags_over && strcmp(words[i], "--") == 0) {
            flags_over = true;
        } else if (flags_over || words[i][0] != '-') {
            arguments++;
        }
    }
    const uint8_t *equals = w->word.len == 0 ? NULL : memchr(w->word.data, '=', w->word.len);
    if (!flags_over && w->word.len > 2 && memcmp(w->word.data, "--", 2) == 0 && equals != NULL) {
        const size_t used = (size_t)(equals - w->word.data);
        const struct cht_bytes name = cht_bytes(w->word.data + 2, used - 2);
        w->front = cht_bytes(w->word.data, used + 1);
        w->word = cht_bytes(equals + 1, w->word.len - used - 1);
        (void)put_flag_value(w, command, type, name, true);
        return;
    }
    if (!flags_over && w->word.len > 0 && w->word.data[0] == '-') {
        put_flags(w, command, type);
        if (strstr(command->arguments, "FILTER") != NULL && w->word.len > 1)
            cli_complete_filter(w, type); /* -label */
        else if (strstr(command->arguments, "[+|-]") != NULL)
            put_argument(w, command, type, arguments);
        return;
    }
    if (!flags_over && count > 0 && strcmp(words[count - 1], "--json") == 0 &&
        command->fields != CLI_FIELDS_WRITE)
        put_kind_names(w, command, type);
    put_argument(w, command, type, arguments);
}

static void put_first(struct cli_completion *w, bool of_help)
{
    const struct cli_program *program = w->c->program;
    const struct cli_command *command;
    const struct cli_noun *noun;
    char plugins[PLUGINS_MAX][CLI_PLUGIN_MAX];
    for (size_t i = 0; (command = cli_command_at(program, i)) != NULL; i++) {
        if (command->group != CLI_HIDDEN)
            cli_candidate_text(w, command->name, command->summary);
    }
    for (size_t i = 0; (noun = cli_noun_at(program, i)) != NULL; i++)
        cli_candidate_text(w, noun->name, noun->summary);
    for (const struct cli_topic *t = cli_topics; of_help && t->name != NULL; t++)
        cli_candidate_text(w, t->name, t->summary);
    if (of_help)
        return;
    const size_t count = cli_plugins(program, plugins, PLUGINS_MAX);
    for (size_t i = 0; i < count; i++)
        cli_candidate_text(w, plugins[i], "a program on PATH");
    cli_candidate_text(w, "help", "tell about a command or topic");
    if (w->word.len > 0 && w->word.data[0] == '-')
        put_words(w, "--help|--version|--space");
}

static void put_verbs(struct cli_completion *w, const struct cli_noun *noun)
{
    const struct cli_command *verb;
    for (size_t i = 0; (verb = cli_verb_at(w->c->program, noun, i)) != NULL; i++) {
        if (verb->group != CLI_HIDDEN)
            cli_candidate_text(w, verb->name, verb->summary);
    }
    if (w->word.len > 0 && w->word.data[0] == '-')
        cli_candidate_text(w, "--help", "tell about the verbs");
}

/* `words`: all before the one that is completed. */
static void complete(struct cli_completion *w, const char *const *words, size_t count)
{
    const struct cli_program *program = w->c->program;
    if (count == 1 && strcmp(words[0], "--space") == 0) {
        cli_complete_spaces(w);
        return;
    }
    if (count > 0 && strcmp(words[0], "--space") == 0) {
        words += 2;
        count -= 2;
    } else if (count > 0 && strncmp(words[0], "--space=", 8) == 0) {
        words++;
        count--;
    }
    const bool of_help = count > 0 && strcmp(words[0], "help") == 0;
    words += of_help ? 1 : 0;
    count -= of_help ? 1 : 0;
    if (count == 0) {
        put_first(w, of_help);
        return;
    }
    const struct cli_noun *noun = cli_noun_named(program, words[0]);
    if (noun != NULL && count == 1) {
        put_verbs(w, noun);
        return;
    }
    const struct cli_command *command = noun == NULL ? cli_command_named(program, words[0])
                                                     : cli_verb_meant(program, noun, words[1]);
    const size_t used = noun == NULL ? 1 : 2;
    if (command == NULL || of_help)
        return;
    complete_command(w, command, command->type != 0 || noun == NULL ? command->type : noun->type,
                     words + used, count - used);
}

/* Candidates are plain; what is said about them is text from outside. */
static void put_lines(struct cli_out *out, struct cht_bytes lines)
{
    while (lines.len > 0) {
        const size_t end =
            (size_t)((const uint8_t *)memchr(lines.data, '\n', lines.len) - lines.data);
        const size_t tab = (size_t)((const uint8_t *)memchr(lines.data, '\t', end) - lines.data);
        cli_put(out, cht_bytes(lines.data, tab + 1));
        cli_put_line(out, cht_bytes(lines.data + tab + 1, end - tab - 1));
        cli_put_char(out, '\n');
        lines = cht_bytes(lines.data + end + 1, lines.len - end - 1);
    }
}

static enum cht_err run(struct cli_context *c)
{
    static const char *const how[] = { ":words\n", ":open\n", ":files\n" };
    struct cli_completion w = { .c = c };
    const size_t count = c->arg_count == 0 ? 0 : c->arg_count - 1;
    w.word = cht_bytes_str(c->arg_count == 0 ? "" : c->args[count]);
    w.front = cht_bytes(w.word.data, 0);
    cht_buf_init(&w.lines, LIMIT_CLIENT_BYTES);
    complete(&w, c->args, count);
    cli_put_text(&c->out, how[w.how]);
    put_lines(&c->out, cht_buf_view(&w.lines));
    cht_buf_clear(&w.lines);
    c->fault = (struct node_fault){ 0 };
    return CHT_OK;
}

const struct cli_command cli_complete = {
    .name = "__complete",
    .summary = "Candidates for the last of these words, for the shells' completion.",
    .arguments = "-- WORD…",
    .group = CLI_HIDDEN,
    .kind = "",
    .examples = "chitty __complete -- todo li",
    .args_max = CLI_ARGS_MAX,
    .run = run,
};
