/* A hostile member, for tests/e2e/hostile.py and chitty-bench: it has the keys of an admitted
 * device (the home of CHITTY_HOME, whose node does not run), admits more of its kind, and each of
 * those attacks the node at ADDRESS in one way.
 *
 *   hostile HOST:PORT DEVICE [--flood SECONDS] [--slow] [ATTACK…]
 *
 * For each attack a line of JSON: {"attack", "device", "counter", "sent"}: what it was, who did it,
 * where the node is to have counted it, and how often. `--flood`: instead, three devices send as
 * much as they can for so long. `--slow`: also the attacks that take a minute. */
#include "node/home.h"
#include "tests/e2e/hostile_attacks.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLOOD_ENTRIES 2000u /* an independent reader checks each of their heads */
#define FLOODERS      3u
#define SLOW_MS       62000u

/* --- the devices --------------------------------------------------------------------------- */

struct gang {
    struct victim victims[2]; /* the second: only the founding record as its head */
    struct net_identity *ids[HOSTILE_KINDS_MAX];
    struct cht_bytes records[HOSTILE_KINDS_MAX];
    size_t count;
    struct cht_arena arena;
};

static void admit(struct gang *g, const struct node_home *home, const char *name)
{
    struct net_members *m = node_replica_members(home->replica);
    struct net_seeds seeds;
    struct cht_buf record;
    struct net_identity *id = calloc(1, sizeof *id);
    if (id == NULL)
        hostile_fail("out of memory");
    randombytes_buf(&seeds, sizeof seeds);
    const crdt_hlc_stamp stamp = crdt_hlc_make(node_wall_ms(), 0);
    net_identity_make(id, &seeds, 1, stamp);
    struct net_admission admission = {
        .stamp = stamp, .role = NET_ROLE_ADMIN, .cert = &id->cert, .name = cht_bytes_str(name)
    };
    cht_buf_init(&record, LIMIT_RECORD_BYTES);
    hostile_must(net_members_admit(m, &admission, home->identity, &record), "admit");
    hostile_must(cht_arena_copy(&g->arena, cht_buf_view(&record), &g->records[g->count]), "admit");
    hostile_must(node_replica_add_record(home->replica, g->records[g->count]), "record");
    cht_buf_clear(&record);
    g->ids[g->count++] = id;
}

/* Everything the gang needs of the home: keys, membership, whom to attack. */
static void gather(struct gang *g, const char *address, const char *device, bool flooders)
{
    struct node_home home;
    struct node_fault fault = { 0 };
    struct victim *v = &g->victims[0];
    struct hostile_link l;
    uint32_t count = 0;
    cht_arena_init(&g->arena, SIZE_MAX);
    hostile_must(node_home_start(false, &fault, &home), cht_error_text(&fault.error));
    struct net_members *m = node_replica_members(home.replica);
    (void)snprintf(v->endpoint, sizeof v->endpoint, "tcp://%s", address);
    hostile_must(crdt_unhex(cht_bytes_str(device), v->device, CRDT_ID_BYTES), "device");
    const struct net_device *d = net_members_device(m, v->device);
    if (d == NULL)
        hostile_fail("%s is no device of the space", device);
    memcpy(v->server_key, d->cert.transport_pk, NET_CURVE_KEY_BYTES);
    memcpy(v->space, node_replica_space(home.replica), CRDT_ID_BYTES);
    for (size_t i = 0; i < (flooders ? FLOODERS : hostile_kind_count); i++)
        admit(g, &home, flooders ? "flooder" : hostile_kinds[i].name);
    const struct crdt_hash *heads = net_members_heads(m, &count);
    memcpy(v->heads, heads, count * sizeof *heads);
    v->head_count = count;
    v->records = g->records;
    v->record_count = g->count;
    g->victims[1] = *v;
    g->victims[1].head_count = 1;
    (void)net_members_record(m, 0, &g->victims[1].heads[0]);
    hostile_begin(&l, home.identity, v); /* the victim hears of them all */
    hostile_close(&l);
    v->record_count = 0;
    node_home_end(&home);
}

/* --- attacking ----------------------------------------------------------------------------- */

static bool wanted(const struct kind *k, char **names, int count, bool slow)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], k->name) == 0)
            return true;
    }
    return count == 0 && (slow || !k->slow);
}

static void tell(const struct kind *k, const struct attack *a)
{
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(a->id->device, CRDT_ID_BYTES), hex);
    (void)printf("{\"attack\":\"%s\",\"device\":\"%s\",\"counter\":\"%s\",\"sent\":%u}\n", k->name,
                 hex, a->counter == NULL ? "" : a->counter, a->sent);
    (void)fflush(stdout);
}

