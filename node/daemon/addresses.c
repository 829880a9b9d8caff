/* Where this node can be reached; see own.h. */
#include "node/daemon/own.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* Of what kind an interface's address is; those of a kind are worth the same to others. */
enum worth { WORTH_IPV4, WORTH_IPV6, WORTH_LINK, WORTH_LOOPBACK, WORTH_NOTHING };

static enum worth worth_of(const struct ifaddrs *i)
{
    if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0)
        return WORTH_NOTHING;
    const bool loopback = (i->ifa_flags & IFF_LOOPBACK) != 0;
    if (i->ifa_addr->sa_family == AF_INET)
        return loopback ? WORTH_LOOPBACK : WORTH_IPV4;
    if (i->ifa_addr->sa_family != AF_INET6 || loopback)
        return WORTH_NOTHING;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
    return IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) ? WORTH_LINK : WORTH_IPV6;
}

/* The numeric addresses of this machine's interfaces: those of IPv4, else of IPv6 (`six`), else,
 * where there is no network at all, the loopback. Those of a link say nothing without an
 * interface of the other machine, which finds them by itself. */
static size_t host_addresses(bool six, struct net_host *out, size_t max)
{
    struct ifaddrs *list;
    size_t count = 0;
    bool networked = false;
    if (getifaddrs(&list) != 0)
        return 0;
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
        networked |= worth_of(i) <= (six ? WORTH_LINK : WORTH_IPV4);
    for (enum worth worth = WORTH_IPV4; worth <= WORTH_LOOPBACK && count == 0; worth++) {
        if (worth == WORTH_LINK || (worth == WORTH_IPV6 && !six) ||
            (worth == WORTH_LOOPBACK && networked))
            continue;
        for (const struct ifaddrs *i = list; i != NULL && count < max; i = i->ifa_next) {
            char text[NI_MAXHOST];
            const socklen_t len =
                worth == WORTH_IPV6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
            if (worth_of(i) == worth &&
                getnameinfo(i->ifa_addr, len, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0 &&
                net_host_set(&out[count], cht_bytes_str(text)) == CHT_OK)
                count++;
        }
    }
    freeifaddrs(list);
    return count;
}

static bool read_port(struct cht_bytes text, uint16_t *out)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.len && port <= UINT16_MAX; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    *out = (uint16_t)port;
    return port != 0 && port <= UINT16_MAX;
}

enum cht_err daemon_split_address(struct cht_bytes text, struct net_host *out_host,
                                  uint16_t *out_port)
{
    static const char scheme[] = "tcp://";
    const size_t skip = sizeof scheme - 1;
    if (text.len >= skip && memcmp(text.data, scheme, skip) == 0)
        text = cht_bytes(text.data + skip, text.len - skip);
    struct cht_bytes host = text, port = { 0 };
    const uint8_t *colon = text.len == 0 ? NULL : memrchr(text.data, ':', text.len);
    bool bracketed = text.len != 0 && text.data[0] == '[';
    if (bracketed) {
        const uint8_t *end = memchr(text.data, ']', text.len);
        if (end == NULL || (end + 1 != text.data + text.len && end + 1 != colon))
            return CHT_E_INVALID;
        host = cht_bytes(text.data + 1, (size_t)(end - text.data) - 1);
        if (colon != NULL && colon < end)
            colon = NULL;
    } else if (colon != NULL && memchr(text.data, ':', text.len) != colon) {
        colon = NULL; /* several: an IPv6 address without a port */
    } else if (colon != NULL) {
        host = cht_bytes(text.data, (size_t)(colon - text.data));
    }
    if (colon != NULL)
        port = cht_bytes(colon + 1, text.len - (size_t)(colon + 1 - text.data));
    uint16_t number = 0;
    if (colon != NULL && !read_port(port, &number))
        return CHT_E_INVALID;
    enum cht_err err = net_host_set(out_host, host);
    if (err == CHT_OK)
        *out_port = number;
    return err;
}

void daemon_join_address(const struct net_host *host, uint16_t port,
                         char out[static LIMIT_ADDRESS_BYTES])
{
    bool colons = memchr(host->text, ':', host->len) != NULL;
    (void)snprintf(out, LIMIT_ADDRESS_BYTES, "%s%.*s%s:%u", colons ? "[" : "", host->len,
                   host->text, colons ? "]" : "", port);
}

