// The table of all commands.

#ifndef IQCTL_COMMAND_TABLE_H_
#define IQCTL_COMMAND_TABLE_H_

#include "iqctl/cli/command.h"

namespace iqctl {

CommandTable MakeCommandTable();

}  // namespace iqctl

#endif  // IQCTL_COMMAND_TABLE_H_
