/* The list of findings; see report.h. */
#include "node/doctor/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void doctor_report_clear(struct doctor_report *r)
{
    free(r->items);
    *r = (struct doctor_report){ 0 };
}

const char *doctor_severity_name(enum doctor_severity severity)
{
    static const char *const names[DOCTOR_SEVERITY_COUNT] = {
        [DOCTOR_OK] = "ok",
        [DOCTOR_NOTE] = "note",
        [DOCTOR_WARNING] = "warning",
        [DOCTOR_PROBLEM] = "problem",
    };
    return names[severity];
}

static void put_text(char out[static DOCTOR_TEXT_MAX], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Format into a finding's room; a text that is cut is cut before a character, not inside. */
static void put_text(char out[static DOCTOR_TEXT_MAX], const char *format, va_list args)
{
    const int len = vsnprintf(out, DOCTOR_TEXT_MAX, format, args);
    if (len < (int)DOCTOR_TEXT_MAX)
        return;
    size_t end = DOCTOR_TEXT_MAX - 1;
    while (end > 0 && ((unsigned char)out[end - 1] & 0xc0u) == 0x80u)
        end--;
    if (end > 0 && (unsigned char)out[end - 1] >= 0xc0u)
        end--;
    out[end] = '\0';
}

static struct doctor_finding *add(struct doctor_report *r)
{
    if (r->count == DOCTOR_FINDINGS_MAX)
        return NULL;
    if (r->count == r->cap) {
        const size_t cap = r->cap == 0 ? 16 : 2 * r->cap;
        struct doctor_finding *items = realloc(r->items, cap * sizeof *items);
        if (items == NULL) {
            r->lost = true;
            return NULL;
        }
        r->items = items;
        r->cap = cap;
    }
    struct doctor_finding *f = &r->items[r->count++];
    memset(f, 0, sizeof *f);
    return f;
}

void doctor_say(struct doctor_report *r, enum doctor_severity severity, const char *check,
                const char *format, ...)
{
    struct doctor_finding *f = add(r);
    r->counts[severity]++;
    if (f == NULL)
        return;
    va_list args;
    va_start(args, format);
    f->severity = severity;
    f->check = check;
    put_text(f->text, format, args);
    va_end(args);
}

void doctor_remedy(struct doctor_report *r, const char *format, ...)
{
    if (r->count == 0 || r->items[r->count - 1].remedy[0] != '\0')
        return; /* the finding itself had no room */
    va_list args;
    va_start(args, format);
    put_text(r->items[r->count - 1].remedy, format, args);
    va_end(args);
}

bool doctor_said(const struct doctor_report *r, enum doctor_severity severity, size_t from)
{
    for (size_t i = from; i < r->count; i++) {
        if (r->items[i].severity == severity)
            return true;
    }
    return false;
}
