#ifndef CLI_BASE_OUTPUT_H
#define CLI_BASE_OUTPUT_H
/* What a command prints: one buffer, written in large pieces, so that ten thousand rows cost a few
 * system calls. Colour and columns on a terminal only (NO_COLOR, CLICOLOR_FORCE, TERM=dumb). */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#include <stdint.h>

enum cli_style {
    CLI_PLAIN,
    CLI_BOLD,
    CLI_DIM,
    CLI_RED,
    CLI_GREEN,
    CLI_YELLOW,
    CLI_BLUE,
    CLI_STYLE_COUNT
};

#define CLI_OUT_BYTES (64u * 1024u) /* written at once: what a pipe holds */

struct cli_out {
    int fd;
    bool terminal; /* columns for people */
    bool colour;
    int columns; /* width of the terminal; 0: unknown or none */
    int sys;     /* errno of the first failed write; nothing is written after it */
    /* Takes what would be written, when set: 0 or an errno. */
    int (*sink)(void *ctx, struct cht_bytes bytes);
    void *sink_ctx;
    size_t len;
    uint8_t data[CLI_OUT_BYTES];
};

/* Look at the descriptor and the environment. */
void cli_out_init(struct cli_out *out, int fd);
/* Write what is left. CHT_E_IO: some write failed (`out->sys`); a reader that has gone (EPIPE) is
 * no error: it has read what it wanted. */
CHT_MUST_USE enum cht_err cli_out_flush(struct cli_out *out);

void cli_put(struct cli_out *out, struct cht_bytes bytes);
void cli_put_text(struct cli_out *out, const char *text);
void cli_put_char(struct cli_out *out, char c);
void cli_put_uint(struct cli_out *out, uint64_t v);
void cli_put_int(struct cli_out *out, int64_t v);
void cli_printf(struct cli_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Turn a style on, or with CLI_PLAIN off; nothing without colour. */
void cli_put_style(struct cli_out *out, enum cli_style style);
/* Text from outside on one line: control characters, which could drive a terminal, become spaces or
 * '?', and bytes that are no UTF-8 '?'. */
void cli_put_line(struct cli_out *out, struct cht_bytes text);
/* The same, filled up with spaces to `width` cells of a terminal; one too long is cut with '…'. */
void cli_put_cell(struct cli_out *out, struct cht_bytes text, size_t width);
/* Cells of a terminal that a text of UTF-8 takes. */
size_t cli_text_width(struct cht_bytes text);

#endif
