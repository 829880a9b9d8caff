/* The connection of a program to its node (LOCAL 1, 5). */
#include "node/client/client.h"

#include "crdt/limits.h"
#include "node/client/autostart.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define READ_BYTES (256u * 1024u) /* one read: a long list comes in few of them */

struct node_client {
    int fd; /* -1 while not connected */
    int timeout_ms;
    bool may_start;
    struct node_paths paths;
    struct cht_buf in; /* unread bytes from in_done on */
    size_t in_done;
};

/* --- connecting ---------------------------------------------------------------------------- */

static enum cht_err unreachable(struct node_fault *fault, int sys)
{
    return node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                          "the node cannot be reached: %s", strerror(sys));
}

/* One try. CHT_E_NOTFOUND: nobody listens there. */
static enum cht_err connect_once(struct node_client *c, struct node_fault *fault)
{
    struct node_socket_address address;
    struct cht_error detail = { 0 };
    enum cht_err err = node_socket_address(c->paths.socket, &detail, &address);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int sys = 0;
    if (fd < 0) {
        sys = errno;
    } else {
        /* A node that hangs must not hang us, neither in connect nor in send. */
        const struct timeval limit = { .tv_sec = c->timeout_ms / 1000,
                                       .tv_usec = c->timeout_ms % 1000 * 1000 };
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (connect(fd, (const struct sockaddr *)&address.un, address.len) != 0)
            sys = errno;
    }
    node_socket_address_clear(&address);
    if (sys == 0) {
        c->fd = fd;
        c->in_done = 0;
        cht_buf_reset(&c->in);
        return CHT_OK;
    }
    if (fd >= 0)
        (void)close(fd);
    if (sys == ENOENT || sys == ECONNREFUSED)
        return CHT_E_NOTFOUND;
    (void)unreachable(fault, sys);
    return sys == EACCES || sys == EPERM
               ? node_fault_set(fault, CHT_E_DENIED, cht_bytes(NULL, 0), "%s may not be opened: %s",
                                c->paths.socket, strerror(sys))
               : CHT_E_UNREACHABLE;
}

static bool reached(void *ctx)
{
    return connect_once(ctx, NULL) == CHT_OK;
}

static enum cht_err connect_or_start(struct node_client *c, struct node_fault *fault)
{
    enum cht_err err = connect_once(c, fault);
    if (err != CHT_E_NOTFOUND)
        return err;
    if (!c->may_start) {
        err = node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0), "no node answers on %s",
                             c->paths.socket);
        node_fault_hint(fault, "start it: chitty-node run");
        return err;
    }
    err = node_autostart(&c->paths, c->timeout_ms, reached, c, fault);
    if (err != CHT_OK || c->fd >= 0)
        return err;
    err = connect_once(c, fault);
    return err == CHT_E_NOTFOUND ? unreachable(fault, ECONNREFUSED) : err;
}

enum cht_err node_client_open(const struct node_client_options *options, struct node_fault *fault,
                              struct node_client **out)
{
    struct node_client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return node_fault_from(fault, CHT_E_NOMEM, NULL);
    const char *no_start = getenv("CHITTY_NO_AUTOSTART");
    c->fd = -1;
    c->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : NODE_TIMEOUT_MS;
    c->may_start = !options->no_start &&
                   (no_start == NULL || no_start[0] == '\0' || strcmp(no_start, "0") == 0);
    cht_buf_init(&c->in, LIMIT_CLIENT_BYTES + NODE_FRAME_HEAD_BYTES + READ_BYTES);
    struct cht_error detail = { 0 };
    enum cht_err err = node_paths_find(&detail, &c->paths);
    if (err != CHT_OK)
        (void)node_fault_from(fault, err, &detail);
    else
        err = connect_or_start(c, fault);
    if (err != CHT_OK)
        node_client_close(c);
    else
        *out = c;
    return err;
}

