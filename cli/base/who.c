/* Who did something; see who.h. */
#include "cli/base/who.h"

enum cht_err cli_who_open(struct cli_context *c, struct agent *a, struct cli_who *out)
{
    json_t *list = NULL, *record;
    size_t i;
    *out = (struct cli_who){ .sessions = json_object() };
    const enum cht_err err = cli_agent_fail(
        c, a,
        agent_query(a,
                    json_pack("{s:s, s:s, s:b, s:[s,s]}", "operation", "list", "domain", "sessions",
                              "deleted", 1, "fields", "title", "session_id"),
                    &list));
    json_array_foreach(list, i, record)
    {
        const char *id = bridge_json_str(record, "chittyId");
        const char *title = bridge_json_str(cli_data_of(record), "title");
        const char *key = bridge_json_str(cli_data_of(record), "session_id");
        if (id != NULL && (title != NULL || key != NULL))
            (void)json_object_set_new(out->sessions, id, json_string(title != NULL ? title : key));
    }
    json_decref(list);
    return err;
}

void cli_who_close(struct cli_who *who)
{
    json_decref(who->sessions);
    who->sessions = NULL;
}

const char *cli_who_name(const struct cli_who *who, const char *session)
{
    return session == NULL ? NULL : bridge_json_str(who->sessions, session);
}

json_t *cli_who_of(const struct cli_who *who, const json_t *written)
{
    json_t *out = json_object();
    const char *actor = bridge_json_str(written, "actor");
    if (actor != NULL && actor[0] != '\0') {
        cli_json_set_text(out, "actor", actor);
        cli_json_set_text(out, "name", cli_who_name(who, actor));
    }
    cli_json_set_text(out, "device", bridge_json_str(written, "device"));
    cli_json_set_text(out, "deviceName", bridge_json_str(written, "deviceName"));
    return out;
}

json_t *cli_who_holds(const json_t *claim)
{
    json_t *out = json_object();
    cli_json_set_text(out, "actor", bridge_json_str(claim, "holder"));
    cli_json_set_text(out, "name", bridge_json_str(claim, "holderName"));
    cli_json_set_text(out, "device", bridge_json_str(claim, "device"));
    cli_json_set_text(out, "deviceName", bridge_json_str(claim, "deviceName"));
    return out;
}

enum cht_err cli_who_wrote(struct cli_context *c, struct agent *a, const struct cli_who *who,
                           const char *id, const char *field, json_t **out)
{
    json_t *records = NULL, *cell, *value;
    size_t i, k;
    const enum cht_err err = cli_agent_fail(
        c, a,
        agent_query(a, json_pack("{s:s, s:{s:s}}", "operation", "show", "entity", "chittyId", id),
                    &records));
    *out = NULL;
    json_array_foreach(json_object_get(json_array_get(records, 0), "cells"), i, cell)
    {
        const char *name = bridge_json_str(cell, "field");
        if (name == NULL || strcmp(name, field) != 0)
            continue;
        json_array_foreach(json_object_get(cell, "values"), k, value)
        {
            if (*out == NULL && json_is_true(json_object_get(value, "shown")))
                *out = cli_who_of(who, value);
        }
    }
    json_decref(records);
    return err;
}

void cli_put_who(struct cli_out *out, const json_t *tree)
{
    const char *actor = bridge_json_str(tree, "actor"), *name = bridge_json_str(tree, "name");
    const char *device = bridge_json_str(tree, "deviceName");
    const struct agent_short brief = agent_short(actor == NULL ? "" : actor);
    if (name == NULL && brief.text[0] != '\0')
        name = brief.text;
    cli_put_line_of(out, name);
    if (device != NULL) {
        cli_put_text(out, name == NULL ? "on " : " on ");
        cli_put_line_of(out, device);
    }
}
