/* Entities that have a name of their own outside: what is made of one is the same entity on every
 * machine; see plan.h (PROTOCOL 1.8, 1.9). */
#include "crdt/natural.h"

#include "crdt/address.h"
#include "node/service/plan.h"

/* ASCII only, as PROTOCOL 1.8's "lower case": other alphabets have no one lower case. */
static void to_lower(uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (uint8_t)(text[i] - 'A' + 'a');
    }
}

static bool repo_key(struct cht_bytes data, struct cht_buf *key)
{
    return crdt_address_normal(node_mp_get_str(data, "url"), key) == CHT_OK;
}

static bool service_key(struct cht_bytes data, struct cht_buf *key)
{
    const struct cht_bytes name = node_mp_get_str(data, "name");
    if (name.len == 0 || cht_buf_add(key, name) != CHT_OK)
        return false;
    to_lower(key->data, key->len);
    return true;
}

static bool session_key(struct cht_bytes data, struct cht_buf *key)
{
    static const uint8_t line_feed[] = { '\n' };
    const struct cht_bytes platform = node_mp_get_str(data, "platform");
    const struct cht_bytes id = node_mp_get_str(data, "session_id");
    return platform.len != 0 && id.len != 0 && cht_buf_add(key, platform) == CHT_OK &&
           cht_buf_add(key, cht_bytes(line_feed, 1)) == CHT_OK && cht_buf_add(key, id) == CHT_OK;
}

bool service_natural_id(unsigned type, struct cht_bytes data, struct crdt_id *out)
{
    static const struct {
        unsigned type;
        const char *source;
        bool (*key)(struct cht_bytes data, struct cht_buf *key);
    } kinds[] = {
        { CRDT_REPO, "repo", repo_key },
        { CRDT_SERVICE, "service", service_key },
        { CRDT_SESSION, "session", session_key },
    };
    bool found = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !found; i++) {
        struct cht_buf key;
        if (kinds[i].type != type)
            continue;
        cht_buf_init(&key, 3 * (size_t)LIMIT_VALUE_BYTES);
        found = kinds[i].key(data, &key);
        if (found)
            crdt_natural_id(type, cht_bytes_str(kinds[i].source), cht_buf_view(&key), out);
        cht_buf_clear(&key);
    }
    return found;
}
