/* The code that is out, and those who come with it; see code.h (PROTOCOL 7.12). */
#include "node/daemon/discovery.h"

#include "node/client/mpmap.h"

#include <sodium.h>

#define SIGN_OF_LIFE_MS 10000u /* a client gives up after 30 s of silence */
#define STAGE_BYTES     4096u

/* --- telling the client --------------------------------------------------------------------- */

/* { stage, text } and `more` members to come. */
static enum cht_err begin_stage(struct cht_buf *b, const char *stage, const char *text,
                                uint32_t more)
{
    cht_buf_init(b, STAGE_BYTES);
    enum cht_err err = crdt_mp_put_map(b, 2 + more);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "stage", stage);
    return err == CHT_OK ? node_mp_put_key_text(b, "text", text) : err;
}

static void end_stage(struct node_daemon *d, struct cht_buf *b, enum cht_err err)
{
    if (err == CHT_OK)
        service_answer_progress(d->service, &d->code.caller, cht_buf_view(b));
    d->code.tell_ms = d->now_ms + SIGN_OF_LIFE_MS;
    sodium_memzero(b->data, b->len);
    cht_buf_clear(b);
}

/* One with the other side's address, or without it. */
static void tell(struct node_daemon *d, const char *stage, const char *text, const char *from)
{
    struct cht_buf b;
    enum cht_err err = begin_stage(&b, stage, text, from != NULL ? 1 : 0);
    if (err == CHT_OK && from != NULL)
        err = node_mp_put_key_text(&b, "from", from);
    end_stage(d, &b, err);
}

static enum cht_err put_addresses(const struct node_daemon *d, struct cht_buf *b)
{
    struct net_host hosts[NET_TICKET_HOSTS];
    char address[LIMIT_ADDRESS_BYTES];
    uint16_t port;
    size_t count = daemon_own_hosts(d, hosts, NET_TICKET_HOSTS, &port);
    enum cht_err err = node_mp_put_text(b, "addresses");
    if (err == CHT_OK)
        err = crdt_mp_put_array(b, (uint32_t)count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        daemon_join_address(&hosts[i], d->pair_port, address);
        err = node_mp_put_text(b, address);
    }
    return err;
}

static void tell_code(struct node_daemon *d)
{
    struct cht_buf b;
    char text[NET_CODE_TEXT_BYTES];
    enum cht_err err = begin_stage(&b, "waiting", "the code is open for two minutes", 3);
    net_code_text(&d->code.code, text);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "code", text);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&b, "expires", d->wall_ms + NET_CODE_LIFE_MS);
    if (err == CHT_OK)
        err = put_addresses(d, &b);
    sodium_memzero(text, sizeof text);
    end_stage(d, &b, err);
}

enum cht_err daemon_put_words(const struct daemon_pairing *p, struct cht_buf *out)
{
    const char *words[NET_PAIR_WORDS];
    net_pair_words(p->machine, words);
    enum cht_err err = node_mp_put_text(out, "words");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, NET_PAIR_WORDS);
    for (size_t i = 0; err == CHT_OK && i < NET_PAIR_WORDS; i++)
        err = node_mp_put_text(out, words[i]);
    return err;
}

static void tell_words(struct node_daemon *d, const struct daemon_pairing *p)
{
    struct cht_buf b;
    enum cht_err err = begin_stage(&b, "words", "the same words are on both screens", 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "from", p->from);
    if (err == CHT_OK)
        err = daemon_put_words(p, &b);
    end_stage(d, &b, err);
}

/* --- its end -------------------------------------------------------------------------------- */

/* Nobody is answered any more who has not proved it by now. */
static void close_code(struct node_daemon *d, const struct daemon_pairing *but)
{
    d->code.open = false;
    for (struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        if (!p->by_code || p->joining || p->proved || p->over || p == but)
            continue;
        struct net_pair_event ev = { .type = NET_PAIR_WITHDRAWN, .now_ms = d->now_ms };
        p->by_code = false; /* its end is of no account */
        daemon_pairing_step(d, p, &ev);
    }
}

