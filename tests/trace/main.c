/* chitty-trace: the history of a tracker's issues, written once more by devices (docs/TRACE.md). */
#include "tests/support/seeded.h"
#include "tests/trace/device.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define DEVICES_MAX 16u

static const char usage[] =
    "usage: chitty-trace FILE [--nodes N] [--order sequential|concurrent] [--seed S]\n"
    "                    [--spread author|commit] [--home DIR] [--limit COMMITS]\n"
    "Writes the history in FILE again through N nodes (1 to 16, usually 1) that share a space, "
    "and\n"
    "prints what that was as JSON. A commit is written by its author's node, with --spread commit "
    "by\n"
    "one after the other. --home DIR: their homes are DIR/0, DIR/1, ... and stay.\n"
    "$CHITTY_DATA/tracker-trace/beads.ndjson.gz is a FILE. Docs: docs/TRACE.md\n";

struct replay {
    const char *path, *home;
    unsigned devices;
    bool concurrent, by_commit;
    uint64_t seed, limit;
    struct trace_device device[DEVICES_MAX];
    struct trace_memory memory[DEVICES_MAX]; /* in order, all write from the first */
    uint64_t commits;
    double us;
    struct trace_stand stand; /* the first device's at the end */
};

/* --- whose commit ---------------------------------------------------------------------------- */

struct spread {
    struct trace_texts authors; /* in the order of first appearance */
    uint64_t commits;
};

/* The device that writes the next commit of the file. */
static unsigned device_of(const struct replay *r, struct spread *s, const char *author)
{
    uint64_t at = s->commits++;
    if (r->by_commit)
        return (unsigned)(at % r->devices);
    (void)trace_texts_add(&s->authors, author);
    for (at = 0; strcmp(s->authors.list[at], author) != 0;)
        at++;
    return (unsigned)(at % r->devices);
}

/* --- in order -------------------------------------------------------------------------------- */

static void replay_sequential(struct replay *r)
{
    struct trace_file *file = trace_open(r->path);
    struct spread spread = { .commits = 0 };
    struct trace_commit c;
    unsigned last = 0;
    while (r->commits < r->limit && trace_next(file, &c)) {
        unsigned now = device_of(r, &spread, c.author);
        if (now != last) {
            trace_device_settle(&r->device[last]);
            struct trace_stand before = trace_device_stand(&r->device[last]);
            trace_device_await(&r->device[now], &before);
            trace_stand_clear(&before);
            last = now;
        }
        trace_write(&r->device[now].writer, &c);
        trace_commit_clear(&c);
        r->commits++;
    }
    trace_texts_clear(&spread.authors);
    trace_close(file);
}

/* --- at once --------------------------------------------------------------------------------- */

/* A device's way through the file: its own commits of it. */
struct way {
    struct trace_file *file;
    struct spread spread;
    bool over;
};

/* Write the next commit of the device, if there is one. */
static bool go_on(struct replay *r, unsigned device, struct way *way)
{
    struct trace_commit c;
    while (way->spread.commits < r->limit && trace_next(way->file, &c)) {
        bool own = device_of(r, &way->spread, c.author) == device;
        if (own)
            trace_write(&r->device[device].writer, &c);
        trace_commit_clear(&c);
        if (own)
            return true;
    }
    return false;
}

static void replay_concurrent(struct replay *r)
{
    struct seeded random = { .state = r->seed * 2 + 1 };
    struct way ways[DEVICES_MAX] = { { .over = false } };
    unsigned left = r->devices;
    for (unsigned i = 0; i < r->devices; i++)
        ways[i].file = trace_open(r->path);
    while (left != 0) {
        unsigned at = seeded_below(&random, left);
        unsigned device = 0;
        while (ways[device].over || at-- != 0)
            device++;
        if (go_on(r, device, &ways[device])) {
            r->commits++;
        } else {
            ways[device].over = true;
            left--;
        }
    }
    for (unsigned i = 0; i < r->devices; i++) {
        trace_texts_clear(&ways[i].spread.authors);
        trace_close(ways[i].file);
    }
}

/* --- all of it ------------------------------------------------------------------------------- */

