/* The commands `claim` and `release`; see claims_own.h (LOCAL 8.1 to 8.4). */
#include "node/service/claims_own.h"
#include "node/service/plan.h"

#include <stdio.h>

#define RELEASED_MAX 4096u /* ids in one answer */

/* --- who ------------------------------------------------------------------------------------ */

static enum cht_err nobody(struct node_fault *fault)
{
    (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("session"),
                         "nobody is named that claims");
    node_fault_hint(fault, "give a session's id, or USER@DEVICE");
    return CHT_E_INVALID;
}

static enum cht_err take_session(const struct crdt_id *id, struct claimer *out)
{
    crdt_id_text(id, out->text);
    out->actor = (struct crdt_id){ .type = 0 };
    memcpy(out->actor.b, id->b, CRDT_ID_BYTES);
    out->acting = true;
    return CHT_OK;
}

enum cht_err claims_who(struct node_service *s, const struct local_request *request,
                        struct cht_bytes args, struct node_fault *fault, struct claimer *out)
{
    const struct cht_bytes named = node_mp_get_str(args, "session");
    struct crdt_id id;
    uint32_t n;
    *out = (struct claimer){ .acting = false };
    memcpy(out->device, s->identity->device, CRDT_ID_BYTES);
    enum cht_err err = service_actor(request, fault, &out->actor, &out->acting);
    if (err != CHT_OK)
        return err;
    if (memchr(named.data == NULL ? (const uint8_t *)"" : named.data, '@', named.len) != NULL) {
        if (!net_claim_holder_valid(named))
            return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("session"),
                                  "who claims has to be text of at most %u bytes without control "
                                  "characters",
                                  LIMIT_HOLDER_BYTES);
        memcpy(out->text, named.data, named.len);
        return CHT_OK;
    }
    if (named.len != 0) {
        if (crdt_id_parse(named, &id) == CHT_OK && id.type == CRDT_SESSION)
            return take_session(&id, out);
        err = service_find(s, named, CRDT_SESSION, fault, &n);
        return err == CHT_OK ? take_session(&node_replica_index(s->replica)->slots[n].id, out)
                             : err;
    }
    if (!out->acting || crdt_id_parse(request->msg.actor, &id) != CHT_OK)
        return nobody(fault);
    crdt_id_text(&id, out->text);
    return CHT_OK;
}

/* --- what: the first that is ready ------------------------------------------------------------ */

/* The arguments as the payload of a list (LOCAL 4.3). */
static enum cht_err put_list_payload(struct cht_bytes args, struct cht_buf *out)
{
    const struct cht_bytes is = node_mp_get(args, "is"), project = node_mp_get(args, "project");
    static const char *const same[] = { "where", "text", "filter" };
    const size_t sames = sizeof same / sizeof same[0];
    const bool filtered = node_mp_get(args, "filter").len != 0;
    uint32_t count = 3u + (project.len != 0 && !filtered);
    for (size_t i = 0; i < sames; i++)
        count += node_mp_get(args, same[i]).len != 0;
    enum cht_err err = crdt_mp_put_map(out, count);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "operation", "list");
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "domain", "todos");
    if (err == CHT_OK)
        err = node_mp_put_text(out, "is");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, 1 + (uint32_t)(node_mp_count(is) & 0xff));
    if (err == CHT_OK)
        err = node_mp_put_text(out, "ready");
    struct node_mp_iter it = node_mp_iter(is);
    struct cht_bytes word;
    for (unsigned i = 0; err == CHT_OK && i < (node_mp_count(is) & 0xff); i++) {
        word = cht_bytes(NULL, 0);
        (void)node_mp_next(&it, NULL, &word);
        err = crdt_mp_put_str(out, node_mp_str(word));
    }
    for (size_t i = 0; err == CHT_OK && i < sames; i++) {
        if (node_mp_get(args, same[i]).len != 0)
            err = node_mp_put_key_raw(out, same[i], node_mp_get(args, same[i]));
    }
    if (filtered || project.len == 0)
        return err;
    if (err == CHT_OK)
        err = node_mp_put_text(out, "filter");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    return err == CHT_OK ? node_mp_put_key_raw(out, "project", project) : err;
}

struct choosing {
    struct node_service *s;
    struct match match;
    struct match_world world;
    const struct service_ask *before;
};

