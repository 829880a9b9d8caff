/* Random ops, right and void (PROTOCOL 3); see history.h. */
#include "tests/support/history_own.h"

#define OPS_MAX           4u
#define KEEPS_MAX         3u
#define FIELD_UNKNOWN     100u /* no row has this number or one of the next few */
#define SCRATCH_BYTES     (LIMIT_BODY_BYTES)
#define BIG_VALUE_LETTERS (LIMIT_VALUE_BYTES + 1u)

/* --- values --------------------------------------------------------------------------------- */

static struct cht_bytes text_bytes(struct history_maker *k, const char *text)
{
    uint8_t raw[64] = { 0xd9, (uint8_t)strlen(text) };
    size_t len = strlen(text), head = 2;
    if (!history_chance(k, 10)) { /* otherwise the same text in a longer form */
        raw[0] = (uint8_t)(0xa0 | len);
        head = 1;
    }
    memcpy(raw + head, text, len);
    return history_keep_bytes(k, cht_bytes(raw, head + len));
}

static struct cht_bytes key_bytes(struct history_maker *k)
{
    static const char *const keys[] = { "\xa1"
                                        "a",
                                        "\xa1"
                                        "b",
                                        "\xa2"
                                        "cc" };
    return cht_bytes_str(keys[seeded_below(&k->random, 3)]);
}

static struct cht_bytes any_bytes(struct history_maker *k)
{
    static const struct {
        const char *bytes;
        size_t len;
    } pool[] = { { "\xc0", 1 },         { "\x07", 1 },
                 { "\xff", 1 },         { "\xa1x", 2 },
                 { "\x92\x01\xc3", 3 }, { "\x81\xa1x\x80", 4 },
                 { "\xc4\x01\x00", 3 }, { "\xcb\x3f\xf0\0\0\0\0\0\0", 9 } };
    size_t i = seeded_below(&k->random, sizeof pool / sizeof pool[0]);
    return cht_bytes(pool[i].bytes, pool[i].len);
}

/* Claims, sound and not, of which many are equal but for their dots. */
static struct cht_bytes claim_bytes(struct history_maker *k)
{
#define CLAIM(map, holder, yes, g, c)                                                              \
    map "\xa6holder" holder "\xa9"                                                                 \
        "confirmed" yes "\xa5token\x92" g c
#define CLAIM_POOL(X)                                                                              \
    X(CLAIM("\x83", "\xa1x", "\xc3", "\x01", "\x01"))                                              \
    X(CLAIM("\x83", "\xa1y", "\xc3", "\x01", "\x02"))                                              \
    X(CLAIM("\x83", "\xa1x", "\xc3", "\x02", "\x01"))                                              \
    X(CLAIM("\x83", "\xa1y", "\xc2", "\x03", "\x01"))                                              \
    X(CLAIM("\x83", "\xa1x", "\xc2", "\x01", "\xcc\xff"))                                          \
    X(CLAIM("\x83", "\xa0", "\xc3", "\x09", "\x09"))                                               \
    X(CLAIM("\x83", "\xa1x", "\xc3", "\xff", "\x09"))                                              \
    X(CLAIM("\x84\xa5token\xc0", "\xa1y", "\xc3", "\x08", "\x08"))                                 \
    X("\x81\xa5token\x92\x01\x07")                                                                 \
    X("\x81\xa6holder\xa1z")
    static const struct {
        const char *bytes;
        size_t len;
    } pool[] = {
#define X(text) { text, sizeof(text) - 1 },
        CLAIM_POOL(X)
#undef X
    };
    size_t i = seeded_below(&k->random, sizeof pool / sizeof pool[0]);
    return history_chance(k, 90) ? cht_bytes((const uint8_t *)pool[i].bytes, pool[i].len)
                                 : any_bytes(k);
}

static struct cht_bytes number_bytes(struct history_maker *k, uint64_t n)
{
    struct cht_buf b;
    cht_buf_init(&b, 16);
    history_must(crdt_mp_put_uint(&b, n));
    struct cht_bytes kept = history_keep_bytes(k, cht_buf_view(&b));
    cht_buf_clear(&b);
    return kept;
}

