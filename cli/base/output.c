/* The buffered output of a command. */
#include "cli/base/output.h"

#include "crdt/mp.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static const char *const styles[CLI_STYLE_COUNT] = {
    [CLI_PLAIN] = "\033[0m", [CLI_BOLD] = "\033[1m",   [CLI_DIM] = "\033[2m",
    [CLI_RED] = "\033[31m",  [CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m",
    [CLI_BLUE] = "\033[34m",
};

static bool env_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* https://no-color.org and https://bixense.com/clicolors */
static bool wants_colour(bool terminal)
{
    const char *force = getenv("CLICOLOR_FORCE"), *term = getenv("TERM");
    if (env_set("NO_COLOR"))
        return false;
    if (force != NULL && force[0] != '\0' && strcmp(force, "0") != 0)
        return true;
    return terminal && term != NULL && strcmp(term, "dumb") != 0;
}

static int width_of(int fd)
{
    const char *told = getenv("COLUMNS");
    if (told != NULL) {
        const long columns = strtol(told, NULL, 10);
        if (columns > 0 && columns < 10000)
            return (int)columns;
    }
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void cli_out_init(struct cli_out *out, int fd)
{
    out->fd = fd;
    out->sys = 0;
    out->sink = NULL;
    out->len = 0;
    out->terminal = isatty(fd) == 1;
    out->colour = wants_colour(out->terminal);
    out->columns = out->terminal ? width_of(fd) : 0;
}

static void write_out(struct cli_out *out)
{
    size_t at = 0;
    if (out->sink != NULL && out->len > 0 && out->sys == 0) {
        out->sys = out->sink(out->sink_ctx, cht_bytes(out->data, out->len));
        out->len = 0;
    }
    while (at < out->len && out->sys == 0) {
        const ssize_t put = write(out->fd, out->data + at, out->len - at);
        if (put >= 0)
            at += (size_t)put;
        else if (errno != EINTR)
            out->sys = errno;
    }
    out->len = 0;
}

enum cht_err cli_out_flush(struct cli_out *out)
{
    write_out(out);
    return out->sys == 0 || out->sys == EPIPE ? CHT_OK : CHT_E_IO;
}

void cli_put(struct cli_out *out, struct cht_bytes bytes)
{
    while (bytes.len > 0) {
        if (out->len == sizeof out->data)
            write_out(out);
        const size_t room = sizeof out->data - out->len;
        const size_t n = bytes.len < room ? bytes.len : room;
        memcpy(out->data + out->len, bytes.data, n);
        out->len += n;
        bytes = cht_bytes(bytes.data + n, bytes.len - n);
    }
}

void cli_put_text(struct cli_out *out, const char *text)
{
    cli_put(out, cht_bytes_str(text));
}

void cli_put_char(struct cli_out *out, char c)
{
    cli_put(out, cht_bytes(&c, 1));
}

void cli_put_uint(struct cli_out *out, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    cli_put(out, cht_bytes(digits + at, sizeof digits - at));
}

void cli_put_int(struct cli_out *out, int64_t v)
{
    if (v < 0)
        cli_put_char(out, '-');
    cli_put_uint(out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void cli_printf(struct cli_out *out, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0)
        cli_put(out, cht_bytes(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1));
}

void cli_put_style(struct cli_out *out, enum cli_style style)
{
    if (out->colour)
        cli_put_text(out, styles[style]);
}

/* The next character of a text: its bytes, or a stand-in for what must not reach a terminal. */
static struct cht_bytes next_character(struct cht_bytes *text)
{
    const uint8_t lead = text->data[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    struct cht_bytes c = cht_bytes(text->data, len <= text->len ? len : 1);
    if (lead == '\n' || lead == '\t' || lead == '\r')
        c = cht_bytes(" ", 1);
    else if (lead < 0x20 || lead == 0x7F)
        c = cht_bytes("?", 1);
    else if (len > 1 && (len > text->len || !crdt_utf8_valid(c))) {
        c = cht_bytes("?", 1);
        len = 1;
    } else if (len == 2 && lead == 0xC2 && c.data[1] < 0xA0) {
        c = cht_bytes("?", 1); /* C1: some terminals take these for escapes */
    } else if (len == 3 && lead == 0xE2 && c.data[1] == 0x80 && c.data[2] >= 0xAA &&
               c.data[2] <= 0xAE) {
        c = cht_bytes("?", 1); /* U+202A … 202E turn the rest of the line round */
    }
    *text = cht_bytes(text->data + len, text->len - len);
    return c;
}

void cli_put_line(struct cli_out *out, struct cht_bytes text)
{
    /* Runs of plain ASCII, nearly all there is, are copied whole. */
    while (text.len > 0) {
        size_t run = 0;
        while (run < text.len && text.data[run] >= 0x20 && text.data[run] < 0x7F)
            run++;
        cli_put(out, cht_bytes(text.data, run));
        text = cht_bytes(text.data + run, text.len - run);
        if (text.len > 0)
            cli_put(out, next_character(&text));
    }
}

/* How many cells of a terminal a character takes: none, where it combines with the one before, or
 * two. The C library knows in a locale of UTF-8; without one every character counts as one. */
static size_t cells(struct cht_bytes c)
{
    static locale_t utf8;
    static bool looked;
    if (c.len == 1)
        return 1;
    if (!looked)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    looked = true;
    if (utf8 == (locale_t)0)
        return 1;
    uint32_t code = c.data[0] & (0xFFu >> (c.len + 1));
    for (size_t i = 1; i < c.len; i++)
        code = code << 6 | (c.data[i] & 0x3Fu);
    const locale_t before = uselocale(utf8);
    const int width = wcwidth((wchar_t)code);
    (void)uselocale(before);
    return width < 0 ? 1 : (size_t)width;
}

size_t cli_text_width(struct cht_bytes text)
{
    size_t width = 0;
    while (text.len > 0)
        width += cells(next_character(&text));
    return width;
}

void cli_put_cell(struct cli_out *out, struct cht_bytes text, size_t width)
{
    const size_t whole = cli_text_width(text);
    const size_t room = whole > width ? width - 1 : width;
    size_t used = 0;
    while (text.len > 0) {
        const struct cht_bytes c = next_character(&text);
        if (used + cells(c) > room)
            break;
        used += cells(c);
        cli_put(out, c);
    }
    if (whole > width) {
        cli_put_text(out, "…");
        used++;
    }
    for (; used < width; used++)
        cli_put_char(out, ' ');
}
