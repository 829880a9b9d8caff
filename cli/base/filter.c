/* Words of a filter to the conditions of a request; see filter.h. */
#include "cli/base/filter.h"

#include "cli/base/fields.h"
#include "cli/base/me.h"
#include "cli/base/options.h"
#include "crdt/limits.h"
#include "node/client/conditions.h"

#include <ctype.h>

#define NAMES_MAX 128u /* offered in "did you mean" */
#define PIECE_MAX (LIMIT_KEY_BYTES + 2)

struct filter {
    struct cli_context *c;
    struct cht_buf where, text;
    uint32_t conds;
    unsigned is;      /* bits, 1 << enum node_is_word */
    bool says_status; /* a status is asked for, or a word of `is` */
};

/* --- names --------------------------------------------------------------------------------- */

static const struct {
    const char *alias;
    const char *names[2]; /* the first that the type has */
} aliases[] = {
    { "due", { "deadline", NULL } },       { "pri", { "priority", NULL } },
    { "prio", { "priority", NULL } },      { "proj", { "project", NULL } },
    { "pro", { "project", NULL } },        { "label", { "labels", "tags" } },
    { "labels", { "labels", "tags" } },    { "tag", { "labels", "tags" } },
    { "tags", { "labels", "tags" } },      { "depends", { "dependencies", NULL } },
    { "dep", { "dependencies", NULL } },   { "wait", { "defer", NULL } },
    { "entry", { "created", "started" } }, { "done", { "completed_at", "ended" } },
    { "ref", { "external_ref", NULL } },   { "title", { "content", "name" } },
    { "changed", { "modified", NULL } },
};

const struct crdt_field *cli_field_meant(unsigned type, struct cht_bytes name)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    char own[CLI_FLAG_NAME_MAX], wanted[CLI_FLAG_NAME_MAX];
    if (name.len == 0 || name.len >= sizeof wanted || schema == NULL)
        return NULL;
    for (size_t i = 0; i <= name.len; i++)
        wanted[i] = i == name.len ? '\0' : name.data[i] == '_' ? '-' : (char)tolower(name.data[i]);
    if (strcmp(wanted, node_field_modified.name) == 0)
        return &node_field_modified;
    for (size_t i = 0; i < schema->count; i++) {
        for (unsigned element = 0; element < 2; element++) {
            if (cli_field_flag(&schema->fields[i], CLI_FIELDS_WRITE, element != 0, own) &&
                strcmp(own, wanted) == 0)
                return &schema->fields[i];
        }
    }
    const struct crdt_field *field =
        crdt_field_named(type, name); /* a map has no flag of its own */
    for (size_t i = 0; field == NULL && i < sizeof aliases / sizeof aliases[0]; i++) {
        for (unsigned k = 0; k < 2 && field == NULL && strcmp(aliases[i].alias, wanted) == 0; k++) {
            const char *real = aliases[i].names[k];
            if (real != NULL && strcmp(real, node_field_modified.name) == 0)
                return &node_field_modified;
            if (real != NULL)
                field = crdt_field_named(type, cht_bytes_str(real));
        }
    }
    return field != NULL && field->number == CRDT_FIELD_DELETED ? NULL : field;
}

enum cht_err cli_field_find(struct cli_context *c, const char *what, struct cht_bytes name,
                            const struct crdt_field **out)
{
    const struct crdt_field *field = cli_field_meant(c->type, name);
    if (field != NULL) {
        *out = field;
        return CHT_OK;
    }
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    const char *names[NAMES_MAX + 1] = { NULL };
    size_t n = 0;
    for (size_t i = 0; schema != NULL && i < schema->count && n < NAMES_MAX; i++)
        names[n++] = schema->fields[i].name;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0] && n < NAMES_MAX; i++)
        names[n++] = aliases[i].alias;
    (void)node_fault_set(&c->fault, CHT_E_INVALID, name, "%s: a %s has no \"%.*s\"", what,
                         crdt_type_table(c->type), (int)(name.len > 80 ? 80 : name.len),
                         (const char *)name.data);
    const char *near = node_closest(name, names);
    if (near != NULL)
        node_fault_hint(&c->fault, "did you mean \"%s\"?", near);
    return CHT_E_INVALID;
}

