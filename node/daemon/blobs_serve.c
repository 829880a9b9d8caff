/* Sending blobs to peers: what a record of the space names and what is here, checked once since the
 * start, a piece a turn (PROTOCOL 12.2). See own.h. */
#include "node/daemon/blobs_own.h"

void blobs_step(struct node_daemon *d, struct daemon_link *l, struct net_event *ev,
                enum net_blob_step step)
{
    ev->kind = NET_EV_BLOB;
    ev->now_ms = d->now_ms;
    ev->wall_ms = d->wall_ms;
    ev->blob.step = step;
    daemon_link_step(d, l, ev);
}

void blobs_stop_serving(struct daemon_link *l)
{
    node_blob_shut(l->blobs.reader);
    l->blobs.reader = NULL;
    l->blobs.asked = l->blobs.checked = false;
}

void blobs_asked(struct daemon_link *l, const struct net_blob_frame *want)
{
    blobs_stop_serving(l);
    if (want->credit == 0)
        return;
    l->blobs.asked = true;
    l->blobs.out = want->hash;
    l->blobs.out_size = want->size;
    l->blobs.out_next = want->from;
}

/* Only what a record names, and of the size that it says: a hash alone opens nothing.
 * CHT_E_WAITING: it is not known yet. */
static enum cht_err find(struct node_daemon *d, struct daemon_link *l)
{
    struct service_attachment a;
    enum cht_err err =
        d->home.blobs == NULL ? CHT_E_NOTFOUND : service_attached(d->service, &l->blobs.out, &a);
    if (err == CHT_OK)
        err = node_blob_open(d->home.blobs, &l->blobs.out, d->wall_ms, &l->blobs.reader);
    if (err == CHT_OK && node_blob_size(l->blobs.reader) != l->blobs.out_size)
        err = CHT_E_NOTFOUND;
    return err;
}

static enum cht_err send_piece(struct node_daemon *d, struct daemon_link *l)
{
    const size_t room = net_session_blob_room(l->session);
    size_t len = 0;
    if (room == 0)
        return CHT_OK;
    uint8_t *bytes = cht_arena_alloc(&d->arena, room);
    if (bytes == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = node_blob_read(l->blobs.reader, l->blobs.out_next, bytes, room, &len);
    if (err != CHT_OK || len == 0)
        return err == CHT_OK ? CHT_E_IO : err;
    struct net_event ev = { .bytes = cht_bytes(bytes, len) };
    blobs_step(d, l, &ev, NET_BLOB_SEND);
    d->blobs->served += len;
    l->blobs.out_next += len;
    if (l->blobs.out_next >= l->blobs.out_size)
        blobs_stop_serving(l);
    else
        d->more |= net_session_blob_room(l->session) != 0;
    return CHT_OK;
}

void blobs_serve(struct node_daemon *d, struct daemon_link *l)
{
    enum cht_err err = CHT_OK;
    uint64_t done;
    if (!l->blobs.asked || l->over || !net_session_blobs(l->session))
        return;
    if (l->blobs.reader == NULL)
        err = find(d, l);
    if (err == CHT_E_WAITING)
        return; /* see daemon_blobs_due_ms */
    if (err == CHT_OK && !l->blobs.checked) {
        err = node_blob_check(d->home.blobs, l->blobs.reader, &done);
        l->blobs.checked = err == CHT_OK;
    }
    if (err == CHT_OK)
        err = send_piece(d, l);
    if (err == CHT_E_WAITING)
        d->more = true;
    if (err == CHT_OK || err == CHT_E_WAITING)
        return;
    if (err == CHT_E_CORRUPT)
        daemon_log("error",
                   "an attachment's file is damaged and was set aside: chitty-node doctor");
    struct net_event ev = { .reason = 0 };
    blobs_stop_serving(l);
    blobs_step(d, l, &ev, NET_BLOB_LACK);
}
