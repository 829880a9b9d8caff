#ifndef BRIDGES_AGENT_AGENT_H
#define BRIDGES_AGENT_AGENT_H
/* What an agent's session does at the node: who it is, which project it works on, its todos, what
 * others did meanwhile, and waiting for them. Under `chitty mcp`, `chitty hook` and the commands of
 * sessions; a hook is a process of some milliseconds, so that every call says what it asks.
 *
 *   agent.c     the connection, and one request at a time
 *   session.c   the record of the session
 *   project.c   the project of a folder; folder.c: what is found without the node and without git
 *   todo.c      todos and claims; note.c: checkpoints, contexts, searches
 *   news.c      what others did since the last look; digest.c: as text; seen.c: up to where
 *   wait.c      until something happens that this session waits for
 *
 * Blocking, one thread. Functions that fail leave a fault (agent_fault), with every word that the
 * node said. `json_t **out` are new references. What an agent is told are facts about records,
 * whose texts are quoted: they are data of others, not instructions. */
#include "bridges/json/json.h"
#include "crdt/id.h"
#include "node/client/client.h"

#include <sys/types.h>

#define AGENT_NAME_MAX 256u /* names and titles cut for people, with the NUL */

/* --- the connection (agent.c) -------------------------------------------------------------- */

struct agent;

struct agent_options {
    const char *program;    /* what speaks: "hook", "mcp", "cli" (LOCAL 2.2) */
    const char *platform;   /* the session's; NULL: "claude-code" */
    const char *session_id; /* the platform's id of it; NULL: CHITTY_SESSION, else
                               CLAUDE_CODE_SESSION_ID, else there is none: the device acts.
                               "": none, whatever the environment says */
    const char *folder; /* the project's; NULL: CLAUDE_PROJECT_DIR, else the working directory */
    bool no_start;      /* never start a node */
    int timeout_ms;     /* of an answer; 0: NODE_TIMEOUT_MS */
};

/* Connect; asks nothing yet. A folder that is not there is kept as it is written. Errors of
 * node_client_open; CHT_E_INVALID: a session id of more than 256 bytes or no UTF-8. `fault` may be
 * NULL. */
CHT_MUST_USE enum cht_err agent_open(const struct agent_options *options, struct node_fault *fault,
                                     struct agent **out);
/* NULL is allowed. */
void agent_close(struct agent *a);

/* What the last call that failed said; its `error` map as the node sent it (LOCAL 5.2, for a claim
 * with `claim`), borrowed, or NULL. */
const struct node_fault *agent_fault(const struct agent *a);
const json_t *agent_error(const struct agent *a);

/* CHITTY-SESSION-…, by PROTOCOL 1.8, whether it is there yet or not; "" without one. */
const char *agent_session(const struct agent *a);
/* The platform's id of it; "" without one. */
const char *agent_session_key(const struct agent *a);
/* The absolute folder. */
const char *agent_folder(const struct agent *a);
/* CHITTY-PROJ-…; "" before agent_session_ensure or agent_project_find has found one. */
const char *agent_project(const struct agent *a);
/* Work in this project from now on (whole id; "": in none). */
void agent_project_set(struct agent *a, const char *id);
/* This device's 32 hex digits: told by every answer; "" before the first. */
const char *agent_device(const struct agent *a);

/* One request; `payload` and `args` are given away, also on errors; NULL is no memory. A query's
 * records of all messages as one array; a change's or command's `result`. `out` may be NULL. `key`
 * (LOCAL 3.5): a name for good; NULL: one for this call, so that a node that goes away is asked
 * again without doing it twice. Errors: the node's; CHT_E_LIMIT, CHT_E_NOMEM, those of
 * node_client_call. */
CHT_MUST_USE enum cht_err agent_query(struct agent *a, json_t *payload, json_t **out);
CHT_MUST_USE enum cht_err agent_change(struct agent *a, json_t *payload, const char *key,
                                       json_t **out);
CHT_MUST_USE enum cht_err agent_command(struct agent *a, const char *name, json_t *args,
                                        json_t **out);

/* Several requests sent together and answered together. */
struct agent_ask {
    enum node_msg_type type; /* NODE_MSG_QUERY, NODE_MSG_COMMAND, NODE_MSG_STATE_UPDATE */
    json_t *payload;         /* given away */
    json_t *out;             /* records or result; NULL where `err` is not CHT_OK */
    char *vector;            /* of a `log` (LOCAL 4.7): to be freed; NULL: none */
    bool partial;            /* of a `log`: older entries were left out */
    enum cht_err err;        /* of this one */
};
#define AGENT_ASKS_MAX 8u
/* CHT_OK: all are answered, each with its `err`. Else none has anything in `out`. Not repeated when
 * the node goes away: for reads, once more by the caller. */
CHT_MUST_USE enum cht_err agent_ask_all(struct agent *a, struct agent_ask *asks, size_t count);

