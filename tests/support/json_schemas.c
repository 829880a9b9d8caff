/* Writes a JSON Schema (draft 2020-12) for each kind of document that a command prints, from
 * cli/base/kinds.c and crdt/schema.c: `json-schemas docs/json`. `json-schemas --check docs/json`
 * compares instead, and fails when one is stale. */
#include "cli/base/kinds.h"

#include <stdio.h>
#include <stdlib.h>

static const char *folder;
static bool checking;
static unsigned stale;
static FILE *file;
static unsigned depth;

static void line(const char *text)
{
    fprintf(file, "%*s%s\n", (int)(2 * depth), "", text);
}

static void open_key(const char *key, size_t len, const char *bracket)
{
    fprintf(file, "%*s\"%.*s\": %s\n", (int)(2 * depth), "", (int)len, key, bracket);
    depth++;
}

static void close_bracket(const char *bracket)
{
    depth--;
    line(bracket);
}

/* --- shapes -------------------------------------------------------------------------------- */

static const struct {
    const char *word, *schema;
} words[] = {
    { "text", "\"type\": \"string\"" },
    { "id", "\"type\": \"string\", \"pattern\": \"^CHITTY-[A-Z0-9]+-[0-9A-HJKMNP-TV-Z]{26}$\"" },
    { "hex", "\"type\": \"string\", \"pattern\": \"^([0-9a-f]{2})*$\"" },
    { "bool", "\"type\": \"boolean\"" },
    { "uint", "\"type\": \"integer\", \"minimum\": 0" },
    { "int", "\"type\": \"integer\"" },
    { "number", "\"type\": \"number\"" },
    { "time", "\"type\": [\"string\", \"integer\"], \"format\": \"date-time\"" },
    { "ms", "\"type\": \"integer\", \"minimum\": 0" },
    { "map", "\"type\": \"object\", \"additionalProperties\": true" },
    { "any", "" },
};

static void put_shape(struct cht_bytes shape);

static void put_object(const char *shape)
{
    struct cli_shape_member m;
    const char *at = shape;
    line("\"type\": \"object\",");
    open_key("properties", 10, "{");
    for (bool more = cli_shape_next(&at, &m); more;) {
        open_key((const char *)m.name.data, m.name.len, "{");
        put_shape(m.shape);
        more = cli_shape_next(&at, &m);
        close_bracket(more ? "}," : "}");
    }
    close_bracket("},");
    fprintf(file, "%*s\"required\": [", (int)(2 * depth), "");
    const char *between = "";
    for (at = shape; cli_shape_next(&at, &m);) {
        if (m.optional)
            continue;
        fprintf(file, "%s\"%.*s\"", between, (int)m.name.len, (const char *)m.name.data);
        between = ", ";
    }
    fputs("]\n", file);
}

static void put_word(struct cht_bytes word)
{
    const bool null = word.data[word.len - 1] == '~';
    const struct cht_bytes bare = cht_bytes(word.data, word.len - (null ? 1 : 0));
    if (bare.data[0] == '@') {
        fprintf(file, "%*s\"$ref\": \"%.*s.schema.json#/properties/data\"\n", (int)(2 * depth), "",
                (int)bare.len - 1, (const char *)bare.data + 1);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!cht_bytes_eq(bare, cht_bytes_str(words[i].word)))
            continue;
        if (words[i].schema[0] == '\0')
            return;
        if (!null) {
            line(words[i].schema);
            return;
        }
        fprintf(file, "%*s\"anyOf\": [{ \"type\": \"null\" }, { %s }]\n", (int)(2 * depth), "",
                words[i].schema);
        return;
    }
    fprintf(stderr, "there is no shape \"%.*s\"\n", (int)word.len, (const char *)word.data);
    exit(EXIT_FAILURE);
}

static void put_shape(struct cht_bytes shape)
{
    if (shape.data[0] == '{') {
        put_object((const char *)shape.data);
    } else if (shape.data[0] == '[') {
        line("\"type\": \"array\",");
        open_key("items", 5, "{");
        put_shape(cht_bytes(shape.data + 1, shape.len - 2));
        close_bracket("}");
    } else {
        put_word(shape);
    }
}

/* --- records ------------------------------------------------------------------------------- */

static void put_value(const struct crdt_field *f)
{
    const char *word = "text";
    switch (f->value) {
    case CRDT_V_STR:
    case CRDT_V_TEXT:
    case CRDT_V_WORD:
        break;
    case CRDT_V_BOOL:
        word = "bool";
        break;
    case CRDT_V_INT:
        word = "int";
        break;
    case CRDT_V_FLOAT:
        word = "number";
        break;
    case CRDT_V_SHARE:
        line("\"type\": \"number\", \"minimum\": 0, \"maximum\": 1");
        return;
    case CRDT_V_TIME:
        word = "time";
        break;
    case CRDT_V_ID:
        word = "id";
        break;
    case CRDT_V_ANY:
        return;
    case CRDT_V_ENUM:
        fprintf(file, "%*s\"enum\": [", (int)(2 * depth), "");
        for (size_t i = 0; f->words[i] != NULL; i++)
            fprintf(file, "%s\"%s\"", i == 0 ? "" : ", ", f->words[i]);
        fputs("]\n", file);
        return;
    }
    put_word(cht_bytes_str(word));
}

