/* Where this node can be reached; see own.h. */
#include "node/daemon/own.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* The numeric addresses of this machine's interfaces, loopback last and only when nothing else. */
static size_t host_addresses(char out[][NET_HOST_BYTES], size_t max)
{
    struct ifaddrs *list;
    size_t count = 0;
    if (getifaddrs(&list) != 0)
        return 0;
    for (int loopback = 0; loopback < 2 && count == 0; loopback++) {
        for (const struct ifaddrs *i = list; i != NULL && count < max; i = i->ifa_next) {
            if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
                (i->ifa_flags & IFF_UP) == 0 ||
                ((i->ifa_flags & IFF_LOOPBACK) != 0) != (loopback != 0))
                continue;
            const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)i->ifa_addr;
            if (inet_ntop(AF_INET, &in->sin_addr, out[count], NET_HOST_BYTES) != NULL)
                count++;
        }
    }
    freeifaddrs(list);
    return count;
}

/* Host and port of "tcp://host:port"; false when the host is any. */
static bool split_endpoint(const char *endpoint, char host[static NET_HOST_BYTES], uint16_t *port)
{
    const char *at = strstr(endpoint, "://"), *colon = strrchr(endpoint, ':');
    at = at == NULL ? endpoint : at + 3;
    if (colon == NULL || colon < at || (size_t)(colon - at) >= NET_HOST_BYTES)
        return false;
    memcpy(host, at, (size_t)(colon - at));
    host[colon - at] = '\0';
    *port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return strcmp(host, "0.0.0.0") != 0 && strcmp(host, "[::]") != 0 && strcmp(host, "*") != 0;
}

/* The hosts behind one endpoint: itself, or for any-address all of this machine. */
static size_t hosts_of(const char *endpoint, char out[][NET_HOST_BYTES], size_t max,
                       uint16_t *out_port)
{
    char host[NET_HOST_BYTES];
    if (!split_endpoint(endpoint, host, out_port))
        return host_addresses(out, max);
    memcpy(out[0], host, sizeof host);
    return 1;
}

size_t daemon_own_hosts(const struct node_daemon *d, char out[][NET_HOST_BYTES], size_t max,
                        uint16_t *out_port)
{
    const char *endpoint = net_transport_endpoint(d->transport, 0);
    *out_port = 0;
    return endpoint == NULL ? 0 : hosts_of(endpoint, out, max, out_port);
}

size_t daemon_own_addresses(const struct node_daemon *d, char out[][LIMIT_ADDRESS_BYTES],
                            size_t max)
{
    char hosts[NET_TICKET_HOSTS][NET_HOST_BYTES];
    size_t count = 0;
    const char *endpoint;
    for (size_t i = 0; (endpoint = net_transport_endpoint(d->transport, i)) != NULL; i++) {
        uint16_t port = 0;
        size_t n = hosts_of(endpoint, hosts, NET_TICKET_HOSTS, &port);
        for (size_t k = 0; k < n && count < max; k++)
            (void)snprintf(out[count++], LIMIT_ADDRESS_BYTES, "tcp://%s:%u", hosts[k], port);
    }
    return count;
}