/* Is it free at this very moment? The tables may be behind what this turn did. */
static bool is_free(struct choosing *c, uint32_t n)
{
    const struct crdt_state *todo;
    for (unsigned i = 0; c->before != NULL && i < c->before->tried_count; i++) {
        if (c->before->tried[i] == n)
            return false;
    }
    return !claims_asked(c->s, n) && node_replica_state(c->s->replica, n, &todo) == CHT_OK &&
           !crdt_state_hidden(todo, c->world.graph) && match_state(&c->match, &c->world, todo);
}

static enum cht_err first_free(struct choosing *c, struct node_store *store,
                               const struct node_find *find, uint32_t *out)
{
    struct node_cursor *cursor;
    enum cht_err err = node_find_open(store, find, "n", &cursor);
    if (err != CHT_OK)
        return err;
    while (err == CHT_OK && (err = node_find_next(cursor)) == CHT_OK) {
        const uint32_t n = (uint32_t)node_find_int(cursor, 0);
        if (!is_free(c, n))
            continue;
        *out = n;
        break;
    }
    node_find_close(cursor);
    return err;
}

/* What was written before this turn stands in the tables, once a turn. */
static void show_rows(struct node_service *s)
{
    if (!s->claims.rows_seen && node_replica_dirty(s->replica))
        service_committed_midway(s, node_replica_commit(s->replica, true));
    s->claims.rows_seen = true;
}

static enum cht_err choose(struct node_service *s, struct cht_bytes args,
                           const struct service_ask *before, struct node_fault *fault,
                           uint32_t *out)
{
    struct match_question question = { 0 };
    struct node_query q;
    struct cht_buf payload;
    struct choosing c = { .s = s,
                          .before = before,
                          .world = { .graph = node_replica_graph(s->replica),
                                     .now_ms = s->now_ms,
                                     .ctx = s,
                                     .is_open = service_todo_open,
                                     .is_held = service_todo_held } };
    struct cht_bytes lapsed = { 0 };
    show_rows(s);
    cht_buf_init(&payload, LIMIT_CLIENT_BYTES);
    enum cht_err err = put_list_payload(args, &payload);
    if (err == CHT_OK)
        err = node_query_read(cht_buf_view(&payload), NODE_LIST, fault, &q);
    if (err == CHT_OK)
        err = match_read(s, &q, &s->arena, fault, &c.match);
    if (err == CHT_OK)
        err = match_sql(&c.match, NULL, 0, s->now_ms, &s->arena, &question);
    if (err == CHT_OK)
        err = claims_lapsed_list(s, &s->arena, &lapsed);
    c.match.phrase_count = 0; /* the index was asked */
    if (err == CHT_OK) {
        const struct node_find find = {
            .type = CRDT_TODO,
            .where = question.where.len == 0 ? NULL : (const char *)question.where.data,
            .args = question.args,
            .arg_count = question.arg_count,
            .narrow = question.narrow,
            .narrow_count = question.narrow_count,
            .only = question.only,
            .now_ms = s->now_ms,
            .lapsed = lapsed,
            .match = question.words,
        };
        err = first_free(&c, node_replica_store(s->replica), &find, out);
        if (err == CHT_E_NOTFOUND)
            (void)node_fault_set(fault, err, cht_bytes(NULL, 0), "nothing is ready");
    }
    cht_buf_clear(&question.where);
    cht_buf_clear(&question.order);
    cht_buf_clear(&payload);
    return err;
}

/* --- answers -------------------------------------------------------------------------------- */

static enum cht_err put_granted(struct node_service *s, uint32_t n, bool already,
                                struct cht_buf *out)
{
    const struct crdt_state *todo;
    uint8_t arbiter[CRDT_ID_BYTES] = { 0 };
    char hex[2 * CRDT_ID_BYTES + 1], token[48];
    enum cht_err err = node_replica_state(s->replica, n, &todo);
    if (err != CHT_OK)
        return err;
    const struct crdt_claim claim = claims_of(s, todo);
    (void)claims_arbiter(s, todo, arbiter);
    crdt_hex(cht_bytes(arbiter, CRDT_ID_BYTES), hex);
    (void)snprintf(token, sizeof token, "%llu.%llu", (unsigned long long)claim.generation,
                   (unsigned long long)claim.counter);
    err = crdt_mp_put_map(out, 8u + already);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &todo->id, out);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "title", claims_title(s, n));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "token", token);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state", claim.confirmed ? "held" : "unconfirmed");
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "since", claim.at_ms);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "lease", s->claims.lease_ms);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "arbiter", hex);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "holder", claim.holder);
    return err == CHT_OK && already ? node_mp_put_key_bool(out, "already", true) : err;
}

