/* Sorted lists of tips, and short names of lists of hashes. */
#include "net/session_own.h"

#include <stdlib.h>

void session_tips_clear(struct session_tips *t)
{
    free(t->tips);
    *t = (struct session_tips){ 0 };
}

static enum cht_err reserve(struct session_tips *t, size_t count)
{
    if (count <= t->cap)
        return CHT_OK;
    size_t cap = t->cap < 16 ? 16 : t->cap * 2;
    cap = cap < count ? count : cap;
    struct crdt_dep *tips = realloc(t->tips, cap * sizeof *tips);
    if (tips == NULL)
        return CHT_E_NOMEM;
    t->tips = tips;
    t->cap = cap;
    return CHT_OK;
}

enum cht_err session_tips_set(struct session_tips *t, const struct crdt_dep *tips, size_t count)
{
    enum cht_err err = reserve(t, count);
    if (err != CHT_OK)
        return err;
    if (count != 0)
        memcpy(t->tips, tips, count * sizeof *tips);
    t->count = count;
    return CHT_OK;
}

/* Position of the first tip that is not below `tip`. */
static size_t lower_bound(const struct session_tips *t, const struct crdt_dep *tip)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (crdt_dep_cmp(&t->tips[middle], tip) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool session_tips_has(const struct session_tips *t, const struct crdt_dep *tip)
{
    size_t i = lower_bound(t, tip);
    return i < t->count && crdt_dep_cmp(&t->tips[i], tip) == 0;
}

enum cht_err session_tips_add(struct session_tips *t, const struct crdt_dep *tip)
{
    size_t i = lower_bound(t, tip);
    bool there = i < t->count && crdt_dep_cmp(&t->tips[i], tip) == 0;
    if (there || t->count == LIMIT_VECTOR_TIPS)
        return CHT_OK;
    enum cht_err err = reserve(t, t->count + 1);
    if (err != CHT_OK)
        return err;
    memmove(&t->tips[i + 1], &t->tips[i], (t->count - i) * sizeof *t->tips);
    t->tips[i] = *tip;
    t->count++;
    return CHT_OK;
}

void session_tips_remove(struct session_tips *t, const struct crdt_dep *tip)
{
    size_t i = lower_bound(t, tip);
    if (i == t->count || crdt_dep_cmp(&t->tips[i], tip) != 0)
        return;
    t->count--;
    memmove(&t->tips[i], &t->tips[i + 1], (t->count - i) * sizeof *t->tips);
}

void session_hashes_id(const struct crdt_hash *hashes, size_t count,
                       uint8_t out[NET_VECTOR_ID_BYTES])
{
    struct crdt_hash hash = crdt_hash_of(cht_bytes(hashes, count * sizeof *hashes));
    memcpy(out, hash.b, NET_VECTOR_ID_BYTES);
}
