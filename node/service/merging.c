/* `merge`, `unmerge`, `reconcile` and the query `duplicates` (LOCAL 9). What a merge writes is
 * merge_plan.c, what counts as the same merge_find.c. */
#include "node/service/merge.h"
#include "node/service/undo.h"

#include "crdt/limits.h"

#include <stdlib.h>

#define MERGES_MAX 512u /* of one request; `more` tells of the rest */
#define IDS_MAX    64u  /* named in one `merge` */
#define LIVE_MAX   8u   /* merges of one record made apart */

/* A request under way. Its answer is put together apart: what is committed midway takes along what
 * was answered by then. */
struct joining {
    struct node_service *s;
    const struct local_request *request;
    struct node_fault *fault;
    struct cht_buf list; /* of the merges made */
    uint32_t count, settled;
    bool dry, more;
};

static const struct crdt_id *id_of(const struct node_service *s, uint32_t n)
{
    return &node_replica_index(s->replica)->slots[n].id;
}

static int smaller(const void *left, const void *right)
{
    const struct crdt_id *a = left, *b = right;
    return memcmp(a->b, b->b, CRDT_ID_BYTES);
}

/* --- one merge ------------------------------------------------------------------------------- */

static enum cht_err note_merge(struct joining *j, uint32_t into, uint32_t alias, bool late)
{
    enum cht_err err = crdt_mp_put_map(&j->list, 3);
    if (err == CHT_OK)
        err = service_put_id("into", id_of(j->s, into), &j->list);
    if (err == CHT_OK)
        err = service_put_id("alias", id_of(j->s, alias), &j->list);
    j->count++;
    return err == CHT_OK ? node_mp_put_key_bool(&j->list, "late", late) : err;
}

/* Whoever holds the one that goes has the survivor, where that is free (LOCAL 9.2). */
static enum cht_err hand_on(struct joining *j, uint32_t into, const struct claimer *who)
{
    const struct crdt_state *state;
    enum cht_err err = node_replica_state(j->s->replica, into, &state);
    if (err != CHT_OK || claims_over(j->s, state) || claims_of(j->s, state).holder.len != 0)
        return err;
    return claims_write(j->s, into, who);
}

/* Who holds a todo, as one who claims; its `text` is empty where nobody does. */
static enum cht_err holder_of(struct joining *j, uint32_t n, struct claimer *out)
{
    const struct crdt_state *state;
    *out = (struct claimer){ .text = "" };
    enum cht_err err = node_replica_state(j->s->replica, n, &state);
    if (err != CHT_OK || state->id.type != CRDT_TODO)
        return err;
    const struct crdt_claim claim = claims_of(j->s, state);
    if (claim.holder.len == 0 || claim.holder.len > LIMIT_HOLDER_BYTES ||
        crdt_unhex(claim.device, out->device, CRDT_ID_BYTES) != CHT_OK)
        return CHT_OK;
    memcpy(out->text, claim.holder.data, claim.holder.len);
    out->text[claim.holder.len] = '\0';
    out->acting = crdt_id_parse(claim.holder, &out->actor) == CHT_OK;
    out->actor.type = 0; /* PROTOCOL 2.1: an actor is its 16 bytes */
    return CHT_OK;
}

static enum cht_err join_two(struct joining *j, uint32_t into, uint32_t alias, bool late)
{
    struct plan plan = { 0 };
    if (j->count >= MERGES_MAX) {
        j->more = true;
        return CHT_OK;
    }
    struct claimer holder;
    enum cht_err err = holder_of(j, alias, &holder);
    if (err == CHT_OK)
        err = merge_plan(j->s, into, alias, &plan);
    if (err == CHT_E_LIMIT)
        return node_fault_set(j->fault, err, cht_bytes(NULL, 0),
                              "more than %u records depend on what is to be merged",
                              LIMIT_HEAD_ENTRIES - 3u);
    if (err == CHT_OK)
        err = j->dry ? plan_check(&plan, j->fault) : plan_write(&plan, j->request, j->fault);
    if (err == CHT_OK && !j->dry)
        service_aliases_note(j->s, alias);
    if (err == CHT_OK && !j->dry && !late && holder.text[0] != '\0')
        err = hand_on(j, into, &holder);
    return err == CHT_OK ? note_merge(j, into, alias, late) : err;
}

