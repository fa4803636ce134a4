// Application-aware streams: MSRP between two peers of which neither knows the other's address. On real
// sockets, over TLS and without.

#include <string>

#include "absl/strings/str_cat.h"
#include "agw-service/context/context.h"
#include "agw-service/context/testing/loopback_session.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using State = Termination::State;

constexpr char kUePath[] = "msrps://127.0.0.30:9/ue;tcp";
constexpr char kCorePath[] = "msrp://127.0.0.40:7654/core;tcp";

class MsrpStreamTest : public testing::TestWithParam<bool> {
 protected:
  MsrpStreamTest() { session_.UseMsrp(kUePath, kCorePath); }

  std::string LocalPath(Side side) {
    return session_.harness().context().media_streams().at(1)->LocalMsrpPath(side);
  }
  // A SEND of `body` from the UE as it goes out, and as it should come in.
  std::string FromUe(const std::string& body) {
    return Send(LocalPath(Side::kAccess), kUePath, body);
  }
  std::string AtCore(const std::string& body) {
    return Send(kCorePath, LocalPath(Side::kCore), body);
  }
  static std::string Send(absl::string_view to, absl::string_view from, absl::string_view body) {
    return absl::StrCat("MSRP a786hjs2 SEND\r\nTo-Path: ", to, "\r\nFrom-Path: ", from,
                        "\r\nMessage-ID: 1\r\nByte-Range: 1-", body.size(), "/", body.size(),
                        "\r\nContent-Type: text/plain\r\n\r\n", body, "\r\n-------a786hjs2$\r\n");
  }
  static std::string Response(absl::string_view to, absl::string_view from) {
    return absl::StrCat("MSRP a786hjs2 200 OK\r\nTo-Path: ", to, "\r\nFrom-Path: ", from,
                        "\r\n-------a786hjs2$\r\n");
  }
  MsrpCounters& Counted() { return session_.harness().resources().counters.msrp_from_access; }

