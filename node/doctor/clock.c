/* This machine's clock; see doctor.h. Causality does not come from clocks: a wrong one only ranks
 * this device's changes wrongly against concurrent ones. */
#include "node/doctor/doctor.h"

#include <sys/timex.h>

#define FIRST_YEAR_MS UINT64_C(1767225600000) /* 2026-01-01: this program is not older */

void doctor_clock(struct doctor *d)
{
    struct timex t = { .modes = 0 }; /* only asked */
    const int state = adjtimex(&t);
    if (d->now_ms < FIRST_YEAR_MS) {
        doctor_say(d->report, DOCTOR_PROBLEM, "clock.past",
                   "this machine's clock stands before 2026: its changes lose against all others");
        doctor_remedy(d->report, "set the clock: timedatectl set-ntp true");
    } else if (state >= 0 && (t.status & STA_UNSYNC) != 0) {
        doctor_say(d->report, DOCTOR_NOTE, "clock.free",
                   "nothing keeps this machine's clock: it may drift");
        doctor_remedy(d->report, "timedatectl set-ntp true");
    } else if (state >= 0) {
        doctor_say(d->report, DOCTOR_OK, "clock", "this machine's clock is kept");
    }
}