/* One that has proved it is still being admitted. */
static bool being_admitted(const struct node_daemon *d)
{
    for (const struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        if (p->by_code && !p->joining && p->proved && !p->over)
            return true;
    }
    return false;
}

/* The command is over: wipe the code, and stop listening unless a ticket is out. */
static void forget(struct node_daemon *d)
{
    daemon_discover_pairing(d, cht_bytes(NULL, 0), 0);
    sodium_memzero(&d->code, sizeof d->code);
    for (struct daemon_pairing *p = d->pairings; p != NULL; p = p->next)
        p->by_code &= p->joining;
    if (d->home.replica != NULL)
        daemon_invites_tend(d);
}

static void fail(struct node_daemon *d, enum cht_err err, const char *sentence, const char *hint)
{
    struct node_fault fault = { 0 };
    (void)node_fault_set(&fault, err, cht_bytes(NULL, 0), "%s", sentence);
    node_fault_hint(&fault, "%s", hint);
    service_answer_fault(d->service, &d->code.caller, &fault);
    forget(d);
}

static void fail_admitted(struct node_daemon *d)
{
    struct node_fault fault = { 0 };
    (void)node_fault_set(&fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                         "%s was admitted but went away before it could keep the space",
                         d->code.joiner_name);
    node_fault_hint(&fault, "let it join once more, with a new code");
    service_answer_fault(d->service, &d->code.caller, &fault);
    forget(d);
}

/* No code can be used any more: how did it go? */
static void settle(struct node_daemon *d, enum cht_err err, const char *sentence, const char *hint)
{
    if (being_admitted(d))
        return; /* its end is the end */
    if (d->code.spent)
        fail_admitted(d);
    else
        fail(d, err, sentence, hint);
}

static void burn(struct node_daemon *d, const struct daemon_pairing *p)
{
    char sentence[CHT_ERROR_TEXT_MAX];
    daemon_log("warning", "a wrong code was tried from %s: the code is burnt", p->from);
    (void)snprintf(sentence, sizeof sentence,
                   "a wrong code was tried from %s: this one is burnt, and good for nothing now",
                   p->from);
    close_code(d, p);
    tell(d, "burnt", "a wrong code was tried: this one is burnt", p->from);
    settle(d, CHT_E_SIGNATURE, sentence,
           "a new one: chitty-node invite. If nobody of yours mistyped it, someone in this network "
           "is guessing; a ticket cannot be guessed: chitty-node invite --ticket");
}

static void answer_done(struct node_daemon *d, const struct daemon_pairing *p)
{
    const struct net_pair_peer *peer = net_pair_peer(p->machine);
    const struct net_device *member =
        net_members_device(node_replica_members(d->home.replica), peer->device);
    const char *role = member == NULL ? NULL : net_role_name(member->role);
    char device[2 * CRDT_ID_BYTES + 1];
    struct cht_buf b;
    crdt_hex(cht_bytes(peer->device, CRDT_ID_BYTES), device);
    cht_buf_init(&b, STAGE_BYTES);
    enum cht_err err = crdt_mp_put_map(&b, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "device", device);
    if (err == CHT_OK)
        err = node_mp_put_key_str(&b, "name", peer->name);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "role", role == NULL ? "none" : role);
    if (err == CHT_OK)
        err = daemon_put_words(p, &b);
    if (err == CHT_OK)
        service_answer_result(d->service, &d->code.caller, cht_buf_view(&b));
    cht_buf_clear(&b);
    close_code(d, p);
    forget(d);
}

/* --- what happens --------------------------------------------------------------------------- */

