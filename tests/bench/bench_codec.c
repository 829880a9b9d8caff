/* codec-bench: what the range codec costs, in microseconds and bytes an op, with its head.
 * The workload is the peers': 10,000 todos of eight fields, each op one put of a random field of a
 * random todo. "tight": written in a loop; "human": 20 s apart on average. */
#include "crdt/range.h"
#include "tests/support/seeded.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define TODOS     10000u
#define OPS       65536u
#define ROUNDS    3
#define RANGE_MAX 256u

static const char *const words[] = { "sync",  "node",    "todo",    "write", "test",
                                     "merge", "clock",   "delta",   "peer",  "session",
                                     "repo",  "context", "service", "topic", "fix",
                                     "plan",  "read",    "ship",    "trace", "replay" };
static const char *const states[] = { "open", "doing", "blocked", "review", "closed" };

struct bench {
    struct seeded random;
    struct crdt_before before;  /* of the first entry */
    struct crdt_entry *entries; /* OPS of them */
    struct cht_arena arena;
    struct cht_arena turn; /* of decoded ranges */
    struct cht_buf out;
};

static void must(enum cht_err err)
{
    if (err != CHT_OK) {
        (void)fprintf(stderr, "codec-bench: %s\n", cht_err_text(err));
        exit(1);
    }
}

static double cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static size_t put_text(uint8_t *out, const char *text, size_t len)
{
    size_t head = 1;
    if (len < 32) {
        out[0] = (uint8_t)(0xa0 | len);
    } else {
        out[0] = 0xd9;
        out[1] = (uint8_t)len;
        head = 2;
    }
    memcpy(out + head, text, len);
    return head + len;
}

/* title, body, status, priority, project, assignee, due, done */
static size_t put_value(struct bench *b, unsigned field, uint8_t *out)
{
    char text[256] = "";
    uint32_t due = 1760000000u + seeded_below(&b->random, 10000000);
    switch (field) {
    case 0:
    case 1:
        for (int i = 0; i < (field == 0 ? 5 : 16); i++) {
            strcat(text, i == 0 ? "" : " ");
            strcat(text, words[seeded_below(&b->random, 20)]);
        }
        return put_text(out, text, strlen(text));
    case 2:
        strcpy(text, states[seeded_below(&b->random, 5)]);
        return put_text(out, text, strlen(text));
    case 3:
        out[0] = (uint8_t)seeded_below(&b->random, 5);
        return 1;
    case 4:
        return put_text(out, text, (size_t)sprintf(text, "proj-%u", seeded_below(&b->random, 50)));
    case 5:
        return put_text(out, text, (size_t)sprintf(text, "user-%u", seeded_below(&b->random, 8)));
    case 6:
        out[0] = 0xce;
        for (int i = 0; i < 4; i++)
            out[1 + i] = (uint8_t)(due >> (24 - 8 * i));
        return 5;
    default:
        out[0] = (uint8_t)(0xc2 + seeded_below(&b->random, 2));
        return 1;
    }
}

static crdt_hlc_stamp tick(struct bench *b, crdt_hlc_stamp last, bool human)
{
    double chance = (double)(seeded_next(&b->random) >> 11) / 9007199254740992.0;
    uint64_t ms = human ? (uint64_t)(-log(1 - chance) * 20000) : chance < 0.1;
    if (ms == 0)
        return last + 1;
    return crdt_hlc_make(crdt_hlc_ms(last) + ms, 0);
}

