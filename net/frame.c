/* The table of frame kinds, and what is known of a frame before it is read (PROTOCOL 8.1, 8.2). */
#include "net/frame.h"

struct frame_kind {
    const char *name;
    size_t size_max;
    unsigned cost;
};

static const struct frame_kind frame_kinds[NET_FRAME_KIND_MAX + 1] = {
#define X(name, number, size_max, cost) [number] = { #name, size_max, cost },
    NET_FRAME_KINDS(X)
#undef X
};

struct bye_reason {
    const char *name, *text;
};

static const struct bye_reason bye_reasons[NET_BYE_REASON_MAX + 1] = {
#define X(name, number, text) [number] = { #name, text },
    NET_BYE_REASONS(X)
#undef X
};

const char *net_frame_name(unsigned kind)
{
    return kind <= NET_FRAME_KIND_MAX ? frame_kinds[kind].name : NULL;
}

size_t net_frame_size_max(unsigned kind)
{
    return kind <= NET_FRAME_KIND_MAX ? frame_kinds[kind].size_max : 0;
}

unsigned net_frame_cost(unsigned kind)
{
    return kind <= NET_FRAME_KIND_MAX ? frame_kinds[kind].cost : 0;
}

const char *net_bye_name(unsigned reason)
{
    bool known = reason <= NET_BYE_REASON_MAX && bye_reasons[reason].name != NULL;
    return known ? bye_reasons[reason].name : "UNKNOWN";
}

const char *net_bye_text(unsigned reason)
{
    bool known = reason <= NET_BYE_REASON_MAX && bye_reasons[reason].name != NULL;
    return known ? bye_reasons[reason].text : "a reason this build does not know";
}

enum cht_err net_frame_peek(struct cht_bytes src, enum net_frame_kind *out_kind,
                            uint8_t out_nonce[NET_NONCE_BYTES])
{
    if (src.len < NET_FRAME_HEAD_BYTES || net_frame_name(src.data[0]) == NULL)
        return CHT_E_MALFORMED;
    if (src.len > net_frame_size_max(src.data[0]))
        return CHT_E_LIMIT;
    *out_kind = (enum net_frame_kind)src.data[0];
    memcpy(out_nonce, src.data + 1, NET_NONCE_BYTES);
    return CHT_OK;
}

size_t net_ranges_cost(const struct crdt_range *ranges, size_t count)
{
    size_t cost = 0;
    for (size_t i = 0; i < count; i++)
        cost += ranges[i].payload.len;
    return cost;
}
