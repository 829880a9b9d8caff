/* Writes docs/SCHEMA.md from the table in crdt/schema.c: `schema-doc > docs/SCHEMA.md`.
 * `schema-doc FILE` compares instead, and fails when the file is stale. */
#include "crdt/schema.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const kind_names[] = {
    [CRDT_REGISTER] = "register",
    [CRDT_SET] = "set",
    [CRDT_MAP] = "map",
    [CRDT_TEXT] = "text",
};

static const char *const policy_names[] = {
    [CRDT_LWW] = "lww", [CRDT_RANK] = "rank",   [CRDT_FIRST] = "first",
    [CRDT_MAX] = "max", [CRDT_TOKEN] = "token",
};

static const char *const value_names[] = {
    [CRDT_V_STR] = "str",   [CRDT_V_TEXT] = "text",   [CRDT_V_BOOL] = "bool",
    [CRDT_V_INT] = "int",   [CRDT_V_FLOAT] = "float", [CRDT_V_TIME] = "time",
    [CRDT_V_ENUM] = "enum", [CRDT_V_WORD] = "word",   [CRDT_V_ID] = "id",
    [CRDT_V_ANY] = "any",   [CRDT_V_SHARE] = "share",
};

static const char intro[] = "# Types and fields\n"
                            "\n"
                            "Generated from the table in `crdt/schema.c` by `schema-doc`; do not "
                            "edit. Numbers are for ever.\n"
                            "Kinds, values and policies: PROTOCOL 3.2, 6.3 and 5.4. A text is "
                            "shown like an lww register, a\n"
                            "map's entries too; a set has no policy. `required`: create asks for "
                            "it. `search`: it is in the\n"
                            "full-text index. The words of an enum are all there are; of a word, "
                            "those usually met. The words\n"
                            "of a rank register stand in their order.\n";

static void print_value(FILE *out, const struct crdt_field *f)
{
    fputs(value_names[f->value], out);
    if (f->value == CRDT_V_ID && f->id_type != 0)
        fprintf(out, " of %s", crdt_type_name(f->id_type));
    for (size_t i = 0; f->words != NULL && f->words[i] != NULL; i++)
        fprintf(out, "%s %s", i == 0 ? ":" : ",", f->words[i]);
}

static void print_field(FILE *out, const struct crdt_field *f)
{
    fprintf(out, "| %u | `%s` | %s | ", f->number, f->name, kind_names[f->kind]);
    print_value(out, f);
    fprintf(out, " | %s | %s%s%s |\n", f->kind == CRDT_REGISTER ? policy_names[f->policy] : "-",
            f->doc, f->required ? "; required" : "", f->search ? "; search" : "");
}

static void print_all(FILE *out)
{
    fputs(intro, out);
    for (size_t i = 0; crdt_schema_at(i, NULL) != NULL; i++) {
        const struct crdt_type_schema *s = crdt_schema_at(i, NULL);
        fprintf(out, "\n## %u %s\n\nTable `%s`; shown in lists by `%s`.\n\n", s->type,
                crdt_type_name(s->type), crdt_type_table(s->type), s->title_field);
        fputs("| no | field | kind | value | policy | meaning |\n|---|---|---|---|---|---|\n", out);
        for (size_t j = 0; j < s->count; j++)
            print_field(out, &s->fields[j]);
    }
}

static int compare(const char *path)
{
    char *want = NULL;
    size_t len = 0;
    FILE *made = open_memstream(&want, &len);
    FILE *kept = fopen(path, "re");
    if (made == NULL || kept == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    print_all(made);
    (void)fclose(made);
    size_t at = 0;
    int c = fgetc(kept);
    while (c != EOF && at < len && (unsigned char)want[at] == c) {
        at++;
        c = fgetc(kept);
    }
    (void)fclose(kept);
    free(want);
    if (c == EOF && at == len)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s is stale from byte %zu on: write it anew with schema-doc\n", path, at);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return compare(argv[1]);
    print_all(stdout);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
