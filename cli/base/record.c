/* Values and records for people. */
#include "cli/base/record.h"

#include "cli/base/dates.h"
#include "cli/base/json.h"
#include "cli/base/origins.h"
#include "crdt/rfc3339.h"

#include <stdio.h>

#define NAME_WIDTH 14u

struct cht_bytes cli_short_id(struct cht_bytes id)
{
    return crdt_id_short(id);
}

unsigned cli_record_type(struct cht_bytes record)
{
    struct crdt_id id;
    return crdt_id_parse(node_mp_get_str(record, "chittyId"), &id) == CHT_OK ? id.type : 0;
}

enum cli_style cli_word_style(struct cht_bytes word)
{
    static const struct {
        const char *word;
        enum cli_style style;
    } styles[] = {
        { "in_progress", CLI_BLUE }, { "active", CLI_BLUE },    { "blocked", CLI_YELLOW },
        { "paused", CLI_YELLOW },    { "on-hold", CLI_YELLOW }, { "completed", CLI_GREEN },
        { "cancelled", CLI_DIM },    { "closed", CLI_DIM },     { "archived", CLI_DIM },
        { "ended", CLI_DIM },        { "crashed", CLI_RED },    { "critical", CLI_RED },
        { "high", CLI_YELLOW },
    };
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
        if (cht_bytes_eq(word, cht_bytes_str(styles[i].word)))
            return styles[i].style;
    }
    return CLI_PLAIN;
}

void cli_put_when(struct cli_out *out, struct cht_bytes ms)
{
    char text[CLI_DATE_MAX] = "-";
    if (node_mp_kind(ms) == CRDT_MP_UINT)
        cli_date_local(crdt_mp_peek(ms).u, text);
    cli_put_text(out, text);
}

/* Some maps go by moments: for people they are local ones. */
static void put_key(struct cli_out *out, struct cht_bytes key)
{
    char text[CLI_DATE_MAX];
    uint64_t ms;
    if (crdt_rfc3339_parse(key, &ms) == CHT_OK) {
        cli_date_local(ms, text);
        cli_put_text(out, text);
    } else {
        cli_put_line(out, key);
    }
}

void cli_put_value(struct cli_out *out, const struct crdt_field *field, struct cht_bytes value)
{
    const enum crdt_mp_kind kind = node_mp_kind(value);
    if (value.len == 0)
        return;
    if (field != NULL && field->value == CRDT_V_TIME && kind == CRDT_MP_UINT) {
        cli_put_when(out, value);
    } else if (kind == CRDT_MP_STR) {
        cli_put_line(out, node_mp_str(value));
    } else if (field != NULL && (field->kind == CRDT_SET || field->kind == CRDT_MAP) &&
               (kind == CRDT_MP_ARRAY || kind == CRDT_MP_MAP)) {
        struct node_mp_iter it = node_mp_iter(value);
        struct cht_bytes key, one;
        const char *between = "";
        while (node_mp_next(&it, &key, &one)) {
            cli_put_text(out, between);
            between = ", ";
            if (it.is_map) {
                put_key(out, node_mp_str(key));
                cli_put_char(out, '=');
            }
            cli_put_value(out, NULL, one);
        }
    } else {
        cli_json_value(out, value);
    }
}

static void put_titled(struct cli_out *out, struct cht_bytes id, struct cht_bytes title)
{
    if (title.len == 0) {
        cli_put_value(out, NULL, id);
        return;
    }
    cli_put_line(out, title);
    cli_put_style(out, CLI_DIM);
    cli_put_text(out, " (");
    cli_put_line(out, cli_short_id(node_mp_str(id)));
    cli_put_char(out, ')');
    cli_put_style(out, CLI_PLAIN);
}

static struct cht_bytes title_under(struct cht_bytes titles, struct cht_bytes key)
{
    struct node_mp_iter it = node_mp_iter(titles);
    struct cht_bytes name, title;
    while (it.is_map && node_mp_next(&it, &name, &title)) {
        if (cht_bytes_eq(name, key))
            return title;
    }
    return cht_bytes(NULL, 0);
}

void cli_put_link(struct cli_out *out, struct cht_bytes id, struct cht_bytes titles)
{
    put_titled(out, id, node_mp_str(title_under(titles, id)));
}

