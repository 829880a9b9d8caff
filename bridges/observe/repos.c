/* Clones on this machine; see observe.h. Which ones: those that the repos' `worktrees` name under
 * this device, as far as this device has written them itself, so that nobody else sends git into a
 * folder. Each is looked at when something happened in its .git folder, and every ten minutes, as
 * an edited file shows nowhere else. Written is what changed. */
#include "bridges/observe/dirs.h"
#include "bridges/observe/observe.h"
#include "crdt/limits.h"
#include "node/client/git.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELD         "worktrees"
#define SETTLE_MS     200u    /* quiet for so long after something happened … */
#define SETTLE_MAX_MS 2000u   /* … or busy for so long */
#define AGAIN_MS      600000u /* 10 minutes */

struct clone {
    struct clone *next;
    uint32_t number;
    char repo[CRDT_ID_TEXT_MAX];
    char key[LIMIT_KEY_BYTES + 1]; /* "DEVICE:PATH" */
    const char *path;              /* in it */
    struct cht_buf said;           /* what the record says: a map */
    bool seen;                     /* while a record is taken */
    bool ours, asked;              /* this device has written it; asked whether */
    uint64_t happened_ms;          /* first of what is not looked at yet; 0: nothing */
    uint64_t look_ms;              /* look then */
};

struct observe_repos {
    struct observe_dirs *dirs;
    struct clone *clones;
    uint32_t count, last_number;
    uint32_t looking; /* number of the one that git is asked about; 0: none */
    struct node_git git;
    uint64_t git_end_ms;
};

enum cht_err observe_repos_open(struct observer *o)
{
    struct observe_repos *x = calloc(1, sizeof *x);
    if (x == NULL)
        return CHT_E_NOMEM;
    x->git.fd = -1;
    enum cht_err err = observe_dirs_open(&x->dirs);
    if (err != CHT_OK)
        free(x);
    else
        o->repos = x;
    return err;
}

static void drop(struct observe_repos *x, struct clone **at)
{
    struct clone *gone = *at;
    *at = gone->next;
    observe_dirs_drop(x->dirs, gone->number);
    cht_buf_clear(&gone->said);
    free(gone);
    x->count--;
}

void observe_repos_close(struct observer *o)
{
    struct observe_repos *x = o->repos;
    if (x == NULL)
        return;
    node_git_stop(&x->git);
    while (x->clones != NULL)
        drop(x, &x->clones);
    observe_dirs_close(x->dirs);
    free(x);
    o->repos = NULL;
}

/* --- what the records say ------------------------------------------------------------------ */

static struct clone *find(struct observe_repos *x, const char *repo, struct cht_bytes key)
{
    struct clone *c = x->clones;
    while (c != NULL && (strcmp(c->repo, repo) != 0 || !cht_bytes_eq(cht_bytes_str(c->key), key)))
        c = c->next;
    return c;
}

static struct clone *add(struct observer *o, const char *repo, struct cht_bytes key)
{
    struct observe_repos *x = o->repos;
    struct clone *c = x->count == OBSERVE_CLONES ? NULL : calloc(1, sizeof *c);
    if (c == NULL) {
        observe_log("warning", "%.*s is not looked after: there are too many clones", (int)key.len,
                    (const char *)key.data);
        return NULL;
    }
    (void)snprintf(c->repo, sizeof c->repo, "%s", repo);
    memcpy(c->key, key.data, key.len);
    c->path = c->key + strlen(o->device) + 1;
    c->number = ++x->last_number;
    cht_buf_init(&c->said, LIMIT_VALUE_BYTES);
    c->look_ms = o->now_ms;
    c->next = x->clones;
    x->clones = c;
    x->count++;
    return c;
}

/* "DEVICE:/…" of this device. */
static bool is_own(const struct observer *o, struct cht_bytes key)
{
    const size_t len = strlen(o->device);
    return key.len > len + 1 && key.len <= LIMIT_KEY_BYTES &&
           memcmp(key.data, o->device, len) == 0 && key.data[len] == ':' &&
           key.data[len + 1] == '/';
}

static void take_said(struct observer *o, struct clone *c, struct cht_bytes value)
{
    c->seen = true;
    if (cht_bytes_eq(cht_buf_view(&c->said), value))
        return;
    if (c->said.len > 0) /* another one has written it, or we have: see that it is so */
        c->look_ms = o->now_ms + SETTLE_MS;
    c->asked = false;
    cht_buf_reset(&c->said);
    (void)!cht_buf_add(&c->said, value);
}

