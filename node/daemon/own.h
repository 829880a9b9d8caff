#ifndef NODE_DAEMON_OWN_H
#define NODE_DAEMON_OWN_H
/* Inside node/daemon only: the running node. One thread, one wait (zmq_poll), one turn at a time:
 *
 *   wait -> collect -> fold in memory -> one commit -> acks, frames, answers -> next
 *
 * links.c peers and their sessions, fair.c each peer its share, dials.c whom to dial, invites.c
 * those who come to pair, joining.c pairing with another node, daemon.c the turn. */
#include "net/budget.h"
#include "net/io/transport.h"
#include "net/pair.h"
#include "net/peers.h"
#include "net/session.h"
#include "node/daemon/code.h"
#include "node/home.h"
#include "node/local/server.h"
#include "node/service/blobs.h"

#define DAEMON_PORT         7447 /* the usual sync port */
#define DAEMON_TURN_BUCKETS 6u
#define DAEMON_ASKED_MS     1000u   /* clients that asked so lately may ask again */
#define DAEMON_IDLE_MS      600000u /* an autostarted node without peers leaves after this */
#define DAEMON_TURN_FEW     64u     /* entries of a turn that counts as quiet */
#define DAEMON_WRITE_MS     1000u   /* rows are at most this old under load */
#define DAEMON_WAL_BYTES    ((size_t)32 * 1024 * 1024)
#define DAEMON_SCRUB_ROWS   256u /* rows read again in a quiet moment */
#define DAEMON_SCRUB_MS     20u
#define DAEMON_ANSWERS_MS   (7u * 24u * 3600u * 1000u) /* idempotency keys are kept for so long */
#define DAEMON_REST_MS      2000u /* quiet for so long: move the WAL into the file */

/* --- log.c --------------------------------------------------------------------------------- */

