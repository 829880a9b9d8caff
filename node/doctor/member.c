/* This device among those of its space: its keys, its rights, what of its file can be used; see
 * doctor.h. */
#include "node/doctor/doctor.h"

#include "node/client/mpmap.h"

static bool is(struct cht_bytes text, const char *word)
{
    return cht_bytes_eq(text, cht_bytes_str(word));
}

static bool is_admitted(struct cht_bytes health, struct cht_bytes own)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(health, "devices"));
    struct cht_bytes device;
    while (node_mp_next(&it, NULL, &device)) {
        if (cht_bytes_eq(node_mp_get_str(device, "device"), own))
            return true;
    }
    return false;
}

static void say_limited(struct doctor *d, struct cht_bytes membership, struct cht_bytes own)
{
    const struct cht_bytes how = node_mp_get_str(membership, "how");
    const struct cht_bytes by = node_mp_get_str(membership, "byName");
    if (is(how, "role")) {
        const struct cht_bytes role = node_mp_get_str(membership, "role");
        doctor_say(d->report, DOCTOR_NOTE, "member.role",
                   "this device is a %.*s here (%.*s says so): what it writes does not count",
                   (int)role.len, (const char *)role.data, (int)by.len, (const char *)by.data);
        doctor_remedy(d->report,
                      "if it is to write, on an admin's device: chitty-node role %.*s "
                      "writer",
                      (int)own.len, (const char *)own.data);
        return;
    }
    doctor_say(d->report, DOCTOR_PROBLEM, "member.revoked",
               "this device is no member any more (%.*s, says %.*s): nothing it writes counts",
               (int)how.len, (const char *)how.data, (int)by.len, (const char *)by.data);
    doctor_remedy(d->report,
                  "if that was a mistake, on an admin's device: chitty-node readmit %.*s",
                  (int)own.len, (const char *)own.data);
}

static void look_at_file(struct doctor *d, struct cht_bytes status)
{
    const struct cht_bytes read_only = node_mp_get(status, "readOnly");
    const unsigned long long voids = node_mp_get_uint(status, "quarantined", 0);
    if (node_mp_count(read_only) != 0) {
        const struct cht_bytes hint = node_mp_get_str(read_only, "hint");
        const struct cht_bytes code = node_mp_get_str(read_only, "code");
        doctor_say(d->report, DOCTOR_PROBLEM, "disk.readonly",
                   "the node refuses changes: its disk cannot be written (%.*s)", (int)code.len,
                   (const char *)code.data);
        doctor_remedy(d->report, "%.*s", (int)hint.len, (const char *)hint.data);
    }
    if (voids != 0) {
        doctor_say(d->report, DOCTOR_NOTE, "void", "%llu change%s kept and do%s not count", voids,
                   voids == 1 ? " is" : "s are", voids == 1 ? "es" : "");
        doctor_remedy(d->report, "chitty-node quarantined");
    }
}

void doctor_member(struct doctor *d, struct cht_bytes health)
{
    const struct cht_bytes status = node_mp_get(health, "status");
    const struct cht_bytes own = node_mp_get_str(status, "device");
    const struct cht_bytes membership = node_mp_get(status, "membership");
    if (d->device[0] != '\0' && !is(own, d->device)) {
        doctor_say(d->report, DOCTOR_PROBLEM, "keys.other",
                   "the node runs with the keys of device %.*s, the file has those of %s",
                   (int)own.len, (const char *)own.data, d->device);
        doctor_remedy(d->report, "chitty-node stop; chitty-node run");
    }
    if (!is_admitted(health, own)) {
        doctor_say(d->report, DOCTOR_PROBLEM, "member.none",
                   "this device is no member of the space that its home is in");
        doctor_remedy(d->report, "chitty-node invite on another device, and chitty-node join here");
    } else if (node_mp_get_str(membership, "how").len != 0) {
        say_limited(d, membership, own);
    } else {
        doctor_say(d->report, DOCTOR_OK, "member", "this device is a member of its space");
    }
    look_at_file(d, status);
}
