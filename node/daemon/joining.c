/* Joining another node's space with its ticket or code; see own.h (PROTOCOL 7.7 to 7.12). The new
 * space is durable, and named as the one in use, before the inviter is told so; the switch to it
 * follows when the pairing is over. */
#include "node/daemon/own.h"

#include "node/client/mpmap.h"
#include "node/store/local.h"

#include <errno.h>
#include <netdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void daemon_joining_fail(struct node_daemon *d, struct daemon_pairing *p,
                         const struct node_fault *fault)
{
    if (!p->answered)
        service_answer_fault(d->service, &p->caller, fault);
    p->answered = true;
    p->over = true;
}

static void fail(struct node_daemon *d, struct daemon_pairing *p, enum cht_err err,
                 const char *sentence)
{
    struct node_fault fault = { 0 };
    (void)node_fault_set(&fault, err, cht_bytes(NULL, 0), "%s", sentence);
    daemon_joining_fail(d, p, &fault);
}

/* --- connecting ----------------------------------------------------------------------------- */

#define CONNECT_MS 3000u /* two tries of TCP; then the next address */

/* To the next address of a host. CHT_E_NOTFOUND: it has no other; CHT_E_UNREACHABLE: not there. */
static enum cht_err start_connect(struct daemon_pairing *p, const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return CHT_E_NOTFOUND;
    const struct addrinfo *at = list;
    for (unsigned i = 0; i < p->address && at != NULL; i++)
        at = at->ai_next;
    enum cht_err err = at == NULL ? CHT_E_NOTFOUND : CHT_E_UNREACHABLE;
    p->address++;
    if (at != NULL) {
        p->fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (p->fd >= 0 &&
            (connect(p->fd, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS))
            err = CHT_OK;
    }
    freeaddrinfo(list);
    return err;
}

/* The next address of the one listener. A code is spent on it, so there is never another. */
void daemon_joining_dial(struct node_daemon *d, struct daemon_pairing *p)
{
    char host[NET_HOST_BYTES + 1], port[8];
    p->connecting = false;
    while (p->host < p->offer.host_count) {
        const struct net_host *h = &p->offer.hosts[p->host];
        if (p->fd >= 0)
            (void)close(p->fd);
        p->fd = -1;
        (void)snprintf(host, sizeof host, "%.*s", h->len, h->text);
        (void)snprintf(port, sizeof port, "%u", p->offer.pair_port);
        enum cht_err err = start_connect(p, host, port);
        if (err == CHT_OK) {
            p->connecting = true;
            p->connect_ms = d->now_ms + CONNECT_MS;
            return;
        }
        if (err == CHT_E_NOTFOUND) {
            p->host++;
            p->address = 0;
        }
    }
    fail(
        d, p, CHT_E_UNREACHABLE,
        "the node that invites cannot be reached: is it running, and are both on one network? Give "
        "its address with --at HOST:PORT");
}

/* A host that drops what it gets, as a firewall does, is not waited for like one that is slow. */
void daemon_joining_tick(struct node_daemon *d, struct daemon_pairing *p)
{
    if (!p->connecting || p->over || d->now_ms < p->connect_ms)
        return;
    daemon_joining_dial(d, p);
    if (!p->over)
        daemon_look_tell(d, p, "no answer from one address: trying the next");
}

static struct net_pair *new_machine(struct node_daemon *d, struct daemon_pairing *p)
{
    struct net_pair_random random;
    struct net_pair_self self = { .id = d->home.identity, .name = cht_bytes_str(d->home.name) };
    const struct daemon_tried *tried = p->by_code ? daemon_tried_find(d, &p->typed) : NULL;
    randombytes_buf(&random, sizeof random);
    struct net_pair *machine =
        p->by_code ? net_pair_join_code(&self, &p->typed, tried == NULL ? NULL : tried->pk, &random)
                   : net_pair_join(&self, &p->offer, &random);
    sodium_memzero(&random, sizeof random);
    return machine;
}

void daemon_joining_connected(struct node_daemon *d, struct daemon_pairing *p)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        daemon_joining_dial(d, p);
        return;
    }
    p->connecting = false;
    p->machine = new_machine(d, p);
    if (p->machine == NULL) {
        fail(d, p, CHT_E_NOMEM, "out of memory");
        return;
    }
    struct net_pair_event ev = { .type = NET_PAIR_OPEN, .now_ms = d->now_ms };
    daemon_pairing_step(d, p, &ev);
}

