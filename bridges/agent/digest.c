/* What others did, as text for a session: facts, the most pressing first, in at most
 * AGENT_NEWS_BYTES; see agent.h. Nothing is asked here. Texts of records are quoted, without what a
 * terminal or a reader of tags would take for its own. */
#include "bridges/agent/own.h"

#include <stdio.h>
#include <stdlib.h>

#define EVENTS_MAX  64u /* records that are told of */
#define LINES_MAX   6u  /* of them */
#define NAMED_MAX   2u  /* records named in one line */
#define HELD_MAX    3u
#define LOST_MAX    3u
#define READY_MAX   3u
#define TITLE_CHARS 60u
#define NAME_CHARS  36u /* as many as a UUID has */
#define WHO_MAX     (8 * NAME_CHARS)

/* --- text ---------------------------------------------------------------------------------- */

struct text {
    char *out;
    size_t size, len, line; /* where the line under way begins */
    bool full;
};

static void add(struct text *t, const char *piece)
{
    const size_t len = strlen(piece);
    if (t->full || t->len + len + 1 > t->size) {
        t->full = true;
        return;
    }
    memcpy(t->out + t->len, piece, len + 1);
    t->len += len;
}

static void add_count(struct text *t, unsigned n)
{
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%u", n);
    add(t, digits);
}

/* A line that does not fit is not there, nor is one after it. */
static void end_line(struct text *t)
{
    add(t, "\n");
    if (t->full)
        t->len = t->line;
    t->line = t->len;
    t->out[t->len] = '\0';
}

/* The character that begins at `at`, its bytes in `*out_len`; U+FFFD for what is none. */
static uint32_t character(const unsigned char *at, size_t *out_len)
{
    const size_t len = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    uint32_t c = at[0] < 0x80 ? at[0] : at[0] & (0x7Fu >> len);
    *out_len = 1;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0xFFFD;
        c = c << 6 | (at[i] & 0x3Fu);
    }
    *out_len = len;
    return c;
}

/* Controls, line and paragraph separators, and what turns the direction of writing. */
static bool is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           c == 0xFFFD || (c >= 0xE0000 && c <= 0xE007F);
}

void agent_quote(const char *text, size_t chars, char *out, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t len = 0, count = 0;
    bool blank = true;
    out[len++] = '"';
    while (*at != 0) {
        size_t width;
        const uint32_t c = character(at, &width);
        const char *piece = c == '"'   ? "'"
                            : c == '<' ? "\xE2\x80\xB9"
                            : c == '>' ? "\xE2\x80\xBA"
                                       : NULL;
        const bool hides = is_hidden(c) || c == ' ';
        if (len + 12 > size || count == chars)
            break;
        if (hides && !blank)
            out[len++] = ' ';
        else if (!hides && piece != NULL)
            len += (size_t)snprintf(out + len, size - len, "%s", piece);
        else if (!hides) {
            memcpy(out + len, at, width);
            len += width;
        }
        count += !hides || !blank;
        blank = hides;
        at += width;
    }
    if (blank && len > 1)
        len--;
    (void)snprintf(out + len, size - len, "%s\"", *at != 0 ? "\xE2\x80\xA6" : "");
}

static void add_quoted(struct text *t, const char *title, size_t chars)
{
    char quoted[8 * TITLE_CHARS];
    agent_quote(title, chars, quoted, sizeof quoted);
    add(t, quoted);
}

/* The short id, and the title in quotes. */
static void add_record(struct text *t, const char *id, const char *title)
{
    const struct agent_short name = agent_short(id == NULL ? "" : id);
    add(t, name.text);
    if (title != NULL && title[0] != '\0') {
        add(t, " ");
        add_quoted(t, title, TITLE_CHARS);
    }
}

static void add_ago(struct text *t, uint64_t now_ms, uint64_t at_ms)
{
    const uint64_t minutes = now_ms <= at_ms ? 0 : (now_ms - at_ms) / 60000;
    if (minutes == 0) {
        add(t, "just now");
        return;
    }
    add_count(t, (unsigned)(minutes < 120    ? minutes
                            : minutes < 2880 ? minutes / 60
                                             : minutes / 1440));
    add(t, minutes < 120 ? " min ago" : minutes < 2880 ? " h ago" : " days ago");
}

/* --- what one entry says ------------------------------------------------------------------- */

enum deed {
    DEED_NONE,
    DEED_CHANGED,
    DEED_SAID,
    DEED_ADDED,
    DEED_CLAIMED, /* from here on: how far it is */
    DEED_RELEASED,
    DEED_REOPENED,
    DEED_COMPLETED,
    DEED_CANCELLED,
    DEED_DELETED,
};

