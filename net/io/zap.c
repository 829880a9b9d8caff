/* ZAP (ZeroMQ RFC 27): may this key connect? One handler a context, on inproc, answered in the
 * node's own loop by a look into memory: it blocks nobody's handshake for longer than a turn.
 *
 * A key nobody has introduced yet gets 300, which lets its owner try again; 400 would end its
 * dialling for good (measured on libzmq 4.3.4). The User-Id is the device's id in hex: it stands on
 * every message of the connection. */
#include "net/io/transport_own.h"

#include "crdt/id.h"

#include <errno.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_PARTS    7u /* version, request id, domain, address, identity, mechanism, key */
#define ZAP_PART_MAX 256u

struct zap_part {
    size_t len;
    uint8_t bytes[ZAP_PART_MAX];
};

enum cht_err zap_open(struct net_transport *t)
{
    t->zap = zmq_socket(t->context, ZMQ_REP);
    if (t->zap == NULL || zmq_bind(t->zap, ZAP_ENDPOINT) != 0)
        return transport_error();
    return CHT_OK;
}

/* Read a request whole. True when it has the seven parts. */
static bool read_request(void *socket, struct zap_part parts[static ZAP_PARTS], bool *out_any)
{
    size_t count = 0;
    bool fits = true;
    *out_any = false;
    for (int more = 1; more != 0; count++) {
        uint8_t bytes[ZAP_PART_MAX];
        int len = zmq_recv(socket, bytes, sizeof bytes, ZMQ_DONTWAIT);
        size_t more_len = sizeof more;
        if (len < 0)
            return false;
        *out_any = true;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_len) != 0)
            more = 0;
        fits = fits && (size_t)len <= sizeof bytes && count < ZAP_PARTS;
        if (fits) {
            parts[count].len = (size_t)len;
            memcpy(parts[count].bytes, bytes, (size_t)len);
        }
    }
    return fits && count == ZAP_PARTS;
}

static bool part_is(const struct zap_part *part, const char *text)
{
    return cht_bytes_eq(cht_bytes(part->bytes, part->len), cht_bytes_str(text));
}

static void reply(void *socket, const struct zap_part *id, const char *status, const char *text,
                  const char *user)
{
    struct cht_bytes parts[6] = { cht_bytes_str("1.0"),  cht_bytes(id->bytes, id->len),
                                  cht_bytes_str(status), cht_bytes_str(text),
                                  cht_bytes_str(user),   cht_bytes(NULL, 0) };
    for (size_t i = 0; i < 6; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < 6 ? ZMQ_SNDMORE : 0);
        if (zmq_send(socket, parts[i].data, parts[i].len, flags) < 0)
            return; /* the asking side went away */
    }
}

void zap_answer(struct net_transport *t)
{
    struct zap_part parts[ZAP_PARTS];
    for (unsigned i = 0; i < LIMIT_TURN_FRAMES; i++) {
        bool any = false;
        memset(parts, 0, sizeof parts);
        bool whole = read_request(t->zap, parts, &any);
        if (!any)
            return;
        uint8_t device[CRDT_ID_BYTES];
        char user[2 * CRDT_ID_BYTES + 1];
        if (!whole || !part_is(&parts[0], "1.0") || !part_is(&parts[2], ZAP_DOMAIN) ||
            !part_is(&parts[5], "CURVE") || parts[6].len != NET_CURVE_KEY_BYTES) {
            t->stats.zap_malformed++;
            reply(t->zap, &parts[1], "500", "a request in no known form", "");
        } else if (t->lookup(t->lookup_ctx, parts[6].bytes, device)) {
            t->stats.zap_known++;
            crdt_hex(cht_bytes(device, sizeof device), user);
            reply(t->zap, &parts[1], "200", "OK", user);
        } else {
            t->stats.zap_unknown++;
            reply(t->zap, &parts[1], "300", "not introduced yet", "");
        }
    }
}
