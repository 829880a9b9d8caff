/* Commands: what the node is and does; see own.h (LOCAL 6). */
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

static enum cht_err put_root(const struct node_service *s, struct cht_buf *out)
{
    struct crdt_root root = node_replica_root(s->replica);
    uint8_t bytes[CRDT_HASH_BYTES];
    char hex[2 * CRDT_HASH_BYTES + 1];
    crdt_root_bytes(&root, bytes);
    crdt_hex(cht_bytes(bytes, sizeof bytes), hex);
    return node_mp_put_key_text(out, "root", hex);
}

/* Device to the highest applied seq of its tips, for people. */
static enum cht_err put_vector_map(const struct node_service *s, struct cht_buf *out)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    enum cht_err err = node_mp_put_text(out, "vector");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, g->device_count);
    for (uint32_t d = 0; err == CHT_OK && d < g->device_count; d++) {
        char hex[2 * CRDT_ID_BYTES + 1];
        uint32_t seq = 0;
        for (uint32_t i = 0; i < g->devices[d].chain_count; i++) {
            const struct crdt_graph_chain *c = &g->chains[g->devices[d].chains[i]];
            seq = c->applied.seq > seq ? c->applied.seq : seq;
        }
        crdt_hex(cht_bytes(g->devices[d].id, CRDT_ID_BYTES), hex);
        err = node_mp_put_key_uint(out, hex, seq);
    }
    return err;
}

static enum cht_err count_rows(struct node_service *s, unsigned type, uint64_t *out)
{
    struct node_cursor *cursor;
    struct node_find find = { .type = type };
    enum cht_err err = node_find_open(node_replica_store(s->replica), &find, "count(*)", &cursor);
    if (err != CHT_OK)
        return err;
    err = node_find_next(cursor);
    if (err == CHT_OK)
        *out = (uint64_t)node_find_int(cursor, 0);
    node_find_close(cursor);
    return err;
}

static enum cht_err put_counts(struct node_service *s, const struct node_replica_counts *counts,
                               struct cht_buf *out)
{
    size_t types;
    (void)crdt_schema_at(0, &types);
    enum cht_err err = node_mp_put_text(out, "counts");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, (uint32_t)types + 3);
    for (size_t i = 0; err == CHT_OK && i < types; i++) {
        unsigned type = crdt_schema_at(i, NULL)->type;
        uint64_t count = 0;
        err = count_rows(s, type, &count);
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, crdt_type_domain(type), count);
    }
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "entries", counts->entries);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "chains", counts->chains);
    return err == CHT_OK ? node_mp_put_key_uint(out, "members", counts->devices) : err;
}

static enum cht_err put_from_net(enum cht_err (*put)(void *ctx, struct cht_buf *out), void *ctx,
                                 const char *key, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, key);
    if (err != CHT_OK)
        return err;
    return put == NULL ? crdt_mp_put_array(out, 0) : put(ctx, out);
}

/* What a helper of the node does; without a running node: off. */
static enum cht_err put_helper(const struct node_service *s, const char *key,
                               enum cht_err (*put)(void *, struct cht_buf *), struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, key);
    if (err == CHT_OK && put != NULL)
        return put(s->net.ctx, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    return err == CHT_OK ? node_mp_put_key_text(out, "state", "off") : err;
}

/* nil, or why the file cannot be written and since when. */
static enum cht_err put_read_only(const struct node_service *s, struct cht_buf *out)
{
    struct node_fault fault = { 0 };
    enum cht_err err = node_mp_put_text(out, "readOnly");
    if (err != CHT_OK || s->read_only == CHT_OK)
        return err == CHT_OK ? crdt_mp_put_nil(out) : err;
    service_unwritable(s, s->read_only, &fault);
    err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "code", cht_err_code(s->read_only));
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "since", s->read_only_ms);
    return err == CHT_OK ? node_mp_put_key_text(out, "hint", fault.hint) : err;
}

