/* What a node in the foreground says first; see own.h. */
#include "node/daemon/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Is the folder one of those of PATH? */
static bool on_path(const char *folder)
{
    const char *at = getenv("PATH");
    size_t len = strlen(folder);
    while (at != NULL && *at != '\0') {
        size_t part = strcspn(at, ":");
        if (part == len && memcmp(at, folder, len) == 0)
            return true;
        at += part + (at[part] == ':');
    }
    return false;
}

/* What to type before a program's name so that it is found: nothing when it is on the PATH, else
 * its folder, from the working directory where it lies below it. */
static void program_prefix(char out[static NODE_PATH_MAX])
{
    char own[NODE_PATH_MAX], here[NODE_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    out[0] = '\0';
    if (len <= 0)
        return;
    own[len] = '\0';
    char *slash = strrchr(own, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    if (on_path(own))
        return;
    const char *shown = own;
    if (getcwd(here, sizeof here) != NULL) {
        size_t below = strlen(here);
        if (strncmp(own, here, below) == 0 && own[below] == '/')
            shown = own + below + 1;
    }
    (void)snprintf(out, NODE_PATH_MAX, "%s/", shown);
}

void daemon_greet(const struct node_daemon *d)
{
    char own[LIMIT_ENDPOINTS][LIMIT_ADDRESS_BYTES], prefix[NODE_PATH_MAX];
    size_t count = daemon_own_addresses(d, own, LIMIT_ENDPOINTS);
    char device[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(d->home.identity->device, CRDT_ID_BYTES), device);
    program_prefix(prefix);
    (void)printf("%s is running: device %s\n", d->home.name, device);
    for (size_t i = 0; i < count; i++)
        (void)printf("  address  %s\n", own[i]);
    (void)printf("  home     %s\n\nTry, in another terminal:\n", d->home.files.paths.data);
    (void)printf("  %schitty add \"Buy milk\"\n  %schitty ls\n  %schitty-node invite\n", prefix,
                 prefix, prefix);
    (void)printf("\nCtrl-C stops it.\n");
    (void)fflush(stdout);
}
