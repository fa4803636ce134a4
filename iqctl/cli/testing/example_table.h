// A small table of commands that has one of everything.

#ifndef IQCTL_CLI_TESTING_EXAMPLE_TABLE_H_
#define IQCTL_CLI_TESTING_EXAMPLE_TABLE_H_

#include "iqctl/cli/command.h"

namespace iqctl {

// "pets": "pet feed PET..." with --food and --slowly, "look [SIDE]", and --where for both.
CommandTable ExampleTable();

}  // namespace iqctl

#endif  // IQCTL_CLI_TESTING_EXAMPLE_TABLE_H_
