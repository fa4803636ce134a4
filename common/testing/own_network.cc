// A network namespace for a test alone: this starts the program again in one, before main() and
// before there is a second thread. Its loopback does as well as that of the machine, its ports
// collide with those of no other test, and who is not root may filter SYNs there (which takes
// CAP_NET_ADMIN on newer kernels). Where that is forbidden, the test runs where it is.

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr char kDone[] = "IQGATE_IN_OWN_NETWORK";

std::vector<std::string> CommandLine() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

[[gnu::constructor]] void MoveToOwnNetwork() {
  if (std::getenv(kDone) != nullptr) return;
  std::vector<std::string> arguments = {"unshare", "--net"};
  if (geteuid() != 0) arguments.insert(arguments.end(), {"--user", "--map-root-user"});
  std::string trial;
  for (const std::string& argument : arguments) trial += argument + " ";
  if (std::system((trial + "ip link set lo up 2>/dev/null").c_str()) != 0) return;
  setenv(kDone, "1", 1);
  arguments.insert(arguments.end(), {"sh", "-c", "ip link set lo up && exec \"$@\"", "sh"});
  for (std::string& argument : CommandLine()) arguments.push_back(std::move(argument));
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
}

}  // namespace
