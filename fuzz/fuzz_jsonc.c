/* Settings as people write them: what is read has its places in order, and what is put in comes out
 * again. */
/* covers: bridges/claude/jsonc.c */
#include "bridges/claude/settings.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_nodes(const struct jsonc *j)
{
    for (uint32_t i = 0; i < j->count; i++) {
        const struct jsonc_node *n = &j->nodes[i];
        must(n->from < n->to && n->to <= j->text.len);
        must(n->key == n->key_end || (n->key < n->key_end && n->key_end <= n->from));
        must(n->comma == SIZE_MAX || (n->comma >= n->to && n->comma < j->text.len));
        must(n->parent == JSONC_NONE ? i == 0 : n->parent < i);
        must(n->next == JSONC_NONE || j->nodes[n->next].prev == i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct cht_bytes text = cht_bytes(data, len);
    struct jsonc j;
    struct settings_want w = { 0 };
    struct settings_record record;
    struct cht_buf with, without;
    bool complete = false;
    size_t at = SIZE_MAX;
    const enum cht_err err = jsonc_parse(text, &at, &j);
    must(err == CHT_OK || ((err == CHT_E_MALFORMED || err == CHT_E_LIMIT) && at <= len));
    if (err != CHT_OK)
        return 0;
    check_nodes(&j);
    if (j.count > 0)
        json_decref(jsonc_value(&j, 0));
    jsonc_clear(&j);
    cht_buf_init(&with, 2 * JSONC_BYTES_MAX);
    cht_buf_init(&without, 2 * JSONC_BYTES_MAX);
    must(settings_want_hooks(&w, "chitty") == CHT_OK);
    must(settings_without(text, NULL, NULL, NULL, &without) == CHT_OK);
    struct cht_buf bare = without;
    cht_buf_init(&without, 2 * JSONC_BYTES_MAX);
    if (settings_with(cht_buf_view(&bare), &w, NULL, &with, &record) == CHT_OK) {
        must(settings_complete(cht_buf_view(&with), &w, NULL, NULL, &complete) == CHT_OK);
        must(complete);
        must(settings_without(cht_buf_view(&with), &record, NULL, NULL, &without) == CHT_OK);
        must(cht_bytes_eq(cht_buf_view(&bare), cht_buf_view(&without)));
    }
    settings_want_clear(&w);
    cht_buf_clear(&bare);
    cht_buf_clear(&with);
    cht_buf_clear(&without);
    return 0;
}
