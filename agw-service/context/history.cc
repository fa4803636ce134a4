#include "agw-service/context/history.h"

#include <type_traits>
#include <utility>

#include "common/check.h"

namespace agw {
namespace {

// Most sessions have few entries, so the memory grows in small steps.
constexpr size_t kStep = 4;

}  // namespace

template <typename T>
class History::KeptAs final : public Kept {
 public:
  explicit KeptAs(T value) : value_(std::move(value)) {}
  What what() const override {
    if constexpr (std::is_same_v<T, ProcedureCall>)
      return value_;
    else
      return EventKind(value_);
  }

 private:
  const T value_;
};

void History::Add(const HistoryEntry& entry) {
  if (records_.size() >= limit_) {
    ++forgotten_count_;
    if (records_.empty()) return;
    records_.erase(records_.begin());
  }
  Record record{absl::ToUnixNanos(entry.time), entry.stream_id, entry.side, {}, nullptr};
  if (const auto* call = absl::get_if<ProcedureCall>(&entry.what)) {
    record.procedure = call->procedure;
    if (!call->error_reason.empty()) record.kept = std::make_unique<KeptAs<ProcedureCall>>(*call);
  } else {
    record.kept = absl::visit(
        [](const auto& kind) -> std::unique_ptr<const Kept> {
          return std::make_unique<KeptAs<std::decay_t<decltype(kind)>>>(kind);
        },
        absl::get<EventKind>(entry.what));
  }
  if (records_.size() == records_.capacity()) records_.reserve(records_.size() + kStep);
  records_.push_back(std::move(record));
}

void History::SetErrorReason(std::string reason) {
  if (records_.empty()) return;
  Record& call = records_.back();
  CHECK(call.kept == nullptr);
  call.kept =
      std::make_unique<KeptAs<ProcedureCall>>(ProcedureCall{call.procedure, std::move(reason)});
}

std::vector<HistoryEntry> History::entries() const {
  std::vector<HistoryEntry> entries;
  entries.reserve(records_.size());
  for (const Record& record : records_) {
    entries.push_back(
        {absl::FromUnixNanos(record.unix_nanoseconds), record.stream_id, record.side,
         record.kept != nullptr ? record.kept->what() : What(ProcedureCall{record.procedure, ""})});
  }
  return entries;
}

}  // namespace agw
