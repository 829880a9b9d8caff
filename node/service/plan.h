#ifndef NODE_SERVICE_PLAN_H
#define NODE_SERVICE_PLAN_H
/* Inside node/service only: a change on its way to be entries. A request's changes are planned one
 * after the other, each on what the ones before it will have done, and written together or not at
 * all (LOCAL 3). */
#include "node/service/own.h"

struct plan_ops {
    struct crdt_op *list; /* in the request's arena */
    uint32_t count, cap;
};

#define PLAN_NONE UINT32_MAX

/* One change of a plan. */
struct plan_item {
    struct crdt_id id;
    const struct crdt_state *state; /* as the replica has it; NULL: it has nothing of it */
    struct plan_ops ops;
    uint32_t before; /* the change of this plan that last wrote the same entity; PLAN_NONE */
    bool drawn;      /* its id was drawn for this request */
    bool brought;    /* another change brought it along: it has no result of its own */
    bool is_alias;   /* `alias` was asked for, which is merged into this one */
    struct crdt_id alias;
    struct cht_bytes stale;     /* the holder it went past, a map (LOCAL 8.7); empty: none */
    const struct crdt_id *next; /* what this one brought along; NULL: nothing */
};

#define PLAN_BUCKETS 512u

struct plan {
    struct node_service *s;
    struct plan_item *items;
    uint32_t count, cap;
    struct cht_bytes session;    /* the text of whose change it is, where that is a session */
    bool circles;                /* links may lead back (LOCAL 3.10) */
    uint32_t last[PLAN_BUCKETS]; /* by entity, the place in `items` + 1; those of one bucket … */
    uint32_t *chain;             /* … hang together here */
    const struct crdt_state *clash; /* compare-and-set failed here … */
    struct cht_bytes expected;      /* … against this version */
};

/* Room for so many changes in the request's arena. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err plan_init(struct plan *p, struct node_service *s, uint32_t cap);
/* Begin a change of an entity; it counts once plan_take has been called. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err plan_begin(struct plan *p, const struct crdt_id *id,
                                     struct plan_item *out);
void plan_take(struct plan *p, const struct plan_item *item);
/* Make room for one more change; places stay, pointers into `items` do not. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err plan_room(struct plan *p);
/* Has this plan a change that writes the entity? */
bool plan_has(const struct plan *p, const struct crdt_id *id);
/* How many changes write something. */
uint32_t plan_writing(const struct plan *p);

/* What a cell will hold when the changes before this one are done. */
struct plan_cell {
    bool live;              /* it has a value */
    bool sole;              /* … and only that one */
    struct cht_bytes bytes; /* the one shown */
};
struct plan_cell plan_cell(const struct plan *p, const struct plan_item *item, uint16_t field,
                           struct cht_bytes key);
/* Will the entity have anything; will it be hidden? */
bool plan_exists(const struct plan *p, const struct plan_item *item);
bool plan_hidden(const struct plan *p, const struct plan_item *item);
/* Call `each` for every cell of a field that will be live before this change. Stops at an error. */
typedef enum cht_err plan_each_fn(void *ctx, struct cht_bytes key);
CHT_MUST_USE enum cht_err plan_each_key(const struct plan *p, const struct plan_item *item,
                                        uint16_t field, plan_each_fn *each, void *ctx);

/* Add an op. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err plan_add(struct plan *p, struct plan_item *item,
                                   const struct crdt_op *op);
/* … unless the cell will hold just that already (LOCAL 3.3). CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err plan_op(struct plan *p, struct plan_item *item, const struct crdt_op *op);
/* … the ops of edits. */
CHT_MUST_USE enum cht_err plan_edits(struct plan *p, struct plan_item *item,
                                     const struct node_edit *edits, size_t count);
/* … hide the entity or bring it back. */
CHT_MUST_USE enum cht_err plan_hide(struct plan *p, struct plan_item *item, bool hidden);

/* … say that the record is no duplicate: a merge that was taken back is not made again by itself
 * (PROTOCOL 5.10). (merge_plan.c) */
CHT_MUST_USE enum cht_err service_set_apart(struct plan *p, struct plan_item *item);

/* The change with all it brings along. CHT_E_CONFLICT with `clash` set: `expect` did not hold;
 * errors with `fault`. */
CHT_MUST_USE enum cht_err plan_change(struct plan *p, const struct node_change *c,
                                      struct node_fault *fault);
/* Where the change at `place` completes a recurring todo: the next one (LOCAL 3.8). CHT_E_NOMEM; as
 * plan_begin. */
CHT_MUST_USE enum cht_err plan_recur(struct plan *p, uint32_t place);
/* What the change at `place` does to claims: it ends them, or is stale (PROTOCOL 13.7, 13.8).
 * CHT_E_NOMEM; as plan_begin. */
CHT_MUST_USE enum cht_err plan_claims(struct plan *p, uint32_t place);
/* CHT_E_INVALID: an edit writes a recurrence that is not understood. */
CHT_MUST_USE enum cht_err plan_check_recurrence(const struct node_edit *edits, size_t count,
                                                struct node_fault *fault);
/* LOCAL 3.4: has anything in the way been changed since `c->expect`? */
CHT_MUST_USE enum cht_err plan_expected(struct plan *p, const struct node_change *c,
                                        const struct plan_item *item, struct node_fault *fault);
/* The answer to a request whose plan clashed (LOCAL 5.3). */
void service_answer_clash(struct node_service *s, const struct service_caller *caller,
                          const struct plan *p);
/* "would": the fields that the change at `place` writes, what they show before it and after it. */
CHT_MUST_USE enum cht_err plan_put_would(const struct plan *p, uint32_t place, struct cht_buf *out);
/* Would plan_write take it? Errors as it. */
CHT_MUST_USE enum cht_err plan_check(struct plan *p, struct node_fault *fault);
/* CHT_E_LIMIT, in words. */
enum cht_err plan_too_large(struct node_fault *fault);
/* What is planned as writes, in the request's arena, when their links may stand (loop.h). */
CHT_MUST_USE enum cht_err plan_writes(struct plan *p, struct node_write **out, size_t *out_count,
                                      struct node_fault *fault);
/* Write what is planned, on behalf of the request's actor. */
CHT_MUST_USE enum cht_err plan_write(struct plan *p, const struct local_request *request,
                                     struct node_fault *fault);
/* On whose behalf a request is. CHT_E_INVALID: what it says is no id. */
CHT_MUST_USE enum cht_err service_actor(const struct local_request *request,
                                        struct node_fault *fault, struct crdt_id *out,
                                        bool *out_any);
/* The id of what has a name of its own (PROTOCOL 1.8), from the `data` of a change; false: it has
 * none. */
bool service_natural_id(unsigned type, struct cht_bytes data, struct crdt_id *out);

#endif
