// "iqctl agw drain" and "iqctl agw undrain".

#ifndef IQCTL_AGW_DRAIN_COMMAND_H_
#define IQCTL_AGW_DRAIN_COMMAND_H_

#include "iqctl/cli/command.h"

namespace iqctl {

Command DrainCommand();
Command UndrainCommand();

// INSTANCE, as several commands take it.
Argument InstanceArgument();

}  // namespace iqctl

#endif  // IQCTL_AGW_DRAIN_COMMAND_H_
