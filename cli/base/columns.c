/* The columns of a list; see columns.h. Ten thousand rows are one walk over the bytes of the
 * answers, without an allocation a row. */
#include "cli/base/columns.h"

#include "cli/base/filter.h"
#include "cli/base/record.h"
#include "crdt/rfc3339.h"

#include <stdio.h>

#define REST_MIN   20u /* what is left of a narrow line */
#define CELL_BYTES 256u

/* What a row shows first of each type; its title follows. Of a project only where there are people
 * to read its name. */
static const char *const usual[] = {
    [CRDT_TOPIC] = "status",
    [CRDT_PROJECT] = "status,deadline",
    [CRDT_SESSION] = "status,platform,project",
    [CRDT_TODO] = "status,priority,deadline,project",
    [CRDT_CONTEXT] = "type,project",
    [CRDT_REPO] = "name",
    [CRDT_SERVICE] = "type,version",
    [CRDT_MESSAGE] = "created,author",
    [CRDT_CHECKPOINT] = "kind,created,project",
    [CRDT_DEVICE] = "kind,os",
};

/* --- choosing ------------------------------------------------------------------------------ */

static unsigned width_of(const struct crdt_field *f)
{
    size_t width = 16;
    if (f->kind == CRDT_SET || f->kind == CRDT_MAP)
        return 20;
    if (f->value == CRDT_V_BOOL || f->value == CRDT_V_INT || f->value == CRDT_V_FLOAT ||
        f->value == CRDT_V_SHARE)
        return 6;
    if (f->value == CRDT_V_TEXT)
        return 40;
    if (f->value == CRDT_V_ENUM || f->value == CRDT_V_WORD) {
        width = 4;
        for (size_t i = 0; f->words[i] != NULL; i++)
            width = strlen(f->words[i]) > width ? strlen(f->words[i]) : width;
    }
    return (unsigned)width;
}

static enum cht_err add(struct cli_context *c, struct cli_columns *out,
                        const struct crdt_field *field)
{
    if (out->count == CLI_COLUMNS_MAX)
        return node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes_str("columns"),
                              "a list has %u columns at most", CLI_COLUMNS_MAX);
    const unsigned id_width = (unsigned)strlen(crdt_type_name(c->type)) + 9; /* "TODO-01HXW3K9" */
    out->list[out->count++] =
        (struct cli_column){ .field = field, .width = field == NULL ? id_width : width_of(field) };
    return CHT_OK;
}

static enum cht_err add_names(struct cli_context *c, struct cli_columns *out, const char *names)
{
    const bool people = c->out.terminal;
    enum cht_err err = CHT_OK;
    for (const char *at = names; err == CHT_OK && *at != '\0';) {
        const struct cht_bytes name = cht_bytes(at, strcspn(at, ","));
        const struct crdt_field *field = NULL;
        at += name.len + (at[name.len] == ',');
        if (cht_bytes_eq(name, cht_bytes_str("id"))) {
            err = add(c, out, NULL);
            continue;
        }
        err = cli_field_find(c, "--columns", name, &field);
        if (err == CHT_OK && crdt_field_named(c->type, cht_bytes_str(field->name)) == NULL)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("columns"),
                                  "--columns: %s is no field of the record", field->name);
        if (err == CHT_OK && (names != usual[c->type] || people || field->value != CRDT_V_ID))
            err = add(c, out, field);
    }
    return err;
}

enum cht_err cli_columns_choose(struct cli_context *c, const char *names, struct cli_columns *out)
{
    struct cli_columns columns = { .count = 0 };
    const char *title = crdt_schema(c->type)->title_field;
    enum cht_err err = names != NULL ? CHT_OK : add(c, &columns, NULL);
    if (err == CHT_OK)
        err = add_names(c, &columns, names == NULL ? usual[c->type] : names);
    if (err == CHT_OK && names == NULL)
        err = add(c, &columns, crdt_field_named(c->type, cht_bytes_str(title)));
    if (err != CHT_OK || columns.count == 0)
        return err != CHT_OK ? err
                             : node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("columns"),
                                              "--columns needs names of fields");
    const unsigned all = c->out.columns > 0 ? (unsigned)c->out.columns : 0;
    unsigned used = 0;
    for (size_t i = 0; i + 1 < columns.count; i++)
        used += columns.list[i].width + 2;
    /* on a narrow terminal usual ones give way to the title */
    while (names == NULL && all != 0 && used + REST_MIN > all && columns.count > 2) {
        columns.count--;
        used -= columns.list[columns.count - 1].width + 2;
        columns.list[columns.count - 1] = columns.list[columns.count];
    }
    columns.list[columns.count - 1].width = 0;
    columns.rest = all == 0 ? 0 : all > used + REST_MIN ? all - used : REST_MIN;
    *out = columns;
    return CHT_OK;
}

