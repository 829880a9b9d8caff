/* Messages between a node and its discovery helper; see lookout.h. */
#include "net/lookout.h"

#include "crdt/base/wire.h"

#include <assert.h>

/* Which fields a kind has, in the order in which they stand after it. */
enum {
    HAS_SLOT = 1,
    HAS_STATE = 2,
    HAS_NAME = 4,
    HAS_HOST = 8,
    HAS_PORT = 16,
    HAS_TXT = 32,
};

static unsigned fields_of(unsigned kind)
{
    static const uint8_t fields[] = {
        [NET_LOOKOUT_ANNOUNCE] = HAS_SLOT | HAS_NAME | HAS_PORT | HAS_TXT,
        [NET_LOOKOUT_WITHDRAW] = HAS_SLOT,
        [NET_LOOKOUT_AGAIN] = 0,
        [NET_LOOKOUT_STATE] = HAS_STATE,
        [NET_LOOKOUT_FOUND] = HAS_NAME | HAS_HOST | HAS_PORT | HAS_TXT,
        [NET_LOOKOUT_GONE] = HAS_NAME,
        [NET_LOOKOUT_TAKEN] = HAS_SLOT,
    };
    return fields[kind];
}

static enum cht_err put_text(struct cht_buf *out, struct cht_bytes text)
{
    enum cht_err err = cht_buf_add_u8(out, (uint8_t)text.len);
    return err == CHT_OK ? cht_buf_add(out, text) : err;
}

static enum cht_err put_u16(struct cht_buf *out, size_t v)
{
    uint8_t raw[2];
    cht_put_u16(raw, (uint16_t)v);
    return cht_buf_add(out, cht_bytes(raw, sizeof raw));
}

enum cht_err net_lookout_put(const struct net_lookout *m, struct cht_buf *out)
{
    unsigned has = fields_of(m->kind);
    enum cht_err err = cht_buf_add_u8(out, (uint8_t)m->kind);
    if (err == CHT_OK && (has & HAS_SLOT) != 0)
        err = cht_buf_add_u8(out, (uint8_t)m->slot);
    if (err == CHT_OK && (has & HAS_STATE) != 0)
        err = cht_buf_add_u8(out, (uint8_t)m->state);
    if (err == CHT_OK && (has & HAS_STATE) != 0)
        err = cht_buf_add_u32(out, m->dropped);
    if (err == CHT_OK && (has & HAS_NAME) != 0) {
        assert(m->name.len >= 1 && m->name.len <= NET_LOOKOUT_NAME);
        err = put_text(out, m->name);
    }
    if (err == CHT_OK && (has & HAS_HOST) != 0)
        err = put_text(out, cht_bytes(m->host.text, m->host.len));
    if (err == CHT_OK && (has & HAS_PORT) != 0) {
        assert(m->port != 0);
        err = put_u16(out, m->port);
    }
    if (err == CHT_OK && (has & HAS_TXT) != 0) {
        assert(m->txt.len <= LIMIT_BEACON_BYTES);
        err = put_u16(out, m->txt.len);
        if (err == CHT_OK)
            err = cht_buf_add(out, m->txt);
    }
    return err;
}

static uint16_t read_u16(struct cht_wire *w)
{
    struct cht_bytes raw = cht_wire_take(w, 2);
    return raw.len == 2 ? cht_get_u16(raw.data) : 0;
}

/* A number between `low` and `high`. */
static unsigned read_choice(struct cht_wire *w, unsigned low, unsigned high)
{
    unsigned v = cht_wire_u8(w);
    if (v < low || v > high) {
        cht_wire_fail(w, CHT_E_MALFORMED);
        return low;
    }
    return v;
}

static void read_fields(struct cht_wire *w, unsigned has, struct net_lookout *m)
{
    if ((has & HAS_SLOT) != 0)
        m->slot = (enum net_lookout_slot)read_choice(w, 0, NET_LOOKOUT_SLOTS - 1);
    if ((has & HAS_STATE) != 0) {
        m->state = (enum net_lookout_state)read_choice(w, NET_LOOKOUT_NO_BUS, NET_LOOKOUT_RUNNING);
        m->dropped = cht_wire_u32(w);
    }
    if ((has & HAS_NAME) != 0) {
        m->name = cht_wire_take(w, cht_wire_u8(w));
        if (m->name.len < 1 || m->name.len > NET_LOOKOUT_NAME)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    if ((has & HAS_HOST) != 0 && net_host_set(&m->host, cht_wire_take(w, cht_wire_u8(w))) != CHT_OK)
        cht_wire_fail(w, CHT_E_MALFORMED);
    if ((has & HAS_PORT) != 0) {
        m->port = read_u16(w);
        if (m->port == 0)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    if ((has & HAS_TXT) != 0) {
        m->txt = cht_wire_take(w, read_u16(w));
        if (m->txt.len > LIMIT_BEACON_BYTES)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
}

enum cht_err net_lookout_read(struct cht_bytes packet, struct net_lookout *out)
{
    struct cht_wire w = cht_wire(packet);
    struct net_lookout m = { .kind = (enum net_lookout_kind)read_choice(&w, NET_LOOKOUT_ANNOUNCE,
                                                                        NET_LOOKOUT_TAKEN) };
    if (w.err == CHT_OK)
        read_fields(&w, fields_of(m.kind), &m);
    enum cht_err err = cht_wire_end(&w);
    if (err == CHT_OK)
        *out = m;
    return err;
}
