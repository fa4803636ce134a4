#include "agw-service/worker/context_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agw-service/context/iq_error.h"
#include "common/check.h"
#include "common/error.h"

namespace agw {
namespace {

// Of one context. A session takes three to eight; more would be retries of long ago.
constexpr size_t kTransactionLimit = 16;

// How long, and for how many contexts, the reply to a release is kept.
constexpr absl::Duration kReleaseMemory = absl::Minutes(1);
constexpr size_t kReleaseLimit = 65536;

// A session that could not be completed is not begun: two terminations at least. Only looked at:
// where two begin at the same time, their terminations take what there is, and one may be refused.
constexpr int64_t kDescriptorsPerSession = 2 * kDescriptorsPerTermination;

absl::StatusOr<absl::optional<std::string>> ReplyOf(const Transaction& transaction,
                                                    size_t content) {
  if (transaction.content == content) return absl::optional<std::string>(transaction.reply);
  return IqError(absl::StatusCode::kInvalidArgument, "TRANSACTION_REUSED",
                 "was used for another request", "transaction_id");
}

}  // namespace

ContextTable::~ContextTable() {
  for (size_t i = 0; i < contexts_.size(); ++i) admission_.Leave();
}

Context* ContextTable::Find(absl::string_view context_id) {
  const auto entry = contexts_.find(context_id);
  if (entry == contexts_.end()) return nullptr;
  entry->second.context->Touch();
  return entry->second.context.get();
}

absl::StatusOr<Context*> ContextTable::FindOrCreate(absl::string_view context_id, bool privileged) {
  if (Context* context = Find(context_id)) return context;
  if (admission_.draining()) {
    return IqError(absl::StatusCode::kUnavailable, "DRAINING", "no new contexts are taken");
  }
  if (admission_.descriptors().available(privileged) < kDescriptorsPerSession) {
    return IqError(absl::StatusCode::kResourceExhausted, "DESCRIPTOR_LIMIT",
                   "the file descriptors are not enough for one more session");
  }
  if (!admission_.Admit(privileged)) {
    return IqError(absl::StatusCode::kResourceExhausted, "CONTEXT_LIMIT",
                   absl::StrCat("there are ", admission_.context_count(), " contexts already"));
  }
  const std::string id(context_id);
  auto context = std::make_unique<Context>(resources_, id, [this, id] { ReleaseHanging(id); });
  Context* result = context.get();
  contexts_.emplace(id, Entry{std::move(context), {}});
  return result;
}

void ContextTable::EraseIfEmpty(absl::string_view context_id) {
  const auto entry = contexts_.find(context_id);
  if (entry == contexts_.end() || !entry->second.context->empty()) return;
  contexts_.erase(entry);
  admission_.Leave();
}

void ContextTable::ReleaseHanging(const std::string& context_id) {
  const std::string id = context_id;  // The argument belongs to the context.
  contexts_.erase(contexts_.find(id));
  admission_.Leave();
  resources_.event_sink(Event{absl::Now(), id, 0, absl::nullopt, HangingTermination{}});
}

void ContextTable::CountRefusal(const absl::Status& reserved) {
  static constexpr std::pair<absl::string_view, Admission::Refusal> kReasons[] = {
      {"DRAINING", Admission::Refusal::kDraining},
      {"CONTEXT_LIMIT", Admission::Refusal::kContextLimit},
      {"DESCRIPTOR_LIMIT", Admission::Refusal::kDescriptorLimit},
      {"NO_FREE_PORT", Admission::Refusal::kNoFreePort},
  };
  const std::string reason_of_status = common::ErrorReasonOf(reserved);
  for (const auto& [reason, refusal] : kReasons) {
    if (reason == reason_of_status) admission_.CountRefusal(refusal);
  }
}

void ContextTable::CloseAll(absl::Duration over) {
  if (contexts_.empty()) return;
  CloseNext(resources_.loop.Now(), over / static_cast<int64_t>(contexts_.size()));
}

// Timers are coarse, so more than one may be due.
void ContextTable::CloseNext(common::MonotonicTime due, absl::Duration interval) {
  while (!contexts_.empty() && due <= resources_.loop.Now()) {
    const auto entry = contexts_.begin();
    entry->second.context->CloseForDrain();
    contexts_.erase(entry);
    admission_.CountClosedByDrain();
    admission_.Leave();
    due += interval;
  }
  if (contexts_.empty()) return;
  close_next_.StartAt(due, [this, due, interval] { CloseNext(due, interval); });
}

absl::StatusOr<absl::optional<std::string>> ContextTable::Replay(absl::string_view context_id,
                                                                 absl::string_view transaction_id,
                                                                 size_t content) {
  const auto entry = contexts_.find(context_id);
  if (entry != contexts_.end()) {
    for (const Transaction& transaction : entry->second.transactions) {
      if (transaction.id == transaction_id) return ReplyOf(transaction, content);
    }
  }
  ForgetOldReleases();
  const auto release = releases_.find(context_id);
  if (release == releases_.end() || release->second.transaction.id != transaction_id) {
    return absl::optional<std::string>();
  }
  return ReplyOf(release->second.transaction, content);
}

void ContextTable::Remember(absl::string_view context_id, Transaction transaction) {
  const auto entry = contexts_.find(context_id);
  CHECK(entry != contexts_.end());
  std::vector<Transaction>& transactions = entry->second.transactions;
  if (transactions.size() == kTransactionLimit) transactions.erase(transactions.begin());
  // In small steps: most sessions have three until they are released.
  if (transactions.size() == transactions.capacity()) transactions.reserve(transactions.size() + 3);
  transactions.push_back(std::move(transaction));
}

void ContextTable::RememberRelease(absl::string_view context_id, Transaction transaction) {
  const common::MonotonicTime now = resources_.loop.Now();
  releases_[context_id] = Release{std::move(transaction), now};
  release_order_.emplace_back(now, std::string(context_id));
  ForgetOldReleases();
}

void ContextTable::ForgetOldReleases() {
  const common::MonotonicTime horizon = resources_.loop.Now() - kReleaseMemory;
  while (!release_order_.empty() &&
         (release_order_.front().first < horizon || release_order_.size() > kReleaseLimit)) {
    // A context of the same name may have been released since.
    const auto& [time, context_id] = release_order_.front();
    const auto release = releases_.find(context_id);
    if (release != releases_.end() && release->second.time == time) releases_.erase(release);
    release_order_.pop_front();
  }
}

std::vector<std::string> ContextTable::List(absl::string_view after, size_t limit) const {
  std::vector<std::string> ids;
  for (auto entry = contexts_.upper_bound(after); entry != contexts_.end() && ids.size() < limit;
       ++entry) {
    ids.push_back(entry->first);
  }
  return ids;
}

}  // namespace agw
