/* What is here and what is not, the policy, and removing (LOCAL 7.4). */
#include "node/service/own.h"

#define LISTED_MAX 4096u

struct node_blobs *service_blobs(const struct node_service *s)
{
    return s->blobs;
}

/* "here", "elsewhere", or where it should be here "missing". */
static const char *state_of(const struct node_service *s, const struct service_attachment *a)
{
    const uint8_t *device = service_attachment_device(s, a);
    if (node_blobs_find(s->blobs, &a->hash) != NULL)
        return "here";
    /* what was attached here goes only when another device keeps it */
    const bool ours = memcmp(device, s->identity->device, CRDT_ID_BYTES) == 0;
    return ours && !node_blobs_kept_elsewhere(s->blobs, &a->hash) ? "missing" : "elsewhere";
}

/* Each blob once: a list sorted by hash has its values side by side. */
static bool first_of(const struct service_attachment *list, size_t i)
{
    return i == 0 || !crdt_hash_eq(&list[i].hash, &list[i - 1].hash);
}

static enum cht_err put_one(struct node_service *s, const struct service_attachment *a,
                            struct cht_buf *out)
{
    char hex[2 * CRDT_HASH_BYTES + 1];
    const struct node_blob *blob = node_blobs_find(s->blobs, &a->hash);
    crdt_hex(cht_bytes(a->hash.b, CRDT_HASH_BYTES), hex);
    enum cht_err err = crdt_mp_put_map(out, 6);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "blob", hex);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "size", a->size);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &node_replica_index(s->replica)->slots[a->n].id, out);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state", state_of(s, a));
    if (err == CHT_OK)
        err = node_mp_put_key_bool(out, "own", blob != NULL && blob->own);
    return err == CHT_OK ? node_mp_put_key_str(
                               out, "from", service_device_name(s, service_attachment_device(s, a)))
                         : err;
}

static enum cht_err put_list(struct node_service *s, struct cht_buf *out)
{
    const struct service_attachment *list;
    size_t count;
    uint32_t told = 0;
    enum cht_err err = service_attachments(s, &list, &count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        told += told < LISTED_MAX && first_of(list, i) ? 1 : 0;
    if (err == CHT_OK)
        err = node_mp_put_text(out, "blobs");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, told);
    for (size_t i = 0; err == CHT_OK && told != 0 && i < count; i++) {
        if (!first_of(list, i))
            continue;
        err = put_one(s, &list[i], out);
        told--;
    }
    return err;
}

struct tally {
    uint64_t named, here, missing, named_bytes, unnamed, unnamed_bytes;
};

static enum cht_err count_up(struct node_service *s, struct tally *t)
{
    const struct service_attachment *list;
    size_t count;
    enum cht_err err = service_attachments(s, &list, &count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        if (!first_of(list, i))
            continue;
        t->named++;
        t->named_bytes += list[i].size;
        t->here += node_blobs_find(s->blobs, &list[i].hash) != NULL;
        t->missing += strcmp(state_of(s, &list[i]), "missing") == 0;
    }
    struct service_attachment a;
    const struct node_blob *blob;
    for (size_t i = 0; err == CHT_OK && (blob = node_blobs_at(s->blobs, i)) != NULL; i++) {
        if (service_attached(s, &blob->hash, &a) == CHT_OK)
            continue;
        t->unnamed++;
        t->unnamed_bytes += blob->size;
    }
    return err;
}

/* What a prune removed. */
struct pruned {
    bool done;
    size_t count;
    uint64_t bytes;
};

