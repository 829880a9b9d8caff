/* The side that admits; see pair_own.h (PROTOCOL 7.8 to 7.10). */
#include "net/pair_own.h"

#include "crdt/base/wire.h"

#include <assert.h>

static void on_hello(struct net_pair *p, struct cht_bytes content, uint64_t now_ms,
                     struct net_pair_effects *out)
{
    struct cht_wire w = cht_wire(content);
    unsigned version = cht_wire_u8(&w);
    if (w.err == CHT_OK && version != PAIR_VERSION) {
        pair_fail(p, out, CHT_E_UNSUPPORTED, "the other side speaks another version of pairing");
        return;
    }
    p->selector.kind = cht_wire_u8(&w);
    cht_wire_copy(&w, p->selector.b, sizeof p->selector.b);
    cht_wire_copy(&w, p->joiner.data, sizeof p->joiner.data);
    cht_wire_copy(&w, p->joiner.share, sizeof p->joiner.share);
    if (cht_wire_end(&w) != CHT_OK) {
        pair_fail(p, out, CHT_E_MALFORMED, "the other side's greeting cannot be read");
        return;
    }
    memcpy(p->peer.sign_pk, p->joiner.data, NET_SIGN_PK_BYTES);
    net_device_of(p->peer.sign_pk, p->peer.device);
    if (memcmp(p->peer.device, p->id->device, CRDT_ID_BYTES) == 0) {
        pair_fail(p, out, CHT_E_DENIED, "the other side is this very device");
        return;
    }
    pair_wait(p, PAIR_I_SECRET, now_ms, /* patient= */ false);
    out->what |= NET_PAIR_ASK_SECRET;
}

void pair_inviter_secret(struct net_pair *p, struct cht_bytes secret, uint64_t now_ms,
                         struct net_pair_effects *out)
{
    uint8_t share[sizeof p->inviter.data + NET_CPACE_SHARE_BYTES];
    if (secret.len == 0) {
        pair_fail(p, out, CHT_E_EXPIRED, "the other side named an invitation that is not open");
        return;
    }
    assert(secret.len <= sizeof p->secret);
    memcpy(p->secret, secret.data, secret.len);
    p->secret_len = secret.len;
    enum cht_err err = pair_share(p);
    if (err == CHT_OK)
        err = pair_agree(p);
    memcpy(share, p->inviter.data, sizeof p->inviter.data);
    memcpy(share + sizeof p->inviter.data, p->inviter.share, NET_CPACE_SHARE_BYTES);
    if (err == CHT_OK)
        err = pair_send(out, PAIR_SHARE, cht_bytes(share, sizeof share));
    if (err != CHT_OK)
        pair_fail(p, out, err, "the other side's share cannot be taken");
    else
        pair_wait(p, PAIR_I_PROOF, now_ms, /* patient= */ false);
}

/* The joiner proves first: who guesses has shown the guess before learning whether it is right. */
static void on_proof(struct net_pair *p, struct cht_bytes content, uint64_t now_ms,
                     struct net_pair_effects *out)
{
    uint8_t tag[NET_CPACE_TAG_BYTES], commitment[32];
    struct cht_wire w = cht_wire(content);
    struct cht_bytes theirs = cht_wire_take(&w, sizeof tag);
    cht_wire_copy(&w, p->joiner_nonce, sizeof p->joiner_nonce);
    if (cht_wire_end(&w) != CHT_OK) {
        pair_fail(p, out, CHT_E_MALFORMED, "the other side's proof cannot be read");
        return;
    }
    pair_tag(p, NET_PAIR_JOINER, tag);
    if (sodium_memcmp(tag, theirs.data, sizeof tag) != 0) {
        out->what |= NET_PAIR_WRONG_PROOF;
        pair_fail(p, out, CHT_E_SIGNATURE, "the other side does not have the invitation's secret");
        return;
    }
    pair_commit(p->joiner_nonce, commitment);
    if (memcmp(commitment, p->joiner.data + NET_SIGN_PK_BYTES, sizeof commitment) != 0) {
        pair_fail(p, out, CHT_E_MALFORMED, "the other side's nonce is not the one it promised");
        return;
    }
    pair_tag(p, NET_PAIR_INVITER, tag);
    enum cht_err err = pair_send(out, PAIR_PROOF, cht_bytes(tag, sizeof tag));
    if (err != CHT_OK) {
        pair_fail(p, out, err, NULL);
        return;
    }
    pair_open_streams(p);
    pair_wait(p, PAIR_I_JOIN, now_ms, /* patient= */ false);
    out->what |= NET_PAIR_PROVED;
}

/* CHT_E_MALFORMED; CHT_E_SIGNATURE: the certificate, or it is not its device that speaks. */
static enum cht_err read_join(struct net_pair *p, struct cht_wire *w)
{
    uint8_t sig[NET_SIG_BYTES];
    struct cht_bytes raw = cht_wire_take(w, NET_CERT_BYTES);
    cht_wire_copy(w, sig, sizeof sig);
    struct cht_bytes name = cht_wire_take(w, (size_t)cht_wire_varint_max(w, LIMIT_NAME_BYTES));
    enum cht_err err = cht_wire_end(w);
    if (err != CHT_OK || !net_name_valid(name))
        return CHT_E_MALFORMED;
    err = net_cert_decode(raw, &p->peer.cert);
    if (err != CHT_OK)
        return err;
    if (memcmp(p->peer.cert.sign_pk, p->peer.sign_pk, NET_SIGN_PK_BYTES) != 0)
        return CHT_E_SIGNATURE;
    p->peer_name_len = (uint8_t)name.len;
    memcpy(p->peer_name, name.data, name.len);
    p->peer.name = cht_bytes(p->peer_name, p->peer_name_len);
    return pair_verify(p, sig);
}

