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
    const struct crdt_field *f = crdt_field_named(id->type, cht_bytes_str(t->title_field));
    const struct crdt_cell *c = crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    struct cht_bytes text = { 0 };
    if (c != NULL)
        text = cut(
            crdt_mp_peek(crdt_cell_shown(node_replica_graph(s->replica), id->type, c)->bytes).data);
    titles->kept[n % TITLES_KEPT].n = n;
    titles->kept[n % TITLES_KEPT].known = true;
    titles->kept[n % TITLES_KEPT].len = (uint8_t)text.len;
    if (text.len != 0)
        memcpy(titles->kept[n % TITLES_KEPT].text, text.data, text.len);
    *out = cht_bytes(titles->kept[n % TITLES_KEPT].text, text.len);
    return CHT_OK;
}

enum cht_err service_put_titles(struct node_service *s, struct service_titles *titles,
                                const struct service_link *links, unsigned count,
                                struct cht_buf *out)
{
    struct cht_bytes found[TITLES_FIELDS_MAX], one;
    char room[TITLES_FIELDS_MAX][TITLES_BYTES];
    unsigned known = 0;
    enum cht_err err = CHT_OK;
    count = count > TITLES_FIELDS_MAX ? TITLES_FIELDS_MAX : count;
    for (unsigned i = 0; err == CHT_OK && i < count; i++) {
        err = look_up(s, titles, &links[i].id, &one);
        if (err == CHT_OK && one.len != 0)
            memcpy(room[i], one.data, one.len); /* the next look may take its place */
        found[i] = cht_bytes(room[i], one.len);
        known += one.len != 0;
    }
    if (err == CHT_OK)
        err = node_mp_put_text(out, "titles");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, known);
    for (unsigned i = 0; err == CHT_OK && i < count; i++) {
        if (found[i].len != 0)
            err = node_mp_put_key_str(out, links[i].field, found[i]);
    }
    return err;
}
