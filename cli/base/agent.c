/* Commands by way of bridges/agent; see agent.h. */
#include "cli/base/agent.h"

#include "cli/base/json.h"
#include "cli/base/record.h"
#include "crdt/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>

enum cht_err cli_agent_open(struct cli_context *c, struct agent **out)
{
    const struct agent_options options = { .program = "cli" };
    return agent_open(&options, &c->fault, out);
}

enum cht_err cli_agent_fail(struct cli_context *c, const struct agent *a, enum cht_err err)
{
    if (err != CHT_OK)
        c->fault = *agent_fault(a);
    return err;
}

enum cht_err cli_agent_memory(struct cli_context *c, enum cht_err err)
{
    return err != CHT_OK ? err : node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
}

/* --- documents ----------------------------------------------------------------------------- */

static int put_piece(const char *text, size_t len, void *ctx)
{
    cli_put(ctx, cht_bytes(text, len));
    return 0;
}

void cli_json_tree(struct cli_context *c, const char *kind, json_t *data)
{
    cli_json_begin(&c->out, kind);
    (void)json_dump_callback(data, put_piece, &c->out, JSON_COMPACT | JSON_ENCODE_ANY);
    cli_json_end(&c->out);
    json_decref(data);
}

json_t *cli_json_when(json_int_t ms)
{
    char text[CRDT_RFC3339_MAX];
    if (ms <= 0 || (uint64_t)ms > CRDT_RFC3339_MS_MAX)
        return json_null();
    crdt_rfc3339_text((uint64_t)ms, text);
    return json_string(text);
}

void cli_json_set_when(json_t *object, const char *key, json_int_t ms)
{
    if (ms > 0)
        (void)json_object_set_new(object, key, cli_json_when(ms));
}

void cli_json_set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        (void)json_object_set_new(object, key, json_string(text));
}

/* --- for people ---------------------------------------------------------------------------- */

void cli_put_line_of(struct cli_out *out, const char *text)
{
    if (text != NULL)
        cli_put_line(out, cht_bytes_str(text));
}

void cli_put_cell_of(struct cli_out *out, const char *text, size_t width)
{
    cli_put_cell(out, cht_bytes_str(text == NULL ? "" : text), width);
}

void cli_put_ago(struct cli_out *out, uint64_t now_ms, json_int_t ms)
{
    static const struct {
        uint64_t ms;
        const char *word;
    } units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "min" }, { 1000, "s" } };
    if (ms <= 0)
        return;
    const uint64_t quiet = (uint64_t)ms > now_ms ? 0 : now_ms - (uint64_t)ms;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (quiet >= units[i].ms) {
            cli_printf(out, "%llu %s ago", (unsigned long long)(quiet / units[i].ms),
                       units[i].word);
            return;
        }
    }
    cli_put_text(out, "now");
}

/* --- records ------------------------------------------------------------------------------- */

json_t *cli_data_of(const json_t *record)
{
    return json_object_get(record, "data");
}

const char *cli_link_title(const json_t *record, const char *field, struct agent_short *room)
{
    const char *title = bridge_json_str(json_object_get(record, "titles"), field);
    const char *id = bridge_json_str(cli_data_of(record), field);
    if (title != NULL || id == NULL)
        return title;
    *room = agent_short(id);
    return room->text;
}

json_t *cli_where(const char *field, const char *op, json_t *value)
{
    return json_pack("{s:s, s:s, s:o*}", "field", field, "op", op, "value", value);
}

enum cht_err cli_list_of(struct cli_context *c, struct agent *a, const char *domain, json_t *where,
                         const char *sort, unsigned limit, json_t **out)
{
    json_t *payload = json_pack("{s:s, s:s, s:b, s:o*, s:s*}", "operation", "list", "domain",
                                domain, "titles", 1, "where", where, "sort", sort);
    if (payload != NULL && limit != 0)
        (void)json_object_set_new(payload, "limit", json_integer((json_int_t)limit));
    return cli_agent_fail(c, a, agent_query(a, payload, out));
}

enum cht_err cli_get_of(struct cli_context *c, struct agent *a, const char *domain, const char *id,
                        json_t **out)
{
    json_t *records = NULL;
    const enum cht_err err =
        agent_query(a,
                    json_pack("{s:s, s:s*, s:{s:s}, s:b}", "operation", "get", "domain", domain,
                              "entity", "chittyId", id, "titles", 1),
                    &records);
    if (err == CHT_OK)
        *out = json_incref(json_array_get(records, 0));
    json_decref(records);
    return cli_agent_fail(c, a, err);
}

static enum cht_err project_here(struct cli_context *c, struct agent *a,
                                 char out[static CRDT_ID_TEXT_MAX])
{
    struct agent_place *place = malloc(sizeof *place);
    enum cht_err err = place == NULL ? node_fault_from(&c->fault, CHT_E_NOMEM, NULL) : CHT_OK;
    if (err == CHT_OK)
        err = cli_agent_fail(c, a, agent_project_find(a, NULL, false, 4000, place));
    if (err == CHT_OK)
        (void)snprintf(out, CRDT_ID_TEXT_MAX, "%s", place->project);
    free(place);
    if (err == CHT_E_NOTFOUND || err == CHT_E_TIMEOUT || err == CHT_E_INVALID) {
        c->fault = (struct node_fault){ 0 }; /* no project, then */
        err = CHT_OK;
    }
    return err;
}

enum cht_err cli_project_meant(struct cli_context *c, struct agent *a, bool here,
                               char out[static CRDT_ID_TEXT_MAX])
{
    const char *named = cli_flag(c, "project");
    json_t *record = NULL;
    out[0] = '\0';
    if (named == NULL)
        return here ? project_here(c, a, out) : CHT_OK;
    const enum cht_err err = cli_get_of(c, a, "projects", named, &record);
    if (err == CHT_OK)
        (void)snprintf(out, CRDT_ID_TEXT_MAX, "%s", bridge_json_str(record, "chittyId"));
    json_decref(record);
    return err;
}
