/* A backup becomes a home's database; see node.h (PROTOCOL 10.7).
 *
 * It is copied beside the place it goes to, opened and verified there, and takes that place by one
 * rename. What was there keeps its content under another name. */
#include "node/home.h"
#include "node/store/backup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct restore {
    const struct node_restore_options *o;
    struct node_fault *fault;
    struct node_files files;
    struct net_identity *identity;
    uint8_t space[CRDT_ID_BYTES]; /* the backup's */
    char name[LIMIT_NAME_BYTES + 1];
    char path[NODE_PATH_MAX], beside[NODE_PATH_MAX];
    struct node_restore_result result;
    uint64_t problems;
    char first[160]; /* problem found */
};

static void tell(const struct restore *r, const char *text)
{
    if (r->o->progress != NULL)
        r->o->progress(r->o->ctx, text);
}

/* --- the file ------------------------------------------------------------------------------- */

static enum cht_err read_file(struct restore *r)
{
    struct cht_error detail = { 0 };
    struct node_backup_note note;
    struct node_store *s = NULL;
    struct cht_buf space;
    cht_buf_init(&space, 64);
    enum cht_err err = node_store_open(r->o->file, NODE_STORE_READ, &detail, &s);
    if (err == CHT_E_NOTFOUND)
        (void)node_fault_set(r->fault, err, cht_bytes_str("FILE"), "there is no file %s",
                             r->o->file);
    else if (err == CHT_E_UNSUPPORTED)
        (void)node_fault_from(r->fault, err, &detail);
    else if (err == CHT_OK)
        err = node_backup_read_note(s, &note);
    if (err == CHT_OK)
        err = node_store_get_meta(s, "space", &space);
    if (err == CHT_OK && space.len == CRDT_ID_BYTES) {
        memcpy(r->space, space.data, sizeof r->space);
        r->result.backup_ms = note.at_ms;
    } else if (r->fault->error.code == CHT_OK) {
        err = node_fault_set(r->fault, CHT_E_INVALID, cht_bytes_str("FILE"),
                             "%s was not made by chitty-node backup, or is damaged", r->o->file);
    }
    cht_buf_clear(&space);
    node_store_close(s);
    return err;
}

static void note_problem(void *ctx, const char *where, const char *what)
{
    struct restore *r = ctx;
    if (r->problems++ == 0)
        (void)snprintf(r->first, sizeof r->first, "%.70s: %.80s", where, what);
}

/* Every chain, head and row of the copy; and what this device is in that space. */
static enum cht_err verify(struct restore *r)
{
    struct node_replica_options options = { .path = r->beside,
                                            .mode = NODE_STORE_WRITE,
                                            .now_ms = node_wall_ms() };
    struct node_replica *replica = NULL;
    struct node_verified found = { .ok = false };
    uint8_t at[8];
    struct cht_error detail = { 0 };
    tell(r, "checking every entry, signature and row of the backup");
    enum cht_err err = node_replica_open(&options, &detail, &replica);
    if (err == CHT_OK)
        err = node_replica_verify(replica, note_problem, r, &found);
    if (err == CHT_OK && !found.ok)
        err = CHT_E_CORRUPT;
    if (err == CHT_E_CORRUPT)
        (void)node_fault_set(r->fault, err, cht_bytes_str("FILE"), "%s is damaged: %s", r->o->file,
                             r->first[0] != '\0' ? r->first : cht_error_text(&detail));
    else if (err != CHT_OK)
        (void)node_fault_from(r->fault, err, &detail);
    if (err == CHT_OK) {
        cht_put_u64(at, node_wall_ms());
        err = node_replica_keep_meta(replica, NODE_META_RESTORED, cht_bytes(at, sizeof at));
    }
    if (err == CHT_OK)
        err = node_replica_commit(replica, true);
    if (err == CHT_OK) {
        const struct net_device *own =
            net_members_device(node_replica_members(replica), r->identity->device);
        r->result.writes =
            own != NULL && (own->role == NET_ROLE_ADMIN || own->role == NET_ROLE_WRITER);
        r->result.entries = node_replica_count(replica).entries;
    }
    node_replica_close(replica);
    return err;
}

