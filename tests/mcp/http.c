/* Streamable HTTP of both eras over libmicrohttpd, in one thread. What a message means is not known
 * here: a POST goes to a connection of what stands behind, and what that emits becomes a JSON body
 * or a stream of server-sent events. */
#include "tests/mcp/http.h"

#include "tests/mcp/guard.h"

#include "crdt/base/buf.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SESSION_ID_BYTES 16u
#define BODY_BYTES_MAX   (2u * MCP_LIMIT_MESSAGE_BYTES)
#define STREAM_BYTES_MAX (8u * MCP_LIMIT_RESULT_BYTES)
#define PING_MS          500 /* an idle stream says a comment: so it is seen that the client left */
#define WAITS_MAX        256u

/* A legacy session. */
struct session {
    char id[2 * SESSION_ID_BYTES + 1];
    void *conn;
    struct exchange *stream; /* the open GET, or NULL */
    struct session *next;
};

enum phase {
    READING,   /* the request is not complete */
    WAITING,   /* nothing was said to it yet */
    ANSWERED,  /* `out` is the body, `status` belongs to it */
    STREAMING, /* `out` are events that were not sent yet */
};

/* One HTTP request. */
struct exchange {
    struct front *front;
    struct MHD_Connection *http;
    struct cht_buf body, out;
    enum phase phase;
    int status;
    void *conn;              /* of its own, until a session takes it over */
    struct session *session; /* whose it is, or NULL */
    bool begun;              /* its answer makes `session` known to the client */
    bool suspended, queued, ended;
    struct exchange *next;
};

struct front {
    const struct behind *behind;
    struct MHD_Daemon *daemon;
    struct session *sessions;
    struct exchange *exchanges;
};

static void *must_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (p == NULL)
        abort();
    return p;
}

/* --- what is said to an exchange -------------------------------------------------------------- */

static void wake(struct exchange *x)
{
    if (x->suspended) {
        x->suspended = false;
        MHD_resume_connection(x->http);
    }
}

static void append(struct exchange *x, const void *data, size_t len)
{
    if (cht_buf_add(&x->out, cht_bytes(data, len)) != CHT_OK)
        x->ended = true; /* nobody reads it: the stream is cut off */
}

static void append_event(struct exchange *x, struct cht_bytes json)
{
    static const char before[] = "event: message\ndata: ";
    append(x, before, sizeof before - 1);
    append(x, json.data, json.len);
    append(x, "\n\n", 2);
}

static struct session *begin_session(struct exchange *x)
{
    struct session *s = must_alloc(sizeof *s);
    uint8_t random[SESSION_ID_BYTES];
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(s->id, sizeof s->id, random, sizeof random);
    s->conn = x->conn;
    s->next = x->front->sessions;
    x->front->sessions = s;
    x->conn = NULL;
    return s;
}

/* What stands behind has something to say. */
static void emit(void *user, void *to, const struct mcp_out *out)
{
    (void)user;
    struct exchange *x = to;
    if (x == NULL || x->ended)
        return;
    bool last = out->kind == MCP_OUT_RESPONSE || out->kind == MCP_OUT_END;
    bool own_stream = x->session != NULL && x->session->stream == x;
    if (x->phase == WAITING && out->kind == MCP_OUT_RESPONSE) {
        if (out->session && x->session == NULL) {
            x->session = begin_session(x);
            x->begun = true;
        }
        append(x, out->json.data, out->json.len);
        x->phase = ANSWERED;
        x->status = out->status;
    } else {
        x->phase = STREAMING;
        x->status = MHD_HTTP_OK;
        if (out->kind != MCP_OUT_END)
            append_event(x, out->json);
    }
    if (last && !own_stream)
        x->ended = true;
    wake(x);
}

/* --- responses -------------------------------------------------------------------------------- */

static enum MHD_Result queue(struct exchange *x, int status, struct MHD_Response *response,
                             const char *type)
{
    if (response == NULL)
        return MHD_NO;
    if (type != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST, GET, DELETE");
    if (x->begun)
        (void)MHD_add_response_header(response, "Mcp-Session-Id", x->session->id);
    enum MHD_Result result = MHD_queue_response(x->http, (unsigned)status, response);
    MHD_destroy_response(response);
    x->queued = true;
    x->ended = x->ended || x->phase != STREAMING;
    return result;
}

static enum MHD_Result answer_bytes(struct exchange *x, int status, struct cht_bytes body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_COPY);
    return queue(x, status, response, body.len == 0 ? NULL : "application/json");
}

/* An error of the transport's own: no request is answered by it. */
static enum MHD_Result refuse(struct exchange *x, int status, const char *why)
{
    char text[256];
    int len = snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,"
                       "\"message\":\"%s\"}}",
                       why);
    return answer_bytes(x, status, cht_bytes(text, (size_t)len));
}