/* The hosts behind one endpoint: itself, or for any-address all of this machine. */
static size_t hosts_of(const char *endpoint, struct net_host *out, size_t max, uint16_t *out_port)
{
    const char *colon = strrchr(endpoint, ':');
    const char *any[] = { "tcp://0.0.0.0:", "tcp://[::]:", "tcp://*:" };
    bool all = false;
    for (size_t i = 0; i < sizeof any / sizeof any[0]; i++)
        all |= strncmp(endpoint, any[i], strlen(any[i])) == 0;
    if (max == 0 || colon == NULL)
        return 0;
    if (!all)
        return daemon_split_address(cht_bytes_str(endpoint), out, out_port) == CHT_OK ? 1 : 0;
    const bool six = strncmp(endpoint, any[0], strlen(any[0])) != 0;
    return read_port(cht_bytes_str(colon + 1), out_port) ? host_addresses(six, out, max) : 0;
}

size_t daemon_own_hosts(const struct node_daemon *d, struct net_host *out, size_t max,
                        uint16_t *out_port)
{
    const char *endpoint = net_transport_endpoint(d->transport, 0);
    *out_port = 0;
    return endpoint == NULL ? 0 : hosts_of(endpoint, out, max, out_port);
}

size_t daemon_own_addresses(const struct node_daemon *d, char out[][LIMIT_ADDRESS_BYTES],
                            size_t max)
{
    struct net_host hosts[NET_TICKET_HOSTS];
    size_t count = 0;
    const char *endpoint;
    for (size_t i = 0; (endpoint = net_transport_endpoint(d->transport, i)) != NULL; i++) {
        uint16_t port = 0;
        size_t n = hosts_of(endpoint, hosts, NET_TICKET_HOSTS, &port);
        for (size_t k = 0; k < n && count < max; k++) {
            char address[LIMIT_ADDRESS_BYTES];
            daemon_join_address(&hosts[k], port, address);
            (void)snprintf(out[count++], LIMIT_ADDRESS_BYTES, "tcp://%.120s", address);
        }
    }
    return count;
}

/* --- the networks of this machine ----------------------------------------------------------- */

/* The bytes of an interface's address and of its mask; 0: neither IPv4 nor IPv6. */
static size_t address_bytes(const struct sockaddr *a, const uint8_t **out)
{
    if (a != NULL && a->sa_family == AF_INET) {
        *out = (const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;
        return sizeof(struct in_addr);
    }
    if (a != NULL && a->sa_family == AF_INET6) {
        *out = (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
        return sizeof(struct in6_addr);
    }
    return 0;
}

static bool same_network(const struct ifaddrs *i, const uint8_t *address, size_t len)
{
    const uint8_t *own, *mask;
    bool same = address_bytes(i->ifa_addr, &own) == len &&
                address_bytes(i->ifa_netmask, &mask) == len && (i->ifa_flags & IFF_UP) != 0;
    for (size_t k = 0; same && k < len; k++)
        same = (own[k] & mask[k]) == (address[k] & mask[k]);
    return same;
}

bool daemon_on_link(const struct net_host *host)
{
    char text[NET_HOST_BYTES + 1];
    uint8_t address[sizeof(struct in6_addr)];
    struct ifaddrs *list;
    (void)snprintf(text, sizeof text, "%.*s", (int)host->len, host->text);
    text[strcspn(text, "%")] = '\0';
    size_t len = inet_pton(AF_INET, text, address) == 1    ? sizeof(struct in_addr)
                 : inet_pton(AF_INET6, text, address) == 1 ? sizeof(struct in6_addr)
                                                           : 0;
    bool found = false;
    if (len == 0 || getifaddrs(&list) != 0)
        return false;
    for (const struct ifaddrs *i = list; i != NULL && !found; i = i->ifa_next)
        found = same_network(i, address, len);
    freeifaddrs(list);
    return found;
}

uint64_t daemon_networks(void)
{
    struct ifaddrs *list;
    uint64_t sum = 0;
    if (getifaddrs(&list) != 0)
        return 0;
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        const uint8_t *address = NULL;
        size_t len = address_bytes(i->ifa_addr, &address);
        if ((i->ifa_flags & IFF_LOOPBACK) != 0 || (i->ifa_flags & IFF_RUNNING) == 0 || len == 0)
            continue;
        uint8_t hash[CRDT_ID_BYTES];
        crdt_id_of(i->ifa_name, cht_bytes(address, len), hash);
        sum += cht_get_u64(hash);
    }
    freeifaddrs(list);
    return sum;
}