/* One line on stderr: level, then the text, key=value fields. */
void daemon_log(const char *level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* First digits of a device id, for people. */
const char *daemon_short(const uint8_t device[static CRDT_ID_BYTES], char out[static 9]);

/* --- arrows.c: where a turn can be cut (tests) ----------------------------------------------- */

enum daemon_arrow {
    ARROW_COLLECTED, /* events are in, nothing is folded */
    ARROW_FOLDED,    /* memory has them, the file does not */
    ARROW_COMMITTED, /* the file has them, nobody was told */
    ARROW_TOLD,      /* frames are with ZeroMQ, answers are queued */
    ARROW_FLUSHED,   /* answers are with the kernel */
    ARROW_BROUGHT,   /* a part of an old space is in the new one (bring.c) */
};
/* CHITTY_KILL_AT="arrow:n" makes the n-th passing of that arrow the last: SIGKILL. */
void daemon_arrow(enum daemon_arrow at);

/* --- links.c ------------------------------------------------------------------------------- */

/* Ranges or records handed in, until the commit tells what became of them. */
struct link_delivery {
    struct link_delivery *next;
    bool records, fork; /* neither: ranges */
    uint32_t token;
    size_t count;
    enum net_verdict *verdicts;
    enum cht_err result;
};

struct link_frame {
    struct link_frame *next;
    struct cht_bytes bytes;
};

struct link_waiting;
/* Frames that have come and are not heard yet (fair.c). */
struct link_queue {
    struct link_waiting *first, **last;
    size_t count, bytes;
};

/* Blobs that go over a connection (blobs.c): one each way. */
struct link_blobs {
    struct node_blob_writer *writer; /* what is fetched; NULL: nothing is */
    struct crdt_hash in;
    bool catching_up; /* … and what was here of it is hashed first */
    bool asked;       /* the peer wants `out` */
    struct crdt_hash out;
    uint32_t out_size;
    uint64_t out_next;
    struct node_blob_reader *reader; /* NULL: not looked for yet */
    bool checked;
};

struct daemon_link {
    struct daemon_link *next;
    uint32_t conn, dial; /* dial 0: inbound */
    uint8_t device[CRDT_ID_BYTES];
    struct net_session *session;
    bool up, synced, over, alarmed;
    bool farewell; /* the peer is no member any more */
    bool down;     /* the connection is gone; what had come before is still heard */
    bool struck;   /* it ended by the peer's fault */
    struct link_queue queue;
    uint64_t ready_ms;                /* its account allows no frame before; 0: it does */
    struct net_session_stats counted; /* what stands in its account already */
    unsigned reason;                  /* with `over`: why, an enum net_bye_reason; 0: lost */
    char address[64];
    struct link_delivery *deliveries, **deliveries_end; /* of this turn */
    struct link_frame *frames, **frames_end;            /* to send after the commit */
    struct link_blobs blobs;
};

/* A device that is no member any more was told so then (farewell.c). */
struct daemon_told {
    uint8_t device[CRDT_ID_BYTES];
    uint64_t at_ms; /* 0: free */
};

/* An address given by hand: it may be anybody's, the pinned key decides. */
struct daemon_static {
    struct daemon_static *next;
    char text[LIMIT_ADDRESS_BYTES];
};

/* The database cannot be written (readonly.c). */
struct daemon_read_only {
    enum cht_err why;  /* CHT_OK: it can */
    uint64_t trial_ms; /* when it is tried again */
    uint64_t wait_ms;
};

struct daemon_dial;
struct daemon_pairing;
struct daemon_blobs;
struct daemon_discovery; /* discovery.h */
struct daemon_observer;  /* observer.c */

/* What tells that the machine slept, or is on another network than before. */
struct daemon_wake {
    int net_fd, clock_fd; /* rtnetlink, and a timer that a jump of the clock ends; -1: none */
    uint64_t networks;    /* a sum over addresses and links that are up */
    uint64_t asleep_ms;   /* time since the boot in which the machine slept, so far */
    uint64_t check_ms;    /* look again whether connections move; UINT64_MAX: no need */
};

struct node_daemon {
    struct node_home home;
    struct node_service *service;
    struct node_local *local;
    struct net_transport *transport;
    struct net_pulls pulls;
    struct net_budgets *budgets;
    struct link_waiting *heard; /* frames of this turn */
    uint8_t run[NET_RUN_BYTES];
    struct cht_arena arena; /* of the turn */
    struct daemon_link *links;
    struct daemon_told told[LIMIT_PEERS];
    unsigned told_next;
    struct net_peers *peers;
    struct daemon_dial *dials;
    struct daemon_static *statics;
    struct daemon_pairing *pairings;
    struct daemon_discovery *discovery; /* NULL: --no-discovery */
    struct daemon_observer *observer;   /* NULL: --no-observe */
    struct daemon_wake wake;
    int signal_fd, pair_fd; /* pair_fd -1: not listening for pairing */
    uint16_t pair_port;
    uint64_t pair_until_ms; /* when the last ticket expires, and the listening ends */
    struct daemon_code code;
    struct daemon_tried tried[DAEMON_TRIED];
    uint64_t unknown_invitations, wrong_proofs; /* of those who came to pair, since the start */
    bool stopping, autostarted;
    size_t forks_logged;       /* proofs the log told of */
    uint64_t elsewhere_logged; /* own entries from elsewhere, likewise */
    bool scrubbed;             /* the rows were read once since the start */
    uint64_t now_ms, wall_ms;  /* monotonic and wall clock of this turn */
    uint64_t written_ms, busy_ms, client_ms;
    uint64_t messages; /* directed ones sent, for their ids */
    uint64_t asked_ms; /* the last request of a client; 0: none */
    size_t turn_entries;
    bool more; /* something is left over: do not sleep */
    bool left; /* entries are ready to be applied that no turn had room for */
    struct {
        uint64_t us, buckets[DAEMON_TURN_BUCKETS]; /* figures.c */
    } turns;
    bool differs; /* the rows do from the log: peers hear it with the next turn */
    struct daemon_read_only read_only;
    struct daemon_blobs *blobs;
    struct node_fault fault; /* why it had to stop */
};

/* The transport's question: whose key is this? */
bool daemon_lookup(void *ctx, const uint8_t key[NET_CURVE_KEY_BYTES],
                   uint8_t out_device[CRDT_ID_BYTES]);
void daemon_links_take(struct node_daemon *d, const struct net_tr_event *events);
/* One event to the session of a link, and what it asks for. */
void daemon_link_step(struct node_daemon *d, struct daemon_link *l, const struct net_event *ev);
void daemon_links_tick(struct node_daemon *d);
/* After the commit: what became of deliveries, own ranges, news; then the frames. */
void daemon_links_tell(struct node_daemon *d, enum cht_err committed);
/* The state is another than was said: tell the peers. */
void daemon_links_changed(struct node_daemon *d);
/* Every session ends with this turn. */
void daemon_links_over(struct node_daemon *d);
/* The machine woke or moved: connections that do not get through end and are dialled anew, the
 * others tell where they stand. */
void daemon_links_woke(struct node_daemon *d);
/* Only the first half of it; true when one did not get through. */
bool daemon_links_unstick(struct node_daemon *d);
void daemon_links_close(struct node_daemon *d);
uint64_t daemon_links_due_ms(const struct node_daemon *d);

/* --- messages.c: directed messages (PROTOCOL 8.10) ---------------------------------------------
 */

/* Commands of peers that this node carries out. */
#define DAEMON_COMMANDS 1u
extern const char *const daemon_commands[DAEMON_COMMANDS];
void daemon_message_heard(struct node_daemon *d, struct daemon_link *l,
                          const struct net_directed *message);
/* service_net.direct and .reaches */
enum cht_err daemon_message_send(void *ctx, const uint8_t *device, bool command,
                                 struct cht_bytes payload);
bool daemon_message_reaches(void *ctx, const uint8_t *device);

/* --- fair.c --------------------------------------------------------------------------------- */

/* The account of a link's device; good until the next call. */
struct net_budget *daemon_budget(struct node_daemon *d, const struct daemon_link *l);
/* Count what was refused to it. */
void daemon_link_refuse(struct node_daemon *d, const struct daemon_link *l, enum net_refusal why,
                        uint64_t count);
/* The session ended by the peer's fault: close its door, end its other links, name it. */
void daemon_link_strike(struct node_daemon *d, struct daemon_link *l, const char *sentence);
/* Take over what the session has counted. */
void daemon_link_account(struct node_daemon *d, struct daemon_link *l);
/* A frame has come: it waits until it is heard. */
void daemon_link_frame(struct node_daemon *d, struct daemon_link *l, struct cht_bytes frame);
/* Drop what waits. */
void daemon_link_forget(struct daemon_link *l);
/* Step the sessions with what waits, each link for its share of the turn. */
void daemon_links_hear(struct node_daemon *d);
/* Something waits that could be heard now. */
bool daemon_links_left(const struct node_daemon *d);
/* The turn is over: free the frames heard in it. */
void daemon_links_heard(struct node_daemon *d);

/* --- blobs.c -------------------------------------------------------------------------------- */

CHT_MUST_USE enum cht_err daemon_blobs_open(struct node_daemon *d);
void daemon_blobs_close(struct node_daemon *d);
/* A client waits for a blob (service_net.fetch). */
enum cht_err daemon_blobs_fetch(void *ctx, const struct service_attachment *a,
                                struct node_fault *fault);
/* What a session says of one. */
void daemon_blobs_heard(struct node_daemon *d, struct daemon_link *l, const struct net_effect *fx);
/* A peer is there; it is gone. */
void daemon_blobs_up(struct node_daemon *d, const struct daemon_link *l);
void daemon_blobs_down(struct node_daemon *d, struct daemon_link *l);
/* Ask for what is wanted, send what was asked for: a piece each turn. */
void daemon_blobs_tick(struct node_daemon *d);
uint64_t daemon_blobs_due_ms(const struct node_daemon *d);
void daemon_blobs_figures(const struct node_daemon *d, struct service_figures *f);

/* --- farewell.c ----------------------------------------------------------------------------- */

bool daemon_is_member(const struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES]);
/* May a device that has a known key connect? Members may, others once in a while. */
bool daemon_lets_in(struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES]);
/* Is it worth dialling it: is it a member, or was it never told that it is none? */
bool daemon_may_dial(struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES]);
/* It was told that it is no member. */
void daemon_told(struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES]);
/* After a commit: the connections of those who are no members any more end. */
void daemon_farewell(struct node_daemon *d);