static enum cht_err put_blobs(struct node_service *s, bool list, const struct pruned *p,
                              struct cht_buf *out)
{
    struct tally t = { 0 };
    const struct node_blob_policy policy = node_blobs_policy(s->blobs);
    enum cht_err err = count_up(s, &t);
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        { "bytes", node_blobs_bytes(s->blobs) },
        { "quota", policy.quota_bytes },
        { "fetchBelow", policy.fetch_below_bytes },
        { "attached", t.named },
        { "attachedBytes", t.named_bytes },
        { "here", t.here },
        { "missing", t.missing },
        { "unnamed", t.unnamed },
        { "unnamedBytes", t.unnamed_bytes },
        { "damaged", node_blobs_damaged(s->blobs) },
    };
    const uint32_t count = sizeof numbers / sizeof numbers[0];
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, count + (list ? 2u : 1u) + (p->done ? 2u : 0u));
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = node_mp_put_key_uint(out, numbers[i].key, numbers[i].value);
    if (err == CHT_OK)
        err = node_mp_put_key_bool(out, "keep", policy.keep);
    if (err == CHT_OK && p->done)
        err = node_mp_put_key_uint(out, "removed", p->count);
    if (err == CHT_OK && p->done)
        err = node_mp_put_key_uint(out, "removedBytes", p->bytes);
    return err == CHT_OK && list ? put_list(s, out) : err;
}

enum cht_err service_put_blobs(struct node_service *s, bool list, struct cht_buf *out)
{
    const struct pruned none = { .done = false };
    return put_blobs(s, list, &none, out);
}

static enum cht_err set_policy(struct node_service *s, struct cht_bytes args,
                               struct node_fault *fault)
{
    struct node_blob_policy p = node_blobs_policy(s->blobs);
    const struct cht_bytes keep = node_mp_get(args, "keep");
    p.quota_bytes = node_mp_get_uint(args, "quota", p.quota_bytes);
    p.fetch_below_bytes = node_mp_get_uint(args, "fetchBelow", p.fetch_below_bytes);
    p.keep = keep.len == 0 ? p.keep : node_mp_bool(keep);
    if (node_mp_get(args, "quota").len == 0 && node_mp_get(args, "fetchBelow").len == 0 &&
        keep.len == 0)
        return CHT_OK;
    enum cht_err err = node_blobs_set_policy(s->blobs, &p, &fault->error);
    s->attached.version++; /* they are looked through anew for what is to be fetched */
    if (err == CHT_OK)     /* a smaller quota holds at once, as far as blobs may go */
        (void)!node_blobs_room(s->blobs, 0, NULL);
    return err;
}

void service_blobs_sweep(struct node_service *s)
{
    struct service_attachment a;
    const struct node_blob *blob;
    for (size_t i = 0; (blob = node_blobs_at(s->blobs, i)) != NULL; i++) {
        const struct crdt_hash hash = blob->hash;
        const enum cht_err err = service_attached(s, &hash, &a);
        if (err == CHT_OK || err == CHT_E_NOTFOUND)
            node_blobs_named(s->blobs, &hash, err == CHT_OK, s->now_ms);
    }
}

void service_blobs_make_way(struct node_service *s, uint64_t bytes)
{
    if (node_blobs_bytes(s->blobs) + bytes > node_blobs_policy(s->blobs).quota_bytes)
        service_blobs_sweep(s);
}

static struct pruned prune(struct node_service *s)
{
    struct pruned p = { .done = true };
    service_blobs_sweep(s);
    node_blobs_forget_damaged(s->blobs);
    node_blobs_prune(s->blobs, UINT64_MAX, &p.count, &p.bytes);
    return p;
}

void service_blobs_command(struct node_service *s, const struct service_caller *c,
                           struct cht_bytes args)
{
    struct node_fault fault = { 0 };
    struct pruned pruned = { .done = false };
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    enum cht_err err = s->blobs == NULL ? CHT_E_UNSUPPORTED : CHT_OK;
    if (err == CHT_OK)
        err = set_policy(s, args, &fault);
    if (err == CHT_OK && node_mp_get_bool(args, "prune"))
        pruned = prune(s);
    if (err == CHT_OK)
        err = put_blobs(s, true, &pruned, &result);
    if (err == CHT_OK) {
        service_send_built(s, c, err, &result);
    } else {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
    }
    cht_buf_clear(&result);
}