/* Until every device has what each of them wrote. */
static void converge(struct replay *r)
{
    for (unsigned i = 0; i < r->devices; i++)
        trace_device_settle(&r->device[i]);
    for (unsigned i = 0; i < r->devices; i++) {
        struct trace_stand of = trace_device_stand(&r->device[i]);
        for (unsigned k = 0; k < r->devices; k++)
            trace_device_await(&r->device[k], &of);
        trace_stand_clear(&of);
    }
    r->stand = trace_device_stand(&r->device[0]);
    for (unsigned i = 1; i < r->devices; i++) {
        struct trace_stand other = trace_device_stand(&r->device[i]);
        if (strcmp(other.root, r->stand.root) != 0)
            bench_fail("%s and %s hold different states", r->device[0].home.path,
                       r->device[i].home.path);
        trace_stand_clear(&other);
    }
}

static void start(struct replay *r, const char *folder)
{
    for (unsigned i = 0; i < r->devices; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%u", i);
        trace_device_start(&r->device[i], folder, name, &r->memory[r->concurrent ? i : 0]);
        if (i != 0)
            bench_home_pair(&r->device[0].home, &r->device[i].home);
    }
}

static void report(const struct replay *r)
{
    uint64_t changes = 0, ops = 0, records = 0, requests = 0, unchanged = 0;
    for (unsigned i = 0; i < r->devices; i++) {
        const struct trace_device *d = &r->device[i];
        changes += d->writer.changes;
        ops += d->writer.ops;
        records += d->writer.requests.records;
        requests += d->writer.requests.requests;
        unchanged += d->unchanged;
    }
    printf("{\"devices\":%u,\"commits\":%llu,\"changes\":%llu,\"ops\":%llu,\"records\":%llu,"
           "\"unchanged\":%llu,\"requests\":%llu,\"entries\":%llu,\"seconds\":%.3f,"
           "\"root\":\"%s\"}\n",
           r->devices, (unsigned long long)r->commits, (unsigned long long)changes,
           (unsigned long long)ops, (unsigned long long)records, (unsigned long long)unchanged,
           (unsigned long long)requests, (unsigned long long)r->stand.entries, r->us / 1e6,
           r->stand.root);
}

static bool number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    unsigned long long v = strtoull(text, &end, 0);
    if (text[0] == '\0' || text[0] == '-' || *end != '\0' || v < min || v > max)
        return false;
    *out = v;
    return true;
}

static bool option(struct replay *r, const char *name, const char *value)
{
    uint64_t devices = r->devices;
    if (strcmp(name, "--home") == 0) {
        r->home = value;
        return true;
    }
    if (strcmp(name, "--order") == 0) {
        r->concurrent = strcmp(value, "concurrent") == 0;
        return r->concurrent || strcmp(value, "sequential") == 0;
    }
    if (strcmp(name, "--spread") == 0) {
        r->by_commit = strcmp(value, "commit") == 0;
        return r->by_commit || strcmp(value, "author") == 0;
    }
    if (strcmp(name, "--seed") == 0)
        return number(value, 0, UINT64_MAX / 4, &r->seed);
    if (strcmp(name, "--limit") == 0)
        return number(value, 1, UINT64_MAX - 1, &r->limit);
    bool good = strcmp(name, "--nodes") == 0 && number(value, 1, DEVICES_MAX, &devices);
    r->devices = (unsigned)devices;
    return good;
}

static bool arguments(int argc, char **argv, struct replay *r)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' && r->path == NULL)
            r->path = argv[i];
        else if (argv[i][0] != '-' || i + 1 == argc || !option(r, argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    return r->path != NULL;
}

int main(int argc, char **argv)
{
    static struct replay r = { .devices = 1, .limit = UINT64_MAX, .seed = 1 };
    if (!arguments(argc, argv, &r)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (sodium_init() < 0)
        return 1;
    (void)setenv("CHITTY_NO_DISCOVERY", "1", 1);
    const char *folder = bench_folder();
    start(&r, r.home != NULL ? r.home : folder);
    double begun = bench_now_us();
    if (r.concurrent)
        replay_concurrent(&r);
    else
        replay_sequential(&r);
    converge(&r);
    r.us = bench_now_us() - begun;
    for (unsigned i = 0; i < r.devices; i++)
        trace_device_stop(&r.device[i]);
    report(&r);
    trace_stand_clear(&r.stand);
    for (unsigned i = 0; i < r.devices; i++)
        trace_memory_clear(&r.memory[i]);
    bench_folder_remove();
    return 0;
}
