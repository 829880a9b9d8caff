/* From flags to `data` and `filter`. Values are checked here by the same code as in the node, so
 * that a slip is told without asking it. */
#include "cli/base/fields.h"

#include "cli/base/dates.h"
#include "cli/base/json.h"
#include "crdt/limits.h"
#include "node/client/edits.h"
#include "node/client/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* --- one value ----------------------------------------------------------------------------- */

/* "-" or "@FILE": all of it, at most what a document may hold. */
static enum cht_err read_file(struct cli_context *c, const struct crdt_field *field,
                              const char *text, struct cht_buf *content)
{
    const bool standard = text[0] == '-';
    const int fd = standard ? STDIN_FILENO : open(text + 1, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return node_fault_set(&c->fault, errno == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO,
                              cht_bytes_str(field->name), "%s: cannot open \"%.80s\": %s",
                              field->name, text + 1, strerror(errno));
    enum cht_err err = CHT_OK;
    for (;;) {
        err = cht_buf_reserve(content, 4096);
        if (err != CHT_OK)
            break;
        const ssize_t got = read(fd, content->data + content->len, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            err = CHT_E_IO;
        if (got <= 0)
            break;
        content->len += (size_t)got;
    }
    const int sys = errno;
    if (!standard)
        (void)close(fd);
    if (err == CHT_E_LIMIT)
        return node_fault_set(&c->fault, err, cht_bytes_str(field->name),
                              "%s may have %u bytes, the file has more", field->name,
                              LIMIT_TEXT_BYTES);
    if (err == CHT_E_IO)
        return node_fault_set(&c->fault, err, cht_bytes_str(field->name),
                              "%s: cannot read \"%.80s\": %s", field->name, text, strerror(sys));
    return err;
}

static enum cht_err put_document(struct cli_context *c, const struct crdt_field *field,
                                 const char *text, struct cht_buf *out)
{
    const bool standard = strcmp(text, "-") == 0;
    if (!standard && text[0] != '@')
        return crdt_mp_put_str(out, cht_bytes_str(text));
    struct cht_buf content;
    cht_buf_init(&content, LIMIT_VALUE_BYTES + 4096);
    enum cht_err err = read_file(c, field, text, &content);
    /* An editor's last newline is not part of the text. */
    if (err == CHT_OK && content.len > 0 && content.data[content.len - 1] == '\n')
        content.len--;
    if (err == CHT_OK)
        err = crdt_mp_put_str(out, cht_buf_view(&content));
    cht_buf_clear(&content);
    return err;
}

enum cht_err cli_date_take(struct cli_context *c, const char *name, struct cht_bytes text,
                           enum cli_day day, uint64_t *out_ms)
{
    if (cli_date_parse(text, c->now_ms, day, out_ms) == CHT_OK)
        return CHT_OK;
    (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(name), "%s \"%.*s\" is no date",
                         name, (int)(text.len > 80 ? 80 : text.len), (const char *)text.data);
    node_fault_hint(&c->fault, "dates are written %s", CLI_DATE_FORMS);
    return CHT_E_INVALID;
}

static bool is_deadline(const struct crdt_field *field)
{
    return strcmp(field->name, "deadline") == 0;
}

enum cht_err cli_time_take(struct cli_context *c, const struct crdt_field *field,
                           struct cht_bytes text, uint64_t *out_ms)
{
    return cli_date_take(c, field->name, text,
                         is_deadline(field) ? CLI_DEADLINE_END : CLI_DAY_START, out_ms);
}

enum cht_err cli_time_range(struct cli_context *c, const struct crdt_field *field, const char *text,
                            uint64_t *out_from, uint64_t *out_to)
{
    const struct cht_bytes bytes = cht_bytes_str(text);
    const bool deadline = is_deadline(field);
    uint64_t from = 0, to = 0;
    enum cht_err err =
        cli_date_take(c, field->name, bytes, deadline ? CLI_DEADLINE_START : CLI_DAY_START, &from);
    if (err == CHT_OK)
        err = cli_date_take(c, field->name, bytes, deadline ? CLI_DEADLINE_END : CLI_DAY_END, &to);
    if (err != CHT_OK)
        return err;
    *out_from = from;
    *out_to = from == to ? to : to + 999;
    return CHT_OK;
}

static enum cht_err put_time(struct cli_context *c, const struct crdt_field *field,
                             const char *text, struct cht_buf *out)
{
    uint64_t ms = 0;
    enum cht_err err = cli_time_take(c, field, cht_bytes_str(text), &ms);
    return err == CHT_OK ? crdt_mp_put_uint(out, ms) : err;
}

static enum cht_err put_number(const char *text, bool whole, struct cht_buf *out)
{
    char *end = NULL;
    errno = 0;
    const long long v = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0)
        return crdt_mp_put_int(out, v);
    const double f = strtod(text, &end);
    if (!whole && end != text && *end == '\0')
        return crdt_mp_put_float(out, f);
    return crdt_mp_put_str(out, cht_bytes_str(text)); /* the check below refuses it by name */
}

static enum cht_err put_bool(const char *text, struct cht_buf *out)
{
    static const char *const yes[] = { "yes", "true", "1", "on" }, *const no[] = { "no", "false",
                                                                                   "0", "off" };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0)
            return crdt_mp_put_bool(out, strcmp(text, yes[i]) == 0);
    }
    return crdt_mp_put_str(out, cht_bytes_str(text));
}

