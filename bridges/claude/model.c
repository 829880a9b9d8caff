/* Which models come with task tools: those up to Opus 4.7, Sonnet 4.5 and Haiku 4.5 do, later ones
 * only where CLAUDE_CODE_ENABLE_TODO_TOOLS says so
 * (https://code.claude.com/docs/en/tools-reference#task-tool-availability). */
#include "bridges/claude/proof.h"

#include <stdlib.h>
#include <string.h>

/* The version in a name: the first one or two numbers of at most two digits, "claude-opus-4-6",
 * "claude-3-5-haiku-20241022". False: it has none. */
static bool version_of(const char *name, unsigned out[static 2])
{
    size_t n = 0;
    out[0] = out[1] = 0;
    for (const char *at = name; *at != '\0' && n < 2;) {
        const size_t len = strspn(at, "0123456789");
        if (len == 0) {
            if (n == 1 && *at != '-' && *at != '.')
                break;
            at++;
            continue;
        }
        if (len > 2)
            break;
        out[n++] = (unsigned)strtoul(at, NULL, 10);
        at += len;
    }
    return n > 0;
}

bool claude_model_lists(const char *model)
{
    static const struct {
        const char *family;
        unsigned before[2]; /* the first version without */
        bool newest;        /* what the bare name of the family means has them */
    } families[] = {
        { "opus", { 4, 8 }, false },
        { "sonnet", { 5, 0 }, false },
        { "haiku", { 5, 0 }, true },
    };
    unsigned version[2];
    for (size_t i = 0; model != NULL && i < sizeof families / sizeof families[0]; i++) {
        const unsigned *before = families[i].before;
        if (strstr(model, families[i].family) == NULL)
            continue;
        if (!version_of(model, version))
            return families[i].newest;
        return version[0] < before[0] || (version[0] == before[0] && version[1] < before[1]);
    }
    return false;
}
