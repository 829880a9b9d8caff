/* A client that writes as fast as the node answers, and notes what was acknowledged; for
 * tests/e2e/crash.py.
 *
 *   writer ACKS PREFIX FIRST COUNT FLIGHT SHARED… [+ AGAIN…]
 *
 * Writes number FIRST to FIRST + COUNT - 1, FLIGHT of them under way at a time, and before them
 * once more those after the +: they were under way when a node went. What number n does follows
 * from n alone: it makes a todo, writes the content of a shared one, or adds a label to it, always
 * with the value "PREFIX-n", which is the request's idempotency key too. Each acknowledged number
 * is appended to the file ACKS as a line before the next answer is read. On standard output: the
 * numbers that were sent and not answered. Exit status 0: all were acknowledged; 3: the node
 * went. */
#include "node/client/client.h"

#include "crdt/limits.h"
#include "crdt/mp.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VALUE_MAX  32
#define FLIGHT_MAX 1024u

struct writer {
    struct node_client *node;
    const char *prefix;
    char **shared;
    unsigned long shared_count;
    int acks;
    unsigned long flying[FLIGHT_MAX];
    size_t flight;
};

static void give_up(const char *what, const struct node_fault *fault)
{
    (void)fprintf(stderr, "writer: %s: %s\n", what,
                  fault == NULL ? "" : cht_error_text(&fault->error));
    exit(1);
}

static void must(enum cht_err err)
{
    if (err != CHT_OK)
        give_up(cht_err_text(err), NULL);
}

/* --- one request ------------------------------------------------------------------------------ */

static void put_entity(struct cht_buf *b, const char *shared, unsigned long kind, const char *value)
{
    must(node_mp_put_text(b, "entity"));
    must(crdt_mp_put_map(b, shared == NULL ? 1 : 2));
    if (shared != NULL)
        must(node_mp_put_key_text(b, "chittyId", shared));
    must(node_mp_put_text(b, "data"));
    must(crdt_mp_put_map(b, 1));
    if (kind != 2) {
        must(node_mp_put_key_text(b, "content", value));
        return;
    }
    must(node_mp_put_text(b, "labels"));
    must(crdt_mp_put_map(b, 1));
    must(node_mp_put_text(b, "add"));
    must(crdt_mp_put_array(b, 1));
    must(node_mp_put_text(b, value));
}

/* Kinds: 0 a new todo (of twenty numbers twelve), 1 content (five), 2 a label (three). */
static void request_of(const struct writer *w, unsigned long n, struct cht_buf *out)
{
    char value[VALUE_MAX];
    unsigned long turn = n % 20, kind = turn < 12 ? 0 : (turn < 17 ? 1 : 2);
    const char *shared = kind == 0 ? NULL : w->shared[n / 20 % w->shared_count];
    (void)snprintf(value, sizeof value, "%s-%lu", w->prefix, n);
    const struct node_msg head = { .type = NODE_MSG_STATE_UPDATE,
                                   .id = cht_bytes_str(value),
                                   .platform = cht_bytes_str("test") };
    must(node_msg_begin(out, &head));
    must(crdt_mp_put_map(out, 4));
    must(node_mp_put_key_text(out, "domain", "todos"));
    must(node_mp_put_key_text(out, "operation", kind == 0 ? "create" : "update"));
    put_entity(out, shared, kind, value);
    must(node_mp_put_key_text(out, "key", value));
}

static bool send_one(struct writer *w, unsigned long n)
{
    struct cht_buf message;
    struct node_fault fault = { 0 };
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    request_of(w, n, &message);
    w->flying[w->flight++] = n;
    enum cht_err err = node_client_send(w->node, cht_buf_view(&message), &fault);
    cht_buf_clear(&message);
    if (err != CHT_OK && err != CHT_E_UNREACHABLE)
        give_up("send", &fault);
    return err == CHT_OK;
}

/* --- one answer ------------------------------------------------------------------------------- */

static void note(struct writer *w, unsigned long n)
{
    char line[VALUE_MAX];
    int len = snprintf(line, sizeof line, "%lu\n", n);
    if (write(w->acks, line, (size_t)len) != len)
        give_up("the acknowledged writes cannot be noted", NULL);
    for (size_t i = 0; i < w->flight; i++) {
        if (w->flying[i] == n) {
            w->flying[i] = w->flying[--w->flight];
            return;
        }
    }
    give_up("an answer to no request", NULL);
}

static bool take_one(struct writer *w)
{
    struct node_msg answer;
    struct node_fault fault = { 0 };
    enum cht_err err = node_client_next(w->node, NODE_TIMEOUT_MS, &fault, &answer);
    if (err == CHT_E_UNREACHABLE)
        return false;
    if (err != CHT_OK || node_msg_fault(&answer, &fault) != CHT_OK)
        give_up("an answer", &fault);
    size_t skip = strlen(w->prefix) + 1;
    char digits[VALUE_MAX] = "";
    if (answer.reply_to.len <= skip || answer.reply_to.len >= skip + sizeof digits)
        give_up("an answer that names no request", NULL);
    memcpy(digits, answer.reply_to.data + skip, answer.reply_to.len - skip);
    note(w, strtoul(digits, NULL, 10));
    return true;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int report(const struct writer *w, bool up)
{
    for (size_t i = 0; i < w->flight; i++)
        (void)printf("%lu\n", w->flying[i]);
    return up ? 0 : 3;
}

int main(int argc, char **argv)
{
    if (argc < 7)
        give_up("usage: writer ACKS PREFIX FIRST COUNT FLIGHT SHARED... [+ AGAIN...]", NULL);
    struct writer w = { .prefix = argv[2], .shared = argv + 6 };
    unsigned long next = strtoul(argv[3], NULL, 10), end = next + strtoul(argv[4], NULL, 10);
    size_t room = strtoul(argv[5], NULL, 10);
    int again = 6;
    while (again < argc && strcmp(argv[again], "+") != 0)
        again++;
    w.shared_count = (unsigned long)again - 6;
    again++;
    w.acks = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (w.acks < 0 || room == 0 || room > FLIGHT_MAX || w.shared_count == 0)
        give_up("arguments", NULL);
    const struct node_client_options options = { .no_start = true };
    struct node_fault fault = { 0 };
    bool up = node_client_open(&options, &fault, &w.node) == CHT_OK;
    if (!up) { /* it went before it was asked: what was under way still is */
        for (; again < argc; again++)
            w.flying[w.flight++] = strtoul(argv[again], NULL, 10);
        return report(&w, false);
    }
    while (up && (again < argc || next < end || w.flight != 0)) {
        while (up && w.flight < room && (again < argc || next < end))
            up = send_one(&w, again < argc ? strtoul(argv[again++], NULL, 10) : next++);
        up = up && take_one(&w);
    }
    for (; !up && again < argc; again++)
        w.flying[w.flight++] = strtoul(argv[again], NULL, 10);
    node_client_close(w.node);
    return report(&w, up);
}
