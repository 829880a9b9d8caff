/* Announcements on the local network; see beacon.h (PROTOCOL 11.1 to 11.5). */
#include "net/beacon.h"

#include "crdt/base/wire.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define STRING_MAX     255u /* of a TXT record */
#define TAGS_A_STRING  31u
#define TAG_STRINGS    3u /* t0, t1, t2 */
#define VERSION_STRING "v=1"

static_assert(TAGS_A_STRING * TAG_STRINGS >= NET_BEACON_TAGS, "all tags have a place");
static_assert(3 + TAGS_A_STRING * NET_BEACON_TAG_BYTES <= STRING_MAX, "tags fit their string");
static_assert(NET_BEACON_TAGS % NET_BEACON_PAD == 0, "padding never passes the limit");

/* --- the TXT record (PROTOCOL 11.2) ---------------------------------------------------------- */

static enum cht_err put_string(struct cht_buf *out, const char *key, struct cht_bytes value)
{
    struct cht_bytes head = cht_bytes_str(key);
    assert(head.len + value.len <= STRING_MAX);
    enum cht_err err = cht_buf_add_u8(out, (uint8_t)(head.len + value.len));
    if (err == CHT_OK)
        err = cht_buf_add(out, head);
    return err == CHT_OK ? cht_buf_add(out, value) : err;
}

enum cht_err net_beacon_put(const struct net_beacon *beacon, struct cht_buf *out)
{
    assert((beacon->tag_count == 0) != (beacon->selector_len == 0));
    assert(beacon->tag_count <= NET_BEACON_TAGS);
    assert(beacon->selector_len <= NET_BEACON_SELECTOR_BYTES);
    enum cht_err err = put_string(out, VERSION_STRING, cht_bytes(NULL, 0));
    if (err == CHT_OK && beacon->selector_len != 0)
        err = put_string(out, "s=", cht_bytes(beacon->selector, beacon->selector_len));
    char key[] = "t0=";
    for (size_t i = 0; err == CHT_OK && i < beacon->tag_count; i += TAGS_A_STRING, key[1]++) {
        size_t left = beacon->tag_count - i;
        size_t count = left < TAGS_A_STRING ? left : TAGS_A_STRING;
        err = put_string(out, key, cht_bytes(beacon->tags[i], count * NET_BEACON_TAG_BYTES));
    }
    return err;
}

/* What was read of a record so far. */
struct reading {
    struct net_beacon *beacon;
    bool version, strings[TAG_STRINGS], selector;
};

static enum cht_err read_tags(struct reading *r, unsigned which, struct cht_bytes value)
{
    struct net_beacon *b = r->beacon;
    size_t count = value.len / NET_BEACON_TAG_BYTES;
    if (r->strings[which] || count == 0 || value.len % NET_BEACON_TAG_BYTES != 0 ||
        count > NET_BEACON_TAGS - b->tag_count)
        return CHT_E_MALFORMED;
    r->strings[which] = true;
    memcpy(b->tags[b->tag_count], value.data, value.len);
    b->tag_count += count;
    return CHT_OK;
}

static enum cht_err read_string(struct reading *r, struct cht_bytes s)
{
    if (s.len >= 2 && memcmp(s.data, "v=", 2) == 0) {
        if (r->version)
            return CHT_E_MALFORMED;
        r->version = true;
        return cht_bytes_eq(s, cht_bytes_str(VERSION_STRING)) ? CHT_OK : CHT_E_UNSUPPORTED;
    }
    if (s.len >= 3 && s.data[0] == 't' && s.data[1] >= '0' && s.data[1] < '0' + (int)TAG_STRINGS &&
        s.data[2] == '=')
        return read_tags(r, s.data[1] - (unsigned)'0', cht_bytes(s.data + 3, s.len - 3));
    if (s.len >= 2 && memcmp(s.data, "s=", 2) == 0) {
        if (r->selector || s.len == 2 || s.len - 2 > NET_BEACON_SELECTOR_BYTES)
            return CHT_E_MALFORMED;
        r->selector = true;
        r->beacon->selector_len = s.len - 2;
        memcpy(r->beacon->selector, s.data + 2, s.len - 2);
    }
    return CHT_OK; /* what is unknown is for later versions */
}

enum cht_err net_beacon_read(struct cht_bytes txt, struct net_beacon *out)
{
    struct net_beacon beacon = { 0 };
    struct reading r = { .beacon = &beacon };
    struct cht_wire w = cht_wire(txt);
    enum cht_err err = txt.len > LIMIT_BEACON_BYTES ? CHT_E_LIMIT : CHT_OK;
    while (err == CHT_OK && cht_wire_left(&w) != 0) {
        struct cht_bytes string = cht_wire_take(&w, cht_wire_u8(&w));
        err = w.err == CHT_OK ? read_string(&r, string) : w.err;
    }
    if (err == CHT_OK && (!r.version || (beacon.tag_count == 0) == (beacon.selector_len == 0)))
        err = CHT_E_MALFORMED;
    if (err == CHT_OK)
        *out = beacon;
    return err;
}

