/* What finding others on the network needs: a system bus and avahi-daemon; see doctor.h. Without
 * them devices meet at the addresses they remember or are given. */
#include "node/doctor/doctor.h"

#include "node/client/mpmap.h"

#include <stdlib.h>
#include <string.h>

#define BUS_SOCKET "/run/dbus/system_bus_socket"

static const char *bus_path(void)
{
    static const char scheme[] = "unix:path=";
    const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
    if (address == NULL || strncmp(address, scheme, sizeof scheme - 1) != 0)
        return BUS_SOCKET;
    return address + sizeof scheme - 1;
}

void doctor_discovery(struct doctor *d)
{
    if (!node_socket_answers(bus_path())) {
        doctor_say(d->report, DOCTOR_NOTE, "discovery.bus",
                   "no system bus: other devices are not found on the network, only dialled at "
                   "addresses they were known at");
        doctor_remedy(d->report, "sudo apt install dbus avahi-daemon; or: chitty-node run --peer "
                                 "HOST:PORT");
    } else if (!node_socket_answers("/run/avahi-daemon/socket")) {
        doctor_say(d->report, DOCTOR_NOTE, "discovery.avahi",
                   "no avahi-daemon: other devices are not found on the network, only dialled at "
                   "addresses they were known at");
        doctor_remedy(d->report, "sudo apt install avahi-daemon; sudo systemctl enable --now "
                                 "avahi-daemon");
    } else {
        doctor_say(d->report, DOCTOR_OK, "discovery", "avahi-daemon answers");
    }
}

/* What the node says of its helper; what the helper itself needs was looked at above. */
void doctor_helper(struct doctor *d, struct cht_bytes health)
{
    const struct cht_bytes discovery = node_mp_get(node_mp_get(health, "status"), "discovery");
    const struct cht_bytes state = node_mp_get_str(discovery, "state");
    if (cht_bytes_eq(state, cht_bytes_str("off"))) {
        doctor_say(d->report, DOCTOR_NOTE, "discovery.off",
                   "the node runs without discovery: it neither announces itself nor looks");
        doctor_remedy(d->report,
                      "chitty-node run without --no-discovery, and without CHITTY_NO_DISCOVERY");
    } else if (cht_bytes_eq(state, cht_bytes_str("chitty-discover is not installed"))) {
        doctor_say(d->report, DOCTOR_WARNING, "discovery.helper",
                   "the helper that finds others is not there");
        doctor_remedy(d->report, "install chitty-discover in the folder of chitty-node");
    } else if (cht_bytes_eq(state, cht_bytes_str("the helper is started again"))) {
        doctor_say(d->report, DOCTOR_WARNING, "discovery.helper",
                   "the helper that finds others ended %llu times, and is started again",
                   (unsigned long long)node_mp_get_uint(discovery, "helperStarts", 0));
        doctor_remedy(d->report, "see what it says: chitty-node run in a terminal");
    }
}
