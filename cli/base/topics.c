/* Help topics. They are pages of section 7 too, and the commands' pages take sections from them. */
#include "cli/base/topics.h"

#include <stddef.h>
#include <string.h>

static const char filters[] =
    "`ls`, `list`, `ready`, `blocked`, `next` and `watch` take a filter: words, all of which have "
    "to hold.\n"
    "\n"
    "* project:compiler: A field has that value. Several values with commas mean any of them; an "
    "empty one means those without a value, and so does due:none. Of documents and titles: the "
    "text is in it.\n"
    "* due:today, due.before:fri, due.after:2026-03, due.from:, due.to:: Times and numbers. A day "
    "is all of it: before it is before its beginning, after it is after its end.\n"
    "* priority.not:low, content.has:word, owner.starts:an, labels.hasnt:x, parent.any:, "
    "parent.none:: Other questions.\n"
    "* +label, -label: It has the label (or tag), or has it not.\n"
    "* is:ready, is:blocked, is:overdue, is:open, is:conflicted, is:hidden, is:alias: What a "
    "record is; "
    "`status:ready` will do.\n"
    "* assignee:@me, process:@here: You (CHITTY_USER, or who is logged in), and this device.\n"
    "* other words: A search in titles and texts: `lexer`, `lex*`, `\"left recursion\"`. After "
    "`--` all words are such.\n"
    "\n"
    "Names of fields may be short: due (deadline), pri, proj, label, tag, dep, wait (defer), entry "
    "(created), done, ref, title; `modified` is when anything was changed last. So may words that "
    "are all there are: `pri:h`.\n"
    "\n"
    "The flags of fields ask the same: `--status blocked`; see `chitty help ls`. Where nothing is "
    "said of a status, records that are finished are left out: completed, cancelled, archived, "
    "closed, ended and crashed ones. `--all` lists them too, `--deleted` also what was deleted.\n"
    "\n"
    "`--sort priority,-due` sorts by the first, what is equal by the second, downwards with `-`; "
    "what has no value comes last. `--columns id,status,content` chooses what a line shows; "
    "`--count` prints only how many there are.\n"
    "\n"
    "  chitty ls project:compiler +bug status:ready due.before:tomorrow lexer\n"
    "  chitty todo list --project compiler --sort -deadline --limit 20\n"
    "  chitty session list status:active --json";

static const char dates[] =
    "Where a flag takes a TIME:\n"
    "\n"
    "* 2026-03-01: A day. As a deadline it means its end, elsewhere its beginning.\n"
    "* 2026-03-01T18:00: A moment of that day, local time; seconds may follow.\n"
    "* 2026-03-01T18:00:00+01:00: A moment with its zone, as RFC 3339 writes it; `Z` is UTC.\n"
    "* 2026-03: A month: its first day, as a deadline its last.\n"
    "* now, today, tomorrow, yesterday: What they say.\n"
    "* fri, friday, next monday, last sunday: The next such day after today; with `last` the one "
    "before it.\n"
    "* next week, this month, last year: Its first day, as a deadline its last; a week begins on "
    "Monday.\n"
    "* 14:00, tomorrow 14:00, fri 9:30: A time of that day, or of today.\n"
    "* eod, eow, eom, eoy: The end of the day, of the week (Sunday), the month, the year.\n"
    "* in 3 days, 2 weeks, 7days, 30d, 1h, +2d: From now on. Minutes (m), hours, days, weeks, "
    "months (mo) and years. Days and longer are counted in the calendar and the hour stays, but as "
    "a deadline they mean the end of that day.\n"
    "* 3 days ago, 7daysAgo, -1w: The same, back.\n"
    "\n"
    "Without a zone the time is local (TZ). With --json times come out as RFC 3339 in UTC.\n"
    "\n"
    "  chitty add \"Call the court\" --deadline tomorrow\n"
    "  chitty todo update 01HX --deadline +3d --defer 2026-03-01T09:00";