/* Links of a set, a line each. */
static void put_links(struct cli_out *out, struct cht_bytes ids, struct cht_bytes titles)
{
    struct node_mp_iter it = node_mp_iter(ids);
    struct cht_bytes id;
    for (bool first = true; node_mp_next(&it, NULL, &id); first = false) {
        if (!first)
            cli_printf(out, "\n%*s", (int)NAME_WIDTH + 1, "");
        cli_put_link(out, id, titles);
    }
}

void cli_put_name(struct cli_out *out, struct cht_bytes name)
{
    cli_put_style(out, CLI_BOLD);
    cli_put_line(out, name);
    cli_put_style(out, CLI_PLAIN);
    cli_put_char(out, ':');
    for (size_t used = cli_text_width(name) + 1; used < NAME_WIDTH; used++)
        cli_put_char(out, ' ');
    cli_put_char(out, ' ');
}

/* A document, each of its lines set in. */
static void put_document(struct cli_out *out, struct cht_bytes text)
{
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        cli_put_text(out, "\n    ");
        cli_put_line(out, cht_bytes(text.data, len));
        const size_t used = len + (end == NULL ? 0 : 1);
        text = cht_bytes(text.data + used, text.len - used);
    }
    cli_put_char(out, '\n');
}

void cli_put_merged(struct cli_out *out, struct cht_bytes record)
{
    const struct cht_bytes alias = node_mp_get_str(record, "alias");
    const struct cht_bytes origins = node_mp_get(record, "origins");
    if (alias.len == 0 && origins.len == 0)
        return;
    cli_put_name(out, cht_bytes_str("merged"));
    cli_put_origins(out, origins);
    if (alias.len != 0) {
        cli_put_text(out, origins.len != 0 ? "; " : "");
        cli_put_line(out, cli_short_id(alias));
        cli_put_text(out, " means this one");
    }
    cli_put_char(out, '\n');
}

void cli_put_record(struct cli_out *out, struct cht_bytes record)
{
    const unsigned type = cli_record_type(record);
    cli_put_name(out, cht_bytes_str("id"));
    cli_put_line(out, node_mp_get_str(record, "chittyId"));
    cli_put_char(out, '\n');
    if (node_mp_get_bool(record, "deleted")) {
        cli_put_name(out, cht_bytes_str("deleted"));
        cli_put_text(out, "yes\n");
    }
    cli_put_merged(out, record);
    struct node_mp_iter it = node_mp_iter(node_mp_get(record, "data"));
    struct cht_bytes key, value;
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        const struct crdt_field *field = type == 0 ? NULL : crdt_field_named(type, name);
        cli_put_name(out, name);
        if (field != NULL && field->kind == CRDT_TEXT && node_mp_kind(value) == CRDT_MP_STR) {
            put_document(out, node_mp_str(value));
            continue;
        }
        if (field != NULL && field->value == CRDT_V_ID) {
            const struct cht_bytes title = title_under(node_mp_get(record, "titles"), key);
            if (field->kind == CRDT_SET)
                put_links(out, value, title);
            else
                put_titled(out, value, node_mp_str(title));
            cli_put_char(out, '\n');
            continue;
        }
        const enum cli_style style = cli_word_style(node_mp_str(value));
        if (style != CLI_PLAIN)
            cli_put_style(out, style);
        cli_put_value(out, field, value);
        if (style != CLI_PLAIN)
            cli_put_style(out, CLI_PLAIN);
        cli_put_char(out, '\n');
    }
    const uint64_t conflicts = node_mp_get_uint(record, "conflicts", 0);
    if (conflicts > 0) {
        cli_put_style(out, CLI_YELLOW);
        cli_printf(out, "%llu field%s with concurrent values: see `show` and `resolve`\n",
                   (unsigned long long)conflicts, conflicts == 1 ? "" : "s");
        cli_put_style(out, CLI_PLAIN);
    }
}

void cli_put_document(struct cli_context *c, struct cht_bytes record)
{
    if (!c->json) {
        cli_put_record(&c->out, record);
        return;
    }
    cli_json_begin(&c->out, crdt_type_table(c->type));
    cli_json_record(&c->out, record);
    cli_json_end(&c->out);
}
