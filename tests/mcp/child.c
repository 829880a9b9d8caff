/* Behind the front: a program that speaks MCP by stdio, once for each connection. Each message goes
 * to it as it came. What comes back says itself which request it belongs to; where it does not, it
 * goes to the one that came last. */
#include "tests/mcp/behind.h"

#include "crdt/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_BYTES_MAX (2u * MCP_LIMIT_RESULT_BYTES)
#define META           "io.modelcontextprotocol/"

extern char **environ;

/* A request that was not answered yet. */
struct asked {
    json_t *id, *token; /* token: NULL when it wants no progress */
    void *to;
    bool modern, begins; /* begins: it is `initialize` */
    struct asked *next;
};

struct child {
    struct children *all;
    mcp_emit_fn *emit;
    void *user, *stream;
    pid_t pid;
    int to, from; /* -1: it hung up */
    struct cht_buf line;
    struct asked *asked; /* the last first */
    struct child *next;
};

struct children {
    char *const *command;
    struct child *first;
};

static void say(const struct child *c, void *to, enum mcp_out_kind kind, int status, bool session,
                const char *json, size_t len)
{
    const struct mcp_out out = {
        .kind = kind, .status = status, .session = session, .json = cht_bytes(json, len)
    };
    c->emit(c->user, to, &out);
}

static void forget(struct asked **at)
{
    struct asked *a = *at;
    *at = a->next;
    json_decref(a->id);
    json_decref(a->token);
    free(a);
}

/* --- from it ---------------------------------------------------------------------------------- */

/* The status that the revision of 2026-07-28 has for an error; 200 for a result. */
static int status_of(const json_t *message, bool modern)
{
    const json_t *error = json_object_get(message, "error");
    json_int_t code = json_integer_value(json_object_get(error, "code"));
    if (error == NULL)
        return 200;
    if (code == MCP_PARSE_ERROR || code == MCP_INVALID_REQUEST)
        return 400;
    if (!modern)
        return 200;
    return code == MCP_METHOD_NOT_FOUND ? 404 : code == MCP_INTERNAL_ERROR ? 500 : 400;
}

/* The request that a notification or question belongs to; NULL: the connection's own stream. */
static const struct asked *belongs_to(const struct child *c, const json_t *message)
{
    const json_t *params = json_object_get(message, "params");
    const json_t *token = json_object_get(params, "progressToken");
    const json_t *listen = json_object_get(json_object_get(params, "_meta"), META "subscriptionId");
    for (const struct asked *a = c->asked; a != NULL; a = a->next) {
        if ((token != NULL && a->token != NULL && json_equal(token, a->token)) ||
            (listen != NULL && json_equal(listen, a->id)) || (token == NULL && listen == NULL))
            return a;
    }
    return NULL;
}

static void on_line(struct child *c, const char *line, size_t len)
{
    json_t *message = json_loadb(line, len, JSON_DECODE_ANY, NULL);
    const json_t *id = json_object_get(message, "id");
    if (json_object_get(message, "method") != NULL) {
        const struct asked *a = belongs_to(c, message);
        say(c, a == NULL ? c->stream : a->to, id == NULL ? MCP_OUT_NOTIFICATION : MCP_OUT_REQUEST,
            0, false, line, len);
    } else {
        struct asked **at = &c->asked;
        while (*at != NULL && id != NULL && !json_is_null(id) && !json_equal((*at)->id, id))
            at = &(*at)->next;
        if (*at != NULL) {
            bool session = (*at)->begins && json_object_get(message, "result") != NULL;
            say(c, (*at)->to, MCP_OUT_RESPONSE, status_of(message, (*at)->modern), session, line,
                len);
            forget(at);
        }
    }
    json_decref(message);
}

/* Nothing more comes from it: what waits for it is told so. */
static void hang_up(struct child *c)
{
    static const char gone[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,"
                               "\"message\":\"the server went away\"}}";
    (void)close(c->from);
    c->from = -1;
    while (c->asked != NULL) {
        say(c, c->asked->to, MCP_OUT_RESPONSE, 502, false, gone, sizeof gone - 1);
        forget(&c->asked);
    }
}

static void read_lines(struct child *c)
{
    if (cht_buf_reserve(&c->line, 65536) != CHT_OK) {
        hang_up(c);
        return;
    }
    ssize_t n = read(c->from, c->line.data + c->line.len, 65536);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        hang_up(c);
        return;
    }
    c->line.len += (size_t)n;
    size_t from = 0;
    for (;;) {
        const uint8_t *start = c->line.data + from;
        const uint8_t *end = memchr(start, '\n', c->line.len - from);
        if (end == NULL)
            break;
        on_line(c, (const char *)start, (size_t)(end - start));
        from += (size_t)(end - start) + 1;
    }
    memmove(c->line.data, c->line.data + from, c->line.len - from);
    c->line.len -= from;
}

static size_t wait_on(void *self, struct pollfd *fds, size_t max)
{
    const struct children *all = self;
    size_t count = 0;
    for (const struct child *c = all->first; c != NULL && count < max; c = c->next)
        fds[count++] = (struct pollfd){ .fd = c->from, .events = POLLIN };
    return count;
}

