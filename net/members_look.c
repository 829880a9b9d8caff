/* What is held of a membership, for those who ask; see members.h. */
#include "net/members_own.h"

#include <assert.h>

/* --- looking ------------------------------------------------------------------------------- */

uint32_t net_members_count(const struct net_members *m)
{
    return m->row_count;
}

uint32_t net_members_waiting(const struct net_members *m)
{
    return m->waiting_count;
}

struct cht_bytes net_members_record(const struct net_members *m, uint32_t index,
                                    struct crdt_hash *out_hash)
{
    assert(index < m->row_count);
    if (out_hash != NULL)
        *out_hash = m->rows[index].hash;
    return m->rows[index].bytes;
}

const struct crdt_hash *net_members_heads(const struct net_members *m, uint32_t *out_count)
{
    *out_count = m->head_count;
    return m->heads;
}

uint32_t net_members_heads_named(const struct net_members *m,
                                 const uint8_t device[static CRDT_ID_BYTES],
                                 struct crdt_hash out[static LIMIT_MEMBER_HEADS])
{
    uint32_t number = members_find_device(m, device, CRDT_ID_BYTES);
    uint32_t count = m->head_count < LIMIT_MEMBER_HEADS ? m->head_count : LIMIT_MEMBER_HEADS;
    if (count != 0)
        memcpy(out, m->heads, count * sizeof *out);
    if (m->head_count <= count || number == NONE)
        return count;
    unsigned all = members_right(m, number, NULL, 0);
    if (members_right(m, number, out, count) == all)
        return count;
    for (uint32_t i = count; i < m->head_count; i++) {
        if (members_right(m, number, &m->heads[i], 1) == all) {
            out[count - 1] = m->heads[i]; /* above all that stand before it: still sorted */
            break;
        }
    }
    return count;
}

uint32_t net_members_device_count(const struct net_members *m)
{
    return m->device_count;
}

const struct net_device *net_members_device_at(const struct net_members *m, uint32_t index)
{
    assert(index < m->device_count);
    return &m->devices[index];
}

static const struct net_device *device_or_null(const struct net_members *m, uint32_t number)
{
    return number == NONE ? NULL : &m->devices[number];
}

const struct net_device *net_members_device(const struct net_members *m,
                                            const uint8_t id[static CRDT_ID_BYTES])
{
    return device_or_null(m, members_find_device(m, id, CRDT_ID_BYTES));
}

const struct net_device *net_members_tagged(const struct net_members *m,
                                            const uint8_t tag[static NET_DEVICE_TAG_BYTES])
{
    return device_or_null(m, members_find_device(m, tag, NET_DEVICE_TAG_BYTES));
}

const struct net_device *net_members_transport(const struct net_members *m,
                                               const uint8_t key[static NET_TRANSPORT_BYTES])
{
    const struct net_device *found = NULL;
    for (uint32_t i = 0; i < m->device_count && (found == NULL || found->role == 0); i++) {
        const struct net_device *device = &m->devices[i];
        if (memcmp(device->cert.transport_pk, key, NET_TRANSPORT_BYTES) == 0 &&
            (found == NULL || device->role != 0))
            found = device;
    }
    return found;
}

/* The rows that are among `heads` or in their past, as a bitset in `arena`. */
static uint64_t *covered_by(const struct net_members *m, const struct crdt_hash *heads,
                            size_t head_count, struct cht_arena *arena)
{
    uint64_t *covered = cht_arena_array(arena, members_words(m->row_count) + 1, sizeof *covered);
    for (size_t i = 0; covered != NULL && i < head_count; i++) {
        uint32_t row = members_find_row(m, &heads[i]);
        if (row == NONE)
            continue;
        covered[row / 64] |= UINT64_C(1) << row % 64;
        for (size_t word = 0; word < members_words(row); word++)
            covered[word] |= m->rows[row].past[word];
    }
    return covered;
}

enum cht_err net_members_since(const struct net_members *m, const struct crdt_hash *heads,
                               size_t head_count, size_t budget, struct cht_arena *arena,
                               const struct cht_bytes **out_records, size_t *out_count)
{
    const uint64_t *covered = covered_by(m, heads, head_count, arena);
    struct cht_bytes *list = cht_arena_array(arena, m->row_count + 1u, sizeof *list);
    if (covered == NULL || list == NULL)
        return CHT_E_NOMEM;
    size_t count = 0, bytes = 0;
    for (uint32_t i = 0; i < m->row_count; i++) {
        const struct row *row = &m->rows[i];
        if ((covered[i / 64] >> (i % 64) & 1) != 0)
            continue;
        if (count > 0 && row->bytes.len > budget - bytes)
            break;
        list[count++] = row->bytes;
        bytes += row->bytes.len < budget - bytes ? row->bytes.len : budget - bytes;
    }
    *out_records = list;
    *out_count = count;
    return CHT_OK;
}
