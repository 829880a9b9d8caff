/* The dialling side: one DEALER each peer, with the peer's key pinned. ZeroMQ connects again by
 * itself; each settled handshake is a new connection to us. */
#include "net/io/transport_own.h"

#include <errno.h>

#define DIAL_EVENTS                                                                                \
    (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |       \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                  \
     ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_DISCONNECTED)

void transport_dial_clear(struct dial *d, int linger_ms)
{
    if (d->monitor != NULL) {
        (void)zmq_socket_monitor(d->socket, NULL, 0);
        (void)zmq_close(d->monitor);
    }
    if (d->socket != NULL) {
        (void)zmq_setsockopt(d->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        (void)zmq_close(d->socket);
    }
    transport_backlog_clear(&d->backlog);
    *d = (struct dial){ .number = 0 };
}

static enum cht_err open_dealer(struct net_transport *t, struct dial *d, const char *endpoint,
                                const uint8_t server_key[NET_CURVE_KEY_BYTES])
{
    static const int reconnect_ms = 200, reconnect_max_ms = 30000, connect_ms = 5000, one = 1;
    d->socket = zmq_socket(t->context, ZMQ_DEALER);
    if (d->socket == NULL)
        return transport_error();
    enum cht_err err = transport_options(t, d->socket);
    if (err != CHT_OK)
        return err;
    if (zmq_setsockopt(d->socket, ZMQ_CURVE_SERVERKEY, server_key, NET_CURVE_KEY_BYTES) != 0 ||
        zmq_setsockopt(d->socket, ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof reconnect_ms) != 0 ||
        zmq_setsockopt(d->socket, ZMQ_RECONNECT_IVL_MAX, &reconnect_max_ms,
                       sizeof reconnect_max_ms) != 0 ||
        zmq_setsockopt(d->socket, ZMQ_CONNECT_TIMEOUT, &connect_ms, sizeof connect_ms) != 0 ||
        zmq_setsockopt(d->socket, ZMQ_IMMEDIATE, &one, sizeof one) != 0)
        return transport_error();
    err = monitor_open(t, d->socket, d->number, DIAL_EVENTS, &d->monitor);
    if (err == CHT_OK && zmq_connect(d->socket, endpoint) != 0)
        err = transport_error();
    return err;
}

enum cht_err net_transport_dial(struct net_transport *t, const char *endpoint,
                                const uint8_t server_key[NET_CURVE_KEY_BYTES],
                                const uint8_t device[CRDT_ID_BYTES], uint32_t *out_dial)
{
    struct dial *d = NULL;
    for (size_t i = 0; i < NET_TRANSPORT_DIALS && d == NULL; i++) {
        if (t->dials[i].number == 0)
            d = &t->dials[i];
    }
    if (d == NULL)
        return CHT_E_LIMIT;
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return CHT_E_INVALID;
    d->number = transport_number(t);
    d->backlog.last = &d->backlog.first;
    memcpy(d->device, device, sizeof d->device);
    enum cht_err err = open_dealer(t, d, endpoint, server_key);
    if (err != CHT_OK) {
        transport_dial_clear(d, 0);
        return err;
    }
    *out_dial = d->number;
    return CHT_OK;
}

void net_transport_undial(struct net_transport *t, uint32_t dial)
{
    for (size_t i = 0; i < NET_TRANSPORT_DIALS; i++) {
        if (t->dials[i].number == dial && dial != 0)
            transport_dial_clear(&t->dials[i], LINGER_BYE_MS);
    }
}

static struct net_tr_event *dial_event(const struct dial *d, struct gather *g,
                                       enum net_tr_kind kind)
{
    struct net_tr_event *e = transport_event(g, kind);
    if (e != NULL) {
        e->conn = d->conn;
        e->dial = d->number;
        memcpy(e->device, d->device, sizeof e->device);
    }
    return e;
}

static void went_down(struct dial *d, struct gather *g)
{
    if (d->conn == 0)
        return;
    (void)dial_event(d, g, NET_TR_DOWN);
    d->conn = 0;
    transport_backlog_clear(&d->backlog);
}

static void refused(struct net_transport *t, const struct dial *d, struct gather *g,
                    unsigned status)
{
    struct net_tr_event *e = dial_event(d, g, NET_TR_REFUSED);
    t->stats.refused++;
    if (e != NULL)
        e->status = status;
}

static void read_monitor(struct net_transport *t, struct dial *d, struct gather *g)
{
    struct monitor_event ev;
    while (monitor_next(d->monitor, &ev)) {
        switch (ev.event) {
        case ZMQ_EVENT_CONNECTED:
            d->fd = (int)ev.value;
            break;
        case ZMQ_EVENT_CONNECT_RETRIED:
            if (d->conn == 0)
                (void)dial_event(d, g, NET_TR_UNREACHED);
            break;
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            went_down(d, g);
            d->conn = transport_number(t);
            (void)dial_event(d, g, NET_TR_UP);
            break;
        case ZMQ_EVENT_DISCONNECTED:
            went_down(d, g);
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            refused(t, d, g, ev.value);
            break;
        default:
            refused(t, d, g, 0);
            break;
        }
    }
}

enum cht_err transport_dial_send(struct dial *d, struct cht_bytes frame)
{
    if (zmq_send(d->socket, frame.data, frame.len, ZMQ_DONTWAIT) >= 0)
        return CHT_OK;
    return errno == EAGAIN ? CHT_E_BUSY : transport_error();
}

/* One frame; false when there is none. */
static bool take_frame(struct net_transport *t, struct dial *d, struct gather *g)
{
    zmq_msg_t msg;
    if (!transport_receive(t, d->socket, &msg))
        return false;
    if (d->conn == 0) /* its UP stands in the monitor by now */
        read_monitor(t, d, g);
    struct cht_bytes frame;
    if (d->conn == 0) {
        t->stats.unheard++;
        (void)zmq_msg_close(&msg);
    } else if (!transport_keep(t, &msg, &frame)) {
        g->failed = true;
    } else {
        g->bytes += frame.len;
        struct net_tr_event *e = dial_event(d, g, NET_TR_FRAME);
        if (e != NULL)
            e->frame = frame;
    }
    return true;
}

void transport_dial_collect(struct net_transport *t, struct dial *d, struct gather *g)
{
    /* Frames first: the other end speaks on a new connection only after our HELLO, so what can be
     * read before the monitor was is of the connection that the monitor may call ended. */
    bool more = true;
    const size_t before = g->bytes;
    for (unsigned i = 0; i < LIMIT_TURN_FRAMES && more && !g->failed; i++) {
        if (g->bytes - before >= NET_TRANSPORT_TAKE_BYTES / 2 ||
            g->bytes >= 2 * (size_t)NET_TRANSPORT_TAKE_BYTES)
            return;
        more = take_frame(t, d, g);
    }
    if (!more)
        read_monitor(t, d, g);
}
