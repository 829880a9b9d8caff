/* Certificates and key files: what is taken is written back byte for byte (PROTOCOL 7.2). */
/* covers: net/identity.c */
#include "net/identity.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void try_cert(struct cht_bytes src)
{
    struct net_cert cert;
    uint8_t back[NET_CERT_BYTES];
    enum cht_err err = net_cert_decode(src, &cert);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_SIGNATURE);
    if (err == CHT_OK) {
        net_cert_encode(&cert, back);
        must(cht_bytes_eq(src, cht_bytes(back, sizeof back)));
        must(net_cert_cmp(&cert, &cert) == 0);
    }
}

static void try_key_file(struct cht_bytes src)
{
    struct net_identity id;
    uint8_t back[NET_IDENTITY_KEY_BYTES], sig[NET_SIG_BYTES];
    enum cht_err err = net_identity_decode(src, &id);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_UNSUPPORTED ||
         err == CHT_E_CORRUPT);
    if (err != CHT_OK)
        return;
    net_identity_encode(&id, back);
    must(cht_bytes_eq(src, cht_bytes(back, sizeof back)));
    net_identity_sign(&id, NET_CONTEXT_HEAD, src, sig);
    must(net_verify(NET_CONTEXT_HEAD, src, id.cert.sign_pk, sig) == CHT_OK);
    must(net_verify(NET_CONTEXT_CERT, src, id.cert.sign_pk, sig) == CHT_E_SIGNATURE);
    net_identity_clear(&id);
}

/* Two certificates in a row: which counts is one answer, whichever is asked first. */
static void try_pair(const uint8_t *data)
{
    struct net_cert a = net_cert_read(data), b = net_cert_read(data + NET_CERT_BYTES);
    int order = net_cert_cmp(&a, &b), other = net_cert_cmp(&b, &a);
    must((order < 0) == (other > 0) && (order > 0) == (other < 0));
}

/* Keys made of any bytes are good keys. */
static void try_seeds(const uint8_t *data)
{
    struct net_identity id;
    struct net_seeds seeds;
    memcpy(&seeds, data, sizeof seeds);
    net_identity_make(&id, &seeds, data[0], data[1]);
    must(net_cert_verify(&id.cert) == CHT_OK);
    net_identity_clear(&id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    try_cert(cht_bytes(data, len));
    try_key_file(cht_bytes(data, len));
    if (len >= sizeof(struct net_seeds))
        try_seeds(data);
    if (len == (size_t)2 * NET_CERT_BYTES)
        try_pair(data);
    return 0;
}
