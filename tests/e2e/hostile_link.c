/* A member's connection and its entries; see hostile_link.h. */
#include "tests/e2e/hostile_link.h"

#include "crdt/mp.h"
#include "crdt/schema.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WAIT_MS 20000u

void hostile_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("hostile: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void hostile_must(enum cht_err err, const char *what)
{
    if (err != CHT_OK)
        hostile_fail("%s: %s", what, cht_err_text(err));
}

uint64_t hostile_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* --- the connection ------------------------------------------------------------------------ */

static bool nobody(void *ctx, const uint8_t key[NET_CURVE_KEY_BYTES],
                   uint8_t out_device[CRDT_ID_BYTES])
{
    (void)ctx;
    (void)key;
    (void)out_device;
    return false;
}

void hostile_dial(struct hostile_link *l, const struct net_identity *id, const struct victim *v)
{
    struct net_transport_config config = { .lookup = nobody };
    *l = (struct hostile_link){ .id = id, .victim = v, .version = l->version };
    cht_arena_init(&l->arena, 64u * 1024u * 1024u);
    cht_buf_init(&l->frame, 2u * LIMIT_FRAME_BYTES);
    randombytes_buf(l->nonce, sizeof l->nonce);
    l->nonce[0] |= 1;
    memcpy(config.public_key, id->cert.transport_pk, NET_CURVE_KEY_BYTES);
    memcpy(config.secret_key, id->transport_sk, NET_CURVE_KEY_BYTES);
    hostile_must(net_transport_open(&config, NULL, &l->transport), "transport");
    hostile_must(net_transport_dial(l->transport, v->endpoint, v->server_key, v->device, &l->dial),
                 "dial");
}

void hostile_close(struct hostile_link *l)
{
    net_transport_close(l->transport);
    cht_arena_clear(&l->arena);
    cht_buf_clear(&l->frame);
    *l = (struct hostile_link){ .conn = 0 };
}

/* What the victim says of blobs; one that is not ours is answered honestly. */
static void heard_blob(struct hostile_link *l, const struct net_blob_frame *b)
{
    l->blob_nones += b->form == NET_BLOB_NONE;
    l->blob_bytes += (unsigned)b->bytes.len;
    if (b->form != NET_BLOB_WANT || b->credit == 0)
        return;
    if (crdt_hash_eq(&b->hash, &l->named)) {
        l->blob_wants++;
        return;
    }
    struct net_frame none = { .kind = NET_FRAME_BLOB };
    none.blob.form = NET_BLOB_NONE;
    none.blob.hash = b->hash;
    (void)hostile_say(l, &none);
}

static void heard(struct hostile_link *l, struct cht_bytes bytes)
{
    struct net_frame f;
    l->frames++;
    if (net_frame_decode(bytes, &l->arena, &f) != CHT_OK)
        return;
    if (f.kind == NET_FRAME_HELLO) {
        memcpy(l->their_nonce, f.hello.nonce, sizeof l->their_nonce);
        l->heard_hello = true;
    } else if (f.kind == NET_FRAME_HEADS) {
        l->heard_heads = true;
        if (f.heads.stored_count != 0)
            l->tip = f.heads.stored[0];
    } else if (f.kind == NET_FRAME_BYE) {
        l->heard_bye = true;
        l->reason = f.bye.reason;
    } else if (f.kind == NET_FRAME_WANT) {
        l->wants++;
        l->wanted = f.want.tip;
    } else if (f.kind == NET_FRAME_BLOB) {
        heard_blob(l, &f.blob);
    }
    l->misses += f.kind == NET_FRAME_MISS;
    l->acks += f.kind == NET_FRAME_ACK;
    l->ranges += f.kind == NET_FRAME_RANGE;
}

static void collect(struct hostile_link *l)
{
    const struct net_tr_event *events = NULL;
    cht_arena_reset(&l->arena);
    hostile_must(net_transport_collect(l->transport, &l->arena, &events), "collect");
    for (const struct net_tr_event *e = events; e != NULL; e = e->next) {
        if (e->kind == NET_TR_UP) {
            l->conn = e->conn;
            l->ups++;
            l->heard_hello = l->heard_heads = false;
        } else if (e->kind == NET_TR_DOWN && e->conn == l->conn) {
            l->conn = 0;
        } else if (e->kind == NET_TR_REFUSED) {
            l->refused++;
        } else if (e->kind == NET_TR_FRAME) {
            heard(l, e->frame);
        }
    }
}

void hostile_listen(struct hostile_link *l, uint64_t ms, const bool *until)
{
    static zmq_pollitem_t items[NET_TRANSPORT_POLLS];
    const uint64_t end = hostile_now_ms() + ms;
    for (uint64_t now = hostile_now_ms(); now < end && (until == NULL || !*until);
         now = hostile_now_ms()) {
        int count = (int)net_transport_poll(l->transport, items);
        uint64_t wait = end - now < 20 ? end - now : 20;
        (void)zmq_poll(items, count, (long)wait);
        collect(l);
    }
}

bool hostile_let_in(struct hostile_link *l, uint64_t ms)
{
    const uint64_t end = hostile_now_ms() + ms;
    while (l->conn == 0 && hostile_now_ms() < end)
        hostile_listen(l, 5, NULL);
    return l->conn != 0;
}

void hostile_connected(struct hostile_link *l)
{
    if (!hostile_let_in(l, WAIT_MS))
        hostile_fail("the victim does not let it in (%u refusals)", l->refused);
}

bool hostile_say_raw(struct hostile_link *l, unsigned kind, const uint8_t nonce[NET_NONCE_BYTES],
                     struct cht_bytes body)
{
    cht_buf_reset(&l->frame);
    hostile_must(cht_buf_add_u8(&l->frame, (uint8_t)kind), "frame");
    hostile_must(cht_buf_add(&l->frame, cht_bytes(nonce, NET_NONCE_BYTES)), "frame");
    hostile_must(cht_buf_add(&l->frame, body), "frame");
    return net_transport_send(l->transport, l->conn, cht_buf_view(&l->frame)) == CHT_OK;
}

bool hostile_say(struct hostile_link *l, struct net_frame *f)
{
    memcpy(f->nonce, l->their_nonce, sizeof f->nonce);
    cht_buf_reset(&l->frame);
    hostile_must(net_frame_encode(f, &l->frame), "frame");
    return net_transport_send(l->transport, l->conn, cht_buf_view(&l->frame)) == CHT_OK;
}

struct net_frame hostile_hello(const struct hostile_link *l, uint8_t (*space)[CRDT_ID_BYTES])
{
    struct net_frame f = { .kind = NET_FRAME_HELLO };
    f.hello.version_min = NET_PROTOCOL_MIN;
    f.hello.version_max = (uint8_t)(l->version == 0 ? NET_PROTOCOL_MIN : l->version);
    f.hello.level = 1;
    memcpy(f.hello.device, l->id->device, CRDT_ID_BYTES);
    memcpy(f.hello.run, l->id->device, NET_RUN_BYTES);
    memcpy(f.hello.run, l->nonce, NET_NONCE_BYTES); /* another one each time */
    memcpy(f.hello.nonce, l->nonce, NET_NONCE_BYTES);
    memcpy(space[0], l->victim->space, CRDT_ID_BYTES);
    f.hello.space_count = 1;
    f.hello.spaces = (const uint8_t(*)[CRDT_ID_BYTES])space;
    f.hello.name = cht_bytes_str("mallory");
    return f;
}

static void say_members_and_heads(struct hostile_link *l)
{
    struct net_frame f = { .kind = NET_FRAME_MEMBERS };
    f.members.heads = l->victim->heads;
    f.members.head_count = l->victim->head_count;
    f.members.records = l->victim->records;
    f.members.record_count = l->victim->record_count;
    (void)hostile_say(l, &f);
    f = (struct net_frame){ .kind = NET_FRAME_HEADS };
    f.heads.member_heads = l->victim->heads;
    f.heads.member_head_count = l->victim->head_count;
    f.heads.level = 1;
    (void)hostile_say(l, &f);
}

void hostile_live(struct hostile_link *l)
{
    uint8_t space[1][CRDT_ID_BYTES];
    struct net_frame hello = hostile_hello(l, space);
    (void)hostile_say(l, &hello);
    hostile_listen(l, WAIT_MS, &l->heard_hello);
    if (!l->heard_hello)
        hostile_fail("no HELLO in answer");
    say_members_and_heads(l);
    hostile_listen(l, WAIT_MS, &l->heard_heads);
    if (!l->heard_heads)
        hostile_fail("no HEADS in answer");
}

void hostile_begin(struct hostile_link *l, const struct net_identity *id, const struct victim *v)
{
    hostile_dial(l, id, v);
    hostile_connected(l);
    hostile_live(l);
}

unsigned hostile_bye(struct hostile_link *l)
{
    hostile_listen(l, WAIT_MS, &l->heard_bye);
    if (!l->heard_bye)
        hostile_fail("no BYE");
    return l->reason;
}

/* --- entries ------------------------------------------------------------------------------- */

void hostile_path_begin(struct hostile_path *p, const struct net_identity *id,
                        const struct victim *v)
{
    *p = (struct hostile_path){ .id = id, .victim = v };
    cht_arena_init(&p->arena, SIZE_MAX);
    memcpy(p->before.space, v->space, CRDT_ID_BYTES);
    memcpy(p->before.device, id->device, CRDT_ID_BYTES);
    randombytes_buf(p->epoch, CRDT_EPOCH_BYTES);
}

void hostile_path_end(struct hostile_path *p)
{
    cht_arena_clear(&p->arena);
}

static struct cht_bytes kept(struct hostile_path *p, struct cht_bytes bytes)
{
    struct cht_bytes copy;
    hostile_must(cht_arena_copy(&p->arena, bytes, &copy), "memory");
    return copy;
}

struct cht_bytes hostile_body(struct hostile_path *p, const char *text)
{
    struct cht_buf value, body;
    cht_buf_init(&value, LIMIT_VALUE_BYTES);
    cht_buf_init(&body, LIMIT_BODY_BYTES);
    hostile_must(crdt_mp_put_str(&value, cht_bytes_str(text)), "body");
    struct crdt_op op = { .kind = CRDT_OP_PUT, .field = 1, .value = cht_buf_view(&value) };
    hostile_must(crdt_body_encode(&op, 1, &body), "body");
    struct cht_bytes out = kept(p, cht_buf_view(&body));
    cht_buf_clear(&value);
    cht_buf_clear(&body);
    return out;
}

struct crdt_entry hostile_entry(struct hostile_path *p, struct cht_bytes body,
                                const struct crdt_dep *dep)
{
    struct crdt_entry e = { .body = body };
    struct crdt_header *h = &e.header;
    struct timespec wall;
    struct cht_buf bytes;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    memcpy(h->space, p->before.space, CRDT_ID_BYTES);
    memcpy(h->device, p->before.device, CRDT_ID_BYTES);
    memcpy(h->epoch, p->epoch, CRDT_EPOCH_BYTES);
    h->seq = p->before.seq + 1;
    h->prev = p->before.hash;
    h->hlc = crdt_hlc_make((uint64_t)wall.tv_sec * 1000u + h->seq % 1000u, 0);
    h->entity.form = CRDT_REF_SPELT;
    h->entity.id.type = CRDT_TODO;
    randombytes_buf(h->entity.id.b, sizeof h->entity.id.b);
    h->txn_count = 1;
    h->body_len = (uint32_t)body.len;
    h->body_hash = crdt_hash_of(body);
    h->deps = dep;
    h->dep_count = dep != NULL;
    if (h->seq == 1) {
        h->heads = p->victim->heads;
        h->head_count = (uint32_t)p->victim->head_count;
    }
    cht_buf_init(&bytes, LIMIT_HEADER_BYTES);
    hostile_must(crdt_header_encode(h, &bytes), "header");
    e.header_bytes = kept(p, cht_buf_view(&bytes));
    e.hash = crdt_hash_of(e.header_bytes);
    cht_buf_clear(&bytes);
    return e;
}

static struct crdt_range seal(struct hostile_path *p, const struct crdt_before *before,
                              const struct crdt_entry *entries, uint32_t count)
{
    struct crdt_range range = { .own = true, .seq = before->seq + 1, .count = count };
    struct cht_buf payload;
    cht_buf_init(&payload, LIMIT_RANGE_BYTES);
    hostile_must(crdt_range_encode(before, entries, count, &payload, &range.codec), "range");
    range.payload = kept(p, cht_buf_view(&payload));
    cht_buf_clear(&payload);
    memcpy(range.device_tag, p->id->device, sizeof range.device_tag);
    memcpy(range.prev_tag, before->hash.b, sizeof range.prev_tag);
    net_identity_sign(p->id, NET_CONTEXT_HEAD,
                      cht_bytes(entries[count - 1].hash.b, CRDT_HASH_BYTES), range.head);
    return range;
}

static void follow(struct hostile_path *p, const struct crdt_entry *e)
{
    p->before.seq = e->header.seq;
    p->before.hash = e->hash;
    p->before.hlc = e->header.hlc;
    memcpy(p->before.epoch, e->header.epoch, CRDT_EPOCH_BYTES);
}

struct crdt_range hostile_range(struct hostile_path *p, const struct crdt_entry *e, bool move)
{
    const struct crdt_range range = seal(p, &p->before, e, 1);
    if (move)
        follow(p, e);
    return range;
}

struct crdt_range hostile_run(struct hostile_path *p, uint32_t count, const struct crdt_dep *dep)
{
    static struct crdt_entry entries[LIMIT_HEAD_ENTRIES];
    const struct crdt_before before = p->before;
    for (uint32_t i = 0; i < count; i++) {
        entries[i] = hostile_entry(p, hostile_body(p, "one of many"), i == 0 ? dep : NULL);
        follow(p, &entries[i]);
    }
    return seal(p, &before, entries, count);
}

bool hostile_say_range(struct hostile_link *l, const struct crdt_range *range)
{
    struct net_frame f = { .kind = NET_FRAME_RANGE };
    f.range.ranges = range;
    f.range.count = 1;
    return hostile_say(l, &f);
}
