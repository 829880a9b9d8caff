/* Until something happens that a session waits for; see agent.h. A second connection is the bell:
 * it watches and rings; what it was is then asked for as news are, from the log, so that what
 * happened while nobody listened is found in the same way. */
#include "bridges/agent/own.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AGAIN_MIN_MS 100 /* until the node is looked for again */
#define AGAIN_MAX_MS 5000
#define LIVES_MS     5000 /* how often a process is looked at without pidfds */
#define ENDED_MAX    64u  /* todos of others that ended, looked at for what waited for them */
#define HAPPENED_MAX 900u /* less than the news have: it is always told */

struct waiting {
    struct agent *a;
    struct node_client *bell;
    int end_fd, process_fd;
    pid_t pid;
    char *since;   /* up to where all is looked at */
    json_t *held;  /* ids of todos that the session holds */
    json_t *ended; /* ids told by the bell, beside those in the log */
    bool again;    /* it rang: look */
    bool over;     /* the session has ended since then, perhaps before the bell was there */
    char happened[HAPPENED_MAX];
};

/* --- the bell ------------------------------------------------------------------------------ */

static json_t *watch_of(const char *domain, json_t *where, const char *fields, bool unblocked)
{
    json_t *payload = json_pack("{s:s, s:s, s:[s*], s:b}", "operation", "watch", "domain", domain,
                                "fields", fields, "unblocked", (int)unblocked);
    if (payload != NULL && where != NULL)
        (void)json_object_set_new(payload, "where", json_pack("[o]", where));
    return payload;
}

static enum cht_err send_watch(struct waiting *w, json_t *payload)
{
    char id[NODE_REQUEST_ID_MAX];
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    enum cht_err err = agent_message(w->a, NODE_MSG_QUERY, payload, &b, id);
    if (err == CHT_OK)
        err = node_client_send(w->bell, cht_buf_view(&b), &w->a->fault);
    cht_buf_clear(&b);
    return err;
}

static enum cht_err hang_bell(struct waiting *w)
{
    const struct node_client_options options = { .no_start = true };
    const struct agent *a = w->a;
    enum cht_err err = node_client_open(&options, &w->a->fault, &w->bell);
    json_t *of_project =
        a->project[0] == '\0' ? NULL : agent_where("project", "is", json_string(a->project));
    if (err == CHT_OK)
        err = send_watch(w, watch_of("todos", of_project, "status", true));
    else
        json_decref(of_project);
    if (err == CHT_OK)
        err = send_watch(w, watch_of("messages", NULL, "about", false));
    if (err == CHT_OK)
        err = send_watch(w, watch_of("sessions",
                                     agent_where("session_id", "is", json_string(a->session_key)),
                                     "status", false));
    return err;
}