/* Hold the answer: { merged: [ … ], proposed?, settled?, more? }. */
static enum cht_err hold(struct joining *j, const size_t *proposed)
{
    struct node_service *s = j->s;
    struct service_caller caller = service_caller_of(j->request);
    const size_t at = s->results.len;
    enum cht_err err = crdt_mp_put_map(&s->results, 1u + 2u * (proposed != NULL) + j->more);
    if (err == CHT_OK)
        err = node_mp_put_text(&s->results, "merged");
    if (err == CHT_OK)
        err = crdt_mp_put_array(&s->results, j->count);
    if (err == CHT_OK)
        err = cht_buf_add(&s->results, cht_buf_view(&j->list));
    if (err == CHT_OK && proposed != NULL)
        err = node_mp_put_key_uint(&s->results, "proposed", *proposed);
    if (err == CHT_OK && proposed != NULL)
        err = node_mp_put_key_uint(&s->results, "settled", j->settled);
    if (err == CHT_OK && j->more)
        err = node_mp_put_key_bool(&s->results, "more", true);
    if (err == CHT_OK)
        err = service_hold_answer(s, &caller, cht_bytes(NULL, 0), at, s->results.len - at);
    if (err != CHT_OK)
        s->results.len = at;
    return err;
}

/* --- merge ----------------------------------------------------------------------------------- */

static enum cht_err add_member(struct joining *j, struct cht_bytes text, unsigned *type,
                               struct crdt_id *ids, uint32_t *count)
{
    const struct crdt_state *state;
    uint32_t n;
    enum cht_err err = service_find(j->s, text, *type, j->fault, &n);
    if (err == CHT_OK)
        err = node_replica_state(j->s->replica, n, &state);
    if (err != CHT_OK)
        return err;
    if (crdt_state_hidden(state, node_replica_graph(j->s->replica)))
        return node_fault_set(j->fault, CHT_E_INVALID, cht_bytes_str("ids"),
                              "%.*s is deleted: bring it back before it is merged",
                              (int)(text.len > 80 ? 80 : text.len), (const char *)text.data);
    if (crdt_schema(state->id.type) == NULL || (*type != 0 && *type != state->id.type))
        return node_fault_set(j->fault, CHT_E_INVALID, cht_bytes_str("ids"),
                              "only records of one kind can be merged");
    *type = state->id.type;
    for (uint32_t i = 0; i < *count; i++) {
        if (crdt_id_eq(&ids[i], &state->id))
            return CHT_OK;
    }
    ids[(*count)++] = state->id;
    return CHT_OK;
}

/* LOCAL 9.2 */
static enum cht_err merge(struct joining *j, struct cht_bytes args)
{
    struct crdt_id ids[IDS_MAX + 1];
    uint32_t count = 0;
    unsigned type = crdt_type_from(node_mp_get_str(args, "domain"));
    const struct cht_bytes list = node_mp_get(args, "ids"), into = node_mp_get_str(args, "into");
    const uint64_t named = node_mp_count(list) + (into.len != 0);
    if (node_mp_kind(list) != CRDT_MP_ARRAY || named < 2 || node_mp_count(list) > IDS_MAX)
        return node_fault_set(j->fault, CHT_E_INVALID, cht_bytes_str("ids"),
                              "merge needs two records at least and takes %u at most", IDS_MAX);
    struct node_mp_iter it = node_mp_iter(list);
    struct cht_bytes value;
    enum cht_err err = into.len == 0 ? CHT_OK : add_member(j, into, &type, ids, &count);
    while (err == CHT_OK && node_mp_next(&it, NULL, &value))
        err = add_member(j, node_mp_str(value), &type, ids, &count);
    if (err != CHT_OK)
        return err;
    qsort(ids, count, sizeof *ids, smaller); /* PROTOCOL 5.10: the smallest id survives */
    const struct node_index *x = node_replica_index(j->s->replica);
    for (uint32_t i = 1; err == CHT_OK && i < count; i++)
        err = join_two(j, node_index_find(x, &ids[0]), node_index_find(x, &ids[i]), false);
    return err == CHT_OK ? hold(j, NULL) : err;
}

/* --- reconcile ------------------------------------------------------------------------------- */

