/* The listener of the local socket and its set of clients (LOCAL 1). Requests go to the handler in
 * node_local_read, answers out in node_local_flush; clients are closed at the end of those two, so
 * that no handler sees one vanish beneath it. */
#include "node/local/server.h"

#include "crdt/limits.h"
#include "node/client/paths.h"
#include "node/local/connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A client's number holds its slot in the low bits, so that an answer finds it at once. */
#define SLOT_BITS 8u
static_assert(LIMIT_CLIENTS <= 1u << SLOT_BITS, "a slot fits its bits");
#define LISTENER_MARK UINT64_MAX
#define ACCEPTS_MAX   16u /* new clients in one turn */

struct node_local {
    int epoll, listener;
    int spare; /* given up for a moment to refuse a client when descriptors have run out */
    char path[NODE_PATH_MAX];
    struct local_handler handler;
    struct local_output output;
    uint64_t last_number;
    size_t client_count;
    struct local_conn *clients[LIMIT_CLIENTS];
};

static struct local_conn *client_of(struct node_local *local, local_client_id id)
{
    const size_t slot = (size_t)(id & ((1u << SLOT_BITS) - 1));
    struct local_conn *c = slot < LIMIT_CLIENTS ? local->clients[slot] : NULL;
    return c != NULL && c->id == id ? c : NULL;
}

static enum cht_err output_answer(void *ctx, local_client_id client, struct cht_bytes message)
{
    struct local_conn *c = client_of(ctx, client);
    return c == NULL ? CHT_E_NOTFOUND : local_conn_answer(c, message);
}

static enum cht_err output_stream(void *ctx, local_client_id client,
                                  const struct local_stream *stream)
{
    struct local_conn *c = client_of(ctx, client);
    if (c != NULL)
        return local_conn_stream(c, stream);
    stream->end(stream->state);
    return CHT_E_NOTFOUND;
}

/* --- listening ----------------------------------------------------------------------------- */

static enum cht_err fail_sys(struct cht_error *detail, const char *what, const char *path)
{
    const int sys = errno;
    const enum cht_err code = sys == EACCES || sys == EPERM ? CHT_E_DENIED : CHT_E_IO;
    (void)cht_fail(detail, code, "");
    if (detail != NULL) {
        detail->sys = sys;
        (void)snprintf(detail->text, sizeof detail->text, "cannot %s %.150s: %s", what, path,
                       strerror(sys));
    }
    return code;
}

/* True when a process accepts connections there. */
static bool answered(const struct node_socket_address *address)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true; /* not known: rather no start than a stolen socket */
    const int done = connect(fd, (const struct sockaddr *)&address->un, address->len);
    const bool taken = done == 0 || errno == EAGAIN;
    (void)close(fd);
    return taken;
}

static enum cht_err bind_to(int fd, const char *path, struct cht_error *detail)
{
    struct node_socket_address address;
    enum cht_err err = node_socket_address(path, detail, &address);
    if (err != CHT_OK)
        return err;
    const struct sockaddr *sa = (const struct sockaddr *)&address.un;
    /* Others of this machine do not even get to SO_PEERCRED. */
    (void)fchmod(fd, S_IRUSR | S_IWUSR);
    int done = bind(fd, sa, address.len);
    if (done != 0 && errno == EADDRINUSE) {
        if (answered(&address)) {
            err = cht_fail(detail, CHT_E_BUSY, "another node answers on the local socket");
        } else if (unlink(path) == 0 || errno == ENOENT) {
            done = bind(fd, sa, address.len);
        }
    }
    if (err == CHT_OK && (done != 0 || listen(fd, (int)LIMIT_CLIENTS) != 0))
        err = fail_sys(detail, "listen on", path);
    node_socket_address_clear(&address);
    return err;
}

static bool watch(struct node_local *local, int op, int fd, uint32_t events, uint64_t mark)
{
    struct epoll_event ev = { .events = events, .data.u64 = mark };
    return epoll_ctl(local->epoll, op, fd, &ev) == 0;
}

enum cht_err node_local_open(const struct node_local_options *options, struct cht_error *detail,
                             struct node_local **out)
{
    if (strlen(options->socket_path) >= NODE_PATH_MAX)
        return cht_fail(detail, CHT_E_LIMIT, "the path of the local socket is too long");
    struct node_local *local = calloc(1, sizeof *local);
    if (local == NULL)
        return cht_fail(detail, CHT_E_NOMEM, "");
    memcpy(local->path, options->socket_path, strlen(options->socket_path) + 1);
    local->handler = options->handler;
    local->output =
        (struct local_output){ .ctx = local, .answer = output_answer, .stream = output_stream };
    local->epoll = epoll_create1(EPOLL_CLOEXEC);
    local->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    local->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    enum cht_err err = CHT_OK;
    if (local->epoll < 0 || local->listener < 0)
        err = fail_sys(detail, "open", "the local socket");
    if (err == CHT_OK)
        err = bind_to(local->listener, local->path, detail);
    if (err != CHT_OK)
        local->path[0] = '\0'; /* the file there is not ours to remove */
    if (err == CHT_OK && !watch(local, EPOLL_CTL_ADD, local->listener, EPOLLIN, LISTENER_MARK))
        err = fail_sys(detail, "watch", local->path);
    if (err != CHT_OK)
        node_local_close(local);
    else
        *out = local;
    return err;
}

