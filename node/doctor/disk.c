/* What the home lies on: does fsync mean anything there, and is there room; see doctor.h. */
#include "node/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define PROBES      9u /* writes measured; their median counts */
#define PROBE_BYTES 4096u
#define LIE_US      8u      /* no medium takes a write in less; the fastest measured needs 20 */
#define SLOW_US     250000u /* each change of a person takes as long */
#define ROOM_LOW    (256ull * 1024 * 1024)
#define ROOM_NONE   (16ull * 1024 * 1024)

struct kind {
    uint64_t kind;
    const char *name;
};

static const char *name_of(const struct kind *kinds, size_t count, uint64_t kind)
{
    for (size_t i = 0; i < count; i++) {
        if (kinds[i].kind == (kind & UINT32_MAX)) /* some are sign-extended */
            return kinds[i].name;
    }
    return NULL;
}

const char *doctor_memory_disk(uint64_t kind)
{
    static const struct kind kinds[] = { { 0x01021994, "tmpfs" }, { 0x858458f6, "ramfs" } };
    return name_of(kinds, sizeof kinds / sizeof kinds[0], kind);
}

const char *doctor_network_disk(uint64_t kind)
{
    static const struct kind kinds[] = {
        { 0x6969, "NFS" },        { 0x517b, "SMB" },      { 0xff534d42, "CIFS" },
        { 0xfe534d42, "SMB2" },   { 0x01021997, "9P" },   { 0x00c36400, "Ceph" },
        { 0x5346414f, "AFS" },    { 0x6b414653, "kAFS" }, { 0x73757245, "Coda" },
        { 0x0bd00bd0, "Lustre" }, { 0x47504653, "GPFS" }, { 0x20030528, "OrangeFS" },
    };
    return name_of(kinds, sizeof kinds / sizeof kinds[0], kind);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* The median of some writes with their fsync, µs; 0 with errno: one failed. */
static uint64_t measure(int fd)
{
    static const uint8_t block[PROBE_BYTES] = { 1 };
    uint64_t took[PROBES];
    for (size_t i = 0; i < PROBES; i++) {
        const uint64_t start = now_us();
        if (pwrite(fd, block, sizeof block, (off_t)(i * sizeof block)) != (ssize_t)sizeof block ||
            fsync(fd) != 0)
            return 0;
        took[i] = now_us() - start;
    }
    qsort(took, PROBES, sizeof took[0], by_value);
    return took[PROBES / 2] == 0 ? 1 : took[PROBES / 2];
}

static void say_failed(struct doctor *d, int why)
{
    const bool full = why == ENOSPC || why == EDQUOT;
    doctor_say(d->report, DOCTOR_PROBLEM, full ? "disk.full" : "disk.write",
               "nothing can be written to %s: %s", d->paths.data, strerror(why));
    if (full)
        doctor_remedy(d->report, "make room on that disk; the node goes on by itself");
    else
        doctor_remedy(d->report, "look at the disk and its mount: findmnt -T '%s'; dmesg",
                      d->paths.data);
}

static void look_at_fsync(struct doctor *d, bool in_memory)
{
    char path[NODE_PATH_MAX];
    if (snprintf(path, sizeof path, "%.4000s/doctor.%ld", d->paths.data, (long)getpid()) < 0)
        return;
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const uint64_t us = fd < 0 ? 0 : measure(fd);
    const int why = errno;
    if (fd >= 0) {
        (void)unlink(path);
        (void)close(fd);
    }
    if (us == 0) {
        say_failed(d, why);
    } else if (us < LIE_US && !in_memory) {
        doctor_say(d->report, DOCTOR_WARNING, "disk.fsync",
                   "an fsync in %s takes %llu µs: nothing is that fast, it is not carried out",
                   d->paths.data, (unsigned long long)us);
        doctor_remedy(d->report, "run without eatmydata, LD_PRELOAD and disks that are mounted "
                                 "volatile");
    } else if (us > SLOW_US) {
        doctor_say(d->report, DOCTOR_WARNING, "disk.slow",
                   "an fsync in %s takes %llu ms, and each change waits for one", d->paths.data,
                   (unsigned long long)(us / 1000));
        doctor_remedy(d->report, "look at the disk: dmesg; smartctl -a");
    } else if (!in_memory) {
        doctor_say(d->report, DOCTOR_OK, "disk.fsync", "a write with its fsync takes %llu µs",
                   (unsigned long long)us);
    }
}

static void look_at_room(struct doctor *d)
{
    struct statvfs vfs;
    if (statvfs(d->paths.data, &vfs) != 0)
        return;
    const unsigned long long room = (unsigned long long)vfs.f_bavail * vfs.f_frsize;
    if (room < ROOM_LOW) {
        doctor_say(d->report, room < ROOM_NONE ? DOCTOR_PROBLEM : DOCTOR_WARNING, "disk.room",
                   "%llu MiB are left on the disk of %s", room / (1024 * 1024), d->paths.data);
        doctor_remedy(d->report, "make room on that disk");
    } else if (vfs.f_files != 0 && vfs.f_favail < 16) {
        doctor_say(d->report, DOCTOR_PROBLEM, "disk.inodes",
                   "no more files can be made on the disk of %s", d->paths.data);
        doctor_remedy(d->report, "remove files from that disk: df -i '%s'", d->paths.data);
    } else {
        doctor_say(d->report, DOCTOR_OK, "disk.room", "%llu MiB are left on the disk",
                   room / (1024 * 1024));
    }
}

void doctor_disk(struct doctor *d)
{
    struct statfs fs;
    if (statfs(d->paths.data, &fs) != 0)
        return; /* no home: that was said */
    const uint64_t kind = (uint64_t)fs.f_type;
    const char *memory = doctor_memory_disk(kind), *network = doctor_network_disk(kind);
    if (memory != NULL) {
        doctor_say(d->report, DOCTOR_WARNING, "disk.memory",
                   "%s is on %s, in memory: what is acknowledged is gone with the power",
                   d->paths.data, memory);
        doctor_remedy(d->report, "move the home to a disk, with CHITTY_HOME or XDG_DATA_HOME");
    } else if (network != NULL) {
        doctor_say(d->report, DOCTOR_WARNING, "disk.network",
                   "%s is on %s, over the network: neither the lock nor SQLite's WAL can be "
                   "relied upon there",
                   d->paths.data, network);
        doctor_remedy(d->report,
                      "move the home to a disk of this machine, with CHITTY_HOME or XDG_DATA_HOME");
    }
    look_at_fsync(d, memory != NULL);
    look_at_room(d);
}
