/* Records of history, printed as they come. */
#include "cli/base/stream.h"

#include "cli/base/json.h"
#include "cli/base/kinds.h"
#include "cli/base/request.h"
#include "cli/base/values.h"

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_stream *s = ctx;
    struct cli_out *out = &s->c->out;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT)
        return CHT_OK;
    while (node_mp_next(&it, NULL, &record)) {
        if (s->c->json && s->c->format != CLI_JSON) {
            struct cli_kind_room room;
            unsigned type;
            cli_json_begin(out, cli_kind_named(s->kind, &room, &type)->item);
            cli_json_history(out, record);
            cli_json_end(out);
        } else if (s->c->json) {
            if (s->count == 0) {
                cli_json_begin(out, s->kind);
                cli_put_char(out, '[');
            } else {
                cli_put_char(out, ',');
            }
            cli_json_history(out, record);
        } else {
            s->put(out, record);
        }
        s->count++;
    }
    return CHT_OK;
}

enum cht_err cli_stream_ask(struct cli_stream *s, const struct cli_request *r)
{
    enum cht_err err = cli_ask(s->c, CLI_REACH_HOME, r, true, each, s);
    if (err == CHT_OK && s->c->format == CLI_JSON) {
        if (s->count == 0) {
            cli_json_begin(&s->c->out, s->kind);
            cli_put_char(&s->c->out, '[');
        }
        cli_put_char(&s->c->out, ']');
        cli_json_end(&s->c->out);
    }
    return cli_fail(s->c, err);
}

enum cht_err cli_stream(struct cli_stream *s, const char *operation, const char *id, uint64_t limit)
{
    struct cli_request r;
    enum cht_err err = s->titled ? cli_query_titled(s->c, operation, id, limit, &r)
                                 : cli_query(s->c, operation, id, limit, &r);
    if (err == CHT_OK)
        err = cli_stream_ask(s, &r);
    cli_request_clear(&r);
    return cli_fail(s->c, err);
}
