/* The stdio transport: lines in, lines out. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bridges/mcp/stdio.h"

struct lines {
    int out;
    int broken; /* errno of the write that failed; 0: none did */
    char *data; /* what was read and is not a whole line yet */
    size_t len;
    bool skipping; /* the rest of a line that was too long */
    struct mcp_conn *conn;
};

/* The line and its end in one piece, so that no reader sees the one without the other for long. */
static bool write_line(int fd, struct cht_bytes line)
{
    struct iovec parts[2] = { { (void *)(uintptr_t)line.data, line.len },
                              { (void *)(uintptr_t) "\n", 1 } };
    size_t at = 0;
    while (at < 2) {
        const ssize_t n = writev(fd, parts + at, (int)(2 - at));
        if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = { .fd = fd, .events = POLLOUT };
            (void)poll(&wait, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
        size_t done = n < 0 ? 0 : (size_t)n;
        while (at < 2 && done >= parts[at].iov_len)
            done -= parts[at++].iov_len;
        if (at < 2) {
            parts[at].iov_base = (uint8_t *)parts[at].iov_base + done;
            parts[at].iov_len -= done;
        }
    }
    return true;
}

static void emit(void *user, void *to, const struct mcp_out *out)
{
    struct lines *lines = user;
    (void)to;
    if (lines->broken != 0 || out->kind == MCP_OUT_END)
        return;
    if (!write_line(lines->out, out->json))
        lines->broken = errno;
}

static void feed(struct lines *lines, const char *data, size_t len)
{
    static const struct mcp_way way = { 0 };
    if (len > 0 && data[len - 1] == '\r')
        len--;
    if (len > 0)
        (void)mcp_feed(lines->conn, cht_bytes(data, len), &way);
}

/* Feed every whole line; what is left of the last one goes to the front. */
static void take_lines(struct lines *lines)
{
    char *at = lines->data;
    size_t left = lines->len;
    for (char *end; (end = memchr(at, '\n', left)) != NULL;) {
        const size_t len = (size_t)(end - at);
        if (!lines->skipping)
            feed(lines, at, len);
        lines->skipping = false;
        at = end + 1;
        left -= len + 1;
    }
    if (left > MCP_LIMIT_MESSAGE_BYTES) { /* told once; the rest of it is passed over */
        if (!lines->skipping)
            feed(lines, at, left);
        lines->skipping = true;
    }
    if (lines->skipping)
        left = 0;
    memmove(lines->data, at, left);
    lines->len = left;
}

/* One reading. False: the input has ended or failed (*out_err). */
static bool take_input(struct lines *lines, int in, size_t room, struct cht_error *detail,
                       enum cht_err *out_err)
{
    const ssize_t n = read(in, lines->data + lines->len, room - lines->len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n < 0) {
        *out_err = cht_fail(detail, CHT_E_IO, "the input cannot be read");
        return false;
    }
    if (n == 0) {
        if (lines->len > 0)
            feed(lines, lines->data, lines->len);
        return false;
    }
    lines->len += (size_t)n;
    take_lines(lines);
    return true;
}

static enum cht_err serve(struct lines *lines, int in, size_t room, const struct mcp_source *source,
                          struct cht_error *detail)
{
    enum cht_err err = CHT_OK;
    for (;;) {
        struct pollfd fds[2] = { { .fd = in, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
        if (source != NULL)
            fds[1].fd = source->fd(source->user);
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return cht_fail(detail, CHT_E_IO, "waiting for the client failed");
        if (fds[1].fd >= 0 && fds[1].revents != 0)
            source->ready(source->user);
        if (fds[0].revents != 0 && !take_input(lines, in, room, detail, &err))
            return err;
        if (lines->broken != 0)
            return cht_fail(detail, CHT_E_IO, "the client reads no more");
    }
}

enum cht_err mcp_stdio_run(struct mcp_server *server, int in, int out,
                           const struct mcp_source *source, struct cht_error *detail)
{
    const size_t room = MCP_LIMIT_MESSAGE_BYTES + 65536u;
    struct lines lines = { .out = out, .data = malloc(room) };
    if (lines.data == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = mcp_conn_open(server, emit, &lines, &lines.conn);
    if (err == CHT_OK)
        err = serve(&lines, in, room, source, detail);
    mcp_conn_close(lines.conn);
    free(lines.data);
    return err;
}
