/* Which space is meant; see space.h. */
#include "node/client/space.h"

#include "crdt/base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USE_FILE "space.use" /* in the folder of the configuration */

bool node_space_name_good(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    const size_t len = strlen(name);
    return len > 0 && len < NODE_SPACE_NAME_MAX && name[0] != '-' && strspn(name, allowed) == len;
}

/* What `use` said last; empty: nothing. */
static void read_use(const struct node_paths *base, char out[static NODE_SPACE_NAME_MAX + 2])
{
    char path[NODE_PATH_MAX + sizeof USE_FILE];
    (void)snprintf(path, sizeof path, "%s/" USE_FILE, base->config);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : read(fd, out, NODE_SPACE_NAME_MAX + 1);
    out[got < 0 ? 0 : got] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

enum cht_err node_space_chosen(const struct node_paths *base, struct cht_error *detail,
                               char out[static NODE_SPACE_NAME_MAX])
{
    char used[NODE_SPACE_NAME_MAX + 2];
    const char *name = getenv("CHITTY_SPACE");
    if (name == NULL || name[0] == '\0') {
        read_use(base, used);
        name = used[0] == '\0' ? NODE_SPACE_DEFAULT : used;
    }
    if (!node_space_name_good(name))
        return cht_fail(detail, CHT_E_INVALID,
                        "the name of a space is 1 to 32 of a-z, 0-9, - and _: chitty space list "
                        "shows those there are");
    memcpy(out, name, strlen(name) + 1);
    return CHT_OK;
}

enum cht_err node_space_paths(const struct node_paths *base, const char *name,
                              struct cht_error *detail, struct node_paths *out)
{
    struct node_paths p = *base;
    if (strcmp(name, NODE_SPACE_DEFAULT) != 0) {
        char *const folders[] = { p.config, p.data, p.state, p.runtime };
        for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
            const size_t len = strlen(folders[i]);
            const int more = snprintf(folders[i] + len, NODE_PATH_MAX - len, "/homes/%s", name);
            if (more < 0 || (size_t)more >= NODE_PATH_MAX - len)
                return cht_fail(detail, CHT_E_INVALID, "the path of the space is too long");
        }
    }
    const int len = snprintf(p.socket, sizeof p.socket, "%s/node.sock", p.runtime);
    if (len < 0 || (size_t)len >= sizeof p.socket)
        return cht_fail(detail, CHT_E_INVALID, "the path is too long for a socket");
    *out = p;
    return CHT_OK;
}

static enum cht_err io_fault(struct node_fault *fault, const char *what, const char *path)
{
    return node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0), "%s %s: %s", what, path,
                          strerror(errno));
}

enum cht_err node_space_use(const struct node_paths *base, const char *name,
                            struct node_fault *fault)
{
    char path[NODE_PATH_MAX + sizeof USE_FILE], beside[NODE_PATH_MAX + sizeof USE_FILE + 4];
    struct cht_error detail = { 0 };
    enum cht_err err = node_path_make(base->config, &detail);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    (void)snprintf(path, sizeof path, "%s/" USE_FILE, base->config);
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    const int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(fault, "cannot make", beside);
    bool good = dprintf(fd, "%s\n", name) > 0 && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (!good || rename(beside, path) != 0)
        return io_fault(fault, "cannot write", path);
    return CHT_OK;
}
