/* The side that joins; see pair_own.h (PROTOCOL 7.8 to 7.10). */
#include "net/pair_own.h"

#include "crdt/base/wire.h"

#define ADDRESS_PREFIX "tcp://"

void pair_joiner_open(struct net_pair *p, uint64_t now_ms, struct net_pair_effects *out)
{
    uint8_t hello[2 + NET_PAIR_SELECTOR_BYTES + sizeof p->joiner.data + NET_CPACE_SHARE_BYTES];
    uint8_t *at = hello;
    enum cht_err err = pair_share(p);
    *at++ = PAIR_VERSION;
    *at++ = p->selector.kind;
    memcpy(at, p->selector.b, NET_PAIR_SELECTOR_BYTES);
    at += NET_PAIR_SELECTOR_BYTES;
    memcpy(at, p->joiner.data, sizeof p->joiner.data);
    memcpy(at + sizeof p->joiner.data, p->joiner.share, NET_CPACE_SHARE_BYTES);
    if (err == CHT_OK)
        err = pair_send(out, PAIR_HELLO, cht_bytes(hello, sizeof hello));
    if (err != CHT_OK)
        pair_fail(p, out, err, NULL);
    else
        pair_wait(p, PAIR_J_SHARE, now_ms, /* patient= */ false);
}

static void on_share(struct net_pair *p, struct cht_bytes content, uint64_t now_ms,
                     struct net_pair_effects *out)
{
    uint8_t proof[NET_CPACE_TAG_BYTES + NET_PAIR_NONCE_BYTES];
    struct cht_wire w = cht_wire(content);
    cht_wire_copy(&w, p->inviter.data, sizeof p->inviter.data);
    cht_wire_copy(&w, p->inviter.share, sizeof p->inviter.share);
    if (cht_wire_end(&w) != CHT_OK || pair_agree(p) != CHT_OK) {
        pair_fail(p, out, CHT_E_MALFORMED, "the other side's share cannot be read");
        return;
    }
    if (p->pk_named && memcmp(p->inviter.data, p->pk, NET_SIGN_PK_BYTES) != 0) {
        pair_fail(p, out, CHT_E_DENIED, "the device that answered is not the one that invites");
        return;
    }
    memcpy(p->peer.sign_pk, p->inviter.data, NET_SIGN_PK_BYTES);
    net_device_of(p->peer.sign_pk, p->peer.device);
    pair_tag(p, NET_PAIR_JOINER, proof);
    memcpy(proof + NET_CPACE_TAG_BYTES, p->joiner_nonce, NET_PAIR_NONCE_BYTES);
    enum cht_err err = pair_send(out, PAIR_PROOF, cht_bytes(proof, sizeof proof));
    if (err != CHT_OK) {
        pair_fail(p, out, err, NULL);
        return;
    }
    pair_wait(p, PAIR_J_PROOF, now_ms, /* patient= */ false);
    out->what |= NET_PAIR_TRIED;
}

static enum cht_err send_join(struct net_pair *p, struct net_pair_effects *out)
{
    uint8_t join[1 + NET_CERT_BYTES + NET_SIG_BYTES + 1 + LIMIT_NAME_BYTES];
    uint8_t *at = join;
    *at++ = PAIR_JOIN;
    net_cert_encode(&p->id->cert, at);
    at += NET_CERT_BYTES;
    pair_sign(p, at);
    at += NET_SIG_BYTES;
    *at++ = p->name_len;
    memcpy(at, p->name, p->name_len);
    return pair_seal(p, out, cht_bytes(join, (size_t)(at + p->name_len - join)),
                     /* last= */ false);
}

static void on_proof(struct net_pair *p, struct cht_bytes content, uint64_t now_ms,
                     struct net_pair_effects *out)
{
    uint8_t want[NET_CPACE_TAG_BYTES];
    pair_tag(p, NET_PAIR_INVITER, want);
    if (content.len != sizeof want || sodium_memcmp(want, content.data, sizeof want) != 0) {
        pair_fail(p, out, CHT_E_SIGNATURE, "the other side does not have the invitation's secret");
        return;
    }
    pair_open_streams(p);
    out->what |= NET_PAIR_PROVED;
    enum cht_err err = send_join(p, out);
    if (err != CHT_OK)
        pair_fail(p, out, err, NULL);
    else /* a person may have to say yes over there */
        pair_wait(p, PAIR_J_WELCOME, now_ms, /* patient= */ true);
}

/* "tcp://" and printable ASCII: it is dialled and shown later. */
static bool address_valid(struct cht_bytes text)
{
    size_t prefix = sizeof ADDRESS_PREFIX - 1;
    if (text.len <= prefix || text.len > LIMIT_ADDRESS_BYTES ||
        memcmp(text.data, ADDRESS_PREFIX, prefix) != 0)
        return false;
    for (size_t i = prefix; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
            return false;
    }
    return true;
}

static void read_addresses(struct net_pair *p, struct cht_wire *w)
{
    uint64_t count = cht_wire_varint_max(w, LIMIT_ADDRESSES);
    for (uint64_t i = 0; w->err == CHT_OK && i < count; i++) {
        struct cht_bytes text =
            cht_wire_take(w, (size_t)cht_wire_varint_max(w, LIMIT_ADDRESS_BYTES));
        if (w->err == CHT_OK && !address_valid(text))
            cht_wire_fail(w, CHT_E_MALFORMED);
        if (w->err != CHT_OK)
            return;
        enum cht_err err = cht_buf_add_u8(&p->addresses, (uint8_t)text.len);
        if (err == CHT_OK)
            err = cht_buf_add(&p->addresses, text);
        if (err != CHT_OK)
            cht_wire_fail(w, err);
        p->address_count++;
    }
}

