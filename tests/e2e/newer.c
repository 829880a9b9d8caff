/* What a newer build writes, for tests/e2e/import.py: in a home where no node runs, a todo with a
 * value in a field that this build does not know, and an element of such a field. Prints its id. */
#include "node/home.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define UNKNOWN_FIELD 99u

static void must(enum cht_err err, const char *what)
{
    if (err == CHT_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, cht_err_text(err));
    exit(1);
}

int main(void)
{
    static const char content[] = "\xa5"
                                  "newer";
    static const char key[] = "\xa1k", value[] = "\x92\x01\xc4\x01\x07"; /* [1, bin 07] */
    struct node_home home;
    struct node_fault fault = { 0 };
    char text[CRDT_ID_TEXT_MAX];
    if (sodium_init() < 0)
        return 2;
    must(node_home_start(false, &fault, &home), "home");
    const struct crdt_op ops[] = {
        { .kind = CRDT_OP_PUT,
          .field = crdt_field_named(CRDT_TODO, cht_bytes_str("content"))->number,
          .value = cht_bytes_str(content) },
        { .kind = CRDT_OP_PUT, .field = UNKNOWN_FIELD, .value = cht_bytes_str(value) },
        { .kind = CRDT_OP_PUT,
          .field = UNKNOWN_FIELD + 1,
          .key = cht_bytes_str(key),
          .value = cht_bytes_str(value) },
    };
    struct node_write w = { .id.type = CRDT_TODO, .ops = ops, .count = 3 };
    randombytes_buf(w.id.b, sizeof w.id.b);
    must(node_replica_write(home.replica, &w, 1, NULL, node_wall_ms()), "write");
    must(node_replica_commit(home.replica, true), "commit");
    crdt_id_text(&w.id, text);
    printf("%s\n", text);
    node_home_end(&home);
    return 0;
}
