// "iqctl completion" and "iqctl man": what is made from the table of commands itself.

#ifndef IQCTL_ABOUT_COMMANDS_H_
#define IQCTL_ABOUT_COMMANDS_H_

#include <vector>

#include "iqctl/cli/command.h"

namespace iqctl {

std::vector<Command> AboutCommands();

}  // namespace iqctl

#endif  // IQCTL_ABOUT_COMMANDS_H_
