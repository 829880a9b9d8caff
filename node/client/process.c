/* Processes of this machine; see process.h, proc(5). */
#include "node/client/process.h"

#include "node/client/mpmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STARTED_SLACK_MS 10000u

/* The whole of a small file, with a NUL. */
static bool read_file(const char *path, char *out, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got = 0;
    while (fd >= 0 && len + 1 < size && (got = read(fd, out + len, size - 1 - len)) > 0)
        len += (size_t)got;
    if (fd >= 0)
        (void)close(fd);
    out[len] = '\0';
    return fd >= 0 && got >= 0 && len > 0;
}

/* Field 22; the second one is a name in parentheses that may hold anything. */
static bool read_ticks(const char *stat, uint64_t *out)
{
    const char *at = strrchr(stat, ')');
    for (unsigned field = 2; at != NULL && field < 22; field++) {
        at = strchr(at, ' ');
        at = at == NULL ? NULL : at + 1;
    }
    if (at == NULL)
        return false;
    *out = strtoull(at, NULL, 10);
    return *out != 0;
}

static uint64_t boot_s(void)
{
    char line[256];
    uint64_t s = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file != NULL && s == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "btime ", 6) == 0)
            s = strtoull(line + 6, NULL, 10);
    if (file != NULL)
        (void)fclose(file);
    return s;
}

enum cht_err node_process_find(pid_t pid, struct node_process *out)
{
    char path[64], stat[1024];
    struct node_process p = { .pid = pid };
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    if (pid <= 0 || !read_file(path, stat, sizeof stat) || !read_ticks(stat, &p.ticks))
        return CHT_E_NOTFOUND;
    if (read_file("/proc/sys/kernel/random/boot_id", p.boot, sizeof p.boot))
        p.boot[strcspn(p.boot, "\n")] = '\0';
    const long per_s = sysconf(_SC_CLK_TCK);
    p.started_ms = boot_s() * 1000 + (per_s <= 0 ? 0 : p.ticks * 1000 / (uint64_t)per_s);
    *out = p;
    return CHT_OK;
}

enum cht_err node_process_put(const struct node_process *p, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "pid", (uint64_t)p->pid);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "started", p->started_ms);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "ticks", p->ticks);
    return err == CHT_OK ? node_mp_put_key_text(out, "boot", p->boot) : err;
}

enum cht_err node_process_read(struct cht_bytes map, struct node_process *out)
{
    const uint64_t pid = node_mp_get_uint(map, "pid", 0);
    const struct cht_bytes boot = node_mp_get_str(map, "boot");
    if (pid == 0 || pid > INT32_MAX)
        return CHT_E_INVALID;
    *out = (struct node_process){ .pid = (pid_t)pid,
                                  .started_ms = node_mp_get_uint(map, "started", 0),
                                  .ticks = node_mp_get_uint(map, "ticks", 0) };
    if (boot.len > 0 && boot.len < sizeof out->boot)
        memcpy(out->boot, boot.data, boot.len);
    return CHT_OK;
}

bool node_process_same(const struct node_process *told, const struct node_process *found)
{
    if (told->pid != found->pid)
        return false;
    if (told->ticks != 0 && told->boot[0] != '\0')
        return told->ticks == found->ticks && strcmp(told->boot, found->boot) == 0;
    if (told->started_ms == 0)
        return true;
    return told->started_ms <= found->started_ms + STARTED_SLACK_MS &&
           found->started_ms <= told->started_ms + STARTED_SLACK_MS;
}