static struct cht_bytes id_bytes(struct history_maker *k, const struct crdt_field *f)
{
    uint8_t raw[3 + CRDT_ID_BYTES] = { 0xc4, 1 + CRDT_ID_BYTES };
    raw[2] = f->id_type != 0 ? f->id_type : CRDT_TODO;
    memset(raw + 3, 1 + (int)seeded_below(&k->random, 3), CRDT_ID_BYTES);
    return history_keep_bytes(k, cht_bytes(raw, sizeof raw));
}

struct cht_bytes history_value(struct history_maker *k, const struct crdt_field *f, bool is_key)
{
    static const char *const words[] = { "alpha", "beta", "gamma", "d\xc3\xa9j\xc3\xa0 vu" };
    uint32_t count = 0;
    if (f == NULL)
        return is_key ? key_bytes(k) : any_bytes(k);
    if (is_key)
        return f->value == CRDT_V_ID && f->kind == CRDT_SET ? id_bytes(k, f) : key_bytes(k);
    if (f->kind == CRDT_SET)
        return cht_bytes_str("\xc0");
    switch (f->value) {
    case CRDT_V_BOOL:
        return cht_bytes_str(history_chance(k, 50) ? "\xc3" : "\xc2");
    case CRDT_V_ENUM:
        while (f->words[count] != NULL)
            count++;
        return text_bytes(k, f->words[seeded_below(&k->random, count)]);
    case CRDT_V_ID:
        return id_bytes(k, f);
    case CRDT_V_INT:
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
    case CRDT_V_TIME:
        return number_bytes(k, 100 + 60u * seeded_below(&k->random, 4));
    case CRDT_V_ANY:
        return f->policy == CRDT_TOKEN ? claim_bytes(k) : any_bytes(k);
    case CRDT_V_STR:
    case CRDT_V_TEXT:
    case CRDT_V_WORD:
        break;
    }
    return text_bytes(k, words[seeded_below(&k->random, 4)]);
}

/* --- fields --------------------------------------------------------------------------------- */

enum wish {
    WISH_DELETED,
    WISH_RANK,
    WISH_FIRST,
    WISH_MAX,
    WISH_TOKEN,
    WISH_SET,
    WISH_MAP,
    WISH_TEXT,
    WISH_LWW,
    WISH_STR,
    WISH_ENUM,
    WISH_REGISTER,
    WISH_UNKNOWN,
};
#define USUAL_WISHES 9u

static bool grants(const struct crdt_field *f, enum wish wish)
{
    bool reg = f->kind == CRDT_REGISTER;
    switch (wish) {
    case WISH_DELETED:
        return f->number == CRDT_FIELD_DELETED;
    case WISH_RANK:
        return reg && f->policy == CRDT_RANK;
    case WISH_FIRST:
        return reg && f->policy == CRDT_FIRST;
    case WISH_MAX:
        return reg && f->policy == CRDT_MAX;
    case WISH_TOKEN:
        return reg && f->policy == CRDT_TOKEN;
    case WISH_SET:
        return f->kind == CRDT_SET;
    case WISH_MAP:
        return f->kind == CRDT_MAP;
    case WISH_TEXT:
        return f->kind == CRDT_TEXT;
    case WISH_LWW:
        return reg && f->policy == CRDT_LWW && f->number != CRDT_FIELD_DELETED;
    case WISH_STR:
        return reg && f->value == CRDT_V_STR;
    case WISH_ENUM:
        return reg && f->value == CRDT_V_ENUM;
    case WISH_REGISTER:
        return reg;
    case WISH_UNKNOWN:
        break;
    }
    return false;
}

/* A random field of the type that grants the wish; NULL when it has none. */
static const struct crdt_field *find_field(struct history_maker *k, unsigned type, enum wish wish)
{
    const struct crdt_type_schema *s = crdt_schema(type);
    if (s == NULL) /* every type has `deleted` */
        return wish == WISH_DELETED || wish == WISH_REGISTER ? crdt_field(type, 0) : NULL;
    uint32_t start = seeded_below(&k->random, (uint32_t)s->count);
    for (size_t n = 0; n < s->count; n++) {
        const struct crdt_field *f = &s->fields[(start + n) % s->count];
        if (grants(f, wish))
            return f;
    }
    return NULL;
}