static const char *const deed_words[] = {
    [DEED_CHANGED] = "changed",     [DEED_SAID] = "commented on",   [DEED_ADDED] = "added",
    [DEED_CLAIMED] = "claimed",     [DEED_RELEASED] = "released",   [DEED_REOPENED] = "reopened",
    [DEED_COMPLETED] = "completed", [DEED_CANCELLED] = "cancelled", [DEED_DELETED] = "deleted",
};

/* One record, and what was done to it last that matters most. */
struct event {
    enum deed deed;
    bool own, told;
    const char *id, *title, *kind; /* kind: the word before the id of what is no todo */
    char who[WHO_MAX];
    uint64_t at_ms;
};

static unsigned rank(enum deed deed)
{
    return deed >= DEED_CLAIMED ? 2 : deed == DEED_ADDED ? 1 : 0;
}

static bool is(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static enum deed of_status(const char *word, bool claimed)
{
    if (is(word, "completed"))
        return DEED_COMPLETED;
    if (is(word, "cancelled"))
        return DEED_CANCELLED;
    return claimed ? DEED_CLAIMED : is(word, "in_progress") ? DEED_CLAIMED : DEED_REOPENED;
}

/* What the ops of one entry come to. */
static enum deed deed_of(const json_t *entry)
{
    json_t *ops = json_object_get(entry, "ops"), *op;
    const char *status = NULL;
    bool created = false, claimed = false, released = false, deleted = false, any = false;
    size_t i;
    json_array_foreach(ops, i, op)
    {
        const char *field = bridge_json_str(op, "field");
        const json_t *value = json_object_get(op, "value");
        if (json_object_get(op, "void") != NULL || is(field, "arbiter"))
            continue;
        any = true;
        if (is(field, "created"))
            created = true;
        else if (is(field, "status"))
            status = json_string_value(value);
        else if (is(field, "claim") && bridge_json_str(value, "holder") != NULL)
            claimed = true;
        else if (is(field, "claim"))
            released = true;
        else if (is(field, "deleted"))
            deleted = json_is_true(value);
    }
    if (deleted)
        return DEED_DELETED;
    if (is(status, "completed") || is(status, "cancelled"))
        return of_status(status, claimed);
    if (created)
        return DEED_ADDED;
    if (claimed)
        return DEED_CLAIMED;
    if (released)
        return DEED_RELEASED;
    if (status != NULL)
        return of_status(status, claimed);
    return any ? DEED_CHANGED : DEED_NONE;
}

/* A device's name, which stands without quotes. */
static void add_device(struct text *t, const char *name)
{
    char quoted[8 * NAME_CHARS];
    agent_quote(name == NULL || name[0] == '\0' ? "another device" : name, NAME_CHARS, quoted,
                sizeof quoted);
    quoted[strlen(quoted) - 1] = '\0';
    add(t, quoted + 1);
}

/* Granted to a session of another device than the one that wrote it down (PROTOCOL 13.3). */
static bool is_granted(const json_t *entry)
{
    json_t *ops = json_object_get(entry, "ops"), *op;
    const char *wrote = bridge_json_str(entry, "device");
    size_t i;
    json_array_foreach(ops, i, op)
    {
        const char *whose = bridge_json_str(json_object_get(op, "value"), "device");
        if (is(bridge_json_str(op, "field"), "claim") && whose != NULL && wrote != NULL)
            return strcmp(whose, wrote) != 0;
    }
    return false;
}

/* "Refactoring" on desktop; SESSION-… on desktop; desktop. Of a claim that a device granted to a
 * session elsewhere, the session alone. */
static void who_of(const json_t *entry, char out[static WHO_MAX])
{
    const char *actor = bridge_json_str(entry, "actor");
    const char *title = bridge_json_str(json_object_get(entry, "titles"), "actor");
    const char *device = bridge_json_str(entry, "deviceName");
    struct text t = { .out = out, .size = WHO_MAX };
    out[0] = '\0';
    if (title != NULL)
        add_quoted(&t, title, NAME_CHARS);
    else if (actor != NULL && actor[0] != '\0')
        add(&t, agent_short(actor).text);
    if (t.len != 0 && is_granted(entry))
        return;
    if (t.len != 0)
        add(&t, " on ");
    add_device(&t, device);
}

/* The id that an op puts into a field. */
static const char *link_of(const json_t *entry, const char *field)
{
    json_t *ops = json_object_get(entry, "ops"), *op;
    size_t i;
    json_array_foreach(ops, i, op)
    {
        if (is(bridge_json_str(op, "field"), field))
            return bridge_json_str(op, "value");
    }
    return NULL;
}

/* Make an event of an entry; false: it is of no interest. */
static bool read_event(const struct agent_digest *d, const json_t *entry, struct event *e)
{
    const char *actor = bridge_json_str(entry, "actor");
    const json_int_t at = bridge_json_int(entry, "stamp", 0);
    struct crdt_id id;
    e->id = bridge_json_str(entry, "chittyId");
    e->title = bridge_json_str(json_object_get(entry, "titles"), "chittyId");
    if (e->id == NULL || crdt_id_parse(cht_bytes_str(e->id), &id) != CHT_OK ||
        json_object_get(entry, "void") != NULL || at < 0 || (uint64_t)at < d->since_ms)
        return false;
    e->deed = deed_of(entry);
    e->own = actor != NULL && d->session != NULL && strcmp(actor, d->session) == 0;
    e->at_ms = (uint64_t)at;
    e->kind = id.type == CRDT_CHECKPOINT ? "checkpoint "
              : id.type == CRDT_CONTEXT  ? "context "
                                         : "";
    if (id.type == CRDT_MESSAGE) {
        const char *about = link_of(entry, "about");
        e->deed = e->deed == DEED_ADDED ? DEED_SAID : DEED_NONE;
        e->id = about == NULL ? e->id : about;
    } else if (id.type != CRDT_TODO && id.type != CRDT_CHECKPOINT && id.type != CRDT_CONTEXT)
        return false;
    if (e->deed == DEED_NONE)
        return false;
    who_of(entry, e->who);
    return true;
}

/* Entries come newest first: of one record the last word on how far it is counts, then that it is
 * new, then anything else. What this session did itself hides what came before it. */
static void merge(struct event *list, unsigned *count, const struct event *e, bool *more)
{
    for (unsigned i = 0; i < *count; i++) {
        if (strcmp(list[i].id, e->id) != 0 || (list[i].deed == DEED_SAID) != (e->deed == DEED_SAID))
            continue;
        if (rank(e->deed) > rank(list[i].deed))
            list[i] = *e;
        return;
    }
    if (*count < EVENTS_MAX)
        list[(*count)++] = *e;
    else
        *more = true;
}

/* --- lines --------------------------------------------------------------------------------- */

/* One line for all that someone did of one kind. */
static void tell_group(struct text *t, const struct agent_digest *d, struct event *list,
                       unsigned count, unsigned first)
{
    const struct event *e = &list[first];
    unsigned named = 0, others = 0;
    add(t, "- ");
    add(t, e->who);
    add(t, " ");
    add(t, deed_words[e->deed]);
    for (unsigned i = first; i < count; i++) {
        struct event *x = &list[i];
        if (x->own || x->told || x->deed != e->deed || strcmp(x->who, e->who) != 0 ||
            strcmp(x->kind, e->kind) != 0)
            continue;
        x->told = true;
        if (named == NAMED_MAX) {
            others++;
            continue;
        }
        add(t, named++ == 0 ? " " : ", ");
        add(t, x->kind);
        add_record(t, x->id, x->deed == DEED_SAID ? NULL : x->title);
        if (x->deed == DEED_SAID && x->title != NULL) {
            add(t, ": ");
            add_quoted(t, x->title, TITLE_CHARS);
        }
    }
    if (others != 0) {
        add(t, " and ");
        add_count(t, others);
        add(t, " more");
    }
    add(t, ", ");
    add_ago(t, d->now_ms, e->at_ms);
    end_line(t);
}

static void tell_events(struct text *t, const struct agent_digest *d, struct event *list,
                        unsigned count)
{
    unsigned lines = 0, left = 0;
    for (unsigned i = 0; i < count; i++) {
        if (list[i].own || list[i].told)
            continue;
        if (lines++ == 0) {
            add(t, "Since the last look here:");
            end_line(t);
        }
        if (lines <= LINES_MAX)
            tell_group(t, d, list, count, i);
        else
            left++;
    }
    if (left != 0) {
        add(t, "- and changes to ");
        add_count(t, left);
        add(t, " more");
        end_line(t);
    }
}

/* What became of a todo that a session lost. */
static const char *fate(const json_t *lost)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(lost, "what"), i, one)
    {
        const char *field = bridge_json_str(one, "field"), *value = bridge_json_str(one, "value");
        if (is(field, "status") && (is(value, "completed") || is(value, "cancelled")))
            return is(value, "completed") ? " completed it " : " cancelled it ";
        if (is(field, "deleted") && json_is_true(json_object_get(one, "value")))
            return " deleted it ";
    }
    return bridge_json_str(lost, "holder") == NULL ? " released it " : " claimed it ";
}

