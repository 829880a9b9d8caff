/* shell init: what a shell does for the tracker: a segment of the prompt, a line after a commit,
 * and a key that asks what to note. In each script STATE, KEYS and LABEL are replaced.
 *
 * The prompt costs a shell no process: it reads the file that `shell prompt` wrote, and has that
 * written anew in the background. */
#include "cli/commands.h"
#include "node/client/paths.h"

#include <stdio.h>
#include <stdlib.h>

static const char zsh[] = "# chitty in zsh: eval \"$(chitty shell init zsh)\"\n"
                          "zmodload zsh/datetime 2>/dev/null\n"
                          "typeset -g CHITTY_PROMPT='' _chitty_line='' _chitty_file=STATE\n"
                          "typeset -gi _chitty_at=0\n"
                          "export CHITTY_NUDGE_KEY=LABEL\n"
                          "_chitty_preexec() { _chitty_line=$1 }\n"
                          "_chitty_precmd() {\n"
                          "    local ended=$? line=$_chitty_line\n"
                          "    _chitty_line=''\n"
                          "    if (( ended == 0 )) && [[ $line == "
                          "(|*[[:space:]\\;\\&\\|])git[[:space:]]*commit* ]]; then\n"
                          "        command chitty nudge commit\n"
                          "    fi\n"
                          "    CHITTY_PROMPT=''\n"
                          "    [[ -r $_chitty_file ]] && CHITTY_PROMPT=\"$(<$_chitty_file)\"\n"
                          "    if (( EPOCHSECONDS - _chitty_at > 15 )); then\n"
                          "        _chitty_at=$EPOCHSECONDS\n"
                          "        command chitty shell prompt >/dev/null 2>&1 </dev/null &!\n"
                          "    fi\n"
                          "}\n"
                          "_chitty_nudge() {\n"
                          "    zle -I\n"
                          "    command chitty nudge now </dev/tty\n"
                          "    zle reset-prompt\n"
                          "}\n"
                          "autoload -Uz add-zsh-hook\n"
                          "add-zsh-hook preexec _chitty_preexec\n"
                          "add-zsh-hook precmd _chitty_precmd\n"
                          "if [[ -o zle ]]; then\n"
                          "    zle -N _chitty_nudge\n"
                          "    [[ -n KEYS ]] && bindkey KEYS _chitty_nudge\n"
                          "fi\n"
                          "if [[ $RPROMPT != *CHITTY_PROMPT* ]]; then\n"
                          "    setopt prompt_subst\n"
                          "    RPROMPT='${CHITTY_PROMPT}'${RPROMPT:+\" $RPROMPT\"}\n"
                          "fi\n";

static const char bash[] =
    "# chitty in bash: eval \"$(chitty shell init bash)\"\n"
    "CHITTY_PROMPT='' _chitty_line='' _chitty_at=-60 _chitty_file=STATE\n"
    "export CHITTY_NUDGE_KEY=LABEL\n"
    "_chitty_precmd() {\n"
    "    local ended=$? line committed='(^|[[:space:];&|])git[[:space:]].*commit'\n"
    "    line=$(HISTTIMEFORMAT='' history 1)\n"
    "    if [[ -n $_chitty_line && $line != \"$_chitty_line\" && $ended == 0 && $line =~ "
    "$committed "
    "]]; then\n"
    "        command chitty nudge commit\n"
    "    fi\n"
    "    _chitty_line=${line:- }\n"
    "    CHITTY_PROMPT=''\n"
    "    [[ -r $_chitty_file ]] && read -r CHITTY_PROMPT <\"$_chitty_file\"\n"
    "    if ((SECONDS - _chitty_at > 15)); then\n"
    "        _chitty_at=$SECONDS\n"
    "        (command chitty shell prompt >/dev/null 2>&1 </dev/null &)\n"
    "    fi\n"
    "    return $ended\n"
    "}\n"
    "_chitty_nudge() {\n"
    "    command chitty nudge now\n"
    "}\n"
    "if [[ $- == *i* ]]; then\n"
    "    [[ $PROMPT_COMMAND == *_chitty_precmd* ]] ||\n"
    "        PROMPT_COMMAND=\"_chitty_precmd${PROMPT_COMMAND:+;$PROMPT_COMMAND}\"\n"
    "    [[ $PS1 == *CHITTY_PROMPT* ]] || PS1='${CHITTY_PROMPT:+$CHITTY_PROMPT }'$PS1\n"
    "    [[ -n KEYS ]] && bind -x 'KEYS: _chitty_nudge'\n"
    "fi\n";

static const char fish[] =
    "# chitty in fish: chitty shell init fish | source\n"
    "set -g CHITTY_PROMPT ''\n"
    "set -g _chitty_at 0\n"
    "set -g _chitty_file STATE\n"
    "set -gx CHITTY_NUDGE_KEY LABEL\n"
    "function _chitty_ended --on-event fish_postexec\n"
    "    set -l ended $status\n"
    "    if test $ended -eq 0; and string match -rq '(^|[\\s;&|])git\\s.*commit' -- $argv[1]\n"
    "        command chitty nudge commit\n"
    "    end\n"
    "end\n"
    "function _chitty_prompt --on-event fish_prompt\n"
    "    set -g CHITTY_PROMPT ''\n"
    "    test -r $_chitty_file; and read -g CHITTY_PROMPT <$_chitty_file\n"
    "    set -l now (date +%s)\n"
    "    if test (math $now - $_chitty_at) -gt 15\n"
    "        set -g _chitty_at $now\n"
    "        command chitty shell prompt >/dev/null 2>&1 </dev/null &\n"
    "        disown 2>/dev/null\n"
    "    end\n"
    "end\n"
    "function _chitty_nudge\n"
    "    command chitty nudge now </dev/tty\n"
    "    commandline -f repaint\n"
    "end\n"
    "functions -q fish_right_prompt; or function fish_right_prompt\n"
    "    echo $CHITTY_PROMPT\n"
    "end\n"
    "test -n KEYS; and bind KEYS _chitty_nudge\n";

