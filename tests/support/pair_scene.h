#ifndef TESTS_SUPPORT_PAIR_SCENE_H
#define TESTS_SUPPORT_PAIR_SCENE_H
/* Two pairing machines, the nodes they belong to, and the line between them. */
#include "net/pair.h"
#include "tests/support/identities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOBODY   UINT32_MAX
#define START_MS 1000000u

static const char *const addresses[] = { "tcp://192.168.1.20:7410", "tcp://[fe80::1]:7410" };

/* One side of a run, with the node's part of it. */
struct side {
    struct net_pair *p;
    struct net_pair_effects out;
    unsigned seen; /* all effects so far */
    struct cht_error error;
    uint32_t asked_admit, asked_store;
    struct cht_buf said; /* all bytes it has sent */
};

struct scene {
    struct net_identity inviter_id, joiner_id;
    struct net_members *members;
    struct net_ticket ticket;
    bool ticket_open, refuse;
    /* by a code instead of the ticket, when it has digits; what the joiner types may differ */
    struct net_code code, typed;
    const uint8_t *known;
    struct side joiner, inviter;
    uint64_t now_ms;
    /* who stands between: flips a bit of the byte at this place of what that side says */
    uint32_t flip_joiner_at, flip_inviter_at;
    size_t chunk; /* bytes delivered at once */
};

static inline struct net_pair_random random_of(uint8_t number)
{
    struct net_pair_random r;
    for (size_t i = 0; i < sizeof r.scalar; i++)
        r.scalar[i] = (uint8_t)(number + i);
    memset(r.nonce, number + 1, sizeof r.nonce);
    return r;
}

static inline void side_init(struct side *side)
{
    *side = (struct side){ .p = NULL };
    net_pair_effects_init(&side->out);
    cht_buf_init(&side->said, NET_PAIR_SEND_BYTES);
}

static inline void side_clear(struct side *side)
{
    net_pair_free(side->p);
    net_pair_effects_clear(&side->out);
    cht_buf_clear(&side->said);
    side_init(side);
}

/* Two fresh machines for another run of the scene. */
static inline void new_run(struct scene *s, uint8_t joiner_random, uint8_t inviter_random)
{
    const struct net_pair_random rj = random_of(joiner_random), ri = random_of(inviter_random);
    const struct net_pair_self joiner = { &s->joiner_id, cht_bytes_str("desktop") };
    const struct net_pair_self inviter = { &s->inviter_id, cht_bytes_str("laptop") };
    side_clear(&s->joiner);
    side_clear(&s->inviter);
    s->joiner.p = s->typed.secret[0] != '\0' ? net_pair_join_code(&joiner, &s->typed, s->known, &rj)
                                             : net_pair_join(&joiner, &s->ticket, &rj);
    s->inviter.p = net_pair_invite(&inviter, &ri);
    assert_non_null(s->joiner.p);
    assert_non_null(s->inviter.p);
    s->flip_joiner_at = NOBODY;
    s->flip_inviter_at = NOBODY;
    s->now_ms = START_MS;
}

static inline void found_space(struct scene *s, const struct net_identity *founder)
{
    struct cht_buf found = { .limit = LIMIT_RECORD_BYTES };
    assert_int_equal(CHT_OK, found_by(founder, &found, s->ticket.space));
    net_members_free(s->members);
    s->members = net_members_new(s->ticket.space);
    assert_int_equal(CHT_OK, net_members_add(s->members, cht_buf_view(&found)));
    cht_buf_clear(&found);
}

static inline int set_up(void **state)
{
    static struct scene s;
    s = (struct scene){ .ticket_open = true, .chunk = SIZE_MAX };
    identity_of(0x10, &s.inviter_id);
    identity_of(0x20, &s.joiner_id);
    memset(s.ticket.secret, 0x42, sizeof s.ticket.secret);
    memcpy(s.ticket.sign_pk, s.inviter_id.cert.sign_pk, NET_SIGN_PK_BYTES);
    found_space(&s, &s.inviter_id);
    side_init(&s.joiner);
    side_init(&s.inviter);
    new_run(&s, 1, 2);
    *state = &s;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scene *s = *state;
    side_clear(&s->joiner);
    side_clear(&s->inviter);
    net_members_free(s->members);
    return 0;
}

/* Add the record that admits `who`, whoever writes it. */
static inline void admit(struct scene *s, const struct net_identity *author,
                         const struct net_cert *who, enum net_role role)
{
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_record rec = { .kind = NET_RECORD_ADMIT,
                              .stamp = crdt_hlc_make(3000, 0),
                              .role = (uint8_t)role,
                              .cert = *who,
                              .name = cht_bytes_str("desktop") };
    memcpy(rec.space, net_members_space(s->members), CRDT_ID_BYTES);
    rec.parent_count = net_members_heads_named(s->members, author->device, rec.parents);
    assert_int_equal(CHT_OK, net_record_encode(&rec, author, &out));
    assert_int_equal(CHT_OK, net_members_add(s->members, cht_buf_view(&out)));
    cht_buf_clear(&out);
}

