// The program without its process: arguments and streams in, exit code out.

#ifndef IQCTL_RUN_H_
#define IQCTL_RUN_H_

#include <ostream>
#include <string>
#include <vector>

#include "iqctl/cli/command_line.h"
#include "iqctl/cli/exit_code.h"
#include "iqctl/text/terminal.h"

namespace iqctl {

// `arguments` are those behind the program's name; `terminal` is what `results` goes to.
ExitCode Run(const std::vector<std::string>& arguments, const Environment& environment,
             std::ostream& results, std::ostream& messages, const Terminal& terminal);

}  // namespace iqctl

#endif  // IQCTL_RUN_H_