static void put_field(const struct crdt_field *f)
{
    const bool bare = f->kind != CRDT_SET && f->kind != CRDT_MAP && f->value == CRDT_V_ANY;
    fprintf(file, "%*s\"description\": \"%s\"%s\n", (int)(2 * depth), "", f->doc, bare ? "" : ",");
    if (f->kind == CRDT_SET || f->kind == CRDT_MAP) {
        line(f->kind == CRDT_SET ? "\"type\": \"array\"," : "\"type\": \"object\",");
        if (f->value == CRDT_V_ANY) {
            line(f->kind == CRDT_SET ? "\"items\": true" : "\"additionalProperties\": true");
            return;
        }
        open_key(f->kind == CRDT_SET ? "items" : "additionalProperties",
                 f->kind == CRDT_SET ? 5 : 20, "{");
        put_value(f);
        close_bracket("}");
        return;
    }
    put_value(f);
}

/* LOCAL 4.4. What may be left away by a choice of names is not required. */
static void put_record(unsigned type)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    line("\"type\": \"object\",");
    open_key("properties", 10, "{");
    fprintf(file, "%*s\"chittyId\": { %s },\n", (int)(2 * depth), "", words[1].schema);
    fprintf(file, "%*s\"type\": { \"const\": \"%s\" },\n", (int)(2 * depth), "",
            crdt_type_table(type));
    line("\"version\": { \"type\": \"string\" },");
    line("\"deleted\": { \"type\": \"boolean\" },");
    line("\"conflicts\": { \"type\": \"integer\", \"minimum\": 0 },");
    line("\"unknown\": { \"type\": \"array\" },");
    fprintf(file, "%*s\"alias\": { %s },\n", (int)(2 * depth), "", words[1].schema);
    line("\"origins\": { \"type\": \"array\" },");
    open_key("data", 4, "{");
    line("\"type\": \"object\",");
    open_key("properties", 10, "{");
    for (size_t i = 1; i < schema->count; i++) { /* `deleted` stands above */
        const struct crdt_field *f = &schema->fields[i];
        open_key(f->name, strlen(f->name), "{");
        put_field(f);
        close_bracket(i + 1 < schema->count ? "}," : "}");
    }
    close_bracket("}");
    close_bracket("}");
    close_bracket("},");
    line("\"required\": [\"chittyId\", \"data\"]");
}

/* --- files --------------------------------------------------------------------------------- */

static void end_file(const char *path)
{
    if (!checking) {
        (void)fclose(file);
        return;
    }
    FILE *kept = fopen(path, "re");
    rewind(file);
    int want = fgetc(file), have = kept == NULL ? EOF : fgetc(kept);
    while (want == have && want != EOF) {
        want = fgetc(file);
        have = fgetc(kept);
    }
    if (kept == NULL || want != have) {
        fprintf(stderr, "%s is %s: write it anew with json-schemas docs/json\n", path,
                kept == NULL ? "not there" : "stale");
        stale++;
    }
    if (kept != NULL)
        (void)fclose(kept);
    (void)fclose(file);
}

static void write_kind(const char *name)
{
    struct cli_kind_room room;
    unsigned type = 0;
    char path[4096], text[256];
    const struct cli_kind *kind = cli_kind_named(name, &room, &type);
    (void)snprintf(path, sizeof path, "%s/%s.schema.json", folder, name);
    file = checking ? tmpfile() : fopen(path, "we");
    if (file == NULL || kind == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    const bool error = strcmp(name, "error") == 0;
    line("{");
    depth++;
    line("\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",");
    if (type == 0)
        (void)snprintf(text, sizeof text, "\"title\": \"%s: %s\",", name, kind->summary);
    else
        (void)snprintf(text, sizeof text, "\"title\": \"%s: %s\",", name,
                       kind->rows == NULL ? "a record" : "records");
    line(text);
    line("\"type\": \"object\",");
    open_key("properties", 10, "{");
    line("\"schemaVersion\": { \"const\": 1 },");
    (void)snprintf(text, sizeof text, "\"kind\": { \"const\": \"%s\" },", name);
    line(text);
    open_key(error ? "error" : "data", error ? 5 : 4, "{");
    if (type == 0)
        put_shape(cht_bytes_str(kind->shape));
    else if (kind->rows == NULL)
        put_record(type);
    else {
        (void)snprintf(text, sizeof text, "[@%s]", kind->item);
        put_shape(cht_bytes_str(text));
    }
    close_bracket("}");
    close_bracket("},");
    (void)snprintf(text, sizeof text, "\"required\": [\"schemaVersion\", \"kind\", \"%s\"]",
                   error ? "error" : "data");
    line(text);
    close_bracket("}");
    end_file(path);
}

int main(int argc, char **argv)
{
    char name[CLI_KIND_MAX];
    checking = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (argc < 2) {
        fputs("usage: json-schemas [--check] FOLDER\n", stderr);
        return EXIT_FAILURE;
    }
    folder = argv[argc - 1];
    for (size_t i = 0; cli_kind_at(i) != NULL; i++)
        write_kind(cli_kind_at(i)->name);
    for (size_t i = 0; crdt_schema_at(i, NULL) != NULL; i++) {
        const char *table = crdt_type_table(crdt_schema_at(i, NULL)->type);
        write_kind(table);
        (void)snprintf(name, sizeof name, "%s-list", table);
        write_kind(name);
    }
    return stale == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
