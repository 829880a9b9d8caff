/* Bytes of membership records; see record.h (PROTOCOL 7.3). */
#include "net/record.h"

#include "crdt/base/wire.h"
#include "crdt/mp.h"

#include <assert.h>

#define RECORD_VERSION    1u
#define RECORD_TAIL_BYTES (NET_SIGN_PK_BYTES + NET_SIG_BYTES) /* author sig */

const char *net_role_name(unsigned role)
{
    static const char *const names[] = {
        [NET_ROLE_ADMIN] = "admin", [NET_ROLE_WRITER] = "writer", [NET_ROLE_READER] = "reader",
        [NET_ROLE_RELAY] = "relay", [NET_ROLE_BRIDGE] = "bridge",
    };
    return role < sizeof names / sizeof names[0] ? names[role] : NULL;
}

bool net_name_valid(struct cht_bytes name)
{
    if (name.len == 0 || name.len > LIMIT_NAME_BYTES || !crdt_utf8_valid(name))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < 0x20 || name.data[i] == 0x7f)
            return false;
        if (name.data[i] == 0xc2 && name.data[i + 1] < 0xa0) /* U+0080 … U+009F */
            return false;
    }
    return true;
}

void net_space_of(struct cht_bytes found, uint8_t out[static CRDT_ID_BYTES])
{
    crdt_id_of("chitty-space-1", found, out);
}

static bool has_cert(const struct net_record *rec)
{
    return rec->kind == NET_RECORD_FOUND || rec->kind == NET_RECORD_ADMIT;
}

void net_record_subject(const struct net_record *rec, uint8_t out[static CRDT_ID_BYTES])
{
    if (has_cert(rec))
        net_device_of(rec->cert.sign_pk, out);
    else
        memcpy(out, rec->device, CRDT_ID_BYTES);
}

/* --- reading ------------------------------------------------------------------------------- */

static void read_parents(struct cht_wire *w, struct net_record *rec)
{
    rec->parent_count = (uint32_t)cht_wire_varint_max(w, LIMIT_MEMBER_HEADS);
    for (uint32_t i = 0; i < rec->parent_count; i++) {
        cht_wire_copy(w, rec->parents[i].b, CRDT_HASH_BYTES);
        if (i > 0 && memcmp(rec->parents[i - 1].b, rec->parents[i].b, CRDT_HASH_BYTES) >= 0)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    /* a founding record stands alone; every other one has a past */
    if ((rec->parent_count == 0) != (rec->kind == NET_RECORD_FOUND))
        cht_wire_fail(w, CHT_E_MALFORMED);
}

static void read_name(struct cht_wire *w, struct net_record *rec)
{
    rec->name = cht_wire_take(w, (size_t)cht_wire_varint_max(w, LIMIT_NAME_BYTES));
    if (w->err == CHT_OK && !net_name_valid(rec->name))
        cht_wire_fail(w, CHT_E_MALFORMED);
}

static void read_cert(struct cht_wire *w, struct net_record *rec)
{
    struct cht_bytes raw = cht_wire_take(w, NET_CERT_BYTES);
    if (w->err == CHT_OK)
        rec->cert = net_cert_read(raw.data);
}

static void read_grants(struct cht_wire *w, struct net_record *rec)
{
    const uint8_t *start = w->at;
    uint64_t count = cht_wire_varint_max(w, NET_GRANTS_MAX);
    uint32_t last = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t type = cht_wire_u8(w);
        uint32_t field = (uint32_t)cht_wire_varint_max(w, LIMIT_FIELD_MAX);
        uint32_t grant = type << 16 | field;
        if (i > 0 && grant <= last)
            cht_wire_fail(w, CHT_E_MALFORMED); /* sorted: one encoding */
        last = grant;
    }
    if (w->err == CHT_OK)
        rec->grants = cht_bytes(start, (size_t)(w->at - start));
}

