/* Which entity a text means, and versions as text; see own.h (LOCAL 2.4). */
#include "node/service/names.h"
#include "node/service/own.h"

#include <stdlib.h>

/* Those whose ids begin so. */
static void find_prefix(struct node_service *s, const struct crdt_id_prefix *prefix, unsigned type,
                        struct service_names *found)
{
    const struct node_index *x = node_replica_index(s->replica);
    for (uint32_t n = 0; n < x->count && found->count < NAMES_FOUND_MAX; n++) {
        const struct crdt_id *id = &x->slots[n].id;
        if ((type == 0 || id->type == type) && crdt_id_prefix_matches(prefix, id))
            found->n[found->count++] = n;
    }
}

/* By name, or by the beginning of an id. Most names are beginnings of ids too ("cafe"): what is
 * called just so goes before what begins so, but for what spells its type ("PROJ-CAFE"). */
static enum cht_err find_loosely(struct node_service *s, struct cht_bytes text, unsigned type,
                                 struct node_fault *fault, uint32_t *out)
{
    struct crdt_id_prefix prefix;
    struct service_names found = { .count = 0 };
    const bool begins = crdt_id_prefix_parse(text, &prefix) == CHT_OK && prefix.digits != 0;
    if (begins && prefix.type == CRDT_CONTEXT && type == CRDT_TOPIC)
        prefix.type = CRDT_TOPIC;
    enum cht_err err = CHT_OK;
    if (!begins || prefix.type == 0)
        err = service_names_find(s, text, type, &found);
    if (err == CHT_OK && found.count == 0 && begins)
        find_prefix(s, &prefix, type, &found);
    if (err != CHT_OK)
        return err;
    if (found.count == 0)
        return service_names_none(s, text, type, fault);
    if (found.count > 1)
        return service_names_several(s, text, &found, fault);
    *out = found.n[0];
    return CHT_OK;
}

/* Topics arrive as CHITTY-CONTEXT-… too: where one with those digits is here, or only a topic will
 * do, that is what is meant. */
static void as_topic(struct node_service *s, unsigned type, struct crdt_id *id)
{
    struct crdt_id topic = *id;
    const struct node_index *x = node_replica_index(s->replica);
    topic.type = CRDT_TOPIC;
    if (id->type == CRDT_CONTEXT &&
        (type == CRDT_TOPIC || (type == 0 && node_index_find(x, id) == INDEX_NONE &&
                                node_index_find(x, &topic) != INDEX_NONE)))
        *id = topic;
}

enum cht_err service_find_exact(struct node_service *s, struct cht_bytes text, unsigned type,
                                struct node_fault *fault, uint32_t *out)
{
    struct crdt_id id;
    if (crdt_id_parse(text, &id) != CHT_OK)
        return find_loosely(s, text, type, fault, out);
    as_topic(s, type, &id);
    uint32_t n = node_index_find(node_replica_index(s->replica), &id);
    if (n == INDEX_NONE || (type != 0 && id.type != type))
        return node_fault_set(
            fault, CHT_E_NOTFOUND, cht_bytes_str("chittyId"), "there is no %s %.*s here",
            type == 0 ? "entity" : crdt_type_table(type), (int)text.len, (const char *)text.data);
    *out = n;
    return CHT_OK;
}

enum cht_err service_find(struct node_service *s, struct cht_bytes text, unsigned type,
                          struct node_fault *fault, uint32_t *out)
{
    uint32_t n;
    enum cht_err err = service_find_exact(s, text, type, fault, &n);
    if (err == CHT_OK)
        *out = service_survivor(s, n);
    return err;
}

/* A link may point at what is not here yet: a whole id needs no entity. */
static enum cht_err resolve_id(void *ctx, struct cht_bytes text, unsigned type,
                               struct node_fault *fault, struct crdt_id *out)
{
    struct node_service *s = ctx;
    if (crdt_id_parse(text, out) == CHT_OK) {
        as_topic(s, type, out);
        *out = service_survivor_id(s, out);
        return CHT_OK;
    }
    uint32_t n;
    enum cht_err err = find_loosely(s, text, type, fault, &n);
    if (err == CHT_OK)
        *out = node_replica_index(s->replica)->slots[service_survivor(s, n)].id;
    return err;
}

struct node_id_resolver service_resolver(struct node_service *s)
{
    return (struct node_id_resolver){ .ctx = s, .resolve = resolve_id };
}

