#include "tests/mcp/guard.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

const char *guard_header(struct MHD_Connection *http, const char *name, char *out, size_t max)
{
    const char *value = MHD_lookup_connection_value(http, MHD_HEADER_KIND, name);
    if (value == NULL)
        return NULL;
    value += strspn(value, " \t");
    size_t len = strlen(value);
    while (len > 0 && strchr(" \t", value[len - 1]) != NULL)
        len--;
    if (len >= max)
        len = max - 1;
    memcpy(out, value, len);
    out[len] = '\0';
    return out;
}

/* "name", "name:port": is the name this machine? */
static bool host_is_local(const char *host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (strncasecmp(host, names[i], len) != 0)
            continue;
        const char *rest = host + len;
        if (*rest == '\0' || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")] == '\0'))
            return true;
    }
    return false;
}

bool guard_is_local(struct MHD_Connection *http)
{
    char host[256], origin[256];
    if (guard_header(http, "Host", host, sizeof host) == NULL || !host_is_local(host))
        return false;
    if (guard_header(http, "Origin", origin, sizeof origin) == NULL)
        return true;
    const char *after = strstr(origin, "://");
    return after != NULL && host_is_local(after + 3);
}

bool guard_is_json(struct MHD_Connection *http)
{
    static const char json[] = "application/json";
    char type[128];
    return guard_header(http, "Content-Type", type, sizeof type) != NULL &&
           strncasecmp(type, json, sizeof json - 1) == 0 &&
           strchr(" \t;", type[sizeof json - 1]) != NULL;
}

bool guard_accepts(struct MHD_Connection *http, const char *type)
{
    char accept[512];
    return guard_header(http, "Accept", accept, sizeof accept) != NULL &&
           strcasestr(accept, type) != NULL;
}

bool guard_legacy_version(const char *version)
{
    static const char *const known[] = { "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25" };
    for (size_t i = 0; version != NULL && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(version, known[i]) == 0)
            return true;
    }
    return version == NULL;
}
