/* Documents made smaller. The text is our own (cli/base/json.c): valid, on one line, without
 * blanks. */
#include "cli/base/pick.h"

#include "cli/base/json.h"
#include "cli/base/kinds.h"

#include <errno.h>
#include <stdlib.h>

#define LINE_MAX_BYTES (1u << 30)

bool cli_pick_has(const char *names, struct cht_bytes name)
{
    for (const char *at = names; *at != '\0';) {
        const size_t len = strcspn(at, ",");
        if (cht_bytes_eq(cht_bytes(at, len), name))
            return true;
        at += len + (at[len] == ',' ? 1 : 0);
    }
    return false;
}

/* --- reading ------------------------------------------------------------------------------- */

static size_t string_end(struct cht_bytes text, size_t at)
{
    for (at++; at < text.len && text.data[at] != '"'; at++)
        at += text.data[at] == '\\' ? 1 : 0;
    return at < text.len ? at + 1 : text.len;
}

/* The end of the value that begins at `at`. */
static size_t value_end(struct cht_bytes text, size_t at)
{
    unsigned depth = 0;
    while (at < text.len) {
        const uint8_t c = text.data[at];
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        if (c == '"') {
            at = string_end(text, at);
            continue;
        }
        depth += c == '{' || c == '[' ? 1u : 0u;
        depth -= c == '}' || c == ']' ? 1u : 0u;
        at++;
    }
    return at;
}

/* The next member of an object or element of an array; `*at` begins as 1. */
static bool next(struct cht_bytes object, size_t *at, struct cht_bytes *name,
                 struct cht_bytes *value)
{
    size_t from = *at;
    if (object.len < 2 || (object.data[0] != '{' && object.data[0] != '['))
        return false;
    if (from < object.len && object.data[from] == ',')
        from++;
    if (from >= object.len - 1)
        return false;
    *name = cht_bytes(NULL, 0);
    if (object.data[0] == '{') {
        const size_t end = string_end(object, from);
        *name = cht_bytes(object.data + from + 1, end - from - 2);
        from = end + 1;
    }
    *at = value_end(object, from);
    *value = cht_bytes(object.data + from, *at - from);
    return true;
}

static struct cht_bytes member(struct cht_bytes object, const char *wanted)
{
    struct cht_bytes name, value;
    for (size_t at = 1; next(object, &at, &name, &value);) {
        if (cht_bytes_eq(name, cht_bytes_str(wanted)))
            return value;
    }
    return cht_bytes(NULL, 0);
}

/* --- writing ------------------------------------------------------------------------------- */

/* One record: the members that were chosen, and what names it. A record's fields are in `data`. */
static void put_record(const struct cli_pick *p, const struct cli_kind *kind, unsigned type,
                       struct cht_bytes record)
{
    struct cht_bytes name, value;
    char between = '{';
    if (p->names == NULL || record.len == 0 || record.data[0] != '{') {
        cli_put(p->to, record);
        return;
    }
    for (size_t at = 1; next(record, &at, &name, &value);) {
        const bool data = type != 0 && cht_bytes_eq(name, cht_bytes_str("data"));
        const bool named = kind->id != NULL && cht_bytes_eq(name, cht_bytes_str(kind->id));
        if (!data && !named && !cli_pick_has(p->names, name))
            continue;
        cli_put_char(p->to, between);
        between = ',';
        cli_json_text(p->to, name);
        cli_put_char(p->to, ':');
        if (!data) {
            cli_put(p->to, value);
            continue;
        }
        struct cht_bytes field, content;
        char inner = '{';
        for (size_t i = 1; next(value, &i, &field, &content);) {
            if (!cli_pick_has(p->names, field))
                continue;
            cli_put_char(p->to, inner);
            inner = ',';
            cli_json_text(p->to, field);
            cli_put_char(p->to, ':');
            cli_put(p->to, content);
        }
        cli_put_text(p->to, inner == '{' ? "{}" : "}");
    }
    cli_put_text(p->to, between == '{' ? "{}" : "}");
}

/* The text of a JSON string, on one line. */
static void put_unescaped(struct cli_out *out, struct cht_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        size_t run = 0;
        while (i + run < text.len && text.data[i + run] != '\\')
            run++;
        cli_put_line(out, cht_bytes(text.data + i, run));
        i += run;
        if (i + 1 >= text.len)
            return;
        i++; /* of our own escapes only these two stand for something that is shown */
        const bool shown = text.data[i] == '"' || text.data[i] == '\\';
        cli_put_char(out, shown ? (char)text.data[i] : ' ');
        i += text.data[i] == 'u' ? 4 : 0;
    }
}

