/* Making and opening a home, and asking it in this process; see home.h and node.h. */
#include "node/home.h"

#include "crdt/mp.h"
#include "node/local/direct.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_MS  2000u    /* by the clock: a try alone may take half a second (node/files.c) */
#define LOCK_PAUSE_NS 20000000 /* 20 ms */

uint64_t node_wall_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static uint64_t since_boot_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

struct net_identity *node_home_new_identity(struct node_fault *fault)
{
    struct net_identity *id = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *id);
    if (id == NULL)
        (void)node_fault_set(fault, CHT_E_NOMEM, cht_bytes(NULL, 0), "no memory for the keys");
    return id;
}

void node_home_free_identity(struct net_identity *id)
{
    if (id == NULL)
        return;
    net_identity_clear(id);
    sodium_free(id);
}

/* The name that is shown to other devices: what was asked for, else the host's. */
static enum cht_err choose_name(const char *asked, struct node_fault *fault,
                                char out[static LIMIT_NAME_BYTES + 1])
{
    char host[LIMIT_NAME_BYTES + 1] = "";
    if (asked == NULL && (gethostname(host, LIMIT_NAME_BYTES) != 0 || host[0] == '\0'))
        (void)snprintf(host, sizeof host, "device");
    const char *name = asked == NULL ? host : asked;
    if (name[0] == '\0' || strlen(name) > LIMIT_NAME_BYTES || !crdt_utf8_valid(cht_bytes_str(name)))
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("name"),
                              "a device's name is 1 to %u bytes of UTF-8", LIMIT_NAME_BYTES);
    (void)snprintf(out, LIMIT_NAME_BYTES + 1, "%s", name);
    return CHT_OK;
}

/* A new device; its keys are kept before anything refers to them. */
static enum cht_err make_device(struct node_files *f, const char *name, struct node_fault *fault,
                                struct net_identity *id)
{
    struct net_seeds seeds;
    randombytes_buf(&seeds, sizeof seeds);
    net_identity_make(id, &seeds, 1, crdt_hlc_make(node_wall_ms(), 0));
    sodium_memzero(&seeds, sizeof seeds);
    enum cht_err err = node_files_keep_text(f, "device.name", name, fault);
    return err == CHT_OK ? node_files_keep_identity(f, id, fault) : err;
}

static bool sync_folder_of(const char *path)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return good;
}

bool node_home_is_whole(const char *path)
{
    char wal[NODE_PATH_MAX + 8];
    struct stat s;
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    return stat(wal, &s) != 0 ? errno == ENOENT : s.st_size == 0;
}

enum cht_err node_home_make_space(const char *path, const uint8_t space[static CRDT_ID_BYTES],
                                  const struct cht_bytes *records, size_t count,
                                  struct cht_error *detail)
{
    static const char *const endings[] = { ".new", ".new-wal", ".new-shm" };
    char beside[NODE_PATH_MAX];
    if (access(path, F_OK) == 0)
        return cht_fail(detail, CHT_E_EXISTS, "the database exists already");
    for (size_t i = 3; i-- != 0;) {
        int len = snprintf(beside, sizeof beside, "%s%s", path, endings[i]);
        if (len < 0 || (size_t)len >= sizeof beside)
            return cht_fail(detail, CHT_E_LIMIT, "the database's path is too long");
        (void)unlink(beside);
    }
    enum cht_err err = node_replica_create(beside, space, records, count, detail);
    if (err == CHT_OK && !node_home_is_whole(beside))
        err = cht_fail(detail, CHT_E_IO, "the database cannot be written through");
    if (err == CHT_OK && (rename(beside, path) != 0 || !sync_folder_of(path)))
        err = cht_fail(detail, CHT_E_IO, "the database cannot be put in its place");
    return err;
}

