/* Bytes of the records that limit a device (PROTOCOL 7.20). The golden records were computed in
 * Python, without this code; their parents are those of test_record.c. */
#include "tests/support/identities.h"

#include "crdt/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char golden_role[] =
    "01035c64ab0d5ff23e27a794a0bf8d8ef77a0000eb030000000001f5d0c6cb3a6f5e91886770c3fe"
    "0b4abc4fab9486b6bac08352bb3e5e5db4664ced3a71886a3819c638c46cadef31d7e10303414141"
    "41414141410551515151515151515151515151515151515151515151515151515151515151514141"
    "414141414141ac025050505050505050505050505050505050505050505050505050505050505050"
    "4242424242424242ac02525252525252525252525252525252525252525252525252525252525252"
    "52525c9c6df261c9cb840475776aaefcd944b405328fab28f9b3a95ef40490d3de84766b46a0c1aa"
    "499694ff5bf5accbbd850e0ee6754971f5da55fa919a7f1b1ba948a9b8760033330a73d6ee2fa322"
    "916ca0cf48df700c4bdd7ac961d4c919a00d";
static const char golden_revoke[] =
    "01075c64ab0d5ff23e27a794a0bf8d8ef77a0000ec030000000002d664946accec27cede6dfb7338"
    "43e979de6ac34bacdc56f0a14056e83d9d244cf5d0c6cb3a6f5e91886770c3fe0b4abc4fab9486b6"
    "bac08352bb3e5e5db4664ced3a71886a3819c638c46cadef31d7e102014242424242424242ac0252"
    "525252525252525252525252525252525252525252525252525252525252525c9c6df261c9cb8404"
    "75776aaefcd944b405328fab28f9b3a95ef40490d3de84508c3e7770a4ced83fb63e1bc921af1e30"
    "3d99bd6b986dc4fe020ef843123b9f250763b64b9e66adaea1273ed3c5499cfda083d7c9a17f0945"
    "eee2f8a3173c0d";
static const char golden_bare[] =
    "01075c64ab0d5ff23e27a794a0bf8d8ef77a0000ed0300000000011174c707da137d23199d94b99b"
    "396db0ee6d77f5ddc33b4d2763c41b07887010ed3a71886a3819c638c46cadef31d7e101005c9c6d"
    "f261c9cb840475776aaefcd944b405328fab28f9b3a95ef40490d3de845126b40619fef80874d328"
    "285fc1d07314a91f715365f9e4a6b98a490b84b62c592f851d288cb48742a7b6e2c3403be8f317bc"
    "344d82d82a430c05620652bf08";

static const char space[] = "5c64ab0d5ff23e27a794a0bf8d8ef77a";
/* hashes of the golden admit of test_record.c, of golden_role and of golden_revoke */
static const char after_admit[] =
    "f5d0c6cb3a6f5e91886770c3fe0b4abc4fab9486b6bac08352bb3e5e5db4664c";
static const char after_role[] = "d664946accec27cede6dfb733843e979de6ac34bacdc56f0a14056e83d9d244c";
static const char after_revoke[] =
    "1174c707da137d23199d94b99b396db0ee6d77f5ddc33b4d2763c41b07887010";

#define BODY_AT_DEVICE(parents) (27u + 32u * (parents))

struct scene {
    struct net_identity founder, newcomer;
    struct net_tip tips[3]; /* in no order */
    struct cht_buf cutoff, out;
};

static struct net_tip tip_of(uint8_t epoch, uint32_t seq, uint8_t hash)
{
    struct net_tip tip = { .seq = seq };
    memset(tip.epoch, epoch, sizeof tip.epoch);
    memset(tip.hash.b, hash, sizeof tip.hash.b);
    return tip;
}

static int set_up(void **state)
{
    static struct scene s;
    identity_of(0x10, &s.founder);
    identity_of(0x20, &s.newcomer);
    s.tips[0] = tip_of(0x42, 300, 0x52);
    s.tips[1] = tip_of(0x41, 5, 0x51);
    s.tips[2] = tip_of(0x41, 300, 0x50);
    cht_buf_init(&s.cutoff, LIMIT_RECORD_BYTES);
    cht_buf_init(&s.out, LIMIT_RECORD_BYTES);
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    cht_buf_clear(&s->cutoff);
    cht_buf_clear(&s->out);
    return 0;
}

