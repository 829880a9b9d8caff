/* What the log says of devices that speak with two voices; see own.h. */
#include "node/daemon/own.h"

void daemon_twins_begin(struct node_daemon *d)
{
    (void)node_replica_forks(d->home.replica, &d->forks_logged);
    d->elsewhere_logged = node_replica_twins(d->home.replica).elsewhere;
}

void daemon_twins_tell(struct node_daemon *d)
{
    size_t count;
    char hex[9];
    const struct node_fork *forks = node_replica_forks(d->home.replica, &count);
    for (; d->forks_logged < count; d->forks_logged++)
        daemon_log("warning", "device %s signed two entries with number %u: both are kept",
                   daemon_short(forks[d->forks_logged].id.device, hex), forks[d->forks_logged].seq);
    const uint64_t elsewhere = node_replica_twins(d->home.replica).elsewhere;
    if (elsewhere != d->elsewhere_logged)
        daemon_log("warning",
                   "%llu entries of this device were written by another process: does a copy of "
                   "this home run? See chitty-node doctor",
                   (unsigned long long)(elsewhere - d->elsewhere_logged));
    d->elsewhere_logged = elsewhere;
}