enum cht_err cli_columns_put(const struct cli_columns *columns, struct cht_buf *b, uint32_t *pairs)
{
    uint32_t count = 0;
    bool links = false;
    for (size_t i = 0; i < columns->count; i++) {
        count += columns->list[i].field != NULL;
        links = links ||
                (columns->list[i].field != NULL && columns->list[i].field->value == CRDT_V_ID &&
                 columns->list[i].field->kind == CRDT_REGISTER);
    }
    enum cht_err err = node_mp_put_text(b, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, count);
    for (size_t i = 0; err == CHT_OK && i < columns->count; i++) {
        if (columns->list[i].field != NULL)
            err = node_mp_put_text(b, columns->list[i].field->name);
    }
    if (err == CHT_OK && links)
        err = node_mp_put_key_bool(b, "titles", true);
    *pairs += links ? 2 : 1;
    return err;
}

/* --- printing ------------------------------------------------------------------------------ */

/* What a record has for each column. */
struct row {
    struct cht_bytes id, values[CLI_COLUMNS_MAX], titles[CLI_COLUMNS_MAX];
    struct cht_bytes holder; /* who works on it (LOCAL 4.14) */
};

/* The pairs of the map at the cursor. */
static uint64_t take_map(struct cht_wire *w)
{
    const struct crdt_mp head = crdt_mp_next(w);
    if (head.kind != CRDT_MP_MAP)
        cht_wire_fail(w, CHT_E_MALFORMED);
    return head.kind == CRDT_MP_MAP ? head.u : 0;
}

static void take_fields(const struct cli_columns *columns, struct cht_wire *w,
                        struct cht_bytes out[static CLI_COLUMNS_MAX])
{
    const uint64_t fields = take_map(w);
    for (uint64_t k = 0; k < fields && w->err == CHT_OK; k++) {
        const struct cht_bytes field = crdt_mp_next(w).data, value = crdt_mp_pass(w);
        for (size_t i = 0; i < columns->count; i++) {
            if (columns->list[i].field != NULL &&
                cht_bytes_eq(field, cht_bytes_str(columns->list[i].field->name)))
                out[i] = value;
        }
    }
}

static void take_row(const struct cli_columns *columns, struct cht_wire *w, struct row *out)
{
    const uint64_t pairs = take_map(w);
    for (uint64_t i = 0; i < pairs && w->err == CHT_OK; i++) {
        const struct cht_bytes name = crdt_mp_next(w).data;
        if (cht_bytes_eq(name, cht_bytes("data", 4))) {
            take_fields(columns, w, out->values);
        } else if (cht_bytes_eq(name, cht_bytes("titles", 6))) {
            take_fields(columns, w, out->titles);
        } else {
            const struct cht_bytes value = crdt_mp_pass(w);
            if (cht_bytes_eq(name, cht_bytes("chittyId", 8)))
                out->id = node_mp_str(value);
            else if (cht_bytes_eq(name, cht_bytes("holder", 6)))
                out->holder = node_mp_str(value);
        }
    }
}

/* An own value in tabs: whole, times in UTC. */
static void put_tabbed(struct cli_out *out, const struct crdt_field *field, struct cht_bytes value)
{
    if (field->value == CRDT_V_TIME && node_mp_kind(value) == CRDT_MP_UINT) {
        char text[CRDT_RFC3339_MAX] = "";
        const uint64_t ms = crdt_mp_peek(value).u;
        if (ms <= CRDT_RFC3339_MS_MAX)
            crdt_rfc3339_text(ms, text);
        cli_put_text(out, text);
        return;
    }
    cli_put_value(out, field, value);
}

/* The elements of a set or the keys of a map, with commas. */
static struct cht_bytes joined(struct cht_bytes value, char room[static CELL_BYTES])
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes key, one;
    size_t len = 0;
    while (node_mp_next(&it, &key, &one)) {
        const struct cht_bytes text = cli_short_id(node_mp_str(it.is_map ? key : one));
        if (len + text.len + 2 > CELL_BYTES)
            break;
        if (len > 0)
            room[len++] = ',';
        if (text.len > 0)
            memcpy(room + len, text.data, text.len);
        len += text.len;
    }
    return cht_bytes(room, len);
}

