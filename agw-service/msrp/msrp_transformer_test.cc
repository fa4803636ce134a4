#include "agw-service/msrp/msrp_transformer.h"

#include <array>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "agw-service/bearer/scratch.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using common::StatusIs;

constexpr absl::string_view kUe = "msrps://ue.example:7000/ue;tcp";
constexpr absl::string_view kPeer = "msrp://192.0.2.9:9000/peer;tcp";
constexpr absl::string_view kRelay = "msrp://relay.example:2855/r;tcp";

// What each is to the other.
constexpr absl::string_view kUeAtT2 = "msrp://198.51.100.1:30000/ue;tcp";
constexpr absl::string_view kPeerAtT1 = "msrps://[2001:db8::1]:20000/peer;tcp";

MsrpSide Access() {
  return {.peer_path = {std::string(kUe)},
          .tls = true,
          .termination = *common::TransportAddress::Parse("[2001:db8::1]:20000")};
}

MsrpSide Core(absl::string_view path = kPeer) {
  return {.peer_path = absl::StrSplit(path, ' '),
          .tls = false,
          .termination = *common::TransportAddress::Parse("198.51.100.1:30000")};
}

std::string Paths(absl::string_view to, absl::string_view from) {
  return absl::StrCat("To-Path: ", to, "\r\nFrom-Path: ", from, "\r\n");
}

std::string Send(absl::string_view id, absl::string_view paths, absl::string_view body,
                 absl::string_view flag = "$") {
  return absl::StrCat("MSRP ", id, " SEND\r\n", paths,
                      "Message-ID: 12339sdqwer\r\nByte-Range: 1-25/25\r\n",
                      "Content-Type: text/plain\r\n\r\n", body, "\r\n-------", id, flag, "\r\n");
}

// One direction of a stream.
class Direction {
 public:
  explicit Direction(MsrpRewriting rewriting) : transformer(rewriting, scratch, counters) {}

  // What goes to the sink; an error is the end of it.
  std::string Take(absl::string_view octets) {
    const absl::StatusOr<absl::Span<const char>> result =
        transformer.Transform({octets.data(), octets.size()});
    if (!result.ok()) {
      status = result.status();
      return "";
    }
    return std::string(result->data(), result->size());
  }

  MsrpScratch scratch;
  MsrpCounters counters;
  MsrpTransformer transformer;
  absl::Status status;
};

class FromUe : public Direction {
 public:
  FromUe() : Direction(Simple()) {}
  explicit FromUe(absl::string_view core_path)
      : Direction(*MsrpRewriting::Create(Access(), Core(core_path))) {}

 private:
  // Made once, for some tests need very many.
  static const MsrpRewriting& Simple() {
    static const auto& simple = *new MsrpRewriting(*MsrpRewriting::Create(Access(), Core()));
    return simple;
  }
};

class FromPeer : public Direction {
 public:
  explicit FromPeer(absl::string_view core_path = kPeer)
      : Direction(*MsrpRewriting::Create(Core(core_path), Access())) {}
};

const std::string kFromUePaths = Paths(kPeerAtT1, kUe);
const std::string kToPeerPaths = Paths(kPeer, kUeAtT2);

TEST(MsrpTransformerTest, R_AGW_31_ARequestIsRewrittenForItsDirection) {
  FromUe up;
  EXPECT_EQ(up.Take(Send("a786", kFromUePaths, "hello")), Send("a786", kToPeerPaths, "hello"));
  FromPeer down;
  EXPECT_EQ(down.Take(Send("a786", Paths(kUeAtT2, kPeer), "hello")),
            Send("a786", Paths(kUe, kPeerAtT1), "hello"));
}

TEST(MsrpTransformerTest, R_AGW_31_AResponseIsRewrittenForItsDirection) {
  FromUe up;
  EXPECT_EQ(up.Take(absl::StrCat("MSRP a786 200 OK\r\n", kFromUePaths, "-------a786$\r\n")),
            absl::StrCat("MSRP a786 200 OK\r\n", kToPeerPaths, "-------a786$\r\n"));
}

