/* What `status` says of devices that speak with two voices: forks that are proved, branches, own
 * entries that came from outside, the backup this home was made from; see own.h (LOCAL 6.6). */
#include "node/service/own.h"
#include "node/store/backup.h"

static enum cht_err put_device(const struct node_service *s, const uint8_t *device,
                               struct cht_buf *out)
{
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(device, CRDT_ID_BYTES), hex);
    enum cht_err err = node_mp_put_key_text(out, "device", hex);
    return err == CHT_OK ? node_mp_put_key_str(out, "name", service_device_name(s, device)) : err;
}

enum cht_err service_put_forks(struct node_service *s, struct cht_buf *out)
{
    size_t count;
    const struct node_fork *forks = node_replica_forks(s->replica, &count);
    enum cht_err err = node_mp_put_text(out, "forks");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, (uint32_t)count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        char epoch[2 * CRDT_EPOCH_BYTES + 1];
        bool own = memcmp(forks[i].id.device, s->identity->device, CRDT_ID_BYTES) == 0;
        crdt_hex(cht_bytes(forks[i].id.epoch, CRDT_EPOCH_BYTES), epoch);
        err = crdt_mp_put_map(out, 6);
        if (err == CHT_OK)
            err = put_device(s, forks[i].id.device, out);
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "epoch", epoch);
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "seq", forks[i].seq);
        if (err == CHT_OK)
            err = node_mp_put_key_bool(out, "own", own);
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "at", forks[i].at_ms);
    }
    return err;
}

/* Devices whose chain branches, with how many tips of it are in no other entry's past. */
static enum cht_err put_branches(struct node_service *s, struct cht_buf *out)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    uint32_t count = 0;
    for (uint32_t d = 0; d < g->device_count; d++)
        count += g->devices[d].chain_count > 1;
    enum cht_err err = node_mp_put_text(out, "branches");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (uint32_t d = 0; err == CHT_OK && d < g->device_count; d++) {
        struct crdt_place none[1];
        uint32_t tips = 0;
        if (g->devices[d].chain_count < 2)
            continue;
        err = crdt_graph_tips(g, &g->applied, d, none, 0, &tips);
        if (err == CHT_OK)
            err = crdt_mp_put_map(out, 4);
        if (err == CHT_OK)
            err = put_device(s, g->devices[d].id, out);
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "branches", g->devices[d].chain_count);
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "tips", tips);
    }
    return err;
}

/* 0: this home's database was never a backup. */
static void restored_at(struct node_service *s, uint64_t *out_backup_ms, uint64_t *out_restored_ms)
{
    struct node_store *store = node_replica_store(s->replica);
    struct node_backup_note note = { .at_ms = 0 };
    struct cht_buf value;
    *out_backup_ms = *out_restored_ms = 0;
    if (node_backup_read_note(store, &note) == CHT_OK)
        *out_backup_ms = note.at_ms;
    cht_buf_init(&value, 64);
    if (node_store_get_meta(store, NODE_META_RESTORED, &value) == CHT_OK && value.len == 8)
        *out_restored_ms = cht_get_u64(value.data);
    cht_buf_clear(&value);
}

enum cht_err service_put_clones(struct node_service *s, struct cht_buf *out)
{
    const struct node_twins twins = node_replica_twins(s->replica);
    uint64_t backup_ms, restored_ms;
    restored_at(s, &backup_ms, &restored_ms);
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        { "reclaimed", twins.reclaimed }, { "reclaimedAt", twins.reclaimed_ms },
        { "elsewhere", twins.elsewhere }, { "elsewhereAt", twins.elsewhere_ms },
        { "backupAt", backup_ms },        { "restoredAt", restored_ms },
    };
    const size_t count = sizeof numbers / sizeof numbers[0];
    enum cht_err err = node_mp_put_text(out, "clones");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, (uint32_t)count + 1);
    if (err == CHT_OK)
        err = put_branches(s, out);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = node_mp_put_key_uint(out, numbers[i].key, numbers[i].value);
    return err;
}
