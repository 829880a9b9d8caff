/* Behind the front: the product's dispatcher in this process, with the fixtures. */
#include "tests/mcp/fixture.h"

#include "tests/mcp/behind.h"

#include "bridges/mcp/conn.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static void *open_conn(void *self, mcp_emit_fn *emit, void *user)
{
    struct mcp_conn *conn = NULL;
    return mcp_conn_open(self, emit, user, &conn) == CHT_OK ? conn : NULL;
}

static enum mcp_fed feed(void *conn, struct cht_bytes message, const struct mcp_way *way)
{
    return mcp_feed(conn, message, way);
}

static void drop(void *conn, void *to)
{
    mcp_conn_drop(conn, to);
}

static void set_stream(void *conn, void *to)
{
    mcp_conn_set_stream(conn, to);
}

static void close_conn(void *conn)
{
    mcp_conn_close(conn);
}

void behind_fixture(struct behind *out)
{
    struct mcp_config config = {
        .name = "chitty-mcp-fixture",
        .version = CHT_VERSION,
        .logging = true,
        .subscribe = true,
        .list_changed = { true, true, true },
        .shared = { true, true, true },
        .list_ttl_ms = 60000,
        .read_ttl_ms = 1000,
    };
    struct mcp_server *server = NULL;
    if (sodium_init() < 0)
        abort();
    randombytes_buf(config.state_key, sizeof config.state_key);
    if (mcp_server_new(&config, &server) != CHT_OK || !fixture_add_tools(server) ||
        !fixture_add_asking(server) || !fixture_add_reading(server)) {
        (void)fputs("chitty-mcp-front: the dispatcher refuses a fixture\n", stderr);
        exit(1);
    }
    *out = (struct behind){ .open = open_conn,
                            .feed = feed,
                            .drop = drop,
                            .set_stream = set_stream,
                            .close = close_conn,
                            .self = server };
}
