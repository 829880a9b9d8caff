/* Who is a member, and the commands that change it; see own.h (LOCAL 6.5, PROTOCOL 7.20 to 7.28).
 */
#include "node/service/own.h"

#include <stdlib.h>

#define QUARANTINED_MAX   1000u
#define QUARANTINED_USUAL 100u

static enum cht_err put_hex(struct cht_buf *out, const char *key, const uint8_t *bytes, size_t len)
{
    char hex[2 * CRDT_HASH_BYTES + 1];
    crdt_hex(cht_bytes(bytes, len), hex);
    return node_mp_put_key_text(out, key, hex);
}

static struct cht_bytes name_of(const struct net_device *device)
{
    return cht_bytes(device->name, device->name_len);
}

/* --- reading -------------------------------------------------------------------------------- */

/* A record that is held, taken apart. */
static bool read_record(const struct net_members *m, uint32_t index, struct net_record *out)
{
    return net_record_decode(net_members_record(m, index, NULL), out) == CHT_OK;
}

static bool find_record(const struct net_members *m, const struct crdt_hash *hash,
                        struct net_record *out)
{
    struct crdt_hash have;
    for (uint32_t i = 0; i < net_members_count(m); i++) {
        (void)net_members_record(m, i, &have);
        if (crdt_hash_eq(&have, hash))
            return read_record(m, i, out);
    }
    return false;
}

bool service_admission(const struct net_members *m, const uint8_t *device, struct net_record *out)
{
    uint8_t subject[CRDT_ID_BYTES];
    for (uint32_t i = net_members_count(m); i-- != 0;) { /* parents stand before children */
        struct net_record rec;
        if (!net_members_counts(m, i) || !read_record(m, i, &rec) ||
            (rec.kind != NET_RECORD_FOUND && rec.kind != NET_RECORD_ADMIT))
            continue;
        net_record_subject(&rec, subject);
        if (memcmp(subject, device, CRDT_ID_BYTES) == 0) {
            *out = rec;
            return true;
        }
    }
    return false;
}

/* "device": who wrote a record, with `key` before "Name" for the name. */
static enum cht_err put_author(struct node_service *s, const char *key, const char *name_key,
                               const struct net_record *rec, struct cht_buf *out)
{
    uint8_t id[CRDT_ID_BYTES];
    net_device_of(rec->author, id);
    enum cht_err err = put_hex(out, key, id, sizeof id);
    return err == CHT_OK ? node_mp_put_key_str(out, name_key, service_device_name(s, id)) : err;
}

static const char *state_of(const struct node_service *s, const struct net_device *device)
{
    if (memcmp(device->id, s->identity->device, CRDT_ID_BYTES) == 0)
        return "this device";
    if (device->role == 0)
        return "revoked";
    return s->net.state == NULL ? "" : s->net.state(s->net.ctx, device->id);
}

static enum cht_err put_member(struct node_service *s, const struct net_device *device,
                               struct cht_buf *out)
{
    const struct net_members *m = node_replica_members(s->replica);
    struct net_judgement now = net_members_standing(m, device->id);
    struct net_record admit, fell;
    bool admitted = service_admission(m, device->id, &admit);
    bool void_now = now.standing != NET_STANDS && find_record(m, &now.record, &fell);
    const char *role = net_role_name(device->role);
    enum cht_err err = crdt_mp_put_map(out, 4 + (admitted ? 3u : 0u) + (void_now ? 4u : 0u));
    if (err == CHT_OK)
        err = put_hex(out, "device", device->id, CRDT_ID_BYTES);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "name", name_of(device));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "role", role == NULL ? "none" : role);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state", state_of(s, device));
    if (err == CHT_OK && admitted)
        err = put_author(s, "admittedBy", "admittedByName", &admit, out);
    if (err == CHT_OK && admitted)
        err = node_mp_put_key_uint(out, "since", crdt_hlc_ms(admit.stamp));
    if (err == CHT_OK && void_now)
        err = put_author(s, "limitedBy", "limitedByName", &fell, out);
    if (err == CHT_OK && void_now)
        err = node_mp_put_key_uint(out, "limitedSince", crdt_hlc_ms(fell.stamp));
    if (err == CHT_OK && void_now)
        err = node_mp_put_key_text(out, "how", service_ruling_word(&now, &fell));
    return err;
}

const char *service_ruling_word(const struct net_judgement *judged, const struct net_record *rec)
{
    switch (judged->standing) {
    case NET_STANDS:
        break;
    case NET_VOID_REVOKED:
        return rec->why == NET_WHY_COMPROMISED ? "compromised" : "lost";
    case NET_VOID_ROLE:
        return "role";
    case NET_VOID_ADMISSION:
        return "admission";
    }
    return "";
}

void service_members(struct node_service *s, const struct service_caller *c)
{
    const struct net_members *m = node_replica_members(s->replica);
    uint32_t count = net_members_device_count(m);
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    enum cht_err err = crdt_mp_put_map(&result, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&result, "members");
    if (err == CHT_OK)
        err = crdt_mp_put_array(&result, count);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++)
        err = put_member(s, net_members_device_at(m, i), &result);
    service_send_built(s, c, err, &result);
    cht_buf_clear(&result);
}

