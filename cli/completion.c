/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for shells, from the table of commands. Which values an option
 * takes is told by its argDescrip.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

/* run and enter: what follows their options is a command of its own. */
static bool takes_command(const struct command *command)
{
	return strstr(command->arguments, "COMMAND [ARGUMENT...]");
}

/* ---- bash ---------------------------------------------------------------- */

static const char bash_begin[] =
	"# bash completion for timensbpf; made by 'timensbpf completion bash'\n"
	"\n"
	"_timensbpf_cgroups() {\n"
	"    local directory\n"
	"    for directory in \"/sys/fs/cgroup${cur:-/}\"*/; do\n"
	"        [[ -d $directory ]] || continue\n"
	"        directory=${directory#/sys/fs/cgroup}\n"
	"        COMPREPLY+=(\"${directory%/}\")\n"
	"    done\n"
	"    compopt -o nospace 2>/dev/null\n"
	"}\n"
	"\n"
	"_timensbpf_pids() {\n"
	"    local directories=(/proc/[0-9]*)\n"
	"    mapfile -t COMPREPLY < <(compgen -W \"${directories[*]#/proc/}\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"_timensbpf_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
	"\n"
	"# The place of a command that run or enter is to start, 0: not there yet.\n"
	"_timensbpf_start() {\n"
	"    local i\n"
	"    for ((i = 2; i <= COMP_CWORD; i++)); do\n"
	"        case ${COMP_WORDS[i]} in\n"
	"        --)\n"
	"            ((i == COMP_CWORD)) && break\n"
	"            echo $((i + 1))\n"
	"            return ;;\n";

static const char bash_middle[] =
	"            # --option=value is three words here.\n"
	"            [[ ${COMP_WORDS[i + 1]-} != = ]] || ((i++))\n"
	"            ((i++)) ;;\n"
	"        -* | '') ;;\n"
	"        *) echo \"$i\"; return ;;\n"
	"        esac\n"
	"    done\n"
	"    echo 0\n"
	"}\n"
	"\n"
	"_timensbpf() {\n"
	"    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} start\n"
	"    COMPREPLY=()\n"
	"    # bash takes --option=value for three words.\n"
	"    if [[ $cur == = ]]; then\n"
	"        cur=''\n"
	"    elif [[ $prev == = ]]; then\n"
	"        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"    fi\n"
	"    if ((COMP_CWORD == 1)); then\n"
	"        _timensbpf_words \"--help --version";

static const char bash_start[] =
	"        start=$(_timensbpf_start)\n"
	"        if ((start)); then\n"
	"            if declare -F _command_offset >/dev/null; then\n"
	"                _command_offset \"$start\"\n"
	"            elif ((start == COMP_CWORD)); then\n"
	"                mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	"            else\n"
	"                mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"            fi\n"
	"            return\n"
	"        fi\n";

static const char bash_end[] = "    esac\n"
			       "}\n"
			       "complete -F _timensbpf timensbpf\n";

static bool has_optional_value(const struct poptOption *option)
{
	return option->argInfo & POPT_ARGFLAG_OPTIONAL;
}

/* Options of run and enter whose value is a word of its own. */
static void bash_skip(const struct command *command,
		      const struct poptOption *option, const char *heading,
		      void *context)
{
	bool *any = context;

	(void)heading;
	if (!takes_command(command) || !option->argDescrip)
		return;
	printf("%s--%s", *any ? " | " : "        ", option->longName);
	*any = true;
}

static void bash_words(const char *choices)
{
	for (; *choices; choices++)
		putchar(*choices == '|' ? ' ' : *choices);
}

static void bash_value(const struct command *command,
		       const struct poptOption *option, const char *heading,
		       void *context)
{
	(void)command;
	(void)heading;
	(void)context;
	if (!option->argDescrip || has_optional_value(option))
		return;
	printf("        --%s) ", option->longName);
	if (strchr(option->argDescrip, '|')) {
		printf("_timensbpf_words \"");
		bash_words(option->argDescrip);
		printf("\"; ");
	} else if (!strcmp(option->argDescrip, "PATH")) {
		printf("_timensbpf_cgroups; ");
	} else if (!strcmp(option->argDescrip, "PID")) {
		printf("_timensbpf_pids; ");
	}
	puts("return ;;");
}

static void bash_option(const struct command *command,
			const struct poptOption *option, const char *heading,
			void *context)
{
	(void)command;
	(void)heading;
	(void)context;
	printf(" --%s", option->longName);
	if (option->shortName)
		printf(" -%c", option->shortName);
}

static void print_names(void)
{
	for (size_t i = 0; i < command_count; i++)
		printf(" %s", commands[i]->name);
}

static void bash_command(const struct command *command)
{
	printf("    %s)\n", command->name);
	if (takes_command(command))
		fputs(bash_start, stdout);
	puts("        case $prev in");
	command_each_option(command, bash_value, NULL);
	puts("        esac");
	printf("        _timensbpf_words \"");
	command_each_option(command, bash_option, NULL);
	if (command == &command_help)
		print_names();
	puts("\" ;;");
}

