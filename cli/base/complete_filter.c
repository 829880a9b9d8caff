/* Candidates for a word of a filter: `status:`, `deadline.before:`, `+label`, `is:ready`. */
#include "cli/base/complete.h"
#include "cli/base/filter.h"
#include "cli/base/options.h"
#include "node/client/conditions.h"

#include <stdio.h>

#define NAME_MAX_BYTES (CLI_FLAG_NAME_MAX + 16u)

/* The next `used` bytes of the word are as they shall be. */
static void pass(struct cli_completion *w, size_t used)
{
    w->front.len += used;
    w->word = cht_bytes(w->word.data + used, w->word.len - used);
}

static void put_is(struct cli_completion *w, unsigned type)
{
    static const struct {
        const char *word, *doc;
        bool todos;
    } words[] = {
#define X(sym, word, doc, todo) { word, doc, todo },
        NODE_IS_WORDS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!words[i].todos || type == CRDT_TODO)
            cli_candidate_text(w, words[i].word, words[i].doc);
    }
}

static void put_labels(struct cli_completion *w, unsigned type)
{
    const struct crdt_field *labels = crdt_field_named(type, cht_bytes_str("labels"));
    labels = labels != NULL ? labels : crdt_field_named(type, cht_bytes_str("tags"));
    pass(w, 1);
    if (labels != NULL)
        cli_complete_values(w, type, labels);
}

/* `FIELD:`, of times also `FIELD.before:`; behind a dot all questions that fit. */
static void put_names(struct cli_completion *w, unsigned type)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    const uint8_t *dot = w->word.len == 0 ? NULL : memchr(w->word.data, '.', w->word.len);
    char name[NAME_MAX_BYTES];
    w->how = CLI_COMPLETE_OPEN;
    if (dot != NULL) {
        const size_t used = (size_t)(dot - w->word.data);
        const struct crdt_field *f = cli_field_meant(type, cht_bytes(w->word.data, used));
        pass(w, used + 1);
        for (unsigned op = 0; f != NULL && op < NODE_COND_OP_COUNT; op++) {
            (void)snprintf(name, sizeof name, "%s:", node_cond_op_word((enum node_cond_op)op));
            if (node_cond_fits(f, (enum node_cond_op)op))
                cli_candidate_text(w, name, "");
        }
        return;
    }
    cli_candidate_text(w, "is:", "what a record is");
    for (size_t i = 1; schema != NULL && i < schema->count; i++) {
        const struct crdt_field *f = &schema->fields[i];
        const bool time = f->value == CRDT_V_TIME;
        (void)snprintf(name, sizeof name, "%s:", f->name);
        cli_candidate_text(w, name, f->doc);
        (void)snprintf(name, sizeof name, "%s.before:", f->name);
        if (time)
            cli_candidate_text(w, name, f->doc);
        (void)snprintf(name, sizeof name, "%s.after:", f->name);
        if (time)
            cli_candidate_text(w, name, f->doc);
    }
}

void cli_complete_filter(struct cli_completion *w, unsigned type)
{
    const uint8_t *colon = w->word.len == 0 ? NULL : memchr(w->word.data, ':', w->word.len);
    if (w->word.len > 0 && strchr("+-", w->word.data[0]) != NULL) {
        put_labels(w, type);
        return;
    }
    if (colon == NULL) {
        put_names(w, type);
        return;
    }
    const size_t used = (size_t)(colon - w->word.data);
    const uint8_t *dot = memchr(w->word.data, '.', used);
    const struct cht_bytes name =
        cht_bytes(w->word.data, dot == NULL ? used : (size_t)(dot - w->word.data));
    const struct crdt_field *f = cli_field_meant(type, name);
    pass(w, used + 1);
    cli_complete_piece(w);
    if (f != NULL)
        cli_complete_field(w, type, f, true);
    if (cht_bytes_eq(name, cht_bytes_str("is")) ||
        (f != NULL && type == CRDT_TODO && strcmp(f->name, "status") == 0))
        put_is(w, type);
}