/* Point the op at a field; returns its row, NULL for an unknown field. */
static const struct crdt_field *choose_field(struct history_maker *k, unsigned type, enum wish wish,
                                             struct crdt_op *op)
{
    const struct crdt_field *f = find_field(k, type, wish);
    op->field = f != NULL ? f->number : (uint16_t)(FIELD_UNKNOWN + seeded_below(&k->random, 3));
    return f;
}

/* --- keeps ---------------------------------------------------------------------------------- */

static bool same_cell(const struct history_put *p, const struct history_draft *d,
                      const struct crdt_op *op)
{
    if (!crdt_id_eq(&p->entity, &d->entity))
        return false;
    return op->field == CRDT_FIELD_DELETED ||
           (p->field == op->field && cht_bytes_eq(p->key, op->key));
}

/* A put of the cell (for a delete: of the entity) of the wanted kind; NULL when there is none. */
static const struct history_put *find_put(struct history_maker *k, const struct history_draft *d,
                                          const struct crdt_op *op, bool own, bool in_past)
{
    uint32_t start = seeded_below(&k->random, k->put_count + 1);
    for (uint32_t n = 0; n < k->put_count; n++) {
        const struct history_put *p = &k->puts[(start + n) % k->put_count];
        if (same_cell(p, d, op) && (p->device == d->device) == own &&
            history_set_has(d->past, p->entry) == in_past)
            return p;
    }
    return NULL;
}

static bool choose_keep(struct history_maker *k, const struct history_draft *d,
                        const struct crdt_op *op, struct crdt_keep *out)
{
    uint32_t dice = seeded_below(&k->random, 100);
    if (dice < 10) {
        *out = (struct crdt_keep){ .name = history_bad_name(k, d), .index = dice % 2 };
        history_count(k, HISTORY_KEEP_NAMELESS);
        return true;
    }
    bool own = dice < 30, outside = dice >= 30 && dice < 45;
    const struct history_put *p = find_put(k, d, op, own, !outside);
    if (p == NULL)
        return false;
    out->index = p->index;
    if (outside)
        out->name = (struct crdt_name){ .by_hash = true, .hash = k->h->entries[p->entry].hash };
    else
        out->name = history_name(k, d, p->entry);
    if (dice >= 95)
        out->index += 1000; /* no op of that entry */
    history_count(k, own ? HISTORY_KEEP_OWN : outside ? HISTORY_KEEP_OUTSIDE : HISTORY_KEEP_OTHER);
    return true;
}

static void choose_keeps(struct history_maker *k, const struct history_draft *d, struct crdt_op *op)
{
    struct crdt_keep *keeps = history_room(k, KEEPS_MAX, sizeof *keeps);
    uint32_t wanted = 1 + seeded_below(&k->random, KEEPS_MAX);
    for (uint32_t i = 0; i < wanted; i++)
        if (choose_keep(k, d, op, &keeps[op->keep_count]))
            op->keep_count++;
    op->keeps = keeps;
    if (op->keep_count != 0)
        history_count(k, HISTORY_KEEPS);
}

/* --- ops that count ------------------------------------------------------------------------- */

static void count_field(struct history_maker *k, const struct history_draft *d,
                        const struct crdt_field *f)
{
    static const enum history_class kinds[] = {
        [CRDT_REGISTER] = HISTORY_REGISTER,
        [CRDT_SET] = HISTORY_SET,
        [CRDT_MAP] = HISTORY_MAP,
        [CRDT_TEXT] = HISTORY_TEXT,
    };
    static const enum history_class policies[] = {
        [CRDT_LWW] = HISTORY_LWW, [CRDT_RANK] = HISTORY_RANK,   [CRDT_FIRST] = HISTORY_FIRST,
        [CRDT_MAX] = HISTORY_MAX, [CRDT_TOKEN] = HISTORY_TOKEN,
    };
    if (crdt_schema(d->entity.type) == NULL)
        history_count(k, HISTORY_UNKNOWN_TYPE);
    else if (f == NULL)
        history_count(k, HISTORY_UNKNOWN_FIELD);
    if (f == NULL)
        return;
    history_count(k, kinds[f->kind]);
    if (f->kind == CRDT_REGISTER)
        history_count(k, policies[f->policy]);
}