static struct cht_bytes golden(const char *hex, uint8_t *room)
{
    size_t len = strlen(hex) / 2;
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), room, len));
    return cht_bytes(room, len);
}

/* A ruling on the newcomer by the founder, with the first `tips` of the scene. */
static struct net_record ruling(struct scene *s, uint8_t kind, uint64_t at_ms, size_t tips)
{
    struct net_record rec = { .kind = kind, .stamp = crdt_hlc_make(at_ms, 0) };
    uint8_t room[CRDT_ID_BYTES];
    memcpy(rec.space, golden(space, room).data, sizeof rec.space);
    memcpy(rec.device, s->newcomer.device, sizeof rec.device);
    cht_buf_reset(&s->cutoff);
    assert_int_equal(CHT_OK, net_cutoff_put(s->tips, tips, &s->cutoff));
    rec.cutoff = cht_buf_view(&s->cutoff);
    return rec;
}

static void assert_written(struct scene *s, const struct net_record *rec, const char *hex)
{
    uint8_t room[1024];
    cht_buf_reset(&s->out);
    assert_int_equal(CHT_OK, net_record_encode(rec, &s->founder, &s->out));
    assert_true(cht_bytes_eq(golden(hex, room), cht_buf_view(&s->out)));
}

static void rulings_have_the_bytes_written_down_here(void **state)
{
    struct scene *s = *state;
    struct net_record role = ruling(s, NET_RECORD_ROLE, 1003, 3);
    role.role = NET_ROLE_READER;
    role.parent_count = 1;
    (void)golden(after_admit, role.parents[0].b);
    assert_written(s, &role, golden_role);

    struct net_record revoke = ruling(s, NET_RECORD_REVOKE, 1004, 1);
    revoke.why = NET_WHY_COMPROMISED;
    revoke.parent_count = 2;
    (void)golden(after_role, revoke.parents[0].b);
    (void)golden(after_admit, revoke.parents[1].b);
    assert_written(s, &revoke, golden_revoke);

    struct net_record bare = ruling(s, NET_RECORD_REVOKE, 1005, 0);
    bare.why = NET_WHY_LOST;
    bare.parent_count = 1;
    (void)golden(after_revoke, bare.parents[0].b);
    assert_written(s, &bare, golden_bare);
}

static void a_ruling_read_back_says_what_was_written(void **state)
{
    const struct scene *s = *state;
    static const uint32_t order[] = { 1, 2, 0 };
    uint8_t room[1024], subject[CRDT_ID_BYTES];
    struct net_record rec;
    struct net_tip tip;
    struct cht_bytes src = golden(golden_role, room);
    assert_int_equal(CHT_OK, net_record_decode(src, &rec));
    assert_int_equal(CHT_OK, net_record_verify(&rec, src));
    assert_int_equal(NET_RECORD_ROLE, rec.kind);
    assert_int_equal(NET_ROLE_READER, rec.role);
    net_record_subject(&rec, subject);
    assert_memory_equal(s->newcomer.device, subject, sizeof subject);
    struct cht_wire w = net_cutoff_begin(rec.cutoff);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(net_cutoff_next(&w, &tip));
        assert_int_equal(s->tips[order[i]].seq, tip.seq);
        assert_memory_equal(s->tips[order[i]].epoch, tip.epoch, sizeof tip.epoch);
        assert_memory_equal(s->tips[order[i]].hash.b, tip.hash.b, CRDT_HASH_BYTES);
    }
    assert_false(net_cutoff_next(&w, &tip));

    src = golden(golden_revoke, room);
    assert_int_equal(CHT_OK, net_record_decode(src, &rec));
    assert_int_equal(CHT_OK, net_record_verify(&rec, src));
    assert_int_equal(NET_RECORD_REVOKE, rec.kind);
    assert_int_equal(NET_WHY_COMPROMISED, rec.why);
    assert_int_equal(0, rec.role);
    assert_int_equal(2, rec.parent_count);

    src = golden(golden_bare, room);
    assert_int_equal(CHT_OK, net_record_decode(src, &rec));
    w = net_cutoff_begin(rec.cutoff);
    assert_false(net_cutoff_next(&w, &tip));
}

