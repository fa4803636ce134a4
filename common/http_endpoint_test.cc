#include "common/http_endpoint.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "civetweb.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace common {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::unique_ptr<HttpEndpoint> StartEndpoint(HttpEndpoint::Sources sources) {
  ims::config::v1::HttpEndpoint config;
  config.set_listen_address("127.0.0.1:0");
  absl::StatusOr<std::unique_ptr<HttpEndpoint>> endpoint =
      HttpEndpoint::Start(config, std::move(sources));
  EXPECT_THAT(endpoint, IsOk());
  return *std::move(endpoint);
}

// The whole response to "METHOD path".
std::string Request(const HttpEndpoint& endpoint, const std::string& method,
                    const std::string& path) {
  char error[200] = "";
  mg_connection* connection =
      mg_connect_client("127.0.0.1", endpoint.port(), 0, error, sizeof(error));
  if (connection == nullptr) return error;
  mg_printf(connection, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            method.c_str(), path.c_str());
  std::string response;
  if (mg_get_response(connection, error, sizeof(error), 5000) < 0) {
    response = error;
  } else {
    const mg_response_info& info = *mg_get_response_info(connection);
    absl::StrAppend(&response, info.status_code, "\n");
    for (int i = 0; i < info.num_headers; ++i) {
      absl::StrAppend(&response, info.http_headers[i].name, ": ", info.http_headers[i].value, "\n");
    }
    char buffer[1000];
    int size = 0;
    while ((size = mg_read(connection, buffer, sizeof(buffer))) > 0) response.append(buffer, size);
  }
  mg_close_connection(connection);
  return response;
}

TEST(HttpEndpoint, ShowsMetricsInPrometheusFormat) {
  auto registry = std::make_shared<prometheus::Registry>();
  auto other = std::make_shared<prometheus::Registry>();
  prometheus::BuildCounter()
      .Name("agw_things_total")
      .Help("Things.")
      .Register(*registry)
      .Add({})
      .Increment(3);
  prometheus::BuildCounter().Name("agw_others_total").Register(*other).Add({});
  const auto endpoint = StartEndpoint({{registry, other}, nullptr});
  EXPECT_THAT(Request(*endpoint, "GET", "/metrics"),
              AllOf(StartsWith("200\n"), HasSubstr("text/plain; version=0.0.4"),
                    HasSubstr("# TYPE agw_things_total counter"), HasSubstr("agw_things_total 3"),
                    HasSubstr("agw_others_total 0")));

  registry.reset();
  EXPECT_THAT(Request(*endpoint, "GET", "/metrics"),
              AllOf(StartsWith("200\n"), Not(HasSubstr("agw_things_total"))));
}

TEST(HttpEndpoint, IsHealthyWhileItAnswers) {
  const auto endpoint = StartEndpoint({{}, [] { return absl::UnavailableError("draining"); }});
  EXPECT_THAT(Request(*endpoint, "GET", "/healthz"), StartsWith("200\n"));
}

TEST(HttpEndpoint, IsReadyWhenTheServiceSaysSo) {
  absl::Status status = absl::UnavailableError("no IMS-AGW reachable");
  const auto endpoint = StartEndpoint({{}, [&status] { return status; }});
  EXPECT_THAT(Request(*endpoint, "GET", "/readyz"),
              AllOf(StartsWith("503\n"), HasSubstr("no IMS-AGW reachable")));
  status = absl::OkStatus();
  EXPECT_THAT(Request(*endpoint, "GET", "/readyz"), StartsWith("200\n"));

  EXPECT_THAT(Request(*StartEndpoint({}), "GET", "/readyz"), StartsWith("200\n"));
}

TEST(HttpEndpoint, HasNothingElse) {
  const auto endpoint = StartEndpoint({});
  for (const char* path : {"/", "/metrics/x", "/readyzz", "/../etc/passwd", "/healthz/"}) {
    EXPECT_THAT(Request(*endpoint, "GET", path), StartsWith("404\n")) << path;
  }
  EXPECT_THAT(Request(*endpoint, "POST", "/metrics"), StartsWith("405\n"));
  EXPECT_THAT(Request(*endpoint, "HEAD", "/healthz"),
              AllOf(StartsWith("200\n"), Not(HasSubstr("ok"))));
}

TEST(HttpEndpoint, RefusesAnAddressItCannotHave) {
  const auto endpoint = StartEndpoint({});
  ims::config::v1::HttpEndpoint config;
  config.set_listen_address(absl::StrCat("127.0.0.1:", endpoint->port()));
  EXPECT_THAT(HttpEndpoint::Start(config, {}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(config.listen_address())));
  for (const char* address : {"", "9090", "localhost:9090", "127.0.0.1:1,127.0.0.1:2"}) {
    config.set_listen_address(address);
    EXPECT_THAT(HttpEndpoint::Start(config, {}), StatusIs(absl::StatusCode::kInvalidArgument))
        << address;
  }
}

}  // namespace
}  // namespace common
