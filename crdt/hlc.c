/* Hybrid logical clock; see hlc.h (PROTOCOL 1.5). */
#include "crdt/hlc.h"

crdt_hlc_stamp crdt_hlc_next(struct crdt_hlc *clock, uint64_t now_ms)
{
    crdt_hlc_stamp wall = crdt_hlc_make(now_ms & CRDT_HLC_MS_MAX, 0);
    /* `last + 1` carries a full counter into the milliseconds by itself */
    clock->last = wall > clock->last ? wall : clock->last + 1;
    return clock->last;
}

enum cht_err crdt_hlc_follow(struct crdt_hlc *clock, crdt_hlc_stamp remote, uint64_t now_ms)
{
    if (crdt_hlc_ms(remote) > now_ms + CRDT_HLC_DRIFT_MS_MAX)
        return CHT_E_LIMIT;
    if (remote > clock->last)
        clock->last = remote;
    return CHT_OK;
}
