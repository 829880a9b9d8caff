/* The device's keys; see doctor.h. */
#include "node/doctor/doctor.h"
#include "node/files.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void say_unreadable(struct doctor *d, enum cht_err err, const struct node_fault *fault,
                           const char *path)
{
    struct doctor_report *r = d->report;
    struct stat st;
    if (err == CHT_E_NOTFOUND) {
        doctor_say(r, DOCTOR_PROBLEM, "keys.none", "there is no %s: this machine is no device",
                   path);
        doctor_remedy(r, "put it back from a backup, or make a new device: chitty-node init");
    } else if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
        doctor_say(r, DOCTOR_PROBLEM, "keys.mode", "others may read the keys in %s", path);
        doctor_remedy(r, "chmod 600 '%s'", path);
    } else if (access(path, R_OK) != 0) {
        doctor_say(r, DOCTOR_PROBLEM, "keys.access", "%s", cht_error_text(&fault->error));
        doctor_remedy(r, "sudo chown %lu '%s'; chmod 600 '%s'", (unsigned long)geteuid(), path,
                      path);
    } else {
        doctor_say(r, DOCTOR_PROBLEM, "keys.damaged", "%s", cht_error_text(&fault->error));
        doctor_remedy(r, err == CHT_E_UNSUPPORTED
                             ? "use the chitty-node that wrote it"
                             : "put it back from a backup; without one, make a new device and "
                               "revoke this one from another");
    }
}

void doctor_keys(struct doctor *d)
{
    struct node_files files = { .paths = d->paths, .lock_fd = -1 };
    struct node_fault fault = { 0 };
    char path[NODE_PATH_MAX];
    if (access(d->paths.data, F_OK) != 0)
        return; /* there is no home: that was said */
    if (snprintf(path, sizeof path, "%.4000s/device.key", d->paths.data) < 0)
        return;
    struct net_identity *id = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *id);
    if (id == NULL) {
        doctor_say(d->report, DOCTOR_WARNING, "keys.memory", "no locked memory for the keys");
        doctor_remedy(d->report, "raise the limit of locked memory: ulimit -l");
        return;
    }
    enum cht_err err = node_files_identity(&files, &fault, id);
    if (err == CHT_OK)
        err = net_cert_verify(&id->cert);
    if (err == CHT_OK) {
        crdt_hex(cht_bytes(id->device, CRDT_ID_BYTES), d->device);
        doctor_say(d->report, DOCTOR_OK, "keys", "keys and certificate of device %s fit each other",
                   d->device);
    } else {
        say_unreadable(d, err, &fault, path);
    }
    net_identity_clear(id);
    sodium_free(id);
}
