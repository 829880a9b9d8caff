/* Lines before and behind what differs are taken off; of the rest the longest common subsequence is
 * found by the table of its lengths, or, where that would be large, all of it is said to differ. */
#include "bridges/claude/diff.h"

#include <stdio.h>
#include <stdlib.h>

#define CELLS_MAX (8u * 1024u * 1024u) /* of the table: 16 MiB */

struct lines {
    struct cht_bytes *list; /* with their ends */
    size_t count;
};

/* One line of the result: of the old text, of the new one, or of both. */
struct step {
    char sign;
    size_t a, b; /* lines before it */
};

static enum cht_err split(struct cht_bytes text, struct lines *out)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    out->list = calloc(count + 1, sizeof *out->list);
    if (out->list == NULL)
        return CHT_E_NOMEM;
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
        const size_t len = end == NULL ? text.len - at : (size_t)(end - text.data) - at + 1;
        out->list[out->count++] = cht_bytes(text.data + at, len);
        at += len;
    }
    return CHT_OK;
}

/* The steps of the middle: lines [from, ends) of both. */
static enum cht_err compare(const struct lines *a, const struct lines *b, size_t from, size_t a_end,
                            size_t b_end, struct step *steps, size_t *count)
{
    const size_t rows = a_end - from + 1, columns = b_end - from + 1;
    const bool small = rows * columns <= CELLS_MAX && rows < UINT16_MAX && columns < UINT16_MAX;
    uint16_t *table = small ? calloc(rows * columns, sizeof *table) : NULL;
    if (small && table == NULL)
        return CHT_E_NOMEM;
    for (size_t i = rows - 1; small && i-- > 0;) {
        for (size_t k = columns - 1; k-- > 0;) {
            const uint16_t down = table[(i + 1) * columns + k], right = table[i * columns + k + 1];
            const bool both = cht_bytes_eq(a->list[from + i], b->list[from + k]);
            table[i * columns + k] = both ? (uint16_t)(table[(i + 1) * columns + k + 1] + 1)
                                     : down > right ? down
                                                    : right;
        }
    }
    for (size_t i = 0, k = 0; i < rows - 1 || k < columns - 1;) {
        struct step *s = &steps[(*count)++];
        *s = (struct step){ .a = from + i, .b = from + k };
        const bool left = i < rows - 1, more = k < columns - 1;
        if (small && left && more && cht_bytes_eq(a->list[from + i], b->list[from + k])) {
            s->sign = ' ';
            i++;
            k++;
        } else if (left && (!more || !small ||
                            table[(i + 1) * columns + k] >= table[i * columns + k + 1])) {
            s->sign = '-';
            i++;
        } else {
            s->sign = '+';
            k++;
        }
    }
    free(table);
    return CHT_OK;
}

static enum cht_err find_steps(const struct lines *a, const struct lines *b, struct step *steps,
                               size_t *count)
{
    size_t from = 0, a_end = a->count, b_end = b->count;
    while (from < a_end && from < b_end && cht_bytes_eq(a->list[from], b->list[from]))
        from++;
    while (a_end > from && b_end > from && cht_bytes_eq(a->list[a_end - 1], b->list[b_end - 1])) {
        a_end--;
        b_end--;
    }
    for (size_t i = 0; i < from; i++)
        steps[(*count)++] = (struct step){ ' ', i, i };
    enum cht_err err = compare(a, b, from, a_end, b_end, steps, count);
    for (size_t i = 0; i < a->count - a_end; i++)
        steps[(*count)++] = (struct step){ ' ', a_end + i, b_end + i };
    return err;
}

static enum cht_err put(struct cht_buf *out, const char *text)
{
    return cht_buf_add(out, cht_bytes_str(text));
}

static enum cht_err put_step(const struct lines *a, const struct lines *b, const struct step *s,
                             struct cht_buf *out)
{
    const struct cht_bytes line = s->sign == '+' ? b->list[s->b] : a->list[s->a];
    enum cht_err err = cht_buf_add_u8(out, (uint8_t)s->sign);
    if (err == CHT_OK)
        err = cht_buf_add(out, line);
    if (err == CHT_OK && (line.len == 0 || line.data[line.len - 1] != '\n'))
        err = put(out, "\n\\ No newline at end of file\n");
    return err;
}

/* Steps [from, to) as one hunk. */
static enum cht_err put_hunk(const struct lines *a, const struct lines *b, const struct step *steps,
                             size_t from, size_t to, struct cht_buf *out)
{
    char head[128];
    size_t old_count = 0, new_count = 0;
    for (size_t i = from; i < to; i++) {
        old_count += steps[i].sign != '+';
        new_count += steps[i].sign != '-';
    }
    (void)snprintf(head, sizeof head, "@@ -%zu,%zu +%zu,%zu @@\n", steps[from].a + (old_count > 0),
                   old_count, steps[from].b + (new_count > 0), new_count);
    enum cht_err err = put(out, head);
    for (size_t i = from; err == CHT_OK && i < to; i++)
        err = put_step(a, b, &steps[i], out);
    return err;
}

static enum cht_err put_hunks(const struct lines *a, const struct lines *b,
                              const struct step *steps, size_t count, size_t context,
                              struct cht_buf *out)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        if (steps[i].sign == ' ')
            continue;
        size_t last = i; /* the last change that shares lines around it with this one */
        for (size_t k = i; k < count && k <= last + 2 * context + 1; k++)
            last = steps[k].sign != ' ' ? k : last;
        const size_t from = i > context ? i - context : 0;
        const size_t to = count - last > context + 1 ? last + context + 1 : count;
        err = put_hunk(a, b, steps, from, to, out);
        i = last;
    }
    return err;
}

enum cht_err claude_diff(const char *old_name, struct cht_bytes old_text, const char *new_name,
                         struct cht_bytes new_text, size_t context, struct cht_buf *out)
{
    struct lines a = { 0 }, b = { 0 };
    struct step *steps = NULL;
    size_t count = 0;
    if (cht_bytes_eq(old_text, new_text))
        return CHT_OK;
    enum cht_err err = split(old_text, &a);
    if (err == CHT_OK)
        err = split(new_text, &b);
    if (err == CHT_OK) {
        steps = calloc(a.count + b.count + 1, sizeof *steps);
        err = steps == NULL ? CHT_E_NOMEM : find_steps(&a, &b, steps, &count);
    }
    const char *const heads[] = { "--- ", old_name == NULL ? "/dev/null" : old_name, "\n+++ ",
                                  new_name == NULL ? "/dev/null" : new_name, "\n" };
    for (size_t i = 0; err == CHT_OK && i < sizeof heads / sizeof heads[0]; i++)
        err = put(out, heads[i]);
    if (err == CHT_OK)
        err = put_hunks(&a, &b, steps, count, context, out);
    free(a.list);
    free(b.list);
    free(steps);
    return err;
}
