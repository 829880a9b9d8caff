/* Tasks of taskwarrior, as `task export` prints them (docs/IMPORT.md 4): versions 2.6 and 3. */
#include "cli/import/import.h"
#include "cli/import/time.h"

#define SOURCE "taskwarrior"

struct task {
    const struct cli_import_reading *how;
    struct cli_import_record *todo;
    struct cht_bytes object, uuid, status;
};

typedef enum cht_err field_fn(struct task *t, struct cht_bytes name, const char *to,
                              struct cht_bytes value);

static enum cht_err say_raw(struct task *t, struct cht_bytes name, struct cht_bytes value)
{
    return cli_import_say_raw(t->how->arena, t->todo, name, value);
}

static bool is_word(struct cht_bytes text, const char *word)
{
    return cht_bytes_eq(text, cht_bytes_str(word));
}

/* --- fields of one value ------------------------------------------------------------------- */

static enum cht_err take_text(struct task *t, struct cht_bytes name, const char *to,
                              struct cht_bytes value)
{
    return node_mp_kind(value) == CRDT_MP_STR
               ? cli_import_say_text(t->how->arena, t->todo, to, node_mp_str(value))
               : say_raw(t, name, value);
}

static enum cht_err take_time(struct task *t, struct cht_bytes name, const char *to,
                              struct cht_bytes value)
{
    uint64_t ms;
    bool exact;
    if (cli_import_time(node_mp_str(value), &ms, &exact) != CHT_OK)
        return say_raw(t, name, value);
    enum cht_err err = cli_import_say_uint(t->how->arena, t->todo, to, ms);
    return err == CHT_OK && !exact ? say_raw(t, name, value) : err;
}

/* The end of a task that was deleted is no completion. */
static enum cht_err take_end(struct task *t, struct cht_bytes name, const char *to,
                             struct cht_bytes value)
{
    return is_word(t->status, "completed") ? take_time(t, name, to, value)
                                           : say_raw(t, name, value);
}

static enum cht_err take_status(struct task *t, struct cht_bytes name, const char *to,
                                struct cht_bytes value)
{
    static const uint8_t bools[] = { 0xc2, 0xc3 };
    const bool deleted = is_word(t->status, "deleted"), done = is_word(t->status, "completed");
    const bool begun = node_mp_get_str(t->object, "start").len != 0;
    const char *word = done ? "completed" : begun ? "in_progress" : "pending";
    enum cht_err err = cli_import_say(t->how->arena, t->todo, "deleted", cht_bytes(NULL, 0),
                                      cht_bytes(&bools[deleted], 1));
    if (err == CHT_OK)
        err = cli_import_say_text(t->how->arena, t->todo, to, cht_bytes_str(word));
    return err == CHT_OK && !deleted && !done && !is_word(t->status, "pending")
               ? say_raw(t, name, value)
               : err;
}

static enum cht_err take_priority(struct task *t, struct cht_bytes name, const char *to,
                                  struct cht_bytes value)
{
    static const char *const letters[] = { "H", "M", "L" };
    static const char *const words[] = { "high", "medium", "low" };
    for (unsigned i = 0; i < 3; i++) {
        if (is_word(node_mp_str(value), letters[i]))
            return cli_import_say_text(t->how->arena, t->todo, to, cht_bytes_str(words[i]));
    }
    return say_raw(t, name, value);
}

static enum cht_err take_tags(struct task *t, struct cht_bytes name, const char *to,
                              struct cht_bytes value)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes one;
    enum cht_err err = CHT_OK;
    if (node_mp_kind(value) != CRDT_MP_ARRAY)
        return say_raw(t, name, value);
    while (err == CHT_OK && node_mp_next(&it, NULL, &one))
        err = cli_import_say_element(t->how->arena, t->todo, to, node_mp_str(one));
    return err;
}

/* --- recurrence ---------------------------------------------------------------------------- */

/* Taskwarrior's words beside those that stand here as they are (LOCAL 3.8). */
static const char *known_recurrence(struct cht_bytes text)
{
    static const char *const table[][2] = {
        { "daily", "daily" },
        { "day", "daily" },
        { "weekly", "weekly" },
        { "weekdays", "weekdays" },
        { "biweekly", "every 2 weeks" },
        { "fortnight", "every 2 weeks" },
        { "monthly", "monthly" },
        { "month", "monthly" },
        { "bimonthly", "every 2 months" },
        { "quarterly", "every 3 months" },
        { "semiannual", "every 6 months" },
        { "annual", "yearly" },
        { "yearly", "yearly" },
        { "biannual", "every 2 years" },
        { "biyearly", "every 2 years" },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (is_word(text, table[i][0]))
            return table[i][1];
    }
    return NULL;
}

