/* Sizes of files and their types, for people and from them. */
#include "cli/base/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct unit {
    double value;
    const char *name;
};

static struct unit in_units(uint64_t bytes)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t i = 0;
    for (; value >= 1024.0 && i + 1 < sizeof names / sizeof names[0]; i++)
        value /= 1024.0;
    return (struct unit){ .value = value, .name = names[i] };
}

void cli_put_size(struct cli_out *out, uint64_t bytes)
{
    const struct unit u = in_units(bytes);
    cli_printf(out, bytes < 1024 ? "%.0f %s" : "%.1f %s", u.value, u.name);
}

void cli_put_bytes(const char *what, const char *name, uint64_t done, uint64_t total)
{
    if (!isatty(STDERR_FILENO))
        return;
    const struct unit d = in_units(done), t = in_units(total);
    (void)fprintf(stderr, "\r%.60s: %.1f of %.1f %s %s\033[K%s", name, d.value, t.value, t.name,
                  what, done >= total ? "\n" : "");
}

enum cht_err cli_read_size(struct cli_context *c, const char *flag, uint64_t *out)
{
    static const char letters[] = "KMGT";
    const char *text = cli_flag(c, flag);
    char *rest = NULL;
    if (text == NULL)
        return CHT_OK;
    unsigned long long value = strtoull(text, &rest, 10);
    const char *letter = *rest == '\0' ? NULL : strchr(letters, *rest);
    const unsigned shift = letter == NULL ? 0 : 10u * (unsigned)(letter - letters + 1);
    const bool good = text[0] >= '0' && text[0] <= '9' &&
                      (*rest == '\0' || (letter != NULL && rest[1] == '\0')) &&
                      value <= UINT64_C(1) << (50u - shift);
    if (!good)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(flag),
                              "--%s \"%.40s\" is no size: it has to be a number of bytes, or one "
                              "with K, M, G or T behind it",
                              flag, text);
    *out = (uint64_t)value << shift;
    return CHT_OK;
}

const char *cli_media_type(const char *name)
{
    static const char *const types[][2] = {
        { ".txt", "text/plain" },      { ".md", "text/markdown" },
        { ".log", "text/plain" },      { ".csv", "text/csv" },
        { ".html", "text/html" },      { ".json", "application/json" },
        { ".pdf", "application/pdf" }, { ".png", "image/png" },
        { ".jpg", "image/jpeg" },      { ".jpeg", "image/jpeg" },
        { ".gif", "image/gif" },       { ".svg", "image/svg+xml" },
        { ".webp", "image/webp" },     { ".mp4", "video/mp4" },
        { ".mp3", "audio/mpeg" },      { ".zip", "application/zip" },
        { ".gz", "application/gzip" }, { ".tar", "application/x-tar" },
        { ".patch", "text/x-diff" },   { ".diff", "text/x-diff" },
        { ".xml", "application/xml" },
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(dot, types[i][0]) == 0)
            return types[i][1];
    }
    return "application/octet-stream";
}
