/* What became of this home when it was restored or copied, as the node noted it (LOCAL 6.6). The
 * branches themselves are seen in the file (chains.c). */
#include "node/doctor/doctor.h"

#include "crdt/rfc3339.h"
#include "node/client/mpmap.h"

/* What lies further back needs no telling any more. */
#define RECENT_MS (30ull * 24 * 3600 * 1000)

/* The time at a key, in words; false: it did not happen, or long ago. */
static bool recently(const struct doctor *d, struct cht_bytes clones, const char *key,
                     char out[static CRDT_RFC3339_MAX])
{
    const uint64_t at = node_mp_get_uint(clones, key, 0);
    if (at == 0 || at > CRDT_RFC3339_MS_MAX || (d->now_ms > at && d->now_ms - at > RECENT_MS))
        return false;
    crdt_rfc3339_text(at, out);
    return true;
}

void doctor_clones(struct doctor *d, struct cht_bytes health)
{
    const struct cht_bytes clones = node_mp_get(node_mp_get(health, "status"), "clones");
    const unsigned long long elsewhere = node_mp_get_uint(clones, "elsewhere", 0);
    const unsigned long long reclaimed = node_mp_get_uint(clones, "reclaimed", 0);
    char when[CRDT_RFC3339_MAX], of[CRDT_RFC3339_MAX];
    if (elsewhere != 0 && recently(d, clones, "elsewhereAt", when)) {
        doctor_say(d->report, DOCTOR_WARNING, "clones.elsewhere",
                   "%llu entr%s of this device came from somewhere else, the last at %s: a copy of "
                   "this home runs, or did",
                   elsewhere, elsewhere == 1 ? "y" : "ies", when);
        doctor_remedy(d->report, "let only one of the copies run; make the other a device of its "
                                 "own: in a new home, chitty-node init and join");
    }
    if (reclaimed != 0 && recently(d, clones, "reclaimedAt", when))
        doctor_say(d->report, DOCTOR_NOTE, "clones.reclaimed",
                   "%llu entr%s of this device, lost here, %s taken back from others, the last at "
                   "%s",
                   reclaimed, reclaimed == 1 ? "y" : "ies", reclaimed == 1 ? "was" : "were", when);
    if (recently(d, clones, "restoredAt", when) &&
        node_mp_get_uint(clones, "backupAt", 0) <= CRDT_RFC3339_MS_MAX) {
        crdt_rfc3339_text(node_mp_get_uint(clones, "backupAt", 0), of);
        doctor_say(d->report, DOCTOR_NOTE, "clones.restored",
                   "this home was restored at %s from a backup of %s", when, of);
    }
}
