/* Whether sessions live; see observe.h. A session whose `process` names a process of this device
 * lives as long as that does. One without a process says by `last_active` that it lives, and is
 * taken for dead after its lease (`state.lease`, in seconds; ten minutes): only by the device that
 * made it, as others hear of `last_active` late. Sessions that never said either are left alone. */
#include "bridges/observe/observe.h"
#include "crdt/limits.h"
#include "node/client/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LEASE_MS     (10u * 60u * 1000u)
#define LEASE_MS_MAX (7u * OBSERVE_DAY_MS)
#define GRACE_MS     60000u /* after the machine slept: those that live say so first */
#define RETRY_MS     60000u
#define AGAIN_MS     30000u /* without pidfds (Linux before 5.3, some sandboxes) */

struct session {
    struct session *next;
    char id[CRDT_ID_TEXT_MAX];
    bool has_process; /* on this device */
    struct node_process process;
    int fd;               /* a pidfd of it; -1: not opened yet, or it is dead */
    uint64_t look_ms;     /* without one: look for it then */
    bool dead;            /* it does not live; to be written */
    uint64_t retry_ms;    /* … not before */
    uint64_t lease_wall;  /* without any process: judge it then; 0: never */
    uint64_t last_active; /* of which that was made */
};

struct observe_sessions {
    struct session *all;
    uint32_t count;
};

enum cht_err observe_sessions_open(struct observer *o)
{
    o->sessions = calloc(1, sizeof *o->sessions);
    return o->sessions == NULL ? CHT_E_NOMEM : CHT_OK;
}

static void drop(struct observe_sessions *x, struct session **at)
{
    struct session *gone = *at;
    *at = gone->next;
    if (gone->fd >= 0)
        (void)close(gone->fd);
    free(gone);
    x->count--;
}

void observe_sessions_close(struct observer *o)
{
    while (o->sessions != NULL && o->sessions->all != NULL)
        drop(o->sessions, &o->sessions->all);
    free(o->sessions);
    o->sessions = NULL;
}

/* --- what the records say ------------------------------------------------------------------ */

static bool is_word(struct cht_bytes map, const char *key, const char *word)
{
    return cht_bytes_eq(node_mp_get_str(map, key), cht_bytes_str(word));
}

/* Neither ended nor crashed. */
static bool goes_on(struct cht_bytes data)
{
    return !is_word(data, "status", "ended") && !is_word(data, "status", "crashed");
}

static struct session **find(struct observe_sessions *x, const char *id)
{
    struct session **at = &x->all;
    while (*at != NULL && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

static struct session *add(struct observe_sessions *x, const char *id)
{
    struct session *s = x->count == OBSERVE_SESSIONS ? NULL : calloc(1, sizeof *s);
    if (s == NULL) {
        observe_log("warning", "%s is not looked after: there are too many sessions", id);
        return NULL;
    }
    (void)snprintf(s->id, sizeof s->id, "%s", id);
    s->fd = -1;
    s->next = x->all;
    x->all = s;
    x->count++;
    return s;
}

static void take_process(struct session *s, struct cht_bytes map)
{
    struct node_process told = { 0 };
    const bool has = node_process_read(map, &told) == CHT_OK;
    if (has == s->has_process && told.pid == s->process.pid && told.ticks == s->process.ticks &&
        told.started_ms == s->process.started_ms)
        return;
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
    s->dead = false;
    s->retry_ms = s->look_ms = 0;
    s->has_process = has;
    s->process = told;
}

void observe_sessions_take(struct observer *o, const struct observe_record *r)
{
    struct observe_sessions *x = o->sessions;
    struct session **at = find(x, r->id);
    const struct cht_bytes processes = node_mp_get(r->data, "process");
    const struct cht_bytes own = node_mp_get(processes, o->device);
    const uint64_t last_active = node_mp_get_uint(r->data, "last_active", 0);
    const bool leased =
        node_mp_count(processes) == 0 && last_active != 0 && is_word(r->data, "status", "active");
    if (r->gone || !goes_on(r->data) || (own.len == 0 && !leased)) {
        if (*at != NULL)
            drop(x, at);
        return;
    }
    struct session *s = *at == NULL ? add(x, r->id) : *at;
    if (s == NULL)
        return;
    take_process(s, own);
    if (!leased)
        s->lease_wall = 0;
    else if (last_active != s->last_active)
        s->lease_wall = last_active + LEASE_MS;
    s->last_active = leased ? last_active : 0;
}

/* --- whether they live --------------------------------------------------------------------- */

static int pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0u);
}

/* The descriptor is opened before the process is compared: what it stands for cannot change. */
static void begin(const struct observer *o, struct session *s)
{
    struct node_process found;
    s->fd = pidfd(s->process.pid);
    const bool gone = s->fd < 0 && errno == ESRCH;
    s->look_ms = o->now_ms + AGAIN_MS;
    if (gone || node_process_find(s->process.pid, &found) != CHT_OK ||
        !node_process_same(&s->process, &found)) {
        if (s->fd >= 0)
            (void)close(s->fd);
        s->fd = -1;
        s->dead = true;
    }
}

