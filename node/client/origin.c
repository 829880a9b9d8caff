/* Where a clone comes from; see origin.h. */
#include "node/client/origin.h"

#include "crdt/address.h"
#include "crdt/limits.h"
#include "crdt/mp.h"
#include "node/client/paths.h"

#include <stdio.h>
#include <stdlib.h>

/* --- its address --------------------------------------------------------------------------- */

/* Is the address of a remote a path? As git reads it: no scheme, no colon before a slash. */
static bool is_path(const char *url)
{
    const size_t at = strcspn(url, ":/");
    return strncmp(url, "file:", 5) != 0 && url[at] != ':';
}

enum cht_err node_origin_normal(const char *folder, const char *url, struct cht_buf *out)
{
    char joined[2 * NODE_PATH_MAX];
    if (!is_path(url))
        return crdt_address_normal(cht_bytes_str(url), out);
    (void)snprintf(joined, sizeof joined, "%s%s%s", url[0] == '/' ? "" : folder,
                   url[0] == '/' ? "" : "/", url);
    char *whole = realpath(joined, NULL);
    enum cht_err err = crdt_address_normal(cht_bytes_str(whole == NULL ? joined : whole), out);
    free(whole);
    return err;
}

/* What git says to one question; a failure is that it has nothing to say. */
static enum cht_err question(const char *folder, const char *const *words, int timeout_ms,
                             struct cht_buf *out)
{
    cht_buf_reset(out);
    const enum cht_err err = node_git_ask(folder, words, timeout_ms, out);
    if (err == CHT_E_INVALID || (err == CHT_OK && out->len == 0))
        return CHT_E_NOTFOUND;
    return err == CHT_OK ? cht_buf_add_u8(out, 0) : err;
}

/* `told` is then a C text. */
static enum cht_err remote(const char *folder, int timeout_ms, struct cht_buf *told)
{
    static const char *const remotes[] = { "remote", NULL };
    const char *words[] = { "remote", "get-url", "origin", NULL };
    struct cht_buf names;
    enum cht_err err = question(folder, words, timeout_ms, told);
    if (err != CHT_E_NOTFOUND)
        return err;
    cht_buf_init(&names, NODE_GIT_BYTES);
    err = question(folder, remotes, timeout_ms, &names);
    if (err == CHT_OK) {
        names.data[strcspn((const char *)names.data, "\n")] = '\0';
        words[2] = (const char *)names.data;
        err = question(folder, words, timeout_ms, told);
    }
    cht_buf_clear(&names);
    return err;
}

enum cht_err node_origin_address(const char *folder, int timeout_ms, struct cht_buf *out)
{
    struct cht_buf told;
    cht_buf_init(&told, LIMIT_TITLE_BYTES);
    enum cht_err err = remote(folder, timeout_ms, &told);
    if (err == CHT_OK)
        err = node_origin_normal(folder, (const char *)told.data, out);
    cht_buf_clear(&told);
    return err == CHT_E_LIMIT ? CHT_E_INVALID : err;
}

/* --- its first commit ---------------------------------------------------------------------- */

static bool is_commit(struct cht_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == 0 || strchr("0123456789abcdef", text.data[i]) == NULL)
            return false;
    return text.len == 40 || text.len == 64;
}

enum cht_err node_origin_root(const char *folder, int timeout_ms, char out[static NODE_COMMIT_MAX])
{
    static const char *const heads[] = { "refs/remotes/origin/HEAD", "main-worktree/HEAD", "HEAD" };
    static const char *const shallow[] = { "rev-parse", "--is-shallow-repository", NULL };
    struct cht_buf told;
    cht_buf_init(&told, NODE_GIT_BYTES);
    enum cht_err err = question(folder, shallow, timeout_ms, &told);
    const bool whole = err == CHT_OK && strcmp((const char *)told.data, "false") == 0;
    if (err == CHT_OK)
        err = CHT_E_NOTFOUND;
    for (size_t i = 0; whole && err == CHT_E_NOTFOUND && i < 3; i++) {
        const char *words[] = { "rev-list", "--first-parent", "--max-parents=0", heads[i], "--",
                                NULL };
        err = question(folder, words, timeout_ms, &told);
        if (err == CHT_OK && !is_commit(cht_bytes(told.data, told.len - 1)))
            err = CHT_E_NOTFOUND;
    }
    if (err == CHT_OK)
        (void)snprintf(out, NODE_COMMIT_MAX, "%s", (const char *)told.data);
    cht_buf_clear(&told);
    return err;
}