static void on_join(struct net_pair *p, struct cht_wire *w, uint64_t now_ms,
                    struct net_pair_effects *out)
{
    enum cht_err err = read_join(p, w);
    if (err != CHT_OK) {
        pair_fail(p, out, err, "the other side's certificate cannot be taken");
        return;
    }
    pair_wait(p, PAIR_I_ADMIT, now_ms, /* patient= */ true);
    out->what |= NET_PAIR_ASK_ADMIT;
}

static void on_sealed(struct net_pair *p, struct cht_bytes content, uint64_t now_ms,
                      struct net_pair_effects *out)
{
    bool last = false;
    enum cht_err err = pair_unseal(p, content, &last);
    if (err != CHT_OK) {
        pair_fail(p, out, err, "what the other side sent was changed on the way");
        return;
    }
    struct cht_wire w = cht_wire(cht_buf_view(&p->plain));
    unsigned message = cht_wire_u8(&w);
    if (p->state == PAIR_I_JOIN && message == PAIR_JOIN && !last) {
        on_join(p, &w, now_ms, out);
    } else if (p->state == PAIR_I_DONE && message == PAIR_CONFIRM && last &&
               cht_wire_left(&w) == 0) {
        p->state = PAIR_OVER;
        p->due_ms = UINT64_MAX;
        out->what |= NET_PAIR_DONE;
    } else {
        pair_fail(p, out, CHT_E_MALFORMED, "the other side sent what is not due");
    }
}

void pair_inviter_frame(struct net_pair *p, enum pair_kind kind, struct cht_bytes content,
                        uint64_t now_ms, struct net_pair_effects *out)
{
    if (p->state == PAIR_I_HELLO && kind == PAIR_HELLO)
        on_hello(p, content, now_ms, out);
    else if (p->state == PAIR_I_PROOF && kind == PAIR_PROOF)
        on_proof(p, content, now_ms, out);
    else if ((p->state == PAIR_I_JOIN || p->state == PAIR_I_DONE) && kind == PAIR_SEALED)
        on_sealed(p, content, now_ms, out);
    else
        pair_fail(p, out, CHT_E_MALFORMED, "the other side sent what is not due");
}

/* --- the answer ---------------------------------------------------------------------------- */

static enum cht_err add_lv(struct cht_buf *b, struct cht_bytes part)
{
    enum cht_err err = cht_buf_add_varint(b, part.len);
    return err == CHT_OK ? cht_buf_add(b, part) : err;
}

static enum cht_err send_welcome(struct net_pair *p, const struct net_pair_answer *answer,
                                 struct net_pair_effects *out)
{
    uint8_t head[1 + NET_SIG_BYTES] = { PAIR_WELCOME };
    struct cht_buf *b = &p->plain;
    pair_sign(p, head + 1);
    cht_buf_reset(b);
    enum cht_err err = cht_buf_add(b, cht_bytes(head, sizeof head));
    if (err == CHT_OK)
        err = add_lv(b, cht_bytes(p->name, p->name_len));
    if (err == CHT_OK)
        err = cht_buf_add_varint(b, net_members_count(answer->members));
    if (err == CHT_OK)
        err = cht_buf_add_varint(b, answer->address_count);
    for (uint32_t i = 0; err == CHT_OK && i < answer->address_count; i++)
        err = add_lv(b, answer->addresses[i]);
    return err == CHT_OK ? pair_seal(p, out, cht_buf_view(b), /* last= */ false) : err;
}

/* All records in the order they are held, as many in a message as fit. */
static enum cht_err send_records(struct net_pair *p, const struct net_members *members,
                                 struct net_pair_effects *out)
{
    uint32_t count = net_members_count(members);
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < count;) {
        cht_buf_reset(&p->plain);
        err = cht_buf_add_u8(&p->plain, PAIR_RECORDS);
        while (err == CHT_OK && i < count) {
            struct cht_bytes record = net_members_record(members, i, NULL);
            if (record.len + CHT_VARINT_MAX > PAIR_SEALED_BYTES_MAX - p->plain.len)
                break; /* never the first: LIMIT_RECORD_BYTES is a quarter of it */
            err = add_lv(&p->plain, record);
            i++;
        }
        if (err == CHT_OK)
            err = pair_seal(p, out, cht_buf_view(&p->plain), /* last= */ i == count);
    }
    return err;
}

void pair_inviter_admitted(struct net_pair *p, const struct net_pair_answer *answer,
                           uint64_t now_ms, struct net_pair_effects *out)
{
    assert(net_members_device(answer->members, p->peer.device) != NULL);
    assert(answer->address_count <= LIMIT_ADDRESSES);
    enum cht_err err = send_welcome(p, answer, out);
    if (err == CHT_OK)
        err = send_records(p, answer->members, out);
    if (err != CHT_OK)
        pair_fail(p, out, err, NULL);
    else
        pair_wait(p, PAIR_I_DONE, now_ms, /* patient= */ true);
}
