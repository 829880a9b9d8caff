/* revoke, role, readmit: records that say who may what; see own.h (LOCAL 6.5, PROTOCOL 7.20). They
 * are carried out with the changes of a turn and answered when they are durable. */
#include "node/service/own.h"

/* What a command asks for. */
struct ruling {
    struct node_service *s;
    struct cht_bytes args;
    struct node_fault *fault;
    const struct net_device *device;
    struct cht_buf *record;
    struct net_tip tips[LIMIT_CUTOFF_TIPS];
    size_t tip_count;
    crdt_hlc_stamp stamp;
};

static bool starts_with_hex(const struct net_device *device, struct cht_bytes text)
{
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(device->id, CRDT_ID_BYTES), hex);
    return text.len >= 4 && text.len <= sizeof hex - 1 && memcmp(hex, text.data, text.len) == 0;
}

/* The device that is meant by its name or by the first digits of its id. */
static enum cht_err find_device(struct ruling *x)
{
    const struct net_members *m = node_replica_members(x->s->replica);
    struct cht_bytes text = node_mp_get_str(x->args, "device");
    struct cht_bytes field = cht_bytes_str("device");
    unsigned found = 0;
    for (uint32_t i = 0; i < net_members_device_count(m); i++) {
        const struct net_device *device = net_members_device_at(m, i);
        if (!cht_bytes_eq(cht_bytes(device->name, device->name_len), text) &&
            !starts_with_hex(device, text))
            continue;
        x->device = device;
        found++;
    }
    if (found == 1)
        return CHT_OK;
    enum cht_err err = node_fault_set(
        x->fault, found == 0 ? CHT_E_NOTFOUND : CHT_E_INVALID, field,
        found == 0 ? "no device of this space is called \"%.*s\", and no id begins so"
                   : "several devices of this space are called \"%.*s\"",
        (int)text.len, (const char *)text.data);
    node_fault_hint(x->fault, found == 0
                                  ? "chitty-node members lists them"
                                  : "give the first digits of its id: chitty-node members --json");
    return err;
}

static bool is_self(const struct ruling *x)
{
    return memcmp(x->device->id, x->s->identity->device, CRDT_ID_BYTES) == 0;
}

/* What the records' floor refuses, in words. */
static enum cht_err explain(struct ruling *x, enum cht_err err)
{
    const struct cht_bytes field = cht_bytes_str("device");
    const int len = x->device->name_len;
    const char *name = x->device->name;
    if (err == CHT_E_DENIED) {
        (void)node_fault_set(x->fault, err, cht_bytes(NULL, 0),
                             "only an admin may do that, and this device is none");
        node_fault_hint(x->fault, "chitty-node members shows who is");
    } else if (err == CHT_E_CONFLICT) {
        (void)node_fault_set(x->fault, err, field, "%.*s is the only admin of this space", len,
                             name);
        node_fault_hint(x->fault, "make another one first: chitty-node role DEVICE admin");
    } else if (err == CHT_E_NOTFOUND) {
        (void)node_fault_set(x->fault, err, field, "%.*s is no member any more", len, name);
        node_fault_hint(x->fault, "chitty-node readmit %.*s", len, name);
    } else if (err == CHT_E_EXISTS) {
        (void)node_fault_set(x->fault, err, field, "%.*s has that role already", len, name);
    } else if (err == CHT_E_LIMIT) {
        (void)node_fault_set(x->fault, err, field,
                             "there are too many records, or too many copies of %.*s", len, name);
    }
    return err;
}

static enum cht_err make_revocation(struct ruling *x)
{
    const struct net_members *m = node_replica_members(x->s->replica);
    struct cht_bytes why = node_mp_get_str(x->args, "why");
    struct net_revocation revocation = {
        .stamp = x->stamp, .device = x->device->id, .tips = x->tips, .tip_count = x->tip_count
    };
    if (cht_bytes_eq(why, cht_bytes_str("lost")))
        revocation.why = NET_WHY_LOST;
    else if (cht_bytes_eq(why, cht_bytes_str("compromised")))
        revocation.why = NET_WHY_COMPROMISED;
    else
        return node_fault_set(x->fault, CHT_E_INVALID, cht_bytes_str("why"),
                              "say how: --lost keeps all that any admin here had of it, "
                              "--compromised only what all had");
    if (is_self(x) && !node_mp_get_bool(x->args, "yes"))
        return node_fault_set(
            x->fault, CHT_E_CONFLICT, cht_bytes_str("device"),
            "%.*s is this device: it could write nothing more here; --yes does it",
            x->device->name_len, x->device->name);
    bool moves = node_mp_get_bool(x->args, "raise") || node_mp_get(x->args, "before").len != 0;
    if (x->device->role == 0 && !moves)
        return node_fault_set(x->fault, CHT_E_EXISTS, cht_bytes_str("device"),
                              "%.*s is revoked already; --raise lets in all that came of it since",
                              x->device->name_len, x->device->name);
    return explain(x, net_members_revoke(m, &revocation, x->s->identity, x->record));
}

