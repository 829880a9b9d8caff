/* Announcements as strangers on the network send them: what is read is written and read again the
 * same, and tags are found by whom they are for (PROTOCOL 11.2, 11.4). */
/* covers: net/beacon.c */
#include "net/beacon.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void write_again(const struct net_beacon *beacon)
{
    struct net_beacon back;
    struct cht_buf out = { .limit = LIMIT_BEACON_BYTES };
    must(net_beacon_put(beacon, &out) == CHT_OK);
    must(net_beacon_read(cht_buf_view(&out), &back) == CHT_OK);
    must(memcmp(beacon, &back, sizeof back) == 0);
    cht_buf_clear(&out);
}

/* A device whose keys come from the input announces to another and is recognised by it. */
static void recognise(const struct net_beacon *read)
{
    static const uint8_t noise[NET_BEACON_PAD * NET_BEACON_TAG_BYTES] = { 7 }, space[16] = { 5 };
    struct cht_bytes name = cht_bytes(read->tags[0], NET_BEACON_TAG_BYTES);
    struct net_seeds seeds[2] = { 0 };
    struct net_identity id[2];
    struct net_beacon_key keys[2];
    struct net_beacon announced;
    memcpy(seeds[0].transport, read->tags, sizeof seeds[0].transport);
    seeds[1].transport[0] = 1;
    for (size_t i = 0; i < 2; i++)
        net_identity_make(&id[i], &seeds[i], 1, crdt_hlc_make(1, 0));
    for (size_t i = 0; i < 2; i++)
        must(net_beacon_key(&id[i], space, id[1 - i].device, id[1 - i].cert.transport_pk,
                            &keys[i]) == CHT_OK);
    must(memcmp(keys[0].key, keys[1].key, sizeof keys[0].key) == 0);
    net_beacon_tags(&keys[0], 1, id[0].device, 100, name, noise, &announced);
    must(net_beacon_whose(&announced, name, &keys[1], 1, 99) == &keys[1]);
    must(net_beacon_whose(&announced, name, &keys[1], 1, 102) == NULL);
    (void)net_beacon_whose(read, name, keys, 2, 100); /* whose keys the input can know */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct net_beacon beacon;
    enum cht_err err = net_beacon_read(cht_bytes(data, len), &beacon);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_UNSUPPORTED || err == CHT_E_LIMIT);
    (void)net_beacon_is_name(cht_bytes(data, len));
    if (err != CHT_OK)
        return 0;
    write_again(&beacon);
    if (beacon.tag_count >= NET_BEACON_TAG_BYTES / 2)
        recognise(&beacon);
    return 0;
}
