#include "iqctl/command_table.h"

#include <iterator>
#include <utility>

#include "iqctl/about_commands.h"
#include "iqctl/agw_commands.h"
#include "iqctl/check_command.h"
#include "iqctl/connection_options.h"
#include "iqctl/session_commands.h"
#include "iqctl/top_command.h"

namespace iqctl {

CommandTable MakeCommandTable() {
  CommandTable table;
  table.program = "iqctl";
  table.summary = "looks after an IMS-ALG and its IMS-AGWs";
  table.description =
      "iqctl asks the IMS-ALG for sessions, and the IMS-AGWs for what they carry; it drains "
      "IMS-AGWs, watches "
      "what happens, and checks whether everything can be reached and fits together.\n"
      "Without options it speaks plaintext to services on this machine. Beyond loopback it wants "
      "mutual TLS: "
      "--tls-ca, --tls-cert and --tls-key, or the variables of the environment that stand in for "
      "them.\n"
      "Results are on standard output, as a table, JSON or YAML; all else is on standard error. "
      "There is colour "
      "on a terminal only, and none if NO_COLOR is set.";
  table.groups = {SessionGroup(), AgwGroup()};
  for (std::vector<Command> commands :
       {SessionCommands(), AgwCommands(), {TopCommand(), CheckCommand()}, AboutCommands()}) {
    table.commands.insert(table.commands.end(), std::make_move_iterator(commands.begin()),
                          std::make_move_iterator(commands.end()));
  }
  table.common_options = CommonOptions();
  table.examples = {{"iqctl check", "Is everything there, and does it fit together?"},
                    {"iqctl session get ID", "Why does this chat not work?"},
                    {"iqctl top", "Who has how much to do?"},
                    {"iqctl agw drain agw-0 --wait", "Empty an IMS-AGW before maintenance."},
                    {"kubectl exec POD -- iqctl agw list", "The images have the program too."}};
  return table;
}

}  // namespace iqctl