static enum cht_err read_and_verify(struct cht_bytes src)
{
    struct net_record rec;
    enum cht_err err = net_record_decode(src, &rec);
    return err == CHT_OK ? net_record_verify(&rec, src) : err;
}

static void a_ruling_with_any_bit_flipped_or_cut_short_is_refused(void **state)
{
    (void)state;
    const char *const all[] = { golden_role, golden_revoke, golden_bare };
    for (size_t which = 0; which < sizeof all / sizeof all[0]; which++) {
        uint8_t room[1025];
        struct cht_bytes src = golden(all[which], room);
        for (size_t bit = 0; bit < 8 * src.len; bit++) {
            room[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(CHT_OK, read_and_verify(src));
            room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t len = 0; len < src.len; len++)
            assert_int_not_equal(CHT_OK, read_and_verify(cht_bytes(room, len)));
        room[src.len] = 0;
        assert_int_not_equal(CHT_OK, read_and_verify(cht_bytes(room, src.len + 1)));
        assert_int_equal(CHT_OK, read_and_verify(src));
    }
}

/* The golden record with its fields (all behind the device) replaced, signed again. */
static enum cht_err read_fields(const struct scene *s, const char *hex, struct cht_bytes fields)
{
    uint8_t room[16384];
    struct cht_bytes src = golden(hex, room);
    size_t at = BODY_AT_DEVICE(src.data[26]) + CRDT_ID_BYTES;
    memcpy(room + at, fields.data, fields.len);
    at += fields.len;
    memcpy(room + at, s->founder.cert.sign_pk, NET_SIGN_PK_BYTES);
    at += NET_SIGN_PK_BYTES;
    net_identity_sign(&s->founder, NET_CONTEXT_RECORD, cht_bytes(room, at), room + at);
    return read_and_verify(cht_bytes(room, at + NET_SIG_BYTES));
}

static void well_signed_nonsense_is_refused(void **state)
{
    const struct scene *s = *state;
    static const struct {
        const char *hex;
        uint8_t len, fields[8];
        enum cht_err want;
    } cases[] = {
        { golden_role, 2, { 3, 0 }, CHT_OK },
        { golden_role, 2, { 0, 0 }, CHT_E_MALFORMED }, /* no role */
        { golden_role, 2, { 6, 0 }, CHT_E_MALFORMED },
        { golden_role, 2, { 5, 0 }, CHT_E_MALFORMED }, /* a bridge has grants */
        { golden_role, 3, { 5, 0, 0 }, CHT_OK },
        { golden_role, 5, { 5, 0, 1, 4, 1 }, CHT_OK },
        { golden_role, 5, { 4, 0, 1, 4, 1 }, CHT_E_MALFORMED }, /* a relay has none */
        { golden_role, 1, { 3 }, CHT_E_MALFORMED },             /* no cut-off */
        { golden_role, 2, { 3, 1 }, CHT_E_MALFORMED },          /* no tip */
        { golden_role, 3, { 3, 0x80, 0 }, CHT_E_MALFORMED },    /* not the shortest form */
        { golden_role, 2, { 3, LIMIT_CUTOFF_TIPS + 1 }, CHT_E_LIMIT },
        { golden_bare, 2, { 1, 0 }, CHT_OK },
        { golden_bare, 2, { 2, 0 }, CHT_OK },
        { golden_bare, 2, { 0, 0 }, CHT_E_MALFORMED }, /* no reason */
        { golden_bare, 2, { 3, 0 }, CHT_E_MALFORMED },
        { golden_bare, 3, { 1, 0, 0 }, CHT_E_MALFORMED }, /* more behind it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(cases[i].want,
                         read_fields(s, cases[i].hex, cht_bytes(cases[i].fields, cases[i].len)));
}

/* Fields of a revocation with these tips as they are. */
static struct cht_bytes cutoff_of(const struct net_tip *tips, uint8_t count, uint8_t *room)
{
    uint8_t *at = room;
    *at++ = NET_WHY_LOST;
    *at++ = count;
    for (uint8_t i = 0; i < count; i++) {
        memcpy(at, tips[i].epoch, CRDT_EPOCH_BYTES);
        at += CRDT_EPOCH_BYTES;
        at += cht_varint_put(at, tips[i].seq);
        memcpy(at, tips[i].hash.b, CRDT_HASH_BYTES);
        at += CRDT_HASH_BYTES;
    }
    return cht_bytes(room, (size_t)(at - room));
}

static void a_cutoff_is_sorted_without_duplicates_and_bounded(void **state)
{
    const struct scene *s = *state;
    uint8_t room[4096];
    struct net_tip many[LIMIT_CUTOFF_TIPS + 1];
    for (uint8_t i = 0; i <= LIMIT_CUTOFF_TIPS; i++)
        many[i] = tip_of(i, 1, 7);
    assert_int_equal(CHT_OK, read_fields(s, golden_bare, cutoff_of(many, LIMIT_CUTOFF_TIPS, room)));
    assert_int_equal(CHT_E_LIMIT,
                     read_fields(s, golden_bare, cutoff_of(many, LIMIT_CUTOFF_TIPS + 1, room)));
    struct net_tip pair[2] = { tip_of(1, 256, 7), tip_of(1, 257, 6) };
    assert_int_equal(CHT_OK, read_fields(s, golden_bare, cutoff_of(pair, 2, room)));
    pair[1] = pair[0];
    assert_int_equal(CHT_E_MALFORMED, read_fields(s, golden_bare, cutoff_of(pair, 2, room)));
    pair[1].hash.b[31]++; /* two branches: the hash decides */
    assert_int_equal(CHT_OK, read_fields(s, golden_bare, cutoff_of(pair, 2, room)));
    pair[1].seq = 1; /* by number, not by its bytes */
    assert_int_equal(CHT_E_MALFORMED, read_fields(s, golden_bare, cutoff_of(pair, 2, room)));
    pair[0].seq = 0;
    assert_int_equal(CHT_E_MALFORMED, read_fields(s, golden_bare, cutoff_of(pair, 1, room)));
}

static void a_cutoff_that_may_not_be_is_not_written(void **state)
{
    struct scene *s = *state;
    struct net_tip many[LIMIT_CUTOFF_TIPS + 1];
    struct cht_buf small = { .limit = 100 };
    for (uint8_t i = 0; i <= LIMIT_CUTOFF_TIPS; i++)
        many[i] = tip_of(i, 1, 7);
    assert_int_equal(CHT_E_LIMIT, net_cutoff_put(many, LIMIT_CUTOFF_TIPS + 1, &s->cutoff));
    assert_int_equal(CHT_E_LIMIT, net_cutoff_put(many, 3, &small));
    assert_int_equal(0, small.len);
    many[1] = many[0];
    assert_int_equal(CHT_E_INVALID, net_cutoff_put(many, 2, &s->cutoff));
    many[1].seq = 0;
    assert_int_equal(CHT_E_INVALID, net_cutoff_put(many, 2, &s->cutoff));
    assert_int_equal(0, s->cutoff.len);
    cht_buf_clear(&small);
}

static void reserved_kinds_are_not_taken(void **state)
{
    (void)state;
    for (uint8_t kind = 0; kind < 20; kind++) {
        uint8_t room[1024];
        struct net_record rec = { .stamp = 7 };
        struct cht_bytes src = golden(golden_bare, room);
        bool known = kind == NET_RECORD_FOUND || kind == NET_RECORD_ADMIT ||
                     kind == NET_RECORD_ROLE || kind == NET_RECORD_REVOKE;
        room[1] = kind;
        if (known)
            continue;
        assert_int_equal(kind == 0 ? CHT_E_MALFORMED : CHT_E_UNSUPPORTED,
                         net_record_decode(src, &rec));
        assert_int_equal(7, rec.stamp);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rulings_have_the_bytes_written_down_here, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_ruling_read_back_says_what_was_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_ruling_with_any_bit_flipped_or_cut_short_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(well_signed_nonsense_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cutoff_is_sorted_without_duplicates_and_bounded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cutoff_that_may_not_be_is_not_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reserved_kinds_are_not_taken, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("record_rulings", tests, NULL, NULL);
}