/* The fields that others wrote since. */
static void add_what(struct text *t, const json_t *lost)
{
    json_t *one;
    unsigned count = 0;
    size_t i;
    json_array_foreach(json_object_get(lost, "what"), i, one)
    {
        const char *field = bridge_json_str(one, "field"), *value = bridge_json_str(one, "value");
        if (field == NULL || is(field, "claim") || is(field, "arbiter") || is(field, "deleted"))
            continue;
        add(t, count++ == 0 ? "; written since: " : ", ");
        add(t, field);
        if (value != NULL) {
            add(t, " ");
            add_quoted(t, value, NAME_CHARS);
        }
    }
}

static void tell_lost(struct text *t, const struct agent_digest *d)
{
    json_t *one;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)d->lost, i, one)
    {
        const char *holder = bridge_json_str(one, "holderName");
        if (i == LOST_MAX)
            break;
        add_record(t, bridge_json_str(one, "chittyId"), bridge_json_str(one, "title"));
        add(t, " is no longer held by this session: ");
        if (holder != NULL) {
            add_quoted(t, holder, NAME_CHARS);
            add(t, " on ");
        }
        add_device(t, bridge_json_str(one, "deviceName"));
        add(t, fate(one));
        add_ago(t, d->now_ms, (uint64_t)bridge_json_int(one, "since", 0));
        add_what(t, one);
        end_line(t);
    }
}