static const char json[] =
    "With `--json` a command prints one JSON document, on one line:\n"
    "\n"
    "  {\"schemaVersion\":1,\"kind\":\"todo-list\",\"data\":[...]}\n"
    "\n"
    "The kind says how the data looks; the manual of each command names its kind. What is there in "
    "this version stays under its name; names may be added, so programs pass over what they do not "
    "know.\n"
    "\n"
    "A record is an object with its `chittyId`, `type` and `version`, and its fields in `data`: "
    "sets are arrays, maps are objects, times are RFC 3339 in UTC. A field without a value is left "
    "out.\n"
    "\n"
    "# Choosing\n"
    "`--json=id,content` leaves of each record only these: members of the record, and fields of "
    "its `data`; what names a record is always there. What was chosen stands where it stands in "
    "the whole document. The names may follow as a word, `--json id,content`, where that can be "
    "nothing else: the command takes no arguments, or at least one name of a list with a comma is "
    "known, or a single known name follows in a command that writes no fields.\n"
    "\n"
    "`--ndjson` prints a document for each record of a list, each on a line, as `watch` always "
    "does. `-o FORMAT` is another way to say it: `json`, `ndjson`, `table`, or `name` for the ids "
    "alone.\n"
    "\n"
    "  chitty ls --json id,content,deadline\n"
    "  chitty-node log --ndjson | jq -r .data.entry\n"
    "  chitty ls --label legal -o name | xargs chitty done\n"
    "\n"
    "The JSON Schema of each kind is in docs/json of the source, as KIND.schema.json.\n"
    "\n"
    "# Errors\n"
    "An error is an object on standard error, and nothing is on standard output:\n"
    "\n"
    "  {\"schemaVersion\":1,\"kind\":\"error\",\"error\":{\"code\":\"not_found\",\n"
    "   \"message\":\"...\",\"hint\":\"...\",\"retryable\":false}}\n"
    "\n"
    "`code` stays the same from version to version; `hint` and `field` may be missing; "
    "`retryable` says whether the same command may succeed later.";

static const char exit_codes[] =
    "* 0: Done. An empty list is no failure.\n"
    "* 1: Failed.\n"
    "* 2: Wrong usage, or a value that is not allowed.\n"
    "* 3: The node cannot be reached.\n"
    "* 4: Not allowed.\n"
    "* 5: Someone else changed it meanwhile, or holds it.\n"
    "* 6: The other device is offline.\n"
    "* 7: Not found.\n"
    "\n"
    "With --json the error object on standard error has a code word beside (see `chitty help "
    "json`). Commands that look for problems, as `chitty-node doctor` and `verify`, exit with 1 "
    "where they find one.";

static const char environment[] =
    "* CHITTY_HOME: One folder for all files of the node.\n"
    "* CHITTY_NO_AUTOSTART: When 1, chitty starts no node.\n"
    "* CHITTY_NO_DISCOVERY: When 1, every node behaves as with `run --no-discovery`.\n"
    "* CHITTY_SPACE: The name of the space that is meant, as `--space` says it.\n"
    "* CHITTY_PROJECT: The project that `add` and `next --claim` mean, in the place of the "
    "folder's; "
    "empty: none.\n"
    "* CHITTY_NO_OBSERVE: When 1, every node behaves as with `run --no-observe`.\n"
    "* CHITTY_NOTIFY: A program that announces reminders, called with a title and a text; without "
    "it notify-send(1) does.\n"
    "* CHITTY_ACTOR: The id of the session or agent on whose behalf changes are made; without it "
    "the session of CHITTY_SESSION or CLAUDE_CODE_SESSION_ID.\n"
    "* CHITTY_SESSION: The session that a command runs in, by its platform's id, instead of "
    "CLAUDE_CODE_SESSION_ID.\n"
    "* CHITTY_CLAUDE: What `chitty session resume` starts instead of claude.\n"
    "* NO_COLOR, CLICOLOR_FORCE, TERM: Colour is for terminals; the first turns it off, the second "
    "on. A TERM of `dumb` has none.\n"
    "* CHITTY_PAGER, PAGER: What output goes through that is longer than the terminal; `less -FRX` "
    "where neither is set, nothing where it is empty or `cat`, where CLAUDECODE or CI is set, and "
    "with `--no-pager`.\n"
    "* PATH: `chitty foo` runs `chitty-foo` where chitty has no command foo.\n"
    "* COLUMNS: Width of the terminal, where it does not say so itself.\n"
    "* TZ: The local time zone.\n"
    "* XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR: The folders of `chitty "
    "help "
    "files`, where CHITTY_HOME is not set.\n"
    "* NOTIFY_SOCKET: Where `chitty-node run` tells that it is ready and that it ends, as "
    "sd_notify(3) says.";

