/* The database as a file, opened only to read; see doctor.h. */
#include "node/doctor/chains.h"
#include "node/files.h"
#include "node/store/glance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAL_MAX  (128ull * 1024 * 1024) /* a node moves it into the file at a quarter of this */
#define FREE_MIN (64ull * 1024 * 1024)  /* less is not worth telling */

/* The path of the database in use; false when the home names none. */
static bool find_path(struct doctor *d)
{
    struct node_files files = { .paths = d->paths, .lock_fd = -1 };
    char hex[2 * CRDT_ID_BYTES + 2];
    uint8_t space[CRDT_ID_BYTES];
    enum cht_err err = node_files_text(&files, "space", hex, sizeof hex);
    if (err == CHT_OK)
        err = crdt_unhex(cht_bytes_str(hex), space, sizeof space);
    if (err != CHT_OK) {
        doctor_say(d->report, DOCTOR_PROBLEM, "database.space",
                   "the file \"space\" in %s names no space", d->paths.data);
        doctor_remedy(d->report,
                      "put it back from a backup, or write the name of a file in %s/spaces into "
                      "it, without \".db\"",
                      d->paths.data);
        return false;
    }
    (void)snprintf(d->database, sizeof d->database, "%.4000s/spaces/%.32s.db", d->paths.data, hex);
    return true;
}

static void say_unopened(struct doctor *d, enum cht_err err, const struct cht_error *detail)
{
    if (err != CHT_E_NOTFOUND && access(d->database, R_OK | W_OK) != 0) {
        doctor_say(d->report, DOCTOR_PROBLEM, "database.access", "%s cannot be opened: %s",
                   d->database, strerror(errno));
        doctor_remedy(d->report, "sudo chown -R %lu '%s'; chmod -R u+rwX '%s'",
                      (unsigned long)geteuid(), d->paths.data, d->paths.data);
        return;
    }
    doctor_say(d->report, DOCTOR_PROBLEM,
               err == CHT_E_NOTFOUND      ? "database.none"
               : err == CHT_E_UNSUPPORTED ? "database.format"
                                          : "database.damaged",
               "%s: %s", d->database, cht_error_text(detail));
    if (err == CHT_E_NOTFOUND)
        doctor_remedy(d->report, "put it back from a backup, or join the space again from "
                                 "another device");
    else if (err == CHT_E_UNSUPPORTED)
        doctor_remedy(d->report, "use the chitty-node that wrote it");
    else
        doctor_remedy(d->report, "chitty-node verify tells what is damaged, chitty-node rebuild "
                                 "mends what the log gives back");
}

static void say_damage(void *ctx, const char *where, const char *what)
{
    struct doctor *d = ctx;
    (void)where;
    doctor_say(d->report, DOCTOR_PROBLEM, "database.damaged", "%s: %s", d->database, what);
    doctor_remedy(d->report, "chitty-node verify tells what is damaged, chitty-node rebuild mends "
                             "what the log gives back");
}

static void look_at_sizes(struct doctor *d, struct node_store *store)
{
    char wal[NODE_PATH_MAX + 8];
    struct stat st;
    uint64_t unused = 0;
    (void)snprintf(wal, sizeof wal, "%s-wal", d->database);
    if (stat(wal, &st) == 0 && (uint64_t)st.st_size > WAL_MAX) {
        doctor_say(d->report, DOCTOR_WARNING, "database.wal",
                   "%s has %llu MiB: some program has been reading the database for long", wal,
                   (unsigned long long)st.st_size / (1024 * 1024));
        doctor_remedy(d->report, "end what has it open: fuser -v '%s'", d->database);
    }
    if (stat(d->database, &st) == 0 && node_store_free_bytes(store, &unused) == CHT_OK &&
        unused > FREE_MIN && unused > (uint64_t)st.st_size / 2) {
        doctor_say(d->report, DOCTOR_NOTE, "database.unused",
                   "%llu of the %llu MiB of the database hold nothing; they are used again",
                   (unsigned long long)unused / (1024 * 1024),
                   (unsigned long long)st.st_size / (1024 * 1024));
    }
}

static enum cht_err take_seen(void *ctx, const uint8_t *device, uint64_t seen_ms)
{
    struct doctor *d = ctx;
    if (d->seen_count < LIMIT_PEERS) {
        struct doctor_seen *seen = &d->seen[d->seen_count++];
        crdt_hex(cht_bytes(device, CRDT_ID_BYTES), seen->device);
        seen->ms = seen_ms;
    }
    return CHT_OK;
}

void doctor_database(struct doctor *d)
{
    struct cht_error detail = { 0 };
    struct node_store *store = NULL;
    const size_t from = d->report->count;
    if (access(d->paths.data, F_OK) != 0 || !find_path(d))
        return;
    enum cht_err err = node_store_open(d->database, NODE_STORE_READ, &detail, &store);
    if (err != CHT_OK) {
        say_unopened(d, err, &detail);
        return;
    }
    err = node_store_quick_check(store, say_damage, d);
    if (err == CHT_OK)
        err = doctor_chains(d, store);
    if (err == CHT_OK)
        err = node_peer_glance(store, take_seen, d);
    if (err != CHT_OK)
        say_damage(d, "file", err == CHT_E_CORRUPT ? "a row is none" : node_store_message(store));
    look_at_sizes(d, store);
    node_store_close(store);
    if (!doctor_said(d->report, DOCTOR_PROBLEM, from))
        doctor_say(d->report, DOCTOR_OK, "database",
                   "the quick check of %s finds nothing; chitty-node verify checks every hash",
                   d->database);
}