/* --- greet.c -------------------------------------------------------------------------------- */

/* The first lines on stdout: who, where, and what to try. */
void daemon_greet(const struct node_daemon *d);

/* --- notify.c -------------------------------------------------------------------------------- */

/* Tell the service manager, where one asked for it: "READY=1", "STOPPING=1". */
void daemon_notify(const char *state);

/* --- report.c: for `status` and `peers` ------------------------------------------------------ */

enum cht_err daemon_put_peers(void *ctx, struct cht_buf *out);
enum cht_err daemon_put_addresses(void *ctx, struct cht_buf *out);
enum cht_err daemon_put_strangers(void *ctx, struct cht_buf *out);
/* How a device stands to this one, in a word or two. */
const char *daemon_state_of(void *ctx, const uint8_t *device);

/* --- figures.c ------------------------------------------------------------------------------- */

/* A turn has taken so long. */
void daemon_count_turn(struct node_daemon *d, uint64_t us);
void daemon_put_figures(void *ctx, struct service_figures *f);

/* --- addresses.c ----------------------------------------------------------------------------- */

/* The addresses on which this node can be reached, as "tcp://host:port". */
size_t daemon_own_addresses(const struct node_daemon *d, char out[][LIMIT_ADDRESS_BYTES],
                            size_t max);
