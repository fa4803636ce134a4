// "iqctl agw ...": what the IMS-AGWs say, and draining them.

#ifndef IQCTL_AGW_COMMANDS_H_
#define IQCTL_AGW_COMMANDS_H_

#include <vector>

#include "iqctl/cli/command.h"

namespace iqctl {

CommandGroup AgwGroup();
std::vector<Command> AgwCommands();

}  // namespace iqctl

#endif  // IQCTL_AGW_COMMANDS_H_