void observe_repos_take(struct observer *o, const struct observe_record *r)
{
    struct observe_repos *x = o->repos;
    struct node_mp_iter it = node_mp_iter(node_mp_get(r->data, FIELD));
    struct cht_bytes key, value;
    for (struct clone *c = x->clones; c != NULL; c = c->next)
        c->seen = strcmp(c->repo, r->id) != 0;
    while (!r->gone && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        if (!is_own(o, name))
            continue;
        struct clone *c = find(x, r->id, name);
        c = c == NULL ? add(o, r->id, name) : c;
        if (c != NULL)
            take_said(o, c, value);
    }
    for (struct clone **at = &x->clones; *at != NULL;) {
        if ((*at)->seen)
            at = &(*at)->next;
        else
            drop(x, at);
    }
}

/* --- what git says ------------------------------------------------------------------------- */

static void write_state(struct observer *o, struct clone *c, const struct node_worktree *now)
{
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_VALUE_BYTES);
    /* what happened while git was asked is to be looked at, too */
    if (c->look_ms > o->now_ms + AGAIN_MS)
        c->look_ms = o->now_ms + AGAIN_MS;
    observe_dirs_watch(o->repos->dirs, c->number, c->path);
    if (node_worktree_same(now, cht_buf_view(&c->said)))
        return;
    enum cht_err err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&b, FIELD);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&b, c->key);
    const size_t start = b.len;
    if (err == CHT_OK)
        err = node_worktree_put(now, o->wall_ms, &b);
    if (err == CHT_OK)
        err = observe_change(o, c->repo, cht_buf_view(&b));
    if (err == CHT_OK) { /* the news of it are none to us */
        cht_buf_reset(&c->said);
        (void)!cht_buf_add(&c->said, cht_bytes(b.data + start, b.len - start));
    }
    cht_buf_clear(&b);
}

static struct clone *numbered(struct observe_repos *x, uint32_t number)
{
    struct clone *c = x->clones;
    while (c != NULL && c->number != number)
        c = c->next;
    return c;
}

static void take_git(struct observer *o)
{
    struct observe_repos *x = o->repos;
    struct node_worktree now = { .state = NODE_WT_UNREADABLE };
    enum cht_err err = node_git_take(&x->git);
    if (err == CHT_E_WAITING && o->now_ms < x->git_end_ms)
        return;
    if (err == CHT_OK)
        (void)!node_worktree_read(cht_buf_view(&x->git.out), &now);
    struct clone *c = numbered(x, x->looking);
    x->looking = 0;
    node_git_stop(&x->git);
    if (c != NULL)
        write_state(o, c, &now);
}

static void look(struct observer *o, struct clone *c)
{
    struct observe_repos *x = o->repos;
    if (!c->asked) {
        c->ours = observe_is_ours(o, c->repo, FIELD, c->key);
        c->asked = true;
    }
    c->look_ms = UINT64_MAX;
    c->happened_ms = 0;
    if (!c->ours) {
        observe_log("warning", "%s is not looked after: another device has named it", c->path);
        return;
    }
    if (!node_git_is_clone(c->path)) {
        write_state(o, c, &(struct node_worktree){ .state = NODE_WT_MISSING });
        return;
    }
    observe_dirs_watch(x->dirs, c->number, c->path); /* first: what happens from now on is told */
    if (node_git_start(c->path, node_git_status, &x->git) != CHT_OK) {
        write_state(o, c, &(struct node_worktree){ .state = NODE_WT_UNREADABLE });
        return;
    }
    x->looking = c->number;
    x->git_end_ms = o->now_ms + NODE_GIT_MS;
}

static void happened(void *ctx, uint32_t number)
{
    const struct observer *o = ctx;
    struct clone *c = numbered(o->repos, number);
    if (c == NULL || (c->asked && !c->ours))
        return;
    if (c->happened_ms == 0)
        c->happened_ms = o->now_ms;
    const uint64_t latest = c->happened_ms + SETTLE_MAX_MS;
    c->look_ms = o->now_ms + SETTLE_MS < latest ? o->now_ms + SETTLE_MS : latest;
}

void observe_repos_tick(struct observer *o)
{
    struct observe_repos *x = o->repos;
    observe_dirs_read(x->dirs, happened, o);
    if (x->looking != 0)
        take_git(o);
    for (struct clone *c = x->clones; c != NULL && x->looking == 0 && !o->over; c = c->next)
        if (c->look_ms <= o->now_ms)
            look(o, c);
}

void observe_repos_wait(struct observer *o, struct observe_waits *w)
{
    const struct observe_repos *x = o->repos;
    observe_wait_fd(w, observe_dirs_fd(x->dirs));
    observe_wait_fd(w, x->git.fd);
    if (x->looking != 0)
        observe_wait_until(w, x->git_end_ms);
    for (const struct clone *c = x->clones; c != NULL && x->looking == 0; c = c->next)
        observe_wait_until(w, c->look_ms);
}
