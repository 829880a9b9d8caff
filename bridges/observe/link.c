/* The node as the observer sees it; see observe.h (LOCAL 3, 4). Two connections: one for news, one
 * for requests, so that no answer is waited for among events. */
#include "bridges/observe/observe.h"

#include "crdt/limits.h"
#include "node/client/request.h"

#define FIELDS_MAX 8u

struct subject {
    unsigned type;
    const char *fields[FIELDS_MAX]; /* ends with NULL */
    const char *where;              /* told only while it has a value here; NULL: always */
    void (*take)(struct observer *o, const struct observe_record *r);
};

static const struct subject subjects[] = {
    { CRDT_REPO, { "worktrees" }, NULL, observe_repos_take },
    { CRDT_SERVICE,
      { "check_url", "check_every", "check_timeout", "health", "checks" },
      NULL,
      observe_checks_take },
    { CRDT_SESSION, { "status", "last_active", "process" }, NULL, observe_sessions_take },
    { CRDT_TODO,
      { "reminders", "reminded", "status", "defer" },
      "reminders",
      observe_reminders_take },
    { CRDT_CHECKPOINT, { "reminders", "reminded" }, "reminders", observe_reminders_take },
};

#define SUBJECTS (sizeof subjects / sizeof subjects[0])

/* --- requests ------------------------------------------------------------------------------ */

enum cht_err observe_begin(enum node_msg_type type, struct cht_buf *out)
{
    char id[NODE_REQUEST_ID_MAX];
    return node_request_begin("observe", NULL, type, out, id);
}

enum cht_err observe_ask(struct observer *o, const char *what, struct cht_bytes message,
                         node_answer_fn each, void *ctx)
{
    struct node_fault fault = { 0 };
    enum cht_err err = node_client_call(o->desk, message, false, each, ctx, &fault);
    if (err == CHT_E_UNREACHABLE || err == CHT_E_TIMEOUT)
        o->over = true;
    if (err != CHT_OK && err != CHT_E_NOTFOUND && !o->over)
        observe_log("warning", "%s: %s", what, cht_error_text(&fault.error));
    return err;
}

static enum cht_err nothing(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    (void)answer;
    return CHT_OK;
}

static enum cht_err put_entity(const char *id, struct cht_buf *b)
{
    enum cht_err err = node_mp_put_text(b, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    return err == CHT_OK ? node_mp_put_key_text(b, "chittyId", id) : err;
}

enum cht_err observe_change(struct observer *o, const char *id, struct cht_bytes data)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    enum cht_err err = observe_begin(NODE_MSG_STATE_UPDATE, &b);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "operation", node_change_op_word(NODE_UPDATE));
    if (err == CHT_OK)
        err = node_mp_put_text(&b, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "chittyId", id);
    if (err == CHT_OK)
        err = node_mp_put_key_raw(&b, "data", data);
    if (err == CHT_OK)
        err = observe_ask(o, id, cht_buf_view(&b), nothing, NULL);
    cht_buf_clear(&b);
    return err;
}

struct getting {
    struct cht_buf *out;
    bool any;
};

static enum cht_err take_get(void *ctx, const struct node_msg *answer)
{
    struct getting *g = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (!node_mp_next(&it, NULL, &record) || node_mp_get_bool(record, "deleted"))
        return CHT_OK;
    g->any = true;
    return cht_buf_add(g->out, node_mp_get(record, "data"));
}

/* A query of one record. */
static enum cht_err query(struct observer *o, const char *operation, const char *id,
                          node_answer_fn each, void *ctx)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    enum cht_err err = observe_begin(NODE_MSG_QUERY, &b);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "operation", operation);
    if (err == CHT_OK)
        err = put_entity(id, &b);
    if (err == CHT_OK)
        err = observe_ask(o, id, cht_buf_view(&b), each, ctx);
    cht_buf_clear(&b);
    return err;
}

enum cht_err observe_get(struct observer *o, const char *id, struct cht_buf *out)
{
    struct getting g = { .out = out };
    enum cht_err err = query(o, "get", id, take_get, &g);
    return err == CHT_OK && !g.any ? CHT_E_NOTFOUND : err;
}

/* --- who wrote a value --------------------------------------------------------------------- */

struct asking {
    const struct observer *o;
    struct cht_bytes field;
    const char *key;
    bool ours;
};

static enum cht_err take_show(void *ctx, const struct node_msg *answer)
{
    struct asking *a = ctx;
    struct node_mp_iter records = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record, cell, value;
    if (!node_mp_next(&records, NULL, &record))
        return CHT_OK;
    struct node_mp_iter cells = node_mp_iter(node_mp_get(record, "cells"));
    while (node_mp_next(&cells, NULL, &cell)) {
        if (!cht_bytes_eq(node_mp_get_str(cell, "field"), a->field) ||
            (a->key != NULL && !cht_bytes_eq(node_mp_get_str(cell, "key"), cht_bytes_str(a->key))))
            continue;
        struct node_mp_iter values = node_mp_iter(node_mp_get(cell, "values"));
        while (node_mp_next(&values, NULL, &value))
            if (node_mp_get_bool(value, "shown"))
                a->ours =
                    cht_bytes_eq(node_mp_get_str(value, "device"), cht_bytes_str(a->o->device));
    }
    return CHT_OK;
}