  LoopbackSession session_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(TcpAndTls, MsrpStreamTest, testing::Bool());

TEST_P(MsrpStreamTest, R_AGW_31_PathsAreRewrittenForBothSidesInRequestsAndResponses) {
  session_.Open();
  const std::string t1 = session_.harness().LocalAddressOf(Side::kAccess).ToString();
  const std::string t2 = session_.harness().LocalAddressOf(Side::kCore).ToString();
  EXPECT_EQ(LocalPath(Side::kAccess),
            absl::StrCat(session_.tls() ? "msrps" : "msrp", "://", t1, "/core;tcp"));
  EXPECT_EQ(LocalPath(Side::kCore), absl::StrCat("msrp://", t2, "/ue;tcp"));

  session_.ue().Send(FromUe("hello"));
  session_.RunUntil([&] { return session_.core().received() == AtCore("hello"); });
  session_.core().Send(Response(LocalPath(Side::kCore), kCorePath));
  session_.RunUntil(
      [&] { return session_.ue().received() == Response(kUePath, LocalPath(Side::kAccess)); });
  EXPECT_EQ(Counted().requests[0], 1u);
  EXPECT_EQ(session_.harness().resources().counters.msrp_from_core.responses[0], 1u);
}

TEST_P(MsrpStreamTest, AFramingErrorEndsTheSessionAndSaysWhy) {
  session_.Open();
  session_.ue().Send("GET / HTTP/1.1\r\n\r\n");
  session_.RunUntil([&] { return session_.StateOf(Side::kAccess) == State::kReleased; });
  EXPECT_EQ(session_.Released(Side::kAccess), BearerReleased::Cause::kProtocolError);
  EXPECT_EQ(session_.Released(Side::kCore), BearerReleased::Cause::kOtherSideEnded);
  EXPECT_EQ(session_.core().received(), "");
}

TEST_P(MsrpStreamTest, ANewPathOfTheOtherPeerHoldsForTheNextMessage) {
  session_.Open();
  session_.ue().Send(FromUe("one"));
  session_.RunUntil([&] { return session_.core().received() == AtCore("one"); });
  RemoteDescriptor moved;
  moved.msrp_path = {"msrp://127.0.0.40:7654/moved;tcp"};
  ASSERT_THAT(session_.Configure(Side::kCore, {}, moved), IsOk());
  EXPECT_NE(LocalPath(Side::kAccess).find("/moved;tcp"), std::string::npos);
  session_.ue().Send(FromUe("two"));
  session_.RunUntil([&] {
    return session_.core().received() ==
           AtCore("one") + Send(moved.msrp_path[0], LocalPath(Side::kCore), "two");
  });
}

TEST_P(MsrpStreamTest, R_SDP_10_AMessageCutByTheNextConnectionEndsAsAborted) {
  session_.Open();
  const std::string whole = FromUe(std::string(100, 'x'));
  session_.ue().Send(absl::string_view(whole).substr(0, whole.size() - 40));
  const std::string begun = AtCore(std::string(100, 'x'));
  session_.RunUntil([&] { return session_.core().received().size() > begun.size() - 60; });
  BearerControl order;
  order.connection_request = ConnectionRequest::kNew;
  order.syn_policy = SynPolicy{SynPolicy::Kind::kLatch, {}};
  RemoteDescriptor next;
  next.msrp_path = {"msrps://127.0.0.30:9/next;tcp"};
  ASSERT_THAT(session_.Configure(Side::kAccess, order, next), IsOk());
  // The path of the next connection is not that of the present one.
  EXPECT_NE(LocalPath(Side::kCore).find("/ue;tcp"), std::string::npos);
  const std::unique_ptr<Endpoint> old = session_.TakeUe();
  session_.ConnectUe();
  session_.RunUntil([&] {
    const absl::string_view received = session_.core().received();
    return received.size() > 40 &&
           received.substr(received.size() - 20) == "\r\n-------a786hjs2#\r\n";
  });
  EXPECT_NE(LocalPath(Side::kCore).find("/next;tcp"), std::string::npos);
  const std::string before = session_.core().received();
  const std::string from = "msrps://127.0.0.30:9/next;tcp";
  session_.ue().Send(Send(LocalPath(Side::kAccess), from, "anew"));
  session_.RunUntil([&] { return session_.core().received() == before + AtCore("anew"); });
  EXPECT_EQ(Counted().cut_off, 1u);
}

TEST_P(MsrpStreamTest, AMessageCutByAResetEndsAsAbortedWhenTheNextConnectionIsThere) {
  session_.Open();
  const std::string whole = FromUe(std::string(100, 'x'));
  session_.ue().Send(absl::string_view(whole).substr(0, whole.size() - 40));
  const std::string begun = AtCore(std::string(100, 'x'));
  session_.RunUntil([&] { return session_.core().received().size() > begun.size() - 60; });
  BearerControl order;
  order.connection_request = ConnectionRequest::kNew;
  order.syn_policy = SynPolicy{SynPolicy::Kind::kLatch, {}};
  ASSERT_THAT(session_.Configure(Side::kAccess, order), IsOk());
  session_.ue().Reset();
  session_.RunUntil([&] { return session_.StateOf(Side::kAccess) == State::kIdle; });
  const std::unique_ptr<Endpoint> old = session_.TakeUe();
  session_.ConnectUe();
  session_.RunUntil([&] { return session_.Established(); });
  session_.ue().Send(FromUe("anew"));
  session_.RunUntil(
      [&] { return session_.core().received().find(AtCore("anew")) != std::string::npos; });
  EXPECT_NE(session_.core().received().find("-------a786hjs2#"), std::string::npos)
      << session_.core().received();
}

TEST_P(MsrpStreamTest, TheRestOfAMessageToAConnectionThatBrokeIsDropped) {
  session_.Open();
  const std::string whole = Send(LocalPath(Side::kCore), kCorePath, std::string(100, 'x'));
  session_.core().Send(absl::string_view(whole).substr(0, whole.size() - 40));
  session_.RunUntil([&] { return session_.ue().received().size() > 100; });
  BearerControl order;
  order.connection_request = ConnectionRequest::kNew;
  order.syn_policy = SynPolicy{SynPolicy::Kind::kLatch, {}};
  ASSERT_THAT(session_.Configure(Side::kAccess, order), IsOk());
  session_.ue().Reset();
  session_.RunUntil([&] { return session_.StateOf(Side::kAccess) == State::kIdle; });
  const std::unique_ptr<Endpoint> old = session_.TakeUe();
  session_.ConnectUe();
  session_.RunUntil([&] { return session_.Established(); });
  session_.core().Send(absl::string_view(whole).substr(whole.size() - 40));
  session_.RunQuietTurns();
  EXPECT_EQ(session_.StateOf(Side::kCore), State::kEstablished);
}

TEST_P(MsrpStreamTest, BothTerminationsAreAwareOrNeitherIs) {
  session_.Reserve(/*triggered=*/true);
  Context& context = session_.harness().context();
  ASSERT_THAT(context.ReleaseTermination(1, Side::kCore).status(), IsOk());
  const absl::Status mixed =
      context.ReserveConnectionPoint({1, Side::kCore}, {}, absl::nullopt, {}, absl::nullopt);
  EXPECT_EQ(common::ErrorReasonOf(mixed), "TRANSPORT_MISMATCH");
}

TEST_P(MsrpStreamTest, AConfiguredTerminationNeedsAPath) {
  Context& context = session_.harness().context();
  const LocalDescriptor local{.ip_realm = "", .transport_protocol = TransportProtocol::kTcpMsrp};
  const RemoteDescriptor pathless{*common::TransportAddress::Parse("127.0.0.40:7654"), {}};
  absl::Status missing =
      context.ReserveConnectionPoint({1, Side::kCore}, local, pathless, {}, absl::nullopt);
  EXPECT_EQ(common::ErrorReasonOf(missing), "FIELD_MISSING");
  EXPECT_EQ(common::ErrorMetadata(missing, "field"), "remote.msrp_path");
  // What is only reserved has no peer yet.
  EXPECT_THAT(
      context.ReserveConnectionPoint({1, Side::kCore}, local, absl::nullopt, {}, absl::nullopt),
      IsOk());
}

// With TLS it is the fingerprint that is waited for.
using MsrpStreamBeforeTheAnswerTest = MsrpStreamTest;
INSTANTIATE_TEST_SUITE_P(Tcp, MsrpStreamBeforeTheAnswerTest, testing::Values(false));

TEST_P(MsrpStreamBeforeTheAnswerTest, NothingPassesBeforeBothPathsAreKnown) {
  session_.Reserve(/*triggered=*/true, /*with_fingerprint=*/false);
  session_.ConnectUe();
  session_.AcceptCore();
  session_.RunUntil([&] { return session_.Established(); });
  session_.ue().Send("MSRP");
  session_.RunQuietTurns();
  EXPECT_EQ(session_.core().received(), "");
  EXPECT_TRUE(session_.AtRest());
  RemoteDescriptor ue;
  ue.msrp_path = {kUePath};
  ASSERT_THAT(session_.Configure(Side::kAccess, {}, ue), IsOk());
  session_.ue().Send(FromUe("hello").substr(4));
  session_.RunUntil([&] { return session_.core().received() == AtCore("hello"); });
}

}  // namespace
}  // namespace agw
