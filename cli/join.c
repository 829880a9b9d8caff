/* chitty-node join */
#include "cli/base/request.h"
#include "cli/base/result.h"
#include "cli/commands.h"

#include <stdio.h>

#define INVITATION_MAX 1200u /* longer than any ticket */

static void put_name(struct cli_out *out, const char *name, struct cht_bytes value)
{
    cli_printf(out, "%-15s", name);
    cli_put_line(out, value);
    cli_put_char(out, '\n');
}

static void put_joined(struct cli_out *out, struct cht_bytes result)
{
    put_name(out, "space:", node_mp_get_str(result, "space"));
    put_name(out, "device:", node_mp_get_str(result, "device"));
    put_name(out, "peer:", node_mp_get_str(result, "peer"));
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes progress = node_mp_get(answer->payload, "progress");
    if (answer->type == NODE_MSG_EVENT && !c->json &&
        cht_bytes_eq(node_mp_get_str(progress, "stage"), cht_bytes_str("words")))
        cli_put_words(&c->out, progress);
    else if (answer->type == NODE_MSG_EVENT)
        cli_put_progress(answer);
    else if (answer->type == NODE_MSG_ACK && c->json)
        cli_put_result(c, "join", answer);
    else if (answer->type == NODE_MSG_ACK)
        put_joined(&c->out, node_mp_get(answer->payload, "result"));
    return cli_out_flush(&c->out); /* the words are seen while the other side waits */
}

/* A code may be typed in several words: "4812 0935 7662". */
static enum cht_err read_invitation(struct cli_context *c, char out[static INVITATION_MAX])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < c->arg_count; i++) {
        int put = snprintf(out + len, INVITATION_MAX - len, "%s%s", i == 0 ? "" : " ", c->args[i]);
        len += put < 0 ? INVITATION_MAX : (size_t)put;
        if (len >= INVITATION_MAX)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("ticket"),
                                  "this is too long for a ticket or a code");
    }
    return CHT_OK;
}

static enum cht_err put_args(struct cli_context *c, struct cht_buf *b)
{
    char text[INVITATION_MAX];
    const char *at = cli_flag(c, "at");
    const char *mode = cli_flag(c, "bring") != NULL       ? "bring"
                       : cli_flag(c, "keep-both") != NULL ? "keep-both"
                                                          : NULL;
    enum cht_err err = read_invitation(c, text);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1 + (at != NULL ? 1u : 0u) + (mode != NULL ? 1u : 0u));
    if (err == CHT_OK) /* a ticket begins with a letter */
        err = node_mp_put_key_text(b, text[0] >= '0' && text[0] <= '9' ? "code" : "ticket", text);
    if (err == CHT_OK && at != NULL)
        err = node_mp_put_key_text(b, "at", at);
    if (err == CHT_OK && mode != NULL)
        err = node_mp_put_key_text(b, "mode", mode);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r;
    if (cli_flag(c, "bring") != NULL && cli_flag(c, "keep-both") != NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "--bring and --keep-both exclude each other");
    enum cht_err err = cli_command_args(c, "join", &r);
    if (err == CHT_OK)
        err = put_args(c, &r.message);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "at", "HOST:PORT", "where the inviting machine is, if it is not found" },
    { "bring", NULL, "bring what is here along into the other space" },
    { "keep-both", NULL, "keep what is here as a space of its own" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_join = {
    .name = "join",
    .summary = "Join the space of the device that shows the code, or gave the ticket.",
    .arguments = "CODE|TICKET",
    .details = "A code is sent to one listener only: where two machines announce it, "
               "join stops and asks for `--at`; and one that was sent once is not sent "
               "again.\n"
               "\n"
               "A home without changes of its own is replaced; with some, it asks for "
               "`--bring`, which takes what is here along into the other space under the"
               " same ids, or `--keep-both`.",
    .group = CLI_DEVICES,
    .kind = "join",
    .examples = "chitty-node join 4812-0935-7662\n"
                "chitty-node join chitty1-… --bring --at desktop.local:7400",
    .args_min = 1,
    .args_max = 3,
    .flags = flags,
    .run = run,
};
