/* Requests in, answers out, in the order of a turn; see service.h. */
#include "node/service/own.h"
#include "node/store/local.h"

#include <stdlib.h>

enum cht_err service_new(const struct service_options *options, struct node_service **out)
{
    struct node_service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CHT_E_NOMEM;
    s->path = strdup(options->path);
    if (s->path == NULL) {
        free(s);
        return CHT_E_NOMEM;
    }
    s->replica = options->replica;
    s->identity = options->identity;
    s->device_name = options->device_name;
    s->blobs = options->blobs;
    s->net = options->net;
    crdt_hex(cht_bytes(options->identity->device, CRDT_ID_BYTES), s->device_hex);
    cht_arena_init(&s->arena, LIMIT_TURN_BYTES);
    cht_buf_init(&s->answer, SERVICE_ANSWER_BYTES);
    cht_buf_init(&s->results, SIZE_MAX);
    s->claims.lease_ms = CLAIMS_LEASE_MS;
    *out = s;
    return CHT_OK;
}

static void forget(struct node_service *s)
{
    for (size_t i = 0; i < s->waiting_count; i++)
        cht_buf_clear(&s->waiting[i].message);
    s->written_count = s->waiting_count = 0;
}

void service_free(struct node_service *s)
{
    if (s == NULL)
        return;
    forget(s);
    while (s->watches != NULL)
        service_watch_drop(s, s->watches->caller.client);
    service_uploads_left(s, 0, true);
    service_awaits_left(s, 0, true);
    service_attached_clear(s);
    service_aliases_clear(s);
    claims_clear(s);
    free(s->written);
    free(s->waiting);
    free(s->turned);
    node_store_close(s->reader);
    cht_arena_clear(&s->arena);
    cht_buf_clear(&s->answer);
    cht_buf_clear(&s->results);
    free(s->path);
    free(s);
}

void service_replace(struct node_service *s, struct node_replica *replica, const char *path)
{
    node_store_close(s->reader);
    s->reader = NULL;
    s->replaced++;
    service_attached_clear(s);
    service_aliases_clear(s);
    claims_clear(s);
    service_awaits_fail(s);
    s->turned_count = 0;
    s->replica = replica;
    char *copy = strdup(path);
    if (copy != NULL) {
        free(s->path);
        s->path = copy;
    }
}

void service_turn(struct node_service *s, uint64_t now_ms)
{
    s->now_ms = now_ms;
}

/* --- a file that cannot be written ---------------------------------------------------------- */

void service_read_only(struct node_service *s, enum cht_err why)
{
    s->read_only = why;
    s->read_only_ms = why == CHT_OK ? 0 : s->now_ms;
}

void service_unwritable(const struct node_service *s, enum cht_err why, struct node_fault *out)
{
    if (why == CHT_E_FULL) {
        (void)node_fault_set(out, why, cht_bytes(NULL, 0),
                             "the disk is full: nothing of this change was kept");
        node_fault_hint(out, "make room on the disk of %.150s; the node notices it by itself",
                        s->path);
    } else {
        (void)node_fault_set(out, why, cht_bytes(NULL, 0),
                             "the change could not be made durable (%s): nothing of it was kept",
                             cht_err_text(why));
        node_fault_hint(out, "look after the disk of %.150s; the node notices when it works again",
                        s->path);
    }
}

/* Would it change something? Commands that are not known to only read are taken to. */
static bool changes(const struct node_msg *m)
{
    static const char *const readers[] = { "status",   "peers",       "members", "verify",
                                           "stop",     "metrics",     "health",  "backup",
                                           "discover", "quarantined", "blobs",   "blob-get",
                                           "renew" };
    struct node_command command;
    if (m->type != NODE_MSG_COMMAND || node_command_read(m->payload, NULL, &command) != CHT_OK)
        return m->type == NODE_MSG_STATE_UPDATE;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (cht_bytes_eq(command.name, cht_bytes_str(readers[i])))
            return false;
    }
    return true;
}

static bool refused(struct node_service *s, const struct local_request *request)
{
    if (s->read_only == CHT_OK || !changes(&request->msg))
        return false;
    struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    service_unwritable(s, s->read_only, &fault);
    service_answer_fault(s, &caller, &fault);
    return true;
}

uint64_t service_requests(const struct node_service *s)
{
    return s->requests;
}

bool service_wants_rows(const struct node_service *s)
{
    return s->waiting_count != 0;
}

