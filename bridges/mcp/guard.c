/* What a JSON text would cost to parse, seen before it is parsed: a value costs a hundred bytes of
 * memory however short its text is, and nesting costs stack. Every value but the first comes after
 * one of , : [ {, so these are counted, outside strings. */
#include "bridges/mcp/own.h"

/* Past the end of the string that begins before `at`. */
static size_t skip_string(struct cht_bytes text, size_t at)
{
    while (at < text.len && text.data[at] != '"')
        at += text.data[at] == '\\' ? 2 : 1;
    return at + 1;
}

enum cht_err mcp_guard(struct cht_bytes text)
{
    size_t depth = 0, values = 1;
    for (size_t i = 0; i < text.len;) {
        const uint8_t c = text.data[i++];
        if (c == '"') {
            i = skip_string(text, i);
        } else if (c == '[' || c == '{') {
            values++;
            if (++depth > MCP_LIMIT_DEPTH)
                return CHT_E_LIMIT;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        } else if (c == ',' || c == ':') {
            values++;
        }
        if (values > MCP_LIMIT_VALUES)
            return CHT_E_LIMIT;
    }
    return CHT_OK;
}
