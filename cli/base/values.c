/* Live values with who wrote them, and records of history as JSON. */
#include "cli/base/values.h"

#include "cli/base/json.h"
#include "cli/base/record.h"

#define DEPTH_MAX 4u /* record, cells, a cell, values */

void cli_put_values(struct cli_out *out, const struct crdt_field *field, struct cht_bytes values,
                    struct cht_bytes titles)
{
    const bool several = node_mp_count(values) > 1;
    struct node_mp_iter it = node_mp_iter(values);
    struct cht_bytes one;
    unsigned n = 0;
    while (node_mp_next(&it, NULL, &one)) {
        const bool shown = node_mp_get_bool(one, "shown");
        n++;
        if (several)
            cli_printf(out, "  %c %u) ", shown ? '*' : ' ', n);
        else
            cli_put_text(out, "  ");
        if (shown && several)
            cli_put_style(out, CLI_BOLD);
        if (field != NULL && field->kind == CRDT_SET)
            cli_put_text(out, "added"); /* that it is there is all there is */
        else if (field != NULL && field->value == CRDT_V_ID)
            cli_put_link(out, node_mp_get(one, "value"), titles);
        else
            cli_put_value(out, field, node_mp_get(one, "value"));
        if (shown && several)
            cli_put_style(out, CLI_PLAIN);
        cli_put_style(out, CLI_DIM);
        cli_put_text(out, "  (");
        cli_put_when(out, node_mp_get(one, "stamp"));
        struct cht_bytes who = node_mp_get_str(one, "deviceName");
        if (who.len == 0)
            who = node_mp_get_str(one, "device");
        cli_put_text(out, ", ");
        cli_put_line(out, who);
        cli_put_char(out, ')');
        cli_put_style(out, CLI_PLAIN);
        cli_put_char(out, '\n');
    }
}

static bool is_time(const struct crdt_field *field, struct cht_bytes name, struct cht_bytes value)
{
    if (node_mp_kind(value) != CRDT_MP_UINT)
        return false;
    return cht_bytes_eq(name, cht_bytes_str("stamp")) ||
           (field != NULL && field->value == CRDT_V_TIME &&
            cht_bytes_eq(name, cht_bytes_str("value")));
}

static void put_history(struct cli_out *out, unsigned type, const struct crdt_field *field,
                        struct cht_bytes object, unsigned depth);

static bool holds_history(struct cht_bytes name)
{
    static const char *const names[] = { "values", "cells", "ops" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cht_bytes_eq(name, cht_bytes_str(names[i])))
            return true;
    }
    return false;
}

static void put_array(struct cli_out *out, unsigned type, const struct crdt_field *field,
                      struct cht_bytes array, unsigned depth)
{
    struct node_mp_iter it = node_mp_iter(array);
    struct cht_bytes one;
    const char *between = "";
    cli_put_char(out, '[');
    while (node_mp_next(&it, NULL, &one)) {
        cli_put_text(out, between);
        put_history(out, type, field, one, depth + 1);
        between = ",";
    }
    cli_put_char(out, ']');
}

static void put_history(struct cli_out *out, unsigned type, const struct crdt_field *field,
                        struct cht_bytes object, unsigned depth)
{
    const struct cht_bytes own = node_mp_get_str(object, "field");
    struct node_mp_iter it = node_mp_iter(object);
    struct cht_bytes key, value;
    const char *between = "";
    if (!it.is_map || depth > DEPTH_MAX) {
        cli_json_value(out, object);
        return;
    }
    if (own.len > 0 && type != 0)
        field = crdt_field_named(type, own);
    cli_put_char(out, '{');
    while (node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        cli_put_text(out, between);
        between = ",";
        cli_json_text(out, name);
        cli_put_char(out, ':');
        if (is_time(field, name, value))
            cli_json_time(out, crdt_mp_peek(value).u);
        else if (holds_history(name) && node_mp_kind(value) == CRDT_MP_ARRAY)
            put_array(out, type, field, value, depth);
        else
            cli_json_value(out, value);
    }
    cli_put_char(out, '}');
}

void cli_json_history(struct cli_out *out, struct cht_bytes record)
{
    put_history(out, cli_record_type(record), NULL, record, 0);
}
