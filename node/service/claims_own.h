#ifndef NODE_SERVICE_CLAIMS_OWN_H
#define NODE_SERVICE_CLAIMS_OWN_H
/* Inside node/service only: claims. */
#include "crdt/base/arena.h"
#include "node/service/claims.h"

struct node_query;
struct node_command;
struct local_request;

#define HOLDER_KEY_BYTES 16u

/* A claim that is shown and has a holder. */
struct service_lease {
    uint32_t n;                    /* the todo */
    uint8_t key[HOLDER_KEY_BYTES]; /* of the holder's text */
    uint8_t device[CRDT_ID_BYTES]; /* of the holder; zeros where it names none */
    uint64_t generation, counter;
    uint64_t seen_ms; /* the last sign of life, monotonic */
};

/* What a session of this device holds, or held and was not told that it lost (LOCAL 8.5). */
struct service_held {
    struct crdt_id todo;
    uint8_t key[HOLDER_KEY_BYTES];
    uint64_t generation, counter, at_ms;
    bool lost;
    bool dirty, gone; /* its row is to be written; to be taken away */
};

/* A claim that is asked of its arbiter. */
struct service_ask {
    struct service_ask *next;
    uint64_t number;
    uint8_t arbiter[CRDT_ID_BYTES];
    uint32_t n;
    uint64_t deadline_ms; /* monotonic */
    bool sent, answered;
    local_client_id client;
    const struct local_output *out;
    struct cht_buf message; /* the request, to be carried on when it is answered */
    uint32_t tried[32];     /* with `next`: those that another got first */
    unsigned tried_count;
    struct net_claim_ask what;
    char holder[LIMIT_HOLDER_BYTES]; /* where what.holder points */
};

struct service_claims {
    uint64_t mono_ms, lease_ms;
    bool loaded;
    struct service_lease *leases; /* ascending by n */
    size_t lease_count, lease_cap;
    struct service_held *held;
    size_t held_count, held_cap;
    bool held_loaded, held_stale; /* rows of them are to be written */
    struct service_ask *asks;
    size_t ask_count;
    uint64_t ask_number;
    unsigned spent; /* messages sent that the account still counts */
    uint64_t refilled_ms;
    uint32_t *confirm; /* todos whose unconfirmed claim this arbiter is to confirm */
    size_t confirm_count, confirm_cap;
    uint32_t *turn; /* todos claimed since the last commit */
    size_t turn_count, turn_cap;
    bool rows_seen; /* in this turn: the tables show what was written before it */
    struct {
        uint8_t key[HOLDER_KEY_BYTES];
        uint64_t sent_ms;
    } renewed[64]; /* whose renewal went out when */
    unsigned renewed_next;
};

/* --- the claim of a todo (claim_write.c) ---------------------------------------------------- */

/* The number of a field of todos; it is there. */
uint16_t claims_field(const char *name);
void claims_key(struct cht_bytes holder, uint8_t out[static HOLDER_KEY_BYTES]);
/* The shown claim; its spans borrow from the state. */
struct crdt_claim claims_of(const struct node_service *s, const struct crdt_state *todo);
/* Who wrote the shown value of a field; false: it has none. */
bool claims_writer(const struct node_service *s, const struct crdt_state *todo, const char *field,
                   struct crdt_place *out);
/* Who wrote what the todo shows of its claim. A claim may stand that somebody made while another
 * one finished it: such a one is nobody's, and who finished it is meant. */
bool claims_ended_by(const struct node_service *s, const struct crdt_state *todo,
                     struct crdt_place *out);
/* The device that grants claims of the todo. False: nobody knows. */
bool claims_arbiter(struct node_service *s, const struct crdt_state *todo,
                    uint8_t out[static CRDT_ID_BYTES]);
bool claims_may_write(struct node_service *s, const uint8_t device[static CRDT_ID_BYTES]);

/* Who claims. */
struct claimer {
    char text[LIMIT_HOLDER_BYTES + 1]; /* the holder */
    uint8_t device[CRDT_ID_BYTES];
    struct crdt_id actor;
    bool acting;
};
/* Write a claim as this device may: confirmed where it is the arbiter (or becomes it), else not.
 * CHT_E_DENIED; errors of node_replica_write. */
CHT_MUST_USE enum cht_err claims_write(struct node_service *s, uint32_t n,
                                       const struct claimer *who);
/* A value of `claim` that nobody holds, after this one; in the request's arena. */
CHT_MUST_USE enum cht_err claims_free_value(struct node_service *s, const struct crdt_claim *claim,
                                            struct cht_bytes *out);
/* The ops that end the claim of a todo otherwise than by finishing it. */
CHT_MUST_USE enum cht_err claims_release(struct node_service *s, uint32_t n,
                                         const struct crdt_id *actor);