static enum cht_err put_raw(struct cli_context *c, const struct crdt_field *field, bool is_key,
                            const char *text, struct cht_buf *out)
{
    if (is_key && field->kind == CRDT_MAP)
        return crdt_mp_put_str(out, cht_bytes_str(text));
    if (field->kind == CRDT_TEXT)
        return put_document(c, field, text, out);
    switch (field->value) {
    case CRDT_V_TIME:
        return put_time(c, field, text, out);
    case CRDT_V_BOOL:
        return put_bool(text, out);
    case CRDT_V_INT:
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
        return put_number(text, field->value == CRDT_V_INT, out);
    case CRDT_V_ANY:
        return cli_json_parse(cht_bytes_str(text), out) == CHT_OK
                   ? CHT_OK
                   : crdt_mp_put_str(out, cht_bytes_str(text));
    case CRDT_V_STR:
    case CRDT_V_TEXT:
    case CRDT_V_ENUM:
    case CRDT_V_WORD:
    case CRDT_V_ID:
        break;
    }
    return crdt_mp_put_str(out, cht_bytes_str(text));
}

static bool is_title(const struct cli_context *c, const struct crdt_field *field)
{
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    return schema != NULL && strcmp(field->name, schema->title_field) == 0;
}

enum cht_err cli_value_put(struct cli_context *c, const struct crdt_field *field, bool is_key,
                           const char *text, struct cht_buf *out)
{
    const size_t start = out->len;
    if (text[strspn(text, " \t\r\n")] == '\0' && (is_key || is_title(c, field)))
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(field->name),
                              "%s: the text is empty", field->name);
    enum cht_err err = put_raw(c, field, is_key, text, out);
    if (err != CHT_OK)
        return err;
    /* Beginnings of ids are the node's to resolve. */
    if (field->value == CRDT_V_ID && !(is_key && field->kind == CRDT_MAP))
        return CHT_OK;
    struct cht_buf checked;
    cht_buf_init(&checked, LIMIT_CLIENT_BYTES);
    err = node_value_take(field, is_key, cht_bytes(out->data + start, out->len - start), NULL,
                          &c->fault, &checked);
    cht_buf_clear(&checked);
    return err;
}

/* --- data ---------------------------------------------------------------------------------- */

static bool is_given(const struct cli_context *c, const struct crdt_field *field)
{
    for (size_t i = 0; i < c->given_count; i++) {
        if (c->given[i].field == field)
            return true;
    }
    return false;
}

void cli_field_give(struct cli_context *c, const char *name, const char *value)
{
    const struct crdt_field *f = crdt_field_named(c->type, cht_bytes_str(name));
    if (f->kind == CRDT_REGISTER && is_given(c, f))
        return;
    if (c->given_count < CLI_ARGS_MAX)
        c->given[c->given_count++] =
            (struct cli_given){ .field = f, .element = f->kind == CRDT_SET, .value = value };
}

/* The next piece of a list separated by commas, copied to `piece`; false at its end. */
static bool next_piece(const char **at, char *piece, size_t size)
{
    if (**at == '\0')
        return false;
    const size_t len = strcspn(*at, ",");
    const size_t kept = len < size ? len : size - 1;
    memcpy(piece, *at, kept);
    piece[kept] = '\0';
    *at += len + ((*at)[len] == ',' ? 1 : 0);
    return true;
}

