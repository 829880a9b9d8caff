/* Flags of a command line. */
#include "cli/base/options.h"

#include "cli/base/filter.h"

#include "cli/base/format.h"

#include <stdio.h>
#include <stdlib.h>

const struct cli_flag cli_common_flags[] = {
    { "json", "[NAME,…]", "print one JSON document; with names, only these of each record" },
    { "ndjson", NULL, "print a JSON document a record, each on a line" },
    { "output", "FORMAT", "as -o FORMAT: table, json, ndjson, or name (ids alone)" },
    { "space", "NAME", "of this space instead of the one in use (chitty space list)" },
    { "quiet", NULL, "as -q: print nothing on standard output" },
    { "no-pager", NULL, "print long output at once, also on a terminal" },
    { "help", NULL, "tell about this command; -h in short" },
    { NULL, NULL, NULL },
};

#define CANDIDATES_MAX 128u /* flags offered in "did you mean" */

/* --- names --------------------------------------------------------------------------------- */

/* "dependencies" to "dependency", "labels" to "label"; "team" and "process" stay. */
static void singular(char *name)
{
    const size_t len = strlen(name);
    if (len > 3 && strcmp(name + len - 3, "ies") == 0)
        memcpy(name + len - 3, "y", 2);
    else if (len > 1 && name[len - 1] == 's' && name[len - 2] != 's')
        name[len - 1] = '\0';
}

static bool filterable(const struct crdt_field *field)
{
    return field->kind != CRDT_MAP && field->kind != CRDT_TEXT && field->value != CRDT_V_TIME &&
           field->value != CRDT_V_ANY && field->value != CRDT_V_FLOAT &&
           field->value != CRDT_V_SHARE;
}

bool cli_field_flag(const struct crdt_field *field, enum cli_fields fields, bool element,
                    char out[static CLI_FLAG_NAME_MAX])
{
    const bool many = field->kind == CRDT_SET || field->kind == CRDT_MAP;
    if (fields == CLI_FIELDS_NONE || field->number == CRDT_FIELD_DELETED || (element && !many) ||
        (fields == CLI_FIELDS_FILTER && (!filterable(field) || (many && !element))))
        return false;
    (void)snprintf(out, CLI_FLAG_NAME_MAX, "%s", field->name);
    for (char *at = out; *at != '\0'; at++)
        *at = *at == '_' ? '-' : *at;
    if (element) {
        singular(out);
        return true;
    }
    /* A set's whole is written by its plural; a map has no flag for its whole. */
    return field->kind != CRDT_MAP && (field->kind != CRDT_SET || out[strlen(out) - 1] == 's');
}

const char *cli_field_value(const struct crdt_field *field, enum cli_fields fields, bool element,
                            char *room, size_t size)
{
    if (field->kind == CRDT_MAP)
        return "KEY=VALUE";
    if (field->kind == CRDT_TEXT)
        return "TEXT|-|@FILE";
    const char *before = element && fields == CLI_FIELDS_WRITE ? "[+|-]" : "";
    const char *after = field->kind == CRDT_SET && !element ? ",…" : "";
    const char *what = "TEXT";
    switch (field->value) {
    case CRDT_V_STR:
    case CRDT_V_TEXT:
        break;
    case CRDT_V_BOOL:
        what = "yes|no";
        break;
    case CRDT_V_INT:
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
        what = "NUMBER";
        break;
    case CRDT_V_TIME:
        what = "TIME";
        break;
    case CRDT_V_ID:
        what = "ID";
        break;
    case CRDT_V_ANY:
        what = "JSON";
        break;
    case CRDT_V_ENUM:
    case CRDT_V_WORD:
        room[0] = '\0';
        for (size_t i = 0; field->words[i] != NULL; i++) {
            (void)strncat(room, i > 0 ? "|" : "", size - strlen(room) - 1);
            (void)strncat(room, field->words[i], size - strlen(room) - 1);
        }
        return room;
    }
    (void)snprintf(room, size, "%s%s%s", before, what, after);
    return room;
}

/* --- reading ------------------------------------------------------------------------------- */

static const struct cli_flag *find_flag(const struct cli_flag *flags, struct cht_bytes name)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (cht_bytes_eq(name, cht_bytes_str(flags->name)))
            return flags;
    }
    return NULL;
}

