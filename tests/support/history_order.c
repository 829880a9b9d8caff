/* Orders of arrival and the histogram; see history.h. */
#include "tests/support/history.h"
#include "tests/support/seeded.h"

#include <stdlib.h>

#define BATCH_MAX 16u

static struct seeded random_of(uint64_t seed)
{
    struct seeded s = { .state = seed * 2 + 1 };
    for (uint32_t i = 0; i < 8; i++)
        (void)seeded_next(&s);
    return s;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t was = *a;
    *a = *b;
    *b = was;
}

/* Among the steps from `at` on, bring one to `at` whose parents all stand before. */
static void bring_ready(const struct history *h, struct history_order *o, uint32_t at,
                        const bool *done)
{
    for (uint32_t i = at; i < o->count; i++) {
        const struct history_entry *e = &h->entries[o->steps[i]];
        bool ready = true;
        for (uint32_t p = 0; p < e->parent_count; p++)
            ready = ready && done[e->parents[p]];
        if (ready) {
            swap(&o->steps[at], &o->steps[i]);
            return;
        }
    }
}

static void count_step(const struct history *h, struct history_order *o, uint32_t entry,
                       const bool *done)
{
    const struct history_entry *e = &h->entries[entry];
    bool gap = false;
    for (uint32_t p = 0; p < e->parent_count; p++)
        gap = gap || !done[e->parents[p]];
    if (done[entry])
        o->duplicates++;
    else if (gap)
        o->gaps++;
}

static void cut_batches(struct history_order *o, struct seeded *random)
{
    for (uint32_t at = 0; at < o->count;) {
        at += 1 + seeded_below(random, BATCH_MAX);
        o->batches[o->batch_count++] = at < o->count ? at : o->count;
    }
}

void history_order(const struct history *h, uint64_t seed, uint64_t subset_seed, unsigned flags,
                   struct history_order *out)
{
    struct seeded random = random_of(seed), leave_out = random_of(subset_seed);
    const uint32_t room = h->count * 2 + 1;
    struct history_order o = { .steps = calloc(room, sizeof *o.steps),
                               .batches = calloc(room, sizeof *o.batches) };
    bool *done = calloc(h->count + 1, sizeof *done);
    if (o.steps == NULL || o.batches == NULL || done == NULL)
        abort();
    for (uint32_t i = 0; i < h->count; i++) {
        if (subset_seed == 0 || seeded_below(&leave_out, 20) != 0)
            o.steps[o.count++] = i;
        else
            done[i] = (flags & HISTORY_CAUSAL) != 0; /* nothing waits for it in the ordering */
    }
    for (uint32_t i = o.count; i > 1; i--)
        swap(&o.steps[i - 1], &o.steps[seeded_below(&random, i)]);
    for (uint32_t i = 0; i < o.count && (flags & HISTORY_CAUSAL) != 0; i++) {
        bring_ready(h, &o, i, done);
        done[o.steps[i]] = true;
    }
    const uint32_t once = o.count;
    for (uint32_t i = 0; i < once && (flags & HISTORY_DUPLICATES) != 0; i++) {
        if (seeded_below(&random, 10) != 0)
            continue;
        uint32_t at = i + seeded_below(&random, o.count - i); /* again, at this place or later */
        memmove(&o.steps[at + 2], &o.steps[at + 1], (o.count - at - 1) * sizeof *o.steps);
        o.steps[at + 1] = o.steps[i];
        o.count++;
    }
    memset(done, 0, h->count * sizeof *done);
    for (uint32_t i = 0; i < o.count; i++) {
        count_step(h, &o, o.steps[i], done);
        done[o.steps[i]] = true;
    }
    cut_batches(&o, &random);
    free(done);
    *out = o;
}

void history_order_clear(struct history_order *o)
{
    free(o->steps);
    free(o->batches);
    *o = (struct history_order){ .count = 0 };
}

/* --- the histogram -------------------------------------------------------------------------- */

void history_add_tally(uint32_t sum[static HISTORY_CLASS_COUNT], const struct history *h)
{
    for (size_t i = 0; i < HISTORY_CLASS_COUNT; i++)
        sum[i] += h->tally[i];
}

unsigned history_report(const uint32_t tally[static HISTORY_CLASS_COUNT], FILE *out)
{
    static const struct {
        enum history_class base;
        const char *text;
    } rows[HISTORY_CLASS_COUNT] = {
#define X(name, base, text) [HISTORY_##name] = { HISTORY_##base, text },
        HISTORY_CLASSES(X)
#undef X
    };
    unsigned rare = 0;
    for (size_t i = 0; i < HISTORY_CLASS_COUNT; i++) {
        uint32_t base = tally[rows[i].base];
        bool enough = tally[i] != 0 && (uint64_t)tally[i] * 100 >= base;
        fprintf(out, "# %8u  %5.1f %% of %-8s %s%s\n", tally[i],
                base == 0 ? 0.0 : 100.0 * (double)tally[i] / (double)base, rows[rows[i].base].text,
                rows[i].text, enough ? "" : "  TOO RARE");
        rare += !enough;
    }
    return rare;
}
