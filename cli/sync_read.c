/* What `chitty sync` is asked for: the words of the original document (LOCAL 9.5). */
#include "cli/sync.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const domains[] = { "topics",   "projects", "sessions", "todos",
                                       "contexts", "repos",    "services", NULL };

const char *sync_domain_at(size_t index)
{
    return index < sizeof domains / sizeof domains[0] ? domains[index] : NULL;
}

/* --- the domain ------------------------------------------------------------------------------ */

static enum cht_err read_domain(struct sync *s)
{
    static const char *const later[] = { "add", "run", "status" };
    struct cli_context *c = s->c;
    for (size_t i = 0; i < c->arg_count; i++) {
        if (c->args[i][0] == '-' || i > 0) {
            (void)node_fault_set(&c->fault, CHT_E_UNSUPPORTED, cht_bytes(NULL, 0),
                                 "Unknown option: %.80s", c->args[i]);
            return CHT_E_UNSUPPORTED;
        }
    }
    s->domain = c->arg_count == 0 ? "all" : c->args[0];
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (strcmp(s->domain, later[i]) == 0)
            return node_fault_set(&c->fault, CHT_E_UNSUPPORTED, cht_bytes(NULL, 0),
                                  "\"sync %s\" is for services elsewhere, and nothing here speaks "
                                  "with one yet",
                                  later[i]);
    }
    if (strcmp(s->domain, "all") == 0)
        return CHT_OK;
    for (size_t i = 0; domains[i] != NULL; i++) {
        if (strcmp(s->domain, domains[i]) == 0) {
            s->type = crdt_type_from(cht_bytes_str(domains[i]));
            return CHT_OK;
        }
    }
    (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                         "there is no domain \"%.80s\"", s->domain);
    node_fault_hint(&c->fault, "the domains are topics, projects, sessions, todos, contexts, "
                               "repos, services and all");
    return CHT_E_INVALID;
}

/* --- where to -------------------------------------------------------------------------------- */

struct target {
    const char *flag;
    const char *const *known;
};

static const char *const platforms[] = { "web", "cli", "mobile", NULL };
static const char *const channels[] = { "slack", "discord", "email", NULL };
static const char *const models[] = { "claude", "chatgpt", "gemini", NULL };

static const struct target targets[] = { { "platform", platforms },
                                         { "channel", channels },
                                         { "model", models } };

static enum cht_err read_one(struct sync *s, const struct target *t, const char *word, size_t len,
                             bool *carried)
{
    struct cli_context *c = s->c;
    char text[64];
    for (size_t i = 0; t->known[i] != NULL; i++) {
        if (strlen(t->known[i]) != len || strncmp(t->known[i], word, len) != 0)
            continue;
        if (strcmp(t->known[i], "cli") == 0) { /* that is us */
            *carried = true;
            return CHT_OK;
        }
        (void)snprintf(text, sizeof text, "%s %s", t->flag, t->known[i]);
        return json_array_append_new(s->uncarried, json_string(text)) ? CHT_E_NOMEM : CHT_OK;
    }
    (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0), "there is no %s \"%.*s\"",
                         t->flag, (int)(len > 80 ? 80 : len), word);
    node_fault_hint(&c->fault, "it may be %s, %s or %s", t->known[0], t->known[1], t->known[2]);
    return CHT_E_INVALID;
}

static enum cht_err read_targets(struct sync *s)
{
    bool carried = false;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const char *at = cli_flag(s->c, targets[i].flag);
        while (err == CHT_OK && at != NULL) {
            const size_t len = strcspn(at, ",");
            err = read_one(s, &targets[i], at, len, &carried);
            at = at[len] == ',' ? at + len + 1 : NULL;
        }
    }
    if (err == CHT_OK && json_array_size(s->uncarried) != 0 && !carried)
        s->c->status = cli_exit_status(CHT_E_UNREACHABLE, true); /* nothing of what was asked */
    return err;
}

/* --- of what --------------------------------------------------------------------------------- */

static enum cht_err read_scope(struct sync *s, const char *flag, const char *domain, char out[64])
{
    const char *named = cli_flag(s->c, flag);
    json_t *records = NULL;
    if (named == NULL)
        return CHT_OK;
    enum cht_err err =
        cli_tree_ask(s->c, NODE_MSG_QUERY,
                     json_pack("{s:s,s:s,s:{s:s},s:[]}", "operation", "get", "domain", domain,
                               "entity", "chittyId", named, "fields"),
                     &records);
    if (err == CHT_OK)
        (void)snprintf(out, 64, "%s", cli_tree_text(json_array_get(records, 0), "chittyId"));
    json_decref(records);
    return err;
}

enum cht_err sync_read(struct sync *s)
{
    s->dry = cli_flag(s->c, "dry-run") != NULL;
    s->verbose = cli_flag(s->c, "verbose") != NULL;
    s->uncarried = json_array();
    enum cht_err err = s->uncarried == NULL ? CHT_E_NOMEM : read_domain(s);
    if (err == CHT_OK)
        err = read_targets(s);
    if (err == CHT_OK)
        err = read_scope(s, "project", "projects", s->project);
    return err == CHT_OK ? read_scope(s, "session", "sessions", s->session) : err;
}