static void read_role_number(struct cht_wire *w, struct net_record *rec)
{
    rec->role = cht_wire_u8(w);
    if (net_role_name(rec->role) == NULL)
        cht_wire_fail(w, CHT_E_MALFORMED);
}

static void read_found(struct cht_wire *w, struct net_record *rec)
{
    static const uint8_t no_space[CRDT_ID_BYTES];
    rec->role = NET_ROLE_ADMIN;
    cht_wire_copy(w, rec->recovery, NET_RECOVERY_BYTES);
    read_cert(w, rec);
    read_name(w, rec);
    cht_wire_copy(w, rec->nonce, NET_FOUND_NONCE_BYTES);
    if (memcmp(rec->space, no_space, CRDT_ID_BYTES) != 0 ||
        memcmp(rec->cert.sign_pk, rec->author, NET_SIGN_PK_BYTES) != 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
}

static void read_admit(struct cht_wire *w, struct net_record *rec)
{
    read_role_number(w, rec);
    read_cert(w, rec);
    read_name(w, rec);
    if (rec->role == NET_ROLE_BRIDGE)
        read_grants(w, rec);
}

static void read_role(struct cht_wire *w, struct net_record *rec)
{
    cht_wire_copy(w, rec->device, CRDT_ID_BYTES);
    read_role_number(w, rec);
    rec->cutoff = net_cutoff_read(w);
    if (rec->role == NET_ROLE_BRIDGE)
        read_grants(w, rec);
}

static void read_revoke(struct cht_wire *w, struct net_record *rec)
{
    cht_wire_copy(w, rec->device, CRDT_ID_BYTES);
    rec->why = cht_wire_u8(w);
    if (rec->why != NET_WHY_LOST && rec->why != NET_WHY_COMPROMISED)
        cht_wire_fail(w, CHT_E_MALFORMED);
    rec->cutoff = net_cutoff_read(w);
}

typedef void read_fn(struct cht_wire *w, struct net_record *rec);

/* By kind; NULL: reserved. */
static read_fn *const readers[NET_RECORD_KIND_MAX + 1] = {
    [NET_RECORD_FOUND] = read_found,
    [NET_RECORD_ADMIT] = read_admit,
    [NET_RECORD_ROLE] = read_role,
    [NET_RECORD_REVOKE] = read_revoke,
};

enum cht_err net_record_decode(struct cht_bytes src, struct net_record *out)
{
    if (src.len > LIMIT_RECORD_BYTES)
        return CHT_E_LIMIT;
    if (src.len < RECORD_TAIL_BYTES)
        return CHT_E_MALFORMED;
    struct net_record rec = { .kind = 0 };
    size_t body_len = src.len - RECORD_TAIL_BYTES;
    memcpy(rec.author, src.data + body_len, NET_SIGN_PK_BYTES);
    memcpy(rec.sig, src.data + body_len + NET_SIGN_PK_BYTES, NET_SIG_BYTES);

    struct cht_wire w = cht_wire(cht_bytes(src.data, body_len));
    unsigned version = cht_wire_u8(&w);
    rec.kind = cht_wire_u8(&w);
    if (w.err != CHT_OK || version == 0 || rec.kind == 0)
        return CHT_E_MALFORMED;
    if (version != RECORD_VERSION || rec.kind > NET_RECORD_KIND_MAX || readers[rec.kind] == NULL)
        return CHT_E_UNSUPPORTED;
    cht_wire_copy(&w, rec.space, CRDT_ID_BYTES);
    rec.stamp = cht_wire_u64(&w);
    read_parents(&w, &rec);
    readers[rec.kind](&w, &rec);
    enum cht_err err = cht_wire_end(&w);
    if (err == CHT_OK)
        *out = rec;
    return err;
}

enum cht_err net_record_verify(const struct net_record *rec, struct cht_bytes src)
{
    struct cht_bytes covered = cht_bytes(src.data, src.len - NET_SIG_BYTES);
    enum cht_err err = net_verify(NET_CONTEXT_RECORD, covered, rec->author, rec->sig);
    return err == CHT_OK && has_cert(rec) ? net_cert_verify(&rec->cert) : err;
}

/* --- writing ------------------------------------------------------------------------------- */

/* Appends with a sticky error, so that a record is written field by field and checked once. */
struct writer {
    struct cht_buf *buf;
    enum cht_err err;
};

static void put(struct writer *w, const void *data, size_t len)
{
    if (w->err == CHT_OK)
        w->err = cht_buf_add(w->buf, cht_bytes(data, len));
}

static void put_u8(struct writer *w, uint8_t v)
{
    put(w, &v, 1);
}

static void put_cert(struct writer *w, const struct net_cert *cert)
{
    uint8_t raw[NET_CERT_BYTES];
    net_cert_encode(cert, raw);
    put(w, raw, sizeof raw);
}

static void put_bytes(struct writer *w, struct cht_bytes bytes)
{
    put(w, bytes.data, bytes.len);
}

static void put_name(struct writer *w, struct cht_bytes name)
{
    static_assert(LIMIT_NAME_BYTES < 128, "one varint byte");
    assert(net_name_valid(name));
    put_u8(w, (uint8_t)name.len);
    put_bytes(w, name);
}

static void put_start(struct writer *w, const struct net_record *rec)
{
    uint8_t stamp[8];
    static_assert(LIMIT_MEMBER_HEADS < 128, "one varint byte");
    cht_put_u64(stamp, rec->stamp);
    put_u8(w, RECORD_VERSION);
    put_u8(w, rec->kind);
    put(w, rec->space, CRDT_ID_BYTES);
    put(w, stamp, sizeof stamp);
    put_u8(w, (uint8_t)rec->parent_count);
    for (uint32_t i = 0; i < rec->parent_count; i++)
        put(w, rec->parents[i].b, CRDT_HASH_BYTES);
}

static void put_fields(struct writer *w, const struct net_record *rec)
{
    switch ((enum net_record_kind)rec->kind) {
    case NET_RECORD_FOUND:
        put(w, rec->recovery, NET_RECOVERY_BYTES);
        put_cert(w, &rec->cert);
        put_name(w, rec->name);
        put(w, rec->nonce, NET_FOUND_NONCE_BYTES);
        return;
    case NET_RECORD_ADMIT:
        put_u8(w, rec->role);
        put_cert(w, &rec->cert);
        put_name(w, rec->name);
        break;
    case NET_RECORD_ROLE:
        put(w, rec->device, CRDT_ID_BYTES);
        put_u8(w, rec->role);
        put_bytes(w, rec->cutoff);
        break;
    case NET_RECORD_REVOKE:
        put(w, rec->device, CRDT_ID_BYTES);
        put_u8(w, rec->why);
        put_bytes(w, rec->cutoff);
        return;
    case NET_RECORD_KIND_MAX:
        break;
    }
    if (rec->role == NET_ROLE_BRIDGE)
        put_bytes(w, rec->grants);
}

enum cht_err net_record_encode(const struct net_record *rec, const struct net_identity *author,
                               struct cht_buf *out)
{
    assert(rec->kind < NET_RECORD_KIND_MAX && readers[rec->kind] != NULL);
    assert(rec->parent_count <= LIMIT_MEMBER_HEADS);
    assert(rec->role != NET_ROLE_BRIDGE || rec->grants.len > 0);
    uint8_t sig[NET_SIG_BYTES];
    size_t start = out->len;
    struct writer w = { .buf = out };
    put_start(&w, rec);
    put_fields(&w, rec);
    put(&w, author->cert.sign_pk, NET_SIGN_PK_BYTES);
    if (w.err == CHT_OK) {
        net_identity_sign(author, NET_CONTEXT_RECORD,
                          cht_bytes(out->data + start, out->len - start), sig);
        put(&w, sig, sizeof sig);
    }
    if (w.err != CHT_OK)
        out->len = start;
    return w.err;
}
