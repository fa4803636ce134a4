#include "agw-service/context/syn_drop_watch.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "agw-service/context/connection_point.h"

namespace agw {

SynDropWatch::Gate::Gate(SynDropWatch& watch, std::function<void(uint64_t)> report)
    : watch_(watch), report_(std::move(report)) {}

SynDropWatch::Gate::~Gate() { Leave(); }

void SynDropWatch::Gate::Start(const ConnectionPoint& point) {
  if (point_ == nullptr) {
    place_ = watch_.gates_.insert(watch_.gates_.end(), this);
    if (watch_.next_ == watch_.gates_.end()) watch_.next_ = place_;
  }
  point_ = &point;
  if (!watch_.timer_.running()) {
    watch_.timer_.Start(absl::Seconds(1), [watch = &watch_] { watch->GoRound(); });
  }
  Look(point);
  ReportUnreported();
}

void SynDropWatch::Gate::Stop(const ConnectionPoint& point) {
  Leave();
  Look(point);
  ReportUnreported();
}

void SynDropWatch::Gate::Leave() {
  if (point_ == nullptr) return;
  point_ = nullptr;
  if (watch_.next_ == place_) ++watch_.next_;
  watch_.gates_.erase(place_);
  if (watch_.gates_.empty()) watch_.timer_.Cancel();
}

void SynDropWatch::Gate::Look(const ConnectionPoint& point) {
  const uint64_t dropped = point.DroppedSynCount();
  if (dropped == seen_) return;
  watch_.count_(dropped - seen_);
  seen_ = dropped;
}

void SynDropWatch::Gate::ReportUnreported() {
  if (seen_ == reported_) return;
  const uint64_t count = seen_ - reported_;
  reported_ = seen_;
  report_(count);
}

void SynDropWatch::GoRound() {
  timer_.Start(absl::Seconds(1), [this] { GoRound(); });
  size_t reports_left = limits_.reports_per_second;
  Gate* first_unreported = nullptr;
  for (size_t looks = std::min(limits_.looks_per_second, gates_.size()); looks > 0; --looks) {
    if (next_ == gates_.end()) next_ = gates_.begin();
    Gate& gate = **next_++;
    gate.Look(*gate.point_);
    if (gate.seen_ == gate.reported_) continue;
    if (reports_left > 0) {
      --reports_left;
      gate.ReportUnreported();
    } else if (first_unreported == nullptr) {
      first_unreported = &gate;
    }
  }
  // So that all have their turn, also where many have something to report.
  if (first_unreported != nullptr) next_ = first_unreported->place_;
}

}  // namespace agw
