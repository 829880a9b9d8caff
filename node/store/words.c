/* The full-text index's tokenizer, reached as FTS5 documents it; see words.h. */
#include "node/store/words.h"

#include "node/store/sql.h"

#include <limits.h>
#include <stdlib.h>

struct node_words {
    fts5_tokenizer methods;
    Fts5Tokenizer *tokenizer;
};

enum cht_err store_fts5(struct node_store *s, fts5_api **out)
{
    sqlite3_stmt *st = NULL;
    fts5_api *api = NULL;
    enum cht_err err = store_prepare(s, "SELECT fts5(?1)", &st);
    if (err == CHT_OK) {
        sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
        err = store_row(st);
    }
    sqlite3_finalize(st);
    if (err == CHT_OK && api == NULL)
        err = CHT_E_IO;
    if (err == CHT_OK)
        *out = api;
    return err;
}

enum cht_err node_words_open(struct node_store *s, struct node_words **out)
{
    static const char *options[] = { "remove_diacritics", "2" }; /* as STORE_TOKENIZER */
    struct node_words *w = calloc(1, sizeof *w);
    fts5_api *api = NULL;
    void *ctx = NULL;
    if (w == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = store_fts5(s, &api);
    if (err == CHT_OK)
        err = api->xFindTokenizer(api, "unicode61", &ctx, &w->methods) != SQLITE_OK ||
                      w->methods.xCreate(ctx, options, 2, &w->tokenizer) != SQLITE_OK
                  ? CHT_E_IO
                  : CHT_OK;
    if (err != CHT_OK) {
        free(w);
        return err;
    }
    *out = w;
    return CHT_OK;
}

void node_words_close(struct node_words *w)
{
    if (w == NULL)
        return;
    w->methods.xDelete(w->tokenizer);
    free(w);
}

struct splitting {
    struct cht_arena *arena;
    struct cht_bytes *tokens;
    unsigned count, cap;
};

static int take_token(void *ctx, int flags, const char *token, int len, int start, int end)
{
    struct splitting *p = ctx;
    (void)flags;
    (void)start;
    (void)end;
    if (p->count == p->cap) {
        const unsigned cap = p->cap == 0 ? 16 : p->cap * 2;
        struct cht_bytes *grown = cht_arena_array(p->arena, cap, sizeof *grown);
        if (grown == NULL)
            return SQLITE_NOMEM;
        if (p->count != 0)
            memcpy(grown, p->tokens, p->count * sizeof *grown);
        p->tokens = grown;
        p->cap = cap;
    }
    if (cht_arena_copy(p->arena, cht_bytes(token, (size_t)len), &p->tokens[p->count]) != CHT_OK)
        return SQLITE_NOMEM;
    p->count++;
    return SQLITE_OK;
}

enum cht_err node_words_split(const struct node_words *w, struct cht_bytes text,
                              struct cht_arena *arena, struct cht_bytes **out, unsigned *out_count)
{
    struct splitting p = { .arena = arena };
    if (text.len > INT_MAX)
        return CHT_E_LIMIT;
    const int rc = w->methods.xTokenize(w->tokenizer, &p, FTS5_TOKENIZE_DOCUMENT,
                                        text.len == 0 ? "" : (const char *)text.data, (int)text.len,
                                        take_token);
    if (rc != SQLITE_OK)
        return CHT_E_NOMEM;
    *out = p.tokens;
    *out_count = p.count;
    return CHT_OK;
}
