#ifndef TESTS_BENCH_MANY_H
#define TESTS_BENCH_MANY_H
/* A space with many todos, as a team may have them after years: most are done, few projects have
 * most of them, words are drawn as in a language (few are in every second text, most in hardly
 * any). All draws come from the todo's number, so that a space of more todos begins as one of less.
 */
#include "net/identity.h"
#include "node/replica/replica.h"
#include "tests/bench/bench.h"

#define MANY_PROJECTS  200u
#define MANY_LABELS    50u
#define MANY_ASSIGNEES 40u
#define MANY_WORDS     20000u
/* The day in the middle of all times of the todos. */
#define MANY_NOW_MS UINT64_C(1767225600000)

struct many {
    struct node_replica *r;
    struct net_identity identity;
    char path[BENCH_PATH_MAX];
    uint32_t count; /* todos made */
};

void many_open(struct many *m, const char *folder);
/* Make todos until there are `count`, in transactions of some, rows written. */
void many_grow(struct many *m, uint32_t count);
void many_close(struct many *m);

/* Draws as the todos were drawn, for questions: a project's id, a label, a person, a word. */
uint64_t many_draw(uint64_t *random);
void many_project(uint64_t *random, char out[static CRDT_ID_TEXT_MAX]);
void many_label(uint64_t *random, char out[static 16]);
void many_person(uint64_t *random, char out[static 16]);
void many_word(uint64_t *random, char out[static 16]);

#endif