/* Put down what a step said and asked. */
static inline void note(struct side *side)
{
    side->seen |= side->out.what;
    if ((side->out.what & NET_PAIR_FAILED) != 0)
        side->error = side->out.error;
    side->asked_admit += (side->out.what & NET_PAIR_ASK_ADMIT) != 0;
    side->asked_store += (side->out.what & NET_PAIR_ASK_STORE) != 0;
}

/* Give an event, and play the node for what is asked. */
static inline void give(struct scene *s, struct side *side, struct net_pair_event event)
{
    struct cht_bytes list[] = { cht_bytes_str(addresses[0]), cht_bytes_str(addresses[1]) };
    event.now_ms = s->now_ms;
    net_pair_step(side->p, &event, &side->out);
    note(side);
    unsigned what = side->out.what;
    if ((what & NET_PAIR_ASK_SECRET) != 0) {
        bool coded = s->code.secret[0] != '\0';
        struct net_pair_selector want =
            coded ? net_pair_selector_of_code(&s->code) : net_pair_selector_of(s->ticket.secret);
        struct cht_bytes secret = coded ? net_pair_code_secret(&s->code)
                                        : cht_bytes(s->ticket.secret, sizeof s->ticket.secret);
        bool known = s->ticket_open && memcmp(&want, net_pair_selector(side->p), sizeof want) == 0;
        give(s, side,
             (struct net_pair_event){ .type = NET_PAIR_SECRET,
                                      .bytes = known ? secret : cht_bytes(NULL, 0) });
    } else if ((what & NET_PAIR_ASK_ADMIT) != 0 && s->refuse) {
        give(s, side, (struct net_pair_event){ .type = NET_PAIR_REFUSED, .error = CHT_E_DENIED });
    } else if ((what & NET_PAIR_ASK_ADMIT) != 0) {
        const struct net_pair_peer *peer = net_pair_peer(side->p);
        if (net_members_device(s->members, peer->device) == NULL)
            admit(s, &s->inviter_id, &peer->cert, NET_ROLE_ADMIN);
        give(s, side,
             (struct net_pair_event){ .type = NET_PAIR_ADMITTED,
                                      .answer = { s->members, list, 2 } });
    } else if ((what & NET_PAIR_ASK_STORE) != 0) {
        give(s, side, (struct net_pair_event){ .type = NET_PAIR_STORED });
    }
}

static inline void give_bytes(struct scene *s, struct side *side, struct cht_bytes bytes)
{
    give(s, side, (struct net_pair_event){ .type = NET_PAIR_BYTES, .bytes = bytes });
}

/* Carry what one side has said to the other, spoilt where the scene says so. */
static inline bool carry(struct scene *s, struct side *from, struct side *to, uint32_t flip_at)
{
    struct cht_buf *b = &from->out.send;
    uint8_t bytes[4096];
    size_t len = b->len < s->chunk ? b->len : s->chunk;
    len = len < sizeof bytes ? len : sizeof bytes;
    if (len == 0)
        return false;
    memcpy(bytes, b->data, len);
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    size_t start = from->said.len;
    assert_int_equal(CHT_OK, cht_buf_add(&from->said, cht_bytes(bytes, len)));
    if (flip_at >= start && flip_at < start + len)
        bytes[flip_at - start] ^= (uint8_t)(1u << flip_at % 8);
    give_bytes(s, to, cht_bytes(bytes, len));
    return true;
}

static inline void carry_all(struct scene *s)
{
    bool more = true;
    while (more) {
        more = carry(s, &s->joiner, &s->inviter, s->flip_joiner_at);
        more = carry(s, &s->inviter, &s->joiner, s->flip_inviter_at) || more;
    }
}

static inline void open_both(struct scene *s)
{
    give(s, &s->inviter, (struct net_pair_event){ .type = NET_PAIR_OPEN });
    give(s, &s->joiner, (struct net_pair_event){ .type = NET_PAIR_OPEN });
}

static inline void run(struct scene *s)
{
    open_both(s);
    carry_all(s);
}

static inline void assert_failed(const struct side *side, enum cht_err want, const char *says)
{
    assert_int_equal(0, side->seen & NET_PAIR_DONE);
    assert_true((side->seen & NET_PAIR_FAILED) != 0);
    assert_int_equal(want, side->error.code);
    assert_non_null(strstr(cht_error_text(&side->error), says));
    assert_true(UINT64_MAX == net_pair_deadline_ms(side->p));
}

#endif
