#ifndef NODE_DOCTOR_DOCTOR_H
#define NODE_DOCTOR_DOCTOR_H
/* `chitty-node doctor`: what is well and what is not with a home, each finding with its remedy.
 *
 * It looks from outside, in a process of its own: at the files, read-only, whether a node runs on
 * them or not; and at what the node answers to the command `health` (LOCAL 6.1), which the caller
 * asks. It changes nothing but a probe file that it removes. One file a family of checks. */
#include "crdt/limits.h"
#include "node/client/fault.h"
#include "node/client/paths.h"
#include "node/doctor/report.h"

#include <stdint.h>

/* When a device was last reached, as the file has it: beyond a restart. */
struct doctor_seen {
    char device[33]; /* hex */
    uint64_t ms;
};

struct doctor {
    struct doctor_report *report;
    struct node_paths paths;
    uint64_t now_ms;              /* the wall clock */
    bool running;                 /* a node does; else the home is opened in this process */
    char device[33];              /* hex, from the key file; empty: it could not be read */
    char database[NODE_PATH_MAX]; /* of the space in use; empty: there is none */
    struct doctor_seen seen[LIMIT_PEERS];
    size_t seen_count;
};

/* Look at everything that needs no node. CHT_E_INVALID: no place for files (the fault says so). */
CHT_MUST_USE enum cht_err doctor_look(struct doctor *d, struct node_fault *fault);

/* What the node answered to `health`. */
struct doctor_answer {
    enum cht_err err;               /* it could not be asked … */
    const struct node_fault *fault; /* … and why */
    struct cht_bytes result;        /* the map, when it could */
};
void doctor_hear(struct doctor *d, const struct doctor_answer *answer);

/* --- the families, in the order of the report ------------------------------------------------ */

void doctor_home(struct doctor *d);      /* home.c: folders and their modes */
void doctor_keys(struct doctor *d);      /* keys.c: the device's keys and certificate */
void doctor_disk(struct doctor *d);      /* disk.c: what the files lie on */
void doctor_database(struct doctor *d);  /* database.c: the file itself, chains, stamps */
void doctor_clock(struct doctor *d);     /* clock.c: this machine's clock */
void doctor_discovery(struct doctor *d); /* discovery.c: what finding others needs */
void doctor_autostart(struct doctor *d); /* autostart.c: systemd unit and linger */
void doctor_port(struct doctor *d, struct cht_bytes health);   /* port.c */
void doctor_helper(struct doctor *d, struct cht_bytes health); /* discovery.c */
void doctor_member(struct doctor *d, struct cht_bytes health); /* member.c: this device's place */
void doctor_clones(struct doctor *d, struct cht_bytes health); /* clones.c */
void doctor_peers(struct doctor *d, struct cht_bytes health);  /* peers.c */
void doctor_blobs(struct doctor *d, struct cht_bytes health);  /* blobs.c */

/* disk.c: what a kind of file system (statfs' f_type) means for durability; NULL: nothing. */
const char *doctor_memory_disk(uint64_t kind);
const char *doctor_network_disk(uint64_t kind);

#endif
