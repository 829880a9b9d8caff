/* Lists. On a terminal: short ids and columns; elsewhere: whole ids and tabs, for scripts. Ten
 * thousand rows are one walk over the bytes of the answers, without an allocation a row. */
#include "cli/list.h"

#include "cli/fields.h"
#include "cli/json.h"
#include "cli/record.h"
#include "cli/request.h"
#include "crdt/limits.h"
#include "crdt/rfc3339.h"

const struct cli_flag cli_list_flags[] = {
    { "all", NULL, "finished ones too" },
    { "deleted", NULL, "deleted ones too" },
    { "fields", "NAME,…", "only these fields (with --json)" },
    { "sort", "FIELD", "by this field; -FIELD downwards" },
    { "limit", "N", "at most so many" },
    { NULL, NULL, NULL },
};

#define COLUMNS_MAX 6u
#define WORD_FIELDS 4u /* the schema has the words that matter most first */

struct column {
    const struct crdt_field *field;
    struct cht_bytes name;
    unsigned width; /* on a terminal; 0: the rest of the line */
};

struct listing {
    struct cli_context *c;
    size_t column_count;
    struct column columns[COLUMNS_MAX];
    bool begun;
    uint64_t rows;
};

/* What a row shows: its words, a deadline, its title. */
static void choose_columns(struct listing *l)
{
    const struct crdt_type_schema *schema = crdt_schema(l->c->type);
    const struct crdt_field *title = NULL;
    for (size_t i = 0; i < schema->count && l->column_count < COLUMNS_MAX - 1; i++) {
        const struct crdt_field *f = &schema->fields[i];
        if (strcmp(f->name, schema->title_field) == 0)
            title = f;
        else if (f->kind == CRDT_REGISTER && f->number <= WORD_FIELDS &&
                 (f->value == CRDT_V_ENUM || f->value == CRDT_V_WORD))
            l->columns[l->column_count++] = (struct column){ f, cht_bytes_str(f->name), 11 };
        else if (strcmp(f->name, "deadline") == 0)
            l->columns[l->column_count++] = (struct column){ f, cht_bytes_str(f->name), 16 };
    }
    l->columns[l->column_count++] = (struct column){ title, cht_bytes_str(schema->title_field), 0 };
}

/* --- printing ------------------------------------------------------------------------------ */

static void put_cell(struct cli_out *out, const struct column *column, struct cht_bytes value)
{
    if (!out->terminal) {
        cli_put_char(out, '\t');
        if (column->field->value == CRDT_V_TIME && node_mp_kind(value) == CRDT_MP_UINT) {
            char text[CRDT_RFC3339_MAX] = "";
            const uint64_t ms = crdt_mp_peek(value).u;
            if (ms <= CRDT_RFC3339_MS_MAX)
                crdt_rfc3339_text(ms, text);
            cli_put_text(out, text);
            return;
        }
        cli_put_value(out, column->field, value);
        return;
    }
    cli_put_text(out, "  ");
    if (column->width == 0) {
        cli_put_value(out, column->field, value);
        return;
    }
    const struct cht_bytes word = node_mp_str(value);
    const enum cli_style style = cli_word_style(word);
    if (style != CLI_PLAIN)
        cli_put_style(out, style);
    if (column->field->value == CRDT_V_TIME && value.len > 0)
        cli_put_when(out, value);
    else
        cli_put_cell(out, word, column->width);
    if (column->field->value == CRDT_V_TIME && value.len == 0)
        cli_put_text(out, "     ");
    if (style != CLI_PLAIN)
        cli_put_style(out, CLI_PLAIN);
}

/* The pairs of the map at the cursor. */
static uint64_t take_map(struct cht_wire *w)
{
    const struct crdt_mp head = crdt_mp_next(w);
    if (head.kind != CRDT_MP_MAP)
        cht_wire_fail(w, CHT_E_MALFORMED);
    return head.kind == CRDT_MP_MAP ? head.u : 0;
}

/* The id and the columns' values of the record at the cursor, in one walk. */
static void take_row(const struct listing *l, struct cht_wire *w, struct cht_bytes *out_id,
                     struct cht_bytes values[COLUMNS_MAX])
{
    const uint64_t pairs = take_map(w);
    for (uint64_t i = 0; i < pairs && w->err == CHT_OK; i++) {
        const struct cht_bytes name = crdt_mp_next(w).data;
        if (!cht_bytes_eq(name, cht_bytes("data", 4))) {
            const struct cht_bytes value = crdt_mp_pass(w);
            if (cht_bytes_eq(name, cht_bytes("chittyId", 8)))
                *out_id = node_mp_str(value);
            continue;
        }
        const uint64_t fields = take_map(w);
        for (uint64_t k = 0; k < fields && w->err == CHT_OK; k++) {
            const struct cht_bytes field = crdt_mp_next(w).data, value = crdt_mp_pass(w);
            for (size_t c = 0; c < l->column_count; c++) {
                if (cht_bytes_eq(field, l->columns[c].name))
                    values[c] = value;
            }
        }
    }
}

static void put_row(struct listing *l, struct cht_wire *w)
{
    struct cli_out *out = &l->c->out;
    struct cht_bytes values[COLUMNS_MAX] = { { 0 } }, id = { 0 };
    take_row(l, w, &id, values);
    if (out->terminal) {
        cli_put_style(out, CLI_DIM);
        cli_put_line(out, cli_short_id(id));
        cli_put_style(out, CLI_PLAIN);
    } else {
        cli_put_line(out, id);
    }
    for (size_t i = 0; i < l->column_count; i++)
        put_cell(out, &l->columns[i], values[i]);
    cli_put_char(out, '\n');
}

