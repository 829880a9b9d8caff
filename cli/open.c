/* open: the tracker, or what a record is about, in the browser. */
#include "cli/base/request.h"
#include "cli/commands.h"
#include "node/client/paths.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDRESS_MAX 4096u

extern char **environ;

static bool is_address(struct cht_bytes text)
{
    static const char *const fronts[] = { "https://", "http://" };
    for (size_t i = 0; i < 2; i++) {
        const size_t len = strlen(fronts[i]);
        if (text.len > len && memcmp(text.data, fronts[i], len) == 0)
            return true;
    }
    return false;
}

/* --- the tracker ---------------------------------------------------------------------------- */

static enum cht_err tracker_file(struct cli_context *c, char out[static NODE_PATH_MAX + 8],
                                 bool make)
{
    struct node_paths paths;
    struct cht_error detail = { 0 };
    enum cht_err err = node_paths_find(&detail, &paths);
    if (err == CHT_OK && make)
        err = node_path_make(paths.config, &detail);
    if (err != CHT_OK)
        return node_fault_from(&c->fault, err, &detail);
    (void)snprintf(out, NODE_PATH_MAX + 8, "%s/tracker", paths.config);
    return CHT_OK;
}

static enum cht_err keep_tracker(struct cli_context *c, const char *address)
{
    char path[NODE_PATH_MAX + 8];
    if (!is_address(cht_bytes_str(address)) || strlen(address) >= ADDRESS_MAX ||
        address[strcspn(address, " \t\r\n")] != '\0')
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("set"),
                              "--set \"%.80s\" is no address: it begins with https:// or http://",
                              address);
    enum cht_err err = tracker_file(c, path, true);
    FILE *f = err == CHT_OK ? fopen(path, "we") : NULL;
    bool well = f != NULL && fprintf(f, "%s\n", address) > 0;
    if (f != NULL && fclose(f) != 0)
        well = false;
    if (err == CHT_OK && !well)
        err = node_fault_set(&c->fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot write %s: %s", path,
                             strerror(errno));
    return err;
}

static enum cht_err find_tracker(struct cli_context *c, char out[static ADDRESS_MAX])
{
    char path[NODE_PATH_MAX + 8];
    const char *set = getenv("CHITTY_TRACKER");
    enum cht_err err = tracker_file(c, path, false);
    if (err != CHT_OK)
        return err;
    out[0] = '\0';
    FILE *f = set == NULL || set[0] == '\0' ? fopen(path, "re") : NULL;
    if (f == NULL)
        (void)snprintf(out, ADDRESS_MAX, "%s", set == NULL ? "" : set);
    else if (fgets(out, (int)ADDRESS_MAX, f) != NULL)
        out[strcspn(out, "\r\n")] = '\0';
    if (f != NULL)
        (void)fclose(f);
    if (is_address(cht_bytes_str(out)))
        return CHT_OK;
    (void)node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                         "it is not known where your tracker is");
    node_fault_hint(&c->fault, "say it once: chitty open tracker --set https://…");
    return CHT_E_NOTFOUND;
}

/* --- a record ------------------------------------------------------------------------------- */

struct seeking {
    char *out;
};

static void keep(struct seeking *s, const char *front, struct cht_bytes text)
{
    if (s->out[0] == '\0' && text.len != 0 && text.len + strlen(front) < ADDRESS_MAX)
        (void)snprintf(s->out, ADDRESS_MAX, "%s%.*s", front, (int)text.len,
                       (const char *)text.data);
}

/* Where it is elsewhere, the page of a repository, what is asked for a service's health. */
static enum cht_err take(void *ctx, const struct node_msg *answer)
{
    static const char *const fields[] = { "external_ref", "check_url", "url" };
    struct seeking *s = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT || !node_mp_next(&it, NULL, &record))
        return CHT_OK;
    const struct cht_bytes data = node_mp_get(record, "data");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct cht_bytes text = node_mp_get_str(data, fields[i]);
        if (is_address(text))
            keep(s, "", text);
        else if (strcmp(fields[i], "url") == 0 &&
                 (text.len < 5 || memcmp(text.data, "file:", 5) != 0))
            keep(s, "https://", text);
    }
    return CHT_OK;
}

static enum cht_err find_record(struct cli_context *c, const char *id, char out[static ADDRESS_MAX])
{
    struct cli_request r = { 0 };
    struct seeking s = { .out = out };
    out[0] = '\0';
    enum cht_err err = cli_query(c, "get", id, 0, &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, take, &s);
    cli_request_clear(&r);
    err = cli_fail(c, err);
    if (err == CHT_OK && out[0] == '\0')
        err = node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                             "%.80s has no address in its external_ref, url or check_url", id);
    return err;
}

/* --- the browser ---------------------------------------------------------------------------- */

static enum cht_err launch(struct cli_context *c, char *address)
{
    char opener[] = "xdg-open";
    char *argv[] = { opener, address, NULL };
    pid_t pid;
    int status = 0;
    const int sys = posix_spawnp(&pid, opener, NULL, NULL, argv, environ);
    if (sys == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
        WEXITSTATUS(status) == 0)
        return CHT_OK;
    (void)node_fault_set(&c->fault, sys == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO, cht_bytes(NULL, 0),
                         sys == ENOENT ? "there is no xdg-open here" : "xdg-open failed");
    node_fault_hint(&c->fault, "open %.200s", address);
    return c->fault.error.code;
}

static enum cht_err run(struct cli_context *c)
{
    char address[ADDRESS_MAX];
    const char *set = cli_flag(c, "set");
    const bool tracker = strcmp(c->args[0], "tracker") == 0;
    if (set != NULL && !tracker)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("set"),
                              "--set goes with `open tracker`");
    if (set != NULL)
        return keep_tracker(c, set);
    enum cht_err err = tracker ? find_tracker(c, address) : find_record(c, c->args[0], address);
    if (err == CHT_OK && cli_flag(c, "print") != NULL) {
        cli_printf(&c->out, "%s\n", address);
        return CHT_OK;
    }
    return err == CHT_OK ? launch(c, address) : err;
}

static const struct cli_flag flags[] = {
    { "set", "ADDRESS", "where the tracker is, from now on" },
    { "print", NULL, "print the address instead" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_open_page = {
    .name = "open",
    .summary = "Open the tracker, or what a record is about, in the browser.",
    .arguments = "tracker|ID",
    .details =
        "Of a record it is the address in its external_ref, of a repo its page, of a service "
        "what is asked for its health. CHITTY_TRACKER goes before what was set.",
    .kind = "",
    .examples = "chitty open tracker --set https://www.notion.so/team/tracker\n"
                "chitty open tracker\n"
                "chitty open github.com/chitty/app --print",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
