/* Those who come to pair with a ticket or the code of ours; see own.h (PROTOCOL 7.7 to 7.12). The
 * ticket is spent and the joiner admitted in one transaction; the same joiner coming again gets the
 * same answer. Of the code itself: codes.c. */
#include "node/daemon/own.h"

#include "node/client/mpmap.h"
#include "node/store/local.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICKET_LIFE_MS  (3600u * 1000u)
#define TICKETS_MAX     64u
#define ACCEPT_AGAIN_MS 1000u
#define QUEUED_MAX      64 /* who find the queue full try again only after a second */

/* --- the listener --------------------------------------------------------------------------- */

/* An end of a connection. */
union from {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static int listen_on(const struct addrinfo *at, uint16_t *out_port)
{
    const int on = 1;
    union from bound = { 0 };
    socklen_t len = sizeof bound;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, QUEUED_MAX) != 0 ||
        getsockname(fd, &bound.any, &len) != 0) {
        (void)close(fd);
        return -1;
    }
    *out_port = ntohs(bound.any.sa_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
    return fd;
}

/* Where peers may reach this node, and nowhere else, those may who come to pair. */
static int listen_beside(const struct node_daemon *d, uint16_t port, uint16_t *out_port)
{
    const char *endpoint = net_transport_endpoint(d->transport, 0);
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                    .ai_socktype = SOCK_STREAM };
    struct net_host host;
    uint16_t sync_port;
    char name[NET_HOST_BYTES + 1], service[8];
    struct addrinfo *list = NULL;
    if (endpoint == NULL ||
        daemon_split_address(cht_bytes_str(endpoint), &host, &sync_port) != CHT_OK)
        return -1;
    (void)snprintf(name, sizeof name, "%.*s", host.len, host.text);
    (void)snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(name, service, &hints, &list) != 0 || list == NULL)
        return -1;
    int fd = listen_on(list, out_port);
    freeaddrinfo(list);
    return fd;
}

/* The port stands in tickets that are out, so a node that restarts takes the same one. */
static uint16_t kept_port(struct node_daemon *d)
{
    struct cht_buf value;
    cht_buf_init(&value, 16);
    uint16_t port = 0;
    if (node_store_get_meta(node_replica_store(d->home.replica), "pair-port", &value) == CHT_OK &&
        value.len == 2)
        port = cht_get_u16(value.data);
    cht_buf_clear(&value);
    return port;
}

enum cht_err daemon_invites_listen(struct node_daemon *d)
{
    if (d->pair_fd >= 0)
        return CHT_OK;
    uint16_t kept = kept_port(d);
    d->pair_fd = listen_beside(d, kept, &d->pair_port);
    if (d->pair_fd < 0 && kept != 0)
        d->pair_fd = listen_beside(d, 0, &d->pair_port);
    if (d->pair_fd < 0)
        return CHT_E_IO;
    uint8_t raw[2];
    cht_put_u16(raw, d->pair_port);
    if (d->pair_port == kept)
        return CHT_OK;
    return node_store_put_meta(node_replica_store(d->home.replica), "pair-port",
                               cht_bytes(raw, sizeof raw));
}

void daemon_invites_tend(struct node_daemon *d)
{
    struct node_ticket_row newest; /* all live equally long, so it is the last to expire */
    size_t count = 0;
    d->pair_until_ms = UINT64_MAX;
    if (node_live_tickets(node_replica_store(d->home.replica), d->wall_ms, &newest, 1, &count) !=
        CHT_OK)
        daemon_log("warning", "the tickets cannot be read");
    if (count == 0 && !d->code.out) {
        if (d->pair_fd >= 0)
            (void)close(d->pair_fd);
        d->pair_fd = -1;
        return;
    }
    if (count != 0)
        d->pair_until_ms = d->now_ms + (newest.expiry_ms - d->wall_ms);
    if (daemon_invites_listen(d) != CHT_OK)
        daemon_log("warning", "cannot listen for those who come to pair");
    sodium_memzero(&newest, sizeof newest);
}

