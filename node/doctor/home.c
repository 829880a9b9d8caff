/* The folders of a home: there, ours, and nobody else's; see doctor.h. */
#include "node/doctor/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void look_at(struct doctor *d, const char *path)
{
    struct doctor_report *r = d->report;
    struct stat st;
    if (stat(path, &st) != 0)
        return; /* made when it is needed */
    if (!S_ISDIR(st.st_mode)) {
        doctor_say(r, DOCTOR_PROBLEM, "home.folder", "%s is no folder", path);
        doctor_remedy(r, "mv '%s' '%s.old'", path, path);
    } else if (st.st_uid != geteuid()) {
        doctor_say(r, DOCTOR_PROBLEM, "home.owner", "%s belongs to user %lu, this is user %lu",
                   path, (unsigned long)st.st_uid, (unsigned long)geteuid());
        doctor_remedy(r, "sudo chown -R %lu '%s'", (unsigned long)geteuid(), path);
    } else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        doctor_say(r, DOCTOR_PROBLEM, "home.mode", "others may write into %s", path);
        doctor_remedy(r, "chmod 700 '%s'", path);
    } else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        doctor_say(r, DOCTOR_WARNING, "home.mode", "others may look into %s", path);
        doctor_remedy(r, "chmod 700 '%s'", path);
    } else if (access(path, R_OK | W_OK | X_OK) != 0) {
        const bool read_only = errno == EROFS;
        doctor_say(r, DOCTOR_PROBLEM, "home.access", "%s cannot be written: %s", path,
                   strerror(errno));
        if (read_only)
            doctor_remedy(r, "mount its file system for writing: findmnt -T '%s'", path);
        else
            doctor_remedy(r, "chmod 700 '%s'", path);
    }
}

/* What a command that was run as another user has left there: this one's node cannot open it. */
static void look_into(struct doctor *d, const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    struct stat st;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            st.st_uid == geteuid())
            continue;
        doctor_say(d->report, DOCTOR_PROBLEM, "home.owner",
                   "%s in %s belongs to user %lu, this is user %lu", entry->d_name, folder,
                   (unsigned long)st.st_uid, (unsigned long)geteuid());
        doctor_remedy(d->report, "sudo chown -R %lu '%s'", (unsigned long)geteuid(), d->paths.data);
        break; /* the remedy is for all of them */
    }
    if (dir != NULL)
        (void)closedir(dir);
}

void doctor_home(struct doctor *d)
{
    struct doctor_report *r = d->report;
    const size_t from = r->count;
    struct stat st;
    if (stat(d->paths.data, &st) != 0 && errno == ENOENT) {
        doctor_say(r, DOCTOR_PROBLEM, "home.none", "there is no node in %s", d->paths.data);
        doctor_remedy(r, "chitty-node init");
        return;
    }
    look_at(d, d->paths.data);
    if (r->count == from) {
        char spaces[NODE_PATH_MAX + 8];
        (void)snprintf(spaces, sizeof spaces, "%s/spaces", d->paths.data);
        look_into(d, d->paths.data);
        if (r->count == from)
            look_into(d, spaces);
    }
    if (strcmp(d->paths.runtime, d->paths.data) != 0)
        look_at(d, d->paths.runtime);
    if (strcmp(d->paths.state, d->paths.data) != 0)
        look_at(d, d->paths.state);
    if (r->count == from)
        doctor_say(r, DOCTOR_OK, "home", "%s is this user's alone", d->paths.data);
}
