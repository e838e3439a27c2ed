/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "help.h"

#include "commands.h"
#include "terminal.h"
#include "wrap.h"

#include <string.h>

/* Where the text of an option begins. */
#define TEXT_COLUMN 24

struct page {
	FILE *out;
	const char *heading; /* of the options printed last */
	bool begun;
	int width;
};

void help_overview(FILE *out)
{
	fputs("Usage: timensbpf COMMAND [OPTION...]\n"
	      "Give any group of processes its own time.\n\n",
	      out);
	for (size_t i = 0; i < command_count; i++)
		fprintf(out, "  %-11s %s\n", commands[i]->name,
			commands[i]->summary);
	fputs("\nExamples:\n"
	      "  timensbpf run --realtime +3d -- date\n"
	      "  timensbpf run --realtime '2038-01-19 03:14:00Z' -- bash\n"
	      "  timensbpf set --cgroup /system.slice/db1.service --realtime -90s\n"
	      "\n"
	      "'timensbpf help COMMAND' tells more; 'timensbpf --version' the version.\n",
	      out);
}

static void print_heading(struct page *page, const char *heading)
{
	const char *last = page->heading;

	if (page->begun &&
	    (heading == last || (heading && last && !strcmp(heading, last))))
		return;
	fprintf(page->out, "\n%s\n", heading ? heading : "Options:");
	page->heading = heading;
	page->begun = true;
}

static void print_option(const struct command *command,
			 const struct poptOption *option, const char *heading,
			 void *context)
{
	bool optional = option->argInfo & POPT_ARGFLAG_OPTIONAL;
	struct page *page = context;
	char left[64], letter[8] = "    ";

	(void)command;
	print_heading(page, heading);
	if (option->shortName)
		snprintf(letter, sizeof(letter), "-%c, ", option->shortName);
	snprintf(left, sizeof(left), "  %s--%s%s%s%s", letter, option->longName,
		 !option->argDescrip ? ""
		 : optional	     ? " ["
				     : "=",
		 option->argDescrip ? option->argDescrip : "",
		 option->argDescrip && optional ? "]" : "");
	fprintf(page->out, "%-*s", TEXT_COLUMN - 1, left);
	if (strlen(left) >= TEXT_COLUMN)
		fprintf(page->out, "\n%*s", TEXT_COLUMN - 1, "");
	putc(' ', page->out);
	wrap_print(page->out, option->descrip, TEXT_COLUMN, TEXT_COLUMN,
		   page->width);
	putc('\n', page->out);
}

void help_of(FILE *out, const struct command *command)
{
	struct page page = { .out = out, .width = terminal_width(out) };

	if (!page.width)
		page.width = TERMINAL_USUAL;
	fprintf(out, "Usage: timensbpf %s %s\n", command->name,
		command->arguments);
	wrap_print(out, command->summary, 0, 0, page.width);
	putc('\n', out);
	command_each_option(command, print_option, &page);
	if (command->examples)
		fputs("\nExamples:\n", out);
	for (const char *const *example = command->examples;
	     example && *example; example++)
		fprintf(out, "  %s\n", *example);
}

/* ---- For the check of the manual page ------------------------------------ */

static void print_row(const struct command *command,
		      const struct poptOption *option, const char *heading,
		      void *context)
{
	(void)heading;
	(void)context;
	if (option->val == COMMAND_HELP)
		return;
	printf("option %s --%s", command->name, option->longName);
	if (option->shortName)
		printf(" -%c", option->shortName);
	putchar('\n');
}

static void print_table(void)
{
	for (size_t i = 0; i < command_count; i++) {
		printf("command %s\n", commands[i]->name);
		command_each_option(commands[i], print_row, NULL);
	}
}

/* ---- The command --------------------------------------------------------- */

enum { TABLE = 1 };

static int run_help(const struct command *command, int argc, const char **argv)
{
	const struct command *asked;
	bool table = false;
	const char **rest = command_parse(command, command_option_is_given,
					  &table, argc, argv);

	if (table) {
		print_table();
		return 0;
	}
	if (!rest || !rest[0]) {
		help_overview(stdout);
		return 0;
	}
	if (rest[1])
		command_usage(command, "unexpected argument '%s'", rest[1]);
	asked = command_find(rest[0]);
	if (!asked)
		command_usage(NULL, "there is no command '%s'", rest[0]);
	help_of(stdout, asked);
	return 0;
}

static const struct poptOption options[] = {
	{ "table", '\0', POPT_ARG_NONE | POPT_ARGFLAG_DOC_HIDDEN, NULL, TABLE,
	  "print commands and options, one a line", NULL },
	COMMAND_HELP_OPTION,
	POPT_TABLEEND
};

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "show this list, or what a command takes",
	.options = options,
	.run = run_help,
};