static enum cht_err read_role(struct ruling *x, enum net_role *out)
{
    struct cht_bytes text = node_mp_get_str(x->args, "role");
    for (unsigned role = NET_ROLE_ADMIN; role <= NET_ROLE_RELAY; role++) {
        if (cht_bytes_eq(text, cht_bytes_str(net_role_name(role)))) {
            *out = (enum net_role)role;
            return CHT_OK;
        }
    }
    return node_fault_set(x->fault, CHT_E_INVALID, cht_bytes_str("role"),
                          "a role is admin, writer, reader or relay, not \"%.*s\"", (int)text.len,
                          (const char *)text.data);
}

static enum cht_err make_role(struct ruling *x)
{
    const struct net_members *m = node_replica_members(x->s->replica);
    struct net_role_change change = {
        .stamp = x->stamp, .device = x->device->id, .tips = x->tips, .tip_count = x->tip_count
    };
    enum cht_err err = read_role(x, &change.role);
    if (err != CHT_OK)
        return err;
    if (is_self(x) && change.role != NET_ROLE_ADMIN && !node_mp_get_bool(x->args, "yes"))
        return node_fault_set(x->fault, CHT_E_CONFLICT, cht_bytes_str("device"),
                              "%.*s is this device: it could not take that back; --yes does it",
                              x->device->name_len, x->device->name);
    return explain(x, net_members_change_role(m, &change, x->s->identity, x->record));
}

/* The role that its last admission gave it, unless another is asked for. */
static enum cht_err make_readmission(struct ruling *x)
{
    const struct net_members *m = node_replica_members(x->s->replica);
    struct net_readmission readmission = { .stamp = x->stamp,
                                           .device = x->device->id,
                                           .role = NET_ROLE_ADMIN };
    struct net_record rec;
    enum cht_err err = CHT_OK;
    if (service_admission(m, x->device->id, &rec))
        readmission.role = (enum net_role)rec.role;
    if (node_mp_get(x->args, "role").len != 0)
        err = read_role(x, &readmission.role);
    if (err != CHT_OK)
        return err;
    err = net_members_readmit(m, &readmission, x->s->identity, x->record);
    if (err == CHT_E_EXISTS)
        return node_fault_set(x->fault, err, cht_bytes_str("device"), "%.*s is a member",
                              x->device->name_len, x->device->name);
    return explain(x, err);
}

typedef enum cht_err make_fn(struct ruling *x);

static make_fn *maker_of(struct cht_bytes name)
{
    if (cht_bytes_eq(name, cht_bytes_str("revoke")))
        return make_revocation;
    if (cht_bytes_eq(name, cht_bytes_str("role")))
        return make_role;
    return cht_bytes_eq(name, cht_bytes_str("readmit")) ? make_readmission : NULL;
}

bool service_is_ruling(struct cht_bytes name)
{
    return maker_of(name) != NULL;
}

static enum cht_err put_result(const struct ruling *x, struct cht_buf *out)
{
    struct crdt_hash hash = crdt_hash_of(cht_buf_view(x->record));
    char device[2 * CRDT_ID_BYTES + 1], record[2 * CRDT_HASH_BYTES + 1];
    crdt_hex(cht_bytes(x->device->id, CRDT_ID_BYTES), device);
    crdt_hex(cht_bytes(hash.b, CRDT_HASH_BYTES), record);
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "device", device);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "name", cht_bytes(x->device->name, x->device->name_len));
    return err == CHT_OK ? node_mp_put_key_text(out, "record", record) : err;
}

void service_rule(struct node_service *s, const struct local_request *request,
                  const struct node_command *command)
{
    struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct cht_buf record;
    struct ruling x = { .s = s,
                        .args = command->args,
                        .fault = &fault,
                        .record = &record,
                        .stamp = crdt_hlc_make(s->now_ms, 0) };
    cht_buf_init(&record, LIMIT_RECORD_BYTES);
    size_t at = s->results.len;
    enum cht_err err = find_device(&x);
    if (err == CHT_OK)
        err = node_replica_cutoff(s->replica, x.device->id,
                                  node_mp_get_uint(x.args, "before", UINT64_MAX), x.tips,
                                  &x.tip_count);
    if (err == CHT_OK)
        err = maker_of(command->name)(&x);
    if (err == CHT_OK)
        err = put_result(&x, &s->results); /* the device may move with the record */
    if (err == CHT_OK)
        err = node_replica_add_record(s->replica, cht_buf_view(&record));
    if (err == CHT_OK)
        err = service_hold_answer(s, &caller, cht_bytes(NULL, 0), at, s->results.len - at);
    if (err != CHT_OK) {
        s->results.len = at;
        fault.error.code = err;
        service_answer_fault(s, &caller, &fault);
    }
    cht_buf_clear(&record);
}
