/* Entities by what people call them; see names.h (LOCAL 2.4). */
#include "node/service/names.h"

#include "crdt/address.h"
#include "crdt/limits.h"
#include "crdt/natural.h"
#include "node/service/own.h"
#include "node/store/words.h"

#include <stdio.h>

#define TITLED_MAX    512u /* candidates of one search for a title */
#define NEAR_MAX      200u /* names that one is compared with */
#define NEAR_BYTES    64u
#define SHOWN_BYTES   24u /* of a candidate's title */
#define SHORT_ID_SKIP 7u  /* "CHITTY-" */

/* Types of which a person has few. */
static bool few(unsigned type)
{
    return type == CRDT_TOPIC || type == CRDT_PROJECT || type == CRDT_REPO ||
           type == CRDT_SERVICE || type == CRDT_DEVICE;
}

static void note(struct service_names *found, uint32_t n)
{
    for (unsigned i = 0; i < found->count; i++) {
        if (found->n[i] == n)
            return;
    }
    if (found->count < NAMES_FOUND_MAX)
        found->n[found->count++] = n;
}

/* --- looking ------------------------------------------------------------------------------- */

static enum cht_err note_rows(struct node_service *s, unsigned type, const char *where,
                              const struct cht_bytes *args, size_t count,
                              struct service_names *found)
{
    const struct node_find find = {
        .type = type, .where = where, .args = args, .arg_count = count, .limit = NAMES_FOUND_MAX
    };
    struct node_cursor *cursor;
    enum cht_err err = node_find_open(node_replica_store(s->replica), &find, "n", &cursor);
    if (err != CHT_OK)
        return err;
    while ((err = node_find_next(cursor)) == CHT_OK)
        note(found, (uint32_t)node_find_int(cursor, 0));
    node_find_close(cursor);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

/* In a table that is searched whole. */
static enum cht_err find_few(struct node_service *s, struct cht_bytes name, unsigned type,
                             struct service_names *found)
{
    char where[256];
    struct cht_buf address;
    if (type != CRDT_REPO) {
        (void)snprintf(where, sizeof where, "\"%s\" = ?1 COLLATE NOCASE",
                       crdt_schema(type)->title_field);
        return note_rows(s, type, where, &name, 1, found);
    }
    cht_buf_init(&address, 2 * LIMIT_TITLE_BYTES);
    const bool normal = crdt_address_normal(name, &address) == CHT_OK;
    const struct cht_bytes args[] = { name, normal ? cht_buf_view(&address) : name };
    enum cht_err err = note_rows(s, type,
                                 "url IN (?1, ?2) OR name = ?1 COLLATE NOCASE OR"
                                 " substr(url, -length(?1) - 1) = '/' || ?1",
                                 args, 2, found);
    cht_buf_clear(&address);
    return err;
}

/* Sessions have their id from their platform's (PROTOCOL 1.8), those that said which it is. */
static enum cht_err find_session(struct node_service *s, struct cht_bytes name,
                                 struct service_names *found)
{
    const struct crdt_field *platform = crdt_field_named(CRDT_SESSION, cht_bytes_str("platform"));
    char key[512];
    for (size_t i = 0; platform->words[i] != NULL && name.len < 256; i++) {
        struct crdt_id id;
        const int len = snprintf(key, sizeof key, "%s\n%.*s", platform->words[i], (int)name.len,
                                 (const char *)name.data);
        crdt_natural_id(CRDT_SESSION, cht_bytes_str("session"), cht_bytes(key, (size_t)len), &id);
        const uint32_t n = node_index_find(node_replica_index(s->replica), &id);
        if (n != INDEX_NONE) {
            note(found, n);
            return CHT_OK;
        }
    }
    return note_rows(s, CRDT_SESSION, "session_id = ?1", &name, 1, found);
}

static bool same_name(struct cht_bytes a, struct cht_bytes b)
{
    for (size_t i = 0; a.len == b.len && i < a.len; i++) {
        const uint8_t x = a.data[i], y = b.data[i];
        const uint8_t lower_x = x >= 'A' && x <= 'Z' ? (uint8_t)(x + 32) : x;
        if (lower_x != (y >= 'A' && y <= 'Z' ? (uint8_t)(y + 32) : y))
            return false;
    }
    return a.len == b.len;
}

/* The title of an entity that is shown; empty. Good until the next commit. */
static struct cht_bytes title_of(struct node_service *s, uint32_t n)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    const struct crdt_state *state;
    if (node_replica_state(s->replica, n, &state) != CHT_OK || crdt_state_hidden(state, g))
        return cht_bytes(NULL, 0);
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    const struct crdt_cell *c =
        t == NULL
            ? NULL
            : crdt_state_cell(state,
                              crdt_field_named(t->type, cht_bytes_str(t->title_field))->number,
                              cht_bytes(NULL, 0));
    return c == NULL ? cht_bytes(NULL, 0)
                     : crdt_mp_peek(crdt_cell_shown(g, t->type, c)->bytes).data;
}

