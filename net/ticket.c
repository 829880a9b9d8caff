/* The text of a ticket; see ticket.h (PROTOCOL 7.7). */
#include "net/ticket.h"

#include "crdt/base/wire.h"

#include <assert.h>
#include <sodium.h>

#define TICKET_VERSION     1u
#define TICKET_PREFIX      "chitty1-"
#define TICKET_PREFIX_ANY  "chitty"
#define TICKET_CHECK_BYTES 4u
#define TICKET_HEAD_BYTES                                                                          \
    (1u + CRDT_ID_BYTES + 32u + 32u + NET_TICKET_SECRET_BYTES + 8u + 2u + 2u + 1u)
#define TICKET_BYTES_MAX                                                                           \
    (TICKET_HEAD_BYTES + NET_TICKET_HOSTS * (1u + NET_HOST_BYTES) + TICKET_CHECK_BYTES)

static_assert(sizeof TICKET_PREFIX + (TICKET_BYTES_MAX * 8 + 4) / 5 <= NET_TICKET_TEXT_MAX,
              "the longest ticket fits its buffer");

static bool host_valid(struct cht_bytes text)
{
    if (text.len == 0 || text.len > NET_HOST_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '.' && c != ':' && c != '%' && c != '_' && c != '-')
            return false;
    }
    return true;
}

enum cht_err net_host_set(struct net_host *host, struct cht_bytes text)
{
    if (!host_valid(text))
        return CHT_E_INVALID;
    *host = (struct net_host){ .len = (uint8_t)text.len };
    memcpy(host->text, text.data, text.len);
    return CHT_OK;
}

void net_ticket_clear(struct net_ticket *ticket)
{
    if (ticket != NULL)
        sodium_memzero(ticket, sizeof *ticket);
}

enum cht_err net_ticket_check(const struct net_ticket *ticket, uint64_t now_ms)
{
    return now_ms < ticket->expires_ms ? CHT_OK : CHT_E_EXPIRED;
}

/* The first bytes of a hash over all that goes before. */
static void checksum(struct cht_bytes head, uint8_t out[static TICKET_CHECK_BYTES])
{
    uint8_t hash[CRDT_ID_BYTES];
    crdt_id_of("chitty-ticket-1", head, hash);
    memcpy(out, hash, TICKET_CHECK_BYTES);
}

/* --- writing ------------------------------------------------------------------------------- */

static size_t put(uint8_t *out, size_t at, const void *data, size_t len)
{
    memcpy(out + at, data, len);
    return at + len;
}

static size_t encode(const struct net_ticket *t, uint8_t out[static TICKET_BYTES_MAX])
{
    size_t at = 0;
    out[at++] = TICKET_VERSION;
    at = put(out, at, t->space, CRDT_ID_BYTES);
    at = put(out, at, t->sign_pk, NET_SIGN_PK_BYTES);
    at = put(out, at, t->transport_pk, NET_TRANSPORT_BYTES);
    at = put(out, at, t->secret, NET_TICKET_SECRET_BYTES);
    cht_put_u64(out + at, t->expires_ms);
    cht_put_u16(out + at + 8, t->pair_port);
    cht_put_u16(out + at + 10, t->sync_port);
    at += 12;
    out[at++] = t->host_count;
    for (size_t i = 0; i < t->host_count; i++) {
        assert(host_valid(cht_bytes(t->hosts[i].text, t->hosts[i].len)));
        out[at++] = t->hosts[i].len;
        at = put(out, at, t->hosts[i].text, t->hosts[i].len);
    }
    checksum(cht_bytes(out, at), out + at);
    return at + TICKET_CHECK_BYTES;
}

size_t net_ticket_text(const struct net_ticket *ticket, char out[static NET_TICKET_TEXT_MAX])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t raw[TICKET_BYTES_MAX];
    assert(ticket->host_count >= 1 && ticket->host_count <= NET_TICKET_HOSTS);
    size_t len = encode(ticket, raw), at = sizeof TICKET_PREFIX - 1;
    memcpy(out, TICKET_PREFIX, at);
    uint32_t held = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        held = held << 8 | raw[i];
        for (bits += 8; bits >= 5; bits -= 5)
            out[at++] = digits[held >> (bits - 5) & 31];
    }
    if (bits > 0) /* the last digit is filled up with zero bits */
        out[at++] = digits[held << (5 - bits) & 31];
    out[at] = '\0';
    sodium_memzero(raw, sizeof raw);
    return at;
}

/* --- reading ------------------------------------------------------------------------------- */

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool starts_with(struct cht_bytes text, const char *prefix)
{
    size_t len = strlen(prefix);
    for (size_t i = 0; i < len; i++) {
        if (i >= text.len || lower(text.data[i]) != prefix[i])
            return false;
    }
    return true;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* 0 … 31, or -1 for what is no digit. */
static int digit_value(uint8_t c)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    char want = lower(c);
    if (want == 'i' || want == 'l')
        want = '1';
    if (want == 'o')
        want = '0';
    const char *at = want == '\0' ? NULL : strchr(digits, want);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Digits to bytes. CHT_E_INVALID: a strange character; CHT_E_LIMIT: too many digits;
 * CHT_E_MALFORMED: the bits that fill up the last digit are not zero, or are a whole digit. */
static enum cht_err decode_digits(struct cht_bytes text, uint8_t out[static TICKET_BYTES_MAX],
                                  size_t *out_len)
{
    uint32_t held = 0;
    unsigned bits = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (is_space(text.data[i]) || text.data[i] == '-')
            continue;
        int value = digit_value(text.data[i]);
        if (value < 0)
            return CHT_E_INVALID;
        held = (held << 5 | (uint32_t)value) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            if (len == TICKET_BYTES_MAX)
                return CHT_E_LIMIT;
            out[len++] = (uint8_t)(held >> bits);
        }
    }
    *out_len = len;
    return bits >= 5 || (held & ((1u << bits) - 1)) != 0 ? CHT_E_MALFORMED : CHT_OK;
}

