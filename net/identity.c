/* Device keys and certificates; see identity.h (PROTOCOL 7.1, 7.2). */
#include "net/identity.h"

#include "crdt/base/wire.h"

#include <assert.h>
#include <sodium.h>

#define CERT_SIGNED_BYTES (NET_CERT_BYTES - NET_SIG_BYTES)
#define KEY_MAGIC_BYTES   12u
#define KEY_VERSION       1u

static const char key_magic[KEY_MAGIC_BYTES] = "chitty-keys";

static_assert(NET_TRANSPORT_BYTES == crypto_scalarmult_BYTES, "X25519 key");
static_assert(NET_SEED_BYTES == crypto_sign_SEEDBYTES, "Ed25519 seed");
static_assert(NET_CERT_BYTES == NET_SIGN_PK_BYTES + NET_TRANSPORT_BYTES + 4 + 8 + NET_SIG_BYTES,
              "PROTOCOL 7.2");
static_assert(NET_IDENTITY_KEY_BYTES <= LIMIT_KEYFILE_BYTES, "the reader takes a whole key file");
static_assert(NET_IDENTITY_KEY_BYTES == KEY_MAGIC_BYTES + 4 + NET_SEED_BYTES + NET_TRANSPORT_BYTES +
                                            NET_CERT_BYTES + CRDT_HASH_BYTES,
              "the key file, see identity.h");

void net_device_of(const uint8_t sign_pk[static NET_SIGN_PK_BYTES],
                   uint8_t out[static CRDT_ID_BYTES])
{
    crdt_id_of("chitty-device-1", cht_bytes(sign_pk, NET_SIGN_PK_BYTES), out);
}

void net_cert_encode(const struct net_cert *cert, uint8_t out[static NET_CERT_BYTES])
{
    memcpy(out, cert->sign_pk, NET_SIGN_PK_BYTES);
    memcpy(out + 32, cert->transport_pk, NET_TRANSPORT_BYTES);
    cht_put_u32(out + 64, cert->serial);
    cht_put_u64(out + 68, cert->stamp);
    memcpy(out + CERT_SIGNED_BYTES, cert->sig, NET_SIG_BYTES);
}

enum cht_err net_cert_verify(const struct net_cert *cert)
{
    uint8_t raw[NET_CERT_BYTES];
    net_cert_encode(cert, raw);
    return net_verify(NET_CONTEXT_CERT, cht_bytes(raw, CERT_SIGNED_BYTES), cert->sign_pk,
                      cert->sig);
}

struct net_cert net_cert_read(const uint8_t raw[static NET_CERT_BYTES])
{
    struct net_cert cert;
    memcpy(cert.sign_pk, raw, NET_SIGN_PK_BYTES);
    memcpy(cert.transport_pk, raw + 32, NET_TRANSPORT_BYTES);
    cert.serial = cht_get_u32(raw + 64);
    cert.stamp = cht_get_u64(raw + 68);
    memcpy(cert.sig, raw + CERT_SIGNED_BYTES, NET_SIG_BYTES);
    return cert;
}

enum cht_err net_cert_decode(struct cht_bytes src, struct net_cert *out)
{
    if (src.len != NET_CERT_BYTES)
        return CHT_E_MALFORMED;
    struct net_cert cert = net_cert_read(src.data);
    enum cht_err err = net_cert_verify(&cert);
    if (err == CHT_OK)
        *out = cert;
    return err;
}

int net_cert_cmp(const struct net_cert *a, const struct net_cert *b)
{
    if (a->serial != b->serial)
        return a->serial < b->serial ? -1 : 1;
    if (a->stamp != b->stamp)
        return a->stamp < b->stamp ? -1 : 1;
    return memcmp(a->transport_pk, b->transport_pk, NET_TRANSPORT_BYTES);
}

/* Fill public keys and device id from the secrets. */
static void derive(struct net_identity *id, const uint8_t seed[static NET_SEED_BYTES])
{
    (void)crypto_sign_seed_keypair(id->cert.sign_pk, id->sign_sk, seed); /* always 0 */
    (void)crypto_scalarmult_base(id->cert.transport_pk, id->transport_sk);
    net_device_of(id->cert.sign_pk, id->device);
}

