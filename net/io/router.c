/* The listening side: one ROUTER for all who dial us.
 *
 * ZeroMQ tells a new connection by its first message and its end by a monitor event that names only
 * a file descriptor, which the system uses again. The io thread writes in order: when a message of
 * a new connection can be read, the end of an earlier one with the same descriptor stands in the
 * monitor already. So the monitor is emptied before a connection is noted; one whose descriptor is
 * not open then has ended by itself. An ended connection is told DOWN only when nothing more of it
 * can come. */
#include "net/io/transport_own.h"

#include "crdt/id.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

void transport_leg_clear(struct leg *l)
{
    transport_backlog_clear(&l->backlog);
    *l = (struct leg){ .conn = 0 };
}

static struct net_tr_event *leg_event(const struct leg *l, struct gather *g, enum net_tr_kind kind)
{
    struct net_tr_event *e = transport_event(g, kind);
    if (e != NULL) {
        e->conn = l->conn;
        memcpy(e->device, l->device, sizeof e->device);
    }
    return e;
}

static void set_open(struct net_transport *t, int fd, bool open)
{
    if (fd < 0 || fd >= FD_MAX)
        return;
    uint8_t bit = (uint8_t)(1u << (fd % 8));
    if (open)
        t->open_fds[fd / 8] |= bit;
    else
        t->open_fds[fd / 8] &= (uint8_t)~bit;
}

static bool is_open(const struct net_transport *t, int fd)
{
    return fd < 0 || fd >= FD_MAX || ((unsigned)t->open_fds[fd / 8] >> (fd % 8) & 1u) != 0;
}

/* Which TCP connections came and went. */
static void read_monitor(struct net_transport *t)
{
    struct monitor_event ev;
    while (monitor_next(t->monitor, &ev)) {
        int fd = (int)ev.value;
        set_open(t, fd, ev.event == ZMQ_EVENT_ACCEPTED);
        for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++) {
            struct leg *l = &t->legs[i];
            if (l->conn != 0 && l->fd == fd)
                l->ended = true; /* of ACCEPTED too: the descriptor is another's now */
        }
    }
}

static void tell_ended(struct net_transport *t, struct gather *g)
{
    for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++) {
        struct leg *l = &t->legs[i];
        if (l->conn == 0 || !l->ended)
            continue;
        if (!l->unheard)
            (void)leg_event(l, g, NET_TR_DOWN);
        transport_leg_clear(l);
    }
}

static struct leg *find_leg(struct net_transport *t, const uint8_t id[ROUTING_ID_BYTES])
{
    for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++) {
        if (t->legs[i].conn != 0 && memcmp(t->legs[i].routing_id, id, ROUTING_ID_BYTES) == 0)
            return &t->legs[i];
    }
    return NULL;
}

/* ZeroMQ has no call that ends an inbound connection, but its descriptor is ours too: when it is
 * shut down the io thread reads the end and closes it. Should the number be another connection's by
 * now (the monitor was read just before), that peer dials again. */
static void cut_off(struct net_transport *t, int fd)
{
    read_monitor(t);
    if (fd < 0 || !is_open(t, fd))
        return;
    t->stats.cut++;
    (void)shutdown(fd, SHUT_RDWR);
}

/* The device that ZAP named for the connection a message came by. */
static bool device_of(zmq_msg_t *msg, uint8_t out[CRDT_ID_BYTES])
{
    const char *user = zmq_msg_gets(msg, "User-Id");
    return user != NULL && crdt_unhex(cht_bytes_str(user), out, CRDT_ID_BYTES) == CHT_OK;
}

/* Note a connection by its first message; NULL when there are too many. */
static struct leg *new_leg(struct net_transport *t, const uint8_t id[ROUTING_ID_BYTES],
                           zmq_msg_t *msg, const uint8_t device[CRDT_ID_BYTES], struct gather *g)
{
    struct leg *unused = NULL;
    unsigned same = 0;
    read_monitor(t);
    for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++) {
        struct leg *l = &t->legs[i];
        if (l->conn == 0)
            unused = unused == NULL ? l : unused;
        else if (memcmp(l->device, device, CRDT_ID_BYTES) == 0)
            same++;
    }
    if (unused == NULL || same >= NET_TRANSPORT_LEGS_EACH)
        return NULL;
    *unused = (struct leg){ .conn = transport_number(t), .fd = zmq_msg_get(msg, ZMQ_SRCFD) };
    unused->ended = !is_open(t, unused->fd);
    unused->backlog.last = &unused->backlog.first;
    memcpy(unused->routing_id, id, ROUTING_ID_BYTES);
    memcpy(unused->device, device, CRDT_ID_BYTES);
    struct net_tr_event *e = leg_event(unused, g, NET_TR_UP);
    const char *address = zmq_msg_gets(msg, "Peer-Address");
    for (size_t i = 0; e != NULL && address != NULL && i + 1 < sizeof e->address; i++) {
        e->address[i] = address[i];
        if (address[i] == '\0')
            break;
    }
    return unused;
}