/* A value as text for a cell; times are printed by cli_put_when. */
static struct cht_bytes cell_text(const struct crdt_field *field, struct cht_bytes value,
                                  char room[static CELL_BYTES])
{
    const struct crdt_mp v = crdt_mp_peek(value);
    int len = 0;
    if (value.len == 0)
        return cht_bytes(NULL, 0);
    if (field->kind == CRDT_SET || field->kind == CRDT_MAP)
        return joined(value, room);
    if (v.kind == CRDT_MP_STR)
        return field->value == CRDT_V_ID ? cli_short_id(v.data) : v.data;
    if (v.kind == CRDT_MP_BOOL)
        return cht_bytes_str(v.u != 0 ? "yes" : "no");
    if (v.kind == CRDT_MP_UINT)
        len = snprintf(room, CELL_BYTES, "%llu", (unsigned long long)v.u);
    else if (v.kind == CRDT_MP_INT)
        len = snprintf(room, CELL_BYTES, "%lld", (long long)v.i);
    else if (v.kind == CRDT_MP_FLOAT)
        len = snprintf(room, CELL_BYTES, "%g", v.f);
    return cht_bytes(room, len < 0 ? 0 : (size_t)len);
}

static void put_cell(struct cli_out *out, const struct cli_column *column, unsigned width,
                     struct cht_bytes value, struct cht_bytes title)
{
    char room[CELL_BYTES];
    const struct crdt_field *field = column->field;
    if (field->value == CRDT_V_TIME && field->kind == CRDT_REGISTER && value.len > 0) {
        cli_put_when(out, value);
        return;
    }
    const struct cht_bytes text = title.len > 0 ? title : cell_text(field, value, room);
    const enum cli_style style = field->value == CRDT_V_ENUM || field->value == CRDT_V_WORD
                                     ? cli_word_style(text)
                                     : CLI_PLAIN;
    if (style != CLI_PLAIN)
        cli_put_style(out, style);
    if (column->width != 0 || (width != 0 && cli_text_width(text) > width))
        cli_put_cell(out, text, width);
    else
        cli_put_line(out, text);
    if (style != CLI_PLAIN)
        cli_put_style(out, CLI_PLAIN);
}

static void put_id(struct cli_out *out, struct cht_bytes id, unsigned width)
{
    if (!out->terminal) {
        cli_put_line(out, id);
        return;
    }
    cli_put_style(out, CLI_DIM);
    cli_put_cell(out, cli_short_id(id), width);
    cli_put_style(out, CLI_PLAIN);
}

/* Cells of the last column beside "  (who holds it)". */
static unsigned left_of(unsigned width, struct cht_bytes holder)
{
    const size_t used = holder.len == 0 ? 0 : cli_text_width(holder) + 4;
    return used != 0 && width > used + REST_MIN / 2 ? width - (unsigned)used : width;
}

static void put_holder(struct cli_out *out, struct cht_bytes holder)
{
    if (!out->terminal || holder.len == 0)
        return;
    cli_put_style(out, CLI_DIM);
    cli_put_text(out, "  (");
    cli_put_line(out, holder);
    cli_put_char(out, ')');
    cli_put_style(out, CLI_PLAIN);
}

void cli_columns_row(struct cli_out *out, const struct cli_columns *columns, struct cht_wire *w)
{
    struct row row = { 0 };
    take_row(columns, w, &row);
    for (size_t i = 0; i < columns->count; i++) {
        const struct cli_column *column = &columns->list[i];
        const unsigned width =
            column->width == 0 ? left_of(columns->rest, row.holder) : column->width;
        const struct cht_bytes title = node_mp_str(row.titles[i]);
        if (i > 0)
            cli_put_text(out, out->terminal ? "  " : "\t");
        if (column->field == NULL)
            put_id(out, row.id, column->width);
        else if (out->terminal)
            put_cell(out, column, width, row.values[i], title);
        else if (title.len > 0)
            cli_put_line(out, title);
        else
            put_tabbed(out, column->field, row.values[i]);
    }
    put_holder(out, row.holder);
    cli_put_char(out, '\n');
}
