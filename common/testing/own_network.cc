// Filtering SYNs takes CAP_NET_ADMIN on newer kernels. Who is not root has it in a network
// namespace of his own, whose loopback does as well for these tests: this starts the program again
// in one, before main() and before there is a second thread.

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace integration {
namespace {

constexpr char kDone[] = "IQGATE_IN_OWN_NETWORK";

std::vector<std::string> CommandLine() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

[[gnu::constructor]] void MoveToOwnNetwork() {
  if (geteuid() == 0 || std::getenv(kDone) != nullptr) return;
  if (std::system("unshare --user --map-root-user --net true 2>/dev/null") != 0) return;
  setenv(kDone, "1", 1);
  std::vector<std::string> arguments = {"unshare",
                                        "--user",
                                        "--map-root-user",
                                        "--net",
                                        "sh",
                                        "-c",
                                        "ip link set lo up && exec \"$@\"",
                                        "sh"};
  for (std::string& argument : CommandLine()) arguments.push_back(std::move(argument));
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
}

}  // namespace
}  // namespace integration
