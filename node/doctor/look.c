/* The round of the doctor; see doctor.h. */
#include "node/doctor/doctor.h"

#include "node/client/mpmap.h"

#include <string.h>
#include <sys/stat.h>

enum cht_err doctor_look(struct doctor *d, struct node_fault *fault)
{
    struct cht_error detail = { 0 };
    enum cht_err err = node_paths_find(&detail, &d->paths);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    doctor_home(d);
    doctor_keys(d);
    doctor_disk(d);
    doctor_database(d);
    doctor_clock(d);
    doctor_discovery(d);
    doctor_autostart(d);
    return CHT_OK;
}

/* The node did not tell. Where that follows from what was found already, it is no finding. */
static void say_silent(struct doctor *d, const struct doctor_answer *a)
{
    struct doctor_report *r = d->report;
    const char *why = cht_error_text(&a->fault->error);
    if (a->err == CHT_E_BUSY) {
        doctor_say(r, DOCTOR_PROBLEM, "node.held", "%s, and does not answer", why);
        doctor_remedy(r, "end that process (kill), then: chitty-node run");
    } else if (a->err == CHT_E_UNSUPPORTED) {
        doctor_say(r, DOCTOR_WARNING, "node.older", "the running node is of an older version: %s",
                   why);
        doctor_remedy(r, "chitty-node stop; chitty-node run");
    } else if (a->err == CHT_E_TIMEOUT) {
        doctor_say(r, DOCTOR_PROBLEM, "node.silent", "the running node does not answer");
        doctor_remedy(r, "end it (kill; its pid is in %s/lock), then: chitty-node run",
                      d->paths.data);
    } else if (!doctor_said(r, DOCTOR_PROBLEM, 0)) {
        doctor_say(r, DOCTOR_PROBLEM, "node.closed", "the home cannot be opened: %s", why);
        if (a->fault->hint[0] != '\0')
            doctor_remedy(r, "%s", a->fault->hint);
        else
            doctor_remedy(r, "chitty-node verify");
    }
}

/* The socket's folder goes by the user, the home's by another variable: then a node answers that
 * has another home, and what it tells is of that one. */
static bool is_elsewhere(struct doctor *d, struct cht_bytes health)
{
    const struct cht_bytes path = node_mp_get_str(health, "database");
    char theirs[NODE_PATH_MAX];
    struct stat here, there;
    if (path.len == 0 || path.len >= sizeof theirs || d->database[0] == '\0')
        return false;
    memcpy(theirs, path.data, path.len);
    theirs[path.len] = '\0';
    if (stat(d->database, &here) != 0 || stat(theirs, &there) != 0 ||
        (here.st_dev == there.st_dev && here.st_ino == there.st_ino))
        return false;
    doctor_say(d->report, DOCTOR_PROBLEM, "node.elsewhere",
               "the node that answers at %s is that of another home: it uses %s", d->paths.socket,
               theirs);
    doctor_remedy(d->report, "give each home a CHITTY_HOME, or a XDG_RUNTIME_DIR, of its own");
    return true;
}

void doctor_hear(struct doctor *d, const struct doctor_answer *a)
{
    if (a->err != CHT_OK) {
        say_silent(d, a);
        return;
    }
    if (is_elsewhere(d, a->result))
        return;
    if (d->running)
        doctor_say(d->report, DOCTOR_OK, "node", "the node runs and answers");
    else
        doctor_say(d->report, DOCTOR_NOTE, "node", "no node runs in %s", d->paths.data);
    if (!d->running)
        doctor_remedy(d->report, "chitty-node run; or for every login: chitty-node service "
                                 "install");
    doctor_member(d, a->result);
    doctor_clones(d, a->result);
    if (d->running) {
        doctor_port(d, a->result);
        doctor_helper(d, a->result);
    }
    doctor_peers(d, a->result);
    doctor_blobs(d, a->result);
}