/* The hosts of the first endpoint, and its port. */
size_t daemon_own_hosts(const struct node_daemon *d, struct net_host *out, size_t max,
                        uint16_t *out_port);
/* Read "host", "host:port" or "[host]:port", with or without "tcp://"; port 0 where there is none.
 * CHT_E_INVALID. */
CHT_MUST_USE enum cht_err daemon_split_address(struct cht_bytes text, struct net_host *out_host,
                                               uint16_t *out_port);
/* "host:port", an IPv6 host in brackets. */
void daemon_join_address(const struct net_host *host, uint16_t port,
                         char out[static LIMIT_ADDRESS_BYTES]);

/* An address of a network that this machine is on? Only those are taken from discovery. */
bool daemon_on_link(const struct net_host *host);
/* A sum over the addresses of this machine and the links that are up: another one, another place.
 */
uint64_t daemon_networks(void);

/* --- wake.c -------------------------------------------------------------------------------- */

void daemon_wake_open(struct node_daemon *d);
void daemon_wake_close(struct node_daemon *d);
/* Something can be read from one of the two, or the process was stopped and goes on. */
void daemon_wake_net(struct node_daemon *d);
void daemon_wake_clock(struct node_daemon *d);
void daemon_wake_now(struct node_daemon *d, const char *why);
void daemon_wake_tick(struct node_daemon *d);

/* --- dials.c ------------------------------------------------------------------------------- */

/* Remember an address of a device ("tcp://host:port" or "host:port"). */
void daemon_add_address(struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES],
                        struct cht_bytes text, enum net_address_source source);
/* An address given by hand. */
void daemon_add_static(struct node_daemon *d, const char *text);
/* Know every admitted device and the addresses that the store remembers. */
void daemon_load_peers(struct node_daemon *d);
/* Dial whom the table says. */
void daemon_dials_tick(struct node_daemon *d);
/* The connection of a dial was hung up: the dial is gone with it. 0: it was inbound. */
void daemon_dial_ended(struct node_daemon *d, uint32_t dial);
void daemon_dial_unreached(struct node_daemon *d, uint32_t dial);
void daemon_dial_refused(struct node_daemon *d, const struct net_tr_event *e);
void daemon_dials_close(struct node_daemon *d);

/* --- invites.c, joining.c ------------------------------------------------------------------- */

#define DAEMON_PAIRINGS 16u /* at once */

struct daemon_pairing {
    struct daemon_pairing *next;
    int fd;
    bool connecting, joining;
    bool admitting; /* the record is in this turn: the answer follows the commit */
    bool over;
    bool by_code; /* inviter: it has named the code that is out; joiner: it has `typed` */
    bool proved;
    char from[LIMIT_ADDRESS_BYTES]; /* inviter: whence it came */
    struct net_pair *machine;
    struct net_pair_effects fx;
    struct node_ticket_row *ticket; /* inviter: the one meant */
    enum net_role role;             /* … and what it makes of the joiner, while it is not spent */
    /* joiner */
    struct service_caller caller;
    bool answered;
    struct net_ticket offer; /* by a code: only where to go */
    struct net_code typed;
    unsigned host, address;      /* which of its hosts is tried, which of that one's is next */
    uint64_t connect_ms;         /* with `connecting`: no longer than */
    uint64_t look_ms, settle_ms; /* looking for the listener since (0: not), and no longer than */
    uint64_t heard;              /* … announcements so far */
    bool bring;
    char path[NODE_PATH_MAX]; /* of the new space, once it is kept */
};

/* Listen for pairing while a ticket is live, and no longer: when one is made, another space is
 * used, or time has passed. */
