/* New membership records; see members.h (PROTOCOL 7.3, 7.5). */
#include "net/members_own.h"

#include <stdlib.h>

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

/* --- heads to stand on ---------------------------------------------------------------------- */

struct named {
    struct crdt_hash *heads;
    uint32_t count;
};

static bool named_reach(const struct net_members *m, const struct named *n, uint32_t row)
{
    for (uint32_t i = 0; i < n->count; i++) {
        if (members_reaches(m, members_find_row(m, &n->heads[i]), row))
            return true;
    }
    return false;
}

/* Name a head that reaches `row`, unless one does already. */
static enum cht_err name_head(const struct net_members *m, struct named *n, uint32_t row)
{
    if (named_reach(m, n, row))
        return CHT_OK;
    if (n->count == LIMIT_MEMBER_HEADS)
        return CHT_E_LIMIT;
    for (uint32_t i = 0; i < m->head_count; i++) {
        if (members_reaches(m, members_find_row(m, &m->heads[i]), row)) {
            n->heads[n->count++] = m->heads[i];
            return CHT_OK;
        }
    }
    return CHT_OK; /* not reached: every row is under some head */
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, CRDT_HASH_BYTES);
}

/* The parents of a record about `subject`: all heads, or of too many those that make the author an
 * admin and that know of the subject and of every ruling on it. CHT_E_LIMIT: that takes too many.
 */
static enum cht_err name_parents(const struct net_members *m, const uint8_t *author,
                                 uint32_t subject, struct net_record *rec)
{
    rec->parent_count = net_members_heads_named(m, author, rec->parents);
    if (m->head_count <= LIMIT_MEMBER_HEADS)
        return CHT_OK;
    struct named n = { .heads = rec->parents, .count = rec->parent_count };
    uint32_t number = members_find_device(m, author, CRDT_ID_BYTES);
    for (uint32_t i = 0; i < n.count; i++) { /* the one that makes the author an admin */
        struct crdt_hash only = n.heads[i];
        if (members_right(m, number, &only, 1) == NET_ROLE_ADMIN) {
            n.heads[0] = only;
            n.count = 1;
        }
    }
    enum cht_err err = name_head(m, &n, m->subjects[subject].grant_last);
    uint32_t l = m->subjects[subject].ruling_last;
    for (; err == CHT_OK && l != NONE; l = m->rows[l].ruling_before)
        err = name_head(m, &n, l);
    qsort(n.heads, n.count, sizeof n.heads[0], by_hash);
    rec->parent_count = n.count;
    return err;
}

/* Complete a record about `subject` and append it. */
static enum cht_err write_about(const struct net_members *m, uint32_t subject,
                                struct net_record *rec, const struct net_identity *author,
                                struct cht_buf *out)
{
    const struct net_device *self = net_members_device(m, author->device);
    if (self == NULL || self->role != NET_ROLE_ADMIN)
        return CHT_E_DENIED;
    memcpy(rec->space, m->space, CRDT_ID_BYTES);
    memcpy(rec->device, m->devices[subject].id, CRDT_ID_BYTES);
    enum cht_err err = name_parents(m, author->device, subject, rec);
    return err == CHT_OK ? net_record_encode(rec, author, out) : err;
}

/* --- admissions ----------------------------------------------------------------------------- */

/* May the device of `cert` be admitted with it? */
static enum cht_err check_newcomer(const struct net_members *m, const struct net_cert *cert)
{
    uint8_t id[CRDT_ID_BYTES];
    enum cht_err err = net_cert_verify(cert);
    if (err != CHT_OK)
        return err;
    net_device_of(cert->sign_pk, id);
    const struct net_device *known = net_members_device(m, id);
    if (known != NULL && known->role != 0 && net_cert_cmp(cert, &known->cert) <= 0)
        return CHT_E_EXISTS;
    for (uint32_t i = 0; i < net_members_device_count(m); i++) {
        const struct net_device *other = net_members_device_at(m, i);
        if (other != known &&
            memcmp(other->cert.transport_pk, cert->transport_pk, NET_TRANSPORT_BYTES) == 0)
            return CHT_E_CONFLICT;
    }
    return CHT_OK;
}

static bool role_is_issued(unsigned role)
{
    return role >= NET_ROLE_ADMIN && role <= NET_ROLE_RELAY;
}

