/* chitty-node service install|remove|status */
#include "cli/base/json.h"
#include "cli/base/request.h"
#include "cli/base/service_unit.h"
#include "cli/base/systemctl.h"
#include "cli/commands.h"
#include "node/client/space.h"
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define END_TRIES    250u
#define END_PAUSE_NS 20000000 /* 20 ms */

struct service {
    struct cli_context *c;
    struct node_paths paths;
    char path[NODE_PATH_MAX]; /* of the unit */
    const char *unit;         /* its name, in `path` */
    char space[NODE_SPACE_NAME_MAX];
    char program[NODE_PATH_MAX];
    struct cht_buf wanted, found; /* the unit as it should be, and as it is; empty: there is none */
};

/* --- what is there --------------------------------------------------------------------------- */

static enum cht_err find_program(struct service *s)
{
    const ssize_t len = readlink("/proc/self/exe", s->program, sizeof s->program - 1);
    if (len <= 0)
        return node_fault_set(&s->c->fault, CHT_E_IO, cht_bytes(NULL, 0),
                              "where this program is cannot be told: %s", strerror(errno));
    s->program[len] = '\0';
    return CHT_OK;
}

static enum cht_err write_wanted(struct service *s)
{
    const char *home = getenv("CHITTY_HOME");
    const bool own = home != NULL && home[0] != '\0';
    const struct service_unit unit = { .program = s->program,
                                       .flags = s->c->given,
                                       .flag_count = s->c->given_count,
                                       .folders = { s->paths.data, own ? NULL : s->paths.state },
                                       .runtime = !own,
                                       .space = s->space,
                                       .sandbox = service_may_sandbox() };
    enum cht_err err = service_unit_write(&unit, &s->wanted);
    return err == CHT_E_INVALID
               ? node_fault_set(&s->c->fault, err, cht_bytes(NULL, 0),
                                "a path or address has a character that a unit cannot carry")
               : cli_fail(s->c, err);
}

static enum cht_err read_found(struct service *s)
{
    uint8_t piece[4096];
    const int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? CHT_OK
                   : node_fault_set(&s->c->fault, CHT_E_IO, cht_bytes(NULL, 0),
                                    "cannot read %s: %s", s->path, strerror(errno));
    enum cht_err err = CHT_OK;
    ssize_t got = 0;
    while (err == CHT_OK && (got = read(fd, piece, sizeof piece)) > 0)
        err = cht_buf_add(&s->found, cht_bytes(piece, (size_t)got));
    (void)close(fd);
    return cli_fail(s->c, got < 0 ? CHT_E_IO : err);
}

static enum cht_err look(struct service *s)
{
    struct cht_error detail = { 0 };
    enum cht_err err = node_paths_find(&detail, &s->paths);
    if (err == CHT_OK)
        err = node_paths_unit(&detail, s->path);
    struct node_paths base;
    if (err == CHT_OK)
        err = node_paths_base(&detail, &base);
    if (err == CHT_OK)
        err = node_space_chosen(&base, &detail, s->space);
    if (err != CHT_OK)
        return node_fault_from(&s->c->fault, err, &detail);
    s->unit = strrchr(s->path, '/') + 1;
    err = find_program(s);
    if (err == CHT_OK)
        err = write_wanted(s);
    return err == CHT_OK ? read_found(s) : err;
}

static bool lingers(void)
{
    char path[512];
    const struct passwd *user = getpwuid(geteuid());
    (void)snprintf(path, sizeof path, "/var/lib/systemd/linger/%.200s",
                   user == NULL ? "" : user->pw_name);
    return user != NULL && access(path, F_OK) == 0;
}

static bool is_state(const struct service *s, const char *verb)
{
    const char *const words[] = { verb, "--quiet", s->unit, NULL };
    return systemctl_user(words, NULL, 0);
}

/* The next line of a text that begins so; `*at` goes on behind it. Empty: no more. */
static struct cht_bytes next_line(struct cht_bytes text, size_t *at, const char *begin)
{
    const size_t wanted = strlen(begin);
    while (*at < text.len) {
        const uint8_t *from = text.data + *at;
        const uint8_t *end = memchr(from, '\n', text.len - *at);
        const size_t len = end == NULL ? text.len - *at : (size_t)(end - from);
        *at += len + 1;
        if (len >= wanted && memcmp(from, begin, wanted) == 0)
            return cht_bytes(from, len);
    }
    return cht_bytes(NULL, 0);
}

