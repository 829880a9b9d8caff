/* chitty repo add */
#include "cli/base/change.h"
#include "cli/base/repo_clone.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "node/client/origin.h"

#include <stdio.h>
#include <stdlib.h>

#define QUICK_MS  5000
#define ROOTS_MS  60000 /* of a long history */
#define ROOTS_MAX 8u

/* What git tells of a clone. */
struct facts {
    char path[NODE_PATH_MAX];
    bool remote;           /* it has one: `url` is its address; else its .git is */
    struct cht_buf url;    /* normalised (PROTOCOL 1.9) */
    struct cht_buf roots;  /* lines */
    struct cht_buf branch; /* the default one; empty: not known */
    struct node_worktree state;
};

/* --- what git tells ------------------------------------------------------------------------ */

/* Where there is no remote: the folder that holds the .git of it and of its other worktrees. */
static void ask_common(const char *path, struct cht_buf *out)
{
    static const char *const words[] = { "rev-parse", "--path-format=absolute", "--git-common-dir",
                                         NULL };
    cht_buf_reset(out);
    if (node_git_ask(path, words, QUICK_MS, out) != CHT_OK || out->len == 0) {
        cht_buf_reset(out);
        (void)!cht_buf_add(out, cht_bytes_str(path));
    }
}

static enum cht_err find_url(struct cli_context *c, struct facts *f)
{
    struct cht_buf told;
    enum cht_err err = node_origin_address(f->path, QUICK_MS, &f->url);
    f->remote = err != CHT_E_NOTFOUND;
    if (!f->remote) {
        cht_buf_init(&told, LIMIT_TITLE_BYTES);
        ask_common(f->path, &told);
        err = cht_buf_add_u8(&told, 0);
        if (err == CHT_OK)
            err = node_origin_normal(f->path, (const char *)told.data, &f->url);
        cht_buf_clear(&told);
    }
    return err == CHT_OK
               ? CHT_OK
               : node_fault_set(&c->fault, err, cht_bytes_str("url"),
                                "the remote of %.160s is no address that can be kept", f->path);
}

static void find_rest(struct facts *f)
{
    static const char *const shallow[] = { "rev-parse", "--is-shallow-repository", NULL };
    static const char *const roots[] = { "rev-list", "--max-parents=0", "HEAD", NULL };
    static const char *const head[] = { "symbolic-ref", "--short", "refs/remotes/origin/HEAD",
                                        NULL };
    struct cht_buf answer;
    cht_buf_init(&answer, NODE_GIT_BYTES);
    /* where the history is cut off, its first commits are not the repository's */
    if (node_git_ask(f->path, shallow, QUICK_MS, &answer) == CHT_OK &&
        cht_bytes_eq(cht_buf_view(&answer), cht_bytes_str("false")) &&
        node_git_ask(f->path, roots, ROOTS_MS, &f->roots) != CHT_OK)
        cht_buf_reset(&f->roots);
    cht_buf_reset(&answer);
    if (node_git_ask(f->path, head, QUICK_MS, &answer) == CHT_OK && answer.len > 7 &&
        memcmp(answer.data, "origin/", 7) == 0 && crdt_utf8_valid(cht_buf_view(&answer)))
        (void)!cht_buf_add(&f->branch, cht_bytes(answer.data + 7, answer.len - 7));
    cht_buf_clear(&answer);
    node_git_look(f->path, &f->state);
}

/* --- the record ---------------------------------------------------------------------------- */

/* The last part of the address. */
static struct cht_bytes name_of(struct cht_bytes url)
{
    size_t from = url.len;
    while (from > 0 && url.data[from - 1] != '/')
        from--;
    return cht_bytes(url.data + from, url.len - from);
}

static uint32_t count_roots(const struct facts *f)
{
    uint32_t count = f->roots.len == 0 ? 0 : 1;
    for (size_t i = 0; i < f->roots.len; i++)
        count += f->roots.data[i] == '\n' ? 1 : 0;
    return count > ROOTS_MAX ? ROOTS_MAX : count;
}

/* root_commits: {add: […]} */
static enum cht_err put_roots(const struct facts *f, struct cht_buf *b)
{
    const uint32_t count = count_roots(f);
    size_t at = 0;
    enum cht_err err = node_mp_put_text(b, "root_commits");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "add");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        size_t len = 0;
        while (at + len < f->roots.len && f->roots.data[at + len] != '\n')
            len++;
        err = crdt_mp_put_str(b, cht_bytes(f->roots.data + at, len));
        at += len + 1;
    }
    return err;
}

static enum cht_err put_data(const struct facts *f, const char *key, uint64_t now_ms,
                             struct cht_buf *b)
{
    const struct cht_bytes url = cht_buf_view(&f->url);
    enum cht_err err =
        crdt_mp_put_map(b, 3u + (f->branch.len != 0 ? 1u : 0u) + (f->roots.len != 0 ? 1u : 0u));
    if (err == CHT_OK)
        err = node_mp_put_key_str(b, "url", url);
    if (err == CHT_OK)
        err = node_mp_put_key_str(b, "name", name_of(url));
    if (err == CHT_OK && f->branch.len != 0)
        err = node_mp_put_key_str(b, "default_branch", cht_buf_view(&f->branch));
    if (err == CHT_OK && f->roots.len != 0)
        err = put_roots(f, b);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "worktrees");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, key);
    return err == CHT_OK ? node_worktree_put(&f->state, now_ms, b) : err;
}

/* --- which record -------------------------------------------------------------------------- */

