#ifndef NODE_DAEMON_BLOBS_OWN_H
#define NODE_DAEMON_BLOBS_OWN_H
/* Inside node/daemon/blobs*.c only. */
#include "net/blobs.h"
#include "node/daemon/own.h"

#define BLOBS_GRACE_MS       1000u
#define BLOBS_GRACE_EARLY_MS 3000u
#define BLOBS_EARLY_MS       5000u    /* after the start */
#define BLOBS_LOOK_MS        20u      /* rows are being written: look again */
#define BLOBS_SWEEP_MS       3600000u /* between two looks for what no record names */

struct daemon_blobs {
    struct net_blobs wants;
    uint64_t version;         /* of the attachments that were looked through */
    bool scanning;            /* … some are left */
    size_t next;              /* … from this one on */
    uint64_t started_ms;      /* the first turn */
    uint64_t swept_ms;        /* 0: not yet */
    uint64_t fetched, served; /* bytes, since the start */
};

/* --- blobs_serve.c -------------------------------------------------------------------------- */

void blobs_asked(struct daemon_link *l, const struct net_blob_frame *want);
/* One piece of what the peer wants. */
void blobs_serve(struct node_daemon *d, struct daemon_link *l);
void blobs_stop_serving(struct daemon_link *l);
/* One event of this kind to the session. */
void blobs_step(struct node_daemon *d, struct daemon_link *l, struct net_event *ev,
                enum net_blob_step step);

#endif