/* Is it finished or hidden? */
bool claims_over(const struct node_service *s, const struct crdt_state *todo);

/* --- leases (leases.c) ---------------------------------------------------------------------- */

/* Read them where they are not read yet. It may commit. */
void claims_ready(struct node_service *s);
void claims_clear(struct node_service *s);
/* The lease of a todo; NULL. */
struct service_lease *claims_lease(const struct node_service *s, uint32_t n);
/* Has the claim that is shown lapsed here? */
bool claims_lapsed(const struct node_service *s, uint32_t n, const struct crdt_claim *claim);
/* match_world: does someone hold it, not lapsed? `ctx` is the service. */
bool service_todo_held(void *ctx, const struct crdt_state *todo);
/* The numbers of lapsed ones as a JSON array in the arena; empty: none. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err claims_lapsed_list(const struct node_service *s, struct cht_arena *arena,
                                             struct cht_bytes *out);
/* A sign of life: of what the holder holds, from `device` only when that is not NULL. Returns how
 * much that is. */
size_t claims_alive(struct node_service *s, const uint8_t key[static HOLDER_KEY_BYTES],
                    const uint8_t *device);
/* After a commit. */
void claims_after(struct node_service *s);
/* The request's actor gives a sign of life, which peers are told once in a while. */
void claims_sign(struct node_service *s, struct cht_bytes actor);

/* --- what sessions of this device hold (held.c) ---------------------------------------------- */

void claims_held_load(struct node_service *s);
/* Write the rows of those that changed, with this turn's commit. */
void claims_held_write(struct node_service *s);
/* A todo shows another claim than before. */
void claims_held_change(struct node_service *s, const struct crdt_state *todo,
                        struct crdt_place last);
/* The holder knows: forget its losses; with `todo` only of that one, lost or not. */
void claims_held_forget(struct node_service *s, const uint8_t key[static HOLDER_KEY_BYTES],
                        const struct crdt_id *todo);

/* --- commands and changes ------------------------------------------------------------------- */

/* `claim`, `release`; false: another command. (claim.c) */
bool service_claim_command(struct node_service *s, const struct local_request *request,
                           const struct node_command *command);
/* Who the arguments and the request mean. CHT_E_INVALID, CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err claims_who(struct node_service *s, const struct local_request *request,
                                     struct cht_bytes args, struct node_fault *fault,
                                     struct claimer *out);
/* The answer to who has the claim now, held until the commit. */
CHT_MUST_USE enum cht_err claims_answer_granted(struct node_service *s,
                                                const struct service_caller *c,
                                                struct cht_bytes key, uint32_t n, bool already);
/* … to who has not: another holds it. */
void claims_answer_held(struct node_service *s, const struct service_caller *c, uint32_t n);
/* Go on with a request that an arbiter has answered. */
void claims_go_on(struct node_service *s, struct service_ask *ask, enum net_claim_state state);
/* Ask the arbiter. CHT_E_UNREACHABLE: it is not connected; CHT_E_BUSY. (claim_ask.c) */
CHT_MUST_USE enum cht_err claims_ask(struct node_service *s, const struct local_request *request,
                                     uint32_t n, const uint8_t *arbiter, const struct claimer *who,
                                     bool force, const struct service_ask *before);
bool claims_asked(const struct node_service *s, uint32_t n);
void claims_asks_left(struct node_service *s, local_client_id client, bool all);

/* The text of an actor that is a session, in the arena; empty. (claim_end.c) */
struct cht_bytes service_session_of(struct cht_bytes actor, struct cht_arena *arena);

/* --- telling (claim_tell.c) ----------------------------------------------------------------- */

/* A record of the query `claims` (LOCAL 8.6), of what the todo shows. */
CHT_MUST_USE enum cht_err claims_put_record(struct node_service *s, uint32_t n,
                                            struct cht_buf *out);
/* "holder": what people call who holds the todo (LOCAL 4.14). */
CHT_MUST_USE enum cht_err claims_put_holder_name(struct node_service *s, uint32_t n,
                                                 struct cht_buf *out);
/* "stale": the holder that a write went past (LOCAL 8.7). */
CHT_MUST_USE enum cht_err claims_put_stale(struct node_service *s, uint32_t n, struct cht_buf *out);
void service_renew(struct node_service *s, const struct local_request *request,
                   struct cht_bytes args);
void service_claims_query(struct node_service *s, const struct service_caller *c,
                          const struct node_query *q);
/* The title of a todo or session; empty. */
struct cht_bytes claims_title(struct node_service *s, uint32_t n);
/* What people call a holder: a session's title, else its session_id, else the text itself. */
struct cht_bytes claims_holder_name(struct node_service *s, struct cht_bytes holder);

#endif
