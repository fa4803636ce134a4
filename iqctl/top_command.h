// "iqctl top".

#ifndef IQCTL_TOP_COMMAND_H_
#define IQCTL_TOP_COMMAND_H_

#include <string>

#include "absl/strings/string_view.h"
#include "iqctl/cli/command.h"
#include "iqctl/text/terminal.h"

namespace iqctl {

Command TopCommand();

// `text` so that it takes the place of what a terminal shows: no more lines than it has, and nothing left
// of what was there.
std::string AsFrame(absl::string_view text, const Terminal& terminal);

}  // namespace iqctl

#endif  // IQCTL_TOP_COMMAND_H_