static void count_op(struct history_maker *k, const struct crdt_op *op)
{
    bool sets = op->kind == CRDT_OP_PUT && op->value.data[0] == 0xc3;
    history_count(k, op->kind == CRDT_OP_PUT ? HISTORY_PUT : HISTORY_DROP);
    if (op->field != CRDT_FIELD_DELETED)
        return;
    history_count(k, sets ? HISTORY_DELETE : HISTORY_REVIVE);
    if (sets && op->keep_count != 0)
        history_count(k, HISTORY_DELETE_KEEPS);
}

static void note_put(struct history_maker *k, const struct history_draft *d,
                     const struct crdt_op *op, uint32_t index)
{
    if (k->put_count == k->put_cap) {
        k->put_cap = k->put_cap == 0 ? 256 : k->put_cap * 2;
        struct history_put *grown = realloc(k->puts, k->put_cap * sizeof *grown);
        history_must(grown == NULL ? CHT_E_NOMEM : CHT_OK);
        k->puts = grown;
    }
    k->puts[k->put_count++] = (struct history_put){ .entry = k->h->count,
                                                    .device = d->device,
                                                    .index = index,
                                                    .entity = d->entity,
                                                    .field = op->field,
                                                    .key = op->key };
}

/* The op's own bytes: those of a body of one op without the array around it. */
static void encode(const struct crdt_op *op, struct cht_buf *out)
{
    struct cht_buf one;
    cht_buf_init(&one, SCRATCH_BYTES);
    history_must(crdt_body_encode(op, 1, &one));
    history_must(cht_buf_add(out, cht_bytes(one.data + 1, one.len - 1)));
    cht_buf_clear(&one);
}

/* The same op with longer integers, and with nil for no key. */
static void encode_loosely(const struct crdt_op *op, struct cht_buf *out)
{
    const uint8_t head[] = {
        0xdc, 0, op->kind == CRDT_OP_PUT ? 4 : 3, 0xcc, op->kind, 0xcd, 0, (uint8_t)op->field
    };
    history_must(cht_buf_add(out, cht_bytes(head, sizeof head)));
    history_must(cht_buf_add(out, op->key.len != 0 ? op->key : cht_bytes_str("\xc0")));
    history_must(cht_buf_add(out, op->value));
}

static void add_sound_op(struct history_maker *k, struct history_draft *d, uint32_t index)
{
    struct crdt_op op = { .kind = history_chance(k, 80) ? CRDT_OP_PUT : CRDT_OP_DROP };
    enum wish wish = (enum wish)seeded_below(&k->random, USUAL_WISHES);
    if (history_chance(k, 5))
        wish = WISH_UNKNOWN;
    const struct crdt_field *f = choose_field(k, d->entity.type, wish, &op);
    bool keyed = f == NULL ? history_chance(k, 50) : f->kind == CRDT_SET || f->kind == CRDT_MAP;
    if (keyed)
        op.key = history_value(k, f, true);
    if (op.kind == CRDT_OP_PUT)
        op.value = history_value(k, f, false);
    if (history_chance(k, 30))
        choose_keeps(k, d, &op);
    count_field(k, d, f);
    count_op(k, &op);
    if (op.kind == CRDT_OP_PUT && d->resolves && !d->waits)
        note_put(k, d, &op, index);
    if (op.keep_count == 0 && history_chance(k, 5)) {
        history_count(k, HISTORY_LOOSE);
        encode_loosely(&op, &d->body);
    } else {
        encode(&op, &d->body);
    }
}

/* --- void ops (PROTOCOL 3.6) ---------------------------------------------------------------- */