static void drop(struct node_local *local, size_t slot)
{
    struct local_conn *c = local->clients[slot];
    const local_client_id id = c->id;
    local->clients[slot] = NULL;
    local->client_count--;
    local_conn_free(c);
    if (local->handler.closed != NULL)
        local->handler.closed(local->handler.ctx, id);
}

void node_local_close(struct node_local *local)
{
    if (local == NULL)
        return;
    for (size_t i = 0; i < LIMIT_CLIENTS; i++) {
        if (local->clients[i] != NULL)
            drop(local, i);
    }
    const int fds[] = { local->listener, local->spare, local->epoll };
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0)
            (void)close(fds[i]);
    }
    if (local->path[0] != '\0')
        (void)unlink(local->path);
    free(local);
}

/* --- accepting ----------------------------------------------------------------------------- */

/* LOCAL 1.2 */
static bool same_user(int fd, pid_t *out_pid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.uid != geteuid())
        return false;
    *out_pid = peer.pid;
    return true;
}

static struct node_msg own_head(uint64_t now_ms)
{
    return (struct node_msg){ .platform = cht_bytes_str("node"), .timestamp_ms = now_ms };
}

/* Tell a client why it is not served; it is about to be closed. */
static void refuse(int fd, const struct node_fault *why, uint64_t now_ms)
{
    struct cht_buf message, frame;
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    cht_buf_init(&frame, LIMIT_CLIENT_BYTES + NODE_FRAME_HEAD_BYTES);
    const struct node_msg head = own_head(now_ms);
    const struct cht_bytes nobody = { 0 };
    if (node_msg_write_error(&message, &head, nobody, why) == CHT_OK &&
        node_frame_put(&frame, cht_buf_view(&message)) == CHT_OK)
        (void)send(fd, frame.data, frame.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    cht_buf_clear(&message);
    cht_buf_clear(&frame);
}

static bool add_client(struct node_local *local, int fd, pid_t pid)
{
    size_t slot = 0;
    while (slot < LIMIT_CLIENTS && local->clients[slot] != NULL)
        slot++;
    if (slot == LIMIT_CLIENTS)
        return false;
    const local_client_id id = ++local->last_number << SLOT_BITS | slot;
    struct local_conn *c = local_conn_new(id, fd);
    if (c == NULL)
        return false;
    c->pid = pid;
    c->events = EPOLLIN;
    c->readable = true; /* a client usually asks at once */
    if (!watch(local, EPOLL_CTL_ADD, fd, c->events, slot)) {
        c->fd = -1;
        local_conn_free(c);
        return false;
    }
    local->clients[slot] = c;
    local->client_count++;
    return true;
}

static void accept_clients(struct node_local *local, uint64_t now_ms)
{
    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(local->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE) && local->spare >= 0) {
            /* Left in the queue it would wake the loop for ever: take it and hang up. */
            (void)close(local->spare);
            fd = accept4(local->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd >= 0)
                (void)close(fd);
            local->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
            continue;
        }
        if (fd < 0)
            return;
        struct node_fault why = { .error = { .code = CHT_E_DENIED,
                                             .text = "this socket is another user's" } };
        pid_t pid = 0;
        bool served = same_user(fd, &pid);
        if (served && !add_client(local, fd, pid)) {
            served = false;
            (void)node_fault_set(&why, CHT_E_BUSY, cht_bytes(NULL, 0),
                                 "the node serves %u clients already", LIMIT_CLIENTS);
        }
        if (!served) {
            refuse(fd, &why, now_ms);
            (void)close(fd);
        }
    }
}

/* --- requests ------------------------------------------------------------------------------ */

static void answer_error(struct local_conn *c, struct cht_bytes reply_to,
                         const struct node_fault *why, uint64_t now_ms)
{
    struct cht_buf message;
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    const struct node_msg head = own_head(now_ms);
    enum cht_err err = node_msg_write_error(&message, &head, reply_to, why);
    if (err == CHT_OK)
        err = local_conn_answer(c, cht_buf_view(&message));
    c->dead = c->dead || err != CHT_OK;
    cht_buf_clear(&message);
}

static void answer_heartbeat(struct local_conn *c, struct cht_bytes reply_to, uint64_t now_ms)
{
    static const uint8_t empty_result[] = { 0x81, 0xa6, 'r', 'e', 's', 'u', 'l', 't', 0x80 };
    uint8_t id[NODE_MSG_ID_BYTES];
    struct node_msg m = own_head(now_ms);
    m.type = NODE_MSG_ACK;
    m.reply_to = reply_to;
    m.id = node_msg_answer_id(reply_to, id);
    m.payload = cht_bytes(empty_result, sizeof empty_result);
    struct cht_buf message;
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    enum cht_err err = node_msg_write(&message, &m);
    if (err == CHT_OK)
        err = local_conn_answer(c, cht_buf_view(&message));
    c->dead = c->dead || err != CHT_OK;
    cht_buf_clear(&message);
}