enum cht_err claims_answer_granted(struct node_service *s, const struct service_caller *c,
                                   struct cht_bytes key, uint32_t n, bool already)
{
    const size_t at = s->results.len;
    enum cht_err err = put_granted(s, n, already, &s->results);
    const struct cht_bytes result = cht_bytes(s->results.data + at, s->results.len - at);
    if (err == CHT_OK && key.len != 0)
        err = node_replica_keep_answer(s->replica, key, result, s->now_ms);
    if (err == CHT_OK)
        err = service_hold_answer(s, c, key, at, result.len);
    if (err != CHT_OK)
        s->results.len = at;
    return err;
}

/* --- claim ---------------------------------------------------------------------------------- */

static bool same_holder(const struct crdt_claim *claim, const struct claimer *who)
{
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(who->device, CRDT_ID_BYTES), hex);
    return cht_bytes_eq(claim->holder, cht_bytes_str(who->text)) &&
           cht_bytes_eq(claim->device, cht_bytes_str(hex));
}

struct claiming {
    struct node_service *s;
    const struct local_request *request;
    struct service_caller caller;
    struct cht_bytes args, key;
    struct claimer who;
    bool next, force;
    const struct service_ask *before; /* it was asked already; NULL: not yet */
    struct node_fault fault;
    uint32_t n;
};

static enum cht_err find_todo(struct claiming *x)
{
    const struct cht_bytes text = node_mp_get_str(x->args, "todo");
    const struct crdt_state *todo;
    if (x->next)
        return choose(x->s, x->args, x->before, &x->fault, &x->n);
    if (text.len == 0)
        return node_fault_set(&x->fault, CHT_E_INVALID, cht_bytes_str("todo"),
                              "say which todo, or next: true");
    enum cht_err err = service_find(x->s, text, CRDT_TODO, &x->fault, &x->n);
    if (err == CHT_OK)
        err = node_replica_state(x->s->replica, x->n, &todo);
    if (err == CHT_OK && claims_over(x->s, todo))
        return node_fault_set(&x->fault, CHT_E_INVALID, cht_bytes_str("todo"),
                              "\"%.*s\" is finished or deleted: there is nothing to work on",
                              (int)claims_title(x->s, x->n).len,
                              (const char *)claims_title(x->s, x->n).data);
    return err;
}

/* The arbiter is asked where it can be: CHT_E_WAITING, the answer comes later. */
static enum cht_err ask_arbiter(struct claiming *x)
{
    const struct crdt_state *todo;
    uint8_t arbiter[CRDT_ID_BYTES];
    enum cht_err err = node_replica_state(x->s->replica, x->n, &todo);
    if (err != CHT_OK)
        return err;
    if (!claims_arbiter(x->s, todo, arbiter) ||
        memcmp(arbiter, x->s->identity->device, CRDT_ID_BYTES) == 0 ||
        !claims_may_write(x->s, arbiter))
        return CHT_OK;
    err = claims_ask(x->s, x->request, x->n, arbiter, &x->who, x->force, x->before);
    if (err == CHT_E_BUSY)
        return node_fault_set(&x->fault, err, cht_bytes(NULL, 0),
                              "too many claims are being asked for: try again");
    return err == CHT_E_UNREACHABLE ? CHT_OK : err == CHT_OK ? CHT_E_WAITING : err;
}

