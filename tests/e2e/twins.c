/* A process duplicated with its memory, for tests/e2e/clones.py: opens the databases of two homes,
 * of which one is a copy of the other and where no node runs, as one process and its duplicate
 * would have them, in one epoch; writes todos in each.
 *
 *   twins HOME COPY TODOS
 *
 * On standard output a line for each todo: which home (0 or 1), and its id. */
#include "node/home.h"
#include "node/replica/own.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static void must(enum cht_err err, const char *what)
{
    if (err == CHT_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, cht_err_text(err));
    exit(1);
}

static void write_todo(struct node_home *h, int which, unsigned long number)
{
    static const char content[] = "\xa9"
                                  "of a twin";
    const struct crdt_field *f = crdt_field_named(CRDT_TODO, cht_bytes_str("content"));
    struct crdt_op op = { .kind = CRDT_OP_PUT,
                          .field = f->number,
                          .value = cht_bytes_str(content) };
    struct node_write w = { .id.type = CRDT_TODO, .ops = &op, .count = 1 };
    char text[CRDT_ID_TEXT_MAX];
    randombytes_buf(w.id.b, sizeof w.id.b);
    must(node_replica_write(h->replica, &w, 1, NULL, node_wall_ms() + number), "write");
    must(node_replica_commit(h->replica, true), "commit");
    crdt_id_text(&w.id, text);
    printf("%d %s\n", which, text);
}

int main(int argc, char **argv)
{
    struct node_home homes[2];
    struct node_fault fault = { 0 };
    uint8_t epoch[CRDT_EPOCH_BYTES];
    if (argc != 4 || sodium_init() < 0)
        return 2;
    randombytes_buf(epoch, sizeof epoch);
    for (int i = 0; i < 2; i++) {
        (void)setenv("CHITTY_HOME", argv[1 + i], 1);
        must(node_home_start(false, &fault, &homes[i]), argv[1 + i]);
        memcpy(homes[i].replica->epoch, epoch, sizeof epoch);
    }
    for (unsigned long n = 0; n < strtoul(argv[3], NULL, 10); n++) {
        for (int i = 0; i < 2; i++)
            write_todo(&homes[i], i, n);
    }
    for (int i = 0; i < 2; i++)
        node_home_end(&homes[i]);
    return 0;
}
