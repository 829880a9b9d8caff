/* Programs on PATH that extend ours. */
#include "cli/base/plugins.h"

#include "cli/base/table.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_name(const char *word)
{
    static const char *const helpers[] = { "discover", "observe" }; /* the node's, no commands */
    for (size_t i = 0; i < sizeof helpers / sizeof helpers[0]; i++) {
        if (strcmp(word, helpers[i]) == 0)
            return false;
    }
    return word[0] != '\0' && word[0] != '-' && strlen(word) < CLI_PLUGIN_MAX &&
           strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(word);
}

/* The next folder of PATH; an empty one, which would be the current one, is passed over. */
static bool next_folder(const char **at, char *out, size_t size)
{
    while (*at != NULL && **at != '\0') {
        const size_t len = strcspn(*at, ":");
        const char *folder = *at;
        *at += len + ((*at)[len] == ':' ? 1 : 0);
        if (folder[0] == '/' && len < size) {
            memcpy(out, folder, len);
            out[len] = '\0';
            return true;
        }
    }
    return false;
}

static bool runs(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

enum cht_err cli_plugin_run(struct cli_context *c, char **argv)
{
    char folder[4096], path[4096 + CLI_PLUGIN_MAX + 32];
    if (!is_name(argv[0]))
        return CHT_OK;
    for (const char *at = getenv("PATH"); next_folder(&at, folder, sizeof folder);) {
        (void)snprintf(path, sizeof path, "%s/%s-%s", folder, c->program->name, argv[0]);
        if (!runs(path))
            continue;
        char *was = argv[0];
        argv[0] = path;
        (void)signal(SIGPIPE, SIG_DFL); /* which we ignore */
        (void)execv(path, argv);
        (void)signal(SIGPIPE, SIG_IGN);
        argv[0] = was;
        return node_fault_set(&c->fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot run %s: %s", path,
                              strerror(errno));
    }
    return CHT_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

size_t cli_plugins(const struct cli_program *program, char (*out)[CLI_PLUGIN_MAX], size_t size)
{
    char folder[4096], path[4096 + 256 + 2];
    const size_t len = strlen(program->name);
    size_t count = 0;
    for (const char *at = getenv("PATH"); next_folder(&at, folder, sizeof folder);) {
        DIR *dir = opendir(folder);
        for (struct dirent *e; dir != NULL && count < size && (e = readdir(dir)) != NULL;) {
            const char *name = e->d_name + len + 1;
            if (strncmp(e->d_name, program->name, len) != 0 || e->d_name[len] != '-' ||
                !is_name(name))
                continue;
            /* ours go before them; chitty-node-x is a program of chitty-node */
            bool known = cli_command_named(program, name) != NULL ||
                         cli_noun_named(program, name) != NULL || strncmp(name, "node-", 5) == 0;
            for (size_t i = 0; i < count; i++)
                known = known || strcmp(out[i], name) == 0;
            (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            if (!known && runs(path))
                (void)snprintf(out[count++], CLI_PLUGIN_MAX, "%s", name);
        }
        if (dir != NULL)
            (void)closedir(dir);
    }
    qsort(out, count, sizeof out[0], by_name);
    return count;
}
