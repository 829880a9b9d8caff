/* The connection and single requests; see agent.h. */
#include "bridges/agent/own.h"
#include "crdt/limits.h"
#include "crdt/natural.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define DEPTH NODE_MSG_DEPTH

uint64_t agent_now_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum cht_err agent_fail(struct agent *a, enum cht_err err, const char *format, ...)
{
    char text[CHT_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return node_fault_set(&a->fault, err, cht_bytes(NULL, 0), "%s", text);
}

/* --- who and where ------------------------------------------------------------------------- */

static const char *first_of(const char *given, const char *one, const char *other)
{
    if (given != NULL)
        return given;
    const char *value = getenv(one);
    if (value == NULL || value[0] == '\0')
        value = other == NULL ? NULL : getenv(other);
    return value == NULL ? "" : value;
}

static enum cht_err take_session(struct agent *a, const char *key, struct node_fault *fault)
{
    char whole[sizeof a->platform + AGENT_SESSION_KEY_MAX];
    struct crdt_id id;
    const int len = snprintf(whole, sizeof whole, "%s\n%s", a->platform, key);
    if (key[0] == '\0')
        return CHT_OK;
    if (strlen(key) >= sizeof a->session_key || len < 0 || (size_t)len >= sizeof whole ||
        !crdt_utf8_valid(cht_bytes_str(key)))
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("session_id"),
                              "session_id: 1 to %u bytes of UTF-8 are allowed",
                              AGENT_SESSION_KEY_MAX - 1);
    (void)snprintf(a->session_key, sizeof a->session_key, "%s", key);
    crdt_natural_id(CRDT_SESSION, cht_bytes_str("session"), cht_bytes_str(whole), &id);
    crdt_id_text(&id, a->session);
    return CHT_OK;
}

/* Absolute, links followed where it is there. */
static void take_folder(struct agent *a, const char *folder)
{
    char *whole = realpath(folder[0] == '\0' ? "." : folder, NULL);
    const char *path = whole == NULL ? folder : whole;
    (void)snprintf(a->folder, sizeof a->folder, "%s", path);
    for (size_t len = strlen(a->folder); len > 1 && a->folder[len - 1] == '/'; len--)
        a->folder[len - 1] = '\0';
    free(whole);
}

static enum cht_err take_options(struct agent *a, const struct agent_options *o,
                                 struct node_fault *fault)
{
    (void)snprintf(a->program, sizeof a->program, "%s", o->program);
    (void)snprintf(a->platform, sizeof a->platform, "%s",
                   o->platform == NULL ? "claude-code" : o->platform);
    take_folder(a, first_of(o->folder, "CLAUDE_PROJECT_DIR", NULL));
    a->no_start = o->no_start;
    a->timeout_ms = o->timeout_ms;
    return take_session(a, first_of(o->session_id, "CHITTY_SESSION", "CLAUDE_CODE_SESSION_ID"),
                        fault);
}

enum cht_err agent_open(const struct agent_options *options, struct node_fault *fault,
                        struct agent **out)
{
    const struct node_client_options client = { .no_start = options->no_start,
                                                .timeout_ms = options->timeout_ms };
    struct agent *a = calloc(1, sizeof *a);
    if (a == NULL)
        return node_fault_from(fault, CHT_E_NOMEM, NULL);
    enum cht_err err = take_options(a, options, fault);
    if (err == CHT_OK)
        err = node_client_open(&client, fault, &a->client);
    if (err != CHT_OK) {
        agent_close(a);
        return err;
    }
    *out = a;
    return CHT_OK;
}

void agent_close(struct agent *a)
{
    if (a == NULL)
        return;
    node_client_close(a->client);
    json_decref(a->error);
    free(a);
}

const struct node_fault *agent_fault(const struct agent *a)
{
    return &a->fault;
}

const json_t *agent_error(const struct agent *a)
{
    return a->error;
}

const char *agent_session(const struct agent *a)
{
    return a->session;
}

const char *agent_session_key(const struct agent *a)
{
    return a->session_key;
}

const char *agent_folder(const struct agent *a)
{
    return a->folder;
}

const char *agent_project(const struct agent *a)
{
    return a->project;
}

void agent_project_set(struct agent *a, const char *id)
{
    (void)snprintf(a->project, sizeof a->project, "%s", id);
}

const char *agent_device(const struct agent *a)
{
    return a->device;
}

struct agent_short agent_short(const char *id)
{
    struct agent_short out;
    const struct cht_bytes text = crdt_id_short(cht_bytes_str(id));
    (void)snprintf(out.text, sizeof out.text, "%.*s",
                   (int)(text.len < sizeof out.text ? text.len : sizeof out.text - 1),
                   (const char *)text.data);
    return out;
}