/* A home that was restored from a backup has a space of which its device is no member yet: nothing
 * there is its own, and it may join that very space. */
static bool is_member(const struct node_daemon *d)
{
    return net_members_device(node_replica_members(d->home.replica), d->home.identity->device) !=
           NULL;
}

/* --- keeping the space ---------------------------------------------------------------------- */

static enum cht_err keep_addresses(struct daemon_pairing *p, struct node_store *store,
                                   uint64_t now_ms)
{
    const struct net_pair_peer *peer = net_pair_peer(p->machine);
    enum cht_err err = CHT_OK;
    struct net_host host;
    /* By a code: the host that was reached, at the port that the inviter says it syncs on. */
    if (p->by_code && net_pair_address_count(p->machine) != 0 &&
        daemon_split_address(net_pair_address(p->machine, 0), &host, &p->offer.sync_port) == CHT_OK)
        p->offer.hosts[0] = p->offer.hosts[p->host];
    /* What the ticket says, or who joins, may reach it where it does not know itself to be; what
     * it says now is newer and is tried first. */
    uint8_t count = p->by_code ? 1 : p->offer.host_count;
    for (uint8_t i = 0; err == CHT_OK && p->offer.sync_port != 0 && i < count; i++) {
        char at[LIMIT_ADDRESS_BYTES], address[LIMIT_ADDRESS_BYTES];
        daemon_join_address(&p->offer.hosts[i], p->offer.sync_port, at);
        (void)snprintf(address, sizeof address, "tcp://%.120s", at);
        err = node_keep_address(store, peer->device, cht_bytes_str(address), now_ms - 1);
    }
    for (uint32_t i = 0; err == CHT_OK && i < net_pair_address_count(p->machine); i++)
        err = node_keep_address(store, peer->device, net_pair_address(p->machine, i), now_ms);
    return err;
}

/* The space in use is joined: its file gets the records, this device's own among them. */
static enum cht_err keep_records(struct node_daemon *d, struct daemon_pairing *p)
{
    const struct net_members *members = net_pair_members(p->machine);
    enum cht_err err = CHT_OK;
    memcpy(p->path, d->home.path, sizeof p->path);
    for (uint32_t i = 0; err == CHT_OK && i < net_members_count(members); i++)
        err = node_replica_add_record(d->home.replica, net_members_record(members, i, NULL));
    if (err == CHT_OK)
        err = keep_addresses(p, node_replica_store(d->home.replica), d->wall_ms);
    daemon_commit_midway(d);
    return err == CHT_OK && node_replica_broken(d->home.replica) ? CHT_E_IO : err;
}