/* What devices that did not know of a merge wrote to the hidden one. */
static enum cht_err take_late(struct joining *j, unsigned type)
{
    const struct service_aliases *a = &j->s->aliases;
    struct cht_buf numbers;
    cht_buf_init(&numbers, SIZE_MAX);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < a->edge_count; i++) {
        const uint32_t n = a->edges[i].from;
        bool late = false;
        if (id_of(j->s, n)->type != type || (i > 0 && a->edges[i - 1].from == n) ||
            service_survivor(j->s, n) == n)
            continue;
        err = merge_is_late(j->s, n, &late);
        if (err == CHT_OK && late)
            err = cht_buf_add_u32(&numbers, n);
    }
    struct cht_wire w = cht_wire(cht_buf_view(&numbers));
    while (err == CHT_OK && cht_wire_left(&w) != 0) {
        const uint32_t n = cht_wire_u32(&w);
        err = join_two(j, service_survivor(j->s, n), n, true);
    }
    cht_buf_clear(&numbers);
    return err;
}

/* Two devices merged one record into different ones: then these are one too. One at a time, for
 * each moves links that the next one has to find. */
static enum cht_err join_branches(struct joining *j, unsigned type)
{
    const struct service_aliases *a = &j->s->aliases;
    for (size_t i = 0; i < a->edge_count; i++) {
        const uint32_t from = a->edges[i].from;
        const uint32_t to = node_index_find(node_replica_index(j->s->replica), &a->edges[i].to);
        if (to == INDEX_NONE || to == from || id_of(j->s, from)->type != type)
            continue;
        const uint32_t here = service_survivor(j->s, from), there = service_survivor(j->s, to);
        if (here != there && here != from)
            return join_two(j, here, there, false);
    }
    return CHT_OK;
}

/* Devices that merged apart left concurrent statuses behind: the furthest, which is shown, stays.
 */
static enum cht_err settle_ranks(struct joining *j, uint32_t n)
{
    const struct crdt_type_schema *t = crdt_schema(id_of(j->s, n)->type);
    struct plan plan;
    struct plan_item item;
    enum cht_err err = plan_init(&plan, j->s, 1);
    if (err == CHT_OK)
        err = plan_begin(&plan, id_of(j->s, n), &item);
    for (size_t i = 0; err == CHT_OK && item.state != NULL && i < t->count; i++) {
        const struct crdt_cell *c =
            t->fields[i].policy != CRDT_RANK
                ? NULL
                : crdt_state_cell(item.state, t->fields[i].number, cht_bytes(NULL, 0));
        if (c == NULL || !crdt_cell_conflict(t->type, c))
            continue;
        struct crdt_op op = { .kind = CRDT_OP_PUT, .field = c->field };
        err = cht_arena_copy(&j->s->arena,
                             crdt_cell_shown(node_replica_graph(j->s->replica), t->type, c)->bytes,
                             &op.value);
        if (err == CHT_OK)
            err = plan_add(&plan, &item, &op);
    }
    if (err != CHT_OK || item.ops.count == 0)
        return err;
    plan_take(&plan, &item);
    j->settled++;
    return j->dry ? plan_check(&plan, j->fault) : plan_write(&plan, j->request, j->fault);
}

static enum cht_err settle_all(struct joining *j, unsigned type)
{
    const struct service_aliases *a = &j->s->aliases;
    enum cht_err err = CHT_OK;
    (void)service_survivor(j->s, 0); /* the list is up to date */
    for (size_t i = 0; err == CHT_OK && i < a->count; i++) {
        const uint32_t n = a->by_survivor[i].survivor;
        if (id_of(j->s, n)->type == type && (i == 0 || a->by_survivor[i - 1].survivor != n))
            err = settle_ranks(j, n);
    }
    return err;
}

static enum cht_err join_same(struct joining *j, unsigned type, uint32_t project,
                              size_t *out_proposed)
{
    struct merge_group *groups = NULL;
    size_t count = 0;
    enum cht_err err = merge_find(j->s, type, project, &groups, &count);
    *out_proposed = 0;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        *out_proposed += !groups[i].certain;
        for (uint32_t k = 1; groups[i].certain && err == CHT_OK && k < groups[i].count; k++)
            err = join_two(j, groups[i].members[0], groups[i].members[k], false);
    }
    return err;
}

