/* What goes out: the envelopes of JSON-RPC, each one line. */
#include <stdlib.h>

#include "bridges/mcp/own.h"

/* A last resort that needs no memory. */
#define NO_MEMORY_LINE                                                                             \
    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,\"message\":\"out of memory\"}}"

static void emit(struct mcp_conn *conn, void *to, struct mcp_out out, const char *line)
{
    out.json = cht_bytes_str(line);
    conn->emit(conn->user, to, &out);
}

/* Emits `message` and gives it up. False: it was NULL, too long or could not be written. */
static bool send(struct mcp_conn *conn, void *to, struct mcp_out out, json_t *message)
{
    char *line = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
    const bool fits = line != NULL && strlen(line) <= MCP_LIMIT_RESULT_BYTES;
    json_decref(message);
    if (fits)
        emit(conn, to, out, line);
    free(line);
    return fits;
}

void mcp_send_error(struct mcp_conn *conn, void *to, json_t *id, enum mcp_code code,
                    const char *message, json_t *data, int status)
{
    const struct mcp_out out = { .kind = MCP_OUT_RESPONSE, .status = status };
    json_t *whole = json_pack("{s:s, s:o*, s:{s:i, s:s, s:o*}}", "jsonrpc", "2.0", "id", id,
                              "error", "code", (int)code, "message", message, "data", data);
    if (!send(conn, to, out, whole))
        emit(conn, to, out, NO_MEMORY_LINE);
}

void mcp_send_result(struct mcp_conn *conn, void *to, json_t *id, json_t *result, bool session)
{
    const struct mcp_out out = { .kind = MCP_OUT_RESPONSE, .status = HTTP_OK, .session = session };
    json_t *kept = json_incref(id);
    const bool made = result != NULL;
    if (send(conn, to, out,
             json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", id, "result", result))) {
        json_decref(kept);
        return;
    }
    mcp_send_error(conn, to, kept, MCP_INTERNAL_ERROR,
                   made ? "the answer is longer than this server sends" : "out of memory", NULL,
                   HTTP_OK);
}

void mcp_send_notification(struct mcp_conn *conn, void *to, const char *method, json_t *params)
{
    const struct mcp_out out = { .kind = MCP_OUT_NOTIFICATION };
    (void)!send(
        conn, to, out,
        json_pack("{s:s, s:s, s:o*}", "jsonrpc", "2.0", "method", method, "params", params));
}

bool mcp_send_request(struct mcp_conn *conn, void *to, json_int_t id, const char *method,
                      json_t *params)
{
    const struct mcp_out out = { .kind = MCP_OUT_REQUEST };
    return send(conn, to, out,
                json_pack("{s:s, s:I, s:s, s:o*}", "jsonrpc", "2.0", "id", id, "method", method,
                          "params", params));
}

void mcp_send_end(struct mcp_conn *conn, void *to)
{
    const struct mcp_out out = { .kind = MCP_OUT_END };
    conn->emit(conn->user, to, &out);
}

void *mcp_call_to(const struct mcp_call *call)
{
    return call->homeless ? call->conn->stream : call->to;
}
