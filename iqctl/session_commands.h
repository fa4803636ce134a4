// "iqctl session ...": what the IMS-ALG says of sessions.

#ifndef IQCTL_SESSION_COMMANDS_H_
#define IQCTL_SESSION_COMMANDS_H_

#include <string>
#include <vector>

#include "ims/alg/v1/session.pb.h"
#include "iqctl/cli/command.h"
#include "iqctl/text/terminal.h"

namespace iqctl {

CommandGroup SessionGroup();
std::vector<Command> SessionCommands();

// A session for people.
std::string SessionText(const ims::alg::v1::Session& session, const Terminal& terminal);

}  // namespace iqctl

#endif  // IQCTL_SESSION_COMMANDS_H_