static void tell_held(struct text *t, const struct agent_digest *d)
{
    const unsigned count = (unsigned)json_array_size(d->held);
    for (unsigned i = 0; i < count && i < HELD_MAX; i++) {
        const json_t *one = json_array_get(d->held, i);
        add(t, i == 0 ? "This session holds " : ", ");
        add_record(t, bridge_json_str(one, "chittyId"), bridge_json_str(one, "title"));
        if (is(bridge_json_str(one, "state"), "unconfirmed"))
            add(t, " (not confirmed by its arbiter yet)");
    }
    if (count > HELD_MAX) {
        add(t, " and ");
        add_count(t, count - HELD_MAX);
        add(t, " more");
    }
    add(t, count == 0 ? "This session holds no todo." : ".");
    end_line(t);
}

static void tell_ready(struct text *t, const struct agent_digest *d)
{
    const unsigned count = (unsigned)json_array_size(d->ready);
    if (count == 0) {
        add(t, "No todo is ready.");
        end_line(t);
        return;
    }
    add_count(t, count);
    add(t, count >= d->ready_limit && d->ready_limit > 1 ? " or more todos are ready: "
           : count == 1                                  ? " todo is ready: "
                                                         : " todos are ready: ");
    for (unsigned i = 0; i < count && i < READY_MAX; i++) {
        const json_t *one = json_array_get(d->ready, i), *data = json_object_get(one, "data");
        const char *priority = bridge_json_str(data, "priority");
        add(t, i == 0 ? "" : ", ");
        add_record(t, bridge_json_str(one, "chittyId"), bridge_json_str(data, "content"));
        if (is(priority, "critical") || is(priority, "high")) {
            add(t, " (");
            add(t, priority);
            add(t, ")");
        }
    }
    add(t, ".");
    end_line(t);
}

/* --- all of it ----------------------------------------------------------------------------- */

static unsigned read_events(const struct agent_digest *d, struct event *list, bool *more)
{
    json_t *entry;
    unsigned count = 0;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)d->log, i, entry)
    {
        struct event e = { 0 };
        if (read_event(d, entry, &e))
            merge(list, &count, &e, more);
    }
    return count;
}

static unsigned of_others(const struct event *list, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        n += !list[i].own;
    return n;
}

void agent_digest(const struct agent_digest *d, struct agent_news *out)
{
    struct event *list = calloc(EVENTS_MAX, sizeof *list);
    struct text t = { .out = out->text, .size = sizeof out->text };
    bool more = d->more;
    out->text[0] = '\0';
    if (list == NULL)
        return;
    const unsigned count = read_events(d, list, &more);
    out->events = of_others(list, count);
    out->lost = (unsigned)json_array_size(d->lost);
    out->more = more;
    if (!d->brief || out->events != 0 || out->lost != 0 || d->happened != NULL || more) {
        if (d->happened != NULL) {
            add(&t, d->happened);
            end_line(&t);
        }
        tell_lost(&t, d);
        if (!d->brief)
            tell_held(&t, d);
        tell_events(&t, d, list, count);
        if (more) {
            add(&t, "More has happened than was looked at; `chitty log` tells all.");
            end_line(&t);
        }
        tell_ready(&t, d);
    }
    free(list);
}