static bool find_field(const struct cli_context *c, struct cht_bytes name, struct cli_given *out)
{
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    char own[CLI_FLAG_NAME_MAX];
    for (size_t i = 0; schema != NULL && i < schema->count; i++) {
        for (unsigned element = 0; element < 2; element++) {
            if (!cli_field_flag(&schema->fields[i], c->command->fields, element != 0, own) ||
                !cht_bytes_eq(name, cht_bytes_str(own)))
                continue;
            out->field = &schema->fields[i];
            out->element = element != 0;
            return true;
        }
    }
    /* "due" and other short forms that filters know */
    const struct crdt_field *meant = cli_field_meant(c->type, name);
    for (unsigned element = 0; meant != NULL && element < 2; element++) {
        if (!cli_field_flag(meant, c->command->fields, meant->kind == CRDT_SET || element != 0,
                            own))
            continue;
        out->field = meant;
        out->element = meant->kind == CRDT_SET || element != 0;
        return true;
    }
    return false;
}

static enum cht_err unknown_flag(struct cli_context *c, struct cht_bytes name)
{
    static char names[CANDIDATES_MAX][CLI_FLAG_NAME_MAX];
    const char *candidates[CANDIDATES_MAX + 1] = { NULL };
    size_t n = 0;
    const struct cli_flag *lists[] = { c->command->flags, cli_common_flags };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const struct cli_flag *f = lists[i]; f != NULL && f->name != NULL; f++) {
            if (n < CANDIDATES_MAX)
                candidates[n++] = f->name;
        }
    }
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    for (size_t i = 0; schema != NULL && i < schema->count; i++) {
        for (unsigned element = 0; element < 2 && n < CANDIDATES_MAX; element++) {
            if (cli_field_flag(&schema->fields[i], c->command->fields, element != 0, names[n])) {
                candidates[n] = names[n];
                n++;
            }
        }
    }
    const enum cht_err err = c->command->as_script ? CHT_E_UNSUPPORTED : CHT_E_INVALID;
    (void)node_fault_set(&c->fault, err, cht_bytes(NULL, 0),
                         c->command->as_script ? "Unknown option: --%.*s"
                                               : "there is no flag --%.*s",
                         (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
    const char *near = node_closest(name, candidates);
    if (near != NULL)
        node_fault_hint(&c->fault, "did you mean --%s?", near);
    else
        node_fault_hint(&c->fault, "see %s%s%s %s --help", c->program->name,
                        c->noun == NULL ? "" : " ", c->noun == NULL ? "" : c->noun,
                        c->command->name);
    return err;
}

/* One "--…" argument; `next` is the argument after it or NULL. */
static enum cht_err read_flag(struct cli_context *c, const char *text, const char *next,
                              bool *out_took_next)
{
    const char *equals = strchr(text, '=');
    const struct cht_bytes name =
        cht_bytes(text, equals == NULL ? strlen(text) : (size_t)(equals - text));
    struct cli_given given = { .flag = find_flag(c->command->flags, name) };
    if (given.flag == NULL)
        given.flag = find_flag(cli_common_flags, name);
    if (given.flag == NULL && !find_field(c, name, &given))
        return unknown_flag(c, name);
    bool takes = given.flag == NULL || given.flag->value != NULL;
    /* a value in brackets may be left out */
    if (takes && given.flag != NULL && given.flag->value[0] == '[' && equals == NULL)
        takes = cli_format_is_choice(c, next);
    if (!takes && equals != NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, name, "--%s takes no value",
                              given.flag->name);
    if (takes && equals == NULL && next == NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, name, "--%s needs a value", text);
    given.value = !takes ? "" : equals != NULL ? equals + 1 : next;
    *out_took_next = takes && equals == NULL;
    /* before anything looks for the node: paths.h reads it there */
    if (given.flag != NULL && strcmp(given.flag->name, "space") == 0 &&
        setenv("CHITTY_SPACE", given.value, 1) != 0)
        return node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
    if (c->given_count == CLI_ARGS_MAX)
        return node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes(NULL, 0), "too many flags");
    c->given[c->given_count++] = given;
    return CHT_OK;
}

