/* Ids from arguments and from standard input; see change.h. */
#include "cli/base/change.h"

#include "cli/base/request.h"
#include "crdt/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define STDIN_BYTES_MAX ((size_t)64 * 1024 * 1024)

static enum cht_err add(struct cli_ids *ids, const char *id)
{
    if (ids->count == ids->cap) {
        const size_t cap = ids->cap == 0 ? 64 : 2 * ids->cap;
        const char **grown = realloc(ids->list, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        ids->list = grown;
        ids->cap = cap;
    }
    ids->list[ids->count++] = id;
    return CHT_OK;
}

static enum cht_err read_all(struct cli_context *c, struct cht_buf *text)
{
    for (;;) {
        enum cht_err err = cht_buf_reserve(text, 65536);
        if (err == CHT_E_LIMIT)
            return node_fault_set(&c->fault, err, cht_bytes(NULL, 0),
                                  "standard input has more than %zu bytes", STDIN_BYTES_MAX);
        if (err != CHT_OK)
            return err;
        const ssize_t got = read(STDIN_FILENO, text->data + text->len, 65535);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return node_fault_set(&c->fault, CHT_E_IO, cht_bytes(NULL, 0),
                                  "cannot read standard input: %s", strerror(errno));
        if (got == 0)
            break;
        text->len += (size_t)got;
    }
    text->data[text->len] = '\0';
    return CHT_OK;
}

/* The first word of each line that has one. */
static enum cht_err add_lines(struct cli_context *c, struct cli_ids *ids)
{
    if (ids->text.data != NULL)
        return CHT_OK; /* "-" twice says no more */
    cht_buf_init(&ids->text, STDIN_BYTES_MAX);
    enum cht_err err = read_all(c, &ids->text);
    char *at = (char *)ids->text.data;
    while (err == CHT_OK && *at != '\0') {
        char *line_end = at + strcspn(at, "\n");
        char *word = at + strspn(at, " \t\r");
        char *end = word + strcspn(word, " \t\r\n");
        const bool last = *line_end == '\0';
        if (end != word) {
            *end = '\0';
            err = add(ids, word);
        }
        at = last ? line_end : line_end + 1;
    }
    return err;
}

enum cht_err cli_ids_read(struct cli_context *c, size_t first, struct cli_ids *out)
{
    struct cli_ids ids = { 0 };
    enum cht_err err = CHT_OK;
    for (size_t i = first; err == CHT_OK && i < c->arg_count; i++)
        err = strcmp(c->args[i], "-") == 0 ? add_lines(c, &ids) : add(&ids, c->args[i]);
    if (err == CHT_OK && ids.count == 0)
        err = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                             "no id: standard input has none");
    if (err != CHT_OK) {
        cli_ids_clear(&ids);
        return cli_fail(c, err);
    }
    *out = ids;
    return CHT_OK;
}

void cli_ids_clear(struct cli_ids *ids)
{
    free(ids->list);
    cht_buf_clear(&ids->text);
    *ids = (struct cli_ids){ 0 };
}