void net_identity_make(struct net_identity *id, const struct net_seeds *seeds, uint32_t serial,
                       crdt_hlc_stamp stamp)
{
    uint8_t raw[NET_CERT_BYTES];
    *id = (struct net_identity){ .cert = { .serial = serial, .stamp = stamp } };
    /* as crypto_box_seed_keypair does it: libzmq wants an X25519 secret, any 32 bytes */
    memcpy(id->transport_sk, seeds->transport, NET_TRANSPORT_BYTES);
    derive(id, seeds->sign);
    net_cert_encode(&id->cert, raw);
    net_identity_sign(id, NET_CONTEXT_CERT, cht_bytes(raw, CERT_SIGNED_BYTES), id->cert.sig);
}

void net_identity_clear(struct net_identity *id)
{
    if (id != NULL)
        sodium_memzero(id, sizeof *id);
}

/* The checksum finds damage, not malice: who can write the file has the keys. */
static struct crdt_hash key_checksum(const uint8_t *raw)
{
    return crdt_hash_of(cht_bytes(raw, NET_IDENTITY_KEY_BYTES - CRDT_HASH_BYTES));
}

void net_identity_encode(const struct net_identity *id, uint8_t out[static NET_IDENTITY_KEY_BYTES])
{
    uint8_t *at = out;
    memcpy(at, key_magic, KEY_MAGIC_BYTES);
    at += KEY_MAGIC_BYTES;
    cht_put_u32(at, KEY_VERSION);
    at += 4;
    memcpy(at, id->sign_sk, NET_SEED_BYTES); /* libsodium's secret key starts with the seed */
    at += NET_SEED_BYTES;
    memcpy(at, id->transport_sk, NET_TRANSPORT_BYTES);
    at += NET_TRANSPORT_BYTES;
    net_cert_encode(&id->cert, at);
    at += NET_CERT_BYTES;
    memcpy(at, key_checksum(out).b, CRDT_HASH_BYTES);
}

/* Everything after the version. */
static enum cht_err decode_keys(struct cht_bytes src, struct net_identity *id)
{
    uint8_t seed[NET_SEED_BYTES];
    struct net_cert cert;
    struct cht_wire w = cht_wire(src);
    cht_wire_copy(&w, seed, sizeof seed);
    cht_wire_copy(&w, id->transport_sk, NET_TRANSPORT_BYTES);
    struct cht_bytes raw_cert = cht_wire_take(&w, NET_CERT_BYTES);
    derive(id, seed);
    sodium_memzero(seed, sizeof seed);
    if (net_cert_decode(raw_cert, &cert) != CHT_OK ||
        memcmp(cert.sign_pk, id->cert.sign_pk, NET_SIGN_PK_BYTES) != 0 ||
        memcmp(cert.transport_pk, id->cert.transport_pk, NET_TRANSPORT_BYTES) != 0)
        return CHT_E_CORRUPT;
    id->cert = cert;
    return CHT_OK;
}

enum cht_err net_identity_decode(struct cht_bytes src, struct net_identity *out)
{
    struct cht_wire w = cht_wire(src);
    struct cht_bytes magic = cht_wire_take(&w, KEY_MAGIC_BYTES);
    uint32_t version = cht_wire_u32(&w);
    if (w.err != CHT_OK || memcmp(magic.data, key_magic, KEY_MAGIC_BYTES) != 0)
        return CHT_E_MALFORMED;
    if (version != KEY_VERSION)
        return CHT_E_UNSUPPORTED;
    if (src.len != NET_IDENTITY_KEY_BYTES)
        return CHT_E_CORRUPT; /* cut short, or written over */
    struct crdt_hash sum = key_checksum(src.data);
    if (memcmp(sum.b, src.data + src.len - CRDT_HASH_BYTES, CRDT_HASH_BYTES) != 0)
        return CHT_E_CORRUPT;
    struct net_identity id = { .cert = { .serial = 0 } };
    enum cht_err err = decode_keys(cht_bytes(w.at, cht_wire_left(&w)), &id);
    if (err == CHT_OK)
        *out = id;
    net_identity_clear(&id);
    return err;
}
