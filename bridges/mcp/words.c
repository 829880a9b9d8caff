/* Texts of others inside sentences of ours: cut between characters, so that they stay UTF-8. */
#include "bridges/mcp/words.h"

#include <string.h>

void mcp_trim(char *text)
{
    size_t len = strlen(text), tail = 0;
    while (tail < 4 && tail < len && ((unsigned char)text[len - 1 - tail] & 0xc0) == 0x80)
        tail++;
    if (len == tail)
        return;
    const unsigned char lead = (unsigned char)text[len - 1 - tail];
    const size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (tail < want)
        text[len - 1 - tail] = '\0';
}

struct mcp_short mcp_short(const char *text)
{
    struct mcp_short out = { "" };
    if (text != NULL) {
        size_t len = strlen(text);
        len = len < sizeof out.text ? len : sizeof out.text - 1;
        memcpy(out.text, text, len);
        mcp_trim(out.text);
    }
    return out;
}
