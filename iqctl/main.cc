// iqctl: the command line for operators.

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "common/grpc_lifetime.h"
#include "grpc/support/log.h"
#include "iqctl/run.h"
#include "iqctl/text/terminal.h"

int main(int argc, char** argv) {
  // What gRPC logs of its own accord is no message for operators; errors of calls say what was wrong.
  gpr_set_log_function([](gpr_log_func_args*) {});
  const common::GrpcLifetime grpc_lifetime;
  const auto environment = [](const std::string& name) -> absl::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return absl::nullopt;
    return value;
  };
  return static_cast<int>(iqctl::Run(std::vector<std::string>(argv + 1, argv + argc), environment,
                                     std::cout, std::cerr, iqctl::Terminal::OfStandardOutput()));
}
