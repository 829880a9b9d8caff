/* Normalised addresses of repositories; see address.h (PROTOCOL 1.9). */
#include "crdt/address.h"

#include "crdt/limits.h"
#include "crdt/mp.h"

#define PORT_MAX 65535u

struct parts {
    struct cht_bytes host; /* empty: a path of this machine */
    unsigned port;         /* 0: none, or the scheme's own */
    struct cht_bytes path;
};

static struct cht_bytes after(struct cht_bytes s, size_t from)
{
    return from >= s.len ? cht_bytes(NULL, 0) : cht_bytes(s.data + from, s.len - from);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool is_word(struct cht_bytes s, const char *word)
{
    if (s.len != strlen(word))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (lower(s.data[i]) != (uint8_t)word[i])
            return false;
    return true;
}

/* Where one of the octets of `any` is first, or the length. */
static size_t find(struct cht_bytes s, const char *any)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != 0 && strchr(any, s.data[i]) != NULL)
            return i;
    return s.len;
}

static bool starts(struct cht_bytes s, const char *head)
{
    const size_t len = strlen(head);
    return s.len >= len && is_word(cht_bytes(s.data, len), head);
}

/* --- characters ---------------------------------------------------------------------------- */

static bool printable(struct cht_bytes text, bool spaces)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7f || (text.data[i] == ' ' && !spaces))
            return false;
    return crdt_utf8_valid(text);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/* RFC 3986 3.1 */
static bool is_scheme(struct cht_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter(s.data[i]) &&
            (i == 0 || (!is_digit(s.data[i]) && strchr("+-.", s.data[i]) == NULL)))
            return false;
    return s.len > 0;
}

/* A name, or an IP literal in brackets (RFC 3986 3.2.2); one of dots alone is none. */
static bool is_host(struct cht_bytes s)
{
    const bool literal = s.len > 2 && s.data[0] == '[' && s.data[s.len - 1] == ']';
    bool any = false;
    for (size_t i = literal ? 1 : 0; i < s.len - (literal ? 1 : 0); i++) {
        const uint8_t c = s.data[i];
        const char *others = literal ? ":.%-_~" : ".-_~%";
        if (!is_digit(c) && !is_letter(c) && c < 0x80 && strchr(others, c) == NULL)
            return false;
        any = any || (c != '.' && c != ':');
    }
    return any;
}

/* --- the parts ----------------------------------------------------------------------------- */

static unsigned own_port(struct cht_bytes scheme)
{
    static const struct {
        const char *scheme;
        unsigned port;
    } ports[] = { { "ssh", 22 },  { "git+ssh", 22 }, { "ssh+git", 22 },
                  { "http", 80 }, { "https", 443 },  { "git", 9418 } };
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        if (is_word(scheme, ports[i].scheme))
            return ports[i].port;
    return 0;
}

/* Digits, 1 to 65535. */
static bool read_port(struct cht_bytes s, unsigned *out)
{
    unsigned port = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.data[i]) || port > PORT_MAX)
            return false;
        port = port * 10 + (unsigned)(s.data[i] - '0');
    }
    if (port == 0 || port > PORT_MAX)
        return false;
    *out = port;
    return true;
}

static enum cht_err take_host(struct cht_bytes host, struct parts *out)
{
    if (!is_host(host))
        return CHT_E_INVALID;
    while (host.data[host.len - 1] == '.')
        host.len--;
    out->host = host;
    return CHT_OK;
}

/* [user@]host[:port] */
static enum cht_err take_authority(struct cht_bytes scheme, struct cht_bytes s, struct parts *out)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.data[i - 1] == '@') {
            s = after(s, i);
            break;
        }
    const size_t literal = s.len > 0 && s.data[0] == '[' ? find(s, "]") : 0;
    const size_t colon = literal + find(after(s, literal), ":");
    const struct cht_bytes port = after(s, colon + 1);
    if (port.len > 0) {
        if (!read_port(port, &out->port))
            return CHT_E_INVALID;
        if (out->port == own_port(scheme))
            out->port = 0;
    }
    return take_host(cht_bytes(s.data, colon < s.len ? colon : s.len), out);
}

static enum cht_err take_file(struct cht_bytes rest, struct parts *out)
{
    if (starts(rest, "//")) { /* RFC 8089: nothing, or localhost, stands before the path */
        rest = after(rest, 2);
        if (starts(rest, "localhost/"))
            rest = after(rest, strlen("localhost"));
    }
    if (rest.len == 0 || rest.data[0] != '/')
        return CHT_E_INVALID;
    out->path = rest;
    return CHT_OK;
}