/* LOCAL 2.6: requests go to the handler, all else is answered here. */
static void hand_in(struct node_local *local, struct local_conn *c, struct cht_bytes bytes,
                    uint64_t now_ms)
{
    struct local_request request = { .client = c->id, .out = &local->output, .bytes = bytes };
    struct cht_bytes id = { 0 };
    struct node_fault why = { 0 };
    if (node_msg_read(bytes, &why.error, &id, &request.msg) != CHT_OK) {
        answer_error(c, id, &why, now_ms);
        return;
    }
    switch (request.msg.type) {
    case NODE_MSG_STATE_UPDATE:
    case NODE_MSG_STATE_REQUEST:
    case NODE_MSG_QUERY:
    case NODE_MSG_COMMAND:
        local->handler.request(local->handler.ctx, &request);
        break;
    case NODE_MSG_HEARTBEAT:
        answer_heartbeat(c, request.msg.id, now_ms);
        break;
    case NODE_MSG_STATE_SNAPSHOT:
    case NODE_MSG_EVENT:
    case NODE_MSG_ACK:
    case NODE_MSG_CONFLICT:
    case NODE_MSG_TYPE_COUNT:
        (void)node_fault_set(&why, CHT_E_UNSUPPORTED, cht_bytes_str("type"),
                             "a message of the type %s is no request",
                             node_msg_type_word(request.msg.type));
        node_fault_hint(&why, "requests are state_update, state_request, query, command and "
                              "heartbeat");
        answer_error(c, id, &why, now_ms);
        break;
    }
}

static void read_client(struct node_local *local, struct local_conn *c, uint64_t now_ms)
{
    c->turn_left = LIMIT_TURN_FRAMES;
    for (;;) {
        struct cht_bytes message;
        enum cht_err err = local_conn_next(c, &message);
        if (err == CHT_OK) {
            hand_in(local, c, message, now_ms);
            continue;
        }
        if (err == CHT_E_LIMIT) {
            struct node_fault why;
            (void)node_fault_set(&why, err, cht_bytes(NULL, 0),
                                 "the length of a local message has to be 1 to %u bytes",
                                 LIMIT_CLIENT_BYTES);
            refuse(c->fd, &why, now_ms);
        }
        c->dead = c->dead || err != CHT_E_WAITING;
        return;
    }
}

/* --- the turn ------------------------------------------------------------------------------ */

int node_local_fd(const struct node_local *local)
{
    return local->epoll;
}

bool node_local_busy(const struct node_local *local)
{
    for (size_t i = 0; i < LIMIT_CLIENTS; i++) {
        if (local->clients[i] != NULL && local_conn_ready(local->clients[i]))
            return true;
    }
    return false;
}

void node_local_read(struct node_local *local, uint64_t now_ms)
{
    struct epoll_event events[LIMIT_CLIENTS + 1];
    const int count = epoll_wait(local->epoll, events, (int)LIMIT_CLIENTS + 1, 0);
    for (int i = 0; i < count; i++) {
        const uint64_t mark = events[i].data.u64;
        if (mark == LISTENER_MARK)
            accept_clients(local, now_ms);
        else if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 &&
                 mark < LIMIT_CLIENTS && local->clients[mark] != NULL)
            local->clients[mark]->readable = true;
    }
    for (size_t i = 0; i < LIMIT_CLIENTS; i++) {
        if (local->clients[i] != NULL && !local->clients[i]->dead)
            read_client(local, local->clients[i], now_ms);
    }
}

void node_local_flush(struct node_local *local)
{
    for (size_t i = 0; i < LIMIT_CLIENTS; i++) {
        struct local_conn *c = local->clients[i];
        if (c == NULL)
            continue;
        local_conn_flush(c);
        const uint32_t wants = local_conn_wants(c);
        const bool done = c->ended && wants == 0 && !local_conn_ready(c);
        if (!c->dead && !done && wants != c->events) {
            c->dead = !watch(local, EPOLL_CTL_MOD, c->fd, wants, i);
            c->events = wants;
        }
        if (c->dead || done)
            drop(local, i);
    }
}

const struct local_output *node_local_output(const struct node_local *local)
{
    return &local->output;
}

size_t node_local_clients(const struct node_local *local)
{
    return local->client_count;
}

size_t node_local_clients_besides(const struct node_local *local, pid_t pid)
{
    size_t count = local->client_count;
    for (size_t i = 0; pid != 0 && count != 0 && i < LIMIT_CLIENTS; i++)
        count -= local->clients[i] != NULL && local->clients[i]->pid == pid ? 1 : 0;
    return count;
}