static const char files[] =
    "* ~/.local/share/chitty: Keys and databases.\n"
    "* ~/.local/state/chitty/node.log: What a node says that was started by a client.\n"
    "* $XDG_RUNTIME_DIR/chitty/node.sock: The local socket; without that variable in "
    "/run/user/UID/chitty or /tmp/chitty-UID.\n"
    "* ~/.config/systemd/user/chitty-node.service: The unit of `chitty-node service`.\n"
    "* chitty-discover: The helper that finds other devices, beside chitty-node.\n"
    "\n"
    "With CHITTY_HOME set, all but the unit and the helper stand in that folder.";

static const char ids[] =
    "Each record has an id for life, as `CHITTY-TODO-01HXW3K9Q2M7T0V5Z8B4N6R1CD`: its type, then "
    "26 digits of Crockford's base32 (no I, L, O or U; small letters will do).\n"
    "\n"
    "Wherever a command takes an ID, any beginning that only one record has is enough:\n"
    "\n"
    "  CHITTY-TODO-01HXW3K9...   TODO-01HX   01HX\n"
    "\n"
    "So is what it is called: its title, as `compiler` of a project or \"Fix the lexer\" of a "
    "todo, small and capital letters aside; the id that a session has on its platform; a "
    "repository's address, or the last part of it.\n"
    "\n"
    "Where several records are meant, the command names them and does nothing. On a terminal lists "
    "show a short form; elsewhere they print whole ids, for scripts.\n"
    "\n"
    "A device is named by its name, or by the first digits of its id, which is 32 hex digits.";

static const char fields[] =
    "The fields of a type are flags of `create`, `update` and `add`: an underscore of the name is "
    "a dash in the flag. `chitty help todo create` and the manual page of the type list them with "
    "what they take.\n"
    "\n"
    "* --priority high: One of the words that the help lists.\n"
    "* --deadline TIME: See `chitty help dates`.\n"
    "* --label x, --label +x, --label -x: Add an element to a set, or take it out; given as often "
    "as needed.\n"
    "* --labels x,y: The whole set.\n"
    "* --milestone KEY=VALUE: A key of a map. The value is JSON where it can be read as such, else "
    "a text; `KEY=` removes the key.\n"
    "* --description TEXT|-|@FILE: A document: as it stands, from standard input, or from a file.\n"
    "\n"
    "`update --unset NAME,...` leaves fields without a value.";

static const char attachments[] =
    "A file that is attached to a record goes to the other devices of the space with it. The "
    "record "
    "holds its name, size and type and the hash of its content; the content itself is kept once, "
    "however often it is attached, as a file of the node's home.\n"
    "\n"
    "  chitty attach 01HX notes.pdf photo.jpg\n"
    "  chitty attachments 01HX\n"
    "  chitty attachment get 01HX notes.pdf\n"
    "\n"
    "Other devices have the names at once, small contents soon, and large ones when they are asked "
    "for; what a device keeps is bounded. `chitty-node blobs` tells what is here and what is "
    "missing. A backup holds no contents.";

static const char spaces[] =
    "A space is a set of records with its own devices. Most people need one, `default`. Another "
    "one, for work or for a project with others, has a home, a key and a node of its own on each "
    "machine, so that neither knows of the other.\n"
    "\n"
    "  chitty space new work\n"
    "  chitty --space work add \"Prepare the talk\"\n"
    "  chitty space use work\n"
    "  chitty-node --space work invite\n"
    "\n"
    "Which one a command means: `--space NAME`, else CHITTY_SPACE, else what `chitty space use` "
    "said, else `default`. A misspelt name makes nothing.";

const struct cli_topic cli_topics[] = {
    { "filters", "which records a list has", filters },
    { "fields", "values of fields, as flags", fields },
    { "dates", "how times are written", dates },
    { "ids", "how records and devices are named", ids },
    { "attachments", "files that belong to records", attachments },
    { "spaces", "several sets of records on one machine", spaces },
    { "json", "documents for programs", json },
    { "exit-codes", "what the exit status says", exit_codes },
    { "environment", "variables that are looked at", environment },
    { "files", "where things are kept", files },
    { NULL, NULL, NULL },
};

const struct cli_topic *cli_topic_named(const char *name)
{
    for (const struct cli_topic *t = cli_topics; t->name != NULL; t++) {
        if (strcmp(t->name, name) == 0)
            return t;
    }
    return NULL;
}
