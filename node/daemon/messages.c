/* Directed messages between nodes (PROTOCOL 8.10): the envelope, and who they are for; see own.h.
 * Claims are what is spoken of so (PROTOCOL 13.5, 13.6). */
#include "node/daemon/own.h"

#include "node/client/message.h"
#include "node/service/claims.h"

#include <stdio.h>

#define MESSAGE_TTL_S 10u

const char *const daemon_commands[DAEMON_COMMANDS] = { NET_CLAIMS_DOMAIN "." NET_CLAIMS_ASK };

void daemon_message_heard(struct node_daemon *d, struct daemon_link *l,
                          const struct net_directed *message)
{
    if (!cht_bytes_eq(message->domain, cht_bytes_str(NET_CLAIMS_DOMAIN)))
        return; /* a later build's, which goes on without this node (as PROTOCOL 13.9) */
    enum cht_err err = service_claims_heard(d->service, l->device, message->operation,
                                            node_mp_get(message->map, "payload"));
    if (err == CHT_E_DENIED)
        daemon_link_refuse(d, l, NET_REFUSAL_RIGHTS, 1);
    else if (err == CHT_E_MALFORMED)
        daemon_link_refuse(d, l, NET_REFUSAL_MALFORMED, 1);
}

/* Names of the receivers: an array of one device, or an empty one. */
static enum cht_err put_receiver(const uint8_t *device, struct cht_buf *out)
{
    char hex[2 * CRDT_ID_BYTES + 1];
    enum cht_err err = crdt_mp_put_array(out, device != NULL);
    if (err != CHT_OK || device == NULL)
        return err;
    crdt_hex(cht_bytes(device, CRDT_ID_BYTES), hex);
    return node_mp_put_text(out, hex);
}

static enum cht_err put_message(struct node_daemon *d, const uint8_t *device, bool command,
                                struct cht_bytes payload, struct cht_buf *out)
{
    char hex[2 * CRDT_ID_BYTES + 1], id[24];
    struct cht_buf receiver;
    cht_buf_init(&receiver, 64);
    enum cht_err err = put_receiver(device, &receiver);
    crdt_hex(cht_bytes(d->home.identity->device, CRDT_ID_BYTES), hex);
    (void)snprintf(id, sizeof id, "m/%llu", (unsigned long long)++d->messages);
    const struct node_msg m = { .type = command ? NODE_MSG_COMMAND : NODE_MSG_EVENT,
                                .id = cht_bytes_str(id),
                                .node_id = cht_bytes_str(hex),
                                .platform = cht_bytes_str("node"),
                                .broadcast = device == NULL,
                                .node_ids = cht_buf_view(&receiver),
                                .timestamp_ms = d->wall_ms,
                                .ttl_s = MESSAGE_TTL_S,
                                .payload = payload };
    if (err == CHT_OK)
        err = node_msg_write(out, &m);
    cht_buf_clear(&receiver);
    return err;
}

static bool can_hear(const struct daemon_link *l, const uint8_t *device)
{
    return l->up && !l->over && !l->down && !l->farewell && net_session_live(l->session) &&
           (device == NULL || memcmp(l->device, device, CRDT_ID_BYTES) == 0);
}

bool daemon_message_reaches(void *ctx, const uint8_t *device)
{
    const struct node_daemon *d = ctx;
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next) {
        if (can_hear(l, device))
            return true;
    }
    return false;
}

enum cht_err daemon_message_send(void *ctx, const uint8_t *device, bool command,
                                 struct cht_bytes payload)
{
    struct node_daemon *d = ctx;
    struct cht_buf message;
    struct cht_bytes bytes;
    bool sent = false;
    if (!daemon_message_reaches(ctx, device))
        return CHT_E_UNREACHABLE;
    cht_buf_init(&message, LIMIT_MESSAGE_BYTES);
    enum cht_err err = put_message(d, device, command, payload, &message);
    if (err == CHT_OK) /* the frame borrows from it until the turn ends */
        err = cht_arena_copy(&d->arena, cht_buf_view(&message), &bytes);
    cht_buf_clear(&message);
    for (struct daemon_link *l = d->links; err == CHT_OK && l != NULL; l = l->next) {
        if (!can_hear(l, device) || (device != NULL && sent))
            continue;
        const struct net_event ev = {
            .kind = NET_EV_MESSAGE, .now_ms = d->now_ms, .wall_ms = d->wall_ms, .bytes = bytes
        };
        daemon_link_step(d, l, &ev);
        sent = true;
    }
    return err;
}
