/* Changes by clients become transactions; see plan.h (LOCAL 3). */
#include "crdt/address.h"
#include "node/service/loop.h"
#include "node/service/plan.h"
#include "node/store/local.h"

#include <sodium.h>
#include <stdlib.h>

/* --- which entity -------------------------------------------------------------------------- */

static enum cht_err whole_id(const struct node_change *c, struct node_fault *fault,
                             struct crdt_id *out)
{
    if (crdt_id_parse(c->id, out) == CHT_OK && (c->type == 0 || out->type == c->type))
        return CHT_OK;
    return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("chittyId"),
                          "\"%.*s\" is no whole id of this kind%s", (int)c->id.len,
                          (const char *)c->id.data,
                          c->op == NODE_CREATE ? ": leave it out and one is drawn" : "");
}

/* Of what is to be made, or may have been made. `*out_drawn`: nobody can have it yet. */
static enum cht_err new_entity(const struct node_change *c, struct node_fault *fault,
                               struct crdt_id *out, bool *out_drawn)
{
    *out_drawn = false;
    if (c->id.len != 0)
        return whole_id(c, fault, out);
    if (service_natural_id(c->type, c->data, out))
        return CHT_OK;
    if (c->op == NODE_UPSERT)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("chittyId"),
                              "an upsert needs entity.chittyId, a whole id: this %s has no name "
                              "that one could be made of",
                              crdt_type_table(c->type));
    out->type = (uint8_t)c->type;
    randombytes_buf(out->b, CRDT_ID_BYTES);
    *out_drawn = true;
    return CHT_OK;
}

static enum cht_err known_entity(const struct plan *p, const struct node_change *c,
                                 struct node_fault *fault, struct crdt_id *out)
{
    struct crdt_id id;
    uint32_t n;
    if (p->count != 0 && crdt_id_parse(c->id, &id) == CHT_OK &&
        (c->type == 0 || id.type == c->type) && plan_has(p, &id)) {
        *out = id;
        return CHT_OK;
    }
    enum cht_err err = service_find_exact(p->s, c->id, c->type, fault, &n);
    if (err == CHT_OK)
        *out = node_replica_index(p->s->replica)->slots[n].id;
    return err;
}

static enum cht_err begin_change(struct plan *p, const struct node_change *c,
                                 struct node_fault *fault, struct plan_item *item)
{
    struct crdt_id id = { 0 };
    bool drawn = false;
    const bool makes = c->op == NODE_CREATE || c->op == NODE_UPSERT;
    enum cht_err err = makes ? new_entity(c, fault, &id, &drawn) : known_entity(p, c, fault, &id);
    const struct crdt_id survivor = service_survivor_id(p->s, &id);
    const bool alias = err == CHT_OK && c->op != NODE_CREATE && !crdt_id_eq(&survivor, &id);
    if (err == CHT_OK)
        err = plan_begin(p, alias ? &survivor : &id, item);
    if (err != CHT_OK)
        return err;
    item->drawn = drawn;
    item->is_alias = alias;
    item->alias = id;
    if (c->op != NODE_CREATE || drawn || !plan_exists(p, item))
        return CHT_OK;
    char text[CRDT_ID_TEXT_MAX];
    crdt_id_text(&id, text);
    return node_fault_set(fault, CHT_E_EXISTS, cht_bytes_str("chittyId"),
                          "%s exists already%s: update it, or upsert it", text,
                          plan_hidden(p, item) ? " and is deleted" : "");
}

/* --- one change ---------------------------------------------------------------------------- */

static struct node_shown shown_before(const struct plan *p, const struct plan_item *item,
                                      bool with_status)
{
    struct node_shown shown = { .exists = plan_exists(p, item) };
    static const char *const names[] = { "status", "completed_at", "started_at" };
    struct plan_cell cells[3] = { { 0 } };
    for (size_t i = 0; shown.exists && with_status && i < 3; i++) {
        const struct crdt_field *f = crdt_field_named(item->id.type, cht_bytes_str(names[i]));
        if (f != NULL)
            cells[i] = plan_cell(p, item, f->number, cht_bytes(NULL, 0));
    }
    shown.status = node_mp_str(cells[0].bytes);
    shown.completed_at = cells[1].live;
    shown.started_at = cells[2].live;
    return shown;
}

