#ifndef TESTS_SUPPORT_SEEDED_H
#define TESTS_SUPPORT_SEEDED_H
/* Random choices that can be repeated: the seed is printed first and taken from CHITTY_SEED. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct seeded {
    uint64_t state; /* never 0 */
};

static inline struct seeded seeded_start(uint64_t usual)
{
    const char *env = getenv("CHITTY_SEED");
    uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : usual;
    printf("# CHITTY_SEED=%llu\n", (unsigned long long)seed);
    return (struct seeded){ .state = seed * 2 + 1 };
}

/* xorshift64* (Vigna 2016). */
static inline uint64_t seeded_next(struct seeded *s)
{
    s->state ^= s->state >> 12;
    s->state ^= s->state << 25;
    s->state ^= s->state >> 27;
    return s->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 … n - 1 */
static inline uint32_t seeded_below(struct seeded *s, uint32_t n)
{
    return (uint32_t)((seeded_next(s) >> 32) * n >> 32);
}

static inline void seeded_fill(struct seeded *s, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(seeded_next(s) >> 40);
}

#endif
