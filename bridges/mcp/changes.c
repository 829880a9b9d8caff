/* Change notifications: the node is watched (LOCAL 4.8) over a connection of its own, whose socket
 * the transport waits on. A node that goes is waited for where its socket comes back, by inotify;
 * what changed meanwhile is told by the vector of the last event. Nothing is asked by the clock. */
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "bridges/mcp/product_own.h"
#include "node/client/answer.h"
#include "node/client/message.h"
#include "node/client/mpmap.h"

#define ACK_MS          5000
#define LISTEN_TRIES    20
#define LISTEN_PAUSE_MS 10

struct changes {
    struct mcp_product *p;
    struct node_client *client; /* NULL: not watching */
    int folder_fd;              /* inotify on the socket's folder while it is waited for; -1 */
    bool wanted;                /* somebody wants to hear of something */
    json_t *uris;               /* watched uri -> id of its record ("" where it is not known) */
    json_t *listed;             /* resources as they were last given out, or NULL */
    char *vector;               /* up to where all was told; NULL: from now on */
};

enum cht_err changes_new(struct mcp_product *p, struct changes **out)
{
    struct changes *c = calloc(1, sizeof *c);
    json_t *uris = json_object();
    if (c == NULL || uris == NULL) {
        free(c);
        json_decref(uris);
        return CHT_E_NOMEM;
    }
    c->p = p;
    c->uris = uris;
    c->folder_fd = -1;
    *out = c;
    return CHT_OK;
}

void changes_free(struct changes *c)
{
    if (c == NULL)
        return;
    node_client_close(c->client);
    if (c->folder_fd >= 0)
        (void)close(c->folder_fd);
    json_decref(c->uris);
    json_decref(c->listed);
    free(c->vector);
    free(c);
}

/* --- telling --------------------------------------------------------------------------------- */

/* What a run of events was about. */
struct heard {
    bool todos; /* of the session's project, or of none that is known */
};

/* A todo that is shown to be of another project changes no list of ours. */
static bool is_ours(const struct changes *c, const struct node_msg *m)
{
    const struct cht_bytes project =
        node_mp_get_str(node_mp_get(node_mp_get(m->payload, "entity"), "data"), "project");
    const char *mine = c->p->agent == NULL ? "" : agent_project(c->p->agent);
    return project.len == 0 || mine[0] == '\0' || cht_bytes_eq(project, cht_bytes_str(mine));
}

static void tell_record(struct changes *c, const char *id)
{
    const char *uri;
    json_t *known;
    json_object_foreach(c->uris, uri, known)
    {
        if (strcmp(json_string_value(known), id) == 0)
            mcp_updated(c->p->server, uri);
    }
}

/* Any change of a todo may make another one ready; that is told when it did. */
static void tell_lists(struct changes *c)
{
    if (json_object_get(c->uris, PRODUCT_READY_URI) != NULL)
        mcp_updated(c->p->server, PRODUCT_READY_URI);
    if (c->listed == NULL)
        return;
    json_t *now = product_resources(c->p);
    if (now != NULL && !json_equal(now, c->listed)) {
        json_decref(c->listed);
        c->listed = json_incref(now);
        mcp_changed(c->p->server, MCP_RESOURCES);
    }
    json_decref(now);
}

static void keep_vector(struct changes *c, struct cht_bytes vector)
{
    char *copy = vector.len == 0 ? NULL : strndup((const char *)vector.data, vector.len);
    if (copy == NULL)
        return;
    free(c->vector);
    c->vector = copy;
}

static void hear(struct changes *c, const struct node_msg *m, struct heard *heard)
{
    const struct cht_bytes id = node_mp_get_str(node_mp_get(m->payload, "entity"), "chittyId");
    const struct cht_bytes domain = node_mp_get_str(m->payload, "domain");
    char text[CRDT_ID_TEXT_MAX];
    if (m->type != NODE_MSG_EVENT || id.len == 0 || id.len >= sizeof text)
        return;
    memcpy(text, id.data, id.len);
    text[id.len] = '\0';
    keep_vector(c, node_mp_get_str(m->payload, "vector"));
    heard->todos |= cht_bytes_eq(domain, cht_bytes_str("todos")) && is_ours(c, m);
    tell_record(c, text);
}

/* --- watching -------------------------------------------------------------------------------- */

static enum cht_err send_watch(struct changes *c, struct node_client *client, const char *domain)
{
    char id[NODE_REQUEST_ID_MAX];
    struct cht_buf b;
    json_t *payload = json_pack("{s:s, s:s, s:[s, s], s:s*}", "operation", "watch", "domain",
                                domain, "fields", "status", "project", "from", c->vector);
    cht_buf_init(&b, 65536);
    enum cht_err err = payload == NULL ? CHT_E_NOMEM : CHT_OK;
    if (err == CHT_OK)
        err = node_request_begin("mcp", NULL, NODE_MSG_QUERY, &b, id);
    if (err == CHT_OK)
        err = bridge_json_put(payload, NODE_MSG_DEPTH, &b);
    if (err == CHT_OK)
        err = node_client_send(client, cht_buf_view(&b), NULL);
    json_decref(payload);
    cht_buf_clear(&b);
    return err;
}

/* Both watches begun; events may come before the second ack. A vector that the node does not know
 * (another home is in its place) is forgotten: then from now on. */