static void look(const struct observer *o, struct session *s)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    if (s->fd < 0 && !s->dead && s->look_ms <= o->now_ms)
        begin(o, s);
    else if (s->fd >= 0 && poll(&p, 1, 0) == 1) {
        (void)close(s->fd);
        s->fd = -1;
        s->dead = true;
    }
}

/* {status: crashed, ended: now}, and without our process; a session that has a process elsewhere
 * too loses only ours. */
static enum cht_err write_dead(struct observer *o, const struct session *s, bool whole)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_VALUE_BYTES);
    enum cht_err err = crdt_mp_put_map(&b, (whole ? 2u : 0u) + (s->has_process ? 1u : 0u));
    if (err == CHT_OK && whole)
        err = node_mp_put_key_text(&b, "status", "crashed");
    if (err == CHT_OK && whole)
        err = node_mp_put_key_uint(&b, "ended", o->wall_ms);
    if (err == CHT_OK && s->has_process)
        err = node_mp_put_text(&b, "process");
    if (err == CHT_OK && s->has_process)
        err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK && s->has_process)
        err = node_mp_put_text(&b, o->device);
    if (err == CHT_OK && s->has_process)
        err = crdt_mp_put_nil(&b);
    if (err == CHT_OK)
        err = observe_change(o, s->id, cht_buf_view(&b));
    cht_buf_clear(&b);
    return err;
}

/* Its process has ended: what the record says now decides. True: no more to do. */
static bool bury(struct observer *o, struct session *s)
{
    struct cht_buf data;
    struct node_process told;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    enum cht_err err = observe_get(o, s->id, &data);
    const struct cht_bytes now = cht_buf_view(&data);
    const struct cht_bytes processes = node_mp_get(now, "process");
    if (err == CHT_OK && goes_on(now) &&
        node_process_read(node_mp_get(processes, o->device), &told) == CHT_OK &&
        told.pid == s->process.pid && told.ticks == s->process.ticks)
        err = write_dead(o, s, node_mp_count(processes) == 1);
    cht_buf_clear(&data);
    return err == CHT_OK || err == CHT_E_NOTFOUND;
}

static uint64_t lease_ms(struct cht_bytes state)
{
    const uint64_t s = node_mp_get_uint(state, "lease", 0);
    return s == 0 ? LEASE_MS : s > LEASE_MS_MAX / 1000 ? LEASE_MS_MAX : s * 1000;
}

/* Its usual lease is over: what the record says now decides. */
static void judge_lease(struct observer *o, struct session *s)
{
    struct cht_buf data;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    enum cht_err err = observe_get(o, s->id, &data);
    const struct cht_bytes now = cht_buf_view(&data);
    const uint64_t end =
        node_mp_get_uint(now, "last_active", 0) + lease_ms(node_mp_get(now, "state"));
    s->lease_wall = 0;
    if (err == CHT_OK && is_word(now, "status", "active") &&
        node_mp_count(node_mp_get(now, "process")) == 0 &&
        observe_is_ours(o, s->id, "session_id", NULL)) {
        if (end > o->wall_ms)
            s->lease_wall = end;
        else if (write_dead(o, s, true) != CHT_OK)
            s->lease_wall = o->wall_ms + RETRY_MS;
    }
    cht_buf_clear(&data);
}

static bool in_grace(const struct observer *o)
{
    return o->slept_ms != 0 && o->now_ms < o->slept_ms + GRACE_MS;
}

void observe_sessions_tick(struct observer *o)
{
    struct observe_sessions *x = o->sessions;
    for (struct session **at = &x->all; *at != NULL && !o->over;) {
        struct session *s = *at;
        if (s->has_process)
            look(o, s);
        if (s->dead && s->retry_ms <= o->now_ms) {
            if (bury(o, s)) {
                drop(x, at);
                continue;
            }
            s->retry_ms = o->now_ms + RETRY_MS;
        }
        if (s->lease_wall != 0 && s->lease_wall <= o->wall_ms && !in_grace(o))
            judge_lease(o, s);
        at = &s->next;
    }
}

void observe_sessions_wait(struct observer *o, struct observe_waits *w)
{
    for (const struct session *s = o->sessions->all; s != NULL; s = s->next) {
        observe_wait_fd(w, s->fd);
        if (s->dead)
            observe_wait_until(w, s->retry_ms);
        else if (s->has_process && s->fd < 0)
            observe_wait_until(w, s->look_ms);
        if (s->lease_wall != 0 && in_grace(o))
            observe_wait_until(w, o->slept_ms + GRACE_MS);
        else if (s->lease_wall != 0)
            observe_wait_until_wall(w, s->lease_wall);
    }
}