/* A space of one's own; it is in use once its name is kept. */
enum cht_err node_home_found_space(struct node_files *f, const char *name,
                                   const struct net_identity *id, struct node_fault *fault)
{
    struct net_founding founding = { .stamp = crdt_hlc_make(node_wall_ms(), 0),
                                     .name = cht_bytes_str(name) };
    randombytes_buf(founding.nonce, sizeof founding.nonce);
    struct cht_buf record;
    uint8_t space[CRDT_ID_BYTES];
    char path[NODE_PATH_MAX], hex[2 * CRDT_ID_BYTES + 1];
    struct cht_error detail = { 0 };
    cht_buf_init(&record, LIMIT_RECORD_BYTES);
    enum cht_err err = net_members_found(&founding, id, &record, space);
    if (err == CHT_OK)
        err = node_files_space(f, space, fault, path);
    struct cht_bytes bytes = cht_buf_view(&record);
    if (err == CHT_OK) {
        err = node_home_make_space(path, space, &bytes, 1, &detail);
        if (err != CHT_OK)
            (void)node_fault_from(fault, err, &detail);
    }
    crdt_hex(cht_bytes(space, CRDT_ID_BYTES), hex);
    if (err == CHT_OK)
        err = node_files_keep_text(f, "space", hex, fault);
    cht_buf_clear(&record);
    return err;
}

enum cht_err node_home_device(struct node_files *f, bool make, const char *asked,
                              struct node_fault *fault, struct net_identity *id,
                              char name[static LIMIT_NAME_BYTES + 1], bool *out_made)
{
    *out_made = false;
    enum cht_err err = node_files_identity(f, fault, id);
    if (err == CHT_E_NOTFOUND && make) {
        err = choose_name(asked, fault, name);
        if (err == CHT_OK)
            err = make_device(f, name, fault, id);
        *out_made = true;
    } else if (err == CHT_OK &&
               node_files_text(f, "device.name", name, LIMIT_NAME_BYTES + 1) != CHT_OK) {
        err = choose_name(NULL, fault, name);
    }
    return err;
}

/* What is there of a home, and with `make` the rest of it. */
static enum cht_err complete(struct node_files *f, bool make, const char *asked,
                             struct node_fault *fault, struct net_identity *id,
                             char name[static LIMIT_NAME_BYTES + 1],
                             uint8_t space[static CRDT_ID_BYTES], bool *out_made)
{
    char hex[2 * CRDT_ID_BYTES + 2];
    enum cht_err err = node_home_device(f, make, asked, fault, id, name, out_made);
    if (err != CHT_OK)
        return err;
    err = node_files_text(f, "space", hex, sizeof hex);
    if (err == CHT_E_NOTFOUND && make) {
        err = node_home_found_space(f, name, id, fault);
        *out_made = true;
        if (err == CHT_OK)
            err = node_files_text(f, "space", hex, sizeof hex);
    }
    if (err == CHT_OK)
        err = crdt_unhex(cht_bytes_str(hex), space, CRDT_ID_BYTES);
    if (err == CHT_E_NOTFOUND || err == CHT_E_INVALID)
        return node_fault_set(fault, err, cht_bytes(NULL, 0),
                              "the file \"space\" in %s names no space", f->paths.data);
    return err;
}

