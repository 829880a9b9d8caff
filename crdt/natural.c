/* Ids of things that have a name of their own; see natural.h (PROTOCOL 1.8). */
#include "crdt/natural.h"

#include <sodium.h>

static void take_text(crypto_generichash_state *h, struct cht_bytes text)
{
    uint8_t len[4];
    for (unsigned i = 0; i < sizeof len; i++)
        len[i] = (uint8_t)(text.len >> (8 * i));
    (void)crypto_generichash_update(h, len, sizeof len);
    (void)crypto_generichash_update(h, text.data, text.len);
}

void crdt_natural_id(unsigned type, struct cht_bytes source, struct cht_bytes key,
                     struct crdt_id *out)
{
    static const char prefix[] = "chitty-natural-1";
    crypto_generichash_state h;
    const uint8_t number = (uint8_t)type;
    (void)crypto_generichash_init(&h, NULL, 0, CRDT_ID_BYTES);
    (void)crypto_generichash_update(&h, (const uint8_t *)prefix, sizeof prefix - 1);
    (void)crypto_generichash_update(&h, &number, 1);
    take_text(&h, source);
    take_text(&h, key);
    out->type = number;
    (void)crypto_generichash_final(&h, out->b, CRDT_ID_BYTES);
}