static void read_hosts(struct cht_wire *w, struct net_ticket *t)
{
    t->host_count = cht_wire_u8(w);
    if (t->host_count == 0 || t->host_count > NET_TICKET_HOSTS)
        cht_wire_fail(w, CHT_E_LIMIT);
    for (size_t i = 0; w->err == CHT_OK && i < t->host_count; i++) {
        struct cht_bytes text = cht_wire_take(w, cht_wire_u8(w));
        if (w->err == CHT_OK && net_host_set(&t->hosts[i], text) != CHT_OK)
            cht_wire_fail(w, CHT_E_LIMIT);
    }
}

/* Fields of the bytes between version and checksum. CHT_E_MALFORMED: too few or too many;
 * CHT_E_LIMIT: a value that no ticket has. */
static enum cht_err decode(struct cht_bytes src, struct net_ticket *t)
{
    uint8_t ports[4];
    struct cht_wire w = cht_wire(src);
    cht_wire_copy(&w, t->space, CRDT_ID_BYTES);
    cht_wire_copy(&w, t->sign_pk, NET_SIGN_PK_BYTES);
    cht_wire_copy(&w, t->transport_pk, NET_TRANSPORT_BYTES);
    cht_wire_copy(&w, t->secret, NET_TICKET_SECRET_BYTES);
    t->expires_ms = cht_wire_u64(&w);
    cht_wire_copy(&w, ports, sizeof ports);
    t->pair_port = cht_get_u16(ports);
    t->sync_port = cht_get_u16(ports + 2);
    read_hosts(&w, t);
    return cht_wire_end(&w);
}

/* What is wrong with digits whose checksum does not fit. */
static enum cht_err explain(struct cht_bytes raw, enum cht_err digits, struct cht_error *detail)
{
    struct net_ticket t = { .host_count = 0 };
    struct cht_bytes fields = cht_bytes(raw.data + 1, 0);
    if (raw.len > 1 + TICKET_CHECK_BYTES)
        fields.len = raw.len - 1 - TICKET_CHECK_BYTES;
    enum cht_err err = digits == CHT_OK ? decode(fields, &t) : CHT_E_MALFORMED;
    net_ticket_clear(&t);
    if (err == CHT_OK)
        return cht_fail(detail, CHT_E_INVALID,
                        "a character of the ticket is wrong: its checksum does not fit");
    return cht_fail(detail, CHT_E_INVALID,
                    "the ticket is cut short, too long or mistyped: its checksum does not fit");
}

static enum cht_err decode_checked(struct cht_bytes raw, enum cht_err digits, struct net_ticket *t,
                                   struct cht_error *detail)
{
    uint8_t sum[TICKET_CHECK_BYTES];
    if (raw.len <= 1 + TICKET_CHECK_BYTES)
        return cht_fail(detail, CHT_E_INVALID, "the ticket is cut short");
    struct cht_bytes head = cht_bytes(raw.data, raw.len - TICKET_CHECK_BYTES);
    checksum(head, sum);
    if (digits != CHT_OK || memcmp(sum, raw.data + head.len, TICKET_CHECK_BYTES) != 0)
        return explain(raw, digits, detail);
    if (head.data[0] != TICKET_VERSION)
        return cht_fail(detail, CHT_E_UNSUPPORTED,
                        "the ticket was made by a newer version: update this one");
    if (decode(cht_bytes(head.data + 1, head.len - 1), t) != CHT_OK)
        return cht_fail(detail, CHT_E_INVALID, "the ticket's content is not what a ticket has");
    return CHT_OK;
}

enum cht_err net_ticket_parse(struct cht_bytes text, struct net_ticket *out,
                              struct cht_error *detail)
{
    uint8_t raw[TICKET_BYTES_MAX];
    size_t len = 0;
    while (text.len > 0 && is_space(text.data[0]))
        text = cht_bytes(text.data + 1, text.len - 1);
    if (!starts_with(text, TICKET_PREFIX)) {
        if (starts_with(text, TICKET_PREFIX_ANY) && text.len > 7 && text.data[6] >= '2' &&
            text.data[6] <= '9')
            return cht_fail(detail, CHT_E_UNSUPPORTED,
                            "the ticket was made by a newer version: update this one");
        return cht_fail(detail, CHT_E_INVALID, "not a ticket: it does not start with chitty1-");
    }
    size_t prefix = sizeof TICKET_PREFIX - 1;
    struct net_ticket t = { .host_count = 0 };
    enum cht_err err = decode_digits(cht_bytes(text.data + prefix, text.len - prefix), raw, &len);
    if (err == CHT_E_INVALID)
        err = cht_fail(detail, err,
                       "the ticket has a character that no ticket has (digits and letters but U)");
    else if (err == CHT_E_LIMIT)
        err = cht_fail(detail, CHT_E_INVALID, "the ticket is too long: is something behind it?");
    else
        err = decode_checked(cht_bytes(raw, len), err, &t, detail);
    if (err == CHT_OK)
        *out = t;
    net_ticket_clear(&t);
    sodium_memzero(raw, sizeof raw);
    return err;
}