static enum cht_err keep_space(struct node_daemon *d, struct daemon_pairing *p)
{
    const struct net_members *members = net_pair_members(p->machine);
    uint32_t count = net_members_count(members);
    struct cht_bytes *records = calloc(count, sizeof *records);
    struct node_store *store = NULL;
    char hex[2 * CRDT_ID_BYTES + 1];
    struct node_fault fault = { 0 };
    enum cht_err err = records == NULL ? CHT_E_NOMEM : CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < count; i++)
        records[i] = net_members_record(members, i, NULL);
    if (err == CHT_OK)
        err = node_files_space(&d->home.files, net_members_space(members), &fault, p->path);
    if (err == CHT_OK)
        err =
            node_home_make_space(p->path, net_members_space(members), records, count, &fault.error);
    if (err == CHT_E_EXISTS)
        err = CHT_OK; /* kept by an earlier try that was cut off */
    if (err == CHT_OK)
        err = node_store_open(p->path, NODE_STORE_WRITE, &fault.error, &store);
    if (err == CHT_OK)
        err = keep_addresses(p, store, d->wall_ms);
    if (err == CHT_OK && p->bring)
        err = node_store_put_meta(store, "bring", cht_bytes_str(d->home.path));
    node_store_close(store);
    crdt_hex(cht_bytes(net_members_space(members), CRDT_ID_BYTES), hex);
    if (err == CHT_OK)
        err = node_files_keep_text(&d->home.files, "space", hex, &fault);
    if (err != CHT_OK)
        daemon_log("error", "the new space cannot be kept: %s",
                   fault.error.code != CHT_OK ? cht_error_text(&fault.error) : cht_err_text(err));
    free(records);
    return err;
}

/* { stage, text, words } */
static void tell_words(struct node_daemon *d, const struct daemon_pairing *p)
{
    struct cht_buf b;
    cht_buf_init(&b, 4096);
    enum cht_err err = crdt_mp_put_map(&b, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "stage", "words");
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "text", "the same words are on both screens");
    if (err == CHT_OK)
        err = daemon_put_words(p, &b);
    if (err == CHT_OK)
        service_answer_progress(d->service, &p->caller, cht_buf_view(&b));
    cht_buf_clear(&b);
}

/* What is brought is written anew in the other space, which a reader may not. */
static bool may_bring(const struct node_daemon *d, const struct daemon_pairing *p)
{
    const struct net_device *self =
        net_members_device(net_pair_members(p->machine), d->home.identity->device);
    return self->role <= NET_ROLE_WRITER;
}

/* The ticket said which space it is; by a code it is known only now. */
static enum cht_err keep_joined(struct node_daemon *d, struct daemon_pairing *p)
{
    const uint8_t *space = net_members_space(net_pair_members(p->machine));
    bool other = memcmp(space, node_replica_space(d->home.replica), CRDT_ID_BYTES) != 0;
    if (other && p->bring && !may_bring(d, p)) {
        fail(d, p, CHT_E_DENIED,
             "this device is to write nothing in the other space, so it can bring nothing along: "
             "--keep-both leaves it here");
        return CHT_E_DENIED;
    }
    if (other)
        return keep_space(d, p);
    if (!is_member(d))
        return keep_records(d, p);
    fail(d, p, CHT_E_EXISTS, "this node is in that space already");
    return CHT_E_EXISTS;
}

/* Who asked for it does not wait any more; what is kept already stays. */
void daemon_joining_left(struct node_daemon *d, local_client_id client)
{
    for (struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        if (p->joining && !p->over && p->caller.client == client)
            p->over = p->answered = true;
    }
}

/* What a person can do about an end without success. */
static const char *hint_of(const struct node_daemon *d, const struct daemon_pairing *p)
{
    const struct daemon_tried *tried = p->by_code ? daemon_tried_find(d, &p->typed) : NULL;
    if (p->fx.error.code == CHT_E_UNSUPPORTED)
        return "install the same version of chitty-node on both machines";
    if (p->fx.error.code == CHT_E_EXPIRED || (tried != NULL && !tried->proved))
        return p->by_code ? "ask for a new code there: chitty-node invite"
                          : "ask for a new ticket there: chitty-node invite --ticket";
    if (p->fx.error.code == CHT_E_MALFORMED)
        return "see that it is the machine that invites: --at HOST:PORT";
    return p->by_code ? "try again while the code is shown: it is still good for this device"
                      : "try again: the ticket is still good for this device";
}