static bool is(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static bool holds(const struct waiting *w, const char *id)
{
    json_t *one;
    size_t i;
    json_array_foreach(w->held, i, one)
    {
        if (is(json_string_value(one), id == NULL ? "" : id))
            return true;
    }
    return false;
}

/* An event of the bell. CHT_E_EXPIRED: the session has ended. */
static enum cht_err take_event(struct waiting *w, const json_t *payload)
{
    const json_t *entity = json_object_get(payload, "entity");
    const json_t *delta = json_object_get(payload, "delta");
    const char *domain = bridge_json_str(payload, "domain");
    const char *because = bridge_json_str(payload, "because");
    const bool own = is(bridge_json_str(json_object_get(payload, "by"), "actor"), w->a->session);
    if (is(domain, "sessions")) {
        const char *status = bridge_json_str(json_object_get(entity, "data"), "status");
        return is(status, "ended") || is(status, "crashed") ? CHT_E_EXPIRED : CHT_OK;
    }
    if (is(domain, "messages")) {
        w->again |= !own;
        return CHT_OK;
    }
    const bool claim = json_object_get(delta, "claim") != NULL;
    if (because != NULL && !own) {
        w->again = true;
        if (json_array_size(w->ended) < ENDED_MAX)
            (void)json_array_append_new(w->ended, json_string(because));
    } else if (claim && (own || holds(w, bridge_json_str(entity, "chittyId"))))
        w->again = true; /* what it holds has changed */
    return CHT_OK;
}

/* All that the bell has to say now. */
static enum cht_err hear_bell(struct waiting *w)
{
    enum cht_err err = CHT_OK;
    while (err == CHT_OK) {
        struct node_msg m;
        err = node_client_next(w->bell, 0, &w->a->fault, &m);
        if (err == CHT_OK && m.type == NODE_MSG_EVENT) {
            json_t *payload = bridge_json_new(m.payload);
            err = take_event(w, payload);
            json_decref(payload);
        } else if (err == CHT_OK)
            err = node_msg_fault(&m, &w->a->fault);
    }
    return err == CHT_E_TIMEOUT ? CHT_OK : err;
}

/* --- looking ------------------------------------------------------------------------------- */

/* The value that an entry puts into a field. */
static const json_t *put_of(const json_t *entry, const char *field)
{
    json_t *ops = json_object_get(entry, "ops"), *op;
    size_t i;
    json_array_foreach(ops, i, op)
    {
        if (is(bridge_json_str(op, "field"), field))
            return json_object_get(op, "value");
    }
    return NULL;
}

static bool ended_by(const json_t *entry)
{
    const char *status = json_string_value(put_of(entry, "status"));
    return is(status, "completed") || is(status, "cancelled") ||
           json_is_true(put_of(entry, "deleted"));
}

static bool is_for_us(const struct waiting *w, const json_t *entry)
{
    json_t *ops = json_object_get(entry, "ops"), *op;
    const char *about = json_string_value(put_of(entry, "about"));
    size_t i;
    if (put_of(entry, "created") == NULL)
        return false;
    if (is(about, w->a->session) || holds(w, about))
        return true;
    json_array_foreach(ops, i, op)
    {
        const char *to = bridge_json_str(op, "key");
        if (is(bridge_json_str(op, "field"), "recipients") &&
            (is(to, w->a->session) || is(to, w->a->session_key)))
            return true;
    }
    return false;
}

/* The first thing that happened is told. */
static void tell(struct waiting *w, const char *id, const char *title, const char *what,
                 const char *more)
{
    char quoted[300];
    agent_quote(title == NULL ? "" : title, 60, quoted, sizeof quoted);
    if (w->happened[0] == '\0')
        (void)snprintf(w->happened, sizeof w->happened, "%s %s %s%.400s.", agent_short(id).text,
                       quoted, what, more);
}

/* Has the session ended, by the last that was written of its status? */
static bool is_over(const struct waiting *w, json_t *log)
{
    json_t *entry;
    size_t i;
    json_array_foreach(log, i, entry) /* newest first */
    {
        const char *status = json_string_value(put_of(entry, "status"));
        if (status != NULL && is(bridge_json_str(entry, "chittyId"), w->a->session))
            return is(status, "ended") || is(status, "crashed");
    }
    return false;
}

/* What others have done: which todos ended, and messages. */
static void read_log(struct waiting *w, const json_t *log)
{
    char where[200];
    json_t *entry;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)log, i, entry)
    {
        const char *id = bridge_json_str(entry, "chittyId");
        const char *actor = bridge_json_str(entry, "actor");
        const char *device = bridge_json_str(entry, "deviceName");
        if (id == NULL || is(actor, w->a->session) || json_object_get(entry, "void") != NULL)
            continue;
        if (strncmp(id, "CHITTY-MESSAGE-", 15) == 0 && is_for_us(w, entry)) {
            const char *title = json_string_value(put_of(entry, "content"));
            agent_quote(device == NULL ? "" : device, 32, where, sizeof where);
            tell(w, id, title, "is a message for this session, written on ", where);
        } else if (strncmp(id, "CHITTY-TODO-", 12) == 0 && ended_by(entry) &&
                   json_array_size(w->ended) < ENDED_MAX)
            (void)json_array_append_new(w->ended, json_string(id));
    }
}

/* Who ended what a todo waited for. */
static void who_ended(const struct waiting *w, const json_t *log, const json_t *record, char *out,
                      size_t size)
{
    json_t *dependencies = json_object_get(json_object_get(record, "data"), "dependencies");
    json_t *entry;
    size_t i, k;
    out[0] = '\0';
    json_array_foreach((json_t *)(uintptr_t)log, i, entry)
    {
        const char *id = bridge_json_str(entry, "chittyId");
        const char *title = bridge_json_str(json_object_get(entry, "titles"), "chittyId");
        const char *device = bridge_json_str(entry, "deviceName");
        json_t *one;
        bool waited = false;
        json_array_foreach(dependencies, k, one)
        {
            waited |= is(json_string_value(one), id == NULL ? "" : id);
        }
        if (!waited || !ended_by(entry) || is(bridge_json_str(entry, "actor"), w->a->session))
            continue;
        char quoted[300], where[200];
        agent_quote(title == NULL ? "" : title, 60, quoted, sizeof quoted);
        agent_quote(device == NULL ? "" : device, 32, where, sizeof where);
        (void)snprintf(out, size, ": %s %s ended on %s", agent_short(id).text, quoted, where);
        return;
    }
}