TEST(MsrpTransformerTest, BehindARelayARequestGetsTheWholePathAndAResponseItsFirstUri) {
  const std::string path = absl::StrCat(kRelay, " ", kPeer);
  FromUe up(path);
  EXPECT_EQ(up.Take(Send("a786", kFromUePaths, "hello")),
            Send("a786", Paths(path, kUeAtT2), "hello"));
  EXPECT_EQ(up.Take(absl::StrCat("MSRP a786 200 OK\r\n", kFromUePaths, "-------a786$\r\n")),
            absl::StrCat("MSRP a786 200 OK\r\n", Paths(kRelay, kUeAtT2), "-------a786$\r\n"));
  // Its own requests name every hop.
  FromPeer down(path);
  EXPECT_EQ(down.Take(Send("b786", Paths(kUeAtT2, path), "hello")),
            Send("b786", Paths(kUe, kPeerAtT1), "hello"));
}

TEST(MsrpTransformerTest, WhatDoesNotNameUsPassesAsItCameWithItsResponse) {
  const std::string stray = Send("a786", Paths("msrps://ue.example:1/x;tcp", kUe), "hello");
  FromUe up;
  EXPECT_EQ(up.Take(stray), stray);
  EXPECT_EQ(up.counters.not_addressed, 1u);
  EXPECT_EQ(up.counters.requests[0], 1u);
  const std::string refusal = absl::StrCat(
      "MSRP a786 481 No session\r\n", Paths(kUe, "msrps://ue.example:1/x;tcp"), "-------a786$\r\n");
  FromPeer down;
  EXPECT_EQ(down.Take(refusal), refusal);
  EXPECT_EQ(down.counters.not_addressed, 1u);
}

// A conversation with everything that may be in one, seen from the UE.
const std::vector<std::string>& Conversation() {
  static const auto& messages = *new std::vector<std::string>{
      absl::StrCat("MSRP d93k SEND\r\n", kFromUePaths, "-------d93k$\r\n"),
      Send("a-very.long+transaction%id=0001", kFromUePaths, "first", "+"),
      Send("b786", kFromUePaths, "\r\n-------a786$\r\n-------b786\r\n------b786$\r\n", "$"),
      absl::StrCat("MSRP e93k REPORT\r\n", kFromUePaths,
                   "Message-ID: 12339sdqwer\r\nByte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n",
                   "-------e93k$\r\n"),
      absl::StrCat("MSRP f93k 415 Unsupported media type\r\n", kFromUePaths, "-------f93k$\r\n"),
      absl::StrCat("MSRP g93k AUTH\r\n", kFromUePaths, "Authorization: Digest x=\"y\"\r\n",
                   "-------g93k$\r\n"),
      absl::StrCat("MSRP h93k WHATEVER\r\n", kFromUePaths, "X-Y: z\r\n\r\n\r\n-------h93k$\r\n"),
      Send("i786", Paths("msrps://ue.example:1/x;tcp", kUe), "stray"),
      Send("j786", kFromUePaths, "interrupted", "#"),
  };
  return messages;
}

std::string Joined(const std::vector<std::string>& messages) {
  std::string joined;
  for (const std::string& message : messages) absl::StrAppend(&joined, message);
  return joined;
}

std::string AtThePeer(const std::string& octets) {
  return absl::StrReplaceAll(octets, {{kFromUePaths, kToPeerPaths}});
}