static ssize_t read_events(void *user, uint64_t pos, char *to, size_t max)
{
    (void)pos;
    struct exchange *x = user;
    if (x->out.len == 0) {
        if (x->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        x->suspended = true;
        MHD_suspend_connection(x->http);
        return 0;
    }
    size_t n = x->out.len < max ? x->out.len : max;
    memcpy(to, x->out.data, n);
    memmove(x->out.data, x->out.data + n, x->out.len - n);
    x->out.len -= n;
    return (ssize_t)n;
}

static enum MHD_Result answer_stream(struct exchange *x)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_events, x, NULL);
    if (response != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    return queue(x, MHD_HTTP_OK, response, "text/event-stream");
}

/* --- requests --------------------------------------------------------------------------------- */

static struct session *find_session(const struct front *front, const char *id)
{
    struct session *s = front->sessions;
    while (s != NULL && strcmp(s->id, id) != 0)
        s = s->next;
    return s;
}

static enum MHD_Result post(struct exchange *x)
{
    const struct behind *behind = x->front->behind;
    char session[64], version[64], method[MCP_LIMIT_NAME_BYTES], name[MCP_LIMIT_URI_BYTES];
    struct mcp_way way = {
        .to = x,
        .http = true,
        .version = guard_header(x->http, "MCP-Protocol-Version", version, sizeof version),
        .method = guard_header(x->http, "Mcp-Method", method, sizeof method),
        .name = guard_header(x->http, "Mcp-Name", name, sizeof name),
    };
    if (!guard_is_json(x->http))
        return refuse(x, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "a body is application/json");
    void *conn = NULL;
    if (guard_header(x->http, "Mcp-Session-Id", session, sizeof session) != NULL) {
        x->session = find_session(x->front, session);
        if (x->session == NULL)
            return refuse(x, MHD_HTTP_NOT_FOUND, "there is no such session");
        if (!guard_legacy_version(way.version))
            return refuse(x, MHD_HTTP_BAD_REQUEST, "not a revision that has sessions");
        conn = x->session->conn;
    } else {
        conn = x->conn = behind->open(behind->self, emit, x->front);
        if (conn == NULL)
            return refuse(x, MHD_HTTP_BAD_GATEWAY, "the server could not be started");
    }
    x->phase = WAITING;
    if (behind->feed(conn, cht_buf_view(&x->body), &way) == MCP_FED_ACCEPTED)
        return answer_bytes(x, MHD_HTTP_ACCEPTED, cht_bytes(NULL, 0));
    return MHD_YES;
}

static enum MHD_Result get(struct exchange *x)
{
    char id[64], version[64];
    if (!guard_accepts(x->http, "text/event-stream"))
        return refuse(x, MHD_HTTP_NOT_ACCEPTABLE, "this is a stream of events");
    if (!guard_legacy_version(
            guard_header(x->http, "MCP-Protocol-Version", version, sizeof version)))
        return refuse(x, MHD_HTTP_METHOD_NOT_ALLOWED, "this revision has no such stream");
    if (guard_header(x->http, "Mcp-Session-Id", id, sizeof id) == NULL)
        return refuse(x, MHD_HTTP_BAD_REQUEST, "a stream belongs to a session");
    struct session *s = find_session(x->front, id);
    if (s == NULL)
        return refuse(x, MHD_HTTP_NOT_FOUND, "there is no such session");
    if (s->stream != NULL)
        return refuse(x, MHD_HTTP_CONFLICT, "the session has a stream already");
    x->session = s;
    x->phase = STREAMING;
    s->stream = x;
    x->front->behind->set_stream(s->conn, x);
    return answer_stream(x);
}

/* End a session: what still waits for it is over. */
static void end_session(struct front *front, struct session *s)
{
    for (struct exchange *x = front->exchanges; x != NULL; x = x->next) {
        if (x->session != s)
            continue;
        x->session = NULL;
        x->begun = false;
        if (x->phase == WAITING) {
            x->phase = ANSWERED;
            x->status = MHD_HTTP_NOT_FOUND;
        }
        x->ended = true;
        wake(x);
    }
    front->behind->close(s->conn);
    struct session **at = &front->sessions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s);
}

static enum MHD_Result delete_session(struct exchange *x)
{
    char id[64];
    if (guard_header(x->http, "Mcp-Session-Id", id, sizeof id) == NULL)
        return refuse(x, MHD_HTTP_BAD_REQUEST, "which session");
    struct session *s = find_session(x->front, id);
    if (s == NULL)
        return refuse(x, MHD_HTTP_NOT_FOUND, "there is no such session");
    end_session(x->front, s);
    return answer_bytes(x, MHD_HTTP_OK, cht_bytes(NULL, 0));
}

