#ifndef TESTS_SUPPORT_MCP_SCENE_H
#define TESTS_SUPPORT_MCP_SCENE_H
/* A small server of bridges/mcp with one client, whose lines are kept as they come out. */
#include "bridges/mcp/call.h"
#include "bridges/mcp/conn.h"

#define META_BARE                                                                                  \
    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                  \
    "\"io.modelcontextprotocol/clientCapabilities\":"
#define META(capabilities) "\"_meta\":{" META_BARE capabilities "}"
#define MINE                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"scene\",\"version\":\"1\"}}"
#define LINES_MAX 256

struct line {
    enum mcp_out_kind kind;
    int status;
    bool session;
    void *to;
    char *text;
};

struct scene {
    struct mcp_server *server;
    struct mcp_conn *conn;
    struct mcp_call *held; /* of the tool `later` */
    struct mcp_way way;
    int64_t now_ms;
    unsigned begun; /* how often a tool was entered */
    unsigned cancelled;
    char watched[256]; /* "+uri -uri " as the hook was told */
    struct line lines[LINES_MAX];
    size_t count, read;
};

/* Setup and teardown of a cmocka test; *state is the scene. */
int scene_begin(void **state);
int scene_end(void **state);
/* One message of the client, on s->way. */
enum mcp_fed feed(struct scene *s, const char *text);
/* The next line that came out; it must be there. */
struct line *next(struct scene *s);
/* … and must read so. */
void expect(struct scene *s, const char *text);
void nothing_more(const struct scene *s);
/* Begin a legacy session of a client with these capabilities. */
void initialize(struct scene *s, const char *capabilities);
/* A connection in place of the one that is (or was). */
void reconnect(struct scene *s);

#endif
