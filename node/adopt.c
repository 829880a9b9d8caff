/* A space that was left behind by `join --keep-both` gets a home of its own; see node.h. */
#include "node/files.h"
#include "node/home.h"
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* The database moves: from here on the space is this home's. */
static enum cht_err move_database(const struct node_files *from, const struct node_files *to,
                                  const uint8_t space[static CRDT_ID_BYTES],
                                  struct node_fault *fault)
{
    char old[NODE_PATH_MAX], new[NODE_PATH_MAX];
    enum cht_err err = node_files_space(from, space, fault, old);
    if (err == CHT_OK)
        err = node_files_space(to, space, fault, new);
    if (err != CHT_OK)
        return err;
    if (access(new, F_OK) == 0 && access(old, F_OK) != 0)
        return CHT_OK; /* moved by an earlier try */
    if (!node_home_is_whole(old))
        return node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                              "%s was not closed in an orderly way, or is in use", old);
    if (rename(old, new) != 0)
        return node_fault_set(fault, errno == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO,
                              cht_bytes_str("kept"), "cannot move %s: %s", old, strerror(errno));
    return CHT_OK;
}

/* The device is the same: its keys are what the kept space admitted. */
static enum cht_err copy_device(struct node_files *from, const struct node_files *to,
                                struct node_fault *fault, struct net_identity *id,
                                char name[static LIMIT_NAME_BYTES + 1])
{
    bool made;
    enum cht_err err = node_home_device(from, false, NULL, fault, id, name, &made);
    if (err == CHT_OK)
        err = node_files_keep_text(to, "device.name", name, fault);
    return err == CHT_OK ? node_files_keep_identity(to, id, fault) : err;
}

/* Those of the space are among the other's; what cannot be had so is fetched from peers. */
static void share_attachments(const struct node_files *from, const struct node_files *to)
{
    char old[NODE_PATH_MAX + 8], new[NODE_PATH_MAX + 8];
    (void)snprintf(old, sizeof old, "%s/blobs", from->paths.data);
    (void)snprintf(new, sizeof new, "%s/blobs", to->paths.data);
    (void)!node_blobs_share(old, new);
}

enum cht_err node_adopt(const char *space_hex, struct node_fault *fault,
                        struct node_init_result *out)
{
    struct node_files to, from = { .lock_fd = -1 };
    struct node_init_result result = { 0 };
    struct cht_error detail = { 0 };
    uint8_t space[CRDT_ID_BYTES];
    char used[2 * CRDT_ID_BYTES + 2] = "";
    if (crdt_unhex(cht_bytes_str(space_hex), space, sizeof space) != CHT_OK)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("kept"),
                              "the id of a space is 32 hex digits");
    enum cht_err err = node_paths_base(&detail, &from.paths);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    crdt_hex(cht_bytes(space, sizeof space), result.space);
    if (node_files_text(&from, "space", used, sizeof used) == CHT_OK &&
        strcmp(used, result.space) == 0)
        return node_fault_set(fault, CHT_E_EXISTS, cht_bytes_str("kept"),
                              "that space is in use as the default one");
    struct net_identity *id = node_home_new_identity(fault);
    if (id == NULL)
        return CHT_E_NOMEM;
    err = node_files_lock(true, fault, &to);
    if (err == CHT_OK) {
        if (node_files_text(&to, "space", used, sizeof used) == CHT_OK)
            err = node_fault_set(fault, CHT_E_EXISTS, cht_bytes(NULL, 0),
                                 "there is a node in %s already", to.paths.data);
        if (err == CHT_OK)
            err = copy_device(&from, &to, fault, id, result.name);
        if (err == CHT_OK)
            err = move_database(&from, &to, space, fault);
        if (err == CHT_OK)
            share_attachments(&from, &to);
        if (err == CHT_OK)
            err = node_files_keep_text(&to, "space", result.space, fault);
        crdt_hex(cht_bytes(id->device, CRDT_ID_BYTES), result.device);
        memcpy(result.home, to.paths.data, sizeof result.home);
        node_files_unlock(&to);
    }
    node_home_free_identity(id);
    if (err == CHT_OK)
        *out = result;
    return err;
}