static void hang_up(struct node_client *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

void node_client_close(struct node_client *client)
{
    if (client == NULL)
        return;
    hang_up(client);
    cht_buf_clear(&client->in);
    free(client);
}

void node_client_set_timeout(struct node_client *client, int timeout_ms)
{
    client->timeout_ms = timeout_ms;
}

int node_client_fd(const struct node_client *client)
{
    return client->fd;
}

/* --- asking -------------------------------------------------------------------------------- */

static enum cht_err send_all(struct node_client *c, struct cht_bytes bytes, bool more,
                             struct node_fault *fault)
{
    size_t at = 0;
    while (at < bytes.len) {
        const ssize_t put =
            send(c->fd, bytes.data + at, bytes.len - at, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EAGAIN)
            return node_fault_set(fault, CHT_E_TIMEOUT, cht_bytes(NULL, 0),
                                  "the node does not take requests");
        if (put < 0)
            return unreachable(fault, errno);
        at += (size_t)put;
    }
    return CHT_OK;
}

enum cht_err node_client_send(struct node_client *client, struct cht_bytes message,
                              struct node_fault *fault)
{
    struct cht_buf frame;
    if (message.len > LIMIT_CLIENT_BYTES)
        return node_fault_set(fault, CHT_E_LIMIT, cht_bytes(NULL, 0),
                              "a request may have %u bytes, this one has %zu", LIMIT_CLIENT_BYTES,
                              message.len);
    if (client->fd < 0)
        return unreachable(fault, ENOTCONN);
    cht_buf_init(&frame, LIMIT_CLIENT_BYTES + NODE_FRAME_HEAD_BYTES);
    enum cht_err err = node_frame_put(&frame, message);
    if (err != CHT_OK)
        (void)node_fault_from(fault, err, NULL);
    else
        err = send_all(client, cht_buf_view(&frame), false, fault);
    cht_buf_clear(&frame);
    return err;
}

/* --- answers ------------------------------------------------------------------------------- */

static enum cht_err read_more(struct node_client *c, int timeout_ms, struct node_fault *fault)
{
    const size_t left = c->in.len - c->in_done;
    if (c->in_done > 0 && left > 0)
        memmove(c->in.data, c->in.data + c->in_done, left);
    c->in.len = left;
    c->in_done = 0;
    if (cht_buf_reserve(&c->in, READ_BYTES) != CHT_OK)
        return node_fault_from(fault, CHT_E_NOMEM, NULL);
    for (;;) {
        struct pollfd p = { .fd = c->fd, .events = POLLIN };
        const int got = poll(&p, 1, timeout_ms);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            return node_fault_set(fault, CHT_E_TIMEOUT, cht_bytes(NULL, 0),
                                  "the node does not answer (waited %d ms)", timeout_ms);
        const ssize_t n = recv(c->fd, c->in.data + c->in.len, READ_BYTES, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return unreachable(fault, n < 0 ? errno : ECONNRESET);
        c->in.len += (size_t)n;
        return CHT_OK;
    }
}

enum cht_err node_client_next(struct node_client *client, int timeout_ms, struct node_fault *fault,
                              struct node_msg *out)
{
    if (client->fd < 0)
        return unreachable(fault, ENOTCONN);
    for (;;) {
        struct cht_bytes message;
        size_t used = 0;
        const struct cht_bytes unread =
            cht_bytes(client->in.data == NULL ? NULL : client->in.data + client->in_done,
                      client->in.len - client->in_done);
        enum cht_err err = node_frame_next(unread, &message, &used);
        if (err == CHT_OK) {
            struct cht_error detail = { 0 };
            client->in_done += used;
            err = node_msg_read(message, &detail, NULL, out);
            return err == CHT_OK ? CHT_OK : node_fault_from(fault, err, &detail);
        }
        if (err != CHT_E_WAITING)
            return node_fault_set(fault, CHT_E_MALFORMED, cht_bytes(NULL, 0),
                                  "the node sent a message of a length that is not allowed");
        err = read_more(client, timeout_ms, fault);
        if (err != CHT_OK)
            return err;
    }
}

enum cht_err node_client_call(struct node_client *client, struct cht_bytes message, bool repeatable,
                              node_answer_fn each, void *ctx, struct node_fault *fault)
{
    struct cht_error detail = { 0 };
    struct node_msg request, answer;
    enum cht_err err = node_msg_read(message, &detail, NULL, &request);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    bool heard = false;
    err = node_client_send(client, message, fault);
    for (;;) {
        if (err == CHT_OK)
            err = node_client_next(client, client->timeout_ms, fault, &answer);
        if (err == CHT_E_UNREACHABLE && repeatable && !heard) {
            /* An idle node may leave in the very moment it is asked. */
            repeatable = false;
            hang_up(client);
            err = connect_or_start(client, fault);
            if (err == CHT_OK)
                err = node_client_send(client, message, fault);
            if (err == CHT_OK)
                continue;
        }
        if (err != CHT_OK)
            return err;
        /* An error that answers no request is about the connection itself. */
        if (answer.reply_to.len > 0 && !cht_bytes_eq(answer.reply_to, request.id))
            continue;
        heard = true;
        if (node_answer_take(&answer, each, ctx, fault, &err))
            return err;
    }
}