static enum cht_err carry_out(struct claiming *x, bool may_ask)
{
    struct node_service *s = x->s;
    const struct crdt_state *todo;
    enum cht_err err = find_todo(x);
    if (err == CHT_OK)
        err = node_replica_state(s->replica, x->n, &todo);
    if (err != CHT_OK)
        return err;
    const struct crdt_claim claim = claims_of(s, todo);
    if (claim.holder.len != 0 && same_holder(&claim, &x->who)) {
        uint8_t key[HOLDER_KEY_BYTES];
        claims_key(claim.holder, key);
        (void)claims_alive(s, key, NULL);
        return claims_answer_granted(s, &x->caller, x->key, x->n, true);
    }
    if (claim.holder.len != 0 && !x->force && !claims_lapsed(s, x->n, &claim)) {
        claims_answer_held(s, &x->caller, x->n);
        return CHT_OK;
    }
    if (!claims_may_write(s, s->identity->device))
        return service_may_not_write(s, &x->fault);
    err = may_ask ? ask_arbiter(x) : CHT_OK;
    if (err != CHT_OK)
        return err;
    err = claims_write(s, x->n, &x->who);
    if (err == CHT_E_DENIED)
        return service_may_not_write(s, &x->fault);
    return err == CHT_OK ? claims_answer_granted(s, &x->caller, x->key, x->n, false) : err;
}

static enum cht_err begin(struct claiming *x)
{
    x->caller = service_caller_of(x->request);
    x->key = node_mp_get_str(x->args, "key");
    x->next = node_mp_get_bool(x->args, "next");
    x->force = node_mp_get_bool(x->args, "force");
    if (x->key.len > NODE_KEY_BYTES)
        return node_fault_set(&x->fault, CHT_E_INVALID, cht_bytes_str("key"),
                              "key may have at most %u bytes", NODE_KEY_BYTES);
    return claims_who(x->s, x->request, x->args, &x->fault, &x->who);
}

static void end(struct claiming *x, enum cht_err err)
{
    if (err == CHT_OK || err == CHT_E_WAITING)
        return;
    if (x->fault.error.code != err)
        (void)node_fault_from(&x->fault, err, NULL);
    service_answer_fault(x->s, &x->caller, &x->fault);
}

static void do_claim(struct node_service *s, const struct local_request *request,
                     struct cht_bytes args)
{
    struct claiming x = { .s = s, .request = request, .args = args };
    enum cht_err err = begin(&x);
    if (err == CHT_OK && service_answered_before(s, &x.caller, x.key))
        return;
    end(&x, err == CHT_OK ? carry_out(&x, true) : err);
}

/* --- an arbiter has answered, or has not ------------------------------------------------------ */

/* What it said when the entry that tells it is not here yet. */
static enum cht_err refused(struct claiming *x, enum net_claim_state state)
{
    if (state == NET_CLAIM_DENIED)
        return node_fault_set(&x->fault, CHT_E_DENIED, cht_bytes(NULL, 0),
                              "the device that grants claims of it does not let this one write");
    if (x->next)
        return node_fault_set(&x->fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                              "others were faster each time: try again");
    if (state == NET_CLAIM_GONE)
        return node_fault_set(&x->fault, CHT_E_INVALID, cht_bytes_str("todo"),
                              "it is finished or deleted on the device that grants claims of it");
    return node_fault_set(&x->fault, CHT_E_CONFLICT, cht_bytes(NULL, 0),
                          "another session has just claimed it");
}

void claims_go_on(struct node_service *s, struct service_ask *ask, enum net_claim_state state)
{
    struct local_request request = { .client = ask->client, .out = ask->out };
    struct node_command command;
    request.bytes = cht_buf_view(&ask->message);
    if (node_msg_read(request.bytes, NULL, NULL, &request.msg) != CHT_OK ||
        node_command_read(request.msg.payload, NULL, &command) != CHT_OK)
        return;
    struct claiming x = { .s = s, .request = &request, .args = command.args, .before = ask };
    enum cht_err err = begin(&x);
    x.n = ask->n;
    if (err == CHT_OK && state == NET_CLAIM_GRANTED)
        err = claims_answer_granted(s, &x.caller, x.key, ask->n, false);
    else if (err == CHT_OK && state == NET_CLAIM_WRONG)
        err = carry_out(&x, false); /* nobody answers: unconfirmed */
    else if (err == CHT_OK && x.next && ask->tried_count < sizeof ask->tried / sizeof ask->tried[0])
        err = carry_out(&x, true);
    else if (err == CHT_OK)
        err = refused(&x, state);
    end(&x, err);
}

/* --- release -------------------------------------------------------------------------------- */

