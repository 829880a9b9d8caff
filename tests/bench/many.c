/* Making many todos; see many.h. */
#include "tests/bench/many.h"

#include "crdt/mp.h"
#include "crdt/schema.h"
#include "tests/bench/todos.h"

#include <math.h>
#include <stdio.h>

#define TRANSACTION 50u
#define TURN        1000u  /* todos a commit */
#define WRITE_BACK  10000u /* todos between writing rows */
#define DAY_MS      UINT64_C(86400000)
#define OPS_MAX     32u

/* --- draws ----------------------------------------------------------------------------------- */

/* splitmix64 */
uint64_t many_draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double share(uint64_t *state)
{
    return (double)(many_draw(state) >> 11) / 9007199254740992.0;
}

/* The smaller, the more often: half of all draws lie in the first quarter. */
static uint32_t skewed(uint64_t *state, uint32_t n)
{
    double u = share(state);
    return (uint32_t)(u * u * (double)n);
}

/* Words whose rank k comes about as often as 1/k. */
void many_word(uint64_t *random, char out[static 16])
{
    static const char *const parts[] = { "ka",  "ro",  "mi",  "tes", "lu", "an", "do",  "ber",
                                         "si",  "po",  "gre", "fen", "ta", "vi", "nor", "he",
                                         "bal", "cu",  "dri", "el",  "fo", "ga", "hum", "is",
                                         "jo",  "kel", "lor", "mu",  "na", "os", "pri", "qua" };
    uint64_t rank = (uint64_t)exp(share(random) * log((double)MANY_WORDS)), mixed = rank;
    uint64_t left = many_draw(&mixed);
    size_t len = 0, count = 2 + rank % 3;
    for (size_t i = 0; i < count; i++, left /= 32)
        len += (size_t)snprintf(out + len, 16 - len, "%s", parts[left % 32]);
}

/* --- values ---------------------------------------------------------------------------------- */

struct making {
    struct cht_buf bytes;
    struct crdt_op ops[OPS_MAX];
    size_t at[2 * OPS_MAX]; /* where key and value of each op begin */
    uint32_t count;
};

static void begin_op(struct making *m, const char *field)
{
    if (m->count == OPS_MAX)
        bench_fail("a todo of too many fields");
    const struct crdt_field *f = crdt_field_named(CRDT_TODO, cht_bytes_str(field));
    m->ops[m->count] = (struct crdt_op){ .kind = CRDT_OP_PUT, .field = f->number };
    m->at[2 * m->count] = m->at[2 * m->count + 1] = m->bytes.len;
}

static void end_op(struct making *m, bool keyed)
{
    if (keyed) {
        m->at[2 * m->count + 1] = m->bytes.len;
        bench_must(crdt_mp_put_nil(&m->bytes), "todos");
    }
    m->count++;
}

/* The bytes of the ops, when no more are added. */
static void point_ops(struct making *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        size_t key = m->at[2 * i], value = m->at[2 * i + 1];
        size_t end = i + 1 < m->count ? m->at[2 * i + 2] : m->bytes.len;
        m->ops[i].key = cht_bytes(m->bytes.data + key, value - key);
        m->ops[i].value = cht_bytes(m->bytes.data + value, end - value);
    }
}

static void put_text(struct making *m, const char *field, const char *text, bool keyed)
{
    begin_op(m, field);
    bench_must(crdt_mp_put_str(&m->bytes, cht_bytes_str(text)), "todos");
    end_op(m, keyed);
}

static void put_words(struct making *m, const char *field, uint32_t count, uint64_t *random)
{
    char text[512];
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++) {
        char word[16];
        many_word(random, word);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i == 0 ? "" : " ", word);
    }
    put_text(m, field, text, false);
}

static void put_time(struct making *m, const char *field, uint64_t ms)
{
    begin_op(m, field);
    bench_must(crdt_mp_put_uint(&m->bytes, ms), "todos");
    end_op(m, false);
}

static void put_id(struct making *m, const char *field, const struct crdt_id *id, bool keyed)
{
    uint8_t raw[1 + CRDT_ID_BYTES] = { id->type };
    memcpy(raw + 1, id->b, CRDT_ID_BYTES);
    begin_op(m, field);
    bench_must(crdt_mp_put_bin(&m->bytes, cht_bytes(raw, sizeof raw)), "todos");
    end_op(m, keyed);
}

static void named_id(const char *kind, uint32_t number, uint8_t type, struct crdt_id *out)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s-%u", kind, number);
    struct crdt_hash h = crdt_hash_of(cht_bytes_str(name));
    out->type = type;
    memcpy(out->b, h.b, CRDT_ID_BYTES);
}

static void draw_project(uint64_t *random, struct crdt_id *out)
{
    named_id("project", skewed(random, MANY_PROJECTS), CRDT_PROJECT, out);
}

void many_project(uint64_t *random, char out[static CRDT_ID_TEXT_MAX])
{
    struct crdt_id id;
    draw_project(random, &id);
    crdt_id_text(&id, out);
}

void many_label(uint64_t *random, char out[static 16])
{
    (void)snprintf(out, 16, "label-%u", skewed(random, MANY_LABELS));
}

void many_person(uint64_t *random, char out[static 16])
{
    (void)snprintf(out, 16, "person-%u", skewed(random, MANY_ASSIGNEES));
}

/* --- a todo ---------------------------------------------------------------------------------- */

