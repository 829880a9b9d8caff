/* The program chitty; its commands are listed in chitty_table.c. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return cli_main(&cli_chitty, argc, argv);
}