static void ready(void *self, const struct pollfd *fds, size_t count)
{
    const struct children *all = self;
    size_t i = 0;
    for (struct child *c = all->first; c != NULL && i < count; c = c->next, i++) {
        if (c->from >= 0 && c->from == fds[i].fd && fds[i].revents != 0)
            read_lines(c);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

/* --- to it ------------------------------------------------------------------------------------ */

static void send_line(struct child *c, struct cht_bytes message)
{
    static const struct cht_bytes end = { (const uint8_t *)"\n", 1 };
    const struct cht_bytes parts[] = { message, end };
    for (size_t i = 0; i < 2; i++) {
        struct cht_bytes rest = parts[i];
        while (rest.len > 0) {
            ssize_t n = write(c->to, rest.data, rest.len);
            if (n < 0 && errno != EINTR)
                return; /* reading from it says that it went */
            if (n > 0)
                rest = cht_bytes(rest.data + n, rest.len - (size_t)n);
        }
    }
}

/* The modern headers against the body; NULL: they agree. */
static const char *mismatch(const struct mcp_way *way, const json_t *message)
{
    static const char *const named[][2] = { { "tools/call", "name" },
                                            { "prompts/get", "name" },
                                            { "resources/read", "uri" } };
    const json_t *params = json_object_get(message, "params");
    const char *method = json_string_value(json_object_get(message, "method"));
    const char *version = json_string_value(
        json_object_get(json_object_get(params, "_meta"), META "protocolVersion"));
    if (version != NULL && (way->version == NULL || strcmp(way->version, version) != 0))
        return "MCP-Protocol-Version is not the revision of the body";
    if (version == NULL || method == NULL)
        return NULL;
    if (way->method == NULL || strcmp(way->method, method) != 0)
        return "Mcp-Method is not the method of the body";
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        const char *name = json_string_value(json_object_get(params, named[i][1]));
        if (strcmp(method, named[i][0]) == 0 && name != NULL &&
            (way->name == NULL || strcmp(way->name, name) != 0))
            return "Mcp-Name is not the name in the body";
    }
    return NULL;
}

static void refuse(const struct child *c, void *to, const json_t *id, const char *why)
{
    json_t *error = json_pack("{s:s,s:O?,s:{s:i,s:s}}", "jsonrpc", "2.0", "id", id, "error", "code",
                              MCP_HEADER_MISMATCH, "message", why);
    char *text = error == NULL ? NULL : json_dumps(error, JSON_COMPACT);
    if (text != NULL)
        say(c, to, MCP_OUT_RESPONSE, 400, false, text, strlen(text));
    free(text);
    json_decref(error);
}

static enum mcp_fed feed(void *conn, struct cht_bytes body, const struct mcp_way *way)
{
    struct child *c = conn;
    json_t *message = json_loadb((const char *)body.data, body.len, JSON_DECODE_ANY, NULL);
    json_t *id = json_object_get(message, "id");
    const char *method = json_string_value(json_object_get(message, "method"));
    json_t *meta = json_object_get(json_object_get(message, "params"), "_meta");
    bool request = message == NULL || !json_is_object(message) || (method != NULL && id != NULL);
    const char *why = mismatch(way, message);
    if (request && why != NULL) {
        refuse(c, way->to, id, why);
    } else {
        if (request) {
            struct asked *a = calloc(1, sizeof *a);
            if (a == NULL)
                abort();
            a->id = json_incref(id);
            a->token = json_incref(json_object_get(meta, "progressToken"));
            a->to = way->to;
            a->begins = method != NULL && strcmp(method, "initialize") == 0;
            a->modern = json_object_get(meta, META "protocolVersion") != NULL ||
                        (way->version != NULL && strcmp(way->version, MCP_VERSION_MODERN) == 0);
            a->next = c->asked;
            c->asked = a;
        }
        send_line(c, body);
    }
    json_decref(message);
    return request ? MCP_FED_REQUEST : MCP_FED_ACCEPTED;
}

/* --- connections ------------------------------------------------------------------------------ */

static void drop(void *conn, void *to)
{
    struct child *c = conn;
    for (struct asked *a = c->asked; a != NULL; a = a->next) {
        if (a->to == to)
            a->to = c->stream;
    }
}

static void set_stream(void *conn, void *to)
{
    struct child *c = conn;
    for (struct asked *a = c->asked; a != NULL; a = a->next) {
        if (a->to == c->stream)
            a->to = to;
    }
    c->stream = to;
}

static void close_child(void *conn)
{
    struct child *c = conn;
    struct child **at = &c->all->first;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    while (c->asked != NULL)
        forget(&c->asked);
    (void)close(c->to);
    if (c->from >= 0)
        (void)close(c->from);
    cht_buf_clear(&c->line);
    free(c);
}

static bool spawn(struct child *c)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    posix_spawn_file_actions_t files;
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
        posix_spawn_file_actions_init(&files) != 0)
        return false;
    (void)posix_spawn_file_actions_adddup2(&files, in[0], 0);
    (void)posix_spawn_file_actions_adddup2(&files, out[1], 1);
    int failed = posix_spawnp(&c->pid, c->all->command[0], &files, NULL, c->all->command, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)close(in[0]);
    (void)close(out[1]);
    c->to = in[1];
    c->from = out[0];
    (void)fcntl(c->from, F_SETFL, O_NONBLOCK);
    if (failed != 0)
        (void)fprintf(stderr, "%s: %s\n", c->all->command[0], strerror(failed));
    return failed == 0;
}

static void *open_child(void *self, mcp_emit_fn *emit, void *user)
{
    struct children *all = self;
    struct child *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    *c = (struct child){ .all = all, .emit = emit, .user = user, .to = -1, .from = -1 };
    cht_buf_init(&c->line, LINE_BYTES_MAX);
    c->next = all->first;
    all->first = c;
    if (spawn(c))
        return c;
    close_child(c);
    return NULL;
}

void behind_child(struct behind *out, char *const *command)
{
    static struct children all;
    all = (struct children){ .command = command };
    *out = (struct behind){ .open = open_child,
                            .feed = feed,
                            .drop = drop,
                            .set_stream = set_stream,
                            .close = close_child,
                            .wait_on = wait_on,
                            .ready = ready,
                            .self = &all };
}