/* --- asking -------------------------------------------------------------------------------- */

enum cht_err agent_message(struct agent *a, enum node_msg_type type, json_t *payload,
                           struct cht_buf *out, char id[static NODE_REQUEST_ID_MAX])
{
    enum cht_err err =
        node_request_begin(a->program, a->session[0] == '\0' ? NULL : a->session, type, out, id);
    if (err == CHT_OK)
        err = bridge_json_put(payload, DEPTH, out);
    json_decref(payload);
    if (err == CHT_E_INVALID)
        return agent_fail(a, err, "the values nest too deep");
    if (err == CHT_E_LIMIT)
        return agent_fail(a, err, "a request may have %u bytes", LIMIT_CLIENT_BYTES);
    return err == CHT_OK ? CHT_OK : node_fault_from(&a->fault, err, NULL);
}

/* What answers one request. */
struct answer {
    struct agent *a;
    json_t *out;
    char *vector;
    bool partial;
};

static void forget(struct answer *w)
{
    json_decref(w->out);
    free(w->vector);
    w->out = NULL;
    w->vector = NULL;
}

static void take_device(struct agent *a, const struct node_msg *m)
{
    if (m->node_id.len == sizeof a->device - 1) {
        memcpy(a->device, m->node_id.data, m->node_id.len);
        a->device[m->node_id.len] = '\0';
    }
}

static enum cht_err take_records(struct answer *w, const struct node_msg *m)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(m->payload, "records"));
    const struct cht_bytes vector = node_mp_get_str(m->payload, "vector");
    struct cht_bytes record;
    if (w->out == NULL)
        w->out = json_array();
    while (w->out != NULL && node_mp_next(&it, NULL, &record))
        if (json_array_append_new(w->out, bridge_json_new(record)) != 0)
            return CHT_E_NOMEM;
    if (vector.len != 0 && w->vector == NULL)
        w->vector = strndup((const char *)vector.data, vector.len);
    w->partial |= node_mp_get_bool(m->payload, "partial");
    return w->out == NULL || (vector.len != 0 && w->vector == NULL) ? CHT_E_NOMEM : CHT_OK;
}

static enum cht_err take_answer(void *ctx, const struct node_msg *m)
{
    struct answer *w = ctx;
    take_device(w->a, m);
    if (m->type == NODE_MSG_STATE_SNAPSHOT)
        return take_records(w, m);
    if (m->type == NODE_MSG_ACK && w->out == NULL)
        w->out = bridge_json_new(node_mp_get(m->payload, "result"));
    return m->type == NODE_MSG_ACK && w->out == NULL ? CHT_E_NOMEM : CHT_OK;
}

/* The error that an answer carries is kept whole: of a claim it says who holds it. */
static void keep_error(struct agent *a, const struct node_msg *m)
{
    const struct cht_bytes error = node_mp_get(m->payload, "error");
    take_device(a, m);
    if (error.len == 0)
        return;
    json_decref(a->error);
    a->error = bridge_json_new(error);
}

/* Read until all of `asks` are answered. */
static enum cht_err hear(struct agent *a, struct agent_ask *asks, char ids[][NODE_REQUEST_ID_MAX],
                         struct answer *answers, size_t count)
{
    const int timeout_ms = a->timeout_ms == 0 ? NODE_TIMEOUT_MS : a->timeout_ms;
    for (size_t left = count; left > 0;) {
        struct node_msg m;
        enum cht_err err = node_client_next(a->client, timeout_ms, &a->fault, &m);
        if (err != CHT_OK)
            return err;
        size_t i = 0;
        while (i < count && !cht_bytes_eq(m.reply_to, cht_bytes_str(ids[i])))
            i++;
        if (i == count && m.reply_to.len == 0)
            (void)node_answer_take(&m, take_answer, &answers[0], &a->fault, &err);
        if (i == count && err != CHT_OK)
            return err; /* about the connection itself */
        if (i == count)
            continue;
        keep_error(a, &m);
        if (node_answer_take(&m, take_answer, &answers[i], &a->fault, &err)) {
            asks[i].err = err;
            left--;
        }
    }
    return CHT_OK;
}

static void forget_error(struct agent *a)
{
    json_decref(a->error);
    a->error = NULL;
}