static enum cht_err begin(struct changes *c, struct node_client *client, struct heard *heard)
{
    static const char *const domains[] = { "todos", "sessions" };
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
        enum cht_err err = send_watch(c, client, domains[i]);
        for (bool acked = false; err == CHT_OK && !acked;) {
            struct node_msg m;
            err = node_client_next(client, ACK_MS, NULL, &m);
            if (err != CHT_OK)
                break;
            acked = m.type == NODE_MSG_ACK;
            if (acked && i == 0)
                keep_vector(c, node_mp_get_str(node_mp_get(m.payload, "result"), "vector"));
            else if (m.type == NODE_MSG_EVENT)
                hear(c, &m, heard);
            else if (!acked)
                err = CHT_E_INVALID;
        }
        if (err != CHT_OK)
            return err;
    }
    return CHT_OK;
}

static void end(struct changes *c)
{
    node_client_close(c->client);
    c->client = NULL;
}

/* All that is here already. False: the connection is gone. */
static bool drain(struct changes *c, struct heard *heard)
{
    for (;;) {
        struct node_msg m;
        const enum cht_err err = node_client_next(c->client, 0, NULL, &m);
        if (err == CHT_E_TIMEOUT)
            return true;
        if (err != CHT_OK)
            return false;
        hear(c, &m, heard);
    }
}

/* Be told when a socket appears in the node's folder. */
static void wait_for_socket(struct changes *c)
{
    struct node_paths paths;
    if (c->folder_fd >= 0 || node_paths_find(NULL, &paths) != CHT_OK)
        return;
    c->folder_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (c->folder_fd >= 0 &&
        inotify_add_watch(c->folder_fd, paths.runtime, IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0) {
        (void)close(c->folder_fd);
        c->folder_fd = -1;
    }
}

/* The record that a uri is of: its whole id. */
static json_t *record_of(struct mcp_product *p, const char *uri)
{
    static const char *const heads[] = { PRODUCT_TODO_URI, PRODUCT_SESSION_URI };
    static const char *const domains[] = { "todos", "sessions" };
    char text[256];
    struct agent *a = product_agent(p, text, sizeof text);
    for (size_t i = 0; a != NULL && i < sizeof heads / sizeof heads[0]; i++) {
        json_t *records = NULL;
        if (strncmp(uri, heads[i], strlen(heads[i])) != 0)
            continue;
        if (agent_query(a,
                        json_pack("{s:s, s:s, s:{s:s}}", "operation", "get", "domain", domains[i],
                                  "entity", "chittyId", uri + strlen(heads[i])),
                        &records) != CHT_OK)
            break;
        json_t *id = json_incref(json_object_get(json_array_get(records, 0), "chittyId"));
        json_decref(records);
        return id;
    }
    return json_string("");
}

/* Those that were asked for while no node was there to tell which records they are. */
static void know_records(struct changes *c)
{
    const char *uri;
    json_t *known;
    json_object_foreach(c->uris, uri, known)
    {
        if (json_string_length(known) == 0 && strcmp(uri, PRODUCT_READY_URI) != 0)
            (void)json_object_set_new(c->uris, uri, record_of(c->p, uri));
    }
}

/* Watch, if there is a node: none is started for it. */
static void connect_again(struct changes *c)
{
    const struct node_client_options options = { .no_start = true, .timeout_ms = ACK_MS };
    struct heard heard = { false };
    if (c->client != NULL || !c->wanted)
        return;
    wait_for_socket(c); /* before the attempt: a node that comes in between is not missed */
    if (node_client_open(&options, NULL, &c->client) != CHT_OK)
        return;
    if (begin(c, c->client, &heard) != CHT_OK || !drain(c, &heard)) {
        free(c->vector);
        c->vector = NULL;
        end(c);
        return;
    }
    if (c->folder_fd >= 0)
        (void)close(c->folder_fd);
    c->folder_fd = -1;
    know_records(c);
    if (heard.todos)
        tell_lists(c);
}

/* --- the transport's side -------------------------------------------------------------------- */

void changes_watch(void *user, const char *uri, bool on)
{
    struct mcp_product *p = user;
    struct changes *c = p->changes;
    if (!on) {
        (void)json_object_del(c->uris, uri);
        return;
    }
    (void)json_object_set_new(c->uris, uri, record_of(p, uri));
    c->wanted = true;
    connect_again(c);
}

void changes_listed(struct mcp_product *p, const json_t *resources)
{
    struct changes *c = p->changes;
    if (resources == NULL)
        return;
    json_decref(c->listed);
    c->listed = json_deep_copy(resources);
    c->wanted = true;
    connect_again(c);
}

int changes_fd(void *user)
{
    const struct changes *c = ((struct mcp_product *)user)->changes;
    return c->client != NULL ? node_client_fd(c->client) : c->folder_fd;
}

/* Something is new in the node's folder. A socket is there a moment before it is listened at: that
 * is waited for shortly, since nothing tells of it. */
static void look_for_socket(struct changes *c)
{
    char events[4096];
    while (c->folder_fd >= 0 && read(c->folder_fd, events, sizeof events) > 0) {
    }
    for (int i = 0; i < LISTEN_TRIES && c->client == NULL && c->wanted; i++) {
        if (i > 0)
            (void)poll(NULL, 0, LISTEN_PAUSE_MS);
        connect_again(c);
    }
}

void changes_poke(struct changes *c)
{
    if (c->client == NULL && c->wanted)
        connect_again(c);
}

void changes_ready(void *user)
{
    struct changes *c = ((struct mcp_product *)user)->changes;
    struct heard heard = { false };
    if (c->client == NULL) {
        look_for_socket(c);
        return;
    }
    const bool here = drain(c, &heard);
    if (!here)
        end(c);
    if (heard.todos)
        tell_lists(c);
    if (!here)
        connect_again(c);
}
