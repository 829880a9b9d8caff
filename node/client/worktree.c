/* The state of a clone; see worktree.h. */
#include "node/client/worktree.h"

#include "node/client/mpmap.h"

static const char *const words[] = {
#define X(sym, word) word,
    NODE_WORKTREES(X)
#undef X
};

const char *node_worktree_word(enum node_wt_state state)
{
    return words[state];
}

/* --- what git printed ---------------------------------------------------------------------- */

/* The rest of a header line; false when it is another one. */
static bool header(struct cht_bytes line, const char *name, struct cht_bytes *out)
{
    const size_t len = strlen(name);
    if (line.len < len || memcmp(line.data, name, len) != 0)
        return false;
    *out = cht_bytes(line.data + len, line.len - len);
    return true;
}

/* Too long a name, or one that is no UTF-8, is none. */
static void keep_name(struct cht_bytes name, char *out, size_t size)
{
    out[0] = '\0';
    if (name.len >= size || !crdt_utf8_valid(name))
        return;
    memcpy(out, name.data, name.len);
    out[name.len] = '\0';
}

static bool is_hex(struct cht_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr("0123456789abcdef", text.data[i]) == NULL || text.data[i] == 0)
            return false;
    return text.len == 40 || text.len == 64;
}

/* A sign and digits, up to the end or a space; what is beyond 32 bits is their highest number. */
static bool take_count(struct cht_bytes *text, char sign, uint32_t *out)
{
    uint64_t n = 0;
    size_t at = 1;
    if (text->len < 2 || text->data[0] != (uint8_t)sign)
        return false;
    for (; at < text->len && text->data[at] != ' '; at++) {
        if (text->data[at] < '0' || text->data[at] > '9')
            return false;
        n = n * 10 + (uint64_t)(text->data[at] - '0');
        n = n > UINT32_MAX ? UINT32_MAX : n;
    }
    *out = (uint32_t)n;
    at += at < text->len ? 1 : 0;
    *text = cht_bytes(text->data + at, text->len - at);
    return at > 1;
}

struct printed {
    bool head, detached, compared;
};

static bool take_header(struct cht_bytes line, struct node_worktree *w, struct printed *p)
{
    struct cht_bytes rest;
    if (header(line, "# branch.oid ", &rest)) {
        if (cht_bytes_eq(rest, cht_bytes_str("(initial)")))
            return true;
        if (!is_hex(rest))
            return false;
        keep_name(rest, w->commit, sizeof w->commit);
    } else if (header(line, "# branch.head ", &rest)) {
        p->head = true;
        p->detached = cht_bytes_eq(rest, cht_bytes_str("(detached)"));
        if (!p->detached)
            keep_name(rest, w->branch, sizeof w->branch);
    } else if (header(line, "# branch.upstream ", &rest)) {
        keep_name(rest, w->upstream, sizeof w->upstream);
    } else if (header(line, "# branch.ab ", &rest)) {
        p->compared = take_count(&rest, '+', &w->ahead) && take_count(&rest, '-', &w->behind);
        return p->compared && rest.len == 0;
    }
    return true; /* headers of later versions of git */
}

static enum node_wt_state state_of(const struct node_worktree *w, const struct printed *p)
{
    if (p->detached)
        return NODE_WT_DETACHED;
    if (!p->compared) /* none, or one that is gone */
        return NODE_WT_NO_UPSTREAM;
    if (w->ahead != 0 && w->behind != 0)
        return NODE_WT_DIVERGED;
    if (w->ahead != 0)
        return NODE_WT_AHEAD;
    return w->behind != 0 ? NODE_WT_BEHIND : NODE_WT_SYNCED;
}

enum cht_err node_worktree_read(struct cht_bytes printed, struct node_worktree *out)
{
    struct node_worktree w = { .dirty = false };
    struct printed p = { .head = false };
    for (size_t at = 0; at < printed.len && !w.dirty;) {
        const uint8_t *end = memchr(printed.data + at, 0, printed.len - at);
        if (end == NULL && printed.data[at] == '#')
            return CHT_E_MALFORMED;
        const size_t stop = end == NULL ? printed.len : (size_t)(end - printed.data);
        const struct cht_bytes line = cht_bytes(printed.data + at, stop - at);
        w.dirty = line.len > 0 && line.data[0] != '#';
        if (!w.dirty && !take_header(line, &w, &p))
            return CHT_E_MALFORMED;
        at = stop + 1;
    }
    if (!p.head)
        return CHT_E_MALFORMED;
    w.state = state_of(&w, &p);
    *out = w;
    return CHT_OK;
}

/* --- the map ------------------------------------------------------------------------------- */

static bool told_nothing(const struct node_worktree *w)
{
    return w->state == NODE_WT_MISSING || w->state == NODE_WT_UNREADABLE;
}

static enum cht_err put_name(const char *key, const char *name, struct cht_buf *out)
{
    return name[0] == '\0' ? CHT_OK : node_mp_put_key_text(out, key, name);
}

enum cht_err node_worktree_put(const struct node_worktree *w, uint64_t at_ms, struct cht_buf *out)
{
    const uint32_t names =
        (w->branch[0] != 0 ? 1u : 0u) + (w->commit[0] != 0 ? 1u : 0u) + (w->upstream[0] != 0);
    enum cht_err err = crdt_mp_put_map(out, told_nothing(w) ? 2 : 5 + names);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state", words[w->state]);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "at", at_ms);
    if (err != CHT_OK || told_nothing(w))
        return err;
    err = node_mp_put_key_bool(out, "dirty", w->dirty);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "ahead", w->ahead);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "behind", w->behind);
    if (err == CHT_OK)
        err = put_name("branch", w->branch, out);
    if (err == CHT_OK)
        err = put_name("commit", w->commit, out);
    return err == CHT_OK ? put_name("upstream", w->upstream, out) : err;
}

static bool is_text(struct cht_bytes map, const char *key, const char *text)
{
    return cht_bytes_eq(node_mp_get_str(map, key), cht_bytes_str(text));
}

bool node_worktree_same(const struct node_worktree *w, struct cht_bytes map)
{
    if (!is_text(map, "state", words[w->state]))
        return false;
    return told_nothing(w) ||
           (node_mp_get_bool(map, "dirty") == w->dirty &&
            node_mp_get_uint(map, "ahead", UINT64_MAX) == w->ahead &&
            node_mp_get_uint(map, "behind", UINT64_MAX) == w->behind &&
            is_text(map, "branch", w->branch) && is_text(map, "commit", w->commit) &&
            is_text(map, "upstream", w->upstream));
}
