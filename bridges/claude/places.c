/* By CLAUDE_CONFIG_DIR, HOME and the working directory
 * (https://code.claude.com/docs/en/settings, https://code.claude.com/docs/en/mcp). */
#include "bridges/claude/places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *const claude_scopes[CLAUDE_SCOPE_COUNT] = { "user", "project", "local" };

enum cht_err claude_scope_named(const char *name, struct node_fault *fault, enum claude_scope *out)
{
    for (unsigned i = 0; i < CLAUDE_SCOPE_COUNT; i++) {
        if (strcmp(claude_scopes[i], name) == 0) {
            *out = (enum claude_scope)i;
            return CHT_OK;
        }
    }
    return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("scope"),
                          "whose settings: user, project or local?");
}

static enum cht_err join(const char *folder, const char *name, struct node_fault *fault,
                         char out[static NODE_PATH_MAX])
{
    const int len = snprintf(out, NODE_PATH_MAX, "%s/%s", folder, name);
    return len < 0 || (size_t)len >= NODE_PATH_MAX
               ? node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0), "the path is too long")
               : CHT_OK;
}

static const char *set_to(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static enum cht_err home_file(const char *name, struct node_fault *fault,
                              char out[static NODE_PATH_MAX])
{
    const char *home = set_to("HOME");
    return home == NULL ? node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                                         "neither CLAUDE_CONFIG_DIR nor HOME is set")
                        : join(home, name, fault, out);
}

enum cht_err claude_config_dir(struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    const char *own = set_to("CLAUDE_CONFIG_DIR");
    if (own == NULL)
        return home_file(".claude", fault, out);
    if (strlen(own) >= NODE_PATH_MAX)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "CLAUDE_CONFIG_DIR is too long");
    (void)snprintf(out, NODE_PATH_MAX, "%s", own);
    return CHT_OK;
}

static bool has(const char *folder, const char *name)
{
    char path[NODE_PATH_MAX];
    return join(folder, name, NULL, path) == CHT_OK && access(path, F_OK) == 0;
}

enum cht_err claude_project_dir(struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    const char *own = set_to("CLAUDE_PROJECT_DIR"), *home = set_to("HOME");
    char here[NODE_PATH_MAX];
    if (own != NULL && own[0] == '/' && strlen(own) < NODE_PATH_MAX) {
        (void)snprintf(out, NODE_PATH_MAX, "%s", own);
        return CHT_OK;
    }
    if (getcwd(here, sizeof here) == NULL)
        return node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0), "where this is: %s",
                              strerror(errno));
    (void)snprintf(out, NODE_PATH_MAX, "%s", here);
    for (char *slash = here + strlen(here); slash != NULL; slash = strrchr(here, '/')) {
        *slash = '\0';
        const bool at_home = home != NULL && strcmp(here, home) == 0;
        if (here[0] != '\0' && (has(here, ".git") || (!at_home && has(here, ".claude")))) {
            (void)snprintf(out, NODE_PATH_MAX, "%s", here);
            break;
        }
    }
    return CHT_OK;
}

static enum cht_err project_file(const char *name, struct node_fault *fault,
                                 char out[static NODE_PATH_MAX])
{
    char folder[NODE_PATH_MAX];
    enum cht_err err = claude_project_dir(fault, folder);
    return err == CHT_OK ? join(folder, name, fault, out) : err;
}

enum cht_err claude_settings_path(enum claude_scope scope, struct node_fault *fault,
                                  char out[static NODE_PATH_MAX])
{
    char folder[NODE_PATH_MAX];
    if (scope != CLAUDE_USER)
        return project_file(scope == CLAUDE_PROJECT ? ".claude/settings.json"
                                                    : ".claude/settings.local.json",
                            fault, out);
    enum cht_err err = claude_config_dir(fault, folder);
    return err == CHT_OK ? join(folder, "settings.json", fault, out) : err;
}

enum cht_err claude_servers_path(enum claude_scope scope, struct node_fault *fault,
                                 char out[static NODE_PATH_MAX])
{
    if (scope == CLAUDE_PROJECT)
        return project_file(".mcp.json", fault, out);
    const char *own = set_to("CLAUDE_CONFIG_DIR");
    return own != NULL ? join(own, ".claude.json", fault, out)
                       : home_file(".claude.json", fault, out);
}
