/* The session's record: start, end, a sign of life, the files that it edited. */
#include "bridges/claude/hook_own.h"
#include "crdt/limits.h"

#include <stdlib.h>

/* What a payload tells about its session. */
static enum cht_err ensure(struct hook *h, bool begins)
{
    const struct hook_payload *p = h->payload;
    const char *title = hook_id_at(p->root, "session_title");
    const char *model = hook_id_at(p->root, "model");
    const struct agent_facts facts = {
        .begins = begins,
        .cwd = p->cwd[0] == '\0' ? NULL : p->cwd,
        .model = model[0] == '\0' ? NULL : model,
        .title = title[0] == '\0' ? NULL : title,
        .project_ms = begins ? 2500 : 800,
    };
    return agent_session_ensure(h->agent, &facts);
}

enum cht_err hook_known(struct hook *h)
{
    return ensure(h, false);
}

enum cht_err hook_session_start(struct hook *h)
{
    return ensure(h, true);
}

enum cht_err hook_prompt(struct hook *h)
{
    return ensure(h, true);
}

enum cht_err hook_session_end(struct hook *h)
{
    const enum cht_err err = agent_session_end(h->agent, "ended");
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

/* Whatever a session asks as an actor is a sign of its life (LOCAL 8.5), and `last_active` is kept
 * by looking at the record. */
enum cht_err hook_stop(struct hook *h)
{
    return hook_known(h);
}

enum cht_err hook_activity(struct hook *h)
{
    const enum cht_err err = hook_known(h);
    return err == CHT_OK ? hook_edited(h) : err;
}
