/* chitty service deploy */
#include "cli/base/change.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#include <stdlib.h>

/* Who deployed it: on whose behalf we ask, else the user. */
static const char *who(void)
{
    const char *actor = getenv("CHITTY_ACTOR"), *user = getenv("USER");
    return actor != NULL && actor[0] != '\0' ? actor : user != NULL ? user : "";
}

static enum cht_err put_text(const char *key, const char *text, struct cht_buf *b)
{
    return text == NULL || text[0] == '\0' ? CHT_OK : node_mp_put_key_text(b, key, text);
}

static bool any(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* {name, version, deployed, deployments: {ENV: {version, at, commit?, url?, by?}}} */
static enum cht_err put_data(const struct cli_context *c, const char *version, struct cht_buf *b)
{
    const char *env = cli_flag(c, "env"), *commit = cli_flag(c, "commit");
    const char *url = cli_flag(c, "url"), *by = who();
    enum cht_err err = crdt_mp_put_map(b, 4);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "name", c->args[0]);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "version", version);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "deployed", c->now_ms);
    if (err == CHT_OK)
        err = node_mp_put_text(b, "deployments");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(b, any(env) ? env : "prod");
    if (err == CHT_OK)
        err = crdt_mp_put_map(b, 2u + any(commit) + any(url) + any(by));
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "version", version);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(b, "at", c->now_ms);
    if (err == CHT_OK)
        err = put_text("commit", commit, b);
    if (err == CHT_OK)
        err = put_text("url", url, b);
    return err == CHT_OK ? put_text("by", by, b) : err;
}

static enum cht_err run(struct cli_context *c)
{
    const char *version = cli_flag(c, "version");
    struct cht_buf data;
    if (!any(version))
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("version"),
                              "which version was deployed? Give it as --version");
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_fail(c, put_data(c, version, &data));
    if (err == CHT_OK) {
        const struct cli_change change = { .op = NODE_UPSERT, .data = cht_buf_view(&data) };
        err = cli_change(c, &change);
    }
    cht_buf_clear(&data);
    return err;
}

static const struct cli_flag flags[] = {
    { "version", "V", "what was deployed" },
    { "env", "NAME", "where to: prod (the usual), staging …" },
    { "commit", "HASH", "what it was made from" },
    { "url", "URL", "where it can be found" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_service_deploy = {
    .name = "deploy",
    .summary = "Note that a version of a service was deployed.",
    .arguments = "NAME",
    .details = "Each environment has its latest deployment, with who noted it and when; the "
               "service's own `version` and `deployed` are of the latest of all. A service that "
               "is not known yet is made.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty service deploy api --version 1.4.2\n"
                "chitty service deploy api --version 1.5.0 --env staging --commit 4f2a91c",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