static enum cht_err wait_for_commit(struct node_service *s, const struct local_request *request)
{
    if (s->waiting_count == s->waiting_cap) {
        size_t cap = s->waiting_cap == 0 ? 16 : s->waiting_cap * 2;
        struct service_waiting *grown = realloc(s->waiting, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        s->waiting = grown;
        s->waiting_cap = cap;
    }
    struct service_waiting *w = &s->waiting[s->waiting_count];
    *w = (struct service_waiting){ .client = request->client, .out = request->out };
    cht_buf_init(&w->message, LIMIT_CLIENT_BYTES);
    enum cht_err err = cht_buf_add(&w->message, request->bytes);
    if (err == CHT_OK)
        s->waiting_count++;
    return err;
}

/* A command that writes is carried out with the changes of its turn. */
static bool carried_out(struct node_service *s, const struct local_request *request)
{
    struct node_command command;
    if (request->msg.type != NODE_MSG_COMMAND ||
        node_command_read(request->msg.payload, NULL, &command) != CHT_OK)
        return false;
    if (service_upload(s, request, &command) || service_claim_command(s, request, &command))
        return true;
    if (service_is_ruling(command.name))
        service_rule(s, request, &command);
    else if (cht_bytes_eq(command.name, cht_bytes_str("resolve")))
        service_resolve_conflict(s, request, command.args);
    else if (cht_bytes_eq(command.name, cht_bytes_str("undo")))
        service_undo(s, request, command.args);
    else
        return service_merging(s, request, &command);
    return true;
}

static void on_request(void *ctx, const struct local_request *request)
{
    struct node_service *s = ctx;
    s->requests++;
    if (refused(s, request))
        return;
    claims_ready(s);
    claims_sign(s, request->msg.actor);
    cht_arena_reset(&s->arena);
    service_aliases_ready(s);
    /* many large changes in one turn: what is there is committed before more is taken */
    if (node_replica_full(s->replica))
        service_committed_midway(s, node_replica_commit(s->replica, false));
    if (request->msg.type == NODE_MSG_STATE_UPDATE) {
        service_change(s, request);
    } else if (!carried_out(s, request)) {
        enum cht_err err = wait_for_commit(s, request);
        struct service_caller caller = service_caller_of(request);
        if (err != CHT_OK)
            service_fail(s, &caller, err, "");
    }
}

static void on_closed(void *ctx, local_client_id client)
{
    const struct node_service *s = ctx;
    service_watch_drop(ctx, client);
    service_uploads_left(ctx, client, false);
    service_awaits_left(ctx, client, false);
    claims_asks_left(ctx, client, false);
    if (s->net.left != NULL)
        s->net.left(s->net.ctx, client);
}

struct local_handler service_handler(struct node_service *s)
{
    return (struct local_handler){ .ctx = s, .request = on_request, .closed = on_closed };
}

static void answer_written(struct node_service *s, enum cht_err err)
{
    for (size_t i = 0; i < s->written_count; i++) {
        const struct service_written *w = &s->written[i];
        if (err == CHT_OK) {
            service_answer_result(s, &w->caller,
                                  cht_bytes(s->results.data + w->result_at, w->result_len));
            continue;
        }
        struct node_fault fault = { 0 };
        service_unwritable(s, err, &fault);
        service_answer_fault(s, &w->caller, &fault);
    }
    s->written_count = 0;
    cht_buf_reset(&s->results);
}

static void answer_waiting(struct node_service *s)
{
    /* a command may replace the replica: the list is taken over first */
    struct service_waiting *list = s->waiting;
    size_t count = s->waiting_count;
    s->waiting = NULL;
    s->waiting_count = s->waiting_cap = 0;
    for (size_t i = 0; i < count; i++) {
        struct local_request request = { .client = list[i].client, .out = list[i].out };
        request.bytes = cht_buf_view(&list[i].message);
        cht_arena_reset(&s->arena);
        if (node_msg_read(request.bytes, NULL, NULL, &request.msg) == CHT_OK) {
            if (request.msg.type == NODE_MSG_COMMAND)
                service_command(s, &request);
            else
                service_query(s, &request);
        }
        cht_buf_clear(&list[i].message);
    }
    free(list);
}

void service_committed_midway(struct node_service *s, enum cht_err err)
{
    answer_written(s, err);
    if (err == CHT_OK) {
        service_attached_after(s);
        service_aliases_after(s);
        claims_after(s);
        service_tell(s);
    }
}

void service_after(struct node_service *s, enum cht_err err)
{
    answer_written(s, err);
    if (err != CHT_OK)
        return;
    service_attached_after(s);
    service_aliases_after(s);
    claims_after(s);
    service_tell(s);
    if (s->waiting_count != 0)
        answer_waiting(s);
}