static uint32_t count_pieces(const char *at)
{
    char piece[2];
    uint32_t n = 0;
    while (next_piece(&at, piece, sizeof piece))
        n++;
    return n;
}

static enum cht_err put_whole_set(struct cli_context *c, const struct crdt_field *field,
                                  const char *list, struct cht_buf *out)
{
    char piece[LIMIT_KEY_BYTES + 2];
    enum cht_err err = crdt_mp_put_array(out, count_pieces(list));
    while (err == CHT_OK && next_piece(&list, piece, sizeof piece))
        err = cli_value_put(c, field, true, piece, out);
    return err;
}

/* "+x" and "x" add, "-x" removes. */
static bool removes(const char *value)
{
    return value[0] == '-';
}

static enum cht_err put_elements(struct cli_context *c, const struct crdt_field *field,
                                 bool removed, uint32_t count, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, removed ? "remove" : "add");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (size_t i = 0; err == CHT_OK && i < c->given_count; i++) {
        const char *value = c->given[i].value;
        if (c->given[i].field != field || removes(value) != removed)
            continue;
        err = cli_value_put(c, field, true, value + (value[0] == '+' || removed ? 1 : 0), out);
    }
    return err;
}

static enum cht_err put_set(struct cli_context *c, const struct crdt_field *field,
                            struct cht_buf *out)
{
    const char *whole = NULL;
    uint32_t added = 0, removed = 0;
    for (size_t i = 0; i < c->given_count; i++) {
        if (c->given[i].field != field)
            continue;
        if (!c->given[i].element)
            whole = c->given[i].value;
        else if (removes(c->given[i].value))
            removed++;
        else
            added++;
    }
    if (whole != NULL && added + removed > 0)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(field->name),
                              "%s is given as a whole and by element: one of the two", field->name);
    if (whole != NULL)
        return put_whole_set(c, field, whole, out);
    enum cht_err err = crdt_mp_put_map(out, (added > 0 ? 1u : 0u) + (removed > 0 ? 1u : 0u));
    if (err == CHT_OK && added > 0)
        err = put_elements(c, field, false, added, out);
    if (err == CHT_OK && removed > 0)
        err = put_elements(c, field, true, removed, out);
    return err;
}

static enum cht_err put_map(struct cli_context *c, const struct crdt_field *field,
                            struct cht_buf *out)
{
    uint32_t count = 0;
    for (size_t i = 0; i < c->given_count; i++)
        count += c->given[i].field == field ? 1u : 0u;
    enum cht_err err = crdt_mp_put_map(out, count);
    for (size_t i = 0; err == CHT_OK && i < c->given_count; i++) {
        if (c->given[i].field != field)
            continue;
        char key[LIMIT_KEY_BYTES + 2];
        const char *value = c->given[i].value, *equals = strchr(value, '=');
        const size_t len = equals == NULL ? 0 : (size_t)(equals - value);
        if (len == 0 || len >= sizeof key)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(field->name),
                                  "%s \"%.80s\" is not allowed: it has to be KEY=VALUE, or KEY= to "
                                  "remove the key",
                                  field->name, value);
        memcpy(key, value, len);
        key[len] = '\0';
        err = cli_value_put(c, field, true, key, out);
        if (err == CHT_OK)
            err = equals[1] == '\0' ? crdt_mp_put_nil(out)
                                    : cli_value_put(c, field, false, equals + 1, out);
    }
    return err;
}

static enum cht_err put_register(struct cli_context *c, const struct crdt_field *field,
                                 const char *title, struct cht_buf *out)
{
    const char *value = title;
    for (size_t i = 0; i < c->given_count; i++) {
        if (c->given[i].field == field)
            value = c->given[i].value;
    }
    return cli_value_put(c, field, false, value, out);
}

/* Is the field's name in the list of those to unset? */
static bool listed(const char *list, const char *name)
{
    char piece[64];
    while (list != NULL && next_piece(&list, piece, sizeof piece)) {
        for (char *at = piece; *at != '\0'; at++)
            *at = *at == '-' ? '_' : *at;
        if (strcmp(piece, name) == 0)
            return true;
    }
    return false;
}

