/* The session's record: start, end, a sign of life, the files that it edited. */
#include "bridges/claude/hook_own.h"
#include "crdt/limits.h"

#include <stdlib.h>

/* What a payload tells about its session. */
static enum cht_err ensure(struct hook *h, bool begins)
{
    const struct hook_payload *p = h->payload;
    const char *moved = hook_id_at(p->root, "new_cwd"); /* of CwdChanged */
    const char *title = hook_id_at(p->root, "session_title");
    const char *model = hook_id_at(p->root, "model");
    const struct agent_facts facts = {
        .begins = begins,
        .cwd = moved[0] == '/'     ? moved
               : p->cwd[0] == '\0' ? NULL
                                   : p->cwd,
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

static enum cht_err tell_news(struct hook *h, enum agent_occasion occasion)
{
    struct agent_news news = { 0 };
    enum cht_err err = agent_news(h->agent, occasion, NULL, &news);
    if (err == CHT_OK) {
        hook_answer_context(h->answer, news.text);
        err = agent_news_seen(h->agent, &news);
    }
    agent_news_clear(&news);
    return err;
}

/* After a compaction the same: what the session holds is what the model must not forget. */
enum cht_err hook_session_start(struct hook *h)
{
    const enum cht_err err = ensure(h, true);
    hook_handoff(h);
    if (err == CHT_OK)
        hook_mirror(h);
    return err == CHT_OK ? tell_news(h, AGENT_AT_START) : err;
}

enum cht_err hook_prompt(struct hook *h)
{
    const enum cht_err err = ensure(h, true);
    return err == CHT_OK ? tell_news(h, AGENT_AT_PROMPT) : err;
}

enum cht_err hook_session_end(struct hook *h)
{
    const enum cht_err err = agent_session_end(h->agent, "ended");
    if (err == CHT_OK)
        hook_share(h);
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
