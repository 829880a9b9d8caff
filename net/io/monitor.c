/* What happens to a socket's connections, as ZeroMQ tells it on an inproc PAIR. HANDSHAKE_SUCCEEDED
 * is the only honest "up": CONNECTED and ACCEPTED speak of TCP alone. */
#include "net/io/transport_own.h"

#define MONITOR_ENDPOINT_MAX 32u

/* "inproc://monitor-" and eight hex digits. */
static void endpoint_of(uint32_t number, char out[static MONITOR_ENDPOINT_MAX])
{
    static const char prefix[] = "inproc://monitor-";
    size_t len = sizeof prefix - 1;
    memcpy(out, prefix, len);
    for (unsigned shift = 32; shift > 0; shift -= 4)
        out[len++] = "0123456789abcdef"[number >> (shift - 4) & 15u];
    out[len] = '\0';
}

enum cht_err monitor_open(struct net_transport *t, void *socket, uint32_t number, int events,
                          void **out)
{
    char endpoint[MONITOR_ENDPOINT_MAX];
    endpoint_of(number, endpoint);
    if (zmq_socket_monitor(socket, endpoint, events) != 0)
        return transport_error();
    void *pair = zmq_socket(t->context, ZMQ_PAIR);
    int none = 0;
    if (pair == NULL || zmq_setsockopt(pair, ZMQ_LINGER, &none, sizeof none) != 0 ||
        zmq_connect(pair, endpoint) != 0) {
        enum cht_err err = transport_error();
        if (pair != NULL)
            (void)zmq_close(pair);
        return err;
    }
    *out = pair;
    return CHT_OK;
}

/* Two parts: event u16 and value u32 (both in the machine's order), then the endpoint. */
bool monitor_next(void *monitor, struct monitor_event *out)
{
    uint8_t head[6], endpoint[256];
    int more = 0;
    size_t more_len = sizeof more;
    int len = zmq_recv(monitor, head, sizeof head, ZMQ_DONTWAIT);
    if (len < 0)
        return false;
    if (zmq_getsockopt(monitor, ZMQ_RCVMORE, &more, &more_len) == 0 && more != 0)
        (void)zmq_recv(monitor, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
    uint16_t event = 0;
    uint32_t value = 0;
    if ((size_t)len >= sizeof head) {
        memcpy(&event, head, sizeof event);
        memcpy(&value, head + sizeof event, sizeof value);
    }
    out->event = event;
    out->value = value;
    return true;
}