static enum cht_err release_one(struct node_service *s, uint32_t n, const struct claimer *who,
                                bool force, bool *out_held)
{
    const struct crdt_state *todo;
    uint8_t key[HOLDER_KEY_BYTES];
    enum cht_err err = node_replica_state(s->replica, n, &todo);
    if (err != CHT_OK)
        return err;
    const struct crdt_claim claim = claims_of(s, todo);
    const struct crdt_id id = todo->id;
    const bool own = cht_bytes_eq(claim.holder, cht_bytes_str(who->text));
    claims_key(cht_bytes_str(who->text), key);
    claims_held_forget(s, key, &id); /* also what was lost before */
    *out_held = claim.holder.len != 0;
    if (!*out_held)
        return CHT_OK;
    if (!own && !force)
        return CHT_E_CONFLICT;
    return claims_release(s, n, who->acting ? &who->actor : NULL);
}

static enum cht_err put_ids(struct node_service *s, const uint32_t *list, size_t count,
                            struct cht_buf *out)
{
    char text[CRDT_ID_TEXT_MAX];
    enum cht_err err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "released");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, (uint32_t)count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        crdt_id_text(&node_replica_index(s->replica)->slots[list[i]].id, text);
        err = node_mp_put_text(out, text);
    }
    return err;
}

/* The todos that the holder has, in the request's arena. */
static enum cht_err all_of(struct node_service *s, const struct claimer *who, uint32_t **out,
                           size_t *out_count)
{
    const struct service_claims *c = &s->claims;
    uint8_t key[HOLDER_KEY_BYTES];
    size_t count = 0;
    const size_t most = c->lease_count + c->turn_count;
    uint32_t *list = cht_arena_array(&s->arena, most + 1, sizeof *list);
    if (list == NULL)
        return CHT_E_NOMEM;
    claims_key(cht_bytes_str(who->text), key);
    claims_held_forget(s, key, NULL);
    for (size_t i = 0; i < c->lease_count; i++) {
        if (memcmp(c->leases[i].key, key, HOLDER_KEY_BYTES) == 0)
            list[count++] = c->leases[i].n;
    }
    for (size_t i = 0; i < c->turn_count; i++)
        list[count++] = c->turn[i]; /* one that is another's is passed over */
    *out = list;
    *out_count = count < RELEASED_MAX ? count : RELEASED_MAX;
    return CHT_OK;
}

static void do_release(struct node_service *s, const struct local_request *request,
                       struct cht_bytes args)
{
    struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct claimer who;
    const bool all = node_mp_get_bool(args, "all"), force = node_mp_get_bool(args, "force");
    uint32_t one, *list = &one;
    size_t count = 1, released = 0;
    const size_t at = s->results.len;
    enum cht_err err = claims_who(s, request, args, &fault, &who);
    if (err == CHT_OK)
        err = all ? all_of(s, &who, &list, &count)
                  : service_find(s, node_mp_get_str(args, "todo"), CRDT_TODO, &fault, &one);
    if (err == CHT_OK && !claims_may_write(s, s->identity->device))
        err = service_may_not_write(s, &fault);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        bool held = false;
        err = release_one(s, list[i], &who, force && !all, &held);
        if (err == CHT_E_CONFLICT && all)
            err = CHT_OK;
        else if (err == CHT_OK && held)
            list[released++] = list[i];
    }
    if (err == CHT_E_CONFLICT) {
        claims_answer_held(s, &caller, one);
        return;
    }
    if (err == CHT_OK)
        err = put_ids(s, list, released, &s->results);
    if (err == CHT_OK)
        err = service_hold_answer(s, &caller, cht_bytes(NULL, 0), at, s->results.len - at);
    if (err != CHT_OK) {
        s->results.len = at;
        if (fault.error.code != err)
            (void)node_fault_from(&fault, err, NULL);
        service_answer_fault(s, &caller, &fault);
    }
}

bool service_claim_command(struct node_service *s, const struct local_request *request,
                           const struct node_command *command)
{
    if (cht_bytes_eq(command->name, cht_bytes_str("claim")))
        do_claim(s, request, command->args);
    else if (cht_bytes_eq(command->name, cht_bytes_str("release")))
        do_release(s, request, command->args);
    else
        return false;
    return true;
}
