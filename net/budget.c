/* Accounts of peers; see budget.h. */
#include "net/budget.h"

static const struct {
    uint64_t most, earned_s;
} costs[NET_COST_COUNT] = {
#define X(name, most, earned) { most, earned },
    NET_COSTS(X)
#undef X
};

static const struct {
    const char *word, *text;
} refusals[NET_REFUSAL_COUNT] = {
#define X(name, word, sentence) { word, sentence },
    NET_REFUSALS(X)
#undef X
};

const char *net_refusal_word(enum net_refusal reason)
{
    return reason < NET_REFUSAL_COUNT ? refusals[reason].word : "unknown";
}

const char *net_refusal_text(enum net_refusal reason)
{
    return reason < NET_REFUSAL_COUNT ? refusals[reason].text : "unknown";
}

/* --- the table --------------------------------------------------------------------------- */

struct net_budget *net_budget_find(struct net_budgets *all, const uint8_t device[CRDT_ID_BYTES])
{
    for (size_t i = 0; i < LIMIT_PEERS; i++) {
        if (all->of[i].used && memcmp(all->of[i].device, device, CRDT_ID_BYTES) == 0)
            return &all->of[i];
    }
    return NULL;
}

/* Is `a` a better one to forget than `b`? */
static bool sooner_forgotten(const struct net_budget *a, const struct net_budget *b,
                             uint64_t now_ms)
{
    bool a_closed = a->closed_ms > now_ms, b_closed = b->closed_ms > now_ms;
    return a_closed != b_closed ? b_closed : a->at_ms < b->at_ms;
}

struct net_budget *net_budget_of(struct net_budgets *all, const uint8_t device[CRDT_ID_BYTES],
                                 uint64_t now_ms)
{
    struct net_budget *b = net_budget_find(all, device);
    if (b != NULL)
        return b;
    b = &all->of[0];
    for (size_t i = 0; i < LIMIT_PEERS && b->used; i++) {
        if (!all->of[i].used || sooner_forgotten(&all->of[i], b, now_ms))
            b = &all->of[i];
    }
    *b = (struct net_budget){ .used = true, .at_ms = now_ms, .strike_ms = now_ms };
    memcpy(b->device, device, CRDT_ID_BYTES);
    for (unsigned i = 0; i < NET_COST_COUNT; i++)
        b->left[i] = (int64_t)costs[i].most * 1000;
    return b;
}

/* --- paying and earning ------------------------------------------------------------------ */

static void earn(struct net_budget *b, uint64_t now_ms)
{
    uint64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
    b->at_ms = now_ms > b->at_ms ? now_ms : b->at_ms;
    for (unsigned i = 0; i < NET_COST_COUNT && passed != 0; i++) {
        const int64_t most = (int64_t)costs[i].most * 1000;
        const uint64_t lacks = (uint64_t)(most - b->left[i]);
        const uint64_t whole_ms = lacks / costs[i].earned_s + 1;
        if (passed >= whole_ms)
            b->left[i] = most;
        else
            b->left[i] += (int64_t)(passed * costs[i].earned_s);
    }
    while (b->strikes != 0 && now_ms >= b->strike_ms + NET_FORGIVE_MS) {
        b->strikes--;
        b->strike_ms += NET_FORGIVE_MS;
    }
}

void net_budget_spend(struct net_budget *b, enum net_cost cost, uint64_t amount, uint64_t now_ms)
{
    /* an account is never deeper in debt than what it may hold: a minute or so, not for ever */
    const int64_t least = -(int64_t)costs[cost].most * 1000;
    earn(b, now_ms);
    b->spent[cost] += amount;
    if (amount >= costs[cost].most * 2)
        b->left[cost] = least;
    else
        b->left[cost] -= (int64_t)amount * 1000;
    if (b->left[cost] < least)
        b->left[cost] = least;
}

static uint64_t ready_ms(const struct net_budget *b, enum net_cost cost)
{
    if (b->left[cost] > 0)
        return b->at_ms;
    return b->at_ms + (uint64_t)-b->left[cost] / costs[cost].earned_s + 1;
}

uint64_t net_budget_ready_ms(struct net_budget *b, bool contended, uint64_t now_ms)
{
    earn(b, now_ms);
    uint64_t ready = now_ms;
    for (unsigned i = 0; i < NET_COST_COUNT; i++) {
        if (i == NET_COST_SESSIONS || (i == NET_COST_CPU_US && !contended))
            continue;
        uint64_t at = ready_ms(b, (enum net_cost)i);
        ready = at > ready ? at : ready;
    }
    return ready;
}

/* --- refusing ---------------------------------------------------------------------------- */

void net_budget_refuse(struct net_budget *b, enum net_refusal reason, uint64_t count)
{
    b->refused[reason] += count;
}

uint64_t net_budget_refused(const struct net_budget *b)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < NET_REFUSAL_COUNT; i++)
        sum += b->refused[i];
    return sum;
}

uint64_t net_budget_strike(struct net_budget *b, uint64_t now_ms)
{
    earn(b, now_ms);
    uint64_t ms = NET_DOOR_FIRST_MS;
    for (unsigned i = 0; i < b->strikes && ms < NET_DOOR_MAX_MS; i++)
        ms *= 2;
    b->strikes++;
    b->strike_ms = now_ms;
    b->closed_ms = now_ms + (ms < NET_DOOR_MAX_MS ? ms : NET_DOOR_MAX_MS);
    return b->closed_ms;
}

bool net_budget_open(struct net_budget *b, uint64_t now_ms)
{
    earn(b, now_ms);
    return now_ms >= b->closed_ms && b->left[NET_COST_SESSIONS] >= 1000;
}

uint64_t net_turn_share_us(size_t wanting, bool contended)
{
    if (!contended || wanting == 0)
        return NET_TURN_ALONE_US;
    const uint64_t share = NET_TURN_US / wanting;
    return share > NET_TURN_LEAST_US ? share : NET_TURN_LEAST_US;
}