/* How an id is shown, as `chitty` does: type and eight digits; a text that is no id as it is. */
struct agent_short {
    char text[CRDT_ID_TEXT_MAX];
};
struct agent_short agent_short(const char *id);

/* At most `chars` characters of a text of others in quotes, without controls and what could end
 * them: data of others, in a sentence that a model reads. */
void agent_quote(const char *text, size_t chars, char *out, size_t size);

/* --- the session (session.c) --------------------------------------------------------------- */

struct agent_facts {
    bool begins;       /* it starts, resumes, or was spoken to: one that had ended lives again */
    const char *cwd;   /* where it works now; NULL: the folder */
    const char *model; /* NULL: not known */
    const char *title; /* NULL: as it is */
    pid_t pid;         /* the process that it lives with; 0: that of CLAUDE_PID, if any */
    int project_ms;    /* how long git may be asked which project it is; 0: 4000 */
    bool no_project;   /* do not look for a project */
};

/* Make the record what it is now, and know its project: session_id, platform, cwd, branch, project,
 * model, title, status, `process` of this device, `state.device`, `last_active` when the last is
 * older than five minutes. Only what differs is written; where nothing does, one request is asked.
 * Any number of processes may do so at a time. CHT_E_INVALID: no session. */
CHT_MUST_USE enum cht_err agent_session_ensure(struct agent *a, const struct agent_facts *facts);
/* It did something: its claims are renewed, `last_active` as above. `out_renewed`: the answer of
 * `renew` (LOCAL 8): held and lost; may be NULL. */
CHT_MUST_USE enum cht_err agent_session_touch(struct agent *a, json_t **out_renewed);
/* `status`: "ended", "paused", "crashed". Its claims go with it (LOCAL 8), but for "paused".
 * CHT_E_NOTFOUND: there is no such session. */
CHT_MUST_USE enum cht_err agent_session_end(struct agent *a, const char *status);

/* How a session is, in a word: "active", "idle" (no sign of life for ten minutes), "paused",
 * "ended", "crashed", "away" (no sign of life for its lease, fifteen minutes, and its device is not
 * connected). `data`: of its record. `device_here`: its device (agent_session_device) is this one
 * or connected. */
const char *agent_session_state(const json_t *data, uint64_t now_ms, bool device_here);
/* The device that it runs on, 32 hex digits: of `process`, else of `state.device`; NULL. */
const char *agent_session_device(const json_t *data);

/* --- the project of a folder (project.c, folder.c) ----------------------------------------- */

enum agent_how {
    AGENT_BY_PLACE,   /* this folder or one above it is a place of it */
    AGENT_BY_ADDRESS, /* a project has the address of its git remote */
    AGENT_BY_ROOT,    /* a project has its first commit, and no address tells otherwise */
    AGENT_MADE,       /* there was none: it is new */
    AGENT_TOLD,       /* by the caller */
};
const char *agent_how_word(enum agent_how how);

struct agent_place {
    char project[CRDT_ID_TEXT_MAX];
    char name[AGENT_NAME_MAX];    /* the project's */
    char folder[NODE_PATH_MAX];   /* the place: the top of the clone or worktree, or the folder */
    char address[AGENT_NAME_MAX]; /* of the remote (PROTOCOL 1.9); empty: none, a path, not asked */
    char root[65];                /* first commit, hex; empty: none, or not asked */
    enum agent_how how;
    bool changed; /* something was written */
};

/* The project of a folder (NULL: the agent's), for good: the place is written down, so that git is
 * not asked again. Of a clone that is in no project one is made, with `make`. git may take
 * `git_ms`; 0: it is not asked, only places count. CHT_E_NOTFOUND: no clone, and no place; or with
 * `make` false nothing is known of the clone; CHT_E_TIMEOUT: git does not answer in time; errors of
 * requests. */
CHT_MUST_USE enum cht_err agent_project_find(struct agent *a, const char *folder, bool make,
                                             int git_ms, struct agent_place *out);
/* The folder is that project from now on: `project` (an id, its beginning, or a name), or a new one
 * called `name`, or both NULL: as agent_project_find with `make`, and where there is no clone a new
 * one called as the folder. `name` with one found gives it that name. A clone's address and first
 * commit go to the project. CHT_E_NOTFOUND: no such folder or project. */
CHT_MUST_USE enum cht_err agent_project_init(struct agent *a, const char *folder,
                                             const char *project, const char *name,
                                             struct agent_place *out);

/* Without node and git: the folder that holds `.git`, upwards; false: none. */
bool agent_clone_top(const char *folder, char out[static NODE_PATH_MAX]);

/* --- todos (todo.c) ------------------------------------------------------------------------ */

struct agent_list {
    const char *is;      /* words of LOCAL 4.11 with blanks between, or NULL */
    const char *text;    /* words to search for, or NULL */
    const char *project; /* NULL: the agent's; "": of any */
    bool mine;           /* only those that this session holds */
    unsigned limit;      /* 0: 50 */
    unsigned offset;
};
/* Records of LOCAL 4.4, with titles. */
CHT_MUST_USE enum cht_err agent_todo_list(struct agent *a, const struct agent_list *list,
                                          json_t **out);