static void print_bash(void)
{
	bool any = false;

	fputs(bash_begin, stdout);
	for (size_t i = 0; i < command_count; i++)
		command_each_option(commands[i], bash_skip, &any);
	puts(")");
	fputs(bash_middle, stdout);
	print_names();
	puts("\"\n        return\n    fi\n    case ${COMP_WORDS[1]} in");
	for (size_t i = 0; i < command_count; i++)
		bash_command(commands[i]);
	fputs(bash_end, stdout);
}

/* ---- zsh ----------------------------------------------------------------- */

static const char zsh_begin[] =
	"#compdef timensbpf\n"
	"# zsh completion for timensbpf; made by 'timensbpf completion zsh'\n"
	"\n"
	"_timensbpf_cgroups() {\n"
	"    local -a names\n"
	"    names=(/sys/fs/cgroup/**/*(N/))\n"
	"    compadd -- ${names#/sys/fs/cgroup}\n"
	"}\n"
	"\n"
	"_timensbpf_commands() {\n"
	"    local -a names=(\n";

static const char zsh_middle[] =
	"    )\n"
	"    _describe command names\n"
	"}\n"
	"\n"
	"_timensbpf() {\n"
	"    local curcontext=$curcontext state line\n"
	"    _arguments -C '(- *)'{-h,--help}'[show help]' \\\n"
	"        '(- *)'{-V,--version}'[show the version]' \\\n"
	"        '1:command:_timensbpf_commands' '*::argument:->arguments'\n"
	"    [[ $state == arguments ]] || return\n"
	"    case $words[1] in\n";

static const char zsh_end[] = "    esac\n"
			      "}\n"
			      "\n"
			      "_timensbpf \"$@\"\n";

/* Inside of single quotes, with `special` characters escaped. */
static void zsh_text(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'') {
			printf("'\\''");
			continue;
		}
		if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

static void zsh_value(const char *value)
{
	printf(":%s:", strchr(value, '|') ? "choice" : value);
	if (strchr(value, '|')) {
		putchar('(');
		bash_words(value);
		putchar(')');
	} else if (!strcmp(value, "PATH")) {
		printf("_timensbpf_cgroups");
	} else if (!strcmp(value, "PID")) {
		printf("_pids");
	}
}

static void zsh_option(const struct command *command,
		       const struct poptOption *option, const char *heading,
		       void *context)
{
	(void)command;
	(void)heading;
	(void)context;
	printf("            ");
	if (option->shortName)
		printf("'(-%c --%s)'{-%c,--%s}'", option->shortName,
		       option->longName, option->shortName, option->longName);
	else
		printf("'--%s%s", option->longName,
		       option->argDescrip ? "=" : "");
	putchar('[');
	zsh_text(option->descrip, "[]:\\");
	putchar(']');
	/* "::" is a value that may be left out. */
	if (option->argDescrip && has_optional_value(option))
		putchar(':');
	if (option->argDescrip)
		zsh_value(option->argDescrip);
	puts("' \\");
}

static void zsh_command(const struct command *command)
{
	printf("    %s)\n        _arguments -s -S \\\n", command->name);
	command_each_option(command, zsh_option, NULL);
	if (takes_command(command))
		puts("            '(-)1:command: _command_names -e' '*::argument:_normal' ;;");
	else if (command == &command_help)
		puts("            '1:command:_timensbpf_commands' ;;");
	else
		puts("            && return ;;");
}

static void print_zsh(void)
{
	fputs(zsh_begin, stdout);
	for (size_t i = 0; i < command_count; i++) {
		printf("        '%s:", commands[i]->name);
		zsh_text(commands[i]->summary, ":\\");
		puts("'");
	}
	fputs(zsh_middle, stdout);
	for (size_t i = 0; i < command_count; i++)
		zsh_command(commands[i]);
	fputs(zsh_end, stdout);
}

/* ---- The command --------------------------------------------------------- */

static int run_completion(const struct command *command, int argc,
			  const char **argv)
{
	const char **rest = command_parse(command, command_option_is_given,
					  NULL, argc, argv);
	const char *shell = rest && rest[0] && !rest[1] ? rest[0] : "";

	if (!strcmp(shell, "bash"))
		print_bash();
	else if (!strcmp(shell, "zsh"))
		print_zsh();
	else
		command_usage(command, "give a shell: bash or zsh");
	return fflush(stdout) ? EXIT_FAILED : 0;
}

static const struct poptOption options[] = { COMMAND_HELP_OPTION,
					     POPT_TABLEEND };

const struct command command_completion = {
	.name = "completion",
	.arguments = "bash|zsh",
	.summary = "print the completion of a shell",
	.options = options,
	.run = run_completion,
};
