/* Reading a directed message; see directed.h (PROTOCOL 8.10). */
#include "net/directed.h"

#include "crdt/hlc.h"
#include "crdt/id.h"
#include "crdt/limits.h"
#include "crdt/mp.h"

#define DIRECTED_DEPTH   (LIMIT_MSGPACK_DEPTH + 1u) /* what crdt_mp_skip walks */
#define DIRECTED_OBJECTS 4096u

/* The value of a key of the map `map`, exact bytes; empty when absent. `map` has been scanned; what
 * is no map has no keys. The first of equal keys counts (PROTOCOL 1.4). */
static struct cht_bytes lookup(struct cht_bytes map, const char *key)
{
    struct cht_wire w = cht_wire(map);
    struct crdt_mp head = crdt_mp_next(&w);
    if (head.kind != CRDT_MP_MAP)
        return cht_bytes(NULL, 0);
    for (uint64_t i = 0; i < head.u; i++) {
        struct cht_bytes name = crdt_mp_skip(&w);
        struct cht_bytes value = crdt_mp_skip(&w);
        if (w.err != CHT_OK)
            break;
        struct crdt_mp n = crdt_mp_peek(name);
        if (n.kind == CRDT_MP_STR && cht_bytes_eq(n.data, cht_bytes_str(key)))
            return value;
    }
    return cht_bytes(NULL, 0);
}

/* The string at `key`; empty when absent or no string. */
static struct cht_bytes lookup_str(struct cht_bytes map, const char *key)
{
    struct cht_bytes value = map.len == 0 ? map : lookup(map, key);
    struct crdt_mp v = { .kind = CRDT_MP_NIL };
    if (value.len != 0)
        v = crdt_mp_peek(value);
    return v.kind == CRDT_MP_STR ? v.data : cht_bytes(NULL, 0);
}

static bool lookup_uint(struct cht_bytes map, const char *key, uint64_t *out)
{
    struct cht_bytes value = map.len == 0 ? map : lookup(map, key);
    struct crdt_mp v = { .kind = CRDT_MP_NIL };
    if (value.len != 0)
        v = crdt_mp_peek(value);
    if (v.kind != CRDT_MP_UINT)
        return false;
    *out = v.u;
    return true;
}

static enum cht_err read_type(struct cht_bytes word, enum net_directed_type *out)
{
    if (cht_bytes_eq(word, cht_bytes_str("event")))
        *out = NET_DIRECTED_EVENT;
    else if (cht_bytes_eq(word, cht_bytes_str("command")))
        *out = NET_DIRECTED_COMMAND;
    else if (cht_bytes_eq(word, cht_bytes_str("query")))
        *out = NET_DIRECTED_QUERY;
    else
        return word.len == 0 ? CHT_E_MALFORMED : CHT_E_UNSUPPORTED;
    return CHT_OK;
}

static bool is_broadcast(struct cht_bytes target)
{
    struct cht_bytes value = target.len == 0 ? target : lookup(target, "broadcast");
    if (value.len == 0)
        return false;
    struct crdt_mp v = crdt_mp_peek(value);
    return v.kind == CRDT_MP_BOOL && v.u == 1;
}

/* Do the hex digits of `device` stand in target.nodeIds? */
static bool is_named(struct cht_bytes target, const uint8_t device[CRDT_ID_BYTES])
{
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(device, CRDT_ID_BYTES), hex);
    struct cht_wire w = cht_wire(target.len == 0 ? target : lookup(target, "nodeIds"));
    if (cht_wire_left(&w) == 0)
        return false;
    struct crdt_mp list = crdt_mp_next(&w);
    if (list.kind != CRDT_MP_ARRAY)
        return false;
    for (uint64_t i = 0; i < list.u && w.err == CHT_OK; i++) {
        struct cht_bytes item = crdt_mp_skip(&w);
        struct crdt_mp v = { .kind = CRDT_MP_NIL };
        if (item.len != 0)
            v = crdt_mp_peek(item);
        if (v.kind == CRDT_MP_STR && cht_bytes_eq(v.data, cht_bytes_str(hex)))
            return true;
    }
    return false;
}

/* Is "domain.operation" one of `commands`? */
static bool is_allowed(struct cht_bytes domain, struct cht_bytes operation,
                       const char *const *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cht_bytes c = cht_bytes_str(commands[i]);
        if (c.len == domain.len + 1 + operation.len && c.data[domain.len] == '.' &&
            cht_bytes_eq(cht_bytes(c.data, domain.len), domain) &&
            cht_bytes_eq(cht_bytes(c.data + domain.len + 1, operation.len), operation))
            return true;
    }
    return false;
}

enum cht_err net_directed_read(struct cht_bytes map, const uint8_t device[CRDT_ID_BYTES],
                               const char *const *commands, size_t command_count, uint64_t wall_ms,
                               struct net_directed *out)
{
    if (map.len > LIMIT_MESSAGE_BYTES)
        return CHT_E_LIMIT;
    enum cht_err err = crdt_mp_scan(map, DIRECTED_DEPTH, DIRECTED_OBJECTS);
    if (err != CHT_OK)
        return err;
    if (crdt_mp_peek(map).kind != CRDT_MP_MAP)
        return CHT_E_MALFORMED;
    struct net_directed m = { .map = map };
    err = read_type(lookup_str(map, "type"), &m.type);
    if (err != CHT_OK)
        return err;

    struct cht_bytes metadata = lookup(map, "metadata"), target = lookup(map, "target");
    uint64_t sent_ms = 0, ttl_s = 0;
    if (!lookup_uint(metadata, "timestamp", &sent_ms) || !lookup_uint(metadata, "ttl", &ttl_s) ||
        sent_ms > CRDT_HLC_MS_MAX)
        return CHT_E_MALFORMED;
    if (ttl_s == 0 || ttl_s > LIMIT_MESSAGE_TTL_S)
        return CHT_E_LIMIT;
    m.expires_ms = sent_ms + ttl_s * 1000u;
    m.broadcast = is_broadcast(target);
    if (!m.broadcast && !is_named(target, device))
        return CHT_E_NOTFOUND;
    if (m.expires_ms + CRDT_HLC_DRIFT_MS_MAX < wall_ms)
        return CHT_E_EXPIRED;

    struct cht_bytes payload = lookup(map, "payload");
    m.id = lookup_str(map, "id");
    m.domain = lookup_str(payload, "domain");
    m.operation = lookup_str(payload, "operation");
    if (m.type == NET_DIRECTED_COMMAND &&
        !is_allowed(m.domain, m.operation, commands, command_count))
        return CHT_E_DENIED;
    *out = m;
    return CHT_OK;
}