/* Every name to unset is a field's. */
static enum cht_err check_unset(struct cli_context *c, const char *list)
{
    char piece[64];
    while (list != NULL && next_piece(&list, piece, sizeof piece)) {
        for (char *at = piece; *at != '\0'; at++)
            *at = *at == '-' ? '_' : *at;
        const struct crdt_field *field = NULL;
        enum cht_err err = node_field_find(c->type, cht_bytes_str(piece), &c->fault, &field);
        if (err != CHT_OK)
            return err;
        if (is_given(c, field))
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(piece),
                                  "%s is both set and unset", piece);
        if (field->kind == CRDT_MAP)
            return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(piece),
                                  "%s holds keys: remove them one by one with KEY=", piece);
    }
    return CHT_OK;
}

enum cht_err cli_data_put(struct cli_context *c, const char *title, const char *unset,
                          struct cht_buf *out)
{
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    uint32_t count = 0;
    enum cht_err err = check_unset(c, unset);
    for (size_t i = 0; i < schema->count; i++) {
        const struct crdt_field *f = &schema->fields[i];
        const bool titled = title != NULL && strcmp(f->name, schema->title_field) == 0;
        count += is_given(c, f) || titled || listed(unset, f->name) ? 1u : 0u;
    }
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, count);
    for (size_t i = 0; err == CHT_OK && i < schema->count; i++) {
        const struct crdt_field *f = &schema->fields[i];
        const bool titled = title != NULL && strcmp(f->name, schema->title_field) == 0;
        const bool given = is_given(c, f) || titled;
        if (!given && !listed(unset, f->name))
            continue;
        err = node_mp_put_text(out, f->name);
        if (err != CHT_OK)
            break;
        if (!given)
            err = crdt_mp_put_nil(out);
        else if (f->kind == CRDT_SET)
            err = put_set(c, f, out);
        else if (f->kind == CRDT_MAP)
            err = put_map(c, f, out);
        else
            err = put_register(c, f, titled ? title : NULL, out);
    }
    return err;
}

/* --- filter -------------------------------------------------------------------------------- */

/* Words and ids may be listed with commas; other texts may hold commas themselves. */
static bool takes_list(const struct crdt_field *field)
{
    return field->value == CRDT_V_ENUM || field->value == CRDT_V_WORD || field->value == CRDT_V_ID;
}

static enum cht_err put_wanted(struct cli_context *c, const struct crdt_field *field,
                               const char *value, struct cht_buf *out)
{
    if (value[0] == '\0')
        return crdt_mp_put_nil(out);
    return cli_value_put(c, field, field->kind == CRDT_SET, value, out);
}

static enum cht_err put_filter_field(struct cli_context *c, const struct crdt_field *field,
                                     struct cht_buf *out)
{
    char piece[LIMIT_KEY_BYTES + 2];
    uint32_t count = 0;
    for (size_t i = 0; i < c->given_count; i++) {
        const char *value = c->given[i].value;
        if (c->given[i].field == field)
            count += takes_list(field) && value[0] != '\0' ? count_pieces(value) : 1;
    }
    enum cht_err err = node_mp_put_text(out, field->name);
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (size_t i = 0; err == CHT_OK && i < c->given_count; i++) {
        const char *value = c->given[i].value;
        if (c->given[i].field != field)
            continue;
        if (!takes_list(field) || value[0] == '\0') {
            err = put_wanted(c, field, value, out);
            continue;
        }
        while (err == CHT_OK && next_piece(&value, piece, sizeof piece))
            err = put_wanted(c, field, piece, out);
    }
    return err;
}

enum cht_err cli_filter_put(struct cli_context *c, bool *out_any, struct cht_buf *out)
{
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    uint32_t count = 0;
    for (size_t i = 0; i < schema->count; i++)
        count += is_given(c, &schema->fields[i]) ? 1u : 0u;
    *out_any = count > 0;
    if (count == 0)
        return CHT_OK;
    enum cht_err err = crdt_mp_put_map(out, count);
    for (size_t i = 0; err == CHT_OK && i < schema->count; i++) {
        if (is_given(c, &schema->fields[i]))
            err = put_filter_field(c, &schema->fields[i], out);
    }
    return err;
}