enum cht_err daemon_code_begin(struct node_daemon *d, const struct service_caller *caller,
                               enum net_role role, struct node_fault *fault)
{
    uint8_t random[NET_CODE_RANDOM_BYTES];
    if (d->code.out)
        return node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                              "a code is out already: end that 'chitty-node invite' first");
    d->code = (struct daemon_code){ .out = true,
                                    .open = true,
                                    .role = role,
                                    .caller = *caller,
                                    .until_ms = d->now_ms + NET_CODE_LIFE_MS };
    enum cht_err err = daemon_invites_listen(d);
    if (err != CHT_OK) {
        forget(d);
        return node_fault_set(fault, err, cht_bytes(NULL, 0),
                              "this node cannot listen for those who come to pair");
    }
    randombytes_buf(random, sizeof random);
    net_code_make(random, &d->code.code);
    sodium_memzero(random, sizeof random);
    daemon_discover_pairing(d, cht_bytes(d->code.code.selector, NET_CODE_SELECTOR_DIGITS),
                            d->pair_port);
    tell_code(d);
    return CHT_OK;
}

struct cht_bytes daemon_code_secret(struct node_daemon *d, struct daemon_pairing *p)
{
    struct net_pair_selector have = net_pair_selector_of_code(&d->code.code);
    const struct net_pair_selector *want = net_pair_selector(p->machine);
    if (!d->code.open || memcmp(have.b, want->b, sizeof have.b) != 0)
        return cht_bytes(NULL, 0);
    p->by_code = true;
    tell(d, "came", "someone has come", p->from);
    return net_pair_code_secret(&d->code.code);
}

bool daemon_code_spend(struct node_daemon *d, struct daemon_pairing *p)
{
    const struct net_pair_peer *peer = net_pair_peer(p->machine);
    if (!d->code.out || !p->by_code ||
        (d->code.spent && memcmp(d->code.joiner, peer->device, CRDT_ID_BYTES) != 0))
        return false;
    d->code.spent = true;
    p->role = d->code.role;
    memcpy(d->code.joiner, peer->device, CRDT_ID_BYTES);
    memcpy(d->code.joiner_name, peer->name.data, peer->name.len);
    d->code.joiner_name[peer->name.len] = '\0';
    return true;
}

void daemon_code_unspend(struct node_daemon *d, const struct daemon_pairing *p)
{
    d->code.spent &= !p->by_code;
}

void daemon_code_saw(struct node_daemon *d, struct daemon_pairing *p, unsigned what)
{
    if (!p->by_code || !d->code.out)
        return;
    if ((what & NET_PAIR_PROVED) != 0)
        tell_words(d, p);
    if ((what & NET_PAIR_DONE) != 0) {
        answer_done(d, p);
        return;
    }
    if ((what & NET_PAIR_FAILED) == 0)
        return;
    p->over = true;
    if ((what & NET_PAIR_WRONG_PROOF) != 0)
        burn(d, p);
    else if (d->code.open)
        tell(d, "left", cht_error_text(&p->fx.error), p->from);
    else
        settle(d, p->fx.error.code, cht_error_text(&p->fx.error), "a new code: chitty-node invite");
}

void daemon_code_tick(struct node_daemon *d)
{
    if (d->code.open && d->now_ms >= d->code.until_ms) {
        close_code(d, NULL);
        settle(d, CHT_E_TIMEOUT, "nobody has come with the code in two minutes",
               "a new one: chitty-node invite");
    }
    if (d->code.out && d->now_ms >= d->code.tell_ms)
        tell(d, "waiting", "waiting", NULL);
}

uint64_t daemon_code_due_ms(const struct node_daemon *d)
{
    if (!d->code.out)
        return UINT64_MAX;
    return d->code.open && d->code.until_ms < d->code.tell_ms ? d->code.until_ms : d->code.tell_ms;
}

void daemon_code_left(void *ctx, local_client_id client)
{
    struct node_daemon *d = ctx;
    daemon_joining_left(d, client);
    if (!d->code.out || d->code.caller.client != client)
        return;
    close_code(d, NULL);
    forget(d);
}
