/* The helper's life: messages of the node, and the avahi client; see own.h.
 *
 * libavahi-client does not come back by itself: without D-Bus no client can be made, and a client
 * whose daemon ended has failed for good. So it is freed and made anew, at once when it failed and
 * after a growing pause where there is no D-Bus. With D-Bus but no daemon the new client waits, and
 * D-Bus wakes it: an idle helper has no timer. */
#include "net/io/discover/helper.h"

#include "net/io/discover/own.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#define RETRY_FIRST_MS 200u
#define RETRY_MAX_MS   120000u

/* --- to the node ----------------------------------------------------------------------------- */

void helper_tell(struct helper *h, const struct net_lookout *m)
{
    struct cht_buf packet;
    cht_buf_init(&packet, NET_LOOKOUT_BYTES);
    if (net_lookout_put(m, &packet) != CHT_OK ||
        send(NET_LOOKOUT_FD, packet.data, packet.len, MSG_NOSIGNAL) < 0)
        avahi_simple_poll_quit(h->loop);
    cht_buf_clear(&packet);
}

void helper_tell_state(struct helper *h, enum net_lookout_state state)
{
    if (state == h->state && h->dropped == h->dropped_told)
        return;
    h->state = state;
    h->dropped_told = h->dropped;
    helper_tell(h, &(struct net_lookout){
                       .kind = NET_LOOKOUT_STATE, .state = state, .dropped = h->dropped });
}

AvahiTimeout *helper_timer(struct helper *h, unsigned ms, AvahiTimeoutCallback callback)
{
    struct timeval at;
    (void)gettimeofday(&at, NULL);
    at.tv_sec += (time_t)(ms / 1000u);
    at.tv_usec += (suseconds_t)(ms % 1000u) * 1000;
    if (at.tv_usec >= 1000000) {
        at.tv_usec -= 1000000;
        at.tv_sec++;
    }
    return h->poll->timeout_new(h->poll, &at, callback, h);
}

/* --- the client ------------------------------------------------------------------------------ */

static void connect_avahi(struct helper *h);

static void retry(AvahiTimeout *timeout, void *ctx)
{
    struct helper *h = ctx;
    h->poll->timeout_free(timeout);
    h->retry = NULL;
    connect_avahi(h);
}

/* The first time at once: the daemon may just have been restarted. */
static void retry_later(struct helper *h)
{
    unsigned ms = RETRY_FIRST_MS;
    if (h->retry != NULL)
        return;
    for (unsigned i = 0; i < h->tries && ms < RETRY_MAX_MS; i++)
        ms *= 2;
    h->tries++;
    ms = ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
    h->retry = helper_timer(h, ms, retry);
}

/* Also called from within avahi_client_new, before that has returned. */
static void client_changed(AvahiClient *client, AvahiClientState state, void *ctx)
{
    struct helper *h = ctx;
    h->client = client;
    h->running = state == AVAHI_CLIENT_S_RUNNING;
    switch (state) {
    case AVAHI_CLIENT_S_RUNNING:
        h->tries = 0;
        helper_tell_state(h, NET_LOOKOUT_RUNNING);
        helper_publish(h, NET_LOOKOUT_MEMBERS);
        helper_publish(h, NET_LOOKOUT_PAIRING);
        helper_browse(h);
        break;
    case AVAHI_CLIENT_S_REGISTERING:
    case AVAHI_CLIENT_S_COLLISION: /* the host's name changes: published again when it has one */
        for (int i = 0; i < NET_LOOKOUT_SLOTS; i++) {
            if (h->slots[i].group != NULL)
                (void)avahi_entry_group_reset(h->slots[i].group);
        }
        break;
    case AVAHI_CLIENT_CONNECTING:
        helper_tell_state(h, NET_LOOKOUT_NO_DAEMON);
        break;
    case AVAHI_CLIENT_FAILURE: /* freed by the retry, not inside its own callback */
        helper_tell_state(h, NET_LOOKOUT_NO_DAEMON);
        retry_later(h);
        break;
    }
}

static void connect_avahi(struct helper *h)
{
    int error = 0;
    if (h->client != NULL)
        avahi_client_free(h->client);
    h->client = NULL;
    h->running = false;
    helper_unpublished(h);
    helper_unbrowsed(h);
    AvahiClient *client =
        avahi_client_new(h->poll, AVAHI_CLIENT_NO_FAIL, client_changed, h, &error);
    h->client = client; /* on failure it was told in the callback and freed */
    if (client == NULL) {
        helper_tell_state(h, NET_LOOKOUT_NO_BUS);
        retry_later(h);
    }
}

/* --- from the node --------------------------------------------------------------------------- */

static void announce(struct helper *h, const struct net_lookout *m)
{
    struct slot *s = &h->slots[m->slot];
    s->on = true;
    s->port = m->port;
    s->txt_len = m->txt.len;
    memcpy(s->name, m->name.data, m->name.len);
    s->name[m->name.len] = '\0';
    if (m->txt.len != 0)
        memcpy(s->txt, m->txt.data, m->txt.len);
    helper_publish(h, m->slot);
}

static void take(struct helper *h, struct cht_bytes packet)
{
    struct net_lookout m;
    if (net_lookout_read(packet, &m) != CHT_OK) {
        avahi_simple_poll_quit(h->loop);
        return;
    }
    if (m.kind == NET_LOOKOUT_ANNOUNCE) {
        announce(h, &m);
    } else if (m.kind == NET_LOOKOUT_WITHDRAW) {
        h->slots[m.slot].on = false;
        helper_publish(h, m.slot);
    } else if (m.kind == NET_LOOKOUT_AGAIN) {
        helper_browse(h);
    }
}

static void node_speaks(AvahiWatch *watch, int fd, AvahiWatchEvent events, void *ctx)
{
    struct helper *h = ctx;
    uint8_t packet[NET_LOOKOUT_BYTES];
    (void)watch;
    (void)events;
    ssize_t got = recv(fd, packet, sizeof packet, MSG_DONTWAIT);
    if (got > 0)
        take(h, cht_bytes(packet, (size_t)got));
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        avahi_simple_poll_quit(h->loop); /* the node is gone */
}

static void confine(void)
{
    const struct rlimit none = { 0, 0 };
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGPIPE, SIG_IGN);
    /* a terminal's Ctrl-C is meant for the node, whose end ends us */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
}

int net_discover_main(void)
{
    struct helper *h = calloc(1, sizeof *h);
    AvahiWatch *watch = NULL;
    confine();
    if (h != NULL)
        h->loop = avahi_simple_poll_new();
    if (h != NULL && h->loop != NULL) {
        h->poll = avahi_simple_poll_get(h->loop);
        watch = h->poll->watch_new(h->poll, NET_LOOKOUT_FD, AVAHI_WATCH_IN, node_speaks, h);
    }
    if (watch != NULL) {
        connect_avahi(h);
        (void)avahi_simple_poll_loop(h->loop);
        if (h->client != NULL)
            avahi_client_free(h->client); /* withdraws what was announced */
        if (h->retry != NULL)
            h->poll->timeout_free(h->retry);
        if (h->pause != NULL)
            h->poll->timeout_free(h->pause);
        h->poll->watch_free(watch);
    }
    if (h != NULL && h->loop != NULL)
        avahi_simple_poll_free(h->loop);
    free(h);
    return watch != NULL ? 0 : 1;
}
