/* The transport's life, its options, and the queue of what ZeroMQ has no room for. The two sides
 * are in router.c (those who dial us) and dial.c (those we dial). */
#include "net/io/transport_own.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum cht_err transport_error(void)
{
    switch (zmq_errno()) {
    case ENOMEM:
        return CHT_E_NOMEM;
    case EADDRINUSE:
        return CHT_E_BUSY;
    case EADDRNOTAVAIL:
    case ENODEV:
        return CHT_E_UNREACHABLE;
    case EINVAL:
    case EPROTONOSUPPORT:
        return CHT_E_INVALID;
    case EMFILE:
        return CHT_E_LIMIT;
    default:
        return CHT_E_IO;
    }
}

uint32_t transport_number(struct net_transport *t)
{
    return ++t->next_number;
}

struct net_tr_event *transport_event(struct gather *g, enum net_tr_kind kind)
{
    struct net_tr_event *e = cht_arena_alloc(g->arena, sizeof *e);
    if (e == NULL) {
        g->failed = true;
        return NULL;
    }
    e->kind = kind;
    if (g->last == NULL)
        g->first = e;
    else
        *g->last = e;
    g->last = &e->next;
    return e;
}

/* --- opening ----------------------------------------------------------------------------- */

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

enum cht_err transport_options(struct net_transport *t, void *socket)
{
    int64_t message_max = LIMIT_FRAME_BYTES + 64; /* under CURVE 33 bytes are ZeroMQ's own */
    bool ok =
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_max, sizeof message_max) == 0 &&
        set_int(socket, ZMQ_SNDHWM, SOCKET_SEND_HWM) &&
        set_int(socket, ZMQ_RCVHWM, SOCKET_RECEIVE_HWM) && set_int(socket, ZMQ_LINGER, 0) &&
        set_int(socket, ZMQ_IPV6, 1) && set_int(socket, ZMQ_HANDSHAKE_IVL, 5000) &&
        set_int(socket, ZMQ_TCP_KEEPALIVE, 1) && set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 30) &&
        set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 5) && set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) &&
        set_int(socket, ZMQ_TCP_MAXRT, 15000) &&
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, t->public_key, NET_CURVE_KEY_BYTES) == 0 &&
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, t->secret_key, NET_CURVE_KEY_BYTES) == 0;
    return ok ? CHT_OK : transport_error();
}

/* "tcp://" and digits and dots: bound as IPv4, or it would be told as an IPv4-mapped address. */
static bool is_ipv4(const char *endpoint)
{
    const char *host = endpoint + strlen("tcp://");
    size_t len = strspn(host, "0123456789.");
    return len > 0 && host[len] == ':';
}

static enum cht_err bind_one(struct net_transport *t, const char *endpoint,
                             struct cht_error *detail)
{
    char *out = t->endpoints[t->endpoint_count];
    size_t len = ENDPOINT_MAX;
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return cht_fail(detail, CHT_E_INVALID, "a listen endpoint must start with tcp://");
    if (!set_int(t->router, ZMQ_IPV6, is_ipv4(endpoint) ? 0 : 1) ||
        zmq_bind(t->router, endpoint) != 0) {
        char text[CHT_ERROR_TEXT_MAX];
        const int sys = zmq_errno();
        const enum cht_err err = transport_error();
        (void)snprintf(text, sizeof text, "cannot listen on %.80s: %s", endpoint + strlen("tcp://"),
                       zmq_strerror(sys));
        (void)cht_fail(detail, err, text);
        if (detail != NULL)
            detail->sys = sys;
        return err;
    }
    if (zmq_getsockopt(t->router, ZMQ_LAST_ENDPOINT, out, &len) != 0)
        return cht_fail(detail, transport_error(), "");
    t->endpoint_count++;
    return CHT_OK;
}