/* --- conditions ---------------------------------------------------------------------------- */

static enum cht_err begin_cond(struct filter *f, const struct crdt_field *field,
                               enum node_cond_op op)
{
    const bool valued = op != NODE_COND_ANY && op != NODE_COND_NONE;
    f->conds++;
    enum cht_err err = crdt_mp_put_map(&f->where, valued ? 3 : 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&f->where, "field", field->name);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&f->where, "op", node_cond_op_word(op));
    return err == CHT_OK && valued ? node_mp_put_text(&f->where, "value") : err;
}

static enum cht_err put_time_cond(struct filter *f, const struct crdt_field *field,
                                  enum node_cond_op op, uint64_t ms)
{
    enum cht_err err = begin_cond(f, field, op);
    return err == CHT_OK ? crdt_mp_put_uint(&f->where, ms) : err;
}

/* A day is all of its moments: before it is before its beginning, after it is after its end. */
static enum cht_err read_time(struct filter *f, const struct crdt_field *field,
                              enum node_cond_op op, const char *value)
{
    uint64_t start = 0, end = 0;
    enum cht_err err = cli_time_range(f->c, field, value, &start, &end);
    if (err != CHT_OK)
        return err;
    if (op == NODE_COND_BEFORE || op == NODE_COND_FROM)
        return put_time_cond(f, field, op, start);
    if (op == NODE_COND_AFTER || op == NODE_COND_TO)
        return put_time_cond(f, field, op, end);
    if (op == NODE_COND_NOT && start != end) {
        (void)node_fault_set(&f->c->fault, CHT_E_INVALID, cht_bytes_str(field->name),
                             "%s.not:%.80s is two questions", field->name, value);
        node_fault_hint(&f->c->fault, "ask %s.before:%.80s or %s.after:%.80s", field->name, value,
                        field->name, value);
        return CHT_E_INVALID;
    }
    if (op != NODE_COND_IS || start == end)
        return put_time_cond(f, field, op, start);
    err = put_time_cond(f, field, NODE_COND_FROM, start);
    return err == CHT_OK ? put_time_cond(f, field, NODE_COND_TO, end) : err;
}

/* The word of an enum that a text is or begins, whatever its case. */
static const char *word_meant(const struct crdt_field *field, const char *text)
{
    const char *meant = NULL;
    const size_t len = strlen(text);
    for (size_t i = 0; field->words != NULL && field->words[i] != NULL; i++) {
        if (strncasecmp(field->words[i], text, len) != 0)
            continue;
        if (field->words[i][len] == '\0')
            return field->words[i];
        if (meant != NULL)
            return text; /* the check says which there are */
        meant = field->words[i];
    }
    return meant == NULL ? text : meant;
}

static enum cht_err put_value(struct filter *f, const struct crdt_field *field, const char *text)
{
    char room[CLI_ME_MAX];
    const bool keyed = field->kind == CRDT_SET || field->kind == CRDT_MAP;
    if (text[0] == '@' && field->value != CRDT_V_ID) {
        enum cht_err err = cli_me(f->c, text, room, &text);
        if (err != CHT_OK)
            return err;
    }
    if (field->value == CRDT_V_ENUM || field->value == CRDT_V_WORD)
        text = word_meant(field, text);
    return cli_value_put(f->c, field, keyed, text, &f->where);
}

/* Words, ids and elements may be listed with commas; other texts may hold commas themselves. */
static bool takes_list(const struct crdt_field *field, enum node_cond_op op)
{
    return (op == NODE_COND_IS || op == NODE_COND_NOT || op == NODE_COND_HAS ||
            op == NODE_COND_HASNT) &&
           (field->kind == CRDT_SET || field->kind == CRDT_MAP || field->value == CRDT_V_ENUM ||
            field->value == CRDT_V_WORD || field->value == CRDT_V_ID);
}