bool net_beacon_is_name(struct cht_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        bool digit = name.data[i] >= '0' && name.data[i] <= '9';
        if (!digit && (name.data[i] < 'a' || name.data[i] > 'f'))
            return false;
    }
    return name.len == NET_BEACON_NAME_BYTES;
}

/* --- tags (PROTOCOL 11.3, 11.4) -------------------------------------------------------------- */

enum cht_err net_beacon_key(const struct net_identity *own,
                            const uint8_t space[static CRDT_ID_BYTES],
                            const uint8_t peer[static CRDT_ID_BYTES],
                            const uint8_t peer_pk[static NET_TRANSPORT_BYTES],
                            struct net_beacon_key *out)
{
    static const char prefix[] = "chitty-beacon-key-1";
    const uint8_t *own_pk = own->cert.transport_pk;
    uint8_t shared[crypto_scalarmult_BYTES];
    if (crypto_scalarmult(shared, own->transport_sk, peer_pk) != 0)
        return CHT_E_INVALID;
    bool first = memcmp(own_pk, peer_pk, NET_TRANSPORT_BYTES) < 0;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof out->key);
    crypto_generichash_update(&state, (const uint8_t *)prefix, sizeof prefix - 1);
    crypto_generichash_update(&state, space, CRDT_ID_BYTES);
    crypto_generichash_update(&state, first ? own_pk : peer_pk, NET_TRANSPORT_BYTES);
    crypto_generichash_update(&state, first ? peer_pk : own_pk, NET_TRANSPORT_BYTES);
    crypto_generichash_update(&state, shared, sizeof shared);
    crypto_generichash_final(&state, out->key, sizeof out->key);
    memcpy(out->device, peer, CRDT_ID_BYTES);
    sodium_memzero(shared, sizeof shared);
    sodium_memzero(&state, sizeof state);
    return CHT_OK;
}

void net_beacon_tag(const uint8_t key[static NET_BEACON_KEY_BYTES],
                    const uint8_t announcer[static CRDT_ID_BYTES], uint64_t hour,
                    struct cht_bytes name, uint8_t out[static NET_BEACON_TAG_BYTES])
{
    static const char prefix[] = "chitty-beacon-tag-1";
    uint8_t hours[8], whole[CRDT_HASH_BYTES];
    crypto_generichash_state state;
    cht_put_u64(hours, hour);
    crypto_generichash_init(&state, key, NET_BEACON_KEY_BYTES, sizeof whole);
    crypto_generichash_update(&state, (const uint8_t *)prefix, sizeof prefix - 1);
    crypto_generichash_update(&state, announcer, CRDT_ID_BYTES);
    crypto_generichash_update(&state, hours, sizeof hours);
    crypto_generichash_update(&state, name.data, name.len);
    crypto_generichash_final(&state, whole, sizeof whole);
    memcpy(out, whole, NET_BEACON_TAG_BYTES);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, NET_BEACON_TAG_BYTES);
}

void net_beacon_tags(const struct net_beacon_key *keys, size_t count,
                     const uint8_t own[static CRDT_ID_BYTES], uint64_t hour, struct cht_bytes name,
                     const uint8_t noise[static NET_BEACON_PAD * NET_BEACON_TAG_BYTES],
                     struct net_beacon *out)
{
    *out = (struct net_beacon){ .tag_count = 0 };
    for (size_t i = 0; i < count && i < NET_BEACON_TAGS; i++)
        net_beacon_tag(keys[i].key, own, hour, name, out->tags[out->tag_count++]);
    for (size_t i = 0; out->tag_count % NET_BEACON_PAD != 0; i++)
        memcpy(out->tags[out->tag_count++], noise + i * NET_BEACON_TAG_BYTES, NET_BEACON_TAG_BYTES);
    /* in an order that tells neither the order of the members nor which of them are noise */
    qsort(out->tags, out->tag_count, sizeof out->tags[0], by_bytes);
}

static bool has_tag(const struct net_beacon *beacon, const uint8_t *tag)
{
    for (size_t i = 0; i < beacon->tag_count; i++) {
        if (memcmp(beacon->tags[i], tag, NET_BEACON_TAG_BYTES) == 0)
            return true;
    }
    return false;
}

const struct net_beacon_key *net_beacon_whose(const struct net_beacon *beacon,
                                              struct cht_bytes name,
                                              const struct net_beacon_key *keys, size_t count,
                                              uint64_t hour)
{
    const uint64_t hours[] = { hour, hour - 1, hour + 1 };
    for (size_t i = 0; i < count; i++) {
        for (size_t h = 0; h < sizeof hours / sizeof hours[0]; h++) {
            uint8_t tag[NET_BEACON_TAG_BYTES];
            net_beacon_tag(keys[i].key, keys[i].device, hours[h], name, tag);
            if (has_tag(beacon, tag))
                return &keys[i];
        }
    }
    return NULL;
}
