/* Small texts in the state folder; see state_file.h. */
#include "cli/base/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum cht_err cli_state_path(const char *name, struct node_fault *fault,
                            char out[static CLI_STATE_PATH_MAX])
{
    struct node_paths paths;
    struct cht_error detail = { 0 };
    const enum cht_err err = node_paths_find(&detail, &paths);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    (void)snprintf(out, CLI_STATE_PATH_MAX, "%s/%s", paths.state, name);
    return CHT_OK;
}

enum cht_err cli_state_write(const char *name, const char *text, struct node_fault *fault)
{
    char path[CLI_STATE_PATH_MAX], fresh[CLI_STATE_PATH_MAX + 24];
    struct cht_error detail = { 0 };
    enum cht_err err = cli_state_path(name, fault, path);
    if (err != CHT_OK)
        return err;
    (void)snprintf(fresh, sizeof fresh, "%s", path);
    *strrchr(fresh, '/') = '\0';
    err = node_path_make(fresh, &detail);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    (void)snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    FILE *f = fopen(fresh, "we");
    bool well = f != NULL && fputs(text, f) >= 0;
    if (f != NULL && fclose(f) != 0)
        well = false;
    if (well && rename(fresh, path) == 0)
        return CHT_OK;
    const int sys = errno;
    (void)unlink(fresh);
    return node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot write %s: %s", path,
                          strerror(sys));
}