static enum cht_err read_values(struct filter *f, const struct crdt_field *field,
                                enum node_cond_op op, const char *value)
{
    char piece[PIECE_MAX];
    uint32_t count = 1;
    for (const char *at = value; *at != '\0'; at++)
        count += *at == ',';
    enum cht_err err = begin_cond(f, field, op);
    if (err == CHT_OK && (op == NODE_COND_CONTAINS || op == NODE_COND_STARTS))
        return crdt_mp_put_str(&f->where, cht_bytes_str(value));
    if (err == CHT_OK && (count == 1 || !takes_list(field, op)))
        return put_value(f, field, value);
    if (err == CHT_OK)
        err = crdt_mp_put_array(&f->where, count);
    for (const char *at = value; err == CHT_OK && count > 0; count--) {
        const size_t len = strcspn(at, ",");
        if (len >= sizeof piece)
            return node_fault_set(&f->c->fault, CHT_E_LIMIT, cht_bytes_str(field->name),
                                  "a value of %s is too long", field->name);
        memcpy(piece, at, len);
        piece[len] = '\0';
        at += len + (at[len] == ',');
        err = len == 0 ? crdt_mp_put_nil(&f->where) : put_value(f, field, piece);
    }
    return err;
}

/* --- words --------------------------------------------------------------------------------- */

