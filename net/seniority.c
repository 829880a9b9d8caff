/* Who is senior, and in which order rulings are decided; see members_own.h (PROTOCOL 7.23).
 *
 * Seniority follows from the ancestry of a record alone, so it never changes. */
#include "net/members_own.h"

#include <assert.h>

/* Of two found or admit rows of one device, or of two devices: which makes more senior? */
static bool row_before(const struct net_members *m, uint32_t a, uint32_t b)
{
    const struct row *x = &m->rows[a], *y = &m->rows[b];
    if (x->depth != y->depth)
        return x->depth < y->depth;
    return memcmp(x->hash.b, y->hash.b, CRDT_HASH_BYTES) < 0;
}

void members_rank(struct net_members *m, uint32_t row)
{
    struct row *r = &m->rows[row];
    r->depth = r->kind == NET_RECORD_FOUND ? 0 : 1;
    if (r->author == NONE || r->kind == NET_RECORD_FOUND)
        return;
    for (uint32_t g = m->subjects[r->author].grant_last; g != NONE; g = m->rows[g].grant_before) {
        if (m->rows[g].kind != NET_RECORD_ROLE && members_seen(m, row, g) &&
            (r->senior == NONE || row_before(m, g, r->senior)))
            r->senior = g;
    }
    assert(r->senior != NONE); /* it was an admin under its parents */
    r->depth = (uint16_t)(m->rows[r->senior].depth + 1);
}

/* Is ruling `a` more senior than `b`? */
static bool senior(const struct net_members *m, uint32_t a, uint32_t b)
{
    const struct row *x = &m->rows[a], *y = &m->rows[b];
    if (x->senior != y->senior)
        return x->senior == NONE || (y->senior != NONE && row_before(m, x->senior, y->senior));
    return memcmp(x->hash.b, y->hash.b, CRDT_HASH_BYTES) < 0;
}

/* The rulings by seniority alone. */
static uint32_t by_seniority(const struct net_members *m, uint32_t out[static LIMIT_RULINGS])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->row_count; i++) {
        uint32_t at = count;
        if (!row_is_ruling(&m->rows[i]))
            continue;
        for (; at > 0 && senior(m, i, out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = i;
        count++;
    }
    return count;
}

uint32_t members_order(const struct net_members *m, uint32_t out[static LIMIT_RULINGS])
{
    uint32_t list[LIMIT_RULINGS], path[LIMIT_RULINGS];
    bool placed[LIMIT_RULINGS] = { false };
    uint32_t count = by_seniority(m, list), done = 0;
    for (uint32_t first = 0; first < count; first++) {
        uint32_t depth = 0;
        path[depth++] = first;
        while (depth != 0 && !placed[first]) {
            uint32_t top = path[depth - 1], next = 0;
            while (next < count && (placed[next] || !members_seen(m, list[top], list[next])))
                next++;
            if (next < count) { /* what it has seen comes before it */
                path[depth++] = next;
                continue;
            }
            out[done++] = list[top];
            placed[top] = true;
            depth--;
        }
    }
    return done;
}
