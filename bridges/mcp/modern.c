/* The modern era, 2026-07-28: each request says its revision and what the client can do; nothing is
 * remembered between two of them. */
#include <sodium.h>
#include <stdio.h>

#include "bridges/mcp/own.h"

#define HEADER_BYTES 2048 /* of a header's value, decoded */

bool mcp_is_modern(const struct mcp_conn *conn, const char *method, const json_t *meta,
                   const struct mcp_way *way)
{
    static const char *const keys[] = { META_VERSION, META_CAPABILITIES, META_CLIENT,
                                        META_LOG_LEVEL };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (json_object_get(meta, keys[i]) != NULL)
            return true;
    if (way->http && way->version != NULL && !mcp_version_is_legacy(way->version))
        return true;
    return conn->session == NULL &&
           (strcmp(method, "server/discover") == 0 || strcmp(method, "subscriptions/listen") == 0);
}

static bool refuse(struct mcp_call *call, enum mcp_code code, const char *text)
{
    mcp_refuse(call, code, text, NULL, HTTP_BAD_REQUEST);
    return false;
}

/* Does the header say `body`? It may be written =?base64?...?= (2026-07-28, basic/transports,
 * "Value Encoding"). */
static bool header_is(const char *header, const char *body)
{
    static const char begin[] = "=?base64?", end[] = "?=";
    const size_t len = header == NULL ? 0 : strlen(header);
    char decoded[HEADER_BYTES];
    size_t decoded_len = 0;
    if (header == NULL)
        return false;
    if (len < sizeof begin + sizeof end - 2 || strncmp(header, begin, sizeof begin - 1) != 0 ||
        strcmp(header + len - (sizeof end - 1), end) != 0)
        return strcmp(header, body) == 0;
    return sodium_base642bin((unsigned char *)decoded, sizeof decoded - 1,
                             header + sizeof begin - 1, len - (sizeof begin + sizeof end - 2), NULL,
                             &decoded_len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           decoded_len == strlen(body) && memcmp(decoded, body, decoded_len) == 0;
}

/* What Mcp-Name has to say; NULL: nothing. */
static const char *name_of(const struct mcp_call *call, const char *method)
{
    if (strcmp(method, "tools/call") == 0 || strcmp(method, "prompts/get") == 0)
        return json_string_value(json_object_get(call->params, "name"));
    if (strcmp(method, "resources/read") == 0)
        return json_string_value(json_object_get(call->params, "uri"));
    return NULL;
}

static bool check_headers(struct mcp_call *call, const char *method, const struct mcp_way *way)
{
    const char *name = name_of(call, method);
    if (!way->http)
        return true;
    if (!header_is(way->method, method))
        return refuse(call, MCP_HEADER_MISMATCH,
                      "the header Mcp-Method is missing or is not the body's `method`");
    if (name != NULL && !header_is(way->name, name))
        return refuse(call, MCP_HEADER_MISMATCH,
                      "the header Mcp-Name is missing or is not what the body names");
    return true;
}

static bool check_version(struct mcp_call *call, const struct mcp_way *way)
{
    const char *version = json_string_value(json_object_get(call->meta, META_VERSION));
    if (way->http && way->version == NULL)
        return refuse(call, MCP_HEADER_MISMATCH, "the header MCP-Protocol-Version is missing");
    if (version == NULL)
        return refuse(call, MCP_INVALID_PARAMS,
                      "`_meta` must have " META_VERSION " and " META_CAPABILITIES);
    if (way->http && strcmp(way->version, version) != 0)
        return refuse(call, MCP_HEADER_MISMATCH,
                      "the header MCP-Protocol-Version is not the body's " META_VERSION);
    if (strcmp(version, MCP_VERSION_MODERN) == 0)
        return true;
    mcp_fail(call, MCP_UNSUPPORTED_VERSION, "this revision of the protocol is not served",
             json_pack("{s:[s], s:s}", "supported", MCP_VERSION_MODERN, "requested",
                       mcp_short(version).text));
    return false;
}

bool mcp_modern_check(struct mcp_call *call, const char *method, const struct mcp_way *way)
{
    const json_t *client = json_object_get(call->meta, META_CLIENT);
    const json_t *level = json_object_get(call->meta, META_LOG_LEVEL);
    if (!check_version(call, way))
        return false;
    call->capabilities = json_object_get(call->meta, META_CAPABILITIES);
    if (!json_is_object(call->capabilities))
        return refuse(call, MCP_INVALID_PARAMS, "`_meta` must have " META_CAPABILITIES);
    if (client != NULL && !json_is_object(client))
        return refuse(call, MCP_INVALID_PARAMS, META_CLIENT " must be an object");
    if (level != NULL && mcp_level_find(json_string_value(level)) < 0)
        return refuse(call, MCP_INVALID_PARAMS, META_LOG_LEVEL " is no level there is");
    if (level != NULL)
        call->level = mcp_level_find(json_string_value(level));
    return check_headers(call, method, way);
}

void mcp_do_discover(struct mcp_call *call)
{
    const struct mcp_server *server = call->conn->server;
    mcp_answer(call, json_pack("{s:[s], s:o, s:s*}", "supportedVersions", MCP_VERSION_MODERN,
                               "capabilities", mcp_capabilities(server), "instructions",
                               server->config.instructions));
}
