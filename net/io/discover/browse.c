/* Looking for other nodes; see own.h. Each service is resolved once, when it appears: a resolver
 * that stays open would go on asking the network. Where an address may have changed the node asks
 * to look anew. */
#include "net/io/discover/own.h"

#include <avahi-common/address.h>
#include <net/if.h>
#include <stdio.h>
#include <time.h>

static void drop(struct helper *h)
{
    h->dropped++;
    helper_tell_state(h, NET_LOOKOUT_RUNNING);
}

/* Numeric; with its zone where an address says nothing without. */
static bool host_of(const AvahiAddress *address, AvahiIfIndex interface, struct net_host *out)
{
    char text[AVAHI_ADDRESS_STR_MAX], zone[IF_NAMESIZE], whole[sizeof text + sizeof zone + 1];
    (void)avahi_address_snprint(text, sizeof text, address);
    bool local = address->proto == AVAHI_PROTO_INET6 && address->data.ipv6.address[0] == 0xfe &&
                 (address->data.ipv6.address[1] & 0xc0) == 0x80;
    if (local && (interface < 0 || if_indextoname((unsigned)interface, zone) == NULL))
        return false;
    (void)snprintf(whole, sizeof whole, "%s%s%s", text, local ? "%" : "", local ? zone : "");
    return net_host_set(out, cht_bytes_str(whole)) == CHT_OK;
}

static void resolve_next(struct helper *h);

static void give_up(struct resolving *r)
{
    (void)avahi_service_resolver_free(r->resolver);
    r->resolver = NULL;
}

static void resolved(AvahiServiceResolver *resolver, AvahiIfIndex interface, AvahiProtocol protocol,
                     AvahiResolverEvent event, const char *name, const char *type,
                     const char *domain, const char *host_name, const AvahiAddress *address,
                     uint16_t port, AvahiStringList *txt, AvahiLookupResultFlags flags, void *ctx)
{
    struct helper *h = ctx;
    uint8_t bytes[LIMIT_BEACON_BYTES];
    struct net_lookout m = { .kind = NET_LOOKOUT_FOUND, .port = port };
    (void)protocol, (void)type, (void)domain, (void)host_name, (void)flags;
    if (event == AVAHI_RESOLVER_FOUND) {
        size_t len = avahi_string_list_serialize(txt, NULL, 0);
        bool fits = len <= sizeof bytes && port != 0 && host_of(address, interface, &m.host);
        if (fits) {
            m.name = cht_bytes_str(name);
            m.txt = cht_bytes(bytes, avahi_string_list_serialize(txt, bytes, sizeof bytes));
            helper_tell(h, &m);
        } else {
            drop(h);
        }
    }
    for (unsigned i = 0; i < RESOLVING_MAX; i++) {
        if (h->resolving[i].resolver == resolver)
            give_up(&h->resolving[i]);
    }
    resolve_next(h);
}

static uint64_t now_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static bool spend_token(struct helper *h)
{
    uint64_t now = now_ms(), more = (now - h->tokens_ms) / TOKEN_MS;
    if (more != 0) {
        h->tokens = more > TOKENS_MAX - h->tokens ? TOKENS_MAX : h->tokens + (unsigned)more;
        h->tokens_ms = now;
    }
    if (h->tokens == 0)
        return false;
    h->tokens--;
    return true;
}

static void waited(AvahiTimeout *timeout, void *ctx)
{
    struct helper *h = ctx;
    h->poll->timeout_free(timeout);
    h->pause = NULL;
    resolve_next(h);
}

/* avahi waits five seconds for an answer: services that are announced and answer nothing would else
 * keep all others waiting. NULL: those that are asked have time yet. */
static struct resolving *room(struct helper *h)
{
    struct resolving *oldest = &h->resolving[0];
    for (unsigned i = 0; i < RESOLVING_MAX; i++) {
        struct resolving *r = &h->resolving[i];
        if (r->resolver == NULL)
            return r;
        if (r->since_ms < oldest->since_ms)
            oldest = r;
    }
    if (now_ms() - oldest->since_ms < RESOLVING_MS)
        return NULL;
    give_up(oldest);
    drop(h);
    return oldest;
}

static void resolve_next(struct helper *h)
{
    struct resolving *r;
    while (h->queue_count != 0 && (r = room(h)) != NULL && spend_token(h)) {
        const struct appeared *a = &h->queue[h->queue_first];
        h->queue_first = (h->queue_first + 1) % QUEUE_MAX;
        h->queue_count--;
        r->resolver = avahi_service_resolver_new(h->client, a->interface, a->protocol, a->name,
                                                 SERVICE_TYPE, SERVICE_DOMAIN, a->protocol,
                                                 (AvahiLookupFlags)0, resolved, h);
        r->since_ms = now_ms();
    }
    if (h->queue_count != 0 && h->pause == NULL)
        h->pause = helper_timer(h, PAUSE_MS, waited);
}

static void appeared(struct helper *h, AvahiIfIndex interface, AvahiProtocol protocol,
                     const char *name)
{
    if (h->queue_count == QUEUE_MAX) {
        drop(h);
        return;
    }
    struct appeared *a = &h->queue[(h->queue_first + h->queue_count++) % QUEUE_MAX];
    *a = (struct appeared){ .interface = interface, .protocol = protocol };
    memcpy(a->name, name, NET_BEACON_NAME_BYTES);
    resolve_next(h);
}

static void browsed(AvahiServiceBrowser *browser, AvahiIfIndex interface, AvahiProtocol protocol,
                    AvahiBrowserEvent event, const char *name, const char *type, const char *domain,
                    AvahiLookupResultFlags flags, void *ctx)
{
    struct helper *h = ctx;
    (void)browser, (void)type, (void)domain;
    if (name == NULL || !net_beacon_is_name(cht_bytes_str(name)))
        return; /* an event without a name, or one that is none of ours */
    if (event == AVAHI_BROWSER_NEW && (flags & AVAHI_LOOKUP_RESULT_OUR_OWN) == 0)
        appeared(h, interface, protocol, name);
    else if (event == AVAHI_BROWSER_REMOVE)
        helper_tell(h,
                    &(struct net_lookout){ .kind = NET_LOOKOUT_GONE, .name = cht_bytes_str(name) });
}

void helper_browse(struct helper *h)
{
    if (!h->running)
        return;
    if (h->browser != NULL)
        (void)avahi_service_browser_free(h->browser);
    h->queue_count = 0;
    h->browser =
        avahi_service_browser_new(h->client, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, SERVICE_TYPE,
                                  SERVICE_DOMAIN, (AvahiLookupFlags)0, browsed, h);
}

void helper_unbrowsed(struct helper *h)
{
    h->browser = NULL;
    h->queue_count = 0;
    memset(h->resolving, 0, sizeof h->resolving);
}
