/* One client of the local socket (LOCAL 1.3, 1.4). Non-blocking throughout. */
#include "node/local/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES   (64u * 1024u) /* one read */
#define IN_BYTES_MAX (LIMIT_CLIENT_BYTES + 2 * READ_BYTES)
#define PAUSE_BYTES  (LIMIT_CLIENT_BACKLOG / 2) /* unsent: not read from until it reads */
#define DRAW_BYTES   (128u * 1024u)             /* unsent: a stream is drawn from below this */
#define FLUSH_BYTES  (4u * 1024u * 1024u)       /* sent to one client in one turn */
#define KEEP_BYTES   (128u * 1024u)             /* an empty buffer larger than this is given back */

struct local_conn *local_conn_new(local_client_id id, int fd)
{
    struct local_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->id = id;
    c->fd = fd;
    cht_buf_init(&c->in, IN_BYTES_MAX);
    cht_buf_init(&c->out, LIMIT_CLIENT_BACKLOG);
    return c;
}

static void end_first_stream(struct local_conn *c)
{
    const struct local_stream first = c->streams[0];
    c->stream_count--;
    memmove(c->streams, c->streams + 1, c->stream_count * sizeof first);
    first.end(first.state);
}

void local_conn_free(struct local_conn *c)
{
    if (c == NULL)
        return;
    while (c->stream_count > 0)
        end_first_stream(c);
    cht_buf_clear(&c->in);
    cht_buf_clear(&c->out);
    (void)close(c->fd);
    free(c);
}

static struct cht_bytes unread(const struct local_conn *c)
{
    return cht_bytes(c->in.len == 0 ? NULL : c->in.data + c->in_done, c->in.len - c->in_done);
}

static size_t unsent(const struct local_conn *c)
{
    return c->out.len - c->out_done;
}

static bool paused(const struct local_conn *c)
{
    return unsent(c) > PAUSE_BYTES;
}

/* Move what is left of a buffer to its front; give a large empty one back. */
static void compact(struct cht_buf *b, size_t *done)
{
    const size_t left = b->len - *done;
    if (*done > 0 && left > 0)
        memmove(b->data, b->data + *done, left);
    b->len = left;
    *done = 0;
    if (left == 0 && b->cap > KEEP_BYTES)
        cht_buf_clear(b);
}

static enum cht_err read_more(struct local_conn *c)
{
    compact(&c->in, &c->in_done);
    if (cht_buf_reserve(&c->in, READ_BYTES) != CHT_OK)
        return CHT_E_NOMEM;
    ssize_t got;
    do {
        got = recv(c->fd, c->in.data + c->in.len, READ_BYTES, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        c->readable = false;
        return errno == EAGAIN ? CHT_E_WAITING : CHT_E_IO;
    }
    /* A short read has emptied the socket: spare the call that would only say so. */
    c->readable = got == (ssize_t)READ_BYTES;
    c->ended = got == 0;
    c->in.len += (size_t)got;
    return got == 0 ? CHT_E_WAITING : CHT_OK;
}

enum cht_err local_conn_next(struct local_conn *c, struct cht_bytes *out)
{
    if (c->dead || c->turn_left == 0 || paused(c))
        return CHT_E_WAITING;
    for (;;) {
        size_t used = 0;
        enum cht_err err = node_frame_next(unread(c), out, &used);
        if (err == CHT_OK) {
            c->in_done += used;
            c->turn_left--;
        }
        if (err != CHT_E_WAITING)
            return err;
        if (!c->readable || c->ended)
            return CHT_E_WAITING;
        err = read_more(c);
        if (err != CHT_OK)
            return err;
    }
}

bool local_conn_ready(const struct local_conn *c)
{
    struct cht_bytes message;
    size_t used;
    return !c->dead && !paused(c) && node_frame_next(unread(c), &message, &used) != CHT_E_WAITING;
}

enum cht_err local_conn_answer(struct local_conn *c, struct cht_bytes message)
{
    if (c->dead)
        return CHT_E_NOTFOUND;
    if (c->out_done > 0 && c->out.limit - c->out.len < message.len + NODE_FRAME_HEAD_BYTES)
        compact(&c->out, &c->out_done);
    enum cht_err err = node_frame_put(&c->out, message);
    c->dead = err != CHT_OK;
    return err;
}

enum cht_err local_conn_stream(struct local_conn *c, const struct local_stream *stream)
{
    if (!c->dead && c->stream_count < LIMIT_CLIENT_STREAMS) {
        c->streams[c->stream_count++] = *stream;
        return CHT_OK;
    }
    stream->end(stream->state);
    return c->dead ? CHT_E_NOTFOUND : CHT_E_LIMIT;
}

/* Draw one message from the first stream straight into the unsent bytes. */
static void draw(struct local_conn *c)
{
    const struct local_stream *s = &c->streams[0];
    bool end = false;
    const size_t start = c->out.len;
    enum cht_err err = cht_buf_add_u32(&c->out, 0);
    if (err == CHT_OK)
        err = s->next(s->state, &c->out, &end);
    const size_t len = c->out.len - start - (err == CHT_OK ? NODE_FRAME_HEAD_BYTES : 0);
    if (err != CHT_OK || len == 0 || len > LIMIT_CLIENT_BYTES) {
        c->out.len = start;
        c->dead = true;
        return;
    }
    cht_put_u32(c->out.data + start, (uint32_t)len);
    if (end)
        end_first_stream(c);
}

void local_conn_flush(struct local_conn *c)
{
    size_t sent = 0;
    while (!c->dead && sent < FLUSH_BYTES) {
        if (c->stream_count > 0 && unsent(c) < DRAW_BYTES) {
            compact(&c->out, &c->out_done);
            draw(c);
            continue;
        }
        if (unsent(c) == 0)
            break;
        const ssize_t got =
            send(c->fd, c->out.data + c->out_done, unsent(c), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            c->dead = errno != EAGAIN;
            break;
        }
        c->out_done += (size_t)got;
        sent += (size_t)got;
    }
    if (unsent(c) == 0)
        compact(&c->out, &c->out_done);
}

uint32_t local_conn_wants(const struct local_conn *c)
{
    uint32_t events = 0;
    if (!c->ended && !paused(c))
        events |= EPOLLIN;
    if (unsent(c) > 0 || c->stream_count > 0)
        events |= EPOLLOUT;
    return events;
}