enum cht_err service_put_standing(struct node_service *s, struct cht_buf *out)
{
    const struct net_members *m = node_replica_members(s->replica);
    const struct net_device *self = net_members_device(m, s->identity->device);
    struct net_judgement now = net_members_standing(m, s->identity->device);
    struct net_record fell;
    const char *role = self == NULL ? NULL : net_role_name(self->role);
    bool limited = now.standing != NET_STANDS && find_record(m, &now.record, &fell);
    enum cht_err err = node_mp_put_text(out, "membership");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, limited ? 4 : 1);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "role", role == NULL ? "none" : role);
    if (err == CHT_OK && limited)
        err = node_mp_put_key_text(out, "how", service_ruling_word(&now, &fell));
    if (err == CHT_OK && limited)
        err = put_author(s, "by", "byName", &fell, out);
    return err;
}

enum cht_err service_may_not_write(struct node_service *s, struct node_fault *fault)
{
    const struct net_members *m = node_replica_members(s->replica);
    struct net_judgement now = net_members_standing(m, s->identity->device);
    struct net_record fell = { .kind = 0 };
    uint8_t by[CRDT_ID_BYTES];
    bool known = now.standing != NET_STANDS && find_record(m, &now.record, &fell);
    net_device_of(fell.author, by);
    struct cht_bytes name = known ? service_device_name(s, by) : cht_bytes_str("");
    const char *what = now.standing == NET_VOID_REVOKED     ? "was revoked"
                       : now.standing == NET_VOID_ROLE      ? "may only read"
                       : now.standing == NET_VOID_ADMISSION ? "is no member any more"
                                                            : "may not write";
    (void)node_fault_set(fault, CHT_E_DENIED, cht_bytes(NULL, 0),
                         "this device %s in this space%s%.*s: nothing was written", what,
                         name.len == 0 ? "" : " by ", (int)name.len, (const char *)name.data);
    if (now.standing == NET_VOID_ROLE)
        node_fault_hint(fault, "on an admin's device: chitty-node role %s writer", s->device_name);
    else
        node_fault_hint(fault, "on an admin's device: chitty-node readmit %s", s->device_name);
    return CHT_E_DENIED;
}

/* --- what is void --------------------------------------------------------------------------- */

struct telling {
    struct node_service *s;
    struct cht_buf list;
    struct cht_arena arena;
    uint64_t limit;
    uint32_t count;
    enum cht_err err;
};

static enum cht_err put_ruled(struct telling *t, struct crdt_place at)
{
    struct node_service *s = t->s;
    const struct net_members *m = node_replica_members(s->replica);
    const struct node_index *x = node_replica_index(s->replica);
    struct net_judgement judged;
    struct net_record rec;
    struct crdt_entry e;
    uint32_t n = INDEX_NONE;
    enum cht_err err = node_replica_judgement(s->replica, at, &judged);
    if (err == CHT_OK)
        err = node_replica_entry(s->replica, at, &t->arena, &e);
    if (err == CHT_OK)
        err = node_replica_entity_of(s->replica, at, &e, &n);
    bool known = err == CHT_OK && find_record(m, &judged.record, &rec);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&t->list, 5u + (n != INDEX_NONE ? 1u : 0u) + (known ? 3u : 0u));
    if (err == CHT_OK)
        err = put_hex(&t->list, "entry", e.hash.b, CRDT_HASH_BYTES);
    if (err == CHT_OK)
        err = put_hex(&t->list, "device", e.header.device, CRDT_ID_BYTES);
    if (err == CHT_OK)
        err = node_mp_put_key_str(&t->list, "deviceName", service_device_name(s, e.header.device));
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&t->list, "seq", e.header.seq);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&t->list, "stamp", crdt_hlc_ms(e.header.hlc));
    if (err == CHT_OK && n != INDEX_NONE)
        err = service_put_id("chittyId", &x->slots[n].id, &t->list);
    if (err == CHT_OK && known)
        err = node_mp_put_key_text(&t->list, "why", service_ruling_word(&judged, &rec));
    if (err == CHT_OK && known)
        err = put_author(s, "by", "byName", &rec, &t->list);
    return err;
}

static void tell_run(void *ctx, struct crdt_place first, uint32_t count)
{
    struct telling *t = ctx;
    for (uint32_t i = 0; i < count && t->err == CHT_OK && t->count < t->limit; i++) {
        cht_arena_reset(&t->arena);
        t->err = put_ruled(t, (struct crdt_place){ first.chain, first.seq + i });
        t->count++;
    }
}

void service_quarantined(struct node_service *s, const struct service_caller *c,
                         struct cht_bytes args)
{
    struct node_replica_counts counts = node_replica_count(s->replica);
    struct telling t = { .s = s, .limit = node_mp_get_uint(args, "limit", QUARANTINED_USUAL) };
    struct cht_buf result;
    t.limit = t.limit > QUARANTINED_MAX ? QUARANTINED_MAX : t.limit;
    cht_buf_init(&t.list, SERVICE_ANSWER_BYTES - 4096);
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    cht_arena_init(&t.arena, LIMIT_TURN_BYTES);
    node_replica_each_ruled(s->replica, tell_run, &t);
    enum cht_err err = t.err;
    if (err == CHT_OK)
        err = crdt_mp_put_map(&result, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&result, "entryCount", counts.ruled);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&result, "opCount", counts.voids);
    if (err == CHT_OK)
        err = node_mp_put_text(&result, "entries");
    if (err == CHT_OK)
        err = crdt_mp_put_array(&result, t.count);
    if (err == CHT_OK)
        err = cht_buf_add(&result, cht_buf_view(&t.list));
    service_send_built(s, c, err, &result);
    cht_arena_clear(&t.arena);
    cht_buf_clear(&t.list);
    cht_buf_clear(&result);
}
