#ifndef CRDT_BASE_BYTES_H
#define CRDT_BASE_BYTES_H
/* A borrowed run of bytes. It owns nothing: whoever hands one out says how long it lives. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cht_bytes {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

static inline struct cht_bytes cht_bytes(const void *data, size_t len)
{
    return (struct cht_bytes){ .data = data, .len = len };
}

static inline struct cht_bytes cht_bytes_str(const char *text)
{
    return cht_bytes(text, strlen(text));
}

static inline bool cht_bytes_eq(struct cht_bytes a, struct cht_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* memcmp order, a prefix first: -1, 0 or 1. */
static inline int cht_bytes_cmp(struct cht_bytes a, struct cht_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);
    if (order != 0)
        return order < 0 ? -1 : 1;
    return a.len == b.len ? 0 : (a.len < b.len ? -1 : 1);
}

/* Fixed little-endian integers, unaligned (PROTOCOL 1.1). */
static inline uint16_t cht_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (uint16_t)(p[1] << 8));
}

static inline uint32_t cht_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t cht_get_u64(const uint8_t *p)
{
    return (uint64_t)cht_get_u32(p) | (uint64_t)cht_get_u32(p + 4) << 32;
}

static inline void cht_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void cht_put_u32(uint8_t *p, uint32_t v)
{
    cht_put_u16(p, (uint16_t)v);
    cht_put_u16(p + 2, (uint16_t)(v >> 16));
}

static inline void cht_put_u64(uint8_t *p, uint64_t v)
{
    cht_put_u32(p, (uint32_t)v);
    cht_put_u32(p + 4, (uint32_t)(v >> 32));
}

#endif
