/* What the formats of an import share; see import.h. */
#include "cli/import/import.h"

#include "cli/import/time.h"
#include "crdt/natural.h"

enum cht_err cli_import_wrong(const struct cli_import_reading *how, const char *field,
                              const char *sentence)
{
    return node_fault_set(how->fault, CHT_E_INVALID, cht_bytes_str(field), "%s", sentence);
}

void cli_import_id(unsigned type, const char *source, struct cht_bytes key, struct crdt_id *out,
                   char text[static CRDT_ID_TEXT_MAX])
{
    crdt_natural_id(type, cht_bytes_str(source), key, out);
    crdt_id_text(out, text);
}

void cli_import_after(struct cli_import_record *first, struct cli_import_record *record)
{
    while (first->next != NULL)
        first = first->next;
    first->next = record;
}

static enum cht_err comment_id(const char *source, const struct cht_bytes parts[4],
                               struct crdt_id *out)
{
    struct cht_buf key;
    enum cht_err err = CHT_OK;
    char text[CRDT_ID_TEXT_MAX];
    cht_buf_init(&key, parts[0].len + parts[1].len + parts[2].len + parts[3].len + 3);
    for (unsigned i = 0; err == CHT_OK && i < 4; i++) {
        if (i != 0)
            err = cht_buf_add_u8(&key, '\n');
        if (err == CHT_OK)
            err = cht_buf_add(&key, parts[i]);
    }
    if (err == CHT_OK)
        cli_import_id(CRDT_MESSAGE, source, cht_buf_view(&key), out, text);
    cht_buf_clear(&key);
    return err;
}

enum cht_err cli_import_comment(const struct cli_import_reading *how,
                                struct cli_import_record *parent, struct cht_bytes parent_key,
                                struct cht_bytes created, struct cht_bytes author,
                                struct cht_bytes text, struct cli_import_record **out)
{
    const struct cht_bytes parts[] = { parent_key, created, author, text };
    struct crdt_id id;
    uint64_t ms;
    enum cht_err err = comment_id(parent->source, parts, &id);
    if (out != NULL)
        *out = NULL;
    for (const struct cli_import_record *r = parent; r != NULL; r = r->next) {
        if (crdt_id_eq(&r->id, &id))
            return err;
    }
    if (err != CHT_OK || text.len == 0)
        return err;
    struct cli_import_record *m =
        cli_import_record(how->arena, &id, CLI_IMPORT_KEEP, parent->source, how->line);
    if (m == NULL)
        return CHT_E_NOMEM;
    err = cli_import_say_text(how->arena, m, "content", text);
    if (err == CHT_OK)
        err = cli_import_say_text(how->arena, m, "author", author);
    if (err == CHT_OK)
        err = cli_import_say_text(how->arena, m, "about", cht_bytes_str(parent->id_text));
    if (err == CHT_OK && cli_import_time(created, &ms, NULL) == CHT_OK)
        err = cli_import_say_uint(how->arena, m, "created", ms);
    if (err != CHT_OK)
        return err;
    cli_import_after(parent, m);
    if (out != NULL)
        *out = m;
    return CHT_OK;
}
