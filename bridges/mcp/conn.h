#ifndef BRIDGES_MCP_CONN_H
#define BRIDGES_MCP_CONN_H
/* One client of an MCP server, without its transport.
 *
 * A connection is what can close: the process on stdio, a legacy HTTP session (Mcp-Session-Id), or
 * one modern HTTP POST. The transport feeds it one JSON-RPC message at a time and is handed each
 * message that goes out, with the way it belongs to.
 *
 *   stdio         one connection; `to` is not used; each out is a line.
 *   modern POST   open, feed, close when the response is out or the client went away. The first out
 *                 being a RESPONSE, it is the JSON body with `status`; being a NOTIFICATION, an SSE
 *                 stream begins and ends with the RESPONSE.
 *   legacy HTTP   feed a POST without session to a new connection; keep it when `session` was
 *                 set in its response. `to` names the POST; when a POST's stream breaks, say
 *                 mcp_conn_drop, and its answers go to the connection's own stream (the GET). */
#include "bridges/mcp/server.h"

struct mcp_conn;

enum mcp_out_kind {
    MCP_OUT_RESPONSE,     /* the last on its way */
    MCP_OUT_NOTIFICATION, /* more follows */
    MCP_OUT_REQUEST,      /* legacy: the client is asked something; more follows */
    MCP_OUT_END           /* no bytes: nothing more comes on this way (the request was cancelled) */
};

struct mcp_out {
    enum mcp_out_kind kind;
    int status;            /* RESPONSE: the HTTP status that belongs to it */
    bool session;          /* RESPONSE: `initialize` was accepted: a legacy session begins */
    struct cht_bytes json; /* one line of UTF-8 without line feed, for the time of the call */
};

/* How a message came. All may be zero (stdio). */
struct mcp_way {
    void *to;  /* handed back with what answers this message */
    bool http; /* the three headers below are compared with the body (modern, -32020) */
    const char *version, *method, *name; /* MCP-Protocol-Version, Mcp-Method, Mcp-Name or NULL */
    const char *principal; /* who asks, as the transport knows it: binds requestState. NULL: "" */
};

/* Must not feed or close the connection before it returns. */
typedef void mcp_emit_fn(void *user, void *to, const struct mcp_out *out);

/* What became of a message. */
enum mcp_fed {
    MCP_FED_REQUEST,  /* it is answered by an out on its way, now (before this returns) or later */
    MCP_FED_ACCEPTED, /* a notification or an answer to us: nothing comes (HTTP 202, no body) */
};

/* A new connection; `emit` is called with `user`. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err mcp_conn_open(struct mcp_server *server, mcp_emit_fn *emit, void *user,
                                        struct mcp_conn **out);
/* The client is gone: its calls are cancelled, its subscriptions forgotten, nothing more is
 * emitted. NULL is allowed. */
void mcp_conn_close(struct mcp_conn *conn);
/* The server goes: open listens are ended in good form (cancelled and answered), then as close. */
void mcp_conn_shut(struct mcp_conn *conn);

/* One message: the bytes of a line or a body. Anything that is no JSON-RPC request, notification or
 * response is answered by an error without id, as the revisions ask; so are batches (status 400).
 * `way` is read before this returns, except `to`. */
enum mcp_fed mcp_feed(struct mcp_conn *conn, struct cht_bytes message, const struct mcp_way *way);

/* The stream `to` broke. Modern calls of it are cancelled; answers of legacy ones go to the
 * connection's own stream. `to` is not used again. */
void mcp_conn_drop(struct mcp_conn *conn, void *to);
/* The connection's own stream (legacy HTTP: the GET): what answers no request goes there. NULL at
 * first. */
void mcp_conn_set_stream(struct mcp_conn *conn, void *to);

/* A legacy session was begun: the revision agreed on, else NULL. */
const char *mcp_conn_session(const struct mcp_conn *conn);
/* Requests that wait for their answer, listens among them. */
size_t mcp_conn_pending(const struct mcp_conn *conn);

#endif