static json_t *freed_of(const struct waiting *w, json_t *ids)
{
    json_t *where = json_array();
    (void)json_array_append_new(where, agent_where("dependencies", "has", ids));
    if (w->a->project[0] != '\0')
        (void)json_array_append_new(where,
                                    agent_where("project", "is", json_string(w->a->project)));
    return json_pack("{s:s, s:s, s:[s], s:o, s:[s,s,s], s:i}", "operation", "list", "domain",
                     "todos", "is", "open", "where", where, "fields", "content", "status",
                     "dependencies", "limit", 200);
}

/* Of those that waited for what ended: one that is ready now, or that the session holds and nothing
 * blocks any more. */
static enum cht_err look_for_freed(struct waiting *w, const json_t *log)
{
    json_t *ids = w->ended, *record;
    size_t i;
    w->ended = json_array();
    if (json_array_size(ids) == 0) {
        json_decref(ids);
        return CHT_OK;
    }
    json_t *ready_ask = freed_of(w, json_incref(ids)), *blocked_ask = freed_of(w, ids);
    (void)json_object_set_new(ready_ask, "is", json_pack("[s]", "ready"));
    (void)json_object_set_new(blocked_ask, "is", json_pack("[s]", "blocked"));
    struct agent_ask asks[] = {
        { .type = NODE_MSG_QUERY, .payload = ready_ask },
        { .type = NODE_MSG_QUERY, .payload = blocked_ask },
        { .type = NODE_MSG_QUERY, .payload = freed_of(w, json_incref(ids)) },
    };
    enum cht_err err = agent_ask_all(w->a, asks, 3);
    for (i = 0; err == CHT_OK && i < 3; i++)
        err = asks[i].err;
    char why[600];
    json_array_foreach(asks[0].out, i, record)
    {
        who_ended(w, log, record, why, sizeof why);
        if (w->a->project[0] != '\0')
            tell(w, bridge_json_str(record, "chittyId"),
                 bridge_json_str(json_object_get(record, "data"), "content"), "is ready now", why);
    }
    json_array_foreach(asks[2].out, i, record)
    {
        const char *id = bridge_json_str(record, "chittyId");
        bool blocked = false;
        json_t *one;
        size_t k;
        json_array_foreach(asks[1].out, k, one)
        {
            blocked |= is(bridge_json_str(one, "chittyId"), id);
        }
        who_ended(w, log, record, why, sizeof why);
        if (!blocked && holds(w, id))
            tell(w, id, bridge_json_str(json_object_get(record, "data"), "content"),
                 "is held by this session and waits for nothing any more", why);
    }
    for (i = 0; i < 3; i++)
        json_decref(asks[i].out);
    return err;
}

static void take_held(struct waiting *w, const json_t *renewed)
{
    json_t *one;
    size_t i;
    json_decref(w->held);
    w->held = json_array();
    json_array_foreach(json_object_get(renewed, "held"), i, one)
    {
        (void)json_array_append(w->held, json_object_get(one, "chittyId"));
    }
}

/* Look from `since` on. `out->text` stays empty where nothing has happened that is waited for. */
static enum cht_err look(struct waiting *w, struct agent_news *out)
{
    struct agent_ask asks[] = {
        { .type = NODE_MSG_QUERY, .payload = agent_log_of(w->a, w->since) },
        { .type = NODE_MSG_QUERY, .payload = agent_ready_of(w->a, 1) },
        { .type = NODE_MSG_COMMAND, .payload = json_pack("{s:s, s:{}}", "name", "renew", "args") },
    };
    enum cht_err err = agent_ask_all(w->a, asks, 3);
    if (err == CHT_OK && asks[0].err == CHT_E_INVALID) {
        free(w->since); /* of another database: from now on */
        w->since = NULL;
    } else if (err == CHT_OK)
        err = asks[0].err != CHT_OK ? asks[0].err : asks[1].err;
    if (err == CHT_OK) {
        take_held(w, asks[2].out);
        if (w->since != NULL) {
            read_log(w, asks[0].out);
            w->over = is_over(w, asks[0].out);
        }
        err = w->over ? CHT_E_EXPIRED : look_for_freed(w, asks[0].out);
    }
    if (err == CHT_OK && asks[0].vector != NULL) {
        free(w->since);
        w->since = asks[0].vector;
        asks[0].vector = NULL;
    }
    const struct agent_digest digest = {
        .session = w->a->session,
        .now_ms = agent_now_ms(),
        .lost = json_object_get(asks[2].out, "lost"),
        .ready = asks[1].out,
        .ready_limit = 1,
        .happened = w->happened[0] == '\0' ? NULL : w->happened,
        .brief = true,
    };
    if (err == CHT_OK)
        agent_digest(&digest, out);
    for (size_t i = 0; i < 3; i++) {
        json_decref(asks[i].out);
        free(asks[i].vector);
    }
    return err;
}

