/* chitty service health */
#include "cli/base/gathered.h"
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/commands.h"

#include <stdlib.h>

static enum cli_style style_of(struct cht_bytes health)
{
    if (cht_bytes_eq(health, cht_bytes_str("healthy")))
        return CLI_GREEN;
    return cht_bytes_eq(health, cht_bytes_str("down")) ? CLI_RED : CLI_YELLOW;
}

static void put_row(const struct cli_by_device *s, struct cht_bytes name, struct cht_bytes device,
                    struct cht_bytes health, struct cht_bytes check)
{
    struct cli_out *out = &s->c->out;
    const char *known = cli_device_name(s->devices, device);
    const uint64_t status = node_mp_get_uint(check, "status", 0);
    cli_put_cell(out, name, 20);
    cli_put_text(out, "  ");
    cli_put_cell(out, known == NULL ? device : cht_bytes_str(known), 16);
    cli_put_text(out, "  ");
    cli_put_style(out, style_of(health));
    cli_put_cell(out, health, 8);
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    cli_put_when(out, node_mp_get(check, "at"));
    if (status != 0)
        cli_printf(out, "  %llu in %llu ms", (unsigned long long)status,
                   (unsigned long long)node_mp_get_uint(check, "latency_ms", 0));
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(check, "error"));
    cli_put_char(out, '\n');
}

static void put_member(struct cli_out *out, const char *name, struct cht_bytes value)
{
    cli_printf(out, ",\"%s\":", name);
    cli_json_text(out, value);
}

static void json_row(const struct cli_by_device *s, struct cht_bytes record,
                     struct cht_bytes device, struct cht_bytes health, struct cht_bytes check)
{
    struct cli_out *out = &s->c->out;
    const char *known = cli_device_name(s->devices, device);
    struct node_mp_iter it = node_mp_iter(check);
    struct cht_bytes member, value;
    cli_put_text(out, s->rows == 0 ? "{\"chittyId\":" : ",{\"chittyId\":");
    cli_json_text(out, node_mp_get_str(record, "chittyId"));
    put_member(out, "name", node_mp_get_str(node_mp_get(record, "data"), "name"));
    put_member(out, "device", device);
    if (known != NULL)
        put_member(out, "deviceName", cht_bytes_str(known));
    put_member(out, "health", health);
    while (it.is_map && node_mp_next(&it, &member, &value)) {
        cli_put_char(out, ',');
        cli_json_text(out, node_mp_str(member));
        cli_put_char(out, ':');
        cli_json_value(out, value);
    }
    cli_put_char(out, '}');
}

static void put_service(struct cli_by_device *s, struct cht_bytes record)
{
    const struct cht_bytes data = node_mp_get(record, "data");
    const struct cht_bytes name = node_mp_get_str(data, "name");
    struct node_mp_iter it = node_mp_iter(node_mp_get(data, "health"));
    struct cht_bytes key, health;
    if (s->c->arg_count > 0 && !cht_bytes_eq(name, cht_bytes_str(s->c->args[0])))
        return;
    while (node_mp_next(&it, &key, &health)) {
        const struct cht_bytes device = node_mp_str(key);
        struct cht_bytes check = { 0 }, other, value;
        struct node_mp_iter checks = node_mp_iter(node_mp_get(data, "checks"));
        while (node_mp_next(&checks, &other, &value))
            if (cht_bytes_eq(node_mp_str(other), device))
                check = value;
        if (s->c->json)
            json_row(s, record, device, node_mp_str(health), check);
        else
            put_row(s, name, device, node_mp_str(health), check);
        s->rows++;
    }
}

static enum cht_err run(struct cli_context *c)
{
    static const char *const fields[] = { "name", "health", "checks", NULL };
    struct cht_buf services = { 0 };
    struct cli_devices *devices = calloc(1, sizeof *devices);
    struct cli_by_device s = { .c = c, .devices = devices };
    enum cht_err err = devices == NULL ? node_fault_from(&c->fault, CHT_E_NOMEM, NULL)
                                       : cli_gather_devices(c, devices);
    if (err == CHT_OK)
        err = cli_gather(c, CRDT_SERVICE, fields, &services);
    if (err == CHT_OK)
        cli_put_by_device(&s, "health-list", cht_buf_view(&services), put_service,
                          "nothing is checked yet: chitty service add NAME --check-url URL\n");
    cht_buf_clear(&services);
    free(devices);
    return err;
}

const struct cli_command cli_service_health = {
    .name = "health",
    .summary = "How services look from each machine.",
    .arguments = "[NAME]",
    .details = "A line for each service and machine: `healthy`, `degraded`, `down` or `unknown`, "
               "since when that is so (or when it was last confirmed, hours apart), and what the "
               "last answer was then.",
    .group = CLI_RECORDS,
    .kind = "health-list",
    .examples = "chitty service health\n"
                "chitty service health api --json",
    .args_max = 1,
    .run = run,
};