/* One frame with its routing id; closes `msg` when it is not kept. */
static void take_frame(struct net_transport *t, const uint8_t id[ROUTING_ID_BYTES], zmq_msg_t *msg,
                       struct gather *g)
{
    uint8_t device[CRDT_ID_BYTES];
    struct leg *l = find_leg(t, id);
    bool named = device_of(msg, device);
    if (named && l == NULL)
        l = new_leg(t, id, msg, device, g);
    /* identity is that of the connection's key, on every single message */
    if (!named || l == NULL || l->unheard || memcmp(l->device, device, sizeof device) != 0) {
        t->stats.unheard++;
        if (l == NULL)
            cut_off(t, zmq_msg_get(msg, ZMQ_SRCFD));
        else if (l->unheard && ++l->said == UNHEARD_MAX)
            cut_off(t, l->fd);
        (void)zmq_msg_close(msg);
        return;
    }
    struct cht_bytes frame;
    if (!transport_keep(t, msg, &frame)) {
        g->failed = true;
        return;
    }
    g->bytes += frame.len;
    struct net_tr_event *e = leg_event(l, g, NET_TR_FRAME);
    if (e != NULL)
        e->frame = frame;
}

/* One message off the ROUTER; false when there is none. */
static bool take_message(struct net_transport *t, struct gather *g)
{
    uint8_t id[ROUTING_ID_BYTES];
    int len = zmq_recv(t->router, id, sizeof id, ZMQ_DONTWAIT);
    if (len < 0)
        return false;
    zmq_msg_t msg;
    if (!transport_receive(t, t->router, &msg))
        return true;
    if (len == (int)sizeof id && id[0] == 0) {
        take_frame(t, id, &msg, g);
    } else { /* a routing id that the peer chose itself */
        t->stats.unheard++;
        (void)zmq_msg_close(&msg);
    }
    return true;
}

void transport_router_collect(struct net_transport *t, struct gather *g)
{
    if (t->router == NULL)
        return;
    read_monitor(t);
    bool more = true;
    for (unsigned i = 0; i < LIMIT_TURN_FRAMES && more && !g->failed; i++) {
        if (g->bytes >= NET_TRANSPORT_TAKE_BYTES)
            return;
        more = take_message(t, g);
    }
    if (!more)
        tell_ended(t, g);
}

/* The rest of a message that has more parts. */
static void skip_parts(void *socket)
{
    int more = 1;
    size_t more_len = sizeof more;
    while (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_len) == 0 && more != 0) {
        zmq_msg_t rest;
        (void)zmq_msg_init(&rest);
        int got = zmq_msg_recv(&rest, socket, ZMQ_DONTWAIT);
        (void)zmq_msg_close(&rest);
        if (got < 0)
            return;
    }
}

bool transport_receive(struct net_transport *t, void *socket, zmq_msg_t *out)
{
    for (unsigned tries = 0; tries < LIMIT_TURN_FRAMES; tries++) {
        (void)zmq_msg_init(out);
        if (zmq_msg_recv(out, socket, ZMQ_DONTWAIT) < 0) {
            (void)zmq_msg_close(out);
            return false;
        }
        if (zmq_msg_more(out) == 0)
            return true;
        t->stats.multipart++;
        (void)zmq_msg_close(out);
        skip_parts(socket);
        if (socket == t->router)
            return false; /* the next part would be a routing id */
    }
    return false;
}

bool transport_keep(struct net_transport *t, zmq_msg_t *msg, struct cht_bytes *out)
{
    struct taken *kept = malloc(sizeof *kept); /* never moved: a short message lies inside */
    if (kept == NULL) {
        (void)zmq_msg_close(msg);
        return false;
    }
    (void)zmq_msg_init(&kept->msg);
    (void)zmq_msg_move(&kept->msg, msg);
    (void)zmq_msg_close(msg);
    kept->next = t->taken;
    t->taken = kept;
    *out = cht_bytes(zmq_msg_data(&kept->msg), zmq_msg_size(&kept->msg));
    return true;
}

enum cht_err transport_leg_send(struct net_transport *t, struct leg *l, struct cht_bytes frame)
{
    if (zmq_send(t->router, l->routing_id, sizeof l->routing_id, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        if (errno == EAGAIN)
            return CHT_E_BUSY;
        l->ended = l->ended || errno == EHOSTUNREACH;
        return errno == EHOSTUNREACH ? CHT_E_NOTFOUND : transport_error();
    }
    if (zmq_send(t->router, frame.data, frame.len, ZMQ_DONTWAIT) < 0)
        return transport_error();
    return CHT_OK;
}
