/* Requests and answers as trees of JSON; see tree.h. */
#include "cli/base/tree.h"

#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "crdt/limits.h"

#include <stdlib.h>

#define DEPTH 16u

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    json_t **out = ctx;
    const bool records = answer->type == NODE_MSG_STATE_SNAPSHOT;
    if (!records && answer->type != NODE_MSG_ACK)
        return CHT_OK;
    json_t *got = bridge_json_new(node_mp_get(answer->payload, records ? "records" : "result"));
    if (got == NULL)
        return CHT_E_NOMEM;
    if (*out == NULL) {
        *out = got;
        return CHT_OK;
    }
    const int failed = json_array_extend(*out, got);
    json_decref(got);
    return failed ? CHT_E_NOMEM : CHT_OK;
}

enum cht_err cli_tree_ask(struct cli_context *c, enum node_msg_type type, json_t *payload,
                          json_t **out)
{
    struct cli_request r;
    json_t *got = NULL;
    enum cht_err err = cli_request_begin(c, type, &r);
    if (err == CHT_OK)
        err = payload == NULL ? CHT_E_NOMEM : bridge_json_put(payload, DEPTH, &r.message);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, &got);
    cli_request_clear(&r);
    json_decref(payload);
    if (err == CHT_OK)
        *out = got == NULL ? json_array() : got;
    else
        json_decref(got);
    return cli_fail(c, err);
}

enum cht_err cli_tree_command(struct cli_context *c, const char *name, json_t *args, json_t **out)
{
    return cli_tree_ask(c, NODE_MSG_COMMAND,
                        args == NULL ? json_pack("{s:s}", "name", name)
                                     : json_pack("{s:s,s:o}", "name", name, "args", args),
                        out);
}

const char *cli_tree_text(const json_t *object, const char *key)
{
    const char *text = bridge_json_str(object, key);
    return text == NULL ? "" : text;
}

void cli_tree_document(struct cli_context *c, const char *kind, json_t *data)
{
    char *text = data == NULL ? NULL : json_dumps(data, JSON_COMPACT);
    cli_json_begin(&c->out, kind);
    cli_put_text(&c->out, text == NULL ? "null" : text);
    cli_json_end(&c->out);
    free(text);
    json_decref(data);
}

void cli_tree_line(struct cli_out *out, const char *text)
{
    cli_put_line(out, cht_bytes_str(text));
}

void cli_tree_id(struct cli_out *out, const char *id)
{
    cli_put_line(out, cli_short_id(cht_bytes_str(id)));
}