/* Where a connection comes from, for people. */
static void note_origin(const union from *from, socklen_t len, char out[static LIMIT_ADDRESS_BYTES])
{
    char host[NET_HOST_BYTES + 1];
    if (getnameinfo(&from->any, len, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        host[0] = '\0';
    (void)snprintf(out, LIMIT_ADDRESS_BYTES, "%s", host);
}

void daemon_pairing_accept(struct node_daemon *d)
{
    union from from = { 0 };
    socklen_t len = sizeof from;
    int fd = accept4(d->pair_fd, &from.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        /* left in the queue it would wake the loop for ever: listen again in a while */
        (void)close(d->pair_fd);
        d->pair_fd = -1;
        d->pair_until_ms = d->now_ms + ACCEPT_AGAIN_MS;
    }
    struct daemon_pairing *p = fd < 0 ? NULL : daemon_pairing_new(d, fd);
    if (p == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    note_origin(&from, len, p->from);
    struct net_pair_random random;
    struct net_pair_self self = { .id = d->home.identity, .name = cht_bytes_str(d->home.name) };
    randombytes_buf(&random, sizeof random);
    p->machine = net_pair_invite(&self, &random);
    sodium_memzero(&random, sizeof random);
    if (p->machine == NULL) {
        p->over = true;
        return;
    }
    struct net_pair_event ev = { .type = NET_PAIR_OPEN, .now_ms = d->now_ms };
    daemon_pairing_step(d, p, &ev);
}

/* --- what the machine asks ------------------------------------------------------------------ */

static void find_code(struct node_daemon *d, struct daemon_pairing *p)
{
    struct net_pair_event ev = { .type = NET_PAIR_SECRET,
                                 .now_ms = d->now_ms,
                                 .bytes = daemon_code_secret(d, p) };
    d->unknown_invitations += ev.bytes.len == 0;
    daemon_pairing_step(d, p, &ev);
}

static void find_ticket(struct node_daemon *d, struct daemon_pairing *p)
{
    struct node_ticket_row *rows = calloc(TICKETS_MAX, sizeof *rows);
    size_t count = 0;
    struct net_pair_event ev = { .type = NET_PAIR_SECRET, .now_ms = d->now_ms };
    p->ticket = calloc(1, sizeof *p->ticket);
    if (rows != NULL && p->ticket != NULL &&
        node_live_tickets(node_replica_store(d->home.replica), d->wall_ms, rows, TICKETS_MAX,
                          &count) == CHT_OK) {
        const struct net_pair_selector *want = net_pair_selector(p->machine);
        for (size_t i = 0; i < count; i++) {
            struct net_pair_selector have = net_pair_selector_of(rows[i].secret);
            if (have.kind != want->kind || memcmp(have.b, want->b, sizeof have.b) != 0)
                continue;
            *p->ticket = rows[i];
            ev.bytes = cht_bytes(p->ticket->secret, sizeof p->ticket->secret);
        }
    }
    if (rows != NULL)
        sodium_memzero(rows, TICKETS_MAX * sizeof *rows);
    free(rows);
    d->unknown_invitations += ev.bytes.len == 0;
    daemon_pairing_step(d, p, &ev);
}

static void refuse(struct node_daemon *d, struct daemon_pairing *p, enum cht_err err)
{
    struct net_pair_event ev = { .type = NET_PAIR_REFUSED, .now_ms = d->now_ms, .error = err };
    daemon_pairing_step(d, p, &ev);
}

/* The ticket as it stands now, for this device: since it was looked up another may have come with
 * it, in an earlier turn or in this one. False: it is spent on another device. */
static bool spend(struct node_daemon *d, struct daemon_pairing *p, const uint8_t *device)
{
    if (p->ticket == NULL)
        return daemon_code_spend(d, p);
    if (node_kept_ticket(node_replica_store(d->home.replica), p->ticket->id, p->ticket) != CHT_OK ||
        (node_ticket_spent(p->ticket) && memcmp(p->ticket->joiner, device, CRDT_ID_BYTES) != 0))
        return false;
    for (const struct daemon_pairing *o = d->pairings; o != NULL; o = o->next) {
        if (o->admitting && o->ticket != NULL &&
            memcmp(o->ticket->id, p->ticket->id, NODE_TICKET_ID_BYTES) == 0 &&
            memcmp(o->ticket->joiner, device, CRDT_ID_BYTES) != 0)
            return false;
    }
    uint8_t role = p->ticket->joiner[CRDT_ID_BYTES - 1];
    p->role = node_ticket_spent(p->ticket) || role == 0 ? NET_ROLE_ADMIN : (enum net_role)role;
    memcpy(p->ticket->joiner, device, CRDT_ID_BYTES);
    return true;
}

static void cannot_admit(struct node_daemon *d, struct daemon_pairing *p, enum cht_err err)
{
    daemon_code_unspend(d, p);
    refuse(d, p, err);
}

static void admit(struct node_daemon *d, struct daemon_pairing *p)
{
    const struct net_pair_peer *peer = net_pair_peer(p->machine);
    struct net_members *members = node_replica_members(d->home.replica);
    if (!spend(d, p, peer->device)) {
        refuse(d, p, CHT_E_EXPIRED);
        return;
    }
    struct net_admission admission = { .stamp = crdt_hlc_make(d->wall_ms, 0),
                                       .role = p->role,
                                       .cert = &peer->cert,
                                       .name = peer->name };
    struct cht_buf record;
    cht_buf_init(&record, LIMIT_RECORD_BYTES);
    enum cht_err err = net_members_admit(members, &admission, d->home.identity, &record);
    if (err == CHT_OK)
        err = node_replica_add_record(d->home.replica, cht_buf_view(&record));
    else if (err == CHT_E_EXISTS)
        err = CHT_OK; /* the same joiner again */
    cht_buf_clear(&record);
    if (err == CHT_OK && p->ticket != NULL)
        err = node_replica_keep_ticket(d->home.replica, p->ticket);
    if (err != CHT_OK)
        cannot_admit(d, p, err);
    else
        p->admitting = true;
}

/* For who has made a ticket, and looks here to compare. */
static void log_words(const struct daemon_pairing *p)
{
    const char *words[NET_PAIR_WORDS];
    net_pair_words(p->machine, words);
    daemon_log("info", "pairing with %s: check words %s %s %s %s %s %s %s", p->from, words[0],
               words[1], words[2], words[3], words[4], words[5], words[6]);
}

void daemon_invites_ask(struct node_daemon *d, struct daemon_pairing *p, unsigned what)
{
    char hex[9];
    if ((what & NET_PAIR_ASK_SECRET) != 0) {
        if (net_pair_selector(p->machine)->kind == NET_PAIR_BY_CODE)
            find_code(d, p);
        else
            find_ticket(d, p);
        return;
    }
    if ((what & NET_PAIR_PROVED) != 0) {
        p->proved = true;
        log_words(p);
    }
    d->wrong_proofs += (what & NET_PAIR_WRONG_PROOF) != 0;
    daemon_code_saw(d, p, what);
    if ((what & NET_PAIR_ASK_ADMIT) != 0)
        admit(d, p);
    if ((what & NET_PAIR_DONE) != 0)
        daemon_log("info", "%s has joined this space",
                   daemon_short(net_pair_peer(p->machine)->device, hex));
    if ((what & NET_PAIR_FAILED) != 0)
        daemon_log("warning", "pairing failed: %s", cht_error_text(&p->fx.error));
}

void daemon_invites_admitted(struct node_daemon *d, struct daemon_pairing *p,
                             enum cht_err committed)
{
    char own[LIMIT_ENDPOINTS][LIMIT_ADDRESS_BYTES];
    struct cht_bytes addresses[LIMIT_ENDPOINTS];
    size_t count = daemon_own_addresses(d, own, LIMIT_ENDPOINTS);
    p->admitting = false;
    if (committed != CHT_OK) {
        cannot_admit(d, p, committed);
        return;
    }
    for (size_t i = 0; i < count; i++)
        addresses[i] = cht_bytes_str(own[i]);
    struct net_pair_event ev = { .type = NET_PAIR_ADMITTED, .now_ms = d->now_ms };
    ev.answer.members = node_replica_members(d->home.replica);
    ev.answer.addresses = addresses;
    ev.answer.address_count = (uint32_t)count;
    daemon_pairing_step(d, p, &ev);
}

/* --- the command ---------------------------------------------------------------------------- */

static enum cht_err make_ticket(struct node_daemon *d, struct cht_bytes address,
                                struct net_ticket *t, struct node_fault *fault)
{
    *t = (struct net_ticket){ .expires_ms = d->wall_ms + TICKET_LIFE_MS };
    enum cht_err err = daemon_invites_listen(d);
    if (err != CHT_OK)
        return node_fault_set(fault, err, cht_bytes(NULL, 0),
                              "this node cannot listen for those who come to pair");
    t->pair_port = d->pair_port;
    memcpy(t->space, node_replica_space(d->home.replica), CRDT_ID_BYTES);
    memcpy(t->sign_pk, d->home.identity->cert.sign_pk, NET_SIGN_PK_BYTES);
    memcpy(t->transport_pk, d->home.identity->cert.transport_pk, NET_TRANSPORT_BYTES);
    randombytes_buf(t->secret, sizeof t->secret);
    t->host_count = (uint8_t)daemon_own_hosts(d, t->hosts, NET_TICKET_HOSTS, &t->sync_port);
    if (address.len != 0) {
        uint16_t port;
        if (daemon_split_address(address, &t->hosts[0], &port) != CHT_OK)
            return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("address"),
                                  "\"%.*s\" is not allowed: it has to be HOST or HOST:PORT",
                                  (int)(address.len > 80 ? 80 : address.len),
                                  (const char *)address.data);
        t->host_count = 1;
        t->pair_port = port == 0 ? t->pair_port : port;
    }
    return t->host_count != 0
               ? CHT_OK
               : node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                                "this machine has no address to be reached at: connect it, or give "
                                "one with --address HOST:PORT");
}

static enum cht_err put_invitation(const struct net_ticket *t, struct cht_buf *out)
{
    char text[NET_TICKET_TEXT_MAX], address[LIMIT_ADDRESS_BYTES];
    (void)net_ticket_text(t, text);
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "ticket", text);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "expires", t->expires_ms);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "addresses");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, t->host_count);
    for (uint8_t i = 0; err == CHT_OK && i < t->host_count; i++) {
        daemon_join_address(&t->hosts[i], t->pair_port, address);
        err = node_mp_put_text(out, address);
    }
    sodium_memzero(text, sizeof text);
    return err;
}

