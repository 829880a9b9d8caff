#ifndef CRDT_HLC_H
#define CRDT_HLC_H
/* Hybrid logical clock (Kulkarni et al. 2014; PROTOCOL 1.5): 48 bits of wall milliseconds since the
 * Unix epoch and a 16-bit counter, one 64-bit number `ms << 16 | counter` so that order is `<`.
 * Causality never comes from it: it only ranks concurrent values. The clock is passed in. */
#include "crdt/base/err.h"

#include <stdint.h>

typedef uint64_t crdt_hlc_stamp; /* ms << 16 | counter; 0 is "no time" */

/* Our own clock never follows a remote stamp further ahead than this (PROTOCOL 1.5). */
#define CRDT_HLC_DRIFT_MS_MAX (5u * 60u * 1000u)
#define CRDT_HLC_MS_MAX       ((UINT64_C(1) << 48) - 1)

struct crdt_hlc {
    crdt_hlc_stamp last; /* the highest stamp issued or followed */
};

static inline uint64_t crdt_hlc_ms(crdt_hlc_stamp s)
{
    return s >> 16;
}
static inline uint16_t crdt_hlc_counter(crdt_hlc_stamp s)
{
    return (uint16_t)s;
}
static inline crdt_hlc_stamp crdt_hlc_make(uint64_t ms, uint16_t counter)
{
    return ms << 16 | counter;
}

/* The next stamp for an own entry, above every stamp issued or followed before; a full counter
 * carries into the milliseconds. `now_ms` is the wall clock, read once a turn by the caller. */
crdt_hlc_stamp crdt_hlc_next(struct crdt_hlc *clock, uint64_t now_ms);
/* Fold in a stamp that was received. CHT_E_LIMIT: more than CRDT_HLC_DRIFT_MS_MAX ahead of
 * `now_ms`; the clock is unchanged, the entry is applied all the same. */
CHT_MUST_USE enum cht_err crdt_hlc_follow(struct crdt_hlc *clock, crdt_hlc_stamp remote,
                                          uint64_t now_ms);

#endif