void daemon_joining_ask(struct node_daemon *d, struct daemon_pairing *p, unsigned what)
{
    if (p->by_code && (what & (NET_PAIR_TRIED | NET_PAIR_PROVED)) != 0)
        daemon_tried_note(d, &p->typed, net_pair_peer(p->machine)->sign_pk,
                          (what & NET_PAIR_PROVED) != 0);
    if ((what & NET_PAIR_PROVED) != 0)
        tell_words(d, p);
    if ((what & NET_PAIR_ASK_STORE) != 0) {
        enum cht_err err = keep_joined(d, p);
        struct net_pair_event ev = { .type = err == CHT_OK ? NET_PAIR_STORED : NET_PAIR_REFUSED,
                                     .now_ms = d->now_ms,
                                     .error = err };
        daemon_pairing_step(d, p, &ev);
        return;
    }
    if ((what & NET_PAIR_FAILED) != 0) {
        struct node_fault fault = { .error = p->fx.error };
        node_fault_hint(&fault, "%s", hint_of(d, p));
        daemon_joining_fail(d, p, &fault);
    }
}

void daemon_joining_over(struct node_daemon *d, struct daemon_pairing *p)
{
    if (p->answered)
        return;
    p->answered = true;
    struct node_fault fault = { 0 };
    char space[2 * CRDT_ID_BYTES + 1], device[2 * CRDT_ID_BYTES + 1];
    const struct net_pair_peer *peer = net_pair_peer(p->machine);
    struct cht_buf result;
    cht_buf_init(&result, 4096);
    crdt_hex(cht_bytes(net_members_space(net_pair_members(p->machine)), CRDT_ID_BYTES), space);
    crdt_hex(cht_bytes(peer->device, CRDT_ID_BYTES), device);
    enum cht_err err = crdt_mp_put_map(&result, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&result, "space", space);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&result, "device", device);
    if (err == CHT_OK)
        err = node_mp_put_key_str(&result, "peer", peer->name);
    if (err == CHT_OK)
        err = daemon_put_words(p, &result);
    if (err == CHT_OK)
        err = daemon_switch(d, p->path, &fault);
    if (err == CHT_OK)
        service_answer_result(d->service, &p->caller, cht_buf_view(&result));
    else
        service_answer_fault(d->service, &p->caller, &fault);
    cht_buf_clear(&result);
}

/* --- the command ---------------------------------------------------------------------------- */

static bool any_of(struct cht_bytes word, const char *a, const char *b)
{
    return cht_bytes_eq(word, cht_bytes_str(a)) || cht_bytes_eq(word, cht_bytes_str(b));
}

/* What is asked for, checked before anything is begun. */
struct asked {
    bool by_code;
    struct net_ticket offer;
    struct net_code typed;
};

static enum cht_err read_ticket(const struct node_daemon *d, struct cht_bytes text,
                                struct asked *out, struct node_fault *fault)
{
    enum cht_err err = net_ticket_parse(text, &out->offer, &fault->error);
    if (err != CHT_OK)
        return err;
    if (net_ticket_check(&out->offer, d->wall_ms) != CHT_OK)
        return node_fault_set(fault, CHT_E_EXPIRED, cht_bytes_str("ticket"),
                              "the ticket has expired: make a new one with chitty-node invite "
                              "--ticket");
    if (is_member(d) &&
        memcmp(out->offer.space, node_replica_space(d->home.replica), CRDT_ID_BYTES) == 0)
        return node_fault_set(fault, CHT_E_EXISTS, cht_bytes_str("ticket"),
                              "this node is in that space already");
    return CHT_OK;
}

/* A code that failed once is not tried again: each try gives one guess to whoever answers. */
static enum cht_err read_code(const struct node_daemon *d, struct cht_bytes text, struct asked *out,
                              struct node_fault *fault)
{
    out->by_code = true;
    enum cht_err err = net_code_parse(text, &out->typed, &fault->error);
    const struct daemon_tried *tried = err == CHT_OK ? daemon_tried_find(d, &out->typed) : NULL;
    if (tried == NULL || tried->proved)
        return err;
    (void)node_fault_set(fault, CHT_E_DENIED, cht_bytes_str("code"),
                         "this code was tried already, and is good for one try");
    node_fault_hint(fault, "ask for a new one: chitty-node invite");
    return CHT_E_DENIED;
}

