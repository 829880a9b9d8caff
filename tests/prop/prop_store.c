/* Property tests of the replica on SQLite; the seed is printed first.
 *
 * CHITTY_SEED repeats a run, CHITTY_CASES says how many cases it has of each property, and
 * CHITTY_FIRST with which number it begins. */
#include "tests/prop/home.h"
#include "tests/prop/prop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CASES_FULL 2000u /* as many are in suite long; a hundredth in every run */

static uint32_t number_from(const char *name, uint32_t usual)
{
    const char *env = getenv(name);
    return env != NULL ? (uint32_t)strtoul(env, NULL, 0) : usual;
}

static void each_case(void **state, void (*run)(struct prop *p, uint32_t number))
{
    struct prop *p = *state;
    uint32_t first = number_from("CHITTY_FIRST", 0);
    for (uint32_t n = first; n < first + p->cases; n++) {
        if (getenv("CHITTY_TRACE") != NULL)
            print_message("# case %u\n", n);
        run(p, n);
        p->cases_run++;
    }
}

static void any_order_through_the_store_gives_what_the_model_says(void **state)
{
    each_case(state, prop_receive);
}

static void replicas_that_write_and_exchange_come_to_one_state(void **state)
{
    each_case(state, prop_exchange);
}

static void report(const char *what, uint64_t count, uint64_t base)
{
    printf("# %8llu  %5.1f %%  %s\n", (unsigned long long)count,
           100.0 * (double)count / (double)base, what);
    assert_true(count * 100 >= base);
}

/* Runs last: what the others saw was worth seeing. */
static void every_class_came_in_at_least_one_case_of_a_hundred(void **state)
{
    const struct prop *p = *state;
    if (p->cases < CASES_FULL / 100)
        return; /* too few to say */
    assert_int_equal(0, history_report(p->tally, stdout));
    report("of the cells have several values", p->seen.several, p->seen.cells);
    report("of the cells are in conflict", p->seen.conflicts, p->seen.cells);
    report("of the ranges were held already", p->duplicates, p->ranges);
    report("of the ranges came before what they follow", p->gaps, p->ranges);
    report("of the ranges were held in part", p->overlaps, p->ranges);
    report("of the cases had ranges spoilt", p->spoilt, p->cases_run);
    report("kills a case", p->kills, p->cases_run);
    report("restarts a case", p->restarts, p->cases_run);
    report("homes with a proved fork a case", p->forked, p->cases_run);
}

int main(void)
{
    struct prop p = { .seed = seeded_start(1).state, .cases = CASES_FULL / 100 };
    p.cases = number_from("CHITTY_CASES", p.cases);
    if (sodium_init() < 0)
        return 1;
    home_folder();
    struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_through_the_store_gives_what_the_model_says),
        cmocka_unit_test(replicas_that_write_and_exchange_come_to_one_state),
        cmocka_unit_test(every_class_came_in_at_least_one_case_of_a_hundred),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tests[i].initial_state = &p;
    int failed = cmocka_run_group_tests_name("prop_store", tests, NULL, NULL);
    home_folder_remove();
    return failed;
}
