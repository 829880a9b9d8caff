/* Fork proofs (PROTOCOL 4.4): the vector, and every kind of damage and pretence. */
#include "tests/support/fork_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

static struct fork_scene scene;
static struct net_fork fork;

static int setup(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return 1;
    fork_scene_init(&scene);
    memset(&fork, 0xee, sizeof fork);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fork_scene_clear(&scene);
    return 0;
}

static enum cht_err read_again(struct cht_bytes proof)
{
    return net_fork_decode(proof, &scene.arena, &fork);
}

static struct cht_bytes vector(const char *name)
{
    static char line[8192];
    size_t name_len = strlen(name);
    FILE *file = fopen(CHT_VECTORS "/fork.hex", "rbe");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, name_len) != 0 || line[name_len] != ' ')
            continue;
        size_t len = strcspn(line + name_len + 1, "\n") / 2;
        uint8_t *out = cht_arena_alloc(&scene.arena, len);
        assert_int_equal(CHT_OK, crdt_unhex(cht_bytes(line + name_len + 1, 2 * len), out, len));
        (void)fclose(file);
        return cht_bytes(out, len);
    }
    fail_msg("no vector %s", name);
    return cht_bytes(NULL, 0);
}

static void the_proof_of_the_scene_has_the_bytes_of_its_vector(void **state)
{
    (void)state;
    struct cht_bytes proof = fork_scene_proof(&scene, true), want = vector("two-branches");
    assert_int_equal(want.len, proof.len);
    assert_memory_equal(want.data, proof.data, want.len);
}

static void the_vector_is_read_verified_and_written_the_same(void **state)
{
    (void)state;
    struct cht_bytes want = vector("two-branches");
    assert_int_equal(CHT_OK, read_again(want));
    assert_int_equal(CHT_OK, net_fork_verify(&fork));
    assert_int_equal(7, fork.seq);
    assert_int_equal(0xe7, fork.epoch[7]);
    assert_int_equal(0x77, fork.space[0]);
    assert_memory_equal(scene.device.device, fork.device, CRDT_ID_BYTES);
    assert_int_equal(4, fork.branches[0].count + fork.branches[1].count);
    assert_int_equal(CHT_OK, net_fork_encode(&fork, &scene.proof));
    assert_int_equal(want.len, scene.proof.len);
    assert_memory_equal(want.data, scene.proof.data, want.len);
}

static void the_branches_are_written_in_one_order(void **state)
{
    (void)state;
    struct net_fork turned = { .seq = 0 };
    struct cht_bytes want = vector("two-branches");
    memcpy(turned.sign_pk, scene.device.cert.sign_pk, sizeof turned.sign_pk);
    fork_scene_branch(&scene, 1, true, &turned.branches[0]);
    fork_scene_branch(&scene, 0, true, &turned.branches[1]);
    assert_int_equal(CHT_OK, net_fork_encode(&turned, &scene.proof));
    assert_memory_equal(want.data, scene.proof.data, want.len);
}

static void no_beginning_of_a_proof_is_one_and_nothing_may_follow(void **state)
{
    (void)state;
    struct cht_bytes whole = vector("two-branches");
    for (size_t len = 0; len < whole.len; len++) {
        uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees one byte too far */
        memcpy(exact, whole.data, len);
        assert_int_equal(CHT_E_MALFORMED, read_again(cht_bytes(exact, len)));
        free(exact);
    }
    uint8_t *longer = cht_arena_alloc(&scene.arena, whole.len + 1);
    memcpy(longer, whole.data, whole.len);
    assert_int_equal(CHT_E_MALFORMED, read_again(cht_bytes(longer, whole.len + 1)));
    assert_int_equal(0xee, fork.space[0]);
}

static void no_bit_of_a_proof_may_be_changed(void **state)
{
    (void)state;
    struct cht_bytes whole = vector("two-branches");
    uint8_t *changed = cht_arena_alloc(&scene.arena, whole.len);
    memcpy(changed, whole.data, whole.len);
    for (size_t at = 0; at < whole.len; at++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            changed[at] ^= (uint8_t)(1u << bit);
            enum cht_err err = read_again(cht_bytes(changed, whole.len));
            if (err == CHT_OK)
                err = net_fork_verify(&fork);
            assert_true(err == CHT_E_MALFORMED || err == CHT_E_LIMIT || err == CHT_E_SIGNATURE ||
                        err == CHT_E_UNSUPPORTED);
            changed[at] ^= (uint8_t)(1u << bit);
        }
    }
}

static void assert_refused(bool relink)
{
    assert_int_equal(CHT_E_MALFORMED, read_again(fork_scene_proof(&scene, relink)));
}

static void entries_of_two_epochs_are_no_fork(void **state)
{
    (void)state;
    scene.headers[0][0].epoch[0] ^= 1;
    assert_refused(true);
}

static void entries_of_two_seqs_are_no_fork(void **state)
{
    (void)state;
    scene.headers[0][0].seq++;
    assert_refused(true);
}

static void entries_of_two_spaces_are_no_fork(void **state)
{
    (void)state;
    scene.headers[0][0].space[0] ^= 1;
    assert_refused(true);
}

