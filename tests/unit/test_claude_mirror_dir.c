/* The folder of a list of tasks: numbers that are given, files that are no files. */
#include "bridges/claude/mirror_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void path_of(const char *file, char out[static 128])
{
    (void)snprintf(out, 128, "%s/%s", folder, file);
}

static void write_file(const char *file, const char *text)
{
    char path[128];
    path_of(file, path);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(0, fclose(f));
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/chitty-mirror-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    char path[128];
    const struct dirent *e;
    DIR *dir = opendir(folder);
    (void)state;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            (void)snprintf(path, sizeof path, "%s/%.60s", folder, e->d_name);
            (void)unlink(path);
        }
    }
    return (dir != NULL ? closedir(dir) : 0) | rmdir(folder);
}

static void next_is(const char *number)
{
    struct mirror_hold hold;
    char name[MIRROR_NAME_MAX];
    unsigned ms = 0;
    assert_int_equal(CHT_OK, mirror_next(folder, &hold, name, &ms));
    assert_string_equal(number, name);
    mirror_let_go(&hold);
}

/* In whatever order the folder tells its files: each time the highest is another one. */
static void a_number_is_given_once_also_beyond_what_is_looked_at(void **state)
{
    struct mirror_tasks tasks;
    char file[32], path[128], number[32];
    bool there;
    unsigned count = 2 * MIRROR_TASKS_MAX;
    (void)state;
    for (unsigned i = 1; i <= count; i++) {
        (void)snprintf(file, sizeof file, "%u.json", i);
        write_file(file, "{}");
    }
    assert_int_equal(CHT_OK, mirror_scan(folder, &there, &tasks));
    assert_int_equal(MIRROR_TASKS_MAX, tasks.count);
    for (unsigned i = 1; i <= count; i++) {
        (void)snprintf(number, sizeof number, "%u", i);
        assert_true(mirror_there(folder, number)); /* none is missing */
    }
    mirror_tasks_clear(&tasks);
    for (; count > 2 * MIRROR_TASKS_MAX - 16; count--) {
        (void)snprintf(number, sizeof number, "%u", count + 1);
        assert_false(mirror_there(folder, number));
        next_is(number);
        (void)snprintf(file, sizeof file, "%u.json", count);
        path_of(file, path);
        assert_int_equal(0, unlink(path));
    }
}

static void a_number_that_was_removed_is_not_given_again(void **state)
{
    (void)state;
    write_file("3.json", "{}");
    next_is("4");
    write_file(".highwatermark", "17\n");
    next_is("18");
    write_file(".highwatermark", "seventeen");
    next_is("4");
}

static void a_pipe_in_the_place_of_a_file_is_not_waited_for(void **state)
{
    char path[128];
    struct mirror_tasks tasks;
    bool there;
    (void)state;
    path_of(".highwatermark", path);
    assert_int_equal(0, mkfifo(path, 0600));
    path_of("1.json", path);
    assert_int_equal(0, mkfifo(path, 0600));
    (void)alarm(20);
    next_is("2");
    assert_int_equal(CHT_OK, mirror_scan(folder, &there, &tasks));
    (void)alarm(0);
    assert_int_equal(1, tasks.count);
    assert_null(tasks.list[0].file);
    mirror_tasks_clear(&tasks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_number_is_given_once_also_beyond_what_is_looked_at,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_number_that_was_removed_is_not_given_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_pipe_in_the_place_of_a_file_is_not_waited_for, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