/* Hex of the packed vector. Its chain numbers are those of this replica: it is handed back here. */
enum cht_err service_put_vector(const struct node_service *s, const char *key,
                                const struct crdt_vector *v, struct cht_buf *out)
{
    uint8_t raw[NODE_TOKEN_BYTES / 2 + 2 * CHT_VARINT_MAX];
    char hex[sizeof raw * 2 + 1];
    size_t len = 0;
    uint32_t count = 0;
    (void)s;
    for (uint32_t i = 0; i < v->len; i++)
        count += v->seq[i] != 0;
    len += cht_varint_put(raw, count);
    for (uint32_t i = 0; i < v->len && len <= NODE_TOKEN_BYTES / 2; i++) {
        if (v->seq[i] == 0)
            continue;
        len += cht_varint_put(raw + len, i);
        len += cht_varint_put(raw + len, v->seq[i]);
    }
    if (len > NODE_TOKEN_BYTES / 2)
        return CHT_E_LIMIT;
    crdt_hex(cht_bytes(raw, len), hex);
    return node_mp_put_key_str(out, key, cht_bytes(hex, 2 * len));
}

enum cht_err service_read_vector(const struct node_service *s, struct cht_bytes text,
                                 struct crdt_vector *out)
{
    uint8_t raw[NODE_TOKEN_BYTES / 2];
    if (text.len % 2 != 0 || text.len / 2 > sizeof raw ||
        crdt_unhex(text, raw, text.len / 2) != CHT_OK)
        return CHT_E_INVALID;
    struct cht_wire w = cht_wire(cht_bytes(raw, text.len / 2));
    enum cht_err err = crdt_vector_unpack(&w, node_replica_graph(s->replica)->chain_count, out);
    if (err == CHT_OK)
        err = cht_wire_end(&w);
    return err == CHT_OK || err == CHT_E_NOMEM ? err : CHT_E_INVALID;
}

enum cht_err service_put_id(const char *key, const struct crdt_id *id, struct cht_buf *out)
{
    char text[CRDT_ID_TEXT_MAX];
    crdt_id_text(id, text);
    return node_mp_put_key_text(out, key, text);
}

struct cht_bytes service_device_name(const struct node_service *s, const uint8_t *device)
{
    const struct net_device *d = net_members_device(node_replica_members(s->replica), device);
    return d == NULL ? cht_bytes(NULL, 0) : cht_bytes(d->name, d->name_len);
}

/* An actor is 16 bytes without a type (PROTOCOL 2.1): an entity with those bytes gives it one. */
static void actor_text(const struct node_service *s, struct crdt_id actor,
                       char out[static CRDT_ID_TEXT_MAX])
{
    for (uint8_t type = CRDT_TOPIC; type <= CRDT_DEVICE; type++) {
        actor.type = type;
        if (node_index_find(node_replica_index(s->replica), &actor) != INDEX_NONE) {
            crdt_id_text(&actor, out);
            return;
        }
    }
    crdt_hex(cht_bytes(actor.b, CRDT_ID_BYTES), out);
}

enum cht_err service_put_actor_of(struct node_service *s, const char *key, struct crdt_place at,
                                  const struct crdt_entry *e, struct cht_buf *out)
{
    struct crdt_id actor;
    char text[CRDT_ID_TEXT_MAX] = "";
    enum cht_err err = node_replica_actor_of(s->replica, at, e, &actor);
    if (err == CHT_OK)
        actor_text(s, actor, text);
    if (err != CHT_OK && err != CHT_E_NOTFOUND)
        return err;
    return node_mp_put_key_text(out, key, text);
}

enum cht_err service_put_actor(struct node_service *s, const char *key, struct crdt_place at,
                               struct cht_buf *out)
{
    struct cht_arena arena;
    struct crdt_entry e;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    enum cht_err err = node_replica_entry(s->replica, at, &arena, &e);
    if (err == CHT_OK)
        err = service_put_actor_of(s, key, at, &e, out);
    cht_arena_clear(&arena);
    return err;
}

enum cht_err service_put_by(struct node_service *s, struct crdt_place at, struct cht_buf *out)
{
    const uint8_t *device = crdt_graph_device_id(node_replica_graph(s->replica), at.chain);
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(device, CRDT_ID_BYTES), hex);
    enum cht_err err = node_mp_put_text(out, "by");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "device", hex);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "deviceName", service_device_name(s, device));
    return err == CHT_OK ? service_put_actor(s, "actor", at, out) : err;
}