static void attack_all(struct gang *g, char **names, int count, bool slow)
{
    static struct attack attacks[HOSTILE_KINDS_MAX];
    const uint64_t start = hostile_now_ms();
    uint64_t least = 0;
    for (size_t i = 0; i < hostile_kind_count; i++) {
        struct attack *a = &attacks[i];
        if (!wanted(&hostile_kinds[i], names, count, slow))
            continue;
        *a = (struct attack){ .id = g->ids[i], .v = g->victims, .arg = hostile_kinds[i].arg };
        hostile_kinds[i].run(a);
        if (hostile_kinds[i].slow) {
            least = SLOW_MS;
            continue; /* it stays as it is until the end */
        }
        tell(&hostile_kinds[i], a);
        hostile_close(&a->l);
        hostile_path_end(&a->p);
    }
    const uint64_t took = hostile_now_ms() - start;
    for (size_t i = 0; i < hostile_kind_count; i++) {
        if (attacks[i].id == NULL || !hostile_kinds[i].slow)
            continue;
        if (took < least)
            (void)zmq_poll(NULL, 0, (long)(least - took));
        least = 0;
        tell(&hostile_kinds[i], &attacks[i]);
        hostile_close(&attacks[i].l);
        hostile_path_end(&attacks[i].p);
    }
}

/* --- flooding ------------------------------------------------------------------------------ */

/* Connect, as soon as it is let in; false: not before the end. */
static bool again(struct attack *a, uint64_t end)
{
    const uint64_t now = hostile_now_ms();
    hostile_dial(&a->l, a->id, a->v);
    if (now >= end || !hostile_let_in(&a->l, end - now)) {
        hostile_close(&a->l);
        return false;
    }
    hostile_live(&a->l);
    return true;
}

/* Megabytes that nobody asked for. */
static void flood_bytes(struct attack *a, uint64_t end)
{
    uint8_t *junk = calloc(1, LIMIT_FRAME_BYTES - NET_FRAME_HEAD_BYTES);
    const struct cht_bytes body = cht_bytes(junk, LIMIT_FRAME_BYTES - NET_FRAME_HEAD_BYTES);
    while (again(a, end)) {
        while (hostile_now_ms() < end && a->l.conn != 0) {
            bool sent = hostile_say_raw(&a->l, NET_FRAME_RANGE, a->l.nonce, body);
            hostile_listen(&a->l, sent ? 1 : 5, NULL);
            a->sent += sent;
        }
        hostile_close(&a->l);
    }
    free(junk);
}

/* More questions than it may ask. */
static void flood_frames(struct attack *a, uint64_t end)
{
    while (again(a, end)) {
        hostile_attack_flood(a);
        hostile_close(&a->l);
    }
}

/* True entries, as fast as they are acked. */
static void flood_entries(struct attack *a, uint64_t end)
{
    hostile_attack_begin(a);
    while (hostile_now_ms() < end && !a->l.heard_bye) {
        for (unsigned i = 0; i < 32 && a->sent < FLOOD_ENTRIES && a->sent < a->l.acks + 48;
             i++, a->sent++)
            hostile_attack_say(a, hostile_body(&a->p, "flood"), NULL);
        hostile_listen(&a->l, 1, NULL);
    }
    hostile_listen(&a->l, 500, NULL);
    hostile_path_end(&a->p);
    hostile_close(&a->l);
}

static int flood_all(struct gang *g, unsigned seconds)
{
    static void (*const floods[FLOODERS])(struct attack *, uint64_t) = { flood_bytes, flood_frames,
                                                                         flood_entries };
    const uint64_t end = hostile_now_ms() + 1000u * (uint64_t)seconds;
    int status = 0, left = 0;
    for (size_t i = 0; i < FLOODERS; i++) {
        struct attack a = { .id = g->ids[i], .v = g->victims };
        pid_t child = fork();
        if (child == 0) {
            floods[i](&a, end);
            (void)printf("{\"flooder\":%zu,\"sent\":%u}\n", i, a.sent);
            exit(0);
        }
        left += child > 0;
    }
    for (int said; left > 0 && wait(&said) > 0; left--)
        status |= said;
    return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct gang gang;
    unsigned flood_s = 0;
    bool slow = false;
    int at = 3;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--slow") == 0)
            slow = true;
        else if (strcmp(argv[at], "--flood") == 0 && at + 1 < argc)
            flood_s = (unsigned)strtoul(argv[++at], NULL, 10);
    }
    if (argc < 3 || sodium_init() < 0)
        hostile_fail("usage: hostile HOST:PORT DEVICE [--flood SECONDS] [--slow] [ATTACK…]");
    gather(&gang, argv[1], argv[2], flood_s != 0);
    if (flood_s != 0)
        return flood_all(&gang, flood_s);
    attack_all(&gang, argv + at, argc - at, slow);
    return 0;
}
