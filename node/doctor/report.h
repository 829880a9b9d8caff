#ifndef NODE_DOCTOR_REPORT_H
#define NODE_DOCTOR_REPORT_H
/* What the doctor found, in the order in which it looked. */
#include <stdbool.h>
#include <stddef.h>

/* How bad it is. Only a problem makes the command fail. */
enum doctor_severity {
    DOCTOR_OK,      /* looked at, and well */
    DOCTOR_NOTE,    /* worth knowing; nothing has to be done */
    DOCTOR_WARNING, /* works, and will one day hurt */
    DOCTOR_PROBLEM, /* does not work, or is not safe */
    DOCTOR_SEVERITY_COUNT
};

#define DOCTOR_TEXT_MAX     512u
#define DOCTOR_FINDINGS_MAX 256u /* more of them help nobody */

struct doctor_finding {
    enum doctor_severity severity;
    const char *check;            /* "keys.mode": stable, static */
    char text[DOCTOR_TEXT_MAX];   /* a sentence */
    char remedy[DOCTOR_TEXT_MAX]; /* a command or a sentence; empty: none is needed */
};

/* Zero is empty. */
struct doctor_report {
    struct doctor_finding *items;
    size_t count, cap;
    size_t counts[DOCTOR_SEVERITY_COUNT]; /* those beyond DOCTOR_FINDINGS_MAX too */
    bool lost;                            /* there was no memory for one */
};
void doctor_report_clear(struct doctor_report *r);

/* "ok", "note", "warning", "problem". */
const char *doctor_severity_name(enum doctor_severity severity);
/* Add a finding; too long a text is cut at a character. */
void doctor_say(struct doctor_report *r, enum doctor_severity severity, const char *check,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Add the remedy of the last finding said. */
void doctor_remedy(struct doctor_report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Has a finding of this severity been said since `from` (an earlier `count`)? */
bool doctor_said(const struct doctor_report *r, enum doctor_severity severity, size_t from);

#endif
