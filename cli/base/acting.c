/* On whose behalf a command acts; see acting.h (LOCAL 8.1). */
#include "cli/base/acting.h"

#include "cli/base/actor.h"
#include "cli/base/me.h"
#include "cli/base/request.h"
#include "node/client/mpmap.h"

#include <stdio.h>

static enum cht_err take_name(void *ctx, const struct node_msg *answer)
{
    char *room = ctx;
    const struct cht_bytes name =
        node_mp_get_str(node_mp_get(answer->payload, "result"), "deviceName");
    (void)snprintf(room, LIMIT_NAME_BYTES + 1, "%.*s", (int)name.len,
                   name.data == NULL ? "" : (const char *)name.data);
    return CHT_OK;
}

static enum cht_err person(struct cli_context *c, char out[static CLI_ACTING_MAX])
{
    char user[CLI_ME_MAX], device[LIMIT_NAME_BYTES + 1] = "";
    struct cli_request r = { 0 };
    cli_user(user);
    enum cht_err err = cli_plain_command(c, "status", &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, take_name, device);
    cli_request_clear(&r);
    (void)snprintf(out, CLI_ACTING_MAX, "%.60s@%s", user, device);
    return err;
}

enum cht_err cli_acting(struct cli_context *c, char out[static CLI_ACTING_MAX])
{
    char room[CRDT_ID_TEXT_MAX];
    const char *who = cli_flag(c, "session");
    if (who == NULL)
        who = cli_actor(room);
    if (who == NULL)
        return person(c, out);
    (void)snprintf(out, CLI_ACTING_MAX, "%s", who);
    return CHT_OK;
}