bool observe_is_ours(struct observer *o, const char *id, const char *field, const char *key)
{
    struct asking a = { .o = o, .field = cht_bytes_str(field), .key = key };
    return query(o, "show", id, take_show, &a) == CHT_OK && a.ours;
}

/* --- records ------------------------------------------------------------------------------- */

static const struct subject *subject_of(unsigned type)
{
    for (size_t i = 0; i < SUBJECTS; i++)
        if (subjects[i].type == type)
            return &subjects[i];
    return NULL;
}

/* A record, or the `entity` of an event. */
static void take_record(struct observer *o, struct cht_bytes record, bool gone)
{
    struct observe_record r = { .gone = gone, .data = node_mp_get(record, "data") };
    struct crdt_id id;
    const struct cht_bytes text = node_mp_get_str(record, "chittyId");
    if (crdt_id_parse(text, &id) != CHT_OK)
        return;
    crdt_id_text(&id, r.id);
    r.type = id.type;
    const struct subject *subject = subject_of(id.type);
    if (subject != NULL)
        subject->take(o, &r);
}

static enum cht_err take_list(void *ctx, const struct node_msg *answer)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    while (node_mp_next(&it, NULL, &record))
        take_record(ctx, record, false);
    return CHT_OK;
}

void observe_link_take(struct observer *o)
{
    struct node_msg m;
    enum cht_err err;
    while ((err = node_client_next(o->news, 0, NULL, &m)) == CHT_OK) {
        const struct cht_bytes operation = node_mp_get_str(m.payload, "operation");
        if (m.type == NODE_MSG_EVENT)
            take_record(o, node_mp_get(m.payload, "entity"),
                        cht_bytes_eq(operation, cht_bytes_str("delete")));
    }
    if (err != CHT_E_TIMEOUT)
        o->over = true;
}

/* --- opening ------------------------------------------------------------------------------- */

/* where: [{field, op: any}] (LOCAL 4.10) */
static enum cht_err put_where(const char *field, struct cht_buf *b)
{
    enum cht_err err = node_mp_put_text(b, "where");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, 1);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "field", field);
    return err == CHT_OK ? node_mp_put_key_text(b, "op", node_cond_op_word(NODE_COND_ANY)) : err;
}

/* A list or a watch of a subject. */
static enum cht_err put_query(const struct subject *s, const char *operation, struct cht_buf *b)
{
    uint32_t fields = 0;
    while (fields < FIELDS_MAX && s->fields[fields] != NULL)
        fields++;
    enum cht_err err = observe_begin(NODE_MSG_QUERY, b);
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 3 + (s->where != NULL));
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "operation", operation);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "domain", crdt_type_domain(s->type));
    if (err == CHT_OK)
        err = node_mp_put_text(b, "fields");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, fields);
    for (uint32_t i = 0; err == CHT_OK && i < fields; i++)
        err = node_mp_put_text(b, s->fields[i]);
    return err == CHT_OK && s->where != NULL ? put_where(s->where, b) : err;
}

static enum cht_err ask_subject(struct observer *o, struct node_client *client,
                                const struct subject *s, const char *operation, node_answer_fn each,
                                struct node_fault *fault)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    enum cht_err err = put_query(s, operation, &b);
    if (err == CHT_OK)
        err = node_client_call(client, cht_buf_view(&b), false, each, o, fault);
    cht_buf_clear(&b);
    return err;
}

static enum cht_err take_status(void *ctx, const struct node_msg *answer)
{
    struct observer *o = ctx;
    const struct cht_bytes device =
        node_mp_get_str(node_mp_get(answer->payload, "result"), "device");
    if (device.len != 2 * CRDT_ID_BYTES)
        return CHT_E_MALFORMED;
    memcpy(o->device, device.data, device.len);
    o->device[device.len] = '\0';
    return CHT_OK;
}

static enum cht_err learn_device(struct observer *o, struct node_fault *fault)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    enum cht_err err = observe_begin(NODE_MSG_COMMAND, &b);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "name", "status");
    if (err == CHT_OK)
        err = node_client_call(o->desk, cht_buf_view(&b), false, take_status, o, fault);
    cht_buf_clear(&b);
    return err;
}

enum cht_err observe_link_open(struct observer *o, struct node_fault *fault)
{
    const struct node_client_options options = { .no_start = true };
    enum cht_err err = node_client_open(&options, fault, &o->desk);
    if (err == CHT_OK)
        err = node_client_open(&options, fault, &o->news);
    if (err == CHT_OK)
        err = learn_device(o, fault);
    /* every watch first: what an event says that passes meanwhile, a list says after it */
    for (size_t i = 0; err == CHT_OK && i < SUBJECTS; i++)
        err = ask_subject(o, o->news, &subjects[i], "watch", nothing, fault);
    for (size_t i = 0; err == CHT_OK && i < SUBJECTS; i++)
        err = ask_subject(o, o->desk, &subjects[i], "list", take_list, fault);
    return err;
}

void observe_link_close(struct observer *o)
{
    node_client_close(o->news);
    node_client_close(o->desk);
    o->news = o->desk = NULL;
}