/* Are these the same lines in both units? */
static bool same_lines(const struct service *s, const char *begin)
{
    size_t a = 0, b = 0;
    struct cht_bytes one, other;
    do {
        one = next_line(cht_buf_view(&s->found), &a, begin);
        other = next_line(cht_buf_view(&s->wanted), &b, begin);
        if (!cht_bytes_eq(one, other))
            return false;
    } while (one.len != 0);
    return true;
}

/* Is the unit that is there what this build would write, but for the flags of `run`? */
static bool is_current(const struct service *s)
{
    size_t at = 0, from = 0;
    const struct cht_bytes found = cht_buf_view(&s->found), wanted = cht_buf_view(&s->wanted);
    const struct cht_bytes has = next_line(found, &at, "ExecStart=");
    const struct cht_bytes would = next_line(wanted, &from, "ExecStart=");
    const size_t before = at - has.len, after = found.len - at;
    return has.len >= would.len && memcmp(has.data, would.data, would.len) == 0 &&
           before == from - would.len && memcmp(found.data, wanted.data, before) == 0 &&
           after == wanted.len - from && memcmp(found.data + at, wanted.data + from, after) == 0;
}

/* --- telling --------------------------------------------------------------------------------- */

static void put_flag(struct cli_out *out, const char *name, bool value)
{
    cli_printf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void tell(const struct service *s, bool changed)
{
    struct cli_out *out = &s->c->out;
    const bool installed = s->found.len != 0, manager = systemctl_there();
    const bool current = installed && is_current(s);
    const bool enabled = manager && installed && is_state(s, "is-enabled");
    const bool active = manager && installed && is_state(s, "is-active");
    if (s->c->json) {
        cli_json_begin(out, "service-unit");
        cli_put_text(out, "{\"unit\":");
        cli_json_text(out, cht_bytes_str(s->path));
        put_flag(out, "installed", installed);
        put_flag(out, "current", current);
        put_flag(out, "changed", changed);
        put_flag(out, "manager", manager);
        put_flag(out, "enabled", enabled);
        put_flag(out, "active", active);
        put_flag(out, "linger", lingers());
        cli_put_char(out, '}');
        cli_json_end(out);
        return;
    }
    cli_put_text(out, "unit:     ");
    cli_put_line(out, cht_bytes_str(s->path));
    cli_printf(out, "\nservice:  %s",
               !installed ? "not installed"
               : !manager ? "installed; no manager to ask"
               : active   ? "running"
               : enabled  ? "enabled, not running: journalctl --user -u "
                          : "installed, not enabled: chitty-node service install");
    if (enabled && !active)
        cli_put_text(out, s->unit);
    if (installed && !current)
        cli_put_text(out,
                     "\nunit:     another build or home, or changed by hand: chitty-node service "
                     "install writes it anew");
    if (installed && manager)
        cli_put_text(out, lingers() ? "\nlinger:   on: it runs from boot on"
                                    : "\nlinger:   off: it ends at logout; loginctl enable-linger "
                                      "lets it run from boot on");
    cli_put_char(out, '\n');
}

static enum cht_err status(struct service *s)
{
    tell(s, false);
    return CHT_OK;
}

/* --- installing ------------------------------------------------------------------------------ */

static enum cht_err no_manager(struct service *s)
{
    (void)node_fault_set(&s->c->fault, CHT_E_UNSUPPORTED, cht_bytes(NULL, 0),
                         "no systemd user manager answers here: nothing was installed");
    node_fault_hint(
        &s->c->fault,
        "without systemd: (crontab -l; echo '@reboot %s run') | crontab -; with it: log "
        "in as this user itself (not by su), or see --print",
        s->program);
    return CHT_E_UNSUPPORTED;
}

/* Folders above the unit as any program makes them: others may look, not write. */
static bool make_folders(const char *path)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *at = strchr(folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return true;
}

static enum cht_err write_unit(struct service *s)
{
    char beside[NODE_PATH_MAX + 8];
    (void)snprintf(beside, sizeof beside, "%s.new", s->path);
    int fd =
        make_folders(s->path) ? open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    bool good = fd >= 0 && write(fd, s->wanted.data, s->wanted.len) == (ssize_t)s->wanted.len;
    if (fd >= 0)
        good = close(fd) == 0 && good;
    if (!good || rename(beside, s->path) != 0)
        return node_fault_set(&s->c->fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot write %s: %s",
                              s->path, strerror(errno));
    return CHT_OK;
}

static enum cht_err ignore(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    (void)answer;
    return CHT_OK;
}

/* A node that a client or a person started has the home: it ends, so that the service's can run. */
static enum cht_err end_other_node(struct service *s)
{
    struct cli_context *c = s->c;
    struct cli_request r;
    struct node_fault quiet = { 0 };
    struct cli_backend other = { 0 };
    if (is_state(s, "is-active") || cli_backend_dial(CLI_REACH_HOME, &quiet, &other) != CHT_OK)
        return CHT_OK;
    enum cht_err err = cli_plain_command(c, "stop", &r);
    if (err == CHT_OK)
        err = other.call(&other, cht_buf_view(&r.message), false, ignore, NULL, &c->fault);
    cli_request_clear(&r);
    other.close(&other);
    for (unsigned tries = 0; err == CHT_OK && tries < END_TRIES; tries++) {
        const struct timespec pause = { .tv_nsec = END_PAUSE_NS };
        struct node_home *home;
        if (node_home_open(false, &quiet, &home) == CHT_OK) {
            node_home_close(home);
            return CHT_OK;
        }
        (void)nanosleep(&pause, NULL);
    }
    return err == CHT_OK ? node_fault_set(&c->fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                                          "the node that runs does not end")
                         : err;
}

static enum cht_err start(struct service *s, bool changed)
{
    static const char *const reload[] = { "daemon-reload", NULL };
    const char *const enable[] = { "enable", "--quiet", s->unit, NULL };
    const char *const begin[] = { changed ? "restart" : "start", s->unit, NULL };
    enum cht_err err = CHT_OK;
    if (!systemctl_user(reload, NULL, 0) || !systemctl_user(enable, NULL, 0))
        err = node_fault_set(&s->c->fault, CHT_E_IO, cht_bytes(NULL, 0), "systemd does not take %s",
                             s->path);
    if (err == CHT_OK)
        err = end_other_node(s);
    if (err == CHT_OK && !systemctl_user(begin, NULL, 0))
        err = node_fault_set(&s->c->fault, CHT_E_IO, cht_bytes(NULL, 0), "the node did not start");
    if (err == CHT_E_IO)
        node_fault_hint(&s->c->fault, "see why: journalctl --user -u %s", s->unit);
    return err;
}

static enum cht_err install(struct service *s)
{
    char key[NODE_PATH_MAX + 16];
    (void)snprintf(key, sizeof key, "%s/device.key", s->paths.data);
    if (access(key, F_OK) != 0) {
        (void)node_fault_set(&s->c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                             "there is no node in %s", s->paths.data);
        node_fault_hint(&s->c->fault, "make one: chitty-node init");
        return CHT_E_NOTFOUND;
    }
    if (s->found.len != 0 && !same_lines(s, "Environment=")) {
        (void)node_fault_set(&s->c->fault, CHT_E_EXISTS, cht_bytes(NULL, 0),
                             "%s runs the node of another home", s->path);
        node_fault_hint(&s->c->fault, "chitty-node service remove, then install it for this one");
        return CHT_E_EXISTS;
    }
    if (!systemctl_there())
        return no_manager(s);
    struct cht_error detail = { 0 };
    enum cht_err err = node_path_make(s->paths.state, &detail);
    if (err != CHT_OK)
        return node_fault_from(&s->c->fault, err, &detail);
    const bool changed = !cht_bytes_eq(cht_buf_view(&s->found), cht_buf_view(&s->wanted));
    if (changed)
        err = write_unit(s);
    if (err == CHT_OK)
        err = start(s, changed);
    cht_buf_reset(&s->found);
    if (err == CHT_OK)
        err = read_found(s);
    if (err == CHT_OK)
        tell(s, changed);
    return err;
}

/* --- removing -------------------------------------------------------------------------------- */

/* The folders above the unit go as far as they are empty: they may have been made for it. */
static void remove_folders(const char *path)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (unsigned i = 0; i < 2; i++) {
        char *slash = strrchr(folder, '/');
        if (slash == NULL)
            return;
        *slash = '\0';
        if (rmdir(folder) != 0)
            return;
    }
}