/* The words of a name as a phrase in titles, for the full-text index; empty: it has none. */
static enum cht_err title_phrase(struct node_service *s, struct cht_bytes name, struct cht_buf *out)
{
    struct node_words *words;
    struct cht_bytes *tokens;
    unsigned count = 0;
    enum cht_err err = node_words_open(node_replica_store(s->replica), &words);
    if (err != CHT_OK)
        return err;
    err = node_words_split(words, name, &s->arena, &tokens, &count);
    node_words_close(words);
    if (err == CHT_OK && count != 0)
        err = cht_buf_add(out, cht_bytes_str("title : \""));
    for (unsigned i = 0; err == CHT_OK && i < count; i++) {
        err = cht_buf_add(out, cht_bytes_str(i == 0 ? "" : " "));
        if (err == CHT_OK)
            err = cht_buf_add(out, tokens[i]);
    }
    return err == CHT_OK && count != 0 ? cht_buf_add_u8(out, '"') : err;
}

/* Of those whose titles have the words, the ones that are called just so. */
static enum cht_err find_titled(struct node_service *s, struct cht_bytes name, unsigned type,
                                struct service_names *found)
{
    const struct node_index *x = node_replica_index(s->replica);
    struct node_cursor *cursor;
    struct cht_buf phrase;
    cht_buf_init(&phrase, 4 * LIMIT_TITLE_BYTES);
    enum cht_err err = title_phrase(s, name, &phrase);
    if (err == CHT_OK && phrase.len != 0) {
        err = node_find_words(node_replica_store(s->replica), cht_buf_view(&phrase), TITLED_MAX,
                              &cursor);
        while (err == CHT_OK && (err = node_find_next(cursor)) == CHT_OK) {
            const uint32_t n = (uint32_t)node_find_int(cursor, 0);
            if (n < x->count && !few(x->slots[n].id.type) &&
                (type == 0 || x->slots[n].id.type == type) && same_name(title_of(s, n), name))
                note(found, n);
        }
        if (err == CHT_E_NOTFOUND)
            err = CHT_OK;
        node_find_close(cursor);
    }
    cht_buf_clear(&phrase);
    return err;
}

enum cht_err service_names_find(struct node_service *s, struct cht_bytes name, unsigned type,
                                struct service_names *out)
{
    struct service_names found = { .count = 0 };
    size_t types;
    enum cht_err err = CHT_OK;
    (void)crdt_schema_at(0, &types);
    if (name.len == 0 || name.len > LIMIT_TITLE_BYTES || !crdt_utf8_valid(name)) {
        *out = found;
        return CHT_OK;
    }
    for (size_t i = 0; err == CHT_OK && i < types; i++) {
        const unsigned of = crdt_schema_at(i, NULL)->type;
        if ((type == 0 || type == of) && few(of))
            err = find_few(s, name, of, &found);
    }
    if (err == CHT_OK && (type == 0 || type == CRDT_SESSION))
        err = find_session(s, name, &found);
    if (err == CHT_OK && !few(type))
        err = find_titled(s, name, type, &found);
    if (err == CHT_OK)
        *out = found;
    return err;
}