/* What names a record. */
static void put_name(const struct cli_pick *p, const struct cli_kind *kind, struct cht_bytes record)
{
    const struct cht_bytes name = kind->id == NULL ? cht_bytes(NULL, 0) : member(record, kind->id);
    if (name.len < 2 || name.data[0] != '"')
        return;
    put_unescaped(p->to, cht_bytes(name.data + 1, name.len - 2));
    cli_put_char(p->to, '\n');
}

static void put_row(const struct cli_pick *p, const struct cli_kind *kind, unsigned type,
                    struct cht_bytes row)
{
    if (p->format == CLI_NAMES) {
        put_name(p, kind, row);
        return;
    }
    cli_json_begin(p->to, kind->name);
    put_record(p, kind, type, row);
    cli_json_end(p->to);
}

/* One document, its records in place. */
static void put_whole(const struct cli_pick *p, const struct cli_kind *kind, unsigned type,
                      struct cht_bytes data, struct cht_bytes rows)
{
    struct cli_kind_room room;
    unsigned item_type = 0;
    const struct cli_kind *item =
        kind->item == NULL ? kind : cli_kind_named(kind->item, &room, &item_type);
    struct cht_bytes none, row;
    char between = '[';
    cli_json_begin(p->to, kind->name);
    if (kind->rows == NULL) {
        put_record(p, kind, type, data);
        cli_json_end(p->to);
        return;
    }
    cli_put(p->to, cht_bytes(data.data, (size_t)(rows.data - data.data)));
    for (size_t at = 1; next(rows, &at, &none, &row);) {
        cli_put_char(p->to, between);
        between = ',';
        put_record(p, item, item_type, row);
    }
    cli_put_text(p->to, between == '[' ? "[]" : "]");
    const uint8_t *after = rows.data + rows.len;
    cli_put(p->to, cht_bytes(after, (size_t)(data.data + data.len - after)));
    cli_json_end(p->to);
}

static void put_document(const struct cli_pick *p, struct cht_bytes line)
{
    struct cli_kind_room room, item_room;
    unsigned type = 0, item_type = 0;
    char name[CLI_KIND_MAX] = "";
    const struct cht_bytes quoted = member(line, "kind"), data = member(line, "data");
    if (quoted.len >= 2 && quoted.len - 2 < sizeof name)
        memcpy(name, quoted.data + 1, quoted.len - 2);
    const struct cli_kind *kind = cli_kind_named(name, &room, &type);
    if (kind == NULL || data.len == 0) { /* no document of ours: as it is */
        cli_put(p->to, line);
        cli_put_char(p->to, '\n');
        return;
    }
    struct cht_bytes rows = data, none, row;
    if (kind->rows != NULL && kind->rows[0] != '\0')
        rows = member(data, kind->rows);
    if (kind->rows == NULL) {
        put_row(p, kind, type, data);
    } else if (p->format == CLI_JSON) {
        put_whole(p, kind, type, data, rows);
    } else {
        const struct cli_kind *item = cli_kind_named(kind->item, &item_room, &item_type);
        for (size_t at = 1; item != NULL && next(rows, &at, &none, &row);)
            put_row(p, item, item_type, row);
    }
}

/* Every whole line goes on. */
static int take(void *ctx, struct cht_bytes bytes)
{
    struct cli_pick *p = ctx;
    if (cht_buf_add(&p->line, bytes) != CHT_OK)
        return ENOMEM;
    size_t from = 0;
    for (size_t i = p->line.len - bytes.len; i < p->line.len; i++) {
        if (p->line.data[i] != '\n')
            continue;
        put_document(p, cht_bytes(p->line.data + from, i - from));
        from = i + 1;
    }
    memmove(p->line.data, p->line.data + from, p->line.len - from);
    p->line.len -= from;
    (void)!cli_out_flush(p->to); /* its errno is looked at */
    return p->to->sys;
}

enum cht_err cli_pick_begin(struct cli_out *out, enum cli_format format, const char *names,
                            struct cli_pick **out_pick)
{
    struct cli_pick *p = calloc(1, sizeof *p);
    struct cli_out *to = calloc(1, sizeof *to);
    if (p == NULL || to == NULL) {
        free(p);
        free(to);
        return CHT_E_NOMEM;
    }
    *p = (struct cli_pick){ .format = format, .names = names, .to = to };
    cht_buf_init(&p->line, LINE_MAX_BYTES);
    cli_out_init(to, out->fd);
    out->sink = take;
    out->sink_ctx = p;
    *out_pick = p;
    return CHT_OK;
}

void cli_pick_end(struct cli_out *out, struct cli_pick *pick)
{
    if (pick == NULL)
        return;
    (void)!cli_out_flush(out);
    out->sink = NULL;
    cht_buf_clear(&pick->line);
    free(pick->to);
    free(pick);
}