static void put_sets(struct making *m, uint64_t *random)
{
    char text[16];
    for (uint32_t i = 0, count = (uint32_t)(many_draw(random) % 4); i < count; i++) {
        many_label(random, text);
        put_text(m, "labels", text, true);
    }
    for (uint32_t i = 0, count = (uint32_t)(many_draw(random) % 3); i < count; i++) {
        many_person(random, text);
        put_text(m, "assignees", text, true);
    }
}

static void put_links(struct making *m, uint32_t number, uint64_t *random)
{
    struct crdt_id id;
    draw_project(random, &id);
    put_id(m, "project", &id, false);
    if (share(random) < 0.2) {
        named_id("session", number / 100, CRDT_SESSION, &id);
        put_id(m, "session", &id, false);
    }
    uint32_t span = number < 1000 ? number : 1000;
    if (span != 0 && share(random) < 0.05) {
        todos_id(number - 1 - (uint32_t)(many_draw(random) % span), &id);
        put_id(m, "parent", &id, false);
    }
    for (uint32_t i = 0; span != 0 && i < 2 && share(random) < 0.1; i++) {
        todos_id(number - 1 - (uint32_t)(many_draw(random) % span), &id);
        put_id(m, "dependencies", &id, true);
    }
}

static void make_todo(struct making *m, uint32_t number)
{
    static const char *const states[] = { "completed", "cancelled", "in_progress", "blocked" };
    static const double upto[] = { 0.6, 0.65, 0.7, 0.72 };
    static const char *const priorities[] = { "critical", "high", "medium", "low" };
    uint64_t random = number;
    m->count = 0;
    put_words(m, "content", 4 + (uint32_t)(many_draw(&random) % 4), &random);
    if (many_draw(&random) % 2 == 0)
        put_words(m, "description", 16, &random);
    double state = share(&random);
    for (size_t i = 0; i < 4; i++) {
        if (state < upto[i]) {
            put_text(m, "status", states[i], false);
            break;
        }
    }
    uint32_t priority = skewed(&random, 8);
    if (priority < 4)
        put_text(m, "priority", priorities[3 - priority], false);
    if (share(&random) < 0.3)
        put_time(m, "deadline", MANY_NOW_MS - 300 * DAY_MS + many_draw(&random) % (600 * DAY_MS));
    if (share(&random) < 0.05)
        put_time(m, "defer", MANY_NOW_MS - 100 * DAY_MS + many_draw(&random) % (200 * DAY_MS));
    put_time(m, "created", MANY_NOW_MS - many_draw(&random) % (1000 * DAY_MS));
    put_sets(m, &random);
    put_links(m, number, &random);
    point_ops(m);
}

/* --- the space ------------------------------------------------------------------------------- */

void many_open(struct many *m, const char *folder)
{
    struct net_founding founding = { .stamp = crdt_hlc_make(1001, 0),
                                     .name = cht_bytes_str("node") };
    struct net_seeds seeds;
    struct cht_buf record;
    struct cht_error detail = { 0 };
    uint8_t space[CRDT_ID_BYTES];
    *m = (struct many){ 0 };
    memset(seeds.sign, 1, sizeof seeds.sign);
    memset(seeds.transport, 2, sizeof seeds.transport);
    net_identity_make(&m->identity, &seeds, /* serial= */ 1, crdt_hlc_make(1000, 0));
    cht_buf_init(&record, LIMIT_RECORD_BYTES);
    bench_must(net_members_found(&founding, &m->identity, &record, space), "found");
    struct cht_bytes records = cht_buf_view(&record);
    bench_path(m->path, folder, "many.db");
    bench_must(node_replica_create(m->path, space, &records, 1, &detail), "create");
    cht_buf_clear(&record);
    struct node_replica_options options = {
        .path = m->path, .mode = NODE_STORE_WRITE, .identity = &m->identity, .now_ms = MANY_NOW_MS
    };
    memset(options.epoch, 7, sizeof options.epoch);
    bench_must(node_replica_open(&options, &detail, &m->r), cht_error_text(&detail));
}

void many_grow(struct many *m, uint32_t count)
{
    static struct making todos[TRANSACTION];
    static struct node_write writes[TRANSACTION];
    for (uint32_t i = 0; i < TRANSACTION; i++)
        cht_buf_init(&todos[i].bytes, 1u << 16);
    while (m->count < count) {
        uint32_t now = count - m->count < TRANSACTION ? count - m->count : TRANSACTION;
        for (uint32_t i = 0; i < now; i++) {
            cht_buf_reset(&todos[i].bytes);
            make_todo(&todos[i], m->count + i);
            todos_id(m->count + i, &writes[i].id);
            writes[i].ops = todos[i].ops;
            writes[i].count = todos[i].count;
        }
        bench_must(node_replica_write(m->r, writes, now, NULL, MANY_NOW_MS), "write");
        m->count += now;
        bool rows = m->count == count || m->count % WRITE_BACK == 0;
        if (rows || m->count % TURN == 0)
            bench_must(node_replica_commit(m->r, rows), "commit");
        if (rows)
            bench_must(node_store_checkpoint(node_replica_store(m->r)), "checkpoint");
    }
    for (uint32_t i = 0; i < TRANSACTION; i++)
        cht_buf_clear(&todos[i].bytes);
}

void many_close(struct many *m)
{
    node_replica_close(m->r);
    m->r = NULL;
}