static enum cht_err uninstall(struct service *s)
{
    const char *const disable[] = { "disable", "--now", "--quiet", s->unit, NULL };
    static const char *const reload[] = { "daemon-reload", NULL };
    const char *const forget[] = { "reset-failed", s->unit, NULL };
    char wants[NODE_PATH_MAX + 64];
    const bool there = s->found.len != 0, manager = systemctl_there();
    if (manager && there)
        (void)systemctl_user(disable, NULL, 0);
    (void)snprintf(wants, sizeof wants, "%.*s/default.target.wants",
                   (int)(strrchr(s->path, '/') - s->path), s->path);
    const size_t len = strlen(wants);
    (void)snprintf(wants + len, sizeof wants - len, "/%s", s->unit);
    (void)unlink(wants); /* gone already where the manager did it */
    wants[len] = '\0';
    (void)rmdir(wants);
    if (unlink(s->path) != 0 && errno != ENOENT && errno != ENOTDIR)
        return node_fault_set(&s->c->fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot remove %s: %s",
                              s->path, strerror(errno));
    remove_folders(s->path);
    if (manager && there) {
        (void)systemctl_user(reload, NULL, 0);
        (void)systemctl_user(forget, NULL, 0);
    }
    cht_buf_reset(&s->found);
    tell(s, there);
    return CHT_OK;
}

