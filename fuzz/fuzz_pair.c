/* The pairing machines under a hostile peer (PROTOCOL 7.8 to 7.12). The first byte says who is
 * attacked, when, and whether the two pair by a ticket or by a code: a machine that has seen
 * nothing yet gets the rest as it is, byte for byte; one that has a proved key gets it as sealed
 * messages, each with a length (u16, the top bit: the last). Nobody may be admitted, and nothing
 * stored, but what an honest run would. */
/* covers: net/pair.c net/pair_joiner.c net/pair_inviter.c net/pair_key.c */
#include "net/pair_own.h"

#include <stdlib.h>

enum attack { RAW_INVITER, RAW_JOINER, SEALED_JOINER, SEALED_INVITER };

struct side {
    struct net_pair *p;
    struct net_pair_effects out;
    unsigned seen;
};

/* Made once: two devices, a space that admits both, a ticket. */
static struct net_identity inviter_id, joiner_id;
static struct net_members *members;
static bool refuse, by_time, by_code, withdraw; /* of this input */
static struct net_ticket ticket = { .secret = "fuzz the pairing" };
static const struct net_code code = { .selector = "481", .secret = "2093576" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void make_world(void)
{
    const struct net_seeds first = { .sign = { 1 }, .transport = { 0, 2 } };
    const struct net_seeds second = { .sign = { 3 }, .transport = { 0, 4 } };
    struct net_founding founding = { .stamp = 1, .name = cht_bytes_str("i") };
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    net_identity_make(&inviter_id, &first, 1, 1);
    net_identity_make(&joiner_id, &second, 1, 1);
    memcpy(ticket.sign_pk, inviter_id.cert.sign_pk, NET_SIGN_PK_BYTES);
    must(net_members_found(&founding, &inviter_id, &out, ticket.space) == CHT_OK);
    members = net_members_new(ticket.space);
    must(members != NULL && net_members_add(members, cht_buf_view(&out)) == CHT_OK);
    cht_buf_reset(&out);
    const struct net_admission admission = {
        .stamp = 2, .role = NET_ROLE_ADMIN, .cert = &joiner_id.cert, .name = cht_bytes_str("j")
    };
    must(net_members_admit(members, &admission, &inviter_id, &out) == CHT_OK);
    must(net_members_add(members, cht_buf_view(&out)) == CHT_OK);
    cht_buf_clear(&out);
}

static void give(struct side *side, struct net_pair_event event)
{
    static const char address[] = "tcp://h:1";
    struct cht_bytes list[] = { cht_bytes(address, sizeof address - 1) };
    event.now_ms = 1;
    net_pair_step(side->p, &event, &side->out);
    side->seen |= side->out.what;
    if ((side->out.what & NET_PAIR_ASK_SECRET) != 0)
        give(side, (struct net_pair_event){
                       .type = NET_PAIR_SECRET,
                       .bytes = by_code ? net_pair_code_secret(&code)
                                        : cht_bytes(ticket.secret, sizeof ticket.secret) });
    else if (refuse && (side->out.what & (NET_PAIR_ASK_ADMIT | NET_PAIR_ASK_STORE)) != 0)
        give(side, (struct net_pair_event){ .type = NET_PAIR_REFUSED, .error = CHT_E_CONFLICT });
    else if ((side->out.what & NET_PAIR_ASK_ADMIT) != 0)
        give(side,
             (struct net_pair_event){ .type = NET_PAIR_ADMITTED, .answer = { members, list, 1 } });
    else if ((side->out.what & NET_PAIR_ASK_STORE) != 0)
        give(side, (struct net_pair_event){ .type = NET_PAIR_STORED });
}

static void give_bytes(struct side *to, struct cht_bytes bytes)
{
    give(to, (struct net_pair_event){ .type = NET_PAIR_BYTES, .bytes = bytes });
}

static bool carry(struct side *from, struct side *to)
{
    struct cht_buf said = from->out.send;
    if (said.len == 0)
        return false;
    cht_buf_init(&from->out.send, said.limit);
    give_bytes(to, cht_buf_view(&said));
    cht_buf_clear(&said);
    return true;
}

static void begin(struct side *joiner, struct side *inviter)
{
    const struct net_pair_random rj = { .scalar = { 5 }, .nonce = { 6 } };
    const struct net_pair_random ri = { .scalar = { 7 }, .nonce = { 8 } };
    const struct net_pair_self sj = { &joiner_id, cht_bytes_str("j") };
    const struct net_pair_self si = { &inviter_id, cht_bytes_str("i") };
    *joiner = (struct side){ .p = by_code ? net_pair_join_code(&sj, &code, NULL, &rj)
                                          : net_pair_join(&sj, &ticket, &rj) };
    *inviter = (struct side){ .p = net_pair_invite(&si, &ri) };
    net_pair_effects_init(&joiner->out);
    net_pair_effects_init(&inviter->out);
    give(joiner, (struct net_pair_event){ .type = NET_PAIR_OPEN });
    give(inviter, (struct net_pair_event){ .type = NET_PAIR_OPEN });
}

/* Up to where both have proved the key and nothing was sealed but the joiner's JOIN, unsent. */
static void prove(struct side *joiner, struct side *inviter)
{
    while ((joiner->seen & NET_PAIR_PROVED) == 0)
        must(carry(joiner, inviter) && carry(inviter, joiner));
    cht_buf_reset(&joiner->out.send);
    joiner->p->sending = inviter->p->receiving; /* as if JOIN had not been said */
}

static void attack_sealed(struct side *from, struct side *to, struct cht_bytes script)
{
    while (script.len >= 2) {
        uint16_t head = cht_get_u16(script.data);
        size_t len = head & 0x7fff;
        script = cht_bytes(script.data + 2, script.len - 2);
        if (len > script.len)
            len = script.len;
        must(pair_seal(from->p, &from->out, cht_bytes(script.data, len), (head & 0x8000) != 0) ==
             CHT_OK);
        (void)carry(from, to);
        script = cht_bytes(script.data + len, script.len - len);
    }
}

/* What was asked may only be what an honest peer could have brought about. */
static void check(const struct side *side)
{
    const char *words[NET_PAIR_WORDS];
    if ((side->seen & NET_PAIR_PROVED) != 0) {
        net_pair_words(side->p, words);
        must(words[0] != NULL);
        /* whoever attacks the listener says what it likes; its secret was asked for all the same */
        must(side->p->role == NET_PAIR_INVITER ||
             net_pair_selector(side->p)->kind == (by_code ? NET_PAIR_BY_CODE : NET_PAIR_BY_TICKET));
    }
    if ((side->seen & NET_PAIR_ASK_ADMIT) != 0)
        must(net_cert_cmp(&net_pair_peer(side->p)->cert, &joiner_id.cert) == 0);
    if ((side->seen & NET_PAIR_ASK_STORE) != 0) {
        must((side->seen & NET_PAIR_TRIED) != 0);
        must(net_members_count(net_pair_members(side->p)) == 2);
        must(memcmp(net_members_space(net_pair_members(side->p)), ticket.space, CRDT_ID_BYTES) ==
             0);
        for (uint32_t i = 0; i < net_pair_address_count(side->p); i++)
            must(net_pair_address(side->p, i).len > 6);
        net_members_free(net_pair_take_members(side->p));
    }
}

static void end(struct side *side)
{
    const unsigned over = NET_PAIR_DONE | NET_PAIR_FAILED;
    must((side->seen & over) != over);
    if (by_time && net_pair_deadline_ms(side->p) != UINT64_MAX) {
        struct net_pair_event late = { .type = NET_PAIR_TICK };
        late.now_ms = net_pair_deadline_ms(side->p);
        net_pair_step(side->p, &late, &side->out);
        side->seen |= side->out.what;
        must(side->out.error.code == CHT_E_TIMEOUT);
    }
    give(side, (struct net_pair_event){ .type = NET_PAIR_TICK });
    if (withdraw && side->p->role == NET_PAIR_INVITER)
        give(side, (struct net_pair_event){ .type = NET_PAIR_WITHDRAWN });
    give(side, (struct net_pair_event){ .type = NET_PAIR_CLOSED });
    must((side->seen & over) != 0);
    check(side);
    net_pair_free(side->p);
    net_pair_effects_clear(&side->out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct side joiner, inviter;
    if (len == 0)
        return 0;
    if (members == NULL)
        make_world();
    refuse = (data[0] & 4) != 0;
    by_time = (data[0] & 8) != 0;
    by_code = (data[0] & 16) != 0;
    withdraw = (data[0] & 32) != 0;
    begin(&joiner, &inviter);
    struct cht_bytes script = cht_bytes(data + 1, len - 1);
    enum attack attack = (enum attack)(data[0] & 3);
    if (attack == SEALED_JOINER || attack == SEALED_INVITER)
        prove(&joiner, &inviter);
    if (attack == SEALED_JOINER)
        attack_sealed(&inviter, &joiner, script);
    else if (attack == SEALED_INVITER)
        attack_sealed(&joiner, &inviter, script);
    else
        for (size_t i = 0; i < script.len; i++)
            give_bytes(attack == RAW_JOINER ? &joiner : &inviter, cht_bytes(script.data + i, 1));
    end(&joiner);
    end(&inviter);
    return 0;
}
