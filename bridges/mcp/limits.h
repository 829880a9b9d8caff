#ifndef BRIDGES_MCP_LIMITS_H
#define BRIDGES_MCP_LIMITS_H
/* Every maximum of the MCP dispatcher, with its reason. A client is a program we did not write:
 * none of what it sends may make this process grow without end. */

#define MCP_LIMIT_MESSAGE_BYTES                                                                    \
    (256u * 1024u)                    /* one message in: a note of 96 KiB, escaped, fits           \
                                       */
#define MCP_LIMIT_DEPTH        32u    /* nesting of a message in: schemas nest, arguments do not */
#define MCP_LIMIT_VALUES       16384u /* values of a message in: bounds what parsing allocates */
#define MCP_LIMIT_ID_BYTES     256u   /* a request's id or progress token, when it is a string */
#define MCP_LIMIT_NAME_BYTES   256u   /* a method, a name of a tool, a key of an input */
#define MCP_LIMIT_URI_BYTES    1024u  /* an address of a resource */
#define MCP_LIMIT_CALLS        64u    /* requests of one connection that wait for their answer */
#define MCP_LIMIT_LISTENS      16u    /* open subscriptions/listen of one connection */
#define MCP_LIMIT_WATCHED      256u /* addresses one connection watches, all its listens together */
#define MCP_LIMIT_ASKS         8u   /* questions of one round to the client */
#define MCP_LIMIT_ROUNDS       16u  /* rounds of questions of one legacy request */
#define MCP_LIMIT_VARIABLES    4u   /* variables of a resource template */
#define MCP_LIMIT_STATE_BYTES  4096u          /* the inside of a requestState */
#define MCP_LIMIT_RESULT_BYTES (512u * 1024u) /* one message out; longer ones become an error */
#define MCP_LIMIT_PAGE         200u           /* entries of one page of a list */
#define MCP_LIMIT_COMPLETIONS  100u           /* values of one completion (the revisions say 100) */
#define MCP_LIMIT_TABLE        256u           /* tools, resources, templates, prompts: each table */

#endif