enum cht_err service_put_status(struct node_service *s, struct cht_buf *out)
{
    struct node_replica_counts counts = node_replica_count(s->replica);
    char space[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(node_replica_space(s->replica), CRDT_ID_BYTES), space);
    enum cht_err err = crdt_mp_put_map(out, 17);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "device", s->device_hex);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "deviceName", s->device_name);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "space", space);
    if (err == CHT_OK)
        err = put_root(s, out);
    if (err == CHT_OK)
        err = put_vector_map(s, out);
    if (err == CHT_OK)
        err = put_counts(s, &counts, out);
    if (err == CHT_OK)
        err = put_from_net(s->net.peers, s->net.ctx, "peers", out);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "waiting", counts.waiting);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "quarantined", counts.voids + counts.ruled);
    if (err == CHT_OK)
        err = service_put_standing(s, out);
    if (err == CHT_OK)
        err = put_from_net(s->net.addresses, s->net.ctx, "addresses", out);
    if (err == CHT_OK)
        err = put_helper(s, "discovery", s->net.discovery, out);
    if (err == CHT_OK)
        err = put_helper(s, "observer", s->net.observer, out);
    if (err == CHT_OK)
        err = put_read_only(s, out);
    if (err == CHT_OK)
        err = service_put_forks(s, out);
    if (err == CHT_OK)
        err = service_put_clones(s, out);
    return err == CHT_OK ? node_mp_put_key_text(out, "version", CHT_VERSION) : err;
}

void service_send_built(struct node_service *s, const struct service_caller *c, enum cht_err err,
                        const struct cht_buf *result)
{
    if (err == CHT_OK)
        service_answer_result(s, c, cht_buf_view(result));
    else
        service_fail(s, c, err, "");
}

static void do_status(struct node_service *s, const struct service_caller *c)
{
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    enum cht_err err = service_put_status(s, &result);
    service_send_built(s, c, err, &result);
    cht_buf_clear(&result);
}

static void do_peers(struct node_service *s, const struct service_caller *c)
{
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    bool running = s->net.strangers != NULL;
    enum cht_err err = crdt_mp_put_map(&result, running ? 2 : 1);
    if (err == CHT_OK)
        err = put_from_net(s->net.peers, s->net.ctx, "peers", &result);
    if (err == CHT_OK && running)
        err = put_from_net(s->net.strangers, s->net.ctx, "strangers", &result);
    service_send_built(s, c, err, &result);
    cht_buf_clear(&result);
}

/* --- verify and rebuild -------------------------------------------------------------------- */

#define PROBLEMS_MAX 1000u

struct problems {
    struct cht_buf list;
    uint32_t count;
    enum cht_err err;
};

static void add_problem(void *ctx, const char *where, const char *what)
{
    struct problems *p = ctx;
    if (p->err != CHT_OK || p->count == PROBLEMS_MAX)
        return;
    p->err = crdt_mp_put_map(&p->list, 2);
    if (p->err == CHT_OK)
        p->err = node_mp_put_key_text(&p->list, "where", where);
    if (p->err == CHT_OK)
        p->err = node_mp_put_key_text(&p->list, "what", what);
    p->count++;
}

static enum cht_err put_verified(const struct node_verified *v, const struct problems *p,
                                 struct cht_buf *out)
{
    uint8_t bytes[CRDT_HASH_BYTES];
    char hex[2 * CRDT_HASH_BYTES + 1];
    crdt_root_bytes(&v->root, bytes);
    crdt_hex(cht_bytes(bytes, sizeof bytes), hex);
    enum cht_err err = crdt_mp_put_map(out, 5);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(out, "ok", v->ok);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "root", hex);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "chains", v->chains);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "entries", v->entries);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "problems");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, p->count);
    return err == CHT_OK ? cht_buf_add(out, cht_buf_view(&p->list)) : err;
}

