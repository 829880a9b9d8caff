/* Waiting for something to happen: inotify on the folder, a watch of todos at the node (the bell),
 * a process that ends, a signal. */
#include "bridges/claude/mirror.h"

#include "bridges/claude/hook_own.h"
#include "node/client/answer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_CREATE |       \
     IN_ONLYDIR)
#define AGAIN_MIN_MS 100 /* until the node is looked for again */
#define AGAIN_MAX_MS 5000
#define LOOKS_MAX    200u /* of --once, while others are at work */
#define GIT_MS       4000 /* until git has told which project this is */

/* --- opening --------------------------------------------------------------------------------- */

static bool make_folders(const char *path)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *at = strchr(folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(folder, 0755) == 0 || errno == EEXIST;
}

/* The folder of the list; of a session's own only the one above it: whether there is a list, the
 * session says. */
static enum cht_err make_place(const struct mirror *m, struct node_fault *fault)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", m->list.folder);
    char *slash = strrchr(folder, '/');
    if (!m->shared && slash != NULL)
        *slash = '\0';
    return folder[0] != '\0' && make_folders(folder)
               ? CHT_OK
               : node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot make %s: %s", folder,
                                strerror(errno));
}

enum cht_err mirror_open(const struct mirror_options *options, struct node_fault *fault,
                         struct mirror *out)
{
    const struct agent_options who = { .program = "mirror" };
    const struct agent_facts facts = { 0 };
    *out = (struct mirror){ .lock_fd = -1 };
    if (options->list != NULL && setenv("CLAUDE_CODE_TASK_LIST_ID", options->list, 1) != 0)
        return node_fault_from(fault, CHT_E_NOMEM, NULL);
    const char *named = getenv("CLAUDE_CODE_TASK_LIST_ID");
    out->shared = named != NULL && named[0] != '\0';
    enum cht_err err = agent_open(&who, fault, &out->agent);
    if (err != CHT_OK)
        return err;
    struct agent_place place;
    const bool session = agent_session(out->agent)[0] != '\0';
    err = session ? agent_session_ensure(out->agent, &facts)
                  : agent_project_find(out->agent, NULL, true, GIT_MS, &place);
    if (err == CHT_OK && !session)
        agent_project_set(out->agent, place.project);
    if (err == CHT_E_NOTFOUND && !session)
        err = CHT_OK; /* no project: the list of no project */
    if (err != CHT_OK) {
        *fault = *agent_fault(out->agent);
        return err;
    }
    err = native_list_find(agent_session_key(out->agent), agent_device(out->agent), &out->list);
    if (err == CHT_OK && out->list.folder[0] == '\0')
        err = CHT_E_INVALID;
    if (err != CHT_OK)
        return node_fault_set(fault, err, cht_bytes(NULL, 0),
                              "which list: --list NAME, or in a session of Claude Code its own");
    err = make_place(out, fault);
    return err == CHT_OK ? mirror_state_open(out, fault) : err;
}

void mirror_close(struct mirror *m)
{
    agent_close(m->agent);
    json_decref(m->state);
    json_decref(m->absent);
    if (m->lock_fd >= 0)
        (void)close(m->lock_fd);
    *m = (struct mirror){ .lock_fd = -1 };
}

/* --- what is waited for ---------------------------------------------------------------------- */

enum { FD_FILES, FD_BELL, FD_PROCESS, FD_SIGNAL, FD_COUNT };

struct ear {
    struct mirror *m;
    struct node_client *bell;
    struct pollfd fds[FD_COUNT];
    unsigned again_ms;
};

/* The folder, and above it, as far as it is not there yet. */
static void watch_files(struct ear *e)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", e->m->list.folder);
    if (inotify_add_watch(e->fds[FD_FILES].fd, folder, EVENTS) >= 0)
        return;
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    (void)inotify_add_watch(e->fds[FD_FILES].fd, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

static void hear_files(struct ear *e)
{
    char events[8192];
    while (read(e->fds[FD_FILES].fd, events, sizeof events) > 0)
        continue;
    watch_files(e);
}

static enum cht_err hang_bell(struct ear *e)
{
    const struct node_client_options options = { 0 };
    struct node_fault fault = { 0 };
    struct cht_buf b;
    char id[NODE_REQUEST_ID_MAX];
    const char *session = agent_session(e->m->agent);
    node_client_close(e->bell);
    e->bell = NULL;
    enum cht_err err = node_client_open(&options, &fault, &e->bell);
    cht_buf_init(&b, 64u * 1024u);
    if (err == CHT_OK)
        err = node_request_begin("mirror", session[0] == '\0' ? NULL : session, NODE_MSG_QUERY, &b,
                                 id);
    json_t *payload =
        json_pack("{ss ss s[s]}", "operation", "watch", "domain", "todos", "fields", "status");
    if (err == CHT_OK)
        err = payload == NULL ? CHT_E_NOMEM : bridge_json_put(payload, 8, &b);
    json_decref(payload);
    if (err == CHT_OK)
        err = node_client_send(e->bell, cht_buf_view(&b), &fault);
    cht_buf_clear(&b);
    e->fds[FD_BELL].fd = err == CHT_OK ? node_client_fd(e->bell) : -1;
    if (err != CHT_OK) {
        node_client_close(e->bell);
        e->bell = NULL;
    }
    return err;
}

/* All it says; an error: the node has gone. */
static enum cht_err hear_bell(struct ear *e)
{
    struct node_msg message;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK)
        err = node_client_next(e->bell, 0, NULL, &message);
    return err == CHT_E_TIMEOUT ? CHT_OK : err;
}