static void fill(struct bench *b, bool human)
{
    struct crdt_hash prev;
    crdt_hlc_stamp stamp = crdt_hlc_make(1763700000000, 0);
    cht_arena_reset(&b->arena);
    seeded_fill(&b->random, b->before.space, CRDT_ID_BYTES);
    seeded_fill(&b->random, b->before.device, CRDT_ID_BYTES);
    seeded_fill(&b->random, b->before.epoch, CRDT_EPOCH_BYTES);
    seeded_fill(&b->random, b->before.hash.b, CRDT_HASH_BYTES);
    b->before.seq = TODOS;
    b->before.hlc = stamp;
    prev = b->before.hash;
    for (uint32_t i = 0; i < OPS; i++) {
        struct crdt_entry *e = &b->entries[i];
        uint8_t *body = cht_arena_alloc(&b->arena, 256);
        uint8_t *header = cht_arena_alloc(&b->arena, 128);
        unsigned field = seeded_below(&b->random, 8);
        memcpy(body, "\x91\x93\x01", 3);
        body[3] = (uint8_t)(field + 1);
        e->body = cht_bytes(body, 4 + put_value(b, field, body + 4));
        stamp = tick(b, stamp, human);
        e->header = (struct crdt_header){ .seq = b->before.seq + 1 + i, .txn_count = 1 };
        memcpy(e->header.space, b->before.space, CRDT_ID_BYTES);
        memcpy(e->header.device, b->before.device, CRDT_ID_BYTES);
        memcpy(e->header.epoch, b->before.epoch, CRDT_EPOCH_BYTES);
        e->header.prev = prev;
        e->header.hlc = stamp;
        e->header.entity.form = CRDT_REF_NAMED;
        e->header.entity.name.seq = 1 + seeded_below(&b->random, TODOS);
        e->header.body_len = (uint32_t)e->body.len;
        e->header.body_hash = crdt_hash_of(e->body);
        e->header_bytes = cht_bytes(header, crdt_header_put(&e->header, header));
        e->hash = crdt_hash_of(e->header_bytes);
        prev = e->hash;
    }
}

static struct crdt_before before_at(const struct bench *b, uint32_t i)
{
    struct crdt_before before = b->before;
    if (i != 0) {
        before.hash = b->entries[i - 1].hash;
        before.hlc = b->entries[i - 1].header.hlc;
        before.seq = b->entries[i - 1].header.seq;
    }
    return before;
}

static void run(struct bench *b, const char *name, uint32_t size)
{
    double encode_us = 1e18;
    double decode_us = 1e18;
    size_t bytes = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double encode = 0;
        double decode = 0;
        bytes = 0;
        for (uint32_t i = 0; i + size <= OPS; i += size) {
            struct crdt_before before = before_at(b, i);
            struct crdt_entry *got = NULL;
            enum crdt_codec codec = CRDT_CODEC_RAW;
            cht_buf_reset(&b->out);
            cht_arena_reset(&b->turn);
            double start = cpu_us();
            must(crdt_range_encode(&before, &b->entries[i], size, &b->out, &codec));
            double middle = cpu_us();
            must(crdt_range_decode(&before, size, codec, cht_buf_view(&b->out), &b->turn, &got));
            decode += cpu_us() - middle;
            encode += middle - start;
            bytes += b->out.len + CRDT_SIG_BYTES;
            if (!crdt_hash_eq(&got[size - 1].hash, &b->entries[i + size - 1].hash))
                must(CHT_E_INTERNAL);
        }
        encode_us = encode < encode_us ? encode : encode_us;
        decode_us = decode < decode_us ? decode : decode_us;
    }
    double ops = (double)(OPS / size * size);
    printf("%-6s %4u  %7.2f B/op  encode %6.3f us/op  decode %6.3f us/op\n", name, size,
           (double)bytes / ops, encode_us / ops, decode_us / ops);
}

int main(void)
{
    static const uint32_t sizes[] = { 1, 4, 16, 64, RANGE_MAX };
    struct bench b = { .random = seeded_start(7) };
    cht_arena_init(&b.arena, (size_t)256 << 20);
    cht_arena_init(&b.turn, (size_t)64 << 20);
    cht_buf_init(&b.out, LIMIT_RANGE_BYTES);
    b.entries = calloc(OPS, sizeof *b.entries);
    if (b.entries == NULL)
        return 1;
    for (int human = 0; human < 2; human++) {
        fill(&b, human != 0);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            run(&b, human != 0 ? "human" : "tight", sizes[i]);
    }
    free(b.entries);
    cht_buf_clear(&b.out);
    cht_arena_clear(&b.turn);
    cht_arena_clear(&b.arena);
    return 0;
}
