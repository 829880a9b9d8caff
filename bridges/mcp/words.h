#ifndef BRIDGES_MCP_WORDS_H
#define BRIDGES_MCP_WORDS_H
/* Texts of others inside sentences of ours. */

#define MCP_SHORT_BYTES 100u
struct mcp_short {
    char text[MCP_SHORT_BYTES];
};
/* The text, cut between two characters. NULL: "". */
struct mcp_short mcp_short(const char *text);
/* Take half a character off the end of what was cut by bytes. */
void mcp_trim(char *text);

#endif