/* Errors through the cursor; CHT_E_SIGNATURE: the inviter's device does not speak. */
static void read_welcome(struct net_pair *p, struct cht_wire *w)
{
    uint8_t sig[NET_SIG_BYTES];
    cht_wire_copy(w, sig, sizeof sig);
    struct cht_bytes name = cht_wire_take(w, (size_t)cht_wire_varint_max(w, LIMIT_NAME_BYTES));
    p->records_left = (uint32_t)cht_wire_varint_max(w, LIMIT_RECORDS);
    read_addresses(p, w);
    enum cht_err err = cht_wire_end(w);
    if (err == CHT_OK && (!net_name_valid(name) || p->records_left == 0))
        err = CHT_E_MALFORMED;
    if (err == CHT_OK)
        err = pair_verify(p, sig);
    if (err != CHT_OK) {
        cht_wire_fail(w, err);
        return;
    }
    p->peer_name_len = (uint8_t)name.len;
    memcpy(p->peer_name, name.data, name.len);
    p->peer.name = cht_bytes(p->peer_name, p->peer_name_len);
}

static void on_welcome(struct net_pair *p, struct cht_wire *w, uint64_t now_ms,
                       struct net_pair_effects *out)
{
    read_welcome(p, w);
    if (w->err != CHT_OK)
        pair_fail(p, out, w->err, "the other side's welcome cannot be taken");
    else
        pair_wait(p, PAIR_J_RECORDS, now_ms, /* patient= */ false);
}

/* Does the membership say what it has to? Returns what is missing, NULL when nothing is. */
static const char *missing(const struct net_pair *p)
{
    const struct net_device *inviter = net_members_device(p->members, p->peer.device);
    const struct net_device *self = net_members_device(p->members, p->id->device);
    if (inviter == NULL || inviter->role != NET_ROLE_ADMIN)
        return "the device that invites is no admin of the space";
    if (self == NULL || self->role == 0 || net_cert_cmp(&self->cert, &p->id->cert) != 0)
        return "the other side sent no record that admits this device";
    return NULL;
}

/* The membership to come, of the ticket's space. A code names none: it is that of the first record,
 * which has to be the founding one (PROTOCOL 7.12). CHT_E_NOMEM. */
static enum cht_err begin_members(struct net_pair *p, struct cht_bytes first)
{
    if (!p->space_named)
        net_space_of(first, p->space);
    p->members = net_members_new(p->space);
    if (p->members == NULL)
        return CHT_E_NOMEM;
    net_members_loading(p->members); /* until all are there */
    return CHT_OK;
}

/* Records come parents first and belong to one space, whose id is the founding record's hash:
 * net_members_add sees to both. */
static void on_records(struct net_pair *p, struct cht_wire *w, bool last, uint64_t now_ms,
                       struct net_pair_effects *out)
{
    enum cht_err err = cht_wire_left(w) == 0 ? CHT_E_MALFORMED : CHT_OK;
    while (err == CHT_OK && cht_wire_left(w) > 0) {
        struct cht_bytes record =
            cht_wire_take(w, (size_t)cht_wire_varint_max(w, LIMIT_RECORD_BYTES));
        if (w->err != CHT_OK || p->records_left == 0)
            err = CHT_E_MALFORMED;
        else if (p->members == NULL)
            err = begin_members(p, record);
        if (err == CHT_OK)
            err = net_members_add(p->members, record);
        if (err == CHT_OK)
            p->records_left--;
    }
    if (err == CHT_OK && (p->records_left == 0) != last)
        err = CHT_E_MALFORMED;
    if (err == CHT_OK && last)
        net_members_loaded(p->members);
    if (err != CHT_OK) {
        pair_fail(p, out, err, "the other side's records are not those of the invitation's space");
    } else if (!last) {
        pair_wait(p, PAIR_J_RECORDS, now_ms, /* patient= */ false);
    } else if (missing(p) != NULL) {
        pair_fail(p, out, CHT_E_DENIED, missing(p));
    } else {
        pair_wait(p, PAIR_J_STORE, now_ms, /* patient= */ true);
        out->what |= NET_PAIR_ASK_STORE;
    }
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
    if (p->state == PAIR_J_WELCOME && message == PAIR_WELCOME && !last)
        on_welcome(p, &w, now_ms, out);
    else if (p->state == PAIR_J_RECORDS && message == PAIR_RECORDS)
        on_records(p, &w, last, now_ms, out);
    else
        pair_fail(p, out, CHT_E_MALFORMED, "the other side sent what is not due");
}

void pair_joiner_frame(struct net_pair *p, enum pair_kind kind, struct cht_bytes content,
                       uint64_t now_ms, struct net_pair_effects *out)
{
    if (p->state == PAIR_J_SHARE && kind == PAIR_SHARE)
        on_share(p, content, now_ms, out);
    else if (p->state == PAIR_J_PROOF && kind == PAIR_PROOF)
        on_proof(p, content, now_ms, out);
    else if ((p->state == PAIR_J_WELCOME || p->state == PAIR_J_RECORDS) && kind == PAIR_SEALED)
        on_sealed(p, content, now_ms, out);
    else
        pair_fail(p, out, CHT_E_MALFORMED, "the other side sent what is not due");
}

void pair_joiner_stored(struct net_pair *p, struct net_pair_effects *out)
{
    const uint8_t confirm = PAIR_CONFIRM;
    enum cht_err err = pair_seal(p, out, cht_bytes(&confirm, 1), /* last= */ true);
    if (err != CHT_OK) {
        pair_fail(p, out, err, NULL);
        return;
    }
    p->state = PAIR_OVER;
    p->due_ms = UINT64_MAX;
    out->what |= NET_PAIR_DONE;
}
