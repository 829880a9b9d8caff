/* What the records mean for a device and for each of its entries; see ruling.h (PROTOCOL 7.25 to
 * 7.28).
 *
 * Most devices were never ruled on: then the answer is the role that the heads give. For the others
 * the rulings that limit are gathered first, and the caller is asked for pasts only as far as the
 * answer hangs on them. */
#include "net/members_own.h"

#include <assert.h>

enum answer { UNKNOWN, NO, YES };

/* One judgement under way. */
struct court {
    const struct net_members *m;
    const struct net_question *q;
    uint32_t device;
    bool all;                           /* everything held is under the heads */
    uint32_t heads[LIMIT_MEMBER_HEADS]; /* else their rows */
    uint32_t rulings[LIMIT_RULINGS];    /* on the device, counting and not replaced */
    uint8_t within[LIMIT_RULINGS]; /* enum answer: is the entry within that one's cut-off … */
    uint8_t inside[LIMIT_RULINGS]; /* … and inside it? */
    uint32_t count;
    enum cht_err err; /* of the caller's answers; sticky */
};

static void gather(struct court *c)
{
    uint32_t l = c->m->subjects[c->device].ruling_last;
    for (; l != NONE; l = c->m->rows[l].ruling_before) {
        if (!c->m->rows[l].counts || c->m->rows[l].replaced)
            continue;
        c->rulings[c->count] = l;
        c->inside[c->count] = c->within[c->count] = c->q->inside == NULL ? NO : UNKNOWN;
        c->count++;
    }
}

/* Is the entry within the cut-off of ruling number `i`? */
static bool within(struct court *c, uint32_t i)
{
    if (c->within[i] == UNKNOWN) {
        struct cht_wire w = net_cutoff_begin(c->m->rows[c->rulings[i]].cutoff);
        struct net_tip tip;
        bool is = false;
        while (c->err == CHT_OK && !is && net_cutoff_next(&w, &tip))
            c->err = c->q->inside(c->q->ctx, &tip, &is);
        c->within[i] = c->err == CHT_OK && is ? YES : NO;
    }
    return c->within[i] == YES;
}

/* Do the two say the same of the device, neither knowing of the other? */
static bool concurrent(const struct net_members *m, uint32_t a, uint32_t b)
{
    return m->rows[a].bound == m->rows[b].bound && !members_reaches(m, a, b) &&
           !members_reaches(m, b, a);
}

static bool find_inside(struct court *c, uint32_t i)
{
    uint32_t l = c->rulings[i];
    bool strict = c->m->rows[l].why == NET_WHY_COMPROMISED;
    if (within(c, i))
        return true;
    for (uint32_t k = 0; k < c->count && !strict; k++)
        strict = c->m->rows[c->rulings[k]].why == NET_WHY_COMPROMISED &&
                 concurrent(c->m, l, c->rulings[k]);
    for (uint32_t k = 0; k < c->count && !strict; k++) {
        if (concurrent(c->m, l, c->rulings[k]) && within(c, k))
            return true;
    }
    return false;
}

/* PROTOCOL 7.25: is the entry inside ruling number `i`? */
static bool is_inside(struct court *c, uint32_t i)
{
    if (c->inside[i] == UNKNOWN)
        c->inside[i] = find_inside(c, i) ? YES : NO;
    return c->inside[i] == YES;
}

/* Is row `g` among the heads or in their ancestry? */
static bool under(const struct court *c, uint32_t g)
{
    for (uint32_t i = 0; !c->all && i < c->q->head_count; i++) {
        if (members_reaches(c->m, c->heads[i], g))
            return true;
    }
    return c->all;
}

/* PROTOCOL 7.26, for one grant: its role, lowered by the rulings that limit it. */
static unsigned worth(struct court *c, uint32_t g)
{
    unsigned right = c->m->rows[g].role;
    for (uint32_t i = 0; i < c->count && right != RIGHT_NONE; i++) {
        uint32_t l = c->rulings[i];
        if (c->m->rows[l].bound > right && l != g && !members_seen(c->m, g, l) && !is_inside(c, i))
            right = c->m->rows[l].bound;
    }
    return right;
}

/* Keep the one with the smaller hash: of several reasons all nodes name the same. */
static void blame(const struct court *c, uint32_t row, uint32_t *culprit)
{
    if (*culprit == NONE ||
        memcmp(c->m->rows[row].hash.b, c->m->rows[*culprit].hash.b, CRDT_HASH_BYTES) < 0)
        *culprit = row;
}

/* The best right over all grants under the heads; 0 when there is no grant, RIGHT_NONE when all are
 * void. */
static unsigned best_right(struct court *c)
{
    unsigned best = 0;
    uint32_t g = c->m->subjects[c->device].grant_last;
    for (; g != NONE && best != NET_ROLE_ADMIN; g = c->m->rows[g].grant_before) {
        const struct row *grant = &c->m->rows[g];
        if ((best != 0 && best != RIGHT_NONE && grant->role >= best) || !under(c, g))
            continue;
        unsigned right = grant->is_void ? RIGHT_NONE : worth(c, g);
        if (best == 0 || right < best)
            best = right;
    }
    return best;
}

