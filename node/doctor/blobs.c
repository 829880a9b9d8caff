/* The files of attachments: what is gone from here, what is damaged (LOCAL 7.4). See doctor.h. */
#include "node/doctor/doctor.h"

#include "node/client/mpmap.h"

void doctor_blobs(struct doctor *d, struct cht_bytes health)
{
    const struct cht_bytes blobs = node_mp_get(health, "blobs");
    const unsigned long long damaged = node_mp_get_uint(blobs, "damaged", 0);
    const unsigned long long missing = node_mp_get_uint(blobs, "missing", 0);
    const uint64_t bytes = node_mp_get_uint(blobs, "bytes", 0);
    const uint64_t quota = node_mp_get_uint(blobs, "quota", 0);
    if (blobs.len == 0) {
        doctor_say(d->report, DOCTOR_WARNING, "blobs.closed",
                   "the files of attachments in %s/blobs cannot be read", d->paths.data);
        doctor_remedy(d->report, "chmod -R u+rwX '%s/blobs', then start the node anew",
                      d->paths.data);
        return;
    }
    if (missing != 0) {
        doctor_say(d->report, DOCTOR_WARNING, "blobs.missing",
                   "%llu attachments that were attached on this device are not here any more",
                   missing);
        doctor_remedy(d->report, "fetch them from a device that has them: chitty-node blobs names "
                                 "them; chitty attachment get");
    }
    if (damaged != 0) {
        doctor_say(d->report, DOCTOR_WARNING, "blobs.damaged",
                   "%llu attachments' files were damaged on this disk and were set aside in "
                   "%s/blobs/bad",
                   damaged, d->paths.data);
        doctor_remedy(d->report, "chitty-node blobs --prune");
    }
    if (quota != 0 && bytes > quota - quota / 20) {
        doctor_say(d->report, DOCTOR_NOTE, "blobs.quota",
                   "attachments take %llu of the %llu MiB that they may",
                   (unsigned long long)(bytes >> 20), (unsigned long long)(quota >> 20));
        doctor_remedy(d->report, "chitty-node blobs --quota SIZE");
    }
    if (missing == 0 && damaged == 0)
        doctor_say(d->report, DOCTOR_OK, "blobs",
                   "the files of attachments are what they should be");
}
