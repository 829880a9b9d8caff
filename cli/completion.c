/* completion: a script for a shell that asks `__complete` at each press of the key, so that it
 * knows what this build knows and what the node has. In each script PROGRAM stands for our name. */
#include "cli/commands.h"

/* Words are taken from the line as they stand between blanks: readline would break them at ":" and
 * "=" too, and what it inserts begins after the last of these. */
static const char bash[] =
    "# bash completion of PROGRAM: eval \"$(PROGRAM completion bash)\"\n"
    "_PROGRAM_complete() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} words=() found=() how cur front i value about\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ -z $line || $line == *[[:space:]] ]] && words+=('')\n"
    "    cur=${words[${#words[@]} - 1]}\n"
    "    mapfile -t found < <(command PROGRAM __complete -- \"${words[@]:1}\" 2>/dev/null)\n"
    "    how=${found[0]-}\n"
    "    COMPREPLY=()\n"
    "    if [[ $how == :files ]]; then\n"
    "        compopt -o default 2>/dev/null\n"
    "        return\n"
    "    fi\n"
    "    [[ $how == :open ]] && compopt -o nospace 2>/dev/null\n"
    "    front=${cur%\"${cur##*[:=]}\"}\n"
    "    for ((i = 1; i < ${#found[@]}; i++)); do\n"
    "        value=${found[i]%%$'\\t'*}\n"
    "        about=${found[i]#*$'\\t'}\n"
    "        value=${value:${#front}}\n"
    "        # where several are listed, what each is; a key that walks through them wants them "
    "bare\n"
    "        if ((${#found[@]} > 2 && COMP_TYPE != 37 && COMP_TYPE != 42)) && [[ -n $about ]]; "
    "then\n"
    "            value+=\"  ($about)\"\n"
    "        fi\n"
    "        COMPREPLY+=(\"$value\")\n"
    "    done\n"
    "}\n"
    "complete -o nosort -F _PROGRAM_complete PROGRAM 2>/dev/null ||\n"
    "    complete -F _PROGRAM_complete PROGRAM\n";

static const char zsh[] =
    "#compdef PROGRAM\n"
    "# zsh completion of PROGRAM: eval \"$(PROGRAM completion zsh)\" after compinit, or this file "
    "as\n"
    "# _PROGRAM in a folder of $fpath\n"
    "_PROGRAM() {\n"
    "    local -a found values shown\n"
    "    local how one value\n"
    "    found=(\"${(@f)$(command PROGRAM __complete -- \"${(@Q)words[2,CURRENT]}\" "
    "2>/dev/null)}\")\n"
    "    how=${found[1]-}\n"
    "    if [[ $how == :files ]]; then\n"
    "        _files\n"
    "        return\n"
    "    fi\n"
    "    for one in \"${(@)found[2,-1]}\"; do\n"
    "        value=${one%%$'\\t'*}\n"
    "        [[ -z $value ]] && continue\n"
    "        values+=(\"$value\")\n"
    "        if [[ -n ${one#*$'\\t'} ]]; then\n"
    "            shown+=(\"${(r:24:)value}  ${one#*$'\\t'}\")\n"
    "        else\n"
    "            shown+=(\"$value\")\n"
    "        fi\n"
    "    done\n"
    "    (( ${#values} )) || return 1\n"
    "    if [[ $how == :open ]]; then\n"
    "        compadd -V PROGRAM -M 'm:{a-zA-Z}={A-Za-z}' -S '' -l -d shown -a values\n"
    "    else\n"
    "        compadd -V PROGRAM -M 'm:{a-zA-Z}={A-Za-z}' -l -d shown -a values\n"
    "    fi\n"
    "}\n"
    "if [[ ${funcstack[1]-} == _PROGRAM ]]; then\n"
    "    _PROGRAM \"$@\"\n"
    "else\n"
    "    compdef _PROGRAM PROGRAM\n"
    "fi\n";

static const char fish[] =
    "# fish completion of PROGRAM: PROGRAM completion fish | source\n"
    "function __FUNCTION_complete\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    set -l found (command PROGRAM __complete -- $words[2..-1] 2>/dev/null)\n"
    "    if test \"$found[1]\" = :files\n"
    "        __fish_complete_path (commandline -ct)\n"
    "    else if set -q found[2]\n"
    "        printf '%s\\n' $found[2..-1]\n"
    "    end\n"
    "end\n"
    "complete -c PROGRAM -e\n"
    "complete -c PROGRAM -f -k -a '(__FUNCTION_complete)'\n";

static void put_script(struct cli_out *out, const char *script, const char *program)
{
    static const char *const names[] = { "PROGRAM", "FUNCTION" };
    while (*script != '\0') {
        size_t taken = 0;
        for (size_t i = 0; i < 2 && taken == 0; i++) {
            if (strncmp(script, names[i], strlen(names[i])) == 0)
                taken = strlen(names[i]);
        }
        if (taken == 0) {
            cli_put_char(out, *script++);
            continue;
        }
        for (const char *at = program; *at != '\0'; at++)
            cli_put_char(out, *at == '-' && taken == 8 ? '_' : *at);
        script += taken;
    }
}

static enum cht_err run(struct cli_context *c)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        if (strcmp(c->args[0], scripts[i].shell) == 0) {
            put_script(&c->out, scripts[i].script, c->program->name);
            return CHT_OK;
        }
    }
    return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                          "\"%.80s\" is not allowed: it has to be bash, zsh or fish", c->args[0]);
}

const struct cli_command cli_completion = {
    .name = "completion",
    .summary = "Print a script that teaches a shell to complete commands, flags, values and ids.",
    .arguments = "bash|zsh|fish",
    .details =
        "Candidates come from this program at each press of the key: commands, flags, words of "
        "fields, and from a running node ids with their titles, labels, names. No node is "
        "started for that, and one that does not answer within a tenth of a second is not "
        "waited for.\n"
        "\n"
        "# Bash, in ~/.bashrc\n"
        "  eval \"$(chitty completion bash)\"\n"
        "# Zsh, in ~/.zshrc after compinit\n"
        "  eval \"$(chitty completion zsh)\"\n"
        "# Fish, once\n"
        "  chitty completion fish >~/.config/fish/completions/chitty.fish\n"
        "\n"
        "The same for `chitty-node`.",
    .group = CLI_SETUP,
    .kind = "",
    .examples = "chitty completion bash\n"
                "chitty-node completion zsh",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