/* Of the rulings marked, one that no other of them has seen. */
static uint32_t latest(const struct court *c, const bool *marked)
{
    uint32_t culprit = NONE;
    for (uint32_t i = 0; i < c->count; i++) {
        bool last = marked[i];
        for (uint32_t k = 0; k < c->count && last; k++)
            last = !(marked[k] && members_seen(c->m, c->rulings[k], c->rulings[i]));
        if (last)
            blame(c, c->rulings[i], &culprit);
    }
    return culprit;
}

/* Mark the rulings that lower grant `g` to `right`. */
static void mark(struct court *c, uint32_t g, unsigned right, bool *marked)
{
    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t l = c->rulings[i];
        if (c->m->rows[l].bound == right && l != g && !members_seen(c->m, g, l) && !is_inside(c, i))
            marked[i] = true;
    }
}

/* Why the right is no higher than `right`: a ruling before a grant, a grant before a void one. */
static void explain(struct court *c, unsigned right, struct net_judgement *out)
{
    bool marked[LIMIT_RULINGS] = { false };
    uint32_t grant = NONE, fallen = NONE;
    uint32_t g = c->m->subjects[c->device].grant_last;
    for (; g != NONE; g = c->m->rows[g].grant_before) {
        const struct row *row = &c->m->rows[g];
        if (!under(c, g))
            continue;
        if (row->is_void) {
            blame(c, g, &fallen);
        } else if (worth(c, g) == right) {
            mark(c, g, right, marked);
            if (row->role == right)
                blame(c, g, &grant);
        }
    }
    uint32_t ruling = latest(c, marked);
    out->record = c->m->rows[ruling != NONE ? ruling : grant != NONE ? grant : fallen].hash;
    if (ruling == NONE && grant == NONE)
        out->standing = NET_VOID_ADMISSION;
    else
        out->standing = right == RIGHT_NONE ? NET_VOID_REVOKED : NET_VOID_ROLE;
}

static enum cht_err judge(struct court *c, struct net_judgement *out)
{
    if (c->m->subjects[c->device].changes != 0)
        gather(c);
    unsigned right = best_right(c);
    if (right == 0)
        return CHT_E_DENIED;
    struct net_judgement j = { .role = right == RIGHT_NONE ? 0 : right };
    if (right != NET_ROLE_ADMIN && right != NET_ROLE_WRITER)
        explain(c, right, &j);
    if (c->err == CHT_OK)
        *out = j;
    return c->err;
}

enum cht_err net_members_judge(const struct net_members *m, const struct net_question *question,
                               struct net_judgement *out)
{
    struct court c = { .m = m, .q = question };
    assert(question->head_count <= LIMIT_MEMBER_HEADS);
    for (uint32_t i = 0; i < question->head_count; i++) {
        c.heads[i] = members_find_row(m, &question->heads[i]);
        if (c.heads[i] == NONE)
            return CHT_E_WAITING;
    }
    c.device = members_find_device(m, question->device, CRDT_ID_BYTES);
    return c.device == NONE ? CHT_E_DENIED : judge(&c, out);
}

/* --- devices ------------------------------------------------------------------------------- */

unsigned members_right(const struct net_members *m, uint32_t device, const struct crdt_hash *heads,
                       uint32_t head_count)
{
    const struct net_question q = { .heads = heads, .head_count = head_count };
    struct court c = { .m = m, .q = &q, .device = device, .all = heads == NULL };
    assert(head_count <= LIMIT_MEMBER_HEADS);
    for (uint32_t i = 0; i < head_count; i++)
        c.heads[i] = members_find_row(m, &heads[i]);
    gather(&c);
    return best_right(&c);
}

struct net_judgement net_members_standing(const struct net_members *m,
                                          const uint8_t device[static CRDT_ID_BYTES])
{
    const struct net_question q = { .device = device };
    struct court c = { .m = m, .q = &q, .all = true };
    struct net_judgement j = { .standing = NET_VOID_ADMISSION };
    c.device = members_find_device(m, device, CRDT_ID_BYTES);
    enum cht_err err = c.device == NONE ? CHT_E_DENIED : judge(&c, &j);
    (void)err; /* a stranger has none */
    return j;
}

enum net_access net_members_access(const struct net_members *m,
                                   const uint8_t transport[static NET_TRANSPORT_BYTES])
{
    const struct net_device *device = net_members_transport(m, transport);
    if (device == NULL)
        return NET_ACCESS_UNKNOWN;
    return device->role != 0 ? NET_ACCESS_MEMBER : NET_ACCESS_REVOKED;
}

uint32_t net_members_changes(const struct net_members *m,
                             const uint8_t device[static CRDT_ID_BYTES])
{
    uint32_t number = members_find_device(m, device, CRDT_ID_BYTES);
    return number == NONE ? 0 : m->subjects[number].changes;
}

bool net_members_cuts_at(const struct net_members *m, const uint8_t device[static CRDT_ID_BYTES],
                         const struct net_tip *tip)
{
    uint32_t number = members_find_device(m, device, CRDT_ID_BYTES);
    uint32_t l = number == NONE ? NONE : m->subjects[number].ruling_last;
    for (; l != NONE; l = m->rows[l].ruling_before) {
        struct cht_wire w = net_cutoff_begin(m->rows[l].cutoff);
        struct net_tip named;
        while (m->rows[l].counts && net_cutoff_next(&w, &named)) {
            if (named.seq == tip->seq && crdt_hash_eq(&named.hash, &tip->hash) &&
                memcmp(named.epoch, tip->epoch, CRDT_EPOCH_BYTES) == 0)
                return true;
        }
    }
    return false;
}
