/* Who asks, and where; see me.h. */
#include "cli/base/me.h"

#include "cli/base/request.h"
#include "node/client/mpmap.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void cli_user(char out[static CLI_ME_MAX])
{
    const char *name = getenv("CHITTY_USER");
    const struct passwd *entry = NULL;
    if (name == NULL || name[0] == '\0') {
        entry = getpwuid(getuid());
        name = entry == NULL ? getenv("LOGNAME") : entry->pw_name;
    }
    (void)snprintf(out, CLI_ME_MAX, "%s", name == NULL ? "" : name);
}

static enum cht_err take_device(void *ctx, const struct node_msg *answer)
{
    char *room = ctx;
    const struct cht_bytes id = node_mp_get_str(node_mp_get(answer->payload, "result"), "device");
    (void)snprintf(room, CLI_ME_MAX, "%.*s", (int)(id.len < 64 ? id.len : 0),
                   id.data == NULL ? "" : (const char *)id.data);
    return CHT_OK;
}

enum cht_err cli_me(struct cli_context *c, const char *text, char room[static CLI_ME_MAX],
                    const char **out)
{
    *out = text;
    if (strcmp(text, "@me") == 0) {
        cli_user(room);
        *out = room;
        return room[0] != '\0' ? CHT_OK
                               : node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                                                "@me: set CHITTY_USER to your name");
    }
    if (strcmp(text, "@here") != 0)
        return CHT_OK;
    struct cli_request r = { 0 };
    enum cht_err err = cli_plain_command(c, "status", &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, take_device, room);
    cli_request_clear(&r);
    *out = room;
    return err;
}
