/* What others did since this session last looked; see agent.h. Three questions asked together. */
#include "bridges/agent/own.h"

#include <stdlib.h>

#define LOG_LIMIT   128 /* entries of one look */
#define FIRST_MS    (12u * 3600u * 1000u)
#define READY_LIMIT 50

json_t *agent_log_of(const struct agent *a, const char *since)
{
    return json_pack("{s:s, s:i, s:b, s:s*, s:s*}", "operation", "log", "limit", LOG_LIMIT,
                     "titles", 1, "since", since, "project",
                     a->project[0] == '\0' ? NULL : a->project);
}

json_t *agent_ready_of(const struct agent *a, unsigned limit)
{
    json_t *payload =
        json_pack("{s:s, s:s, s:[s], s:[s,s], s:i}", "operation", "list", "domain", "todos", "is",
                  "ready", "fields", "content", "priority", "limit", (int)limit);
    if (payload != NULL && a->project[0] != '\0')
        (void)json_object_set_new(
            payload, "where",
            json_pack("[o]", agent_where("project", "is", json_string(a->project))));
    return payload;
}

enum { LOOK_LOG, LOOK_READY, LOOK_RENEW, LOOKS };

/* A vector that the node did not give out is of another database: then it is the first look. */
static enum cht_err look(struct agent *a, const char *since, struct agent_ask asks[static LOOKS])
{
    const size_t count = a->session[0] == '\0' ? LOOK_RENEW : LOOKS;
    asks[LOOK_LOG] =
        (struct agent_ask){ .type = NODE_MSG_QUERY, .payload = agent_log_of(a, since) };
    asks[LOOK_READY] =
        (struct agent_ask){ .type = NODE_MSG_QUERY, .payload = agent_ready_of(a, READY_LIMIT) };
    asks[LOOK_RENEW] = (struct agent_ask){ .type = NODE_MSG_COMMAND };
    if (count == LOOKS)
        asks[LOOK_RENEW].payload = json_pack("{s:s, s:{}}", "name", "renew", "args");
    return agent_ask_all(a, asks, count);
}

static void forget(struct agent_ask asks[static LOOKS])
{
    for (size_t i = 0; i < LOOKS; i++) {
        json_decref(asks[i].out);
        free(asks[i].vector);
        asks[i] = (struct agent_ask){ 0 };
    }
}

enum cht_err agent_news(struct agent *a, enum agent_occasion occasion, const char *since,
                        struct agent_news *out)
{
    struct agent_ask asks[LOOKS] = { { 0 } };
    char *seen = since == NULL ? agent_seen_read(a) : strdup(since);
    bool first = seen == NULL;
    enum cht_err err = look(a, seen, asks);
    if (err == CHT_OK && asks[LOOK_LOG].err == CHT_E_INVALID && !first) {
        forget(asks);
        first = true;
        err = look(a, NULL, asks);
    }
    free(seen);
    if (err == CHT_OK)
        err = asks[LOOK_LOG].err != CHT_OK ? asks[LOOK_LOG].err : asks[LOOK_READY].err;
    if (err == CHT_OK) {
        const uint64_t now_ms = agent_now_ms();
        const struct agent_digest digest = {
            .session = a->session,
            .now_ms = now_ms,
            .since_ms = first ? now_ms - FIRST_MS : 0,
            .log = asks[LOOK_LOG].out,
            .held = json_object_get(asks[LOOK_RENEW].out, "held"),
            .lost = json_object_get(asks[LOOK_RENEW].out, "lost"),
            .ready = asks[LOOK_READY].out,
            .ready_limit = READY_LIMIT,
            .more = asks[LOOK_LOG].partial && !first,
            .brief = occasion == AGENT_AT_PROMPT,
        };
        *out = (struct agent_news){ .vector = asks[LOOK_LOG].vector };
        asks[LOOK_LOG].vector = NULL;
        agent_digest(&digest, out);
    }
    forget(asks);
    return err;
}

enum cht_err agent_news_seen(struct agent *a, const struct agent_news *news)
{
    if (news->lost != 0) {
        /* told once: the session knows it now */
        const enum cht_err err = agent_command(a, "renew", json_pack("{s:b}", "told", 1), NULL);
        if (err != CHT_OK)
            return err;
    }
    return news->vector == NULL ? CHT_OK : agent_seen_write(a, news->vector);
}

void agent_news_clear(struct agent_news *news)
{
    free(news->vector);
    *news = (struct agent_news){ 0 };
}
