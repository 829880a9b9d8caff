/* How output looks. */
#include "cli/base/format.h"

#include "cli/base/kinds.h"

#include <stdio.h>

#define NAMES_MAX 128u

static bool known(const char *kind, struct cht_bytes name)
{
    struct cht_bytes one;
    for (size_t i = 0; cli_kind_name_at(kind, i, &one); i++) {
        if (cht_bytes_eq(one, name))
            return true;
    }
    return false;
}

/* The next piece of a list with commas; false at the end. */
static bool next_name(const char **at, struct cht_bytes *out)
{
    const size_t len = strcspn(*at, ",");
    if (**at == '\0')
        return false;
    *out = cht_bytes(*at, len);
    *at += len + ((*at)[len] == ',' ? 1 : 0);
    return true;
}

bool cli_format_is_choice(const struct cli_context *c, const char *word)
{
    char kind[CLI_KIND_MAX];
    struct cht_bytes name;
    cli_kind_of(c->command, c->type, kind);
    if (word == NULL || word[0] == '-' || word[0] == '\0' || kind[0] == '\0')
        return false;
    if (c->command->args_max == 0)
        return true;
    const bool list = strchr(word, ',') != NULL;
    for (const char *at = word; next_name(&at, &name);) {
        if (known(kind, name))
            return list || c->command->fields != CLI_FIELDS_WRITE;
    }
    return false;
}

static enum cht_err unknown_name(struct cli_context *c, const char *kind, struct cht_bytes name)
{
    char texts[NAMES_MAX][64];
    const char *candidates[NAMES_MAX + 1] = { NULL };
    struct cht_bytes one;
    size_t n = 0;
    for (; n < NAMES_MAX && cli_kind_name_at(kind, n, &one); n++) {
        (void)snprintf(texts[n], sizeof texts[n], "%.*s", (int)one.len, (const char *)one.data);
        candidates[n] = texts[n];
    }
    (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("json"),
                         "%s has no \"%.*s\" to choose with --json", kind,
                         (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
    const char *near = node_closest(name, candidates);
    if (near != NULL)
        node_fault_hint(&c->fault, "did you mean %s?", near);
    return CHT_E_INVALID;
}

static enum cht_err check_names(struct cli_context *c)
{
    char kind[CLI_KIND_MAX];
    struct cht_bytes name;
    cli_kind_of(c->command, c->type, kind);
    if (kind[0] == '\0')
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("json"),
                              "%s prints no JSON document to choose from", c->command->name);
    for (const char *at = c->picks; next_name(&at, &name);) {
        if (!known(kind, name))
            return unknown_name(c, kind, name);
    }
    return CHT_OK;
}

static enum cht_err check_named(struct cli_context *c)
{
    struct cli_kind_room room;
    char name[CLI_KIND_MAX];
    unsigned type;
    cli_kind_of(c->command, c->type, name);
    const struct cli_kind *kind = cli_kind_named(name, &room, &type);
    if (kind != NULL && kind->id != NULL)
        return CHT_OK;
    return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("output"),
                          "what %s prints has no names", c->command->name);
}

enum cht_err cli_format_read(struct cli_context *c)
{
    static const char *const words[] = { "table", "json", "ndjson", "name" };
    const char *json = cli_flag(c, "json"), *output = cli_flag(c, "output");
    unsigned format = cli_flag(c, "ndjson") != NULL ? CLI_NDJSON : json != NULL ? CLI_JSON : 0;
    if (output != NULL) {
        unsigned asked = 0;
        if (c->command->shapes != NULL && cli_pick_has(c->command->shapes, cht_bytes_str(output)))
            output = words[CLI_TABLE]; /* for people, in a shape of its own */
        while (asked < sizeof words / sizeof words[0] && strcmp(words[asked], output) != 0)
            asked++;
        if (asked == sizeof words / sizeof words[0])
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("output"),
                                  "output \"%.80s\" is not allowed: it has to be table, json, "
                                  "ndjson or name",
                                  output);
        if (format != CLI_TABLE && format != asked)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("output"),
                                  "--%s and -o %s exclude each other", words[format], output);
        format = asked;
    }
    c->format = (enum cli_format)format;
    c->json = format != CLI_TABLE;
    c->picks = json != NULL && json[0] != '\0' ? json : NULL;
    enum cht_err err = format == CLI_NAMES ? check_named(c) : CHT_OK;
    if (err == CHT_OK && c->picks != NULL)
        err = check_names(c);
    return err;
}

bool cli_format_asks_json(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0 || strncmp(argv[i], "--json=", 7) == 0 ||
            strcmp(argv[i], "--ndjson") == 0 || strcmp(argv[i], "-ojson") == 0 ||
            strcmp(argv[i], "-ondjson") == 0)
            return true;
        if ((strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0) &&
            (strcmp(next, "json") == 0 || strcmp(next, "ndjson") == 0))
            return true;
    }
    return false;
}
