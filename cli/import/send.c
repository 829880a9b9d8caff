/* Records on their way to the node; see import_send.h. */
#include "cli/import/send.h"

#include "cli/import/sender.h"
#include "crdt/limits.h"
#include "node/client/request.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define STAGE_BYTES ((size_t)16 << 20) /* of records that are asked for together */

/* --- life ---------------------------------------------------------------------------------- */

enum cht_err cli_import_sender_new(struct cli_context *c, bool dry,
                                   void (*wrong)(void *ctx, uint64_t line,
                                                 const struct node_fault *fault),
                                   void *ctx, struct cli_import_sender **out)
{
    struct cli_import_sender *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CHT_E_NOMEM;
    s->c = c;
    s->dry = dry;
    s->wrong = wrong;
    s->ctx = ctx;
    s->now = &s->flights[0];
    for (unsigned i = 0; i < FLIGHTS; i++) {
        cht_arena_init(&s->flights[i].stage.arena, ARENA_BYTES);
        cht_buf_init(&s->flights[i].batch.changes, LIMIT_CLIENT_BYTES);
    }
    *out = s;
    return CHT_OK;
}

void cli_import_sender_free(struct cli_import_sender *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < FLIGHTS; i++) {
        cht_arena_clear(&s->flights[i].stage.arena);
        free(s->flights[i].stage.list);
        cht_buf_clear(&s->flights[i].batch.changes);
    }
    cli_id_set_clear(&s->sent);
    free(s);
}

struct cht_arena *cli_import_arena(struct cli_import_sender *s)
{
    return &s->now->stage.arena;
}

const struct cli_import_counts *cli_import_counts(const struct cli_import_sender *s)
{
    return &s->counts;
}

/* --- without writing ----------------------------------------------------------------------- */

static void check_stage(struct cli_import_sender *s, struct stage *stage)
{
    for (size_t from = 0, next; from < stage->count; from = next) {
        struct node_fault fault = { 0 };
        enum cht_err err = CHT_OK;
        next = import_group_end(stage, from);
        for (size_t i = from; err == CHT_OK && i < next; i++)
            err = cli_import_check(&stage->arena, stage->list[i], &fault);
        for (size_t i = from; err == CHT_OK && i < next; i++)
            import_tally(s, stage->list[i]);
        if (err != CHT_OK)
            import_group_wrong(s, stage, from, &fault);
    }
}

/* --- stages -------------------------------------------------------------------------------- */

static enum cht_err run_stage(struct cli_import_sender *s)
{
    struct flight *f = s->now, *next = f + 1 < s->flights + FLIGHTS ? f + 1 : s->flights;
    struct stage *stage = &f->stage;
    enum cht_err err = import_find_all(s);
    for (size_t i = 0; err == CHT_OK && i < stage->count; i++)
        err = cli_import_compare(&stage->arena, stage->list[i]);
    if (err == CHT_OK && s->dry)
        check_stage(s, stage);
    else if (err == CHT_OK)
        err = import_write_stage(s, f);
    if (err == CHT_OK)
        err = import_settle(s, next);
    if (err == CHT_OK) {
        next->stage.count = 0;
        cht_arena_reset(&next->stage.arena);
        s->now = next;
    }
    return cli_fail(s->c, err);
}

static bool staged(const struct stage *stage, const struct cli_import_record *r)
{
    for (size_t i = 0; i < stage->count; i++) {
        if (crdt_id_eq(&stage->list[i]->id, &r->id))
            return true;
    }
    return false;
}

static enum cht_err add_to(struct stage *stage, struct cli_import_record *r)
{
    if (stage->count == stage->cap) {
        const size_t cap = stage->cap == 0 ? 512 : stage->cap * 2;
        struct cli_import_record **grown = realloc(stage->list, cap * sizeof(*grown));
        if (grown == NULL)
            return CHT_E_NOMEM;
        stage->list = grown;
        stage->cap = cap;
    }
    stage->list[stage->count++] = r;
    return CHT_OK;
}

enum cht_err cli_import_send(struct cli_import_sender *s, struct cli_import_record *r)
{
    enum cht_err err = CHT_OK;
    for (const struct cli_import_record *one = r; one != NULL; one = one->next) {
        if (staged(&s->now->stage, one))
            return CHT_E_EXISTS;
    }
    for (struct cli_import_record *one = r; err == CHT_OK && one != NULL; one = one->next)
        err = add_to(&s->now->stage, one);
    if (err == CHT_OK &&
        (s->now->stage.count >= NODE_BATCH_MAX || s->now->stage.arena.used > STAGE_BYTES))
        err = run_stage(s);
    return cli_fail(s->c, err);
}

enum cht_err cli_import_flush(struct cli_import_sender *s)
{
    enum cht_err err = s->now->stage.count == 0 ? CHT_OK : run_stage(s);
    if (err == CHT_OK)
        err = import_settle_all(s);
    return cli_fail(s->c, err);
}