static const struct shell {
    const char *name, *script;
    const char *front, *stroke, *back; /* a key: around all, before each letter */
} shells[] = {
    { "zsh", zsh, "'", "^", "'" },
    { "bash", bash, "\"", "\\C-", "\"" },
    { "fish", fish, "", "\\c", "" },
};

#define KEY_MAX 64u

/* "^X^T" as the shell writes it, and for people. CHT_E_INVALID: it is no such key. */
static enum cht_err read_key(struct cli_context *c, const struct shell *s, const char *key,
                             char out[static KEY_MAX], char label[static KEY_MAX])
{
    const size_t len = strlen(key);
    const bool none = strcmp(key, "none") == 0;
    bool well = len != 0 && len % 2 == 0 && len <= 8;
    size_t at = 0, shown = 0;
    for (size_t i = 0; well && i < len; i += 2)
        well = key[i] == '^' && ((key[i + 1] >= 'A' && key[i + 1] <= 'Z') ||
                                 (key[i + 1] >= 'a' && key[i + 1] <= 'z'));
    if (!well && !none)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("key"),
                              "--key \"%.40s\" is not allowed: up to four keys with Ctrl, as ^G or "
                              "^X^T, or none",
                              key);
    at += (size_t)snprintf(out, KEY_MAX, "%s", none ? "''" : s->front);
    label[0] = '\0';
    for (size_t i = 0; !none && i < len; i += 2) {
        const char letter = (char)(key[i + 1] | 0x20), large = (char)(letter & ~0x20);
        at += (size_t)snprintf(out + at, KEY_MAX - at, "%s%c", s->stroke,
                               s->script == zsh ? large : letter);
        shown += (size_t)snprintf(label + shown, KEY_MAX - shown, "%sCtrl-%c",
                                  shown == 0 ? "" : " ", large);
    }
    if (!none)
        (void)snprintf(out + at, KEY_MAX - at, "%s", s->back);
    return CHT_OK;
}

/* As a word of the shell. */
static void put_quoted(struct cli_out *out, const char *text, bool fish_words)
{
    cli_put_char(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            cli_put_text(out, fish_words ? "\\'" : "'\\''");
        else if (*text == '\\' && fish_words)
            cli_put_text(out, "\\\\");
        else
            cli_put_char(out, *text);
    }
    cli_put_char(out, '\'');
}

static void put_script(struct cli_context *c, const struct shell *s, const char *file,
                       const char *key, const char *label)
{
    const char *at = s->script;
    while (*at != '\0') {
        if (strncmp(at, "STATE", 5) == 0) {
            put_quoted(&c->out, file, s->script == fish);
            at += 5;
        } else if (strncmp(at, "LABEL", 5) == 0) {
            put_quoted(&c->out, label, s->script == fish);
            at += 5;
        } else if (strncmp(at, "KEYS", 4) == 0) {
            cli_put_text(&c->out, key);
            at += 4;
        } else {
            cli_put_char(&c->out, *at++);
        }
    }
}

static enum cht_err run(struct cli_context *c)
{
    const char *key = cli_flag(c, "key");
    char keys[KEY_MAX], label[KEY_MAX], file[NODE_PATH_MAX + 8];
    struct node_paths paths;
    struct cht_error detail = { 0 };
    const struct shell *s = NULL;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        s = strcmp(c->args[0], shells[i].name) == 0 ? &shells[i] : s;
    if (s == NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("SHELL"),
                              "there is nothing for the shell \"%.40s\"; it is for zsh, bash and "
                              "fish",
                              c->args[0]);
    enum cht_err err = read_key(c, s, key == NULL ? "^G" : key, keys, label);
    if (err != CHT_OK)
        return err;
    err = node_paths_find(&detail, &paths);
    if (err != CHT_OK)
        return node_fault_from(&c->fault, err, &detail);
    (void)snprintf(file, sizeof file, "%s/prompt", paths.state);
    put_script(c, s, file, keys, label);
    return CHT_OK;
}

static const struct cli_flag flags[] = {
    { "key", "KEY", "the key that asks what to note: ^G, ^X^T, or none" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_shell_init = {
    .name = "init",
    .summary = "What a shell does for the tracker, to be put into its start file.",
    .arguments = "zsh|bash|fish",
    .details =
        "It gives the prompt a segment, `[2/5 !1]`: two todos under way, five ready, one "
        "overdue; says a word after `git commit`; and has a key, Ctrl-G where --key names no "
        "other, that runs `chitty nudge now`.",
    .kind = "",
    .examples = "eval \"$(chitty shell init zsh)\"\n"
                "eval \"$(chitty shell init bash --key ^X^T)\"\n"
                "chitty shell init fish | source",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
