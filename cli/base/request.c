/* Requests of the commands. */
#include "cli/base/request.h"

#include "cli/base/actor.h"
#include "crdt/limits.h"

enum cht_err cli_fail(struct cli_context *c, enum cht_err err)
{
    if (err != CHT_OK && c->fault.error.code != err)
        (void)node_fault_from(&c->fault, err, NULL);
    return err;
}

enum cht_err cli_request_begin(struct cli_context *c, enum node_msg_type type,
                               struct cli_request *out)
{
    char room[CRDT_ID_TEXT_MAX];
    const char *actor = cli_actor(room);
    *out = (struct cli_request){ 0 };
    cht_buf_init(&out->message, LIMIT_CLIENT_BYTES);
    return cli_fail(c, node_request_begin("cli", actor, type, &out->message, out->id));
}

void cli_request_clear(struct cli_request *r)
{
    cht_buf_clear(&r->message);
}

enum cht_err cli_put_entity(struct cli_request *r, const char *id)
{
    enum cht_err err = node_mp_put_text(&r->message, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r->message, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r->message, "chittyId", id);
    return err;
}

static enum cht_err query(struct cli_context *c, const char *operation, const char *id,
                          uint64_t limit, bool titles, struct cli_request *out)
{
    struct cht_buf *b = &out->message;
    enum cht_err err = cli_request_begin(c, NODE_MSG_QUERY, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1 + (c->type != 0 ? 1u : 0u) + (id != NULL ? 1u : 0u) +
                                     (limit != 0 ? 1u : 0u) + titles);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", operation);
    if (err == CHT_OK && c->type != 0)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(c->type));
    if (err == CHT_OK && id != NULL)
        err = cli_put_entity(out, id);
    if (err == CHT_OK && limit != 0)
        err = node_mp_put_key_uint(b, "limit", limit);
    if (err == CHT_OK && titles)
        err = node_mp_put_key_bool(b, "titles", true);
    return cli_fail(c, err);
}

enum cht_err cli_query(struct cli_context *c, const char *operation, const char *id, uint64_t limit,
                       struct cli_request *out)
{
    return query(c, operation, id, limit, false, out);
}

enum cht_err cli_query_titled(struct cli_context *c, const char *operation, const char *id,
                              uint64_t limit, struct cli_request *out)
{
    return query(c, operation, id, limit, !c->json, out);
}

enum cht_err cli_command_args(struct cli_context *c, const char *name, struct cli_request *out)
{
    enum cht_err err = cli_request_begin(c, NODE_MSG_COMMAND, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out->message, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out->message, "name", name);
    return err == CHT_OK ? node_mp_put_text(&out->message, "args") : err;
}

enum cht_err cli_command_begin(struct cli_context *c, const char *name, uint32_t args,
                               struct cli_request *out)
{
    enum cht_err err = cli_command_args(c, name, out);
    return err == CHT_OK ? crdt_mp_put_map(&out->message, args) : err;
}

enum cht_err cli_plain_command(struct cli_context *c, const char *name, struct cli_request *out)
{
    enum cht_err err = cli_request_begin(c, NODE_MSG_COMMAND, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out->message, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out->message, "name", name);
    return cli_fail(c, err);
}

enum cht_err cli_ask(struct cli_context *c, enum cli_reach reach, const struct cli_request *r,
                     bool repeatable, node_answer_fn each, void *ctx)
{
    enum cht_err err = cli_open(c, reach);
    if (err == CHT_OK)
        err = c->backend.call(&c->backend, cht_buf_view(&r->message), repeatable, each, ctx,
                              &c->fault);
    return err;
}
