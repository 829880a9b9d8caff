/* On whose behalf; see actor.h. */
#include "cli/base/actor.h"

#include "crdt/mp.h"
#include "crdt/natural.h"

#include <stdio.h>
#include <stdlib.h>

static const char *set_to(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

const char *cli_actor(char room[static CRDT_ID_TEXT_MAX])
{
    struct crdt_id id;
    char key[512];
    const char *session = set_to("CHITTY_SESSION");
    const char *actor = set_to("CHITTY_ACTOR");
    if (session == NULL)
        session = set_to("CLAUDE_CODE_SESSION_ID");
    if (actor != NULL || session == NULL)
        return actor;
    if (crdt_id_parse(cht_bytes_str(session), &id) == CHT_OK && id.type == CRDT_SESSION)
        return session;
    const int len = snprintf(key, sizeof key, "claude-code\n%s", session);
    if (len < 0 || (size_t)len >= sizeof key || !crdt_utf8_valid(cht_bytes_str(key)))
        return NULL;
    crdt_natural_id(CRDT_SESSION, cht_bytes_str("session"), cht_bytes_str(key), &id);
    crdt_id_text(&id, room);
    return room;
}
