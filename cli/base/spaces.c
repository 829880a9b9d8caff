/* What spaces there are: the default home, those in `homes`, and databases left beside. */
#include "cli/base/spaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 64u /* spaces looked at */

struct looking {
    struct node_fault *fault;
    enum cht_err (*each)(void *ctx, const struct cli_space *space);
    void *ctx;
    struct node_paths base;
    char chosen[NODE_SPACE_NAME_MAX];
};

/* The id in the file "space" of a home; empty without one. */
static void read_id(const char *home, char out[static 33])
{
    char path[NODE_PATH_MAX + 8];
    (void)snprintf(path, sizeof path, "%s/space", home);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : read(fd, out, 32);
    out[got == 32 ? 32 : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

static enum cht_err tell(const struct looking *l, const char *name)
{
    struct node_paths p;
    struct cht_error detail = { 0 };
    struct cli_space space = { 0 };
    enum cht_err err = node_space_paths(&l->base, name, &detail, &p);
    if (err != CHT_OK)
        return node_fault_from(l->fault, err, &detail);
    memcpy(space.name, name, strlen(name) + 1);
    memcpy(space.path, p.data, sizeof space.path);
    read_id(p.data, space.id);
    space.in_use = strcmp(name, l->chosen) == 0;
    space.running = node_socket_answers(p.socket);
    return l->each(l->ctx, &space);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The names in a folder that `good` lets pass, sorted. */
static size_t names_in(const char *folder, bool (*good)(const char *name), char out[NAMES_MAX][64])
{
    DIR *d = opendir(folder);
    size_t count = 0;
    for (const struct dirent *e; d != NULL && count < NAMES_MAX && (e = readdir(d)) != NULL;) {
        if (good(e->d_name) && strlen(e->d_name) < 64)
            memcpy(out[count++], e->d_name, strlen(e->d_name) + 1);
    }
    if (d != NULL)
        (void)closedir(d);
    qsort(out, count, sizeof out[0], by_name);
    return count;
}

static bool is_database(const char *name)
{
    return strlen(name) == 35 && strspn(name, "0123456789abcdef") == 32 &&
           strcmp(name + 32, ".db") == 0;
}

/* Databases beside the one that the default home uses. */
static enum cht_err tell_kept(const struct looking *l, char names[NAMES_MAX][64])
{
    char folder[NODE_PATH_MAX + 8], used[33];
    enum cht_err err = CHT_OK;
    (void)snprintf(folder, sizeof folder, "%s/spaces", l->base.data);
    read_id(l->base.data, used);
    const size_t count = names_in(folder, is_database, names);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        struct cli_space space = { 0 };
        memcpy(space.id, names[i], 32);
        if (strcmp(space.id, used) == 0)
            continue;
        (void)snprintf(space.path, sizeof space.path, "%.4000s/%.63s", folder, names[i]);
        err = l->each(l->ctx, &space);
    }
    return err;
}

enum cht_err cli_spaces_each(struct node_fault *fault,
                             enum cht_err (*each)(void *ctx, const struct cli_space *space),
                             void *ctx)
{
    struct looking l = { .fault = fault, .each = each, .ctx = ctx };
    struct cht_error detail = { 0 };
    char names[NAMES_MAX][64], folder[NODE_PATH_MAX + 8];
    enum cht_err err = node_paths_base(&detail, &l.base);
    if (err == CHT_OK)
        err = node_space_chosen(&l.base, &detail, l.chosen);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    err = tell(&l, NODE_SPACE_DEFAULT);
    (void)snprintf(folder, sizeof folder, "%s/homes", l.base.data);
    const size_t count = names_in(folder, node_space_name_good, names);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = tell(&l, names[i]);
    return err == CHT_OK ? tell_kept(&l, names) : err;
}

struct finding {
    const char *name;
    bool found;
    struct cli_space space;
    char names[NAMES_MAX + 1][NODE_SPACE_NAME_MAX];
    size_t count;
};

static enum cht_err compare(void *ctx, const struct cli_space *space)
{
    struct finding *f = ctx;
    if (strcmp(space->name, f->name) == 0 && space->name[0] != '\0') {
        f->space = *space;
        f->found = true;
    }
    if (space->name[0] != '\0' && f->count <= NAMES_MAX)
        memcpy(f->names[f->count++], space->name, sizeof space->name);
    return CHT_OK;
}

enum cht_err cli_space_find(const char *name, struct node_fault *fault, struct cli_space *out)
{
    static struct finding f;
    const char *candidates[NAMES_MAX + 2] = { NULL };
    f = (struct finding){ .name = name };
    enum cht_err err = cli_spaces_each(fault, compare, &f);
    if (err != CHT_OK)
        return err;
    if (f.found) {
        *out = f.space;
        return CHT_OK;
    }
    for (size_t i = 0; i < f.count; i++)
        candidates[i] = f.names[i];
    (void)node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes_str("space"), "there is no space \"%s\"",
                         name);
    const char *near = node_closest(cht_bytes_str(name), candidates);
    if (near != NULL)
        node_fault_hint(fault, "did you mean \"%s\"? chitty space list shows all", near);
    else
        node_fault_hint(fault, "make it: chitty space new %.32s", name);
    return CHT_E_NOTFOUND;
}