void daemon_invites_tend(struct node_daemon *d);
/* Listen for those who come to pair. CHT_E_IO: nothing to listen on. */
CHT_MUST_USE enum cht_err daemon_invites_listen(struct node_daemon *d);
void daemon_invite(void *ctx, const struct local_request *request, struct cht_bytes args);
void daemon_join(void *ctx, const struct local_request *request, struct cht_bytes args);
/* One connection is ready (revents of poll), or its time has come. */
void daemon_pairing_ready(struct node_daemon *d, struct daemon_pairing *p, short revents);
void daemon_pairing_accept(struct node_daemon *d);
/* After the commit: those admitted in it are told. */
void daemon_pairings_tell(struct node_daemon *d, enum cht_err committed);
void daemon_pairings_tick(struct node_daemon *d);
void daemon_pairings_close(struct node_daemon *d);
uint64_t daemon_pairings_due_ms(const struct node_daemon *d);

/* Inside the two files: one event to the machine, and what it asks for. */
void daemon_pairing_step(struct node_daemon *d, struct daemon_pairing *p,
                         const struct net_pair_event *event);
struct daemon_pairing *daemon_pairing_new(struct node_daemon *d, int fd);
short daemon_pairing_events(const struct daemon_pairing *p);
void daemon_invites_ask(struct node_daemon *d, struct daemon_pairing *p, unsigned what);
void daemon_invites_admitted(struct node_daemon *d, struct daemon_pairing *p,
                             enum cht_err committed);
void daemon_joining_ask(struct node_daemon *d, struct daemon_pairing *p, unsigned what);
void daemon_joining_over(struct node_daemon *d, struct daemon_pairing *p);
void daemon_joining_connected(struct node_daemon *d, struct daemon_pairing *p);
void daemon_joining_dial(struct node_daemon *d, struct daemon_pairing *p);
void daemon_joining_tick(struct node_daemon *d, struct daemon_pairing *p);
void daemon_joining_left(struct node_daemon *d, local_client_id client);
void daemon_joining_fail(struct node_daemon *d, struct daemon_pairing *p,
                         const struct node_fault *fault);

/* --- readonly.c ----------------------------------------------------------------------------- */

/* A commit failed by `why`: what the log has is the truth. Where the disk is to blame the node goes
 * on read-only. */
void daemon_reopen(struct node_daemon *d, enum cht_err why);
/* Try to write again when it is time. */
void daemon_read_only_tick(struct node_daemon *d);
uint64_t daemon_read_only_due_ms(const struct node_daemon *d);

/* --- bring.c -------------------------------------------------------------------------------- */

/* Write what an old space holds into the replica of the new one, as far as it is not done yet; says
 * nothing when there is nothing to bring. Before anything is asked of peers. */
CHT_MUST_USE enum cht_err daemon_bring(struct node_home *h, struct node_fault *fault);
/* --- observer.c ----------------------------------------------------------------------------- */

/* Make ready; the observer starts in the first turn. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err daemon_observer_open(struct node_daemon *d);
/* End it; at the end of the node after the local socket, by which it sees that the node ends. */
void daemon_observer_close(struct node_daemon *d);
/* To wait on: it has ended when there is anything; -1: it does not run. */
int daemon_observer_fd(const struct node_daemon *d);
void daemon_observer_ready(struct node_daemon *d);
/* Another space is in use: let it begin anew. */
void daemon_observer_again(struct node_daemon *d);
void daemon_observer_tick(struct node_daemon *d);
uint64_t daemon_observer_due_ms(const struct node_daemon *d);
/* 0: it does not run. */
pid_t daemon_observer_pid(const struct node_daemon *d);
enum cht_err daemon_put_observer(void *ctx, struct cht_buf *out);

/* --- twins.c -------------------------------------------------------------------------------- */

/* What the replica tells now is known; log what comes after. */
void daemon_twins_begin(struct node_daemon *d);
void daemon_twins_tell(struct node_daemon *d);

/* --- daemon.c ------------------------------------------------------------------------------- */

/* The turn's memory is half full: make durable what is in it. */
void daemon_commit_midway(struct node_daemon *d);
/* Use another space from now on: links end, the old replica is closed. */
CHT_MUST_USE enum cht_err daemon_switch(struct node_daemon *d, const char *path,
                                        struct node_fault *fault);

#endif
