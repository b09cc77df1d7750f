#include "cli/command.h"

int
main(int argc, char **argv)
{
	return strads_command_main(argc, argv);
}
