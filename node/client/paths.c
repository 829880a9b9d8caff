/* Folders of a node by the XDG specification, and socket addresses (LOCAL 1.1). */
#include "node/client/paths.h"

#include "node/client/space.h"

#include "crdt/base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum cht_err fail_text(struct cht_error *detail, enum cht_err code, int sys,
                              const char *before, const char *path, const char *after)
{
    (void)cht_fail(detail, code, "");
    if (detail != NULL) {
        detail->sys = sys;
        /* Only the end of a very long path is shown: it is what tells two apart. */
        const size_t len = strlen(path), shown = 120;
        (void)snprintf(detail->text, sizeof detail->text, "%s%s%.120s%s%s", before,
                       len > shown ? "…" : "", len > shown ? path + len - shown : path,
                       after[0] != '\0' ? ": " : "", after);
    }
    return code;
}

/* `a` followed by `b` and `c`; false when it does not fit. */
static bool join(char out[static NODE_PATH_MAX], const char *a, const char *b, const char *c)
{
    const int len = snprintf(out, NODE_PATH_MAX, "%s%s%s", a, b, c);
    return len >= 0 && (size_t)len < NODE_PATH_MAX;
}

static enum cht_err find_home(const char *home, struct cht_error *detail, struct node_paths *p)
{
    char here[NODE_PATH_MAX] = "";
    if (home[0] != '/') {
        if (getcwd(here, sizeof here - 1) == NULL)
            return fail_text(detail, CHT_E_IO, errno,
                             "cannot tell the folder of CHITTY_HOME=", home, strerror(errno));
        here[strlen(here)] = '/';
    }
    if (!join(p->data, here, home, ""))
        return fail_text(detail, CHT_E_INVALID, 0,
                         "CHITTY_HOME is longer than a path may be: ", home, "");
    size_t len = strlen(p->data);
    while (len > 1 && p->data[len - 1] == '/')
        p->data[--len] = '\0';
    (void)join(p->config, p->data, "", "");
    (void)join(p->state, p->data, "", "");
    (void)join(p->runtime, p->data, "", "");
    return CHT_OK;
}

/* One XDG variable, ignored when not absolute, else `fallback` under HOME. */
static bool find_one(char out[static NODE_PATH_MAX], const char *variable, const char *home,
                     const char *fallback)
{
    const char *base = getenv(variable);
    if (base != NULL && base[0] == '/')
        return join(out, base, "/chitty", "");
    return home != NULL && join(out, home, fallback, "/chitty");
}

static bool is_own_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static bool find_runtime(char out[static NODE_PATH_MAX])
{
    const char *base = getenv("XDG_RUNTIME_DIR");
    if (base != NULL && base[0] == '/')
        return join(out, base, "/chitty", "");
    char usual[64];
    (void)snprintf(usual, sizeof usual, "/run/user/%lu", (unsigned long)geteuid());
    if (is_own_folder(usual))
        return join(out, usual, "/chitty", "");
    (void)snprintf(usual, sizeof usual, "/tmp/chitty-%lu", (unsigned long)geteuid());
    return join(out, usual, "", "");
}

enum cht_err node_paths_base(struct cht_error *detail, struct node_paths *out)
{
    const char *own = getenv("CHITTY_HOME");
    const char *home = getenv("HOME");
    if (home != NULL && home[0] != '/')
        home = NULL;
    if (own != NULL && own[0] != '\0') {
        enum cht_err err = find_home(own, detail, out);
        if (err != CHT_OK)
            return err;
    } else if (!find_one(out->config, "XDG_CONFIG_HOME", home, "/.config") ||
               !find_one(out->data, "XDG_DATA_HOME", home, "/.local/share") ||
               !find_one(out->state, "XDG_STATE_HOME", home, "/.local/state") ||
               !find_runtime(out->runtime)) {
        return cht_fail(detail, CHT_E_INVALID,
                        "there is no place for the node's files: set HOME or CHITTY_HOME");
    }
    if (!join(out->socket, out->runtime, "/node.sock", ""))
        return fail_text(detail, CHT_E_INVALID, 0, "the path is too long for a socket in ",
                         out->runtime, "");
    return CHT_OK;
}

enum cht_err node_paths_find(struct cht_error *detail, struct node_paths *out)
{
    struct node_paths base, p;
    char name[NODE_SPACE_NAME_MAX];
    enum cht_err err = node_paths_base(detail, &base);
    if (err == CHT_OK)
        err = node_space_chosen(&base, detail, name);
    if (err == CHT_OK)
        err = node_space_paths(&base, name, detail, &p);
    if (err != CHT_OK)
        return err;
    /* a name that was misspelt must not make a space */
    if (strcmp(name, NODE_SPACE_DEFAULT) != 0 && access(p.data, F_OK) != 0)
        return fail_text(detail, CHT_E_NOTFOUND, 0, "there is no space ", name,
                         "chitty space list shows those there are");
    *out = p;
    return CHT_OK;
}