static enum cht_err open_ear(struct ear *e, pid_t pid)
{
    sigset_t set;
    const char *told = getenv("CLAUDE_PID");
    for (size_t i = 0; i < FD_COUNT; i++)
        e->fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
    if (pid == 0 && told != NULL)
        pid = (pid_t)strtol(told, NULL, 10);
    e->fds[FD_FILES].fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (e->fds[FD_FILES].fd < 0)
        return CHT_E_IO;
    if (pid > 1) {
        e->fds[FD_PROCESS].fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (e->fds[FD_PROCESS].fd < 0 && errno == ESRCH)
            return CHT_E_EXPIRED;
    }
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL); /* a lock of ours is not left behind */
    e->fds[FD_SIGNAL].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    watch_files(e);
    return CHT_OK;
}

static void close_ear(struct ear *e)
{
    node_client_close(e->bell);
    e->fds[FD_BELL].fd = -1;
    for (size_t i = 0; i < FD_COUNT; i++) {
        if (e->fds[i].fd >= 0)
            (void)close(e->fds[i].fd);
    }
}

/* How long to wait at most: while somebody holds a lock, or until the node is back. */
static int patience(const struct ear *e)
{
    int ms = e->again_ms > 0 ? (int)e->again_ms : -1;
    if (e->m->again && (ms < 0 || (int)e->m->wait_ms < ms))
        ms = (int)e->m->wait_ms;
    return ms;
}

/* Wait, and look at what it was. CHT_E_EXPIRED: it is over. */
static enum cht_err listen_once(struct ear *e)
{
    if (poll(e->fds, FD_COUNT, patience(e)) < 0 && errno != EINTR)
        return CHT_E_IO;
    if (e->fds[FD_SIGNAL].revents != 0 || e->fds[FD_PROCESS].revents != 0)
        return CHT_E_EXPIRED;
    if (e->fds[FD_FILES].revents != 0)
        hear_files(e);
    if (e->fds[FD_BELL].revents != 0 && hear_bell(e) != CHT_OK) {
        node_client_close(e->bell);
        e->bell = NULL;
        e->fds[FD_BELL].fd = -1;
    }
    return CHT_OK;
}

/* A node that is away is looked for again, more and more seldom. */
static void try_later(struct ear *e)
{
    e->again_ms = e->again_ms == 0                 ? AGAIN_MIN_MS
                  : 2 * e->again_ms > AGAIN_MAX_MS ? AGAIN_MAX_MS
                                                   : 2 * e->again_ms;
}

enum cht_err mirror_run(struct mirror *m, const struct mirror_options *options)
{
    struct ear e = { .m = m };
    unsigned broken = 0;
    enum cht_err err = open_ear(&e, options->pid);
    while (err == CHT_OK) {
        enum cht_err looked = e.bell == NULL ? hang_bell(&e) : CHT_OK;
        if (looked == CHT_OK)
            looked = mirror_look(m);
        if (looked == CHT_OK)
            e.again_ms = 0;
        else
            try_later(&e);
        if (mirror_broken() > broken)
            (void)fprintf(stderr, "chitty: broke a lock in %s that was older than %u s\n",
                          m->list.folder, MIRROR_STALE_MS / 1000);
        broken = mirror_broken();
        err = listen_once(&e);
    }
    close_ear(&e);
    return err == CHT_E_EXPIRED ? CHT_OK : err;
}

enum cht_err mirror_once(struct mirror *m)
{
    struct ear e = { .m = m };
    enum cht_err err = open_ear(&e, 0);
    for (unsigned i = 0; err == CHT_OK && i < LOOKS_MAX; i++) {
        err = mirror_look(m);
        if (err != CHT_OK || !m->again)
            break;
        err = listen_once(&e);
    }
    close_ear(&e);
    return err;
}