static void do_verify(struct node_service *s, const struct service_caller *c)
{
    struct problems p = { 0 };
    struct node_verified v;
    struct cht_buf result;
    cht_buf_init(&p.list, SERVICE_ANSWER_BYTES / 2);
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    enum cht_err err = node_replica_verify(s->replica, add_problem, &p, &v);
    if (err == CHT_OK)
        err = p.err;
    if (err == CHT_OK)
        err = put_verified(&v, &p, &result);
    service_send_built(s, c, err, &result);
    cht_buf_clear(&p.list);
    cht_buf_clear(&result);
}

static void do_rebuild(struct node_service *s, const struct service_caller *c)
{
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    enum cht_err err = node_replica_rebuild(s->replica);
    service_attached_clear(s); /* entities have other numbers now */
    service_aliases_clear(s);
    claims_clear(s);
    struct node_replica_counts counts = node_replica_count(s->replica);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&result, 3);
    if (err == CHT_OK)
        err = put_root(s, &result);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&result, "entries", counts.entries);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&result, "entities", counts.entities);
    if (err == CHT_E_CORRUPT)
        service_fail(s, c, err, "the log itself is damaged: run 'chitty-node verify'");
    else
        service_send_built(s, c, err, &result);
    cht_buf_clear(&result);
}

/* --- the table ----------------------------------------------------------------------------- */

static void do_stop(struct node_service *s, const struct service_caller *c)
{
    static const uint8_t empty_map[] = { 0x80 };
    service_answer_result(s, c, cht_bytes(empty_map, sizeof empty_map));
    if (s->net.stop != NULL)
        s->net.stop(s->net.ctx);
}

static void
only_running(struct node_service *s, const struct local_request *request, struct cht_bytes args,
             void (*run)(void *ctx, const struct local_request *request, struct cht_bytes args))
{
    struct service_caller c = service_caller_of(request);
    if (run != NULL)
        run(s->net.ctx, request, args);
    else
        service_fail(s, &c, CHT_E_UNREACHABLE, "this needs a running node: chitty-node run");
}

void service_command(struct node_service *s, const struct local_request *request)
{
    static const struct {
        const char *name;
        void (*run)(struct node_service *s, const struct service_caller *c);
    } table[] = {
        { "status", do_status },
        { "peers", do_peers },
        { "verify", do_verify },
        { "rebuild", do_rebuild },
        { "stop", do_stop },
        { "health", service_health },
        { "members", service_members },
        { "metrics", service_metrics },
    };
    struct service_caller c = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct node_command command;
    enum cht_err err = node_command_read(request->msg.payload, &fault, &command);
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, &c, &fault);
        return;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (cht_bytes_eq(command.name, cht_bytes_str(table[i].name))) {
            table[i].run(s, &c);
            return;
        }
    }
    if (cht_bytes_eq(command.name, cht_bytes_str("backup"))) {
        service_backup(s, &c, command.args);
    } else if (cht_bytes_eq(command.name, cht_bytes_str("renew"))) {
        service_renew(s, request, command.args);
    } else if (cht_bytes_eq(command.name, cht_bytes_str("blob-get"))) {
        service_blob_get(s, &c, command.args);
    } else if (cht_bytes_eq(command.name, cht_bytes_str("blobs"))) {
        service_blobs_command(s, &c, command.args);
    } else if (cht_bytes_eq(command.name, cht_bytes_str("invite"))) {
        only_running(s, request, command.args, s->net.invite);
    } else if (cht_bytes_eq(command.name, cht_bytes_str("join"))) {
        only_running(s, request, command.args, s->net.join);
    } else if (cht_bytes_eq(command.name, cht_bytes_str("quarantined"))) {
        service_quarantined(s, &c, command.args);
    } else {
        (void)node_fault_set(&fault, CHT_E_UNSUPPORTED, cht_bytes_str("name"),
                             "this node does not know the command \"%.*s\"", (int)command.name.len,
                             (const char *)command.name.data);
        service_answer_fault(s, &c, &fault);
    }
}