/* --- telling ------------------------------------------------------------------------------- */

/* At most `max` bytes of a text, cut between characters. */
static int cut(struct cht_bytes text, size_t max)
{
    size_t len = text.len < max ? text.len : max;
    while (len > 0 && len < text.len && (text.data[len] & 0xC0) == 0x80)
        len--;
    return (int)len;
}

enum cht_err service_names_several(struct node_service *s, struct cht_bytes text,
                                   const struct service_names *found, struct node_fault *fault)
{
    char list[NODE_FAULT_HINT_MAX] = "", one[96], id[CRDT_ID_TEXT_MAX];
    for (unsigned i = 0; i < found->count && i < NAMES_FOUND_MAX - 1; i++) {
        const struct cht_bytes title = title_of(s, found->n[i]);
        crdt_id_text(&node_replica_index(s->replica)->slots[found->n[i]].id, id);
        id[strlen(id) - (CRDT_ID_DIGITS - 8)] = '\0';
        (void)snprintf(one, sizeof one, "%s%s \"%.*s%s\"", i > 0 ? ", " : "", id + SHORT_ID_SKIP,
                       cut(title, SHOWN_BYTES), title.len == 0 ? "" : (const char *)title.data,
                       title.len > SHOWN_BYTES ? "…" : "");
        if (strlen(list) + strlen(one) + strlen(" …") < sizeof list)
            (void)strncat(list, one, sizeof list - strlen(list) - 1);
    }
    (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("chittyId"),
                         "\"%.*s\" means several: give more of the id", cut(text, 80),
                         (const char *)text.data);
    node_fault_hint(fault, "%s%s", list, found->count == NAMES_FOUND_MAX ? " …" : "");
    return CHT_E_INVALID;
}

static const char *nearest(struct node_service *s, struct cht_bytes text, unsigned type,
                           char room[static NEAR_MAX * NEAR_BYTES])
{
    const struct node_find find = { .type = type, .limit = NEAR_MAX };
    const char *names[NEAR_MAX + 1] = { NULL };
    struct node_cursor *cursor;
    char column[64];
    size_t count = 0;
    (void)snprintf(column, sizeof column, "\"%s\"",
                   strcmp(crdt_schema(type)->title_field, "url") == 0
                       ? "name"
                       : crdt_schema(type)->title_field);
    if (node_find_open(node_replica_store(s->replica), &find, column, &cursor) != CHT_OK)
        return NULL;
    while (count < NEAR_MAX && node_find_next(cursor) == CHT_OK) {
        const struct cht_bytes name = node_find_bytes(cursor, 0);
        if (name.len == 0 || name.len >= NEAR_BYTES)
            continue;
        memcpy(room + count * NEAR_BYTES, name.data, name.len);
        room[count * NEAR_BYTES + name.len] = '\0';
        names[count] = room + count * NEAR_BYTES;
        count++;
    }
    node_find_close(cursor);
    return node_closest(text, names);
}

enum cht_err service_names_none(struct node_service *s, struct cht_bytes text, unsigned type,
                                struct node_fault *fault)
{
    const char *what = type == 0 ? "thing" : crdt_type_table(type);
    (void)node_fault_set(
        fault, CHT_E_NOTFOUND, cht_bytes_str("chittyId"),
        "there is no %s with an id that begins with \"%.*s\", and none is called so",
        what == NULL ? "thing" : what, cut(text, 60), (const char *)text.data);
    char *room = few(type) ? cht_arena_alloc(&s->arena, (size_t)NEAR_MAX * NEAR_BYTES) : NULL;
    const char *near = room == NULL ? NULL : nearest(s, text, type, room);
    if (near != NULL)
        node_fault_hint(fault, "did you mean \"%s\"?", near);
    return CHT_E_NOTFOUND;
}