enum cht_err agent_ask_all(struct agent *a, struct agent_ask *asks, size_t count)
{
    char ids[AGENT_ASKS_MAX][NODE_REQUEST_ID_MAX];
    struct answer answers[AGENT_ASKS_MAX] = { { 0 } };
    enum cht_err err = count <= AGENT_ASKS_MAX ? CHT_OK : CHT_E_INTERNAL;
    forget_error(a);
    for (size_t i = 0; i < count; i++) {
        struct cht_buf b;
        cht_buf_init(&b, LIMIT_CLIENT_BYTES);
        asks[i].out = NULL;
        asks[i].vector = NULL;
        asks[i].err = CHT_OK;
        if (err != CHT_OK) {
            json_decref(asks[i].payload);
            continue;
        }
        answers[i] = (struct answer){ .a = a };
        err = agent_message(a, asks[i].type, asks[i].payload, &b, ids[i]);
        if (err == CHT_OK)
            err = node_client_send(a->client, cht_buf_view(&b), &a->fault);
        cht_buf_clear(&b);
    }
    if (err == CHT_OK)
        err = hear(a, asks, ids, answers, count);
    for (size_t i = 0; i < count && i < AGENT_ASKS_MAX; i++) {
        if (err != CHT_OK || asks[i].err != CHT_OK) {
            forget(&answers[i]);
            continue;
        }
        asks[i].out = answers[i].out;
        asks[i].vector = answers[i].vector;
        asks[i].partial = answers[i].partial;
    }
    return err;
}

enum cht_err agent_connect_again(struct agent *a)
{
    const struct node_client_options client = { .no_start = a->no_start,
                                                .timeout_ms = a->timeout_ms };
    struct node_client *fresh;
    const enum cht_err err = node_client_open(&client, &a->fault, &fresh);
    if (err != CHT_OK)
        return err;
    node_client_close(a->client);
    a->client = fresh;
    return CHT_OK;
}

static enum cht_err ask(struct agent *a, enum node_msg_type type, json_t *payload, json_t **out)
{
    struct agent_ask one = { .type = type, .payload = json_incref(payload) };
    enum cht_err err = agent_ask_all(a, &one, 1);
    if (err == CHT_E_UNREACHABLE && agent_connect_again(a) == CHT_OK) {
        one.payload = json_incref(payload);
        err = agent_ask_all(a, &one, 1);
    }
    json_decref(payload);
    if (err == CHT_OK)
        err = one.err;
    free(one.vector);
    if (err == CHT_OK && out != NULL)
        *out = one.out;
    else
        json_decref(one.out);
    return err;
}

enum cht_err agent_query(struct agent *a, json_t *payload, json_t **out)
{
    return ask(a, NODE_MSG_QUERY, payload, out);
}

/* One key for this call: asked again, it is done once (LOCAL 3.5). */
static enum cht_err draw_key(struct agent *a, char key[static NODE_REQUEST_ID_MAX])
{
    struct cht_buf scratch;
    cht_buf_init(&scratch, LIMIT_CLIENT_BYTES);
    const enum cht_err err = node_request_begin(a->program, NULL, NODE_MSG_QUERY, &scratch, key);
    cht_buf_clear(&scratch);
    return err == CHT_OK ? CHT_OK : node_fault_from(&a->fault, err, NULL);
}

enum cht_err agent_change(struct agent *a, json_t *payload, const char *key, json_t **out)
{
    char drawn[NODE_REQUEST_ID_MAX];
    enum cht_err err = key == NULL ? draw_key(a, drawn) : CHT_OK;
    if (err == CHT_OK &&
        json_object_set_new(payload, "key", json_string(key == NULL ? drawn : key)) != 0)
        err = agent_fail(a, CHT_E_INVALID, "a key is 1 to 64 bytes of UTF-8");
    if (err != CHT_OK) {
        json_decref(payload);
        return err;
    }
    return ask(a, NODE_MSG_STATE_UPDATE, payload, out);
}

enum cht_err agent_command(struct agent *a, const char *name, json_t *args, json_t **out)
{
    return ask(a, NODE_MSG_COMMAND, json_pack("{s:s, s:o}", "name", name, "args", args), out);
}

/* --- payloads ------------------------------------------------------------------------------ */

json_t *agent_change_of(const char *operation, const char *domain, const char *id, json_t *data)
{
    return json_pack("{s:s, s:s, s:{s:s*, s:o*}}", "operation", operation, "domain", domain,
                     "entity", "chittyId", id, "data", data);
}

json_t *agent_query_of(const char *operation, const char *id)
{
    return json_pack("{s:s, s:{s:s}}", "operation", operation, "entity", "chittyId", id);
}

json_t *agent_where(const char *field, const char *op, json_t *value)
{
    return json_pack("{s:s, s:s, s:o*}", "field", field, "op", op, "value", value);
}

json_t *agent_first(json_t *records)
{
    json_t *first = json_incref(json_array_get(records, 0));
    json_decref(records);
    return first;
}

bool agent_default(json_t *data, const char *key, const char *value)
{
    return value[0] == '\0' || json_object_get(data, key) != NULL ||
           json_object_set_new(data, key, json_string(value)) == 0;
}