/* One of them, whole. `id`: or its beginning, or its title. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err agent_todo_get(struct agent *a, const char *id, json_t **out);
/* `data` (given away): as in LOCAL 3.3; `session` and `project` are added where it has none. The
 * result of LOCAL 3.6. */
CHT_MUST_USE enum cht_err agent_todo_add(struct agent *a, json_t *data, const char *key,
                                         json_t **out);
/* `data` (given away). The result has `stale` where another session holds it. */
CHT_MUST_USE enum cht_err agent_todo_update(struct agent *a, const char *id, json_t *data,
                                            const char *key, json_t **out);

/* Claims (LOCAL 8). `id` NULL: the next that is ready, of the agent's project where it has one.
 * CHT_E_CONFLICT: held by another (agent_error has its `claim`); CHT_E_NOTFOUND: nothing is ready.
 */
CHT_MUST_USE enum cht_err agent_todo_claim(struct agent *a, const char *id, bool force,
                                           const char *key, json_t **out);
/* `id` NULL: all that this session holds. */
CHT_MUST_USE enum cht_err agent_todo_release(struct agent *a, const char *id, json_t **out);
/* Who holds what: of one todo, or (NULL) of the agent's project, or of all. */
CHT_MUST_USE enum cht_err agent_claims(struct agent *a, const char *id, json_t **out);

/* --- notes (note.c) ------------------------------------------------------------------------ */

/* `data` (given away) needs a `title`; session, project and author are added. */
CHT_MUST_USE enum cht_err agent_checkpoint_add(struct agent *a, json_t *data, const char *key,
                                               json_t **out);
/* The last ones of the agent's project (or of all), newest first. */
CHT_MUST_USE enum cht_err agent_checkpoints(struct agent *a, unsigned limit, json_t **out);
/* Records of any kind of `domain` (NULL: todos, checkpoints, contexts, messages) with these words,
 * at most `limit` of each. */
CHT_MUST_USE enum cht_err agent_search(struct agent *a, const char *text, const char *domain,
                                       unsigned limit, json_t **out);
/* A shared context of the project by its title: the record; CHT_E_NOTFOUND. `title` NULL: all. */
CHT_MUST_USE enum cht_err agent_context_get(struct agent *a, const char *title, json_t **out);
/* Make or change it: `data` (given away) may have summary, text, key_points, tags. Concurrent
 * makers of one title in one project make one context. */
CHT_MUST_USE enum cht_err agent_context_put(struct agent *a, const char *title, json_t *data,
                                            const char *key, json_t **out);

/* --- news (news.c, digest.c, seen.c) ------------------------------------------------------- */

#define AGENT_NEWS_BYTES 1024u /* of UTF-8; cut at a line */

enum agent_occasion {
    AGENT_AT_START,  /* what others did, what is ready, what this session holds */
    AGENT_AT_PROMPT, /* only when others did something or a claim was lost */
};

struct agent_news {
    char text[AGENT_NEWS_BYTES + 1]; /* lines; empty: nothing to tell */
    unsigned events;                 /* what others did, as far as it was looked at */
    unsigned lost;                   /* claims that went to others */
    bool more;                       /* there was more than was looked at */
    char *vector;                    /* up to where this look reaches; NULL: not known */
};

/* What others did in this project since this session last looked (without a last look: within
 * twelve hours), what is ready, what it holds, what it lost. Two requests' time, whatever has
 * happened. Renews its claims. `since`: another vector than the last look's; NULL. */
CHT_MUST_USE enum cht_err agent_news(struct agent *a, enum agent_occasion occasion,
                                     const char *since, struct agent_news *out);
/* The session was told: the next look begins there. CHT_E_IO: it could not be kept; then the same
 * is told again. */
CHT_MUST_USE enum cht_err agent_news_seen(struct agent *a, const struct agent_news *news);
void agent_news_clear(struct agent_news *news);

/* --- waiting (wait.c) ---------------------------------------------------------------------- */

struct agent_wait {
    int end_fd;  /* readable or hung up: the wait is over; -1: none */
    pid_t pid;   /* over when this process ends; 0: that of CLAUDE_PID, if any; -1: none */
    bool afresh; /* what happened before now is told by somebody else */
};

/* Until another session or device does what this one waits for, from its last look on: completes
 * what a todo of its project, or one that it holds, was waiting for; takes a claim of it; writes
 * it a message. `out->text`: what happened, and the next todo that is ready; to be told, then
 * agent_news_seen. Blocks without polling; when the node goes it is waited for, and what happened
 * meanwhile counts. CHT_E_EXPIRED: it is over with nothing to tell (`end_fd`, the process, or the
 * session has ended). */
CHT_MUST_USE enum cht_err agent_wait(struct agent *a, const struct agent_wait *wait,
                                     struct agent_news *out);

#endif