/* What the newcomer is to be, and may this node make it one? */
static enum cht_err read_role(const struct node_daemon *d, struct cht_bytes text,
                              enum net_role *out, struct node_fault *fault)
{
    const struct net_device *self =
        net_members_device(node_replica_members(d->home.replica), d->home.identity->device);
    if (self == NULL || self->role != NET_ROLE_ADMIN)
        return node_fault_set(fault, CHT_E_DENIED, cht_bytes(NULL, 0),
                              "this device is no admin of the space: only an admin lets others in");
    *out = text.len == 0 ? NET_ROLE_ADMIN : (enum net_role)0;
    for (unsigned role = NET_ROLE_ADMIN; role <= NET_ROLE_RELAY; role++) {
        if (cht_bytes_eq(text, cht_bytes_str(net_role_name(role))))
            *out = (enum net_role)role;
    }
    return *out != 0
               ? CHT_OK
               : node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("role"),
                                "a role is admin, writer, reader or relay, not \"%.*s\"",
                                (int)(text.len > 80 ? 80 : text.len), (const char *)text.data);
}

static void invite_by_code(struct node_daemon *d, const struct service_caller *caller,
                           enum net_role role)
{
    struct node_fault fault = { 0 };
    for (const struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        if (p->joining)
            (void)node_fault_set(&fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                                 "this node is joining another space");
    }
    if (fault.error.code != CHT_OK || daemon_code_begin(d, caller, role, &fault) != CHT_OK)
        service_answer_fault(d->service, caller, &fault);
}