static enum MHD_Result dispatch(struct exchange *x, const char *url, const char *method)
{
    if (!guard_is_local(x->http))
        return refuse(x, MHD_HTTP_FORBIDDEN, "only this machine may ask");
    if (strcmp(url, "/mcp") != 0)
        return refuse(x, MHD_HTTP_NOT_FOUND, "the endpoint is /mcp");
    if (x->body.len > MCP_LIMIT_MESSAGE_BYTES)
        return refuse(x, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too long");
    if (strcmp(method, MHD_HTTP_METHOD_POST) == 0)
        return post(x);
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0)
        return get(x);
    if (strcmp(method, MHD_HTTP_METHOD_DELETE) == 0)
        return delete_session(x);
    return refuse(x, MHD_HTTP_METHOD_NOT_ALLOWED, "POST, GET or DELETE");
}

/* Called with each part of a request, and again when one that waited was woken. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *http, const char *url,
                                  const char *method, const char *protocol, const char *upload,
                                  size_t *upload_len, void **state)
{
    (void)protocol;
    struct front *front = user;
    struct exchange *x = *state;
    if (x == NULL) {
        x = must_alloc(sizeof *x);
        x->front = front;
        x->http = http;
        cht_buf_init(&x->body, BODY_BYTES_MAX);
        cht_buf_init(&x->out, STREAM_BYTES_MAX);
        x->next = front->exchanges;
        front->exchanges = x;
        *state = x;
        return MHD_YES;
    }
    if (*upload_len != 0) {
        if (cht_buf_add(&x->body, cht_bytes(upload, *upload_len)) != CHT_OK)
            return MHD_NO;
        *upload_len = 0;
        return MHD_YES;
    }
    if (x->phase == READING) {
        enum MHD_Result result = dispatch(x, url, method);
        if (result != MHD_YES || x->queued)
            return result;
    }
    switch (x->phase) {
    case ANSWERED:
        return answer_bytes(x, x->status, cht_buf_view(&x->out));
    case STREAMING:
        return answer_stream(x);
    case READING:
    case WAITING:
        break;
    }
    x->suspended = true;
    MHD_suspend_connection(http);
    return MHD_YES;
}

static void on_completed(void *user, struct MHD_Connection *http, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)http;
    (void)code;
    struct front *front = user;
    struct exchange *x = *state;
    if (x == NULL)
        return;
    struct exchange **at = &front->exchanges;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    if (x->session != NULL && x->session->stream == x) {
        front->behind->set_stream(x->session->conn, NULL);
        x->session->stream = NULL;
    } else if (x->session != NULL && !x->ended) {
        front->behind->drop(x->session->conn, x);
    }
    if (x->conn != NULL)
        front->behind->close(x->conn);
    cht_buf_clear(&x->body);
    cht_buf_clear(&x->out);
    free(x);
    *state = NULL;
}

/* --- the front -------------------------------------------------------------------------------- */

struct front *front_new(const struct behind *behind)
{
    struct front *front = must_alloc(sizeof *front);
    front->behind = behind;
    if (sodium_init() < 0)
        abort();
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    front->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
                         NULL, on_request, front, MHD_OPTION_SOCK_ADDR, &address,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, front, MHD_OPTION_END);
    if (front->daemon == NULL) {
        free(front);
        return NULL;
    }
    return front;
}

unsigned short front_port(const struct front *front)
{
    return MHD_get_daemon_info(front->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Say something on streams that have nothing to say: one whose client left then ends. */
static void ping(const struct front *front)
{
    for (struct exchange *x = front->exchanges; x != NULL; x = x->next) {
        if (x->phase == STREAMING && x->suspended) {
            append(x, ":\n\n", 3);
            wake(x);
        }
    }
}

void front_run(struct front *front)
{
    const struct behind *behind = front->behind;
    struct pollfd fds[WAITS_MAX] = { 0 };
    int64_t ping_ms = now_ms() + PING_MS;
    for (;;) {
        if (MHD_run(front->daemon) != MHD_YES)
            return;
        MHD_UNSIGNED_LONG_LONG due = PING_MS;
        if (MHD_get_timeout(front->daemon, &due) != MHD_YES || due > PING_MS)
            due = PING_MS;
        fds[0] = (struct pollfd){
            .fd = MHD_get_daemon_info(front->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
            .events = POLLIN
        };
        size_t count = 0;
        if (behind->wait_on != NULL)
            count = behind->wait_on(behind->self, fds + 1, WAITS_MAX - 1);
        (void)poll(fds, (nfds_t)(count + 1), (int)due);
        if (behind->ready != NULL)
            behind->ready(behind->self, fds + 1, count);
        if (now_ms() >= ping_ms) {
            ping(front);
            ping_ms = now_ms() + PING_MS;
        }
    }
}