/* --- waiting ------------------------------------------------------------------------------- */

/* Wait for the bell (when there is one) or the end. CHT_E_EXPIRED: it is over. */
static enum cht_err wait_for(struct waiting *w, int timeout_ms)
{
    struct pollfd fds[] = {
        { .fd = w->end_fd, .events = POLLIN },
        { .fd = w->process_fd, .events = POLLIN },
        { .fd = w->bell == NULL ? -1 : node_client_fd(w->bell), .events = POLLIN },
    };
    if (w->pid > 0 && w->process_fd < 0 && (timeout_ms < 0 || timeout_ms > LIVES_MS))
        timeout_ms = LIVES_MS;
    if (poll(fds, 3, timeout_ms) < 0)
        return errno == EINTR ? CHT_OK : agent_fail(w->a, CHT_E_IO, "cannot wait");
    const bool died = w->pid > 0 && w->process_fd < 0 && kill(w->pid, 0) != 0 && errno == ESRCH;
    return fds[0].revents != 0 || fds[1].revents != 0 || died ? CHT_E_EXPIRED : CHT_OK;
}

/* Until the node is there (again). */
static enum cht_err reach(struct waiting *w)
{
    enum cht_err err = CHT_OK;
    for (int pause_ms = AGAIN_MIN_MS; err == CHT_OK && w->bell == NULL;
         pause_ms = pause_ms * 2 < AGAIN_MAX_MS ? pause_ms * 2 : AGAIN_MAX_MS) {
        if (hang_bell(w) == CHT_OK)
            break;
        node_client_close(w->bell);
        w->bell = NULL;
        err = wait_for(w, pause_ms);
    }
    w->again = true;
    return err;
}

/* The node went away: what is asked next is asked of the one that comes. */
static bool is_away(enum cht_err err)
{
    return err == CHT_E_UNREACHABLE || err == CHT_E_TIMEOUT;
}

static enum cht_err turn(struct waiting *w, struct agent_news *out)
{
    enum cht_err err = w->bell == NULL ? reach(w) : CHT_OK;
    if (err == CHT_OK && w->again) {
        w->again = false;
        err = look(w, out);
        if (is_away(err) && agent_connect_again(w->a) == CHT_OK)
            err = look(w, out);
    } else if (err == CHT_OK) {
        err = wait_for(w, -1);
        if (err == CHT_OK)
            err = hear_bell(w);
    }
    if (!is_away(err))
        return err;
    node_client_close(w->bell);
    w->bell = NULL;
    return wait_for(w, AGAIN_MIN_MS);
}

static void begin(struct waiting *w, const struct agent_wait *wait)
{
    const char *told = wait->pid == 0 ? getenv("CLAUDE_PID") : NULL;
    const long pid = told == NULL ? (long)wait->pid : strtol(told, NULL, 10);
    w->end_fd = wait->end_fd;
    w->process_fd = -1;
    w->pid = pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0;
    if (w->pid > 0)
        w->process_fd = (int)syscall(SYS_pidfd_open, w->pid, 0u);
    w->since = wait->afresh ? NULL : agent_seen_read(w->a);
    w->held = json_array();
    w->ended = json_array();
}

enum cht_err agent_wait(struct agent *a, const struct agent_wait *wait, struct agent_news *out)
{
    struct waiting w = { .a = a };
    struct agent_news news = { 0 };
    const bool no_start = a->no_start;
    enum cht_err err = CHT_OK;
    if (a->session[0] == '\0')
        return agent_fail(a, CHT_E_INVALID, "there is no session that could wait");
    begin(&w, wait);
    a->no_start = true; /* a node that was stopped is not started by who waits for it */
    while (err == CHT_OK && news.text[0] == '\0')
        err = turn(&w, &news);
    a->no_start = no_start;
    node_client_close(w.bell);
    if (w.process_fd >= 0)
        (void)close(w.process_fd);
    json_decref(w.held);
    json_decref(w.ended);
    if (err == CHT_OK) {
        news.vector = w.since;
        w.since = NULL;
        *out = news;
    }
    free(w.since);
    return err;
}
