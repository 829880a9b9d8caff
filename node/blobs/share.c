/* One home's blobs in another's folder too, without a copy: a blob's file is never written again,
 * so two names of it do no harm. See blobs.h. */
#include "node/blobs/own.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum cht_err share_folder(const struct node_blobs *to, const char *from, const char *head)
{
    char old[NODE_PATH_MAX], new[NODE_PATH_MAX];
    (void)snprintf(old, sizeof old, "%.*s/%.2s", (int)(NODE_PATH_MAX - BLOB_ROOM), from, head);
    DIR *dir = opendir(old);
    enum cht_err err = dir == NULL ? blob_errno(NULL, "read") : blob_make_folder(to, head, NULL);
    for (struct dirent *e; err == CHT_OK && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(old, sizeof old, "%.*s/%.2s/%.80s", (int)(NODE_PATH_MAX - BLOB_ROOM), from,
                       head, e->d_name);
        (void)snprintf(new, sizeof new, "%.*s/%.2s/%.80s", (int)(NODE_PATH_MAX - BLOB_ROOM),
                       to->folder, head, e->d_name);
        if (link(old, new) != 0 && errno != EEXIST)
            err = blob_errno(NULL, "written");
    }
    if (err == CHT_OK)
        err = blob_sync_folder_of(new);
    if (dir != NULL)
        (void)closedir(dir);
    return err;
}

enum cht_err node_blobs_share(const char *from, const char *to)
{
    struct node_blobs *b = NULL;
    DIR *dir = opendir(from);
    if (dir == NULL)
        return errno == ENOENT ? CHT_OK : blob_errno(NULL, "read");
    enum cht_err err = node_blobs_open(to, NULL, &b);
    for (struct dirent *e; err == CHT_OK && (e = readdir(dir)) != NULL;) {
        if (strlen(e->d_name) == 2 && strspn(e->d_name, "0123456789abcdef") == 2)
            err = share_folder(b, from, e->d_name);
    }
    node_blobs_close(b);
    (void)closedir(dir);
    return err;
}