static enum cht_err read_mode(const struct node_daemon *d, struct cht_bytes mode,
                              struct node_fault *fault)
{
    if (mode.len != 0 && !any_of(mode, "bring", "keep-both"))
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("mode"),
                              "\"mode\" has to be bring or keep-both");
    if (mode.len == 0 && is_member(d) && node_replica_count(d->home.replica).entries != 0) {
        (void)node_fault_set(fault, CHT_E_CONFLICT, cht_bytes_str("mode"),
                             "this node has entries of its own: say what becomes of them");
        node_fault_hint(fault, "--bring takes them into the new space; --keep-both leaves them in "
                               "the old one");
        return CHT_E_CONFLICT;
    }
    return CHT_OK;
}

/* A code says no port, so it takes a whole address. */
static enum cht_err read_at(struct cht_bytes at, struct asked *out, struct node_fault *fault)
{
    uint16_t port = 0;
    if (at.len == 0)
        return CHT_OK;
    if (daemon_split_address(at, &out->offer.hosts[0], &port) != CHT_OK ||
        (out->by_code && port == 0))
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("at"),
                              "\"%.*s\" is not allowed: it has to be HOST:PORT%s",
                              (int)(at.len > 80 ? 80 : at.len), (const char *)at.data,
                              out->by_code ? "" : ", or HOST where the port is the ticket's");
    out->offer.host_count = 1;
    if (port != 0)
        out->offer.pair_port = port;
    return CHT_OK;
}

static enum cht_err read_args(const struct node_daemon *d, struct cht_bytes args, struct asked *out,
                              struct node_fault *fault)
{
    struct cht_bytes code = node_mp_get_str(args, "code");
    enum cht_err err = code.len != 0 ? read_code(d, code, out, fault)
                                     : read_ticket(d, node_mp_get_str(args, "ticket"), out, fault);
    if (err == CHT_OK)
        err = read_mode(d, node_mp_get_str(args, "mode"), fault);
    if (err == CHT_OK)
        err = read_at(node_mp_get_str(args, "at"), out, fault);
    for (const struct daemon_pairing *o = d->pairings; err == CHT_OK && o != NULL; o = o->next) {
        if (o->joining && !o->over)
            err = node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0), "a join is under way");
    }
    if (err == CHT_OK && d->code.out)
        err = node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                             "this node invites by a code: end that first");
    return err;
}

void daemon_join(void *ctx, const struct local_request *request, struct cht_bytes args)
{
    struct node_daemon *d = ctx;
    struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct asked asked = { 0 };
    enum cht_err err = read_args(d, args, &asked, &fault);
    struct daemon_pairing *p = err == CHT_OK ? daemon_pairing_new(d, -1) : NULL;
    if (err == CHT_OK && p == NULL)
        err = node_fault_set(&fault, CHT_E_BUSY, cht_bytes(NULL, 0), "too many pair at once");
    if (p == NULL) {
        fault.error.code = err;
        service_answer_fault(d->service, &caller, &fault);
    } else {
        p->joining = true;
        p->caller = caller;
        p->offer = asked.offer;
        p->by_code = asked.by_code;
        p->typed = asked.typed;
        p->bring = cht_bytes_eq(node_mp_get_str(args, "mode"), cht_bytes_str("bring")) &&
                   node_replica_count(d->home.replica).entries != 0;
        if (p->offer.host_count != 0)
            daemon_joining_dial(d, p);
        else
            daemon_look_begin(d, p);
    }
    sodium_memzero(&asked, sizeof asked);
}