/* "3d", "2 weeks", "P1M": a number and a unit. */
static bool counted_recurrence(struct cht_bytes text, char out[static 32])
{
    static const char *const units[][6] = {
        { "days", "d", "day", "days", "D", NULL },
        { "weeks", "w", "wk", "wks", "W", NULL },
        { "weeks", "week", "weeks", NULL, NULL, NULL },
        { "months", "mo", "mth", "mths", "M", NULL },
        { "months", "month", "months", "mos", NULL, NULL },
        { "years", "y", "yr", "yrs", "Y", NULL },
        { "years", "year", "years", NULL, NULL, NULL },
    };
    size_t at = text.len != 0 && text.data[0] == 'P' ? 1 : 0;
    const size_t digits = at;
    while (at < text.len && at < digits + 3 && text.data[at] >= '0' && text.data[at] <= '9')
        at++;
    const int number = (int)(at - digits);
    const size_t unit = at < text.len && text.data[at] == ' ' ? at + 1 : at;
    if (number == 0 || text.data[digits] == '0')
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        for (size_t k = 1; units[i][k] != NULL; k++) {
            if (!is_word(cht_bytes(text.data + unit, text.len - unit), units[i][k]))
                continue;
            memcpy(out, "every ", 6);
            memcpy(out + 6, text.data + digits, (size_t)number);
            out[6 + number] = ' ';
            memcpy(out + 7 + number, units[i][0], strlen(units[i][0]) + 1);
            return true;
        }
    }
    return false;
}

/* What comes again is the task that the others are made from. */
static enum cht_err take_recur(struct task *t, struct cht_bytes name, const char *to,
                               struct cht_bytes value)
{
    char counted[32];
    const struct cht_bytes text = node_mp_str(value);
    const char *word = known_recurrence(text);
    if (word == NULL && counted_recurrence(text, counted))
        word = counted;
    if (word == NULL || !is_word(t->status, "recurring"))
        return say_raw(t, name, value);
    enum cht_err err = cli_import_say_text(t->how->arena, t->todo, to, cht_bytes_str(word));
    return err == CHT_OK && !is_word(text, word) ? say_raw(t, name, value) : err;
}

/* --- ties ---------------------------------------------------------------------------------- */

static enum cht_err say_dependency(struct task *t, struct cht_bytes uuid)
{
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    if (uuid.len == 0)
        return CHT_OK;
    cli_import_id(CRDT_TODO, SOURCE, uuid, &id, text);
    return cli_import_say_element(t->how->arena, t->todo, "dependencies", cht_bytes_str(text));
}

/* An array, or in older versions one text with commas. */
static enum cht_err take_depends(struct task *t, struct cht_bytes name, const char *to,
                                 struct cht_bytes value)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes one, text = node_mp_str(value);
    enum cht_err err = CHT_OK;
    (void)to;
    if (node_mp_kind(value) != CRDT_MP_ARRAY && text.len == 0)
        return say_raw(t, name, value);
    while (err == CHT_OK && node_mp_next(&it, NULL, &one))
        err = say_dependency(t, node_mp_str(one));
    while (err == CHT_OK && text.len != 0) {
        const uint8_t *comma = memchr(text.data, ',', text.len);
        const size_t len = comma == NULL ? text.len : (size_t)(comma - text.data);
        err = say_dependency(t, cht_bytes(text.data, len));
        text = cht_bytes(text.data + len + (comma != NULL), text.len - len - (comma != NULL));
    }
    return err;
}

/* Of a task that comes again: the one it was made from. */
static enum cht_err take_parent(struct task *t, struct cht_bytes name, const char *to,
                                struct cht_bytes value)
{
    static const char tie[] = "instance-of ";
    struct crdt_id id;
    char text[sizeof tie + CRDT_ID_TEXT_MAX];
    if (node_mp_str(value).len == 0)
        return say_raw(t, name, value);
    memcpy(text, tie, sizeof tie);
    cli_import_id(CRDT_TODO, SOURCE, node_mp_str(value), &id, text + sizeof tie - 1);
    return cli_import_say_element(t->how->arena, t->todo, to, cht_bytes_str(text));
}

/* "home.garden" is a project, and a part of "home". Those above come first. */
static enum cht_err say_project(struct task *t, struct cht_bytes name, char text[CRDT_ID_TEXT_MAX])
{
    struct cht_bytes above = name;
    char above_text[CRDT_ID_TEXT_MAX] = "";
    struct crdt_id id;
    uint64_t ms;
    cli_import_id(CRDT_PROJECT, SOURCE, name, &id, text);
    for (const struct cli_import_record *r = t->todo; r != NULL; r = r->next) {
        if (crdt_id_eq(&r->id, &id))
            return CHT_OK;
    }
    if (cli_id_set_has(t->how->projects, &id))
        return CHT_OK;
    while (above.len != 0 && above.data[above.len - 1] != '.')
        above.len--;
    enum cht_err err = CHT_OK;
    if (above.len > 1) {
        above.len--;
        cli_import_id(CRDT_PROJECT, SOURCE, above, &id, above_text);
        cli_import_id(CRDT_PROJECT, SOURCE, name, &id, text);
    }
    struct cli_import_record *p =
        cli_import_record(t->how->arena, &id, CLI_IMPORT_KEEP, SOURCE, t->how->line);
    if (p == NULL)
        return CHT_E_NOMEM;
    err = cli_import_say_text(t->how->arena, p, "name", name);
    if (err == CHT_OK)
        err = cli_import_say_text(t->how->arena, p, "parent", cht_bytes_str(above_text));
    if (err == CHT_OK && cli_import_time(node_mp_get_str(t->object, "entry"), &ms, NULL) == CHT_OK)
        err = cli_import_say_uint(t->how->arena, p, "created", ms);
    if (err == CHT_OK)
        cli_import_after(t->todo, p);
    return err;
}