static enum cht_err open_router(struct net_transport *t, const struct net_transport_config *config,
                                struct cht_error *detail)
{
    t->router = zmq_socket(t->context, ZMQ_ROUTER);
    if (t->router == NULL)
        return transport_error();
    enum cht_err err = transport_options(t, t->router);
    if (err != CHT_OK)
        return err;
    /* Without an enforced domain a CURVE server whose ZAP handler is missing lets every key in. */
    bool ok = set_int(t->router, ZMQ_CURVE_SERVER, 1) &&
              zmq_setsockopt(t->router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0 &&
              set_int(t->router, ZAP_ENFORCE_DOMAIN, 1) &&
              set_int(t->router, ZMQ_ROUTER_MANDATORY, 1) &&
              set_int(t->router, ZMQ_ROUTER_HANDOVER, 0) && set_int(t->router, ZMQ_BACKLOG, 512);
    if (!ok)
        return transport_error();
    err = monitor_open(t, t->router, 0, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED, &t->monitor);
    for (size_t i = 0; i < config->endpoint_count && err == CHT_OK; i++)
        err = bind_one(t, config->endpoints[i], detail);
    return err;
}

static enum cht_err open_all(struct net_transport *t, const struct net_transport_config *config,
                             struct cht_error *detail)
{
    t->secret_key = sodium_malloc(NET_CURVE_KEY_BYTES);
    t->context = zmq_ctx_new();
    if (t->secret_key == NULL || t->context == NULL)
        return CHT_E_NOMEM;
    memcpy(t->secret_key, config->secret_key, NET_CURVE_KEY_BYTES);
    if (zmq_ctx_set(t->context, ZMQ_MAX_SOCKETS, 2 * NET_TRANSPORT_POLLS + 64) != 0)
        return transport_error();
    enum cht_err err = zap_open(t); /* before any socket that asks it */
    if (err == CHT_OK && config->endpoint_count > 0)
        err = open_router(t, config, detail);
    return err;
}

enum cht_err net_transport_open(const struct net_transport_config *config, struct cht_error *detail,
                                struct net_transport **out)
{
    if (config->endpoint_count > NET_TRANSPORT_LISTEN)
        return CHT_E_LIMIT;
    if (zmq_has("curve") != 1)
        return cht_fail(detail, CHT_E_UNSUPPORTED, "this libzmq was built without CURVE");
    struct net_transport *t = calloc(1, sizeof *t);
    if (t == NULL)
        return CHT_E_NOMEM;
    t->lookup = config->lookup;
    t->lookup_ctx = config->ctx;
    memcpy(t->public_key, config->public_key, sizeof t->public_key);
    enum cht_err err = open_all(t, config, detail);
    if (err != CHT_OK) {
        net_transport_close(t);
        return err;
    }
    *out = t;
    return CHT_OK;
}

static void drop_taken(struct net_transport *t)
{
    while (t->taken != NULL) {
        struct taken *next = t->taken->next;
        (void)zmq_msg_close(&t->taken->msg);
        free(t->taken);
        t->taken = next;
    }
}

static void close_socket(void *socket, int linger_ms)
{
    if (socket == NULL)
        return;
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    (void)zmq_close(socket);
}

void net_transport_close(struct net_transport *t)
{
    if (t == NULL)
        return;
    drop_taken(t);
    for (size_t i = 0; i < NET_TRANSPORT_DIALS; i++)
        transport_dial_clear(&t->dials[i], LINGER_BYE_MS);
    for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++)
        transport_leg_clear(&t->legs[i]);
    close_socket(t->monitor, 0);
    close_socket(t->router, LINGER_BYE_MS);
    close_socket(t->zap, 0);
    while (t->context != NULL && zmq_ctx_term(t->context) != 0 && zmq_errno() == EINTR)
        continue;
    sodium_free(t->secret_key);
    free(t);
}

const char *net_transport_endpoint(const struct net_transport *t, size_t index)
{
    return index < t->endpoint_count ? t->endpoints[index] : NULL;
}

const struct net_transport_stats *net_transport_stats(const struct net_transport *t)
{
    return &t->stats;
}

/* --- what waits for room ----------------------------------------------------------------- */

void transport_backlog_clear(struct backlog *b)
{
    while (b->first != NULL) {
        struct waiting *next = b->first->next;
        free(b->first);
        b->first = next;
    }
    b->last = &b->first;
    b->count = b->bytes = 0;
}

static enum cht_err backlog_add(struct backlog *b, struct cht_bytes frame)
{
    if (b->count == NET_TRANSPORT_BACKLOG || b->bytes + frame.len > NET_TRANSPORT_BACKLOG_BYTES)
        return CHT_E_BUSY;
    struct waiting *w = malloc(sizeof *w + frame.len);
    if (w == NULL)
        return CHT_E_NOMEM;
    w->next = NULL;
    w->len = frame.len;
    memcpy(w->bytes, frame.data, frame.len);
    *b->last = w;
    b->last = &w->next;
    b->count++;
    b->bytes += frame.len;
    return CHT_OK;
}

static void backlog_pop(struct backlog *b)
{
    struct waiting *w = b->first;
    b->first = w->next;
    if (b->first == NULL)
        b->last = &b->first;
    b->count--;
    b->bytes -= w->len;
    free(w);
}

/* Send what waits while there is room. A dead connection's end is told by its monitor. */
static void flush_all(struct net_transport *t)
{
    for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++) {
        struct leg *l = &t->legs[i];
        while (l->conn != 0 && l->backlog.first != NULL) {
            struct waiting *w = l->backlog.first;
            enum cht_err err = transport_leg_send(t, l, cht_bytes(w->bytes, w->len));
            if (err == CHT_E_BUSY)
                break;
            backlog_pop(&l->backlog);
        }
    }
    for (size_t i = 0; i < NET_TRANSPORT_DIALS; i++) {
        struct dial *d = &t->dials[i];
        while (d->conn != 0 && d->backlog.first != NULL) {
            struct waiting *w = d->backlog.first;
            if (transport_dial_send(d, cht_bytes(w->bytes, w->len)) != CHT_OK)
                break;
            backlog_pop(&d->backlog);
        }
    }
}