static struct cht_bytes letters(struct history_maker *k, size_t count)
{
    uint8_t *raw = history_room(k, count + 5, 1);
    memset(raw, 'x', count + 5);
    raw[0] = 0xdb;
    for (size_t i = 0; i < 4; i++)
        raw[1 + i] = (uint8_t)(count >> (24 - 8 * i));
    return cht_bytes(raw, count + 5);
}

static void add_broken_form(struct history_maker *k, struct history_draft *d)
{
    static const struct {
        const char *bytes;
        size_t len;
    } forms[] = {
        { "\x90", 1 },                             /* no kind */
        { "\x91\x01", 2 },                         /* a put of nothing */
        { "\xc0", 1 },                             /* no array */
        { "\x93\x00\x01\xc0", 4 },                 /* kind 0 */
        { "\x93\xff\x01\xc0", 4 },                 /* kind -1 */
        { "\x93\x01\xa1x\xc0", 5 },                /* a field by name */
        { "\x96\x01\x01\xc0\xa1x\x90\xc0", 8 },    /* a part too many */
        { "\x95\x01\x01\xc0\xa1x\x01", 6 },        /* keeps that are no list */
        { "\x95\x01\x01\xc0\xa1x\x91\x91\x01", 8 } /* a keep that is no dot */
    };
    size_t i = seeded_below(&k->random, sizeof forms / sizeof forms[0]);
    history_must(cht_buf_add(&d->body, cht_bytes(forms[i].bytes, forms[i].len)));
}

/* Make the op void in the way asked for; false when the type has no field for that. */
static bool spoil(struct history_maker *k, unsigned type, enum history_class how,
                  struct crdt_op *op)
{
    static const enum wish wishes[HISTORY_CLASS_COUNT] = {
        [HISTORY_VOID_TYPE] = WISH_REGISTER,      [HISTORY_VOID_ENUM] = WISH_ENUM,
        [HISTORY_VOID_KEY_BIG] = WISH_UNKNOWN,    [HISTORY_VOID_VALUE_BIG] = WISH_UNKNOWN,
        [HISTORY_VOID_KEY_EXTRA] = WISH_REGISTER, [HISTORY_VOID_KEY_NONE] = WISH_SET,
        [HISTORY_VOID_KEY_LOOSE] = WISH_SET,      [HISTORY_VOID_TEXT] = WISH_STR,
        [HISTORY_VOID_FIELD] = WISH_UNKNOWN,      [HISTORY_VOID_DEEP] = WISH_UNKNOWN,
    };
    const struct crdt_field *f = choose_field(k, type, wishes[how], op);
    if (f == NULL && wishes[how] != WISH_UNKNOWN)
        return false;
    op->kind = CRDT_OP_PUT;
    op->value = history_value(k, f, false);
    if (how == HISTORY_VOID_TYPE)
        op->value = cht_bytes_str("\x91\x01");
    else if (how == HISTORY_VOID_ENUM)
        op->value = cht_bytes_str("\xa4none");
    else if (how == HISTORY_VOID_KEY_BIG)
        op->key = letters(k, LIMIT_KEY_BYTES);
    else if (how == HISTORY_VOID_VALUE_BIG)
        op->value = letters(k, BIG_VALUE_LETTERS);
    else if (how == HISTORY_VOID_KEY_EXTRA)
        op->key = key_bytes(k);
    else if (how == HISTORY_VOID_KEY_LOOSE)
        op->key = cht_bytes_str("\xd9\x01z");
    else if (how == HISTORY_VOID_TEXT)
        op->value = cht_bytes_str("\xa3"
                                  "a\xff"
                                  "b");
    else if (how == HISTORY_VOID_FIELD)
        op->field = (uint16_t)(LIMIT_FIELD_MAX + 1 + seeded_below(&k->random, 9));
    else if (how == HISTORY_VOID_DEEP)
        op->value = cht_bytes_str("\x91\x91\x91\x91\x91\x91\x91\x91\x90");
    return true;
}

