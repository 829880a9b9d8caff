/* This device among those of its space; see doctor.h. */
#include "node/doctor/doctor.h"

#include "node/client/mpmap.h"

void doctor_member(struct doctor *d, struct cht_bytes health)
{
    const struct cht_bytes own = node_mp_get_str(health, "device");
    struct node_mp_iter it = node_mp_iter(node_mp_get(health, "devices"));
    struct cht_bytes device;
    bool admitted = false;
    if (d->device[0] != '\0' && !cht_bytes_eq(own, cht_bytes_str(d->device))) {
        doctor_say(d->report, DOCTOR_PROBLEM, "keys.other",
                   "the node runs with the keys of device %.*s, the file has those of %s",
                   (int)own.len, (const char *)own.data, d->device);
        doctor_remedy(d->report, "chitty-node stop; chitty-node run");
    }
    while (node_mp_next(&it, NULL, &device))
        admitted |= cht_bytes_eq(node_mp_get_str(device, "device"), own);
    if (admitted) {
        doctor_say(d->report, DOCTOR_OK, "member", "this device is a member of its space");
    } else {
        doctor_say(d->report, DOCTOR_PROBLEM, "member.none",
                   "this device is no member of the space that its home is in");
        doctor_remedy(d->report, "chitty-node invite on another device, and chitty-node join here");
    }
}
