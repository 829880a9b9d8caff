/* Feeds every file of the folders named to a fuzz harness, once each, in the order of their names.
 * That is how the seeds, and every input that once crashed a decoder, are tried again by each test
 * run and under each sanitizer. It is not a fuzzer: it changes no byte. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED_BYTES_MAX (1024u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The input gets a heap block of exactly its size, so that AddressSanitizer sees one byte too far.
 */
static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    int status = -1;
    uint8_t *data = NULL;
    FILE *file = NULL;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        goto done;
    file = fopen(path, "rbe");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        goto done;
    const long len = ftell(file);
    if (len < 0 || (unsigned long)len > SEED_BYTES_MAX || fseek(file, 0, SEEK_SET) != 0)
        goto done;
    data = malloc(len > 0 ? (size_t)len : 1);
    if (data == NULL || fread(data, 1, (size_t)len, file) != (size_t)len)
        goto done;
    (void)fprintf(stderr, "%s\n", path); /* before, so that a crash is under its name */
    (void)LLVMFuzzerTestOneInput(data, (size_t)len);
    status = 0;
done:
    if (status != 0)
        (void)fprintf(stderr, "%s/%s: cannot be read\n", folder, name);
    free(data);
    if (file != NULL)
        (void)fclose(file);
    return status;
}

/* Number of files fed, or -1. A folder without any is a failure too: its test would show nothing.
 */
static int replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_visible, alphasort);
    int status = count;
    if (count <= 0) {
        (void)fprintf(stderr, "%s: no seeds\n", folder);
        status = -1;
    }
    for (int i = 0; i < count; i++) {
        if (status > 0 && replay_file(folder, entries[i]->d_name) != 0)
            status = -1;
        free(entries[i]);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        const int count = replay_folder(argv[i]);
        if (count < 0)
            return EXIT_FAILURE;
        total += count;
    }
    (void)printf("%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
