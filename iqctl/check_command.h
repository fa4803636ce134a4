// "iqctl check".

#ifndef IQCTL_CHECK_COMMAND_H_
#define IQCTL_CHECK_COMMAND_H_

#include "iqctl/cli/command.h"

namespace iqctl {

Command CheckCommand();

}  // namespace iqctl

#endif  // IQCTL_CHECK_COMMAND_H_
