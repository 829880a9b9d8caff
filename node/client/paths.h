#ifndef NODE_CLIENT_PATHS_H
#define NODE_CLIENT_PATHS_H
/* Where a node's files are (XDG Base Directory Specification 0.8), and the address of its socket.
 * With CHITTY_HOME everything is under that one folder. */
#include "crdt/base/err.h"

#include <sys/socket.h>
#include <sys/un.h>

#define NODE_PATH_MAX 4096u /* with the final NUL */

struct node_paths {
    char config[NODE_PATH_MAX];  /* $XDG_CONFIG_HOME/chitty */
    char data[NODE_PATH_MAX];    /* $XDG_DATA_HOME/chitty: keys and databases */
    char state[NODE_PATH_MAX];   /* $XDG_STATE_HOME/chitty: logs */
    char runtime[NODE_PATH_MAX]; /* $XDG_RUNTIME_DIR/chitty, else /tmp/chitty-UID */
    char socket[NODE_PATH_MAX];  /* node.sock in `runtime` */
};

/* Find the folders of the default space from the environment; makes nothing. A relative CHITTY_HOME
 * is taken from the working directory. CHT_E_INVALID: neither CHITTY_HOME nor HOME is set, or a
 * path is too long; CHT_E_IO. `detail` may be NULL. */
CHT_MUST_USE enum cht_err node_paths_base(struct cht_error *detail, struct node_paths *out);
/* The same of the space that is meant (space.h). CHT_E_NOTFOUND: there is no such space. */
CHT_MUST_USE enum cht_err node_paths_find(struct cht_error *detail, struct node_paths *out);
/* The file of the systemd user unit: $XDG_CONFIG_HOME/systemd/user/chitty-node.service, whatever
 * CHITTY_HOME is; chitty-node-NAME.service where a space NAME is meant. CHT_E_INVALID: neither
 * XDG_CONFIG_HOME nor HOME is set, or the path is too long, or CHITTY_SPACE is no name. */
CHT_MUST_USE enum cht_err node_paths_unit(struct cht_error *detail, char out[static NODE_PATH_MAX]);
/* Make one folder and its parents, mode 0700. CHT_E_DENIED: it exists and others may write to it,
 * or it belongs to someone else; CHT_E_IO. */
CHT_MUST_USE enum cht_err node_path_make(const char *folder, struct cht_error *detail);

/* The address of a socket file. A path beyond the 107 bytes of sun_path is reached through its
 * folder's descriptor in /proc/self/fd. */
struct node_socket_address {
    struct sockaddr_un un;
    socklen_t len;
    int folder_fd; /* open until cleared, -1 when not needed */
};
/* CHT_E_NOTFOUND: the folder does not exist; CHT_E_LIMIT: the path is too long and /proc is not
 * there to shorten it, or the file's own name is too long; CHT_E_IO. `detail` may be NULL. */
CHT_MUST_USE enum cht_err node_socket_address(const char *path, struct cht_error *detail,
                                              struct node_socket_address *out);
void node_socket_address_clear(struct node_socket_address *address);
/* Does somebody listen at the socket? A process that is stopped does, too. */
bool node_socket_answers(const char *path);

#endif