TEST(MsrpTransformerTest, AConversationPassesWithItsPathsChanged) {
  const std::string conversation = Joined(Conversation());
  FromUe up;
  EXPECT_EQ(up.Take(conversation), AtThePeer(conversation));
  ASSERT_NE(AtThePeer(conversation), conversation);

  EXPECT_EQ(up.counters.requests, (std::array<uint64_t, 5>{5, 1, 1, 0, 1}));
  EXPECT_EQ(up.counters.responses, (std::array<uint64_t, 11>{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(up.counters.chunks, 1u);
  EXPECT_EQ(up.counters.complete_messages, 3u);
  EXPECT_EQ(up.counters.aborted_messages, 1u);
  EXPECT_EQ(up.counters.not_addressed, 1u);
}

TEST(MsrpTransformerTest, CutAtAnyTwoPlacesAMessageBecomesTheSame) {
  for (const std::string& message : Conversation()) {
    // With what follows, so that its end is in the middle, too.
    const std::string octets = absl::StrCat(message, "MSRP z786 200 OK\r\nTo");
    const absl::string_view view = octets;
    const std::string expected = AtThePeer(message);
    for (size_t first = 0; first <= view.size(); ++first) {
      for (size_t second = first; second <= view.size(); ++second) {
        FromUe up;
        std::string output;
        for (const absl::string_view piece :
             {view.substr(0, first), view.substr(first, second - first), view.substr(second)}) {
          if (!piece.empty()) absl::StrAppend(&output, up.Take(piece));
        }
        ASSERT_EQ(output, expected) << first << " " << second;
      }
    }
  }
}

TEST(MsrpTransformerTest, OctetByOctetAConversationBecomesTheSame) {
  const std::string conversation = Joined(Conversation());
  FromUe up;
  std::string output;
  for (char c : conversation) absl::StrAppend(&output, up.Take({&c, 1}));
  EXPECT_EQ(output, AtThePeer(conversation));
}

TEST(MsrpTransformerTest, WithPathsThatStayTheSameNoOctetChanges) {
  // Both peers are told the other's own URI.
  const MsrpSide source = {.peer_path = {"msrp://192.0.2.1:7000/ue;tcp"},
                           .termination = *common::TransportAddress::Parse("192.0.2.9:9000")};
  const MsrpSide sink = {.peer_path = {"msrp://192.0.2.9:9000/peer;tcp"},
                         .termination = *common::TransportAddress::Parse("192.0.2.1:7000")};
  const std::string conversation = absl::StrReplaceAll(
      Joined(Conversation()), {{kFromUePaths, Paths(sink.peer_path[0], source.peer_path[0])}});
  Direction same(*MsrpRewriting::Create(source, sink));
  EXPECT_EQ(same.Take(conversation), conversation);
  EXPECT_EQ(same.counters.not_addressed, 1u);
  const absl::StatusOr<absl::Span<const char>> result = same.transformer.Transform(conversation);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->data(), conversation.data());
}

TEST(MsrpTransformerTest, OctetsInWhichNothingChangesAreNotCopied) {
  FromUe up;
  up.Take(absl::StrCat("MSRP a786 SEND\r\n", kFromUePaths, "\r\n"));
  const std::string body(kTurnSize, 'x');
  absl::StatusOr<absl::Span<const char>> result = up.transformer.Transform(body);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->data(), body.data());
  EXPECT_EQ(result->size(), body.size());

  // Its end and the beginning of a head, which is kept back.
  const std::string end = "x\r\n-------a786$\r\nMSRP ";
  result = up.transformer.Transform(end);
  EXPECT_EQ(result->data(), end.data());
  EXPECT_EQ(result->size(), end.size() - 5);

  // A stray message.
  Direction nobody{MsrpRewriting()};
  const std::string stray = Send("a786", kFromUePaths, "hello");
  result = nobody.transformer.Transform(stray);
  EXPECT_EQ(result->data(), stray.data());
  EXPECT_EQ(result->size(), stray.size());
}

TEST(MsrpTransformerTest, WhatABusyStreamNeedsIsKept) {
  FromUe up;
  std::string turn = Send("a786", kFromUePaths, std::string(kBusyTurnSize - 2000, 'x'));
  for (int i = 0; i < 3; ++i) {
    up.Take(turn);
    const char* const kept = up.scratch.rewritten.data();
    EXPECT_EQ(up.Take(turn), AtThePeer(turn));
    EXPECT_EQ(up.scratch.rewritten.data(), kept);
    // A little more than before, which doubles what is kept.
    turn.insert(0, Send("b786", kFromUePaths, std::string(200, 'x')));
  }
}

TEST(MsrpTransformerTest, MuchThatWasPutTogetherOnceIsGivenBack) {
  const std::string path =
      absl::StrCat("msrp://relay.example:1/", std::string(1900, 'r'), ";tcp ", kPeer);
  FromUe up(path);
  const std::string small = absl::StrCat("MSRP a786 200 OK\r\n", kFromUePaths, "-------a786$\r\n");
  std::string many;
  while (many.size() + small.size() <= kTurnSize) absl::StrAppend(&many, small);
  EXPECT_GT(up.Take(many).size(), 10 * kTurnSize);
  up.Take(small);
  EXPECT_LT(up.scratch.rewritten.capacity(), kTurnSize);
}

TEST(MsrpTransformerTest, AStreamAtRestIsSmall) { EXPECT_LE(sizeof(MsrpTransformer), 256u); }

TEST(MsrpTransformerTest, PathsMayBeReplacedBetweenMessagesAndAmidABody) {
  FromUe up;
  std::string output = up.Take(absl::StrCat("MSRP a786 SEND\r\n", kFromUePaths, "\r\nhel"));
  const std::string new_peer = "msrp://192.0.2.10:9000/new;tcp";
  up.transformer.SetRewriting(*MsrpRewriting::Create(Access(), Core(new_peer)));
  absl::StrAppend(&output, up.Take("lo\r\n-------a786$\r\n"));
  EXPECT_EQ(output,
            absl::StrCat("MSRP a786 SEND\r\n", kToPeerPaths, "\r\nhello\r\n-------a786$\r\n"));
  const std::string new_peer_at_t1 = "msrps://[2001:db8::1]:20000/new;tcp";
  EXPECT_EQ(up.Take(Send("b786", Paths(new_peer_at_t1, kUe), "hello")),
            Send("b786", Paths(new_peer, kUeAtT2), "hello"));
}

TEST(MsrpTransformerTest, AFramingErrorIsCountedByItsCauseAndNamed) {
  FromUe up;
  const std::string good = Send("a786", kFromUePaths, "hello");
  up.Take(absl::StrCat(good, "GET / HTTP/1.1\r\n"));
  EXPECT_THAT(up.status, StatusIs(absl::StatusCode::kInvalidArgument,
                                  std::string(TextOf(MsrpFramingError::kNotMsrp))));
  EXPECT_EQ(up.counters.framing_errors[static_cast<size_t>(MsrpFramingError::kNotMsrp)], 1u);
}

TEST(MsrpTransformerTest, AHeadThatNeverEndsIsAnErrorWhenItIsTooLarge) {
  FromUe up;
  EXPECT_EQ(up.Take(absl::StrCat("MSRP a786 SEND\r\n", kFromUePaths, "X: ")), "");
  const std::string octets(1024, 'x');
  size_t taken = 0;
  for (; up.status.ok() && taken < 2 * kMsrpHeadLimit; taken += octets.size()) up.Take(octets);
  EXPECT_EQ(up.counters.framing_errors[static_cast<size_t>(MsrpFramingError::kHeadTooLarge)], 1u);
  EXPECT_LE(taken, kMsrpHeadLimit + octets.size());
}

TEST(MsrpTransformerTest, AnEndAmidAMessageIsALossAndNoError) {
  for (absl::string_view before : {"MSR", "MSRP a786 SEND\r\nTo-Path: x"}) {
    FromUe up;
    EXPECT_EQ(up.Take(before), "");
    const absl::StatusOr<absl::Span<const char>> rest = up.transformer.Finish();
    ASSERT_THAT(rest, IsOk());
    EXPECT_EQ(rest->size(), 0u);
    EXPECT_EQ(up.counters.cut_off, 1u);
  }
  FromUe up;
  up.Take(absl::StrCat("MSRP a786 SEND\r\n", kFromUePaths, "\r\nhel"));
  ASSERT_THAT(up.transformer.Finish(), IsOk());
  EXPECT_EQ(up.counters.cut_off, 1u);
}

TEST(MsrpTransformerTest, AnEndBetweenMessagesIsNoLoss) {
  FromUe up;
  up.Take(Send("a786", kFromUePaths, "hello"));
  ASSERT_THAT(up.transformer.Finish(), IsOk());
  EXPECT_EQ(up.counters.cut_off, 0u);
}

// What the sink got when the source was replaced after each octet of a message; behind it comes
// another one from the new source.
TEST(MsrpTransformerTest, AReplacedSourceLeavesAbortedOrWholeMessagesBehindWhereverItStopped) {
  const std::string body = "bo\r\n-------a786\r\ndy";
  const std::string message = Send("a786", kFromUePaths, body);
  const std::string next = Send("b786", kFromUePaths, "next");
  for (size_t size = 0; size <= message.size(); ++size) {
    FromUe up;
    std::string output;
    if (size > 0) output = up.Take(absl::string_view(message).substr(0, size));
    const absl::Span<const char> end = up.transformer.OnSourceReplaced();
    output.append(end.data(), end.size());
    // The peer must be able to read it: whole messages, the last one cut short or not there.
    const absl::string_view seen = output;
    MsrpHead head;
    if (!seen.empty()) {
      ASSERT_EQ(head.Parse(seen), MsrpHead::Progress::kComplete) << size;
      EndLineSearch search;
      search.Start("a786");
      const absl::optional<EndLineSearch::Found> found = search.Find(seen.substr(head.size()));
      ASSERT_TRUE(found.has_value()) << seen;
      EXPECT_EQ(head.size() + found->size, seen.size()) << seen;
      const bool flag_was_seen = size >= message.size() - 2;
      EXPECT_EQ(found->flag, flag_was_seen ? '$' : '#') << size;
      EXPECT_EQ(up.counters.complete_messages, flag_was_seen ? 1u : 0u);
      EXPECT_EQ(up.counters.cut_off, flag_was_seen ? 0u : 1u);
    }
    EXPECT_EQ(up.Take(next), AtThePeer(next)) << size;
  }
}

TEST(MsrpTransformerTest, OfAMessageOfWhichTheSinkHasSeenNothingAReplacedSourceLeavesNothing) {
  FromUe up;
  EXPECT_EQ(up.Take(absl::StrCat("MSRP a786 SEND\r\n", kFromUePaths, "\r")), "");
  EXPECT_TRUE(up.transformer.OnSourceReplaced().empty());
  EXPECT_EQ(up.counters.cut_off, 1u);
}

TEST(MsrpTransformerTest, AReplacedSinkGetsWholeMessagesOnly) {
  const std::string message = Send("a786", kFromUePaths, "body");
  const std::string next = Send("b786", kFromUePaths, "next");
  const size_t head_size = message.find("body");
  for (size_t size = 0; size <= message.size(); ++size) {
    FromUe up;
    if (size > 0) up.Take(absl::string_view(message).substr(0, size));
    up.transformer.OnSinkReplaced();
    const std::string rest = absl::StrCat(absl::string_view(message).substr(size), next);
    const bool amid_body = size >= head_size && size < message.size();
    const bool before_it = size < head_size;
    EXPECT_EQ(up.Take(rest), absl::StrCat(before_it ? AtThePeer(message) : "", AtThePeer(next)))
        << size;
    EXPECT_EQ(up.counters.dropped, amid_body ? 1u : 0u) << size;
  }
}

TEST(MsrpTransformerTest, WhenBothAreReplacedTheNewOnesBeginAnew) {
  FromUe up;
  up.Take(absl::StrCat("MSRP a786 SEND\r\n", kFromUePaths, "\r\nhel"));
  up.transformer.OnSinkReplaced();
  EXPECT_TRUE(up.transformer.OnSourceReplaced().empty());
  const std::string next = Send("b786", kFromUePaths, "next");
  EXPECT_EQ(up.Take(next), AtThePeer(next));
}

}  // namespace
}  // namespace agw