/* LOCAL 9.5 */
static enum cht_err reconcile(struct joining *j, struct cht_bytes args)
{
    const struct cht_bytes domain = node_mp_get_str(args, "domain");
    const struct cht_bytes named = node_mp_get_str(args, "project");
    const unsigned type = domain.len == 0 ? CRDT_TODO : crdt_type_from(domain);
    uint32_t project = INDEX_NONE;
    size_t proposed = 0;
    if (crdt_schema(type) == NULL)
        return node_fault_set(j->fault, CHT_E_INVALID, cht_bytes_str("domain"),
                              "there is no such domain");
    enum cht_err err =
        named.len == 0 ? CHT_OK : service_find(j->s, named, CRDT_PROJECT, j->fault, &project);
    /* what one step writes, the next one finds in the rows after the commit: it is asked for again
     */
    enum cht_err (*const steps[])(struct joining * j, unsigned type) = { take_late, join_branches };
    for (size_t i = 0; err == CHT_OK && i < 2 && !j->more; i++) {
        err = steps[i](j, type);
        j->more |= j->count != 0 && !j->dry;
    }
    if (err == CHT_OK && !j->more)
        err = join_same(j, type, project, &proposed);
    if (err == CHT_OK && !j->more)
        err = settle_all(j, type);
    return err == CHT_OK ? hold(j, &proposed) : err;
}

/* --- unmerge --------------------------------------------------------------------------------- */

/* The transactions that made it an alias, each once. */
static enum cht_err merges_of(struct joining *j, const struct crdt_state *state,
                              struct undo_txn *txns, uint32_t *out_count)
{
    const struct crdt_cell *c = crdt_state_cell(state, CRDT_FIELD_ALIAS_OF, cht_bytes(NULL, 0));
    enum cht_err err = CHT_OK;
    uint32_t count = 0;
    for (uint32_t i = 0; err == CHT_OK && i < c->count && count < LIVE_MAX; i++) {
        err = undo_at(j->s, c->values[i].at, &txns[count]);
        bool again = false;
        for (uint32_t k = 0; err == CHT_OK && k < count; k++)
            again |= crdt_hash_eq(&txns[k].hash, &txns[count].hash);
        count += err == CHT_OK && !again;
    }
    *out_count = count;
    return err;
}

static enum cht_err put_left(struct joining *j, const struct undo_plan *u, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, "left");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, u->left_count < IDS_MAX ? u->left_count : IDS_MAX);
    for (uint32_t i = 0; err == CHT_OK && i < u->left_count && i < IDS_MAX; i++) {
        const struct crdt_id *id = id_of(j->s, u->left[i].entity);
        const struct crdt_field *f = crdt_field(id->type, u->left[i].field);
        err = crdt_mp_put_map(out, 2);
        if (err == CHT_OK)
            err = service_put_id("chittyId", id, out);
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "field", f == NULL ? "" : f->name);
    }
    return err;
}

/* The record is on its own again, whatever else could not be taken back. */
static enum cht_err set_free(struct undo_plan *u, const struct crdt_id *id)
{
    struct plan_item item;
    enum cht_err err = plan_begin(&u->plan, id, &item);
    if (err == CHT_OK)
        err = service_set_apart(&u->plan, &item);
    if (err == CHT_OK)
        err = plan_hide(&u->plan, &item, false);
    if (err == CHT_OK && item.ops.count != 0)
        plan_take(&u->plan, &item);
    return err;
}

static enum cht_err hold_unmerged(struct joining *j, const struct crdt_id *from,
                                  const struct crdt_id *id, const struct undo_plan *u)
{
    struct node_service *s = j->s;
    struct service_caller caller = service_caller_of(j->request);
    const size_t at = s->results.len;
    enum cht_err err = crdt_mp_put_map(&s->results, 3);
    if (err == CHT_OK)
        err = service_put_id("chittyId", id, &s->results);
    if (err == CHT_OK)
        err = service_put_id("from", from, &s->results);
    if (err == CHT_OK)
        err = put_left(j, u, &s->results);
    if (err == CHT_OK)
        err = service_hold_answer(s, &caller, cht_bytes(NULL, 0), at, s->results.len - at);
    if (err != CHT_OK)
        s->results.len = at;
    return err;
}

