#include "agw-service/msrp/msrp_transformer.h"

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agw-service/bearer/scratch.h"
#include "common/status_macros.h"

namespace agw {
namespace {

// What is more than the largest turn needs, in memory that grows by doubling, is given back.
constexpr size_t kScratchLimit = 4 * kBusyTurnSize;

}  // namespace

// What goes to the sink: pieces of one turn as long as they follow each other there, which need not
// be moved, and a copy from the first one that does not.
class MsrpTransformer::Output {
 public:
  explicit Output(std::string& copy) : copy_(copy) {}

  // `piece` stays where it is.
  void Append(absl::string_view piece) {
    if (piece.empty()) return;
    if (!copying_ && (view_.empty() || view_.data() + view_.size() == piece.data())) {
      view_ = view_.empty() ? piece : absl::string_view(view_.data(), view_.size() + piece.size());
      return;
    }
    AppendCopy(piece);
  }

  void AppendCopy(absl::string_view piece) {
    if (!copying_) {
      if (copy_.capacity() > kScratchLimit) std::string().swap(copy_);
      copy_.assign(view_.data(), view_.size());
      copying_ = true;
    }
    copy_.append(piece.data(), piece.size());
  }

  absl::Span<const char> octets() const {
    return copying_ ? absl::MakeConstSpan(copy_) : absl::MakeConstSpan(view_);
  }

 private:
  std::string& copy_;
  absl::string_view view_;
  bool copying_ = false;
};

absl::StatusOr<absl::Span<const char>> MsrpTransformer::Transform(absl::Span<const char> bytes) {
  Output output(scratch_.rewritten);
  absl::string_view rest(bytes.data(), bytes.size());
  while (!rest.empty()) {
    if (part_ == Part::kHead) {
      RETURN_IF_ERROR(TakeHead(rest, output));
      continue;
    }
    const absl::optional<EndLineSearch::Found> end = end_line_search_.Find(rest);
    const size_t size = end.has_value() ? end->size : rest.size();
    if (part_ == Part::kBody) output.Append(rest.substr(0, size));
    rest.remove_prefix(size);
    if (end.has_value()) EndMessage(end->flag);
  }
  return output.octets();
}

absl::Status MsrpTransformer::TakeHead(absl::string_view& rest, Output& output) {
  const bool kept = kept_back_ != nullptr;
  absl::string_view octets = rest;
  if (kept) {
    // A line, for what follows the head has no place there.
    const size_t line_feed = rest.find('\n');
    size_t size = line_feed == absl::string_view::npos ? rest.size() : line_feed + 1;
    size = std::min(size, kMsrpHeadLimit + 1 - kept_back_->size());
    kept_back_->append(rest.data(), size);
    rest.remove_prefix(size);
    octets = *kept_back_;
  }
  switch (head_.Parse(octets)) {
    case MsrpHead::Progress::kBroken:
      ++counters_.framing_errors[static_cast<size_t>(head_.error())];
      return absl::InvalidArgumentError(TextOf(head_.error()));
    case MsrpHead::Progress::kIncomplete:
      if (!kept) {
        kept_back_ = std::make_unique<std::string>(rest);
        rest = {};
      }
      return absl::OkStatus();
    case MsrpHead::Progress::kComplete:
      break;
  }
  octets = octets.substr(0, head_.size());
  if (!kept) rest.remove_prefix(head_.size());
  PassHead(octets, kept, output);
  return absl::OkStatus();
}

void MsrpTransformer::PassHead(absl::string_view octets, bool kept, Output& output) {
  const auto append = [&](absl::string_view piece) {
    kept ? output.AppendCopy(piece) : output.Append(piece);
  };
  is_send_ = head_.is_request() && head_.method() == MsrpMethod::kSend;
  ++(head_.is_request() ? counters_.requests[static_cast<size_t>(head_.method())]
                        : counters_.responses[head_.code_index()]);

  const absl::string_view to_path = head_.to_path(octets);
  const absl::string_view from_path = head_.from_path(octets);
  const bool names_us = rewriting_.NamesUs(to_path);
  if (!names_us) ++counters_.not_addressed;
  const absl::string_view new_to_path = !names_us            ? to_path
                                        : head_.is_request() ? rewriting_.to_path_of_request()
                                                             : rewriting_.to_path_of_response();
  const absl::string_view new_from_path = names_us ? rewriting_.from_path() : from_path;
  if (to_path == new_to_path && from_path == new_from_path) {
    append(octets);
  } else {
    const char* const behind_to_path = to_path.data() + to_path.size();
    const char* const behind_from_path = from_path.data() + from_path.size();
    append(octets.substr(0, to_path.data() - octets.data()));
    output.AppendCopy(new_to_path);
    append({behind_to_path, static_cast<size_t>(from_path.data() - behind_to_path)});
    output.AppendCopy(new_from_path);
    append(octets.substr(behind_from_path - octets.data()));
  }

  if (head_.end_flag() != '\0') {
    EndMessage(head_.end_flag());
  } else {
    end_line_search_.Start(head_.transaction_id(octets));
    part_ = Part::kBody;
  }
  ForgetHead();
}

void MsrpTransformer::EndMessage(char flag) {
  if (is_send_) {
    ++(flag == '+'   ? counters_.chunks
       : flag == '$' ? counters_.complete_messages
                     : counters_.aborted_messages);
  }
  part_ = Part::kHead;
}

void MsrpTransformer::ForgetHead() {
  kept_back_.reset();
  head_ = MsrpHead();
}

absl::StatusOr<absl::Span<const char>> MsrpTransformer::Finish() {
  if (part_ != Part::kHead || kept_back_ != nullptr) ++counters_.cut_off;
  ForgetHead();
  return absl::Span<const char>();
}

absl::Span<const char> MsrpTransformer::OnSourceReplaced() {
  if (part_ == Part::kHead && kept_back_ == nullptr) return {};
  const bool sink_has_its_head = part_ == Part::kBody;
  const char flag = part_ == Part::kHead ? '\0' : end_line_search_.flag_seen();
  ForgetHead();
  if (flag == '\0') {
    ++counters_.cut_off;
    part_ = Part::kHead;
  } else {
    EndMessage(flag);
  }
  if (!sink_has_its_head) return {};
  scratch_.rewritten = end_line_search_.Completion();
  return absl::MakeConstSpan(scratch_.rewritten);
}

void MsrpTransformer::OnSinkReplaced() {
  if (part_ != Part::kBody) return;
  ++counters_.dropped;
  part_ = Part::kDroppedBody;
}

}  // namespace agw
