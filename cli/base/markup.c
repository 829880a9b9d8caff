/* Longer texts of the tables, taken apart and shown. */
#include "cli/base/markup.h"

#define WIDTH_USUAL 80u
#define WIDTH_MOST  100u /* longer lines are hard to read */
#define ITEM_INDENT 4u

static size_t line_length(const char *at)
{
    return strcspn(at, "\n");
}

static enum cli_block block_of(const char *line)
{
    if (strncmp(line, "  ", 2) == 0)
        return CLI_BLOCK_LITERAL;
    if (strncmp(line, "# ", 2) == 0)
        return CLI_BLOCK_HEADING;
    return strncmp(line, "* ", 2) == 0 ? CLI_BLOCK_ITEM : CLI_BLOCK_TEXT;
}

bool cli_markup_next(const char **at, struct cli_markup *out)
{
    const char *p = *at;
    while (*p == '\n')
        p++;
    if (*p == '\0')
        return false;
    *out = (struct cli_markup){ .block = block_of(p) };
    const char *start = p + (out->block == CLI_BLOCK_TEXT ? 0 : 2), *end = p;
    for (;;) { /* lines of the same block; a heading is one, an item ends where another begins */
        end = p + line_length(p);
        p = *end == '\0' ? end : end + 1;
        const enum cli_block next = block_of(p);
        const bool more =
            out->block == CLI_BLOCK_ITEM ? next == CLI_BLOCK_TEXT : next == out->block;
        if (*p == '\0' || *p == '\n' || out->block == CLI_BLOCK_HEADING || !more)
            break;
    }
    out->text = cht_bytes(start, (size_t)(end - start));
    if (out->block == CLI_BLOCK_ITEM) {
        const char *colon = strstr(start, ": ");
        if (colon != NULL && colon < end) {
            out->term = cht_bytes(start, (size_t)(colon - start));
            out->text = cht_bytes(colon + 2, (size_t)(end - colon - 2));
        }
    }
    *at = p;
    return true;
}

static void put_spaces(struct cli_out *out, size_t count)
{
    while (count-- > 0)
        cli_put_char(out, ' ');
}

static void put_filled(struct cli_out *out, struct cht_bytes text, unsigned indent, size_t width)
{
    size_t used = 0;
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && text.data[end] != ' ' && text.data[end] != '\n')
            end++;
        const struct cht_bytes word = cht_bytes(text.data + at, end - at);
        const size_t len = cli_text_width(word);
        if (len > 0 && used > 0 && used + 1 + len > width) {
            cli_put_char(out, '\n');
            used = 0;
        }
        if (len > 0 && used == 0)
            put_spaces(out, used = indent);
        else if (len > 0)
            put_spaces(out, 1);
        if (len > 0) {
            used += len + (used > indent ? 1 : 0);
            cli_put(out, word);
        }
        at = end + 1;
    }
    cli_put_char(out, '\n');
}

static void put_literal(struct cli_out *out, struct cht_bytes text, unsigned indent)
{
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
        const size_t len = end == NULL ? text.len - at : (size_t)(end - text.data) - at;
        size_t skip = at > 0 && len >= 2 ? 2 : 0; /* the block's first two are gone already */
        put_spaces(out, indent + 2);
        cli_put(out, cht_bytes(text.data + at + skip, len - skip));
        cli_put_char(out, '\n');
        at += len + 1;
    }
}

void cli_put_markup(struct cli_out *out, const char *text, unsigned indent)
{
    struct cli_markup m;
    size_t width = out->columns > 0 ? (size_t)out->columns : WIDTH_USUAL;
    width = width > WIDTH_MOST ? WIDTH_MOST : width < 40 ? 40 : width;
    enum cli_block before = CLI_BLOCK_HEADING;
    for (bool first = true; cli_markup_next(&text, &m); first = false) {
        const bool together = before == CLI_BLOCK_ITEM && m.block == CLI_BLOCK_ITEM;
        if (!first && before != CLI_BLOCK_HEADING && !together)
            cli_put_char(out, '\n');
        if (!first && before == CLI_BLOCK_HEADING && m.block == CLI_BLOCK_HEADING)
            cli_put_char(out, '\n');
        before = m.block;
        if (m.block == CLI_BLOCK_HEADING) {
            cli_put_style(out, CLI_BOLD);
            cli_put(out, m.text);
            cli_put_style(out, CLI_PLAIN);
            cli_put_char(out, '\n');
        } else if (m.block == CLI_BLOCK_LITERAL) {
            put_literal(out, m.text, indent);
        } else if (m.block == CLI_BLOCK_ITEM) {
            put_spaces(out, indent + 2);
            cli_put_style(out, CLI_BOLD);
            cli_put(out, m.term);
            cli_put_style(out, CLI_PLAIN);
            cli_put_char(out, '\n');
            put_filled(out, m.text, indent + 2 + ITEM_INDENT, width);
        } else {
            put_filled(out, m.text, indent, width);
        }
    }
}