enum cht_err node_paths_unit(struct cht_error *detail, char out[static NODE_PATH_MAX])
{
    struct node_paths paths;
    char name[NODE_SPACE_NAME_MAX], unit[NODE_SPACE_NAME_MAX + 64];
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    enum cht_err err = node_paths_base(detail, &paths);
    if (err == CHT_OK)
        err = node_space_chosen(&paths, detail, name);
    if (err != CHT_OK)
        return err;
    const bool named = strcmp(name, NODE_SPACE_DEFAULT) != 0;
    (void)snprintf(unit, sizeof unit, "/systemd/user/chitty-node%s%s.service", named ? "-" : "",
                   named ? name : "");
    const bool found = base != NULL && base[0] == '/'
                           ? join(out, base, unit, "")
                           : home != NULL && home[0] == '/' && join(out, home, "/.config", unit);
    return found ? CHT_OK
                 : cht_fail(detail, CHT_E_INVALID,
                            "there is no place for the unit: set HOME or XDG_CONFIG_HOME");
}

enum cht_err node_path_make(const char *folder, struct cht_error *detail)
{
    char path[NODE_PATH_MAX];
    if (!join(path, folder, "", ""))
        return fail_text(detail, CHT_E_INVALID, 0, "the path is too long: ", folder, "");
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        const char was = *at;
        *at = '\0';
        if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
            return fail_text(detail, errno == EACCES ? CHT_E_DENIED : CHT_E_IO, errno,
                             "cannot make the folder ", path, strerror(errno));
        *at = was;
        if (was == '\0')
            break;
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return fail_text(detail, CHT_E_IO, errno, "not a folder: ", path, "");
    if (st.st_uid != geteuid())
        return fail_text(detail, CHT_E_DENIED, 0, "run this as the user to whom it belongs: ", path,
                         "");
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail_text(detail, CHT_E_DENIED, 0, "refusing a folder others may write to: ", path,
                         "");
    return CHT_OK;
}

/* The path through the folder's descriptor: short whatever the folder is called. */
static enum cht_err short_address(const char *path, struct cht_error *detail,
                                  struct node_socket_address *a)
{
    char folder[NODE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || !join(folder, path, "", ""))
        return fail_text(detail, CHT_E_LIMIT, 0, "the name of the socket is too long: ", path, "");
    folder[slash == path ? 1 : slash - path] = '\0';
    a->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (a->folder_fd < 0)
        return fail_text(detail, errno == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO, errno,
                         "cannot open the folder ", folder, strerror(errno));
    const int len =
        snprintf(a->un.sun_path, sizeof a->un.sun_path, "/proc/self/fd/%d%s", a->folder_fd, slash);
    char proc[32];
    (void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", a->folder_fd);
    if (len < 0 || (size_t)len >= sizeof a->un.sun_path || access(proc, F_OK) != 0) {
        node_socket_address_clear(a);
        return fail_text(detail, CHT_E_LIMIT, 0,
                         "a socket's path may have 107 bytes, this one has more (set a shorter "
                         "CHITTY_HOME): ",
                         path, "");
    }
    return CHT_OK;
}

enum cht_err node_socket_address(const char *path, struct cht_error *detail,
                                 struct node_socket_address *out)
{
    struct node_socket_address a = { .un = { .sun_family = AF_UNIX }, .folder_fd = -1 };
    const size_t len = strlen(path);
    if (len < sizeof a.un.sun_path) {
        memcpy(a.un.sun_path, path, len + 1);
    } else {
        enum cht_err err = short_address(path, detail, &a);
        if (err != CHT_OK)
            return err;
    }
    a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a.un.sun_path) + 1);
    *out = a;
    return CHT_OK;
}

void node_socket_address_clear(struct node_socket_address *address)
{
    if (address->folder_fd >= 0)
        (void)close(address->folder_fd);
    address->folder_fd = -1;
}

bool node_socket_answers(const char *path)
{
    struct node_socket_address address;
    bool good = false;
    if (node_socket_address(path, NULL, &address) != CHT_OK)
        return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        good = connect(fd, (const struct sockaddr *)&address.un, address.len) == 0;
        (void)close(fd);
    }
    node_socket_address_clear(&address);
    return good;
}