/* The repo of this address that has a worktree on this device already; empty: none. */
static struct cht_bytes of_this_device(struct cht_bytes repos, const struct cli_devices *devices,
                                       struct cht_bytes url)
{
    struct cht_wire w = cht_wire(repos);
    struct cht_bytes record, key, value;
    while (cli_gathered_next(&w, &record)) {
        const struct cht_bytes data = node_mp_get(record, "data");
        struct node_mp_iter it = node_mp_iter(node_mp_get(data, "worktrees"));
        while (cht_bytes_eq(node_mp_get_str(data, "url"), url) && node_mp_next(&it, &key, &value))
            if (cli_clone_path(devices, node_mp_str(key)).len != 0)
                return record;
    }
    return cht_bytes(NULL, 0);
}

/* Its natural id, by the remote's address (PROTOCOL 1.8). Without a remote nobody else can mean the
 * same: a path is one machine's. Then it is the one that this device has under that path, or one of
 * its own. */
static enum cht_err choose(struct cli_context *c, const struct facts *f, struct cht_bytes local,
                           char out[static CRDT_ID_TEXT_MAX])
{
    char random[NODE_REQUEST_ID_MAX];
    struct cht_buf scratch;
    struct crdt_id id = { .type = CRDT_REPO };
    const struct cht_bytes held = node_mp_get_str(local, "chittyId");
    out[0] = '\0';
    if (f->remote)
        return CHT_OK;
    if (held.len > 0 && held.len < CRDT_ID_TEXT_MAX) {
        memcpy(out, held.data, held.len);
        out[held.len] = '\0';
        return CHT_OK;
    }
    cht_buf_init(&scratch, LIMIT_CLIENT_BYTES);
    enum cht_err err = node_request_begin("cli", NULL, NODE_MSG_QUERY, &scratch, random);
    cht_buf_clear(&scratch);
    if (err == CHT_OK)
        err = crdt_unhex(cht_bytes_str(random), id.b, sizeof id.b);
    if (err == CHT_OK)
        crdt_id_text(&id, out);
    return cli_fail(c, err);
}

/* Another repo has the clone: it had another remote then. */
static enum cht_err move(struct cli_context *c, const struct facts *f, struct cht_bytes holder,
                         const char *key)
{
    struct cht_buf data;
    const struct cht_bytes url = node_mp_get_str(node_mp_get(holder, "data"), "url");
    if (holder.len == 0 || cli_flag(c, "dry-run") != NULL ||
        cht_bytes_eq(url, cht_buf_view(&f->url)))
        return CHT_OK;
    cht_buf_init(&data, LIMIT_VALUE_BYTES);
    enum cht_err err = cli_clone_data(key, NULL, 0, &data);
    if (err == CHT_OK)
        err = cli_change_quietly(c, node_mp_get_str(holder, "chittyId"), cht_buf_view(&data));
    cht_buf_clear(&data);
    return err;
}

static enum cht_err write_repo(struct cli_context *c, const struct facts *f,
                               const struct cli_devices *devices)
{
    char key[LIMIT_KEY_BYTES + 1], id[CRDT_ID_TEXT_MAX];
    struct cht_buf repos, data;
    struct cht_bytes holder;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_clone_repos(c, &repos);
    if (err == CHT_OK)
        err = cli_clone_key(c, devices, f->path, key);
    if (err == CHT_OK) {
        if (!cli_clone_holder(cht_buf_view(&repos), key, &holder))
            holder = cht_bytes(NULL, 0);
        err =
            choose(c, f, of_this_device(cht_buf_view(&repos), devices, cht_buf_view(&f->url)), id);
    }
    if (err == CHT_OK)
        err = move(c, f, holder, key);
    if (err == CHT_OK)
        err = cli_fail(c, put_data(f, key, c->now_ms, &data));
    if (err == CHT_OK) {
        const struct cli_change change = { .op = NODE_UPSERT,
                                           .id = id[0] == '\0' ? NULL : id,
                                           .data = cht_buf_view(&data) };
        err = cli_change(c, &change);
    }
    cht_buf_clear(&repos);
    cht_buf_clear(&data);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    struct facts *f = calloc(1, sizeof *f);
    struct cli_devices *devices = calloc(1, sizeof *devices);
    enum cht_err err = f == NULL || devices == NULL ? cli_fail(c, CHT_E_NOMEM) : CHT_OK;
    if (err == CHT_OK) {
        cht_buf_init(&f->url, LIMIT_TITLE_BYTES);
        cht_buf_init(&f->roots, NODE_GIT_BYTES);
        cht_buf_init(&f->branch, LIMIT_TITLE_BYTES);
        err = cli_clone_find(c, c->arg_count > 0 ? c->args[0] : NULL, f->path);
    }
    if (err == CHT_OK)
        err = find_url(c, f);
    if (err == CHT_OK)
        err = cli_gather_devices(c, devices);
    if (err == CHT_OK) {
        find_rest(f);
        err = write_repo(c, f, devices);
    }
    if (f != NULL) {
        cht_buf_clear(&f->url);
        cht_buf_clear(&f->roots);
        cht_buf_clear(&f->branch);
    }
    free(devices);
    free(f);
    return err;
}

static const struct cli_flag flags[] = {
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_repo_add = {
    .name = "add",
    .summary = "Have a clone on this machine looked after.",
    .arguments = "[PATH]",
    .details = "The repository is known by the address of its remote, however that is written: "
               "clones on several machines are one repository. From then on "
               "`chitty-observe` keeps branch, commit, and how far it is from its upstream, "
               "up to date on every machine. Without a path the clone of the working "
               "directory is meant.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty repo add\n"
                "chitty repo add ~/src/chitty-node",
    .args_max = 1,
    .flags = flags,
    .run = run,
};