/* PROTOCOL 1.9: a repository's address is kept in its one form, where it has one. */
static enum cht_err tidy_address(struct plan *p, struct node_edit *edits, size_t count)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        if (edits[i].kind != NODE_EDIT_PUT || strcmp(edits[i].field->name, "url") != 0)
            continue;
        struct cht_buf text, value;
        cht_buf_init(&text, LIMIT_TITLE_BYTES);
        cht_buf_init(&value, LIMIT_VALUE_BYTES);
        if (crdt_address_normal(node_mp_str(edits[i].value), &text) == CHT_OK) {
            err = crdt_mp_put_str(&value, cht_buf_view(&text));
            if (err == CHT_OK)
                err = cht_arena_copy(&p->s->arena, cht_buf_view(&value), &edits[i].value);
        }
        cht_buf_clear(&text);
        cht_buf_clear(&value);
    }
    return err;
}

/* PROTOCOL 5.10: a merge hides the one and gives the other what it had; a bare link does neither.
 * An import takes over what was merged before (LOCAL 3.10). */
static enum cht_err check_alias(const struct node_edit *edits, size_t count,
                                struct node_fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        if (edits[i].field->number != CRDT_FIELD_ALIAS_OF)
            continue;
        (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("alias_of"),
                             "alias_of is written by the commands merge and unmerge");
        return CHT_E_INVALID;
    }
    return CHT_OK;
}

static enum cht_err write_data(struct plan *p, const struct node_change *c,
                               struct node_fault *fault, struct plan_item *item)
{
    struct node_id_resolver resolver = service_resolver(p->s);
    struct node_edit *edits;
    size_t count;
    enum cht_err err =
        node_edits_read(item->id.type, c->data, &resolver, &p->s->arena, fault, &edits, &count);
    if (err == CHT_OK)
        err = p->circles ? CHT_OK : check_alias(edits, count, fault);
    if (err == CHT_OK && item->id.type == CRDT_REPO)
        err = tidy_address(p, edits, count);
    if (err == CHT_OK && item->id.type == CRDT_TODO)
        err = plan_check_recurrence(edits, count, fault);
    if (err != CHT_OK)
        return err;
    const struct node_shown shown = shown_before(p, item, node_edits_tell_status(edits, count));
    err = node_edits_complete(item->id.type, &shown, p->s->now_ms, &p->s->arena, &edits, &count);
    return err == CHT_OK ? plan_edits(p, item, edits, count) : err;
}

enum cht_err plan_change(struct plan *p, const struct node_change *c, struct node_fault *fault)
{
    struct plan_item item;
    enum cht_err err = begin_change(p, c, fault, &item);
    if (err == CHT_OK && (c->op == NODE_DELETE || c->op == NODE_UNDELETE))
        err = plan_hide(p, &item, c->op == NODE_DELETE);
    else if (err == CHT_OK)
        err = write_data(p, c, fault, &item);
    if (err == CHT_OK)
        err = plan_expected(p, c, &item, fault);
    if (err != CHT_OK)
        return err;
    err = plan_room(p);
    if (err != CHT_OK)
        return err;
    plan_take(p, &item);
    const uint32_t place = p->count - 1;
    err = plan_recur(p, place);
    return err == CHT_OK ? plan_claims(p, place) : err;
}

/* --- answers ------------------------------------------------------------------------------- */

static enum cht_err put_result(struct plan *p, uint32_t place, bool dry, struct cht_buf *out)
{
    const struct plan_item *item = &p->items[place];
    const bool named = !(dry && item->drawn);
    struct node_service *s = p->s;
    enum cht_err err = crdt_mp_put_map(out, 3u + dry + (item->next != NULL) + item->is_alias +
                                                (item->stale.len != 0));
    if (err == CHT_OK)
        err = named ? service_put_id("chittyId", &item->id, out)
                    : node_mp_put_key_text(out, "type", crdt_type_table(item->id.type));
    if (err == CHT_OK)
        err = service_put_vector(s, "version", node_replica_applied(s->replica), out);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(out, "changed", item->ops.count != 0);
    if (err == CHT_OK && dry)
        err = plan_put_would(p, place, out);
    if (err == CHT_OK && item->is_alias)
        err = service_put_id("alias", &item->alias, out);
    if (err == CHT_OK && item->stale.len != 0)
        err = node_mp_put_key_raw(out, "stale", item->stale);
    return err == CHT_OK && item->next != NULL ? service_put_id("next", item->next, out) : err;
}