enum cht_err net_members_admit(const struct net_members *m, const struct net_admission *admission,
                               const struct net_identity *author, struct cht_buf *out)
{
    struct net_record rec = { .kind = NET_RECORD_ADMIT,
                              .stamp = admission->stamp,
                              .role = (uint8_t)admission->role,
                              .cert = *admission->cert,
                              .name = admission->name };
    const struct net_device *self = net_members_device(m, author->device);
    uint8_t id[CRDT_ID_BYTES];
    if (!net_name_valid(admission->name) || !role_is_issued(admission->role))
        return CHT_E_INVALID;
    if (self == NULL || self->role != NET_ROLE_ADMIN)
        return CHT_E_DENIED;
    enum cht_err err = check_newcomer(m, admission->cert);
    if (err != CHT_OK)
        return err;
    net_device_of(admission->cert->sign_pk, id);
    uint32_t known = members_find_device(m, id, sizeof id);
    if (known != NONE)
        return write_about(m, known, &rec, author, out);
    memcpy(rec.space, m->space, CRDT_ID_BYTES);
    rec.parent_count = net_members_heads_named(m, author->device, rec.parents);
    return net_record_encode(&rec, author, out);
}

enum cht_err net_members_readmit(const struct net_members *m,
                                 const struct net_readmission *readmission,
                                 const struct net_identity *author, struct cht_buf *out)
{
    uint32_t subject = members_find_device(m, readmission->device, CRDT_ID_BYTES);
    if (subject == NONE)
        return CHT_E_NOTFOUND;
    const struct net_device *device = &m->devices[subject];
    if (device->role != 0)
        return CHT_E_EXISTS;
    struct net_admission admission = { .stamp = readmission->stamp,
                                       .role = readmission->role,
                                       .cert = &device->cert,
                                       .name = cht_bytes(device->name, device->name_len) };
    return net_members_admit(m, &admission, author, out);
}

/* --- rulings -------------------------------------------------------------------------------- */

/* Would the space be without an admin if `device` were none? */
static bool is_last_admin(const struct net_members *m, uint32_t device)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < m->device_count; i++)
        others += i != device && m->devices[i].role == NET_ROLE_ADMIN;
    return others == 0;
}

/* Write a ruling whose fields but for the cut-off are in `rec`. */
static enum cht_err write_ruling(const struct net_members *m, uint32_t subject,
                                 struct net_record *rec, const struct net_tip *tips,
                                 size_t tip_count, const struct net_identity *author,
                                 struct cht_buf *out)
{
    struct cht_buf cutoff = { .limit = LIMIT_RECORD_BYTES };
    enum cht_err err = net_cutoff_put(tips, tip_count, &cutoff);
    rec->cutoff = cht_buf_view(&cutoff);
    if (err == CHT_OK)
        err = write_about(m, subject, rec, author, out);
    cht_buf_clear(&cutoff);
    return err;
}

enum cht_err net_members_revoke(const struct net_members *m,
                                const struct net_revocation *revocation,
                                const struct net_identity *author, struct cht_buf *out)
{
    struct net_record rec = { .kind = NET_RECORD_REVOKE,
                              .stamp = revocation->stamp,
                              .why = (uint8_t)revocation->why };
    uint32_t subject = members_find_device(m, revocation->device, CRDT_ID_BYTES);
    if (subject == NONE)
        return CHT_E_NOTFOUND;
    if (is_last_admin(m, subject))
        return CHT_E_CONFLICT;
    return write_ruling(m, subject, &rec, revocation->tips, revocation->tip_count, author, out);
}

enum cht_err net_members_change_role(const struct net_members *m,
                                     const struct net_role_change *change,
                                     const struct net_identity *author, struct cht_buf *out)
{
    struct net_record rec = { .kind = NET_RECORD_ROLE,
                              .stamp = change->stamp,
                              .role = (uint8_t)change->role };
    uint32_t subject = members_find_device(m, change->device, CRDT_ID_BYTES);
    if (!role_is_issued(change->role))
        return CHT_E_INVALID;
    if (subject == NONE || m->devices[subject].role == 0)
        return CHT_E_NOTFOUND;
    if (change->role == m->devices[subject].role && change->role <= NET_ROLE_WRITER)
        return CHT_E_EXISTS;
    if (change->role != NET_ROLE_ADMIN && is_last_admin(m, subject))
        return CHT_E_CONFLICT;
    return write_ruling(m, subject, &rec, change->tips, change->tip_count, author, out);
}
