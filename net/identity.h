#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H
/* Who this device is: its signing key D, its transport key T, and the certificate that binds T to D
 * (PROTOCOL 7.1, 7.2). The bytes of the key file are made and read here; the node writes the file.
 *
 * A struct net_identity holds secrets. The caller gives the memory (sodium_malloc in the daemon)
 * and calls net_identity_clear before it gives that memory up; it is never copied by value. */
#include "crdt/base/buf.h"
#include "crdt/hash.h"
#include "crdt/hlc.h"
#include "net/sign.h"

#define NET_SEED_BYTES         32u
#define NET_TRANSPORT_BYTES    32u /* X25519, public or secret */
#define NET_CERT_BYTES         140u
#define NET_IDENTITY_KEY_BYTES 252u /* the key file */

/* A certificate: `D T serial stamp sig`. */
struct net_cert {
    uint8_t sign_pk[NET_SIGN_PK_BYTES];
    uint8_t transport_pk[NET_TRANSPORT_BYTES];
    uint32_t serial; /* the highest counts */
    crdt_hlc_stamp stamp;
    uint8_t sig[NET_SIG_BYTES];
};

/* The device id that belongs to a signing key. */
void net_device_of(const uint8_t sign_pk[static NET_SIGN_PK_BYTES],
                   uint8_t out[static CRDT_ID_BYTES]);

/* The certificate's NET_CERT_BYTES bytes. */
void net_cert_encode(const struct net_cert *cert, uint8_t out[static NET_CERT_BYTES]);
/* Take NET_CERT_BYTES bytes apart without verifying. */
struct net_cert net_cert_read(const uint8_t raw[static NET_CERT_BYTES]);
/* Read and verify. CHT_E_MALFORMED: not NET_CERT_BYTES bytes; CHT_E_SIGNATURE. */
CHT_MUST_USE enum cht_err net_cert_decode(struct cht_bytes src, struct net_cert *out);
/* CHT_E_SIGNATURE when D did not sign it. */
CHT_MUST_USE enum cht_err net_cert_verify(const struct net_cert *cert);
/* Which of two certificates of one device counts: negative when `a` gives way, 0 when they are
 * equal. Highest serial; then stamp, then T, so that every node picks the same. */
int net_cert_cmp(const struct net_cert *a, const struct net_cert *b);

struct net_identity {
    uint8_t sign_sk[NET_SIGN_SK_BYTES];
    uint8_t transport_sk[NET_TRANSPORT_BYTES];
    uint8_t device[CRDT_ID_BYTES];
    struct net_cert cert; /* holds both public keys */
};

/* Two fresh, independent seeds of random bytes. */
struct net_seeds {
    uint8_t sign[NET_SEED_BYTES];
    uint8_t transport[NET_SEED_BYTES];
};

/* Make a device from fresh random seeds (the caller wipes them) with the certificate's serial and
 * stamp. The same seeds give the same keys. */
void net_identity_make(struct net_identity *id, const struct net_seeds *seeds, uint32_t serial,
                       crdt_hlc_stamp stamp);
/* Wipe the secrets. NULL and an empty identity are fine. */
void net_identity_clear(struct net_identity *id);

/* The bytes of the key file: "chitty-keys" and a zero byte, version 1 (u32), the Ed25519 seed, the
 * X25519 secret, the certificate, and H of all that. The caller wipes `out`. */
void net_identity_encode(const struct net_identity *id, uint8_t out[static NET_IDENTITY_KEY_BYTES]);
/* Read a key file. CHT_E_MALFORMED: not a key file; CHT_E_UNSUPPORTED: made by a newer build;
 * CHT_E_CORRUPT: its checksum does not fit, or keys and certificate do not belong together.
 * `out` holds secrets only on success. */
CHT_MUST_USE enum cht_err net_identity_decode(struct cht_bytes src, struct net_identity *out);

/* A signature of this device. */
static inline void net_identity_sign(const struct net_identity *id, enum net_context context,
                                     struct cht_bytes message, uint8_t out[static NET_SIG_BYTES])
{
    net_sign(context, message, id->sign_sk, out);
}

#endif