static enum cht_err put_results(struct plan *p, const struct node_mutation *m, struct cht_buf *out)
{
    enum cht_err err = CHT_OK;
    if (m->batch) {
        err = crdt_mp_put_map(out, 1);
        if (err == CHT_OK)
            err = node_mp_put_text(out, "results");
        if (err == CHT_OK)
            err = crdt_mp_put_array(out, m->count);
    }
    for (uint32_t i = 0; err == CHT_OK && i < p->count; i++) {
        if (!p->items[i].brought)
            err = put_result(p, i, m->dry, out);
    }
    return err;
}

enum cht_err service_hold_answer(struct node_service *s, const struct service_caller *caller,
                                 struct cht_bytes key, size_t at, size_t len)
{
    if (s->written_count == s->written_cap) {
        size_t cap = s->written_cap == 0 ? 64 : s->written_cap * 2;
        struct service_written *grown = realloc(s->written, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        s->written = grown;
        s->written_cap = cap;
    }
    struct service_written *w = &s->written[s->written_count++];
    w->caller = *caller;
    w->key_len = key.len;
    w->result_at = at;
    w->result_len = len;
    if (key.len != 0)
        memcpy(w->key, key.data, key.len);
    return CHT_OK;
}

bool service_answered_before(struct node_service *s, const struct service_caller *caller,
                             struct cht_bytes key)
{
    if (key.len == 0)
        return false;
    for (size_t i = 0; i < s->written_count; i++) {
        const struct service_written *w = &s->written[i];
        if (cht_bytes_eq(cht_bytes(w->key, w->key_len), key))
            return service_hold_answer(s, caller, cht_bytes(NULL, 0), w->result_at,
                                       w->result_len) == CHT_OK;
    }
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    bool found = node_kept_answer(node_replica_store(s->replica), key, &result) == CHT_OK;
    if (found)
        service_answer_result(s, caller, cht_buf_view(&result));
    cht_buf_clear(&result);
    return found;
}

enum cht_err service_actor(const struct local_request *request, struct node_fault *fault,
                           struct crdt_id *out, bool *out_any)
{
    *out_any = request->msg.actor.len != 0;
    if (!*out_any)
        return CHT_OK;
    if (crdt_id_parse(request->msg.actor, out) != CHT_OK)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("source.chittyId"),
                              "\"%.*s\" is no id", (int)request->msg.actor.len,
                              (const char *)request->msg.actor.data);
    out->type = 0; /* PROTOCOL 2.1: an actor is its 16 bytes */
    return CHT_OK;
}

/* Write what is planned, and hold the answer until it is durable. */
static enum cht_err carry_out(struct plan *p, const struct local_request *request,
                              const struct node_mutation *m, struct node_fault *fault)
{
    struct node_service *s = p->s;
    struct service_caller caller = service_caller_of(request);
    const bool writing = !m->dry && plan_writing(p) != 0;
    size_t at = s->results.len;
    enum cht_err err = m->dry ? plan_check(p, fault) : plan_write(p, request, fault);
    if (err == CHT_OK)
        err = put_results(p, m, &s->results);
    struct cht_bytes result = { 0 };
    if (err == CHT_OK)
        result = cht_bytes(s->results.data + at, s->results.len - at);
    if (err == CHT_OK && result.len > SERVICE_ANSWER_BYTES)
        err = CHT_E_LIMIT;
    if (err == CHT_OK && writing && m->key.len != 0)
        err = node_replica_keep_answer(s->replica, m->key, result, s->now_ms);
    if (err == CHT_OK)
        err = service_hold_answer(s, &caller, m->dry ? cht_bytes(NULL, 0) : m->key, at, result.len);
    if (err != CHT_OK)
        s->results.len = at;
    return err;
}

void service_change(struct node_service *s, const struct local_request *request)
{
    struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct node_mutation m;
    struct plan plan = { 0 };
    enum cht_err err = node_mutation_read(request->msg.payload, &fault, &m);
    if (err == CHT_OK && !m.dry && service_answered_before(s, &caller, m.key))
        return;
    if (err == CHT_OK)
        err = plan_init(&plan, s, 2 * m.count); /* each may bring one along */
    plan.circles = err == CHT_OK && m.circles;
    if (err == CHT_OK)
        plan.session = service_session_of(request->msg.actor, &s->arena);
    for (unsigned i = 0; err == CHT_OK && i < m.count; i++) {
        struct node_change c = node_mutation_next(&m);
        err = plan_change(&plan, &c, &fault);
    }
    if (err == CHT_OK)
        err = carry_out(&plan, request, &m, &fault);
    if (err == CHT_E_CONFLICT && plan.clash != NULL) {
        service_answer_clash(s, &caller, &plan);
    } else if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, &caller, &fault);
    }
}