/* --json: one document; else each record is one. */
static void put_json(struct listing *l, struct cht_bytes record)
{
    struct cli_out *out = &l->c->out;
    if (l->c->format == CLI_JSON) {
        if (l->rows > 0)
            cli_put_char(out, ',');
        cli_json_record(out, record);
        return;
    }
    cli_json_begin(out, crdt_type_table(l->c->type));
    cli_json_record(out, record);
    cli_json_end(out);
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct listing *l = ctx;
    struct cli_out *out = &l->c->out;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT)
        return CHT_OK;
    if (l->c->format == CLI_JSON && !l->begun) {
        char kind[32] = "";
        (void)strncat(kind, crdt_type_table(l->c->type), 20);
        (void)strncat(kind, "-list", 6);
        cli_json_begin(out, kind);
        cli_put_char(out, '[');
    }
    l->begun = true;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    for (; it.left != 0 && it.at.err == CHT_OK; it.left--) {
        if (l->c->json)
            put_json(l, crdt_mp_pass(&it.at));
        else
            put_row(l, &it.at);
        l->rows++;
    }
    return it.at.err;
}

/* --- asking -------------------------------------------------------------------------------- */

/* Names to ask for: those of --fields, or without --json those of the columns. */
static enum cht_err put_fields(struct listing *l, const char *names, struct cht_buf *b)
{
    uint32_t count = 0;
    enum cht_err err = node_mp_put_text(b, "fields");
    if (names == NULL) {
        if (err == CHT_OK)
            err = crdt_mp_put_array(b, (uint32_t)l->column_count);
        for (size_t i = 0; err == CHT_OK && i < l->column_count; i++)
            err = node_mp_put_text(b, l->columns[i].field->name);
        return err;
    }
    for (const char *at = names; *at != '\0'; at += strcspn(at, ",") + (strchr(at, ',') != NULL))
        count++;
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, count);
    for (const char *at = names; err == CHT_OK && *at != '\0';) {
        const size_t len = strcspn(at, ",");
        err = crdt_mp_put_str(b, cht_bytes(at, len));
        at += len + (at[len] == ',' ? 1 : 0);
    }
    return err;
}

/* The fields among the names of --json=…: the node need not send others. */
static void chosen_fields(const struct cli_context *c, char *out, size_t size)
{
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    out[0] = '\0';
    for (size_t i = 0; i < schema->count; i++) {
        if (!cli_pick_has(c->picks, cht_bytes_str(schema->fields[i].name)))
            continue;
        (void)strncat(out, out[0] == '\0' ? "" : ",", size - strlen(out) - 1);
        (void)strncat(out, schema->fields[i].name, size - strlen(out) - 1);
    }
}

/* The rest of the payload after operation and domain. */
static enum cht_err put_rest(struct listing *l, bool open_only, uint64_t limit, struct cht_buf *b,
                             uint32_t *out_pairs)
{
    struct cli_context *c = l->c;
    const char *sort = cli_flag(c, "sort"), *fields = cli_flag(c, "fields");
    char chosen[1024];
    /* without `fields` a record has its version */
    if (fields == NULL && c->picks != NULL && !cli_pick_has(c->picks, cht_bytes_str("version"))) {
        chosen_fields(c, chosen, sizeof chosen);
        fields = chosen;
    } else if (fields == NULL && c->format == CLI_NAMES) {
        fields = "";
    }
    bool filtered = false;
    uint32_t pairs = 0;
    struct cht_buf filter;
    cht_buf_init(&filter, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_filter_put(c, open_only, &filtered, &filter);
    if (err == CHT_OK && filtered) {
        err = node_mp_put_key_raw(b, "filter", cht_buf_view(&filter));
        pairs++;
    }
    cht_buf_clear(&filter);
    if (err == CHT_OK && (fields != NULL || !c->json)) {
        err = put_fields(l, c->json ? fields : NULL, b);
        pairs++;
    }
    if (err == CHT_OK && sort != NULL) {
        err = node_mp_put_key_text(b, "sort", sort);
        pairs++;
    }
    if (err == CHT_OK && limit != 0) {
        err = node_mp_put_key_uint(b, "limit", limit);
        pairs++;
    }
    if (err == CHT_OK && cli_flag(c, "deleted") != NULL) {
        err = node_mp_put_key_bool(b, "deleted", true);
        pairs++;
    }
    *out_pairs = pairs;
    return err;
}

enum cht_err cli_list(struct cli_context *c, bool open_only)
{
    struct listing l = { .c = c };
    struct cli_request r = { 0 };
    struct cht_buf rest;
    uint64_t limit = 0;
    uint32_t pairs = 0;
    choose_columns(&l);
    cht_buf_init(&rest, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_flag_uint(c, "limit", 1, LIMIT_QUERY_ROWS, 0, &limit);
    if (err == CHT_OK)
        err = put_rest(&l, open_only && cli_flag(c, "all") == NULL, limit, &rest, &pairs);
    if (err == CHT_OK)
        err = cli_request_begin(c, NODE_MSG_QUERY, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 2 + pairs);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "domain", crdt_type_domain(c->type));
    if (err == CHT_OK)
        err = cht_buf_add(&r.message, cht_buf_view(&rest));
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, &l);
    if (err == CHT_OK && c->format == CLI_JSON) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    cht_buf_clear(&rest);
    cli_request_clear(&r);
    return cli_fail(c, err);
}