static void add_void_op(struct history_maker *k, struct history_draft *d, uint32_t index)
{
    /* twice what not every type has a field for */
    static const enum history_class ways[] = {
        HISTORY_VOID_TYPE,      HISTORY_VOID_ENUM,      HISTORY_VOID_ENUM,
        HISTORY_VOID_KEY_BIG,   HISTORY_VOID_VALUE_BIG, HISTORY_VOID_KEY_EXTRA,
        HISTORY_VOID_KEY_NONE,  HISTORY_VOID_KEY_NONE,  HISTORY_VOID_KEY_LOOSE,
        HISTORY_VOID_KEY_LOOSE, HISTORY_VOID_TEXT,      HISTORY_VOID_TEXT,
        HISTORY_VOID_FIELD,     HISTORY_VOID_FORM,      HISTORY_VOID_DEEP,
    };
    struct crdt_op op = { .kind = 0 };
    enum history_class how = ways[seeded_below(&k->random, sizeof ways / sizeof ways[0])];
    if (how == HISTORY_VOID_VALUE_BIG && index != 0)
        how = HISTORY_VOID_FORM; /* two of them do not fit a body */
    if (how == HISTORY_VOID_FORM) {
        add_broken_form(k, d);
    } else {
        if (!spoil(k, d->entity.type, how, &op)) {
            how = HISTORY_VOID_DEEP; /* every type has unknown fields */
            (void)spoil(k, d->entity.type, how, &op);
        }
        encode(&op, &d->body);
    }
    history_count(k, how);
}

/* --- bodies --------------------------------------------------------------------------------- */

/* A body that is broken as a whole. */
static void write_broken_body(struct history_maker *k, struct history_draft *d)
{
    static const uint8_t not_an_array[] = { 0x80 }, not_msgpack[] = { 0x92, 0xc0 };
    static const uint8_t deep[] = { 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91,
                                    0x91, 0x91, 0x91, 0x91, 0x91, 0x90 };
    uint8_t many[3 + LIMIT_ENTRY_OPS + 1];
    switch (seeded_below(&k->random, 4)) {
    case 0:
        history_must(cht_buf_add(&d->body, cht_bytes(not_an_array, sizeof not_an_array)));
        break;
    case 1:
        history_must(cht_buf_add(&d->body, cht_bytes(not_msgpack, sizeof not_msgpack)));
        break;
    case 2:
        history_must(cht_buf_add(&d->body, cht_bytes(deep, sizeof deep)));
        break;
    default:
        memset(many, 0xc0, sizeof many);
        memcpy(many, "\xdc\x04\x01", 3); /* 1025 ops */
        history_must(cht_buf_add(&d->body, cht_bytes(many, sizeof many)));
        break;
    }
    history_count(k, HISTORY_VOID_BODY);
}

/* An op kind of a later level, among others of this one (PROTOCOL 3.7). */
static void write_later_body(struct history_maker *k, struct history_draft *d)
{
    static const uint8_t splice[] = { 0x92, 0x93, 0x01, 0x78, 0xc0, 0x95,
                                      0x03, 0x00, 0x00, 0x00, 0xa0 };
    static const uint8_t unknown[] = { 0x92, 0xc0, 0x92, 0xcd, 0x01, 0x00, 0xc0 };
    bool which = history_chance(k, 50);
    history_must(cht_buf_add(&d->body, which ? cht_bytes(splice, sizeof splice)
                                             : cht_bytes(unknown, sizeof unknown)));
    history_count(k, HISTORY_WAITS_KIND);
    d->waits = true;
}

void history_write_body(struct history_maker *k, struct history_draft *d)
{
    uint32_t count = 1 + seeded_below(&k->random, OPS_MAX);
    if (history_chance(k, 2)) {
        write_broken_body(k, d);
        return;
    }
    if (history_chance(k, 2)) {
        write_later_body(k, d);
        return;
    }
    history_must(crdt_mp_put_array(&d->body, count));
    for (uint32_t i = 0; i < count; i++) {
        history_count(k, HISTORY_OPS);
        if (history_chance(k, 28))
            add_void_op(k, d, i);
        else
            add_sound_op(k, d, i);
    }
}
