/* The systemd user unit; see service_unit.h.
 *
 * What a user's manager can enforce: everything of the first block by prctl, seccomp and cgroups.
 * The second block needs namespaces, which a user has only through a user namespace (PrivateUsers);
 * where the kernel refuses those, a unit that asks for them does not start, so it is left out. */
#include "cli/base/service_unit.h"

#include "node/client/paths.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static const char head[] = "# Written by: chitty-node service install\n"
                           "[Unit]\n"
                           "Description=chitty-node: todos, topics, projects and sessions\n"
                           "Documentation=man:chitty-node(1)\n"
                           "StartLimitIntervalSec=60\n"
                           "StartLimitBurst=5\n"
                           "\n"
                           "[Service]\n"
                           "Type=notify\n"
                           "NotifyAccess=main\n";

/* Statuses that another try does not change: usage, not allowed, another node has the home, no home
 * (cli_exit_status). A start that has much to fold anew is not cut off, as it would be for ever. */
static const char after_start[] = "Restart=on-failure\n"
                                  "RestartSec=2\n"
                                  "RestartPreventExitStatus=2 4 5 7\n"
                                  "TimeoutStartSec=600\n"
                                  "TimeoutStopSec=30\n"
                                  "KillMode=mixed\n"
                                  "UMask=0077\n"
                                  "LimitCORE=0\n"
                                  "MemoryHigh=384M\n"
                                  "MemoryMax=512M\n"
                                  "TasksMax=64\n"
                                  "NoNewPrivileges=yes\n"
                                  "LockPersonality=yes\n"
                                  "MemoryDenyWriteExecute=yes\n"
                                  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
                                  "RestrictNamespaces=yes\n"
                                  "RestrictRealtime=yes\n"
                                  "RestrictSUIDSGID=yes\n"
                                  "SystemCallArchitectures=native\n"
                                  "SystemCallErrorNumber=EPERM\n"
                                  "SystemCallFilter=@system-service\n"
                                  "SystemCallFilter=~@privileged\n";

/* Not "~@resources": ZeroMQ's threads set their scheduling to what it is, and abort when denied. */
static const char sandbox[] = "PrivateUsers=yes\n"
                              "ProtectSystem=strict\n"
                              "ProtectHome=read-only\n"
                              "ProtectClock=yes\n"
                              "ProtectControlGroups=yes\n"
                              "ProtectHostname=yes\n"
                              "ProtectKernelLogs=yes\n"
                              "ProtectKernelModules=yes\n"
                              "ProtectKernelTunables=yes\n"
                              "PrivateDevices=yes\n"
                              "CapabilityBoundingSet=\n";

static const char tail[] = "\n"
                           "[Install]\n"
                           "WantedBy=default.target\n";

static enum cht_err put(struct cht_buf *out, const char *text)
{
    return cht_buf_add(out, cht_bytes_str(text));
}

/* A word in quotes: backslashes, quotes and what systemd expands are escaped. `$` is expanded in
 * commands alone. */
static enum cht_err put_quoted(struct cht_buf *out, const char *word, bool command)
{
    enum cht_err err = put(out, "\"");
    for (const char *at = word; err == CHT_OK && *at != '\0'; at++) {
        const unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == 0x7f)
            return CHT_E_INVALID;
        if (c == '"' || c == '\\')
            err = put(out, "\\");
        else if (c == '%' || (c == '$' && command))
            err = cht_buf_add(out, cht_bytes(at, 1)); /* doubled */
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_bytes(at, 1));
    }
    return err == CHT_OK ? put(out, "\"") : err;
}

static enum cht_err put_command(const struct service_unit *u, struct cht_buf *out)
{
    enum cht_err err = put(out, "ExecStart=");
    if (err == CHT_OK)
        err = put_quoted(out, u->program, true);
    if (err == CHT_OK)
        err = put(out, " run");
    for (size_t i = 0; err == CHT_OK && i < u->flag_count; i++) {
        const struct cli_given *given = &u->flags[i];
        const char *name = given->flag == NULL ? "" : given->flag->name;
        const bool plain = strcmp(name, "no-discovery") == 0 || strcmp(name, "no-observe") == 0;
        if (!plain && strcmp(name, "listen") != 0 && strcmp(name, "peer") != 0)
            continue;
        err = put(out, " --");
        if (err == CHT_OK)
            err = put(out, name);
        if (err == CHT_OK && !plain)
            err = put(out, " ");
        if (err == CHT_OK && !plain)
            err = put_quoted(out, given->value, true);
    }
    return err == CHT_OK ? put(out, "\n") : err;
}

/* The environment that decides where the home is, as it is now: the manager has its own. */
static enum cht_err put_environment(const struct service_unit *u, struct cht_buf *out)
{
    static const char *const names[] = { "CHITTY_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
                                         "XDG_STATE_HOME" };
    enum cht_err err = put(out, "Environment=CHITTY_SPACE=");
    if (err == CHT_OK)
        err = put(out, u->space);
    if (err == CHT_OK)
        err = put(out, "\n");
    for (size_t i = 0; err == CHT_OK && i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || value[0] != '/')
            continue;
        char pair[NODE_PATH_MAX + 32];
        const int len = snprintf(pair, sizeof pair, "%s=%s", names[i], value);
        if (len < 0 || (size_t)len >= sizeof pair)
            return CHT_E_INVALID;
        if (err == CHT_OK)
            err = put(out, "Environment=");
        if (err == CHT_OK)
            err = put_quoted(out, pair, false);
        if (err == CHT_OK)
            err = put(out, "\n");
    }
    return err;
}

static enum cht_err put_sandbox(const struct service_unit *u, struct cht_buf *out)
{
    bool in_tmp = false;
    enum cht_err err = put(out, sandbox);
    for (size_t i = 0; i < sizeof u->folders / sizeof u->folders[0] && u->folders[i] != NULL; i++) {
        in_tmp |=
            strncmp(u->folders[i], "/tmp/", 5) == 0 || strncmp(u->folders[i], "/var/tmp/", 9) == 0;
        if (err == CHT_OK)
            err = put(out, "ReadWritePaths=");
        if (err == CHT_OK)
            err = put_quoted(out, u->folders[i], false);
        if (err == CHT_OK)
            err = put(out, "\n");
    }
    if (err == CHT_OK && !in_tmp) /* a home in there would be hidden */
        err = put(out, "PrivateTmp=yes\n");
    return err;
}

enum cht_err service_unit_write(const struct service_unit *u, struct cht_buf *out)
{
    enum cht_err err = put(out, head);
    if (err == CHT_OK)
        err = put_command(u, out);
    if (err == CHT_OK)
        err = put_environment(u, out);
    if (err == CHT_OK && u->runtime) /* kept: spaces share it */
        err = put(out, "RuntimeDirectory=chitty\nRuntimeDirectoryMode=0700\n"
                       "RuntimeDirectoryPreserve=yes\n");
    if (err == CHT_OK)
        err = put(out, after_start);
    if (err == CHT_OK && u->sandbox)
        err = put_sandbox(u, out);
    return err == CHT_OK ? put(out, tail) : err;
}

bool service_may_sandbox(void)
{
    const pid_t child = fork();
    if (child == 0) {
        const bool good = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
                          mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
        _exit(good ? 0 : 1);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}
