/* What the observer says; see observe.h. The node hands its stderr on. */
#include "bridges/observe/observe.h"

#include <stdarg.h>
#include <stdio.h>

void observe_log(const char *level, const char *format, ...)
{
    va_list args;
    (void)fprintf(stderr, "%s: ", level);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}
