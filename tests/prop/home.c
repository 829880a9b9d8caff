/* Files of replicas, restarts and kills; see home.h. */
#include "tests/prop/home.h"

#include "node/replica/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

static char folder[64];

void home_folder(void)
{
    static const char *const places[] = { "/dev/shm", "/tmp" };
    const char *place = access(places[0], W_OK) == 0 ? places[0] : places[1];
    (void)snprintf(folder, sizeof folder, "%s/chitty-prop-XXXXXX", place);
    if (mkdtemp(folder) == NULL)
        abort();
}

void home_folder_remove(void)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char path[sizeof folder + sizeof e->d_name];
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.')
            (void)unlink(path);
    }
    closedir(dir);
    (void)rmdir(folder);
}

void home_path(const char *name, char out[static HOME_PATH_MAX])
{
    (void)snprintf(out, HOME_PATH_MAX, "%s/%s", folder, name);
}

static void with_suffix(const char *path, const char *suffix, char out[static HOME_PATH_MAX + 8])
{
    (void)snprintf(out, HOME_PATH_MAX + 8, "%s%s", path, suffix);
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char file[HOME_PATH_MAX + 8];
        with_suffix(path, suffixes[i], file);
        (void)unlink(file);
    }
}

static void copy_file(const char *from, const char *to)
{
    uint8_t block[65536];
    FILE *in = fopen(from, "rb");
    if (in == NULL)
        return; /* no WAL yet */
    FILE *out = fopen(to, "wb");
    assert_non_null(out);
    for (size_t n = fread(block, 1, sizeof block, in); n != 0;
         n = fread(block, 1, sizeof block, in))
        assert_int_equal(n, fwrite(block, 1, n, out));
    assert_int_equal(0, fclose(out));
    assert_int_equal(0, fclose(in));
}

static void draw(void *ctx, uint8_t *out, size_t len)
{
    struct home *home = ctx;
    seeded_fill(&home->random, out, len);
}

/* `epoch` NULL: another one for this run. */
static void open_in(struct home *home, enum node_store_mode mode, const uint8_t *epoch)
{
    struct cht_error detail = { 0 };
    struct node_replica_options options = { .path = home->path,
                                            .mode = mode,
                                            .identity = home->identity,
                                            .draw = draw,
                                            .draw_ctx = home,
                                            .now_ms = HOME_NOW_MS };
    if (epoch == NULL)
        seeded_fill(&home->random, options.epoch, sizeof options.epoch);
    else
        memcpy(options.epoch, epoch, sizeof options.epoch);
    home->runs++;
    enum cht_err err = node_replica_open(&options, &detail, &home->r);
    if (err != CHT_OK)
        print_message("# open: %s\n", cht_error_text(&detail));
    assert_int_equal(CHT_OK, err);
}

void home_open(struct home *home, enum node_store_mode mode)
{
    open_in(home, mode, NULL);
}

void home_make(struct home *home, const char *name, const struct space *space, uint32_t records,
               const struct net_identity *identity, uint64_t seed)
{
    struct cht_error detail = { 0 };
    *home = (struct home){ .identity = identity, .random = { .state = seed * 2 + 1 } };
    home_path(name, home->path);
    remove_files(home->path);
    enum cht_err err = node_replica_create(home->path, space->id, space->records, records, &detail);
    if (err != CHT_OK)
        print_message("# create: %s\n", cht_error_text(&detail));
    assert_int_equal(CHT_OK, err);
    home_open(home, NODE_STORE_WRITE);
}

void home_close(struct home *home)
{
    node_replica_close(home->r);
    home->r = NULL;
}

void home_copy(const char *from, const char *to)
{
    char from_wal[HOME_PATH_MAX + 8], to_wal[HOME_PATH_MAX + 8];
    with_suffix(from, "-wal", from_wal);
    with_suffix(to, "-wal", to_wal);
    remove_files(to);
    copy_file(from, to);
    copy_file(from_wal, to_wal);
}

void home_restart(struct home *home, bool killed)
{
    char left[HOME_PATH_MAX];
    home_path("left.db", left);
    if (killed)
        home_copy(home->path, left);
    home_close(home);
    if (killed)
        home_copy(left, home->path);
    home_open(home, NODE_STORE_WRITE);
}

static void copy_home(struct home *copy, struct home *of, const char *name)
{
    *copy = (struct home){ .identity = of->identity, .random = { .state = of->random.state + 2 } };
    home_path(name, copy->path);
    home_copy(of->path, copy->path);
}

void home_clone(struct home *copy, struct home *of, const char *name)
{
    copy_home(copy, of, name);
    open_in(copy, NODE_STORE_WRITE, NULL);
}

void home_twin(struct home *copy, struct home *of, const char *name)
{
    copy_home(copy, of, name);
    open_in(copy, NODE_STORE_WRITE, of->r->epoch);
    copy->r->epoch_spent = of->r->epoch_spent;
}

void home_leave(struct home *home, const char *name)
{
    const char *to = getenv("CHITTY_LEAVE");
    struct node_replica_counts counts = node_replica_count(home->r);
    struct crdt_root root = node_replica_root(home->r);
    home_close(home);
    if (to == NULL)
        return;
    uint8_t bytes[CRDT_HASH_BYTES];
    char path[512], hex[2 * CRDT_HASH_BYTES + 1];
    crdt_root_bytes(&root, bytes);
    crdt_hex(cht_bytes(bytes, sizeof bytes), hex);
    (void)snprintf(path, sizeof path, "%s/%s.db", to, name);
    copy_file(home->path, path);
    (void)snprintf(path, sizeof path, "%s/%s.json", to, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out,
            "{\"root\":\"%s\",\"entries\":%llu,\"waiting\":%llu,\"voids\":%llu,\"ruled\":%llu}\n",
            hex, (unsigned long long)counts.entries, (unsigned long long)counts.waiting,
            (unsigned long long)counts.voids, (unsigned long long)counts.ruled);
    assert_int_equal(0, fclose(out));
}

void home_turn(struct home *home, bool write_back)
{
    bool more = true;
    while (more) {
        assert_int_equal(CHT_OK, node_replica_settle(home->r, HOME_NOW_MS, &more));
        assert_int_equal(CHT_OK, node_replica_commit(home->r, write_back));
    }
}
