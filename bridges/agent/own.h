#ifndef BRIDGES_AGENT_OWN_H
#define BRIDGES_AGENT_OWN_H
/* Inside bridges/agent only. */
#include "bridges/agent/agent.h"
#include "crdt/limits.h"

#define AGENT_SESSION_KEY_MAX 257u             /* a platform's id, with the NUL */
#define AGENT_ACTIVE_MS       (5 * 60 * 1000)  /* `last_active` is written this often at most */
#define AGENT_IDLE_MS         (10 * 60 * 1000) /* no sign of life so long: idle */
#define AGENT_LEASE_MS        (15 * 60 * 1000) /* … and its device not there: away */
#define AGENT_GIT_MS          4000

struct agent {
    struct node_client *client;
    struct node_fault fault;
    json_t *error; /* as the node sent it; NULL */
    char program[32];
    char platform[32];
    char session_key[AGENT_SESSION_KEY_MAX];
    char session[CRDT_ID_TEXT_MAX];
    char project[CRDT_ID_TEXT_MAX];
    char device[2 * CRDT_ID_BYTES + 1];
    char folder[NODE_PATH_MAX];
    bool no_start;
    int timeout_ms;
};

/* Milliseconds since the Unix epoch. */
uint64_t agent_now_ms(void);
/* Set the fault and return the code; without a text the code's own. */
enum cht_err agent_fail(struct agent *a, enum cht_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A whole request as the node takes it, in `out`; its id in `id`. The payload is given away. */
CHT_MUST_USE enum cht_err agent_message(struct agent *a, enum node_msg_type type, json_t *payload,
                                        struct cht_buf *out, char id[static NODE_REQUEST_ID_MAX]);

/* A new connection, where the node has gone meanwhile: an idle one may go in the very moment that
 * it is asked. */
CHT_MUST_USE enum cht_err agent_connect_again(struct agent *a);

/* A change of one record: `data` is given away; `id` NULL: none. */
json_t *agent_change_of(const char *operation, const char *domain, const char *id, json_t *data);
/* A query of one record. */
json_t *agent_query_of(const char *operation, const char *id);
/* {field, op, value}: `value` is given away; NULL: none. */
json_t *agent_where(const char *field, const char *op, json_t *value);
/* The first record of an answer, or NULL; the answer is given away. */
json_t *agent_first(json_t *records);

/* A text at a key, where the data has none and the value is not empty. False: no memory. */
bool agent_default(json_t *data, const char *key, const char *value);

/* --- folder.c ------------------------------------------------------------------------------ */

/* Where HEAD of the clone in `top` is: in `.git`, or of a worktree in the folder that the file of
 * this name says. */
bool agent_clone_git(const char *top, char out[static NODE_PATH_MAX]);
/* The branch that HEAD of the clone in `top` names; empty: none, or detached. */
void agent_clone_branch(const char *top, char out[static AGENT_NAME_MAX]);

/* --- project.c ----------------------------------------------------------------------------- */

/* Have agent_device: every answer tells it. */
CHT_MUST_USE enum cht_err agent_know_device(struct agent *a);
/* "DEVICE:PATH"; false: too long for a key, or no UTF-8. */
bool agent_place_key(const struct agent *a, const char *path, char out[static LIMIT_KEY_BYTES]);
/* Take the project and its name from a record. */
void agent_place_keep(struct agent_place *out, const json_t *record);
/* A project's name after the last part of an address or path. */
void agent_place_name(const char *path, char out[static AGENT_NAME_MAX]);
/* What git tells of the clone in `out->folder`. CHT_E_NOTFOUND: nothing that makes it known. */
CHT_MUST_USE enum cht_err agent_place_ask_git(struct agent *a, int git_ms, struct agent_place *out);
/* Write the place, with what git told, to its project. */
CHT_MUST_USE enum cht_err agent_place_write(struct agent *a, struct agent_place *p);
/* … to a new one, called `p->name`. `p->project` empty: the node draws its id. */
CHT_MUST_USE enum cht_err agent_place_make(struct agent *a, struct agent_place *p);

/* --- digest.c ------------------------------------------------------------------------------ */

/* What is told, before it is text. All is borrowed; NULL or an empty array: nothing. */
struct agent_digest {
    const char *session; /* own id: what it wrote itself is no news */
    uint64_t now_ms;
    uint64_t since_ms;    /* entries before that are not told; 0: all */
    const json_t *log;    /* records of LOCAL 4.7 with titles, newest first */
    const json_t *held;   /* of `renew`: what this session holds */
    const json_t *lost;   /* … and lost */
    const json_t *ready;  /* records */
    unsigned ready_limit; /* how many were asked for */
    const char *happened; /* a first line, or NULL */
    bool more;            /* the log goes on beyond what was looked at */
    bool brief;           /* nothing when there is no news of others */
};

/* Make the text. Counts events, lost. */
void agent_digest(const struct agent_digest *d, struct agent_news *out);

/* --- news.c -------------------------------------------------------------------------------- */

/* What to ask for the log since a vector (NULL: all of it) and for what is ready, of the agent's
 * project where it has one. */
json_t *agent_log_of(const struct agent *a, const char *since);
json_t *agent_ready_of(const struct agent *a, unsigned limit);

/* --- seen.c -------------------------------------------------------------------------------- */

/* The vector of the session's last look, for free(); NULL: none. */
char *agent_seen_read(const struct agent *a);
CHT_MUST_USE enum cht_err agent_seen_write(struct agent *a, const char *vector);

#endif