static void remove_with(const char *path, bool itself)
{
    static const char *const endings[] = { "-wal", "-shm", "-journal", "" };
    char name[NODE_PATH_MAX + 16];
    for (size_t i = 0; i < (itself ? 4u : 3u); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

/* --- the place ------------------------------------------------------------------------------ */

/* May the backup come here? */
static enum cht_err check_place(struct restore *r)
{
    char hex[2 * CRDT_ID_BYTES + 1], used[2 * CRDT_ID_BYTES + 2] = "";
    enum cht_err err = node_files_space(&r->files, r->space, r->fault, r->path);
    if (err != CHT_OK)
        return err;
    crdt_hex(cht_bytes(r->space, CRDT_ID_BYTES), hex);
    bool there = access(r->path, F_OK) == 0;
    bool other =
        node_files_text(&r->files, "space", used, sizeof used) == CHT_OK && strcmp(used, hex) != 0;
    if (!r->o->replace && (there || other)) {
        (void)node_fault_set(r->fault, CHT_E_EXISTS, cht_bytes(NULL, 0),
                             there ? "this home has that space already, in %s"
                                   : "this home has another space in use, in %s",
                             r->files.paths.data);
        node_fault_hint(r->fault, there ? "--replace puts the backup in its place and keeps the "
                                          "old file"
                                        : "--replace uses the restored one from now on; the other "
                                          "stays in its file");
        return CHT_E_EXISTS;
    }
    int len = snprintf(r->beside, sizeof r->beside, "%.4080s.restored", r->path);
    return len > 0 ? CHT_OK : CHT_E_LIMIT;
}

/* The old database becomes one file, and gets a second name. One that cannot be opened is moved
 * with what lies beside it. */
static enum cht_err keep_old(struct restore *r, struct cht_error *detail)
{
    struct node_store *s = NULL;
    char wal[NODE_PATH_MAX + 16], kept_wal[NODE_PATH_MAX + 16];
    char *kept = r->result.kept;
    if (access(r->path, F_OK) != 0)
        return CHT_OK;
    (void)snprintf(kept, sizeof r->result.kept, "%.4000s.before-%llu", r->path,
                   (unsigned long long)node_wall_ms());
    enum cht_err err = node_store_open(r->path, NODE_STORE_MEND, NULL, &s);
    if (err == CHT_OK)
        err = node_store_checkpoint(s);
    node_store_close(s);
    (void)snprintf(wal, sizeof wal, "%s-wal", r->path);
    (void)snprintf(kept_wal, sizeof kept_wal, "%s-wal", kept);
    bool whole = err == CHT_OK && access(wal, F_OK) != 0;
    if (!whole && access(wal, F_OK) == 0 && rename(wal, kept_wal) != 0)
        return cht_fail(detail, CHT_E_IO, "the old database cannot be moved");
    if ((whole ? link(r->path, kept) : rename(r->path, kept)) != 0)
        return cht_fail(detail, CHT_E_IO, "the old database cannot be kept beside the new one");
    remove_with(r->path, false);
    return CHT_OK;
}

static enum cht_err place(struct restore *r)
{
    char hex[2 * CRDT_ID_BYTES + 1];
    struct cht_error detail = { 0 };
    enum cht_err err = CHT_OK;
    if (!node_home_is_whole(r->beside))
        err = cht_fail(&detail, CHT_E_IO, "the backup cannot be written through");
    if (err == CHT_OK)
        err = keep_old(r, &detail);
    if (err == CHT_OK && rename(r->beside, r->path) != 0)
        err = cht_fail(&detail, CHT_E_IO, "the backup cannot be put in its place");
    if (err == CHT_OK)
        err = node_backup_sync_folder(r->path, &detail);
    if (err != CHT_OK)
        return node_fault_from(r->fault, err, &detail);
    crdt_hex(cht_bytes(r->space, CRDT_ID_BYTES), hex);
    return node_files_keep_text(&r->files, "space", hex, r->fault);
}

/* Nobody is left who could admit this device: its content goes into a space of its own at the next
 * start, as `join --bring` does it. */
static enum cht_err found_space(struct restore *r)
{
    char hex[2 * CRDT_ID_BYTES + 2], path[NODE_PATH_MAX];
    uint8_t space[CRDT_ID_BYTES];
    struct node_store *s = NULL;
    struct cht_error detail = { 0 };
    enum cht_err err = node_home_found_space(&r->files, r->name, r->identity, r->fault);
    if (err == CHT_OK)
        err = node_files_text(&r->files, "space", hex, sizeof hex);
    if (err == CHT_OK)
        err = crdt_unhex(cht_bytes_str(hex), space, sizeof space);
    if (err == CHT_OK)
        err = node_files_space(&r->files, space, r->fault, path);
    if (err == CHT_OK)
        err = node_store_open(path, NODE_STORE_WRITE, &detail, &s);
    if (err == CHT_OK)
        err = node_store_put_meta(s, "bring", cht_bytes_str(r->path));
    node_store_close(s);
    memcpy(r->space, space, sizeof space);
    r->result.writes = true;
    return err == CHT_OK ? CHT_OK : node_fault_from(r->fault, err, &detail);
}

static enum cht_err restore(struct restore *r)
{
    struct cht_error detail = { 0 };
    enum cht_err err = check_place(r);
    if (err == CHT_OK)
        err = node_home_device(&r->files, true, r->o->name, r->fault, r->identity, r->name,
                               &r->result.made);
    if (err != CHT_OK)
        return err;
    tell(r, "copying the backup");
    remove_with(r->beside, true);
    err = node_backup_copy_file(r->o->file, r->beside, &detail);
    if (err != CHT_OK)
        err = node_fault_from(r->fault, err, &detail);
    if (err == CHT_OK)
        err = verify(r);
    if (err == CHT_OK)
        err = place(r);
    if (err != CHT_OK)
        remove_with(r->beside, true);
    if (err == CHT_OK && r->o->found)
        err = found_space(r);
    return err;
}

enum cht_err node_restore(const struct node_restore_options *options, struct node_fault *fault,
                          struct node_restore_result *out)
{
    struct restore r = { .o = options, .fault = fault };
    r.identity = node_home_new_identity(fault);
    enum cht_err err = r.identity == NULL ? CHT_E_NOMEM : read_file(&r);
    if (err == CHT_OK)
        err = node_files_lock(true, fault, &r.files);
    if (err == CHT_OK) {
        err = restore(&r);
        crdt_hex(cht_bytes(r.identity->device, CRDT_ID_BYTES), r.result.device);
        crdt_hex(cht_bytes(r.space, CRDT_ID_BYTES), r.result.space);
        memcpy(r.result.home, r.files.paths.data, sizeof r.result.home);
        node_files_unlock(&r.files);
    }
    node_home_free_identity(r.identity);
    if (err == CHT_OK)
        *out = r.result;
    return err;
}