static void an_entry_of_another_device_is_no_fork(void **state)
{
    (void)state;
    scene.headers[1][0].device[0] ^= 1;
    assert_refused(true);
}

static void a_device_that_is_not_the_keys_is_no_fork(void **state)
{
    (void)state;
    for (uint32_t b = 0; b < 2; b++) {
        for (uint32_t i = 0; i < FORK_SCENE_HEADERS; i++)
            scene.headers[b][i].device[3] ^= 1;
    }
    assert_refused(true);
}

static void one_entry_twice_is_no_fork(void **state)
{
    (void)state;
    scene.headers[1][0] = scene.headers[0][0];
    assert_refused(true);
}

static void headers_that_do_not_follow_each_other_are_no_branch(void **state)
{
    (void)state;
    assert_refused(false); /* prev names nothing */
    fork_scene_clear(&scene);
    fork_scene_init(&scene);
    scene.headers[1][2].seq++;
    assert_refused(true);
    scene.headers[1][2].seq--;
    scene.headers[1][2].space[5] ^= 1;
    assert_refused(true);
}

static void previous_entries_may_differ(void **state)
{
    (void)state; /* two paths that came apart earlier, in other epochs */
    scene.headers[1][0].prev.b[0] ^= 1;
    assert_int_equal(CHT_OK, read_again(fork_scene_proof(&scene, true)));
    assert_int_equal(CHT_OK, net_fork_verify(&fork));
}

static void a_head_of_another_key_does_not_verify(void **state)
{
    (void)state;
    struct net_seeds seeds;
    memset(&seeds, 0x5b, sizeof seeds);
    struct net_identity other, *real = &scene.device;
    net_identity_make(&other, &seeds, 1, 0);
    memcpy(real->sign_sk, other.sign_sk, sizeof real->sign_sk);
    assert_int_equal(CHT_OK, read_again(fork_scene_proof(&scene, true)));
    assert_int_equal(CHT_E_SIGNATURE, net_fork_verify(&fork));
}

static void a_later_version_is_not_read(void **state)
{
    (void)state;
    struct cht_bytes whole = vector("two-branches");
    uint8_t *changed = cht_arena_alloc(&scene.arena, whole.len);
    memcpy(changed, whole.data, whole.len);
    changed[0] = 2;
    assert_int_equal(CHT_E_UNSUPPORTED, read_again(cht_bytes(changed, whole.len)));
}

static void counts_and_sizes_are_bounded(void **state)
{
    (void)state;
    struct cht_bytes whole = vector("two-branches");
    uint8_t *changed = cht_arena_alloc(&scene.arena, LIMIT_FORK_BYTES + 1);
    memcpy(changed, whole.data, whole.len);
    changed[33] = 0; /* headers of the first branch */
    assert_int_equal(CHT_E_MALFORMED, read_again(cht_bytes(changed, whole.len)));
    changed[33] = 0x81; /* 257 of them */
    changed[34] = 0x02;
    assert_int_equal(CHT_E_LIMIT, read_again(cht_bytes(changed, whole.len)));
    changed[33] = 1;
    changed[34] = 0x81; /* a header of 4097 bytes */
    changed[35] = 0x20;
    assert_int_equal(CHT_E_LIMIT, read_again(cht_bytes(changed, whole.len)));
    assert_int_equal(CHT_E_LIMIT, read_again(cht_bytes(changed, LIMIT_FORK_BYTES + 1)));
}

static void a_proof_that_would_be_too_large_is_not_written(void **state)
{
    (void)state;
    uint8_t *large = cht_arena_alloc(&scene.arena, LIMIT_HEADER_BYTES);
    struct cht_bytes headers[LIMIT_HEAD_ENTRIES];
    for (size_t i = 0; i < LIMIT_HEAD_ENTRIES; i++)
        headers[i] = cht_bytes(large, LIMIT_HEADER_BYTES);
    struct net_fork f = { .seq = 0 };
    for (int b = 0; b < 2; b++)
        f.branches[b] = (struct net_fork_branch){ .count = LIMIT_HEAD_ENTRIES, .headers = headers };
    assert_int_equal(CHT_OK, cht_buf_add_u8(&scene.proof, 9));
    assert_int_equal(CHT_E_LIMIT, net_fork_encode(&f, &scene.proof));
    assert_int_equal(1, scene.proof.len);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_proof_of_the_scene_has_the_bytes_of_its_vector),
        T(the_vector_is_read_verified_and_written_the_same),
        T(the_branches_are_written_in_one_order),
        T(no_beginning_of_a_proof_is_one_and_nothing_may_follow),
        T(no_bit_of_a_proof_may_be_changed),
        T(entries_of_two_epochs_are_no_fork),
        T(entries_of_two_seqs_are_no_fork),
        T(entries_of_two_spaces_are_no_fork),
        T(an_entry_of_another_device_is_no_fork),
        T(a_device_that_is_not_the_keys_is_no_fork),
        T(one_entry_twice_is_no_fork),
        T(headers_that_do_not_follow_each_other_are_no_branch),
        T(previous_entries_may_differ),
        T(a_head_of_another_key_does_not_verify),
        T(a_later_version_is_not_read),
        T(counts_and_sizes_are_bounded),
        T(a_proof_that_would_be_too_large_is_not_written),
    };
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
