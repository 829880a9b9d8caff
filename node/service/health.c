/* The command `health`: what only a replica in use can tell of itself (LOCAL 6.3). It is told as
 * facts; node/doctor judges them. */
#include "node/service/own.h"

#define WAITS_MAX 64u /* chains told; more of them help nobody */

static enum cht_err put_device(const char *key, const uint8_t *device, struct cht_buf *out)
{
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(device, CRDT_ID_BYTES), hex);
    return node_mp_put_key_text(out, key, hex);
}

/* Every device that some record admits, this one too. */
static enum cht_err put_devices(struct node_service *s, struct cht_buf *out)
{
    const struct net_members *m = node_replica_members(s->replica);
    const uint32_t count = net_members_device_count(m);
    enum cht_err err = node_mp_put_text(out, "devices");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        const struct net_device *device = net_members_device_at(m, i);
        err = crdt_mp_put_map(out, 3);
        if (err == CHT_OK)
            err = put_device("device", device->id, out);
        if (err == CHT_OK)
            err = node_mp_put_key_str(out, "name", cht_bytes(device->name, device->name_len));
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "role", device->role);
    }
    return err;
}

static enum cht_err put_wait(struct node_service *s, const struct node_wait *w, struct cht_buf *out)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    const bool entry = !w->for_build && w->dep.seq != 0;
    enum cht_err err = crdt_mp_put_map(out, entry ? 6 : 4);
    if (err == CHT_OK)
        err = put_device("device", crdt_graph_device_id(g, w->next.chain), out);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "seq", w->next.seq);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "count", w->count);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "for", w->for_build ? "build" : entry ? "entry" : "branch");
    if (err == CHT_OK && entry)
        err = put_device("ofDevice", w->dep.device, out);
    if (err == CHT_OK && entry)
        err = node_mp_put_key_uint(out, "ofSeq", w->dep.seq);
    return err;
}

static enum cht_err put_waits(struct node_service *s, struct cht_buf *out)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    struct node_wait wait;
    uint32_t count = 0;
    for (uint32_t c = 0; c < g->chain_count; c++)
        count += node_replica_wait(s->replica, c, &wait) ? 1 : 0;
    count = count > WAITS_MAX ? WAITS_MAX : count;
    enum cht_err err = node_mp_put_text(out, "waits");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (uint32_t c = 0; err == CHT_OK && count != 0 && c < g->chain_count; c++) {
        if (!node_replica_wait(s->replica, c, &wait))
            continue;
        err = put_wait(s, &wait, out);
        count--;
    }
    return err;
}

static enum cht_err put_health(struct node_service *s, struct cht_buf *out)
{
    const bool running = s->net.strangers != NULL;
    enum cht_err err = crdt_mp_put_map(out, (running ? 5u : 4u) + (s->blobs != NULL));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "database", s->path);
    if (err == CHT_OK && running)
        err = node_mp_put_text(out, "strangers");
    if (err == CHT_OK && running)
        err = s->net.strangers(s->net.ctx, out);
    if (err == CHT_OK)
        err = put_devices(s, out);
    if (err == CHT_OK)
        err = put_waits(s, out);
    if (err == CHT_OK)
        err = node_mp_put_text(out, s->blobs != NULL ? "blobs" : "status");
    if (err == CHT_OK && s->blobs != NULL)
        err = service_put_blobs(s, false, out);
    if (err == CHT_OK && s->blobs != NULL)
        err = node_mp_put_text(out, "status");
    return err == CHT_OK ? service_put_status(s, out) : err;
}

void service_health(struct node_service *s, const struct service_caller *c)
{
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    enum cht_err err = put_health(s, &result);
    service_send_built(s, c, err, &result);
    cht_buf_clear(&result);
}
