/* What a member can do wrong with the contents of attachments (PROTOCOL 12). The node attacked
 * keeps all blobs, so that it asks for what these name. */
#include "tests/e2e/hostile_attacks.h"

#include "crdt/mp.h"

#include <sodium.h>
#include <stdlib.h>

#define NAMED_BYTES 1000u

static struct net_frame blob_frame(enum net_blob_form form, const struct crdt_hash *hash)
{
    struct net_frame f = { .kind = NET_FRAME_BLOB };
    f.blob.form = form;
    f.blob.hash = *hash;
    f.blob.size = NAMED_BYTES;
    return f;
}

static void blob_begin(struct attack *a)
{
    a->l.version = NET_PROTOCOL_MAX;
    hostile_attack_begin(a);
    randombytes_buf(a->l.named.b, sizeof a->l.named.b);
}

static void want_bye(struct attack *a, enum net_bye_reason reason)
{
    unsigned said = hostile_bye(&a->l);
    if (said != reason)
        hostile_fail("BYE %s, want %s", net_bye_name(said), net_bye_name(reason));
}

/* A session of version 1 knows no such frame. */
void hostile_blob_early(struct attack *a)
{
    struct crdt_hash hash = { .b = { 1 } };
    hostile_attack_begin(a);
    struct net_frame f = blob_frame(NET_BLOB_NONE, &hash);
    (void)hostile_say(&a->l, &f);
    want_bye(a, NET_BYE_ORDER);
    a->counter = "order";
    a->sent = 1;
}

void hostile_blob_unasked(struct attack *a)
{
    static const uint8_t junk[4096];
    blob_begin(a);
    struct net_frame f = blob_frame(NET_BLOB_DATA, &a->l.named);
    f.blob.bytes = cht_bytes(junk, sizeof junk);
    (void)hostile_say(&a->l, &f);
    want_bye(a, NET_BYE_CREDIT);
    a->counter = "credit";
    a->sent = 1;
}

/* Hashes that no record names: there is nothing to be had for them, also where the node still has
 * the bytes: CHITTY_HOSTILE_BLOB is one whose record was removed. */
void hostile_blob_guessed(struct attack *a)
{
    const char *removed = getenv("CHITTY_HOSTILE_BLOB");
    struct crdt_hash held;
    blob_begin(a);
    if (removed == NULL || crdt_unhex(cht_bytes_str(removed), held.b, sizeof held.b) != CHT_OK)
        hostile_fail("CHITTY_HOSTILE_BLOB is no hash");
    for (unsigned i = 1; i <= 8; i++) {
        struct net_frame f = blob_frame(NET_BLOB_WANT, i == 8 ? &held : &a->l.named);
        const bool enough = false;
        f.blob.hash.b[0] ^= (uint8_t)(i == 8 ? 0 : i);
        f.blob.credit = NAMED_BYTES;
        (void)hostile_say(&a->l, &f);
        for (unsigned k = 0; k < 500 && a->l.blob_nones < i; k++)
            hostile_listen(&a->l, 10, &enough);
        if (a->l.blob_nones != i)
            hostile_fail("%u of %u guesses were answered", a->l.blob_nones, i);
    }
    if (a->l.blob_bytes != 0)
        hostile_fail("%u bytes for a guess", a->l.blob_bytes);
}

void hostile_blob_flood(struct attack *a)
{
    blob_begin(a);
    for (uint32_t i = 0; i < 100000 && !a->l.heard_bye && a->l.conn != 0 && a->l.ups == 1; i++) {
        struct net_frame f = blob_frame(NET_BLOB_WANT, &a->l.named);
        memcpy(f.blob.hash.b, &i, sizeof i);
        f.blob.credit = NAMED_BYTES;
        (void)hostile_say(&a->l, &f);
        if (i % 32 == 31)
            hostile_listen(&a->l, 1, &a->l.heard_bye);
    }
    a->counter = "flood";
    a->sent = 65;
}

/* An entry whose attachment is `named`. */
static void name_it(struct attack *a)
{
    char hex[2 * CRDT_HASH_BYTES + 1];
    struct cht_buf key, value, body;
    cht_buf_init(&key, 64);
    cht_buf_init(&value, 256);
    cht_buf_init(&body, 1024);
    crdt_hex(cht_bytes(a->l.named.b, CRDT_HASH_BYTES), hex);
    hostile_must(crdt_mp_put_str(&key, cht_bytes_str("file")), "key");
    hostile_must(crdt_mp_put_map(&value, 2), "value");
    hostile_must(crdt_mp_put_str(&value, cht_bytes_str("blob")), "value");
    hostile_must(crdt_mp_put_str(&value, cht_bytes_str(hex)), "value");
    hostile_must(crdt_mp_put_str(&value, cht_bytes_str("size")), "value");
    hostile_must(crdt_mp_put_uint(&value, NAMED_BYTES), "value");
    struct crdt_op op = {
        .kind = CRDT_OP_PUT, .field = 121, .key = cht_buf_view(&key), .value = cht_buf_view(&value)
    };
    hostile_must(crdt_body_encode(&op, 1, &body), "body");
    hostile_attack_say(a, cht_buf_view(&body), NULL);
    for (unsigned k = 0; k < 1000 && a->l.blob_wants == 0; k++)
        hostile_listen(&a->l, 10, NULL);
    if (a->l.blob_wants == 0)
        hostile_fail("nobody asked for the blob");
    cht_buf_clear(&key);
    cht_buf_clear(&value);
    cht_buf_clear(&body);
}

/* `arg` bytes that are not what the record names: as many as that says, or more. */
void hostile_blob_lies(struct attack *a)
{
    uint8_t junk[4096];
    blob_begin(a);
    name_it(a);
    memset(junk, 0x5a, sizeof junk);
    struct net_frame f = blob_frame(NET_BLOB_DATA, &a->l.named);
    f.blob.bytes = cht_bytes(junk, a->arg);
    (void)hostile_say(&a->l, &f);
    if (a->arg > NAMED_BYTES)
        want_bye(a, NET_BYE_CREDIT);
    else
        hostile_listen(&a->l, 300, NULL);
    if (a->arg <= NAMED_BYTES && a->l.blob_wants != 1)
        hostile_fail("asked %u times for what was a lie", a->l.blob_wants);
    a->counter = a->arg > NAMED_BYTES ? "credit" : "blob";
    a->sent = 1;
}
