/* Content blocks, contents of resources and messages of prompts. */
#include "bridges/mcp/call.h"

json_t *mcp_text(const char *text)
{
    return json_pack("{s:s, s:s}", "type", "text", "text", text);
}

json_t *mcp_image(const char *base64, const char *mime_type)
{
    return json_pack("{s:s, s:s, s:s}", "type", "image", "data", base64, "mimeType", mime_type);
}

json_t *mcp_audio(const char *base64, const char *mime_type)
{
    return json_pack("{s:s, s:s, s:s}", "type", "audio", "data", base64, "mimeType", mime_type);
}

json_t *mcp_embedded(json_t *contents)
{
    return json_pack("{s:s, s:o}", "type", "resource", "resource", contents);
}

json_t *mcp_link(const char *uri, const char *name, const char *mime_type)
{
    return json_pack("{s:s, s:s, s:s, s:s*}", "type", "resource_link", "uri", uri, "name", name,
                     "mimeType", mime_type);
}

json_t *mcp_contents_text(const char *uri, const char *mime_type, const char *text)
{
    return json_pack("{s:s, s:s*, s:s}", "uri", uri, "mimeType", mime_type, "text", text);
}

json_t *mcp_contents_blob(const char *uri, const char *mime_type, const char *base64)
{
    return json_pack("{s:s, s:s*, s:s}", "uri", uri, "mimeType", mime_type, "blob", base64);
}

json_t *mcp_message(const char *role, json_t *block)
{
    return json_pack("{s:s, s:o}", "role", role, "content", block);
}
