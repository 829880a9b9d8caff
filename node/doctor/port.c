/* Can others come in? The node's addresses, dialled from here; see doctor.h. */
#include "node/doctor/doctor.h"

#include "crdt/limits.h"
#include "node/client/mpmap.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DIAL_MS 1000

/* Connect within a second; 0, or why not. */
static int dial(const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return EADDRNOTAVAIL;
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int why = fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0 ? errno : 0;
    if (fd >= 0 && why == EINPROGRESS) {
        struct pollfd p = { .fd = fd, .events = POLLOUT };
        socklen_t len = sizeof why;
        why = ETIMEDOUT;
        if (poll(&p, 1, DIAL_MS) == 1)
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len);
    }
    if (fd >= 0)
        (void)close(fd);
    freeaddrinfo(found);
    return why;
}

/* "tcp://host:port" in two; false when it is not that. */
static bool split(struct cht_bytes address, char host[static LIMIT_ADDRESS_BYTES],
                  char port[static LIMIT_ADDRESS_BYTES])
{
    char text[LIMIT_ADDRESS_BYTES];
    if (address.len >= sizeof text)
        return false;
    (void)snprintf(text, sizeof text, "%.*s", (int)address.len, (const char *)address.data);
    char *from = strncmp(text, "tcp://", 6) == 0 ? text + 6 : text;
    char *colon = strrchr(from, ':');
    if (colon == NULL || colon == from)
        return false;
    *colon = '\0';
    if (from[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        from++;
    }
    (void)snprintf(host, LIMIT_ADDRESS_BYTES, "%s", from);
    (void)snprintf(port, LIMIT_ADDRESS_BYTES, "%s", colon + 1);
    return true;
}

/* Does a file say this on a line of its own? */
static bool file_says(const char *path, const char *wanted)
{
    char line[256];
    bool said = false;
    FILE *file = fopen(path, "re");
    while (file != NULL && !said && fgets(line, sizeof line, file) != NULL)
        said = strncmp(line, wanted, strlen(wanted)) == 0;
    if (file != NULL)
        (void)fclose(file);
    return said;
}

/* Whether a firewall lets others in cannot be seen from inside without being root. */
static void hint_at_firewall(struct doctor *d, const char *port)
{
    if (file_says("/etc/ufw/ufw.conf", "ENABLED=yes")) {
        doctor_say(d->report, DOCTOR_NOTE, "port.firewall",
                   "ufw is on: others come in only where it lets them");
        doctor_remedy(d->report, "sudo ufw allow %s/tcp", port);
    } else if (access("/run/firewalld", F_OK) == 0) {
        doctor_say(d->report, DOCTOR_NOTE, "port.firewall",
                   "firewalld is on: others come in only where it lets them");
        doctor_remedy(d->report,
                      "sudo firewall-cmd --permanent --add-port=%s/tcp; sudo firewall-cmd --reload",
                      port);
    }
}

void doctor_port(struct doctor *d, struct cht_bytes health)
{
    const struct cht_bytes status = node_mp_get(health, "status");
    struct node_mp_iter it = node_mp_iter(node_mp_get(status, "addresses"));
    struct cht_bytes one;
    char host[LIMIT_ADDRESS_BYTES], port[LIMIT_ADDRESS_BYTES] = "";
    unsigned reached = 0, outside = 0, count = 0;
    while (node_mp_next(&it, NULL, &one)) {
        if (!split(node_mp_str(one), host, port))
            continue;
        const int why = dial(host, port);
        count++;
        outside += strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0 ? 1 : 0;
        reached += why == 0 ? 1 : 0;
        if (why != 0) {
            doctor_say(d->report, DOCTOR_WARNING, "port.closed",
                       "%s port %s does not answer even from this machine: %s", host, port,
                       strerror(why));
            doctor_remedy(d->report, "look for a firewall: sudo nft list ruleset; or listen "
                                     "elsewhere: chitty-node run --listen HOST:PORT");
        }
    }
    if (outside == 0) {
        doctor_say(d->report, DOCTOR_NOTE, "port.local",
                   count == 0 ? "the node listens nowhere: others are only dialled from here"
                              : "the node listens on this machine alone: others are only dialled "
                                "from here");
        doctor_remedy(d->report, "chitty-node run --listen 0.0.0.0:7447");
    } else {
        hint_at_firewall(d, port);
    }
    if (reached == count && count != 0)
        doctor_say(d->report, DOCTOR_OK, "port", "%u address%s answer%s", count,
                   count == 1 ? "" : "es", count == 1 ? "s" : "");
}
