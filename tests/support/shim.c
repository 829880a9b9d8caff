/* Loaded before the C library (LD_PRELOAD) so that a program finds another machine around it:
 *   CHITTY_SHIM_CLOCK_S   the wall clock is so many seconds ahead (or, negative, behind)
 *   CHITTY_SHIM_KEPT      1: the kernel says that the clock is kept; 0: that it is not
 *   CHITTY_SHIM_FSYNC     lie: nothing is done; slow: 300 ms more; fail: EIO; dead: EIO from then
 *                         on; kill: SIGKILL
 *   CHITTY_SHIM_ARMED     a file, with CHITTY_SHIM_NTH: the three last happen to the n-th fsync (or
 *                         fdatasync) after the file was made, once; the file is then removed */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *out)
{
    const char *shift = getenv("CHITTY_SHIM_CLOCK_S");
    const int result = (int)syscall(SYS_clock_gettime, id, out);
    if (result == 0 && id == CLOCK_REALTIME && shift != NULL)
        out->tv_sec += strtol(shift, NULL, 10);
    return result;
}

int adjtimex(struct timex *t)
{
    const char *kept = getenv("CHITTY_SHIM_KEPT");
    if (kept == NULL)
        return (int)syscall(SYS_adjtimex, t);
    t->status = kept[0] == '1' ? 0 : STA_UNSYNC;
    return kept[0] == '1' ? TIME_OK : TIME_ERROR;
}

/* Is it this one's turn? */
static int due(void)
{
    static long passed;
    const char *armed = getenv("CHITTY_SHIM_ARMED"), *nth = getenv("CHITTY_SHIM_NTH");
    if (armed == NULL)
        return 1;
    if (access(armed, F_OK) != 0 || nth == NULL || ++passed != strtol(nth, NULL, 10))
        return 0;
    (void)unlink(armed);
    return 1;
}

static int sync_as(long number, int fd)
{
    const char *how = getenv("CHITTY_SHIM_FSYNC");
    const struct timespec pause = { .tv_nsec = 300000000 };
    static int dead;
    if (how != NULL && strcmp(how, "dead") == 0 && (dead || due())) {
        dead = 1;
        errno = EIO;
        return -1;
    }
    if (how != NULL && strcmp(how, "lie") == 0)
        return 0;
    if (how != NULL && strcmp(how, "fail") == 0 && due()) {
        errno = EIO;
        return -1;
    }
    if (how != NULL && strcmp(how, "kill") == 0 && due())
        (void)kill(getpid(), SIGKILL);
    if (how != NULL && strcmp(how, "slow") == 0)
        (void)nanosleep(&pause, NULL);
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    return sync_as(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_as(SYS_fdatasync, fd);
}
