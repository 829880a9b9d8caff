/* The clauses on rulings as they stand in the protocol; see naive_rulings.h. */
#include "tests/support/naive_rulings.h"

static bool is_grant(const struct naive_record *r)
{
    return r->kind == NET_RECORD_FOUND || r->kind == NET_RECORD_ADMIT || r->kind == NET_RECORD_ROLE;
}

static bool is_ruling(const struct naive_record *r)
{
    return r->kind == NET_RECORD_ROLE || r->kind == NET_RECORD_REVOKE;
}

static uint32_t bound(const struct naive_record *r)
{
    return r->kind == NET_RECORD_REVOKE ? NAIVE_NONE : r->role;
}

static uint32_t lower(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t higher(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* --- 7.5, 7.6, 7.20: what is held ----------------------------------------------------------- */

uint32_t naive_ever(const struct naive *n, uint32_t device, const uint32_t *heads,
                    uint32_t head_count)
{
    uint32_t most = 0;
    for (uint32_t g = 0; g < n->record_count; g++) {
        bool under = false;
        for (uint32_t i = 0; i < head_count; i++)
            under = under || heads[i] == g || n->seen[heads[i]][g];
        if (under && is_grant(&n->records[g]) && n->records[g].device == device &&
            (most == 0 || n->records[g].role < most))
            most = n->records[g].role;
    }
    return most;
}

static bool may_be_author(const struct naive *n, const struct naive_record *r)
{
    return r->kind == NET_RECORD_FOUND || r->author == NAIVE_RECOVERY ||
           naive_ever(n, r->author, r->parents, r->parent_count) == (uint32_t)NET_ROLE_ADMIN;
}

void naive_add(struct naive *n)
{
    uint32_t number = n->record_count - 1;
    const struct naive_record *r = &n->records[number];
    n->held[number] = may_be_author(n, r);
    if (is_ruling(r) && naive_ever(n, r->device, r->parents, r->parent_count) == 0)
        n->held[number] = false;
    for (uint32_t i = 0; i < r->parent_count; i++) {
        n->held[number] = n->held[number] && n->held[r->parents[i]];
        n->seen[number][r->parents[i]] = true;
        for (uint32_t k = 0; k < number; k++)
            n->seen[number][k] = n->seen[number][k] || n->seen[r->parents[i]][k];
    }
}

/* --- 7.22: what a record may ----------------------------------------------------------------- */

static bool is_void(const struct naive *n, uint32_t grant);

static uint32_t right_of_author(const struct naive *n, uint32_t record)
{
    uint32_t author = n->records[record].author, right = NAIVE_NONE;
    for (uint32_t g = 0; g < n->record_count; g++) {
        const struct naive_record *grant = &n->records[g];
        if (!n->held[g] || !is_grant(grant) || grant->device != author || !n->seen[record][g] ||
            is_void(n, g))
            continue;
        uint32_t worth = grant->role;
        for (uint32_t l = 0; l < n->record_count; l++) {
            if (n->counts[l] && n->records[l].device == author && l != record && l != g &&
                !n->seen[l][record] && !n->seen[g][l])
                worth = lower(worth, bound(&n->records[l]));
        }
        right = higher(right, worth);
    }
    return right;
}

static bool may(const struct naive *n, uint32_t record)
{
    return n->records[record].kind == NET_RECORD_FOUND ||
           n->records[record].author == NAIVE_RECOVERY ||
           right_of_author(n, record) == (uint32_t)NET_ROLE_ADMIN;
}

static bool is_void(const struct naive *n, uint32_t grant)
{
    return !may(n, grant);
}

/* --- 7.23: the order ------------------------------------------------------------------------- */

static uint32_t depth(const struct naive *n, uint32_t record);

/* The found or admit record that makes the author of `record` as senior as it is there. */
static uint32_t seniority(const struct naive *n, uint32_t record)
{
    uint32_t best = NAIVE_NOTHING;
    for (uint32_t g = 0; g < n->record_count; g++) {
        const struct naive_record *grant = &n->records[g];
        if (!n->held[g] || !is_grant(grant) || grant->kind == NET_RECORD_ROLE ||
            grant->device != n->records[record].author || !n->seen[record][g])
            continue;
        if (best == NAIVE_NOTHING || depth(n, g) < depth(n, best) ||
            (depth(n, g) == depth(n, best) &&
             memcmp(grant->hash.b, n->records[best].hash.b, CRDT_HASH_BYTES) < 0))
            best = g;
    }
    return best;
}

static uint32_t depth(const struct naive *n, uint32_t record)
{
    if (n->records[record].kind == NET_RECORD_FOUND)
        return 0;
    return n->records[record].author == NAIVE_RECOVERY ? 1 : 1 + depth(n, seniority(n, record));
}

static bool more_senior(const struct naive *n, uint32_t a, uint32_t b)
{
    const struct naive_record *x = &n->records[a], *y = &n->records[b];
    bool first = x->author == NAIVE_RECOVERY, second = y->author == NAIVE_RECOVERY;
    if (first != second)
        return first;
    if (!first) {
        uint32_t s = seniority(n, a), t = seniority(n, b);
        if (depth(n, s) != depth(n, t))
            return depth(n, s) < depth(n, t);
        int order = memcmp(n->records[s].hash.b, n->records[t].hash.b, CRDT_HASH_BYTES);
        if (order != 0)
            return order < 0;
    }
    return memcmp(x->hash.b, y->hash.b, CRDT_HASH_BYTES) < 0;
}

/* The most senior ruling not decided, of those that `by` has seen, or of all. */
static uint32_t next_ruling(const struct naive *n, const bool *decided, uint32_t by)
{
    uint32_t best = NAIVE_NOTHING;
    for (uint32_t l = 0; l < n->record_count; l++) {
        if (!n->held[l] || !is_ruling(&n->records[l]) || decided[l] ||
            (by != NAIVE_NOTHING && !n->seen[by][l]))
            continue;
        if (best == NAIVE_NOTHING || more_senior(n, l, best))
            best = l;
    }
    return best;
}

/* --- 7.24, 7.25 ------------------------------------------------------------------------------ */

static bool replaces(const struct naive *n, uint32_t by, uint32_t l)
{
    const struct naive_record *first = &n->records[l], *second = &n->records[by];
    if (!n->counts[by] || second->device != first->device || bound(second) != bound(first) ||
        !n->seen[by][l])
        return false;
    for (uint32_t g = 0; g < n->record_count; g++) {
        if (n->given[g] && n->records[g].device == first->device &&
            n->records[g].role < bound(first) && n->seen[by][g] && n->seen[g][l])
            return false;
    }
    return true;
}

void naive_decide(struct naive *n)
{
    bool decided[NAIVE_RECORDS] = { false };
    memset(n->counts, 0, sizeof n->counts);
    memset(n->replaced, 0, sizeof n->replaced);
    for (;;) {
        uint32_t l = next_ruling(n, decided, NAIVE_NOTHING), before = l;
        if (l == NAIVE_NOTHING)
            break;
        while ((before = next_ruling(n, decided, l)) != NAIVE_NOTHING)
            l = before;
        decided[l] = true;
        n->counts[l] = may(n, l);
    }
    for (uint32_t g = 0; g < n->record_count; g++)
        n->given[g] = n->held[g] && is_grant(&n->records[g]) && !is_void(n, g);
    for (uint32_t l = 0; l < n->record_count; l++) {
        for (uint32_t by = 0; by < n->record_count; by++)
            n->replaced[l] = n->replaced[l] || (n->counts[l] && replaces(n, by, l));
    }
}

static bool is_within(const struct naive *n, uint32_t entry, uint32_t ruling)
{
    const struct naive_record *l = &n->records[ruling];
    for (uint32_t i = 0; i < l->tip_count; i++) {
        uint32_t tip = l->tips[i];
        while (tip != NAIVE_NOTHING && tip != entry)
            tip = n->entries[tip].prev;
        if (tip == entry)
            return true;
    }
    return false;
}

static bool is_inside(const struct naive *n, uint32_t entry, uint32_t l)
{
    bool strict = n->records[l].why == NET_WHY_COMPROMISED, in_another = false;
    if (is_within(n, entry, l))
        return true;
    for (uint32_t k = 0; k < n->record_count; k++) {
        if (k == l || !n->counts[k] || n->replaced[k] ||
            n->records[k].device != n->records[l].device ||
            bound(&n->records[k]) != bound(&n->records[l]) || n->seen[k][l] || n->seen[l][k])
            continue;
        strict = strict || n->records[k].why == NET_WHY_COMPROMISED;
        in_another = in_another || is_within(n, entry, k);
    }
    return in_another && !strict;
}

/* --- 7.26 ------------------------------------------------------------------------------------ */

uint32_t naive_right(const struct naive *n, uint32_t entry)
{
    const struct naive_entry *e = &n->entries[entry];
    uint32_t right = NAIVE_NONE;
    for (uint32_t i = 0; i < e->head_count; i++) {
        if (!n->held[e->heads[i]])
            return NAIVE_NOTHING;
    }
    if (naive_ever(n, e->device, e->heads, e->head_count) == 0)
        return 0;
    for (uint32_t g = 0; g < n->record_count; g++) {
        bool under = false;
        for (uint32_t i = 0; i < e->head_count; i++)
            under = under || e->heads[i] == g || n->seen[e->heads[i]][g];
        if (!under || !n->given[g] || n->records[g].device != e->device)
            continue;
        uint32_t worth = n->records[g].role;
        for (uint32_t l = 0; l < n->record_count; l++) {
            if (n->counts[l] && !n->replaced[l] && n->records[l].device == e->device && l != g &&
                !n->seen[g][l] && !is_inside(n, entry, l))
                worth = lower(worth, bound(&n->records[l]));
        }
        right = higher(right, worth);
    }
    return right;
}
