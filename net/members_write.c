/* New membership records; see members.h (PROTOCOL 7.3, 7.5). */
#include "net/members.h"

enum cht_err net_members_found(const struct net_founding *founding,
                               const struct net_identity *founder, struct cht_buf *out,
                               uint8_t out_space[static CRDT_ID_BYTES])
{
    if (!net_name_valid(founding->name))
        return CHT_E_INVALID;
    struct net_record rec = { .kind = NET_RECORD_FOUND,
                              .stamp = founding->stamp,
                              .cert = founder->cert,
                              .name = founding->name };
    if (founding->recovery != NULL)
        memcpy(rec.recovery, founding->recovery, NET_RECOVERY_BYTES);
    memcpy(rec.nonce, founding->nonce, NET_FOUND_NONCE_BYTES);
    size_t start = out->len;
    enum cht_err err = net_record_encode(&rec, founder, out);
    if (err == CHT_OK)
        net_space_of(cht_bytes(out->data + start, out->len - start), out_space);
    return err;
}

/* May the device of `cert` be admitted with it? */
static enum cht_err check_newcomer(const struct net_members *m, const struct net_cert *cert)
{
    uint8_t id[CRDT_ID_BYTES];
    enum cht_err err = net_cert_verify(cert);
    if (err != CHT_OK)
        return err;
    net_device_of(cert->sign_pk, id);
    const struct net_device *known = net_members_device(m, id);
    if (known != NULL && net_cert_cmp(cert, &known->cert) <= 0)
        return CHT_E_EXISTS;
    for (uint32_t i = 0; i < net_members_device_count(m); i++) {
        const struct net_device *other = net_members_device_at(m, i);
        if (other != known &&
            memcmp(other->cert.transport_pk, cert->transport_pk, NET_TRANSPORT_BYTES) == 0)
            return CHT_E_CONFLICT;
    }
    return CHT_OK;
}

enum cht_err net_members_admit(const struct net_members *m, const struct net_admission *admission,
                               const struct net_identity *author, struct cht_buf *out)
{
    struct net_record rec = { .kind = NET_RECORD_ADMIT,
                              .stamp = admission->stamp,
                              .role = (uint8_t)admission->role,
                              .cert = *admission->cert,
                              .name = admission->name };
    enum net_role role;
    if (!net_name_valid(admission->name) || admission->role != NET_ROLE_ADMIN)
        return CHT_E_INVALID;
    memcpy(rec.space, net_members_space(m), CRDT_ID_BYTES);
    rec.parent_count = net_members_heads_named(m, author->device, rec.parents);
    enum cht_err err = net_members_role(m, author->device, rec.parents, rec.parent_count, &role);
    if (err != CHT_OK || role != NET_ROLE_ADMIN)
        return CHT_E_DENIED;
    err = check_newcomer(m, admission->cert);
    return err == CHT_OK ? net_record_encode(&rec, author, out) : err;
}