static enum cht_err take_project(struct task *t, struct cht_bytes name, const char *to,
                                 struct cht_bytes value)
{
    char text[CRDT_ID_TEXT_MAX];
    const struct cht_bytes whole = node_mp_str(value);
    enum cht_err err = CHT_OK;
    if (whole.len == 0)
        return say_raw(t, name, value);
    for (size_t i = 1; err == CHT_OK && i < whole.len; i++) {
        if (whole.data[i] == '.')
            err = say_project(t, cht_bytes(whole.data, i), text);
    }
    if (err == CHT_OK)
        err = say_project(t, whole, text);
    return err == CHT_OK ? cli_import_say_text(t->how->arena, t->todo, to, cht_bytes_str(text))
                         : err;
}

static enum cht_err take_annotations(struct task *t, struct cht_bytes name, const char *to,
                                     struct cht_bytes value)
{
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes one;
    enum cht_err err = CHT_OK;
    (void)to;
    if (node_mp_kind(value) != CRDT_MP_ARRAY)
        return say_raw(t, name, value);
    while (err == CHT_OK && node_mp_next(&it, NULL, &one))
        err = cli_import_comment(t->how, t->todo, t->uuid, node_mp_get_str(one, "entry"),
                                 cht_bytes(NULL, 0), node_mp_get_str(one, "description"), NULL);
    return err;
}

/* --- a task -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *to;
    field_fn *take; /* NULL: taskwarrior works it out anew for each export */
} fields[] = {
    { "id", NULL, NULL },
    { "urgency", NULL, NULL },
    { "description", "content", take_text },
    { "status", "status", take_status },
    { "priority", "priority", take_priority },
    { "entry", "created", take_time },
    { "start", "started_at", take_time },
    { "end", "completed_at", take_end },
    { "due", "deadline", take_time },
    { "wait", "defer", take_time },
    { "tags", "labels", take_tags },
    { "depends", NULL, take_depends },
    { "project", "project", take_project },
    { "annotations", NULL, take_annotations },
    { "recur", "recurrence", take_recur },
    { "parent", "relations", take_parent },
};

static enum cht_err take_field(struct task *t, struct cht_bytes name, struct cht_bytes value)
{
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
        if (is_word(name, fields[k].name))
            return fields[k].take == NULL ? CHT_OK : fields[k].take(t, name, fields[k].to, value);
    }
    return say_raw(t, name, value);
}

static enum cht_err take_all(struct task *t)
{
    struct node_mp_iter it = node_mp_iter(t->object);
    struct cht_bytes name, value;
    char text[CRDT_ID_TEXT_MAX];
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, &name, &value)) {
        if (node_mp_kind(value) != CRDT_MP_NIL)
            err = take_field(t, node_mp_str(name), value);
    }
    if (err == CHT_OK && t->how->project != NULL &&
        node_mp_get_str(t->object, "project").len == 0) {
        crdt_id_text(t->how->project, text);
        err = cli_import_say_text(t->how->arena, t->todo, "project", cht_bytes_str(text));
    }
    return err;
}

static enum cht_err read_task(const struct cli_import_reading *how, struct cht_bytes object,
                              struct cli_import_record **out)
{
    struct task t = { .how = how, .object = object };
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    t.uuid = node_mp_get_str(object, "uuid");
    t.status = node_mp_get_str(object, "status");
    if (t.uuid.len == 0)
        return cli_import_wrong(how, "uuid", "it has no uuid");
    if (node_mp_get_str(object, "description").len == 0)
        return cli_import_wrong(how, "description", "it has no description");
    if (t.status.len == 0)
        return cli_import_wrong(how, "status", "it has no status");
    cli_import_id(CRDT_TODO, SOURCE, t.uuid, &id, text);
    t.todo = cli_import_record(how->arena, &id, CLI_IMPORT_SOURCE, SOURCE, how->line);
    if (t.todo == NULL)
        return CHT_E_NOMEM;
    const enum cht_err err = take_all(&t);
    if (err == CHT_OK)
        *out = t.todo;
    return err;
}

static bool is_task(struct cht_bytes object)
{
    return node_mp_get_str(object, "uuid").len != 0 && node_mp_get_str(object, "status").len != 0;
}

const struct cli_import_format cli_import_taskwarrior = {
    .name = SOURCE,
    .is = is_task,
    .read = read_task,
};
