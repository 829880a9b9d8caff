/* What was said in a session goes to the other devices when it ends and before it is compacted,
 * where its project allows it; and what a session of before left for this one is told. */
#include "bridges/claude/handoff.h"
#include "bridges/claude/hook_own.h"
#include "bridges/claude/share.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The session's project, by its record. */
static enum cht_err know_project(struct hook *h)
{
    json_t *records = NULL;
    if (agent_project(h->agent)[0] != '\0')
        return CHT_OK;
    const enum cht_err err =
        agent_query(h->agent,
                    json_pack("{s:s, s:{s:s}, s:[s]}", "operation", "get", "entity", "chittyId",
                              agent_session(h->agent), "fields", "project"),
                    &records);
    const char *project =
        bridge_json_str(json_object_get(json_array_get(records, 0), "data"), "project");
    if (err == CHT_OK && project != NULL)
        agent_project_set(h->agent, project);
    json_decref(records);
    return err;
}

/* In a process of its own, which a terminal that closes does not end: it may be long, and Claude
 * Code waits for a hook. */
static void share_apart(const struct hook *h, const char *path)
{
    const struct agent_options options = { .program = "hook",
                                           .session_id = agent_session_key(h->agent) };
    struct claude_shared shared;
    struct agent *a = NULL;
    if (fork() != 0)
        return;
    (void)setsid();
    const int nothing = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; nothing >= 0 && fd <= STDERR_FILENO; fd++)
        (void)dup2(nothing, fd);
    int status = 1;
    if (agent_open(&options, NULL, &a) == CHT_OK) {
        agent_project_set(a, agent_project(h->agent));
        status = claude_transcript_share(a, path, NULL, &shared) == CHT_OK ? 0 : 1;
        agent_close(a);
    }
    _exit(status);
}

void hook_share(struct hook *h)
{
    enum claude_sharing sharing = CLAUDE_SHARE_OFF;
    char path[NODE_PATH_MAX];
    const struct cht_bytes told = hook_text_at(h->payload->root, "transcript_path");
    if (told.len == 0 || told.len >= sizeof path || know_project(h) != CHT_OK ||
        claude_sharing_of(h->agent, agent_project(h->agent), NULL, &sharing) != CHT_OK ||
        sharing == CLAUDE_SHARE_OFF)
        return;
    (void)snprintf(path, sizeof path, "%.*s", (int)told.len, (const char *)told.data);
    share_apart(h, path);
}

void hook_handoff(struct hook *h)
{
    struct cht_buf text;
    cht_buf_init(&text, CLAUDE_HANDOFF_BYTES + 1);
    if (claude_handoff_take(agent_session_key(h->agent), &text) == CHT_OK &&
        cht_buf_add_u8(&text, '\0') == CHT_OK)
        hook_answer_context(h->answer, (const char *)text.data);
    cht_buf_clear(&text);
}
