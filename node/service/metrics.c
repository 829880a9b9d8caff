/* The answer to `metrics`: figures of the replica, its file and this process, then those of the
 * daemon; see own.h (LOCAL 6.1). */
#include "node/client/paths.h"
#include "node/service/figures.h"
#include "node/service/own.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_replica(struct service_figures *f, const struct node_service *s)
{
    const struct node_replica_counts counts = node_replica_count(s->replica);
    service_figure(f, "chitty_entries", FIGURE_GAUGE, "", "Entries held of all devices.",
                   (double)counts.entries);
    service_figure(f, "chitty_entries_waiting", FIGURE_GAUGE, "",
                   "Entries held that wait for others.", (double)counts.waiting);
    service_figure(f, "chitty_ops_void", FIGURE_GAUGE, "", "Ops that are kept but void.",
                   (double)counts.voids);
    service_figure(f, "chitty_entities", FIGURE_GAUGE, "", "Entities that some entry spells.",
                   counts.entities);
    service_figure(f, "chitty_chains", FIGURE_GAUGE, "", "Paths of entries, branches included.",
                   counts.chains);
    service_figure(f, "chitty_devices", FIGURE_GAUGE, "", "Devices ever admitted to the space.",
                   counts.devices);
    service_figure(f, "chitty_read_only", FIGURE_GAUGE, "",
                   "1 while the database cannot be written.", s->read_only != CHT_OK);
}

static double size_of(const char *path, const char *ending)
{
    char whole[NODE_PATH_MAX];
    struct stat st;
    int len = snprintf(whole, sizeof whole, "%s%s", path, ending);
    return len > 0 && (size_t)len < sizeof whole && stat(whole, &st) == 0 ? (double)st.st_size : 0;
}

static void put_file(struct service_figures *f, const struct node_service *s)
{
    static const char *const database[] = { "file", "database", NULL };
    static const char *const wal[] = { "file", "wal", NULL };
    const struct node_syncs syncs = node_store_syncs();
    service_family(f, "chitty_store_bytes", FIGURE_GAUGE, "bytes", "Size of the files.");
    service_sample(f, "", database, size_of(s->path, ""));
    service_sample(f, "", wal, size_of(s->path, "-wal"));
    service_figure(f, "chitty_fsyncs", FIGURE_COUNTER, "", "Files synced to the disk.",
                   (double)syncs.count);
    service_figure(f, "chitty_fsync_failures", FIGURE_COUNTER, "", "Syncs that failed.",
                   (double)syncs.failures);
    service_figure(f, "chitty_fsync_seconds", FIGURE_COUNTER, "seconds", "Time spent in syncs.",
                   (double)syncs.us / 1e6);
}

static double resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void put_process(struct service_figures *f)
{
    static const char *const labels[] = { "version", CHT_VERSION, NULL };
    struct rusage usage = { 0 };
    (void)getrusage(RUSAGE_SELF, &usage);
    service_family(f, "chitty_build", FIGURE_INFO, "", "What is running.");
    service_sample(f, "_info", labels, 1);
    service_figure(f, "chitty_resident_memory_bytes", FIGURE_GAUGE, "bytes",
                   "Memory of the process.", resident_bytes());
    service_figure(f, "chitty_cpu_seconds", FIGURE_COUNTER, "seconds",
                   "Processor time of the process.",
                   (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

void service_metrics(struct node_service *s, const struct service_caller *c)
{
    struct service_figures f;
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    service_figures_begin(&f, &result);
    put_process(&f);
    put_replica(&f, s);
    put_file(&f, s);
    if (s->net.figures != NULL)
        s->net.figures(s->net.ctx, &f);
    enum cht_err err = service_figures_end(&f);
    if (err == CHT_OK)
        service_answer_result(s, c, cht_buf_view(&result));
    else
        service_fail(s, c, err, "");
    cht_buf_clear(&result);
}