/* --- the command ----------------------------------------------------------------------------- */

static enum cht_err act(struct service *s)
{
    static const struct {
        const char *name;
        enum cht_err (*run)(struct service *s);
    } acts[] = { { "install", install }, { "remove", uninstall }, { "status", status } };
    if (cli_flag(s->c, "print") != NULL) {
        cli_put(&s->c->out, cht_buf_view(&s->wanted));
        return CHT_OK;
    }
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(s->c->args[0], acts[i].name) == 0)
            return acts[i].run(s);
    }
    return CHT_E_INTERNAL; /* run() has looked */
}

static enum cht_err run(struct cli_context *c)
{
    const char *what = c->args[0];
    if (strcmp(what, "install") != 0 && strcmp(what, "remove") != 0 && strcmp(what, "status") != 0)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "what about the service: install, remove or status?");
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return cli_fail(c, CHT_E_NOMEM);
    s->c = c;
    cht_buf_init(&s->wanted, SERVICE_UNIT_MAX);
    cht_buf_init(&s->found, SERVICE_UNIT_MAX);
    enum cht_err err = look(s);
    if (err == CHT_OK)
        err = act(s);
    cht_buf_clear(&s->wanted);
    cht_buf_clear(&s->found);
    free(s);
    return err;
}

static const struct cli_flag flags[] = {
    { "print", NULL, "print the unit that install would write, and change nothing" },
    { "listen", "HOST:PORT", "as of run; several times for several" },
    { "peer", "HOST:PORT", "as of run; several times" },
    { "no-discovery", NULL, "as of run" },
    { "no-observe", NULL, "as of run" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_service = {
    .name = "service",
    .summary = "Run the node as a systemd service of this user.",
    .arguments = "install|remove|status",
    .details = "`install` writes a unit for the systemd manager of this user, enables "
               "and starts it; a node that runs already gives way. Doing it again "
               "changes nothing; with other flags the unit is written anew and the node "
               "started again.\n"
               "\n"
               "The unit lets the node write to its own folders alone, keeps it from new"
               " privileges and bounds its memory; what of that needs namespaces is left"
               " out where the kernel gives users none. A node that fails is started "
               "again at most five times a minute, and not at all where that cannot help"
               " (statuses 2, 4, 5 and 7). It runs while its user is logged in; with "
               "`loginctl enable-linger` from boot on. Where no manager answers nothing "
               "is changed, and the message tells another way.\n"
               "\n"
               "`remove` stops it, and takes away all that `install` made; the home "
               "stays. `status` tells whether it is installed, enabled, running, and "
               "what this build would install.",
    .group = CLI_SETUP,
    .kind = "service-unit",
    .examples = "chitty-node service install\n"
                "chitty-node service install --print --listen 0.0.0.0:7447\n"
                "chitty-node service status --json",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
