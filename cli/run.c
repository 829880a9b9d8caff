/* chitty-node run */
#include "cli/commands.h"
#include "node/node.h"

#include <stdlib.h>

/* All values of a flag that may be given several times. */
static size_t collect(const struct cli_context *c, const char *name, const char **out)
{
    size_t n = 0;
    for (size_t i = 0; i < c->given_count; i++) {
        if (c->given[i].flag != NULL && strcmp(c->given[i].flag->name, name) == 0)
            out[n++] = c->given[i].value;
    }
    return n;
}

/* For nodes that clients start: they pass no flag on. */
static bool unwanted(const char *variable)
{
    const char *set = getenv(variable);
    return set != NULL && set[0] != '\0' && strcmp(set, "0") != 0;
}

static enum cht_err run(struct cli_context *c)
{
    uint64_t ready = 0, lease = 0;
    enum cht_err err = cli_flag_uint(c, "ready-fd", 0, 65535, 0, &ready);
    if (err == CHT_OK)
        err = cli_flag_uint(c, "lease", 1, 86400, 0, &lease);
    if (err != CHT_OK)
        return err;
    const char **listen = calloc(2 * c->given_count + 1, sizeof *listen);
    if (listen == NULL)
        return node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
    const char **peers = listen + c->given_count;
    const struct node_run_options options = {
        .listen = listen,
        .listen_count = collect(c, "listen", listen),
        .peers = peers,
        .peer_count = collect(c, "peer", peers),
        .no_discovery = cli_flag(c, "no-discovery") != NULL || unwanted("CHITTY_NO_DISCOVERY"),
        .no_observe = cli_flag(c, "no-observe") != NULL || unwanted("CHITTY_NO_OBSERVE"),
        .autostarted = cli_flag(c, "autostarted") != NULL,
        .lease_s = (uint32_t)lease,
        .ready_fd = cli_flag(c, "ready-fd") == NULL ? -1 : (int)ready,
    };
    err = node_run(&options, &c->fault);
    free(listen);
    return err;
}

static const struct cli_flag flags[] = {
    { "listen", "HOST:PORT", "where peers may connect; several times for several" },
    { "peer", "HOST:PORT", "a peer to connect to besides those remembered; several times" },
    { "no-discovery", NULL, "neither announce this node on the network nor look for others" },
    { "no-observe", NULL, "do not start chitty-observe" },
    { "lease", "SECONDS", "a claim lapses after so long without a sign of life; usually 900" },
    { "autostarted", NULL, "as clients start it: ends after some idle minutes" },
    { "ready-fd", "N", "write + to this descriptor when ready" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_run = {
    .name = "run",
    .summary = "Run the node in the foreground until it is told to end.",
    .arguments = "",
    .details = "It runs until SIGTERM, SIGINT or `chitty-node stop`. With "
               "`--autostarted` it ends after some idle minutes unless the space has "
               "other devices, and makes the home where there is none. To the descriptor"
               " of `--ready-fd` it writes `+` when the socket listens, or `!` and a "
               "sentence when it gives up.\n"
               "\n"
               "# Discovery\n"
               "A running node announces itself on the local network and finds the other"
               " devices of its space there, by multicast DNS. `chitty-discover`, a "
               "process of its own that stands beside `chitty-node` and is started by "
               "it, speaks with avahi-daemon(8); it holds no keys. What is announced "
               "changes every hour and tells strangers neither the space nor the device."
               " A device that was found is a place to dial, no more: the key it has to "
               "show is known before. Without the helper, a system bus or an "
               "avahi-daemon, devices meet at the addresses they remember, and at those "
               "of `--peer`.\n"
               "\n"
               "# Observing\n"
               "`chitty-observe` stands beside `chitty-node`, is started with it and ends "
               "with it. As a client of the node it keeps current what is true on this "
               "machine: the clones that `chitty repo add` made known, how services look "
               "from here, whether the processes of sessions live; and it announces "
               "reminders: of the machines that are connected one does, those that are apart may "
               "each do. Where there is nothing to look after it sleeps.",
    .group = CLI_SETUP,
    .kind = "",
    .examples = "chitty-node run\n"
                "chitty-node run --listen 0.0.0.0:7400 --peer desktop.local:7400 --no-discovery",
    .args_max = 0,
    .flags = flags,
    .run = run,
};
