#include "tests/integration/testing/metric_changes.h"

#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/check.h"
#include "tests/peers/connection.h"
#include "tests/peers/socket.h"

namespace integration {

MetricChanges::MetricChanges(Services& services)
    : services_(services),
      agw_before_(Read(services.agw_http_port())),
      alg_before_(Read(services.alg_http_port())) {}

bool MetricChanges::Notified(absl::string_view kind, absl::string_view cause,
                             absl::string_view side, double count) const {
  return AgwCounted(absl::StrCat("iqgate_agw_notifications_total{cause=\"", cause, "\",kind=\"",
                                 kind, "\",side=\"", side, "\"}"),
                    count);
}

bool MetricChanges::Answered(absl::string_view method, absl::string_view outcome,
                             absl::string_view reason, double count) const {
  return AlgCounted(absl::StrCat("iqgate_alg_requests_total{method=\"", method, "\",outcome=\"",
                                 outcome, "\",reason=\"", reason, "\"}"),
                    count);
}

bool MetricChanges::AgwCounted(const std::string& series, double count) const {
  return Rose(services_.agw_http_port(), agw_before_, series, count);
}

bool MetricChanges::AlgCounted(const std::string& series, double count) const {
  return Rose(services_.alg_http_port(), alg_before_, series, count);
}

MetricChanges::Series MetricChanges::Read(int http_port) {
  absl::StatusOr<peers::Socket> socket = peers::Socket::Connect(
      peers::At("127.0.0.1:0"),
      {.ip = peers::At("127.0.0.1:0").ip, .port = static_cast<uint16_t>(http_port)});
  CHECK(socket.ok());
  peers::Connection connection(*std::move(socket));
  CHECK(connection.Send("GET /metrics HTTP/1.0\r\n\r\n").ok());
  const absl::StatusOr<std::string> response = connection.ReceiveToEnd();
  CHECK(response.ok());
  CHECK(absl::StartsWith(*response, "HTTP/1.1 200 "));
  Series result;
  for (const absl::string_view line : absl::StrSplit(*response, '\n')) {
    const size_t space = line.rfind(' ');
    double value;
    if (space == line.npos || !absl::SimpleAtod(line.substr(space + 1), &value)) continue;
    result[std::string(line.substr(0, space))] = value;
  }
  return result;
}

bool MetricChanges::Rose(int http_port, const Series& before, const std::string& series,
                         double count) {
  const auto value_in = [&series](const Series& all) {
    const auto found = all.find(series);  // A series appears with its first event.
    return found == all.end() ? 0.0 : found->second;
  };
  const double wanted = value_in(before) + count;
  return Eventually([&] { return value_in(Read(http_port)) == wanted; });
}

}  // namespace integration
