/* Tickets as people paste them: what is read is written and read again (PROTOCOL 7.7). */
/* covers: net/ticket.c */
#include "net/ticket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void write_again(const struct net_ticket *ticket)
{
    char text[NET_TICKET_TEXT_MAX], twice[NET_TICKET_TEXT_MAX];
    struct net_ticket back;
    size_t len = net_ticket_text(ticket, text);
    must(len < sizeof text && text[len] == '\0');
    must(net_ticket_parse(cht_bytes(text, len), &back, NULL) == CHT_OK);
    must(net_ticket_text(&back, twice) == len && memcmp(text, twice, len) == 0);
    must(net_ticket_check(&back, back.expires_ms) == CHT_E_EXPIRED);
    must(back.expires_ms == 0 || net_ticket_check(&back, back.expires_ms - 1) == CHT_OK);
    net_ticket_clear(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct net_ticket ticket;
    struct cht_error detail = { .code = CHT_OK };
    enum cht_err err = net_ticket_parse(cht_bytes(data, len), &ticket, &detail);
    must(err == CHT_OK || err == CHT_E_INVALID || err == CHT_E_UNSUPPORTED);
    must(detail.code == err && (err == CHT_OK || detail.text[0] != '\0'));
    if (err == CHT_OK)
        write_again(&ticket);
    return 0;
}
