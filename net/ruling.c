/* Which records count; see ruling.h and members_own.h (PROTOCOL 7.22 to 7.25).
 *
 * As rulings are decided one after the other, rights only shrink: a grant that is void stays so
 * until the next ruling comes and all is worked out from the start. Each grant remembers the grant
 * that its author's right rests on, and is looked at again only where that may be gone. */
#include "net/members_own.h"

#include <assert.h>

/* The bound of ruling `l` on grant `g` to the same device as a limit of what record `r` may. */
static bool limits(const struct net_members *m, uint32_t l, uint32_t g, uint32_t r)
{
    return l != g && l != r && !members_seen(m, g, l) && !members_seen(m, l, r);
}

/* What grant `g` is worth to record `r`: its role, lowered by the rulings that count. */
static unsigned worth(const struct net_members *m, uint32_t g, uint32_t r)
{
    const struct row *grant = &m->rows[g];
    unsigned right = grant->role;
    uint32_t l = m->subjects[grant->device].ruling_last;
    for (; l != NONE && right != RIGHT_NONE; l = m->rows[l].ruling_before) {
        const struct row *ruling = &m->rows[l];
        if (ruling->counts && ruling->bound > right && limits(m, l, g, r))
            right = ruling->bound;
    }
    return right;
}

/* PROTOCOL 7.22: is the author of `r` an admin for that? Notes the grant it rests on. */
static bool may(struct net_members *m, uint32_t r)
{
    struct row *row = &m->rows[r];
    if (row->author == NONE || row->kind == NET_RECORD_FOUND)
        return true;
    uint32_t g = m->subjects[row->author].grant_last;
    for (; g != NONE; g = m->rows[g].grant_before) {
        if (members_seen(m, r, g) && !m->rows[g].is_void && m->rows[g].role == NET_ROLE_ADMIN &&
            worth(m, g, r) == NET_ROLE_ADMIN) {
            row->support = g;
            return true;
        }
    }
    return false;
}

/* Does what `r` rests on still bear it, ruling `l` being new? */
static bool still_rests(const struct net_members *m, uint32_t r, uint32_t l)
{
    const struct row *row = &m->rows[r];
    if (row->support == NONE || m->rows[row->support].is_void)
        return false;
    return m->rows[l].device != row->author || m->rows[l].bound == NET_ROLE_ADMIN ||
           !limits(m, l, row->support, r);
}

/* Ruling `l` counts: find the grants that are void by it, and by their being void. */
static void fell(struct net_members *m, uint32_t l)
{
    for (uint32_t i = 0; i < m->device_count; i++)
        m->subjects[i].touched = i == m->rows[l].device;
    for (uint32_t r = 0; r < m->row_count; r++) {
        struct row *row = &m->rows[r];
        if (!row_is_grant(row) || row->is_void || row->author == NONE ||
            row->kind == NET_RECORD_FOUND || !m->subjects[row->author].touched)
            continue;
        if (still_rests(m, r, l) || may(m, r))
            continue;
        row->is_void = true;
        m->subjects[row->device].touched = true;
    }
}

/* Has ruling `by` seen that the device was given more than the bound of `l` after it? */
static bool given_back(const struct net_members *m, uint32_t l, uint32_t by)
{
    uint32_t g = m->subjects[m->rows[l].device].grant_last;
    for (; g != NONE; g = m->rows[g].grant_before) {
        if (m->rows[g].role < m->rows[l].bound && !m->rows[g].is_void && members_seen(m, by, g) &&
            members_seen(m, g, l))
            return true;
    }
    return false;
}

/* PROTOCOL 7.25 */
static bool is_replaced(const struct net_members *m, uint32_t l)
{
    const struct row *row = &m->rows[l];
    uint32_t by = m->subjects[row->device].ruling_last;
    for (; row->counts && by != NONE; by = m->rows[by].ruling_before) {
        if (m->rows[by].counts && m->rows[by].bound == row->bound && members_seen(m, by, l) &&
            !given_back(m, l, by))
            return true;
    }
    return false;
}

/* Decide all rulings in their order. */
static void decide(struct net_members *m)
{
    uint32_t order[LIMIT_RULINGS];
    uint32_t count = members_order(m, order);
    assert(count == m->ruling_count);
    for (uint32_t i = 0; i < m->row_count; i++) {
        m->rows[i].counts = false;
        m->rows[i].is_void = false;
        m->rows[i].support = NONE;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct row *row = &m->rows[order[i]];
        row->counts = may(m, order[i]);
        if (row->counts)
            fell(m, order[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        m->rows[order[i]].replaced = is_replaced(m, order[i]);
}

/* What row `i` says, for comparing. */
static unsigned verdict(const struct row *row)
{
    return (row->counts ? 1u : 0u) | (row->replaced ? 2u : 0u) | (row->is_void ? 4u : 0u);
}

/* Decide anew, and see of whom what is judged may be different now. */
static void decide_again(struct net_members *m)
{
    uint8_t before[LIMIT_RECORDS];
    for (uint32_t i = 0; i < m->row_count; i++)
        before[i] = (uint8_t)verdict(&m->rows[i]);
    decide(m);
    for (uint32_t i = 0; i < m->device_count; i++)
        m->subjects[i].touched = false;
    for (uint32_t i = 0; i < m->row_count; i++) {
        if (before[i] != verdict(&m->rows[i]))
            m->subjects[m->rows[i].device].touched = true;
    }
    for (uint32_t i = 0; i < m->device_count; i++)
        m->subjects[i].changes += m->subjects[i].touched;
}

static void set_role(struct net_members *m, uint32_t device)
{
    unsigned right = members_right(m, device, NULL, 0);
    m->devices[device].role = (uint8_t)(right == RIGHT_NONE ? 0 : right);
}

void net_members_loading(struct net_members *m)
{
    m->loading = true;
}

void net_members_loaded(struct net_members *m)
{
    m->loading = false;
    decide_again(m);
    for (uint32_t i = 0; i < m->device_count; i++)
        set_role(m, i);
}

void members_settle(struct net_members *m)
{
    uint32_t newest = m->row_count - 1;
    struct row *row = &m->rows[newest];
    if (m->loading)
        return;
    if (row_is_ruling(row)) {
        decide_again(m);
    } else if (m->ruling_count != 0 && row_is_grant(row)) {
        row->is_void = !may(m, newest); /* no ruling has seen it: nothing else changes */
        m->subjects[row->device].changes += row->is_void;
    }
    for (uint32_t i = 0; i < m->device_count; i++) {
        if (i != row->device && m->subjects[i].changes == 0)
            continue; /* as before */
        set_role(m, i);
    }
}

bool net_members_counts(const struct net_members *m, uint32_t index)
{
    assert(index < m->row_count);
    const struct row *row = &m->rows[index];
    return row->counts || (row_is_grant(row) && !row->is_void);
}
