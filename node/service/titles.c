/* What linked records are called; see titles.h (LOCAL 4.14). */
#include "node/service/titles.h"

#include "node/service/own.h"

/* At most TITLES_BYTES of a text, cut between characters. */
static struct cht_bytes cut(struct cht_bytes text)
{
    if (text.len <= TITLES_BYTES)
        return text;
    size_t len = TITLES_BYTES;
    while (len > 0 && (text.data[len] & 0xC0) == 0x80)
        len--;
    return cht_bytes(text.data, len);
}

/* The text that a register shows; empty where it has none. */
static struct cht_bytes shown_text(const struct node_service *s, const struct crdt_state *state,
                                   const char *name)
{
    const unsigned type = state->id.type;
    const struct crdt_field *f = crdt_field_named(type, cht_bytes_str(name));
    const struct crdt_cell *c = crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    if (c == NULL)
        return (struct cht_bytes){ 0 };
    return crdt_mp_peek(crdt_cell_shown(node_replica_graph(s->replica), type, c)->bytes).data;
}

static enum cht_err look_up(struct node_service *s, struct service_titles *titles,
                            const struct crdt_id *id, struct cht_bytes *out)
{
    const struct crdt_type_schema *t = crdt_schema(id->type);
    const uint32_t n = node_index_find(node_replica_index(s->replica), id);
    const struct crdt_state *state;
    *out = (struct cht_bytes){ 0 };
    if (t == NULL || n == INDEX_NONE)
        return CHT_OK;
    if (titles->kept[n % TITLES_KEPT].known && titles->kept[n % TITLES_KEPT].n == n) {
        *out = cht_bytes(titles->kept[n % TITLES_KEPT].text, titles->kept[n % TITLES_KEPT].len);
        return CHT_OK;
    }
    enum cht_err err = node_replica_state(s->replica, n, &state);
    if (err != CHT_OK)
        return err;
    struct cht_bytes text = cut(shown_text(s, state, t->title_field));
    if (text.len == 0 && id->type == CRDT_SESSION)
        text = cut(shown_text(s, state, "session_id"));
    titles->kept[n % TITLES_KEPT].n = n;
    titles->kept[n % TITLES_KEPT].known = true;
    titles->kept[n % TITLES_KEPT].len = (uint8_t)text.len;
    if (text.len != 0)
        memcpy(titles->kept[n % TITLES_KEPT].text, text.data, text.len);
    *out = cht_bytes(titles->kept[n % TITLES_KEPT].text, text.len);
    return CHT_OK;
}

enum cht_err service_title_map(struct cht_buf *out, struct service_title_map *map)
{
    static const uint8_t head[] = { 0xde, 0, 0 }; /* map 16 */
    *map = (struct service_title_map){ .out = out, .at = out->len };
    return cht_buf_add(out, cht_bytes(head, sizeof head));
}

static void grew(struct service_title_map *map)
{
    map->count++;
    map->out->data[map->at + 1] = (uint8_t)(map->count >> 8);
    map->out->data[map->at + 2] = (uint8_t)map->count;
}

enum cht_err service_title_put(struct node_service *s, struct service_titles *titles,
                               struct cht_bytes key, const struct crdt_id *id,
                               struct service_title_map *map)
{
    struct cht_bytes title;
    enum cht_err err = look_up(s, titles, id, &title);
    if (err != CHT_OK || title.len == 0 || map->count == UINT16_MAX)
        return err;
    err = crdt_mp_put_str(map->out, key);
    if (err == CHT_OK)
        err = crdt_mp_put_str(map->out, title);
    if (err != CHT_OK)
        return err;
    grew(map);
    return CHT_OK;
}

/* --- what links are called ----------------------------------------------------------------- */

/* The id in the bytes of a link (PROTOCOL 6.3). */
static bool link_of(struct cht_bytes value, struct crdt_id *out)
{
    const struct cht_bytes raw = crdt_mp_peek(value).data;
    if (raw.len != 1 + CRDT_ID_BYTES)
        return false;
    out->type = raw.data[0];
    memcpy(out->b, raw.data + 1, CRDT_ID_BYTES);
    return true;
}

static enum cht_err put_by_id(struct node_service *s, struct service_titles *titles,
                              struct cht_bytes link, struct service_title_map *map)
{
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    if (!link_of(link, &id))
        return CHT_OK;
    crdt_id_text(&id, text);
    return service_title_put(s, titles, cht_bytes_str(text), &id, map);
}

/* The links of a field that is a set. */
static enum cht_err put_set_titles(struct node_service *s, const struct crdt_state *state,
                                   const struct crdt_field *f, struct service_titles *titles,
                                   struct service_title_map *map)
{
    struct service_title_map elements;
    const size_t start = map->out->len;
    enum cht_err err = node_mp_put_text(map->out, f->name);
    if (err == CHT_OK)
        err = service_title_map(map->out, &elements);
    for (uint32_t i = 0; err == CHT_OK && i < state->count; i++) {
        if (state->cells[i].field == f->number)
            err = put_by_id(s, titles, state->cells[i].key, &elements);
    }
    if (err == CHT_OK && elements.count != 0)
        grew(map);
    else
        map->out->len = start;
    return err;
}

enum cht_err service_put_titles(struct node_service *s, const struct crdt_state *state,
                                struct cht_bytes fields, struct service_titles *titles,
                                struct cht_buf *out)
{
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    const struct crdt_graph *g = node_replica_graph(s->replica);
    struct service_title_map map;
    struct crdt_id id;
    enum cht_err err = node_mp_put_text(out, "titles");
    if (err == CHT_OK)
        err = service_title_map(out, &map);
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        if (f->value != CRDT_V_ID || !service_field_wanted(fields, f->name))
            continue;
        if (f->kind == CRDT_SET) {
            err = put_set_titles(s, state, f, titles, &map);
            continue;
        }
        const struct crdt_cell *c = crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
        if (c != NULL && link_of(crdt_cell_shown(g, t->type, c)->bytes, &id))
            err = service_title_put(s, titles, cht_bytes_str(f->name), &id, &map);
    }
    return err;
}

enum cht_err service_put_cell_titles(struct node_service *s, unsigned type,
                                     const struct crdt_cell *cells, uint32_t count,
                                     struct service_titles *titles, struct cht_buf *out)
{
    struct service_title_map map;
    enum cht_err err = node_mp_put_text(out, "titles");
    if (err == CHT_OK)
        err = service_title_map(out, &map);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        const struct crdt_cell *c = &cells[i];
        const struct crdt_field *f = crdt_field(type, c->field);
        if (f == NULL || f->value != CRDT_V_ID)
            continue;
        if (f->kind == CRDT_SET)
            err = put_by_id(s, titles, c->key, &map);
        for (uint32_t k = 0; err == CHT_OK && f->kind == CRDT_REGISTER && k < c->count; k++)
            err = put_by_id(s, titles, c->values[k].bytes, &map);
    }
    return err;
}