int net_transport_timeout_ms(const struct net_transport *t)
{
    for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++) {
        if (t->legs[i].conn != 0 && t->legs[i].backlog.count > 0)
            return (int)NET_TRANSPORT_RETRY_MS;
    }
    for (size_t i = 0; i < NET_TRANSPORT_DIALS; i++) {
        if (t->dials[i].conn != 0 && t->dials[i].backlog.count > 0)
            return (int)NET_TRANSPORT_RETRY_MS;
    }
    return -1;
}

/* --- sending and collecting -------------------------------------------------------------- */

static struct leg *leg_by_conn(struct net_transport *t, uint32_t conn)
{
    for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++) {
        if (conn != 0 && t->legs[i].conn == conn && !t->legs[i].unheard)
            return &t->legs[i];
    }
    return NULL;
}

static struct dial *dial_by_conn(struct net_transport *t, uint32_t conn)
{
    for (size_t i = 0; i < NET_TRANSPORT_DIALS; i++) {
        if (conn != 0 && t->dials[i].conn == conn)
            return &t->dials[i];
    }
    return NULL;
}

enum cht_err net_transport_send(struct net_transport *t, uint32_t conn, struct cht_bytes frame)
{
    if (frame.len > LIMIT_FRAME_BYTES)
        return CHT_E_LIMIT;
    struct leg *l = leg_by_conn(t, conn);
    struct dial *d = dial_by_conn(t, conn);
    if (l == NULL && d == NULL)
        return CHT_E_NOTFOUND;
    struct backlog *b = l != NULL ? &l->backlog : &d->backlog;
    enum cht_err err = CHT_E_BUSY;
    if (b->first == NULL) /* else behind what waits already */
        err = l != NULL ? transport_leg_send(t, l, frame) : transport_dial_send(d, frame);
    return err == CHT_E_BUSY ? backlog_add(b, frame) : err;
}

/* A descriptor that was closed meanwhile is none of TCP, or of another connection: the answer is
 * then wrong, and costs that connection a new dial. */
bool net_transport_stuck(const struct net_transport *t, uint32_t conn)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof info;
    int fd = -1;
    for (size_t i = 0; i < NET_TRANSPORT_LEGS; i++) {
        if (conn != 0 && t->legs[i].conn == conn)
            fd = t->legs[i].fd;
    }
    for (size_t i = 0; i < NET_TRANSPORT_DIALS; i++) {
        if (conn != 0 && t->dials[i].conn == conn)
            fd = t->dials[i].fd;
    }
    return fd >= 0 && (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
                       info.tcpi_state != TCP_ESTABLISHED || info.tcpi_retransmits != 0 ||
                       info.tcpi_backoff != 0);
}

void net_transport_hang_up(struct net_transport *t, uint32_t conn)
{
    struct leg *l = leg_by_conn(t, conn);
    struct dial *d = dial_by_conn(t, conn);
    if (l != NULL) {
        l->unheard = true;
        transport_backlog_clear(&l->backlog);
    } else if (d != NULL) {
        transport_dial_clear(d, LINGER_BYE_MS);
    }
}

size_t net_transport_poll(const struct net_transport *t,
                          zmq_pollitem_t items[static NET_TRANSPORT_POLLS])
{
    size_t count = 0;
    items[count++] = (zmq_pollitem_t){ .socket = t->zap, .events = ZMQ_POLLIN };
    if (t->router != NULL) {
        items[count++] = (zmq_pollitem_t){ .socket = t->router, .events = ZMQ_POLLIN };
        items[count++] = (zmq_pollitem_t){ .socket = t->monitor, .events = ZMQ_POLLIN };
    }
    for (size_t i = 0; i < NET_TRANSPORT_DIALS; i++) {
        if (t->dials[i].number == 0)
            continue;
        items[count++] = (zmq_pollitem_t){ .socket = t->dials[i].socket, .events = ZMQ_POLLIN };
        items[count++] = (zmq_pollitem_t){ .socket = t->dials[i].monitor, .events = ZMQ_POLLIN };
    }
    return count;
}

enum cht_err net_transport_collect(struct net_transport *t, struct cht_arena *arena,
                                   const struct net_tr_event **out_events)
{
    struct gather g = { .arena = arena };
    drop_taken(t);
    zap_answer(t);
    transport_router_collect(t, &g);
    /* who stands first is served first: not always the same */
    size_t first = t->next_dial++ % NET_TRANSPORT_DIALS;
    for (size_t k = 0; k < NET_TRANSPORT_DIALS && !g.failed; k++) {
        const size_t i = (first + k) % NET_TRANSPORT_DIALS;
        if (t->dials[i].number != 0)
            transport_dial_collect(t, &t->dials[i], &g);
    }
    flush_all(t);
    if (g.failed)
        return CHT_E_NOMEM;
    *out_events = g.first;
    return CHT_OK;
}
