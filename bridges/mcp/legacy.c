/* What only the legacy era has: the session that `initialize` begins, ping, the level of log
 * messages, and subscriptions of single resources. */
#include "bridges/mcp/own.h"

/* The revisions served after `initialize`, the newest first. 2025-03-26 is not among them: it asks
 * for batches, which the ones before and after it do not have. */
static const char *const versions[] = { MCP_VERSION_LEGACY, "2025-06-18", "2024-11-05" };

static const char *agreed(const char *asked)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (strcmp(asked, versions[i]) == 0)
            return versions[i];
    return versions[0]; /* 2025-11-25 basic/lifecycle: else the newest the server has */
}

bool mcp_version_is_legacy(const char *version)
{
    return strcmp(version, "2025-03-26") == 0 || strcmp(agreed(version), version) == 0;
}

void mcp_do_initialize(struct mcp_call *call)
{
    struct mcp_conn *conn = call->conn;
    const struct mcp_server *server = conn->server;
    const char *asked = json_string_value(json_object_get(call->params, "protocolVersion"));
    json_t *capabilities = json_object_get(call->params, "capabilities");
    if (asked == NULL || !json_is_object(capabilities)) {
        mcp_fail(call, MCP_INVALID_PARAMS, "need `protocolVersion` and `capabilities`", NULL);
        return;
    }
    if (conn->session != NULL) {
        mcp_fail(call, MCP_INVALID_REQUEST, "this session is initialized already", NULL);
        return;
    }
    json_t *result =
        json_pack("{s:s, s:o, s:o, s:s*}", "protocolVersion", agreed(asked), "capabilities",
                  mcp_capabilities(server), "serverInfo", mcp_implementation(server),
                  "instructions", server->config.instructions);
    if (result != NULL) {
        conn->session = agreed(asked);
        conn->capabilities = json_incref(capabilities);
    }
    mcp_answer(call, result);
}

void mcp_do_ping(struct mcp_call *call)
{
    mcp_answer(call, json_object());
}

void mcp_do_set_level(struct mcp_call *call)
{
    const int level = mcp_level_find(json_string_value(json_object_get(call->params, "level")));
    if (level < 0) {
        mcp_fail(call, MCP_INVALID_PARAMS, "`level` is no level there is", NULL);
        return;
    }
    call->conn->level = (enum mcp_level)level;
    mcp_answer(call, json_object());
}