/* -o FORMAT, -oFORMAT, -o=FORMAT */
static enum cht_err read_output(struct cli_context *c, const char *rest, const char *next)
{
    const char *value = rest[0] == '\0' ? next : rest + (rest[0] == '=' ? 1 : 0);
    const struct cli_flag *flag = find_flag(cli_common_flags, cht_bytes_str("output"));
    if (value == NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("output"),
                              "-o needs a value: table, json, ndjson or name");
    if (c->given_count == CLI_ARGS_MAX)
        return node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes(NULL, 0), "too many flags");
    c->given[c->given_count++] = (struct cli_given){ .flag = flag, .value = value };
    return CHT_OK;
}

/* Words of a filter may begin with a dash: "-label". */
static bool takes_filter(const struct cli_context *c)
{
    return c->command->fields == CLI_FIELDS_FILTER && c->command->args_max > 0;
}

static bool is_output(const struct cli_context *c, const char *arg)
{
    static const char *const formats[] = { "", "table", "json", "ndjson", "name" };
    if (strncmp(arg, "-o", 2) != 0)
        return false;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(arg + 2, formats[i]) == 0)
            return true;
    }
    return arg[2] == '=' || !takes_filter(c); /* "-old" of a filter is a label */
}

enum cht_err cli_options_read(struct cli_context *c, int argc, char **argv, enum cli_help *out_help)
{
    bool flags_over = false;
    *out_help = CLI_HELP_NONE;
    c->literal_from = SIZE_MAX;
    for (int i = 0; i < argc; i++) {
        if (!flags_over && (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)) {
            *out_help = argv[i][1] == '-' ? CLI_HELP_LONG : CLI_HELP_SHORT;
            return CHT_OK;
        }
        if (!flags_over && strcmp(argv[i], "--") == 0) {
            flags_over = true;
            c->literal_from = c->arg_count;
            continue;
        }
        if (!flags_over && strncmp(argv[i], "--", 2) == 0) {
            bool took_next = false;
            enum cht_err err =
                read_flag(c, argv[i] + 2, i + 1 < argc ? argv[i + 1] : NULL, &took_next);
            if (err != CHT_OK)
                return err;
            i += took_next ? 1 : 0;
            continue;
        }
        if (!flags_over && strcmp(argv[i], "-q") == 0) {
            bool took_next = false;
            enum cht_err err = read_flag(c, "quiet", NULL, &took_next);
            if (err != CHT_OK)
                return err;
            continue;
        }
        if (!flags_over && is_output(c, argv[i])) {
            enum cht_err err = read_output(c, argv[i] + 2, i + 1 < argc ? argv[i + 1] : NULL);
            if (err != CHT_OK)
                return err;
            i += argv[i][2] == '\0' ? 1 : 0;
            continue;
        }
        if (!flags_over && argv[i][0] == '-' && argv[i][1] != '\0' && !takes_filter(c) &&
            !c->command->dashes)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                                  "there is no flag %s (text that begins with - goes after --)",
                                  argv[i]);
        if (c->arg_count == CLI_ARGS_MAX)
            return node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes(NULL, 0),
                                  "a command takes %u arguments at most", CLI_ARGS_MAX);
        c->args[c->arg_count++] = argv[i];
    }
    const struct cli_command *command = c->command;
    if (c->arg_count < command->args_min || c->arg_count > command->args_max) {
        (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0), "%s %s %s",
                             c->arg_count < command->args_min ? "missing: usage is"
                                                              : "too much: "
                                                                "usage is",
                             command->name, command->arguments);
        return CHT_E_INVALID;
    }
    return cli_format_read(c);
}

const char *cli_flag(const struct cli_context *c, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < c->given_count; i++) {
        if (c->given[i].flag != NULL && strcmp(c->given[i].flag->name, name) == 0)
            value = c->given[i].value;
    }
    return value;
}

enum cht_err cli_flag_uint(struct cli_context *c, const char *name, uint64_t min, uint64_t max,
                           uint64_t otherwise, uint64_t *out)
{
    const char *text = cli_flag(c, name);
    if (text == NULL) {
        *out = otherwise;
        return CHT_OK;
    }
    char *end = NULL;
    const unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || v < min || v > max)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(name),
                              "--%s \"%.80s\" is not allowed: it has to be a number from %llu to "
                              "%llu",
                              name, text, (unsigned long long)min, (unsigned long long)max);
    *out = v;
    return CHT_OK;
}
