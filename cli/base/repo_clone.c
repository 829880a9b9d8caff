/* Clones on this machine; see repo_clone.h. */
#include "cli/base/repo_clone.h"

#include <stdio.h>
#include <stdlib.h>

#define QUICK_MS 5000

enum cht_err cli_clone_find(struct cli_context *c, const char *path, char out[static NODE_PATH_MAX])
{
    static const char *const words[] = { "rev-parse", "--show-toplevel", NULL };
    struct cht_buf top;
    const char *folder = path == NULL ? "." : path;
    cht_buf_init(&top, NODE_PATH_MAX - 1);
    enum cht_err err = node_git_ask(folder, words, QUICK_MS, &top);
    if (err == CHT_OK &&
        (top.len == 0 || top.data[0] != '/' || !crdt_utf8_valid(cht_buf_view(&top))))
        err = CHT_E_INVALID;
    if (err == CHT_OK) {
        memcpy(out, top.data, top.len);
        out[top.len] = '\0';
    } else if (err == CHT_E_NOTFOUND) {
        (void)node_fault_set(&c->fault, err, cht_bytes(NULL, 0), "there is no git here");
    } else {
        (void)node_fault_set(&c->fault, err, cht_bytes(NULL, 0),
                             "%.160s is in no git clone that has files", folder);
    }
    cht_buf_clear(&top);
    return err;
}

enum cht_err cli_clone_key(struct cli_context *c, const struct cli_devices *devices,
                           const char *path, char out[static LIMIT_KEY_BYTES + 1])
{
    const size_t head = strlen(devices->own), len = strlen(path);
    const size_t len_max = LIMIT_KEY_BYTES - 4 - head; /* a colon, and three bytes of msgpack */
    if (len > len_max)
        return node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes(NULL, 0),
                              "the path of a clone may have %zu bytes, this one has %zu", len_max,
                              len);
    memcpy(out, devices->own, head);
    out[head] = ':';
    memcpy(out + head + 1, path, len + 1);
    return CHT_OK;
}

struct cht_bytes cli_clone_path(const struct cli_devices *devices, struct cht_bytes key)
{
    const size_t len = strlen(devices->own);
    if (key.len <= len + 1 || memcmp(key.data, devices->own, len) != 0 || key.data[len] != ':')
        return cht_bytes(NULL, 0);
    return cht_bytes(key.data + len + 1, key.len - len - 1);
}

enum cht_err cli_clone_repos(struct cli_context *c, struct cht_buf *out)
{
    static const char *const fields[] = { "url", "worktrees", NULL };
    return cli_gather(c, CRDT_REPO, fields, out);
}

bool cli_clone_holder(struct cht_bytes repos, const char *key, struct cht_bytes *record)
{
    struct cht_wire w = cht_wire(repos);
    while (cli_gathered_next(&w, record))
        if (node_mp_get(node_mp_get(node_mp_get(*record, "data"), "worktrees"), key).len != 0)
            return true;
    return false;
}

enum cht_err cli_clone_data(const char *key, const struct node_worktree *state, uint64_t now_ms,
                            struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "worktrees");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, key);
    if (err != CHT_OK)
        return err;
    return state == NULL ? crdt_mp_put_nil(out) : node_worktree_put(state, now_ms, out);
}

/* One clone: what git says now, where it is not what is written. */
static enum cht_err refresh(struct cli_context *c, struct cht_bytes id, const char *key,
                            const char *path, struct cht_bytes said)
{
    struct node_worktree now;
    struct cht_buf data;
    node_git_look(path, &now);
    if (node_worktree_same(&now, said))
        return CHT_OK;
    cht_buf_init(&data, LIMIT_VALUE_BYTES);
    enum cht_err err = cli_clone_data(key, &now, c->now_ms, &data);
    if (err == CHT_OK)
        err = cli_change_quietly(c, id, cht_buf_view(&data));
    cht_buf_clear(&data);
    return err;
}

enum cht_err cli_clones_refresh(struct cli_context *c, const struct cli_devices *devices,
                                struct cht_bytes repos, const char *only)
{
    struct cht_wire w = cht_wire(repos);
    struct cht_bytes record, key, value;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && cli_gathered_next(&w, &record)) {
        struct node_mp_iter it =
            node_mp_iter(node_mp_get(node_mp_get(record, "data"), "worktrees"));
        while (err == CHT_OK && node_mp_next(&it, &key, &value)) {
            char text[LIMIT_KEY_BYTES + 1];
            const struct cht_bytes name = node_mp_str(key);
            const struct cht_bytes path = cli_clone_path(devices, name);
            if (path.len == 0 || name.len >= sizeof text ||
                (only != NULL && !cht_bytes_eq(path, cht_bytes_str(only))))
                continue;
            (void)snprintf(text, sizeof text, "%.*s", (int)name.len, (const char *)name.data);
            err = refresh(c, node_mp_get_str(record, "chittyId"), text,
                          text + (name.len - path.len), value);
        }
    }
    return err;
}
