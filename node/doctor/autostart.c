/* The systemd user unit, where there is one: what it starts, and until when; see doctor.h. */
#include "node/doctor/doctor.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The program that the unit starts; false: it has no such line. */
static bool read_program(FILE *unit, char out[static NODE_PATH_MAX])
{
    char line[NODE_PATH_MAX];
    static const char key[] = "ExecStart=";
    while (fgets(line, sizeof line, unit) != NULL) {
        if (strncmp(line, key, sizeof key - 1) != 0)
            continue;
        const char *from = line + sizeof key - 1;
        const char *ends = " \n";
        if (*from == '"') {
            from++;
            ends = "\"\n";
        }
        const size_t len = strcspn(from, ends);
        memcpy(out, from, len);
        out[len] = '\0';
        return true;
    }
    return false;
}

static bool lingers(void)
{
    char path[512];
    const struct passwd *user = getpwuid(geteuid());
    if (user == NULL)
        return true; /* nobody to ask about */
    (void)snprintf(path, sizeof path, "/var/lib/systemd/linger/%.200s", user->pw_name);
    return access(path, F_OK) == 0;
}

void doctor_autostart(struct doctor *d)
{
    char path[NODE_PATH_MAX], program[NODE_PATH_MAX];
    enum cht_err err = node_paths_unit(NULL, path);
    FILE *unit = err == CHT_OK ? fopen(path, "re") : NULL;
    if (unit == NULL)
        return; /* not installed: clients start the node */
    const bool named = read_program(unit, program);
    (void)fclose(unit);
    if (!named || access(program, X_OK) != 0) {
        doctor_say(d->report, DOCTOR_PROBLEM, "service.program",
                   "%s starts a program that is not there", path);
        doctor_remedy(d->report, "chitty-node service install");
    } else if (!lingers()) {
        doctor_say(d->report, DOCTOR_NOTE, "service.linger",
                   "the service ends when its user logs out, and starts at the next login");
        doctor_remedy(d->report, "loginctl enable-linger");
    } else {
        doctor_say(d->report, DOCTOR_OK, "service", "the service runs from boot on");
    }
}