static enum cht_err take_url(struct cht_bytes scheme, struct cht_bytes rest, struct parts *out)
{
    const size_t path = find(rest, "/?#");
    enum cht_err err = take_authority(scheme, cht_bytes(rest.data, path), out);
    if (err != CHT_OK)
        return err;
    out->path = after(rest, path);
    out->path.len = find(out->path, "?#");
    return CHT_OK;
}

/* `[user@]host:path` of ssh, or the normalised form: host/path, host:port/path. */
static enum cht_err take_short(struct cht_bytes s, struct parts *out)
{
    size_t host = 0, i = 0;
    for (; i < s.len && s.data[i] != ':' && s.data[i] != '/'; i++) {
        if (s.data[i] == '@')
            host = i + 1;
        else if (s.data[i] == '[' && i == host)
            i += find(after(s, i), "]/");
        if (i >= s.len || s.data[i] == '/')
            break;
    }
    if (i >= s.len || (s.data[i] == '/' && host != 0))
        return CHT_E_INVALID;
    out->path = after(s, i + 1);
    if (s.data[i] == ':' && host == 0) {
        const size_t digits = find(out->path, "/");
        if (digits < out->path.len && read_port(cht_bytes(out->path.data, digits), &out->port))
            out->path = after(out->path, digits);
    }
    return take_host(cht_bytes(s.data + host, i - host), out);
}

static enum cht_err take(struct cht_bytes text, struct parts *out)
{
    if (text.len == 0)
        return CHT_E_INVALID;
    if (text.data[0] == '/' || starts(text, "file:/")) {
        if (!printable(text, true))
            return CHT_E_INVALID;
        if (text.data[0] != '/')
            return take_file(after(text, strlen("file:")), out);
        out->path = text;
        return CHT_OK;
    }
    if (!printable(text, false))
        return CHT_E_INVALID;
    const size_t colon = find(text, ":");
    const struct cht_bytes scheme = cht_bytes(text.data, colon);
    if (is_scheme(scheme) && starts(after(text, colon), "://"))
        return take_url(scheme, after(text, colon + 3), out);
    return take_short(text, out);
}

/* --- writing ------------------------------------------------------------------------------- */

/* Hosts that do not tell upper from lower case in a path. */
static bool folds_case(struct cht_bytes host)
{
    return is_word(host, "github.com") || is_word(host, "gitlab.com") ||
           is_word(host, "bitbucket.org") || is_word(host, "codeberg.org");
}

static bool ends_in_git(struct cht_bytes end, bool fold)
{
    return fold ? is_word(end, ".git") : cht_bytes_eq(end, cht_bytes_str(".git"));
}

/* Without what stands before and behind it. */
static struct cht_bytes tidy(struct cht_bytes path, bool fold)
{
    while (path.len > 0 && path.data[0] == '/')
        path = after(path, 1);
    for (;;) {
        if (path.len > 0 && path.data[path.len - 1] == '/')
            path.len--;
        else if (path.len >= 4 && ends_in_git(after(path, path.len - 4), fold))
            path.len -= 4;
        else
            return path;
    }
}

static size_t put_path(uint8_t *out, struct cht_bytes path, bool fold)
{
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] != '/' || i == 0 || path.data[i - 1] != '/')
            out[len++] = fold ? lower(path.data[i]) : path.data[i];
    return len;
}

static size_t put_port(uint8_t *out, unsigned port)
{
    uint8_t digits[5];
    size_t count = 0, len = 0;
    for (; port != 0; port /= 10)
        digits[count++] = (uint8_t)('0' + port % 10);
    out[len++] = ':';
    while (count > 0)
        out[len++] = digits[--count];
    return len;
}

enum cht_err crdt_address_normal(struct cht_bytes text, struct cht_buf *out)
{
    struct parts p = { .port = 0 };
    uint8_t room[LIMIT_TITLE_BYTES + 8]; /* "file:" is all that may be added */
    size_t len = 0;
    if (text.len > LIMIT_TITLE_BYTES)
        return CHT_E_LIMIT;
    enum cht_err err = take(text, &p);
    const bool fold = folds_case(p.host);
    p.path = tidy(p.path, fold);
    if (err != CHT_OK || p.path.len == 0)
        return CHT_E_INVALID;
    if (p.host.len == 0) {
        memcpy(room, "file:", 5);
        len = 5;
    }
    for (size_t i = 0; i < p.host.len; i++)
        room[len++] = lower(p.host.data[i]);
    if (p.port != 0)
        len += put_port(room + len, p.port);
    room[len++] = '/';
    len += put_path(room + len, p.path, fold);
    return len > LIMIT_TITLE_BYTES ? CHT_E_LIMIT : cht_buf_add(out, cht_bytes(room, len));
}