static void invite_by_ticket(struct node_daemon *d, struct service_caller caller,
                             struct cht_bytes args, enum net_role role)
{
    struct net_ticket t;
    struct node_ticket_row row = { 0 };
    struct node_fault fault = { 0 };
    struct cht_buf result;
    cht_buf_init(&result, LIMIT_CLIENT_BYTES);
    enum cht_err err = make_ticket(d, node_mp_get_str(args, "address"), &t, &fault);
    if (err == CHT_OK) {
        randombytes_buf(row.id, sizeof row.id);
        memcpy(row.secret, t.secret, sizeof row.secret);
        row.expiry_ms = t.expires_ms;
        row.joiner[CRDT_ID_BYTES - 1] = (uint8_t)role;
        err = node_keep_ticket(node_replica_store(d->home.replica), &row);
    }
    if (err == CHT_OK)
        err = put_invitation(&t, &result);
    if (err == CHT_OK)
        service_answer_result(d->service, &caller, cht_buf_view(&result));
    else if (fault.error.code != err)
        (void)node_fault_set(&fault, err, cht_bytes(NULL, 0), "no ticket could be made: %s",
                             cht_err_text(err));
    if (err != CHT_OK)
        service_answer_fault(d->service, &caller, &fault);
    daemon_invites_tend(d);
    net_ticket_clear(&t);
    sodium_memzero(&row, sizeof row);
    cht_buf_clear(&result);
}

void daemon_invite(void *ctx, const struct local_request *request, struct cht_bytes args)
{
    struct node_daemon *d = ctx;
    const struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    enum net_role role;
    if (read_role(d, node_mp_get_str(args, "role"), &role, &fault) != CHT_OK)
        service_answer_fault(d->service, &caller, &fault);
    else if (node_mp_get_bool(args, "ticket"))
        invite_by_ticket(d, caller, args, role);
    else
        invite_by_code(d, &caller, role);
}
