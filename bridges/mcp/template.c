/* Addresses of resources and the templates they may fit. A template is literal text and variables
 * in braces (RFC 6570 level 1); a variable stands for one or more characters without a slash, up
 * to the first character of the literal after it. */
#include "bridges/mcp/own.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The percent-decoded text as a JSON string; NULL: bad escapes, bad UTF-8, a NUL, no memory. */
static json_t *decoded(const char *from, size_t len)
{
    char text[MCP_LIMIT_URI_BYTES];
    size_t out = 0;
    if (len > sizeof text)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        char c = from[i];
        if (c == '%') {
            const int high = len - i > 2 ? hex_digit(from[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(from[i + 2]) : -1;
            if (low < 0 || high * 16 + low == 0)
                return NULL;
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        }
        text[out++] = c;
    }
    return json_stringn(text, out);
}

/* One variable at *at of the template, filled from *uri on. False: it does not fit. */
static bool fill(const char **at, const char **uri, json_t *variables)
{
    const char *name = *at + 1;
    const size_t name_len = strcspn(name, "}");
    const char stop = name[name_len] == '}' ? name[name_len + 1] : '\0';
    const size_t len = strcspn(*uri, (char[]){ '/', stop, '\0' });
    char key[MCP_LIMIT_NAME_BYTES];
    if (len == 0 || name_len >= sizeof key || name[name_len] != '}')
        return false;
    memcpy(key, name, name_len);
    key[name_len] = '\0';
    if (json_object_size(variables) >= MCP_LIMIT_VARIABLES ||
        json_object_set_new(variables, key, decoded(*uri, len)) != 0)
        return false;
    *at = name + name_len + 1;
    *uri += len;
    return true;
}

bool mcp_template_match(const char *uri_template, const char *uri, json_t **out_variables)
{
    json_t *variables = json_object();
    bool fits = variables != NULL;
    while (fits && *uri_template != '\0') {
        if (*uri_template == '{')
            fits = fill(&uri_template, &uri, variables);
        else
            fits = *uri_template++ == *uri++;
        if (!fits)
            break;
    }
    fits = fits && *uri == '\0';
    if (fits)
        *out_variables = variables;
    else
        json_decref(variables);
    return fits;
}

const struct mcp_row *mcp_reader_find(const struct mcp_server *server, const char *uri,
                                      bool *out_template, json_t **out_variables)
{
    const struct mcp_row *row = mcp_row_find(server, KIND_RESOURCE, uri);
    const struct mcp_table *templates = &server->tables[KIND_TEMPLATE];
    *out_variables = NULL;
    *out_template = row == NULL;
    if (row != NULL || strlen(uri) > MCP_LIMIT_URI_BYTES)
        return row;
    for (size_t i = 0; i < templates->count; i++)
        if (mcp_template_match(templates->rows[i].key, uri, out_variables))
            return &templates->rows[i];
    return NULL;
}