enum cht_err node_init(const struct node_init_options *options, struct node_fault *fault,
                       struct node_init_result *out)
{
    struct node_files files;
    struct node_init_result result = { 0 };
    uint8_t space[CRDT_ID_BYTES];
    bool made = false;
    struct net_identity *id = node_home_new_identity(fault);
    if (id == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = node_files_lock(true, fault, &files);
    if (err == CHT_OK) {
        err = complete(&files, true, options->name, fault, id, result.name, space, &made);
        if (err == CHT_OK && !made) {
            err = node_fault_set(fault, CHT_E_EXISTS, cht_bytes(NULL, 0),
                                 "there is a node in %s already", files.paths.data);
            node_fault_hint(fault, "run it: chitty-node run");
        }
        crdt_hex(cht_bytes(id->device, CRDT_ID_BYTES), result.device);
        crdt_hex(cht_bytes(space, CRDT_ID_BYTES), result.space);
        memcpy(result.home, files.paths.data, sizeof result.home);
        node_files_unlock(&files);
    }
    node_home_free_identity(id);
    if (err == CHT_OK)
        *out = result;
    return err;
}

enum cht_err node_home_replica(struct node_home *h, struct node_fault *fault)
{
    struct node_replica_options options = {
        .path = h->path, .mode = NODE_STORE_WRITE, .identity = h->identity, .now_ms = node_wall_ms()
    };
    struct cht_error detail = { 0 };
    randombytes_buf(options.epoch, sizeof options.epoch);
    enum cht_err err = node_replica_open(&options, &detail, &h->replica);
    return err == CHT_OK ? CHT_OK : node_fault_from(fault, err, &detail);
}

/* A command that looks into the home without a node, or a node that is just ending, has it for a
 * moment: that is waited for. A node that answers stays. */
static enum cht_err lock(bool make, struct node_fault *fault, struct node_files *out)
{
    struct node_paths paths;
    const uint64_t end_ms = since_boot_ms() + LOCK_WAIT_MS;
    enum cht_err err = node_files_lock(make, fault, out);
    while (err == CHT_E_BUSY && since_boot_ms() < end_ms) {
        const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
        if (node_paths_find(NULL, &paths) == CHT_OK && node_socket_answers(paths.socket))
            break;
        (void)nanosleep(&pause, NULL);
        err = node_files_lock(make, fault, out);
    }
    return err;
}

/* Attachments that cannot be read keep nobody from the rest. */
static void open_blobs(struct node_home *h)
{
    char folder[NODE_PATH_MAX + 8];
    (void)snprintf(folder, sizeof folder, "%s/blobs", h->files.paths.data);
    if (node_blobs_open(folder, NULL, &h->blobs) != CHT_OK)
        h->blobs = NULL;
}

enum cht_err node_home_start(bool make, struct node_fault *fault, struct node_home *out)
{
    struct node_home h = { .files.lock_fd = -1 };
    uint8_t space[CRDT_ID_BYTES];
    bool made;
    h.identity = node_home_new_identity(fault);
    if (h.identity == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = lock(make, fault, &h.files);
    if (err == CHT_OK)
        err = complete(&h.files, make, NULL, fault, h.identity, h.name, space, &made);
    if (err == CHT_OK)
        err = node_files_space(&h.files, space, fault, h.path);
    if (err == CHT_OK)
        err = node_home_replica(&h, fault);
    if (err == CHT_OK)
        open_blobs(&h);
    if (err != CHT_OK) {
        node_home_end(&h);
        return err;
    }
    *out = h;
    return CHT_OK;
}

void node_home_end(struct node_home *h)
{
    service_free(h->service);
    node_blobs_close(h->blobs);
    node_replica_close(h->replica);
    node_home_free_identity(h->identity);
    node_files_unlock(&h->files);
    *h = (struct node_home){ .files.lock_fd = -1 };
}

/* --- in this process ----------------------------------------------------------------------- */

enum cht_err node_home_open(bool make, struct node_fault *fault, struct node_home **out)
{
    struct node_home *h = calloc(1, sizeof *h);
    if (h == NULL)
        return node_fault_set(fault, CHT_E_NOMEM, cht_bytes(NULL, 0), "out of memory");
    enum cht_err err = node_home_start(make, fault, h);
    if (err == CHT_OK) {
        struct service_options options = { .replica = h->replica,
                                           .identity = h->identity,
                                           .path = h->path,
                                           .device_name = h->name,
                                           .blobs = h->blobs };
        err = service_new(&options, &h->service);
        if (err != CHT_OK)
            node_home_end(h);
    }
    if (err != CHT_OK) {
        free(h);
        return err;
    }
    *out = h;
    return CHT_OK;
}

static enum cht_err commit(void *ctx, struct node_fault *fault)
{
    struct node_home *h = ctx;
    enum cht_err err = node_replica_commit(h->replica, true);
    service_after(h->service, err);
    return err == CHT_OK ? CHT_OK
                         : node_fault_set(fault, err, cht_bytes(NULL, 0), "%s: %s", h->path,
                                          node_store_message(node_replica_store(h->replica)));
}

enum cht_err node_home_call(struct node_home *home, struct cht_bytes message, node_answer_fn each,
                            void *ctx, struct node_fault *fault)
{
    struct local_handler handler = service_handler(home->service);
    service_turn(home->service, node_wall_ms());
    return node_local_direct(&handler, commit, home, message, each, ctx, fault);
}

void node_home_close(struct node_home *home)
{
    if (home == NULL)
        return;
    node_home_end(home);
    free(home);
}