static enum cht_err find_op(struct filter *f, struct cht_bytes word, enum node_cond_op *out)
{
    static const struct {
        const char *word;
        enum node_cond_op op;
    } others[] = { { "isnt", NODE_COND_NOT },      { "over", NODE_COND_AFTER },
                   { "above", NODE_COND_AFTER },   { "under", NODE_COND_BEFORE },
                   { "below", NODE_COND_BEFORE },  { "since", NODE_COND_FROM },
                   { "by", NODE_COND_TO },         { "until", NODE_COND_TO },
                   { "hasnot", NODE_COND_HASNT },  { "startswith", NODE_COND_STARTS },
                   { "begins", NODE_COND_STARTS }, { "word", NODE_COND_CONTAINS } };
    const char *words[NODE_COND_OP_COUNT + 1] = { NULL };
    for (unsigned i = 0; i < NODE_COND_OP_COUNT; i++) {
        words[i] = node_cond_op_word((enum node_cond_op)i);
        if (cht_bytes_eq(word, cht_bytes_str(words[i]))) {
            *out = (enum node_cond_op)i;
            return CHT_OK;
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (cht_bytes_eq(word, cht_bytes_str(others[i].word))) {
            *out = others[i].op;
            return CHT_OK;
        }
    }
    (void)node_fault_set(&f->c->fault, CHT_E_INVALID, word, "a filter has no \".%.*s\"",
                         (int)(word.len > 80 ? 80 : word.len), (const char *)word.data);
    const char *near = node_closest(word, words);
    if (near != NULL)
        node_fault_hint(&f->c->fault, "did you mean \".%s\"?", near);
    else
        node_fault_hint(&f->c->fault, "there are .is .not .before .after .from .to .has .hasnt "
                                      ".any .none .contains .starts");
    return CHT_E_INVALID;
}

/* What `name:value` asks without an operator: documents and titles hold the text. */
static enum node_cond_op usual_op(unsigned type, const struct crdt_field *field)
{
    if (field->kind == CRDT_SET || field->kind == CRDT_MAP)
        return NODE_COND_HAS;
    return field->kind == CRDT_TEXT || strcmp(field->name, crdt_schema(type)->title_field) == 0
               ? NODE_COND_CONTAINS
               : NODE_COND_IS;
}

static enum cht_err read_is(struct filter *f, const char *value)
{
    const char *words[NODE_IS_COUNT + 1] = { NULL };
    for (unsigned i = 0; i < NODE_IS_COUNT; i++)
        words[i] = node_is_word((enum node_is_word)i);
    f->says_status = true;
    for (const char *at = value;; at++) {
        const struct cht_bytes word = cht_bytes(at, strcspn(at, ","));
        unsigned i = 0;
        while (i < NODE_IS_COUNT && !cht_bytes_eq(word, cht_bytes_str(words[i])))
            i++;
        if (i == NODE_IS_COUNT) {
            (void)node_fault_set(&f->c->fault, CHT_E_INVALID, cht_bytes_str("is"),
                                 "nothing is \"%.*s\"", (int)(word.len > 80 ? 80 : word.len), at);
            const char *near = node_closest(word, words);
            if (near != NULL)
                node_fault_hint(&f->c->fault, "did you mean is:%s?", near);
            else
                node_fault_hint(&f->c->fault, "it is one of open, ready, blocked, overdue, "
                                              "conflicted, hidden");
            return CHT_E_INVALID;
        }
        f->is |= 1u << i;
        at += word.len;
        if (*at == '\0')
            return CHT_OK;
    }
}

/* "ready" and "overdue" are no status, but how people think of one. */
static bool is_of_status(const char *value)
{
    return strcmp(value, "ready") == 0 || strcmp(value, "overdue") == 0 ||
           strcmp(value, "open") == 0;
}

/* "due:none" too, where that is no value a field may have. */
static bool says_none(const struct crdt_field *field, const char *value)
{
    return value[0] == '\0' || (field->kind == CRDT_REGISTER && strcmp(value, "none") == 0 &&
                                (field->value == CRDT_V_TIME || field->value == CRDT_V_ENUM));
}

/* "name:value", "name.op:value"; `colon` is where the value begins. */
static enum cht_err read_attribute(struct filter *f, const char *word, const char *colon)
{
    const char *dot = memchr(word, '.', (size_t)(colon - word));
    const struct cht_bytes name = cht_bytes(word, (size_t)((dot == NULL ? colon : dot) - word));
    const char *value = colon + 1;
    const struct crdt_field *field = NULL;
    enum node_cond_op op = NODE_COND_IS;
    if (dot == NULL && cht_bytes_eq(name, cht_bytes_str("is")))
        return read_is(f, value);
    enum cht_err err = cli_field_find(f->c, word, name, &field);
    if (err != CHT_OK) {
        if (f->c->fault.hint[0] == '\0')
            node_fault_hint(&f->c->fault, "text with a colon in it goes after --");
        return err;
    }
    if (strcmp(field->name, "status") == 0) {
        f->says_status = true;
        if (dot == NULL && is_of_status(value))
            return read_is(f, value);
    }
    op = usual_op(f->c->type, field);
    if (dot != NULL)
        err = find_op(f, cht_bytes(dot + 1, (size_t)(colon - dot - 1)), &op);
    if (err == CHT_OK && dot != NULL && op == NODE_COND_HAS && !node_cond_fits(field, op))
        op = NODE_COND_CONTAINS; /* content.has:word */
    if (err == CHT_OK && !node_cond_fits(field, op))
        return node_fault_set(&f->c->fault, CHT_E_INVALID, cht_bytes_str(field->name),
                              "%s: \".%s\" says nothing about %s", word, node_cond_op_word(op),
                              field->name);
    if (err != CHT_OK)
        return err;
    if (op == NODE_COND_ANY || op == NODE_COND_NONE)
        return begin_cond(f, field, op);
    if (says_none(field, value)) /* "project:": those without one */
        return begin_cond(f, field,
                          op == NODE_COND_NOT || op == NODE_COND_HASNT ? NODE_COND_ANY
                                                                       : NODE_COND_NONE);
    return field->kind == CRDT_REGISTER && field->value == CRDT_V_TIME
               ? read_time(f, field, op, value)
               : read_values(f, field, op, value);
}

/* "+label", "-label" */
static enum cht_err read_label(struct filter *f, const char *word)
{
    const struct crdt_field *field = cli_field_meant(f->c->type, cht_bytes_str("label"));
    if (field == NULL)
        return node_fault_set(&f->c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "%s: a %s has no labels (text that begins with %c goes after --)",
                              word, crdt_type_table(f->c->type), word[0]);
    return read_values(f, field, word[0] == '+' ? NODE_COND_HAS : NODE_COND_HASNT, word + 1);
}

static enum cht_err add_text(struct filter *f, const char *word)
{
    const bool several = strchr(word, ' ') != NULL && strchr(word, '"') == NULL;
    enum cht_err err = f->text.len == 0 ? CHT_OK : cht_buf_add_u8(&f->text, ' ');
    if (err == CHT_OK && several) /* one argument of several words: as they stand */
        err = cht_buf_add_u8(&f->text, '"');
    if (err == CHT_OK)
        err = cht_buf_add(&f->text, cht_bytes_str(word));
    return err == CHT_OK && several ? cht_buf_add_u8(&f->text, '"') : err;
}

/* Where the value of "name:value" begins, or NULL: it is no such word. Addresses ("http://…") and
 * times ("14:00") are text. */
static const char *attribute_colon(const char *word)
{
    size_t len = 0;
    if (!isalpha((unsigned char)word[0]))
        return NULL;
    while (isalnum((unsigned char)word[len]) || word[len] == '_' || word[len] == '-' ||
           word[len] == '.')
        len++;
    return word[len] == ':' && strncmp(word + len, "://", 3) != 0 ? word + len : NULL;
}

static enum cht_err read_word(struct filter *f, const char *word)
{
    const char *colon = attribute_colon(word);
    if (colon != NULL)
        return read_attribute(f, word, colon);
    if ((word[0] == '+' || word[0] == '-') && word[1] != '\0')
        return read_label(f, word);
    return word[0] == '\0' ? CHT_OK : add_text(f, word);
}

/* --- the request --------------------------------------------------------------------------- */

static enum cht_err put_is(const struct filter *f, struct cht_buf *out)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < NODE_IS_COUNT; i++)
        count += f->is >> i & 1u;
    enum cht_err err = node_mp_put_text(out, "is");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (unsigned i = 0; err == CHT_OK && i < NODE_IS_COUNT; i++) {
        if ((f->is >> i & 1u) != 0)
            err = node_mp_put_text(out, node_is_word((enum node_is_word)i));
    }
    return err;
}

