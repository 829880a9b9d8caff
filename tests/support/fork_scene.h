#ifndef TESTS_SUPPORT_FORK_SCENE_H
#define TESTS_SUPPORT_FORK_SCENE_H
/* Two signed branches of one device, made to be changed before they become a proof. */
#include "net/fork.h"
#include "net/identity.h"

#include <assert.h>

#define FORK_SCENE_HEADERS 4u

struct fork_scene {
    struct net_identity device;
    struct crdt_header headers[2][FORK_SCENE_HEADERS];
    uint32_t count[2];
    struct cht_arena arena;
    struct cht_buf proof;
};

/* Branches of one entry and of three, from seq 7 on, in epoch e0e1…; the longer one goes on in
 * another epoch. */
static inline void fork_scene_init(struct fork_scene *s)
{
    struct net_seeds seeds;
    memset(&seeds, 0x5a, sizeof seeds);
    *s = (struct fork_scene){ .count = { 1, 3 } };
    net_identity_make(&s->device, &seeds, 1, crdt_hlc_make(UINT64_C(1767225600000), 0));
    cht_arena_init(&s->arena, SIZE_MAX);
    cht_buf_init(&s->proof, (size_t)4 << 20);
    for (uint32_t b = 0; b < 2; b++) {
        for (uint32_t i = 0; i < FORK_SCENE_HEADERS; i++) {
            struct crdt_header *h = &s->headers[b][i];
            *h = (struct crdt_header){ .seq = 7 + i, .txn_count = 1, .body_len = 9 };
            h->hlc = crdt_hlc_make(UINT64_C(1767225700000) + i, (uint16_t)b);
            memset(h->space, 0x77, sizeof h->space);
            memcpy(h->device, s->device.device, sizeof h->device);
            for (uint8_t k = 0; k < CRDT_EPOCH_BYTES; k++)
                h->epoch[k] = (uint8_t)((i < 2 ? 0xe0 : 0xf0) + k);
            memset(h->prev.b, 0x66, sizeof h->prev.b);
            h->entity = (struct crdt_ref){ .form = CRDT_REF_SPELT, .id = { .type = CRDT_TODO } };
            memset(h->entity.id.b, (int)(0x10 * (b + 1) + i), CRDT_ID_BYTES);
            memset(h->body_hash.b, (int)(0x80 + i), sizeof h->body_hash.b);
        }
    }
}

static inline void fork_scene_clear(struct fork_scene *s)
{
    cht_arena_clear(&s->arena);
    cht_buf_clear(&s->proof);
}

/* Chain the headers of a branch (`relink`: each names the one before), sign the last. */
static inline void fork_scene_branch(struct fork_scene *s, uint32_t b, bool relink,
                                     struct net_fork_branch *out)
{
    struct cht_bytes *spans = cht_arena_array(&s->arena, FORK_SCENE_HEADERS, sizeof *spans);
    struct crdt_hash hash = { 0 };
    for (uint32_t i = 0; i < s->count[b]; i++) {
        struct cht_buf bytes;
        cht_buf_init(&bytes, LIMIT_HEADER_BYTES);
        if (relink && i != 0)
            s->headers[b][i].prev = hash;
        enum cht_err err = crdt_header_encode(&s->headers[b][i], &bytes);
        if (err == CHT_OK)
            err = cht_arena_copy(&s->arena, cht_buf_view(&bytes), &spans[i]);
        assert(err == CHT_OK);
        (void)err;
        hash = crdt_hash_of(spans[i]);
        cht_buf_clear(&bytes);
    }
    *out = (struct net_fork_branch){ .count = s->count[b], .headers = spans };
    net_identity_sign(&s->device, NET_CONTEXT_HEAD, cht_bytes(hash.b, CRDT_HASH_BYTES), out->head);
}

/* The proof of what stands there. */
static inline struct cht_bytes fork_scene_proof(struct fork_scene *s, bool relink)
{
    struct net_fork fork = { .seq = 0 };
    memcpy(fork.sign_pk, s->device.cert.sign_pk, sizeof fork.sign_pk);
    fork_scene_branch(s, 0, relink, &fork.branches[0]);
    fork_scene_branch(s, 1, relink, &fork.branches[1]);
    cht_buf_reset(&s->proof);
    enum cht_err err = net_fork_encode(&fork, &s->proof);
    assert(err == CHT_OK);
    (void)err;
    return cht_buf_view(&s->proof);
}

#endif