/* LOCAL 9.3 */
static enum cht_err unmerge(struct joining *j, struct cht_bytes args)
{
    struct undo_txn txns[LIVE_MAX];
    struct undo_plan u;
    const struct crdt_state *state;
    uint32_t n, count = 0;
    const struct cht_bytes text = node_mp_get_str(args, "chittyId");
    enum cht_err err = service_find_exact(j->s, text, 0, j->fault, &n);
    if (err == CHT_OK)
        err = node_replica_state(j->s->replica, n, &state);
    if (err != CHT_OK)
        return err;
    const uint32_t into = service_survivor(j->s, n);
    const struct crdt_id from = *id_of(j->s, into), id = *id_of(j->s, n);
    if (into == n) {
        (void)node_fault_set(j->fault, CHT_E_INVALID, cht_bytes_str("chittyId"),
                             "%.*s is not merged into anything",
                             (int)(text.len > 80 ? 80 : text.len), (const char *)text.data);
        node_fault_hint(j->fault,
                        "name the one that was hidden: 'origins' of a record tells which");
        return CHT_E_INVALID;
    }
    err = merges_of(j, state, txns, &count);
    if (err == CHT_OK)
        err = undo_plan(j->s, txns, count, false, false, true, &u);
    if (err == CHT_OK)
        err = set_free(&u, &id);
    if (err == CHT_OK)
        err = j->dry ? plan_check(&u.plan, j->fault) : plan_write(&u.plan, j->request, j->fault);
    if (err == CHT_OK && !j->dry)
        service_aliases_note(j->s, n);
    return err == CHT_OK ? hold_unmerged(j, &from, &id, &u) : err;
}

/* --- the commands and the query -------------------------------------------------------------- */

bool service_merging(struct node_service *s, const struct local_request *request,
                     const struct node_command *command)
{
    static const struct {
        const char *name;
        enum cht_err (*run)(struct joining *j, struct cht_bytes args);
    } table[] = { { "merge", merge }, { "unmerge", unmerge }, { "reconcile", reconcile } };
    struct node_fault fault = { 0 };
    struct joining j = { .s = s, .request = request, .fault = &fault };
    size_t i = 0;
    while (i < 3 && !cht_bytes_eq(command->name, cht_bytes_str(table[i].name)))
        i++;
    if (i == 3)
        return false;
    j.dry = node_mp_get_bool(command->args, "dry");
    cht_buf_init(&j.list, SERVICE_ANSWER_BYTES / 2);
    enum cht_err err = merge_rows_ready(s);
    if (err == CHT_OK)
        err = table[i].run(&j, command->args);
    cht_buf_clear(&j.list);
    if (err != CHT_OK) {
        struct service_caller caller = service_caller_of(request);
        fault.error.code = err;
        service_answer_fault(s, &caller, &fault);
    }
    return true;
}

static enum cht_err put_group(struct node_service *s, unsigned type, const struct merge_group *g,
                              struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "domain", crdt_type_domain(type));
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "text", g->text);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(out, "certain", g->certain);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "records");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, g->count);
    for (uint32_t i = 0; err == CHT_OK && i < g->count; i++)
        err = service_put_origin(s, g->members[i], out);
    return err;
}

/* LOCAL 4.16 */
void service_duplicates(struct node_service *s, const struct service_caller *c,
                        const struct node_query *q)
{
    const unsigned type = q->type == 0 ? CRDT_TODO : q->type;
    struct node_fault fault = { 0 };
    struct merge_group *groups = NULL;
    uint32_t project = INDEX_NONE, told = 0;
    size_t count = 0, at = 0;
    struct cht_buf out;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    enum cht_err err =
        q->project.len == 0 ? CHT_OK : service_find(s, q->project, CRDT_PROJECT, &fault, &project);
    if (err == CHT_OK)
        err = merge_find(s, type, project, &groups, &count);
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
        return;
    }
    err = service_records_begin(s, c, false, &out, &at);
    for (size_t i = 0; err == CHT_OK && i < count && out.len < SERVICE_ANSWER_BYTES / 2; i++) {
        err = put_group(s, type, &groups[i], &out);
        told++;
    }
    if (err == CHT_OK)
        service_records_end(&out, at, told);
    service_send(s, c, err, &out);
    cht_buf_clear(&out);
}
