#ifndef NODE_DAEMON_CODE_H
#define NODE_DAEMON_CODE_H
/* Inside node/daemon only: pairing by a code (PROTOCOL 7.12). codes.c is the inviter's side: one
 * code at a time, on behalf of the client that asked for it, in memory only. tried.c is the
 * joiner's memory of the codes it has sent a proof of, looking.c finds the listener. */
#include "net/code.h"
#include "net/pair.h"
#include "node/service/service.h"

/* The code that is out. */
struct daemon_code {
    bool out;   /* the command is under way: the client waits for its end */
    bool open;  /* who names it is answered */
    bool spent; /* on `joiner`, which alone may come again */
    struct net_code code;
    enum net_role role;         /* of whom it admits */
    uint64_t until_ms, tell_ms; /* monotonic: the end; the next sign of life to the client */
    struct service_caller caller;
    uint8_t joiner[CRDT_ID_BYTES];
    char joiner_name[LIMIT_NAME_BYTES + 1];
};

#define DAEMON_TRIED    8u
#define DAEMON_TRIED_MS (600u * 1000u) /* much longer than a code lives */

/* A code of which this node has sent a proof. */
struct daemon_tried {
    struct net_code code;
    uint64_t until_ms;             /* 0: unused */
    bool proved;                   /* the other side had it too */
    uint8_t pk[NET_SIGN_PK_BYTES]; /* the other side's D */
};

struct node_daemon;
struct daemon_pairing;

/* Draw a code, listen, and tell the client; the answer comes with the end. CHT_E_BUSY: one is out
 * already; CHT_E_IO: nothing to listen on; CHT_E_UNREACHABLE: no address. */
CHT_MUST_USE enum cht_err daemon_code_begin(struct node_daemon *d,
                                            const struct service_caller *caller, enum net_role role,
                                            struct node_fault *fault);
/* The secret of the code that this pairing has named; empty: no such code is open. */
struct cht_bytes daemon_code_secret(struct node_daemon *d, struct daemon_pairing *p);
/* Spend it on that device, in the turn that admits it. False: it is closed, or another's. */
bool daemon_code_spend(struct node_daemon *d, struct daemon_pairing *p);
/* The turn that was to admit was not durable. */
void daemon_code_unspend(struct node_daemon *d, const struct daemon_pairing *p);
/* What else happens to a pairing that has named it (enum net_pair_effect): the client is told, a
 * wrong proof burns the code, an end is answered. */
void daemon_code_saw(struct node_daemon *d, struct daemon_pairing *p, unsigned what);
/* Its time is over, or the client's next sign of life is due. */
void daemon_code_tick(struct node_daemon *d);
uint64_t daemon_code_due_ms(const struct node_daemon *d);
/* A client has gone: its code, or its join, goes with it. */
void daemon_code_left(void *ctx, local_client_id client);

/* The words of a pairing, as an array. CHT_E_LIMIT, CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err daemon_put_words(const struct daemon_pairing *p, struct cht_buf *out);

/* --- looking.c -------------------------------------------------------------------------------- */

/* Look for the one listener that announces the typed code's selector, and dial it; the pairing ends
 * with words where there is none, or more than one. */
void daemon_look_begin(struct node_daemon *d, struct daemon_pairing *p);
void daemon_look_tick(struct node_daemon *d, struct daemon_pairing *p);
/* A sign of life for its client. */
void daemon_look_tell(struct node_daemon *d, const struct daemon_pairing *p, const char *text);
uint64_t daemon_look_due_ms(const struct node_daemon *d, const struct daemon_pairing *p);

/* --- tried.c ---------------------------------------------------------------------------------- */

/* NULL: no proof of this code was sent in the last minutes. */
const struct daemon_tried *daemon_tried_find(const struct node_daemon *d,
                                             const struct net_code *code);
/* A proof of it goes out to the device with that D, or (`proved`) has come back from it. */
void daemon_tried_note(struct node_daemon *d, const struct net_code *code,
                       const uint8_t pk[static NET_SIGN_PK_BYTES], bool proved);

#endif
