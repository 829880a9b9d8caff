/* Faults told to people, and the nearest of several words. */
#include "node/client/fault.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define WORD_MAX 64u /* longer words are not guessed at */

/* Cut off an incomplete UTF-8 character that a bounded print left at the end; of text that is no
 * UTF-8 as many as there are, so that what is cut once stays as it is. */
static void trim_character(char *text)
{
    for (;;) {
        size_t len = strlen(text), back = 0;
        while (back < len && back < 4 && ((unsigned char)text[len - 1 - back] & 0xC0) == 0x80)
            back++;
        if (back == len)
            return;
        const unsigned char lead = (unsigned char)text[len - 1 - back];
        const size_t needs = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
        if (back >= needs)
            return;
        text[len - 1 - back] = '\0';
    }
}

enum cht_err node_fault_set(struct node_fault *f, enum cht_err code, struct cht_bytes field,
                            const char *format, ...)
{
    if (f == NULL)
        return code;
    *f = (struct node_fault){ .error.code = code };
    const size_t len = field.len < sizeof f->field ? field.len : sizeof f->field - 1;
    if (len > 0)
        memcpy(f->field, field.data, len);
    trim_character(f->field);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f->error.text, sizeof f->error.text, format, args);
    va_end(args);
    trim_character(f->error.text);
    return code;
}

void node_fault_hint(struct node_fault *f, const char *format, ...)
{
    if (f == NULL)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f->hint, sizeof f->hint, format, args);
    va_end(args);
    trim_character(f->hint);
}

void node_fault_about(struct node_fault *f, const char *field)
{
    char text[sizeof f->error.text];
    if (f == NULL)
        return;
    memcpy(text, f->error.text, sizeof text);
    f->error.text[0] = f->field[0] = '\0';
    (void)strncat(f->field, field, sizeof f->field - 1);
    (void)strncat(f->error.text, field, sizeof f->error.text - 1);
    (void)strncat(f->error.text, ": ", sizeof f->error.text - strlen(f->error.text) - 1);
    (void)strncat(f->error.text, text, sizeof f->error.text - strlen(f->error.text) - 1);
    trim_character(f->error.text);
}

enum cht_err node_fault_from(struct node_fault *f, enum cht_err code,
                             const struct cht_error *detail)
{
    if (f != NULL) {
        *f = (struct node_fault){ .error.code = code };
        if (detail != NULL && detail->code == code)
            f->error = *detail;
    }
    return code;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours (Damerau 1964). */
static unsigned distance(struct cht_bytes a, struct cht_bytes b)
{
    unsigned rows[3][WORD_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            const int x = tolower(a.data[i - 1]), y = tolower(b.data[j - 1]);
            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower(b.data[j - 2]) && tolower(a.data[i - 2]) == y)
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *node_closest(struct cht_bytes word, const char *const *candidates)
{
    const char *best =
        NULL; /* of those equally far the first, but "invit" is the beginning of one */
    bool best_goes_on = false;
    unsigned best_distance = word.len < 3 ? 1 : (unsigned)(word.len / 3);
    if (word.len == 0 || word.len > WORD_MAX)
        return NULL;
    for (; *candidates != NULL; candidates++) {
        const struct cht_bytes candidate = cht_bytes_str(*candidates);
        if (candidate.len > WORD_MAX)
            continue;
        const unsigned d = distance(word, candidate);
        const bool goes_on =
            candidate.len > word.len && memcmp(candidate.data, word.data, word.len) == 0;
        if (d < best_distance ||
            (d == best_distance && (best == NULL || (goes_on && !best_goes_on)))) {
            best = *candidates;
            best_distance = d;
            best_goes_on = goes_on;
        }
    }
    return best;
}