static enum cht_err put_pairs(const struct filter *f, struct cht_buf *out, uint32_t *pairs)
{
    enum cht_err err = CHT_OK;
    if (f->conds != 0) {
        ++*pairs;
        err = node_mp_put_text(out, "where");
        if (err == CHT_OK)
            err = crdt_mp_put_array(out, f->conds);
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_buf_view(&f->where));
    }
    if (err == CHT_OK && f->is != 0) {
        ++*pairs;
        err = put_is(f, out);
    }
    if (err == CHT_OK && f->text.len != 0) {
        ++*pairs;
        err = node_mp_put_key_str(out, "text", cht_buf_view(&f->text));
    }
    return err;
}

enum cht_err cli_filter_read(struct cli_context *c, bool open_only, unsigned is,
                             struct cht_buf *out, uint32_t *pairs)
{
    struct filter f = { .c = c, .is = is };
    bool flagged = false;
    struct cht_buf filter;
    cht_buf_init(&f.where, LIMIT_CLIENT_BYTES);
    cht_buf_init(&f.text, LIMIT_CLIENT_BYTES);
    cht_buf_init(&filter, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_filter_put(c, &flagged, &filter);
    if (err == CHT_OK && flagged) {
        err = node_mp_put_key_raw(out, "filter", cht_buf_view(&filter));
        ++*pairs;
    }
    for (size_t i = 0; i < c->given_count; i++)
        f.says_status = f.says_status || (c->given[i].field != NULL &&
                                          strcmp(c->given[i].field->name, "status") == 0);
    for (size_t i = 0; err == CHT_OK && i < c->arg_count; i++)
        err = i < c->literal_from ? read_word(&f, c->args[i]) : add_text(&f, c->args[i]);
    if (open_only && !f.says_status && node_status_field(c->type) != NULL)
        f.is |= 1u << NODE_IS_OPEN;
    if (err == CHT_OK)
        err = put_pairs(&f, out, pairs);
    cht_buf_clear(&filter);
    cht_buf_clear(&f.where);
    cht_buf_clear(&f.text);
    return err;
}

enum cht_err cli_sort_put(struct cli_context *c, const char *names, struct cht_buf *out)
{
    uint32_t count = 1;
    for (const char *at = names; *at != '\0'; at++)
        count += *at == ',';
    enum cht_err err = node_mp_put_text(out, "sort");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (const char *at = names; err == CHT_OK && count > 0; count--) {
        const size_t len = strcspn(at, ",");
        const bool down = *at == '-', sign = down || *at == '+';
        const struct crdt_field *field = NULL;
        char name[CLI_FLAG_NAME_MAX + 1] = "-";
        err = cli_field_find(c, "--sort", cht_bytes(at + sign, len - sign), &field);
        if (err != CHT_OK)
            break;
        (void)strncat(name, field->name, sizeof name - 2);
        err = node_mp_put_text(out, down ? name : name + 1);
        at += len + (at[len] == ',');
    }
    return err;
}
