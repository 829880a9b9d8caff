#ifndef BRIDGES_OBSERVE_OBSERVE_H
#define BRIDGES_OBSERVE_OBSERVE_H
/* The observer: a client of the node that keeps current what is true on this machine.
 *
 *   link.c       the node: what it tells of five types, and what is written to it
 *   repos.c      clones: git's state of each; dirs.c: what happens in their .git folders
 *   checks.c     services: asked by HTTP; verdict.c: what an answer means
 *   sessions.c   whether the processes of sessions live
 *   reminders.c  what is due, and who announces it; notify.c: how
 *
 * One thread, one wait. A turn: take what the node has told, let each theme do what is due, wait.
 * Where nothing is to be looked after it waits for ever. It keeps no state of its own: all it knows
 * is in the records, so that it may end at any moment. */
#include "crdt/id.h"
#include "node/client/client.h"

#include <poll.h>

#define OBSERVE_SESSIONS  256u /* looked after at a time; so for the others */
#define OBSERVE_CLONES    256u
#define OBSERVE_SERVICES  1024u
#define OBSERVE_REMINDERS 4096u
#define OBSERVE_FDS       (OBSERVE_SESSIONS + 16u)
#define OBSERVE_DAY_MS    (24u * 3600u * 1000u)

struct observe_repos;
struct observe_checks;
struct observe_sessions;
struct observe_reminders;

struct observer {
    struct node_client *news; /* the watches */
    struct node_client *desk; /* requests and their answers */
    char device[2 * CRDT_ID_BYTES + 1];
    uint64_t now_ms, wall_ms; /* of this turn: monotonic, and since the Unix epoch */
    uint64_t slept_ms;        /* now_ms of the turn that found that the machine had slept */
    bool supervised;          /* stdin is a pair with the node, which ends when it does */
    bool over;                /* the node has gone */
    int clock_fd;             /* a timer by the wall clock, for what is due while we sleep */
    struct observe_repos *repos;
    struct observe_checks *checks;
    struct observe_sessions *sessions;
    struct observe_reminders *reminders;
};

/* log.c: one line on stderr: level, then the text. */
void observe_log(const char *level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a turn waits for. */
struct observe_waits {
    struct pollfd fds[OBSERVE_FDS];
    nfds_t count;
    uint64_t due_ms;      /* monotonic; UINT64_MAX: none */
    uint64_t due_wall_ms; /* by the wall clock */
};
/* Wake when it can be read; -1 is passed over. */
void observe_wait_fd(struct observe_waits *w, int fd);
void observe_wait_until(struct observe_waits *w, uint64_t due_ms);
void observe_wait_until_wall(struct observe_waits *w, uint64_t due_wall_ms);

/* --- link.c -------------------------------------------------------------------------------- */

/* A record as it is now: the fields that its theme looks at (exact bytes of a map). */
struct observe_record {
    unsigned type;
    char id[CRDT_ID_TEXT_MAX];
    bool gone; /* deleted: no data */
    struct cht_bytes data;
};

/* Connect, learn which device this is, watch, and hand what is there to the themes. */
CHT_MUST_USE enum cht_err observe_link_open(struct observer *o, struct node_fault *fault);
void observe_link_close(struct observer *o);
/* Hand what the node has told since to the themes. */
void observe_link_take(struct observer *o);

/* Ask the node on the desk; `message` is whole. What fails is logged. */
CHT_MUST_USE enum cht_err observe_ask(struct observer *o, const char *what,
                                      struct cht_bytes message, node_answer_fn each, void *ctx);
/* Begin a request: its payload map follows. */
CHT_MUST_USE enum cht_err observe_begin(enum node_msg_type type, struct cht_buf *out);
/* Change fields of a record: `data` is a map as of LOCAL 3.3. */
CHT_MUST_USE enum cht_err observe_change(struct observer *o, const char *id, struct cht_bytes data);
/* The shown values of a record as they are now, appended to `out` as a map. CHT_E_NOTFOUND: none,
 * or deleted. */
CHT_MUST_USE enum cht_err observe_get(struct observer *o, const char *id, struct cht_buf *out);
/* Was the shown value of this cell written by this device? `key` NULL: of a register. */
bool observe_is_ours(struct observer *o, const char *id, const char *field, const char *key);

/* --- the themes ---------------------------------------------------------------------------- */

/* Each: make ready (CHT_E_NOMEM, CHT_E_IO); take a record, without asking the node; do what is due;
 * say what to wait for. */
CHT_MUST_USE enum cht_err observe_repos_open(struct observer *o);
void observe_repos_close(struct observer *o);
void observe_repos_take(struct observer *o, const struct observe_record *r);
void observe_repos_tick(struct observer *o);
void observe_repos_wait(struct observer *o, struct observe_waits *w);

CHT_MUST_USE enum cht_err observe_checks_open(struct observer *o);
void observe_checks_close(struct observer *o);
void observe_checks_take(struct observer *o, const struct observe_record *r);
void observe_checks_tick(struct observer *o);
void observe_checks_wait(struct observer *o, struct observe_waits *w);
/* Wait for all of it, with what the answers under way wait for. */
void observe_checks_poll(struct observer *o, struct observe_waits *w, int timeout_ms);

CHT_MUST_USE enum cht_err observe_sessions_open(struct observer *o);
void observe_sessions_close(struct observer *o);
void observe_sessions_take(struct observer *o, const struct observe_record *r);
void observe_sessions_tick(struct observer *o);
void observe_sessions_wait(struct observer *o, struct observe_waits *w);

CHT_MUST_USE enum cht_err observe_reminders_open(struct observer *o);
void observe_reminders_close(struct observer *o);
void observe_reminders_take(struct observer *o, const struct observe_record *r);
void observe_reminders_tick(struct observer *o);
void observe_reminders_wait(struct observer *o, struct observe_waits *w);

/* --- notify.c ------------------------------------------------------------------------------ */

/* Is there a way to tell the user something? */
bool observe_can_notify(void);
/* Tell it, waiting at most ten seconds. CHT_E_IO: it was not taken. */
CHT_MUST_USE enum cht_err observe_notify(struct cht_bytes title, struct cht_bytes text);

#endif
